//! Queries that are put together at run time, for conditions that people write.
//!
//! Everything that gets into the text of such a query is a `&'static str` of this crate; what people wrote (values, names
//! of attributes, ids) can only be bound. There is no method that takes any other text, so no value can become SQL:
//! the type system keeps it, and the tests try.

use segue_model::Timestamp;
use uuid::Uuid;

use crate::value::Param;

/// The engine a query is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// A bound value.
#[derive(Debug, Clone)]
enum Value {
    Text(String),
    Int(i64),
    Id(Uuid),
}

/// A query of fixed pieces and bound values.
#[derive(Debug)]
pub(crate) struct Built {
    dialect: Dialect,
    text: String,
    values: Vec<Value>,
}

impl Built {
    pub const fn new(dialect: Dialect) -> Self {
        Self { dialect, text: String::new(), values: Vec::new() }
    }

    /// Appends a piece that is the same on both engines.
    pub fn push(&mut self, piece: &'static str) -> &mut Self {
        self.text.push_str(piece);
        self
    }

    /// Appends the piece for this query's engine.
    pub fn push_for(&mut self, sqlite: &'static str, postgres: &'static str) -> &mut Self {
        self.push(match self.dialect {
            Dialect::Sqlite => sqlite,
            Dialect::Postgres => postgres,
        })
    }

    /// Appends a place for a text. PostgreSQL is told the type, for it cannot always tell from where the value stands.
    pub fn text_value(&mut self, value: impl Into<String>) -> &mut Self {
        self.place(Value::Text(value.into()), "AS TEXT)")
    }

    /// Appends a place for a whole number.
    pub fn int_value(&mut self, value: i64) -> &mut Self {
        self.place(Value::Int(value), "AS BIGINT)")
    }

    /// Appends a place for a time.
    pub fn time_value(&mut self, value: Timestamp) -> &mut Self {
        self.int_value(value.0)
    }

    /// Appends a place for an id.
    pub fn id_value(&mut self, value: Uuid) -> &mut Self {
        self.place(Value::Id(value), "AS UUID)")
    }

    /// Appends a place for a count of characters, which PostgreSQL takes as a small integer.
    pub fn length_value(&mut self, value: usize) -> &mut Self {
        self.place(Value::Int(i64::try_from(value).unwrap_or(i64::MAX)), "AS INT)")
    }

    /// The engine this query is for.
    pub const fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn place(&mut self, value: Value, kind: &'static str) -> &mut Self {
        self.values.push(value);
        let number = self.values.len().to_string();
        match self.dialect {
            Dialect::Sqlite => self.text.extend(["?", number.as_str()]),
            Dialect::Postgres => self.text.extend(["CAST($", number.as_str(), " ", kind]),
        }
        self
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn values(&self) -> impl Iterator<Item = Param<'_>> {
        self.values.iter().map(|value| match value {
            Value::Text(text) => Param::Text(text),
            Value::Int(number) => Param::Int(*number),
            Value::Id(id) => Param::Id(*id),
        })
    }
}
