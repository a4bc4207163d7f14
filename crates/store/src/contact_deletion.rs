//! Deleting contacts, one or several together, and bringing back those that were deleted together.
//!
//! # Why a crash at each point is safe
//! A deletion and its record are one transaction, and so is bringing the contacts back, which is guarded by
//! `restored_at`. Messages that were canceled with a contact stay canceled.

use std::collections::BTreeSet;

use segue_model::{
    CaseId, ContactId, DeletionId, LeadId, ListId, MessagingUserId, PhoneNumber, Timestamp, WorkspaceId,
};
use serde::{Deserialize, Serialize};

use crate::{
    StoreError, Tx,
    contact_address::{AddressKind, ContactAddress},
    contact_merge::ContactRow,
    customer_address::CustomerAddresses,
    messaging_user::LinkedBy,
    table_row::StoredRow,
    tx::{json_text, optional_word},
};

/// A deleted contact with all that pointed to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletedContact {
    pub row: ContactRow,
    pub lists: Vec<(ListId, Timestamp)>,
    pub addresses: Vec<ContactAddress>,
    pub messaging_users: Vec<MessagingUserId>,
    /// How each of them came to it; empty in records of before.
    #[serde(default)]
    pub linked_by: Vec<Option<LinkedBy>>,
    pub leads: Vec<LeadId>,
    pub cases: Vec<CaseId>,
    /// Rows of tables that were linked to it.
    #[serde(default)]
    pub rows: Vec<StoredRow>,
}

/// Most contacts of a deletion that are forgotten in one transaction.
pub const FORGOTTEN_AT_ONCE: usize = 100;

/// Whether something is left to be done after a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    More,
    Nothing,
}

/// A deletion as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ContactDeletion)]
pub struct DeletionView {
    pub id: DeletionId,
    /// How many contacts were deleted.
    pub deleted: i64,
    pub deleted_at: Timestamp,
    /// When they were brought back.
    pub restored_at: Option<Timestamp>,
}

crate::sql! {
    USERS_OF_CONTACT = "SELECT id, linked_by FROM messaging_users WHERE workspace_id = $1 AND contact_id = $2";
    LEADS_OF_CONTACT = "SELECT id FROM leads WHERE workspace_id = $1 AND contact_id = $2";
    CASES_OF_CONTACT = "SELECT id FROM cases WHERE workspace_id = $1 AND contact_id = $2";
    INSERT_DELETION = "INSERT INTO contact_deletions (workspace_id, id, records, actor, deleted_at)
        VALUES ($1, $2, $3, $4, $5)";
    DELETION = "SELECT records, deleted_at, restored_at FROM contact_deletions WHERE workspace_id = $1 AND id = $2";
    /// What could not be brought back stays in it: it can be tried again, and is forgotten in its time.
    KEEP_OF_DELETION = "UPDATE contact_deletions SET restored_at = $3, records = $4
        WHERE workspace_id = $1 AND id = $2 AND restored_at IS NULL";
    DELETE_CONTACT = "DELETE FROM contacts WHERE workspace_id = $1 AND id = $2";
    UNLINK_MESSAGING_USERS = "UPDATE messaging_users SET contact_id = NULL, linked_by = NULL, version = version + 1
        WHERE workspace_id = $1 AND contact_id = $2";
    UNLINK_LEADS = "UPDATE leads SET contact_id = NULL WHERE workspace_id = $1 AND contact_id = $2";
    UNLINK_CASES = "UPDATE cases SET contact_id = NULL WHERE workspace_id = $1 AND contact_id = $2";
    LINK_USER = "UPDATE messaging_users SET contact_id = $3, linked_by = $4, version = version + 1
        WHERE workspace_id = $1 AND id = $2 AND contact_id IS NULL";
    LINK_LEAD = "UPDATE leads SET contact_id = $3 WHERE workspace_id = $1 AND id = $2 AND contact_id IS NULL";
    LINK_CASE = "UPDATE cases SET contact_id = $3 WHERE workspace_id = $1 AND id = $2 AND contact_id IS NULL";
    OLD_DELETION = "SELECT id, records, deleted_at FROM contact_deletions
        WHERE workspace_id = $1 AND deleted_at < $2 AND restored_at IS NULL ORDER BY deleted_at, id LIMIT 1";
    KEEP_REST_OF_DELETION = "UPDATE contact_deletions SET records = $3 WHERE workspace_id = $1 AND id = $2";
    DELETE_DELETION = "DELETE FROM contact_deletions WHERE workspace_id = $1 AND id = $2";
    /// Those in whose records the number stands, whatever it is there.
    HOLDERS_GONE = "SELECT records, deleted_at FROM contact_deletions
        WHERE workspace_id = $1 AND restored_at IS NULL AND deleted_at >= $2 AND records LIKE $3
        ORDER BY deleted_at DESC";
    /// Of which nothing is left to be forgotten.
    DELETE_RESTORED_DELETIONS = "DELETE FROM contact_deletions
        WHERE workspace_id = $1 AND deleted_at < $2 AND restored_at IS NOT NULL";
}

