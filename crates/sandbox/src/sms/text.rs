//! From octets to text and back: GSM 03.38 unpacked, Latin-1, UCS-2, and the user data header of concatenated messages.

/// GSM 03.38 default alphabet by code. Position 0x1B is the escape to the extension table.
const GSM: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', 'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω',
    'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\u{1b}', 'Æ', 'æ', 'ß', 'É', ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+',
    ',', '-', '.', '/', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', '¡', 'A', 'B',
    'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y',
    'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p',
    'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
];

const GSM_EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{0c}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

const ESCAPE: u8 = 0x1B;

/// How the octets of a text are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alphabet {
    Gsm,
    Latin1,
    Ucs2,
    Binary,
}

impl Alphabet {
    /// By SMPP data_coding (section 5.2.19) with the GSM class codes folded in.
    pub fn of(data_coding: u8) -> Self {
        match data_coding {
            0x01 | 0x03 => Self::Latin1,
            0x02 | 0x04 => Self::Binary,
            0x08 => Self::Ucs2,
            dcs if dcs & 0xF0 == 0xF0 && dcs & 0x04 != 0 => Self::Binary,
            dcs if dcs & 0xEC == 0x08 => Self::Ucs2,
            _ => Self::Gsm,
        }
    }

    pub fn decode(self, octets: &[u8]) -> String {
        match self {
            Self::Gsm => decode_gsm(octets),
            Self::Latin1 => octets.iter().map(|octet| char::from(*octet)).collect(),
            Self::Ucs2 => {
                let units: Vec<u16> =
                    octets.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
                String::from_utf16_lossy(&units)
            }
            Self::Binary => hex::encode(octets),
        }
    }

    /// Whether a part of `header` and `body` octets fits into one short message of 140 octets.
    pub fn fits(self, header: usize, body: usize) -> bool {
        match self {
            // Septets: the header takes whole septets.
            Self::Gsm => (header * 8).div_ceil(7) + body <= 160,
            _ => header + body <= 140,
        }
    }
}

fn decode_gsm(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    let mut octets = octets.iter();
    while let Some(&octet) = octets.next() {
        if octet == ESCAPE {
            let code = octets.next().copied().unwrap_or(0x20);
            let extended = GSM_EXTENSION.iter().find(|(known, _)| *known == code);
            text.push(extended.map_or_else(|| GSM[usize::from(code & 0x7F)], |(_, c)| *c));
        } else {
            text.push(GSM[usize::from(octet & 0x7F)]);
        }
    }
    text
}

/// The unpacked GSM octets of one character, when it has any.
fn gsm_octets(c: char) -> Option<([u8; 2], usize)> {
    if let Some(code) = GSM.iter().position(|known| *known == c && c != '\u{1b}') {
        return Some(([u8::try_from(code).ok()?, 0], 1));
    }
    let (code, _) = GSM_EXTENSION.iter().find(|(_, known)| *known == c)?;
    Some(([ESCAPE, *code], 2))
}

/// A text as the octets of one or more parts, in the cheapest alphabet that holds it.
pub(crate) struct EncodedText {
    pub data_coding: u8,
    /// Each with its user data header when there is more than one.
    pub parts: Vec<Vec<u8>>,
}

/// Whether a text is one part with one octet for each letter.
pub(crate) fn fits_octets(text: &str) -> bool {
    text.chars().count() <= 140 && text.chars().all(|c| u32::from(c) <= 0xFF)
}

/// A text with one octet for each letter, under a data coding that is given; see [`fits_octets`].
pub(crate) fn as_octets(text: &str, data_coding: u8) -> EncodedText {
    let octets = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
    EncodedText { data_coding, parts: vec![octets] }
}

/// Encodes a text of a handset. `reference` joins the parts of a long one.
pub(crate) fn encode(text: &str, reference: u8) -> EncodedText {
    let gsm: Option<Vec<Vec<u8>>> =
        text.chars().map(|c| gsm_octets(c).map(|(octets, n)| octets[..n].to_vec())).collect();
    let (data_coding, characters, single, each) = match gsm {
        Some(characters) => (0x00, characters, 160, 153),
        None => {
            let ucs2 = text.chars().map(|c| {
                let mut units = [0; 2];
                c.encode_utf16(&mut units).iter().flat_map(|unit| unit.to_be_bytes()).collect()
            });
            (0x08, ucs2.collect(), 140, 134)
        }
    };
    let total: usize = characters.iter().map(Vec::len).sum();
    if total <= single {
        return EncodedText { data_coding, parts: vec![characters.concat()] };
    }
    let mut bodies: Vec<Vec<u8>> = vec![Vec::new()];
    for character in characters {
        if bodies.last().is_some_and(|body| body.len() + character.len() > each) {
            bodies.push(Vec::new());
        }
        if let Some(body) = bodies.last_mut() {
            body.extend(character);
        }
    }
    bodies.truncate(usize::from(u8::MAX));
    let count = u8::try_from(bodies.len()).unwrap_or(u8::MAX);
    let parts = (1..=count).zip(bodies).map(|(number, body)| {
        let mut part = vec![0x05, 0x00, 0x03, reference, count, number];
        part.extend(body);
        part
    });
    EncodedText { data_coding, parts: parts.collect() }
}

