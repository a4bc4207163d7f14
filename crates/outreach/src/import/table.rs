//! A file as a table of texts, whatever its format.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
};

use super::{reader, xlsx};
use crate::OutreachError;

/// Longest row, in bytes.
pub(super) const LONGEST_ROW: usize = 1024 * 1024;
/// Most rows of a file.
pub const MOST_ROWS: i64 = 2_000_000;
/// Most columns of a file.
pub const MOST_COLUMNS: usize = 500;

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// As a spreadsheet counts: the header is row 1.
    pub number: i64,
    pub cells: Vec<String>,
}

/// Takes rows; an error ends the reading.
pub(super) type Sink<'a> = dyn FnMut(Record) -> Result<(), OutreachError> + 'a;

pub(super) fn failed(error: impl std::fmt::Display) -> OutreachError {
    OutreachError::File(error.to_string())
}

/// Calls `look` with the cells of each row of a file, the header among them. Blocks.
///
/// # Errors
/// When it cannot be read or is no table.
pub fn each_row(file: File, mut look: impl FnMut(&[String])) -> Result<(), OutreachError> {
    read(file, &mut |record| {
        look(&record.cells);
        Ok(())
    })
}

/// Reads a file from top to bottom, row by row; the first row that `sink` gets is the header. Blocks.
///
/// # Errors
/// When it cannot be read or is no table, and what `sink` answers.
pub(super) fn read(mut file: File, sink: &mut Sink<'_>) -> Result<(), OutreachError> {
    let mut start = Vec::new();
    file.by_ref().take(8).read_to_end(&mut start).map_err(failed)?;
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    if start.starts_with(b"PK\x03\x04") {
        return xlsx::read(file, sink);
    }
    if start.starts_with(b"\xD0\xCF\x11\xE0") {
        return Err(OutreachError::File(
            "it is an old Excel file (.xls) or protected by a password. Save it as .xlsx without a password, or as \
             \"CSV UTF-8\"."
                .to_owned(),
        ));
    }
    reader::read(file, sink)
}
