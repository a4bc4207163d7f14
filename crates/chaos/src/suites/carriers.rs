//! Carriers that misbehave, each for a while in the middle of a campaign.
//!
//! Promise: the books are exact in the end. Nobody is lost or doubled, nobody is left as unknown who has it, and what
//! the receipts said is what is shown.

use std::time::Duration;

use segue_sandbox::SandboxConfig;
use serde_json::{Value, json};

use crate::{
    campaign,
    carrier::Carrier,
    engine::Engine,
    lab::Lab,
    line::{Begun, Line},
    product::{Product, Setup},
};

/// A carrier and what must become of its messages.
struct Case {
    name: &'static str,
    faults: fn() -> Value,
    /// Whether the product can know the end of every message.
    ends: Ends,
}

/// What the ends of the messages are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// All are delivered.
    Delivered,
    /// The connection is cut at every so-many-th message. All are delivered but those that were on their way at a cut and
    /// that the carrier never got, which nobody here can know.
    InDoubt(usize),
    /// So many fail, by their receipts; the others are delivered.
    Failed(usize),
}

/// Most submits without an answer.
const WINDOW: usize = 10;
/// Command statuses (SMPP 3.4, 5.1.3).
const THROTTLED: u32 = 0x58;
const QUEUE_FULL: u32 = 0x14;

const CASES: &[Case] = &[
    Case {
        name: "throttling",
        faults: || json!({ "smpp_status": { "code": THROTTLED, "times": 40 } }),
        ends: Ends::Delivered,
    },
    Case {
        name: "queue full",
        faults: || json!({ "smpp_status": { "code": QUEUE_FULL, "times": 15 } }),
        ends: Ends::Delivered,
    },
    Case {
        name: "silent: accepts and does not answer",
        faults: || json!({ "smpp_swallow_responses": 8 }),
        ends: Ends::Delivered,
    },
    Case {
        name: "early receipts, before the answer",
        faults: || json!({ "smpp_receipt_before_response": true, "smpp_response_delay_ms": 30 }),
        ends: Ends::Delivered,
    },
    Case {
        name: "cut: accepts and breaks the connection",
        faults: || json!({ "carrier": { "cut_every": 30 } }),
        ends: Ends::InDoubt(30),
    },
    Case {
        name: "receipts three times",
        faults: || json!({ "carrier": { "duplicate_receipts": 2 } }),
        ends: Ends::Delivered,
    },
    Case {
        name: "answers and receipts out of order",
        faults: || json!({ "smpp_response_delay_ms": 20, "carrier": { "shuffle": true, "shuffle_receipts": true } }),
        ends: Ends::Delivered,
    },
    Case {
        name: "ids in hexadecimal in the answer, in decimal in the receipt",
        faults: || json!({ "carrier": { "hex_answers": true } }),
        ends: Ends::Delivered,
    },
    Case {
        name: "late receipts, most after the campaign",
        faults: || json!({ "receipt_delay_ms": 3_000 }),
        ends: Ends::Delivered,
    },
    Case {
        name: "some undeliverable",
        faults: || json!({ "receipt_state": { "state": "UNDELIV", "times": 20 } }),
        ends: Ends::Failed(20),
    },
];

const CONTROL: Case = Case {
    name: "silent: accepts and does not answer",
    faults: || json!({ "smpp_swallow_responses": 8, "receipts": "none" }),
    ends: Ends::Delivered,
};

/// Runs every case, and the control.
///
/// # Errors
/// When a run could not be carried out.
pub async fn run(lab: &Lab) -> anyhow::Result<()> {
    let recipients = lab.size.pick(150, 2_000);
    for engine in lab.engines().await? {
        // All side by side: most of the time each waits for an answer that does not come.
        let runs = CASES.iter().map(|case| once(lab, &engine, case, recipients, None));
        for line in futures::future::try_join_all(runs).await? {
            lab.record(&line)?;
        }
    }
    let control = "the receipts of that while never come";
    lab.record(&once(lab, &Engine::Sqlite, &CONTROL, 60, Some(control)).await?)
}

async fn once(
    lab: &Lab,
    engine: &Engine,
    case: &Case,
    recipients: usize,
    control: Option<&str>,
) -> anyhow::Result<Line> {
    let begun = Begun::new(lab, "carriers", engine);
    let directory = tempfile::tempdir()?;
    let carrier = Carrier::start(SandboxConfig::default()).await?;
    let audience = campaign::audience(recipients);
    let mut product = Product::new(lab, engine, &directory.path().join("data"), Vec::new(), &carrier).await?;
    product.set_up(&carrier, &Setup { window: WINDOW, ..Setup::default() }, &campaign::csv(&audience)).await?;
    product.start().await?;
    let id = campaign::start(product.api()).await?;
    campaign::wait_until_accepted(&carrier, recipients / 5).await?;
    carrier.set_faults(&(case.faults)()).await?;
    let unknown = campaign::wait_until_sent(product.api(), &id, recipients, Duration::from_secs(240)).await?;
    let patience = Duration::from_secs(if control.is_some() { 5 } else { 60 });
    let balance = campaign::wait_for_balance(product.api(), &carrier, &id, &audience, patience).await?;

    let mut line = begun.line(&balance);
    line.case = Some(case.name.to_owned());
    line.unknown = unknown;
    line.resolved = unknown.saturating_sub(balance.unknown);
    let (failed, in_doubt) = match case.ends {
        Ends::Delivered => (0, 0),
        Ends::InDoubt(every) => (0, WINDOW * recipients.div_ceil(every)),
        Ends::Failed(failed) => (failed, 0),
    };
    line.bound = (in_doubt > 0).then_some(in_doubt);
    let exact = balance.is_exact()
        && balance.failed == failed
        && balance.unknown <= in_doubt
        && balance.delivered == recipients - failed - balance.unknown;
    line.passed = exact == control.is_none();
    line.control = control.map(str::to_owned);
    drop(product);
    carrier.shutdown().await;
    Ok(line)
}
