//! Snippets: blocks of text that campaigns share, written once and kept in versions, and the versions that a campaign was
//! started with.
//!
//! Versions are only ever added to. A campaign that has been started, submitted or scheduled names the versions it is
//! made of, written in the transaction of that step, so a later version changes nothing for it, and what was sent can be
//! looked up afterwards.

use std::collections::BTreeMap;

use segue_model::{CampaignId, SnippetId, Timestamp, WorkspaceId, campaign::CampaignState, opt_out_line::OptOutLine};
use serde::Serialize;

use crate::{Row, StoreError, Tx, tx::json_text};

/// A block of text that campaigns include by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Snippet)]
pub struct SnippetView {
    pub id: SnippetId,
    pub name: String,
    /// Of the newest version.
    pub body: String,
    pub version: i64,
    /// When the newest version was written.
    pub changed_at: Timestamp,
}

/// One version of a snippet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = SnippetVersion)]
pub struct SnippetVersionView {
    pub version: i64,
    pub body: String,
    /// Who wrote it.
    pub actor: String,
    pub created_at: Timestamp,
}

/// A campaign that was started with a version of a snippet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedSnippet {
    pub campaign_id: CampaignId,
    pub name: String,
    pub state: CampaignState,
    pub version: i64,
}

/// What a draft says that may include snippets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftTexts {
    pub campaign_id: CampaignId,
    pub name: String,
    pub body: String,
    /// JSON of the variants.
    pub variants: String,
    /// JSON of the texts in other languages.
    pub texts: String,
}

crate::sql! {
    INSERT_SNIPPET = "INSERT INTO snippets (workspace_id, id, name, version, created_at) VALUES ($1, $2, $3, 1, $4)
        ON CONFLICT (workspace_id, name) DO NOTHING";
    REVIVE_SNIPPET = "UPDATE snippets SET version = version + 1, removed_at = NULL
        WHERE workspace_id = $1 AND name = $2 AND removed_at IS NOT NULL RETURNING id";
    INSERT_SNIPPET_VERSION = "INSERT INTO snippet_versions (workspace_id, snippet_id, version, body, actor, created_at)
        SELECT workspace_id, id, version, $3, $4, $5 FROM snippets WHERE workspace_id = $1 AND id = $2";
    RAISE_SNIPPET = "UPDATE snippets SET version = version + 1
        WHERE workspace_id = $1 AND id = $2 AND version = $3 AND removed_at IS NULL";
    REMOVE_SNIPPET = "UPDATE snippets SET removed_at = $3
        WHERE workspace_id = $1 AND id = $2 AND removed_at IS NULL";
    SNIPPETS = "SELECT s.id, s.name, v.body, s.version, v.created_at FROM snippets s
        JOIN snippet_versions v ON v.workspace_id = s.workspace_id AND v.snippet_id = s.id AND v.version = s.version
        WHERE s.workspace_id = $1 AND s.removed_at IS NULL ORDER BY s.name";
    SNIPPET_VERSIONS = "SELECT version, body, actor, created_at FROM snippet_versions
        WHERE workspace_id = $1 AND snippet_id = $2 ORDER BY version DESC LIMIT 200";
    DRAFTS_THAT_INCLUDE = "SELECT id, name, body, variants, texts FROM campaigns
        WHERE workspace_id = $1 AND state = 'draft'
            AND (body LIKE '%include%' OR variants LIKE '%include%' OR texts LIKE '%include%') ORDER BY id DESC";
    PINNED_TO = "SELECT c.id, c.name, c.state, p.version FROM campaign_snippets p
        JOIN campaigns c ON c.workspace_id = p.workspace_id AND c.id = p.campaign_id
        WHERE p.workspace_id = $1 AND p.snippet_id = $2 ORDER BY c.id DESC LIMIT 200";
    PINNED_SNIPPETS = "SELECT s.name, v.body FROM campaign_snippets p
        JOIN snippets s ON s.workspace_id = p.workspace_id AND s.id = p.snippet_id
        JOIN snippet_versions v ON v.workspace_id = p.workspace_id AND v.snippet_id = p.snippet_id
            AND v.version = p.version
        WHERE p.workspace_id = $1 AND p.campaign_id = $2";
    PINNED_LINE = "SELECT opt_out_line FROM campaigns WHERE workspace_id = $1 AND id = $2";
    PIN_LINE = "UPDATE campaigns SET opt_out_line = $3 WHERE workspace_id = $1 AND id = $2";
    PIN_SNIPPET = "INSERT INTO campaign_snippets (workspace_id, campaign_id, snippet_id, version)
        VALUES ($1, $2, $3, $4)";
    UNPIN_LINE = "UPDATE campaigns SET opt_out_line = NULL WHERE workspace_id = $1 AND id = $2";
    UNPIN_SNIPPETS = "DELETE FROM campaign_snippets WHERE workspace_id = $1 AND campaign_id = $2";
    COPY_LINE = "UPDATE campaigns SET opt_out_line = (SELECT s.opt_out_line FROM campaigns s
            WHERE s.workspace_id = $1 AND s.id = $2)
        WHERE workspace_id = $1 AND id = $3";
    COPY_SNIPPETS = "INSERT INTO campaign_snippets (workspace_id, campaign_id, snippet_id, version)
        SELECT workspace_id, $3, snippet_id, version FROM campaign_snippets
        WHERE workspace_id = $1 AND campaign_id = $2";
    GIVE_NOTICE = "INSERT INTO opt_out_notices (workspace_id, address, message_id) VALUES ($1, $2, $3)
        ON CONFLICT (workspace_id, address, message_id) DO NOTHING";
    NOTICE_GIVEN = "SELECT 1 FROM opt_out_notices n
        JOIN outbox o ON o.workspace_id = n.workspace_id AND o.id = n.message_id
        WHERE n.workspace_id = $1 AND n.address = $2
            AND o.state NOT IN ('suppressed', 'expired', 'canceled', 'failed') LIMIT 1";
}

