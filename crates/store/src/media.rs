//! Files that were received or uploaded. The bytes are in the row, or in a bucket under the key that the row names;
//! [`Media`] is everything else.
//!
//! # Why a crash is safe at each point, when the bytes are in a bucket
//! An object is written before the row that speaks of it, and removed after it. [`Tx::announce_object`] notes its key
//! before anything is written; [`Tx::insert_media_at`] and [`Tx::store_media_at`] take that note away in the transaction
//! that writes the row. A crash in between leaves the note, and what a note still names when it is due is removed
//! ([`Tx::take_stray_objects`]). Who is so slow that its object is being removed finds the note taken, and writes no row.
//!
//! A received file is stored without its bytes, together with a job that fetches them from the provider, so that the
//! message is shown at once and a crash in between only delays the picture.
//!
//! Where files are checked for viruses, its bytes are stored as [`FilePresence::Checking`] together with a job that checks
//! them, in one transaction; only the job's verdict makes them [`FilePresence::Stored`], so nothing in between can be opened.
//! What is found is removed with the verdict.

use segue_model::{ChannelId, Ctx, MediaId, MessageId, SessionId, Timestamp, WorkspaceId};
use serde_json::json;

use crate::{Row, StoreError, Tx, event::NewEvent, job::NewJob};

/// Kind of the job that fetches a received file; its payload is `{"media_id": "med_…"}`.
pub const FETCH_MEDIA: &str = "fetch_media";

/// Kind of the job that checks a received file for viruses; its payload is `{"media_id": "med_…"}`.
pub const CHECK_MEDIA: &str = "check_media";

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
    pub presence: FilePresence,
    /// Where it is to be fetched.
    pub channel_id: Option<ChannelId>,
    /// The provider's id of it.
    pub provider_id: Option<String>,
    /// Why it could not be fetched, in words.
    pub failure: Option<String>,
    pub created_at: Timestamp,
    /// Key of the object in the bucket; `None` when the bytes are in the row.
    pub object: Option<String>,
    /// What the virus check found, or why it could not be made.
    pub check_detail: Option<String>,
}

segue_model::text_enum! {
    /// Whether the bytes are here, and may be opened.
    pub enum FilePresence {
        Stored = "stored",
        /// Still to be fetched from the provider.
        Pending = "pending",
        /// They could not be fetched.
        Failed = "failed",
        /// They are here and are being checked for viruses.
        Checking = "checking",
        /// They held a virus and were removed.
        Infected = "infected",
        /// They are here and could not be checked: nobody opens them until they are.
        Unchecked = "unchecked",
    }
}

impl FilePresence {
    /// Where a file is of which the bytes are here ([`Self::Stored`]) or not, when the virus check says `check` of it.
    pub(crate) fn seen(self, check: Option<&str>, has_failed: bool) -> Self {
        match (check, self) {
            (Some("infected"), _) => Self::Infected,
            (Some("checking"), Self::Stored) => Self::Checking,
            (Some("unchecked"), Self::Stored) => Self::Unchecked,
            (_, Self::Pending) if has_failed => Self::Failed,
            (_, presence) => presence,
        }
    }

    /// Whether the bytes are still to be had from the provider.
    #[must_use]
    pub const fn is_at_provider(self) -> bool {
        matches!(self, Self::Pending | Self::Failed)
    }
}

/// What the virus check says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckVerdict {
    Clean,
    /// The name of what was found.
    Infected(String),
    /// It is tried again; why it could not be checked this time.
    Later(String),
    /// Nobody tries again by himself; why it could not be checked.
    Unchecked(String),
}

/// Files that the virus check keeps from being opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct CheckCounts {
    pub checking: u64,
    pub infected: u64,
    pub unchecked: u64,
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

/// Bytes that are elsewhere: what the row tells of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// Its key, as it was announced.
    pub key: String,
    pub size: u64,
    pub sha256: Vec<u8>,
}

