//! What is done with a campaign: looking ahead, testing, starting, stopping.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_model::{CampaignId, MessageId, campaign::CampaignAction};
use segue_outreach::campaign::{
    action,
    preview::{self, CampaignPreview, TextInput, TextPreview},
    test_send,
};
use segue_store::campaign::CampaignView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId},
    guard::Guard,
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    let run = Guard::needs(Permission::RunCampaigns);
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ReadCampaigns).unrecorded().routes(routes!(preview_campaign)))
        .routes(Guard::needs(Permission::ReadCampaigns).unrecorded().routes(routes!(preview_text)))
        .routes(run.routes(routes!(send_test)))
        .routes(run.routes(routes!(start)))
        .routes(run.routes(routes!(pause)))
        .routes(run.routes(routes!(resume)))
        .routes(run.routes(routes!(cancel)))
}

/// Who would get it now, who would not and why, and what it looks like. Changes nothing.
#[utoipa::path(post, path = "/api/v1/campaigns/{id}/preview", tag = "campaigns",
    params(("id" = CampaignId, Path)), responses((status = 200, body = CampaignPreview)))]
async fn preview_campaign(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<CampaignId>,
) -> Result<Json<CampaignPreview>, Problem> {
    Ok(Json(preview::preview(&state.store, &state.ctx, &state.links, caller.workspace_id, id).await?))
}

/// What a text becomes and how many segments it takes. Changes nothing.
#[utoipa::path(post, path = "/api/v1/campaigns/preview-text", tag = "campaigns",
    responses((status = 200, body = TextPreview)))]
async fn preview_text(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<TextInput>,
) -> Result<Json<TextPreview>, Problem> {
    Ok(Json(preview::preview_text(&state.store, &state.links, caller.workspace_id, input).await?))
}

#[derive(Deserialize, ToSchema)]
struct TestSendInput {
    phone: String,
}

#[derive(Serialize, ToSchema)]
struct TestSendAnswer {
    message_id: MessageId,
}

/// Sends the text to one phone number, outside of the campaign and its figures.
#[utoipa::path(post, path = "/api/v1/campaigns/{id}/test-send", operation_id = "test_send_campaign",
    tag = "campaigns", params(("id" = CampaignId, Path)), responses((status = 202, body = TestSendAnswer)))]
async fn send_test(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<CampaignId>,
    Json(input): Json<TestSendInput>,
) -> Result<(StatusCode, Json<TestSendAnswer>), Problem> {
    let sent =
        test_send::test_send(&state.store, &state.ctx, &state.links, caller.workspace_id, id, &input.phone).await?;
    Ok((StatusCode::ACCEPTED, Json(TestSendAnswer { message_id: sent })))
}

/// Starts a draft. A second start is refused with `campaign_state`.
#[utoipa::path(post, path = "/api/v1/campaigns/{id}/start", operation_id = "start_campaign", tag = "campaigns",
    params(("id" = CampaignId, Path)), responses((status = 200, body = CampaignView)))]
async fn start(state: State<AppState>, caller: Caller, id: PathId<CampaignId>) -> Result<Json<CampaignView>, Problem> {
    act(state, caller, id, CampaignAction::Start).await
}

/// Nothing leaves until it is resumed.
#[utoipa::path(post, path = "/api/v1/campaigns/{id}/pause", operation_id = "pause_campaign", tag = "campaigns",
    params(("id" = CampaignId, Path)), responses((status = 200, body = CampaignView)))]
async fn pause(state: State<AppState>, caller: Caller, id: PathId<CampaignId>) -> Result<Json<CampaignView>, Problem> {
    act(state, caller, id, CampaignAction::Pause).await
}

/// Goes on where it was paused.
#[utoipa::path(post, path = "/api/v1/campaigns/{id}/resume", operation_id = "resume_campaign", tag = "campaigns",
    params(("id" = CampaignId, Path)), responses((status = 200, body = CampaignView)))]
async fn resume(state: State<AppState>, caller: Caller, id: PathId<CampaignId>) -> Result<Json<CampaignView>, Problem> {
    act(state, caller, id, CampaignAction::Resume).await
}

/// Ends it for good; what has not left never will.
#[utoipa::path(post, path = "/api/v1/campaigns/{id}/cancel", operation_id = "cancel_campaign", tag = "campaigns",
    params(("id" = CampaignId, Path)), responses((status = 200, body = CampaignView)))]
async fn cancel(state: State<AppState>, caller: Caller, id: PathId<CampaignId>) -> Result<Json<CampaignView>, Problem> {
    act(state, caller, id, CampaignAction::Cancel).await
}

async fn act(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<CampaignId>,
    wanted: CampaignAction,
) -> Result<Json<CampaignView>, Problem> {
    let acted = action::act(&state.store, &state.ctx, &state.links, caller.workspace_id, id, wanted).await?;
    Ok(Json(acted))
}
