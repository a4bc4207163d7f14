//! Rows of tables: written and deleted in batches with an answer for each, listed, and exported.

use std::{collections::HashMap, sync::Arc};

use segue_expr::Condition;
use segue_model::{ContactId, Ctx, TableId, WorkspaceId, attribute::AttributeKind, spreadsheet::guarded_cell};
use segue_store::{
    Store, Tx,
    table::DataTable,
    table_page::{RowQuery, TableRow},
    table_row::{NewRow, RowChange, RowFields},
};
use serde::{Deserialize, Serialize};

use super::{
    MOST_ROWS, check_columns, found,
    values::{self, Country, Patch},
};
use crate::OutreachError;

/// Most rows of one request.
pub const MOST_AT_ONCE: usize = 10_000;
/// Rows of one transaction.
pub const AT_ONCE: usize = 1_000;
/// Pages that are looked at for one page that is shown.
const MOST_LOOKS: usize = 50;

/// A row that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RowProblem {
    /// Its place among the rows of the request, from 0.
    pub index: usize,
    pub message: String,
}

/// What the rows of a request came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RowsWritten {
    pub created: usize,
    pub updated: usize,
    /// Known rows to which nothing new was said.
    pub unchanged: usize,
    /// Rows that were refused, with the reasons; the others are written.
    pub problems: Vec<RowProblem>,
}

/// What became of rows that were to be deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RowsDeleted {
    pub deleted: usize,
    /// Keys that no row has, or that are none.
    pub problems: Vec<RowProblem>,
}

/// What becomes of a row whose key there is already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Known {
    #[default]
    Changed,
    /// The new one is refused.
    Left,
}

/// Which rows to list.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct RowsWanted {
    pub after: Option<String>,
    /// A condition over the columns: `row.status == "open"`.
    pub condition: Option<String>,
    pub contact_id: Option<ContactId>,
    pub limit: i64,
}

/// Rows that were prepared, and what was wrong with the others.
#[derive(Default)]
pub(crate) struct Prepared {
    pub rows: Vec<Patch>,
    pub problems: Vec<RowProblem>,
    /// Places of the rows by their keys.
    pub keys: HashMap<String, usize>,
}

/// Checks the rows of a request from `start` on. Of two with the same key the later one is refused; `seen` are those
/// before, by their keys.
fn prepare(
    table: &DataTable,
    country: &str,
    (start, given): (usize, &[RowFields]),
    seen: &HashMap<String, usize>,
) -> Prepared {
    let mut prepared = Prepared::default();
    let mut own: HashMap<String, usize> = HashMap::new();
    for (index, row) in (start..).zip(given) {
        let patch = values::row_of(table, row, country).and_then(|patch| {
            match own.get(&patch.key).or_else(|| seen.get(&patch.key)) {
                Some(first) => Err(format!("Row {first} of the request has the same key.")),
                None => Ok(patch),
            }
        });
        match patch {
            Ok(patch) => {
                own.insert(patch.key.clone(), index);
                prepared.rows.push(patch);
            }
            Err(message) => prepared.problems.push(RowProblem { index, message }),
        }
    }
    prepared.keys = own;
    prepared
}

/// Writes rows, each anew or over what the row with its key holds. The caller has the table under its lock.
///
/// # Errors
/// When the table would have too many rows.
pub(crate) fn put(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    table: &DataTable,
    (patches, country): (&[Patch], &Country),
    now: segue_model::Timestamp,
) -> Result<Vec<RowChange>, OutreachError> {
    let before = tx.known_rows(workspace_id, table.id, patches.iter().map(|patch| patch.key.as_str()))?;
    let rows: Vec<NewRow> =
        patches.iter().zip(before).map(|(patch, before)| patch.over(table, before, country)).collect();
    let changes = tx.put_rows(workspace_id, table.id, &rows, now)?;
    let created = changes.iter().filter(|change| **change == RowChange::Created).count() as i64;
    if created > 0 && table.row_count + created > MOST_ROWS {
        return Err(OutreachError::invalid("rows", format!("A table has at most {MOST_ROWS} rows.")));
    }
    Ok(changes)
}

/// Writes up to [`MOST_AT_ONCE`] rows; those that are refused are told with the reason, the others are written.
///
/// # Errors
/// When there is no such table, there are no rows or too many, or the table would have too many; then the rows up to
/// there are written, and sending the same again does no harm.
pub async fn write(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: TableId,
    given: Vec<RowFields>,
) -> Result<RowsWritten, OutreachError> {
    if given.is_empty() || given.len() > MOST_AT_ONCE {
        return Err(OutreachError::invalid("rows", format!("Give 1 to {MOST_AT_ONCE} rows.")));
    }
    let now = ctx.now();
    let mut written = RowsWritten::default();
    let given = Arc::new(given);
    let mut seen = Arc::new(HashMap::new());
    for start in (0..given.len()).step_by(AT_ONCE) {
        let (given, before) = (Arc::clone(&given), Arc::clone(&seen));
        let (part, keys) = store
            .write_bulk(move |tx| {
                tx.lock_rows(workspace_id, id)?;
                let table = found(tx, workspace_id, id)?;
                let country = Country::Usual(values::country(tx, workspace_id)?);
                let end = (start + AT_ONCE).min(given.len());
                let part = (start, &given[start..end]);
                let Prepared { rows, problems, keys } = prepare(&table, country.code(), part, &before);
                let changes = put(tx, workspace_id, &table, (&rows, &country), now)?;
                let count = |wanted: fn(&RowChange) -> bool| changes.iter().filter(|change| wanted(change)).count();
                let part = RowsWritten {
                    created: count(|change| *change == RowChange::Created),
                    updated: count(|change| matches!(change, RowChange::Updated(_))),
                    unchanged: count(|change| *change == RowChange::Unchanged),
                    problems,
                };
                Ok::<_, OutreachError>((part, keys))
            })
            .await?;
        written.created += part.created;
        written.updated += part.updated;
        written.unchanged += part.unchanged;
        written.problems.extend(part.problems);
        Arc::make_mut(&mut seen).extend(keys);
    }
    Ok(written)
}

