//! Routing: waiting sessions to agents with free capacity.
//!
//! A session that needs a person has one open work item. It waits in a queue, is offered to one agent at a time, is
//! accepted, and is closed with the session. Capacity is used from the offer on.
//!
//! Invariants, each held by the database and not by timing: an agent's load is the sum of the weights of the work items
//! offered to or accepted by him, since both change in one transaction and only when the conditional update of the work
//! item's state found it as it was; load never exceeds capacity (conditional update and check constraint); a work item
//! has one pending offer at most (unique index). On top of that all changes of routing in a workspace take one lock, so
//! that what a change read first is still true when it writes: nobody can give an offer back while the session it belongs
//! to is being closed.
//!
//! A crash at any point leaves a consistent state: an offer nobody answers runs out, an agent whose console is gone
//! counts as gone when his `seen_until` has passed, and the sweep of any node moves both on. What an agent has who may not
//! converse any more, [`release_stranded`] gives back.

mod offers;
mod presence;
mod stranded;
mod sweep;
mod transfer;

use segue_model::{
    Ctx, QueueId, SessionId, UserId, WorkspaceId,
    routing::{OfferState, WorkItemState, WorkItemStep},
    session::{SessionState, SessionStep},
};
use segue_store::{
    StoreError, Tx,
    flow::RunStatus,
    routing::{CONVERSATION, Offer, WorkItem},
    session::Session,
};

pub(crate) use offers::pending;
pub use offers::{accept, decline};
pub use presence::{left, presence, seen, set_presence};
pub use stranded::release_stranded;
pub use sweep::{Swept, sweep};
pub use transfer::{Target, take_over, transfer};

use crate::{DeskError, cases, inbound::step, notice::Notices};

/// Priority of a usual work item; lower ones are offered first.
const USUAL_PRIORITY: i64 = 100;

/// Makes changes of routing in this workspace wait for each other. After the session's lock, never before it.
pub(crate) fn lock(tx: &mut Tx<'_>, workspace_id: WorkspaceId) -> Result<(), StoreError> {
    tx.lock("routing", &workspace_id)
}

/// Puts a session into a queue and silences its bot. The caller saves the session. A session that waits already waits
/// in this queue from now on; one that an agent has is left with him.
pub(crate) fn enqueue(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    session: &mut Session,
    queue_id: QueueId,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    enqueue_for(tx, ctx, workspace_id, session, (queue_id, None), notices)
}

/// [`enqueue`], with an agent who is asked before everybody else.
pub(crate) fn enqueue_for(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    session: &mut Session,
    (queue_id, preferred_id): (QueueId, Option<UserId>),
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let now = ctx.now();
    tx.end_flow_run(workspace_id, session.id, RunStatus::HandedOver, now)?;
    notices.session_updated(session.id);
    let item = WorkItem {
        id: ctx.id(),
        session_id: session.id,
        queue_id,
        state: WorkItemState::Waiting,
        weight: CONVERSATION,
        priority: USUAL_PRIORITY,
        agent_id: None,
        declined: Vec::new(),
        ask_again_at: now,
        enqueued_at: now,
        accepted_at: None,
        preferred_id,
    };
    if tx.insert_work_item(workspace_id, &item)? {
        cases::handed_over(tx, ctx, workspace_id, session, notices)?;
    } else {
        lock(tx, workspace_id)?;
        let Some(mut known) = tx.open_work_item_of(workspace_id, session.id)? else { return Ok(()) };
        if known.state == WorkItemState::Accepted {
            return Ok(());
        }
        if known.queue_id != queue_id {
            if known.state == WorkItemState::Offered {
                withdraw(tx, ctx, workspace_id, &known, notices)?;
                known.state = WorkItemState::Waiting;
                known.agent_id = None;
            }
            (known.queue_id, known.declined, known.preferred_id) = (queue_id, Vec::new(), preferred_id);
            tx.move_work_item(workspace_id, WorkItemState::Waiting, &known)?;
        }
    }
    session.queue_id = Some(queue_id);
    session.numbers.waits(now);
    if session.state != SessionState::Waiting {
        session.state = step(session, SessionStep::Enqueue)?;
    }
    Ok(())
}

/// Takes the pending offer of a work item back.
fn withdraw(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    item: &WorkItem,
    notices: &mut Notices,
) -> Result<(), StoreError> {
    if let Some(offer) = tx.pending_offer_of(workspace_id, item.id)? {
        give_back(tx, ctx, workspace_id, &offer, OfferState::Withdrawn, notices)?;
    }
    Ok(())
}

