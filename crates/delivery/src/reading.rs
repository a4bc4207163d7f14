//! Showing a customer that their message was read, and that an answer is being written.

use std::time::Duration;

use segue_channels::whatsapp::{GraphFailure, client::Typing};
use segue_model::{Ctx, WorkspaceId};
use segue_store::{
    Store, StoreError,
    channel::Channel,
    shown::{ShowCustomer, Shown},
};

use crate::{DeliveryError, client::client_of};

/// How long WhatsApp is listened to.
const PATIENCE: Duration = Duration::from_secs(5);

/// Marks a customer's message, and all before it, as read; with [`Typing::Show`] the customer sees for a while that
/// somebody writes. Neither is worth a retry: it is a courtesy, and the next one makes up for it.
///
/// # Errors
/// When WhatsApp does not answer or refuses, or the channel is no WhatsApp channel.
pub async fn mark_read(channel: &Channel, provider_id: &str, typing: Typing) -> Result<(), DeliveryError> {
    Ok(client_of(channel)?.mark_read(provider_id, typing).await?)
}

/// Shows a customer what is to be shown, unless it is too late for that or the message is gone.
///
/// # Errors
/// When the store fails, or WhatsApp does not answer soon or refuses. Trying again is not worth it.
pub async fn show_customer(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    wanted: ShowCustomer,
) -> Result<(), DeliveryError> {
    if wanted.until < ctx.now() {
        return Ok(());
    }
    let found = store
        .read(move |tx| {
            let Some(session) = tx.session(workspace_id, wanted.session_id)? else { return Ok(None) };
            let Some(channel) = tx.channel(workspace_id, session.channel_id)? else { return Ok(None) };
            let provider_id = tx.provider_id_of(workspace_id, session.id, wanted.message_id)?;
            Ok::<_, StoreError>(provider_id.map(|provider_id| (channel, provider_id)))
        })
        .await?;
    let Some((channel, provider_id)) = found else { return Ok(()) };
    let typing = match wanted.shown {
        Shown::Read => Typing::Hide,
        Shown::Typing => Typing::Show,
    };
    match tokio::time::timeout(PATIENCE, mark_read(&channel, &provider_id, typing)).await {
        Ok(told) => told,
        Err(_) => Err(GraphFailure::NoAnswer("It took too long.".to_owned()).into()),
    }
}
