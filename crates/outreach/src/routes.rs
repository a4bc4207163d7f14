//! What the accounts of senders deliver, counted beside everything else.
//!
//! Only workspaces with a sender that asks for it are counted. The outbox is read a part of the window at a time, and what
//! was counted replaces what was counted before in one transaction: a crash leaves the figures of before, and figures that
//! nobody renews stop counting after an hour.

use segue_model::{Ctx, WorkspaceId};
use segue_store::{Store, StoreError, route::Shares};

/// Counts for every workspace. What fails for one does not keep the others from being counted; it is counted next time.
///
/// # Errors
/// When the workspaces cannot be read.
pub async fn count_all(store: &Store, ctx: &Ctx) -> Result<(), StoreError> {
    for workspace in store.read(|tx| tx.workspaces()).await? {
        if let Err(error) = count(store, ctx, workspace.id).await {
            tracing::error!(%error, workspace_id = %workspace.id, "what the accounts of senders delivered could not be counted");
        }
    }
    Ok(())
}

/// Counts what each account of a workspace delivered in the last 24 hours, when a sender asks for it; where none does
/// any more, the figures of before go. `true` when it counted.
///
/// # Errors
/// When the store fails.
pub async fn count(store: &Store, ctx: &Ctx, workspace_id: WorkspaceId) -> Result<bool, StoreError> {
    let now = ctx.now();
    let counted = store.read::<_, StoreError, _>(move |tx| {
        let channels = tx.routed_channels(workspace_id)?;
        if channels.is_empty() {
            let is_left = !tx.route_shares(workspace_id)?.shares.is_empty();
            return Ok(is_left.then(|| (false, Shares::new())));
        }
        tx.count_shares(workspace_id, &channels, now).map(|shares| Some((true, shares)))
    });
    let Some((is_asked, shares)) = counted.await? else { return Ok(false) };
    store.write(move |tx| tx.put_shares(workspace_id, &shares, now)).await?;
    Ok(is_asked)
}
