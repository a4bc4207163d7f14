//! The outbox: every message on its way out, whoever wrote it, and what became of it.
//!
//! A row is written in the same transaction as the change that causes the message, under a `dedupe_key` that names the
//! cause, so doing the cause twice sends once. The cause of a campaign's message is its campaign and address, which have
//! an index of their own. States and their meaning: [`OutboxState`].
//!
//! This module queues, claims and recovers rows; `submission` records the decision and the outcome of each send, and
//! `report` what the provider told afterwards.
//!
//! # Why a crash at each point is safe
//! | crashed while the row was | what is known | what follows |
//! |---|---|---|
//! | `queued` | nothing left | it is claimed again |
//! | `claimed` | nothing left: bytes leave only after `submitting` is on disk | [`Tx::recover_outbox`] queues it again |
//! | `submitting` | bytes may have left | it becomes `unknown`, is never sent again by itself, and a report resolves it |
//! | any later state | the provider had it | nothing to do |
//!
//! [`Tx::due_outbox`] leaves the claim out for a worker that decides in the same transaction: the row goes from `queued`
//! to `submitting` at once, and no crash can find it in between.
//!
//! Every change under a claim checks the claim's epoch, so a worker that lost its lease changes nothing. The exception
//! is a fact: that the provider took a message stays true whoever tells it.

use segue_model::{
    CampaignId, ChannelId, MessageId, SessionId, Timestamp, WorkspaceId,
    consent::{Medium, Purpose},
    delivery::{MessageClass, OutboxState},
    id::Id as _,
    wake::Wake,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    Row, StoreError, Tx,
    submission::{LastLook, read_change, read_last_look},
    tally::bucket,
    tx::json_text,
    value::{Bind as _, Param},
};

segue_model::text_enum! {
    /// What kind of address a message goes to. WhatsApp takes the two in different fields.
    pub enum AddressKind {
        /// E.164 with plus sign.
        Phone = "phone",
        /// Business-scoped user id of a WhatsApp customer without a visible number.
        Bsuid = "bsuid",
    }
}

/// What is to be sent, or what came in, as its JSON text.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload(String);

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Payload({} bytes)", self.0.len())
    }
}

impl Payload {
    /// The JSON text of this content.
    ///
    /// # Errors
    /// When it has none, which is a defect.
    pub fn of(content: &impl Serialize) -> Result<Self, StoreError> {
        json_text(content).map(Self)
    }

    /// What it says.
    ///
    /// # Errors
    /// When it says something else.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }

    pub(crate) const fn from_text(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl From<Value> for Payload {
    fn from(value: Value) -> Self {
        Self(value.to_string())
    }
}

/// A message to send.
#[derive(Debug, Clone)]
pub struct NewOutbox {
    /// Also the id of the transcript entry, when there is one.
    pub id: MessageId,
    pub channel_id: ChannelId,
    pub class: MessageClass,
    /// Names the cause; a second row with the same key is not written. Not looked at for a message of a campaign: there
    /// campaign and address are the key.
    pub dedupe_key: String,
    pub address: String,
    pub address_kind: AddressKind,
    /// What to send: `model::content::SmsContent` or `model::content::Content`, by the kind of the channel.
    pub payload: Payload,
    /// Set for the messages of a running campaign alone, not for tests of a draft: nothing of a campaign leaves that is
    /// not running.
    pub campaign: Option<(CampaignId, u32)>,
    pub session_id: Option<SessionId>,
    pub not_before: Timestamp,
    pub expires_at: Option<Timestamp>,
    /// SMS segments, when known.
    pub segments: Option<u32>,
}

/// A message that this worker may send until its lease ends.
#[derive(Clone, PartialEq)]
pub struct OutboxMessage {
    pub workspace_id: WorkspaceId,
    pub id: MessageId,
    pub channel_id: ChannelId,
    pub class: MessageClass,
    pub address: String,
    pub address_kind: AddressKind,
    /// JSON text of what to send; see [`OutboxMessage::content`].
    pub payload: String,
    pub campaign_id: Option<CampaignId>,
    pub session_id: Option<SessionId>,
    pub not_before: Timestamp,
    pub expires_at: Option<Timestamp>,
    /// Attempts that were answered "not now" before this one.
    pub attempts: u32,
    /// What proves the claim.
    pub epoch: i64,
    /// The rule that put it off last.
    pub rule: Option<String>,
    /// How it is held.
    pub hold: Hold,
}

segue_model::text_enum! {
    /// How a worker holds a message that it has not begun to send: the state its row is in.
    pub enum Hold {
        /// By a claim that is on disk, from [`Tx::claim_outbox`].
        Claimed = "claimed",
        /// By the running transaction alone, from [`Tx::due_outbox`].
        Due = "queued",
    }
}

impl OutboxMessage {
    /// What to send: `model::content::SmsContent` or `model::content::Content`, by the kind of the channel.
    ///
    /// # Errors
    /// When the payload is not such content.
    pub fn content<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.payload)
    }
}

