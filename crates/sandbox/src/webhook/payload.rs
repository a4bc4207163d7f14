//! The shapes of webhooks, as the platform documents them.

use crate::config::SandboxConfig;
use crate::handset::{Handset, Outbound};
use serde_json::{Map, Value, json};

/// A `messages` change around `value` parts.
fn messages_change(config: &SandboxConfig, parts: Map<String, Value>) -> Value {
    let mut value = Map::new();
    value.insert("messaging_product".to_owned(), json!("whatsapp"));
    value.insert(
        "metadata".to_owned(),
        json!({"display_phone_number": config.business_digits(), "phone_number_id": config.phone_number_id}),
    );
    value.extend(parts);
    json!({
        "object": "whatsapp_business_account",
        "entry": [{"id": config.waba_id, "changes": [{"field": "messages", "value": value}]}],
    })
}

/// Whether the profile of a contact carries the user name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Username {
    Shown,
    Left,
}

fn contact(handset: &Handset, number: Option<&str>, username: Username) -> Value {
    let mut profile = json!({"name": handset.name});
    if let (Some(name), Username::Shown) = (&handset.username, username) {
        profile["username"] = json!(name);
    }
    let mut contact = json!({"profile": profile, "user_id": handset.bsuid});
    if let Some(number) = number {
        contact["wa_id"] = json!(number);
    }
    contact
}

/// An inbound message. `content` holds `type` and the member of that name; ids and addresses are added here.
pub(crate) fn inbound(
    config: &SandboxConfig,
    handset: &Handset,
    wamid: &str,
    timestamp: i64,
    content: Map<String, Value>,
) -> Value {
    let number = handset.shares_phone.then_some(handset.id.as_str());
    let mut message = content;
    message.insert("id".to_owned(), json!(wamid));
    message.insert("timestamp".to_owned(), json!(timestamp.to_string()));
    message.insert("from_user_id".to_owned(), json!(handset.bsuid));
    if let Some(number) = number {
        message.insert("from".to_owned(), json!(number));
    }
    let mut parts = Map::new();
    parts.insert("contacts".to_owned(), json!([contact(handset, number, Username::Shown)]));
    parts.insert("messages".to_owned(), json!([message]));
    messages_change(config, parts)
}

/// The `context` of a reply to a message of the business, or to one that the customer wrote.
pub(crate) fn reply_context(config: &SandboxConfig, author: Option<&Handset>, to: &str) -> Value {
    match author {
        None => json!({"from": config.business_digits(), "id": to}),
        Some(customer) if customer.shares_phone => json!({"from": customer.id, "id": to}),
        Some(customer) => json!({"from_user_id": customer.bsuid, "id": to}),
    }
}

/// A status of a message of the business.
pub(crate) struct StatusUpdate<'a> {
    pub wamid: &'a str,
    pub status: &'static str,
    /// Seconds.
    pub timestamp: i64,
    pub error: Option<&'a Value>,
}

/// The webhook of a status. `contacts` is a sibling on sent, delivered and read. A failed message to a number names no user id, and its
/// `contacts` hold the number alone: so receivers of the live platform report it (issue 227 and pull request 220 of pywa, both of code 131026), where the
/// documentation has no `contacts` at all. Of a failed message to a user id there are no such reports; it follows the documentation.
pub(crate) fn status(
    config: &SandboxConfig,
    handset: &Handset,
    outbound: &Outbound,
    update: &StatusUpdate<'_>,
) -> Value {
    let number = (handset.shares_phone || outbound.by_phone).then_some(handset.id.as_str());
    let failed = update.status == "failed";
    let mut status = json!({"id": update.wamid, "status": update.status, "timestamp": update.timestamp.to_string()});
    if let Some(number) = number {
        status["recipient_id"] = json!(number);
    }
    if !failed || !outbound.by_phone {
        status["recipient_user_id"] = json!(handset.bsuid);
    }
    if matches!(update.status, "sent" | "delivered") {
        status["pricing"] = outbound.pricing.clone();
    }
    if let (Some(until), "sent") = (outbound.free_entry_until, update.status) {
        // Since v24.0 only the free entry point still has its conversation told.
        status["conversation"] = json!({"id": format!("fep.{}", handset.id), "origin": {"type": "referral_conversion"},
            "expiration_timestamp": (until / 1000).to_string()});
    }
    if let Some(error) = update.error {
        status["errors"] = json!([error]);
    }
    if let Some(opaque) = &outbound.opaque {
        status["biz_opaque_callback_data"] = json!(opaque);
    }
    let mut parts = Map::new();
    if !failed {
        let username = if update.status == "sent" { Username::Left } else { Username::Shown };
        parts.insert("contacts".to_owned(), json!([contact(handset, number, username)]));
    } else if outbound.by_phone {
        parts.insert("contacts".to_owned(), json!([{"wa_id": handset.id}]));
    }
    parts.insert("statuses".to_owned(), json!([status]));
    messages_change(config, parts)
}

/// A management webhook; only these carry `time`.
pub(super) fn management(config: &SandboxConfig, now: i64, field: &str, value: Value) -> Value {
    json!({
        "object": "whatsapp_business_account",
        "entry": [{"id": config.waba_id, "time": now / 1000, "changes": [{"field": field, "value": value}]}],
    })
}

/// How webhooks name a template.
fn named(template: &crate::graph::templates::Template) -> Map<String, Value> {
    let id: u64 = template.id.parse().unwrap_or_default();
    let mut value = Map::new();
    value.insert("message_template_id".to_owned(), json!(id));
    value.insert("message_template_name".to_owned(), json!(template.name));
    value.insert("message_template_language".to_owned(), json!(template.language));
    value
}

