//! Clients of the WhatsApp Cloud API, and what goes wrong with them.

use std::sync::Arc;

use segue_channels::{
    http::HttpSetupError,
    twilio::FileFailure,
    whatsapp::{GraphClient, GraphConfig, GraphFailure, MediaError},
};
use segue_store::{
    StoreError,
    channel::{Channel, ChannelConfig, WhatsAppConfig},
};

use crate::FilesError;

/// Why something could not be done at a provider.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    #[error("This is only possible for WhatsApp channels.")]
    NotWhatsApp,
    #[error("{0}")]
    Graph(#[from] GraphFailure),
    #[error("{0}")]
    Media(#[from] MediaError),
    #[error("{0}")]
    TextFile(#[from] FileFailure),
    #[error(transparent)]
    Client(#[from] HttpSetupError),
    #[error("There is no such file.")]
    NoSuchMedia,
    #[error("The channel that the file came on is gone.")]
    NoSuchChannel,
    #[error("This template is for phone numbers only. Ask the customer for the phone number.")]
    NeedsPhone,
    #[error("The template takes {wanted} values and {given} were given. Fill all of them.")]
    TemplateValues { wanted: usize, given: usize },
    #[error("The template has {wanted} cards and this message {given}; WhatsApp would refuse it.")]
    TemplateCards { wanted: usize, given: usize },
    #[error("{0}")]
    Upload(Arc<Self>),
    #[error("The file is on its way to WhatsApp with another message; this one waits for it.")]
    BeingUploaded,
    #[error("While WhatsApp was asked for the template, something else was stored of it. It is asked for again.")]
    StoredMeanwhile,
    #[error(transparent)]
    Files(#[from] FilesError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl DeliveryError {
    /// Stable code for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotWhatsApp => "not_whatsapp",
            Self::Graph(_) => "whatsapp_refused",
            Self::Media(_) | Self::TextFile(_) => "media_failed",
            Self::Client(_) => "client_failed",
            Self::NoSuchMedia => "media_not_found",
            Self::NoSuchChannel => "channel_not_found",
            Self::NeedsPhone => "needs_phone",
            Self::TemplateValues { .. } => "template_values",
            Self::TemplateCards { .. } => "template_cards",
            Self::Upload(error) => error.code(),
            Self::BeingUploaded => "file_uploading",
            Self::StoredMeanwhile => "template_stored_meanwhile",
            Self::Files(_) => "files",
            Self::Store(_) => "store",
        }
    }
}

/// A client for these settings.
pub(crate) fn client(config: &WhatsAppConfig) -> Result<GraphClient, HttpSetupError> {
    let mut graph =
        GraphConfig::new(&config.graph_version, &config.access_token, &config.phone_number_id, &config.waba_id);
    config.base_url.trim_end_matches('/').clone_into(&mut graph.base_url);
    GraphClient::new(graph)
}

/// A client for a channel.
pub(crate) fn client_of(channel: &Channel) -> Result<GraphClient, DeliveryError> {
    match &channel.config {
        ChannelConfig::WhatsApp(config) => Ok(client(config)?),
        ChannelConfig::Smpp(_) | ChannelConfig::Twilio(_) => Err(DeliveryError::NotWhatsApp),
    }
}
