//! Pools of senders, and which of its senders each number keeps.
//!
//! A number's sender is written in the transaction that queues its first message from the pool, with one statement that
//! keeps what is there: of two that choose at once, both get the same. A crash before the commit leaves neither the
//! message nor the sender; after it both stay.

use segue_model::{SenderId, SenderPoolId, Timestamp, WorkspaceId};
use serde::Serialize;

use crate::{Row, StoreError, Tx};

/// A pool of senders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = SenderPool)]
pub struct SenderPoolView {
    pub id: SenderPoolId,
    pub name: String,
    /// In the order in which they were made.
    pub sender_ids: Vec<SenderId>,
    /// Numbers that keep one of its senders.
    pub numbers: u64,
    pub created_at: Timestamp,
}

crate::sql! {
    INSERT_POOL = "INSERT INTO sender_pools (workspace_id, id, name, created_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (workspace_id, name) DO NOTHING";
    RENAME_POOL = "UPDATE sender_pools SET name = $3 WHERE workspace_id = $1 AND id = $2 AND NOT EXISTS (
            SELECT 1 FROM sender_pools o WHERE o.workspace_id = $1 AND o.name = $3 AND o.id <> $2)";
    POOLS = "SELECT p.id, p.name, (SELECT COUNT(*) FROM sticky_senders s
                WHERE s.workspace_id = p.workspace_id AND s.pool_id = p.id), p.created_at
        FROM sender_pools p WHERE p.workspace_id = $1 ORDER BY p.id";
    POOL_EXISTS = "SELECT 1 FROM sender_pools WHERE workspace_id = $1 AND id = $2";
    MEMBERS = "SELECT pool_id, sender_id FROM sender_pool_members WHERE workspace_id = $1 ORDER BY pool_id, sender_id";
    MEMBERS_OF = "SELECT sender_id FROM sender_pool_members WHERE workspace_id = $1 AND pool_id = $2
        ORDER BY sender_id";
    CLEAR_MEMBERS = "DELETE FROM sender_pool_members WHERE workspace_id = $1 AND pool_id = $2";
    ADD_MEMBER = "INSERT INTO sender_pool_members (workspace_id, pool_id, sender_id) VALUES ($1, $2, $3)
        ON CONFLICT (workspace_id, pool_id, sender_id) DO NOTHING";
    POOL_IS_USED = "SELECT 1 FROM campaigns WHERE workspace_id = $1 AND pool_id = $2
            AND state NOT IN ('finished', 'canceled')
        UNION ALL SELECT 1 FROM message_batches WHERE workspace_id = $1 AND pool_id = $2 AND state = 'working' LIMIT 1";
    LOST_NAMED_SENDER = "SELECT 1 FROM campaigns WHERE workspace_id = $1 AND pool_id = $2
            AND state NOT IN ('draft', 'finished', 'canceled') AND sender_id NOT IN (
                SELECT m.sender_id FROM sender_pool_members m WHERE m.workspace_id = $1 AND m.pool_id = $2) LIMIT 1";
    CLEAR_KEPT = "DELETE FROM sticky_senders WHERE workspace_id = $1 AND pool_id = $2";
    DELETE_POOL = "DELETE FROM sender_pools WHERE workspace_id = $1 AND id = $2";
    KEPT_SENDER = "SELECT sender_id FROM sticky_senders WHERE workspace_id = $1 AND pool_id = $2 AND address = $3";
    /// Changes nothing where there is one already, and gives that.
    KEEP_SENDER = "INSERT INTO sticky_senders (workspace_id, pool_id, address, sender_id, since)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (workspace_id, pool_id, address) DO UPDATE SET sender_id = sticky_senders.sender_id
        RETURNING sender_id";
    REPLACE_SENDER = "UPDATE sticky_senders SET sender_id = $4, since = $5
        WHERE workspace_id = $1 AND pool_id = $2 AND address = $3";
}

fn read_member(row: &mut Row<'_>) -> Result<SenderId, StoreError> {
    row.next()
}

