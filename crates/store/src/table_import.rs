//! What imports did to rows of tables, so that they can be undone.
//!
//! # Why a crash at each point is safe
//! Undoing takes entries of the log and removes them in the transaction that undoes them, so whoever goes on finds what is
//! left.

use segue_model::{ImportId, TableId, Timestamp, WorkspaceId, id::Id as _};

use crate::{
    Bind as _, Param, REMOVED_AT_ONCE, StoreError, Tx, import::UNDO_WINDOW, table_row::RowFields, tx::json_text,
};

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

impl RowImported {
    /// What is noted of a row that the import found as it says, where another import had made it.
    #[must_use]
    pub fn found(key: String) -> Self {
        Self { key, before: Some(RowFields::new()), country_before: None, after: RowFields::new() }
    }

    /// Whether the import changed nothing. No other row is without values: it has its key.
    #[must_use]
    pub fn is_found(&self) -> bool {
        self.after.is_empty() && self.before.as_ref().is_some_and(RowFields::is_empty)
    }
}

crate::sql! {
    INSERT_ROW_CHANGE = "INSERT INTO import_row_changes (workspace_id, import_id, row_key, fields_before, fields_after,
            country_before)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (workspace_id, import_id, row_key) DO NOTHING";
    ROW_CHANGES = "SELECT row_key, fields_before, fields_after, country_before FROM import_row_changes
        WHERE workspace_id = $1 AND import_id = $2 AND row_key > $3 ORDER BY row_key LIMIT $4";
    ROW_CHANGE = "SELECT fields_before, fields_after, country_before FROM import_row_changes
        WHERE workspace_id = $1 AND import_id = $2 AND row_key = $3";
    /// Whether an import into the table, besides one, made a row and can still be undone.
    ROW_MADE_BY_ANOTHER = "SELECT 1 FROM import_row_changes h
        JOIN imports i ON i.workspace_id = h.workspace_id AND i.id = h.import_id
        WHERE h.workspace_id = $1 AND h.row_key = $2 AND h.fields_before IS NULL
            AND i.table_id = $3 AND i.id <> $4 AND i.mode = 'import'
            AND (i.state IN ('running', 'undoing') OR (i.state IN ('done', 'failed') AND i.ended_at >= $5))
        LIMIT 1";
    PUT_ROW_CHANGE = "UPDATE import_row_changes SET fields_before = $4, fields_after = $5, country_before = $6
        WHERE workspace_id = $1 AND import_id = $2 AND row_key = $3";
    /// Those that began after one and are not undone.
    IMPORTS_AFTER = "SELECT o.id FROM imports i
        JOIN imports o ON o.workspace_id = i.workspace_id AND o.table_id = $2 AND o.id <> i.id AND o.mode = 'import'
            AND o.state <> 'undone' AND (o.created_at > i.created_at OR (o.created_at = i.created_at AND o.id > i.id))
        WHERE i.workspace_id = $1 AND i.id = $3 ORDER BY o.created_at, o.id";
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

    /// What imports that began after this one did to rows: for each key their entries in the order of the imports.
    ///
    /// # Errors
    /// When the store fails.
    pub fn row_changes_after(
        &mut self,
        workspace_id: WorkspaceId,
        (table_id, import_id): (TableId, ImportId),
        keys: &[&str],
    ) -> Result<Vec<Vec<(ImportId, RowImported)>>, StoreError> {
        let mut all = vec![Vec::new(); keys.len()];
        if keys.is_empty() {
            return Ok(all);
        }
        let later =
            self.query(&IMPORTS_AFTER, &[&workspace_id, &table_id, &import_id], |row| row.next::<ImportId>())?;
        for other in later {
            let entries = self.query_each(
                &ROW_CHANGE,
                keys,
                |key| [Param::Id(workspace_id.uuid()), Param::Id(other.uuid()), Param::Text(key)],
                |row| Ok((row.optional_json()?, row.json()?, row.next()?)),
            )?;
            for ((of_key, key), entry) in all.iter_mut().zip(keys).zip(entries) {
                let change = entry.map(|(before, after, country_before)| {
                    let key = (*key).to_owned();
                    (other, RowImported { key, before, country_before, after })
                });
                of_key.extend(change);
            }
        }
        Ok(all)
    }

    /// Those of the rows that another import made which can still be undone.
    ///
    /// # Errors
    /// When the store fails.
    pub fn rows_made_by_others(
        &mut self,
        workspace_id: WorkspaceId,
        (table_id, import_id): (TableId, ImportId),
        keys: &[&str],
        now: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        let since = now.plus(-UNDO_WINDOW);
        let [workspace, table, import] = [workspace_id.uuid(), table_id.uuid(), import_id.uuid()].map(Param::Id);
        let found = self.query_each(
            &ROW_MADE_BY_ANOTHER,
            keys,
            |key| [workspace, Param::Text(key), table, import, since.bind()],
            |row| row.next::<i64>(),
        )?;
        let made =
            keys.iter().zip(found).filter(|(_, found)| found.is_some()).map(|(key, _)| (*key).to_owned()).collect();
        Ok(made)
    }

    /// Changes what is noted of an import and a row, after an earlier import was undone.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_row_change(
        &mut self,
        workspace_id: WorkspaceId,
        import_id: ImportId,
        change: &RowImported,
    ) -> Result<(), StoreError> {
        let before = change.before.as_ref().map(json_text).transpose()?;
        let after = json_text(&change.after)?;
        let keys: &[&dyn crate::Bind] =
            &[&workspace_id, &import_id, &change.key, &before, &after, &change.country_before];
        self.execute(&PUT_ROW_CHANGE, keys).map(|_| ())
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
