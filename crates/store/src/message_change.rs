//! What customers change of what they wrote: an edit shows its new words in place and keeps the earlier ones, a deletion
//! takes the words away.
//!
//! Each change is a row under its id at the provider, and the entry is made of all of them, so changes may come in any
//! order and any number of times. They may also come before the message itself: an edit then is the entry, under the
//! provider's id of the message, with a row that says what is missing ([`Tx::note_early_edit`]); when the message comes it
//! takes the place of that row ([`Tx::original_came`]). A deletion is remembered until then ([`crate::early_deletion`]).
//! The row, the entry and what the search knows of it change in one transaction.

use segue_model::{MessageId, SessionId, Timestamp, WorkspaceId};

use crate::{
    StoreError, Tx,
    event::NewEvent,
    message::{Direction, MessageContent, NewMessage},
    message_details::Wording,
    tx::json_text,
};

segue_model::text_enum! {
    /// What a row of the changes is.
    pub enum ChangeKind {
        /// What the customer wrote first.
        Written = "written",
        Edited = "edited",
        Deleted = "deleted",
        /// In the place of what was written first, as long as that has not come.
        Missing = "missing",
    }
}

segue_model::text_enum! {
    /// What becomes of the words that a customer deletes.
    pub enum DeletedWords {
        /// They are gone from the screen, the search and the database.
        Remove = "remove",
        /// They stay readable, marked as deleted.
        Keep = "keep",
    }
}

/// A change of an entry by the customer.
#[derive(Debug, Clone, Copy)]
pub struct MessageChange<'a> {
    /// Of the change itself.
    pub provider_id: &'a str,
    /// The new words; `None` for a deletion.
    pub text: Option<&'a str>,
    pub at: Timestamp,
}

/// What an entry said and says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedMessage {
    pub before: String,
    pub after: String,
}

/// A row of the changes.
struct Row {
    kind: ChangeKind,
    text: Option<String>,
    at: Timestamp,
}

crate::sql! {
    ENTRY_TO_CHANGE = "SELECT direction, text, content, at FROM messages
        WHERE workspace_id = $1 AND session_id = $2 AND id = $3";
    INSERT_CHANGE = "INSERT INTO message_changes (workspace_id, message_id, provider_id, kind, text, at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    CHANGES = "SELECT kind, text, at FROM message_changes WHERE workspace_id = $1 AND message_id = $2
        ORDER BY at, provider_id";
    FOUND_ORIGINAL = "UPDATE message_changes SET kind = 'written', text = $3, at = $4
        WHERE workspace_id = $1 AND message_id = $2 AND provider_id = '' AND kind = 'missing'";
    KIND_OF_ORIGINAL = "UPDATE messages SET kind = $4 WHERE workspace_id = $1 AND session_id = $2 AND id = $3";
    EMPTY_CHANGES = "UPDATE message_changes SET text = NULL WHERE workspace_id = $1 AND message_id = $2";
    CHANGE_ENTRY = "UPDATE messages SET text = $4, content = $5, media_id = $6
        WHERE workspace_id = $1 AND session_id = $2 AND id = $3";
}

