//! Rows of a result, read column by column in the order of the `SELECT` list.

use postgres::types::Type;
use segue_model::{PhoneNumber, Timestamp, text_enum::Word};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::{
    StoreError,
    shared::{self, Shared},
};

/// One cell as the engine gives it.
#[derive(Debug, Clone, Copy)]
pub enum Cell<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Blob(&'a [u8]),
    Id(Uuid),
}

/// What can be read from a cell.
pub trait Column: Sized {
    /// Reads the value.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the cell holds something else.
    fn from_cell(cell: Cell<'_>) -> Result<Self, StoreError>;
}

pub(crate) enum Source<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a postgres::Row),
}

/// One row; [`Row::next`] reads its columns from left to right.
pub struct Row<'a> {
    source: Source<'a>,
    position: usize,
}

impl<'a> Row<'a> {
    pub(crate) const fn new(source: Source<'a>) -> Self {
        Self { source, position: 0 }
    }

    /// The next column's value.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the column does not hold such a value.
    #[expect(clippy::should_implement_trait, reason = "generic over the value; it reads as one step of a reader")]
    pub fn next<T: Column>(&mut self) -> Result<T, StoreError> {
        self.read(T::from_cell)
    }

    /// Reads the next column's cell.
    fn read<T>(&mut self, read: impl FnOnce(Cell<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let position = self.position;
        self.position += 1;
        let cell = match &self.source {
            Source::Sqlite(row) => sqlite_cell(row, position)?,
            Source::Postgres(row) => postgres_cell(row, position)?,
        };
        read(cell).map_err(|error| match error {
            StoreError::Corrupt(what) => StoreError::Corrupt(format!("column {position}: {what}")),
            other => other,
        })
    }

    /// The next column's value as a word of an enum.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is none.
    pub fn word<T: Word>(&mut self) -> Result<T, StoreError> {
        self.read(|cell| match cell {
            Cell::Text(text) => T::from_word(text).map_err(|error| StoreError::Corrupt(error.to_string())),
            other => mismatch("a word", other),
        })
    }

    /// The next column's value as a word of an enum, or nothing.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is neither null nor a word.
    pub fn optional_word<T: Word>(&mut self) -> Result<Option<T>, StoreError> {
        self.read(|cell| match cell {
            Cell::Null => Ok(None),
            Cell::Text(text) => T::from_word(text).map(Some).map_err(|error| StoreError::Corrupt(error.to_string())),
            other => mismatch("a word", other),
        })
    }

    /// The next column's JSON text as a value.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is not such JSON.
    pub fn json<T: DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        self.read(|cell| match cell {
            Cell::Text(text) => serde_json::from_str(text).map_err(|error| StoreError::Corrupt(error.to_string())),
            other => mismatch("a text", other),
        })
    }

    /// The next column's JSON text as settings, which are seldom another text than before.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is not such JSON.
    pub fn settings<T: DeserializeOwned + Send + Sync + 'static>(&mut self) -> Result<Shared<T>, StoreError> {
        self.read(|cell| match cell {
            Cell::Text(text) => shared::read(text),
            other => mismatch("settings", other),
        })
    }

    /// The next column's JSON text as a value, or nothing.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is neither null nor such JSON.
    pub fn optional_json<T: DeserializeOwned>(&mut self) -> Result<Option<T>, StoreError> {
        self.read(|cell| match cell {
            Cell::Null => Ok(None),
            Cell::Text(text) => {
                serde_json::from_str(text).map(Some).map_err(|error| StoreError::Corrupt(error.to_string()))
            }
            other => mismatch("a text", other),
        })
    }
}

fn sqlite_cell<'a>(row: &'a rusqlite::Row<'a>, position: usize) -> Result<Cell<'a>, StoreError> {
    use rusqlite::types::ValueRef;
    Ok(match row.get_ref(position)? {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(value) => Cell::Int(value),
        ValueRef::Text(value) => {
            Cell::Text(std::str::from_utf8(value).map_err(|_| StoreError::Corrupt("text is not UTF-8".to_owned()))?)
        }
        ValueRef::Blob(value) => Cell::Blob(value),
        ValueRef::Real(_) => return Err(StoreError::Corrupt("a floating-point number".to_owned())),
    })
}

