//! Messaging Sessions: lists, one of them, and moving them on.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_desk::{
    closing::{self, CaseFate, EndSession},
    routing::{self, Target},
    sessions::{self, ListSessions},
    shown,
};
use segue_model::{QueueId, SessionId, UserId};
use segue_store::session::{SessionFilter, SessionOrder, SessionOutcome, SessionView};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::sight;
use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId, Query},
    guard::Guard,
    page::{Page, PageQuery},
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    let converse = Guard::needs(Permission::Converse);
    OpenApiRouter::new()
        .routes(converse.routes(routes!(list)))
        .routes(converse.routes(routes!(get)))
        .routes(converse.routes(routes!(mark_read)))
        .routes(converse.routes(routes!(typing)))
        .routes(converse.routes(routes!(end)))
        .routes(Guard::needs(Permission::Supervise).routes(routes!(take_over)))
        .routes(converse.routes(routes!(transfer)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SessionListQuery {
    /// `open` when not given.
    view: Option<SessionFilter>,
    /// Part of the customer's name, phone number or user name.
    search: Option<String>,
    /// `closing` gives open sessions whose service window is open, the next one to close first; `view` then tells apart
    /// `mine` and any other only.
    order: Option<SessionOrder>,
    /// With `order=closing`: only windows that close within so many minutes.
    #[param(minimum = 1)]
    closing_within: Option<u32>,
}

/// Sessions, latest entry first or by the end of their service window. Supervisors and admins get all. Agents get the ones
/// that they may read: `open` and `all` their own and those that wait in their queues, `waiting` those that wait there,
/// `mine` and `ended` their own; by `order=closing` their own. A key with the role of an agent belongs to nobody and
/// gets none.
#[utoipa::path(get, path = "/api/v1/sessions", operation_id = "list_sessions", tag = "inbox",
    params(SessionListQuery, PageQuery), responses((status = 200, body = Page<SessionView>)))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<SessionListQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<SessionView>>, Problem> {
    let request = ListSessions {
        view: query.view.unwrap_or(SessionFilter::Open),
        order: query.order.unwrap_or(SessionOrder::Latest),
        closing_within: query.closing_within,
        search: query.search.filter(|text| !text.trim().is_empty()),
        limit: page.limit(),
        cursor: page.cursor,
    };
    let found = sessions::list(&state.store, caller.workspace_id, &caller.actor, state.ctx.now(), request).await?;
    Ok(Json(Page { data: found.data, next_cursor: found.next_cursor }))
}

/// One session.
#[utoipa::path(get, path = "/api/v1/sessions/{id}", operation_id = "get_session", tag = "inbox",
    params(("id" = SessionId, Path)), responses((status = 200, body = SessionView)))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
) -> Result<Json<SessionView>, Problem> {
    Ok(Json(sight::readable(&state, &caller, id).await?))
}

/// The agent has read it, which the customer is shown. Reading somebody else's session leaves its mark alone.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/read", operation_id = "read_session", tag = "inbox",
    params(("id" = SessionId, Path)), responses((status = 200, body = SessionView)))]
async fn mark_read(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
) -> Result<Json<SessionView>, Problem> {
    sight::readable(&state, &caller, id).await?;
    Ok(Json(sessions::read(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id).await?))
}

/// The session's agent writes an answer: the customer sees that for 25 seconds or until it comes, and that they were
/// read. Ask again while writing goes on; what comes within 20 seconds changes nothing, nor does it outside of the
/// service window.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/typing", operation_id = "type_in_session", tag = "inbox",
    params(("id" = SessionId, Path)), responses((status = 204)))]
async fn typing(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
) -> Result<StatusCode, Problem> {
    sight::readable(&state, &caller, id).await?;
    shown::typing(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
struct EndInput {
    /// Whether the session's open case is closed with it.
    close_case: bool,
    outcome: Option<SessionOutcome>,
    reason: Option<String>,
}

/// Ends the session, and its case when asked. Ending it again changes nothing.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/end", operation_id = "end_session", tag = "inbox",
    params(("id" = SessionId, Path)), responses((status = 200, body = SessionView)))]
async fn end(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
    Json(input): Json<EndInput>,
) -> Result<Json<SessionView>, Problem> {
    let request = EndSession {
        case: if input.close_case { CaseFate::Close } else { CaseFate::KeepOpen },
        outcome: input.outcome.unwrap_or(SessionOutcome::None),
        reason: input.reason,
    };
    Ok(Json(closing::end(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id, request).await?))
}

/// A supervisor takes the session, from the bot, the queue or another agent.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/take-over", operation_id = "take_over_session", tag = "inbox",
    params(("id" = SessionId, Path)), responses((status = 200, body = SessionView)))]
async fn take_over(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
) -> Result<Json<SessionView>, Problem> {
    caller.person()?;
    Ok(Json(routing::take_over(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id).await?))
}

/// Where to; give one of the two.
#[derive(Deserialize, ToSchema)]
struct TransferInput {
    queue_id: Option<QueueId>,
    user_id: Option<UserId>,
}

/// Moves the session to a queue or straight to a colleague.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/transfer", operation_id = "transfer_session", tag = "inbox",
    params(("id" = SessionId, Path)), responses((status = 200, body = SessionView)))]
async fn transfer(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
    Json(input): Json<TransferInput>,
) -> Result<Json<SessionView>, Problem> {
    let target = match (input.queue_id, input.user_id) {
        (Some(queue_id), None) => Target::Queue(queue_id),
        (None, Some(user_id)) => Target::User(user_id),
        _ => return Err(Problem::invalid("queue_id", "Choose either a queue or a colleague.")),
    };
    Ok(Json(routing::transfer(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id, target).await?))
}
