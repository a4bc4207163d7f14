//! What an agent answers to an offer.

use segue_model::{
    Ctx, OfferId, WorkspaceId,
    actor::Actor,
    routing::{OfferState, WorkItemState, WorkItemStep},
    session::SessionStep,
};
use segue_store::{
    Store, Tx,
    recipient::Stamp,
    routing::{Offer, OfferView},
    session::SessionView,
};

use super::{give_back, lock};
use crate::{DeskError, automatic, inbound::step, notice::Notices, say::system_line, sessions};

/// The agent takes the session. A second answer to the same offer, also from a second window, comes too late.
///
/// # Errors
/// [`DeskError::OfferGone`] when the offer was answered, ran out, was taken back or is somebody else's.
pub async fn accept(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    id: OfferId,
) -> Result<SessionView, DeskError> {
    let (ctx, actor) = (ctx.clone(), actor.clone());
    store
        .write(move |tx| {
            let now = ctx.now();
            let offer = mine(tx, workspace_id, &actor, id)?;
            let mut session = sessions::to_change(tx, workspace_id, offer.session_id)?;
            lock(tx, workspace_id)?;
            if offer.expires_at <= now || !tx.end_offer(workspace_id, id, OfferState::Accepted, now)? {
                return Err(DeskError::OfferGone);
            }
            let mut item = tx.work_item(workspace_id, offer.work_item_id)?.ok_or(DeskError::OfferGone)?;
            item.state = item.state.after(WorkItemStep::Accept).map_err(|_| DeskError::OfferGone)?;
            item.accepted_at = Some(now);
            // His capacity is used since the offer; accepting changes nothing about it.
            if !tx.move_work_item(workspace_id, WorkItemState::Offered, &item)? {
                return Err(DeskError::OfferGone);
            }
            let mut notices = Notices::new(workspace_id);
            notices.offer_ended(&offer, OfferState::Accepted);
            session.state = step(&session, SessionStep::Accept)?;
            session.agent_id = Some(offer.user_id);
            session.queue_id = Some(offer.queue_id);
            let line = format!("{} took the session.", sessions::name(&actor));
            system_line(tx, &ctx, workspace_id, &mut session, line, &mut notices)?;
            if let Some(agent) = tx.user(workspace_id, offer.user_id)? {
                automatic::introduce(tx, &ctx, workspace_id, &mut session, &agent, &mut notices)?;
            }
            tx.save_session(workspace_id, &mut session)?;
            sessions::stamp(tx, workspace_id, &session, Stamp::Agent, now)?;
            notices.session_updated(session.id);
            notices.tell(tx, now)?;
            sessions::view(tx, workspace_id, session.id)
        })
        .await
}

/// The agent does not take the session. Others are asked first; he is asked again when nobody else can take it.
///
/// # Errors
/// [`DeskError::OfferGone`] as for [`accept`].
pub async fn decline(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    id: OfferId,
) -> Result<(), DeskError> {
    let (ctx, actor) = (ctx.clone(), actor.clone());
    store
        .write(move |tx| {
            let offer = mine(tx, workspace_id, &actor, id)?;
            lock(tx, workspace_id)?;
            let mut notices = Notices::new(workspace_id);
            if !give_back(tx, &ctx, workspace_id, &offer, OfferState::Declined, &mut notices)? {
                return Err(DeskError::OfferGone);
            }
            notices.tell(tx, ctx.now())?;
            Ok(())
        })
        .await
}

fn mine(tx: &mut Tx<'_>, workspace_id: WorkspaceId, actor: &Actor, id: OfferId) -> Result<Offer, DeskError> {
    tx.offer(workspace_id, id)?
        .filter(|offer| offer.state.is_open() && Some(offer.user_id) == actor.user_id())
        .ok_or(DeskError::OfferGone)
}

/// The offers an agent can answer now.
pub(crate) fn pending(tx: &mut Tx<'_>, workspace_id: WorkspaceId, actor: &Actor) -> Result<Vec<OfferView>, DeskError> {
    let Some(user_id) = actor.user_id() else { return Ok(Vec::new()) };
    let mut views = Vec::new();
    for offer in tx.pending_offers_of_user(workspace_id, user_id)? {
        views.extend(tx.offer_view(workspace_id, offer)?);
    }
    Ok(views)
}
