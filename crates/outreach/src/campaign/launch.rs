//! Campaigns that start by themselves: once at their time, or again and again.
//!
//! A scheduled campaign has one waiting job per run, written in the transaction that scheduled it. The job does nothing
//! but look, under the campaign's lock, whether the campaign still waits for exactly this run: one that was withdrawn,
//! changed or run already is left alone, so doing the job twice, or late, or after a crash changes nothing.
//!
//! Each run of a recurring campaign is a campaign of its own, with its own recipients, links and figures. It is written
//! in the same transaction as the next run's job.

use segue_model::{
    CampaignId, Ctx, Timestamp, WorkspaceId,
    campaign::{CampaignAction, CampaignState},
    schedule::{Due, Schedule},
};
use segue_store::{
    Store, StoreError, Tx,
    campaign::{CampaignInput, CampaignView},
    job::NewJob,
    workspace::Workspace,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    action::{go_on, plan_key, ready, step},
    found,
    plan::PLAN_CAMPAIGN,
};
use crate::{Links, OutreachError};

/// Kind of the job that starts a scheduled campaign.
pub const LAUNCH_CAMPAIGN: &str = "launch_campaign";

/// Payload of a [`LAUNCH_CAMPAIGN`] job.
#[derive(Debug, Serialize, Deserialize)]
struct LaunchJob {
    campaign_id: CampaignId,
    run: u32,
    due: Timestamp,
}

/// Whether a campaign that is started now is to wait for its time.
///
/// # Errors
/// When its time has passed.
pub(super) fn is_for_later(
    campaign: &CampaignView,
    workspace: &Workspace,
    now: Timestamp,
) -> Result<bool, OutreachError> {
    let schedule = &campaign.input.schedule;
    let Some(first) = schedule.starts(0, &workspace.time_zone) else { return Ok(false) };
    if first > now || schedule.repeat.is_some() {
        return next_run(schedule, 0, workspace, now)
            .map(|_| true)
            .ok_or_else(|| OutreachError::invalid("schedule", "All its runs are in the past. Choose a later time."));
    }
    if now.since(schedule.begun_everywhere(first)) > schedule.tolerance() {
        return Err(OutreachError::invalid("schedule", "Its time has passed. Choose a later one, or start it now."));
    }
    Ok(false)
}

/// Refuses to let a campaign that starts once wait for a time that has passed: it would be left out without a word.
///
/// # Errors
/// When its time has passed.
pub(super) fn check_time(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    campaign: &CampaignView,
    now: Timestamp,
) -> Result<(), OutreachError> {
    if campaign.input.schedule.repeat.is_some() {
        return Ok(());
    }
    let workspace = tx.workspace(workspace_id)?.ok_or(OutreachError::NotFound("workspace"))?;
    is_for_later(campaign, &workspace, now).map(|_| ())
}

/// The first run from `run` on whose time has not passed everywhere.
fn next_run(schedule: &Schedule, run: u32, workspace: &Workspace, now: Timestamp) -> Option<(u32, Timestamp)> {
    let mut runs =
        (run.max(schedule.long_past(now))..).map_while(|run| Some((run, schedule.starts(run, &workspace.time_zone)?)));
    runs.find(|(_, at)| schedule.begun_everywhere(*at) >= now)
}

/// The run of a campaign that comes next, with the moment at which it starts: of a recurring one the first after those that
/// have begun whose time has not passed everywhere. `None` when it has no time, or no run is left.
///
/// A recurring campaign that was withdrawn and started again counts its runs anew, and at the recipients' own time a run
/// lasts for more than a day. So the time of the newest run says which have begun: nobody is to get one of them twice.
pub(super) fn upcoming(
    tx: &mut Tx<'_>,
    workspace: &Workspace,
    campaign: &CampaignView,
    now: Timestamp,
) -> Result<Option<(u32, Timestamp)>, StoreError> {
    let schedule = &campaign.input.schedule;
    if schedule.repeat.is_none() {
        return Ok(schedule.starts(0, &workspace.time_zone).map(|at| (0, at)));
    }
    let newest = match tx.runs_of_series(workspace.id, campaign.id, 1)?.first() {
        Some(id) => tx.campaign(workspace.id, *id)?.and_then(|run| run.input.schedule.starts_at),
        None => None,
    };
    let Some((mut run, mut at)) = next_run(schedule, campaign.runs, workspace, now) else { return Ok(None) };
    while newest.is_some_and(|newest| schedule.wall_time(run).is_some_and(|wall| wall <= newest)) {
        run += 1;
        let Some(next) = schedule.starts(run, &workspace.time_zone) else { return Ok(None) };
        at = next;
    }
    Ok(Some((run, at)))
}