/// Writes one row and gives it as it is stored.
///
/// # Errors
/// When there is no such table or the row is refused; [`OutreachError::RowTaken`] where a known one is to be left.
pub async fn write_one(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: TableId,
    (given, known): (RowFields, Known),
) -> Result<TableRow, OutreachError> {
    let now = ctx.now();
    store
        .write(move |tx| {
            tx.lock_rows(workspace_id, id)?;
            let table = found(tx, workspace_id, id)?;
            let country = Country::Usual(values::country(tx, workspace_id)?);
            let row =
                values::row_of(&table, &given, country.code()).map_err(|why| OutreachError::invalid("fields", why))?;
            let changes = put(tx, workspace_id, &table, (std::slice::from_ref(&row), &country), now)?;
            if known == Known::Left && !changes.contains(&RowChange::Created) {
                return Err(OutreachError::RowTaken);
            }
            tx.table_row(workspace_id, id, &row.key)?.ok_or(OutreachError::NotFound("row"))
        })
        .await
}

/// Deletes up to [`MOST_AT_ONCE`] rows by the values of their key columns.
///
/// # Errors
/// When there is no such table, or there are no keys or too many.
pub async fn delete(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: TableId,
    keys: Vec<Vec<String>>,
) -> Result<RowsDeleted, OutreachError> {
    if keys.is_empty() || keys.len() > MOST_AT_ONCE {
        return Err(OutreachError::invalid("keys", format!("Give 1 to {MOST_AT_ONCE} keys.")));
    }
    let now = ctx.now();
    store
        .write_bulk(move |tx| {
            tx.lock_table(id)?;
            let table = found(tx, workspace_id, id)?;
            let mut result = RowsDeleted::default();
            let mut places = Vec::new();
            let mut wanted = Vec::new();
            for (index, key) in keys.iter().enumerate() {
                match values::key_of(&table, key.iter().map(|value| Some(value.as_str()))) {
                    Ok(key) => {
                        places.push(index);
                        wanted.push(key);
                    }
                    Err(message) => result.problems.push(RowProblem { index, message }),
                }
            }
            for (index, was_there) in places.into_iter().zip(tx.delete_rows(workspace_id, id, &wanted, now)?) {
                if was_there {
                    result.deleted += 1;
                } else {
                    result.problems.push(RowProblem { index, message: "There is no row with this key.".to_owned() });
                }
            }
            result.problems.sort_by_key(|problem| problem.index);
            Ok(result)
        })
        .await
}

/// Rows in the order of their keys, and where to go on. A page may be short while there is more to look at.
///
/// # Errors
/// When there is no such table, or the condition cannot be read or asks for a column that is not there.
pub async fn list(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: TableId,
    wanted: RowsWanted,
) -> Result<(Vec<TableRow>, Option<String>), OutreachError> {
    let text = wanted.condition.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let filter = text.map_or_else(|| Ok(Condition::everybody()), Condition::read_row);
    let filter = filter.map_err(OutreachError::Condition)?;
    let now = ctx.now();
    let (mut rows, mut after) = (Vec::new(), wanted.after.unwrap_or_default());
    for _ in 0..MOST_LOOKS {
        let query = RowQuery {
            after: after.clone(),
            filter: filter.clone(),
            contact_id: wanted.contact_id,
            now,
            limit: wanted.limit - rows.len() as i64,
        };
        let page = store
            .read(move |tx| {
                check_columns(&found(tx, workspace_id, id)?, &query.filter)?;
                Ok::<_, OutreachError>(tx.row_page(workspace_id, id, &query)?)
            })
            .await?;
        rows.extend(page.rows);
        match page.next {
            None => return Ok((rows, None)),
            Some(next) => after = next,
        }
        if rows.len() as i64 >= wanted.limit {
            break;
        }
    }
    Ok((rows, Some(after)))
}

/// A part of a table as CSV, with the names of the columns before its first row, and where to go on. No cell can act as a
/// formula.
///
/// # Errors
/// When there is no such table.
pub async fn export(
    store: &Store,
    workspace_id: WorkspaceId,
    id: TableId,
    after: Option<String>,
) -> Result<(String, Option<String>), OutreachError> {
    let is_first = after.is_none();
    let from = after.unwrap_or_default();
    let (table, rows) = store
        .read(move |tx| {
            let table = found(tx, workspace_id, id)?;
            Ok::<_, OutreachError>((table, tx.rows_after(workspace_id, id, &from, AT_ONCE as i64)?))
        })
        .await?;
    let failed = |error: csv::Error| OutreachError::File(error.to_string());
    let mut writer = csv::Writer::from_writer(Vec::new());
    if is_first {
        let labels = table.columns.iter().map(|column| guarded_cell(&column.label));
        writer.write_record(labels).map_err(failed)?;
    }
    for (_, fields) in &rows {
        let cells = table.columns.iter().map(|column| {
            let value = fields.get(&column.name).map_or("", String::as_str);
            // A minus before a number is no formula, and a number has to come back as one.
            match column.kind {
                AttributeKind::Number => value.to_owned(),
                _ => guarded_cell(value),
            }
        });
        writer.write_record(cells).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| OutreachError::File(error.to_string()))?;
    let next = (rows.len() == AT_ONCE).then(|| rows.last().map(|row| row.0.clone())).flatten();
    Ok((String::from_utf8_lossy(&bytes).into_owned(), next))
}
