//! What moves a campaign besides people: its time, its send window, its approval, and what went wrong.
//!
//! All of it is written in the transaction of the change of state it belongs to, under [`Tx::lock_campaign`], so a crash
//! leaves both or neither. A window that has closed closes by itself: the time is in the row, and whoever looks for
//! messages to send compares it; only opening the next one takes a sweep.

use segue_model::{CampaignId, Timestamp, UserId, WorkspaceId};

use crate::{Row, StoreError, Tx};

/// Who has had to do with a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authors {
    pub created_by: Option<UserId>,
    /// Everybody who ever changed it.
    pub editors: Vec<UserId>,
    pub submitted_by: Option<UserId>,
}

impl Authors {
    /// Whether the person wrote, changed or submitted it.
    #[must_use]
    pub fn include(&self, user: UserId) -> bool {
        [self.created_by, self.submitted_by].contains(&Some(user)) || self.editors.contains(&user)
    }
}

/// A campaign that has stood in `planning` and the version it came there with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanningCampaign {
    pub id: CampaignId,
    pub version: i64,
}

crate::sql! {
    AUTHORS = "SELECT created_by, submitted_by FROM campaigns WHERE workspace_id = $1 AND id = $2";
    EDITORS = "SELECT user_id FROM campaign_editors WHERE workspace_id = $1 AND campaign_id = $2 ORDER BY user_id";
    ADD_EDITOR = "INSERT INTO campaign_editors (workspace_id, campaign_id, user_id) VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING";
    SET_SUBMITTED = "UPDATE campaigns SET submitted_by = $3, approved_by = NULL, review_comment = NULL
        WHERE workspace_id = $1 AND id = $2";
    SET_REVIEWED = "UPDATE campaigns SET approved_by = $3, review_comment = $4 WHERE workspace_id = $1 AND id = $2";
    SET_NEXT_RUN = "UPDATE campaigns SET next_run_at = $3, runs = $4 WHERE workspace_id = $1 AND id = $2";
    SET_STARTED = "UPDATE campaigns SET started_at = $3 WHERE workspace_id = $1 AND id = $2";
    SET_SERIES = "UPDATE campaigns SET series_id = $3, runs = $4, approved_by = (SELECT s.approved_by FROM campaigns s
            WHERE s.workspace_id = $1 AND s.id = $3)
        WHERE workspace_id = $1 AND id = $2";
    CLEAR_ATTENTION = "UPDATE campaigns SET attention = NULL
        WHERE workspace_id = $1 AND id = $2 AND attention IS NOT NULL";
    SET_ATTENTION = "UPDATE campaigns SET attention = $3 WHERE workspace_id = $1 AND id = $2";
    FREEZE_AUDIENCE = "UPDATE campaigns SET plan_audience = $3
        WHERE workspace_id = $1 AND id = $2 AND plan_audience IS NULL";
    FROZEN_AUDIENCE = "SELECT plan_audience FROM campaigns WHERE workspace_id = $1 AND id = $2";
    FROZEN_AUDIENCES_WITH = "SELECT name, plan_audience FROM campaigns WHERE workspace_id = $1
            AND state NOT IN ('finished', 'canceled') AND plan_audience LIKE $2 ESCAPE '\\'
        ORDER BY created_at DESC";
    SET_WINDOW = "UPDATE campaigns SET opens_at = $3, closes_at = $4 WHERE workspace_id = $1 AND id = $2";
    CLOSED_WINDOWS = "SELECT id FROM campaigns WHERE workspace_id = $1
        AND state IN ('planning', 'running', 'paused') AND closes_at <= $2 ORDER BY id";
    PLANNING_CAMPAIGNS = "SELECT id, version FROM campaigns WHERE workspace_id = $1 AND state = 'planning'
        ORDER BY id";
    RUNS_OF_SERIES = "SELECT id FROM campaigns WHERE workspace_id = $1 AND series_id = $2 ORDER BY id DESC LIMIT $3";
    RUN_NUMBERS = "SELECT number FROM campaigns WHERE workspace_id = $1 AND series_id = $2 ORDER BY number";
}

