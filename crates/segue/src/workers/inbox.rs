//! Works on what came in: each row in one transaction that also marks it done.
//!
//! A crash before the commit leaves the row pending with a lease that runs out, or that the next start of this node
//! releases; it is then worked on again from the start. A crash after it leaves the row done. Rows of one customer are
//! claimed one at a time, in order.
//!
//! SQLite has one writer, so there the rows that came in since this process began are worked on many at a time in one
//! transaction and need no claim ([`together`]): a message costs no commit of its own. When one of them fails, that
//! transaction leaves nothing, and the rows are claimed. A row that ends the process is older than the next one, which
//! therefore claims it and counts the attempt. On PostgreSQL all rows are claimed and worked on side by side, so that no
//! customer waits for another one's locks.

use std::{sync::Arc, time::Duration};

use segue_api::whatsapp_items::{self, Places};
use segue_channels::{smpp::Inbound, twilio::TwilioItem, whatsapp::WebhookItem};
use segue_delivery::long_text::LongText;
use segue_model::{Ctx, Timestamp, time, wake::Wake};
use segue_outreach::keywords::InboundSms;
use segue_store::{
    Engine, StoreError, Tx,
    channel::Channel,
    inbox::{InboxItem, InboxKind},
    workspace::Workspace,
};

use super::{POLL, Remedy, Wiring, WorkError};

/// Customers worked on at once on SQLite, where what is done at the same time shares a commit.
const AT_ONCE: u32 = 128;
/// Customers worked on at once on PostgreSQL. Each is a command of its own in the queue of the store, and whoever comes next
/// waits behind all of them: a webhook for its acknowledgement, an agent for the reply. Twice the connections that write
/// keep all of those busy.
const SIDE_BY_SIDE: u32 = 16;
/// How often rows are claimed while new ones keep coming in: once in so many rounds.
const ROUNDS_BETWEEN_CLAIMS: u32 = 16;
/// How long a row may take before another worker may take it over.
const LEASE: i64 = 30 * time::SECOND;
/// How long a row waits when the database was away, or when it came too early.
const PUT_BACK_FOR: i64 = time::SECOND;

