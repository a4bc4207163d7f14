//! What is done with a channel: trying it, and taking over its templates.

use axum::extract::State;
use segue_access::Permission;
use segue_delivery::Check;
use segue_model::ChannelId;
use segue_store::{
    StoreError,
    channel::{Channel, ChannelState},
};
use serde::Serialize;
use utoipa::ToSchema;
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
        .routes(Guard::needs(Permission::ManageSetup).patient().unrecorded().routes(routes!(check)))
        .routes(Guard::needs(Permission::ManageSetup).patient().routes(routes!(sync_templates)))
}

#[derive(Serialize, ToSchema)]
struct ChannelCheck {
    ok: bool,
    /// What answered, or what is wrong and what to do.
    detail: String,
}

/// Asks the provider whether the channel's settings are right. Where a WhatsApp number is well, the channel counts as
/// connected from now on; where its messages are refused all the same, the answer says why. The business portfolio is
/// noted when WhatsApp tells it, since its accounts share one limit.
#[utoipa::path(post, path = "/api/v1/channels/{id}/check", operation_id = "check_channel", tag = "setup",
    params(("id" = ChannelId, Path)), responses((status = 200, body = ChannelCheck)))]
async fn check(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
) -> Result<Json<ChannelCheck>, Problem> {
    let channel = load(&state, &caller, id).await?;
    let found = segue_delivery::check_channel(&channel).await?;
    if found.ok && channel.state != ChannelState::Connected {
        let (ctx, found) = (state.ctx.clone(), found.clone());
        state.store.write(move |tx| segue_delivery::note_check(tx, &ctx, &channel, &found)).await?;
    }
    let Check { ok, detail, portfolio_id } = found;
    if let Some(portfolio_id) = portfolio_id {
        let workspace_id = caller.workspace_id;
        let note = move |tx: &mut segue_store::Tx<'_>| {
            tx.lock("channels", &workspace_id)?;
            tx.set_portfolio(workspace_id, id, &portfolio_id)
        };
        state.store.write::<_, StoreError, _>(note).await?;
    }
    Ok(Json(ChannelCheck { ok, detail }))
}

#[derive(Serialize, ToSchema)]
struct TemplateCount {
    /// Templates that the provider lists.
    count: usize,
}

/// Takes over the templates as the provider lists them now.
#[utoipa::path(post, path = "/api/v1/channels/{id}/sync-templates", operation_id = "sync_templates", tag = "setup",
    params(("id" = ChannelId, Path)), responses((status = 200, body = TemplateCount)))]
async fn sync_templates(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
) -> Result<Json<TemplateCount>, Problem> {
    let channel = load(&state, &caller, id).await?;
    let count = segue_delivery::sync_templates(&state.store, &state.ctx, &channel).await?;
    Ok(Json(TemplateCount { count }))
}

pub(super) async fn load(state: &AppState, caller: &Caller, id: ChannelId) -> Result<Channel, Problem> {
    let workspace_id = caller.workspace_id;
    let found = state.store.read::<_, StoreError, _>(move |tx| tx.channel(workspace_id, id)).await?;
    found.ok_or_else(|| Problem::not_found("channel"))
}
