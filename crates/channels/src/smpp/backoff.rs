//! How long to wait before the next connection.

use std::time::Duration;

use rand::RngExt;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);
/// After wrong credentials: hammering gets an account locked.
const AFTER_REFUSAL: Duration = Duration::from_secs(300);
const LONGEST_AFTER_REFUSAL: Duration = Duration::from_secs(1800);
/// A bind that lived this long starts the waits anew.
pub(super) const STABLE: Duration = Duration::from_secs(30);

/// Why the last connection ended, as far as waiting is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// The network or the carrier: worth trying soon.
    Link,
    /// The credentials: worth trying only after someone changed them.
    Refused,
}

/// Waits that double from one second to a minute (from five minutes to half an hour for credentials), each off by up to a fifth so that many binds do not return at once.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after one more failure.
    pub fn next(&mut self, failure: Failure, rng: &mut impl rand::Rng) -> Duration {
        let wait = match failure {
            Failure::Refused => AFTER_REFUSAL.saturating_mul(1 << self.failures.min(3)).min(LONGEST_AFTER_REFUSAL),
            Failure::Link => FIRST.saturating_mul(1 << self.failures.min(6)).min(LONGEST),
        };
        self.failures = self.failures.saturating_add(1);
        // Only longer after a refusal: five minutes are a promise to the carrier.
        let low = if failure == Failure::Refused { 1.0 } else { 0.8 };
        wait.mul_f64(rng.random_range(low..1.2))
    }

    /// The bind was stable.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn doubles_to_a_minute_and_starts_anew() {
        let mut rng = StdRng::seed_from_u64(7);
        let mut backoff = Backoff::default();
        for expected in [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0] {
            let wait = backoff.next(Failure::Link, &mut rng).as_secs_f64();
            assert!((expected * 0.8..expected * 1.2).contains(&wait), "{wait} instead of about {expected}");
        }
        backoff.reset();
        assert!(backoff.next(Failure::Link, &mut rng) < Duration::from_millis(1200));
        assert!(backoff.next(Failure::Refused, &mut rng) >= Duration::from_secs(300));
    }
}