fn postgres_cell(row: &postgres::Row, position: usize) -> Result<Cell<'_>, StoreError> {
    let column = row.columns().get(position).ok_or_else(|| StoreError::Corrupt("no such column".to_owned()))?;
    let cell = match *column.type_() {
        Type::INT8 => row.try_get::<_, Option<i64>>(position)?.map(Cell::Int),
        Type::INT4 => row.try_get::<_, Option<i32>>(position)?.map(|value| Cell::Int(value.into())),
        Type::BOOL => row.try_get::<_, Option<bool>>(position)?.map(|value| Cell::Int(value.into())),
        Type::UUID => row.try_get::<_, Option<Uuid>>(position)?.map(Cell::Id),
        Type::BYTEA => row.try_get::<_, Option<&[u8]>>(position)?.map(Cell::Blob),
        _ => row.try_get::<_, Option<&str>>(position)?.map(Cell::Text),
    };
    Ok(cell.unwrap_or(Cell::Null))
}

fn mismatch<T>(wanted: &str, cell: Cell<'_>) -> Result<T, StoreError> {
    let found = match cell {
        Cell::Null => "nothing",
        Cell::Int(_) => "an integer",
        Cell::Text(_) => "a text",
        Cell::Blob(_) => "bytes",
        Cell::Id(_) => "an id",
    };
    Err(StoreError::Corrupt(format!("expected {wanted}, found {found}")))
}

impl<T: Column> Column for Option<T> {
    fn from_cell(cell: Cell<'_>) -> Result<Self, StoreError> {
        if matches!(cell, Cell::Null) { Ok(None) } else { T::from_cell(cell).map(Some) }
    }
}

impl Column for i64 {
    fn from_cell(cell: Cell<'_>) -> Result<Self, StoreError> {
        if let Cell::Int(value) = cell { Ok(value) } else { mismatch("an integer", cell) }
    }
}

macro_rules! narrow_integers {
    ($($name:ty),+) => { $(
        impl Column for $name {
            fn from_cell(cell: Cell<'_>) -> Result<Self, StoreError> {
                let value = i64::from_cell(cell)?;
                Self::try_from(value).map_err(|_| StoreError::Corrupt(format!("{value} is out of range")))
            }
        }
    )+ };
}
narrow_integers!(u64, u32, u16, u8, i32, usize);

impl Column for bool {
    fn from_cell(cell: Cell<'_>) -> Result<Self, StoreError> {
        i64::from_cell(cell).map(|value| value != 0)
    }
}

impl Column for String {
    fn from_cell(cell: Cell<'_>) -> Result<Self, StoreError> {
        if let Cell::Text(value) = cell { Ok(value.to_owned()) } else { mismatch("a text", cell) }
    }
}

impl Column for Vec<u8> {
    fn from_cell(cell: Cell<'_>) -> Result<Self, StoreError> {
        if let Cell::Blob(value) = cell { Ok(value.to_vec()) } else { mismatch("bytes", cell) }
    }
}

impl Column for Uuid {
    fn from_cell(cell: Cell<'_>) -> Result<Self, StoreError> {
        match cell {
            Cell::Id(value) => Ok(value),
            Cell::Blob(value) => Self::from_slice(value).map_err(|error| StoreError::Corrupt(error.to_string())),
            other => mismatch("an id", other),
        }
    }
}

impl Column for Timestamp {
    fn from_cell(cell: Cell<'_>) -> Result<Self, StoreError> {
        i64::from_cell(cell).map(Self)
    }
}

impl Column for PhoneNumber {
    fn from_cell(cell: Cell<'_>) -> Result<Self, StoreError> {
        let Cell::Text(text) = cell else { return mismatch("a phone number", cell) };
        // What is stored was parsed when it came in.
        let digits = text.strip_prefix('+').unwrap_or_default();
        Self::from_digits(digits).map_err(|error| StoreError::Corrupt(error.to_string()))
    }
}
