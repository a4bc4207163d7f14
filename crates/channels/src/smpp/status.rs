//! What a command status of the carrier means and what follows from it (SMPP 3.4, 5.1.3).

use crate::ErrorClass;

/// What to do about a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// The carrier took it.
    Accepted,
    /// Slow down and send again; costs no attempt.
    SlowDown,
    /// The carrier did not take it now; send again later, a limited number of times.
    TryLater,
    /// No for good.
    Final,
    /// No, and an admin must look: credentials, bind state or our own encoding.
    Alarm,
}

/// A status in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// The name in the standard, or "vendor status".
    pub name: &'static str,
    /// What to do.
    pub reaction: Reaction,
    /// The kind of failure.
    pub class: ErrorClass,
    /// Plain words for a person.
    pub reason: &'static str,
}

/// What `status` means. Unknown codes are final: repeating what a carrier refuses annoys the carrier.
#[must_use]
pub const fn meaning(status: u32) -> Meaning {
    use ErrorClass as C;
    use Reaction::{Accepted, Alarm, Final, SlowDown, TryLater};
    let (name, reaction, class, reason) = match status {
        0x00 => ("ESME_ROK", Accepted, C::Unknown, "The carrier accepted the message."),
        0x01 => ("ESME_RINVMSGLEN", Final, C::ContentInvalid, "The carrier says the message is too long."),
        0x02 => ("ESME_RINVCMDLEN", Alarm, C::ContentInvalid, "The carrier could not read our request."),
        0x03 => ("ESME_RINVCMDID", Alarm, C::NotSupported, "The carrier does not offer this operation."),
        0x04 => ("ESME_RINVBNDSTS", Alarm, C::Authentication, "The connection may not send messages."),
        0x05 => ("ESME_RALYBND", TryLater, C::ProviderDown, "The account is already connected elsewhere."),
        0x06 => ("ESME_RINVPRTFLG", Final, C::ContentInvalid, "The carrier refused the priority."),
        0x07 => ("ESME_RINVREGDLVFLG", Final, C::ContentInvalid, "The carrier refused the receipt request."),
        0x08 => ("ESME_RSYSERR", TryLater, C::ProviderDown, "The carrier has a system error."),
        0x0A => ("ESME_RINVSRCADR", Final, C::SenderNotRegistered, "The carrier refused the sender."),
        0x0B => ("ESME_RINVDSTADR", Final, C::InvalidRecipient, "The carrier says the number is not valid."),
        0x0C => ("ESME_RINVMSGID", Final, C::ContentInvalid, "The carrier does not know this message."),
        0x0D => ("ESME_RBINDFAIL", Alarm, C::Authentication, "The carrier refused the connection."),
        0x0E => ("ESME_RINVPASWD", Alarm, C::Authentication, "The carrier refused the password."),
        0x0F => ("ESME_RINVSYSID", Alarm, C::Authentication, "The carrier does not know the account name."),
        0x11 => ("ESME_RCANCELFAIL", Final, C::Unknown, "The carrier could not cancel the message."),
        0x13 => ("ESME_RREPLACEFAIL", Final, C::Unknown, "The carrier could not replace the message."),
        0x14 => ("ESME_RMSGQFUL", TryLater, C::ProviderDown, "The carrier's queue for this recipient is full."),
        0x15 => ("ESME_RINVSERTYP", Final, C::ContentInvalid, "The carrier refused the service type."),
        0x33 | 0x34 => ("ESME_RINVNUMDESTS", Final, C::InvalidRecipient, "The carrier refused the recipients."),
        0x40 => ("ESME_RINVDESTFLAG", Final, C::InvalidRecipient, "The carrier refused the recipient."),
        0x42 => ("ESME_RINVSUBREP", Final, C::ContentInvalid, "The carrier refused the replace request."),
        0x43 => ("ESME_RINVESMCLASS", Final, C::ContentInvalid, "The carrier refused the message class."),
        0x44 => ("ESME_RCNTSUBDL", Final, C::InvalidRecipient, "The carrier refused the recipient list."),
        0x45 => ("ESME_RSUBMITFAIL", TryLater, C::Unknown, "The carrier could not take the message."),
        0x48 => ("ESME_RINVSRCTON", Final, C::SenderNotRegistered, "The carrier refused the sender's number type."),
        0x49 => ("ESME_RINVSRCNPI", Final, C::SenderNotRegistered, "The carrier refused the sender's number plan."),
        0x50 => ("ESME_RINVDSTTON", Final, C::InvalidRecipient, "The carrier refused the recipient's number type."),
        0x51 => ("ESME_RINVDSTNPI", Final, C::InvalidRecipient, "The carrier refused the recipient's number plan."),
        0x53 => ("ESME_RINVSYSTYP", Alarm, C::Authentication, "The carrier refused the system type."),
        0x54 => ("ESME_RINVREPFLAG", Final, C::ContentInvalid, "The carrier refused the replace flag."),
        0x55 => ("ESME_RINVNUMMSGS", Final, C::ContentInvalid, "The carrier refused the number of messages."),
        0x58 => ("ESME_RTHROTTLED", SlowDown, C::Throttled, "The carrier asks to send more slowly."),
        0x61 => ("ESME_RINVSCHED", Final, C::ContentInvalid, "The carrier refused the delivery time."),
        0x62 => ("ESME_RINVEXPIRY", Final, C::ContentInvalid, "The carrier refused the validity."),
        0x63 => ("ESME_RINVDFTMSGID", Final, C::ContentInvalid, "The carrier does not know the stored message."),
        0x64 => ("ESME_RX_T_APPN", TryLater, C::ProviderDown, "The carrier has a temporary error."),
        0x65 => ("ESME_RX_P_APPN", Final, C::Unknown, "The carrier has a permanent error for this message."),
        0x66 => ("ESME_RX_R_APPN", Final, C::Filtered, "The carrier rejected the message."),
        0x67 => ("ESME_RQUERYFAIL", Final, C::Unknown, "The carrier could not look up the message."),
        0xC0..=0xC4 => ("ESME_RINVOPTPARAM", Final, C::ContentInvalid, "The carrier refused an optional field."),
        0xFE => ("ESME_RDELIVERYFAILURE", Final, C::Unknown, "The carrier could not deliver the message."),
        0xFF => ("ESME_RUNKNOWNERR", TryLater, C::Unknown, "The carrier reports an unknown error."),
        _ => ("vendor status", Final, C::Unknown, "The carrier refused the message with a code of its own."),
    };
    Meaning { name, reaction, class, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written apart from the table above: status, reaction, class.
    const EXPECTED: &[(u32, Reaction, ErrorClass)] = &[
        (0x00, Reaction::Accepted, ErrorClass::Unknown),
        (0x58, Reaction::SlowDown, ErrorClass::Throttled),
        (0x14, Reaction::TryLater, ErrorClass::ProviderDown),
        (0x08, Reaction::TryLater, ErrorClass::ProviderDown),
        (0x45, Reaction::TryLater, ErrorClass::Unknown),
        (0x64, Reaction::TryLater, ErrorClass::ProviderDown),
        (0xFF, Reaction::TryLater, ErrorClass::Unknown),
        (0x05, Reaction::TryLater, ErrorClass::ProviderDown),
        (0x0A, Reaction::Final, ErrorClass::SenderNotRegistered),
        (0x0B, Reaction::Final, ErrorClass::InvalidRecipient),
        (0x01, Reaction::Final, ErrorClass::ContentInvalid),
        (0x61, Reaction::Final, ErrorClass::ContentInvalid),
        (0x62, Reaction::Final, ErrorClass::ContentInvalid),
        (0x66, Reaction::Final, ErrorClass::Filtered),
        (0x65, Reaction::Final, ErrorClass::Unknown),
        (0xFE, Reaction::Final, ErrorClass::Unknown),
        (0x401, Reaction::Final, ErrorClass::Unknown),
        (0x02, Reaction::Alarm, ErrorClass::ContentInvalid),
        (0x03, Reaction::Alarm, ErrorClass::NotSupported),
        (0x04, Reaction::Alarm, ErrorClass::Authentication),
        (0x0D, Reaction::Alarm, ErrorClass::Authentication),
        (0x0E, Reaction::Alarm, ErrorClass::Authentication),
        (0x0F, Reaction::Alarm, ErrorClass::Authentication),
    ];

    #[test]
    fn statuses_that_steer_sending() {
        for (status, reaction, class) in EXPECTED {
            let found = meaning(*status);
            assert_eq!((found.reaction, found.class), (*reaction, *class), "status {status:#x}");
        }
    }

    #[test]
    fn every_other_status_of_the_standard_is_final_and_named() {
        for status in [
            0x33, 0x34, 0x40, 0x42, 0x43, 0x44, 0x48, 0x49, 0x50, 0x51, 0x54, 0x55, 0x63, 0x67, 0xC0, 0xC1, 0xC2, 0xC3,
            0xC4,
        ] {
            let found = meaning(status);
            assert_eq!(found.reaction, Reaction::Final, "status {status:#x}");
            assert_ne!(found.name, "vendor status", "status {status:#x}");
        }
    }
}
