//! One file per command of the command line.

pub mod apply;
pub mod backup;
pub mod bench;
pub mod demo;
pub mod doctor;
pub mod import;
pub mod restore;
pub mod sandbox;
pub mod serve;

use anyhow::bail;
use segue_store::{Engine, SCHEMA_VERSION, Store, StoreConfig, schema_version};

use crate::{config::Config, node::Lock};

/// What there is to open.
enum Present {
    Nothing,
    Usable,
}

/// Looks at the database and changes nothing. One of another version is refused: it is a server's to change it, when none
/// is running with it.
async fn look(config: &Config) -> anyhow::Result<Present> {
    let engine = config.engine();
    match tokio::task::spawn_blocking(move || schema_version(&engine)).await?? {
        None => Ok(Present::Nothing),
        Some(SCHEMA_VERSION) => Ok(Present::Usable),
        Some(found) if found < SCHEMA_VERSION => bail!(
            "The database has schema version {found}, this program works with {SCHEMA_VERSION}. Use the version of Segue that \
             is running, or start `segue serve` of this one first: it makes a backup and brings the database up to date."
        ),
        Some(found) => bail!(
            "The database has schema version {found}, this program knows {SCHEMA_VERSION}. Use a newer version of Segue."
        ),
    }
}

async fn open(config: &Config) -> anyhow::Result<Store> {
    let store = StoreConfig::new(config.engine(), config.backup_directory());
    Ok(tokio::task::spawn_blocking(move || Store::open(store)).await??)
}

/// What an open store needs when there is no server around it.
///
/// # Errors
/// When there is no database, or it cannot be opened or is of another version.
async fn open_store(config: &Config) -> anyhow::Result<Store> {
    match look(config).await? {
        Present::Usable => open(config).await,
        Present::Nothing => bail!("{}", nothing_there(config)),
    }
}

/// [`open_store`], and a new database when there is none.
///
/// # Errors
/// When the database cannot be made or opened, or is of another version.
async fn open_or_make_store(config: &Config) -> anyhow::Result<Store> {
    match look(config).await? {
        Present::Usable => open(config).await,
        Present::Nothing => {
            let _lock = Lock::take(&config.data_directory)?;
            open(config).await
        }
    }
}

fn nothing_there(config: &Config) -> String {
    match config.engine() {
        Engine::Sqlite(path) => format!(
            "There is no database at {}. Say with SEGUE_DATA_DIRECTORY or the configuration file where it is, or make one with \
             `segue serve` or `segue apply`.",
            path.display()
        ),
        Engine::Postgres(_) => {
            "The PostgreSQL database holds nothing of Segue. Check SEGUE_DATABASE_URL, or make what is \
            needed in it with `segue serve` or `segue apply`."
                .to_owned()
        }
    }
}
