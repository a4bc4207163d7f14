//! Customers whose contact is gone for good: what is removed of them.
//!
//! At once, with the contact: what has not left for them is canceled, and replies that wait are dropped. Later, from a row
//! of `customer_erasures` that stays until it is done: WhatsApp is told to forget the customer in its contact book, and,
//! where the workspace wants that, what was written in the conversations until then is emptied, one after the other and files
//! included. Each step may be done again. What the customer writes later is a new matter and stays.
//!
//! What a worker has claimed is canceled as well: its claim is then worth nothing, and nothing of it leaves. What is on the
//! wire at that moment cannot be called back, but does not leave again when it comes back unsent ([`crate::withdrawal`]); the
//! row of the erasure stays until it has its end, so that its words go, too, and that what is refused then does not wait for
//! the customer.
//!
//! A customer who became part of another one before that is another matter: of one who is somebody's only the conversations
//! that the merge brought are emptied, of one who is nobody's all.
//!
//! A file goes when it stands in nothing else ([`crate::media_use`]): what others sent or received stays theirs.
//!
//! What stays: that there were conversations, when, and who spoke; the consent ledger; a block, which holds.

use segue_model::{MediaId, MessagingUserId, SessionId, Timestamp, WorkspaceId};

use crate::{StoreError, Tx, message_details::CameFrom, outbox::AddressKind, tx::json_text};

/// A customer of whom something is still to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    pub messaging_user_id: MessagingUserId,
    pub asked_at: Timestamp,
    /// The conversations that are meant, of a customer who is part of another one; else all of the customer's.
    pub sessions: Option<Vec<SessionId>>,
    /// Whether nothing is left to be emptied here.
    pub is_emptied: bool,
    /// How often WhatsApp could not be told.
    pub attempts: u32,
    /// When WhatsApp is told next.
    pub next_at: Timestamp,
}

/// What a case is about whose subject the system had made of the customer's name.
const SUBJECT_REMOVED: &str = "WhatsApp conversation";
/// What stands in the place of a file that was removed.
const FILE_REMOVED: &str = "It was removed with the contact.";

