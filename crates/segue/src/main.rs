//! The `segue` command.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use segue::{commands, config::Config};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Conversational campaigns: from a text message to a WhatsApp chat to a closed case.
#[derive(Parser)]
#[command(name = "segue", version, about, after_help = "Start with `segue demo` to see everything at work.")]
struct Arguments {
    /// Configuration file (TOML). Variables `SEGUE_*` go before it; `segue serve --help` lists them.
    #[arg(long, global = true, env = "SEGUE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    #[command(after_help = commands::serve::variables_help())]
    Serve,
    /// Run the server with the sandbox and demo data, and print where to click.
    Demo(commands::demo::Arguments),
    /// Run the emulated SMS carrier, WhatsApp Cloud API and phones alone.
    Sandbox(commands::sandbox::Arguments),
    /// Set a workspace up from a YAML file: channels, senders, queues, users, flows.
    Apply(commands::apply::Arguments),
    /// Import files.
    #[command(subcommand)]
    Import(Import),
    /// Write a consistent copy of the database while it is in use.
    Backup(commands::backup::Arguments),
    /// Put a backup in the place of the embedded database, and hold back what may have been sent since.
    Restore(commands::restore::Arguments),
    /// Hold back what a PostgreSQL database restored with pg_restore would send again.
    Hold(commands::restore::HoldArguments),
    /// Measure how fast this build is on this machine.
    #[command(subcommand)]
    Bench(commands::bench::Bench),
    /// Check the installation and say what to do about what is wrong.
    Doctor(commands::doctor::Arguments),
}

#[derive(Subcommand)]
enum Import {
    /// Import contacts from a CSV or XLSX file.
    Contacts(commands::import::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    segue::install_crypto();
    let config = || Config::load(arguments.config.as_ref(), std::env::vars());
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        match arguments.command {
            Command::Serve => commands::serve::serve(config()?).await,
            Command::Demo(own) => commands::demo::demo(own).await,
            Command::Sandbox(own) => commands::sandbox::sandbox(own).await,
            Command::Apply(own) => commands::apply::apply(config()?, own).await,
            Command::Import(Import::Contacts(own)) => commands::import::contacts(config()?, own).await,
            Command::Backup(own) => commands::backup::backup(config()?, own).await,
            Command::Restore(own) => commands::restore::restore(config()?, own).await,
            Command::Hold(own) => commands::restore::hold(config()?, own).await,
            Command::Bench(own) => commands::bench::bench(own).await,
            Command::Doctor(own) => commands::doctor::doctor(config(), own).await,
        }
    })
}
