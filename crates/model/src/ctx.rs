//! Time and chance as parameters. This is the only module that may read the wall clock or the system's randomness.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicI64, Ordering},
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use uuid::Uuid;

use crate::{id::Id, time::Timestamp};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `at`.
    #[must_use]
    pub fn at(at: Timestamp) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(at.0)))
    }

    /// Moves the clock by `millis`.
    pub fn advance(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// Sets the clock.
    pub fn set(&self, at: Timestamp) {
        self.0.store(at.0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// The clock and the source of randomness, handed to whatever needs them. Cheap to clone.
#[derive(Clone)]
pub struct Ctx {
    clock: Arc<dyn Clock>,
    chance: Arc<Mutex<Chance>>,
}

#[expect(clippy::disallowed_methods, reason = "the one place that takes the system's randomness")]
fn system_randomness() -> StdRng {
    StdRng::from_rng(&mut rand::rng())
}

/// Randomness and the state that keeps ids of one process in order of creation.
struct Chance {
    rng: StdRng,
    last_ms: i64,
    /// 42 bits that count up within one millisecond.
    counter: u64,
}

/// Bits of the counter inside a UUIDv7 (RFC 9562, method 1: a dedicated counter).
const COUNTER_BITS: u32 = 42;

impl Ctx {
    /// Wall clock and system randomness.
    #[must_use]
    pub fn system() -> Self {
        Self::new(Arc::new(SystemClock), system_randomness())
    }

    /// The given clock and randomness from a seed: the same calls give the same values.
    #[must_use]
    pub fn seeded(clock: Arc<dyn Clock>, seed: u64) -> Self {
        Self::new(clock, StdRng::seed_from_u64(seed))
    }

    /// The given clock with system randomness.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self::new(clock, system_randomness())
    }

    fn new(clock: Arc<dyn Clock>, rng: StdRng) -> Self {
        Self { clock, chance: Arc::new(Mutex::new(Chance { rng, last_ms: 0, counter: 0 })) }
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The clock itself, for those who keep it.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// A fresh UUIDv7 that sorts after every id this process made before, even when the clock stands still or goes back.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        let now = self.clock.now().0.max(0);
        let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        if now > chance.last_ms {
            chance.last_ms = now;
            // A random start keeps ids unguessable; the top bit stays free so that there is room to count.
            chance.counter = chance.rng.next_u64() >> (64 - COUNTER_BITS + 1);
        } else {
            chance.counter += 1;
            if chance.counter >> COUNTER_BITS != 0 {
                chance.last_ms += 1;
                chance.counter = 0;
            }
        }
        let tail = chance.rng.next_u32();
        let millis = u128::from(chance.last_ms.unsigned_abs()) & 0xFFFF_FFFF_FFFF;
        let counter = u128::from(chance.counter);
        let bits = (millis << 80)
            | (7 << 76)
            | ((counter >> 30) << 64)
            | (0b10 << 62)
            | ((counter & 0x3FFF_FFFF) << 32)
            | u128::from(tail);
        Uuid::from_u128(bits)
    }

    /// A fresh id of the kind that the caller expects.
    #[must_use]
    pub fn id<I: Id>(&self) -> I {
        I::from_uuid(self.uuid())
    }

    /// Random bytes fit for secrets.
    #[must_use]
    pub fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.chance.lock().unwrap_or_else(PoisonError::into_inner).rng.fill_bytes(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::MessageId;

    #[test]
    fn ids_of_one_moment_are_in_order_of_creation_and_valid_v7() {
        let clock = ManualClock::at(Timestamp(1_795_000_000_000));
        let ctx = Ctx::seeded(clock.clone(), 7);
        let ids: Vec<Uuid> = (0..10_000).map(|_| ctx.uuid()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(ids.iter().all(|id| id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122));
        clock.advance(-60_000);
        assert!(ctx.uuid() > ids[9_999], "a clock that goes back must not reorder ids");
    }

    #[test]
    fn a_seed_repeats_and_two_seeds_differ() {
        let make = |seed| Ctx::seeded(ManualClock::at(Timestamp(5)), seed).id::<MessageId>();
        assert_eq!(make(1), make(1));
        assert_ne!(make(1), make(2));
    }
}
