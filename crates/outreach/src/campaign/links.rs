//! What a marketer sees and sets of a campaign's links.
//!
//! Settings that decide what the texts say (the host name, whether addresses become short links) belong to the draft;
//! when links end, and whether they are stopped, can be changed as long as somebody may follow them. Whoever changes
//! something tells [`crate::Redirects::forget`] afterwards.

use std::collections::BTreeMap;

use segue_model::{
    CampaignId, Ctx, Timestamp, WorkspaceId,
    actor::Actor,
    campaign::{CampaignState, Footer},
    code::{CHAT_LINK, CodeTarget, LinkCode, POSTER},
    time,
};
use segue_store::{
    Store, StoreError, Tx,
    campaign::CampaignView,
    click::{ClickBucket, DeviceCount, LinkCount, VerdictCount},
    link::{CampaignLink, LinkSettings},
    workspace::ApprovalRule,
};
use serde::{Deserialize, Deserializer, Serialize};

use super::{found, prepare, template::TemplateText, variants};
use crate::{Links, OutreachError, domains, redirect::LINK_LIFE};

/// Longest legal text and consent wording, in characters.
const LONGEST_WORDS: usize = 2_000;
/// Stretches of time shown at most.
const MOST_BUCKETS: i64 = 500;

/// A campaign's links as the API shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = CampaignLinks)]
pub struct LinksView {
    #[serde(flatten)]
    pub settings: LinkSettings,
    /// Since when all of them are turned off.
    pub stopped_at: Option<Timestamp>,
    /// When they end as things are; unknown while the campaign runs and nothing else is set.
    pub ends_at: Option<Timestamp>,
    /// What the links begin with.
    pub link_base: String,
    /// Each link of the text: the chat first, when the campaign leads to one.
    pub links: Vec<LinkView>,
}

/// One link of a campaign's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = CampaignLink)]
pub struct LinkView {
    /// 0 is the chat, from 1 on the addresses in the text.
    pub link: u8,
    /// The address; null for the chat.
    pub target: Option<String>,
    pub expires_at: Option<Timestamp>,
    /// Since when this one is turned off.
    pub stopped_at: Option<Timestamp>,
    /// A link that opens the same and counts nowhere.
    pub test_link: String,
    /// What the QR code says: it opens the same, and the chat belongs to the campaign.
    pub qr_link: String,
    /// Requests of any kind.
    pub raw: i64,
    /// Those that nothing speaks against being people's.
    pub filtered: i64,
    /// Those among them of the QR code.
    pub scanned: i64,
}

/// What is asked for in the links' figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ClickFigures {
    /// Milliseconds of each stretch of time.
    pub width: i64,
    /// Oldest first; stretches without anything are left out. Days are those of UTC.
    pub over_time: Vec<ClickBucket>,
    /// Taps of people by device.
    pub devices: Vec<DeviceCount>,
    /// Requests by who made them.
    pub verdicts: Vec<VerdictCount>,
}

segue_model::text_enum! {
    /// How long each stretch of time is.
    pub enum Stretch {
        Minute = "minute",
        Hour = "hour",
        /// From midnight to midnight in UTC.
        Day = "day",
    }
}

segue_model::text_enum! {
    /// Whether links may be followed.
    pub enum LinkSwitch {
        On = "on",
        Stopped = "stopped",
    }
}

/// What to change of one link; what is absent stays.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LinkChange {
    /// `null` takes the end away.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Timestamp>)]
    pub expires_at: Option<Option<Timestamp>>,
    pub switch: Option<LinkSwitch>,
}

/// Tells `null` from an absent field.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Timestamp>>, D::Error> {
    Option::<Timestamp>::deserialize(deserializer).map(Some)
}

/// A campaign's links, with the number by which redirects know it.
pub struct NumberedLinks {
    pub campaign_number: u32,
    /// Numbers of the runs of a recurring campaign whose links were turned off or on with its own.
    pub run_numbers: Vec<u32>,
    pub view: LinksView,
}

/// A campaign's links.
///
/// # Errors
/// When there is no such campaign.
pub async fn view(
    store: &Store,
    links: &Links,
    workspace_id: WorkspaceId,
    id: CampaignId,
) -> Result<LinksView, OutreachError> {
    let links = links.clone();
    store.read(move |tx| Ok(view_in(tx, &links, workspace_id, id)?.view)).await
}

