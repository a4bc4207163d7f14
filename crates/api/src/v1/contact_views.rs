//! Saved views of the contacts, and what their attributes are.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_model::ContactViewId;
use segue_outreach::{
    attributes::{self, AttributeInput},
    grid::{self, ViewInput},
};
use segue_store::contact_view::{AttributeDefinition, ContactViewRecord};
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
    let read = Guard::needs(Permission::ReadContacts);
    let define = Guard::needs(Permission::ImportContacts);
    OpenApiRouter::new()
        .routes(read.routes(routes!(list_views)))
        .routes(read.routes(routes!(create_view)))
        .routes(read.routes(routes!(change_view)))
        .routes(read.routes(routes!(delete_view)))
        .routes(read.routes(routes!(list_attributes)))
        .routes(define.routes(routes!(define_attribute)))
        .routes(define.routes(routes!(forget_attribute)))
}

/// Own and shared views of the contacts, by name.
#[utoipa::path(get, path = "/api/v1/contact-views", operation_id = "list_contact_views", tag = "contacts",
    responses((status = 200, body = Page<ContactViewRecord>)))]
async fn list_views(State(state): State<AppState>, caller: Caller) -> Result<Json<Page<ContactViewRecord>>, Problem> {
    Ok(Json(Page::whole(grid::views(&state.store, caller.workspace_id, &caller.actor).await?)))
}

/// Saves a view.
#[utoipa::path(post, path = "/api/v1/contact-views", operation_id = "create_contact_view", tag = "contacts",
    responses((status = 201, body = ContactViewRecord)))]
async fn create_view(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<ViewInput>,
) -> Result<(StatusCode, Json<ContactViewRecord>), Problem> {
    let view = grid::save_view(&state.store, &state.ctx, caller.workspace_id, &caller.actor, None, input).await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// Saves an own view anew.
#[utoipa::path(put, path = "/api/v1/contact-views/{id}", operation_id = "change_contact_view", tag = "contacts",
    params(("id" = ContactViewId, Path)), responses((status = 200, body = ContactViewRecord)))]
async fn change_view(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ContactViewId>,
    Json(input): Json<ViewInput>,
) -> Result<Json<ContactViewRecord>, Problem> {
    let (store, ctx) = (&state.store, &state.ctx);
    Ok(Json(grid::save_view(store, ctx, caller.workspace_id, &caller.actor, Some(id), input).await?))
}

/// Removes an own view.
#[utoipa::path(delete, path = "/api/v1/contact-views/{id}", operation_id = "delete_contact_view", tag = "contacts",
    params(("id" = ContactViewId, Path)), responses((status = 204)))]
async fn delete_view(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ContactViewId>,
) -> Result<StatusCode, Problem> {
    grid::delete_view(&state.store, caller.workspace_id, &caller.actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the attributes of contacts are. Others are free text.
#[utoipa::path(get, path = "/api/v1/attributes", operation_id = "list_attributes", tag = "contacts",
    responses((status = 200, body = Page<AttributeDefinition>)))]
async fn list_attributes(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<Page<AttributeDefinition>>, Problem> {
    Ok(Json(Page::whole(attributes::list(&state.store, caller.workspace_id).await?)))
}

/// Defines an attribute, or changes what it is; its name is made of the label.
#[utoipa::path(post, path = "/api/v1/attributes", operation_id = "define_attribute", tag = "contacts",
    responses((status = 200, body = AttributeDefinition)))]
async fn define_attribute(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<AttributeInput>,
) -> Result<Json<AttributeDefinition>, Problem> {
    Ok(Json(attributes::define(&state.store, &state.ctx, caller.workspace_id, input).await?))
}

/// Makes an attribute free text again; its values stay.
#[utoipa::path(delete, path = "/api/v1/attributes/{name}", operation_id = "forget_attribute", tag = "contacts",
    params(("name" = String, Path)), responses((status = 204)))]
async fn forget_attribute(
    State(state): State<AppState>,
    caller: Caller,
    PathId(name): PathId<String>,
) -> Result<StatusCode, Problem> {
    attributes::forget(&state.store, caller.workspace_id, name).await?;
    Ok(StatusCode::NO_CONTENT)
}
