//! Parts of long texts that people send, kept until all are there.
//!
//! A carrier delivers each part by itself, in any order and sometimes twice. Parts stay for a day after their text was
//! read, so that a part that is delivered again is known.

use segue_model::{ChannelId, InboxId, Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};

use crate::{Row, StoreError, Tx};

/// Which text a part belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboundTextKey {
    pub channel_id: ChannelId,
    /// The person's number as the carrier writes it.
    pub sender: String,
    pub recipient: String,
    /// The reference that its parts share.
    pub reference: u16,
    /// Number of parts.
    pub total: u8,
}

/// A part as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundPart {
    /// Its place, from 1.
    pub number: u8,
    /// JSON of charset and octets.
    pub part: String,
    /// The inbox row it came in.
    pub inbox_id: InboxId,
    pub received_at: Timestamp,
    /// When its text was read, whole or as far as it came.
    pub read_at: Option<Timestamp>,
}

crate::sql! {
    PARTS = "SELECT number, part, inbox_id, received_at, read_at FROM inbound_parts
        WHERE workspace_id = $1 AND channel_id = $2 AND sender = $3 AND recipient = $4 AND reference = $5 AND total = $6
        ORDER BY number";
    INSERT_PART = "INSERT INTO inbound_parts (workspace_id, channel_id, sender, recipient, reference, total, number, part,
            inbox_id, received_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    MARK_READ = "UPDATE inbound_parts SET read_at = $7
        WHERE workspace_id = $1 AND channel_id = $2 AND sender = $3 AND recipient = $4 AND reference = $5 AND total = $6";
    DELETE_PARTS = "DELETE FROM inbound_parts
        WHERE workspace_id = $1 AND channel_id = $2 AND sender = $3 AND recipient = $4 AND reference = $5 AND total = $6";
    DELETE_OLD_PARTS = "DELETE FROM inbound_parts
        WHERE workspace_id = $1 AND received_at < $2 AND read_at IS NOT NULL";
}

fn read_part(row: &mut Row<'_>) -> Result<InboundPart, StoreError> {
    Ok(InboundPart {
        number: row.next()?,
        part: row.next()?,
        inbox_id: row.next()?,
        received_at: row.next()?,
        read_at: row.next()?,
    })
}

impl Tx<'_> {
    /// Makes everybody who works on this text wait for each other.
    ///
    /// # Errors
    /// When the engine refuses it.
    pub fn lock_inbound_text(&mut self, workspace_id: WorkspaceId, key: &InboundTextKey) -> Result<(), StoreError> {
        self.lock("inbound_text", &format!("{workspace_id}:{}:{}", key.sender, key.reference))
    }

    /// The parts of a text that are there, in their order.
    ///
    /// # Errors
    /// When the store fails.
    pub fn inbound_parts(
        &mut self,
        workspace_id: WorkspaceId,
        key: &InboundTextKey,
    ) -> Result<Vec<InboundPart>, StoreError> {
        let InboundTextKey { channel_id, sender, recipient, reference, total } = key;
        self.query(&PARTS, &[&workspace_id, channel_id, sender, recipient, reference, total], read_part)
    }

    /// Keeps a part that is not there yet.
    ///
    /// # Errors
    /// When the store fails.
    pub fn keep_inbound_part(
        &mut self,
        workspace_id: WorkspaceId,
        key: &InboundTextKey,
        part: &InboundPart,
    ) -> Result<(), StoreError> {
        let InboundTextKey { channel_id, sender, recipient, reference, total } = key;
        let values: &[&dyn crate::Bind] = &[
            &workspace_id,
            channel_id,
            sender,
            recipient,
            reference,
            total,
            &part.number,
            &part.part,
            &part.inbox_id,
            &part.received_at,
        ];
        self.execute(&INSERT_PART, values).map(|_| ())
    }

    /// Notes that the text was read.
    ///
    /// # Errors
    /// When the store fails.
    pub fn mark_parts_read(
        &mut self,
        workspace_id: WorkspaceId,
        key: &InboundTextKey,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let InboundTextKey { channel_id, sender, recipient, reference, total } = key;
        let values: &[&dyn crate::Bind] = &[&workspace_id, channel_id, sender, recipient, reference, total, &now];
        self.execute(&MARK_READ, values).map(|_| ())
    }

    /// Removes the parts of a text, because another one has come under its reference.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_inbound_parts(&mut self, workspace_id: WorkspaceId, key: &InboundTextKey) -> Result<(), StoreError> {
        let InboundTextKey { channel_id, sender, recipient, reference, total } = key;
        self.execute(&DELETE_PARTS, &[&workspace_id, channel_id, sender, recipient, reference, total]).map(|_| ())
    }

    /// Removes parts received before `before` whose text was read.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_old_inbound_parts(
        &mut self,
        workspace_id: WorkspaceId,
        before: Timestamp,
    ) -> Result<u64, StoreError> {
        self.execute(&DELETE_OLD_PARTS, &[&workspace_id, &before])
    }
}
