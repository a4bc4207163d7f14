//! How an account wants its submits written: alphabets and their codes, long messages, fixed fields.

use segue_model::sms_writing::SmsWriting;
pub use segue_model::sms_writing::{LongSms as LongMessages, SmsAlphabet as Alphabet};
use serde::{Deserialize, Serialize};

use super::address::NumberingPlan;

/// How the phone shows a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Display {
    /// Into the inbox.
    #[default]
    Stored,
    /// Straight onto the screen (class 0), usually not kept.
    Flash,
}

/// Whether our reference goes out as the `user_message_reference` field; a few carriers refuse unknown fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UserReference {
    /// Leave it out.
    #[default]
    Omit,
    /// Send it; a carrier that supports it repeats it in the receipt.
    Send,
}

/// An optional field that goes out with every submit of the account, such as the entity and template ids that India's
/// registry asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedField {
    /// Its tag; carriers' own are 0x1400 to 0x3FFF.
    pub tag: u16,
    /// Its octets as they go out.
    pub value: Vec<u8>,
}

/// How submits are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmitForm {
    /// `service_type`, at most five characters, usually empty.
    pub service_type: String,
    /// `protocol_id`, usually 0.
    pub protocol_id: u8,
    /// `priority_flag`: 0 lowest to 3 highest.
    pub priority: u8,
    /// `registered_delivery`: 1 asks for a receipt of success and failure, 0 for none, 2 for failure only.
    pub registered_delivery: u8,
    /// Type and plan of every sender, instead of those its kind has.
    pub source_plan: Option<NumberingPlan>,
    /// Type and plan of every recipient.
    pub destination_plan: Option<NumberingPlan>,
    /// What texts of the GSM alphabet are written in.
    pub alphabet: Alphabet,
    /// `data_coding` of those texts.
    pub plain_coding: u8,
    /// `data_coding` of UCS-2 texts.
    pub ucs2_coding: u8,
    /// How the phone shows them.
    pub display: Display,
    /// How long texts go out.
    pub long_messages: LongMessages,
    /// Whether submits carry our reference.
    pub user_reference: UserReference,
    /// Optional fields of every submit.
    pub fixed_fields: Vec<FixedField>,
}

impl Default for SubmitForm {
    fn default() -> Self {
        Self {
            service_type: String::new(),
            protocol_id: 0,
            priority: 0,
            registered_delivery: 1,
            source_plan: None,
            destination_plan: None,
            alphabet: Alphabet::Gsm,
            plain_coding: 0x00,
            ucs2_coding: 0x08,
            display: Display::Stored,
            long_messages: LongMessages::Header8,
            user_reference: UserReference::Omit,
            fixed_fields: Vec::new(),
        }
    }
}

impl SubmitForm {
    /// What decides into how many segments a text is cut.
    pub(super) const fn writing(&self) -> SmsWriting {
        SmsWriting { alphabet: self.alphabet, long_messages: self.long_messages }
    }

    /// The data coding of a text; flash messages have the class in it (3GPP TS 23.038, 4).
    pub(super) const fn coding(&self, written: Written) -> u8 {
        match (self.display, written) {
            (Display::Stored, Written::Plain) => self.plain_coding,
            (Display::Stored, Written::Ucs2) => self.ucs2_coding,
            (Display::Flash, Written::Plain) => 0x10,
            (Display::Flash, Written::Ucs2) => 0x18,
        }
    }
}

/// Which of the account's two alphabets a text is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Plain,
    Ucs2,
}
