//! Tables beside the contacts: what they are called, their columns, and how their rows are linked to contacts.
//!
//! Names of tables and columns are data, never a part of a statement: rows are JSON in one table of the database
//! ([`crate::table_row`]).

use segue_model::{TableId, Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};

use crate::{Row, StoreError, Tx, contact_view::AttributeKind, tx::json_text};

segue_model::text_enum! {
    /// By what of a contact a row is linked to it.
    pub enum LinkBy {
        /// A phone number, own or further.
        Phone = "phone",
        /// The key in another system.
        ExternalKey = "external_key",
        /// An e-mail address. Of several contacts that have it, the one that was added first.
        Email = "email",
    }
}

/// The column that links a row to a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TableLink {
    /// Name of the column.
    pub column: String,
    pub by: LinkBy,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TableColumn {
    /// As texts, conditions and rows use it.
    pub name: String,
    /// As people read it.
    pub label: String,
    pub kind: AttributeKind,
    /// The words of a choice.
    #[serde(default)]
    pub choices: Vec<String>,
    /// Whether it is of the key, by which a row is known.
    #[serde(default)]
    pub is_key: bool,
}

/// A table beside the contacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DataTable {
    pub id: TableId,
    /// As texts and conditions use it; never changes.
    pub name: String,
    /// As people read it.
    pub label: String,
    pub columns: Vec<TableColumn>,
    /// How a row is linked to a contact; null when none is.
    pub link: Option<TableLink>,
    pub row_count: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: i64,
}

impl DataTable {
    /// The columns of the key, in their order.
    pub fn key_columns(&self) -> impl Iterator<Item = &TableColumn> {
        self.columns.iter().filter(|column| column.is_key)
    }

    /// The column with this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&TableColumn> {
        self.columns.iter().find(|column| column.name == name)
    }
}

crate::sql! {
    INSERT_TABLE = "INSERT INTO data_tables (workspace_id, id, name, label, columns, link, row_count, created_at,
            updated_at, version) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $7, 1) ON CONFLICT DO NOTHING";
    UPDATE_TABLE = "UPDATE data_tables SET label = $3, columns = $4, link = $5, updated_at = $6, version = version + 1
        WHERE workspace_id = $1 AND id = $2";
    DELETE_TABLE = "DELETE FROM data_tables WHERE workspace_id = $1 AND id = $2";
    TABLES = "SELECT id, name, label, columns, link, row_count, created_at, updated_at, version FROM data_tables
        WHERE workspace_id = $1 ORDER BY label, id";
    TABLE = "SELECT id, name, label, columns, link, row_count, created_at, updated_at, version FROM data_tables
        WHERE workspace_id = $1 AND id = $2";
    TABLE_OF_NAME = "SELECT id, name, label, columns, link, row_count, created_at, updated_at, version FROM data_tables
        WHERE workspace_id = $1 AND name = $2";
    COUNT_ROWS = "UPDATE data_tables SET row_count = row_count + $3, updated_at = $4 WHERE workspace_id = $1 AND id = $2";
    CAMPAIGNS_WITH_TABLE = "SELECT name FROM campaigns WHERE workspace_id = $1
            AND state NOT IN ('finished', 'canceled') AND audience LIKE $2 ESCAPE '\\'
        ORDER BY created_at DESC LIMIT 5";
}

fn read_table(row: &mut Row<'_>) -> Result<DataTable, StoreError> {
    Ok(DataTable {
        id: row.next()?,
        name: row.next()?,
        label: row.next()?,
        columns: row.json()?,
        link: row.optional_json()?,
        row_count: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

fn link_text(table: &DataTable) -> Result<Option<String>, StoreError> {
    table.link.as_ref().map(json_text).transpose()
}

impl Tx<'_> {
    /// Makes whoever changes a table, its rows, or what uses it wait for each other.
    ///
    /// # Errors
    /// When the engine refuses it.
    pub fn lock_table(&mut self, id: TableId) -> Result<(), StoreError> {
        self.lock("data_table", &id)
    }

    /// Adds a table. `false` when one has this name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_table(&mut self, workspace_id: WorkspaceId, table: &DataTable) -> Result<bool, StoreError> {
        let (columns, link) = (json_text(&table.columns)?, link_text(table)?);
        let written = self.execute(
            &INSERT_TABLE,
            &[&workspace_id, &table.id, &table.name, &table.label, &columns, &link, &table.created_at],
        )?;
        Ok(written == 1)
    }

    /// Changes what a table is. `false` when there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn update_table(
        &mut self,
        workspace_id: WorkspaceId,
        table: &DataTable,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (columns, link) = (json_text(&table.columns)?, link_text(table)?);
        Ok(self.execute(&UPDATE_TABLE, &[&workspace_id, &table.id, &table.label, &columns, &link, &now])? == 1)
    }

    /// Deletes a table with its rows. `false` when there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_table(&mut self, workspace_id: WorkspaceId, id: TableId) -> Result<bool, StoreError> {
        Ok(self.execute(&DELETE_TABLE, &[&workspace_id, &id])? == 1)
    }

    /// The tables of a workspace, by their labels.
    ///
    /// # Errors
    /// When the store fails.
    pub fn tables(&mut self, workspace_id: WorkspaceId) -> Result<Vec<DataTable>, StoreError> {
        self.query(&TABLES, &[&workspace_id], read_table)
    }

    /// One table.
    ///
    /// # Errors
    /// When the store fails.
    pub fn table(&mut self, workspace_id: WorkspaceId, id: TableId) -> Result<Option<DataTable>, StoreError> {
        self.query_opt(&TABLE, &[&workspace_id, &id], read_table)
    }

    /// The table with this name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn table_of_name(&mut self, workspace_id: WorkspaceId, name: &str) -> Result<Option<DataTable>, StoreError> {
        self.query_opt(&TABLE_OF_NAME, &[&workspace_id, &name], read_table)
    }

    /// Names of campaigns that have not ended and whose audience names the table, at most five.
    ///
    /// # Errors
    /// When the store fails.
    pub fn table_users(&mut self, workspace_id: WorkspaceId, id: TableId) -> Result<Vec<String>, StoreError> {
        let pattern = crate::contact::like_pattern(&id.to_string());
        self.query(&CAMPAIGNS_WITH_TABLE, &[&workspace_id, &pattern], |row| row.next())
    }

    /// Notes that a table has so many rows more, or less.
    pub(crate) fn count_rows(
        &mut self,
        workspace_id: WorkspaceId,
        id: TableId,
        more: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(&COUNT_ROWS, &[&workspace_id, &id, &more, &now]).map(|_| ())
    }
}
