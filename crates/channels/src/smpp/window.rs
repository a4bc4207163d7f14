//! The messages a connection is working on: segments that wait, segments on their way, and what is known of each.
//!
//! Invariant: every message that was admitted gets exactly one outcome — when its last part is settled, or when the
//! window is closed because the connection ended.

use std::collections::{HashMap, VecDeque};

use rusmpp::pdus::SubmitSm;
use tokio::{sync::oneshot, time::Instant};

use super::outcome::{PartResult, SubmitOutcome, combine};
use crate::ErrorClass;

/// Largest sequence number (SMPP 3.4, 3.2); the next is 1.
const LAST_SEQUENCE: u32 = 0x7FFF_FFFF;
/// How often the parts of a partly accepted message are offered again before it is given up as unknown.
const MOST_RETRIES: u32 = 20;

/// A message handed to the connection.
pub(super) struct Request {
    pub pdus: Vec<SubmitSm>,
    pub reply: oneshot::Sender<SubmitOutcome>,
}

/// One part of a message.
pub(super) struct Segment {
    message: u64,
    index: usize,
    pub pdu: SubmitSm,
}

struct Message {
    reply: oneshot::Sender<SubmitOutcome>,
    parts: Vec<PartResult>,
    /// Parts "not now" was said to, kept to be offered again once it is clear whether others were taken.
    held: Vec<Segment>,
    open: usize,
    retries: u32,
}

/// A segment handed to the socket.
struct Sent {
    segment: Segment,
    /// Position of its last octet in the stream of this connection.
    end: u64,
}

/// The window of one connection.
pub(super) struct Window {
    size: usize,
    waiting: VecDeque<Segment>,
    sent: HashMap<u32, Sent>,
    /// Deadlines in the order of sending; entries of answered segments are skipped when they come up.
    deadlines: VecDeque<(Instant, u32)>,
    messages: HashMap<u64, Message>,
    next_message: u64,
    next_sequence: u32,
}

