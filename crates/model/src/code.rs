//! Link and reference codes: the encryption of (campaign number, position, link).
//!
//! A code needs no index: it decrypts straight to its recipient. It is 16 characters of Crockford's base 32, that is
//! 80 bits, encrypted with FF1 (NIST SP 800-38G). Of the 80 bits, 24 carry the campaign's number, 28 the recipient's
//! position, 4 say which link of the text it is, and 24 are zero; a guess is right with probability
//! (issued codes) / 2^80, so 2^27 issued codes still leave 53 bits to guess, and nearly every wrong code is recognised
//! as wrong without a look at the database. The link to the chat is number 0, so codes from before there were other
//! links mean what they meant.
//!
//! A redirect waits for one decryption, and planning for one encryption per recipient; both are ten AES blocks, because
//! of what FF1 hashes in each round only the last block differs.

use std::{fmt, sync::Arc};

use aes::{
    Aes256,
    cipher::{BlockEncrypt as _, KeyInit as _},
};

/// What a code stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CodeTarget {
    /// The campaign's number, unique in the installation; below 2^24.
    pub campaign_number: u32,
    /// The recipient's position in the campaign; below 2^28.
    pub position: u32,
}

/// A recipient and one of the links in his text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinkCode {
    pub target: CodeTarget,
    /// [`CHAT_LINK`], or the number of an address in the text, from 1; below [`LINKS`].
    pub link: u8,
}

/// Campaign numbers end below this.
pub const CAMPAIGN_NUMBERS: u32 = 1 << 24;

/// Positions end below this; no campaign can have more recipients.
pub const POSITIONS: u32 = 1 << 28;

/// The position of the campaign's QR code, which hangs where anybody sees it and stands for nobody in particular. No
/// campaign has so many recipients.
pub const POSTER: u32 = POSITIONS - 1;

/// Numbers of links end below this: the chat and fifteen others.
pub const LINKS: u8 = 1 << LINK_BITS;

/// Number of the link that leads into the chat.
pub const CHAT_LINK: u8 = 0;

/// Characters of a code.
pub const CODE_LENGTH: usize = 16;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const GROUP: usize = 4;
const POSITION_BITS: u32 = 28;
const LINK_BITS: u32 = 4;
const ZERO_BITS: u32 = 24;
/// Separates these codes from anything else that is ever encrypted with the same key.
const TWEAK: &[u8; 12] = b"segue code 1";
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
pub struct CodeKey(Arc<Cipher>);

impl fmt::Debug for CodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeKey(…)")
    }
}

/// FF1 for radix 32, sixteen digits and our tweak: two halves of 40 bits.
struct Cipher {
    aes: Aes256,
    /// The hash of all that is the same in every round.
    start: [u8; 16],
}

const ROUNDS: u8 = 10;
const HALF_BITS: u32 = 40;
const HALF: u64 = (1 << HALF_BITS) - 1;

impl Cipher {
    fn new(secret: [u8; 32]) -> Self {
        let aes = Aes256::new(&secret.into());
        // NIST SP 800-38G, algorithm 7: step 5 (P) and the first block of step 6.i (Q), which the tweak fills alone.
        let mut hash = [1, 2, 1, 0, 0, 32, ROUNDS, 8, 0, 0, 0, 16, 0, 0, 0, 12];
        aes.encrypt_block((&mut hash).into());
        for (hashed, tweak) in hash.iter_mut().zip(TWEAK) {
            *hashed ^= tweak;
        }
        aes.encrypt_block((&mut hash).into());
        Self { aes, start: hash }
    }

    /// The number that a round adds to one half because of the other.
    fn round(&self, number: u8, half: u64) -> u64 {
        let mut block = self.start;
        block[10] ^= number;
        for (byte, value) in block[11..].iter_mut().zip(&half.to_be_bytes()[3..]) {
            *byte ^= value;
        }
        self.aes.encrypt_block((&mut block).into());
        // Of the twelve bytes that FF1 takes the last five are what remains modulo 2^40.
        block[7..12].iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
    }

