//! Every address a customer can be reached on, which is what a no of theirs is about.
//!
//! Only read; what is written with it is one transaction with the message that said no.

use std::collections::BTreeSet;

use segue_model::{ChannelId, MessagingUserId, PhoneNumber, WorkspaceId};

use crate::{
    StoreError, Tx,
    messaging_user::{Identifier, IdentifierKind},
    outbox::AddressKind,
};

/// The addresses of one person.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CustomerAddresses {
    /// Every number in every writing (a Brazilian one may come without its ninth digit), E.164.
    pub phones: BTreeSet<String>,
    /// The business-scoped ids of one who hides the number.
    pub hidden: BTreeSet<String>,
}

impl CustomerAddresses {
    /// Adds a number in its writings.
    pub fn add_phone(&mut self, address: &str) {
        self.phones.insert(address.to_owned());
        let parsed = PhoneNumber::parse(address, None);
        self.phones.extend(parsed.iter().flat_map(PhoneNumber::writings).map(|phone| phone.to_string()));
    }

    /// Adds what an identifier is reached on.
    pub fn add(&mut self, identifier: &Identifier) {
        match identifier.address() {
            Some((_, AddressKind::Phone, address)) => self.add_phone(&address),
            Some((_, AddressKind::Bsuid, address)) => {
                self.hidden.insert(address);
            }
            None => {}
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.phones.is_empty() && self.hidden.is_empty()
    }
}

impl Tx<'_> {
    /// All addresses of a customer, those of merged ones included, and the number of the contact they are linked to, which
    /// for a customer who hides the number is the only one known.
    ///
    /// # Errors
    /// When the store fails.
    pub fn addresses_of_customer(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: MessagingUserId,
    ) -> Result<CustomerAddresses, StoreError> {
        let mut all = CustomerAddresses::default();
        for identifier in self.identifiers_of(workspace_id, user_id)? {
            all.add(&identifier);
        }
        if let Some(contact_id) = self.messaging_user(workspace_id, user_id)?.and_then(|user| user.contact_id)
            && let Some(phone) = self.contact(workspace_id, contact_id)?.and_then(|contact| contact.fields().phone)
        {
            all.add_phone(&phone.to_string());
        }
        Ok(all)
    }

    /// The addresses of the account that a customer wrote from last: all but those of merged ones that wrote before.
    ///
    /// # Errors
    /// When the store fails.
    pub fn addresses_in_use(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: MessagingUserId,
    ) -> Result<CustomerAddresses, StoreError> {
        let used = self.used_identifiers_of(workspace_id, user_id)?;
        let last = used.iter().map(|(_, used_at)| *used_at).max();
        let mut all = CustomerAddresses::default();
        for (identifier, _) in used.iter().filter(|(_, used_at)| Some(*used_at) == last) {
            all.add(identifier);
        }
        Ok(all)
    }

    /// The customer of a channel who is reached on this address, with or without a plus sign.
    ///
    /// # Errors
    /// When the store fails.
    pub fn customer_at(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        address: &str,
    ) -> Result<Option<MessagingUserId>, StoreError> {
        let digits = address.trim_start_matches('+');
        for (kind, value) in [
            (IdentifierKind::WaId, digits),
            (IdentifierKind::Phone, address),
            (IdentifierKind::Bsuid, address),
            (IdentifierKind::ParentBsuid, address),
        ] {
            let identifier = Identifier { kind, value: value.to_owned() };
            if let Some(id) = self.messaging_user_of(workspace_id, channel_id, &identifier)? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }
}
