//! Works on what came in: each row in one transaction that also marks it done.
//!
//! A crash before the commit leaves the row pending with a lease that runs out, or that the next start of this node
//! releases; it is then worked on again from the start. A crash after it leaves the row done. Rows of one customer are claimed one at a time, in order.

use std::{sync::Arc, time::Duration};

use segue_channels::{smpp::Inbound, twilio::TwilioItem, whatsapp::WebhookItem};
use segue_delivery::long_text::LongText;
use segue_desk::{DeskError, inbound::InboundError};
use segue_model::{time, wake::Wake};
use segue_outreach::keywords::InboundSms;
use segue_store::{
    StoreError, Tx,
    channel::Channel,
    inbox::{InboxItem, InboxKind},
    workspace::Workspace,
};

use super::{POLL, Remedy, Wiring, WorkError};

/// Customers worked on at once.
const AT_ONCE: u32 = 32;
/// How long a row may take before another worker may take it over.
const LEASE: i64 = 30 * time::SECOND;
/// How long a row waits when the database was away.
const PUT_BACK_FOR: i64 = time::SECOND;

/// Runs until the shutdown.
pub async fn run(wiring: Arc<Wiring>) {
    let mut listener = wiring.bus.listen();
    let node = wiring.node.clone();
    if let Err(error) = wiring.store.write(move |tx| tx.release_inbox(&node)).await {
        // The leases of the time before the start run out by themselves.
        tracing::error!(%error, "the claims of the inbox could not be released");
    }
    while !wiring.shutdown.is_cancelled() {
        match claim(&wiring).await {
            Ok(items) if !items.is_empty() => {
                let work = items.into_iter().map(|item| work_on(Arc::clone(&wiring), item));
                futures::future::join_all(work).await;
            }
            Ok(_) => {
                tokio::select! {
                    () = listener.until(POLL, |wake| wake == Wake::Inbox) => {}
                    () = wiring.shutdown.cancelled() => {}
                }
            }
            Err(error) => {
                tracing::error!(%error, "the inbox cannot be read");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn claim(wiring: &Wiring) -> Result<Vec<InboxItem>, StoreError> {
    let (ctx, node) = (wiring.ctx.clone(), wiring.node.clone());
    wiring.store.write(move |tx| tx.claim_inbox(&node, AT_ONCE, ctx.now().plus(LEASE), &ctx)).await
}

async fn work_on(wiring: Arc<Wiring>, item: InboxItem) {
    let started = wiring.ctx.now();
    let (ctx, row) = (wiring.ctx.clone(), item.clone());
    let done = wiring
        .store
        .write(move |tx| {
            handle(tx, &ctx, &row)?;
            tx.inbox_done(&row)?;
            Ok::<_, WorkError>(())
        })
        .await;
    metrics::counter!("segue_inbox_items_total", "kind" => item.kind.as_str()).increment(1);
    let waited = started.since(item.received_at).max(0);
    #[expect(clippy::cast_precision_loss, reason = "a metric in seconds")]
    metrics::histogram!("segue_inbox_wait_seconds").record(waited as f64 / 1_000.0);
    let Err(error) = done else { return };
    tracing::warn!(inbox_id = %item.id, kind = %item.kind, attempt = item.attempts, %error, "an item was not worked on");
    let ctx = wiring.ctx.clone();
    let noted = wiring
        .store
        .write(move |tx| match error.remedy() {
            Remedy::Leave => Ok(()),
            Remedy::PutBack => tx.put_back_inbox(&item, ctx.now().plus(PUT_BACK_FOR)),
            Remedy::Note(verdict, reason) => tx.inbox_failed(&item, verdict, &reason, &ctx),
        })
        .await;
    if let Err(error) = noted {
        // The lease runs out, and the row is taken again.
        tracing::error!(%error, "a failed item could not be noted");
    }
}

/// Gives a row to the crate that understands it.
fn handle(tx: &mut Tx<'_>, ctx: &segue_model::Ctx, item: &InboxItem) -> Result<(), WorkError> {
    let gone = |what: &str| WorkError::Hopeless(format!("The {what} it belongs to is gone."));
    let workspace = tx.workspace(item.workspace_id)?.ok_or_else(|| gone("workspace"))?;
    let channel = tx.channel(item.workspace_id, item.channel_id)?.ok_or_else(|| gone("channel"))?;
    let unreadable = |error: serde_json::Error| WorkError::Hopeless(format!("It cannot be read: {error}."));
    match item.kind {
        InboxKind::WhatsApp => {
            let item: WebhookItem = serde_json::from_value(item.payload.clone()).map_err(unreadable)?;
            match &item {
                WebhookItem::Notice(notice) => {
                    segue_delivery::notices::apply(tx, ctx, &channel, notice, &item.external_id())?;
                    Ok(())
                }
                WebhookItem::Status(status) => {
                    segue_delivery::reports::apply_status(tx, ctx, &channel, status)?;
                    Ok(())
                }
                WebhookItem::TemplateStatus(status) => {
                    segue_delivery::apply_template_status(tx, ctx, &channel, status)?;
                    Ok(())
                }
                // Kinds that do not exist yet stay in the inbox as they came; that there are such is told once.
                WebhookItem::Unknown { field, .. } => {
                    segue_delivery::notices::apply_unknown(tx, ctx, &channel, field)?;
                    Ok(())
                }
                WebhookItem::Message(_)
                | WebhookItem::Recorded(_)
                | WebhookItem::UserPreference(_)
                | WebhookItem::UserIdUpdate(_) => {
                    segue_desk::inbound::handle(tx, ctx, &workspace, &channel, &item).map_err(conversation_error)
                }
            }
        }
        InboxKind::Twilio => {
            let content: TwilioItem = serde_json::from_value(item.payload.clone()).map_err(unreadable)?;
            Ok(super::twilio::handle(tx, ctx, &workspace, &channel, (item.id, item.received_at), &content)?)
        }
        InboxKind::Sms | InboxKind::SmsReceipt => {
            match segue_delivery::read_inbound(&item.payload).map_err(unreadable)? {
                Inbound::Receipt(receipt) => {
                    segue_delivery::reports::apply_receipt(tx, ctx, &channel, &receipt)?;
                    Ok(())
                }
                Inbound::Message(message) => {
                    let came = (item.id, item.received_at);
                    for text in segue_delivery::long_text::take_in(tx, ctx, &channel, came, &message)? {
                        obey(tx, ctx, &workspace, &channel, &text)?;
                    }
                    Ok(())
                }
            }
        }
    }
}

/// Reads a whole text, or one as far as it came.
pub(super) fn obey(
    tx: &mut Tx<'_>,
    ctx: &segue_model::Ctx,
    workspace: &Workspace,
    channel: &Channel,
    text: &LongText,
) -> Result<(), StoreError> {
    let sms = InboundSms {
        inbox_id: text.inbox_id,
        from: &text.from,
        to: &text.to,
        text: &text.text,
        received_at: text.received_at,
    };
    segue_outreach::keywords::handle(tx, ctx, workspace, channel, &sms).map(|_| ())
}

/// What comes back however often it is tried is for a person to look at.
fn conversation_error(error: InboundError) -> WorkError {
    match error {
        InboundError::Desk(DeskError::Store(error)) => WorkError::Store(error),
        InboundError::NoIdentity | InboundError::NotAConversation => WorkError::Hopeless(error.to_string()),
        InboundError::Desk(error) => WorkError::Failed(error.to_string()),
    }
}
