//! The channels that webhooks came to lately, with their secrets.
//!
//! Reading a channel costs more than everything else about a webhook, and it is the same one for almost all of them. So it
//! is kept, together with its configuration's text; the transaction that stores the webhook compares that with the
//! store's ([`Known::is_current`]). A secret that was taken away is therefore good for nothing from its commit on.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use segue_model::{ChannelId, WorkspaceId};
use segue_store::{
    StoreError, Tx,
    channel::{ChannelConfig, WhatsAppConfig},
};

use crate::{AppState, problem::Problem};

/// More channels than one node serves; when there are more, all are read anew.
const MOST: usize = 4_096;

/// A WhatsApp channel as it was when it was read.
pub(crate) struct Known {
    pub workspace_id: WorkspaceId,
    pub channel_id: ChannelId,
    pub config: WhatsAppConfig,
    /// The configuration as it is written in the store.
    text: String,
}

impl Known {
    /// Whether the channel still has the configuration that is known here.
    pub(crate) fn is_current(&self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        Ok(tx.channel_config(self.workspace_id, self.channel_id)?.as_deref() == Some(&self.text))
    }
}

/// What is known of channels.
#[derive(Default)]
pub(crate) struct WebhookChannels(Mutex<HashMap<ChannelId, Arc<Known>>>);

impl WebhookChannels {
    /// The channel, as it is known or else as it is.
    ///
    /// # Errors
    /// When there is no such channel with a secret to check signatures with, or the store fails.
    pub(crate) async fn get(&self, state: &AppState, id: ChannelId) -> Result<Arc<Known>, Problem> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        match known {
            Some(known) => Ok(known),
            None => self.read(state, id).await,
        }
    }

    /// The channel as it is, when that is not what is known.
    ///
    /// # Errors
    /// When it is gone or the store fails.
    pub(crate) async fn newer(&self, state: &AppState, known: &Known) -> Result<Option<Arc<Known>>, Problem> {
        let read = self.read(state, known.channel_id).await?;
        Ok((read.text != known.text).then_some(read))
    }

    /// The channel as it is. One without a secret does not exist for webhooks.
    ///
    /// # Errors
    /// When there is none, or the store fails.
    pub(crate) async fn read(&self, state: &AppState, id: ChannelId) -> Result<Arc<Known>, Problem> {
        let found = state
            .store
            .read::<_, StoreError, _>(move |tx| {
                let Some(channel) = tx.channel_of_webhook(id)? else { return Ok(None) };
                Ok(tx.channel_config(channel.workspace_id, id)?.map(|text| (channel, text)))
            })
            .await?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&id);
        let (channel, text) = found.ok_or_else(|| Problem::not_found("channel"))?;
        let ChannelConfig::WhatsApp(config) = channel.config else { return Err(Problem::not_found("channel")) };
        if config.app_secrets.iter().all(String::is_empty) {
            tracing::warn!(channel_id = %id, "a webhook came to a channel without an app secret");
            return Err(Problem::not_found("channel"));
        }
        let known = Arc::new(Known { workspace_id: channel.workspace_id, channel_id: id, config, text });
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(id, Arc::clone(&known));
        Ok(known)
    }
}
