//! A storm of webhooks, and `kill -9` of the only server in the middle of it.
//!
//! Promise: what customers wrote is in their conversations once, whatever is delivered how often in which order and
//! whenever the server dies; nothing that is not signed gets in; and each customer is greeted once.
//!
//! The server works on messages in the transaction that stores them, as it does after a proper end, or stores them first, as
//! it does after a bad one: both die.
//!
//! Every message is delivered five times, shuffled, so that a repeat may come long after its message, or be on its way at
//! the same moment. In between come messages with a wrong signature, and bodies that nobody can read, signed or not. Like
//! Meta, the sender delivers again whatever it has no 200 for. The judge is the list of what was sent, against what the
//! API says of every conversation.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use rand::{RngExt as _, seq::SliceRandom as _};
use segue_channels::whatsapp::signature::{SIGNATURE_HEADER, sign};
use segue_sandbox::SandboxConfig;
use serde_json::json;

use crate::{
    api::Api,
    books::Balance,
    campaign,
    carrier::Carrier,
    engine::Engine,
    lab::Lab,
    line::{Begun, Line},
    product::{APP_SECRET, PHONE_NUMBER_ID, Product, Setup},
};

const CONTROL: &str = "what is known of messages that came before is forgotten at each kill";
/// No message has the provider's id any more, and no row of the inbox that was worked on is left.
const FORGET: &str = "UPDATE messages SET provider_id = NULL; DELETE FROM inbox WHERE state = 'done'";

/// How often each message is delivered.
const TIMES: usize = 5;
/// Deliveries on their way at once.
const AT_ONCE: usize = 16;
/// One delivery of so many is forged, and one garbage.
const BAD_EVERY: usize = 100;
/// How long a delivery that was not taken waits.
const AGAIN: Duration = Duration::from_millis(50);

/// How much is sent and killed.
#[derive(Debug, Clone, Copy)]
struct Plan {
    messages: usize,
    customers: usize,
    kills: usize,
}

/// Runs it on each engine, and its control on one.
///
/// # Errors
/// When a run could not be carried out.
pub async fn run(lab: &Lab) -> anyhow::Result<()> {
    let plan = lab
        .size
        .pick(Plan { messages: 800, customers: 80, kills: 4 }, Plan { messages: 200_000, customers: 5_000, kills: 20 });
    for engine in lab.engines().await? {
        lab.record(&once(lab, &engine, plan, None).await?)?;
    }
    let plan = Plan { messages: 200, customers: 20, kills: 2 };
    lab.record(&once(lab, &Engine::Sqlite, plan, Some(CONTROL)).await?)
}

async fn once(lab: &Lab, engine: &Engine, plan: Plan, control: Option<&str>) -> anyhow::Result<Line> {
    let begun = Begun::new(lab, "webhooks", engine);
    let (directory, mut chance) = (tempfile::tempdir()?, lab.chance("webhooks"));
    let carrier = Carrier::start(SandboxConfig::default()).await?;
    let setup = Setup { has_chat: true, ..Setup::default() };
    let mut product = Product::new(lab, engine, &directory.path().join("data"), Vec::new(), &carrier).await?;
    product.set_up(&carrier, &setup, &campaign::csv(&campaign::audience(1))).await?;
    product.start().await?;

    let mut deliveries: Vec<Delivery> =
        (0..plan.messages * TIMES).map(|at| Delivery::Good(at % plan.messages)).collect();
    let bad = deliveries.len() / BAD_EVERY;
    deliveries.extend((0..bad).flat_map(|number| [Delivery::Forged(number), Delivery::Garbage(number)]));
    deliveries.shuffle(&mut chance);
    let total = deliveries.len();
    let mut points: Vec<usize> = (0..plan.kills).map(|_| chance.random_range(total / 20..total * 9 / 10)).collect();
    points.sort_unstable();

    let storm = Storm::begin(product.api(), plan, deliveries).await?;
    for (number, point) in points.into_iter().enumerate() {
        storm.wait_until_taken(point).await?;
        product.kill()?;
        if control.is_some() {
            product.tamper(FORGET).await?;
        }
        // After each second kill it works on what comes in at once, after the others it stores it first.
        if number % 2 == 1 {
            product.forget_bad_end()?;
        }
        product.start().await?;
    }
    let patience = Duration::from_secs(120 + u64::try_from(total / 50)?);
    storm.wait_until_over(patience).await?;
    let patience = if control.is_some() { Duration::from_secs(4) } else { patience };
    let seen = wait_for_books(product.api(), plan, patience).await?;

    let balance = Balance {
        recipients: plan.messages,
        sent: total,
        delivered: seen.once,
        lost: plan.messages - seen.once - seen.repeated,
        doubled: seen.doubled,
        wrong: seen.wrong,
        ..Balance::default()
    };
    let mut line = begun
        .line(&balance)
        .with("customers", plan.customers)
        .with("forged", bad)
        .with("forged_taken", storm.forged_taken.load(Ordering::Relaxed))
        .with("answered_twice_or_never", seen.greeted_wrongly);
    line.kills = plan.kills;
    line.passed = match control {
        Some(_) => balance.doubled > 0,
        None => balance.is_exact() && seen.greeted_wrongly == 0 && storm.forged_taken.load(Ordering::Relaxed) == 0,
    };
    line.control = control.map(str::to_owned);
    drop(product);
    carrier.shutdown().await;
    Ok(line)
}