/// Ends a pending offer without a conversation: the work item waits again and the agent's capacity is free. Who
/// declined it, or let it run out, is passed over until everybody was asked. `false` when the offer was not pending any
/// more; nothing is changed then.
fn give_back(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    offer: &Offer,
    reason: OfferState,
    notices: &mut Notices,
) -> Result<bool, StoreError> {
    let now = ctx.now();
    if !tx.end_offer(workspace_id, offer.id, reason, now)? {
        return Ok(false);
    }
    if let Some(mut item) = tx.work_item(workspace_id, offer.work_item_id)?
        && let Ok(state) = item.state.after(WorkItemStep::OfferEnded)
    {
        (item.state, item.agent_id) = (state, None);
        if matches!(reason, OfferState::Declined | OfferState::Expired) {
            let pause = tx.queue(workspace_id, item.queue_id)?.map_or(0, |queue| i64::from(queue.offer_seconds));
            item.ask_again_at = now.plus(pause * 1_000);
            if !item.declined.contains(&offer.user_id) {
                item.declined.push(offer.user_id);
            }
        }
        if tx.move_work_item(workspace_id, WorkItemState::Offered, &item)? {
            tx.free_capacity(workspace_id, offer.user_id, item.weight, now)?;
        }
    }
    notices.offer_ended(offer, reason);
    notices.presence_updated(offer.user_id);
    Ok(true)
}

/// Closes a session's work item and gives its capacity back, once: the item's state decides.
pub(crate) fn close_work(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    session_id: SessionId,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    lock(tx, workspace_id)?;
    let Some(item) = tx.open_work_item_of(workspace_id, session_id)? else { return Ok(()) };
    if item.state == WorkItemState::Offered
        && let Some(offer) = tx.pending_offer_of(workspace_id, item.id)?
        && tx.end_offer(workspace_id, offer.id, OfferState::Withdrawn, ctx.now())?
    {
        notices.offer_ended(&offer, OfferState::Withdrawn);
    }
    if tx.close_work_item(workspace_id, item.id, item.state, ctx.now())?
        && let Some(agent_id) = item.agent_id
    {
        tx.free_capacity(workspace_id, agent_id, item.weight, ctx.now())?;
        notices.presence_updated(agent_id);
    }
    Ok(())
}

/// Gives a session to an agent, from whoever has it. The caller holds the session's and the routing's lock, and saves
/// the session.
pub(crate) fn assign(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    session: &mut Session,
    user_id: UserId,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let now = ctx.now();
    let mut item = match tx.open_work_item_of(workspace_id, session.id)? {
        Some(item) => item,
        None => {
            let queue_id = queue_for(tx, workspace_id, session)?;
            enqueue(tx, ctx, workspace_id, session, queue_id, notices)?;
            tx.open_work_item_of(workspace_id, session.id)?.ok_or(DeskError::SessionEnded)?
        }
    };
    if item.state == WorkItemState::Offered {
        withdraw(tx, ctx, workspace_id, &item, notices)?;
        item = tx.open_work_item_of(workspace_id, session.id)?.ok_or(DeskError::SessionEnded)?;
    }
    if item.agent_id == Some(user_id) {
        return Ok(());
    }
    tx.presence(workspace_id, user_id, now)?;
    if !tx.take_capacity(workspace_id, user_id, item.weight, now)? {
        return Err(DeskError::AtCapacity);
    }
    let (from, before) = (item.state, item.agent_id);
    if from != WorkItemState::Accepted {
        item.accepted_at = Some(now);
    }
    (item.state, item.agent_id) = (WorkItemState::Accepted, Some(user_id));
    if !tx.move_work_item(workspace_id, from, &item)? {
        return Err(StoreError::Unavailable("the session was routed at the same time".to_owned()).into());
    }
    if let Some(before) = before {
        tx.free_capacity(workspace_id, before, item.weight, now)?;
        notices.presence_updated(before);
    }
    notices.presence_updated(user_id);
    session.agent_id = Some(user_id);
    if matches!(session.state, SessionState::Waiting | SessionState::Error) {
        session.state = step(session, SessionStep::Accept)?;
    }
    notices.session_updated(session.id);
    Ok(())
}

/// The queue a session without one counts to: its own, that of its channel, or the first there is.
fn queue_for(tx: &mut Tx<'_>, workspace_id: WorkspaceId, session: &Session) -> Result<QueueId, DeskError> {
    if let Some(queue_id) = session.queue_id {
        return Ok(queue_id);
    }
    let slug = tx.channel(workspace_id, session.channel_id)?.and_then(|channel| channel.queue_slug);
    if let Some(slug) = slug
        && let Some(queue) = tx.queue_of_slug(workspace_id, &slug)?
    {
        return Ok(queue.id);
    }
    tx.queues(workspace_id)?.first().map(|queue| queue.id).ok_or(DeskError::NoQueue)
}
