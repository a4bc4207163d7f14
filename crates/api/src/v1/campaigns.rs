//! Campaigns: drafts, their preview, and their results.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_model::{CampaignId, ChannelId, SenderId, campaign::Footer};
use segue_outreach::campaign;
use segue_store::{
    campaign::{Audience, CampaignInput, CampaignView},
    recipient::Funnel,
};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId, Query},
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
}

/// Changes a draft. Takes any part of what creating takes.
#[utoipa::path(patch, path = "/api/v1/campaigns/{id}", operation_id = "change_campaign", tag = "campaigns",
    params(("id" = CampaignId, Path)), request_body = CampaignChange,
    responses((status = 200, body = CampaignView)))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<CampaignId>,
    Json(change): Json<Map<String, Value>>,
) -> Result<Json<CampaignView>, Problem> {
    let known = campaign::get(&state.store, caller.workspace_id, id).await?;
    let input = merged(&known.input, change)?;
    Ok(Json(campaign::change(&state.store, &state.ctx, &state.links, caller.workspace_id, id, input).await?))
}

/// The draft with the given fields in place of its own; the whole is checked like a new one.
fn merged(known: &CampaignInput, change: Map<String, Value>) -> Result<CampaignInput, Problem> {
    let mut whole = serde_json::to_value(known).map_err(|_| Problem::internal())?;
    if let Some(fields) = whole.as_object_mut() {
        fields.extend(change);
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
