//! What the accounts of senders deliver, counted beside everything else.
//!
//! Only workspaces with a sender that asks for it are counted. The outbox is read a part of the window at a time, and what
//! was counted replaces what was counted before in one transaction: a crash leaves the figures of before.

use segue_model::{Ctx, WorkspaceId};
use segue_store::{Store, StoreError};

/// Counts what each account of a workspace delivered in the last 24 hours, when a sender asks for it. `true` when it did.
///
/// # Errors
/// When the store fails.
pub async fn count(store: &Store, ctx: &Ctx, workspace_id: WorkspaceId) -> Result<bool, StoreError> {
    let now = ctx.now();
    let counted = store.read::<_, StoreError, _>(move |tx| {
        let channels = tx.routed_channels(workspace_id)?;
        if channels.is_empty() { Ok(None) } else { tx.count_shares(workspace_id, &channels, now).map(Some) }
    });
    let Some(shares) = counted.await? else { return Ok(false) };
    store.write(move |tx| tx.put_shares(workspace_id, &shares, now)).await?;
    Ok(true)
}
