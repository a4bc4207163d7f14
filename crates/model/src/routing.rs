//! Routing: presence, capacity, and which agent is offered a work item.

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
