//! What a webhook is made of: the items that the inbox stores, and how they are told apart.

use segue_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    content::Content,
    identity::Identity,
    lenient::{field, list, text},
    notice::Notice,
    status::{GraphError, MessageStatus},
};

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
    /// When, by Meta's clock. A template may be paused and approved any number of times in the same words; a repeated
    /// delivery has the same time.
    #[serde(default)]
    pub at: Option<Timestamp>,
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
    /// The same in an enrolled parent portfolio, from now on.
    #[serde(default)]
    pub current_parent: Option<String>,
    /// When.
    pub at: Option<Timestamp>,
}

segue_model::text_enum! {
    /// Who wrote a recorded message.
    pub enum Writer {
        /// Somebody at the business, in WhatsApp's own app.
        Business = "business",
        /// The customer.
        Customer = "customer",
    }
}

segue_model::text_enum! {
    /// Why a message is told that did not go through here.
    pub enum Record {
        /// It was just written in the WhatsApp Business app on the same number.
        App = "app",
        /// It is from before the number was connected.
        History = "history",
    }
}

/// A message between the business and a customer that did not go through here: for the record, never to be answered.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedMessage {
    /// The business account.
    pub waba_id: String,
    /// Our number's id.
    pub phone_number_id: String,
    /// Meta's id of the message.
    pub wamid: String,
    /// When it was sent, by Meta's clock.
    pub at: Option<Timestamp>,
    /// The customer of the conversation, whoever wrote.
    pub customer: Identity,
    /// Who wrote it.
    pub writer: Writer,
    /// Why it is told.
    pub record: Record,
    /// The element as it came.
    pub message: Value,
}

/// Something happened to the account, a number or a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountNotice {
    /// The business account.
    pub waba_id: String,
    /// When, by Meta's clock.
    pub at: Option<Timestamp>,
    /// What.
    pub notice: Notice,
}

/// The advertisement or post that a conversation began with.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Referral {
    /// Where it can be seen.
    pub source_url: Option<String>,
    /// Meta's id of it.
    pub source_id: Option<String>,
    /// `ad` or `post`.
    pub source_type: Option<String>,
    /// Its headline.
    pub headline: Option<String>,
    /// Its text.
    pub body: Option<String>,
    /// Id of the click, for Meta's Conversions API.
    pub click_id: Option<String>,
    /// What the link carried.
    pub reference: Option<String>,
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
    /// A message between the business and a customer that did not go through here.
    Recorded(Box<RecordedMessage>),
    /// Something happened to the account, a number or a template.
    Notice(AccountNotice),
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

crate::debug::redacted_debug!(
    InboundMessage,
    MessageContext,
    UserPreference,
    UserIdUpdate,
    RecordedMessage,
    Referral,
    WebhookItem
);

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

    /// The advertisement it came from. Opens the free entry point.
    #[must_use]
    pub fn referral(&self) -> Option<Referral> {
        let referral = field(&self.message, "referral")?;
        Some(Referral {
            source_url: text(referral, "source_url"),
            source_id: text(referral, "source_id"),
            source_type: text(referral, "source_type"),
            headline: text(referral, "headline"),
            body: text(referral, "body"),
            click_id: text(referral, "ctwa_clid"),
            reference: text(referral, "ref"),
        })
    }

    /// The group it was written in; none in a chat between two.
    #[must_use]
    pub fn group_id(&self) -> Option<String> {
        text(&self.message, "group_id")
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
            Self::Recorded(message) => format!("recorded:{}:{}", message.phone_number_id, message.wamid),
            Self::TemplateStatus(_) | Self::UserPreference(_) | Self::UserIdUpdate(_) | Self::Notice(_) => {
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
            // An echo may have to wait for the answer to a send, and keeps no word of the customer waiting meanwhile.
            Self::Recorded(message) if message.record == Record::App => {
                format!("echo:{}", customer(&message.phone_number_id, &message.customer))
            }
            Self::Recorded(message) => customer(&message.phone_number_id, &message.customer),
            Self::TemplateStatus(template) => format!("template:{}:{}", template.waba_id, template.name),
            Self::Notice(AccountNotice { waba_id, notice, .. }) => match notice.template() {
                Some(template) => format!("template:{waba_id}:{}", template.name),
                None => format!("account:{waba_id}"),
            },
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
            Self::Recorded(message) => &message.phone_number_id,
            Self::TemplateStatus(_) | Self::Notice(_) | Self::Unknown { .. } => return None,
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
            Self::Recorded(message) => Some(&message.waba_id),
            Self::TemplateStatus(template) => Some(&template.waba_id),
            Self::Notice(notice) => Some(&notice.waba_id),
            Self::Unknown { waba_id, .. } => waba_id.as_ref(),
        };
        id.map(String::as_str).filter(|id| !id.is_empty())
    }
}

fn hashed(prefix: &str, value: &Value) -> String {
    format!("{prefix}:{}", hex::encode(Sha256::digest(value.to_string())))
}
