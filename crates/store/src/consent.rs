//! Consent: the append-only ledger, the state it amounts to, and the suppression list.
//!
//! Invariants:
//! - `consent_events` is only ever added to. `consents` is computed from all events of its key each time one is added,
//!   so the order in which they come in cannot matter, and it can be rebuilt from the ledger at any time.
//! - A revocation of marketing and the end of everything promotional that waits for the address are one transaction:
//!   a crash before its commit leaves neither, a crash after it leaves both.
//! - Whoever writes promotional messages reads the consent under the same lock ([`Tx::lock_consents`]) as whoever
//!   revokes it, so that no message can slip in between on PostgreSQL.

use segue_model::{
    CampaignId, ConsentEventId, ContactId, Ctx, Timestamp, WorkspaceId,
    consent::{Consent, ConsentAction, ConsentFact, ConsentMethod, ConsentState, Evidence, Medium, Purpose},
    id::Id as _,
};
use serde::Serialize;
use uuid::Uuid;

use crate::{Row, StoreError, Tx, event::NewEvent};

/// Something a person said about being messaged.
#[derive(Debug, Clone)]
pub struct NewConsentEvent {
    pub medium: Medium,
    /// E.164 with plus sign, or the business-scoped id of a WhatsApp customer without a visible number.
    pub address: String,
    pub purpose: Purpose,
    pub action: ConsentAction,
    pub method: ConsentMethod,
    /// The exact words the person agreed to, or wrote.
    pub wording: Option<String>,
    /// Where the proof is: a form, a document, an inbox row.
    pub proof: Option<String>,
    /// Who recorded it, see [`segue_model::actor::Actor::reference`].
    pub actor: String,
    /// When it was said. A moment in the future counts as now. For a word the person has just sent, give the time of
    /// receipt: a provider's clock that is behind ours must not let an older grant win.
    pub occurred_at: Timestamp,
}

/// Why a consent event was not recorded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConsentError {
    #[error(
        "An opt-in needs evidence: the wording the person agreed to, or where the proof of it is. Add one of them and \
         record it again."
    )]
    EvidenceRequired,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ConsentError {
    /// Stable code for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::EvidenceRequired => "consent_evidence_required",
            Self::Store(_) => "store",
        }
    }
}

/// An entry of the ledger as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ConsentEvent)]
pub struct ConsentEventView {
    pub id: ConsentEventId,
    /// Which medium it speaks of.
    #[serde(rename = "channel")]
    pub medium: Medium,
    pub purpose: Purpose,
    pub action: ConsentAction,
    pub method: ConsentMethod,
    pub wording: Option<String>,
    pub proof: Option<String>,
    pub actor: String,
    pub occurred_at: Timestamp,
    pub recorded_at: Timestamp,
}

