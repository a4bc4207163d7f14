//! What operators and their machines ask: alive, ready, metrics, the API's own description.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use segue_model::time;
use segue_store::StoreError;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{AppState, MetricsAccess, extract::Json, guard::Guard, problem::Problem};

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::anybody().routes(routes!(live)))
        .routes(Guard::anybody().routes(routes!(ready)))
        .routes(Guard::anybody().routes(routes!(metrics)))
        .routes(Guard::anybody().routes(routes!(document)))
}

/// For so many milliseconds what a look at the database gave is the answer for all who ask whether the server is ready:
/// anybody can ask.
const PROBED_EVERY: i64 = time::SECOND;

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
    // Whoever asks meanwhile waits for what this one learns.
    let mut ready_at = state.ready_at.lock().await;
    let now = state.ctx.now();
    if ready_at.is_none_or(|at| !(0..PROBED_EVERY).contains(&now.since(at))) {
        // Something else every time, so that there is something to write: what counts is that it is committed.
        let written = state.store.write(move |tx| tx.probe(&now.0.to_be_bytes())).await;
        written.map_err(|error: StoreError| Problem::from(error))?;
        *ready_at = Some(now);
    }
    Ok(Json(Health::OK))
}

/// Metrics in the text format of Prometheus, for who has the token of the configuration (`SEGUE_METRICS_TOKEN`, as a
/// bearer token). Without that setting the address answers on a server that only its own machine reaches, and does not
/// exist on any other.
#[utoipa::path(get, path = "/metrics", operation_id = "get_metrics", tag = "operations",
    responses((status = 200, body = String, content_type = "text/plain")))]
async fn metrics(State(state): State<AppState>, headers: HeaderMap) -> Result<Response, Problem> {
    let missing = || Problem::not_found("address");
    match &state.config.metrics {
        MetricsAccess::Anybody => {}
        MetricsAccess::Nobody => return Err(missing()),
        MetricsAccess::Bearer(token) => {
            if !bears(&headers, token) {
                let words = "The metrics of this server need the bearer token of its configuration.";
                return Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", words));
            }
        }
    }
    let handle = state.metrics.as_ref().ok_or_else(missing)?;
    metrics::gauge!("segue_event_stream_users").set(state.connected_users() as f64);
    handle.run_upkeep();
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], handle.render()).into_response())
}

/// Whether the request bears the token. Both are hashed first, so that the time tells nothing of either.
fn bears(headers: &HeaderMap, token: &SecretString) -> bool {
    let given = headers.get(header::AUTHORIZATION).map_or(&b""[..], HeaderValue::as_bytes);
    let given = match given.split_at_checked(7) {
        Some((scheme, given)) if scheme.eq_ignore_ascii_case(b"bearer ") => given,
        _ => return false,
    };
    let (given, wanted) = (Sha256::digest(given), Sha256::digest(token.expose_secret()));
    given.as_slice().ct_eq(wanted.as_slice()).into()
}

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", operation_id = "get_openapi", tag = "operations",
    responses((status = 200, body = Object, content_type = "application/json")))]
async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(crate::openapi())
}
