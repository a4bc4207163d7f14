//! Tables beside the contacts: orders, appointments, prices. A workspace says what columns a table has; rows come by API
//! or file, are checked against the columns, and may be linked to contacts. Texts look things up in them
//! ([`crate::look_up`]), segments and audiences ask for them.
//!
//! # Why a crash at each point is safe
//! Each change of a table, and each [`rows::AT_ONCE`] rows of a batch, is one transaction. Rows are known by their keys, so
//! whoever sends a batch again after a crash writes the same rows.

pub mod rows;
pub(crate) mod values;

use segue_expr::{Condition, ReadProblem, TableName, Test};
use segue_model::{Ctx, TableId, WorkspaceId};
use segue_store::{
    Store, Tx,
    contact_view::AttributeKind,
    table::{DataTable, LinkBy, TableColumn, TableLink},
};
use serde::Deserialize;

use crate::{OutreachError, campaign::asks_for_table, contacts::clean, look_up};

/// Most tables of a workspace.
pub const MOST_TABLES: usize = 100;
/// Most columns of a table.
pub const MOST_COLUMNS: usize = 50;
/// Most columns of a key.
const MOST_KEYS: usize = 5;
/// Most rows of a table.
pub const MOST_ROWS: i64 = 1_000_000;
/// Most words of a choice.
const MOST_CHOICES: usize = 100;
/// Longest name of a table or column, in characters.
const LONGEST_NAME: usize = 60;

/// A column that a table is to have.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnInput {
    /// Of a column that is there already; a new one gets its name from its label.
    #[serde(default)]
    pub name: Option<String>,
    /// As people read it: `Order No.` becomes `order_no`.
    pub label: String,
    pub kind: AttributeKind,
    /// The words of a choice.
    #[serde(default)]
    pub choices: Vec<String>,
    /// Whether rows are known by it. At least one column is of the key.
    #[serde(default)]
    pub is_key: bool,
}

/// How rows are to be linked to contacts.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkInput {
    /// Name or label of the column.
    pub column: String,
    pub by: LinkBy,
}

/// What a table is to be.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TableInput {
    /// As people read it; texts and conditions use the name that is made of it, which never changes.
    pub label: String,
    pub columns: Vec<ColumnInput>,
    #[serde(default)]
    pub link: Option<LinkInput>,
}

/// What a table is to be from now on; all of it is given anew.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TableChange {
    pub label: String,
    pub columns: Vec<ColumnInput>,
    #[serde(default)]
    pub link: Option<LinkInput>,
    /// The version that was looked at; the change is refused when there is a newer one.
    pub version: i64,
}

