//! Keeps the search up to date: reads what the event log has that the search has not, batch by batch, behind everything
//! else that is written.
//!
//! Where one thread writes everything, adding a message to the search costs it a third as much as the message itself. So
//! while that thread has much to do the search waits ([`Calm`]): it is some seconds behind then, and at the most
//! [`LONGEST_WAIT`] before it goes on all the same. A command that is still being run counts, however long it is. On
//! PostgreSQL many write side by side, and the search waits for nobody.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use segue_model::{WorkspaceId, wake::Wake};
use segue_store::StoreError;

use super::Wiring;

/// How often it looks by itself.
const EVERY: Duration = Duration::from_secs(2);
/// How long messages are gathered after a wake-up, so that a busy desk is indexed in batches.
const GATHER: Duration = Duration::from_millis(300);

/// How long the writer is watched to see how busy it is.
const LOOK: Duration = Duration::from_millis(40);
/// The part of that time (as one of so many) in which it may be at work while the search goes on.
const BUSY: u32 = 2;
/// How long what was seen counts; the search itself keeps the writer busy then.
const SEEN_FOR: Duration = Duration::from_millis(250);
/// How long the search waits for the writer to have less to do.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Runs until the shutdown.
pub async fn run(wiring: Arc<Wiring>) {
    let mut listener = wiring.bus.listen();
    let mut calm = Calm::default();
    while !wiring.shutdown.is_cancelled() {
        if let Err(error) = index_all(&wiring, &mut calm).await {
            tracing::error!(%error, "the search could not be brought up to date; it is tried again");
        }
        tokio::select! {
            () = listener.until(EVERY, |wake| matches!(wake, Wake::Events(_))) => {}
            () = wiring.shutdown.cancelled() => {}
        }
        tokio::select! {
            () = tokio::time::sleep(GATHER) => {}
            () = wiring.shutdown.cancelled() => {}
        }
    }
}

async fn index_all(wiring: &Wiring, calm: &mut Calm) -> Result<(), StoreError> {
    for workspace in wiring.store.read(|tx| tx.workspaces()).await? {
        while !wiring.shutdown.is_cancelled() && index(wiring, calm, workspace.id).await? {}
    }
    calm.waiting_since = None;
    Ok(())
}

/// One batch. `false` when there was nothing to do.
async fn index(wiring: &Wiring, calm: &mut Calm, workspace_id: WorkspaceId) -> Result<bool, StoreError> {
    if let Some(batch) = wiring.store.read(move |tx| tx.search_batch(workspace_id)).await? {
        calm.wait(wiring).await;
        wiring.store.write_bulk(move |tx| tx.apply_search_batch(workspace_id, &batch)).await?;
        return Ok(true);
    }
    let Some(task) = wiring.store.read(move |tx| tx.search_task(workspace_id)).await? else { return Ok(false) };
    calm.wait(wiring).await;
    wiring.store.write_bulk(move |tx| tx.apply_search_task(workspace_id, &task)).await?;
    Ok(true)
}

/// Waiting for the writer to have less to do.
#[derive(Default)]
struct Calm {
    seen_at: Option<Instant>,
    /// Since when the search is behind because the writer is busy.
    waiting_since: Option<Instant>,
}

impl Calm {
    /// Returns when the writer has time, or when the search has waited long enough: from then on it waits no more until
    /// it has caught up.
    async fn wait(&mut self, wiring: &Wiring) {
        if self.seen_at.is_some_and(|seen| seen.elapsed() < SEEN_FOR) {
            return;
        }
        while !self.is_over() && !wiring.shutdown.is_cancelled() {
            let Some(before) = wiring.store.time_writing() else { return };
            tokio::time::sleep(LOOK).await;
            if wiring.store.time_writing().unwrap_or_default().saturating_sub(before) * BUSY < LOOK {
                self.seen_at = Some(Instant::now());
                return;
            }
            self.waiting_since.get_or_insert_with(Instant::now);
        }
    }

    fn is_over(&self) -> bool {
        self.waiting_since.is_some_and(|since| since.elapsed() >= LONGEST_WAIT)
    }
}
