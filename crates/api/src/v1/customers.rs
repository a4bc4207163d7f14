//! Customers: blocking, and two addresses of one person.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_desk::{blocks, customers};
use segue_model::{CustomerMergeId, MessagingUserId, SessionId};
use segue_store::{customer_block::BlockView, customer_merge::CustomerMergeView, session::SessionView};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::sight;
use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId, PathIds, Query},
    guard::Guard,
    page::{Page, PageQuery},
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    let converse = Guard::needs(Permission::Converse);
    let supervise = Guard::needs(Permission::Supervise);
    OpenApiRouter::new()
        .routes(converse.routes(routes!(block)))
        .routes(supervise.routes(routes!(list_blocks)))
        .routes(supervise.routes(routes!(unblock)))
        .routes(converse.routes(routes!(list_merges)))
        .routes(converse.routes(routes!(merge)))
        .routes(converse.routes(routes!(part)))
}

/// Why the customer is blocked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BlockInput {
    reason: String,
}

/// Blocks the session's customer, at WhatsApp too, and ends the session.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/block", operation_id = "block_customer", tag = "inbox",
    params(("id" = SessionId, Path)), responses((status = 200, body = SessionView)))]
async fn block(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
    Json(input): Json<BlockInput>,
) -> Result<Json<SessionView>, Problem> {
    sight::readable(&state, &caller, id).await?;
    let blocked =
        blocks::block(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id, &input.reason).await?;
    Ok(Json(blocked))
}

/// Blocked customers.
#[utoipa::path(get, path = "/api/v1/customer-blocks", operation_id = "list_customer_blocks", tag = "inbox",
    params(PageQuery), responses((status = 200, body = Page<BlockView>)))]
async fn list_blocks(
    State(state): State<AppState>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<BlockView>>, Problem> {
    let limit = page.limit();
    let found = blocks::list(&state.store, caller.workspace_id, page.cursor, limit).await?;
    Ok(Json(Page { data: found.data, next_cursor: found.next_cursor }))
}

/// Takes a block back, at WhatsApp too.
#[utoipa::path(delete, path = "/api/v1/customer-blocks/{id}", operation_id = "unblock_customer", tag = "inbox",
    params(("id" = MessagingUserId, Path)), responses((status = 204)))]
async fn unblock(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<MessagingUserId>,
) -> Result<StatusCode, Problem> {
    blocks::unblock(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Customers that were merged into the session's, the latest first.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/customer-merges", operation_id = "list_customer_merges", tag = "inbox",
    params(("id" = SessionId, Path)), responses((status = 200, body = Page<CustomerMergeView>)))]
async fn list_merges(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
) -> Result<Json<Page<CustomerMergeView>>, Problem> {
    sight::readable(&state, &caller, id).await?;
    let data = customers::merges(&state.store, caller.workspace_id, id).await?;
    Ok(Json(Page { data, next_cursor: None }))
}

/// The customer that is the same person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CustomerMergeInput {
    messaging_user_id: MessagingUserId,
}

/// Makes another customer of the same channel part of the session's. Can be taken back.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/customer-merges", operation_id = "merge_customers", tag = "inbox",
    params(("id" = SessionId, Path)), responses((status = 200, body = SessionView)))]
async fn merge(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
    Json(input): Json<CustomerMergeInput>,
) -> Result<Json<SessionView>, Problem> {
    sight::readable(&state, &caller, id).await?;
    let other = input.messaging_user_id;
    Ok(Json(customers::merge(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id, other).await?))
}

/// Parts two customers again: what the other one had is its own; what came since stays.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/customer-merges/{merge_id}/undo", operation_id = "part_customers",
    tag = "inbox", params(("id" = SessionId, Path), ("merge_id" = CustomerMergeId, Path)),
    responses((status = 200, body = SessionView)))]
async fn part(
    State(state): State<AppState>,
    caller: Caller,
    PathIds((id, merge_id)): PathIds<SessionId, CustomerMergeId>,
) -> Result<Json<SessionView>, Problem> {
    sight::readable(&state, &caller, id).await?;
    Ok(Json(customers::part(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id, merge_id).await?))
}
