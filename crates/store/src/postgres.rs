//! PostgreSQL: worker threads that each own a connection, one transaction per command.
//!
//! `READ COMMITTED`, with the whole command run again when the server reports a serialization failure or a deadlock. A
//! connection that breaks before the commit is replaced and the command is run again; one that breaks during the commit
//! leaves the outcome open, so the caller is told the store is unavailable and repeats with the same ids.
//!
//! Commands are synchronous, so each worker waits for the server by itself, on a runtime of its own thread. What waits is
//! the exchange: the same statement for many rows is sent without waiting for the answer of each
//! ([`Work::execute_each`]), which made a campaign several times faster.

use std::{collections::HashMap, sync::Arc, thread::JoinHandle, time::Duration};

use futures::future::join_all;
use postgres::{Client, NoTls};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Row, Statement, Transaction};

use crate::{
    StoreError,
    database_url::config,
    event::append,
    queue::{Command, Outcome, Queue},
    sql::Sql,
    store::OnCommit,
    tx::{Connection, Tx},
    value::Param,
};

/// How often one command is run before its failure is reported.
const MAX_RUNS: u32 = 8;
/// Wait before the second run; doubles with each further one. In all two and a half seconds: a restart of the server.
const RUN_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// Settings of a connection at the server.
const NOTICE_THE_DEAD: &str =
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3";

/// Number of the advisory lock that everybody shares who works with the database.
const IN_USE: i64 = 0x5345_4755_4502;
/// In how many tenths of a second the connections of a process that was ended are closed.
const OTHERS_END_WITHIN: u32 = 50;

/// A connection and the statements prepared on it.
struct Worker {
    url: String,
    runtime: Runtime,
    client: Option<tokio_postgres::Client>,
    statements: Statements,
}

/// Prepared statements of a connection, by the address of their constant.
type Statements = HashMap<usize, Statement>;

/// Opens a connection that waits for each answer, for migrations.
///
/// # Errors
/// When the server cannot be reached or refuses.
pub(crate) fn connect(url: &str) -> Result<Client, StoreError> {
    Ok(postgres::Config::from(config(url)?).connect(NoTls)?)
}

/// Opens a connection that `runtime` drives whenever it waits for something.
fn connect_on(runtime: &Runtime, url: &str) -> Result<tokio_postgres::Client, StoreError> {
    let config = config(url)?;
    let (client, connection) = runtime.block_on(config.connect(NoTls))?;
    runtime.spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to PostgreSQL ended");
        }
    });
    // The server notices within half a minute that this host is gone, and lets go of what it holds.
    runtime.block_on(client.batch_execute(NOTICE_THE_DEAD))?;
    // Held until the connection ends: nobody changes the schema under a process that works with it.
    let row = runtime.block_on(client.query_one("SELECT pg_try_advisory_lock_shared($1)", &[&IN_USE]))?;
    if row.get(0) {
        return Ok(client);
    }
    Err(StoreError::Unavailable("the database is being brought to another version".to_owned()))
}

