//! How a send ends.

use std::time::Duration;

use reqwest::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    errors::Act,
    lenient::{field, list, text},
    status::GraphError,
};
use crate::ErrorClass;

/// What goes with a message besides its content.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendMeta {
    /// The message this one answers.
    pub reply_to: Option<String>,
    /// Comes back with every status, up to 512 characters. Put the outbox id here: WhatsApp offers no other way to find
    /// out what became of a send whose answer was lost.
    pub callback_data: Option<String>,
}

crate::debug::redacted_debug!(SendMeta);

/// How a send ended. Exactly one for each call.
#[derive(Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// WhatsApp took it.
    Accepted {
        /// Meta's id of the message.
        wamid: String,
        /// The recipient's WhatsApp id; may differ from the number dialled. Store it with the contact.
        wa_id: Option<String>,
        /// The recipient's BSUID.
        user_id: Option<String>,
        /// Set when WhatsApp took it without sending it yet (`held_for_quality_assessment`, `paused`).
        held: Option<String>,
    },
    /// It certainly did not go out; sending again is safe.
    NotSent {
        /// The kind of failure.
        class: ErrorClass,
        /// Meta's code, when it gave one.
        code: Option<i64>,
        /// When to try again: soon, later, or after an admin acted.
        act: Act,
        /// How long WhatsApp asks to wait.
        retry_after: Option<Duration>,
        /// Plain words.
        reason: String,
    },
    /// WhatsApp said no for good.
    Refused {
        /// The kind of failure.
        class: ErrorClass,
        /// Meta's code; `None` when the message was stopped here.
        code: Option<i64>,
        /// Plain words.
        reason: String,
    },
    /// It may have gone out. Sending again may double it; a status with our callback data will tell.
    Unknown {
        /// Plain words.
        reason: String,
    },
}

impl std::fmt::Debug for SendOutcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // The ids hold the phone number.
            Self::Accepted { .. } => f.write_str("Accepted { redacted }"),
            Self::NotSent { class, code, act, .. } => write!(f, "NotSent {{ {class}, {code:?}, {act:?} }}"),
            Self::Refused { class, code, .. } => write!(f, "Refused {{ {class}, {code:?} }}"),
            Self::Unknown { reason } => write!(f, "Unknown {{ {reason} }}"),
        }
    }
}

impl SendOutcome {
    /// The request failed without an answer.
    pub(super) fn of_transport(error: &reqwest::Error) -> Self {
        if error.is_builder() {
            let reason = "The request could not be built; check the base URL of the channel.".to_owned();
            return Self::Refused { class: ErrorClass::ContentInvalid, code: None, reason };
        }
        if error.is_connect() {
            // No connection, so no request was written.
            return Self::NotSent {
                class: ErrorClass::ProviderDown,
                code: None,
                act: Act::Retry,
                retry_after: None,
                reason: "WhatsApp cannot be reached.".to_owned(),
            };
        }
        let reason = if error.is_timeout() {
            "WhatsApp did not answer in time."
        } else {
            "The connection to WhatsApp was cut before the answer."
        };
        Self::Unknown { reason: reason.to_owned() }
    }

    /// WhatsApp answered; the body is null when it is no JSON.
    pub(super) fn of_answer(status: StatusCode, retry_after: Option<Duration>, body: &Value) -> Self {
        if status.is_success() {
            return Self::of_success(body);
        }
        let error = field(body, "error").map(GraphError::of);
        let meaning = error.as_ref().map(GraphError::meaning);
        let throttled = meaning.is_some_and(|meaning| meaning.class == ErrorClass::Throttled);
        if status.is_server_error() && !throttled {
            return Self::Unknown { reason: format!("WhatsApp answered with the internal error {status}.") };
        }
        let Some(error) = error.filter(|error| error.code.is_some()) else {
            return Self::of_bare_status(status, retry_after);
        };
        let meaning = error.meaning();
        let (class, code, reason) = (meaning.class, error.code, error.reason());
        let act = error.act();
        let act = if status == StatusCode::TOO_MANY_REQUESTS && act == Act::Final { Act::Retry } else { act };
        match act {
            Act::Final => Self::Refused { class, code, reason },
            act => Self::NotSent { class, code, act, retry_after, reason },
        }
    }

    fn of_success(body: &Value) -> Self {
        let message = list(body, "messages").first().unwrap_or(&Value::Null);
        let contact = list(body, "contacts").first().unwrap_or(&Value::Null);
        match text(message, "id") {
            Some(wamid) => Self::Accepted {
                wamid,
                wa_id: text(contact, "wa_id"),
                user_id: text(contact, "user_id"),
                held: text(message, "message_status").filter(|status| status != "accepted"),
            },
            None => Self::Unknown { reason: "WhatsApp took the request but its answer names no message.".to_owned() },
        }
    }

