//! Patterns of words.
//!
//! Elements stand apart by spaces. An element is a word or several with `|` between them; `~` at a word's end stands for
//! any ending, `?` at the element's end makes it optional. `*` stands for up to three words, `^` for the beginning and `$`
//! for the end of the text. Words are compared in their plain form.
//!
//! There are a thousand patterns and every incoming text is held against all of them. Most need a word that the text does
//! not have, so the [`Vocabulary`] tells first which elements the text has words for, and only patterns that have all
//! they need ([`Vocabulary::possible`]) are looked for.

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

/// The words of all patterns, and which elements each of them is good for. They stand in a tree of their letters, so a word
/// of the text is mostly known to be in none of them after two or three letters.
pub(super) struct Vocabulary {
    /// The first is the root.
    places: Vec<Place>,
    /// The place after each first byte of a word, 0 where no word begins so.
    begins: [usize; 256],
    /// For each element that a pattern needs, the patterns of which it is the first such element.
    led: Vec<Vec<usize>>,
    /// Patterns that need nothing.
    free: Vec<usize>,
}

/// Where one is in the tree after some bytes.
#[derive(Default)]
struct Place {
    /// The next byte, and the place after it.
    next: Vec<(u8, usize)>,
    /// What a word that ends here is good for.
    exact: Vec<usize>,
    /// What a word that begins so is good for.
    beginning: Vec<usize>,
}

impl Default for Vocabulary {
    fn default() -> Self {
        Self { places: vec![Place::default()], begins: [0; 256], led: Vec::new(), free: Vec::new() }
    }
}

impl Vocabulary {
    fn need(&mut self, words: &[(String, Ending)]) -> usize {
        let need = self.led.len();
        self.led.push(Vec::new());
        for (word, ending) in words {
            let place = word.bytes().fold(0, |place, byte| self.step_or_add(place, byte));
            let Place { exact, beginning, .. } = &mut self.places[place];
            if *ending == Ending::Exact { exact } else { beginning }.push(need);
        }
        need
    }

    fn step(&self, place: usize, byte: u8) -> Option<usize> {
        if place == 0 {
            return Some(self.begins[usize::from(byte)]).filter(|place| *place > 0);
        }
        self.places[place].next.iter().find(|(next, _)| *next == byte).map(|(_, place)| *place)
    }

    fn step_or_add(&mut self, place: usize, byte: u8) -> usize {
        self.step(place, byte).unwrap_or_else(|| {
            let added = self.places.len();
            self.places.push(Place::default());
            if place == 0 {
                self.begins[usize::from(byte)] = added;
            } else {
                self.places[place].next.push((byte, added));
            }
            added
        })
    }

    /// The patterns of which a text has all that they need, in the order of their numbers. `pattern` gives the one of a
    /// number.
    pub fn possible<'p>(&self, words: &[String], pattern: impl Fn(usize) -> &'p Pattern) -> Vec<usize> {
        let mut met = vec![false; self.led.len()];
        let mut all = Vec::new();
        let mut meet = |needs: &[usize]| {
            for need in needs {
                if !std::mem::replace(&mut met[*need], true) {
                    all.push(*need);
                }
            }
        };
        for word in words {
            let mut place = Some(0);
            for byte in word.bytes() {
                place = place.and_then(|place| self.step(place, byte));
                let Some(place) = place else { break };
                meet(&self.places[place].beginning);
            }
            if let Some(place) = place {
                meet(&self.places[place].exact);
            }
        }
        let led = all.iter().flat_map(|need| &self.led[*need]);
        let mut possible: Vec<usize> = led.chain(&self.free).copied().collect();
        possible.retain(|number| pattern(*number).needs.iter().all(|need| met[*need]));
        possible.sort_unstable();
        possible
    }
}

/// A pattern that is ready to be looked for.
pub(super) struct Pattern {
    elements: Vec<Element>,
    /// What a text must meet for the pattern to be anywhere in it.
    needs: Vec<usize>,
}

impl Pattern {
    /// A pattern under a number of its own.
    pub fn new(text: &str, number: usize, vocabulary: &mut Vocabulary) -> Self {
        let elements: Vec<Element> = text.split_whitespace().map(element).collect();
        let needs: Vec<usize> = elements
            .iter()
            .filter_map(|element| match element {
                Element::Words { words, presence: Presence::Needed } => Some(vocabulary.need(words)),
                _ => None,
            })
            .collect();
        match needs.first() {
            Some(need) => vocabulary.led[*need].push(number),
            None => vocabulary.free.push(number),
        }
        Self { elements, needs }
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
        let Some(current) = self.elements.get(element) else { return Some(at) };
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
    fn a_text_without_a_needed_word_makes_no_pattern_possible() {
        let mut vocabulary = Vocabulary::default();
        let all = ["stop text~", "text~ stop", "no? more", "^ $"];
        let all: Vec<_> = (0..).zip(all).map(|(number, text)| Pattern::new(text, number, &mut vocabulary)).collect();
        let possible = |text: &str| vocabulary.possible(&words(text), |number| &all[number]);
        assert_eq!(possible("hello"), [3], "what needs nothing is always looked for");
        assert_eq!(possible("stop"), [3]);
        assert_eq!(possible("texting, stop"), [0, 1, 3], "in the order of the numbers, whatever the text's order is");
        assert_eq!(possible("more"), [2, 3]);
    }

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
            let mut vocabulary = Vocabulary::default();
            // Another pattern before it, so that its needs do not begin at the first number.
            let other = Pattern::new("other words", 0, &mut vocabulary);
            let pattern_of = Pattern::new(pattern, 1, &mut vocabulary);
            let words = words(text);
            assert_eq!(pattern_of.find(&words), found, "{pattern}: {text}");
            let possible = vocabulary.possible(&words, |number| if number == 0 { &other } else { &pattern_of });
            assert!(found.is_none() || possible == [1], "{pattern}: {text}");
        }
    }
}
