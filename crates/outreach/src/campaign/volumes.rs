//! How far each account has come in the tiers of the month.

use std::collections::{BTreeMap, BTreeSet};

use segue_model::{
    Timestamp, WorkspaceId,
    market::as_of,
    rate_card::{RateCategory, TierShare, month_of},
};
use segue_store::{Store, StoreError, channel::ChannelConfig};
use serde::Serialize;

use super::template_preflight::{NextTier, card_of, zone};

/// What the month has had so far, and what comes next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct MonthVolumes {
    /// `2026-10`; it begins at midnight in the account's time zone.
    pub month: String,
    pub time_zone: String,
    /// The price list of today.
    pub price_list: String,
    /// ISO 4217.
    pub currency: String,
    /// The day of the newest change in the list of markets and their countries.
    pub markets_as_of: String,
    pub volumes: Vec<TierVolume>,
}

/// Messages of one account, market and category in a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TierVolume {
    /// The business portfolio, or the business account where the portfolio is not known: its numbers count together.
    pub portfolio: String,
    /// The names of its numbers.
    pub numbers: Vec<String>,
    pub market: String,
    /// Utility or authentication.
    pub category: RateCategory,
    /// Messages that WhatsApp charged.
    pub messages: u64,
    /// Of the next one, in thousandths of a hundredth of the currency; null when the price list has none.
    pub price_thousandths: Option<i64>,
    /// How many of them had which price.
    pub tiers: Vec<TierShare>,
    pub next_tier: Option<NextTier>,
}

/// The volumes of the month of `now`.
///
/// # Errors
/// When the store fails.
pub async fn volumes(store: &Store, workspace_id: WorkspaceId, now: Timestamp) -> Result<MonthVolumes, StoreError> {
    let read = store.read(move |tx| {
        let zone = zone(tx, workspace_id)?;
        let cards = tx.rate_cards(workspace_id)?;
        let month = month_of(now, &zone);
        let counts = tx.volumes(workspace_id, &month)?;
        let mut numbers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for channel in tx.channels(workspace_id)? {
            if let ChannelConfig::WhatsApp(config) = &channel.config {
                numbers.entry(config.portfolio().to_owned()).or_default().insert(channel.name.clone());
            }
        }
        let card = card_of(&cards, now, &zone);
        let of = |count: segue_store::volume::VolumeCount| {
            let rate = card.rate(&count.market, count.category);
            TierVolume {
                numbers: numbers.get(&count.portfolio).into_iter().flatten().cloned().collect(),
                price_thousandths: rate.map(|rate| rate.step_at(count.messages + 1).thousandths),
                tiers: rate.map(|rate| rate.walk(0, count.messages)).unwrap_or_default(),
                next_tier: rate.and_then(|rate| NextTier::after(rate, count.messages)),
                portfolio: count.portfolio,
                market: count.market,
                category: count.category,
                messages: count.messages,
            }
        };
        Ok(MonthVolumes {
            time_zone: zone.iana_name().unwrap_or("UTC").to_owned(),
            price_list: format!("{}, from {}", card.name, card.valid_from),
            currency: card.currency.clone(),
            markets_as_of: as_of().to_string(),
            volumes: counts.into_iter().filter(|count| count.messages > 0).map(of).collect(),
            month,
        })
    });
    read.await
}
