//! What the ledger of consent amounts to, address by address.
//!
//! Invariants:
//! - `consents` and `scoped_consents` are computed from the ledger alone and can be rebuilt from it at any time.
//! - Phone numbers of one contact are one person's: a no at one of them counts at each ([`Consent::beside`]). Nothing is
//!   written into the ledger for that, so numbers that part again each have what was said for them. Who gives a number to
//!   a contact or takes it away has the states computed anew in the same transaction.
//! - A programme is joined and left with a number: what is said of it counts for that number alone.

use segue_model::{
    ContactId, ImportId, Timestamp, WorkspaceId,
    consent::{
        Consent, ConsentAction, ConsentFact, ConsentMethod, ConsentState, Evidence, Medium, Origin, Purpose, Scope,
    },
    id::Id as _,
};

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{StoreError, Tx, consent::read_scope, import_change::import_of};

crate::sql! {
    CONSENT_FACTS = "SELECT action, method, wording IS NOT NULL, proof, occurred_at, expires_at
        FROM consent_events
        WHERE workspace_id = $1 AND address = $2 AND medium = $3 AND purpose = $4 AND scope = $5";
    PUT_CONSENT = "INSERT INTO consents (workspace_id, medium, address, purpose, state, since, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (workspace_id, medium, address, purpose) DO UPDATE SET state = excluded.state,
            since = excluded.since, expires_at = excluded.expires_at";
    PUT_SCOPED_CONSENT = "INSERT INTO scoped_consents (workspace_id, medium, address, purpose, scope_id, state, since,
            scope, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (workspace_id, address, scope_id, medium, purpose) DO UPDATE SET state = excluded.state,
            since = excluded.since, scope = excluded.scope, expires_at = excluded.expires_at";
    /// Of an address of which nothing is left to say.
    FORGET_CONSENT = "DELETE FROM consents WHERE workspace_id = $1 AND medium = $2 AND address = $3 AND purpose = $4";
    FORGET_SCOPED_CONSENT = "DELETE FROM scoped_consents
        WHERE workspace_id = $1 AND medium = $2 AND address = $3 AND purpose = $4 AND scope_id = $5";
    IS_HELD = "SELECT COUNT(*) FROM consent_holds WHERE workspace_id = $1 AND address = $2";
    CLEAR_CONSENTS = "DELETE FROM consents WHERE workspace_id = $1";
    CLEAR_SCOPED_CONSENTS = "DELETE FROM scoped_consents WHERE workspace_id = $1";
    CLEAR_CONSENTS_OF = "DELETE FROM consents
        WHERE workspace_id = $1 AND medium IN ('sms', 'whatsapp') AND address = $2";
    CLEAR_SCOPED_CONSENTS_OF = "DELETE FROM scoped_consents WHERE workspace_id = $1 AND address = $2";
    CONSENT_KEYS = "SELECT DISTINCT medium, address, purpose, scope FROM consent_events WHERE workspace_id = $1";
    CONSENT_KEYS_OF = "SELECT DISTINCT medium, purpose, scope FROM consent_events WHERE workspace_id = $1 AND address = $2";
    /// The contact that has a number, when it has others besides.
    OWNER_OF_SEVERAL = "SELECT a.contact_id FROM contact_addresses a
        WHERE a.workspace_id = $1 AND a.kind = 'phone' AND a.address = $2
        UNION ALL SELECT c.id FROM contacts c WHERE c.workspace_id = $1 AND c.phone = $2
            AND EXISTS (SELECT 1 FROM contact_addresses o WHERE o.workspace_id = $1 AND o.contact_id = c.id
                AND o.kind = 'phone')";
    PHONES_OF_CONTACT = "SELECT phone, priority, added_at FROM (
            SELECT c.phone AS phone, 0 AS priority, 0 AS added_at FROM contacts c
            WHERE c.workspace_id = $1 AND c.id = $2 AND c.phone IS NOT NULL
            UNION ALL SELECT a.address, a.priority, a.added_at FROM contact_addresses a
            WHERE a.workspace_id = $1 AND a.contact_id = $2 AND a.kind = 'phone'
                AND NOT EXISTS (SELECT 1 FROM contacts o WHERE o.workspace_id = $1 AND o.id = $2 AND o.phone = a.address)) p
        ORDER BY priority, phone";
}

/// The key of a scope: the id of its sender or programme, else one that follows from its text. `None` for everything.
pub(crate) fn scope_id(scope: &Scope) -> Option<Uuid> {
    match scope {
        Scope::All => None,
        Scope::Sender(id) => Some(id.uuid()),
        Scope::Programme(id) => Some(id.uuid()),
        Scope::Category(_) | Scope::Template(_) => {
            let digest: [u8; 32] = Sha256::digest(scope.to_string()).into();
            let (half, _) = digest.split_at(16);
            half.try_into().map(Uuid::from_bytes).ok()
        }
    }
}

/// What was said for one number, if some imports had claimed nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithoutClaims {
    pub consent: Consent,
    /// When the opt-ins end that these imports claimed; `None` for one without an end.
    pub claimed_until: Vec<Option<Timestamp>>,
}

