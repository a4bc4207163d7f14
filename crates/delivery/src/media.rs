//! Fetching what customers send, at once: a link to it lives for minutes only.

use segue_channels::whatsapp::{GraphClient, MediaError};
use segue_model::{MediaId, WorkspaceId, file_type::sniff};
use segue_store::{
    StoreError,
    channel::{Channel, ChannelConfig},
    media::{Media, fingerprint},
};

use crate::{DeliveryError, Files, client::client_of, twilio};

/// Bytes of a file of an inbound MMS at most: carriers take less.
const LARGEST_TEXT_FILE: u64 = 10 << 20;

/// Fetches a received file and stores it. Doing it twice is harmless: the second time it is there.
///
/// The provider's word on what kind of file it is counts for nothing; the bytes say it.
///
/// # Errors
/// When the provider does not give it now; trying again may help.
pub async fn fetch(files: &Files, workspace_id: WorkspaceId, media_id: MediaId) -> Result<(), DeliveryError> {
    let store = files.store();
    let found: Option<(Media, Option<Channel>)> = store
        .read(move |tx| {
            let Some(media) = tx.media(workspace_id, media_id)? else { return Ok(None) };
            let channel = match media.channel_id {
                Some(channel_id) => tx.channel(workspace_id, channel_id)?,
                None => None,
            };
            Ok::<_, DeliveryError>(Some((media, channel)))
        })
        .await?;
    let (media, channel) = found.ok_or(DeliveryError::NoSuchMedia)?;
    let Some(provider_id) = media.provider_id.clone().filter(|_| media.presence.is_at_provider()) else {
        return Ok(());
    };
    let channel = channel.ok_or(DeliveryError::NoSuchChannel)?;
    let fetched = async {
        let data = match &channel.config {
            ChannelConfig::Twilio(config) => {
                twilio::client(config)?.file(&provider_id, files.most().min(LARGEST_TEXT_FILE)).await?
            }
            ChannelConfig::WhatsApp(_) | ChannelConfig::Smpp(_) => {
                download(&client_of(&channel)?, &provider_id, files.most()).await?
            }
        };
        // The webhook's checksum was signed; the one beside the download was not.
        if !media.sha256.is_empty() && fingerprint(&data) != media.sha256 {
            return Err(DeliveryError::from(MediaError::Checksum));
        }
        let mime = sniff(&data, media.file_name.as_deref()).unwrap_or("application/octet-stream");
        files.keep(workspace_id, media_id, mime, data).await?;
        Ok::<_, DeliveryError>(())
    };
    if let Err(error) = fetched.await {
        let (reason, now) = (error.to_string(), files.now());
        store
            .write::<_, StoreError, _>(move |tx| {
                tx.fail_media(workspace_id, media_id, &reason)?;
                tx.tell_media(workspace_id, media_id, now)
            })
            .await?;
        return Err(error);
    }
    Ok(())
}

/// Looks the file up and downloads it. An address that has expired in between is looked up once more.
async fn download(client: &GraphClient, provider_id: &str, most: u64) -> Result<Vec<u8>, MediaError> {
    let info = client.media_info(provider_id).await?;
    match client.download_media(&info, most).await {
        Err(MediaError::Expired) => {
            let info = client.media_info(provider_id).await?;
            client.download_media(&info, most).await
        }
        downloaded => downloaded,
    }
}
