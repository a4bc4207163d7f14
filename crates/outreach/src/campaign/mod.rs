//! Campaigns: writing drafts, looking at them, and what every other step needs of one.

mod account_costs;
pub mod action;
pub(crate) mod audience;
pub mod charges;
pub mod checks;
pub mod copy;
pub mod export;
pub mod launch;
mod lines;
pub mod links;
mod members;
mod pinned;
pub mod plan;
pub mod preflight;
mod preflight_people;
mod preflight_view;
pub mod preview;
mod template;
pub mod template_preflight;
pub mod test_send;
mod timing;
mod translations;
pub mod variants;
pub mod volumes;

pub(crate) use members::asks_for_table;

use segue_model::{
    CampaignId, ChannelId, Ctx, WorkspaceId,
    actor::Actor,
    campaign::{CampaignState, Footer},
    consent::Medium,
    contact::{ContactFields, STANDARD_FIELDS},
    language::{self, LocaleText},
    series::{CampaignRules, LONGEST_LABEL, label_key},
};
use segue_store::{
    Store, StoreError, Tx,
    campaign::{CampaignInput, CampaignView},
    channel::ChannelConfig,
    link::LinkSettings,
    recipient::{Funnel, RecipientQuery, RecipientView},
    workspace::Workspace,
};

use crate::{
    Links, OutreachError,
    contacts::clean,
    domains, files, look_up,
    origin::{Load, Origins},
    text::{CampaignText, Frame, LONGEST_BODY, unknown_fields},
    typed,
};
use audience::Asks;
pub(crate) use pinned::texts_of;
use pinned::{Parts, reach};

/// Longest prefilled text, in characters: with more, links no longer open everywhere.
const LONGEST_PREFILLED: usize = 500;
/// Languages of one campaign at most.
const MOST_LANGUAGES: usize = 30;

/// A campaign with everything its messages are made of.
struct Prepared {
    workspace: Workspace,
    asks: Asks,
    origins: Origins,
    text: CampaignText,
}

/// Loads what a campaign's messages are made of and checks all that can be checked without an audience.
fn prepare(
    tx: &mut Tx<'_>,
    links: &Links,
    workspace_id: WorkspaceId,
    id: Option<CampaignId>,
    input: &CampaignInput,
    campaign_number: u32,
) -> Result<Prepared, OutreachError> {
    let settings = match id {
        Some(id) => tx.link_settings(workspace_id, id)?.settings,
        None => LinkSettings::default(),
    };
    prepare_with(tx, links, workspace_id, (id, &settings), (input, &[]), campaign_number)
}

/// The same with these settings of the links, and addresses that have their numbers already.
fn prepare_with(
    tx: &mut Tx<'_>,
    links: &Links,
    workspace_id: WorkspaceId,
    (id, settings): (Option<CampaignId>, &LinkSettings),
    (input, targets): (&CampaignInput, &[String]),
    campaign_number: u32,
) -> Result<Prepared, OutreachError> {
    let workspace = tx.workspace(workspace_id)?.ok_or(OutreachError::NotFound("workspace"))?;
    let sender = match input.sender_id {
        Some(id) => tx.sender(workspace_id, id)?,
        None => None,
    };
    let sender = sender
        .ok_or_else(|| OutreachError::invalid("sender_id", "There is no such sender. Choose one of the list."))?;
    let channel = tx.channel(workspace_id, sender.channel_id)?;
    if channel.is_none_or(|channel| channel.config.kind().medium() != Medium::Sms) {
        return Err(OutreachError::invalid("sender_id", "The sender's SMS account is not set up."));
    }
    let chat = chat_number(tx, workspace_id, input.whatsapp_channel_id, input.footer)?;
    let links = domains::links_of(tx, links, workspace_id, settings)?;
    let parts = Parts::of(tx, &workspace, id, input)?;
    let origins = Origins::of(tx, workspace_id, sender, input.pool_id, Load::of(&input.media))?;
    origins.check_load()?;
    let kinds = typed::kinds(tx, workspace_id)?;
    let frame = Frame {
        footer: input.footer,
        chat: chat.as_deref(),
        prefilled_text: &input.prefilled_text,
        shorten: settings.shorten,
        links: &links,
        campaign_number,
        texts: &input.texts,
        snippets: &parts.snippets,
        kinds: &kinds,
        // Which line is added is decided for each recipient, by the sender of the pool that texts this one.
        opt_out_line: Some(&parts.opt_out_line),
        reach: reach(&origins.first.sender),
        targets,
    };
    let text = CampaignText::new(&input.body, &frame)?;
    let asks = Asks::of(tx, &workspace, &input.rules)?;
    Ok(Prepared { workspace, asks, origins, text })
}

/// The number of the chat the footer leads to.
fn chat_number(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    channel_id: Option<ChannelId>,
    footer: Footer,
) -> Result<Option<String>, OutreachError> {
    let Some(id) = channel_id else { return Ok(None) };
    match tx.channel(workspace_id, id)?.map(|channel| channel.config) {
        Some(ChannelConfig::WhatsApp(config)) => Ok(Some(config.display_phone_number)),
        _ if footer == Footer::None => Ok(None),
        _ => Err(OutreachError::invalid("whatsapp_channel_id", "There is no such WhatsApp channel.")),
    }
}

