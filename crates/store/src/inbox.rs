//! The inbox: everything that came in, on disk before it is acknowledged and before it is worked on.
//!
//! The unique key (channel, external id) makes a repeated delivery harmless. Rows with the same subject, that is the
//! same customer, are worked on one after the other in the order of arrival; different subjects in parallel. A row that
//! waits for its next attempt keeps the later rows of its subject waiting; a row that is given up (dead letter) lets
//! them go on.
//!
//! # Why a crash at each point is safe
//! - Before [`Tx::receive`] commits: the provider was not told and delivers again.
//! - After it, before the claim: the row is pending.
//! - After the claim: the lease runs out, or the node starts again and lets go of it, and another worker claims the row,
//!   with a higher epoch. What the first one
//!   still tries fails on [`Tx::inbox_done`], which checks the epoch in the transaction of the work itself.
//! - The work and `done` are one transaction: both or neither. So it is with a row that is worked on as it comes in
//!   ([`Tx::receive_to_work_on`]).
//!
//! # Why two processes may claim
//! Claims wait for each other, so each sees what the one before has leased: a customer's rows are never worked on twice at
//! once. A row that becomes visible while a later one of its customer is in work waits for it; such two came to two
//! processes at the same time, neither acknowledged before the other, and have no order of their own. All others are in the
//! order of their ids, so the clocks of the nodes have to agree to within the time between two messages of a customer.
//!
//! An attempt counts when it is claimed, so a row that kills its process is given up too.

use segue_model::{ChannelId, Ctx, InboxId, Timestamp, WorkspaceId, id::Id as _, time, wake::Wake};

use crate::{
    REMOVED_AT_ONCE, Row, Sql, StoreError, Tx,
    dead_letter::{Source, Verdict},
    outbox::Payload,
    tx::json_text,
    value::Bind as _,
};

segue_model::text_enum! {
    /// Who works on a row.
    pub enum InboxKind {
        /// One element of a WhatsApp webhook.
        WhatsApp = "whatsapp",
        /// An SMS from a customer.
        Sms = "sms",
        /// A delivery receipt of the SMS carrier.
        SmsReceipt = "sms_receipt",
        /// A webhook in Twilio's dialect: a text of a customer, or what became of a message.
        Twilio = "twilio",
    }
}

/// Something that came in.
#[derive(Debug, Clone)]
pub struct NewInbox {
    pub id: InboxId,
    pub channel_id: ChannelId,
    pub kind: InboxKind,
    /// The provider's identity of it; the same thing delivered twice has the same one.
    pub external_id: String,
    /// Whose messages must stay in order.
    pub subject: String,
    pub payload: Payload,
}

/// A row that this worker may work on until its lease ends.
#[derive(Clone, PartialEq)]
pub struct InboxItem {
    pub workspace_id: WorkspaceId,
    pub id: InboxId,
    pub channel_id: ChannelId,
    pub kind: InboxKind,
    pub subject: String,
    pub payload: Payload,
    /// This attempt included.
    pub attempts: u32,
    pub received_at: Timestamp,
    /// What proves the claim.
    pub epoch: i64,
}

/// How many rows of a workspace's inbox are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InboxCounts {
    pub pending: u64,
    pub done: u64,
    pub dead: u64,
}

impl InboxCounts {
    /// Rows in any state.
    #[must_use]
    pub const fn all(&self) -> u64 {
        self.pending + self.done + self.dead
    }
}

impl std::fmt::Debug for InboxItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "InboxItem({}, {}, attempt {})", self.id, self.kind, self.attempts)
    }
}

/// Milliseconds before the second, third, … attempt at a row or job. After the last it is given up.
pub const RETRY_AFTER: &[i64] =
    &[time::SECOND, 5 * time::SECOND, 30 * time::SECOND, 2 * time::MINUTE, 10 * time::MINUTE];

/// Most attempts at a row or job.
pub const MOST_ATTEMPTS: u32 = RETRY_AFTER.len() as u32 + 1;

/// When to try again after this many attempts; `None` when that was the last.
pub(crate) fn next_attempt(attempts: u32, now: Timestamp) -> Option<Timestamp> {
    let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    RETRY_AFTER.get(index).map(|delay| now.plus(*delay))
}

