//! Second ways: a sender may name another one for messages that are known not to have been sent.
//!
//! A message moves to the other sender's channel at most once, and only while it waits, or when its outcome is known to
//! be "not sent": one statement checks the state, the claim, that no provider has an id for it, that no attempt at it was
//! ever in doubt and that it was not moved before, and the record of the move is in the same transaction. A crash before the commit leaves the message where it
//! was; after it the other channel sends it. What may have left is never moved: that would send it twice.

use segue_model::{
    ChannelId, MessageId, SenderId, Timestamp, WorkspaceId,
    content::SmsContent,
    delivery::{MessageClass, OutboxState},
    wake::Wake,
};
use serde::Serialize;

use crate::{
    Row, StoreError, Tx,
    channel::{ChannelState, Sender},
    outbox::{Hold, OutboxMessage, read_message},
    tx::json_text,
};

/// The second way of a sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// The sender that the message would have left from: it names the second way, or is a route of the one that does.
    pub from: SenderId,
    /// The sender that takes over.
    pub to: Sender,
    /// For how many milliseconds the channel has to be without connection before waiting messages move.
    pub after: i64,
}

/// A message that moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failover {
    pub from_sender_id: SenderId,
    pub to_sender_id: SenderId,
    /// Why, in words.
    pub reason: String,
    pub at: Timestamp,
}

/// Which sender names which, and after how many seconds.
pub type FallbackSetting = (SenderId, SenderId, u32);

/// Seconds without connection after which waiting messages move, when nothing else is set.
const USUAL_SECONDS: u32 = 300;

crate::sql! {
    /// The sender's own comes first; else that of the sender which it is a route of, unless that leads to the same account.
    FALLBACK_OF = "SELECT o.id, f.id, f.channel_id, f.address, f.kind, f.registration, f.created_at,
            s.fallback_after_seconds
        FROM senders o
        JOIN senders s ON s.workspace_id = o.workspace_id AND s.address = o.address AND (s.id = o.id OR EXISTS (
            SELECT 1 FROM sender_routes r
            WHERE r.workspace_id = s.workspace_id AND r.sender_id = s.id AND r.route_id = o.id))
        JOIN senders f ON f.workspace_id = s.workspace_id AND f.id = s.fallback_id
        WHERE o.workspace_id = $1 AND o.channel_id = $2 AND o.address = $3
            AND (s.id = o.id OR f.channel_id <> o.channel_id)
        ORDER BY CASE WHEN s.id = o.id THEN 0 ELSE 1 END, s.id LIMIT 1";
    SET_FALLBACK = "UPDATE senders SET fallback_id = $3, fallback_after_seconds = $4
        WHERE workspace_id = $1 AND id = $2";
    FALLBACKS = "SELECT id, fallback_id, fallback_after_seconds FROM senders
        WHERE workspace_id = $1 AND fallback_id IS NOT NULL ORDER BY id";
    HAS_FALLBACK = "SELECT 1 FROM senders o WHERE o.workspace_id = $1 AND o.channel_id = $2
            AND (o.fallback_id IS NOT NULL OR EXISTS (SELECT 1 FROM sender_routes r
                JOIN senders s ON s.workspace_id = r.workspace_id AND s.id = r.sender_id
                WHERE r.workspace_id = o.workspace_id AND r.route_id = o.id AND s.fallback_id IS NOT NULL))
        LIMIT 1";
    NOTE_CONNECTION = "UPDATE channels
        SET down_since = CASE WHEN $3 = 'connected' THEN NULL ELSE COALESCE(down_since, CAST($4 AS BIGINT)) END
        WHERE workspace_id = $1 AND id = $2";
    DOWN_SINCE = "SELECT down_since FROM channels WHERE workspace_id = $1 AND id = $2";
    /// What may have left is passed over: it stays.
    WAITING_DIRECT = "SELECT workspace_id, id, channel_id, class, address, address_kind, payload, campaign_id, session_id,
            not_before, expires_at, attempts, lease_epoch, rule FROM outbox
        WHERE workspace_id = $1 AND channel_id = $2 AND state = 'queued' AND campaign_id IS NULL AND not_before <= $3
            AND (not_before, id) > ($4, $5) AND maybe_left IS NULL
        ORDER BY not_before, id LIMIT $6";
    WAITING_OF_CAMPAIGN = "SELECT workspace_id, id, channel_id, class, address, address_kind, payload, campaign_id,
            session_id, not_before, expires_at, attempts, lease_epoch, rule FROM outbox
        WHERE workspace_id = $1 AND campaign_id = $7 AND channel_id = $2 AND state = 'queued'
            AND campaign_id IS NOT NULL AND not_before <= $3 AND (not_before, id) > ($4, $5) AND maybe_left IS NULL
        ORDER BY not_before, id LIMIT $6";
    FAIL_OVER = "UPDATE outbox SET channel_id = $5, payload = $6, state = 'queued', not_before = $7, rule = NULL,
            attempts = 0, lease_owner = NULL, lease_until = NULL, lease_epoch = lease_epoch + 1, error_class = NULL,
            error_code = NULL, error_reason = NULL
        WHERE workspace_id = $1 AND id = $2 AND lease_epoch = $3 AND state = $4 AND provider_id IS NULL AND withdrawn IS NULL
            AND maybe_left IS NULL AND COALESCE(error_class, '') <> 'unknown' AND accepted_at IS NULL AND NOT EXISTS (
                SELECT 1 FROM failovers f WHERE f.workspace_id = $1 AND f.message_id = $2)";
    NOTE_FAILOVER = "INSERT INTO failovers (workspace_id, message_id, from_sender_id, to_sender_id, reason, at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    FAILOVER = "SELECT from_sender_id, to_sender_id, reason, at FROM failovers
        WHERE workspace_id = $1 AND message_id = $2";
    DELETE_OLD_FAILOVERS = "DELETE FROM failovers WHERE workspace_id = $1 AND at < $2";
}

