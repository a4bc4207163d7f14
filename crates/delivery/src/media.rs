//! Fetching what customers send, at once: a link to it lives for minutes only.

use segue_channels::whatsapp::MediaError;
use segue_model::{MediaId, WorkspaceId};
use segue_store::{
    Store,
    channel::Channel,
    media::{Media, Presence, fingerprint},
};

use crate::{DeliveryError, client::client_of};

/// Largest file that is fetched, in bytes. WhatsApp allows more for documents; those stay with a note.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Fetches a received file and stores it. Doing it twice is harmless: the second time it is there.
///
/// # Errors
/// When the provider does not give it now; trying again may help.
pub async fn fetch(store: &Store, workspace_id: WorkspaceId, media_id: MediaId) -> Result<(), DeliveryError> {
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
    let Some(provider_id) = media.provider_id.clone().filter(|_| media.presence != Presence::Stored) else {
        return Ok(());
    };
    let channel = channel.ok_or(DeliveryError::NoSuchChannel)?;
    let client = client_of(&channel)?;
    let fetched = async {
        let info = client.media_info(&provider_id).await?;
        let data = client.download_media(&info, LARGEST).await?;
        // The webhook's checksum was signed; the one beside the download was not.
        if !media.sha256.is_empty() && fingerprint(&data) != media.sha256 {
            return Err(MediaError::Checksum.into());
        }
        Ok::<_, DeliveryError>((info.mime_type.unwrap_or_else(|| media.mime.clone()), data))
    };
    match fetched.await {
        Ok((mime, data)) => {
            store.write(move |tx| tx.store_media(workspace_id, media_id, &mime, &data)).await?;
            Ok(())
        }
        Err(error) => {
            let reason = error.to_string();
            store.write(move |tx| tx.fail_media(workspace_id, media_id, &reason)).await?;
            Err(error)
        }
    }
}
