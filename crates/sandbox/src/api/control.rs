//! Status, clock, faults, ledger, templates, reset and the event stream.

use super::problem::Problem;
use crate::clock::ClockMode;
use crate::core::Core;
use crate::faults::Faults;
use crate::graph::templates::Template;
use crate::graph::{Decision, Reviewer};
use crate::limits::Limits;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::broadcast::error::RecvError;

pub(crate) async fn status(State(core): State<Arc<Core>>) -> Json<Value> {
    core.with(|state| {
        let counters = state.ledger.counters();
        let config = &core.config;
        Json(json!({
            "clock": state.clock.view(),
            "business": {
                "name": config.business_name,
                "phone": config.display_phone_number,
                "digits": config.business_digits(),
                "phone_number_id": config.phone_number_id,
                "waba_id": config.waba_id,
            },
            "smpp": {
                "binds": state.network.binds.len(),
                "roles": state.network.binds.values().collect::<Vec<_>>(),
                "accepted": counters.sms_accepted,
                "delivered": counters.sms_delivered,
                "pending_deliveries": state.network.pending(),
                "traffic": state.network.traffic.view(),
            },
            "webhook": {
                "url": state.webhooks.url(),
                "queued": state.webhooks.queued(),
                "delivered": state.webhooks.delivered(),
                "failed_attempts": state.webhooks.failed_attempts(),
            },
        }))
    })
}

pub(crate) async fn clock(State(core): State<Arc<Core>>) -> Json<Value> {
    Json(json!(core.with(|state| state.clock.view())))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClockChange {
    mode: Option<ClockMode>,
    set: Option<i64>,
    advance_ms: Option<i64>,
}

/// Changes mode, then sets, then advances. What falls due is delivered at once.
pub(crate) async fn move_clock(State(core): State<Arc<Core>>, Json(change): Json<ClockChange>) -> Json<Value> {
    Json(json!(core.with(|state| {
        if let Some(mode) = change.mode {
            state.clock.switch(mode);
        }
        if let Some(to) = change.set {
            state.clock.set(to);
        }
        if let Some(by) = change.advance_ms {
            state.clock.advance(by);
        }
        state.wakes.webhooks = true;
        state.wakes.deliveries = true;
        state.page(None, "clock");
        state.clock.view()
    })))
}

pub(crate) async fn faults(State(core): State<Arc<Core>>) -> Json<Faults> {
    Json(core.with(|state| state.faults.clone()))
}

/// Replaces all faults; what is left out is off.
pub(crate) async fn set_faults(
    State(core): State<Arc<Core>>,
    Json(faults): Json<Faults>,
) -> Result<Json<Faults>, Problem> {
    if faults.webhook_duplicate_percent > 100 {
        return Err(Problem::bad("webhook_duplicate_percent is a number from 0 to 100"));
    }
    Ok(Json(core.with(|state| {
        state.faults = faults;
        if let Some(end) = state.faults.hold_for_quality_ends.take() {
            state.end_hold(end);
        }
        state.wakes.webhooks = true;
        state.wakes.deliveries = true;
        state.faults.clone()
    })))
}

pub(crate) async fn limits(State(core): State<Arc<Core>>) -> Json<Limits> {
    Json(core.with(|state| state.limits))
}

/// Replaces the limits of the number; what is left out is off. `{}` as a limit is the documented one.
pub(crate) async fn set_limits(
    State(core): State<Arc<Core>>,
    Json(limits): Json<Limits>,
) -> Result<Json<Limits>, Problem> {
    limits.check().map_err(Problem::bad)?;
    core.with(|state| state.set_limits(limits));
    Ok(Json(limits))
}

#[derive(Deserialize)]
pub(crate) struct LedgerQuery {
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
}

pub(crate) async fn ledger(State(core): State<Arc<Core>>, Query(query): Query<LedgerQuery>) -> Json<Value> {
    core.with(|state| {
        let entries = state.ledger.after(query.after, query.limit.unwrap_or(usize::MAX));
        Json(json!({"entries": entries, "counters": state.ledger.counters()}))
    })
}

pub(crate) async fn reset(State(core): State<Arc<Core>>) -> StatusCode {
    core.with(|state| state.reset());
    StatusCode::NO_CONTENT
}

pub(crate) async fn media(State(core): State<Arc<Core>>, Path(id): Path<String>) -> Response {
    crate::graph::media::serve(&core, &id)
}

pub(crate) async fn templates(State(core): State<Arc<Core>>) -> Json<Value> {
    Json(core.with(|state| json!({"templates": state.templates.iter().collect::<Vec<_>>()})))
}

/// Adds or replaces a template, in the given status (`APPROVED` when left out).
pub(crate) async fn add_template(
    State(core): State<Arc<Core>>,
    Json(body): Json<Value>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let mut template = Template::parse(&body)
        .map_err(|_| Problem::bad("this is no valid template; see the rules of message_templates"))?;
    let status = body.get("status").and_then(Value::as_str).unwrap_or("APPROVED").to_uppercase();
    if !crate::graph::templates::STATUSES.contains(&status.as_str()) {
        return Err(Problem::bad("there is no such template status"));
    }
    template.status = status;
    let added = core.with(|state| json!(state.templates.add(template)));
    Ok((StatusCode::CREATED, Json(added)))
}

/// Decides about a template, as the reviewer or the platform would; the product is told by webhook.
pub(crate) async fn change_template(
    State(core): State<Arc<Core>>,
    Path(id): Path<String>,
    Json(decision): Json<Decision>,
) -> Result<Json<Value>, Problem> {
    core.with(|state| {
        // The name serves as id too, when it is unique.
        let known = state.templates.iter().find(|t| t.id == id || t.name == id).map(|t| t.id.clone());
        let id = known.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no such template"))?;
        state.decide_template(&id, &decision).map_err(Problem::bad)?;
        Ok(Json(json!(state.templates.get(&id))))
    })
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReviewerMode {
    mode: Reviewer,
}

pub(crate) async fn reviewer(State(core): State<Arc<Core>>) -> Json<ReviewerMode> {
    Json(ReviewerMode { mode: core.with(|state| state.reviewer) })
}

/// Lets templates be decided at once by rules, or wait until somebody decides.
pub(crate) async fn set_reviewer(State(core): State<Arc<Core>>, Json(mode): Json<ReviewerMode>) -> Json<ReviewerMode> {
    core.with(|state| state.reviewer = mode.mode);
    Json(mode)
}

/// Server-sent events `{handset_id, kind}`; a listener that was too slow gets `reset` and loads everything again.
pub(crate) async fn events(State(core): State<Arc<Core>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let start = (core.page_events.subscribe(), core.shutdown.clone());
    let stream = futures::stream::unfold(start, |(mut receiver, shutdown)| async move {
        let received = tokio::select! {
            () = shutdown.cancelled() => return None,
            received = receiver.recv() => received,
        };
        let data = match received {
            Ok(event) => json!(event),
            Err(RecvError::Lagged(_)) => json!({"handset_id": null, "kind": "reset"}),
            Err(RecvError::Closed) => return None,
        };
        Some((Ok(Event::default().data(data.to_string())), (receiver, shutdown)))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}
