//! `segue restore` and `segue hold`: going back to a backup without sending anything twice.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, bail};
use segue_delivery::long_text::READ_LONG_TEXT;
use segue_desk::bot::BOT_TIMER;
use segue_model::{Ctx, Timestamp, WorkspaceId};
use segue_outreach::direct::batch::SEND_BATCH;
use segue_store::{
    Engine, SCHEMA_VERSION, Store, StoreConfig, StoreError,
    carried::{Carried, SaidSince},
    check_copy, end_log,
    form::FORM_REFUSED,
    private_file,
    restored::Held,
};

use crate::{config::Config, node::Lock};

/// Jobs that send something. What is read of a long text may be a word that is answered.
const SENDING: &[&str] = &[BOT_TIMER, FORM_REFUSED, READ_LONG_TEXT, SEND_BATCH];

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

/// Puts a backup in the place of the embedded database. What may have been sent after the backup was made is held back, and
/// the opt-outs that came after it are taken over from the database that was there, which is kept beside it.
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
    let prepared = prepare(Engine::Sqlite(copy.clone()), &config, Some(&database)).await?;
    let kept = tokio::task::spawn_blocking(move || put_in_place(&copy, &database)).await??;
    if arguments.json {
        println!("{}", prepared.json(&serde_json::json!({ "file": arguments.from, "kept": kept })));
        return Ok(ExitCode::SUCCESS);
    }
    println!("Restored from {}.", arguments.from.display());
    if let Some(kept) = kept {
        println!("The database that was there is kept as {}; remove it when you do not need it.", kept.display());
    }
    prepared.show();
    Ok(ExitCode::SUCCESS)
}

/// Holds back what a PostgreSQL database that was restored with `pg_restore` would send again.
///
/// # Errors
/// When a server is running on this data directory or works with the database, or the database cannot be used.
pub async fn hold(config: Config, arguments: HoldArguments) -> anyhow::Result<ExitCode> {
    let _lock = Lock::take(&config.data_directory)?;
    let engine = config.engine();
    let found = tokio::task::spawn_blocking(move || segue_store::schema_version(&engine)).await??;
    if found.is_none() {
        bail!("{}", super::nothing_there(&config));
    }
    let engine = config.engine();
    tokio::task::spawn_blocking(move || segue_store::refuse_others(&engine)).await??;
    let prepared = prepare(config.engine(), &config, None).await?;
    if arguments.json {
        println!("{}", prepared.json(&serde_json::json!({})));
    } else {
        prepared.show();
    }
    Ok(ExitCode::SUCCESS)
}

/// What became of a database before it is used.
struct Prepared {
    held: Held,
    /// When the newest entry of its own consent ledger was recorded.
    ledger_until: Option<Timestamp>,
    /// What it took over from the database that was there, or why it could not.
    carried: Result<Carried, String>,
}

impl Prepared {
    /// All of it, with what else there is to say.
    fn json(&self, further: &serde_json::Value) -> serde_json::Value {
        let (carried, not_carried) = (self.carried.as_ref().ok(), self.carried.as_ref().err());
        let mut all = serde_json::json!({
            "held": self.held, "ledger_until": self.ledger_until, "carried": carried, "not_carried": not_carried,
        });
        if let (Some(all), Some(further)) = (all.as_object_mut(), further.as_object()) {
            all.extend(further.clone());
        }
        all
    }

    fn show(&self) {
        show(&self.held);
        match &self.carried {
            Ok(Carried { entries, suppressions, reviews, arrivals }) => println!(
                "Taken over from the database that was there: {entries} entries of the consent ledger (opt-outs, and what people \
                 said themselves after one), {suppressions} entries of the suppression list, {reviews} possible opt-outs to be \
                 looked at, and {arrivals} messages that had come in and were not worked on. Those are dead letters, and nobody \
                 sends them again: look at them before you resume a campaign, for there may be opt-outs among them."
            ),
            Err(why) => {
                let until = self.ledger_until.map_or_else(
                    || "It has no entry of the consent ledger.".to_owned(),
                    |until| format!("The newest entry of its consent ledger is of {until}."),
                );
                println!(
                    "Opt-outs said after the backup was made are not in it: {why} {until} Before any campaign starts or goes on, \
                     put everybody on the suppression list who opted out since then. The provider of your numbers, WhatsApp and \
                     the inboxes of your people have what was said."
                );
            }
        }
        println!(
            "Contacts that were deleted after the backup was made are there again: delete those again who asked for it."
        );
    }
}

