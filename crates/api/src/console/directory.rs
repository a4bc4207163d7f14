//! The console from a directory, for work on it.

use std::path::{Component, Path};

use axum::response::{IntoResponse, Response};
use http::header;

use super::{cache, mime};
use crate::problem::Problem;

/// Serves one file below `directory`; nothing outside of it.
pub(super) async fn serve(directory: &Path, wanted: &str) -> Response {
    let relative = Path::new(wanted.trim_start_matches('/'));
    if !relative.components().all(|component| matches!(component, Component::Normal(_))) {
        return Problem::not_found("file").into_response();
    }
    match tokio::fs::read(directory.join(relative)).await {
        Ok(body) => {
            ([(header::CONTENT_TYPE, mime(wanted)), (header::CACHE_CONTROL, cache(wanted))], body).into_response()
        }
        Err(_) => Problem::not_found("file").into_response(),
    }
}
