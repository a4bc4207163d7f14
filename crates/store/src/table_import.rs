//! What imports did to rows of tables, so that they can be undone.
//!
//! # Why a crash at each point is safe
//! Undoing takes entries of the log and removes them in the transaction that undoes them, so whoever goes on finds what is
//! left.

use segue_model::{ImportId, TableId, Timestamp, WorkspaceId};

use crate::{REMOVED_AT_ONCE, StoreError, Tx, table_row::RowFields, tx::json_text};

/// What an import did to one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowImported {
    pub key: String,
    /// `None` when the import made the row.
    pub before: Option<RowFields>,
    /// By which country the numbers of the row were read before, when an import was told one.
    pub country_before: Option<String>,
    pub after: RowFields,
}

crate::sql! {
    INSERT_ROW_CHANGE = "INSERT INTO import_row_changes (workspace_id, import_id, row_key, fields_before, fields_after,
            country_before)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (workspace_id, import_id, row_key) DO NOTHING";
    ROW_CHANGES = "SELECT row_key, fields_before, fields_after, country_before FROM import_row_changes
        WHERE workspace_id = $1 AND import_id = $2 AND row_key > $3 ORDER BY row_key LIMIT $4";
    DELETE_ROW_CHANGE = "DELETE FROM import_row_changes WHERE workspace_id = $1 AND import_id = $2 AND row_key = $3";
    DELETE_ROW_CHANGES = "DELETE FROM import_row_changes WHERE workspace_id = $1 AND (import_id, row_key) IN (
        SELECT h.import_id, h.row_key FROM imports i
        JOIN import_row_changes h ON h.workspace_id = i.workspace_id AND h.import_id = i.id
        WHERE i.workspace_id = $1 AND i.table_id IS NOT NULL AND i.created_at < $2
            AND i.state IN ('done', 'failed', 'undone') LIMIT $3)";
    DELETE_CHANGES_OF_TABLE = "DELETE FROM import_row_changes WHERE workspace_id = $1 AND import_id IN (
        SELECT i.id FROM imports i WHERE i.workspace_id = $1 AND i.table_id = $2)";
}

impl Tx<'_> {
    /// Notes what an import did to a row. Belongs into the transaction that does it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_row_change(
        &mut self,
        workspace_id: WorkspaceId,
        import_id: ImportId,
        change: &RowImported,
    ) -> Result<(), StoreError> {
        let before = change.before.as_ref().map(json_text).transpose()?;
        let after = json_text(&change.after)?;
        let keys: &[&dyn crate::Bind] =
            &[&workspace_id, &import_id, &change.key, &before, &after, &change.country_before];
        self.execute(&INSERT_ROW_CHANGE, keys).map(|_| ())
    }

    /// What an import did to rows after a key, in the order of their keys.
    ///
    /// # Errors
    /// When the store fails.
    pub fn row_changes(
        &mut self,
        workspace_id: WorkspaceId,
        import_id: ImportId,
        after: &str,
        limit: i64,
    ) -> Result<Vec<RowImported>, StoreError> {
        self.query(&ROW_CHANGES, &[&workspace_id, &import_id, &after, &limit], |row| {
            let (key, before, after) = (row.next()?, row.optional_json()?, row.json()?);
            Ok(RowImported { key, before, after, country_before: row.next()? })
        })
    }

    /// Takes an entry of the log away that is undone.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_row_change(
        &mut self,
        workspace_id: WorkspaceId,
        import_id: ImportId,
        key: &str,
    ) -> Result<(), StoreError> {
        self.execute(&DELETE_ROW_CHANGE, &[&workspace_id, &import_id, &key]).map(|_| ())
    }

    /// Forgets what imports from before `before` did to rows, at most [`REMOVED_AT_ONCE`] changes; they cannot be undone any
    /// more.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_row_changes(&mut self, workspace_id: WorkspaceId, before: Timestamp) -> Result<u64, StoreError> {
        self.execute(&DELETE_ROW_CHANGES, &[&workspace_id, &before, &REMOVED_AT_ONCE])
    }

    /// Forgets what imports did to the rows of a table that is deleted.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_row_changes_of(&mut self, workspace_id: WorkspaceId, table_id: TableId) -> Result<u64, StoreError> {
        self.execute(&DELETE_CHANGES_OF_TABLE, &[&workspace_id, &table_id])
    }
}