impl std::fmt::Debug for OutboxMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OutboxMessage({}, {}, epoch {})", self.id, self.class, self.epoch)
    }
}

/// A message that is due, from [`Tx::due_outbox`].
#[derive(Debug, Clone, PartialEq)]
pub struct DueMessage {
    pub message: OutboxMessage,
    /// What is on record of the recipient for promotional messages, where it was read along: of a campaign's messages.
    pub look: Option<LastLook>,
}

/// Whose claims [`Tx::recover_outbox`] takes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abandoned<'a> {
    /// Those whose lease has run out.
    Expired,
    /// Those, and all of this owner: it has just started, so it is working on nothing.
    OwnedBy(&'a str),
}

crate::sql! {
    ENQUEUE = "INSERT INTO outbox (workspace_id, id, channel_id, class, dedupe_key, address, address_kind, payload,
            campaign_id, position, session_id, state, not_before, expires_at, segments, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        ON CONFLICT DO NOTHING";
    OF_CAUSE = "SELECT id, created_at FROM outbox
        WHERE workspace_id = $1 AND dedupe_key = $2 AND dedupe_key IS NOT NULL";
    /// Messages of no campaign; of a session only the oldest that has not left. One that a rule holds back (a promotional
    /// template at night) does not keep those behind it waiting.
    CLAIM_DIRECT = sqlite: "UPDATE outbox SET state = 'claimed', lease_owner = $3, lease_epoch = lease_epoch + 1,
            lease_until = $4
        WHERE workspace_id = $1 AND id IN (SELECT o.id FROM outbox o
            WHERE o.workspace_id = $1 AND o.channel_id = $2 AND o.state = 'queued' AND o.campaign_id IS NULL
                AND o.not_before <= $5 AND (o.session_id IS NULL OR NOT EXISTS (
                    SELECT 1 FROM outbox e WHERE e.workspace_id = $1 AND e.session_id = o.session_id AND e.id < o.id
                        AND e.session_id IS NOT NULL AND (e.state = 'queued' OR e.state = 'claimed' OR e.state = 'submitting')
                        AND (e.state <> 'queued' OR e.rule IS NULL)))
            ORDER BY o.not_before, o.id LIMIT $6)
        RETURNING workspace_id, id, channel_id, class, address, address_kind, payload, campaign_id, session_id,
            not_before, expires_at, attempts, lease_epoch, rule",
        postgres: "UPDATE outbox SET state = 'claimed', lease_owner = $3, lease_epoch = lease_epoch + 1,
            lease_until = $4
        WHERE workspace_id = $1 AND id = ANY (ARRAY(SELECT o.id FROM outbox o
            WHERE o.workspace_id = $1 AND o.channel_id = $2 AND o.state = 'queued' AND o.campaign_id IS NULL
                AND o.not_before <= $5 AND (o.session_id IS NULL OR NOT EXISTS (
                    SELECT 1 FROM outbox e WHERE e.workspace_id = $1 AND e.session_id = o.session_id AND e.id < o.id
                        AND e.session_id IS NOT NULL AND (e.state = 'queued' OR e.state = 'claimed' OR e.state = 'submitting')
                        AND (e.state <> 'queued' OR e.rule IS NULL)))
            ORDER BY o.not_before, o.id LIMIT $6 FOR UPDATE OF o SKIP LOCKED))
        RETURNING workspace_id, id, channel_id, class, address, address_kind, payload, campaign_id, session_id,
            not_before, expires_at, attempts, lease_epoch, rule";
    RUNNING_CAMPAIGNS = "SELECT id FROM campaigns WHERE workspace_id = $1 AND state IN ('planning', 'running')
            AND opens_at <= $2 AND (closes_at IS NULL OR closes_at > $2)
            AND (hold_rule IS NULL OR hold_until <= $2)
        ORDER BY id";
    CLAIM_OF_CAMPAIGN = sqlite: "UPDATE outbox SET state = 'claimed', lease_owner = $3, lease_epoch = lease_epoch + 1,
            lease_until = $4
        WHERE workspace_id = $1 AND id IN (SELECT o.id FROM outbox o
            WHERE o.workspace_id = $1 AND o.campaign_id = $7 AND o.channel_id = $2 AND o.state = 'queued'
                AND o.campaign_id IS NOT NULL AND o.not_before <= $5
            ORDER BY o.not_before, o.id LIMIT $6)
        RETURNING workspace_id, id, channel_id, class, address, address_kind, payload, campaign_id, session_id,
            not_before, expires_at, attempts, lease_epoch, rule",
        postgres: "UPDATE outbox SET state = 'claimed', lease_owner = $3, lease_epoch = lease_epoch + 1,
            lease_until = $4
        WHERE workspace_id = $1 AND id = ANY (ARRAY(SELECT o.id FROM outbox o
            WHERE o.workspace_id = $1 AND o.campaign_id = $7 AND o.channel_id = $2 AND o.state = 'queued'
                AND o.campaign_id IS NOT NULL AND o.not_before <= $5
            ORDER BY o.not_before, o.id LIMIT $6 FOR UPDATE OF o SKIP LOCKED))
        RETURNING workspace_id, id, channel_id, class, address, address_kind, payload, campaign_id, session_id,
            not_before, expires_at, attempts, lease_epoch, rule";
    /// The same rows as `CLAIM_DIRECT`, for a worker that decides in this transaction.
    DUE_DIRECT = sqlite: "SELECT o.workspace_id, o.id, o.channel_id, o.class, o.address, o.address_kind, o.payload, o.campaign_id, o.session_id,
            o.not_before, o.expires_at, o.attempts, o.lease_epoch, o.rule FROM outbox o
        WHERE o.workspace_id = $1 AND o.channel_id = $2 AND o.state = 'queued' AND o.campaign_id IS NULL
            AND o.not_before <= $3 AND (o.session_id IS NULL OR NOT EXISTS (
                SELECT 1 FROM outbox e WHERE e.workspace_id = $1 AND e.session_id = o.session_id AND e.id < o.id
                    AND e.session_id IS NOT NULL AND (e.state = 'queued' OR e.state = 'claimed' OR e.state = 'submitting')
                    AND (e.state <> 'queued' OR e.rule IS NULL)))
        ORDER BY o.not_before, o.id LIMIT $4",
        postgres: "SELECT o.workspace_id, o.id, o.channel_id, o.class, o.address, o.address_kind, o.payload, o.campaign_id, o.session_id,
            o.not_before, o.expires_at, o.attempts, o.lease_epoch, o.rule FROM outbox o
        WHERE o.workspace_id = $1 AND o.channel_id = $2 AND o.state = 'queued' AND o.campaign_id IS NULL
            AND o.not_before <= $3 AND (o.session_id IS NULL OR NOT EXISTS (
                SELECT 1 FROM outbox e WHERE e.workspace_id = $1 AND e.session_id = o.session_id AND e.id < o.id
                    AND e.session_id IS NOT NULL AND (e.state = 'queued' OR e.state = 'claimed' OR e.state = 'submitting')
                    AND (e.state <> 'queued' OR e.rule IS NULL)))
        ORDER BY o.not_before, o.id LIMIT $4 FOR UPDATE OF o SKIP LOCKED";
    /// Each with what the decision needs to know of its recipient, which is the same as `LAST_LOOK`.
    DUE_OF_CAMPAIGN = sqlite: "SELECT o.workspace_id, o.id, o.channel_id, o.class, o.address, o.address_kind, o.payload, o.campaign_id, o.session_id,
            o.not_before, o.expires_at, o.attempts, o.lease_epoch, o.rule,
            (SELECT CASE WHEN k.expires_at <= $3 AND k.state = 'granted' THEN 'expired' ELSE k.state END
                FROM consents k WHERE k.workspace_id = o.workspace_id AND k.medium = $6
                AND k.address = o.address AND k.purpose = $7),
            (SELECT s.reason FROM suppressions s WHERE s.workspace_id = o.workspace_id AND s.address = o.address),
            COALESCE((SELECT c.time_zone FROM contacts c WHERE c.workspace_id = o.workspace_id AND c.phone = o.address),
                (SELECT c.time_zone FROM contact_addresses a JOIN contacts c ON c.workspace_id = a.workspace_id
                    AND c.id = a.contact_id WHERE a.workspace_id = o.workspace_id AND a.kind = 'phone'
                    AND a.address = o.address)),
            (SELECT COUNT(*) FROM scoped_consents n WHERE n.workspace_id = o.workspace_id AND n.address = o.address
                AND n.medium = $6 AND n.purpose = $7 AND n.state = 'revoked')
        FROM outbox o
        WHERE o.workspace_id = $1 AND o.campaign_id = $5 AND o.channel_id = $2 AND o.state = 'queued'
            AND o.campaign_id IS NOT NULL AND o.not_before <= $3
        ORDER BY o.not_before, o.id LIMIT $4",
        postgres: "SELECT o.workspace_id, o.id, o.channel_id, o.class, o.address, o.address_kind, o.payload, o.campaign_id, o.session_id,
            o.not_before, o.expires_at, o.attempts, o.lease_epoch, o.rule,
            (SELECT CASE WHEN k.expires_at <= $3 AND k.state = 'granted' THEN 'expired' ELSE k.state END
                FROM consents k WHERE k.workspace_id = o.workspace_id AND k.medium = $6
                AND k.address = o.address AND k.purpose = $7),
            (SELECT s.reason FROM suppressions s WHERE s.workspace_id = o.workspace_id AND s.address = o.address),
            COALESCE((SELECT c.time_zone FROM contacts c WHERE c.workspace_id = o.workspace_id AND c.phone = o.address),
                (SELECT c.time_zone FROM contact_addresses a JOIN contacts c ON c.workspace_id = a.workspace_id
                    AND c.id = a.contact_id WHERE a.workspace_id = o.workspace_id AND a.kind = 'phone'
                    AND a.address = o.address)),
            (SELECT COUNT(*) FROM scoped_consents n WHERE n.workspace_id = o.workspace_id AND n.address = o.address
                AND n.medium = $6 AND n.purpose = $7 AND n.state = 'revoked')
        FROM outbox o
        WHERE o.workspace_id = $1 AND o.campaign_id = $5 AND o.channel_id = $2 AND o.state = 'queued'
            AND o.campaign_id IS NOT NULL AND o.not_before <= $3
        ORDER BY o.not_before, o.id LIMIT $4 FOR UPDATE OF o SKIP LOCKED";
    MESSAGE_OF_CAMPAIGN_TO = "SELECT id FROM outbox
        WHERE workspace_id = $1 AND campaign_id = $2 AND campaign_id IS NOT NULL AND address = $3";
    EXTEND_CLAIM = "UPDATE outbox SET lease_until = $4
        WHERE workspace_id = $1 AND id = $2 AND state IN ('claimed', 'submitting') AND lease_epoch = $3";
    RECOVER_CLAIMED = "UPDATE outbox SET state = 'queued', lease_owner = NULL, lease_until = NULL,
            lease_epoch = lease_epoch + 1
        WHERE workspace_id = $1 AND channel_id = $2 AND state = 'claimed'
            AND (state = 'claimed' OR state = 'submitting' OR state = 'unknown')
            AND (lease_until <= $3 OR lease_owner = $4)
        RETURNING id, session_id, campaign_id, state, rule, error_class, error_code, error_reason";
    RECOVER_SUBMITTING = "UPDATE outbox SET state = 'unknown', lease_owner = NULL, lease_until = NULL,
            lease_epoch = lease_epoch + 1, error_class = 'unknown',
            error_reason = 'The worker ended while it was being sent; the provider may or may not have it.'
        WHERE workspace_id = $1 AND channel_id = $2 AND state = 'submitting'
            AND (state = 'claimed' OR state = 'submitting' OR state = 'unknown')
            AND (lease_until <= $3 OR lease_owner = $4)
        RETURNING id, session_id, campaign_id, state, rule, error_class, error_code, error_reason";
    REVIVE_MESSAGE = "UPDATE outbox SET state = 'queued', attempts = 0, not_before = $3, error_class = NULL,
            error_code = NULL, error_reason = NULL, failed_at = NULL
        WHERE workspace_id = $1 AND id = $2 AND state = 'failed' AND submitted_at IS NULL AND withdrawn IS NULL
            AND (campaign_id IS NULL OR campaign_id IN (SELECT c.id FROM campaigns c
                WHERE c.workspace_id = $1 AND c.state IN ('planning', 'running', 'paused')))
        RETURNING channel_id, campaign_id";
    COUNT_OUTBOX = "SELECT state, COUNT(*) FROM outbox WHERE workspace_id = $1 AND channel_id = $2 GROUP BY state
        ORDER BY state";
}

