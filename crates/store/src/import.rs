//! Imports of contacts: their progress and the rows that were refused.

use segue_model::{ImportId, ListId, Timestamp, WorkspaceId, id::Id as _};
use serde::Serialize;
use uuid::Uuid;

use crate::{Row, StoreError, Tx, event::NewEvent, tx::json_text};

segue_model::text_enum! {
    /// State of an import.
    pub enum ImportState {
        Running = "running",
        Done = "done",
        /// Ended early; rows up to then are stored, and importing the same file again does the rest.
        Failed = "failed",
    }
}

/// An import as the API and the events show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Import)]
pub struct ImportView {
    pub id: ImportId,
    pub file_name: String,
    pub state: ImportState,
    pub rows_read: i64,
    pub created: i64,
    pub updated: i64,
    pub rejected: i64,
    pub opted_in: i64,
    pub list_id: Option<ListId>,
    pub created_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// What a person should know of it, in words.
    pub detail: Option<String>,
}

/// What a number of rows came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportCounts {
    pub rows_read: i64,
    pub created: i64,
    pub updated: i64,
    pub rejected: i64,
    pub opted_in: i64,
}

/// A row that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportError {
    /// Line of the file's table; the header is row 1.
    pub row_number: i64,
    /// Why, in words.
    pub message: String,
    /// The row's cells as they stand in the file.
    pub fields: Vec<String>,
}

crate::sql! {
    INSERT_IMPORT = "INSERT INTO imports (workspace_id, id, file_name, list_id, state, actor, created_at, progress_at)
        VALUES ($1, $2, $3, $4, 'running', $5, $6, $6)";
    IMPORT = "SELECT id, file_name, state, rows_read, created, updated, rejected, opted_in, list_id, created_at,
            ended_at, detail FROM imports WHERE workspace_id = $1 AND id = $2";
    IMPORTS = "SELECT id, file_name, state, rows_read, created, updated, rejected, opted_in, list_id, created_at,
            ended_at, detail FROM imports WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    ADD_IMPORT_COUNTS = "UPDATE imports SET rows_read = rows_read + $3, created = created + $4, updated = updated + $5,
            rejected = rejected + $6, opted_in = opted_in + $7, progress_at = $8
        WHERE workspace_id = $1 AND id = $2 AND state = 'running'";
    END_IMPORT = "UPDATE imports SET state = $3, detail = $4, ended_at = $5
        WHERE workspace_id = $1 AND id = $2 AND state = 'running'";
    STALE_IMPORTS = "SELECT id FROM imports WHERE workspace_id = $1 AND state = 'running' AND progress_at < $2";
    INSERT_IMPORT_ERROR = "INSERT INTO import_errors (workspace_id, import_id, row_number, message, fields)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (workspace_id, import_id, row_number) DO NOTHING";
    IMPORT_ERRORS = "SELECT row_number, message, fields FROM import_errors
        WHERE workspace_id = $1 AND import_id = $2 AND row_number > $3 ORDER BY row_number LIMIT $4";
}

fn read_import(row: &mut Row<'_>) -> Result<ImportView, StoreError> {
    Ok(ImportView {
        id: row.next()?,
        file_name: row.next()?,
        state: row.word()?,
        rows_read: row.next()?,
        created: row.next()?,
        updated: row.next()?,
        rejected: row.next()?,
        opted_in: row.next()?,
        list_id: row.next()?,
        created_at: row.next()?,
        ended_at: row.next()?,
        detail: row.next()?,
    })
}

