//! Programmes that people join by text, and the words they text.

use segue_model::{
    KeywordId, ListId, ProgrammeId, SenderId, Timestamp, WorkspaceId,
    id::Id as _,
    plain,
    programme::{Covers, KeywordAction, ProgrammeOptIn, ProgrammeSettings},
};
use serde::Serialize;
use uuid::Uuid;

use crate::{Row, StoreError, Tx, tx::json_text};

/// A programme as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Programme)]
pub struct ProgrammeView {
    pub id: ProgrammeId,
    pub sender_id: SenderId,
    pub name: String,
    pub opt_in: ProgrammeOptIn,
    pub covers: Covers,
    /// Subscribers are put on this list.
    pub list_id: Option<ListId>,
    pub settings: ProgrammeSettings,
    pub active: i64,
    pub pending: i64,
    pub created_at: Timestamp,
    /// Nobody can join any more from then on.
    pub ended_at: Option<Timestamp>,
    pub version: i64,
}

/// A word that people text to a sender.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = SenderKeyword)]
pub struct KeywordView {
    pub id: KeywordId,
    pub sender_id: SenderId,
    pub word: String,
    pub action: KeywordAction,
    /// The word counts from then on; from the beginning when absent.
    pub valid_from: Option<Timestamp>,
    /// The word counts until then; for ever when absent.
    pub valid_until: Option<Timestamp>,
    pub created_at: Timestamp,
}

impl KeywordView {
    /// Whether the word counts at a moment.
    #[must_use]
    pub fn is_valid(&self, at: Timestamp) -> bool {
        self.valid_from.is_none_or(|from| from <= at) && self.valid_until.is_none_or(|until| at < until)
    }

    /// Whether it joins this programme.
    #[must_use]
    pub fn joins(&self, programme: ProgrammeId) -> bool {
        matches!(self.action, KeywordAction::Join { programme_id } if programme_id == programme)
    }

    /// Whether two words of one sender could count at the same moment.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let starts_before_end = |one: &Self, two: &Self| match (one.valid_from, two.valid_until) {
            (Some(from), Some(until)) => from < until,
            _ => true,
        };
        self.sender_id == other.sender_id
            && plain::compact(&self.word) == plain::compact(&other.word)
            && starts_before_end(self, other)
            && starts_before_end(other, self)
    }
}

crate::sql! {
    INSERT_PROGRAMME = "INSERT INTO programmes (workspace_id, id, sender_id, name, opt_in, covers, list_id, settings,
            created_at, version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1) ON CONFLICT (workspace_id, name) DO NOTHING";
    UPDATE_PROGRAMME = "UPDATE programmes SET sender_id = $3, name = $4, opt_in = $5, covers = $6, list_id = $7,
            settings = $8, ended_at = $9, version = version + 1
        WHERE workspace_id = $1 AND id = $2 AND version = $10 AND NOT EXISTS (SELECT 1 FROM programmes o
            WHERE o.workspace_id = $1 AND o.name = $4 AND o.id <> $2)";
    PROGRAMMES = "SELECT p.id, p.sender_id, p.name, p.opt_in, p.covers, p.list_id, p.settings,
            (SELECT COUNT(*) FROM subscriptions s WHERE s.workspace_id = p.workspace_id AND s.programme_id = p.id
                AND s.state = 'active'),
            (SELECT COUNT(*) FROM subscriptions s WHERE s.workspace_id = p.workspace_id AND s.programme_id = p.id
                AND s.state = 'pending'),
            p.created_at, p.ended_at, p.version
        FROM programmes p WHERE p.workspace_id = $1 AND p.id < $2 ORDER BY p.id DESC LIMIT $3";
    PROGRAMME = "SELECT p.id, p.sender_id, p.name, p.opt_in, p.covers, p.list_id, p.settings,
            (SELECT COUNT(*) FROM subscriptions s WHERE s.workspace_id = p.workspace_id AND s.programme_id = p.id
                AND s.state = 'active'),
            (SELECT COUNT(*) FROM subscriptions s WHERE s.workspace_id = p.workspace_id AND s.programme_id = p.id
                AND s.state = 'pending'),
            p.created_at, p.ended_at, p.version
        FROM programmes p WHERE p.workspace_id = $1 AND p.id = $2";
    INSERT_KEYWORD = "INSERT INTO keywords (workspace_id, id, sender_id, word, plain, action, programme_id, valid_from,
            valid_until, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    UPDATE_KEYWORD = "UPDATE keywords SET sender_id = $3, word = $4, plain = $5, action = $6, programme_id = $7,
            valid_from = $8, valid_until = $9
        WHERE workspace_id = $1 AND id = $2";
    DELETE_DIALOGUES = "DELETE FROM keyword_dialogues WHERE workspace_id = $1 AND keyword_id = $2";
    DELETE_KEYWORD = "DELETE FROM keywords WHERE workspace_id = $1 AND id = $2";
    KEYWORDS = "SELECT id, sender_id, word, action, valid_from, valid_until, created_at FROM keywords
        WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    KEYWORD = "SELECT id, sender_id, word, action, valid_from, valid_until, created_at FROM keywords
        WHERE workspace_id = $1 AND id = $2";
    KEYWORDS_OF_SENDER = "SELECT id, sender_id, word, action, valid_from, valid_until, created_at FROM keywords
        WHERE workspace_id = $1 AND sender_id = $2 ORDER BY id";
    KEYWORDS_OF_PLAIN = "SELECT id, sender_id, word, action, valid_from, valid_until, created_at FROM keywords
        WHERE workspace_id = $1 AND sender_id = $2 AND plain = $3 ORDER BY id";
}

