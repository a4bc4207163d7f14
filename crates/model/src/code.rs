//! Link and reference codes: the encryption of (campaign number, position).
//!
//! A code needs no index: it decrypts straight to its recipient. It is 16 characters of Crockford's base 32, that is
//! 80 bits, encrypted with FF1 (NIST SP 800-38G). Of the 80 bits, 24 carry the campaign's number, 28 the recipient's
//! position and 28 are zero; a guess is right with probability (issued codes) / 2^80, so 2^27 issued codes still leave
//! 53 bits to guess, and nearly every wrong code is recognised as wrong without a look at the database.

use std::{fmt, sync::Arc};

use aes::Aes256;
use fpe::ff1::{FF1, FlexibleNumeralString};

/// What a code stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CodeTarget {
    /// The campaign's number, unique in the installation; below 2^24.
    pub campaign_number: u32,
    /// The recipient's position in the campaign; below 2^28.
    pub position: u32,
}

/// Campaign numbers end below this.
pub const CAMPAIGN_NUMBERS: u32 = 1 << 24;

/// Positions end below this; no campaign can have more recipients.
pub const POSITIONS: u32 = 1 << 28;

/// Characters of a code.
pub const CODE_LENGTH: usize = 16;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const GROUP: usize = 4;
const POSITION_BITS: u32 = 28;
const ZERO_BITS: u32 = 28;
/// Separates these codes from anything else that is ever encrypted with the same key.
const TWEAK: &[u8] = b"segue code 1";
/// Longest message that is searched for a code, in characters: the longest text WhatsApp carries.
const SEARCHED: usize = 4096;

impl CodeTarget {
    /// A target within the limits; `None` beyond them.
    #[must_use]
    pub const fn new(campaign_number: u32, position: u32) -> Option<Self> {
        if campaign_number < CAMPAIGN_NUMBERS && position < POSITIONS {
            Some(Self { campaign_number, position })
        } else {
            None
        }
    }
}

/// The secret that codes are made and read with. Losing it makes every code sent unreadable; leaking it makes codes
/// guessable.
#[derive(Clone)]
pub struct CodeKey(Arc<FF1<Aes256>>);

impl fmt::Debug for CodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeKey(…)")
    }
}

impl CodeKey {
    /// A key from 32 random bytes.
    #[must_use]
    pub fn new(secret: [u8; 32]) -> Self {
        Self(Arc::new(FF1::new(&secret, 32).expect("32 is a radix FF1 takes")))
    }

    /// The code of a recipient, in lower case and without hyphens, fit for a link.
    ///
    /// # Panics
    /// When the target is beyond the limits of [`CodeTarget::new`]: a shortened number would point to somebody else.
    #[must_use]
    pub fn encode(&self, target: CodeTarget) -> String {
        assert!(
            CodeTarget::new(target.campaign_number, target.position).is_some(),
            "a campaign number or position is beyond what a code can carry"
        );
        let bits = (u128::from(target.campaign_number) << (POSITION_BITS + ZERO_BITS))
            | (u128::from(target.position) << ZERO_BITS);
        let plain = (0..CODE_LENGTH).rev().map(|digit| ((bits >> (5 * digit)) & 31) as u16).collect::<Vec<_>>();
        let secret = self
            .0
            .encrypt(TWEAK, &FlexibleNumeralString::from(plain))
            .expect("16 digits below 32 are a numeral string of radix 32");
        Vec::from(secret).into_iter().map(|digit: u16| char::from(ALPHABET[usize::from(digit & 31)])).collect()
    }

    /// What a code stands for; `None` when it was never issued under this key. Case, spaces and hyphens do not matter,
    /// and the letters O, I and L are read as the digits they resemble.
    #[must_use]
    pub fn decode(&self, code: &str) -> Option<CodeTarget> {
        let mut digits = Vec::with_capacity(CODE_LENGTH);
        for letter in code.trim().chars().filter(|&letter| !is_separator(letter)) {
            if digits.len() == CODE_LENGTH {
                return None;
            }
            digits.push(digit(letter)?);
        }
        self.decrypt(digits)
    }

    fn decrypt(&self, digits: Vec<u16>) -> Option<CodeTarget> {
        if digits.len() != CODE_LENGTH {
            return None;
        }
        let plain = self.0.decrypt(TWEAK, &FlexibleNumeralString::from(digits)).ok()?;
        let bits = Vec::from(plain).into_iter().fold(0u128, |bits, digit: u16| (bits << 5) | u128::from(digit));
        if bits & ((1 << ZERO_BITS) - 1) != 0 {
            return None;
        }
        let position = u32::try_from((bits >> ZERO_BITS) & u128::from(POSITIONS - 1)).ok()?;
        CodeTarget::new(u32::try_from(bits >> (POSITION_BITS + ZERO_BITS)).ok()?, position)
    }

