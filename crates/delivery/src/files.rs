//! The bytes of files: in the database, or in a bucket of an S3-compatible service when one is configured.
//!
//! A file stays where it was stored; what is configured decides about new ones alone. Why a crash is safe at each point
//! stands in [`segue_store::media`]: the key is noted, the object written, and then the row, which takes the note away.
//!
//! Where a virus checker is set, an uploaded file is checked before it is stored and refused when that is not possible; a
//! received one is stored closed and checked by a job ([`Files::check`]), so that no webhook waits for it.

use std::{pin::Pin, time::Duration};

use bytes::Bytes;
use futures::{Stream, TryStreamExt as _};
use segue_channels::{
    bucket::{Bucket, BucketError},
    clamd::{Clamd, ClamdError, Scan},
};
use segue_model::{Ctx, MediaId, Timestamp, WorkspaceId, time};
use segue_store::{
    Store, StoreError,
    inbox::MOST_ATTEMPTS,
    media::{CheckVerdict, FilePresence, Media, NewMedia, StoredObject, fingerprint},
};
use tokio_util::sync::CancellationToken;

/// Bytes of a file at most where the database keeps it: what WhatsApp takes of films and sound.
const LARGEST_IN_DATABASE: u64 = 16 << 20;
/// Bytes of a file at most where a bucket keeps it: what WhatsApp takes of documents.
const LARGEST_IN_BUCKET: u64 = 100 << 20;
/// How long an object may be without a row. Far longer than writing it may take.
const STRAY_FOR: i64 = time::HOUR;
/// How often objects without a row are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(300);
/// Objects that are removed in one go.
const SWEEP_BATCH: u32 = 100;

/// A file could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Bucket(#[from] BucketError),
    #[error("The file lies in a file storage that is not configured any more.")]
    NotConfigured,
    #[error("The stored file does not fit its checksum.")]
    Changed,
    #[error("Storing the file took too long.")]
    TooSlow,
    #[error("The virus check was turned off before this file was checked. Set SEGUE_CLAMD and check it again.")]
    NoChecker,
    #[error("The file holds a virus ({0}), so it was not taken.")]
    Infected(String),
    #[error("The file could not be checked for viruses, so it was not taken. {0}")]
    NotChecked(#[from] ClamdError),
}

/// The bytes of a file, piece by piece.
pub type FileStream = Pin<Box<dyn Stream<Item = Result<Bytes, FilesError>> + Send>>;

/// Where the bytes of files are.
#[derive(Clone)]
pub struct Files {
    store: Store,
    ctx: Ctx,
    bucket: Option<Bucket>,
    checker: Option<Clamd>,
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Files({:?})", self.bucket)
    }
}

impl Files {
    /// New files go into the database.
    #[must_use]
    pub const fn in_database(store: Store, ctx: Ctx) -> Self {
        Self { store, ctx, bucket: None, checker: None }
    }

    /// New files go into the bucket.
    #[must_use]
    pub const fn in_bucket(store: Store, ctx: Ctx, bucket: Bucket) -> Self {
        Self { store, ctx, bucket: Some(bucket), checker: None }
    }

    /// Files are checked for viruses before anybody can open them.
    #[must_use]
    pub fn checked_by(self, checker: Option<Clamd>) -> Self {
        Self { checker, ..self }
    }

    /// What checks files for viruses, when something does.
    #[must_use]
    pub const fn checker(&self) -> Option<&Clamd> {
        self.checker.as_ref()
    }

