//! Saved segments: a name and a condition.
//!
//! A segment is a question, not a set: who belongs to it is asked anew each time. A campaign that starts keeps the
//! condition as it was then, so a later change of the segment does not change who is being sent to.

use segue_model::{SegmentId, Timestamp, UserId, WorkspaceId, id::Id as _};
use serde::Serialize;
use uuid::Uuid;

use crate::{Row, StoreError, Tx};

/// A segment as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Segment {
    pub id: SegmentId,
    pub name: String,
    /// CEL; see `segue-expr`.
    pub condition: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Name of the person, or `system`.
    pub created_by: String,
    /// Rises with every change.
    pub version: i64,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentChange {
    Changed,
    /// Another segment has this name.
    NameTaken,
    /// There is no such segment, or it has another version by now.
    Missing,
}

crate::sql! {
    INSERT_SEGMENT = "INSERT INTO segments (workspace_id, id, name, condition, created_by, created_at, updated_at,
            version)
        VALUES ($1, $2, $3, $4, $5, $6, $6, 1) ON CONFLICT (workspace_id, name) DO NOTHING";
    UPDATE_SEGMENT = "UPDATE segments SET name = $3, condition = $4, updated_at = $5, version = version + 1
        WHERE workspace_id = $1 AND id = $2 AND NOT EXISTS (
            SELECT 1 FROM segments other WHERE other.workspace_id = $1 AND other.name = $3 AND other.id <> $2)";
    DELETE_SEGMENT = "DELETE FROM segments WHERE workspace_id = $1 AND id = $2";
    SEGMENT = "SELECT s.id, s.name, s.condition, s.created_at, s.updated_at, COALESCE(u.name, 'system'), s.version
        FROM segments s LEFT JOIN users u ON u.workspace_id = s.workspace_id AND u.id = s.created_by
        WHERE s.workspace_id = $1 AND s.id = $2";
    SEGMENTS = "SELECT s.id, s.name, s.condition, s.created_at, s.updated_at, COALESCE(u.name, 'system'), s.version
        FROM segments s LEFT JOIN users u ON u.workspace_id = s.workspace_id AND u.id = s.created_by
        WHERE s.workspace_id = $1 AND s.id < $2 ORDER BY s.id DESC LIMIT $3";
    /// Campaigns that may still look at the segment; their audience is JSON that names it.
    CAMPAIGNS_WITH_SEGMENT = "SELECT name FROM campaigns
        WHERE workspace_id = $1 AND state NOT IN ('canceled', 'finished') AND audience LIKE $2 ESCAPE '\\'
        ORDER BY id DESC LIMIT 5";
}

fn read_segment(row: &mut Row<'_>) -> Result<Segment, StoreError> {
    Ok(Segment {
        id: row.next()?,
        name: row.next()?,
        condition: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        created_by: row.next()?,
        version: row.next()?,
    })
}

impl Tx<'_> {
    /// Makes whoever uses, changes or deletes this segment wait for each other.
    ///
    /// # Errors
    /// When the engine refuses it.
    pub fn lock_segment(&mut self, id: SegmentId) -> Result<(), StoreError> {
        self.lock("segment", &id)
    }

    /// Adds a segment. `false` when one has this name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_segment(
        &mut self,
        workspace_id: WorkspaceId,
        id: SegmentId,
        name: &str,
        condition: &str,
        created_by: Option<UserId>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&INSERT_SEGMENT, &[&workspace_id, &id, &name, &condition, &created_by, &now])? == 1)
    }

    /// Changes a segment.
    ///
    /// # Errors
    /// When the store fails.
    pub fn update_segment(
        &mut self,
        workspace_id: WorkspaceId,
        id: SegmentId,
        name: &str,
        condition: &str,
        now: Timestamp,
    ) -> Result<SegmentChange, StoreError> {
        self.lock("segment_names", &workspace_id)?;
        if self.execute(&UPDATE_SEGMENT, &[&workspace_id, &id, &name, &condition, &now])? == 1 {
            return Ok(SegmentChange::Changed);
        }
        Ok(if self.segment(workspace_id, id)?.is_some() { SegmentChange::NameTaken } else { SegmentChange::Missing })
    }

    /// Deletes a segment. `false` when there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_segment(&mut self, workspace_id: WorkspaceId, id: SegmentId) -> Result<bool, StoreError> {
        Ok(self.execute(&DELETE_SEGMENT, &[&workspace_id, &id])? == 1)
    }

    /// One segment.
    ///
    /// # Errors
    /// When the store fails.
    pub fn segment(&mut self, workspace_id: WorkspaceId, id: SegmentId) -> Result<Option<Segment>, StoreError> {
        self.query_opt(&SEGMENT, &[&workspace_id, &id], read_segment)
    }

    /// Segments, newest first, from before `before` on.
    ///
    /// # Errors
    /// When the store fails.
    pub fn segments(
        &mut self,
        workspace_id: WorkspaceId,
        before: Option<SegmentId>,
        limit: i64,
    ) -> Result<Vec<Segment>, StoreError> {
        let before = before.unwrap_or_else(|| SegmentId::from_uuid(Uuid::max()));
        self.query(&SEGMENTS, &[&workspace_id, &before, &limit], read_segment)
    }

    /// Names of campaigns that have not ended and whose audience names the segment, at most five.
    ///
    /// # Errors
    /// When the store fails.
    pub fn segment_users(&mut self, workspace_id: WorkspaceId, id: SegmentId) -> Result<Vec<String>, StoreError> {
        let pattern = crate::contact::like_pattern(&id.to_string());
        self.query(&CAMPAIGNS_WITH_SEGMENT, &[&workspace_id, &pattern], |row| row.next())
    }
}
