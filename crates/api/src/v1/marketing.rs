//! WhatsApp marketing: what the platform allows a number, what is stopped for its quality, and what it costs.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_model::{
    ChannelId, Timestamp,
    rate_card::{self, RateCard},
};
use segue_store::{StoreError, campaign_hold::MarketingBrake, channel::ChannelConfig};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId},
    guard::Guard,
    page::Page,
    problem::Problem,
};

/// Longest price list, in characters.
const LONGEST_CSV: usize = 200_000;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ReadCampaigns).routes(routes!(limits)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(resume)))
        .routes(Guard::needs(Permission::ReadCampaigns).routes(routes!(list_cards)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(import_card)))
}

/// What WhatsApp allows a number, and what is stopped.
#[derive(Serialize, ToSchema)]
struct NumberLimits {
    /// Customers who may be written to first in 24 hours; null when there is no limit.
    most: Option<u32>,
    /// When WhatsApp told it; null when it never did.
    told_at: Option<Timestamp>,
    /// Customers who were, in the last 24 hours, by all numbers of the account.
    used: u32,
    /// Marketing that is stopped because of its quality.
    brakes: Vec<MarketingBrake>,
}

/// How many customers a number may write to first, how many it has, and what of its marketing is stopped.
#[utoipa::path(get, path = "/api/v1/channels/{id}/limits", operation_id = "get_channel_limits", tag = "campaigns",
    params(("id" = ChannelId, Path)), responses((status = 200, body = NumberLimits)))]
async fn limits(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
) -> Result<Json<NumberLimits>, Problem> {
    let (workspace_id, now) = (caller.workspace_id, state.ctx.now());
    let found = state.store.read::<_, Problem, _>(move |tx| {
        let channel = tx.channel(workspace_id, id)?.ok_or_else(|| Problem::not_found("channel"))?;
        let ChannelConfig::WhatsApp(config) = &channel.config else {
            return Err(Problem::invalid("id", "This is no WhatsApp number; only those have such limits."));
        };
        let limit = tx.messaging_limit_now(workspace_id, config.portfolio(), now)?;
        let brakes = tx.brakes(workspace_id, id)?;
        Ok(NumberLimits { most: limit.most, told_at: limit.told_at, used: limit.used, brakes })
    });
    Ok(Json(found.await?))
}

/// Which marketing to let go on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Resume {
    /// Name of the template; empty for the whole number.
    #[serde(default)]
    template: String,
}

/// Lets marketing go on that was stopped because of its quality.
#[utoipa::path(post, path = "/api/v1/channels/{id}/resume-marketing", operation_id = "resume_marketing", tag = "campaigns",
    params(("id" = ChannelId, Path)), request_body = Resume, responses((status = 204)))]
async fn resume(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
    Json(asked): Json<Resume>,
) -> Result<StatusCode, Problem> {
    let (workspace_id, now) = (caller.workspace_id, state.ctx.now());
    let released = state.store.write::<_, StoreError, _>(move |tx| {
        let known = tx.channel(workspace_id, id)?.is_some();
        Ok((known, known && tx.release_brake(workspace_id, id, &asked.template, now)?))
    });
    match released.await? {
        (false, _) => Err(Problem::not_found("channel")),
        (true, false) => Err(Problem::invalid("template", "This marketing is not stopped.")),
        (true, true) => Ok(StatusCode::NO_CONTENT),
    }
}

/// The price lists, the latest first day first; the last one is made up and used where none of your own is valid.
#[utoipa::path(get, path = "/api/v1/rate-cards", operation_id = "list_rate_cards", tag = "campaigns",
    responses((status = 200, body = Page<RateCard>)))]
async fn list_cards(State(state): State<AppState>, caller: Caller) -> Result<Json<Page<RateCard>>, Problem> {
    let workspace_id = caller.workspace_id;
    let mut cards = state.store.read::<_, StoreError, _>(move |tx| tx.rate_cards(workspace_id)).await?;
    cards.push(rate_card::demonstration().clone());
    Ok(Json(Page::whole(cards)))
}

/// A price list to take in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRateCard {
    name: String,
    /// The first day it is valid, `2026-10-01`.
    valid_from: String,
    /// ISO 4217.
    currency: String,
    /// A table with the columns market, category and price; the price is that of one message, such as 0.0250.
    csv: String,
}

/// Takes a price list in, in place of one of the same day and currency.
#[utoipa::path(post, path = "/api/v1/rate-cards", operation_id = "import_rate_card", tag = "campaigns",
    responses((status = 201, body = RateCard)))]
async fn import_card(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<NewRateCard>,
) -> Result<(StatusCode, Json<RateCard>), Problem> {
    let currency = input.currency.trim().to_ascii_uppercase();
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(Problem::invalid("currency", "Give the currency's three letters, such as USD or EUR."));
    }
    if input.name.trim().is_empty() || input.name.chars().count() > 200 {
        return Err(Problem::invalid("name", "Give the price list a name."));
    }
    if input.csv.len() > LONGEST_CSV {
        return Err(Problem::invalid("csv", "The table is too long for a price list."));
    }
    let card = RateCard::read_csv(input.name.trim(), input.valid_from.trim(), &currency, &input.csv);
    let card = card.map_err(|problem| Problem::invalid("csv", problem.to_string()))?;
    let (workspace_id, now, actor, stored) =
        (caller.workspace_id, state.ctx.now(), caller.actor.reference(), card.clone());
    let put = state.store.write::<_, StoreError, _>(move |tx| tx.put_rate_card(workspace_id, &stored, (&actor, now)));
    put.await?;
    Ok((StatusCode::CREATED, Json(card)))
}
