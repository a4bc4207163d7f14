//! How customers came to their contacts and leads: the history, and the questions that wait for an agent.
//!
//! The history is only ever added to. Taking a link back is an entry of its own that names the one it undoes; the index
//! `customer_links_undone` makes that possible once.

use segue_model::{
    ContactId, CustomerLinkId, LeadId, MessagingUserId, PhoneNumber, SessionId, Timestamp, WorkspaceId,
    linking::MatchBy,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Row, StoreError, Tx,
    messaging_user::{Identifier, LinkedBy, MessagingUser},
    tx::{json_text, optional_word},
};

segue_model::text_enum! {
    /// What was done about a customer's link.
    pub enum LinkAction {
        Linked = "linked",
        /// Linked to a contact or lead that was made for it.
        Created = "created",
        Unlinked = "unlinked",
        /// An agent was asked.
        Asked = "asked",
        /// The agent said: not now.
        Postponed = "postponed",
        /// An earlier entry was taken back.
        Undone = "undone",
    }
}

/// What a customer is linked to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct LinkState {
    pub contact_id: Option<ContactId>,
    pub lead_id: Option<LeadId>,
    pub linked_by: Option<LinkedBy>,
}

impl LinkState {
    /// What a customer is linked to now.
    #[must_use]
    pub const fn of(user: &MessagingUser) -> Self {
        Self { contact_id: user.contact_id, lead_id: user.lead_id, linked_by: user.linked_by }
    }

    /// Whether there is a contact or a lead.
    #[must_use]
    pub const fn is_linked(self) -> bool {
        self.contact_id.is_some() || self.lead_id.is_some()
    }

    /// What a customer is linked to once the other one is part of it. What an agent decided stands, also that it is nobody.
    #[must_use]
    pub fn merged_with(self, other: Self) -> Self {
        let is_by_agent = |link: Self| link.linked_by == Some(LinkedBy::Agent);
        if !is_by_agent(self) && (is_by_agent(other) || !self.is_linked()) { other } else { self }
    }
}

/// An entry of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = CustomerLink)]
pub struct LinkEntry {
    pub id: CustomerLinkId,
    pub messaging_user_id: MessagingUserId,
    pub session_id: Option<SessionId>,
    pub action: LinkAction,
    /// What the rule matched by, or `agent`, `bot`, `merge` or `part`.
    pub reason: String,
    /// The agent's own words.
    pub note: Option<String>,
    pub before: LinkState,
    pub after: LinkState,
    /// The entry that this one takes back.
    pub undoes_id: Option<CustomerLinkId>,
    /// Who did it: the id of a user or an API key, or `system`.
    pub actor: String,
    /// The user's name.
    pub actor_name: Option<String>,
    pub at: Timestamp,
}

/// Somebody the customer may be, and what says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    pub contact_id: Option<ContactId>,
    pub lead_id: Option<LeadId>,
    pub by: Vec<MatchBy>,
}

/// A question to the agent: who is this?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkPrompt {
    pub session_id: SessionId,
    pub candidates: Vec<Candidate>,
    pub asked_at: Timestamp,
    pub postponed_at: Option<Timestamp>,
}

