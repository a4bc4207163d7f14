//! What a restored database takes over from the one that it replaces: what people said against being written to after the
//! copy was made.
//!
//! A copy knows nothing of an opt-out that came after it, and the next campaign would go to whoever said it. So entries of the
//! ledger that end a consent, and those by which people took a no back themselves, are appended to the copy's ledger as new
//! ones that name the old: the chain of the copy goes on, and when each was said stays as it was. Entries of the suppression
//! list and possible opt-outs that nobody has looked at come with them. A no that was said in a WhatsApp chat, and a yes that
//! took it back there, counts in the customer's open conversations, too. All of it is one transaction, before anything is sent.
//!
//! What came in and was not worked on was acknowledged, so nobody sends it again, and there may be opt-outs among it: it
//! becomes dead letters of the copy. So do parts of long texts that waited for the rest.
//!
//! A yes that a file or a program claimed is not taken over, nor is the deletion of a contact: going back to a copy may be
//! meant to undo just that.

use segue_model::{
    Ctx, Timestamp, WorkspaceId,
    consent::{ConsentAction, Medium},
    id::Id as _,
    session::OptIn,
};

use crate::{
    Row, StoreError, Tx,
    consent::{ConsentError, ConsentEventView, ConsentExtent, NewConsentEvent, read_event},
    consent_review::{ReviewState, ReviewView},
    dead_letter::Source,
    inbox::NewInbox,
    outbox::Payload,
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
    /// What came in and was not worked on, with when it came.
    arrivals: Vec<(NewInbox, Timestamp)>,
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
    /// Dead letters of what had come in and was not worked on.
    pub arrivals: usize,
}

/// Begins the proof of what was said in a WhatsApp chat; the id of the message follows.
const SAID_IN_CHAT: &str = "whatsapp message ";
/// Stands at a dead letter.
const LETTER: &str = "It came in after the backup was made and had not been worked on in the database that was replaced. It does \
     not come again; replay it.";

crate::sql! {
    NEWEST_ENTRY = "SELECT MAX(recorded_at) FROM consent_events WHERE workspace_id = $1";
    SAID_SINCE = "SELECT id, medium, address, purpose, action, method, scope, wording, proof, context, actor, occurred_at,
            recorded_at, expires_at
        FROM consent_events WHERE workspace_id = $1 AND recorded_at >= $2 AND method <> 'import_undo'
            AND (action IN ('revoke', 'deny', 'reassign', 'correct', 'confirm')
                OR (action = 'grant' AND method IN ('keyword', 'in_chat')))
        ORDER BY recorded_at, id";
    /// A part of a long text is done when it is kept, but nobody has read it then.
    ARRIVED = "SELECT id, channel_id, kind, external_id, subject, payload, received_at FROM inbox
        WHERE workspace_id = $1 AND (state IN ('pending', 'dead') OR id IN (SELECT p.inbox_id FROM inbound_parts p
            WHERE p.workspace_id = $1 AND p.read_at IS NULL))
        ORDER BY id";
    RECEIVE_DEAD = "INSERT INTO inbox (workspace_id, id, channel_id, kind, external_id, subject, payload, state, next_at,
            received_at, last_error)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'dead', $8, $8, $9) ON CONFLICT DO NOTHING";
    /// What somebody said in a chat counts in that customer's open sessions, unless something later is known there.
    SAID_IN_SESSIONS = "UPDATE sessions SET opt_in = $4, opt_in_at = $5, version = version + 1
        WHERE workspace_id = $1 AND state <> 'ended' AND COALESCE(opt_in_at, 0) <= $5 AND ($4 = 'declined' OR opt_in = 'declined')
            AND messaging_user_id IN (SELECT i.messaging_user_id FROM messaging_identifiers i
                WHERE i.workspace_id = $1 AND i.channel_id IN (SELECT c.id FROM channels c WHERE c.workspace_id = $1)
                    AND i.kind IN ('phone', 'wa_id', 'bsuid', 'parent_bsuid') AND i.value IN ($2, $3))";
    HAS_ENTRY = "SELECT 1 FROM consent_events WHERE workspace_id = $1 AND id = $2";
}

fn read_arrival(row: &mut Row<'_>) -> Result<(NewInbox, Timestamp), StoreError> {
    let item = NewInbox {
        id: row.next()?,
        channel_id: row.next()?,
        kind: row.word()?,
        external_id: row.next()?,
        subject: row.next()?,
        payload: Payload::from_text(row.next()?),
    };
    Ok((item, row.next()?))
}

/// What an entry of the ledger says of the agreement to the conversation it was said in, if it was said in one.
fn in_conversation(entry: &ConsentEventView) -> Option<OptIn> {
    let is_of_chat = entry.proof.as_ref().is_some_and(|proof| proof.starts_with(SAID_IN_CHAT));
    match entry.action {
        _ if entry.medium != Medium::WhatsApp || !is_of_chat => None,
        ConsentAction::Revoke => Some(OptIn::Declined),
        ConsentAction::Grant => Some(OptIn::Granted),
        _ => None,
    }
}

impl Tx<'_> {
    /// When the newest entry of the consent ledger was recorded.
    ///
    /// # Errors
    /// When the store fails.
    pub fn newest_consent(&mut self, workspace_id: WorkspaceId) -> Result<Option<Timestamp>, StoreError> {
        self.query_one(&NEWEST_ENTRY, &[&workspace_id], |row| row.next())
    }

    /// What people said from `since` on against being written to, and the suppression list, the open reviews and what came
    /// in and was not worked on, as they are.
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
        let arrivals = self.query(&ARRIVED, &[&workspace_id], read_arrival)?;
        Ok(SaidSince { workspace_id, entries, suppressions, reviews, arrivals })
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
            if let Some(opt_in) = in_conversation(entry) {
                let (address, digits) = (&entry.address, entry.address.trim_start_matches('+'));
                let said: [&dyn crate::Bind; 5] =
                    [&workspace_id, address, &digits, &opt_in.as_str(), &entry.occurred_at];
                self.execute(&SAID_IN_SESSIONS, &said)?;
            }
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
        for (item, received_at) in &said.arrivals {
            carried.arrivals += usize::from(self.receive_dead(workspace_id, (item, *received_at), ctx)?);
        }
        Ok(carried)
    }

    /// Stores what came in as a dead letter, unless it is known here in whatever state.
    fn receive_dead(
        &mut self,
        workspace_id: WorkspaceId,
        (item, received_at): (&NewInbox, Timestamp),
        ctx: &Ctx,
    ) -> Result<bool, StoreError> {
        let row: [&dyn crate::Bind; 9] = [
            &workspace_id,
            &item.id,
            &item.channel_id,
            &item.kind.as_str(),
            &item.external_id,
            &item.subject,
            &item.payload.text(),
            &received_at,
            &LETTER,
        ];
        let is_new = self.execute(&RECEIVE_DEAD, &row)? == 1;
        if is_new {
            self.bury(workspace_id, Source::Inbox, item.id.uuid(), LETTER, ctx)?;
        }
        Ok(is_new)
    }
}
