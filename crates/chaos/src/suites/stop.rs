//! A storm of STOPs in a running campaign.
//!
//! Promise: no message of a campaign begins to leave for a number after that number's STOP has been recorded.
//!
//! The STOPs come from the numbers whose turn is next, so that many of them race with their own message. Two clocks judge:
//! - the carrier's ledger: the confirmation of a STOP is queued in the transaction that records it, so no message of the
//!   campaign may follow the confirmation of its own number;
//! - the API: no message has a moment of submission later than the recording of its STOP. Both moments are taken under
//!   the lock that orders the two transactions.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use rand::RngExt as _;
use segue_sandbox::SandboxConfig;

use crate::{
    api::Api,
    campaign::{self, TEXT},
    carrier::Carrier,
    engine::Engine,
    lab::Lab,
    line::{Begun, Line},
    product::{Product, SENDER, Setup},
};

const CONTROL: &str = "a STOP is recorded, but neither cancels what waits nor counts at the last look";
/// Takes back what a STOP changes, in its own transaction.
const FORGET: &str = "
    CREATE TRIGGER forget_consent AFTER UPDATE OF state ON consents WHEN OLD.state = 'granted' BEGIN
        UPDATE consents SET state = 'granted'
            WHERE workspace_id = NEW.workspace_id AND address = NEW.address AND state <> 'granted';
    END;
    CREATE TRIGGER forget_cancel AFTER UPDATE OF state ON outbox
        WHEN NEW.state = 'canceled' AND OLD.state IN ('queued', 'claimed') BEGIN
        UPDATE outbox SET state = 'queued', rule = NULL, lease_owner = NULL, lease_until = NULL WHERE id = NEW.id;
    END;";

/// How far behind and ahead of the campaign's head the STOPs come from.
const RACE: std::ops::Range<usize> = 0..120;

/// How many are texted and how many of them say STOP.
#[derive(Debug, Clone, Copy)]
struct Plan {
    recipients: usize,
    stops: usize,
    per_second: u32,
    /// Most milliseconds from the text to its effect, for 99 of 100.
    effective_ms: i64,
}

/// What was seen of one number that said STOP.
#[derive(Debug, Clone, Copy, Default)]
struct Stop {
    written_at: i64,
    /// Place in the ledger of the campaign's message and of the confirmation.
    message: Option<u64>,
    confirmation: Option<u64>,
    confirmations: usize,
}

/// Runs it on each engine, and its control on one.
///
/// # Errors
/// When a run could not be carried out.
pub async fn run(lab: &Lab) -> anyhow::Result<()> {
    let plan = lab.size.pick(
        Plan { recipients: 900, stops: 200, per_second: 150, effective_ms: 5_000 },
        Plan { recipients: 20_000, stops: 4_000, per_second: 300, effective_ms: 1_000 },
    );
    for engine in lab.engines().await? {
        lab.record(&once(lab, &engine, plan, None).await?)?;
    }
    let plan = Plan { recipients: 400, stops: 100, per_second: 150, effective_ms: 5_000 };
    lab.record(&once(lab, &Engine::Sqlite, plan, Some(CONTROL)).await?)
}

async fn once(lab: &Lab, engine: &Engine, plan: Plan, control: Option<&str>) -> anyhow::Result<Line> {
    let begun = Begun::new(lab, "stop", engine);
    let directory = tempfile::tempdir()?;
    let carrier = Carrier::start(SandboxConfig::default()).await?;
    let setup = Setup { per_second: plan.per_second, ..Setup::default() };
    let audience = campaign::audience(plan.recipients);
    let mut product = Product::new(lab, engine, &directory.path().join("data"), Vec::new(), &carrier).await?;
    product.set_up(&carrier, &setup, &campaign::csv(&audience)).await?;
    if control.is_some() {
        product.tamper(FORGET).await?;
    }
    product.start().await?;
    let id = campaign::start(product.api()).await?;
    let said = storm(lab, &carrier, &audience, plan.stops).await?;

    let patience = Duration::from_secs(60 + u64::try_from(plan.recipients)? / u64::from(plan.per_second) * 3);
    campaign::wait_until_sent(product.api(), &id, plan.recipients, patience).await?;
    wait_for_confirmations(&carrier, said.len()).await?;
    let balance = campaign::wait_for_balance(product.api(), &carrier, &id, &audience, Duration::from_secs(30)).await?;
    let stops = read_ledger(&carrier, &said).await?;
    let recorded = Recorded::read(product.api(), &id, &stops).await?;

    let after_confirmation = stops.values().filter(|stop| stop.is_followed_by_its_message()).count();
    let confirmed_once = stops.values().filter(|stop| stop.confirmations == 1).count();
    let p99 = recorded.p99_ms();
    let mut line = begun
        .line(&balance)
        .with("stops", stops.len())
        .with("confirmed_once", confirmed_once)
        .with("spared", balance.spared)
        .with("begun_after_stop", recorded.begun_after)
        .with("sent_after_confirmation", after_confirmation)
        .with("p99_until_effective_ms", p99);
    line.passed = match control {
        Some(_) => after_confirmation > 0 && recorded.begun_after > 0,
        None => {
            after_confirmation == 0
                && recorded.begun_after == 0
                && confirmed_once == stops.len()
                && balance.is_exact()
                && balance.spared > 0
                && p99 <= plan.effective_ms
        }
    };
    line.control = control.map(str::to_owned);
    drop(product);
    carrier.shutdown().await;
    Ok(line)
}

