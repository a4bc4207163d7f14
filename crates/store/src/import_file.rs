//! Uploaded tables of contacts in chunks of whole rows, and how files with the same columns were imported last.
//!
//! # Why a crash at each point is safe
//! The file's row is written first and counts as complete only when all its chunks are there. What a crash leaves
//! incomplete is removed with other old files ([`Tx::delete_import_files`]).

use segue_model::{ImportFileId, Timestamp, WorkspaceId};
use serde_json::Value;

use crate::{StoreError, Tx, tx::json_text};

/// An uploaded file that is complete.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportFile {
    pub id: ImportFileId,
    pub name: String,
    /// JSON of what is known of the columns, in the words of who read the file.
    pub columns: Value,
    /// Of the columns' names; files with the same one are read alike.
    pub signature: String,
    pub row_count: i64,
    pub created_at: Timestamp,
}

crate::sql! {
    INSERT_IMPORT_FILE = "INSERT INTO import_files (workspace_id, id, name, columns, signature, row_count, complete,
            created_at) VALUES ($1, $2, $3, '[]', '', 0, 0, $4)";
    INSERT_IMPORT_CHUNK = "INSERT INTO import_chunks (workspace_id, file_id, number, data) VALUES ($1, $2, $3, $4)
        ON CONFLICT (workspace_id, file_id, number) DO NOTHING";
    COMPLETE_IMPORT_FILE = "UPDATE import_files SET columns = $3, signature = $4, row_count = $5, complete = 1
        WHERE workspace_id = $1 AND id = $2";
    IMPORT_FILE = "SELECT id, name, columns, signature, row_count, created_at FROM import_files
        WHERE workspace_id = $1 AND id = $2 AND complete = 1";
    IMPORT_CHUNK = "SELECT data FROM import_chunks WHERE workspace_id = $1 AND file_id = $2 AND number = $3";
    DELETE_IMPORT_FILE = "DELETE FROM import_files WHERE workspace_id = $1 AND id = $2";
    DELETE_IMPORT_FILES = "DELETE FROM import_files WHERE workspace_id = $1 AND created_at < $2 AND NOT EXISTS (
        SELECT 1 FROM imports i WHERE i.workspace_id = $1 AND i.file_id = import_files.id AND i.state = 'running')";
    REMEMBER_MAPPING = "INSERT INTO import_mappings (workspace_id, signature, options, used_at)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (workspace_id, signature) DO UPDATE SET options = excluded.options, used_at = excluded.used_at";
    REMEMBERED_MAPPING = "SELECT options FROM import_mappings WHERE workspace_id = $1 AND signature = $2";
}

impl Tx<'_> {
    /// Begins a file; its chunks follow.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_import_file(
        &mut self,
        workspace_id: WorkspaceId,
        id: ImportFileId,
        name: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(&INSERT_IMPORT_FILE, &[&workspace_id, &id, &name, &now]).map(|_| ())
    }

    /// Adds a chunk to a file.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_import_chunk(
        &mut self,
        workspace_id: WorkspaceId,
        file_id: ImportFileId,
        number: i64,
        data: &[u8],
    ) -> Result<(), StoreError> {
        self.execute(&INSERT_IMPORT_CHUNK, &[&workspace_id, &file_id, &number, &data]).map(|_| ())
    }

    /// All chunks of a file are there.
    ///
    /// # Errors
    /// When the store fails.
    pub fn complete_import_file(
        &mut self,
        workspace_id: WorkspaceId,
        id: ImportFileId,
        columns: &Value,
        signature: &str,
        row_count: i64,
    ) -> Result<(), StoreError> {
        let columns = json_text(columns)?;
        self.execute(&COMPLETE_IMPORT_FILE, &[&workspace_id, &id, &columns, &signature, &row_count]).map(|_| ())
    }

    /// A file that is complete.
    ///
    /// # Errors
    /// When the store fails.
    pub fn import_file(
        &mut self,
        workspace_id: WorkspaceId,
        id: ImportFileId,
    ) -> Result<Option<ImportFile>, StoreError> {
        self.query_opt(&IMPORT_FILE, &[&workspace_id, &id], |row| {
            Ok(ImportFile {
                id: row.next()?,
                name: row.next()?,
                columns: row.json()?,
                signature: row.next()?,
                row_count: row.next()?,
                created_at: row.next()?,
            })
        })
    }

    /// A chunk of a file; nothing after the last.
    ///
    /// # Errors
    /// When the store fails.
    pub fn import_chunk(
        &mut self,
        workspace_id: WorkspaceId,
        file_id: ImportFileId,
        number: i64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.query_opt(&IMPORT_CHUNK, &[&workspace_id, &file_id, &number], |row| row.next())
    }

    /// Removes a file.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_import_file(&mut self, workspace_id: WorkspaceId, id: ImportFileId) -> Result<(), StoreError> {
        self.execute(&DELETE_IMPORT_FILE, &[&workspace_id, &id]).map(|_| ())
    }

    /// Removes files from before `before` that no running import reads.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_import_files(&mut self, workspace_id: WorkspaceId, before: Timestamp) -> Result<u64, StoreError> {
        self.execute(&DELETE_IMPORT_FILES, &[&workspace_id, &before])
    }

    /// Remembers how a file with these columns was imported.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remember_mapping(
        &mut self,
        workspace_id: WorkspaceId,
        signature: &str,
        options: &Value,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let options = json_text(options)?;
        self.execute(&REMEMBER_MAPPING, &[&workspace_id, &signature, &options, &now]).map(|_| ())
    }

    /// How a file with these columns was imported last.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remembered_mapping(
        &mut self,
        workspace_id: WorkspaceId,
        signature: &str,
    ) -> Result<Option<Value>, StoreError> {
        self.query_opt(&REMEMBERED_MAPPING, &[&workspace_id, &signature], |row| row.json())
    }
}
