//! What is known of a session's customer, and whom the customer is linked to.

use axum::extract::State;
use segue_access::Permission;
use segue_desk::{
    linking::{self, LinkTo},
    panel::{self, Panel},
};
use segue_model::{ContactId, SessionId};
use segue_store::session::SessionView;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::sight;
use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId},
    guard::Guard,
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    let converse = Guard::needs(Permission::Converse);
    OpenApiRouter::new()
        .routes(converse.routes(routes!(get)))
        .routes(converse.routes(routes!(link)))
        .routes(converse.routes(routes!(unlink)))
}

/// What is known of the session's customer.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/panel", operation_id = "get_panel", tag = "inbox",
    params(("id" = SessionId, Path)), responses((status = 200, body = Panel)))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
) -> Result<Json<Panel>, Problem> {
    sight::readable(&state, &caller, id).await?;
    Ok(Json(panel::get(&state.store, caller.workspace_id, id, state.ctx.now()).await?))
}

/// Give a contact, or `create: true` for a new one with the customer's number and name.
#[derive(Deserialize, ToSchema)]
struct LinkInput {
    contact_id: Option<ContactId>,
    create: Option<bool>,
}

/// Links the session's customer to a contact.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/link", operation_id = "link_customer", tag = "inbox",
    params(("id" = SessionId, Path)), responses((status = 200, body = SessionView)))]
async fn link(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
    Json(input): Json<LinkInput>,
) -> Result<Json<SessionView>, Problem> {
    let to = match (input.contact_id, input.create) {
        (Some(contact_id), None | Some(false)) => LinkTo::Contact(contact_id),
        (None, Some(true)) => LinkTo::NewContact,
        _ => return Err(Problem::invalid("contact_id", "Choose a contact, or ask for a new one with create: true.")),
    };
    sight::readable(&state, &caller, id).await?;
    Ok(Json(linking::link(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id, to).await?))
}

/// Takes the link away.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/unlink", operation_id = "unlink_customer", tag = "inbox",
    params(("id" = SessionId, Path)), responses((status = 200, body = SessionView)))]
async fn unlink(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
) -> Result<Json<SessionView>, Problem> {
    sight::readable(&state, &caller, id).await?;
    let unlinked =
        linking::link(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id, LinkTo::Nobody).await?;
    Ok(Json(unlinked))
}
