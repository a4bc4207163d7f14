//! Slows down guessing of link codes: an address that keeps asking for unknown codes is told to wait.
//!
//! Known codes are always followed, whatever the address did before: behind one address of a mobile carrier are
//! thousands of customers, and a hit needs 2^53 guesses, so there is nothing to gain by refusing them.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use segue_model::{Timestamp, time};

/// Misses per address and minute that are answered normally.
const BURST: u32 = 20;
/// Milliseconds after which one more miss is answered normally.
const REFILL: i64 = time::MINUTE / BURST as i64;
/// Addresses remembered at most.
const SIZE: usize = 10_000;

/// Whether a miss is within the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Miss {
    WithinLimit,
    TooMany,
}

/// One token bucket per address.
#[derive(Default)]
pub(crate) struct MissLimiter {
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

struct Bucket {
    tokens: u32,
    refilled_at: Timestamp,
}

impl Bucket {
    fn refill(&mut self, now: Timestamp) {
        let earned = now.since(self.refilled_at).max(0) / REFILL;
        self.tokens = self.tokens.saturating_add(u32::try_from(earned).unwrap_or(BURST)).min(BURST);
        self.refilled_at = self.refilled_at.plus(earned * REFILL);
    }
}

impl MissLimiter {
    /// Counts a miss.
    pub(crate) fn count(&self, address: IpAddr, now: Timestamp) -> Miss {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= SIZE && !buckets.contains_key(&address) {
            buckets.retain(|_, bucket| {
                bucket.refill(now);
                bucket.tokens < BURST
            });
            if buckets.len() >= SIZE {
                // Under attack from everywhere: whoever is new waits, and memory stays bounded.
                return Miss::TooMany;
            }
        }
        let bucket = buckets.entry(address).or_insert(Bucket { tokens: BURST, refilled_at: now });
        bucket.refill(now);
        if bucket.tokens == 0 {
            return Miss::TooMany;
        }
        bucket.tokens -= 1;
        Miss::WithinLimit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_misses_then_one_more_every_three_seconds() {
        let (limiter, address, start) = (MissLimiter::default(), IpAddr::from([192, 0, 2, 1]), Timestamp(0));
        for _ in 0..BURST {
            assert_eq!(limiter.count(address, start), Miss::WithinLimit);
        }
        assert_eq!(limiter.count(address, start), Miss::TooMany);
        assert_eq!(limiter.count(IpAddr::from([192, 0, 2, 2]), start), Miss::WithinLimit);
        assert_eq!(limiter.count(address, start.plus(REFILL - 1)), Miss::TooMany);
        assert_eq!(limiter.count(address, start.plus(REFILL)), Miss::WithinLimit);
        assert_eq!(limiter.count(address, start.plus(REFILL)), Miss::TooMany);
    }

    #[test]
    fn memory_is_bounded_and_recovers() {
        let limiter = MissLimiter::default();
        for number in 0..u32::try_from(SIZE).unwrap() {
            limiter.count(IpAddr::from(number.to_be_bytes()), Timestamp(0));
        }
        let late = IpAddr::from([203, 0, 113, 9]);
        assert_eq!(limiter.count(late, Timestamp(0)), Miss::TooMany);
        assert_eq!(limiter.count(late, Timestamp(time::MINUTE)), Miss::WithinLimit);
        assert!(limiter.buckets.lock().unwrap().len() <= SIZE);
    }
}
