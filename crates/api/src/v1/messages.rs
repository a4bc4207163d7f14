//! The transcript of a session, and what agents add to it.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_desk::{
    messages::{self, NewReply},
    sessions,
};
use segue_model::SessionId;
use segue_store::message::MessageView;
use serde::Deserialize;
use utoipa::IntoParams;
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
    OpenApiRouter::new().routes(Guard::needs(Permission::Converse).routes(routes!(list, send)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Before {
    /// `next_cursor` of the page before; without it the latest entries come.
    before: Option<String>,
    /// Entries per page, 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// The latest entries, oldest first; `next_cursor` leads to older ones.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/messages", operation_id = "list_messages", tag = "inbox",
    params(("id" = SessionId, Path), Before), responses((status = 200, body = Page<MessageView>)))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
    Query(Before { before, limit }): Query<Before>,
) -> Result<Json<Page<MessageView>>, Problem> {
    sight::readable(&state, &caller, id).await?;
    let limit = limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let page = sessions::messages(&state.store, caller.workspace_id, id, before, limit).await?;
    Ok(Json(Page { data: page.data, next_cursor: page.next_cursor }))
}

/// Sends to the customer, or writes a note for colleagues. The same `client_id` sends once.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/messages", operation_id = "send_message", tag = "inbox",
    params(("id" = SessionId, Path)), responses((status = 201, body = MessageView)))]
async fn send(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
    Json(reply): Json<NewReply>,
) -> Result<(StatusCode, Json<MessageView>), Problem> {
    sight::files_sendable(&state, &caller, reply.draft.files()).await?;
    let message = messages::send(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id, reply).await?;
    Ok((StatusCode::CREATED, Json(message)))
}
