//! A condition as rows of a form: a group of rows and groups, joined by *and* or *or*. Every form has a condition; a
//! condition has a form unless it turns a whole group around.

use segue_model::{
    CampaignId,
    consent::{ConsentState, Medium},
};
use serde::{Deserialize, Serialize};

use crate::{
    Case, ColumnTest, Compare, Condition, Event, FieldName, MOST_TESTS, MOST_VALUES, Order, Pattern, ReadProblem,
    TableName, Test,
    read::{days_back, row_count},
};

/// Groups within groups.
const DEEPEST: usize = 4;

segue_model::text_enum! {
    /// How the items of a group are joined.
    pub enum Join {
        All = "all",
        Any = "any",
    }
}

segue_model::text_enum! {
    /// What a row asks about.
    pub enum Topic {
        /// A standard field or attribute; `name` is its name.
        Field = "field",
        /// Something that happened; `name` is the event.
        Event = "event",
        /// Consent to promotional messages; `name` is the medium.
        Consent = "consent",
        /// A list; the value is its id.
        List = "list",
        /// The day the contact was added.
        Created = "created",
        /// The suppression list.
        Suppressed = "suppressed",
        /// Rows of a table that are linked to the contact; `name` is the table's.
        Table = "table",
    }
}

segue_model::text_enum! {
    /// What a row asks.
    pub enum Operator {
        Is = "is",
        IsNot = "is_not",
        IsAnyOf = "is_any_of",
        IsNoneOf = "is_none_of",
        Contains = "contains",
        ContainsNot = "contains_not",
        StartsWith = "starts_with",
        EndsWith = "ends_with",
        Filled = "filled",
        Empty = "empty",
        Equal = "equal",
        Less = "less",
        AtMost = "at_most",
        More = "more",
        AtLeast = "at_least",
        Matches = "matches",
        /// An event has happened, the contact was added within the days, or there is a row.
        Happened = "happened",
        HappenedNot = "happened_not",
        /// Of columns of tables: a day before another one.
        Before = "before",
        /// Of columns of tables: a day from another one on.
        Since = "since",
        /// Of columns of tables: one of the last days.
        InLastDays = "in_last_days",
        /// Of columns of tables: one of the next days.
        InNextDays = "in_next_days",
    }
}

/// One row of the form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SegmentRow)]
pub struct Row {
    pub topic: Topic,
    #[serde(default)]
    pub name: String,
    pub operator: Operator,
    #[serde(default)]
    pub values: Vec<String>,
    /// Upper and lower case are the same.
    #[serde(default)]
    pub ignore_case: bool,
    /// The campaign of an event; any when it is not given.
    #[serde(default)]
    pub campaign_id: Option<CampaignId>,
    /// Days to look back; ever when it is not given.
    #[serde(default)]
    pub days: Option<i64>,
    /// What the rows of a table have to be; each of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub having: Vec<ColumnTest>,
}

/// Rows and groups that are joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SegmentGroup)]
pub struct Group {
    pub join: Join,
    pub items: Vec<Item>,
}

/// A row or a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SegmentItem)]
pub enum Item {
    Row(Row),
    #[schema(no_recursion)]
    Group(Group),
}

impl Group {
    /// The condition that the form stands for.
    ///
    /// # Errors
    /// The first row that says nothing, and what it lacks.
    pub fn condition(&self) -> Result<Condition, ReadProblem> {
        let condition = self.at_depth(0)?;
        if condition.size() > MOST_TESTS {
            return Err(ReadProblem::new(format!("A condition has at most {MOST_TESTS} rows.")));
        }
        Ok(condition)
    }

    fn at_depth(&self, depth: usize) -> Result<Condition, ReadProblem> {
        if depth > DEEPEST {
            return Err(ReadProblem::new(format!("Groups are nested at most {DEEPEST} deep.")));
        }
        let parts = self.items.iter().map(|item| match item {
            Item::Row(row) => row.condition(),
            Item::Group(group) => group.at_depth(depth + 1),
        });
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        Ok(match self.join {
            Join::All => Condition::all(parts),
            Join::Any => Condition::any(parts),
        })
    }

    /// The form of a condition, when it has one.
    #[must_use]
    pub fn of(condition: &Condition) -> Option<Self> {
        Self::of_at(condition, 0)
    }

