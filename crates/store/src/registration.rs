//! Registrations of brands, campaigns, numbers and names, with the history of each, and which senders they belong to.
//!
//! A step and its entry in the history are one transaction, conditional on the state that was seen: of two people who
//! record a decision at once, one is told that it has changed.

use segue_model::{
    ChannelId, Ctx, RegistrationId, SenderId, Timestamp, WorkspaceId,
    registration::{Rates, Registered, RegistrationKind, RegistrationState},
    sender::{SenderAlphabet, SenderFacts},
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    Row, StoreError, Tx,
    channel::{Registration, Sender},
    tx::json_text,
};

/// A registration as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = SenderRegistration)]
pub struct RegistrationView {
    pub id: RegistrationId,
    pub kind: RegistrationKind,
    pub name: String,
    /// ISO 3166-1; none: every country that asks for this kind.
    pub country: Option<String>,
    /// The brand that a campaign belongs to.
    pub parent_id: Option<RegistrationId>,
    /// Its id at the registry.
    pub reference: Option<String>,
    pub state: RegistrationState,
    /// What was or will be submitted: use case, sample texts, opt-in flow, and whatever the registry asks for.
    pub details: Value,
    /// The last note: why it was rejected, what is still missing.
    pub note: Option<String>,
    pub submitted_at: Option<Timestamp>,
    pub decided_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    pub created_at: Timestamp,
    /// Most segments in a minute, over all of its numbers, such as AT&T's limit for a campaign's class.
    pub segments_per_minute: Option<u32>,
    /// Most segments in a day of the carriers, such as T-Mobile's limit for a brand.
    pub segments_per_day: Option<u32>,
}

impl RegistrationView {
    /// It as the decision about a message needs it.
    #[must_use]
    pub fn registered(&self) -> Registered {
        let Self { id, kind, name, country, state, expires_at, .. } = self.clone();
        let rates = Rates { per_minute: self.segments_per_minute, per_day: self.segments_per_day };
        Registered { id, kind, name, country, state, expires_at, rates }
    }
}

/// What a person writes about a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationInput {
    pub name: String,
    pub country: Option<String>,
    pub parent_id: Option<RegistrationId>,
    pub reference: Option<String>,
    pub details: Value,
    pub expires_at: Option<Timestamp>,
}

/// One step of a registration's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RegistrationEvent {
    pub state: RegistrationState,
    pub note: Option<String>,
    pub actor: String,
    pub at: Timestamp,
}

/// A step to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationStep {
    pub from: RegistrationState,
    pub to: RegistrationState,
    pub note: Option<String>,
    pub expires_at: Option<Timestamp>,
    /// See [`segue_model::actor::Actor::reference`].
    pub actor: String,
}

