//! The suites, in the order in which they run.

mod kill;

use anyhow::bail;

use crate::lab::Lab;

/// Names of all suites.
pub const NAMES: &[&str] = &["kill"];

/// Runs the named suites, or all.
///
/// # Errors
/// When a name is not known, or a suite could not be carried out; a promise that did not hold is in its line instead.
pub async fn run(lab: &Lab, names: &[String]) -> anyhow::Result<()> {
    if let Some(unknown) = names.iter().find(|name| !NAMES.contains(&name.as_str())) {
        bail!("There is no suite '{unknown}'. Known are {}.", NAMES.join(", "));
    }
    for name in NAMES.iter().filter(|name| names.is_empty() || names.iter().any(|wanted| wanted == *name)) {
        match *name {
            "kill" => kill::run(lab).await?,
            _ => unreachable!("every name has its suite"),
        }
    }
    Ok(())
}
