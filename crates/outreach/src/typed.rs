//! Numbers and yes-or-no values in the conditions of texts.
//!
//! What a field holds is kept as text, and as text `"false"` would be true and `"5"` more than 100. So a field or
//! column that is defined as a number or as yes or no is one in a text too, and is still printed exactly as it is kept: `10.50`
//! stays `10.50`.
//!
//! Where a text itself treats a field as words (`vip == "true"`, `points ~ "!"`, `code[:3]`, `code | upper`) it means
//! words, so in that text the field stays words everywhere.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use minijinja::{Value, value::ValueKind};
use segue_model::{WorkspaceId, attribute::AttributeKind, contact::STANDARD_FIELDS};
use segue_store::{StoreError, Tx};

use crate::look_up::{FUNCTIONS, length_of_tag};

/// What the defined fields of a workspace hold.
pub(crate) type Kinds = BTreeMap<String, AttributeKind>;

/// What the fields of the workspace's contacts hold, as far as it was defined.
///
/// # Errors
/// When the store fails.
pub(crate) fn kinds(tx: &mut Tx<'_>, workspace_id: WorkspaceId) -> Result<Kinds, StoreError> {
    let definitions = tx.attribute_definitions(workspace_id)?.into_iter();
    let own = definitions.filter(|definition| !STANDARD_FIELDS.contains(&definition.name.as_str()));
    Ok(own.map(|definition| (definition.name, definition.kind)).collect())
}

/// How the numbers of one filling in are written, by how the template language would print them.
#[derive(Debug, Default)]
pub(crate) struct Written(Mutex<HashMap<String, String>>);

impl Written {
    /// A value as conditions see it; what does not fit its kind stays text.
    pub fn value(&self, kind: AttributeKind, text: &str) -> Value {
        let typed = match (kind, text) {
            (AttributeKind::Boolean, "true") => Some(Value::from(true)),
            (AttributeKind::Boolean, "false") => Some(Value::from(false)),
            (AttributeKind::Number, text) => self.number(text),
            _ => None,
        };
        typed.unwrap_or_else(|| Value::from(text))
    }

    fn number(&self, text: &str) -> Option<Value> {
        if let Some(whole) = text.parse::<i64>().ok().filter(|whole| whole.to_string() == text) {
            return Some(Value::from(whole));
        }
        let mut number = text.parse::<f64>().ok().filter(|number| number.is_finite())?;
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The same number in another writing is the next one that can be told from it, so that each is printed as it is
        // kept.
        loop {
            let value = Value::from(number);
            let known = written.entry(value.to_string()).or_insert_with(|| text.to_owned());
            if known == text {
                return Some(value);
            }
            number = number.next_up();
        }
    }

    /// How a value is written where the template language would print it in another way.
    pub fn of(&self, value: &Value) -> Option<String> {
        match value.kind() {
            ValueKind::Bool => Some(if value.is_true() { "true" } else { "false" }.to_owned()),
            ValueKind::Number if !value.is_integer() => {
                let written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                written.get(&value.to_string()).cloned()
            }
            _ => None,
        }
    }
}

/// Filters that take a number as it is or pass it on. What turns words into numbers is not among them: a text that does so
/// itself prints what comes of it.
const OF_NUMBERS: [&str; 4] = ["default", "d", "round", "abs"];
/// Words before a bracket that only groups.
const BEFORE_GROUPS: [&str; 9] = ["", "if", "elif", "and", "or", "not", "else", "in", "set"];
/// The longer ones first, since each is looked for at the start.
const COMPARISONS: [&str; 6] = ["==", "!=", ">=", "<=", ">", "<"];

/// Adds the words and look-ups that a text treats as words; all look-ups where there are macros, in which nothing is known
/// of how a number is written.
pub(crate) fn kept_as_words(text: &str, kept: &mut HashSet<String>) {
    let (mut rest, mut names) = (text, Vec::new());
    while let Some(start) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        let end = if rest[start..].starts_with("{{") { "}}" } else { "%}" };
        let tag = &rest[start + 2..];
        let length = length_of_tag(tag, end);
        in_tag(&tag[..length], kept);
        names.extend(named_in(&tag[..length]));
        rest = &tag[length..];
    }
    // What a name of the text stands for is words where the name is.
    for (name, value) in names.into_iter().rev() {
        if kept.contains(name) {
            kept.extend(value.split(|letter| !is_word(letter)).filter(|word| !word.is_empty()).map(str::to_owned));
        }
    }
}