crate::sql! {
    INSERT_LINK = "INSERT INTO customer_links (workspace_id, id, messaging_user_id, session_id, action, reason, note,
            before_contact_id, before_lead_id, before_linked_by, after_contact_id, after_lead_id, after_linked_by,
            undoes_id, actor, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT DO NOTHING";
    LINKS_OF_USER = "SELECT k.id, k.messaging_user_id, k.session_id, k.action, k.reason, k.note, k.before_contact_id,
            k.before_lead_id, k.before_linked_by, k.after_contact_id, k.after_lead_id, k.after_linked_by, k.undoes_id,
            k.actor, k.at
        FROM customer_links k WHERE k.workspace_id = $1 AND k.messaging_user_id = $2 ORDER BY k.id DESC LIMIT $3";
    SAVE_PROMPT = "INSERT INTO link_prompts (workspace_id, messaging_user_id, session_id, candidates, asked_at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (workspace_id, messaging_user_id) DO UPDATE SET
            session_id = EXCLUDED.session_id, candidates = EXCLUDED.candidates, asked_at = EXCLUDED.asked_at,
            postponed_at = NULL";
    PROMPT = "SELECT session_id, candidates, asked_at, postponed_at FROM link_prompts
        WHERE workspace_id = $1 AND messaging_user_id = $2";
    POSTPONE_PROMPT = "UPDATE link_prompts SET postponed_at = $3
        WHERE workspace_id = $1 AND messaging_user_id = $2 AND postponed_at IS NULL";
    END_PROMPT = "DELETE FROM link_prompts WHERE workspace_id = $1 AND messaging_user_id = $2";
    /// Anybody can type an e-mail address: a customer who is linked by one is not surely that person on the other channel.
    CONTACTS_OF_IDENTIFIER = "SELECT DISTINCT u.contact_id FROM messaging_identifiers i
        JOIN messaging_users u ON u.workspace_id = i.workspace_id AND u.id = i.messaging_user_id
        WHERE i.workspace_id = $1 AND i.channel_id IN (SELECT c.id FROM channels c WHERE c.workspace_id = $1)
            AND i.kind = $2 AND i.value = $3 AND u.id <> $4 AND u.contact_id IS NOT NULL
            AND COALESCE(u.linked_by, '') <> 'email'
        ORDER BY u.contact_id DESC LIMIT $5";
    LEADS_OF_IDENTIFIER = "SELECT DISTINCT u.lead_id FROM messaging_identifiers i
        JOIN messaging_users u ON u.workspace_id = i.workspace_id AND u.id = i.messaging_user_id
        WHERE i.workspace_id = $1 AND i.channel_id IN (SELECT c.id FROM channels c WHERE c.workspace_id = $1)
            AND i.kind = $2 AND i.value = $3 AND u.id <> $4 AND u.lead_id IS NOT NULL
            AND COALESCE(u.linked_by, '') <> 'email'
        ORDER BY u.lead_id DESC LIMIT $5";
    CONTACTS_OF_EMAIL = "SELECT id FROM contacts
        WHERE workspace_id = $1 AND email IS NOT NULL AND LOWER(email) = $2 ORDER BY id DESC LIMIT $3";
    CONTACT_OF_FURTHER_EMAIL = "SELECT contact_id FROM contact_addresses
        WHERE workspace_id = $1 AND kind = 'email' AND LOWER(address) = $2 ORDER BY added_at, contact_id LIMIT 1";
    LEADS_OF_EMAIL = "SELECT id FROM leads
        WHERE workspace_id = $1 AND email IS NOT NULL AND LOWER(email) = $2 ORDER BY id DESC LIMIT $3";
    LEADS_OF_PHONE = "SELECT id FROM leads WHERE workspace_id = $1 AND phone = $2 ORDER BY id DESC LIMIT $3";
}

fn read_entry(row: &mut Row<'_>) -> Result<LinkEntry, StoreError> {
    fn state(row: &mut Row<'_>) -> Result<LinkState, StoreError> {
        Ok(LinkState { contact_id: row.next()?, lead_id: row.next()?, linked_by: row.optional_word()? })
    }
    Ok(LinkEntry {
        id: row.next()?,
        messaging_user_id: row.next()?,
        session_id: row.next()?,
        action: row.word()?,
        reason: row.next()?,
        note: row.next()?,
        before: state(row)?,
        after: state(row)?,
        undoes_id: row.next()?,
        actor: row.next()?,
        actor_name: None,
        at: row.next()?,
    })
}

