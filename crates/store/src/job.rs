//! Jobs: background work and timers, with leases and fencing epochs.
//!
//! # Why a crash at each point is safe
//! A job is a row written with its cause. A claim gives it a lease and a higher epoch; a worker that ends leaves the
//! lease to run out, or its node starts again and lets go of it, and the next claim takes the job over. What a job changes and [`Tx::complete_job`] belong into one
//! transaction; long work goes in steps, each ending in [`Tx::reschedule_job`] with how far it came. A worker whose
//! lease ran out gets [`StoreError::LeaseLost`] from either and its step is rolled back.

use segue_model::{Ctx, JobId, Timestamp, WorkspaceId, id::Id as _, wake::Wake};
use serde_json::Value;

use crate::{
    REMOVED_AT_ONCE, Row, StoreError, Tx,
    dead_letter::{Source, Verdict},
    inbox::{MOST_ATTEMPTS, held, next_attempt},
    tx::json_text,
};

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

/// A job that this worker may work on until its lease ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub workspace_id: WorkspaceId,
    pub id: JobId,
    pub kind: String,
    pub dedupe_key: String,
    pub payload: Value,
    pub run_at: Timestamp,
    /// This attempt included; starts afresh after each step that went well.
    pub attempts: u32,
    /// What proves the claim.
    pub epoch: i64,
}

/// Which jobs are meant.
#[derive(Debug, Clone, Copy)]
pub enum Kinds<'a> {
    /// Of these kinds.
    Of(&'a [&'a str]),
    /// Of all others.
    Other(&'a [&'a str]),
}

crate::sql! {
    SCHEDULE = "INSERT INTO jobs (workspace_id, id, kind, dedupe_key, payload, state, run_at, created_at)
        VALUES ($1, $2, $3, $4, $5, 'waiting', $6, $7)
        ON CONFLICT (workspace_id, kind, dedupe_key) DO NOTHING";
    /// $5 are kinds, as a JSON array; $6 says whether jobs of these (1) or of all others (0) are wanted.
    CLAIM_JOBS = sqlite: "UPDATE jobs SET state = 'running', lease_owner = $1, lease_until = $2,
            lease_epoch = lease_epoch + 1, attempts = attempts + 1
        WHERE id IN (SELECT id FROM jobs
            WHERE state IN ('waiting', 'running') AND run_at <= $3 AND lease_until <= $3
                AND CASE WHEN kind IN (SELECT value FROM json_each($5)) THEN 1 ELSE 0 END = $6
            ORDER BY run_at, id LIMIT $4)
        RETURNING workspace_id, id, kind, dedupe_key, payload, run_at, attempts, lease_epoch",
        postgres: "UPDATE jobs SET state = 'running', lease_owner = $1, lease_until = $2,
            lease_epoch = lease_epoch + 1, attempts = attempts + 1
        WHERE id = ANY (ARRAY(SELECT id FROM jobs
            WHERE state IN ('waiting', 'running') AND run_at <= $3 AND lease_until <= $3
                AND CASE WHEN kind IN (SELECT json_array_elements_text(CAST(CAST($5 AS TEXT) AS JSON))) THEN 1 ELSE 0 END
                    = CAST($6 AS BIGINT)
            ORDER BY run_at, id LIMIT $4 FOR UPDATE SKIP LOCKED))
        RETURNING workspace_id, id, kind, dedupe_key, payload, run_at, attempts, lease_epoch";
    RELEASE_JOBS = "UPDATE jobs SET state = 'waiting', lease_owner = NULL, lease_until = 0
        WHERE state = 'running' AND lease_owner = $1";
    EXTEND_JOB = "UPDATE jobs SET lease_until = $4
        WHERE workspace_id = $1 AND id = $2 AND state = 'running' AND lease_epoch = $3";
    JOB_DONE = "UPDATE jobs SET state = 'done', lease_owner = NULL, lease_until = 0, last_error = NULL
        WHERE workspace_id = $1 AND id = $2 AND state = 'running' AND lease_epoch = $3";
    JOB_AGAIN = "UPDATE jobs SET state = 'waiting', lease_owner = NULL, lease_until = 0, run_at = $4, payload = $5,
            attempts = 0, last_error = NULL
        WHERE workspace_id = $1 AND id = $2 AND state = 'running' AND lease_epoch = $3";
    JOB_RETRY = "UPDATE jobs SET state = 'waiting', lease_owner = NULL, lease_until = 0, run_at = $4, last_error = $5
        WHERE workspace_id = $1 AND id = $2 AND state = 'running' AND lease_epoch = $3";
    JOB_PUT_BACK = "UPDATE jobs SET state = 'waiting', lease_owner = NULL, lease_until = 0, run_at = $4,
            attempts = attempts - 1
        WHERE workspace_id = $1 AND id = $2 AND state = 'running' AND lease_epoch = $3";
    JOB_DEAD = "UPDATE jobs SET state = 'dead', lease_owner = NULL, lease_until = 0, last_error = $4
        WHERE workspace_id = $1 AND id = $2 AND state = 'running' AND lease_epoch = $3";
    DEAD_JOB = "SELECT COALESCE(last_error, '') FROM jobs
        WHERE workspace_id = $1 AND kind = $2 AND dedupe_key = $3 AND state = 'dead'";
    JOB_REVIVE = "UPDATE jobs SET state = 'waiting', attempts = 0, run_at = $3
        WHERE workspace_id = $1 AND id = $2 AND state = 'dead'";
    CANCEL_JOB = "DELETE FROM jobs WHERE workspace_id = $1 AND kind = $2 AND dedupe_key = $3 AND state = 'waiting'";
    DELETE_DONE_JOBS = "DELETE FROM jobs WHERE workspace_id = $1 AND id IN (SELECT j.id FROM jobs j
        WHERE j.workspace_id = $1 AND j.state = 'done' AND j.run_at < $2 ORDER BY j.run_at LIMIT $3)";
}

