//! The disk runs full in a campaign, and has space again later.
//!
//! Promise: nothing is lost, doubled or damaged; the campaign holds, and the health check says why; texts of customers
//! wait at the carrier; and when there is space again everything goes on without anybody's hand.
//!
//! The data directory is a file system of its own, 64 MiB of memory in a mount namespace: it goes when the process that
//! holds the namespace ends, however it ends. On PostgreSQL the disk is the database server's, so this is about SQLite.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use rand::RngExt as _;
use segue_sandbox::SandboxConfig;

use crate::{
    api::Api,
    books::Balance,
    campaign::{self, TEXT},
    carrier::Carrier,
    engine::Engine,
    lab::{Lab, in_ci},
    line::{Begun, Line},
    product::{Product, SENDER, Setup},
};

const SIZE: &str = "64m";
const CONTROL: &str = "the full disk forgets the end of the journal that it had promised to keep";
/// What the control cuts off.
const FORGOTTEN: u64 = 512 * 1024;
/// How many customers text while the disk is full.
const TEXTS: usize = 4;

/// How much is sent, and how often the disk runs full.
#[derive(Debug, Clone, Copy)]
struct Plan {
    recipients: usize,
    cycles: usize,
    /// How long the disk stays full after the health check has said so.
    full_for: Duration,
}

/// A file system in a mount namespace of its own.
struct Disk {
    holder: Child,
    /// Where it is, seen from inside.
    directory: PathBuf,
    root: bool,
}