crate::sql! {
    INSERT_CONSENT_EVENT = "INSERT INTO consent_events (workspace_id, id, medium, address, purpose, action, method,
            wording, proof, actor, occurred_at, recorded_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    CONSENT_FACTS = "SELECT action, wording IS NOT NULL OR proof IS NOT NULL, occurred_at FROM consent_events
        WHERE workspace_id = $1 AND address = $2 AND medium = $3 AND purpose = $4";
    PUT_CONSENT = "INSERT INTO consents (workspace_id, medium, address, purpose, state, since)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (workspace_id, medium, address, purpose) DO UPDATE SET state = excluded.state,
            since = excluded.since";
    CONSENT = "SELECT state, since FROM consents
        WHERE workspace_id = $1 AND medium = $2 AND address = $3 AND purpose = $4";
    CONSENT_EVENTS = "SELECT id, medium, purpose, action, method, wording, proof, actor, occurred_at, recorded_at
        FROM consent_events WHERE workspace_id = $1 AND address = $2 AND id < $3 ORDER BY id DESC LIMIT $4";
    SAID_NO = "SELECT 1 FROM consent_events WHERE workspace_id = $1 AND address = $2 AND medium = $3 AND purpose = $4
        AND action = 'revoke' AND method <> 'import_undo' LIMIT 1";
    LAST_UNDONE = "SELECT MAX(occurred_at) FROM consent_events WHERE workspace_id = $1 AND address = $2 AND medium = $3
        AND purpose = $4 AND method = 'import_undo'";
    CLEAR_CONSENTS = "DELETE FROM consents WHERE workspace_id = $1";
    CONSENT_KEYS = "SELECT DISTINCT medium, address, purpose FROM consent_events WHERE workspace_id = $1";
    CANCEL_WAITING_MARKETING = "UPDATE outbox SET state = 'canceled', rule = $3
        WHERE workspace_id = $1 AND address = $2 AND campaign_id IS NULL AND (state = 'queued' OR state = 'claimed')
            AND class = 'marketing'";
    /// Campaigns that may have something waiting: few, so each is looked at by its index.
    CANCEL_WAITING_OF_CAMPAIGNS = "UPDATE outbox SET state = 'canceled', rule = $3
        WHERE workspace_id = $1 AND address = $2 AND campaign_id IS NOT NULL AND state IN ('queued', 'claimed')
            AND class = 'marketing' AND campaign_id IN (SELECT c.id FROM campaigns c
                WHERE c.workspace_id = $1 AND c.state IN ('planning', 'running', 'paused'))
        RETURNING campaign_id";
    CONTACT_OF_ADDRESS = "SELECT id FROM contacts WHERE workspace_id = $1 AND phone = $2";
    LAST_KEYWORD = "SELECT action, recorded_at FROM consent_events
        WHERE workspace_id = $1 AND address = $2 AND medium = $3 AND method = 'keyword' ORDER BY id DESC LIMIT 1";
    SUPPRESS = "INSERT INTO suppressions (workspace_id, address, reason, created_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (workspace_id, address) DO NOTHING";
    UNSUPPRESS = "DELETE FROM suppressions WHERE workspace_id = $1 AND address = $2";
    SUPPRESSED = "SELECT reason FROM suppressions WHERE workspace_id = $1 AND address = $2";
}

fn read_event(row: &mut Row<'_>) -> Result<ConsentEventView, StoreError> {
    Ok(ConsentEventView {
        id: row.next()?,
        medium: row.word()?,
        purpose: row.word()?,
        action: row.word()?,
        method: row.word()?,
        wording: row.next()?,
        proof: row.next()?,
        actor: row.next()?,
        occurred_at: row.next()?,
        recorded_at: row.next()?,
    })
}

/// A text that says something, or nothing.
fn said(text: Option<&String>) -> Option<&str> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty())
}

