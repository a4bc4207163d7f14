//! The forms of the account: listed, added, and put into a state.

use super::problem::Problem;
use crate::core::Core;
use crate::graph::forms::{Form, STATUSES};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) async fn list(State(core): State<Arc<Core>>) -> Json<Value> {
    Json(core.with(|state| json!({"forms": state.forms.iter().collect::<Vec<_>>()})))
}

fn known_status(status: &str) -> Result<(), Problem> {
    if STATUSES.contains(&status) { Ok(()) } else { Err(Problem::bad("there is no such status of forms")) }
}

/// Adds a form, or replaces the one of the same name.
pub(crate) async fn add(
    State(core): State<Arc<Core>>,
    Json(form): Json<Form>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    known_status(&form.status)?;
    if form.name.is_empty() || form.fields.is_empty() {
        return Err(Problem::bad("a form has a name and at least one field"));
    }
    Ok((StatusCode::CREATED, Json(core.with(|state| json!(state.forms.add(form))))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewStatus {
    status: String,
}

/// Puts a form into a state; its name serves as id too.
pub(crate) async fn change(
    State(core): State<Arc<Core>>,
    Path(id): Path<String>,
    Json(new): Json<NewStatus>,
) -> Result<Json<Value>, Problem> {
    known_status(&new.status)?;
    let changed = core.with(|state| state.forms.set_status(&id, &new.status).map(|form| json!(form)));
    changed.map(Json).ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no such form"))
}
