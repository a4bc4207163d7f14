//! The flight recorder of a message: what the tables know of each of its hops. Nothing is written for it.

use segue_model::{ChannelId, MessageId, SessionId, Timestamp, WorkspaceId, delivery::OutboxState, id::Id as _};

use crate::{StoreError, Tx, message::Direction};

/// The transcript entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlightEntry {
    pub channel_id: ChannelId,
    pub direction: Direction,
    pub provider_id: Option<String>,
    /// The provider's time of an inbound message, ours of all others.
    pub at: Timestamp,
    /// When it was written here.
    pub written_at: Timestamp,
}

/// The row it left by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlightOutbox {
    pub state: OutboxState,
    pub created_at: Timestamp,
    pub not_before: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub attempts: i64,
    pub provider_id: Option<String>,
    pub rule: Option<String>,
    pub error_code: Option<String>,
    pub error_reason: Option<String>,
    pub submitted_at: Option<Timestamp>,
    pub accepted_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    pub read_at: Option<Timestamp>,
    pub failed_at: Option<Timestamp>,
}

/// A webhook's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlightInbox {
    pub received_at: Timestamp,
    /// `pending`, `done` or `dead`.
    pub state: String,
    pub attempts: i64,
    pub last_error: Option<String>,
}

/// The category and kind that a message was charged as.
pub type FlightCharge = (Option<String>, Option<String>);

crate::sql! {
    FLIGHT_ENTRY = "SELECT channel_id, direction, provider_id, at FROM messages
        WHERE workspace_id = $1 AND session_id = $2 AND id = $3";
    FLIGHT_OUTBOX = "SELECT state, created_at, not_before, expires_at, attempts, provider_id, rule, error_code,
            error_reason, submitted_at, accepted_at, delivered_at, read_at, failed_at
        FROM outbox WHERE workspace_id = $1 AND id = $2";
    FLIGHT_INBOX = "SELECT received_at, state, attempts, last_error FROM inbox
        WHERE workspace_id = $1 AND channel_id = $2 AND external_id = $3";
    FLIGHT_CHARGE = "SELECT category, kind FROM message_charges
        WHERE workspace_id = $1 AND channel_id = $2 AND provider_id = $3";
}

impl Tx<'_> {
    /// The entry of a message.
    ///
    /// # Errors
    /// When the store fails.
    pub fn flight_entry(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        id: MessageId,
    ) -> Result<Option<FlightEntry>, StoreError> {
        self.query_opt(&FLIGHT_ENTRY, &[&workspace_id, &session_id, &id], |row| {
            Ok(FlightEntry {
                channel_id: row.next()?,
                direction: row.word()?,
                provider_id: row.next()?,
                at: row.next()?,
                // Ids begin with the millisecond in which they were made.
                written_at: Timestamp((id.uuid().as_u128() >> 80) as i64),
            })
        })
    }

    /// The row by which an outbound message left.
    ///
    /// # Errors
    /// When the store fails.
    pub fn flight_outbox(
        &mut self,
        workspace_id: WorkspaceId,
        id: MessageId,
    ) -> Result<Option<FlightOutbox>, StoreError> {
        self.query_opt(&FLIGHT_OUTBOX, &[&workspace_id, &id], |row| {
            Ok(FlightOutbox {
                state: row.word()?,
                created_at: row.next()?,
                not_before: row.next()?,
                expires_at: row.next()?,
                attempts: row.next()?,
                provider_id: row.next()?,
                rule: row.next()?,
                error_code: row.next()?,
                error_reason: row.next()?,
                submitted_at: row.next()?,
                accepted_at: row.next()?,
                delivered_at: row.next()?,
                read_at: row.next()?,
                failed_at: row.next()?,
            })
        })
    }

    /// The webhook with this key; old ones are removed after two weeks.
    ///
    /// # Errors
    /// When the store fails.
    pub fn flight_inbox(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        external_id: &str,
    ) -> Result<Option<FlightInbox>, StoreError> {
        self.query_opt(&FLIGHT_INBOX, &[&workspace_id, &channel_id, &external_id], |row| {
            Ok(FlightInbox {
                received_at: row.next()?,
                state: row.next()?,
                attempts: row.next()?,
                last_error: row.next()?,
            })
        })
    }

    /// What the provider charged a message as: its category and kind.
    ///
    /// # Errors
    /// When the store fails.
    pub fn flight_charge(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        provider_id: &str,
    ) -> Result<Option<FlightCharge>, StoreError> {
        self.query_opt(&FLIGHT_CHARGE, &[&workspace_id, &channel_id, &provider_id], |row| {
            Ok((row.next()?, row.next()?))
        })
    }
}
