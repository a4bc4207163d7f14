//! What still needs a file, who may read it, and what becomes of one that nothing needs.
//!
//! A file can stand in several messages, in several conversations of several customers, above a template, in a campaign
//! that has not ended, in a campaign by SMS and what programs sent, in what a bot sends, in a reply that waits and in a message on its way. So it is emptied or removed
//! only when none of that is left, and whether it is left is asked in the transaction that removes. Whoever puts a file into
//! a message takes it by [`Tx::media_to_use`]: the lock lets the two happen only one after the other.
//!
//! # Why a crash at each point is safe
//! The reference and the bytes, or the key of the object, go in one transaction. The object itself is left to those who
//! remove what no row speaks of ([`crate::media`]). An upload's note is deleted with the file or when a message holds it;
//! until then it is looked at again.

use segue_model::{MediaId, Timestamp, UserId, WorkspaceId};

use crate::{StoreError, Tx, media::Media};

crate::sql! {
    IN_A_MESSAGE = "SELECT 1 FROM messages WHERE workspace_id = $1 AND media_id = $2 LIMIT 1";
    ON_A_CARD = "SELECT 1 FROM card_files WHERE workspace_id = $1 AND media_id = $2 LIMIT 1";
    /// Beside messages: templates and their drafts, campaigns, bots (what is published, and what a conversation still
    /// follows), replies that wait, and messages on their way that show it nowhere else, as above a template. Each of these
    /// tables, or the part that is looked at, is small.
    NEEDED_ELSEWHERE = "SELECT 1 WHERE EXISTS (SELECT 1 FROM templates t
                WHERE t.workspace_id = $1 AND (t.media_id = $2 OR t.draft LIKE $3 OR t.card_media LIKE $3))
            OR EXISTS (SELECT 1 FROM campaign_files f JOIN campaigns c ON c.workspace_id = f.workspace_id
                AND c.id = f.campaign_id
                WHERE f.workspace_id = $1 AND f.media_id = $2 AND c.state NOT IN ('finished', 'canceled'))
            OR EXISTS (SELECT 1 FROM text_files i WHERE i.workspace_id = $1 AND i.media_id = $2 AND i.owner <> 'inbound')
            OR EXISTS (SELECT 1 FROM flow_files x WHERE x.workspace_id = $1 AND x.media_id = $2
                AND (EXISTS (SELECT 1 FROM flows w
                        WHERE w.workspace_id = $1 AND w.published_version_id = x.flow_version_id)
                    OR EXISTS (SELECT 1 FROM flow_runs r
                        WHERE r.workspace_id = $1 AND r.flow_version_id = x.flow_version_id
                            AND r.status IN ('running', 'waiting'))))
            OR EXISTS (SELECT 1 FROM pending_replies p WHERE p.workspace_id = $1 AND p.content LIKE $3)
            OR EXISTS (SELECT 1 FROM outbox o WHERE o.workspace_id = $1 AND o.session_id IS NOT NULL
                AND (o.state = 'queued' OR o.state = 'claimed' OR o.state = 'submitting') AND o.payload LIKE $3)";
    /// The same words as `segue_desk::sight`: a conversation of one's own or waiting in one's queues, and what the same
    /// customer wrote before to that number.
    IN_SIGHT = "SELECT 1 FROM messages m
        JOIN sessions s ON s.workspace_id = m.workspace_id AND s.id = m.session_id
        JOIN sessions o ON o.workspace_id = s.workspace_id AND o.messaging_user_id = s.messaging_user_id
            AND o.channel_id = s.channel_id AND (o.id = s.id OR o.state <> 'ended')
        WHERE m.workspace_id = $1 AND m.media_id = $2 AND (o.agent_id = $3
            OR (o.agent_id IS NULL AND o.state IN ('waiting', 'error') AND o.queue_id IN (
                SELECT q.queue_id FROM queue_members q WHERE q.workspace_id = $1 AND q.user_id = $3)))
        LIMIT 1";
    NOTE_UPLOAD = "INSERT INTO media_uploads (workspace_id, media_id, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    OLD_UPLOADS = "SELECT media_id FROM media_uploads WHERE workspace_id = $1 AND at < $2 ORDER BY at, media_id LIMIT $3";
    NOTE_CAMPAIGN_UPLOAD = "UPDATE media_uploads SET purpose = 'campaign' WHERE workspace_id = $1 AND media_id = $2";
    FOR_CAMPAIGNS = "SELECT 1 WHERE EXISTS (SELECT 1 FROM media_uploads u
                WHERE u.workspace_id = $1 AND u.media_id = $2 AND u.purpose = 'campaign')
            OR EXISTS (SELECT 1 FROM campaign_files f WHERE f.workspace_id = $1 AND f.media_id = $2)
            OR EXISTS (SELECT 1 FROM text_files i WHERE i.workspace_id = $1 AND i.media_id = $2 AND i.owner <> 'inbound')
            OR EXISTS (SELECT 1 FROM templates t
                WHERE t.workspace_id = $1 AND (t.media_id = $2 OR t.card_media LIKE $3))";
    FORGET_UPLOAD = "DELETE FROM media_uploads WHERE workspace_id = $1 AND media_id = $2";
    LOOK_LATER = "UPDATE media_uploads SET at = $3 WHERE workspace_id = $1 AND media_id = $2";
    DELETE_UPLOAD = "DELETE FROM media WHERE workspace_id = $1 AND id = $2";
}