fn read_claimed(row: &mut Row<'_>) -> Result<OutboxMessage, StoreError> {
    read_message(row, Hold::Claimed)
}

pub(crate) fn read_message(row: &mut Row<'_>, hold: Hold) -> Result<OutboxMessage, StoreError> {
    Ok(OutboxMessage {
        workspace_id: row.next()?,
        id: row.next()?,
        channel_id: row.next()?,
        class: row.word()?,
        address: row.next()?,
        address_kind: row.word()?,
        payload: row.next()?,
        campaign_id: row.next()?,
        session_id: row.next()?,
        not_before: row.next()?,
        expires_at: row.next()?,
        attempts: row.next()?,
        epoch: row.next()?,
        rule: row.next()?,
        hold,
    })
}

/// Who claims, and until when.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// Name of the worker's node.
    pub owner: &'a str,
    pub limit: u32,
    pub lease_until: Timestamp,
    pub now: Timestamp,
}

fn count<T>(messages: &[T]) -> u32 {
    u32::try_from(messages.len()).unwrap_or(u32::MAX)
}

/// Cuts `whole` into this many shares that differ by one at most.
fn equal_shares(whole: u32, shares: usize) -> impl Iterator<Item = u32> {
    let shares = u32::try_from(shares).unwrap_or(u32::MAX);
    let (each, over) = (whole.checked_div(shares).unwrap_or_default(), whole.checked_rem(shares).unwrap_or_default());
    (0..shares).map(move |share| each + u32::from(share < over))
}

