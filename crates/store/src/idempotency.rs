//! Answers to requests by the key their client gave them, so that a repeated request is done once.
//!
//! The first request with a key begins it; one that comes while it is worked on is told so; later ones get the same
//! answer. The same key with another request is refused. Keys are kept for [`KEPT`].
//!
//! A process that ends between beginning and finishing leaves the key open. After [`ABANDONED`] the next request with
//! it takes over: what a request does is guarded by unique keys and versions of its own. Whoever ends a request says when
//! it began: one that was taken over keeps its hands off the answer of the other.

use segue_model::{Timestamp, WorkspaceId, time};

use crate::{REMOVED_AT_ONCE, StoreError, Tx};

/// How long a key is remembered, in milliseconds.
pub const KEPT: i64 = 7 * time::DAY;

/// After this long without an answer a request counts as abandoned, in milliseconds.
pub const ABANDONED: i64 = 2 * time::MINUTE;
/// The same of requests that may take minutes: longer than any of them is waited for.
pub const LONG_ABANDONED: i64 = 6 * time::MINUTE;

/// What to do with a request that names a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// Do it, then call [`Tx::finish_request`] or [`Tx::abandon_request`].
    Fresh,
    /// It was done: give this answer.
    Repeat { status: u16, body: String },
    /// The same request is being worked on.
    InFlight,
    /// The key was used for another request.
    Mismatch,
}

crate::sql! {
    BEGIN_REQUEST = "INSERT INTO idempotency_keys (workspace_id, actor, key, request_hash, created_at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (workspace_id, actor, key) DO UPDATE
            SET request_hash = excluded.request_hash, status = NULL, body = NULL, created_at = excluded.created_at
            WHERE idempotency_keys.created_at <= $6
                OR (idempotency_keys.status IS NULL AND idempotency_keys.created_at <= $7
                    AND idempotency_keys.request_hash = $4)";
    REQUEST = "SELECT request_hash, status, body FROM idempotency_keys
        WHERE workspace_id = $1 AND actor = $2 AND key = $3";
    FINISH_REQUEST = "UPDATE idempotency_keys SET status = $4, body = $5
        WHERE workspace_id = $1 AND actor = $2 AND key = $3 AND status IS NULL AND created_at = $6";
    ABANDON_REQUEST = "DELETE FROM idempotency_keys
        WHERE workspace_id = $1 AND actor = $2 AND key = $3 AND status IS NULL AND created_at = $4";
    DELETE_OLD_REQUESTS = "DELETE FROM idempotency_keys WHERE workspace_id = $1 AND (actor, key) IN (
        SELECT k.actor, k.key FROM idempotency_keys k WHERE k.workspace_id = $1 AND k.created_at <= $2
        ORDER BY k.created_at LIMIT $3)";
}

impl Tx<'_> {
    /// Begins a request under its key. `actor` tells the keys of different people and programs apart.
    ///
    /// # Errors
    /// When the store fails.
    pub fn begin_request(
        &mut self,
        workspace_id: WorkspaceId,
        actor: &str,
        key: &str,
        request_hash: &[u8],
        now: Timestamp,
    ) -> Result<Begun, StoreError> {
        self.begin_request_for(workspace_id, actor, key, request_hash, now, ABANDONED)
    }

    /// [`Tx::begin_request`] of a request that counts as abandoned `after` so many milliseconds.
    ///
    /// # Errors
    /// When the store fails.
    pub fn begin_request_for(
        &mut self,
        workspace_id: WorkspaceId,
        actor: &str,
        key: &str,
        request_hash: &[u8],
        now: Timestamp,
        after: i64,
    ) -> Result<Begun, StoreError> {
        let (expired, abandoned) = (now.plus(-KEPT), now.plus(-after));
        let written =
            self.execute(&BEGIN_REQUEST, &[&workspace_id, &actor, &key, &request_hash, &now, &expired, &abandoned])?;
        if written == 1 {
            return Ok(Begun::Fresh);
        }
        self.query_one(&REQUEST, &[&workspace_id, &actor, &key], |row| {
            let (hash, status, body) =
                (row.next::<Vec<u8>>()?, row.next::<Option<u16>>()?, row.next::<Option<String>>()?);
            Ok(match status {
                _ if hash != request_hash => Begun::Mismatch,
                Some(status) => Begun::Repeat { status, body: body.unwrap_or_default() },
                None => Begun::InFlight,
            })
        })
    }

    /// Stores the answer of the request that began at `begun_at`. Call it in the transaction of the work where there is one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn finish_request(
        &mut self,
        workspace_id: WorkspaceId,
        actor: &str,
        key: &str,
        begun_at: Timestamp,
        (status, body): (u16, &str),
    ) -> Result<(), StoreError> {
        self.execute(&FINISH_REQUEST, &[&workspace_id, &actor, &key, &status, &body, &begun_at]).map(|_| ())
    }

    /// Forgets the request that began at `begun_at` and was not done, so that it can be tried again with the same key.
    ///
    /// # Errors
    /// When the store fails.
    pub fn abandon_request(
        &mut self,
        workspace_id: WorkspaceId,
        actor: &str,
        key: &str,
        begun_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(&ABANDON_REQUEST, &[&workspace_id, &actor, &key, &begun_at]).map(|_| ())
    }

    /// Removes keys older than [`KEPT`].
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_old_requests(&mut self, workspace_id: WorkspaceId, now: Timestamp) -> Result<u64, StoreError> {
        self.execute(&DELETE_OLD_REQUESTS, &[&workspace_id, &now.plus(-KEPT), &REMOVED_AT_ONCE])
    }
}
