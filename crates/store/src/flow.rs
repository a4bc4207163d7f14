//! Flows: their immutable published versions, and the run that a session is in.
//!
//! A run keeps the version it began with. Its `turn` rises with every step; a step is stored only when the turn it
//! began from is still the stored one, so it cannot be taken twice.
//!
//! The files that a version sends are noted with it, so that none of them is removed while somebody may still get it
//! ([`crate::media_use`]).

use segue_model::{FlowId, FlowVersionId, MediaId, SessionId, Timestamp, WorkspaceId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{Row, StoreError, Tx, tx::json_text};

segue_model::text_enum! {
    /// How a run stands.
    pub enum RunStatus {
        Running = "running",
        /// For the customer's answer or a timer.
        Waiting = "waiting",
        HandedOver = "handed_over",
        Ended = "ended",
        Failed = "failed",
    }
}

impl RunStatus {
    /// Whether the bot still answers what the customer writes.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Running | Self::Waiting)
    }
}

/// A flow as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Flow)]
pub struct FlowView {
    pub id: FlowId,
    /// Stable name in configuration files.
    pub slug: String,
    pub name: String,
    pub published_version: Option<i64>,
    pub updated_at: Timestamp,
}

/// One immutable version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowVersion {
    pub id: FlowVersionId,
    pub flow_id: FlowId,
    pub version: i64,
    /// The definition as its author wrote it.
    pub source: String,
}

/// A checked definition that is to be published.
#[derive(Debug, Clone, Copy)]
pub struct NewVersion<'a> {
    pub slug: &'a str,
    pub name: &'a str,
    pub source: &'a str,
    /// The files it sends. Each is here, and was looked at in the same transaction by [`Tx::media_to_use`].
    pub files: &'a [MediaId],
}

/// The run of a session.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowRun {
    pub flow_version_id: FlowVersionId,
    /// State of the interpreter.
    pub state: Value,
    pub status: RunStatus,
    pub turn: i64,
}

crate::sql! {
    UPSERT_FLOW = "INSERT INTO flows (workspace_id, id, slug, name, updated_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (workspace_id, slug) DO UPDATE SET name = excluded.name, updated_at = excluded.updated_at
        RETURNING id";
    LATEST_VERSION = "SELECT id, version, sha256 FROM flow_versions WHERE workspace_id = $1 AND flow_id = $2
        ORDER BY version DESC LIMIT 1";
    INSERT_VERSION = "INSERT INTO flow_versions (workspace_id, id, flow_id, version, source, sha256, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    KEEP_FILE = "INSERT INTO flow_files (workspace_id, media_id, flow_version_id) VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING";
    SET_PUBLISHED = "UPDATE flows SET published_version_id = $3 WHERE workspace_id = $1 AND id = $2";
    FLOWS = "SELECT f.id, f.slug, f.name, v.version, f.updated_at FROM flows f
        LEFT JOIN flow_versions v ON v.workspace_id = f.workspace_id AND v.id = f.published_version_id
        WHERE f.workspace_id = $1 ORDER BY f.name, f.id";
    FLOW = "SELECT f.id, f.slug, f.name, v.version, f.updated_at FROM flows f
        LEFT JOIN flow_versions v ON v.workspace_id = f.workspace_id AND v.id = f.published_version_id
        WHERE f.workspace_id = $1 AND f.id = $2";
    FLOW_OF_SLUG = "SELECT f.id, f.slug, f.name, v.version, f.updated_at FROM flows f
        LEFT JOIN flow_versions v ON v.workspace_id = f.workspace_id AND v.id = f.published_version_id
        WHERE f.workspace_id = $1 AND f.slug = $2";
    PUBLISHED_OF_SLUG = "SELECT v.id, v.flow_id, v.version, v.source FROM flows f
        JOIN flow_versions v ON v.workspace_id = f.workspace_id AND v.id = f.published_version_id
        WHERE f.workspace_id = $1 AND f.slug = $2";
    PUBLISHED = "SELECT v.id, v.flow_id, v.version, v.source FROM flows f
        JOIN flow_versions v ON v.workspace_id = f.workspace_id AND v.id = f.published_version_id
        WHERE f.workspace_id = $1 AND f.id = $2";
    VERSION = "SELECT id, flow_id, version, source FROM flow_versions WHERE workspace_id = $1 AND id = $2";
    INSERT_RUN = "INSERT INTO flow_runs (workspace_id, session_id, flow_version_id, state, status, turn, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (workspace_id, session_id) DO NOTHING";
    RUN = "SELECT flow_version_id, state, status, turn FROM flow_runs WHERE workspace_id = $1 AND session_id = $2";
    SAVE_RUN = "UPDATE flow_runs SET state = $4, status = $5, turn = $3 + 1, updated_at = $6
        WHERE workspace_id = $1 AND session_id = $2 AND turn = $3";
    END_RUN = "UPDATE flow_runs SET status = $3, updated_at = $4
        WHERE workspace_id = $1 AND session_id = $2 AND status IN ('running', 'waiting')";
}

fn read_flow(row: &mut Row<'_>) -> Result<FlowView, StoreError> {
    Ok(FlowView {
        id: row.next()?,
        slug: row.next()?,
        name: row.next()?,
        published_version: row.next()?,
        updated_at: row.next()?,
    })
}

