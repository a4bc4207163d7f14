//! What providers charged messages as: one row for each message at the provider, whatever is told of it how often.
//!
//! The row is kept by the provider's id and not by ours: a status may come before the id of its message is stored, and
//! a number's bill counts every message of the number.

use segue_model::{
    ChannelId, Timestamp, WorkspaceId,
    charge::{Charge, Cost, ToldCharge, Volume},
    rate_card::RateCategory,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Row, StoreError, Tx};

/// Messages of one category and kind in a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChargedMessages {
    /// The provider's word, such as `marketing` or `service`; none when it did not say.
    pub category: Option<String>,
    /// `regular`, `free_customer_service` or `free_entry_point`.
    pub kind: Option<String>,
    /// `PMP` (by message) or `CBP` (by conversation).
    pub model: Option<String>,
    pub cost: Cost,
    pub messages: u64,
}

crate::sql! {
    INSERT_CHARGE = "INSERT INTO message_charges (workspace_id, channel_id, provider_id, rank, at, model, kind, category,
            billable, month, market, counts_as)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (workspace_id, channel_id, provider_id) DO NOTHING";
    CHARGE = "SELECT rank, at, model, kind, category, billable, month, market, counts_as FROM message_charges
        WHERE workspace_id = $1 AND channel_id = $2 AND provider_id = $3";
    SET_CHARGE = "UPDATE message_charges SET rank = $4, at = $5, model = $6, kind = $7, category = $8, billable = $9,
            month = $10, market = $11, counts_as = $12
        WHERE workspace_id = $1 AND channel_id = $2 AND provider_id = $3";
    CHARGED = "SELECT category, kind, model, billable, COUNT(*) FROM message_charges
        WHERE workspace_id = $1 AND channel_id = $2 AND at >= $3 AND at < $4
        GROUP BY category, kind, model, billable ORDER BY category, kind, model, billable";
}

fn read(row: &mut Row<'_>) -> Result<(ToldCharge, Option<Volume>), StoreError> {
    let (rank, at) = (row.next::<i64>()?, row.next()?);
    let charge = Charge { model: row.next()?, kind: row.next()?, category: row.next()?, billable: row.next()? };
    let told = ToldCharge { charge, rank: u8::try_from(rank).unwrap_or_default(), at };
    let (month, market, category): (Option<String>, Option<String>, Option<String>) =
        (row.next()?, row.next()?, row.next()?);
    let category = category.and_then(|word| RateCategory::parse(&word).ok());
    let volume = match (month, market, category) {
        (Some(month), Some(market), Some(category)) => Some(Volume { month, market, category }),
        _ => None,
    };
    Ok((told, volume))
}

impl Tx<'_> {
    /// Takes in what a message was charged as, and counts it for the month where tiers go by that: once, whatever is told of
    /// it how often in which order. It is counted no more when a better report says that it is free.
    ///
    /// # Errors
    /// When the store fails.
    pub fn note_charge(
        &mut self,
        workspace_id: WorkspaceId,
        (channel_id, portfolio): (ChannelId, &str),
        provider_id: &str,
        (told, volume): (&ToldCharge, Option<&Volume>),
    ) -> Result<(), StoreError> {
        self.lock("charge", &format_args!("{channel_id}:{provider_id}"))?;
        let place = (channel_id, portfolio, provider_id);
        if self.write_charge(&INSERT_CHARGE, workspace_id, (channel_id, provider_id), (told, volume))? == 1 {
            self.note_volume(workspace_id, place, (None, volume));
            return Ok(());
        }
        let Some((known, counted)) = self.charge_and_volume(workspace_id, channel_id, provider_id)? else {
            return Ok(());
        };
        let best = known.clone().or(told.clone());
        // A status that does not say where the customer is takes nothing away from one that does.
        let is_news = best == *told && best != known;
        let (first, second) = if is_news { (volume, counted.as_ref()) } else { (counted.as_ref(), volume) };
        let counts = first.or(second).filter(|volume| volume.fits(&best.charge)).cloned();
        if best != known || counts != counted {
            self.write_charge(&SET_CHARGE, workspace_id, (channel_id, provider_id), (&best, counts.as_ref()))?;
            self.note_volume(workspace_id, place, (counted.as_ref(), counts.as_ref()));
        }
        Ok(())
    }

    fn write_charge(
        &mut self,
        sql: &'static crate::Sql,
        workspace_id: WorkspaceId,
        (channel_id, provider_id): (ChannelId, &str),
        (told, volume): (&ToldCharge, Option<&Volume>),
    ) -> Result<u64, StoreError> {
        let billable = told.charge.billable.map(i64::from);
        self.execute(
            sql,
            &[
                &workspace_id,
                &channel_id,
                &provider_id,
                &i64::from(told.rank),
                &told.at,
                &told.charge.model,
                &told.charge.kind,
                &told.charge.category,
                &billable,
                &volume.map(|volume| volume.month.as_str()),
                &volume.map(|volume| volume.market.as_str()),
                &volume.map(|volume| volume.category.as_str()),
            ],
        )
    }

    /// What a message was charged as.
    ///
    /// # Errors
    /// When the store fails.
    pub fn charge(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        provider_id: &str,
    ) -> Result<Option<ToldCharge>, StoreError> {
        Ok(self.charge_and_volume(workspace_id, channel_id, provider_id)?.map(|(told, _)| told))
    }

    fn charge_and_volume(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        provider_id: &str,
    ) -> Result<Option<(ToldCharge, Option<Volume>)>, StoreError> {
        self.query_opt(&CHARGE, &[&workspace_id, &channel_id, &provider_id], read)
    }

    /// How many messages of a channel were charged as what, from `from` on and before `until`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn charged_messages(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<ChargedMessages>, StoreError> {
        self.query(&CHARGED, &[&workspace_id, &channel_id, &from, &until], |row| {
            let (category, kind, model) = (row.next()?, row.next()?, row.next()?);
            let charge = Charge { model, kind, category, billable: row.next()? };
            let (cost, count) = (charge.cost(), row.next::<i64>()?);
            let Charge { model, kind, category, .. } = charge;
            Ok(ChargedMessages { category, kind, model, cost, messages: u64::try_from(count).unwrap_or_default() })
        })
    }
}
