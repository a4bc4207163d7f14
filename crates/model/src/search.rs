//! Words of messages as the search knows them, and where they stand in a text.
//!
//! Both engines index the same words: those of [`plain`], so that case, accents and letter shapes do not matter. Chinese,
//! Japanese and Thai are written without spaces; there every two letters that stand together are a word.

use serde::Serialize;

use crate::{MessageId, Timestamp, plain};

/// Most different words of one text that are indexed.
const MOST_WORDS: usize = 1_000;
/// Longest word in letters; the rest of a longer one is left out.
const LONGEST: usize = 40;
/// Most words of one search.
pub const MOST_SEARCHED: usize = 12;
/// Shortest beginning of a word that finds it.
const SHORTEST_BEGINNING: usize = 3;
/// Letters shown around the first word that was found.
const AROUND: usize = 70;

/// A word that is searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    Whole(String),
    /// Any word that begins like this.
    Beginning(String),
}

impl Term {
    fn fits(&self, word: &str) -> bool {
        match self {
            Self::Whole(whole) => word == whole,
            Self::Beginning(beginning) => word.starts_with(beginning.as_str()),
        }
    }
}

/// A piece of a text that is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = TextPiece)]
pub struct Piece {
    pub text: String,
    /// Whether it was searched for.
    pub hit: bool,
}

/// The words of a text that are indexed, each once.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let mut all: Vec<String> = plain::words(text).iter().flat_map(|word| parts(word)).collect();
    all.sort();
    all.dedup();
    all.truncate(MOST_WORDS);
    all
}

/// What a person typed, as terms. The last word may be unfinished, so its beginning counts, unless a space ends it.
#[must_use]
pub fn terms(typed: &str) -> Vec<Term> {
    let mut all = Vec::new();
    let typed_words = plain::words(typed);
    let unfinished = !typed.ends_with(char::is_whitespace);
    for (place, word) in typed_words.iter().enumerate() {
        let last = place + 1 == typed_words.len();
        if word.chars().any(is_unspaced) {
            let mut pairs = parts(word);
            // The last letter alone is a word of texts that end there.
            if pairs.len() > 1 {
                pairs.pop();
            }
            all.extend(
                pairs
                    .into_iter()
                    .map(|pair| if pair.chars().count() == 1 { Term::Beginning(pair) } else { Term::Whole(pair) }),
            );
        } else if last && unfinished && word.chars().count() >= SHORTEST_BEGINNING {
            all.push(Term::Beginning(cut(word)));
        } else {
            all.push(Term::Whole(cut(word)));
        }
    }
    all.dedup();
    all.truncate(MOST_SEARCHED);
    all
}

/// How often the room for an entry's place is widened, sixteenfold each time: to twelve days, so that there is always one.
const WIDENINGS: u32 = 5;

/// Where an entry may stand in the search, the first choice first. A millisecond has 1,024 places, and an entry takes one
/// of its own millisecond by chance. When that is taken it looks further and further ahead: so many messages of the same
/// moment find a place with a few looks, and stand a little later than they were written.
pub fn places(at: Timestamp, id: MessageId) -> impl Iterator<Item = i64> {
    let chance = (id.0.as_u128() & u128::from(u64::MAX >> 2)) as i64;
    (0..=WIDENINGS).map(move |widening| first_number(at) + (chance & ((1_024 << (4 * widening)) - 1)))
}

/// The first place of a millisecond.
#[must_use]
pub const fn first_number(at: Timestamp) -> i64 {
    at.0.saturating_mul(1_024)
}

/// The part of a text around the first word that was found, with all found words marked.
#[must_use]
pub fn excerpt(text: &str, terms: &[Term]) -> Vec<Piece> {
    let pieces = marked(text, terms);
    let Some(first) = pieces.iter().position(|piece| piece.hit) else {
        let text = shortened(text, 2 * AROUND);
        return if text.is_empty() { Vec::new() } else { vec![Piece { text, hit: false }] };
    };
    let before: String = pieces[..first].iter().map(|piece| piece.text.as_str()).collect();
    let skip = before.chars().count().saturating_sub(AROUND);
    let before: String = before.chars().skip(skip).collect();
    let before = if skip > 0 { format!("…{before}") } else { before };
    let mut shown = Vec::new();
    let mut left = 2 * AROUND;
    if !before.is_empty() {
        shown.push(Piece { text: before, hit: false });
    }
    for piece in &pieces[first..] {
        let length = piece.text.chars().count();
        if length > left && !piece.hit {
            shown.push(Piece { text: shortened(&piece.text, left), hit: false });
            break;
        }
        shown.push(piece.clone());
        left = left.saturating_sub(length);
    }
    shown
}

fn shortened(text: &str, most: usize) -> String {
    let cut: String = text.chars().take(most).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}

