//! `segue backup`.

use std::{path::PathBuf, process::ExitCode};

use segue_store::Engine;

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
        match config.engine() {
            Engine::Sqlite(_) => {
                println!("To go back to it: stop Segue, then run `segue restore {}`.", arguments.to.display());
            }
            Engine::Postgres(_) => println!(
                "To go back to it: stop Segue, use pg_restore, then run `segue hold` before Segue starts again, so that nothing \
                 is sent twice."
            ),
        }
    }
    Ok(ExitCode::SUCCESS)
}
