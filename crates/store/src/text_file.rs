//! The files of texts: of campaigns by SMS, of single messages, and of what customers text.
//!
//! The files of a message are in its payload, which is what leaves; the notes here say that a file is needed, and who may
//! see it. They are written in the transaction that writes what needs the file, which takes the file by
//! [`Tx::media_to_use`]: a crash leaves both or neither, and nobody removes the file in between. A text that came in is
//! stored with the files it named, each still to be fetched ([`crate::media`]).

use segue_model::{
    CampaignId, ChannelId, Ctx, InboundTextId, MediaId, MessageId, PhoneNumber, Timestamp, WorkspaceId, id::Id as _,
};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    Row, StoreError, Tx,
    media::{FilePresence, RemoteMedia},
};

segue_model::text_enum! {
    /// What a file belongs to.
    pub enum TextFileOwner {
        Campaign = "campaign",
        /// A single message that a program sent.
        Message = "message",
        /// A text of a customer.
        Inbound = "inbound",
    }
}

/// A file of a text as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TextFile {
    pub id: MediaId,
    /// By its bytes; what the provider says while they are not here.
    pub mime: String,
    /// In bytes; 0 while it is not here.
    pub size: u64,
    pub file_name: Option<String>,
    pub presence: FilePresence,
    /// Why it could not be fetched, or that it was removed.
    pub failure: Option<String>,
}

/// A file that a provider named in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFile {
    /// Where the provider has it.
    pub url: String,
    /// As the provider says.
    pub mime: String,
}

/// What stands in the place of a file that was removed with its contact.
const FILE_REMOVED: &str = "It was removed with the contact.";

crate::sql! {
    PUT_FILE = "INSERT INTO text_files (workspace_id, owner_id, position, media_id, owner) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT DO NOTHING";
    TAKE_FILES = "DELETE FROM text_files WHERE workspace_id = $1 AND owner_id = $2";
    FILES_OF = "SELECT m.id, m.mime, m.size, m.file_name, m.data IS NOT NULL OR m.object IS NOT NULL, m.failure,
            m.check_state
        FROM text_files x JOIN media m ON m.workspace_id = x.workspace_id AND m.id = x.media_id
        WHERE x.workspace_id = $1 AND x.owner_id = $2 ORDER BY x.position";
    /// A received file belongs to one text; that of a contact that was deleted is nobody's.
    SENDER_OF_FILE = "SELECT t.address FROM text_files x
        JOIN inbound_texts t ON t.workspace_id = x.workspace_id AND t.id = x.owner_id
        WHERE x.workspace_id = $1 AND x.media_id = $2 AND x.owner = 'inbound' AND t.gone_contact_id IS NULL LIMIT 1";
    RECEIVED_FROM = "SELECT x.media_id FROM inbound_texts t
        JOIN text_files x ON x.workspace_id = t.workspace_id AND x.owner_id = t.id
        WHERE t.workspace_id = $1 AND t.address = $2 AND t.files > 0";
}

fn read(row: &mut Row<'_>) -> Result<TextFile, StoreError> {
    let (id, mime, size, file_name) = (row.next()?, row.next()?, row.next()?, row.next()?);
    let bytes = if row.next()? { FilePresence::Stored } else { FilePresence::Pending };
    let (failure, check): (Option<String>, Option<String>) = (row.next()?, row.next()?);
    let presence = bytes.seen(check.as_deref(), failure.is_some());
    Ok(TextFile { id, mime, size, file_name, presence, failure })
}

