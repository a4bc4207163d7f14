//! A condition as CEL text: the inverse of reading it.

use std::fmt;

use crate::{Case, Compare, Condition, FieldName, Side, Subject, Test};

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

/// A field as it is written where a condition is about this subject.
pub(crate) struct Named<'a>(Subject, &'a FieldName);

impl Subject {
    /// What its fields stand after.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Row => "row",
        }
    }

    /// A field of it.
    pub(crate) const fn name(self, field: &FieldName) -> Named<'_> {
        Named(self, field)
    }
}

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (of, name) = (self.0.word(), self.1.as_str());
        let plain = name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
            && !RESERVED.contains(&name);
        if plain { write!(f, "{of}.{name}") } else { write!(f, "{of}[{}]", Quoted(name)) }
    }
}

/// A part of a condition as it is written where it is about this subject.
struct Written<'a, T>(Subject, &'a T);

impl fmt::Display for Written<'_, Test> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |field| self.0.name(field);
        match self.1 {
            Test::Text { field, case, compare } => {
                let lower = if *case == Case::Ignored { ".lowerAscii()" } else { "" };
                let field = named(field);
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
            Test::Filled(field) => match named(field).to_string() {
                indexed if indexed.contains('[') => write!(f, "{indexed} != \"\""),
                dotted => write!(f, "has({dotted})"),
            },
            Test::Number { field, order, value } => write!(f, "int({}) {} {value}", named(field), order.sign()),
            Test::Decimal { field, order, value } => write!(f, "double({}) {} {value:?}", named(field), order.sign()),
            Test::Matches { field, pattern } => write!(f, "{}.matches({})", named(field), Quoted(pattern.as_str())),
            Test::Consent { medium, state } => write!(f, "consent(\"{medium}\") == \"{state}\""),
            Test::OnList(id) => write!(f, "on_list(\"{id}\")"),
            Test::Happened { event, campaign, days } => match (campaign, days) {
                (None, None) => write!(f, "{event}()"),
                (None, Some(days)) => write!(f, "{event}({days})"),
                (Some(campaign), None) => write!(f, "{event}(\"{campaign}\")"),
                (Some(campaign), Some(days)) => write!(f, "{event}(\"{campaign}\", {days})"),
            },
            Test::CreatedWithin(days) => write!(f, "created_within({days})"),
            Test::Suppressed => f.write_str("suppressed()"),
            Test::Rows { table, having, order, count } => {
                let is_has_row = self.1.is_has_row();
                write!(f, "{}(\"{}\"", if is_has_row { "has_row" } else { "count_rows" }, table.as_str())?;
                if **having != Condition::everybody() {
                    write!(f, ", {}", Written(Subject::Row, having.as_ref()))?;
                }
                f.write_str(")")?;
                if is_has_row { Ok(()) } else { write!(f, " {} {count}", order.sign()) }
            }
            Test::Day { field, order, day } => write!(f, "day({}) {} \"{day}\"", named(field), order.sign()),
            Test::DayNear { field, side, days } => {
                let word = if *side == Side::Past { "within" } else { "ahead" };
                write!(f, "{word}({}, {days})", named(field))
            }
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Written(Subject::Contact, self).fmt(f)
    }
}

fn joined(f: &mut fmt::Formatter<'_>, subject: Subject, parts: &[Condition], sign: &str, empty: &str) -> fmt::Result {
    if parts.is_empty() {
        return f.write_str(empty);
    }
    for (position, part) in parts.iter().enumerate() {
        if position > 0 {
            write!(f, " {sign} ")?;
        }
        // One part alone needs no brackets for its own sake, but reads back as itself only with them.
        let nested = matches!(part, Condition::All(inner) | Condition::Any(inner) if !inner.is_empty());
        let part = Written(subject, part);
        if nested { write!(f, "({part})")? } else { write!(f, "{part}")? }
    }
    Ok(())
}

impl fmt::Display for Written<'_, Condition> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = self.0;
        match self.1 {
            Condition::All(parts) => joined(f, subject, parts, "&&", "true"),
            Condition::Any(parts) => joined(f, subject, parts, "||", "false"),
            Condition::Test(test) => write!(f, "{}", Written(subject, test)),
            Condition::Not(part) => match &**part {
                Condition::Test(Test::Text { field, case, compare: Compare::Equals(value) }) => {
                    let lower = if *case == Case::Ignored { ".lowerAscii()" } else { "" };
                    write!(f, "{}{lower} != {}", subject.name(field), Quoted(value))
                }
                Condition::Test(Test::Consent { medium, state }) => {
                    write!(f, "consent(\"{medium}\") != \"{state}\"")
                }
                Condition::Test(
                    test @ (Test::OnList(_) | Test::Happened { .. } | Test::CreatedWithin(_) | Test::Suppressed),
                ) => write!(f, "!{test}"),
                Condition::Test(test @ Test::Rows { .. }) if test.is_has_row() => write!(f, "!{test}"),
                other => write!(f, "!({})", Written(subject, other)),
            },
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Written(Subject::Contact, self).fmt(f)
    }
}

impl Condition {
    /// A condition over rows as text: the inverse of [`Condition::read_row`].
    #[must_use]
    pub fn row_text(&self) -> String {
        Written(Subject::Row, self).to_string()
    }
}
