//! The user data header that joins segments to one message (3GPP TS 23.040, 9.2.3.24.1 and .8).

use serde::{Deserialize, Serialize};

use super::{
    charset::{Charset, decode},
    segmentation::ReferenceWidth,
};

/// Information element of an 8-bit and of a 16-bit reference.
const IEI_8: u8 = 0x00;
const IEI_16: u8 = 0x08;

/// Which part of which message a segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concatenation {
    /// The same for all parts of a message; unique per sender and recipient for a day.
    pub reference: u16,
    /// How wide the reference is on the wire.
    pub width: ReferenceWidth,
    /// Number of parts.
    pub total: u8,
    /// This part, from 1.
    pub number: u8,
}

impl Concatenation {
    /// The header in front of the text, its length octet included. An 8-bit reference keeps its low eight bits.
    #[must_use]
    pub fn header(self) -> Vec<u8> {
        let [high, low] = self.reference.to_be_bytes();
        match self.width {
            ReferenceWidth::Eight => vec![5, IEI_8, 3, low, self.total, self.number],
            ReferenceWidth::Sixteen => vec![6, IEI_16, 4, high, low, self.total, self.number],
        }
    }
}

/// Splits user data that starts with a header into what the header says about concatenation and the text's octets.
/// A header that does not fit its data is taken as text: showing it is better than losing the message.
#[must_use]
pub fn split_header(data: &[u8]) -> (Option<Concatenation>, &[u8]) {
    let Some((&length, rest)) = data.split_first() else { return (None, data) };
    let Some((header, text)) = rest.split_at_checked(usize::from(length)) else { return (None, data) };
    (elements(header).find_map(|(id, value)| concatenation(id, value)), text)
}

/// The information elements of a header; stops at one that is longer than the header.
fn elements(mut header: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (&id, rest) = header.split_first()?;
        let (&length, rest) = rest.split_first()?;
        let (value, rest) = rest.split_at_checked(usize::from(length))?;
        header = rest;
        Some((id, value))
    })
}

/// Reads a concatenation element; a part outside 1..=total is ignored, as the standard demands.
fn concatenation(id: u8, value: &[u8]) -> Option<Concatenation> {
    let (reference, width, total, number) = match (id, value) {
        (IEI_8, [reference, total, number]) => (u16::from(*reference), ReferenceWidth::Eight, *total, *number),
        (IEI_16, [high, low, total, number]) => {
            (u16::from_be_bytes([*high, *low]), ReferenceWidth::Sixteen, *total, *number)
        }
        _ => return None,
    };
    (total > 0 && (1..=total).contains(&number)).then_some(Concatenation { reference, width, total, number })
}

/// A received part of one message, as it is stored until its siblings arrive.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedPart {
    /// Number of parts of the message.
    pub total: u8,
    /// This part, from 1.
    pub number: u8,
    /// How its octets are read.
    pub charset: Charset,
    /// The text's octets, without header.
    pub octets: Vec<u8>,
}

crate::debug::redacted_debug!(ReceivedPart);

/// The whole text when every part is there, in whatever order and however often; `None` while one is missing.
/// Octets are joined before they are read, because some senders split a surrogate pair.
#[must_use]
pub fn assemble(parts: &[ReceivedPart]) -> Option<String> {
    let total = parts.first()?.total;
    let mut ordered = Vec::with_capacity(usize::from(total));
    for number in 1..=total {
        ordered.push(parts.iter().find(|part| part.number == number && part.total == total)?);
    }
    let charset = ordered.first()?.charset;
    if ordered.iter().all(|part| part.charset == charset) {
        let octets: Vec<u8> = ordered.iter().flat_map(|part| part.octets.iter().copied()).collect();
        return decode(&octets, charset);
    }
    ordered.iter().map(|part| decode(&part.octets, part.charset)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::{Encoding, segment};

    fn part(reference: u16, width: ReferenceWidth, total: u8, number: u8) -> Concatenation {
        Concatenation { reference, width, total, number }
    }

    #[test]
    fn headers_on_the_wire() {
        assert_eq!(part(0x1_2A & 0xFF, ReferenceWidth::Eight, 3, 2).header(), [5, 0, 3, 0x2A, 3, 2]);
        assert_eq!(part(0x12AB, ReferenceWidth::Sixteen, 3, 2).header(), [6, 8, 4, 0x12, 0xAB, 3, 2]);
    }

    #[test]
    fn other_elements_are_skipped() {
        // A port addressing element (05) before the concatenation element.
        let data = [11, 5, 4, 0x0B, 0x84, 0, 0, 0, 3, 7, 2, 1, b'h', b'i'];
        let (found, text) = split_header(&data);
        assert_eq!(found, Some(part(7, ReferenceWidth::Eight, 2, 1)));
        assert_eq!(text, b"hi");
    }

    #[test]
    fn broken_headers_keep_the_text() {
        assert_eq!(split_header(&[]), (None, &[][..]));
        assert_eq!(split_header(&[9, 1, 2]), (None, &[9, 1, 2][..]));
        assert_eq!(split_header(&[5, 0, 3, 7, 2, 3, b'x']), (None, &b"x"[..]), "part 3 of 2");
        assert_eq!(split_header(&[5, 0, 3, 7, 0, 0, b'x']), (None, &b"x"[..]), "no parts");
        assert_eq!(split_header(&[2, 0, 9, b'x']), (None, &b"x"[..]), "element longer than the header");
    }

    #[test]
    fn a_split_surrogate_pair_is_healed() {
        let octets = Encoding::Ucs2.encode("я😀я").unwrap();
        let parts: Vec<ReceivedPart> = [&octets[4..], &octets[..4]]
            .into_iter()
            .zip([2, 1])
            .map(|(octets, number)| ReceivedPart { total: 2, number, charset: Charset::Ucs2, octets: octets.to_vec() })
            .collect();
        assert_eq!(assemble(&parts).unwrap(), "я😀я");
        assert_eq!(assemble(&parts[..1]), None);
        assert_eq!(assemble(&[]), None);
    }

    proptest! {
        #[test]
        fn any_order_and_repetition_assembles(
            text in "[a-zA-Z0-9 €я😀]{200,700}", reference in any::<u16>(), seed in any::<u64>()
        ) {
            let cut = segment(&text);
            let total = u8::try_from(cut.segments.len()).unwrap();
            let charset = match cut.encoding { Encoding::Gsm7 => Charset::Gsm7, Encoding::Ucs2 => Charset::Ucs2 };
            let mut received = Vec::new();
            for (index, segment) in cut.segments.iter().enumerate() {
                let number = u8::try_from(index + 1).unwrap();
                let mut data = part(reference, ReferenceWidth::Eight, total, number).header();
                data.extend(cut.encoding.encode(&segment.text).unwrap());
                let (found, octets) = split_header(&data);
                let found = found.unwrap();
                prop_assert_eq!(found.reference, reference & 0xFF);
                received.push(ReceivedPart { total: found.total, number: found.number, charset, octets: octets.to_vec() });
            }
            let turn = usize::try_from(seed % u64::from(total)).unwrap();
            received.rotate_left(turn);
            received.push(received[0].clone());
            prop_assert_eq!(assemble(&received).unwrap(), text);
            received.retain(|part| part.number != total);
            prop_assert_eq!(assemble(&received), None);
        }

        #[test]
        fn split_header_never_panics(data in proptest::collection::vec(any::<u8>(), 0..200)) {
            let (_, text) = split_header(&data);
            prop_assert!(text.len() <= data.len());
        }
    }
}
