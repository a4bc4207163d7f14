//! Dead letters: what could not be processed and waits for a person, who replays or discards it.

use segue_model::{Ctx, DeadLetterId, InboxId, JobId, MessageId, Timestamp, WorkspaceId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Row, StoreError, Tx};

segue_model::text_enum! {
    /// Where the letter came from.
    pub enum Source {
        Inbox = "inbox",
        Outbox = "outbox",
        Job = "job",
    }
}

segue_model::text_enum! {
    /// What a person decided.
    pub enum Resolution {
        /// Process it once more.
        Replayed = "replayed",
        /// Let it go.
        Discarded = "discarded",
    }
}

segue_model::text_enum! {
    /// Whether failed work may succeed later.
    pub enum Verdict {
        /// Later, as often as the schedule allows.
        TryAgain = "try_again",
        /// Never: the input itself is at fault.
        GiveUp = "give_up",
    }
}

/// A dead letter as screens show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DeadLetter)]
pub struct DeadLetterView {
    pub id: DeadLetterId,
    pub source: Source,
    /// Id of the row it stands for.
    pub source_id: String,
    pub reason: String,
    pub created_at: Timestamp,
    pub resolution: Option<Resolution>,
    pub resolution_reason: Option<String>,
    pub resolved_by: Option<String>,
    pub resolved_at: Option<Timestamp>,
}

/// A decision about a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub resolution: Resolution,
    /// Why, in the person's words.
    pub reason: String,
    /// Who.
    pub actor: String,
}

crate::sql! {
    BURY = "INSERT INTO dead_letters (workspace_id, id, source, source_id, reason, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    DEAD_LETTERS = "SELECT id, source, source_id, reason, created_at, resolution, resolution_reason, resolved_by,
            resolved_at
        FROM dead_letters WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    OPEN_DEAD_LETTERS = "SELECT id, source, source_id, reason, created_at, resolution, resolution_reason, resolved_by,
            resolved_at
        FROM dead_letters WHERE workspace_id = $1 AND id < $2 AND resolution IS NULL ORDER BY id DESC LIMIT $3";
    COUNT_OPEN_DEAD_LETTERS = "SELECT COUNT(*) FROM dead_letters WHERE workspace_id = $1 AND resolution IS NULL";
    RESOLVE = "UPDATE dead_letters SET resolution = $3, resolution_reason = $4, resolved_by = $5, resolved_at = $6
        WHERE workspace_id = $1 AND id = $2 AND resolution IS NULL
        RETURNING source, source_id";
    REOPEN = "UPDATE dead_letters SET resolution = NULL, resolution_reason = NULL, resolved_by = NULL, resolved_at = NULL
        WHERE workspace_id = $1 AND id = $2";
}

fn read(row: &mut Row<'_>) -> Result<DeadLetterView, StoreError> {
    let (id, source, source_id) = (row.next()?, row.word()?, row.next::<Uuid>()?);
    Ok(DeadLetterView {
        id,
        source,
        source_id: match source {
            Source::Inbox => InboxId(source_id).to_string(),
            Source::Outbox => MessageId(source_id).to_string(),
            Source::Job => JobId(source_id).to_string(),
        },
        reason: row.next()?,
        created_at: row.next()?,
        resolution: row.optional_word()?,
        resolution_reason: row.next()?,
        resolved_by: row.next()?,
        resolved_at: row.next()?,
    })
}

impl Tx<'_> {
    /// Writes a dead letter. `reason` is shown to people and holds no personal data.
    pub(crate) fn bury(
        &mut self,
        workspace_id: WorkspaceId,
        source: Source,
        source_id: Uuid,
        reason: &str,
        ctx: &Ctx,
    ) -> Result<(), StoreError> {
        let id: DeadLetterId = ctx.id();
        self.execute(&BURY, &[&workspace_id, &id, &source.as_str(), &source_id, &reason, &ctx.now()]).map(|_| ())
    }

    /// Dead letters, newest first, from before `before` on; resolved ones included.
    ///
    /// # Errors
    /// When the store fails.
    pub fn dead_letters(
        &mut self,
        workspace_id: WorkspaceId,
        before: Option<DeadLetterId>,
        limit: u32,
    ) -> Result<Vec<DeadLetterView>, StoreError> {
        let before = before.unwrap_or(DeadLetterId(Uuid::max()));
        self.query(&DEAD_LETTERS, &[&workspace_id, &before, &limit], read)
    }

    /// Dead letters that wait for a person, newest first, from before `before` on.
    ///
    /// # Errors
    /// When the store fails.
    pub fn open_dead_letters(
        &mut self,
        workspace_id: WorkspaceId,
        before: Option<DeadLetterId>,
        limit: u32,
    ) -> Result<Vec<DeadLetterView>, StoreError> {
        let before = before.unwrap_or(DeadLetterId(Uuid::max()));
        self.query(&OPEN_DEAD_LETTERS, &[&workspace_id, &before, &limit], read)
    }

    /// How many dead letters wait for a person.
    ///
    /// # Errors
    /// When the store fails.
    pub fn count_open_dead_letters(&mut self, workspace_id: WorkspaceId) -> Result<u64, StoreError> {
        self.query_one(&COUNT_OPEN_DEAD_LETTERS, &[&workspace_id], |row| row.next())
    }

    /// Does what a person decided. Replaying makes the row pending or the job waiting again, with all its attempts; a
    /// message goes back into the queue only when nothing of it ever left, its campaign has not ended and its contact was
    /// not deleted. `false`, and nothing is changed, when there is no such letter, it is resolved already, or its message
    /// cannot be replayed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn resolve_dead_letter(
        &mut self,
        workspace_id: WorkspaceId,
        id: DeadLetterId,
        decision: &Decision,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (resolution, reason, actor) = (decision.resolution, &decision.reason, &decision.actor);
        let found =
            self.query_opt(&RESOLVE, &[&workspace_id, &id, &resolution.as_str(), reason, actor, &now], |row| {
                Ok((row.word::<Source>()?, row.next::<Uuid>()?))
            })?;
        let Some((source, source_id)) = found else { return Ok(false) };
        if resolution == Resolution::Replayed {
            let revived = match source {
                Source::Inbox => self.revive_inbox(workspace_id, InboxId(source_id), now)?,
                Source::Job => self.revive_job(workspace_id, JobId(source_id), now).map(|_| true)?,
                Source::Outbox => self.revive_message(workspace_id, MessageId(source_id), now)?,
            };
            if !revived {
                self.execute(&REOPEN, &[&workspace_id, &id])?;
            }
            return Ok(revived);
        }
        if source == Source::Inbox {
            // It is worked on no more, and goes when what is done goes.
            self.let_inbox_go(workspace_id, InboxId(source_id))?;
        }
        Ok(true)
    }
}
