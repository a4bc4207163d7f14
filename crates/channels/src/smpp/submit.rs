//! A message on its way out and the PDUs it becomes.

use std::{borrow::Cow, time::Duration};

use super::{
    address::WireAddress,
    config::SmppConfig,
    encode,
    form::{Alphabet, LongMessages, SubmitForm, UserReference, Written},
    frame::tag,
};
use crate::text::{Concatenation, Encoding, gsm, reference_width, segment_on};

/// Most parts taken. Carriers stop between 6 and 10; more is a mistake of the writer.
const MOST_PARTS: usize = 10;
/// Longest validity sent: what the day field of the relative form holds without months.
const LONGEST_VALIDITY: Duration = Duration::from_secs(30 * 86_400);
/// The content starts with a user data header (`esm_class`).
const CLASS_HEADER: u8 = 0x40;

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
    /// Where the references start that join the parts of this recipient's long messages; those after it count up.
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

/// A message's PDUs, written but for their sequence numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Encoded {
    octets: Vec<u8>,
    /// Where each PDU ends; empty when there is one.
    ends: Vec<u32>,
    /// Segments that each PDU costs: more than one only for a payload that the carrier cuts.
    pub segments: u32,
}

impl Encoded {
    /// How many PDUs there are.
    pub fn len(&self) -> usize {
        self.ends.len().max(1)
    }

    /// The PDU at `index`.
    pub fn pdu(&self, index: usize) -> &[u8] {
        let end = |index: usize| self.ends.get(index).map(|end| *end as usize);
        let start = index.checked_sub(1).and_then(end).unwrap_or(0);
        &self.octets[start..end(index).unwrap_or(self.octets.len())]
    }
}

impl SubmitSms {
    /// Whether the text may need several parts.
    pub(super) fn may_be_long(&self) -> bool {
        // No text of 70 octets needs more than one in any alphabet.
        self.text.len() > Encoding::Ucs2.single()
    }

    /// The PDUs, one for each part in order.
    pub(super) fn pdus(&self, config: &SmppConfig) -> Result<Encoded, SubmitError> {
        self.pdus_with(config, self.reference)
    }

    /// The same, whose parts are joined by `reference`.
    pub(super) fn pdus_with(&self, config: &SmppConfig, reference: u16) -> Result<Encoded, SubmitError> {
        let form = &config.form;
        let mut source = config.addresses.wire(&self.source).ok_or(SubmitError::Source)?;
        let mut destination = config.addresses.wire(&self.destination).ok_or(SubmitError::Destination)?;
        if !destination.text.bytes().all(|octet| octet.is_ascii_digit()) {
            return Err(SubmitError::Destination);
        }
        source.plan = form.source_plan.unwrap_or(source.plan);
        destination.plan = form.destination_plan.unwrap_or(destination.plan);
        let head = Head { form, source, destination, validity: self.validity, reference };

        if let Some(content) = single_plain(&self.text, form.alphabet)? {
            let mut octets = Vec::with_capacity(96 + content.len());
            head.write(
                &mut octets,
                &Part { class: 0, coding: form.coding(Written::Plain), content: &content, sar: None },
            );
            return Ok(Encoded { octets, ends: Vec::new(), segments: 1 });
        }
        self.long(&head)
    }

    /// A text of several segments, or one that needs UCS-2.
    fn long(&self, head: &Head<'_>) -> Result<Encoded, SubmitError> {
        let form = head.form;
        let cut = segment_on(&self.text, form.writing());
        let total = match cut.segments.len() {
            parts if parts > MOST_PARTS => return Err(SubmitError::TooLong { parts }),
            parts => u8::try_from(parts).map_err(|_| SubmitError::TooLong { parts })?,
        };
        let written = match cut.encoding {
            Encoding::Gsm7 => Written::Plain,
            Encoding::Ucs2 => Written::Ucs2,
        };
        let coding = form.coding(written);
        let encode = |text: &str, header: usize| match (written, form.alphabet) {
            (Written::Ucs2, _) | (_, Alphabet::Ucs2) => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            (Written::Plain, Alphabet::Latin1) => latin1(text),
            (Written::Plain, Alphabet::Gsm) => gsm::encode(text).unwrap_or_default(),
            (Written::Plain, Alphabet::GsmPacked) => {
                gsm::pack(&gsm::encode(text).unwrap_or_default(), gsm::fill_bits(header))
            }
        };
        let mut octets = Vec::new();
        if form.long_messages == LongMessages::Payload && total > 1 {
            let content = encode(&self.text, 0);
            head.write_payload(&mut octets, coding, &content);
            return Ok(Encoded { octets, ends: Vec::new(), segments: u32::from(total) });
        }
        let mut ends = Vec::new();
        for (number, part) in (1..=total).zip(&cut.segments) {
            let mut content = Vec::new();
            let (mut class, mut sar) = (0, None);
            if total > 1 && form.long_messages == LongMessages::Sar {
                sar = Some((total, number));
            } else if total > 1 {
                let width = reference_width(form.long_messages);
                content = Concatenation { reference: head.reference, width, total, number }.header();
                class = CLASS_HEADER;
            }
            content.extend(encode(&part.text, content.len()));
            head.write(&mut octets, &Part { class, coding, content: &content, sar });
            ends.push(u32::try_from(octets.len()).unwrap_or(u32::MAX));
        }
        Ok(Encoded { octets, ends, segments: 1 })
    }
}

