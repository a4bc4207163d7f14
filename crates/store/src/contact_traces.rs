//! What else speaks of a contact: the questions who a customer is, the history of links, customers that were merged, and
//! blocks.
//!
//! When a contact is deleted nobody is asked about it any more. When it is gone for good, so that nothing brings it back,
//! the words about its customers go: the notes of the link history, the names and numbers of merged customers, the
//! reasons of blocks, and that somebody was called to their conversations. That there was a link, a merge or a block stays, and a block holds.
//!
//! Then, too, what was on its way to them ends, and the rest is removed step by step ([`crate::erasure`]). Whom the
//! business wrote to first is counted for a day and then forgotten (`initiated_chats`), and so is who gets nothing promotional
//! for a day (`marketing_rests`).

use segue_model::{ContactId, CustomerLinkId, MessagingUserId, Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};

use crate::{StoreError, Tx, customer_link::Candidate, tx::json_text};

/// What a merge of contacts changed of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MovedTraces {
    /// Entries of the link history before which the customer was linked to the dissolved contact.
    links_before: Vec<CustomerLinkId>,
    /// Those after which it was.
    links_after: Vec<CustomerLinkId>,
    /// Questions about the dissolved contact, with the candidates that they had.
    prompts: Vec<(MessagingUserId, Vec<Candidate>)>,
}

crate::sql! {
    PROMPTS_ABOUT = "SELECT messaging_user_id, candidates FROM link_prompts WHERE workspace_id = $1 AND candidates LIKE $2";
    CHANGE_PROMPT = "UPDATE link_prompts SET candidates = $3 WHERE workspace_id = $1 AND messaging_user_id = $2";
    MOVE_LINKS_BEFORE = "UPDATE customer_links SET before_contact_id = $3
        WHERE workspace_id = $1 AND before_contact_id = $2 AND messaging_user_id IN (
            SELECT u.id FROM messaging_users u WHERE u.workspace_id = $1 AND u.contact_id = $3)
        RETURNING id";
    MOVE_LINKS_AFTER = "UPDATE customer_links SET after_contact_id = $3
        WHERE workspace_id = $1 AND after_contact_id = $2 AND messaging_user_id IN (
            SELECT u.id FROM messaging_users u WHERE u.workspace_id = $1 AND u.contact_id = $3)
        RETURNING id";
    MOVE_LINK_BEFORE_BACK = "UPDATE customer_links SET before_contact_id = $4
        WHERE workspace_id = $1 AND id = $2 AND before_contact_id = $3";
    MOVE_LINK_AFTER_BACK = "UPDATE customer_links SET after_contact_id = $4
        WHERE workspace_id = $1 AND id = $2 AND after_contact_id = $3";
    FORGET_NOTES = "UPDATE customer_links SET note = NULL
        WHERE workspace_id = $1 AND messaging_user_id = $2 AND note IS NOT NULL";
    FORGET_REASON = "UPDATE customer_blocks SET reason = '' WHERE workspace_id = $1 AND messaging_user_id = $2";
    FORGET_MENTIONS = "DELETE FROM mentions WHERE workspace_id = $1 AND session_id IN (
        SELECT s.id FROM sessions s WHERE s.workspace_id = $1 AND s.messaging_user_id = $2)";
    EMPTY_MERGES_OF_USER = "UPDATE messaging_user_merges SET kept_name = NULL, merged_name = NULL, record = 'null'
        WHERE workspace_id = $1 AND (kept_id = $2 OR merged_id = $2)";
    EMPTY_MERGES_ABOUT = "UPDATE messaging_user_merges SET kept_name = NULL, merged_name = NULL, record = 'null'
        WHERE workspace_id = $1 AND record LIKE $2";
}

/// The candidates when one contact is another one now.
fn replaced(candidates: &[Candidate], from: ContactId, to: ContactId) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let mut candidate = candidate.clone();
        if candidate.contact_id == Some(from) {
            candidate.contact_id = Some(to);
        }
        let same =
            |other: &&mut Candidate| (other.contact_id, other.lead_id) == (candidate.contact_id, candidate.lead_id);
        match all.iter_mut().find(same) {
            Some(other) => {
                let more: Vec<_> = candidate.by.iter().filter(|by| !other.by.contains(by)).copied().collect();
                other.by.extend(more);
            }
            None => all.push(candidate),
        }
    }
    all
}

