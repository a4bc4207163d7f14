//! What a carrier delivers over SMPP: stored in the inbox first, acknowledged then.
//!
//! A crash before the commit leaves the delivery unacknowledged, and the carrier delivers it again; a crash between the
//! commit and the acknowledgement makes it come twice, which the inbox's unique key makes harmless.

use segue_channels::smpp::{Delivery as SmppDelivery, Inbound};
use segue_store::{
    StoreError,
    channel::Channel,
    inbox::{InboxKind, NewInbox},
};
use tokio::sync::mpsc;

use crate::supervisor::Env;

/// Groups of deliveries stored in one transaction at most.
const BATCH: usize = 32;

/// Runs until the session has ended.
pub(crate) async fn run(env: Env, channel: Channel, mut deliveries: mpsc::UnboundedReceiver<SmppDelivery>) {
    let mut batch = Vec::with_capacity(BATCH);
    while deliveries.recv_many(&mut batch, BATCH).await > 0 {
        let (mut items, mut acknowledgements) = (Vec::new(), Vec::with_capacity(batch.len()));
        for delivery in batch.drain(..) {
            items.extend(delivery.inbound.iter().filter_map(|inbound| new_inbox(&env, &channel, inbound)));
            acknowledgements.push(delivery.acknowledgement);
        }
        let (workspace_id, channel_id, now) = (channel.workspace_id, channel.id, env.ctx.now());
        let stored = env
            .store
            .write(move |tx| {
                for item in &items {
                    tx.receive(workspace_id, item, now)?;
                }
                tx.touch_channel(workspace_id, channel_id, now)
            })
            .await;
        match stored {
            Ok(()) => acknowledgements.into_iter().for_each(|acknowledgement| acknowledgement.ack()),
            Err(error) => {
                let error: StoreError = error;
                tracing::error!(%error, "deliveries could not be stored; the carrier is asked to deliver them again");
                acknowledgements.into_iter().for_each(|acknowledgement| acknowledgement.reject_temporarily());
            }
        }
    }
}

/// The inbox row of a delivery. `None` when it has no JSON form, which cannot be helped by delivering it again.
fn new_inbox(env: &Env, channel: &Channel, inbound: &Inbound) -> Option<NewInbox> {
    let kind = match inbound {
        Inbound::Receipt(_) => InboxKind::SmsReceipt,
        Inbound::Message(_) => InboxKind::Sms,
    };
    let payload = serde_json::to_value(inbound)
        .inspect_err(|error| tracing::error!(%error, "a delivery has no JSON form and is dropped"))
        .ok()?;
    Some(NewInbox {
        id: env.ctx.id(),
        channel_id: channel.id,
        kind,
        external_id: inbound.external_id(env.ctx.now()),
        subject: inbound.subject().to_owned(),
        payload,
    })
}

/// Reads the payload of an inbox row that came over SMPP.
///
/// # Errors
/// When it is none.
pub fn read_inbound(payload: &serde_json::Value) -> Result<Inbound, serde_json::Error> {
    serde_json::from_value(payload.clone())
}
