//! The tree that a condition is, and what it means for one contact.

use std::borrow::Cow;

use regex::{Regex, RegexBuilder};
use segue_model::{
    CampaignId, ListId,
    consent::{ConsentState, Medium},
    contact::ContactFields,
};

use crate::ReadProblem;

/// Name of a contact's field: one of the standard ones, else an attribute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldName(String);

/// Most characters of a field's name.
const LONGEST_NAME: usize = 100;

impl FieldName {
    /// Checks a name.
    ///
    /// # Errors
    /// When it is empty, too long, or has characters that no condition can name.
    pub fn new(name: impl Into<String>) -> Result<Self, ReadProblem> {
        let name = name.into();
        if name.trim().is_empty() || name.chars().count() > LONGEST_NAME {
            return Err(ReadProblem::new("Choose the field that the condition is about."));
        }
        if name.chars().any(|letter| matches!(letter, '"' | '\\') || letter.is_control()) {
            let message = "A field whose name has quotes or backslashes cannot be used in a condition. Rename it.";
            return Err(ReadProblem::new(message));
        }
        Ok(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Name of a table beside the contacts, as texts and conditions use it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName(String);

impl TableName {
    /// Checks a name.
    ///
    /// # Errors
    /// When it is not one that a table can have.
    pub fn new(name: impl Into<String>) -> Result<Self, ReadProblem> {
        let name = name.into();
        let is_allowed = |letter: char| letter.is_alphanumeric() || letter == '_';
        if name.is_empty() || name.chars().count() > LONGEST_NAME || !name.chars().all(is_allowed) {
            return Err(ReadProblem::new("Choose the table that the condition is about."));
        }
        Ok(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whose fields a condition is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Contact,
    /// A row of a table.
    Row,
}

/// On which side of today a day is; today is on both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    Past,
    Ahead,
}

/// Whether upper and lower case of the letters A to Z differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Case {
    /// They do.
    Exact,
    /// They are the same.
    Ignored,
}

/// How a field is compared with texts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Compare {
    Equals(String),
    OneOf(Vec<String>),
    Contains(String),
    StartsWith(String),
    EndsWith(String),
}

/// How two numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Order {
    Equal,
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
}

impl Order {
    /// The sign, the same in CEL and SQL but for equality.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::More => ">",
            Self::MoreOrEqual => ">=",
        }
    }

    fn holds<T: PartialOrd>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::More => left > right,
            Self::MoreOrEqual => left >= right,
        }
    }
}

segue_model::text_enum! {
    /// Something that happened between us and a contact.
    pub enum Event {
        /// A message of a campaign was sent to the contact, or is on its way.
        Received = "received",
        /// A message of a campaign was delivered.
        Delivered = "delivered",
        /// The contact tapped the link of a campaign.
        Clicked = "clicked",
        /// A chat was opened.
        Chatted = "chatted",
        /// The contact wrote in a chat.
        Replied = "replied",
    }
}

/// A regular expression and its text.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Pattern {
    /// Reads a pattern; matching takes linear time whatever it is.
    ///
    /// # Errors
    /// When it is not one, or too large.
    pub fn new(text: &str) -> Result<Self, ReadProblem> {
        let built = RegexBuilder::new(text).size_limit(100_000).build();
        built.map(Self).map_err(|_| ReadProblem::new("The pattern is not a regular expression, or it is too large."))
    }

    /// The pattern's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// One question about a contact.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    Text {
        field: FieldName,
        case: Case,
        compare: Compare,
    },
    /// The field has a value.
    Filled(FieldName),
    /// The field is a whole number of at most 15 characters, and it compares so.
    Number {
        field: FieldName,
        order: Order,
        value: i64,
    },
    /// The field is a number, and it compares so.
    Decimal {
        field: FieldName,
        order: Order,
        value: f64,
    },
    Matches {
        field: FieldName,
        pattern: Pattern,
    },
    /// Consent to promotional messages on a medium.
    Consent {
        medium: Medium,
        state: ConsentState,
    },
    OnList(ListId),
    /// In any or in this campaign, ever or in the last days.
    Happened {
        event: Event,
        campaign: Option<CampaignId>,
        days: Option<u32>,
    },
    /// The contact was added in the last days.
    CreatedWithin(u32),
    /// The contact's number is on the suppression list.
    Suppressed,
    /// So many rows of a table are linked to the contact and meet a condition over their columns.
    Rows {
        table: TableName,
        having: Box<Condition>,
        order: Order,
        count: i64,
    },
    /// Of rows alone: the column is a day before, at or after another one.
    Day {
        field: FieldName,
        order: Order,
        /// As `2026-03-31`.
        day: String,
    },
    /// Of rows alone: the column is a day at most so many days from today (UTC), today among them.
    DayNear {
        field: FieldName,
        side: Side,
        days: u32,
    },
}

/// Longest text that counts as a whole number.
const LONGEST_NUMBER: usize = 15;

/// The whole number a text is, by the rule that both database engines follow.
fn whole_number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && text.len() <= LONGEST_NUMBER).then(|| text.parse().ok()).flatten()
}

