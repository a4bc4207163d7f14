//! The sweep: whatever time or agents have made due, in one transaction. Any node may run it at any moment.

use std::collections::BTreeMap;

use segue_model::{
    ChannelId, Ctx, QueueId, Timestamp, UserId, WorkspaceId,
    routing::{Candidate, OfferState, PresenceChange, WorkItemState, WorkItemStep, choose},
};
use segue_store::{
    StoreError, Tx,
    routing::{Offer, Presence, Queue, WorkItem},
};

use super::{give_back, lock, presence::change};
use crate::notice::Notices;

/// Most work items of a queue looked at in one sweep; what is behind them is not offered before them anyway.
const WAITING_LIMIT: u32 = 200;

/// What a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    pub offered: usize,
    /// Offers that ran out or were taken back.
    pub given_back: usize,
    /// When the next sweep is due, unless something wakes it before.
    pub next_at: Option<Timestamp>,
}

/// Ends offers that ran out, takes those of agents back who are gone, and offers what waits.
///
/// # Errors
/// When the store fails.
pub fn sweep(tx: &mut Tx<'_>, ctx: &Ctx, workspace_id: WorkspaceId) -> Result<Swept, StoreError> {
    lock(tx, workspace_id)?;
    let now = ctx.now();
    let mut notices = Notices::new(workspace_id);
    let mut given_back = 0;
    for gone in tx.gone_agents(workspace_id, now)? {
        given_back += tx.pending_offers_of_user(workspace_id, gone.user_id)?.len();
        change(tx, ctx, workspace_id, gone.user_id, PresenceChange::ConnectionLost, &mut notices)?;
    }
    for offer in tx.expired_offers(workspace_id, now)? {
        given_back += usize::from(give_back(tx, ctx, workspace_id, &offer, OfferState::Expired, &mut notices)?);
    }
    let (offered, ask_again_at) = offer_waiting(tx, ctx, workspace_id, &mut notices)?;
    notices.tell(tx, now)?;
    let deadline = tx.next_routing_deadline(workspace_id)?;
    let next_at = [deadline, ask_again_at].into_iter().flatten().min();
    Ok(Swept { offered, given_back, next_at })
}

/// Offers waiting work items, the most urgent and oldest first. Gives how many, and when somebody who declined may be
/// asked again.
fn offer_waiting(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    notices: &mut Notices,
) -> Result<(usize, Option<Timestamp>), StoreError> {
    let now = ctx.now();
    let members = tx.available_members(workspace_id)?;
    let mut agents: BTreeMap<UserId, Presence> =
        members.values().flatten().map(|presence| (presence.user_id, presence.clone())).collect();
    agents.retain(|_, presence| presence.seen_until > now && presence.load < presence.capacity);
    if agents.is_empty() {
        return Ok((0, None));
    }
    let queues: BTreeMap<QueueId, Queue> =
        tx.queues(workspace_id)?.into_iter().map(|queue| (queue.id, queue)).collect();
    let (open, opens_at) = open_channels(tx, workspace_id, now)?;
    let mut waiting = Vec::new();
    for queue_id in members.keys() {
        match &open {
            None => waiting.extend(tx.waiting_work_items(workspace_id, *queue_id, WAITING_LIMIT)?),
            // What waits for a closed channel must not stand before what can be offered.
            Some(open) => {
                for channel_id in open {
                    let limit = WAITING_LIMIT;
                    waiting.extend(tx.waiting_work_items_of_channel(workspace_id, *queue_id, *channel_id, limit)?);
                }
            }
        }
    }
    waiting.sort_by_key(|item| (item.priority, item.enqueued_at, item.id));

    let (mut offered, mut ask_again_at) = (0, opens_at);
    for item in waiting {
        let (Some(queue), Some(members)) = (queues.get(&item.queue_id), members.get(&item.queue_id)) else { continue };
        let members: Vec<UserId> = members.iter().map(|presence| presence.user_id).collect();
        match offer(tx, ctx, workspace_id, item, queue, &members, &mut agents, notices)? {
            Offered::Yes => offered += 1,
            Offered::No => {}
            Offered::Later(at) => ask_again_at = Some(ask_again_at.map_or(at, |earliest| earliest.min(at))),
        }
    }
    Ok((offered, ask_again_at))
}

