//! Contacts.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_model::{ContactId, ListId};
use segue_outreach::{
    contact_addresses::{self, AddressInput},
    contacts::{self, ContactInput},
    grid::{self, GridQuery},
};
use segue_store::{contact::ContactView, contact_address::ContactAddress, contact_view::ContactSort};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    caller::Caller,
    extract::{self, Json, PathId, Query},
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
        .routes(Guard::needs(Permission::ReadContacts).routes(routes!(addresses)))
        .routes(Guard::needs(Permission::WriteContacts).routes(routes!(set_addresses)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ContactFilter {
    /// Part of a name, phone number or e-mail address.
    #[serde(default)]
    search: String,
    /// Only members of this list.
    list_id: Option<ListId>,
    /// Only the contact with this external key, be it its own or that of a contact that was merged into it.
    external_key: Option<String>,
    /// Conditions that all must be met, as JSON: `[{"field":"city","op":"equals","value":"Rome"}]`. A field is a standard
    /// field, `sms_consent`, `whatsapp_consent`, or an attribute; operators are those of a saved view.
    filters: Option<String>,
    /// `newest` (the default) or `oldest` first.
    sort: Option<ContactSort>,
}

/// Contacts. With filters a page may hold fewer contacts than asked for, or none, and still have a next one.
#[utoipa::path(get, path = "/api/v1/contacts", operation_id = "list_contacts", tag = "contacts",
    params(ContactFilter, PageQuery), responses((status = 200, body = Page<ContactView>)))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(filter): Query<ContactFilter>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ContactView>>, Problem> {
    let ContactFilter { search, list_id, external_key, filters, sort } = filter;
    if let Some(key) = external_key.filter(|key| !key.is_empty()) {
        let found = contacts::of_key(&state.store, caller.workspace_id, key).await?;
        return Ok(Json(Page::whole(found.into_iter().collect())));
    }
    let filters = match filters.as_deref().filter(|text| !text.is_empty()) {
        Some(text) => extract::read_inside("filters", text.as_bytes())?,
        None => Vec::new(),
    };
    let query = GridQuery {
        search,
        list_id,
        filters,
        sort: sort.unwrap_or_default(),
        after: page.after()?,
        limit: page.limit() as usize,
    };
    let found = grid::page(&state.store, caller.workspace_id, query).await?;
    Ok(Json(Page { data: found.contacts, next_cursor: found.next.map(|id| id.to_string()) }))
}

/// A contact's phone numbers, e-mail addresses and keys beside its own, the first to try first. A campaign texts the
/// first number that has opted in when nothing was ever said for the contact's own; a no at any number counts for all.
#[utoipa::path(get, path = "/api/v1/contacts/{id}/addresses", operation_id = "list_contact_addresses",
    tag = "contacts", params(("id" = ContactId, Path)), responses((status = 200, body = Page<ContactAddress>)))]
async fn addresses(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ContactId>,
) -> Result<Json<Page<ContactAddress>>, Problem> {
    Ok(Json(Page::whole(contact_addresses::list(&state.store, caller.workspace_id, id).await?)))
}

/// Further addresses in the order in which they are tried.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AddressesInput {
    addresses: Vec<AddressInput>,
}

/// Sets a contact's further addresses.
#[utoipa::path(put, path = "/api/v1/contacts/{id}/addresses", operation_id = "set_contact_addresses",
    tag = "contacts", params(("id" = ContactId, Path)), responses((status = 200, body = Page<ContactAddress>)))]
async fn set_addresses(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ContactId>,
    Json(input): Json<AddressesInput>,
) -> Result<Json<Page<ContactAddress>>, Problem> {
    let set = contact_addresses::set(&state.store, &state.ctx, caller.workspace_id, id, input.addresses).await?;
    Ok(Json(Page::whole(set)))
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