/// Which part of which concatenated message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Concatenation {
    pub reference: u16,
    pub parts: u8,
    pub part: u8,
}

/// Splits the user data header off. `None` when its lengths do not add up.
pub(crate) fn split_header(octets: &[u8]) -> Option<(Option<Concatenation>, usize)> {
    let length = usize::from(*octets.first()?) + 1;
    let mut elements = octets.get(1..length)?;
    let mut concatenation = None;
    while let [identifier, size, rest @ ..] = elements {
        let value = rest.get(..usize::from(*size))?;
        match (*identifier, value) {
            (0x00, [reference, parts, part]) => {
                concatenation = Some(Concatenation { reference: u16::from(*reference), parts: *parts, part: *part });
            }
            (0x08, [high, low, parts, part]) => {
                concatenation =
                    Some(Concatenation { reference: u16::from_be_bytes([*high, *low]), parts: *parts, part: *part });
            }
            _ => {}
        }
        elements = &rest[usize::from(*size)..];
    }
    let valid = |c: &Concatenation| c.part >= 1 && c.part <= c.parts;
    Some((concatenation.filter(valid), length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gsm_round_trip_with_the_extension_table() {
        let text = "Hi @ £5 {€10} ~ [ok] \\ | ^ Ä ß";
        let encoded = encode(text, 1);
        assert_eq!((encoded.data_coding, encoded.parts.len()), (0, 1));
        assert_eq!(Alphabet::Gsm.decode(&encoded.parts[0]), text);
    }

    #[test]
    fn long_texts_split_without_tearing_a_character_and_join_again() {
        for (text, alphabet) in [("€".repeat(200), Alphabet::Gsm), ("a😀".repeat(70), Alphabet::Ucs2)] {
            let encoded = encode(&text, 7);
            assert!(encoded.parts.len() > 1);
            let mut joined = String::new();
            for (index, part) in encoded.parts.iter().enumerate() {
                let (concatenation, header) = split_header(part).expect("header");
                let concatenation = concatenation.expect("concatenation");
                assert_eq!(usize::from(concatenation.part), index + 1);
                assert_eq!(usize::from(concatenation.parts), encoded.parts.len());
                assert!(alphabet.fits(header, part.len() - header));
                joined.push_str(&alphabet.decode(&part[header..]));
            }
            assert_eq!(joined, text);
        }
    }

    #[test]
    fn data_coding_to_alphabet() {
        for (code, alphabet) in [
            (0x00, Alphabet::Gsm),
            (0x03, Alphabet::Latin1),
            (0x08, Alphabet::Ucs2),
            (0x04, Alphabet::Binary),
            (0xF0, Alphabet::Gsm),
            (0x10, Alphabet::Gsm),
            (0x18, Alphabet::Ucs2),
        ] {
            assert_eq!(Alphabet::of(code), alphabet, "{code:#x}");
        }
        assert_eq!(Alphabet::Latin1.decode(&[0x63, 0xE7]), "cç");
    }

    #[test]
    fn sixteen_bit_references_and_broken_headers() {
        let header = [0x06, 0x08, 0x04, 0x12, 0x34, 3, 2, b'x'];
        assert_eq!(split_header(&header), Some((Some(Concatenation { reference: 0x1234, parts: 3, part: 2 }), 7)));
        assert_eq!(split_header(&[0x05, 0x00, 0x03, 1]), None);
        assert_eq!(split_header(&[0x05, 0x00, 0x03, 1, 2, 3]), Some((None, 6)));
    }

    #[test]
    fn sizes() {
        assert!(Alphabet::Gsm.fits(0, 160) && !Alphabet::Gsm.fits(0, 161));
        assert!(Alphabet::Gsm.fits(6, 153) && !Alphabet::Gsm.fits(6, 154));
        assert!(Alphabet::Ucs2.fits(6, 134) && !Alphabet::Ucs2.fits(0, 142));
    }
}
