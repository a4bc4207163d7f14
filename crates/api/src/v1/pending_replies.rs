//! Replies that wait until the customer answers, and conversations that an agent begins.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_desk::{initiate, messages::NewReply, pending};
use segue_model::{ChannelId, ContactId, PendingReplyId, SessionId};
use segue_store::{message::MessageView, pending_reply::PendingReplyView, session::SessionView};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::sight;
use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId},
    guard::Guard,
    page::Page,
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    let converse = Guard::needs(Permission::Converse);
    OpenApiRouter::new()
        .routes(converse.routes(routes!(list, keep)))
        .routes(converse.routes(routes!(change, discard)))
        .routes(converse.routes(routes!(send)))
        .routes(converse.routes(routes!(start)))
}

/// The replies that wait in a session, in the order in which they will be sent.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/pending-replies", operation_id = "list_pending_replies", tag = "inbox",
    params(("id" = SessionId, Path)), responses((status = 200, body = Page<PendingReplyView>)))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
) -> Result<Json<Page<PendingReplyView>>, Problem> {
    sight::readable(&state, &caller, id).await?;
    Ok(Json(Page::whole(pending::list(&state.store, caller.workspace_id, id).await?)))
}

/// Keeps a reply until the customer answers; it is then sent by itself. 409 `window_open` when it can be sent at once. The
/// same `client_id` keeps it once.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/pending-replies", operation_id = "keep_pending_reply", tag = "inbox",
    params(("id" = SessionId, Path)), responses((status = 201, body = PendingReplyView)))]
async fn keep(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
    Json(reply): Json<NewReply>,
) -> Result<(StatusCode, Json<PendingReplyView>), Problem> {
    sight::files_sendable(&state, &caller, reply.draft.files()).await?;
    let kept = pending::keep(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id, reply).await?;
    Ok((StatusCode::CREATED, Json(kept)))
}

#[derive(Deserialize, ToSchema)]
struct PendingReplyChange {
    text: String,
    /// The version that was read; 409 `pending_changed` when there is a newer one.
    version: i64,
}

/// Changes what a waiting reply says.
#[utoipa::path(patch, path = "/api/v1/pending-replies/{id}", operation_id = "change_pending_reply", tag = "inbox",
    params(("id" = PendingReplyId, Path)), responses((status = 200, body = PendingReplyView)))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<PendingReplyId>,
    Json(input): Json<PendingReplyChange>,
) -> Result<Json<PendingReplyView>, Problem> {
    let change = (input.version, input.text);
    Ok(Json(pending::edit(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id, change).await?))
}

/// Discards a waiting reply.
#[utoipa::path(delete, path = "/api/v1/pending-replies/{id}", operation_id = "discard_pending_reply", tag = "inbox",
    params(("id" = PendingReplyId, Path)), responses((status = 204)))]
async fn discard(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<PendingReplyId>,
) -> Result<StatusCode, Problem> {
    pending::discard(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a waiting reply now, when the service window is open again.
#[utoipa::path(post, path = "/api/v1/pending-replies/{id}/send", operation_id = "send_pending_reply", tag = "inbox",
    params(("id" = PendingReplyId, Path)), responses((status = 201, body = MessageView)))]
async fn send(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<PendingReplyId>,
) -> Result<(StatusCode, Json<MessageView>), Problem> {
    let sent = pending::send_now(&state.store, &state.ctx, caller.workspace_id, &caller.actor, id).await?;
    Ok((StatusCode::CREATED, Json(sent)))
}

#[derive(Deserialize, ToSchema)]
struct ConversationInput {
    /// The WhatsApp number to write from.
    channel_id: ChannelId,
    /// The first message: a template, unless the customer wrote within the last 24 hours.
    reply: NewReply,
}

/// Begins a conversation with a contact, or goes on in the one the caller has with them, and sends the first message. 409
/// `conversation_open` when somebody else talks with the customer, and `customer_blocked` when nobody may.
#[utoipa::path(post, path = "/api/v1/contacts/{id}/conversations", operation_id = "start_conversation", tag = "inbox",
    params(("id" = ContactId, Path)), responses((status = 201, body = SessionView)))]
async fn start(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ContactId>,
    Json(input): Json<ConversationInput>,
) -> Result<(StatusCode, Json<SessionView>), Problem> {
    caller.person()?;
    sight::files_sendable(&state, &caller, input.reply.draft.files()).await?;
    let whom = (id, input.channel_id);
    let begun =
        initiate::start(&state.store, &state.ctx, caller.workspace_id, &caller.actor, whom, input.reply).await?;
    Ok((StatusCode::CREATED, Json(begun)))
}
