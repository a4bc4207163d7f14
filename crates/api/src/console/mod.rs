//! The console: files built from `web/`, embedded in the binary, or read from a directory while working on them.
//!
//! Files under `/assets/` carry a hash of their content in their names and are kept by browsers for good; `index.html`
//! is asked for again every time and answered 304 when it is the same. Any other address without a dot is a page of the
//! console and gets `index.html`; an unknown file is 404 and never a page.

mod directory;

use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::{AppState, problem::Problem};

/// One embedded file; paths begin with `/` and are in order.
struct File {
    path: &'static str,
    /// In quotes, from the content.
    etag: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/console.rs"));

/// Whether the binary carries the console.
#[must_use]
pub const fn is_embedded() -> bool {
    !FILES.is_empty()
}

/// Answers everything that no other route takes.
pub(crate) async fn serve(State(state): State<AppState>, request: Request) -> Response {
    let path = request.uri().path();
    let is_page_or_file = !["/api", "/webhooks", "/l"]
        .iter()
        .any(|prefix| path == *prefix || path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/')));
    if !is_page_or_file {
        return Problem::not_found("address").into_response();
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let has_extension = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    let wanted = if has_extension || path.starts_with("/assets/") { path } else { "/index.html" };
    if let Some(directory) = &state.config.console_directory {
        return directory::serve(directory, wanted).await;
    }
    match find(FILES, wanted) {
        Some(file) => file.respond(request.headers()),
        None if FILES.is_empty() && wanted == "/index.html" => placeholder(),
        None => Problem::not_found("file").into_response(),
    }
}

fn find<'f>(files: &'f [File], path: &str) -> Option<&'f File> {
    files.binary_search_by(|file| file.path.cmp(path)).ok().map(|position| &files[position])
}

impl File {
    fn respond(&self, headers: &HeaderMap) -> Response {
        let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let unchanged = known
            .flat_map(|value| value.split(','))
            .any(|tag| tag.trim().trim_start_matches("W/") == self.etag || tag.trim() == "*");
        let (body, encoding) = if unchanged { (&[][..], None) } else { self.encoded(headers) };
        let mut response = Response::new(Body::from(body));
        if unchanged {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let answer = response.headers_mut();
        answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(mime(self.path)));
        answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache(self.path)));
        answer.insert(header::ETAG, HeaderValue::from_static(self.etag));
        answer.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if let Some(encoding) = encoding {
            answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        response
    }

    fn encoded(&self, headers: &HeaderMap) -> (&'static [u8], Option<&'static str>) {
        let candidates = [("br", self.brotli), ("gzip", self.gzip)];
        candidates
            .into_iter()
            .find_map(|(name, body)| body.filter(|_| accepts(headers, name)).map(|body| (body, Some(name))))
            .unwrap_or((self.plain, None))
    }
}

/// Whether the client takes an encoding; `;q=0` means it does not.
fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| {
        let (name, quality) = part.split_once(';').unwrap_or((part, ""));
        let quality = quality.trim().strip_prefix("q=").and_then(|text| text.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case(encoding) && quality.is_none_or(|quality| quality > 0.0)
    })
}

fn cache(path: &str) -> &'static str {
    if path.starts_with("/assets/") { "public, max-age=31536000, immutable" } else { "no-cache" }
}

fn mime(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn placeholder() -> Response {
    let html = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Segue</title></head><body>\
        <h1>Segue is running without its console</h1><p>This binary was built before the console. Build both, then \
        start again:</p><pre>cd web &amp;&amp; npm ci &amp;&amp; npm run build &amp;&amp; cd ..\nCONSOLE_REQUIRED=1 cargo \
        build --release</pre><p>The API works: see <a href=\"/api/openapi.json\">/api/openapi.json</a>.</p></body></html>";
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    (headers, html).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &[File] = &[
        File { path: "/assets/a.js", etag: "\"1\"", plain: b"plain", brotli: Some(b"br"), gzip: Some(b"gz") },
        File { path: "/index.html", etag: "\"2\"", plain: b"<html>", brotli: None, gzip: None },
    ];

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn the_best_encoding_the_client_takes_is_chosen() {
        let file = find(SAMPLE, "/assets/a.js").unwrap();
        let body = |accept| file.encoded(&headers(&[("accept-encoding", accept)])).0;
        assert_eq!(body("gzip, deflate, br"), b"br");
        assert_eq!(body("gzip, br;q=0"), b"gz");
        assert_eq!(body("identity"), b"plain");
    }

    #[test]
    fn the_embedded_table_is_in_the_order_that_the_search_needs() {
        assert!(FILES.windows(2).all(|pair| pair[0].path < pair[1].path));
        assert!(find(SAMPLE, "/assets/b.js").is_none());
    }

    #[test]
    fn a_page_that_is_the_same_is_not_sent_again() {
        let page = find(SAMPLE, "/index.html").unwrap();
        let same = page.respond(&headers(&[("if-none-match", "W/\"2\"")]));
        assert_eq!(same.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(page.respond(&headers(&[("if-none-match", "\"1\"")])).status(), StatusCode::OK);
        assert_eq!(same.headers()[header::CACHE_CONTROL], "no-cache");
        let asset = find(SAMPLE, "/assets/a.js").unwrap().respond(&headers(&[]));
        assert_eq!(asset.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
    }
}
