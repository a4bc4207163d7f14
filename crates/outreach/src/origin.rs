//! Who a text goes out from, and where that sender may send.

use segue_model::{
    PhoneNumber, Timestamp, WorkspaceId, place_of_phone,
    policy::Approval,
    sender::{NotCleared, SenderFacts, clear},
};
use segue_store::{
    StoreError, Tx,
    channel::{Registration, Sender},
};

/// A sender with what decides where it may send.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub sender: Sender,
    pub facts: SenderFacts,
}

impl Origin {
    /// Reads what decides about a sender.
    pub(crate) fn of(tx: &mut Tx<'_>, workspace_id: WorkspaceId, sender: Sender) -> Result<Self, StoreError> {
        let facts = tx.facts_of_sender(workspace_id, &sender)?;
        Ok(Self { sender, facts })
    }

    /// Whether the carrier has activated it.
    pub(crate) fn approval(&self) -> Approval {
        if self.sender.registration == Registration::Active { Approval::Approved } else { Approval::NotApproved }
    }

    /// Why it may not send to this number, when it may not.
    pub(crate) fn not_cleared(&self, phone: Option<&PhoneNumber>, now: Timestamp) -> Option<NotCleared> {
        clear(&self.facts, phone.and_then(place_of_phone), now).err()
    }
}
