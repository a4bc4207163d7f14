//! Messages of deleted contacts that were on the wire when the contact was deleted: they do not leave a second time.
//!
//! What had not left is canceled with the contact. What is `submitting` cannot be called back; it gets a mark, and
//! whoever would queue it again (a channel that asked to wait, a repeat after a crash, a second way) finds the mark in the
//! row it changes anyway. So sending pays nothing for it: only rows that come back from the wire are asked. A message that
//! waits as a dead letter for a person gets the mark too, and is not sent however the person decides.
//!
//! Of an address everything goes that the business says of itself: promotional messages, service messages that are in no
//! conversation, whether a program or a campaign sends them, and what programmes ask and tell it. Conversations have an end
//! of their own ([`crate::erasure`]), and the one answer to a STOP or HELP is still given.
//!
//! # Why a crash at each point is safe
//! The mark is written in the transaction that deletes the contact, and read by the statement that would queue the
//! message. On PostgreSQL both change the same row, so one of them waits for the other and sees what it did. The mark
//! comes before what waits is canceled, under the lock of consents: nothing of the kind begins to leave meanwhile, so a
//! message is found on the wire by the first statement or waiting by those after it. Whoever makes the messages of a batch
//! holds the consents too: each of them waits by then, or is not made. Dead letters come last: what was
//! rejected while the others waited for its row is seen by then.

use segue_model::{SessionId, Timestamp, WorkspaceId};

use crate::{
    StoreError, Tx,
    campaign::{NOT_SENT_AGAIN, read_ended},
};

/// The rule of what is withdrawn with its contact.
pub(crate) const CONTACT_DELETED: &str = "contact_deleted";

crate::sql! {
    WITHDRAW_ON_THE_WIRE = "UPDATE outbox SET withdrawn = $3
        WHERE workspace_id = $1 AND state = 'submitting' AND (state = 'claimed' OR state = 'submitting' OR state = 'unknown')
            AND channel_id IN (SELECT c.id FROM channels c WHERE c.workspace_id = $1) AND address = $2
            AND (class = 'marketing' OR (class = 'service' AND session_id IS NULL)
                OR (class = 'keyword' AND dedupe_key LIKE 'programme:%'))";
    CANCEL_WAITING = "UPDATE outbox SET state = CASE WHEN maybe_left = 1 THEN 'unknown' ELSE 'canceled' END,
            rule = $3,
            error_class = CASE WHEN maybe_left = 1 THEN 'unknown' ELSE error_class END,
            error_code = CASE WHEN maybe_left = 1 THEN NULL ELSE error_code END,
            error_reason = CASE WHEN maybe_left = 1 THEN CAST($4 AS TEXT) ELSE error_reason END
        WHERE workspace_id = $1 AND address = $2 AND campaign_id IS NULL AND (state = 'queued' OR state = 'claimed')
            AND (class = 'marketing' OR (class = 'service' AND session_id IS NULL)
                OR (class = 'keyword' AND dedupe_key LIKE 'programme:%'))";
    /// Campaigns that may have something waiting: few, so each is looked at by its index.
    CANCEL_WAITING_OF_CAMPAIGNS = "UPDATE outbox SET state = CASE WHEN maybe_left = 1 THEN 'unknown' ELSE 'canceled' END,
            rule = $3,
            error_class = CASE WHEN maybe_left = 1 THEN 'unknown' ELSE error_class END,
            error_code = CASE WHEN maybe_left = 1 THEN NULL ELSE error_code END,
            error_reason = CASE WHEN maybe_left = 1 THEN CAST($4 AS TEXT) ELSE error_reason END
        WHERE workspace_id = $1 AND address = $2 AND campaign_id IS NOT NULL AND state IN ('queued', 'claimed')
            AND class IN ('marketing', 'service') AND campaign_id IN (SELECT c.id FROM campaigns c
                WHERE c.workspace_id = $1 AND c.state IN ('planning', 'running', 'paused'))
        RETURNING campaign_id, state";
    /// Of batches that are being made, those whose turn has not come.
    WITHDRAW_OF_BATCHES = "UPDATE direct_messages SET fields = '{}', problem_code = $3,
            problem = 'The contact was deleted before it was sent.'
        WHERE workspace_id = $1 AND address = $2 AND batch_id IS NOT NULL AND problem_code IS NULL
            AND batch_id IN (SELECT b.id FROM message_batches b WHERE b.workspace_id = $1 AND b.state = 'working')
            AND position > (SELECT b.done_position FROM message_batches b
                WHERE b.workspace_id = $1 AND b.id = direct_messages.batch_id)";
    /// Dead letters are few, and so found first.
    WITHDRAW_DEAD = "UPDATE outbox SET withdrawn = $3
        WHERE workspace_id = $1 AND id IN (SELECT d.source_id FROM dead_letters d
                WHERE d.workspace_id = $1 AND d.source = 'outbox' AND d.resolution IS NULL)
            AND address = $2 AND (class = 'marketing' OR (class = 'service' AND session_id IS NULL)
                OR (class = 'keyword' AND dedupe_key LIKE 'programme:%')) AND state = 'failed'";
    WITHDRAW_DEAD_OF_SESSION = "UPDATE outbox SET withdrawn = $4
        WHERE workspace_id = $1 AND id IN (SELECT d.source_id FROM dead_letters d
                WHERE d.workspace_id = $1 AND d.source = 'outbox' AND d.resolution IS NULL)
            AND session_id = $2 AND created_at <= $3 AND state = 'failed'";
}

impl Tx<'_> {
    /// Messages to the address that are in no conversation, and promotional ones wherever, end here: what has not left is
    /// canceled, what a batch is yet to make is not made, and what is on the wire or a dead letter is not queued again.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn withdraw_unsent(&mut self, workspace_id: WorkspaceId, address: &str) -> Result<(), StoreError> {
        self.lock_consents(workspace_id)?;
        let keys: &[&dyn crate::Bind] = &[&workspace_id, &address, &CONTACT_DELETED];
        self.execute(&WITHDRAW_ON_THE_WIRE, keys)?;
        let waiting: &[&dyn crate::Bind] = &[&workspace_id, &address, &CONTACT_DELETED, &NOT_SENT_AGAIN];
        let of_campaigns = self.query(&CANCEL_WAITING_OF_CAMPAIGNS, waiting, read_ended)?;
        self.tally_ended(workspace_id, &of_campaigns);
        self.execute(&CANCEL_WAITING, waiting)?;
        self.execute(&WITHDRAW_OF_BATCHES, keys)?;
        self.execute(&WITHDRAW_DEAD, keys).map(|_| ())
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
