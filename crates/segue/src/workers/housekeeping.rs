//! Removes what has had its time, and ends what nobody else ends.

use std::{sync::Arc, time::Duration};

use segue_delivery::long_text::KEEP_PARTS;
use segue_model::{template_rules::LIMIT_WINDOW, time};
use segue_store::{REMOVED_AT_ONCE, Store, StoreError, Tx, contact_deletion::Left, import::UNDO_WINDOW};

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

/// Ends what nobody else ends, until the shutdown.
pub async fn run(wiring: Arc<Wiring>) {
    let (mut sweep, mut count) = (tokio::time::interval(SWEEP_EVERY), tokio::time::interval(COUNT_EVERY));
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
        }
    }
}

/// Removes what has had its time, until the shutdown. On its own, since it may take long: nobody's campaign waits for it.
pub async fn clean(wiring: Arc<Wiring>) {
    let mut clean = tokio::time::interval(CLEAN_EVERY);
    loop {
        // What was removed so far is removed; the rest is found again.
        let round = async {
            clean.tick().await;
            remove_old(&wiring).await
        };
        match wiring.shutdown.run_until_cancelled(round).await {
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::error!(%error, "old rows could not be removed"),
            None => break,
        }
    }
}

/// Removes what is left of customers whose contact is gone for good, until the shutdown. On its own, since WhatsApp may be
/// slow to answer for each of them.
pub async fn erase(wiring: Arc<Wiring>) {
    let mut erase = tokio::time::interval(CLEAN_EVERY);
    loop {
        // Each step may be done again, so it is left where it is.
        let round = async {
            erase.tick().await;
            erase_due(&wiring).await
        };
        match wiring.shutdown.run_until_cancelled(round).await {
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::error!(%error, "what is left of customers could not be removed"),
            None => break,
        }
    }
}

async fn erase_due(wiring: &Wiring) -> Result<(), StoreError> {
    let workspaces = wiring.store.read(|tx| tx.workspaces()).await?;
    for workspace in workspaces {
        segue_delivery::erasure::run(&wiring.store, &wiring.ctx, workspace.id).await?;
    }
    Ok(())
}

/// Removes rows in a transaction for each part, until no whole part is left: nobody who writes waits for long.
async fn in_parts(
    store: &Store,
    remove: impl Fn(&mut Tx<'_>) -> Result<u64, StoreError> + Clone + Send + 'static,
) -> Result<(), StoreError> {
    while store.write_bulk(remove.clone()).await? >= u64::from(REMOVED_AT_ONCE) {}
    Ok(())
}

async fn remove_old(wiring: &Wiring) -> Result<(), StoreError> {
    let now = wiring.ctx.now();
    let workspaces = wiring.store.read(|tx| tx.workspaces()).await?;
    for workspace in workspaces {
        let (id, ctx) = (workspace.id, wiring.ctx.clone());
        wiring.store.write_bulk(move |tx| tx.expire_registrations(id, &ctx).map(|_| ())).await?;
        in_parts(&wiring.store, move |tx| tx.delete_events_before(id, now.plus(-KEEP_EVENTS))).await?;
        in_parts(&wiring.store, move |tx| tx.delete_done_inbox(id, now.plus(-KEEP_INBOX))).await?;
        in_parts(&wiring.store, move |tx| tx.delete_parked_reports(id, now.plus(-KEEP_INBOX))).await?;
        in_parts(&wiring.store, move |tx| tx.delete_old_callbacks(id, now.plus(-KEEP_CALLBACKS))).await?;
        in_parts(&wiring.store, move |tx| tx.delete_old_inbound_parts(id, now.plus(-KEEP_PARTS))).await?;
        in_parts(&wiring.store, move |tx| tx.delete_done_jobs(id, now.plus(-KEEP_JOBS))).await?;
        in_parts(&wiring.store, move |tx| tx.delete_import_changes(id, now.plus(-UNDO_WINDOW))).await?;
        in_parts(&wiring.store, move |tx| tx.delete_import_errors(id, now.plus(-UNDO_WINDOW))).await?;
        in_parts(&wiring.store, move |tx| tx.delete_row_changes(id, now.plus(-UNDO_WINDOW))).await?;
        let before = now.plus(-UNDO_WINDOW);
        while wiring.store.write_bulk(move |tx| tx.delete_old_deletions(id, before)).await? == Left::More {}
        in_parts(&wiring.store, move |tx| tx.delete_old_requests(id, now)).await?;
        in_parts(&wiring.store, move |tx| tx.delete_old_marketing_sends(id, now.plus(-KEEP_MARKETING_SENDS))).await?;
        in_parts(&wiring.store, move |tx| tx.delete_old_initiated_chats(id, now.plus(-LIMIT_WINDOW))).await?;
        in_parts(&wiring.store, move |tx| tx.delete_old_marketing_rests(id, now)).await?;
        in_parts(&wiring.store, move |tx| tx.delete_old_rate_windows(id, now.plus(-KEEP_RATE_WINDOWS))).await?;
        in_parts(&wiring.store, move |tx| tx.delete_old_places(id, now.plus(-time::HOUR))).await?;
        in_parts(&wiring.store, move |tx| tx.delete_old_early_deletions(id, now.plus(-KEEP_EARLY_DELETIONS))).await?;
        in_parts(&wiring.store, move |tx| tx.delete_old_failovers(id, now.plus(-KEEP_DECISIONS))).await?;
        in_parts(&wiring.store, move |tx| tx.delete_old_decisions(id, now.plus(-KEEP_DECISIONS))).await?;
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
    }
    wiring.store.write_bulk(move |tx| tx.delete_expired_logins(now).map(|_| ())).await
}
