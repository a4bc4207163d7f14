//! The outermost layer: a request's id, its line in the log, its place in the metrics, and the last form of problems.
//!
//! Logged are the path's *template*, the status and the duration; never the path itself, the query, a body or an
//! address, since those can hold personal data.

use std::any::Any;

use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::{AppState, problem::Problem};

/// Header with the request's id.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Runs a request under an id.
pub(crate) async fn observe(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let id = given_id(&request).unwrap_or_else(|| state.ctx.uuid().simple().to_string());
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let method = method_name(request.method());
    request.extensions_mut().insert(state);
    let span = tracing::info_span!("request", request_id = %id, method, route);
    let started = Instant::now();
    let mut response = finish(next.run(request).instrument(span.clone()).await, &id);
    let (status, duration) = (response.status(), started.elapsed());
    let _entered = span.enter();
    let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if status.is_server_error() {
        tracing::error!(status = status.as_u16(), milliseconds, "request failed");
    } else {
        tracing::info!(status = status.as_u16(), milliseconds, "request");
    }
    metrics::histogram!(
        "segue_http_request_seconds",
        "method" => method,
        "route" => route,
        "status" => status.as_u16().to_string(),
    )
    .record(duration.as_secs_f64());
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// The method as metrics name it. Anybody can invent methods, and each name would be a series that stays for ever.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => "other",
    }
}

/// An id that the proxy in front gave, when it is short and plain.
fn given_id(request: &Request) -> Option<String> {
    let text = request.headers().get(REQUEST_ID)?.to_str().ok()?;
    let plain = (8..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    plain.then(|| text.to_owned())
}

/// Writes problems out with the request's id, and gives the router's own bare refusals words.
fn finish(response: Response, id: &str) -> Response {
    let problem = response.extensions().get::<Problem>().cloned().or_else(|| bare_refusal(&response));
    let Some(problem) = problem else { return response };
    let mut finished = problem.respond(Some(id));
    for (name, value) in response.headers() {
        if ![header::CONTENT_TYPE, header::CONTENT_LENGTH, header::RETRY_AFTER, header::CACHE_CONTROL].contains(name) {
            finished.headers_mut().insert(name.clone(), value.clone());
        }
    }
    finished
}

fn bare_refusal(response: &Response) -> Option<Problem> {
    let has_words = response.headers().contains_key(header::CONTENT_TYPE);
    (response.status() == StatusCode::METHOD_NOT_ALLOWED && !has_words).then(|| {
        Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "This address does not take this method. The header Allow names those it takes.",
        )
    })
}

/// The answer to a panic: 500 without a word of it; the panic itself is in the log.
pub(crate) fn panicked(panic: Box<dyn Any + Send>) -> Response<Body> {
    let words = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    tracing::error!(panic = words, "a request handler panicked");
    Problem::internal().into_response()
}