crate::sql! {
    INSERT_MEDIA_AT = "INSERT INTO media (workspace_id, id, mime, file_name, size, sha256, object, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    STORE_MEDIA_AT = "UPDATE media SET object = $3, size = $4, sha256 = $5, mime = $6, failure = NULL
        WHERE workspace_id = $1 AND id = $2 AND data IS NULL AND object IS NULL AND provider_id IS NOT NULL";
    ANNOUNCE_OBJECT = "INSERT INTO stray_objects (workspace_id, object, state, due_at) VALUES ($1, $2, 'writing', $3)";
    CLAIM_OBJECT = "DELETE FROM stray_objects WHERE workspace_id = $1 AND object = $2 AND state = 'writing'";
    TAKE_STRAYS = "UPDATE stray_objects SET state = 'removing' WHERE workspace_id = $1 AND object IN (
            SELECT s.object FROM stray_objects s WHERE s.workspace_id = $1 AND s.due_at <= $2
            ORDER BY s.due_at LIMIT $3)
        RETURNING object";
    PUT_BACK_STRAY = "UPDATE stray_objects SET due_at = $3 WHERE workspace_id = $1 AND object = $2 AND state = 'removing'";
    FORGET_STRAY = "DELETE FROM stray_objects WHERE workspace_id = $1 AND object = $2 AND state = 'removing'";
    MESSAGES_OF_MEDIA = "SELECT session_id, id FROM messages WHERE workspace_id = $1 AND media_id = $2
        ORDER BY session_id, id LIMIT 50";
    MEDIA_PART = "SELECT substr(data, CAST($3 AS INTEGER), CAST($4 AS INTEGER)) FROM media
        WHERE workspace_id = $1 AND id = $2 AND data IS NOT NULL";
    INSERT_MEDIA = "INSERT INTO media (workspace_id, id, mime, file_name, size, sha256, data, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    INSERT_REMOTE_MEDIA = "INSERT INTO media (workspace_id, id, mime, file_name, size, sha256, channel_id, provider_id,
            created_at)
        VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $8)";
    MEDIA = "SELECT id, mime, file_name, size, sha256, data IS NOT NULL OR object IS NOT NULL, channel_id, provider_id,
            failure, created_at, object, check_state, check_detail
        FROM media WHERE workspace_id = $1 AND id = $2";
    MEDIA_DATA = "SELECT data FROM media WHERE workspace_id = $1 AND id = $2 AND data IS NOT NULL";
    STORE_MEDIA = "UPDATE media SET data = $3, size = $4, sha256 = $5, mime = $6, failure = NULL
        WHERE workspace_id = $1 AND id = $2 AND data IS NULL AND object IS NULL AND provider_id IS NOT NULL";
    /// What a bucket holds of it is removed by those who remove what no row speaks of.
    LEAVE_OBJECT = "INSERT INTO stray_objects (workspace_id, object, state, due_at)
        SELECT workspace_id, object, 'removing', 0 FROM media
        WHERE workspace_id = $1 AND id = $2 AND object IS NOT NULL ON CONFLICT DO NOTHING";
    EMPTY_MEDIA = "UPDATE media SET data = NULL, object = NULL, size = 0, sha256 = $4, file_name = NULL, provider_id = NULL,
            failure = $3, check_state = NULL, check_detail = NULL
        WHERE workspace_id = $1 AND id = $2";
    FAIL_MEDIA = "UPDATE media SET failure = $3
        WHERE workspace_id = $1 AND id = $2 AND data IS NULL AND object IS NULL AND provider_id IS NOT NULL";
    WANT_MEDIA = "UPDATE media SET failure = NULL
        WHERE workspace_id = $1 AND id = $2 AND data IS NULL AND object IS NULL AND failure IS NOT NULL
            AND provider_id IS NOT NULL";
    BEGIN_CHECK = "UPDATE media SET check_state = $3, check_detail = NULL WHERE workspace_id = $1 AND id = $2";
    SET_CHECK = "UPDATE media SET check_state = $3, check_detail = $4
        WHERE workspace_id = $1 AND id = $2 AND check_state IN ('checking', 'unchecked')";
    NOTE_FOUND = "UPDATE media SET check_state = 'infected', check_detail = $3 WHERE workspace_id = $1 AND id = $2";
    IS_UNCHECKED = "SELECT 1 FROM media WHERE workspace_id = $1 AND id = $2 AND check_state = 'unchecked'";
    UNCHECKED = "SELECT id FROM media WHERE workspace_id = $1 AND check_state = 'unchecked' ORDER BY id LIMIT $2";
    CHECK_COUNTS = "SELECT check_state, COUNT(*) FROM media
        WHERE workspace_id = $1 AND check_state IN ('checking', 'infected', 'unchecked') GROUP BY check_state";
    WHY_NOT_CHECKED = "SELECT check_detail FROM media
        WHERE workspace_id = $1 AND check_state IN ('checking', 'unchecked') AND check_detail IS NOT NULL
        ORDER BY id DESC LIMIT 1";
}

