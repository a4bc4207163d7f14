//! Contacts.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_model::{ContactId, ListId};
use segue_outreach::contacts::{self, ContactInput};
use segue_store::contact::{ContactQuery, ContactView};
use serde::Deserialize;
use utoipa::IntoParams;
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
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ReadContacts).routes(routes!(list)))
        .routes(Guard::needs(Permission::WriteContacts).routes(routes!(create)))
        .routes(Guard::needs(Permission::ReadContacts).routes(routes!(get)))
        .routes(Guard::needs(Permission::WriteContacts).routes(routes!(change)))
        .routes(Guard::needs(Permission::DeleteContacts).routes(routes!(delete)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ContactFilter {
    /// Part of a name, phone number or e-mail address.
    #[serde(default)]
    search: String,
    /// Only members of this list.
    list_id: Option<ListId>,
}

/// Contacts, newest first.
#[utoipa::path(get, path = "/api/v1/contacts", operation_id = "list_contacts", tag = "contacts",
    params(ContactFilter, PageQuery), responses((status = 200, body = Page<ContactView>)))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(filter): Query<ContactFilter>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ContactView>>, Problem> {
    let limit = page.limit();
    let ContactFilter { search, list_id } = filter;
    let query = ContactQuery { search, list_id, before: page.after()?, limit: i64::from(limit) + 1 };
    let found = contacts::list(&state.store, caller.workspace_id, query).await?;
    Ok(Json(Page::cut(found, limit, |contact| contact.id.to_string())))
}

/// Adds a contact.
#[utoipa::path(post, path = "/api/v1/contacts", operation_id = "create_contact", tag = "contacts",
    responses((status = 201, body = ContactView)))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<ContactInput>,
) -> Result<(StatusCode, Json<ContactView>), Problem> {
    let contact = contacts::create(&state.store, &state.ctx, caller.workspace_id, input).await?;
    Ok((StatusCode::CREATED, Json(contact)))
}

/// One contact.
#[utoipa::path(get, path = "/api/v1/contacts/{id}", operation_id = "get_contact", tag = "contacts",
    params(("id" = ContactId, Path)), responses((status = 200, body = ContactView)))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ContactId>,
) -> Result<Json<ContactView>, Problem> {
    Ok(Json(contacts::get(&state.store, caller.workspace_id, id).await?))
}

/// Changes what is given; `null` clears a field.
#[utoipa::path(patch, path = "/api/v1/contacts/{id}", operation_id = "change_contact", tag = "contacts",
    params(("id" = ContactId, Path)), responses((status = 200, body = ContactView)))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ContactId>,
    Json(input): Json<ContactInput>,
) -> Result<Json<ContactView>, Problem> {
    Ok(Json(contacts::change(&state.store, &state.ctx, caller.workspace_id, id, input).await?))
}

/// Deletes a contact. What the person said about consent stays on record.
#[utoipa::path(delete, path = "/api/v1/contacts/{id}", operation_id = "delete_contact", tag = "contacts",
    params(("id" = ContactId, Path)), responses((status = 204)))]
async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ContactId>,
) -> Result<StatusCode, Problem> {
    contacts::delete(&state.store, &state.ctx, caller.workspace_id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