/// The campaign as it is when it begins next, and that moment: a recurring one with the time of that run, which is what
/// its recipients are judged by. As it is now when it has no time, or none that is still to come.
pub(super) fn as_it_begins(
    tx: &mut Tx<'_>,
    workspace: &Workspace,
    campaign: &CampaignView,
    now: Timestamp,
) -> Result<(CampaignInput, Timestamp), StoreError> {
    let mut input = campaign.input.clone();
    let Some((run, at)) = upcoming(tx, workspace, campaign, now)? else { return Ok((input, now)) };
    if let Some(wall) = input.schedule.wall_time(run) {
        input.schedule = Schedule { starts_at: Some(wall), repeat: None, ..input.schedule };
    }
    Ok((input, at.max(now)))
}

/// Whether a paused campaign that goes on has to wait for its time: a recurring one, or one that was paused before it
/// began and whose time has not come.
///
/// # Errors
/// When the store fails.
pub(super) fn still_waits(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    campaign: &CampaignView,
    now: Timestamp,
) -> Result<bool, OutreachError> {
    let schedule = &campaign.input.schedule;
    if schedule.repeat.is_some() {
        return Ok(true);
    }
    if campaign.started_at.is_some() {
        return Ok(false);
    }
    let workspace = tx.workspace(workspace_id)?.ok_or(OutreachError::NotFound("workspace"))?;
    Ok(schedule.starts(0, &workspace.time_zone).is_some_and(|at| at > now))
}

/// Lets a campaign wait for its next run; at once when it has no time. The action says how it comes to wait.
///
/// # Errors
/// When the state does not allow it or no run is left.
pub(super) fn wait(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    campaign: &CampaignView,
    action: CampaignAction,
) -> Result<(), OutreachError> {
    let workspace = tx.workspace(workspace_id)?.ok_or(OutreachError::NotFound("workspace"))?;
    let schedule = &campaign.input.schedule;
    let (run, at) = match schedule.starts(0, &workspace.time_zone) {
        Some(_) if schedule.repeat.is_some() => upcoming(tx, &workspace, campaign, ctx.now())?
            .ok_or_else(|| OutreachError::invalid("schedule", "All its runs are in the past. Choose a later time."))?,
        // Approved a little late it starts at once, as it would without an approval.
        Some(at) => (0, at.max(ctx.now())),
        None => (0, ctx.now()),
    };
    step(tx, ctx, workspace_id, campaign, action)?;
    plan_run(tx, ctx, workspace_id, campaign.id, run, at)
}

fn plan_run(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: CampaignId,
    run: u32,
    due: Timestamp,
) -> Result<(), OutreachError> {
    tx.set_next_run(workspace_id, id, Some(due), run)?;
    let version = found(tx, workspace_id, id)?.version;
    let payload = serde_json::to_value(LaunchJob { campaign_id: id, run, due })
        .map_err(|error| StoreError::Statement(error.to_string()))?;
    let job = NewJob {
        id: ctx.id(),
        kind: LAUNCH_CAMPAIGN,
        dedupe_key: format!("{id}:{run}:{version}"),
        payload,
        run_at: due,
    };
    tx.schedule(workspace_id, &job, ctx.now())?;
    Ok(())
}

