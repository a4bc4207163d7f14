//! Offers waiting sessions to agents: at every change that may make one possible, and once a second for what time brings
//! about (offers that run out, agents who are gone or may not converse any more). What time alone brings about is looked
//! at once a second however many changes there are, since each look takes a turn of the writer.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use segue_model::{WorkspaceId, wake::Wake};
use segue_store::StoreError;

use super::Wiring;

/// How late an offer that ran out may be noticed.
const EVERY: Duration = Duration::from_secs(1);

/// Runs until the shutdown.
pub async fn run(wiring: Arc<Wiring>) {
    let mut listener = wiring.bus.listen();
    let mut looked = None::<Instant>;
    while !wiring.shutdown.is_cancelled() {
        let is_time = looked.is_none_or(|looked| looked.elapsed() >= EVERY);
        if is_time {
            looked = Some(Instant::now());
        }
        if let Err(error) = sweep(&wiring, is_time).await {
            tracing::error!(%error, "routing failed; it is tried again");
        }
        tokio::select! {
            () = listener.until(EVERY, |wake| matches!(wake, Wake::Routing(_))) => {}
            () = wiring.shutdown.cancelled() => {}
        }
    }
}

async fn sweep(wiring: &Wiring, is_time: bool) -> Result<(), StoreError> {
    let workspaces = wiring.store.read(|tx| tx.workspaces()).await?;
    for workspace in workspaces {
        // What fails in one workspace must not keep the others from being served.
        if let Err(error) = sweep_one(wiring, workspace.id, is_time).await {
            tracing::error!(workspace_id = %workspace.id, %error, "routing failed in a workspace; it is tried again");
        }
    }
    Ok(())
}

async fn sweep_one(wiring: &Wiring, workspace_id: WorkspaceId, is_time: bool) -> Result<(), StoreError> {
    if is_time && let Err(error) = segue_desk::routing::release_stranded(&wiring.store, &wiring.ctx, workspace_id).await
    {
        tracing::error!(%workspace_id, %error, "conversations of former agents could not be given back; it is tried again");
    }
    let ctx = wiring.ctx.clone();
    wiring.store.write(move |tx| segue_desk::routing::sweep(tx, &ctx, workspace_id)).await?;
    if !is_time {
        return Ok(());
    }
    let ctx = wiring.ctx.clone();
    wiring.store.write(move |tx| segue_desk::sessions::go_quiet(tx, &ctx, workspace_id)).await?;
    segue_desk::idle::sweep(&wiring.store, &wiring.ctx, workspace_id).await?;
    let ctx = wiring.ctx.clone();
    wiring.store.write(move |tx| segue_desk::pending::expire(tx, &ctx, workspace_id)).await.map(|_| ())
}
