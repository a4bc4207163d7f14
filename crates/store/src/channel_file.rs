//! What a channel's provider calls the files that were uploaded there, so that a campaign uploads its picture once.
//!
//! The id is noted after the upload. A crash in between leaves a file at the provider that nobody names and that goes
//! there by itself; it is uploaded once more. The bytes of a file never change, so an id is good for as long as the
//! provider keeps it; with the bytes here goes the id.

use segue_model::{ChannelId, MediaId, Timestamp, WorkspaceId, time};

use crate::{StoreError, Tx};

/// How long an id is used: the provider keeps files for 30 days, and what is on its way has to arrive before.
const USED_FOR: i64 = 28 * time::DAY;

crate::sql! {
    CHANNEL_FILE = "SELECT provider_id, uploaded_at FROM channel_files
        WHERE workspace_id = $1 AND media_id = $2 AND channel_id = $3 AND number = $4 AND uploaded_at > $5";
    PUT_CHANNEL_FILE = "INSERT INTO channel_files (workspace_id, media_id, channel_id, number, provider_id, uploaded_at)
        SELECT workspace_id, id, $3, $4, $5, CAST($6 AS BIGINT) FROM media
        WHERE workspace_id = $1 AND id = $2 AND (data IS NOT NULL OR object IS NOT NULL)
        ON CONFLICT (workspace_id, media_id, channel_id) DO UPDATE SET number = excluded.number,
            provider_id = excluded.provider_id, uploaded_at = excluded.uploaded_at";
    DROP_CHANNEL_FILE = "DELETE FROM channel_files
        WHERE workspace_id = $1 AND media_id = $2 AND channel_id = $3 AND provider_id = $4";
    DROP_CHANNEL_FILES = "DELETE FROM channel_files WHERE workspace_id = $1 AND media_id = $2";
}

/// A file at a channel's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileAt<'a> {
    pub media_id: MediaId,
    pub channel_id: ChannelId,
    /// The provider's word for the number: ids are good for that number alone.
    pub number: &'a str,
}

impl Tx<'_> {
    /// The provider's id of a file that was uploaded before and is still kept there, and when that was.
    ///
    /// # Errors
    /// When the store fails.
    pub fn channel_file(
        &mut self,
        workspace_id: WorkspaceId,
        file: FileAt<'_>,
        now: Timestamp,
    ) -> Result<Option<(String, Timestamp)>, StoreError> {
        let FileAt { media_id, channel_id, number } = file;
        let since = now.plus(-USED_FOR);
        self.query_opt(&CHANNEL_FILE, &[&workspace_id, &media_id, &channel_id, &number, &since], |row| {
            Ok((row.next()?, row.next()?))
        })
    }

    /// Notes the provider's id of a file that was uploaded. Does nothing when the file was removed meanwhile.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_channel_file(
        &mut self,
        workspace_id: WorkspaceId,
        file: FileAt<'_>,
        provider_id: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let FileAt { media_id, channel_id, number } = file;
        self.execute(&PUT_CHANNEL_FILE, &[&workspace_id, &media_id, &channel_id, &number, &provider_id, &now])
            .map(|_| ())
    }

    /// The provider does not know this id of a file any more. Does nothing when another one is noted already.
    ///
    /// # Errors
    /// When the store fails.
    pub fn drop_channel_file(
        &mut self,
        workspace_id: WorkspaceId,
        (media_id, channel_id): (MediaId, ChannelId),
        provider_id: &str,
    ) -> Result<(), StoreError> {
        self.execute(&DROP_CHANNEL_FILE, &[&workspace_id, &media_id, &channel_id, &provider_id]).map(|_| ())
    }

    /// The file's bytes go, so nothing sends it again.
    pub(crate) fn drop_channel_files(&mut self, workspace_id: WorkspaceId, id: MediaId) -> Result<(), StoreError> {
        self.execute(&DROP_CHANNEL_FILES, &[&workspace_id, &id]).map(|_| ())
    }
}
