//! How fast a WhatsApp number may send: so many messages a second in all, and to one customer one in six seconds.
//!
//! The number's limit is a token bucket that halves when WhatsApp complains (130429) and rises again. The limit for a pair
//! of number and customer is one message in six seconds with up to 45 at once, which are borrowed from the time to come;
//! after a complaint (131056) WhatsApp wants 4^X seconds of quiet, X counting complaints in a row. Waits are kept in
//! memory: after a restart WhatsApp complains once more, and that is all.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use crate::smpp::pace::Pace;

/// Messages a second of a number that nobody raised.
pub const STANDARD: u32 = 80;
/// Messages a second of a number whose throughput is `HIGH`.
pub const HIGH: u32 = 1_000;
/// Time that a message to one customer takes up.
const PAIR_INTERVAL: Duration = Duration::from_secs(6);
/// Messages to one customer that may go at once.
const PAIR_BURST: u32 = 45;
/// Complaints in a row that are still counted: 4^6 seconds are more than an hour.
const MOST_COMPLAINTS: u32 = 6;
/// Customers remembered before those whose time is over are forgotten.
const REMEMBERED: usize = 10_000;

/// Messages a second for a level of throughput as the number tells it.
#[must_use]
pub fn rate_of(level: Option<&str>) -> u32 {
    match level {
        Some("HIGH") => HIGH,
        _ => STANDARD,
    }
}

/// The pace of one number.
#[derive(Debug)]
pub struct SendPace {
    per_second: u32,
    number: Pace,
    pairs: HashMap<String, Pair>,
}

#[derive(Debug)]
struct Pair {
    /// When all that was sent is paid for.
    paid_at: Instant,
    /// Until when WhatsApp wants quiet.
    quiet_until: Option<Instant>,
    complaints: u32,
}

impl SendPace {
    /// A number that may send `per_second` messages a second.
    #[must_use]
    pub fn new(per_second: u32, now: Instant) -> Self {
        Self { per_second, number: Pace::new(per_second, now), pairs: HashMap::new() }
    }

    /// Another limit from now on.
    pub fn set_rate(&mut self, per_second: u32, now: Instant) {
        if per_second != self.per_second {
            (self.per_second, self.number) = (per_second, Pace::new(per_second, now));
        }
    }

    /// Takes the place of one message to `to`.
    ///
    /// # Errors
    /// When to ask again; nothing is taken then.
    pub fn take(&mut self, to: &str, now: Instant) -> Result<(), Instant> {
        let pair = self.pairs.get(to);
        if let Some(until) = pair.and_then(|pair| pair.quiet_until).filter(|until| *until > now) {
            return Err(until);
        }
        let paid_at = pair.map_or(now, |pair| pair.paid_at.max(now));
        let most_owed = PAIR_INTERVAL * (PAIR_BURST - 1);
        if paid_at.saturating_duration_since(now) > most_owed {
            return Err(paid_at.checked_sub(most_owed).unwrap_or(paid_at));
        }
        self.number.take(1, now)?;
        self.pair(to, now).paid_at = paid_at + PAIR_INTERVAL;
        Ok(())
    }

    /// Gives the place back that a message to `to` took, which does not leave after all.
    pub fn give_back(&mut self, to: &str) {
        self.number.give_back(1);
        if let Some(pair) = self.pairs.get_mut(to) {
            pair.paid_at = pair.paid_at.checked_sub(PAIR_INTERVAL).unwrap_or(pair.paid_at);
        }
    }

    /// WhatsApp says that too much went to this customer. How long to leave them alone.
    pub fn pair_refused(&mut self, to: &str, now: Instant) -> Duration {
        let pair = self.pair(to, now);
        let wait = Duration::from_secs(4_u64.pow(pair.complaints.min(MOST_COMPLAINTS)));
        pair.complaints += 1;
        pair.quiet_until = Some(now + wait);
        wait
    }

    /// WhatsApp says that the number sends too fast.
    pub fn number_refused(&mut self, now: Instant) {
        self.number.slow_down(now);
    }

