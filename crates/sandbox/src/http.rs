//! The HTTP server: Graph face, Twilio face, handset pages, headless API and `/livez` on one port.

use crate::core::Core;
use crate::graph::error::GraphError;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Images come as base64 in JSON.
const MAX_BODY: usize = 32 * 1024 * 1024;

pub(crate) async fn serve(core: Arc<Core>, listener: TcpListener) {
    let shutdown = core.shutdown.clone();
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
    });
    let served = axum::serve(listener, router(core)).with_graceful_shutdown(async move { shutdown.cancelled().await });
    if let Err(error) = served.await {
        tracing::error!(%error, "the HTTP server of the sandbox ended");
    }
}

fn router(core: Arc<Core>) -> Router {
    Router::new()
        .merge(crate::graph::router(&core))
        .merge(crate::twilio::router())
        .merge(crate::phone::router())
        .nest("/sandbox/v1", crate::api::router())
        .route("/livez", get(|| async { "ok" }))
        .fallback(unknown)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(core)
}

async fn unknown(request: Request) -> Response {
    GraphError::unknown_path(request.uri().path()).into_response()
}
