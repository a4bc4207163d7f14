//! A contact's consent as a whole: where it stands and why, and everything that proves it.

use segue_model::{
    ConsentReviewId, ContactId, InboundTextId, PhoneNumber, Timestamp, WorkspaceId,
    consent::{Consent, ConsentState, Medium, Purpose, Scope},
    spreadsheet::guarded_cell,
};
use segue_store::{
    Store, StoreError, consent::ConsentEventView, consent_chain::ChainCheck, inbound_text::InboundTextView,
    subscription::SubscriptionView,
};
use serde::Serialize;

use crate::{OutreachError, contacts::consent_events_of, ledger_turns::LedgerTurns};

/// Most entries of one proof. A person with more is a machine.
const MOST_ENTRIES: i64 = 10_000;

/// Where consent to one purpose on one channel stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ConsentStanding)]
pub struct Standing {
    #[serde(rename = "channel")]
    pub medium: Medium,
    pub purpose: Purpose,
    /// `all`, a category of WhatsApp templates such as `category:utility`, or one template such as `template:order_update`.
    #[schema(value_type = String)]
    #[serde(serialize_with = "segue_store::consent::scope_as_text")]
    pub scope: Scope,
    pub state: ConsentState,
    pub since: Option<Timestamp>,
    /// When a granted consent ends by itself.
    pub expires_at: Option<Timestamp>,
    /// The entry that decides; absent when nothing was ever said.
    pub decided_by: Option<ConsentEventView>,
}

/// A contact's consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ContactConsent {
    pub contact_id: ContactId,
    pub phone: Option<PhoneNumber>,
    pub standings: Vec<Standing>,
    pub subscriptions: Vec<SubscriptionView>,
    /// Reviews that hold marketing back.
    pub open_reviews: Vec<ConsentReviewId>,
    pub is_suppressed: bool,
}

/// Everything that proves a contact's consent, for an authority or the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ConsentProof {
    pub contact_id: ContactId,
    pub phone: Option<PhoneNumber>,
    pub exported_at: Timestamp,
    pub standings: Vec<Standing>,
    pub subscriptions: Vec<SubscriptionView>,
    /// Oldest first.
    pub events: Vec<ConsentEventView>,
    /// Whether the workspace's whole ledger is as it was written.
    pub ledger: ChainCheck,
}

/// Where a contact's consent stands.
///
/// # Errors
/// When there is no such contact.
pub async fn of_contact(
    store: &Store,
    workspace_id: WorkspaceId,
    id: ContactId,
) -> Result<ContactConsent, OutreachError> {
    store.read(move |tx| look(tx, workspace_id, id)).await
}

fn look(
    tx: &mut segue_store::Tx<'_>,
    workspace_id: WorkspaceId,
    id: ContactId,
) -> Result<ContactConsent, OutreachError> {
    let contact = tx.contact(workspace_id, id)?.ok_or(OutreachError::NotFound("contact"))?;
    let mut consent = ContactConsent {
        contact_id: id,
        phone: contact.phone.clone(),
        standings: Vec::new(),
        subscriptions: Vec::new(),
        open_reviews: Vec::new(),
        is_suppressed: false,
    };
    let numbers = tx.phones_of_contact(workspace_id, id)?;
    let events = consent_events_of(tx, workspace_id, id, None, MOST_ENTRIES)?;
    let Some((first, _)) = numbers.first() else { return Ok(consent) };
    for medium in Medium::ALL {
        for purpose in Purpose::ALL {
            let state = tx.consent_state(workspace_id, *medium, first, *purpose)?;
            consent.standings.push(standing((*medium, *purpose, Scope::All), state, &events));
        }
    }
    for (medium, purpose, scope, state) in tx.template_consents_of(workspace_id, first)? {
        consent.standings.push(standing((medium, purpose, scope), state, &events));
    }
    for (number, _) in &numbers {
        consent.subscriptions.extend(tx.subscriptions_of_address(workspace_id, number)?);
        consent.open_reviews.extend(tx.open_reviews_of(workspace_id, number)?);
    }
    consent.open_reviews.sort_unstable();
    consent.open_reviews.dedup();
    consent.is_suppressed = tx.is_suppressed(workspace_id, first)?;
    Ok(consent)
}

/// A standing with the entry that decides it.
fn standing(
    (medium, purpose, scope): (Medium, Purpose, Scope),
    state: Consent,
    events: &[ConsentEventView],
) -> Standing {
    let decides = |event: &&ConsentEventView| {
        event.medium == medium
            && event.purpose == purpose
            && event.scope == scope
            && Some(event.occurred_at) == state.since
            && event.action.is_no() == (state.state == ConsentState::Revoked)
            && event.action.is_yes() == matches!(state.state, ConsentState::Granted | ConsentState::InReview)
    };
    let decided_by = events.iter().find(decides).cloned();
    Standing {
        medium,
        purpose,
        scope,
        state: state.state,
        since: state.since,
        expires_at: state.expires_at,
        decided_by,
    }
}

