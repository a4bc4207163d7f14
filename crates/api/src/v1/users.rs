//! Users.

use axum::extract::State;
use http::StatusCode;
use segue_access::{Disabled, NewUser, Permission, UserChange};
use segue_model::{UserId, role::Role};
use segue_store::access::User;
use serde::Deserialize;
use utoipa::ToSchema;
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
        // A hash of the request would be a quick hash of the password; a second user with the address is refused anyway.
        .routes(Guard::needs(Permission::ManageAccess).unrecorded().routes(routes!(list, create)))
        .routes(Guard::needs(Permission::ManageAccess).routes(routes!(change)))
}

/// The users of the workspace.
#[utoipa::path(get, path = "/api/v1/users", operation_id = "list_users", tag = "access",
    responses((status = 200, body = Page<User>)))]
async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<Page<User>>, Problem> {
    Ok(Json(Page::whole(segue_access::list_users(&state.store, caller.workspace_id).await?)))
}

#[derive(Deserialize, ToSchema)]
struct UserInput {
    email: String,
    name: String,
    role: Role,
    password: String,
}

/// Creates a user who can sign in at once.
#[utoipa::path(post, path = "/api/v1/users", operation_id = "create_user", tag = "access",
    responses((status = 201, body = User)))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<UserInput>,
) -> Result<(StatusCode, Json<User>), Problem> {
    let UserInput { email, name, role, password } = input;
    let new = NewUser { email, name, role, password };
    let user = segue_access::create_user(&state.store, &state.ctx, caller.workspace_id, &new).await?;
    Ok((StatusCode::CREATED, Json(user)))
}

#[derive(Deserialize, ToSchema)]
struct UserChangeInput {
    name: Option<String>,
    role: Option<Role>,
    /// Whether the user can no longer sign in.
    disabled: Option<bool>,
    password: Option<String>,
}

/// Changes what is given. A new password, a new role or disabling ends all of the user's logins.
#[utoipa::path(patch, path = "/api/v1/users/{id}", operation_id = "change_user", tag = "access",
    params(("id" = UserId, Path)), responses((status = 200, body = User)))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<UserId>,
    Json(input): Json<UserChangeInput>,
) -> Result<Json<User>, Problem> {
    let change = UserChange {
        name: input.name,
        role: input.role,
        disabled: input.disabled.map(|disabled| if disabled { Disabled::Yes } else { Disabled::No }),
        password: input.password,
    };
    Ok(Json(segue_access::change_user(&state.store, &state.ctx, caller.workspace_id, id, change).await?))
}