    fn encrypt(&self, plain: u128) -> u128 {
        let (mut a, mut b) = halves(plain);
        for number in 0..ROUNDS {
            (a, b) = (b, (a + self.round(number, b)) & HALF);
        }
        joined(a, b)
    }

    fn decrypt(&self, secret: u128) -> u128 {
        let (mut a, mut b) = halves(secret);
        for number in (0..ROUNDS).rev() {
            (a, b) = (b.wrapping_sub(self.round(number, a)) & HALF, a);
        }
        joined(a, b)
    }
}

fn halves(bits: u128) -> (u64, u64) {
    let half = |bits: u128| u64::try_from(bits & u128::from(HALF)).unwrap_or_default();
    (half(bits >> HALF_BITS), half(bits))
}

fn joined(a: u64, b: u64) -> u128 {
    (u128::from(a) << HALF_BITS) | u128::from(b)
}

impl CodeKey {
    /// A key from 32 random bytes.
    #[must_use]
    pub fn new(secret: [u8; 32]) -> Self {
        Self(Arc::new(Cipher::new(secret)))
    }

    /// The code of a recipient, in lower case and without hyphens: his link into the chat, and his reference there.
    ///
    /// # Panics
    /// When the target is beyond the limits of [`CodeTarget::new`]: a shortened number would point to somebody else.
    #[must_use]
    pub fn encode(&self, target: CodeTarget) -> String {
        self.encode_link(LinkCode { target, link: CHAT_LINK })
    }

    /// The code of one of a recipient's links.
    ///
    /// # Panics
    /// When the target is beyond the limits of [`CodeTarget::new`], or the link not below [`LINKS`].
    #[must_use]
    pub fn encode_link(&self, LinkCode { target, link }: LinkCode) -> String {
        assert!(
            CodeTarget::new(target.campaign_number, target.position).is_some() && link < LINKS,
            "a campaign number, position or link is beyond what a code can carry"
        );
        let link_place = u128::from(link) << ZERO_BITS;
        let position = u128::from(target.position) << (LINK_BITS + ZERO_BITS);
        let number = u128::from(target.campaign_number) << (POSITION_BITS + LINK_BITS + ZERO_BITS);
        let secret = self.0.encrypt(number | position | link_place);
        let digit = |place: usize| ALPHABET[usize::try_from((secret >> (5 * place)) & 31).unwrap_or_default()];
        (0..CODE_LENGTH).rev().map(|place| char::from(digit(place))).collect()
    }

    /// Whose code it is, whichever link of his it belongs to; `None` when it was never issued under this key. Case,
    /// spaces and hyphens do not matter, and the letters O, I and L are read as the digits they resemble.
    #[must_use]
    pub fn decode(&self, code: &str) -> Option<CodeTarget> {
        self.decode_link(code).map(|code| code.target)
    }

    /// What a code stands for; `None` when it was never issued under this key.
    #[must_use]
    pub fn decode_link(&self, code: &str) -> Option<LinkCode> {
        let (mut bits, mut count) = (0, 0);
        for letter in code.chars().filter(|&letter| !is_separator(letter)) {
            if count == CODE_LENGTH {
                return None;
            }
            bits = (bits << 5) | u128::from(digit(letter)?);
            count += 1;
        }
        (count == CODE_LENGTH).then(|| self.decrypt(bits)).flatten()
    }

    fn decrypt(&self, secret: u128) -> Option<LinkCode> {
        let bits = self.0.decrypt(secret);
        if bits & ((1 << ZERO_BITS) - 1) != 0 {
            return None;
        }
        let link = u8::try_from((bits >> ZERO_BITS) & u128::from(LINKS - 1)).ok()?;
        let position = u32::try_from((bits >> (LINK_BITS + ZERO_BITS)) & u128::from(POSITIONS - 1)).ok()?;
        let number = u32::try_from(bits >> (POSITION_BITS + LINK_BITS + ZERO_BITS)).ok()?;
        Some(LinkCode { target: CodeTarget::new(number, position)?, link })
    }

