//! Queues, work items and offers.
//!
//! An agent's load is one number in his [presence](crate::presence) row. It is changed only together with the one work item that causes
//! it, by a conditional update of that item's state: so a conversation takes capacity once and frees it once, whoever
//! asks how often. The constraint `presences_capacity` refuses what would exceed it.

use std::collections::BTreeMap;

use segue_model::{
    ChannelId, OfferId, QueueId, SessionId, Timestamp, UserId, WorkItemId, WorkspaceId,
    routing::{OfferState, WorkItemState},
    wake::Wake,
};
use serde::Serialize;
use utoipa::ToSchema;

pub use crate::presence::{AgentPresence, DEFAULT_CAPACITY, Presence, PresenceView};
use crate::{Row, StoreError, Tx, session::SessionView, tx::json_text};

/// Thousandths of a conversation: what a usual conversation weighs.
pub const CONVERSATION: u32 = 1_000;
/// Where work items wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    pub id: QueueId,
    /// Stable name in configuration files.
    pub slug: String,
    pub name: String,
    /// How long an offer stands.
    pub offer_seconds: u32,
    pub created_at: Timestamp,
}

/// A member of a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct QueueMember {
    pub user_id: UserId,
    pub name: String,
}

/// A queue as screens show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Queue)]
pub struct QueueView {
    pub id: QueueId,
    pub name: String,
    pub slug: String,
    pub offer_seconds: u32,
    pub members: Vec<QueueMember>,
    /// Sessions that wait for an agent, those being offered included.
    pub waiting: u32,
    pub longest_wait_seconds: Option<i64>,
}

/// Work that waits for or belongs to an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkItem {
    pub id: WorkItemId,
    pub session_id: SessionId,
    pub queue_id: QueueId,
    pub state: WorkItemState,
    /// Thousandths of a conversation.
    pub weight: u32,
    /// Lower goes first.
    pub priority: i64,
    /// Whose capacity it uses: offered to or accepted by.
    pub agent_id: Option<UserId>,
    /// Who declined it, or let its offer expire, in this pass.
    pub declined: Vec<UserId>,
    /// Those who declined are not asked again before.
    pub ask_again_at: Timestamp,
    /// Since when it waits; an earlier wait of the same session is counted in.
    pub enqueued_at: Timestamp,
    /// Since when an agent has it.
    pub accepted_at: Option<Timestamp>,
    /// Who is asked before everybody else, if he can take it.
    pub preferred_id: Option<UserId>,
}

/// A reservation of an agent for a work item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    pub id: OfferId,
    pub work_item_id: WorkItemId,
    pub session_id: SessionId,
    pub queue_id: QueueId,
    pub user_id: UserId,
    pub state: OfferState,
    pub offered_at: Timestamp,
    pub expires_at: Timestamp,
}

/// An offer as the agent's screen shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Offer)]
pub struct OfferView {
    pub id: OfferId,
    pub session_id: SessionId,
    pub queue_id: QueueId,
    pub session: SessionView,
    pub offered_at: Timestamp,
    pub expires_at: Timestamp,
}

