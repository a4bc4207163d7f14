//! One row of a file: what it says, or why it is refused.

use segue_model::{PhoneNumber, contact::ContactFields};

use super::{
    mapping::{Field, Mapping},
    reader::Record,
};
use crate::contacts::{check_field, clean};

/// A row that can be imported.
#[derive(Debug, Clone)]
pub(super) struct ParsedRow {
    pub number: i64,
    pub phone: PhoneNumber,
    pub fields: ContactFields,
    pub says: Says,
}

/// What a row says of consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    Yes,
    Nothing,
}

/// What became of a row of the file.
#[derive(Debug, Clone)]
pub(super) enum Parsed {
    /// The names of the columns, kept with refused rows.
    Header(Vec<String>),
    Row(ParsedRow),
    Refused {
        number: i64,
        message: String,
        cells: Vec<String>,
    },
}

/// Reads rows by a mapping.
pub(super) struct RowReader {
    mapping: Mapping,
    country: String,
}

/// Words that say yes, in lower case.
const YES: &[&str] = &[
    "yes",
    "y",
    "true",
    "t",
    "1",
    "x",
    "on",
    "ok",
    "opted in",
    "opted-in",
    "opt-in",
    "optin",
    "subscribed",
    "granted",
    "active",
    "ja",
    "j",
    "wahr",
    "si",
    "sí",
    "sim",
    "oui",
    "da",
    "tak",
    "evet",
    "vrai",
    "verdadero",
    "✓",
    "✔",
];

/// Without the apostrophe that spreadsheets put before what would otherwise be a formula.
fn without_guard(cell: &str) -> &str {
    let cell = cell.trim();
    match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@']) => rest,
        _ => cell,
    }
}

impl RowReader {
    pub const fn new(mapping: Mapping, country: String) -> Self {
        Self { mapping, country }
    }

    /// What a row says, or why it is refused, in words for who has the file before him.
    pub fn read(&mut self, record: &Record) -> Parsed {
        match self.parse(record) {
            Ok(row) => Parsed::Row(row),
            Err(message) => Parsed::Refused { number: record.number, message, cells: record.cells.clone() },
        }
    }

    fn parse(&self, record: &Record) -> Result<ParsedRow, String> {
        let spare = record.cells.iter().skip(self.mapping.columns);
        if spare.clone().any(|cell| !cell.trim().is_empty()) {
            return Err(format!(
                "The row has {} cells, the header has {}. A cell that holds the separator must stand in quotation marks.",
                record.cells.len(),
                self.mapping.columns
            ));
        }
        let cell = |position: usize| record.cells.get(position).map_or("", |cell| without_guard(cell));
        let mut fields = ContactFields::default();
        for (position, field) in &self.mapping.fields {
            let text = cell(*position);
            match field {
                Field::Standard("phone") => {
                    let phone = PhoneNumber::parse(text, Some(&self.country)).map_err(|error| error.to_string())?;
                    fields.phone = Some(phone);
                }
                Field::Standard(name) => {
                    let value = clean(text, 300);
                    check_field(name, value.as_deref()).map_err(|error| error.to_string())?;
                    match *name {
                        "first_name" => fields.first_name = value,
                        "last_name" => fields.last_name = value,
                        "email" => fields.email = value,
                        "locale" => fields.locale = value,
                        _ => fields.time_zone = value,
                    }
                }
                Field::Attribute(name) => {
                    if let Some(value) = clean(text, 2_000) {
                        fields.attributes.insert(name.clone(), value);
                    }
                }
            }
        }
        let phone = fields.phone.clone().ok_or("The row has no phone number.")?;
        let says = match self.mapping.consent {
            None => Says::Yes,
            Some(position) if YES.contains(&cell(position).to_lowercase().as_str()) => Says::Yes,
            Some(_) => Says::Nothing,
        };
        Ok(ParsedRow { number: record.number, phone, fields, says })
    }
}
