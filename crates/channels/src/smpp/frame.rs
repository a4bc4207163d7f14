//! Cuts the byte stream into PDUs and reads their parts tolerantly.

/// Octets of a PDU header.
pub(super) const HEADER: usize = 16;
/// Longest PDU taken; a message payload field alone may hold 64 KiB.
pub(super) const LONGEST: usize = 70_000;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub command_id: u32,
    pub status: u32,
    pub sequence: u32,
    pub body: &'a [u8],
}

/// The stream is not SMPP. There is no way to find the next PDU.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the carrier sent a PDU with the impossible length {0}")]
pub(super) struct FrameError(pub usize);

impl<'a> Frame<'a> {
    /// The PDU at the beginning of `octets` and the octets after it; `None` while it is not whole.
    pub fn cut(octets: &'a [u8]) -> Result<Option<(Self, &'a [u8])>, FrameError> {
        let Some(length) = octets.first_chunk::<4>() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if !(HEADER..=LONGEST).contains(&length) {
            return Err(FrameError(length));
        }
        let Some((pdu, rest)) = octets.split_at_checked(length) else { return Ok(None) };
        let word = |at: usize| pdu[at..].first_chunk().map_or(0, |word: &[u8; 4]| u32::from_be_bytes(*word));
        Ok(Some((Self { command_id: word(4), status: word(8), sequence: word(12), body: &pdu[HEADER..] }, rest)))
    }
}

/// Reads fields from a PDU body; what is missing is empty or zero.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    /// Text up to the NUL, or to the end when the NUL is missing. Octets beyond ASCII are read as Latin-1.
    pub fn text(&mut self) -> String {
        latin1(self.raw_text())
    }

    /// The octets of a text field, for skipping it.
    pub fn raw_text(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|octet| *octet == 0);
        let (text, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest.get(1..).unwrap_or_default();
        text
    }

    /// One octet.
    pub fn octet(&mut self) -> u8 {
        let Some((octet, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *octet
    }

    /// Up to `length` octets.
    pub fn octets(&mut self, length: usize) -> &'a [u8] {
        let (octets, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        octets
    }

    /// The optional fields that follow; one that is cut short ends the list.
    pub fn optional(self) -> OptionalFields<'a> {
        OptionalFields(self.0)
    }
}

/// Octets as Latin-1, which ASCII is part of.
pub(super) fn latin1(octets: &[u8]) -> String {
    match std::str::from_utf8(octets) {
        Ok(text) if text.is_ascii() => text.to_owned(),
        _ => octets.iter().copied().map(char::from).collect(),
    }
}

/// Optional fields of a PDU, in the order they came.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct OptionalFields<'a>(&'a [u8]);

impl<'a> OptionalFields<'a> {
    /// The first field with this tag.
    pub fn get(&self, tag: u16) -> Option<&'a [u8]> {
        let mut rest = self.0;
        loop {
            let (head, after) = rest.split_first_chunk::<4>()?;
            let (value, after) = after.split_at_checked(usize::from(u16::from_be_bytes([head[2], head[3]])))?;
            if u16::from_be_bytes([head[0], head[1]]) == tag {
                return Some(value);
            }
            rest = after;
        }
    }

    /// A field as a number of up to four octets.
    pub fn number(&self, tag: u16) -> Option<u32> {
        let value = self.get(tag)?;
        (1..=4).contains(&value.len()).then(|| value.iter().fold(0, |number, octet| number << 8 | u32::from(*octet)))
    }

    /// A field as text, without its NUL.
    pub fn text(&self, tag: u16) -> Option<String> {
        let value = self.get(tag)?;
        Some(latin1(value.split(|octet| *octet == 0).next().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;
    use rusmpp::{Command, CommandStatus, Pdu, tokio_codec::CommandCodec};
    use tokio_util::codec::Encoder;

    use super::*;

    #[test]
    fn reads_what_the_pdu_library_writes_byte_by_byte() {
        let mut wire = BytesMut::new();
        let command = Command::new(CommandStatus::EsmeRthrottled, 0x7FFF_FFFF, Pdu::EnquireLinkResp);
        CommandCodec::new().encode(&command, &mut wire).unwrap();
        for end in 0..16 {
            assert_eq!(Frame::cut(&wire[..end]), Ok(None));
        }
        wire.extend_from_slice(b"next");
        let (frame, rest) = Frame::cut(&wire).unwrap().unwrap();
        assert_eq!((frame.command_id, frame.status, frame.sequence), (0x8000_0015, 0x58, 0x7FFF_FFFF));
        assert_eq!((frame.body, rest), (&b""[..], &b"next"[..]));
    }

    #[test]
    fn impossible_lengths_end_the_stream() {
        for length in [0u32, 15, 70_001, u32::MAX] {
            assert!(Frame::cut(&length.to_be_bytes()).is_err(), "{length}");
        }
    }

    #[test]
    fn short_bodies_read_as_empty() {
        let mut fields = Fields(b"abc");
        assert_eq!(fields.text(), "abc");
        assert_eq!((fields.text().as_str(), fields.octet(), fields.octets(9).len()), ("", 0, 0));
        let optional = Fields(&[0x04, 0x27, 0, 1, 2, 0x04, 0x23, 0, 9, 1]).optional();
        assert_eq!(optional.number(tag::MESSAGE_STATE), Some(2));
        assert_eq!(optional.get(tag::NETWORK_ERROR_CODE), None);
    }

    proptest! {
        #[test]
        fn any_octets_never_panic(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut rest = &octets[..];
            while let Ok(Some((frame, after))) = Frame::cut(rest) {
                rest = after;
                let mut fields = Fields(frame.body);
                let _ = (fields.text(), fields.octet(), fields.octets(7), fields.optional().number(0x1E));
            }
        }
    }
}
