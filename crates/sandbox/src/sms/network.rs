//! Between carrier and handsets: accepted messages, re-assembly on the phone, receipts and texts of the customers on their way to the
//! product.
//!
//! A delivery (receipt or inbound text) stays here until the product has answered it with ESME_ROK: it is *ready* (with a due time),
//! or *in flight* on one bind. A lost bind makes its deliveries ready again at once; a refusal with a growing delay.

use super::carrier::Traffic;
use super::fast::Fast;
use super::receipt;
use super::text::{self, Concatenation};
use crate::faults::Receipts;
use crate::handset::{Direction, MediaView, Sms, WaitingSms, links};
use crate::ledger::{EntryNumber, Fact};
use crate::state::State;
use rand::RngExt;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// An address as it stands in a PDU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub ton: u8,
    pub npi: u8,
    pub digits: String,
}

impl Address {
    /// International numbers get their `+`; names and short codes stay as they are.
    pub fn shown(&self) -> String {
        let bare = self.digits.trim_start_matches('+');
        let number = !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit());
        if number && (self.ton == 1 || (bare.len() > 7 && self.ton != 5)) {
            format!("+{bare}")
        } else {
            self.digits.clone()
        }
    }

    /// The address for a number or short code as a person writes it.
    pub fn parse(number: &str) -> Option<Self> {
        let bare: String = number.chars().filter(|c| !" -().+".contains(*c)).collect();
        if bare.is_empty() || bare.len() > 20 || !bare.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let (ton, npi) = if bare.len() > 7 { (1, 1) } else { (3, 0) };
        Some(Self { ton, npi, digits: bare })
    }
}

/// A submit_sm that passed the checks.
pub(crate) struct Submitted {
    pub from: Address,
    pub to: Address,
    pub text: String,
    pub concatenation: Option<Concatenation>,
    pub registered_delivery: u8,
    /// False when the answer is swallowed.
    pub answered: bool,
}

/// The receipt the product asked for.
#[derive(Clone, Debug)]
pub(crate) struct ReceiptOrder {
    from: Address,
    to: Address,
    submitted_at: i64,
    /// Lowest two bits of registered_delivery: 1 always, 2 on failure, 3 on success (5.0).
    wanted: u8,
}

/// What one deliver_sm carries.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Receipt { message_id: String, state: String, body: String },
    Inbound { data_coding: u8, has_header: bool, octets: Vec<u8> },
}

/// A deliver_sm on its way to the product.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub from: Address,
    pub to: Address,
    pub content: Content,
    /// Appended to the ledger when it goes out for the first time (receipts) or when it was written (inbound).
    entry: Option<EntryNumber>,
    refusals: u32,
}

#[derive(Default)]
struct Assembly {
    group: String,
    /// Of the parts that reached the phone: message id and text.
    arrived: BTreeMap<u8, (String, String)>,
}

/// See the module documentation.
pub(crate) struct Network {
    started_at: i64,
    next_message: u64,
    next_delivery: u64,
    deliveries: HashMap<u64, Delivery>,
    ready: BTreeSet<(i64, u64)>,
    assemblies: HashMap<String, Assembly>,
    /// Parts of an inbound text that are not acknowledged yet, by ledger entry.
    inbound_parts: HashMap<EntryNumber, usize>,
    next_bind: u64,
    pub traffic: Traffic,
    pub fast: Fast,
    pub binds: BTreeMap<u64, &'static str>,
}

impl Network {
    pub fn new(started_at: i64) -> Self {
        Self {
            started_at,
            next_message: 1,
            next_delivery: 1,
            deliveries: HashMap::new(),
            ready: BTreeSet::new(),
            assemblies: HashMap::new(),
            inbound_parts: HashMap::new(),
            next_bind: 1,
            traffic: Traffic::default(),
            fast: Fast::default(),
            binds: BTreeMap::new(),
        }
    }

    pub fn forget(&mut self) {
        self.deliveries.clear();
        self.ready.clear();
        self.assemblies.clear();
        self.inbound_parts.clear();
        self.traffic = Traffic::default();
    }

    pub fn bound(&mut self, kind: &'static str) -> u64 {
        let id = self.next_bind;
        self.next_bind += 1;
        self.binds.insert(id, kind);
        id
    }

    /// Deliveries that are not acknowledged.
    pub fn pending(&self) -> usize {
        self.deliveries.len()
    }

    /// When the next ready delivery is due.
    pub fn next_due(&self) -> Option<i64> {
        self.ready.first().map(|(due, _)| *due)
    }

    fn new_message_id(&mut self) -> String {
        let id = format!("{}{:08}", self.started_at / 1000, self.next_message);
        self.next_message += 1;
        id
    }

    fn enqueue(&mut self, due: i64, delivery: Delivery) {
        let id = self.next_delivery;
        self.next_delivery += 1;
        self.enqueue_as(id, due, delivery);
    }

