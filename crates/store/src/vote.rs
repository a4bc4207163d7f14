//! Votes by text.
//!
//! A vote is one conditional statement over the key of word and number: of two texts at once one is the first, and no
//! crash leaves half of one. It is part of the transaction that marks the text as worked on, which is worked on once.

use segue_model::{KeywordId, Timestamp, WorkspaceId};

use crate::{StoreError, Tx};

crate::sql! {
    CAST_VOTE = "INSERT INTO votes (workspace_id, keyword_id, address, choice, voted_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (workspace_id, keyword_id, address) DO NOTHING";
    CHANGE_VOTE = "UPDATE votes SET choice = $4, changed_at = $5
        WHERE workspace_id = $1 AND keyword_id = $2 AND address = $3 AND choice <> $4
            AND COALESCE(changed_at, voted_at) <= $5";
    VOTE_OF = "SELECT choice FROM votes WHERE workspace_id = $1 AND keyword_id = $2 AND address = $3";
    VOTE_COUNTS = "SELECT choice, COUNT(*), MIN(voted_at), MAX(COALESCE(changed_at, voted_at)) FROM votes
        WHERE workspace_id = $1 AND keyword_id = $2 GROUP BY choice ORDER BY choice";
    VOTES = "SELECT address, choice, voted_at, changed_at FROM votes
        WHERE workspace_id = $1 AND keyword_id = $2 AND address > $3 ORDER BY address LIMIT $4";
}

/// What became of a vote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cast {
    Counted,
    /// It takes the place of an earlier one.
    Changed,
    /// The same was chosen before.
    Same,
    /// An earlier one stands: this was chosen then.
    Stands(String),
}

segue_model::text_enum! {
    /// Whether a later vote takes the place of an earlier one.
    pub enum Later {
        Counts = "counts",
        Refused = "refused",
    }
}

/// Votes for one option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoteCount {
    /// The plain form of the option's word.
    pub choice: String,
    pub votes: i64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

/// One vote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoteRow {
    pub address: String,
    /// The plain form of the option's word.
    pub choice: String,
    pub voted_at: Timestamp,
    pub changed_at: Option<Timestamp>,
}

impl Tx<'_> {
    /// Counts the vote of a number for a word, which came in at `now`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn cast_vote(
        &mut self,
        workspace_id: WorkspaceId,
        keyword_id: KeywordId,
        (address, choice): (&str, &str),
        later: Later,
        now: Timestamp,
    ) -> Result<Cast, StoreError> {
        let key: [&dyn crate::Bind; 5] = [&workspace_id, &keyword_id, &address, &choice, &now];
        if self.execute(&CAST_VOTE, &key)? == 1 {
            return Ok(Cast::Counted);
        }
        // One that is worked on late changes no vote that came in after it.
        if later == Later::Counts && self.execute(&CHANGE_VOTE, &key)? == 1 {
            return Ok(Cast::Changed);
        }
        let known = self.query_one(&VOTE_OF, &[&workspace_id, &keyword_id, &address], |row| row.next())?;
        Ok(if known == choice { Cast::Same } else { Cast::Stands(known) })
    }

    /// How many votes each option of a word has.
    ///
    /// # Errors
    /// When the store fails.
    pub fn vote_counts(
        &mut self,
        workspace_id: WorkspaceId,
        keyword_id: KeywordId,
    ) -> Result<Vec<VoteCount>, StoreError> {
        self.query(&VOTE_COUNTS, &[&workspace_id, &keyword_id], |row| {
            Ok(VoteCount { choice: row.next()?, votes: row.next()?, first_at: row.next()?, last_at: row.next()? })
        })
    }

    /// Votes for a word in the order of numbers, from after `after` on.
    ///
    /// # Errors
    /// When the store fails.
    pub fn votes(
        &mut self,
        workspace_id: WorkspaceId,
        keyword_id: KeywordId,
        after: &str,
        limit: i64,
    ) -> Result<Vec<VoteRow>, StoreError> {
        self.query(&VOTES, &[&workspace_id, &keyword_id, &after, &limit], |row| {
            Ok(VoteRow { address: row.next()?, choice: row.next()?, voted_at: row.next()?, changed_at: row.next()? })
        })
    }
}
