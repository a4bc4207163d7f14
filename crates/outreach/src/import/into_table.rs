//! Imports into tables beside the contacts, by the same files, chunks, dry run, progress and undoing.
//!
//! A row of the file says of the row with its key what its columns say; what the file has no column for stays. What was
//! there before is logged with the import in the transaction that changes it, so that undoing gives it back where nobody
//! changed it since.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
};

use segue_model::{ImportId, TableId, Timestamp, WorkspaceId, spreadsheet::unguarded_cell};
use segue_store::{
    Tx,
    import::{ImportCounts, UndoCounts},
    table::DataTable,
    table_import::RowImported,
    table_row::{NewRow, RowChange, RowFields},
};

use super::{
    ImportOptions, Job, file,
    row::{Parsed, Refusal},
};
use crate::{
    OutreachError,
    tables::{found, rows, values},
};

/// Which column of the file is which of the table.
fn columns(
    table: &DataTable,
    header: &[String],
    options: &ImportOptions,
) -> Result<Vec<(usize, String)>, OutreachError> {
    let invalid = |message: String| Err(OutreachError::invalid("mapping", message));
    let mut columns: Vec<(usize, String)> = Vec::new();
    for (column, name) in &options.mapping {
        let name = name.trim();
        if name.is_empty() || name == "ignore" {
            continue;
        }
        let position = header.iter().position(|other| other == column.trim());
        let position = position.ok_or_else(|| OutreachError::UnknownColumn(column.clone()))?;
        if table.column(name).is_none() {
            return invalid(format!("The table has no column '{name}'."));
        }
        if columns.iter().any(|(_, other)| other == name) {
            return invalid(format!("Two columns are mapped to '{name}'."));
        }
        columns.push((position, name.to_owned()));
    }
    let missing = table.key_columns().find(|key| columns.iter().all(|(_, name)| *name != key.name));
    match missing {
        Some(key) => invalid(format!("Choose the column that holds '{}': rows are known by it.", key.label)),
        None => Ok(columns),
    }
}

/// Checks how a file is to be read.
///
/// # Errors
/// When the mapping does not fit file or table, or something else of contacts is asked for.
pub(super) fn check(table: &DataTable, header: &[String], options: &ImportOptions) -> Result<(), OutreachError> {
    if options.consent.is_some() || options.list_id.is_some() || options.list_name.is_some() {
        let message = "An import into a table has no list and no consent; import contacts for these.";
        return Err(OutreachError::invalid("table_id", message));
    }
    columns(table, header, options).map(|_| ())
}

/// Parses chunks in their order and knows the hashed keys of the rows so far.
pub(super) struct Parser {
    table: DataTable,
    columns: Vec<(usize, String)>,
    country: String,
    seen: HashMap<u64, u32>,
}

impl Parser {
    pub fn new(
        table: DataTable,
        header: &[String],
        options: &ImportOptions,
        country: String,
    ) -> Result<Self, OutreachError> {
        let columns = columns(&table, header, options)?;
        Ok(Self { table, columns, country, seen: HashMap::new() })
    }

    pub fn parse(&mut self, data: &[u8]) -> Result<Vec<Parsed>, OutreachError> {
        let records = file::rows_of(data)?;
        Ok(records.into_iter().map(|record| self.one(record.number, record.cells)).collect())
    }

    fn one(&mut self, number: i64, cells: Vec<String>) -> Parsed {
        let given: RowFields = self
            .columns
            .iter()
            .map(|(position, name)| {
                (name.clone(), cells.get(*position).map_or_else(String::new, |cell| unguarded_cell(cell).to_owned()))
            })
            .collect();
        let refused =
            |code, message, cells| Parsed::Refused { number, refusal: Refusal::new(code, message), cells, out: None };
        let patch = match values::row_of(&self.table, &given, &self.country) {
            Ok(patch) => patch,
            Err(message) => return refused("invalid_value", message, cells),
        };
        // The same in every process, so that an import that is taken up again refuses the same rows.
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(&patch.key);
        if let Some(first) = self.seen.get(&hash) {
            return refused("duplicate_in_file", format!("This key stands in row {first} already."), cells);
        }
        self.seen.insert(hash, u32::try_from(number).unwrap_or(u32::MAX));
        Parsed::OfTable(patch)
    }
}

