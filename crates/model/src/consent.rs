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
        /// Takes back what an import claimed, when the import is undone. Nobody said no.
        ImportUndo = "import_undo",
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fact(action: ConsentAction, evidence: Evidence, at: i64) -> ConsentFact {
        ConsentFact { action, evidence, occurred_at: Timestamp(at) }
    }

    fn facts() -> impl Strategy<Value = Vec<ConsentFact>> {
        let fact = (prop::sample::select(ConsentAction::ALL), prop::sample::select(Evidence::ALL), 0i64..6)
            .prop_map(|(action, evidence, at)| fact(action, evidence, at));
        prop::collection::vec(fact, 0..10)
    }

    proptest! {
        #[test]
        fn order_and_duplicates_do_not_matter(
            (ledger, shuffled) in facts().prop_flat_map(|ledger| (Just(ledger.clone()), Just(ledger).prop_shuffle())),
            again in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        ) {
            let mut shuffled = shuffled;
            if !shuffled.is_empty() {
                for index in again {
                    let fact = *index.get(&shuffled);
                    shuffled.insert(index.index(shuffled.len()), fact);
                }
            }
            prop_assert_eq!(Consent::of(ledger), Consent::of(shuffled));
        }

        #[test]
        fn only_a_later_grant_with_evidence_undoes_a_no(ledger in facts()) {
            let revoked_at = ledger.iter().filter(|fact| fact.action == ConsentAction::Revoke).map(|fact| fact.occurred_at).max();
            let granted_at = ledger
                .iter()
                .filter(|fact| fact.action == ConsentAction::Grant && fact.evidence == Evidence::Present)
                .map(|fact| fact.occurred_at)
                .max();
            let expected = match (granted_at, revoked_at) {
                (None, None) => ConsentState::None,
                (granted, revoked) if granted > revoked => ConsentState::Granted,
                _ => ConsentState::Revoked,
            };
            prop_assert_eq!(Consent::of(ledger).state, expected);
        }
    }

    #[test]
    fn golden_ledgers() {
        use ConsentAction::{Grant, Revoke};
        use Evidence::{Missing, Present};
        for (ledger, state, since) in [
            (&[][..], ConsentState::None, None),
            (&[fact(Grant, Missing, 1)], ConsentState::None, None),
            (&[fact(Grant, Present, 1)], ConsentState::Granted, Some(1)),
            (&[fact(Revoke, Missing, 1)], ConsentState::Revoked, Some(1)),
            (&[fact(Revoke, Present, 5), fact(Grant, Present, 4)], ConsentState::Revoked, Some(5)),
            (&[fact(Grant, Present, 5), fact(Revoke, Present, 5)], ConsentState::Revoked, Some(5)),
            (&[fact(Revoke, Present, 5), fact(Grant, Missing, 6)], ConsentState::Revoked, Some(5)),
            (&[fact(Revoke, Present, 5), fact(Grant, Present, 6)], ConsentState::Granted, Some(6)),
        ] {
            let consent = Consent::of(ledger.iter().copied());
            assert_eq!((consent.state, consent.since), (state, since.map(Timestamp)), "{ledger:?}");
        }
    }
}
