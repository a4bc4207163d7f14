//! How the carrier misbehaves over SMPP, and what it has seen.
//!
//! Counts are kept over all connections: "every seventh" means every seventh submit_sm the carrier reads.

use crate::faults::CodeTimes;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// The switches of a carrier that does not do what one would like. 0 and false are off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CarrierFaults {
    /// The next `times` binds are refused with this command status.
    pub refuse_binds: Option<CodeTimes<u32>>,
    /// Everything is read and nothing is answered, not even enquire_link.
    pub mute: bool,
    /// Answers leave in random order.
    pub shuffle: bool,
    /// Every so-many-th submit_sm is accepted and not answered. 1 means that only receipts tell of messages.
    pub swallow_every: u32,
    /// Above so many submit_sm within a second, ESME_RTHROTTLED is answered.
    pub most_per_second: u32,
    /// Every so-many-th submit_sm is answered with ESME_RMSGQFUL.
    pub full_every: u32,
    /// Every so-many-th submit_sm is accepted, not answered, and ends its connection.
    pub cut_every: u32,
    /// Parts of long messages with this number are refused, `times` times.
    pub refuse_part: Option<RefusedPart>,
    /// Ids are hexadecimal in answers and decimal in receipts.
    pub hex_answers: bool,
    /// Each receipt is sent so many times more.
    pub duplicate_receipts: u32,
    /// Each message has a receipt ENROUTE, too.
    pub enroute_receipts: bool,
    /// Receipts leave in random order.
    pub shuffle_receipts: bool,
    /// The carrier asks for a sign of life this often (machine time).
    pub enquire_link_ms: u64,
    /// For load: nothing is written down but counts, there are no handsets, and receipts leave with the answers.
    pub fast: bool,
}

/// Which part is refused, how, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedPart {
    /// Its number, from 1.
    pub part: u8,
    /// The command status.
    pub code: u32,
    /// How often.
    pub times: u32,
}

/// What came over the wire.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    /// submit_sm read, whatever was answered.
    pub submits: u64,
    /// submit_sm answered with ESME_RTHROTTLED.
    pub throttled: u64,
    /// Most submit_sm of one connection that had no answer yet.
    pub most_in_flight: usize,
    /// Most submit_sm within one second.
    pub most_within_a_second: usize,
    /// enquire_link of ours that were answered.
    pub enquire_links_answered: u64,
    /// Bind requests, refused ones too.
    pub bind_requests: u64,
    /// Accepted segments by recipient.
    pub by_recipient: HashMap<u64, u32>,
    last_second: VecDeque<Instant>,
}

/// What is done with a submit_sm because of the switches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whim {
    /// Nothing out of the ordinary.
    None,
    /// Refused with this status.
    Refuse(u32),
    /// Accepted and not answered.
    Swallow,
    /// Accepted, not answered, and the connection ends.
    Cut,
}

impl Traffic {
    /// Takes note of a submit_sm and says what the switches do with it.
    pub fn submit(&mut self, faults: &mut CarrierFaults, now: Instant, part: Option<u8>) -> Whim {
        self.submits += 1;
        let second = Duration::from_secs(1);
        while self.last_second.front().is_some_and(|at| now.duration_since(*at) >= second) {
            self.last_second.pop_front();
        }
        let limit = usize::try_from(faults.most_per_second).unwrap_or(usize::MAX);
        let too_fast = limit > 0 && self.last_second.len() >= limit;
        if too_fast {
            self.throttled += 1;
            return Whim::Refuse(0x58);
        }
        self.last_second.push_back(now);
        self.most_within_a_second = self.most_within_a_second.max(self.last_second.len());
        if let Some(refused) = &mut faults.refuse_part
            && part == Some(refused.part)
            && refused.times > 0
        {
            refused.times -= 1;
            return Whim::Refuse(refused.code);
        }
        let every = |n: u32| n > 0 && self.submits.is_multiple_of(u64::from(n));
        if every(faults.full_every) {
            Whim::Refuse(0x14)
        } else if every(faults.cut_every) {
            Whim::Cut
        } else if every(faults.swallow_every) {
            Whim::Swallow
        } else {
            Whim::None
        }
    }

    /// A segment to this recipient was accepted.
    pub fn accepted(&mut self, recipient: &[u8]) {
        let number = recipient
            .iter()
            .filter(|digit| digit.is_ascii_digit())
            .fold(0u64, |number, digit| number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')));
        *self.by_recipient.entry(number).or_default() += 1;
    }

    /// As the status shows it.
    pub fn view(&self) -> serde_json::Value {
        serde_json::json!({
            "submits": self.submits,
            "throttled": self.throttled,
            "most_in_flight": self.most_in_flight,
            "most_within_a_second": self.most_within_a_second,
            "enquire_links_answered": self.enquire_links_answered,
            "bind_requests": self.bind_requests,
            "recipients": self.by_recipient.len(),
            "recipients_with_several": self.by_recipient.values().filter(|count| **count > 1).count(),
        })
    }
}

/// The form of an id in an answer to a submit_sm.
pub(crate) fn answered_id(faults: &CarrierFaults, message_id: String) -> String {
    match message_id.parse::<u64>() {
        Ok(number) if faults.hex_answers => format!("{number:X}"),
        _ => message_id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_holds_for_every_second() {
        let (mut traffic, start) = (Traffic::default(), Instant::now());
        let mut faults = CarrierFaults { most_per_second: 3, ..CarrierFaults::default() };
        let mut taken = |at: u64| {
            (0..5)
                .filter(|_| traffic.submit(&mut faults, start + Duration::from_millis(at), None) == Whim::None)
                .count()
        };
        assert_eq!([taken(0), taken(999), taken(1_000)], [3, 0, 3]);
        assert_eq!((traffic.throttled, traffic.most_within_a_second), (9, 3));
    }

    #[test]
    fn every_so_many_and_parts() {
        let (mut traffic, now) = (Traffic::default(), Instant::now());
        let mut faults = CarrierFaults {
            swallow_every: 3,
            full_every: 4,
            refuse_part: Some(RefusedPart { part: 2, code: 0x45, times: 1 }),
            ..CarrierFaults::default()
        };
        let whims: Vec<Whim> =
            [None, Some(2), None, None, Some(2)].map(|part| traffic.submit(&mut faults, now, part)).to_vec();
        assert_eq!(whims, [Whim::None, Whim::Refuse(0x45), Whim::Swallow, Whim::Refuse(0x14), Whim::None]);
    }

    #[test]
    fn recipients_are_counted() {
        let mut traffic = Traffic::default();
        for number in ["15550100", "15550101", "15550100"] {
            traffic.accepted(number.as_bytes());
        }
        let view = traffic.view();
        assert_eq!((view["recipients"].as_u64(), view["recipients_with_several"].as_u64()), (Some(2), Some(1)));
        let hex = CarrierFaults { hex_answers: true, ..CarrierFaults::default() };
        assert_eq!(answered_id(&hex, "255".to_owned()), "FF");
        assert_eq!(answered_id(&CarrierFaults::default(), "255".to_owned()), "255");
    }
}