impl Tx<'_> {
    /// Adds a running import.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_import(
        &mut self,
        workspace_id: WorkspaceId,
        id: ImportId,
        file_name: &str,
        list_id: Option<ListId>,
        actor: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(&INSERT_IMPORT, &[&workspace_id, &id, &file_name, &list_id, &actor, &now])?;
        self.tell_import(workspace_id, id, now).map(|_| ())
    }

    /// One import.
    ///
    /// # Errors
    /// When the store fails.
    pub fn import(&mut self, workspace_id: WorkspaceId, id: ImportId) -> Result<Option<ImportView>, StoreError> {
        self.query_opt(&IMPORT, &[&workspace_id, &id], read_import)
    }

    /// Imports, newest first, from before `before` on.
    ///
    /// # Errors
    /// When the store fails.
    pub fn imports(
        &mut self,
        workspace_id: WorkspaceId,
        before: Option<ImportId>,
        limit: i64,
    ) -> Result<Vec<ImportView>, StoreError> {
        let before = before.unwrap_or_else(|| ImportId::from_uuid(Uuid::max()));
        self.query(&IMPORTS, &[&workspace_id, &before, &limit], read_import)
    }

    /// Adds to a running import's counts and tells the screens. `None` when it is not running (any more).
    ///
    /// # Errors
    /// When the store fails.
    pub fn add_import_counts(
        &mut self,
        workspace_id: WorkspaceId,
        id: ImportId,
        counts: &ImportCounts,
        now: Timestamp,
    ) -> Result<Option<ImportView>, StoreError> {
        let written = self.execute(
            &ADD_IMPORT_COUNTS,
            &[
                &workspace_id,
                &id,
                &counts.rows_read,
                &counts.created,
                &counts.updated,
                &counts.rejected,
                &counts.opted_in,
                &now,
            ],
        )?;
        if written == 1 { self.tell_import(workspace_id, id, now) } else { Ok(None) }
    }

    /// Ends a running import and tells the screens. `None` when it is not running (any more).
    ///
    /// # Errors
    /// When the store fails.
    pub fn end_import(
        &mut self,
        workspace_id: WorkspaceId,
        id: ImportId,
        state: ImportState,
        detail: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<ImportView>, StoreError> {
        let written = self.execute(&END_IMPORT, &[&workspace_id, &id, &state.as_str(), &detail, &now])?;
        if written == 1 { self.tell_import(workspace_id, id, now) } else { Ok(None) }
    }

    /// Running imports without any progress since `before`: their process ended.
    ///
    /// # Errors
    /// When the store fails.
    pub fn stale_imports(&mut self, workspace_id: WorkspaceId, before: Timestamp) -> Result<Vec<ImportId>, StoreError> {
        self.query(&STALE_IMPORTS, &[&workspace_id, &before], |row| row.next())
    }

    /// Stores a refused row; the first message of a row stands.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_import_error(
        &mut self,
        workspace_id: WorkspaceId,
        id: ImportId,
        error: &ImportError,
    ) -> Result<(), StoreError> {
        let fields = json_text(&error.fields)?;
        self.execute(&INSERT_IMPORT_ERROR, &[&workspace_id, &id, &error.row_number, &error.message, &fields])
            .map(|_| ())
    }

    /// Refused rows in the order of the file, from after row `after` on.
    ///
    /// # Errors
    /// When the store fails.
    pub fn import_errors(
        &mut self,
        workspace_id: WorkspaceId,
        id: ImportId,
        after: i64,
        limit: i64,
    ) -> Result<Vec<ImportError>, StoreError> {
        self.query(&IMPORT_ERRORS, &[&workspace_id, &id, &after, &limit], |row| {
            Ok(ImportError { row_number: row.next()?, message: row.next()?, fields: row.json()? })
        })
    }

    fn tell_import(
        &mut self,
        workspace_id: WorkspaceId,
        id: ImportId,
        now: Timestamp,
    ) -> Result<Option<ImportView>, StoreError> {
        let import = self.import(workspace_id, id)?;
        if let Some(import) = &import {
            self.emit(
                workspace_id,
                NewEvent {
                    kind: "import.progress",
                    entity: "import",
                    entity_id: id.to_string(),
                    audience: None,
                    data: serde_json::json!({ "import": import }),
                    at: now,
                },
            );
        }
        Ok(import)
    }
}
