//! What a person asks of a campaign: start, pause, resume, cancel, and everything about its approval.
//!
//! Each is one transaction under the campaign's lock: read the state, ask the model what follows, change the state only
//! if it is still the one that was read, and plan, schedule or cancel in the same breath. Of two people who press at once
//! one succeeds and the other is told why not. The planning job's key holds the campaign's version, so that each start or
//! resume plans exactly one job.

use segue_model::{
    CampaignId, Ctx, Timestamp, UserId, WorkspaceId,
    actor::Actor,
    campaign::{CampaignAction, CampaignState},
    policy::Approval,
    wake::Wake,
};
use segue_store::{Store, StoreError, Tx, campaign::CampaignView, job::NewJob, workspace::ApprovalRule};
use serde_json::json;

use super::{
    found, launch,
    links::check_ends,
    members::Crowd,
    pinned,
    plan::PLAN_CAMPAIGN,
    preflight, prepare,
    template::{self, TemplateText},
    validate, variants,
};
use crate::{Links, OutreachError, contacts::clean};

/// Longest comment of an approval or rejection, in characters.
const LONGEST_COMMENT: usize = 1_000;

/// Something asked of a campaign.
#[derive(Debug, Clone)]
pub struct Asked {
    pub action: CampaignAction,
    /// Who asks.
    pub actor: Actor,
    /// What a reviewer says.
    pub comment: Option<String>,
    /// The mark of a pre-flight that a start is to be held to.
    pub preflight: Option<String>,
    /// The version of the campaign that a reviewer has looked at.
    pub version: Option<i64>,
}

/// Does what is asked and gives the campaign as it is then.
///
/// # Errors
/// [`OutreachError::CampaignState`] when the state does not allow it; on a start whatever is not valid about the draft.
pub async fn act(
    store: &Store,
    ctx: &Ctx,
    links: &Links,
    workspace_id: WorkspaceId,
    id: CampaignId,
    action: CampaignAction,
) -> Result<CampaignView, OutreachError> {
    let asked = Asked { action, actor: Actor::System, comment: None, preflight: None, version: None };
    ask(store, ctx, links, workspace_id, id, asked).await
}

/// [`act`] in the name of somebody, with what belongs to it.
///
/// # Errors
/// As [`act`]; also when the campaign needs a second person's approval, the reviewer is its author, or the pre-flight or
/// what the reviewer has looked at is not that of the campaign as it is now.
pub async fn ask(
    store: &Store,
    ctx: &Ctx,
    links: &Links,
    workspace_id: WorkspaceId,
    id: CampaignId,
    asked: Asked,
) -> Result<CampaignView, OutreachError> {
    let (ctx, links) = (ctx.clone(), links.clone());
    store.write(move |tx| ask_in(tx, &ctx, &links, workspace_id, id, &asked)).await
}

