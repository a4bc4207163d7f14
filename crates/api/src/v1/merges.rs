//! Contacts that may be one person, merging two of them, and taking that back.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_model::{ContactId, MergeId};
use segue_outreach::merge::{self, MergeInput};
use segue_store::{
    contact_merge::MergeView,
    duplicate::{DuplicateView, SearchView},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId, Query},
    guard::Guard,
    page::{Page, PageQuery, invalid_cursor},
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    let read = Guard::needs(Permission::ReadContacts);
    let merge = Guard::needs(Permission::MergeContacts);
    OpenApiRouter::new()
        .routes(read.routes(routes!(list_duplicates)))
        .routes(merge.routes(routes!(dismiss)))
        .routes(read.routes(routes!(last_search)))
        .routes(merge.routes(routes!(begin_search)))
        .routes(merge.routes(routes!(merge_contacts)))
        .routes(read.routes(routes!(list_merges)))
        .routes(merge.routes(routes!(unmerge)))
}

/// Pairs of contacts that may be one person, as the last search found them; settled ones are left out.
#[utoipa::path(get, path = "/api/v1/duplicates", operation_id = "list_duplicates", tag = "contacts",
    params(PageQuery), responses((status = 200, body = Page<DuplicateView>)))]
async fn list_duplicates(
    State(state): State<AppState>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<DuplicateView>>, Problem> {
    let after = match &page.cursor {
        None => None,
        Some(text) => {
            let (first, second) = text.split_once('.').ok_or_else(invalid_cursor)?;
            let id = |text: &str| text.parse::<ContactId>().map_err(|_| invalid_cursor());
            Some((id(first)?, id(second)?))
        }
    };
    let limit = page.limit();
    let found = merge::duplicates(&state.store, caller.workspace_id, after, i64::from(limit) + 1).await?;
    Ok(Json(Page::cut(found, limit, |pair| format!("{}.{}", pair.first.id, pair.second.id))))
}

/// Two contacts.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Pair {
    first_id: ContactId,
    second_id: ContactId,
}

/// Says that two contacts are two persons: the pair is not shown again.
#[utoipa::path(post, path = "/api/v1/duplicates/dismiss", operation_id = "dismiss_duplicate", tag = "contacts",
    responses((status = 204)))]
async fn dismiss(State(state): State<AppState>, caller: Caller, Json(pair): Json<Pair>) -> Result<StatusCode, Problem> {
    merge::dismiss(&state.store, &state.ctx, caller.workspace_id, (pair.first_id, pair.second_id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The last search for duplicates.
#[derive(Serialize, ToSchema)]
struct LastSearch {
    /// Null when there never was one.
    search: Option<SearchView>,
}

/// How far the search for duplicates is, or what the last one came to.
#[utoipa::path(get, path = "/api/v1/duplicates/search", operation_id = "get_duplicate_search", tag = "contacts",
    responses((status = 200, body = LastSearch)))]
async fn last_search(State(state): State<AppState>, caller: Caller) -> Result<Json<LastSearch>, Problem> {
    Ok(Json(LastSearch { search: merge::last_search(&state.store, caller.workspace_id).await? }))
}

/// Searches all contacts for duplicates. The answer comes before the work is done; one search runs at a time.
#[utoipa::path(post, path = "/api/v1/duplicates/search", operation_id = "search_duplicates", tag = "contacts",
    responses((status = 202, body = SearchView)))]
async fn begin_search(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<(StatusCode, Json<SearchView>), Problem> {
    let search = merge::begin_search(&state.store, &state.ctx, caller.workspace_id).await?;
    Ok((StatusCode::ACCEPTED, Json(search)))
}

/// Merges two contacts: conversations, leads, cases, lists and campaign results of both are the kept one's, and its
/// further addresses are those of the other. Can be taken back.
#[utoipa::path(post, path = "/api/v1/contact-merges", operation_id = "merge_contacts", tag = "contacts",
    responses((status = 201, body = MergeView)))]
async fn merge_contacts(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<MergeInput>,
) -> Result<(StatusCode, Json<MergeView>), Problem> {
    let merged = merge::merge(&state.store, &state.ctx, caller.workspace_id, &caller.actor, input).await?;
    Ok((StatusCode::CREATED, Json(merged)))
}

/// Merges, newest first.
#[utoipa::path(get, path = "/api/v1/contact-merges", operation_id = "list_contact_merges", tag = "contacts",
    params(PageQuery), responses((status = 200, body = Page<MergeView>)))]
async fn list_merges(
    State(state): State<AppState>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<MergeView>>, Problem> {
    let limit = page.limit();
    let found = merge::list(&state.store, caller.workspace_id, page.after()?, i64::from(limit) + 1).await?;
    Ok(Json(Page::cut(found, limit, |merge| merge.id.to_string())))
}

/// Takes a merge back: the dissolved contact is there again, with all that was its own.
#[utoipa::path(post, path = "/api/v1/contact-merges/{id}/undo", operation_id = "unmerge_contacts", tag = "contacts",
    params(("id" = MergeId, Path)), responses((status = 200, body = MergeView)))]
async fn unmerge(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<MergeId>,
) -> Result<Json<MergeView>, Problem> {
    Ok(Json(merge::unmerge(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id).await?))
}
