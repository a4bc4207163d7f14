//! `kill -9` with a provider that honours a key.
//!
//! Promise (effectively once): nobody is lost, nobody gets it twice, and nobody is unknown. What was being sent when the
//! server died is sent again under its key, and the provider sends it once.
//!
//! Before each kill the provider takes some messages and keeps its answers to itself, so that the kill finds messages of
//! which nobody on this side can know. The control is the same provider breaking its word.

use std::time::Duration;

use rand::RngExt as _;
use segue_sandbox::SandboxConfig;
use serde_json::json;

use crate::{
    campaign,
    carrier::Carrier,
    engine::Engine,
    lab::Lab,
    line::{Begun, Line},
    product::{Kind, Product, Setup},
};

const CONTROL: &str = "the provider says that it honours the key, and does not";
/// How many answers the provider keeps to itself before each kill.
const KEPT: u32 = 8;

/// How much is sent and killed.
#[derive(Debug, Clone, Copy)]
struct Plan {
    recipients: usize,
    kills: usize,
    per_second: u32,
}

/// Runs it on each engine, and its control on one.
///
/// # Errors
/// When a run could not be carried out.
pub async fn run(lab: &Lab) -> anyhow::Result<()> {
    let plan = lab.size.pick(
        Plan { recipients: 400, kills: 6, per_second: 200 },
        Plan { recipients: 5_000, kills: 20, per_second: 400 },
    );
    for engine in lab.engines().await? {
        lab.record(&once(lab, &engine, plan, None).await?)?;
    }
    let plan = Plan { recipients: 150, kills: 2, per_second: 200 };
    lab.record(&once(lab, &Engine::Sqlite, plan, Some(CONTROL)).await?)
}

async fn once(lab: &Lab, engine: &Engine, plan: Plan, control: Option<&str>) -> anyhow::Result<Line> {
    let begun = Begun::new(lab, "keyed", engine);
    let (directory, mut chance) = (tempfile::tempdir()?, lab.chance("keyed"));
    let carrier = Carrier::start(SandboxConfig::default()).await?;
    let setup = Setup { per_second: plan.per_second, carrier: Kind::Keyed, ..Setup::default() };
    let audience = campaign::audience(plan.recipients);
    let mut product = Product::new(lab, engine, &directory.path().join("data"), Vec::new(), &carrier).await?;
    product.set_up(&carrier, &setup, &campaign::csv(&audience)).await?;
    let honours = control.is_none();
    carrier.set_faults(&json!({ "twilio_honours_key": honours })).await?;
    product.start().await?;
    let id = campaign::start(product.api()).await?;

    let mut points: Vec<usize> = (0..plan.kills).map(|_| chance.random_range(1..plan.recipients * 4 / 5)).collect();
    points.sort_unstable();
    for point in points {
        campaign::wait_until_accepted(&carrier, point).await?;
        carrier.set_faults(&json!({ "twilio_honours_key": honours, "twilio_hang_after_accept": KEPT })).await?;
        tokio::time::sleep(Duration::from_millis(chance.random_range(50..200))).await;
        product.kill()?;
        carrier.set_faults(&json!({ "twilio_honours_key": honours })).await?;
        product.start().await?;
    }

    let patience = Duration::from_secs(120 + u64::try_from(plan.recipients / 20)?);
    let unknown = campaign::wait_until_sent(product.api(), &id, plan.recipients, patience).await?;
    let patience = Duration::from_secs(if control.is_some() { 5 } else { 120 });
    let balance = campaign::wait_for_balance(product.api(), &carrier, &id, &audience, patience).await?;

    let mut line = begun.line(&balance);
    line.kills = plan.kills;
    line.bound = Some(0);
    line.unknown = unknown;
    line.resolved = unknown.saturating_sub(balance.unknown);
    line.passed = match control {
        Some(_) => balance.doubled > 0,
        None => balance.is_exact() && unknown == 0 && balance.delivered == plan.recipients,
    };
    line.control = control.map(str::to_owned);
    drop(product);
    carrier.shutdown().await;
    Ok(line)
}
