//! Messages that programs send: one by one, in batches, or in Twilio's dialect.
//!
//! A message's wish is its key: a second wish with the same key is the first message. What becomes of it is in the
//! outbox row with the same id. A batch's messages are rows before they are in the outbox; the batch remembers how far
//! its worker came, in the transaction that queued them, so a crash neither loses nor doubles one.

use std::collections::BTreeSet;

use segue_model::{
    ApiKeyId, BatchId, ChannelId, ContactId, ListId, MediaId, MessageId, SenderId, SenderPoolId, Timestamp,
    WorkspaceId,
    delivery::{MessageClass, OutboxState},
    id::Id as _,
    route::RouteNote,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{Row, StoreError, Tx, recipient::rule_label, tx::json_text};

segue_model::text_enum! {
    /// How far the worker of a batch is.
    pub enum BatchState {
        /// Not all messages are in the outbox yet.
        Working = "working",
        /// All are in the outbox or have a problem; what becomes of them is told one by one.
        Done = "done",
    }
}

segue_model::text_enum! {
    /// Where a message is, for those who sent it.
    pub enum DirectState {
        /// Its turn in the batch has not come.
        Waiting = "waiting",
        Queued = "queued",
        Sending = "sending",
        /// The provider took it.
        Sent = "sent",
        Delivered = "delivered",
        Read = "read",
        /// The provider could not or would not deliver it.
        Failed = "failed",
        /// Nobody can say whether it left; it is never sent again by itself.
        Unknown = "unknown",
        /// A rule forbids it: see `rule`.
        Suppressed = "suppressed",
        Canceled = "canceled",
        Expired = "expired",
        /// It could not be made: see `reason`.
        Rejected = "rejected",
    }
}

impl DirectState {
    const fn of(state: OutboxState) -> Self {
        match state {
            OutboxState::Queued | OutboxState::Claimed => Self::Queued,
            OutboxState::Submitting => Self::Sending,
            OutboxState::Accepted => Self::Sent,
            OutboxState::Delivered => Self::Delivered,
            OutboxState::Read => Self::Read,
            OutboxState::Failed => Self::Failed,
            OutboxState::Unknown => Self::Unknown,
            OutboxState::Suppressed => Self::Suppressed,
            OutboxState::Canceled => Self::Canceled,
            OutboxState::Expired => Self::Expired,
        }
    }
}

/// A wish for a message.
#[derive(Debug, Clone)]
pub struct NewDirectMessage {
    pub id: MessageId,
    pub batch: Option<(BatchId, u32)>,
    pub key: String,
    /// Who wishes it, see [`segue_model::actor::Actor::reference`].
    pub actor: String,
    pub client_reference: Option<String>,
    pub address: String,
    pub fields: Value,
    /// Code and words, when it will never be sent.
    pub problem: Option<(&'static str, String)>,
}

/// A message as the one who sent it sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = DirectMessage)]
pub struct DirectMessageView {
    pub id: MessageId,
    pub batch_id: Option<BatchId>,
    /// Within the batch, from 1.
    pub position: Option<u32>,
    pub client_reference: Option<String>,
    /// The recipient's number.
    pub to: String,
    /// The sender's number or name.
    pub from: Option<String>,
    pub text: Option<String>,
    pub class: Option<MessageClass>,
    pub segments: Option<u32>,
    pub state: DirectState,
    /// The rule that holds or forbids it, or the code of what was wrong with it.
    pub rule: Option<String>,
    /// Why it is not sent or failed, in words.
    pub reason: Option<String>,
    /// The provider's code of a failure.
    pub error_code: Option<String>,
    pub created_at: Timestamp,
    /// When a rule that holds it lets it go.
    pub not_before: Option<Timestamp>,
    pub sent_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    /// The account it leaves by.
    pub channel_id: Option<ChannelId>,
    /// Why by that account, where its sender has several.
    pub route: Option<RouteNote>,
    /// Its files in their order; with any it is an MMS.
    pub media: Vec<MediaId>,
}

/// What of a text is shown. A text whose contact was deleted has no sender any more, and no words.
#[derive(Deserialize)]
struct Text {
    #[serde(default)]
    source: Option<String>,
    text: String,
    #[serde(default)]
    route: Option<RouteNote>,
    #[serde(default)]
    media: Vec<MediaId>,
}

/// A batch to begin.
#[derive(Debug, Clone)]
pub struct NewBatch {
    pub id: BatchId,
    pub key: String,
    pub actor: String,
    pub sender_id: SenderId,
    /// The pool whose senders share the texts.
    pub pool_id: Option<SenderPoolId>,
    pub class: MessageClass,
    pub body: String,
    pub list_id: Option<ListId>,
    pub expires_at: Option<Timestamp>,
}

/// A batch with how far its worker came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    pub id: BatchId,
    pub actor: String,
    pub sender_id: SenderId,
    /// The pool whose senders share the texts.
    pub pool_id: Option<SenderPoolId>,
    pub class: MessageClass,
    pub body: String,
    pub list_id: Option<ListId>,
    pub expires_at: Option<Timestamp>,
    pub state: BatchState,
    pub done_position: u32,
    pub done_contact: Option<ContactId>,
    pub created_at: Timestamp,
}

/// What was made with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfKey<I> {
    pub id: I,
    /// Of the request whose key it is, when it is one's.
    pub request_hash: Option<String>,
    pub created_at: Timestamp,
}

