//! `segue doctor`: looks at an installation and says what to do about what is wrong.

use std::process::ExitCode;

use segue_store::{Engine, Store, StoreError, channel::ChannelState};
use serde::Serialize;

use crate::config::Config;

/// How to print.
#[derive(clap::Args)]
pub struct Arguments {
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Warning,
    Error,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    what: String,
    verdict: Verdict,
    detail: String,
}

impl Finding {
    fn ok(what: &str, detail: impl Into<String>) -> Self {
        Self { what: what.to_owned(), verdict: Verdict::Ok, detail: detail.into() }
    }

    fn warning(what: &str, detail: impl Into<String>) -> Self {
        Self { what: what.to_owned(), verdict: Verdict::Warning, detail: detail.into() }
    }

    fn error(what: &str, detail: impl Into<String>) -> Self {
        Self { what: what.to_owned(), verdict: Verdict::Error, detail: detail.into() }
    }
}

/// Looks at everything that can be looked at without a running server.
///
/// # Errors
/// Only when the findings cannot be printed; what is wrong with the installation is a finding.
pub async fn doctor(config: anyhow::Result<Config>, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut findings = Vec::new();
    match config {
        Ok(config) => {
            findings.push(Finding::ok("Configuration", "every setting can be read"));
            findings.push(public_url(&config));
            match super::open_store(&config).await {
                Ok(store) => look_into(&config, &store, &mut findings).await?,
                Err(error) => findings.push(Finding::error("Database", format!("{error:#}"))),
            }
        }
        Err(error) => findings.push(Finding::error("Configuration", format!("{error:#}"))),
    }
    print(&findings, &arguments)?;
    let failed = findings.iter().any(|finding| finding.verdict == Verdict::Error);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn public_url(config: &Config) -> Finding {
    let url = config.public_url();
    let local = url.contains("127.0.0.1") || url.contains("localhost");
    if local {
        return Finding::warning(
            "Public URL",
            format!("{url} can be reached from this machine only; set SEGUE_PUBLIC_URL before real providers call it"),
        );
    }
    if url.starts_with("http://") {
        return Finding::warning(
            "Public URL",
            format!("{url} is not encrypted; WhatsApp calls only https:// addresses"),
        );
    }
    Finding::ok("Public URL", url)
}

async fn look_into(config: &Config, store: &Store, findings: &mut Vec<Finding>) -> anyhow::Result<()> {
    let engine = match store.engine() {
        Engine::Sqlite(path) => format!("SQLite {} at {}", rusqlite::version(), path.display()),
        Engine::Postgres(_) => "PostgreSQL".to_owned(),
    };
    findings.push(Finding::ok("Database", format!("{engine}, schema version {}", segue_store::SCHEMA_VERSION)));
    if let Engine::Sqlite(_) = store.engine()
        && let Some(free) = free_bytes(&config.data_directory)
    {
        let gigabytes = free / 1_000_000_000;
        findings.push(if gigabytes < 2 {
            Finding::warning(
                "Disk",
                format!("only {} MB are free; make room before the disk is full", free / 1_000_000),
            )
        } else {
            Finding::ok("Disk", format!("{gigabytes} GB are free"))
        });
    }
    let (users, channels) = store.read(|tx| Ok::<_, StoreError>((tx.count_users()?, tx.all_channels()?))).await?;
    findings.push(if users == 0 {
        Finding::warning("Users", "nobody can sign in yet; start `segue serve` and open the setup link it prints")
    } else {
        Finding::ok("Users", format!("{users}"))
    });
    if channels.is_empty() {
        findings.push(Finding::warning("Channels", "none; describe them in a file and run `segue apply -f FILE`"));
    }
    for channel in channels {
        let what = format!("Channel {}", channel.slug);
        let detail = channel.state_detail.clone().unwrap_or_default();
        findings.push(match channel.state {
            ChannelState::Connected => Finding::ok(&what, "connected when last seen"),
            ChannelState::Connecting => Finding::ok(&what, "not connected yet"),
            ChannelState::Disconnected => Finding::warning(&what, format!("disconnected. {detail}")),
            ChannelState::Error => Finding::error(&what, detail),
        });
    }
    Ok(())
}

/// Free space where `directory` is, as `df` tells it; nothing where there is no `df`.
fn free_bytes(directory: &std::path::Path) -> Option<u64> {
    let output = std::process::Command::new("df").args(["-Pk"]).arg(directory).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let kilobytes: u64 = text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    Some(kilobytes * 1024)
}

fn print(findings: &[Finding], arguments: &Arguments) -> anyhow::Result<()> {
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(findings)?);
        return Ok(());
    }
    for finding in findings {
        let mark = match finding.verdict {
            Verdict::Ok => "ok     ",
            Verdict::Warning => "warning",
            Verdict::Error => "ERROR  ",
        };
        println!("{mark}  {:<20} {}", finding.what, finding.detail);
    }
    Ok(())
}