fn read_fallback(row: &mut Row<'_>) -> Result<Fallback, StoreError> {
    let from = row.next()?;
    let to = Sender {
        id: row.next()?,
        channel_id: row.next()?,
        address: row.next()?,
        kind: row.word()?,
        registration: row.word()?,
        created_at: row.next()?,
    };
    let seconds: Option<u32> = row.next()?;
    Ok(Fallback { from, to, after: i64::from(seconds.unwrap_or(USUAL_SECONDS)) * 1_000 })
}

impl Tx<'_> {
    /// The second way of the sender with this address on this channel: its own, else that of the sender it is a route of.
    ///
    /// # Errors
    /// When the store fails.
    pub fn fallback_of(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        address: &str,
    ) -> Result<Option<Fallback>, StoreError> {
        self.query_opt(&FALLBACK_OF, &[&workspace_id, &channel_id, &address], read_fallback)
    }

    /// Names a second way for a sender, or takes it away. `false` when there is no such sender.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_fallback(
        &mut self,
        workspace_id: WorkspaceId,
        id: SenderId,
        to: Option<SenderId>,
        after_seconds: Option<u32>,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&SET_FALLBACK, &[&workspace_id, &id, &to, &after_seconds])? == 1)
    }

    /// The second ways of a workspace's senders.
    ///
    /// # Errors
    /// When the store fails.
    pub fn fallbacks(&mut self, workspace_id: WorkspaceId) -> Result<Vec<FallbackSetting>, StoreError> {
        self.query(&FALLBACKS, &[&workspace_id], |row| {
            let (from, to, seconds): (_, _, Option<u32>) = (row.next()?, row.next()?, row.next()?);
            Ok((from, to, seconds.unwrap_or(USUAL_SECONDS)))
        })
    }

    /// Whether any sender of a channel has a second way, its own or that of a sender it is a route of.
    ///
    /// # Errors
    /// When the store fails.
    pub fn has_fallback(&mut self, workspace_id: WorkspaceId, channel_id: ChannelId) -> Result<bool, StoreError> {
        let found = self.query_opt(&HAS_FALLBACK, &[&workspace_id, &channel_id], |row| row.next::<i64>())?;
        Ok(found.is_some())
    }

    /// Notes since when a channel is without connection. Call it when its state has changed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn note_connection(
        &mut self,
        workspace_id: WorkspaceId,
        id: ChannelId,
        state: ChannelState,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(&NOTE_CONNECTION, &[&workspace_id, &id, &state.as_str(), &now]).map(|_| ())
    }

    /// Since when a channel is without connection; `None` while it is connected.
    ///
    /// # Errors
    /// When the store fails.
    pub fn down_since(&mut self, workspace_id: WorkspaceId, id: ChannelId) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.query_opt(&DOWN_SINCE, &[&workspace_id, &id], |row| row.next())?.flatten())
    }

    /// Messages of a channel that are due and wait, in the order in which they became due: the first `limit` of them after
    /// this one. Those of campaigns that do not run, and those that may have left, are not among them.
    ///
    /// # Errors
    /// When the store fails.
    pub fn waiting_after(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        (after, limit): ((Timestamp, MessageId), u32),
        now: Timestamp,
    ) -> Result<Vec<OutboxMessage>, StoreError> {
        let keys: [&dyn crate::Bind; 6] = [&workspace_id, &channel_id, &now, &after.0, &after.1, &limit];
        let mut waiting = self.query(&WAITING_DIRECT, &keys, |row| read_message(row, Hold::Due))?;
        for campaign_id in self.running_campaigns(workspace_id, now, 0)? {
            let of_campaign = [&keys[..], &[&campaign_id]].concat();
            waiting.extend(self.query(&WAITING_OF_CAMPAIGN, &of_campaign, |row| read_message(row, Hold::Due))?);
        }
        waiting.sort_by_key(|message| (message.not_before, message.id));
        waiting.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(waiting)
    }

    /// Moves a message that is known not to have been sent to the second way, to leave from there at once. `from` is its
    /// state: `queued` while it waits, `submitting` when its outcome has just become known. `false`, and nothing is
    /// changed, when it may have left, was moved before, was withdrawn with its contact, or the claim is lost.
    ///
    /// # Errors
    /// When the store fails.
    pub fn fail_over(
        &mut self,
        message: &OutboxMessage,
        from: OutboxState,
        (fallback, content): (&Fallback, &SmsContent),
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (workspace_id, to) = (message.workspace_id, &fallback.to);
        let payload = json_text(&SmsContent { source: to.address.clone(), ..content.clone() })?;
        let keys: &[&dyn crate::Bind] =
            &[&workspace_id, &message.id, &message.epoch, &from.as_str(), &to.channel_id, &payload, &now];
        if self.execute(&FAIL_OVER, keys)? == 0 {
            return Ok(false);
        }
        let keys: &[&dyn crate::Bind] = &[&workspace_id, &message.id, &fallback.from, &to.id, &reason, &now];
        self.execute(&NOTE_FAILOVER, keys)?;
        if message.class == MessageClass::Marketing {
            // It did not leave, and is decided about and counted again where it goes out.
            self.uncount_marketing(workspace_id, &message.address, message.id)?;
        }
        self.wake(Wake::Outbox(to.channel_id));
        Ok(true)
    }

    /// How a message moved, when it did.
    ///
    /// # Errors
    /// When the store fails.
    pub fn failover(&mut self, workspace_id: WorkspaceId, id: MessageId) -> Result<Option<Failover>, StoreError> {
        self.query_opt(&FAILOVER, &[&workspace_id, &id], |row| {
            Ok(Failover {
                from_sender_id: row.next()?,
                to_sender_id: row.next()?,
                reason: row.next()?,
                at: row.next()?,
            })
        })
    }

    /// Forgets moves from before a moment.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_old_failovers(&mut self, workspace_id: WorkspaceId, before: Timestamp) -> Result<u64, StoreError> {
        self.execute(&DELETE_OLD_FAILOVERS, &[&workspace_id, &before])
    }
}