fn show(held: &Held) {
    let Held { campaigns, marked, messages, arrivals, jobs, replies } = held;
    if *held == Held::default() {
        println!("Nothing in it was about to be sent.");
        return;
    }
    println!("What may have been sent after the backup was made is not sent again by itself:");
    println!("  {campaigns} campaigns are paused. Cancel them, or resume them when nothing of them was sent.");
    println!(
        "  {marked} campaigns that had been paused or are still to come say that they may have been sent since. Those with a \
         time start by themselves: look at them."
    );
    println!("  {messages} single messages and replies, and messages that were on the wire, are shown as unknown.");
    println!("  {replies} replies that waited for their customers are given up; each conversation shows its own.");
    println!(
        "  {arrivals} messages that came in and {jobs} timers and batches are dead letters, to be replayed or discarded. There \
         may be opt-outs among them: look at them before you resume a campaign."
    );
}

/// Opens a database, brought to this version, takes over what was said in the one that it replaces, and holds back what it
/// would send again.
async fn prepare(engine: Engine, config: &Config, replaced: Option<&Path>) -> anyhow::Result<Prepared> {
    let store = StoreConfig::new(engine, config.backup_directory());
    let store = tokio::task::spawn_blocking(move || Store::open(store)).await??;
    let prepared = prepare_in(&store, replaced).await;
    tokio::task::spawn_blocking(move || store.close()).await?;
    prepared
}

async fn prepare_in(store: &Store, replaced: Option<&Path>) -> anyhow::Result<Prepared> {
    let known = store.read::<_, StoreError, _>(|tx| {
        let known = tx.workspaces()?.into_iter().map(|workspace| Ok((workspace.id, tx.newest_consent(workspace.id)?)));
        known.collect::<Result<Known, StoreError>>()
    });
    let known = known.await?;
    let ledger_until = known.iter().filter_map(|(_, newest)| *newest).max();
    let said = match replaced {
        Some(path) => said_since(path, known).await,
        None => Err("what was in the database before is not known here.".to_owned()),
    };
    let (ctx, said) = (Ctx::system(), Arc::new(said));
    let written = store.write::<_, StoreError, _>(move |tx| {
        let mut carried = Carried::default();
        for of_workspace in said.iter().flatten() {
            let more = tx.carry_over(of_workspace, &ctx)?;
            carried.entries += more.entries;
            carried.suppressions += more.suppressions;
            carried.reviews += more.reviews;
            carried.arrivals += more.arrivals;
        }
        let carried = said.as_ref().as_ref().map(|_| carried).map_err(Clone::clone);
        let mut held = tx.hold_restored(SENDING, &ctx)?;
        for workspace in tx.workspaces()? {
            held.replies += segue_desk::pending::give_up_restored(tx, &ctx, workspace.id)?;
        }
        Ok((held, carried))
    });
    let (held, carried) = written.await?;
    Ok(Prepared { held, ledger_until, carried })
}

/// The workspaces of a copy, each with the time of the newest entry of its ledger.
type Known = Vec<(WorkspaceId, Option<Timestamp>)>;

/// What was said in the database that is replaced after the copy was made. Says in words why that cannot be known.
async fn said_since(replaced: &Path, known: Known) -> Result<Vec<SaidSince>, String> {
    let unreadable =
        |error: &dyn std::fmt::Display| format!("the database that was there cannot be read ({error}); it is kept.");
    let path = replaced.to_owned();
    let opened =
        tokio::task::spawn_blocking(move || match segue_store::schema_version(&Engine::Sqlite(path.clone())) {
            Ok(Some(SCHEMA_VERSION)) => Store::open_to_look(path).map_err(|error| unreadable(&error)),
            Ok(Some(version)) => Err(format!(
                "the database that was there is of another version of Segue (schema version {version} instead of \
                 {SCHEMA_VERSION}), which this one does not read; it is kept."
            )),
            Ok(None) => Err("there was no database of Segue in its place.".to_owned()),
            Err(error) => Err(unreadable(&error)),
        });
    let store = opened.await.map_err(|error| unreadable(&error))??;
    let said = store.read::<_, StoreError, _>(move |tx| {
        for (id, newest) in &known {
            if tx.workspace(*id)?.is_none() || tx.newest_consent(*id)? < *newest {
                return Ok(None);
            }
        }
        let said = known.iter().map(|(id, newest)| tx.said_since(*id, newest.unwrap_or(Timestamp(0))));
        said.collect::<Result<Vec<_>, _>>().map(Some)
    });
    let said = said.await;
    let closed = tokio::task::spawn_blocking(move || store.close()).await;
    closed.map_err(|error| unreadable(&error))?;
    let other = "the database that was there is not the one that the backup was made of, or is older; it is kept.";
    said.map_err(|error| unreadable(&error))?.ok_or_else(|| other.to_owned())
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
