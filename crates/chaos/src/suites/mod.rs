//! The suites, in the order in which they run.

mod carriers;
mod clock;
mod disk;
mod keyed;
mod kill;
mod stop;
mod webhooks;

use anyhow::bail;

use crate::lab::Lab;

/// Names of all suites.
pub const NAMES: &[&str] = &["kill", "keyed", "stop", "clock", "disk", "carriers", "webhooks"];

/// Runs the named suites, or all.
///
/// # Errors
/// When a name is not known, or a suite could not be carried out; a promise that did not hold is in its line instead.
pub async fn run(lab: &Lab, names: &[String]) -> anyhow::Result<()> {
    if let Some(unknown) = names.iter().find(|name| !NAMES.contains(&name.as_str())) {
        bail!("There is no suite '{unknown}'. Known are {}.", NAMES.join(", "));
    }
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    // Those that load the machine run one after the other; beside them the ones that mostly wait.
    let busy = async {
        if wanted("kill") {
            kill::run(lab).await?;
        }
        if wanted("keyed") {
            keyed::run(lab).await?;
        }
        if wanted("stop") {
            stop::run(lab).await?;
        }
        if wanted("webhooks") {
            webhooks::run(lab).await?;
        }
        Ok(())
    };
    let clock = async { if wanted("clock") { clock::run(lab).await } else { Ok(()) } };
    let disk = async { if wanted("disk") { disk::run(lab).await } else { Ok(()) } };
    let carriers = async { if wanted("carriers") { carriers::run(lab).await } else { Ok(()) } };
    futures::future::try_join4(busy, clock, disk, carriers).await.map(drop)
}
