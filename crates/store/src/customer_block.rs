//! Customers that the business wants no messages of.
//!
//! The block holds here from the commit on; the provider is told by a job, and `state` says how far that is.

use segue_model::{ChannelId, MessagingUserId, Timestamp, WorkspaceId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Row, StoreError, Tx};

/// Kind of the jobs that tell the provider.
pub const TELL_BLOCK: &str = "tell_block";

segue_model::text_enum! {
    /// How far the provider knows of a block.
    pub enum BlockState {
        /// The provider is being told.
        Blocking = "blocking",
        Blocked = "blocked",
        /// The provider is being told that it ends.
        Unblocking = "unblocking",
        /// The provider did not do it; here the block holds all the same.
        Failed = "failed",
    }
}

/// A blocked customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = CustomerBlock)]
pub struct BlockView {
    pub messaging_user_id: MessagingUserId,
    pub channel_id: ChannelId,
    pub state: BlockState,
    /// Why the provider did not do it.
    pub failure: Option<String>,
    pub reason: String,
    /// Who did it: the id of a user or an API key.
    pub actor: String,
    pub at: Timestamp,
    /// The best name known of the customer: the profile's, or the user name.
    pub name: Option<String>,
}

crate::sql! {
    SAVE_BLOCK = "INSERT INTO customer_blocks (workspace_id, messaging_user_id, channel_id, state, reason, actor, at)
        VALUES ($1, $2, $3, 'blocking', $4, $5, $6)
        ON CONFLICT (workspace_id, messaging_user_id) DO UPDATE SET state = 'blocking', failure = NULL,
            reason = EXCLUDED.reason, actor = EXCLUDED.actor, at = EXCLUDED.at";
    MARK_USER = "UPDATE messaging_users SET blocked_at = $3, version = version + 1
        WHERE workspace_id = $1 AND id = $2";
    BLOCK = "SELECT b.messaging_user_id, b.channel_id, b.state, b.failure, b.reason, b.actor, b.at,
            COALESCE(u.profile_name, u.username)
        FROM customer_blocks b
        JOIN messaging_users u ON u.workspace_id = b.workspace_id AND u.id = b.messaging_user_id
        WHERE b.workspace_id = $1 AND b.messaging_user_id = $2";
    BLOCKS = "SELECT b.messaging_user_id, b.channel_id, b.state, b.failure, b.reason, b.actor, b.at,
            COALESCE(u.profile_name, u.username)
        FROM customer_blocks b
        JOIN messaging_users u ON u.workspace_id = b.workspace_id AND u.id = b.messaging_user_id
        WHERE b.workspace_id = $1 AND b.messaging_user_id < $2 ORDER BY b.messaging_user_id DESC LIMIT $3";
    MOVE_BLOCK = "UPDATE customer_blocks SET messaging_user_id = $3 WHERE workspace_id = $1 AND messaging_user_id = $2";
    BEGIN_UNBLOCK = "UPDATE customer_blocks SET state = 'unblocking', failure = NULL
        WHERE workspace_id = $1 AND messaging_user_id = $2 AND state <> 'unblocking'";
    SETTLE_BLOCK = "UPDATE customer_blocks SET state = $4, failure = $5
        WHERE workspace_id = $1 AND messaging_user_id = $2 AND state = $3";
    END_BLOCK = "DELETE FROM customer_blocks
        WHERE workspace_id = $1 AND messaging_user_id = $2 AND state = 'unblocking'";
}

fn read(row: &mut Row<'_>) -> Result<BlockView, StoreError> {
    Ok(BlockView {
        messaging_user_id: row.next()?,
        channel_id: row.next()?,
        state: row.word()?,
        failure: row.next()?,
        reason: row.next()?,
        actor: row.next()?,
        at: row.next()?,
        name: row.next()?,
    })
}

impl Tx<'_> {
    /// Blocks a customer, or gives the block another reason.
    ///
    /// # Errors
    /// When the store fails.
    pub fn block_customer(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: MessagingUserId,
        channel_id: ChannelId,
        reason: &str,
        actor: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(&SAVE_BLOCK, &[&workspace_id, &user_id, &channel_id, &reason, &actor, &now])?;
        self.execute(&MARK_USER, &[&workspace_id, &user_id, &Some(now)]).map(|_| ())
    }

    /// Ends a block here; the provider is still to be told. `false` when there is none, or it is ending already.
    ///
    /// # Errors
    /// When the store fails.
    pub fn unblock_customer(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: MessagingUserId,
    ) -> Result<bool, StoreError> {
        self.execute(&MARK_USER, &[&workspace_id, &user_id, &None::<Timestamp>])?;
        Ok(self.execute(&BEGIN_UNBLOCK, &[&workspace_id, &user_id])? == 1)
    }

    /// A customer that is blocked becomes part of one that is not: that one is blocked from now on.
    ///
    /// # Errors
    /// When the store fails, or the other one is blocked.
    pub fn move_block(
        &mut self,
        workspace_id: WorkspaceId,
        from: MessagingUserId,
        into: MessagingUserId,
        blocked_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(&MOVE_BLOCK, &[&workspace_id, &from, &into])?;
        self.execute(&MARK_USER, &[&workspace_id, &into, &Some(blocked_at)]).map(|_| ())
    }

    /// One blocked customer.
    ///
    /// # Errors
    /// When the store fails.
    pub fn block_of(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: MessagingUserId,
    ) -> Result<Option<BlockView>, StoreError> {
        self.query_opt(&BLOCK, &[&workspace_id, &user_id], read)
    }

    /// Blocked customers, those that wrote first last.
    ///
    /// # Errors
    /// When the store fails.
    pub fn blocks(
        &mut self,
        workspace_id: WorkspaceId,
        before: Option<MessagingUserId>,
        limit: u32,
    ) -> Result<Vec<BlockView>, StoreError> {
        let before = before.unwrap_or(MessagingUserId(uuid::Uuid::max()));
        self.query(&BLOCKS, &[&workspace_id, &before, &limit], read)
    }

    /// Notes what the provider answered, unless the customer's block was changed meanwhile.
    ///
    /// # Errors
    /// When the store fails.
    pub fn settle_block(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: MessagingUserId,
        from: BlockState,
        failure: Option<&str>,
    ) -> Result<(), StoreError> {
        if from == BlockState::Unblocking && failure.is_none() {
            return self.execute(&END_BLOCK, &[&workspace_id, &user_id]).map(|_| ());
        }
        let to = if failure.is_some() { BlockState::Failed } else { BlockState::Blocked };
        self.execute(&SETTLE_BLOCK, &[&workspace_id, &user_id, &from.as_str(), &to.as_str(), &failure]).map(|_| ())
    }
}
