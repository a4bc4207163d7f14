//! The file of refused rows: what to correct, ready to be imported again.

use segue_model::{ImportId, WorkspaceId, spreadsheet::row};
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
        let cells: Vec<String> = cells.collect();
        out.push_str(&row(cells.iter().map(String::as_str)));
    }
    let next = page.last().filter(|_| page.len() as i64 == PAGE).map(|last| last.row_number);
    Ok((out, next))
}
