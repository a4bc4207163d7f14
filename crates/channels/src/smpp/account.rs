//! What the connections of one account share.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    sync::{Mutex as AsyncMutex, watch},
    time::Instant,
};

use super::{
    backoff::Backoff,
    config::{BindRole, SmppConfig},
    link::BindError,
    pace::Pace,
    queue::Queue,
    references::References,
    session::SessionState,
    stats::{Counters, SmppStats},
};

/// See the module documentation.
#[derive(Debug)]
pub(super) struct Account {
    pub config: SmppConfig,
    pub queue: Queue,
    /// One rate for all connections.
    pub pace: Mutex<Pace>,
    /// Inbound items handed over and not answered, on whatever connection they came.
    pub unacknowledged: Arc<AtomicUsize>,
    pub counters: Counters,
    pub references: References,
    /// Held by the connection that binds: one at a time, so that wrong credentials are tried once and not once for each
    /// connection.
    pub door: AsyncMutex<Door>,
    in_flight: AtomicUsize,
    states: Mutex<Vec<(BindRole, SessionState)>>,
    /// When a connection last came or went.
    changed_at: Mutex<Instant>,
    state: watch::Sender<SessionState>,
}

/// What the account knows about being let in.
#[derive(Debug, Default)]
pub(super) struct Door {
    /// The carrier refused the credentials in these words; nobody tries before this moment.
    pub closed: Option<(BindError, Instant)>,
    pub refusals: Backoff,
}

impl Account {
    pub fn new(config: SmppConfig, state: watch::Sender<SessionState>, roles: &[BindRole]) -> Self {
        let now = Instant::now();
        Self {
            queue: Queue::new(),
            pace: Mutex::new(Pace::new(config.per_second, now)),
            unacknowledged: Arc::default(),
            counters: Counters::new(now),
            references: References::default(),
            door: AsyncMutex::default(),
            in_flight: AtomicUsize::new(0),
            changed_at: Mutex::new(now),
            states: Mutex::new(roles.iter().map(|role| (*role, SessionState::Connecting)).collect()),
            state,
            config,
        }
    }

    /// Whether another item may be handed over while `more` are about to be.
    pub fn has_room_for(&self, more: usize) -> bool {
        self.unacknowledged.load(Ordering::Relaxed) + more < self.config.inbound_capacity.max(1)
    }

    /// A connection had `before` parts without answer and has `after` now.
    pub fn in_flight(&self, before: usize, after: usize) {
        self.in_flight.fetch_add(after.wrapping_sub(before), Ordering::Relaxed);
    }

    /// For how long no connection has come or gone.
    pub fn steady_for(&self) -> std::time::Duration {
        self.changed_at.lock().unwrap_or_else(std::sync::PoisonError::into_inner).elapsed()
    }

    /// Takes note of how the connection at `index` stands, and of what that makes of the session.
    pub fn set_state(&self, index: usize, state: SessionState) {
        let mut states = self.states.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // A connection that tries to come back and does not has carried nothing.
        let is_bound = state == SessionState::Bound;
        if let Some((_, own)) = states.get_mut(index)
            && (std::mem::replace(own, state) == SessionState::Bound) != is_bound
        {
            *self.changed_at.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Instant::now();
        }
        let of_all = SessionState::of_connections(&states);
        self.state.send_if_modified(|known| {
            let changed = *known != of_all;
            *known = of_all;
            changed
        });
    }

    /// Parts without an answer, and segments a second allowed at present.
    pub fn load(&self) -> (usize, f64) {
        let rate = self.pace.lock().unwrap_or_else(std::sync::PoisonError::into_inner).rate();
        (self.in_flight.load(Ordering::Relaxed), rate)
    }

    /// A look at the account.
    pub fn stats(&self) -> SmppStats {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let states = self.states.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let bound = states.iter().filter(|(_, state)| *state == SessionState::Bound).count();
        drop(states);
        let rate = self.pace.lock().unwrap_or_else(std::sync::PoisonError::into_inner).rate();
        SmppStats {
            binds: count(bound),
            in_flight: count(self.in_flight.load(Ordering::Relaxed)),
            waiting: count(self.queue.len()),
            unacknowledged: count(self.unacknowledged.load(Ordering::Relaxed)),
            rate,
            ..self.counters.look(Instant::now())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn attempts_of_a_connection_that_stays_away_are_no_event_of_the_account() {
        let (state, _watching) = watch::channel(SessionState::Connecting);
        let roles = [BindRole::Transceiver, BindRole::Transceiver];
        let account = Account::new(SmppConfig::new("h", 1, "s", "p"), state, &roles);
        account.set_state(0, SessionState::Bound);
        tokio::time::advance(Duration::from_secs(60)).await;
        for _ in 0..3 {
            account.set_state(1, SessionState::Connecting);
        }
        assert_eq!(account.steady_for(), Duration::from_secs(60));
        account.set_state(1, SessionState::Bound);
        assert_eq!(account.steady_for(), Duration::ZERO, "it came");
        tokio::time::advance(Duration::from_secs(60)).await;
        account.set_state(1, SessionState::Connecting);
        assert_eq!(account.steady_for(), Duration::ZERO, "it went");
    }
}
