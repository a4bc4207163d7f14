//! Patterns of words.
//!
//! Elements stand apart by spaces. An element is a word or several with `|` between them; `~` at a word's end stands for
//! any ending, `?` at the element's end makes it optional. `*` stands for up to three words, `^` for the beginning and `$`
//! for the end of the text. Words are compared in their plain form.

use std::ops::Range;

use crate::plain::compact;

/// What stands in place of a word that was struck out; no pattern has it, and `*` does not reach over it.
pub(super) const STRUCK: &str = "\0";

/// The most words that `*` stands for.
const MOST_BETWEEN: usize = 3;

enum Element {
    Words { words: Vec<(String, Ending)>, presence: Presence },
    Between,
    Begin,
    End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Exact,
    Any,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Needed,
    Optional,
}

/// A pattern that is ready to be looked for.
pub(super) struct Pattern(Vec<Element>);

impl Pattern {
    pub fn new(text: &str) -> Self {
        Self(text.split_whitespace().map(element).collect())
    }

    /// The words that the pattern is first found in.
    pub fn find(&self, words: &[String]) -> Option<Range<usize>> {
        (0..words.len()).find_map(|start| {
            let end = self.matches(0, words, start)?;
            (end > start).then_some(start..end)
        })
    }

    /// Where the pattern from `element` on ends when it begins at `at`.
    fn matches(&self, element: usize, words: &[String], at: usize) -> Option<usize> {
        let Some(current) = self.0.get(element) else { return Some(at) };
        let next = |at: usize| self.matches(element + 1, words, at);
        match current {
            Element::Begin => (at == 0).then(|| next(at)).flatten(),
            Element::End => (at == words.len()).then(|| next(at)).flatten(),
            Element::Between => (0..=MOST_BETWEEN)
                .take_while(|count| at + count <= words.len())
                .take_while(|count| !words[at..at + count].iter().any(|word| word == STRUCK))
                .find_map(|count| next(at + count)),
            Element::Words { words: wanted, presence } => {
                let here = words.get(at).is_some_and(|word| {
                    wanted.iter().any(|(wanted, ending)| match ending {
                        Ending::Exact => word == wanted,
                        Ending::Any => word.starts_with(wanted.as_str()),
                    })
                });
                let taken = here.then(|| next(at + 1)).flatten();
                taken.or_else(|| (*presence == Presence::Optional).then(|| next(at)).flatten())
            }
        }
    }
}

fn element(text: &str) -> Element {
    match text {
        "*" => return Element::Between,
        "^" => return Element::Begin,
        "$" => return Element::End,
        _ => {}
    }
    let (text, presence) = match text.strip_suffix('?') {
        Some(text) => (text, Presence::Optional),
        None => (text, Presence::Needed),
    };
    let words = text
        .split('|')
        .map(|word| match word.strip_suffix('~') {
            Some(word) => (compact(word), Ending::Any),
            None => (compact(word), Ending::Exact),
        })
        .collect();
    Element::Words { words, presence }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plain::words;

    #[test]
    fn patterns() {
        for (pattern, text, found) in [
            ("stop text~", "Please stop texting me", Some(1..3)),
            ("stop * text~", "stop all of those texts", Some(0..5)),
            ("stop * text~", "stop all of those many texts", None),
            ("^ stop $", "stop", Some(0..1)),
            ("^ stop $", "stop now", None),
            ("no? more texts", "more texts", Some(0..2)),
            ("don't|never text", "Don’t text", Some(0..2)),
            ("désabonn~ moi", "Desabonnez-moi", Some(0..2)),
            ("*", "anything", None),
        ] {
            assert_eq!(Pattern::new(pattern).find(&words(text)), found, "{pattern}: {text}");
        }
    }
}
