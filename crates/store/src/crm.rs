//! Leads and cases.

use segue_model::{CampaignId, CaseId, ContactId, LeadId, PhoneNumber, SessionId, Timestamp, UserId, WorkspaceId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Row, StoreError, Tx};

segue_model::text_enum! {
    /// Where a sales inquiry stands.
    pub enum LeadStatus {
        New = "new",
        Working = "working",
        Won = "won",
        Lost = "lost",
    }
}

segue_model::text_enum! {
    /// Whether a case still needs work.
    pub enum CaseState {
        Open = "open",
        Closed = "closed",
    }
}

/// A sales inquiry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Lead)]
pub struct LeadView {
    pub id: LeadId,
    pub name: String,
    pub phone: Option<PhoneNumber>,
    pub email: Option<String>,
    pub note: Option<String>,
    pub status: LeadStatus,
    /// The campaign it came from.
    pub campaign_id: Option<CampaignId>,
    pub session_id: Option<SessionId>,
    pub contact_id: Option<ContactId>,
    pub created_at: Timestamp,
}

/// A support case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Case)]
pub struct CaseView {
    pub id: CaseId,
    /// Counts up from 1 within the workspace.
    pub number: i64,
    pub subject: String,
    pub state: CaseState,
    pub session_id: Option<SessionId>,
    pub contact_id: Option<ContactId>,
    pub created_at: Timestamp,
    pub closed_at: Option<Timestamp>,
}

crate::sql! {
    INSERT_LEAD = "INSERT INTO leads (workspace_id, id, name, phone, email, note, status, contact_id, session_id,
            campaign_id, created_by, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    LEAD = "SELECT id, name, phone, email, note, status, campaign_id, session_id, contact_id, created_at FROM leads
        WHERE workspace_id = $1 AND id = $2";
    LEAD_OF_PHONE = "SELECT id, name, phone, email, note, status, campaign_id, session_id, contact_id, created_at
        FROM leads WHERE workspace_id = $1 AND phone = $2 ORDER BY id DESC LIMIT 1";
    LEADS_BEFORE = "SELECT id, name, phone, email, note, status, campaign_id, session_id, contact_id, created_at
        FROM leads WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    SET_LEAD_STATUS = "UPDATE leads SET status = $3 WHERE workspace_id = $1 AND id = $2 AND status <> $3";
    SET_LEAD_NAME = "UPDATE leads SET name = $3 WHERE workspace_id = $1 AND id = $2";
    SET_LEAD_EMAIL = "UPDATE leads SET email = $3 WHERE workspace_id = $1 AND id = $2";
    SET_LEAD_PHONE = "UPDATE leads SET phone = $3 WHERE workspace_id = $1 AND id = $2";
    SET_LEAD_NOTE = "UPDATE leads SET note = $3 WHERE workspace_id = $1 AND id = $2";
    NEXT_CASE_NUMBER = "SELECT COALESCE(MAX(number), 0) + 1 FROM cases WHERE workspace_id = $1";
    INSERT_CASE = "INSERT INTO cases (workspace_id, id, number, subject, state, contact_id, session_id, created_by,
            created_at)
        VALUES ($1, $2, $3, $4, 'open', $5, $6, $7, $8)";
    CASE = "SELECT id, number, subject, state, session_id, contact_id, created_at, closed_at FROM cases
        WHERE workspace_id = $1 AND id = $2";
    CASES_BEFORE = "SELECT id, number, subject, state, session_id, contact_id, created_at, closed_at FROM cases
        WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    OPEN_CASE_OF_CONTACT = "SELECT id, number, subject, state, session_id, contact_id, created_at, closed_at FROM cases
        WHERE workspace_id = $1 AND contact_id = $2 AND state = 'open' ORDER BY id DESC LIMIT 1";
    LAST_CLOSED_CASE_OF_CONTACT = "SELECT id, number, subject, state, session_id, contact_id, created_at, closed_at
        FROM cases WHERE workspace_id = $1 AND contact_id = $2 AND state = 'closed'
        ORDER BY closed_at DESC, id DESC LIMIT 1";
    REOPEN_CASE = "UPDATE cases SET state = 'open', closed_at = NULL
        WHERE workspace_id = $1 AND id = $2 AND state = 'closed'";
    OTHER_OPEN_SESSIONS_OF_CASE = "SELECT COUNT(*) FROM sessions
        WHERE workspace_id = $1 AND case_id = $2 AND case_id IS NOT NULL AND id <> $3 AND state <> 'ended'";
    CLOSE_CASE = "UPDATE cases SET state = 'closed', closed_at = $3
        WHERE workspace_id = $1 AND id = $2 AND state = 'open'";
}

fn read_lead(row: &mut Row<'_>) -> Result<LeadView, StoreError> {
    Ok(LeadView {
        id: row.next()?,
        name: row.next()?,
        phone: row.next()?,
        email: row.next()?,
        note: row.next()?,
        status: row.word()?,
        campaign_id: row.next()?,
        session_id: row.next()?,
        contact_id: row.next()?,
        created_at: row.next()?,
    })
}

fn read_case(row: &mut Row<'_>) -> Result<CaseView, StoreError> {
    Ok(CaseView {
        id: row.next()?,
        number: row.next()?,
        subject: row.next()?,
        state: row.word()?,
        session_id: row.next()?,
        contact_id: row.next()?,
        created_at: row.next()?,
        closed_at: row.next()?,
    })
}

