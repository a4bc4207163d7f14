//! Files of conversations in a list: those of one conversation, of a case, or of everything that was written with a
//! contact.

use segue_model::{CaseId, ChannelId, MediaId, MessageId, MessagingUserId, SessionId, Timestamp, UserId, WorkspaceId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Row, StoreError, Tx,
    media::FilePresence,
    message::{AuthorKind, AuthorView, Direction, MediaReference, MediaView, MessageCursor, MessageKind},
};

/// A file of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Attachment)]
pub struct AttachmentView {
    pub media: MediaView,
    /// The message it came with.
    pub message_id: MessageId,
    pub session_id: SessionId,
    pub channel_id: ChannelId,
    pub kind: MessageKind,
    pub direction: Direction,
    pub author: AuthorView,
    /// The customer's name, as the session shows it.
    pub customer: Option<String>,
    /// What was written with it.
    pub text: String,
    /// Whether it is a voice message.
    pub voice: bool,
    pub at: Timestamp,
}

/// Whose files are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttachmentScope {
    Session(SessionId),
    /// Everything that was written with these customers.
    Customers(Vec<MessagingUserId>),
}

/// One page of files, the latest first.
#[derive(Debug, Clone)]
pub struct AttachmentQuery {
    pub scope: AttachmentScope,
    /// Only what this agent may read; everything when it is `None`.
    pub viewer: Option<UserId>,
    pub before: MessageCursor,
    pub limit: u32,
}

crate::sql! {
    OF_SESSION = "SELECT m.media_id, f.mime, f.file_name, f.size,
            CASE WHEN f.check_state = 'infected' THEN 'infected'
                WHEN f.data IS NOT NULL OR f.object IS NOT NULL THEN
                    CASE WHEN f.check_state IN ('checking', 'unchecked') THEN f.check_state ELSE 'stored' END
                WHEN f.failure IS NOT NULL THEN 'failed' ELSE 'pending' END,
            m.id, m.session_id, m.channel_id, m.kind, m.direction, m.author, a.name, u.profile_name, m.text, m.content, m.at
        FROM messages m
        JOIN media f ON f.workspace_id = m.workspace_id AND f.id = m.media_id
        JOIN sessions s ON s.workspace_id = m.workspace_id AND s.id = m.session_id
        JOIN messaging_users u ON u.workspace_id = s.workspace_id AND u.id = s.messaging_user_id
        LEFT JOIN users a ON a.workspace_id = m.workspace_id AND a.id = m.author_id
        WHERE m.workspace_id = $1 AND m.session_id = $2 AND m.media_id IS NOT NULL AND (m.at, m.id) < ($3, $4)
        ORDER BY m.at DESC, m.id DESC LIMIT $5";
    OF_CUSTOMER = "SELECT m.media_id, f.mime, f.file_name, f.size,
            CASE WHEN f.check_state = 'infected' THEN 'infected'
                WHEN f.data IS NOT NULL OR f.object IS NOT NULL THEN
                    CASE WHEN f.check_state IN ('checking', 'unchecked') THEN f.check_state ELSE 'stored' END
                WHEN f.failure IS NOT NULL THEN 'failed' ELSE 'pending' END,
            m.id, m.session_id, m.channel_id, m.kind, m.direction, m.author, a.name, u.profile_name, m.text, m.content, m.at
        FROM sessions s
        JOIN messages m ON m.workspace_id = s.workspace_id AND m.session_id = s.id
        JOIN media f ON f.workspace_id = m.workspace_id AND f.id = m.media_id
        JOIN messaging_users u ON u.workspace_id = s.workspace_id AND u.id = s.messaging_user_id
        LEFT JOIN users a ON a.workspace_id = m.workspace_id AND a.id = m.author_id
        WHERE s.workspace_id = $1 AND s.messaging_user_id = $2 AND m.media_id IS NOT NULL AND (m.at, m.id) < ($3, $4)
            AND (CAST($6 AS BIGINT) = 0 OR s.agent_id = $7 OR EXISTS (SELECT 1 FROM sessions o
                WHERE o.workspace_id = s.workspace_id AND o.channel_id = s.channel_id
                    AND o.messaging_user_id = s.messaging_user_id AND o.state <> 'ended'
                    AND (o.agent_id = $7 OR (o.agent_id IS NULL AND o.state IN ('waiting', 'error') AND EXISTS (
                        SELECT 1 FROM queue_members q WHERE q.workspace_id = o.workspace_id AND q.queue_id = o.queue_id
                            AND q.user_id = $7)))))
        ORDER BY m.at DESC, m.id DESC LIMIT $5";
    SESSION_OF_CASE = "SELECT session_id FROM cases WHERE workspace_id = $1 AND id = $2";
}

fn read(row: &mut Row<'_>) -> Result<AttachmentView, StoreError> {
    let (id, mime, file_name): (MediaId, String, _) = (row.next()?, row.next()?, row.next()?);
    let (size, presence): (u64, FilePresence) = (row.next()?, row.word()?);
    let reference = MediaReference { id, mime: mime.clone(), file_name };
    let media = MediaView::new(reference, (Some(mime), Some(size)), Some(presence));
    let (message_id, session_id, channel_id) = (row.next()?, row.next()?, row.next()?);
    let (kind, direction, author): (MessageKind, Direction, AuthorKind) = (row.word()?, row.word()?, row.word()?);
    let author = AuthorView { kind: author, name: row.next()? };
    let (customer, text) = (row.next()?, row.next()?);
    let content: crate::message::MessageContent = row.json()?;
    let voice = content.details.voice;
    let at = row.next()?;
    Ok(AttachmentView { media, message_id, session_id, channel_id, kind, direction, author, customer, text, voice, at })
}

impl Tx<'_> {
    /// One page of the files of a conversation or of customers, the latest first.
    ///
    /// The permission to read one conversation is the caller's to check; among the conversations of customers only those
    /// are looked at that the viewer may read.
    ///
    /// # Errors
    /// When the store fails.
    pub fn attachments(
        &mut self,
        workspace_id: WorkspaceId,
        query: &AttachmentQuery,
    ) -> Result<Vec<AttachmentView>, StoreError> {
        let before = query.before;
        match &query.scope {
            AttachmentScope::Session(id) => {
                self.query(&OF_SESSION, &[&workspace_id, id, &before.at, &before.id, &query.limit], read)
            }
            AttachmentScope::Customers(customers) => {
                let is_narrow = i64::from(query.viewer.is_some());
                let mut all = Vec::new();
                for customer in customers {
                    let params: &[&dyn crate::Bind] =
                        &[&workspace_id, customer, &before.at, &before.id, &query.limit, &is_narrow, &query.viewer];
                    all.extend(self.query(&OF_CUSTOMER, params, read)?);
                }
                all.sort_by_key(|file| std::cmp::Reverse((file.at, file.message_id)));
                all.truncate(query.limit as usize);
                Ok(all)
            }
        }
    }

    /// The conversation that a case was opened in. `None` when there is no such case; `Some(None)` when it has none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn session_of_case(
        &mut self,
        workspace_id: WorkspaceId,
        id: CaseId,
    ) -> Result<Option<Option<SessionId>>, StoreError> {
        self.query_opt(&SESSION_OF_CASE, &[&workspace_id, &id], |row| row.next())
    }
}
