//! SQLite: one writer thread with group commit, and read-only connections.
//!
//! The writer takes the first waiting command, begins a transaction, takes whatever else is waiting (at most
//! [`GROUP_COMMANDS`] commands or [`GROUP_TIME`]), commits, and only then answers all of them. A crash before the commit
//! leaves nothing of the group, and nobody was told otherwise; a crash after it leaves all of it. The first command of a
//! group needs no savepoint: when it fails or panics, nothing else is in the transaction, and all of it is rolled back.
//! Each further one has its own, and is rolled back alone. (A savepoint copies each page before its first change.)

use std::{
    cell::RefCell,
    collections::{HashMap, hash_map::Entry},
    path::Path,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use rusqlite::{Connection as Sqlite, OpenFlags, config::DbConfig};
use segue_model::wake::Wake;

use crate::{
    StoreError,
    error::DISK_FULL,
    event::append,
    queue::{Command, Outcome, Queue, Urgency},
    sql::Sql,
    store::OnCommit,
    tx::{Connection, Tx},
};

/// Most commands in one group commit.
const GROUP_COMMANDS: usize = 256;
/// Most time that commands of one group may take before it is committed.
const GROUP_TIME: Duration = Duration::from_millis(5);
/// Oldest safe version: before it a race in WAL mode can lose committed data (sqlite.org, WAL-reset bug).
pub(crate) const OLDEST_VERSION: i32 = 3_051_003;

/// Refuses to work with a library that can lose data.
///
/// # Errors
/// [`StoreError::Unsupported`] with what to do.
pub(crate) fn check_version(version: i32) -> Result<(), StoreError> {
    if version >= OLDEST_VERSION {
        return Ok(());
    }
    let text = format!("{}.{}.{}", version / 1_000_000, version / 1_000 % 1_000, version % 1_000);
    Err(StoreError::Unsupported(format!(
        "SQLite {text} can lose committed data in WAL mode. Segue needs 3.51.3 or newer; build it with its bundled SQLite."
    )))
}

/// Opens a connection with the settings the product relies on.
///
/// # Errors
/// When the file cannot be opened or the library is unsafe.
pub(crate) fn open(path: &Path, access: Access) -> Result<Sqlite, StoreError> {
    check_version(rusqlite::version_number())?;
    let flags = match access {
        Access::ReadWrite => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        Access::ReadOnly => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let connection = Sqlite::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA cache_size = -49152;
         PRAGMA wal_autocheckpoint = 16000;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA temp_store = MEMORY;",
    )?;
    if access == Access::ReadOnly {
        connection.execute_batch("PRAGMA query_only = ON;")?;
    }
    // Otherwise SQLite prepares a statement anew whenever a parameter that it compares with the condition of a partial
    // index changes: the receipt of each message cost 60 microseconds more.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(512);
    Ok(connection)
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    ReadWrite,
    ReadOnly,
}

/// The statements of a connection.
pub(crate) trait Statements {
    /// Calls `work` with a statement, which is prepared once for each connection.
    ///
    /// # Errors
    /// When SQLite refuses the statement, or the error of `work`.
    fn with(
        &self,
        sql: &'static Sql,
        work: &mut dyn FnMut(&mut rusqlite::Statement<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    fn connection(&self) -> &Sqlite;
}

/// A connection that keeps its statements by the address of their constant. Finding one by its text, as the library's own
/// cache does, cost as much as a small statement itself.
struct Prepared<'a> {
    connection: &'a Sqlite,
    statements: RefCell<HashMap<usize, rusqlite::Statement<'a>>>,
}

impl<'a> Prepared<'a> {
    fn new(connection: &'a Sqlite) -> Self {
        Self { connection, statements: RefCell::default() }
    }
}

impl Statements for Prepared<'_> {
    fn with(
        &self,
        sql: &'static Sql,
        work: &mut dyn FnMut(&mut rusqlite::Statement<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        match self.statements.borrow_mut().entry(std::ptr::from_ref(sql).addr()) {
            Entry::Occupied(known) => work(known.into_mut()),
            Entry::Vacant(place) => work(place.insert(self.connection.prepare(sql.sqlite())?)),
        }
    }

    fn connection(&self) -> &Sqlite {
        self.connection
    }
}

/// Starts the writer thread.
///
/// # Errors
/// When the database cannot be opened.
pub(crate) fn start_writer(path: &Path, queue: Arc<Queue>, on_commit: OnCommit) -> Result<JoinHandle<()>, StoreError> {
    let connection = open(path, Access::ReadWrite)?;
    let run = move || {
        let prepared = Prepared::new(&connection);
        while let Some(first) = queue.next() {
            commit_group(&prepared, first, &queue, &on_commit);
        }
    };
    spawn("segue-writer", run)
}

/// Starts a thread that answers reads, each in its own snapshot.
///
/// # Errors
/// When the database cannot be opened.
pub(crate) fn start_reader(path: &Path, queue: Arc<Queue>) -> Result<JoinHandle<()>, StoreError> {
    let connection = open(path, Access::ReadOnly)?;
    let run = move || {
        let prepared = Prepared::new(&connection);
        while let Some(mut command) = queue.next() {
            let begun = connection.execute_batch("BEGIN");
            if let Err(error) = begun {
                command.finish(Some(error.into()));
                continue;
            }
            command.run(&mut Tx::new(Connection::Sqlite(&prepared)));
            let ended = connection.execute_batch("ROLLBACK");
            command.finish(ended.err().map(Into::into));
        }
    };
    spawn("segue-reader", run)
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(|error| StoreError::Unavailable(format!("cannot start a thread: {error}")))
}

fn commit_group(prepared: &Prepared<'_>, first: Box<dyn Command>, queue: &Queue, on_commit: &OnCommit) {
    let connection = prepared.connection;
    if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
        first.finish(Some(error.into()));
        return;
    }
    let started = Instant::now();
    let mut group = Vec::new();
    let mut wakes = Vec::new();
    let mut next = Some(first);
    while let Some(mut command) = next {
        let place = if group.is_empty() { Place::First } else { Place::Further };
        let failure = match run(prepared, &mut *command, place) {
            Ok(woken) => {
                wakes.extend(woken);
                None
            }
            Err(error) => Some(error),
        };
        group.push((command, failure));
        if place == Place::First && connection.is_autocommit() {
            // It left nothing, so there is nothing to commit, and whatever else waits gets a transaction of its own.
            return finish(group, None);
        }
        // A full disk or an I/O error can end the whole transaction; what ran after it would stand alone.
        let ended = connection.is_autocommit();
        let full = ended || group.len() >= GROUP_COMMANDS || started.elapsed() >= GROUP_TIME;
        next = if full { None } else { queue.try_next(Urgency::Bulk) };
    }
    let committed = if connection.is_autocommit() {
        Err(transaction_lost())
    } else {
        connection.execute_batch("COMMIT").map_err(StoreError::from)
    };
    if committed.is_err() && !connection.is_autocommit() {
        // Nothing of the group may stay in the connection; without this the next group could not begin.
        if let Err(error) = connection.execute_batch("ROLLBACK") {
            tracing::error!(%error, "cannot roll back after a failed commit");
        }
    }
    if let Err(error) = &committed {
        tracing::error!(%error, commands = group.len(), "group commit failed; all its commands were rolled back");
    }
    let failure = committed.err();
    finish(group, failure.as_ref());
    if failure.is_none() {
        on_commit(wakes);
    }
}

/// Answers the commands of a group.
fn finish(group: Vec<(Box<dyn Command>, Option<StoreError>)>, failure: Option<&StoreError>) {
    for (command, own_failure) in group {
        command.finish(own_failure.or_else(|| failure.cloned()));
    }
}

fn transaction_lost() -> StoreError {
    StoreError::Unavailable(format!("{DISK_FULL} or failed, so the transaction was rolled back"))
}

/// Where a command stands in its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    First,
    Further,
}

