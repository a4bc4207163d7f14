//! Blocking users of WhatsApp: what they write no longer comes, and nothing can be sent to them.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    client::{GraphClient, GraphFailure},
    lenient::{field, list, text},
    recipient::Recipient,
};

/// Whether users are to be blocked or no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocking {
    Block,
    Unblock,
}

/// What WhatsApp did for one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlockOutcome {
    Done,
    /// Why not, in WhatsApp's words.
    Refused(String),
}

impl GraphClient {
    /// Blocks a user of this number, or ends that. WhatsApp only blocks who wrote within the last 24 hours. Doing it
    /// twice is harmless.
    ///
    /// # Errors
    /// When WhatsApp refuses the whole request or does not answer.
    pub async fn set_blocked(&self, recipient: &Recipient, blocking: Blocking) -> Result<BlockOutcome, GraphFailure> {
        let user = match recipient {
            Recipient::Phone(digits) => json!({"user": digits.as_str()}),
            Recipient::Bsuid(bsuid) => json!({"user_id": bsuid.as_str()}),
        };
        let method = match blocking {
            Blocking::Block => Method::POST,
            Blocking::Unblock => Method::DELETE,
        };
        let body = json!({"messaging_product": "whatsapp", "block_users": [user]});
        let request = self.request(method, &[&self.config.phone_number_id, "block_users"])?.json(&body);
        Ok(outcome(&self.call(request).await?))
    }
}

pub(super) fn outcome(answer: &Value) -> BlockOutcome {
    let users = field(answer, "block_users").cloned().unwrap_or_default();
    let failed = list(&users, "failed_users");
    let Some(first) = failed.first() else { return BlockOutcome::Done };
    let errors = list(first, "errors");
    let reason = errors.first().and_then(|error| {
        let details = field(error, "error_data").and_then(|data| text(data, "details"));
        details.or_else(|| text(error, "message"))
    });
    BlockOutcome::Refused(reason.unwrap_or_else(|| "WhatsApp gave no reason.".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_name_who_was_not_blocked_and_why() {
        let done = json!({"messaging_product": "whatsapp",
            "block_users": {"added_users": [{"input": "15550100001", "wa_id": "15550100001"}]}});
        assert_eq!(outcome(&done), BlockOutcome::Done);
        let refused = json!({"block_users": {"added_users": [], "failed_users": [{"input": "15550100001",
            "wa_id": "15550100001", "errors": [{"message": "Re-engagement required", "code": 139_100,
            "error_data": {"details": "No message within 24 hours"}}]}]}});
        assert_eq!(outcome(&refused), BlockOutcome::Refused("No message within 24 hours".to_owned()));
        let silent = json!({"block_users": {"failed_users": [{"input": "15550100001"}]}});
        assert_eq!(outcome(&silent), BlockOutcome::Refused("WhatsApp gave no reason.".to_owned()));
    }
}
