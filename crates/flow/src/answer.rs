//! Reads a customer's answer as the type a question asks for.

use segue_model::PhoneNumber;

use crate::{
    definition::{AnswerOption, AnswerType, Ask, Normalise, Texts},
    run::Value,
};

/// Longest answer kept, in characters.
const LONGEST: usize = 1_000;
/// Beyond this no number is an answer; below it, with six decimals, every number survives JSON unchanged.
const LARGEST: f64 = 1e9;
/// Longest pattern program, in bytes: bounds the work of compiling an author's pattern.
const PATTERN_SIZE: usize = 1 << 20;

const YES: &[&str] = &["yes", "y", "yeah", "yep", "sure", "ok", "sí", "si", "sim", "oui", "ja"];
const NO: &[&str] = &["no", "n", "nope", "não", "nao", "non", "nein"];

/// Ids of the two buttons of a yes-or-no question.
pub(crate) const YES_ID: &str = "yes";
pub(crate) const NO_ID: &str = "no";

/// An answer that fits.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub value: Value,
    /// As agents read it and records keep it.
    pub text: String,
    /// Step the chosen option leads to.
    pub goto: Option<String>,
}

impl Answer {
    fn text(text: String) -> Self {
        Self { value: Value::Text(text.clone()), text, goto: None }
    }
}

/// Reads what the customer wrote; `None` when it does not fit.
#[must_use]
pub fn read_text(ask: &Ask, texts: &Texts, text: &str) -> Option<Answer> {
    let text = text.chars().filter(|letter| !letter.is_control() || *letter == '\n').collect::<String>();
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONGEST {
        return None;
    }
    match ask.kind {
        AnswerType::Text => Some(Answer::text(normalised(ask, text))),
        AnswerType::Number => number(ask, text),
        AnswerType::Email => email(text).map(Answer::text),
        AnswerType::Phone => {
            let phone = PhoneNumber::parse(text, ask.country.as_deref()).ok()?;
            Some(Answer::text(phone.as_str().to_owned()))
        }
        AnswerType::Regex => {
            let text = normalised(ask, text);
            pattern(ask.pattern.as_deref()?).ok()?.is_match(&text).then(|| Answer::text(text))
        }
        AnswerType::Choice => choice(ask, text),
        AnswerType::YesNo => {
            let word = compact(text);
            let is = |label: &str, words: &[&str]| compact(label) == word || words.contains(&word.as_str());
            if is(&texts.yes, YES) {
                read_option(ask, texts, YES_ID)
            } else if is(&texts.no, NO) {
                read_option(ask, texts, NO_ID)
            } else {
                None
            }
        }
        // Nobody fills in a form by writing.
        AnswerType::Form => None,
    }
}

/// Reads the answer of one field of a form; `None` when it was left empty. Several choices are joined, and what is
/// neither text nor number is kept as the form sent it.
#[must_use]
pub fn read_field(answer: &serde_json::Value) -> Option<Value> {
    use serde_json::Value as Json;
    let text = match answer {
        Json::Null => return None,
        Json::Bool(value) => return Some(Value::Bool(*value)),
        Json::Number(number) => {
            return match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Some(Value::Integer(whole)),
                (None, Some(number)) if number.abs() <= LARGEST => Some(Value::Number((number * 1e6).round() / 1e6)),
                _ => Some(Value::Text(number.to_string())),
            };
        }
        Json::String(text) => text.clone(),
        Json::Array(values) => {
            let values = values.iter().filter_map(read_field).map(|value| value.to_string());
            values.collect::<Vec<_>>().join(", ")
        }
        Json::Object(_) => answer.to_string(),
    };
    let text: String = text.chars().filter(|letter| !letter.is_control() || *letter == '\n').take(LONGEST).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| Value::Text(text.to_owned()))
}

