//! What a channel's provider calls the files that were uploaded there, so that a campaign uploads its picture once.
//!
//! The id is noted after the upload. A crash in between leaves a file at the provider that nobody names and that goes
//! there by itself; it is uploaded once more. The bytes of a file never change, so an id is good for as long as the
//! provider keeps it; with the bytes here goes the id.
//!
//! What the provider says later of a message can be about its file: the id is then noted as refused, in the transaction
//! that takes the report in, and not used again. A new one takes its place, but not within a minute of the last upload: a
//! file that the provider cannot take at all is not uploaded for each recipient.

use segue_model::{ChannelId, MediaId, MessageId, Timestamp, WorkspaceId, content::Content, time};

use crate::{StoreError, Tx};

/// How long an id is used: the provider keeps files for 30 days, and what is on its way has to arrive before.
const USED_FOR: i64 = 28 * time::DAY;
/// For so long after an upload there is no other one, whatever the provider says of it.
const UPLOAD_REST: i64 = time::MINUTE;

crate::sql! {
    CHANNEL_FILE = "SELECT provider_id, uploaded_at FROM channel_files
        WHERE workspace_id = $1 AND media_id = $2 AND channel_id = $3 AND number = $4 AND uploaded_at > $5
            AND (refused_at IS NULL OR uploaded_at > $6)";
    PUT_CHANNEL_FILE = "INSERT INTO channel_files (workspace_id, media_id, channel_id, number, provider_id, uploaded_at)
        SELECT workspace_id, id, $3, $4, $5, CAST($6 AS BIGINT) FROM media
        WHERE workspace_id = $1 AND id = $2 AND (data IS NOT NULL OR object IS NOT NULL)
        ON CONFLICT (workspace_id, media_id, channel_id) DO UPDATE SET number = excluded.number,
            provider_id = excluded.provider_id, uploaded_at = excluded.uploaded_at, refused_at = NULL";
    SENT = "SELECT payload, submitted_at FROM outbox
        WHERE workspace_id = $1 AND id = $2 AND channel_id = $3 AND submitted_at IS NOT NULL";
    /// What was uploaded anew since then is another file to the provider.
    REFUSE_CHANNEL_FILE = "UPDATE channel_files SET refused_at = $5
        WHERE workspace_id = $1 AND media_id = $2 AND channel_id = $3 AND uploaded_at <= $4 AND refused_at IS NULL";
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
        let (since, rested) = (now.plus(-USED_FOR), now.plus(-UPLOAD_REST));
        let keys: &[&dyn crate::Bind] = &[&workspace_id, &media_id, &channel_id, &number, &since, &rested];
        self.query_opt(&CHANNEL_FILE, keys, |row| Ok((row.next()?, row.next()?)))
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

    /// The provider says that the file of this message, as it was uploaded when the message left, is gone or bad.
    ///
    /// # Errors
    /// When the store fails.
    pub fn refuse_file_of(
        &mut self,
        workspace_id: WorkspaceId,
        (channel_id, message_id): (ChannelId, MessageId),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sent = self.query_opt(&SENT, &[&workspace_id, &message_id, &channel_id], |row| {
            Ok((row.next::<String>()?, row.next::<Timestamp>()?))
        })?;
        let Some((payload, submitted_at)) = sent else { return Ok(()) };
        // Which of several was meant is not told: all of them are uploaded anew.
        for media_id in serde_json::from_str::<Content>(&payload).map(|content| content.files()).unwrap_or_default() {
            let keys: &[&dyn crate::Bind] = &[&workspace_id, &media_id, &channel_id, &submitted_at, &now];
            self.execute(&REFUSE_CHANNEL_FILE, keys)?;
        }
        Ok(())
    }

    /// The file's bytes go, so nothing sends it again.
    pub(crate) fn drop_channel_files(&mut self, workspace_id: WorkspaceId, id: MediaId) -> Result<(), StoreError> {
        self.execute(&DROP_CHANNEL_FILES, &[&workspace_id, &id]).map(|_| ())
    }
}