impl Tx<'_> {
    fn put_text_files(
        &mut self,
        workspace_id: WorkspaceId,
        (owner, owner_id): (TextFileOwner, Uuid),
        files: &[MediaId],
    ) -> Result<(), StoreError> {
        for (position, media_id) in (0_i64..).zip(files) {
            self.media_to_use(workspace_id, *media_id)?;
            self.execute(&PUT_FILE, &[&workspace_id, &owner_id, &position, media_id, &owner.as_str()])?;
        }
        Ok(())
    }

    /// Notes which files a campaign has now.
    pub(crate) fn put_campaign_media(
        &mut self,
        workspace_id: WorkspaceId,
        id: CampaignId,
        files: &[MediaId],
    ) -> Result<(), StoreError> {
        self.execute(&TAKE_FILES, &[&workspace_id, &id.uuid()])?;
        self.put_text_files(workspace_id, (TextFileOwner::Campaign, id.uuid()), files)
    }

    /// Notes that a campaign that was deleted has no files any more.
    pub(crate) fn take_campaign_media(&mut self, workspace_id: WorkspaceId, id: CampaignId) -> Result<(), StoreError> {
        self.execute(&TAKE_FILES, &[&workspace_id, &id.uuid()]).map(|_| ())
    }

    /// Notes which files a single message has. Call it in the transaction that queues it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_message_media(
        &mut self,
        workspace_id: WorkspaceId,
        id: MessageId,
        files: &[MediaId],
    ) -> Result<(), StoreError> {
        self.put_text_files(workspace_id, (TextFileOwner::Message, id.uuid()), files)
    }

    /// Notes the files that came with a text, and plans to fetch them. Call it in the transaction that keeps the text.
    ///
    /// # Errors
    /// When the store fails.
    pub fn receive_text_files(
        &mut self,
        workspace_id: WorkspaceId,
        (id, channel_id): (InboundTextId, ChannelId),
        files: &[NamedFile],
        ctx: &Ctx,
    ) -> Result<(), StoreError> {
        let mut ids = Vec::with_capacity(files.len());
        for file in files {
            let media = RemoteMedia {
                id: ctx.id(),
                channel_id,
                provider_id: file.url.clone(),
                mime: file.mime.clone(),
                file_name: None,
                sha256: Vec::new(),
            };
            self.insert_remote_media(workspace_id, &media, ctx)?;
            ids.push(media.id);
        }
        self.put_text_files(workspace_id, (TextFileOwner::Inbound, id.uuid()), &ids)
    }

    /// The files of a campaign, in their order.
    ///
    /// # Errors
    /// When the store fails.
    pub fn campaign_media(&mut self, workspace_id: WorkspaceId, id: CampaignId) -> Result<Vec<TextFile>, StoreError> {
        self.text_files(workspace_id, id.uuid())
    }

    /// The files of a single message, in their order.
    ///
    /// # Errors
    /// When the store fails.
    pub fn message_media(&mut self, workspace_id: WorkspaceId, id: MessageId) -> Result<Vec<TextFile>, StoreError> {
        self.text_files(workspace_id, id.uuid())
    }

    /// The number that a file was texted from, unless its holder was deleted since.
    ///
    /// # Errors
    /// When the store fails.
    pub fn sender_of_text_file(
        &mut self,
        workspace_id: WorkspaceId,
        id: MediaId,
    ) -> Result<Option<String>, StoreError> {
        self.query_opt(&SENDER_OF_FILE, &[&workspace_id, &id], |row| row.next())
    }

    pub(crate) fn text_files(&mut self, workspace_id: WorkspaceId, owner: Uuid) -> Result<Vec<TextFile>, StoreError> {
        self.query(&FILES_OF, &[&workspace_id, &owner], read)
    }

    /// Removes the files that came from a number that is nobody's any more; the texts stay, as the proof of what was said.
    pub(crate) fn forget_received_files(
        &mut self,
        workspace_id: WorkspaceId,
        phone: &PhoneNumber,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if self.contact_by_phone(workspace_id, phone)?.is_some() {
            return Ok(());
        }
        let files: Vec<MediaId> = self.query(&RECEIVED_FROM, &[&workspace_id, &phone.as_str()], |row| row.next())?;
        for media_id in files {
            self.let_go_of_media(workspace_id, media_id, FILE_REMOVED, now)?;
        }
        Ok(())
    }
}
