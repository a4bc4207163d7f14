//! Spreadsheets as they come, and archives that are none.

use std::io::{Cursor, Write as _};

use zip::{ZipWriter, write::SimpleFileOptions};

use super::*;

const TYPES: &str = r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>"#;
const RELATIONS: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const BOOK: &str = r#"<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Secret" sheetId="1" state="hidden" r:id="rId1"/><sheet name="People" sheetId="2" r:id="rId2"/></sheets></workbook>"#;
const BOOK_RELATIONS: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet2.xml"/><Relationship Id="rId3" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>"#;
const STYLES: &str = r#"<?xml version="1.0"?><styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"#;
const TEXTS: &str = r#"<?xml version="1.0"?><sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" count="3" uniqueCount="3"><si><t>Phone</t></si><si><t>Name</t></si><si><t>Since</t></si></sst>"#;

fn sheet(rows: &str) -> String {
    format!(
        r#"<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>"#
    )
}

fn book(texts: &str, rows: &str) -> File {
    let mut packed = ZipWriter::new(Cursor::new(Vec::new()));
    let hidden = sheet(r#"<row r="1"><c r="A1" t="inlineStr"><is><t>hidden</t></is></c></row>"#);
    let rows = sheet(rows);
    for (name, text) in [
        ("[Content_Types].xml", TYPES),
        ("_rels/.rels", RELATIONS),
        ("xl/workbook.xml", BOOK),
        ("xl/_rels/workbook.xml.rels", BOOK_RELATIONS),
        ("xl/styles.xml", STYLES),
        ("xl/sharedStrings.xml", texts),
        ("xl/worksheets/sheet1.xml", &hidden),
        ("xl/worksheets/sheet2.xml", &rows),
    ] {
        packed.start_file(name, SimpleFileOptions::default()).unwrap();
        packed.write_all(text.as_bytes()).unwrap();
    }
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(packed.finish().unwrap().get_ref()).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file
}

fn rows_of(file: File) -> Result<Vec<Record>, OutreachError> {
    let mut rows = Vec::new();
    super::super::table::read(file, &mut |record| {
        rows.push(record);
        Ok(())
    })?;
    Ok(rows)
}

#[test]
fn cells_come_as_the_texts_that_fields_are_read_from() {
    let rows = r#"<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" t="s"><v>1</v></c><c r="C2" t="s"><v>2</v></c></row>
        <row r="3"></row>
        <row r="4"><c r="A4"><v>15550100123</v></c><c r="B4" t="str"><f>1+1</f><v>=1+1</v></c><c r="C4" s="1"><v>45292</v></c></row>
        <row r="5"><c r="A5"><v>1.5550100124E10</v></c><c r="C5" s="1"><v>45292.5</v></c></row>
        <row r="6"><c r="A6" t="inlineStr"><is><t>+44 20 7946 0018</t></is></c><c r="B6" t="e"><v>#N/A</v></c><c r="D6" t="b"><v>1</v></c></row>"#;
    let rows = rows_of(book(TEXTS, rows)).unwrap();
    let expected = [
        (2, vec!["Phone", "Name", "Since"]),
        (4, vec!["15550100123", "=1+1", "2024-01-01"]),
        (5, vec!["15550100124", "", "2024-01-01T12:00:00"]),
        (6, vec!["+44 20 7946 0018", "", "", "true"]),
    ];
    let found: Vec<_> = rows.iter().map(|row| (row.number, row.cells.clone())).collect();
    assert_eq!(found, expected.map(|(number, cells)| (number, cells.iter().map(|cell| (*cell).to_owned()).collect())));
}

#[test]
fn a_small_file_cannot_unpack_to_what_fills_the_memory() {
    let long = format!(r#"<row r="1"><c r="A1" t="inlineStr"><is><t>{}</t></is></c></row>"#, "x".repeat(2 << 20));
    let error = rows_of(book(TEXTS, &long)).unwrap_err().to_string();
    assert!(error.contains("A cell"), "{error}");

    for count in ["99999999999", "99999999999999999999999"] {
        let announced = TEXTS.replace("uniqueCount=\"3\"", &format!("uniqueCount = \"{count}\""));
        let error = rows_of(book(&announced, "")).unwrap_err().to_string();
        assert!(error.contains("table of texts"), "{error}");
    }

    let small = Limits { whole: 10_000, texts: 10_000, piece: 1_000, parts: 20 };
    let rows: String = (1..200).map(|n| format!(r#"<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>"#)).collect();
    assert!(measure(&mut book(TEXTS, &rows), LIMITS).is_ok());
    for limits in [Limits { whole: 5_000, ..small }, Limits { texts: 100, ..small }, Limits { parts: 3, ..small }] {
        assert!(measure(&mut book(TEXTS, &rows), limits).is_err(), "{limits:?}");
    }
}

#[test]
fn an_empty_book_and_an_archive_of_something_else_are_refused_in_words() {
    assert!(rows_of(book(TEXTS, "")).unwrap_err().to_string().contains("empty"));
    let mut packed = ZipWriter::new(Cursor::new(Vec::new()));
    packed.start_file("photo.jpg", SimpleFileOptions::default()).unwrap();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(packed.finish().unwrap().get_ref()).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    assert!(rows_of(file).unwrap_err().to_string().contains("no Excel file"));
}
