//! The flight recorder: every hop of one message with its time, put together from what is stored anyway.

use segue_model::{ChannelId, MessageId, SessionId, Timestamp, WorkspaceId, delivery::OutboxState, policy::Rule};
use segue_store::{
    Store, StoreError, Tx,
    channel::ChannelConfig,
    flight::{FlightEntry, FlightInbox, FlightOutbox},
    message::Direction,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::DeskError;

/// Statuses in the order in which a message goes through them.
const STATUSES: [&str; 5] = ["sent", "delivered", "read", "played", "failed"];

segue_model::text_enum! {
    /// One hop of a message.
    pub enum HopStep {
        /// The customer sent it.
        SentByCustomer = "sent_by_customer",
        /// A webhook with it came in and was stored.
        WebhookStored = "webhook_stored",
        /// The webhook was worked on: it stands in the conversation.
        Processed = "processed",
        /// The webhook could not be worked on.
        ProcessingFailed = "processing_failed",
        /// It was written here, together with the row it leaves by.
        Created = "created",
        /// It waits until a time.
        Waits = "waits",
        /// The rules held or refused it.
        Held = "held",
        /// It is recorded that it leaves now; no byte has left before.
        Submitting = "submitting",
        Accepted = "accepted",
        /// The provider reports that it sent it on.
        Sent = "sent",
        Delivered = "delivered",
        Read = "read",
        Played = "played",
        Failed = "failed",
        Canceled = "canceled",
        Expired = "expired",
        Unknown = "unknown",
        /// What the provider charged it as.
        Charged = "charged",
    }
}

segue_model::text_enum! {
    /// Whose clock a time is of.
    pub enum HopClock {
        Ours = "ours",
        /// Whole seconds, and the provider's idea of the time.
        Provider = "provider",
    }
}

/// One hop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = MessageHop)]
pub struct Hop {
    pub step: HopStep,
    /// Null when it happened and nobody noted when.
    pub at: Option<Timestamp>,
    pub clock: HopClock,
    /// More about it, for people.
    pub detail: Option<String>,
}

/// The hops of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = MessageFlight)]
pub struct Flight {
    pub message_id: MessageId,
    pub direction: Direction,
    /// The provider's id of it.
    pub provider_id: Option<String>,
    /// In the order in which they happened.
    pub hops: Vec<Hop>,
}

const fn hop(step: HopStep, at: Timestamp) -> Hop {
    Hop { step, at: Some(at), clock: HopClock::Ours, detail: None }
}

/// Every hop of a message.
///
/// # Errors
/// When there is no such message in the session.
pub async fn get(
    store: &Store,
    workspace_id: WorkspaceId,
    session_id: SessionId,
    id: MessageId,
) -> Result<Flight, DeskError> {
    store
        .read(move |tx| {
            let entry = tx.flight_entry(workspace_id, session_id, id)?.ok_or(DeskError::NotFound("message"))?;
            let outbox = tx.flight_outbox(workspace_id, id)?;
            let provider_id = outbox.as_ref().and_then(|row| row.provider_id.clone()).or(entry.provider_id.clone());
            let mut hops = match (&outbox, entry.direction) {
                (Some(row), _) => outbound(tx, workspace_id, id, entry.channel_id, row)?,
                (None, Direction::Inbound) => inbound(tx, workspace_id, &entry)?,
                (None, _) => vec![hop(HopStep::Created, entry.written_at)],
            };
            if let Some(provider_id) = &provider_id {
                hops.extend(charge(tx, workspace_id, entry.channel_id, provider_id)?);
            }
            Ok(Flight { message_id: id, direction: entry.direction, provider_id, hops })
        })
        .await
}

fn inbound(tx: &mut Tx<'_>, workspace_id: WorkspaceId, entry: &FlightEntry) -> Result<Vec<Hop>, StoreError> {
    let sent = Hop { clock: HopClock::Provider, ..hop(HopStep::SentByCustomer, entry.at) };
    let mut hops = vec![sent];
    let mut has_row = false;
    if let Some(wamid) = &entry.provider_id {
        let number = match tx.channel(workspace_id, entry.channel_id)?.map(|channel| channel.config) {
            Some(ChannelConfig::WhatsApp(config)) => config.phone_number_id,
            _ => String::new(),
        };
        for kind in ["message", "recorded"] {
            let key = format!("{kind}:{number}:{wamid}");
            if let Some(row) = tx.flight_inbox(workspace_id, entry.channel_id, &key)? {
                has_row = true;
                hops.push(hop(HopStep::WebhookStored, row.received_at));
                hops.extend(trouble(&row));
            }
        }
        // Stored and worked on in one step; or so long ago that the row is removed, and then this is the latest it can be.
        if !has_row {
            hops.push(hop(HopStep::WebhookStored, entry.written_at));
        }
    }
    hops.push(hop(HopStep::Processed, entry.written_at));
    Ok(hops)
}

/// What went wrong before a webhook was worked on.
fn trouble(row: &FlightInbox) -> Option<Hop> {
    let error = row.last_error.clone()?;
    let tries = if row.attempts > 1 { format!(" ({} attempts)", row.attempts) } else { String::new() };
    let detail = Some(format!("{error}{tries}"));
    Some(Hop { step: HopStep::ProcessingFailed, at: None, clock: HopClock::Ours, detail })
}

fn outbound(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    id: MessageId,
    channel_id: ChannelId,
    row: &FlightOutbox,
) -> Result<Vec<Hop>, StoreError> {
    let mut hops = vec![hop(HopStep::Created, row.created_at)];
    if row.not_before > row.created_at {
        hops.push(hop(HopStep::Waits, row.not_before));
    }
    let decision = tx.decision(workspace_id, id)?;
    let rule = row.rule.as_deref().and_then(|rule| Rule::parse(rule).ok());
    if let Some(rule) = decision.as_ref().map(|decision| decision.rule).or(rule) {
        let at = decision.as_ref().map(|decision| decision.decided_at);
        hops.push(Hop { step: HopStep::Held, at, clock: HopClock::Ours, detail: Some(rule.label().to_owned()) });
    }
    if let Some(at) = row.submitted_at {
        let detail = (row.attempts > 1).then(|| format!("Attempt {}", row.attempts));
        hops.push(Hop { detail, ..hop(HopStep::Submitting, at) });
    }
    if let Some(at) = row.accepted_at {
        let detail = row.provider_id.clone();
        hops.push(Hop { detail, ..hop(HopStep::Accepted, at) });
    }
    let told = statuses(tx, workspace_id, channel_id, row)?;
    hops.extend(told);
    match row.state {
        OutboxState::Canceled => hops.push(ending(HopStep::Canceled, row.failed_at, row)),
        OutboxState::Expired => hops.push(ending(HopStep::Expired, row.failed_at.or(row.expires_at), row)),
        OutboxState::Unknown => hops.push(ending(HopStep::Unknown, None, row)),
        OutboxState::Failed | OutboxState::Suppressed if !hops.iter().any(|hop| hop.step == HopStep::Failed) => {
            hops.push(ending(HopStep::Failed, row.failed_at, row));
        }
        _ => {}
    }
    Ok(hops)
}

fn ending(step: HopStep, at: Option<Timestamp>, row: &FlightOutbox) -> Hop {
    let detail = match (&row.error_code, &row.error_reason) {
        (Some(code), Some(reason)) => Some(format!("{code}: {reason}")),
        (code, reason) => code.clone().or_else(|| reason.clone()),
    };
    Hop { step, at, clock: HopClock::Ours, detail }
}

/// What the provider told, with the time it gave and when its webhook was stored.
fn statuses(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    channel_id: ChannelId,
    row: &FlightOutbox,
) -> Result<Vec<Hop>, StoreError> {
    let mut hops = Vec::new();
    let Some(wamid) = &row.provider_id else { return Ok(hops) };
    for status in STATUSES {
        let told = tx.flight_inbox(workspace_id, channel_id, &format!("status:{wamid}:{status}:"))?;
        let (step, noted) = match status {
            "delivered" => (HopStep::Delivered, row.delivered_at),
            "read" => (HopStep::Read, row.read_at),
            "played" => (HopStep::Played, None),
            "failed" => (HopStep::Failed, row.failed_at),
            _ => (HopStep::Sent, None),
        };
        let failure = (step == HopStep::Failed).then(|| ending(step, None, row).detail).flatten();
        match (noted, told) {
            (None, None) => {}
            (Some(at), None) => hops.push(Hop { detail: failure, ..hop(step, at) }),
            (noted, Some(told)) => {
                let stored =
                    Hop { detail: Some(format!("Status {status}")), ..hop(HopStep::WebhookStored, told.received_at) };
                hops.push(stored);
                hops.push(Hop { step, at: noted.or(Some(told.received_at)), clock: HopClock::Ours, detail: failure });
                hops.extend(trouble(&told));
            }
        }
    }
    Ok(hops)
}

fn charge(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    channel_id: ChannelId,
    provider_id: &str,
) -> Result<Option<Hop>, StoreError> {
    let charge = tx.flight_charge(workspace_id, channel_id, provider_id)?;
    Ok(charge.map(|(category, kind)| {
        let detail = [category, kind].into_iter().flatten().collect::<Vec<_>>().join(", ");
        Hop { step: HopStep::Charged, at: None, clock: HopClock::Provider, detail: Some(detail) }
    }))
}
