//! Host names of the workspace's own for short links.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_model::LinkDomainId;
use segue_outreach::domains;
use segue_store::link::LinkDomainView;
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
    let manage = Guard::needs(Permission::ManageSetup);
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ReadSetup).routes(routes!(list)))
        .routes(manage.routes(routes!(add)))
        .routes(manage.routes(routes!(make_default)))
        .routes(manage.routes(routes!(remove)))
}

/// The workspace's host names. One is verified when `https://{host}/l/check/{check_token}` has been opened.
#[utoipa::path(get, path = "/api/v1/link-domains", operation_id = "list_link_domains", tag = "setup",
    responses((status = 200, body = Page<LinkDomainView>)))]
async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<Page<LinkDomainView>>, Problem> {
    Ok(Json(Page::whole(domains::list(&state.store, caller.workspace_id).await?)))
}

#[derive(Deserialize, ToSchema)]
struct LinkDomainInput {
    /// Such as `go.example.com`.
    host: String,
}

/// Adds a host name. Links stand on it once it is verified and chosen.
#[utoipa::path(post, path = "/api/v1/link-domains", operation_id = "add_link_domain", tag = "setup",
    responses((status = 201, body = LinkDomainView)))]
async fn add(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<LinkDomainInput>,
) -> Result<(StatusCode, Json<LinkDomainView>), Problem> {
    let domain = domains::add(&state.store, &state.ctx, caller.workspace_id, &input.host).await?;
    Ok((StatusCode::CREATED, Json(domain)))
}

/// Makes a verified host name the one that links stand on when their campaign chooses no other.
#[utoipa::path(post, path = "/api/v1/link-domains/{id}/default", operation_id = "make_link_domain_default",
    tag = "setup", params(("id" = LinkDomainId, Path)), responses((status = 200, body = LinkDomainView)))]
async fn make_default(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<LinkDomainId>,
) -> Result<Json<LinkDomainView>, Problem> {
    Ok(Json(domains::make_default(&state.store, &state.ctx, caller.workspace_id, id).await?))
}

/// Removes a host name that no campaign's links stand on.
#[utoipa::path(delete, path = "/api/v1/link-domains/{id}", operation_id = "remove_link_domain", tag = "setup",
    params(("id" = LinkDomainId, Path)), responses((status = 204)))]
async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<LinkDomainId>,
) -> Result<StatusCode, Problem> {
    domains::remove(&state.store, &state.ctx, caller.workspace_id, id).await?;
    state.read_link_domains().await;
    Ok(StatusCode::NO_CONTENT)
}
