//! A message on its way out and the PDUs it becomes.

use std::time::Duration;

use rusmpp::{
    pdus::SubmitSm,
    tlvs::MessageSubmissionRequestTlvValue,
    types::{COctetString, EmptyOrFullCOctetString, OctetString},
    values::{DataCoding, EsmClass, Npi, RegisteredDelivery, Ton, UserMessageReference},
};

use super::config::{SmppConfig, UserReference};
use crate::text::{Concatenation, Encoding, ReferenceWidth, segment_with};

/// Most parts taken. Carriers stop between 6 and 10; more is a mistake of the writer.
const MOST_PARTS: usize = 10;
/// Longest validity sent: what the day field of the relative form holds without months.
const LONGEST_VALIDITY: Duration = Duration::from_secs(30 * 86_400);

/// A message to submit.
#[derive(Clone, PartialEq, Eq)]
pub struct SubmitSms {
    /// Number, short code or name it goes out from.
    pub source: String,
    /// The recipient's number.
    pub destination: String,
    /// The whole text; it is cut into parts here.
    pub text: String,
    /// How long the carrier may try; `None` leaves it to the carrier.
    pub validity: Option<Duration>,
    /// Joins the parts of a long message: different for each message to the same recipient within a day. The low eight
    /// bits count with an 8-bit header.
    pub reference: u16,
}

crate::debug::redacted_debug!(SubmitSms);

/// The message cannot be sent as it is. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The sender does not fit.
    #[error("The sender cannot be used: it must be a phone number, a short code or a plain name of up to 20 letters.")]
    Source,
    /// The recipient does not fit.
    #[error("The recipient's number cannot be used: it must be digits with country code.")]
    Destination,
    /// No text.
    #[error("The text is empty; write something to send.")]
    Empty,
    /// Too many parts.
    #[error("The text needs {parts} segments; carriers take at most {MOST_PARTS}. Shorten it.")]
    TooLong {
        /// Segments the text needs.
        parts: usize,
    },
}

impl SubmitSms {
    /// The PDUs, one for each part in order.
    pub(super) fn pdus(&self, config: &SmppConfig) -> Result<Vec<SubmitSm>, SubmitError> {
        let source = config.addresses.wire(&self.source).ok_or(SubmitError::Source)?;
        let destination = config.addresses.wire(&self.destination).ok_or(SubmitError::Destination)?;
        if destination.plan == config.addresses.alphanumeric && destination.text.bytes().any(|o| !o.is_ascii_digit()) {
            return Err(SubmitError::Destination);
        }
        let cut = segment_with(&self.text, config.reference_width);
        let total = match cut.segments.len() {
            0 => return Err(SubmitError::Empty),
            parts if parts > MOST_PARTS => return Err(SubmitError::TooLong { parts }),
            parts => u8::try_from(parts).map_err(|_| SubmitError::TooLong { parts })?,
        };
        let template = SubmitSm::builder()
            .source_addr_ton(Ton::from(source.plan.ton))
            .source_addr_npi(Npi::from(source.plan.npi))
            .source_addr(c_string(&source.text).ok_or(SubmitError::Source)?)
            .dest_addr_ton(Ton::from(destination.plan.ton))
            .dest_addr_npi(Npi::from(destination.plan.npi))
            .destination_addr(c_string(&destination.text).ok_or(SubmitError::Destination)?)
            .validity_period(self.validity.map(validity_period).unwrap_or_default())
            // A receipt for success and failure.
            .registered_delivery(RegisteredDelivery::from(1))
            .data_coding(match cut.encoding {
                Encoding::Gsm7 => DataCoding::McSpecific,
                Encoding::Ucs2 => DataCoding::Ucs2,
            });
        (1..=total)
            .zip(&cut.segments)
            .map(|(number, part)| {
                let mut content = Vec::new();
                if total > 1 {
                    let reference = match config.reference_width {
                        ReferenceWidth::Eight => self.reference & 0xFF,
                        ReferenceWidth::Sixteen => self.reference,
                    };
                    let width = config.reference_width;
                    content = Concatenation { reference, width, total, number }.header();
                }
                content.extend(cut.encoding.encode(&part.text).map_err(|_| SubmitError::Empty)?);
                // The typed default of the class octet is not zero, so it is always given.
                let class = EsmClass::from(if total > 1 { 0x40 } else { 0x00 });
                let content =
                    OctetString::from_vec(content).map_err(|_| SubmitError::TooLong { parts: total.into() })?;
                let mut pdu = template.clone().esm_class(class).short_message(content).build();
                if config.user_reference == UserReference::Send {
                    let reference = UserMessageReference::new(self.reference);
                    pdu.push_tlv(MessageSubmissionRequestTlvValue::UserMessageReference(reference));
                }
                Ok(pdu)
            })
            .collect()
    }
}

