//! The node's own name, kept beside its data, the lock that lets only one process use them, and how its last run ended.
//!
//! The name stays the same over restarts, so a node that was killed takes back at once what it had claimed. Two processes
//! with one name would take each other's work away; the lock on the file that holds the name prevents that.
//!
//! A run that did not end properly may have been ended by what it was working on. Work that is only stored together with
//! its result leaves no trace of that, so for some time after such an end everything is stored first
//! ([`Node::at_once_from`]). The file `last-run` says `running` until the proper end; what cannot be read counts as an end
//! that was not.

use std::{
    fs::{File, TryLockError},
    io::{ErrorKind, Read as _, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use segue_model::{Ctx, Timestamp, time};
use segue_store::private_directory;

/// How long after an end that was not a proper one everything is stored before it is worked on: as long as Meta delivers
/// again (Cloud API, "Webhooks": up to 7 days).
const CAREFUL_FOR: i64 = 7 * time::DAY;

/// The file with the number of the process that has the lock.
const HOLDER: &str = "used-by";

/// The lock on a data directory: one process at a time uses it. Nothing is noted of a run yet.
pub struct Lock {
    directory: PathBuf,
    /// Locked until it is dropped; the operating system unlocks it when the process ends, however it ends.
    file: File,
}

impl Lock {
    /// Locks the directory, which is made when it is not there.
    ///
    /// # Errors
    /// When another process uses it, or it cannot be written.
    pub fn take(directory: &Path) -> anyhow::Result<Self> {
        private_directory(directory).with_context(|| format!("{} cannot be made", directory.display()))?;
        let path = directory.join("node");
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(|| format!("{} cannot be opened", path.display()))?;
        match file.try_lock() {
            Ok(()) => {
                // Only told to others: without it they hear less.
                let noted = directory.join(HOLDER);
                // Another account may have written the old one; what it says must not outlive its process.
                let _ = std::fs::remove_file(&noted);
                if let Err(error) = std::fs::write(&noted, format!("{}\n", std::process::id())) {
                    tracing::warn!(%error, "the number of this process could not be noted beside its data");
                }
                Ok(Self { directory: directory.to_owned(), file })
            }
            Err(TryLockError::WouldBlock) => bail!(
                "Another Segue is using {}{}. Stop it first, or choose another SEGUE_DATA_DIRECTORY.",
                directory.display(),
                holder(directory)
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("{} cannot be locked", path.display()))
            }
        }
    }
}

/// Who has the lock, in words: its process, since when, and the node's name, as far as they can be read.
fn holder(directory: &Path) -> String {
    let mut known = Vec::new();
    let noted = directory.join(HOLDER);
    if let Some(id) = std::fs::read_to_string(&noted).ok().and_then(|text| text.trim().parse::<u32>().ok()) {
        known.push(format!("process {id}"));
        let since = std::fs::metadata(&noted).and_then(|about| about.modified()).ok();
        let since = since.and_then(|since| since.duration_since(std::time::UNIX_EPOCH).ok());
        if let Some(millis) = since.and_then(|since| i64::try_from(since.as_millis()).ok()) {
            known.push(format!("since {}", Timestamp(millis).to_rfc3339()));
        }
    }
    let name = std::fs::read_to_string(directory.join("node")).unwrap_or_default();
    if !name.trim().is_empty() {
        known.push(name.trim().to_owned());
    }
    if known.is_empty() { String::new() } else { format!(" ({})", known.join(", ")) }
}

/// The name, and the lock on it.
pub struct Node {
    /// Stands in leases.
    pub name: String,
    /// From when on what comes in may be worked on in the transaction that stores it.
    pub at_once_from: Timestamp,
    last_run: PathBuf,
    _lock: Lock,
}

impl Node {
    /// Reads the name from the locked directory, or gives the node one.
    ///
    /// # Errors
    /// When the directory cannot be read or written.
    pub fn open(lock: Lock, ctx: &Ctx) -> anyhow::Result<Self> {
        let Lock { directory, file } = &lock;
        let (path, mut file) = (directory.join("node"), file);
        let mut name = String::new();
        file.read_to_string(&mut name).with_context(|| format!("{} cannot be read", path.display()))?;
        let name = match name.trim() {
            "" => {
                let fresh = format!("node-{}", ctx.uuid());
                writeln!(file, "{fresh}").with_context(|| format!("{} cannot be written", path.display()))?;
                fresh
            }
            known => known.to_owned(),
        };
        let last_run = directory.join("last-run");
        let at_once_from = match std::fs::read_to_string(&last_run) {
            Err(error) if error.kind() == ErrorKind::NotFound => Timestamp(0),
            read => read.ok().as_deref().and_then(proper_end).unwrap_or_else(|| ctx.now().plus(CAREFUL_FOR)),
        };
        let node = Self { name, at_once_from, last_run, _lock: lock };
        node.note("running")?;
        Ok(node)
    }

    /// Notes that this run ended properly. To be called when nothing is worked on any more.
    ///
    /// # Errors
    /// When the directory cannot be written; the next run is then a careful one.
    pub fn ended(self) -> anyhow::Result<()> {
        self.note("ended")
    }

    fn note(&self, how: &str) -> anyhow::Result<()> {
        // Written beside it and put in its place: a half-written one would say nothing.
        let new = self.last_run.with_extension("new");
        std::fs::write(&new, format!("{how} {}\n", self.at_once_from.0))
            .and_then(|()| std::fs::rename(&new, &self.last_run))
            .with_context(|| format!("{} cannot be written", self.last_run.display()))
    }
}

/// From when on work may be done at once, when that run ended properly.
fn proper_end(last_run: &str) -> Option<Timestamp> {
    last_run.trim().strip_prefix("ended ")?.parse().ok().map(Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_keeps_its_name_and_is_alone() {
        let (directory, ctx) = (tempfile::tempdir().unwrap(), Ctx::system());
        let open = || Node::open(Lock::take(directory.path())?, &ctx);
        let first = open().unwrap();
        let name = first.name.clone();
        let second = open().err().map(|error| error.to_string()).unwrap_or_default();
        assert!(second.contains("Another Segue"), "{second}");
        let who = format!("(process {}, since 2", std::process::id());
        assert!(second.contains(&who) && second.contains(&format!(", {name})")), "who has it: {second}");
        drop(first);
        assert_eq!(open().unwrap().name, name);
    }

    #[test]
    fn after_a_bad_end_everything_is_stored_first_for_as_long_as_deliveries_repeat() {
        let directory = tempfile::tempdir().unwrap();
        let ctx = Ctx::with_clock(segue_model::ctx::ManualClock::at(Timestamp(1_795_700_000_000)));
        let open = || Node::open(Lock::take(directory.path()).unwrap(), &ctx).unwrap();
        let fresh = open();
        assert!(fresh.at_once_from <= ctx.now());
        fresh.ended().unwrap();

        let killed = open();
        assert!(killed.at_once_from <= ctx.now(), "the one before ended properly");
        drop(killed);
        let careful = open();
        assert_eq!(careful.at_once_from, ctx.now().plus(CAREFUL_FOR));
        careful.ended().unwrap();
        assert_eq!(open().at_once_from, ctx.now().plus(CAREFUL_FOR), "a proper end does not shorten it");

        std::fs::write(directory.path().join("last-run"), "ended soon").unwrap();
        assert_eq!(open().at_once_from, ctx.now().plus(CAREFUL_FOR), "what cannot be read counts as a bad end");
    }
}