crate::sql! {
    UPSERT_QUEUE = "INSERT INTO queues (workspace_id, id, slug, name, offer_seconds, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (workspace_id, slug) DO UPDATE SET name = excluded.name, offer_seconds = excluded.offer_seconds
        RETURNING id";
    INSERT_QUEUE = "INSERT INTO queues (workspace_id, id, slug, name, offer_seconds, created_at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (workspace_id, slug) DO NOTHING";
    UPDATE_QUEUE = "UPDATE queues SET name = $3, offer_seconds = $4 WHERE workspace_id = $1 AND id = $2";
    QUEUES = "SELECT id, slug, name, offer_seconds, created_at FROM queues WHERE workspace_id = $1 ORDER BY name, id";
    QUEUE = "SELECT id, slug, name, offer_seconds, created_at FROM queues WHERE workspace_id = $1 AND id = $2";
    QUEUE_OF_SLUG = "SELECT id, slug, name, offer_seconds, created_at FROM queues
        WHERE workspace_id = $1 AND slug = $2";
    QUEUE_WAITS = "SELECT queue_id, COUNT(*), MIN(enqueued_at) FROM work_items
        WHERE workspace_id = $1 AND state IN ('waiting', 'offered') GROUP BY queue_id";
    MEMBERS = "SELECT m.queue_id, u.id, u.name FROM queue_members m
        JOIN users u ON u.workspace_id = m.workspace_id AND u.id = m.user_id
        WHERE m.workspace_id = $1 AND u.disabled_at IS NULL ORDER BY m.queue_id, u.name, u.id";
    ADD_MEMBER = "INSERT INTO queue_members (workspace_id, queue_id, user_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    CLEAR_MEMBERS = "DELETE FROM queue_members WHERE workspace_id = $1 AND queue_id = $2";
    MEMBERS_OF_QUEUE = "SELECT user_id FROM queue_members WHERE workspace_id = $1 AND queue_id = $2 ORDER BY user_id";
    QUEUES_OF_MEMBER = "SELECT queue_id FROM queue_members WHERE workspace_id = $1 AND user_id = $2 ORDER BY queue_id";

    INSERT_WORK_ITEM = "INSERT INTO work_items (workspace_id, id, session_id, queue_id, state, weight, priority, declined,
            enqueued_at, preferred_id)
        VALUES ($1, $2, $3, $4, 'waiting', $5, $6, '[]', $7, $8) ON CONFLICT DO NOTHING";
    OPEN_WORK_ITEM_OF = "SELECT id, session_id, queue_id, state, weight, priority, agent_id, declined, ask_again_at,
            enqueued_at, accepted_at, preferred_id
        FROM work_items WHERE workspace_id = $1 AND session_id = $2 AND state <> 'closed'";
    ACCEPTED_OF = "SELECT session_id FROM work_items
        WHERE workspace_id = $1 AND agent_id = $2 AND state = 'accepted' ORDER BY id LIMIT $3";
    WORK_ITEM = "SELECT id, session_id, queue_id, state, weight, priority, agent_id, declined, ask_again_at, enqueued_at,
            accepted_at, preferred_id
        FROM work_items WHERE workspace_id = $1 AND id = $2";
    WAITING = "SELECT id, session_id, queue_id, state, weight, priority, agent_id, declined, ask_again_at, enqueued_at,
            accepted_at, preferred_id
        FROM work_items WHERE workspace_id = $1 AND queue_id = $2 AND state = 'waiting'
        ORDER BY priority, enqueued_at, id LIMIT $3";
    WAITING_OF_CHANNEL = "SELECT w.id, w.session_id, w.queue_id, w.state, w.weight, w.priority, w.agent_id, w.declined,
            w.ask_again_at, w.enqueued_at, w.accepted_at, w.preferred_id
        FROM work_items w JOIN sessions s ON s.workspace_id = w.workspace_id AND s.id = w.session_id
        WHERE w.workspace_id = $1 AND w.queue_id = $2 AND w.state = 'waiting' AND s.channel_id = $3
        ORDER BY w.priority, w.enqueued_at, w.id LIMIT $4";
    MOVE_WORK_ITEM = "UPDATE work_items SET state = $4, agent_id = $5, queue_id = $6, declined = $7, ask_again_at = $8,
            enqueued_at = $9, accepted_at = $10, preferred_id = $11
        WHERE workspace_id = $1 AND id = $2 AND state = $3";
    CLOSE_WORK_ITEM = "UPDATE work_items SET state = 'closed', agent_id = NULL, closed_at = $4
        WHERE workspace_id = $1 AND id = $2 AND state = $3";

    INSERT_OFFER = "INSERT INTO offers (workspace_id, id, work_item_id, session_id, queue_id, user_id, state, offered_at,
            expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7, $8)";
    OFFER = "SELECT id, work_item_id, session_id, queue_id, user_id, state, offered_at, expires_at FROM offers
        WHERE workspace_id = $1 AND id = $2";
    PENDING_OFFER_OF = "SELECT id, work_item_id, session_id, queue_id, user_id, state, offered_at, expires_at FROM offers
        WHERE workspace_id = $1 AND work_item_id = $2 AND state = 'pending'";
    PENDING_OFFERS_OF_USER = "SELECT id, work_item_id, session_id, queue_id, user_id, state, offered_at, expires_at
        FROM offers WHERE workspace_id = $1 AND user_id = $2 AND state = 'pending' ORDER BY offered_at, id";
    EXPIRED_OFFERS = "SELECT id, work_item_id, session_id, queue_id, user_id, state, offered_at, expires_at FROM offers
        WHERE workspace_id = $1 AND state = 'pending' AND expires_at <= $2 ORDER BY expires_at, id";
    NEXT_EXPIRY = "SELECT MIN(expires_at) FROM offers WHERE workspace_id = $1 AND state = 'pending'";
    END_OFFER = "UPDATE offers SET state = $3, ended_at = $4 WHERE workspace_id = $1 AND id = $2 AND state = 'pending'";
}