impl Tx<'_> {
    /// Queues a message and wakes its channel. `false` when a row with this key exists already; nothing is changed then.
    ///
    /// # Errors
    /// When the store fails.
    pub fn enqueue(
        &mut self,
        workspace_id: WorkspaceId,
        message: &NewOutbox,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.enqueue_all(workspace_id, std::slice::from_ref(message), now)? == [true])
    }

    /// The message with this `dedupe_key`, and since when it is there.
    ///
    /// # Errors
    /// When the store fails.
    pub fn message_of_cause(
        &mut self,
        workspace_id: WorkspaceId,
        dedupe_key: &str,
    ) -> Result<Option<(MessageId, Timestamp)>, StoreError> {
        self.query_opt(&OF_CAUSE, &[&workspace_id, &dedupe_key], |row| Ok((row.next()?, row.next()?)))
    }

    /// [`Tx::enqueue`] for several messages.
    ///
    /// # Errors
    /// When the store fails.
    pub fn enqueue_all(
        &mut self,
        workspace_id: WorkspaceId,
        messages: &[NewOutbox],
        now: Timestamp,
    ) -> Result<Vec<bool>, StoreError> {
        let (workspace, created_at) = (Param::Id(workspace_id.uuid()), Param::Int(now.0));
        let written = self.execute_each(&ENQUEUE, messages, |message| {
            let (campaign_id, position) = message.campaign.unzip();
            let dedupe_key = if campaign_id.is_some() { Param::Null } else { message.dedupe_key.bind() };
            [
                workspace,
                message.id.bind(),
                message.channel_id.bind(),
                Param::Text(message.class.as_str()),
                dedupe_key,
                message.address.bind(),
                Param::Text(message.address_kind.as_str()),
                message.payload.0.bind(),
                campaign_id.map_or(Param::Null, |id| Param::Id(id.uuid())),
                position.map_or(Param::Null, |position| Param::Int(position.into())),
                message.session_id.bind(),
                Param::Text(OutboxState::Queued.as_str()),
                message.not_before.bind(),
                message.expires_at.bind(),
                message.segments.bind(),
                created_at,
            ]
        })?;
        for (message, written) in messages.iter().zip(&written) {
            self.wake(Wake::Outbox(message.channel_id));
            if let (1, Some((campaign_id, _))) = (*written, message.campaign) {
                self.tally(workspace_id, campaign_id, bucket(OutboxState::Queued, None), 1);
            }
        }
        Ok(written.into_iter().map(|written| written == 1).collect())
    }

    /// Whether an address has a message of a campaign.
    ///
    /// # Errors
    /// When the store fails.
    pub fn has_message_of_campaign(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
        address: &str,
    ) -> Result<bool, StoreError> {
        let found = self.query_opt(&MESSAGE_OF_CAMPAIGN_TO, &[&workspace_id, &campaign_id, &address], |row| {
            row.next::<MessageId>()
        })?;
        Ok(found.is_some())
    }

    /// Takes up to `claim.limit` due messages of a channel: first those of no campaign (answers, confirmations, tests),
    /// then an equal share of each running campaign. Of a session only the oldest message that has not left is taken,
    /// so that a session's messages leave one after the other.
    ///
    /// # Errors
    /// When the store fails.
    pub fn claim_outbox(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        claim: &Claim<'_>,
    ) -> Result<Vec<OutboxMessage>, StoreError> {
        self.claim_in_turn(workspace_id, channel_id, claim, 0)
    }

    /// [`Tx::claim_outbox`] for a worker that takes again and again: `turn` counts up, so that another campaign comes first
    /// each time and none waits for the others where few messages are taken at a time.
    ///
    /// # Errors
    /// When the store fails.
    pub fn claim_in_turn(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        claim: &Claim<'_>,
        turn: usize,
    ) -> Result<Vec<OutboxMessage>, StoreError> {
        let Claim { limit, now, .. } = claim;
        let mut messages = self.claim_direct(workspace_id, channel_id, claim)?;
        let mut left = limit.saturating_sub(count(&messages));
        if left == 0 {
            return Ok(messages);
        }
        let campaigns = self.running_campaigns(workspace_id, *now, turn)?;
        // Equal shares first; what small campaigns leave goes to the others.
        let shares = equal_shares(left, campaigns.len());
        for (campaign_id, share) in campaigns.iter().zip(shares) {
            left -= self.claim_of_campaign(&mut messages, channel_id, (workspace_id, *campaign_id), claim, share)?;
        }
        for campaign_id in &campaigns {
            if left > 0 {
                left -= self.claim_of_campaign(&mut messages, channel_id, (workspace_id, *campaign_id), claim, left)?;
            }
        }
        Ok(messages)
    }

    /// [`Tx::claim_outbox`] for messages of no campaign alone.
    ///
    /// # Errors
    /// When the store fails.
    pub fn claim_direct(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        claim: &Claim<'_>,
    ) -> Result<Vec<OutboxMessage>, StoreError> {
        let Claim { owner, limit, lease_until, now } = claim;
        let keys: &[&dyn crate::Bind] = &[&workspace_id, &channel_id, owner, lease_until, now, limit];
        let mut messages = self.query(&CLAIM_DIRECT, keys, read_claimed)?;
        messages.sort_by_key(|message| (message.not_before, message.id));
        Ok(messages)
    }

    /// The campaigns that may send now, another one first at each turn: what does not come out even goes to the first ones.
    pub(crate) fn running_campaigns(
        &mut self,
        workspace_id: WorkspaceId,
        now: Timestamp,
        turn: usize,
    ) -> Result<Vec<CampaignId>, StoreError> {
        let mut campaigns: Vec<CampaignId> =
            self.query(&RUNNING_CAMPAIGNS, &[&workspace_id, &now], |row| row.next())?;
        let first = turn.checked_rem(campaigns.len()).unwrap_or_default();
        campaigns.rotate_left(first);
        Ok(campaigns)
    }

    /// Adds up to `most` messages of a campaign and gives how many.
    fn claim_of_campaign(
        &mut self,
        messages: &mut Vec<OutboxMessage>,
        channel_id: ChannelId,
        (workspace_id, campaign_id): (WorkspaceId, CampaignId),
        claim: &Claim<'_>,
        most: u32,
    ) -> Result<u32, StoreError> {
        let Claim { owner, lease_until, now, .. } = claim;
        let mut found = self.query(
            &CLAIM_OF_CAMPAIGN,
            &[&workspace_id, &channel_id, owner, lease_until, now, &most, &campaign_id],
            read_claimed,
        )?;
        found.sort_by_key(|message| (message.not_before, message.id));
        let added = count(&found);
        messages.append(&mut found);
        Ok(added.min(most))
    }

    /// The messages that [`Tx::claim_outbox`] would take, without a claim: this transaction alone holds them, and is to
    /// decide about each of them. What is on record of a campaign's recipients is read along, by `medium`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn due_outbox(
        &mut self,
        workspace_id: WorkspaceId,
        channel: (ChannelId, Medium),
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<DueMessage>, StoreError> {
        self.due_in_turn(workspace_id, channel, (limit, 0), now)
    }

    /// [`Tx::due_outbox`] with the turn of [`Tx::claim_in_turn`].
    ///
    /// # Errors
    /// When the store fails.
    pub fn due_in_turn(
        &mut self,
        workspace_id: WorkspaceId,
        (channel_id, medium): (ChannelId, Medium),
        (limit, turn): (u32, usize),
        now: Timestamp,
    ) -> Result<Vec<DueMessage>, StoreError> {
        let mut messages = self.query(&DUE_DIRECT, &[&workspace_id, &channel_id, &now, &limit], |row| {
            Ok(DueMessage { message: read_message(row, Hold::Due)?, look: None })
        })?;
        let left = limit.saturating_sub(count(&messages));
        if left == 0 {
            return Ok(messages);
        }
        let campaigns = self.running_campaigns(workspace_id, now, turn)?;
        let mut of_campaigns = Vec::with_capacity(campaigns.len());
        for (campaign_id, share) in campaigns.iter().zip(equal_shares(left, campaigns.len())) {
            let found = self.due_of_campaign((workspace_id, *campaign_id), (channel_id, medium), share, now)?;
            of_campaigns.push((share, found));
        }
        // What small campaigns leave goes to the others.
        let mut left = left - of_campaigns.iter().map(|(_, found)| count(found)).sum::<u32>();
        for (campaign_id, (share, found)) in campaigns.iter().zip(&mut of_campaigns) {
            if left > 0 && count(found) == *share {
                let more =
                    self.due_of_campaign((workspace_id, *campaign_id), (channel_id, medium), *share + left, now)?;
                left -= count(&more).saturating_sub(*share);
                *found = more;
            }
        }
        messages.extend(of_campaigns.into_iter().flat_map(|(_, found)| found));
        Ok(messages)
    }

    fn due_of_campaign(
        &mut self,
        (workspace_id, campaign_id): (WorkspaceId, CampaignId),
        (channel_id, medium): (ChannelId, Medium),
        most: u32,
        now: Timestamp,
    ) -> Result<Vec<DueMessage>, StoreError> {
        let (medium, purpose) = (medium.as_str(), Purpose::Marketing.as_str());
        let keys: &[&dyn crate::Bind] = &[&workspace_id, &channel_id, &now, &most, &campaign_id, &medium, &purpose];
        self.query(&DUE_OF_CAMPAIGN, keys, |row| {
            Ok(DueMessage { message: read_message(row, Hold::Due)?, look: Some(read_last_look(row)?) })
        })
    }

    /// Keeps claimed messages for longer. Gives how many of the claims are not lost.
    ///
    /// # Errors
    /// When the store fails.
    pub fn extend_claims(&mut self, messages: &[OutboxMessage], lease_until: Timestamp) -> Result<u64, StoreError> {
        let kept = self.execute_each(&EXTEND_CLAIM, messages, |message| {
            [message.workspace_id.bind(), message.id.bind(), message.epoch.bind(), lease_until.bind()]
        })?;
        Ok(kept.into_iter().sum())
    }

    /// Takes back what workers left behind: what was claimed is queued again, what was being submitted becomes
    /// `unknown`. Gives how many of each.
    ///
    /// # Errors
    /// When the store fails.
    pub fn recover_outbox(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        abandoned: Abandoned<'_>,
        ctx: &segue_model::Ctx,
    ) -> Result<(usize, usize), StoreError> {
        let now = ctx.now();
        let owner = match abandoned {
            Abandoned::Expired => None,
            Abandoned::OwnedBy(owner) => Some(owner),
        };
        let queued = self.query(&RECOVER_CLAIMED, &[&workspace_id, &channel_id, &now, &owner], read_change)?;
        let unknown = self.query(&RECOVER_SUBMITTING, &[&workspace_id, &channel_id, &now, &owner], read_change)?;
        if !queued.is_empty() {
            self.wake(Wake::Outbox(channel_id));
        }
        for change in &unknown {
            self.tell_message_change(workspace_id, change, OutboxState::Submitting, now);
            // A receipt may have come before anybody knew that nothing else would tell.
            self.match_parked_by_recipient(workspace_id, channel_id, change.id, ctx)?;
        }
        Ok((queued.len(), unknown.len()))
    }

    /// Queues a failed message of which nothing ever left. `false` when it is not such a message, or was withdrawn with
    /// its contact.
    pub(crate) fn revive_message(
        &mut self,
        workspace_id: WorkspaceId,
        id: MessageId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let revived = self.query_opt(&REVIVE_MESSAGE, &[&workspace_id, &id, &now], |row| {
            Ok((row.next::<ChannelId>()?, row.next::<Option<CampaignId>>()?))
        })?;
        let Some((channel_id, campaign_id)) = revived else { return Ok(false) };
        self.wake(Wake::Outbox(channel_id));
        if let Some(campaign_id) = campaign_id {
            self.tally_move(workspace_id, campaign_id, OutboxState::Failed, (OutboxState::Queued, None), 1);
        }
        Ok(true)
    }

    /// How many messages of a channel are in each state.
    ///
    /// # Errors
    /// When the store fails.
    pub fn count_outbox(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
    ) -> Result<Vec<(OutboxState, u64)>, StoreError> {
        self.query(&COUNT_OUTBOX, &[&workspace_id, &channel_id], |row| Ok((row.word()?, row.next()?)))
    }
}
