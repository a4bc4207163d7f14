//! Contacts that may be one person: the pairs that a search found, and the search itself.

use segue_model::{ContactId, Timestamp, WorkspaceId, id::Id as _, time};
use serde::Serialize;
use uuid::Uuid;

use crate::{Row, StoreError, Tx, contact::ContactView};

/// A search that has not ended after this many milliseconds was given up.
const GIVEN_UP: i64 = 2 * time::HOUR;

segue_model::text_enum! {
    /// Why two contacts may be one person.
    pub enum DuplicateReason {
        /// Two writings of one phone line.
        SameLine = "same_line",
        SameEmail = "same_email",
        /// The same name, and something else that strangers rarely share.
        SameName = "same_name",
    }
}

segue_model::text_enum! {
    /// State of a search for duplicates.
    pub enum SearchState {
        Running = "running",
        Done = "done",
    }
}

/// Two contacts that may be one person.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = Duplicate)]
pub struct DuplicateView {
    /// The older one.
    pub first: ContactView,
    pub second: ContactView,
    pub reason: DuplicateReason,
    pub found_at: Timestamp,
}

/// The last search for duplicates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = DuplicateSearch)]
pub struct SearchView {
    #[serde(skip)]
    pub number: i64,
    pub state: SearchState,
    /// Contacts that were looked at.
    pub scanned: i64,
    /// Pairs that were found, with those from before.
    pub found: i64,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

crate::sql! {
    INSERT_DUPLICATE = "INSERT INTO duplicates (workspace_id, first_id, second_id, reason, found_at)
        SELECT $1, $2, $3, $4, $5
        WHERE EXISTS (SELECT 1 FROM contacts a WHERE a.workspace_id = $1 AND a.id = $2)
            AND EXISTS (SELECT 1 FROM contacts b WHERE b.workspace_id = $1 AND b.id = $3)
        ON CONFLICT (workspace_id, first_id, second_id) DO NOTHING";
    DUPLICATE_PAIRS = "SELECT first_id, second_id, reason, found_at FROM duplicates
        WHERE workspace_id = $1 AND dismissed_at IS NULL AND (first_id > $2 OR (first_id = $2 AND second_id > $3))
        ORDER BY first_id, second_id LIMIT $4";
    DISMISS_DUPLICATE = "UPDATE duplicates SET dismissed_at = $4
        WHERE workspace_id = $1 AND first_id = $2 AND second_id = $3 AND dismissed_at IS NULL";
    BEGIN_SEARCH = "INSERT INTO duplicate_searches (workspace_id, number, state, scanned, found, started_at)
        VALUES ($1, 1, 'running', 0, 0, $2)
        ON CONFLICT (workspace_id) DO UPDATE SET number = duplicate_searches.number + 1, state = 'running', scanned = 0,
            found = 0, started_at = $2, ended_at = NULL
        WHERE duplicate_searches.state <> 'running' OR duplicate_searches.started_at < $3";
    SEARCH = "SELECT number, state, scanned, found, started_at, ended_at FROM duplicate_searches WHERE workspace_id = $1";
    SEARCH_PROGRESS = "UPDATE duplicate_searches SET scanned = $3, found = $4
        WHERE workspace_id = $1 AND number = $2 AND state = 'running'";
    END_SEARCH = "UPDATE duplicate_searches SET state = 'done', ended_at = $3
        WHERE workspace_id = $1 AND number = $2 AND state = 'running'";
}

fn read_search(row: &mut Row<'_>) -> Result<SearchView, StoreError> {
    Ok(SearchView {
        number: row.next()?,
        state: row.word()?,
        scanned: row.next()?,
        found: row.next()?,
        started_at: row.next()?,
        ended_at: row.next()?,
    })
}

impl Tx<'_> {
    /// Notes that two contacts may be one person. `false` when that is known, or was denied, or one of them is gone.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_duplicate(
        &mut self,
        workspace_id: WorkspaceId,
        (one, other): (ContactId, ContactId),
        reason: DuplicateReason,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (first, second) = (one.min(other), one.max(other));
        Ok(self.execute(&INSERT_DUPLICATE, &[&workspace_id, &first, &second, &reason.as_str(), &now])? == 1)
    }

    /// Pairs that nobody has settled, from after `after` on.
    ///
    /// # Errors
    /// When the store fails.
    pub fn duplicates(
        &mut self,
        workspace_id: WorkspaceId,
        after: Option<(ContactId, ContactId)>,
        limit: i64,
    ) -> Result<Vec<DuplicateView>, StoreError> {
        let nothing = ContactId::from_uuid(Uuid::nil());
        let (first, second) = after.unwrap_or((nothing, nothing));
        let pairs = self.query(&DUPLICATE_PAIRS, &[&workspace_id, &first, &second, &limit], |row| {
            Ok((row.next::<ContactId>()?, row.next::<ContactId>()?, row.word()?, row.next()?))
        })?;
        let mut all = Vec::with_capacity(pairs.len());
        for (first, second, reason, found_at) in pairs {
            let one = self.contact(workspace_id, first)?;
            let other = self.contact(workspace_id, second)?;
            if let (Some(first), Some(second)) = (one, other) {
                all.push(DuplicateView { first, second, reason, found_at });
            }
        }
        Ok(all)
    }

    /// Somebody says that the two are two persons. `false` when they are no open pair.
    ///
    /// # Errors
    /// When the store fails.
    pub fn dismiss_duplicate(
        &mut self,
        workspace_id: WorkspaceId,
        (one, other): (ContactId, ContactId),
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (first, second) = (one.min(other), one.max(other));
        Ok(self.execute(&DISMISS_DUPLICATE, &[&workspace_id, &first, &second, &now])? == 1)
    }

    /// Begins a search. `false` when one is running, unless it began so long ago that it must have been given up.
    ///
    /// # Errors
    /// When the store fails.
    pub fn begin_duplicate_search(&mut self, workspace_id: WorkspaceId, now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.execute(&BEGIN_SEARCH, &[&workspace_id, &now, &now.plus(-GIVEN_UP)])? == 1)
    }

    /// The last search, if there ever was one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn duplicate_search(&mut self, workspace_id: WorkspaceId) -> Result<Option<SearchView>, StoreError> {
        self.query_opt(&SEARCH, &[&workspace_id], read_search)
    }

    /// Notes how far a search is.
    ///
    /// # Errors
    /// When the store fails.
    pub fn advance_duplicate_search(
        &mut self,
        workspace_id: WorkspaceId,
        number: i64,
        scanned: i64,
        found: i64,
    ) -> Result<(), StoreError> {
        self.execute(&SEARCH_PROGRESS, &[&workspace_id, &number, &scanned, &found]).map(|_| ())
    }

    /// Ends a search.
    ///
    /// # Errors
    /// When the store fails.
    pub fn end_duplicate_search(
        &mut self,
        workspace_id: WorkspaceId,
        number: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(&END_SEARCH, &[&workspace_id, &number, &now]).map(|_| ())
    }
}
