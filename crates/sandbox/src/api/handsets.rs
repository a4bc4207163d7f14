//! Handsets: list, add, change.

use super::problem::Problem;
use crate::config::digits;
use crate::core::Core;
use crate::handset::Handset;
use crate::webhook::payload;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Part of a name or number.
    q: Option<String>,
    /// At most so many, the most recently active first.
    limit: Option<usize>,
}

/// All handsets by number, or the most recently active ones when there is a limit. `total` counts all that match.
pub(crate) async fn list(State(core): State<Arc<Core>>, Query(query): Query<ListQuery>) -> Json<Value> {
    let wanted = query.q.unwrap_or_default().trim().to_lowercase();
    let number = digits(&wanted);
    Json(core.with(|state| {
        let matches = |handset: &&Handset| {
            handset.name.to_lowercase().contains(&wanted) || (!number.is_empty() && handset.id.contains(&number))
        };
        let mut found: Vec<&Handset> = state.handsets.values().filter(matches).collect();
        let total = found.len();
        if let Some(limit) = query.limit {
            found.sort_by_key(|handset| std::cmp::Reverse(handset.active_at()));
            found.truncate(limit);
        }
        let handsets: Vec<_> = found.into_iter().map(Handset::view).collect();
        json!({"handsets": handsets, "total": total})
    }))
}

pub(crate) async fn one(State(core): State<Arc<Core>>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    core.with(|state| state.handsets.get(&id).map(|handset| Json(json!(handset.view()))))
        .ok_or_else(Problem::no_handset)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewHandset {
    phone: String,
    name: Option<String>,
    shares_phone: Option<bool>,
}

/// Adds a handset; an existing one gets what is given.
pub(crate) async fn add(
    State(core): State<Arc<Core>>,
    Json(new): Json<NewHandset>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let id = digits(&new.phone);
    if !(7..=15).contains(&id.len()) {
        return Err(Problem::bad("phone is an international number of 7 to 15 digits, for example +4915112345678"));
    }
    Ok(core.with(|state| {
        // Somebody has the number now.
        state.left_numbers.remove(&id);
        let existed = state.handsets.contains_key(&id);
        let handset = state.handset_or_new(&id);
        if let Some(name) = new.name.filter(|name| !name.trim().is_empty()) {
            name.trim().clone_into(&mut handset.name);
        }
        match new.shares_phone {
            Some(false) => handset.hide_phone(),
            Some(true) => handset.shares_phone = true,
            None => {}
        }
        let status = if existed { StatusCode::OK } else { StatusCode::CREATED };
        (status, Json(json!(handset.view())))
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewNumber {
    phone: String,
}

/// The customer takes chats and contacts along to another number; the business is told by webhooks.
pub(crate) async fn change_number(
    State(core): State<Arc<Core>>,
    Path(id): Path<String>,
    Json(new): Json<NewNumber>,
) -> Result<Json<Value>, Problem> {
    let number = digits(&new.phone);
    if !(7..=15).contains(&number.len()) {
        return Err(Problem::bad("phone is an international number of 7 to 15 digits, for example +4915112345678"));
    }
    core.with(|state| {
        if !state.handsets.contains_key(&id) {
            return Err(Problem::no_handset());
        }
        state.change_number(&id, &number).map_err(Problem::bad)?;
        let handset = state.handsets.get(&number).ok_or_else(Problem::no_handset)?;
        Ok(Json(json!(handset.view())))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    online: Option<bool>,
    read_receipts: Option<bool>,
    shares_phone: Option<bool>,
    blocked: Option<bool>,
    on_whatsapp: Option<bool>,
    marketing_stopped: Option<bool>,
    name: Option<String>,
    username: Option<String>,
}

/// Changes what is given. Back online or unblocked: what waited arrives.
pub(crate) async fn change(
    State(core): State<Arc<Core>>,
    Path(id): Path<String>,
    Json(change): Json<Change>,
) -> Result<Json<Value>, Problem> {
    core.with(|state| {
        let config = state.config.clone();
        let now = state.now();
        let handset = state.handsets.get_mut(&id).ok_or_else(Problem::no_handset)?;
        let set = |field: &mut bool, value: Option<bool>| {
            let changed = value.is_some_and(|value| value != *field);
            *field = value.unwrap_or(*field);
            changed
        };
        let mut reachable = set(&mut handset.online, change.online);
        reachable |= set(&mut handset.blocked, change.blocked);
        set(&mut handset.read_receipts, change.read_receipts);
        set(&mut handset.on_whatsapp, change.on_whatsapp);
        if change.on_whatsapp == Some(true) {
            state.left_numbers.remove(&id);
        }
        if let Some(name) = change.name.filter(|name| !name.trim().is_empty()) {
            name.trim().clone_into(&mut handset.name);
        }
        if let Some(username) = change.username {
            handset.username = Some(username).filter(|name| !name.is_empty());
        }
        match change.shares_phone {
            Some(false) => handset.hide_phone(),
            Some(true) => handset.shares_phone = true,
            None => {}
        }
        let preference = set(&mut handset.marketing_stopped, change.marketing_stopped)
            .then(|| payload::marketing_preference(&config, now, handset));
        reachable &= handset.online;
        if let Some(body) = preference {
            state.queue_webhook(&body, None);
        }
        if reachable {
            state.handset_reachable(&id);
        }
        state.page(Some(&id), "handset");
        let handset = state.handsets.get(&id).ok_or_else(Problem::no_handset)?;
        Ok(Json(json!(handset.view())))
    })
}