    fn enqueue_as(&mut self, id: u64, due: i64, delivery: Delivery) {
        self.deliveries.insert(id, delivery);
        self.ready.insert((due, id));
    }
}

impl State {
    /// Takes a message into the network and hands it to the phone if that is online. Returns its message id.
    pub fn accept_sms(&mut self, sms: Submitted) -> String {
        let now = self.now();
        let message_id = self.network.new_message_id();
        let (from, to) = (sms.from.shown(), sms.to.shown());
        self.network.traffic.accepted(sms.to.digits.as_bytes());
        let (part, parts) = sms.concatenation.map_or((1, 1), |c| (c.part, c.parts));
        let group = sms.concatenation.map(|c| {
            let key = format!("{from}>{to}#{}/{}", c.reference, c.parts);
            let assembly = self.network.assemblies.entry(key.clone()).or_default();
            if assembly.group.is_empty() {
                assembly.group = format!("{key}@{message_id}");
            }
            (key, assembly.group.clone())
        });
        self.record(Fact::SmsAccepted {
            message_id: message_id.clone(),
            from: from.clone(),
            to,
            text: sms.text.clone(),
            part,
            parts,
            group: group.as_ref().map(|(_, group)| group.clone()),
            answered: sms.answered,
        });
        let wanted = sms.registered_delivery & 0b11;
        let handset_id = crate::config::digits(&sms.to.digits);
        let waiting = WaitingSms {
            message_id: message_id.clone(),
            from,
            text: sms.text,
            media: Vec::new(),
            part,
            parts,
            group: group.map(|(key, _)| key),
            receipt: (wanted != 0).then_some(ReceiptOrder { from: sms.from, to: sms.to, submitted_at: now, wanted }),
            callback: None,
        };
        let handset = self.handset_or_new(&handset_id);
        if handset.online {
            self.sms_reaches_handset(&handset_id, waiting);
        } else {
            handset.sms_waiting.push(waiting);
        }
        message_id
    }

    /// Delivers what waited while the phone was offline.
    pub fn deliver_waiting_sms(&mut self, handset_id: &str) {
        let Some(handset) = self.handsets.get_mut(handset_id) else { return };
        for waiting in std::mem::take(&mut handset.sms_waiting) {
            self.sms_reaches_handset(handset_id, waiting);
        }
    }

    pub fn sms_reaches_handset(&mut self, handset_id: &str, sms: WaitingSms) {
        let now = self.now();
        let state = if self.left_numbers.contains(handset_id) {
            "UNDELIV".to_owned()
        } else {
            self.faults.take_receipt_state().unwrap_or_else(|| "DELIVRD".to_owned())
        };
        if let Some(order) = &sms.receipt {
            self.order_receipt(order, &sms, &state);
        }
        if let Some(order) = &sms.callback {
            self.order_callback(order, &sms.message_id, &state);
        }
        if state != "DELIVRD" {
            return;
        }
        let (message_ids, text) = match &sms.group {
            None => (vec![sms.message_id], sms.text),
            Some(key) => {
                let assembly = self.network.assemblies.entry(key.clone()).or_default();
                assembly.arrived.insert(sms.part, (sms.message_id, sms.text));
                if assembly.arrived.len() < usize::from(sms.parts) {
                    return;
                }
                let arrived = self.network.assemblies.remove(key).unwrap_or_default().arrived;
                arrived.into_values().unzip::<String, String, Vec<_>, String>()
            }
        };
        let Some(handset) = self.handsets.get_mut(handset_id) else { return };
        let to = handset.phone.clone();
        handset.sms.push(Sms {
            id: message_ids[0].clone(),
            direction: Direction::In,
            from: sms.from.clone(),
            to: to.clone(),
            links: links(&text),
            text: text.clone(),
            media: sms.media,
            at: now,
            receipt_state: state,
        });
        handset.sms_unread += 1;
        self.record(Fact::SmsDelivered { message_ids, from: sms.from, to, text, parts: sms.parts });
        self.page(Some(handset_id), "sms");
    }

    fn order_receipt(&mut self, order: &ReceiptOrder, sms: &WaitingSms, state: &str) {
        let delivered = state == "DELIVRD";
        let wanted = match order.wanted {
            1 => true,
            2 => !delivered,
            _ => delivered,
        };
        if !wanted || self.faults.receipts == Receipts::None {
            return;
        }
        if self.faults.carrier.enroute_receipts {
            self.send_receipt(order, sms, "ENROUTE");
        }
        for _ in 0..=self.faults.carrier.duplicate_receipts {
            self.send_receipt(order, sms, state);
        }
    }

