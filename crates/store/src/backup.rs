//! Consistent copies of a database that is in use.

use std::{io::ErrorKind, path::Path, process::Command};

use crate::{
    Engine, StoreError, database_url,
    private::{private_directory, private_file},
    sqlite,
};

/// Writes a copy to `to`, which must not exist. SQLite: `VACUUM INTO` (a SQLite file). PostgreSQL: `pg_dump` in its
/// custom format, to be read by `pg_restore`.
///
/// # Errors
/// When the copy cannot be written, or `pg_dump` is missing.
pub(crate) fn backup(engine: &Engine, to: &Path) -> Result<(), StoreError> {
    if !claim(to)? {
        return Err(StoreError::Unsupported(format!("{} exists already; choose another name.", to.display())));
    }
    write(engine, to)
}

/// Takes a name for a copy by making an empty file of it. `false` when there is one already: another process may have
/// taken the same name at the same moment.
pub(crate) fn claim(to: &Path) -> Result<bool, StoreError> {
    let failed = |path: &Path, error| StoreError::Unavailable(format!("cannot make {}: {error}", path.display()));
    if let Some(directory) = to.parent() {
        private_directory(directory).map_err(|error| failed(directory, error))?;
    }
    match private_file(to) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(to, error)),
    }
}

/// Writes a copy to a name that was taken by [`claim`]; it is free again when that fails.
pub(crate) fn write(engine: &Engine, to: &Path) -> Result<(), StoreError> {
    let written = copy(engine, to);
    if written.is_err() {
        // What is left is no copy. When it cannot be removed its name stays taken, which harms nothing.
        let _ = std::fs::remove_file(to);
    }
    written
}

fn copy(engine: &Engine, to: &Path) -> Result<(), StoreError> {
    match engine {
        Engine::Sqlite(path) => {
            let connection = sqlite::open(path, sqlite::Access::ReadWrite)?;
            let target = to.to_str().ok_or_else(|| StoreError::Unsupported("The path is not UTF-8.".to_owned()))?;
            connection.execute("VACUUM INTO ?1", [target])?;
            Ok(())
        }
        Engine::Postgres(url) => {
            // Every user of the machine sees the arguments of a program, but not its environment.
            let (address, password) = database_url::without_password(url)?;
            let mut dump = Command::new("pg_dump");
            dump.args(["--format=custom", "--no-password", "--file"]).arg(to).args(["--dbname", &address]);
            if let Some(password) = password {
                dump.env("PGPASSWORD", password);
            }
            let output = dump.output().map_err(|error| {
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
