//! What a person asks of a campaign: start, pause, resume, cancel.
//!
//! Each is one transaction under the campaign's lock: read the state, ask the model what follows, change the state only
//! if it is still the one that was read, and plan or cancel in the same breath. Of two people who press at once one
//! succeeds and the other is told why not. The planning job's key holds the campaign's version, so that each start or
//! resume plans exactly one job.

use segue_model::{
    CampaignId, Ctx, WorkspaceId,
    campaign::{CampaignAction, CampaignState},
    policy::Approval,
    wake::Wake,
};
use segue_store::{Store, StoreError, Tx, campaign::CampaignView, job::NewJob};
use serde_json::json;

use super::{audience::approval, found, plan::PLAN_CAMPAIGN, prepare, validate};
use crate::{Links, OutreachError};

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
    let (ctx, links) = (ctx.clone(), links.clone());
    store.write(move |tx| act_in(tx, &ctx, &links, workspace_id, id, action)).await
}

fn act_in(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    links: &Links,
    workspace_id: WorkspaceId,
    id: CampaignId,
    action: CampaignAction,
) -> Result<CampaignView, OutreachError> {
    let now = ctx.now();
    tx.lock_campaign(id)?;
    let campaign = found(tx, workspace_id, id)?;
    let next = campaign.state.after(action)?;
    if action == CampaignAction::Start {
        validate(tx, links, workspace_id, &campaign.input)?;
        let prepared = prepare(tx, links, workspace_id, Some(campaign.id), &campaign.input, campaign.number)?;
        tx.put_campaign_links(workspace_id, id, prepared.text.targets())?;
        if approval(&prepared.sender) == Approval::NotApproved {
            return Err(OutreachError::SenderNotActive);
        }
    }
    if !tx.move_campaign(workspace_id, id, campaign.state, next, now)? {
        // The lock forbids it; without it the caller would be told of a change that did not happen.
        return Err(StoreError::Unavailable("the campaign was changed meanwhile; try again".to_owned()).into());
    }
    match next {
        CampaignState::Planning => go_on(tx, ctx, workspace_id, &campaign)?,
        CampaignState::Canceled => {
            tx.cancel_campaign_messages(workspace_id, id)?;
            tx.tell_campaign_progress(workspace_id, id, now);
        }
        _ => {}
    }
    found(tx, workspace_id, id)
}

/// Plans the rest, or goes straight on to sending when nothing is left to plan.
fn go_on(tx: &mut Tx<'_>, ctx: &Ctx, workspace_id: WorkspaceId, before: &CampaignView) -> Result<(), OutreachError> {
    let now = ctx.now();
    let cursor = tx.plan_cursor(workspace_id, before.id)?.ok_or(OutreachError::NotFound("campaign"))?;
    if let Some(sender) = tx.sender(workspace_id, before.input.sender_id)? {
        tx.wake(Wake::Outbox(sender.channel_id));
    }
    if cursor.is_complete {
        tx.complete_plan(workspace_id, before.id, now)?;
        return Ok(());
    }
    let job = NewJob {
        id: ctx.id(),
        kind: PLAN_CAMPAIGN,
        dedupe_key: format!("{}:{}", before.id, before.version),
        payload: json!({ "campaign_id": before.id }),
        run_at: now,
    };
    tx.schedule(workspace_id, &job, now)?;
    Ok(())
}
