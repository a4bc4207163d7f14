//! Routing: presence, capacity, and which agent is offered a work item.

use crate::{Timestamp, UserId};

crate::text_enum! {
    /// What an agent wants.
    pub enum PresenceStatus {
        /// Takes offers up to capacity.
        Available = "available",
        /// Keeps what he has, takes nothing new.
        Busy = "busy",
        Away = "away",
        Offline = "offline",
    }
}

crate::text_enum! {
    /// Where a work item is.
    pub enum WorkItemState {
        Waiting = "waiting",
        Offered = "offered",
        Accepted = "accepted",
        Closed = "closed",
    }
}

crate::text_enum! {
    /// What became of an offer.
    pub enum OfferState {
        Pending = "pending",
        Accepted = "accepted",
        Declined = "declined",
        /// The agent did not answer in time.
        Expired = "expired",
        /// Taken back: the agent left, or the session ended.
        Withdrawn = "withdrawn",
    }
}

impl PresenceStatus {
    /// The presence after something happened to it.
    #[must_use]
    pub const fn after(self, change: PresenceChange) -> Self {
        match change {
            PresenceChange::Chosen(status) => status,
            PresenceChange::ConnectionLost | PresenceChange::SignedOut => Self::Offline,
        }
    }

    /// Whether new work may be offered.
    #[must_use]
    pub const fn takes_offers(self) -> bool {
        matches!(self, Self::Available)
    }
}

/// What changes a presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PresenceChange {
    /// The agent chose a status.
    Chosen(PresenceStatus),
    /// His last connection has been gone for the grace period. Coming back does not make him available by itself.
    ConnectionLost,
    SignedOut,
}

crate::text_enum! {
    /// What happens to a work item.
    pub enum WorkItemStep {
        /// An agent is reserved for it.
        Offer = "offer",
        /// The offer was declined, expired or was withdrawn.
        OfferEnded = "offer_ended",
        /// An agent has it, by an offer or by taking or being given it.
        Accept = "accept",
        /// The agent left before the end, or gave it back.
        Release = "release",
        /// The session has ended.
        Close = "close",
    }
}

/// The work item is not in a state that allows the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("A work item that is {state} does not allow '{step}'.")]
pub struct InvalidWorkItemStep {
    pub state: WorkItemState,
    pub step: WorkItemStep,
}

impl WorkItemState {
    /// The state after a step.
    ///
    /// # Errors
    /// When the step makes no sense in this state; a closed work item allows none.
    pub const fn after(self, step: WorkItemStep) -> Result<Self, InvalidWorkItemStep> {
        use WorkItemState::{Accepted, Closed, Offered, Waiting};
        use WorkItemStep::{Accept, Close, Offer, OfferEnded, Release};
        match (self, step) {
            (Waiting, Offer) => Ok(Offered),
            (Offered, OfferEnded) | (Accepted, Release) => Ok(Waiting),
            (Waiting | Offered, Accept) => Ok(Accepted),
            (Waiting | Offered | Accepted, Close) => Ok(Closed),
            (state, step) => Err(InvalidWorkItemStep { state, step }),
        }
    }
}

impl OfferState {
    /// Whether the agent can still accept or decline it.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending)
    }
}

/// An agent who might take a work item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub user_id: UserId,
    pub status: PresenceStatus,
    /// Whether his console is connected.
    pub connected: bool,
    /// How much he can carry.
    pub capacity: u32,
    /// What he carries, open offers included.
    pub load: u32,
    pub last_offer_at: Option<Timestamp>,
    /// Whether he declined this work item, or let its offer expire.
    pub declined: bool,
}

impl Candidate {
    /// Whether a work item of `weight` may be offered to him at all.
    #[must_use]
    pub fn can_take(&self, weight: u32) -> bool {
        self.status.takes_offers()
            && self.connected
            && self.load.checked_add(weight).is_some_and(|load| load <= self.capacity)
    }
}

/// The agent to offer a work item of `weight` to: the least loaded for his capacity, of these the one who has waited
/// longest for an offer, then by id. Who declined it is passed over while somebody else can take it, and asked again
/// when nobody can, so that a queue with one agent never starves.
#[must_use]
pub fn choose(agents: &[Candidate], weight: u32) -> Option<UserId> {
    let rank = |agent: &&Candidate| (agent.declined, agent.last_offer_at, agent.user_id);
    agents
        .iter()
        .filter(|agent| agent.can_take(weight))
        .min_by(|a, b| {
            // load / capacity without fractions; a capacity of zero can take work of weight zero only.
            let share = |agent: &Candidate, other: &Candidate| u64::from(agent.load) * u64::from(other.capacity.max(1));
            a.declined.cmp(&b.declined).then(share(a, b).cmp(&share(b, a))).then_with(|| rank(a).cmp(&rank(b)))
        })
        .map(|agent| agent.user_id)
}

#[cfg(test)]
#[path = "routing_tests.rs"]
mod tests;
