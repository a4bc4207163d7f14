//! Smart encoding: one curly quote turns 160 characters a segment into 70, and the marketer never sees why.
//!
//! The usual offenders have plain counterparts that read the same. They are replaced only when the whole text then fits
//! the GSM alphabet; half a replacement would change the text and save nothing. Letters are never touched: an accent
//! can change a word.

use serde::{Deserialize, Serialize};

use super::gsm;

/// Characters that word processors and phones put in, and what reads the same. An empty text drops the character.
const OFFENDERS: &[(char, &str)] = &[
    ('\u{2018}', "'"),
    ('\u{2019}', "'"),
    ('\u{201A}', "'"),
    ('\u{201B}', "'"),
    ('\u{2032}', "'"),
    ('\u{00B4}', "'"),
    ('\u{0060}', "'"),
    ('\u{02BC}', "'"),
    ('\u{201C}', "\""),
    ('\u{201D}', "\""),
    ('\u{201E}', "\""),
    ('\u{201F}', "\""),
    ('\u{2033}', "\""),
    ('\u{00AB}', "\""),
    ('\u{00BB}', "\""),
    ('\u{2039}', "'"),
    ('\u{203A}', "'"),
    ('\u{2010}', "-"),
    ('\u{2011}', "-"),
    ('\u{2012}', "-"),
    ('\u{2013}', "-"),
    ('\u{2014}', "-"),
    ('\u{2015}', "-"),
    ('\u{2212}', "-"),
    ('\u{2026}', "..."),
    ('\u{2022}', "-"),
    ('\u{00B7}', "-"),
    ('\u{2043}', "-"),
    ('\u{00A0}', " "),
    ('\u{2002}', " "),
    ('\u{2003}', " "),
    ('\u{2007}', " "),
    ('\u{2009}', " "),
    ('\u{200A}', " "),
    ('\u{202F}', " "),
    ('\u{3000}', " "),
    ('\t', " "),
    ('\u{2028}', "\n"),
    ('\u{2029}', "\n"),
    ('\u{200B}', ""),
    ('\u{200C}', ""),
    ('\u{200D}', ""),
    ('\u{2060}', ""),
    ('\u{FEFF}', ""),
    ('\u{00AD}', ""),
    ('\u{200E}', ""),
    ('\u{200F}', ""),
    ('\u{FE0F}', ""),
    ('\u{2122}', "(TM)"),
    ('\u{00A9}', "(C)"),
    ('\u{00AE}', "(R)"),
    ('\u{2044}', "/"),
    ('\u{00D7}', "x"),
    ('\u{00BD}', "1/2"),
    ('\u{00BC}', "1/4"),
    ('\u{00BE}', "3/4"),
    ('\u{2190}', "<-"),
    ('\u{2192}', "->"),
];

/// One kind of replacement, for showing before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    /// The character in the text.
    pub from: char,
    /// What stands there now.
    pub to: String,
}

/// What reads the same as this character in the GSM alphabet, when it is one of the usual offenders.
#[must_use]
pub fn counterpart(character: char) -> Option<&'static str> {
    OFFENDERS.iter().find(|(offender, _)| *offender == character).map(|(_, plain)| *plain)
}

/// The text in the GSM alphabet and what was replaced, each once in order of appearance. `None` when the text fits
/// already, or when anything in it has no plain counterpart.
#[must_use]
pub fn smart_encode(text: &str) -> Option<(String, Vec<Replacement>)> {
    let mut encoded = String::with_capacity(text.len());
    let mut replacements: Vec<Replacement> = Vec::new();
    for character in text.chars() {
        if gsm::septets(character).is_some() {
            encoded.push(character);
            continue;
        }
        let (from, to) = OFFENDERS.iter().find(|(offender, _)| *offender == character)?;
        encoded.push_str(to);
        if !replacements.iter().any(|replacement| replacement.from == *from) {
            replacements.push(Replacement { from: *from, to: (*to).to_owned() });
        }
    }
    (!replacements.is_empty()).then_some((encoded, replacements))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Encoding, segment};

    #[test]
    fn offenders_become_plain_and_the_text_gets_cheaper() {
        let text = format!("It’s “on” – come… {}", "a".repeat(100));
        assert_eq!((segment(&text).encoding, segment(&text).segments.len()), (Encoding::Ucs2, 2));
        let (plain, replacements) = smart_encode(&text).unwrap();
        assert!(plain.starts_with("It's \"on\" - come... aaa"));
        assert_eq!((segment(&plain).encoding, segment(&plain).segments.len()), (Encoding::Gsm7, 1));
        let replaced: String = replacements.iter().map(|replacement| replacement.from).collect();
        assert_eq!(replaced, "’“”–…");
    }

    #[test]
    fn all_or_nothing() {
        assert_eq!(smart_encode("It’s 😀"), None, "the emoji forces the larger encoding anyway");
        assert_eq!(smart_encode("Ça va’"), Some(("Ça va'".to_owned(), smart_encode("’").unwrap().1)));
        assert_eq!(smart_encode("ça va’"), None, "letters are not touched");
        assert_eq!(smart_encode("plain"), None);
        assert_eq!(smart_encode(""), None);
    }

    #[test]
    fn every_counterpart_is_in_the_alphabet_and_every_offender_is_not() {
        for (offender, plain) in OFFENDERS {
            assert_eq!(gsm::septets(*offender), None, "{offender:?}");
            assert!(gsm::encode(plain).is_ok(), "{offender:?}");
        }
    }
}