fn read_snippet(row: &mut Row<'_>) -> Result<SnippetView, StoreError> {
    Ok(SnippetView {
        id: row.next()?,
        name: row.next()?,
        body: row.next()?,
        version: row.next()?,
        changed_at: row.next()?,
    })
}

impl Tx<'_> {
    /// Adds a snippet with its first version; one of this name that was removed comes back with a further version.
    /// `None` when there is one with this name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_snippet(
        &mut self,
        workspace_id: WorkspaceId,
        id: SnippetId,
        name: &str,
        body: &str,
        actor: &str,
        now: Timestamp,
    ) -> Result<Option<SnippetId>, StoreError> {
        let id = if self.execute(&INSERT_SNIPPET, &[&workspace_id, &id, &name, &now])? == 1 {
            Some(id)
        } else {
            self.query_opt(&REVIVE_SNIPPET, &[&workspace_id, &name], |row| row.next())?
        };
        if let Some(id) = id {
            self.execute(&INSERT_SNIPPET_VERSION, &[&workspace_id, &id, &body, &actor, &now])?;
        }
        Ok(id)
    }

    /// Adds a version to a snippet whose newest is `version`. `false` when it is not (any more).
    ///
    /// # Errors
    /// When the store fails.
    pub fn add_snippet_version(
        &mut self,
        workspace_id: WorkspaceId,
        (id, version): (SnippetId, i64),
        body: &str,
        actor: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if self.execute(&RAISE_SNIPPET, &[&workspace_id, &id, &version])? == 0 {
            return Ok(false);
        }
        self.execute(&INSERT_SNIPPET_VERSION, &[&workspace_id, &id, &body, &actor, &now])?;
        Ok(true)
    }

    /// Takes a snippet away from those who write; its versions stay. `false` when there is no such snippet.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remove_snippet(
        &mut self,
        workspace_id: WorkspaceId,
        id: SnippetId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&REMOVE_SNIPPET, &[&workspace_id, &id, &now])? == 1)
    }

    /// Makes changes of snippets and the starts of campaigns wait for each other.
    ///
    /// # Errors
    /// When the engine refuses it.
    pub fn lock_snippets(&mut self, workspace_id: WorkspaceId) -> Result<(), StoreError> {
        self.lock("snippets", &workspace_id)
    }

    /// The workspace's snippets in their newest versions, in the order of the alphabet.
    ///
    /// # Errors
    /// When the store fails.
    pub fn snippets(&mut self, workspace_id: WorkspaceId) -> Result<Vec<SnippetView>, StoreError> {
        self.query(&SNIPPETS, &[&workspace_id], read_snippet)
    }

    /// The versions of a snippet, newest first, at most 200.
    ///
    /// # Errors
    /// When the store fails.
    pub fn snippet_versions(
        &mut self,
        workspace_id: WorkspaceId,
        id: SnippetId,
    ) -> Result<Vec<SnippetVersionView>, StoreError> {
        self.query(&SNIPPET_VERSIONS, &[&workspace_id, &id], |row| {
            Ok(SnippetVersionView {
                version: row.next()?,
                body: row.next()?,
                actor: row.next()?,
                created_at: row.next()?,
            })
        })
    }

    /// Drafts whose texts may include a snippet, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn drafts_that_include(&mut self, workspace_id: WorkspaceId) -> Result<Vec<DraftTexts>, StoreError> {
        self.query(&DRAFTS_THAT_INCLUDE, &[&workspace_id], |row| {
            Ok(DraftTexts {
                campaign_id: row.next()?,
                name: row.next()?,
                body: row.next()?,
                variants: row.next()?,
                texts: row.next()?,
            })
        })
    }

    /// Campaigns that were started with a version of this snippet, newest first, at most 200.
    ///
    /// # Errors
    /// When the store fails.
    pub fn campaigns_with_snippet(
        &mut self,
        workspace_id: WorkspaceId,
        id: SnippetId,
    ) -> Result<Vec<PinnedSnippet>, StoreError> {
        self.query(&PINNED_TO, &[&workspace_id, &id], |row| {
            Ok(PinnedSnippet { campaign_id: row.next()?, name: row.next()?, state: row.word()?, version: row.next()? })
        })
    }

    /// The opt-out line that a campaign was started with; `None` while it is a draft.
    ///
    /// # Errors
    /// When the store fails.
    pub fn pinned_opt_out_line(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
    ) -> Result<Option<OptOutLine>, StoreError> {
        let found = self.query_opt(&PINNED_LINE, &[&workspace_id, &campaign_id], |row| row.next::<Option<String>>())?;
        let read = |text: String| serde_json::from_str(&text).map_err(|error| StoreError::Corrupt(error.to_string()));
        found.flatten().map(read).transpose()
    }

    /// The snippets that a campaign was started with, by name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn pinned_snippets(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
    ) -> Result<BTreeMap<String, String>, StoreError> {
        let found =
            self.query(&PINNED_SNIPPETS, &[&workspace_id, &campaign_id], |row| Ok((row.next()?, row.next()?)))?;
        Ok(found.into_iter().collect())
    }

    /// Keeps what a campaign's texts are made of beside what was written: the opt-out line and the versions of snippets.
    ///
    /// # Errors
    /// When the store fails.
    pub fn pin_texts(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
        line: &OptOutLine,
        snippets: &[(SnippetId, i64)],
    ) -> Result<(), StoreError> {
        self.execute(&PIN_LINE, &[&workspace_id, &campaign_id, &json_text(line)?])?;
        for (id, version) in snippets {
            self.execute(&PIN_SNIPPET, &[&workspace_id, &campaign_id, id, version])?;
        }
        Ok(())
    }

    /// Lets a campaign that is a draft again follow the newest versions.
    ///
    /// # Errors
    /// When the store fails.
    pub fn unpin_texts(&mut self, workspace_id: WorkspaceId, campaign_id: CampaignId) -> Result<(), StoreError> {
        self.execute(&UNPIN_SNIPPETS, &[&workspace_id, &campaign_id])?;
        self.execute(&UNPIN_LINE, &[&workspace_id, &campaign_id]).map(|_| ())
    }

    /// Makes a run of a recurring campaign of what the campaign was started with.
    ///
    /// # Errors
    /// When the store fails.
    pub fn copy_pinned_texts(
        &mut self,
        workspace_id: WorkspaceId,
        series_id: CampaignId,
        run_id: CampaignId,
    ) -> Result<(), StoreError> {
        self.execute(&COPY_LINE, &[&workspace_id, &series_id, &run_id])?;
        self.execute(&COPY_SNIPPETS, &[&workspace_id, &series_id, &run_id]).map(|_| ())
    }

    /// Notes that a message tells a person how to stop.
    ///
    /// # Errors
    /// When the store fails.
    pub fn give_opt_out_notice(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
        message_id: segue_model::MessageId,
    ) -> Result<(), StoreError> {
        self.execute(&GIVE_NOTICE, &[&workspace_id, &address, &message_id]).map(|_| ())
    }

    /// Whether a message that left, or is about to, tells the person how to stop.
    ///
    /// # Errors
    /// When the store fails.
    pub fn has_opt_out_notice(&mut self, workspace_id: WorkspaceId, address: &str) -> Result<bool, StoreError> {
        Ok(self.query_opt(&NOTICE_GIVEN, &[&workspace_id, &address], |row| row.next::<i64>())?.is_some())
    }
}