    /// Finds the first code in a customer's message and takes it out, together with a "(ref …)" around it. What remains
    /// is what the customer said. Codes are recognised whole or in groups of four, with any hyphens or spaces between.
    #[must_use]
    pub fn find_in_text(&self, text: &str) -> Option<(CodeTarget, String)> {
        let letters = text.chars().take(SEARCHED).collect::<Vec<_>>();
        let starts = (0..letters.len())
            .filter(|&at| letters[at].is_alphanumeric() && (at == 0 || !letters[at - 1].is_alphanumeric()));
        let (target, start, end) = starts.into_iter().find_map(|start| {
            let (digits, end) = candidate(&letters, start)?;
            Some((self.decrypt(digits)?, start, end))
        })?;
        let (start, end) = with_reference(&letters, start, end);
        let before = letters[..start].iter().collect::<String>();
        let after = letters[end..].iter().copied().chain(text.chars().skip(SEARCHED)).collect::<String>();
        let (before, after) = (before.trim_end(), after.trim_start());
        let glue = if before.is_empty() || after.starts_with(['.', ',', '!', '?', ';', ':']) { "" } else { " " };
        Some((target, format!("{before}{glue}{after}").trim().to_owned()))
    }
}

/// A code as people read it: `ABCD-EFGH-JKMN-PQRS`.
#[must_use]
pub fn grouped(code: &str) -> String {
    let letters = code.chars().filter(|&letter| !is_separator(letter)).collect::<Vec<_>>();
    letters.chunks(GROUP).map(|group| group.iter().collect::<String>().to_uppercase()).collect::<Vec<_>>().join("-")
}

/// The value of a character; `None` when it is not of the alphabet, even read kindly.
fn digit(letter: char) -> Option<u16> {
    let letter = match letter.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        letter => letter,
    };
    ALPHABET.iter().position(|&known| char::from(known) == letter).and_then(|value| u16::try_from(value).ok())
}

/// Hyphens and dashes of all kinds, spaces, and characters without width.
fn is_separator(letter: char) -> bool {
    letter.is_whitespace()
        || matches!(letter, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
}

/// Sixteen digits from `start` on with separators between groups of four only, and where they end.
fn candidate(letters: &[char], start: usize) -> Option<(Vec<u16>, usize)> {
    let mut digits = Vec::with_capacity(CODE_LENGTH);
    let mut at = start;
    while digits.len() < CODE_LENGTH {
        let letter = *letters.get(at)?;
        if is_separator(letter) && digits.len() % GROUP == 0 {
            at += 1;
            continue;
        }
        digits.push(digit(letter)?);
        at += 1;
    }
    let ends = letters.get(at).is_none_or(|letter| !letter.is_alphanumeric());
    ends.then_some((digits, at))
}

/// Widens the place of a code to the "(ref …)" around it.
fn with_reference(letters: &[char], start: usize, end: usize) -> (usize, usize) {
    let back = |mut at: usize, skip: &dyn Fn(char) -> bool| {
        while at > 0 && skip(letters[at - 1]) {
            at -= 1;
        }
        at
    };
    let mut begin = back(start, &|letter| letter.is_whitespace() || matches!(letter, ':' | '.' | '#' | '=' | '*'));
    let word = back(begin, &char::is_alphanumeric);
    let is_reference = |word: &[char]| {
        let word = word.iter().collect::<String>().to_lowercase();
        matches!(word.as_str(), "ref" | "reference" | "code")
    };
    if is_reference(&letters[word..begin]) {
        begin = word;
    } else {
        begin = start;
    }
    let open = back(begin, &char::is_whitespace);
    let closing = match open.checked_sub(1).map(|at| letters[at]) {
        Some('(') => ')',
        Some('[') => ']',
        _ => return (begin, end),
    };
    let close = letters[end..].iter().position(|letter| !letter.is_whitespace()).map(|skipped| end + skipped);
    match close {
        Some(at) if letters[at] == closing => (open - 1, at + 1),
        // The closing bracket was lost in the customer's editing.
        _ => (open - 1, end),
    }
}

#[cfg(test)]
#[path = "code_tests.rs"]
mod tests;
