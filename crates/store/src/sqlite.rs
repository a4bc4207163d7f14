//! SQLite: one writer thread with group commit, and read-only connections.
//!
//! The writer takes the first waiting command, begins a transaction, takes whatever else is waiting (at most
//! [`GROUP_COMMANDS`] commands or [`GROUP_TIME`]), commits, and only then answers all of them. A crash before the commit
//! leaves nothing of the group, and nobody was told otherwise; a crash after it leaves all of it. The first command of a
//! group needs no savepoint: when it fails or panics, nothing else is in the transaction, and all of it is rolled back.
//! Each further one has its own, and is rolled back alone. (A savepoint copies each page before its first change.)
//!
//! Large work joins no group that somebody waits for, and the log is copied into the database by a thread of its own, since
//! whoever commits when it is full waits for that.
//!
//! A commit waits for the disk however much is in it. So when many callers write at once, the writer waits a little for
//! those it has just answered to come back ([`Pace`]); a caller that is alone never waits for anybody.

use std::{
    cell::RefCell,
    path::Path,
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use rusqlite::{Connection as Sqlite, OpenFlags, PrepFlags, config::DbConfig};
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
/// From how many commands in a group on the next one waits for more.
const CROWD: usize = 4;
/// Longest time that a group waits for commands that are not there yet.
const LONGEST_PATIENCE: Duration = Duration::from_millis(1);

/// How often it is looked whether there is much to copy from the log into the database.
const LOOK_AT_LOG: Duration = Duration::from_millis(100);
/// After how much work of the writer the log is copied.
const COPY_AFTER: Duration = Duration::from_millis(300);

static BEGIN: Sql = Sql::portable("BEGIN", "BEGIN IMMEDIATE");
static BEGIN_READ: Sql = Sql::portable("BEGIN_READ", "BEGIN");
static COMMIT: Sql = Sql::portable("COMMIT", "COMMIT");
static ROLLBACK: Sql = Sql::portable("ROLLBACK", "ROLLBACK");
static SAVEPOINT: Sql = Sql::portable("SAVEPOINT", "SAVEPOINT command");
static RELEASE: Sql = Sql::portable("RELEASE", "RELEASE command");
static ROLLBACK_TO: Sql = Sql::portable("ROLLBACK_TO", "ROLLBACK TO command");

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
         PRAGMA cache_size = -16384;
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

/// A connection that keeps its statements by their number. Finding one by its text, as the library's own cache does, cost as
/// much as a small statement itself.
struct Prepared<'a> {
    connection: &'a Sqlite,
    statements: RefCell<Vec<Option<rusqlite::Statement<'a>>>>,
}

impl<'a> Prepared<'a> {
    fn new(connection: &'a Sqlite) -> Self {
        Self { connection, statements: RefCell::default() }
    }

    /// What to do with a connection that should be in no transaction.
    fn fate(&self) -> Fate {
        if self.connection.is_autocommit() { Fate::GoOn } else { Fate::GiveUp }
    }

    /// Runs a statement that begins, marks or ends a transaction.
    fn control(&self, sql: &'static Sql) -> Result<(), StoreError> {
        #[cfg(test)]
        if tests::FAILING.with(|failing| failing.get() == Some(sql.name)) {
            return Err(StoreError::Unavailable(format!("{} fails in this test", sql.name)));
        }
        self.with(sql, &mut |statement| {
            statement.execute([])?;
            Ok(())
        })
    }
}

impl Statements for Prepared<'_> {
    fn with(
        &self,
        sql: &'static Sql,
        work: &mut dyn FnMut(&mut rusqlite::Statement<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut statements = self.statements.borrow_mut();
        let number = sql.number();
        if statements.len() <= number {
            statements.resize_with(number + 1, || None);
        }
        match &mut statements[number] {
            Some(statement) => work(statement),
            // Said to be kept, a statement takes none of the small pieces of memory that all statements share while they
            // run (lookaside): hundreds of kept ones would leave none.
            place => {
                let flags = PrepFlags::SQLITE_PREPARE_PERSISTENT;
                work(place.insert(self.connection.prepare_with_flags(sql.sqlite(), flags)?))
            }
        }
    }

    fn connection(&self) -> &Sqlite {
        self.connection
    }
}