fn read_queue(row: &mut Row<'_>) -> Result<Queue, StoreError> {
    Ok(Queue {
        id: row.next()?,
        slug: row.next()?,
        name: row.next()?,
        offer_seconds: row.next()?,
        created_at: row.next()?,
    })
}

fn read_work_item(row: &mut Row<'_>) -> Result<WorkItem, StoreError> {
    Ok(WorkItem {
        id: row.next()?,
        session_id: row.next()?,
        queue_id: row.next()?,
        state: row.word()?,
        weight: row.next()?,
        priority: row.next()?,
        agent_id: row.next()?,
        declined: row.json()?,
        ask_again_at: row.next()?,
        enqueued_at: row.next()?,
        accepted_at: row.next()?,
        preferred_id: row.next()?,
    })
}

fn read_offer(row: &mut Row<'_>) -> Result<Offer, StoreError> {
    Ok(Offer {
        id: row.next()?,
        work_item_id: row.next()?,
        session_id: row.next()?,
        queue_id: row.next()?,
        user_id: row.next()?,
        state: row.word()?,
        offered_at: row.next()?,
        expires_at: row.next()?,
    })
}

/// Queues and their members.
impl Tx<'_> {
    /// Adds a queue, or changes the one with the same slug. Gives the id it has.
    ///
    /// # Errors
    /// When the store fails.
    pub fn upsert_queue(&mut self, workspace_id: WorkspaceId, queue: &Queue) -> Result<QueueId, StoreError> {
        self.query_one(
            &UPSERT_QUEUE,
            &[&workspace_id, &queue.id, &queue.slug, &queue.name, &queue.offer_seconds, &queue.created_at],
            |row| row.next(),
        )
    }

    /// Adds a queue. `false` when the slug is taken.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_queue(&mut self, workspace_id: WorkspaceId, queue: &Queue) -> Result<bool, StoreError> {
        let written = self.execute(
            &INSERT_QUEUE,
            &[&workspace_id, &queue.id, &queue.slug, &queue.name, &queue.offer_seconds, &queue.created_at],
        )?;
        Ok(written == 1)
    }

    /// Stores name and offer time of a queue. `false` when it is unknown.
    ///
    /// # Errors
    /// When the store fails.
    pub fn update_queue(&mut self, workspace_id: WorkspaceId, queue: &Queue) -> Result<bool, StoreError> {
        Ok(self.execute(&UPDATE_QUEUE, &[&workspace_id, &queue.id, &queue.name, &queue.offer_seconds])? == 1)
    }

    /// The queues of a workspace by name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn queues(&mut self, workspace_id: WorkspaceId) -> Result<Vec<Queue>, StoreError> {
        self.query(&QUEUES, &[&workspace_id], read_queue)
    }

    /// One queue.
    ///
    /// # Errors
    /// When the store fails.
    pub fn queue(&mut self, workspace_id: WorkspaceId, id: QueueId) -> Result<Option<Queue>, StoreError> {
        self.query_opt(&QUEUE, &[&workspace_id, &id], read_queue)
    }

    /// The queue with this stable name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn queue_of_slug(&mut self, workspace_id: WorkspaceId, slug: &str) -> Result<Option<Queue>, StoreError> {
        self.query_opt(&QUEUE_OF_SLUG, &[&workspace_id, &slug], read_queue)
    }

    /// Makes these users the members of a queue.
    ///
    /// # Errors
    /// When the store fails or a user is unknown.
    pub fn set_queue_members(
        &mut self,
        workspace_id: WorkspaceId,
        id: QueueId,
        members: &[UserId],
    ) -> Result<(), StoreError> {
        self.execute(&CLEAR_MEMBERS, &[&workspace_id, &id])?;
        for user_id in members {
            self.execute(&ADD_MEMBER, &[&workspace_id, &id, user_id])?;
        }
        self.wake(Wake::Routing(workspace_id));
        Ok(())
    }

    /// Which queues a user is a member of.
    ///
    /// # Errors
    /// When the store fails.
    pub fn queues_of_member(&mut self, workspace_id: WorkspaceId, user_id: UserId) -> Result<Vec<QueueId>, StoreError> {
        self.query(&QUEUES_OF_MEMBER, &[&workspace_id, &user_id], |row| row.next())
    }

    /// Who is a member of a queue.
    ///
    /// # Errors
    /// When the store fails.
    pub fn members_of_queue(
        &mut self,
        workspace_id: WorkspaceId,
        queue_id: QueueId,
    ) -> Result<Vec<UserId>, StoreError> {
        self.query(&MEMBERS_OF_QUEUE, &[&workspace_id, &queue_id], |row| row.next())
    }

    /// The queues with members and waits, as screens show them.
    ///
    /// # Errors
    /// When the store fails.
    pub fn queue_views(&mut self, workspace_id: WorkspaceId, now: Timestamp) -> Result<Vec<QueueView>, StoreError> {
        let mut members = BTreeMap::<QueueId, Vec<QueueMember>>::new();
        self.each(&MEMBERS, &[&workspace_id], |row| {
            let queue_id = row.next()?;
            let member = QueueMember { user_id: row.next()?, name: row.next()? };
            members.entry(queue_id).or_default().push(member);
            Ok(())
        })?;
        let mut waits = BTreeMap::<QueueId, (u32, Timestamp)>::new();
        self.each(&QUEUE_WAITS, &[&workspace_id], |row| {
            waits.insert(row.next()?, (row.next()?, row.next()?));
            Ok(())
        })?;
        let views = self.queues(workspace_id)?.into_iter().map(|queue| QueueView {
            members: members.remove(&queue.id).unwrap_or_default(),
            waiting: waits.get(&queue.id).map_or(0, |(count, _)| *count),
            longest_wait_seconds: waits.get(&queue.id).map(|(_, since)| (now.since(*since) / 1_000).max(0)),
            id: queue.id,
            name: queue.name,
            slug: queue.slug,
            offer_seconds: queue.offer_seconds,
        });
        Ok(views.collect())
    }
}

