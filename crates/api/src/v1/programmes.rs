//! Programmes that people join by text, and who is in them.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_model::{ProgrammeId, SubscriptionId};
use segue_outreach::{
    programmes::{self, Fate, ProgrammeInput},
    subscriptions::{self, SubscribeInput},
};
use segue_store::{programme::ProgrammeView, subscription::SubscriptionView};
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
        .routes(Guard::needs(Permission::ReadContacts).routes(routes!(list)))
        .routes(Guard::needs(Permission::RunCampaigns).routes(routes!(create)))
        .routes(Guard::needs(Permission::ReadContacts).routes(routes!(get)))
        .routes(Guard::needs(Permission::RunCampaigns).routes(routes!(change)))
        .routes(Guard::needs(Permission::RunCampaigns).routes(routes!(end)))
        .routes(Guard::needs(Permission::RunCampaigns).routes(routes!(resume)))
        .routes(Guard::needs(Permission::ReadContacts).routes(routes!(subscribers)))
        .routes(Guard::needs(Permission::RecordConsent).routes(routes!(subscribe)))
        .routes(Guard::needs(Permission::RecordConsent).routes(routes!(end_subscription)))
}

/// Programmes, newest first.
#[utoipa::path(get, path = "/api/v1/programmes", operation_id = "list_programmes", tag = "consent",
    params(PageQuery), responses((status = 200, body = Page<ProgrammeView>)))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ProgrammeView>>, Problem> {
    let limit = page.limit();
    let found = programmes::list(&state.store, caller.workspace_id, page.after()?, i64::from(limit) + 1).await?;
    Ok(Json(Page::cut(found, limit, |programme| programme.id.to_string())))
}

/// Adds a programme.
#[utoipa::path(post, path = "/api/v1/programmes", operation_id = "create_programme", tag = "consent",
    responses((status = 201, body = ProgrammeView)))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<ProgrammeInput>,
) -> Result<(StatusCode, Json<ProgrammeView>), Problem> {
    let created = programmes::create(&state.store, &state.ctx, caller.workspace_id, input).await?;
    Ok((StatusCode::CREATED, Json(created)))
}

/// One programme.
#[utoipa::path(get, path = "/api/v1/programmes/{id}", operation_id = "get_programme", tag = "consent",
    params(("id" = ProgrammeId, Path)), responses((status = 200, body = ProgrammeView)))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ProgrammeId>,
) -> Result<Json<ProgrammeView>, Problem> {
    Ok(Json(programmes::get(&state.store, caller.workspace_id, id).await?))
}

/// Replaces what a programme says and asks. Who is in it stays in it; who was asked and has not answered is not, when it
/// asks for or covers something else from now on.
#[utoipa::path(put, path = "/api/v1/programmes/{id}", operation_id = "change_programme", tag = "consent",
    params(("id" = ProgrammeId, Path)), responses((status = 200, body = ProgrammeView)))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ProgrammeId>,
    Json(input): Json<ProgrammeInput>,
) -> Result<Json<ProgrammeView>, Problem> {
    Ok(Json(programmes::change(&state.store, &state.ctx, caller.workspace_id, id, input).await?))
}

/// Nobody can join from now on. Who is in it stays in it; who was asked and has not answered is not.
#[utoipa::path(post, path = "/api/v1/programmes/{id}/end", operation_id = "end_programme", tag = "consent",
    params(("id" = ProgrammeId, Path)), responses((status = 200, body = ProgrammeView)))]
async fn end(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ProgrammeId>,
) -> Result<Json<ProgrammeView>, Problem> {
    Ok(Json(programmes::set_ended(&state.store, &state.ctx, caller.workspace_id, id, Fate::End).await?))
}

/// People can join again.
#[utoipa::path(post, path = "/api/v1/programmes/{id}/resume", operation_id = "resume_programme", tag = "consent",
    params(("id" = ProgrammeId, Path)), responses((status = 200, body = ProgrammeView)))]
async fn resume(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ProgrammeId>,
) -> Result<Json<ProgrammeView>, Problem> {
    Ok(Json(programmes::set_ended(&state.store, &state.ctx, caller.workspace_id, id, Fate::Resume).await?))
}

/// The subscriptions to a programme, newest first, those that ended included.
#[utoipa::path(get, path = "/api/v1/programmes/{id}/subscriptions", operation_id = "list_subscriptions",
    tag = "consent", params(("id" = ProgrammeId, Path), PageQuery),
    responses((status = 200, body = Page<SubscriptionView>)))]
async fn subscribers(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ProgrammeId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<SubscriptionView>>, Problem> {
    let limit = page.limit();
    let found = subscriptions::list(&state.store, caller.workspace_id, id, page.after()?, i64::from(limit) + 1).await?;
    Ok(Json(Page::cut(found, limit, |subscription| subscription.id.to_string())))
}

/// Opts a number in from a web page or another program: a programme with double opt-in asks it by text, one with an age
/// gate asks for the birth date, and one with single opt-in puts it in at once and needs the wording.
#[utoipa::path(post, path = "/api/v1/programmes/{id}/subscriptions", operation_id = "subscribe", tag = "consent",
    params(("id" = ProgrammeId, Path)), responses((status = 201, body = SubscriptionView)))]
async fn subscribe(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ProgrammeId>,
    Json(input): Json<SubscribeInput>,
) -> Result<(StatusCode, Json<SubscriptionView>), Problem> {
    let subscription =
        subscriptions::subscribe(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id, input).await?;
    Ok((StatusCode::CREATED, Json(subscription)))
}

/// Ends a subscription; the consent it gave to the programme ends with it.
#[utoipa::path(post, path = "/api/v1/subscriptions/{id}/end", operation_id = "end_subscription", tag = "consent",
    params(("id" = SubscriptionId, Path)), responses((status = 200, body = SubscriptionView)))]
async fn end_subscription(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SubscriptionId>,
) -> Result<Json<SubscriptionView>, Problem> {
    Ok(Json(subscriptions::end(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id).await?))
}
