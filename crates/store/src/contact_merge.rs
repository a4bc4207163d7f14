//! Merging two contacts into one, and taking that back.
//!
//! # Why a crash at each point is safe
//! A merge is one transaction: what pointed to the dissolved contact points to the kept one, the dissolved row is
//! deleted, and the record of all that is written. Taking it back is one transaction too, guarded by `unmerged_at`.
//!
//! # What follows the person
//! Conversations, leads, cases, lists, rows of tables and campaign results point to the contact and are moved. Consent, subscriptions,
//! reviews and texts belong to phone numbers: they follow with the numbers, and nothing is written into the ledger. While
//! the numbers are one contact's, the strictest of what was said for them counts for all ([`crate::consent_state`]); when
//! they part, each has its own again. What an import did to the dissolved contact stays noted for that contact: undoing
//! the import passes it over while it is dissolved.

use segue_model::{
    CampaignId, CaseId, ContactId, LeadId, ListId, MergeId, MessagingUserId, TableId, Timestamp, WorkspaceId,
    contact::{ContactFields, FieldChanges},
    id::Id as _,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Row, StoreError, Tx,
    contact::{ContactChange, read_fields},
    contact_address::{AddressKind, ContactAddress},
    contact_traces::MovedTraces,
    event::NewEvent,
    tx::json_text,
};

/// A contact's row as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactRow {
    pub id: ContactId,
    pub fields: ContactFields,
    pub created_at: Timestamp,
    pub version: i64,
}

/// All that a merge changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MergeRecord {
    /// The contact that was dissolved; always there.
    pub merged: Option<ContactRow>,
    /// Fields of the kept contact that the merge changed.
    pub changes: FieldChanges,
    /// Lists that the dissolved contact was on, and since when.
    pub lists: Vec<(ListId, Timestamp)>,
    /// Those of them on which the kept contact was not.
    pub lists_added: Vec<ListId>,
    pub messaging_users: Vec<MessagingUserId>,
    pub leads: Vec<LeadId>,
    pub cases: Vec<CaseId>,
    pub recipients: Vec<(CampaignId, i64)>,
    /// Further addresses that the dissolved contact had.
    pub addresses: Vec<ContactAddress>,
    /// Addresses that the kept contact got besides.
    pub addresses_added: Vec<ContactAddress>,
    /// What spoke of the dissolved contact.
    pub traces: MovedTraces,
    /// Rows of tables that were linked to the dissolved contact.
    pub rows: Vec<(TableId, String)>,
}

impl MergeRecord {
    /// Whether the dissolved contact was on this list.
    fn was_on(&self, list_id: ListId) -> bool {
        self.lists.iter().any(|(on, _)| *on == list_id)
    }

    /// Whether the dissolved contact had this address, as its own or as a further one.
    fn had(&self, address: &ContactAddress) -> bool {
        let own = self.merged.as_ref().and_then(|merged| own_address(&merged.fields, address.kind));
        own == Some(as_kept(address.kind, &address.address))
            || self.addresses.iter().any(|other| other.is_same(address))
    }

    /// Whether the address was the kept contact's own before and is not again with these fields, for its own was changed
    /// once more since the merge. It stays a further one of it then, or it would be nobody's.
    fn displaced(&self, address: &ContactAddress, fields: &ContactFields) -> bool {
        let field = match address.kind {
            AddressKind::Phone => "phone",
            AddressKind::Email => "email",
            AddressKind::Key => "external_key",
        };
        let before = self.changes.get(field).and_then(|(before, _)| before.clone());
        let mut old = ContactFields::default();
        old.set_field(field, before);
        let this = Some(as_kept(address.kind, &address.address));
        own_address(&old, address.kind) == this
            && own_address(fields, address.kind) != this
            && !self.addresses.iter().any(|other| other.is_same(address))
    }
}