/// Whether a connection can be used on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    GoOn,
    /// A transaction could not be ended: closing the connection ends it.
    GiveUp,
}

/// Starts the writer thread.
///
/// # Errors
/// When the database cannot be opened.
pub(crate) fn start_writer(path: &Path, queue: Arc<Queue>, on_commit: OnCommit) -> Result<JoinHandle<()>, StoreError> {
    let mut pace = Pace::default();
    start_thread("segue-writer", path, Access::ReadWrite, queue, move |prepared, first, queue| {
        queue.note_work(true);
        let fate = commit_group(prepared, first, queue, &mut pace, &on_commit);
        queue.note_work(false);
        fate
    })
}

/// Starts a thread that copies the log into the database while the writer goes on, so that the writer's own checkpoint,
/// for which everybody waits, finds little left to do. It ends when `until` is dropped.
///
/// # Errors
/// When the database cannot be opened.
pub(crate) fn start_checkpoints(
    path: &Path,
    queue: Arc<Queue>,
    until: mpsc::Receiver<()>,
) -> Result<JoinHandle<()>, StoreError> {
    let connection = open(path, Access::ReadWrite)?;
    spawn("segue-log", move || {
        let mut copied = Duration::ZERO;
        while until.recv_timeout(LOOK_AT_LOG) == Err(mpsc::RecvTimeoutError::Timeout) {
            // What is not committed is in no log yet, and would be left there until there is as much work again.
            let worked = queue.worked_to_end();
            if worked.saturating_sub(copied) < COPY_AFTER {
                continue;
            }
            copied = worked;
            // PASSIVE waits for nobody and keeps nobody waiting.
            if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
                tracing::warn!(%error, "the log could not be copied into the database; the writer does it when it is full");
            }
        }
    })
}

/// Starts a thread that answers reads, each in its own snapshot.
///
/// # Errors
/// When the database cannot be opened.
pub(crate) fn start_reader(path: &Path, queue: Arc<Queue>) -> Result<JoinHandle<()>, StoreError> {
    start_thread("segue-reader", path, Access::ReadOnly, queue, |prepared, mut command, _| {
        if let Err(error) = prepared.control(&BEGIN_READ) {
            command.finish(Some(error));
            return Fate::GoOn;
        }
        command.run(&mut Tx::new(Connection::Sqlite(prepared)));
        let ended = prepared.control(&ROLLBACK);
        let fate = prepared.fate();
        command.finish(ended.err());
        fate
    })
}

