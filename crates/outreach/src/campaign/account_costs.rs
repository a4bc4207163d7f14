//! What the texts of a campaign cost by the account that each would leave by.
//!
//! An account's own prices count where it has some for the day and the country, in the currency of the workspace, and the
//! workspace's prices where it has none. Nothing is written here.

use std::collections::BTreeMap;

use segue_model::{ChannelId, Timestamp};
use segue_store::{
    StoreError, Tx,
    route::ChannelPrices,
    workspace::{CampaignSettings, Workspace},
};
use serde::Serialize;

use crate::origin::Origins;

/// What the texts that would leave by one account cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct AccountCost {
    pub channel_id: ChannelId,
    /// The account's name.
    pub name: String,
    pub messages: i64,
    pub segments: i64,
    /// In minor units, rounded up; of those whose country has a price.
    pub total: i64,
    /// Messages whose country has no price.
    pub unpriced: i64,
}

/// The prices of each account a campaign can leave by.
pub(super) struct AccountPrices {
    workspace: CampaignSettings,
    accounts: BTreeMap<ChannelId, Option<ChannelPrices>>,
}

impl AccountPrices {
    /// Reads the prices that count at this moment.
    pub fn of(tx: &mut Tx<'_>, workspace: &Workspace, origins: &Origins, now: Timestamp) -> Result<Self, StoreError> {
        let settings = workspace.settings.campaigns.clone();
        let mut accounts = BTreeMap::new();
        for origin in origins.all() {
            let id = origin.sender.channel_id;
            if accounts.contains_key(&id) {
                continue;
            }
            let versions = tx.channel_prices(workspace.id, id)?;
            // Prices of another currency cannot be added to the others.
            let counts = |prices: &ChannelPrices| prices.valid_from <= now && prices.currency == settings.currency;
            accounts.insert(id, versions.into_iter().find(counts));
        }
        Ok(Self { workspace: settings, accounts })
    }

    /// The price of a thousand segments to a country by an account, in minor units.
    pub fn price(&self, channel_id: ChannelId, country: &str) -> Option<i64> {
        let own = self.accounts.get(&channel_id).and_then(Option::as_ref);
        let own = own.and_then(|prices| prices.price(Some(country)));
        own.or_else(|| {
            let of_country = self.workspace.prices.iter().find(|price| price.country == country);
            of_country.map(|price| price.per_thousand).or(self.workspace.other_price)
        })
    }
}

/// Texts by the account they would leave by.
#[derive(Default, Clone)]
pub(super) struct AccountTallies(BTreeMap<ChannelId, AccountTally>);

#[derive(Default, Clone)]
struct AccountTally {
    messages: i64,
    segments: i64,
    /// In thousandths of a minor unit.
    thousandths: i64,
    unpriced: i64,
}

impl AccountTallies {
    /// Counts one text; `price` in thousandths of a minor unit, when it is known.
    pub fn add(&mut self, channel_id: ChannelId, segments: i64, price: Option<i64>) {
        let account = self.0.entry(channel_id).or_default();
        account.messages += 1;
        account.segments += segments;
        account.thousandths += price.unwrap_or_default();
        account.unpriced += i64::from(price.is_none());
    }

    /// What each account comes to, the one with the most texts first.
    pub fn costs(self, tx: &mut Tx<'_>, workspace: &Workspace) -> Result<Vec<AccountCost>, StoreError> {
        let mut costs = Vec::with_capacity(self.0.len());
        for (channel_id, AccountTally { messages, segments, thousandths, unpriced }) in self.0 {
            let name = tx.channel(workspace.id, channel_id)?.map(|channel| channel.name).unwrap_or_default();
            let total = (thousandths + 999) / 1_000;
            costs.push(AccountCost { channel_id, name, messages, segments, total, unpriced });
        }
        costs.sort_by_key(|cost| -cost.messages);
        Ok(costs)
    }
}