impl Tx<'_> {
    /// Notes a change and shows it in the entry. `None` when it was noted before, or the entry is none of a customer. To
    /// be called under the lock of the session.
    ///
    /// # Errors
    /// When the store fails.
    pub fn change_message(
        &mut self,
        workspace_id: WorkspaceId,
        (session_id, id): (SessionId, MessageId),
        change: MessageChange<'_>,
        deleted: DeletedWords,
        now: Timestamp,
    ) -> Result<Option<ChangedMessage>, StoreError> {
        let Some((before, content, written_at)) = self.entry_to_change(workspace_id, session_id, id)? else {
            return Ok(None);
        };
        if content.details.deleted_at.is_none() {
            let first = (ChangeKind::Written, Some(before.as_str()), written_at);
            self.insert_change(workspace_id, id, "", first)?;
        }
        let kind = if change.text.is_some() { ChangeKind::Edited } else { ChangeKind::Deleted };
        // The words of an edit that comes after the deletion are gone, too.
        let is_gone = content.details.deleted_at.is_some() && deleted == DeletedWords::Remove;
        let text = change.text.filter(|_| !is_gone);
        if !self.insert_change(workspace_id, id, change.provider_id, (kind, text, change.at))? {
            return Ok(None);
        }
        self.fold_changes(workspace_id, (session_id, id), (before, content), deleted, now).map(Some)
    }

    /// Notes that an entry is an edit whose message has not come. To be called when the entry is written.
    ///
    /// # Errors
    /// When the store fails.
    pub fn note_early_edit(
        &mut self,
        workspace_id: WorkspaceId,
        id: MessageId,
        (provider_id, text): (&str, &str),
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.insert_change(workspace_id, id, "", (ChangeKind::Missing, None, at))?;
        self.insert_change(workspace_id, id, provider_id, (ChangeKind::Edited, Some(text), at)).map(|_| ())
    }

    /// What a customer wrote first comes after its edit: the entry becomes what it would be, had it come before. `None`
    /// when nothing is missing. To be called under the lock of the session.
    ///
    /// # Errors
    /// When the store fails.
    pub fn original_came(
        &mut self,
        workspace_id: WorkspaceId,
        (session_id, id): (SessionId, MessageId),
        (original, at): (&NewMessage, Timestamp),
        deleted: DeletedWords,
        now: Timestamp,
    ) -> Result<Option<ChangedMessage>, StoreError> {
        let Some((before, ..)) = self.entry_to_change(workspace_id, session_id, id)? else { return Ok(None) };
        if self.execute(&FOUND_ORIGINAL, &[&workspace_id, &id, &original.text, &at])? == 0 {
            return Ok(None);
        }
        self.execute(&KIND_OF_ORIGINAL, &[&workspace_id, &session_id, &id, &original.kind.as_str()])?;
        let entry = (before, original.content.clone());
        self.fold_changes(workspace_id, (session_id, id), entry, deleted, now).map(Some)
    }

    /// Whether the entry is an edit whose message has not come.
    ///
    /// # Errors
    /// When the store fails.
    pub fn is_original_missing(&mut self, workspace_id: WorkspaceId, id: MessageId) -> Result<bool, StoreError> {
        let kinds: Vec<ChangeKind> = self.query(&CHANGES, &[&workspace_id, &id], |row| row.word())?;
        Ok(kinds.contains(&ChangeKind::Missing))
    }

    /// An entry of a customer: its words, content and time.
    fn entry_to_change(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        id: MessageId,
    ) -> Result<Option<(String, MessageContent, Timestamp)>, StoreError> {
        let found = self.query_opt(&ENTRY_TO_CHANGE, &[&workspace_id, &session_id, &id], |row| {
            let (direction, text): (Direction, String) = (row.word()?, row.next()?);
            let (content, at): (MessageContent, Timestamp) = (row.json()?, row.next()?);
            Ok((direction, text, content, at))
        })?;
        Ok(found.and_then(|(direction, text, content, at)| {
            (direction == Direction::Inbound).then_some((text, content, at))
        }))
    }

    /// Makes the entry of all its changes.
    fn fold_changes(
        &mut self,
        workspace_id: WorkspaceId,
        (session_id, id): (SessionId, MessageId),
        (before, mut content): (String, MessageContent),
        deleted: DeletedWords,
        now: Timestamp,
    ) -> Result<ChangedMessage, StoreError> {
        let mut rows = self.query(&CHANGES, &[&workspace_id, &id], |row| {
            Ok(Row { kind: row.word()?, text: row.next()?, at: row.next()? })
        })?;
        let mut media = None;
        let deleted_at = rows.iter().find(|row| row.kind == ChangeKind::Deleted).map(|row| row.at);
        if deleted_at.is_some() && deleted == DeletedWords::Remove {
            self.execute(&EMPTY_CHANGES, &[&workspace_id, &id])?;
            rows.clear();
            media = content.media.take();
            content = MessageContent { reply_to: content.reply_to, ..MessageContent::default() };
        }
        let is_edited = rows.iter().any(|row| row.kind == ChangeKind::Edited && row.text.is_some());
        let mut wordings: Vec<Wording> =
            rows.into_iter().filter_map(|row| Some(Wording { text: row.text?, at: row.at })).collect();
        let after = wordings.pop().map(|last| last.text).unwrap_or_default();
        content.details.edited = is_edited;
        (content.details.earlier, content.details.deleted_at) = (wordings, deleted_at);
        let json = json_text(&content)?;
        let media_id = content.media.as_ref().map(|media| media.id);
        self.execute(&CHANGE_ENTRY, &[&workspace_id, &session_id, &id, &after, &json, &media_id])?;
        if let Some(media) = media {
            // An agent may have passed it on: then it stays there.
            self.let_go_of_media(workspace_id, media.id, "The customer deleted it.", now)?;
        }
        self.search_again(workspace_id, session_id, id)?;
        self.emit(workspace_id, NewEvent::of_changed_message(session_id, id, now));
        Ok(ChangedMessage { before, after })
    }

    fn insert_change(
        &mut self,
        workspace_id: WorkspaceId,
        id: MessageId,
        provider_id: &str,
        (kind, text, at): (ChangeKind, Option<&str>, Timestamp),
    ) -> Result<bool, StoreError> {
        let params: [&dyn crate::Bind; 6] = [&workspace_id, &id, &provider_id, &kind.as_str(), &text, &at];
        Ok(self.execute(&INSERT_CHANGE, &params)? == 1)
    }
}
