//! What the platform tells of a number that is also used in the WhatsApp Business app: messages that were written there, and
//! the history from before it was connected.

use super::payload::management;
use crate::config::SandboxConfig;
use crate::handset::Handset;
use serde_json::{Value, json};

/// A message of the history, by the time it was written.
pub(crate) struct Past<'a> {
    pub wamid: &'a str,
    /// Written by the business, else by the customer.
    pub by_business: bool,
    pub text: &'a str,
    /// Seconds.
    pub timestamp: i64,
}

fn around(config: &SandboxConfig, mut value: Value) -> Value {
    value["messaging_product"] = json!("whatsapp");
    value["metadata"] =
        json!({"display_phone_number": config.business_digits(), "phone_number_id": config.phone_number_id});
    value
}

/// Somebody at the business wrote in the app.
pub(crate) fn echo(config: &SandboxConfig, now: i64, handset: &Handset, wamid: &str, text: &str) -> Value {
    let mut echo = json!({
        "from": config.business_digits(),
        "to_user_id": handset.bsuid,
        "id": wamid,
        "timestamp": (now / 1000).to_string(),
        "type": "text",
        "text": {"body": text},
    });
    if handset.shares_phone {
        echo["to"] = json!(handset.id);
    }
    management(config, now, "smb_message_echoes", around(config, json!({"message_echoes": [echo]})))
}

/// One thread of the history, as it is shared when the number is connected.
pub(crate) fn history(config: &SandboxConfig, now: i64, handset: &Handset, past: &[Past<'_>]) -> Value {
    let business = config.business_digits();
    let messages: Vec<Value> = past
        .iter()
        .map(|message| {
            let mut shown = json!({
                "from": if message.by_business { &business } else { &handset.id },
                "id": message.wamid,
                "timestamp": message.timestamp.to_string(),
                "type": "text",
                "text": {"body": message.text},
                "history_context": {"status": if message.by_business { "READ" } else { "DELIVERED" }},
            });
            if message.by_business {
                shown["to"] = json!(handset.id);
            }
            shown
        })
        .collect();
    let chunk = json!({
        "metadata": {"phase": 0, "chunk_order": 1, "progress": 100},
        "threads": [{"id": handset.id, "messages": messages}],
    });
    management(config, now, "history", around(config, json!({"history": [chunk]})))
}
