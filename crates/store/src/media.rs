//! Files that were received or uploaded. The bytes are in the row; [`Media`] is everything else.
//!
//! A received file is stored without its bytes, together with a job that fetches them from the provider, so that the
//! message is shown at once and a crash in between only delays the picture.

use segue_model::{ChannelId, Ctx, MediaId, Timestamp, WorkspaceId};
use serde_json::json;

use crate::{Row, StoreError, Tx, job::NewJob};

/// Kind of the job that fetches a received file; its payload is `{"media_id": "med_…"}`.
pub const FETCH_MEDIA: &str = "fetch_media";

/// A file without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    pub id: MediaId,
    pub mime: String,
    pub file_name: Option<String>,
    /// In bytes; 0 while it is not fetched.
    pub size: u64,
    /// SHA-256 of the bytes; empty while it is not known.
    pub sha256: Vec<u8>,
    pub presence: Presence,
    /// Where it is to be fetched.
    pub channel_id: Option<ChannelId>,
    /// The provider's id of it.
    pub provider_id: Option<String>,
    /// Why it could not be fetched, in words.
    pub failure: Option<String>,
    pub created_at: Timestamp,
}

segue_model::text_enum! {
    /// Whether the bytes are here.
    pub enum Presence {
        Stored = "stored",
        /// Still to be fetched from the provider.
        Pending = "pending",
        /// They could not be fetched.
        Failed = "failed",
    }
}

/// An uploaded file.
#[derive(Clone, PartialEq, Eq)]
pub struct NewMedia {
    pub id: MediaId,
    pub mime: String,
    pub file_name: Option<String>,
    pub data: Vec<u8>,
}

/// A received file that is still at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteMedia {
    pub id: MediaId,
    pub channel_id: ChannelId,
    pub provider_id: String,
    pub mime: String,
    pub file_name: Option<String>,
    /// As the provider told; checked after fetching. Empty when it told none.
    pub sha256: Vec<u8>,
}

crate::sql! {
    INSERT_MEDIA = "INSERT INTO media (workspace_id, id, mime, file_name, size, sha256, data, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    INSERT_REMOTE_MEDIA = "INSERT INTO media (workspace_id, id, mime, file_name, size, sha256, channel_id, provider_id,
            created_at)
        VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $8)";
    MEDIA = "SELECT id, mime, file_name, size, sha256, data IS NOT NULL, channel_id, provider_id, failure, created_at
        FROM media WHERE workspace_id = $1 AND id = $2";
    MEDIA_DATA = "SELECT data FROM media WHERE workspace_id = $1 AND id = $2 AND data IS NOT NULL";
    STORE_MEDIA = "UPDATE media SET data = $3, size = $4, sha256 = $5, mime = $6, failure = NULL
        WHERE workspace_id = $1 AND id = $2 AND data IS NULL AND provider_id IS NOT NULL";
    EMPTY_MEDIA = "UPDATE media SET data = NULL, size = 0, sha256 = $4, file_name = NULL, provider_id = NULL, failure = $3
        WHERE workspace_id = $1 AND id = $2";
    FAIL_MEDIA = "UPDATE media SET failure = $3 WHERE workspace_id = $1 AND id = $2 AND data IS NULL";
}

fn read(row: &mut Row<'_>) -> Result<Media, StoreError> {
    let mut media = Media {
        id: row.next()?,
        mime: row.next()?,
        file_name: row.next()?,
        size: row.next()?,
        sha256: row.next()?,
        presence: if row.next()? { Presence::Stored } else { Presence::Pending },
        channel_id: row.next()?,
        provider_id: row.next()?,
        failure: row.next()?,
        created_at: row.next()?,
    };
    if media.presence == Presence::Pending && media.failure.is_some() {
        media.presence = Presence::Failed;
    }
    Ok(media)
}

/// SHA-256 of the bytes of a file.
#[must_use]
pub fn fingerprint(data: &[u8]) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    Sha256::digest(data).to_vec()
}

impl Tx<'_> {
    /// Removes a file's bytes and name for good; `why` is shown in its place. It is not fetched again.
    ///
    /// # Errors
    /// When the store fails.
    pub fn empty_media(&mut self, workspace_id: WorkspaceId, id: MediaId, why: &str) -> Result<(), StoreError> {
        self.execute(&EMPTY_MEDIA, &[&workspace_id, &id, &why, &Vec::<u8>::new()]).map(|_| ())
    }

    /// Stores an uploaded file.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_media(
        &mut self,
        workspace_id: WorkspaceId,
        media: &NewMedia,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (size, sha256) = (media.data.len() as i64, fingerprint(&media.data));
        self.execute(
            &INSERT_MEDIA,
            &[&workspace_id, &media.id, &media.mime, &media.file_name, &size, &sha256, &media.data, &now],
        )
        .map(|_| ())
    }

    /// Notes a received file and plans to fetch it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_remote_media(
        &mut self,
        workspace_id: WorkspaceId,
        media: &RemoteMedia,
        ctx: &Ctx,
    ) -> Result<(), StoreError> {
        let now = ctx.now();
        self.execute(
            &INSERT_REMOTE_MEDIA,
            &[
                &workspace_id,
                &media.id,
                &media.mime,
                &media.file_name,
                &media.sha256,
                &media.channel_id,
                &media.provider_id,
                &now,
            ],
        )?;
        let job = NewJob {
            id: ctx.id(),
            kind: FETCH_MEDIA,
            dedupe_key: media.id.to_string(),
            payload: json!({ "media_id": media.id }),
            run_at: now,
        };
        self.schedule(workspace_id, &job, now).map(|_| ())
    }

    /// A file without its bytes.
    ///
    /// # Errors
    /// When the store fails.
    pub fn media(&mut self, workspace_id: WorkspaceId, id: MediaId) -> Result<Option<Media>, StoreError> {
        self.query_opt(&MEDIA, &[&workspace_id, &id], read)
    }

    /// The bytes of a file, when they are here.
    ///
    /// # Errors
    /// When the store fails.
    pub fn media_data(&mut self, workspace_id: WorkspaceId, id: MediaId) -> Result<Option<Vec<u8>>, StoreError> {
        self.query_opt(&MEDIA_DATA, &[&workspace_id, &id], |row| row.next())
    }

    /// Stores the bytes of a received file. `false` when they are here already.
    ///
    /// # Errors
    /// When the store fails.
    pub fn store_media(
        &mut self,
        workspace_id: WorkspaceId,
        id: MediaId,
        mime: &str,
        data: &[u8],
    ) -> Result<bool, StoreError> {
        let (size, sha256) = (data.len() as i64, fingerprint(data));
        Ok(self.execute(&STORE_MEDIA, &[&workspace_id, &id, &data, &size, &sha256, &mime])? == 1)
    }

    /// Notes why a received file could not be fetched.
    ///
    /// # Errors
    /// When the store fails.
    pub fn fail_media(&mut self, workspace_id: WorkspaceId, id: MediaId, failure: &str) -> Result<(), StoreError> {
        self.execute(&FAIL_MEDIA, &[&workspace_id, &id, &failure]).map(|_| ())
    }
}
