//! The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038, 6.2.1).

/// Introduces a character of the extension table.
pub const ESCAPE: u8 = 0x1B;

/// Code to character. Position 0x1B is the escape and stands for no character; NBSP is only what it shows when alone.
const DEFAULT: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', //
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\u{A0}', 'Æ', 'æ', 'ß', 'É', //
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', //
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', //
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', //
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', //
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', //
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
];

/// The ten characters that cost two septets: an escape and this code.
const EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{0C}'),
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

/// How a character is written in the alphabet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Septets {
    /// One septet.
    One(u8),
    /// The escape and this code.
    Escaped(u8),
}

impl Septets {
    /// How many septets it costs.
    #[must_use]
    pub const fn cost(self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Escaped(_) => 2,
        }
    }
}

/// How the ASCII characters are written; most traffic is nothing else.
const ASCII: [Option<Septets>; 128] = {
    let mut table = [None; 128];
    let mut code = 0;
    while code < DEFAULT.len() {
        let character = DEFAULT[code] as usize;
        if character < table.len() {
            table[character] = Some(Septets::One(code as u8));
        }
        code += 1;
    }
    let mut index = 0;
    while index < EXTENSION.len() {
        let (code, character) = EXTENSION[index];
        if (character as usize) < table.len() {
            table[character as usize] = Some(Septets::Escaped(code));
        }
        index += 1;
    }
    table
};

/// How `character` is written, or `None` when the alphabet lacks it.
#[must_use]
pub fn septets(character: char) -> Option<Septets> {
    if let Some(written) = ASCII.get(character as usize) {
        return *written;
    }
    let position = DEFAULT.iter().position(|&known| known == character);
    match position.and_then(|code| u8::try_from(code).ok()) {
        Some(ESCAPE) | None => {
            EXTENSION.iter().find(|(_, known)| *known == character).map(|(code, _)| Septets::Escaped(*code))
        }
        Some(code) => Some(Septets::One(code)),
    }
}

/// Writes `text` as one septet per octet (the unpacked form SMPP uses for data coding 0).
///
/// # Errors
/// The first character the alphabet lacks.
pub fn encode(text: &str) -> Result<Vec<u8>, char> {
    let mut octets = Vec::with_capacity(text.len());
    for character in text.chars() {
        match septets(character).ok_or(character)? {
            Septets::One(code) => octets.push(code),
            Septets::Escaped(code) => octets.extend([ESCAPE, code]),
        }
    }
    Ok(octets)
}

/// Reads one septet per octet. An unknown escape shows the plain character after it, as the standard demands of a
/// receiver; an octet above 0x7F becomes U+FFFD.
#[must_use]
pub fn decode(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    let mut rest = octets.iter().copied();
    while let Some(octet) = rest.next() {
        if octet != ESCAPE {
            text.push(plain(octet));
            continue;
        }
        match rest.next() {
            Some(code) => match EXTENSION.iter().find(|(known, _)| *known == code) {
                Some((_, character)) => text.push(*character),
                None => text.push(plain(code)),
            },
            None => text.push(' '),
        }
    }
    text
}

/// Bits between a header of `header` octets and the first septet, so that septets begin at a multiple of seven bits.
#[must_use]
pub const fn fill_bits(header: usize) -> usize {
    (7 - header * 8 % 7) % 7
}

/// Packs septets into octets (3GPP TS 23.038, 6.1.2.1), the lowest bits first, after `fill` empty bits. Where exactly
/// seven bits are left over, they hold a carriage return: zero would be read as one more `@`.
#[must_use]
pub fn pack(septets: &[u8], fill: usize) -> Vec<u8> {
    let bits = fill + 7 * septets.len();
    let mut octets = vec![0u8; bits.div_ceil(8)];
    let mut put = |at: usize, septet: u8| {
        let wide = u16::from(septet & 0x7F) << (at % 8);
        let [high, low] = wide.to_be_bytes();
        octets[at / 8] |= low;
        if high != 0
            && let Some(next) = octets.get_mut(at / 8 + 1)
        {
            *next |= high;
        }
    };
    for (index, septet) in septets.iter().enumerate() {
        put(fill + 7 * index, *septet);
    }
    if !septets.is_empty() && bits % 8 == 1 {
        put(bits, b'\r');
    }
    octets
}