crate::sql! {
    INSERT_REGISTRATION = "INSERT INTO registrations (workspace_id, id, kind, name, country, parent_id, reference, state,
            details, expires_at, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'draft', $8, $9, $10)";
    UPDATE_REGISTRATION = "UPDATE registrations SET name = $3, country = $4, parent_id = $5, reference = $6, details = $7,
            expires_at = $8 WHERE workspace_id = $1 AND id = $2";
    STEP_REGISTRATION = "UPDATE registrations SET state = $4, note = $5,
            submitted_at = CASE WHEN $4 = 'submitted' THEN CAST($6 AS BIGINT) ELSE submitted_at END,
            decided_at = CASE WHEN $4 IN ('approved', 'rejected', 'expired') THEN CAST($6 AS BIGINT) ELSE decided_at END,
            expires_at = CASE WHEN $4 = 'submitted' THEN NULL ELSE COALESCE(CAST($7 AS BIGINT), expires_at) END
        WHERE workspace_id = $1 AND id = $2 AND state = $3";
    INSERT_REGISTRATION_EVENT = "INSERT INTO registration_events (workspace_id, registration_id, id, state, note, actor,
            at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    REGISTRATIONS = "SELECT id, kind, name, country, parent_id, reference, state, details, note, submitted_at, decided_at,
            expires_at, created_at, segments_per_minute, segments_per_day FROM registrations WHERE workspace_id = $1 ORDER BY id";
    REGISTRATION = "SELECT id, kind, name, country, parent_id, reference, state, details, note, submitted_at, decided_at,
            expires_at, created_at, segments_per_minute, segments_per_day FROM registrations WHERE workspace_id = $1 AND id = $2";
    RUN_OUT_REGISTRATIONS = "SELECT id FROM registrations
        WHERE workspace_id = $1 AND state = 'approved' AND expires_at <= $2 ORDER BY id";
    REGISTRATION_EVENTS = "SELECT state, note, actor, at FROM registration_events
        WHERE workspace_id = $1 AND registration_id = $2 ORDER BY id";
    UNLINK_SENDER = "DELETE FROM sender_registrations WHERE workspace_id = $1 AND sender_id = $2";
    LINK_SENDER = "INSERT INTO sender_registrations (workspace_id, sender_id, registration_id) VALUES ($1, $2, $3)
        ON CONFLICT (workspace_id, sender_id, registration_id) DO NOTHING";
    SENDER_LINKS = "SELECT sender_id, registration_id FROM sender_registrations WHERE workspace_id = $1
        ORDER BY sender_id, registration_id";
    SET_RATES = "UPDATE registrations SET segments_per_minute = $3, segments_per_day = $4
        WHERE workspace_id = $1 AND id = $2";
    SET_SENDER_RATE = "UPDATE senders SET segments_per_second = $3 WHERE workspace_id = $1 AND id = $2";
    SENDER_RATES = "SELECT id, segments_per_second FROM senders
        WHERE workspace_id = $1 AND segments_per_second IS NOT NULL ORDER BY id";
    SET_SENDER = "UPDATE senders SET registration = $3, countries = $4 WHERE workspace_id = $1 AND id = $2";
    SENDER_ALPHABETS = "SELECT id, alphabet FROM senders WHERE workspace_id = $1 AND alphabet <> 'any' ORDER BY id";
    SET_SENDER_ALPHABET = "UPDATE senders SET alphabet = $3 WHERE workspace_id = $1 AND id = $2";
    SENDER_COUNTRIES = "SELECT id, countries FROM senders WHERE workspace_id = $1 ORDER BY id";
    COUNTRIES_OF_SENDER = "SELECT countries, segments_per_second, hours, alphabet FROM senders WHERE workspace_id = $1 AND id = $2";
    SENDER_OF_ADDRESS = "SELECT id, registration, kind, countries, segments_per_second, hours, alphabet FROM senders
        WHERE workspace_id = $1 AND channel_id = $2 AND address = $3";
    REGISTERED_FOR = "SELECT r.id, r.kind, r.name, r.country, r.state, r.expires_at, r.segments_per_minute,
            r.segments_per_day
            FROM sender_registrations l
            JOIN registrations r ON r.workspace_id = l.workspace_id AND r.id = l.registration_id
            WHERE l.workspace_id = $1 AND l.sender_id = $2
        UNION SELECT p.id, p.kind, p.name, p.country, p.state, p.expires_at, p.segments_per_minute,
            p.segments_per_day FROM sender_registrations l
            JOIN registrations r ON r.workspace_id = l.workspace_id AND r.id = l.registration_id
            JOIN registrations p ON p.workspace_id = r.workspace_id AND p.id = r.parent_id
            WHERE l.workspace_id = $1 AND l.sender_id = $2";
}

fn read_registration(row: &mut Row<'_>) -> Result<RegistrationView, StoreError> {
    Ok(RegistrationView {
        id: row.next()?,
        kind: row.word()?,
        name: row.next()?,
        country: row.next()?,
        parent_id: row.next()?,
        reference: row.next()?,
        state: row.word()?,
        details: row.json()?,
        note: row.next()?,
        submitted_at: row.next()?,
        decided_at: row.next()?,
        expires_at: row.next()?,
        created_at: row.next()?,
        segments_per_minute: row.next()?,
        segments_per_day: row.next()?,
    })
}

