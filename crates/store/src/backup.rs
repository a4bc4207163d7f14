//! Consistent copies of a database that is in use.

use std::{path::Path, process::Command};

use crate::{Engine, StoreError, sqlite};

/// Writes a copy to `to`, which must not exist. SQLite: `VACUUM INTO` (a SQLite file). PostgreSQL: `pg_dump` in its
/// custom format, to be read by `pg_restore`.
///
/// # Errors
/// When the copy cannot be written, or `pg_dump` is missing.
pub(crate) fn backup(engine: &Engine, to: &Path) -> Result<(), StoreError> {
    if to.exists() {
        return Err(StoreError::Unsupported(format!("{} exists already; choose another name.", to.display())));
    }
    if let Some(directory) = to.parent() {
        std::fs::create_dir_all(directory)
            .map_err(|error| StoreError::Unavailable(format!("cannot make {}: {error}", directory.display())))?;
    }
    match engine {
        Engine::Sqlite(path) => {
            let connection = sqlite::open(path, sqlite::Access::ReadWrite)?;
            let target = to.to_str().ok_or_else(|| StoreError::Unsupported("The path is not UTF-8.".to_owned()))?;
            connection.execute("VACUUM INTO ?1", [target])?;
            Ok(())
        }
        Engine::Postgres(url) => {
            let output = Command::new("pg_dump")
                .args(["--format=custom", "--no-password", "--file"])
                .arg(to)
                .args(["--dbname", url])
                .output()
                .map_err(|error| {
                    StoreError::Unsupported(format!(
                        "A backup of PostgreSQL needs the program pg_dump, which cannot be run: {error}. \
                         Install the PostgreSQL client tools."
                    ))
                })?;
            if output.status.success() {
                return Ok(());
            }
            Err(StoreError::Unavailable(format!("pg_dump failed: {}", String::from_utf8_lossy(&output.stderr).trim())))
        }
    }
}
