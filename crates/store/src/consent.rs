//! Consent: the append-only ledger, the state it amounts to, and the suppression list.
//!
//! Invariants:
//! - `consent_events` is only ever added to. What it amounts to is computed from all events of a key each time one is
//!   added ([`crate::consent_state`]), so the order in which they come in cannot matter.
//! - A revocation of marketing and the end of everything promotional that waits for the address are one transaction:
//!   a crash before its commit leaves neither, a crash after it leaves both.
//! - Every entry carries the hash of the one before it in its workspace ([`crate::consent_chain`]), so a change of an
//!   old entry shows.
//! - While a review holds an address ([`crate::consent_review`]), a granted consent to marketing reads `in_review`, and
//!   every look at the state sees it.
//! - Whoever writes promotional messages reads the consent under the same lock ([`Tx::lock_consents`]) as whoever
//!   revokes it, so that no message can slip in between on PostgreSQL.

use segue_model::{
    ConsentEventId, ContactId, Ctx, Timestamp, WorkspaceId,
    consent::{Consent, ConsentAction, ConsentMethod, ConsentState, Medium, Origin, Purpose, Scope},
    id::Id as _,
};
use uuid::Uuid;

use crate::{
    Row, StoreError, Tx,
    campaign::{NOT_SENT_AGAIN, read_ended},
    consent_chain::Link,
    consent_state::scope_id,
    event::NewEvent,
    suppression::{Suppression, SuppressionSource},
    tx::json_text,
};

pub use crate::consent_event::{
    ConsentContext, ConsentError, ConsentEventView, ConsentExtent, NewConsentEvent, scope_as_text, wording_hash,
};

crate::sql! {
    INSERT_CONSENT_EVENT = "INSERT INTO consent_events (workspace_id, id, medium, address, purpose, action, method,
            wording, proof, actor, occurred_at, recorded_at, scope, expires_at, context, seq, previous_hash, hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
    CONSENT = "SELECT state, since, expires_at FROM consents
        WHERE workspace_id = $1 AND medium = $2 AND address = $3 AND purpose = $4";
    SCOPED_CONSENT = "SELECT state, since FROM scoped_consents
        WHERE workspace_id = $1 AND medium = $2 AND address = $3 AND purpose = $4 AND scope_id = $5";
    /// A no to one sender is a no to its number or name on every account, and to all of its pools: people see one sender. One look-up more in a table that is empty where no STOP was ever meant for one sender only.
    CONSENT_FROM = "SELECT COALESCE(c.state, 'none'), c.since, c.expires_at, EXISTS (SELECT 1 FROM scoped_consents s
                JOIN senders n ON n.workspace_id = s.workspace_id AND n.id = s.scope_id
            WHERE s.workspace_id = w.id AND s.address = $3 AND s.medium = $2 AND s.purpose = $4 AND s.state = 'revoked'
                AND (n.address = $5 OR EXISTS (SELECT 1 FROM senders t
                        JOIN sender_pool_members a ON a.workspace_id = t.workspace_id AND a.sender_id = t.id
                        JOIN sender_pool_members b ON b.workspace_id = a.workspace_id AND b.pool_id = a.pool_id
                        JOIN senders m ON m.workspace_id = b.workspace_id AND m.id = b.sender_id
                    WHERE t.workspace_id = n.workspace_id AND t.address = n.address AND m.address = $5)))
        FROM workspaces w LEFT JOIN consents c
            ON c.workspace_id = w.id AND c.medium = $2 AND c.address = $3 AND c.purpose = $4
        WHERE w.id = $1";
    CONSENT_STATES = "SELECT medium, purpose, state, since, expires_at FROM consents
        WHERE workspace_id = $1 AND medium IN ('sms', 'whatsapp') AND address = $2 ORDER BY medium, purpose";
    EXPIRED_CONSENTS = "SELECT medium, address, purpose FROM consents
        WHERE workspace_id = $1 AND expires_at IS NOT NULL AND expires_at <= $2 ORDER BY expires_at LIMIT 500";
    CONSENT_EVENTS = "SELECT id, medium, address, purpose, action, method, scope, wording, proof, context, actor, occurred_at,
            recorded_at, expires_at
        FROM consent_events WHERE workspace_id = $1 AND address = $2 AND id < $3 ORDER BY id DESC LIMIT $4";
    SAID_NO = "SELECT 1 FROM consent_events WHERE workspace_id = $1 AND address = $2 AND medium = $3 AND purpose = $4
        AND action = 'revoke' AND method <> 'import_undo' LIMIT 1";
    /// With what programmes ask and say, which is no answer to a no.
    CANCEL_WAITING_MARKETING = "UPDATE outbox SET state = CASE WHEN maybe_left = 1 THEN 'unknown' ELSE 'canceled' END,
            rule = $3,
            error_class = CASE WHEN maybe_left = 1 THEN 'unknown' ELSE error_class END,
            error_code = CASE WHEN maybe_left = 1 THEN NULL ELSE error_code END,
            error_reason = CASE WHEN maybe_left = 1 THEN CAST($4 AS TEXT) ELSE error_reason END
        WHERE workspace_id = $1 AND address = $2 AND campaign_id IS NULL AND (state = 'queued' OR state = 'claimed')
            AND (class = 'marketing' OR (class = 'keyword' AND dedupe_key LIKE 'programme:%'))";
    /// Campaigns that may have something waiting: few, so each is looked at by its index.
    CANCEL_WAITING_OF_CAMPAIGNS = "UPDATE outbox SET state = CASE WHEN maybe_left = 1 THEN 'unknown' ELSE 'canceled' END,
            rule = $3,
            error_class = CASE WHEN maybe_left = 1 THEN 'unknown' ELSE error_class END,
            error_code = CASE WHEN maybe_left = 1 THEN NULL ELSE error_code END,
            error_reason = CASE WHEN maybe_left = 1 THEN CAST($4 AS TEXT) ELSE error_reason END
        WHERE workspace_id = $1 AND address = $2 AND campaign_id IS NOT NULL AND state IN ('queued', 'claimed')
            AND class = 'marketing' AND campaign_id IN (SELECT c.id FROM campaigns c
                WHERE c.workspace_id = $1 AND c.state IN ('planning', 'running', 'paused'))
        RETURNING campaign_id, state";
    CONTACT_OF_ADDRESS = "SELECT id FROM contacts WHERE workspace_id = $1 AND phone = $2
        UNION ALL SELECT contact_id FROM contact_addresses WHERE workspace_id = $1 AND kind = 'phone' AND address = $2";
    LAST_KEYWORD = "SELECT action, recorded_at FROM consent_events
        WHERE workspace_id = $1 AND address = $2 AND medium = $3 AND method IN ('keyword', 'free_text')
            AND action IN ('grant', 'confirm', 'revoke', 'deny') ORDER BY occurred_at DESC, id DESC LIMIT 1";
    SUPPRESSED = "SELECT reason FROM suppressions WHERE workspace_id = $1 AND address = $2";
}

