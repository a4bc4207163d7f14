//! `cargo xtask test`: every check of the repository, in the order in which failures are cheapest to find.

use std::time::{Duration, Instant};

use anyhow::bail;

use crate::{
    chaos,
    machine::{CHROMIUM, CLAMAV, POSTGRES, PYTHON, Requirement, ensure, in_ci},
    python,
    run::{is_installed, run},
    web,
};

/// One group of checks.
type Group = fn() -> anyhow::Result<()>;

/// The groups of checks, in order.
const GROUPS: &[(&str, Group)] =
    &[("lint", lint), ("web", web_checks), ("rust", rust), ("e2e", end_to_end), ("chaos", small_chaos)];

/// Runs the named groups, or all; every group runs even when an earlier one failed.
///
/// # Errors
/// When a group fails or has an unknown name.
pub fn test(words: &[&str]) -> anyhow::Result<()> {
    if let Some(unknown) = words.iter().find(|word| GROUPS.iter().all(|(name, _)| name != *word)) {
        bail!("There is no group of tests '{unknown}'. Known are lint, web, rust, e2e and chaos.");
    }
    let chosen = GROUPS.iter().filter(|(name, _)| words.is_empty() || words.contains(name));
    let missing = ensure(&[&POSTGRES, &CHROMIUM, &PYTHON, &CLAMAV])?;
    let mut results: Vec<(&str, Duration, Option<anyhow::Error>)> = Vec::new();
    for (name, group) in chosen {
        println!("\n=== {name} ===");
        let started = Instant::now();
        let failure = group().err();
        if let Some(error) = &failure {
            println!("\nFAILED {name}: {error:#}");
        }
        results.push((name, started.elapsed(), failure));
    }
    report(&results, &missing)
}

fn report(results: &[(&str, Duration, Option<anyhow::Error>)], missing: &[&Requirement]) -> anyhow::Result<()> {
    println!();
    for (name, took, failure) in results {
        let verdict = if failure.is_some() { "FAILED" } else { "passed" };
        println!("{name:<6} {verdict}  {:>4} s", took.as_secs());
    }
    for requirement in missing {
        println!("SKIPPED: {} ({} is missing)", requirement.needed_for, requirement.name);
    }
    let total: Duration = results.iter().map(|(_, took, _)| *took).sum();
    let failed = results.iter().filter(|(_, _, failure)| failure.is_some()).count();
    println!("total          {:>4} s", total.as_secs());
    println!("{} passed, {failed} failed", results.len() - failed);
    if failed > 0 {
        bail!("{failed} of {} groups of tests failed", results.len());
    }
    Ok(())
}

fn lint() -> anyhow::Result<()> {
    run(".", "cargo", &["fmt", "--all", "--check"])?;
    run(".", "cargo", &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])
}

/// Types, style, unit tests and build of the console, and that its types are those of the API.
fn web_checks() -> anyhow::Result<()> {
    web::install("web")?;
    run("web", "npm", &["run", "--silent", "generate"])?;
    run(".", "git", &["diff", "--exit-code", "--stat", "--", "web/src/api/schema.d.ts"])?;
    run("web", "npm", &["run", "--silent", "typecheck"])?;
    run("web", "npm", &["run", "--silent", "lint"])?;
    run("web", "npm", &["run", "--silent", "test"])?;
    web::build()
}

/// All Rust tests, the comparison of `web/openapi.json` with the code included.
fn rust() -> anyhow::Result<()> {
    let arguments: &[&str] = if is_installed("cargo-nextest") {
        &["nextest", "run", "--workspace", "--no-fail-fast"]
    } else {
        // All tests of a crate share one process then; two at a time leave each of them enough of the machine.
        &["test", "--workspace", "--no-fail-fast", "--quiet", "--", "--test-threads=2"]
    };
    run(".", "cargo", arguments)?;
    run(".", "cargo", &["test", "--workspace", "--doc", "--quiet"])
}

/// The golden path in a browser, against the real binary, on both engines; and public client libraries against it.
fn end_to_end() -> anyhow::Result<()> {
    if !is_installed("chromium") && !in_ci() {
        println!("SKIPPED: the end-to-end tests, because Chromium is missing.");
        return Ok(());
    }
    web::build()?;
    web::install("e2e")?;
    python::install()?;
    chaos::build()?;
    run("e2e", "npm", &["test", "--silent"])
}

/// The crash suites in their small sizes, against the same binary.
fn small_chaos() -> anyhow::Result<()> {
    chaos::chaos(&[])
}
