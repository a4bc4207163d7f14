//! Tallies: how many recipients of a campaign are where, kept by the transactions that move them.
//!
//! Counting the rows of a campaign of a million takes a second, and its page asks twice a second. So every change of a
//! recipient's or message's place is noted on the transaction, and the sums are written once, just before the commit:
//! with the change or not at all. [`Tx::recount`] counts the rows themselves; the tests compare the two, and
//! [`Tx::rebuild_tallies`] writes what it finds.

use std::borrow::Cow;

use segue_model::{CampaignId, WorkspaceId, attribution::Attribution, code::POSTER, delivery::OutboxState};

use crate::{StoreError, Tx, recipient::QUALITY_ASSESSMENT};

/// A change of one count that is not written yet.
#[derive(Debug)]
pub(crate) struct Noted {
    workspace_id: WorkspaceId,
    campaign_id: CampaignId,
    bucket: Cow<'static, str>,
    change: i64,
}

/// The count of recipients, whatever became of them.
pub(crate) const PLANNED: &str = "planned";
/// Starts the name of the counts of recipients that planning left without a message; the rule follows.
pub(crate) const NOT_PLANNED: &str = "not_planned:";
/// Starts the name of the counts of messages that the policy refused at the last look; the rule follows.
pub(crate) const REFUSED: &str = "refused:";
/// Starts the name of the counts of chats by how surely they came from the campaign; the tier follows.
pub(crate) const CHATS_OF_TIER: &str = "chats:";

/// Which count a message is in.
pub(crate) fn bucket(state: OutboxState, rule: Option<&str>) -> Cow<'static, str> {
    Cow::Borrowed(match state {
        OutboxState::Queued | OutboxState::Claimed | OutboxState::Submitting => "queued",
        OutboxState::Accepted => "sent",
        OutboxState::Delivered | OutboxState::Read => "delivered",
        OutboxState::Failed => "failed",
        OutboxState::Unknown if rule == Some(QUALITY_ASSESSMENT) => "assessed",
        OutboxState::Unknown => "unknown",
        OutboxState::Canceled => "canceled",
        OutboxState::Suppressed | OutboxState::Expired => {
            return Cow::Owned(format!("{REFUSED}{}", rule.unwrap_or("expired")));
        }
    })
}

crate::sql! {
    ADD_TO_TALLY = "INSERT INTO campaign_tallies (workspace_id, campaign_id, bucket, count) VALUES ($1, $2, $3, $4)
        ON CONFLICT (workspace_id, campaign_id, bucket) DO UPDATE SET count = campaign_tallies.count + excluded.count";
    TALLIES = "SELECT bucket, count FROM campaign_tallies WHERE workspace_id = $1 AND campaign_id = $2 AND count <> 0
        ORDER BY bucket";
    CLEAR_TALLIES = "DELETE FROM campaign_tallies WHERE workspace_id = $1 AND campaign_id = $2";
    COUNT_MESSAGES = "SELECT state, COALESCE(rule, ''), COUNT(*) FROM outbox
        WHERE workspace_id = $1 AND campaign_id = $2 AND campaign_id IS NOT NULL GROUP BY state, COALESCE(rule, '')";
    COUNT_RECIPIENTS = "SELECT COUNT(*), COUNT(first_tap_at), COUNT(chat_at), COUNT(bot_finished_at), COUNT(agent_at),
            COUNT(case_at), COUNT(lead_at), COUNT(won_at)
        FROM recipients WHERE workspace_id = $1 AND campaign_id = $2";
    COUNT_TIERS = "SELECT chat_tier, COUNT(*) FROM recipients
        WHERE workspace_id = $1 AND campaign_id = $2 AND chat_tier IS NOT NULL GROUP BY chat_tier";
    COUNT_POSTER_CHATS = "SELECT COUNT(*) FROM sessions
        WHERE workspace_id = $1 AND campaign_id = $2 AND position = $3";
    COUNT_NOT_PLANNED = "SELECT rule, COUNT(*) FROM recipients
        WHERE workspace_id = $1 AND campaign_id = $2 AND message_id IS NULL GROUP BY rule";
}

/// The names of the stamps' counts, in the order of `COUNT_RECIPIENTS`.
const STAMPS: [&str; 7] = ["tapped", "chats", "bot_finished", "agent", "cases", "leads", "won"];

