//! Free text that takes consent back: "please take me off your list".
//!
//! 47 CFR 64.1200(a)(10) counts any reasonable wording as a revocation. [`read`] looks for patterns of words, by language,
//! and always gives the same answer for the same text, with the patterns that led to it:
//!
//! 1. Patterns that are a no whatever else is said (`certain`): "if you do not stop".
//! 2. Patterns that hold the same words in an innocent meaning are struck out: "bus stop", "don't stop", "cancel my order".
//! 3. What remains and says no (`revoke`) is a revocation; what may say no (`doubtful`) is for a person to look at.
//!
//! All languages are tried on every text; nobody knows in which one a person will write. The words are tuned on the
//! labelled set in `tests/revocations.tsv`, which also bounds how often an innocent text is taken for an opt-out.

mod lexicon;
mod pattern;

use std::sync::LazyLock;

use serde::Serialize;

use crate::plain;
use lexicon::LEXICONS;
use pattern::{Met, Pattern, STRUCK, Vocabulary};

crate::text_enum! {
    /// What a text amounts to.
    pub enum RevocationVerdict {
        /// It takes consent back.
        Revoke = "revoke",
        /// It may; a person looks at it, and marketing waits until then.
        Review = "review",
        /// It does not.
        No = "no",
    }
}

/// A pattern that was found in a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = RevocationEvidence)]
pub struct Evidence {
    /// BCP 47 tag of the pattern's language.
    pub language: String,
    /// The words of the text that it was found in, in their plain form.
    pub words: String,
}

/// A verdict and what led to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = RevocationReading)]
pub struct Reading {
    pub verdict: RevocationVerdict,
    /// What speaks for a no.
    pub said: Vec<Evidence>,
    /// What was struck out because it means something else.
    pub innocent: Vec<Evidence>,
}

/// Longer texts are read up to here; a person who wants no more texts says so early, and the work needs a bound.
const MOST_WORDS: usize = 120;

struct Language {
    tag: &'static str,
    certain: Vec<Pattern>,
    innocent: Vec<Pattern>,
    revoke: Vec<Pattern>,
    doubtful: Vec<Pattern>,
}

static LANGUAGES: LazyLock<(Vec<Language>, Vocabulary)> = LazyLock::new(|| {
    let mut vocabulary = Vocabulary::default();
    let mut compile =
        |patterns: &[&str]| patterns.iter().map(|pattern| Pattern::new(pattern, &mut vocabulary)).collect();
    let languages = LEXICONS
        .iter()
        .map(|lexicon| Language {
            tag: lexicon.language,
            certain: compile(lexicon.certain),
            innocent: compile(lexicon.innocent),
            revoke: compile(lexicon.revoke),
            doubtful: compile(lexicon.doubtful),
        })
        .collect();
    (languages, vocabulary)
});

/// What a text amounts to.
#[must_use]
pub fn read(text: &str) -> Reading {
    let mut words = plain::words(text);
    words.truncate(MOST_WORDS);
    let met = LANGUAGES.1.met(&words);
    let certain = find(&words, &met, |language| &language.certain);
    if !certain.is_empty() {
        return Reading { verdict: RevocationVerdict::Revoke, said: certain, innocent: Vec::new() };
    }
    let innocent = strike(&mut words, &met);
    let said = find(&words, &met, |language| &language.revoke);
    if !said.is_empty() {
        return Reading { verdict: RevocationVerdict::Revoke, said, innocent };
    }
    let said = find(&words, &met, |language| &language.doubtful);
    let verdict = if said.is_empty() { RevocationVerdict::No } else { RevocationVerdict::Review };
    Reading { verdict, said, innocent }
}

/// The first place of each pattern of a kind.
fn find(words: &[String], met: &Met, kind: impl Fn(&Language) -> &Vec<Pattern>) -> Vec<Evidence> {
    let mut found = Vec::new();
    for language in &LANGUAGES.0 {
        for pattern in kind(language) {
            if let Some(range) = pattern.find(words, met) {
                found.push(Evidence { language: language.tag.to_owned(), words: words[range].join(" ") });
            }
        }
    }
    found.dedup();
    found
}

/// Strikes out everything innocent, and gives what it was.
fn strike(words: &mut [String], met: &Met) -> Vec<Evidence> {
    let mut struck = Vec::new();
    for language in &LANGUAGES.0 {
        for pattern in &language.innocent {
            while let Some(range) = pattern.find(words, met) {
                struck.push(Evidence { language: language.tag.to_owned(), words: words[range.clone()].join(" ") });
                words[range].iter_mut().for_each(|word| STRUCK.clone_into(word));
            }
        }
    }
    struck
}

#[cfg(test)]
#[path = "revocation_tests.rs"]
mod tests;
