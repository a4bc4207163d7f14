//! Rows of tables in pages: for the grid, for exports, and for linking anew.

use segue_expr::{Condition, Subject};
use segue_model::{ContactId, TableId, Timestamp, WorkspaceId, id::Id as _};
use serde::Serialize;

use crate::{
    Row, StoreError, Tx,
    built::{Built, Dialect},
    population::{Here, condition},
    table_row::RowFields,
};

/// Rows that one page looks at.
pub const LOOK: i64 = 20_000;

/// How the API describes [`RowFields`], which as a map of the standard library has no name of its own.
#[derive(utoipa::ToSchema)]
#[schema(as = RowFields, description = "Values by the names of their columns.")]
pub struct RowValues(pub std::collections::BTreeMap<String, String>);

/// A row as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TableRow {
    /// The values of the key columns, separated by U+001F.
    pub key: String,
    #[schema(value_type = RowValues)]
    pub fields: RowFields,
    /// The contact that the row is linked to.
    pub contact_id: Option<ContactId>,
    pub contact_name: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Which rows are wanted.
#[derive(Debug, Clone)]
pub struct RowQuery {
    /// The key after which to go on.
    pub after: String,
    pub filter: Condition,
    /// Rows of this contact alone.
    pub contact_id: Option<ContactId>,
    /// What days are counted from.
    pub now: Timestamp,
    pub limit: i64,
}

/// Rows in the order of their keys.
#[derive(Debug, Clone)]
pub struct RowPage {
    pub rows: Vec<TableRow>,
    /// Where to go on; nothing at the end.
    pub next: Option<String>,
}

crate::sql! {
    ROW_AFTER_MANY = "SELECT row_key FROM data_rows WHERE workspace_id = $1 AND table_id = $2 AND row_key > $3
        ORDER BY row_key LIMIT 1 OFFSET $4";
    TABLE_ROW = "SELECT d.row_key, d.fields, d.contact_id, c.first_name, c.last_name, d.created_at, d.updated_at
        FROM data_rows d LEFT JOIN contacts c ON c.workspace_id = d.workspace_id AND c.id = d.contact_id
        WHERE d.workspace_id = $1 AND d.table_id = $2 AND d.row_key = $3";
    DROP_COLUMN = sqlite: "UPDATE data_rows SET fields = json_remove(fields, $3) WHERE workspace_id = $1 AND table_id = $2",
        postgres: "UPDATE data_rows SET fields = CAST(CAST(fields AS JSONB) - CAST($3 AS TEXT) AS TEXT)
            WHERE workspace_id = $1 AND table_id = $2";
    ROWS_AFTER = "SELECT row_key, fields FROM data_rows WHERE workspace_id = $1 AND table_id = $2 AND row_key > $3
        ORDER BY row_key LIMIT $4";
}

fn read_row(row: &mut Row<'_>) -> Result<TableRow, StoreError> {
    let (key, fields, contact_id) = (row.next()?, row.json()?, row.next()?);
    let names: [Option<String>; 2] = [row.next()?, row.next()?];
    let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let contact_name = (!name.is_empty()).then_some(name);
    Ok(TableRow { key, fields, contact_id, contact_name, created_at: row.next()?, updated_at: row.next()? })
}

impl Tx<'_> {
    /// One row.
    ///
    /// # Errors
    /// When the store fails.
    pub fn table_row(
        &mut self,
        workspace_id: WorkspaceId,
        table_id: TableId,
        key: &str,
    ) -> Result<Option<TableRow>, StoreError> {
        self.query_opt(&TABLE_ROW, &[&workspace_id, &table_id, &key], read_row)
    }

    /// Removes what a column held from all rows of a table. The column's name is one that a table can have.
    ///
    /// # Errors
    /// When the store fails.
    pub fn drop_column(&mut self, workspace_id: WorkspaceId, id: TableId, column: &str) -> Result<(), StoreError> {
        let path = match self.dialect() {
            Dialect::Sqlite => format!("$.\"{column}\""),
            Dialect::Postgres => column.to_owned(),
        };
        self.execute(&DROP_COLUMN, &[&workspace_id, &id, &path]).map(|_| ())
    }

    /// The next rows of a table after a key, among the next [`LOOK`] of them.
    ///
    /// # Errors
    /// When the store fails.
    pub fn row_page(
        &mut self,
        workspace_id: WorkspaceId,
        table_id: TableId,
        wanted: &RowQuery,
    ) -> Result<RowPage, StoreError> {
        let bound: Option<String> =
            self.query_opt(&ROW_AFTER_MANY, &[&workspace_id, &table_id, &wanted.after, &(LOOK - 1)], |row| row.next())?;
        let mut query = Built::new(self.dialect());
        query.push(
            "SELECT d.row_key, d.fields, d.contact_id, c.first_name, c.last_name, d.created_at, d.updated_at
            FROM data_rows d LEFT JOIN contacts c ON c.workspace_id = d.workspace_id AND c.id = d.contact_id
            WHERE d.workspace_id = ",
        );
        query.id_value(workspace_id.uuid()).push(" AND d.table_id = ").id_value(table_id.uuid());
        query.push(" AND d.row_key > ").text_value(wanted.after.as_str());
        if let Some(bound) = &bound {
            query.push(" AND d.row_key <= ").text_value(bound.as_str());
        }
        if let Some(contact_id) = wanted.contact_id {
            query.push(" AND d.contact_id = ").id_value(contact_id.uuid());
        }
        query.push(" AND ");
        let here = Here { workspace_id, now: wanted.now };
        condition(&mut query, &wanted.filter, Subject::Row, here);
        query.push(" ORDER BY d.row_key LIMIT ").int_value(wanted.limit);
        let mut rows = Vec::new();
        self.each_built(&query, |row| {
            rows.push(read_row(row)?);
            Ok(())
        })?;
        let full = rows.len() as i64 == wanted.limit;
        let next = if full { rows.last().map(|row: &TableRow| row.key.clone()) } else { bound };
        Ok(RowPage { rows, next })
    }

    /// The next rows of a table after a key, with nothing but their fields.
    ///
    /// # Errors
    /// When the store fails.
    pub fn rows_after(
        &mut self,
        workspace_id: WorkspaceId,
        table_id: TableId,
        after: &str,
        limit: i64,
    ) -> Result<Vec<(String, RowFields)>, StoreError> {
        self.query(&ROWS_AFTER, &[&workspace_id, &table_id, &after, &limit], |row| Ok((row.next()?, row.json()?)))
    }
}
