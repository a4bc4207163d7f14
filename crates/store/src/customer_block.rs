//! Customers that the business wants no messages of.
//!
//! The block holds here from the commit on; the provider is told by a job, and `state` says how far that is. Which
//! addresses it was told is kept, so that an unblock goes to the same ones, whatever the customer's address is by then.
//!
//! # Why an older word never comes last
//! A job takes the row for a time ([`Tx::begin_telling`]) before it speaks to the provider, and what it came to is noted
//! only when nothing was changed meanwhile. Whoever comes while the row is taken comes again later. A crash in between
//! lets the time run out, and the job says again what is to be said then.

use segue_model::{ChannelId, MessagingUserId, Timestamp, WorkspaceId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Row, StoreError, Tx,
    messaging_user::{Identifier, IdentifierKind},
    outbox::AddressKind,
    tx::json_text,
};

/// Kind of the jobs that tell the provider.
pub const TELL_BLOCK: &str = "tell_block";

segue_model::text_enum! {
    /// How far the provider knows of a block.
    pub enum BlockState {
        /// The provider is being told.
        Blocking = "blocking",
        Blocked = "blocked",
        /// The provider is being told that it ends.
        Unblocking = "unblocking",
        /// The provider did not do it; here the block holds all the same.
        Failed = "failed",
        /// The provider did not end it. Here it has ended: the customer is not blocked, and nothing they write may come in.
        UnblockFailed = "unblock_failed",
    }
}

/// A blocked customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = CustomerBlock)]
pub struct BlockView {
    pub messaging_user_id: MessagingUserId,
    pub channel_id: ChannelId,
    pub state: BlockState,
    /// Why the provider did not do it.
    pub failure: Option<String>,
    pub reason: String,
    /// Who did it: the id of a user or an API key.
    pub actor: String,
    pub at: Timestamp,
    /// The best name known of the customer: the profile's, or the user name.
    pub name: Option<String>,
}

/// An address as the provider was told it.
pub type ToldAddress = (AddressKind, String);

/// What to tell the provider.
#[derive(Clone, PartialEq, Eq)]
pub struct Telling {
    pub channel_id: ChannelId,
    /// [`BlockState::Blocking`] or [`BlockState::Unblocking`].
    pub state: BlockState,
    pub addresses: Vec<ToldAddress>,
}

/// What [`Tx::begin_telling`] came to.
#[derive(Clone, PartialEq, Eq)]
pub enum BeginTelling {
    Tell(Telling),
    /// There is nothing to say.
    Nothing,
    /// Somebody else is speaking to the provider about this customer.
    Busy,
}

/// A block as it is stored.
struct BlockRow {
    channel_id: ChannelId,
    state: BlockState,
    failure: Option<String>,
    reason: String,
    actor: String,
    at: Timestamp,
    addresses: Vec<ToldAddress>,
    telling_until: Timestamp,
}

/// A customer of two that part, and whether it was blocked before they were merged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parting {
    pub id: MessagingUserId,
    pub was_blocked: bool,
}