    /// Finds the first code in a customer's message and takes it out, together with a "(ref …)" around it. What remains
    /// is what the customer said. Codes are recognised whole or in groups of four, with any hyphens or spaces between.
    #[must_use]
    pub fn find_in_text(&self, text: &str) -> Option<(CodeTarget, String)> {
        let letters = text.chars().take(SEARCHED).collect::<Vec<_>>();
        let (target, start, end) =
            candidates(&letters).find_map(|(secret, start, end)| Some((self.decrypt(secret)?.target, start, end)))?;
        let (start, end) = with_reference(&letters, start, end);
        let before = letters[..start].iter().collect::<String>();
        let after = letters[end..].iter().copied().chain(text.chars().skip(SEARCHED)).collect::<String>();
        let (before, after) = (before.trim_end(), after.trim_start());
        let glue = if before.is_empty() || after.starts_with(['.', ',', '!', '?', ';', ':']) { "" } else { " " };
        Some((target, format!("{before}{glue}{after}").trim().to_owned()))
    }
}

/// Whether something in a text has the form of a code. Most texts have nothing, and need no key to tell.
#[must_use]
pub fn may_be_in(text: &str) -> bool {
    let letters = text.chars().take(SEARCHED).collect::<Vec<_>>();
    candidates(&letters).next().is_some()
}

/// A code as people read it: `ABCD-EFGH-JKMN-PQRS`.
#[must_use]
pub fn grouped(code: &str) -> String {
    let mut shown = String::with_capacity(CODE_LENGTH + CODE_LENGTH / GROUP - 1);
    for (place, letter) in code.chars().filter(|&letter| !is_separator(letter)).enumerate() {
        if place > 0 && place % GROUP == 0 {
            shown.push('-');
        }
        shown.push(letter.to_ascii_uppercase());
    }
    shown
}

/// The value of a character; `None` when it is not of the alphabet, even read kindly.
fn digit(letter: char) -> Option<u8> {
    let letter = match u8::try_from(letter).ok()?.to_ascii_lowercase() {
        b'o' => b'0',
        b'i' | b'l' => b'1',
        letter => letter,
    };
    DIGITS.get(usize::from(letter)).copied().flatten()
}

/// The value of each ASCII character.
const DIGITS: [Option<u8>; 128] = {
    let mut digits = [None; 128];
    let mut value = 0;
    while value < ALPHABET.len() {
        digits[ALPHABET[value] as usize] = Some(value as u8);
        value += 1;
    }
    digits
};

/// Hyphens and dashes of all kinds, spaces, and characters without width.
fn is_separator(letter: char) -> bool {
    letter.is_whitespace()
        || matches!(letter, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
}

/// Everything that has the form of a code: its bits, its begin and its end.
fn candidates(letters: &[char]) -> impl Iterator<Item = (u128, usize, usize)> {
    (0..letters.len())
        .filter(|&at| letters[at].is_alphanumeric() && (at == 0 || !letters[at - 1].is_alphanumeric()))
        .filter_map(|start| candidate(letters, start).map(|(bits, end)| (bits, start, end)))
}

/// Sixteen digits from `start` on with separators between groups of four only, and where they end.
fn candidate(letters: &[char], start: usize) -> Option<(u128, usize)> {
    let (mut bits, mut count, mut at) = (0, 0, start);
    while count < CODE_LENGTH {
        let letter = *letters.get(at)?;
        if is_separator(letter) && count % GROUP == 0 {
            at += 1;
            continue;
        }
        bits = (bits << 5) | u128::from(digit(letter)?);
        count += 1;
        at += 1;
    }
    let ends = letters.get(at).is_none_or(|letter| !letter.is_alphanumeric());
    ends.then_some((bits, at))
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
