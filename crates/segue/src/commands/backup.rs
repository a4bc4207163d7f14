//! `segue backup`.

use std::{path::PathBuf, process::ExitCode};

use crate::config::Config;

/// Where to.
#[derive(clap::Args)]
pub struct Arguments {
    /// File to write; it must not exist yet.
    #[arg(value_name = "FILE")]
    to: PathBuf,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// Writes a copy of the database. It can be in use meanwhile.
///
/// # Errors
/// When the copy cannot be written.
pub async fn backup(config: Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let store = super::open_store(&config).await?;
    let to = arguments.to.clone();
    tokio::task::spawn_blocking(move || store.backup(&to)).await??;
    let size = std::fs::metadata(&arguments.to)?.len();
    if arguments.json {
        println!("{}", serde_json::json!({ "file": arguments.to, "bytes": size }));
    } else {
        println!("Backup written: {} ({size} bytes).", arguments.to.display());
        println!(
            "To restore SQLite, stop Segue and put the file in the place of segue.db; for PostgreSQL use pg_restore."
        );
    }
    Ok(ExitCode::SUCCESS)
}