    fn of_at(condition: &Condition, depth: usize) -> Option<Self> {
        if depth > DEEPEST {
            return None;
        }
        let (join, parts) = match condition {
            Condition::All(parts) => (Join::All, parts.as_slice()),
            Condition::Any(parts) if !parts.is_empty() => (Join::Any, parts.as_slice()),
            single => (Join::All, std::slice::from_ref(single)),
        };
        let items = parts.iter().map(|part| match part {
            Condition::All(_) | Condition::Any(_) => Self::of_at(part, depth + 1).map(Item::Group),
            Condition::Not(part) => match &**part {
                Condition::Test(test) => Row::of(test, Truth::Not).map(Item::Row),
                _ => None,
            },
            Condition::Test(test) => Row::of(test, Truth::Is).map(Item::Row),
        });
        Some(Self { join, items: items.collect::<Option<_>>()? })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Truth {
    Is,
    Not,
}

impl Row {
    fn one_value(&self) -> Result<&str, ReadProblem> {
        match self.values.as_slice() {
            [value] if !value.trim().is_empty() => Ok(value),
            _ => Err(ReadProblem::new(format!("Give {} a value.", self.about()))),
        }
    }

    /// The row's name in messages.
    fn about(&self) -> String {
        if self.name.trim().is_empty() { format!("the {} row", self.topic) } else { self.name.clone() }
    }

    fn condition(&self) -> Result<Condition, ReadProblem> {
        let unfit = || Err(ReadProblem::new(format!("'{}' cannot be asked of {}.", self.operator, self.about())));
        let negative = matches!(
            self.operator,
            Operator::IsNot | Operator::IsNoneOf | Operator::ContainsNot | Operator::Empty | Operator::HappenedNot
        );
        let test = match (self.topic, self.operator) {
            (Topic::Field, _) => self.field()?,
            (Topic::Event, Operator::Happened | Operator::HappenedNot) => Test::Happened {
                event: Event::parse(&self.name).map_err(|_| ReadProblem::new("Choose what happened."))?,
                campaign: self.campaign_id,
                days: self.days.map(days_back).transpose()?,
            },
            (Topic::Consent, Operator::Is | Operator::IsNot) => Test::Consent {
                medium: Medium::parse(&self.name).map_err(|_| ReadProblem::new("Choose SMS or WhatsApp."))?,
                state: ConsentState::parse(self.one_value()?)
                    .map_err(|_| ReadProblem::new("Choose the state of consent."))?,
            },
            (Topic::List, Operator::Is | Operator::IsNot) => {
                Test::OnList(self.one_value()?.parse().map_err(|_| ReadProblem::new("Choose a list."))?)
            }
            (Topic::Created, Operator::Happened | Operator::HappenedNot) => {
                Test::CreatedWithin(days_back(self.days.unwrap_or_default())?)
            }
            (Topic::Suppressed, Operator::Is | Operator::IsNot) => Test::Suppressed,
            (Topic::Table, _) => self.table()?,
            _ => return unfit(),
        };
        Ok(if negative { Condition::not(Condition::Test(test)) } else { Condition::Test(test) })
    }

    fn table(&self) -> Result<Test, ReadProblem> {
        let table = TableName::new(self.name.clone())?;
        let having = self.having.iter().map(ColumnTest::condition).collect::<Result<Vec<_>, _>>()?;
        let having = Condition::all(having);
        let order = match self.operator {
            Operator::Happened | Operator::HappenedNot => return Ok(Test::has_row(table, having)),
            Operator::Equal => Order::Equal,
            Operator::Less => Order::Less,
            Operator::AtMost => Order::LessOrEqual,
            Operator::More => Order::More,
            Operator::AtLeast => Order::MoreOrEqual,
            other => return Err(ReadProblem::new(format!("'{other}' cannot be asked of the rows of {}.", self.name))),
        };
        let count = self.one_value()?.trim().parse::<i64>();
        let count = count.map_err(|_| ReadProblem::new("Compare the number of rows with a whole number."))?;
        Ok(Test::Rows { table, having: Box::new(having), order, count: row_count(count)? })
    }

    fn field(&self) -> Result<Test, ReadProblem> {
        let field = FieldName::new(self.name.clone())?;
        let case = if self.ignore_case { Case::Ignored } else { Case::Exact };
        let fold = |value: &str| if self.ignore_case { value.to_ascii_lowercase() } else { value.to_owned() };
        let text = |compare| Test::Text { field: field.clone(), case, compare };
        let one = || self.one_value().map(fold);
        Ok(match self.operator {
            Operator::Is | Operator::IsNot => text(Compare::Equals(one()?)),
            Operator::IsAnyOf | Operator::IsNoneOf => {
                text(Compare::OneOf(given(&self.values, &self.about())?.into_iter().map(fold).collect()))
            }
            Operator::Contains | Operator::ContainsNot => text(Compare::Contains(one()?)),
            Operator::StartsWith => text(Compare::StartsWith(one()?)),
            Operator::EndsWith => text(Compare::EndsWith(one()?)),
            Operator::Filled | Operator::Empty => Test::Filled(field),
            Operator::Matches => Test::Matches { field, pattern: Pattern::new(self.one_value()?)? },
            Operator::Equal => self.number(field, Order::Equal)?,
            Operator::Less => self.number(field, Order::Less)?,
            Operator::AtMost => self.number(field, Order::LessOrEqual)?,
            Operator::More => self.number(field, Order::More)?,
            Operator::AtLeast => self.number(field, Order::MoreOrEqual)?,
            Operator::Happened
            | Operator::HappenedNot
            | Operator::Before
            | Operator::Since
            | Operator::InLastDays
            | Operator::InNextDays => {
                return Err(ReadProblem::new(format!("'{}' cannot be asked of a field.", self.operator)));
            }
        })
    }

    fn number(&self, field: FieldName, order: Order) -> Result<Test, ReadProblem> {
        let value = self.one_value()?.trim();
        if let Ok(value) = value.parse::<i64>() {
            return Ok(Test::Number { field, order, value });
        }
        match value.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Test::Decimal { field, order, value }),
            _ => Err(ReadProblem::new(format!("Compare {} with a number.", self.about()))),
        }
    }

