//! Deletions that came before what they delete.
//!
//! A row stays until the message comes, in whose transaction it is applied and removed, or until nobody expects the
//! message any more. So a crash in between leaves the row, and the deletion is applied when the message is worked on
//! again. An edit needs no such row: it stands for its message until that comes ([`crate::message_change`]).

use segue_model::{ChannelId, Timestamp, WorkspaceId};

use crate::{StoreError, Tx, built::Dialect, messaging_user::Identifier, tx::json_text};

/// A deletion of something that is not here yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlyDeletion {
    /// Of the deletion at the provider.
    pub provider_id: String,
    writers: Vec<String>,
    pub at: Timestamp,
}

impl EarlyDeletion {
    /// Whether somebody with these addresses deleted it.
    #[must_use]
    pub fn is_by(&self, identifiers: &[Identifier]) -> bool {
        identifiers.iter().any(|identifier| self.writers.contains(&shown(identifier)))
    }
}

fn shown(identifier: &Identifier) -> String {
    format!("{}:{}", identifier.kind, identifier.value)
}

crate::sql! {
    REMEMBER = "INSERT INTO early_deletions (workspace_id, channel_id, about, provider_id, writers, at, received_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    ANY_EARLY = "SELECT 1 FROM early_deletions WHERE workspace_id = $1 AND channel_id = $2 LIMIT 1";
    OF_MESSAGE = "SELECT provider_id, writers, at FROM early_deletions
        WHERE workspace_id = $1 AND channel_id = $2 AND about = $3 ORDER BY at, provider_id";
    FORGET_EARLY = "DELETE FROM early_deletions
        WHERE workspace_id = $1 AND channel_id = $2 AND about = $3 AND provider_id = $4";
    DELETE_OLD_EARLY = "DELETE FROM early_deletions WHERE workspace_id = $1 AND received_at < $2";
}

impl Tx<'_> {
    /// Remembers that a customer deleted what is not here yet.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remember_deletion(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        about: &str,
        (provider_id, writers, at): (&str, &[Identifier], Timestamp),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.nothing_early = None;
        let writers = json_text(&writers.iter().map(shown).collect::<Vec<_>>())?;
        self.execute(&REMEMBER, &[&workspace_id, &channel_id, &about, &provider_id, &writers, &at, &now]).map(|_| ())
    }

    /// The deletions that came before a message. On SQLite, where nobody else writes meanwhile, a transaction looks once
    /// whether a channel has any at all: it almost never has.
    ///
    /// # Errors
    /// When the store fails.
    pub fn early_deletions(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        about: &str,
    ) -> Result<Vec<EarlyDeletion>, StoreError> {
        if self.dialect() == Dialect::Sqlite {
            if self.nothing_early == Some(channel_id) {
                return Ok(Vec::new());
            }
            let any = self.query_opt(&ANY_EARLY, &[&workspace_id, &channel_id], |row| row.next::<i64>())?;
            if any.is_none() {
                self.nothing_early = Some(channel_id);
                return Ok(Vec::new());
            }
        }
        self.query(&OF_MESSAGE, &[&workspace_id, &channel_id, &about], |row| {
            Ok(EarlyDeletion { provider_id: row.next()?, writers: row.json()?, at: row.next()? })
        })
    }

    /// A remembered deletion was applied.
    ///
    /// # Errors
    /// When the store fails.
    pub fn forget_early_deletion(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        about: &str,
        provider_id: &str,
    ) -> Result<(), StoreError> {
        self.execute(&FORGET_EARLY, &[&workspace_id, &channel_id, &about, &provider_id]).map(|_| ())
    }

    /// Forgets the deletions of messages that never came.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_old_early_deletions(
        &mut self,
        workspace_id: WorkspaceId,
        before: Timestamp,
    ) -> Result<u64, StoreError> {
        self.execute(&DELETE_OLD_EARLY, &[&workspace_id, &before])
    }
}
