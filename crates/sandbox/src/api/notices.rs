//! What the platform tells of the account, its number and its limits, sent when somebody asks for it.

use super::problem::Problem;
use crate::core::Core;
use crate::webhook::payload;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// A notice that can be sent by name.
struct Known {
    name: &'static str,
    /// In words, for the page.
    label: &'static str,
    field: &'static str,
    value: fn(&Scene) -> Value,
}

/// What the values are made from.
struct Scene {
    number: String,
    waba_id: String,
    /// Seconds.
    now: i64,
}

const DAY: i64 = 24 * 3_600;

/// The notices by name.
const KNOWN: [Known; 16] = [
    Known {
        name: "account_restricted",
        label: "The account is restricted",
        field: "account_update",
        value: |scene| {
            json!({"event": "ACCOUNT_RESTRICTION", "restriction_info": [
            {"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": scene.now + 7 * DAY}]})
        },
    },
    Known {
        name: "account_violation",
        label: "The account broke a rule",
        field: "account_update",
        value: |_| json!({"event": "ACCOUNT_VIOLATION", "violation_info": {"violation_type": "SCAM"}}),
    },
    Known {
        name: "account_disabled",
        label: "The account is disabled",
        field: "account_update",
        value: |_| {
            json!({"event": "DISABLED_UPDATE",
            "ban_info": {"waba_ban_state": "DISABLE", "waba_ban_date": "November 18, 2026"}})
        },
    },
    Known {
        name: "account_reinstated",
        label: "The account is reinstated",
        field: "account_update",
        value: |_| {
            json!({"event": "DISABLED_UPDATE",
            "ban_info": {"waba_ban_state": "REINSTATE", "waba_ban_date": "November 18, 2026"}})
        },
    },
    Known {
        name: "account_offboarded",
        label: "The account has left the platform",
        field: "account_update",
        value: |_| json!({"event": "ACCOUNT_OFFBOARDED"}),
    },
    Known {
        name: "account_reviewed",
        label: "The account's review is done",
        field: "account_review_update",
        value: |_| json!({"decision": "APPROVED"}),
    },
    Known {
        name: "account_alert",
        label: "An alert about the account",
        field: "account_alerts",
        value: |scene| {
            json!({"entity_type": "WABA", "entity_id": scene.waba_id, "alert_info": {"alert_severity": "CRITICAL",
            "alert_status": "ACTIVE", "alert_type": "OBA_REJECTED", "alert_description": "Something needs your attention."}})
        },
    },
    Known {
        name: "number_flagged",
        label: "The number is flagged",
        field: "phone_number_quality_update",
        value: |scene| quality(scene, "FLAGGED", "TIER_2K"),
    },
    Known {
        name: "number_unflagged",
        label: "The number is no longer flagged",
        field: "phone_number_quality_update",
        value: |scene| quality(scene, "UNFLAGGED", "TIER_2K"),
    },
    Known {
        name: "number_upgraded",
        label: "The number's limit is raised",
        field: "phone_number_quality_update",
        value: |scene| quality(scene, "UPGRADE", "TIER_10K"),
    },
    Known {
        name: "number_downgraded",
        label: "The number's limit is lowered",
        field: "phone_number_quality_update",
        value: |scene| quality(scene, "DOWNGRADE", "TIER_250"),
    },
    Known {
        name: "limit_raised",
        label: "The business may write to 10,000 customers a day",
        field: "business_capability_update",
        value: |_| json!({"max_daily_conversations_per_business": "TIER_10K", "max_phone_numbers_per_business": 25}),
    },
    Known {
        name: "limit_lowered",
        label: "The business may write to 250 customers a day",
        field: "business_capability_update",
        value: |_| json!({"max_daily_conversations_per_business": "TIER_250", "max_phone_numbers_per_business": 2}),
    },
    Known {
        name: "name_rejected",
        label: "The display name is rejected",
        field: "phone_number_name_update",
        value: |scene| {
            json!({"display_phone_number": scene.number, "decision": "REJECTED",
            "requested_verified_name": "Acme", "rejection_reason": "NAME_EMPLOYEE_ISSUE"})
        },
    },
    Known {
        name: "pin_changed",
        label: "The number's PIN was changed",
        field: "security",
        value: |scene| json!({"display_phone_number": scene.number, "event": "PIN_CHANGED", "requester": "1"}),
    },
    Known {
        name: "username_approved",
        label: "The business's user name is approved",
        field: "business_username_updates",
        value: |scene| json!({"display_phone_number": scene.number, "username": "acme", "status": "approved"}),
    },
];

fn quality(scene: &Scene, event: &str, limit: &str) -> Value {
    json!({"display_phone_number": scene.number, "event": event, "max_daily_conversations_per_business": limit})
}

/// The customer reports the business: the number's quality falls by one, and the product is told when it is the lowest.
pub(crate) async fn report(State(core): State<Arc<Core>>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    core.with(|state| {
        if !state.handsets.contains_key(&id) {
            return Err(Problem::no_handset());
        }
        let rating = match state.faults.quality_rating.as_deref() {
            None | Some("GREEN") => "YELLOW",
            Some(_) => "RED",
        };
        let was = state.faults.quality_rating.replace(rating.to_owned());
        if rating == "RED" && was.as_deref() != Some("RED") {
            let now = state.now();
            let config = state.config.clone();
            let scene = Scene { number: config.business_digits(), waba_id: config.waba_id.clone(), now: now / 1000 };
            let value = quality(&scene, "FLAGGED", "TIER_2K");
            state.queue_webhook(&payload::notice(&config, now, "phone_number_quality_update", value), None);
        }
        Ok(Json(json!({"quality_rating": rating})))
    })
}

/// What can be sent by name.
pub(crate) async fn list() -> Json<Value> {
    let notices = KNOWN.iter().map(|known| json!({"name": known.name, "label": known.label, "field": known.field}));
    Json(json!({"notices": notices.collect::<Vec<_>>()}))
}

/// A notice by its name, or any field with its value.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notice {
    name: Option<String>,
    field: Option<String>,
    value: Option<Value>,
}

/// Tells the product, and answers with what it was told.
pub(crate) async fn send(
    State(core): State<Arc<Core>>,
    Json(notice): Json<Notice>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    core.with(|state| {
        let now = state.now();
        let config = state.config.clone();
        let scene = Scene { number: config.business_digits(), waba_id: config.waba_id.clone(), now: now / 1000 };
        let (field, value) = match (&notice.name, &notice.field) {
            (Some(name), None) => {
                let known = KNOWN.iter().find(|known| known.name == name);
                let known = known.ok_or_else(|| Problem::bad("there is no notice of this name; GET lists them"))?;
                (known.field.to_owned(), (known.value)(&scene))
            }
            (None, Some(field)) => (field.clone(), notice.value.clone().unwrap_or_else(|| json!({}))),
            _ => return Err(Problem::bad("give either the name of a notice, or a field with its value")),
        };
        state.queue_webhook(&payload::notice(&config, now, &field, value.clone()), None);
        Ok((StatusCode::CREATED, Json(json!({"field": field, "value": value}))))
    })
}
