//! Offers waiting sessions to agents: at every change that may make one possible, and once a second for what time brings
//! about (offers that run out, agents who are gone).

use std::{sync::Arc, time::Duration};

use segue_model::wake::Wake;
use segue_store::StoreError;

use super::Wiring;

/// How late an offer that ran out may be noticed.
const EVERY: Duration = Duration::from_secs(1);

/// Runs until the shutdown.
pub async fn run(wiring: Arc<Wiring>) {
    let mut listener = wiring.bus.listen();
    while !wiring.shutdown.is_cancelled() {
        if let Err(error) = sweep(&wiring).await {
            tracing::error!(%error, "routing failed; it is tried again");
        }
        tokio::select! {
            () = listener.until(EVERY, |wake| matches!(wake, Wake::Routing(_))) => {}
            () = wiring.shutdown.cancelled() => {}
        }
    }
}

async fn sweep(wiring: &Wiring) -> Result<(), StoreError> {
    let workspaces = wiring.store.read(|tx| tx.workspaces()).await?;
    for workspace in workspaces {
        let ctx = wiring.ctx.clone();
        wiring.store.write(move |tx| segue_desk::routing::sweep(tx, &ctx, workspace.id)).await?;
        let ctx = wiring.ctx.clone();
        wiring.store.write(move |tx| segue_desk::sessions::go_quiet(tx, &ctx, workspace.id)).await?;
    }
    Ok(())
}
