//! A host name of its own for short links: it serves links and nothing else, so that a link in a text never leads into
//! the console, and a cookie of the console never goes there.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::header;

use crate::{ApiConfig, AppState, links};

/// Answers 404 to everything but links on the link host.
pub(crate) async fn restrict(State(state): State<AppState>, request: Request, next: Next) -> Response {
    // Links themselves do not come this way.
    if is_on_it(&state.config, &request) { links::unknown_page() } else { next.run(request).await }
}

/// Whether a request was made to the link host.
pub(crate) fn is_on_it(config: &ApiConfig, request: &Request) -> bool {
    config.link_host.as_deref().is_some_and(|link_host| host_of(request).eq_ignore_ascii_case(link_host))
}

/// The name a request was made to, without its port.
pub(crate) fn host_of(request: &Request) -> &str {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|value| value.to_str().ok())
        .or_else(|| request.uri().authority().map(http::uri::Authority::as_str))
        .unwrap_or_default();
    host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())).map_or(host, |(name, _)| name)
}