impl Tx<'_> {
    /// Adds an entry to the history. `false` when it undoes one that is undone already.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_link(&mut self, workspace_id: WorkspaceId, entry: &LinkEntry) -> Result<bool, StoreError> {
        let written = self.execute(
            &INSERT_LINK,
            &[
                &workspace_id,
                &entry.id,
                &entry.messaging_user_id,
                &entry.session_id,
                &entry.action.as_str(),
                &entry.reason,
                &entry.note,
                &entry.before.contact_id,
                &entry.before.lead_id,
                &optional_word(entry.before.linked_by),
                &entry.after.contact_id,
                &entry.after.lead_id,
                &optional_word(entry.after.linked_by),
                &entry.undoes_id,
                &entry.actor,
                &entry.at,
            ],
        )?;
        Ok(written == 1)
    }

    /// The history of a customer's links, the latest first, with the names of who did it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn links_of(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: MessagingUserId,
        limit: u32,
    ) -> Result<Vec<LinkEntry>, StoreError> {
        let mut entries = self.query(&LINKS_OF_USER, &[&workspace_id, &user_id, &limit], read_entry)?;
        for entry in &mut entries {
            if let Ok(actor) = entry.actor.parse() {
                entry.actor_name = self.user(workspace_id, actor)?.map(|user| user.name);
            }
        }
        Ok(entries)
    }

    /// Asks the agents who a customer is; a question that was asked before is asked anew.
    ///
    /// # Errors
    /// When the store fails.
    pub fn save_prompt(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: MessagingUserId,
        prompt: &LinkPrompt,
    ) -> Result<(), StoreError> {
        let candidates = json_text(&prompt.candidates)?;
        let params: [&dyn crate::Bind; 5] =
            [&workspace_id, &user_id, &prompt.session_id, &candidates, &prompt.asked_at];
        self.execute(&SAVE_PROMPT, &params).map(|_| ())
    }

    /// The question of who a customer is.
    ///
    /// # Errors
    /// When the store fails.
    pub fn prompt(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: MessagingUserId,
    ) -> Result<Option<LinkPrompt>, StoreError> {
        self.query_opt(&PROMPT, &[&workspace_id, &user_id], |row| {
            Ok(LinkPrompt {
                session_id: row.next()?,
                candidates: row.json()?,
                asked_at: row.next()?,
                postponed_at: row.next()?,
            })
        })
    }

    /// Puts the question away until it is asked anew. `false` when none is open.
    ///
    /// # Errors
    /// When the store fails.
    pub fn postpone_prompt(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: MessagingUserId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&POSTPONE_PROMPT, &[&workspace_id, &user_id, &now])? == 1)
    }

    /// The question is answered.
    ///
    /// # Errors
    /// When the store fails.
    pub fn end_prompt(&mut self, workspace_id: WorkspaceId, user_id: MessagingUserId) -> Result<(), StoreError> {
        self.execute(&END_PROMPT, &[&workspace_id, &user_id]).map(|_| ())
    }

    /// Contacts of other customers, on any channel, that have the same identifier and are surely those contacts.
    ///
    /// # Errors
    /// When the store fails.
    pub fn contacts_of_identifier(
        &mut self,
        workspace_id: WorkspaceId,
        identifier: &Identifier,
        except: MessagingUserId,
        limit: u32,
    ) -> Result<Vec<ContactId>, StoreError> {
        let params: [&dyn crate::Bind; 5] =
            [&workspace_id, &identifier.kind.as_str(), &identifier.value, &except, &limit];
        self.query(&CONTACTS_OF_IDENTIFIER, &params, |row| row.next())
    }

    /// Leads of other customers, on any channel, that have the same identifier and are surely those leads.
    ///
    /// # Errors
    /// When the store fails.
    pub fn leads_of_identifier(
        &mut self,
        workspace_id: WorkspaceId,
        identifier: &Identifier,
        except: MessagingUserId,
        limit: u32,
    ) -> Result<Vec<LeadId>, StoreError> {
        let params: [&dyn crate::Bind; 5] =
            [&workspace_id, &identifier.kind.as_str(), &identifier.value, &except, &limit];
        self.query(&LEADS_OF_IDENTIFIER, &params, |row| row.next())
    }

    /// Contacts with an e-mail address, in any case of its letters, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn contacts_of_email(
        &mut self,
        workspace_id: WorkspaceId,
        email: &str,
        limit: u32,
    ) -> Result<Vec<ContactId>, StoreError> {
        let email = email.to_lowercase();
        let mut found: Vec<ContactId> =
            self.query(&CONTACTS_OF_EMAIL, &[&workspace_id, &email, &limit], |row| row.next())?;
        let further = self.query_opt(&CONTACT_OF_FURTHER_EMAIL, &[&workspace_id, &email], |row| row.next())?;
        found.extend(further.filter(|id| !found.contains(id)));
        Ok(found)
    }

    /// Leads with an e-mail address, in any case of its letters, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn leads_of_email(
        &mut self,
        workspace_id: WorkspaceId,
        email: &str,
        limit: u32,
    ) -> Result<Vec<LeadId>, StoreError> {
        self.query(&LEADS_OF_EMAIL, &[&workspace_id, &email.to_lowercase(), &limit], |row| row.next())
    }

    /// Leads with a phone number, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn leads_of_phone(
        &mut self,
        workspace_id: WorkspaceId,
        phone: &PhoneNumber,
        limit: u32,
    ) -> Result<Vec<LeadId>, StoreError> {
        self.query(&LEADS_OF_PHONE, &[&workspace_id, phone, &limit], |row| row.next())
    }
}
