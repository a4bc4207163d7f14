//! What is done with a campaign: looking ahead, testing, asking for approval, starting, stopping, copying.

use axum::extract::State;
use http::{HeaderMap, StatusCode};
use segue_access::Permission;
use segue_model::{CampaignId, MessageId, campaign::CampaignAction};
use segue_outreach::campaign::{
    action::{self, Asked},
    copy,
    preflight::{self, PeopleCursor, PeopleQuery, Preflight, PreflightPerson},
    preview::{self, CampaignPreview, TextInput, TextPreview},
    test_send,
};
use segue_store::campaign::CampaignView;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::direct_messages::request_key;
use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId, Query},
    guard::Guard,
    page::{Page, PageQuery},
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    let run = Guard::needs(Permission::RunCampaigns);
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ReadCampaigns).unrecorded().routes(routes!(preview_campaign)))
        .routes(Guard::needs(Permission::ReadCampaigns).unrecorded().routes(routes!(preview_text)))
        .routes(run.routes(routes!(send_test)))
        .routes(Guard::needs(Permission::ReadCampaigns).unrecorded().routes(routes!(preflight_campaign)))
        .routes(Guard::needs(Permission::ReadCampaigns).routes(routes!(preflight_people)))
        .routes(run.routes(routes!(copy_campaign)))
        .routes(run.routes(routes!(submit)))
        .routes(run.routes(routes!(approve)))
        .routes(run.routes(routes!(reject)))
        .routes(run.routes(routes!(withdraw)))
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
    /// Name of the variant whose text is sent; the first one when it is not given. Without variants it is left out.
    #[serde(default)]
    variant: Option<String>,
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
    headers: HeaderMap,
    Json(input): Json<TestSendInput>,
) -> Result<(StatusCode, Json<TestSendAnswer>), Problem> {
    let what = (input.phone.as_str(), input.variant.as_deref());
    let (store, ctx, links, workspace_id) = (&state.store, &state.ctx, &state.links, caller.workspace_id);
    let request = request_key(&headers).map(|key| format!("{}:{key}", caller.actor.reference()));
    let sent = match &request {
        Some(request) => test_send::test_send_once(store, ctx, links, workspace_id, id, what, request).await?,
        None => test_send::test_send(store, ctx, links, workspace_id, id, what).await?,
    };
    Ok((StatusCode::ACCEPTED, Json(TestSendAnswer { message_id: sent })))
}

/// Everything to know before a start, over the real audience: who is in, who is out and why, segments, cost, duration,
/// expected chats. Changes nothing.
#[utoipa::path(post, path = "/api/v1/campaigns/{id}/preflight", tag = "campaigns",
    params(("id" = CampaignId, Path)), responses((status = 200, body = Preflight)))]
async fn preflight_campaign(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<CampaignId>,
) -> Result<Json<Preflight>, Problem> {
    Ok(Json(preflight::preflight(&state.store, &state.ctx, &state.links, caller.workspace_id, id).await?))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PeopleFilter {
    /// Rule of the pre-flight; `allowed` for those who get it at once.
    #[serde(default)]
    rule: String,
}

/// Everybody of one reason of the pre-flight, in the order of the plan.
#[utoipa::path(get, path = "/api/v1/campaigns/{id}/preflight/people", tag = "campaigns",
    params(("id" = CampaignId, Path), PeopleFilter, PageQuery),
    responses((status = 200, body = Page<PreflightPerson>)))]
async fn preflight_people(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<CampaignId>,
    Query(filter): Query<PeopleFilter>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<PreflightPerson>>, Problem> {
    let after = page.after::<PeopleCursor>()?;
    let query = PeopleQuery { rule: filter.rule, after, limit: page.limit() as usize };
    let workspace_id = caller.workspace_id;
    let (data, next) = preflight::people(&state.store, &state.ctx, &state.links, workspace_id, id, query).await?;
    Ok(Json(Page { data, next_cursor: next.map(|cursor| cursor.to_string()) }))
}

/// Makes a new draft from a campaign in any state.
#[utoipa::path(post, path = "/api/v1/campaigns/{id}/copy", tag = "campaigns",
    params(("id" = CampaignId, Path)), responses((status = 201, body = CampaignView)))]
