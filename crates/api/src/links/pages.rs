//! The small pages a customer sees when a link leads nowhere.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

/// What the pages may load and do: their style, a QR code, and the form on the page before the chat.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";

/// A page of words. Nothing of the request stands in it.
fn page(status: StatusCode, title: &str, words: &str) -> Response {
    document(status, "en", title, &format!("<h1>{title}</h1><p>{words}</p>"))
}

/// A page with this body, which is HTML.
pub(super) fn document(status: StatusCode, language: &str, title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"{language}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><meta name=\"robots\" content=\"noindex\"><title>{title}</title>\
         <link rel=\"stylesheet\" href=\"/l/page.css\"></head><body><main>{body}</main></body></html>"
    );
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-robots-tag", HeaderValue::from_static("noindex"));
    response
}

/// The pages' style; a file of its own, because the policy refuses inline styles.
pub(crate) const STYLE: &str = "body{margin:0;min-height:100vh;display:grid;place-items:center;\
     font:1.0625rem/1.5 system-ui,sans-serif;background:Canvas;color:CanvasText;color-scheme:light dark}\
     main{max-width:26rem;padding:2rem;text-align:center}h1{font-size:1.375rem;margin:0 0 .5rem}p{margin:0 0 1rem}\
     img{background:#fff;border-radius:.5rem;margin:0 0 1rem}\
     .button{display:inline-block;font:inherit;font-weight:600;color:#fff;background:#0b6b4f;border:0;\
     border-radius:.5rem;padding:.75rem 1.5rem;text-decoration:none;cursor:pointer}\
     .button:focus-visible{outline:3px solid CanvasText;outline-offset:2px}\
     label{display:flex;gap:.75rem;align-items:start;text-align:start;margin:0 0 1rem}\
     input{width:1.25rem;height:1.25rem;margin:.125rem 0 0;flex:none}\
     .legal{font-size:.875rem;margin:1rem 0 0}";

pub(crate) fn unknown() -> Response {
    page(
        StatusCode::NOT_FOUND,
        "This link is not known",
        "It may have been cut off when it was copied. Open it from the message again.",
    )
}

pub(crate) fn expired() -> Response {
    page(
        StatusCode::GONE,
        "This link has expired",
        "The campaign it belongs to has ended. Write to the company in another way.",
    )
}

pub(crate) fn verified() -> Response {
    page(StatusCode::OK, "This host name leads to Segue", "Short links can stand on it now. You can close this page.")
}

pub(crate) fn stopped() -> Response {
    page(
        StatusCode::GONE,
        "This link has been turned off",
        "The company that sent it has turned it off. Nothing is wrong with your phone; write to the company in another \
         way.",
    )
}

pub(crate) fn too_many() -> Response {
    let mut response = page(
        StatusCode::TOO_MANY_REQUESTS,
        "Please wait a moment",
        "Too many unknown links were opened from your network. Try again in a minute.",
    );
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
    response
}

pub(crate) fn unavailable() -> Response {
    let mut response = page(
        StatusCode::SERVICE_UNAVAILABLE,
        "Please try again",
        "The link cannot be opened right now. Try again in a few seconds.",
    );
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}