/// Writes what the transaction has noted. Called by the executors just before the commit, always in the same order of
/// rows, so that two transactions cannot wait for each other.
pub(crate) fn write(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let mut noted = std::mem::take(&mut tx.tallies);
    noted.retain(|one| one.change != 0);
    noted.sort_by(|a, b| (a.workspace_id, a.campaign_id, &a.bucket).cmp(&(b.workspace_id, b.campaign_id, &b.bucket)));
    for Noted { workspace_id, campaign_id, bucket, change } in &noted {
        tx.execute(&ADD_TO_TALLY, &[workspace_id, campaign_id, &bucket.as_ref(), change])?;
    }
    Ok(())
}

impl Tx<'_> {
    /// Notes that a count of a campaign changes by this much.
    pub(crate) fn tally(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
        bucket: impl Into<Cow<'static, str>>,
        change: i64,
    ) {
        let bucket = bucket.into();
        // Few at a time: one campaign, two or three buckets.
        let known = self
            .tallies
            .iter_mut()
            .find(|one| one.campaign_id == campaign_id && one.bucket == bucket && one.workspace_id == workspace_id);
        match known {
            Some(one) => one.change += change,
            None => self.tallies.push(Noted { workspace_id, campaign_id, bucket, change }),
        }
    }

    /// Notes that messages of a campaign went from one state to another.
    pub(crate) fn tally_move(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
        from: OutboxState,
        to: (OutboxState, Option<&str>),
        count: i64,
    ) {
        // Of a message that was held back the rule stays when it goes on.
        let was = to.1.filter(|_| from == OutboxState::Unknown);
        let (from, to) = (bucket(from, was), bucket(to.0, to.1));
        if from != to {
            self.tally(workspace_id, campaign_id, from, -count);
            self.tally(workspace_id, campaign_id, to, count);
        }
    }

    /// The counts of a campaign that are not zero, by their names.
    ///
    /// # Errors
    /// When the store fails.
    pub fn tallies(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
    ) -> Result<Vec<(String, i64)>, StoreError> {
        self.query(&TALLIES, &[&workspace_id, &campaign_id], |row| Ok((row.next()?, row.next()?)))
    }

    /// The same counts from the rows themselves: exact, and slow for a large campaign.
    ///
    /// # Errors
    /// When the store fails.
    pub fn recount(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
    ) -> Result<Vec<(String, i64)>, StoreError> {
        let key: [&dyn crate::Bind; 2] = [&workspace_id, &campaign_id];
        let mut counts: Vec<(String, i64)> = Vec::new();
        let mut add = |name: &str, count: i64| match counts.iter_mut().find(|(known, _)| known == name) {
            Some((_, sum)) => *sum += count,
            None => counts.push((name.to_owned(), count)),
        };
        for (state, rule, count) in self.query(&COUNT_MESSAGES, &key, |row| {
            Ok((row.word::<OutboxState>()?, row.next::<String>()?, row.next::<i64>()?))
        })? {
            add(&bucket(state, Some(rule.as_str()).filter(|rule| !rule.is_empty())), count);
        }
        for (rule, count) in
            self.query(&COUNT_NOT_PLANNED, &key, |row| Ok((row.next::<String>()?, row.next::<i64>()?)))?
        {
            add(&format!("{NOT_PLANNED}{rule}"), count);
        }
        for (tier, count) in self.query(&COUNT_TIERS, &key, |row| Ok((row.next::<String>()?, row.next::<i64>()?)))? {
            add(&format!("{CHATS_OF_TIER}{tier}"), count);
        }
        let on_poster =
            self.query_one(&COUNT_POSTER_CHATS, &[&workspace_id, &campaign_id, &POSTER], |row| row.next::<i64>())?;
        add(&format!("{CHATS_OF_TIER}{}", Attribution::Qr), on_poster);
        let stamps = self.query_one(&COUNT_RECIPIENTS, &key, |row| {
            let planned: i64 = row.next()?;
            let stamps = STAMPS.iter().map(|_| row.next::<i64>()).collect::<Result<Vec<_>, _>>()?;
            Ok((planned, stamps))
        })?;
        add(PLANNED, stamps.0);
        STAMPS.iter().zip(stamps.1).for_each(|(name, count)| add(name, count));
        counts.retain(|(_, count)| *count != 0);
        counts.sort();
        Ok(counts)
    }

    /// Writes the counts anew from the rows.
    ///
    /// # Errors
    /// When the store fails.
    pub fn rebuild_tallies(&mut self, workspace_id: WorkspaceId, campaign_id: CampaignId) -> Result<(), StoreError> {
        let counts = self.recount(workspace_id, campaign_id)?;
        self.execute(&CLEAR_TALLIES, &[&workspace_id, &campaign_id])?;
        for (bucket, count) in &counts {
            self.execute(&ADD_TO_TALLY, &[&workspace_id, &campaign_id, bucket, count])?;
        }
        Ok(())
    }
}
