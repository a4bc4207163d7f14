//! Telling WhatsApp whom the business has blocked. The job does what the customer's row says when it runs, so it may run
//! any number of times and in any order.

use segue_channels::whatsapp::{
    Recipient,
    blocking::{BlockOutcome, Blocking},
    errors::Act,
};
use segue_model::{MessagingUserId, WorkspaceId};
use segue_store::{Store, customer_block::BlockState, outbox::AddressKind};

use crate::{DeliveryError, client::client_of};

/// Tells WhatsApp what is to be told of a customer's block.
///
/// # Errors
/// When WhatsApp does not answer now; trying again may help. A refusal is noted and no error.
pub async fn tell(store: &Store, workspace_id: WorkspaceId, user_id: MessagingUserId) -> Result<(), DeliveryError> {
    let found = store
        .read(move |tx| {
            let Some(block) = tx.block_of(workspace_id, user_id)? else { return Ok(None) };
            let address = tx.address_of(workspace_id, user_id)?;
            let channel = tx.channel(workspace_id, block.channel_id)?;
            Ok::<_, DeliveryError>(Some((block, address, channel)))
        })
        .await?;
    let Some((block, address, channel)) = found else { return Ok(()) };
    let blocking = match block.state {
        BlockState::Blocking => Blocking::Block,
        BlockState::Unblocking => Blocking::Unblock,
        BlockState::Blocked | BlockState::Failed => return Ok(()),
    };
    let recipient = match &address {
        Some((AddressKind::Phone, address)) => Recipient::phone(address).ok(),
        Some((AddressKind::Bsuid, address)) => Recipient::bsuid(address).ok(),
        None => None,
    };
    let failure = match (recipient, channel) {
        (Some(recipient), Some(channel)) => match client_of(&channel)?.set_blocked(&recipient, blocking).await {
            Ok(BlockOutcome::Done) => None,
            Ok(BlockOutcome::Refused(reason)) => Some(reason),
            Err(error) if error.act() == Act::Retry => return Err(error.into()),
            Err(error) => Some(error.to_string()),
        },
        (None, _) => Some("No address of the customer is known at WhatsApp.".to_owned()),
        (_, None) => Some("The channel is gone.".to_owned()),
    };
    let from = block.state;
    store.write(move |tx| tx.settle_block(workspace_id, user_id, from, failure.as_deref())).await?;
    Ok(())
}