crate::sql! {
    RECEIVE = "INSERT INTO inbox (workspace_id, id, channel_id, kind, external_id, subject, payload, state, next_at,
            received_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', $8, $8)
        ON CONFLICT (workspace_id, channel_id, external_id) DO NOTHING";
    /// A row that is worked on in the transaction that stores it.
    RECEIVE_DONE = "INSERT INTO inbox (workspace_id, id, channel_id, kind, external_id, subject, payload, state, next_at,
            received_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'done', $8, $8)
        ON CONFLICT (workspace_id, channel_id, external_id) DO NOTHING";
    IS_RECEIVED = "SELECT 1 FROM inbox WHERE workspace_id = $1 AND channel_id = $2 AND external_id = $3";
    /// When the row with an external id came in, and the external id of the newest one of its subject and kind.
    NEWEST_SINCE = "SELECT f.received_at, (SELECT n.external_id FROM inbox n
                WHERE n.workspace_id = $1 AND n.channel_id = $2 AND n.id >= f.id AND n.subject = f.subject
                    AND n.kind = f.kind
                ORDER BY n.id DESC LIMIT 1)
        FROM inbox f WHERE f.workspace_id = $1 AND f.channel_id = $2 AND f.external_id = $3";
    LAST_OF_KEY = "SELECT MAX(n.received_at) FROM inbox f
        JOIN inbox n ON n.workspace_id = f.workspace_id AND n.channel_id = f.channel_id AND n.id >= f.id
            AND n.subject = f.subject AND n.kind = f.kind AND n.external_id LIKE f.external_id || '%'
        WHERE f.workspace_id = $1 AND f.channel_id = $2 AND f.external_id = $3";
    /// Whether one of the external ids of a JSON array came in before $4.
    CAME_BETWEEN = sqlite: "SELECT 1 FROM json_each($3) e
            JOIN inbox i ON i.workspace_id = $1 AND i.channel_id = $2 AND i.external_id = e.value
        WHERE i.received_at >= $4 AND i.received_at < $5 LIMIT 1",
        postgres: "SELECT 1 FROM json_array_elements_text(CAST(CAST($3 AS TEXT) AS JSON)) e(value)
            JOIN inbox i ON i.workspace_id = $1 AND i.channel_id = $2 AND i.external_id = e.value
        WHERE i.received_at >= $4 AND i.received_at < $5 LIMIT 1";
    IS_SUBJECT_PENDING = "SELECT 1 FROM inbox
        WHERE workspace_id = $1 AND channel_id = $2 AND subject = $3 AND state = 'pending' LIMIT 1";
    /// Rows that came in since $1 and were never tried, unless an earlier row of the subject is none of them.
    TAKE_INBOX = "SELECT workspace_id, id, channel_id, kind, subject, payload, attempts, received_at, lease_epoch
        FROM inbox a
        WHERE a.state = 'pending' AND a.attempts = 0 AND a.received_at >= $1 AND a.next_at <= $2 AND a.lease_until <= $2
            AND NOT EXISTS (SELECT 1 FROM inbox b WHERE b.workspace_id = a.workspace_id AND b.channel_id = a.channel_id
                AND b.subject = a.subject AND b.state = 'pending' AND b.id < a.id
                AND (b.attempts > 0 OR b.received_at < $1 OR b.next_at > $2 OR b.lease_until > $2))
        ORDER BY a.id LIMIT $3";
    IS_ANY_PENDING = "SELECT 1 FROM inbox WHERE workspace_id = $1 AND channel_id = $2 AND state = 'pending' LIMIT 1";
    /// The oldest pending row of each subject, unless one of the subject is being worked on.
    CLAIM_INBOX = sqlite: "UPDATE inbox SET lease_owner = $1, lease_until = $2, lease_epoch = lease_epoch + 1,
            attempts = attempts + 1
        WHERE id IN (SELECT a.id FROM inbox a
            WHERE a.state = 'pending' AND a.next_at <= $3 AND a.lease_until <= $3 AND NOT EXISTS (
                SELECT 1 FROM inbox b WHERE b.workspace_id = a.workspace_id AND b.channel_id = a.channel_id
                    AND b.subject = a.subject AND b.state = 'pending' AND (b.id < a.id OR b.lease_until > $3))
            ORDER BY a.id LIMIT $4)
        RETURNING workspace_id, id, channel_id, kind, subject, payload, attempts, received_at, lease_epoch",
        postgres: "UPDATE inbox SET lease_owner = $1, lease_until = $2, lease_epoch = lease_epoch + 1,
            attempts = attempts + 1
        WHERE id = ANY (ARRAY(SELECT a.id FROM inbox a
            WHERE a.state = 'pending' AND a.next_at <= $3 AND a.lease_until <= $3 AND NOT EXISTS (
                SELECT 1 FROM inbox b WHERE b.workspace_id = a.workspace_id AND b.channel_id = a.channel_id
                    AND b.subject = a.subject AND b.state = 'pending' AND (b.id < a.id OR b.lease_until > $3))
            ORDER BY a.id LIMIT $4 FOR UPDATE OF a SKIP LOCKED))
        RETURNING workspace_id, id, channel_id, kind, subject, payload, attempts, received_at, lease_epoch";
    RELEASE_INBOX = "UPDATE inbox SET lease_owner = NULL, lease_until = 0
        WHERE state = 'pending' AND lease_owner = $1";
    INBOX_DONE = "UPDATE inbox SET state = 'done', lease_owner = NULL, lease_until = 0, last_error = NULL
        WHERE workspace_id = $1 AND id = $2 AND state = 'pending' AND lease_epoch = $3";
    INBOX_RETRY = "UPDATE inbox SET lease_owner = NULL, lease_until = 0, next_at = $4, last_error = $5
        WHERE workspace_id = $1 AND id = $2 AND state = 'pending' AND lease_epoch = $3";
    INBOX_PUT_BACK = "UPDATE inbox SET lease_owner = NULL, lease_until = 0, next_at = $4, attempts = attempts - 1
        WHERE workspace_id = $1 AND id = $2 AND state = 'pending' AND lease_epoch = $3";
    INBOX_POSTPONED = "UPDATE inbox SET next_at = $4
        WHERE workspace_id = $1 AND id = $2 AND state = 'pending' AND lease_epoch = $3";
    INBOX_DEAD = "UPDATE inbox SET state = 'dead', lease_owner = NULL, lease_until = 0, last_error = $4
        WHERE workspace_id = $1 AND id = $2 AND state = 'pending' AND lease_epoch = $3";
    INBOX_REVIVE = "UPDATE inbox SET state = 'pending', attempts = 0, next_at = $3
        WHERE workspace_id = $1 AND id = $2 AND state = 'dead'";
    INBOX_LET_GO = "UPDATE inbox SET state = 'done' WHERE workspace_id = $1 AND id = $2 AND state = 'dead'";
    /// By the time in the id: an index by the time it came in would cost each webhook.
    DELETE_DONE_INBOX = "DELETE FROM inbox WHERE id IN (SELECT i.id FROM inbox i WHERE i.id < $3
            AND i.workspace_id = $1 AND i.state = 'done' AND i.received_at < $2 ORDER BY i.id LIMIT $4)";
    COUNT_PENDING_INBOX = "SELECT COUNT(*), COALESCE(MIN(received_at), 0) FROM inbox WHERE state = 'pending'";
    COUNT_INBOX = "SELECT state, COUNT(*) FROM inbox WHERE workspace_id = $1 GROUP BY state";
}

