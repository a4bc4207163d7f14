//! What became of a message of ours, and the error objects Meta attaches.

use segue_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    errors::{Act, Meaning, meaning},
    identity::Identity,
    lenient::{field, integer, list, text, timestamp, truth},
};

/// An error object of a webhook or an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GraphError {
    /// The code everything depends on.
    pub code: Option<i64>,
    /// Meta's short words.
    pub title: Option<String>,
    /// Meta's longer words.
    pub message: Option<String>,
    /// Meta's exact words.
    pub details: Option<String>,
    /// Whether Meta says that trying again may help.
    pub transient: bool,
}

impl GraphError {
    /// Reads an error object. `error_data` is an object or, for templates, a text.
    #[must_use]
    pub fn of(error: &Value) -> Self {
        let details = match field(error, "error_data") {
            Some(Value::String(details)) => Some(details.clone()),
            Some(data) => text(data, "details"),
            None => None,
        };
        Self {
            code: integer(error, "code"),
            title: text(error, "title").or_else(|| text(error, "error_user_title")),
            message: text(error, "message"),
            details: details.or_else(|| text(error, "error_user_msg")),
            transient: truth(error, "is_transient").unwrap_or(false),
        }
    }

    /// What the code means.
    #[must_use]
    pub fn meaning(&self) -> Meaning {
        meaning(self.code.unwrap_or(-1))
    }

    /// What to do about it. WhatsApp's own word that it is transient outweighs a final meaning, never an alert.
    #[must_use]
    pub fn act(&self) -> Act {
        match self.meaning().act {
            Act::Final if self.transient => Act::Retry,
            act => act,
        }
    }

    /// Our words, with Meta's own behind them.
    #[must_use]
    pub fn reason(&self) -> String {
        let ours = self.meaning().reason;
        let code = self.code.map_or_else(String::new, |code| format!(" (code {code})"));
        match self.details.as_ref().or(self.message.as_ref()).or(self.title.as_ref()) {
            Some(theirs) => format!("{ours}{code} WhatsApp says: {theirs}"),
            None => format!("{ours}{code}"),
        }
    }
}

/// A step in the life of an outbound message. The order of arrival means nothing; see [`StatusKind::rank`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusKind {
    /// On its way.
    Sent,
    /// On the handset.
    Delivered,
    /// Seen; implies delivered, which may never be told.
    Read,
    /// A voice message was played.
    Played,
    /// It will not arrive.
    Failed,
    /// A word this version does not know.
    Other(String),
}

impl StatusKind {
    fn of(word: &str) -> Self {
        match word {
            "sent" => Self::Sent,
            "delivered" => Self::Delivered,
            "read" => Self::Read,
            "played" => Self::Played,
            "failed" => Self::Failed,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The word Meta uses.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Played => "played",
            Self::Failed => "failed",
            Self::Other(other) => other,
        }
    }

    /// How far along the message is: a shown state never goes to a lower rank. Failures and unknown words have none.
    #[must_use]
    pub const fn rank(&self) -> Option<u8> {
        match self {
            Self::Sent => Some(1),
            Self::Delivered => Some(2),
            Self::Read => Some(3),
            Self::Played => Some(4),
            Self::Failed | Self::Other(_) => None,
        }
    }
}

/// What a message cost. Comes with `sent` or with a later status, never for sure with either.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pricing {
    /// Whether it is charged, where Meta still says so.
    pub billable: Option<bool>,
    /// `PMP`, or `CBP` before July 2025.
    pub model: Option<String>,
    /// `regular`, `free_customer_service` or `free_entry_point`.
    pub kind: Option<String>,
    /// `marketing`, `utility`, `service` and others; stored verbatim.
    pub category: Option<String>,
}

/// One element of `statuses`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageStatus {
    /// The business account.
    pub waba_id: String,
    /// Our number's id.
    pub phone_number_id: String,
    /// The message.
    pub wamid: String,
    /// What happened.
    pub status: StatusKind,
    /// When, by Meta's clock.
    pub at: Option<Timestamp>,
    /// To whom.
    pub recipient: Identity,
    /// Whose status it is in a group.
    pub participant: Option<String>,
    /// Why it failed.
    pub errors: Vec<GraphError>,
    /// What it cost.
    pub pricing: Option<Pricing>,
    /// The conversation object, kept as it came.
    pub conversation: Option<Value>,
    /// What we attached when sending: resolves a send whose answer never came.
    pub biz_opaque_callback_data: Option<String>,
}

crate::debug::redacted_debug!(MessageStatus);

impl MessageStatus {
    /// Reads an element of `statuses`; `None` when it names no message or no status.
    pub(super) fn of(status: &Value, contacts: &[Value], waba_id: &str, phone_number_id: &str) -> Option<Self> {
        let mut recipient = Identity::of_ids(
            text(status, "recipient_id"),
            text(status, "recipient_user_id"),
            text(status, "recipient_parent_user_id"),
        );
        let is_group = text(status, "recipient_type").as_deref() == Some("group");
        if is_group {
            // The id is the group's, not a person's.
            recipient.phone = None;
        }
        let contact = contacts.iter().map(Identity::of_contact).find(|contact| contact.shares_id_with(&recipient));
        if let Some(contact) = contact {
            recipient.fill(contact);
        }
        Some(Self {
            waba_id: waba_id.to_owned(),
            phone_number_id: phone_number_id.to_owned(),
            wamid: text(status, "id")?,
            status: StatusKind::of(&text(status, "status")?),
            at: timestamp(status, "timestamp"),
            recipient,
            participant: text(status, "recipient_participant_user_id")
                .or_else(|| text(status, "recipient_participant_id")),
            errors: list(status, "errors").iter().map(GraphError::of).collect(),
            pricing: field(status, "pricing").map(|pricing| Pricing {
                billable: truth(pricing, "billable"),
                model: text(pricing, "pricing_model"),
                kind: text(pricing, "type"),
                category: text(pricing, "category"),
            }),
            conversation: field(status, "conversation").cloned(),
            biz_opaque_callback_data: text(status, "biz_opaque_callback_data"),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn error_data_is_an_object_or_a_text() {
        let object =
            GraphError::of(&json!({"code": 131047, "error_data": {"details": "24 hours"}, "is_transient": true}));
        assert_eq!((object.code, object.details.as_deref(), object.transient), (Some(131_047), Some("24 hours"), true));
        let text = GraphError::of(&json!({"code": "132001", "message": "m", "error_data": "plain"}));
        assert_eq!((text.code, text.details.as_deref()), (Some(132_001), Some("plain")));
        assert!(text.reason().ends_with("(code 132001) WhatsApp says: plain"));
        assert_eq!(GraphError::of(&json!(null)), GraphError::default());
        let act = |code: i64, transient: bool| GraphError::of(&json!({"code": code, "is_transient": transient})).act();
        assert_eq!((act(100, false), act(100, true), act(190, true)), (Act::Final, Act::Retry, Act::Alert));
    }

    #[test]
    fn ranks_rise() {
        let ranks: Vec<_> = ["sent", "delivered", "read", "played"].iter().map(|w| StatusKind::of(w).rank()).collect();
        assert_eq!(ranks, [Some(1), Some(2), Some(3), Some(4)]);
        assert_eq!(StatusKind::of("failed").rank(), None);
        assert_eq!(StatusKind::of("teleported").as_str(), "teleported");
    }
}
