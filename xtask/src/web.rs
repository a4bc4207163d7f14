//! The console: installing its packages and building it, each only when its input has changed.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

use crate::{
    machine::check_node,
    run::{command, root, run, run_command},
};

/// Installs the packages of `directory` (`web` or `e2e`) when its lock file has changed.
///
/// # Errors
/// When npm fails.
pub fn install(directory: &str) -> anyhow::Result<()> {
    check_node()?;
    let folder = root().join(directory);
    let stamp = folder.join("node_modules/.segue-installed");
    let wanted = fingerprint(&[folder.join("package-lock.json"), folder.join("package.json")])?;
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    run(directory, "npm", &["ci", "--no-audit", "--no-fund", "--loglevel=error"])?;
    std::fs::write(&stamp, wanted).context("cannot note that the packages are installed")
}

/// Builds the console into `web/dist` when something of it has changed.
///
/// # Errors
/// When the build fails.
pub fn build() -> anyhow::Result<()> {
    install("web")?;
    let web = root().join("web");
    let stamp = web.join("dist/.segue-built");
    let inputs: Vec<PathBuf> = ["src", "public", "index.html", "package-lock.json", "vite.config.ts", "tsconfig.json"]
        .iter()
        .map(|name| web.join(name))
        .collect();
    let wanted = fingerprint(&inputs)?;
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    run("web", "npm", &["run", "--silent", "build"])?;
    if !web.join("dist/index.html").is_file() {
        bail!("The build of the console left no web/dist/index.html.");
    }
    std::fs::write(&stamp, wanted).context("cannot note that the console is built")
}

/// Writes `web/openapi.json` from the Rust code and the console's types from it.
///
/// # Errors
/// When a step fails.
pub fn write_openapi() -> anyhow::Result<()> {
    run_command(command(".", "cargo", &["test", "--package", "segue-api", "openapi"]).env("UPDATE_OPENAPI", "1"))?;
    install("web")?;
    run("web", "npm", &["run", "--silent", "generate"])
}

/// A text that changes when a file below `paths` does.
///
/// # Errors
/// When a file cannot be read.
pub fn fingerprint(paths: &[PathBuf]) -> anyhow::Result<String> {
    let mut files = Vec::new();
    for path in paths {
        collect(path, &mut files)?;
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in &files {
        file.strip_prefix(root()).unwrap_or(file).hash(&mut hasher);
        std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else if path.is_file() {
        files.push(path.to_path_buf());
    }
    Ok(())
}
