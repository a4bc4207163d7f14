//! A new draft from a campaign, whatever state that is in.

use segue_model::{CampaignId, Ctx, Timestamp, WorkspaceId, actor::Actor, schedule::Schedule};
use segue_store::{
    Store, StoreError, Tx,
    campaign::{CampaignInput, CampaignView},
    link::LinkSettings,
};

use super::found;
use crate::OutreachError;

/// Longest name of a copy, in characters.
const LONGEST_NAME: usize = 200;

/// Copies a campaign into a new draft, with what is set about its links. Times that have passed are not copied, nor that
/// its links were turned off; its recipients and figures never are.
///
/// # Errors
/// When there is no such campaign.
pub async fn copy(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    id: CampaignId,
) -> Result<CampaignView, OutreachError> {
    let (fresh, now, user) = (ctx.id::<CampaignId>(), ctx.now(), actor.user_id());
    store
        .write(move |tx| {
            let campaign = found(tx, workspace_id, id)?;
            let workspace = tx.workspace(workspace_id)?.ok_or(OutreachError::NotFound("workspace"))?;
            let schedule = campaign.input.schedule;
            let is_past = schedule.starts(0, &workspace.time_zone).is_some_and(|at| at < now);
            let schedule = match is_past {
                true => Schedule { starts_at: None, repeat: None, clock: Schedule::default().clock, ..schedule },
                false => schedule,
            };
            let name: String = format!("Copy of {}", campaign.input.name).chars().take(LONGEST_NAME).collect();
            let mut input = CampaignInput { name, schedule, ..campaign.input };
            if let Some(template) = &mut input.template {
                template.offer_ends_at = template.offer_ends_at.filter(|end| *end > now);
            }
            tx.insert_campaign(workspace_id, fresh, &input, user, now)?;
            copy_links(tx, workspace_id, (id, fresh), now)?;
            found(tx, workspace_id, fresh)
        })
        .await
}

/// What is set about the links, and where those of the text lead.
fn copy_links(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    (from, to): (CampaignId, CampaignId),
    now: Timestamp,
) -> Result<(), StoreError> {
    let settings = tx.link_settings(workspace_id, from)?.settings;
    let expires_at = settings.expires_at.filter(|end| *end > now);
    let settings = LinkSettings { expires_at, on_base: false, ..settings };
    if settings != LinkSettings::default() {
        tx.put_link_settings(workspace_id, to, &settings)?;
    }
    let targets: Vec<String> =
        tx.campaign_links(workspace_id, from)?.into_iter().filter_map(|link| link.target).collect();
    tx.put_campaign_links(workspace_id, to, &targets)
}