/// Waits a little until nobody works with the database, and keeps everybody out until [`let_others_in`] or the end of
/// `client`. `false` when somebody still does.
///
/// # Errors
/// When the connection fails.
pub(crate) fn keep_others_out(client: &mut Client) -> Result<bool, StoreError> {
    for run in 0..OTHERS_END_WITHIN {
        if run > 0 {
            std::thread::sleep(Duration::from_millis(100));
        }
        if client.query_one("SELECT pg_try_advisory_lock($1)", &[&IN_USE])?.get(0) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Who works with the database now, in words, for a start that is refused: the process and the address of each, and since
/// when. Empty when nobody is there any more.
///
/// # Errors
/// When the connection fails.
pub(crate) fn others(client: &mut Client) -> Result<String, StoreError> {
    let rows = client.query(
        "SELECT a.application_name, COALESCE(host(a.client_addr), ''),
                to_char(MIN(a.backend_start) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')
            FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
            WHERE l.locktype = 'advisory' AND l.granted AND l.pid <> pg_backend_pid() AND l.objsubid = 1
                AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND (CAST(l.classid AS BIGINT) << 32) + CAST(l.objid AS BIGINT) = $1
            GROUP BY 1, 2 ORDER BY 3, 1, 2",
        &[&IN_USE],
    )?;
    let each = rows.iter().map(|row| {
        let (name, host, since): (String, String, Option<String>) = (row.get(0), row.get(1), row.get(2));
        let process = match name.strip_prefix("segue ") {
            Some(id) => format!("process {id}"),
            None if name == "segue" => "a Segue of an earlier version".to_owned(),
            None => "a process without a number".to_owned(),
        };
        let place = if host.is_empty() { "the database's machine".to_owned() } else { host };
        // Of another user's connections the server tells no more than that they are there.
        let since = since.map(|since| format!(" since {since} UTC")).unwrap_or_default();
        format!("{process} at {place}{since}")
    });
    Ok(each.collect::<Vec<_>>().join("; "))
}

/// Lets those in whom [`keep_others_out`] kept out. The end of the connection would do so too, but a little later.
///
/// # Errors
/// When the connection fails.
pub(crate) fn let_others_in(client: &mut Client) -> Result<(), StoreError> {
    client.execute("SELECT pg_advisory_unlock($1)", &[&IN_USE])?;
    Ok(())
}

/// A transaction on a worker's connection.
pub(crate) struct Work<'a> {
    runtime: &'a Runtime,
    transaction: Transaction<'a>,
    statements: &'a mut Statements,
}

impl Work<'_> {
    fn prepared(&mut self, sql: &'static Sql) -> Result<Statement, postgres::Error> {
        let address = std::ptr::from_ref(sql).addr();
        if let Some(statement) = self.statements.get(&address) {
            return Ok(statement.clone());
        }
        let statement = self.runtime.block_on(self.transaction.prepare(sql.postgres()))?;
        self.statements.insert(address, statement.clone());
        Ok(statement)
    }

    pub(crate) fn execute(&mut self, sql: &'static Sql, params: &[Param<'_>]) -> Result<u64, postgres::Error> {
        let statement = self.prepared(sql)?;
        self.runtime.block_on(self.transaction.execute(&statement, &references(params)))
    }

    pub(crate) fn query(&mut self, sql: &'static Sql, params: &[Param<'_>]) -> Result<Vec<Row>, postgres::Error> {
        let statement = self.prepared(sql)?;
        self.runtime.block_on(self.transaction.query(&statement, &references(params)))
    }

    /// Runs a statement for each of several rows of parameters, all sent before the first answer is waited for. Gives
    /// how many rows each changed.
    pub(crate) fn execute_each(
        &mut self,
        sql: &'static Sql,
        rows: &[Vec<Param<'_>>],
    ) -> Result<Vec<u64>, postgres::Error> {
        let statement = self.prepared(sql)?;
        let params = rows.iter().map(|row| references(row)).collect::<Vec<_>>();
        let changes = params.iter().map(|row| self.transaction.execute(&statement, row));
        // In order: after a failure the server refuses the rest, and the first one is the reason.
        self.runtime.block_on(join_all(changes)).into_iter().collect()
    }

    /// Runs a query for each of several rows of parameters, as [`Work::execute_each`] does.
    pub(crate) fn query_each(
        &mut self,
        sql: &'static Sql,
        rows: &[Vec<Param<'_>>],
    ) -> Result<Vec<Vec<Row>>, postgres::Error> {
        let statement = self.prepared(sql)?;
        let params = rows.iter().map(|row| references(row)).collect::<Vec<_>>();
        let found = params.iter().map(|row| self.transaction.query(&statement, row));
        self.runtime.block_on(join_all(found)).into_iter().collect()
    }

    /// Runs a query that was put together for this once.
    pub(crate) fn query_once(&mut self, text: &str, params: &[Param<'_>]) -> Result<Vec<Row>, postgres::Error> {
        self.runtime.block_on(self.transaction.query(text, &references(params)))
    }

    pub(crate) fn advisory_lock(&mut self, text: &str, number: i64) -> Result<(), postgres::Error> {
        self.runtime.block_on(self.transaction.execute(text, &[&number])).map(|_| ())
    }

    fn commit(self) -> Result<(), postgres::Error> {
        self.runtime.block_on(self.transaction.commit())
    }

    /// Ends it without a trace. It is waited for: until then its locks are held.
    fn roll_back(self) {
        if let Err(error) = self.runtime.block_on(self.transaction.rollback()) {
            // The connection is gone, and with it the transaction.
            tracing::debug!(%error, "a transaction could not be rolled back");
        }
    }
}

fn references<'p>(params: &'p [Param<'p>]) -> Vec<&'p (dyn postgres::types::ToSql + Sync)> {
    params.iter().map(|param| param as _).collect()
}

/// Whether a worker commits what its commands change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Write,
    Read,
}

/// Starts a worker thread.
///
/// # Errors
/// When the first connection cannot be made.
pub(crate) fn start_worker(
    url: &str,
    mode: Mode,
    queue: Arc<Queue>,
    on_commit: OnCommit,
) -> Result<JoinHandle<()>, StoreError> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| StoreError::Unavailable(format!("cannot start a runtime: {error}")))?;
    let client = Some(connect_on(&runtime, url)?);
    let mut worker = Worker { url: url.to_owned(), runtime, client, statements: HashMap::new() };
    let name = if mode == Mode::Write { "segue-pg-write" } else { "segue-pg-read" };
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            while let Some(command) = queue.next() {
                if mode == Mode::Write || command.is_wanted() {
                    worker.serve(command, mode, &on_commit);
                }
            }
        })
        .map_err(|error| StoreError::Unavailable(format!("cannot start a thread: {error}")))
}

