//! The inbox: everything that came in, on disk before it is acknowledged and before it is worked on.
//!
//! The unique key (channel, external id) makes a repeated delivery harmless. Rows with the same subject, that is the
//! same customer, are worked on one after the other in the order of arrival; different subjects in parallel.

use segue_model::{ChannelId, InboxId, Timestamp, WorkspaceId, wake::Wake};
use serde_json::Value;

use crate::{StoreError, Tx, tx::json_text};

segue_model::text_enum! {
    /// Who works on a row.
    pub enum InboxKind {
        /// One element of a WhatsApp webhook.
        WhatsApp = "whatsapp",
        /// An SMS from a customer.
        Sms = "sms",
        /// A delivery receipt of the SMS carrier.
        SmsReceipt = "sms_receipt",
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
    pub payload: Value,
}

crate::sql! {
    RECEIVE = "INSERT INTO inbox (workspace_id, id, channel_id, kind, external_id, subject, payload, state, next_at,
            received_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', $8, $8)
        ON CONFLICT (workspace_id, channel_id, external_id) DO NOTHING";
}

impl Tx<'_> {
    /// Stores what came in and wakes those who work on it. `false` when it was there already.
    ///
    /// # Errors
    /// When the store fails; the provider must then not be told that it was received.
    pub fn receive(&mut self, workspace_id: WorkspaceId, item: &NewInbox, now: Timestamp) -> Result<bool, StoreError> {
        let payload = json_text(&item.payload)?;
        let written = self.execute(
            &RECEIVE,
            &[
                &workspace_id,
                &item.id,
                &item.channel_id,
                &item.kind.as_str(),
                &item.external_id,
                &item.subject,
                &payload,
                &now,
            ],
        )?;
        self.wake(Wake::Inbox);
        Ok(written == 1)
    }
}