/// Writes the rows of a chunk and logs what they changed.
pub(super) fn write(
    tx: &mut Tx<'_>,
    job: &Job,
    table_id: TableId,
    patches: &[values::Patch],
    counts: &mut ImportCounts,
    now: Timestamp,
) -> Result<(), OutreachError> {
    tx.lock_rows(job.workspace_id, table_id)?;
    let table = found(tx, job.workspace_id, table_id)?;
    let changes = rows::put(tx, job.workspace_id, &table, (patches, &job.country), now)?;
    let after = tx.row_fields(job.workspace_id, table_id, patches.iter().map(|patch| patch.key.as_str()))?;
    for ((patch, change), after) in patches.iter().zip(changes).zip(after) {
        let before = match change {
            RowChange::Unchanged => {
                counts.unchanged += 1;
                continue;
            }
            RowChange::Created => {
                counts.created += 1;
                None
            }
            RowChange::Updated(before) => {
                counts.updated += 1;
                Some(before)
            }
        };
        let (before, country_before) = before.map(|before| (before.fields, before.country)).unzip();
        let (key, country_before) = (patch.key.clone(), country_before.flatten());
        let imported = RowImported { key, before, country_before, after: after.unwrap_or_default() };
        tx.insert_row_change(job.workspace_id, job.import_id, &imported)?;
    }
    Ok(())
}

/// What undoing does to one row.
#[derive(Debug, PartialEq, Eq)]
enum Action {
    /// It is gone.
    Nothing,
    Remove,
    Restore(RowFields),
    ChangedSince,
}

fn decide(change: &RowImported, now: Option<&RowFields>) -> Action {
    match (now, &change.before) {
        (None, _) => Action::Nothing,
        (Some(now), _) if *now != change.after => Action::ChangedSince,
        (Some(_), None) => Action::Remove,
        (Some(_), Some(before)) => Action::Restore(before.clone()),
    }
}

fn count(counts: &mut UndoCounts, action: &Action, created: bool) {
    match action {
        Action::Nothing => {}
        Action::Remove => counts.removed += 1,
        Action::Restore(_) => counts.restored += 1,
        Action::ChangedSince if created => counts.kept += 1,
        Action::ChangedSince => counts.changed_since += 1,
    }
}

/// What undoing would come to for the next rows of the log, and the last of them.
pub(super) fn look(
    tx: &mut Tx<'_>,
    (workspace_id, import_id): (WorkspaceId, ImportId),
    table_id: TableId,
    after: &str,
    limit: i64,
    counts: &mut UndoCounts,
) -> Result<Option<String>, OutreachError> {
    let page = tx.row_changes(workspace_id, import_id, after, limit)?;
    let now = tx.row_fields(workspace_id, table_id, page.iter().map(|change| change.key.as_str()))?;
    for (change, now) in page.iter().zip(&now) {
        count(counts, &decide(change, now.as_ref()), change.before.is_none());
    }
    Ok(page.last().map(|last| last.key.clone()))
}

/// Undoes the next rows of the log and takes them out of it. `false` when there are no more.
pub(super) fn undo(
    tx: &mut Tx<'_>,
    (workspace_id, import_id): (WorkspaceId, ImportId),
    table_id: TableId,
    (limit, now): (i64, Timestamp),
    counts: &mut UndoCounts,
) -> Result<bool, OutreachError> {
    tx.lock_rows(workspace_id, table_id)?;
    let Some(table) = tx.table(workspace_id, table_id)? else { return Ok(false) };
    let country = values::country(tx, workspace_id)?;
    let page = tx.row_changes(workspace_id, import_id, "", limit)?;
    let known = tx.row_fields(workspace_id, table_id, page.iter().map(|change| change.key.as_str()))?;
    let (mut gone, mut back) = (Vec::new(), Vec::new());
    for (change, known) in page.iter().zip(&known) {
        let action = decide(change, known.as_ref());
        count(counts, &action, change.before.is_none());
        match action {
            Action::Remove => gone.push(change.key.clone()),
            Action::Restore(fields) => {
                let told = change.country_before.clone();
                let link = values::address(&table, &fields, told.as_deref().unwrap_or(&country)).ok().flatten();
                back.push(NewRow { key: change.key.clone(), fields, link, country: told });
            }
            Action::Nothing | Action::ChangedSince => {}
        }
    }
    tx.delete_rows(workspace_id, table_id, &gone, now)?;
    tx.put_rows(workspace_id, table_id, &back, now)?;
    for change in &page {
        tx.delete_row_change(workspace_id, import_id, &change.key)?;
    }
    Ok(!page.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_changed_since_is_left_alone() {
        let fields = |total: &str| RowFields::from([("total".to_owned(), total.to_owned())]);
        let made = RowImported { key: "1".to_owned(), before: None, country_before: None, after: fields("5") };
        assert_eq!(decide(&made, Some(&fields("5"))), Action::Remove);
        assert_eq!(decide(&made, Some(&fields("6"))), Action::ChangedSince);
        assert_eq!(decide(&made, None), Action::Nothing);
        let changed = RowImported { before: Some(fields("4")), ..made };
        assert_eq!(decide(&changed, Some(&fields("5"))), Action::Restore(fields("4")));
        assert_eq!(decide(&changed, Some(&fields("6"))), Action::ChangedSince);
    }
}
