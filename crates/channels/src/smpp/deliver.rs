//! What the carrier delivers to us: customers' messages and receipts, each answered only when it is durable.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use segue_model::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::{
    config::SmppConfig,
    frame::{Fields, Frame, command, latin1, tag},
    receipt::Receipt,
};
use crate::text::{
    Charset, Concatenation, ReceivedPart, ReferenceWidth, decode, decode_lossy, gsm, is_plain, split_header,
};

/// Class bits of a deliver_sm (SMPP 3.4, 5.2.12): what kind of message it is.
const CLASS_KIND: u8 = 0x3C;
const CLASS_RECEIPT: u8 = 0x04;
const CLASS_INTERMEDIATE: u8 = 0x20;
/// The user data starts with a header.
const CLASS_HEADER: u8 = 0x40;
/// Type of number of a national one (SMPP 3.4, 5.2.5).
const TYPE_NATIONAL: u8 = 2;

/// Answers to a delivery.
const TAKEN: u32 = 0x00;
/// ESME_RX_T_APPN: the carrier delivers again later.
pub(super) const TRY_AGAIN: u32 = 0x64;

/// A message from a handset. A long message arrives as several of these; join them with [`crate::text::assemble`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MobileOriginated {
    /// The handset's number as the carrier writes it, mostly digits without `+`.
    pub from: String,
    /// Whether the carrier calls that a national number, without its country code.
    #[serde(default)]
    pub is_national: bool,
    /// Our number or short code.
    pub to: String,
    /// This part's text; `None` for binary content.
    pub text: Option<String>,
    /// This part for joining.
    pub part: ReceivedPart,
    /// Which message the part belongs to; `None` when it is the whole message.
    pub concatenation: Option<Concatenation>,
    /// Data coding as sent.
    pub data_coding: u8,
}

crate::debug::redacted_debug!(MobileOriginated);

impl MobileOriginated {
    /// Fingerprint of sender, recipient and content. SMPP gives inbound messages no id, so a repeated delivery can only
    /// be told by its content: compare within minutes, or a second honest "yes" next week is lost; and within those with
    /// what else the person wrote meanwhile, or the second "STOP" of "STOP, START, STOP" is.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for text in [self.from.as_bytes(), self.to.as_bytes(), &self.part.octets] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        hash.update([self.data_coding]);
        if let Some(concatenation) = self.concatenation {
            hash.update(concatenation.header());
        }
        hex::encode(hash.finalize())
    }
}

/// Something the carrier delivered. Serialisable: it goes into the inbox as it is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Inbound {
    /// What became of a message of ours.
    Receipt(Receipt),
    /// A customer's message.
    Message(MobileOriginated),
}

crate::debug::redacted_debug!(Inbound);

impl Inbound {
    /// Key against duplicates. For messages it holds the minute of arrival, see [`MobileOriginated::fingerprint`].
    #[must_use]
    pub fn external_id(&self, received_at: Timestamp) -> String {
        match self {
            Self::Receipt(receipt) => receipt.external_id(),
            Self::Message(message) => {
                format!("message:{}:{}", message.fingerprint(), received_at.0.div_euclid(segue_model::time::MINUTE))
            }
        }
    }

    /// The customer the item belongs to; items of one customer are processed one after another.
    #[must_use]
    pub fn subject(&self) -> &str {
        match self {
            Self::Receipt(receipt) => &receipt.recipient,
            Self::Message(message) => &message.from,
        }
    }
}

/// Inbound items that arrived together and the duty to answer for them.
#[derive(Debug)]
pub struct Delivery {
    /// What arrived, in order; never empty.
    pub inbound: Vec<Inbound>,
    /// How all of them are answered. Dropped unused, it asks the carrier to deliver them again.
    pub acknowledgement: Acknowledgement,
    /// For how long no connection of the account has come or gone: what came before that may come again, though it is on
    /// disk, for the carrier may not have heard of it.
    pub steady_for: std::time::Duration,
}

/// The open answers to a delivery. They belong to the connection it came on: when that is gone, answering does nothing
/// and the carrier delivers again on the next one.
#[derive(Debug)]
pub struct Acknowledgement {
    requests: Vec<Asked>,
    answers: mpsc::UnboundedSender<Answers>,
    held: Arc<AtomicUsize>,
}