fn ask_in(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    links: &Links,
    workspace_id: WorkspaceId,
    id: CampaignId,
    asked: &Asked,
) -> Result<CampaignView, OutreachError> {
    let now = ctx.now();
    tx.lock_campaign(id)?;
    let campaign = found(tx, workspace_id, id)?;
    campaign.state.after(asked.action)?;
    if asked.version.is_some_and(|version| version != campaign.version) {
        return Err(OutreachError::ChangedMeanwhile);
    }
    match asked.action {
        CampaignAction::Start => start(tx, ctx, links, workspace_id, &campaign, asked)?,
        CampaignAction::Submit => {
            ready(tx, links, workspace_id, &campaign, now)?;
            step(tx, ctx, workspace_id, &campaign, CampaignAction::Submit)?;
            tx.set_submitted(workspace_id, id, asked.actor.user_id())?;
        }
        CampaignAction::Approve => {
            let (reviewer, comment) = reviewer(tx, workspace_id, id, asked)?;
            ready(tx, links, workspace_id, &campaign, now)?;
            launch::check_time(tx, workspace_id, &campaign, now)?;
            launch::wait(tx, ctx, workspace_id, &campaign, CampaignAction::Approve)?;
            tx.set_reviewed(workspace_id, id, Some(reviewer), comment.as_deref())?;
        }
        CampaignAction::Reject => {
            let (_, comment) = reviewer(tx, workspace_id, id, asked)?;
            let comment =
                comment.ok_or_else(|| OutreachError::invalid("comment", "Say what has to change, for the author."))?;
            step(tx, ctx, workspace_id, &campaign, CampaignAction::Reject)?;
            tx.unpin_texts(workspace_id, id)?;
            tx.set_reviewed(workspace_id, id, None, Some(&comment))?;
        }
        CampaignAction::Resume if launch::still_waits(tx, workspace_id, &campaign, now)? => {
            launch::wait(tx, ctx, workspace_id, &campaign, CampaignAction::Schedule)?;
        }
        CampaignAction::Withdraw => {
            step(tx, ctx, workspace_id, &campaign, CampaignAction::Withdraw)?;
            tx.unpin_texts(workspace_id, id)?;
            tx.set_next_run(workspace_id, id, None, 0)?;
            tx.set_reviewed(workspace_id, id, None, None)?;
        }
        action => match go(tx, ctx, links, workspace_id, &campaign, action)? {
            CampaignState::Planning => go_on(tx, ctx, links, workspace_id, &campaign)?,
            CampaignState::Canceled => {
                tx.cancel_campaign_messages(workspace_id, id)?;
                tx.set_next_run(workspace_id, id, None, campaign.runs)?;
                tx.tell_campaign_progress(workspace_id, id, now);
            }
            _ => {}
        },
    }
    let after = found(tx, workspace_id, id)?;
    // A change of the state was told when it was made; what was written after it was not.
    let reviewed = matches!(
        asked.action,
        CampaignAction::Submit | CampaignAction::Approve | CampaignAction::Reject | CampaignAction::Withdraw
    );
    if reviewed || after.state == CampaignState::Scheduled {
        tx.tell_campaign(workspace_id, id, now)?;
    }
    Ok(after)
}

fn start(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    links: &Links,
    workspace_id: WorkspaceId,
    campaign: &CampaignView,
    asked: &Asked,
) -> Result<(), OutreachError> {
    ready(tx, links, workspace_id, campaign, ctx.now())?;
    let workspace = tx.workspace(workspace_id)?.ok_or(OutreachError::NotFound("workspace"))?;
    if workspace.settings.campaigns.approval == ApprovalRule::SecondPerson {
        return Err(OutreachError::ApprovalNeeded);
    }
    if let Some(mark) = &asked.preflight {
        preflight::hold_to(tx, workspace_id, campaign, mark, ctx.now())?;
    }
    if launch::is_for_later(campaign, &workspace, ctx.now())? {
        return launch::wait(tx, ctx, workspace_id, campaign, CampaignAction::Schedule);
    }
    step(tx, ctx, workspace_id, campaign, CampaignAction::Start)?;
    go_on(tx, ctx, links, workspace_id, campaign)
}

/// [`step`]; what has written no recipient yet is checked like a start before it goes on.
fn go(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    links: &Links,
    workspace_id: WorkspaceId,
    campaign: &CampaignView,
    action: CampaignAction,
) -> Result<CampaignState, OutreachError> {
    if action == CampaignAction::Resume {
        let cursor = tx.plan_cursor(workspace_id, campaign.id)?.ok_or(OutreachError::NotFound("campaign"))?;
        if cursor.planned == 0 && !cursor.is_complete {
            ready(tx, links, workspace_id, campaign, ctx.now())?;
            // Nobody has got anything: it starts now, and what expires after its start does so from now on.
            tx.set_started(workspace_id, campaign.id, ctx.now())?;
        }
    }
    step(tx, ctx, workspace_id, campaign, action)
}