/// What was said for one number of a person.
struct Said {
    address: String,
    consent: Consent,
    /// When the person last said yes themselves.
    own_yes: Option<Timestamp>,
    /// Since when the number is known to be this person's.
    added_at: Timestamp,
}

impl Tx<'_> {
    /// A contact's phone numbers with the moment since which each is known to be this person's: its own first (which
    /// always was), then further ones by priority.
    ///
    /// # Errors
    /// When the store fails.
    pub fn phones_of_contact(
        &mut self,
        workspace_id: WorkspaceId,
        id: ContactId,
    ) -> Result<Vec<(String, Timestamp)>, StoreError> {
        self.query(&PHONES_OF_CONTACT, &[&workspace_id, &id], |row| {
            let (phone, _): (String, i64) = (row.next()?, row.next()?);
            Ok((phone, row.next()?))
        })
    }

    /// The numbers of whoever has this one: it alone, unless a contact has it among others.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn phones_beside(
        &mut self,
        workspace_id: WorkspaceId,
        address: &str,
    ) -> Result<Vec<(String, Timestamp)>, StoreError> {
        match self.query_opt(&OWNER_OF_SEVERAL, &[&workspace_id, &address], |row| row.next::<ContactId>())? {
            Some(owner) => self.phones_of_contact(workspace_id, owner),
            None => Ok(vec![(address.to_owned(), Timestamp(0))]),
        }
    }

    /// Whether something that this address wrote has to be read by a person before it gets more marketing.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn is_consent_held(&mut self, workspace_id: WorkspaceId, address: &str) -> Result<bool, StoreError> {
        Ok(self.query_one(&IS_HELD, &[&workspace_id, &address], |row| row.next::<i64>())? > 0)
    }

    /// Folds the ledger of one key and stores what it amounts to, for the address and for those of the same person.
    pub(crate) fn compute_consent(
        &mut self,
        workspace_id: WorkspaceId,
        medium: Medium,
        address: &str,
        purpose: Purpose,
        scope: &Scope,
    ) -> Result<Consent, StoreError> {
        let phones = match scope {
            Scope::Programme(_) => vec![(address.to_owned(), Timestamp(0))],
            Scope::All | Scope::Sender(_) | Scope::Category(_) | Scope::Template(_) => {
                self.phones_beside(workspace_id, address)?
            }
        };
        let mut all = Vec::with_capacity(phones.len());
        for (phone, added_at) in phones {
            all.push(self.said(workspace_id, medium, (phone, added_at), purpose, scope)?);
        }
        let can_be_held = purpose == Purpose::Marketing
            && *scope == Scope::All
            && all.iter().any(|said| said.consent.state == ConsentState::Granted);
        let mut held = 0;
        for said in all.iter().filter(|_| can_be_held) {
            held += i64::from(self.is_consent_held(workspace_id, &said.address)?);
        }
        let mut asked = Consent::default();
        for said in &all {
            let others = all.iter().filter(|other| other.address != said.address);
            let others = others.map(|other| (other.consent, other.added_at.max(said.added_at)));
            let mut consent = said.consent.beside(said.own_yes, others);
            if held > 0 && consent.state == ConsentState::Granted {
                consent.state = ConsentState::InReview;
            }
            self.put_consent(workspace_id, medium, &said.address, purpose, scope, &consent)?;
            if said.address == address {
                asked = consent;
            }
        }
        Ok(asked)
    }

    /// When the person last said yes themselves with this address.
    pub(crate) fn own_yes(
        &mut self,
        workspace_id: WorkspaceId,
        medium: Medium,
        address: &str,
        purpose: Purpose,
        scope: &Scope,
    ) -> Result<Option<Timestamp>, StoreError> {
        let said = self.said(workspace_id, medium, (address.to_owned(), Timestamp(0)), purpose, scope)?;
        Ok(said.own_yes)
    }

    fn said(
        &mut self,
        workspace_id: WorkspaceId,
        medium: Medium,
        (address, added_at): (String, Timestamp),
        purpose: Purpose,
        scope: &Scope,
    ) -> Result<Said, StoreError> {
        let key: [&dyn crate::Bind; 5] =
            [&workspace_id, &address, &medium.as_str(), &purpose.as_str(), &scope.to_string()];
        let facts = self.facts(&key)?;
        let own_yes = facts.iter().filter(|fact| fact.is_own_yes()).map(|fact| fact.occurred_at).max();
        Ok(Said { address, consent: Consent::of(facts), own_yes, added_at })
    }

    fn facts(&mut self, key: &[&dyn crate::Bind; 5]) -> Result<Vec<ConsentFact>, StoreError> {
        self.query(&CONSENT_FACTS, key, |row| {
            let (action, method) = (row.word()?, row.word()?);
            let (has_wording, proof): (bool, Option<String>) = (row.next()?, row.next()?);
            Ok(ConsentFact {
                action,
                // Only an undo takes back what an import claimed; a correction by hand is an end like any other.
                import: proof
                    .as_deref()
                    .filter(|_| action != ConsentAction::Correct || method == ConsentMethod::ImportUndo)
                    .and_then(|proof| import_of(method, proof)),
                evidence: if has_wording || proof.is_some() { Evidence::Present } else { Evidence::Missing },
                origin: Origin::of(action, method),
                occurred_at: row.next()?,
                expires_at: row.next()?,
            })
        })
    }

    /// What was said of everything for this address alone, whatever the person said at another one, and without what
    /// these imports claimed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn own_consent_without(
        &mut self,
        workspace_id: WorkspaceId,
        medium: Medium,
        address: &str,
        purpose: Purpose,
        imports: &[ImportId],
    ) -> Result<WithoutClaims, StoreError> {
        let scope = Scope::All.to_string();
        let mut facts = self.facts(&[&workspace_id, &address, &medium.as_str(), &purpose.as_str(), &scope])?;
        let is_claim = |fact: &ConsentFact| fact.is_yes() && fact.import.is_some_and(|id| imports.contains(&id));
        let claimed_until = facts.iter().filter(|fact| is_claim(fact)).map(|fact| fact.expires_at).collect();
        facts.retain(|fact| !is_claim(fact));
        Ok(WithoutClaims { consent: Consent::of(facts), claimed_until })
    }

    fn put_consent(
        &mut self,
        workspace_id: WorkspaceId,
        medium: Medium,
        address: &str,
        purpose: Purpose,
        scope: &Scope,
        consent: &Consent,
    ) -> Result<(), StoreError> {
        let (medium, purpose, state) = (medium.as_str(), purpose.as_str(), consent.state.as_str());
        let scope_id = scope_id(scope);
        let Some(since) = consent.since else {
            // It had what another number of the same person said, who has taken that back.
            match scope_id {
                None => self.execute(&FORGET_CONSENT, &[&workspace_id, &medium, &address, &purpose])?,
                Some(id) => self.execute(&FORGET_SCOPED_CONSENT, &[&workspace_id, &medium, &address, &purpose, &id])?,
            };
            return Ok(());
        };
        match scope_id {
            None => self.execute(
                &PUT_CONSENT,
                &[&workspace_id, &medium, &address, &purpose, &state, &since, &consent.expires_at],
            )?,
            Some(id) => {
                // Senders and programmes are known by their id.
                let words = scope.is_of_templates().then(|| scope.to_string());
                let expires_at = consent.expires_at.filter(|_| scope.is_of_templates());
                let keys: &[&dyn crate::Bind] =
                    &[&workspace_id, &medium, &address, &purpose, &id, &state, &since, &words, &expires_at];
                self.execute(&PUT_SCOPED_CONSENT, keys)?
            }
        };
        Ok(())
    }

    /// Computes the state of marketing on all media anew, after a review was opened or decided.
    pub(crate) fn compute_marketing(&mut self, workspace_id: WorkspaceId, address: &str) -> Result<(), StoreError> {
        for medium in Medium::ALL {
            self.compute_consent(workspace_id, *medium, address, Purpose::Marketing, &Scope::All)?;
        }
        Ok(())
    }

    /// Computes all states of numbers anew, after a contact got or lost one of them. Promotional messages that wait for
    /// a number which may no longer have them are held back by the last look before they leave.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn compute_consents_of(
        &mut self,
        workspace_id: WorkspaceId,
        addresses: &[String],
    ) -> Result<(), StoreError> {
        self.lock_consents(workspace_id)?;
        let mut persons: Vec<String> = Vec::new();
        for address in addresses {
            for (phone, _) in self.phones_beside(workspace_id, address)? {
                if !persons.contains(&phone) {
                    persons.push(phone);
                }
            }
        }
        for address in &persons {
            self.execute(&CLEAR_CONSENTS_OF, &[&workspace_id, address])?;
            self.execute(&CLEAR_SCOPED_CONSENTS_OF, &[&workspace_id, address])?;
        }
        for address in &persons {
            let keys = self.query(&CONSENT_KEYS_OF, &[&workspace_id, address], |row| {
                Ok((row.word::<Medium>()?, row.word::<Purpose>()?, read_scope(row)?))
            })?;
            for (medium, purpose, scope) in keys {
                self.compute_consent(workspace_id, medium, address, purpose, &scope)?;
            }
        }
        Ok(())
    }

    /// Computes all states of the workspace from the ledger. Gives how many keys there are.
    ///
    /// # Errors
    /// When the store fails.
    pub fn rebuild_consents(&mut self, workspace_id: WorkspaceId) -> Result<usize, StoreError> {
        self.lock_consents(workspace_id)?;
        self.execute(&CLEAR_CONSENTS, &[&workspace_id])?;
        self.execute(&CLEAR_SCOPED_CONSENTS, &[&workspace_id])?;
        let keys = self.query(&CONSENT_KEYS, &[&workspace_id], |row| {
            Ok((row.word::<Medium>()?, row.next::<String>()?, row.word::<Purpose>()?, read_scope(row)?))
        })?;
        for (medium, address, purpose, scope) in &keys {
            self.compute_consent(workspace_id, *medium, address, *purpose, scope)?;
        }
        Ok(keys.len())
    }
}
