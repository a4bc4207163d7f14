//! How much the platform takes of a number at a time: in all, and to one customer. Off until they are set.
//!
//! To one customer the platform takes a message every six seconds. Up to 45 may come within six seconds, borrowed from the time
//! to come: after them nothing is taken until that time is over (131056). In all it takes 80 messages a second, those of
//! customers included (130429).

use crate::state::State;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Pairs remembered before those whose time is over are forgotten.
const REMEMBERED: usize = 10_000;
/// From so many messages a second the number tells its level as `HIGH`.
const HIGH: u32 = 1_000;

/// The limits that are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Limits {
    /// To one customer.
    pub pair: Option<PairLimit>,
    /// Of the number, messages of customers included.
    pub throughput: Option<Throughput>,
}

/// The limit of one customer; the documented one where nothing is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PairLimit {
    /// The time one message takes up.
    pub interval_ms: i64,
    /// How many may come within that time, borrowed from the time to come.
    pub burst: u32,
}

/// The limit of the number; the usual one where nothing is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Throughput {
    pub per_second: u32,
}

impl Default for PairLimit {
    fn default() -> Self {
        Self { interval_ms: 6_000, burst: 45 }
    }
}

impl Default for Throughput {
    fn default() -> Self {
        Self { per_second: 80 }
    }
}

impl Limits {
    /// What is wrong with the values.
    pub fn check(&self) -> Result<(), &'static str> {
        let pair = self.pair.unwrap_or_default();
        if !(1..=3_600_000).contains(&pair.interval_ms) {
            return Err("pair.interval_ms is a number from 1 to 3600000");
        }
        if !(1..=10_000).contains(&pair.burst) {
            return Err("pair.burst is a number from 1 to 10000");
        }
        if !(1..=100_000).contains(&self.throughput.unwrap_or_default().per_second) {
            return Err("throughput.per_second is a number from 1 to 100000");
        }
        Ok(())
    }

    /// What the number tells of its throughput.
    pub fn level(&self) -> &'static str {
        if self.throughput.is_some_and(|limit| limit.per_second >= HIGH) { "HIGH" } else { "STANDARD" }
    }
}

/// What has been used of the limits.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    pairs: HashMap<String, Pair>,
    /// Thousandths of messages that may still come at once, and since when that holds.
    number: Option<(i64, i64)>,
}

#[derive(Clone, Copy, Debug)]
struct Pair {
    burst_at: i64,
    in_burst: u32,
    /// When all that was taken is paid for.
    paid_at: i64,
}

impl Usage {
    /// Takes a message to `handset_id`, or says with which code it is refused; nothing is used up then.
    fn take(&mut self, limits: Limits, handset_id: Option<&str>, now: i64) -> Result<(), i64> {
        let pair = match (limits.pair, handset_id) {
            (Some(limit), Some(id)) => Some((id, self.next(limit, id, now).ok_or(131_056)?)),
            _ => None,
        };
        if let Some(limit) = limits.throughput
            && !self.take_of_number(limit, now)
        {
            return Err(130_429);
        }
        if let Some((id, pair)) = pair {
            if self.pairs.len() >= REMEMBERED {
                self.pairs.retain(|_, pair| pair.paid_at > now);
            }
            self.pairs.insert(id.to_owned(), pair);
        }
        Ok(())
    }

    /// The pair after one more message; nothing when that is too much.
    fn next(&self, limit: PairLimit, id: &str, now: i64) -> Option<Pair> {
        let first = Pair { burst_at: now, in_burst: 1, paid_at: now + limit.interval_ms };
        match self.pairs.get(id) {
            // Before its burst: somebody turned the clock back.
            Some(pair) if (pair.burst_at..pair.paid_at).contains(&now) => {
                let within = now - pair.burst_at < limit.interval_ms && pair.in_burst < limit.burst;
                within.then_some(Pair {
                    in_burst: pair.in_burst + 1,
                    paid_at: pair.paid_at + limit.interval_ms,
                    ..*pair
                })
            }
            _ => Some(first),
        }
    }

    /// A bucket that holds what one second may bring.
    fn take_of_number(&mut self, limit: Throughput, now: i64) -> bool {
        let full = i64::from(limit.per_second) * 1_000;
        let left = match self.number {
            Some((left, at)) if at <= now => {
                left.saturating_add((now - at).saturating_mul(i64::from(limit.per_second))).min(full)
            }
            _ => full,
        };
        let is_enough = left >= 1_000;
        self.number = Some((if is_enough { left - 1_000 } else { left }, now));
        is_enough
    }
}

impl State {
    /// Other limits from now on; what was used of the old ones is forgotten.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
        self.usage = Usage::default();
    }

    /// Takes a message of the business, or says with which code it is refused.
    pub fn take_of_limits(&mut self, handset_id: Option<&str>) -> Result<(), i64> {
        let now = self.now();
        self.usage.take(self.limits, handset_id, now)
    }

    /// A message of a customer uses up throughput; none is refused for that.
    pub fn count_inbound(&mut self) {
        let now = self.now();
        if let Some(limit) = self.limits.throughput {
            self.usage.take_of_number(limit, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { pair: Some(PairLimit { interval_ms: 6_000, burst: 45 }), throughput: None };

    #[test]
    fn a_burst_to_one_customer_is_paid_for_before_the_next_message() {
        let mut usage = Usage::default();
        let taken = (0..50).filter(|n| usage.take(LIMITS, Some("ann"), 100 * n).is_ok()).count();
        assert_eq!(taken, 45);
        assert_eq!(usage.take(LIMITS, Some("bob"), 5_000), Ok(()), "another customer is another pair");
        assert_eq!(usage.take(LIMITS, Some("ann"), 6_000), Err(131_056), "the burst is over, its time is not");
        assert_eq!(usage.take(LIMITS, Some("ann"), 45 * 6_000 - 1), Err(131_056));
        assert_eq!(usage.take(LIMITS, Some("ann"), 45 * 6_000), Ok(()));
    }

    #[test]
    fn one_message_in_six_seconds_goes_on_for_ever_and_a_clock_turned_back_stops_nothing() {
        let mut usage = Usage::default();
        assert!((0..1_000).all(|n| usage.take(LIMITS, Some("ann"), 6_000 * n).is_ok()));
        assert_eq!(usage.take(LIMITS, Some("ann"), 0), Ok(()));
    }

    #[test]
    fn the_number_takes_so_many_a_second_and_what_is_refused_uses_up_nothing() {
        let limits = Limits { pair: LIMITS.pair, throughput: Some(Throughput { per_second: 80 }) };
        let mut usage = Usage::default();
        let mut send = |n: u32, at: i64| {
            let id = format!("customer {n}");
            usage.take(limits, Some(&id), at)
        };
        assert_eq!((0..100).filter(|n| send(*n, 0).is_ok()).count(), 80);
        assert_eq!(send(99, 0), Err(130_429));
        assert_eq!(send(99, 12), Err(130_429));
        assert_eq!(send(99, 13), Ok(()), "one more after an eightieth of a second");
        assert_eq!((100..400).filter(|n| send(*n, 10_000).is_ok()).count(), 80, "no more than a second is saved up");
        let mut usage = Usage::default();
        let few = Limits { throughput: Some(Throughput { per_second: 1 }), ..limits };
        assert_eq!(usage.take(few, Some("ann"), 0), Ok(()));
        assert!((0..60).all(|_| usage.take(few, Some("bob"), 0) == Err(130_429)));
        assert_eq!(usage.pairs.len(), 1, "a refused message takes nothing of the pair");
    }
}