/// What one run of a command came to.
enum Run {
    Done,
    Again(StoreError),
    Failed(StoreError),
}

impl Worker {
    fn serve(&mut self, mut command: Box<dyn Command>, mode: Mode, on_commit: &OnCommit) {
        let mut last = None;
        for run in 0..MAX_RUNS {
            if run > 0 {
                std::thread::sleep(RUN_AGAIN_AFTER * 2_u32.pow(run - 1));
            }
            match self.run_once(&mut *command, mode, on_commit) {
                Run::Done => return command.finish(None),
                Run::Failed(error) => return command.finish(Some(error)),
                Run::Again(error) => last = Some(error),
            }
        }
        command.finish(last);
    }

    /// Begins a transaction, on a new connection when the last one is closed.
    fn begin(&mut self) -> Result<Work<'_>, StoreError> {
        if self.client.as_ref().is_none_or(tokio_postgres::Client::is_closed) {
            self.statements.clear();
            self.client = Some(connect_on(&self.runtime, &self.url)?);
        }
        let client = self.client.as_mut().ok_or_else(|| StoreError::Unavailable("no connection".to_owned()))?;
        let transaction = self
            .runtime
            .block_on(client.transaction())
            // Whatever the server said, nothing has begun.
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Work { runtime: &self.runtime, transaction, statements: &mut self.statements })
    }

    fn run_once(&mut self, command: &mut dyn Command, mode: Mode, on_commit: &OnCommit) -> Run {
        let work = match self.begin() {
            Ok(work) => work,
            Err(error @ StoreError::Unavailable(_)) => return Run::Again(error),
            Err(error) => return Run::Failed(error),
        };
        let mut tx = Tx::new(Connection::Postgres(work));
        let mut outcome = command.run(&mut tx);
        let mut appended = Ok(());
        if outcome == Outcome::Keep && mode == Mode::Write {
            appended = append(&mut tx);
            if appended.is_err() {
                outcome = Outcome::RollBack;
            }
        }
        let retry = tx.retry;
        let wakes = std::mem::take(&mut tx.wakes);
        let Connection::Postgres(work) = tx.connection else {
            return Run::Failed(StoreError::Unsupported("not a PostgreSQL transaction".to_owned()));
        };
        if retry {
            work.roll_back();
            let reason = "too many concurrent changes, or the connection broke; try again";
            return Run::Again(StoreError::Unavailable(reason.to_owned()));
        }
        if outcome == Outcome::RollBack || mode == Mode::Read {
            work.roll_back();
            return appended.map_or_else(Run::Failed, |()| Run::Done);
        }
        match work.commit() {
            Ok(()) => {
                on_commit(wakes);
                Run::Done
            }
            Err(error) if error.code().is_some_and(|code| matches!(code.code(), "40001" | "40P01")) => {
                Run::Again(error.into())
            }
            Err(error) => Run::Failed(error.into()),
        }
    }
}