/// The channels whose sessions are offered at this hour, when some are not, and when the next of those opens.
fn open_channels(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    now: Timestamp,
) -> Result<(Option<Vec<ChannelId>>, Option<Timestamp>), StoreError> {
    let channels = tx.channels(workspace_id)?;
    let opens_at = channels.iter().filter_map(|channel| channel.conversation.offers_again_at(now)).min();
    if opens_at.is_none() {
        return Ok((None, None));
    }
    let open = channels.iter().filter(|channel| channel.conversation.offers_again_at(now).is_none());
    Ok((Some(open.map(|channel| channel.id).collect()), opens_at))
}

enum Offered {
    Yes,
    No,
    /// Everybody who could take it declined; they are asked again then.
    Later(Timestamp),
}

#[expect(clippy::too_many_arguments, reason = "one step of the loop above")]
fn offer(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    mut item: WorkItem,
    queue: &Queue,
    members: &[UserId],
    agents: &mut BTreeMap<UserId, Presence>,
    notices: &mut Notices,
) -> Result<Offered, StoreError> {
    let now = ctx.now();
    loop {
        let candidates: Vec<Candidate> = members
            .iter()
            .filter_map(|user_id| agents.get(user_id))
            .map(|presence| candidate(presence, &item, now))
            .collect();
        let preferred = item
            .preferred_id
            .filter(|id| members.contains(id) && !item.declined.contains(id))
            .and_then(|id| agents.get(&id))
            .map(|presence| candidate(presence, &item, now))
            .filter(|agent| agent.can_take(item.weight))
            .map(|agent| agent.user_id);
        let Some(user_id) = preferred.or_else(|| choose(&candidates, item.weight)) else { return Ok(Offered::No) };
        if item.declined.contains(&user_id) {
            if item.ask_again_at > now {
                return Ok(Offered::Later(item.ask_again_at));
            }
            // Everybody was asked: a new pass begins.
            item.declined.clear();
        }
        if !tx.reserve_capacity(workspace_id, user_id, item.weight, now)? {
            // Somebody changed his presence without the lock; whoever it was wakes the next sweep.
            agents.remove(&user_id);
            continue;
        }
        let Ok(state) = item.state.after(WorkItemStep::Offer) else { return Ok(Offered::No) };
        (item.state, item.agent_id) = (state, Some(user_id));
        if !tx.move_work_item(workspace_id, WorkItemState::Waiting, &item)? {
            tx.free_capacity(workspace_id, user_id, item.weight, now)?;
            return Ok(Offered::No);
        }
        let made = Offer {
            id: ctx.id(),
            work_item_id: item.id,
            session_id: item.session_id,
            queue_id: item.queue_id,
            user_id,
            state: OfferState::Pending,
            offered_at: now,
            expires_at: now.plus(i64::from(queue.offer_seconds.max(1)) * 1_000),
        };
        tx.insert_offer(workspace_id, &made)?;
        if let Some(presence) = agents.get_mut(&user_id) {
            presence.load += item.weight;
            presence.last_offer_at = now;
        }
        notices.offer_created(made);
        notices.presence_updated(user_id);
        return Ok(Offered::Yes);
    }
}

fn candidate(presence: &Presence, item: &WorkItem, now: Timestamp) -> Candidate {
    Candidate {
        user_id: presence.user_id,
        status: presence.status,
        connected: presence.seen_until > now,
        capacity: presence.capacity,
        load: presence.load,
        last_offer_at: (presence.last_offer_at.0 > 0).then_some(presence.last_offer_at),
        declined: item.declined.contains(&presence.user_id),
    }
}
