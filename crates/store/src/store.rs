//! Opening, using and closing a store.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use segue_model::wake::Wake;

use crate::{
    StoreError, backup, migrate, postgres,
    queue::{Queue, Urgency},
    sqlite,
    tx::Tx,
};

/// Called after each commit with what the commit may give others to do.
pub(crate) type OnCommit = Arc<dyn Fn(Vec<Wake>) + Send + Sync>;

/// Which database, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    /// A file of the embedded database; its directory is made when missing.
    Sqlite(PathBuf),
    /// `postgres://user:password@host:port/database`.
    Postgres(String),
}

/// Most rows that one transaction of housekeeping removes from a large table: whoever writes meanwhile waits for it.
pub const REMOVED_AT_ONCE: u32 = 1_000;

/// How to open a store.
pub struct StoreConfig {
    pub engine: Engine,
    /// Where backups before migrations go.
    pub backup_directory: PathBuf,
    /// Called after each commit.
    pub on_commit: Arc<dyn Fn(Vec<Wake>) + Send + Sync>,
    /// Threads that answer reads.
    pub readers: usize,
    /// Threads that write, on PostgreSQL.
    pub writers: usize,
}

impl StoreConfig {
    /// The usual settings for an engine, without anyone to wake.
    #[must_use]
    pub fn new(engine: Engine, backup_directory: PathBuf) -> Self {
        Self { engine, backup_directory, on_commit: Arc::new(|_| {}), readers: 3, writers: 8 }
    }
}

/// The database. Cheap to clone; closes when the last clone is dropped or on [`Store::close`].
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    writes: Arc<Queue>,
    reads: Arc<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Ends the thread of the checkpoints when it is dropped.
    checkpoints: Mutex<Option<mpsc::Sender<()>>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.writes.close();
        self.reads.close();
    }
}

impl Store {
    /// Opens the database: checks the engine's version, backs up and migrates an older schema, starts the threads.
    /// Blocks; call it before serving or from a blocking task.
    ///
    /// # Errors
    /// When the database cannot be opened, is not safe to use, or belongs to a newer version of the product.
    pub fn open(config: StoreConfig) -> Result<Self, StoreError> {
        migrate::migrate(&config.engine, &config.backup_directory, migrate::MIGRATIONS)?;
        let (writes, reads) = (Arc::new(Queue::default()), Arc::new(Queue::default()));
        let mut threads = Vec::new();
        let mut checkpoints = None;
        match &config.engine {
            Engine::Sqlite(path) => {
                threads.push(sqlite::start_writer(path, Arc::clone(&writes), Arc::clone(&config.on_commit))?);
                let (keeper, until) = mpsc::channel();
                threads.push(sqlite::start_checkpoints(path, Arc::clone(&writes), until)?);
                checkpoints = Some(keeper);
                for _ in 0..config.readers.max(1) {
                    threads.push(sqlite::start_reader(path, Arc::clone(&reads))?);
                }
            }
            Engine::Postgres(url) => {
                use postgres::Mode::{Read, Write};
                for (mode, queue, count) in [(Write, &writes, config.writers), (Read, &reads, config.readers)] {
                    for _ in 0..count.max(1) {
                        let on_commit = Arc::clone(&config.on_commit);
                        threads.push(postgres::start_worker(url, mode, Arc::clone(queue), on_commit)?);
                    }
                }
            }
        }
        let (threads, checkpoints) = (Mutex::new(threads), Mutex::new(checkpoints));
        let inner = Inner { engine: config.engine, writes, reads, threads, checkpoints };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Opens a database of the embedded engine to look into it: nothing in it is changed, and writes are refused. It must have
    /// the schema that this build works with. Blocks.
    ///
    /// # Errors
    /// When the database cannot be opened.
    pub fn open_to_look(path: PathBuf) -> Result<Self, StoreError> {
        let (writes, reads) = (Arc::new(Queue::default()), Arc::new(Queue::default()));
        writes.close();
        let threads = Mutex::new(vec![sqlite::start_reader(&path, Arc::clone(&reads))?]);
        let inner = Inner { engine: Engine::Sqlite(path), writes, reads, threads, checkpoints: Mutex::default() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Which engine this is.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// Runs a command in a transaction, before any waiting bulk command. `Ok` means it is on disk.
    ///
    /// # Errors
    /// The command's own error, or the store's.
    pub async fn write<T, E, F>(&self, command: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        settle(self.inner.writes.push(Urgency::Interactive, command)).await
    }

    /// Like [`Store::write`] for large work in chunks, which lets interactive commands go first.
    ///
    /// # Errors
    /// The command's own error, or the store's.
    pub async fn write_bulk<T, E, F>(&self, command: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        settle(self.inner.writes.push(Urgency::Bulk, command)).await
    }

    /// Runs queries on one snapshot (on PostgreSQL: one per statement). Nothing it changes would stay. When nobody waits for it
    /// any more before its turn comes, it is not begun.
    ///
    /// # Errors
    /// The closure's own error, or the store's.
    pub async fn read<T, E, F>(&self, query: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        settle(self.inner.reads.push(Urgency::Interactive, query)).await
    }

    /// How long the one thread that writes has worked since the start, for those whose work can wait until it has less to
    /// do; what it is at now is counted. `None` on PostgreSQL, where many write side by side and nobody has to wait.
    #[must_use]
    pub fn time_writing(&self) -> Option<Duration> {
        matches!(self.inner.engine, Engine::Sqlite(_)).then(|| self.inner.writes.worked())
    }

    /// Writes a consistent copy of the database to a file while it is in use. Blocks.
    ///
    /// # Errors
    /// When the copy cannot be written or the tool for it is missing.
    pub fn backup(&self, to: &std::path::Path) -> Result<(), StoreError> {
        backup::backup(&self.inner.engine, to)
    }

    /// Runs what is queued, then ends the threads. Blocks until they have ended.
    pub fn close(&self) {
        self.inner.writes.close();
        self.inner.reads.close();
        self.inner.checkpoints.lock().unwrap_or_else(PoisonError::into_inner).take();
        let threads = std::mem::take(&mut *self.inner.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a database thread ended by a panic");
            }
        }
    }
}

async fn settle<T, E: From<StoreError>>(answer: tokio::sync::oneshot::Receiver<Result<T, E>>) -> Result<T, E> {
    answer.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the database thread has ended".to_owned()).into()))
}
