//! Messages of deleted contacts that were on the wire when the contact was deleted: they do not leave a second time.
//!
//! What had not left is canceled with the contact. What is `submitting` cannot be called back; it gets a mark, and
//! whoever would queue it again (a channel that asked to wait, a repeat after a crash, a second way) finds the mark in the
//! row it changes anyway. So sending pays nothing for it: only rows that come back from the wire are asked.
//!
//! # Why a crash at each point is safe
//! The mark is written in the transaction that deletes the contact, and read by the statement that would queue the
//! message. On PostgreSQL both change the same row, so one of them waits for the other and sees what it did. For
//! promotional messages the mark comes before what waits is canceled, under the lock of consents: nothing begins to leave
//! meanwhile, so a message is found on the wire by the first statement or waiting by the second.

use segue_model::WorkspaceId;

use crate::{StoreError, Tx};

/// The rule of what is withdrawn with its contact.
pub(crate) const CONTACT_DELETED: &str = "contact_deleted";

crate::sql! {
    WITHDRAW_MARKETING = "UPDATE outbox SET withdrawn = $3
        WHERE workspace_id = $1 AND state = 'submitting' AND (state = 'claimed' OR state = 'submitting' OR state = 'unknown')
            AND channel_id IN (SELECT c.id FROM channels c WHERE c.workspace_id = $1) AND address = $2
            AND class = 'marketing'";
}

impl Tx<'_> {
    /// Promotional messages to the address end here: what has not left is canceled, and what is on the wire is not
    /// queued again.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn withdraw_marketing(&mut self, workspace_id: WorkspaceId, address: &str) -> Result<(), StoreError> {
        self.lock_consents(workspace_id)?;
        self.execute(&WITHDRAW_MARKETING, &[&workspace_id, &address, &CONTACT_DELETED])?;
        self.cancel_waiting_marketing(workspace_id, address, CONTACT_DELETED).map(|_| ())
    }
}
