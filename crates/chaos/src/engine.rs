//! The database under the product, and changes to it behind the product's back.
//!
//! Such a change is a control's way to take a protection away. It happens only here, while the product does not run.

use std::{
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::anyhow;

/// Which database the product uses.
#[derive(Clone)]
pub enum Engine {
    /// The file `segue.db` of the data directory.
    Sqlite,
    /// A cluster of this process; each run makes its own database in it.
    Postgres(&'static segue_testkit::Cluster),
}

/// Where one run keeps its data.
#[derive(Debug, Clone)]
pub enum Database {
    Sqlite,
    Postgres { url: String },
}

impl Engine {
    /// Starts the cluster.
    ///
    /// # Errors
    /// Says why there is none.
    pub async fn postgres() -> Result<Self, String> {
        let started = tokio::task::spawn_blocking(segue_testkit::Cluster::shared).await;
        started.map_err(|error| error.to_string())?.map(Self::Postgres)
    }

    /// As it stands in a line.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// A database without anything in it.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn fresh(&self) -> anyhow::Result<Database> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        match self {
            Self::Sqlite => Ok(Database::Sqlite),
            Self::Postgres(cluster) => {
                let (cluster, number) = (*cluster, NUMBER.fetch_add(1, Ordering::Relaxed));
                let made = move || cluster.create_database(&format!("chaos_{number}"));
                Ok(Database::Postgres { url: tokio::task::spawn_blocking(made).await? })
            }
        }
    }
}

impl Database {
    /// Runs statements on it. The product must not be running.
    ///
    /// # Errors
    /// When a statement fails.
    pub async fn tamper(&self, directory: &Path, sql: &'static str) -> anyhow::Result<()> {
        let (database, file) = (self.clone(), directory.join("segue.db"));
        tokio::task::spawn_blocking(move || match database {
            Self::Sqlite => Ok(rusqlite::Connection::open(file)?.execute_batch(sql)?),
            Self::Postgres { url } => {
                let mut client = postgres::Client::connect(&url, postgres::NoTls)?;
                client.batch_execute(sql).map_err(|error| anyhow!(error))
            }
        })
        .await?
    }
}
