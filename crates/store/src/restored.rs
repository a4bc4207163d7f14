//! What a database that was restored from a copy may not do by itself.
//!
//! The copy does not know what was done after it was made. Whatever waited in it may have been done, and what may have
//! reached somebody is never sent a second time by itself ([`Tx::hold_restored`]):
//! - campaigns that were sending, or whose time has come since, are paused; people resume or cancel them,
//! - campaigns that were paused already, and those whose time is still to come, say that they may have been sent since,
//! - messages of no campaign that were due become `unknown`, as those do that were on the wire in a crash; so do all that were
//!   on the wire, also where the provider sends a repeated request once: it does not know the key for days,
//! - what came in and was not worked on, and jobs that send, become dead letters; people replay or discard them,
//! - nobody is asked or said goodbye to for having been silent before: that is counted from the customer's next message on.
//!   Replies that wait for the customer are given up (`segue_desk::pending::give_up_restored`).
//!
//! What was to leave later than now has not left, and waits on.

use segue_model::{
    CampaignId, Ctx, InboxId, JobId, WorkspaceId, campaign::CampaignState, delivery::OutboxState, id::Id as _,
};

use crate::{StoreError, Tx, dead_letter::Source, submission::read_change};

/// How much a restored database holds back until a person decides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Held {
    /// Campaigns that are paused.
    pub campaigns: usize,
    /// Campaigns that had been paused or are still to come, and say now that they may have been sent since.
    pub marked: usize,
    /// Messages of no campaign, and messages that were on the wire, that are `unknown` now.
    pub messages: usize,
    /// Dead letters of what came in.
    pub arrivals: usize,
    /// Dead letters of jobs.
    pub jobs: usize,
    /// Replies that waited for the customer and are given up.
    pub replies: usize,
}

/// Stands at a campaign that is paused.
const CAMPAIGN: &str = "The database was restored from a backup while this campaign was not over. What it sent after the backup \
     was made is not known here and would be sent again. Resume it only when nothing was sent, or cancel it.";
/// Stands at a campaign that had been paused, or whose time is still to come.
const MARKED: &str = "The database was restored from a backup. Whether this campaign was sent, changed or canceled after the \
     backup was made is not known here. Let it go on only when nothing of it was sent since, or cancel it.";
/// Stands at a message that is unknown.
const MESSAGE: &str =
    "The database was restored from a backup that was made before this message left; it may have left since.";
/// Stands at a dead letter.
const LETTER: &str = "The database was restored from a backup that was made before this was done; it may have been done since. Replay it when it was not.";

crate::sql! {
    STARTED = "SELECT id, state FROM campaigns WHERE workspace_id = $1 AND (state IN ('planning', 'running')
        OR (state = 'scheduled' AND (next_run_at IS NULL OR next_run_at <= $2))) ORDER BY id";
    NOT_STARTED = "SELECT id FROM campaigns WHERE workspace_id = $1 AND state IN ('paused', 'scheduled')
        AND (attention IS NULL OR attention NOT IN ($2, $3)) ORDER BY id";
    HOLD_MESSAGES = "UPDATE outbox SET state = 'unknown', lease_owner = NULL, lease_until = NULL,
            lease_epoch = lease_epoch + 1, error_class = 'unknown', error_reason = $3
        WHERE workspace_id = $1 AND (state = 'submitting'
            OR (campaign_id IS NULL AND state IN ('queued', 'claimed') AND not_before <= $2))
        RETURNING id, session_id, campaign_id, state, rule, error_class, error_code, error_reason";
    COUNT_NO_SILENCE = "UPDATE sessions SET idle_since = NULL, idle_warned = 0, version = version + 1
        WHERE workspace_id = $1 AND state <> 'ended' AND idle_since IS NOT NULL";
    HOLD_ARRIVALS = "UPDATE inbox SET state = 'dead', lease_owner = NULL, lease_until = 0, last_error = $2
        WHERE workspace_id = $1 AND state = 'pending' RETURNING id";
    HOLD_JOBS = "UPDATE jobs SET state = 'dead', lease_owner = NULL, lease_until = 0, last_error = $4
        WHERE workspace_id = $1 AND kind = $2 AND state IN ('waiting', 'running') AND (run_at <= $3 OR kind = 'read_long_text')
        RETURNING id";
}

impl Tx<'_> {
    /// Holds back what a restored database would send again. `kinds` are the jobs that send something.
    ///
    /// # Errors
    /// When the store fails.
    pub fn hold_restored(&mut self, kinds: &[&str], ctx: &Ctx) -> Result<Held, StoreError> {
        let mut held = Held::default();
        for workspace in self.workspaces()? {
            self.hold_workspace(workspace.id, kinds, &mut held, ctx)?;
        }
        Ok(held)
    }

    fn hold_workspace(
        &mut self,
        workspace_id: WorkspaceId,
        kinds: &[&str],
        held: &mut Held,
        ctx: &Ctx,
    ) -> Result<(), StoreError> {
        let now = ctx.now();
        let started = self.query(&STARTED, &[&workspace_id, &now], |row| {
            Ok((row.next::<CampaignId>()?, row.word::<CampaignState>()?))
        })?;
        for (id, state) in started {
            self.move_campaign(workspace_id, id, state, CampaignState::Paused, now)?;
            self.set_attention(workspace_id, id, CAMPAIGN, now)?;
            held.campaigns += 1;
        }
        for id in self.query(&NOT_STARTED, &[&workspace_id, &CAMPAIGN, &MARKED], |row| row.next::<CampaignId>())? {
            self.set_attention(workspace_id, id, MARKED, now)?;
            held.marked += 1;
        }
        let unknown = self.query(&HOLD_MESSAGES, &[&workspace_id, &now, &MESSAGE], read_change)?;
        held.messages += unknown.len();
        for change in &unknown {
            self.tell_message_change(workspace_id, change, OutboxState::Queued, now);
        }
        self.execute(&COUNT_NO_SILENCE, &[&workspace_id])?;
        for id in self.query(&HOLD_ARRIVALS, &[&workspace_id, &LETTER], |row| row.next::<InboxId>())? {
            self.bury(workspace_id, Source::Inbox, id.uuid(), LETTER, ctx)?;
            held.arrivals += 1;
        }
        for kind in kinds {
            for id in self.query(&HOLD_JOBS, &[&workspace_id, kind, &now, &LETTER], |row| row.next::<JobId>())? {
                self.bury(workspace_id, Source::Job, id.uuid(), LETTER, ctx)?;
                held.jobs += 1;
            }
        }
        Ok(())
    }
}