/// Runs until the shutdown.
pub async fn run(wiring: Arc<Wiring>) {
    let since = wiring.ctx.now();
    let mut listener = wiring.bus.listen();
    let node = wiring.node.clone();
    if let Err(error) = wiring.store.write(move |tx| tx.release_inbox(&node)).await {
        // The leases of the time before the start run out by themselves.
        tracing::error!(%error, "the claims of the inbox could not be released");
    }
    let is_alone = matches!(wiring.store.engine(), Engine::Sqlite(_));
    let most = if is_alone { AT_ONCE } else { SIDE_BY_SIDE };
    let mut rounds = 0_u32;
    while !wiring.shutdown.is_cancelled() {
        rounds = rounds.wrapping_add(1);
        let taken = if is_alone { together(&wiring, since).await } else { None };
        // Rows for which nothing is due but a claim must not wait until nothing new comes in.
        if taken.is_some_and(|taken| taken > 0) && !rounds.is_multiple_of(ROUNDS_BETWEEN_CLAIMS) {
            continue;
        }
        match claim(&wiring, most).await {
            Ok(items) if !items.is_empty() => {
                let work = items.iter().map(|item| work_on(&wiring, item));
                futures::future::join_all(work).await;
            }
            Ok(_) if taken.is_some_and(|taken| taken > 0) => {}
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

async fn claim(wiring: &Wiring, most: u32) -> Result<Vec<InboxItem>, StoreError> {
    let (ctx, node) = (wiring.ctx.clone(), wiring.node.clone());
    wiring.store.write(move |tx| tx.claim_inbox(&node, most, ctx.now().plus(LEASE), &ctx)).await
}

/// Works on the oldest rows in one transaction and gives how many there were. `None` when one of them failed, so that
/// nothing was done: each is to get a transaction of its own.
async fn together(wiring: &Wiring, since: Timestamp) -> Option<usize> {
    let ctx = wiring.ctx.clone();
    let done = wiring
        .store
        .write(move |tx| {
            let items = tx.take_inbox(since, AT_ONCE, ctx.now())?;
            let mut places = Places::default();
            let mut done = Vec::with_capacity(items.len());
            for item in items {
                match handle(tx, &ctx, &mut places, &item) {
                    Err(WorkError::NotYet(_)) => tx.postpone_inbox(&item, ctx.now().plus(PUT_BACK_FOR))?,
                    worked_on => {
                        worked_on?;
                        done.push(item);
                    }
                }
            }
            tx.inbox_done(&done)?;
            Ok::<_, WorkError>(done.into_iter().map(|item| (item.kind, item.received_at)).collect::<Vec<_>>())
        })
        .await;
    match done {
        Ok(items) => {
            items.iter().for_each(|(kind, received_at)| count(wiring, *kind, *received_at));
            Some(items.len())
        }
        Err(error) => {
            tracing::debug!(%error, "rows of the inbox are worked on one by one");
            None
        }
    }
}

async fn work_on(wiring: &Wiring, item: &InboxItem) {
    let (ctx, row) = (wiring.ctx.clone(), item.clone());
    let done = wiring
        .store
        .write(move |tx| {
            handle(tx, &ctx, &mut Places::default(), &row)?;
            tx.inbox_done(std::slice::from_ref(&row))?;
            Ok::<_, WorkError>(())
        })
        .await;
    count(wiring, item.kind, item.received_at);
    let Err(error) = done else { return };
    if let WorkError::NotYet(why) = &error {
        tracing::debug!(inbox_id = %item.id, kind = %item.kind, why, "an item waits");
    } else {
        tracing::warn!(inbox_id = %item.id, kind = %item.kind, attempt = item.attempts, %error, "an item was not worked on");
    }
    let (ctx, item) = (wiring.ctx.clone(), item.clone());
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

fn count(wiring: &Wiring, kind: InboxKind, received_at: Timestamp) {
    metrics::counter!("segue_inbox_items_total", "kind" => kind.as_str()).increment(1);
    let waited = wiring.ctx.now().since(received_at).max(0);
    #[expect(clippy::cast_precision_loss, reason = "a metric in seconds")]
    metrics::histogram!("segue_inbox_wait_seconds").record(waited as f64 / 1_000.0);
}

/// Gives a row to the crate that understands it.
fn handle(tx: &mut Tx<'_>, ctx: &Ctx, places: &mut Places, item: &InboxItem) -> Result<(), WorkError> {
    let place = (item.workspace_id, item.channel_id);
    let (workspace, channel) = places.of(tx, item.workspace_id, item.channel_id)?;
    let unreadable = |error: serde_json::Error| WorkError::Hopeless(format!("It cannot be read: {error}."));
    match item.kind {
        InboxKind::WhatsApp => {
            let item: WebhookItem = item.payload.read().map_err(unreadable)?;
            whatsapp_items::work_on(tx, ctx, places, place, &item)?;
            Ok(())
        }
        InboxKind::Twilio => {
            let content: TwilioItem = item.payload.read().map_err(unreadable)?;
            Ok(super::twilio::handle(tx, ctx, &workspace, &channel, (item.id, item.received_at), &content)?)
        }
        InboxKind::Sms | InboxKind::SmsReceipt => {
            match segue_delivery::read_inbound(&item.payload).map_err(unreadable)? {
                Inbound::Receipt(receipt) => {
                    segue_delivery::reports::apply_receipt(tx, ctx, &channel, &receipt)?;
                    Ok(())
                }
                Inbound::Message(message) => {
                    if let Some(why) = segue_delivery::long_text::unreadable(&message) {
                        // It may have been a STOP: somebody is to see that it came.
                        return Err(WorkError::Hopeless(why));
                    }
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
    ctx: &Ctx,
    workspace: &Workspace,
    channel: &Channel,
    text: &LongText,
) -> Result<(), StoreError> {
    let sms = InboundSms {
        files: &[],
        inbox_id: text.inbox_id,
        from: &text.from,
        is_national: text.is_national,
        to: &text.to,
        text: &text.text,
        received_at: text.received_at,
    };
    segue_outreach::keywords::handle(tx, ctx, workspace, channel, &sms).map(|_| ())
}
