//! Keeps the search up to date: reads what the event log has that the search has not, batch by batch, behind everything
//! else that is written.

use std::{sync::Arc, time::Duration};

use segue_model::{WorkspaceId, wake::Wake};
use segue_store::StoreError;

use super::Wiring;

/// How often it looks by itself.
const EVERY: Duration = Duration::from_secs(2);
/// How long messages are gathered after a wake-up, so that a busy desk is indexed in batches.
const GATHER: Duration = Duration::from_millis(300);

/// Runs until the shutdown.
pub async fn run(wiring: Arc<Wiring>) {
    let mut listener = wiring.bus.listen();
    while !wiring.shutdown.is_cancelled() {
        if let Err(error) = index_all(&wiring).await {
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

async fn index_all(wiring: &Wiring) -> Result<(), StoreError> {
    for workspace in wiring.store.read(|tx| tx.workspaces()).await? {
        while !wiring.shutdown.is_cancelled() && index(wiring, workspace.id).await? {}
    }
    Ok(())
}

/// One batch. `false` when there was nothing to do.
async fn index(wiring: &Wiring, workspace_id: WorkspaceId) -> Result<bool, StoreError> {
    if let Some(batch) = wiring.store.read(move |tx| tx.search_batch(workspace_id)).await? {
        wiring.store.write_bulk(move |tx| tx.apply_search_batch(workspace_id, &batch)).await?;
        return Ok(true);
    }
    let Some(task) = wiring.store.read(move |tx| tx.search_task(workspace_id)).await? else { return Ok(false) };
    wiring.store.write_bulk(move |tx| tx.apply_search_task(workspace_id, &task)).await?;
    Ok(true)
}
