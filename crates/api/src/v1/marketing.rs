//! WhatsApp marketing: what the platform allows a number, what is stopped for its quality, and what it costs.

use axum::extract::{Path, State};
use http::StatusCode;
use segue_access::Permission;
use segue_model::{
    ChannelId, Timestamp, market,
    rate_card::{self, RateCard, RateChange},
    rate_table::{RateCardProblem, TableName},
};
use segue_outreach::campaign::volumes::{self, MonthVolumes};
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
        .routes(Guard::needs(Permission::ManageSetup).unrecorded().routes(routes!(check_card)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(remove_card)))
        .routes(Guard::needs(Permission::ReadCampaigns).routes(routes!(list_volumes)))
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
    /// A table with the columns market, category and price, or market and a column for each category, as WhatsApp
    /// publishes it; the price is that of one message, such as 0.0250. With the columns from and to its lines can be tiers
    /// by the volume of the month.
    csv: String,
    /// The tiers, where they are a table of their own: market, category, from, to and price.
    #[serde(default)]
    tiers_csv: Option<String>,
}

impl NewRateCard {
    /// What is wrong with the fields around the table; else the currency in capitals.
    fn checked(&self) -> Result<String, Problem> {
        let currency = self.currency.trim().to_ascii_uppercase();
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(Problem::invalid("currency", "Give the currency's three letters, such as USD or EUR."));
        }
        if self.name.trim().is_empty() || self.name.chars().count() > 200 {
            return Err(Problem::invalid("name", "Give the price list a name."));
        }
        if self.csv.len() > LONGEST_CSV {
            return Err(Problem::invalid("csv", "The table is too long for a price list."));
        }
        if self.tiers_csv.as_ref().is_some_and(|tiers| tiers.len() > LONGEST_CSV) {
            return Err(Problem::invalid("tiers_csv", "The table of tiers is too long."));
        }
        Ok(currency)
    }
}

/// Takes a price list in, in place of one of the same day and currency.
#[utoipa::path(post, path = "/api/v1/rate-cards", operation_id = "import_rate_card", tag = "campaigns",
    responses((status = 201, body = RateCard)))]
async fn import_card(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<NewRateCard>,
) -> Result<(StatusCode, Json<RateCard>), Problem> {
    let currency = input.checked()?;
    let tables = (input.csv.as_str(), input.tiers_csv.as_deref());
    let card = RateCard::read_tables(input.name.trim(), input.valid_from.trim(), &currency, tables);
    let card = card.map_err(|problem| {
        let field = match problem {
            RateCardProblem::TierColumns | RateCardProblem::Line { table: TableName::Tiers, .. } => "tiers_csv",
            _ => "csv",
        };
        Problem::invalid(field, problem.to_string())
    })?;
    let (workspace_id, now, actor, stored) =
        (caller.workspace_id, state.ctx.now(), caller.actor.reference(), card.clone());
    let put = state.store.write::<_, StoreError, _>(move |tx| tx.put_rate_card(workspace_id, &stored, (&actor, now)));
    put.await?;
    Ok((StatusCode::CREATED, Json(card)))
}

/// Something that is wrong with a table.
#[derive(Serialize, ToSchema)]
struct TableProblem {
    /// Which of the two tables; null when it is about neither.
    table: Option<TableName>,
    /// From 1; null when it is not about a line.
    line: Option<usize>,
    message: String,
}

/// What taking a price list in would do.
#[derive(Serialize, ToSchema)]
struct RateCardCheck {
    /// The price list as it was read; null while something is wrong with it.
    card: Option<RateCard>,
    /// The first twenty.
    problems: Vec<TableProblem>,
    /// Whether a list of the same day and currency is replaced.
    replaces: bool,
    /// The list it is compared with: the one that is valid on its first day as things are.
    compared_with: Option<String>,
    /// Prices that are otherwise in it.
    changes: Vec<RateChange>,
    /// Markets that it has no price for marketing of.
    unpriced: Vec<String>,
    /// The day of the newest change in the list of markets that it was checked against.
    markets_as_of: String,
}

/// Looks at a price list without taking it in: what is wrong with it, and what it would change.
#[utoipa::path(post, path = "/api/v1/rate-card-checks", operation_id = "check_rate_card", tag = "campaigns",
    request_body = NewRateCard, responses((status = 200, body = RateCardCheck)))]
async fn check_card(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<NewRateCard>,
) -> Result<Json<RateCardCheck>, Problem> {
    let currency = input.checked()?;
    let tables = (input.csv.as_str(), input.tiers_csv.as_deref());
    let (card, problems) = RateCard::check_tables(input.name.trim(), input.valid_from.trim(), &currency, tables);
    let workspace_id = caller.workspace_id;
    let known = state.store.read::<_, StoreError, _>(move |tx| tx.rate_cards(workspace_id)).await?;
    let replaces = known.iter().any(|other| other.valid_from == card.valid_from && other.currency == card.currency);
    // Days are written so that their order is that of their texts.
    let before = known.iter().filter(|other| other.valid_from <= card.valid_from).max_by_key(|c| c.valid_from.clone());
    let is_right = problems.is_empty();
    let problems = problems
        .into_iter()
        .map(|problem| match problem {
            RateCardProblem::Line { table, line, what } => {
                TableProblem { table: Some(table), line: Some(line), message: what }
            }
            RateCardProblem::TierColumns => {
                TableProblem { table: Some(TableName::Tiers), line: None, message: problem.to_string() }
            }
            other => TableProblem { table: None, line: None, message: other.to_string() },
        })
        .collect();
    Ok(Json(RateCardCheck {
        problems,
        replaces,
        compared_with: before.map(|before| format!("{}, from {}", before.name, before.valid_from)),
        changes: before.filter(|_| is_right).map(|before| rate_card::changes(before, &card)).unwrap_or_default(),
        unpriced: rate_card::unpriced(&card).into_iter().map(str::to_owned).collect(),
        markets_as_of: market::as_of().to_string(),
        card: is_right.then_some(card),
    }))
}

/// How many messages of the month WhatsApp charged so far, by account, market and category, and how far each is from the
/// next tier of its price.
#[utoipa::path(get, path = "/api/v1/volume-tiers", operation_id = "list_volume_tiers", tag = "campaigns",
    responses((status = 200, body = MonthVolumes)))]
async fn list_volumes(State(state): State<AppState>, caller: Caller) -> Result<Json<MonthVolumes>, Problem> {
    Ok(Json(volumes::volumes(&state.store, caller.workspace_id, state.ctx.now()).await?))
}

/// Removes a price list that was taken in.
#[utoipa::path(delete, path = "/api/v1/rate-cards/{valid_from}/{currency}", operation_id = "delete_rate_card",
    tag = "campaigns", params(("valid_from" = String, Path, description = "Its first day, `2026-10-01`."),
    ("currency" = String, Path)), responses((status = 204)))]
async fn remove_card(
    State(state): State<AppState>,
    caller: Caller,
    Path((valid_from, currency)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let workspace_id = caller.workspace_id;
    let removed = state.store.write::<_, StoreError, _>(move |tx| {
        tx.delete_rate_card(workspace_id, &valid_from, &currency.to_ascii_uppercase())
    });
    if removed.await? { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found("price list")) }
}