fn read_item(row: &mut Row<'_>) -> Result<InboxItem, StoreError> {
    Ok(InboxItem {
        workspace_id: row.next()?,
        id: row.next()?,
        channel_id: row.next()?,
        kind: row.word()?,
        subject: row.next()?,
        payload: Payload::from_text(row.next()?),
        attempts: row.next()?,
        received_at: row.next()?,
        epoch: row.next()?,
    })
}

impl Tx<'_> {
    /// Stores what came in and wakes those who work on it. `false` when it was there already.
    ///
    /// # Errors
    /// When the store fails; the provider must then not be told that it was received.
    pub fn receive(&mut self, workspace_id: WorkspaceId, item: &NewInbox, now: Timestamp) -> Result<bool, StoreError> {
        self.wake(Wake::Inbox);
        self.insert_inbox(&RECEIVE, workspace_id, item, now)
    }

    /// Stores what came in as worked on. Only for work that is done in this very transaction. `false` when it was there
    /// already: then there is nothing to do.
    ///
    /// # Errors
    /// As [`Tx::receive`].
    pub fn receive_to_work_on(
        &mut self,
        workspace_id: WorkspaceId,
        item: &NewInbox,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.insert_inbox(&RECEIVE_DONE, workspace_id, item, now)
    }

    /// Whether what has this id at its provider has a row, in whatever state.
    ///
    /// # Errors
    /// When the store fails.
    pub fn is_received(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        external_id: &str,
    ) -> Result<bool, StoreError> {
        let params: [&dyn crate::Bind; 3] = [&workspace_id, &channel_id, &external_id];
        let found = self.query_opt(&IS_RECEIVED, &params, |row| row.next::<i64>())?;
        Ok(found.is_some())
    }

    fn insert_inbox(
        &mut self,
        sql: &'static Sql,
        workspace_id: WorkspaceId,
        item: &NewInbox,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let written = self.execute(
            sql,
            &[
                &workspace_id,
                &item.id,
                &item.channel_id,
                &item.kind.as_str(),
                &item.external_id,
                &item.subject,
                &item.payload.text(),
                &now,
            ],
        )?;
        Ok(written == 1)
    }

    /// When the row with this external id came in, and the external id of the newest row of its subject.
    ///
    /// # Errors
    /// When the store fails.
    pub fn newest_since(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        external_id: &str,
    ) -> Result<Option<(Timestamp, String)>, StoreError> {
        self.query_opt(&NEWEST_SINCE, &[&workspace_id, &channel_id, &external_id], |row| Ok((row.next()?, row.next()?)))
    }

    /// When the newest row came in whose external id is this one, or begins with it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn last_of_key(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        external_id: &str,
    ) -> Result<Option<Timestamp>, StoreError> {
        let found = self.query_opt(&LAST_OF_KEY, &[&workspace_id, &channel_id, &external_id], |row| row.next())?;
        Ok(found.flatten())
    }

    /// Whether a row with one of these external ids came in from `from` on and before `to`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn came_between(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        external_ids: &[String],
        (from, to): (Timestamp, Timestamp),
    ) -> Result<bool, StoreError> {
        let ids = json_text(&external_ids)?;
        let params: [&dyn crate::Bind; 5] = [&workspace_id, &channel_id, &ids, &from, &to];
        let found = self.query_opt(&CAME_BETWEEN, &params, |row| row.next::<i64>())?;
        Ok(found.is_some())
    }

    /// Whether a row of the subject waits to be worked on.
    ///
    /// # Errors
    /// When the store fails.
    pub fn is_subject_pending(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        subject: &str,
    ) -> Result<bool, StoreError> {
        let found =
            self.query_opt(&IS_SUBJECT_PENDING, &[&workspace_id, &channel_id, &subject], |row| row.next::<i64>())?;
        Ok(found.is_some())
    }

    /// Whether a row of any subject of the channel waits to be worked on.
    ///
    /// # Errors
    /// When the store fails.
    pub fn is_any_pending(&mut self, workspace_id: WorkspaceId, channel_id: ChannelId) -> Result<bool, StoreError> {
        let found = self.query_opt(&IS_ANY_PENDING, &[&workspace_id, &channel_id], |row| row.next::<i64>())?;
        Ok(found.is_some())
    }

    /// Takes up to `limit` rows to work on until `lease_until`, at most one of each subject, oldest first. For the
    /// workers, across all workspaces. Rows that were tried too often are given up on the way.
    ///
    /// # Errors
    /// When the store fails.
    pub fn claim_inbox(
        &mut self,
        owner: &str,
        limit: u32,
        lease_until: Timestamp,
        ctx: &Ctx,
    ) -> Result<Vec<InboxItem>, StoreError> {
        // Two claims at once could see the same subject without each other's lease.
        self.lock("inbox", &"claim")?;
        let now = ctx.now();
        let mut items = self.query(&CLAIM_INBOX, &[&owner, &lease_until, &now, &limit], read_item)?;
        items.sort_by_key(|item| item.id);
        let (worn_out, items): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| item.attempts > MOST_ATTEMPTS);
        for item in worn_out {
            let reason = "The worker ended without a word at every attempt.";
            self.inbox_failed(&item, Verdict::GiveUp, reason, ctx)?;
        }
        Ok(items)
    }

    /// The oldest rows that came in since `since` and were never tried, each with all rows of its subject before it, to
    /// work on in this very transaction: nothing is claimed. Only on an engine with one writer, and only for rows that
    /// came in after this process began: one that ends the process is then older than the next one, and is claimed there.
    ///
    /// # Errors
    /// When the store fails.
    pub fn take_inbox(&mut self, since: Timestamp, limit: u32, now: Timestamp) -> Result<Vec<InboxItem>, StoreError> {
        self.query(&TAKE_INBOX, &[&since, &now, &limit], read_item)
    }

    /// Lets go of what `owner` had claimed, across all workspaces; the attempts stay counted. For a node that has just
    /// started: it is working on nothing, so nobody has to wait until its old leases run out. Gives how many.
    ///
    /// # Errors
    /// When the store fails.
    pub fn release_inbox(&mut self, owner: &str) -> Result<u64, StoreError> {
        self.wake(Wake::Inbox);
        self.execute(&RELEASE_INBOX, &[&owner])
    }

    /// Marks rows as worked on. Call it in the transaction of the work.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when another worker has one of the rows now; the transaction is to be given up with it.
    pub fn inbox_done(&mut self, items: &[InboxItem]) -> Result<(), StoreError> {
        if !items.is_empty() {
            self.wake(Wake::Inbox);
        }
        let changed = self
            .execute_each(&INBOX_DONE, items, |item| [item.workspace_id.bind(), item.id.bind(), item.epoch.bind()])?;
        changed.into_iter().try_for_each(held)
    }

    /// Notes that the work failed: the row is tried again later, or given up when that makes no sense or it was the
    /// last attempt. `reason` is shown to people and holds no personal data.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when another worker has the row now.
    pub fn inbox_failed(
        &mut self,
        item: &InboxItem,
        verdict: Verdict,
        reason: &str,
        ctx: &Ctx,
    ) -> Result<(), StoreError> {
        self.wake(Wake::Inbox);
        let again = next_attempt(item.attempts, ctx.now()).filter(|_| verdict == Verdict::TryAgain);
        if let Some(next_at) = again {
            let (workspace_id, id, epoch) = (&item.workspace_id, &item.id, &item.epoch);
            return held(self.execute(&INBOX_RETRY, &[workspace_id, id, epoch, &next_at, &reason])?);
        }
        held(self.execute(&INBOX_DEAD, &[&item.workspace_id, &item.id, &item.epoch, &reason])?)?;
        self.bury(item.workspace_id, Source::Inbox, item.id.uuid(), reason, ctx)
    }

    /// Gives a row back without counting the attempt: the database was away, or the product shuts down.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when another worker has the row now.
    pub fn put_back_inbox(&mut self, item: &InboxItem, next_at: Timestamp) -> Result<(), StoreError> {
        held(self.execute(&INBOX_PUT_BACK, &[&item.workspace_id, &item.id, &item.epoch, &next_at])?)
    }

    /// Lets a row wait that nobody has claimed ([`Tx::take_inbox`]).
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when a worker has the row now.
    pub fn postpone_inbox(&mut self, item: &InboxItem, next_at: Timestamp) -> Result<(), StoreError> {
        held(self.execute(&INBOX_POSTPONED, &[&item.workspace_id, &item.id, &item.epoch, &next_at])?)
    }

    /// Makes a dead row one that is done.
    pub(crate) fn let_inbox_go(&mut self, workspace_id: WorkspaceId, id: InboxId) -> Result<(), StoreError> {
        self.execute(&INBOX_LET_GO, &[&workspace_id, &id]).map(|_| ())
    }

    /// Makes a dead row pending again, with all its attempts. `false` when it is not dead.
    pub(crate) fn revive_inbox(
        &mut self,
        workspace_id: WorkspaceId,
        id: InboxId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.wake(Wake::Inbox);
        Ok(self.execute(&INBOX_REVIVE, &[&workspace_id, &id, &now])? == 1)
    }

    /// Removes rows that were worked on and came in before `before`, at most [`REMOVED_AT_ONCE`]. Keep them as long as
    /// providers repeat deliveries.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_done_inbox(&mut self, workspace_id: WorkspaceId, before: Timestamp) -> Result<u64, StoreError> {
        let first_id = InboxId(uuid::Uuid::from_u128(u128::from(before.0.max(0).cast_unsigned()) << 80));
        self.execute(&DELETE_DONE_INBOX, &[&workspace_id, &before, &first_id, &REMOVED_AT_ONCE])
    }

    /// How many rows of the installation wait, and since when the oldest does. For metrics.
    ///
    /// # Errors
    /// When the store fails.
    pub fn pending_inbox(&mut self) -> Result<(u64, Timestamp), StoreError> {
        self.query_one(&COUNT_PENDING_INBOX, &[], |row| Ok((row.next()?, row.next()?)))
    }

    /// Counts all rows of a workspace. It reads each of them: for benchmarks and checks, not for what is asked often.
    ///
    /// # Errors
    /// When the store fails, or a row is in a state that this version does not know.
    pub fn inbox_counts(&mut self, workspace_id: WorkspaceId) -> Result<InboxCounts, StoreError> {
        let states =
            self.query(&COUNT_INBOX, &[&workspace_id], |row| Ok((row.next::<String>()?, row.next::<u64>()?)))?;
        let mut counts = InboxCounts::default();
        for (state, count) in states {
            match state.as_str() {
                "pending" => counts.pending = count,
                "done" => counts.done = count,
                "dead" => counts.dead = count,
                other => return Err(StoreError::Corrupt(format!("an inbox row is '{other}'"))),
            }
        }
        Ok(counts)
    }
}

/// An update under a lease must change exactly its row.
pub(crate) fn held(changed: u64) -> Result<(), StoreError> {
    if changed == 1 { Ok(()) } else { Err(StoreError::LeaseLost) }
}
