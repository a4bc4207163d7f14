//! The pace of campaigns: at most so many messages in any minute, wherever it begins.
//!
//! What left is counted by the moment it left, in `rate_windows` under the campaign. A message has a place when fewer than
//! the limit left in the minute before it. So no border between two minutes, no pause and no opening of a send window
//! lets twice as many through, as fixed minutes would. A message without a place is promised a later moment; promises
//! are counted like messages that leave then, so a long queue is spread over the minutes to come and not looked at in
//! each of them.
//!
//! Moments are rounded down to a step, a hundredth part of the limit in milliseconds: a fast campaign has a few hundred
//! counts in a minute and no more. Rounding makes a message wait for one step longer and never leave sooner.
//!
//! # Why a crash at each point is safe
//! A place is taken in the transaction that records `submitting`: a crash before its commit gives it back with the
//! message. On PostgreSQL two transactions of one campaign wait for each other, so the last place is given away once. A
//! promise is kept by nobody: its message asks again at that moment, and is promised another one when others were first.

use segue_model::{CampaignId, Timestamp, WorkspaceId, time};

use crate::{StoreError, Tx};

/// Longest time a message is put off at once; then it asks again.
const LONGEST: i64 = 10 * time::DAY;

crate::sql! {
    /// What another node's clock has later counts as well.
    TAKE_PLACE = "INSERT INTO rate_windows (workspace_id, limit_id, period, starts_at, segments)
        SELECT $1, $2, 'pace', $3, 1 WHERE (SELECT COALESCE(CAST(SUM(w.segments) AS BIGINT), 0) FROM rate_windows w
            WHERE w.workspace_id = $1 AND w.limit_id = $2 AND w.period = 'pace' AND w.starts_at > $4) < $5
        ON CONFLICT (workspace_id, limit_id, period, starts_at) DO UPDATE SET segments = rate_windows.segments + 1";
    LAST_PROMISE = "SELECT MAX(w.starts_at) FROM rate_windows w
        WHERE w.workspace_id = $1 AND w.limit_id = $2 AND w.period = 'pace'";
    /// What left, and what is promised for later.
    PLACES = "SELECT w.starts_at, w.segments + CASE WHEN w.starts_at > $3 THEN w.refused ELSE 0 END FROM rate_windows w
        WHERE w.workspace_id = $1 AND w.limit_id = $2 AND w.period = 'pace' AND w.starts_at > $4 ORDER BY w.starts_at";
    PROMISE = "INSERT INTO rate_windows (workspace_id, limit_id, period, starts_at, segments, refused)
        VALUES ($1, $2, 'pace', $3, 0, 1)
        ON CONFLICT (workspace_id, limit_id, period, starts_at) DO UPDATE SET refused = rate_windows.refused + 1";
    GIVE_PLACE_BACK = "UPDATE rate_windows SET segments = segments - 1
        WHERE workspace_id = $1 AND limit_id = $2 AND period = 'pace' AND starts_at = $3 AND segments > 0";
    DELETE_OLD_PLACES = "DELETE FROM rate_windows WHERE workspace_id = $1 AND period = 'pace' AND starts_at < $2";
}

/// How finely moments are told apart, in milliseconds.
fn step_of(per_minute: u32) -> i64 {
    (i64::from(per_minute) / 100).clamp(1, time::SECOND)
}

const fn rounded(at: Timestamp, step: i64) -> i64 {
    at.0.div_euclid(step) * step
}

/// The last moment that no longer counts for a message that leaves at `at`.
const fn before(at: i64, step: i64) -> i64 {
    at - time::MINUTE - step + 1
}

/// The first moment from `from` on at which fewer than `most` count; `places` are in their order.
fn first_free(from: i64, (places, most, step): (&[(i64, i64)], i64, i64)) -> i64 {
    let mut at = from;
    loop {
        let counting: Vec<_> =
            places.iter().filter(|(moment, count)| *count > 0 && *moment > before(at, step) && *moment <= at).collect();
        if counting.iter().map(|(_, count)| count).sum::<i64>() < most {
            return at;
        }
        // When the oldest of them no longer counts.
        let Some((oldest, _)) = counting.first() else { return at };
        let free = oldest + time::MINUTE + step - 1;
        at = (free + step - 1).div_euclid(step) * step;
    }
}

impl Tx<'_> {
    /// Takes a place for a message of a campaign with a pace, or gives when it may try again.
    ///
    /// # Errors
    /// When the store fails.
    pub fn keep_in_minute(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
        per_minute: u32,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let (most, step) = (i64::from(per_minute.max(1)), step_of(per_minute));
        let at = rounded(now, step);
        self.lock("pace", &campaign_id)?;
        if self.execute(&TAKE_PLACE, &[&workspace_id, &campaign_id, &at, &before(at, step), &most])? == 1 {
            return Ok(None);
        }
        let last: Option<i64> = self.query_one(&LAST_PROMISE, &[&workspace_id, &campaign_id], |row| row.next())?;
        let from = rounded(Timestamp(last.unwrap_or(at)), step).max(at + step);
        let keys: &[&dyn crate::Bind] = &[&workspace_id, &campaign_id, &at, &before(from, step)];
        let places: Vec<(i64, i64)> = self.query(&PLACES, keys, |row| Ok((row.next()?, row.next()?)))?;
        let free = first_free(from, (&places, most, step));
        if free - at > LONGEST {
            return Ok(Some(Timestamp(at + LONGEST)));
        }
        self.execute(&PROMISE, &[&workspace_id, &campaign_id, &free])?;
        Ok(Some(Timestamp(free)))
    }

    /// Gives a place back that was taken at the same moment for a message that does not leave after all.
    ///
    /// # Errors
    /// When the store fails.
    pub fn give_minute_back(
        &mut self,
        workspace_id: WorkspaceId,
        campaign_id: CampaignId,
        per_minute: u32,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let at = rounded(now, step_of(per_minute));
        self.execute(&GIVE_PLACE_BACK, &[&workspace_id, &campaign_id, &at]).map(|_| ())
    }

    /// Removes places that count for nothing any more.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_old_places(&mut self, workspace_id: WorkspaceId, before: Timestamp) -> Result<u64, StoreError> {
        self.execute(&DELETE_OLD_PLACES, &[&workspace_id, &before])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_when_the_oldest_of_a_minute_is_a_minute_old() {
        let places = [(0, 2), (10_000, 1)];
        assert_eq!(first_free(20_000, (&places, 4, 1)), 20_000);
        assert_eq!(first_free(20_000, (&places, 3, 1)), 60_000);
        assert_eq!(first_free(20_000, (&places, 1, 1)), 70_000);
        // Promised ones count like those that left.
        assert_eq!(first_free(60_000, (&[(0, 2), (10_000, 1), (60_000, 2)], 3, 1)), 70_000);
        // In steps of a second the last of a step has to be a minute old.
        assert_eq!(first_free(2_000, (&[(0, 1)], 1, time::SECOND)), 61_000);
    }

    #[test]
    fn steps_are_fine_for_slow_campaigns_and_coarse_for_fast_ones() {
        assert_eq!([1, 100, 6_000, 1_000_000].map(step_of), [1, 1, 60, 1_000]);
    }
}
