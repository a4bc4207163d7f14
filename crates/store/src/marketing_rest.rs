//! Customers for whom the platform has held a promotion back: nothing promotional of a campaign goes to them for a while,
//! because trying sooner makes it worse.
//!
//! # Why a crash at each point is safe
//! A row is written in the transaction that records the refusal, and read in the one that decides about the next message.
//! It is forgotten when its time is over.

use segue_model::{ChannelId, MessageId, Timestamp, WorkspaceId};

use crate::{StoreError, Tx};

crate::sql! {
    REST_AFTER = "INSERT INTO marketing_rests (workspace_id, channel_id, address, ends_at)
        SELECT workspace_id, channel_id, address, CAST($3 AS BIGINT) FROM outbox WHERE workspace_id = $1 AND id = $2
        ON CONFLICT (workspace_id, channel_id, address) DO UPDATE SET ends_at = CASE
            WHEN excluded.ends_at > marketing_rests.ends_at THEN excluded.ends_at ELSE marketing_rests.ends_at END";
    MARKETING_REST = "SELECT ends_at FROM marketing_rests
        WHERE workspace_id = $1 AND channel_id = $2 AND address = $3";
    DELETE_OLD_RESTS = "DELETE FROM marketing_rests WHERE workspace_id = $1 AND ends_at < $2";
}

impl Tx<'_> {
    /// Notes that whoever this message went to gets nothing promotional from its number until then.
    ///
    /// # Errors
    /// When the store fails.
    pub fn rest_marketing(
        &mut self,
        workspace_id: WorkspaceId,
        message_id: MessageId,
        ends_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(&REST_AFTER, &[&workspace_id, &message_id, &ends_at]).map(|_| ())
    }

    /// Until when nothing promotional goes to this address from a number; that may be over.
    ///
    /// # Errors
    /// When the store fails.
    pub fn marketing_rest(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        address: &str,
    ) -> Result<Option<Timestamp>, StoreError> {
        self.query_opt(&MARKETING_REST, &[&workspace_id, &channel_id, &address], |row| row.next())
    }

    /// Forgets those whose time is over.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_old_marketing_rests(
        &mut self,
        workspace_id: WorkspaceId,
        before: Timestamp,
    ) -> Result<u64, StoreError> {
        self.execute(&DELETE_OLD_RESTS, &[&workspace_id, &before])
    }
}