/// The name that a tag gives to a value, and the value: `set total = points`.
fn named_in(tag: &str) -> Option<(&str, &str)> {
    let words = tag.trim_start_matches(['-', '+']).trim_start().strip_prefix("set ")?;
    let (name, value) = words.split_once('=')?;
    Some((name.trim(), value))
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn first_word(text: &str) -> &str {
    text.split(|letter: char| !is_word(letter)).next().unwrap_or_default()
}

fn in_tag(tag: &str, kept: &mut HashSet<String>) {
    let (mut quote, mut before) = (None, ' ');
    for (at, letter) in tag.char_indices() {
        let starts_word = is_word(letter) && !is_word(before) && before != '.' && before != '|';
        before = if letter.is_whitespace() && matches!(before, '.' | '|') { before } else { letter };
        match quote {
            Some(open) => {
                if letter == open {
                    quote = None;
                }
                continue;
            }
            None if letter == '"' || letter == '\'' => {
                quote = Some(letter);
                continue;
            }
            None if !starts_word => continue,
            None => {}
        }
        let word = first_word(&tag[at..]);
        let mut after = &tag[at + word.len()..];
        if FUNCTIONS.contains(&word) {
            after = behind_brackets(after.trim_start());
        }
        if word == "macro" {
            kept.extend(FUNCTIONS.map(str::to_owned));
        }
        if is_as_words(&tag[..at], after) {
            kept.insert(word.to_owned());
        }
    }
}

/// Whether what stands between these is treated as words.
fn is_as_words(before: &str, after: &str) -> bool {
    let mut before = before.trim_end();
    let Some(mut after) = behind_filters(after) else { return true };
    while let (Some(outer), Some(rest)) = (before.strip_suffix('('), after.strip_prefix(')')) {
        let outer = outer.trim_end();
        let last = outer.rsplit(|letter: char| !is_word(letter)).next().unwrap_or_default();
        if !BEFORE_GROUPS.contains(&last) {
            break;
        }
        before = outer;
        let Some(behind) = behind_filters(rest) else { return true };
        after = behind;
    }
    let left = COMPARISONS.iter().find_map(|sign| before.strip_suffix(*sign)).map_or("", str::trim_end);
    let right = COMPARISONS.iter().find_map(|sign| after.strip_prefix(*sign)).map_or("", str::trim_start);
    let is_compared = left.ends_with(['"', '\'']) || right.starts_with(['"', '\'']);
    let is_joined = before.ends_with('~') || after.starts_with('~');
    let is_key = before.ends_with('[') && after.starts_with(']');
    let last_word = before.rsplit(|letter: char| !is_word(letter)).next().unwrap_or_default();
    let next_word = first_word(after);
    let behind = after[next_word.len()..].trim_start();
    let is_member = last_word == "in"
        || next_word == "in"
        || (next_word == "not" && first_word(behind) == "in")
        || (next_word == "is" && first_word(behind).ends_with("with"));
    is_compared || is_joined || is_key || is_member || after.starts_with('[')
}

/// What follows the filters behind a word; `None` when one of them works on words.
fn behind_filters(mut after: &str) -> Option<&str> {
    loop {
        after = after.trim_start();
        let Some(rest) = after.strip_prefix('|') else { return Some(after) };
        let rest = rest.trim_start();
        let name = first_word(rest);
        if !OF_NUMBERS.contains(&name) {
            return None;
        }
        after = behind_brackets(rest[name.len()..].trim_start());
    }
}

/// What follows the brackets that a text begins with.
fn behind_brackets(text: &str) -> &str {
    if !text.starts_with('(') {
        return text;
    }
    let (mut depth, mut quote) = (0_usize, None);
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(letter),
            (None, '(') => depth += 1,
            (None, ')') if depth <= 1 => return &text[at + 1..],
            (None, ')') => depth -= 1,
            (None, _) => {}
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use segue_model::contact::ContactFields;

    use super::*;
    use crate::text::Body;

    fn filled(text: &str, attributes: &[(&str, AttributeKind, &str)]) -> String {
        let kinds: Kinds = attributes.iter().map(|(name, kind, _)| ((*name).to_owned(), *kind)).collect();
        let values = attributes.iter().map(|(name, _, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let contact = ContactFields { attributes: values, ..ContactFields::default() };
        Body::parse(text).unwrap().typed(&kinds).fill(&contact).unwrap()
    }

    #[test]
    fn conditions_see_numbers_and_yes_or_no() {
        let all = |points: &'static str, vip: &'static str| {
            [("points", AttributeKind::Number, points), ("vip", AttributeKind::Boolean, vip)]
        };
        let text = "{% if points > 100 %}A{% endif %}{% if vip %}B{% endif %}";
        for (points, vip, expected) in [
            ("5", "false", ""),
            ("101", "true", "AB"),
            ("100.50", "false", "A"),
            ("99.99", "true", "B"),
            ("007", "false", ""),
        ] {
            assert_eq!(filled(text, &all(points, vip)), expected, "{points} {vip}");
        }
        let text = "{{ 'A' if points | default(0) >= 10.5 else 'B' }}{{ 'C' if not vip and points == 10.5 }}";
        assert_eq!(filled(text, &all("10.50", "false")), "AC");
        assert_eq!(
            filled("{% if points > 100 %}A{% endif %}", &all("many", "true")),
            "A",
            "what is no number stays text"
        );
    }

    #[test]
    fn everything_is_printed_as_it_is_kept() {
        for value in ["5", "5.0", "007", "10.50", "-0", "+7", "1.5e3", "12345678901234567890.12", "many"] {
            let points = [("points", AttributeKind::Number, value)];
            assert_eq!(filled("{{ points }}", &points), value);
            assert_eq!(filled("{{ points | default('x') }}", &points), value);
            assert_eq!(filled("{% set p = points %}{% if p > 1 %}{% endif %}{{ p }}", &points), value);
        }
        for value in ["true", "false", "perhaps"] {
            assert_eq!(filled("{{ vip }}", &[("vip", AttributeKind::Boolean, value)]), value);
        }
    }

    #[test]
    fn one_number_in_two_writings_is_printed_in_both() {
        let (a, b) = (("a", AttributeKind::Number, "10.5"), ("b", AttributeKind::Number, "10.50"));
        assert_eq!(filled("{{ a }} {{ b }}{% if a > 10 and b < 11 %}!{% endif %}", &[a, b]), "10.5 10.50!");
    }

    #[test]
    fn what_a_text_treats_as_words_stays_words() {
        let (code, vip) = (("code", AttributeKind::Number, "10.50"), ("vip", AttributeKind::Boolean, "false"));
        for (text, expected) in [
            ("{% if vip == \"true\" %}A{% elif \"false\" == vip %}B{% endif %}", "B"),
            ("{% if vip != 'false' %}A{% else %}B{% endif %}", "B"),
            ("{{ code[:2] }}", "10"),
            ("{{ code | replace(\".\", \",\") }}", "10,50"),
            ("{{ code | default(\"a | b\") | length }}", "5"),
            ("{{ code ~ \"!\" }}{{ '!' ~ code }}", "10.50!!10.50"),
            ("{{ {\"10.50\": \"A\"}[code] }}", "A"),
            ("{% if code in [\"10.50\"] %}A{% endif %}{% if \"5\" in code %}B{% endif %}", "AB"),
            ("{% if code is startingwith(\"10\") %}A{% endif %}", "A"),
            ("{% if vip | default('x') == 'false' %}B{% endif %}", "B"),
            ("{% if (vip | default('x')) == 'false' %}B{% endif %}{% if (vip) == 'false' %}C{% endif %}", "BC"),
            ("{% set v = vip %}{% if v == 'false' %}B{% endif %}", "B"),
            ("{{ code | float | round(1) }}", "10.5"),
        ] {
            assert_eq!(filled(text, &[code, vip]), expected, "{text}");
        }
    }
}