fn read_version(row: &mut Row<'_>) -> Result<FlowVersion, StoreError> {
    Ok(FlowVersion { id: row.next()?, flow_id: row.next()?, version: row.next()?, source: row.next()? })
}

impl Tx<'_> {
    /// Publishes a checked definition: a new version, unless it is the same text as the newest one. `fresh` are ids to
    /// use for a new flow and a new version.
    ///
    /// # Errors
    /// When the store fails.
    pub fn publish_flow(
        &mut self,
        workspace_id: WorkspaceId,
        NewVersion { slug, name, source, files }: NewVersion<'_>,
        fresh: (FlowId, FlowVersionId),
        now: Timestamp,
    ) -> Result<FlowId, StoreError> {
        use sha2::{Digest, Sha256};
        let sha256: Vec<u8> = Sha256::digest(source).to_vec();
        // The upsert locks the flow's row, so two publications of one flow come one after the other.
        let id: FlowId =
            self.query_one(&UPSERT_FLOW, &[&workspace_id, &fresh.0, &slug, &name, &now], |row| row.next())?;
        let latest = self.query_opt(&LATEST_VERSION, &[&workspace_id, &id], |row| {
            Ok((row.next::<FlowVersionId>()?, row.next::<i64>()?, row.next::<Vec<u8>>()?))
        })?;
        let version_id = match latest {
            Some((version_id, _, known)) if known == sha256 => version_id,
            other => {
                let version = other.map_or(1, |(_, version, _)| version + 1);
                self.execute(&INSERT_VERSION, &[&workspace_id, &fresh.1, &id, &version, &source, &sha256, &now])?;
                fresh.1
            }
        };
        for file in files {
            self.execute(&KEEP_FILE, &[&workspace_id, file, &version_id])?;
        }
        self.execute(&SET_PUBLISHED, &[&workspace_id, &id, &version_id])?;
        Ok(id)
    }

    /// The flows of a workspace by name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn flows(&mut self, workspace_id: WorkspaceId) -> Result<Vec<FlowView>, StoreError> {
        self.query(&FLOWS, &[&workspace_id], read_flow)
    }

    /// One flow.
    ///
    /// # Errors
    /// When the store fails.
    pub fn flow(&mut self, workspace_id: WorkspaceId, id: FlowId) -> Result<Option<FlowView>, StoreError> {
        self.query_opt(&FLOW, &[&workspace_id, &id], read_flow)
    }

    /// The flow with this stable name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn flow_of_slug(&mut self, workspace_id: WorkspaceId, slug: &str) -> Result<Option<FlowView>, StoreError> {
        self.query_opt(&FLOW_OF_SLUG, &[&workspace_id, &slug], read_flow)
    }

    /// The published version of the flow with this stable name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn published_flow_of_slug(
        &mut self,
        workspace_id: WorkspaceId,
        slug: &str,
    ) -> Result<Option<FlowVersion>, StoreError> {
        self.query_opt(&PUBLISHED_OF_SLUG, &[&workspace_id, &slug], read_version)
    }

    /// The published version of a flow.
    ///
    /// # Errors
    /// When the store fails.
    pub fn published_flow(&mut self, workspace_id: WorkspaceId, id: FlowId) -> Result<Option<FlowVersion>, StoreError> {
        self.query_opt(&PUBLISHED, &[&workspace_id, &id], read_version)
    }

    /// One version, published or not any more.
    ///
    /// # Errors
    /// When the store fails.
    pub fn flow_version(
        &mut self,
        workspace_id: WorkspaceId,
        id: FlowVersionId,
    ) -> Result<Option<FlowVersion>, StoreError> {
        self.query_opt(&VERSION, &[&workspace_id, &id], read_version)
    }

    /// Begins the run of a session. `false` when it has one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_flow_run(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        run: &FlowRun,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let state = json_text(&run.state)?;
        let written = self.execute(
            &INSERT_RUN,
            &[&workspace_id, &session_id, &run.flow_version_id, &state, &run.status.as_str(), &run.turn, &now],
        )?;
        Ok(written == 1)
    }

    /// The run of a session.
    ///
    /// # Errors
    /// When the store fails.
    pub fn flow_run(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
    ) -> Result<Option<FlowRun>, StoreError> {
        self.query_opt(&RUN, &[&workspace_id, &session_id], |row| {
            Ok(FlowRun { flow_version_id: row.next()?, state: row.json()?, status: row.word()?, turn: row.next()? })
        })
    }

    /// Stores what a step made of a run that stood at `run.turn`, and raises the turn. `false` when another step was
    /// stored meanwhile.
    ///
    /// # Errors
    /// When the store fails.
    pub fn save_flow_run(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        run: &FlowRun,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let state = json_text(&run.state)?;
        let written =
            self.execute(&SAVE_RUN, &[&workspace_id, &session_id, &run.turn, &state, &run.status.as_str(), &now])?;
        Ok(written == 1)
    }

    /// Silences the bot of a session, when it has an active one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn end_flow_run(
        &mut self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        status: RunStatus,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&END_RUN, &[&workspace_id, &session_id, &status.as_str(), &now])? == 1)
    }
}
