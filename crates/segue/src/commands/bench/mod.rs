//! `segue bench`: how fast this build is on this machine, through the ordinary path.

mod beside;
mod history;
mod poster;
mod setup;
pub mod sms;
mod usage;
pub mod webhooks;

use std::process::ExitCode;

/// Which benchmark.
#[derive(clap::Subcommand)]
pub enum Bench {
    /// One SMS campaign against a carrier that speaks SMPP: from the plan to the last receipt.
    Sms(sms::Arguments),
    /// Signed messages of WhatsApp customers: from the webhook to the conversation.
    Webhooks(webhooks::Arguments),
}

/// Runs a benchmark.
///
/// # Errors
/// When it cannot be set up, or does not come to its end.
pub async fn bench(bench: Bench) -> anyhow::Result<ExitCode> {
    match bench {
        Bench::Sms(arguments) => sms::sms(arguments).await,
        Bench::Webhooks(arguments) => webhooks::webhooks(arguments).await,
    }
}
