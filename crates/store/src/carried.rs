//! What a restored database takes over from the one that it replaces: what people said against being written to after the
//! copy was made.
//!
//! A copy knows nothing of an opt-out that came after it, and the next campaign would go to whoever said it. So entries of the
//! ledger that end a consent, and those by which people took a no back themselves, are appended to the copy's ledger as new
//! ones that name the old: the chain of the copy goes on, and when each was said stays as it was. Entries of the suppression
//! list and possible opt-outs that nobody has looked at come with them. All of it is one transaction, before anything is sent.
//!
//! A yes that a file or a program claimed is not taken over, nor is the deletion of a contact: going back to a copy may be
//! meant to undo just that.

use segue_model::{Ctx, Timestamp, WorkspaceId};

use crate::{
    StoreError, Tx,
    consent::{ConsentError, ConsentEventView, ConsentExtent, NewConsentEvent, read_event},
    consent_review::{ReviewState, ReviewView},
    suppression::{Suppression, SuppressionQuery},
};

/// How many entries of the suppression list or reviews are read at once.
const PAGE: i64 = 1_000;

/// What was said in a workspace after a moment.
#[derive(Debug, Clone)]
pub struct SaidSince {
    pub workspace_id: WorkspaceId,
    entries: Vec<ConsentEventView>,
    suppressions: Vec<Suppression>,
    /// With the addresses that each holds.
    reviews: Vec<(ReviewView, Vec<String>)>,
}

/// How much was taken over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Carried {
    /// Entries of the consent ledger.
    pub entries: usize,
    /// Entries of the suppression list.
    pub suppressions: usize,
    /// Possible opt-outs that wait for a person's look.
    pub reviews: usize,
}

crate::sql! {
    NEWEST_ENTRY = "SELECT MAX(recorded_at) FROM consent_events WHERE workspace_id = $1";
    SAID_SINCE = "SELECT id, medium, address, purpose, action, method, scope, wording, proof, context, actor, occurred_at,
            recorded_at, expires_at
        FROM consent_events WHERE workspace_id = $1 AND recorded_at >= $2 AND method <> 'import_undo'
            AND (action IN ('revoke', 'deny', 'reassign', 'correct', 'confirm')
                OR (action = 'grant' AND method IN ('keyword', 'in_chat')))
        ORDER BY recorded_at, id";
    HAS_ENTRY = "SELECT 1 FROM consent_events WHERE workspace_id = $1 AND id = $2";
}

impl Tx<'_> {
    /// When the newest entry of the consent ledger was recorded.
    ///
    /// # Errors
    /// When the store fails.
    pub fn newest_consent(&mut self, workspace_id: WorkspaceId) -> Result<Option<Timestamp>, StoreError> {
        self.query_one(&NEWEST_ENTRY, &[&workspace_id], |row| row.next())
    }

    /// What people said from `since` on against being written to, and the suppression list and the open reviews as they are.
    ///
    /// # Errors
    /// When the store fails.
    pub fn said_since(&mut self, workspace_id: WorkspaceId, since: Timestamp) -> Result<SaidSince, StoreError> {
        let entries = self.query(&SAID_SINCE, &[&workspace_id, &since], read_event)?;
        let mut suppressions: Vec<Suppression> = Vec::new();
        loop {
            let after = suppressions.last().map(|entry| entry.address.clone()).unwrap_or_default();
            let query = SuppressionQuery { after, limit: PAGE, ..SuppressionQuery::default() };
            let page = self.suppressions(workspace_id, &query)?;
            if page.is_empty() {
                break;
            }
            suppressions.extend(page);
        }
        let mut reviews: Vec<(ReviewView, Vec<String>)> = Vec::new();
        loop {
            let before = reviews.last().map(|(review, _)| review.id);
            let page = self.reviews(workspace_id, ReviewState::Open, before, PAGE)?;
            if page.is_empty() {
                break;
            }
            for review in page {
                let held = self.held_by_review(workspace_id, review.id)?;
                reviews.push((review, held));
            }
        }
        Ok(SaidSince { workspace_id, entries, suppressions, reviews })
    }

    /// Takes over what is not here yet.
    ///
    /// # Errors
    /// When the store fails.
    pub fn carry_over(&mut self, said: &SaidSince, ctx: &Ctx) -> Result<Carried, StoreError> {
        let (workspace_id, mut carried) = (said.workspace_id, Carried::default());
        for entry in &said.entries {
            if self.query_opt(&HAS_ENTRY, &[&workspace_id, &entry.id], |row| row.next::<i64>())?.is_some() {
                continue;
            }
            let from = format!("entry {} of the database that was replaced, of {}", entry.id, entry.recorded_at);
            let event = NewConsentEvent {
                medium: entry.medium,
                address: entry.address.clone(),
                purpose: entry.purpose,
                action: entry.action,
                method: entry.method,
                wording: entry.wording.clone(),
                proof: Some(entry.proof.as_ref().map_or_else(|| from.clone(), |proof| format!("{proof} ({from})"))),
                actor: entry.actor.clone(),
                occurred_at: entry.occurred_at,
            };
            let context = entry.context.clone().unwrap_or_default();
            let extent = ConsentExtent { scope: entry.scope.clone(), expires_at: entry.expires_at, context };
            self.record_consent_quietly(workspace_id, &event, &extent, ctx).map_err(|error| match error {
                ConsentError::Store(error) => error,
                other => StoreError::Corrupt(other.to_string()),
            })?;
            carried.entries += 1;
        }
        for entry in &said.suppressions {
            if self.suppression_source(workspace_id, &entry.address)? != Some(entry.source) {
                carried.suppressions += usize::from(self.put_suppression(workspace_id, entry)?);
            }
        }
        for (review, held) in &said.reviews {
            if self.review(workspace_id, review.id)?.is_none() {
                self.open_known_review(workspace_id, review, held)?;
                carried.reviews += 1;
            }
        }
        Ok(carried)
    }
}
