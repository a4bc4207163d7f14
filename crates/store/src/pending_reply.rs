//! Replies that wait until the customer answers: written while the service window was closed, or refused because of it.
//!
//! A row is there as long as the reply waits. It is deleted in the transaction that puts the reply into the outbox,
//! discards it or lets it expire, so it is sent at most once, whatever crashes when. `sessions.pending` counts the rows of
//! a session and changes with them.

use segue_model::{
    MessageId, PendingReplyId, SessionId, Timestamp, UserId, WorkspaceId, content::Content, id::Id as _, time,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Row, StoreError, Tx, event::NewEvent, session::SessionAgent, tx::json_text};

segue_model::text_enum! {
    /// Why a reply waits.
    pub enum PendingReason {
        /// It was written while the window was closed.
        WindowClosed = "window_closed",
        /// WhatsApp refused it, or the window closed before it left.
        Refused = "refused",
    }
}

/// A reply that waits for the customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingReply {
    pub id: PendingReplyId,
    pub session_id: SessionId,
    pub content: Content,
    pub author_id: Option<UserId>,
    pub client_id: Option<String>,
    pub reason: PendingReason,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// Rises with every change.
    pub version: i64,
}

/// A reply that waits, as screens show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PendingReply)]
pub struct PendingReplyView {
    pub id: PendingReplyId,
    pub session_id: SessionId,
    /// `text`, `image`, `video`, `audio`, `document`, `sticker`, `buttons` or `list`.
    pub kind: String,
    pub text: String,
    pub author: Option<SessionAgent>,
    pub reason: PendingReason,
    pub created_at: Timestamp,
    /// It is given up then.
    pub expires_at: Timestamp,
    pub version: i64,
}

crate::sql! {
    INSERT_PENDING = "INSERT INTO pending_replies (workspace_id, id, session_id, content, text, author_id, client_id, reason,
            created_at, expires_at, version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1) ON CONFLICT DO NOTHING";
    SESSIONS_WITH_PENDING = "SELECT DISTINCT session_id FROM pending_replies WHERE workspace_id = $1";
    PENDING = "SELECT id, session_id, content, author_id, client_id, reason, created_at, expires_at, version
        FROM pending_replies WHERE workspace_id = $1 AND id = $2";
    PENDING_OF = "SELECT id, session_id, content, author_id, client_id, reason, created_at, expires_at, version
        FROM pending_replies WHERE workspace_id = $1 AND session_id = $2 ORDER BY created_at, id";
    PENDING_OF_CLIENT = "SELECT id FROM pending_replies
        WHERE workspace_id = $1 AND session_id = $2 AND client_id = $3";
    PENDING_VIEWS = "SELECT p.id, p.session_id, p.content, p.author_id, u.name, p.reason, p.created_at, p.expires_at,
            p.version
        FROM pending_replies p LEFT JOIN users u ON u.workspace_id = p.workspace_id AND u.id = p.author_id
        WHERE p.workspace_id = $1 AND p.session_id = $2 ORDER BY p.created_at, p.id";
    CHANGE_PENDING = "UPDATE pending_replies SET content = $4, text = $5, version = version + 1
        WHERE workspace_id = $1 AND id = $2 AND version = $3";
    DELETE_PENDING = "DELETE FROM pending_replies WHERE workspace_id = $1 AND id = $2";
    EXPIRED_PENDING = "SELECT id, session_id FROM pending_replies
        WHERE workspace_id = $1 AND expires_at <= $2 ORDER BY expires_at LIMIT $3";
    REFUSED_MESSAGE = "SELECT m.author_id, m.at, o.payload, s.channel_id FROM messages m
        JOIN outbox o ON o.workspace_id = m.workspace_id AND o.id = m.id
        JOIN sessions s ON s.workspace_id = m.workspace_id AND s.id = m.session_id AND s.state <> 'ended'
            AND s.opt_in <> 'declined'
        WHERE m.workspace_id = $1 AND m.session_id = $2 AND m.id = $3 AND m.author = 'agent'
            AND o.payload <> '{\"text\":\"\"}'";
    COUNT_PENDING = "UPDATE sessions SET pending = pending + 1, version = version + 1 WHERE workspace_id = $1 AND id = $2";
}

fn read(row: &mut Row<'_>) -> Result<PendingReply, StoreError> {
    Ok(PendingReply {
        id: row.next()?,
        session_id: row.next()?,
        content: row.json()?,
        author_id: row.next()?,
        client_id: row.next()?,
        reason: row.word()?,
        created_at: row.next()?,
        expires_at: row.next()?,
        version: row.next()?,
    })
}

fn read_view(row: &mut Row<'_>) -> Result<PendingReplyView, StoreError> {
    let (id, session_id) = (row.next()?, row.next()?);
    let content: Content = row.json()?;
    let (author_id, name): (Option<UserId>, Option<String>) = (row.next()?, row.next()?);
    Ok(PendingReplyView {
        id,
        session_id,
        kind: content.kind().to_owned(),
        text: content.text().to_owned(),
        author: author_id.zip(name).map(|(id, name)| SessionAgent { id, name }),
        reason: row.word()?,
        created_at: row.next()?,
        expires_at: row.next()?,
        version: row.next()?,
    })
}

