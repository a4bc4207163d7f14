//! Whether an agent takes offers.

use segue_model::{
    Ctx, Timestamp, UserId, WorkspaceId,
    actor::Actor,
    routing::{OfferState, PresenceChange, PresenceStatus},
};
use segue_store::{Store, StoreError, Tx, routing::PresenceView};

use super::{give_back, lock};
use crate::{DeskError, notice::Notices};

/// An agent's presence.
///
/// # Errors
/// When the store fails.
pub async fn presence(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    user_id: UserId,
) -> Result<PresenceView, DeskError> {
    let ctx = ctx.clone();
    store.write(move |tx| Ok(tx.presence(workspace_id, user_id, ctx.now())?.view())).await
}

/// The agent chooses whether he takes offers. Anything but available gives the offers he has not answered back at once;
/// what he accepted stays with him. Choosing counts as being there for the grace time.
///
/// # Errors
/// [`DeskError::NotFound`] for an actor who is no user.
pub async fn set_presence(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    status: PresenceStatus,
) -> Result<PresenceView, DeskError> {
    let user_id = actor.user_id().ok_or(DeskError::NotFound("agent"))?;
    let ctx = ctx.clone();
    store
        .write(move |tx| {
            let now = ctx.now();
            lock(tx, workspace_id)?;
            tx.presence(workspace_id, user_id, now)?;
            let grace = grace(tx, workspace_id)?;
            tx.see_agent(workspace_id, user_id, now.plus(grace))?;
            let mut notices = Notices::new(workspace_id);
            change(tx, &ctx, workspace_id, user_id, PresenceChange::Chosen(status), &mut notices)?;
            notices.tell(tx, now)?;
            Ok(tx.presence(workspace_id, user_id, now)?.view())
        })
        .await
}

/// The agent's console is connected and will say so again before `until`. Called when an event stream opens and with
/// each of its heartbeats. Wakes routing when he had been gone.
///
/// # Errors
/// When the store fails.
pub async fn seen(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    user_id: UserId,
    until: Timestamp,
) -> Result<(), DeskError> {
    let ctx = ctx.clone();
    store
        .write(move |tx| {
            let before = tx.presence(workspace_id, user_id, ctx.now())?;
            if tx.see_agent(workspace_id, user_id, until)? && before.seen_until <= ctx.now() {
                tx.wake(segue_model::wake::Wake::Routing(workspace_id));
            }
            Ok(())
        })
        .await
}

/// The agent's last event stream of a node has ended: unless one opens again within the grace time, he counts as gone.
/// `known` is until when the node has said that he is there; whom another one has seen since is there.
///
/// # Errors
/// When the store fails.
pub async fn left(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    user_id: UserId,
    known: Timestamp,
) -> Result<(), DeskError> {
    let ctx = ctx.clone();
    store
        .write(move |tx| {
            let grace = grace(tx, workspace_id)?;
            tx.leave_agent(workspace_id, user_id, (ctx.now().plus(grace), known))?;
            tx.wake(segue_model::wake::Wake::Routing(workspace_id));
            Ok(())
        })
        .await
}

fn grace(tx: &mut Tx<'_>, workspace_id: WorkspaceId) -> Result<i64, StoreError> {
    Ok(tx.workspace(workspace_id)?.map_or(0, |workspace| workspace.settings.disconnect_grace))
}

/// Stores a changed presence; who does not take offers gives back those he has not answered. The caller holds the
/// routing lock.
pub(super) fn change(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    user_id: UserId,
    change: PresenceChange,
    notices: &mut Notices,
) -> Result<(), StoreError> {
    let now = ctx.now();
    let before = tx.presence(workspace_id, user_id, now)?;
    let status = before.status.after(change);
    tx.set_presence_status(workspace_id, user_id, status, now)?;
    notices.presence_updated(user_id);
    if !status.takes_offers() {
        for offer in tx.pending_offers_of_user(workspace_id, user_id)? {
            give_back(tx, ctx, workspace_id, &offer, OfferState::Withdrawn, notices)?;
        }
    }
    Ok(())
}
