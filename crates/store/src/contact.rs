//! Contacts.
//!
//! Invariants: a phone number or external key belongs to at most one contact of a workspace; a contact that is deleted
//! takes its list memberships with it and leaves its consent ledger behind, so that a STOP outlives the contact.

use std::collections::BTreeMap;

use segue_model::{ContactId, PhoneNumber, Timestamp, WorkspaceId, consent::ConsentState, contact::ContactFields};
use serde::Serialize;

use crate::{
    Row, StoreError, Tx,
    contact_address::{AddressKind, ContactAddress},
    event::NewEvent,
    tx::json_text,
};

/// A contact as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Contact)]
pub struct ContactView {
    pub id: ContactId,
    pub phone: Option<PhoneNumber>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub email: Option<String>,
    pub locale: Option<String>,
    pub time_zone: Option<String>,
    /// The person's key in another system.
    pub external_key: Option<String>,
    pub attributes: BTreeMap<String, String>,
    /// Consent to promotional SMS.
    pub sms_consent: ConsentState,
    /// Consent to promotional WhatsApp messages.
    pub whatsapp_consent: ConsentState,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl ContactView {
    /// What is known of the person, without consent and times.
    #[must_use]
    pub fn fields(&self) -> ContactFields {
        ContactFields {
            phone: self.phone.clone(),
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            email: self.email.clone(),
            locale: self.locale.clone(),
            time_zone: self.time_zone.clone(),
            external_key: self.external_key.clone(),
            attributes: self.attributes.clone(),
        }
    }
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactChange {
    Changed,
    /// Another contact has this phone number.
    PhoneTaken,
    /// Another contact has this external key.
    KeyTaken,
    /// There is no such contact.
    Missing,
}

crate::sql! {
    INSERT_CONTACT = "INSERT INTO contacts (workspace_id, id, phone, first_name, last_name, email, locale, time_zone,
            attributes, search, created_at, updated_at, version, external_key)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, 1, $12)
        ON CONFLICT DO NOTHING";
    UPDATE_CONTACT = "UPDATE contacts SET phone = $3, first_name = $4, last_name = $5, email = $6, locale = $7,
            time_zone = $8, attributes = $9, search = $10, updated_at = $11, external_key = $12, version = version + 1
        WHERE workspace_id = $1 AND id = $2 AND NOT EXISTS (
            SELECT 1 FROM contacts other WHERE other.workspace_id = $1 AND other.phone = $3 AND other.id <> $2)";
    CONTACT_EXISTS = "SELECT 1 FROM contacts WHERE workspace_id = $1 AND id = $2";
    CONTACT_FOR_UPDATE = sqlite: "SELECT id, phone, first_name, last_name, email, locale, time_zone, external_key,
                attributes
            FROM contacts WHERE workspace_id = $1 AND id = $2",
        postgres: "SELECT id, phone, first_name, last_name, email, locale, time_zone, external_key,
                attributes
            FROM contacts WHERE workspace_id = $1 AND id = $2 FOR UPDATE";
    OWN_PHONE = "SELECT phone FROM contacts WHERE workspace_id = $1 AND id = $2";
    CONTACT_OF_PHONE = "SELECT id FROM contacts WHERE workspace_id = $1 AND phone = $2";
    CONTACT = "SELECT id, phone, first_name, last_name, email, locale, time_zone, external_key, attributes,
            sms_consent, whatsapp_consent, created_at, updated_at
        FROM contacts_with_consent WHERE workspace_id = $1 AND id = $2";
    CONTACT_BY_PHONE = "SELECT id, phone, first_name, last_name, email, locale, time_zone, external_key, attributes,
            sms_consent, whatsapp_consent, created_at, updated_at
        FROM contacts_with_consent WHERE workspace_id = $1 AND phone = $2";
    CONTACT_OF_KEY = "SELECT id FROM contacts WHERE workspace_id = $1 AND external_key = $2
        UNION ALL SELECT contact_id FROM contact_addresses WHERE workspace_id = $1 AND kind = 'key' AND address = $2";
}

pub(crate) fn read_fields(row: &mut Row<'_>) -> Result<ContactFields, StoreError> {
    Ok(ContactFields {
        phone: row.next()?,
        first_name: row.next()?,
        last_name: row.next()?,
        email: row.next()?,
        locale: row.next()?,
        time_zone: row.next()?,
        external_key: row.next()?,
        attributes: row.json()?,
    })
}

pub(crate) fn read_contact(row: &mut Row<'_>) -> Result<ContactView, StoreError> {
    Ok(ContactView {
        id: row.next()?,
        phone: row.next()?,
        first_name: row.next()?,
        last_name: row.next()?,
        email: row.next()?,
        locale: row.next()?,
        time_zone: row.next()?,
        external_key: row.next()?,
        attributes: row.json()?,
        sms_consent: row.word()?,
        whatsapp_consent: row.word()?,
        created_at: row.next()?,
        updated_at: row.next()?,
    })
}

