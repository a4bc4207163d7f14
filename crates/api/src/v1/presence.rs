//! Whether an agent takes offers.

use axum::extract::State;
use segue_access::Permission;
use segue_desk::routing;
use segue_model::routing::PresenceStatus;
use segue_store::routing::PresenceView;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{AppState, caller::Caller, extract::Json, guard::Guard, problem::Problem};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(Guard::needs(Permission::Converse).routes(routes!(get, choose)))
}

/// The caller's presence.
#[utoipa::path(get, path = "/api/v1/presence", operation_id = "get_presence", tag = "inbox",
    responses((status = 200, body = PresenceView)))]
async fn get(State(state): State<AppState>, caller: Caller) -> Result<Json<PresenceView>, Problem> {
    let user_id = caller.person()?.id;
    Ok(Json(routing::presence(&state.store, &state.ctx, caller.workspace_id, user_id).await?))
}

#[derive(Deserialize, ToSchema)]
struct PresenceInput {
    status: PresenceStatus,
}

/// Chooses whether offers come. Anything but available gives unanswered offers back at once.
#[utoipa::path(put, path = "/api/v1/presence", operation_id = "set_presence", tag = "inbox",
    responses((status = 200, body = PresenceView)))]
async fn choose(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<PresenceInput>,
) -> Result<Json<PresenceView>, Problem> {
    caller.person()?;
    let chosen =
        routing::set_presence(&state.store, &state.ctx, caller.workspace_id, &caller.actor, input.status).await?;
    Ok(Json(chosen))
}
