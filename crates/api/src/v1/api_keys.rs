//! API keys.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_model::{ApiKeyId, role::Role};
use segue_store::access::ApiKey;
use serde::{Deserialize, Serialize};
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
        // The answer holds the key's secret, so it is not stored for a repeat.
        .routes(Guard::needs(Permission::ManageAccess).unrecorded().routes(routes!(list, create)))
        .routes(Guard::needs(Permission::ManageAccess).routes(routes!(revoke)))
        .routes(Guard::needs(Permission::ManageAccess).routes(routes!(twilio_account)))
}

/// The API keys of the workspace, revoked ones included.
#[utoipa::path(get, path = "/api/v1/api-keys", operation_id = "list_api_keys", tag = "access",
    responses((status = 200, body = Page<ApiKey>)))]
async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<Page<ApiKey>>, Problem> {
    Ok(Json(Page::whole(segue_access::list_keys(&state.store, caller.workspace_id).await?)))
}

#[derive(Deserialize, ToSchema)]
struct ApiKeyInput {
    name: String,
    role: Role,
}

#[derive(Serialize, ToSchema)]
struct NewApiKey {
    api_key: ApiKey,
    /// The key itself. It is shown this once and cannot be shown again.
    secret: String,
}

/// Makes a key. A repeat with the same Idempotency-Key makes another one, since the secret is never stored.
#[utoipa::path(post, path = "/api/v1/api-keys", operation_id = "create_api_key", tag = "access",
    responses((status = 201, body = NewApiKey)))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<ApiKeyInput>,
) -> Result<(StatusCode, Json<NewApiKey>), Problem> {
    let created =
        segue_access::create_key(&state.store, &state.ctx, caller.workspace_id, &input.name, input.role).await?;
    let (api_key, secret) = created;
    Ok((StatusCode::CREATED, Json(NewApiKey { api_key, secret })))
}

/// Revokes a key at once and for good.
#[utoipa::path(delete, path = "/api/v1/api-keys/{id}", operation_id = "revoke_api_key", tag = "access",
    params(("id" = ApiKeyId, Path)), responses((status = 204)))]
async fn revoke(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ApiKeyId>,
) -> Result<StatusCode, Problem> {
    segue_access::revoke_key(&state.store, &state.ctx, caller.workspace_id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A key's credentials for client libraries that speak Twilio's dialect.
#[derive(Serialize, ToSchema)]
struct TwilioAccount {
    /// `AC…`, the user name.
    account_sid: String,
    /// The password, and what signs status callbacks.
    auth_token: String,
}

/// What a Twilio client library needs to send through Segue with this key: account SID and auth token. Point the library
/// at this server's address.
#[utoipa::path(get, path = "/api/v1/api-keys/{id}/twilio-account", operation_id = "get_twilio_account", tag = "access",
    params(("id" = ApiKeyId, Path)), responses((status = 200, body = TwilioAccount)))]
async fn twilio_account(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ApiKeyId>,
) -> Result<Json<TwilioAccount>, Problem> {
    let account = segue_access::twilio_account(&state.store, &state.ctx, caller.workspace_id, id).await?;
    let segue_access::TwilioAccount { account_sid, auth_token } = account;
    Ok(Json(TwilioAccount { account_sid, auth_token }))
}
