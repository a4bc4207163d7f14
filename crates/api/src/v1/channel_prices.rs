//! What segments cost on an account, version by version.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_model::{ChannelId, Timestamp, consent::Medium};
use segue_store::{StoreError, route::ChannelPrices, workspace::SegmentPrice};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::campaigns::check_prices;
use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId},
    guard::Guard,
    page::Page,
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ReadSetup).routes(routes!(list)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(add)))
}

/// The versions of an account's prices, the latest first; the first whose time has come counts.
#[utoipa::path(get, path = "/api/v1/channels/{id}/prices", operation_id = "list_channel_prices", tag = "setup",
    params(("id" = ChannelId, Path)), responses((status = 200, body = Page<ChannelPrices>)))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
) -> Result<Json<Page<ChannelPrices>>, Problem> {
    let workspace_id = caller.workspace_id;
    let found = state.store.read::<_, StoreError, _>(move |tx| {
        Ok(match tx.channel(workspace_id, id)? {
            Some(_) => Some(tx.channel_prices(workspace_id, id)?),
            None => None,
        })
    });
    Ok(Json(Page::whole(found.await?.ok_or_else(|| Problem::not_found("channel"))?)))
}

#[derive(Deserialize, ToSchema)]
struct NewChannelPrices {
    /// Now when not given; not in the past, for what was decided by then stays explained.
    valid_from: Option<Timestamp>,
    prices: Vec<SegmentPrice>,
    /// Price of a thousand segments to any other country, in minor units; unknown when it is not given.
    other_price: Option<i64>,
}

/// Adds a version of an account's prices, in the workspace's currency. Earlier versions stay as they are.
#[utoipa::path(post, path = "/api/v1/channels/{id}/prices", operation_id = "add_channel_prices", tag = "setup",
    params(("id" = ChannelId, Path)), responses((status = 201, body = ChannelPrices)))]
async fn add(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
    Json(mut input): Json<NewChannelPrices>,
) -> Result<(StatusCode, Json<ChannelPrices>), Problem> {
    check_prices(&mut input.prices, input.other_price)?;
    let (workspace_id, ctx, actor) = (caller.workspace_id, state.ctx.clone(), caller.actor.reference());
    let now = ctx.now();
    let valid_from = input.valid_from.unwrap_or(now);
    if valid_from < now {
        return Err(Problem::invalid("valid_from", "Prices count from now on or later."));
    }
    let added = state.store.write::<_, Problem, _>(move |tx| {
        let channel = tx.channel(workspace_id, id)?.ok_or_else(|| Problem::not_found("channel"))?;
        if channel.config.kind().medium() != Medium::Sms {
            return Err(Problem::invalid("id", "Choose an SMS channel; WhatsApp has price lists of its own."));
        }
        let workspace = tx.workspace(workspace_id)?.ok_or_else(|| Problem::not_found("workspace"))?;
        let prices = ChannelPrices {
            id: ctx.uuid(),
            valid_from,
            currency: workspace.settings.into_inner().campaigns.currency,
            prices: input.prices.clone(),
            other_price: input.other_price,
            actor: actor.clone(),
            created_at: now,
        };
        tx.add_channel_prices(workspace_id, id, &prices)?;
        Ok(prices)
    });
    Ok((StatusCode::CREATED, Json(added.await?)))
}
