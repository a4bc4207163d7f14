//! Telling WhatsApp whom the business has blocked. The job does what the customer's row says when it runs, so it may run
//! any number of times and in any order; two never speak of one customer at once ([`Tx::begin_telling`]).
//!
//! [`Tx::begin_telling`]: segue_store::Tx::begin_telling

use segue_channels::whatsapp::{
    Recipient,
    blocking::{BlockOutcome, Blocking},
    errors::Act,
};
use segue_model::{Ctx, MessagingUserId, WorkspaceId, time};
use segue_store::{
    Store, StoreError,
    channel::Channel,
    customer_block::{BeginTelling, BlockState, Telling},
    outbox::AddressKind,
};

use crate::{DeliveryError, client::client_of};

/// How long a job may speak with WhatsApp of one customer before another one may.
const PATIENCE: i64 = 2 * time::MINUTE;

/// Tells WhatsApp what is to be told of a customer's block.
///
/// # Errors
/// When WhatsApp does not answer now, or another worker speaks with it of this customer; trying again may help. A refusal
/// is noted and no error.
pub async fn tell(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    user_id: MessagingUserId,
) -> Result<(), DeliveryError> {
    let begun = ctx.clone();
    let found = store
        .write(move |tx| {
            let until = begun.now().plus(PATIENCE);
            Ok::<_, StoreError>(match tx.begin_telling(workspace_id, user_id, begun.now(), until)? {
                BeginTelling::Nothing => None,
                BeginTelling::Busy => {
                    return Err(StoreError::Unavailable("WhatsApp is being told of this customer".to_owned()));
                }
                BeginTelling::Tell(telling) => Some((tx.channel(workspace_id, telling.channel_id)?, telling)),
            })
        })
        .await?;
    let Some((channel, telling)) = found else { return Ok(()) };
    match told(channel.as_ref(), &telling).await {
        Ok(failure) => {
            store.write(move |tx| tx.settle_block(workspace_id, user_id, &telling, failure.as_deref())).await?;
            Ok(())
        }
        Err(error) => {
            store.write(move |tx| tx.let_go_of_block(workspace_id, user_id)).await?;
            Err(error)
        }
    }
}

/// Tells WhatsApp of each address. Gives why one of them was refused.
async fn told(channel: Option<&Channel>, telling: &Telling) -> Result<Option<String>, DeliveryError> {
    let Some(channel) = channel else { return Ok(Some("The channel is gone.".to_owned())) };
    let blocking = match telling.state {
        BlockState::Unblocking | BlockState::UnblockFailed => Blocking::Unblock,
        BlockState::Blocking | BlockState::Blocked | BlockState::Failed => Blocking::Block,
    };
    let recipients = telling.addresses.iter().filter_map(|(kind, address)| match kind {
        AddressKind::Phone => Recipient::phone(address).ok(),
        AddressKind::Bsuid => Recipient::bsuid(address).ok(),
    });
    let client = client_of(channel)?;
    let (mut failure, mut known) = (None, false);
    for recipient in recipients {
        known = true;
        match client.set_blocked(&recipient, blocking).await {
            Ok(BlockOutcome::Done) => {}
            Ok(BlockOutcome::Refused(reason)) => failure = failure.or(Some(reason)),
            Err(error) if error.act() == Act::Retry => return Err(error.into()),
            Err(error) => failure = failure.or(Some(error.to_string())),
        }
    }
    Ok(failure.or_else(|| (!known).then(|| "No address of the customer is known at WhatsApp.".to_owned())))
}
