//! Campaigns: drafts, their preview, and their results.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_model::{
    CampaignId, ChannelId, MediaId, SenderId, SenderPoolId, WorkspaceId,
    campaign::Footer,
    language::{self, LocaleText},
    mms::MOST_FILES,
    opt_out_line::{self, OptOutLine},
    quiet_hours,
    schedule::Schedule,
    series::CampaignRules,
    variant::Variant,
};
use segue_outreach::campaign::{
    self,
    charges::CampaignCharges,
    variants::{self, VariantReport},
};
use segue_store::{
    campaign::{Audience, CampaignInput, CampaignTemplate, CampaignView},
    recipient::Funnel,
    workspace::{ApprovalRule, BrakeEnd, CampaignSettings, SegmentPrice},
};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::sight;
use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId, Query, changed},
    guard::Guard,
    page::{Page, PageQuery},
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ReadCampaigns).routes(routes!(list)))
        .routes(Guard::needs(Permission::RunCampaigns).routes(routes!(create)))
        .routes(Guard::needs(Permission::ReadCampaigns).routes(routes!(get)))
        .routes(Guard::needs(Permission::RunCampaigns).routes(routes!(change, delete)))
        .routes(Guard::needs(Permission::ReadCampaigns).routes(routes!(funnel)))
        .routes(Guard::needs(Permission::ReadCampaigns).routes(routes!(variant_report)))
        .routes(Guard::needs(Permission::ReadCampaigns).routes(routes!(charges)))
        .routes(Guard::needs(Permission::ReadCampaigns).routes(routes!(settings)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(change_settings, change_given_settings)))
}

/// Campaigns, newest first.
#[utoipa::path(get, path = "/api/v1/campaigns", operation_id = "list_campaigns", tag = "campaigns",
    params(PageQuery), responses((status = 200, body = Page<CampaignView>)))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<CampaignView>>, Problem> {
    let limit = page.limit();
    let found = campaign::list(&state.store, caller.workspace_id, page.after()?, i64::from(limit) + 1).await?;
    Ok(Json(Page::cut(found, limit, |campaign| campaign.id.to_string())))
}

/// Writes a draft.
#[utoipa::path(post, path = "/api/v1/campaigns", operation_id = "create_campaign", tag = "campaigns",
    responses((status = 201, body = CampaignView)))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<CampaignInput>,
) -> Result<(StatusCode, Json<CampaignView>), Problem> {
    sight::files_for_campaign(&state, &caller, chosen_files(&input)).await?;
    let campaign =
        campaign::create(&state.store, &state.ctx, &state.links, caller.workspace_id, &caller.actor, input).await?;
    Ok((StatusCode::CREATED, Json(campaign)))
}

/// One campaign.
#[utoipa::path(get, path = "/api/v1/campaigns/{id}", operation_id = "get_campaign", tag = "campaigns",
    params(("id" = CampaignId, Path)), responses((status = 200, body = CampaignView)))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<CampaignId>,
) -> Result<Json<CampaignView>, Problem> {
    Ok(Json(campaign::get(&state.store, caller.workspace_id, id).await?))
}

/// What to change of a draft; what is not given stays.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body for the documents; null and absent differ, so it is read as a map")]
struct CampaignChange {
    name: Option<String>,
    sender_id: Option<SenderId>,
    audience: Option<Audience>,
    body: Option<String>,
    footer: Option<Footer>,
    /// Null takes the chat away.
    whatsapp_channel_id: Option<ChannelId>,
    prefilled_text: Option<String>,
    schedule: Option<Schedule>,
    variants: Option<Vec<Variant>>,
    held_out_percent: Option<u32>,
    /// Null takes the pool away.
    pool_id: Option<SenderPoolId>,
    /// The body in other languages.
    texts: Option<Vec<LocaleText>>,
    /// Null makes it a campaign by SMS.
    template: Option<CampaignTemplate>,
    rules: Option<CampaignRules>,
    /// Pictures and other files beside the text.
    media: Option<Vec<MediaId>>,
    /// The version that was changed. When the draft has another one by now, nothing is written and the answer is 409
    /// `changed_meanwhile`; left out, what is given is written over whatever there is.
    version: Option<i64>,
}

