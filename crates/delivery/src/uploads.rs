//! Files on their way to WhatsApp: uploaded once to a number, and then sent by the id that WhatsApp gave, for as long as
//! it keeps them.
//!
//! A campaign to many with a picture is one upload. Messages that want the same file at the same moment wait a moment for
//! the one that uploads it, and are queued again when that takes longer: a large file keeps nothing else of the number
//! waiting. Another node may upload it once more, which costs a transfer and nothing else. When it fails, those who
//! wait and those who come soon after fail in the same way without another transfer: a file that cannot be uploaded does
//! not keep the number from sending anything else.
//!
//! # Why a crash at each point is safe
//! Nothing of a message has left while its file is uploaded. The id is noted after the upload
//! ([`segue_store::channel_file`]): a crash in between only repeats it. An id that WhatsApp does not know any more is
//! forgotten with the refusal, and the message, which was certainly not sent, is tried again with a new upload. What it
//! says of the file only after it took the message fails that message, and the next one uploads the file anew.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use segue_channels::whatsapp::{GraphClient, SendOutcome, outbound::MediaSource};
use segue_model::{ChannelId, MediaId, Timestamp, WorkspaceId, time};
use segue_store::{
    StoreError,
    channel_file::FileAt,
    media::{FilePresence, Media},
    outbox::OutboxMessage,
};

use crate::{DeliveryError, supervisor::Env};

/// An id this young was not forgotten by WhatsApp: a refusal then has another reason.
const SURELY_KEPT: i64 = time::HOUR;

/// WhatsApp's code for a file that it could not send: it has it no more, or cannot use it.
pub(crate) const BAD_FILE: i64 = 131_053;

/// WhatsApp's codes for a parameter that is not valid, such as the id of a file it does not have.
const UNKNOWN_FILE: [i64; 3] = [100, 131_009, BAD_FILE];

/// Longest wait for another message's upload that occupies a place in the window.
const SHORT_WAIT: Duration = Duration::from_secs(1);

/// For so long a failed upload is not tried again.
const REST: i64 = 30 * time::SECOND;

/// A file on its way to a channel.
type Place = (ChannelId, MediaId);

/// Whoever holds it uploads a file to a channel.
type Turn = Arc<tokio::sync::Mutex<()>>;

/// Who uploads which file to which channel now, and what could not be uploaded a moment ago.
#[derive(Default)]
pub(crate) struct Uploads {
    turns: Mutex<HashMap<Place, Turn>>,
    failed: Mutex<HashMap<Place, (Timestamp, Arc<DeliveryError>)>>,
}

/// A file as it is sent.
pub(crate) struct Uploaded {
    pub mime: String,
    pub file_name: Option<String>,
    pub source: MediaSource,
}

/// An id of an earlier upload that a message is sent with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reused {
    media_id: MediaId,
    provider_id: String,
    uploaded_at: Timestamp,
}

impl Uploads {
    fn turn(&self, place: Place) -> Turn {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever holds a turn holds a copy of it.
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(turns.entry(place).or_default())
    }

    fn failure(&self, place: Place, now: Timestamp) -> Option<Arc<DeliveryError>> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.retain(|_, (at, _)| now.since(*at) < REST);
        failed.get(&place).map(|(_, error)| Arc::clone(error))
    }

    fn note_failure(&self, place: Place, now: Timestamp, error: DeliveryError) -> DeliveryError {
        let error = Arc::new(error);
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.insert(place, (now, Arc::clone(&error)));
        DeliveryError::Upload(error)
    }
}

