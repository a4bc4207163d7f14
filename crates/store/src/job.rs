//! Jobs: background work and timers, with leases and fencing epochs.

use segue_model::{JobId, Timestamp, WorkspaceId, wake::Wake};
use serde_json::Value;

use crate::{StoreError, Tx, tx::json_text};

/// Work to do at or after a time.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub id: JobId,
    /// Which worker understands it, such as `plan_campaign`.
    pub kind: &'static str,
    /// One waiting or finished job per kind and key; doing the cause twice plans the work once.
    pub dedupe_key: String,
    pub payload: Value,
    pub run_at: Timestamp,
}

crate::sql! {
    SCHEDULE = "INSERT INTO jobs (workspace_id, id, kind, dedupe_key, payload, state, run_at, created_at)
        VALUES ($1, $2, $3, $4, $5, 'waiting', $6, $7)
        ON CONFLICT (workspace_id, kind, dedupe_key) DO NOTHING";
}

impl Tx<'_> {
    /// Plans work. `false` when it is planned already.
    ///
    /// # Errors
    /// When the store fails.
    pub fn schedule(&mut self, workspace_id: WorkspaceId, job: &NewJob, now: Timestamp) -> Result<bool, StoreError> {
        let payload = json_text(&job.payload)?;
        let written = self
            .execute(&SCHEDULE, &[&workspace_id, &job.id, &job.kind, &job.dedupe_key, &payload, &job.run_at, &now])?;
        self.wake(Wake::Jobs);
        Ok(written == 1)
    }
}
