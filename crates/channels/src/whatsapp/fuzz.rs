//! What must hold for any octets of WhatsApp; see [`crate::fuzz`].

use reqwest::StatusCode;
use serde_json::Value;

use super::{
    GraphError, GraphFailure, MessageTemplate, SendOutcome, WebhookItem, blocking,
    blocking::BlockOutcome,
    client::{parsed, read_answer},
    errors::{Act, meaning},
    lenient::{field, list, text},
    parse_webhook,
};
use crate::ErrorClass;

/// What stands for the token. The samples have it in their words.
const TOKEN: &str = "EAATokenOfTheTest";

/// A webhook's body whose signature was good.
pub(crate) fn webhook(octets: &[u8]) {
    let root = serde_json::from_slice::<Value>(octets);
    let items = parse_webhook(octets);
    assert_eq!(items.is_ok(), root.is_ok(), "whatever is JSON is taken, and nothing else");
    let (Ok(items), Ok(root)) = (items, root) else { return };
    let expected = elements(&root);
    assert!(items.len() >= expected, "{} items of {expected} elements", items.len());
    let again = parse_webhook(octets).unwrap_or_default();
    assert!(again == items, "the same body is read differently");
    let spaced = serde_json::to_vec_pretty(&root).unwrap_or_default();
    let keys = |items: &[WebhookItem]| items.iter().map(WebhookItem::external_id).collect::<Vec<_>>();
    if !has_fraction(&root) {
        assert_eq!(keys(&parse_webhook(&spaced).unwrap_or_default()), keys(&items), "keys follow the spelling");
    }
    for item in &items {
        check(item);
    }
}

fn check(item: &WebhookItem) {
    assert!(!item.external_id().is_empty() && !item.subject().is_empty());
    if let WebhookItem::Message(message) = item {
        let _ = (message.content().preview(), message.context(), message.referral(), message.group_id());
        assert!(message.errors().iter().all(|error| !error.reason().is_empty()));
    }
    let stored = serde_json::to_string(item);
    let Ok(stored) = stored else { panic!("an item that cannot be stored") };
    let Ok(read) = serde_json::from_str::<WebhookItem>(&stored) else { panic!("a stored item that cannot be read") };
    // Fractions may lose their last digit; nothing is told apart by one.
    if !serde_json::to_value(item).is_ok_and(|value| has_fraction(&value)) {
        assert!(read == *item, "another item than was stored");
        assert_eq!((read.external_id(), read.subject()), (item.external_id(), item.subject()));
    }
}

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(elements) => elements.iter().any(has_fraction),
        Value::Object(fields) => fields.values().any(has_fraction),
        _ => false,
    }
}

/// How many elements a body has at least, counted apart from how they are read.
fn elements(root: &Value) -> usize {
    let is_ours = text(root, "object").is_none_or(|object| object == "whatsapp_business_account");
    let entries = list(root, "entry");
    if !is_ours || entries.is_empty() {
        return 1;
    }
    let of_entry = |entry: &Value| match list(entry, "changes") {
        [] => 1,
        changes => changes.iter().map(|change| of_change(change).max(1)).sum(),
    };
    entries.iter().map(of_entry).sum()
}

fn of_change(change: &Value) -> usize {
    let Some(value) = field(change, "value") else { return 1 };
    let count = |names: &[&str]| -> usize { names.iter().map(|name| list(value, name).len()).sum() };
    match text(change, "field").as_deref() {
        Some("messages" | "calls") => {
            let others = count(&["statuses", "calls", "message_echoes", "user_actions"]);
            let alone =
                usize::from(others > 0 && list(value, "messages").is_empty() && field(value, "errors").is_some());
            count(&["messages"]) + others + alone
        }
        Some("smb_message_echoes" | "message_echoes") => count(&["message_echoes"]),
        Some("user_preferences") => count(&["user_preferences"]),
        Some("user_id_update") => count(&["user_id_update"]),
        Some("history") => {
            let threads = |chunk: &Value| match list(chunk, "threads") {
                [] => 1,
                threads => threads.iter().map(|thread| list(thread, "messages").len()).sum(),
            };
            list(value, "history").iter().map(threads).sum()
        }
        _ => 1,
    }
}

/// An answer of the Graph API: the first two octets make the HTTP status, the rest is the body.
pub(crate) fn graph_answer(octets: &[u8]) {
    let (head, body) = octets.split_at(octets.len().min(2));
    let number = head.iter().fold(0u16, |number, octet| number.wrapping_mul(256) + u16::from(*octet));
    let Ok(status) = StatusCode::from_u16(100 + number % 500) else { return };
    let value = parsed(body, TOKEN);
    assert!(!value.to_string().contains(TOKEN) || !could_hide(body), "the token is in the answer");

    let outcome = SendOutcome::of_answer(status, None, &value);
    assert!(!format!("{outcome:?}").contains(TOKEN));
    match &outcome {
        SendOutcome::Accepted { wamid, .. } => assert!(status.is_success() && !wamid.is_empty()),
        SendOutcome::NotSent { class, code, act, reason, .. } => {
            assert!(*act != Act::Final, "what is final is refused");
            // After an error of its own WhatsApp may have sent it, unless it says that it was too fast.
            assert!(!status.is_server_error() || *class == ErrorClass::Throttled, "it may have gone out");
            known(*class, *code, reason);
        }
        SendOutcome::Refused { class, code, reason } => {
            assert!(!status.is_success() && !status.is_server_error(), "refused with {status}");
            known(*class, *code, reason);
        }
        SendOutcome::Unknown { reason } => assert!(!reason.is_empty() && !reason.contains(TOKEN)),
    }

    match read_answer(status, body, TOKEN) {
        Ok(answer) => {
            assert!(status.is_success() && field(&answer, "error").is_none());
            for template in list(&answer, "data").iter().filter_map(MessageTemplate::of) {
                assert!(!template.name.is_empty() && !template.language.contains('-'));
            }
            if let BlockOutcome::Refused(reason) = blocking::outcome(&answer) {
                assert!(!reason.is_empty() && !reason.contains(TOKEN));
            }
        }
        Err(failure) => {
            assert!(!format!("{failure} {failure:?}").contains(TOKEN), "the token is in an error");
            let _ = (failure.class(), failure.act());
            if let GraphFailure::Refused { error, .. } = failure {
                let stored = serde_json::to_string(&error).unwrap_or_default();
                assert!(serde_json::from_str::<GraphError>(&stored).is_ok_and(|read| read == error));
            }
        }
    }
}

/// Names of fields are ours or WhatsApp's; the token is only looked for in what they hold.
fn could_hide(body: &[u8]) -> bool {
    fn in_names(value: &Value) -> bool {
        match value {
            Value::Array(elements) => elements.iter().any(in_names),
            Value::Object(fields) => fields.iter().any(|(name, value)| name.contains(TOKEN) || in_names(value)),
            _ => false,
        }
    }
    !serde_json::from_slice(body).is_ok_and(|value: Value| in_names(&value))
}

fn known(class: ErrorClass, code: Option<i64>, reason: &str) {
    assert!(!reason.is_empty() && !reason.contains(TOKEN), "{class} without words, or with the token");
    if let Some(code) = code {
        assert_eq!(class, meaning(code).class, "code {code}");
    }
}
