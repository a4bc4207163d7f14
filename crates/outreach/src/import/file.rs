//! Taking an uploaded file in: read once, looked at, and kept in the store as chunks of whole rows.
//!
//! A file is kept so that a dry run, the import and its continuation after a crash read the same rows, on whichever
//! node. It goes when its import is done, or after [`KEEP_FILES`].

use std::fs::File;

use segue_model::{Ctx, ImportFileId, PhoneNumber, Timestamp, WorkspaceId, time};
use segue_store::{Store, import_file::ImportFile};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::{
    ImportOptions,
    mapping::suggestion,
    table::{self, LONGEST_ROW, MOST_ROWS, Record, failed},
};
use crate::{OutreachError, contacts::clean};

/// Rows of a chunk, and so of one transaction of an import.
pub const CHUNK: usize = 1_000;
/// How long a file stays that is not imported.
pub const KEEP_FILES: i64 = 3 * time::DAY;
/// Rows that samples and suggestions come from.
const LOOKED_AT: usize = 500;
/// Samples per column.
const SAMPLES: usize = 3;

/// A column of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImportColumn {
    pub name: String,
    /// The standard field it may be.
    pub suggestion: Option<String>,
    pub samples: Vec<String>,
}

/// An uploaded file and what is known of it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = ImportFile)]
pub struct ImportFileView {
    pub id: ImportFileId,
    pub name: String,
    /// Rows with anything in them, without the header.
    pub row_count: i64,
    pub columns: Vec<ImportColumn>,
    /// How a file with the same columns was imported last.
    pub remembered: Option<ImportOptions>,
    pub created_at: Timestamp,
}

/// What reading a file came to.
struct Summary {
    columns: Vec<ImportColumn>,
    row_count: i64,
}

/// Reads a file (CSV or XLSX, from its begin) and keeps its rows.
///
/// # Errors
/// When it is no table, has no row, or has more rows than are taken at once.
pub async fn take_in(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    name: &str,
    file: File,
) -> Result<ImportFileView, OutreachError> {
    let (id, now) = (ctx.id::<ImportFileId>(), ctx.now());
    let name = clean(name, 200).unwrap_or_else(|| "contacts.csv".to_owned());
    let country = store
        .write(move |tx| {
            let workspace = tx.workspace(workspace_id)?.ok_or(OutreachError::NotFound("workspace"))?;
            tx.insert_import_file(workspace_id, id, &name, now)?;
            Ok::<_, OutreachError>(workspace.country)
        })
        .await?;
    let (sender, mut chunks) = mpsc::channel(2);
    let reading = tokio::task::spawn_blocking(move || read(file, &country, &sender));
    let mut number = 0;
    while let Some(data) = chunks.recv().await {
        store
            .write_bulk(move |tx| Ok::<_, OutreachError>(tx.insert_import_chunk(workspace_id, id, number, &data)?))
            .await?;
        number += 1;
    }
    let read = match reading.await {
        Ok(read) => read,
        Err(panic) => Err(OutreachError::File(format!("reading it failed unexpectedly ({panic})"))),
    };
    let summary = match read {
        Ok(summary) => summary,
        Err(error) => {
            store.write(move |tx| Ok::<_, OutreachError>(tx.delete_import_file(workspace_id, id)?)).await?;
            return Err(error);
        }
    };
    let signature = signature(&summary.columns);
    let columns = serde_json::to_value(&summary.columns).map_err(failed)?;
    store
        .write(move |tx| {
            tx.complete_import_file(workspace_id, id, &columns, &signature, summary.row_count)?;
            Ok::<_, OutreachError>(())
        })
        .await?;
    get(store, workspace_id, id).await
}

/// One file that was taken in.
///
/// # Errors
/// When there is none (any more).
pub async fn get(store: &Store, workspace_id: WorkspaceId, id: ImportFileId) -> Result<ImportFileView, OutreachError> {
    store
        .read(move |tx| {
            let file = tx.import_file(workspace_id, id)?.ok_or(OutreachError::NotFound("uploaded file"))?;
            let remembered = tx.remembered_mapping(workspace_id, &file.signature)?;
            Ok(ImportFileView {
                id,
                columns: columns_of(&file),
                name: file.name,
                row_count: file.row_count,
                // What an older version remembered may not be readable any more.
                remembered: remembered.and_then(|options| serde_json::from_value(options).ok()),
                created_at: file.created_at,
            })
        })
        .await
}

/// The columns of a stored file.
pub(super) fn columns_of(file: &ImportFile) -> Vec<ImportColumn> {
    serde_json::from_value(file.columns.clone()).unwrap_or_default()
}

/// Files with the same columns in any order have the same one.
fn signature(columns: &[ImportColumn]) -> String {
    let mut names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    names.sort_unstable();
    hex::encode(Sha256::digest(names.join("\u{1f}")))
}

