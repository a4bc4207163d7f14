//! Reading an XLSX file: the first visible sheet, cell by cell, with what its cells show. Formulas are never worked
//! out; their last result is taken as text.
//!
//! A spreadsheet is a packed archive, and a small one can unpack to anything. So every part is measured before the
//! sheet is read ([`measure`]): the whole, the table of texts (the only part that is kept in memory), and the longest
//! piece without markup, which a reader of XML has to hold at once.

use std::{
    fs::File,
    io::{BufReader, Read, Seek as _, SeekFrom},
};

use calamine::{DataRef, ExcelDateTime, Reader as _, SheetVisible, Xlsx};
use zip::ZipArchive;

use super::table::{LONGEST_ROW, MOST_COLUMNS, Record, Sink, failed};
use crate::OutreachError;

/// What a spreadsheet may unpack to.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Bytes of all parts together.
    whole: u64,
    /// Bytes of the table of texts.
    texts: u64,
    /// Bytes without a piece of markup.
    piece: usize,
    /// Parts of the archive.
    parts: usize,
}

const LIMITS: Limits = Limits { whole: 2 << 30, texts: 256 << 20, piece: LONGEST_ROW, parts: 5_000 };
/// Texts that a table of texts may announce: room for them is made before they are read.
const MOST_TEXTS: u64 = 20_000_000;
const ANNOUNCED: &[u8] = b"uniqueCount";

fn too_large(what: &str) -> OutreachError {
    OutreachError::File(format!(
        "{what} is larger than a table of contacts can be. Save the sheet alone as .xlsx or as \"CSV UTF-8\"."
    ))
}

/// Reads the first visible sheet that has cells. Blocks.
///
/// # Errors
/// When it is no spreadsheet, unpacks to more than a table of contacts can be, or what `sink` answers.
pub(super) fn read(mut file: File, sink: &mut Sink<'_>) -> Result<(), OutreachError> {
    measure(&mut file, LIMITS)?;
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    let mut book = Xlsx::new(BufReader::new(file))
        .map_err(|error| OutreachError::File(format!("it is no Excel file that can be read ({error}).")))?;
    let sheets: Vec<String> = book
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.visible == SheetVisible::Visible)
        .map(|sheet| sheet.name.clone())
        .collect();
    for sheet in sheets {
        if read_sheet(&mut book, &sheet, sink)? {
            return Ok(());
        }
    }
    Err(OutreachError::File("it is empty.".to_owned()))
}

/// Hands the rows of a sheet on. `false` when it has none.
fn read_sheet(book: &mut Xlsx<BufReader<File>>, sheet: &str, sink: &mut Sink<'_>) -> Result<bool, OutreachError> {
    // A chart's sheet has no cells.
    let Ok(mut cells) = book.worksheet_cells_reader(sheet) else { return Ok(false) };
    let mut row = Record { number: 0, cells: Vec::new() };
    let mut found = false;
    let mut hand_on = |row: &mut Record, found: &mut bool| {
        if row.cells.iter().all(|cell| cell.trim().is_empty()) {
            return Ok(());
        }
        *found = true;
        sink(Record { number: row.number, cells: std::mem::take(&mut row.cells) })
    };
    while let Some(cell) = cells.next_cell().map_err(failed)? {
        let (line, column) = cell.get_position();
        let (number, column) = (i64::from(line) + 1, column as usize);
        if number != row.number {
            hand_on(&mut row, &mut found)?;
            row = Record { number, cells: Vec::new() };
        }
        let text = text(cell.get_value());
        if text.is_empty() {
            continue;
        }
        if column >= MOST_COLUMNS {
            return Err(OutreachError::File(format!("it has more than {MOST_COLUMNS} columns.")));
        }
        if row.cells.len() <= column {
            row.cells.resize(column + 1, String::new());
        }
        row.cells[column] = text;
    }
    hand_on(&mut row, &mut found)?;
    Ok(found)
}

/// What a cell shows, in a form that a field can be read from.
fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty | DataRef::Error(_) => String::new(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(value) => (if *value { "true" } else { "false" }).to_owned(),
        DataRef::Int(value) => value.to_string(),
        DataRef::Float(value) => number(*value),
        DataRef::DateTime(moment) => date(moment),
    }
}

/// A number as its digits: phone numbers and ids are kept as numbers by spreadsheets, and must not come out as
/// `1.5550100123E10` or with `.0`.
fn number(value: f64) -> String {
    // Every whole number up to here has a form of its own in a 64-bit float.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT { format!("{value:.0}") } else { value.to_string() }
}

fn date(moment: &ExcelDateTime) -> String {
    if moment.is_duration() {
        return number(moment.as_f64());
    }
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    if (hour, minute, second) == (0, 0, 0) {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    }
}

/// Unpacks every part that is going to be read, and keeps nothing of it.
fn measure(file: &mut File, limits: Limits) -> Result<(), OutreachError> {
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(failed)?;
    if archive.len() > limits.parts {
        return Err(too_large("The file's number of parts"));
    }
    let mut whole = 0_u64;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(failed)?;
        let name = part.name().map_err(failed)?.to_lowercase();
        // Pictures and the like are never unpacked.
        if !name.ends_with(".xml") && !name.ends_with(".rels") {
            continue;
        }
        let is_texts = name.ends_with("sharedstrings.xml");
        let size = measure_part(part, limits.whole - whole, limits.piece, is_texts)?;
        whole += size;
        if is_texts && size > limits.texts {
            return Err(too_large("The table of texts in the file"));
        }
    }
    Ok(())
}

/// Bytes of a part.
fn measure_part(mut part: impl Read, most: u64, piece: usize, is_texts: bool) -> Result<u64, OutreachError> {
    // The end of each block is looked at again with the next one: a word may stand across the two.
    const OVERLAP: usize = 64;
    let mut block = vec![0_u8; 64 * 1024];
    let (mut size, mut kept, mut without_markup) = (0_u64, 0, 0_usize);
    loop {
        let count = part.read(&mut block[kept..]).map_err(failed)?;
        if count == 0 {
            return Ok(size);
        }
        size += count as u64;
        let fresh = &block[kept..kept + count];
        match memchr::memrchr(b'<', fresh) {
            Some(last) => {
                without_markup += memchr::memchr(b'<', fresh).unwrap_or_default();
                if without_markup > piece {
                    return Err(too_large("A cell of the file"));
                }
                without_markup = count - last;
            }
            None => without_markup += count,
        }
        if size > most {
            return Err(too_large("What is packed in the file"));
        }
        if without_markup > piece {
            return Err(too_large("A cell of the file"));
        }
        let seen = kept + count;
        if is_texts && announces_too_much(&block[..seen]) {
            return Err(too_large("The table of texts in the file"));
        }
        kept = seen.min(OVERLAP);
        block.copy_within(seen - kept..seen, 0);
    }
}

fn announces_too_much(block: &[u8]) -> bool {
    memchr::memmem::find_iter(block, ANNOUNCED).any(|at| {
        let rest = &block[at + ANNOUNCED.len()..];
        let digits = rest.iter().skip_while(|byte| !byte.is_ascii_digit()).take_while(|byte| byte.is_ascii_digit());
        let digits: String = digits.take(20).map(|digit| char::from(*digit)).collect();
        digits.parse::<u64>().is_ok_and(|count| count > MOST_TEXTS) || digits.len() == 20
    })
}

#[cfg(test)]
#[path = "xlsx_tests.rs"]
mod tests;
