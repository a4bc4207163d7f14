//! `segue serve`.

use std::{fmt::Write as _, process::ExitCode};

use segue_model::Ctx;

use crate::{
    config::{Config, VARIABLES},
    server::Server,
    telemetry,
};

/// The settings, for the help text.
#[must_use]
pub fn variables_help() -> String {
    let mut text = "Settings, as variables or in lower case without SEGUE_ in the configuration file:\n".to_owned();
    for (name, meaning) in VARIABLES {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {name:<26} {meaning}");
    }
    text
}

/// Runs the server until it is interrupted.
///
/// # Errors
/// When it cannot start, in words that say what to do.
pub async fn serve(config: Config) -> anyhow::Result<ExitCode> {
    telemetry::start_logging(&config);
    let server = Server::start(config, Ctx::system()).await?;
    println!("Segue is running at {}", server.public_url());
    if let Some(token) = server.setup_token() {
        println!(
            "Nobody can sign in yet. Open this link once to create the first administrator:\n  {}/setup?token={token}",
            server.public_url()
        );
    }
    crate::shutdown::requested().await;
    println!("Ending: open requests and messages on their way are finished first.");
    server.shutdown().await;
    Ok(ExitCode::SUCCESS)
}
