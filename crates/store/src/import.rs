//! Imports of contacts: their progress, their result, and the rows that were refused.
//!
//! # Why a crash at each point is safe
//! An import works on its file chunk by chunk. One chunk is one transaction that begins with
//! [`Tx::take_import_chunk`]: it moves `next_chunk` only from the chunk's own number, so whoever comes second with the
//! same chunk writes nothing. A crash leaves whole chunks; whoever goes on begins at `next_chunk`. Undoing works the
//! same way with `undo_after` over the log of changes (`import_change.rs`).

use std::collections::BTreeMap;

use segue_model::{ContactId, ImportFileId, ImportId, ListId, TableId, Timestamp, WorkspaceId, id::Id as _, time};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{REMOVED_AT_ONCE, Row, StoreError, Tx, event::NewEvent, tx::json_text};

/// How long after its end an import can be undone.
pub const UNDO_WINDOW: i64 = 30 * time::DAY;

segue_model::text_enum! {
    /// State of an import.
    pub enum ImportState {
        Running = "running",
        Done = "done",
        /// Ended early; rows up to then are stored, and importing the same file again does the rest.
        Failed = "failed",
        Undoing = "undoing",
        Undone = "undone",
    }
}

segue_model::text_enum! {
    /// Whether an import writes.
    pub enum ImportMode {
        Import = "import",
        /// Goes the same way, changes nothing, and counts what would come of it.
        DryRun = "dry_run",
    }
}

/// An import as the API and the events show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Import)]
pub struct ImportView {
    pub id: ImportId,
    pub file_name: String,
    pub mode: ImportMode,
    pub state: ImportState,
    /// Rows of the file, without its header.
    pub rows_total: i64,
    pub rows_read: i64,
    pub created: i64,
    pub updated: i64,
    /// Known contacts to which the file said nothing new.
    pub unchanged: i64,
    pub rejected: i64,
    /// Rejected rows by the code of the reason.
    pub rejections: BTreeMap<String, i64>,
    /// Contacts with an opt-in that is proven, be it from this file or from before.
    pub opted_in: i64,
    /// Opt-outs that the file brought.
    pub opted_out: i64,
    /// The file says yes, but the person had opted out: they stay out.
    pub kept_out: i64,
    /// The file says yes, but that consent has ended, or something the person wrote waits for a review: no opt-in.
    pub held_back: i64,
    /// The file says yes, but nothing proves it: imported without opt-in.
    pub without_evidence: i64,
    pub list_id: Option<ListId>,
    /// The table that it writes into; null for an import of contacts.
    pub table_id: Option<TableId>,
    /// Who began it: the id of a user or an API key, or `system`.
    pub actor: String,
    pub created_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// What a person should know of it, in words.
    pub detail: Option<String>,
    /// Until when it can be undone; null when it cannot.
    pub undo_until: Option<Timestamp>,
    /// What undoing it came to, as far as it is.
    pub undo: Option<UndoCounts>,
}

/// What undoing an import comes to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct UndoCounts {
    /// Contacts that it had created and nobody has touched since: deleted.
    pub removed: i64,
    /// Contacts that it had created and that are in use since: they stay.
    pub kept: i64,
    /// Contacts that it had changed and that got their earlier values back.
    pub restored: i64,
    /// Contacts that it had changed and that were changed again since: they stay as they are.
    pub changed_since: i64,
    /// Contacts that are taken off its list.
    pub unlisted: i64,
    /// Opt-ins that are taken back by an entry in the ledger.
    pub withdrawn: i64,
}

/// What a number of rows came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportCounts {
    pub rows_read: i64,
    pub created: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub rejected: i64,
    pub rejections: BTreeMap<&'static str, i64>,
    pub opted_in: i64,
    pub opted_out: i64,
    pub kept_out: i64,
    pub held_back: i64,
    pub without_evidence: i64,
}

/// A row that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportError {
    /// Line of the file's table; the header is row 1.
    pub row_number: i64,
    /// Stable code of the reason.
    pub code: &'static str,
    /// Why, in words.
    pub message: String,
    /// The row's cells as they stand in the file.
    pub fields: Vec<String>,
}

/// A refused row as it is read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredImportError {
    pub row_number: i64,
    pub message: String,
    pub fields: Vec<String>,
}