impl Tx<'_> {
    /// Who wrote, changed and submitted a campaign.
    ///
    /// # Errors
    /// When the store fails.
    pub fn campaign_authors(
        &mut self,
        workspace_id: WorkspaceId,
        id: CampaignId,
    ) -> Result<Option<Authors>, StoreError> {
        let editors = self.query(&EDITORS, &[&workspace_id, &id], |row| row.next())?;
        self.query_opt(&AUTHORS, &[&workspace_id, &id], |row: &mut Row<'_>| {
            Ok(Authors { created_by: row.next()?, editors: editors.clone(), submitted_by: row.next()? })
        })
    }

    /// Notes who changed a draft; a program, which has no user, takes nobody off the list.
    ///
    /// # Errors
    /// When the store fails.
    pub fn add_campaign_editor(
        &mut self,
        workspace_id: WorkspaceId,
        id: CampaignId,
        user: Option<UserId>,
    ) -> Result<(), StoreError> {
        let Some(user) = user else { return Ok(()) };
        self.execute(&ADD_EDITOR, &[&workspace_id, &id, &user]).map(|_| ())
    }

    /// Notes who asks for approval.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_submitted(
        &mut self,
        workspace_id: WorkspaceId,
        id: CampaignId,
        by: Option<UserId>,
    ) -> Result<(), StoreError> {
        self.execute(&SET_SUBMITTED, &[&workspace_id, &id, &by]).map(|_| ())
    }

    /// Notes what the second person said; `approved_by` only when it is a yes.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_reviewed(
        &mut self,
        workspace_id: WorkspaceId,
        id: CampaignId,
        approved_by: Option<UserId>,
        comment: Option<&str>,
    ) -> Result<(), StoreError> {
        self.execute(&SET_REVIEWED, &[&workspace_id, &id, &approved_by, &comment]).map(|_| ())
    }

    /// Notes when the next run starts, and how many have begun.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_next_run(
        &mut self,
        workspace_id: WorkspaceId,
        id: CampaignId,
        at: Option<Timestamp>,
        runs: u32,
    ) -> Result<(), StoreError> {
        self.execute(&SET_NEXT_RUN, &[&workspace_id, &id, &at, &runs]).map(|_| ())
    }

    /// Notes that a campaign of which nobody has got anything starts now, whenever that was tried before.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_started(&mut self, workspace_id: WorkspaceId, id: CampaignId, now: Timestamp) -> Result<(), StoreError> {
        self.execute(&SET_STARTED, &[&workspace_id, &id, &now]).map(|_| ())
    }

    /// Notes which recurring campaign this is a run of; the series' approval is its own.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_series(
        &mut self,
        workspace_id: WorkspaceId,
        id: CampaignId,
        series_id: CampaignId,
        run: u32,
    ) -> Result<(), StoreError> {
        self.execute(&SET_SERIES, &[&workspace_id, &id, &series_id, &run]).map(|_| ())
    }

    /// Notes why the campaign stands still and tells the screens. Call it after the change of state, which clears it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_attention(
        &mut self,
        workspace_id: WorkspaceId,
        id: CampaignId,
        why: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(&SET_ATTENTION, &[&workspace_id, &id, &why])?;
        self.tell_campaign(workspace_id, id, now)
    }

    /// Takes away what was noted of the campaign, where something was.
    ///
    /// # Errors
    /// When the store fails.
    pub fn clear_attention(&mut self, workspace_id: WorkspaceId, id: CampaignId) -> Result<(), StoreError> {
        self.execute(&CLEAR_ATTENTION, &[&workspace_id, &id]).map(|_| ())
    }

    /// Keeps the audience as it is now for the whole of the planning; the first one stands.
    ///
    /// # Errors
    /// When the store fails.
    pub fn freeze_audience(
        &mut self,
        workspace_id: WorkspaceId,
        id: CampaignId,
        audience: &str,
    ) -> Result<(), StoreError> {
        self.execute(&FREEZE_AUDIENCE, &[&workspace_id, &id, &audience]).map(|_| ())
    }

    /// The audience as it was at the start.
    ///
    /// # Errors
    /// When the store fails.
    pub fn frozen_audience(&mut self, workspace_id: WorkspaceId, id: CampaignId) -> Result<Option<String>, StoreError> {
        Ok(self.query_opt(&FROZEN_AUDIENCE, &[&workspace_id, &id], |row| row.next())?.flatten())
    }

    /// Names and audiences, as they were at the start, of campaigns that have not ended, of those that hold this text.
    ///
    /// # Errors
    /// When the store fails.
    pub fn frozen_audiences_with(
        &mut self,
        workspace_id: WorkspaceId,
        text: &str,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let pattern = crate::contact::like_pattern(text);
        self.query(&FROZEN_AUDIENCES_WITH, &[&workspace_id, &pattern], |row| Ok((row.next()?, row.next()?)))
    }

    /// Lets messages leave from `opens_at` until before `closes_at`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_send_window(
        &mut self,
        workspace_id: WorkspaceId,
        id: CampaignId,
        opens_at: Timestamp,
        closes_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(&SET_WINDOW, &[&workspace_id, &id, &opens_at, &closes_at]).map(|_| ())
    }

    /// Campaigns whose window has closed and that have not ended.
    ///
    /// # Errors
    /// When the store fails.
    pub fn closed_windows(&mut self, workspace_id: WorkspaceId, now: Timestamp) -> Result<Vec<CampaignId>, StoreError> {
        self.query(&CLOSED_WINDOWS, &[&workspace_id, &now], |row| row.next())
    }

    /// Campaigns whose recipients are being written.
    ///
    /// # Errors
    /// When the store fails.
    pub fn planning_campaigns(&mut self, workspace_id: WorkspaceId) -> Result<Vec<PlanningCampaign>, StoreError> {
        self.query(&PLANNING_CAMPAIGNS, &[&workspace_id], |row| {
            Ok(PlanningCampaign { id: row.next()?, version: row.next()? })
        })
    }

    /// Numbers of the runs of a recurring campaign, by which their links are known.
    ///
    /// # Errors
    /// When the store fails.
    pub fn run_numbers(&mut self, workspace_id: WorkspaceId, series_id: CampaignId) -> Result<Vec<u32>, StoreError> {
        self.query(&RUN_NUMBERS, &[&workspace_id, &series_id], |row| row.next())
    }

    /// Runs of a recurring campaign, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn runs_of_series(
        &mut self,
        workspace_id: WorkspaceId,
        series_id: CampaignId,
        limit: i64,
    ) -> Result<Vec<CampaignId>, StoreError> {
        self.query(&RUNS_OF_SERIES, &[&workspace_id, &series_id, &limit], |row| row.next())
    }
}
