//! What every Graph request must have: a living version and the token. And lenient readers for its JSON.

use super::error::GraphError;
use crate::core::Core;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::sync::Arc;

/// The last version that has ended; older ones with it.
const DEAD: u32 = 20;
/// The newest there is.
const CURRENT: u32 = 26;

/// Refuses requests with a dead version or without the token.
pub(crate) async fn guard(State(core): State<Arc<Core>>, request: Request<Body>, next: Next) -> Response {
    let path = request.uri().path();
    let version = path.split('/').nth(1).unwrap_or_default();
    match version.strip_prefix('v').and_then(|v| v.strip_suffix(".0")).and_then(|v| v.parse::<u32>().ok()) {
        None => return GraphError::unknown_path(path).into_response(),
        Some(v) if v <= DEAD => return GraphError::dead_version(version).into_response(),
        Some(v) if v > CURRENT => return GraphError::unknown_path(path).into_response(),
        Some(_) => {}
    }
    match authorise(&core, &request) {
        Err(error) => error.into_response(),
        Ok(()) => next.run(request).await,
    }
}

/// The token stands in the header (`Bearer` or `OAuth`) or in the query.
pub(crate) fn authorise(core: &Core, request: &Request<Body>) -> Result<(), GraphError> {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let from_header = header.and_then(|value| value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("OAuth ")));
    let query = request.uri().query().unwrap_or_default();
    let from_query = query.split('&').find_map(|pair| pair.strip_prefix("access_token="));
    match from_header.or(from_query) {
        None => Err(GraphError::token(104)),
        Some(token) if token.trim() == core.config.access_token => Ok(()),
        Some(_) => Err(GraphError::token(190)),
    }
}

/// A member that is there and not null.
pub(crate) fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.get(name).filter(|member| !member.is_null())
}

/// A member as text; numbers count as text, as on the platform.
pub(crate) fn text(value: &Value, name: &str) -> Option<String> {
    match value.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A member as a list; anything else is the empty list.
pub(crate) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
