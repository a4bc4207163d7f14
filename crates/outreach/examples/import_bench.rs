//! How fast files of contacts are taken in, tried out, imported and undone, and what memory that takes.
//!
//! `cargo run --release -p segue-outreach --example import_bench -- [ROWS] [csv|xlsx] [sqlite|postgres]`
//! prints one line of JSON.

use std::{
    fs::File,
    io::{BufWriter, Seek as _, SeekFrom, Write},
    time::Instant,
};

use segue_model::actor::Actor;
use segue_outreach::import::{self, ImportConsent, ImportOptions, ImportRequest, Runner, undo};
use segue_store::import::ImportMode;
use segue_testkit::{TestStore, postgres_store, sqlite_store};
use zip::{ZipWriter, write::SimpleFileOptions};

fn phone(row: usize) -> u64 {
    // Spread, as real numbers are: no two rows of a file stand side by side in the index.
    15_550_000_000 + (row as u64).wrapping_mul(7_919_317) % 100_000_007
}

fn csv(rows: usize) -> std::io::Result<File> {
    let mut out = BufWriter::new(tempfile::tempfile()?);
    out.write_all(b"Phone,First name,Last name,E-Mail,City,Opt in\n")?;
    for row in 0..rows {
        writeln!(out, "+{},Ana{row},Lima,ana{row}@example.com,Rome,yes", phone(row))?;
    }
    Ok(out.into_inner()?)
}

/// As Excel writes it: texts in a table of their own, numbers as numbers.
fn xlsx(rows: usize) -> std::io::Result<File> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const RELATION: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let mut packed = ZipWriter::new(tempfile::tempfile()?);
    let relations = |inside: &str| {
        format!(
            r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{inside}</Relationships>"#
        )
    };
    let small = [
        (
            "[Content_Types].xml",
            r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#.to_owned(),
        ),
        (
            "_rels/.rels",
            relations(&format!(r#"<Relationship Id="a" Type="{RELATION}/officeDocument" Target="xl/workbook.xml"/>"#)),
        ),
        (
            "xl/workbook.xml",
            format!(
                r#"<workbook xmlns="{MAIN}" xmlns:r="{RELATION}"><sheets><sheet name="People" sheetId="1" r:id="a"/></sheets></workbook>"#
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            relations(&format!(r#"<Relationship Id="a" Type="{RELATION}/worksheet" Target="worksheets/sheet1.xml"/>"#)),
        ),
    ];
    for (name, text) in small {
        packed.start_file(name, SimpleFileOptions::default())?;
        packed.write_all(text.as_bytes())?;
    }
    packed.start_file("xl/sharedStrings.xml", SimpleFileOptions::default())?;
    let mut out = BufWriter::new(&mut packed);
    write!(out, r#"<sst xmlns="{MAIN}" uniqueCount="{}">"#, rows * 2 + 9)?;
    for text in ["Phone", "First name", "Last name", "E-Mail", "City", "Opt in", "Lima", "Rome", "yes"] {
        write!(out, "<si><t>{text}</t></si>")?;
    }
    for row in 0..rows {
        write!(out, "<si><t>Ana{row}</t></si><si><t>ana{row}@example.com</t></si>")?;
    }
    out.write_all(b"</sst>")?;
    out.flush()?;
    drop(out);
    packed.start_file("xl/worksheets/sheet1.xml", SimpleFileOptions::default())?;
    let mut out = BufWriter::new(&mut packed);
    write!(out, r#"<worksheet xmlns="{MAIN}"><sheetData><row r="1">"#)?;
    for (index, column) in "ABCDEF".chars().enumerate() {
        write!(out, r#"<c r="{column}1" t="s"><v>{index}</v></c>"#)?;
    }
    out.write_all(b"</row>")?;
    for row in 0..rows {
        let (line, text) = (row + 2, row * 2 + 9);
        write!(
            out,
            r#"<row r="{line}"><c r="A{line}"><v>{}</v></c><c r="B{line}" t="s"><v>{text}</v></c><c r="C{line}" t="s"><v>6</v></c><c r="D{line}" t="s"><v>{}</v></c><c r="E{line}" t="s"><v>7</v></c><c r="F{line}" t="s"><v>8</v></c></row>"#,
            phone(row),
            text + 1
        )?;
    }
    out.write_all(b"</sheetData></worksheet>")?;
    out.flush()?;
    drop(out);
    Ok(packed.finish()?)
}

/// Most memory that this process had so far, in MB.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or_default() / 1024
}

/// CPU time of this process so far, in seconds.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
    (ticks(11) + ticks(12)) / 100.0
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rows: usize = arguments.first().map_or(Ok(100_000), |text| text.parse())?;
    let format = arguments.get(1).map_or("csv", String::as_str);
    let test: TestStore = match arguments.get(2).map(String::as_str) {
        Some("postgres") => postgres_store().await.ok_or("there is no PostgreSQL")?,
        _ => sqlite_store().await,
    };
    let mut file = if format == "xlsx" { xlsx(rows)? } else { csv(rows)? };
    let bytes = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(0))?;
    let (store, ctx, ws) = (&test.store, &test.ctx, test.workspace_id());
    let base_mb = peak_mb();

    let (began, cpu_before) = (Instant::now(), cpu());
    let taken = import::take_in(store, ctx, ws, &format!("people.{format}"), file).await?;
    let (upload_s, upload_cpu, upload_mb) = (began.elapsed().as_secs_f64(), cpu() - cpu_before, peak_mb());

    let pairs = [
        ("Phone", "phone"),
        ("First name", "first_name"),
        ("Last name", "last_name"),
        ("E-Mail", "email"),
        ("City", "city"),
    ];
    let options = ImportOptions {
        list_name: Some("People".to_owned()),
        mapping: pairs.into_iter().map(|(column, field)| (column.to_owned(), field.to_owned())).collect(),
        consent: Some(ImportConsent {
            column: Some("Opt in".to_owned()),
            method: Some("web_form".to_owned()),
            wording: Some("Yes, text me offers.".to_owned()),
            ..ImportConsent::default()
        }),
        ..ImportOptions::default()
    };
    let request = ImportRequest { file_id: taken.id, mode: ImportMode::Import, options };
    let begun = import::begin(store, ctx, ws, &Actor::System, request, Runner::Caller).await?;
    let (began, cpu_before) = (Instant::now(), cpu());
    let import = import::run(store, ctx, ws, begun.id, |_| {}).await?;
    let (import_s, import_cpu, import_mb) = (began.elapsed().as_secs_f64(), cpu() - cpu_before, peak_mb());
    assert_eq!((import.created, import.opted_in), (rows as i64, rows as i64), "{import:?}");

    let began = Instant::now();
    undo::look(store, ctx, ws, import.id).await?;
    let look_s = began.elapsed().as_secs_f64();
    undo::begin(store, ctx, ws, import.id).await?;
    let began = Instant::now();
    undo::run(store, ctx, ws, import.id).await?;
    let undo_s = began.elapsed().as_secs_f64();
    println!(
        "{}",
        serde_json::json!({
            "engine": test.engine, "format": format, "rows": rows, "file_mb": bytes >> 20, "base_mb": base_mb,
            "upload_s": upload_s, "upload_cpu_us_per_row": upload_cpu * 1e6 / rows as f64, "upload_peak_mb": upload_mb,
            "import_s": import_s, "rows_per_s": rows as f64 / import_s,
            "import_cpu_us_per_row": import_cpu * 1e6 / rows as f64, "import_peak_mb": import_mb,
            "undo_count_s": look_s, "undo_s": undo_s,
        })
    );
    Ok(())
}