impl Place {
    /// What goes before a command, after it, and after one that is to leave nothing.
    const fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::First => ("", "", "ROLLBACK"),
            Self::Further => ("SAVEPOINT command", "RELEASE command", "ROLLBACK TO command; RELEASE command"),
        }
    }
}

/// Runs one command and gives whom to wake. `Err` only when its events could not be stored, it could not be kept apart
/// from the others, or the engine has ended the transaction.
fn run(prepared: &Prepared<'_>, command: &mut dyn Command, place: Place) -> Result<Vec<Wake>, StoreError> {
    let connection = prepared.connection;
    let (begin, keep, undo) = place.words();
    connection.execute_batch(begin)?;
    let mut tx = Tx::new(Connection::Sqlite(prepared));
    let outcome = command.run(&mut tx);
    let appended = if outcome == Outcome::Keep { append(&mut tx) } else { Ok(()) };
    let wakes = std::mem::take(&mut tx.wakes);
    if connection.is_autocommit() {
        // The engine gave up the whole transaction, and with it this savepoint.
        return Err(transaction_lost());
    }
    if outcome == Outcome::Keep && appended.is_ok() {
        connection.execute_batch(keep)?;
        return Ok(wakes);
    }
    connection.execute_batch(undo)?;
    appended.map(|()| Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_can_lose_data_is_refused() {
        assert!(check_version(rusqlite::version_number()).is_ok(), "the bundled one is safe");
        assert!(check_version(OLDEST_VERSION).is_ok());
        for version in [3_051_002, 3_050_000, 3_007_000] {
            let refused = check_version(version).unwrap_err();
            assert!(matches!(&refused, StoreError::Unsupported(why) if why.contains("3.51.3")), "{refused}");
        }
    }

    #[test]
    fn a_connection_has_the_settings_the_product_relies_on() {
        let directory = tempfile::TempDir::new().unwrap();
        let connection = open(&directory.path().join("x.db"), Access::ReadWrite).unwrap();
        let pragma = |name: &str| {
            connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, rusqlite::types::Value>(0)).unwrap()
        };
        assert_eq!(pragma("journal_mode"), rusqlite::types::Value::Text("wal".to_owned()));
        assert_eq!(pragma("synchronous"), rusqlite::types::Value::Integer(2), "FULL");
        assert_eq!(pragma("foreign_keys"), rusqlite::types::Value::Integer(1));
        assert_eq!(pragma("trusted_schema"), rusqlite::types::Value::Integer(0));
        assert!(connection.db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG).unwrap(), "stable plans");
    }
}