/// Reads a tap on the option with this id; `None` when the question has no such option.
#[must_use]
pub fn read_option(ask: &Ask, texts: &Texts, id: &str) -> Option<Answer> {
    match (ask.kind, id) {
        (AnswerType::Choice, id) => ask.options.iter().find(|option| option.id == id).map(chosen),
        (AnswerType::YesNo, YES_ID) => Some(Answer { value: Value::Bool(true), text: texts.yes.clone(), goto: None }),
        (AnswerType::YesNo, NO_ID) => Some(Answer { value: Value::Bool(false), text: texts.no.clone(), goto: None }),
        _ => None,
    }
}

fn chosen(option: &AnswerOption) -> Answer {
    Answer { value: Value::Text(option.id.clone()), text: option.label.clone(), goto: option.goto.clone() }
}

/// A typed choice: the label, the id, or its number in the list.
fn choice(ask: &Ask, text: &str) -> Option<Answer> {
    let word = compact(text);
    let by_name = ask.options.iter().find(|option| compact(&option.label) == word || option.id == word);
    let by_number = || {
        let number = text.trim_end_matches(['.', ')']).parse::<usize>().ok()?;
        ask.options.get(number.checked_sub(1)?)
    };
    by_name.filter(|_| !word.is_empty()).or_else(by_number).map(chosen)
}

fn normalised(ask: &Ask, text: &str) -> String {
    match ask.normalise {
        Some(Normalise::Upper) => text.to_uppercase(),
        Some(Normalise::Lower) => text.to_lowercase(),
        None => text.to_owned(),
    }
}

fn number(ask: &Ask, text: &str) -> Option<Answer> {
    let digits = text.replace([' ', '\u{a0}', '\u{202f}'], "");
    let plain = match (digits.rfind(','), digits.rfind('.')) {
        // Where both occur, the last one is the decimal sign, and the other groups thousands.
        (Some(comma), Some(dot)) if comma > dot => digits.replace('.', "").replace(',', "."),
        // A single comma is a decimal sign, unless it groups thousands.
        (Some(comma), None) if digits.find(',') == Some(comma) && digits.len() - comma - 1 != 3 => {
            digits.replace(',', ".")
        }
        (Some(_), _) => digits.replace(',', ""),
        (None, _) => digits,
    };
    if !plain.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+')) {
        return None;
    }
    let number = plain.parse::<f64>().ok().filter(|number| number.abs() <= LARGEST)?;
    let number = (number * 1e6).round() / 1e6;
    if ask.min.is_some_and(|min| number < min) || ask.max.is_some_and(|max| number > max) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole and below 1e9")]
    let value = if number.fract() == 0.0 { Value::Integer(number as i64) } else { Value::Number(number) };
    Some(Answer { text: value.to_string(), value, goto: None })
}

/// The e-mail address that a text is: with one @, a name before it and a domain with a dot after it.
#[must_use]
pub fn email(text: &str) -> Option<String> {
    let text = text.strip_prefix("mailto:").unwrap_or(text);
    let text = text.trim_matches(|letter: char| matches!(letter, '<' | '>' | '"' | '.' | ',' | ';' | '!' | ' '));
    let (name, domain) = text.split_once('@')?;
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|letter| letter.is_alphanumeric() || letter == '-')
    };
    let is_name = !name.is_empty()
        && name.len() <= 64
        && !name
            .chars()
            .any(|letter| letter.is_whitespace() || letter.is_control() || "()<>[],;:\\\"@".contains(letter));
    let labels = domain.split('.').collect::<Vec<_>>();
    let is_domain = labels.len() >= 2
        && labels.iter().all(|label| is_label(label))
        && labels.last().is_some_and(|last| last.len() >= 2 && last.chars().all(char::is_alphabetic));
    (is_name && is_domain && text.len() <= 254).then(|| format!("{name}@{}", domain.to_lowercase()))
}

/// Compiles a question's pattern; the whole answer must match it.
///
/// # Errors
/// When it is malformed or too large.
pub fn pattern(pattern: &str) -> Result<regex::Regex, regex::Error> {
    // Compiled alone first: brackets that do not match must not match the ones put around.
    regex::RegexBuilder::new(pattern).size_limit(PATTERN_SIZE).build()?;
    regex::RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(PATTERN_SIZE).build()
}

/// Letters and digits in lower case and nothing else.
pub(crate) fn compact(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
