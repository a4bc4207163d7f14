//! The outbox: every message on its way out, whoever wrote it, and what became of it.
//!
//! A row is written in the same transaction as the change that causes the message, under a `dedupe_key` that names the
//! cause, so doing the cause twice sends once. States and their meaning: [`OutboxState`].

use segue_model::{
    CampaignId, ChannelId, MessageId, SessionId, Timestamp, WorkspaceId,
    delivery::{MessageClass, OutboxState},
    wake::Wake,
};
use serde_json::Value;

use crate::{StoreError, Tx, tx::json_text};

segue_model::text_enum! {
    /// What kind of address a message goes to. WhatsApp takes the two in different fields.
    pub enum AddressKind {
        /// E.164 with plus sign.
        Phone = "phone",
        /// Business-scoped user id of a WhatsApp customer without a visible number.
        Bsuid = "bsuid",
    }
}

/// A message to send.
#[derive(Debug, Clone)]
pub struct NewOutbox {
    /// Also the id of the transcript entry, when there is one.
    pub id: MessageId,
    pub channel_id: ChannelId,
    pub class: MessageClass,
    /// Names the cause; a second row with the same key is not written.
    pub dedupe_key: String,
    pub address: String,
    pub address_kind: AddressKind,
    /// What to send, in the form the channel's payload type of the `delivery` crate reads.
    pub payload: Value,
    pub campaign: Option<(CampaignId, u32)>,
    pub session_id: Option<SessionId>,
    pub not_before: Timestamp,
    pub expires_at: Option<Timestamp>,
    /// SMS segments, when known.
    pub segments: Option<u32>,
}

crate::sql! {
    ENQUEUE = "INSERT INTO outbox (workspace_id, id, channel_id, class, dedupe_key, address, address_kind, payload,
            campaign_id, position, session_id, state, not_before, expires_at, segments, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        ON CONFLICT (workspace_id, dedupe_key) DO NOTHING";
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
        let payload = json_text(&message.payload)?;
        let written = self.execute(
            &ENQUEUE,
            &[
                &workspace_id,
                &message.id,
                &message.channel_id,
                &message.class.as_str(),
                &message.dedupe_key,
                &message.address,
                &message.address_kind.as_str(),
                &payload,
                &message.campaign.map(|(campaign_id, _)| campaign_id),
                &message.campaign.map(|(_, position)| position),
                &message.session_id,
                &OutboxState::Queued.as_str(),
                &message.not_before,
                &message.expires_at,
                &message.segments,
                &now,
            ],
        )?;
        self.wake(Wake::Outbox(message.channel_id));
        Ok(written == 1)
    }
}
