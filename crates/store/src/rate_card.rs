//! Price lists of the platform that somebody has taken in, and what the messages of a campaign were charged as.

use segue_model::{
    CampaignId, Timestamp, WorkspaceId,
    charge::{Charge, Cost},
    rate_card::RateCard,
};

use crate::{Row, StoreError, Tx, tx::json_text};

crate::sql! {
    PUT_RATE_CARD = "INSERT INTO rate_cards (workspace_id, valid_from, currency, name, rates, actor, imported_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (workspace_id, valid_from, currency) DO UPDATE SET name = excluded.name, rates = excluded.rates,
            actor = excluded.actor, imported_at = excluded.imported_at";
    RATE_CARDS = "SELECT name, valid_from, currency, rates FROM rate_cards
        WHERE workspace_id = $1 ORDER BY valid_from DESC, currency";
    DELETE_RATE_CARD = "DELETE FROM rate_cards WHERE workspace_id = $1 AND valid_from = $2 AND currency = $3";
    CHARGED_OF_CAMPAIGN = "SELECT o.position, o.address, m.category, m.kind, m.model, m.billable, m.at, m.market, m.place
        FROM outbox o JOIN message_charges m ON m.workspace_id = o.workspace_id AND m.channel_id = o.channel_id
            AND m.provider_id = o.provider_id
        WHERE o.workspace_id = $1 AND o.campaign_id = $2 AND o.campaign_id IS NOT NULL AND o.position > $3
        ORDER BY o.position LIMIT $4";
}

/// What one message of a campaign was charged as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargedMessage {
    pub position: u32,
    pub address: String,
    pub category: Option<String>,
    /// The platform's word for why it costs what it costs.
    pub kind: Option<String>,
    pub cost: Cost,
    pub at: Timestamp,
    /// The market it counts for, where its tiers do.
    pub market: Option<String>,
    /// Which message of the month it was, from 1.
    pub place: Option<u64>,
}

fn read_card(row: &mut Row<'_>) -> Result<RateCard, StoreError> {
    Ok(RateCard { name: row.next()?, valid_from: row.next()?, currency: row.next()?, rates: row.json()? })
}

impl Tx<'_> {
    /// Stores a price list in place of one of the same day and currency.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_rate_card(
        &mut self,
        workspace_id: WorkspaceId,
        card: &RateCard,
        (actor, now): (&str, Timestamp),
    ) -> Result<(), StoreError> {
        let rates = json_text(&card.rates)?;
        let keys: &[&dyn crate::Bind] =
            &[&workspace_id, &card.valid_from, &card.currency, &card.name, &rates, &actor, &now];
        self.execute(&PUT_RATE_CARD, keys).map(|_| ())
    }

    /// The price lists of a workspace, the latest first day first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn rate_cards(&mut self, workspace_id: WorkspaceId) -> Result<Vec<RateCard>, StoreError> {
        self.query(&RATE_CARDS, &[&workspace_id], read_card)
    }

    /// Deletes a price list. `false` when there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_rate_card(
        &mut self,
        workspace_id: WorkspaceId,
        valid_from: &str,
        currency: &str,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&DELETE_RATE_CARD, &[&workspace_id, &valid_from, &currency])? == 1)
    }

    /// What messages of a campaign were charged as, by position after `after`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn charged_of_campaign(
        &mut self,
        workspace_id: WorkspaceId,
        id: CampaignId,
        after: u32,
        limit: u32,
    ) -> Result<Vec<ChargedMessage>, StoreError> {
        self.query(&CHARGED_OF_CAMPAIGN, &[&workspace_id, &id, &after, &limit], |row| {
            let (position, address) = (row.next()?, row.next()?);
            let (category, kind, model) = (row.next()?, row.next()?, row.next()?);
            let charge = Charge { model, kind, category, billable: row.next()? };
            let cost = charge.cost();
            let Charge { category, kind, .. } = charge;
            let (at, market, place) = (row.next()?, row.next()?, row.next()?);
            Ok(ChargedMessage { position, address, category, kind, cost, at, market, place })
        })
    }
}