/// Checks a draft as far as that is possible without its audience.
fn validate(
    tx: &mut Tx<'_>,
    links: &Links,
    workspace_id: WorkspaceId,
    input: &CampaignInput,
) -> Result<(), OutreachError> {
    if clean(&input.name, 200).is_none() {
        return Err(OutreachError::invalid("name", "Give the campaign a name."));
    }
    if let Some(template) = &input.template {
        if !input.media.is_empty() {
            let message = "A WhatsApp template has its file above its text. Choose it there, and no files beside it.";
            return Err(OutreachError::invalid("media", message));
        }
        check_frame(tx, workspace_id, input)?;
        return template::validate(tx, links, workspace_id, input, template);
    }
    files::of_text(tx, workspace_id, &input.media)?;
    if input.body.trim().is_empty() && input.media.is_empty() {
        return Err(OutreachError::invalid("body", "Write the text."));
    }
    if input.body.chars().count() > LONGEST_BODY {
        return Err(OutreachError::invalid("body", format!("The text is longer than {LONGEST_BODY} characters.")));
    }
    if input.prefilled_text.chars().count() > LONGEST_PREFILLED {
        let message = format!("The prefilled text is longer than {LONGEST_PREFILLED} characters.");
        return Err(OutreachError::invalid("prefilled_text", message));
    }
    check_frame(tx, workspace_id, input)?;
    variants::check(input)?;
    check_texts(&input.texts)?;
    let prepared = prepare(tx, links, workspace_id, None, input, 0)?;
    look_up::check(tx, workspace_id, prepared.text.body().uses().iter())?;
    let unknown = unknown_fields(tx, workspace_id, &prepared.text.fields())?;
    if !unknown.is_empty() {
        return Err(OutreachError::UnknownFields { fields: unknown, known: STANDARD_FIELDS.join(", ") });
    }
    for locale in prepared.text.locales() {
        let contact = ContactFields { locale: locale.map(str::to_owned), ..ContactFields::default() };
        prepared.text.compose(&contact, 0)?.within_limit()?;
    }
    for variant in &input.variants {
        let whole = CampaignInput {
            body: variant.body.clone(),
            texts: variant.texts.clone(),
            variants: Vec::new(),
            ..input.clone()
        };
        validate(tx, links, workspace_id, &whole).map_err(|error| match error {
            OutreachError::Store(error) => error.into(),
            other => OutreachError::invalid("variants", format!("Variant {}: {other}", variant.name)),
        })?;
    }
    Ok(())
}

/// Checks what campaigns of every kind have: audience and schedule.
fn check_frame(tx: &mut Tx<'_>, workspace_id: WorkspaceId, input: &CampaignInput) -> Result<(), OutreachError> {
    members::check(tx, workspace_id, &input.audience)?;
    check_rules(tx, workspace_id, &input.rules)?;
    input.schedule.check().map_err(|error| OutreachError::invalid("schedule", error.to_string()))?;
    if input.audience.filter.as_ref().is_some_and(|filter| filter.field.trim().is_empty()) {
        return Err(OutreachError::invalid("audience", "Choose the field that the condition is about."));
    }
    Ok(())
}

fn check_rules(tx: &mut Tx<'_>, workspace_id: WorkspaceId, rules: &CampaignRules) -> Result<(), OutreachError> {
    let fits = |label: &str| (1..=LONGEST_LABEL).contains(&label_key(label).chars().count());
    if rules.label.as_deref().is_some_and(|label| !fits(label)) {
        let message = format!("A label has 1 to {LONGEST_LABEL} characters. Leave it out for no label.");
        return Err(OutreachError::invalid("rules", message));
    }
    if let Some(id) = rules.programme_id
        && tx.programme(workspace_id, id)?.is_none()
    {
        return Err(OutreachError::invalid("rules", "There is no such programme. Choose one of the list."));
    }
    Ok(())
}

/// Checks the texts in other languages: each language once, in its usual form, with a text.
fn check_texts(texts: &[LocaleText]) -> Result<(), OutreachError> {
    let refuse = |message: String| Err(OutreachError::invalid("texts", message));
    if texts.len() > MOST_LANGUAGES {
        return refuse(format!("A campaign has texts in at most {MOST_LANGUAGES} languages."));
    }
    for (place, text) in texts.iter().enumerate() {
        if !language::is_tag(&text.locale) {
            return refuse(format!("“{}” is no language. Write it like de or pt-BR.", text.locale));
        }
        if texts[..place].iter().any(|other| language::tag(&other.locale) == language::tag(&text.locale)) {
            return refuse(format!("There are two texts for {}.", text.locale));
        }
        if text.body.trim().is_empty() || text.body.chars().count() > LONGEST_BODY {
            return refuse(format!("The text for {} needs 1 to {LONGEST_BODY} characters.", text.locale));
        }
    }
    Ok(())
}

