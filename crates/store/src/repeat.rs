//! Messages in doubt that can be sent again without harm, because the provider sends a repeated request once.
//!
//! # Why a crash at each point is safe
//! The row goes from `submitting` to `queued` in one transaction, under the same id. Whether the provider has the message
//! or not, the next attempt carries the same key, so it is sent once. Call this only for a channel whose provider honours
//! the key: for any other one, `submitting` must become `unknown`. So it does when the message was withdrawn while it was
//! being sent ([`crate::withdrawal`]): it may have left, and is not to leave. That it may have left stands on its row from
//! then on, so that no second way takes it over ([`crate::failover`]): another provider knows nothing of the key.

use segue_model::{ChannelId, Timestamp, WorkspaceId, delivery::OutboxState, wake::Wake};

use crate::{StoreError, Tx, outbox::Abandoned, submission::read_change};

crate::sql! {
    REPEAT_SUBMITTING = "UPDATE outbox SET state = CASE WHEN withdrawn IS NULL THEN 'queued' ELSE 'unknown' END,
            maybe_left = 1, error_class = 'unknown', error_code = NULL,
            error_reason = 'The worker ended while it was being sent; the provider may or may not have it.',
            lease_owner = NULL, lease_until = NULL, lease_epoch = lease_epoch + 1
        WHERE workspace_id = $1 AND channel_id = $2 AND state = 'submitting'
            AND (state = 'claimed' OR state = 'submitting' OR state = 'unknown')
            AND (lease_until <= $3 OR lease_owner = $4)
        RETURNING id, session_id, campaign_id, state, rule, error_class, error_code, error_reason";
}

impl Tx<'_> {
    /// Queues again what workers left behind while it was being sent. Gives how many.
    ///
    /// # Errors
    /// When the store fails.
    pub fn repeat_submitting(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        abandoned: Abandoned<'_>,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let owner = match abandoned {
            Abandoned::Expired => None,
            Abandoned::OwnedBy(owner) => Some(owner),
        };
        let repeated = self.query(&REPEAT_SUBMITTING, &[&workspace_id, &channel_id, &now, &owner], read_change)?;
        if !repeated.is_empty() {
            self.wake(Wake::Outbox(channel_id));
        }
        for change in &repeated {
            self.tell_message_change(workspace_id, change, OutboxState::Submitting, now);
        }
        Ok(repeated.len())
    }
}