/// Work items and offers.
impl Tx<'_> {
    /// Puts a session into a queue. `false` when it has an open work item already.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_work_item(&mut self, workspace_id: WorkspaceId, item: &WorkItem) -> Result<bool, StoreError> {
        self.wake(Wake::Routing(workspace_id));
        let written = self.execute(
            &INSERT_WORK_ITEM,
            &[
                &workspace_id,
                &item.id,
                &item.session_id,
                &item.queue_id,
                &item.weight,
                &item.priority,
                &item.enqueued_at,
                &item.preferred_id,
            ],
        )?;
        Ok(written == 1)
    }

    /// The work item of a session that is not closed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn open_work_item_of(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
    ) -> Result<Option<WorkItem>, StoreError> {
        self.query_opt(&OPEN_WORK_ITEM_OF, &[&workspace_id, &session_id], read_work_item)
    }

    /// Sessions that an agent has.
    ///
    /// # Errors
    /// When the store fails.
    pub fn accepted_sessions_of(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: UserId,
        limit: u32,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.query(&ACCEPTED_OF, &[&workspace_id, &user_id, &limit], |row| row.next())
    }

    /// One work item.
    ///
    /// # Errors
    /// When the store fails.
    pub fn work_item(&mut self, workspace_id: WorkspaceId, id: WorkItemId) -> Result<Option<WorkItem>, StoreError> {
        self.query_opt(&WORK_ITEM, &[&workspace_id, &id], read_work_item)
    }

    /// The work items that wait in a queue, those to be offered first in front.
    ///
    /// # Errors
    /// When the store fails.
    pub fn waiting_work_items(
        &mut self,
        workspace_id: WorkspaceId,
        queue_id: QueueId,
        limit: u32,
    ) -> Result<Vec<WorkItem>, StoreError> {
        self.query(&WAITING, &[&workspace_id, &queue_id, &limit], read_work_item)
    }

    /// [`Tx::waiting_work_items`] of one channel.
    ///
    /// # Errors
    /// When the store fails.
    pub fn waiting_work_items_of_channel(
        &mut self,
        workspace_id: WorkspaceId,
        queue_id: QueueId,
        channel_id: ChannelId,
        limit: u32,
    ) -> Result<Vec<WorkItem>, StoreError> {
        self.query(&WAITING_OF_CHANNEL, &[&workspace_id, &queue_id, &channel_id, &limit], read_work_item)
    }

    /// Stores a work item's new state, agent, queue, pass, times and who is asked first, when it is still in the state `from`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn move_work_item(
        &mut self,
        workspace_id: WorkspaceId,
        from: WorkItemState,
        item: &WorkItem,
    ) -> Result<bool, StoreError> {
        let declined = json_text(&item.declined)?;
        self.wake(Wake::Routing(workspace_id));
        let written = self.execute(
            &MOVE_WORK_ITEM,
            &[
                &workspace_id,
                &item.id,
                &from.as_str(),
                &item.state.as_str(),
                &item.agent_id,
                &item.queue_id,
                &declined,
                &item.ask_again_at,
                &item.enqueued_at,
                &item.accepted_at,
                &item.preferred_id,
            ],
        )?;
        Ok(written == 1)
    }

    /// Closes a work item that is in the state `from`. `false` when it is not.
    ///
    /// # Errors
    /// When the store fails.
    pub fn close_work_item(
        &mut self,
        workspace_id: WorkspaceId,
        id: WorkItemId,
        from: WorkItemState,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&CLOSE_WORK_ITEM, &[&workspace_id, &id, &from.as_str(), &now])? == 1)
    }

    /// Adds a pending offer. The work item must have none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_offer(&mut self, workspace_id: WorkspaceId, offer: &Offer) -> Result<(), StoreError> {
        self.execute(
            &INSERT_OFFER,
            &[
                &workspace_id,
                &offer.id,
                &offer.work_item_id,
                &offer.session_id,
                &offer.queue_id,
                &offer.user_id,
                &offer.offered_at,
                &offer.expires_at,
            ],
        )
        .map(|_| ())
    }

    /// One offer.
    ///
    /// # Errors
    /// When the store fails.
    pub fn offer(&mut self, workspace_id: WorkspaceId, id: OfferId) -> Result<Option<Offer>, StoreError> {
        self.query_opt(&OFFER, &[&workspace_id, &id], read_offer)
    }

    /// An offer as the agent's screen shows it. Nothing when its conversation is gone.
    ///
    /// # Errors
    /// When the store fails.
    pub fn offer_view(&mut self, workspace_id: WorkspaceId, offer: Offer) -> Result<Option<OfferView>, StoreError> {
        let session = self.session_view(workspace_id, offer.session_id)?;
        Ok(session.map(|session| OfferView {
            id: offer.id,
            session_id: offer.session_id,
            queue_id: offer.queue_id,
            session,
            offered_at: offer.offered_at,
            expires_at: offer.expires_at,
        }))
    }

    /// The pending offer of a work item.
    ///
    /// # Errors
    /// When the store fails.
    pub fn pending_offer_of(
        &mut self,
        workspace_id: WorkspaceId,
        work_item_id: WorkItemId,
    ) -> Result<Option<Offer>, StoreError> {
        self.query_opt(&PENDING_OFFER_OF, &[&workspace_id, &work_item_id], read_offer)
    }

    /// The pending offers of an agent, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn pending_offers_of_user(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: UserId,
    ) -> Result<Vec<Offer>, StoreError> {
        self.query(&PENDING_OFFERS_OF_USER, &[&workspace_id, &user_id], read_offer)
    }

    /// The pending offers whose time has run out.
    ///
    /// # Errors
    /// When the store fails.
    pub fn expired_offers(&mut self, workspace_id: WorkspaceId, now: Timestamp) -> Result<Vec<Offer>, StoreError> {
        self.query(&EXPIRED_OFFERS, &[&workspace_id, &now], read_offer)
    }

    /// When the next pending offer runs out, or the next agent counts as gone.
    ///
    /// # Errors
    /// When the store fails.
    pub fn next_routing_deadline(&mut self, workspace_id: WorkspaceId) -> Result<Option<Timestamp>, StoreError> {
        let expiry: Option<Timestamp> = self.query_one(&NEXT_EXPIRY, &[&workspace_id], |row| row.next())?;
        let gone = self.next_gone_at(workspace_id)?;
        Ok([expiry, gone].into_iter().flatten().min())
    }

    /// Ends a pending offer. `false` when it is not pending any more.
    ///
    /// # Errors
    /// When the store fails.
    pub fn end_offer(
        &mut self,
        workspace_id: WorkspaceId,
        id: OfferId,
        state: OfferState,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&END_OFFER, &[&workspace_id, &id, &state.as_str(), &now])? == 1)
    }
}
