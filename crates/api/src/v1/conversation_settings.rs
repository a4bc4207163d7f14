//! What a WhatsApp channel does in conversations by itself: hours, automatic messages, silence, opt-in.

use axum::extract::State;
use segue_access::Permission;
use segue_model::{ChannelId, conversation::ConversationSettings};
use segue_store::{StoreError, channel::ChannelKind};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId},
    guard::Guard,
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ReadSetup).routes(routes!(get)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(put)))
}

/// What the channel does by itself.
#[utoipa::path(get, path = "/api/v1/channels/{id}/conversation-settings", operation_id = "get_conversation_settings",
    tag = "setup", params(("id" = ChannelId, Path)), responses((status = 200, body = ConversationSettings)))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
) -> Result<Json<ConversationSettings>, Problem> {
    let workspace_id = caller.workspace_id;
    let channel = state.store.read::<_, StoreError, _>(move |tx| tx.channel(workspace_id, id)).await?;
    let channel = channel.filter(|channel| channel.config.kind() == ChannelKind::WhatsApp);
    Ok(Json(channel.ok_or_else(|| Problem::not_found("WhatsApp channel"))?.conversation.into_inner()))
}

/// Sets all of it. It counts from the next message on.
#[utoipa::path(put, path = "/api/v1/channels/{id}/conversation-settings", operation_id = "put_conversation_settings",
    tag = "setup", params(("id" = ChannelId, Path)), responses((status = 200, body = ConversationSettings)))]
async fn put(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
    Json(settings): Json<ConversationSettings>,
) -> Result<Json<ConversationSettings>, Problem> {
    if let Some((field, words)) = settings.fault() {
        return Err(Problem::invalid(field, words));
    }
    let (workspace_id, stored) = (caller.workspace_id, settings.clone());
    state
        .store
        .write::<_, Problem, _>(move |tx| {
            let channel = tx.channel(workspace_id, id)?;
            if channel.is_none_or(|channel| channel.config.kind() != ChannelKind::WhatsApp) {
                return Err(Problem::not_found("WhatsApp channel"));
            }
            tx.set_conversation_settings(workspace_id, id, &stored)?;
            Ok(())
        })
        .await?;
    Ok(Json(settings))
}