/// A NUL-terminated field, when the text fits.
fn c_string(text: &str) -> Option<COctetString<1, 21>> {
    let mut octets = text.as_bytes().to_vec();
    octets.push(0);
    COctetString::from_vec(octets).ok()
}

/// The relative form `YYMMDDhhmmss000R` (SMPP 3.4, 7.1.1).
fn validity_period(validity: Duration) -> EmptyOrFullCOctetString<17> {
    let seconds = validity.clamp(Duration::from_secs(1), LONGEST_VALIDITY).as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    let text = format!("0000{days:02}{hours:02}{minutes:02}{:02}000R", seconds % 60);
    EmptyOrFullCOctetString::from_string(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sms(text: &str) -> SubmitSms {
        SubmitSms {
            source: "Acme".to_owned(),
            destination: "+4915112345678".to_owned(),
            text: text.to_owned(),
            validity: None,
            reference: 0x1234,
        }
    }

    fn config() -> SmppConfig {
        SmppConfig::new("h", 1, "s", "p")
    }

    #[test]
    fn one_part_has_no_header() {
        let pdus = sms("Price: 5€").pdus(&config()).unwrap();
        assert_eq!(pdus.len(), 1);
        assert_eq!(u8::from(pdus[0].esm_class), 0x00);
        assert_eq!(u8::from(pdus[0].registered_delivery), 1);
        assert_eq!(pdus[0].data_coding, DataCoding::McSpecific);
        assert_eq!(pdus[0].short_message().as_ref(), b"Price: 5\x1B\x65");
        assert_eq!(pdus[0].destination_addr.to_string().trim_end_matches('\0'), "4915112345678");
        assert_eq!((u8::from(pdus[0].source_addr_ton), u8::from(pdus[0].dest_addr_ton)), (5, 1));
    }

    #[test]
    fn parts_share_a_reference_and_fit_140_octets() {
        let pdus = sms(&"я".repeat(140)).pdus(&config()).unwrap();
        assert_eq!(pdus.len(), 3);
        for (index, pdu) in pdus.iter().enumerate() {
            let content = pdu.short_message().as_ref();
            assert_eq!(content[..6], [5, 0, 3, 0x34, 3, u8::try_from(index + 1).unwrap()]);
            assert!(content.len() <= 140);
            assert_eq!((u8::from(pdu.esm_class), pdu.data_coding), (0x40, DataCoding::Ucs2));
        }
        let mut wide = config();
        wide.reference_width = ReferenceWidth::Sixteen;
        wide.user_reference = UserReference::Send;
        let pdus = sms(&"a".repeat(200)).pdus(&wide).unwrap();
        assert_eq!(pdus[1].short_message().as_ref()[..7], [6, 8, 4, 0x12, 0x34, 2, 2]);
        assert_eq!(pdus[0].tlvs().len(), 1);
    }

    #[test]
    fn validity_is_relative() {
        let text = |seconds| {
            let mut sms = sms("hi");
            sms.validity = Some(Duration::from_secs(seconds));
            sms.pdus(&config()).unwrap()[0].validity_period.to_string().trim_end_matches('\0').to_owned()
        };
        assert_eq!(text(90_061), "000001010101000R");
        assert_eq!(text(0), "000000000001000R");
        assert_eq!(text(90 * 86_400), "000030000000000R");
        assert!(sms("hi").pdus(&config()).unwrap()[0].validity_period.as_str().trim_end_matches('\0').is_empty());
    }

    #[test]
    fn what_cannot_go_out_is_told_before_sending() {
        assert_eq!(sms("").pdus(&config()), Err(SubmitError::Empty));
        assert_eq!(sms(&"a".repeat(1_531)).pdus(&config()), Err(SubmitError::TooLong { parts: 11 }));
        assert_eq!(sms(&"a".repeat(1_530)).pdus(&config()).unwrap().len(), 10);
        let mut to_name = sms("hi");
        to_name.destination = "Acme".to_owned();
        assert_eq!(to_name.pdus(&config()), Err(SubmitError::Destination));
        let mut from_long = sms("hi");
        from_long.source = "A very long company name".to_owned();
        assert_eq!(from_long.pdus(&config()), Err(SubmitError::Source));
    }
}