/// A message of a batch whose turn has come.
#[derive(Debug, Clone)]
pub struct WaitingMessage {
    pub id: MessageId,
    pub position: u32,
    pub address: String,
    pub fields: Value,
    pub has_problem: bool,
}

/// Which messages of a sender to show.
#[derive(Debug, Clone, Default)]
pub struct DirectQuery {
    pub actor: String,
    pub to: Option<String>,
    /// The number or name it was sent from.
    pub from: Option<String>,
    /// Sent at this time or later.
    pub sent_from: Option<Timestamp>,
    /// Sent before this time.
    pub sent_before: Option<Timestamp>,
    /// Only messages before this one: the newest come first.
    pub before: Option<MessageId>,
    pub limit: i64,
}

/// Somebody who is to be told of a message's new state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueCallback {
    pub workspace_id: WorkspaceId,
    pub message_id: MessageId,
    pub api_key_id: segue_model::ApiKeyId,
    pub url: String,
    pub told: OutboxState,
    /// Attempts before this one.
    pub attempts: u32,
    /// What proves the claim.
    pub next_at: Timestamp,
}

crate::sql! {
    INSERT_MESSAGE = "INSERT INTO direct_messages (workspace_id, id, batch_id, position, key, actor, client_reference,
            address, fields, problem_code, problem, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (workspace_id, key) DO NOTHING";
    MESSAGE_OF_KEY = "SELECT id, request_hash, created_at FROM direct_messages WHERE workspace_id = $1 AND key = $2";
    FREE_KEY_OF_MESSAGE = "UPDATE direct_messages SET key = $4
        WHERE workspace_id = $1 AND key = $2 AND created_at <= $3";
    NOTE_REQUEST_OF_MESSAGE = "UPDATE direct_messages SET request_hash = $3 WHERE workspace_id = $1 AND id = $2";
    SET_PROBLEM = "UPDATE direct_messages SET problem_code = $3, problem = $4 WHERE workspace_id = $1 AND id = $2";
    MESSAGE = "SELECT m.id, m.batch_id, m.position, m.client_reference, m.address, m.problem_code, m.problem,
            m.created_at, o.state, o.payload, o.class, o.segments, o.rule, o.error_code, o.error_reason, o.not_before,
            o.accepted_at, o.delivered_at, o.channel_id
        FROM direct_messages m LEFT JOIN outbox o ON o.workspace_id = m.workspace_id AND o.id = m.id
        WHERE m.workspace_id = $1 AND m.id = $2";
    MESSAGES_OF_BATCH = "SELECT m.id, m.batch_id, m.position, m.client_reference, m.address, m.problem_code, m.problem,
            m.created_at, o.state, o.payload, o.class, o.segments, o.rule, o.error_code, o.error_reason, o.not_before,
            o.accepted_at, o.delivered_at, o.channel_id
        FROM direct_messages m LEFT JOIN outbox o ON o.workspace_id = m.workspace_id AND o.id = m.id
        WHERE m.workspace_id = $1 AND m.batch_id = $2 AND m.batch_id IS NOT NULL AND m.position > $3
        ORDER BY m.position LIMIT $4";
    MESSAGES_OF_ACTOR = sqlite: "SELECT m.id, m.batch_id, m.position, m.client_reference, m.address, m.problem_code, m.problem,
            m.created_at, o.state, o.payload, o.class, o.segments, o.rule, o.error_code, o.error_reason, o.not_before,
            o.accepted_at, o.delivered_at, o.channel_id
        FROM direct_messages m LEFT JOIN outbox o ON o.workspace_id = m.workspace_id AND o.id = m.id
        WHERE m.workspace_id = $1 AND m.actor = $2 AND m.id < $3 AND (CAST($4 AS TEXT) IS NULL OR m.address = $4)
            AND m.batch_id IS NULL
            AND (CAST($6 AS TEXT) IS NULL OR json_extract(o.payload, '$.source') = $6)
            AND (CAST($7 AS BIGINT) IS NULL OR o.accepted_at >= $7)
            AND (CAST($8 AS BIGINT) IS NULL OR o.accepted_at < $8)
        ORDER BY m.id DESC LIMIT $5",
        postgres: "SELECT m.id, m.batch_id, m.position, m.client_reference, m.address, m.problem_code, m.problem,
            m.created_at, o.state, o.payload, o.class, o.segments, o.rule, o.error_code, o.error_reason, o.not_before,
            o.accepted_at, o.delivered_at, o.channel_id
        FROM direct_messages m LEFT JOIN outbox o ON o.workspace_id = m.workspace_id AND o.id = m.id
        WHERE m.workspace_id = $1 AND m.actor = $2 AND m.id < $3 AND (CAST($4 AS TEXT) IS NULL OR m.address = $4)
            AND m.batch_id IS NULL
            AND (CAST($6 AS TEXT) IS NULL OR CAST(o.payload AS JSON) ->> 'source' = $6)
            AND (CAST($7 AS BIGINT) IS NULL OR o.accepted_at >= $7)
            AND (CAST($8 AS BIGINT) IS NULL OR o.accepted_at < $8)
        ORDER BY m.id DESC LIMIT $5";
    INSERT_BATCH = "INSERT INTO message_batches (workspace_id, id, key, actor, sender_id, class, body, list_id,
            expires_at, state, created_at, pool_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'working', $10, $11) ON CONFLICT (workspace_id, key) DO NOTHING";
    BATCH_OF_KEY = "SELECT id, request_hash, created_at FROM message_batches WHERE workspace_id = $1 AND key = $2";
    FREE_KEY_OF_BATCH = "UPDATE message_batches SET key = $4
        WHERE workspace_id = $1 AND key = $2 AND created_at <= $3";
    NOTE_REQUEST_OF_BATCH = "UPDATE message_batches SET request_hash = $3 WHERE workspace_id = $1 AND id = $2";
    BATCH = "SELECT id, actor, sender_id, class, body, list_id, expires_at, state, done_position, done_contact_id,
            created_at, pool_id FROM message_batches WHERE workspace_id = $1 AND id = $2";
    ADVANCE_BATCH = "UPDATE message_batches SET done_position = $3, done_contact_id = $4, state = $5
        WHERE workspace_id = $1 AND id = $2";
    WAITING_OF_BATCH = "SELECT id, position, address, fields, problem_code IS NOT NULL FROM direct_messages
        WHERE workspace_id = $1 AND batch_id = $2 AND batch_id IS NOT NULL AND position > $3 ORDER BY position LIMIT $4";
    COUNTS_OF_BATCH = "SELECT o.state, m.problem_code IS NOT NULL, COUNT(*)
        FROM direct_messages m LEFT JOIN outbox o ON o.workspace_id = m.workspace_id AND o.id = m.id
        WHERE m.workspace_id = $1 AND m.batch_id = $2 AND m.batch_id IS NOT NULL
        GROUP BY o.state, m.problem_code IS NOT NULL";
    INSERT_CALLBACK = "INSERT INTO status_callbacks (workspace_id, message_id, api_key_id, url, told, next_at,
            created_at)
        VALUES ($1, $2, $3, $4, 'queued', $5, $5) ON CONFLICT (workspace_id, message_id) DO NOTHING";
    /// For the worker, across all workspaces.
    HAS_DUE_CALLBACKS = "SELECT 1 FROM status_callbacks WHERE next_at <= $1 LIMIT 1";
    /// A message that was not changed is looked at again after a quarter of its age, at most five minutes: so many that
    /// wait for a report that never comes cost little.
    POSTPONE_CALLBACKS = "UPDATE status_callbacks SET next_at = CAST($1 AS BIGINT)
            + CASE WHEN CAST($1 AS BIGINT) - created_at > 1200000 THEN 300000
                WHEN CAST($1 AS BIGINT) - created_at < 2000 THEN 500
                ELSE (CAST($1 AS BIGINT) - created_at) / 4 END
        WHERE next_at <= $1";
    STATE_OF = "SELECT state FROM outbox WHERE workspace_id = $1 AND id = $2";
    /// For the worker, across all workspaces.
    DUE_CALLBACKS = "SELECT c.workspace_id, c.message_id, c.api_key_id, c.url, c.told, c.attempts, c.next_at
        FROM status_callbacks c JOIN outbox o ON o.workspace_id = c.workspace_id AND o.id = c.message_id
        WHERE c.next_at <= $1 AND o.state NOT IN ('queued', 'claimed') AND o.state <> c.told
        ORDER BY c.next_at LIMIT $2";
    CLAIM_CALLBACK = "UPDATE status_callbacks SET next_at = $4, attempts = attempts + 1
        WHERE workspace_id = $1 AND message_id = $2 AND next_at = $3";
    CALLBACK_TOLD = "UPDATE status_callbacks SET told = $4, attempts = 0, next_at = $5
        WHERE workspace_id = $1 AND message_id = $2 AND next_at = $3";
    CALLBACK_LATER = "UPDATE status_callbacks SET next_at = $4
        WHERE workspace_id = $1 AND message_id = $2 AND next_at = $3";
    /// It was not tried: the attempt that the claim counted is none.
    CALLBACK_UNTRIED = "UPDATE status_callbacks SET next_at = $4,
            attempts = CASE WHEN attempts > 0 THEN attempts - 1 ELSE 0 END
        WHERE workspace_id = $1 AND message_id = $2 AND next_at = $3";
    CALLBACKS_TO_LATER = "UPDATE status_callbacks SET next_at = $5
        WHERE workspace_id = $1 AND next_at <= $4 AND api_key_id = $2 AND url = $3";
    END_CALLBACK = "DELETE FROM status_callbacks WHERE workspace_id = $1 AND message_id = $2";
    DELETE_OLD_CALLBACKS = "DELETE FROM status_callbacks WHERE workspace_id = $1 AND created_at < $2";
}

