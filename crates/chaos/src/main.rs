//! Breaks the product on purpose and counts what became of every message.
//!
//! The product is the real binary, a child process on a data directory of its own. Its carrier is the sandbox, which runs
//! here and keeps a ledger of its own; so the judge survives whatever is done to the product. A check reads that ledger
//! and the public API, never the product's tables: [`books`].
//!
//! Each suite is run once more with its protection taken away, from outside: by a change in the database between a kill
//! and the restart, or by a carrier that breaks its word. The check must notice; a check that cannot fail proves
//! nothing. Nothing of this is a setting of the product.
//!
//! Each run ends in one JSON line ([`line`]); `docs/reliability.md` is written from the lines of
//! `docs/reliability.jsonl` ([`report`]).

mod api;
mod books;
mod campaign;
mod carrier;
mod engine;
mod lab;
mod line;
mod machine;
mod product;
mod report;
mod suites;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::lab::{Lab, Size};

#[derive(Parser)]
#[command(name = "segue-chaos", about = "Breaks Segue on purpose and counts what became of every message.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run suites: kill, keyed, stop, clock, disk, carriers, webhooks; all without a name.
    Run {
        suites: Vec<String>,
        /// `small` takes minutes, `large` much longer.
        #[arg(long, value_enum, default_value_t = Size::Small)]
        size: Size,
        /// Seed of the points of failure.
        #[arg(long, default_value_t = 42)]
        seed: u64,
        /// The product's binary; by default the one beside this program.
        #[arg(long, value_name = "FILE")]
        binary: Option<PathBuf>,
        /// Keep the lines in this file, each in place of an older one of the same run.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Write docs/reliability.md from docs/reliability.jsonl.
    Report {
        /// Directory of both files.
        #[arg(long, default_value = "docs")]
        directory: PathBuf,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        Command::Report { directory } => {
            report::write(&directory)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Run { suites, size, seed, binary, out } => {
            segue::install_crypto();
            let lab = Lab::new(size, seed, binary, out)?;
            tokio::runtime::Runtime::new()?.block_on(suites::run(&lab, &suites))?;
            Ok(if lab.failures() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}
