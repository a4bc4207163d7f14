//! What a carrier delivers over SMPP: on disk first, acknowledged then.
//!
//! A message of a customer goes into the inbox, whose worker handles it. A receipt is folded into its message at once:
//! the fold does not mind repetition or order, so it needs no row of its own. When that fails, for whatever reason, the
//! receipts go into the inbox as well, where each is tried by itself and a broken one ends as a dead letter.
//!
//! A crash before the commit leaves the delivery unacknowledged, and the carrier delivers it again; a crash between the
//! commit and the acknowledgement makes it come twice, which the inbox's unique key and the fold make harmless.

use std::sync::Arc;

use crate::{
    reports::{apply_receipt, report_of},
    supervisor::Env,
};
use segue_channels::smpp::{Acknowledgement, Delivery as SmppDelivery, Inbound};
use segue_model::Ctx;
use segue_store::{
    StoreError, Tx,
    channel::Channel,
    inbox::{InboxKind, NewInbox},
    outbox::Payload,
};

/// What arrived together, with the duty to answer.
#[derive(Default)]
pub(crate) struct Arrived {
    items: Arc<Vec<Inbound>>,
    acknowledgements: Vec<Acknowledgement>,
}

impl Arrived {
    /// Everything of some deliveries.
    pub fn of(deliveries: impl IntoIterator<Item = SmppDelivery>) -> Self {
        let (mut items, mut acknowledgements) = (Vec::new(), Vec::new());
        for SmppDelivery { inbound, acknowledgement } in deliveries {
            items.extend(inbound);
            acknowledgements.push(acknowledgement);
        }
        Self { items: Arc::new(items), acknowledgements }
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// What arrived, to be stored in a transaction.
    pub fn items(&self) -> Arc<Vec<Inbound>> {
        Arc::clone(&self.items)
    }

    /// Tells the carrier that everything is on disk.
    pub fn acknowledge(self) {
        self.acknowledgements.into_iter().for_each(Acknowledgement::ack);
    }

    /// Stores everything in transactions of their own, after one together with other work has failed, and answers.
    pub async fn store_alone(self, env: &Env, channel: &Channel) {
        let attempt = |how: fn(&mut Tx<'_>, &Ctx, &Channel, &Inbound) -> Result<(), StoreError>| {
            let (ctx, channel, items) = (env.ctx.clone(), channel.clone(), self.items());
            env.store.write(move |tx| items.iter().try_for_each(|item| how(tx, &ctx, &channel, item)))
        };
        let stored = match attempt(fold_or_receive).await {
            Err(StoreError::Unavailable(why)) => Err(StoreError::Unavailable(why)),
            Err(error) => {
                tracing::warn!(%error, "receipts could not be applied; they go through the inbox");
                attempt(receive).await
            }
            Ok(()) => Ok(()),
        };
        match stored {
            Ok(()) => self.acknowledge(),
            Err(error) => {
                tracing::error!(%error, "deliveries could not be stored; the carrier is asked to deliver them again");
                self.acknowledgements.into_iter().for_each(Acknowledgement::reject_temporarily);
            }
        }
    }
}

/// Stores what arrived, in the running transaction.
///
/// # Errors
/// When the store fails.
pub(crate) fn take_in(tx: &mut Tx<'_>, ctx: &Ctx, channel: &Channel, items: &[Inbound]) -> Result<(), StoreError> {
    if items.is_empty() {
        return Ok(());
    }
    let receipts = items.iter().filter_map(|item| match item {
        Inbound::Receipt(receipt) => report_of(receipt, ctx),
        Inbound::Message(_) => None,
    });
    tx.apply_reports(channel.workspace_id, channel.id, &receipts.collect::<Vec<_>>(), ctx)?;
    for message in items.iter().filter(|item| matches!(item, Inbound::Message(_))) {
        receive(tx, ctx, channel, message)?;
    }
    tx.touch_channel(channel.workspace_id, channel.id, ctx.now())
}

fn fold_or_receive(tx: &mut Tx<'_>, ctx: &Ctx, channel: &Channel, item: &Inbound) -> Result<(), StoreError> {
    match item {
        Inbound::Receipt(receipt) => apply_receipt(tx, ctx, channel, receipt).map(|_| ()),
        Inbound::Message(_) => receive(tx, ctx, channel, item),
    }
}

/// Puts an item into the inbox.
fn receive(tx: &mut Tx<'_>, ctx: &Ctx, channel: &Channel, item: &Inbound) -> Result<(), StoreError> {
    let Ok(payload) = Payload::of(item) else {
        // It cannot be helped by delivering it again.
        tracing::error!("a delivery has no JSON form and is dropped");
        return Ok(());
    };
    let now = ctx.now();
    let row = NewInbox {
        id: ctx.id(),
        channel_id: channel.id,
        kind: match item {
            Inbound::Receipt(_) => InboxKind::SmsReceipt,
            Inbound::Message(_) => InboxKind::Sms,
        },
        external_id: item.external_id(now),
        subject: item.subject().to_owned(),
        payload,
    };
    tx.receive(channel.workspace_id, &row, now).map(|_| ())
}

/// Reads the payload of an inbox row that came over SMPP.
///
/// # Errors
/// When it is none.
pub fn read_inbound(payload: &Payload) -> Result<Inbound, serde_json::Error> {
    payload.read()
}
