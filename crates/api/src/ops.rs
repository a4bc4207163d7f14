//! What operators and their machines ask: alive, ready, metrics, the API's own description.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use segue_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{AppState, extract::Json, guard::Guard, problem::Problem};

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::anybody().routes(routes!(live)))
        .routes(Guard::anybody().routes(routes!(ready)))
        .routes(Guard::anybody().routes(routes!(metrics)))
        .routes(Guard::anybody().routes(routes!(document)))
}

/// How the server is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    pub status: &'static str,
    pub version: &'static str,
    /// Version of the database's schema.
    pub schema_version: i64,
}

impl Health {
    const OK: Self =
        Self { status: "ok", version: env!("CARGO_PKG_VERSION"), schema_version: segue_store::SCHEMA_VERSION };
}

/// Whether the process is alive.
#[utoipa::path(get, path = "/livez", operation_id = "is_alive", tag = "operations", responses((status = 200, body = Health)))]
async fn live() -> Json<Health> {
    Json(Health::OK)
}

/// Whether the server can work: the database takes writes. Its migrations ran before the server began to listen.
#[utoipa::path(get, path = "/readyz", operation_id = "is_ready", tag = "operations", responses((status = 200, body = Health)))]
async fn ready(State(state): State<AppState>) -> Result<Json<Health>, Problem> {
    if state.shutdown.is_cancelled() {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "shutting_down", "The server is shutting down."));
    }
    let at = state.ctx.now().0.to_be_bytes();
    // A row that exists is written to: what counts is that the transaction commits.
    let written = state.store.write(move |tx| tx.secret_or("readiness_probe", &at).map(drop)).await;
    written.map_err(|error: StoreError| Problem::from(error))?;
    Ok(Json(Health::OK))
}

/// Metrics in the text format of Prometheus. Keep this address inside: put a proxy rule before it.
#[utoipa::path(get, path = "/metrics", operation_id = "get_metrics", tag = "operations",
    responses((status = 200, body = String, content_type = "text/plain")))]
async fn metrics(State(state): State<AppState>) -> Response {
    let Some(handle) = &state.metrics else { return Problem::not_found("address").into_response() };
    metrics::gauge!("segue_event_stream_users").set(state.connected_users() as f64);
    handle.run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], handle.render()).into_response()
}

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", operation_id = "get_openapi", tag = "operations",
    responses((status = 200, body = Object, content_type = "application/json")))]
async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(crate::openapi())
}
