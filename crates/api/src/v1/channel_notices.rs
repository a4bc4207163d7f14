//! What a channel's provider tells of the account, and what it charged.

use axum::extract::State;
use segue_access::Permission;
use segue_model::{ChannelId, ChannelNoticeId, Timestamp, time};
use segue_store::{StoreError, channel_notice::ChannelNoticeView, charge::ChargedMessages};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId, Query},
    guard::Guard,
    page::{Page, PageQuery},
    problem::Problem,
};

/// Days that charges are counted for when the request does not say.
const DAYS: i64 = 30;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ReadSetup).routes(routes!(notices)))
        .routes(Guard::needs(Permission::ReadSetup).routes(routes!(charges)))
}

/// What the provider told of the account, its numbers and its templates, newest first.
#[utoipa::path(get, path = "/api/v1/channels/{id}/notices", operation_id = "list_channel_notices", tag = "setup",
    params(("id" = ChannelId, Path), PageQuery), responses((status = 200, body = Page<ChannelNoticeView>)))]
async fn notices(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ChannelNoticeView>>, Problem> {
    let (workspace_id, limit, before) = (caller.workspace_id, page.limit(), page.after::<ChannelNoticeId>()?);
    let found = state.store.read::<_, StoreError, _>(move |tx| {
        let known = tx.channel(workspace_id, id)?.is_some();
        Ok((known, tx.channel_notices(workspace_id, id, before, limit + 1)?))
    });
    match found.await? {
        (false, _) => Err(Problem::not_found("channel")),
        (true, notices) => Ok(Json(Page::cut(notices, limit, |notice| notice.id.to_string()))),
    }
}

/// Which time charges are counted for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ChargeQuery {
    /// From here on; thirty days before the end when left out.
    from: Option<Timestamp>,
    /// Before this; now when left out.
    until: Option<Timestamp>,
}

/// How many messages of a channel the provider charged as what, by category. Counted by the provider's time of the status
/// that told it.
#[utoipa::path(get, path = "/api/v1/channels/{id}/charges", operation_id = "list_channel_charges", tag = "setup",
    params(("id" = ChannelId, Path), ChargeQuery), responses((status = 200, body = Page<ChargedMessages>)))]
async fn charges(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
    Query(asked): Query<ChargeQuery>,
) -> Result<Json<Page<ChargedMessages>>, Problem> {
    let workspace_id = caller.workspace_id;
    let until = asked.until.unwrap_or_else(|| state.ctx.now().plus(1));
    let from = asked.from.unwrap_or_else(|| until.plus(-DAYS * time::DAY));
    let found = state.store.read::<_, StoreError, _>(move |tx| {
        let known = tx.channel(workspace_id, id)?.is_some();
        Ok((known, tx.charged_messages(workspace_id, id, from, until)?))
    });
    match found.await? {
        (false, _) => Err(Problem::not_found("channel")),
        (true, charged) => Ok(Json(Page::whole(charged))),
    }
}
