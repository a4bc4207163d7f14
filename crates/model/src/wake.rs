//! Wake-ups: hints that something is to be done. Losing one costs a poll interval and nothing else, since every worker
//! also looks by itself from time to time.

use crate::{CampaignId, ChannelId, WorkspaceId};

/// What there may be to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wake {
    /// New rows in the event log of a workspace.
    Events(WorkspaceId),
    /// New or freed rows in the outbox of a channel.
    Outbox(ChannelId),
    /// A message of a campaign has a new state.
    Progress(WorkspaceId, CampaignId),
    /// New rows in the inbox.
    Inbox,
    /// New or due jobs, campaign planning included.
    Jobs,
    /// Work items, offers or presence changed.
    Routing(WorkspaceId),
    /// Channels, senders or flows were changed.
    Configuration,
}
