//! Words that people text to a sender.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_model::KeywordId;
use segue_outreach::words::{self, KeywordInput, WordCheck};
use segue_store::programme::KeywordView;
use serde::Deserialize;
use utoipa::ToSchema;
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
        .routes(Guard::needs(Permission::RunCampaigns).routes(routes!(create)))
        .routes(Guard::needs(Permission::RunCampaigns).routes(routes!(change)))
        .routes(Guard::needs(Permission::RunCampaigns).routes(routes!(delete)))
        .routes(Guard::needs(Permission::ReadContacts).routes(routes!(check)))
}

/// Words, newest first.
#[utoipa::path(get, path = "/api/v1/keywords", operation_id = "list_keywords", tag = "consent",
    params(PageQuery), responses((status = 200, body = Page<KeywordView>)))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<KeywordView>>, Problem> {
    let limit = page.limit();
    let found = words::list(&state.store, caller.workspace_id, page.after()?, i64::from(limit) + 1).await?;
    Ok(Json(Page::cut(found, limit, |keyword| keyword.id.to_string())))
}

/// Adds a word to a sender.
#[utoipa::path(post, path = "/api/v1/keywords", operation_id = "create_keyword", tag = "consent",
    responses((status = 201, body = KeywordView)))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<KeywordInput>,
) -> Result<(StatusCode, Json<KeywordView>), Problem> {
    let created = words::create(&state.store, &state.ctx, caller.workspace_id, input).await?;
    Ok((StatusCode::CREATED, Json(created)))
}

/// Replaces a word. Chains of questions that it began end.
#[utoipa::path(put, path = "/api/v1/keywords/{id}", operation_id = "change_keyword", tag = "consent",
    params(("id" = KeywordId, Path)), responses((status = 200, body = KeywordView)))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<KeywordId>,
    Json(input): Json<KeywordInput>,
) -> Result<Json<KeywordView>, Problem> {
    Ok(Json(words::change(&state.store, &state.ctx, caller.workspace_id, id, input).await?))
}

/// Removes a word.
#[utoipa::path(delete, path = "/api/v1/keywords/{id}", operation_id = "delete_keyword", tag = "consent",
    params(("id" = KeywordId, Path)), responses((status = 204)))]
async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<KeywordId>,
) -> Result<StatusCode, Problem> {
    words::delete(&state.store, caller.workspace_id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
struct WordToCheck {
    /// The word that is being changed; absent for a new one.
    id: Option<KeywordId>,
    keyword: KeywordInput,
}

/// Whether a word can be had, and what speaks against it; nothing is stored.
#[utoipa::path(post, path = "/api/v1/keyword-checks", operation_id = "check_keyword", tag = "consent",
    responses((status = 200, body = WordCheck)))]
async fn check(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<WordToCheck>,
) -> Result<Json<WordCheck>, Problem> {
    Ok(Json(words::check(&state.store, &state.ctx, caller.workspace_id, input.id, input.keyword).await?))
}
