//! Saved views of the contacts, and what their attributes are.

pub use segue_model::attribute::AttributeKind;
use segue_model::{ContactViewId, Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};

use crate::{Row, StoreError, Tx, contact::ContactView, tx::json_text};

segue_model::text_enum! {
    /// In which order contacts are listed.
    #[derive(Default)]
    pub enum ContactSort {
        #[default]
        Newest = "newest",
        Oldest = "oldest",
    }
}

segue_model::text_enum! {
    /// How a filter of the contacts compares. Upper and lower case are the same.
    pub enum FieldOperator {
        Equals = "equals",
        /// Also true for contacts without the field.
        NotEquals = "not_equals",
        Contains = "contains",
        /// The field has any value.
        Exists = "exists",
        /// The field has no value.
        Missing = "missing",
        /// As numbers where both are, else as texts: days compare as they are written.
        AtLeast = "at_least",
        AtMost = "at_most",
    }
}

/// A condition on one field of a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldFilter {
    /// A standard field, `sms_consent`, `whatsapp_consent`, or the name of an attribute.
    pub field: String,
    pub op: FieldOperator,
    #[serde(default)]
    pub value: String,
}

impl FieldFilter {
    /// Whether the contact meets the condition.
    #[must_use]
    pub fn matches(&self, contact: &ContactView) -> bool {
        let found = match self.field.as_str() {
            "phone" => contact.phone.as_ref().map(segue_model::PhoneNumber::as_str),
            "first_name" => contact.first_name.as_deref(),
            "last_name" => contact.last_name.as_deref(),
            "email" => contact.email.as_deref(),
            "locale" => contact.locale.as_deref(),
            "time_zone" => contact.time_zone.as_deref(),
            "external_key" => contact.external_key.as_deref(),
            "sms_consent" => Some(contact.sms_consent.as_str()),
            "whatsapp_consent" => Some(contact.whatsapp_consent.as_str()),
            other => contact.attributes.get(other).map(String::as_str),
        };
        let found = found.map(str::trim).filter(|text| !text.is_empty()).map(str::to_lowercase);
        let wanted = self.value.trim().to_lowercase();
        match self.op {
            FieldOperator::Equals => found.is_some_and(|found| found == wanted),
            FieldOperator::NotEquals => found.is_none_or(|found| found != wanted),
            FieldOperator::Contains => found.is_some_and(|found| found.contains(&wanted)),
            FieldOperator::Exists => found.is_some(),
            FieldOperator::Missing => found.is_none(),
            FieldOperator::AtLeast => found.is_some_and(|found| compare(&found, &wanted).is_ge()),
            FieldOperator::AtMost => found.is_some_and(|found| compare(&found, &wanted).is_le()),
        }
    }
}

fn compare(found: &str, wanted: &str) -> std::cmp::Ordering {
    match (found.parse::<f64>(), wanted.parse::<f64>()) {
        (Ok(found), Ok(wanted)) => found.total_cmp(&wanted),
        _ => found.cmp(wanted),
    }
}

/// What an attribute is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct AttributeDefinition {
    /// As texts and filters use it.
    pub name: String,
    /// As people read it.
    pub label: String,
    pub kind: AttributeKind,
    /// The words of a choice.
    pub choices: Vec<String>,
    pub created_at: Timestamp,
}

/// What a view shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ViewQuery {
    #[serde(default)]
    pub search: String,
    #[serde(default)]
    pub list_id: Option<segue_model::ListId>,
    #[serde(default)]
    pub filters: Vec<FieldFilter>,
    #[serde(default = "newest")]
    pub sort: ContactSort,
    /// Fields and attributes, in the order of the columns.
    #[serde(default)]
    pub columns: Vec<String>,
}

const fn newest() -> ContactSort {
    ContactSort::Newest
}

/// A saved view of the contacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ContactViewRecord {
    pub id: ContactViewId,
    pub name: String,
    /// Whose it is: the id of a user or an API key, or `system`.
    pub owner: String,
    /// Whether everybody sees it.
    pub shared: bool,
    pub query: ViewQuery,
    pub updated_at: Timestamp,
}