    /// WhatsApp took a message to this customer.
    pub fn accepted(&mut self, to: &str) {
        if let Some(pair) = self.pairs.get_mut(to) {
            (pair.complaints, pair.quiet_until) = (0, None);
        }
    }

    fn pair(&mut self, to: &str, now: Instant) -> &mut Pair {
        if self.pairs.len() >= REMEMBERED {
            self.pairs.retain(|_, pair| pair.paid_at > now || pair.complaints > 0);
        }
        self.pairs.entry(to.to_owned()).or_insert(Pair { paid_at: now, quiet_until: None, complaints: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Messages to `to` that leave within `seconds` when there is always one waiting.
    fn sent(pace: &mut SendPace, to: &str, start: Instant, seconds: u64) -> usize {
        let (mut now, mut count) = (start, 0);
        while now < start + SECOND * u32::try_from(seconds).unwrap() {
            match pace.take(to, now) {
                Ok(()) => count += 1,
                Err(at) => now = at,
            }
        }
        count
    }

    #[test]
    fn one_customer_gets_forty_five_at_once_and_then_one_in_six_seconds() {
        let start = Instant::now();
        let mut pace = SendPace::new(HIGH, start);
        assert_eq!(sent(&mut pace, "ann", start, 6), 45);
        // What was borrowed is paid back: ten minutes have no more than what six seconds each allow, and the burst.
        let more = sent(&mut pace, "ann", start + SECOND * 6, 594);
        assert!((98..=100).contains(&more), "{more}");
        assert_eq!(sent(&mut pace, "bob", start + SECOND * 601, 1), 45, "another customer is another pair");
    }

    #[test]
    fn what_does_not_leave_takes_no_place() {
        let start = Instant::now();
        let mut pace = SendPace::new(20, start);
        for _ in 0..100 {
            assert_eq!(pace.take("ann", start), Ok(()));
            pace.give_back("ann");
        }
        assert_eq!(pace.take("ann", start), Ok(()));
        assert!(pace.take("bob", start).is_err(), "the number has a place again when time has passed");
    }

    #[test]
    fn the_number_keeps_its_limit_over_all_customers() {
        let start = Instant::now();
        let mut pace = SendPace::new(STANDARD, start);
        let (mut now, mut count) = (start, 0_u32);
        while now < start + SECOND * 3 {
            match pace.take(&format!("customer {count}"), now) {
                Ok(()) => count += 1,
                Err(at) => now = at,
            }
        }
        assert!((200..=245).contains(&count), "{count}");
    }

    #[test]
    fn complaints_about_a_pair_quadruple_the_wait_until_one_is_taken() {
        let start = Instant::now();
        let mut pace = SendPace::new(STANDARD, start);
        let waits: Vec<u64> = (0..9).map(|_| pace.pair_refused("ann", start).as_secs()).collect();
        assert_eq!(waits, [1, 4, 16, 64, 256, 1_024, 4_096, 4_096, 4_096]);
        assert_eq!(pace.take("ann", start), Err(start + SECOND * 4_096));
        assert!(pace.take("bob", start).is_ok(), "nobody else waits");
        pace.accepted("ann");
        assert!(pace.take("ann", start + SECOND).is_ok());
        assert_eq!(pace.pair_refused("ann", start), SECOND, "counted anew");
    }

    #[test]
    fn a_complaint_about_the_number_slows_all_and_a_raised_limit_counts_at_once() {
        let start = Instant::now();
        let mut pace = SendPace::new(STANDARD, start);
        pace.number_refused(start);
        assert!(pace.take("ann", start).is_err());
        pace.set_rate(HIGH, start);
        assert!(pace.take("ann", start).is_ok());
        assert_eq!((rate_of(Some("HIGH")), rate_of(Some("STANDARD")), rate_of(None)), (1_000, 80, 80));
    }

    #[test]
    fn customers_whose_time_is_over_are_forgotten() {
        let start = Instant::now();
        let mut pace = SendPace::new(u32::MAX, start);
        for number in 0..REMEMBERED {
            let _ = pace.take(&number.to_string(), start);
        }
        let later = start + SECOND * 10;
        assert!(pace.take("new", later).is_ok());
        assert!(pace.pairs.len() <= 1, "{}", pace.pairs.len());
    }
}
