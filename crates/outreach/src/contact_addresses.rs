//! Phone numbers, e-mail addresses and keys that a contact has beside its own.

use segue_model::{ContactId, Ctx, PhoneNumber, WorkspaceId};
use segue_store::{
    Store,
    contact_address::{AddressKind, ContactAddress},
};
use serde::Deserialize;

use crate::{
    OutreachError,
    contacts::{check_field, clean},
};

/// Further addresses of one contact, at most.
const MOST_ADDRESSES: usize = 20;

/// A further address as it is given.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressInput {
    pub kind: AddressKind,
    pub address: String,
}

impl AddressInput {
    /// The address in the form in which it is kept.
    fn address(&self, country: &str) -> Result<String, OutreachError> {
        let empty = || OutreachError::invalid("addresses", "An address is empty.");
        match self.kind {
            AddressKind::Phone => PhoneNumber::parse(&self.address, Some(country))
                .map(|phone| phone.to_string())
                .map_err(|error| OutreachError::invalid("addresses", error.to_string())),
            AddressKind::Email => {
                let email = clean(&self.address, 300).ok_or_else(empty)?;
                check_field("email", Some(&email))
                    .map_err(|error| OutreachError::invalid("addresses", error.to_string()))?;
                // As it is looked for; letters of either size are one address.
                Ok(email.to_lowercase())
            }
            AddressKind::Key => clean(&self.address, 300).ok_or_else(empty),
        }
    }
}

/// A contact's further addresses, the first to try first.
///
/// # Errors
/// When there is no such contact.
pub async fn list(
    store: &Store,
    workspace_id: WorkspaceId,
    id: ContactId,
) -> Result<Vec<ContactAddress>, OutreachError> {
    store
        .read(move |tx| {
            tx.contact(workspace_id, id)?.ok_or(OutreachError::NotFound("contact"))?;
            Ok(tx.contact_addresses(workspace_id, id)?)
        })
        .await
}

/// Sets a contact's further addresses, in the order in which they are tried.
///
/// # Errors
/// When there is no such contact, an address is not valid, or another contact has it.
pub async fn set(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: ContactId,
    inputs: Vec<AddressInput>,
) -> Result<Vec<ContactAddress>, OutreachError> {
    if inputs.len() > MOST_ADDRESSES {
        let message = format!("A contact has at most {MOST_ADDRESSES} further addresses.");
        return Err(OutreachError::invalid("addresses", message));
    }
    let now = ctx.now();
    store
        .write(move |tx| {
            let workspace = tx.workspace(workspace_id)?.ok_or(OutreachError::NotFound("workspace"))?;
            tx.lock_addresses(workspace_id)?;
            tx.contact(workspace_id, id)?.ok_or(OutreachError::NotFound("contact"))?;
            let mut wanted = Vec::with_capacity(inputs.len());
            for (input, priority) in inputs.iter().zip(1..) {
                let address = input.address(&workspace.country)?;
                wanted.push(ContactAddress { kind: input.kind, address, priority, added_at: now });
            }
            // What stays keeps since when it is the contact's: consent depends on it.
            let is_same =
                |one: &ContactAddress, other: &ContactAddress| (one.kind, &one.address) == (other.kind, &other.address);
            for known in tx.contact_addresses(workspace_id, id)? {
                if !wanted.iter().any(|address| is_same(address, &known)) {
                    tx.delete_contact_address(workspace_id, id, known.kind, &known.address)?;
                }
            }
            for address in &wanted {
                let is_set = tx.set_address_priority(workspace_id, id, address)?;
                if !is_set && !tx.insert_contact_address(workspace_id, id, address)? {
                    return Err(OutreachError::AddressTaken);
                }
            }
            Ok(tx.contact_addresses(workspace_id, id)?)
        })
        .await
}