/// A request of the carrier that wants an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    pub command_id: u32,
    pub sequence: u32,
}

/// Answers on their way to the connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answers {
    pub requests: Vec<Asked>,
    pub status: u32,
}

impl Acknowledgement {
    /// `held` counts items without an answer, over all connections of the session.
    pub(super) fn new(requests: Vec<Asked>, answers: mpsc::UnboundedSender<Answers>, held: Arc<AtomicUsize>) -> Self {
        held.fetch_add(requests.len(), Ordering::Relaxed);
        Self { requests, answers, held }
    }

    /// The items are on disk: the carrier may forget them.
    pub fn ack(mut self) {
        self.send(TAKEN);
    }

    /// The items could not be stored: the carrier shall deliver them again.
    pub fn reject_temporarily(mut self) {
        self.send(TRY_AGAIN);
    }

    fn send(&mut self, status: u32) {
        let requests = std::mem::take(&mut self.requests);
        if !requests.is_empty() {
            self.held.fetch_sub(requests.len(), Ordering::Relaxed);
            // A closed channel is a closed connection: there is nobody left to answer.
            let _ = self.answers.send(Answers { requests, status });
        }
    }
}

impl Drop for Acknowledgement {
    fn drop(&mut self) {
        self.send(TRY_AGAIN);
    }
}

/// Reads a deliver_sm or data_sm.
pub(super) fn read(frame: &Frame<'_>, config: &SmppConfig) -> Inbound {
    let mut fields = Fields(frame.body);
    let _service_type = fields.raw_text();
    let (source_type, _, source) = (fields.octet(), fields.octet(), fields.text());
    let (_, _, destination) = (fields.octet(), fields.octet(), fields.text());
    let class = fields.octet();
    let (data_coding, content) = if frame.command_id == command::DATA_SM {
        let _registered_delivery = fields.octet();
        (fields.octet(), &[][..])
    } else {
        let _protocol_and_priority = (fields.octet(), fields.octet());
        let _schedule_and_validity = (fields.raw_text(), fields.raw_text());
        let _registered_and_replace = (fields.octet(), fields.octet());
        let data_coding = fields.octet();
        let _default_message = fields.octet();
        let length = usize::from(fields.octet());
        (data_coding, fields.octets(length))
    };
    let optional = fields.optional();
    let payload = optional.get(tag::MESSAGE_PAYLOAD).filter(|_| content.is_empty()).unwrap_or(content);
    let charset = Charset::of_data_coding(data_coding, config.default_charset);

    let is_receipt = matches!(class & CLASS_KIND, CLASS_RECEIPT | CLASS_INTERMEDIATE)
        || (class & CLASS_KIND == 0 && optional.get(tag::RECEIPTED_MESSAGE_ID).is_some());
    let header = class & CLASS_HEADER != 0;
    if is_receipt || (!header && Receipt::is_likely(&decode_lossy(payload, charset))) {
        // A receipt's text is ASCII; accounts whose code 0 is the GSM alphabet write `@` and `_` in it all the same.
        let raw = match charset {
            Charset::Ucs2 => decode_lossy(payload, charset),
            _ => latin1(payload),
        };
        let receipt = Receipt::read(raw, &optional, source, destination, config);
        return Inbound::Receipt(Receipt { is_by_looks: !is_receipt, ..receipt });
    }

    let (concatenation, octets) = if header { split_header(payload) } else { (sar(&optional), payload) };
    let (charset, octets) = match charset {
        // Unpacked here, where the length of the header is known: the septets begin after it.
        Charset::Gsm7Packed => {
            let fill = gsm::fill_bits(payload.len() - octets.len());
            (Charset::Gsm7, Cow::Owned(gsm::unpack(octets, fill)))
        }
        // A header can say that it is for a program on the phone; without one, what reads as a text is one.
        Charset::Binary if !header && is_plain(octets) => (Charset::Latin1, Cow::Borrowed(octets)),
        _ => (charset, Cow::Borrowed(octets)),
    };
    let concatenation = concatenation.filter(|concatenation| concatenation.total > 1);
    let (total, number) = concatenation.map_or((1, 1), |concatenation| (concatenation.total, concatenation.number));
    Inbound::Message(MobileOriginated {
        from: source,
        is_national: source_type == TYPE_NATIONAL,
        to: destination,
        text: decode(&octets, charset),
        part: ReceivedPart { total, number, charset, octets: octets.into_owned() },
        concatenation,
        data_coding,
    })
}