impl Tx<'_> {
    /// Adds a lead.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_lead(
        &mut self,
        workspace_id: WorkspaceId,
        lead: &LeadView,
        created_by: Option<UserId>,
    ) -> Result<(), StoreError> {
        self.execute(
            &INSERT_LEAD,
            &[
                &workspace_id,
                &lead.id,
                &lead.name,
                &lead.phone,
                &lead.email,
                &lead.note,
                &lead.status.as_str(),
                &lead.contact_id,
                &lead.session_id,
                &lead.campaign_id,
                &created_by,
                &lead.created_at,
            ],
        )
        .map(|_| ())
    }

    /// One lead.
    ///
    /// # Errors
    /// When the store fails.
    pub fn lead(&mut self, workspace_id: WorkspaceId, id: LeadId) -> Result<Option<LeadView>, StoreError> {
        self.query_opt(&LEAD, &[&workspace_id, &id], read_lead)
    }

    /// The newest lead with this phone number.
    ///
    /// # Errors
    /// When the store fails.
    pub fn lead_of_phone(
        &mut self,
        workspace_id: WorkspaceId,
        phone: &PhoneNumber,
    ) -> Result<Option<LeadView>, StoreError> {
        self.query_opt(&LEAD_OF_PHONE, &[&workspace_id, phone], read_lead)
    }

    /// Leads older than `before`, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn leads_before(
        &mut self,
        workspace_id: WorkspaceId,
        before: LeadId,
        limit: u32,
    ) -> Result<Vec<LeadView>, StoreError> {
        self.query(&LEADS_BEFORE, &[&workspace_id, &before, &limit], read_lead)
    }

    /// Changes where a lead stands. `false` when it stands there already or is unknown.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_lead_status(
        &mut self,
        workspace_id: WorkspaceId,
        id: LeadId,
        status: LeadStatus,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&SET_LEAD_STATUS, &[&workspace_id, &id, &status.as_str()])? == 1)
    }

    /// Writes one field of a lead: `name`, `phone` (E.164), `email` or `note`. `false` for any other field or an unknown lead.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_lead_field(
        &mut self,
        workspace_id: WorkspaceId,
        id: LeadId,
        field: &str,
        value: &str,
    ) -> Result<bool, StoreError> {
        let sql = match field {
            "name" => &SET_LEAD_NAME,
            "email" => &SET_LEAD_EMAIL,
            "phone" => &SET_LEAD_PHONE,
            "note" => &SET_LEAD_NOTE,
            _ => return Ok(false),
        };
        Ok(self.execute(sql, &[&workspace_id, &id, &value])? == 1)
    }

    /// Adds an open case under the next number of the workspace.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_case(
        &mut self,
        workspace_id: WorkspaceId,
        case: &CaseView,
        created_by: Option<UserId>,
    ) -> Result<i64, StoreError> {
        self.lock("case number", &workspace_id)?;
        let number: i64 = self.query_one(&NEXT_CASE_NUMBER, &[&workspace_id], |row| row.next())?;
        self.execute(
            &INSERT_CASE,
            &[
                &workspace_id,
                &case.id,
                &number,
                &case.subject,
                &case.contact_id,
                &case.session_id,
                &created_by,
                &case.created_at,
            ],
        )?;
        Ok(number)
    }

    /// One case.
    ///
    /// # Errors
    /// When the store fails.
    pub fn case(&mut self, workspace_id: WorkspaceId, id: CaseId) -> Result<Option<CaseView>, StoreError> {
        self.query_opt(&CASE, &[&workspace_id, &id], read_case)
    }

    /// Cases older than `before`, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn cases_before(
        &mut self,
        workspace_id: WorkspaceId,
        before: CaseId,
        limit: u32,
    ) -> Result<Vec<CaseView>, StoreError> {
        self.query(&CASES_BEFORE, &[&workspace_id, &before, &limit], read_case)
    }

    /// Closes a case. `false` when it is closed already or unknown.
    ///
    /// # Errors
    /// When the store fails.
    pub fn close_case(&mut self, workspace_id: WorkspaceId, id: CaseId, now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.execute(&CLOSE_CASE, &[&workspace_id, &id, &now])? == 1)
    }

    /// The newest open case of a contact.
    ///
    /// # Errors
    /// When the store fails.
    pub fn open_case_of(
        &mut self,
        workspace_id: WorkspaceId,
        contact_id: ContactId,
    ) -> Result<Option<CaseView>, StoreError> {
        self.query_opt(&OPEN_CASE_OF_CONTACT, &[&workspace_id, &contact_id], read_case)
    }

    /// The case of a contact that was closed last.
    ///
    /// # Errors
    /// When the store fails.
    pub fn last_closed_case_of(
        &mut self,
        workspace_id: WorkspaceId,
        contact_id: ContactId,
    ) -> Result<Option<CaseView>, StoreError> {
        self.query_opt(&LAST_CLOSED_CASE_OF_CONTACT, &[&workspace_id, &contact_id], read_case)
    }

    /// Opens a closed case again. `false` when it is open already or unknown.
    ///
    /// # Errors
    /// When the store fails.
    pub fn reopen_case(&mut self, workspace_id: WorkspaceId, id: CaseId) -> Result<bool, StoreError> {
        Ok(self.execute(&REOPEN_CASE, &[&workspace_id, &id])? == 1)
    }

    /// Whether an open session other than this one has the case.
    ///
    /// # Errors
    /// When the store fails.
    pub fn is_case_shared(
        &mut self,
        workspace_id: WorkspaceId,
        id: CaseId,
        session_id: SessionId,
    ) -> Result<bool, StoreError> {
        let count: i64 =
            self.query_one(&OTHER_OPEN_SESSIONS_OF_CASE, &[&workspace_id, &id, &session_id], |row| row.next())?;
        Ok(count > 0)
    }
}
