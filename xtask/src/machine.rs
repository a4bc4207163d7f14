//! What the machine has to have, and installing it where that is possible.

use std::path::Path;

use anyhow::bail;

use crate::run::{is_installed, output, run};

/// Something the tests or the demo use that is not a Rust crate or npm package.
pub struct Requirement {
    /// What people call it.
    pub name: &'static str,
    /// Debian packages that bring it.
    pub packages: &'static [&'static str],
    /// What cannot be done without it.
    pub needed_for: &'static str,
    present: fn() -> bool,
}

/// The browser of the end-to-end tests, with fonts so that screenshots can be read.
pub const CHROMIUM: Requirement = Requirement {
    name: "Chromium",
    packages: &["chromium", "fonts-dejavu-core", "fonts-noto-color-emoji"],
    needed_for: "the end-to-end tests",
    present: || is_installed("chromium") && has_font("DejaVu") && has_font("Emoji"),
};

/// The second database engine.
pub const POSTGRES: Requirement = Requirement {
    name: "PostgreSQL",
    packages: &["postgresql"],
    needed_for: "the tests on PostgreSQL",
    present: || is_installed("initdb") || installed_versions(Path::new("/usr/lib/postgresql")),
};

/// The virus checker, without a database of signatures: the tests bring one of their own.
pub const CLAMAV: Requirement = Requirement {
    name: "ClamAV's daemon",
    packages: &["clamav-daemon"],
    needed_for: "the tests with a real virus checker",
    present: || is_installed("clamd") || Path::new("/usr/sbin/clamd").exists(),
};

/// What runs the WhatsApp library for Python of the end-to-end tests.
pub const PYTHON: Requirement = Requirement {
    name: "Python 3.10 or newer with venv",
    packages: &["python3", "python3-venv"],
    needed_for: "the end-to-end test of a WhatsApp library for Python",
    present: || {
        let needs = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))";
        output("python3", &["-c", needs]).is_some()
    },
};

impl Requirement {
    /// Whether the machine has it.
    pub fn is_present(&self) -> bool {
        (self.present)()
    }
}

fn installed_versions(directory: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(directory) else { return false };
    entries.flatten().any(|entry| entry.path().join("bin/initdb").is_file())
}

fn has_font(word: &str) -> bool {
    output("fc-list", &[]).is_some_and(|fonts| fonts.contains(word))
}

/// Makes sure that everything is there: installs it as root on Debian and says so; elsewhere it names the command and
/// what is skipped. Gives what is missing.
///
/// # Errors
/// When an installation fails, or something is missing in CI, where a skipped test is a failure.
pub fn ensure(requirements: &[&'static Requirement]) -> anyhow::Result<Vec<&'static Requirement>> {
    let missing = missing_of(requirements);
    if missing.is_empty() {
        return Ok(missing);
    }
    let packages: Vec<&str> = missing.iter().flat_map(|requirement| requirement.packages).copied().collect();
    if is_installed("apt-get") && is_root() {
        for requirement in &missing {
            println!("{} is missing; it is installed for {}.", requirement.name, requirement.needed_for);
        }
        run(".", "apt-get", &["update", "-qq"])?;
        let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
        arguments.extend(&packages);
        run(".", "env", &[&["DEBIAN_FRONTEND=noninteractive", "apt-get"], arguments.as_slice()].concat())?;
        let still = missing_of(requirements);
        if !still.is_empty() {
            bail!("{} could not be installed.", names(&still));
        }
        return Ok(still);
    }
    for requirement in &missing {
        println!("SKIPPED: {}, because {} is missing.", requirement.needed_for, requirement.name);
    }
    println!(
        "On Debian or Ubuntu it is installed by:\n  sudo apt-get install --no-install-recommends {}",
        packages.join(" ")
    );
    if in_ci() {
        bail!("{} is missing, and in CI a skipped test is a failure.", names(&missing));
    }
    Ok(missing)
}

fn missing_of(requirements: &[&'static Requirement]) -> Vec<&'static Requirement> {
    requirements.iter().copied().filter(|requirement| !requirement.is_present()).collect()
}

fn names(requirements: &[&Requirement]) -> String {
    requirements.iter().map(|requirement| requirement.name).collect::<Vec<_>>().join(" and ")
}

fn is_root() -> bool {
    output("id", &["-u"]).as_deref() == Some("0")
}

/// Whether this is a run of the gate.
pub fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !value.is_empty() && value != "false")
}

/// Checks that Node can build the console.
///
/// # Errors
/// Says what is missing and the ways on.
pub fn check_node() -> anyhow::Result<()> {
    const WAYS_ON: &str = "The console is built with Node.js 20.19 or newer and npm. Install them from nodejs.org or your \
                           distribution, then run the command again.";
    let Some(version) = output("node", &["--version"]) else { bail!("Node.js is not installed. {WAYS_ON}") };
    let mut numbers = version.trim_start_matches('v').split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let (major, minor) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if (major, minor) < (20, 19) {
        bail!("Node.js {version} is too old. {WAYS_ON}");
    }
    if !is_installed("npm") {
        bail!("npm is not installed. {WAYS_ON}");
    }
    Ok(())
}