impl Drop for Disk {
    fn drop(&mut self) {
        // The namespace and the file system in it go with their last process.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

impl Disk {
    fn new(directory: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(directory)?;
        let root = std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0);
        let own: &[&str] = if root { &["--mount"] } else { &["--user", "--map-root-user", "--mount"] };
        let mut holder = Command::new("unshare")
            .args(own)
            .args(["sh", "-c", "mount -t tmpfs -o size=$1 segue-chaos \"$2\" && echo ready && exec cat", "sh", SIZE])
            .arg(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("unshare cannot be started")?;
        let mut word = String::new();
        if let Some(output) = holder.stdout.take() {
            BufReader::new(output).read_line(&mut word)?;
        }
        let disk = Self { holder, directory: directory.to_path_buf(), root };
        if word.trim() != "ready" {
            bail!("a file system of its own cannot be mounted here (unshare, mount)");
        }
        Ok(disk)
    }

    /// Words that start a program inside.
    fn prefix(&self) -> Vec<String> {
        let pid = self.holder.id().to_string();
        let mut words = vec!["nsenter", "--target", &pid, "--mount"];
        if !self.root {
            words.extend(["--user", "--preserve-credentials"]);
        }
        words.into_iter().map(str::to_owned).collect()
    }

    /// A file of the disk, seen from here.
    fn file(&self, name: &str) -> PathBuf {
        let inside = self.directory.strip_prefix("/").unwrap_or(&self.directory);
        Path::new("/proc").join(self.holder.id().to_string()).join("root").join(inside).join(name)
    }

    /// Leaves no octet free.
    fn fill(&self) -> anyhow::Result<()> {
        let mut ballast = std::fs::File::create(self.file("ballast"))?;
        for piece in [vec![0_u8; 64 * 1024], vec![0_u8; 4 * 1024], vec![0_u8; 1]] {
            while ballast.write_all(&piece).is_ok() {}
        }
        Ok(())
    }

    fn free(&self) -> anyhow::Result<()> {
        Ok(std::fs::remove_file(self.file("ballast"))?)
    }

    /// SQLite's own check of a copy of the database. The product must not be running.
    fn integrity(&self) -> anyhow::Result<String> {
        let copy = tempfile::tempdir()?;
        for name in ["segue.db", "segue.db-wal"] {
            if self.file(name).exists() {
                std::fs::copy(self.file(name), copy.path().join(name))?;
            }
        }
        let database = rusqlite::Connection::open(copy.path().join("segue.db"))?;
        Ok(database.query_row("PRAGMA integrity_check", [], |row| row.get(0))?)
    }
}

/// Runs it and its control.
///
/// # Errors
/// When a run could not be carried out; in CI also when no file system can be mounted.
pub async fn run(lab: &Lab) -> anyhow::Result<()> {
    let place = tempfile::tempdir()?;
    match Disk::new(&place.path().join("try")) {
        Ok(_) => {}
        Err(why) if in_ci() => return Err(why),
        Err(why) => {
            eprintln!("SKIPPED: the suite 'disk', because {why:#}");
            return Ok(());
        }
    }
    let plan = lab.size.pick(
        Plan { recipients: 900, cycles: 2, full_for: Duration::from_secs(4) },
        Plan { recipients: 12_000, cycles: 12, full_for: Duration::from_secs(8) },
    );
    lab.record(&once(lab, plan, None).await?)?;
    lab.record(&once(lab, Plan { recipients: 600, cycles: 1, ..plan }, Some(CONTROL)).await?)
}

async fn once(lab: &Lab, plan: Plan, control: Option<&str>) -> anyhow::Result<Line> {
    let begun = Begun::new(lab, "disk", &Engine::Sqlite);
    let (place, mut chance) = (tempfile::tempdir()?, lab.chance("disk"));
    let disk = Disk::new(&place.path().join("data"))?;
    let carrier = Carrier::start(SandboxConfig::default()).await?;
    let audience = campaign::audience(plan.recipients);
    let mut product = Product::new(lab, &Engine::Sqlite, &disk.directory, disk.prefix(), &carrier).await?;
    product.set_up(&carrier, &Setup { per_second: 150, ..Setup::default() }, &campaign::csv(&audience)).await?;
    product.start().await?;
    let id = campaign::start(product.api()).await?;

    let mut seen = Seen::default();
    for cycle in 0..plan.cycles {
        let share = plan.recipients * (cycle + 1) / (plan.cycles + 2);
        campaign::wait_until_accepted(&carrier, share + chance.random_range(0..20)).await?;
        disk.fill()?;
        seen.full(product.api()).await?;
        if control.is_some() {
            product.kill()?;
            forget(&disk.file("segue.db-wal"))?;
            disk.free()?;
            product.start().await?;
            continue;
        }
        let texters = &audience[audience.len() - (cycle + 1) * TEXTS..audience.len() - cycle * TEXTS];
        for number in texters {
            carrier.add_phone(number).await?;
            carrier.text_from(number, SENDER, "STOP").await?;
        }
        seen.held(&carrier, plan.full_for).await?;
        disk.free()?;
        seen.goes_on(product.api(), &carrier).await?;
    }

    let patience = Duration::from_secs(240 + u64::try_from(plan.recipients / 50)?);
    let ended = match campaign::wait_until_sent(product.api(), &id, plan.recipients, patience).await {
        Ok(unknown) => {
            let patience = Duration::from_secs(if control.is_some() { 4 } else { 90 });
            let balance = campaign::wait_for_balance(product.api(), &carrier, &id, &audience, patience).await;
            balance.map(|balance| (unknown, balance))
        }
        Err(error) => Err(error),
    };
    let (unknown, balance) = match ended {
        Ok(ended) => ended,
        // With its journal cut off the database may be beyond reading, which nobody can fail to notice.
        Err(_) if control.is_some() => {
            (0, Balance { recipients: plan.recipients, wrong: plan.recipients, ..Balance::default() })
        }
        Err(error) => return Err(error),
    };
    let texts = if control.is_some() { 0 } else { plan.cycles * TEXTS };
    let answered = wait_for_answers(&carrier, texts).await?;
    product.kill()?;
    let integrity = disk.integrity()?;

    let mut line = begun
        .line(&balance)
        .with("times_full", plan.cycles)
        .with("health_said_so", seen.said_so)
        .with("sent_while_full", seen.sent_while_full)
        .with("texts_while_full", texts)
        .with("texts_answered", answered)
        .with("most_seconds_until_it_went_on", seen.most_seconds)
        .with("integrity", integrity.as_str());
    line.unknown = unknown;
    line.resolved = unknown.saturating_sub(balance.unknown);
    line.passed = match control {
        Some(_) => !balance.is_exact() || integrity != "ok",
        None => {
            balance.is_exact()
                && balance.settled() == plan.recipients
                && balance.unknown == 0
                && integrity == "ok"
                && seen.said_so == plan.cycles
                && seen.sent_while_full == 0
                && answered == texts
        }
    };
    line.control = control.map(str::to_owned);
    drop(product);
    carrier.shutdown().await;
    Ok(line)
}

/// What was seen in the cycles.
#[derive(Debug, Default)]
struct Seen {
    /// How often the health check named the disk.
    said_so: usize,
    sent_while_full: usize,
    most_seconds: f64,
}

impl Seen {
    /// Waits until the health check says what is wrong.
    async fn full(&mut self, api: &Api) -> anyhow::Result<()> {
        let started = Instant::now();
        loop {
            let seen = api.readiness().await;
            if let Some((503, text)) = &seen {
                self.said_so += usize::from(text.contains("disk_full"));
                return Ok(());
            }
            if started.elapsed() > Duration::from_secs(60) {
                bail!("The disk is full, and the health check does not say so: {seen:?}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Watches the campaign stand still, once what was on the wire has arrived.
    async fn held(&mut self, carrier: &Carrier, full_for: Duration) -> anyhow::Result<()> {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let before = carrier.counters().sms_accepted;
        tokio::time::sleep(full_for).await;
        self.sent_while_full += usize::try_from(carrier.counters().sms_accepted - before)?;
        Ok(())
    }

    /// Waits until the health check is well again and a further message was sent.
    async fn goes_on(&mut self, api: &Api, carrier: &Carrier) -> anyhow::Result<()> {
        let (started, before) = (Instant::now(), carrier.counters().sms_accepted);
        api.wait_until_ready(Duration::from_secs(30)).await?;
        while carrier.counters().sms_accepted == before {
            if started.elapsed() > Duration::from_secs(180) {
                bail!("There is space again, and the campaign does not go on.");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let seconds = (started.elapsed().as_secs_f64() * 10.0).round() / 10.0;
        self.most_seconds = self.most_seconds.max(seconds);
        Ok(())
    }
}

fn forget(journal: &Path) -> anyhow::Result<()> {
    let file = std::fs::File::options().write(true).open(journal)?;
    let length = file.metadata()?.len();
    Ok(file.set_len(length.saturating_sub(FORGOTTEN))?)
}

/// Waits for the answers to the texts of customers. Gives how many there were.
async fn wait_for_answers(carrier: &Carrier, texts: usize) -> anyhow::Result<usize> {
    let started = Instant::now();
    loop {
        let entries = carrier.entries().await?;
        let answers = entries.iter().filter(|entry| entry["kind"] == "sms_accepted" && entry["text"] != TEXT).count();
        if answers >= texts || started.elapsed() > Duration::from_secs(90) {
            return Ok(answers);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
