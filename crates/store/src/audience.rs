//! Whom a campaign or a batch may text: members with what decides about each.

use segue_model::{
    ContactId, ListId, PhoneNumber, ProgrammeId, WorkspaceId, consent::ConsentState, contact::ContactFields,
    id::Id as _,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Row, StoreError, Tx, contact::read_fields};

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

/// A contact with all that decides whether a campaign may text it.
#[derive(Debug, Clone)]
pub struct AudienceMember {
    pub id: ContactId,
    pub fields: ContactFields,
    pub sms_consent: ConsentState,
    pub is_suppressed: bool,
    /// The further number that is tried first of those that have opted in and are not suppressed.
    pub further_phone: Option<PhoneNumber>,
}

crate::sql! {
    AUDIENCE_OF_LIST = "SELECT c.id, c.phone, c.first_name, c.last_name, c.email, c.locale, c.time_zone,
            c.external_key, c.attributes, c.sms_consent, c.suppressions, c.further_phone
        FROM list_members m
        JOIN contacts_with_consent c ON c.workspace_id = m.workspace_id AND c.id = m.contact_id
        WHERE m.workspace_id = $1 AND m.list_id = $4 AND m.contact_id > $2 ORDER BY m.contact_id LIMIT $3";
    AUDIENCE_MEMBER = "SELECT c.id, c.phone, c.first_name, c.last_name, c.email, c.locale, c.time_zone,
            c.external_key, c.attributes, c.sms_consent, c.suppressions, c.further_phone
        FROM contacts_with_consent c WHERE c.workspace_id = $1 AND c.id = $2";
}

/// The columns of `contacts_with_consent c` that [`read_member`] reads.
pub(crate) const MEMBER: &str =
    "c.id, c.phone, c.first_name, c.last_name, c.email, c.locale, c.time_zone, c.external_key,
    c.attributes, c.sms_consent, c.suppressions, c.further_phone";

pub(crate) fn read_member(row: &mut Row<'_>) -> Result<AudienceMember, StoreError> {
    Ok(AudienceMember {
        id: row.next()?,
        fields: read_fields(row)?,
        sms_consent: row.word()?,
        is_suppressed: row.next()?,
        further_phone: row.next()?,
    })
}

impl AudienceMember {
    /// The member with the number it is texted at: its own, or, where nothing was ever said for that one or there is
    /// none, the first further one that has opted in. Never another one than a number that said no.
    #[must_use]
    pub fn with_number_to_text(mut self) -> Self {
        if self.sms_consent == ConsentState::None
            && let Some(further) = self.further_phone.take()
        {
            self.fields.phone = Some(further);
            self.sms_consent = ConsentState::Granted;
            self.is_suppressed = false;
        }
        self
    }
}

impl Tx<'_> {
    /// A member with the number it is texted at, as [`AudienceMember::with_number_to_text`]; for a programme, a yes or no
    /// that was said to it at the own number counts before what a further one said of everything.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn at_number_to_text(
        &mut self,
        workspace_id: WorkspaceId,
        member: AudienceMember,
        programme: Option<ProgrammeId>,
    ) -> Result<AudienceMember, StoreError> {
        let asks = member.sms_consent == ConsentState::None && member.further_phone.is_some();
        if let (true, Some(id), Some(own)) = (asks, programme, &member.fields.phone)
            && self.consent_in_programme(workspace_id, own.as_str(), id, ConsentState::None)? != ConsentState::None
        {
            return Ok(member);
        }
        Ok(member.with_number_to_text())
    }

    /// One contact as a member of an audience.
    ///
    /// # Errors
    /// When the store fails.
    pub fn audience_member(
        &mut self,
        workspace_id: WorkspaceId,
        id: ContactId,
    ) -> Result<Option<AudienceMember>, StoreError> {
        self.query_opt(&AUDIENCE_MEMBER, &[&workspace_id, &id], read_member)
    }

    /// The next members of a list after `after` in the order of their ids, with consent and suppression.
    ///
    /// # Errors
    /// When the store fails.
    pub fn audience_after(
        &mut self,
        workspace_id: WorkspaceId,
        list_id: ListId,
        after: Option<ContactId>,
        limit: i64,
    ) -> Result<Vec<AudienceMember>, StoreError> {
        let after = after.unwrap_or_else(|| ContactId::from_uuid(Uuid::nil()));
        self.query(&AUDIENCE_OF_LIST, &[&workspace_id, &after, &limit, &list_id], read_member)
    }
}
