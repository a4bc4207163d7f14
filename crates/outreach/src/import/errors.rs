//! The file of refused rows: what to correct, ready to be imported again.

use segue_model::{ImportId, WorkspaceId};
use segue_store::Store;

use super::write::HEADER_ROW;
use crate::OutreachError;

/// Rows per read.
const PAGE: i64 = 1_000;

/// The refused rows of an import as CSV: the row's number, why it was refused, and its cells. Every cell is quoted, and
/// none can act as a formula in a spreadsheet. For files that are read as a whole; see [`errors_page`].
///
/// # Errors
/// When there is no such import.
pub async fn errors_csv(store: &Store, workspace_id: WorkspaceId, id: ImportId) -> Result<String, OutreachError> {
    let mut out = String::new();
    let mut after = Some(0);
    while let Some(from) = after {
        let (text, next) = errors_page(store, workspace_id, id, from).await?;
        out.push_str(&text);
        after = next;
    }
    Ok(out)
}

/// The part of [`errors_csv`] after row `after` (0 at the begin), and from where to go on when there is more.
///
/// # Errors
/// When there is no such import.
pub async fn errors_page(
    store: &Store,
    workspace_id: WorkspaceId,
    id: ImportId,
    after: i64,
) -> Result<(String, Option<i64>), OutreachError> {
    let page = store
        .read(move |tx| {
            tx.import(workspace_id, id)?.ok_or(OutreachError::NotFound("import"))?;
            Ok::<_, OutreachError>(tx.import_errors(workspace_id, id, after, PAGE)?)
        })
        .await?;
    let mut out = String::new();
    for error in &page {
        let (number, message) = if error.row_number == HEADER_ROW {
            ("row".to_owned(), "problem".to_owned())
        } else {
            (error.row_number.to_string(), error.message.clone())
        };
        let cells = [number, message].into_iter().chain(error.fields.iter().cloned());
        let line: Vec<String> = cells.map(|cell| quoted(&guarded_cell(&cell))).collect();
        out.push_str(&line.join(","));
        out.push_str("\r\n");
    }
    let next = page.last().filter(|_| page.len() as i64 == PAGE).map(|last| last.row_number);
    Ok((out, next))
}

/// A cell that no spreadsheet takes for a formula: an apostrophe goes before what could be one.
#[must_use]
pub fn guarded_cell(cell: &str) -> String {
    let acts = |text: &str| text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    // Some spreadsheets ignore blanks before a formula.
    if acts(cell) || acts(cell.trim_start_matches([' ', '\u{a0}'])) { format!("'{cell}") } else { cell.to_owned() }
}

fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_can_act() {
        for cell in ["=1+1", "+15550100", "-2", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1"] {
            assert!(guarded_cell(cell).starts_with('\''), "{cell:?}");
        }
        for cell in ["", "Ana", "a=b", "5550100", "'x"] {
            assert_eq!(guarded_cell(cell), cell);
        }
    }
}
