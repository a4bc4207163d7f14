//! A webhook body as flat items for the inbox.
//!
//! Meta batches up to 1,000 updates, repeats them for days and sends them in any order. So every element becomes an
//! item of its own with a key against duplicates ([`WebhookItem::external_id`]) and the customer it belongs to
//! ([`WebhookItem::subject`]); an element that cannot be read becomes [`WebhookItem::Unknown`] with its raw JSON.

use segue_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    content::Content,
    identity::Identity,
    lenient::{field, list, text, timestamp},
    status::{GraphError, MessageStatus},
};

/// The body is not JSON. Answer 400: Meta never sends this.
#[derive(Debug, thiserror::Error)]
#[error("The webhook's body is not JSON: {0}")]
pub struct WebhookError(#[from] serde_json::Error);

/// A customer's message.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct InboundMessage {
    /// The business account.
    pub waba_id: String,
    /// Our number's id.
    pub phone_number_id: String,
    /// Our number as shown.
    pub display_phone_number: Option<String>,
    /// Meta's id of the message.
    pub wamid: String,
    /// When it was sent, by Meta's clock. The service window is counted from here.
    pub at: Option<Timestamp>,
    /// Who wrote it: its own ids and those of the contact that shares one of them.
    pub identity: Identity,
    /// The element as it came.
    pub message: Value,
}

/// What a message refers to.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageContext {
    /// The message it answers. A forwarded message has none.
    pub message_id: Option<String>,
    /// Whether it was forwarded.
    pub forwarded: bool,
    /// The product asked about.
    pub product: Option<String>,
}

/// A template's review state changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateStatus {
    /// The business account.
    pub waba_id: String,
    /// Meta's id of the template.
    pub template_id: Option<String>,
    /// Name.
    pub name: String,
    /// Language with an underscore; Meta writes `en-US` and `en_US`.
    pub language: Option<String>,
    /// `APPROVED`, `REJECTED`, `PAUSED` and others, in capitals.
    pub event: String,
    /// Why, where Meta says so.
    pub reason: Option<String>,
    /// `MARKETING`, `UTILITY` or `AUTHENTICATION`, where Meta says so.
    pub category: Option<String>,
}

/// A customer stopped or resumed marketing at Meta. Apart from our own consent: a resume here does not undo a STOP.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserPreference {
    /// The business account.
    pub waba_id: String,
    /// Our number's id.
    pub phone_number_id: String,
    /// Who.
    pub identity: Identity,
    /// `marketing_messages`.
    pub category: String,
    /// `stop`, `resume` or `signup`.
    pub value: String,
    /// When.
    pub at: Option<Timestamp>,
}

/// A customer's BSUID changed with the phone number.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserIdUpdate {
    /// The business account.
    pub waba_id: String,
    /// Our number's id.
    pub phone_number_id: String,
    /// The phone's WhatsApp id.
    pub wa_id: Option<String>,
    /// The id until now.
    pub previous: Option<String>,
    /// The id from now on.
    pub current: String,
    /// When.
    pub at: Option<Timestamp>,
}

/// One element of a webhook. Serialisable: the inbox stores it as it is.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum WebhookItem {
    /// A customer wrote.
    Message(Box<InboundMessage>),
    /// Something became of a message of ours.
    Status(Box<MessageStatus>),
    /// A template was reviewed, paused or disabled.
    TemplateStatus(TemplateStatus),
    /// A customer stopped or resumed marketing at Meta.
    UserPreference(UserPreference),
    /// A customer has a new BSUID.
    UserIdUpdate(UserIdUpdate),
    /// Anything else: kept, shown to admins, and answered 200.
    Unknown {
        /// The business account, where known.
        waba_id: Option<String>,
        /// The webhook field.
        field: String,
        /// Time of the entry as it came; part of the key against duplicates.
        time: Option<String>,
        /// The element as it came.
        raw: Value,
    },
}

crate::debug::redacted_debug!(InboundMessage, MessageContext, UserPreference, UserIdUpdate, WebhookItem);

impl InboundMessage {
    /// The typed view of the message.
    #[must_use]
    pub fn content(&self) -> Content {
        Content::of(&self.message)
    }

    /// What it refers to.
    #[must_use]
    pub fn context(&self) -> Option<MessageContext> {
        let context = field(&self.message, "context")?;
        let is = |name| context.get(name).and_then(Value::as_bool).unwrap_or(false);
        Some(MessageContext {
            message_id: text(context, "id"),
            forwarded: is("forwarded") || is("frequently_forwarded"),
            product: field(context, "referred_product").and_then(|product| text(product, "product_retailer_id")),
        })
    }