impl Tx<'_> {
    /// Makes changes of consent and the writing of promotional messages of this workspace wait for each other.
    ///
    /// # Errors
    /// When the engine refuses it.
    pub fn lock_consents(&mut self, workspace_id: WorkspaceId) -> Result<(), StoreError> {
        self.lock("consents", &workspace_id)
    }

    /// Keeps every consent of the workspace as it is until this transaction ends, beside others who do the same: for
    /// the last look before a message leaves.
    ///
    /// # Errors
    /// When the engine refuses it.
    pub fn hold_consents(&mut self, workspace_id: WorkspaceId) -> Result<(), StoreError> {
        self.lock_shared("consents", &workspace_id)
    }

    /// Adds to the ledger, computes the state anew, ends waiting promotional messages when marketing was revoked (of
    /// any channel: a no on one is taken as a no for everything on its way), and tells the screens. Gives the state the
    /// ledger now amounts to.
    ///
    /// # Errors
    /// [`ConsentError::EvidenceRequired`] for a grant that nothing proves.
    pub fn record_consent(
        &mut self,
        workspace_id: WorkspaceId,
        event: &NewConsentEvent,
        ctx: &Ctx,
    ) -> Result<Consent, ConsentError> {
        let consent = self.record_consent_quietly(workspace_id, event, ctx)?;
        let contact: Option<ContactId> =
            self.query_opt(&CONTACT_OF_ADDRESS, &[&workspace_id, &event.address], |row| row.next())?;
        if let Some(contact_id) = contact {
            self.emit(
                workspace_id,
                NewEvent {
                    kind: "consent.changed",
                    entity: "contact",
                    entity_id: contact_id.to_string(),
                    audience: None,
                    data: serde_json::json!({ "contact_id": contact_id }),
                    at: ctx.now(),
                },
            );
        }
        Ok(consent)
    }

    /// [`Tx::record_consent`] without telling the screens, for imports, which tell about thousands at once.
    ///
    /// # Errors
    /// As [`Tx::record_consent`].
    pub fn record_consent_quietly(
        &mut self,
        workspace_id: WorkspaceId,
        event: &NewConsentEvent,
        ctx: &Ctx,
    ) -> Result<Consent, ConsentError> {
        let (wording, proof) = (said(event.wording.as_ref()), said(event.proof.as_ref()));
        if event.action == ConsentAction::Grant && wording.is_none() && proof.is_none() {
            return Err(ConsentError::EvidenceRequired);
        }
        self.lock_consents(workspace_id)?;
        let now = ctx.now();
        let id: ConsentEventId = ctx.id();
        self.execute(
            &INSERT_CONSENT_EVENT,
            &[
                &workspace_id,
                &id,
                &event.medium.as_str(),
                &event.address,
                &event.purpose.as_str(),
                &event.action.as_str(),
                &event.method.as_str(),
                &wording,
                &proof,
                &event.actor,
                &event.occurred_at.min(now),
                &now,
            ],
        )?;
        let consent = self.compute_consent(workspace_id, event.medium, &event.address, event.purpose)?;
        if event.action == ConsentAction::Revoke && event.purpose == Purpose::Marketing {
            self.cancel_waiting_marketing(workspace_id, &event.address, "opted_out")?;
        }
        Ok(consent)
    }

    /// Folds the ledger of one key and stores what it amounts to.
    fn compute_consent(
        &mut self,
        workspace_id: WorkspaceId,
        medium: Medium,
        address: &str,
        purpose: Purpose,
    ) -> Result<Consent, StoreError> {
        let facts =
            self.query(&CONSENT_FACTS, &[&workspace_id, &address, &medium.as_str(), &purpose.as_str()], |row| {
                let action = row.word()?;
                let proven: bool = row.next()?;
                let evidence = if proven { Evidence::Present } else { Evidence::Missing };
                Ok(ConsentFact { action, evidence, occurred_at: row.next()? })
            })?;
        let consent = Consent::of(facts);
        if let Some(since) = consent.since {
            self.execute(
                &PUT_CONSENT,
                &[&workspace_id, &medium.as_str(), &address, &purpose.as_str(), &consent.state.as_str(), &since],
            )?;
        }
        Ok(consent)
    }

    /// The state of consent of an address; `none` when nothing was ever recorded.
    ///
    /// # Errors
    /// When the store fails.
    pub fn consent_state(
        &mut self,
        workspace_id: WorkspaceId,
        medium: Medium,
        address: &str,
        purpose: Purpose,
    ) -> Result<Consent, StoreError> {
        let found =
            self.query_opt(&CONSENT, &[&workspace_id, &medium.as_str(), &address, &purpose.as_str()], |row| {
                Ok(Consent { state: row.word::<ConsentState>()?, since: row.next()? })
            })?;
        Ok(found.unwrap_or_default())
    }

    /// Entries of an address, newest first, from before `before` on.
    ///
    /// # Errors
    /// When the store fails.
    pub fn consent_events(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
        before: Option<ConsentEventId>,
        limit: i64,
    ) -> Result<Vec<ConsentEventView>, StoreError> {
        let before = before.unwrap_or_else(|| ConsentEventId::from_uuid(Uuid::max()));
        self.query(&CONSENT_EVENTS, &[&workspace_id, &address, &before, &limit], read_event)
    }

    /// What the address last said by keyword on this medium, and when that was recorded.
    ///
    /// # Errors
    /// When the store fails.
    pub fn last_keyword(
        &mut self,
        workspace_id: WorkspaceId,
        medium: Medium,
        address: &str,
    ) -> Result<Option<(ConsentAction, Timestamp)>, StoreError> {
        self.query_opt(&LAST_KEYWORD, &[&workspace_id, &address, &medium.as_str()], |row| {
            Ok((row.word()?, row.next()?))
        })
    }

    /// Whether the person ever said no themselves, as against an opt-in that was taken back because its import was
    /// undone.
    ///
    /// # Errors
    /// When the store fails.
    pub fn said_no(
        &mut self,
        workspace_id: WorkspaceId,
        medium: Medium,
        address: &str,
        purpose: Purpose,
    ) -> Result<bool, StoreError> {
        let found =
            self.query_opt(&SAID_NO, &[&workspace_id, &address, &medium.as_str(), &purpose.as_str()], |row| {
                row.next::<i64>()
            })?;
        Ok(found.is_some())
    }

    /// The moment up to which opt-ins of undone imports are taken back.
    ///
    /// # Errors
    /// When the store fails.
    pub fn undone_until(
        &mut self,
        workspace_id: WorkspaceId,
        medium: Medium,
        address: &str,
        purpose: Purpose,
    ) -> Result<Option<Timestamp>, StoreError> {
        self.query_one(&LAST_UNDONE, &[&workspace_id, &address, &medium.as_str(), &purpose.as_str()], |row| row.next())
    }

    /// Computes all states of the workspace from the ledger. Gives how many keys there are.
    ///
    /// # Errors
    /// When the store fails.
    pub fn rebuild_consents(&mut self, workspace_id: WorkspaceId) -> Result<usize, StoreError> {
        self.lock_consents(workspace_id)?;
        self.execute(&CLEAR_CONSENTS, &[&workspace_id])?;
        let keys = self.query(&CONSENT_KEYS, &[&workspace_id], |row| {
            Ok((row.word::<Medium>()?, row.next::<String>()?, row.word::<Purpose>()?))
        })?;
        for (medium, address, purpose) in &keys {
            self.compute_consent(workspace_id, *medium, address, *purpose)?;
        }
        Ok(keys.len())
    }

    /// Ends promotional messages to the address that have not left, on every channel. Gives how many.
    ///
    /// # Errors
    /// When the store fails.
    pub fn cancel_waiting_marketing(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
        rule: &str,
    ) -> Result<u64, StoreError> {
        let of_campaigns: Vec<CampaignId> =
            self.query(&CANCEL_WAITING_OF_CAMPAIGNS, &[&workspace_id, &address, &rule], |row| row.next())?;
        of_campaigns.iter().for_each(|id| self.tally_canceled(workspace_id, *id, 1));
        Ok(of_campaigns.len() as u64 + self.execute(&CANCEL_WAITING_MARKETING, &[&workspace_id, &address, &rule])?)
    }

    /// Puts an address on the suppression list and ends promotional messages waiting for it. `false` when it was on it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn suppress(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.lock_consents(workspace_id)?;
        let added = self.execute(&SUPPRESS, &[&workspace_id, &address, &reason, &now])? == 1;
        self.cancel_waiting_marketing(workspace_id, address, "suppressed")?;
        Ok(added)
    }

    /// Takes an address off the suppression list. `false` when it was not on it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn unsuppress(&mut self, workspace_id: WorkspaceId, address: &str) -> Result<bool, StoreError> {
        Ok(self.execute(&UNSUPPRESS, &[&workspace_id, &address])? == 1)
    }

    /// Whether the address is on the suppression list.
    ///
    /// # Errors
    /// When the store fails.
    pub fn is_suppressed(&mut self, workspace_id: WorkspaceId, address: &str) -> Result<bool, StoreError> {
        Ok(self.query_opt(&SUPPRESSED, &[&workspace_id, &address], |row| row.next::<String>())?.is_some())
    }
}