impl Tx<'_> {
    fn prompts_about(
        &mut self,
        workspace_id: WorkspaceId,
        id: ContactId,
    ) -> Result<Vec<(MessagingUserId, Vec<Candidate>)>, StoreError> {
        let about = format!("%{id}%");
        self.query(&PROMPTS_ABOUT, &[&workspace_id, &about], |row| Ok((row.next()?, row.json()?)))
    }

    fn change_prompt(
        &mut self,
        workspace_id: WorkspaceId,
        user_id: MessagingUserId,
        candidates: &[Candidate],
    ) -> Result<(), StoreError> {
        let text = json_text(&candidates)?;
        self.execute(&CHANGE_PROMPT, &[&workspace_id, &user_id, &text]).map(|_| ())
    }

    /// Nobody is asked any more whether a customer is this contact.
    pub(crate) fn forget_in_prompts(&mut self, workspace_id: WorkspaceId, id: ContactId) -> Result<(), StoreError> {
        for (user_id, mut candidates) in self.prompts_about(workspace_id, id)? {
            for candidate in &mut candidates {
                candidate.contact_id = candidate.contact_id.filter(|contact_id| *contact_id != id);
            }
            candidates.retain(|candidate| candidate.contact_id.is_some() || candidate.lead_id.is_some());
            if candidates.is_empty() {
                self.end_prompt(workspace_id, user_id)?;
            } else {
                self.change_prompt(workspace_id, user_id, &candidates)?;
            }
        }
        Ok(())
    }

    /// Takes the words about a contact that is gone for good, and about the customers that were linked to it.
    pub(crate) fn forget_traces(
        &mut self,
        workspace_id: WorkspaceId,
        id: ContactId,
        users: &[MessagingUserId],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for user in users {
            // The records of merges tell where they are, and are emptied below.
            if self.messaging_user(workspace_id, *user)?.is_none() {
                self.begin_erasure_of_merged(workspace_id, *user, now)?;
            }
        }
        let about = format!("%{id}%");
        self.execute(&EMPTY_MERGES_ABOUT, &[&workspace_id, &about])?;
        for user in self.with_merged_customers(workspace_id, users.to_vec())? {
            for forget in [&FORGET_NOTES, &FORGET_REASON, &FORGET_MENTIONS, &EMPTY_MERGES_OF_USER] {
                self.execute(forget, &[&workspace_id, &user])?;
            }
            if self.messaging_user(workspace_id, user)?.is_some_and(|user| user.contact_id.is_none()) {
                self.begin_erasure(workspace_id, user, now)?;
            }
        }
        Ok(())
    }

    /// What spoke of a dissolved contact speaks of the kept one. To be called when its customers are moved.
    pub(crate) fn move_traces(
        &mut self,
        workspace_id: WorkspaceId,
        from: ContactId,
        to: ContactId,
    ) -> Result<MovedTraces, StoreError> {
        let ids: [&dyn crate::Bind; 3] = [&workspace_id, &from, &to];
        let moved = MovedTraces {
            links_before: self.query(&MOVE_LINKS_BEFORE, &ids, |row| row.next())?,
            links_after: self.query(&MOVE_LINKS_AFTER, &ids, |row| row.next())?,
            prompts: self.prompts_about(workspace_id, from)?,
        };
        for (user_id, candidates) in &moved.prompts {
            self.change_prompt(workspace_id, *user_id, &replaced(candidates, from, to))?;
        }
        Ok(moved)
    }

    /// Takes [`Tx::move_traces`] back, as far as nothing changed since.
    pub(crate) fn move_traces_back(
        &mut self,
        workspace_id: WorkspaceId,
        moved: &MovedTraces,
        from: ContactId,
        to: ContactId,
    ) -> Result<(), StoreError> {
        for (ids, back) in [(&moved.links_before, &MOVE_LINK_BEFORE_BACK), (&moved.links_after, &MOVE_LINK_AFTER_BACK)]
        {
            for id in ids {
                self.execute(back, &[&workspace_id, id, &from, &to])?;
            }
        }
        for (user_id, candidates) in &moved.prompts {
            let now = self.prompt(workspace_id, *user_id)?.map(|prompt| prompt.candidates);
            if now.is_some_and(|now| now == replaced(candidates, to, from)) {
                self.change_prompt(workspace_id, *user_id, candidates)?;
            }
        }
        Ok(())
    }
}