/// Concatenation told by optional fields instead of a header.
fn sar(optional: &super::frame::OptionalFields<'_>) -> Option<Concatenation> {
    let octet = |tag| optional.number(tag).and_then(|number| u8::try_from(number).ok());
    let reference = u16::try_from(optional.number(tag::SAR_REFERENCE)?).ok()?;
    let (total, number) = (octet(tag::SAR_TOTAL)?, octet(tag::SAR_NUMBER)?);
    (1..=total).contains(&number).then_some(Concatenation { reference, width: ReferenceWidth::Sixteen, total, number })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A deliver_sm body with these class, coding, content and optional fields.
    fn body(class: u8, coding: u8, content: &[u8], optional: &[u8]) -> Vec<u8> {
        let mut body = b"\0\x01\x0115550001111\0\x03\x0034567\0".to_vec();
        body.extend([class, 0, 0, 0, 0, 0, 0, coding, 0, u8::try_from(content.len()).unwrap()]);
        body.extend(content);
        body.extend(optional);
        body
    }

    fn read_body(body: Vec<u8>) -> Inbound {
        let frame = Frame { command_id: command::DELIVER_SM, status: 0, sequence: 9, body: &body };
        read(&frame, &SmppConfig::new("h", 1, "s", "p"))
    }

    fn message(inbound: Inbound) -> MobileOriginated {
        match inbound {
            Inbound::Message(message) => message,
            Inbound::Receipt(_) => panic!("a receipt instead of a message"),
        }
    }

    #[test]
    fn plain_message() {
        let message = message(read_body(body(0, 0, b"STOP", &[])));
        assert_eq!((message.from.as_str(), message.to.as_str()), ("15550001111", "34567"));
        assert_eq!(message.text.as_deref(), Some("STOP"));
        assert_eq!(message.concatenation, None);
        assert!(!message.is_national);
        let mut national = body(0, 0, b"STOP", &[]);
        national[1] = 2;
        assert!(self::message(read_body(national)).is_national);
    }

    #[test]
    fn a_text_that_is_called_binary_is_read() {
        for coding in [0x02, 0x04, 0x15, 0xF5] {
            let text = message(read_body(body(0, coding, b"STOP", &[])));
            assert_eq!(text.text.as_deref(), Some("STOP"), "{coding:#x}");
        }
        let classed = message(read_body(body(0, 0x19, &[0, b'S', 0, b'T', 0, b'O', 0, b'P'], &[])));
        assert_eq!(classed.text.as_deref(), Some("STOP"));
        assert_eq!(message(read_body(body(0, 4, b"STOP\x01", &[]))).text, None);
        let to_a_port = [6, 5, 4, 0x0B, 0x84, 0, 0, b'h', b'i'];
        assert_eq!(message(read_body(body(0x40, 4, &to_a_port, &[]))).text, None);
    }

    #[test]
    fn parts_by_header_and_by_optional_fields_and_long_payload() {
        let by_header = message(read_body(body(0x40, 8, &[5, 0, 3, 7, 2, 1, 0x04, 0x4F], &[])));
        assert_eq!(by_header.text.as_deref(), Some("я"));
        assert_eq!(by_header.concatenation.map(|c| (c.reference, c.total, c.number)), Some((7, 2, 1)));
        let sar = [0x02, 0x0C, 0, 2, 1, 7, 0x02, 0x0E, 0, 1, 3, 0x02, 0x0F, 0, 1, 2];
        let by_fields = message(read_body(body(0, 0, b"hi", &sar)));
        assert_eq!(by_fields.concatenation.map(|c| (c.reference, c.total, c.number)), Some((0x107, 3, 2)));
        let payload = [&[0x04, 0x24, 0x01, 0x2C][..], &[b'x'; 300]].concat();
        assert_eq!(message(read_body(body(0, 0, b"", &payload))).text.unwrap().len(), 300);
    }

    #[test]
    fn receipts_by_class_by_field_and_by_looks() {
        let text = b"id:77 sub:001 dlvrd:001 stat:DELIVRD err:000 text:hi";
        for (class, optional) in [(0x04, &[][..]), (0x20, &[]), (0x00, &[]), (0x00, &[0, 0x1E, 0, 3, b'7', b'7', 0])] {
            match read_body(body(class, 0, text, optional)) {
                Inbound::Receipt(receipt) => {
                    assert_eq!(receipt.is_by_looks, class == 0 && optional.is_empty());
                    assert_eq!(receipt.message_id.as_deref(), Some("77"));
                    assert_eq!((receipt.recipient.as_str(), receipt.sender.as_str()), ("15550001111", "34567"));
                }
                Inbound::Message(_) => panic!("class {class:#x} is a receipt"),
            }
        }
    }

    #[test]
    fn a_customer_who_writes_of_an_id_sends_no_receipt() {
        for text in [&b"ID: 4711 stat: where is it?"[..], b"id:77 stat: broken, please help"] {
            message(read_body(body(0, 0, text, &[])));
        }
    }

    #[test]
    fn data_sm_carries_its_text_in_the_payload_field() {
        let mut data = b"\0\x01\x0115550001111\0\x03\x0034567\0\x00\x00\x03".to_vec();
        data.extend([0x04, 0x24, 0, 3, 0xE9, b't', 0xE9]);
        let frame = Frame { command_id: command::DATA_SM, status: 0, sequence: 1, body: &data };
        assert_eq!(message(read(&frame, &SmppConfig::new("h", 1, "s", "p"))).text.as_deref(), Some("été"));
    }

    #[test]
    fn items_survive_storage_and_hide_their_content() {
        for inbound in [read_body(body(0, 0, b"my secret", &[])), read_body(body(4, 0, b"id:1 stat:DELIVRD", &[]))] {
            let json = serde_json::to_string(&inbound).unwrap();
            assert!(serde_json::from_str::<Inbound>(&json).unwrap() == inbound);
            assert_eq!(inbound.subject(), "15550001111");
            assert!(!format!("{inbound:?}").contains("1555"));
        }
    }

    #[test]
    fn keys_tell_items_apart() {
        let at = Timestamp(1_000_000);
        let key = |content: &[u8]| read_body(body(0, 0, content, &[])).external_id(at);
        assert_eq!(key(b"yes"), key(b"yes"));
        assert_ne!(key(b"yes"), key(b"no"));
        let part = |number| read_body(body(0x40, 0, &[5, 0, 3, 7, 2, number, b'x'], &[])).external_id(at);
        assert_ne!(part(1), part(2));
        let receipt = |state: &str| read_body(body(4, 0, format!("id:1 stat:{state}").as_bytes(), &[])).external_id(at);
        assert_ne!(receipt("DELIVRD"), receipt("ENROUTE"));
    }

    #[test]
    fn packed_texts_with_and_without_header() {
        let mut config = SmppConfig::new("h", 1, "s", "p");
        config.default_charset = Charset::Gsm7Packed;
        let read = |class, content: &[u8]| {
            let body = body(class, 0, content, &[]);
            message(super::read(
                &Frame { command_id: command::DELIVER_SM, status: 0, sequence: 9, body: &body },
                &config,
            ))
        };
        assert_eq!(read(0, &gsm::pack(b"STOP", 0)).text.as_deref(), Some("STOP"));
        let part = [&[5, 0, 3, 7, 2, 1][..], &gsm::pack(b"hello", 1)].concat();
        assert_eq!(read(0x40, &part).text.as_deref(), Some("hello"));
    }

    #[test]
    fn an_answer_is_given_once_for_all_and_a_dropped_one_asks_again() {
        let (sender, mut answers) = mpsc::unbounded_channel();
        let held = Arc::new(AtomicUsize::new(0));
        let asked: Vec<Asked> = [9, 10].map(|sequence| Asked { command_id: command::DELIVER_SM, sequence }).to_vec();
        let open = || Acknowledgement::new(asked.clone(), sender.clone(), Arc::clone(&held));
        let (first, second, third) = (open(), open(), open());
        assert_eq!(held.load(Ordering::Relaxed), 6);
        first.ack();
        second.reject_temporarily();
        drop(third);
        for status in [0x00, 0x64, 0x64] {
            assert_eq!(answers.try_recv().unwrap(), Answers { requests: asked.clone(), status });
        }
        assert!(answers.try_recv().is_err());
        assert_eq!(held.load(Ordering::Relaxed), 0);
    }
}
