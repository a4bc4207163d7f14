//! `cargo xtask demo`: build everything, then hand over to `segue demo`.

use crate::{
    run::{command, run_command},
    web,
};

/// Builds the console and the product, then starts the demo in the foreground. Further words go to `segue demo`.
///
/// The development profile is used, since it builds in half the time; `--release` builds as for a real server.
///
/// # Errors
/// When something cannot be built, or the demo fails.
pub fn demo(words: &[&str]) -> anyhow::Result<()> {
    println!("Building the console and the product. The first time takes some minutes; see the README.");
    web::build()?;
    let (release, rest): (Vec<&str>, Vec<&str>) = words.iter().partition(|word| **word == "--release");
    let mut arguments = vec!["run", "--package", "segue", "--bin", "segue"];
    arguments.extend(release);
    arguments.extend(["--", "demo"]);
    arguments.extend(rest);
    run_command(command(".", "cargo", &arguments).env("CONSOLE_REQUIRED", "1"))
}
