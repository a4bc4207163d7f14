//! How fast segments may leave: a token bucket that halves when the carrier asks and rises again.

use std::time::Duration;

use tokio::time::Instant;

/// After a halving, further complaints within this time are about segments already on their way.
const SETTLE: Duration = Duration::from_secs(1);
/// Share of the configured rate that comes back each second.
const RISE: f64 = 0.05;
/// Share of a second's rate that may leave at once, so that no second exceeds the limit by more than this.
const BURST: f64 = 0.05;

/// The bucket of one account. Units are segments.
#[derive(Debug)]
pub(crate) struct Pace {
    limit: f64,
    rate: f64,
    tokens: f64,
    at: Instant,
    halved_at: Option<Instant>,
}

impl Pace {
    /// A full bucket for `per_second` segments per second (at least one).
    pub fn new(per_second: u32, now: Instant) -> Self {
        let limit = f64::from(per_second.max(1));
        Self { limit, rate: limit, tokens: burst(limit), at: now, halved_at: None }
    }

    /// Takes the worth of `segments`, or says when it may be asked again. A message of several segments goes when one is
    /// there, and what it owes delays the next.
    pub fn take(&mut self, segments: u32, now: Instant) -> Result<(), Instant> {
        // A refill computed from a wake-up may end a rounding error short of one.
        if self.tokens < 1.0 - 1e-6 {
            self.refill(now);
        }
        if self.tokens >= 1.0 - 1e-6 {
            self.tokens -= f64::from(segments);
            return Ok(());
        }
        Err(now + Duration::from_secs_f64(((1.0 - self.tokens) / self.rate).max(0.001)))
    }

    /// Gives back what was taken for something that does not leave after all.
    pub fn give_back(&mut self, segments: u32) {
        self.tokens += f64::from(segments);
    }

    /// The carrier asked to slow down. Returns whether that lowered the rate.
    pub fn slow_down(&mut self, now: Instant) -> bool {
        self.refill(now);
        self.tokens = self.tokens.min(0.0);
        let halve = self.halved_at.is_none_or(|at| now.saturating_duration_since(at) >= SETTLE);
        if halve {
            self.rate = (self.rate / 2.0).max(1.0);
            self.halved_at = Some(now);
        }
        halve
    }

    /// Segments per second at present.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    fn refill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = self.at.max(now);
        self.tokens = (self.tokens + elapsed * self.rate).min(burst(self.rate));
        if self.halved_at.is_some_and(|at| now.saturating_duration_since(at) >= SETTLE) {
            self.rate = (self.rate + self.limit * RISE * elapsed).min(self.limit);
        }
    }
}

fn burst(rate: f64) -> f64 {
    (rate * BURST).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Segments that leave within `seconds` when there is always one waiting.
    fn sent(pace: &mut Pace, start: Instant, seconds: u64) -> u32 {
        let end = start + Duration::from_secs(seconds);
        let (mut now, mut count) = (start, 0);
        while now < end {
            match pace.take(1, now) {
                Ok(()) => count += 1,
                Err(at) => now = at,
            }
        }
        count
    }

    #[test]
    fn never_more_than_the_limit_and_its_burst() {
        for limit in [1, 7, 100, 2000] {
            let start = Instant::now();
            let count = sent(&mut Pace::new(limit, start), start, 3);
            assert!(f64::from(count) <= f64::from(limit) * 3.05 + 1.0, "{count} at {limit}/s");
            assert!(f64::from(count) >= f64::from(limit) * 2.5, "{count} at {limit}/s");
        }
    }

    #[test]
    fn complaints_halve_once_and_the_rate_comes_back() {
        let start = Instant::now();
        let mut pace = Pace::new(100, start);
        for _ in 0..10 {
            pace.slow_down(start);
        }
        assert!((pace.rate() - 50.0).abs() < 0.1, "ten complaints at once are one: {}", pace.rate());
        let slow = sent(&mut pace, start, 1);
        assert!((45..=55).contains(&slow), "{slow}");
        pace.slow_down(start + Duration::from_secs(1));
        assert!(pace.rate() < 30.0);
        sent(&mut pace, start + Duration::from_secs(1), 30);
        assert!((pace.rate() - 100.0).abs() < 0.1, "{}", pace.rate());
    }

    #[test]
    fn a_long_message_is_paid_for_afterwards() {
        let start = Instant::now();
        let mut pace = Pace::new(10, start);
        assert!(pace.take(5, start).is_ok());
        let at = pace.take(1, start).unwrap_err();
        assert!((0.45..0.55).contains(&at.duration_since(start).as_secs_f64()), "{at:?}");
    }

    #[test]
    fn never_below_one_per_second() {
        let start = Instant::now();
        let mut pace = Pace::new(2, start);
        for second in 0..10 {
            pace.slow_down(start + Duration::from_secs(second));
        }
        assert!(pace.rate() >= 1.0);
    }
}