/// Lets numbers say STOP around the head of the campaign. Gives when each was written.
async fn storm(
    lab: &Lab,
    carrier: &Carrier,
    audience: &[String],
    stops: usize,
) -> anyhow::Result<BTreeMap<String, i64>> {
    let mut chance = lab.chance("stop");
    let mut said = BTreeMap::new();
    let (mut head, mut moved) = (0, Instant::now());
    while said.len() < stops && moved.elapsed() < Duration::from_secs(30) {
        let accepted = usize::try_from(carrier.counters().sms_accepted)?.saturating_sub(said.len());
        if accepted > head {
            (head, moved) = (accepted, Instant::now());
        }
        // As many of them as of messages, in proportion: the storm lasts as long as the campaign.
        if head * stops < said.len() * audience.len() {
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        }
        let Some(number) = audience.get(head + chance.random_range(RACE)) else { break };
        if said.contains_key(number) {
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        }
        carrier.add_phone(number).await?;
        said.insert(number.clone(), jiff::Timestamp::now().as_millisecond());
        carrier.text_from(number, SENDER, "STOP").await?;
    }
    Ok(said)
}

/// Waits until every STOP was answered; the check says when one was not.
async fn wait_for_confirmations(carrier: &Carrier, stops: usize) -> anyhow::Result<()> {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(20) {
        let entries = carrier.entries().await?;
        let answers = entries.iter().filter(|entry| entry["kind"] == "sms_accepted" && entry["text"] != TEXT).count();
        if answers >= stops && carrier.pending().await? == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

async fn read_ledger(carrier: &Carrier, said: &BTreeMap<String, i64>) -> anyhow::Result<BTreeMap<String, Stop>> {
    let mut stops: BTreeMap<String, Stop> = said
        .iter()
        .map(|(number, written_at)| (number.clone(), Stop { written_at: *written_at, ..Stop::default() }))
        .collect();
    for entry in carrier.entries().await? {
        let Some(stop) = entry["to"].as_str().and_then(|to| stops.get_mut(to)) else { continue };
        if entry["kind"] != "sms_accepted" {
            continue;
        }
        let place = entry["n"].as_u64();
        if entry["text"] == TEXT {
            stop.message = place;
        } else {
            stop.confirmation = stop.confirmation.or(place);
            stop.confirmations += 1;
        }
    }
    Ok(stops)
}

impl Stop {
    fn is_followed_by_its_message(&self) -> bool {
        self.message.zip(self.confirmation).is_some_and(|(message, confirmation)| message > confirmation)
    }
}

/// What the API says about the order of submissions and STOPs.
#[derive(Debug, Default)]
struct Recorded {
    begun_after: usize,
    /// Milliseconds from the text to its recording.
    waits: Vec<i64>,
}

impl Recorded {
    async fn read(api: &Api, campaign: &str, stops: &BTreeMap<String, Stop>) -> anyhow::Result<Self> {
        let mut recorded = Self::default();
        for row in api.recipient_rows(campaign).await? {
            let Some(stop) = row["phone"].as_str().and_then(|number| stops.get(number)) else { continue };
            let contact = row["contact_id"].as_str().context("a recipient is a contact")?;
            let events = api.get(&format!("/api/v1/contacts/{contact}/consent-events")).await?;
            let events = events["data"].as_array().context("a page has data")?;
            let revoked = events.iter().filter(|event| event["action"] == "revoke" && event["channel"] == "sms");
            let Some(at) = revoked.filter_map(|event| moment(&event["recorded_at"])).min() else { continue };
            recorded.waits.push(at - stop.written_at);
            let begun = moment(&row["submitted_at"]).is_some_and(|submitted| submitted > at);
            recorded.begun_after += usize::from(begun);
        }
        Ok(recorded)
    }

    fn p99_ms(&self) -> i64 {
        let mut waits = self.waits.clone();
        waits.sort_unstable();
        waits.get(waits.len() * 99 / 100).or(waits.last()).copied().unwrap_or(i64::MAX)
    }
}

/// Epoch milliseconds of a moment in the API.
fn moment(value: &serde_json::Value) -> Option<i64> {
    Some(value.as_str()?.parse::<jiff::Timestamp>().ok()?.as_millisecond())
}
