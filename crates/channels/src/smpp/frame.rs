//! Cuts the byte stream into PDUs and reads their parts tolerantly.

use bytes::{Buf, Bytes, BytesMut};
use tokio_util::codec::Decoder;

/// Octets of a PDU header.
const HEADER: usize = 16;
/// Longest PDU taken; a message payload field alone may hold 64 KiB.
const LONGEST: usize = 70_000;

/// Command ids (SMPP 3.4, 5.1.2.1).
pub(super) mod command {
    pub const SUBMIT_SM: u32 = 0x04;
    pub const DELIVER_SM: u32 = 0x05;
    pub const UNBIND: u32 = 0x06;
    pub const ENQUIRE_LINK: u32 = 0x15;
    pub const DATA_SM: u32 = 0x103;
    pub const RESPONSE: u32 = 0x8000_0000;
    pub const GENERIC_NACK: u32 = 0x8000_0000;
}

/// Optional fields (SMPP 3.4, 5.3.2).
pub(super) mod tag {
    pub const RECEIPTED_MESSAGE_ID: u16 = 0x001E;
    pub const USER_MESSAGE_REFERENCE: u16 = 0x0204;
    pub const SAR_REFERENCE: u16 = 0x020C;
    pub const SAR_TOTAL: u16 = 0x020E;
    pub const SAR_NUMBER: u16 = 0x020F;
    pub const NETWORK_ERROR_CODE: u16 = 0x0423;
    pub const MESSAGE_PAYLOAD: u16 = 0x0424;
    pub const MESSAGE_STATE: u16 = 0x0427;
}

/// One PDU, its body still raw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub command_id: u32,
    pub status: u32,
    pub sequence: u32,
    pub body: Bytes,
}

/// The stream is not SMPP, or the connection failed. There is no way to find the next PDU.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    #[error("the carrier sent a PDU with the impossible length {0}")]
    Length(usize),
    #[error("the connection failed: {0}")]
    Io(#[from] std::io::Error),
}

/// Cuts PDUs off the stream.
#[derive(Debug, Default)]
pub(super) struct FrameCodec;

impl Decoder for FrameCodec {
    type Item = Frame;
    type Error = FrameError;

    fn decode(&mut self, source: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        let Some(length) = source.first_chunk::<4>() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if !(HEADER..=LONGEST).contains(&length) {
            return Err(FrameError::Length(length));
        }
        if source.len() < length {
            source.reserve(length - source.len());
            return Ok(None);
        }
        let mut body = source.split_to(length).freeze();
        body.advance(4);
        let (command_id, status, sequence) = (body.get_u32(), body.get_u32(), body.get_u32());
        Ok(Some(Frame { command_id, status, sequence, body }))
    }
}

/// Reads fields from a PDU body; what is missing is empty or zero.
pub(super) struct Fields(pub Bytes);

impl Fields {
    /// Text up to the NUL, or to the end when the NUL is missing. Octets beyond ASCII are read as Latin-1.
    pub fn text(&mut self) -> String {
        let end = self.0.iter().position(|octet| *octet == 0);
        let text = self.0.split_to(end.unwrap_or(self.0.len()));
        if end.is_some() {
            self.0.advance(1);
        }
        text.iter().copied().map(char::from).collect()
    }

    /// One octet.
    pub fn octet(&mut self) -> u8 {
        if self.0.has_remaining() { self.0.get_u8() } else { 0 }
    }

    /// Up to `length` octets.
    pub fn octets(&mut self, length: usize) -> Bytes {
        self.0.split_to(length.min(self.0.len()))
    }

    /// The optional fields that follow; one that is cut short ends the list.
    pub fn optional(mut self) -> OptionalFields {
        let mut fields = Vec::new();
        while self.0.len() >= 4 {
            let tag = self.0.get_u16();
            let length = usize::from(self.0.get_u16());
            if length > self.0.len() {
                break;
            }
            fields.push((tag, self.0.split_to(length)));
        }
        OptionalFields(fields)
    }
}

/// Optional fields of a PDU.
#[derive(Debug, Default)]
pub(super) struct OptionalFields(Vec<(u16, Bytes)>);

impl OptionalFields {
    /// The first field with this tag.
    pub fn get(&self, tag: u16) -> Option<&[u8]> {
        self.0.iter().find(|(known, _)| *known == tag).map(|(_, value)| value.as_ref())
    }

    /// A field as a number of up to four octets.
    pub fn number(&self, tag: u16) -> Option<u32> {
        let value = self.get(tag)?;
        (1..=4).contains(&value.len()).then(|| value.iter().fold(0, |number, octet| number << 8 | u32::from(*octet)))
    }

    /// A field as text, without its NUL.
    pub fn text(&self, tag: u16) -> Option<String> {
        let value = self.get(tag)?;
        Some(value.iter().take_while(|octet| **octet != 0).copied().map(char::from).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rusmpp::{Command, CommandStatus, Pdu, tokio_codec::CommandCodec};
    use tokio_util::codec::Encoder;

    use super::*;

    #[test]
    fn reads_what_the_pdu_library_writes_byte_by_byte() {
        let mut wire = BytesMut::new();
        let command = Command::new(CommandStatus::EsmeRthrottled, 0x7FFF_FFFF, Pdu::EnquireLinkResp);
        CommandCodec::new().encode(&command, &mut wire).unwrap();
        let mut source = BytesMut::new();
        for octet in &wire[..15] {
            source.extend_from_slice(&[*octet]);
            assert!(FrameCodec.decode(&mut source).unwrap().is_none());
        }
        source.extend_from_slice(&wire[15..]);
        let frame = FrameCodec.decode(&mut source).unwrap().unwrap();
        assert_eq!((frame.command_id, frame.status, frame.sequence), (0x8000_0015, 0x58, 0x7FFF_FFFF));
        assert!(frame.body.is_empty() && source.is_empty());
    }

    #[test]
    fn impossible_lengths_end_the_stream() {
        for length in [0u32, 15, 70_001, u32::MAX] {
            let mut source = BytesMut::from(&length.to_be_bytes()[..]);
            assert!(matches!(FrameCodec.decode(&mut source), Err(FrameError::Length(_))), "{length}");
        }
    }

    #[test]
    fn short_bodies_read_as_empty() {
        let mut fields = Fields(Bytes::from_static(b"abc"));
        assert_eq!(fields.text(), "abc");
        assert_eq!((fields.text().as_str(), fields.octet(), fields.octets(9).len()), ("", 0, 0));
        let optional = Fields(Bytes::from_static(&[0x04, 0x27, 0, 1, 2, 0x04, 0x23, 0, 9, 1])).optional();
        assert_eq!(optional.number(tag::MESSAGE_STATE), Some(2));
        assert_eq!(optional.get(tag::NETWORK_ERROR_CODE), None);
    }

    proptest! {
        #[test]
        fn any_octets_never_panic(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut source = BytesMut::from(&octets[..]);
            while let Ok(Some(frame)) = FrameCodec.decode(&mut source) {
                let mut fields = Fields(frame.body);
                let _ = (fields.text(), fields.octet(), fields.octets(7), fields.optional().number(0x1E));
            }
        }
    }
}
