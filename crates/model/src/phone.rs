//! Phone numbers in E.164.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize};

/// A phone number in E.164 with its plus sign: `+15550100`. Shown to people, stored, and sent to providers in this form.
///
/// `Debug` hides all but the first and the last two digits, so that a number cannot slip into a log.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct PhoneNumber(String);

/// The text is not a phone number that can be called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPhone {
    #[error("The phone number is empty.")]
    Empty,
    #[error("This is not a phone number. Write it with its country code, for example +1 555 010 0123.")]
    NotANumber,
    #[error("The number has no country code. Write it with a leading + or choose a default country.")]
    NoCountry,
    #[error("No phone number of this country has this form. Check the digits.")]
    Impossible,
}

impl PhoneNumber {
    /// Reads what a person or file gives, in any usual writing. `default_country` (ISO 3166, `US`) is used for
    /// numbers without a country code.
    ///
    /// A number counts when its length is possible in its country: number ranges change faster than any table, and
    /// test ranges (`+1 555 …`) must work.
    ///
    /// # Errors
    /// When it cannot be a phone number, with words for the person who typed it.
    pub fn parse(text: &str, default_country: Option<&str>) -> Result<Self, InvalidPhone> {
        use rlibphonenumber::{PHONE_NUMBER_UTIL, ParseError, PhoneNumberFormat, Region};
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidPhone::Empty);
        }
        if let Some(rest) = text.strip_prefix('+')
            && rest.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Self::from_digits(rest);
        }
        let country = default_country.and_then(|code| code.parse::<Region>().ok());
        let number = PHONE_NUMBER_UTIL.parse(text, country).map_err(|error| match error {
            ParseError::InvalidCountryCode => InvalidPhone::NoCountry,
            ParseError::NotANumber(_) => InvalidPhone::NotANumber,
            ParseError::TooShortAfterIdd | ParseError::TooShortNsn | ParseError::TooLongNsn => InvalidPhone::Impossible,
        })?;
        let digits = PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164);
        Self::from_digits(digits.trim_start_matches('+'))
    }

    /// From E.164 digits without the plus sign, as WhatsApp's `wa_id` and SMPP give them. The digits are kept as they
    /// are: rewriting them would lose the identity the provider knows.
    ///
    /// # Errors
    /// When it is not 7 to 15 digits starting with a country code.
    pub fn from_digits(digits: &str) -> Result<Self, InvalidPhone> {
        if digits.is_empty() {
            return Err(InvalidPhone::Empty);
        }
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidPhone::NotANumber);
        }
        if !(7..=15).contains(&digits.len()) || digits.starts_with('0') {
            return Err(InvalidPhone::Impossible);
        }
        Ok(Self(format!("+{digits}")))
    }

    /// The number that a carrier names as the sender of a text, mostly digits with their country code and without plus
    /// sign. `is_national` is whether the carrier calls them a national number; many say nothing, or the wrong thing. So
    /// the other reading is taken where only that one is a number in use in its country.
    ///
    /// # Errors
    /// When it is no phone number either way, such as a short code.
    pub fn of_handset(written: &str, is_national: bool, country: &str) -> Result<Self, InvalidPhone> {
        let written = written.trim();
        let international = Self::from_digits(written.trim_start_matches('+'));
        if written.starts_with('+') && international.is_ok() {
            return international;
        }
        let national = Self::parse(written, Some(country));
        let (first, second) = if is_national { (national, international) } else { (international, national) };
        match (first, second) {
            (Ok(first), Ok(second)) if !first.is_in_use() && second.is_in_use() => Ok(second),
            (first, second) => first.or(second),
        }
    }

    /// Whether the number is in a range that its country has given out, as far as the table knows.
    fn is_in_use(&self) -> bool {
        use rlibphonenumber::PHONE_NUMBER_UTIL;
        PHONE_NUMBER_UTIL.parse(self.as_str(), None).is_ok_and(|number| PHONE_NUMBER_UTIL.is_valid_number(&number))
    }

    /// ISO 3166 code of the country the number belongs to; of several with one calling code the largest, when the
    /// number itself does not tell.
    #[must_use]
    pub fn country(&self) -> Option<String> {
        use rlibphonenumber::PHONE_NUMBER_UTIL;
        let number = PHONE_NUMBER_UTIL.parse(self.as_str(), None).ok()?;
        let region = PHONE_NUMBER_UTIL.get_region_for_number(&number);
        let region = region.or_else(|| PHONE_NUMBER_UTIL.get_region_for_country_code(number.country_code));
        region.map(|region| format!("{region:?}"))
    }

    /// With the plus sign.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both are the same line. WhatsApp and older address books write some countries' mobile numbers
    /// differently: Brazil with or without the ninth digit, Mexico with or without a 1 after the country code, Argentina
    /// with or without a 9.
    #[must_use]
    pub fn is_same_line(&self, other: &Self) -> bool {
        self.line_key() == other.line_key()
    }

    /// The number as it is, and as it is also written: see [`PhoneNumber::is_same_line`].
    #[must_use]
    pub fn writings(&self) -> Vec<Self> {
        let digits = self.digits();
        let longer = match (digits.len(), digits.get(..2)) {
            (12, Some("55")) => Some(format!("{}9{}", &digits[..4], &digits[4..])),
            (12, Some("52")) => Some(format!("521{}", &digits[2..])),
            (12, Some("54")) => Some(format!("549{}", &digits[2..])),
            _ => None,
        };
        let other = longer.unwrap_or_else(|| self.line_key());
        let mut all = vec![self.clone()];
        all.extend(Self::from_digits(&other).ok().filter(|other| other != self && other.is_same_line(self)));
        all
    }

    /// Whether an address may be a number that is written in several ways, told by its country code alone and so at the cost
    /// of nothing: [`PhoneNumber::writings`] has only the number itself where this says no.
    #[must_use]
    pub fn may_have_writings(address: &str) -> bool {
        match address.trim().strip_prefix('+') {
            Some(digits) => ["55", "52", "54"].iter().any(|code| digits.starts_with(code)),
            // Not in E.164, so nothing is known of it yet.
            None => true,
        }
    }

    /// An address as it is, and as its line is also written when it is a number in E.164.
    #[must_use]
    pub fn writings_of(address: &str) -> Vec<String> {
        match Self::parse(address, None) {
            Ok(phone) if phone.as_str() == address => phone.writings().into_iter().map(|phone| phone.0).collect(),
            _ => vec![address.to_owned()],
        }
    }

    /// The digits all writings of one line have in common; for comparing, never for sending.
    #[must_use]
    pub fn line_key(&self) -> String {
        let digits = self.digits();
        match digits.len() {
            // +55, two digits of area, 9, eight digits
            13 if digits.starts_with("55") && digits[4..].starts_with('9') => {
                format!("{}{}", &digits[..4], &digits[5..])
            }
            // +52 1 and ten digits
            13 if digits.starts_with("521") => format!("52{}", &digits[3..]),
            // +54 9 and ten digits
            13 if digits.starts_with("549") => format!("54{}", &digits[3..]),
            _ => digits.to_owned(),
        }
    }

    /// Without the plus sign.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0[1..]
    }
}

impl utoipa::PartialSchema for PhoneNumber {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^\\+[1-9][0-9]{6,14}$"))
            .build()
            .into()
    }
}

impl utoipa::ToSchema for PhoneNumber {}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…{}", &self.0[..2], &self.0[self.0.len() - 2..])
    }
}

impl FromStr for PhoneNumber {
    type Err = InvalidPhone;
    fn from_str(text: &str) -> Result<Self, InvalidPhone> {
        Self::parse(text, None)
    }
}

impl<'de> Deserialize<'de> for PhoneNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?, None).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
#[path = "phone_tests.rs"]
mod tests;