fn read(row: &mut Row<'_>) -> Result<Media, StoreError> {
    let mut media = Media {
        id: row.next()?,
        mime: row.next()?,
        file_name: row.next()?,
        size: row.next()?,
        sha256: row.next()?,
        presence: if row.next()? { FilePresence::Stored } else { FilePresence::Pending },
        channel_id: row.next()?,
        provider_id: row.next()?,
        failure: row.next()?,
        created_at: row.next()?,
        object: row.next()?,
        check_detail: None,
    };
    let check: Option<String> = row.next()?;
    media.check_detail = row.next()?;
    media.presence = media.presence.seen(check.as_deref(), media.failure.is_some());
    Ok(media)
}

/// SHA-256 of the bytes of a file.
#[must_use]
pub fn fingerprint(data: &[u8]) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    Sha256::digest(data).to_vec()
}

impl Tx<'_> {
    /// Removes a file's bytes and name for good; `why` is shown in its place. It is not fetched again. Whether something
    /// still needs it is for [`Tx::let_go_of_media`] to know.
    ///
    /// # Errors
    /// When the store fails.
    pub fn empty_media(&mut self, workspace_id: WorkspaceId, id: MediaId, why: &str) -> Result<(), StoreError> {
        self.leave_object(workspace_id, id)?;
        self.drop_channel_files(workspace_id, id)?;
        self.execute(&EMPTY_MEDIA, &[&workspace_id, &id, &why, &Vec::<u8>::new()]).map(|_| ())
    }

    /// Leaves the object of a file, where it has one, to those who remove them.
    pub(crate) fn leave_object(&mut self, workspace_id: WorkspaceId, id: MediaId) -> Result<(), StoreError> {
        self.execute(&LEAVE_OBJECT, &[&workspace_id, &id]).map(|_| ())
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
        )?;
        self.note_upload(workspace_id, media.id, now)
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
        self.plan_fetch(workspace_id, media.id, media.id.to_string(), ctx)
    }

    fn plan_fetch(
        &mut self,
        workspace_id: WorkspaceId,
        id: MediaId,
        dedupe_key: String,
        ctx: &Ctx,
    ) -> Result<(), StoreError> {
        let now = ctx.now();
        let payload = json!({ "media_id": id });
        let job = NewJob { id: ctx.id(), kind: FETCH_MEDIA, dedupe_key, payload, run_at: now };
        self.schedule(workspace_id, &job, now).map(|_| ())
    }

    /// Plans to fetch a file once more that could not be had, or to check one again that could not be checked. `false` when
    /// it is here, or on its way.
    ///
    /// # Errors
    /// When the store fails.
    pub fn want_media(&mut self, workspace_id: WorkspaceId, id: MediaId, ctx: &Ctx) -> Result<bool, StoreError> {
        if self.check_media_again(workspace_id, id, ctx)? {
            return Ok(true);
        }
        if self.execute(&WANT_MEDIA, &[&workspace_id, &id])? == 0 {
            return Ok(false);
        }
        self.plan_fetch(workspace_id, id, format!("{id}:{}", ctx.uuid()), ctx)?;
        self.tell_media(workspace_id, id, ctx.now())?;
        Ok(true)
    }

    /// Notes that an uploaded file was checked for viruses. To be called in the transaction that stores it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn pass_media_check(&mut self, workspace_id: WorkspaceId, id: MediaId) -> Result<(), StoreError> {
        self.execute(&BEGIN_CHECK, &[&workspace_id, &id, &"clean"]).map(|_| ())
    }

    /// Keeps a received file closed, and plans to check it for viruses. To be called in the transaction that stores it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn plan_media_check(&mut self, workspace_id: WorkspaceId, id: MediaId, ctx: &Ctx) -> Result<(), StoreError> {
        self.execute(&BEGIN_CHECK, &[&workspace_id, &id, &"checking"])?;
        let (now, dedupe_key) = (ctx.now(), format!("{id}:{}", ctx.uuid()));
        let job =
            NewJob { id: ctx.id(), kind: CHECK_MEDIA, dedupe_key, payload: json!({ "media_id": id }), run_at: now };
        self.schedule(workspace_id, &job, now).map(|_| ())
    }

    /// Plans to check a file again that could not be checked. `false` when it needs none.
    fn check_media_again(&mut self, workspace_id: WorkspaceId, id: MediaId, ctx: &Ctx) -> Result<bool, StoreError> {
        if self.query_opt(&IS_UNCHECKED, &[&workspace_id, &id], |row| row.next::<i64>())?.is_none() {
            return Ok(false);
        }
        self.plan_media_check(workspace_id, id, ctx)?;
        self.tell_media(workspace_id, id, ctx.now())?;
        Ok(true)
    }

    /// Plans to check files again that could not be checked, the oldest `limit` of them. Gives how many.
    ///
    /// # Errors
    /// When the store fails.
    pub fn check_all_media_again(
        &mut self,
        workspace_id: WorkspaceId,
        limit: u32,
        ctx: &Ctx,
    ) -> Result<usize, StoreError> {
        let waiting: Vec<MediaId> = self.query(&UNCHECKED, &[&workspace_id, &limit], |row| row.next())?;
        for id in &waiting {
            self.check_media_again(workspace_id, *id, ctx)?;
        }
        Ok(waiting.len())
    }

    /// Notes what the virus check says of a file, and tells the screens that show its message. What holds a virus loses its
    /// bytes for good.
    ///
    /// # Errors
    /// When the store fails.
    pub fn note_media_check(
        &mut self,
        workspace_id: WorkspaceId,
        id: MediaId,
        (verdict, now): (&CheckVerdict, Timestamp),
    ) -> Result<(), StoreError> {
        let (state, detail) = match verdict {
            CheckVerdict::Clean => ("clean", None),
            CheckVerdict::Later(why) => ("checking", Some(why)),
            CheckVerdict::Unchecked(why) => ("unchecked", Some(why)),
            CheckVerdict::Infected(found) => {
                self.empty_media(workspace_id, id, &format!("It held a virus ({found}) and was removed."))?;
                self.execute(&NOTE_FOUND, &[&workspace_id, &id, found])?;
                return self.tell_media(workspace_id, id, now);
            }
        };
        self.execute(&SET_CHECK, &[&workspace_id, &id, &state, &detail])?;
        if matches!(verdict, CheckVerdict::Later(_)) { Ok(()) } else { self.tell_media(workspace_id, id, now) }
    }

    /// How many files the virus check keeps from being opened.
    ///
    /// # Errors
    /// When the store fails.
    pub fn media_check_counts(&mut self, workspace_id: WorkspaceId) -> Result<CheckCounts, StoreError> {
        let rows =
            self.query(&CHECK_COUNTS, &[&workspace_id], |row| Ok((row.next::<String>()?, row.next::<i64>()?)))?;
        let of = |state: &str| {
            let found = rows.iter().find(|(word, _)| word == state);
            found.map_or(0, |(_, count)| u64::try_from(*count).unwrap_or_default())
        };
        Ok(CheckCounts { checking: of("checking"), infected: of("infected"), unchecked: of("unchecked") })
    }

    /// Why the newest file that waits for its check could not be checked.
    ///
    /// # Errors
    /// When the store fails.
    pub fn why_not_checked(&mut self, workspace_id: WorkspaceId) -> Result<Option<String>, StoreError> {
        self.query_opt(&WHY_NOT_CHECKED, &[&workspace_id], |row| row.next())
    }

    /// The first messages that a file belongs to; one that comes from a provider belongs to one. None for one that was
    /// uploaded and not sent. Not for what has to be known of all of them: see [`crate::media_use`].
    fn messages_of_media(
        &mut self,
        workspace_id: WorkspaceId,
        id: MediaId,
    ) -> Result<Vec<(SessionId, MessageId)>, StoreError> {
        self.query(&MESSAGES_OF_MEDIA, &[&workspace_id, &id], |row| Ok((row.next()?, row.next()?)))
    }

    /// Tells screens that the file of a message has come, or cannot be had.
    ///
    /// # Errors
    /// When the store fails.
    pub fn tell_media(&mut self, workspace_id: WorkspaceId, id: MediaId, now: Timestamp) -> Result<(), StoreError> {
        for (session_id, message_id) in self.messages_of_media(workspace_id, id)? {
            self.emit(workspace_id, NewEvent::of_changed_message(session_id, message_id, now));
        }
        Ok(())
    }

    /// Notes an object that is about to be written to the bucket; without a row by `due_at` it is removed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn announce_object(
        &mut self,
        workspace_id: WorkspaceId,
        key: &str,
        due_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(&ANNOUNCE_OBJECT, &[&workspace_id, &key, &due_at]).map(|_| ())
    }

    /// Stores an uploaded file whose bytes are in the bucket. `false` when it took so long that they are being removed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_media_at(
        &mut self,
        workspace_id: WorkspaceId,
        (id, mime, file_name): (MediaId, &str, Option<&str>),
        object: &StoredObject,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if self.execute(&CLAIM_OBJECT, &[&workspace_id, &object.key])? == 0 {
            return Ok(false);
        }
        let size = object.size as i64;
        self.execute(
            &INSERT_MEDIA_AT,
            &[&workspace_id, &id, &mime, &file_name, &size, &object.sha256, &object.key, &now],
        )?;
        self.note_upload(workspace_id, id, now)?;
        Ok(true)
    }

    /// Stores where the bytes of a received file are. `false` when they are here already, or it took so long that the
    /// object is being removed; its note then stays, and the object goes when it is due.
    ///
    /// # Errors
    /// When the store fails.
    pub fn store_media_at(
        &mut self,
        workspace_id: WorkspaceId,
        id: MediaId,
        mime: &str,
        object: &StoredObject,
    ) -> Result<bool, StoreError> {
        let is_missing = self.media(workspace_id, id)?.is_some_and(|media| media.presence.is_at_provider());
        if !is_missing || self.execute(&CLAIM_OBJECT, &[&workspace_id, &object.key])? == 0 {
            return Ok(false);
        }
        let size = object.size as i64;
        let stored =
            self.execute(&STORE_MEDIA_AT, &[&workspace_id, &id, &object.key, &size, &object.sha256, &mime])? == 1;
        if !stored {
            // Somebody else stored it between the two statements; this object belongs to nobody.
            self.announce_object(workspace_id, &object.key, Timestamp(0))?;
        }
        Ok(stored)
    }

    /// Takes objects that no row speaks of and that are due, so that whoever wrote them cannot use them any more. Remove
    /// each, and then [`Tx::forget_stray_object`]; a crash in between only removes it again.
    ///
    /// # Errors
    /// When the store fails.
    pub fn take_stray_objects(
        &mut self,
        workspace_id: WorkspaceId,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        self.query(&TAKE_STRAYS, &[&workspace_id, &now, &limit], |row| row.next())
    }

    /// The object could not be removed; from then on it is tried again, after those that were due before.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_back_stray_object(
        &mut self,
        workspace_id: WorkspaceId,
        key: &str,
        due_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(&PUT_BACK_STRAY, &[&workspace_id, &key, &due_at]).map(|_| ())
    }

    /// The object is removed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn forget_stray_object(&mut self, workspace_id: WorkspaceId, key: &str) -> Result<(), StoreError> {
        self.execute(&FORGET_STRAY, &[&workspace_id, &key]).map(|_| ())
    }

    /// `length` bytes of a file from byte `from` on, when they are in its row.
    ///
    /// # Errors
    /// When the store fails.
    pub fn media_part(
        &mut self,
        workspace_id: WorkspaceId,
        id: MediaId,
        from: u64,
        length: u64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let (first, length) = (from as i64 + 1, length as i64);
        self.query_opt(&MEDIA_PART, &[&workspace_id, &id, &first, &length], |row| row.next())
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