/// An import that begins.
#[derive(Debug, Clone)]
pub struct NewImport {
    pub id: ImportId,
    pub file_id: ImportFileId,
    pub file_name: String,
    pub mode: ImportMode,
    /// How the file is to be read, in the words of its crate.
    pub options: Value,
    pub rows_total: i64,
    pub list_id: Option<ListId>,
    /// The table that it writes into; contacts without one.
    pub table_id: Option<TableId>,
    pub actor: String,
}

/// What the worker of an import needs to go on.
#[derive(Debug, Clone)]
pub struct ImportWork {
    pub state: ImportState,
    pub mode: ImportMode,
    pub file_id: Option<ImportFileId>,
    pub options: Value,
    /// Chunks before it are worked on.
    pub next_chunk: i64,
    pub list_id: Option<ListId>,
    pub table_id: Option<TableId>,
    pub actor: String,
    pub ended_at: Option<Timestamp>,
    /// Contact up to which it is undone.
    pub undo_after: Option<ContactId>,
}

/// An import of contacts that may still be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UndoableImport {
    pub id: ImportId,
    pub list_id: Option<ListId>,
}

crate::sql! {
    INSERT_IMPORT = "INSERT INTO imports (workspace_id, id, file_id, file_name, mode, options, rows_total, list_id, state,
            actor, created_at, progress_at, table_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'running', $9, $10, $10, $11)";
    IMPORT = "SELECT id, file_name, mode, state, rows_total, rows_read, created, updated, unchanged, rejected, rejections,
            opted_in, opted_out, kept_out, held_back, without_evidence, list_id, table_id, actor, created_at, ended_at, detail, undo
        FROM imports WHERE workspace_id = $1 AND id = $2";
    IMPORTS = "SELECT id, file_name, mode, state, rows_total, rows_read, created, updated, unchanged, rejected, rejections,
            opted_in, opted_out, kept_out, held_back, without_evidence, list_id, table_id, actor, created_at, ended_at, detail, undo
        FROM imports WHERE workspace_id = $1 AND id < $2 AND mode = 'import' ORDER BY id DESC LIMIT $3";
    /// Those whose doings may be taken back: while they run, as long as they can be undone, and while they are.
    UNDOABLE_IMPORTS = "SELECT id, list_id FROM imports WHERE workspace_id = $1 AND mode = 'import' AND table_id IS NULL
        AND (state = 'running' OR state = 'undoing' OR (state IN ('done', 'failed') AND ended_at >= $2))";
    IMPORT_WORK = "SELECT state, mode, file_id, options, next_chunk, list_id, table_id, actor, ended_at, undo_after FROM imports
        WHERE workspace_id = $1 AND id = $2";
    TAKE_IMPORT_CHUNK = "UPDATE imports SET next_chunk = next_chunk + 1, progress_at = $4
        WHERE workspace_id = $1 AND id = $2 AND state = 'running' AND next_chunk = $3";
    IMPORT_REJECTIONS = "SELECT rejections FROM imports WHERE workspace_id = $1 AND id = $2";
    ADD_IMPORT_COUNTS = "UPDATE imports SET rows_read = rows_read + $3, created = created + $4, updated = updated + $5,
            unchanged = unchanged + $6, rejected = rejected + $7, rejections = $8, opted_in = opted_in + $9,
            opted_out = opted_out + $10, kept_out = kept_out + $11, without_evidence = without_evidence + $12,
            held_back = held_back + $13
        WHERE workspace_id = $1 AND id = $2";
    END_IMPORT = "UPDATE imports SET state = $3, detail = $4, ended_at = $5
        WHERE workspace_id = $1 AND id = $2 AND state = 'running'";
    BEGIN_UNDO = "UPDATE imports SET state = 'undoing', undo = '{}', progress_at = $3
        WHERE workspace_id = $1 AND id = $2 AND state IN ('done', 'failed') AND mode = 'import'";
    ADVANCE_UNDO = "UPDATE imports SET undo = $3, undo_after = $4, progress_at = $5
        WHERE workspace_id = $1 AND id = $2 AND state = 'undoing'";
    END_UNDO = "UPDATE imports SET state = 'undone', undone_at = $3
        WHERE workspace_id = $1 AND id = $2 AND state = 'undoing'";
    STALE_IMPORTS = "SELECT id, state FROM imports
        WHERE workspace_id = $1 AND state IN ('running', 'undoing') AND progress_at < $2";
    INSERT_IMPORT_ERROR = "INSERT INTO import_errors (workspace_id, import_id, row_number, code, message, fields)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (workspace_id, import_id, row_number) DO NOTHING";
    /// An ended dry run is of no use without its file.
    DELETE_IMPORT_ERRORS = "DELETE FROM import_errors WHERE workspace_id = $1 AND (import_id, row_number) IN (
        SELECT e.import_id, e.row_number FROM imports i
        JOIN import_errors e ON e.workspace_id = i.workspace_id AND e.import_id = i.id
        WHERE i.workspace_id = $1 AND i.state IN ('done', 'failed', 'undone') AND (i.ended_at < $2 OR (i.mode = 'dry_run'
            AND NOT EXISTS (SELECT 1 FROM import_files f WHERE f.workspace_id = i.workspace_id AND f.id = i.file_id)))
        LIMIT $3)";
    IMPORT_ERRORS = "SELECT row_number, message, fields FROM import_errors
        WHERE workspace_id = $1 AND import_id = $2 AND row_number > $3 ORDER BY row_number LIMIT $4";
}