/// What all parts of a message share.
struct Head<'a> {
    form: &'a SubmitForm,
    source: WireAddress<'a>,
    destination: WireAddress<'a>,
    validity: Option<Duration>,
    reference: u16,
}

struct Part<'a> {
    class: u8,
    coding: u8,
    content: &'a [u8],
    /// Number of parts and this one's, when optional fields tell them.
    sar: Option<(u8, u8)>,
}

impl Head<'_> {
    /// Writes one submit_sm (SMPP 3.4, 4.4.1).
    fn write(&self, out: &mut Vec<u8>, part: &Part<'_>) {
        let start = encode::begin_submit(out);
        self.mandatory(out, part);
        if let Some((total, number)) = part.sar {
            encode::optional(out, tag::SAR_REFERENCE, &self.reference.to_be_bytes());
            encode::optional(out, tag::SAR_TOTAL, &[total]);
            encode::optional(out, tag::SAR_NUMBER, &[number]);
        }
        self.optional(out);
        encode::end_pdu(out, start);
    }

    /// Writes a submit_sm whose content is in the payload field.
    fn write_payload(&self, out: &mut Vec<u8>, coding: u8, content: &[u8]) {
        let start = encode::begin_submit(out);
        self.mandatory(out, &Part { class: 0, coding, content: &[], sar: None });
        encode::optional(out, tag::MESSAGE_PAYLOAD, content);
        self.optional(out);
        encode::end_pdu(out, start);
    }

    fn mandatory(&self, out: &mut Vec<u8>, part: &Part<'_>) {
        let form = self.form;
        encode::c_string(out, &form.service_type);
        for address in [&self.source, &self.destination] {
            out.extend_from_slice(&[address.plan.ton, address.plan.npi]);
            out.extend_from_slice(address.text.as_bytes());
            out.push(0);
        }
        // No schedule_delivery_time: when to send is decided here.
        out.extend_from_slice(&[part.class, form.protocol_id, form.priority, 0]);
        if let Some(validity) = self.validity {
            out.extend_from_slice(&validity_period(validity));
        }
        let length = u8::try_from(part.content.len()).unwrap_or(u8::MAX);
        // The end of the validity, replace_if_present and sm_default_msg_id are 0.
        out.extend_from_slice(&[0, form.registered_delivery, 0, part.coding, 0, length]);
        out.extend_from_slice(part.content);
    }

    fn optional(&self, out: &mut Vec<u8>) {
        if self.form.user_reference == UserReference::Send {
            encode::optional(out, tag::USER_MESSAGE_REFERENCE, &self.reference.to_be_bytes());
        }
        for field in &self.form.fixed_fields {
            encode::optional(out, field.tag, &field.value);
        }
    }
}

/// The octets of a text that fits one segment without UCS-2: nearly all of them. `None` for the others.
fn single_plain(text: &str, alphabet: Alphabet) -> Result<Option<Cow<'_, [u8]>>, SubmitError> {
    if text.is_empty() {
        return Err(SubmitError::Empty);
    }
    // No text of the alphabet has more characters than octets, so this ends the search early for long ones.
    if alphabet == Alphabet::Ucs2 || text.len() > 4 * Encoding::Gsm7.single() {
        return Ok(None);
    }
    let Ok(septets) = gsm::encode(text) else { return Ok(None) };
    if septets.len() > Encoding::Gsm7.single() {
        return Ok(None);
    }
    Ok(match alphabet {
        Alphabet::Gsm => Some(septets.into()),
        Alphabet::GsmPacked => Some(gsm::pack(&septets, 0).into()),
        Alphabet::Latin1 if is_latin1(text) => Some(latin1(text).into()),
        Alphabet::Latin1 | Alphabet::Ucs2 => None,
    })
}

fn is_latin1(text: &str) -> bool {
    text.chars().all(|character| u32::from(character) <= 0xFF)
}

fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(u32::from(character)).unwrap_or(b'?')).collect()
}

/// The relative form `YYMMDDhhmmss000R` (SMPP 3.4, 7.1.1).
fn validity_period(validity: Duration) -> [u8; 16] {
    let seconds = validity.clamp(Duration::from_secs(1), LONGEST_VALIDITY).as_secs();
    let mut text = *b"000000000000000R";
    for (at, number) in [(4, seconds / 86_400), (6, seconds / 3_600 % 24), (8, seconds / 60 % 60), (10, seconds % 60)] {
        let number = u8::try_from(number).unwrap_or(99);
        text[at] = b'0' + number / 10;
        text[at + 1] = b'0' + number % 10;
    }
    text
}

#[cfg(test)]
#[path = "submit_tests.rs"]
mod tests;
