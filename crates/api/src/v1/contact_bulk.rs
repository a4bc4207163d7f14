//! What is done to several contacts at once, and bringing deleted ones back.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_model::{ContactId, DeletionId, ListId};
use segue_outreach::grid::{self, ListAction};
use segue_store::contact_deletion::DeletionView;
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
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::WriteContacts).routes(routes!(change_members)))
        .routes(Guard::needs(Permission::DeleteContacts).routes(routes!(delete)))
        .routes(Guard::needs(Permission::DeleteContacts).routes(routes!(restore)))
}

/// Contacts to put on a list or to take off it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MembersInput {
    action: ListAction,
    /// At most 1,000.
    contact_ids: Vec<ContactId>,
}

/// How many contacts changed.
#[derive(Serialize, ToSchema)]
struct Changed {
    changed: i64,
}

/// Puts contacts on a list or takes them off it.
#[utoipa::path(post, path = "/api/v1/lists/{id}/members", operation_id = "change_list_members", tag = "contacts",
    params(("id" = ListId, Path)), responses((status = 200, body = Changed)))]
async fn change_members(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ListId>,
    Json(input): Json<MembersInput>,
) -> Result<Json<Changed>, Problem> {
    let (store, ctx) = (&state.store, &state.ctx);
    let changed = grid::change_list(store, ctx, caller.workspace_id, id, input.action, input.contact_ids).await?;
    Ok(Json(Changed { changed }))
}

/// Contacts to delete.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeletionInput {
    /// At most 1,000.
    contact_ids: Vec<ContactId>,
}

/// Deletes contacts. For 30 days they can be brought back; what people said about consent stays on record.
#[utoipa::path(post, path = "/api/v1/contact-deletions", operation_id = "delete_contacts", tag = "contacts",
    responses((status = 201, body = DeletionView)))]
async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<DeletionInput>,
) -> Result<(StatusCode, Json<DeletionView>), Problem> {
    let deleted = grid::delete(&state.store, &state.ctx, caller.workspace_id, &caller.actor, input.contact_ids).await?;
    Ok((StatusCode::CREATED, Json(deleted)))
}

/// Brings deleted contacts back, with their lists and conversations. Those whose phone number another contact has by now
/// stay deleted, and can be tried again.
#[utoipa::path(post, path = "/api/v1/contact-deletions/{id}/undo", operation_id = "restore_contacts", tag = "contacts",
    params(("id" = DeletionId, Path)), responses((status = 200, body = Changed)))]
async fn restore(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<DeletionId>,
) -> Result<Json<Changed>, Problem> {
    Ok(Json(Changed { changed: grid::restore(&state.store, &state.ctx, caller.workspace_id, id).await? }))
}
