//! Everything the sandbox knows, in one place.

use crate::clock::Clock;
use crate::config::SandboxConfig;
use crate::faults::Faults;
use crate::graph::Reviewer;
use crate::graph::forms::FormBook;
use crate::graph::media::MediaStore;
use crate::graph::number::Number;
use crate::graph::templates::TemplateBook;
use crate::graph::uploads::Uploads;
use crate::handset::{Handset, business_scoped_id};
use crate::ledger::{EntryNumber, Fact, Ledger};
use crate::limits::{Limits, Usage};
use crate::sms::network::Network;
use crate::twilio::Face;
use crate::webhook::{payload, queue::Queue};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// The state behind the one mutex. Methods here and in the feature modules change it; the wakes are sent after the lock is released.
pub(crate) struct State {
    pub config: Arc<SandboxConfig>,
    pub clock: Clock,
    pub rng: StdRng,
    pub ledger: Ledger,
    pub faults: Faults,
    pub limits: Limits,
    pub usage: Usage,
    pub handsets: BTreeMap<String, Handset>,
    /// Numbers whose holders took their chats along to another one: nobody has them.
    pub left_numbers: HashSet<String>,
    /// Business-scoped user id -> handset.
    by_bsuid: HashMap<String, String>,
    /// wamid -> handset whose chat holds the message.
    pub chat_of: HashMap<String, String>,
    pub network: Network,
    pub webhooks: Queue,
    pub twilio: Face,
    pub templates: TemplateBook,
    pub reviewer: Reviewer,
    pub forms: FormBook,
    pub uploads: Uploads,
    pub number: Number,
    pub media: MediaStore,
    /// Service messages per (year, month): the free allowance of the price list.
    pub service_messages: HashMap<(i16, i8), u32>,
    /// Customers whom the business wrote to first, with the last time.
    pub initiated: HashMap<String, i64>,
    /// Templates held for quality assessment: handset and message.
    pub held: Vec<(String, String)>,
    pub wakes: Wakes,
}

/// What must be told to whom once the lock is released.
#[derive(Default)]
pub(crate) struct Wakes {
    pub webhooks: bool,
    pub deliveries: bool,
    pub page: Vec<PageEvent>,
}

/// One event of the stream the phone page listens to.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PageEvent {
    pub handset_id: Option<String>,
    pub kind: &'static str,
}

impl State {
    pub fn new(config: Arc<SandboxConfig>) -> Self {
        let clock = Clock::new(config.clock);
        // A restarted sandbox must not repeat the ids of its last run, unless the run is made to be repeatable.
        let start = clock.now();
        let seed = if clock.is_real() { config.seed ^ start.unsigned_abs() } else { config.seed };
        Self {
            clock,
            rng: StdRng::seed_from_u64(seed),
            ledger: Ledger::default(),
            faults: Faults::default(),
            limits: Limits::default(),
            usage: Usage::default(),
            handsets: BTreeMap::new(),
            left_numbers: HashSet::new(),
            by_bsuid: HashMap::new(),
            chat_of: HashMap::new(),
            network: Network::new(start),
            webhooks: Queue::new(config.webhook_url.clone()),
            twilio: Face::default(),
            templates: TemplateBook::seeded(),
            reviewer: Reviewer::default(),
            forms: FormBook::seeded(),
            uploads: Uploads::default(),
            number: Number::new(&config.business_name),
            media: MediaStore::default(),
            service_messages: HashMap::new(),
            initiated: HashMap::new(),
            held: Vec::new(),
            wakes: Wakes::default(),
            config,
        }
    }

    /// Forgets everything that happened; keeps the clock, the binds, the webhook subscription and the running id counters.
    pub fn reset(&mut self) {
        self.ledger = Ledger::default();
        self.faults = Faults::default();
        self.set_limits(Limits::default());
        self.handsets.clear();
        self.left_numbers.clear();
        self.by_bsuid.clear();
        self.chat_of.clear();
        self.network.forget();
        self.webhooks.forget();
        self.twilio.forget();
        self.templates = TemplateBook::seeded();
        self.reviewer = Reviewer::default();
        self.forms = FormBook::seeded();
        self.uploads = Uploads::default();
        self.number = Number::new(&self.config.business_name);
        self.media = MediaStore::default();
        self.service_messages.clear();
        self.initiated.clear();
        self.held.clear();
        self.page(None, "reset");
    }

    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    /// Appends a fact at the present moment.
    pub fn record(&mut self, fact: Fact) -> EntryNumber {
        self.ledger.append(self.clock.now(), fact)
    }

