//! The pace of campaigns: at most so many messages in any minute, wherever it begins.
//!
//! What left is counted by the moment it left, in `rate_windows` under the campaign. A message has a place when fewer than
//! the limit left in the minute before it. So no border between two minutes, no pause and no opening of a send window
//! lets twice as many through, as fixed minutes would. A message without a place is promised a later moment; promises
//! are counted like messages that leave then, so a long queue is spread over the minutes to come and not looked at in
//! each of them.
//!
//! Messages ask a little later than promised, each time by something else, and what left late still counts when the next
//! of the queue ask a minute later. Those do not go to the end of the queue, where they would leave the place unused that
//! is free in a moment: they ask again when the first that counts is a minute old. So places are given away as soon as
//! they are free, and the queue as a whole moves on by the time that was lost. What was put off for long, by a pause or a
//! night, asks all at once; of that only as many wait for the next minute as may leave in another one, and the rest is
//! spread anew.
//!
//! Moments are rounded down to a step, a hundredth part of the limit in milliseconds and a second at most: so a campaign
//! has no more than 2,500 moments to count in a minute, however fast it is. Rounding makes a message wait for up to two
//! steps longer and never leave sooner.
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
    PLACES = "SELECT w.starts_at, w.segments, CASE WHEN w.starts_at > $3 THEN w.refused ELSE 0 END FROM rate_windows w
        WHERE w.workspace_id = $1 AND w.limit_id = $2 AND w.period = 'pace' AND w.starts_at > $4 AND w.starts_at <= $5
        ORDER BY w.starts_at";
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

/// The moment at which what left at `at` counts no longer.
const fn over(at: i64, step: i64) -> i64 {
    (at + time::MINUTE + 2 * (step - 1)).div_euclid(step) * step
}

/// What counts at a moment.
#[derive(Debug, Clone, Copy)]
struct Place {
    at: i64,
    left: i64,
    promised: i64,
}

/// The first moment from `from` on at which fewer than `most` count; `counts` are moments in their order and how many.
fn first_free(from: i64, counts: impl Iterator<Item = (i64, i64)> + Clone, (most, step): (i64, i64)) -> i64 {
    let (mut at, mut sum) = (from, 0);
    let (mut coming, mut going) = (counts.clone().peekable(), counts.peekable());
    loop {
        while let Some((_, count)) = coming.next_if(|(moment, _)| *moment <= at) {
            sum += count;
        }
        while let Some((_, count)) = going.next_if(|(moment, _)| *moment <= before(at, step)) {
            sum -= count;
        }
        if sum < most {
            return at;
        }
        while going.next_if(|(_, count)| *count == 0).is_some() {}
        let Some((oldest, _)) = going.peek() else { return at };
        at = over(*oldest, step);
    }
}

/// Whether a message was promised its moment before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    First,
    /// It has been put off for its pace, and the moment has come.
    Again,
}

impl Tx<'_> {
    /// Takes a place for a message of a campaign with a pace, or gives when it may try again.
    ///
    /// # Errors
    /// When the store fails.
    pub fn keep_in_minute(
        &mut self,
        of: (WorkspaceId, CampaignId),
        per_minute: u32,
        asks: Asks,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let (most, step) = (i64::from(per_minute.max(1)), step_of(per_minute));
        let at = rounded(now, step);
        self.lock("pace", &of.1)?;
        if self.execute(&TAKE_PLACE, &[&of.0, &of.1, &at, &before(at, step), &most])? == 1 {
            return Ok(None);
        }
        let soon = if asks == Asks::Again { self.soon_free(of, at, (most, step))? } else { None };
        let free = match soon {
            Some(free) => free,
            None => self.last_free(of, at, (most, step))?,
        };
        if free - at > LONGEST {
            return Ok(Some(Timestamp(at + LONGEST)));
        }
        self.execute(&PROMISE, &[&of.0, &of.1, &free])?;
        Ok(Some(Timestamp(free)))
    }

    /// When the first of what left is a minute old; `None` when more already wait for the next minute than may leave in
    /// two.
    fn soon_free(
        &mut self,
        of: (WorkspaceId, CampaignId),
        at: i64,
        (most, step): (i64, i64),
    ) -> Result<Option<i64>, StoreError> {
        let places = self.places(of, at, (before(at, step), over(at, step)))?;
        if places.iter().map(|place| place.promised).sum::<i64>() >= 2 * most {
            return Ok(None);
        }
        let left = places.iter().map(|place| (place.at, place.left));
        Ok(Some(first_free(at + step, left, (most, step))))
    }

    /// The first free moment behind everything that is promised.
    fn last_free(
        &mut self,
        of: (WorkspaceId, CampaignId),
        at: i64,
        (most, step): (i64, i64),
    ) -> Result<i64, StoreError> {
        let last: Option<i64> = self.query_one(&LAST_PROMISE, &[&of.0, &of.1], |row| row.next())?;
        let from = rounded(Timestamp(last.unwrap_or(at)), step).max(at + step);
        let places = self.places(of, at, (before(from, step), from))?;
        Ok(first_free(from, places.iter().map(|place| (place.at, place.left + place.promised)), (most, step)))
    }

    /// What left and what is promised for later than `at`: after the first moment, up to the second.
    fn places(
        &mut self,
        of: (WorkspaceId, CampaignId),
        at: i64,
        (after, until): (i64, i64),
    ) -> Result<Vec<Place>, StoreError> {
        let keys: &[&dyn crate::Bind] = &[&of.0, &of.1, &at, &after, &until];
        self.query(&PLACES, keys, |row| Ok(Place { at: row.next()?, left: row.next()?, promised: row.next()? }))
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
        let free = |from, places: &[(i64, i64)], most, step| first_free(from, places.iter().copied(), (most, step));
        let places = [(0, 2), (10_000, 1)];
        assert_eq!(free(20_000, &places, 4, 1), 20_000);
        assert_eq!(free(20_000, &places, 3, 1), 60_000);
        assert_eq!(free(20_000, &places, 1, 1), 70_000);
        // Promised ones count like those that left.
        assert_eq!(free(60_000, &[(0, 2), (10_000, 1), (60_000, 2)], 3, 1), 70_000);
        // A moment for which nothing counts is none to wait for.
        assert_eq!(free(20_000, &[(0, 0), (5_000, 0), (10_000, 1)], 1, 1), 70_000);
        // In steps of a second the last of a step has to be a minute old.
        assert_eq!(free(2_000, &[(0, 1)], 1, time::SECOND), 61_000);
    }

    #[test]
    fn steps_are_fine_for_slow_campaigns_and_coarse_for_fast_ones() {
        assert_eq!([1, 100, 6_000, 1_000_000].map(step_of), [1, 1, 60, 1_000]);
    }
}
