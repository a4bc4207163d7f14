//! Every address a customer can be reached on, which is what a no of theirs is about.
//!
//! Only read; what is written with it is one transaction with the message that said no.

use std::collections::BTreeSet;

use segue_model::{ChannelId, ContactId, MessagingUserId, PhoneNumber, WorkspaceId};

use crate::{
    StoreError, Tx,
    messaging_user::{Identifier, IdentifierKind, LinkedBy, MessagingUser},
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

crate::sql! {
    CUSTOMER_OF_CONTACT = "SELECT u.id FROM messaging_users u
        WHERE u.workspace_id = $1 AND u.contact_id = $2 AND u.contact_id IS NOT NULL AND u.channel_id = $3
            AND COALESCE(u.linked_by, '') <> 'email' -- anybody can type an e-mail address
            AND ($4 = 0 OR NOT EXISTS (SELECT 1 FROM messaging_identifiers i WHERE i.workspace_id = u.workspace_id
                AND i.messaging_user_id = u.id AND i.kind IN ('wa_id', 'phone')))
        ORDER BY COALESCE(u.last_inbound_at, 0) DESC, u.id LIMIT 1";
}

impl Tx<'_> {
    /// The customer of a channel who is linked to a contact and wrote last. Of a contact with a phone number it is only one
    /// who hides the number: any other one has another number than the contact has now.
    ///
    /// # Errors
    /// When the store fails.
    pub fn customer_of_contact(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        (contact_id, has_phone): (ContactId, bool),
    ) -> Result<Option<MessagingUserId>, StoreError> {
        let only_hidden = i64::from(has_phone);
        let params: [&dyn crate::Bind; 4] = [&workspace_id, &contact_id, &channel_id, &only_hidden];
        self.query_opt(&CUSTOMER_OF_CONTACT, &params, |row| row.next())
    }

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
        let user = self.messaging_user(workspace_id, user_id)?;
        if let Some(phone) = self.phone_of_contact(workspace_id, user)? {
            all.add_phone(&phone.to_string());
        }
        Ok(all)
    }

    fn phone_of_contact(
        &mut self,
        workspace_id: WorkspaceId,
        user: Option<MessagingUser>,
    ) -> Result<Option<PhoneNumber>, StoreError> {
        let Some(contact_id) = user.and_then(|user| user.contact_id) else { return Ok(None) };
        Ok(self.contact(workspace_id, contact_id)?.and_then(|contact| contact.fields().phone))
    }

    /// The addresses of the account that a customer wrote from last: all but those of merged ones that wrote before. Of one
    /// who hides the number it is that of the contact they are linked to, unless that rests on an e-mail address alone.
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
        if all.phones.is_empty() {
            let user = self.messaging_user(workspace_id, user_id)?;
            let surely = user.filter(|user| user.linked_by != Some(LinkedBy::Email));
            if let Some(phone) = self.phone_of_contact(workspace_id, surely)? {
                all.add_phone(&phone.to_string());
            }
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
