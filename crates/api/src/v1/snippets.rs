//! Snippets: blocks of text that several campaigns share.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_model::SnippetId;
use segue_outreach::snippets::{self, SnippetChange, SnippetInput, SnippetUses};
use segue_store::snippet::{SnippetVersionView, SnippetView};
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
    let (read, run) = (Guard::needs(Permission::ReadCampaigns), Guard::needs(Permission::RunCampaigns));
    OpenApiRouter::new()
        .routes(read.routes(routes!(list)))
        .routes(run.routes(routes!(create)))
        .routes(run.routes(routes!(change, remove)))
        .routes(read.routes(routes!(versions)))
        .routes(read.routes(routes!(uses)))
}

/// The workspace's snippets, in the order of the alphabet. A text includes one with `{% include "name" %}`.
#[utoipa::path(get, path = "/api/v1/snippets", operation_id = "list_snippets", tag = "campaigns",
    responses((status = 200, body = Page<SnippetView>)))]
async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<Page<SnippetView>>, Problem> {
    Ok(Json(Page::whole(snippets::list(&state.store, caller.workspace_id).await?)))
}

/// Adds a snippet.
#[utoipa::path(post, path = "/api/v1/snippets", operation_id = "create_snippet", tag = "campaigns",
    responses((status = 201, body = SnippetView)))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<SnippetInput>,
) -> Result<(StatusCode, Json<SnippetView>), Problem> {
    let snippet = snippets::create(&state.store, &state.ctx, caller.workspace_id, &caller.actor, input).await?;
    Ok((StatusCode::CREATED, Json(snippet)))
}

/// Adds a version to a snippet. Drafts get it; campaigns that have been started keep theirs.
#[utoipa::path(patch, path = "/api/v1/snippets/{id}", operation_id = "change_snippet", tag = "campaigns",
    params(("id" = SnippetId, Path)), responses((status = 200, body = SnippetView)))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SnippetId>,
    Json(input): Json<SnippetChange>,
) -> Result<Json<SnippetView>, Problem> {
    Ok(Json(snippets::change(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id, input).await?))
}

/// Takes a snippet away that nothing uses; its versions stay for what was sent with them.
#[utoipa::path(delete, path = "/api/v1/snippets/{id}", operation_id = "remove_snippet", tag = "campaigns",
    params(("id" = SnippetId, Path)), responses((status = 204)))]
async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SnippetId>,
) -> Result<StatusCode, Problem> {
    snippets::remove(&state.store, &state.ctx, caller.workspace_id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The versions of a snippet, newest first.
#[utoipa::path(get, path = "/api/v1/snippets/{id}/versions", operation_id = "list_snippet_versions",
    tag = "campaigns", params(("id" = SnippetId, Path)), responses((status = 200, body = Page<SnippetVersionView>)))]
async fn versions(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SnippetId>,
) -> Result<Json<Page<SnippetVersionView>>, Problem> {
    Ok(Json(Page::whole(snippets::versions(&state.store, caller.workspace_id, id).await?)))
}

/// Where a snippet is used: in drafts, in campaigns that were started with it, in other snippets.
#[utoipa::path(get, path = "/api/v1/snippets/{id}/uses", operation_id = "get_snippet_uses",
    tag = "campaigns", params(("id" = SnippetId, Path)), responses((status = 200, body = SnippetUses)))]
async fn uses(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SnippetId>,
) -> Result<Json<SnippetUses>, Problem> {
    Ok(Json(snippets::uses(&state.store, caller.workspace_id, id).await?))
}