/// The numbers that a contact had.
fn phones_of(gone: &DeletedContact) -> impl Iterator<Item = PhoneNumber> {
    let further = gone.addresses.iter().filter(|address| address.kind == AddressKind::Phone);
    let further = further.filter_map(|address| PhoneNumber::parse(&address.address, None).ok());
    gone.row.fields.phone.clone().into_iter().chain(further)
}

impl Tx<'_> {
    /// Deletes a contact for good: its list memberships, the rows
    /// of tables that are linked to it and the contacts that were merged into it go, conversations,
    /// leads and cases stay without it, messages outside conversations that have not left are canceled, the words about its
    /// customers go ([`crate::contact_traces`]), and its consent ledger stays. `false` when there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_contact(
        &mut self,
        workspace_id: WorkspaceId,
        id: ContactId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let users: Vec<MessagingUserId> =
            self.users_of_contact(workspace_id, id)?.into_iter().map(|(id, _)| id).collect();
        let phones = self.phones_of_contact(workspace_id, id)?;
        self.lock_consents(workspace_id)?;
        for address in self.addresses_of_contact(workspace_id, id)? {
            self.empty_waiting(workspace_id, &address)?;
        }
        let deleted = self.delete_contact_quietly(workspace_id, id)?;
        if deleted {
            for phone in phones.iter().filter_map(|(phone, _)| PhoneNumber::parse(phone, None).ok()) {
                self.mark_texts(workspace_id, (&phone, id), now)?;
                self.forget_received_files(workspace_id, &phone, now)?;
                self.forget_texts(workspace_id, &phone, now)?;
            }
            for gone in self.forget_merges(workspace_id, id)? {
                self.forget_traces(workspace_id, gone, &users, now)?;
            }
            self.tell_contact(workspace_id, id, now);
        }
        Ok(deleted)
    }

    /// [`Tx::delete_contact`] without telling the screens, for work in bulk. Merges into the contact stay known.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_contact_quietly(&mut self, workspace_id: WorkspaceId, id: ContactId) -> Result<bool, StoreError> {
        self.lock_consents(workspace_id)?;
        let phones: Vec<String> =
            self.phones_of_contact(workspace_id, id)?.into_iter().map(|(phone, _)| phone).collect();
        let addresses = self.addresses_of_contact(workspace_id, id)?;
        if self.execute(&DELETE_CONTACT, &[&workspace_id, &id])? == 0 {
            return Ok(false);
        }
        self.delete_rows_of_contact(workspace_id, id)?;
        self.forget_in_search(workspace_id, id)?;
        self.forget_in_prompts(workspace_id, id)?;
        for unlink in [&UNLINK_MESSAGING_USERS, &UNLINK_LEADS, &UNLINK_CASES] {
            self.execute(unlink, &[&workspace_id, &id])?;
        }
        for address in &addresses {
            self.withdraw_unsent(workspace_id, address)?;
        }
        if phones.len() > 1 {
            // They are no longer one person's, as far as anybody knows.
            self.compute_consents_of(workspace_id, &phones)?;
        }
        Ok(true)
    }

    /// The customers of a contact, and how each came to it.
    fn users_of_contact(
        &mut self,
        workspace_id: WorkspaceId,
        id: ContactId,
    ) -> Result<Vec<(MessagingUserId, Option<LinkedBy>)>, StoreError> {
        self.query(&USERS_OF_CONTACT, &[&workspace_id, &id], |row| Ok((row.next()?, row.optional_word()?)))
    }

    /// Every address that something for a contact may wait at: its numbers in each writing, and where its customers are
    /// reached. Not what a customer has who came by an e-mail address alone, which anybody can type, and not the number of
    /// another contact.
    fn addresses_of_contact(
        &mut self,
        workspace_id: WorkspaceId,
        id: ContactId,
    ) -> Result<BTreeSet<String>, StoreError> {
        let mut all = CustomerAddresses::default();
        for (phone, _) in self.phones_of_contact(workspace_id, id)? {
            all.add_phone(&phone);
        }
        for (user, linked_by) in self.users_of_contact(workspace_id, id)? {
            if linked_by != Some(LinkedBy::Email) {
                for identifier in self.identifiers_of(workspace_id, user)? {
                    all.add(&identifier);
                }
            }
        }
        let mut addresses = all.hidden;
        for phone in all.phones {
            if self.owner_of_number(workspace_id, &phone)?.is_none_or(|owner| owner == id) {
                addresses.insert(phone);
            }
        }
        Ok(addresses)
    }

    /// Whose number an address is; nobody's when it is none.
    pub(crate) fn owner_of_number(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
    ) -> Result<Option<ContactId>, StoreError> {
        match PhoneNumber::parse(address, None) {
            Ok(phone) => self.contact_of_phone(workspace_id, &phone),
            Err(_) => Ok(None),
        }
    }

    /// Removes what a contact that is gone for good texted of files, where its numbers are nobody else's by now, and the words
    /// of its texts until it was deleted.
    fn forget_files_of(
        &mut self,
        workspace_id: WorkspaceId,
        (gone, deleted_at): (&DeletedContact, Timestamp),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for phone in phones_of(gone) {
            self.forget_received_files(workspace_id, &phone, now)?;
            self.forget_texts(workspace_id, &phone, deleted_at)?;
        }
        Ok(())
    }

    /// When a contact with this number was deleted last, from `since` on, as far as that is still on record.
    ///
    /// # Errors
    /// When the store fails.
    pub fn last_holder_gone(
        &mut self,
        workspace_id: WorkspaceId,
        phone: &str,
        since: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let named = format!("%\"{phone}\"%");
        let named = self.query(&HOLDERS_GONE, &[&workspace_id, &since, &named], |row| {
            Ok((row.json::<Vec<DeletedContact>>()?, row.next::<Timestamp>()?))
        })?;
        let has_it = |gone: &DeletedContact| {
            let own = gone.row.fields.phone.as_ref().is_some_and(|own| own.as_str() == phone);
            own || gone.addresses.iter().any(|it| it.kind == AddressKind::Phone && it.address == phone)
        };
        Ok(named.into_iter().find(|(records, _)| records.iter().any(has_it)).map(|(_, deleted_at)| deleted_at))
    }

    /// Removes a contact's row and what goes with it by itself: list memberships, further addresses, found duplicates.
    pub(crate) fn delete_contact_row(&mut self, workspace_id: WorkspaceId, id: ContactId) -> Result<(), StoreError> {
        self.execute(&DELETE_CONTACT, &[&workspace_id, &id]).map(|_| ())
    }

    /// Deletes contacts and keeps what brings them back. Ids of contacts that do not exist are passed over.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_contacts(
        &mut self,
        workspace_id: WorkspaceId,
        id: DeletionId,
        ids: &[ContactId],
        actor: &str,
        now: Timestamp,
    ) -> Result<DeletionView, StoreError> {
        self.lock_addresses(workspace_id)?;
        let mut records = Vec::with_capacity(ids.len());
        for contact_id in ids {
            let Some(row) = self.contact_row(workspace_id, *contact_id)? else { continue };
            for (phone, _) in self.phones_of_contact(workspace_id, *contact_id)? {
                if let Ok(phone) = PhoneNumber::parse(&phone, None) {
                    self.mark_texts(workspace_id, (&phone, *contact_id), now)?;
                }
            }
            let (messaging_users, linked_by) = self.users_of_contact(workspace_id, *contact_id)?.into_iter().unzip();
            records.push(DeletedContact {
                row,
                lists: self.lists_of_contact(workspace_id, *contact_id)?,
                addresses: self.contact_addresses(workspace_id, *contact_id)?,
                messaging_users,
                linked_by,
                leads: self.query(&LEADS_OF_CONTACT, &[&workspace_id, contact_id], |row| row.next())?,
                cases: self.query(&CASES_OF_CONTACT, &[&workspace_id, contact_id], |row| row.next())?,
                rows: self.rows_of_contact(workspace_id, *contact_id)?,
            });
            self.delete_contact_quietly(workspace_id, *contact_id)?;
            self.tell_contact(workspace_id, *contact_id, now);
        }
        let text = json_text(&records)?;
        self.execute(&INSERT_DELETION, &[&workspace_id, &id, &text, &actor, &now])?;
        Ok(DeletionView { id, deleted: records.len() as i64, deleted_at: now, restored_at: None })
    }

    /// Brings deleted contacts back, but for those whose phone number another contact has now. `None` when there is no
    /// such deletion or all of it was taken back already; else how many are back.
    ///
    /// # Errors
    /// When the store fails.
    pub fn restore_contacts(
        &mut self,
        workspace_id: WorkspaceId,
        id: DeletionId,
        now: Timestamp,
    ) -> Result<Option<i64>, StoreError> {
        self.lock_addresses(workspace_id)?;
        let found = self.query_opt(&DELETION, &[&workspace_id, &id], |row| {
            let records = row.json::<Vec<DeletedContact>>()?;
            Ok((records, row.next::<Timestamp>()?, row.next::<Option<Timestamp>>()?))
        })?;
        let Some((records, _, None)) = found else { return Ok(None) };
        let (mut restored, mut left) = (0, Vec::new());
        for record in &records {
            let contact_id = record.row.id;
            if !self.insert_contact(workspace_id, contact_id, &record.row.fields, now)? {
                left.push(record);
                continue;
            }
            restored += 1;
            if let Some(phone) = &record.row.fields.phone {
                self.unmark_texts(workspace_id, (phone, contact_id))?;
            }
            self.restore_contact_times(workspace_id, &record.row)?;
            for address in &record.addresses {
                // What was texted with a number that somebody else has by now is not shown with that one's.
                if self.insert_contact_address(workspace_id, contact_id, address)?
                    && address.kind == AddressKind::Phone
                    && let Ok(phone) = PhoneNumber::parse(&address.address, None)
                {
                    self.unmark_texts(workspace_id, (&phone, contact_id))?;
                }
            }
            for (list_id, added_at) in &record.lists {
                if self.list(workspace_id, *list_id)?.is_some() {
                    self.add_to_list(workspace_id, *list_id, contact_id, *added_at)?;
                }
            }
            self.restore_rows(workspace_id, contact_id, &record.rows)?;
            for (place, user) in record.messaging_users.iter().enumerate() {
                // Where it is not known, they may have done no more than type the contact's e-mail address.
                let linked_by = record.linked_by.get(place).copied().unwrap_or(Some(LinkedBy::Email));
                self.execute(&LINK_USER, &[&workspace_id, user, &contact_id, &optional_word(linked_by)])?;
            }
            self.find_again_in_search(workspace_id, contact_id)?;
            for lead in &record.leads {
                self.execute(&LINK_LEAD, &[&workspace_id, lead, &contact_id])?;
            }
            for case in &record.cases {
                self.execute(&LINK_CASE, &[&workspace_id, case, &contact_id])?;
            }
        }
        let ended = left.is_empty().then_some(now);
        self.execute(&KEEP_OF_DELETION, &[&workspace_id, &id, &ended, &json_text(&left)?])?;
        Ok(Some(restored))
    }

    /// Forgets deletions from before `before`, at most [`FORGOTTEN_AT_ONCE`] contacts of one of them: these are gone for
    /// good, and whoever writes besides waits for no more than them. Gives whether there is more to forget.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_old_deletions(&mut self, workspace_id: WorkspaceId, before: Timestamp) -> Result<Left, StoreError> {
        let old = self.query_opt(&OLD_DELETION, &[&workspace_id, &before], |row| {
            let id: DeletionId = row.next()?;
            Ok((id, row.json::<Vec<DeletedContact>>()?, row.next::<Timestamp>()?))
        })?;
        let Some((id, mut gone, deleted_at)) = old else {
            self.execute(&DELETE_RESTORED_DELETIONS, &[&workspace_id, &before])?;
            return Ok(Left::Nothing);
        };
        let rest = gone.split_off(gone.len().min(FORGOTTEN_AT_ONCE));
        for record in &gone {
            if self.contact(workspace_id, record.row.id)?.is_none() {
                self.forget_files_of(workspace_id, (record, deleted_at), before)?;
                for id in self.forget_merges(workspace_id, record.row.id)? {
                    self.forget_traces(workspace_id, id, &record.messaging_users, before)?;
                }
            }
        }
        if rest.is_empty() {
            self.execute(&DELETE_DELETION, &[&workspace_id, &id])?;
        } else {
            self.execute(&KEEP_REST_OF_DELETION, &[&workspace_id, &id, &json_text(&rest)?])?;
        }
        Ok(Left::More)
    }
}
