//! Votes by text: a word asks, each number has one vote, and a time ends it.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, plain};

/// Fewest options of a vote.
pub const FEWEST_OPTIONS: usize = 2;
/// Most options of a vote.
pub const MOST_OPTIONS: usize = 20;

/// One thing that can be voted for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoteOption {
    /// What people text for it; its number in the list counts as well.
    pub word: String,
    /// What it is called in answers and in the result.
    pub label: String,
}

impl VoteOption {
    /// The form in which it is compared and kept.
    #[must_use]
    pub fn key(&self) -> String {
        plain::compact(&self.word)
    }
}

/// What a word asks to vote about. `{brand}` in a text is filled in, and `{option}` where somebody has chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Vote {
    /// The question with its options, as people get it.
    pub text: String,
    pub options: Vec<VoteOption>,
    /// Whether a later choice takes the place of an earlier one; otherwise the first counts.
    #[serde(default)]
    pub changeable: bool,
    /// No vote counts from then on.
    #[serde(default)]
    pub closes_at: Option<Timestamp>,
    /// Sent when a vote is counted.
    #[serde(default)]
    pub thanks: String,
    /// Sent to somebody whose vote stands and cannot be changed; empty sends nothing.
    #[serde(default)]
    pub already: String,
    /// Sent when the vote is over; empty sends nothing.
    #[serde(default)]
    pub closed: String,
}

impl Vote {
    /// Whether no vote counts at this moment any more.
    #[must_use]
    pub fn is_closed(&self, at: Timestamp) -> bool {
        self.closes_at.is_some_and(|end| at >= end)
    }

    /// What a text chooses: the word or the name of an option, or its number in the list.
    #[must_use]
    pub fn choice(&self, text: &str) -> Option<&VoteOption> {
        let said = plain::compact(text);
        if said.is_empty() {
            return None;
        }
        let by_word = self.options.iter().find(|option| option.key() == said);
        let by_name = || self.options.iter().find(|option| plain::compact(&option.label) == said);
        let by_number = || {
            let number = said.parse::<usize>().ok()?;
            self.options.get(number.checked_sub(1)?)
        };
        by_word.or_else(by_name).or_else(by_number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vote(words: &[(&str, &str)]) -> Vote {
        let option = |(word, label): &(&str, &str)| VoteOption { word: (*word).to_owned(), label: (*label).to_owned() };
        Vote {
            text: "Red or blue?".to_owned(),
            options: words.iter().map(option).collect(),
            changeable: false,
            closes_at: Some(Timestamp(1_000)),
            thanks: String::new(),
            already: String::new(),
            closed: String::new(),
        }
    }

    #[test]
    fn an_option_is_chosen_by_word_name_or_number() {
        let colours = vote(&[("RED", "The red one"), ("BLUE", "The blue one")]);
        for (text, choice) in [
            (" red! ", Some("RED")),
            ("The blue one.", Some("BLUE")),
            ("2", Some("BLUE")),
            ("3", None),
            ("0", None),
            ("green", None),
            ("🙂", None),
        ] {
            assert_eq!(colours.choice(text).map(|option| option.word.as_str()), choice, "{text}");
        }
        // A word that is a number is that option, whatever its place.
        let years = vote(&[("2", "Second edition"), ("1", "First edition")]);
        assert_eq!(years.choice("1").map(|option| option.label.as_str()), Some("First edition"));
    }

    #[test]
    fn it_ends_at_its_time() {
        let colours = vote(&[("RED", "Red"), ("BLUE", "Blue")]);
        assert!(!colours.is_closed(Timestamp(999)) && colours.is_closed(Timestamp(1_000)));
        assert!(!Vote { closes_at: None, ..colours }.is_closed(Timestamp(i64::MAX)));
    }
}
