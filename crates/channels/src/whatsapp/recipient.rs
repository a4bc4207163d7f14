//! Whom a message goes to.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A recipient. The fields are closed so that a BSUID can never end up as a phone number: Meta answers that with
/// success and silently drops the message.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "StoredRecipient", into = "StoredRecipient")]
pub enum Recipient {
    /// A phone number.
    Phone(PhoneDigits),
    /// A business-scoped user id.
    Bsuid(Bsuid),
}

crate::debug::redacted_debug!(Recipient);

/// Checked digits of a phone number, without `+`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PhoneDigits(String);

/// A checked business-scoped user id.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Bsuid(String);

impl PhoneDigits {
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Bsuid {
    /// The id, verbatim.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text is not the kind of recipient it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecipientError {
    /// Not a phone number.
    #[error("This is not a phone number: it must be 7 to 15 digits with country code.")]
    Phone,
    /// Not a BSUID.
    #[error("This is not a WhatsApp user id: it must be two capital letters, a dot, and letters or digits.")]
    Bsuid,
}

impl Recipient {
    /// A phone number or WhatsApp id, with or without `+`, blanks and dashes.
    ///
    /// # Errors
    /// When it is anything else, a BSUID above all.
    pub fn phone(text: &str) -> Result<Self, RecipientError> {
        let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')')).collect();
        let digits = digits.strip_prefix('+').unwrap_or(&digits);
        let fits = (7..=15).contains(&digits.len()) && digits.bytes().all(|octet| octet.is_ascii_digit());
        if fits { Ok(Self::Phone(PhoneDigits(digits.to_owned()))) } else { Err(RecipientError::Phone) }
    }

    /// A business-scoped user id, verbatim: `CC.` or `CC.ENT.` and up to 128 letters or digits.
    ///
    /// # Errors
    /// When it has another form.
    pub fn bsuid(text: &str) -> Result<Self, RecipientError> {
        let fits = || -> Option<bool> {
            let (country, rest) = text.split_once('.')?;
            let rest = rest.strip_prefix("ENT.").unwrap_or(rest);
            Some(
                country.len() == 2
                    && country.bytes().all(|octet| octet.is_ascii_uppercase())
                    && (1..=128).contains(&rest.len())
                    && rest.bytes().all(|octet| octet.is_ascii_alphanumeric()),
            )
        };
        if fits() == Some(true) { Ok(Self::Bsuid(Bsuid(text.to_owned()))) } else { Err(RecipientError::Bsuid) }
    }

    /// The field of the request this recipient belongs in, and its value.
    #[must_use]
    pub fn field(&self) -> (&'static str, &str) {
        match self {
            Self::Phone(digits) => ("to", &digits.0),
            Self::Bsuid(bsuid) => ("recipient", &bsuid.0),
        }
    }
}

/// How a recipient is stored.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredRecipient {
    Phone(String),
    Bsuid(String),
}

impl TryFrom<StoredRecipient> for Recipient {
    type Error = RecipientError;

    fn try_from(stored: StoredRecipient) -> Result<Self, RecipientError> {
        match stored {
            StoredRecipient::Phone(text) => Self::phone(&text),
            StoredRecipient::Bsuid(text) => Self::bsuid(&text),
        }
    }
}

impl From<Recipient> for StoredRecipient {
    fn from(recipient: Recipient) -> Self {
        match recipient {
            Recipient::Phone(PhoneDigits(text)) => Self::Phone(text),
            Recipient::Bsuid(Bsuid(text)) => Self::Bsuid(text),
        }
    }
}

impl fmt::Debug for PhoneDigits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneDigits")
    }
}

impl fmt::Debug for Bsuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bsuid")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bsuid_never_passes_for_a_phone_number_nor_the_reverse() {
        let bsuid = "US.13491208655302741918";
        assert_eq!(Recipient::phone(bsuid), Err(RecipientError::Phone));
        assert_eq!(Recipient::bsuid(bsuid).unwrap().field(), ("recipient", bsuid));
        assert!(Recipient::bsuid("DE.ENT.abc123").is_ok());
        for wrong in ["16505551234", "us.1", "USA.1", "US.", "US.ENT.", "US.a-b", "US1", "", "US.ENT.a.b"] {
            assert_eq!(Recipient::bsuid(wrong), Err(RecipientError::Bsuid), "{wrong}");
        }
        assert_eq!(Recipient::phone("+1 (650) 555-1234").unwrap().field(), ("to", "16505551234"));
        for wrong in ["", "+", "12345", "1234567890123456", "1650555l234", "٣٤٥٦٧٨٩٠"] {
            assert_eq!(Recipient::phone(wrong), Err(RecipientError::Phone), "{wrong}");
        }
    }

    #[test]
    fn a_stored_recipient_is_checked_again() {
        for recipient in [Recipient::phone("16505551234").unwrap(), Recipient::bsuid("US.1").unwrap()] {
            let json = serde_json::to_string(&recipient).unwrap();
            assert!(serde_json::from_str::<Recipient>(&json).unwrap() == recipient);
        }
        assert!(serde_json::from_str::<Recipient>(r#"{"phone":"US.123456789"}"#).is_err());
    }
}