crate::sql! {
    PUT_BLOCK = "INSERT INTO customer_blocks (workspace_id, messaging_user_id, channel_id, state, failure, reason, actor, at,
            addresses, telling_until)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (workspace_id, messaging_user_id) DO UPDATE SET state = EXCLUDED.state, failure = EXCLUDED.failure,
            reason = EXCLUDED.reason, actor = EXCLUDED.actor, at = EXCLUDED.at, addresses = EXCLUDED.addresses,
            telling_until = EXCLUDED.telling_until";
    BLOCK_ROW = "SELECT channel_id, state, failure, reason, actor, at, addresses, telling_until FROM customer_blocks
        WHERE workspace_id = $1 AND messaging_user_id = $2";
    DELETE_BLOCK = "DELETE FROM customer_blocks WHERE workspace_id = $1 AND messaging_user_id = $2";
    TAKE_BLOCK = "UPDATE customer_blocks SET telling_until = $3, addresses = $4
        WHERE workspace_id = $1 AND messaging_user_id = $2";
    LET_GO_OF_BLOCK = "UPDATE customer_blocks SET telling_until = 0 WHERE workspace_id = $1 AND messaging_user_id = $2";
    MARK_USER = "UPDATE messaging_users SET blocked_at = $3, version = version + 1
        WHERE workspace_id = $1 AND id = $2";
    BLOCK = "SELECT b.messaging_user_id, b.channel_id, b.state, b.failure, b.reason, b.actor, b.at,
            COALESCE(u.profile_name, u.username)
        FROM customer_blocks b
        JOIN messaging_users u ON u.workspace_id = b.workspace_id AND u.id = b.messaging_user_id
        WHERE b.workspace_id = $1 AND b.messaging_user_id = $2";
    BLOCKS = "SELECT b.messaging_user_id, b.channel_id, b.state, b.failure, b.reason, b.actor, b.at,
            COALESCE(u.profile_name, u.username)
        FROM customer_blocks b
        JOIN messaging_users u ON u.workspace_id = b.workspace_id AND u.id = b.messaging_user_id
        WHERE b.workspace_id = $1 AND b.messaging_user_id < $2 ORDER BY b.messaging_user_id DESC LIMIT $3";
    MOVE_BLOCK = "UPDATE customer_blocks SET messaging_user_id = $3 WHERE workspace_id = $1 AND messaging_user_id = $2";
    BEGIN_UNBLOCK = "UPDATE customer_blocks SET state = 'unblocking', failure = NULL
        WHERE workspace_id = $1 AND messaging_user_id = $2 AND state <> 'unblocking'";
    SETTLE_BLOCK = "UPDATE customer_blocks SET state = $3, failure = $4
        WHERE workspace_id = $1 AND messaging_user_id = $2";
}

fn read(row: &mut Row<'_>) -> Result<BlockView, StoreError> {
    Ok(BlockView {
        messaging_user_id: row.next()?,
        channel_id: row.next()?,
        state: row.word()?,
        failure: row.next()?,
        reason: row.next()?,
        actor: row.next()?,
        at: row.next()?,
        name: row.next()?,
    })
}