impl Tx<'_> {
    /// Adds a draft of a registration.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_registration(
        &mut self,
        workspace_id: WorkspaceId,
        kind: RegistrationKind,
        input: &RegistrationInput,
        actor: &str,
        ctx: &Ctx,
    ) -> Result<RegistrationId, StoreError> {
        let (id, now) = (ctx.id::<RegistrationId>(), ctx.now());
        let details = json_text(&input.details)?;
        self.execute(
            &INSERT_REGISTRATION,
            &[
                &workspace_id,
                &id,
                &kind.as_str(),
                &input.name,
                &input.country,
                &input.parent_id,
                &input.reference,
                &details,
                &input.expires_at,
                &now,
            ],
        )?;
        self.note_step(workspace_id, id, RegistrationState::Draft, None, actor, ctx)?;
        Ok(id)
    }

    /// Changes what is written about a registration. `false` when there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn update_registration(
        &mut self,
        workspace_id: WorkspaceId,
        id: RegistrationId,
        input: &RegistrationInput,
    ) -> Result<bool, StoreError> {
        let details = json_text(&input.details)?;
        let changed = self.execute(
            &UPDATE_REGISTRATION,
            &[
                &workspace_id,
                &id,
                &input.name,
                &input.country,
                &input.parent_id,
                &input.reference,
                &details,
                &input.expires_at,
            ],
        )?;
        Ok(changed == 1)
    }

    /// Records a step and its entry in the history. `false` when the registration is no longer in the state it came from.
    ///
    /// # Errors
    /// When the store fails.
    pub fn step_registration(
        &mut self,
        workspace_id: WorkspaceId,
        id: RegistrationId,
        step: &RegistrationStep,
        ctx: &Ctx,
    ) -> Result<bool, StoreError> {
        let changed = self.execute(
            &STEP_REGISTRATION,
            &[&workspace_id, &id, &step.from.as_str(), &step.to.as_str(), &step.note, &ctx.now(), &step.expires_at],
        )?;
        if changed == 1 {
            self.note_step(workspace_id, id, step.to, step.note.as_deref(), &step.actor, ctx)?;
        }
        Ok(changed == 1)
    }

    fn note_step(
        &mut self,
        workspace_id: WorkspaceId,
        id: RegistrationId,
        state: RegistrationState,
        note: Option<&str>,
        actor: &str,
        ctx: &Ctx,
    ) -> Result<(), StoreError> {
        let entry = ctx.uuid();
        let (word, now) = (state.as_str(), ctx.now());
        self.execute(&INSERT_REGISTRATION_EVENT, &[&workspace_id, &id, &entry, &word, &note, &actor, &now]).map(|_| ())
    }

    /// The registrations of a workspace, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn registrations(&mut self, workspace_id: WorkspaceId) -> Result<Vec<RegistrationView>, StoreError> {
        self.query(&REGISTRATIONS, &[&workspace_id], read_registration)
    }

    /// One registration.
    ///
    /// # Errors
    /// When the store fails.
    pub fn registration(
        &mut self,
        workspace_id: WorkspaceId,
        id: RegistrationId,
    ) -> Result<Option<RegistrationView>, StoreError> {
        self.query_opt(&REGISTRATION, &[&workspace_id, &id], read_registration)
    }

    /// Records the end of approvals that have run out. They count for nothing from that moment on, whether or not this
    /// has been called: it is for the history.
    ///
    /// # Errors
    /// When the store fails.
    pub fn expire_registrations(&mut self, workspace_id: WorkspaceId, ctx: &Ctx) -> Result<(), StoreError> {
        let run_out = self.query(&RUN_OUT_REGISTRATIONS, &[&workspace_id, &ctx.now()], |row| row.next())?;
        for id in run_out {
            let step = RegistrationStep {
                from: RegistrationState::Approved,
                to: RegistrationState::Expired,
                note: None,
                expires_at: None,
                actor: "system".to_owned(),
            };
            self.step_registration(workspace_id, id, &step, ctx)?;
        }
        Ok(())
    }

    /// What happened to a registration, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn registration_events(
        &mut self,
        workspace_id: WorkspaceId,
        id: RegistrationId,
    ) -> Result<Vec<RegistrationEvent>, StoreError> {
        self.query(&REGISTRATION_EVENTS, &[&workspace_id, &id], |row| {
            Ok(RegistrationEvent { state: row.word()?, note: row.next()?, actor: row.next()?, at: row.next()? })
        })
    }

    /// Gives a sender these registrations and no others.
    ///
    /// # Errors
    /// When the store fails.
    pub fn link_sender(
        &mut self,
        workspace_id: WorkspaceId,
        sender_id: SenderId,
        registrations: &[RegistrationId],
    ) -> Result<(), StoreError> {
        self.execute(&UNLINK_SENDER, &[&workspace_id, &sender_id])?;
        for id in registrations {
            self.execute(&LINK_SENDER, &[&workspace_id, &sender_id, id])?;
        }
        Ok(())
    }

    /// Which registrations belong to which sender.
    ///
    /// # Errors
    /// When the store fails.
    pub fn sender_links(&mut self, workspace_id: WorkspaceId) -> Result<Vec<(SenderId, RegistrationId)>, StoreError> {
        self.query(&SENDER_LINKS, &[&workspace_id], |row| Ok((row.next()?, row.next()?)))
    }

    /// Stores how many segments may leave under a registration; none: no limit.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_rates(&mut self, workspace_id: WorkspaceId, id: RegistrationId, rates: Rates) -> Result<(), StoreError> {
        let Rates { per_minute, per_day } = rates;
        self.execute(&SET_RATES, &[&workspace_id, &id, &per_minute, &per_day]).map(|_| ())
    }

    /// Stores how many segments may leave from a sender in a second; none: no limit of its own.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_sender_rate(
        &mut self,
        workspace_id: WorkspaceId,
        id: SenderId,
        segments_per_second: Option<u32>,
    ) -> Result<(), StoreError> {
        self.execute(&SET_SENDER_RATE, &[&workspace_id, &id, &segments_per_second]).map(|_| ())
    }

    /// The limits of their own that senders have, in segments a second.
    ///
    /// # Errors
    /// When the store fails.
    pub fn sender_rates(&mut self, workspace_id: WorkspaceId) -> Result<Vec<(SenderId, u32)>, StoreError> {
        self.query(&SENDER_RATES, &[&workspace_id], |row| Ok((row.next()?, row.next()?)))
    }

    /// Stores whether a sender may send at all, and to which countries. `false` when there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_sender(
        &mut self,
        workspace_id: WorkspaceId,
        id: SenderId,
        registration: Registration,
        countries: &[String],
    ) -> Result<bool, StoreError> {
        let countries = json_text(&countries)?;
        Ok(self.execute(&SET_SENDER, &[&workspace_id, &id, &registration.as_str(), &countries])? == 1)
    }

    /// The countries each sender may send to; none: all.
    ///
    /// # Errors
    /// When the store fails.
    pub fn sender_countries(&mut self, workspace_id: WorkspaceId) -> Result<Vec<(SenderId, Vec<String>)>, StoreError> {
        self.query(&SENDER_COUNTRIES, &[&workspace_id], |row| Ok((row.next()?, row.json()?)))
    }

    /// The senders that take only some characters.
    ///
    /// # Errors
    /// When the store fails.
    pub fn sender_alphabets(
        &mut self,
        workspace_id: WorkspaceId,
    ) -> Result<Vec<(SenderId, SenderAlphabet)>, StoreError> {
        self.query(&SENDER_ALPHABETS, &[&workspace_id], |row| Ok((row.next()?, row.word()?)))
    }

    /// Sets which characters may leave from a sender. `false` when there is no such sender.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_sender_alphabet(
        &mut self,
        workspace_id: WorkspaceId,
        id: SenderId,
        alphabet: SenderAlphabet,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&SET_SENDER_ALPHABET, &[&workspace_id, &id, &alphabet.as_str()])? == 1)
    }

    /// What is registered for a sender, brands of its campaigns included.
    ///
    /// # Errors
    /// When the store fails.
    pub fn registered_for(
        &mut self,
        workspace_id: WorkspaceId,
        sender_id: SenderId,
    ) -> Result<Vec<Registered>, StoreError> {
        self.query(&REGISTERED_FOR, &[&workspace_id, &sender_id], |row| {
            Ok(Registered {
                id: row.next()?,
                kind: row.word()?,
                name: row.next()?,
                country: row.next()?,
                state: row.word()?,
                expires_at: row.next()?,
                rates: Rates { per_minute: row.next()?, per_day: row.next()? },
            })
        })
    }

    /// What decides where a sender may send.
    ///
    /// # Errors
    /// When the store fails.
    pub fn facts_of_sender(&mut self, workspace_id: WorkspaceId, sender: &Sender) -> Result<SenderFacts, StoreError> {
        let found = self.query_opt(&COUNTRIES_OF_SENDER, &[&workspace_id, &sender.id], |row| {
            Ok((row.json::<Vec<String>>()?, row.next::<Option<u32>>()?, row.optional_json()?, Some(row.word()?)))
        })?;
        let (countries, per_second, hours, alphabet) = found.unwrap_or_default();
        let registered = self.registered_for(workspace_id, sender.id)?;
        let facts = SenderFacts::new(sender.kind, &sender.address, countries, registered);
        let alphabet = alphabet.unwrap_or(SenderAlphabet::Any);
        Ok(facts.at_most(sender.id, per_second).within(hours).writing(alphabet))
    }

    /// What decides whether the sender with this address may send; `None` when there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn sender_facts(
        &mut self,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        address: &str,
    ) -> Result<Option<(Registration, SenderFacts)>, StoreError> {
        let found = self.query_opt(&SENDER_OF_ADDRESS, &[&workspace_id, &channel_id, &address], |row| {
            let id = row.next::<SenderId>()?;
            let (registration, kind) = (row.word()?, row.word()?);
            let limits = (row.json::<Vec<String>>()?, row.next::<Option<u32>>()?, row.optional_json()?, row.word()?);
            Ok((id, registration, kind, limits))
        })?;
        let Some((id, registration, kind, (countries, per_second, hours, alphabet))) = found else { return Ok(None) };
        let registered = self.registered_for(workspace_id, id)?;
        let facts = SenderFacts::new(kind, address, countries, registered);
        let facts = facts.at_most(id, per_second).within(hours).writing(alphabet);
        Ok(Some((registration, facts)))
    }
}
