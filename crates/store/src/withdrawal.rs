//! Messages of deleted contacts that were on the wire when the contact was deleted: they do not leave a second time.
//!
//! What had not left is canceled with the contact. What is `submitting` cannot be called back; it gets a mark, and
//! whoever would queue it again (a channel that asked to wait, a repeat after a crash, a second way) finds the mark in the
//! row it changes anyway. So sending pays nothing for it: only rows that come back from the wire are asked. A message that
//! waits as a dead letter for a person gets the mark too, and is not sent however the person decides.
//!
//! # Why a crash at each point is safe
//! The mark is written in the transaction that deletes the contact, and read by the statement that would queue the
//! message. On PostgreSQL both change the same row, so one of them waits for the other and sees what it did. For
//! promotional messages the mark comes before what waits is canceled, under the lock of consents: nothing begins to leave
//! meanwhile, so a message is found on the wire by the first statement or waiting by the second. Dead letters come last: what
//! was rejected while the others waited for its row is seen by then.

use segue_model::{SessionId, Timestamp, WorkspaceId};

use crate::{StoreError, Tx};

/// The rule of what is withdrawn with its contact.
pub(crate) const CONTACT_DELETED: &str = "contact_deleted";

crate::sql! {
    WITHDRAW_MARKETING = "UPDATE outbox SET withdrawn = $3
        WHERE workspace_id = $1 AND state = 'submitting' AND (state = 'claimed' OR state = 'submitting' OR state = 'unknown')
            AND channel_id IN (SELECT c.id FROM channels c WHERE c.workspace_id = $1) AND address = $2
            AND class = 'marketing'";
    /// Dead letters are few, and so found first.
    WITHDRAW_DEAD = "UPDATE outbox SET withdrawn = $3
        WHERE workspace_id = $1 AND id IN (SELECT d.source_id FROM dead_letters d
                WHERE d.workspace_id = $1 AND d.source = 'outbox' AND d.resolution IS NULL)
            AND address = $2 AND class = 'marketing' AND state = 'failed'";
    WITHDRAW_DEAD_OF_SESSION = "UPDATE outbox SET withdrawn = $4
        WHERE workspace_id = $1 AND id IN (SELECT d.source_id FROM dead_letters d
                WHERE d.workspace_id = $1 AND d.source = 'outbox' AND d.resolution IS NULL)
            AND session_id = $2 AND created_at <= $3 AND state = 'failed'";
}

impl Tx<'_> {
    /// Promotional messages to the address end here: what has not left is canceled, and what is on the wire or a dead
    /// letter is not queued again.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn withdraw_marketing(&mut self, workspace_id: WorkspaceId, address: &str) -> Result<(), StoreError> {
        self.lock_consents(workspace_id)?;
        self.execute(&WITHDRAW_MARKETING, &[&workspace_id, &address, &CONTACT_DELETED])?;
        self.cancel_waiting_marketing(workspace_id, address, CONTACT_DELETED)?;
        self.execute(&WITHDRAW_DEAD, &[&workspace_id, &address, &CONTACT_DELETED]).map(|_| ())
    }

    /// What is a dead letter of a conversation is not queued again, as far as it was written by then.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn withdraw_dead_of_session(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let keys: &[&dyn crate::Bind] = &[&workspace_id, &session_id, &until, &CONTACT_DELETED];
        self.execute(&WITHDRAW_DEAD_OF_SESSION, keys).map(|_| ())
    }
}
