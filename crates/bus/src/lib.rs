//! Wake-ups between the tasks of one process.
//!
//! A wake-up is a hint and never the only copy of anything: every worker also looks for work by itself from time to
//! time, so a lost one costs a poll interval. Several nodes on one PostgreSQL find each other's work by that polling.

use segue_model::wake::Wake;
use tokio::sync::broadcast;

/// How many wake-ups a slow listener may be behind before it is told to look at everything.
const CAPACITY: usize = 4_096;

/// Carries wake-ups to all who listen. Cheap to clone.
#[derive(Clone)]
pub struct Bus {
    sender: broadcast::Sender<Wake>,
}

impl Default for Bus {
    fn default() -> Self {
        Self { sender: broadcast::Sender::new(CAPACITY) }
    }
}

impl Bus {
    /// Tells everyone who listens.
    pub fn publish(&self, wake: Wake) {
        // Nobody listening is not an error.
        let _ = self.sender.send(wake);
    }

    /// Hears every wake-up published from now on.
    #[must_use]
    pub fn listen(&self) -> Listener {
        Listener { receiver: self.sender.subscribe() }
    }
}

/// One listener.
pub struct Listener {
    receiver: broadcast::Receiver<Wake>,
}

impl Listener {
    /// Waits until there may be work for which `wanted` is true, or until `at_most` has passed. It also ends when
    /// wake-ups were missed, since one of them may have been meant.
    pub async fn until(&mut self, at_most: std::time::Duration, wanted: impl Fn(Wake) -> bool) {
        let heard = async {
            loop {
                match self.receiver.recv().await {
                    Ok(wake) if wanted(wake) => break,
                    Ok(_) => {}
                    Err(broadcast::error::RecvError::Lagged(_)) => break,
                    Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        // Both outcomes mean the same: look for work now.
        let _ = tokio::time::timeout(at_most, heard).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use segue_model::{ChannelId, id::Id as _};
    use std::time::Duration;
    use uuid::Uuid;

    #[tokio::test]
    async fn a_listener_wakes_for_what_it_wants_and_nothing_else() {
        let bus = Bus::default();
        let mut listener = bus.listen();
        bus.publish(Wake::Outbox(ChannelId::from_uuid(Uuid::nil())));
        bus.publish(Wake::Inbox);
        listener.until(Duration::from_secs(60), |wake| wake == Wake::Inbox).await;
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_the_wait_after_the_poll_interval() {
        let started = tokio::time::Instant::now();
        Bus::default().listen().until(Duration::from_secs(1), |_| true).await;
        assert_eq!(started.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test]
    async fn missed_wake_ups_count_as_one_that_was_wanted() {
        let bus = Bus::default();
        let mut listener = bus.listen();
        for _ in 0..=CAPACITY {
            bus.publish(Wake::Jobs);
        }
        listener.until(Duration::from_secs(60), |wake| wake == Wake::Inbox).await;
    }
}
