//! What has been used of the limits of registries and carriers, window by window.
//!
//! Taking room is one conditional statement: two messages can never share the last segment, whichever node they leave
//! by. It stands in the transaction that records `submitting`: a crash before its commit gives the room back with it.
//! Room once taken is not given back when the provider refuses: carriers count what was submitted. What reached no carrier
//! gives its room back in the transaction that records that ([`Tx::give_room_back`]), while its claim is held: once.

use segue_model::{
    Timestamp, WorkspaceId,
    rate::{RateLimit, RateWindow, Slot},
};

use crate::{StoreError, Tx};

/// Most windows a message is put off at once; then it asks again. Four hours of seconds.
const MOST_WINDOWS_AHEAD: i64 = 14_400;

crate::sql! {
    TAKE_ROOM = "INSERT INTO rate_windows (workspace_id, limit_id, period, starts_at, segments)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (workspace_id, limit_id, period, starts_at) DO UPDATE
            SET segments = rate_windows.segments + excluded.segments
            WHERE rate_windows.segments + excluded.segments <= $6
        RETURNING segments";
    /// Without asking whether there is room.
    ADD_TO_WINDOW = "INSERT INTO rate_windows (workspace_id, limit_id, period, starts_at, segments)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (workspace_id, limit_id, period, starts_at) DO UPDATE
            SET segments = rate_windows.segments + excluded.segments";
    REFUSE_ROOM = "UPDATE rate_windows SET refused = refused + CAST($5 AS BIGINT)
        WHERE workspace_id = $1 AND limit_id = $2 AND period = $3 AND starts_at = $4 RETURNING refused";
    GIVE_ROOM_BACK = "UPDATE rate_windows SET segments = segments - CAST($5 AS BIGINT)
        WHERE workspace_id = $1 AND limit_id = $2 AND period = $3 AND starts_at = $4";
    DELETE_OLD_RATE_WINDOWS = "DELETE FROM rate_windows WHERE workspace_id = $1 AND starts_at < $2";
}

impl Tx<'_> {
    /// Takes room for a message in every limit, or in none. Gives when to try again when one of them is full.
    ///
    /// # Errors
    /// When the store fails.
    pub fn take_room(
        &mut self,
        workspace_id: WorkspaceId,
        limits: &[RateLimit],
        segments: u32,
        now: Timestamp,
    ) -> Result<Option<(RateLimit, Timestamp)>, StoreError> {
        let mut taken: Vec<(RateLimit, Slot)> = Vec::new();
        for limit in limits {
            let slot = limit.window.slot(now);
            // A message longer than the whole limit leaves alone in a window; it would wait for ever otherwise.
            let needed = segments.min(limit.segments);
            let key: [&dyn crate::Bind; 6] =
                [&workspace_id, &limit.of, &limit.window.as_str(), &slot.starts_at, &needed, &limit.segments];
            if self.query_opt(&TAKE_ROOM, &key, |row| row.next::<i64>())?.is_some() {
                taken.push((*limit, slot));
                continue;
            }
            for (other, slot) in taken {
                let needed = segments.min(other.segments);
                self.execute(
                    &GIVE_ROOM_BACK,
                    &[&workspace_id, &other.of, &other.window.as_str(), &slot.starts_at, &needed],
                )?;
            }
            return Ok(Some((*limit, self.later_window(workspace_id, limit, slot, needed)?)));
        }
        Ok(None)
    }

    /// Counts a message that waits for no room.
    ///
    /// # Errors
    /// When the store fails.
    pub fn use_room(
        &mut self,
        workspace_id: WorkspaceId,
        limits: &[RateLimit],
        segments: u32,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for limit in limits {
            let starts_at = limit.window.slot(now).starts_at;
            let key: [&dyn crate::Bind; 5] = [&workspace_id, &limit.of, &limit.window.as_str(), &starts_at, &segments];
            self.execute(&ADD_TO_WINDOW, &key)?;
        }
        Ok(())
    }

    /// Gives room back that was taken at `now` for a message that did not leave after all.
    ///
    /// # Errors
    /// When the store fails.
    pub fn give_room_back(
        &mut self,
        workspace_id: WorkspaceId,
        limit: RateLimit,
        segments: u32,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let starts_at = limit.window.slot(now).starts_at;
        let key: [&dyn crate::Bind; 5] = [&workspace_id, &limit.of, &limit.window.as_str(), &starts_at, &segments];
        self.execute(&GIVE_ROOM_BACK, &key).map(|_| ())
    }

    /// When a message that found a window full may try again. Those that were refused before it go first, so that a long
    /// queue is spread over the windows to come and not looked at in each of them.
    fn later_window(
        &mut self,
        workspace_id: WorkspaceId,
        limit: &RateLimit,
        slot: Slot,
        needed: u32,
    ) -> Result<Timestamp, StoreError> {
        let key: [&dyn crate::Bind; 5] = [&workspace_id, &limit.of, &limit.window.as_str(), &slot.starts_at, &needed];
        let refused = self.query_opt(&REFUSE_ROOM, &key, |row| row.next::<i64>())?.unwrap_or_default();
        let ahead = (refused - i64::from(needed)).max(0) / i64::from(limit.segments);
        let most = if limit.window == RateWindow::Day { 7 } else { MOST_WINDOWS_AHEAD };
        Ok(limit.window.later(slot.ends_at, ahead.min(most)))
    }

    /// Removes windows that are over.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_old_rate_windows(&mut self, workspace_id: WorkspaceId, before: Timestamp) -> Result<u64, StoreError> {
        self.execute(&DELETE_OLD_RATE_WINDOWS, &[&workspace_id, &before])
    }
}
