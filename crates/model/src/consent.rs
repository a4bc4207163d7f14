//! Consent: an append-only ledger and the state it amounts to.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

crate::text_enum! {
    /// The medium a consent speaks of.
    pub enum Medium {
        Sms = "sms",
        WhatsApp = "whatsapp",
    }
}

crate::text_enum! {
    /// What the messages are for.
    pub enum Purpose {
        Marketing = "marketing",
        Service = "service",
    }
}

crate::text_enum! {
    /// What the person said.
    pub enum ConsentAction {
        Grant = "grant",
        Revoke = "revoke",
    }
}

crate::text_enum! {
    /// How it was said.
    pub enum ConsentMethod {
        WebForm = "web_form",
        Keyword = "keyword",
        Paper = "paper",
        Verbal = "verbal",
        Import = "import",
        Api = "api",
        InChat = "in_chat",
        Agent = "agent",
        CarrierReport = "carrier_report",
        MetaUserPreferences = "meta_user_preferences",
    }
}

crate::text_enum! {
    /// What the ledger amounts to for one address, medium and purpose.
    pub enum ConsentState {
        /// Nothing was ever recorded; counts as no.
        None = "none",
        Granted = "granted",
        Revoked = "revoked",
    }
}

/// The part of a ledger entry that decides the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentFact {
    pub action: ConsentAction,
    /// Whether wording or other proof of a grant is on file; a grant without it counts for nothing.
    pub evidence: Evidence,
    pub occurred_at: Timestamp,
}

crate::text_enum! {
    /// Whether a statement can be proven.
    pub enum Evidence {
        Present = "present",
        Missing = "missing",
    }
}

/// The state of consent and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consent {
    pub state: ConsentState,
    pub since: Option<Timestamp>,
}

impl Default for Consent {
    fn default() -> Self {
        Self { state: ConsentState::None, since: None }
    }
}

impl Consent {
    /// Takes one more fact in. The result depends on the set of facts only, never on their order: the latest fact
    /// decides, and at the same moment the stricter one does.
    #[must_use]
    pub fn with(self, fact: ConsentFact) -> Self {
        let counts = fact.action == ConsentAction::Revoke || fact.evidence == Evidence::Present;
        let state = match fact.action {
            ConsentAction::Grant => ConsentState::Granted,
            ConsentAction::Revoke => ConsentState::Revoked,
        };
        let newer = self.since.is_none_or(|since| {
            fact.occurred_at > since || (fact.occurred_at == since && state == ConsentState::Revoked)
        });
        if counts && newer { Self { state, since: Some(fact.occurred_at) } } else { self }
    }

    /// The state a whole ledger amounts to.
    #[must_use]
    pub fn of(facts: impl IntoIterator<Item = ConsentFact>) -> Self {
        facts.into_iter().fold(Self::default(), Self::with)
    }
}
