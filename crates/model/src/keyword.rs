//! Keywords: messages that consist of nothing but a word with a meaning in law.
//!
//! The words are those of 47 CFR 64.1200(a)(10) (stop, quit, end, revoke, opt out, cancel, unsubscribe), of the carriers'
//! handbook, and their usual forms in other languages. Case, accents typed apart, punctuation, quotes and spaces do not
//! matter. Free text that amounts to an opt-out is not recognised here.

use crate::consent::Medium;

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

const STOP: &[&str] = &[
    "stop",
    "stop all",
    "unsubscribe",
    "cancel",
    "end",
    "quit",
    "revoke",
    "opt out",
    "remove",
    "remove me",
    "stop please",
    "please stop", // English
    "arrêt",
    "arret",
    "arrêter",
    "arreter",
    "désabonner",
    "desabonner",
    "désinscription",
    "desinscription", // French
    "baja",
    "parar",
    "alto",
    "cancelar",
    "detener", // Spanish
    "sair",
    "pare",
    "descadastrar",
    "remover", // Portuguese
    "stopp",
    "abmelden",
    "abbestellen", // German, Swedish, Norwegian
    "ferma",
    "basta",
    "annulla",
    "disiscrivi", // Italian
    "afmelden",
    "stoppen", // Dutch
    "wypisz",
    "rezygnuję",
    "rezygnuje", // Polish
    "dur",
    "iptal",
    "ret",      // Turkish
    "berhenti", // Indonesian, Malay
    "itigil",   // Filipino
    "hủy",
    "huy",    // Vietnamese
    "lopeta", // Finnish
    "стоп",
    "отписаться",
    "отписка",
    "відписатися", // Russian, Ukrainian
    "διακοπή",
    "στοπ", // Greek
    "توقف",
    "إيقاف",
    "ايقاف",
    "إلغاء",
    "الغاء", // Arabic
    "הסר",
    "הפסק", // Hebrew
    "रोकें",
    "बंद करें", // Hindi
    "退订",
    "退訂",
    "停止",     // Chinese, Japanese
    "配信停止", // Japanese
    "중지",
    "수신거부", // Korean
];

const START: &[&str] = &["start", "unstop", "subscribe", "opt in", "alta", "старт"];

/// Answers that mean START to a text message that asks for it, and anything at all in a chat.
const START_IN_SMS: &[&str] = &["yes"];

const HELP: &[&str] = &[
    "help",
    "info",
    "aide",
    "ayuda",
    "ajuda",
    "hilfe",
    "aiuto",
    "hulp",
    "pomoc",
    "yardım",
    "bantuan",
    "помощь",
    "مساعدة",
    "עזרה",
    "मदद",
    "帮助",
    "幫助",
    "ヘルプ",
    "도움말",
];

/// Longer messages are no keyword: a bound for the work, above the longest word.
const LONGEST: usize = 60;

impl Keyword {
    /// The keyword a message consists of.
    ///
    /// In a WhatsApp chat a STOP counts as everywhere, but only the unmistakable words count as START, and "help" is a
    /// question to the bot or agent.
    #[must_use]
    pub fn read(text: &str, medium: Medium) -> Option<Self> {
        if text.chars().count() > LONGEST {
            return None;
        }
        let word = compact(text);
        let is_in = |words: &[&str]| !word.is_empty() && words.iter().any(|known| compact(known) == word);
        if is_in(STOP) {
            Some(Self::Stop)
        } else if is_in(START) || (medium == Medium::Sms && is_in(START_IN_SMS)) {
            Some(Self::Start)
        } else if medium == Medium::Sms && is_in(HELP) {
            Some(Self::Help)
        } else {
            None
        }
    }
}

/// Letters and digits in lower case and nothing else.
fn compact(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        use Keyword::{Help, Start, Stop};
        for (text, sms, chat) in [
            ("STOP", Some(Stop), Some(Stop)),
            ("stop", Some(Stop), Some(Stop)),
            (" Stop. ", Some(Stop), Some(Stop)),
            ("\"STOP\"", Some(Stop), Some(Stop)),
            ("“Stop”", Some(Stop), Some(Stop)),
            ("'stop'!!!", Some(Stop), Some(Stop)),
            ("S T O P", Some(Stop), Some(Stop)),
            ("stop\n", Some(Stop), Some(Stop)),
            ("STOP ALL", Some(Stop), Some(Stop)),
            ("stopall", Some(Stop), Some(Stop)),
            ("Please stop", Some(Stop), Some(Stop)),
            ("quit", Some(Stop), Some(Stop)),
            ("End", Some(Stop), Some(Stop)),
            ("REVOKE", Some(Stop), Some(Stop)),
            ("opt out", Some(Stop), Some(Stop)),
            ("OPT-OUT", Some(Stop), Some(Stop)),
            ("optout", Some(Stop), Some(Stop)),
            ("Cancel", Some(Stop), Some(Stop)),
            ("unsubscribe", Some(Stop), Some(Stop)),
            ("ARRET", Some(Stop), Some(Stop)),
            ("arrêt", Some(Stop), Some(Stop)),
            ("arre\u{302}t", Some(Stop), Some(Stop)),
            ("Baja", Some(Stop), Some(Stop)),
            ("PARAR", Some(Stop), Some(Stop)),
            ("STOPP", Some(Stop), Some(Stop)),
            ("СТОП", Some(Stop), Some(Stop)),
            ("توقف", Some(Stop), Some(Stop)),
            ("बंद करें", Some(Stop), Some(Stop)),
            ("退订", Some(Stop), Some(Stop)),
            ("수신 거부", Some(Stop), Some(Stop)),
            ("START", Some(Start), Some(Start)),
            ("unstop", Some(Start), Some(Start)),
            ("Alta", Some(Start), Some(Start)),
            ("YES", Some(Start), None),
            ("yes!", Some(Start), None),
            ("HELP", Some(Help), None),
            ("info?", Some(Help), None),
            ("Aide", Some(Help), None),
            ("", None, None),
            ("!?", None, None),
            ("don't stop", None, None),
            ("yes please", None, None),
            ("stop by the shop", None, None),
            ("cancel my order", None, None),
            ("I would like to know whether the shop is open on the weekend", None, None),
        ] {
            assert_eq!(Keyword::read(text, Medium::Sms), sms, "{text}");
            assert_eq!(Keyword::read(text, Medium::WhatsApp), chat, "{text} in a chat");
        }
    }

    #[test]
    fn no_word_asks_for_two_things_and_none_is_too_long() {
        let all = STOP.iter().chain(START).chain(START_IN_SMS).chain(HELP);
        for word in all.clone() {
            assert!(word.chars().count() < LONGEST);
            let families = [STOP, START, START_IN_SMS, HELP];
            let found = families.iter().filter(|words| words.iter().any(|known| compact(known) == compact(word)));
            assert_eq!(found.count(), 1, "{word}");
        }
    }
}
