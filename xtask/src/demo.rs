//! `cargo xtask demo`: build everything, then hand over to `segue demo`.

use crate::{
    run::{command, run_command},
    web,
};

/// Builds the console and the product, then starts the demo in the foreground. Further words go to `segue demo`.
///
/// # Errors
/// When something cannot be built, or the demo fails.
pub fn demo(words: &[&str]) -> anyhow::Result<()> {
    println!("Building the console and the product. The first time takes some minutes; see the README.");
    web::build()?;
    let mut arguments = vec!["run", "--release", "--package", "segue", "--", "demo"];
    arguments.extend(words);
    run_command(command(".", "cargo", &arguments).env("CONSOLE_REQUIRED", "1"))
}
