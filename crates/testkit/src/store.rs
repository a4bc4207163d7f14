//! Open stores to test on.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use segue_bus::Bus;
use segue_model::{Clock as _, Ctx, ManualClock, Timestamp, WorkspaceId, policy::QuietHours};
use segue_store::{
    Engine, Store, StoreConfig, StoreError,
    workspace::{Workspace, WorkspaceSettings},
};
use tempfile::TempDir;

use crate::postgres::Cluster;

/// When every test begins: 2026-11-23, noon in New York, a Monday.
pub const NOON: Timestamp = Timestamp(1_795_453_200_000);

/// An open store with one workspace in it, and the time and chance to use with it. Closes the store when dropped.
pub struct TestStore {
    pub store: Store,
    /// `sqlite` or `postgres`, for messages of assertions.
    pub engine: &'static str,
    pub ctx: Ctx,
    /// The clock of `ctx`.
    pub clock: Arc<ManualClock>,
    /// In New York, with quiet hours from 21:00 to 8:00.
    pub workspace: Workspace,
    /// Carries what commits of `store` wake.
    pub bus: Bus,
    directory: TempDir,
}

impl Drop for TestStore {
    fn drop(&mut self) {
        self.store.close();
    }
}

impl TestStore {
    /// The workspace's id.
    #[must_use]
    pub fn workspace_id(&self) -> WorkspaceId {
        self.workspace.id
    }

    /// The present moment of the test.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The same clock with other randomness, for a second node: the same seed would give the same ids.
    #[must_use]
    pub fn ctx_of_node(&self, number: u64) -> Ctx {
        Ctx::seeded(self.clock.clone(), 1_000 + number)
    }

    /// How to open the same database once more.
    #[must_use]
    pub fn config(&self) -> StoreConfig {
        config(self.store.engine().clone(), self.backups(), &self.bus)
    }

    /// Where backups before migrations go.
    #[must_use]
    pub fn backups(&self) -> PathBuf {
        self.directory.path().join("backups")
    }

    /// Opens the same database once more, as a second node or after a restart would. The caller closes it.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub async fn open_again(&self) -> Store {
        let config = self.config();
        blocking(move || Store::open(config)).await.expect("the database opens again")
    }
}

/// A store on each engine there is. Without PostgreSQL: a panic where the environment has `CI` set, else a loud note
/// and SQLite alone.
///
/// # Panics
/// When a store cannot be opened.
pub async fn engines() -> Vec<TestStore> {
    let mut all = vec![sqlite_store().await];
    all.extend(postgres_store().await);
    all
}

/// A store on SQLite in a fresh directory.
///
/// # Panics
/// When it cannot be opened.
pub async fn sqlite_store() -> TestStore {
    let directory = TempDir::with_prefix("segue-test-").expect("a temporary directory");
    let engine = Engine::Sqlite(directory.path().join("segue.db"));
    open("sqlite", engine, directory).await
}

/// A store on a fresh PostgreSQL database, when there is a PostgreSQL.
///
/// # Panics
/// When it cannot be opened, or when there is none and the environment has `CI` set.
pub async fn postgres_store() -> Option<TestStore> {
    Some(store_on(blocking(postgres_database).await?).await)
}

/// A store on the PostgreSQL database with this address.
///
/// # Panics
/// When it cannot be opened.
pub async fn store_on(url: String) -> TestStore {
    let directory = TempDir::with_prefix("segue-test-").expect("a temporary directory");
    open("postgres", Engine::Postgres(url), directory).await
}

/// The address of a fresh, empty PostgreSQL database, when there is a PostgreSQL. Blocks.
///
/// # Panics
/// When there is none and the environment has `CI` set.
#[must_use]
pub fn postgres_database() -> Option<String> {
    static DATABASES: AtomicU32 = AtomicU32::new(0);
    let number = DATABASES.fetch_add(1, Ordering::Relaxed);
    match Cluster::shared().map(|cluster| cluster.create_database(&format!("test_{number}"))) {
        Ok(url) => Some(url),
        Err(why) if std::env::var_os("CI").is_some() => panic!("PostgreSQL is required here: {why}"),
        Err(why) => {
            eprintln!("\n*** SKIPPED on PostgreSQL: {why} ***\n");
            None
        }
    }
}

fn config(engine: Engine, backups: PathBuf, bus: &Bus) -> StoreConfig {
    let bus = bus.clone();
    StoreConfig {
        on_commit: Arc::new(move |wakes| wakes.into_iter().for_each(|wake| bus.publish(wake))),
        readers: 2,
        writers: 4,
        ..StoreConfig::new(engine, backups)
    }
}

async fn open(name: &'static str, engine: Engine, directory: TempDir) -> TestStore {
    let clock = ManualClock::at(NOON);
    let ctx = Ctx::seeded(clock.clone(), 7);
    let bus = Bus::default();
    let config = config(engine, directory.path().join("backups"), &bus);
    let store = blocking(move || Store::open(config)).await.expect("the store opens");
    let workspace = Workspace {
        id: ctx.id(),
        name: "Test".to_owned(),
        slug: "test".to_owned(),
        time_zone: "America/New_York".to_owned(),
        country: "US".to_owned(),
        quiet_hours: QuietHours { start_minute: 21 * 60, end_minute: 8 * 60 },
        settings: WorkspaceSettings::default().into(),
        created_at: NOON,
    };
    let row = workspace.clone();
    let inserted = store.write::<_, StoreError, _>(move |tx| tx.insert_workspace(&row)).await;
    assert_eq!(inserted.ok(), Some(true), "the workspace is new");
    TestStore { store, engine: name, ctx, clock, workspace, bus, directory }
}

/// The blocking PostgreSQL client must not run on a thread of the async runtime.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("the work does not panic")
}
