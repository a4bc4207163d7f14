//! `segue bench`: how fast this build is on this machine, through the ordinary path.

pub mod sms;
mod usage;

use std::process::ExitCode;

/// Which benchmark.
#[derive(clap::Subcommand)]
pub enum Bench {
    /// One SMS campaign against a carrier that speaks SMPP: from the plan to the last receipt.
    Sms(sms::Arguments),
}

/// Runs a benchmark.
///
/// # Errors
/// When it cannot be set up, or does not come to its end.
pub async fn bench(bench: Bench) -> anyhow::Result<ExitCode> {
    match bench {
        Bench::Sms(arguments) => sms::sms(arguments).await,
    }
}
