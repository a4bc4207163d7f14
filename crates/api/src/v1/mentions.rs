//! Colleagues who are spoken to in notes.

use axum::extract::State;
use segue_access::Permission;
use segue_desk::mentions::{self, Colleague, MentionView};
use segue_model::{MentionId, SessionId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::sight;
use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId, Query},
    guard::Guard,
    page::{DEFAULT_LIMIT, MAX_LIMIT, Page},
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    let converse = Guard::needs(Permission::Converse);
    OpenApiRouter::new()
        .routes(converse.routes(routes!(colleagues)))
        .routes(converse.routes(routes!(list)))
        .routes(converse.routes(routes!(read)))
        .routes(converse.routes(routes!(read_all)))
}

/// Who can be spoken to in a note of the session, by name. Those who may not see the session come last and cannot be.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/colleagues", operation_id = "list_colleagues", tag = "inbox",
    params(("id" = SessionId, Path)), responses((status = 200, body = Page<Colleague>)))]
async fn colleagues(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
) -> Result<Json<Page<Colleague>>, Problem> {
    sight::readable(&state, &caller, id).await?;
    Ok(Json(Page::whole(mentions::colleagues(&state.store, caller.workspace_id, id).await?)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct MentionQuery {
    /// Only those that were not read.
    #[serde(default)]
    unread: bool,
    /// Entries per page, 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Where the caller is spoken to, newest first.
#[utoipa::path(get, path = "/api/v1/mentions", operation_id = "list_mentions", tag = "inbox",
    params(MentionQuery), responses((status = 200, body = Page<MentionView>)))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(MentionQuery { unread, limit, cursor }): Query<MentionQuery>,
) -> Result<Json<Page<MentionView>>, Problem> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let page = mentions::list(&state.store, caller.workspace_id, &caller.actor, unread, cursor, limit).await?;
    Ok(Json(Page { data: page.data, next_cursor: page.next_cursor }))
}

/// How many mentions are left.
#[derive(Serialize, ToSchema)]
struct UnreadMentions {
    unread_count: i64,
}

/// Marks a mention as read. Doing it again changes nothing.
#[utoipa::path(post, path = "/api/v1/mentions/{id}/read", operation_id = "read_mention", tag = "inbox",
    params(("id" = MentionId, Path)), responses((status = 200, body = UnreadMentions)))]
async fn read(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<MentionId>,
) -> Result<Json<UnreadMentions>, Problem> {
    let user_id = caller.person()?.id;
    let unread = mentions::mark_read(&state.store, &state.ctx, caller.workspace_id, user_id, Some(id)).await?;
    Ok(Json(UnreadMentions { unread_count: unread }))
}

/// Marks all mentions of the caller as read.
#[utoipa::path(post, path = "/api/v1/mentions/read", operation_id = "read_all_mentions", tag = "inbox",
    responses((status = 200, body = UnreadMentions)))]
async fn read_all(State(state): State<AppState>, caller: Caller) -> Result<Json<UnreadMentions>, Problem> {
    let user_id = caller.person()?.id;
    let unread = mentions::mark_read(&state.store, &state.ctx, caller.workspace_id, user_id, None).await?;
    Ok(Json(UnreadMentions { unread_count: unread }))
}
