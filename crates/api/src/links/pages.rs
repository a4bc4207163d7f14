//! The small pages a customer sees when a link leads nowhere.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

/// A page of words. Nothing of the request stands in it.
pub(crate) fn page(status: StatusCode, title: &str, words: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><meta name=\"robots\" content=\"noindex\"><title>{title}</title>\
         <link rel=\"stylesheet\" href=\"/l/page.css\"></head><body><main><h1>{title}</h1><p>{words}</p></main></body>\
         </html>"
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
     main{max-width:26rem;padding:2rem;text-align:center}h1{font-size:1.375rem;margin:0 0 .5rem}p{margin:0}";

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
