//! A webhook body as flat items for the inbox.
//!
//! Meta batches up to 1,000 updates, repeats them for days and sends them in any order. So every element becomes an
//! item of its own with a key against duplicates ([`WebhookItem::external_id`]) and the customer it belongs to
//! ([`WebhookItem::subject`]); an element that cannot be read becomes [`WebhookItem::Unknown`] with its raw JSON.

use segue_model::Timestamp;
use serde_json::{Value, json};

pub use super::item::{
    AccountNotice, InboundMessage, MessageContext, Record, RecordedMessage, Referral, TemplateStatus, UserIdUpdate,
    UserPreference, WebhookItem, Writer,
};
use super::{
    identity::Identity,
    lenient::{field, integer, list, text, timestamp},
    notice::{self, Notice},
    status::MessageStatus,
};

/// The body is not JSON. Answer 400: Meta never sends this.
#[derive(Debug, thiserror::Error)]
#[error("The webhook's body is not JSON: {0}")]
pub struct WebhookError(#[from] serde_json::Error);

/// Reads a body whose signature was checked.
///
/// # Errors
/// Only when it is not JSON; whatever is JSON becomes items.
pub fn parse_webhook(body: &[u8]) -> Result<Vec<WebhookItem>, WebhookError> {
    let root: Value = serde_json::from_slice(body)?;
    let mut items = Vec::new();
    let entries = list(&root, "entry");
    let is_ours = text(&root, "object").is_none_or(|object| object == "whatsapp_business_account");
    if entries.is_empty() || !is_ours {
        let name = text(&root, "object").unwrap_or_else(|| "body".to_owned());
        items.push(WebhookItem::Unknown { waba_id: None, field: name, time: None, raw: root });
        return Ok(items);
    }
    for entry in entries {
        let scope = Scope { waba_id: text(entry, "id"), time: text(entry, "time") };
        let changes = list(entry, "changes");
        if changes.is_empty() {
            items.push(scope.unknown("entry", entry));
        }
        for change in changes {
            let name = text(change, "field").unwrap_or_else(|| "unknown".to_owned());
            match field(change, "value") {
                Some(value) => scope.read(&name, value, &mut items),
                None => items.push(scope.unknown(&name, change)),
            }
        }
    }
    Ok(items)
}

/// What all changes of an entry share.
struct Scope {
    waba_id: Option<String>,
    time: Option<String>,
}

impl Scope {
    fn unknown(&self, field: &str, raw: &Value) -> WebhookItem {
        WebhookItem::Unknown {
            waba_id: self.waba_id.clone(),
            field: field.to_owned(),
            time: self.time.clone(),
            raw: raw.clone(),
        }
    }

    fn waba(&self) -> String {
        self.waba_id.clone().unwrap_or_default()
    }

    fn at(&self) -> Option<Timestamp> {
        self.time.as_ref()?.parse().ok().filter(|seconds| *seconds > 0).map(Timestamp::from_seconds)
    }

    fn read(&self, name: &str, value: &Value, items: &mut Vec<WebhookItem>) {
        let metadata = field(value, "metadata").unwrap_or(&Value::Null);
        let number = text(metadata, "phone_number_id").unwrap_or_default();
        let before = items.len();
        match name {
            "messages" | "calls" => self.read_messages(value, metadata, &number, items),
            "smb_message_echoes" | "message_echoes" => {
                for echo in list(value, "message_echoes") {
                    items.push(match echoed(self, echo, list(value, "contacts"), &number) {
                        Some(recorded) => WebhookItem::Recorded(Box::new(recorded)),
                        None => self.unknown(name, echo),
                    });
                }
            }
            "history" => self.read_history(value, metadata, &number, items),
            "message_template_status_update" => {
                items.extend(self.template_status(value).map(WebhookItem::TemplateStatus));
            }
            "user_preferences" => {
                for preference in list(value, "user_preferences") {
                    items.push(match self.user_preference(preference, value, &number) {
                        Some(preference) => WebhookItem::UserPreference(preference),
                        None => self.unknown(name, preference),
                    });
                }
            }
            "user_id_update" => {
                for update in list(value, "user_id_update") {
                    items.push(match self.user_id_update(update, &number) {
                        Some(update) => WebhookItem::UserIdUpdate(update),
                        None => self.unknown(name, update),
                    });
                }
            }
            _ => items.extend(
                Notice::of(name, value)
                    .map(|notice| WebhookItem::Notice(AccountNotice { waba_id: self.waba(), at: self.at(), notice })),
            ),
        }
        if items.len() == before {
            items.push(self.unknown(name, value));
        }
    }

    fn read_messages(&self, value: &Value, metadata: &Value, number: &str, items: &mut Vec<WebhookItem>) {
        let contacts = list(value, "contacts");
        let value_errors = field(value, "errors");
        for message in list(value, "messages") {
            let Some(wamid) = text(message, "id") else {
                items.push(self.unknown("messages", message));
                continue;
            };
            let mut message = message.clone();
            // A message without its content carries the reason one level higher.
            if let (Some(errors), Some(fields)) = (value_errors, message.as_object_mut()) {
                fields.entry("errors").or_insert_with(|| errors.clone());
            }
            items.push(WebhookItem::Message(Box::new(InboundMessage {
                waba_id: self.waba(),
                phone_number_id: number.to_owned(),
                display_phone_number: text(metadata, "display_phone_number"),
                wamid,
                at: timestamp(&message, "timestamp"),
                identity: sender(&message, contacts),
                message,
            })));
        }
        let beside = ["statuses", "calls", "message_echoes", "user_actions"];
        if let Some(errors) = value_errors
            && list(value, "messages").is_empty()
            && beside.iter().any(|name| !list(value, name).is_empty())
        {
            // Alone they are the whole value, which is kept; beside others they would be lost.
            items.push(self.unknown("errors", errors));
        }
        for status in list(value, "statuses") {
            items.push(match MessageStatus::of(status, contacts, &self.waba(), number) {
                Some(status) => WebhookItem::Status(Box::new(status)),
                None => self.unknown("statuses", status),
            });
        }
        for call in list(value, "calls") {
            items.push(match called(self, call, contacts, metadata, number) {
                Some(message) => WebhookItem::Message(Box::new(message)),
                None => self.unknown("calls", call),
            });
        }
        for name in ["message_echoes", "user_actions"] {
            items.extend(list(value, name).iter().map(|element| self.unknown(name, element)));
        }
    }

    /// Messages from before the number was connected, in threads of one customer each.
    fn read_history(&self, value: &Value, metadata: &Value, number: &str, items: &mut Vec<WebhookItem>) {
        let ours = text(metadata, "display_phone_number").map(|shown| digits(&shown));
        for chunk in list(value, "history") {
            let threads = list(chunk, "threads");
            if threads.is_empty() {
                // Nothing to share, or the reason why not.
                items.push(self.unknown("history", chunk));
            }
            for thread in threads {
                let customer = text(thread, "id");
                for message in list(thread, "messages") {
                    items.push(match past(self, message, customer.as_deref(), ours.as_deref(), number) {
                        Some(recorded) => WebhookItem::Recorded(Box::new(recorded)),
                        None => self.unknown("history", message),
                    });
                }
            }
        }
    }

    fn template_status(&self, value: &Value) -> Option<TemplateStatus> {
        let template = notice::template(value)?;
        Some(TemplateStatus {
            waba_id: self.waba(),
            template_id: template.id,
            name: template.name,
            language: template.language,
            event: text(value, "event")?.to_ascii_uppercase(),
            reason: text(value, "reason").filter(|reason| reason != "NONE"),
            category: text(value, "message_template_category"),
            at: self.at(),
        })
    }

    fn user_preference(&self, preference: &Value, value: &Value, number: &str) -> Option<UserPreference> {
        let mut identity = Identity::of_ids(
            text(preference, "wa_id"),
            text(preference, "user_id"),
            text(preference, "parent_user_id"),
        );
        let contacts = list(value, "contacts").iter().map(Identity::of_contact);
        if let Some(contact) = contacts.into_iter().find(|contact| contact.shares_id_with(&identity)) {
            identity.fill(contact);
        }
        Some(UserPreference {
            waba_id: self.waba(),
            phone_number_id: number.to_owned(),
            identity,
            category: text(preference, "category")?,
            value: text(preference, "value")?.to_ascii_lowercase(),
            at: timestamp(preference, "timestamp"),
        })
    }

    fn user_id_update(&self, update: &Value, number: &str) -> Option<UserIdUpdate> {
        let id = field(update, "user_id")?;
        Some(UserIdUpdate {
            waba_id: self.waba(),
            phone_number_id: number.to_owned(),
            wa_id: text(update, "wa_id"),
            previous: text(id, "previous"),
            current: text(id, "current")?,
            current_parent: field(update, "parent_user_id").and_then(|parent| text(parent, "current")),
            at: timestamp(update, "timestamp"),
        })
    }
}

/// Who wrote a message: its own ids, and the contact that shares one. A contact is never taken by its position; only
/// when the message has no id at all and there is a single contact can it be nobody else.
fn sender(message: &Value, contacts: &[Value]) -> Identity {
    let mut identity =
        Identity::of_ids(text(message, "from"), text(message, "from_user_id"), text(message, "from_parent_user_id"));
    let mut known = contacts.iter().map(Identity::of_contact);
    let contact = match contacts {
        [single] if identity.is_nameless() => Some(Identity::of_contact(single)),
        _ => known.find(|contact| contact.shares_id_with(&identity)),
    };
    if let Some(contact) = contact {
        identity.fill(contact);
    }
    identity
}

/// A message that somebody at the business wrote in WhatsApp's own app.
fn echoed(scope: &Scope, echo: &Value, contacts: &[Value], number: &str) -> Option<RecordedMessage> {
    let mut customer = Identity::of_ids(text(echo, "to"), text(echo, "to_user_id"), text(echo, "to_parent_user_id"));
    if customer.is_nameless() {
        return None;
    }
    if let Some(contact) = contacts.iter().map(Identity::of_contact).find(|c| c.shares_id_with(&customer)) {
        customer.fill(contact);
    }
    Some(RecordedMessage {
        waba_id: scope.waba(),
        phone_number_id: number.to_owned(),
        wamid: text(echo, "id")?,
        at: timestamp(echo, "timestamp"),
        customer,
        writer: Writer::Business,
        record: Record::App,
        message: echo.clone(),
    })
}

/// A message of a thread from before. The thread's id is the customer's; who is not us is the customer.
fn past(
    scope: &Scope,
    message: &Value,
    thread: Option<&str>,
    ours: Option<&str>,
    number: &str,
) -> Option<RecordedMessage> {
    let from = text(message, "from").map(|from| digits(&from));
    let to = text(message, "to");
    let writer = if from.is_some() && from.as_deref() == ours { Writer::Business } else { Writer::Customer };
    let id = thread.map(str::to_owned).or(if writer == Writer::Business { to } else { from })?;
    let bsuid = if writer == Writer::Business { text(message, "to_user_id") } else { text(message, "from_user_id") };
    Some(RecordedMessage {
        waba_id: scope.waba(),
        phone_number_id: number.to_owned(),
        wamid: text(message, "id")?,
        at: timestamp(message, "timestamp"),
        customer: Identity::of_ids(Some(id), bsuid, None),
        writer,
        record: Record::History,
        message: message.clone(),
    })
}

/// A customer's call as a message: it is shown, and it opens the service window as a message does. Its beginning and its
/// end have the same id, so it is one message. The media description of the call is left out; nobody here answers.
fn called(scope: &Scope, call: &Value, contacts: &[Value], metadata: &Value, number: &str) -> Option<InboundMessage> {
    if text(call, "direction").is_some_and(|direction| direction.eq_ignore_ascii_case("business_initiated")) {
        return None;
    }
    let wamid = text(call, "id")?;
    let message = json!({
        "type": "call",
        "call": { "event": text(call, "event"), "status": text(call, "status"), "duration": integer(call, "duration") },
    });
    Some(InboundMessage {
        waba_id: scope.waba(),
        phone_number_id: number.to_owned(),
        display_phone_number: text(metadata, "display_phone_number"),
        wamid,
        at: timestamp(call, "timestamp"),
        identity: sender(call, contacts),
        message,
    })
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}