/// A file at WhatsApp: by the id it has there, else after an upload. What was reused is added to `reused`.
pub(crate) async fn uploaded(
    env: &Env,
    client: &GraphClient,
    message: &OutboxMessage,
    media_id: MediaId,
    reused: &mut Vec<Reused>,
) -> Result<Uploaded, DeliveryError> {
    let (workspace_id, channel_id) = (message.workspace_id, message.channel_id);
    let kept = |(media, provider_id, uploaded_at): (Media, String, Timestamp)| {
        let source = MediaSource::Id(provider_id.clone());
        let of = Reused { media_id, provider_id, uploaded_at };
        (Uploaded { mime: media.mime, file_name: media.file_name, source }, of)
    };
    let number = client.number_id();
    if let Some(found) = known(env, workspace_id, (channel_id, number), media_id).await? {
        let (file, of) = kept(found);
        reused.push(of);
        return Ok(file);
    }
    let place = (channel_id, media_id);
    let turn = env.uploads.turn(place);
    let _mine = tokio::time::timeout(SHORT_WAIT, turn.lock()).await.map_err(|_| DeliveryError::BeingUploaded)?;
    if let Some(found) = known(env, workspace_id, (channel_id, number), media_id).await? {
        let (file, of) = kept(found);
        reused.push(of);
        return Ok(file);
    }
    if let Some(error) = env.uploads.failure(place, env.ctx.now()) {
        return Err(DeliveryError::Upload(error));
    }
    let (media, id) = match upload(env, client, workspace_id, media_id).await {
        Ok(uploaded) => uploaded,
        Err(error) => return Err(env.uploads.note_failure(place, env.ctx.now(), error)),
    };
    let (now, own, own_number) = (env.ctx.now(), id.clone(), number.to_owned());
    let noted = env.store.write::<_, StoreError, _>(move |tx| {
        let file = FileAt { media_id, channel_id, number: &own_number };
        tx.put_channel_file(workspace_id, file, &own, now)
    });
    noted.await?;
    Ok(Uploaded { mime: media.mime, file_name: media.file_name, source: MediaSource::Id(id) })
}

async fn upload(
    env: &Env,
    client: &GraphClient,
    workspace_id: WorkspaceId,
    media_id: MediaId,
) -> Result<(Media, String), DeliveryError> {
    let (media, data) = env.files.read(workspace_id, media_id).await?.ok_or(DeliveryError::NoSuchMedia)?;
    let name = media.file_name.clone().unwrap_or_else(|| "file".to_owned());
    let id = client.upload_media(&media.mime, &name, data).await?;
    Ok((media, id))
}

/// A stored file with the id of its last upload.
async fn known(
    env: &Env,
    workspace_id: WorkspaceId,
    (channel_id, number): (ChannelId, &str),
    media_id: MediaId,
) -> Result<Option<(Media, String, Timestamp)>, StoreError> {
    let (now, number) = (env.ctx.now(), number.to_owned());
    env.store
        .read(move |tx| {
            let file = FileAt { media_id, channel_id, number: &number };
            let Some((provider_id, uploaded_at)) = tx.channel_file(workspace_id, file, now)? else { return Ok(None) };
            let media = tx.media(workspace_id, media_id)?.filter(|media| media.presence == FilePresence::Stored);
            Ok(media.map(|media| (media, provider_id, uploaded_at)))
        })
        .await
}

/// Whether WhatsApp refused a message because it no longer has a file that was uploaded before. Its id is forgotten then,
/// so that the next attempt uploads it.
pub(crate) async fn forgotten(env: &Env, message: &OutboxMessage, sent: &SendOutcome, reused: &[Reused]) -> bool {
    let code = match sent {
        SendOutcome::Refused { code, .. } | SendOutcome::NotSent { code, .. } => *code,
        SendOutcome::Accepted { .. } | SendOutcome::Unknown { .. } => None,
    };
    let now = env.ctx.now();
    let old: Vec<Reused> = reused.iter().filter(|it| now.since(it.uploaded_at) > SURELY_KEPT).cloned().collect();
    let (workspace_id, channel_id, id) = (message.workspace_id, message.channel_id, message.id);
    if old.is_empty() || !code.is_some_and(|code| UNKNOWN_FILE.contains(&code)) {
        if code == Some(BAD_FILE) {
            // This one fails; the next is sent with a new upload.
            let refused = env.store.write(move |tx| tx.refuse_file_of(workspace_id, (channel_id, id), now)).await;
            if let Err(error) = refused {
                tracing::warn!(%error, message_id = %id, "a file that WhatsApp refused could not be noted");
            }
        }
        return false;
    }
    let dropped = env.store.write::<_, StoreError, _>(move |tx| {
        for it in &old {
            tx.drop_channel_file(workspace_id, (it.media_id, channel_id), &it.provider_id)?;
        }
        Ok(())
    });
    match dropped.await {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(%error, message_id = %message.id, "the old id of a file could not be forgotten");
            false
        }
    }
}
