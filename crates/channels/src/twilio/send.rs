//! How a send ends.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

use super::codes::{Act, meaning};
use crate::ErrorClass;

/// How a send ended. Exactly one for each call.
#[derive(Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// The provider took it.
    Accepted {
        /// Its id of the message, `SM…` or `MM…`.
        sid: String,
    },
    /// It certainly did not go out; sending again is safe.
    NotSent {
        /// The kind of failure.
        class: ErrorClass,
        /// The provider's code, when it gave one.
        code: Option<i64>,
        /// When to try again.
        act: Act,
        /// How long the provider asks to wait.
        retry_after: Option<Duration>,
        /// Plain words.
        reason: String,
    },
    /// The provider said no for good.
    Refused {
        /// The kind of failure.
        class: ErrorClass,
        /// The provider's code; `None` when the message was stopped here.
        code: Option<i64>,
        /// Plain words.
        reason: String,
    },
    /// It may have gone out. Sending again may double it; a status callback with our id will tell.
    Unknown {
        /// Plain words.
        reason: String,
    },
}

impl std::fmt::Debug for SendOutcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Accepted { sid } => write!(f, "Accepted {{ {sid} }}"),
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
            let reason = "The request could not be built; check the API address of the channel.".to_owned();
            return Self::Refused { class: ErrorClass::ContentInvalid, code: None, reason };
        }
        if error.is_connect() {
            // No connection, so no request was written.
            return Self::NotSent {
                class: ErrorClass::ProviderDown,
                code: None,
                act: Act::SlowDown,
                retry_after: None,
                reason: "The provider cannot be reached.".to_owned(),
            };
        }
        let reason = if error.is_timeout() {
            "The provider did not answer in time."
        } else {
            "The connection to the provider was cut before the answer."
        };
        Self::Unknown { reason: reason.to_owned() }
    }

    /// The provider answered.
    pub(super) fn of_answer(status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        if status.is_success() {
            return match body.get("sid").and_then(Value::as_str).filter(|sid| !sid.is_empty()) {
                Some(sid) => Self::Accepted { sid: sid.to_owned() },
                None => Self::Unknown { reason: "The provider's answer names no message.".to_owned() },
            };
        }
        if status.is_server_error() {
            return Self::Unknown { reason: format!("The provider answered with the internal error {status}.") };
        }
        let code = body.get("code").and_then(Value::as_i64);
        let (act, class, reason) = match (code, status.as_u16()) {
            (Some(code), number) => {
                let meaning = meaning(code);
                // The status alone is enough to know that it was too fast.
                let act = if number == 429 { Act::SlowDown } else { meaning.act };
                let class = if number == 429 { ErrorClass::Throttled } else { meaning.class };
                (act, class, meaning.reason.to_owned())
            }
            (None, 429) => (Act::SlowDown, ErrorClass::Throttled, "Too many requests to the provider.".to_owned()),
            (None, 401 | 403) => (Act::Alert, ErrorClass::Authentication, "The provider denied access.".to_owned()),
            // No message is refused like this: another program answers, or nothing is at the path.
            (None, 100..=399 | 404 | 405) => {
                (Act::Alert, ErrorClass::ProviderDown, "The API address is not the provider's.".to_owned())
            }
            (None, number) => {
                let words = format!("The provider refused the message without saying why (HTTP {number}).");
                (Act::Final, ErrorClass::Unknown, words)
            }
        };
        match act {
            Act::Final => Self::Refused { class, code, reason },
            act => Self::NotSent { class, code, act, retry_after, reason },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(status: u16, body: &Value) -> SendOutcome {
        SendOutcome::of_answer(StatusCode::from_u16(status).unwrap(), None, body.to_string().as_bytes())
    }

    #[test]
    fn answers_that_leave_doubt() {
        for status in [500, 502, 503, 504] {
            assert!(matches!(answer(status, &json!({"code": 20_500})), SendOutcome::Unknown { .. }), "{status}");
        }
        assert!(matches!(answer(201, &json!({})), SendOutcome::Unknown { .. }));
        assert!(matches!(SendOutcome::of_answer(StatusCode::CREATED, None, b"<html>"), SendOutcome::Unknown { .. }));
    }

    #[test]
    fn answers_that_leave_none() {
        assert_eq!(answer(201, &json!({"sid": "SM1"})), SendOutcome::Accepted { sid: "SM1".to_owned() });
        for (status, code, class) in [
            (400, 21_211, ErrorClass::InvalidRecipient),
            (400, 21_610, ErrorClass::OptedOut),
            (400, 21_617, ErrorClass::ContentInvalid),
            (400, 99_999, ErrorClass::Unknown),
        ] {
            let outcome = answer(status, &json!({"code": code, "message": "m", "status": status}));
            assert!(
                matches!(outcome, SendOutcome::Refused { class: found, code: Some(named), .. } if (found, named) == (class, code))
            );
        }
        for (status, body, class, act) in [
            (429, json!({"code": 20_429}), ErrorClass::Throttled, Act::SlowDown),
            (429, json!({"code": 12_345}), ErrorClass::Throttled, Act::SlowDown),
            (429, json!(null), ErrorClass::Throttled, Act::SlowDown),
            (400, json!({"code": 21_611}), ErrorClass::Throttled, Act::SlowDown),
            (401, json!({"code": 20_003}), ErrorClass::Authentication, Act::Alert),
            (403, json!("no"), ErrorClass::Authentication, Act::Alert),
            (302, json!(null), ErrorClass::ProviderDown, Act::Alert),
            (404, json!("<html>"), ErrorClass::ProviderDown, Act::Alert),
            (405, json!(null), ErrorClass::ProviderDown, Act::Alert),
        ] {
            match answer(status, &body) {
                SendOutcome::NotSent { class: found, act: told, .. } => assert_eq!((found, told), (class, act)),
                other => panic!("{other:?}"),
            }
        }
        assert!(matches!(answer(410, &json!({})), SendOutcome::Refused { code: None, .. }));
    }
}
