//! Reading a CSV file as people save them: with or without byte-order mark, separated by comma, semicolon or tab, in
//! UTF-8, UTF-16 or the Windows code page that Excel uses. Never more than a row in memory.

use std::{
    cell::Cell,
    fs::File,
    io::{self, BufReader, Read, Seek as _, SeekFrom},
    rc::Rc,
};

use csv::{ByteRecord, ReaderBuilder};
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};
use encoding_rs_io::DecodeReaderBytesBuilder;

use super::table::{LONGEST_ROW, MOST_COLUMNS, Record, Sink, failed};
use crate::OutreachError;

/// Bytes that tell encoding and separator.
const SNIFFED: usize = 64 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Counts what is read since the last row ended, and stops where that is more than a row can be. A quote that is never
/// closed would otherwise swallow the rest of the file.
struct Bounded<R> {
    inner: R,
    since_row: Rc<Cell<usize>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since_row.get() > LONGEST_ROW {
            return Err(io::Error::other("a row is longer than 1 MiB; is a quotation mark missing?"));
        }
        let count = self.inner.read(buffer)?;
        self.since_row.set(self.since_row.get() + count);
        Ok(count)
    }
}

/// UTF-16, when it is that: by its mark, or because every second byte of a Latin text is nothing.
fn utf_16(start: &[u8]) -> Option<&'static Encoding> {
    if start.starts_with(b"\xFF\xFE") {
        return Some(UTF_16LE);
    }
    if start.starts_with(b"\xFE\xFF") {
        return Some(UTF_16BE);
    }
    let nothing = |from: usize| start.iter().skip(from).step_by(2).take(200).filter(|byte| **byte == 0).count();
    let half = (start.len() / 2).min(200);
    match (nothing(0), nothing(1)) {
        (even, odd) if half > 3 && odd * 10 > half * 8 && even * 10 < half => Some(UTF_16LE),
        (even, odd) if half > 3 && even * 10 > half * 8 && odd * 10 < half => Some(UTF_16BE),
        _ => None,
    }
}

/// Reads a CSV file. Blocks.
///
/// # Errors
/// When it cannot be read, is empty, or is no CSV file, and what `sink` answers.
pub(super) fn read(mut file: File, sink: &mut Sink<'_>) -> Result<(), OutreachError> {
    let mut start = Vec::with_capacity(SNIFFED);
    file.by_ref().take(SNIFFED as u64).read_to_end(&mut start).map_err(failed)?;
    let encoding = utf_16(&start);
    if let Some(encoding) = encoding {
        start = encoding.decode(&start).0.into_owned().into_bytes();
    } else if start.contains(&0) {
        return Err(OutreachError::File("it is no table. Save it as \"CSV UTF-8\" or as .xlsx.".to_owned()));
    }
    let mark = if encoding.is_none() && start.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    file.seek(SeekFrom::Start(mark as u64)).map_err(failed)?;
    let plain: Box<dyn Read> = match encoding {
        Some(encoding) => Box::new(DecodeReaderBytesBuilder::new().encoding(Some(encoding)).build(file)),
        None => Box::new(file),
    };
    let since_row = Rc::new(Cell::new(0));
    let bounded = Bounded { inner: BufReader::new(plain), since_row: Rc::clone(&since_row) };
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator(&start[mark..]))
        .from_reader(bounded);
    let mut record = ByteRecord::new();
    let mut number = 0;
    let mut found = false;
    loop {
        since_row.set(0);
        let more = reader.read_byte_record(&mut record).map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) => failed(error),
            other => OutreachError::File(format!("{other:?}")),
        })?;
        if !more {
            return if found { Ok(()) } else { Err(OutreachError::File("it is empty.".to_owned())) };
        }
        number += 1;
        if record.len() > MOST_COLUMNS {
            return Err(OutreachError::File(format!("it has more than {MOST_COLUMNS} columns.")));
        }
        let cells: Vec<String> = record.iter().map(text).collect();
        if cells.iter().any(|cell| !cell.trim().is_empty()) {
            found = true;
            sink(Record { number, cells })?;
        }
    }
}

/// What separates the cells of the first row: whichever of the three stands there most, outside of quotes.
fn separator(start: &[u8]) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0)];
    for byte in start {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted && counts.iter().any(|(_, count)| *count > 0) => break,
            byte if !quoted => {
                for (separator, count) in &mut counts {
                    *count += usize::from(separator == byte);
                }
            }
            _ => {}
        }
    }
    // Of equals the first in the list wins, the comma.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(separator, _)| *separator)
}

/// A cell's text: UTF-8, or what Excel writes where it is not.
fn text(cell: &[u8]) -> String {
    match std::str::from_utf8(cell) {
        Ok(text) => text.to_owned(),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(cell).0.into_owned(),
    }
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
