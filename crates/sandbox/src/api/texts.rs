//! The SMS app of a handset.

use super::problem::Problem;
use crate::core::Core;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) async fn list(State(core): State<Arc<Core>>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    core.with(|state| state.handsets.get(&id).map(|handset| Json(json!({"messages": handset.sms}))))
        .ok_or_else(Problem::no_handset)
}

pub(crate) async fn open(State(core): State<Arc<Core>>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    core.with(|state| {
        state.handsets.get_mut(&id).ok_or_else(Problem::no_handset)?.sms_unread = 0;
        state.page(Some(&id), "handset");
        Ok(StatusCode::NO_CONTENT)
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewText {
    to: String,
    text: String,
}

/// The customer writes a text to a number of the business.
pub(crate) async fn send(
    State(core): State<Arc<Core>>,
    Path(id): Path<String>,
    Json(new): Json<NewText>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    if new.text.is_empty() {
        return Err(Problem::bad("text is empty"));
    }
    core.with(|state| {
        let handset = state.handsets.get(&id).ok_or_else(Problem::no_handset)?;
        if !handset.online {
            return Err(Problem::new(StatusCode::CONFLICT, "the handset is offline; put it online first"));
        }
        let sent = state.sms_from_handset(&id, &new.to, &new.text);
        let sent = sent.ok_or_else(|| Problem::bad("one cannot reply to a name; `to` is a number or a short code"))?;
        Ok((StatusCode::CREATED, Json(json!({"id": sent}))))
    })
}