impl Tx<'_> {
    /// Keeps a reply. `false` when it is kept already. The caller counts it on the session.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_pending_reply(
        &mut self,
        workspace_id: WorkspaceId,
        reply: &PendingReply,
    ) -> Result<bool, StoreError> {
        let written = self.execute(
            &INSERT_PENDING,
            &[
                &workspace_id,
                &reply.id,
                &reply.session_id,
                &json_text(&reply.content)?,
                &reply.content.text(),
                &reply.author_id,
                &reply.client_id,
                &reply.reason.as_str(),
                &reply.created_at,
                &reply.expires_at,
            ],
        )?;
        Ok(written == 1)
    }

    /// One reply that waits.
    ///
    /// # Errors
    /// When the store fails.
    pub fn pending_reply(
        &mut self,
        workspace_id: WorkspaceId,
        id: PendingReplyId,
    ) -> Result<Option<PendingReply>, StoreError> {
        self.query_opt(&PENDING, &[&workspace_id, &id], read)
    }

    /// The sessions in which a reply waits.
    ///
    /// # Errors
    /// When the store fails.
    pub fn sessions_with_pending_replies(&mut self, workspace_id: WorkspaceId) -> Result<Vec<SessionId>, StoreError> {
        self.query(&SESSIONS_WITH_PENDING, &[&workspace_id], |row| row.next())
    }

    /// The replies that wait in a session, in their order.
    ///
    /// # Errors
    /// When the store fails.
    pub fn pending_replies(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
    ) -> Result<Vec<PendingReply>, StoreError> {
        self.query(&PENDING_OF, &[&workspace_id, &session_id], read)
    }

    /// The same as screens show them.
    ///
    /// # Errors
    /// When the store fails.
    pub fn pending_reply_views(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
    ) -> Result<Vec<PendingReplyView>, StoreError> {
        self.query(&PENDING_VIEWS, &[&workspace_id, &session_id], read_view)
    }

    /// The reply that a console keeps under its own id.
    ///
    /// # Errors
    /// When the store fails.
    pub fn pending_reply_of_client(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        client_id: &str,
    ) -> Result<Option<PendingReplyId>, StoreError> {
        self.query_opt(&PENDING_OF_CLIENT, &[&workspace_id, &session_id, &client_id], |row| row.next())
    }

    /// Changes what a reply says. `false` when it has another version by now, or is gone.
    ///
    /// # Errors
    /// When the store fails.
    pub fn change_pending_reply(
        &mut self,
        workspace_id: WorkspaceId,
        id: PendingReplyId,
        version: i64,
        content: &Content,
    ) -> Result<bool, StoreError> {
        let fields: &[&dyn crate::Bind] = &[&workspace_id, &id, &version, &json_text(content)?, &content.text()];
        Ok(self.execute(&CHANGE_PENDING, fields)? == 1)
    }

    /// Takes a reply away. `false` when somebody else has: whoever gets `true` may send it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_pending_reply(&mut self, workspace_id: WorkspaceId, id: PendingReplyId) -> Result<bool, StoreError> {
        Ok(self.execute(&DELETE_PENDING, &[&workspace_id, &id])? == 1)
    }

    /// Replies that have waited as long as they may.
    ///
    /// # Errors
    /// When the store fails.
    pub fn expired_pending_replies(
        &mut self,
        workspace_id: WorkspaceId,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(PendingReplyId, SessionId)>, StoreError> {
        self.query(&EXPIRED_PENDING, &[&workspace_id, &now, &limit], |row| Ok((row.next()?, row.next()?)))
    }

    /// An agent's message came too late for the window: what it said waits for the customer from now on. The reply's id
    /// is the message's, so that however often it is told, it waits once. `false` when there is nothing to keep: a
    /// template, a bot's message, words that were removed with the customer, or a session that has ended.
    pub(crate) fn keep_refused(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        id: MessageId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let found = self.query_opt(&REFUSED_MESSAGE, &[&workspace_id, &session_id, &id], |row| {
            Ok((row.next()?, row.next()?, row.json()?, row.next()?))
        })?;
        let Some((author_id, written_at, content, channel_id)) = found else { return Ok(false) };
        if matches!(content, Content::Template { .. }) {
            return Ok(false);
        }
        let Some(channel) = self.channel(workspace_id, channel_id)? else { return Ok(false) };
        let reply = PendingReply {
            id: PendingReplyId::from_uuid(id.uuid()),
            session_id,
            content,
            author_id,
            client_id: None,
            reason: PendingReason::Refused,
            // Its place is where it was written, however late the refusal is told.
            created_at: written_at,
            expires_at: now.plus(i64::from(channel.conversation.pending_hours) * time::HOUR),
            version: 1,
        };
        if !self.insert_pending_reply(workspace_id, &reply)? {
            return Ok(false);
        }
        self.execute(&COUNT_PENDING, &[&workspace_id, &session_id])?;
        Ok(true)
    }

    /// [`Tx::keep_refused`] and telling the screens, for a message that did not leave in time.
    pub(crate) fn keep_late(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        id: MessageId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if self.keep_refused(workspace_id, session_id, id, now)? {
            self.tell_session(workspace_id, session_id, now);
        }
        Ok(())
    }

    /// Tells the screens that a session changed.
    pub(crate) fn tell_session(&mut self, workspace_id: WorkspaceId, session_id: SessionId, now: Timestamp) {
        self.emit(workspace_id, NewEvent::of_session("session.updated", session_id, now));
    }
}
