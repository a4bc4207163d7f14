//! Offers: a reservation of an agent for a session until it expires.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_desk::routing;
use segue_model::OfferId;
use segue_store::session::SessionView;
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
        .routes(Guard::needs(Permission::Converse).routes(routes!(accept)))
        .routes(Guard::needs(Permission::Converse).routes(routes!(decline)))
}

/// Takes the session. An answer that comes too late is refused with `offer_gone`.
#[utoipa::path(post, path = "/api/v1/offers/{id}/accept", operation_id = "accept_offer", tag = "inbox",
    params(("id" = OfferId, Path)), responses((status = 200, body = SessionView)))]
async fn accept(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<OfferId>,
) -> Result<Json<SessionView>, Problem> {
    caller.person()?;
    Ok(Json(routing::accept(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id).await?))
}

/// Leaves the session to somebody else.
#[utoipa::path(post, path = "/api/v1/offers/{id}/decline", operation_id = "decline_offer", tag = "inbox",
    params(("id" = OfferId, Path)), responses((status = 204)))]
async fn decline(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<OfferId>,
) -> Result<StatusCode, Problem> {
    caller.person()?;
    routing::decline(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