fn search_text(fields: &ContactFields) -> String {
    let phone = fields.phone.as_ref().map(ToString::to_string);
    let parts = [&fields.first_name, &fields.last_name, &phone, &fields.email, &fields.external_key];
    parts.into_iter().flatten().map(|part| part.to_lowercase()).collect::<Vec<_>>().join(" ")
}

/// A `LIKE` pattern that finds the text anywhere; its own wildcards are taken literally.
pub(crate) fn like_pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.trim().to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// Fewest digits of a search that is taken for a part of a phone number.
const FEWEST_DIGITS: usize = 3;

/// [`like_pattern`] of the digits alone, where the text is a part of a phone number as people write it: numbers are kept
/// without what stands between their digits. `None` where there is nothing else to look for than the text itself.
pub(crate) fn number_pattern(text: &str) -> Option<String> {
    let text = text.trim();
    let is_number = |letter: char| letter.is_ascii_digit() || letter.is_whitespace() || "+-()./".contains(letter);
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    (text.chars().all(is_number) && digits.len() >= FEWEST_DIGITS && digits != text).then(|| like_pattern(&digits))
}

impl Tx<'_> {
    /// Adds a contact and tells the screens. `false` when another contact has its phone number or external key.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_contact(
        &mut self,
        workspace_id: WorkspaceId,
        id: ContactId,
        fields: &ContactFields,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if self.taken(workspace_id, id, fields)?.is_some() {
            return Ok(false);
        }
        let written = self.add_contact_quietly(workspace_id, id, fields, now)?;
        if written {
            self.tell_contact(workspace_id, id, now);
        }
        Ok(written)
    }

    /// Stores all fields of a contact and tells the screens.
    ///
    /// # Errors
    /// When the store fails.
    pub fn update_contact(
        &mut self,
        workspace_id: WorkspaceId,
        id: ContactId,
        fields: &ContactFields,
        now: Timestamp,
    ) -> Result<ContactChange, StoreError> {
        let change = self.update_contact_quietly(workspace_id, id, fields, now)?;
        if change == ContactChange::Changed {
            self.tell_contact(workspace_id, id, now);
        }
        Ok(change)
    }

    /// What of these fields another contact has already, among further addresses and keys.
    fn taken(
        &mut self,
        workspace_id: WorkspaceId,
        id: ContactId,
        fields: &ContactFields,
    ) -> Result<Option<ContactChange>, StoreError> {
        self.hold_addresses(workspace_id)?;
        if let Some(phone) = &fields.phone
            && self.contact_of_further_phone(workspace_id, phone)?.is_some_and(|owner| owner != id)
        {
            return Ok(Some(ContactChange::PhoneTaken));
        }
        if let Some(key) = &fields.external_key
            && self.contact_of_key(workspace_id, key)?.is_some_and(|owner| owner != id)
        {
            return Ok(Some(ContactChange::KeyTaken));
        }
        Ok(None)
    }

    /// The contact with this external key, be it its own or that of a contact that was merged into it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn contact_of_key(&mut self, workspace_id: WorkspaceId, key: &str) -> Result<Option<ContactId>, StoreError> {
        self.query_opt(&CONTACT_OF_KEY, &[&workspace_id, &key], |row| row.next())
    }

    /// Adds a contact and tells nobody. `false` when another one has its phone number or external key as its own.
    pub(crate) fn add_contact_quietly(
        &mut self,
        workspace_id: WorkspaceId,
        id: ContactId,
        fields: &ContactFields,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.write_contact(&INSERT_CONTACT, workspace_id, id, fields, now)? == 1)
    }

    /// Stores fields of a contact that keeps its phone number and external key, and tells nobody.
    pub(crate) fn put_fields_quietly(
        &mut self,
        workspace_id: WorkspaceId,
        id: ContactId,
        fields: &ContactFields,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write_contact(&UPDATE_CONTACT, workspace_id, id, fields, now).map(|_| ())
    }

    fn write_contact(
        &mut self,
        sql: &'static crate::Sql,
        workspace_id: WorkspaceId,
        id: ContactId,
        fields: &ContactFields,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        // The character U+0000 is no text for PostgreSQL, which would refuse to look into such JSON.
        let clean = |text: &String| text.replace('\0', "\u{FFFD}");
        let attributes: BTreeMap<_, _> =
            fields.attributes.iter().map(|(name, value)| (clean(name), clean(value))).collect();
        let attributes = json_text(&attributes)?;
        let written = self.execute(
            sql,
            &[
                &workspace_id,
                &id,
                &fields.phone,
                &fields.first_name,
                &fields.last_name,
                &fields.email,
                &fields.locale,
                &fields.time_zone,
                &attributes,
                &search_text(fields),
                &now,
                &fields.external_key,
            ],
        )?;
        if written == 1 {
            self.adopt_rows(workspace_id, id, fields)?;
        }
        Ok(written)
    }

    pub(crate) fn tell_contact(&mut self, workspace_id: WorkspaceId, id: ContactId, now: Timestamp) {
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

    /// The fields of a contact, which nobody else changes until this transaction has ended.
    ///
    /// # Errors
    /// When the store fails.
    pub fn contact_for_update(
        &mut self,
        workspace_id: WorkspaceId,
        id: ContactId,
    ) -> Result<Option<ContactFields>, StoreError> {
        self.query_opt(&CONTACT_FOR_UPDATE, &[&workspace_id, &id], |row| {
            let _: ContactId = row.next()?;
            read_fields(row)
        })
    }

    /// Stores all fields of a contact and tells nobody, for work in bulk. A further number that becomes its own is no
    /// further one any more, and the one that it had takes that place.
    ///
    /// # Errors
    /// When the store fails.
    pub fn update_contact_quietly(
        &mut self,
        workspace_id: WorkspaceId,
        id: ContactId,
        fields: &ContactFields,
        now: Timestamp,
    ) -> Result<ContactChange, StoreError> {
        let phones = self.phones_of_contact(workspace_id, id)?;
        let own = fields.phone.as_ref().map(PhoneNumber::as_str);
        let had: Option<String> =
            self.query_opt(&OWN_PHONE, &[&workspace_id, &id], |row| row.next::<Option<String>>())?.flatten();
        let changes_own = !phones.is_empty() && had.as_deref() != own;
        let mut further = None;
        if changes_own {
            // Consents come before addresses, as everywhere.
            self.lock_consents(workspace_id)?;
            let all = self.contact_addresses(workspace_id, id)?;
            further = all.into_iter().find(|it| it.kind == AddressKind::Phone && Some(it.address.as_str()) == own);
        }
        if further.is_some() {
            self.lock_addresses(workspace_id)?;
        }
        // Nobody else gives the same number or key to another contact until this transaction has ended.
        if let Some(phone) = &fields.phone {
            self.lock("contact_phone", &format_args!("{workspace_id}:{phone}"))?;
        }
        if let Some(key) = &fields.external_key {
            self.lock("contact_key", &format_args!("{workspace_id}:{key}"))?;
        }
        if let Some(taken) = self.taken(workspace_id, id, fields)? {
            return Ok(taken);
        }
        if self.write_contact(&UPDATE_CONTACT, workspace_id, id, fields, now)? == 1 {
            if let Some(further) = further {
                self.delete_contact_address(workspace_id, id, AddressKind::Phone, &further.address)?;
                if let Some(had) = had {
                    // Since when the two are known to be one person's stays.
                    self.insert_contact_address(workspace_id, id, &ContactAddress { address: had, ..further })?;
                }
            }
            if changes_own {
                // A number it had and has no more is nobody's now, and the new one has the further ones beside it.
                let numbers: Vec<String> =
                    phones.into_iter().map(|(phone, _)| phone).chain(own.map(str::to_owned)).collect();
                self.compute_consents_of(workspace_id, &numbers)?;
            }
            return Ok(ContactChange::Changed);
        }
        let exists = self.query_opt(&CONTACT_EXISTS, &[&workspace_id, &id], |row| row.next::<i64>())?.is_some();
        Ok(if exists { ContactChange::PhoneTaken } else { ContactChange::Missing })
    }

    /// One contact.
    ///
    /// # Errors
    /// When the store fails.
    pub fn contact(&mut self, workspace_id: WorkspaceId, id: ContactId) -> Result<Option<ContactView>, StoreError> {
        self.query_opt(&CONTACT, &[&workspace_id, &id], read_contact)
    }

    /// The contact with this phone number, be it its own or a further one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn contact_by_phone(
        &mut self,
        workspace_id: WorkspaceId,
        phone: &PhoneNumber,
    ) -> Result<Option<ContactView>, StoreError> {
        if let Some(found) = self.query_opt(&CONTACT_BY_PHONE, &[&workspace_id, phone], read_contact)? {
            return Ok(Some(found));
        }
        match self.contact_of_further_phone(workspace_id, phone)? {
            Some(id) => self.contact(workspace_id, id),
            None => Ok(None),
        }
    }

    /// Whose number this is, own or further.
    pub(crate) fn contact_of_phone(
        &mut self,
        workspace_id: WorkspaceId,
        phone: &PhoneNumber,
    ) -> Result<Option<ContactId>, StoreError> {
        match self.query_opt(&CONTACT_OF_PHONE, &[&workspace_id, phone], |row| row.next())? {
            Some(id) => Ok(Some(id)),
            None => self.contact_of_further_phone(workspace_id, phone),
        }
    }
}