/// Changes a draft. Takes any part of what creating takes.
#[utoipa::path(patch, path = "/api/v1/campaigns/{id}", operation_id = "change_campaign", tag = "campaigns",
    params(("id" = CampaignId, Path)), request_body = CampaignChange,
    responses((status = 200, body = CampaignView)))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<CampaignId>,
    Json(mut change): Json<Map<String, Value>>,
) -> Result<Json<CampaignView>, Problem> {
    let version = match change.remove("version") {
        None | Some(Value::Null) => None,
        Some(version) => {
            let message = "Give the version as a number, as it came with the campaign, or leave it out.";
            Some(version.as_i64().ok_or_else(|| Problem::invalid("version", message))?)
        }
    };
    let known = campaign::get(&state.store, caller.workspace_id, id).await?;
    let input = merged(&known.input, &change)?;
    sight::files_for_campaign(&state, &caller, chosen_files(&input)).await?;
    // Merged once more with the draft as it is when it is written: what somebody else changed meanwhile stays.
    let whole = (caller.workspace_id, id);
    let changed =
        campaign::merge(&state.store, &state.ctx, &state.links, whole, &caller.actor, version, move |known| {
            merged(known, &change)
        });
    Ok(Json(changed.await?))
}

/// Every file that somebody chose for the campaign.
fn chosen_files(input: &CampaignInput) -> Vec<MediaId> {
    let of_template = input.template.iter().flat_map(CampaignTemplate::chosen_files);
    // More than a message can have is refused with the campaign.
    of_template.chain(input.media.iter().copied().take(MOST_FILES)).collect()
}

/// The draft with the given fields in place of its own; the whole is checked like a new one.
fn merged(known: &CampaignInput, change: &Map<String, Value>) -> Result<CampaignInput, Problem> {
    let mut whole = serde_json::to_value(known).map_err(|_| Problem::internal())?;
    if let Some(fields) = whole.as_object_mut() {
        fields.extend(change.clone());
    }
    crate::extract::read(&serde_json::to_vec(&whole).map_err(|_| Problem::internal())?)
}

/// Deletes a draft.
#[utoipa::path(delete, path = "/api/v1/campaigns/{id}", operation_id = "delete_campaign", tag = "campaigns",
    params(("id" = CampaignId, Path)), responses((status = 204)))]
async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<CampaignId>,
) -> Result<StatusCode, Problem> {
    campaign::delete(&state.store, caller.workspace_id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// From plan to sale: how many recipients came how far.
#[utoipa::path(get, path = "/api/v1/campaigns/{id}/funnel", operation_id = "get_funnel", tag = "campaigns",
    params(("id" = CampaignId, Path)), responses((status = 200, body = Funnel)))]
async fn funnel(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<CampaignId>,
) -> Result<Json<Funnel>, Problem> {
    Ok(Json(campaign::funnel(&state.store, caller.workspace_id, id).await?))
}

/// What WhatsApp charged the messages of a campaign by template as, priced by the list of the day.
#[utoipa::path(get, path = "/api/v1/campaigns/{id}/charges", operation_id = "get_campaign_charges", tag = "campaigns",
    params(("id" = CampaignId, Path)), responses((status = 200, body = CampaignCharges)))]
async fn charges(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<CampaignId>,
) -> Result<Json<CampaignCharges>, Problem> {
    Ok(Json(campaign::charges::charges(&state.store, caller.workspace_id, id).await?))
}

/// How the variants of the text compare, and how sure that is.
#[utoipa::path(get, path = "/api/v1/campaigns/{id}/variants", operation_id = "get_variant_report", tag = "campaigns",
    params(("id" = CampaignId, Path)), responses((status = 200, body = VariantReport)))]
async fn variant_report(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<CampaignId>,
) -> Result<Json<VariantReport>, Problem> {
    Ok(Json(variants::report(&state.store, caller.workspace_id, id).await?))
}

/// What campaigns cost, and who has to agree to them.
#[utoipa::path(get, path = "/api/v1/campaign-settings", operation_id = "get_campaign_settings", tag = "campaigns",
    responses((status = 200, body = CampaignSettings)))]
async fn settings(State(state): State<AppState>, caller: Caller) -> Result<Json<CampaignSettings>, Problem> {
    let workspace = super::workspace::load_workspace(&state, caller.workspace_id).await?;
    Ok(Json(workspace.settings.into_inner().campaigns))
}

/// Changes what campaigns cost, and who has to agree to them; all of it is given anew.
#[utoipa::path(put, path = "/api/v1/campaign-settings", operation_id = "change_campaign_settings", tag = "campaigns",
    responses((status = 200, body = CampaignSettings)))]
async fn change_settings(
    State(state): State<AppState>,
    caller: Caller,
    Json(settings): Json<CampaignSettings>,
) -> Result<Json<CampaignSettings>, Problem> {
    let settings = checked_settings(settings)?;
    store_settings(&state, caller.workspace_id, move |_| Ok(settings.clone())).await
}