/// Starts a thread that owns a connection and works on a queue. A connection that is given up is opened anew with the
/// next command, which is refused when that fails.
fn start_thread(
    name: &str,
    path: &Path,
    access: Access,
    queue: Arc<Queue>,
    mut work: impl FnMut(&Prepared<'_>, Box<dyn Command>, &Queue) -> Fate + Send + 'static,
) -> Result<JoinHandle<()>, StoreError> {
    let mut opened = Some(open(path, access)?);
    let path = path.to_owned();
    spawn(name, move || {
        while let Some(mut command) = queue.next() {
            let connection = match opened.take().map_or_else(|| open(&path, access), Ok) {
                Ok(connection) => connection,
                Err(error) => {
                    command.finish(Some(error));
                    continue;
                }
            };
            let prepared = Prepared::new(&connection);
            while work(&prepared, command, &queue) == Fate::GoOn {
                let Some(next) = queue.next() else { return };
                command = next;
            }
            tracing::error!("a connection to the database is given up, since a transaction could not be ended");
        }
    })
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(|error| StoreError::Unavailable(format!("cannot start a thread: {error}")))
}

/// How many commands the last group had and how long its commit took.
#[derive(Default)]
struct Pace {
    commands: usize,
    commit: Duration,
}

impl Pace {
    /// How long after its begin a group waits for commands that are not there yet: half of a commit, when the last group
    /// shows that several callers write at once.
    fn patience(&self) -> Duration {
        if self.commands < CROWD { Duration::ZERO } else { (self.commit / 2).min(LONGEST_PATIENCE) }
    }
}

fn commit_group(
    prepared: &Prepared<'_>,
    first: Box<dyn Command>,
    queue: &Queue,
    pace: &mut Pace,
    on_commit: &OnCommit,
) -> Fate {
    let connection = prepared.connection;
    if let Err(error) = prepared.control(&BEGIN) {
        first.finish(Some(error));
        return prepared.fate();
    }
    let started = Instant::now();
    let patience = pace.patience();
    let mut group = Vec::new();
    let mut wakes = Vec::new();
    let mut urgency = first.urgency();
    let mut next = Some(first);
    let mut lost = None;
    while let Some(mut command) = next {
        let place = if group.is_empty() { Place::First } else { Place::Further };
        let failure = match run(prepared, &mut *command, place) {
            Ok(woken) => {
                wakes.extend(woken);
                None
            }
            Err(Failure::OfCommand(error)) => Some(error),
            Err(Failure::OfGroup(error)) => {
                // What it left in the transaction cannot be told from the others' changes.
                lost = Some(error);
                None
            }
        };
        group.push((command, failure));
        if lost.is_none() && place == Place::First && connection.is_autocommit() {
            // It left nothing, so there is nothing to commit, and whatever else waits gets a transaction of its own.
            finish(group, None);
            return Fate::GoOn;
        }
        let full = lost.is_some() || group.len() >= GROUP_COMMANDS || started.elapsed() >= GROUP_TIME;
        next = if full { None } else { queue.next_within(urgency, patience.saturating_sub(started.elapsed())) };
        // Somebody waits for what is in the group from now on: no large work before its commit.
        if next.as_ref().is_some_and(|next| next.urgency() == Urgency::Interactive) {
            urgency = Urgency::Interactive;
        }
    }
    let begun = Instant::now();
    let committed = match lost {
        Some(error) => Err(error),
        None => prepared.control(&COMMIT),
    };
    *pace = Pace { commands: group.len(), commit: begun.elapsed() };
    if committed.is_err()
        && !connection.is_autocommit()
        && let Err(error) = prepared.control(&ROLLBACK)
    {
        tracing::error!(%error, "cannot roll back after a failed commit");
    }
    if let Err(error) = &committed {
        tracing::error!(%error, commands = group.len(), "group commit failed; all its commands were rolled back");
    }
    let fate = prepared.fate();
    let failure = committed.err();
    finish(group, failure.as_ref());
    if failure.is_none() {
        on_commit(wakes);
    }
    fate
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

/// What a command that failed to be kept or undone means for the others.
enum Failure {
    /// It left nothing.
    OfCommand(StoreError),
    /// Its changes cannot be taken out of the transaction, or the engine has ended the transaction.
    OfGroup(StoreError),
}

/// Runs one command and gives whom to wake. `Err` only when its events could not be stored, it could not be kept apart
/// from the others, or the engine has ended the transaction.
fn run(prepared: &Prepared<'_>, command: &mut dyn Command, place: Place) -> Result<Vec<Wake>, Failure> {
    let connection = prepared.connection;
    let is_alone = place == Place::First;
    if !is_alone {
        prepared.control(&SAVEPOINT).map_err(Failure::OfCommand)?;
    }
    let mut tx = Tx::new(Connection::Sqlite(prepared));
    let outcome = command.run(&mut tx);
    let appended = if outcome == Outcome::Keep { append(&mut tx) } else { Ok(()) };
    let wakes = std::mem::take(&mut tx.wakes);
    if connection.is_autocommit() {
        // A full disk or an I/O error can end the whole transaction, and with it this savepoint; what ran after it would
        // stand alone.
        return Err(Failure::OfGroup(transaction_lost()));
    }
    if outcome == Outcome::Keep && appended.is_ok() {
        if !is_alone {
            prepared.control(&RELEASE).map_err(Failure::OfGroup)?;
        }
        return Ok(wakes);
    }
    if is_alone {
        prepared.control(&ROLLBACK).map_err(Failure::OfGroup)?;
    } else {
        prepared.control(&ROLLBACK_TO).and_then(|()| prepared.control(&RELEASE)).map_err(Failure::OfGroup)?;
    }
    appended.map(|()| Vec::new()).map_err(Failure::OfCommand)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::{Engine, Store, StoreConfig};

    thread_local! {
        /// Which statement of control fails on this thread.
        pub(super) static FAILING: Cell<Option<&'static str>> = const { Cell::new(None) };
    }

    static PUT: Sql = Sql::portable("PUT", "INSERT INTO installation (name, value) VALUES ($1, $2)");
    static NAMES: Sql = Sql::portable("NAMES", "SELECT name FROM installation ORDER BY name");

    /// Writes a row. One that is to fail breaks a statement first, as an I/O error would.
    async fn put(store: &Store, name: &'static str, failing: Option<&'static str>) -> Result<(), StoreError> {
        store
            .write(move |tx| {
                tx.execute(&PUT, &[&name, &b"x".to_vec()])?;
                FAILING.with(|now| now.set(failing));
                if failing.is_some() { Err(StoreError::LeaseLost) } else { Ok(()) }
            })
            .await
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_transaction_that_cannot_be_rolled_back_ends_with_its_connection_and_nothing_of_it_stays() {
        let directory = tempfile::TempDir::new().unwrap();
        let config = StoreConfig::new(Engine::Sqlite(directory.path().join("x.db")), directory.path().join("backups"));
        let store = tokio::task::spawn_blocking(move || Store::open(config)).await.unwrap().unwrap();
        put(&store, "before", None).await.unwrap();
        let failed = put(&store, "failed", Some("ROLLBACK")).await.unwrap_err();
        assert!(matches!(failed, StoreError::Unavailable(_)), "{failed}");
        // The connection that is opened now holds nothing of it, and its statements work.
        put(&store, "after", None).await.unwrap();
        let names: Vec<String> = store.read(|tx| tx.query(&NAMES, &[], |row| row.next())).await.unwrap();
        assert_eq!(names, ["after", "before"]);
        let reading = store.read::<(), StoreError, _>(|_| {
            FAILING.with(|now| now.set(Some("ROLLBACK")));
            Ok(())
        });
        reading.await.unwrap_err();
        for _ in 0..20 {
            let read = store.read::<(), StoreError, _>(|_| {
                FAILING.with(|now| now.set(None));
                Ok(())
            });
            read.await.unwrap();
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_log_is_copied_while_nobody_has_to_wait_for_it() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("x.db");
        let config = StoreConfig::new(Engine::Sqlite(path.clone()), directory.path().join("backups"));
        let store = tokio::task::spawn_blocking(move || Store::open(config)).await.unwrap().unwrap();
        let looking = open(&path, Access::ReadOnly).unwrap();
        let copied = || {
            // NOOP tells how far the log is copied and copies nothing.
            looking.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| Ok((row.get(1)?, row.get(2)?))).unwrap()
        };
        let before: (i64, i64) = copied();
        store
            .write::<_, StoreError, _>(|tx| {
                std::thread::sleep(COPY_AFTER);
                tx.execute(&PUT, &[&"long", &b"x".to_vec()])
            })
            .await
            .unwrap();
        let (log, _) = copied();
        assert!(log > before.0 && log < 1_000, "far from what makes the writer copy it: {log} pages");
        let started = Instant::now();
        while copied() != (log, log) {
            assert!(started.elapsed() < Duration::from_secs(20), "{:?} of {log}", copied());
            tokio::time::sleep(LOOK_AT_LOG / 4).await;
        }
    }

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
