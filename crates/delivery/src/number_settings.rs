//! What can be seen and set of a WhatsApp number: its name and registration, its own webhook address, and the profile that
//! customers see.
//!
//! Nothing of it is kept here: WhatsApp is asked each time, and each change sets a state there, so that doing it again
//! after a lost answer is harmless.

use segue_channels::whatsapp::{
    PhoneNumberInfo,
    number::{BusinessProfile, CodeMethod},
};
use segue_model::MediaId;
use segue_store::channel::{Channel, ChannelConfig};

use crate::{DeliveryError, Files, client::client_of};

/// A number as WhatsApp has it.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberSettings {
    pub info: PhoneNumberInfo,
    pub profile: BusinessProfile,
}

/// Asks WhatsApp about a number.
///
/// # Errors
/// When WhatsApp refuses or does not answer, or the channel is no WhatsApp channel.
pub async fn get(channel: &Channel) -> Result<NumberSettings, DeliveryError> {
    let client = client_of(channel)?;
    Ok(NumberSettings { info: client.phone_number().await?, profile: client.business_profile().await? })
}

/// Changes what customers see. A new picture is uploaded first.
///
/// # Errors
/// As [`get`], and when there is no such picture or it cannot be read.
pub async fn set_profile(
    files: &Files,
    channel: &Channel,
    profile: &BusinessProfile,
    picture: Option<MediaId>,
) -> Result<(), DeliveryError> {
    let client = client_of(channel)?;
    let handle = match picture {
        None => None,
        Some(id) => {
            let (media, data) = files.read(channel.workspace_id, id).await?.ok_or(DeliveryError::NoSuchMedia)?;
            let name = media.file_name.unwrap_or_else(|| "picture".to_owned());
            Some(client.upload_example(&media.mime, &name, data).await?)
        }
    };
    Ok(client.set_business_profile(profile, handle.as_deref()).await?)
}

/// Registers a number for the Cloud API.
///
/// # Errors
/// As [`get`].
pub async fn register(channel: &Channel, pin: &str) -> Result<(), DeliveryError> {
    Ok(client_of(channel)?.register(pin).await?)
}

/// Sets the PIN of two-step verification.
///
/// # Errors
/// As [`get`].
pub async fn set_pin(channel: &Channel, pin: &str) -> Result<(), DeliveryError> {
    Ok(client_of(channel)?.set_pin(pin).await?)
}

/// Asks for a code to prove that the number is ours.
///
/// # Errors
/// As [`get`].
pub async fn request_code(channel: &Channel, method: CodeMethod, language: &str) -> Result<(), DeliveryError> {
    Ok(client_of(channel)?.request_code(method, language).await?)
}

/// Proves that the number is ours.
///
/// # Errors
/// As [`get`].
pub async fn verify_code(channel: &Channel, code: &str) -> Result<(), DeliveryError> {
    Ok(client_of(channel)?.verify_code(code).await?)
}

/// Gives the number a webhook address of its own, or takes it away.
///
/// # Errors
/// As [`get`]; WhatsApp also refuses an address that does not answer its check.
pub async fn set_webhook(channel: &Channel, url: Option<&str>) -> Result<(), DeliveryError> {
    let ChannelConfig::WhatsApp(config) = &channel.config else { return Err(DeliveryError::NotWhatsApp) };
    Ok(client_of(channel)?.set_number_webhook(url, &config.verify_token).await?)
}
