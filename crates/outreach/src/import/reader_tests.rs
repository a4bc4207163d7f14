//! CSV files as they come.

use std::io::{Seek as _, SeekFrom, Write as _};

use super::*;

fn read_bytes(bytes: &[u8]) -> Result<Vec<Vec<String>>, OutreachError> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    let mut rows = Vec::new();
    super::super::table::read(file, &mut |record| {
        rows.push(record.cells);
        Ok(())
    })?;
    Ok(rows)
}

#[test]
fn separators_marks_and_encodings() {
    let utf_16 = |mark: &[u8], bytes_of: fn(u16) -> [u8; 2]| {
        let text = "phone;name\r\n+15550100;Ana\r\n";
        [mark.to_vec(), text.encode_utf16().flat_map(bytes_of).collect()].concat()
    };
    for bytes in [
        b"phone,name\n+15550100,Ana\n".to_vec(),
        b"\xEF\xBB\xBFphone;name\r\n+15550100;Ana\r\n".to_vec(),
        b"phone\tname\r\n\r\n+15550100\tAna".to_vec(),
        b"\n\"phone\",\"name\"\n\"+15550100\",\"Ana\"\n,\n".to_vec(),
        utf_16(b"\xFF\xFE", u16::to_le_bytes),
        utf_16(b"\xFE\xFF", u16::to_be_bytes),
        utf_16(b"", u16::to_le_bytes),
        utf_16(b"", u16::to_be_bytes),
    ] {
        let rows = read_bytes(&bytes).unwrap();
        assert_eq!(rows, [["phone", "name"], ["+15550100", "Ana"]], "{}", String::from_utf8_lossy(&bytes));
    }
    let rows = read_bytes(b"\"a;b;c\",phone,\nM\xfcller \x80,1,\n").unwrap();
    assert_eq!(rows[0], ["a;b;c", "phone", ""]);
    assert_eq!(rows[1][0], "Müller €");
    assert_eq!(read_bytes(b"phone\n+15550100\n").unwrap()[1], ["+15550100"], "one column");
    assert_eq!(read_bytes(b"a,b\n\"x\ny\",1\n").unwrap()[1], ["x\ny", "1"], "a line break in quotes");
}

#[test]
fn what_is_no_table_is_refused_in_words() {
    for (bytes, word) in [
        (b"".as_slice(), "empty"),
        (b"\n\n", "empty"),
        (b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x05", "no table"),
        (b"PK\x03\x04....", "rchive"),
        (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "old Excel"),
    ] {
        let error = read_bytes(bytes).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
    let wide = format!("{}\n", vec!["c"; MOST_COLUMNS + 1].join(","));
    assert!(read_bytes(wide.as_bytes()).unwrap_err().to_string().contains("columns"));
}

#[test]
fn a_quote_that_is_never_closed_does_not_fill_the_memory() {
    let mut bytes = b"phone,name\n+15550100,\"Ana\n".to_vec();
    bytes.extend(std::iter::repeat_n(b"+15550101,Ben\n".as_slice(), 400_000).flatten());
    let error = read_bytes(&bytes).unwrap_err().to_string();
    assert!(error.contains("quotation mark"), "{error}");
}
