//! How a submit ended, put together from its parts.

use super::{
    status::{Reaction, meaning},
    submit::SubmitError,
};
use crate::ErrorClass;

/// ESME_RMSGQFUL.
const QUEUE_FULL: u32 = 0x14;

/// How a submit ended. Exactly one for each message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmitOutcome {
    /// The carrier took every part.
    Accepted {
        /// The carrier's id of each part, in order.
        message_ids: Vec<String>,
    },
    /// Nothing reached the recipient's network; sending again is safe. [`ErrorClass::Throttled`] costs no attempt, and
    /// neither does [`ErrorClass::Authentication`]: the account may not send, whatever the message is.
    NotSent {
        /// The kind of failure.
        class: ErrorClass,
        /// The carrier's status, when it gave one.
        code: Option<u32>,
        /// Plain words.
        reason: String,
    },
    /// The carrier said no for good.
    Refused {
        /// The kind of failure.
        class: ErrorClass,
        /// The carrier's status; `None` when the message was stopped here.
        code: Option<u32>,
        /// Plain words.
        reason: String,
    },
    /// It may have gone out, whole or in part. Sending again may double it.
    Unknown {
        /// Plain words.
        reason: String,
        /// Ids of the parts that were taken for certain; their receipts will come.
        message_ids: Vec<String>,
    },
}

impl SubmitOutcome {
    /// The link is not there.
    pub(super) fn no_link(reason: &str) -> Self {
        Self::NotSent { class: ErrorClass::ProviderDown, code: None, reason: reason.to_owned() }
    }
}

impl From<SubmitError> for SubmitOutcome {
    fn from(error: SubmitError) -> Self {
        let class = match error {
            SubmitError::Source => ErrorClass::SenderNotRegistered,
            SubmitError::Destination => ErrorClass::InvalidRecipient,
            SubmitError::Empty | SubmitError::TooLong { .. } => ErrorClass::ContentInvalid,
        };
        Self::Refused { class, code: None, reason: error.to_string() }
    }
}

/// How one part ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PartResult {
    Waiting,
    Accepted(String),
    NotSent { class: ErrorClass, code: Option<u32>, reason: String },
    Refused { class: ErrorClass, code: u32, reason: String },
    Unknown(String),
}

impl PartResult {
    /// What the carrier's answer makes of a part.
    pub fn of_response(status: u32, message_id: String) -> Self {
        let found = meaning(status);
        let reason = || format!("{} ({}, status {status:#x})", found.reason, found.name);
        match found.reaction {
            Reaction::Accepted => Self::Accepted(message_id),
            Reaction::SlowDown | Reaction::TryLater => {
                Self::NotSent { class: found.class, code: Some(status), reason: reason() }
            }
            // The connection or the account is refused, and not this message.
            Reaction::Alarm if found.class == ErrorClass::Authentication => {
                Self::NotSent { class: found.class, code: Some(status), reason: reason() }
            }
            Reaction::Final | Reaction::Alarm => Self::Refused { class: found.class, code: status, reason: reason() },
        }
    }

    /// Whether the carrier asked to slow down.
    pub fn is_throttled(&self) -> bool {
        matches!(self, Self::NotSent { class: ErrorClass::Throttled, .. })
    }

    /// Whether the carrier has no room at present.
    pub fn is_queue_full(&self) -> bool {
        matches!(self, Self::NotSent { code: Some(QUEUE_FULL), .. })
    }

    /// Whether the same part may be offered again on this connection.
    pub fn is_not_now(&self) -> bool {
        self.is_throttled() || self.is_queue_full()
    }
}

/// The outcome of a message of one part.
impl From<PartResult> for SubmitOutcome {
    fn from(part: PartResult) -> Self {
        match part {
            PartResult::Accepted(id) => Self::Accepted { message_ids: vec![id] },
            PartResult::NotSent { class, code, reason } => Self::NotSent { class, code, reason },
            PartResult::Refused { class, code, reason } => Self::Refused { class, code: Some(code), reason },
            PartResult::Unknown(reason) => Self::Unknown { reason, message_ids: Vec::new() },
            PartResult::Waiting => combine(vec![part]),
        }
    }
}

