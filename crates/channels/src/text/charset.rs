//! Octets of an inbound SMS to text, by its data coding.

use serde::{Deserialize, Serialize};

use super::gsm;

/// How octets of a short message are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Charset {
    /// GSM 7-bit, one septet per octet.
    Gsm7,
    /// GSM 7-bit, eight septets packed into seven octets.
    Gsm7Packed,
    /// ASCII.
    Ascii,
    /// ISO-8859-1.
    Latin1,
    /// ISO-8859-5.
    Cyrillic,
    /// UTF-16 big endian, which SMPP calls UCS-2.
    Ucs2,
    /// Not text.
    Binary,
}

impl Charset {
    /// The charset an SMPP data coding names. `default` is what the account uses for code 0 ("SMSC default").
    #[must_use]
    pub const fn of_data_coding(data_coding: u8, default: Self) -> Self {
        match data_coding {
            0x00 => default,
            0x01 => Self::Ascii,
            0x03 => Self::Latin1,
            0x06 => Self::Cyrillic,
            // 0x18 to 0x1B with a message class in the last two bits (GSM 03.38, 4).
            0x08 | 0x18..=0x1B | 0xE0..=0xEF => Self::Ucs2,
            0x10..=0x13 | 0xC0..=0xDF => Self::Gsm7,
            0xF0..=0xFF if data_coding & 0x04 == 0 => Self::Gsm7,
            _ => Self::Binary,
        }
    }
}

/// Reads octets; `None` for [`Charset::Binary`]. Broken octets become U+FFFD.
#[must_use]
pub fn decode(octets: &[u8], charset: Charset) -> Option<String> {
    Some(match charset {
        Charset::Gsm7 => gsm::decode(octets),
        Charset::Gsm7Packed => gsm::decode(&gsm::unpack(octets, 0)),
        Charset::Ascii => {
            octets.iter().map(|octet| if octet.is_ascii() { char::from(*octet) } else { '\u{FFFD}' }).collect()
        }
        Charset::Latin1 => octets.iter().copied().map(char::from).collect(),
        Charset::Cyrillic => octets.iter().copied().map(cyrillic).collect(),
        Charset::Ucs2 => {
            let units: Vec<u16> =
                octets.chunks(2).map(|pair| u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)])).collect();
            String::from_utf16_lossy(&units)
        }
        Charset::Binary => return None,
    })
}

/// Whether octets that are called binary are a text all the same: some carriers say so of plain ones. Printable ASCII and
/// the ends of lines, and nothing else.
#[must_use]
pub fn is_plain(octets: &[u8]) -> bool {
    let is_text = |octet: &u8| matches!(octet, b' '..=b'~' | b'\r' | b'\n' | b'\t');
    !octets.is_empty() && octets.iter().all(is_text)
}

/// Reads octets, taking anything that is not text as Latin-1. For receipts, whose text is ASCII whatever the coding says.
#[must_use]
pub fn decode_lossy(octets: &[u8], charset: Charset) -> String {
    decode(octets, charset).unwrap_or_else(|| octets.iter().copied().map(char::from).collect())
}

/// One octet of ISO-8859-5.
fn cyrillic(octet: u8) -> char {
    match octet {
        0x00..=0xA0 | 0xAD => char::from(octet),
        0xF0 => '№',
        0xFD => '§',
        _ => char::from_u32(u32::from(octet) - 0xA0 + 0x400).unwrap_or('\u{FFFD}'),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::Encoding;

    #[test]
    fn data_codings() {
        let of = |code| Charset::of_data_coding(code, Charset::Gsm7);
        assert_eq!(of(0x00), Charset::Gsm7);
        assert_eq!(Charset::of_data_coding(0x00, Charset::Latin1), Charset::Latin1);
        assert_eq!(of(0x01), Charset::Ascii);
        assert_eq!(of(0x02), Charset::Binary);
        assert_eq!(of(0x03), Charset::Latin1);
        assert_eq!(of(0x04), Charset::Binary);
        assert_eq!(of(0x08), Charset::Ucs2);
        for code in 0x18..=0x1B {
            assert_eq!(of(code), Charset::Ucs2, "{code:#x}: with a class");
        }
        assert_eq!(of(0x15), Charset::Binary, "class 1, 8 bit");
        assert_eq!(of(0x10), Charset::Gsm7, "flash message");
        assert_eq!(of(0xF0), Charset::Gsm7, "class 0");
        assert_eq!(of(0xF5), Charset::Binary, "class 1, 8 bit");
    }

    #[test]
    fn reads_each_charset() {
        assert_eq!(decode(&[0x00, 0x1B, 0x65], Charset::Gsm7).unwrap(), "@€");
        assert_eq!(decode(b"STOP\x80", Charset::Ascii).unwrap(), "STOP\u{FFFD}");
        assert_eq!(decode(&[0xE9, 0x74, 0xE9], Charset::Latin1).unwrap(), "été");
        assert_eq!(decode(&[0xC1, 0xE2, 0xDE, 0xDF], Charset::Cyrillic).unwrap(), "Стоп");
        assert_eq!(decode(&[0xD8, 0x3D, 0xDE, 0x00], Charset::Ucs2).unwrap(), "😀");
        assert_eq!(decode(&[0xD8, 0x3D], Charset::Ucs2).unwrap(), "\u{FFFD}");
        assert_eq!(decode(&[1, 2, 3], Charset::Binary), None);
        assert_eq!(decode_lossy(b"id:1", Charset::Binary), "id:1");
        assert!(is_plain(b"STOP\r\n"));
        assert!(!is_plain(b"") && !is_plain(b"STOP\0") && !is_plain(&[0xE9]));
    }

    proptest! {
        #[test]
        fn never_panics(octets in proptest::collection::vec(any::<u8>(), 0..300), coding in any::<u8>()) {
            let _ = decode(&octets, Charset::of_data_coding(coding, Charset::Gsm7));
        }

        #[test]
        fn reads_what_we_write(text in ".{0,150}") {
            let octets = Encoding::Ucs2.encode(&text).unwrap();
            prop_assert_eq!(decode(&octets, Charset::Ucs2).unwrap(), text);
        }
    }
}
