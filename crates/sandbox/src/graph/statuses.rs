//! How far messages have come, and the status webhooks that tell it.

use crate::faults::take_one;
use crate::handset::{Direction, Progress};
use crate::ledger::{EntryNumber, Fact};
use crate::state::State;
use crate::webhook::payload::{self, StatusUpdate};
use serde_json::{Value, json};

/// Until when the typing dots stay without an answer.
const TYPING_MS: i64 = 25_000;
/// From this moment service messages are charged beyond the free allowance, and utility templates inside of the window too.
const CHARGED_FROM_MS: i64 = 1_790_812_800_000;
/// From this moment each message is charged by itself; before it was the conversation.
const BY_MESSAGE_FROM_MS: i64 = 1_751_328_000_000;
/// How long after a message from an advertisement the business can open the free entry point by its answer.
const ANSWER_WITHIN_MS: i64 = 24 * 3_600_000;
/// How long the free entry point lasts.
const FREE_ENTRY_MS: i64 = 72 * 3_600_000;
/// Free service messages per number and month since then.
const FREE_SERVICE_MESSAGES: u32 = 1_000;

impl State {
    /// Moves a message of the business on and queues the webhook. Returns the number of the webhook.
    pub fn progress(&mut self, handset_id: &str, wamid: &str, to: Progress, error: Option<i64>) -> Option<u64> {
        let now = self.now();
        let config = self.config.clone();
        let handset = self.handsets.get_mut(handset_id)?;
        let message = handset.chat.find_mut(wamid)?;
        message.status = Some(to);
        let outbound = message.outbound.as_mut()?;
        if matches!(to, Progress::Delivered | Progress::Read) {
            outbound.reached_handset = true;
        }
        let outbound = outbound.clone();
        let status = match to {
            Progress::Sent => "sent",
            Progress::Delivered => "delivered",
            Progress::Read => "read",
            Progress::Played => "played",
            Progress::Failed => "failed",
        };
        let error_object = error.map(payload::webhook_error);
        let update = StatusUpdate { wamid, status, timestamp: now / 1000, error: error_object.as_ref() };
        let body = payload::status(&config, handset, &outbound, &update);
        let entry = self.record(Fact::WaStatus { wamid: wamid.to_owned(), status, code: error });
        self.page(Some(handset_id), "chat");
        Some(self.queue_webhook(&body, Some(entry)))
    }

    /// A message of the business reaches the phone, unless the customer has blocked the business.
    pub fn message_reaches_handset(&mut self, handset_id: &str, wamid: &str) -> Option<u64> {
        let handset = self.handsets.get_mut(handset_id)?;
        if !handset.online || handset.blocked {
            return None;
        }
        handset.chat.unread += 1;
        if take_one(&mut self.faults.skip_delivered) {
            let message = handset.chat.find_mut(wamid)?;
            message.status = Some(Progress::Delivered);
            message.outbound.as_mut()?.reached_handset = true;
            self.page(Some(handset_id), "chat");
            return None;
        }
        self.progress(handset_id, wamid, Progress::Delivered, None)
    }

    /// The phone is reachable again: everything that waited arrives, in order.
    pub fn handset_reachable(&mut self, handset_id: &str) {
        self.deliver_waiting_sms(handset_id);
        let Some(handset) = self.handsets.get(handset_id) else { return };
        let waiting: Vec<String> = handset
            .chat
            .messages
            .iter()
            .filter(|m| m.status == Some(Progress::Sent) && m.outbound.as_ref().is_some_and(|o| !o.reached_handset))
            .map(|m| m.id.clone())
            .collect();
        for wamid in waiting {
            self.message_reaches_handset(handset_id, &wamid);
        }
    }

    /// The chat is on the screen: what is unread becomes read, and the business is told if read receipts are on.
    pub fn open_chat(&mut self, handset_id: &str) {
        let Some(handset) = self.handsets.get_mut(handset_id) else { return };
        handset.chat.unread = 0;
        let tell = handset.read_receipts;
        let mut unread = Vec::new();
        for message in &mut handset.chat.messages {
            if message.direction == Direction::In && message.status == Some(Progress::Delivered) {
                message.status = Some(Progress::Read);
                unread.push(message.id.clone());
            }
        }
        if tell {
            for wamid in unread {
                self.progress(handset_id, &wamid, Progress::Read, None);
            }
        }
        self.page(Some(handset_id), "handset");
    }

