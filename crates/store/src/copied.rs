//! A copy of the embedded database on its way to becoming the database.

use std::path::Path;

use crate::{StoreError, migrate, sqlite};

/// Looks through a copy whether it is whole and one that this build can use.
///
/// # Errors
/// Says what is wrong with it.
pub fn check_copy(path: &Path) -> Result<(), StoreError> {
    let engine = crate::Engine::Sqlite(path.to_owned());
    let unfit = |why: String| StoreError::Unsupported(format!("The file cannot be restored: {why}"));
    let version = migrate::schema_version(&engine).map_err(|error| unfit(error.to_string()))?;
    match version {
        None | Some(0) => return Err(unfit("it is no database of Segue.".to_owned())),
        Some(version) if version > migrate::SCHEMA_VERSION => {
            return Err(unfit(format!(
                "it has schema version {version}, this program knows {}. Use the version of Segue that made it, or a newer one.",
                migrate::SCHEMA_VERSION
            )));
        }
        Some(_) => {}
    }
    let connection = sqlite::open(path, sqlite::Access::ReadOnly)?;
    let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(unfit(format!("it is damaged. SQLite says: {found}"))) }
}

/// Copies what is in the log of a closed database into its file and ends the log, so that the file is all of it.
///
/// # Errors
/// When somebody has the database open, or it is damaged.
pub fn end_log(path: &Path) -> Result<(), StoreError> {
    let connection = sqlite::open(path, sqlite::Access::ReadWrite)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
    if mode == "delete" { Ok(()) } else { Err(StoreError::Unavailable("somebody has the database open".to_owned())) }
}