/// The whole text in pieces; neighbours of one kind are one piece.
fn marked(text: &str, terms: &[Term]) -> Vec<Piece> {
    let mut pieces = Vec::<Piece>::new();
    let mut add = |text: &str, hit: bool| match pieces.last_mut() {
        Some(last) if last.hit == hit => last.text.push_str(text),
        _ => pieces.push(Piece { text: text.to_owned(), hit }),
    };
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let length = if letter.is_alphanumeric() {
            rest.find(|letter: char| letter.is_whitespace() || letter.is_ascii_punctuation() && letter != '\'')
                .unwrap_or(rest.len())
        } else {
            letter.len_utf8()
        };
        let (word, after) = rest.split_at(length);
        if letter.is_alphanumeric() && word.chars().any(is_unspaced) {
            mark_unspaced(word, terms, &mut add);
        } else {
            let hit = plain::words(word).iter().any(|plain| terms.iter().any(|term| term.fits(&cut(plain))));
            add(word, hit);
        }
        rest = after;
    }
    pieces
}

fn mark_unspaced(word: &str, terms: &[Term], add: &mut impl FnMut(&str, bool)) {
    let letters: Vec<char> = word.chars().collect();
    let plain_of = |letters: &[char]| plain::compact(&letters.iter().collect::<String>());
    let mut hits = vec![false; letters.len()];
    for start in 0..letters.len() {
        for end in start + 1..=letters.len().min(start + 2) {
            let pair = plain_of(&letters[start..end]);
            let exact = |term: &Term| matches!(term, Term::Whole(text) | Term::Beginning(text) if *text == pair);
            if !pair.is_empty() && terms.iter().any(exact) {
                hits[start..end].fill(true);
            }
        }
    }
    for (letter, hit) in letters.iter().zip(hits) {
        add(letter.encode_utf8(&mut [0; 4]), hit);
    }
}

fn parts(word: &str) -> Vec<String> {
    if !word.chars().any(is_unspaced) {
        return vec![cut(word)];
    }
    let letters: Vec<char> = word.chars().collect();
    let pairs = letters.windows(2).map(|pair| pair.iter().collect());
    pairs.chain(letters.last().map(ToString::to_string)).collect()
}

fn cut(word: &str) -> String {
    word.chars().take(LONGEST).collect()
}

/// Letters of writings without spaces between words.
const fn is_unspaced(letter: char) -> bool {
    matches!(letter, '\u{0e00}'..='\u{0eff}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, typed: &str) -> String {
        let pieces = excerpt(text, &terms(typed));
        pieces.iter().map(|piece| if piece.hit { format!("[{}]", piece.text) } else { piece.text.clone() }).collect()
    }

    fn finds(text: &str, typed: &str) -> bool {
        let words = words(text);
        let terms = terms(typed);
        !terms.is_empty() && terms.iter().all(|term| words.iter().any(|word| term.fits(word)))
    }

    #[test]
    fn words_are_found_in_every_writing() {
        for (text, typed, expected) in [
            ("Where is my ORDER?", "order", true),
            ("Where is my order?", "where order ", true),
            ("Où est ma commande", "ou commande", true),
            ("reordering", "order", false),
            ("Ordering", "ord", true),
            ("Ordering", "ord ", false),
            ("Ordering", "or", false),
            ("東京タワーはどこ", "京タ", true),
            ("東京タワー", "東", true),
            ("東京タワー", "大阪", false),
            ("Invoice A-1234", "1234", true),
            ("Hello", "…!", false),
        ] {
            assert_eq!(finds(text, typed), expected, "{typed} in {text}");
        }
    }

    #[test]
    fn found_words_are_marked_as_they_were_written() {
        assert_eq!(shown("Where is my ORDER?", "ord"), "Where is my [ORDER]?");
        assert_eq!(shown("Où est ma commande", "ou "), "[Où] est ma commande");
        assert_eq!(shown("東京タワー", "京タ"), "東[京タ]ワー");
        assert_eq!(shown("nothing", "else"), "nothing");
        let long = format!("{} order {}", "before ".repeat(30), "after ".repeat(60));
        let cut = shown(&long, "order");
        assert!(cut.starts_with('…') && cut.ends_with('…') && cut.contains("[order]"), "{cut}");
        assert!(cut.chars().count() < 230, "{cut}");
    }

    #[test]
    fn later_messages_have_higher_numbers() {
        let id = |low: u128| MessageId(uuid::Uuid::from_u128(low));
        let first = |at, id| places(Timestamp(at), id).next().unwrap();
        assert!(first(5, id(0x3ff)) < first(6, id(0)));
        assert!(places(Timestamp(1_800_000_000_000), id(u128::MAX)).all(|place| place > 0));
        let all: Vec<i64> = places(Timestamp(5), id(u128::MAX)).collect();
        assert!(all.is_sorted() && all[0] == 6 * 1_024 - 1 && all[1] == 21 * 1_024 - 1, "further and further ahead");
    }

    proptest::proptest! {
        #[test]
        fn an_excerpt_never_panics_and_marks_only_what_is_there(text in ".{0,300}", typed in ".{0,20}") {
            for piece in excerpt(&text, &terms(&typed)) {
                let inner = piece.text.trim_start_matches('…').trim_end_matches('…');
                proptest::prop_assert!(text.contains(inner));
            }
        }
    }
}