/// What to change of what campaigns cost and who has to agree to them; what is not given stays.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body for the documents; null and absent differ, so it is read as a map")]
struct CampaignSettingsChange {
    approval: Option<ApprovalRule>,
    currency: Option<String>,
    prices: Option<Vec<SegmentPrice>>,
    /// Null means that it is not known.
    other_price: Option<i64>,
    /// Null means that it is not known.
    mms_price: Option<i64>,
    opt_out_line: Option<OptOutLine>,
    brake_ends: Option<BrakeEnd>,
    price_zone: Option<String>,
}

/// Changes what is given of what campaigns cost and who has to agree to them. What somebody else changes at the same time
/// stays.
#[utoipa::path(patch, path = "/api/v1/campaign-settings", operation_id = "change_given_campaign_settings",
    tag = "campaigns", request_body = CampaignSettingsChange, responses((status = 200, body = CampaignSettings)))]
async fn change_given_settings(
    State(state): State<AppState>,
    caller: Caller,
    Json(change): Json<Map<String, Value>>,
) -> Result<Json<CampaignSettings>, Problem> {
    let given = move |known: &CampaignSettings| checked_settings(changed(known, &change)?);
    store_settings(&state, caller.workspace_id, given).await
}

/// Refuses settings that are none.
fn checked_settings(mut settings: CampaignSettings) -> Result<CampaignSettings, Problem> {
    settings.currency = settings.currency.trim().to_ascii_uppercase();
    if settings.currency.len() != 3 || !settings.currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(Problem::invalid("currency", "Give the currency's three letters, such as USD or EUR."));
    }
    check_prices(&mut settings.prices, settings.other_price)?;
    if settings.mms_price.is_some_and(|price| !(0..=100_000_000).contains(&price)) {
        let message = "A price is between 0 and 100000000 for a thousand messages with files.";
        return Err(Problem::invalid("mms_price", message));
    }
    check_opt_out_line(&settings.opt_out_line)?;
    if quiet_hours::zone(&settings.price_zone).is_none() {
        return Err(Problem::invalid("price_zone", "There is no such time zone. Write it like Europe/Berlin."));
    }
    Ok(settings)
}

/// Stores what becomes of the settings as they are now.
async fn store_settings(
    state: &AppState,
    workspace_id: WorkspaceId,
    change: impl Fn(&CampaignSettings) -> Result<CampaignSettings, Problem> + Send + 'static,
) -> Result<Json<CampaignSettings>, Problem> {
    let stored = state.store.write::<_, Problem, _>(move |tx| {
        tx.lock("workspace", &workspace_id)?;
        let mut workspace = tx.workspace(workspace_id)?.ok_or_else(|| Problem::not_found("workspace"))?;
        workspace.settings.campaigns = change(&workspace.settings.campaigns)?;
        tx.update_workspace(&workspace)?;
        Ok(workspace.settings.into_inner().campaigns)
    });
    Ok(Json(stored.await?))
}

/// Refuses a price that is none, and a country with two.
pub(super) fn check_prices(prices: &mut [SegmentPrice], other: Option<i64>) -> Result<(), Problem> {
    for price in &mut *prices {
        price.country = super::workspace::country(&price.country)?;
    }
    let mut countries: Vec<&str> = prices.iter().map(|price| price.country.as_str()).collect();
    countries.sort_unstable();
    if countries.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Problem::invalid("prices", "A country has two prices. Keep one of them."));
    }
    if prices.iter().map(|price| price.per_thousand).chain(other).any(|price| !(0..=100_000_000).contains(&price)) {
        return Err(Problem::invalid("prices", "A price is between 0 and 100000000 for a thousand segments."));
    }
    Ok(())
}

/// Refuses an opt-out line that does not say how to stop, or one for no language or for one twice.
fn check_opt_out_line(line: &OptOutLine) -> Result<(), Problem> {
    let lines = line.texts.iter().map(|text| text.body.as_str()).chain([line.text.as_str()]);
    if let Some(why) = lines.into_iter().find_map(opt_out_line::objection) {
        return Err(Problem::invalid("opt_out_line", why));
    }
    let of_names = line.unanswerable_texts.iter().map(|text| text.body.as_str()).chain([line.unanswerable.as_str()]);
    if let Some(why) = of_names.into_iter().find_map(opt_out_line::unanswerable_objection) {
        return Err(Problem::invalid("opt_out_line", why));
    }
    for texts in [&line.texts, &line.unanswerable_texts] {
        check_languages(texts)?;
    }
    Ok(())
}

fn check_languages(texts: &[LocaleText]) -> Result<(), Problem> {
    let mut tags: Vec<String> = texts.iter().map(|text| language::tag(&text.locale)).collect();
    tags.sort_unstable();
    if tags.windows(2).any(|pair| pair[0] == pair[1]) || !tags.iter().all(|tag| language::is_tag(tag)) {
        return Err(Problem::invalid("opt_out_line", "Give each language once, such as es or pt-BR."));
    }
    Ok(())
}