    /// An answer without an error object: only the HTTP status speaks.
    fn of_bare_status(status: StatusCode, retry_after: Option<Duration>) -> Self {
        let not_sent = |class, act, reason: &str| Self::NotSent {
            class,
            code: None,
            act,
            retry_after,
            reason: format!("{reason} (HTTP {})", status.as_u16()),
        };
        match status.as_u16() {
            429 => not_sent(ErrorClass::Throttled, Act::Retry, "Too many requests to WhatsApp."),
            401 | 403 => not_sent(ErrorClass::Authentication, Act::Alert, "WhatsApp denied access."),
            // A redirect or an informational answer is not from the Graph API: a proxy, or a wrong base URL.
            100..=399 => not_sent(ErrorClass::ProviderDown, Act::Alert, "The configured address is not WhatsApp's."),
            code => Self::Refused {
                class: ErrorClass::Unknown,
                code: None,
                reason: format!("WhatsApp refused the message without saying why (HTTP {code})."),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::client::parsed, *};

    fn answer(status: u16, body: &Value) -> SendOutcome {
        SendOutcome::of_answer(StatusCode::from_u16(status).unwrap(), None, body)
    }

    fn error(code: i64) -> Value {
        json!({"error": {"message": "m", "code": code, "error_data": {"details": "d"}}})
    }

    #[test]
    fn an_accepted_message_names_itself_and_its_recipient() {
        let body = json!({"contacts": [{"input": "+1", "wa_id": "16505551234"}], "messages": [{"id": "wamid.1", "message_status": "accepted"}]});
        assert!(
            answer(200, &body)
                == SendOutcome::Accepted {
                    wamid: "wamid.1".to_owned(),
                    wa_id: Some("16505551234".to_owned()),
                    user_id: None,
                    held: None,
                }
        );
        let body = json!({"contacts": [{"user_id": "US.1"}], "messages": [{"id": "w", "message_status": "held_for_quality_assessment"}]});
        assert!(matches!(
            answer(200, &body),
            SendOutcome::Accepted { held: Some(held), user_id: Some(_), .. } if held == "held_for_quality_assessment"
        ));
    }

    #[test]
    fn answers_that_leave_doubt() {
        assert!(matches!(answer(200, &json!({})), SendOutcome::Unknown { .. }));
        assert!(matches!(
            SendOutcome::of_answer(StatusCode::OK, None, &parsed(b"<html>", "t")),
            SendOutcome::Unknown { .. }
        ));
        for status in [500, 502, 503, 504] {
            assert!(matches!(answer(status, &error(131_000)), SendOutcome::Unknown { .. }), "{status}");
            assert!(matches!(answer(status, &json!(null)), SendOutcome::Unknown { .. }), "{status}");
        }
    }

    #[test]
    fn answers_that_leave_none() {
        let not_sent = |outcome: SendOutcome| match outcome {
            SendOutcome::NotSent { class, act, .. } => (class, act),
            other => panic!("{other:?}"),
        };
        assert_eq!(not_sent(answer(400, &error(130_429))), (ErrorClass::Throttled, Act::Retry));
        assert_eq!(not_sent(answer(503, &error(130_429))), (ErrorClass::Throttled, Act::Retry));
        assert_eq!(not_sent(answer(429, &json!({}))), (ErrorClass::Throttled, Act::Retry));
        assert_eq!(not_sent(answer(401, &error(190))), (ErrorClass::Authentication, Act::Alert));
        assert_eq!(not_sent(answer(403, &json!("x"))), (ErrorClass::Authentication, Act::Alert));
        assert_eq!(not_sent(answer(400, &error(132_015))), (ErrorClass::TemplateUnavailable, Act::Later));
        assert_eq!(not_sent(answer(302, &json!({}))), (ErrorClass::ProviderDown, Act::Alert));
        let transient = json!({"error": {"code": 100, "is_transient": true}});
        assert_eq!(not_sent(answer(400, &transient)), (ErrorClass::ContentInvalid, Act::Retry));
        for (status, code, class) in [
            (400, 131_047, ErrorClass::WindowClosed),
            (400, 100, ErrorClass::ContentInvalid),
            (404, 132_001, ErrorClass::TemplateUnavailable),
            (400, 424_242, ErrorClass::Unknown),
        ] {
            match answer(status, &error(code)) {
                SendOutcome::Refused { class: found, code: Some(named), .. } => {
                    assert_eq!((found, named), (class, code))
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(matches!(answer(404, &json!({})), SendOutcome::Refused { code: None, .. }));
    }
}