fn read_import(row: &mut Row<'_>) -> Result<ImportView, StoreError> {
    let mut import = ImportView {
        id: row.next()?,
        file_name: row.next()?,
        mode: row.word()?,
        state: row.word()?,
        rows_total: row.next()?,
        rows_read: row.next()?,
        created: row.next()?,
        updated: row.next()?,
        unchanged: row.next()?,
        rejected: row.next()?,
        rejections: row.json()?,
        opted_in: row.next()?,
        opted_out: row.next()?,
        kept_out: row.next()?,
        held_back: row.next()?,
        without_evidence: row.next()?,
        list_id: row.next()?,
        table_id: row.next()?,
        actor: row.next()?,
        created_at: row.next()?,
        ended_at: row.next()?,
        detail: row.next()?,
        undo_until: None,
        undo: row.optional_json()?,
    };
    if import.mode == ImportMode::Import && matches!(import.state, ImportState::Done | ImportState::Failed) {
        import.undo_until = import.ended_at.map(|ended| ended.plus(UNDO_WINDOW));
    }
    Ok(import)
}

impl Tx<'_> {
    /// Imports of contacts that may still be undone.
    ///
    /// # Errors
    /// When the store fails.
    pub fn undoable_imports(
        &mut self,
        workspace_id: WorkspaceId,
        now: Timestamp,
    ) -> Result<Vec<UndoableImport>, StoreError> {
        self.query(&UNDOABLE_IMPORTS, &[&workspace_id, &now.plus(-UNDO_WINDOW)], |row| {
            Ok(UndoableImport { id: row.next()?, list_id: row.next()? })
        })
    }

    /// Adds a running import.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_import(
        &mut self,
        workspace_id: WorkspaceId,
        import: &NewImport,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let options = json_text(&import.options)?;
        self.execute(
            &INSERT_IMPORT,
            &[
                &workspace_id,
                &import.id,
                &import.file_id,
                &import.file_name,
                &import.mode.as_str(),
                &options,
                &import.rows_total,
                &import.list_id,
                &import.actor,
                &now,
                &import.table_id,
            ],
        )?;
        self.tell_import(workspace_id, import.id, now).map(|_| ())
    }

    /// One import.
    ///
    /// # Errors
    /// When the store fails.
    pub fn import(&mut self, workspace_id: WorkspaceId, id: ImportId) -> Result<Option<ImportView>, StoreError> {
        self.query_opt(&IMPORT, &[&workspace_id, &id], read_import)
    }

    /// Imports without dry runs, newest first, from before `before` on.
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

    /// What the worker of an import needs to go on.
    ///
    /// # Errors
    /// When the store fails.
    pub fn import_work(&mut self, workspace_id: WorkspaceId, id: ImportId) -> Result<Option<ImportWork>, StoreError> {
        self.query_opt(&IMPORT_WORK, &[&workspace_id, &id], |row| {
            Ok(ImportWork {
                state: row.word()?,
                mode: row.word()?,
                file_id: row.next()?,
                options: row.json()?,
                next_chunk: row.next()?,
                list_id: row.next()?,
                table_id: row.next()?,
                actor: row.next()?,
                ended_at: row.next()?,
                undo_after: row.next()?,
            })
        })
    }

    /// Takes a chunk of a running import to be worked on in this transaction. `false` when it is not running (any
    /// more) or another worker has done the chunk.
    ///
    /// # Errors
    /// When the store fails.
    pub fn take_import_chunk(
        &mut self,
        workspace_id: WorkspaceId,
        id: ImportId,
        number: i64,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&TAKE_IMPORT_CHUNK, &[&workspace_id, &id, &number, &now])? == 1)
    }

    /// Adds to an import's counts and tells the screens. `None` when there is no such import.
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
        let known = self.query_opt(&IMPORT_REJECTIONS, &[&workspace_id, &id], |row| row.json())?;
        let mut rejections: BTreeMap<String, i64> = known.unwrap_or_default();
        for (code, count) in &counts.rejections {
            *rejections.entry((*code).to_owned()).or_default() += count;
        }
        let rejections = json_text(&rejections)?;
        self.execute(
            &ADD_IMPORT_COUNTS,
            &[
                &workspace_id,
                &id,
                &counts.rows_read,
                &counts.created,
                &counts.updated,
                &counts.unchanged,
                &counts.rejected,
                &rejections,
                &counts.opted_in,
                &counts.opted_out,
                &counts.kept_out,
                &counts.without_evidence,
                &counts.held_back,
            ],
        )?;
        self.tell_import(workspace_id, id, now)
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

    /// Begins to undo an ended import. `None` when it has not ended, is undone already, or was a dry run.
    ///
    /// # Errors
    /// When the store fails.
    pub fn begin_undo(
        &mut self,
        workspace_id: WorkspaceId,
        id: ImportId,
        now: Timestamp,
    ) -> Result<Option<ImportView>, StoreError> {
        let written = self.execute(&BEGIN_UNDO, &[&workspace_id, &id, &now])?;
        if written == 1 { self.tell_import(workspace_id, id, now) } else { Ok(None) }
    }

    /// Notes how far the undoing is, and tells the screens. `false` when it is not being undone.
    ///
    /// # Errors
    /// When the store fails.
    pub fn advance_undo(
        &mut self,
        workspace_id: WorkspaceId,
        id: ImportId,
        after: Option<ContactId>,
        counts: &UndoCounts,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let counts = json_text(counts)?;
        let written = self.execute(&ADVANCE_UNDO, &[&workspace_id, &id, &counts, &after, &now])?;
        self.tell_import(workspace_id, id, now)?;
        Ok(written == 1)
    }

    /// Everything is undone; tells the screens.
    ///
    /// # Errors
    /// When the store fails.
    pub fn end_undo(&mut self, workspace_id: WorkspaceId, id: ImportId, now: Timestamp) -> Result<(), StoreError> {
        self.execute(&END_UNDO, &[&workspace_id, &id, &now])?;
        self.tell_import(workspace_id, id, now).map(|_| ())
    }

    /// Imports that run or are undone without any progress since `before`: their process ended.
    ///
    /// # Errors
    /// When the store fails.
    pub fn stale_imports(
        &mut self,
        workspace_id: WorkspaceId,
        before: Timestamp,
    ) -> Result<Vec<(ImportId, ImportState)>, StoreError> {
        self.query(&STALE_IMPORTS, &[&workspace_id, &before], |row| Ok((row.next()?, row.word()?)))
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
        self.execute(
            &INSERT_IMPORT_ERROR,
            &[&workspace_id, &id, &error.row_number, &error.code, &error.message, &fields],
        )
        .map(|_| ())
    }

    /// Removes refused rows, which are people's data, at most [`REMOVED_AT_ONCE`]: those of imports that ended before
    /// `before`, and those of dry runs whose file is gone.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_import_errors(&mut self, workspace_id: WorkspaceId, before: Timestamp) -> Result<u64, StoreError> {
        self.execute(&DELETE_IMPORT_ERRORS, &[&workspace_id, &before, &REMOVED_AT_ONCE])
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
    ) -> Result<Vec<StoredImportError>, StoreError> {
        self.query(&IMPORT_ERRORS, &[&workspace_id, &id, &after, &limit], |row| {
            Ok(StoredImportError { row_number: row.next()?, message: row.next()?, fields: row.json()? })
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