/// The name that texts and conditions use for a label.
fn name_of(label: &str) -> Option<String> {
    let mut name = String::new();
    for letter in label.trim().to_lowercase().chars() {
        if letter.is_alphanumeric() {
            name.push(letter);
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    let name: String = name.trim_end_matches('_').chars().take(LONGEST_NAME).collect();
    (!name.is_empty() && !name.starts_with(|letter: char| letter.is_numeric())).then_some(name)
}

fn invalid(field: &'static str, message: impl Into<String>) -> OutreachError {
    OutreachError::invalid(field, message)
}

fn columns_of(given: &[ColumnInput], before: &[TableColumn]) -> Result<Vec<TableColumn>, OutreachError> {
    if given.is_empty() || given.len() > MOST_COLUMNS {
        return Err(invalid("columns", format!("A table has between 1 and {MOST_COLUMNS} columns.")));
    }
    let mut columns: Vec<TableColumn> = Vec::with_capacity(given.len());
    for input in given {
        let label = clean(&input.label, LONGEST_NAME).ok_or_else(|| invalid("columns", "Give each column a name."))?;
        let name = match &input.name {
            Some(name) if before.iter().any(|column| column.name == *name) => name.clone(),
            Some(name) => return Err(invalid("columns", format!("There is no column '{name}' to change."))),
            None => name_of(&label)
                .ok_or_else(|| invalid("columns", format!("Begin the name of the column '{label}' with a letter.")))?,
        };
        if columns.iter().any(|column| column.name == name) {
            return Err(invalid("columns", format!("Two columns are named '{name}'.")));
        }
        let mut choices: Vec<String> = Vec::new();
        if input.kind == AttributeKind::Choice {
            for choice in input.choices.iter().filter_map(|choice| clean(choice, 100)) {
                if !choices.contains(&choice) {
                    choices.push(choice);
                }
            }
            if choices.is_empty() || choices.len() > MOST_CHOICES {
                let message = format!("Give 1 to {MOST_CHOICES} words that can be chosen in '{label}'.");
                return Err(invalid("columns", message));
            }
        }
        columns.push(TableColumn { name, label, kind: input.kind, choices, is_key: input.is_key });
    }
    let keys = columns.iter().filter(|column| column.is_key).count();
    if keys == 0 || keys > MOST_KEYS {
        return Err(invalid("columns", format!("Choose 1 to {MOST_KEYS} columns by which a row is known.")));
    }
    Ok(columns)
}

fn link_of(given: Option<&LinkInput>, columns: &[TableColumn]) -> Result<Option<TableLink>, OutreachError> {
    let Some(given) = given else { return Ok(None) };
    let column = columns.iter().find(|column| column.name == given.column || column.label == given.column.trim());
    let column =
        column.ok_or_else(|| invalid("link", "Choose a column of the table that links a row to a contact."))?;
    if column.kind != AttributeKind::Text {
        return Err(invalid("link", format!("'{}' links rows to contacts, so it has to be text.", column.label)));
    }
    Ok(Some(TableLink { column: column.name.clone(), by: given.by }))
}

pub(crate) fn found(tx: &mut Tx<'_>, workspace_id: WorkspaceId, id: TableId) -> Result<DataTable, OutreachError> {
    tx.table(workspace_id, id)?.ok_or(OutreachError::NotFound("table"))
}

/// The tables of a workspace, by their labels.
///
/// # Errors
/// When the store fails.
pub async fn list(store: &Store, workspace_id: WorkspaceId) -> Result<Vec<DataTable>, OutreachError> {
    store.read(move |tx| Ok(tx.tables(workspace_id)?)).await
}

/// One table.
///
/// # Errors
/// When there is none.
pub async fn get(store: &Store, workspace_id: WorkspaceId, id: TableId) -> Result<DataTable, OutreachError> {
    store.read(move |tx| found(tx, workspace_id, id)).await
}

/// Adds a table.
///
/// # Errors
/// When its name is taken, its columns make no sense, or there are too many tables.
pub async fn create(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    input: TableInput,
) -> Result<DataTable, OutreachError> {
    let label = clean(&input.label, LONGEST_NAME).ok_or_else(|| invalid("label", "Give the table a name."))?;
    let name = name_of(&label).ok_or_else(|| invalid("label", "Begin the table's name with a letter."))?;
    let columns = columns_of(&input.columns, &[])?;
    let link = link_of(input.link.as_ref(), &columns)?;
    let (id, now) = (ctx.id::<TableId>(), ctx.now());
    let table =
        DataTable { id, name, label, columns, link, row_count: 0, created_at: now, updated_at: now, version: 1 };
    store
        .write(move |tx| {
            tx.lock("data_tables", &workspace_id)?;
            if tx.tables(workspace_id)?.len() >= MOST_TABLES {
                return Err(invalid("label", format!("A workspace has at most {MOST_TABLES} tables.")));
            }
            if !tx.insert_table(workspace_id, &table)? {
                return Err(OutreachError::TableTaken);
            }
            found(tx, workspace_id, id)
        })
        .await
}

/// Changes a table. While it has rows, its key stays, and a column can become text but nothing else. What a column held
/// that is left out is removed; when the link changes, all rows are linked anew.
///
/// # Errors
/// When there is no such table, somebody else changed it, a segment asks for a column that would go, a campaign that has
/// not ended or a text asks for the table and a column or its link would go, or the columns make no sense.
pub async fn change(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: TableId,
    input: TableChange,
) -> Result<DataTable, OutreachError> {
    let label = clean(&input.label, LONGEST_NAME).ok_or_else(|| invalid("label", "Give the table a name."))?;
    let now = ctx.now();
    store
        .write_bulk(move |tx| {
            tx.lock_rows(workspace_id, id)?;
            let before = found(tx, workspace_id, id)?;
            if before.version != input.version {
                return Err(OutreachError::ChangedMeanwhile);
            }
            let columns = columns_of(&input.columns, &before.columns)?;
            if before.row_count > 0 {
                keeps_rows(&before, &columns)?;
            }
            let link = link_of(input.link.as_ref(), &columns)?;
            let gone: Vec<&TableColumn> =
                before.columns.iter().filter(|column| columns.iter().all(|other| other.name != column.name)).collect();
            for column in &gone {
                let users = segments_with(tx, workspace_id, &before, Some(&column.name))?;
                if !users.is_empty() {
                    return Err(OutreachError::TableUsed(users));
                }
            }
            // What has begun goes on by what the table was: an exclusion must not lose its link, nor a text its words.
            if !gone.is_empty() || link != before.link {
                let users = users_of(tx, workspace_id, &before, link != before.link)?;
                if !users.is_empty() {
                    return Err(OutreachError::TableUsed(users));
                }
            }
            for column in &gone {
                tx.drop_column(workspace_id, id, &column.name)?;
            }
            let table = DataTable { label: label.clone(), columns, link, ..before.clone() };
            tx.update_table(workspace_id, &table, now)?;
            if table.link != before.link {
                let country = values::country(tx, workspace_id)?;
                tx.link_rows_anew(workspace_id, &table, |fields, own| {
                    values::address(&table, fields, own.unwrap_or(&country)).ok().flatten()
                })?;
            }
            found(tx, workspace_id, id)
        })
        .await
}

/// Refuses what rows that are there would not survive.
fn keeps_rows(before: &DataTable, columns: &[TableColumn]) -> Result<(), OutreachError> {
    let keys = |columns: &[TableColumn]| {
        columns.iter().filter(|column| column.is_key).map(|column| column.name.clone()).collect::<Vec<_>>()
    };
    if keys(&before.columns) != keys(columns) {
        let message = "The columns by which rows are known stay while the table has rows. Make a new table instead.";
        return Err(invalid("columns", message));
    }
    for column in columns {
        let Some(old) = before.column(&column.name) else { continue };
        if old.kind != column.kind && (column.kind != AttributeKind::Text || column.is_key) {
            let message = format!("'{}' has values already, so it can become text, but nothing else.", column.label);
            return Err(invalid("columns", message));
        }
    }
    Ok(())
}

/// Deletes a table with its rows, when nothing asks for it any more.
///
/// # Errors
/// When there is no such table, or a segment, a text or a campaign that has not ended asks for it.
pub async fn delete(store: &Store, workspace_id: WorkspaceId, id: TableId) -> Result<(), OutreachError> {
    store
        .write_bulk(move |tx| {
            tx.lock_table(id)?;
            let table = found(tx, workspace_id, id)?;
            let users = users_of(tx, workspace_id, &table, true)?;
            if !users.is_empty() {
                return Err(OutreachError::TableUsed(users));
            }
            tx.delete_row_changes_of(workspace_id, id)?;
            tx.delete_table(workspace_id, id)?.then_some(()).ok_or(OutreachError::NotFound("table"))
        })
        .await
}

/// Campaigns that have not ended and texts that ask for a table; segments, too, where `with_segments`.
fn users_of(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    table: &DataTable,
    with_segments: bool,
) -> Result<Vec<String>, OutreachError> {
    let mut users = if with_segments { segments_with(tx, workspace_id, table, None)? } else { Vec::new() };
    let campaigns = tx.table_users(workspace_id, table.id)?;
    users.extend(campaigns.into_iter().map(|name| format!("the campaign '{name}'")));
    // What a campaign was started with may ask for it through a segment that says something else by now.
    let begun = tx.frozen_audiences_with(workspace_id, &table.name)?;
    let asking = begun.into_iter().filter(|(_, frozen)| asks_for_table(frozen, &table.name));
    for user in asking.map(|(name, _)| format!("the campaign '{name}'")) {
        if !users.contains(&user) {
            users.push(user);
        }
    }
    users.extend(look_up::users(tx, workspace_id, &table.name)?);
    users.dedup();
    Ok(users)
}

/// Segments that ask for a table, or for a column of it.
fn segments_with(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    table: &DataTable,
    column: Option<&str>,
) -> Result<Vec<String>, OutreachError> {
    let mut users = Vec::new();
    let mut before = None;
    loop {
        let page = tx.segments(workspace_id, before, 200)?;
        for segment in &page {
            let Ok(condition) = Condition::read(&segment.condition) else { continue };
            let asks = condition.tests().into_iter().any(|test| match test {
                Test::Rows { table: name, having, .. } if name.as_str() == table.name => column.is_none_or(|column| {
                    having.tests().iter().any(|test| test.column().is_some_and(|field| field.as_str() == column))
                }),
                _ => false,
            });
            if asks {
                users.push(format!("the segment '{}'", segment.name));
            }
        }
        match page.last() {
            Some(last) if page.len() == 200 => before = Some(last.id),
            _ => return Ok(users),
        }
    }
}

/// Refuses a condition that asks for a table or column that is not there, or for something that the column cannot be.
///
/// # Errors
/// In words for who wrote it.
pub(crate) fn check_condition(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    condition: &Condition,
) -> Result<(), OutreachError> {
    for test in condition.tests() {
        let Test::Rows { table, having, .. } = test else { continue };
        let table = linked(tx, workspace_id, table)?;
        check_columns(&table, having)?;
    }
    Ok(())
}

/// The table of a condition over contacts: one whose rows are linked to them.
fn linked(tx: &mut Tx<'_>, workspace_id: WorkspaceId, name: &TableName) -> Result<DataTable, OutreachError> {
    let found = tx.table_of_name(workspace_id, name.as_str())?;
    let found =
        found.ok_or_else(|| refused(format!("There is no table {}. Choose one of the tables.", name.as_str())))?;
    if found.link.is_none() {
        return Err(refused(format!(
            "The rows of '{}' are not linked to contacts. Choose its link first.",
            found.label
        )));
    }
    Ok(found)
}

fn refused(message: String) -> OutreachError {
    OutreachError::Condition(ReadProblem { message, place: None })
}

/// Refuses a condition over rows that the table's columns do not answer.
pub(crate) fn check_columns(table: &DataTable, having: &Condition) -> Result<(), OutreachError> {
    for test in having.tests() {
        let Some(field) = test.column() else { continue };
        let Some(column) = table.column(field.as_str()) else {
            return Err(refused(format!("'{}' has no column {}.", table.label, field.as_str())));
        };
        match test {
            Test::Decimal { .. } if column.kind != AttributeKind::Number => {
                return Err(refused(format!("'{}' is no number. Compare it with a text.", column.label)));
            }
            Test::Day { .. } | Test::DayNear { .. } if column.kind != AttributeKind::Date => {
                return Err(refused(format!("'{}' is no day. Compare it with a text.", column.label)));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_labels() {
        for (label, name) in [
            ("Order No.", Some("order_no")),
            ("Größe", Some("größe")),
            ("  A--B  ", Some("a_b")),
            ("2nd", None),
            ("?!", None),
        ] {
            assert_eq!(name_of(label).as_deref(), name, "{label}");
        }
    }

    #[test]
    fn columns_need_names_of_their_own_and_a_key() {
        let column = |label: &str, is_key| ColumnInput {
            name: None,
            label: label.to_owned(),
            kind: AttributeKind::Text,
            choices: Vec::new(),
            is_key,
        };
        assert!(columns_of(&[column("A", true), column("B", false)], &[]).is_ok());
        assert!(columns_of(&[column("A", true), column("a", false)], &[]).is_err(), "the same name twice");
        assert!(columns_of(&[column("A", false)], &[]).is_err(), "no key");
        let choice = ColumnInput { kind: AttributeKind::Choice, ..column("C", true) };
        assert!(columns_of(&[choice], &[]).is_err(), "no words to choose from");
        assert!(columns_of(&vec![column("A", true); MOST_COLUMNS + 1], &[]).is_err());
    }
}
