//! Forms of the business at WhatsApp.
//!
//! The list is the platform's: a sync replaces it in one transaction, so a crash leaves the old list or the new one. A form
//! keeps its id here as long as the platform lists it. In between the platform tells when one changes its status, which
//! counts by the platform's time.
//!
//! That the platform refused to send one is told to the bot that offered it by a job, planned in the transaction that
//! notes the refusal: a crash leaves both or neither.

use std::collections::BTreeMap;

use segue_model::{ChannelId, Ctx, FormId, MessageId, SessionId, Timestamp, WorkspaceId, content::Content};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{Row, StoreError, Tx, job::NewJob, tx::json_text};

/// The status of a form that can be offered.
pub const PUBLISHED: &str = "PUBLISHED";

/// Kind of the job that tells a bot of a form that was not sent.
pub const FORM_REFUSED: &str = "form_refused";

/// A form that was not sent: what its job says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedForm {
    pub session_id: SessionId,
    /// The message that was to offer it.
    pub message_id: MessageId,
    /// Its name.
    pub form: String,
}

crate::sql! {
    FORMS = "SELECT id, channel_id, provider_id, name, status, categories, synced_at FROM whatsapp_forms
        WHERE workspace_id = $1 ORDER BY channel_id, name, id";
    FORM = "SELECT id, channel_id, provider_id, name, status, categories, synced_at FROM whatsapp_forms
        WHERE workspace_id = $1 AND id = $2";
    PUBLISHED_FORM = "SELECT id, channel_id, provider_id, name, status, categories, synced_at FROM whatsapp_forms
        WHERE workspace_id = $1 AND channel_id = $2 AND name = $3 AND status = 'PUBLISHED'
        ORDER BY id DESC LIMIT 1";
    PUT_FORM = "INSERT INTO whatsapp_forms (workspace_id, id, channel_id, provider_id, name, status, categories, synced_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (workspace_id, channel_id, provider_id) DO UPDATE SET name = excluded.name,
            status = excluded.status, categories = excluded.categories, synced_at = excluded.synced_at";
    SET_STATUS = "UPDATE whatsapp_forms SET status = $3, synced_at = $4
        WHERE workspace_id = $1 AND provider_id = $2 AND synced_at <= $4";
    FAILED_OF_SESSION = "SELECT session_id, payload FROM outbox
        WHERE workspace_id = $1 AND id = $2 AND state = 'failed' AND session_id IS NOT NULL";
    DELETE_FORM = "DELETE FROM whatsapp_forms WHERE workspace_id = $1 AND id = $2";
}

/// A form as the platform lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedForm {
    pub provider_id: String,
    pub name: String,
    pub status: String,
    pub categories: Vec<String>,
}

/// A form of the business.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Form)]
pub struct FormView {
    pub id: FormId,
    pub channel_id: ChannelId,
    /// WhatsApp's id of it.
    pub provider_id: String,
    pub name: String,
    /// WhatsApp's word: `PUBLISHED`, `DRAFT`, `DEPRECATED`, `BLOCKED` or `THROTTLED`. Only a published one can be sent.
    pub status: String,
    /// What it is for, in WhatsApp's words.
    pub categories: Vec<String>,
    /// When WhatsApp listed it last, or told of its status.
    pub synced_at: Timestamp,
}

impl FormView {
    /// Whether it can be offered to customers.
    #[must_use]
    pub fn is_published(&self) -> bool {
        self.status == PUBLISHED
    }
}

fn read(row: &mut Row<'_>) -> Result<FormView, StoreError> {
    Ok(FormView {
        id: row.next()?,
        channel_id: row.next()?,
        provider_id: row.next()?,
        name: row.next()?,
        status: row.next()?,
        categories: row.json()?,
        synced_at: row.next()?,
    })
}

impl Tx<'_> {
    /// All forms of a workspace, by number and name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn forms(&mut self, workspace_id: WorkspaceId) -> Result<Vec<FormView>, StoreError> {
        self.query(&FORMS, &[&workspace_id], read)
    }

    /// One form.
    ///
    /// # Errors
    /// When the store fails.
    pub fn form(&mut self, workspace_id: WorkspaceId, id: FormId) -> Result<Option<FormView>, StoreError> {
        self.query_opt(&FORM, &[&workspace_id, &id], read)
    }

    /// The published form of this name at a number. Names are the platform's to keep apart; should two have
    /// the same, it is always the same one of them.
    ///
    /// # Errors
    /// When the store fails.
    pub fn published_form(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        name: &str,
    ) -> Result<Option<FormView>, StoreError> {
        self.query_opt(&PUBLISHED_FORM, &[&workspace_id, &channel_id, &name], read)
    }

    /// Notes what the platform told of a form's status at a time; what it told or listed later stands. The numbers of one
    /// account have the same forms.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_form_status(
        &mut self,
        workspace_id: WorkspaceId,
        provider_id: &str,
        status: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(&SET_STATUS, &[&workspace_id, &provider_id, &status, &at]).map(|_| ())
    }

    /// Plans to tell the bot of this message, when it has failed and was to offer a form: nobody can answer that. Files and
    /// texts are not told: what the customer says next is an answer without them. To be called in the transaction that
    /// records the failure, at once or by what the platform tells later.
    ///
    /// # Errors
    /// When the store fails.
    pub fn plan_form_refused(
        &mut self,
        workspace_id: WorkspaceId,
        message_id: MessageId,
        ctx: &Ctx,
    ) -> Result<(), StoreError> {
        let failed = self.query_opt(&FAILED_OF_SESSION, &[&workspace_id, &message_id], |row| {
            Ok((row.next::<SessionId>()?, row.json::<Value>()?))
        })?;
        let Some((session_id, content)) = failed else { return Ok(()) };
        let Ok(Content::Form(form)) = serde_json::from_value(content) else { return Ok(()) };
        let refused = RefusedForm { session_id, message_id, form: form.name };
        let payload = serde_json::to_value(&refused)
            .map_err(|error| StoreError::Statement(format!("a refused form without a JSON form: {error}")))?;
        let now = ctx.now();
        let dedupe_key = message_id.to_string();
        let job = NewJob { id: ctx.id(), kind: FORM_REFUSED, dedupe_key, payload, run_at: now };
        self.schedule(workspace_id, &job, now).map(|_| ())
    }

    /// Stores the forms that the platform lists for a number, in place of those it listed before.
    ///
    /// # Errors
    /// When the store fails.
    pub fn replace_forms(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        listed: &[ListedForm],
        ctx: &Ctx,
    ) -> Result<(), StoreError> {
        self.lock("whatsapp_forms", &channel_id)?;
        let known = self.forms(workspace_id)?.into_iter().filter(|form| form.channel_id == channel_id);
        let mut gone: BTreeMap<String, FormId> = known.map(|form| (form.provider_id, form.id)).collect();
        for form in listed {
            let id = gone.remove(&form.provider_id).unwrap_or_else(|| ctx.id());
            let categories = json_text(&form.categories)?;
            let now = ctx.now();
            self.execute(
                &PUT_FORM,
                &[&workspace_id, &id, &channel_id, &form.provider_id, &form.name, &form.status, &categories, &now],
            )?;
        }
        for id in gone.values() {
            self.execute(&DELETE_FORM, &[&workspace_id, id])?;
        }
        Ok(())
    }
}
