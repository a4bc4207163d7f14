//! `cargo xtask chaos`: breaks the product on purpose and counts what became of every message.

use crate::run::{command, root, run, run_command};

/// The packages whose programs the suites and the end-to-end tests run; one list, so that both use the same build.
const PROGRAMS: &[&str] = &["--package", "segue", "--package", "segue-testkit", "--package", "segue-chaos", "--bins"];

/// Where results are kept.
const LINES: &str = "docs/reliability.jsonl";

/// Runs suites, or writes the page about them.
///
/// # Errors
/// When a promise did not hold or a control was not noticed.
pub fn chaos(words: &[&str]) -> anyhow::Result<()> {
    build()?;
    let program = "target/debug/segue-chaos";
    if words == ["--report"] {
        return run(".", program, &["report"]);
    }
    let keep = words.contains(&"--keep");
    let mut arguments: Vec<&str> = words.iter().copied().filter(|word| *word != "--keep").collect();
    arguments.insert(0, "run");
    if keep {
        arguments.extend(["--out", LINES]);
    }
    run(".", program, &arguments)?;
    if keep { run(".", program, &["report"]) } else { Ok(()) }
}

/// Builds the programs, with the console in them when it is built. Asking for it always the same way keeps a later call
/// from building them again.
///
/// # Errors
/// When the build fails.
pub fn build() -> anyhow::Result<()> {
    let mut cargo = command(".", "cargo", &[&["build"], PROGRAMS].concat());
    if root().join("web/dist/index.html").is_file() {
        cargo.env("CONSOLE_REQUIRED", "1");
    }
    run_command(&mut cargo)
}