crate::sql! {
    /// One that was meant for some conversations alone is meant for all from then on, and one that is asked for again, for
    /// what was written until then.
    ASK_ERASURE = "INSERT INTO customer_erasures (workspace_id, messaging_user_id, asked_at) VALUES ($1, $2, $3)
        ON CONFLICT (workspace_id, messaging_user_id) DO UPDATE SET sessions = NULL, emptied_at = NULL, attempts = 0,
            next_at = 0, asked_at = CASE WHEN excluded.asked_at > customer_erasures.asked_at THEN excluded.asked_at
                ELSE customer_erasures.asked_at END
        WHERE customer_erasures.sessions IS NOT NULL OR excluded.asked_at > customer_erasures.asked_at";
    ASK_ERASURE_OF_SESSIONS = "INSERT INTO customer_erasures (workspace_id, messaging_user_id, asked_at, sessions)
        VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    KEEP_TO_SESSIONS = "UPDATE customer_erasures SET sessions = $3
        WHERE workspace_id = $1 AND messaging_user_id = $2 AND sessions IS NULL";
    /// The one that gets it has the other's conversations from then on, whatever was emptied of it before.
    PASS_ERASURE_ON = "INSERT INTO customer_erasures (workspace_id, messaging_user_id, asked_at)
        SELECT e.workspace_id, $3, e.asked_at FROM customer_erasures e
        WHERE e.workspace_id = $1 AND e.messaging_user_id = $2
        ON CONFLICT (workspace_id, messaging_user_id) DO UPDATE SET sessions = NULL, emptied_at = NULL, attempts = 0,
            next_at = 0, asked_at = CASE WHEN excluded.asked_at > customer_erasures.asked_at THEN excluded.asked_at
                ELSE customer_erasures.asked_at END";
    ERASURES = "SELECT messaging_user_id, asked_at, sessions, emptied_at IS NOT NULL, attempts, next_at FROM customer_erasures
        WHERE workspace_id = $1 AND messaging_user_id > $2 ORDER BY messaging_user_id LIMIT $3";
    /// Not where it was asked for again meanwhile.
    EMPTIED = "UPDATE customer_erasures SET emptied_at = $3
        WHERE workspace_id = $1 AND messaging_user_id = $2 AND asked_at = $3";
    TRIED_ERASURE = "UPDATE customer_erasures SET attempts = $4, next_at = $5
        WHERE workspace_id = $1 AND messaging_user_id = $2 AND asked_at = $3";
    END_ERASURE = "DELETE FROM customer_erasures
        WHERE workspace_id = $1 AND messaging_user_id = $2 AND asked_at = $3 AND emptied_at IS NOT NULL";
    /// One statement for what waits and what is on the wire, so that nothing slips from one to the other in between.
    CANCEL_OF_SESSION = "UPDATE outbox SET withdrawn = 'contact_deleted',
            state = CASE WHEN state = 'submitting' THEN state ELSE 'canceled' END,
            rule = CASE WHEN state = 'submitting' THEN rule ELSE 'contact_deleted' END,
            payload = CASE WHEN state = 'submitting' THEN payload ELSE '{\"text\":\"\"}' END
        WHERE workspace_id = $1 AND session_id = $2 AND session_id IS NOT NULL
            AND (state = 'queued' OR state = 'claimed' OR state = 'submitting') AND created_at <= $3";
    ON_THE_WIRE = "SELECT 1 FROM outbox
        WHERE workspace_id = $1 AND session_id = $2 AND session_id IS NOT NULL AND state = 'submitting'
            AND (state = 'queued' OR state = 'claimed' OR state = 'submitting') AND created_at <= $3 LIMIT 1";
    /// The words of what [`Tx::withdraw_unsent`] is about to cancel.
    EMPTY_WAITING = "UPDATE outbox SET payload = '{\"text\":\"\"}'
        WHERE workspace_id = $1 AND address = $2 AND campaign_id IS NULL AND (state = 'queued' OR state = 'claimed')
            AND (class = 'marketing' OR (class = 'service' AND session_id IS NULL)
                OR (class = 'keyword' AND dedupe_key LIKE 'programme:%'))";
    EMPTY_WAITING_OF_CAMPAIGNS = "UPDATE outbox SET payload = '{\"text\":\"\"}'
        WHERE workspace_id = $1 AND address = $2 AND campaign_id IS NOT NULL AND state IN ('queued', 'claimed')
            AND class IN ('marketing', 'service') AND campaign_id IN (SELECT c.id FROM campaigns c
                WHERE c.workspace_id = $1 AND c.state IN ('planning', 'running', 'paused'))";
    DROP_WAITING = "DELETE FROM pending_replies WHERE workspace_id = $1 AND session_id = $2 AND created_at <= $3";
    COUNT_WAITING = "UPDATE sessions SET version = version + 1, pending = (SELECT COUNT(*) FROM pending_replies p
            WHERE p.workspace_id = $1 AND p.session_id = $2)
        WHERE workspace_id = $1 AND id = $2 AND pending > 0";
    FILES = "SELECT DISTINCT media_id FROM messages
        WHERE workspace_id = $1 AND session_id = $2 AND at <= $3 AND media_id IS NOT NULL";
    FORGET_CARD_FILES = "DELETE FROM card_files WHERE workspace_id = $1 AND session_id = $2 AND message_id IN (
            SELECT m.id FROM messages m WHERE m.workspace_id = $1 AND m.session_id = $2 AND m.at <= $3)
        RETURNING media_id";
    EMPTY_SENT = "UPDATE outbox SET payload = '{\"text\":\"\"}' WHERE workspace_id = $1 AND id IN (SELECT m.id FROM messages m
            WHERE m.workspace_id = $1 AND m.session_id = $2 AND m.at <= $3 AND m.direction = 'outbound')
        AND state NOT IN ('queued', 'claimed', 'submitting')";
    EMPTY_CHANGES_OF_SESSION = "UPDATE message_changes SET text = NULL WHERE workspace_id = $1 AND message_id IN (
            SELECT m.id FROM messages m WHERE m.workspace_id = $1 AND m.session_id = $2 AND m.at <= $3)";
    EMPTY_TRANSCRIPT = "UPDATE messages SET text = '', content = '{}', media_id = NULL
        WHERE workspace_id = $1 AND session_id = $2 AND at <= $3";
    EMPTY_SESSION = "UPDATE sessions SET last_text = CASE WHEN last_at <= $3 THEN NULL ELSE last_text END, gathered = '[]',
            version = version + 1
        WHERE workspace_id = $1 AND id = $2 AND started_at <= $3";
    /// A turn that is being taken at this moment is not stored any more.
    FORGET_RUN = "UPDATE flow_runs SET state = '{}', turn = turn + 1,
            status = CASE WHEN status IN ('running', 'waiting') THEN 'ended' ELSE status END
        WHERE workspace_id = $1 AND session_id = $2 AND EXISTS (SELECT 1 FROM sessions s
            WHERE s.workspace_id = $1 AND s.id = $2 AND s.started_at <= $3)";
    /// Subjects that no user wrote have the customer's name in them.
    FORGET_SUBJECTS = "UPDATE cases SET subject = $4
        WHERE workspace_id = $1 AND session_id = $2 AND session_id IS NOT NULL AND created_by IS NULL AND created_at <= $3";
    FORGET_CLICK = "UPDATE session_ads SET came_from = $4 WHERE workspace_id = $1 AND session_id = $2 AND at <= $3";
    FORGET_NAMES = "UPDATE messaging_users SET profile_name = NULL, username = NULL, version = version + 1
        WHERE workspace_id = $1 AND id = $2";
}

