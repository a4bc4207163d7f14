//! Imports into tables beside the contacts, by the same files, chunks, dry run, progress and undoing.
//!
//! A row of the file says of the row with its key what its columns say; what the file has no column for stays. What was
//! there before is logged with the import in the transaction that changes it, so that undoing gives it back, value by value,
//! where nobody changed it since. A row that another import made is noted, too, where the file says the same of it: it stays
//! when that one is undone, as this one's. Undoing one of several imports that changed a row leaves what the later ones say, and
//! these are noted to have found what was before the one that is undone.

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
    table_row::{KnownRow, NewRow, RowChange, RowFields},
};

use super::{
    ImportOptions, Job, file,
    row::{Parsed, Refusal},
};
use crate::{
    OutreachError,
    contacts::clean,
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
    let mut found_so = Vec::new();
    for ((patch, change), after) in patches.iter().zip(changes).zip(after) {
        let before = match change {
            RowChange::Unchanged => {
                counts.unchanged += 1;
                found_so.push(patch.key.as_str());
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
    for key in tx.rows_made_by_others(job.workspace_id, (table_id, job.import_id), &found_so, now)? {
        tx.insert_row_change(job.workspace_id, job.import_id, &RowImported::found(key))?;
    }
    Ok(())
}

/// What undoing does to one row.
#[derive(Debug, PartialEq, Eq)]
enum Action {
    /// It is gone, or the import left it as it was.
    Nothing,
    Remove,
    /// Another import brought it, too, or somebody changed it since.
    Keep,
    /// The row as it is now, with the values and the country that the import had changed and nobody changed since.
    Restore(RowFields, Option<String>),
    ChangedSince,
}

/// An entry of the log with what is known now.
struct Entry {
    change: RowImported,
    now: Option<KnownRow>,
    /// What later imports that are not undone did to the row, in their order.
    later: Vec<(ImportId, RowImported)>,
}

impl Entry {
    /// The columns that the import changed and the table still has.
    fn changed<'a>(&'a self, table: &DataTable) -> Vec<&'a str> {
        let RowImported { before: Some(before), after, .. } = &self.change else { return Vec::new() };
        let mut names: Vec<&str> = before.keys().chain(after.keys()).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| table.column(name).is_some() && before.get(*name) != after.get(*name));
        names
    }

    /// `told` is the country that the import was told.
    fn decide(&self, table: &DataTable, told: Option<&str>) -> Action {
        let change = &self.change;
        let Some(now) = self.now.as_ref().filter(|_| !change.is_found()) else { return Action::Nothing };
        let Some(before) = &change.before else {
            return if self.later.is_empty() && same(table, &now.fields, &change.after) {
                Action::Remove
            } else {
                Action::Keep
            };
        };
        if self.later.iter().any(|(_, later)| later.before.is_none()) {
            // It was deleted since, and came anew.
            return Action::ChangedSince;
        }
        let (changed, mut fields) = (self.changed(table), now.fields.clone());
        for name in &changed {
            if now.fields.get(*name) == change.after.get(*name) {
                set(&mut fields, name, before.get(*name));
            }
        }
        let country_after = told.or(change.country_before.as_deref());
        let country = if now.country.as_deref() == country_after { &change.country_before } else { &now.country };
        let is_restored = fields != now.fields || (changed.is_empty() && *country != now.country);
        if is_restored { Action::Restore(fields, country.clone()) } else { Action::ChangedSince }
    }

    /// Later imports found what was before this one, if this one never was: their entries say so from now on. Gives those
    /// that are others now.
    fn pass_on(self, table: &DataTable, told: Option<&str>) -> Vec<(ImportId, RowImported)> {
        if self.now.is_none() || self.change.is_found() {
            return Vec::new();
        }
        let changed: Vec<String> = self.changed(table).into_iter().map(str::to_owned).collect();
        let (change, mut later) = (self.change, self.later);
        let Some(before) = &change.before else {
            later.truncate(1);
            later.retain_mut(|(_, next)| {
                let found_so = next.before.as_ref().is_some_and(|found| same(table, found, &change.after));
                if next.is_found() {
                    *next = change.clone();
                } else if found_so {
                    next.before = None;
                }
                next.before.is_none()
            });
            return later;
        };
        let (mut open, mut others) = (changed, Vec::new());
        for (id, mut next) in later.into_iter().filter(|(_, next)| !next.is_found()) {
            let was = next.clone();
            let Some(found) = &mut next.before else { break };
            open.retain(|name| {
                if found.get(name) != change.after.get(name) {
                    return false;
                }
                let is_own = next.after.get(name) != found.get(name);
                set(found, name, before.get(name));
                if !is_own {
                    set(&mut next.after, name, before.get(name));
                }
                !is_own
            });
            if told.is_some() && next.country_before.as_deref() == told {
                next.country_before.clone_from(&change.country_before);
            }
            if next != was {
                others.push((id, next));
            }
        }
        others
    }
}

