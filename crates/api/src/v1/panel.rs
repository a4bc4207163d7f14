//! What is known of a session's customer, and whom the customer is linked to.

use axum::extract::State;
use segue_access::Permission;
use segue_desk::{
    language,
    linking::{self, LinkTo},
    panel::{self, Panel},
};
use segue_model::{ContactId, CustomerLinkId, LeadId, SessionId, linking::LinkObject};
use segue_store::{customer_language::CustomerLanguage, session::SessionView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::sight;
use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId, PathIds},
    guard::Guard,
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    let converse = Guard::needs(Permission::Converse);
    OpenApiRouter::new()
        .routes(converse.routes(routes!(get)))
        .routes(converse.routes(routes!(link)))
        .routes(converse.routes(routes!(unlink)))
        .routes(converse.routes(routes!(postpone)))
        .routes(converse.routes(routes!(undo)))
        .routes(converse.routes(routes!(set_language)))
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

/// Give a contact or a lead, or `create: true` for a new one with the customer's number and name.
#[derive(Deserialize, ToSchema)]
struct LinkInput {
    contact_id: Option<ContactId>,
    lead_id: Option<LeadId>,
    create: Option<bool>,
    /// What is created: a contact when not given.
    object: Option<LinkObject>,
    /// Why, in the agent's own words.
    note: Option<String>,
}

/// Links the session's customer to a contact or lead.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/link", operation_id = "link_customer", tag = "inbox",
    params(("id" = SessionId, Path)), responses((status = 200, body = SessionView)))]
async fn link(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
    Json(input): Json<LinkInput>,
) -> Result<Json<SessionView>, Problem> {
    let to = match (input.contact_id, input.lead_id, input.create.unwrap_or(false)) {
        (Some(contact_id), None, false) => LinkTo::Contact(contact_id),
        (None, Some(lead_id), false) => LinkTo::Lead(lead_id),
        (None, None, true) => match input.object.unwrap_or(LinkObject::Contact) {
            LinkObject::Contact => LinkTo::NewContact,
            LinkObject::Lead => LinkTo::NewLead,
        },
        _ => {
            let why = "Choose a contact or a lead, or ask for a new one with create: true.";
            return Err(Problem::invalid("contact_id", why));
        }
    };
    sight::readable(&state, &caller, id).await?;
    Ok(Json(linking::link(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id, to, input.note).await?))
}

/// Puts the question of who the customer is away: not now.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/postpone-link", operation_id = "postpone_link", tag = "inbox",
    params(("id" = SessionId, Path)), responses((status = 200, body = SessionView)))]
async fn postpone(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
) -> Result<Json<SessionView>, Problem> {
    sight::readable(&state, &caller, id).await?;
    Ok(Json(linking::postpone(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id).await?))
}

/// Takes a link back: the customer is linked to what was there before. The history keeps both.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/links/{link_id}/undo", operation_id = "undo_link", tag = "inbox",
    params(("id" = SessionId, Path), ("link_id" = CustomerLinkId, Path)),
    responses((status = 200, body = SessionView)))]
async fn undo(
    State(state): State<AppState>,
    caller: Caller,
    PathIds((id, link_id)): PathIds<SessionId, CustomerLinkId>,
) -> Result<Json<SessionView>, Problem> {
    sight::readable(&state, &caller, id).await?;
    Ok(Json(linking::undo(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id, link_id).await?))
}

/// Which language the customer has.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LanguageInput {
    /// Such as `de` or `pt-BR`; null lets it be detected again.
    language: Option<String>,
}

/// The customer's language as it is now.
#[derive(Serialize, ToSchema)]
struct LanguageAnswer {
    language: Option<CustomerLanguage>,
}

/// Says which language the session's customer has: automatic messages, bots and templates follow it, and no detection
/// changes it.
#[utoipa::path(put, path = "/api/v1/sessions/{id}/language", operation_id = "set_customer_language", tag = "inbox",
    params(("id" = SessionId, Path)), responses((status = 200, body = LanguageAnswer)))]
async fn set_language(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
    Json(input): Json<LanguageInput>,
) -> Result<Json<LanguageAnswer>, Problem> {
    sight::readable(&state, &caller, id).await?;
    let language =
        language::set(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id, input.language).await?;
    Ok(Json(LanguageAnswer { language }))
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
        linking::link(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id, LinkTo::Nobody, None).await?;
    Ok(Json(unlinked))
}