    fn of(test: &Test, truth: Truth) -> Option<Self> {
        let row = |topic, name: &str, operator: Operator, values: Vec<String>| Self {
            topic,
            name: name.to_owned(),
            operator,
            values,
            ignore_case: false,
            campaign_id: None,
            days: None,
            having: Vec::new(),
        };
        let pick = |is, not| if truth == Truth::Is { is } else { not };
        let positive = |operator| (truth == Truth::Is).then_some(operator);
        let (is, happened) = (pick(Operator::Is, Operator::IsNot), pick(Operator::Happened, Operator::HappenedNot));
        Some(match test {
            Test::Text { field, case, compare } => {
                let (operator, values) = match compare {
                    Compare::Equals(value) => (is, vec![value.clone()]),
                    // A form leaves blank values out.
                    Compare::OneOf(values) if values.iter().any(|value| value.trim().is_empty()) => return None,
                    Compare::OneOf(values) => (pick(Operator::IsAnyOf, Operator::IsNoneOf), values.clone()),
                    Compare::Contains(part) => (pick(Operator::Contains, Operator::ContainsNot), vec![part.clone()]),
                    Compare::StartsWith(part) => (positive(Operator::StartsWith)?, vec![part.clone()]),
                    Compare::EndsWith(part) => (positive(Operator::EndsWith)?, vec![part.clone()]),
                };
                Self { ignore_case: *case == Case::Ignored, ..row(Topic::Field, field.as_str(), operator, values) }
            }
            Test::Filled(field) => {
                row(Topic::Field, field.as_str(), pick(Operator::Filled, Operator::Empty), Vec::new())
            }
            Test::Number { field, order, value } => {
                row(Topic::Field, field.as_str(), positive(order_operator(*order))?, vec![value.to_string()])
            }
            Test::Decimal { field, order, value } => {
                row(Topic::Field, field.as_str(), positive(order_operator(*order))?, vec![format!("{value:?}")])
            }
            Test::Matches { field, pattern } => {
                let values = vec![pattern.as_str().to_owned()];
                row(Topic::Field, field.as_str(), positive(Operator::Matches)?, values)
            }
            Test::Consent { medium, state } => {
                row(Topic::Consent, medium.as_str(), is, vec![state.as_str().to_owned()])
            }
            Test::OnList(id) => row(Topic::List, "", is, vec![id.to_string()]),
            Test::Happened { event, campaign, days } => Self {
                campaign_id: *campaign,
                days: days.map(i64::from),
                ..row(Topic::Event, event.as_str(), happened, Vec::new())
            },
            Test::CreatedWithin(days) => {
                Self { days: Some(i64::from(*days)), ..row(Topic::Created, "", happened, Vec::new()) }
            }
            Test::Suppressed => row(Topic::Suppressed, "", is, Vec::new()),
            Test::Rows { table, having, order, count } => {
                let parts = match &**having {
                    Condition::All(parts) => parts.as_slice(),
                    single => std::slice::from_ref(single),
                };
                let having = parts.iter().map(ColumnTest::of).collect::<Option<Vec<_>>>()?;
                let (operator, values) = if test.is_has_row() {
                    (happened, Vec::new())
                } else {
                    (positive(order_operator(*order))?, vec![count.to_string()])
                };
                Self { having, ..row(Topic::Table, table.as_str(), operator, values) }
            }
            // They are of rows of tables alone.
            Test::Day { .. } | Test::DayNear { .. } => return None,
        })
    }
}

/// The values of a list, without blank ones: a field that a contact does not have reads as the empty text, so one of those
/// would mean everybody who does not have it.
pub(crate) fn given<'a>(values: &'a [String], about: &str) -> Result<Vec<&'a str>, ReadProblem> {
    let values: Vec<&str> = values.iter().map(String::as_str).filter(|value| !value.trim().is_empty()).collect();
    if values.is_empty() || values.len() > MOST_VALUES {
        return Err(ReadProblem::new(format!("Give {about} between 1 and {MOST_VALUES} values.")));
    }
    Ok(values)
}

const fn order_operator(order: Order) -> Operator {
    match order {
        Order::Equal => Operator::Equal,
        Order::Less => Operator::Less,
        Order::LessOrEqual => Operator::AtMost,
        Order::More => Operator::More,
        Order::MoreOrEqual => Operator::AtLeast,
    }
}