    fn send_receipt(&mut self, order: &ReceiptOrder, sms: &WaitingSms, state: &str) {
        let now = self.now();
        let due = now + self.faults.receipt_delay_ms;
        let delivery = Delivery {
            from: order.to.clone(),
            to: order.from.clone(),
            content: Content::Receipt {
                message_id: sms.message_id.clone(),
                state: state.to_owned(),
                body: receipt::body(&sms.message_id, order.submitted_at, now, state, &sms.text),
            },
            entry: None,
            refusals: 0,
        };
        if self.faults.carrier.shuffle_receipts {
            // What is due at the same time leaves by its number.
            let id = self.rng.random::<u64>() | 1 << 63;
            self.network.enqueue_as(id, due, delivery);
        } else {
            self.network.enqueue(due, delivery);
        }
        self.wakes.deliveries = true;
    }

    /// The customer writes a text, with pictures and files where the number takes them. `None` when `to` is not a number one
    /// can write to so.
    pub fn sms_from_handset(
        &mut self,
        handset_id: &str,
        to: &str,
        (text, media, data_coding): (&str, Vec<MediaView>, Option<u8>),
        public_url: &str,
    ) -> Option<String> {
        let to = Address::parse(to)?;
        if !media.is_empty() && !self.twilio.takes(&to.digits) {
            return None;
        }
        let from = Address::parse(handset_id)?;
        let now = self.now();
        let id = self.network.new_message_id();
        let entry =
            self.record(Fact::SmsInbound { id: id.clone(), from: from.shown(), to: to.shown(), text: text.to_owned() });
        if self.twilio.takes(&to.digits) {
            self.twilio_text((&id, entry), (&from.shown(), &to.shown()), (text, &media), public_url);
        } else {
            self.text_to_network(&from, &to, (text, data_coding), entry);
        }
        let handset = self.handset_or_new(handset_id);
        handset.sms.push(Sms {
            id: id.clone(),
            direction: Direction::Out,
            from: handset.phone.clone(),
            to: to.shown(),
            links: links(text),
            text: text.to_owned(),
            media,
            at: now,
            receipt_state: "sent".to_owned(),
        });
        self.page(Some(handset_id), "sms");
        Some(id)
    }

    fn text_to_network(
        &mut self,
        from: &Address,
        to: &Address,
        (text, data_coding): (&str, Option<u8>),
        entry: EntryNumber,
    ) {
        let now = self.now();
        let reference = u8::try_from(self.network.next_message & 0xFF).unwrap_or_default();
        let encoded = match data_coding {
            Some(data_coding) => text::as_octets(text, data_coding),
            None => text::encode(text, reference),
        };
        let has_header = encoded.parts.len() > 1;
        self.network.inbound_parts.insert(entry, encoded.parts.len());
        for octets in encoded.parts {
            let content = Content::Inbound { data_coding: encoded.data_coding, has_header, octets };
            let delivery = Delivery { from: from.clone(), to: to.clone(), content, entry: Some(entry), refusals: 0 };
            self.network.enqueue(now, delivery);
        }
        self.wakes.deliveries = true;
    }

    /// Takes the next due delivery for a bind; it is in flight until one of the three outcomes below.
    pub fn take_delivery(&mut self) -> Option<(u64, Delivery)> {
        let now = self.now();
        let (due, id) = *self.network.ready.first()?;
        if due > now {
            return None;
        }
        self.network.ready.pop_first();
        let (fact, known) = match self.network.deliveries.get(&id) {
            Some(Delivery { content: Content::Receipt { message_id, state, .. }, entry: None, .. }) => {
                (Some(Fact::SmsReceipt { message_id: message_id.clone(), state: state.clone() }), true)
            }
            other => (None, other.is_some()),
        };
        let entry = fact.map(|fact| self.record(fact));
        let delivery = known.then(|| self.network.deliveries.get_mut(&id)).flatten()?;
        delivery.entry = entry.or(delivery.entry);
        Some((id, delivery.clone()))
    }

    /// The product answered ESME_ROK.
    pub fn delivery_acknowledged(&mut self, id: u64) {
        let now = self.now();
        let Some(entry) = self.network.deliveries.remove(&id).and_then(|delivery| delivery.entry) else { return };
        let open_parts = match self.network.inbound_parts.get_mut(&entry) {
            Some(parts) => {
                *parts -= 1;
                *parts
            }
            None => 0,
        };
        if open_parts == 0 {
            self.network.inbound_parts.remove(&entry);
            self.ledger.acknowledge(now, entry);
            self.show_acknowledged(entry);
        }
    }

    /// The product answered anything else: again after 1, 2, 4 ... 60 seconds of sandbox time.
    pub fn delivery_refused(&mut self, id: u64) {
        let now = self.now();
        let Some(delivery) = self.network.deliveries.get_mut(&id) else { return };
        let delay = (1_000_i64 << delivery.refusals.min(6)).min(60_000);
        delivery.refusals += 1;
        self.network.ready.insert((now + delay, id));
        self.wakes.deliveries = true;
    }

    /// The bind broke or the answer did not come: again at once.
    pub fn delivery_unanswered(&mut self, id: u64) {
        if self.network.deliveries.contains_key(&id) {
            let now = self.now();
            self.network.ready.insert((now, id));
            self.wakes.deliveries = true;
        }
    }
}
