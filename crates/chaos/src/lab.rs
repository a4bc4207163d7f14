//! What all suites share: sizes, the binary, the seed, and where lines go.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::bail;
use rand::{SeedableRng as _, rngs::StdRng};

use crate::{
    engine::Engine,
    line::{self, Line},
};

/// How much is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Size {
    /// For every change.
    Small,
    /// For the published figures.
    Large,
}

impl Size {
    /// As it stands in a line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Large => "large",
        }
    }

    /// One of two values.
    pub fn pick<T>(self, small: T, large: T) -> T {
        match self {
            Self::Small => small,
            Self::Large => large,
        }
    }
}

/// See the module documentation.
pub struct Lab {
    pub size: Size,
    seed: u64,
    /// The product.
    pub binary: PathBuf,
    out: Option<PathBuf>,
    failures: AtomicU32,
}

impl Lab {
    /// # Errors
    /// When there is no binary of the product.
    pub fn new(size: Size, seed: u64, binary: Option<PathBuf>, out: Option<PathBuf>) -> anyhow::Result<Self> {
        let beside = || std::env::current_exe().map(|own| own.with_file_name("segue"));
        let binary = binary.map_or_else(beside, Ok)?;
        if !binary.is_file() {
            bail!("There is no {}. Build it first: cargo build --package segue --bins", binary.display());
        }
        Ok(Self { size, seed, binary, out, failures: AtomicU32::new(0) })
    }

    /// The engines that a suite runs on: PostgreSQL where it is installed, and always in CI.
    ///
    /// # Errors
    /// In CI, when PostgreSQL does not start: a skipped check is a failure there.
    pub async fn engines(&self) -> anyhow::Result<Vec<Engine>> {
        let mut engines = vec![Engine::Sqlite];
        match Engine::postgres().await {
            Ok(engine) => engines.push(engine),
            Err(why) if in_ci() => bail!("PostgreSQL is needed: {why}"),
            Err(why) => eprintln!("SKIPPED: PostgreSQL, because {why}"),
        }
        Ok(engines)
    }

    /// Chance of a suite: the same seed breaks at the same points.
    pub fn chance(&self, suite: &str) -> StdRng {
        let salt = suite.bytes().fold(self.seed, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        StdRng::seed_from_u64(salt)
    }

    /// Prints a line and keeps it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn record(&self, line: &Line) -> anyhow::Result<()> {
        let text = serde_json::to_string(line)?;
        println!("{text}");
        if !line.passed {
            self.failures.fetch_add(1, Ordering::Relaxed);
            eprintln!("FAILED: {}", line.title());
        }
        if let Some(path) = &self.out {
            line::keep(path, line)?;
        }
        Ok(())
    }

    /// How many lines did not pass.
    pub fn failures(&self) -> u32 {
        self.failures.load(Ordering::Relaxed)
    }
}

/// Whether this is a run of the gate.
pub fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !value.is_empty() && value != "false")
}
