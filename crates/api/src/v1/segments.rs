//! Segments: saved conditions over contacts.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_model::{ContactId, SegmentId};
use segue_outreach::segments::{
    self, ConditionCheck, ConditionInput, SegmentCount, SegmentInput, SegmentMember, SegmentPatch, SegmentView,
};
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
    let read = Guard::needs(Permission::ReadContacts);
    let write = Guard::needs(Permission::RunCampaigns);
    OpenApiRouter::new()
        .routes(read.routes(routes!(list)))
        .routes(write.routes(routes!(create)))
        .routes(Guard::needs(Permission::ReadContacts).unrecorded().routes(routes!(check)))
        .routes(read.routes(routes!(get)))
        .routes(write.routes(routes!(change, delete)))
        .routes(read.routes(routes!(count)))
        .routes(read.routes(routes!(members)))
}

/// Segments, newest first.
#[utoipa::path(get, path = "/api/v1/segments", operation_id = "list_segments", tag = "segments",
    params(PageQuery), responses((status = 200, body = Page<SegmentView>)))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<SegmentView>>, Problem> {
    let limit = page.limit();
    let found = segments::list(&state.store, caller.workspace_id, page.after()?, i64::from(limit) + 1).await?;
    Ok(Json(Page::cut(found, limit, |segment| segment.id.to_string())))
}

/// Saves a segment, from a text or from a form.
#[utoipa::path(post, path = "/api/v1/segments", operation_id = "create_segment", tag = "segments",
    responses((status = 201, body = SegmentView)))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<SegmentInput>,
) -> Result<(StatusCode, Json<SegmentView>), Problem> {
    let segment = segments::create(&state.store, &state.ctx, caller.workspace_id, &caller.actor, input).await?;
    Ok((StatusCode::CREATED, Json(segment)))
}

/// What a condition amounts to while it is being written: its other form, how many meet it, the first of them, or why
/// it cannot be read. Changes nothing.
#[utoipa::path(post, path = "/api/v1/segments/check", operation_id = "check_condition", tag = "segments",
    responses((status = 200, body = ConditionCheck)))]
async fn check(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<ConditionInput>,
) -> Result<Json<ConditionCheck>, Problem> {
    Ok(Json(segments::check(&state.store, &state.ctx, caller.workspace_id, input).await?))
}

/// One segment.
#[utoipa::path(get, path = "/api/v1/segments/{id}", operation_id = "get_segment", tag = "segments",
    params(("id" = SegmentId, Path)), responses((status = 200, body = SegmentView)))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SegmentId>,
) -> Result<Json<SegmentView>, Problem> {
    Ok(Json(segments::get(&state.store, caller.workspace_id, id).await?))
}

/// Changes a segment. Campaigns that have started keep the condition as it was at their start.
#[utoipa::path(patch, path = "/api/v1/segments/{id}", operation_id = "change_segment", tag = "segments",
    params(("id" = SegmentId, Path)), responses((status = 200, body = SegmentView)))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SegmentId>,
    Json(patch): Json<SegmentPatch>,
) -> Result<Json<SegmentView>, Problem> {
    Ok(Json(segments::change(&state.store, &state.ctx, caller.workspace_id, id, patch).await?))
}

/// Deletes a segment. Refused with `segment_used` while a campaign that has not ended uses it.
#[utoipa::path(delete, path = "/api/v1/segments/{id}", operation_id = "delete_segment", tag = "segments",
    params(("id" = SegmentId, Path)), responses((status = 204)))]
async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SegmentId>,
) -> Result<StatusCode, Problem> {
    segments::delete(&state.store, caller.workspace_id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How many contacts meet it now.
#[utoipa::path(get, path = "/api/v1/segments/{id}/count", operation_id = "count_segment", tag = "segments",
    params(("id" = SegmentId, Path)), responses((status = 200, body = SegmentCount)))]
async fn count(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SegmentId>,
) -> Result<Json<SegmentCount>, Problem> {
    Ok(Json(segments::count(&state.store, &state.ctx, caller.workspace_id, id).await?))
}

/// Who meets it now, oldest contacts first.
#[utoipa::path(get, path = "/api/v1/segments/{id}/members", operation_id = "list_segment_members", tag = "segments",
    params(("id" = SegmentId, Path), PageQuery), responses((status = 200, body = Page<SegmentMember>)))]
async fn members(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SegmentId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<SegmentMember>>, Problem> {
    let (limit, after) = (page.limit(), page.after::<ContactId>()?);
    let found =
        segments::members(&state.store, &state.ctx, caller.workspace_id, id, after, i64::from(limit) + 1).await?;
    Ok(Json(Page::cut(found, limit, |member| member.id.to_string())))
}