fn view_in(
    tx: &mut Tx<'_>,
    links: &Links,
    workspace_id: WorkspaceId,
    id: CampaignId,
) -> Result<NumberedLinks, OutreachError> {
    let campaign = found(tx, workspace_id, id)?;
    let stored = tx.link_settings(workspace_id, id)?;
    let links = domains::links_of(tx, links, workspace_id, &stored.settings)?;
    let counts = tx.clicks_by_link(workspace_id, id)?;
    let rows = tx.campaign_links(workspace_id, id)?;
    let ended = campaign.ended_at.map(|ended| ended.plus(LINK_LIFE));
    let view = LinksView {
        ends_at: stored.settings.expires_at.or(ended),
        settings: stored.settings,
        stopped_at: stored.stopped_at,
        link_base: links.config().link_base.clone(),
        links: link_views(&campaign, &links, rows, &counts),
    };
    Ok(NumberedLinks { campaign_number: campaign.number, run_numbers: Vec::new(), view })
}

fn link_views(
    campaign: &CampaignView,
    links: &Links,
    rows: Vec<CampaignLink>,
    counts: &BTreeMap<u8, LinkCount>,
) -> Vec<LinkView> {
    let mut all: BTreeMap<u8, CampaignLink> = rows.into_iter().map(|row| (row.link, row)).collect();
    let leads_to_chat = campaign.input.whatsapp_channel_id.is_some() && campaign.input.footer != Footer::None;
    if leads_to_chat {
        let chat = CampaignLink { link: CHAT_LINK, target: None, expires_at: None, stopped_at: None };
        all.entry(CHAT_LINK).or_insert(chat);
    }
    all.into_values()
        .map(|row| {
            let count = counts.get(&row.link).copied().unwrap_or_default();
            let link_of = |position: u32| {
                let target = CodeTarget { campaign_number: campaign.number, position };
                links.short(LinkCode { target, link: row.link })
            };
            let (test_link, qr_link) = (link_of(0), link_of(POSTER));
            LinkView {
                link: row.link,
                target: row.target,
                expires_at: row.expires_at,
                stopped_at: row.stopped_at,
                test_link,
                qr_link,
                raw: count.raw,
                filtered: count.filtered,
                scanned: count.scanned,
            }
        })
        .collect()
}

/// Sets everything about a campaign's links but the switches. `change` is told what is set now, and nothing else is set in
/// between.
///
/// # Errors
/// When there is no such campaign, something is not valid, or the text has been sent and would have to change; or what
/// `change` refuses.
pub async fn change<E: From<OutreachError> + From<StoreError> + Send + 'static>(
    store: &Store,
    links: &Links,
    workspace_id: WorkspaceId,
    id: CampaignId,
    actor: &Actor,
    change: impl Fn(&LinkSettings) -> Result<LinkSettings, E> + Send + 'static,
) -> Result<NumberedLinks, E> {
    let (links, user) = (links.clone(), actor.user_id());
    store
        .write(move |tx| {
            tx.lock_campaign(id)?;
            let campaign = found(tx, workspace_id, id)?;
            let before = tx.link_settings(workspace_id, id)?.settings;
            let after = change(&before)?;
            // Whoever chooses a host name, or the default, leaves the one that the campaign was kept on.
            let on_base = before.on_base && before.domain_id == after.domain_id;
            let settings = LinkSettings { on_base, ..after };
            check(tx, workspace_id, &campaign, &before, &settings)?;
            tx.put_link_settings(workspace_id, id, &settings)?;
            // Whoever changes something of it before the start is one of its authors, who do not approve it.
            if is_before_start(&campaign) {
                tx.add_campaign_editor(workspace_id, id, user)?;
            }
            if campaign.state == CampaignState::Draft {
                store_targets(tx, &links, workspace_id, &campaign)?;
            }
            Ok(view_in(tx, &links, workspace_id, id)?)
        })
        .await
}

/// Whether the campaign has yet to start. One that was paused while it waited for its time, or between two runs, does.
const fn is_before_start(campaign: &CampaignView) -> bool {
    match campaign.state {
        CampaignState::Draft | CampaignState::AwaitingApproval | CampaignState::Scheduled => true,
        CampaignState::Paused => campaign.started_at.is_none() || campaign.input.schedule.repeat.is_some(),
        _ => false,
    }
}