fn read_programme(row: &mut Row<'_>) -> Result<ProgrammeView, StoreError> {
    Ok(ProgrammeView {
        id: row.next()?,
        sender_id: row.next()?,
        name: row.next()?,
        opt_in: row.word()?,
        covers: row.word()?,
        list_id: row.next()?,
        settings: row.json()?,
        active: row.next()?,
        pending: row.next()?,
        created_at: row.next()?,
        ended_at: row.next()?,
        version: row.next()?,
    })
}

fn read_keyword(row: &mut Row<'_>) -> Result<KeywordView, StoreError> {
    Ok(KeywordView {
        id: row.next()?,
        sender_id: row.next()?,
        word: row.next()?,
        action: row.json()?,
        valid_from: row.next()?,
        valid_until: row.next()?,
        created_at: row.next()?,
    })
}

const fn programme_of(action: &KeywordAction) -> Option<ProgrammeId> {
    match action {
        KeywordAction::Join { programme_id } | KeywordAction::Leave { programme_id } => Some(*programme_id),
        KeywordAction::Reply { .. } | KeywordAction::Vote(_) => None,
    }
}

impl Tx<'_> {
    /// Adds a programme. `false` when one has its name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_programme(
        &mut self,
        workspace_id: WorkspaceId,
        programme: &ProgrammeView,
    ) -> Result<bool, StoreError> {
        let settings = json_text(&programme.settings)?;
        let written = self.execute(
            &INSERT_PROGRAMME,
            &[
                &workspace_id,
                &programme.id,
                &programme.sender_id,
                &programme.name,
                &programme.opt_in.as_str(),
                &programme.covers.as_str(),
                &programme.list_id,
                &settings,
                &programme.created_at,
            ],
        )?;
        Ok(written == 1)
    }

    /// Stores everything about a programme that can change. `false` when it has been changed since it was read, or
    /// another one has its name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn update_programme(
        &mut self,
        workspace_id: WorkspaceId,
        programme: &ProgrammeView,
    ) -> Result<bool, StoreError> {
        let settings = json_text(&programme.settings)?;
        let written = self.execute(
            &UPDATE_PROGRAMME,
            &[
                &workspace_id,
                &programme.id,
                &programme.sender_id,
                &programme.name,
                &programme.opt_in.as_str(),
                &programme.covers.as_str(),
                &programme.list_id,
                &settings,
                &programme.ended_at,
                &programme.version,
            ],
        )?;
        Ok(written == 1)
    }

    /// Programmes, newest first, from before `before` on.
    ///
    /// # Errors
    /// When the store fails.
    pub fn programmes(
        &mut self,
        workspace_id: WorkspaceId,
        before: Option<ProgrammeId>,
        limit: i64,
    ) -> Result<Vec<ProgrammeView>, StoreError> {
        let before = before.unwrap_or_else(|| ProgrammeId::from_uuid(Uuid::max()));
        self.query(&PROGRAMMES, &[&workspace_id, &before, &limit], read_programme)
    }

    /// One programme.
    ///
    /// # Errors
    /// When the store fails.
    pub fn programme(
        &mut self,
        workspace_id: WorkspaceId,
        id: ProgrammeId,
    ) -> Result<Option<ProgrammeView>, StoreError> {
        self.query_opt(&PROGRAMME, &[&workspace_id, &id], read_programme)
    }

    /// Adds a word.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_keyword(&mut self, workspace_id: WorkspaceId, keyword: &KeywordView) -> Result<(), StoreError> {
        let action = json_text(&keyword.action)?;
        self.execute(
            &INSERT_KEYWORD,
            &[
                &workspace_id,
                &keyword.id,
                &keyword.sender_id,
                &keyword.word,
                &plain::compact(&keyword.word),
                &action,
                &programme_of(&keyword.action),
                &keyword.valid_from,
                &keyword.valid_until,
                &keyword.created_at,
            ],
        )
        .map(|_| ())
    }

    /// Stores everything about a word and ends the chains of questions it began. `false` when there is no such word.
    ///
    /// # Errors
    /// When the store fails.
    pub fn update_keyword(&mut self, workspace_id: WorkspaceId, keyword: &KeywordView) -> Result<bool, StoreError> {
        let action = json_text(&keyword.action)?;
        self.execute(&DELETE_DIALOGUES, &[&workspace_id, &keyword.id])?;
        let written = self.execute(
            &UPDATE_KEYWORD,
            &[
                &workspace_id,
                &keyword.id,
                &keyword.sender_id,
                &keyword.word,
                &plain::compact(&keyword.word),
                &action,
                &programme_of(&keyword.action),
                &keyword.valid_from,
                &keyword.valid_until,
            ],
        )?;
        Ok(written == 1)
    }

    /// Removes a word. `false` when there is no such word.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_keyword(&mut self, workspace_id: WorkspaceId, id: KeywordId) -> Result<bool, StoreError> {
        self.execute(&DELETE_DIALOGUES, &[&workspace_id, &id])?;
        Ok(self.execute(&DELETE_KEYWORD, &[&workspace_id, &id])? == 1)
    }

    /// Words, newest first, from before `before` on.
    ///
    /// # Errors
    /// When the store fails.
    pub fn keywords(
        &mut self,
        workspace_id: WorkspaceId,
        before: Option<KeywordId>,
        limit: i64,
    ) -> Result<Vec<KeywordView>, StoreError> {
        let before = before.unwrap_or_else(|| KeywordId::from_uuid(Uuid::max()));
        self.query(&KEYWORDS, &[&workspace_id, &before, &limit], read_keyword)
    }

    /// One word.
    ///
    /// # Errors
    /// When the store fails.
    pub fn keyword(&mut self, workspace_id: WorkspaceId, id: KeywordId) -> Result<Option<KeywordView>, StoreError> {
        self.query_opt(&KEYWORD, &[&workspace_id, &id], read_keyword)
    }

    /// The words of a sender.
    ///
    /// # Errors
    /// When the store fails.
    pub fn keywords_of_sender(
        &mut self,
        workspace_id: WorkspaceId,
        sender_id: SenderId,
    ) -> Result<Vec<KeywordView>, StoreError> {
        self.query(&KEYWORDS_OF_SENDER, &[&workspace_id, &sender_id], read_keyword)
    }

    /// The word of a sender that a text is at a moment.
    ///
    /// # Errors
    /// When the store fails.
    pub fn keyword_in(
        &mut self,
        workspace_id: WorkspaceId,
        sender_id: SenderId,
        text: &str,
        at: Timestamp,
    ) -> Result<Option<KeywordView>, StoreError> {
        let plain = plain::compact(text);
        let found = self.query(&KEYWORDS_OF_PLAIN, &[&workspace_id, &sender_id, &plain], read_keyword)?;
        Ok(found.into_iter().find(|keyword| keyword.is_valid(at)))
    }
}
