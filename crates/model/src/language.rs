//! Languages of texts: which of several texts somebody with a locale gets.
//!
//! Tags are BCP 47 and compared without regard to case, `_` being read as `-`. Whoever has `pt-BR` gets the text for
//! `pt-BR`, else that for `pt`, else the one without a language. A text for `pt-BR` is not for somebody with `pt`: the
//! narrower text may say what is true only there.

use serde::{Deserialize, Serialize};

/// A text for people of a language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LocaleText {
    /// BCP 47, such as `de` or `pt-BR`.
    pub locale: String,
    pub body: String,
}

/// A language tag as it is compared: lower case, with hyphens.
#[must_use]
pub fn tag(locale: &str) -> String {
    locale.trim().replace('_', "-").to_ascii_lowercase()
}

/// Whether this is written like a language tag: a language of two or three letters and subtags of up to eight letters
/// or digits. Whether the language exists is not looked at.
#[must_use]
pub fn is_tag(locale: &str) -> bool {
    let tag = tag(locale);
    let mut subtags = tag.split('-');
    let language = subtags.next().unwrap_or_default();
    (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && subtags.all(|tag| (1..=8).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// The place of the best text for a locale among texts for these languages; `None` when there is none for it.
pub fn best<'a>(locale: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<usize> {
    let wanted = tag(locale);
    let mut rest = wanted.as_str();
    while !rest.is_empty() {
        if let Some(place) = known.clone().position(|known| tag(known) == rest) {
            return Some(place);
        }
        rest = rest.rsplit_once('-').map_or("", |(shorter, _)| shorter);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_text_that_includes_the_locale() {
        let known = ["de", "pt-BR", "zh-Hant"];
        for (locale, expected) in [
            ("de", Some("de")),
            ("DE_at", Some("de")),
            ("de-AT-1996", Some("de")),
            ("pt-br", Some("pt-BR")),
            ("pt", None),
            ("zh-Hant-TW", Some("zh-Hant")),
            ("zh", None),
            ("d", None),
            ("", None),
            (" de ", Some("de")),
        ] {
            assert_eq!(best(locale, known.into_iter()).map(|place| known[place]), expected, "{locale}");
        }
    }

    #[test]
    fn tags_by_their_form() {
        for good in ["de", "pt-BR", "pt_br", "zh-Hant-TW", "fil", "es-419"] {
            assert!(is_tag(good), "{good}");
        }
        for bad in ["", "d", "german", "de-", "de--AT", "1a", "de AT", "de-veryverylong", "dé"] {
            assert!(!is_tag(bad), "{bad}");
        }
    }
}