fn check(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    campaign: &CampaignView,
    before: &LinkSettings,
    settings: &LinkSettings,
) -> Result<(), OutreachError> {
    if campaign.state != CampaignState::Draft {
        let sent = "The texts have been written with it. It can only be changed in a draft.";
        if before.domain_id != settings.domain_id {
            return Err(OutreachError::invalid("domain_id", sent));
        }
        if before.shorten != settings.shorten {
            return Err(OutreachError::invalid("shorten", sent));
        }
    }
    check_approved(tx, workspace_id, campaign, before, settings)?;
    if let Some(wanted) = settings.domain_id {
        let known = tx.link_domains(workspace_id)?.into_iter().find(|domain| domain.id == wanted);
        match known {
            None => return Err(OutreachError::invalid("domain_id", "There is no such host name.")),
            Some(domain) if domain.verified_at.is_none() => {
                let why = format!("It is not known yet whether {} leads here. Verify it first.", domain.host);
                return Err(OutreachError::invalid("domain_id", why));
            }
            Some(_) => {}
        }
    }
    for (field, words) in [("legal_text", &settings.legal_text), ("consent_wording", &settings.consent_wording)] {
        if words.chars().count() > LONGEST_WORDS {
            return Err(OutreachError::invalid(field, format!("It is longer than {LONGEST_WORDS} characters.")));
        }
    }
    Ok(())
}

/// Refuses to change what customers read and agree to while it is approved, or waits for it: it would be another text than
/// the one a second person looked at.
fn check_approved(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    campaign: &CampaignView,
    before: &LinkSettings,
    settings: &LinkSettings,
) -> Result<(), OutreachError> {
    let changed = [
        ("landing", before.landing != settings.landing),
        ("legal_text", before.legal_text != settings.legal_text),
        ("consent_wording", before.consent_wording != settings.consent_wording),
    ];
    let changed = changed.into_iter().find(|(_, is_changed)| *is_changed);
    let is_submitted = campaign.state != CampaignState::Draft && is_before_start(campaign);
    let Some((field, _)) = changed.filter(|_| is_submitted) else {
        return Ok(());
    };
    let workspace = tx.workspace(workspace_id)?.ok_or(OutreachError::NotFound("workspace"))?;
    if workspace.settings.campaigns.approval != ApprovalRule::SecondPerson {
        return Ok(());
    }
    let why = "A second person approves the campaign together with this. Withdraw it first, then it can be changed and \
               submitted again.";
    Err(OutreachError::invalid(field, why))
}

/// What is wrong with the ends of a campaign's links, when they have passed as it begins: everybody would be sent a link
/// that leads nowhere. Runs of a recurring one go out without the ends that have passed, so with it nothing is wrong.
pub(super) fn ended_before(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    campaign: &CampaignView,
    begins: Timestamp,
) -> Result<Option<String>, StoreError> {
    let input = &campaign.input;
    if input.schedule.repeat.is_some() {
        return Ok(None);
    }
    let has_chat = input.whatsapp_channel_id.is_some() && input.footer == Footer::Tracked;
    let mut rows = tx.campaign_links(workspace_id, campaign.id)?;
    rows.retain(|row| row.link != CHAT_LINK || has_chat);
    if rows.is_empty() && !has_chat {
        return Ok(None);
    }
    let is_over = |end: Option<Timestamp>| end.is_some_and(|end| end <= begins);
    let which = if is_over(tx.link_settings(workspace_id, campaign.id)?.settings.expires_at) {
        "The links end".to_owned()
    } else {
        match rows.into_iter().find(|row| is_over(row.expires_at)) {
            None => return Ok(None),
            Some(row) => {
                row.target.map_or("The link into the chat ends".to_owned(), |to| format!("The link to {to} ends"))
            }
        }
    };
    Ok(Some(format!("{which} before the campaign begins, so whoever taps would get nowhere. Choose a later end.")))
}

/// Refuses to start with links that have ended by then.
///
/// # Errors
/// When one has.
pub(super) fn check_ends(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    campaign: &CampaignView,
    begins: Timestamp,
) -> Result<(), OutreachError> {
    match ended_before(tx, workspace_id, campaign, begins)? {
        Some(why) => Err(OutreachError::invalid("expires_at", why)),
        None => Ok(()),
    }
}

