//! What an element of a WhatsApp webhook means: which crate works on it.
//!
//! It is called in the transaction that marks the element's inbox row as done, by the webhook itself
//! ([`crate::arrivals`]) or by the worker of the inbox.

use std::{collections::HashMap, sync::Arc};

use segue_channels::whatsapp::WebhookItem;
use segue_desk::{
    DeskError,
    inbound::{InboundError, Kept},
};
use segue_model::{ChannelId, Ctx, WorkspaceId};
use segue_store::{
    StoreError, Tx,
    channel::{Channel, ChannelConfig},
    workspace::Workspace,
};

/// Why an element was not worked on.
#[derive(Debug, thiserror::Error)]
pub enum ItemError {
    /// The element itself is at fault; trying again cannot help.
    #[error("{0}")]
    Hopeless(String),
    /// May work later.
    #[error("{0}")]
    Failed(String),
    /// What it waits for comes in a moment; that is no failure.
    #[error("{0}")]
    NotYet(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<InboundError> for ItemError {
    fn from(error: InboundError) -> Self {
        match error {
            InboundError::Desk(DeskError::Store(error)) => Self::Store(error),
            InboundError::NoIdentity | InboundError::NotAConversation => Self::Hopeless(error.to_string()),
            InboundError::BeingSent => Self::NotYet(error.to_string()),
            error @ InboundError::Desk(_) => Self::Failed(error.to_string()),
        }
    }
}

/// Workspaces and channels of the rows of one transaction, each read once.
#[derive(Default)]
pub struct Places(HashMap<(WorkspaceId, ChannelId), (Arc<Workspace>, Arc<Channel>)>);

impl Places {
    /// The workspace and the channel of a row.
    ///
    /// # Errors
    /// [`ItemError::Hopeless`] when one of them is gone; else when the store fails.
    pub fn of(
        &mut self,
        tx: &mut Tx<'_>,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
    ) -> Result<(Arc<Workspace>, Arc<Channel>), ItemError> {
        let gone = |what: &str| ItemError::Hopeless(format!("The {what} it belongs to is gone."));
        if let Some(known) = self.0.get(&(workspace_id, channel_id)) {
            return Ok(known.clone());
        }
        let workspace = tx.workspace(workspace_id)?.ok_or_else(|| gone("workspace"))?;
        let channel = tx.channel(workspace_id, channel_id)?.ok_or_else(|| gone("channel"))?;
        Ok(self.0.entry((workspace_id, channel_id)).or_insert((Arc::new(workspace), Arc::new(channel))).clone())
    }
}

fn is_ours(channel: &Channel, item: &WebhookItem) -> bool {
    matches!(&channel.config, ChannelConfig::WhatsApp(config) if segue_delivery::notices::is_of_account(config, item))
}

/// Works on one element that came to a channel, and tells whether a repeat of it is found out without its row of the inbox.
///
/// # Errors
/// When it cannot be worked on; the transaction is then to be given up.
pub fn work_on(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    places: &mut Places,
    (workspace_id, channel_id): (WorkspaceId, ChannelId),
    item: &WebhookItem,
) -> Result<Kept, ItemError> {
    let (workspace, channel) = places.of(tx, workspace_id, channel_id)?;
    match item {
        WebhookItem::Notice(_) | WebhookItem::TemplateStatus(_) if !is_ours(&channel, item) => {
            segue_delivery::notices::apply_foreign(tx, ctx, &channel, item.waba_id().unwrap_or_default())?;
        }
        WebhookItem::Notice(notice) => {
            // It may change the channel.
            places.0.clear();
            segue_delivery::notices::apply(tx, ctx, &channel, notice, &item.external_id())?;
        }
        WebhookItem::Status(status) => {
            segue_delivery::reports::apply_status(tx, ctx, &channel, status)?;
            if segue_delivery::reports::tells_of_account(status) {
                // The next status is to know what this one told of the channel.
                places.0.clear();
            }
        }
        WebhookItem::TemplateStatus(status) => {
            segue_delivery::apply_template_status(tx, ctx, &channel, status)?;
        }
        // Kinds that do not exist yet stay in the inbox as they came; that there are such is told once.
        WebhookItem::Unknown { field, .. } => {
            segue_delivery::notices::apply_unknown(tx, ctx, &channel, field)?;
        }
        WebhookItem::Message(_)
        | WebhookItem::Recorded(_)
        | WebhookItem::UserPreference(_)
        | WebhookItem::UserIdUpdate(_) => return Ok(segue_desk::inbound::handle(tx, ctx, &workspace, &channel, item)?),
    }
    Ok(Kept::Elsewhere)
}
