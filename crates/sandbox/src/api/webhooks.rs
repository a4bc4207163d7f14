//! Controls of the webhook endpoint.

use super::problem::Problem;
use crate::core::Core;
use crate::graph::account;
use crate::webhook::{wire, worker};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subscription {
    url: String,
    /// With it the handshake is made first; without, the URL is taken as it is.
    verify_token: Option<String>,
}

pub(crate) async fn subscribe(
    State(core): State<Arc<Core>>,
    Json(new): Json<Subscription>,
) -> Result<Json<Value>, Problem> {
    if let Some(token) = &new.verify_token {
        let verified = account::verify(&core, &new.url, token).await;
        verified.map_err(|_| Problem::bad("the URL did not answer the verification handshake with the challenge"))?;
    }
    core.with(|state| state.subscribe_webhook(Some(new.url.clone())));
    Ok(Json(json!({"url": new.url})))
}

/// Delivers what is queued or held, each once, and answers when that is done.
pub(crate) async fn flush(State(core): State<Arc<Core>>) -> Json<Value> {
    let (delivered, failed) = worker::flush(&core).await;
    Json(json!({"delivered": delivered, "failed": failed}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawBody {
    /// Text is posted as it is; any other JSON in the platform's notation.
    body: Value,
    #[serde(default)]
    sign: bool,
}

/// Posts an arbitrary body to the endpoint, past the queue.
pub(crate) async fn raw(State(core): State<Arc<Core>>, Json(raw): Json<RawBody>) -> Result<Json<Value>, Problem> {
    let url = core.with(|state| state.webhooks.url().map(str::to_owned));
    let url = url.ok_or_else(|| Problem::new(StatusCode::CONFLICT, "no webhook URL is subscribed"))?;
    let body = match raw.body {
        Value::String(text) => text,
        other => wire::escaped(&other),
    };
    let signature = raw.sign.then(|| wire::signature(&core.config.app_secret, body.as_bytes()));
    let status = worker::post(&core, &url, body, signature).await;
    let status = status.ok_or_else(|| Problem::new(StatusCode::BAD_GATEWAY, "the webhook URL did not answer"))?;
    Ok(Json(json!({"status": status})))
}