pub(crate) fn read_event(row: &mut Row<'_>) -> Result<ConsentEventView, StoreError> {
    let (id, medium, address) = (row.next()?, row.word()?, row.next()?);
    let (purpose, action, method) = (row.word()?, row.word()?, row.word()?);
    let scope = read_scope(row)?;
    let wording: Option<String> = row.next()?;
    Ok(ConsentEventView {
        id,
        medium,
        address,
        purpose,
        action,
        method,
        scope,
        wording_hash: wording.as_deref().map(wording_hash),
        wording,
        proof: row.next()?,
        context: row.optional_json()?,
        actor: row.next()?,
        occurred_at: row.next()?,
        recorded_at: row.next()?,
        expires_at: row.next()?,
    })
}

fn read_state(row: &mut Row<'_>) -> Result<Consent, StoreError> {
    Ok(Consent { state: row.word()?, since: row.next()?, expires_at: row.next()? })
}

pub(crate) fn read_scope(row: &mut Row<'_>) -> Result<Scope, StoreError> {
    let text: String = row.next()?;
    text.parse().map_err(|_| StoreError::Corrupt(format!("'{text}' is no scope of a consent")))
}

/// A text that says something, or nothing, as both engines store it.
fn said(text: Option<&String>) -> Option<String> {
    text.map(|text| text.trim().replace('\0', "\u{FFFD}")).filter(|text| !text.is_empty())
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
    /// [`ConsentError::EvidenceRequired`] for a yes that nothing proves, [`ConsentError::OptedOut`] for one that somebody
    /// else claims after the person's no.
    pub fn record_consent(
        &mut self,
        workspace_id: WorkspaceId,
        event: &NewConsentEvent,
        ctx: &Ctx,
    ) -> Result<Consent, ConsentError> {
        self.record_consent_within(workspace_id, event, &ConsentExtent::default(), ctx)
    }

    /// [`Tx::record_consent`] about a sender or programme, for a time, or with more that proves it.
    ///
    /// # Errors
    /// As [`Tx::record_consent`].
    pub fn record_consent_within(
        &mut self,
        workspace_id: WorkspaceId,
        event: &NewConsentEvent,
        extent: &ConsentExtent,
        ctx: &Ctx,
    ) -> Result<Consent, ConsentError> {
        let consent = self.add_consent(workspace_id, event, extent, ctx)?;
        self.tell_consent(workspace_id, &event.address, ctx.now())?;
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
        extent: &ConsentExtent,
        ctx: &Ctx,
    ) -> Result<Consent, ConsentError> {
        self.add_consent(workspace_id, event, extent, ctx)
    }

    /// Tells the screens that show the contact with this address.
    pub(crate) fn tell_consent(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let contact: Option<ContactId> =
            self.query_opt(&CONTACT_OF_ADDRESS, &[&workspace_id, &address], |row| row.next())?;
        if let Some(contact_id) = contact {
            self.emit(
                workspace_id,
                NewEvent {
                    kind: "consent.changed",
                    entity: "contact",
                    entity_id: contact_id.to_string(),
                    audience: None,
                    data: serde_json::json!({ "contact_id": contact_id }),
                    at: now,
                },
            );
        }
        Ok(())
    }

    fn add_consent(
        &mut self,
        workspace_id: WorkspaceId,
        event: &NewConsentEvent,
        extent: &ConsentExtent,
        ctx: &Ctx,
    ) -> Result<Consent, ConsentError> {
        let (wording, proof) = (said(event.wording.as_ref()), said(event.proof.as_ref()));
        if event.action.is_yes() && wording.is_none() && proof.is_none() {
            return Err(ConsentError::EvidenceRequired);
        }
        self.lock_consents(workspace_id)?;
        if event.action.is_yes() && Origin::of(event.action, event.method) == Origin::Claim {
            let known = self.consent_state(workspace_id, event.medium, &event.address, event.purpose)?;
            // A no to a number is taken back by joining one of its programmes; any other by the person alone.
            let is_asked = !matches!(extent.scope, Scope::All | Scope::Sender(_));
            let narrow = match scope_id(&extent.scope).filter(|_| is_asked) {
                Some(id) => self.scoped_consent_state(workspace_id, event.medium, &event.address, event.purpose, id)?,
                None => Consent::default(),
            };
            if [known.state, narrow.state].contains(&ConsentState::Revoked) {
                return Err(ConsentError::OptedOut);
            }
        }
        let now = ctx.now();
        let id: ConsentEventId = ctx.id();
        let scope = extent.scope.to_string();
        let context = (extent.context != ConsentContext::default()).then(|| json_text(&extent.context)).transpose()?;
        let occurred_at = event.occurred_at.min(now);
        let link = self.next_link(
            workspace_id,
            &Link {
                id,
                medium: event.medium.as_str(),
                address: &event.address,
                purpose: event.purpose.as_str(),
                action: event.action.as_str(),
                method: event.method.as_str(),
                scope: &scope,
                wording: wording.as_deref(),
                proof: proof.as_deref(),
                context: context.as_deref(),
                actor: &event.actor,
                occurred_at,
                recorded_at: now,
                expires_at: extent.expires_at,
            },
        )?;
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
                &occurred_at,
                &now,
                &scope,
                &extent.expires_at,
                &context,
                &link.seq,
                &link.previous_hash,
                &link.hash,
            ],
        )?;
        let consent = self.compute_consent(workspace_id, event.medium, &event.address, event.purpose, &extent.scope)?;
        // A no that is told late, and after which the person has said yes, ends nothing.
        let ends = event.action.is_no() && consent.state == ConsentState::Revoked;
        if ends && event.purpose == Purpose::Marketing && extent.scope == Scope::All {
            for (address, _) in self.phones_beside(workspace_id, &event.address)? {
                self.cancel_waiting_marketing(workspace_id, &address, "opted_out")?;
            }
        }
        if let (true, Purpose::Marketing, Scope::Programme(id)) = (event.action.is_no(), event.purpose, &extent.scope) {
            self.cancel_waiting_of_programme(workspace_id, &event.address, *id)?;
        }
        // What a file or a program claims may be the former owner's yes.
        let is_own = Origin::of(event.action, event.method) == Origin::OwnAct;
        if event.action.is_yes() && is_own && consent.state == ConsentState::Granted {
            self.lift_deactivation(workspace_id, &event.address, now)?;
        }
        Ok(consent)
    }

    /// Records the end of consents that were given for a time only and have run out. Gives how many there were; call it
    /// again when there were many.
    ///
    /// # Errors
    /// When the store fails.
    pub fn expire_consents(&mut self, workspace_id: WorkspaceId, ctx: &Ctx) -> Result<usize, ConsentError> {
        let due = self.query(&EXPIRED_CONSENTS, &[&workspace_id, &ctx.now()], |row| {
            Ok((row.word::<Medium>()?, row.next::<String>()?, row.word::<Purpose>()?))
        })?;
        for (medium, address, purpose) in &due {
            let event = NewConsentEvent {
                medium: *medium,
                address: address.clone(),
                purpose: *purpose,
                action: ConsentAction::Expire,
                method: ConsentMethod::Api,
                wording: None,
                proof: None,
                actor: "system".to_owned(),
                occurred_at: ctx.now(),
            };
            self.record_consent(workspace_id, &event, ctx)?;
        }
        Ok(due.len() + self.expire_template_consents(workspace_id, ctx)?)
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
            self.query_opt(&CONSENT, &[&workspace_id, &medium.as_str(), &address, &purpose.as_str()], read_state)?;
        Ok(found.unwrap_or_default())
    }

    /// The state of consent for what comes from a number or name of ours: a STOP that was meant for this sender only, on
    /// whichever of its accounts it came in, counts beside one for everything, and where nothing was said of everything.
    ///
    /// # Errors
    /// When the store fails.
    pub fn consent_state_from(
        &mut self,
        workspace_id: WorkspaceId,
        medium: Medium,
        address: &str,
        purpose: Purpose,
        sender: &str,
    ) -> Result<Consent, StoreError> {
        let found = self.query_opt(
            &CONSENT_FROM,
            &[&workspace_id, &medium.as_str(), &address, &purpose.as_str(), &sender],
            |row| {
                let consent = read_state(row)?;
                let revoked: bool = row.next()?;
                Ok(if revoked { Consent { state: ConsentState::Revoked, ..consent } } else { consent })
            },
        )?;
        Ok(found.unwrap_or_default())
    }

    /// What the entries about one sender or programme amount to.
    ///
    /// # Errors
    /// When the store fails.
    pub fn scoped_consent_state(
        &mut self,
        workspace_id: WorkspaceId,
        medium: Medium,
        address: &str,
        purpose: Purpose,
        scope_id: Uuid,
    ) -> Result<Consent, StoreError> {
        let key: [&dyn crate::Bind; 5] = [&workspace_id, &medium.as_str(), &address, &purpose.as_str(), &scope_id];
        let found = self.query_opt(&SCOPED_CONSENT, &key, |row| {
            Ok(Consent { state: row.word()?, since: row.next()?, expires_at: None })
        })?;
        Ok(found.unwrap_or_default())
    }

    /// All states of an address.
    ///
    /// # Errors
    /// When the store fails.
    pub fn consent_states(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
    ) -> Result<Vec<(Medium, Purpose, Consent)>, StoreError> {
        self.query(&CONSENT_STATES, &[&workspace_id, &address], |row| Ok((row.word()?, row.word()?, read_state(row)?)))
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

    /// The last yes or no that the address texted on this medium, and when that was recorded.
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

    /// Ends promotional messages to the address that have not left, and what programmes ask and tell it, on every channel.
    /// What may have left with an earlier attempt stays in doubt. Gives how many.
    ///
    /// # Errors
    /// When the store fails.
    pub fn cancel_waiting_marketing(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
        rule: &str,
    ) -> Result<u64, StoreError> {
        let keys: &[&dyn crate::Bind] = &[&workspace_id, &address, &rule, &NOT_SENT_AGAIN];
        let of_campaigns = self.query(&CANCEL_WAITING_OF_CAMPAIGNS, keys, read_ended)?;
        self.tally_ended(workspace_id, &of_campaigns);
        Ok(of_campaigns.len() as u64 + self.execute(&CANCEL_WAITING_MARKETING, keys)?)
    }

    /// Puts an address on the suppression list by the product's own hand; see [`Tx::put_suppression`].
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
        let entry = Suppression {
            address: address.to_owned(),
            reason: reason.to_owned(),
            source: SuppressionSource::Manual,
            actor: None,
            created_at: now,
        };
        self.put_suppression(workspace_id, &entry)
    }

    /// Whether the address is on the suppression list.
    ///
    /// # Errors
    /// When the store fails.
    pub fn is_suppressed(&mut self, workspace_id: WorkspaceId, address: &str) -> Result<bool, StoreError> {
        Ok(self.query_opt(&SUPPRESSED, &[&workspace_id, &address], |row| row.next::<String>())?.is_some())
    }
}
