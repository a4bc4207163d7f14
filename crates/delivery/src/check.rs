//! Trying out a channel's settings.

use std::time::Duration;

use segue_channels::whatsapp::GraphFailure;
use segue_model::Ctx;
use segue_store::{
    StoreError, Tx,
    channel::{Channel, ChannelConfig, ChannelState},
};

use crate::{DeliveryError, alerts, channel_state, client::client_of, twilio};

/// How long a carrier may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub ok: bool,
    /// In words: what answered, or what is wrong and what to do.
    pub detail: String,
    /// The business portfolio that a WhatsApp account belongs to, when WhatsApp tells it.
    pub portfolio_id: Option<String>,
}

impl Check {
    pub(crate) const fn of(ok: bool, detail: String) -> Self {
        Self { ok, detail, portfolio_id: None }
    }
}

/// Tries a channel: asks WhatsApp about the number or an SMS provider about the account, or whether the carrier takes connections and what our bind says.
///
/// # Errors
/// Only when no client could be made; what the provider refuses is a finding.
pub async fn check_channel(channel: &Channel) -> Result<Check, DeliveryError> {
    match &channel.config {
        ChannelConfig::WhatsApp(_) => check_whatsapp(channel).await,
        ChannelConfig::Twilio(config) => Ok(twilio::check(config).await?),
        ChannelConfig::Smpp(config) => {
            let address = (config.host.as_str(), config.port);
            let connected = tokio::time::timeout(CONNECT, tokio::net::TcpStream::connect(address)).await;
            Ok(match (connected, channel.state) {
                (Ok(Ok(_)), ChannelState::Connected) => {
                    Check::of(true, "Connected and bound; messages can go out.".to_owned())
                }
                (Ok(Ok(_)), _) => {
                    let not_yet = "The carrier answers, but Segue is not bound yet. Wait a moment and check again.";
                    Check::of(false, channel.state_detail.clone().unwrap_or_else(|| not_yet.to_owned()))
                }
                (Ok(Err(error)), _) => {
                    Check::of(false, format!("The carrier does not accept a connection: {error}. Check host and port."))
                }
                (Err(_), _) => {
                    Check::of(false, "The carrier does not answer. Check host, port and the firewall.".to_owned())
                }
            })
        }
    }
}

/// Ends what the channel's state says against it, once a check found that all is well. The state of an SMS account is
/// that of its connection, and changes with it.
///
/// # Errors
/// When the store fails.
pub fn note_check(tx: &mut Tx<'_>, ctx: &Ctx, channel: &Channel, check: &Check) -> Result<(), StoreError> {
    channel_state::lock(tx, channel)?;
    // A webhook may have told of a refusal while the check was under way.
    let stored = tx.channel(channel.workspace_id, channel.id)?;
    let is_same = stored.is_some_and(|now| {
        (&now.state, &now.state_detail, &now.refusal) == (&channel.state, &channel.state_detail, &channel.refusal)
    });
    let is_ill = matches!(channel.config, ChannelConfig::WhatsApp(_)) && channel.state != ChannelState::Connected;
    if check.ok && is_ill && is_same {
        channel_state::set_in(tx, ctx, channel, ChannelState::Connected, None)?;
    }
    Ok(())
}

async fn check_whatsapp(channel: &Channel) -> Result<Check, DeliveryError> {
    let client = client_of(channel)?;
    Ok(match client.phone_number().await {
        Ok(info) => {
            let cannot_send = alerts::cannot_send(&info);
            let name = info.verified_name.unwrap_or_else(|| "a number without a verified name".to_owned());
            let quality = info.quality_rating.unwrap_or_else(|| "not rated".to_owned());
            let portfolio_id = client.portfolio_id().await.unwrap_or_else(|error| {
                // A token may send and not see the account.
                tracing::info!(%error, channel_id = %channel.id, "WhatsApp does not tell the business portfolio");
                None
            });
            let detail = format!("WhatsApp answers: {name}, quality {quality}.");
            let found = match (cannot_send, &channel.refusal) {
                (Some(reason), _) => Check::of(false, reason),
                (None, Some(refusal)) => Check::of(
                    false,
                    format!(
                        "{detail} But it refuses messages: {} Then send one, which shows whether that is over.",
                        refusal.reason
                    ),
                ),
                (None, None) => Check::of(true, detail),
            };
            Check { portfolio_id, ..found }
        }
        Err(error) => Check::of(false, error.to_string()),
    })
}

/// Tells WhatsApp where this channel's webhooks are. WhatsApp calls the address at once to verify it.
///
/// # Errors
/// When WhatsApp refuses or the channel is no WhatsApp channel.
pub async fn subscribe_webhook(channel: &Channel, url: &str) -> Result<(), DeliveryError> {
    let ChannelConfig::WhatsApp(config) = &channel.config else { return Err(DeliveryError::NotWhatsApp) };
    client_of(channel)?.subscribe(url, &config.verify_token).await.map_err(|error: GraphFailure| error.into())
}
