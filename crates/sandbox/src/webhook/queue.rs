//! The queue of one webhook endpoint: in order of creation, retried with growing delays on the sandbox clock until it is answered 200.

use crate::ledger::{EntryNumber, Fact};
use crate::state::State;
use rand::RngExt;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// Delay after the first, second ... failed attempt. The platform retries at once and then less and less often.
const DELAYS_MS: [i64; 10] = [0, 1_000, 2_000, 5_000, 15_000, 30_000, 60_000, 300_000, 900_000, 3_600_000];
const LAST_DELAY_MS: i64 = 4 * 3_600_000;
/// How long the platform tries.
const GIVE_UP_AFTER_MS: i64 = 7 * 24 * 3_600_000;

/// Where a webhook goes.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// The subscribed URL of the Graph API.
    Graph,
    /// The number's own URL, else the subscribed one: what customers send, and what becomes of messages.
    Number,
    /// A URL of its own; the body is a form.
    Twilio(Arc<str>),
}

struct Item {
    target: Target,
    body: Arc<str>,
    /// Ledger entry that a 200 acknowledges.
    entry: Option<EntryNumber>,
    queued_at: i64,
    attempts: u32,
    /// A second delivery of something already acknowledged.
    duplicate: bool,
}

/// See the module documentation.
pub(crate) struct Queue {
    url: Option<String>,
    /// The number's own address, which goes before that of the account.
    number_url: Option<String>,
    next: u64,
    items: BTreeMap<u64, Item>,
    ready: BTreeSet<(i64, u64)>,
    in_flight: HashSet<u64>,
    delivered: u64,
    failed_attempts: u64,
}

/// A webhook taken out for one attempt.
pub(crate) struct Attempt {
    /// All that are in the body.
    pub ids: Vec<u64>,
    pub target: Target,
    pub url: String,
    pub body: Arc<str>,
    /// The fault knob says that this attempt gets lost.
    pub lost: bool,
    pub wrong_signature: bool,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Acknowledged,
    Failed,
}

/// Which webhooks may be taken.
#[derive(Clone, Copy)]
pub(crate) enum Pick<'a> {
    /// Those that are due, unless webhooks are held.
    Due,
    /// All but these, due or not, held or not.
    AllBut(&'a HashSet<u64>),
}

impl Queue {
    pub fn new(url: Option<String>) -> Self {
        Self {
            url,
            number_url: None,
            next: 1,
            items: BTreeMap::new(),
            ready: BTreeSet::new(),
            in_flight: HashSet::new(),
            delivered: 0,
            failed_attempts: 0,
        }
    }

    /// Drops what is queued; what is under way right now still arrives.
    pub fn forget(&mut self) {
        self.items.clear();
        self.ready.clear();
        self.delivered = 0;
        self.failed_attempts = 0;
    }

    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    pub fn number_url(&self) -> Option<&str> {
        self.number_url.as_deref()
    }

    pub fn queued(&self) -> usize {
        self.items.len()
    }

    pub fn delivered(&self) -> u64 {
        self.delivered
    }

    pub fn failed_attempts(&self) -> u64 {
        self.failed_attempts
    }

    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    pub fn contains(&self, id: u64) -> bool {
        self.items.contains_key(&id)
    }

    /// When the next webhook is due that has somewhere to go.
    pub fn next_due(&self) -> Option<i64> {
        self.ready.iter().find(|(_, id)| self.url_of(*id).is_some()).map(|(due, _)| *due)
    }

    fn is_graph(&self, id: u64) -> bool {
        self.items.get(&id).is_some_and(|item| matches!(item.target, Target::Graph | Target::Number))
    }

    /// One body with the entries of all these webhooks.
    fn together(&self, ids: &[u64]) -> Arc<str> {
        let bodies = ids.iter().filter_map(|id| serde_json::from_str::<Value>(&self.items.get(id)?.body).ok());
        let entries: Vec<Value> =
            bodies.flat_map(|mut body| body["entry"].as_array_mut().map(std::mem::take).unwrap_or_default()).collect();
        let body = serde_json::json!({"object": "whatsapp_business_account", "entry": entries});
        Arc::from(super::wire::escaped(&body))
    }

    fn url_of(&self, id: u64) -> Option<String> {
        match &self.items.get(&id)?.target {
            Target::Graph => self.url.clone(),
            Target::Number => self.number_url.clone().or_else(|| self.url.clone()),
            Target::Twilio(url) => Some(url.to_string()),
        }
    }
}

impl State {
    /// Subscribes a URL; what was queued for nobody goes there.
    pub fn subscribe_webhook(&mut self, url: Option<String>) {
        self.webhooks.url = url;
        self.wakes.webhooks = true;
    }

    /// Gives the number a URL of its own, or takes it away.
    pub fn override_number_webhook(&mut self, url: Option<String>) {
        self.webhooks.number_url = url;
        self.wakes.webhooks = true;
    }

    /// Queues a webhook; a 200 acknowledges `entry`. Returns its number.
    pub fn queue_webhook(&mut self, body: &Value, entry: Option<EntryNumber>) -> u64 {
        let due = self.now() + self.faults.webhook_delay_ms.max(0);
        // Addresses of a number are for the field of messages alone.
        let is_message = body["entry"][0]["changes"][0]["field"] == "messages";
        let target = if is_message { Target::Number } else { Target::Graph };
        let body = super::wire::escaped(&self.with_gaps(body));
        self.queue_item(target, Arc::from(body), entry, (due, false))
    }

