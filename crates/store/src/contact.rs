//! Contacts and lists of contacts.
//!
//! Invariants: a phone number belongs to at most one contact of a workspace; a contact that is deleted takes its list
//! memberships with it and leaves its consent ledger behind, so that a STOP outlives the contact.

use std::collections::BTreeMap;

use segue_model::{
    ContactId, ListId, PhoneNumber, Timestamp, WorkspaceId, consent::ConsentState, contact::ContactFields,
    contact::FieldChanges, id::Id as _,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Row, StoreError, Tx, event::NewEvent, tx::json_text};

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
            attributes: self.attributes.clone(),
        }
    }
}

/// A list of contacts as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ContactList)]
pub struct ContactListView {
    pub id: ListId,
    pub name: String,
    pub member_count: i64,
    pub created_at: Timestamp,
}

segue_model::text_enum! {
    /// How a filter compares. Upper and lower case are the same.
    pub enum FilterOperator {
        Equals = "equals",
        /// Also true for contacts without the field.
        NotEquals = "not_equals",
        Contains = "contains",
        /// The field has any value.
        Exists = "exists",
    }
}

/// A condition on one field of a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AudienceFilter {
    /// A standard field or the name of an attribute.
    pub field: String,
    pub op: FilterOperator,
    #[serde(default)]
    pub value: String,
}

impl AudienceFilter {
    /// Whether the contact meets the condition.
    #[must_use]
    pub fn matches(&self, contact: &ContactFields) -> bool {
        let found = contact.field(&self.field).map(str::trim).filter(|text| !text.is_empty()).map(str::to_lowercase);
        let wanted = self.value.trim().to_lowercase();
        match self.op {
            FilterOperator::Equals => found.is_some_and(|found| found == wanted),
            FilterOperator::NotEquals => found.is_none_or(|found| found != wanted),
            FilterOperator::Contains => found.is_some_and(|found| found.contains(&wanted)),
            FilterOperator::Exists => found.is_some(),
        }
    }
}

/// Which contacts to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct ContactQuery {
    /// Part of a name, phone number or e-mail address.
    pub search: String,
    pub list_id: Option<ListId>,
    /// Only contacts older than this one.
    pub before: Option<ContactId>,
    pub limit: i64,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactChange {
    Changed,
    /// Another contact has this phone number.
    PhoneTaken,
    /// There is no such contact.
    Missing,
}

/// What became of a row that was merged by its phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upserted {
    Created(ContactId),
    Updated(ContactId),
    Unchanged(ContactId),
}

impl Upserted {
    /// The contact that has the phone number now.
    #[must_use]
    pub const fn id(self) -> ContactId {
        match self {
            Self::Created(id) | Self::Updated(id) | Self::Unchanged(id) => id,
        }
    }
}

/// A contact with all that decides whether a campaign may text it.
#[derive(Debug, Clone)]
pub struct AudienceMember {
    pub id: ContactId,
    pub fields: ContactFields,
    pub sms_consent: ConsentState,
    pub is_suppressed: bool,
}