/// Stores where the links of a campaign's text lead.
///
/// # Errors
/// When the text is not valid.
pub(super) fn store_targets(
    tx: &mut Tx<'_>,
    links: &Links,
    workspace_id: WorkspaceId,
    campaign: &CampaignView,
) -> Result<(), OutreachError> {
    if let Some(template) = &campaign.input.template {
        let text = TemplateText::of(tx, links, workspace_id, Some(campaign.id), (template, campaign.number))?;
        return Ok(tx.put_campaign_links(workspace_id, campaign.id, text.targets())?);
    }
    let prepared = prepare(tx, links, workspace_id, Some(campaign.id), &campaign.input, campaign.number)?;
    variants::store_targets(tx, links, workspace_id, campaign, &prepared.text)
}

/// Turns all links of a campaign off or on; of a recurring one those that its runs have sent, too.
///
/// # Errors
/// When there is no such campaign.
pub async fn switch(
    store: &Store,
    ctx: &Ctx,
    links: &Links,
    workspace_id: WorkspaceId,
    id: CampaignId,
    switch: LinkSwitch,
) -> Result<NumberedLinks, OutreachError> {
    let (links, now) = (links.clone(), ctx.now());
    store
        .write(move |tx| {
            tx.lock_campaign(id)?;
            found(tx, workspace_id, id)?;
            let stopped_at = (switch == LinkSwitch::Stopped).then_some(now);
            tx.stop_links(workspace_id, id, stopped_at)?;
            tx.stop_links_of_runs(workspace_id, id, stopped_at)?;
            tx.tell_campaign_progress(workspace_id, id, now);
            let run_numbers = tx.run_numbers(workspace_id, id)?;
            Ok(NumberedLinks { run_numbers, ..view_in(tx, &links, workspace_id, id)? })
        })
        .await
}

/// Changes one link of a campaign. It is turned off and on with what the runs of a recurring one have sent, too.
///
/// # Errors
/// When there is no such campaign or link.
pub async fn change_link(
    store: &Store,
    ctx: &Ctx,
    links: &Links,
    workspace_id: WorkspaceId,
    id: CampaignId,
    link: u8,
    change: LinkChange,
) -> Result<NumberedLinks, OutreachError> {
    let (links, now) = (links.clone(), ctx.now());
    store
        .write(move |tx| {
            tx.lock_campaign(id)?;
            let before = view_in(tx, &links, workspace_id, id)?.view.links.into_iter().find(|known| known.link == link);
            let before = before.ok_or(OutreachError::NotFound("link"))?;
            let stopped_at = match change.switch {
                Some(LinkSwitch::Stopped) => before.stopped_at.or(Some(now)),
                Some(LinkSwitch::On) => None,
                None => before.stopped_at,
            };
            tx.change_link(workspace_id, id, link, change.expires_at.unwrap_or(before.expires_at), stopped_at)?;
            let mut run_numbers = Vec::new();
            if change.switch.is_some() {
                tx.stop_link_of_runs(workspace_id, id, before.target.as_deref(), stopped_at)?;
                run_numbers = tx.run_numbers(workspace_id, id)?;
            }
            tx.tell_campaign_progress(workspace_id, id, now);
            Ok(NumberedLinks { run_numbers, ..view_in(tx, &links, workspace_id, id)? })
        })
        .await
}

/// The figures of a campaign's links.
///
/// # Errors
/// When there is no such campaign.
pub async fn figures(
    store: &Store,
    workspace_id: WorkspaceId,
    id: CampaignId,
    stretch: Stretch,
) -> Result<ClickFigures, OutreachError> {
    let width = match stretch {
        Stretch::Minute => time::MINUTE,
        Stretch::Hour => time::HOUR,
        Stretch::Day => time::DAY,
    };
    store
        .read(move |tx| {
            found(tx, workspace_id, id)?;
            Ok(ClickFigures {
                width,
                over_time: tx.clicks_over_time(workspace_id, id, width, MOST_BUCKETS)?,
                devices: tx.clicks_by_device(workspace_id, id)?,
                verdicts: tx.clicks_by_verdict(workspace_id, id)?,
            })
        })
        .await
}