fn read_view(row: &mut Row<'_>) -> Result<DirectMessageView, StoreError> {
    let (id, batch_id, position) = (row.next()?, row.next()?, row.next()?);
    let (client_reference, to) = (row.next()?, row.next()?);
    let (problem_code, problem): (Option<String>, Option<String>) = (row.next()?, row.next()?);
    let created_at = row.next()?;
    let state: Option<OutboxState> = row.optional_word()?;
    let content: Option<Text> = row.optional_json()?;
    let (class, segments) = (row.optional_word()?, row.next()?);
    let (rule, error_code, error_reason): (Option<String>, Option<String>, Option<String>) =
        (row.next()?, row.next()?, row.next()?);
    let (not_before, sent_at, delivered_at) = (row.next()?, row.next()?, row.next()?);
    let state = match state {
        Some(state) => DirectState::of(state),
        None if problem_code.is_some() => DirectState::Rejected,
        None => DirectState::Waiting,
    };
    let label = rule.as_deref().filter(|_| state != DirectState::Unknown).map(rule_label);
    let route = content.as_ref().and_then(|content| content.route);
    let (from, text, media) =
        content.map_or_else(Default::default, |content| (content.source, Some(content.text), content.media));
    Ok(DirectMessageView {
        id,
        batch_id,
        position,
        client_reference,
        to,
        from,
        text,
        class,
        segments,
        state,
        rule: rule.or(problem_code),
        reason: label.or(error_reason).or(problem),
        error_code,
        created_at,
        not_before,
        sent_at,
        delivered_at,
        channel_id: row.next()?,
        route,
        media,
    })
}

