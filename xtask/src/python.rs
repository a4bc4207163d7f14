//! The Python of the end-to-end tests: a virtual environment of its own with pinned packages.

use anyhow::Context;

use crate::{
    machine::PYTHON,
    run::{output, root, run},
    web::fingerprint,
};

/// Makes `e2e/.venv` with the packages of `e2e/requirements.txt`, when they or the machine's Python have changed. Without Python it
/// leaves nothing there, and the test that needs it says that it is skipped.
///
/// # Errors
/// When the environment cannot be made, or a package has another hash than the pinned one.
pub fn install() -> anyhow::Result<()> {
    let folder = root().join("e2e/.venv");
    if !PYTHON.is_present() {
        return match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).context("cannot remove e2e/.venv"),
            _ => Ok(()),
        };
    }
    let stamp = folder.join(".segue-installed");
    let version = output("python3", &["--version"]).unwrap_or_default();
    let wanted = format!("{version} {}", fingerprint(&[root().join("e2e/requirements.txt")])?);
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    run("e2e", "python3", &["-m", "venv", "--clear", ".venv"])?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"];
    let packages = ["--only-binary", ":all:", "--requirement", "requirements.txt"];
    let python = folder.join("bin/python");
    run("e2e", &python.to_string_lossy(), &[&pip[..], &packages[..]].concat())?;
    std::fs::write(&stamp, wanted).context("cannot note that the Python packages are installed")
}