crate::sql! {
    ATTRIBUTE_DEFINITIONS = "SELECT name, label, kind, choices, created_at FROM attribute_definitions
        WHERE workspace_id = $1 ORDER BY label, name";
    PUT_ATTRIBUTE = "INSERT INTO attribute_definitions (workspace_id, name, label, kind, choices, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (workspace_id, name) DO UPDATE SET label = excluded.label, kind = excluded.kind,
            choices = excluded.choices";
    /// The attributes' JSON has every name as `"name":`, and a quote inside a value is always escaped.
    ATTRIBUTE_IS_USED = "SELECT 1 FROM contacts WHERE workspace_id = $1 AND attributes LIKE $2 ESCAPE '\\' LIMIT 1";
    DELETE_ATTRIBUTE = "DELETE FROM attribute_definitions WHERE workspace_id = $1 AND name = $2";
    CONTACT_VIEWS = "SELECT id, name, owner, shared, query, updated_at FROM contact_views
        WHERE workspace_id = $1 AND (shared = 1 OR owner = $2) ORDER BY name, id";
    INSERT_CONTACT_VIEW = "INSERT INTO contact_views (workspace_id, id, name, owner, shared, query, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7)";
    UPDATE_CONTACT_VIEW = "UPDATE contact_views SET name = $3, shared = $5, query = $6, updated_at = $7
        WHERE workspace_id = $1 AND id = $2 AND owner = $4";
    DELETE_CONTACT_VIEW = "DELETE FROM contact_views WHERE workspace_id = $1 AND id = $2 AND owner = $3";
}

fn read_definition(row: &mut Row<'_>) -> Result<AttributeDefinition, StoreError> {
    Ok(AttributeDefinition {
        name: row.next()?,
        label: row.next()?,
        kind: row.word()?,
        choices: row.json()?,
        created_at: row.next()?,
    })
}

fn read_view(row: &mut Row<'_>) -> Result<ContactViewRecord, StoreError> {
    Ok(ContactViewRecord {
        id: row.next()?,
        name: row.next()?,
        owner: row.next()?,
        shared: row.next()?,
        query: row.json()?,
        updated_at: row.next()?,
    })
}

impl Tx<'_> {
    /// What the workspace's attributes are, by their labels.
    ///
    /// # Errors
    /// When the store fails.
    pub fn attribute_definitions(&mut self, workspace_id: WorkspaceId) -> Result<Vec<AttributeDefinition>, StoreError> {
        self.query(&ATTRIBUTE_DEFINITIONS, &[&workspace_id], read_definition)
    }

    /// Says what an attribute is, anew when that is known.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_attribute_definition(
        &mut self,
        workspace_id: WorkspaceId,
        definition: &AttributeDefinition,
    ) -> Result<(), StoreError> {
        let choices = json_text(&definition.choices)?;
        self.execute(
            &PUT_ATTRIBUTE,
            &[
                &workspace_id,
                &definition.name,
                &definition.label,
                &definition.kind.as_str(),
                &choices,
                &definition.created_at,
            ],
        )
        .map(|_| ())
    }

    /// Makes an attribute free text again; its values stay. `false` when it is not defined.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_attribute_definition(&mut self, workspace_id: WorkspaceId, name: &str) -> Result<bool, StoreError> {
        Ok(self.execute(&DELETE_ATTRIBUTE, &[&workspace_id, &name])? == 1)
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

    /// The views that `owner` sees: own and shared ones, by name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn contact_views(
        &mut self,
        workspace_id: WorkspaceId,
        owner: &str,
    ) -> Result<Vec<ContactViewRecord>, StoreError> {
        self.query(&CONTACT_VIEWS, &[&workspace_id, &owner], read_view)
    }

    /// Adds a view.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_contact_view(
        &mut self,
        workspace_id: WorkspaceId,
        view: &ContactViewRecord,
    ) -> Result<(), StoreError> {
        self.write_contact_view(&INSERT_CONTACT_VIEW, workspace_id, view).map(|_| ())
    }

    /// Stores an own view anew. `false` when there is none of its owner's.
    ///
    /// # Errors
    /// When the store fails.
    pub fn update_contact_view(
        &mut self,
        workspace_id: WorkspaceId,
        view: &ContactViewRecord,
    ) -> Result<bool, StoreError> {
        Ok(self.write_contact_view(&UPDATE_CONTACT_VIEW, workspace_id, view)? == 1)
    }

    fn write_contact_view(
        &mut self,
        sql: &'static crate::Sql,
        workspace_id: WorkspaceId,
        view: &ContactViewRecord,
    ) -> Result<u64, StoreError> {
        let query = json_text(&view.query)?;
        self.execute(
            sql,
            &[&workspace_id, &view.id, &view.name, &view.owner, &i64::from(view.shared), &query, &view.updated_at],
        )
    }

    /// Removes an own view. `false` when there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_contact_view(
        &mut self,
        workspace_id: WorkspaceId,
        id: ContactViewId,
        owner: &str,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&DELETE_CONTACT_VIEW, &[&workspace_id, &id, &owner])? == 1)
    }
}
