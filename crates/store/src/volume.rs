//! How many messages of a calendar month were charged, by market and category: what the tiers of the platform's prices go
//! by. The numbers of a business portfolio count together.
//!
//! A message is counted by the transaction that notes its charge ([`Tx::note_charge`]), which knows whether it was counted
//! before, so repetition and order do not matter. What a transaction has noted is written just before its commit, as
//! tallies are: everybody takes the portfolio's counts in the same order and holds them no longer than that. Each message
//! then has its place in the month, which says what it cost; a place is not given twice while nothing is counted back.

use segue_model::{ChannelId, WorkspaceId, charge::Volume, rate_card::RateCategory};

use crate::{StoreError, Tx};

/// A message that counts from now on, or no more. Not written yet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NotedVolume {
    workspace_id: WorkspaceId,
    portfolio: String,
    volume: Volume,
    channel_id: ChannelId,
    change: Change,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    NoMore,
    /// The message's id at the provider.
    Counted(String),
}

/// Messages that were charged in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeCount {
    /// The portfolio, or the business account where that is not known.
    pub portfolio: String,
    pub market: String,
    pub category: RateCategory,
    pub messages: u64,
}

crate::sql! {
    ADD_VOLUME = "INSERT INTO volume_counts (workspace_id, channel_id, month, market, category, portfolio, messages)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (workspace_id, channel_id, month, market, category) DO UPDATE
            SET messages = volume_counts.messages + excluded.messages";
    VOLUME_OF = "SELECT CAST(COALESCE(SUM(messages), 0) AS BIGINT) FROM volume_counts
        WHERE workspace_id = $1 AND portfolio = $2 AND month = $3 AND market = $4 AND category = $5";
    SET_PLACE = "UPDATE message_charges SET place = $4
        WHERE workspace_id = $1 AND channel_id = $2 AND provider_id = $3";
    VOLUMES = "SELECT portfolio, market, category, CAST(SUM(messages) AS BIGINT) FROM volume_counts
        WHERE workspace_id = $1 AND month = $2 GROUP BY portfolio, market, category
        ORDER BY portfolio, SUM(messages) DESC, market, category";
    MOVE_VOLUMES = "UPDATE volume_counts SET portfolio = $3 WHERE workspace_id = $1 AND channel_id = $2";
}

/// Writes what the transaction has noted. Called by the executors just before the commit.
pub(crate) fn write(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let mut noted = std::mem::take(&mut tx.volumes);
    noted.sort_unstable();
    for group in
        noted.chunk_by(|a, b| (a.workspace_id, &a.portfolio, &a.volume) == (b.workspace_id, &b.portfolio, &b.volume))
    {
        let NotedVolume { workspace_id, portfolio, volume, .. } = &group[0];
        let Volume { month, market, category } = volume;
        tx.lock("volume", &format_args!("{workspace_id}:{portfolio}:{month}:{market}:{category}"))?;
        for of_channel in group.chunk_by(|a, b| a.channel_id == b.channel_id) {
            let channel_id = of_channel[0].channel_id;
            let is_counted = |noted: &&NotedVolume| matches!(noted.change, Change::Counted(_));
            let counted = of_channel.iter().filter(is_counted).count() as i64;
            let change = 2 * counted - of_channel.len() as i64;
            let params: &[&dyn crate::Bind] =
                &[workspace_id, &channel_id, month, market, &category.as_str(), portfolio, &change];
            tx.execute(&ADD_VOLUME, params)?;
        }
        let total = tx.volume_of(*workspace_id, portfolio, volume)?;
        let counted = group.iter().filter_map(|noted| match &noted.change {
            Change::Counted(provider_id) => Some((noted.channel_id, provider_id)),
            Change::NoMore => None,
        });
        let counted: Vec<_> = counted.collect();
        let first = total as i64 + 1 - counted.len() as i64;
        for (place, (channel_id, provider_id)) in (first..).zip(counted) {
            tx.execute(&SET_PLACE, &[workspace_id, &channel_id, provider_id, &place])?;
        }
    }
    Ok(())
}

impl Tx<'_> {
    /// Notes what a message counts towards now, and counted towards before.
    pub(crate) fn note_volume(
        &mut self,
        workspace_id: WorkspaceId,
        (channel_id, portfolio, provider_id): (ChannelId, &str, &str),
        (before, now): (Option<&Volume>, Option<&Volume>),
    ) {
        if before == now {
            return;
        }
        let changes = [(before, Change::NoMore), (now, Change::Counted(provider_id.to_owned()))];
        for (volume, change) in changes {
            let Some(volume) = volume.cloned() else { continue };
            let portfolio = portfolio.to_owned();
            self.volumes.push(NotedVolume { workspace_id, portfolio, volume, channel_id, change });
        }
    }

    /// How many messages of a portfolio count towards it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn volume_of(
        &mut self,
        workspace_id: WorkspaceId,
        portfolio: &str,
        volume: &Volume,
    ) -> Result<u64, StoreError> {
        let Volume { month, market, category } = volume;
        let keys: &[&dyn crate::Bind] = &[&workspace_id, &portfolio, month, market, &category.as_str()];
        self.query_one(&VOLUME_OF, keys, |row| row.next::<i64>()).map(|sum| u64::try_from(sum).unwrap_or_default())
    }

    /// What was charged in a month, by portfolio, market and category.
    ///
    /// # Errors
    /// When the store fails.
    pub fn volumes(&mut self, workspace_id: WorkspaceId, month: &str) -> Result<Vec<VolumeCount>, StoreError> {
        self.query(&VOLUMES, &[&workspace_id, &month], |row| {
            let (portfolio, market, category, sum) = (row.next()?, row.next()?, row.word()?, row.next::<i64>()?);
            Ok(VolumeCount { portfolio, market, category, messages: u64::try_from(sum).unwrap_or_default() })
        })
    }

    /// What a channel has counted counts for another portfolio.
    pub(crate) fn move_volumes(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        portfolio: &str,
    ) -> Result<(), StoreError> {
        self.execute(&MOVE_VOLUMES, &[&workspace_id, &channel_id, &portfolio]).map(|_| ())
    }
}