    pub(crate) const fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.ctx.now()
    }

    /// Bytes of a file at most.
    #[must_use]
    pub const fn most(&self) -> u64 {
        if self.bucket.is_some() { LARGEST_IN_BUCKET } else { LARGEST_IN_DATABASE }
    }

    /// Stores an uploaded file.
    ///
    /// # Errors
    /// When it holds a virus or cannot be checked, or the bucket or the store does not take it.
    pub async fn add(&self, workspace_id: WorkspaceId, media: NewMedia) -> Result<(), FilesError> {
        if let Some(checker) = &self.checker
            && let Scan::Infected(found) = checker.scan(&media.data).await?
        {
            return Err(FilesError::Infected(found));
        }
        let (is_checked, now) = (self.checker.is_some(), self.ctx.now());
        let Some(bucket) = &self.bucket else {
            let stored = self.store.write::<_, StoreError, _>(move |tx| {
                tx.insert_media(workspace_id, &media, now)?;
                if is_checked { tx.pass_media_check(workspace_id, media.id) } else { Ok(()) }
            });
            return Ok(stored.await?);
        };
        let (id, mime, name) = (media.id, media.mime, media.file_name);
        let object = self.write_object(bucket, workspace_id, (id, &mime), media.data).await?;
        let stored = self.store.write::<_, StoreError, _>(move |tx| {
            let stored = tx.insert_media_at(workspace_id, (id, &mime, name.as_deref()), &object, now)?;
            if stored && is_checked {
                tx.pass_media_check(workspace_id, id)?;
            }
            Ok(stored)
        });
        if stored.await? { Ok(()) } else { Err(FilesError::TooSlow) }
    }

    /// Stores the bytes of a received file, and tells the screens that show its message. Where files are checked for viruses
    /// nobody can open it until its check, which is planned with it. Doing it twice is harmless.
    ///
    /// # Errors
    /// When the bucket or the store does not take it.
    pub async fn keep(
        &self,
        workspace_id: WorkspaceId,
        id: MediaId,
        mime: &'static str,
        data: Vec<u8>,
    ) -> Result<(), FilesError> {
        let (is_checked, ctx) = (self.checker.is_some(), self.ctx.clone());
        let object = match &self.bucket {
            Some(bucket) => Some(self.write_object(bucket, workspace_id, (id, mime), data.clone()).await?),
            None => None,
        };
        let stored = self.store.write::<_, StoreError, _>(move |tx| {
            let stored = match &object {
                Some(object) => tx.store_media_at(workspace_id, id, mime, object)?,
                None => tx.store_media(workspace_id, id, mime, &data)?,
            };
            if stored {
                if is_checked {
                    tx.plan_media_check(workspace_id, id, &ctx)?;
                }
                tx.tell_media(workspace_id, id, ctx.now())?;
            }
            Ok(stored || tx.media(workspace_id, id)?.is_some_and(|media| !media.presence.is_at_provider()))
        });
        if stored.await? { Ok(()) } else { Err(FilesError::TooSlow) }
    }

    /// Checks a received file for viruses, and notes what was found. Doing it twice is harmless. A file that cannot be checked
    /// stays closed: until the next attempt, and after the last one until somebody asks again.
    ///
    /// # Errors
    /// When it could not be checked, or not be read.
    pub async fn check(&self, workspace_id: WorkspaceId, id: MediaId, attempt: u32) -> Result<(), FilesError> {
        let media = self.store.read::<_, StoreError, _>(move |tx| tx.media(workspace_id, id)).await?;
        let waits = |media: &Media| matches!(media.presence, FilePresence::Checking | FilePresence::Unchecked);
        let Some(media) = media.filter(waits) else { return Ok(()) };
        let scanned = self.scan(workspace_id, &media).await;
        let verdict = match &scanned {
            Ok(Scan::Clean) => CheckVerdict::Clean,
            Ok(Scan::Infected(found)) => CheckVerdict::Infected(found.clone()),
            Err(error) => {
                let is_last =
                    attempt >= MOST_ATTEMPTS || matches!(error, FilesError::NotChecked(why) if !why.may_pass());
                let why = match error {
                    FilesError::NotChecked(why) => why.to_string(),
                    other => other.to_string(),
                };
                if is_last { CheckVerdict::Unchecked(why) } else { CheckVerdict::Later(why) }
            }
        };
        if let CheckVerdict::Infected(found) = &verdict {
            tracing::warn!(media_id = %id, %found, "a received file held a virus and was removed");
        }
        let now = self.ctx.now();
        let noted =
            self.store.write::<_, StoreError, _>(move |tx| tx.note_media_check(workspace_id, id, (&verdict, now)));
        noted.await?;
        scanned.map(|_| ())
    }

    async fn scan(&self, workspace_id: WorkspaceId, media: &Media) -> Result<Scan, FilesError> {
        let data = self.bytes(workspace_id, media).await?.ok_or(FilesError::Changed)?;
        let checker = self.checker.as_ref().ok_or(FilesError::NoChecker)?;
        Ok(checker.scan(&data).await?)
    }

    async fn write_object(
        &self,
        bucket: &Bucket,
        workspace_id: WorkspaceId,
        (id, mime): (MediaId, &str),
        data: Vec<u8>,
    ) -> Result<StoredObject, FilesError> {
        // A name of its own for every attempt: what is removed of an earlier one is never what a later one wrote.
        let key = format!("{workspace_id}/{id}/{}", self.ctx.uuid());
        let object = StoredObject { key, size: data.len() as u64, sha256: fingerprint(&data) };
        let (key, due_at) = (object.key.clone(), self.ctx.now().plus(STRAY_FOR));
        self.store.write::<_, StoreError, _>(move |tx| tx.announce_object(workspace_id, &key, due_at)).await?;
        bucket.put(&object.key, mime, data.into(), self.ctx.now()).await?;
        Ok(object)
    }

    /// A whole file, checked against its checksum. `None` when there is none, or it may not be opened.
    ///
    /// # Errors
    /// When the bucket or the store does not give it, or it is not what was stored.
    pub async fn read(&self, workspace_id: WorkspaceId, id: MediaId) -> Result<Option<(Media, Vec<u8>)>, FilesError> {
        let found = self.store.read::<_, StoreError, _>(move |tx| tx.media(workspace_id, id)).await?;
        let Some(media) = found.filter(|media| media.presence == FilePresence::Stored) else { return Ok(None) };
        Ok(self.bytes(workspace_id, &media).await?.map(|data| (media, data)))
    }

    /// The bytes of a file, whether it may be opened or not.
    async fn bytes(&self, workspace_id: WorkspaceId, media: &Media) -> Result<Option<Vec<u8>>, FilesError> {
        let id = media.id;
        let data = match &media.object {
            None => self.store.read::<_, StoreError, _>(move |tx| tx.media_data(workspace_id, id)).await?,
            Some(key) => {
                let bucket = self.bucket.as_ref().ok_or(FilesError::NotConfigured)?;
                let mut stream = Box::pin(bucket.get(key, None, self.ctx.now()).await?);
                let mut data = Vec::with_capacity(usize::try_from(media.size).unwrap_or_default());
                while let Some(bytes) = stream.try_next().await? {
                    data.extend_from_slice(&bytes);
                }
                Some(data)
            }
        };
        let Some(data) = data else { return Ok(None) };
        if fingerprint(&data) == media.sha256 { Ok(Some(data)) } else { Err(FilesError::Changed) }
    }

    /// `length` bytes of a stored file from byte `from` on. `None` when it is not stored.
    ///
    /// # Errors
    /// When the bucket or the store does not give it.
    pub async fn part(
        &self,
        workspace_id: WorkspaceId,
        media: &Media,
        from: u64,
        length: u64,
    ) -> Result<Option<FileStream>, FilesError> {
        let id = media.id;
        if media.presence != FilePresence::Stored {
            return Ok(None);
        }
        let Some(key) = &media.object else {
            let part =
                self.store.read::<_, StoreError, _>(move |tx| tx.media_part(workspace_id, id, from, length)).await?;
            let Some(part) = part else { return Ok(None) };
            return Ok(Some(Box::pin(futures::stream::iter([Ok(part.into())]))));
        };
        if length == 0 {
            return Ok(Some(Box::pin(futures::stream::empty())));
        }
        let bucket = self.bucket.as_ref().ok_or(FilesError::NotConfigured)?;
        let range = (from > 0 || length < media.size).then_some((from, from + length - 1));
        let stream = bucket.get(key, range, self.ctx.now()).await?;
        Ok(Some(Box::pin(stream.map_err(FilesError::from))))
    }

    /// Removes objects of the bucket that no row speaks of: of uploads that a crash ended half-way. Gives how many.
    ///
    /// # Errors
    /// When the bucket or the store is away; the next call goes on.
    pub async fn remove_strays(&self) -> Result<usize, FilesError> {
        let Some(bucket) = &self.bucket else { return Ok(0) };
        let (mut removed, mut failure) = (0, None);
        for workspace in self.store.read::<_, StoreError, _>(|tx| tx.workspaces()).await? {
            let (workspace_id, now) = (workspace.id, self.ctx.now());
            let keys = self
                .store
                .write::<_, StoreError, _>(move |tx| tx.take_stray_objects(workspace_id, now, SWEEP_BATCH))
                .await?;
            for key in keys {
                // One that the bucket does not let go of must not keep the others there.
                if let Err(error) = bucket.delete(&key, self.ctx.now()).await {
                    failure = Some(error);
                    self.store
                        .write::<_, StoreError, _>(move |tx| tx.put_back_stray_object(workspace_id, &key, now))
                        .await?;
                    continue;
                }
                self.store.write::<_, StoreError, _>(move |tx| tx.forget_stray_object(workspace_id, &key)).await?;
                removed += 1;
            }
        }
        failure.map_or(Ok(removed), |error| Err(error.into()))
    }

    /// Removes objects without a row from time to time, until `stop`.
    pub async fn sweep(self, stop: CancellationToken) {
        if self.bucket.is_none() {
            return;
        }
        let mut sweep = tokio::time::interval(SWEEP_EVERY);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = sweep.tick() => {}
            }
            if let Err(error) = self.remove_strays().await {
                tracing::warn!(%error, "files without a row could not be removed from the file storage");
            }
        }
    }
}
