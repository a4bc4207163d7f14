//! Contacts page by page.

use segue_model::{ContactId, ListId, WorkspaceId, contact::ContactFields, id::Id as _};
use uuid::Uuid;

use crate::{
    StoreError, Tx,
    contact::{ContactView, like_pattern, number_pattern, read_contact, read_fields},
    contact_view::ContactSort,
};

/// Which contacts to list.
#[derive(Debug, Clone, Default)]
pub struct ContactQuery {
    /// Part of a name, phone number or e-mail address.
    pub search: String,
    pub list_id: Option<ListId>,
    pub sort: ContactSort,
    /// Only contacts that come after this one.
    pub after: Option<ContactId>,
    pub limit: i64,
}

crate::sql! {
    CONTACTS = "SELECT c.id, c.phone, c.first_name, c.last_name, c.email, c.locale, c.time_zone, c.external_key,
            c.attributes, c.sms_consent, c.whatsapp_consent, c.created_at, c.updated_at
        FROM contacts_with_consent c
        WHERE c.workspace_id = $1 AND c.id < $2 AND (c.search LIKE $3 ESCAPE '\\' OR c.search LIKE $5 ESCAPE '\\')
        ORDER BY c.id DESC LIMIT $4";
    CONTACTS_OLDEST = "SELECT c.id, c.phone, c.first_name, c.last_name, c.email, c.locale, c.time_zone, c.external_key,
            c.attributes, c.sms_consent, c.whatsapp_consent, c.created_at, c.updated_at
        FROM contacts_with_consent c
        WHERE c.workspace_id = $1 AND c.id > $2 AND (c.search LIKE $3 ESCAPE '\\' OR c.search LIKE $5 ESCAPE '\\')
        ORDER BY c.id LIMIT $4";
    CONTACTS_OF_LIST = "SELECT c.id, c.phone, c.first_name, c.last_name, c.email, c.locale, c.time_zone, c.external_key,
            c.attributes, c.sms_consent, c.whatsapp_consent, c.created_at, c.updated_at
        FROM list_members m
        JOIN contacts_with_consent c ON c.workspace_id = m.workspace_id AND c.id = m.contact_id
        WHERE m.workspace_id = $1 AND m.list_id = $5 AND m.contact_id < $2
            AND (c.search LIKE $3 ESCAPE '\\' OR c.search LIKE $6 ESCAPE '\\')
        ORDER BY m.contact_id DESC LIMIT $4";
    CONTACTS_OF_LIST_OLDEST = "SELECT c.id, c.phone, c.first_name, c.last_name, c.email, c.locale, c.time_zone, c.external_key,
            c.attributes, c.sms_consent, c.whatsapp_consent, c.created_at, c.updated_at
        FROM list_members m
        JOIN contacts_with_consent c ON c.workspace_id = m.workspace_id AND c.id = m.contact_id
        WHERE m.workspace_id = $1 AND m.list_id = $5 AND m.contact_id > $2
            AND (c.search LIKE $3 ESCAPE '\\' OR c.search LIKE $6 ESCAPE '\\')
        ORDER BY m.contact_id LIMIT $4";
    CONTACTS_AFTER = "SELECT id, phone, first_name, last_name, email, locale, time_zone, external_key, attributes FROM contacts
        WHERE workspace_id = $1 AND id > $2 ORDER BY id LIMIT $3";
}

impl Tx<'_> {
    /// Contacts in the order of the query.
    ///
    /// # Errors
    /// When the store fails.
    pub fn contacts(
        &mut self,
        workspace_id: WorkspaceId,
        query: &ContactQuery,
    ) -> Result<Vec<ContactView>, StoreError> {
        let (end, all, of_list) = match query.sort {
            ContactSort::Newest => (Uuid::max(), &CONTACTS, &CONTACTS_OF_LIST),
            ContactSort::Oldest => (Uuid::nil(), &CONTACTS_OLDEST, &CONTACTS_OF_LIST_OLDEST),
        };
        let after = query.after.unwrap_or_else(|| ContactId::from_uuid(end));
        let (pattern, number) = (like_pattern(&query.search), number_pattern(&query.search));
        match query.list_id {
            None => self.query(all, &[&workspace_id, &after, &pattern, &query.limit, &number], read_contact),
            Some(list_id) => {
                let keys: [&dyn crate::Bind; 6] = [&workspace_id, &after, &pattern, &query.limit, &list_id, &number];
                self.query(of_list, &keys, read_contact)
            }
        }
    }

    /// The next contacts after `after` in the order of their ids, with their fields alone.
    ///
    /// # Errors
    /// When the store fails.
    pub fn contacts_after(
        &mut self,
        workspace_id: WorkspaceId,
        after: Option<ContactId>,
        limit: i64,
    ) -> Result<Vec<(ContactId, ContactFields)>, StoreError> {
        let after = after.unwrap_or_else(|| ContactId::from_uuid(Uuid::nil()));
        self.query(&CONTACTS_AFTER, &[&workspace_id, &after, &limit], |row| Ok((row.next()?, read_fields(row)?)))
    }
}
