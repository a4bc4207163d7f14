//! Showing a customer that their message was read, and that an answer is being written.

use segue_channels::whatsapp::client::Typing;
use segue_store::channel::Channel;

use crate::{DeliveryError, client::client_of};

/// Marks a customer's message, and all before it, as read; with [`Typing::Show`] the customer sees for a while that
/// somebody writes. Neither is worth a retry: it is a courtesy, and the next one makes up for it.
///
/// # Errors
/// When WhatsApp does not answer or refuses, or the channel is no WhatsApp channel.
pub async fn mark_read(channel: &Channel, provider_id: &str, typing: Typing) -> Result<(), DeliveryError> {
    Ok(client_of(channel)?.mark_read(provider_id, typing).await?)
}
