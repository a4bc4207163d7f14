//! `kill -9` of the only server at random points of a campaign.
//!
//! Promise (at most once): nobody is lost, nobody gets it twice; whoever may have got it when the server died is shown
//! as unknown, at most a window of them per kill; a receipt makes certain whoever did get it.
//!
//! Kills come at random counts of sent messages, two of them early, so that planning, sending, recovery after the kill
//! before, and the work on receipts are all hit. In every second round what is on its way has reached the carrier and
//! its receipts are withheld, so that there is something to resolve in the end.

use std::time::Duration;

use rand::{RngExt as _, rngs::StdRng};
use serde_json::json;

use crate::{
    campaign,
    carrier::Carrier,
    engine::Engine,
    lab::Lab,
    line::{Begun, Line},
    product::{Product, Setup},
};
use segue_sandbox::SandboxConfig;

/// Longer than any run takes.
const WITHHELD_MS: i64 = 24 * 3_600_000;

/// What a control does between a kill and the restart.
#[derive(Debug, Clone, Copy)]
struct Control {
    name: &'static str,
    sql: &'static str,
    /// Where what is on its way is at each kill.
    on_its_way: OnItsWay,
    /// Whether the check noticed.
    noticed: fn(&Line) -> bool,
}

const CONTROLS: &[Control] = &[
    Control {
        name: "what was being sent is sent again after the restart",
        sql: "UPDATE outbox SET state = 'queued', lease_owner = NULL, lease_until = NULL,
            lease_epoch = lease_epoch + 1 WHERE state = 'submitting'",
        on_its_way: OnItsWay::Sent,
        noticed: |line| line.doubled > 0,
    },
    Control {
        name: "what was being sent is taken for sent after the restart",
        sql: "UPDATE outbox SET state = 'accepted', accepted_at = submitted_at, lease_owner = NULL,
            lease_until = NULL, lease_epoch = lease_epoch + 1 WHERE state = 'submitting'",
        on_its_way: OnItsWay::NotSent,
        noticed: |line| line.lost > 0,
    },
];

/// What the carrier does in the while before its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OnItsWay {
    /// It accepts at the end: what is on its way was not sent. Receipts come at once.
    NotSent,
    /// It accepts at once: what is on its way was sent. Receipts are withheld.
    Sent,
}

/// How much is sent and killed.
#[derive(Debug, Clone, Copy)]
struct Plan {
    recipients: usize,
    kills: usize,
    per_second: u32,
}

/// Runs it on each engine, and its controls on one.
///
/// # Errors
/// When a run could not be carried out.
pub async fn run(lab: &Lab) -> anyhow::Result<()> {
    let plan = lab.size.pick(
        Plan { recipients: 1_200, kills: 20, per_second: 300 },
        Plan { recipients: 20_000, kills: 20, per_second: 2_000 },
    );
    for engine in lab.engines().await? {
        lab.record(&once(lab, &engine, plan, None).await?)?;
    }
    for control in CONTROLS {
        let plan = Plan { recipients: 200, kills: 4, per_second: 300 };
        lab.record(&once(lab, &Engine::Sqlite, plan, Some(control)).await?)?;
    }
    Ok(())
}

async fn once(lab: &Lab, engine: &Engine, plan: Plan, control: Option<&Control>) -> anyhow::Result<Line> {
    let begun = Begun::new(lab, "kill", engine);
    let (directory, mut chance) = (tempfile::tempdir()?, lab.chance("kill"));
    let carrier = Carrier::start(SandboxConfig::default()).await?;
    let setup = Setup { per_second: plan.per_second, ..Setup::default() };
    let audience = campaign::audience(plan.recipients);
    let mut product = Product::new(lab, engine, &directory.path().join("data"), Vec::new(), &carrier).await?;
    product.set_up(&carrier, &setup, &campaign::csv(&audience)).await?;
    carrier.set_faults(&faults(control.map_or(OnItsWay::NotSent, |control| control.on_its_way))).await?;
    product.start().await?;
    let id = campaign::start(product.api()).await?;

    for (round, point) in points(plan, control, &mut chance).iter().enumerate() {
        campaign::wait_until_accepted(&carrier, *point).await?;
        tokio::time::sleep(Duration::from_millis(chance.random_range(0..40))).await;
        product.kill()?;
        if let Some(control) = control {
            product.tamper(control.sql).await?;
        }
        let next = if round.is_multiple_of(2) { OnItsWay::Sent } else { OnItsWay::NotSent };
        carrier.set_faults(&faults(control.map_or(next, |control| control.on_its_way))).await?;
        product.start().await?;
    }

    let patience = Duration::from_secs(120 + u64::try_from(plan.recipients / 50)?);
    let unknown = campaign::wait_until_sent(product.api(), &id, plan.recipients, patience).await?;
    carrier.set_faults(&json!({})).await?;
    carrier.move_clock(&json!({ "advance_ms": 2 * WITHHELD_MS })).await?;
    let patience = if control.is_some() { Duration::from_secs(4) } else { Duration::from_secs(60) };
    let balance = campaign::wait_for_balance(product.api(), &carrier, &id, &audience, patience).await?;

    let bound = setup.window * plan.kills;
    let mut line = begun.line(&balance);
    line.kills = plan.kills;
    line.bound = Some(bound);
    line.unknown = unknown;
    line.resolved = unknown.saturating_sub(balance.unknown);
    line.passed = match control {
        Some(control) => (control.noticed)(&line),
        None => balance.is_exact() && balance.settled() == audience.len() && line.unknown <= bound,
    };
    line.control = control.map(|control| control.name.to_owned());
    drop(product);
    carrier.shutdown().await;
    Ok(line)
}

/// The counts of sent messages at which the server is killed: two of them early, the others at random. Of a control they
/// are spread evenly, so that each finds messages on their way.
fn points(plan: Plan, control: Option<&Control>, chance: &mut StdRng) -> Vec<usize> {
    if control.is_some() {
        return (1..=plan.kills).map(|kill| kill * plan.recipients / (plan.kills + 1)).collect();
    }
    let mut points: Vec<usize> = (2..plan.kills).map(|_| chance.random_range(0..plan.recipients * 9 / 10)).collect();
    points.extend([0, 1]);
    points.sort_unstable();
    points
}

fn faults(on_its_way: OnItsWay) -> serde_json::Value {
    let sent = on_its_way == OnItsWay::Sent;
    json!({
        "smpp_response_delay_ms": 25,
        "smpp_receipt_before_response": sent,
        "receipt_delay_ms": if sent { WITHHELD_MS } else { 0 },
    })
}
