//! Removes what has had its time, and ends what nobody else ends.

use std::{sync::Arc, time::Duration};

use segue_delivery::long_text::KEEP_PARTS;
use segue_model::{template_rules::LIMIT_WINDOW, time};
use segue_store::{StoreError, import::UNDO_WINDOW};

use super::Wiring;

/// How often campaigns and imports that came to rest are ended.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// How often it is counted what the accounts of senders delivered.
const COUNT_EVERY: Duration = Duration::from_secs(300);
/// How often old rows are removed.
const CLEAN_EVERY: Duration = Duration::from_secs(600);
/// How long events stay: a console that was away longer loads afresh.
const KEEP_EVENTS: i64 = 7 * time::DAY;
/// How long worked-on inbox rows stay. WhatsApp repeats a delivery for up to seven days.
const KEEP_INBOX: i64 = 14 * time::DAY;
/// How long a program is kept to be told of a message whose end is never reported.
const KEEP_CALLBACKS: i64 = 7 * time::DAY;
const KEEP_JOBS: i64 = 14 * time::DAY;
/// A day longer than the longest frequency cap looks back.
const KEEP_MARKETING_SENDS: i64 = 31 * time::DAY;
/// Longer than the longest window of a limit.
const KEEP_RATE_WINDOWS: i64 = 2 * time::DAY;
/// How long a file that was uploaded waits to be sent, and how many are looked at in one transaction.
const KEEP_UPLOADS: i64 = time::DAY;
const UPLOADS: u32 = 200;
/// How long what a customer deleted may still come: as long as WhatsApp repeats a delivery.
const KEEP_EARLY_DELETIONS: i64 = 7 * time::DAY;
/// How long it can be shown what of a rule held or refused a message: as long as a complaint may take.
const KEEP_DECISIONS: i64 = 4 * 365 * time::DAY;

/// Runs until the shutdown.
pub async fn run(wiring: Arc<Wiring>) {
    let (mut sweep, mut clean) = (tokio::time::interval(SWEEP_EVERY), tokio::time::interval(CLEAN_EVERY));
    let mut count = tokio::time::interval(COUNT_EVERY);
    loop {
        tokio::select! {
            () = wiring.shutdown.cancelled() => break,
            _ = sweep.tick() => {
                if let Err(error) = segue_outreach::sweep(&wiring.store, &wiring.ctx).await {
                    tracing::error!(%error, "campaigns and imports could not be swept");
                }
            }
            _ = count.tick() => {
                if let Err(error) = segue_outreach::routes::count_all(&wiring.store, &wiring.ctx).await {
                    tracing::error!(%error, "what the accounts of senders delivered could not be counted");
                }
            }
            _ = clean.tick() => {
                if let Err(error) = remove_old(&wiring).await {
                    tracing::error!(%error, "old rows could not be removed");
                }
            }
        }
    }
}

async fn remove_old(wiring: &Wiring) -> Result<(), StoreError> {
    let now = wiring.ctx.now();
    let workspaces = wiring.store.read(|tx| tx.workspaces()).await?;
    for workspace in workspaces {
        let ctx = wiring.ctx.clone();
        wiring
            .store
            .write_bulk(move |tx| {
                tx.expire_registrations(workspace.id, &ctx)?;
                tx.delete_events_before(workspace.id, now.plus(-KEEP_EVENTS))?;
                tx.delete_done_inbox(workspace.id, now.plus(-KEEP_INBOX))?;
                tx.delete_parked_reports(workspace.id, now.plus(-KEEP_INBOX))?;
                tx.delete_old_callbacks(workspace.id, now.plus(-KEEP_CALLBACKS))?;
                tx.delete_old_inbound_parts(workspace.id, now.plus(-KEEP_PARTS))?;
                tx.delete_done_jobs(workspace.id, now.plus(-KEEP_JOBS))?;
                tx.delete_import_changes(workspace.id, now.plus(-UNDO_WINDOW))?;
                tx.delete_import_errors(workspace.id, now.plus(-UNDO_WINDOW))?;
                tx.delete_row_changes(workspace.id, now.plus(-UNDO_WINDOW))?;
                tx.delete_old_deletions(workspace.id, now.plus(-UNDO_WINDOW))?;
                tx.delete_old_requests(workspace.id, now)?;
                tx.delete_old_marketing_sends(workspace.id, now.plus(-KEEP_MARKETING_SENDS))?;
                tx.delete_old_initiated_chats(workspace.id, now.plus(-LIMIT_WINDOW))?;
                tx.delete_old_rate_windows(workspace.id, now.plus(-KEEP_RATE_WINDOWS))?;
                tx.delete_old_places(workspace.id, now.plus(-time::HOUR))?;
                tx.delete_old_early_deletions(workspace.id, now.plus(-KEEP_EARLY_DELETIONS))?;
                tx.delete_old_failovers(workspace.id, now.plus(-KEEP_DECISIONS))?;
                tx.delete_old_decisions(workspace.id, now.plus(-KEEP_DECISIONS))?;
                Ok::<_, StoreError>(())
            })
            .await?;
        loop {
            let looked = wiring
                .store
                .write_bulk(move |tx| tx.remove_unsent_uploads(workspace.id, now.plus(-KEEP_UPLOADS), UPLOADS, now));
            let (looked, removed) = looked.await?;
            if removed > 0 {
                tracing::info!(removed, "files that were uploaded and never sent are removed");
            }
            if looked < UPLOADS as usize {
                break;
            }
        }
        segue_delivery::erasure::run(&wiring.store, workspace.id).await?;
    }
    wiring.store.write_bulk(move |tx| tx.delete_expired_logins(now).map(|_| ())).await
}