/// One outcome for all parts. Any doubt about any part is doubt about the message; a message of which some parts left
/// and others did not, refused or put off, is never sent again as a whole, by whatever way.
pub(super) fn combine(parts: Vec<PartResult>) -> SubmitOutcome {
    let total = parts.len();
    let mut message_ids = Vec::new();
    let (mut not_sent, mut refused, mut unknown) = (None, None, None);
    for part in parts {
        match part {
            PartResult::Accepted(id) => message_ids.push(id),
            PartResult::NotSent { class, code, reason } => not_sent = not_sent.or(Some((class, code, reason))),
            PartResult::Refused { class, code, reason } => refused = refused.or(Some((class, code, reason))),
            PartResult::Unknown(reason) => unknown = unknown.or(Some(reason)),
            PartResult::Waiting => unknown = unknown.or(Some("The carrier's answer is missing.".to_owned())),
        }
    }
    if let Some(reason) = unknown {
        return SubmitOutcome::Unknown { reason, message_ids };
    }
    match (refused, not_sent) {
        (None, None) => SubmitOutcome::Accepted { message_ids },
        (Some((_, _, reason)), _) | (None, Some((_, _, reason))) if !message_ids.is_empty() => SubmitOutcome::Unknown {
            reason: format!("Only {} of {total} parts were taken: {reason}", message_ids.len()),
            message_ids,
        },
        (Some((class, code, reason)), _) => SubmitOutcome::Refused { class, code: Some(code), reason },
        (None, Some((class, code, reason))) => SubmitOutcome::NotSent { class, code, reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(id: &str) -> PartResult {
        PartResult::Accepted(id.to_owned())
    }

    fn answered(status: u32) -> PartResult {
        PartResult::of_response(status, String::new())
    }

    fn unknown() -> PartResult {
        PartResult::Unknown("cut".to_owned())
    }

    #[test]
    fn all_parts_taken() {
        let outcome = combine(vec![accepted("1"), accepted("2")]);
        assert_eq!(outcome, SubmitOutcome::Accepted { message_ids: vec!["1".to_owned(), "2".to_owned()] });
    }

    #[test]
    fn one_answer_decides_a_single_part() {
        assert!(matches!(
            combine(vec![answered(0x58)]),
            SubmitOutcome::NotSent { class: ErrorClass::Throttled, code: Some(0x58), .. }
        ));
        assert!(matches!(
            combine(vec![answered(0x0B)]),
            SubmitOutcome::Refused { class: ErrorClass::InvalidRecipient, code: Some(0x0B), .. }
        ));
        for status in [0x04, 0x0D, 0x0E, 0x0F, 0x53] {
            assert!(matches!(
                combine(vec![answered(status)]),
                SubmitOutcome::NotSent { class: ErrorClass::Authentication, code: Some(_), .. }
            ));
        }
        assert!(matches!(combine(vec![answered(0x02)]), SubmitOutcome::Refused { .. }));
        assert!(matches!(combine(vec![unknown()]), SubmitOutcome::Unknown { .. }));
        assert!(matches!(combine(vec![PartResult::Waiting]), SubmitOutcome::Unknown { .. }));
    }

    #[test]
    fn doubt_wins_over_everything() {
        for other in [accepted("1"), answered(0x58), answered(0x0B)] {
            assert!(matches!(combine(vec![other, unknown()]), SubmitOutcome::Unknown { .. }));
        }
    }

    #[test]
    fn a_partly_sent_message_is_never_free_to_resend() {
        for other in [answered(0x58), answered(0x0B), answered(0x0A)] {
            for parts in [vec![accepted("1"), other.clone()], vec![other, accepted("1"), answered(0x58)]] {
                match combine(parts) {
                    SubmitOutcome::Unknown { message_ids, .. } => assert_eq!(message_ids, ["1"]),
                    other => panic!("{other:?}"),
                }
            }
        }
        assert!(matches!(combine(vec![answered(0x0B), answered(0x0B)]), SubmitOutcome::Refused { .. }));
        assert!(matches!(combine(vec![answered(0x58), answered(0x58)]), SubmitOutcome::NotSent { .. }));
    }
}