    /// The customer listens to a voice message: it is read, and played. `None` when there is no such message.
    pub fn play(&mut self, handset_id: &str, wamid: &str) -> Option<()> {
        self.open_chat(handset_id);
        let handset = self.handsets.get_mut(handset_id)?;
        let tell = handset.read_receipts;
        let message = handset.chat.find_mut(wamid).filter(|message| message.direction == Direction::In)?;
        if !message.media.as_ref().is_some_and(|media| media.voice) || message.status == Some(Progress::Played) {
            return Some(());
        }
        message.status = Some(Progress::Played);
        if tell {
            self.progress(handset_id, wamid, Progress::Played, None);
        }
        Some(())
    }

    /// The business has read a message of the customer, and everything before it. `None` when there is no such message.
    pub fn business_read(&mut self, wamid: &str, typing: Typing) -> Option<()> {
        let now = self.now();
        let handset_id = self.chat_of.get(wamid)?.clone();
        let chat = &mut self.handsets.get_mut(&handset_id)?.chat;
        let last = chat.messages.iter().position(|m| m.id == wamid && m.direction == Direction::Out)?;
        for message in chat.messages[..=last].iter_mut().filter(|m| m.direction == Direction::Out) {
            message.status = Some(Progress::Read);
        }
        if typing == Typing::Shown {
            chat.typing_until = now + TYPING_MS;
        }
        self.record(Fact::WaRead { wamid: wamid.to_owned() });
        self.page(Some(&handset_id), "chat");
        Some(())
    }

    /// The product has taken a message of the customer: the handset shows it as delivered.
    pub fn show_acknowledged(&mut self, entry: EntryNumber) {
        match self.ledger.fact(entry) {
            Some(Fact::WaInbound { wamid, handset_id, .. }) => {
                let (wamid, handset_id) = (wamid.clone(), handset_id.clone());
                let message = self.handsets.get_mut(&handset_id).and_then(|handset| handset.chat.find_mut(&wamid));
                if let Some(message) = message.filter(|message| message.status == Some(Progress::Sent)) {
                    message.status = Some(Progress::Delivered);
                    self.page(Some(&handset_id), "chat");
                }
            }
            Some(Fact::SmsInbound { id, from, .. }) => {
                let (id, handset_id) = (id.clone(), crate::config::digits(from));
                let sms =
                    self.handsets.get_mut(&handset_id).and_then(|h| h.sms.iter_mut().rev().find(|sms| sms.id == id));
                if let Some(sms) = sms {
                    "acked".clone_into(&mut sms.receipt_state);
                    self.page(Some(&handset_id), "sms");
                }
            }
            _ => {}
        }
    }

    /// Until when a message to this customer is free because of an advertisement; the first answer to one opens that.
    pub fn free_entry(&mut self, handset_id: &str) -> Option<i64> {
        let now = self.now();
        let chat = &mut self.handsets.get_mut(handset_id)?.chat;
        if chat.referred_at.is_some_and(|at| now - at < ANSWER_WITHIN_MS) {
            chat.referred_at = None;
            chat.free_entry_until = Some(now + FREE_ENTRY_MS);
        }
        chat.free_entry_until.filter(|until| *until > now)
    }

    /// The pricing object of a message by the price list of its day.
    pub fn pricing(
        &mut self,
        category: Option<&str>,
        window_open: WindowState,
        free_entry_until: Option<i64>,
    ) -> Value {
        let now = self.now();
        if now < BY_MESSAGE_FROM_MS {
            // Conversations: what is written within the window is a service conversation, and those were free.
            let category = match (category, free_entry_until) {
                (_, Some(_)) => "referral_conversion".to_owned(),
                (Some(category), None) => category.to_lowercase(),
                (None, None) => "service".to_owned(),
            };
            let billable = !matches!(category.as_str(), "service" | "referral_conversion");
            return json!({"billable": billable, "pricing_model": "CBP", "category": category});
        }
        if free_entry_until.is_some() {
            let category = category.map_or_else(|| "service".to_owned(), str::to_lowercase);
            return json!({"billable": false, "pricing_model": "PMP", "type": "free_entry_point", "category": category});
        }
        let charged_now = now >= CHARGED_FROM_MS;
        let category = category.map_or_else(|| "service".to_owned(), str::to_lowercase);
        let free = match category.as_str() {
            "service" if charged_now => {
                let day = jiff::Timestamp::from_millisecond(now).unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC);
                let used = self.service_messages.entry((day.year(), day.month())).or_default();
                *used += 1;
                *used <= FREE_SERVICE_MESSAGES
            }
            "service" => true,
            "utility" => !charged_now && window_open == WindowState::Open,
            _ => false,
        };
        let kind = if free { "free_customer_service" } else { "regular" };
        json!({"billable": !free, "pricing_model": "PMP", "type": kind, "category": category})
    }
}

/// Whether a read request also shows the typing dots.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Typing {
    Shown,
    Left,
}

/// The 24-hour service window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WindowState {
    Open,
    Closed,
}
