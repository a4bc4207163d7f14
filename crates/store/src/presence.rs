//! Presence: whether an agent takes offers, and how much he carries.
//!
//! Capacity and load are thousandths of a conversation. Load is changed only together with the work item that causes it,
//! see [`crate::routing`].

use std::collections::BTreeMap;

use segue_model::{QueueId, Timestamp, UserId, WorkspaceId, role::Role, routing::PresenceStatus, wake::Wake};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Row, StoreError, Tx,
    access::{User, read_user},
    routing::CONVERSATION,
};

/// Thousandths of a conversation: what an agent carries at most unless set otherwise.
pub const DEFAULT_CAPACITY: u32 = 5_000;

/// An agent's presence as it is stored; capacity and load in thousandths of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    pub user_id: UserId,
    pub status: PresenceStatus,
    pub capacity: u32,
    pub load: u32,
    pub last_offer_at: Timestamp,
    /// Counts as connected until then.
    pub seen_until: Timestamp,
    pub updated_at: Timestamp,
}

/// An agent's presence as screens show it; capacity and load in conversations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Presence)]
pub struct PresenceView {
    pub status: PresenceStatus,
    pub capacity: u32,
    /// Open offers included; rounded up.
    pub load: u32,
    pub updated_at: Timestamp,
}

impl Presence {
    /// What screens show of it.
    #[must_use]
    pub const fn view(&self) -> PresenceView {
        PresenceView {
            status: self.status,
            capacity: self.capacity / CONVERSATION,
            load: self.load.div_ceil(CONVERSATION),
            updated_at: self.updated_at,
        }
    }
}

/// An agent with his presence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AgentPresence {
    pub user_id: UserId,
    pub name: String,
    pub presence: PresenceView,
}

crate::sql! {
    ENSURE_PRESENCE = "INSERT INTO presences (workspace_id, user_id, status, capacity, updated_at)
        VALUES ($1, $2, 'offline', $3, $4) ON CONFLICT DO NOTHING";
    PRESENCE = "SELECT user_id, status, capacity, load, last_offer_at, seen_until, updated_at FROM presences
        WHERE workspace_id = $1 AND user_id = $2";
    PRESENCES_OF_MEMBERS = "SELECT m.queue_id, u.role, p.user_id, p.status, p.capacity, p.load, p.last_offer_at, p.seen_until,
            p.updated_at
        FROM queue_members m JOIN presences p ON p.workspace_id = m.workspace_id AND p.user_id = m.user_id
        JOIN users u ON u.workspace_id = p.workspace_id AND u.id = p.user_id
        WHERE m.workspace_id = $1 AND p.status = 'available' AND u.disabled_at IS NULL
        ORDER BY m.queue_id, p.user_id";
    AGENT_PRESENCES = "SELECT u.name, p.user_id, p.status, p.capacity, p.load, p.last_offer_at, p.seen_until, p.updated_at
        FROM presences p JOIN users u ON u.workspace_id = p.workspace_id AND u.id = p.user_id
        WHERE p.workspace_id = $1 AND u.disabled_at IS NULL ORDER BY u.name, u.id";
    BURDENED = "SELECT u.id, u.email, u.name, u.role, u.created_at, u.disabled_at
        FROM presences p JOIN users u ON u.workspace_id = p.workspace_id AND u.id = p.user_id
        WHERE p.workspace_id = $1 AND p.load > 0 ORDER BY u.id";
    GONE = "SELECT user_id, status, capacity, load, last_offer_at, seen_until, updated_at FROM presences
        WHERE workspace_id = $1 AND status <> 'offline' AND seen_until <= $2 ORDER BY user_id";
    NEXT_GONE = "SELECT MIN(seen_until) FROM presences WHERE workspace_id = $1 AND status <> 'offline'";
    SET_STATUS = "UPDATE presences SET status = $3, updated_at = $4 WHERE workspace_id = $1 AND user_id = $2
        AND status <> $3";
    SET_CAPACITY = "UPDATE presences SET capacity = $3, updated_at = $4 WHERE workspace_id = $1 AND user_id = $2
        AND load <= $3";
    SEE = "UPDATE presences SET seen_until = $3 WHERE workspace_id = $1 AND user_id = $2 AND seen_until < $3";
    LEAVE = "UPDATE presences SET seen_until = $3 WHERE workspace_id = $1 AND user_id = $2 AND seen_until > $3
        AND seen_until <= $4";
    RESERVE = "UPDATE presences SET load = load + $3, last_offer_at = $4, updated_at = $4
        WHERE workspace_id = $1 AND user_id = $2 AND status = 'available' AND seen_until > $4 AND load + $3 <= capacity";
    BURDEN = "UPDATE presences SET load = load + $3, updated_at = $4
        WHERE workspace_id = $1 AND user_id = $2 AND load + $3 <= capacity";
    RELIEVE = "UPDATE presences SET load = load - $3, updated_at = $4 WHERE workspace_id = $1 AND user_id = $2";
}

fn read_presence(row: &mut Row<'_>) -> Result<Presence, StoreError> {
    Ok(Presence {
        user_id: row.next()?,
        status: row.word()?,
        capacity: row.next()?,
        load: row.next()?,
        last_offer_at: row.next()?,
        seen_until: row.next()?,
        updated_at: row.next()?,
    })
}