/// An address as it is kept among further ones: e-mail addresses in small letters.
fn as_kept(kind: AddressKind, address: &str) -> String {
    if kind == AddressKind::Email { address.to_lowercase() } else { address.to_owned() }
}

fn own_address(fields: &ContactFields, kind: AddressKind) -> Option<String> {
    match kind {
        AddressKind::Phone => fields.phone.as_ref().map(ToString::to_string),
        AddressKind::Email => fields.email.as_deref().map(|email| as_kept(kind, email)),
        AddressKind::Key => fields.external_key.clone(),
    }
}

/// A merge as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ContactMerge)]
pub struct MergeView {
    pub id: MergeId,
    pub kept_id: ContactId,
    /// The contact that was dissolved.
    pub merged_id: ContactId,
    pub kept_name: Option<String>,
    pub merged_name: Option<String>,
    /// Who did it: the id of a user or an API key, or `system`.
    pub actor: String,
    pub merged_at: Timestamp,
    /// When it was taken back.
    pub unmerged_at: Option<Timestamp>,
}

crate::sql! {
    CONTACT_ROW = sqlite: "SELECT id, phone, first_name, last_name, email, locale, time_zone, external_key,
                attributes, created_at, version
            FROM contacts WHERE workspace_id = $1 AND id = $2",
        postgres: "SELECT id, phone, first_name, last_name, email, locale, time_zone, external_key,
                attributes, created_at, version
            FROM contacts WHERE workspace_id = $1 AND id = $2 FOR UPDATE";
    MOVE_MESSAGING_USERS = "UPDATE messaging_users SET contact_id = $3, version = version + 1
        WHERE workspace_id = $1 AND contact_id = $2 RETURNING id";
    MOVE_LEADS = "UPDATE leads SET contact_id = $3 WHERE workspace_id = $1 AND contact_id = $2 RETURNING id";
    MOVE_CASES = "UPDATE cases SET contact_id = $3 WHERE workspace_id = $1 AND contact_id = $2 RETURNING id";
    // Campaign by campaign through the key of contacts; who is a recipient as both stays so as both.
    MOVE_RECIPIENTS = "UPDATE recipients SET contact_id = $3
        WHERE workspace_id = $1 AND contact_id = $2
            AND campaign_id IN (SELECT g.id FROM campaigns g WHERE g.workspace_id = $1)
            AND NOT EXISTS (SELECT 1 FROM recipients o WHERE o.workspace_id = $1
                AND o.campaign_id = recipients.campaign_id AND o.contact_id = $3)
        RETURNING campaign_id, position";
    MOVE_MESSAGING_USER_BACK = "UPDATE messaging_users SET contact_id = $4, version = version + 1
        WHERE workspace_id = $1 AND id = $2 AND contact_id = $3";
    MOVE_LEAD_BACK = "UPDATE leads SET contact_id = $4 WHERE workspace_id = $1 AND id = $2 AND contact_id = $3";
    MOVE_CASE_BACK = "UPDATE cases SET contact_id = $4 WHERE workspace_id = $1 AND id = $2 AND contact_id = $3";
    MOVE_RECIPIENT_BACK = "UPDATE recipients SET contact_id = $5
        WHERE workspace_id = $1 AND campaign_id = $2 AND position = $3 AND contact_id = $4";
    RESTORE_CONTACT = "UPDATE contacts SET created_at = $3, version = $4 WHERE workspace_id = $1 AND id = $2";
    INSERT_MERGE = "INSERT INTO contact_merges (workspace_id, id, kept_id, merged_id, kept_name, merged_name, record,
            actor, merged_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    MERGE = "SELECT id, kept_id, merged_id, kept_name, merged_name, actor, merged_at, unmerged_at FROM contact_merges
        WHERE workspace_id = $1 AND id = $2";
    MERGES = "SELECT id, kept_id, merged_id, kept_name, merged_name, actor, merged_at, unmerged_at FROM contact_merges
        WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    MERGE_RECORD = "SELECT record FROM contact_merges WHERE workspace_id = $1 AND id = $2";
    OTHER_RECORDS = "SELECT id, record FROM contact_merges
        WHERE workspace_id = $1 AND kept_id = $2 AND id <> $3 AND unmerged_at IS NULL ORDER BY id";
    PUT_RECORD = "UPDATE contact_merges SET record = $3 WHERE workspace_id = $1 AND id = $2";
    MERGED_INTO = "SELECT merged_id FROM contact_merges WHERE workspace_id = $1 AND kept_id = $2 AND unmerged_at IS NULL";
    FORGET_MERGES = "DELETE FROM contact_merges WHERE workspace_id = $1 AND (kept_id = $2 OR merged_id = $2)";
    END_MERGE = "UPDATE contact_merges SET unmerged_at = $3, unmerged_by = $4, record = '{}'
        WHERE workspace_id = $1 AND id = $2 AND unmerged_at IS NULL";
}

