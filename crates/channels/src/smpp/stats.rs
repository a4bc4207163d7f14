//! What an account is doing, for health pages and metrics.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How long a window of response times lasts.
const PERIOD: Duration = Duration::from_secs(30);
/// Classes of response times, four to each doubling of a microsecond.
const CLASSES: usize = 128;

/// A look at an account.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SmppStats {
    /// Connections that are bound.
    pub binds: u32,
    /// Segments without an answer.
    pub in_flight: u32,
    /// Messages that wait for a place in the window or for the rate.
    pub waiting: u32,
    /// Inbound items that are not acknowledged yet.
    pub unacknowledged: u32,
    /// Segments per second allowed at present: less than configured after the carrier asked to slow down.
    pub rate: f64,
    /// Segments written since the start.
    pub sent: u64,
    /// Segments the carrier took.
    pub accepted: u64,
    /// Segments answered with "slow down".
    pub throttled: u64,
    /// Segments answered with any other refusal.
    pub refused: u64,
    /// Segments that stayed without an answer.
    pub unanswered: u64,
    /// Receipts and messages received.
    pub received: u64,
    /// Half of the answers of the last minute came within this time.
    pub response_p50: Option<Duration>,
    /// 99 of 100 did.
    pub response_p99: Option<Duration>,
}

/// What one pass of a connection adds.
#[derive(Debug, Default)]
pub(super) struct Pass {
    pub sent: u64,
    pub accepted: u64,
    pub throttled: u64,
    pub refused: u64,
    pub unanswered: u64,
    pub received: u64,
    pub took: Vec<Duration>,
}

/// Counters shared by the connections of an account.
#[derive(Debug)]
pub(super) struct Counters(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    totals: SmppStats,
    /// Response times of this period and of the one before it.
    times: [[u32; CLASSES]; 2],
    since: Instant,
}

impl Counters {
    pub fn new(now: Instant) -> Self {
        Self(Mutex::new(Inner { totals: SmppStats::default(), times: [[0; CLASSES]; 2], since: now }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a pass and empties it.
    pub fn add(&self, pass: &mut Pass, now: Instant) {
        let mut inner = self.lock();
        inner.turn(now);
        for took in pass.took.drain(..) {
            inner.times[0][class(took)] += 1;
        }
        let totals = &mut inner.totals;
        totals.sent += std::mem::take(&mut pass.sent);
        totals.accepted += std::mem::take(&mut pass.accepted);
        totals.throttled += std::mem::take(&mut pass.throttled);
        totals.refused += std::mem::take(&mut pass.refused);
        totals.unanswered += std::mem::take(&mut pass.unanswered);
        totals.received += std::mem::take(&mut pass.received);
    }

    /// The totals and the response times of the last period or two.
    pub fn look(&self, now: Instant) -> SmppStats {
        let mut inner = self.lock();
        inner.turn(now);
        SmppStats { response_p50: inner.quantile(50), response_p99: inner.quantile(99), ..inner.totals }
    }
}

impl Inner {
    fn turn(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.since);
        if passed >= PERIOD {
            let last = if passed < 2 * PERIOD { self.times[0] } else { [0; CLASSES] };
            self.times = [[0; CLASSES], last];
            self.since = now;
        }
    }

    fn quantile(&self, percent: u64) -> Option<Duration> {
        let counts = || self.times[0].iter().zip(&self.times[1]).map(|(now, before)| u64::from(now + before));
        let total: u64 = counts().sum();
        let wanted = (total * percent).div_ceil(100);
        let mut seen = 0;
        let class = counts().position(|count| {
            seen += count;
            seen >= wanted && total > 0
        })?;
        Some(upper_end(class))
    }
}

/// The class of a time.
fn class(took: Duration) -> usize {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
    let doublings = micros.ilog2();
    let quarter = if doublings >= 2 { (micros >> (doublings - 2)) & 3 } else { 0 };
    (4 * doublings as usize + usize::try_from(quarter).unwrap_or(0)).min(CLASSES - 1)
}

/// The longest time of a class.
fn upper_end(class: usize) -> Duration {
    let doublings = u32::try_from(class / 4).unwrap_or(31);
    let quarter = u64::try_from(class % 4).unwrap_or(0);
    let start = 1u64 << doublings;
    Duration::from_micros(if doublings >= 2 { start + (quarter + 1) * (start >> 2) } else { 2 * start })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn response_times_are_told_within_a_quarter() {
        let start = Instant::now();
        let counters = Counters::new(start);
        let took = (1..=1000u64).map(Duration::from_millis).collect();
        counters.add(&mut Pass { took, sent: 5, ..Pass::default() }, start);
        let seen = counters.look(start);
        let about = |found: Option<Duration>, millis: f64| {
            let found = found.unwrap().as_secs_f64() * 1_000.0;
            assert!((millis * 0.99..millis * 1.26).contains(&found), "{found} instead of about {millis}");
        };
        about(seen.response_p50, 500.0);
        about(seen.response_p99, 990.0);
        assert_eq!(seen.sent, 5);
        // They are of the last minute: later they are forgotten, the totals are not.
        let later = counters.look(start + 3 * PERIOD);
        assert_eq!((later.response_p50, later.sent), (None, 5));
    }

    #[test]
    fn classes_hold_their_times() {
        for micros in [1u64, 2, 3, 4, 5, 7, 8, 100, 999, 65_536, 10_000_000] {
            let took = Duration::from_micros(micros);
            assert!(upper_end(class(took)) >= took, "{micros}");
        }
    }
}