/// Runs a [`LAUNCH_CAMPAIGN`] job. Running it again changes nothing.
///
/// # Errors
/// When the store fails or the payload is not one of such a job.
pub async fn run(
    store: &Store,
    ctx: &Ctx,
    links: &Links,
    workspace_id: WorkspaceId,
    payload: &Value,
) -> Result<(), OutreachError> {
    let job: LaunchJob = serde_json::from_value(payload.clone())
        .map_err(|error| StoreError::Corrupt(format!("payload of a {LAUNCH_CAMPAIGN} job: {error}")))?;
    let (ctx, links) = (ctx.clone(), links.clone());
    store.write(move |tx| launch(tx, &ctx, &links, workspace_id, &job)).await
}

fn launch(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    links: &Links,
    workspace_id: WorkspaceId,
    job: &LaunchJob,
) -> Result<(), OutreachError> {
    tx.lock_campaign(job.campaign_id)?;
    let Some(campaign) = tx.campaign(workspace_id, job.campaign_id)? else { return Ok(()) };
    let waits =
        campaign.state == CampaignState::Scheduled && campaign.next_run_at == Some(job.due) && campaign.runs == job.run;
    if !waits {
        return Ok(());
    }
    if campaign.input.schedule.repeat.is_some() {
        return launch_run(tx, ctx, links, workspace_id, &campaign, job);
    }
    let due = campaign.input.schedule.due(job.due, ctx.now());
    tx.set_next_run(workspace_id, campaign.id, None, 1)?;
    match due {
        Due::Start => begin(tx, ctx, links, workspace_id, &campaign, CampaignAction::Launch),
        Due::Skip => {
            step(tx, ctx, workspace_id, &campaign, CampaignAction::Cancel)?;
            let why = "It could not start at its time, and is to be left out then. Clone it to send it later.";
            Ok(tx.set_attention(workspace_id, campaign.id, why, ctx.now())?)
        }
        Due::Ask => {
            step(tx, ctx, workspace_id, &campaign, CampaignAction::Pause)?;
            let why = "It could not start at its time. Resume it to send it now, or cancel it.";
            Ok(tx.set_attention(workspace_id, campaign.id, why, ctx.now())?)
        }
    }
}

/// Starts planning; what is not valid any more pauses the campaign with the reason, and a resume tries again.
fn begin(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    links: &Links,
    workspace_id: WorkspaceId,
    campaign: &CampaignView,
    action: CampaignAction,
) -> Result<(), OutreachError> {
    match ready(tx, links, workspace_id, campaign, ctx.now()) {
        Ok(()) => {
            step(tx, ctx, workspace_id, campaign, action)?;
            go_on(tx, ctx, links, workspace_id, campaign)
        }
        Err(OutreachError::Store(error)) => Err(error.into()),
        Err(reason) => {
            let planned = campaign.state.after(action)?;
            step(tx, ctx, workspace_id, campaign, action)?;
            let next = planned.after(CampaignAction::Pause)?;
            tx.move_campaign(workspace_id, campaign.id, planned, next, ctx.now())?;
            let why = format!("It could not start: {reason} Correct that and resume it.");
            Ok(tx.set_attention(workspace_id, campaign.id, &why, ctx.now())?)
        }
    }
}

/// The newest run whose time has come, from `run` on, with that time.
fn newest_due(
    schedule: &Schedule,
    (run, due): (u32, Timestamp),
    workspace: &Workspace,
    now: Timestamp,
) -> (u32, Timestamp) {
    let later = (run + 1..).map_while(|run| Some((run, schedule.starts(run, &workspace.time_zone)?)));
    later.take_while(|(_, at)| *at <= now).last().unwrap_or((run, due))
}

