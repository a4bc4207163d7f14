//! The messages a connection is working on: segments that wait, segments on their way, and what is known of each.
//!
//! Invariant: every message that was admitted gets exactly one outcome — when its last part is settled, or when the
//! window is closed because the connection ended.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasherDefault, Hasher},
    time::Duration,
};

use slab::Slab;
use tokio::time::Instant;

use super::{
    outcome::{PartResult, SubmitOutcome, combine},
    queue::{Replies, Reply, Request},
    submit::Encoded,
};
use crate::ErrorClass;

/// Largest sequence number (SMPP 3.4, 3.2); the next is 1.
const LAST_SEQUENCE: u32 = 0x7FFF_FFFF;
/// How long the parts of a partly accepted message are offered again to a carrier that asks to slow down, before it is
/// given up as unknown.
const OFFERED_FOR: Duration = Duration::from_secs(180);
/// How long they wait each time, doubled from the first to the longest. Before the first time they do not wait: the rate
/// has just been lowered.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// How long parts wait that a carrier had no room for, by how often that has happened.
const QUEUE_FULL: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(30)];

/// One part of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    message: usize,
    index: usize,
}

struct Message {
    reply: Reply,
    encoded: Encoded,
    /// One for each part; empty for a message of one part, whose only result is its outcome.
    parts: Vec<PartResult>,
    open: usize,
    /// How often its parts were offered again after being asked to slow down, and since when.
    throttled: u32,
    throttled_since: Option<Instant>,
    /// How often the carrier had no room for them.
    full: usize,
}

/// A segment handed to the socket.
struct Sent {
    segment: Segment,
    /// Position of its last octet in the stream of this connection.
    end: u64,
    at: Instant,
}

/// What an answer was about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answered {
    /// How long the carrier took.
    pub took: Duration,
    /// Whether it asked to slow down.
    pub throttled: bool,
}

/// The window of one connection.
pub(super) struct Window {
    size: usize,
    response_timeout: Duration,
    waiting: VecDeque<Segment>,
    /// Parts that a carrier had no room for, until their time comes.
    later: Vec<(Instant, Segment)>,
    sent: HashMap<u32, Sent, BuildHasherDefault<SequenceHasher>>,
    /// When segments were sent, in order; entries of answered segments are skipped when they come up.
    order: VecDeque<(Instant, u32)>,
    messages: Slab<Message>,
    next_sequence: u32,
    /// The connection is gone: nothing is offered again.
    is_over: bool,
    pub replies: Replies,
}

impl Window {
    pub fn new(size: usize, response_timeout: Duration, first_sequence: u32) -> Self {
        Self {
            size: size.max(1),
            response_timeout,
            waiting: VecDeque::new(),
            later: Vec::new(),
            sent: HashMap::default(),
            order: VecDeque::new(),
            messages: Slab::new(),
            next_sequence: first_sequence.clamp(1, LAST_SEQUENCE),
            is_over: false,
            replies: Replies::default(),
        }
    }

    /// The next sequence number, skipping any that is still open.
    pub fn sequence(&mut self) -> u32 {
        loop {
            let sequence = self.next_sequence;
            self.next_sequence = if sequence >= LAST_SEQUENCE { 1 } else { sequence + 1 };
            if !self.sent.contains_key(&sequence) {
                return sequence;
            }
        }
    }

    /// Whether another message may be admitted: enough waits already when a window's worth does.
    pub fn has_room(&self) -> bool {
        self.waiting.len() < self.size
    }

    /// Whether nothing waits and nothing is on its way.
    pub fn is_idle(&self) -> bool {
        self.messages.is_empty()
    }

    /// Segments without an answer.
    pub fn in_flight(&self) -> usize {
        self.sent.len()
    }

    /// Takes a message in, behind the others.
    pub fn admit(&mut self, request: Request) {
        let count = request.encoded.len();
        let parts = if count == 1 { Vec::new() } else { vec![PartResult::Waiting; count] };
        let Request { encoded, reply } = request;
        let message = Message { reply, encoded, parts, open: count, throttled: 0, throttled_since: None, full: 0 };
        let message = self.messages.insert(message);
        self.waiting.extend((0..count).map(|index| Segment { message, index }));
    }

    /// The next segment that the window lets out: its PDU and what it costs in segments.
    pub fn next(&self) -> Option<(Segment, &[u8], u32)> {
        if self.sent.len() >= self.size {
            return None;
        }
        let segment = *self.waiting.front()?;
        let encoded = &self.messages.get(segment.message)?.encoded;
        Some((segment, encoded.pdu(segment.index), encoded.segments))
    }

    /// That segment was handed to the socket.
    pub fn sent(&mut self, sequence: u32, segment: Segment, end: u64, at: Instant) {
        self.waiting.pop_front();
        self.sent.insert(sequence, Sent { segment, end, at });
        self.order.push_back((at, sequence));
    }

    /// The carrier answered. `None` when no open segment has this number: an answer after its deadline, or one that was
    /// never asked for.
    pub fn answered(&mut self, sequence: u32, result: PartResult, now: Instant) -> Option<Answered> {
        let Sent { segment, at, .. } = self.sent.remove(&sequence)?;
        let throttled = result.is_throttled();
        self.settle(segment, result, now);
        Some(Answered { took: now.saturating_duration_since(at), throttled })
    }