    /// The advertisement it came from, as it came. Opens the free entry point.
    #[must_use]
    pub fn referral(&self) -> Option<&Value> {
        field(&self.message, "referral")
    }

    /// Errors Meta attached.
    #[must_use]
    pub fn errors(&self) -> Vec<GraphError> {
        list(&self.message, "errors").iter().map(GraphError::of).collect()
    }
}

impl WebhookItem {
    /// Key against duplicates: the same element delivered twice has the same key.
    #[must_use]
    pub fn external_id(&self) -> String {
        match self {
            Self::Message(message) => format!("message:{}:{}", message.phone_number_id, message.wamid),
            // One message has one recipient, but for groups. What contacts add to the recipient may differ between
            // deliveries, so it stays out.
            Self::Status(status) => format!(
                "status:{}:{}:{}",
                status.wamid,
                status.status.as_str(),
                status.participant.as_deref().unwrap_or_default()
            ),
            Self::Unknown { waba_id, field, time, raw } => hashed("unknown", &json!([waba_id, field, time, raw])),
            Self::TemplateStatus(_) | Self::UserPreference(_) | Self::UserIdUpdate(_) => {
                // These have no id of their own; all they say makes the key.
                hashed("item", &serde_json::to_value(self).unwrap_or_default())
            }
        }
    }

    /// The customer, template or account the item belongs to. Items with the same subject are processed one by one.
    #[must_use]
    pub fn subject(&self) -> String {
        let customer = |number: &str, identity: &Identity| format!("{number}:{}", identity.key().unwrap_or("nobody"));
        match self {
            Self::Message(message) => customer(&message.phone_number_id, &message.identity),
            Self::Status(status) => customer(&status.phone_number_id, &status.recipient),
            Self::UserPreference(preference) => customer(&preference.phone_number_id, &preference.identity),
            Self::UserIdUpdate(update) => {
                let key = update.previous.as_deref().unwrap_or(&update.current);
                format!("{}:{key}", update.phone_number_id)
            }
            Self::TemplateStatus(template) => format!("template:{}:{}", template.waba_id, template.name),
            Self::Unknown { waba_id, field, .. } => format!("{}:{field}", waba_id.as_deref().unwrap_or("unknown")),
        }
    }

    /// The id of the number of ours it came to, where it came to one.
    #[must_use]
    pub fn phone_number_id(&self) -> Option<&str> {
        let id = match self {
            Self::Message(message) => &message.phone_number_id,
            Self::Status(status) => &status.phone_number_id,
            Self::UserPreference(preference) => &preference.phone_number_id,
            Self::UserIdUpdate(update) => &update.phone_number_id,
            Self::TemplateStatus(_) | Self::Unknown { .. } => return None,
        };
        Some(id.as_str()).filter(|id| !id.is_empty())
    }

    /// The business account, where known.
    #[must_use]
    pub fn waba_id(&self) -> Option<&str> {
        let id = match self {
            Self::Message(message) => Some(&message.waba_id),
            Self::Status(status) => Some(&status.waba_id),
            Self::UserPreference(preference) => Some(&preference.waba_id),
            Self::UserIdUpdate(update) => Some(&update.waba_id),
            Self::TemplateStatus(template) => Some(&template.waba_id),
            Self::Unknown { waba_id, .. } => waba_id.as_ref(),
        };
        id.map(String::as_str).filter(|id| !id.is_empty())
    }
}

fn hashed(prefix: &str, value: &Value) -> String {
    format!("{prefix}:{}", hex::encode(Sha256::digest(value.to_string())))
}

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

    fn read(&self, name: &str, value: &Value, items: &mut Vec<WebhookItem>) {
        let metadata = field(value, "metadata").unwrap_or(&Value::Null);
        let number = text(metadata, "phone_number_id").unwrap_or_default();
        let before = items.len();
        match name {
            "messages" => self.read_messages(value, metadata, &number, items),
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
            _ => {}
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
        for status in list(value, "statuses") {
            items.push(match MessageStatus::of(status, contacts, &self.waba(), number) {
                Some(status) => WebhookItem::Status(Box::new(status)),
                None => self.unknown("statuses", status),
            });
        }
        for name in ["message_echoes", "user_actions", "calls"] {
            items.extend(list(value, name).iter().map(|element| self.unknown(name, element)));
        }
    }

    fn template_status(&self, value: &Value) -> Option<TemplateStatus> {
        Some(TemplateStatus {
            waba_id: self.waba(),
            template_id: text(value, "message_template_id"),
            name: text(value, "message_template_name")?,
            language: text(value, "message_template_language").map(|language| language.replace('-', "_")),
            event: text(value, "event")?.to_ascii_uppercase(),
            reason: text(value, "reason").filter(|reason| reason != "NONE"),
            category: text(value, "message_template_category"),
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