/// Whether a row holds what was noted of it, as far as the table still has the columns.
fn same(table: &DataTable, row: &RowFields, noted: &RowFields) -> bool {
    table.columns.iter().all(|column| row.get(&column.name) == noted.get(&column.name))
}

fn set(fields: &mut RowFields, name: &str, value: Option<&String>) {
    match value {
        Some(value) => fields.insert(name.to_owned(), value.clone()),
        None => fields.remove(name),
    };
}

fn count(counts: &mut UndoCounts, action: &Action) {
    match action {
        Action::Nothing => {}
        Action::Remove => counts.removed += 1,
        Action::Keep => counts.kept += 1,
        Action::Restore(..) => counts.restored += 1,
        Action::ChangedSince => counts.changed_since += 1,
    }
}

/// The next entries of the log after a key.
fn entries(
    tx: &mut Tx<'_>,
    (workspace_id, import_id): (WorkspaceId, ImportId),
    table_id: TableId,
    (after, limit): (&str, i64),
) -> Result<Vec<Entry>, OutreachError> {
    let page = tx.row_changes(workspace_id, import_id, after, limit)?;
    let keys: Vec<&str> = page.iter().map(|change| change.key.as_str()).collect();
    let known = tx.known_rows(workspace_id, table_id, keys.iter().copied())?;
    let later = tx.row_changes_after(workspace_id, (table_id, import_id), &keys)?;
    let all = page.into_iter().zip(known).zip(later);
    Ok(all.map(|((change, now), later)| Entry { change, now, later }).collect())
}

/// The country that an import was told.
fn told(tx: &mut Tx<'_>, workspace_id: WorkspaceId, id: ImportId) -> Result<Option<String>, OutreachError> {
    let work = tx.import_work(workspace_id, id)?.ok_or(OutreachError::NotFound("import"))?;
    // Options that cannot be read any more told nothing that matters now.
    let options: ImportOptions = serde_json::from_value(work.options).unwrap_or_default();
    Ok(clean(&options.default_country, 2))
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
    let Some(table) = tx.table(workspace_id, table_id)? else { return Ok(None) };
    let told = told(tx, workspace_id, import_id)?;
    let page = entries(tx, (workspace_id, import_id), table_id, (after, limit))?;
    for entry in &page {
        count(counts, &entry.decide(&table, told.as_deref()));
    }
    Ok(page.last().map(|last| last.change.key.clone()))
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
    let told = told(tx, workspace_id, import_id)?;
    let page = entries(tx, (workspace_id, import_id), table_id, ("", limit))?;
    let is_last = page.is_empty();
    let (mut gone, mut back) = (Vec::new(), Vec::new());
    for entry in page {
        let action = entry.decide(&table, told.as_deref());
        count(counts, &action);
        let key = entry.change.key.clone();
        tx.delete_row_change(workspace_id, import_id, &key)?;
        for (other, change) in entry.pass_on(&table, told.as_deref()) {
            tx.put_row_change(workspace_id, other, &change)?;
        }
        match action {
            Action::Remove => gone.push(key),
            Action::Restore(fields, own) => {
                let link = values::address(&table, &fields, own.as_deref().unwrap_or(&country)).ok().flatten();
                back.push(NewRow { key, fields, link, country: own });
            }
            Action::Nothing | Action::Keep | Action::ChangedSince => {}
        }
    }
    tx.delete_rows(workspace_id, table_id, &gone, now)?;
    tx.put_rows(workspace_id, table_id, &back, now)?;
    Ok(!is_last)
}