// Consent is looked up per row of the page: a join that the planner of a freshly filled PostgreSQL, which has no
// statistics yet, takes for small costs the square of the number of contacts.
crate::sql! {
    INSERT_CONTACT = "INSERT INTO contacts (workspace_id, id, phone, first_name, last_name, email, locale, time_zone,
            attributes, search, created_at, updated_at, version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, 1)
        ON CONFLICT (workspace_id, phone) DO NOTHING";
    UPDATE_CONTACT = "UPDATE contacts SET phone = $3, first_name = $4, last_name = $5, email = $6, locale = $7,
            time_zone = $8, attributes = $9, search = $10, updated_at = $11, version = version + 1
        WHERE workspace_id = $1 AND id = $2 AND NOT EXISTS (
            SELECT 1 FROM contacts other WHERE other.workspace_id = $1 AND other.phone = $3 AND other.id <> $2)";
    CONTACT_EXISTS = "SELECT 1 FROM contacts WHERE workspace_id = $1 AND id = $2";
    DELETE_CONTACT = "DELETE FROM contacts WHERE workspace_id = $1 AND id = $2 RETURNING phone";
    UNLINK_MESSAGING_USERS = "UPDATE messaging_users SET contact_id = NULL, linked_by = NULL, version = version + 1
        WHERE workspace_id = $1 AND contact_id = $2";
    UNLINK_LEADS = "UPDATE leads SET contact_id = NULL WHERE workspace_id = $1 AND contact_id = $2";
    UNLINK_CASES = "UPDATE cases SET contact_id = NULL WHERE workspace_id = $1 AND contact_id = $2";
    CONTACT_FOR_UPDATE = sqlite: "SELECT id, phone, first_name, last_name, email, locale, time_zone, attributes
            FROM contacts WHERE workspace_id = $1 AND id = $2",
        postgres: "SELECT id, phone, first_name, last_name, email, locale, time_zone, attributes
            FROM contacts WHERE workspace_id = $1 AND id = $2 FOR UPDATE";
    CONTACT_OF_PHONE_FOR_UPDATE = sqlite: "SELECT id, phone, first_name, last_name, email, locale, time_zone, attributes
            FROM contacts WHERE workspace_id = $1 AND phone = $2",
        postgres: "SELECT id, phone, first_name, last_name, email, locale, time_zone, attributes
            FROM contacts WHERE workspace_id = $1 AND phone = $2 FOR UPDATE";
    CONTACT = "SELECT c.id, c.phone, c.first_name, c.last_name, c.email, c.locale, c.time_zone, c.attributes,
            COALESCE((SELECT s.state FROM consents s WHERE s.workspace_id = c.workspace_id AND s.medium = 'sms'
                AND s.address = c.phone AND s.purpose = 'marketing'), 'none'),
            COALESCE((SELECT s.state FROM consents s WHERE s.workspace_id = c.workspace_id AND s.medium = 'whatsapp'
                AND s.address = c.phone AND s.purpose = 'marketing'), 'none'), c.created_at, c.updated_at
        FROM contacts c
        WHERE c.workspace_id = $1 AND c.id = $2";
    CONTACT_BY_PHONE = "SELECT c.id, c.phone, c.first_name, c.last_name, c.email, c.locale, c.time_zone, c.attributes,
            COALESCE((SELECT s.state FROM consents s WHERE s.workspace_id = c.workspace_id AND s.medium = 'sms'
                AND s.address = c.phone AND s.purpose = 'marketing'), 'none'),
            COALESCE((SELECT s.state FROM consents s WHERE s.workspace_id = c.workspace_id AND s.medium = 'whatsapp'
                AND s.address = c.phone AND s.purpose = 'marketing'), 'none'), c.created_at, c.updated_at
        FROM contacts c
        WHERE c.workspace_id = $1 AND c.phone = $2";
    CONTACTS = "SELECT c.id, c.phone, c.first_name, c.last_name, c.email, c.locale, c.time_zone, c.attributes,
            COALESCE((SELECT s.state FROM consents s WHERE s.workspace_id = c.workspace_id AND s.medium = 'sms'
                AND s.address = c.phone AND s.purpose = 'marketing'), 'none'),
            COALESCE((SELECT s.state FROM consents s WHERE s.workspace_id = c.workspace_id AND s.medium = 'whatsapp'
                AND s.address = c.phone AND s.purpose = 'marketing'), 'none'), c.created_at, c.updated_at
        FROM contacts c
        WHERE c.workspace_id = $1 AND c.id < $2 AND c.search LIKE $3 ESCAPE '\\'
        ORDER BY c.id DESC LIMIT $4";
    CONTACTS_OF_LIST = "SELECT c.id, c.phone, c.first_name, c.last_name, c.email, c.locale, c.time_zone, c.attributes,
            COALESCE((SELECT s.state FROM consents s WHERE s.workspace_id = c.workspace_id AND s.medium = 'sms'
                AND s.address = c.phone AND s.purpose = 'marketing'), 'none'),
            COALESCE((SELECT s.state FROM consents s WHERE s.workspace_id = c.workspace_id AND s.medium = 'whatsapp'
                AND s.address = c.phone AND s.purpose = 'marketing'), 'none'), c.created_at, c.updated_at
        FROM list_members m
        JOIN contacts c ON c.workspace_id = m.workspace_id AND c.id = m.contact_id
        WHERE m.workspace_id = $1 AND m.list_id = $5 AND m.contact_id < $2 AND c.search LIKE $3 ESCAPE '\\'
        ORDER BY m.contact_id DESC LIMIT $4";
    AUDIENCE = "SELECT c.id, c.phone, c.first_name, c.last_name, c.email, c.locale, c.time_zone, c.attributes,
            COALESCE((SELECT s.state FROM consents s WHERE s.workspace_id = c.workspace_id AND s.medium = 'sms'
                AND s.address = c.phone AND s.purpose = 'marketing'), 'none'),
            (SELECT COUNT(*) FROM suppressions x WHERE x.workspace_id = c.workspace_id AND x.address = c.phone)
        FROM contacts c
        WHERE c.workspace_id = $1 AND c.id > $2 ORDER BY c.id LIMIT $3";
    AUDIENCE_OF_LIST = "SELECT c.id, c.phone, c.first_name, c.last_name, c.email, c.locale, c.time_zone, c.attributes,
            COALESCE((SELECT s.state FROM consents s WHERE s.workspace_id = c.workspace_id AND s.medium = 'sms'
                AND s.address = c.phone AND s.purpose = 'marketing'), 'none'),
            (SELECT COUNT(*) FROM suppressions x WHERE x.workspace_id = c.workspace_id AND x.address = c.phone)
        FROM list_members m
        JOIN contacts c ON c.workspace_id = m.workspace_id AND c.id = m.contact_id
        WHERE m.workspace_id = $1 AND m.list_id = $4 AND m.contact_id > $2 ORDER BY m.contact_id LIMIT $3";
    /// The attributes' JSON has every name as `"name":`, and a quote inside a value is always escaped.
    ATTRIBUTE_IS_USED = "SELECT 1 FROM contacts WHERE workspace_id = $1 AND attributes LIKE $2 ESCAPE '\\' LIMIT 1";
    INSERT_LIST = "INSERT INTO lists (workspace_id, id, name, created_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (workspace_id, name) DO NOTHING";
    LISTS = "SELECT l.id, l.name, (SELECT COUNT(*) FROM list_members m WHERE m.workspace_id = l.workspace_id
            AND m.list_id = l.id), l.created_at FROM lists l WHERE l.workspace_id = $1 ORDER BY l.id DESC";
    LIST = "SELECT l.id, l.name, (SELECT COUNT(*) FROM list_members m WHERE m.workspace_id = l.workspace_id
            AND m.list_id = l.id), l.created_at FROM lists l WHERE l.workspace_id = $1 AND l.id = $2";
    LIST_BY_NAME = "SELECT l.id, l.name, (SELECT COUNT(*) FROM list_members m WHERE m.workspace_id = l.workspace_id
            AND m.list_id = l.id), l.created_at FROM lists l WHERE l.workspace_id = $1 AND l.name = $2";
    ADD_TO_LIST = "INSERT INTO list_members (workspace_id, list_id, contact_id, added_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (workspace_id, list_id, contact_id) DO NOTHING";
    REMOVE_FROM_LIST = "DELETE FROM list_members WHERE workspace_id = $1 AND list_id = $2 AND contact_id = $3";
}