fn read_job(row: &mut Row<'_>) -> Result<Job, StoreError> {
    Ok(Job {
        workspace_id: row.next()?,
        id: row.next()?,
        kind: row.next()?,
        dedupe_key: row.next()?,
        payload: row.json()?,
        run_at: row.next()?,
        attempts: row.next()?,
        epoch: row.next()?,
    })
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

    /// Takes up to `limit` due jobs to work on until `lease_until`, those due longest first. For the workers, across
    /// all workspaces. Jobs that were tried too often are given up on the way.
    ///
    /// # Errors
    /// When the store fails.
    pub fn claim_jobs(
        &mut self,
        owner: &str,
        limit: u32,
        lease_until: Timestamp,
        ctx: &Ctx,
    ) -> Result<Vec<Job>, StoreError> {
        self.claim_jobs_of(owner, (Kinds::Other(&[]), limit), lease_until, ctx)
    }

    /// [`Tx::claim_jobs`] of some kinds alone.
    ///
    /// # Errors
    /// When the store fails.
    pub fn claim_jobs_of(
        &mut self,
        owner: &str,
        (kinds, limit): (Kinds<'_>, u32),
        lease_until: Timestamp,
        ctx: &Ctx,
    ) -> Result<Vec<Job>, StoreError> {
        let (kinds, are_meant) = match kinds {
            Kinds::Of(kinds) => (json_text(&kinds)?, 1_i64),
            Kinds::Other(kinds) => (json_text(&kinds)?, 0_i64),
        };
        let keys: &[&dyn crate::Bind] = &[&owner, &lease_until, &ctx.now(), &limit, &kinds, &are_meant];
        let mut jobs = self.query(&CLAIM_JOBS, keys, read_job)?;
        jobs.sort_by_key(|job| (job.run_at, job.id));
        let (worn_out, jobs): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.attempts > MOST_ATTEMPTS);
        for job in worn_out {
            self.fail_job(&job, Verdict::GiveUp, "The worker ended without a word at every attempt.", ctx)?;
        }
        Ok(jobs)
    }

    /// Lets go of what `owner` had claimed, across all workspaces; the attempts stay counted. For a node that has just
    /// started: it is working on nothing, so nobody has to wait until its old leases run out. Gives how many.
    ///
    /// # Errors
    /// When the store fails.
    pub fn release_jobs(&mut self, owner: &str) -> Result<u64, StoreError> {
        self.wake(Wake::Jobs);
        self.execute(&RELEASE_JOBS, &[&owner])
    }

    /// Keeps a job for longer.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when another worker has the job now.
    pub fn extend_job(&mut self, job: &Job, lease_until: Timestamp) -> Result<(), StoreError> {
        held(self.execute(&EXTEND_JOB, &[&job.workspace_id, &job.id, &job.epoch, &lease_until])?)
    }

    /// Marks a job as done. Call it in the transaction of the work.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when another worker has the job now; the transaction is to be given up with it.
    pub fn complete_job(&mut self, job: &Job) -> Result<(), StoreError> {
        held(self.execute(&JOB_DONE, &[&job.workspace_id, &job.id, &job.epoch])?)
    }

    /// One step went well; the next is at `run_at` with `payload`. Attempts start afresh.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when another worker has the job now; the transaction is to be given up with it.
    pub fn reschedule_job(&mut self, job: &Job, run_at: Timestamp, payload: &Value) -> Result<(), StoreError> {
        let payload = json_text(payload)?;
        self.wake(Wake::Jobs);
        held(self.execute(&JOB_AGAIN, &[&job.workspace_id, &job.id, &job.epoch, &run_at, &payload])?)
    }

    /// Notes that the work failed: it is tried again later, or given up when that makes no sense or it was the last
    /// attempt. `reason` is shown to people and holds no personal data.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when another worker has the job now.
    pub fn fail_job(&mut self, job: &Job, verdict: Verdict, reason: &str, ctx: &Ctx) -> Result<(), StoreError> {
        let again = next_attempt(job.attempts, ctx.now()).filter(|_| verdict == Verdict::TryAgain);
        if let Some(run_at) = again {
            let (workspace_id, id, epoch) = (&job.workspace_id, &job.id, &job.epoch);
            return held(self.execute(&JOB_RETRY, &[workspace_id, id, epoch, &run_at, &reason])?);
        }
        held(self.execute(&JOB_DEAD, &[&job.workspace_id, &job.id, &job.epoch, &reason])?)?;
        self.bury(job.workspace_id, Source::Job, job.id.uuid(), reason, ctx)
    }

    /// Gives a job back without counting the attempt: the database was away, or the product shuts down.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when another worker has the job now.
    pub fn put_back_job(&mut self, job: &Job, run_at: Timestamp) -> Result<(), StoreError> {
        held(self.execute(&JOB_PUT_BACK, &[&job.workspace_id, &job.id, &job.epoch, &run_at])?)
    }

    /// Takes back work that nobody has begun. `false` when there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn cancel_job(&mut self, workspace_id: WorkspaceId, kind: &str, dedupe_key: &str) -> Result<bool, StoreError> {
        Ok(self.execute(&CANCEL_JOB, &[&workspace_id, &kind, &dedupe_key])? == 1)
    }

    /// Why a job was given up; nothing when it was not.
    ///
    /// # Errors
    /// When the store fails.
    pub fn dead_job(
        &mut self,
        workspace_id: WorkspaceId,
        kind: &str,
        dedupe_key: &str,
    ) -> Result<Option<String>, StoreError> {
        self.query_opt(&DEAD_JOB, &[&workspace_id, &kind, &dedupe_key], |row| row.next())
    }

    /// Makes a dead job waiting again, with all its attempts. `false` when it is not dead.
    pub(crate) fn revive_job(
        &mut self,
        workspace_id: WorkspaceId,
        id: JobId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.wake(Wake::Jobs);
        Ok(self.execute(&JOB_REVIVE, &[&workspace_id, &id, &now])? == 1)
    }

    /// Removes jobs that are done and were due before `before`. Their keys can then be used again.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_done_jobs(&mut self, workspace_id: WorkspaceId, before: Timestamp) -> Result<u64, StoreError> {
        self.execute(&DELETE_DONE_JOBS, &[&workspace_id, &before, &REMOVED_AT_ONCE])
    }
}