impl Tx<'_> {
    /// Stores a wish. `false` when there is one with its key.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_direct_message(
        &mut self,
        workspace_id: WorkspaceId,
        message: &NewDirectMessage,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let fields = json_text(&message.fields)?;
        let written = self.execute(
            &INSERT_MESSAGE,
            &[
                &workspace_id,
                &message.id,
                &message.batch.map(|(batch_id, _)| batch_id),
                &message.batch.map(|(_, position)| position),
                &message.key,
                &message.actor,
                &message.client_reference,
                &message.address,
                &fields,
                &message.problem.as_ref().map(|(code, _)| *code),
                &message.problem.as_ref().map(|(_, words)| words.as_str()),
                &now,
            ],
        )?;
        Ok(written == 1)
    }

    /// The message that was wished with this key.
    ///
    /// # Errors
    /// When the store fails.
    pub fn direct_message_of_key(
        &mut self,
        workspace_id: WorkspaceId,
        key: &str,
    ) -> Result<Option<OfKey<MessageId>>, StoreError> {
        self.query_opt(&MESSAGE_OF_KEY, &[&workspace_id, &key], |row| {
            Ok(OfKey { id: row.next()?, request_hash: row.next()?, created_at: row.next()? })
        })
    }

    /// Calls a message that was made at `until` or before by another key, so that this one can be used anew. `false` when
    /// there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn free_key_of_message(
        &mut self,
        workspace_id: WorkspaceId,
        key: &str,
        until: Timestamp,
        other: &str,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&FREE_KEY_OF_MESSAGE, &[&workspace_id, &key, &until, &other])? == 1)
    }

    /// Notes of which request a message's key is.
    ///
    /// # Errors
    /// When the store fails.
    pub fn note_request_of_message(
        &mut self,
        workspace_id: WorkspaceId,
        id: MessageId,
        hash: &str,
    ) -> Result<(), StoreError> {
        self.execute(&NOTE_REQUEST_OF_MESSAGE, &[&workspace_id, &id, &hash]).map(|_| ())
    }

    /// Notes why a message will never be sent.
    ///
    /// # Errors
    /// When the store fails.
    pub fn reject_direct_message(
        &mut self,
        workspace_id: WorkspaceId,
        id: MessageId,
        code: &str,
        words: &str,
    ) -> Result<(), StoreError> {
        self.execute(&SET_PROBLEM, &[&workspace_id, &id, &code, &words]).map(|_| ())
    }

    /// One message with what became of it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn direct_message(
        &mut self,
        workspace_id: WorkspaceId,
        id: MessageId,
    ) -> Result<Option<DirectMessageView>, StoreError> {
        self.query_opt(&MESSAGE, &[&workspace_id, &id], read_view)
    }

    /// Single messages of a sender, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn direct_messages(
        &mut self,
        workspace_id: WorkspaceId,
        query: &DirectQuery,
    ) -> Result<Vec<DirectMessageView>, StoreError> {
        let before = query.before.unwrap_or_else(|| MessageId::from_uuid(Uuid::max()));
        let keys: &[&dyn crate::Bind] = &[
            &workspace_id,
            &query.actor,
            &before,
            &query.to,
            &query.limit,
            &query.from,
            &query.sent_from,
            &query.sent_before,
        ];
        self.query(&MESSAGES_OF_ACTOR, keys, read_view)
    }

    /// Messages of a batch above `after`, in the order of their positions.
    ///
    /// # Errors
    /// When the store fails.
    pub fn messages_of_batch(
        &mut self,
        workspace_id: WorkspaceId,
        batch_id: BatchId,
        after: u32,
        limit: i64,
    ) -> Result<Vec<DirectMessageView>, StoreError> {
        self.query(&MESSAGES_OF_BATCH, &[&workspace_id, &batch_id, &after, &limit], read_view)
    }

    /// Begins a batch. `false` when there is one with its key.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_batch(
        &mut self,
        workspace_id: WorkspaceId,
        batch: &NewBatch,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let written = self.execute(
            &INSERT_BATCH,
            &[
                &workspace_id,
                &batch.id,
                &batch.key,
                &batch.actor,
                &batch.sender_id,
                &batch.class.as_str(),
                &batch.body,
                &batch.list_id,
                &batch.expires_at,
                &now,
                &batch.pool_id,
            ],
        )?;
        Ok(written == 1)
    }

    /// The batch that was begun with this key.
    ///
    /// # Errors
    /// When the store fails.
    pub fn batch_of_key(&mut self, workspace_id: WorkspaceId, key: &str) -> Result<Option<OfKey<BatchId>>, StoreError> {
        self.query_opt(&BATCH_OF_KEY, &[&workspace_id, &key], |row| {
            Ok(OfKey { id: row.next()?, request_hash: row.next()?, created_at: row.next()? })
        })
    }

    /// Calls a batch that was begun at `until` or before by another key, so that this one can be used anew. `false` when
    /// there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn free_key_of_batch(
        &mut self,
        workspace_id: WorkspaceId,
        key: &str,
        until: Timestamp,
        other: &str,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&FREE_KEY_OF_BATCH, &[&workspace_id, &key, &until, &other])? == 1)
    }

    /// Notes of which request a batch's key is.
    ///
    /// # Errors
    /// When the store fails.
    pub fn note_request_of_batch(
        &mut self,
        workspace_id: WorkspaceId,
        id: BatchId,
        hash: &str,
    ) -> Result<(), StoreError> {
        self.execute(&NOTE_REQUEST_OF_BATCH, &[&workspace_id, &id, &hash]).map(|_| ())
    }

    /// One batch.
    ///
    /// # Errors
    /// When the store fails.
    pub fn batch(&mut self, workspace_id: WorkspaceId, id: BatchId) -> Result<Option<Batch>, StoreError> {
        self.query_opt(&BATCH, &[&workspace_id, &id], |row| {
            Ok(Batch {
                id: row.next()?,
                actor: row.next()?,
                sender_id: row.next()?,
                class: row.word()?,
                body: row.next()?,
                list_id: row.next()?,
                expires_at: row.next()?,
                state: row.word()?,
                done_position: row.next()?,
                done_contact: row.next()?,
                created_at: row.next()?,
                pool_id: row.next()?,
            })
        })
    }

    /// Notes how far a batch's worker came. Call it in the transaction that queued the messages.
    ///
    /// # Errors
    /// When the store fails.
    pub fn advance_batch(
        &mut self,
        workspace_id: WorkspaceId,
        id: BatchId,
        done: (u32, Option<ContactId>),
        state: BatchState,
    ) -> Result<(), StoreError> {
        let (position, contact) = done;
        self.execute(&ADVANCE_BATCH, &[&workspace_id, &id, &position, &contact, &state.as_str()]).map(|_| ())
    }

    /// The next messages of a batch after `position`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn waiting_of_batch(
        &mut self,
        workspace_id: WorkspaceId,
        id: BatchId,
        position: u32,
        limit: i64,
    ) -> Result<Vec<WaitingMessage>, StoreError> {
        self.query(&WAITING_OF_BATCH, &[&workspace_id, &id, &position, &limit], |row| {
            Ok(WaitingMessage {
                id: row.next()?,
                position: row.next()?,
                address: row.next()?,
                fields: row.json()?,
                has_problem: row.next()?,
            })
        })
    }

    /// How many messages of a batch are in each state.
    ///
    /// # Errors
    /// When the store fails.
    pub fn count_batch(
        &mut self,
        workspace_id: WorkspaceId,
        id: BatchId,
    ) -> Result<Vec<(DirectState, u64)>, StoreError> {
        self.query(&COUNTS_OF_BATCH, &[&workspace_id, &id], |row| {
            let state: Option<OutboxState> = row.optional_word()?;
            let has_problem: bool = row.next()?;
            let state = match state {
                Some(state) => DirectState::of(state),
                None if has_problem => DirectState::Rejected,
                None => DirectState::Waiting,
            };
            Ok((state, row.next()?))
        })
    }

    /// Somebody wants to be told what becomes of a message.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_callback(
        &mut self,
        workspace_id: WorkspaceId,
        message_id: MessageId,
        api_key_id: segue_model::ApiKeyId,
        url: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(&INSERT_CALLBACK, &[&workspace_id, &message_id, &api_key_id, &url, &now]).map(|_| ())
    }

    /// Whether it is time to look whether there is something to tell. For the worker, across all workspaces.
    ///
    /// # Errors
    /// When the store fails.
    pub fn has_due_callbacks(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.query_opt(&HAS_DUE_CALLBACKS, &[&now], |row| row.next::<i64>())?.is_some())
    }

    /// The state of an outbox row.
    ///
    /// # Errors
    /// When the store fails.
    pub fn outbox_state(
        &mut self,
        workspace_id: WorkspaceId,
        id: MessageId,
    ) -> Result<Option<OutboxState>, StoreError> {
        self.query_opt(&STATE_OF, &[&workspace_id, &id], |row| row.word())
    }

    /// Takes up to `limit` callbacks whose message has a state that was not told, to be tried until `until`. For the
    /// worker, across all workspaces.
    ///
    /// # Errors
    /// When the store fails.
    pub fn claim_callbacks(
        &mut self,
        limit: u32,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<DueCallback>, StoreError> {
        let due = self.query(&DUE_CALLBACKS, &[&now, &limit], |row| {
            Ok(DueCallback {
                workspace_id: row.next()?,
                message_id: row.next()?,
                api_key_id: row.next()?,
                url: row.next()?,
                told: row.word()?,
                attempts: row.next()?,
                next_at: row.next()?,
            })
        })?;
        let found_all = due.len() < limit as usize;
        let mut claimed = Vec::with_capacity(due.len());
        for callback in due {
            let keys: &[&dyn crate::Bind] = &[&callback.workspace_id, &callback.message_id, &callback.next_at, &until];
            if self.execute(&CLAIM_CALLBACK, keys)? == 1 {
                claimed.push(DueCallback { next_at: until, ..callback });
            }
        }
        if found_all {
            self.execute(&POSTPONE_CALLBACKS, &[&now])?;
        }
        Ok(claimed)
    }

    /// A state was told; the next one may be told from `next_at` on.
    ///
    /// # Errors
    /// When the store fails.
    pub fn callback_told(
        &mut self,
        callback: &DueCallback,
        state: OutboxState,
        next_at: Timestamp,
    ) -> Result<(), StoreError> {
        let keys: &[&dyn crate::Bind] =
            &[&callback.workspace_id, &callback.message_id, &callback.next_at, &state.as_str(), &next_at];
        self.execute(&CALLBACK_TOLD, keys).map(|_| ())
    }

    /// Nobody took it; it is tried again at `next_at`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn callback_later(&mut self, callback: &DueCallback, next_at: Timestamp) -> Result<(), StoreError> {
        let keys: &[&dyn crate::Bind] = &[&callback.workspace_id, &callback.message_id, &callback.next_at, &next_at];
        self.execute(&CALLBACK_LATER, keys).map(|_| ())
    }

    /// Callbacks that were claimed were not tried, because their listener has enough to do or does not answer: they wait
    /// until `next_at`, with whatever else is due at their addresses.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_off_callbacks(
        &mut self,
        callbacks: &[DueCallback],
        now: Timestamp,
        next_at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut addresses = BTreeSet::new();
        for callback in callbacks {
            let keys: &[&dyn crate::Bind] =
                &[&callback.workspace_id, &callback.message_id, &callback.next_at, &next_at];
            self.execute(&CALLBACK_UNTRIED, keys)?;
            addresses.insert((callback.workspace_id, callback.api_key_id, callback.url.as_str()));
        }
        for (workspace_id, api_key_id, url) in addresses {
            self.put_off_address(workspace_id, (api_key_id, url), now, next_at)?;
        }
        Ok(())
    }

    /// What is due at an address waits until `next_at`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_off_address(
        &mut self,
        workspace_id: WorkspaceId,
        (api_key_id, url): (ApiKeyId, &str),
        now: Timestamp,
        next_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(&CALLBACKS_TO_LATER, &[&workspace_id, &api_key_id, &url, &now, &next_at]).map(|_| ())
    }

    /// There is nothing more to tell, or nobody listens.
    ///
    /// # Errors
    /// When the store fails.
    pub fn end_callback(&mut self, workspace_id: WorkspaceId, message_id: MessageId) -> Result<(), StoreError> {
        self.execute(&END_CALLBACK, &[&workspace_id, &message_id]).map(|_| ())
    }

    /// Removes callbacks of messages that were made before `before`; their last state never came.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_old_callbacks(&mut self, workspace_id: WorkspaceId, before: Timestamp) -> Result<u64, StoreError> {
        self.execute(&DELETE_OLD_CALLBACKS, &[&workspace_id, &before])
    }
}
