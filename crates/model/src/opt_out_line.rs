//! The line that tells people how to stop a campaign's messages, and when it is added.
//!
//! Carriers demand such a line in recurring programmes, the CTIA's Messaging Principles ask for it regularly, and a text
//! without one is what people report as spam. It is added only where a text does not say it itself, and never where nobody
//! could answer.

use std::{collections::HashSet, sync::LazyLock};

use serde::{Deserialize, Serialize};

use crate::{keyword, language, language::LocaleText, plain::compact};

/// Longest line, in characters: more than that is no line.
pub const LONGEST_LINE: usize = 100;

crate::text_enum! {
    /// Which messages get the line.
    pub enum OptOutLineWhen {
        /// Each that does not say itself how to stop.
        Every = "every",
        /// The first campaign message that leaves for a person.
        First = "first",
        Never = "never",
    }
}

crate::text_enum! {
    /// Whether a person has been told how to stop.
    pub enum OptOutNotice {
        /// Not yet, so that the line is due.
        Due = "due",
        /// An earlier message has said it.
        Given = "given",
        /// It comes from a name, which nobody can answer.
        Unanswerable = "unanswerable",
    }
}

/// The line and when it is added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OptOutLine {
    pub when: OptOutLineWhen,
    /// The line of texts without a language of their own.
    pub text: String,
    /// The line in other languages; for those that are not here there is a usual one, see [`OptOutLine::text_for`].
    pub texts: Vec<LocaleText>,
    /// The line of every text from a name, which nobody can answer, such as a link or a number to call; empty: none.
    /// Whatever `when` says.
    pub unanswerable: String,
    /// That line in other languages.
    pub unanswerable_texts: Vec<LocaleText>,
}

impl Default for OptOutLine {
    fn default() -> Self {
        Self {
            when: OptOutLineWhen::Never,
            text: "Reply STOP to opt out".to_owned(),
            texts: Vec::new(),
            unanswerable: String::new(),
            unanswerable_texts: Vec::new(),
        }
    }
}

/// The usual line by language. STOP is understood in all of them, see [`crate::keyword`].
const USUAL: &[(&str, &str)] = &[
    ("en", "Reply STOP to opt out"),
    ("es", "Responde STOP para darte de baja"),
    ("fr", "Répondez STOP pour vous désinscrire"),
    ("de", "Zum Abmelden STOP antworten"),
    ("it", "Rispondi STOP per annullare"),
    ("pt", "Responda STOP para sair"),
    ("nl", "Antwoord STOP om af te melden"),
    ("pl", "Rezygnacja: odpisz STOP"),
    ("tr", "Iptal: STOP yaz"),
    ("id", "Balas STOP untuk berhenti"),
    ("ar", "للإلغاء أرسل STOP"),
    ("hi", "बंद करने के लिए STOP भेजें"),
];

impl OptOutLine {
    /// The line for a text of a language: the workspace's own for it, else the usual one, else the workspace's line.
    #[must_use]
    pub fn text_for(&self, locale: Option<&str>) -> &str {
        let Some(locale) = locale else { return &self.text };
        if let Some(place) = language::best(locale, self.texts.iter().map(|text| text.locale.as_str())) {
            return &self.texts[place].body;
        }
        let usual = language::best(locale, USUAL.iter().map(|(language, _)| *language));
        usual.map_or(&self.text, |place| USUAL[place].1)
    }

    /// The line for a text of a language from a name, which nobody can answer.
    #[must_use]
    pub fn unanswerable_for(&self, locale: Option<&str>) -> &str {
        let own = |locale| language::best(locale, self.unanswerable_texts.iter().map(|text| text.locale.as_str()));
        let place = locale.and_then(own);
        place.map_or(&self.unanswerable, |place| &self.unanswerable_texts[place].body)
    }

    /// The line that is added to a text, when one is: the one of names where nobody can answer, unless the text has it.
    #[must_use]
    pub fn line_for(&self, text: &str, locale: Option<&str>, notice: OptOutNotice) -> Option<&str> {
        if notice == OptOutNotice::Unanswerable {
            let line = self.unanswerable_for(locale).trim();
            return (!line.is_empty() && !text.contains(line)).then_some(line);
        }
        self.is_due(text, notice).then(|| self.text_for(locale))
    }

    /// Whether this text gets the line, when the person has or has not been told before.
    #[must_use]
    pub fn is_due(&self, text: &str, notice: OptOutNotice) -> bool {
        match self.when {
            _ if notice == OptOutNotice::Unanswerable => false,
            OptOutLineWhen::Every => !says_how_to_stop(text),
            OptOutLineWhen::First => notice == OptOutNotice::Due && !says_how_to_stop(text),
            OptOutLineWhen::Never => false,
        }
    }
}