    /// When something has to be done about time: the oldest open segment is overdue, or parts may be offered again.
    pub fn next_deadline(&mut self) -> Option<Instant> {
        let overdue = self.oldest().map(|at| at + self.response_timeout);
        let later = self.later.iter().map(|(at, _)| *at).min();
        overdue.into_iter().chain(later).min()
    }

    fn oldest(&mut self) -> Option<Instant> {
        while let Some((at, sequence)) = self.order.front() {
            if self.sent.get(sequence).is_some_and(|sent| sent.at == *at) {
                return Some(*at);
            }
            self.order.pop_front();
        }
        None
    }

    /// Gives up on segments whose answer is overdue, and offers those again whose time has come. Returns how many were
    /// given up.
    pub fn tick(&mut self, now: Instant) -> usize {
        let mut given_up = 0;
        while self.oldest().is_some_and(|at| at + self.response_timeout <= now) {
            if let Some((_, sequence)) = self.order.pop_front()
                && let Some(sent) = self.sent.remove(&sequence)
            {
                given_up += 1;
                let reason = "The carrier did not answer in time.".to_owned();
                self.settle(sent.segment, PartResult::Unknown(reason), now);
            }
        }
        let waiting = &mut self.waiting;
        self.later.retain(|(at, segment)| {
            let due = *at <= now;
            if due {
                waiting.push_back(*segment);
            }
            !due
        });
        given_up
    }

    /// The connection ended after `written` octets of its stream had been handed to the network. What was written whole
    /// may have arrived; what was not cannot have.
    pub fn close(&mut self, written: u64, reason: &str, now: Instant) {
        let mut sent: Vec<Sent> = self.sent.drain().map(|(_, sent)| sent).collect();
        sent.sort_by_key(|sent| sent.end);
        self.is_over = true;
        for Sent { segment, end, .. } in sent {
            let result = if end <= written {
                PartResult::Unknown(format!("The connection ended before the carrier answered: {reason}"))
            } else {
                not_sent(reason)
            };
            self.settle(segment, result, now);
        }
        let later: Vec<Segment> = self.later.drain(..).map(|(_, segment)| segment).collect();
        let waiting: Vec<Segment> = self.waiting.drain(..).collect();
        for segment in waiting.into_iter().chain(later) {
            self.settle(segment, not_sent(reason), now);
        }
        self.replies.flush();
    }

    fn settle(&mut self, segment: Segment, result: PartResult, now: Instant) {
        let Some(message) = self.messages.get_mut(segment.message) else { return };
        if message.parts.is_empty() {
            let message = self.messages.remove(segment.message);
            self.replies.add(message.reply, result.into());
            return;
        }
        message.parts[segment.index] = result;
        message.open -= 1;
        if message.open == 0 {
            self.settle_message(segment.message, now);
        }
    }

    /// All parts of a message have their answer.
    fn settle_message(&mut self, id: usize, now: Instant) {
        let message = &mut self.messages[id];
        if !self.is_over
            && let Some(again) = message.offer_again(now)
        {
            let held: Vec<Segment> = (0..message.parts.len())
                .filter(|index| message.parts[*index].is_not_now())
                .map(|index| Segment { message: id, index })
                .collect();
            message.open = held.len();
            for segment in &held {
                message.parts[segment.index] = PartResult::Waiting;
            }
            match again {
                Again::Next => held.into_iter().rev().for_each(|segment| self.waiting.push_front(segment)),
                Again::After(wait) => self.later.extend(held.into_iter().map(|segment| (now + wait, segment))),
            }
            return;
        }
        let message = self.messages.remove(id);
        let outcome: SubmitOutcome = combine(message.parts);
        self.replies.add(message.reply, outcome);
    }
}

/// When parts are offered again.
enum Again {
    /// Before anything else; the rate has been lowered.
    Next,
    After(Duration),
}

impl Message {
    /// Some parts were taken and the others were only told "not now": those others must follow, or the phone never
    /// shows the message.
    fn offer_again(&mut self, now: Instant) -> Option<Again> {
        let accepted = self.parts.iter().any(|part| matches!(part, PartResult::Accepted(_)));
        let rest_not_now = self.parts.iter().all(|part| matches!(part, PartResult::Accepted(_)) || part.is_not_now());
        let held = self.parts.iter().any(PartResult::is_not_now);
        if !(accepted && rest_not_now && held) {
            return None;
        }
        if self.parts.iter().any(PartResult::is_queue_full) {
            let wait = QUEUE_FULL.get(self.full).copied()?;
            self.full += 1;
            return Some(Again::After(wait));
        }
        let since = *self.throttled_since.get_or_insert(now);
        if now.saturating_duration_since(since) >= OFFERED_FOR {
            return None;
        }
        let doublings = self.throttled;
        self.throttled = doublings.saturating_add(1);
        Some(match doublings.checked_sub(1) {
            None => Again::Next,
            Some(doublings) => Again::After(FIRST_WAIT.saturating_mul(1 << doublings.min(10)).min(LONGEST_WAIT)),
        })
    }
}

fn not_sent(reason: &str) -> PartResult {
    PartResult::NotSent { class: ErrorClass::ProviderDown, code: None, reason: reason.to_owned() }
}

/// Sequence numbers are ours and count up, so one multiplication spreads them as well as a cryptographic hash would.
#[derive(Debug, Default)]
struct SequenceHasher(u64);

impl Hasher for SequenceHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, octets: &[u8]) {
        for octet in octets {
            self.write_u32(u32::from(*octet));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
