//! Colleagues who are spoken to in notes, and whether they have read it.
//!
//! A mention is written with its note in one transaction, once for each colleague and note (`mentions_message`). It holds
//! ids alone: what the note says is read from the transcript when somebody may see it.

use segue_model::{MentionId, MessageId, SessionId, Timestamp, UserId, WorkspaceId};
use uuid::Uuid;

use crate::{Row, StoreError, Tx};

/// A mention as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    pub id: MentionId,
    /// The colleague.
    pub user_id: UserId,
    pub session_id: SessionId,
    /// The note.
    pub message_id: MessageId,
    /// Who wrote it; nobody for a program.
    pub author_id: Option<UserId>,
    pub at: Timestamp,
    pub read_at: Option<Timestamp>,
}

crate::sql! {
    INSERT_MENTION = "INSERT INTO mentions (workspace_id, id, user_id, session_id, message_id, author_id, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    MENTION = "SELECT id, user_id, session_id, message_id, author_id, at, read_at FROM mentions
        WHERE workspace_id = $1 AND id = $2 AND user_id = $3";
    MENTIONS_OF = "SELECT id, user_id, session_id, message_id, author_id, at, read_at FROM mentions
        WHERE workspace_id = $1 AND user_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4";
    UNREAD_MENTIONS_OF = "SELECT id, user_id, session_id, message_id, author_id, at, read_at FROM mentions
        WHERE workspace_id = $1 AND user_id = $2 AND id < $3 AND read_at IS NULL ORDER BY id DESC LIMIT $4";
    COUNT_UNREAD = "SELECT COUNT(*) FROM mentions WHERE workspace_id = $1 AND user_id = $2 AND read_at IS NULL";
    READ_ONE = "UPDATE mentions SET read_at = $4
        WHERE workspace_id = $1 AND id = $2 AND user_id = $3 AND read_at IS NULL";
    READ_ALL = "UPDATE mentions SET read_at = $3 WHERE workspace_id = $1 AND user_id = $2 AND read_at IS NULL";
}

fn read(row: &mut Row<'_>) -> Result<Mention, StoreError> {
    Ok(Mention {
        id: row.next()?,
        user_id: row.next()?,
        session_id: row.next()?,
        message_id: row.next()?,
        author_id: row.next()?,
        at: row.next()?,
        read_at: row.next()?,
    })
}

impl Tx<'_> {
    /// Writes a mention, unread. `false` when the note speaks to the colleague already.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_mention(&mut self, workspace_id: WorkspaceId, mention: &Mention) -> Result<bool, StoreError> {
        let written = self.execute(
            &INSERT_MENTION,
            &[
                &workspace_id,
                &mention.id,
                &mention.user_id,
                &mention.session_id,
                &mention.message_id,
                &mention.author_id,
                &mention.at,
            ],
        )?;
        Ok(written == 1)
    }

    /// A mention of this colleague.
    ///
    /// # Errors
    /// When the store fails.
    pub fn mention(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: UserId,
        id: MentionId,
    ) -> Result<Option<Mention>, StoreError> {
        self.query_opt(&MENTION, &[&workspace_id, &id, &user_id], read)
    }

    /// Mentions of a colleague before `before`, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn mentions_of(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: UserId,
        before: Option<MentionId>,
        unread_only: bool,
        limit: u32,
    ) -> Result<Vec<Mention>, StoreError> {
        let before = before.unwrap_or(MentionId(Uuid::max()));
        let sql = if unread_only { &UNREAD_MENTIONS_OF } else { &MENTIONS_OF };
        self.query(sql, &[&workspace_id, &user_id, &before, &limit], read)
    }

    /// How many mentions a colleague has not read.
    ///
    /// # Errors
    /// When the store fails.
    pub fn unread_mentions(&mut self, workspace_id: WorkspaceId, user_id: UserId) -> Result<i64, StoreError> {
        self.query_one(&COUNT_UNREAD, &[&workspace_id, &user_id], |row| row.next())
    }

    /// The colleague has read one mention, or all without an id. Gives how many were unread.
    ///
    /// # Errors
    /// When the store fails.
    pub fn read_mentions(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: UserId,
        id: Option<MentionId>,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        match id {
            Some(id) => self.execute(&READ_ONE, &[&workspace_id, &id, &user_id, &now]),
            None => self.execute(&READ_ALL, &[&workspace_id, &user_id, &now]),
        }
    }
}
