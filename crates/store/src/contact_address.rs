//! Phone numbers and e-mail addresses that a contact has beside its own, and keys of contacts that were merged into it.
//!
//! Invariants:
//! - An address belongs to one contact, be it as its own or as a further one. The key of the table holds it among further
//!   ones; against the contacts' own, whoever adds a further one waits for all who write contacts, and they for it
//!   ([`Tx::hold_addresses`]).
//! - Phone numbers of one contact are one person's, and consent is read so ([`crate::consent_state`]).

use segue_model::{ContactId, PhoneNumber, Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};

use crate::{StoreError, Tx};

segue_model::text_enum! {
    /// What an address is.
    pub enum AddressKind {
        Phone = "phone",
        Email = "email",
        /// A key in another system beside the contact's own external key.
        Key = "key",
    }
}

/// A further address of a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ContactAddress {
    pub kind: AddressKind,
    /// E.164, an e-mail address in small letters, or a key.
    pub address: String,
    /// The lowest is tried first, after the contact's own.
    pub priority: i64,
    /// Since when the contact has it.
    pub added_at: Timestamp,
}

impl ContactAddress {
    /// Whether it is the same address, whatever its place.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let is_email = self.kind == AddressKind::Email;
        self.kind == other.kind
            && (self.address == other.address
                || (is_email && self.address.to_lowercase() == other.address.to_lowercase()))
    }
}

crate::sql! {
    CONTACT_ADDRESSES = "SELECT kind, address, priority, added_at FROM contact_addresses
        WHERE workspace_id = $1 AND contact_id = $2 ORDER BY priority, kind, address";
    INSERT_CONTACT_ADDRESS = "INSERT INTO contact_addresses (workspace_id, kind, address, contact_id, priority, added_at)
        SELECT $1, $2, $3, $4, $5, $6
        WHERE NOT EXISTS (SELECT 1 FROM contacts c WHERE c.workspace_id = $1 AND c.phone = $3 AND $2 = 'phone')
            AND NOT EXISTS (SELECT 1 FROM contacts k WHERE k.workspace_id = $1 AND k.external_key = $3 AND $2 = 'key')
            AND NOT EXISTS (SELECT 1 FROM contact_addresses e WHERE e.workspace_id = $1 AND e.kind = 'email'
                AND LOWER(e.address) = LOWER($3) AND $2 = 'email')
        ON CONFLICT (workspace_id, kind, address) DO NOTHING";
    SET_ADDRESS_PRIORITY = "UPDATE contact_addresses SET priority = $5
        WHERE workspace_id = $1 AND contact_id = $2 AND kind = $3 AND address = $4";
    DELETE_CONTACT_ADDRESS = "DELETE FROM contact_addresses
        WHERE workspace_id = $1 AND contact_id = $2 AND kind = $3 AND address = $4";
    CONTACT_OF_ADDRESS = "SELECT contact_id FROM contact_addresses
        WHERE workspace_id = $1 AND kind = $2 AND address = $3";
}

impl Tx<'_> {
    /// Keeps further addresses as they are until this transaction ends, beside others who do the same: for whoever
    /// writes contacts' own numbers and keys.
    ///
    /// # Errors
    /// When the engine refuses it.
    pub fn hold_addresses(&mut self, workspace_id: WorkspaceId) -> Result<(), StoreError> {
        self.lock_shared("contact_addresses", &workspace_id)
    }

    /// Waits for everybody who holds the addresses, and makes them wait until this transaction has ended. Consents come
    /// first, as everywhere.
    ///
    /// # Errors
    /// When the engine refuses it.
    pub fn lock_addresses(&mut self, workspace_id: WorkspaceId) -> Result<(), StoreError> {
        self.lock_consents(workspace_id)?;
        self.lock("contact_addresses", &workspace_id)
    }

    /// A contact's further addresses, the first to try first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn contact_addresses(
        &mut self,
        workspace_id: WorkspaceId,
        contact_id: ContactId,
    ) -> Result<Vec<ContactAddress>, StoreError> {
        self.query(&CONTACT_ADDRESSES, &[&workspace_id, &contact_id], |row| {
            Ok(ContactAddress { kind: row.word()?, address: row.next()?, priority: row.next()?, added_at: row.next()? })
        })
    }

    /// Gives a contact a further address. `false` when some contact has it, an e-mail address in whatever letters.
    ///
    /// # Errors
    /// When the store fails or there is no such contact.
    pub fn insert_contact_address(
        &mut self,
        workspace_id: WorkspaceId,
        contact_id: ContactId,
        address: &ContactAddress,
    ) -> Result<bool, StoreError> {
        self.lock_addresses(workspace_id)?;
        let written = self.execute(
            &INSERT_CONTACT_ADDRESS,
            &[
                &workspace_id,
                &address.kind.as_str(),
                &address.address,
                &contact_id,
                &address.priority,
                &address.added_at,
            ],
        )?;
        if written == 1 {
            self.adopt_rows_of(workspace_id, contact_id, address.kind, &address.address)?;
        }
        if written == 1 && address.kind == AddressKind::Phone {
            self.compute_consents_of(workspace_id, std::slice::from_ref(&address.address))?;
        }
        Ok(written == 1)
    }

    /// Changes when an address is tried. `false` when the contact does not have it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_address_priority(
        &mut self,
        workspace_id: WorkspaceId,
        contact_id: ContactId,
        address: &ContactAddress,
    ) -> Result<bool, StoreError> {
        let changed = self.execute(
            &SET_ADDRESS_PRIORITY,
            &[&workspace_id, &contact_id, &address.kind.as_str(), &address.address, &address.priority],
        )?;
        Ok(changed == 1)
    }

    /// Takes a further address from a contact. `false` when it does not have it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_contact_address(
        &mut self,
        workspace_id: WorkspaceId,
        contact_id: ContactId,
        kind: AddressKind,
        address: &str,
    ) -> Result<bool, StoreError> {
        self.lock_addresses(workspace_id)?;
        let phones = self.phones_of_contact(workspace_id, contact_id)?;
        let deleted =
            self.execute(&DELETE_CONTACT_ADDRESS, &[&workspace_id, &contact_id, &kind.as_str(), &address])? == 1;
        if deleted && kind == AddressKind::Phone {
            let phones: Vec<String> = phones.into_iter().map(|(phone, _)| phone).collect();
            self.compute_consents_of(workspace_id, &phones)?;
        }
        Ok(deleted)
    }

    /// Who has this number as a further one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn contact_of_further_phone(
        &mut self,
        workspace_id: WorkspaceId,
        phone: &PhoneNumber,
    ) -> Result<Option<ContactId>, StoreError> {
        let kind = AddressKind::Phone.as_str();
        self.query_opt(&CONTACT_OF_ADDRESS, &[&workspace_id, &kind, phone], |row| row.next())
    }
}