    /// The body without what the faults leave out.
    fn with_gaps<'a>(&self, body: &'a Value) -> Cow<'a, Value> {
        let (contacts, profile) = (self.faults.webhook_without_contacts, self.faults.webhook_without_profile);
        if !contacts && !profile {
            return Cow::Borrowed(body);
        }
        let mut body = body.clone();
        let value = body.pointer_mut("/entry/0/changes/0/value").and_then(Value::as_object_mut);
        if let Some(value) = value {
            if contacts {
                value.remove("contacts");
            }
            let named = value.get_mut("contacts").and_then(Value::as_array_mut);
            for contact in named.into_iter().flatten().filter_map(Value::as_object_mut) {
                contact.remove("profile");
            }
        }
        Cow::Owned(body)
    }

    /// Queues a form for a URL of its own, to leave at `due`.
    pub fn queue_form(&mut self, url: &str, fields: &[(&str, String)], entry: Option<EntryNumber>, due: i64) {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        self.queue_item(Target::Twilio(url.into()), form.finish().into(), entry, (due, false));
    }

    fn queue_item(
        &mut self,
        target: Target,
        body: Arc<str>,
        entry: Option<EntryNumber>,
        (due, duplicate): (i64, bool),
    ) -> u64 {
        let now = self.now();
        let id = self.webhooks.next;
        self.webhooks.next += 1;
        let item = Item { target, body, entry, queued_at: now, attempts: 0, duplicate };
        self.webhooks.items.insert(id, item);
        self.webhooks.ready.insert((due, id));
        self.wakes.webhooks = true;
        id
    }

    /// Takes one webhook out for an attempt.
    pub fn take_webhook(&mut self, pick: Pick<'_>) -> Option<Attempt> {
        let now = self.now();
        let most = usize::from(self.faults.webhook_batch.max(1));
        let queue = &self.webhooks;
        let goes_somewhere = |(_, id): &&(i64, u64)| queue.url_of(*id).is_some();
        let mut candidates: Vec<(i64, u64)> = match pick {
            Pick::Due if self.faults.webhook_hold => return None,
            Pick::Due => {
                let due = queue.ready.iter().take_while(|(due, _)| *due <= now);
                due.filter(goes_somewhere).take(64.max(most)).copied().collect()
            }
            Pick::AllBut(tried) => {
                let mut all: Vec<_> =
                    queue.ready.iter().filter(|(_, id)| !tried.contains(id)).filter(goes_somewhere).copied().collect();
                all.sort_unstable_by_key(|(_, id)| *id);
                all
            }
        };
        if candidates.is_empty() {
            return None;
        }
        let index = if self.faults.webhook_reorder { self.rng.random_range(0..candidates.len()) } else { 0 };
        let (due, id) = candidates.swap_remove(index);
        let url = self.webhooks.url_of(id)?;
        self.webhooks.ready.remove(&(due, id));
        let item = self.webhooks.items.get(&id)?;
        let (target, mut body) = (item.target.clone(), item.body.clone());
        let lost = item.attempts < self.faults.webhook_drop_first_attempts && !item.duplicate;
        self.webhooks.in_flight.insert(id);
        let mut ids = vec![id];
        if matches!(target, Target::Graph | Target::Number) && most > 1 {
            // A body goes to one address.
            let goes_along =
                |other| self.webhooks.is_graph(other) && self.webhooks.url_of(other).as_ref() == Some(&url);
            let others = candidates.into_iter().filter(|(_, other)| goes_along(*other));
            let mut others: Vec<(i64, u64)> = others.take(most - 1).collect();
            others.sort_unstable_by_key(|(_, other)| *other);
            for (due, other) in others {
                self.webhooks.ready.remove(&(due, other));
                self.webhooks.in_flight.insert(other);
                ids.push(other);
            }
            ids.sort_unstable();
            body = self.webhooks.together(&ids);
        }
        if self.faults.webhook_escapes_at && matches!(target, Target::Graph | Target::Number) {
            // It stands only inside of strings.
            body = Arc::from(body.replace('@', "\\u0040"));
        }
        Some(Attempt { ids, target, url, body, lost, wrong_signature: self.faults.webhook_wrong_signature })
    }

    /// Settles an attempt: acknowledges, or plans the next one.
    pub fn settle_webhook(&mut self, id: u64, outcome: Outcome) {
        let now = self.now();
        self.webhooks.in_flight.remove(&id);
        let Some(item) = self.webhooks.items.get_mut(&id) else { return };
        item.attempts += 1;
        if outcome == Outcome::Acknowledged {
            let (target, body) = (item.target.clone(), item.body.clone());
            let (entry, duplicate) = (item.entry, item.duplicate);
            self.webhooks.items.remove(&id);
            self.webhooks.delivered += 1;
            if let Some(entry) = entry {
                self.ledger.acknowledge(now, entry);
                self.show_acknowledged(entry);
            }
            if !duplicate && self.rng.random_range(0..100) < self.faults.webhook_duplicate_percent {
                self.queue_item(target, body, None, (now, true));
            }
            return;
        }
        self.webhooks.failed_attempts += 1;
        let attempts = item.attempts;
        if now - item.queued_at >= GIVE_UP_AFTER_MS {
            self.webhooks.items.remove(&id);
            self.record(Fact::WebhookAbandoned { attempts });
            return;
        }
        let delay = DELAYS_MS.get(attempts as usize - 1).copied().unwrap_or(LAST_DELAY_MS);
        self.webhooks.ready.insert((now + delay, id));
        self.wakes.webhooks = true;
    }
}
