//! Queues: where sessions wait for an agent.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_desk::queues::{self, NewQueue, QueuePatch};
use segue_model::QueueId;
use segue_store::routing::QueueView;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId},
    guard::Guard,
    page::Page,
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ReadSetup).routes(routes!(list)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(create)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(change)))
}

/// The queues with their members and waits.
#[utoipa::path(get, path = "/api/v1/queues", operation_id = "list_queues", tag = "setup",
    responses((status = 200, body = Page<QueueView>)))]
async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<Page<QueueView>>, Problem> {
    Ok(Json(Page::whole(queues::list(&state.store, &state.ctx, caller.workspace_id).await?)))
}

/// Creates a queue.
#[utoipa::path(post, path = "/api/v1/queues", operation_id = "create_queue", tag = "setup",
    responses((status = 201, body = QueueView)))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<NewQueue>,
) -> Result<(StatusCode, Json<QueueView>), Problem> {
    let queue = queues::create(&state.store, &state.ctx, caller.workspace_id, input).await?;
    Ok((StatusCode::CREATED, Json(queue)))
}

/// Changes what is given.
#[utoipa::path(patch, path = "/api/v1/queues/{id}", operation_id = "change_queue", tag = "setup",
    params(("id" = QueueId, Path)), responses((status = 200, body = QueueView)))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<QueueId>,
    Json(input): Json<QueuePatch>,
) -> Result<Json<QueueView>, Problem> {
    Ok(Json(queues::update(&state.store, &state.ctx, caller.workspace_id, id, input).await?))
}
