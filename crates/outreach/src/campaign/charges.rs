//! What the platform says the messages of a campaign were charged as, each priced by the list of its day.

use std::collections::BTreeMap;

use segue_model::{
    CampaignId, PhoneNumber, WorkspaceId,
    charge::Cost,
    rate_card::{OTHER, RateCard, RateCategory, market_of},
};
use segue_store::Store;
use serde::Serialize;

use super::{
    found,
    template_preflight::{MarketCost, card_of, minor, zone},
};
use crate::OutreachError;

/// Messages read at once.
const PAGE: u32 = 5_000;

/// What a campaign by template was charged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CampaignCharges {
    /// ISO 4217.
    pub currency: String,
    /// In minor units: the sum of the markets.
    pub total: i64,
    /// Messages that the platform has told a charge of.
    pub messages: i64,
    /// By price list, market and category, the dearest first.
    pub markets: Vec<MarketCost>,
    /// Those whose market or category has no price.
    pub unpriced: i64,
    /// The price lists of the days on which something was charged.
    pub price_list: String,
}

/// Adds up what the platform told of a campaign's messages.
///
/// # Errors
/// When there is no such campaign, or the price lists of its days are in different currencies.
pub async fn charges(
    store: &Store,
    workspace_id: WorkspaceId,
    id: CampaignId,
) -> Result<CampaignCharges, OutreachError> {
    let (campaign, cards, zone) = store
        .read(move |tx| {
            let zone = zone(tx, workspace_id)?;
            Ok::<_, OutreachError>((found(tx, workspace_id, id)?, tx.rate_cards(workspace_id)?, zone))
        })
        .await?;
    let mut used: Vec<&RateCard> = Vec::new();
    let mut counts: BTreeMap<(&str, &'static str, String), MarketCost> = BTreeMap::new();
    let (mut after, mut messages, mut unpriced) = (0, 0, 0);
    loop {
        let page =
            store.read::<_, OutreachError, _>(move |tx| Ok(tx.charged_of_campaign(workspace_id, id, after, PAGE)?));
        let page = page.await?;
        let Some(last) = page.last() else { break };
        after = last.position;
        for message in page {
            let country = PhoneNumber::parse(&message.address, None).ok().and_then(|phone| phone.country());
            let market = country.as_deref().map_or(OTHER, market_of);
            let category = message.category.unwrap_or_default();
            let card = card_of(&cards, message.at, &zone);
            if !used.iter().any(|known| std::ptr::eq(*known, card)) {
                used.push(card);
            }
            let known = RateCategory::parse(category.trim_end_matches("_lite")).ok();
            let price = known.and_then(|known| card.price(market, known));
            let row =
                counts.entry((card.valid_from.as_str(), market, category.clone())).or_insert_with(|| MarketCost {
                    market: market.to_owned(),
                    category,
                    messages: 0,
                    free: 0,
                    price_thousandths: price,
                    thousandths: 0,
                    total: 0,
                });
            messages += 1;
            row.messages += 1;
            match (message.cost, price) {
                (Cost::Free, _) => row.free += 1,
                (_, Some(price)) => row.thousandths += price,
                (_, None) => unpriced += 1,
            }
        }
    }
    if used.is_empty() {
        used.push(card_of(&cards, campaign.started_at.unwrap_or(campaign.created_at), &zone));
    }
    used.sort_by(|one, other| one.valid_from.cmp(&other.valid_from));
    let currency = used[0].currency.clone();
    if let Some(other) = used.iter().find(|card| card.currency != currency) {
        return Err(OutreachError::CurrenciesDiffer(currency, other.currency.clone()));
    }
    let lists: Vec<String> = used.iter().map(|card| format!("{}, from {}", card.name, card.valid_from)).collect();
    let mut markets: Vec<MarketCost> = counts.into_values().collect();
    markets.sort_by_key(|market| (-market.thousandths, -market.messages));
    for market in &mut markets {
        market.total = minor(market.thousandths);
    }
    Ok(CampaignCharges {
        currency,
        total: markets.iter().map(|market| market.total).sum(),
        messages,
        markets,
        unpriced,
        price_list: lists.join("; "),
    })
}