/// One request.
#[derive(Debug, Clone, Copy)]
enum Delivery {
    /// A message of this number.
    Good(usize),
    /// A message that nobody wrote, under a wrong signature.
    Forged(usize),
    /// A body that nobody can read, signed when the number is even.
    Garbage(usize),
}

/// What is being delivered.
struct Storm {
    plan: Plan,
    url: String,
    client: reqwest::Client,
    /// What has no answer that ends it.
    waiting: Mutex<VecDeque<Delivery>>,
    total: usize,
    /// Deliveries that have such an answer.
    over: AtomicUsize,
    forged_taken: AtomicUsize,
    is_given_up: AtomicBool,
}

impl Drop for Storm {
    fn drop(&mut self) {
        self.is_given_up.store(true, Ordering::Relaxed);
    }
}

impl Storm {
    /// Begins to deliver to the chat's address.
    async fn begin(api: &Api, plan: Plan, deliveries: Vec<Delivery>) -> anyhow::Result<Arc<Self>> {
        let status = api.get("/api/v1/setup-status").await?;
        let channels = status["channels"].as_array().context("there are channels")?;
        let chat = channels.iter().find(|channel| channel["kind"] == "whatsapp").context("there is a chat")?;
        let path = chat["webhook_path"].as_str().context("the chat has an address")?;
        let storm = Arc::new(Self {
            plan,
            url: format!("{}{path}", api.url),
            client: api.client.clone(),
            total: deliveries.len(),
            waiting: Mutex::new(deliveries.into()),
            over: AtomicUsize::new(0),
            forged_taken: AtomicUsize::new(0),
            is_given_up: AtomicBool::new(false),
        });
        for _ in 0..AT_ONCE {
            let storm = Arc::clone(&storm);
            tokio::spawn(async move { storm.deliver().await });
        }
        Ok(storm)
    }

    async fn deliver(&self) {
        while self.over.load(Ordering::Relaxed) < self.total && !self.is_given_up.load(Ordering::Relaxed) {
            let next = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(delivery) = next else {
                tokio::time::sleep(AGAIN).await;
                continue;
            };
            let status = self.post(delivery).await;
            let is_over = match (delivery, status) {
                (Delivery::Forged(_), Some(200)) => {
                    self.forged_taken.fetch_add(1, Ordering::Relaxed);
                    true
                }
                (Delivery::Forged(_) | Delivery::Garbage(_), Some(401)) | (_, Some(200)) => true,
                _ => false,
            };
            if is_over {
                self.over.fetch_add(1, Ordering::Relaxed);
            } else {
                self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back(delivery);
                tokio::time::sleep(AGAIN).await;
            }
        }
    }

