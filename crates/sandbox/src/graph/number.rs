//! The number itself: its registration, the PIN of two-step verification, its own webhook address, its business profile.

use super::account::verify;
use super::error::{Access, GraphError, success};
use super::request::{list, text};
use crate::core::Core;
use axum::Json;
use axum::extract::{Path, Query, State};
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

type Answer = Result<Json<Value>, GraphError>;
type Ids = Path<(String, String)>;

/// The code that proves the number in the sandbox.
pub(crate) const CODE: &str = "123456";
const LIMITS: [(&str, usize); 4] = [("about", 139), ("address", 256), ("description", 512), ("email", 128)];
const MOST_WEBSITES: usize = 2;
const VERTICALS: [&str; 20] = [
    "UNDEFINED",
    "OTHER",
    "AUTO",
    "BEAUTY",
    "APPAREL",
    "EDU",
    "ENTERTAIN",
    "EVENT_PLAN",
    "FINANCE",
    "GROCERY",
    "GOVT",
    "HOTEL",
    "HEALTH",
    "NONPROFIT",
    "PROF_SERVICES",
    "RETAIL",
    "TRAVEL",
    "RESTAURANT",
    "NOT_A_BIZ",
    "ALCOHOL",
];

/// What of the number can be changed.
#[derive(Clone, Debug)]
pub(crate) struct Number {
    pub registered: bool,
    pub verified: bool,
    pin: Option<String>,
    profile: Value,
    /// Customers whom the business let be forgotten in the contact book.
    forgotten: Vec<String>,
}

impl Number {
    pub fn new(name: &str) -> Self {
        Self {
            registered: true,
            verified: true,
            pin: None,
            forgotten: Vec::new(),
            profile: json!({"messaging_product": "whatsapp", "about": name, "vertical": "RETAIL"}),
        }
    }
}

fn own(core: &Core, id: &str, access: Access) -> Result<(), GraphError> {
    if id == core.config.phone_number_id { Ok(()) } else { Err(GraphError::no_object(id, access)) }
}

fn read(body: &[u8]) -> Result<Value, GraphError> {
    serde_json::from_slice(body).map_err(|_| GraphError::parameter("The request body is not valid JSON."))
}

fn pin_of(body: &Value) -> Result<String, GraphError> {
    let pin = text(body, "pin").unwrap_or_default();
    if pin.len() == 6 && pin.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(pin);
    }
    Err(GraphError::parameter("The parameter pin takes six digits."))
}

/// `POST /{version}/{phone_number_id}/register`: another PIN than the one that is set is refused.
pub(crate) async fn register(State(core): State<Arc<Core>>, Path((_, id)): Ids, body: Bytes) -> Answer {
    own(&core, &id, Access::Write)?;
    let pin = pin_of(&read(&body)?)?;
    core.with(|state| {
        if state.number.pin.as_ref().is_some_and(|known| *known != pin) {
            return Err(GraphError::new(133_005, "The PIN is another one."));
        }
        if !state.number.verified {
            return Err(GraphError::new(133_006, "The phone number has to be verified first."));
        }
        state.number.pin = Some(pin);
        state.number.registered = true;
        Ok(Json(success()))
    })
}

/// `POST /{version}/{phone_number_id}/deregister`
pub(crate) async fn deregister(State(core): State<Arc<Core>>, Path((_, id)): Ids) -> Answer {
    own(&core, &id, Access::Write)?;
    core.with(|state| {
        state.number.registered = false;
        state.number.verified = false;
    });
    Ok(Json(success()))
}

/// `POST /{version}/{phone_number_id}/request_code`
pub(crate) async fn request_code(State(core): State<Arc<Core>>, Path((_, id)): Ids, body: Bytes) -> Answer {
    own(&core, &id, Access::Write)?;
    let method = text(&read(&body)?, "code_method").unwrap_or_default();
    if !["SMS", "VOICE"].contains(&method.as_str()) {
        return Err(GraphError::parameter("The parameter code_method takes SMS or VOICE."));
    }
    Ok(Json(success()))
}

/// `POST /{version}/{phone_number_id}/verify_code`
pub(crate) async fn verify_code(State(core): State<Arc<Core>>, Path((_, id)): Ids, body: Bytes) -> Answer {
    own(&core, &id, Access::Write)?;
    if text(&read(&body)?, "code").as_deref() != Some(CODE) {
        return Err(GraphError::new(136_025, "The code is not right."));
    }
    core.with(|state| state.number.verified = true);
    Ok(Json(success()))
}