fn found(tx: &mut Tx<'_>, workspace_id: WorkspaceId, id: CampaignId) -> Result<CampaignView, OutreachError> {
    tx.campaign(workspace_id, id)?.ok_or(OutreachError::NotFound("campaign"))
}

/// Adds a draft.
///
/// # Errors
/// When something of it is not valid, with the field.
pub async fn create(
    store: &Store,
    ctx: &Ctx,
    links: &Links,
    workspace_id: WorkspaceId,
    actor: &Actor,
    input: CampaignInput,
) -> Result<CampaignView, OutreachError> {
    let (id, now, links, user) = (ctx.id::<CampaignId>(), ctx.now(), links.clone(), actor.user_id());
    store
        .write(move |tx| {
            validate(tx, &links, workspace_id, &input)?;
            tx.insert_campaign(workspace_id, id, &input, user, now)?;
            let campaign = found(tx, workspace_id, id)?;
            links::store_targets(tx, &links, workspace_id, &campaign)?;
            Ok(campaign)
        })
        .await
}

/// Changes a draft; all of it is given anew.
///
/// # Errors
/// When there is no such campaign, it is no draft, or something is not valid.
pub async fn change(
    store: &Store,
    ctx: &Ctx,
    links: &Links,
    workspace_id: WorkspaceId,
    id: CampaignId,
    actor: &Actor,
    input: CampaignInput,
) -> Result<CampaignView, OutreachError> {
    merge(store, ctx, links, (workspace_id, id), actor, None, move |_| Ok::<_, OutreachError>(input.clone())).await
}

/// Changes a draft into what `merged` makes of it as it is then; with `version` only when it still is that one.
///
/// # Errors
/// When there is no such campaign, it is no draft, somebody else has changed it meanwhile, or something is not valid.
pub async fn merge<E: From<OutreachError> + From<StoreError> + Send + 'static>(
    store: &Store,
    ctx: &Ctx,
    links: &Links,
    (workspace_id, id): (WorkspaceId, CampaignId),
    actor: &Actor,
    version: Option<i64>,
    merged: impl Fn(&CampaignInput) -> Result<CampaignInput, E> + Send + 'static,
) -> Result<CampaignView, E> {
    let (now, links, user) = (ctx.now(), links.clone(), actor.user_id());
    store
        .write(move |tx| {
            tx.lock_campaign(id)?;
            let known = found(tx, workspace_id, id)?;
            if known.state != CampaignState::Draft {
                return Err(OutreachError::NotADraft.into());
            }
            if version.is_some_and(|version| version != known.version) {
                return Err(OutreachError::ChangedMeanwhile.into());
            }
            let input = merged(&known.input)?;
            validate(tx, &links, workspace_id, &input)?;
            if !tx.update_draft(workspace_id, id, &input, user, now)? {
                return Err(OutreachError::NotADraft.into());
            }
            let campaign = found(tx, workspace_id, id)?;
            links::store_targets(tx, &links, workspace_id, &campaign)?;
            Ok(campaign)
        })
        .await
}

/// Deletes a draft.
///
/// # Errors
/// When there is no such campaign or it is no draft.
pub async fn delete(store: &Store, workspace_id: WorkspaceId, id: CampaignId) -> Result<(), OutreachError> {
    store
        .write(move |tx| {
            found(tx, workspace_id, id)?;
            let deleted = tx.delete_draft(workspace_id, id)?;
            deleted.then_some(()).ok_or(OutreachError::NotADraft)
        })
        .await
}

/// One campaign.
///
/// # Errors
/// When there is none.
pub async fn get(store: &Store, workspace_id: WorkspaceId, id: CampaignId) -> Result<CampaignView, OutreachError> {
    store.read(move |tx| found(tx, workspace_id, id)).await
}

/// Campaigns, newest first, from before `before` on.
///
/// # Errors
/// When the store fails.
pub async fn list(
    store: &Store,
    workspace_id: WorkspaceId,
    before: Option<CampaignId>,
    limit: i64,
) -> Result<Vec<CampaignView>, OutreachError> {
    store.read(move |tx| Ok(tx.campaigns(workspace_id, before, limit)?)).await
}

/// The campaign's figures.
///
/// # Errors
/// When there is no such campaign.
pub async fn funnel(store: &Store, workspace_id: WorkspaceId, id: CampaignId) -> Result<Funnel, OutreachError> {
    store
        .read(move |tx| {
            found(tx, workspace_id, id)?;
            Ok(tx.funnel(workspace_id, id)?)
        })
        .await
}

/// The campaign's recipients with what became of their messages.
///
/// # Errors
/// When there is no such campaign.
pub async fn recipients(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: CampaignId,
    query: RecipientQuery,
) -> Result<Vec<RecipientView>, OutreachError> {
    let now = ctx.now();
    store
        .read(move |tx| {
            found(tx, workspace_id, id)?;
            Ok(tx.recipients(workspace_id, id, &query, now)?)
        })
        .await
}