/// A field's text: empty when there is none; the character U+0000 reads as its replacement, as in the database.
fn text<'a>(contact: &'a ContactFields, field: &FieldName) -> Cow<'a, str> {
    let found = contact.field(field.as_str()).unwrap_or_default();
    if found.contains('\0') { Cow::Owned(found.replace('\0', "\u{FFFD}")) } else { Cow::Borrowed(found) }
}

impl Test {
    /// That a row of a table is linked to the contact.
    #[must_use]
    pub fn has_row(table: TableName, having: Condition) -> Self {
        Self::Rows { table, having: Box::new(having), order: Order::MoreOrEqual, count: 1 }
    }

    /// Whether it asks no more than whether there is a row.
    #[must_use]
    pub const fn is_has_row(&self) -> bool {
        matches!(self, Self::Rows { order: Order::MoreOrEqual, count: 1, .. })
    }

    /// The column that a test of a row is about, and what it takes it for.
    #[must_use]
    pub const fn column(&self) -> Option<&FieldName> {
        match self {
            Self::Text { field, .. }
            | Self::Filled(field)
            | Self::Number { field, .. }
            | Self::Decimal { field, .. }
            | Self::Matches { field, .. }
            | Self::Day { field, .. }
            | Self::DayNear { field, .. } => Some(field),
            _ => None,
        }
    }

    /// Whether SQL has no portable word for it, so that it is asked row by row.
    #[must_use]
    pub const fn is_of_rows(&self) -> bool {
        matches!(self, Self::Decimal { .. } | Self::Matches { .. })
    }

    /// The answer from the contact's own fields; nothing when it takes more than these.
    #[must_use]
    pub fn of_fields(&self, contact: &ContactFields) -> Option<bool> {
        Some(match self {
            Self::Text { field, case, compare } => {
                let found = text(contact, field);
                let found = if *case == Case::Ignored { Cow::Owned(found.to_ascii_lowercase()) } else { found };
                match compare {
                    Compare::Equals(value) => found == value.as_str(),
                    Compare::OneOf(values) => values.iter().any(|value| found == value.as_str()),
                    Compare::Contains(part) => found.contains(part.as_str()),
                    Compare::StartsWith(part) => found.starts_with(part.as_str()),
                    Compare::EndsWith(part) => found.ends_with(part.as_str()),
                }
            }
            Self::Filled(field) => !text(contact, field).is_empty(),
            Self::Number { field, order, value } => {
                whole_number(&text(contact, field)).is_some_and(|number| order.holds(&number, value))
            }
            Self::Decimal { field, order, value } => {
                let number = text(contact, field).parse::<f64>().ok().filter(|number| number.is_finite());
                number.is_some_and(|number| order.holds(&number, value))
            }
            Self::Matches { field, pattern } => pattern.0.is_match(&text(contact, field)),
            Self::Consent { .. }
            | Self::OnList(_)
            | Self::Happened { .. }
            | Self::CreatedWithin(_)
            | Self::Suppressed
            | Self::Rows { .. }
            | Self::Day { .. }
            | Self::DayNear { .. } => return None,
        })
    }
}

/// A condition over contacts. Build it with [`Condition::all`], [`Condition::any`] and [`Condition::not`], which keep
/// one shape for one meaning.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Every part holds; without parts it always does.
    All(Vec<Self>),
    /// At least one part holds; without parts none does.
    Any(Vec<Self>),
    Not(Box<Self>),
    Test(Test),
}

impl Condition {
    /// What everybody meets.
    #[must_use]
    pub const fn everybody() -> Self {
        Self::All(Vec::new())
    }

    /// Every part holds.
    #[must_use]
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            if let Self::All(inner) = part { flat.extend(inner) } else { flat.push(part) }
        }
        if flat.len() == 1 { flat.remove(0) } else { Self::All(flat) }
    }

    /// At least one part holds.
    #[must_use]
    pub fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            if let Self::Any(inner) = part { flat.extend(inner) } else { flat.push(part) }
        }
        if flat.len() == 1 { flat.remove(0) } else { Self::Any(flat) }
    }

    /// The opposite.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "it reads beside `all` and `any`")]
    pub fn not(part: Self) -> Self {
        if let Self::Not(inner) = part { *inner } else { Self::Not(Box::new(part)) }
    }

    /// Every single test, in the order of the text.
    #[must_use]
    pub fn tests(&self) -> Vec<&Test> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::tests).collect(),
            Self::Not(part) => part.tests(),
            Self::Test(test) => vec![test],
        }
    }

    /// How many single tests it has, those over rows of tables among them.
    #[must_use]
    pub fn size(&self) -> usize {
        let of = |test: &Test| match test {
            Test::Rows { having, .. } => 1 + having.size(),
            _ => 1,
        };
        self.tests().into_iter().map(of).sum()
    }

    /// Whether any part has to be asked row by row.
    #[must_use]
    pub fn is_of_rows(&self) -> bool {
        self.tests().into_iter().any(Test::is_of_rows)
    }

    /// Whether a contact meets the condition. `known` answers what the contact's fields do not tell.
    pub fn holds(&self, contact: &ContactFields, known: &mut impl FnMut(&Test) -> bool) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(contact, known)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(contact, known)),
            Self::Not(part) => !part.holds(contact, known),
            Self::Test(test) => test.of_fields(contact).unwrap_or_else(|| known(test)),
        }
    }
}
