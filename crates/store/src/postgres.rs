//! PostgreSQL: worker threads that each own a connection, one transaction per command.
//!
//! `READ COMMITTED`, with the whole command run again when the server reports a serialization failure or a deadlock. A
//! connection that breaks before the commit is replaced and the command is run again; one that breaks during the commit
//! leaves the outcome open, so the caller is told the store is unavailable and repeats with the same ids.

use std::{collections::HashMap, sync::Arc, thread::JoinHandle, time::Duration};

use postgres::{Client, NoTls};

use crate::{
    StoreError,
    event::append,
    queue::{Command, Outcome, Queue},
    store::OnCommit,
    tx::{Connection, Tx},
};

/// How often one command is run before its failure is reported.
const MAX_RUNS: u32 = 8;
/// Wait before the second run; doubles with each further one. In all two and a half seconds: a restart of the server.
const RUN_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// A connection and the statements prepared on it.
struct Worker {
    url: String,
    client: Option<Client>,
    statements: HashMap<usize, postgres::Statement>,
}

/// Opens a connection.
///
/// # Errors
/// When the server cannot be reached or refuses.
pub(crate) fn connect(url: &str) -> Result<Client, StoreError> {
    let mut config: postgres::Config =
        url.parse().map_err(|error| StoreError::Unsupported(format!("The database URL cannot be read: {error}")))?;
    config.application_name("segue").connect_timeout(Duration::from_secs(5));
    Ok(config.connect(NoTls)?)
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
    let mut worker = Worker { url: url.to_owned(), client: Some(connect(url)?), statements: HashMap::new() };
    let name = if mode == Mode::Write { "segue-pg-write" } else { "segue-pg-read" };
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            while let Some(command) = queue.next() {
                worker.serve(command, mode, &on_commit);
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

    fn client(&mut self) -> Result<(&mut Client, &mut HashMap<usize, postgres::Statement>), StoreError> {
        if self.client.as_ref().is_none_or(Client::is_closed) {
            self.statements.clear();
            self.client = Some(connect(&self.url)?);
        }
        let client = self.client.as_mut().ok_or_else(|| StoreError::Unavailable("no connection".to_owned()))?;
        Ok((client, &mut self.statements))
    }

    fn run_once(&mut self, command: &mut dyn Command, mode: Mode, on_commit: &OnCommit) -> Run {
        let (client, statements) = match self.client() {
            Ok(parts) => parts,
            Err(error @ StoreError::Unavailable(_)) => return Run::Again(error),
            Err(error) => return Run::Failed(error),
        };
        let transaction = match client.transaction() {
            Ok(transaction) => transaction,
            Err(error) => return Run::Again(error.into()),
        };
        let mut tx = Tx::new(Connection::Postgres { transaction, statements });
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
        let Connection::Postgres { transaction, .. } = tx.connection else {
            return Run::Failed(StoreError::Unsupported("not a PostgreSQL transaction".to_owned()));
        };
        if retry {
            drop(transaction);
            let reason = "too many concurrent changes, or the connection broke; try again";
            return Run::Again(StoreError::Unavailable(reason.to_owned()));
        }
        if outcome == Outcome::RollBack || mode == Mode::Read {
            // An error of the rollback means the connection is gone, and with it the transaction.
            drop(transaction);
            return appended.map_or_else(Run::Failed, |()| Run::Done);
        }
        match transaction.commit() {
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
