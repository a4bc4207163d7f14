//! Reading a CSV file as people save them: with or without byte-order mark, separated by comma, semicolon or tab, in
//! UTF-8 or in the Windows code page that Excel uses. Never more than a row in memory.

use std::{
    cell::Cell,
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::Path,
    rc::Rc,
};

use csv::{ByteRecord, ReaderBuilder};

use crate::OutreachError;

/// Bytes that tell encoding and separator.
const SNIFFED: usize = 64 * 1024;
/// Longest row, in bytes. A quote that is never closed would otherwise swallow the rest of the file.
const LONGEST_ROW: u64 = 1024 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// One row.
#[derive(Debug, Clone)]
pub(super) struct Record {
    /// As a spreadsheet counts: the header is row 1.
    pub number: i64,
    pub cells: Vec<String>,
}

/// A file with a header row, read from top to bottom.
pub(super) struct Table {
    reader: csv::Reader<Bounded<BufReader<File>>>,
    header: Vec<String>,
    record: ByteRecord,
    number: i64,
    unread: Rc<Cell<u64>>,
}

/// Counts what is read since the last row ended, and stops where that is more than a row can be.
struct Bounded<R> {
    inner: R,
    since_row: Rc<Cell<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since_row.get() > LONGEST_ROW {
            return Err(io::Error::other("a row is longer than 1 MiB; is a quotation mark missing?"));
        }
        let count = self.inner.read(buffer)?;
        self.since_row.set(self.since_row.get() + count as u64);
        Ok(count)
    }
}

fn failed(error: impl std::fmt::Display) -> OutreachError {
    OutreachError::File(error.to_string())
}

impl Table {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// When it cannot be read, is empty, or is no CSV file.
    pub fn open(path: &Path) -> Result<Self, OutreachError> {
        let mut file = File::open(path).map_err(failed)?;
        let mut start = Vec::with_capacity(SNIFFED);
        file.by_ref().take(SNIFFED as u64).read_to_end(&mut start).map_err(failed)?;
        if start.starts_with(b"\xFF\xFE") || start.starts_with(b"\xFE\xFF") {
            return Err(OutreachError::File("it is in UTF-16. Save it as \"CSV UTF-8\".".to_owned()));
        }
        if start.starts_with(b"PK\x03\x04") || start.contains(&0) {
            return Err(OutreachError::File("it is no CSV file. Save the table as \"CSV UTF-8\".".to_owned()));
        }
        let mark = if start.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        file.seek(SeekFrom::Start(mark as u64)).map_err(failed)?;
        let since_row = Rc::new(Cell::new(0));
        let bounded = Bounded { inner: BufReader::new(file), since_row: Rc::clone(&since_row) };
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator(&start[mark..]))
            .from_reader(bounded);
        let mut table = Self { reader, header: Vec::new(), record: ByteRecord::new(), number: 0, unread: since_row };
        let header = table.next_row()?.ok_or_else(|| OutreachError::File("it is empty.".to_owned()))?;
        table.header = (1..)
            .zip(&header.cells)
            .map(
                |(number, name)| {
                    if name.trim().is_empty() { format!("Column {number}") } else { name.trim().to_owned() }
                },
            )
            .collect();
        Ok(table)
    }

    /// Names of the columns.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// How many bytes of the file have been read.
    pub fn position(&self) -> u64 {
        self.reader.position().byte()
    }

    /// The next row with anything in it.
    ///
    /// # Errors
    /// When the file cannot be read further.
    pub fn next_row(&mut self) -> Result<Option<Record>, OutreachError> {
        loop {
            self.unread.set(0);
            let more = self.reader.read_byte_record(&mut self.record).map_err(|error| match error.into_kind() {
                csv::ErrorKind::Io(error) => failed(error),
                other => OutreachError::File(format!("{other:?}")),
            })?;
            if !more {
                return Ok(None);
            }
            self.number += 1;
            let cells: Vec<String> = self.record.iter().map(text).collect();
            if cells.iter().any(|cell| !cell.trim().is_empty()) {
                return Ok(Some(Record { number: self.number, cells }));
            }
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

/// Windows-1252 from 0x80 to 0x9F; the rest of its upper half is Latin-1.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// A cell's text: UTF-8, or what Excel writes where it is not.
fn text(cell: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(cell) {
        return text.to_owned();
    }
    cell.iter()
        .map(|&byte| match byte {
            0x80..=0x9F => WINDOWS_1252[usize::from(byte - 0x80)],
            other => char::from(other),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<(Vec<String>, Vec<Vec<String>>), OutreachError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file.csv");
        std::fs::write(&path, bytes).unwrap();
        let mut table = Table::open(&path)?;
        let mut rows = Vec::new();
        while let Some(row) = table.next_row()? {
            rows.push(row.cells);
        }
        Ok((table.header().to_vec(), rows))
    }

    #[test]
    fn separators_marks_and_encodings() {
        for bytes in [
            b"phone,name\n+15550100,Ana\n".as_slice(),
            b"\xEF\xBB\xBFphone;name\r\n+15550100;Ana\r\n",
            b"phone\tname\r\n\r\n+15550100\tAna",
            b"\n\"phone\",\"name\"\n\"+15550100\",\"Ana\"\n,\n",
        ] {
            let (header, rows) = read(bytes).unwrap();
            assert_eq!(header, ["phone", "name"], "{}", String::from_utf8_lossy(bytes));
            assert_eq!(rows, [["+15550100", "Ana"]], "{}", String::from_utf8_lossy(bytes));
        }
        let (header, rows) = read(b"\"a;b;c\",phone,\nM\xfcller \x80,1,\n").unwrap();
        assert_eq!(header, ["a;b;c", "phone", "Column 3"]);
        assert_eq!(rows[0][0], "Müller €");
        assert_eq!(read(b"phone\n+15550100\n").unwrap().1, [["+15550100"]], "one column");
    }

    #[test]
    fn what_is_no_table_is_refused_in_words() {
        for (bytes, word) in [
            (b"".as_slice(), "empty"),
            (b"\n\n", "empty"),
            (b"\xFF\xFEp\0h\0", "UTF-16"),
            (b"PK\x03\x04....", "no CSV"),
        ] {
            let error = read(bytes).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn a_quote_that_is_never_closed_does_not_fill_the_memory() {
        let mut bytes = b"phone,name\n+15550100,\"Ana\n".to_vec();
        bytes.extend(std::iter::repeat_n(b"+15550101,Ben\n".as_slice(), 400_000).flatten());
        let error = read(&bytes).unwrap_err().to_string();
        assert!(error.contains("quotation mark"), "{error}");
    }
}