impl Tx<'_> {
    /// Adds an empty pool. `false` when the name is taken.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_sender_pool(
        &mut self,
        workspace_id: WorkspaceId,
        id: SenderPoolId,
        name: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&INSERT_POOL, &[&workspace_id, &id, &name, &now])? == 1)
    }

    /// Gives a pool another name. `false` when it is taken or there is no such pool.
    ///
    /// # Errors
    /// When the store fails.
    pub fn rename_sender_pool(
        &mut self,
        workspace_id: WorkspaceId,
        id: SenderPoolId,
        name: &str,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&RENAME_POOL, &[&workspace_id, &id, &name])? == 1)
    }

    /// Makes these senders the pool. Numbers keep their sender as long as it belongs to the pool.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_pool_members(
        &mut self,
        workspace_id: WorkspaceId,
        id: SenderPoolId,
        senders: &[SenderId],
    ) -> Result<(), StoreError> {
        self.execute(&CLEAR_MEMBERS, &[&workspace_id, &id])?;
        for sender in senders {
            self.execute(&ADD_MEMBER, &[&workspace_id, &id, sender])?;
        }
        Ok(())
    }

    /// Whether a campaign that has left its draft and not ended names a sender that the pool does not have (any more).
    ///
    /// # Errors
    /// When the store fails.
    pub fn pool_lost_named_sender(&mut self, workspace_id: WorkspaceId, id: SenderPoolId) -> Result<bool, StoreError> {
        Ok(self.query_opt(&LOST_NAMED_SENDER, &[&workspace_id, &id], |row| row.next::<i64>())?.is_some())
    }

    /// The pools of a workspace, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn sender_pools(&mut self, workspace_id: WorkspaceId) -> Result<Vec<SenderPoolView>, StoreError> {
        let members: Vec<(SenderPoolId, SenderId)> =
            self.query(&MEMBERS, &[&workspace_id], |row| Ok((row.next()?, row.next()?)))?;
        self.query(&POOLS, &[&workspace_id], |row| {
            let id = row.next()?;
            let sender_ids = members.iter().filter(|(pool, _)| *pool == id).map(|(_, sender)| *sender).collect();
            Ok(SenderPoolView { id, sender_ids, name: row.next()?, numbers: row.next()?, created_at: row.next()? })
        })
    }

    /// The senders of a pool, in the order in which they were made; `None` when there is no such pool.
    ///
    /// # Errors
    /// When the store fails.
    pub fn pool_members(
        &mut self,
        workspace_id: WorkspaceId,
        id: SenderPoolId,
    ) -> Result<Option<Vec<SenderId>>, StoreError> {
        if self.query_opt(&POOL_EXISTS, &[&workspace_id, &id], |row| row.next::<i64>())?.is_none() {
            return Ok(None);
        }
        self.query(&MEMBERS_OF, &[&workspace_id, &id], read_member).map(Some)
    }

    /// Removes a pool, and what numbers kept of it. `false` when a campaign or a batch that has not ended uses it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_sender_pool(&mut self, workspace_id: WorkspaceId, id: SenderPoolId) -> Result<bool, StoreError> {
        if self.query_opt(&POOL_IS_USED, &[&workspace_id, &id], |row| row.next::<i64>())?.is_some() {
            return Ok(false);
        }
        self.execute(&CLEAR_MEMBERS, &[&workspace_id, &id])?;
        self.execute(&CLEAR_KEPT, &[&workspace_id, &id])?;
        self.execute(&DELETE_POOL, &[&workspace_id, &id])?;
        Ok(true)
    }

    /// The sender a number keeps in a pool.
    ///
    /// # Errors
    /// When the store fails.
    pub fn kept_sender(
        &mut self,
        workspace_id: WorkspaceId,
        pool_id: SenderPoolId,
        address: &str,
    ) -> Result<Option<SenderId>, StoreError> {
        self.query_opt(&KEPT_SENDER, &[&workspace_id, &pool_id, &address], |row| row.next())
    }

    /// Keeps a sender for a number that has none in this pool, and gives the one it has now.
    ///
    /// # Errors
    /// When the store fails.
    pub fn keep_sender(
        &mut self,
        workspace_id: WorkspaceId,
        pool_id: SenderPoolId,
        address: &str,
        sender: SenderId,
        now: Timestamp,
    ) -> Result<SenderId, StoreError> {
        self.query_one(&KEEP_SENDER, &[&workspace_id, &pool_id, &address, &sender, &now], |row| row.next())
    }

    /// Gives a number another sender: the one it had left the pool, or may not send to it any more.
    ///
    /// # Errors
    /// When the store fails.
    pub fn replace_sender(
        &mut self,
        workspace_id: WorkspaceId,
        pool_id: SenderPoolId,
        address: &str,
        sender: SenderId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(&REPLACE_SENDER, &[&workspace_id, &pool_id, &address, &sender, &now]).map(|_| ())
    }
}
