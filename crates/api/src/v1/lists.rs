//! Lists of contacts.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_outreach::contacts;
use segue_store::list::ContactListView;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{AppState, caller::Caller, extract::Json, guard::Guard, page::Page, problem::Problem};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ReadContacts).routes(routes!(list)))
        .routes(Guard::needs(Permission::WriteContacts).routes(routes!(create)))
}

/// The lists of the workspace, newest first.
#[utoipa::path(get, path = "/api/v1/lists", operation_id = "list_lists", tag = "contacts",
    responses((status = 200, body = Page<ContactListView>)))]
async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<Page<ContactListView>>, Problem> {
    Ok(Json(Page::whole(contacts::lists(&state.store, caller.workspace_id).await?)))
}

#[derive(Deserialize, ToSchema)]
struct ListInput {
    name: String,
}

/// Adds an empty list.
#[utoipa::path(post, path = "/api/v1/lists", operation_id = "create_list", tag = "contacts",
    responses((status = 201, body = ContactListView)))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<ListInput>,
) -> Result<(StatusCode, Json<ContactListView>), Problem> {
    let list = contacts::create_list(&state.store, &state.ctx, caller.workspace_id, &input.name).await?;
    Ok((StatusCode::CREATED, Json(list)))
}
