//! What the platform says the messages of a campaign were charged as, each priced by the list of its day and by the tier that
//! it was in when it was charged.

use std::collections::BTreeMap;

use segue_model::{
    CampaignId, PhoneNumber, WorkspaceId,
    charge::Cost,
    market::{OTHER, market_of},
    rate_card::{FreeReason, RateCard, RateCategory, TierShare, day_of},
};
use segue_store::Store;
use serde::Serialize;

use super::{
    found,
    template_preflight::{MarketCost, add_free, card_of, minor, zone},
};
use crate::OutreachError;

/// Messages read at once.
const PAGE: u32 = 5_000;

/// What a campaign by template was charged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CampaignCharges {
    /// ISO 4217: the one in which most of the messages were charged.
    pub currency: String,
    /// In hundredths of the currency: the sum of the markets.
    pub total: i64,
    /// Messages that the platform has told a charge of.
    pub messages: i64,
    /// By price list, market and category, the dearest first.
    pub markets: Vec<MarketCost>,
    /// Those whose market or category has no price, or one in another currency.
    pub unpriced: i64,
    /// The price lists of the days on which something was charged, and which of them are left out of the total.
    pub price_list: String,
}

/// Adds up what the platform told of a campaign's messages.
///
/// # Errors
/// When there is no such campaign.
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
    let mut counts: BTreeMap<(&str, String, String), MarketCost> = BTreeMap::new();
    let (mut after, mut messages, mut unpriced) = (0, 0, 0);
    loop {
        let page =
            store.read::<_, OutreachError, _>(move |tx| Ok(tx.charged_of_campaign(workspace_id, id, after, PAGE)?));
        let page = page.await?;
        let Some(last) = page.last() else { break };
        after = last.position;
        for message in page {
            let country = PhoneNumber::parse(&message.address, None).ok().and_then(|phone| phone.country());
            let day = day_of(message.at, &zone);
            let by_phone = || country.as_deref().map_or(OTHER, |country| market_of(country, day)).to_owned();
            let market = message.market.clone().unwrap_or_else(by_phone);
            let category = message.category.clone().unwrap_or_default();
            let card = card_of(&cards, message.at, &zone);
            if !used.iter().any(|known| std::ptr::eq(*known, card)) {
                used.push(card);
            }
            let rate = RateCategory::told(&category).and_then(|known| card.rate(&market, known));
            let key = (card.valid_from.as_str(), market.clone(), category.clone());
            let row = counts.entry(key).or_insert_with(|| MarketCost {
                market,
                category,
                messages: 0,
                free: 0,
                free_reasons: Vec::new(),
                price_thousandths: rate.map(|rate| rate.thousandths),
                tiers: Vec::new(),
                so_far: None,
                next_tier: None,
                thousandths: 0,
                total: 0,
            });
            messages += 1;
            row.messages += 1;
            match (message.cost, rate) {
                (Cost::Free, _) => {
                    row.free += 1;
                    let told = (message.kind.as_deref(), message.category.as_deref());
                    add_free(&mut row.free_reasons, FreeReason::told(told.0, told.1, (message.at, &zone)));
                }
                (_, Some(rate)) => {
                    let step = rate.step_at(message.place.unwrap_or(1));
                    row.thousandths += step.thousandths;
                    match row.tiers.iter_mut().find(|share| share.from == step.from) {
                        Some(share) => share.messages += 1,
                        None => row.tiers.push(TierShare {
                            from: step.from,
                            price_thousandths: step.thousandths,
                            messages: 1,
                        }),
                    }
                }
                (_, None) => unpriced += 1,
            }
        }
    }
    if used.is_empty() {
        used.push(card_of(&cards, campaign.started_at.unwrap_or(campaign.created_at), &zone));
    }
    used.sort_by(|one, other| one.valid_from.cmp(&other.valid_from));
    let priced: BTreeMap<&str, i64> = counts.iter().fold(BTreeMap::new(), |mut priced, ((from, ..), row)| {
        if let Some(card) = used.iter().find(|card| card.valid_from == *from) {
            *priced.entry(card.currency.as_str()).or_default() +=
                row.tiers.iter().map(|share| share.messages).sum::<i64>();
        }
        priced
    });
    // What was charged in another currency cannot be added up: it stands there without a price.
    let most = used.iter().max_by_key(|card| priced.get(card.currency.as_str()).copied().unwrap_or_default());
    let currency = most.map(|card| card.currency.clone()).unwrap_or_default();
    for ((from, ..), row) in &mut counts {
        if used.iter().any(|card| card.valid_from == *from && card.currency != currency) {
            unpriced += row.tiers.drain(..).map(|share| share.messages).sum::<i64>();
            (row.price_thousandths, row.thousandths) = (None, 0);
        }
    }
    let list = |card: &&RateCard| {
        let left_out = format!(" (in {}, left out of the total)", card.currency);
        let left_out = if card.currency == currency { "" } else { &left_out };
        format!("{}, from {}{left_out}", card.name, card.valid_from)
    };
    let lists: Vec<String> = used.iter().map(list).collect();
    let mut markets: Vec<MarketCost> = counts.into_values().collect();
    markets.sort_by_key(|market| (-market.thousandths, -market.messages));
    for market in &mut markets {
        market.total = minor(market.thousandths);
        market.tiers.sort_by_key(|share| share.from);
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
