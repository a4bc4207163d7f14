//! Blocking users: `/{version}/{phone_number_id}/block_users`.

use super::error::{Access, GraphError};
use super::request::{list, text};
use super::sending::WINDOW_MS;
use crate::core::Core;
use crate::handset::Handset;
use crate::state::State as SandboxState;
use axum::Json;
use axum::extract::{Path, State};
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;

/// Most users of one request.
const MOST: usize = 1_000;

type Answer = Result<Json<Value>, GraphError>;
type Ids = Path<(String, String)>;

/// Who is blocked.
pub(crate) async fn get(State(core): State<Arc<Core>>, Path((_, id)): Ids) -> Answer {
    own_number(&core, &id, Access::Read)?;
    core.with(|state| {
        let blocked = state.handsets.values().filter(|handset| handset.blocked_by_business);
        let data: Vec<Value> = blocked.map(named).collect();
        Ok(Json(json!({"data": data, "paging": {"cursors": {"before": "QVFI", "after": "QVFI"}}})))
    })
}

/// Blocks users who wrote within the last 24 hours.
pub(crate) async fn post(State(core): State<Arc<Core>>, Path((_, id)): Ids, body: Bytes) -> Answer {
    own_number(&core, &id, Access::Write)?;
    change(&core, &body, true)
}

/// Ends blocks.
pub(crate) async fn delete(State(core): State<Arc<Core>>, Path((_, id)): Ids, body: Bytes) -> Answer {
    own_number(&core, &id, Access::Write)?;
    change(&core, &body, false)
}

fn own_number(core: &Core, id: &str, access: Access) -> Result<(), GraphError> {
    if id == core.config.phone_number_id { Ok(()) } else { Err(GraphError::no_object(id, access)) }
}

fn named(handset: &Handset) -> Value {
    let mut user = json!({"messaging_product": "whatsapp", "user_id": handset.bsuid});
    if handset.shares_phone {
        user["wa_id"] = json!(handset.id);
    }
    user
}

fn change(core: &Core, body: &Bytes, block: bool) -> Answer {
    let body: Value =
        serde_json::from_slice(body).map_err(|_| GraphError::parameter("The request body is not valid JSON."))?;
    if text(&body, "messaging_product").as_deref() != Some("whatsapp") {
        return Err(GraphError::parameter("The parameter messaging_product is required."));
    }
    let users = list(&body, "block_users");
    if users.is_empty() || users.len() > MOST {
        return Err(GraphError::parameter("The parameter block_users takes 1 to 1000 users."));
    }
    core.with(|state| {
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        for user in users {
            let input = text(user, "user").or_else(|| text(user, "user_id")).unwrap_or_default();
            match set(state, user, block) {
                Ok(wa_id) => done.push(json!({"input": input, "wa_id": wa_id})),
                Err((code, why)) => failed.push(json!({"input": input, "wa_id": input, "errors": [{"message": why,
                    "code": code, "error_data": {"details": why}}]})),
            }
        }
        let name = if block { "added_users" } else { "removed_users" };
        let mut answer = json!({"messaging_product": "whatsapp", "block_users": {name: done}});
        if !failed.is_empty() {
            answer["block_users"]["failed_users"] = json!(failed);
        }
        Ok(Json(answer))
    })
}

fn set(state: &mut SandboxState, user: &Value, block: bool) -> Result<String, (i64, &'static str)> {
    let id = match (text(user, "user"), text(user, "user_id")) {
        (Some(number), _) => number.trim_start_matches('+').to_owned(),
        (None, Some(bsuid)) => {
            let handset = state.handset_by_bsuid(&bsuid);
            handset.map(|handset| handset.id.clone()).ok_or((139_101, "The user is not known."))?
        }
        (None, None) => return Err((139_101, "Name the user by user or user_id.")),
    };
    let now = state.now();
    let handset = state.handsets.get_mut(&id).ok_or((139_101, "The user is not known."))?;
    let wrote = handset.chat.last_inbound_at.is_some_and(|at| now - at < WINDOW_MS);
    if block && !wrote {
        return Err((139_100, "The user has not written within the last 24 hours."));
    }
    handset.blocked_by_business = block;
    Ok(id)
}
