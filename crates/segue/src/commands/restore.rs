//! `segue restore` and `segue hold`: going back to a backup without sending anything twice.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use segue_desk::bot::BOT_TIMER;
use segue_model::Ctx;
use segue_outreach::direct::batch::SEND_BATCH;
use segue_store::{
    Engine, Store, StoreConfig, StoreError, check_copy, end_log, form::FORM_REFUSED, private_file, restored::Held,
};

use crate::{config::Config, node::Lock};

/// Jobs that send something.
const SENDING: &[&str] = &[BOT_TIMER, FORM_REFUSED, SEND_BATCH];

/// Which file.
#[derive(clap::Args)]
pub struct Arguments {
    /// A file that `segue backup` has written.
    #[arg(value_name = "FILE")]
    from: PathBuf,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// How to print.
#[derive(clap::Args)]
pub struct HoldArguments {
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// Puts a backup in the place of the embedded database. What may have been sent after the backup was made is held back. The
/// database that was there is kept beside it.
///
/// # Errors
/// When a server is running, or the file is no whole backup; nothing is changed then.
pub async fn restore(config: Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Engine::Sqlite(database) = config.engine() else {
        bail!(
            "This puts back a copy of the embedded database, but SEGUE_DATABASE_URL is set. For PostgreSQL stop Segue, use \
             pg_restore, then run `segue hold` before Segue starts again."
        );
    };
    let _lock = Lock::take(&config.data_directory)?;
    let (from, copy) = (arguments.from.clone(), database.with_extension("restoring"));
    let taken = copy.clone();
    tokio::task::spawn_blocking(move || take_copy(&from, &taken)).await??;
    let held = hold_in(Engine::Sqlite(copy.clone()), &config).await?;
    let kept = tokio::task::spawn_blocking(move || put_in_place(&copy, &database)).await??;
    if arguments.json {
        println!("{}", serde_json::json!({ "file": arguments.from, "kept": kept, "held": held }));
        return Ok(ExitCode::SUCCESS);
    }
    println!("Restored from {}.", arguments.from.display());
    if let Some(kept) = kept {
        println!("The database that was there is kept as {}; remove it when you do not need it.", kept.display());
    }
    show(&held);
    Ok(ExitCode::SUCCESS)
}

/// Holds back what a PostgreSQL database that was restored with `pg_restore` would send again.
///
/// # Errors
/// When a server is running on this data directory, or the database cannot be used.
pub async fn hold(config: Config, arguments: HoldArguments) -> anyhow::Result<ExitCode> {
    let _lock = Lock::take(&config.data_directory)?;
    let engine = config.engine();
    let found = tokio::task::spawn_blocking(move || segue_store::schema_version(&engine)).await??;
    if found.is_none() {
        bail!("{}", super::nothing_there(&config));
    }
    let held = hold_in(config.engine(), &config).await?;
    if arguments.json {
        println!("{}", serde_json::json!({ "held": held }));
    } else {
        show(&held);
    }
    Ok(ExitCode::SUCCESS)
}

fn show(held: &Held) {
    let Held { campaigns, messages, arrivals, jobs, replies } = held;
    if *held == Held::default() {
        println!("Nothing in it was about to be sent.");
        return;
    }
    println!("What may have been sent after the backup was made is not sent again by itself:");
    println!("  {campaigns} campaigns are paused. Cancel them, or resume them when nothing of them was sent.");
    println!("  {messages} single messages and replies are shown as unknown.");
    println!("  {replies} replies that waited for their customers are given up; each conversation shows its own.");
    println!(
        "  {arrivals} messages that came in and {jobs} timers and batches are dead letters, to be replayed or discarded. There \
         may be opt-outs among them: look at them before you resume a campaign."
    );
}

/// Opens a database, brought to this version, and holds back what it would send again.
async fn hold_in(engine: Engine, config: &Config) -> anyhow::Result<Held> {
    let store = StoreConfig::new(engine, config.backup_directory());
    let store = tokio::task::spawn_blocking(move || Store::open(store)).await??;
    let ctx = Ctx::system();
    let held = store
        .write::<_, StoreError, _>(move |tx| {
            let mut held = tx.hold_restored(SENDING, &ctx)?;
            for workspace in tx.workspaces()? {
                held.replies += segue_desk::pending::give_up_restored(tx, &ctx, workspace.id)?;
            }
            Ok(held)
        })
        .await;
    tokio::task::spawn_blocking(move || store.close()).await?;
    Ok(held?)
}

/// What SQLite keeps beside a database.
fn beside(path: &Path) -> [PathBuf; 2] {
    ["-wal", "-shm"].map(|end| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    })
}

/// Removes files, of which some may not be there.
fn remove(files: impl IntoIterator<Item = PathBuf>) -> anyhow::Result<()> {
    for file in files {
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("{} cannot be removed", file.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Copies a backup to where it is prepared, and looks through the copy.
fn take_copy(from: &Path, copy: &Path) -> anyhow::Result<()> {
    let log = beside(from)[0].clone();
    if std::fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
        bail!(
            "{} has a log beside it ({}), so it is no backup but a database in use. Give a file that `segue backup` has written.",
            from.display(),
            log.display()
        );
    }
    // What an attempt before this one has left.
    remove(beside(copy).into_iter().chain([copy.to_owned()]))?;
    let mut source = File::open(from).with_context(|| format!("{} cannot be opened", from.display()))?;
    let mut target = private_file(copy).with_context(|| format!("{} cannot be made", copy.display()))?;
    std::io::copy(&mut source, &mut target).with_context(|| format!("{} cannot be copied", from.display()))?;
    if let Err(error) = check_copy(copy) {
        remove(beside(copy).into_iter().chain([copy.to_owned()]))?;
        return Err(error.into());
    }
    Ok(())
}

/// Puts the prepared copy in the place of the database, which is kept under another name.
fn put_in_place(copy: &Path, database: &Path) -> anyhow::Result<Option<PathBuf>> {
    end_log(copy)?;
    File::open(copy)
        .and_then(|file| file.sync_all())
        .with_context(|| format!("{} cannot be stored", copy.display()))?;
    let kept = if database.exists() { Some(keep(database)?) } else { None };
    // The log of the old database would be played into the new one.
    remove(beside(database))?;
    std::fs::rename(copy, database).with_context(|| format!("{} cannot be put in place", database.display()))?;
    if let Some(directory) = database.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        File::open(directory)
            .and_then(|directory| directory.sync_all())
            .with_context(|| format!("{} cannot be stored", directory.display()))?;
    }
    remove(beside(copy))?;
    Ok(kept)
}

/// Keeps the present database with its log under another name; it stays where it is until it is replaced.
fn keep(database: &Path) -> anyhow::Result<PathBuf> {
    // With its log ended it is one file. One that is damaged is kept with the log as it is.
    if let Err(error) = end_log(database) {
        tracing::warn!(%error, "the log of the old database could not be ended; it is kept beside it");
    }
    let kept = (0..)
        .map(|number| database.with_extension(format!("before-restore-{number}")))
        .find(|name| !name.exists())
        .context("There is no free name for the old database.")?;
    std::fs::hard_link(database, &kept)
        .or_else(|_| std::fs::copy(database, &kept).map(|_| ()))
        .with_context(|| format!("The old database cannot be kept as {}", kept.display()))?;
    for (old, new) in beside(database).iter().zip(beside(&kept)) {
        if old.exists() {
            std::fs::rename(old, &new).with_context(|| format!("{} cannot be kept", old.display()))?;
        }
    }
    Ok(kept)
}