fn read_merge(row: &mut Row<'_>) -> Result<MergeView, StoreError> {
    Ok(MergeView {
        id: row.next()?,
        kept_id: row.next()?,
        merged_id: row.next()?,
        kept_name: row.next()?,
        merged_name: row.next()?,
        actor: row.next()?,
        merged_at: row.next()?,
        unmerged_at: row.next()?,
    })
}

/// Who merges what.
#[derive(Debug, Clone)]
pub struct NewMerge {
    pub id: MergeId,
    pub kept_id: ContactId,
    pub merged_id: ContactId,
    /// Fields of the kept contact afterwards.
    pub fields: ContactFields,
    pub actor: String,
}

impl Tx<'_> {
    /// A contact's row, which nobody else changes until this transaction has ended.
    ///
    /// # Errors
    /// When the store fails.
    pub fn contact_row(&mut self, workspace_id: WorkspaceId, id: ContactId) -> Result<Option<ContactRow>, StoreError> {
        self.query_opt(&CONTACT_ROW, &[&workspace_id, &id], |row| {
            Ok(ContactRow { id: row.next()?, fields: read_fields(row)?, created_at: row.next()?, version: row.next()? })
        })
    }

    /// Dissolves one contact into another: everything that points to it points to the kept one, its addresses become
    /// further ones of the kept one, and it is deleted. `None` when one of the two does not exist. `merge.fields` must
    /// hold a phone number that one of the two has.
    ///
    /// # Errors
    /// When the store fails.
    pub fn merge_contacts(
        &mut self,
        workspace_id: WorkspaceId,
        merge: &NewMerge,
        now: Timestamp,
    ) -> Result<Option<MergeView>, StoreError> {
        self.lock_addresses(workspace_id)?;
        // One order for all, so that two merges cannot wait for each other.
        let (low, high) = (merge.kept_id.min(merge.merged_id), merge.kept_id.max(merge.merged_id));
        let (Some(one), Some(other)) = (self.contact_row(workspace_id, low)?, self.contact_row(workspace_id, high)?)
        else {
            return Ok(None);
        };
        let (kept, merged) = if one.id == merge.kept_id { (one, other) } else { (other, one) };
        let mut record = MergeRecord {
            changes: kept.fields.changes_to(&merge.fields),
            lists: self.lists_of_contact(workspace_id, merged.id)?,
            addresses: self.contact_addresses(workspace_id, merged.id)?,
            ..MergeRecord::default()
        };
        let ids: [&dyn crate::Bind; 3] = [&workspace_id, &merged.id, &kept.id];
        record.messaging_users = self.query(&MOVE_MESSAGING_USERS, &ids, |row| row.next())?;
        record.traces = self.move_traces(workspace_id, merged.id, kept.id)?;
        record.rows = self.move_rows(workspace_id, merged.id, kept.id)?;
        record.leads = self.query(&MOVE_LEADS, &ids, |row| row.next())?;
        record.cases = self.query(&MOVE_CASES, &ids, |row| row.next())?;
        record.recipients = self.query(&MOVE_RECIPIENTS, &ids, |row| Ok((row.next()?, row.next()?)))?;
        for (list_id, _) in &record.lists {
            if self.add_to_list(workspace_id, *list_id, kept.id, now)? {
                record.lists_added.push(*list_id);
            }
        }
        // The list memberships, addresses and found duplicates go with the row.
        self.delete_contact_row(workspace_id, merged.id)?;
        if self.update_contact_quietly(workspace_id, kept.id, &merge.fields, now)? != ContactChange::Changed {
            return Err(StoreError::Corrupt("a merged contact's number or key is another contact's".to_owned()));
        }
        record.addresses_added = self.gather_addresses(workspace_id, &kept, &merged, merge, &record.addresses, now)?;
        let (kept_name, merged_name) = (kept.fields.full_name(), merged.fields.full_name());
        record.merged = Some(merged);
        let text = json_text(&record)?;
        self.execute(
            &INSERT_MERGE,
            &[
                &workspace_id,
                &merge.id,
                &merge.kept_id,
                &merge.merged_id,
                &kept_name,
                &merged_name,
                &text,
                &merge.actor,
                &now,
            ],
        )?;
        self.tell_merge(workspace_id, merge.kept_id, merge.merged_id, now);
        self.merge(workspace_id, merge.id)
    }

    /// Whatever address of the two is not the kept contact's own becomes a further one of it. Gives those that it did
    /// not have before.
    fn gather_addresses(
        &mut self,
        workspace_id: WorkspaceId,
        kept: &ContactRow,
        merged: &ContactRow,
        merge: &NewMerge,
        further: &[ContactAddress],
        now: Timestamp,
    ) -> Result<Vec<ContactAddress>, StoreError> {
        let mut priority = self.contact_addresses(workspace_id, kept.id)?.last().map_or(0, |last| last.priority);
        let mut wanted: Vec<(AddressKind, String)> = Vec::new();
        for kind in [AddressKind::Phone, AddressKind::Email, AddressKind::Key] {
            let now_own = own_address(&merge.fields, kind);
            let from = [own_address(&kept.fields, kind), own_address(&merged.fields, kind)];
            wanted.extend(
                from.into_iter().flatten().filter(|address| Some(address) != now_own.as_ref()).map(|it| (kind, it)),
            );
        }
        wanted.extend(further.iter().map(|it| (it.kind, as_kept(it.kind, &it.address))));
        let mut added = Vec::new();
        for (kind, address) in wanted {
            priority += 1;
            let address = ContactAddress { kind, address, priority, added_at: now };
            if self.insert_contact_address(workspace_id, kept.id, &address)? {
                added.push(address);
            }
        }
        Ok(added)
    }

    /// Gives a contact that was there before its age and version back.
    pub(crate) fn restore_contact_times(
        &mut self,
        workspace_id: WorkspaceId,
        row: &ContactRow,
    ) -> Result<(), StoreError> {
        self.execute(&RESTORE_CONTACT, &[&workspace_id, &row.id, &row.created_at, &row.version]).map(|_| ())
    }

    /// One merge.
    ///
    /// # Errors
    /// When the store fails.
    pub fn merge(&mut self, workspace_id: WorkspaceId, id: MergeId) -> Result<Option<MergeView>, StoreError> {
        self.query_opt(&MERGE, &[&workspace_id, &id], read_merge)
    }

    /// Merges, newest first, from before `before` on.
    ///
    /// # Errors
    /// When the store fails.
    pub fn merges(
        &mut self,
        workspace_id: WorkspaceId,
        before: Option<MergeId>,
        limit: i64,
    ) -> Result<Vec<MergeView>, StoreError> {
        let before = before.unwrap_or_else(|| MergeId::from_uuid(Uuid::max()));
        self.query(&MERGES, &[&workspace_id, &before, &limit], read_merge)
    }

    /// Forgets the contacts that were merged into one that is gone for good, and those merged into them. Gives
    /// it and them.
    pub(crate) fn forget_merges(
        &mut self,
        workspace_id: WorkspaceId,
        id: ContactId,
    ) -> Result<Vec<ContactId>, StoreError> {
        let mut gone = vec![id];
        let mut at = 0;
        while let Some(&id) = gone.get(at) {
            at += 1;
            gone.extend(self.query(&MERGED_INTO, &[&workspace_id, &id], |row| row.next::<ContactId>())?);
            self.execute(&FORGET_MERGES, &[&workspace_id, &id])?;
        }
        Ok(gone)
    }

    /// What a merge changed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn merge_record(&mut self, workspace_id: WorkspaceId, id: MergeId) -> Result<Option<MergeRecord>, StoreError> {
        self.query_opt(&MERGE_RECORD, &[&workspace_id, &id], |row| row.json())
    }

    /// Takes a merge back: the dissolved contact is there again as it was, and what was moved points to it again, as
    /// far as nobody moved it elsewhere. Fields of the kept contact come back where nobody changed them since. `false`
    /// when it was taken back already, or an address of the dissolved contact belongs to somebody else now.
    ///
    /// # Errors
    /// When the store fails.
    pub fn unmerge_contacts(
        &mut self,
        workspace_id: WorkspaceId,
        merge: &MergeView,
        record: &MergeRecord,
        actor: &str,
        now: Timestamp,
    ) -> Result<Unmerged, StoreError> {
        let (kept_id, merged_id) = (merge.kept_id, merge.merged_id);
        self.lock_addresses(workspace_id)?;
        // What was taken back has no record any more.
        if self.merge(workspace_id, merge.id)?.is_none_or(|merge| merge.unmerged_at.is_some()) {
            return Ok(Unmerged::Already);
        }
        let Some(kept) = self.contact_row(workspace_id, kept_id)? else { return Ok(Unmerged::KeptIsGone) };
        let Some(merged) = &record.merged else { return Ok(Unmerged::KeptIsGone) };
        if self.execute(&END_MERGE, &[&workspace_id, &merge.id, &now, &actor])? == 0 {
            return Ok(Unmerged::Already);
        }
        // What the kept contact still had of it.
        let (mut lists, mut addresses) = (Vec::new(), Vec::new());
        let fields = kept.fields.without(&record.changes);
        for address in record.addresses_added.iter().filter(|address| !record.displaced(address, &fields)) {
            if self.delete_contact_address(workspace_id, kept_id, address.kind, &address.address)? {
                addresses.push(address.clone());
            }
        }
        if let Some(phone) = own_address(&merged.fields, AddressKind::Phone) {
            // It was the kept contact's own for a while, and gave way to another one.
            self.delete_contact_address(workspace_id, kept_id, AddressKind::Phone, &phone)?;
        }
        if self.update_contact_quietly(workspace_id, kept_id, &fields, now)? != ContactChange::Changed {
            return Ok(Unmerged::AddressTaken);
        }
        // Rows that came meanwhile by the other one's addresses are the other one's again.
        self.let_go_of_rows(workspace_id, (kept_id, &fields), (&merged.fields, &record.addresses))?;
        if !self.insert_contact(workspace_id, merged_id, &merged.fields, now)? {
            return Ok(Unmerged::AddressTaken);
        }
        self.restore_contact_times(workspace_id, merged)?;
        for address in &record.addresses {
            self.insert_contact_address(workspace_id, merged_id, address)?;
        }
        for (list_id, added_at) in &record.lists {
            // A list that is gone meanwhile stays gone.
            if self.list(workspace_id, *list_id)?.is_some() {
                self.add_to_list(workspace_id, *list_id, merged_id, *added_at)?;
            }
        }
        for list_id in &record.lists_added {
            if self.remove_from_list(workspace_id, *list_id, kept_id)? {
                lists.push(*list_id);
            }
        }
        // With what was the kept contact's own by this merge and is not any more.
        let mut priority = self.contact_addresses(workspace_id, kept_id)?.last().map_or(0, |last| last.priority);
        for kind in [AddressKind::Phone, AddressKind::Email, AddressKind::Key] {
            let (own, left) = (own_address(&kept.fields, kind), own_address(&fields, kind));
            if let Some(address) = own.filter(|own| Some(own) != left.as_ref()) {
                priority += 1;
                addresses.push(ContactAddress { kind, address, priority, added_at: now });
            }
        }
        self.hand_on(workspace_id, merge, (&lists, &addresses))?;
        for id in &record.messaging_users {
            self.execute(&MOVE_MESSAGING_USER_BACK, &[&workspace_id, id, &kept_id, &merged_id])?;
        }
        self.move_traces_back(workspace_id, &record.traces, kept_id, merged_id)?;
        self.move_rows_back(workspace_id, &record.rows, kept_id, merged_id)?;
        for id in &record.leads {
            self.execute(&MOVE_LEAD_BACK, &[&workspace_id, id, &kept_id, &merged_id])?;
        }
        for id in &record.cases {
            self.execute(&MOVE_CASE_BACK, &[&workspace_id, id, &kept_id, &merged_id])?;
        }
        for (campaign_id, position) in &record.recipients {
            self.execute(&MOVE_RECIPIENT_BACK, &[&workspace_id, campaign_id, position, &kept_id, &merged_id])?;
        }
        self.tell_merge(workspace_id, kept_id, merged_id, now);
        Ok(Unmerged::Done)
    }

    /// Gives the kept contact back what this merge brought it and another one who is still merged into it had, too. It is
    /// that one's from now on, and goes when that merge is taken back.
    fn hand_on(
        &mut self,
        workspace_id: WorkspaceId,
        merge: &MergeView,
        (lists, addresses): (&[ListId], &[ContactAddress]),
    ) -> Result<(), StoreError> {
        if lists.is_empty() && addresses.is_empty() {
            return Ok(());
        }
        let others = self.query(&OTHER_RECORDS, &[&workspace_id, &merge.kept_id, &merge.id], |row| {
            Ok((row.next::<MergeId>()?, row.json::<MergeRecord>()?))
        })?;
        for (id, mut other) in others {
            let mut is_changed = false;
            for list_id in lists.iter().filter(|list_id| other.was_on(**list_id)).copied().collect::<Vec<_>>() {
                if self.add_to_list(workspace_id, list_id, merge.kept_id, merge.merged_at)? {
                    other.lists_added.push(list_id);
                    is_changed = true;
                }
            }
            for address in addresses.iter().filter(|address| other.had(address)).cloned().collect::<Vec<_>>() {
                if self.insert_contact_address(workspace_id, merge.kept_id, &address)? {
                    other.addresses_added.push(address);
                    is_changed = true;
                }
            }
            if is_changed {
                self.execute(&PUT_RECORD, &[&workspace_id, &id, &json_text(&other)?])?;
            }
        }
        Ok(())
    }

    fn tell_merge(&mut self, workspace_id: WorkspaceId, kept_id: ContactId, merged_id: ContactId, now: Timestamp) {
        for id in [kept_id, merged_id] {
            self.emit(
                workspace_id,
                NewEvent {
                    kind: "contact.updated",
                    entity: "contact",
                    entity_id: id.to_string(),
                    audience: None,
                    data: serde_json::json!({ "contact_id": id }),
                    at: now,
                },
            );
        }
    }
}

/// What became of taking a merge back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmerged {
    Done,
    Already,
    /// The kept contact was deleted or merged into another one.
    KeptIsGone,
    /// The dissolved contact's phone number belongs to another contact now. The transaction is to be given up.
    AddressTaken,
}