/// Checks everything that a start needs.
pub(super) fn ready(
    tx: &mut Tx<'_>,
    links: &Links,
    workspace_id: WorkspaceId,
    campaign: &CampaignView,
    now: Timestamp,
) -> Result<(), OutreachError> {
    validate(tx, links, workspace_id, &campaign.input)?;
    let workspace = tx.workspace(workspace_id)?.ok_or(OutreachError::NotFound("workspace"))?;
    let (_, begins) = launch::as_it_begins(tx, &workspace, campaign, now)?;
    if let Some(template) = &campaign.input.template {
        let text = TemplateText::of(tx, links, workspace_id, Some(campaign.id), (template, campaign.number))?;
        tx.put_campaign_links(workspace_id, campaign.id, text.targets())?;
        check_ends(tx, workspace_id, campaign, begins)?;
        template::check_start(tx, &text, &campaign.input, begins)?;
        text.keep_files(tx, campaign.id)?;
        return pinned::pin(tx, &text.workspace, campaign);
    }
    let prepared = prepare(tx, links, workspace_id, Some(campaign.id), &campaign.input, campaign.number)?;
    variants::store_targets(tx, links, workspace_id, campaign, &prepared.text)?;
    check_ends(tx, workspace_id, campaign, begins)?;
    if prepared.origins.approval() == Approval::NotApproved {
        return Err(OutreachError::SenderNotActive);
    }
    pinned::pin(tx, &prepared.workspace, campaign)
}

/// Who reviews: a person who had nothing to do with the draft.
fn reviewer(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    id: CampaignId,
    asked: &Asked,
) -> Result<(UserId, Option<String>), OutreachError> {
    let user = asked.actor.user_id().ok_or(OutreachError::ReviewNeedsPerson)?;
    let authors = tx.campaign_authors(workspace_id, id)?.ok_or(OutreachError::NotFound("campaign"))?;
    if authors.include(user) {
        return Err(OutreachError::OwnCampaign);
    }
    Ok((user, asked.comment.as_deref().and_then(|comment| clean(comment, LONGEST_COMMENT))))
}

/// Moves the campaign by one action.
pub(super) fn step(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    campaign: &CampaignView,
    action: CampaignAction,
) -> Result<CampaignState, OutreachError> {
    let next = campaign.state.after(action)?;
    if tx.move_campaign(workspace_id, campaign.id, campaign.state, next, ctx.now())? {
        return Ok(next);
    }
    // The lock forbids it; without it the caller would be told of a change that did not happen.
    Err(StoreError::Unavailable("the campaign was changed meanwhile; try again".to_owned()).into())
}

/// Plans the rest of a campaign that has just moved to `planning`, or goes straight on to sending when nothing is left to
/// plan.
pub(super) fn go_on(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    links: &Links,
    workspace_id: WorkspaceId,
    before: &CampaignView,
) -> Result<(), OutreachError> {
    let now = ctx.now();
    let cursor = tx.plan_cursor(workspace_id, before.id)?.ok_or(OutreachError::NotFound("campaign"))?;
    let workspace = match &before.input.template {
        Some(template) => {
            // While it was paused nobody looked whether the template may be sent.
            tx.refresh_holds(workspace_id, template.channel_id, now)?;
            tx.workspace(workspace_id)?.ok_or(OutreachError::NotFound("workspace"))?
        }
        None => {
            let prepared = prepare(tx, links, workspace_id, Some(before.id), &before.input, before.number)?;
            for origin in prepared.origins.all() {
                tx.wake(Wake::Outbox(origin.sender.channel_id));
            }
            prepared.workspace
        }
    };
    launch::open_window(tx, workspace_id, before, &workspace, now)?;
    if cursor.is_complete {
        tx.complete_plan(workspace_id, before.id, now)?;
        return Ok(());
    }
    Crowd::of_audience(tx, workspace_id, &before.input.audience, now)?.freeze(tx, workspace_id, before)?;
    let job = NewJob {
        id: ctx.id(),
        kind: PLAN_CAMPAIGN,
        dedupe_key: plan_key(before.id, before.version),
        payload: json!({ "campaign_id": before.id }),
        run_at: now,
    };
    tx.schedule(workspace_id, &job, now)?;
    Ok(())
}

/// Key of the job that plans a campaign which moved to `planning` from this version.
pub(super) fn plan_key(id: CampaignId, version: i64) -> String {
    format!("{id}:{version}")
}
