//! Keywords: messages that consist of nothing but a word with a meaning in law.
//!
//! Case, accents, punctuation, quotes, emoji, spaces between the letters and a signature after the word do not matter. A
//! workspace can add words of its own. Free text that amounts to an opt-out is read by [`crate::revocation`].

mod words;

use std::{collections::HashMap, sync::LazyLock};

use serde::{Deserialize, Serialize};

use crate::{
    consent::Medium,
    plain::{self, compact},
};
use words::{FAMILIES, START_IN_SMS};

crate::text_enum! {
    /// What a keyword asks for.
    pub enum Keyword {
        /// No more messages.
        Stop = "stop",
        /// Messages again.
        Start = "start",
        /// Who is writing, and how to stop it.
        Help = "help",
    }
}

/// A word that a workspace adds to a family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtraWord {
    /// BCP 47 tag of the language that its answer is in.
    pub language: String,
    pub keyword: Keyword,
    pub word: String,
}

/// A keyword that a message consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub keyword: Keyword,
    /// BCP 47 tag of the word's language.
    pub language: String,
    /// The word as the table has it.
    pub word: String,
}

impl Found {
    /// Whether the word means this only where nothing was asked, such as YES: else it may be an answer to anything.
    #[must_use]
    pub fn is_an_answer_elsewhere(&self) -> bool {
        START_IN_SMS.contains(&self.word.as_str())
    }
}

/// Longer messages are no keyword, apart from their signature: a bound for the work, above the longest word.
pub const LONGEST: usize = 60;

/// Words with which people end a message, in their plain form.
const GREETINGS: &[&str] = &[
    "sent",
    "regards",
    "best",
    "thanks",
    "thank",
    "thx",
    "cheers",
    "gracias",
    "saludos",
    "merci",
    "cordialement",
    "danke",
    "gruss",
    "grusse",
    "mfg",
    "lg",
    "vg",
    "grazie",
    "saluti",
    "obrigado",
    "obrigada",
    "bedankt",
    "groet",
    "groetjes",
    "dziekuje",
    "pozdrawiam",
    "tesekkurler",
    "tesekkur",
    "saygilar",
    "شكرا",
    "धन्यवाद",
    "शुक्रिया",
    "terima",
    "makasih",
    "gesendet",
    "envoye",
    "enviado",
    "inviato",
    "verzonden",
    "wyslano",
    "dikirim",
];

/// The most words a name has that a message is signed with.
const LONGEST_NAME: usize = 3;

impl Keyword {
    /// The keyword a message consists of, without words of a workspace.
    #[must_use]
    pub fn read(text: &str, medium: Medium) -> Option<Self> {
        Self::find(text, medium, &[]).map(|found| found.keyword)
    }

    /// The keyword a message consists of.
    ///
    /// In a WhatsApp chat STOP and HELP count as everywhere, but only the unmistakable words count as START.
    #[must_use]
    pub fn find(text: &str, medium: Medium, extra: &[ExtraWord]) -> Option<Found> {
        if text.chars().count() <= LONGEST
            && let Some(found) = whole(&compact(text), medium, extra)
        {
            return Some(found);
        }
        let mut found = unsigned(text).filter_map(|word| whole(&compact(word), medium, extra));
        // "Yes, Ana" may be an answer to anything.
        found.find(|found| !found.is_an_answer_elsewhere())
    }

    /// Whether a word belongs to a family, so that nobody can give it another meaning.
    #[must_use]
    pub fn is_taken(word: &str, extra: &[ExtraWord]) -> Option<Self> {
        whole(&compact(word), Medium::Sms, extra).map(|found| found.keyword)
    }
}

/// Every built-in word of the STOP families, as it is usually written.
pub fn stop_words() -> impl Iterator<Item = &'static str> {
    FAMILIES.iter().flat_map(|family| family.stop.iter().copied())
}

/// Every built-in word in its plain form, with its family, its language and its usual writing.
static TABLE: LazyLock<HashMap<String, (Keyword, &str, &str)>> = LazyLock::new(|| {
    let mut table = HashMap::new();
    for family in FAMILIES {
        for (keyword, words) in
            [(Keyword::Stop, family.stop), (Keyword::Start, family.start), (Keyword::Help, family.help)]
        {
            for word in words {
                table.entry(compact(word)).or_insert((keyword, family.language, *word));
            }
        }
    }
    table
});

/// The keyword that a text in its plain form is. Of two readings the stricter counts: STOP, then START, then HELP.
fn whole(text: &str, medium: Medium, extra: &[ExtraWord]) -> Option<Found> {
    if text.is_empty() {
        return None;
    }
    let built_in = TABLE.get(text).copied();
    let answer = (medium == Medium::Sms).then(|| START_IN_SMS.iter().find(|word| **word == text)).flatten();
    let answer = answer.map(|word| (Keyword::Start, "en", *word));
    let own = extra
        .iter()
        .filter(|extra| compact(&extra.word) == text)
        .map(|extra| (extra.keyword, extra.language.as_str(), extra.word.as_str()));
    built_in
        .into_iter()
        .chain(answer)
        .chain(own)
        .min_by_key(|(keyword, ..)| *keyword)
        .map(|(keyword, language, word)| Found { keyword, language: language.to_owned(), word: word.to_owned() })
}

/// What may stand before a signature: all that is followed by a line's end, a stop or a dash and then by a greeting, a name
/// or a line of dashes.
fn unsigned(text: &str) -> impl Iterator<Item = &str> {
    let text = text.trim();
    let ends = |letter: char| matches!(letter, '\n' | '\r' | '.' | '!' | ',' | ';' | '-' | '–' | '—' | '~' | '/' | '|');
    text.char_indices()
        .take(LONGEST)
        .skip(1)
        .filter(move |(_, letter)| ends(*letter))
        .map(|(end, _)| (&text[..end], &text[end..]))
        .filter(|(_, rest)| is_signature(rest))
        .map(|(word, _)| word)
}

fn is_signature(text: &str) -> bool {
    let names = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let is_name = names.clone().count() <= LONGEST_NAME
        && names.clone().all(|name| name.chars().next().is_some_and(char::is_uppercase));
    let is_greeting = || {
        let words = plain::words(text);
        words.len() <= 2 * LONGEST_NAME && words.first().is_some_and(|word| GREETINGS.contains(&word.as_str()))
    };
    is_name || text.trim_start().starts_with("--") || is_greeting()
}

#[cfg(test)]
#[path = "keyword_tests.rs"]
mod tests;
