//! Tells the progress of campaigns, and ends those whose last message has come to rest: at most twice a second each.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use segue_model::{CampaignId, WorkspaceId, wake::Wake};
use segue_store::StoreError;
use tokio_util::sync::CancellationToken;

use crate::supervisor::Env;

const EVERY: Duration = Duration::from_millis(500);

/// Runs until `stop`, and a last time then.
pub(crate) async fn run(env: Env, stop: CancellationToken) {
    let moved: Arc<Mutex<HashSet<(WorkspaceId, CampaignId)>>> = Arc::default();
    let mut listener = env.bus.listen();
    let mut tick = tokio::time::interval(EVERY);
    loop {
        let collect = async {
            loop {
                let seen = Arc::clone(&moved);
                listener
                    .until(Duration::from_secs(60), move |wake| {
                        if let Wake::Progress(workspace_id, campaign_id) = wake {
                            seen.lock().unwrap_or_else(PoisonError::into_inner).insert((workspace_id, campaign_id));
                        }
                        false
                    })
                    .await;
            }
        };
        tokio::select! {
            () = collect => {}
            _ = tick.tick() => {}
            () = stop.cancelled() => {}
        }
        let due = std::mem::take(&mut *moved.lock().unwrap_or_else(PoisonError::into_inner));
        for (workspace_id, campaign_id) in due {
            tell(&env, workspace_id, campaign_id).await;
        }
        if stop.is_cancelled() {
            break;
        }
    }
}

async fn tell(env: &Env, workspace_id: WorkspaceId, campaign_id: CampaignId) {
    let now = env.ctx.now();
    let told = env
        .store
        .write(move |tx| {
            tx.finish_if_done(workspace_id, campaign_id, now)?;
            tx.tell_campaign_progress(workspace_id, campaign_id, now);
            Ok::<_, StoreError>(())
        })
        .await;
    if let Err(error) = told {
        // The sweep that ends campaigns finds it later.
        tracing::warn!(%error, %campaign_id, "the progress of a campaign could not be told");
    }
}