async fn copy_campaign(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<CampaignId>,
) -> Result<(StatusCode, Json<CampaignView>), Problem> {
    let copied = copy::copy(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id).await?;
    Ok((StatusCode::CREATED, Json(copied)))
}

#[derive(Default, Deserialize, ToSchema)]
struct ReviewInput {
    /// What the reviewer says; needed for a rejection.
    #[serde(default)]
    comment: Option<String>,
    /// `version` of the campaign that was looked at; refused with `changed_meanwhile` when it is another one now.
    #[serde(default)]
    version: Option<i64>,
}

/// Asks a second person for approval.
#[utoipa::path(post, path = "/api/v1/campaigns/{id}/submit", operation_id = "submit_campaign", tag = "campaigns",
    params(("id" = CampaignId, Path)), responses((status = 200, body = CampaignView)))]
async fn submit(state: State<AppState>, caller: Caller, id: PathId<CampaignId>) -> Result<Json<CampaignView>, Problem> {
    act(state, caller, id, CampaignAction::Submit).await
}

/// Approves a campaign; it starts at its time, or at once. Refused with `own_campaign` to whoever wrote, changed or
/// submitted it.
#[utoipa::path(post, path = "/api/v1/campaigns/{id}/approve", operation_id = "approve_campaign", tag = "campaigns",
    params(("id" = CampaignId, Path)), responses((status = 200, body = CampaignView)))]
async fn approve(
    state: State<AppState>,
    caller: Caller,
    id: PathId<CampaignId>,
    Json(input): Json<ReviewInput>,
) -> Result<Json<CampaignView>, Problem> {
    ask(state, caller, id, CampaignAction::Approve, input, None).await
}

/// Gives a campaign back to its author, with what has to change.
#[utoipa::path(post, path = "/api/v1/campaigns/{id}/reject", operation_id = "reject_campaign", tag = "campaigns",
    params(("id" = CampaignId, Path)), responses((status = 200, body = CampaignView)))]
async fn reject(
    state: State<AppState>,
    caller: Caller,
    id: PathId<CampaignId>,
    Json(input): Json<ReviewInput>,
) -> Result<Json<CampaignView>, Problem> {
    ask(state, caller, id, CampaignAction::Reject, input, None).await
}

/// Makes a draft again of a campaign that waits for its time or for approval. An approval is void then.
#[utoipa::path(post, path = "/api/v1/campaigns/{id}/withdraw", operation_id = "withdraw_campaign", tag = "campaigns",
    params(("id" = CampaignId, Path)), responses((status = 200, body = CampaignView)))]
async fn withdraw(
    state: State<AppState>,
    caller: Caller,
    id: PathId<CampaignId>,
) -> Result<Json<CampaignView>, Problem> {
    act(state, caller, id, CampaignAction::Withdraw).await
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct StartQuery {
    /// `mark` of a pre-flight; the start is refused with `preflight_stale` when the campaign is no longer that.
    preflight: Option<String>,
}

/// Starts a draft, or lets it wait for its time. A second start is refused with `campaign_state`.
#[utoipa::path(post, path = "/api/v1/campaigns/{id}/start", operation_id = "start_campaign", tag = "campaigns",
    params(("id" = CampaignId, Path), StartQuery), responses((status = 200, body = CampaignView)))]
async fn start(
    state: State<AppState>,
    caller: Caller,
    id: PathId<CampaignId>,
    Query(query): Query<StartQuery>,
) -> Result<Json<CampaignView>, Problem> {
    ask(state, caller, id, CampaignAction::Start, ReviewInput::default(), query.preflight).await
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
    state: State<AppState>,
    caller: Caller,
    id: PathId<CampaignId>,
    action: CampaignAction,
) -> Result<Json<CampaignView>, Problem> {
    ask(state, caller, id, action, ReviewInput::default(), None).await
}

async fn ask(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<CampaignId>,
    action: CampaignAction,
    ReviewInput { comment, version }: ReviewInput,
    preflight: Option<String>,
) -> Result<Json<CampaignView>, Problem> {
    let workspace_id = caller.workspace_id;
    let asked = Asked { action, actor: caller.actor, comment, preflight, version };
    Ok(Json(action::ask(&state.store, &state.ctx, &state.links, workspace_id, id, asked).await?))
}
