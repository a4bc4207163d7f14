//! One plain form for all the ways in which a word can be written.
//!
//! Case, accents (typed as one letter or apart), letter shapes such as bold or full width, Arabic vowel signs and letter
//! variants, apostrophes, emoji, punctuation and invisible characters are taken away. What remains are words of letters
//! and digits.

use unicode_normalization::{UnicodeNormalization as _, char::canonical_combining_class};

/// The words of a text in their plain form.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    if text.is_ascii() {
        // What the rest comes to for most texts, at a fraction of the time.
        let letters = text.replace(['\'', '`'], "").to_ascii_lowercase();
        let words = letters.split(|letter: char| !letter.is_ascii_alphanumeric());
        return words.filter(|word| !word.is_empty()).map(str::to_owned).collect();
    }
    let mut words = vec![String::new()];
    for letter in text.nfkd().flat_map(char::to_lowercase) {
        match plain(letter) {
            Plain::Dropped => {}
            Plain::Letter(letters) => words.last_mut().expect("there is one").push_str(letters),
            Plain::Same => words.last_mut().expect("there is one").push(letter),
            Plain::Gap => words.push(String::new()),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The words of a text in their plain form, run together: `S T O P!` is `stop`.
#[must_use]
pub fn compact(text: &str) -> String {
    words(text).concat()
}

enum Plain {
    /// Belongs to the letter before and is left out.
    Dropped,
    Letter(&'static str),
    Same,
    /// Ends a word.
    Gap,
}

fn plain(letter: char) -> Plain {
    match letter {
        // Apostrophes of every kind, Arabic elongation, soft hyphens, joiners and direction marks.
        '\''
        | '\u{2018}'
        | '\u{2019}'
        | '\u{2bc}'
        | '`'
        | '\u{b4}'
        | '\u{640}'
        | '\u{ad}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{93c}' => Plain::Dropped,
        'ı' => Plain::Letter("i"),
        'ß' => Plain::Letter("ss"),
        'ł' => Plain::Letter("l"),
        'ø' => Plain::Letter("o"),
        'đ' => Plain::Letter("d"),
        'æ' => Plain::Letter("ae"),
        'œ' => Plain::Letter("oe"),
        'ى' => Plain::Letter("ي"),
        'ة' => Plain::Letter("ه"),
        // Candrabindu and anusvara are typed for each other.
        'ँ' => Plain::Letter("ं"),
        _ if matches!(canonical_combining_class(letter), 27..=35 | 200..=240) => Plain::Dropped,
        _ if letter.is_alphanumeric() || is_indic_sign(letter) => Plain::Same,
        _ => Plain::Gap,
    }
}

/// Vowel signs and the virama, which are part of a word and no letters; the danda ends a sentence.
const fn is_indic_sign(letter: char) -> bool {
    matches!(letter, '\u{900}'..='\u{d7f}') && !matches!(letter, '\u{964}' | '\u{965}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writings_of_one_word_are_the_same() {
        for (text, word) in [
            (" S T O P!! ", "stop"),
            ("“Ştop”", "stop"),
            ("𝐒𝐓𝐎𝐏 🛑", "stop"),
            ("ＳＴＯＰ", "stop"),
            ("st\u{ad}o\u{200b}p", "stop"),
            ("ARRE\u{302}T", "arret"),
            ("İPTAL", "iptal"),
            ("ıptal", "iptal"),
            ("إِلْغَاء", "الغاء"),
            ("إلغـــاء", "الغاء"),
            ("wypisać się z łódź", "wypisacsiezlodz"),
            ("बंद करें।", "बंदकरें"),
            ("don’t", "dont"),
            ("!?", ""),
        ] {
            assert_eq!(compact(text), compact(word), "{text}");
        }
        assert_eq!(words("Don't stop, please…"), ["dont", "stop", "please"]);
    }
}