/// What is wrong with a line of names, in words for its author. Empty is none.
#[must_use]
pub fn unanswerable_objection(line: &str) -> Option<String> {
    let line = line.trim();
    if line.is_empty() {
        return None;
    }
    if line.chars().count() > LONGEST_LINE || line.contains(['\n', '\r', '{', '}']) {
        return Some(format!("The line of names stands on one line, with at most {LONGEST_LINE} characters."));
    }
    let digits = line.chars().filter(char::is_ascii_digit).count();
    let leads_somewhere = digits >= 4 || line.split_whitespace().any(is_address);
    let message = "Nobody can answer a name. Give a link, an address or a number by which people can end it.";
    (!leads_somewhere).then(|| message.to_owned())
}

/// Whether a word is an address on the web or of a mailbox: letters or digits on both sides of a dot.
fn is_address(word: &str) -> bool {
    let host = word.split_once("://").map_or(word, |(_, rest)| rest);
    let host = host.split(['/', '?', '#']).next().unwrap_or_default().trim_end_matches(['.', ',', ';', ')']);
    host.rsplit_once('.').is_some_and(|(before, after)| {
        before.ends_with(char::is_alphanumeric) && after.chars().count() > 1 && after.chars().all(char::is_alphanumeric)
    })
}

/// What is wrong with a line, in words for its author.
#[must_use]
pub fn objection(line: &str) -> Option<String> {
    if line.trim().is_empty() || line.chars().count() > LONGEST_LINE {
        return Some(format!("An opt-out line has 1 to {LONGEST_LINE} characters."));
    }
    if line.contains(['\n', '\r', '{', '}']) {
        return Some("An opt-out line stands on one line and has no merge fields.".to_owned());
    }
    let message = "The line does not say which word ends the messages. Write it like “Reply STOP to opt out”.";
    (!says_how_to_stop(line)).then(|| message.to_owned())
}

/// Single words of the STOP families, run together and in lower case.
static STOP_WORDS: LazyLock<HashSet<String>> =
    LazyLock::new(|| keyword::stop_words().filter(|word| !word.contains(' ')).map(compact).collect());

/// Words that tell somebody to answer, so that a STOP in small letters is an instruction too.
const ANSWER: &[&str] = &[
    "reply",
    "text",
    "txt",
    "send",
    "answer",
    "responde",
    "responda",
    "envía",
    "envia",
    "répondez",
    "repondez",
    "envoyez",
    "antworten",
    "antworte",
    "sende",
    "senden",
    "rispondi",
    "invia",
    "antwoord",
    "odpisz",
    "wyślij",
    "yaz",
    "yazın",
    "balas",
];

/// Words that mean it by themselves, in any writing.
const BY_THEMSELVES: &[&str] = &["unsubscribe", "optout", "abmelden", "désinscrire", "désabonner", "afmelden"];

/// STOP words that stand in texts about other things too: they count in capitals, and with a word to answer.
const EVERYDAY: &[&str] = &["end", "quit", "cancel", "remove", "revoke", "alto", "basta", "salir", "ende", "fin", "td"];