impl Tx<'_> {
    /// Ends what was on its way to a customer, and asks for the rest to be removed.
    pub(crate) fn begin_erasure(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: MessagingUserId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(&ASK_ERASURE, &[&workspace_id, &user_id, &now])?;
        for session_id in self.session_ids_of(workspace_id, user_id)? {
            self.stop_sending(workspace_id, session_id, now)?;
        }
        self.lock_consents(workspace_id)?;
        for identifier in self.identifiers_of(workspace_id, user_id)? {
            let Some((_, kind, address)) = identifier.address() else { continue };
            // The number may be a new contact's by now.
            if kind == AddressKind::Phone && self.owner_of_number(workspace_id, &address)?.is_some() {
                continue;
            }
            self.empty_waiting(workspace_id, &address)?;
            self.withdraw_unsent(workspace_id, &address)?;
        }
        Ok(())
    }

    /// [`Tx::begin_erasure`] of one who became part of another customer since: of all that this one is when nobody's, else
    /// of the conversations that the merge brought.
    pub(crate) fn begin_erasure_of_merged(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: MessagingUserId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut sessions: Option<Vec<SessionId>> = None;
        let mut kept_id = user_id;
        while let Some((kept, brought)) = self.merged_into(workspace_id, kept_id)? {
            sessions.get_or_insert(brought);
            kept_id = kept;
        }
        let (Some(sessions), Some(kept)) = (sessions, self.messaging_user(workspace_id, kept_id)?) else {
            return Ok(());
        };
        if kept.contact_id.is_none() {
            return self.begin_erasure(workspace_id, kept_id, now);
        }
        self.execute(&ASK_ERASURE_OF_SESSIONS, &[&workspace_id, &user_id, &now, &json_text(&sessions)?])?;
        for session_id in sessions {
            self.stop_sending(workspace_id, session_id, now)?;
        }
        Ok(())
    }

    /// What is still to be removed of two customers who are about to become one: all of it when that one is nobody's, else
    /// of each what it had.
    pub(crate) fn merge_erasures(
        &mut self,
        workspace_id: WorkspaceId,
        from: MessagingUserId,
        into: MessagingUserId,
    ) -> Result<(), StoreError> {
        let is_nobodys = self.messaging_user(workspace_id, into)?.is_some_and(|user| user.contact_id.is_none());
        if is_nobodys {
            return self.execute(&PASS_ERASURE_ON, &[&workspace_id, &from, &into]).map(|_| ());
        }
        for user_id in [from, into] {
            let sessions = json_text(&self.session_ids_of(workspace_id, user_id)?)?;
            self.execute(&KEEP_TO_SESSIONS, &[&workspace_id, &user_id, &sessions])?;
        }
        Ok(())
    }

    /// Takes the words of what [`Tx::withdraw_unsent`] is about to cancel.
    pub(crate) fn empty_waiting(&mut self, workspace_id: WorkspaceId, address: &str) -> Result<(), StoreError> {
        for sql in [&EMPTY_WAITING, &EMPTY_WAITING_OF_CAMPAIGNS] {
            self.execute(sql, &[&workspace_id, &address])?;
        }
        Ok(())
    }

    /// Cancels what was to leave in a conversation and had not left by then. `false` while something of that time is on
    /// the wire, so that it is to be called again.
    ///
    /// # Errors
    /// When the store fails.
    pub fn stop_sending(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let key: [&dyn crate::Bind; 3] = [&workspace_id, &session_id, &until];
        self.execute(&CANCEL_OF_SESSION, &key)?;
        self.withdraw_dead_of_session(workspace_id, session_id, until)?;
        if self.execute(&DROP_WAITING, &key)? > 0 {
            self.execute(&COUNT_WAITING, &key[..2])?;
        }
        Ok(self.query_opt(&ON_THE_WIRE, &key, |row| row.next::<i64>())?.is_none())
    }

    /// Customers, after this one, of whom something is still to be removed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn erasures(
        &mut self,
        workspace_id: WorkspaceId,
        after: Option<MessagingUserId>,
        limit: u32,
    ) -> Result<Vec<Erasure>, StoreError> {
        let after = after.unwrap_or(MessagingUserId(uuid::Uuid::nil()));
        self.query(&ERASURES, &[&workspace_id, &after, &limit], |row| {
            let (messaging_user_id, asked_at) = (row.next()?, row.next()?);
            let (sessions, is_emptied) = (row.optional_json()?, row.next()?);
            let (attempts, next_at) = (row.next()?, row.next()?);
            Ok(Erasure { messaging_user_id, asked_at, sessions, is_emptied, attempts, next_at })
        })
    }

    /// Notes that WhatsApp could not be told: after so many attempts, and until when it is left alone. Nothing when it was
    /// asked for again since `asked_at`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn tried_erasure(
        &mut self,
        workspace_id: WorkspaceId,
        (user_id, asked_at): (MessagingUserId, Timestamp),
        attempts: u32,
        next_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(&TRIED_ERASURE, &[&workspace_id, &user_id, &asked_at, &attempts, &next_at]).map(|_| ())
    }

    /// Everything is removed that was asked for at `asked_at`. `false` when it was asked for again since.
    ///
    /// # Errors
    /// When the store fails.
    pub fn end_erasure(
        &mut self,
        workspace_id: WorkspaceId,
        (user_id, asked_at): (MessagingUserId, Timestamp),
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&END_ERASURE, &[&workspace_id, &user_id, &asked_at])? == 1)
    }

    /// Empties what was written in one conversation until then: words, files, what the bot gathered. That it was stays.
    ///
    /// # Errors
    /// When the store fails.
    pub fn empty_transcript(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let key: [&dyn crate::Bind; 3] = [&workspace_id, &session_id, &until];
        let mut files = self.query(&FILES, &key, |row| row.next::<MediaId>())?;
        files.extend(self.query(&FORGET_CARD_FILES, &key, |row| row.next::<MediaId>())?);
        self.take_session_out_of_search(workspace_id, session_id)?;
        for sql in [&EMPTY_SENT, &EMPTY_CHANGES_OF_SESSION, &EMPTY_TRANSCRIPT, &EMPTY_SESSION] {
            self.execute(sql, &key)?;
        }
        self.forget_beside_transcript(workspace_id, session_id, until)?;
        for id in files {
            self.let_go_of_media(workspace_id, id, FILE_REMOVED, until)?;
        }
        Ok(())
    }

    /// Empties what is known of a conversation beside what was written: what the bot remembers, the subjects that the system
    /// gave its cases, and by which click on an advertisement the customer came.
    fn forget_beside_transcript(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(&FORGET_RUN, &[&workspace_id, &session_id, &until])?;
        self.execute(&FORGET_SUBJECTS, &[&workspace_id, &session_id, &until, &SUBJECT_REMOVED])?;
        if let Some(came_from) = self.ad_of_session(workspace_id, session_id)? {
            let came_from = json_text(&CameFrom { click_id: None, ..came_from })?;
            self.execute(&FORGET_CLICK, &[&workspace_id, &session_id, &until, &came_from])?;
        }
        Ok(())
    }

    /// Notes that nothing is left to be emptied of what was asked for at `asked_at`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn emptied(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: MessagingUserId,
        asked_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(&EMPTIED, &[&workspace_id, &user_id, &asked_at]).map(|_| ())
    }

    /// Takes a customer's names and language away.
    ///
    /// # Errors
    /// When the store fails.
    pub fn forget_names(&mut self, workspace_id: WorkspaceId, user_id: MessagingUserId) -> Result<(), StoreError> {
        self.forget_customer_language(workspace_id, user_id)?;
        self.execute(&FORGET_NAMES, &[&workspace_id, &user_id]).map(|_| ())
    }
}