/// One run of a recurring campaign, and the job of the next. Of several runs whose time came while nobody looked, at most
/// the newest starts: nobody is to get the same campaign several times at once.
fn launch_run(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    links: &Links,
    workspace_id: WorkspaceId,
    series: &CampaignView,
    job: &LaunchJob,
) -> Result<(), OutreachError> {
    let now = ctx.now();
    let workspace = tx.workspace(workspace_id)?.ok_or(OutreachError::NotFound("workspace"))?;
    let (newest, at) = newest_due(&series.input.schedule, (job.run, job.due), &workspace, now);
    let due = series.input.schedule.due(at, now);
    if due != Due::Skip {
        let wall = series.input.schedule.wall_time(newest);
        let day = wall.map(|at| at.date().to_string()).unwrap_or_default();
        let input = CampaignInput {
            name: format!("{} · {day}", series.input.name),
            schedule: Schedule { starts_at: wall, repeat: None, ..series.input.schedule },
            ..series.input.clone()
        };
        let id: CampaignId = ctx.id();
        tx.insert_campaign(workspace_id, id, &input, None, now)?;
        tx.set_series(workspace_id, id, series.id, 1)?;
        tx.copy_pinned_texts(workspace_id, series.id, id)?;
        // Before the start: it makes the texts, and the settings say on which name their links stand.
        tx.copy_links(workspace_id, series.id, id)?;
        tx.drop_past_ends(workspace_id, id, now)?;
        let run = found(tx, workspace_id, id)?;
        begin(tx, ctx, links, workspace_id, &run, CampaignAction::Start)?;
        if due == Due::Ask {
            let run = found(tx, workspace_id, id)?;
            if run.state == CampaignState::Planning {
                step(tx, ctx, workspace_id, &run, CampaignAction::Pause)?;
                let why = "It could not start at its time. Resume it to send it now, or cancel it.";
                tx.set_attention(workspace_id, id, why, now)?;
            }
        }
    }
    let next = newest + 1;
    match series.input.schedule.starts(next, &workspace.time_zone) {
        Some(at) => {
            plan_run(tx, ctx, workspace_id, series.id, next, at)?;
            tx.tell_campaign(workspace_id, series.id, now)?;
        }
        None => {
            tx.set_next_run(workspace_id, series.id, None, next)?;
            step(tx, ctx, workspace_id, series, CampaignAction::Complete)?;
        }
    }
    match newest - job.run + u32::from(due == Due::Skip) {
        // What was said of an earlier run is over.
        0 => Ok(tx.clear_attention(workspace_id, series.id)?),
        1 => {
            let why = "A run could not start at its time and was left out.";
            Ok(tx.set_attention(workspace_id, series.id, why, now)?)
        }
        many => {
            let why = format!("{many} runs could not start at their time and were left out.");
            Ok(tx.set_attention(workspace_id, series.id, &why, now)?)
        }
    }
}

/// Opens the send window that is open now, or waits for the next.
///
/// # Errors
/// When the store fails.
pub(super) fn open_window(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    campaign: &CampaignView,
    workspace: &Workspace,
    now: Timestamp,
) -> Result<(), StoreError> {
    match campaign.input.schedule.window.and_then(|window| window.around(now, &workspace.time_zone)) {
        Some((opens, closes)) => tx.set_send_window(workspace_id, campaign.id, opens, closes),
        None => Ok(()),
    }
}

/// Moves windows on that have closed, and pauses campaigns whose planning was given up, with the reason. To be called
/// from time to time.
///
/// # Errors
/// When the store fails.
pub(crate) fn sweep(tx: &mut Tx<'_>, ctx: &Ctx, workspace: &Workspace) -> Result<(), OutreachError> {
    let now = ctx.now();
    for id in tx.closed_windows(workspace.id, now)? {
        tx.lock_campaign(id)?;
        if let Some(campaign) = tx.campaign(workspace.id, id)? {
            open_window(tx, workspace.id, &campaign, workspace, now)?;
        }
    }
    for planning in tx.planning_campaigns(workspace.id)? {
        let key = plan_key(planning.id, planning.version - 1);
        let Some(reason) = tx.dead_job(workspace.id, PLAN_CAMPAIGN, &key)? else { continue };
        tx.lock_campaign(planning.id)?;
        let campaign = found(tx, workspace.id, planning.id)?;
        if campaign.version == planning.version && campaign.state == CampaignState::Planning {
            step(tx, ctx, workspace.id, &campaign, CampaignAction::Pause)?;
            let why = format!("Its recipients could not all be written: {reason} Resume it to go on where it stopped.");
            tx.set_attention(workspace.id, campaign.id, &why, now)?;
        }
    }
    Ok(())
}
