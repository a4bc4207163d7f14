//! Rows of tables in a form: which columns a row of a table must have how.

use serde::{Deserialize, Serialize};

use crate::{
    Case, Compare, Condition, FieldName, Operator, Order, ReadProblem, Side, Test,
    read::{day_of, days_back},
    rows::given,
};

/// What a column of a row has to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnTest {
    pub column: String,
    pub operator: Operator,
    #[serde(default)]
    pub values: Vec<String>,
    /// Upper and lower case are the same.
    #[serde(default)]
    pub ignore_case: bool,
    /// Days to look back or ahead.
    #[serde(default)]
    pub days: Option<i64>,
}

impl ColumnTest {
    fn one_value(&self) -> Result<&str, ReadProblem> {
        match self.values.as_slice() {
            [value] if !value.trim().is_empty() => Ok(value),
            _ => Err(ReadProblem::new(format!("Give {} a value.", self.column))),
        }
    }

    pub(crate) fn condition(&self) -> Result<Condition, ReadProblem> {
        let field = FieldName::new(self.column.clone())?;
        let case = if self.ignore_case { Case::Ignored } else { Case::Exact };
        let fold = |value: &str| if self.ignore_case { value.to_ascii_lowercase() } else { value.to_owned() };
        let text = |compare| Test::Text { field: field.clone(), case, compare };
        let one = || self.one_value().map(fold);
        let near = |side| {
            let days = days_back(self.days.unwrap_or_default())?;
            Ok::<_, ReadProblem>(Test::DayNear { field: field.clone(), side, days })
        };
        let day =
            |order| Ok::<_, ReadProblem>(Test::Day { field: field.clone(), order, day: day_of(self.one_value()?)? });
        let number = |order| {
            let value = self.one_value()?.trim().parse::<f64>().ok().filter(|value| value.is_finite());
            let value = value.ok_or_else(|| ReadProblem::new(format!("Compare {} with a number.", self.column)))?;
            Ok::<_, ReadProblem>(Test::Decimal { field: field.clone(), order, value })
        };
        let test = match self.operator {
            Operator::Is | Operator::IsNot => text(Compare::Equals(one()?)),
            Operator::IsAnyOf | Operator::IsNoneOf => {
                text(Compare::OneOf(given(&self.values, &self.column)?.into_iter().map(fold).collect()))
            }
            Operator::Contains | Operator::ContainsNot => text(Compare::Contains(one()?)),
            Operator::StartsWith => text(Compare::StartsWith(one()?)),
            Operator::EndsWith => text(Compare::EndsWith(one()?)),
            Operator::Filled | Operator::Empty => Test::Filled(field),
            Operator::Equal => number(Order::Equal)?,
            Operator::Less => number(Order::Less)?,
            Operator::AtMost => number(Order::LessOrEqual)?,
            Operator::More => number(Order::More)?,
            Operator::AtLeast => number(Order::MoreOrEqual)?,
            Operator::Before => day(Order::Less)?,
            Operator::Since => day(Order::MoreOrEqual)?,
            Operator::InLastDays => near(Side::Past)?,
            Operator::InNextDays => near(Side::Ahead)?,
            Operator::Matches | Operator::Happened | Operator::HappenedNot => {
                let message = format!("'{}' cannot be asked of a column.", self.operator);
                return Err(ReadProblem::new(message));
            }
        };
        let negative =
            matches!(self.operator, Operator::IsNot | Operator::IsNoneOf | Operator::ContainsNot | Operator::Empty);
        Ok(if negative { Condition::not(Condition::Test(test)) } else { Condition::Test(test) })
    }

    /// The form of one part of a condition over rows, when it has one.
    pub(crate) fn of(part: &Condition) -> Option<Self> {
        let (test, positive) = match part {
            Condition::Test(test) => (test, true),
            Condition::Not(part) => match &**part {
                Condition::Test(test) => (test, false),
                _ => return None,
            },
            Condition::All(_) | Condition::Any(_) => return None,
        };
        let row = |operator, values: Vec<String>| Self {
            column: test.column().map(|field| field.as_str().to_owned()).unwrap_or_default(),
            operator,
            values,
            ignore_case: false,
            days: None,
        };
        let pick = |is, not| if positive { is } else { not };
        let only = |operator| positive.then_some(operator);
        Some(match test {
            Test::Text { case, compare, .. } => {
                let (operator, values) = match compare {
                    Compare::Equals(value) => (pick(Operator::Is, Operator::IsNot), vec![value.clone()]),
                    // A form leaves blank values out.
                    Compare::OneOf(values) if values.iter().any(|value| value.trim().is_empty()) => return None,
                    Compare::OneOf(values) => (pick(Operator::IsAnyOf, Operator::IsNoneOf), values.clone()),
                    Compare::Contains(part) => (pick(Operator::Contains, Operator::ContainsNot), vec![part.clone()]),
                    Compare::StartsWith(part) => (only(Operator::StartsWith)?, vec![part.clone()]),
                    Compare::EndsWith(part) => (only(Operator::EndsWith)?, vec![part.clone()]),
                };
                Self { ignore_case: *case == Case::Ignored, ..row(operator, values) }
            }
            Test::Filled(_) => row(pick(Operator::Filled, Operator::Empty), Vec::new()),
            Test::Decimal { order, value, .. } => {
                let operator = match order {
                    Order::Equal => Operator::Equal,
                    Order::Less => Operator::Less,
                    Order::LessOrEqual => Operator::AtMost,
                    Order::More => Operator::More,
                    Order::MoreOrEqual => Operator::AtLeast,
                };
                row(only(operator)?, vec![value.to_string()])
            }
            Test::Day { order: Order::Less, day, .. } => row(only(Operator::Before)?, vec![day.clone()]),
            Test::Day { order: Order::MoreOrEqual, day, .. } => row(only(Operator::Since)?, vec![day.clone()]),
            Test::DayNear { side, days, .. } => {
                let operator = if *side == Side::Past { Operator::InLastDays } else { Operator::InNextDays };
                Self { days: Some(i64::from(*days)), ..row(only(operator)?, Vec::new()) }
            }
            _ => return None,
        })
    }
}