impl Tx<'_> {
    /// Blocks a customer, or gives the block another reason.
    ///
    /// # Errors
    /// When the store fails.
    pub fn block_customer(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: MessagingUserId,
        channel_id: ChannelId,
        reason: &str,
        actor: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let before = self.block_row(workspace_id, user_id)?;
        let (mut addresses, telling_until) =
            before.map_or_else(|| (Vec::new(), Timestamp(0)), |row| (row.addresses, row.telling_until));
        add(&mut addresses, self.address_of(workspace_id, user_id)?);
        let row = BlockRow {
            channel_id,
            state: BlockState::Blocking,
            failure: None,
            reason: reason.to_owned(),
            actor: actor.to_owned(),
            at: now,
            addresses,
            telling_until,
        };
        self.put_block(workspace_id, user_id, &row)?;
        self.execute(&MARK_USER, &[&workspace_id, &user_id, &Some(now)]).map(|_| ())
    }

    /// Ends a block here; the provider is still to be told. `false` when there is none, or it is ending already.
    ///
    /// # Errors
    /// When the store fails.
    pub fn unblock_customer(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: MessagingUserId,
    ) -> Result<bool, StoreError> {
        self.execute(&MARK_USER, &[&workspace_id, &user_id, &None::<Timestamp>])?;
        Ok(self.execute(&BEGIN_UNBLOCK, &[&workspace_id, &user_id])? == 1)
    }

    fn block_row(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: MessagingUserId,
    ) -> Result<Option<BlockRow>, StoreError> {
        self.query_opt(&BLOCK_ROW, &[&workspace_id, &user_id], |row| {
            Ok(BlockRow {
                channel_id: row.next()?,
                state: row.word()?,
                failure: row.next()?,
                reason: row.next()?,
                actor: row.next()?,
                at: row.next()?,
                addresses: row.json()?,
                telling_until: row.next()?,
            })
        })
    }

    fn put_block(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: MessagingUserId,
        row: &BlockRow,
    ) -> Result<(), StoreError> {
        let addresses = json_text(&row.addresses)?;
        let params: [&dyn crate::Bind; 10] = [
            &workspace_id,
            &user_id,
            &row.channel_id,
            &row.state.as_str(),
            &row.failure,
            &row.reason,
            &row.actor,
            &row.at,
            &addresses,
            &row.telling_until,
        ];
        self.execute(&PUT_BLOCK, &params).map(|_| ())
    }

    /// `from` becomes part of `into`: whatever is to be known of a block of either holds for the one that stays, and the
    /// provider knows of all addresses. `true` when it is still to be told something.
    ///
    /// # Errors
    /// When the store fails.
    pub fn merge_blocks(
        &mut self,
        workspace_id: WorkspaceId,
        from: MessagingUserId,
        into: MessagingUserId,
    ) -> Result<bool, StoreError> {
        let since = |user: Option<crate::messaging_user::MessagingUser>| user.and_then(|user| user.blocked_at);
        let gone_since = since(self.messaging_user(workspace_id, from)?);
        let kept_since = since(self.messaging_user(workspace_id, into)?);
        if kept_since.is_none() && gone_since.is_some() {
            self.execute(&MARK_USER, &[&workspace_id, &into, &gone_since])?;
        }
        let Some(gone) = self.block_row(workspace_id, from)? else { return Ok(false) };
        let Some(mut kept) = self.block_row(workspace_id, into)? else {
            self.execute(&MOVE_BLOCK, &[&workspace_id, &from, &into])?;
            return Ok(matches!(gone.state, BlockState::Blocking | BlockState::Unblocking));
        };
        if gone_since.is_some() && (kept_since.is_none() || gone.at > kept.at) {
            (kept.reason, kept.actor, kept.at) = (gone.reason, gone.actor, gone.at);
        }
        let is_blocked = gone_since.is_some() || kept_since.is_some();
        let both_are_told = gone.state == BlockState::Blocked && kept.state == BlockState::Blocked;
        kept.state = match (is_blocked, both_are_told) {
            (true, true) => BlockState::Blocked,
            (true, false) => BlockState::Blocking,
            (false, _) => BlockState::Unblocking,
        };
        (kept.failure, kept.telling_until) = (None, kept.telling_until.max(gone.telling_until));
        for address in gone.addresses {
            add(&mut kept.addresses, Some(address));
        }
        self.put_block(workspace_id, into, &kept)?;
        self.execute(&DELETE_BLOCK, &[&workspace_id, &from])?;
        Ok(!both_are_told)
    }

    /// Two customers part. A block of before the merge is theirs who had it; one that was made since holds for both, as it
    /// was made of both. Each keeps what the provider was told of its own addresses. Gives of whom the provider is to be
    /// told. To be called when the identifiers are back where they were.
    pub(crate) fn part_blocks(
        &mut self,
        workspace_id: WorkspaceId,
        (kept, merged): (Parting, Parting),
        merged_at: Timestamp,
    ) -> Result<Vec<MessagingUserId>, StoreError> {
        let is_blocked = self.messaging_user(workspace_id, kept.id)?.is_some_and(|user| user.blocked_at.is_some());
        let Some(row) = self.block_row(workspace_id, kept.id)?.filter(|_| is_blocked) else {
            // Nobody is blocked any more. What is still to be told of that stays with the one it was said of.
            return Ok(Vec::new());
        };
        let mut to_tell = Vec::new();
        let identifiers = self.identifiers_of(workspace_id, merged.id)?;
        let (of_merged, of_kept): (Vec<_>, Vec<_>) =
            row.addresses.iter().cloned().partition(|address| is_among(address, &identifiers));
        for (customer, mut addresses) in [(kept, of_kept), (merged, of_merged)] {
            let holds = customer.was_blocked || row.at > merged_at;
            let state = match (holds, addresses.is_empty()) {
                (false, true) => {
                    self.execute(&DELETE_BLOCK, &[&workspace_id, &customer.id])?;
                    self.execute(&MARK_USER, &[&workspace_id, &customer.id, &None::<Timestamp>])?;
                    continue;
                }
                (false, false) => BlockState::Unblocking,
                (true, true) => BlockState::Blocking,
                (true, false) => row.state,
            };
            if addresses.is_empty() {
                add(&mut addresses, self.address_of(workspace_id, customer.id)?);
            }
            if matches!(state, BlockState::Blocking | BlockState::Unblocking) {
                to_tell.push(customer.id);
            }
            let failure = row.failure.clone().filter(|_| state == BlockState::Failed);
            let (reason, actor) = (row.reason.clone(), row.actor.clone());
            self.put_block(workspace_id, customer.id, &BlockRow { state, failure, reason, actor, addresses, ..row })?;
            self.execute(&MARK_USER, &[&workspace_id, &customer.id, &holds.then_some(row.at)])?;
        }
        Ok(to_tell)
    }

    /// Takes a block to tell the provider of it, until `until`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn begin_telling(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: MessagingUserId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<BeginTelling, StoreError> {
        let Some(mut row) = self.block_row(workspace_id, user_id)? else { return Ok(BeginTelling::Nothing) };
        if !matches!(row.state, BlockState::Blocking | BlockState::Unblocking) {
            return Ok(BeginTelling::Nothing);
        }
        if row.telling_until > now {
            return Ok(BeginTelling::Busy);
        }
        if row.addresses.is_empty() {
            add(&mut row.addresses, self.address_of(workspace_id, user_id)?);
        }
        let addresses = json_text(&row.addresses)?;
        self.execute(&TAKE_BLOCK, &[&workspace_id, &user_id, &until, &addresses])?;
        Ok(BeginTelling::Tell(Telling { channel_id: row.channel_id, state: row.state, addresses: row.addresses }))
    }

    /// Lets go of a block without having told the provider.
    ///
    /// # Errors
    /// When the store fails.
    pub fn let_go_of_block(&mut self, workspace_id: WorkspaceId, user_id: MessagingUserId) -> Result<(), StoreError> {
        self.execute(&LET_GO_OF_BLOCK, &[&workspace_id, &user_id]).map(|_| ())
    }

    /// One blocked customer.
    ///
    /// # Errors
    /// When the store fails.
    pub fn block_of(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: MessagingUserId,
    ) -> Result<Option<BlockView>, StoreError> {
        self.query_opt(&BLOCK, &[&workspace_id, &user_id], read)
    }

    /// Blocked customers, those that wrote first last.
    ///
    /// # Errors
    /// When the store fails.
    pub fn blocks(
        &mut self,
        workspace_id: WorkspaceId,
        before: Option<MessagingUserId>,
        limit: u32,
    ) -> Result<Vec<BlockView>, StoreError> {
        let before = before.unwrap_or(MessagingUserId(uuid::Uuid::max()));
        self.query(&BLOCKS, &[&workspace_id, &before, &limit], read)
    }

    /// Notes what the provider answered, unless the customer's block was changed meanwhile.
    ///
    /// # Errors
    /// When the store fails.
    pub fn settle_block(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: MessagingUserId,
        told: &Telling,
        failure: Option<&str>,
    ) -> Result<(), StoreError> {
        self.let_go_of_block(workspace_id, user_id)?;
        let is_the_same = |row: &BlockRow| (row.state, &row.addresses) == (told.state, &told.addresses);
        if !self.block_row(workspace_id, user_id)?.is_some_and(|row| is_the_same(&row)) {
            return Ok(());
        }
        if told.state == BlockState::Unblocking && failure.is_none() {
            return self.execute(&DELETE_BLOCK, &[&workspace_id, &user_id]).map(|_| ());
        }
        let to = match (told.state, failure) {
            (BlockState::Unblocking, _) => BlockState::UnblockFailed,
            (_, Some(_)) => BlockState::Failed,
            (_, None) => BlockState::Blocked,
        };
        self.execute(&SETTLE_BLOCK, &[&workspace_id, &user_id, &to.as_str(), &failure]).map(|_| ())
    }
}

fn add(addresses: &mut Vec<ToldAddress>, address: Option<ToldAddress>) {
    addresses.extend(address.filter(|address| !addresses.contains(address)));
}

/// Whether an address is one of a customer's.
fn is_among((kind, address): &ToldAddress, identifiers: &[Identifier]) -> bool {
    identifiers.iter().any(|identifier| match (kind, identifier.kind) {
        (AddressKind::Phone, IdentifierKind::Phone) => identifier.value == *address,
        (AddressKind::Phone, IdentifierKind::WaId) => address.strip_prefix('+') == Some(&identifier.value),
        (AddressKind::Bsuid, IdentifierKind::Bsuid | IdentifierKind::ParentBsuid) => identifier.value == *address,
        _ => false,
    })
}