pub(crate) fn read_fields(row: &mut Row<'_>) -> Result<ContactFields, StoreError> {
    Ok(ContactFields {
        phone: row.next()?,
        first_name: row.next()?,
        last_name: row.next()?,
        email: row.next()?,
        locale: row.next()?,
        time_zone: row.next()?,
        attributes: row.json()?,
    })
}

fn read_contact(row: &mut Row<'_>) -> Result<ContactView, StoreError> {
    Ok(ContactView {
        id: row.next()?,
        phone: row.next()?,
        first_name: row.next()?,
        last_name: row.next()?,
        email: row.next()?,
        locale: row.next()?,
        time_zone: row.next()?,
        attributes: row.json()?,
        sms_consent: row.word()?,
        whatsapp_consent: row.word()?,
        created_at: row.next()?,
        updated_at: row.next()?,
    })
}

fn read_list(row: &mut Row<'_>) -> Result<ContactListView, StoreError> {
    Ok(ContactListView { id: row.next()?, name: row.next()?, member_count: row.next()?, created_at: row.next()? })
}

fn search_text(fields: &ContactFields) -> String {
    let phone = fields.phone.as_ref().map(ToString::to_string);
    let parts = [&fields.first_name, &fields.last_name, &phone, &fields.email];
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

/// `known` with what `news` adds; an empty text never takes a known one away.
fn merged(known: &ContactFields, news: &ContactFields) -> ContactFields {
    let pick = |new: &Option<String>, old: &Option<String>| {
        new.clone().filter(|text| !text.trim().is_empty()).or_else(|| old.clone())
    };
    let mut attributes = known.attributes.clone();
    let told = news.attributes.iter().filter(|(_, value)| !value.trim().is_empty());
    attributes.extend(told.map(|(name, value)| (name.clone(), value.clone())));
    ContactFields {
        phone: news.phone.clone().or_else(|| known.phone.clone()),
        first_name: pick(&news.first_name, &known.first_name),
        last_name: pick(&news.last_name, &known.last_name),
        email: pick(&news.email, &known.email),
        locale: pick(&news.locale, &known.locale),
        time_zone: pick(&news.time_zone, &known.time_zone),
        attributes,
    }
}

impl Tx<'_> {
    /// Adds a contact and tells the screens. `false` when another contact has its phone number.
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
        let written = self.write_contact(&INSERT_CONTACT, workspace_id, id, fields, now)? == 1;
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
        self.execute(
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
            ],
        )
    }

    fn tell_contact(&mut self, workspace_id: WorkspaceId, id: ContactId, now: Timestamp) {
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

    /// Adds the contact with this phone number, or merges what is new into the one that has it: an empty field never
    /// erases a known one. Tells nobody; whoever does this in bulk tells at the end. `fields.phone` must be set, else a
    /// new contact is added each time.
    ///
    /// # Errors
    /// When the store fails.
    pub fn upsert_contact(
        &mut self,
        workspace_id: WorkspaceId,
        fresh_id: ContactId,
        fields: &ContactFields,
        now: Timestamp,
    ) -> Result<Upserted, StoreError> {
        self.upsert_contact_with_changes(workspace_id, fresh_id, fields, now).map(|(upserted, _)| upserted)
    }

    /// [`Tx::upsert_contact`], with what it changed of a known contact.
    ///
    /// # Errors
    /// When the store fails.
    pub fn upsert_contact_with_changes(
        &mut self,
        workspace_id: WorkspaceId,
        fresh_id: ContactId,
        fields: &ContactFields,
        now: Timestamp,
    ) -> Result<(Upserted, FieldChanges), StoreError> {
        let fields = merged(&ContactFields::default(), fields);
        if self.write_contact(&INSERT_CONTACT, workspace_id, fresh_id, &fields, now)? == 1 {
            return Ok((Upserted::Created(fresh_id), FieldChanges::new()));
        }
        let found = self.query_opt(&CONTACT_OF_PHONE_FOR_UPDATE, &[&workspace_id, &fields.phone], |row| {
            Ok((row.next::<ContactId>()?, read_fields(row)?))
        })?;
        // Somebody deleted it between the two statements.
        let (id, known) =
            found.ok_or_else(|| StoreError::Unavailable("the contact was deleted meanwhile".to_owned()))?;
        let merged = merged(&known, &fields);
        if merged == known {
            return Ok((Upserted::Unchanged(id), FieldChanges::new()));
        }
        self.write_contact(&UPDATE_CONTACT, workspace_id, id, &merged, now)?;
        Ok((Upserted::Updated(id), known.changes_to(&merged)))
    }

    /// Stores all fields of a contact and tells nobody, for work in bulk.
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
        if let Some(phone) = &fields.phone {
            self.lock("contact_phone", &format_args!("{workspace_id}:{phone}"))?;
        }
        if self.write_contact(&UPDATE_CONTACT, workspace_id, id, fields, now)? == 1 {
            return Ok(ContactChange::Changed);
        }
        let exists = self.query_opt(&CONTACT_EXISTS, &[&workspace_id, &id], |row| row.next::<i64>())?.is_some();
        Ok(if exists { ContactChange::PhoneTaken } else { ContactChange::Missing })
    }

    /// Deletes a contact: its list memberships go, conversations, leads and cases stay without it, promotional messages
    /// that have not left are canceled, and its consent ledger stays. `false` when there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_contact(
        &mut self,
        workspace_id: WorkspaceId,
        id: ContactId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let deleted = self.delete_contact_quietly(workspace_id, id)?;
        if deleted {
            self.tell_contact(workspace_id, id, now);
        }
        Ok(deleted)
    }

    /// [`Tx::delete_contact`] without telling the screens, for work in bulk.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_contact_quietly(&mut self, workspace_id: WorkspaceId, id: ContactId) -> Result<bool, StoreError> {
        self.lock_consents(workspace_id)?;
        let deleted: Option<Option<String>> =
            self.query_opt(&DELETE_CONTACT, &[&workspace_id, &id], |row| row.next())?;
        let Some(phone) = deleted else { return Ok(false) };
        for unlink in [&UNLINK_MESSAGING_USERS, &UNLINK_LEADS, &UNLINK_CASES] {
            self.execute(unlink, &[&workspace_id, &id])?;
        }
        if let Some(phone) = phone {
            self.cancel_waiting_marketing(workspace_id, &phone, "contact_deleted")?;
        }
        Ok(true)
    }

    /// One contact.
    ///
    /// # Errors
    /// When the store fails.
    pub fn contact(&mut self, workspace_id: WorkspaceId, id: ContactId) -> Result<Option<ContactView>, StoreError> {
        self.query_opt(&CONTACT, &[&workspace_id, &id], read_contact)
    }

    /// The contact with this phone number.
    ///
    /// # Errors
    /// When the store fails.
    pub fn contact_by_phone(
        &mut self,
        workspace_id: WorkspaceId,
        phone: &PhoneNumber,
    ) -> Result<Option<ContactView>, StoreError> {
        self.query_opt(&CONTACT_BY_PHONE, &[&workspace_id, phone], read_contact)
    }

    /// Contacts, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn contacts(
        &mut self,
        workspace_id: WorkspaceId,
        query: &ContactQuery,
    ) -> Result<Vec<ContactView>, StoreError> {
        let before = query.before.unwrap_or_else(|| ContactId::from_uuid(Uuid::max()));
        let pattern = like_pattern(&query.search);
        match query.list_id {
            None => self.query(&CONTACTS, &[&workspace_id, &before, &pattern, &query.limit], read_contact),
            Some(list_id) => {
                self.query(&CONTACTS_OF_LIST, &[&workspace_id, &before, &pattern, &query.limit, &list_id], read_contact)
            }
        }
    }

    /// The next contacts after `after` in the order of their ids, of a list or of all, with consent and suppression.
    ///
    /// # Errors
    /// When the store fails.
    pub fn audience_after(
        &mut self,
        workspace_id: WorkspaceId,
        list_id: Option<ListId>,
        after: Option<ContactId>,
        limit: i64,
    ) -> Result<Vec<AudienceMember>, StoreError> {
        let after = after.unwrap_or_else(|| ContactId::from_uuid(Uuid::nil()));
        let read = |row: &mut Row<'_>| {
            let id = row.next()?;
            let fields = read_fields(row)?;
            Ok(AudienceMember { id, fields, sms_consent: row.word()?, is_suppressed: row.next()? })
        };
        match list_id {
            None => self.query(&AUDIENCE, &[&workspace_id, &after, &limit], read),
            Some(list_id) => self.query(&AUDIENCE_OF_LIST, &[&workspace_id, &after, &limit, &list_id], read),
        }
    }

    /// Whether any contact has an attribute of this name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn attribute_is_used(&mut self, workspace_id: WorkspaceId, name: &str) -> Result<bool, StoreError> {
        let mut pattern = String::from("%");
        for letter in json_text(&name)?.chars().chain([':']) {
            if matches!(letter, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(letter);
        }
        pattern.push('%');
        Ok(self.query_opt(&ATTRIBUTE_IS_USED, &[&workspace_id, &pattern], |row| row.next::<i64>())?.is_some())
    }

    /// Adds a list. `false` when one has this name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_list(
        &mut self,
        workspace_id: WorkspaceId,
        id: ListId,
        name: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&INSERT_LIST, &[&workspace_id, &id, &name, &now])? == 1)
    }

    /// The lists of a workspace, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn lists(&mut self, workspace_id: WorkspaceId) -> Result<Vec<ContactListView>, StoreError> {
        self.query(&LISTS, &[&workspace_id], read_list)
    }

    /// One list.
    ///
    /// # Errors
    /// When the store fails.
    pub fn list(&mut self, workspace_id: WorkspaceId, id: ListId) -> Result<Option<ContactListView>, StoreError> {
        self.query_opt(&LIST, &[&workspace_id, &id], read_list)
    }

    /// The list with this name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn list_by_name(
        &mut self,
        workspace_id: WorkspaceId,
        name: &str,
    ) -> Result<Option<ContactListView>, StoreError> {
        self.query_opt(&LIST_BY_NAME, &[&workspace_id, &name], read_list)
    }

    /// Puts a contact on a list. `false` when it is on it already.
    ///
    /// # Errors
    /// When the store fails or one of the two does not exist.
    pub fn add_to_list(
        &mut self,
        workspace_id: WorkspaceId,
        list_id: ListId,
        contact_id: ContactId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&ADD_TO_LIST, &[&workspace_id, &list_id, &contact_id, &now])? == 1)
    }

    /// Takes a contact off a list. `false` when it is not on it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remove_from_list(
        &mut self,
        workspace_id: WorkspaceId,
        list_id: ListId,
        contact_id: ContactId,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&REMOVE_FROM_LIST, &[&workspace_id, &list_id, &contact_id])? == 1)
    }
}
