//! Finding what was written, and what became of one message.

use axum::extract::State;
use segue_access::Permission;
use segue_desk::{
    flight::{self, Flight},
    search::{self, Request, SearchHit},
    sessions::{self, EarlierPart},
};
use segue_model::{ChannelId, ContactId, MessageId, MessagingUserId, SessionId, Timestamp, UserId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::sight;
use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId, PathIds, Query},
    guard::Guard,
    page::{DEFAULT_LIMIT, MAX_LIMIT, Page, PageQuery},
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    let converse = Guard::needs(Permission::Converse);
    OpenApiRouter::new()
        .routes(converse.routes(routes!(find)))
        .routes(converse.routes(routes!(trace)))
        .routes(converse.routes(routes!(earlier)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SearchParams {
    /// Words; all of them have to stand in the message. The last one may be unfinished.
    q: Option<String>,
    /// Only what was written with this contact.
    contact_id: Option<ContactId>,
    /// Only what was written with this customer.
    messaging_user_id: Option<MessagingUserId>,
    channel_id: Option<ChannelId>,
    /// Only conversations of this agent.
    agent_id: Option<UserId>,
    /// Not before.
    from: Option<Timestamp>,
    /// Before.
    until: Option<Timestamp>,
}

/// Messages with the words, the latest first, among what the caller may read. A page can be empty and still have a
/// cursor: the search goes on there.
#[utoipa::path(get, path = "/api/v1/message-search", operation_id = "search_messages", tag = "inbox",
    params(SearchParams, PageQuery), responses((status = 200, body = Page<SearchHit>)))]
async fn find(
    State(state): State<AppState>,
    caller: Caller,
    Query(params): Query<SearchParams>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<SearchHit>>, Problem> {
    let request = Request {
        text: params.q.unwrap_or_default(),
        contact_id: params.contact_id,
        messaging_user_id: params.messaging_user_id,
        channel_id: params.channel_id,
        agent_id: params.agent_id,
        from: params.from,
        until: params.until,
        limit: page.limit(),
        cursor: page.cursor,
    };
    let found = search::messages(&state.store, caller.workspace_id, &caller.actor, request).await?;
    Ok(Json(Page { data: found.data, next_cursor: found.next_cursor }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Before {
    /// `next_cursor` of the page before; without it the end of the session before comes.
    before: Option<String>,
    /// Entries per page, 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// What the same customer and the business wrote before this session: session by session, the latest first.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/earlier", operation_id = "list_earlier_messages", tag = "inbox",
    params(("id" = SessionId, Path), Before), responses((status = 200, body = EarlierPart)))]
async fn earlier(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
    Query(Before { before, limit }): Query<Before>,
) -> Result<Json<EarlierPart>, Problem> {
    sight::readable(&state, &caller, id).await?;
    let limit = limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let part = sessions::earlier(&state.store, caller.workspace_id, id, before, limit).await?;
    if let Some(session) = &part.session {
        sight::readable(&state, &caller, session.id).await?;
    }
    Ok(Json(part))
}

/// Every hop of a message with its time.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/messages/{message_id}/flight", operation_id = "get_message_flight",
    tag = "inbox", params(("id" = SessionId, Path), ("message_id" = MessageId, Path)),
    responses((status = 200, body = Flight)))]
async fn trace(
    State(state): State<AppState>,
    caller: Caller,
    PathIds((id, message_id)): PathIds<SessionId, MessageId>,
) -> Result<Json<Flight>, Problem> {
    sight::readable(&state, &caller, id).await?;
    Ok(Json(flight::get(&state.store, caller.workspace_id, id, message_id).await?))
}
