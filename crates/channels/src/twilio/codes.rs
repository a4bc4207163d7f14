//! Twilio's error codes, of requests and of status callbacks: what to do, and what to tell a person.
//!
//! Source: Twilio's "Error and Warning Dictionary". 2xxxx codes answer requests, 30xxx ones come with `failed` and
//! `undelivered`.

use crate::ErrorClass;

/// The recipient has stopped messages from this sender; feeds the consent ledger.
pub const OPTED_OUT: i64 = 21_610;

/// What to do with the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Slow down and send again; costs no attempt.
    SlowDown,
    /// Never again.
    Final,
    /// Keep it, stop sending and tell an admin: nothing works until someone acts.
    Alert,
}

/// A code in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// What to do with the message.
    pub act: Act,
    /// The kind of failure.
    pub class: ErrorClass,
    /// What happened and what to do, for a person.
    pub reason: &'static str,
}

/// What `code` means. A code not listed is final: guessing at a retry could send twice.
#[must_use]
pub const fn meaning(code: i64) -> Meaning {
    use Act::{Alert, Final, SlowDown};
    use ErrorClass as C;
    let (act, class, reason) = match code {
        14_107 | 20_429 => (SlowDown, C::Throttled, "Too many requests; the provider asks to slow down."),
        20_003 => (Alert, C::Authentication, "The provider does not accept the account SID and auth token."),
        20_005 => (Alert, C::AccountBlocked, "The account at the provider is not active."),
        20_008 => (Alert, C::Authentication, "These are test credentials; use the live ones."),
        20_404 => (Alert, C::Authentication, "The provider does not know the account. Check the account SID."),
        21_211 | 21_214 | 21_217 | 21_401 | 21_421 => {
            (Final, C::InvalidRecipient, "The provider says the number is not valid.")
        }
        21_408 => (Final, C::NotSupported, "Sending to this country is not enabled at the provider."),
        21_602 => (Final, C::ContentInvalid, "The message has no text."),
        21_605 | 21_617 => (Final, C::ContentInvalid, "The text is longer than the provider takes."),
        21_609 => {
            (Final, C::ContentInvalid, "The provider refuses the callback address. Check the channel's settings.")
        }
        21_619 | 21_620 => (Final, C::ContentInvalid, "The provider refuses the content."),
        21_212 | 21_603 | 21_606 | 21_607 | 21_659 | 21_660 | 21_661 | 21_703 | 21_704 | 21_705 => {
            (Final, C::SenderNotRegistered, "The provider does not let this sender send texts.")
        }
        21_608 => (Final, C::AccountBlocked, "A trial account sends only to numbers verified at the provider."),
        OPTED_OUT => (Final, C::OptedOut, "The recipient has stopped messages from this sender."),
        21_611 => (SlowDown, C::Throttled, "The provider's queue of this sender is full."),
        21_612 => (Final, C::InvalidRecipient, "The provider cannot reach this number from this sender."),
        21_614 => (Final, C::InvalidRecipient, "This is not a mobile number."),
        21_635 | 30_006 => (Final, C::InvalidRecipient, "A landline, or a network the provider cannot reach."),
        30_001 => (SlowDown, C::Throttled, "The provider's queue was full."),
        30_002 => (Alert, C::AccountBlocked, "The account was suspended before the message left."),
        30_003 => (Final, C::InvalidRecipient, "The phone is switched off or out of reach."),
        30_004 => (Final, C::Filtered, "The recipient or the carrier blocks messages."),
        30_005 => (Final, C::InvalidRecipient, "The number is unknown or no longer in use."),
        30_007 => (Final, C::Filtered, "The carrier filtered the message as unwanted."),
        30_008 => (Final, C::Unknown, "The carrier gave no reason."),
        30_009 => (Final, C::Unknown, "A part of the message got lost."),
        30_010 => (Final, C::NotSupported, "The message costs more than the limit set for it."),
        30_022 => (SlowDown, C::Throttled, "The sender's rate at the carriers is used up."),
        30_023 => (SlowDown, C::Throttled, "The brand's daily limit at the carrier is used up."),
        30_024 => (Final, C::SenderNotRegistered, "The sender is not provisioned at the carrier."),
        30_032 => (Final, C::SenderNotRegistered, "The toll-free number is not verified."),
        30_034 => (Final, C::SenderNotRegistered, "The number is not registered for application-to-person messages."),
        30_035 => (Final, C::SenderNotRegistered, "The number's campaign registration is not complete."),
        30_036 => (Final, C::Expired, "The message's time ran out before it could be delivered."),
        30_410 | 30_500 => (Final, C::ProviderDown, "The carrier did not answer the provider."),
        _ => (Final, C::Unknown, "The provider refused the message."),
    };
    Meaning { act, class, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_things_depend_on() {
        let class = |code| meaning(code).class;
        assert_eq!(class(21_610), ErrorClass::OptedOut);
        for code in [21_211, 21_614, 21_635, 30_003, 30_005, 30_006] {
            assert_eq!((class(code), meaning(code).act), (ErrorClass::InvalidRecipient, Act::Final), "{code}");
        }
        for code in [20_429, 21_611, 30_022, 30_023] {
            assert_eq!((class(code), meaning(code).act), (ErrorClass::Throttled, Act::SlowDown), "{code}");
        }
        for code in [21_606, 30_032, 30_034] {
            assert_eq!(class(code), ErrorClass::SenderNotRegistered, "{code}");
        }
        assert_eq!(meaning(20_003).act, Act::Alert);
        assert_eq!((class(30_007), class(30_008)), (ErrorClass::Filtered, ErrorClass::Unknown));
        assert_eq!(meaning(424_242).act, Act::Final, "an unknown code is never repeated");
    }
}