impl Window {
    pub fn new(size: usize, first_sequence: u32) -> Self {
        Self {
            size: size.max(1),
            waiting: VecDeque::new(),
            sent: HashMap::new(),
            deadlines: VecDeque::new(),
            messages: HashMap::new(),
            next_message: 0,
            next_sequence: first_sequence.clamp(1, LAST_SEQUENCE),
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
        self.waiting.is_empty() && self.sent.is_empty()
    }

    /// Takes a message in, behind the others.
    pub fn admit(&mut self, request: Request) {
        let message = self.next_message;
        self.next_message += 1;
        let count = request.pdus.len();
        self.waiting.extend(request.pdus.into_iter().enumerate().map(|(index, pdu)| Segment { message, index, pdu }));
        let parts = vec![PartResult::Waiting; count];
        self.messages
            .insert(message, Message { reply: request.reply, parts, held: Vec::new(), open: count, retries: 0 });
    }

    /// Whether a segment waits and the window lets it out.
    pub fn is_ready(&self) -> bool {
        !self.waiting.is_empty() && self.sent.len() < self.size
    }

    /// The next segment to write.
    pub fn next_segment(&mut self) -> Option<Segment> {
        if self.is_ready() { self.waiting.pop_front() } else { None }
    }

    /// The segment was handed to the socket.
    pub fn sent(&mut self, sequence: u32, segment: Segment, end: u64, deadline: Instant) {
        self.sent.insert(sequence, Sent { segment, end });
        self.deadlines.push_back((deadline, sequence));
    }

    /// The carrier answered. Returns the result, or `None` when no open segment has this number: an answer after its
    /// deadline, or one that was never asked for.
    pub fn answered(&mut self, sequence: u32, result: PartResult) -> Option<PartResult> {
        let Sent { segment, .. } = self.sent.remove(&sequence)?;
        self.settle(segment, result.clone());
        Some(result)
    }

    /// When the oldest open segment is due.
    pub fn next_deadline(&mut self) -> Option<Instant> {
        while let Some((deadline, sequence)) = self.deadlines.front() {
            if self.sent.contains_key(sequence) {
                return Some(*deadline);
            }
            self.deadlines.pop_front();
        }
        None
    }

    /// Gives up on segments whose answer is overdue.
    pub fn expire(&mut self, now: Instant) {
        while let Some(deadline) = self.next_deadline() {
            if deadline > now {
                return;
            }
            if let Some((_, sequence)) = self.deadlines.pop_front()
                && let Some(sent) = self.sent.remove(&sequence)
            {
                let reason = "The carrier did not answer in time.".to_owned();
                self.settle(sent.segment, PartResult::Unknown(reason));
            }
        }
    }

    /// The connection ended after `written` octets of its stream had been handed to the network. What was written whole
    /// may have arrived; what was not cannot have.
    pub fn close(&mut self, written: u64, reason: &str) {
        let mut sent: Vec<Sent> = self.sent.drain().map(|(_, sent)| sent).collect();
        sent.sort_by_key(|sent| sent.end);
        for Sent { segment, end } in sent {
            let result = if end <= written {
                PartResult::Unknown(format!("The connection ended before the carrier answered: {reason}"))
            } else {
                not_sent(reason)
            };
            self.settle(segment, result);
        }
        // Settling may put parts back in the queue, so the queue comes last.
        while let Some(segment) = self.waiting.pop_front() {
            if let Some(message) = self.messages.get_mut(&segment.message) {
                message.retries = MOST_RETRIES;
            }
            self.settle(segment, not_sent(reason));
        }
    }

    fn settle(&mut self, segment: Segment, result: PartResult) {
        let id = segment.message;
        let Some(message) = self.messages.get_mut(&id) else { return };
        let index = segment.index;
        if result.is_throttled() {
            message.held.push(segment);
        }
        message.parts[index] = result;
        message.open -= 1;
        if message.open > 0 {
            return;
        }
        if message.retries < MOST_RETRIES && message.should_offer_again() {
            message.retries += 1;
            message.open = message.held.len();
            let mut held = std::mem::take(&mut message.held);
            held.sort_by_key(|segment| segment.index);
            for segment in held.into_iter().rev() {
                message.parts[segment.index] = PartResult::Waiting;
                self.waiting.push_front(segment);
            }
            return;
        }
        if let Some(message) = self.messages.remove(&id) {
            // The caller may have gone; then nobody wants the outcome.
            let _ = message.reply.send(combine(message.parts));
        }
    }
}

impl Message {
    /// Some parts were taken and the others were only told "not now": those others must follow, or the phone never
    /// shows the message.
    fn should_offer_again(&self) -> bool {
        let accepted = self.parts.iter().any(|part| matches!(part, PartResult::Accepted(_)));
        let rest_throttled =
            self.parts.iter().all(|part| matches!(part, PartResult::Accepted(_)) || part.is_throttled());
        accepted && rest_throttled && !self.held.is_empty()
    }
}

fn not_sent(reason: &str) -> PartResult {
    PartResult::NotSent { class: ErrorClass::ProviderDown, code: None, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn request(parts: usize) -> (Request, oneshot::Receiver<SubmitOutcome>) {
        let (reply, outcome) = oneshot::channel();
        (Request { pdus: vec![SubmitSm::default(); parts], reply }, outcome)
    }

    /// Lets out what the window allows; each segment is ten octets. Returns the sequence numbers.
    fn let_out(window: &mut Window, written: &mut u64) -> Vec<u32> {
        let mut sequences = Vec::new();
        while let Some(segment) = window.next_segment() {
            let sequence = window.sequence();
            *written += 10;
            window.sent(sequence, segment, *written, Instant::now() + Duration::from_secs(30));
            sequences.push(sequence);
        }
        sequences
    }

    fn taken(id: u32) -> PartResult {
        PartResult::Accepted(id.to_string())
    }

    fn throttled() -> PartResult {
        PartResult::of_response(0x58, String::new())
    }

    #[test]
    fn sequence_numbers_wrap_and_skip_open_ones() {
        let mut window = Window::new(10, LAST_SEQUENCE - 1);
        assert_eq!([window.sequence(), window.sequence(), window.sequence()], [LAST_SEQUENCE - 1, LAST_SEQUENCE, 1]);
        let mut window = Window::new(10, LAST_SEQUENCE);
        let (request, _outcome) = request(2);
        window.admit(request);
        assert_eq!(let_out(&mut window, &mut 0), [LAST_SEQUENCE, 1]);
        window.next_sequence = LAST_SEQUENCE;
        assert_eq!(window.sequence(), 2, "both open numbers are skipped");
    }

    #[test]
    fn throttled_parts_of_a_started_message_go_out_again() {
        let mut window = Window::new(10, 1);
        let (request, mut outcome) = request(3);
        window.admit(request);
        let mut written = 0;
        assert_eq!(let_out(&mut window, &mut written), [1, 2, 3]);
        window.answered(2, throttled());
        window.answered(3, throttled());
        window.answered(1, taken(1));
        assert!(outcome.try_recv().is_err(), "not settled yet");
        assert_eq!(let_out(&mut window, &mut written), [4, 5]);
        window.answered(4, taken(4));
        window.answered(5, taken(5));
        assert_eq!(
            outcome.try_recv().unwrap(),
            SubmitOutcome::Accepted { message_ids: vec!["1".to_owned(), "4".to_owned(), "5".to_owned()] }
        );
        assert!(window.is_idle() && window.messages.is_empty());
    }

    #[test]
    fn closing_tells_what_was_written_from_what_was_not() {
        let mut window = Window::new(2, 1);
        let mut outcomes = Vec::new();
        for _ in 0..3 {
            let (request, outcome) = request(1);
            window.admit(request);
            outcomes.push(outcome);
        }
        let mut written = 0;
        assert_eq!(let_out(&mut window, &mut written), [1, 2]);
        // The second segment was cut in the middle, the third never left the queue.
        window.close(15, "cut");
        let outcomes: Vec<_> = outcomes.iter_mut().map(|outcome| outcome.try_recv().unwrap()).collect();
        assert!(matches!(outcomes[0], SubmitOutcome::Unknown { .. }));
        assert!(matches!(outcomes[1], SubmitOutcome::NotSent { class: ErrorClass::ProviderDown, .. }));
        assert!(matches!(outcomes[2], SubmitOutcome::NotSent { class: ErrorClass::ProviderDown, .. }));
    }

    #[test]
    fn closing_in_the_middle_of_a_message_is_doubt() {
        let mut window = Window::new(1, 1);
        let (request, mut outcome) = request(2);
        window.admit(request);
        let_out(&mut window, &mut 0);
        window.answered(1, taken(1));
        window.close(10, "cut");
        assert!(matches!(outcome.try_recv().unwrap(), SubmitOutcome::Unknown { .. }));
        assert!(window.is_idle());
    }

    #[test]
    fn overdue_segments_free_their_place() {
        let mut window = Window::new(1, 1);
        let (first, mut outcome) = request(1);
        let (second, _second) = request(1);
        window.admit(first);
        window.admit(second);
        assert_eq!(let_out(&mut window, &mut 0), [1]);
        window.expire(Instant::now());
        assert!(outcome.try_recv().is_err());
        window.expire(Instant::now() + Duration::from_secs(31));
        assert!(matches!(outcome.try_recv().unwrap(), SubmitOutcome::Unknown { .. }));
        assert_eq!(let_out(&mut window, &mut 0), [2]);
        assert_eq!(window.answered(1, taken(1)), None, "a late answer settles nothing");
    }
}