    pub fn page(&mut self, handset_id: Option<&str>, kind: &'static str) {
        self.wakes.page.push(PageEvent { handset_id: handset_id.map(str::to_owned), kind });
    }

    /// The handset of a number; an unknown number gets a new phone, which nobody answers when its holder has left the number.
    pub fn handset_or_new(&mut self, digits: &str) -> &mut Handset {
        if !self.handsets.contains_key(digits) {
            self.page(Some(digits), "handset");
        }
        let seed = self.config.seed;
        let by_bsuid = &mut self.by_bsuid;
        let is_left = self.left_numbers.contains(digits);
        self.handsets.entry(digits.to_owned()).or_insert_with(|| {
            let handset = Handset { on_whatsapp: !is_left, ..Handset::new(seed, digits) };
            by_bsuid.insert(handset.bsuid.clone(), handset.id.clone());
            handset
        })
    }

    /// The number under which WhatsApp knows the holder of one that no handset has: Brazilian, Mexican and Argentine ones are
    /// written in two ways.
    pub fn other_writing(&self, digits: &str) -> Option<String> {
        if self.handsets.contains_key(digits) {
            return None;
        }
        let other = match (digits.get(..2)?, digits.len()) {
            ("55", 13) if digits.get(4..5) == Some("9") => format!("{}{}", digits.get(..4)?, digits.get(5..)?),
            ("55", 12) => format!("{}9{}", digits.get(..4)?, digits.get(4..)?),
            ("52", 13) if digits.get(2..3) == Some("1") => format!("52{}", digits.get(3..)?),
            ("52", 12) => format!("521{}", digits.get(2..)?),
            ("54", 13) if digits.get(2..3) == Some("9") => format!("54{}", digits.get(3..)?),
            ("54", 12) => format!("549{}", digits.get(2..)?),
            _ => return None,
        };
        self.handsets.contains_key(&other).then_some(other)
    }

    pub fn handset_by_bsuid(&self, bsuid: &str) -> Option<&Handset> {
        self.handsets.get(self.by_bsuid.get(bsuid)?)
    }

    /// The holder of a handset takes chats and contacts along to another number: the handset has it from now on, and the
    /// business is told in the two ways in which the platform tells it.
    pub fn change_number(&mut self, id: &str, digits: &str) -> Result<(), &'static str> {
        if self.handsets.contains_key(digits) {
            return Err("there is a handset with this number");
        }
        let old = self.handsets.remove(id).ok_or("there is no handset with this id")?;
        let mut new = old.clone();
        digits.clone_into(&mut new.id);
        new.phone = format!("+{digits}");
        new.bsuid = business_scoped_id(self.config.seed, digits);
        self.left_numbers.remove(digits);
        self.left_numbers.insert(old.id.clone());
        self.by_bsuid.remove(&old.bsuid);
        self.by_bsuid.insert(new.bsuid.clone(), new.id.clone());
        for handset in self.chat_of.values_mut().filter(|handset| *handset == id) {
            digits.clone_into(handset);
        }
        for (handset, _) in self.held.iter_mut().filter(|(handset, _)| handset == id) {
            digits.clone_into(handset);
        }
        if let Some(at) = self.initiated.remove(id) {
            self.initiated.insert(digits.to_owned(), at);
        }
        let wamid = self.new_wamid(&old.id, 0x12);
        let (config, now) = (self.config.clone(), self.now());
        let told = [
            payload::number_changed(&config, now, &wamid, &old, &new),
            payload::user_id_changed(&config, now, &old, &new),
        ];
        let has_chat = !new.chat.messages.is_empty();
        self.handsets.insert(new.id.clone(), new);
        // Only a business that has a chat with the customer is told.
        if has_chat {
            for body in told {
                self.queue_webhook(&body, None);
            }
        }
        self.page(None, "reset");
        Ok(())
    }

    /// `n` random hexadecimal digits.
    pub fn random_hex(&mut self, n: usize) -> String {
        (0..n).map(|_| char::from_digit(self.rng.random_range(0..16), 16).unwrap_or('0').to_ascii_uppercase()).collect()
    }
}