/// A template was moved to another category.
pub(crate) fn template_category(
    config: &SandboxConfig,
    now: i64,
    template: &crate::graph::templates::Template,
    previous: &str,
) -> Value {
    let mut value = named(template);
    value.insert("previous_category".to_owned(), json!(previous));
    value.insert("new_category".to_owned(), json!(template.category));
    management(config, now, "template_category_update", value.into())
}

/// How customers take a template has changed.
pub(crate) fn template_quality(
    config: &SandboxConfig,
    now: i64,
    template: &crate::graph::templates::Template,
    previous: &str,
) -> Value {
    let mut value = named(template);
    value.insert("previous_quality_score".to_owned(), json!(previous));
    value.insert("new_quality_score".to_owned(), template.quality_score["score"].clone());
    management(config, now, "message_template_quality_update", value.into())
}

/// The text of a template was changed.
pub(crate) fn template_components(
    config: &SandboxConfig,
    now: i64,
    template: &crate::graph::templates::Template,
) -> Value {
    let mut value = named(template);
    for (kind, name) in [("BODY", "element"), ("HEADER", "title"), ("FOOTER", "footer")] {
        if let Some(words) = template.component(kind).and_then(|component| component.get("text")) {
            value.insert(format!("message_template_{name}"), words.clone());
        }
    }
    let buttons = template.component("BUTTONS").and_then(|component| component.get("buttons")?.as_array());
    if let Some(buttons) = buttons {
        let told = buttons.iter().map(|button| {
            let mut told = Map::new();
            for name in ["type", "text", "url", "phone_number"] {
                if let Some(part) = button.get(name) {
                    told.insert(format!("message_template_button_{name}"), part.clone());
                }
            }
            Value::Object(told)
        });
        value.insert("message_template_buttons".to_owned(), told.collect());
    }
    management(config, now, "message_template_components_update", value.into())
}

/// What a change of a template's status is called: what could not be sent and can again is reinstated.
fn template_event<'a>(before: Option<&str>, status: &'a str) -> &'a str {
    match (before, status) {
        (Some("PAUSED" | "DISABLED" | "FLAGGED"), "APPROVED") => "REINSTATED",
        (Some("ARCHIVED"), "APPROVED") => "UNARCHIVED",
        _ => status,
    }
}

/// A template changed its status; `before` is the one it had, unless it is new or was edited.
pub(crate) fn template_status(
    config: &SandboxConfig,
    now: i64,
    template: &crate::graph::templates::Template,
    before: Option<&str>,
) -> Value {
    let id: u64 = template.id.parse().unwrap_or_default();
    let reason = &template.rejected_reason;
    management(
        config,
        now,
        "message_template_status_update",
        json!({
            "event": template_event(before, &template.status),
            "message_template_id": id,
            "message_template_name": template.name,
            "message_template_language": template.language,
            "message_template_category": template.category,
            "reason": reason,
        }),
    )
}

/// What the platform tells of the account, a number or a limit: `field` of the webhook with its `value`.
pub(crate) fn notice(config: &SandboxConfig, now: i64, field: &str, value: Value) -> Value {
    management(config, now, field, value)
}

/// The customer has another number. The message comes from the old one and has no `contacts`.
pub(crate) fn number_changed(config: &SandboxConfig, now: i64, wamid: &str, old: &Handset, new: &Handset) -> Value {
    let mut parts = Map::new();
    parts.insert(
        "messages".to_owned(),
        json!([{
            "from": old.id,
            "from_user_id": old.bsuid,
            "id": wamid,
            "timestamp": (now / 1000).to_string(),
            "type": "system",
            "system": {
                "body": format!("User {} changed from {} to {}", old.name, old.id, new.id),
                "type": "user_changed_number",
                "wa_id": new.id,
            },
        }]),
    );
    messages_change(config, parts)
}

/// With another number a customer has another user id.
pub(crate) fn user_id_changed(config: &SandboxConfig, now: i64, old: &Handset, new: &Handset) -> Value {
    let mut update = json!({
        "detail": "The user changed the phone number",
        "user_id": {"previous": old.bsuid, "current": new.bsuid},
        "timestamp": now / 1000,
    });
    if new.shares_phone {
        update["wa_id"] = json!(new.id);
    }
    let metadata = json!({"display_phone_number": config.business_digits(), "phone_number_id": config.phone_number_id});
    management(
        config,
        now,
        "user_id_update",
        json!({"messaging_product": "whatsapp", "metadata": metadata, "user_id_update": [update]}),
    )
}

/// The customer stopped or resumed marketing messages.
pub(crate) fn marketing_preference(config: &SandboxConfig, now: i64, handset: &Handset) -> Value {
    let number = handset.shares_phone.then_some(handset.id.as_str());
    let (value, detail) = if handset.marketing_stopped {
        ("stop", "User requested to stop marketing messages")
    } else {
        ("resume", "User requested to resume marketing messages")
    };
    let mut preference = json!({
        "user_id": handset.bsuid,
        "detail": detail,
        "category": "marketing_messages",
        "value": value,
        "timestamp": now / 1000,
    });
    if let Some(number) = number {
        preference["wa_id"] = json!(number);
    }
    let metadata = json!({"display_phone_number": config.business_digits(), "phone_number_id": config.phone_number_id});
    management(
        config,
        now,
        "user_preferences",
        json!({
            "messaging_product": "whatsapp",
            "metadata": metadata,
            "contacts": [contact(handset, number, Username::Shown)],
            "user_preferences": [preference],
        }),
    )
}

/// The error object of a failed status: as in the Graph error, with a link.
pub(crate) fn webhook_error(code: i64) -> Value {
    let (title, details) = crate::graph::error::describe(code);
    json!({
        "code": code,
        "title": title,
        "message": title,
        "error_data": {"details": details},
        "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
    })
}
