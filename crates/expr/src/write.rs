//! A condition as CEL text: the inverse of reading it.

use std::fmt;

use crate::{Case, Compare, Condition, FieldName, Test};

/// Words that cannot stand after a dot.
const RESERVED: &[&str] = &[
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// A text as CEL writes it.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for letter in self.0.chars() {
            match letter {
                '"' | '\\' => write!(f, "\\{letter}")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                other if other.is_control() => write!(f, "\\u{:04x}", u32::from(other))?,
                other => write!(f, "{other}")?,
            }
        }
        f.write_str("\"")
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.as_str();
        let plain = name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
            && !RESERVED.contains(&name);
        if plain { write!(f, "contact.{name}") } else { write!(f, "contact[{}]", Quoted(name)) }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { field, case, compare } => {
                let lower = if *case == Case::Ignored { ".lowerAscii()" } else { "" };
                match compare {
                    Compare::Equals(value) => write!(f, "{field}{lower} == {}", Quoted(value)),
                    Compare::OneOf(values) => {
                        let values: Vec<String> = values.iter().map(|value| Quoted(value).to_string()).collect();
                        write!(f, "{field}{lower} in [{}]", values.join(", "))
                    }
                    Compare::Contains(part) => write!(f, "{field}{lower}.contains({})", Quoted(part)),
                    Compare::StartsWith(part) => write!(f, "{field}{lower}.startsWith({})", Quoted(part)),
                    Compare::EndsWith(part) => write!(f, "{field}{lower}.endsWith({})", Quoted(part)),
                }
            }
            Self::Filled(field) => match field.to_string() {
                dotted if dotted.starts_with("contact.") => write!(f, "has({dotted})"),
                indexed => write!(f, "{indexed} != \"\""),
            },
            Self::Number { field, order, value } => write!(f, "int({field}) {} {value}", order.sign()),
            Self::Decimal { field, order, value } => write!(f, "double({field}) {} {value:?}", order.sign()),
            Self::Matches { field, pattern } => write!(f, "{field}.matches({})", Quoted(pattern.as_str())),
            Self::Consent { medium, state } => write!(f, "consent(\"{medium}\") == \"{state}\""),
            Self::OnList(id) => write!(f, "on_list(\"{id}\")"),
            Self::Happened { event, campaign, days } => match (campaign, days) {
                (None, None) => write!(f, "{event}()"),
                (None, Some(days)) => write!(f, "{event}({days})"),
                (Some(campaign), None) => write!(f, "{event}(\"{campaign}\")"),
                (Some(campaign), Some(days)) => write!(f, "{event}(\"{campaign}\", {days})"),
            },
            Self::CreatedWithin(days) => write!(f, "created_within({days})"),
            Self::Suppressed => f.write_str("suppressed()"),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, parts: &[Condition], sign: &str, empty: &str) -> fmt::Result {
    if parts.is_empty() {
        return f.write_str(empty);
    }
    for (position, part) in parts.iter().enumerate() {
        if position > 0 {
            write!(f, " {sign} ")?;
        }
        // One part alone needs no brackets for its own sake, but reads back as itself only with them.
        let nested = matches!(part, Condition::All(inner) | Condition::Any(inner) if !inner.is_empty());
        if nested { write!(f, "({part})")? } else { write!(f, "{part}")? }
    }
    Ok(())
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(parts) => joined(f, parts, "&&", "true"),
            Self::Any(parts) => joined(f, parts, "||", "false"),
            Self::Test(test) => write!(f, "{test}"),
            Self::Not(part) => match &**part {
                Self::Test(Test::Text { field, case, compare: Compare::Equals(value) }) => {
                    let lower = if *case == Case::Ignored { ".lowerAscii()" } else { "" };
                    write!(f, "{field}{lower} != {}", Quoted(value))
                }
                Self::Test(Test::Consent { medium, state }) => write!(f, "consent(\"{medium}\") != \"{state}\""),
                Self::Test(
                    test @ (Test::OnList(_) | Test::Happened { .. } | Test::CreatedWithin(_) | Test::Suppressed),
                ) => write!(f, "!{test}"),
                other => write!(f, "!({other})"),
            },
        }
    }
}