/// Reads a file and hands it on in chunks.
fn read(file: File, country: &str, chunks: &mpsc::Sender<Vec<u8>>) -> Result<Summary, OutreachError> {
    let mut names: Option<Vec<String>> = None;
    let mut samples: Vec<Vec<String>> = Vec::new();
    let mut writer = ChunkWriter::default();
    let mut row_count = 0_i64;
    table::read(file, &mut |record| {
        if names.is_none() {
            let columns = column_names(&record.cells);
            samples = vec![Vec::new(); columns.len()];
            names = Some(columns);
            return Ok(());
        }
        row_count += 1;
        if row_count > MOST_ROWS {
            return Err(OutreachError::File(format!(
                "it has more than {MOST_ROWS} rows. Split it and import the parts one after the other."
            )));
        }
        if row_count <= LOOKED_AT as i64 {
            for (column, cell) in samples.iter_mut().zip(&record.cells) {
                if !cell.trim().is_empty() {
                    column.push(cell.trim().to_owned());
                }
            }
        }
        match writer.add(&record)? {
            Some(full) => send(chunks, full),
            None => Ok(()),
        }
    })?;
    if row_count == 0 {
        return Err(OutreachError::File("it has a header and no rows.".to_owned()));
    }
    if let Some(rest) = writer.finish()? {
        send(chunks, rest)?;
    }
    Ok(Summary { columns: describe(names.unwrap_or_default(), samples, country), row_count })
}

fn send(chunks: &mpsc::Sender<Vec<u8>>, chunk: Vec<u8>) -> Result<(), OutreachError> {
    chunks.blocking_send(chunk).map_err(|_| failed("keeping it was given up"))
}

/// Every column gets a name, and no two the same.
fn column_names(cells: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(cells.len());
    for (cell, number) in cells.iter().zip(1..) {
        let name = clean(cell, 200).unwrap_or_else(|| format!("Column {number}"));
        let mut unique = name.clone();
        let mut copy = 2;
        while names.contains(&unique) {
            unique = format!("{name} ({copy})");
            copy += 1;
        }
        names.push(unique);
    }
    names
}

/// The columns with what they may be, by their names and, for the phone number, by what stands in them.
fn describe(names: Vec<String>, samples: Vec<Vec<String>>, country: &str) -> Vec<ImportColumn> {
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
        && let Some(position) = samples.iter().position(|cells| are_phones(cells, country))
        && suggestions[position].is_none()
    {
        suggestions[position] = Some("phone");
    }
    names
        .into_iter()
        .zip(suggestions)
        .zip(samples)
        .map(|((name, suggestion), cells)| ImportColumn {
            name,
            suggestion: suggestion.map(str::to_owned),
            samples: cells.into_iter().take(SAMPLES).map(|cell| cell.chars().take(100).collect()).collect(),
        })
        .collect()
}

/// Whether nearly all cells are phone numbers and look like some.
fn are_phones(cells: &[String], country: &str) -> bool {
    let phones = cells.iter().filter(|cell| {
        cell.chars().filter(char::is_ascii_digit).count() >= 7 && PhoneNumber::parse(cell, Some(country)).is_ok()
    });
    !cells.is_empty() && phones.count() * 10 >= cells.len() * 9
}

/// Gathers rows to chunks.
#[derive(Default)]
struct ChunkWriter {
    writer: Option<csv::Writer<Vec<u8>>>,
    rows: usize,
    bytes: usize,
}

impl ChunkWriter {
    /// Adds a row; gives the chunk when it is full.
    fn add(&mut self, record: &Record) -> Result<Option<Vec<u8>>, OutreachError> {
        let writer = self
            .writer
            .get_or_insert_with(|| csv::WriterBuilder::new().flexible(true).from_writer(Vec::with_capacity(64 << 10)));
        let number = record.number.to_string();
        writer.write_record(std::iter::once(&number).chain(&record.cells).map(String::as_bytes)).map_err(failed)?;
        self.rows += 1;
        self.bytes += record.cells.iter().map(String::len).sum::<usize>();
        if self.rows >= CHUNK || self.bytes >= LONGEST_ROW { self.finish() } else { Ok(None) }
    }

    /// What is gathered, when there is anything.
    fn finish(&mut self) -> Result<Option<Vec<u8>>, OutreachError> {
        (self.rows, self.bytes) = (0, 0);
        self.writer.take().map(|writer| writer.into_inner().map_err(failed)).transpose()
    }
}

/// The rows of a chunk.
///
/// # Errors
/// When it is not one that was written here.
pub(super) fn rows_of(data: &[u8]) -> Result<Vec<Record>, OutreachError> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(data);
    let mut rows = Vec::new();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(failed)? {
        let number = record.get(0).and_then(|text| text.parse().ok()).ok_or_else(|| failed("a chunk is damaged"))?;
        rows.push(Record { number, cells: record.iter().skip(1).map(str::to_owned).collect() });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn chunks_give_back_what_was_put_in(rows in prop::collection::vec(prop::collection::vec(".{0,12}", 1..5), 1..30)) {
            let rows: Vec<Record> = (2..).zip(rows).map(|(number, cells)| Record { number, cells }).collect();
            let mut writer = ChunkWriter::default();
            for row in &rows {
                prop_assert!(writer.add(row).unwrap().is_none());
            }
            prop_assert_eq!(rows_of(&writer.finish().unwrap().unwrap()).unwrap(), rows);
        }
    }

    #[test]
    fn columns_have_names_of_their_own() {
        let names = column_names(&["Phone", "", "Phone", " Phone "].map(str::to_owned));
        assert_eq!(names, ["Phone", "Column 2", "Phone (2)", "Phone (3)"]);
    }
}
