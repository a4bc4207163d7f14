//! How many customers a business portfolio may write to first, and how many it has in the last 24 hours.
//!
//! The number counted (`used`) is kept on the limit's row and counted anew from the rows of the customers at least once a
//! minute, and before anybody is told that the limit is reached: it is never below the truth, because a customer is
//! counted in the transaction that records that the message leaves.
//!
//! Each customer stands with the message that counted last and with the moment that counted before it, so that a message
//! that certainly did not leave gives back what it took and nothing else, in the transaction that records its outcome.
//! What another message counted meanwhile stays. What is in doubt stays counted for a day.

use segue_model::{
    MessageId, Timestamp, WorkspaceId,
    template_rules::{Budget, LIMIT_WINDOW},
    time,
};

use crate::{StoreError, Tx};

/// How long a count is good.
const RECOUNT: i64 = time::MINUTE;

/// What the platform allows a portfolio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessagingLimit {
    /// `None` for no limit.
    pub most: Option<u32>,
    /// When the platform told it; `None` when it never did.
    pub told_at: Option<Timestamp>,
    pub used: u32,
    counted_at: Timestamp,
}

crate::sql! {
    LIMIT = "SELECT most, told_at, used, counted_at FROM messaging_limits WHERE workspace_id = $1 AND portfolio = $2";
    SET_LIMIT = "INSERT INTO messaging_limits (workspace_id, portfolio, most, told_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (workspace_id, portfolio) DO UPDATE SET most = excluded.most, told_at = excluded.told_at";
    SET_USED = "INSERT INTO messaging_limits (workspace_id, portfolio, used, counted_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (workspace_id, portfolio) DO UPDATE SET used = excluded.used, counted_at = excluded.counted_at";
    COUNT_INITIATED = "SELECT COUNT(*) FROM initiated_chats WHERE workspace_id = $1 AND portfolio = $2 AND at > $3";
    FIRST_INITIATED = "SELECT at FROM initiated_chats WHERE workspace_id = $1 AND portfolio = $2 AND at > $3
        ORDER BY at LIMIT 1";
    INITIATED_AT = "SELECT at FROM initiated_chats WHERE workspace_id = $1 AND portfolio = $2 AND address = $3";
    /// A message that is tried again keeps what counted before its first attempt.
    INITIATE = "INSERT INTO initiated_chats (workspace_id, portfolio, address, at, message_id) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (workspace_id, portfolio, address) DO UPDATE SET at = excluded.at, message_id = excluded.message_id,
            before_at = CASE WHEN initiated_chats.message_id = excluded.message_id THEN initiated_chats.before_at
                ELSE initiated_chats.at END";
    /// Nothing counted before it, or nothing that still does.
    UNCOUNT_INITIATED = "DELETE FROM initiated_chats WHERE workspace_id = $1 AND message_id = $2
            AND (before_at IS NULL OR before_at <= $3)
        RETURNING portfolio, at";
    USED_ONE_LESS = "UPDATE messaging_limits SET used = used - 1
        WHERE workspace_id = $1 AND portfolio = $2 AND used > 0";
    COUNT_AS_BEFORE = "UPDATE initiated_chats SET at = before_at, before_at = NULL, message_id = NULL
        WHERE workspace_id = $1 AND message_id = $2 AND before_at IS NOT NULL";
    JOIN_INITIATED = "INSERT INTO initiated_chats (workspace_id, portfolio, address, at, message_id, before_at)
        SELECT workspace_id, CAST($3 AS TEXT), address, at, message_id, before_at FROM initiated_chats
            WHERE workspace_id = $1 AND portfolio = $2
        ON CONFLICT (workspace_id, portfolio, address) DO UPDATE SET message_id = NULL, before_at = NULL,
            at = CASE WHEN excluded.at > initiated_chats.at THEN excluded.at ELSE initiated_chats.at END";
    JOIN_LIMIT = "INSERT INTO messaging_limits (workspace_id, portfolio, most, told_at)
        SELECT workspace_id, CAST($3 AS TEXT), most, told_at FROM messaging_limits
        WHERE workspace_id = $1 AND portfolio = $2 ON CONFLICT DO NOTHING";
    COUNT_ANEW = "UPDATE messaging_limits SET counted_at = 0 WHERE workspace_id = $1 AND portfolio = $2";
    DELETE_OLD_INITIATED = "DELETE FROM initiated_chats WHERE workspace_id = $1 AND at < $2";
    RELEASE_AT_LIMIT = "SELECT id FROM campaigns WHERE workspace_id = $1 AND hold_rule = 'messaging_limit'
        AND state IN ('planning', 'running', 'paused')";
}