/// `DELETE /{version}/{phone_number_id}/contact_book`: forgets a customer by the business-scoped user id.
pub(crate) async fn forget(
    State(core): State<Arc<Core>>,
    Path((_, id)): Ids,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    own(&core, &id, Access::Write)?;
    let bsuid = query.get("bsuid").ok_or_else(|| GraphError::parameter("The parameter bsuid is required."))?;
    let deleted = core.with(|state| {
        let known = state.handset_by_bsuid(bsuid).is_some();
        state.number.forgotten.push(bsuid.clone());
        known
    });
    Ok(Json(json!({"messaging_product": "whatsapp", "success": true, "deleted": deleted})))
}

/// `GET /{version}/{phone_number_id}/contact_book`: whom the business let be forgotten; the sandbox's own, for tests.
pub(crate) async fn forgotten(State(core): State<Arc<Core>>, Path((_, id)): Ids) -> Answer {
    own(&core, &id, Access::Read)?;
    Ok(Json(json!({"forgotten": core.with(|state| state.number.forgotten.clone())})))
}

/// `POST /{version}/{phone_number_id}`: the PIN, or a webhook address of its own.
pub(crate) async fn change(core: &Core, body: &Bytes) -> Answer {
    let body = read(body)?;
    if let Some(configuration) = body.get("webhook_configuration") {
        let url = text(configuration, "override_callback_uri").unwrap_or_default();
        if url.is_empty() {
            core.with(|state| state.override_number_webhook(None));
            return Ok(Json(success()));
        }
        let token = text(configuration, "verify_token").unwrap_or_default();
        verify(core, &url, &token).await?;
        core.with(|state| state.override_number_webhook(Some(url)));
        return Ok(Json(success()));
    }
    let pin = pin_of(&body)?;
    core.with(|state| state.number.pin = Some(pin));
    Ok(Json(success()))
}

/// `GET /{version}/{phone_number_id}/whatsapp_business_profile`
pub(crate) async fn profile(State(core): State<Arc<Core>>, Path((_, id)): Ids) -> Answer {
    own(&core, &id, Access::Read)?;
    Ok(Json(json!({"data": [core.with(|state| state.number.profile.clone())]})))
}

/// `POST /{version}/{phone_number_id}/whatsapp_business_profile`
pub(crate) async fn set_profile(State(core): State<Arc<Core>>, Path((_, id)): Ids, body: Bytes) -> Answer {
    own(&core, &id, Access::Write)?;
    let body = read(&body)?;
    if text(&body, "messaging_product").as_deref() != Some("whatsapp") {
        return Err(GraphError::parameter("The parameter messaging_product is required."));
    }
    for (name, longest) in LIMITS {
        let Some(value) = text(&body, name) else { continue };
        if value.chars().count() > longest || (name == "about" && value.is_empty()) {
            return Err(GraphError::parameter(format!("The parameter {name} takes at most {longest} characters.")));
        }
    }
    let websites = list(&body, "websites");
    let is_address = |site: &Value| site.as_str().is_some_and(|site| site.starts_with("http") && site.len() <= 256);
    if websites.len() > MOST_WEBSITES || !websites.iter().all(is_address) {
        return Err(GraphError::parameter("The parameter websites takes at most two addresses."));
    }
    if text(&body, "vertical").is_some_and(|vertical| !VERTICALS.contains(&vertical.as_str())) {
        return Err(GraphError::parameter("The parameter vertical is not one of the known ones."));
    }
    let picture = text(&body, "profile_picture_handle");
    if picture.as_ref().is_some_and(|handle| !core.with(|state| state.uploads.is_handle(handle))) {
        return Err(GraphError::parameter("The parameter profile_picture_handle is not what an upload gave."));
    }
    core.with(|state| {
        for name in ["about", "address", "description", "email", "websites", "vertical"] {
            if let Some(value) = body.get(name) {
                state.number.profile[name] = value.clone();
            }
        }
        if picture.is_some() {
            state.number.profile["profile_picture_url"] = json!("https://pps.whatsapp.example/picture.jpg");
        }
    });
    Ok(Json(success()))
}