/// Who wants to put a file into a message, and who wants to take it away.
const LOCK: &str = "media";

impl Tx<'_> {
    /// A file without its bytes, that is to be put into a message in this transaction: nobody takes it away meanwhile.
    ///
    /// # Errors
    /// When the store fails.
    pub fn media_to_use(&mut self, workspace_id: WorkspaceId, id: MediaId) -> Result<Option<Media>, StoreError> {
        self.lock_shared(LOCK, &id)?;
        self.media(workspace_id, id)
    }

    /// Whether a message holds the file.
    ///
    /// # Errors
    /// When the store fails.
    pub fn is_media_in_a_message(&mut self, workspace_id: WorkspaceId, id: MediaId) -> Result<bool, StoreError> {
        Ok(self.query_opt(&IN_A_MESSAGE, &[&workspace_id, &id], |row| row.next::<i64>())?.is_some())
    }

    /// Whether a message holds the file or shows it on a card.
    fn is_media_shown(&mut self, workspace_id: WorkspaceId, id: MediaId) -> Result<bool, StoreError> {
        let on_a_card = self.query_opt(&ON_A_CARD, &[&workspace_id, &id], |row| row.next::<i64>())?;
        Ok(on_a_card.is_some() || self.is_media_in_a_message(workspace_id, id)?)
    }

    /// Whether something beside messages needs the file.
    fn is_media_needed_elsewhere(&mut self, workspace_id: WorkspaceId, id: MediaId) -> Result<bool, StoreError> {
        let named = format!("%{id}%");
        Ok(self.query_opt(&NEEDED_ELSEWHERE, &[&workspace_id, &id, &named], |row| row.next::<i64>())?.is_some())
    }

    /// Whether an agent may read a conversation that the file belongs to, however many those are.
    ///
    /// # Errors
    /// When the store fails.
    pub fn is_media_in_sight(
        &mut self,
        workspace_id: WorkspaceId,
        id: MediaId,
        user_id: UserId,
    ) -> Result<bool, StoreError> {
        Ok(self.query_opt(&IN_SIGHT, &[&workspace_id, &id, &user_id], |row| row.next::<i64>())?.is_some())
    }

    /// Removes a file's bytes and name for good, unless something still needs it. To be called when the reference that
    /// is no more is gone. `false` when it stays: with another message, or until a draft, a template or a reply that waits
    /// needs it no longer ([`Tx::remove_unsent_uploads`]).
    ///
    /// # Errors
    /// When the store fails.
    pub fn let_go_of_media(
        &mut self,
        workspace_id: WorkspaceId,
        id: MediaId,
        why: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.lock(LOCK, &id)?;
        if self.is_media_shown(workspace_id, id)? {
            return Ok(false);
        }
        if self.is_media_needed_elsewhere(workspace_id, id)? {
            // No message leads to it any more, so it is looked at again like an upload.
            self.note_upload(workspace_id, id, now)?;
            return Ok(false);
        }
        self.empty_media(workspace_id, id, why)?;
        Ok(true)
    }

    /// Notes that somebody uploaded a file.
    pub(crate) fn note_upload(
        &mut self,
        workspace_id: WorkspaceId,
        id: MediaId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(&NOTE_UPLOAD, &[&workspace_id, &id, &now]).map(|_| ())
    }

    /// Notes that a file was uploaded for campaigns, and not for a conversation.
    ///
    /// # Errors
    /// When the store fails.
    pub fn note_campaign_upload(&mut self, workspace_id: WorkspaceId, id: MediaId) -> Result<(), StoreError> {
        self.execute(&NOTE_CAMPAIGN_UPLOAD, &[&workspace_id, &id]).map(|_| ())
    }

    /// Whether whoever runs campaigns may send the file: it was uploaded for one, or stands in one or above a template.
    ///
    /// # Errors
    /// When the store fails.
    pub fn is_media_for_campaigns(&mut self, workspace_id: WorkspaceId, id: MediaId) -> Result<bool, StoreError> {
        let named = format!("%{id}%");
        Ok(self.query_opt(&FOR_CAMPAIGNS, &[&workspace_id, &id, &named], |row| row.next::<i64>())?.is_some())
    }

    /// Removes up to `limit` files that were uploaded before `before` and that nothing needs. Gives how many were looked
    /// at, and how many of them were removed. What a draft or a reply that waits needs is looked at again as long after
    /// `now` as after its upload.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remove_unsent_uploads(
        &mut self,
        workspace_id: WorkspaceId,
        before: Timestamp,
        limit: u32,
        now: Timestamp,
    ) -> Result<(usize, usize), StoreError> {
        let ids: Vec<MediaId> = self.query(&OLD_UPLOADS, &[&workspace_id, &before, &limit], |row| row.next())?;
        let mut removed = 0;
        for id in &ids {
            self.lock(LOCK, id)?;
            if self.is_media_shown(workspace_id, *id)? {
                self.execute(&FORGET_UPLOAD, &[&workspace_id, id])?;
            } else if self.is_media_needed_elsewhere(workspace_id, *id)? {
                self.execute(&LOOK_LATER, &[&workspace_id, id, &now])?;
            } else {
                self.leave_object(workspace_id, *id)?;
                self.execute(&DELETE_UPLOAD, &[&workspace_id, id])?;
                self.execute(&FORGET_UPLOAD, &[&workspace_id, id])?;
                removed += 1;
            }
        }
        Ok((ids.len(), removed))
    }
}
