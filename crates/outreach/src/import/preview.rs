//! A look at a file before it is imported: its columns, what they may be, and how many rows there are.

use std::path::Path;

use segue_model::PhoneNumber;
use serde::Serialize;

use super::{mapping::suggestion, reader::Table};
use crate::OutreachError;

/// Rows that are looked at.
const LOOKED_AT: usize = 500;
/// Samples per column.
const SAMPLES: usize = 3;

/// A column of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ColumnPreview {
    pub name: String,
    /// The standard field it may be.
    pub suggestion: Option<String>,
    pub samples: Vec<String>,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ImportPreview {
    pub columns: Vec<ColumnPreview>,
    /// Exact for small files.
    pub rows_estimated: u64,
}

/// Looks at a file. Blocks while it reads the first few hundred rows.
///
/// # Errors
/// When it cannot be read or is no CSV file.
pub fn preview(path: &Path, default_country: &str) -> Result<ImportPreview, OutreachError> {
    let size = std::fs::metadata(path).map_err(|error| OutreachError::File(error.to_string()))?.len();
    let mut table = Table::open(path)?;
    let begin = table.position();
    let names = table.header().to_vec();
    let mut columns: Vec<Vec<String>> = vec![Vec::new(); names.len()];
    let mut rows = 0;
    let mut complete = false;
    while rows < LOOKED_AT {
        let Some(row) = table.next_row()? else {
            complete = true;
            break;
        };
        rows += 1;
        for (column, cell) in columns.iter_mut().zip(row.cells) {
            let cell = cell.trim();
            if !cell.is_empty() {
                column.push(cell.to_owned());
            }
        }
    }
    let read = (table.position() - begin).max(1);
    let rows_estimated = if complete {
        rows as u64
    } else {
        // Measured over the rows that were read; rows are alike.
        (size.saturating_sub(begin)).saturating_mul(rows as u64) / read
    };
    let mut taken = Vec::new();
    let mut suggestions: Vec<Option<&'static str>> = names
        .iter()
        .map(|name| {
            let field = suggestion(name).filter(|field| !taken.contains(field))?;
            taken.push(field);
            Some(field)
        })
        .collect();
    if !taken.contains(&"phone")
        && let Some(position) = columns.iter().position(|cells| are_phones(cells, default_country))
        && suggestions[position].is_none()
    {
        suggestions[position] = Some("phone");
    }
    let columns = names
        .into_iter()
        .zip(suggestions)
        .zip(columns)
        .map(|((name, suggestion), cells)| ColumnPreview {
            name,
            suggestion: suggestion.map(str::to_owned),
            samples: cells.into_iter().take(SAMPLES).map(|cell| cell.chars().take(100).collect()).collect(),
        })
        .collect();
    Ok(ImportPreview { columns, rows_estimated })
}

/// Whether nearly all cells are phone numbers and look like some.
fn are_phones(cells: &[String], country: &str) -> bool {
    let phones = cells.iter().filter(|cell| {
        cell.chars().filter(char::is_ascii_digit).count() >= 7 && PhoneNumber::parse(cell, Some(country)).is_ok()
    });
    !cells.is_empty() && phones.count() * 10 >= cells.len() * 9
}