/// Whether a text says how to stop: a STOP word in capitals, one that somebody is told to answer, or a word such as
/// “unsubscribe” or “opt out”. What stands in links says nothing.
#[must_use]
pub fn says_how_to_stop(text: &str) -> bool {
    let mut is_told_to_answer = false;
    let mut has_stop_word = false;
    let mut before = String::new();
    let shown = text.split_whitespace().filter(|word| !word.contains("://"));
    for word in shown.flat_map(|word| word.split(|letter: char| !letter.is_alphanumeric())) {
        if word.is_empty() {
            continue;
        }
        let lower = word.to_lowercase();
        if BY_THEMSELVES.contains(&lower.as_str()) || (before == "opt" && lower == "out") {
            return true;
        }
        if STOP_WORDS.contains(&compact(word)) {
            let in_capitals = lower != word && !word.chars().any(char::is_lowercase);
            match (in_capitals, EVERYDAY.contains(&lower.as_str())) {
                (true, false) => return true,
                (false, true) => {}
                (true, true) | (false, false) => has_stop_word = true,
            }
        }
        is_told_to_answer |= ANSWER.contains(&lower.as_str());
        before = lower;
    }
    has_stop_word && is_told_to_answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_say_it_and_texts_that_do_not() {
        for says in [
            "Sale. Reply STOP to end",
            "Sale. STOP=end",
            "Reply stop to end",
            "To opt-out, visit us",
            "Unsubscribe any time",
            "Responde BAJA",
            "Répondez STOP",
            "txt Stop to quit",
            "Text END to quit",
            "Zum Abmelden antworten",
        ] {
            assert!(says_how_to_stop(says), "{says}");
        }
        for silent in [
            "Sale today",
            "Nonstop sale",
            "Nothing can stop our sale",
            "The sale will end on Sunday",
            "END OF SEASON SALE",
            "Reply now, the sale will end soon",
            "see https://x.example/STOP",
            "",
        ] {
            assert!(!says_how_to_stop(silent), "{silent}");
        }
    }

    #[test]
    fn the_line_of_a_language() {
        let line = OptOutLine {
            text: "Text STOP to quit".to_owned(),
            texts: vec![LocaleText { locale: "de".to_owned(), body: "STOPP beendet".to_owned() }],
            ..OptOutLine::default()
        };
        assert_eq!(line.text_for(None), "Text STOP to quit");
        assert_eq!(line.text_for(Some("de-AT")), "STOPP beendet");
        assert_eq!(line.text_for(Some("fr")), "Répondez STOP pour vous désinscrire");
        assert_eq!(line.text_for(Some("sv")), "Text STOP to quit");
        for (language, usual) in USUAL {
            assert!(says_how_to_stop(usual), "{language}");
            assert_eq!(objection(usual), None, "{language}");
        }
    }

    #[test]
    fn when_it_is_due() {
        let line = |when| OptOutLine { when, ..OptOutLine::default() };
        for (when, text, notice, due) in [
            (OptOutLineWhen::Every, "Sale", OptOutNotice::Given, true),
            (OptOutLineWhen::Every, "Sale, STOP to end", OptOutNotice::Due, false),
            (OptOutLineWhen::First, "Sale", OptOutNotice::Due, true),
            (OptOutLineWhen::First, "Sale", OptOutNotice::Given, false),
            (OptOutLineWhen::Never, "Sale", OptOutNotice::Due, false),
            (OptOutLineWhen::Every, "Sale", OptOutNotice::Unanswerable, false),
            (OptOutLineWhen::First, "Sale", OptOutNotice::Unanswerable, false),
        ] {
            assert_eq!(line(when).is_due(text, notice), due, "{when} {text} {notice}");
        }
    }

    #[test]
    fn a_text_from_a_name_gets_the_line_of_names_and_no_other() {
        let line = OptOutLine {
            when: OptOutLineWhen::Every,
            unanswerable: "End: acme.example/stop".to_owned(),
            unanswerable_texts: vec![LocaleText {
                locale: "de".to_owned(),
                body: "Ende: acme.example/stopp".to_owned(),
            }],
            ..OptOutLine::default()
        };
        let of = |text, locale, notice| line.line_for(text, locale, notice);
        assert_eq!(of("Sale", None, OptOutNotice::Unanswerable), Some("End: acme.example/stop"));
        assert_eq!(of("Sale", Some("de-AT"), OptOutNotice::Unanswerable), Some("Ende: acme.example/stopp"));
        assert_eq!(of("Sale. End: acme.example/stop", None, OptOutNotice::Unanswerable), None, "it is there");
        // STOP cannot be answered to a name: that a text says it does not count.
        assert_eq!(of("Sale, STOP ends", None, OptOutNotice::Unanswerable), Some("End: acme.example/stop"));
        assert_eq!(of("Sale", None, OptOutNotice::Due), Some("Reply STOP to opt out"));
        let never = OptOutLine { when: OptOutLineWhen::Never, ..line.clone() };
        assert!(never.line_for("Sale", None, OptOutNotice::Unanswerable).is_some(), "whatever else is set");
        assert_eq!(OptOutLine::default().line_for("Sale", None, OptOutNotice::Unanswerable), None);
        for bad in ["Reply STOP", "call us", "a\nb.example/c", "{{ x }}.example/y", "yes and/or no", "@us", "End."] {
            assert!(unanswerable_objection(bad).is_some(), "{bad}");
        }
        for good in
            ["", "End: acme.example/stop", "No more? Call 0800 123456", "Mail stop@acme.example.", "https://a.example"]
        {
            assert_eq!(unanswerable_objection(good), None, "{good}");
        }
    }

    #[test]
    fn a_line_has_to_say_it_in_one_line() {
        for bad in ["", " ", "Bye", "STOP\nends", "{{ stop }} STOP", &"STOP ".repeat(30)] {
            assert!(objection(bad).is_some(), "{bad}");
        }
    }
}