impl Tx<'_> {
    /// Makes everything that counts against a portfolio's limit wait for each other.
    ///
    /// # Errors
    /// When the engine refuses it.
    pub fn lock_messaging_limit(&mut self, workspace_id: WorkspaceId, portfolio: &str) -> Result<(), StoreError> {
        self.lock("messaging_limit", &format_args!("{workspace_id}:{portfolio}"))
    }

    /// Stores what the platform told of a portfolio's limit then, unless something newer is known. `true` when it changed;
    /// campaigns that wait at it are tried again then.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_messaging_limit(
        &mut self,
        workspace_id: WorkspaceId,
        portfolio: &str,
        most: Option<u32>,
        (told_at, now): (Timestamp, Timestamp),
    ) -> Result<bool, StoreError> {
        self.lock_messaging_limit(workspace_id, portfolio)?;
        let known = self.messaging_limit(workspace_id, portfolio)?;
        let known_at = known.and_then(|known| known.told_at);
        // The platform tells whole seconds: what is of the second of the last word counts in the order of arrival.
        if known_at.is_some_and(|known_at| told_at.plus(999) < known_at) {
            return Ok(false);
        }
        let told_at = told_at.max(known_at.unwrap_or(told_at));
        self.execute(&SET_LIMIT, &[&workspace_id, &portfolio, &most, &told_at])?;
        if known.is_some_and(|known| known.told_at.is_some() && known.most == most) {
            return Ok(false);
        }
        self.release_at_limit(workspace_id, now)?;
        Ok(true)
    }

    /// Campaigns that wait at the limit are tried again.
    fn release_at_limit(&mut self, workspace_id: WorkspaceId, now: Timestamp) -> Result<(), StoreError> {
        let waiting = self.query(&RELEASE_AT_LIMIT, &[&workspace_id], |row| row.next())?;
        for id in waiting {
            self.release_campaign(workspace_id, id, now)?;
        }
        Ok(())
    }

    fn messaging_limit(
        &mut self,
        workspace_id: WorkspaceId,
        portfolio: &str,
    ) -> Result<Option<MessagingLimit>, StoreError> {
        self.query_opt(&LIMIT, &[&workspace_id, &portfolio], |row| {
            Ok(MessagingLimit { most: row.next()?, told_at: row.next()?, used: row.next()?, counted_at: row.next()? })
        })
    }

    /// The limit as it is now, with customers counted anew. For people to read; nothing is changed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn messaging_limit_now(
        &mut self,
        workspace_id: WorkspaceId,
        portfolio: &str,
        now: Timestamp,
    ) -> Result<MessagingLimit, StoreError> {
        let known = self.messaging_limit(workspace_id, portfolio)?;
        let used = self.count_initiated(workspace_id, portfolio, now)?;
        let none = MessagingLimit { most: None, told_at: None, used, counted_at: now };
        Ok(known.map_or(none, |known| MessagingLimit { used, ..known }))
    }

    fn count_initiated(
        &mut self,
        workspace_id: WorkspaceId,
        portfolio: &str,
        now: Timestamp,
    ) -> Result<u32, StoreError> {
        self.query_one(&COUNT_INITIATED, &[&workspace_id, &portfolio, &now.plus(-LIMIT_WINDOW)], |row| row.next())
    }

    /// What the limit leaves for a message to this customer: nothing to weigh when there is no limit or the customer is
    /// counted already. Take [`Tx::lock_messaging_limit`] before.
    ///
    /// # Errors
    /// When the store fails.
    pub fn messaging_budget(
        &mut self,
        workspace_id: WorkspaceId,
        (portfolio, address): (&str, &str),
        now: Timestamp,
    ) -> Result<Option<Budget>, StoreError> {
        let Some(limit) = self.messaging_limit(workspace_id, portfolio)? else { return Ok(None) };
        let Some(most) = limit.most else { return Ok(None) };
        if self.is_initiated(workspace_id, (portfolio, address), now)? {
            return Ok(None);
        }
        let mut used = limit.used;
        if used >= most || now.since(limit.counted_at) > RECOUNT {
            used = self.count_initiated(workspace_id, portfolio, now)?;
            self.execute(&SET_USED, &[&workspace_id, &portfolio, &used, &now])?;
        }
        let first =
            self.query_opt(&FIRST_INITIATED, &[&workspace_id, &portfolio, &now.plus(-LIMIT_WINDOW)], |row| {
                row.next::<Timestamp>()
            })?;
        // With no room and nobody who drops out the limit itself is nothing: look again in an hour.
        let room_at = first.map_or_else(|| now.plus(time::HOUR), |first| first.plus(LIMIT_WINDOW));
        Ok(Some(Budget { most, used, room_at }))
    }

    fn is_initiated(
        &mut self,
        workspace_id: WorkspaceId,
        (portfolio, address): (&str, &str),
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let at =
            self.query_opt(&INITIATED_AT, &[&workspace_id, &portfolio, &address], |row| row.next::<Timestamp>())?;
        Ok(at.is_some_and(|at| at > now.plus(-LIMIT_WINDOW)))
    }

    /// Counts a customer whom the business writes to first with this message. Take [`Tx::lock_messaging_limit`] before.
    ///
    /// # Errors
    /// When the store fails.
    pub fn count_initiated_chat(
        &mut self,
        workspace_id: WorkspaceId,
        (portfolio, address): (&str, &str),
        message_id: MessageId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let counted = self.is_initiated(workspace_id, (portfolio, address), now)?;
        self.execute(&INITIATE, &[&workspace_id, &portfolio, &address, &now, &message_id])?;
        if !counted {
            let limit = self.messaging_limit(workspace_id, portfolio)?;
            let (used, at) = limit.map_or((0, Timestamp(0)), |limit| (limit.used, limit.counted_at));
            self.execute(&SET_USED, &[&workspace_id, &portfolio, &(used + 1), &at])?;
        }
        Ok(())
    }

    /// Gives back what a message counted that certainly did not leave. When it is not tried again (`for_good`), campaigns
    /// that wait at the limit are looked at: there is room for one customer more.
    ///
    /// # Errors
    /// When the store fails.
    pub fn uncount_initiated_chat(
        &mut self,
        workspace_id: WorkspaceId,
        message_id: MessageId,
        (for_good, now): (bool, Timestamp),
    ) -> Result<(), StoreError> {
        let since = now.plus(-LIMIT_WINDOW);
        let keys: &[&dyn crate::Bind] = &[&workspace_id, &message_id, &since];
        let uncounted: Vec<(String, Timestamp)> =
            self.query(&UNCOUNT_INITIATED, keys, |row| Ok((row.next()?, row.next()?)))?;
        if uncounted.is_empty() {
            return self.execute(&COUNT_AS_BEFORE, &keys[..2]).map(|_| ());
        }
        // What is a day old may not be in the number any more; the next count puts that right.
        for (portfolio, _) in uncounted.iter().filter(|(_, at)| *at > since) {
            self.execute(&USED_ONE_LESS, &[&workspace_id, portfolio])?;
        }
        if for_good { self.release_at_limit(workspace_id, now) } else { Ok(()) }
    }

    /// What counted for `from` counts for `into` from now on: a business account turned out to be of a portfolio. Those
    /// of `from` stay as well, for other numbers that are still counted so; they are forgotten after a day.
    pub(crate) fn join_portfolio(
        &mut self,
        workspace_id: WorkspaceId,
        from: &str,
        into: &str,
    ) -> Result<(), StoreError> {
        let mut both = [from, into];
        both.sort_unstable();
        for portfolio in both {
            self.lock_messaging_limit(workspace_id, portfolio)?;
        }
        self.execute(&JOIN_INITIATED, &[&workspace_id, &from, &into])?;
        self.execute(&JOIN_LIMIT, &[&workspace_id, &from, &into])?;
        self.execute(&COUNT_ANEW, &[&workspace_id, &into]).map(|_| ())
    }

    /// Removes customers who count no longer.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_old_initiated_chats(
        &mut self,
        workspace_id: WorkspaceId,
        before: Timestamp,
    ) -> Result<u64, StoreError> {
        self.execute(&DELETE_OLD_INITIATED, &[&workspace_id, &before])
    }
}