/// Everything that proves a contact's consent.
///
/// # Errors
/// When there is no such contact.
pub async fn proof(
    store: &Store,
    workspace_id: WorkspaceId,
    id: ContactId,
    now: Timestamp,
) -> Result<ConsentProof, OutreachError> {
    let ledger = check_ledger(store, workspace_id).await?;
    store
        .read(move |tx| {
            let consent = look(tx, workspace_id, id)?;
            let mut events = consent_events_of(tx, workspace_id, id, None, MOST_ENTRIES)?;
            events.reverse();
            Ok(ConsentProof {
                contact_id: id,
                phone: consent.phone,
                exported_at: now,
                standings: consent.standings,
                subscriptions: consent.subscriptions,
                events,
                ledger: ledger.clone(),
            })
        })
        .await
}

impl ConsentProof {
    /// The ledger as CSV. No cell can act as a formula.
    ///
    /// # Errors
    /// When it cannot be written, which is a defect.
    pub fn to_csv(&self) -> Result<String, OutreachError> {
        let failed = |error: csv::Error| OutreachError::File(error.to_string());
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer
            .write_record([
                "address",
                "id",
                "channel",
                "purpose",
                "scope",
                "action",
                "method",
                "wording",
                "wording_sha256",
                "proof",
                "source",
                "ip",
                "user_agent",
                "actor",
                "occurred_at",
                "recorded_at",
                "expires_at",
            ])
            .map_err(failed)?;
        for event in &self.events {
            let context = event.context.clone().unwrap_or_default();
            let text = |text: &Option<String>| guarded_cell(text.as_deref().unwrap_or_default());
            writer
                .write_record([
                    guarded_cell(&event.address),
                    event.id.to_string(),
                    event.medium.to_string(),
                    event.purpose.to_string(),
                    event.scope.to_string(),
                    event.action.to_string(),
                    event.method.to_string(),
                    text(&event.wording),
                    text(&event.wording_hash),
                    text(&event.proof),
                    text(&context.source),
                    text(&context.ip),
                    text(&context.user_agent),
                    guarded_cell(&event.actor),
                    event.occurred_at.to_string(),
                    event.recorded_at.to_string(),
                    event.expires_at.map(|at| at.to_string()).unwrap_or_default(),
                ])
                .map_err(failed)?;
        }
        let bytes = writer.into_inner().map_err(|error| OutreachError::File(error.to_string()))?;
        String::from_utf8(bytes).map_err(|error| OutreachError::File(error.to_string()))
    }
}

/// What a contact texted from any of its numbers, newest first. What came before an earlier contact with the number was deleted
/// is another person's, and not shown.
///
/// # Errors
/// When there is no such contact.
pub async fn texts(
    store: &Store,
    workspace_id: WorkspaceId,
    id: ContactId,
    before: Option<InboundTextId>,
    limit: i64,
) -> Result<Vec<InboundTextView>, OutreachError> {
    store
        .read(move |tx| {
            tx.contact(workspace_id, id)?.ok_or(OutreachError::NotFound("contact"))?;
            let mut texts = Vec::new();
            for (number, _) in tx.phones_of_contact(workspace_id, id)? {
                let found = tx.texts_of_holder(workspace_id, &number, before, limit)?;
                // Deletions of before there were marks on texts, as far as they are on record. Most have none, and they are
                // read only where there may be one.
                let Some(oldest) = found.last().map(|text| text.received_at) else { continue };
                let gone = tx.last_holder_gone(workspace_id, &number, oldest)?;
                texts.extend(found.into_iter().filter(|text| gone.is_none_or(|gone| text.received_at > gone)));
            }
            texts.sort_by_key(|text| std::cmp::Reverse(text.id));
            texts.truncate(limit as usize);
            Ok(texts)
        })
        .await
}

/// Walks along the chain of the workspace's ledger, part by part, so that nobody waits long for the database. One walk of a
/// workspace at a time, however many are asked for, and few of all workspaces.
///
/// # Errors
/// When the store fails.
pub async fn check_ledger(store: &Store, workspace_id: WorkspaceId) -> Result<ChainCheck, OutreachError> {
    static TURNS: LedgerTurns = LedgerTurns::new();
    let _turn = TURNS.take(workspace_id).await;
    let mut walk = store.read(move |tx| tx.begin_chain_walk(workspace_id)).await?;
    loop {
        let so_far = walk.clone();
        let step = store.read(move |tx| {
            let mut walk = so_far.clone();
            let check = tx.walk_chain(workspace_id, &mut walk)?;
            Ok::<_, StoreError>((walk, check))
        });
        let (further, check) = step.await?;
        if let Some(check) = check {
            return Ok(check);
        }
        walk = further;
    }
}
