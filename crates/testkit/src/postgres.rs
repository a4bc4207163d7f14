//! One PostgreSQL cluster per test process, without durability, reached through a Unix socket in its own directory.
//!
//! The cluster is a child of a shell that waits for the end of its input, which is a pipe from the test process: it
//! ends, and its directory goes, when the test process ends, also by a signal. `initdb` runs once per machine; every
//! cluster starts from a copy of what it made.

use std::{
    io::Write,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use postgres::{Client, NoTls};

const SCRIPT: &str = include_str!("postgres.sh");

/// How long a start may take on a busy machine.
const START: Duration = Duration::from_secs(60);

/// A running PostgreSQL server with nothing in it that has to last.
pub struct Cluster {
    directory: PathBuf,
    shell: Mutex<Child>,
}

impl Cluster {
    /// The cluster of this process, started at the first call. `Err` says why there is none. Blocks.
    ///
    /// # Errors
    /// When PostgreSQL is not installed or does not start.
    pub fn shared() -> Result<&'static Self, String> {
        static CLUSTER: OnceLock<Result<Cluster, String>> = OnceLock::new();
        CLUSTER.get_or_init(|| Self::start("shared")).as_ref().map_err(Clone::clone)
    }

    /// A cluster that nobody else in this process uses, for a test that restarts it. Ends when it is dropped. Blocks.
    ///
    /// # Errors
    /// When PostgreSQL is not installed or does not start.
    pub fn alone() -> Result<Self, String> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        Self::start(&format!("alone-{}", NUMBER.fetch_add(1, Ordering::Relaxed)))
    }

    fn start(name: &str) -> Result<Self, String> {
        let programs = programs().ok_or("PostgreSQL is not installed (no initdb in PATH or /usr/lib/postgresql)")?;
        let version = programs.parent().and_then(Path::file_name).map_or("x".into(), |name| name.to_string_lossy());
        let owner = if is_root() { "postgres" } else { "self" };
        let base = std::env::temp_dir();
        let directory = base.join(format!("segue-pg-{}-{name}", std::process::id()));
        let template = base.join(format!("segue-pg-template-{version}-{owner}"));
        let mut command = if is_root() {
            // The server refuses to run as root.
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "sh"]);
            command
        } else {
            Command::new("sh")
        };
        let shell = command
            .args(["-c", SCRIPT, "sh"])
            .args([&programs, &directory, &template])
            .current_dir(&base)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("PostgreSQL cannot be started: {error}"))?;
        let cluster = Self { directory, shell: Mutex::new(shell) };
        cluster.wait()?;
        Ok(cluster)
    }

    /// The address of a database of this cluster.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("host={} user=postgres dbname={database}", self.directory.display())
    }

    /// Makes an empty database and gives its address. Blocks.
    ///
    /// # Panics
    /// When the server refuses.
    #[must_use]
    pub fn create_database(&self, name: &str) -> String {
        let mut client = Client::connect(&self.url("postgres"), NoTls).expect("the cluster answers");
        client.batch_execute(&format!("CREATE DATABASE {name}")).expect("a fresh name");
        self.url(name)
    }

    /// Crashes the server and starts it again: connections break, open transactions are lost. Blocks.
    ///
    /// # Panics
    /// When it does not come back.
    pub fn restart(&self) {
        let before = self.started_at();
        let mut shell = self.shell.lock().unwrap_or_else(PoisonError::into_inner);
        shell.stdin.as_mut().expect("its input is a pipe").write_all(b"restart\n").expect("the shell lives");
        drop(shell);
        let began = Instant::now();
        while began.elapsed() < START {
            if self.wait().is_ok() && self.started_at() != before {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("PostgreSQL did not come back");
    }

    fn started_at(&self) -> Option<String> {
        let mut client = Client::connect(&self.url("postgres"), NoTls).ok()?;
        Some(client.query_one("SELECT pg_postmaster_start_time()::text", &[]).ok()?.get(0))
    }

    fn wait(&self) -> Result<(), String> {
        let began = Instant::now();
        loop {
            if self.started_at().is_some() {
                return Ok(());
            }
            let ended = self.shell.lock().unwrap_or_else(PoisonError::into_inner).try_wait().ok().flatten();
            if ended.is_some() || began.elapsed() > START {
                let log = std::fs::read_to_string(self.directory.join("log")).unwrap_or_default();
                return Err(format!("PostgreSQL did not start. {log}"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

/// The directory of `initdb` and `postgres`: Debian's newest, or one in `PATH`.
fn programs() -> Option<PathBuf> {
    let mut versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin"))))
        .collect::<Vec<_>>();
    versions.sort();
    let debian = versions.into_iter().rev().map(|(_, path)| path);
    let path = std::env::var_os("PATH").unwrap_or_default();
    debian
        .chain(std::env::split_paths(&path))
        .find(|path| path.join("initdb").exists() && path.join("postgres").exists())
}