/// Unpacks octets into septets, skipping `fill` bits. A carriage return or zero that only fills the last octet is left
/// out.
#[must_use]
pub fn unpack(octets: &[u8], fill: usize) -> Vec<u8> {
    let bits = octets.len() * 8;
    let count = bits.saturating_sub(fill) / 7;
    let mut septets: Vec<u8> = (0..count)
        .map(|index| {
            let at = fill + 7 * index;
            let high = octets.get(at / 8 + 1).copied().unwrap_or(0);
            let wide = u16::from_be_bytes([high, octets[at / 8]]) >> (at % 8);
            wide.to_be_bytes()[1] & 0x7F
        })
        .collect();
    if bits == fill + 7 * count && matches!(septets.last(), Some(0 | b'\r')) {
        septets.pop();
    }
    septets
}

/// The character of a code without escape.
fn plain(code: u8) -> char {
    DEFAULT.get(usize::from(code)).copied().unwrap_or('\u{FFFD}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_128_codes_and_the_extension_round_trip() {
        let mut seen = std::collections::BTreeSet::new();
        for code in (0u8..128).filter(|code| *code != ESCAPE) {
            let text = decode(&[code]);
            assert_eq!(encode(&text).unwrap(), [code], "code {code:#04x}");
            assert!(seen.insert(text), "code {code:#04x} shares its character with another");
        }
        for (code, character) in EXTENSION {
            assert_eq!(decode(&[ESCAPE, code]), character.to_string());
            assert_eq!(encode(&character.to_string()).unwrap(), [ESCAPE, code]);
            assert_eq!(septets(character).unwrap().cost(), 2);
        }
    }

    #[test]
    fn landmarks_of_the_standard() {
        for (character, code) in [('@', 0x00), ('£', 0x01), ('\n', 0x0A), ('\r', 0x0D), ('Δ', 0x10), ('_', 0x11)] {
            assert_eq!(septets(character), Some(Septets::One(code)), "{character:?}");
        }
        for (character, code) in [('É', 0x1F), ('¤', 0x24), ('¡', 0x40), ('§', 0x5F), ('¿', 0x60), ('à', 0x7F)] {
            assert_eq!(septets(character), Some(Septets::One(code)), "{character:?}");
        }
        for character in ['`', '’', '“', '–', '—', '…', '\u{A0}', 'ç', 'á', '😀', '\t'] {
            assert_eq!(septets(character), None, "{character:?}");
        }
    }

    #[test]
    fn packs_as_the_standard_shows() {
        assert_eq!(pack(b"hellohello", 0), hex::decode("e8329bfd4697d9ec37").unwrap());
        assert_eq!(unpack(&hex::decode("e8329bfd4697d9ec37").unwrap(), 0), b"hellohello");
        // Seven septets leave seven bits over.
        assert_eq!(pack(b"1234567", 0), pack(b"1234567\r", 0), "not a @ at the end");
        assert_eq!(unpack(&pack(b"1234567", 0), 0), b"1234567");
        assert_eq!(fill_bits(6), 1);
        assert_eq!(fill_bits(7), 0);
        for length in 0..200usize {
            let septets: Vec<u8> = (0..length).map(|index| u8::try_from(index % 127 + 1).unwrap()).collect();
            for fill in [0, 1, 5] {
                let read = unpack(&pack(&septets, fill), fill);
                assert!(read == septets || septets.last() == Some(&b'\r'), "{length} septets after {fill} bits");
            }
        }
        assert_eq!(pack(&[], 0), Vec::<u8>::new());
        assert_eq!(unpack(&[], 1), Vec::<u8>::new());
    }

    #[test]
    fn broken_octets_never_panic() {
        assert_eq!(decode(&[0x1B]), " ");
        assert_eq!(decode(&[0x1B, 0x41]), "A");
        assert_eq!(decode(&[0x1B, 0x1B, 0x65]), "\u{A0}e");
        assert_eq!(decode(&[0x80, 0xFF]), "\u{FFFD}\u{FFFD}");
    }
}
