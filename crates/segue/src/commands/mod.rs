//! One file per command of the command line.

pub mod apply;
pub mod backup;
pub mod bench;
pub mod demo;
pub mod doctor;
pub mod import;
pub mod sandbox;
pub mod serve;

/// What an open store needs when there is no server around it.
///
/// # Errors
/// When the database cannot be opened.
async fn open_store(config: &crate::config::Config) -> anyhow::Result<segue_store::Store> {
    let store = segue_store::StoreConfig::new(config.engine(), config.backup_directory());
    Ok(tokio::task::spawn_blocking(move || segue_store::Store::open(store)).await??)
}