    async fn post(&self, delivery: Delivery) -> Option<u16> {
        let body = match delivery {
            Delivery::Good(number) => message(self.plan, number, &text(number)),
            Delivery::Forged(number) => message(self.plan, self.plan.messages + number, "forged"),
            Delivery::Garbage(number) => format!("{{\"object\": [{number}, "),
        };
        let signature = match delivery {
            Delivery::Forged(_) => sign(b"another secret", body.as_bytes()),
            Delivery::Garbage(number) if number % 2 == 1 => "sha256=00".to_owned(),
            _ => sign(APP_SECRET.as_bytes(), body.as_bytes()),
        };
        let request = self.client.post(&self.url).header(SIGNATURE_HEADER, signature);
        let request = request.header("content-type", "application/json").body(body);
        Some(request.send().await.ok()?.status().as_u16())
    }

    async fn wait_until_taken(&self, count: usize) -> anyhow::Result<()> {
        let (mut last, mut changed) = (0, Instant::now());
        loop {
            let over = self.over.load(Ordering::Relaxed);
            if over >= count {
                return Ok(());
            }
            if over > last {
                (last, changed) = (over, Instant::now());
            }
            if changed.elapsed() > Duration::from_secs(60) {
                bail!("no webhook was taken for a minute, after {over} of {}", self.total);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn wait_until_over(&self, patience: Duration) -> anyhow::Result<()> {
        tokio::time::timeout(patience, self.wait_until_taken(self.total)).await.context("the storm does not end")?
    }
}

/// The words of a message, which nobody takes for a no.
fn text(number: usize) -> String {
    format!("message {number}")
}

fn phone(plan: Plan, number: usize) -> usize {
    447_700_900_000 + number % plan.customers
}

fn message(plan: Plan, number: usize, text: &str) -> String {
    let from = phone(plan, number).to_string();
    let message = json!({
        "from": from, "id": format!("wamid.{number}"), "timestamp": (1_780_000_000 + number).to_string(),
        "type": "text", "text": { "body": text },
    });
    let value = json!({
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "15550783881", "phone_number_id": PHONE_NUMBER_ID },
        "contacts": [{ "profile": { "name": "Customer" }, "wa_id": from }],
        "messages": [message],
    });
    let entry = json!({ "id": "102290129340398", "changes": [{ "field": "messages", "value": value }] });
    json!({ "object": "whatsapp_business_account", "entry": [entry] }).to_string()
}

/// What the API says of all conversations.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    /// Messages that are there once.
    once: usize,
    /// Messages that are there more than once, and the entries beyond the first.
    repeated: usize,
    doubled: usize,
    /// Entries that nobody wrote, or that are in somebody else's conversation.
    wrong: usize,
    /// Conversations that were not greeted, or more than once.
    greeted_wrongly: usize,
}

/// Waits until everything is there and no work is left.
async fn wait_for_books(api: &Api, plan: Plan, patience: Duration) -> anyhow::Result<Seen> {
    let started = Instant::now();
    loop {
        let seen = look(api, plan).await?;
        if seen.once == plan.messages || started.elapsed() > patience {
            return Ok(seen);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn look(api: &Api, plan: Plan) -> anyhow::Result<Seen> {
    let expected: BTreeMap<String, usize> = (0..plan.messages).map(|number| (text(number), number)).collect();
    let (mut times, mut seen) = (BTreeMap::<usize, usize>::new(), Seen::default());
    let mut customers = BTreeSet::new();
    for session in api.pages("/api/v1/sessions?view=all&limit=100").await? {
        let (id, phone_number) = (session["id"].as_str().context("an id")?, session["customer"]["phone"].clone());
        customers.insert(phone_number.to_string());
        let mut greetings = 0;
        for entry in api.pages(&format!("/api/v1/sessions/{id}/messages?limit=100")).await? {
            match (entry["direction"].as_str(), expected.get(entry["text"].as_str().unwrap_or_default())) {
                (Some("outbound"), _) => greetings += 1,
                (Some("inbound"), Some(number)) if phone_number == format!("+{}", phone(plan, *number)) => {
                    *times.entry(*number).or_default() += 1;
                }
                (Some("inbound"), _) => seen.wrong += 1,
                _ => {}
            }
        }
        seen.greeted_wrongly += usize::from(greetings != 1);
    }
    // More customers than there are, or one with two conversations that are not ended.
    seen.wrong += customers.len().saturating_sub(plan.customers);
    seen.once = times.values().filter(|times| **times == 1).count();
    seen.repeated = times.values().filter(|times| **times > 1).count();
    seen.doubled = times.values().map(|times| times - 1).sum();
    Ok(seen)
}