impl Tx<'_> {
    /// An agent's presence; one who never had any gets an offline one.
    ///
    /// # Errors
    /// When the store fails or the user is unknown.
    pub fn presence(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: UserId,
        now: Timestamp,
    ) -> Result<Presence, StoreError> {
        self.execute(&ENSURE_PRESENCE, &[&workspace_id, &user_id, &DEFAULT_CAPACITY, &now])?;
        self.query_one(&PRESENCE, &[&workspace_id, &user_id], read_presence)
    }

    /// An agent's presence, when he ever had one. For reads.
    ///
    /// # Errors
    /// When the store fails.
    pub fn known_presence(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: UserId,
    ) -> Result<Option<Presence>, StoreError> {
        self.query_opt(&PRESENCE, &[&workspace_id, &user_id], read_presence)
    }

    /// The available agents of each queue who may talk to customers.
    ///
    /// # Errors
    /// When the store fails.
    pub fn available_members(
        &mut self,
        workspace_id: WorkspaceId,
    ) -> Result<BTreeMap<QueueId, Vec<Presence>>, StoreError> {
        let mut members = BTreeMap::<QueueId, Vec<Presence>>::new();
        self.each(&PRESENCES_OF_MEMBERS, &[&workspace_id], |row| {
            let (queue_id, role) = (row.next()?, row.word::<Role>()?);
            let presence = read_presence(row)?;
            if role.may_converse() {
                members.entry(queue_id).or_default().push(presence);
            }
            Ok(())
        })?;
        Ok(members)
    }

    /// All agents with a presence, by name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn agent_presences(&mut self, workspace_id: WorkspaceId) -> Result<Vec<AgentPresence>, StoreError> {
        self.query(&AGENT_PRESENCES, &[&workspace_id], |row| {
            let name = row.next()?;
            let presence = read_presence(row)?;
            Ok(AgentPresence { user_id: presence.user_id, name, presence: presence.view() })
        })
    }

    /// Users who have work, whatever has become of them.
    ///
    /// # Errors
    /// When the store fails.
    pub fn burdened_users(&mut self, workspace_id: WorkspaceId) -> Result<Vec<User>, StoreError> {
        self.query(&BURDENED, &[&workspace_id], read_user)
    }

    /// Agents who are not offline though their connection has been gone for the grace time.
    ///
    /// # Errors
    /// When the store fails.
    pub fn gone_agents(&mut self, workspace_id: WorkspaceId, now: Timestamp) -> Result<Vec<Presence>, StoreError> {
        self.query(&GONE, &[&workspace_id, &now], read_presence)
    }

    /// Stores what an agent wants. `false` when he wanted that already.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_presence_status(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: UserId,
        status: PresenceStatus,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.wake(Wake::Routing(workspace_id));
        Ok(self.execute(&SET_STATUS, &[&workspace_id, &user_id, &status.as_str(), &now])? == 1)
    }

    /// Stores how much an agent can carry, in thousandths of a conversation. `false` when he carries more than that now.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_presence_capacity(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: UserId,
        capacity: u32,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.wake(Wake::Routing(workspace_id));
        Ok(self.execute(&SET_CAPACITY, &[&workspace_id, &user_id, &capacity, &now])? == 1)
    }

    /// Notes that an agent is connected until `until`. `true` when that is later than known.
    ///
    /// # Errors
    /// When the store fails.
    pub fn see_agent(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: UserId,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&SEE, &[&workspace_id, &user_id, &until])? == 1)
    }

    /// Notes that an agent's last connection to a node is gone: he counts as connected until `until` at most, unless another
    /// node has seen him since, and so for longer than `known`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn leave_agent(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: UserId,
        (until, known): (Timestamp, Timestamp),
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&LEAVE, &[&workspace_id, &user_id, &until, &known])? == 1)
    }

    /// Reserves capacity of an agent for an offer, when he is available, connected and has as much left.
    ///
    /// # Errors
    /// When the store fails.
    pub fn reserve_capacity(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: UserId,
        weight: u32,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&RESERVE, &[&workspace_id, &user_id, &weight, &now])? == 1)
    }

    /// Takes capacity of an agent who takes or is given work himself, whatever his status, when he has as much left.
    ///
    /// # Errors
    /// When the store fails.
    pub fn take_capacity(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: UserId,
        weight: u32,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&BURDEN, &[&workspace_id, &user_id, &weight, &now])? == 1)
    }

    /// Gives capacity back. Only together with the change of the work item that took it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn free_capacity(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: UserId,
        weight: u32,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.wake(Wake::Routing(workspace_id));
        self.execute(&RELIEVE, &[&workspace_id, &user_id, &weight, &now]).map(|_| ())
    }

    /// When the next agent who is not offline counts as gone unless he is seen before.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn next_gone_at(&mut self, workspace_id: WorkspaceId) -> Result<Option<Timestamp>, StoreError> {
        self.query_one(&NEXT_GONE, &[&workspace_id], |row| row.next())
    }
}
