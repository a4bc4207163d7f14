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
use pattern::{Pattern, STRUCK, Vocabulary};

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

/// What a pattern that is found says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Certain,
    Innocent,
    Revoke,
    Doubtful,
}

struct Entry {
    tag: &'static str,
    kind: Kind,
    pattern: Pattern,
}

/// All patterns, language by language.
static ENTRIES: LazyLock<(Vec<Entry>, Vocabulary)> = LazyLock::new(|| {
    let mut vocabulary = Vocabulary::default();
    let mut entries = Vec::new();
    for lexicon in LEXICONS {
        let kinds = [
            (Kind::Certain, lexicon.certain),
            (Kind::Innocent, lexicon.innocent),
            (Kind::Revoke, lexicon.revoke),
            (Kind::Doubtful, lexicon.doubtful),
        ];
        for (kind, patterns) in kinds {
            for text in patterns {
                let pattern = Pattern::new(text, entries.len(), &mut vocabulary);
                entries.push(Entry { tag: lexicon.language, kind, pattern });
            }
        }
    }
    (entries, vocabulary)
});

/// What a text amounts to.
#[must_use]
pub fn read(text: &str) -> Reading {
    let mut words = plain::words(text);
    words.truncate(MOST_WORDS);
    // Striking words out makes no more patterns possible.
    let (entries, vocabulary) = &*ENTRIES;
    let possible = vocabulary.possible(&words, |number| &entries[number].pattern);
    let of_kind = |kind: Kind| possible.iter().map(|number| &entries[*number]).filter(move |entry| entry.kind == kind);
    let certain = find(&words, of_kind(Kind::Certain));
    if !certain.is_empty() {
        return Reading { verdict: RevocationVerdict::Revoke, said: certain, innocent: Vec::new() };
    }
    let innocent = strike(&mut words, of_kind(Kind::Innocent));
    let said = find(&words, of_kind(Kind::Revoke));
    if !said.is_empty() {
        return Reading { verdict: RevocationVerdict::Revoke, said, innocent };
    }
    let said = find(&words, of_kind(Kind::Doubtful));
    let verdict = if said.is_empty() { RevocationVerdict::No } else { RevocationVerdict::Review };
    Reading { verdict, said, innocent }
}

/// The first place of each of some patterns.
fn find(words: &[String], entries: impl Iterator<Item = &'static Entry>) -> Vec<Evidence> {
    let found = entries.filter_map(|entry| {
        let range = entry.pattern.find(words)?;
        Some(Evidence { language: entry.tag.to_owned(), words: words[range].join(" ") })
    });
    let mut found: Vec<_> = found.collect();
    found.dedup();
    found
}

/// Strikes out everything innocent, and gives what it was.
fn strike(words: &mut [String], entries: impl Iterator<Item = &'static Entry>) -> Vec<Evidence> {
    let mut struck = Vec::new();
    for Entry { tag, pattern, .. } in entries {
        while let Some(range) = pattern.find(words) {
            struck.push(Evidence { language: (*tag).to_owned(), words: words[range.clone()].join(" ") });
            words[range].iter_mut().for_each(|word| STRUCK.clone_into(word));
        }
    }
    struck
}

#[cfg(test)]
#[path = "revocation_tests.rs"]
mod tests;
