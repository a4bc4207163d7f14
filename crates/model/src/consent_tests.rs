use proptest::prelude::*;

use super::*;
use crate::id::Id as _;

fn fact(action: ConsentAction, evidence: Evidence, origin: Origin, at: i64) -> ConsentFact {
    ConsentFact { action, evidence, origin, occurred_at: Timestamp(at), expires_at: None, import: None }
}

fn import_of(number: u128) -> ImportId {
    ImportId::from_uuid(uuid::Uuid::from_u128(number))
}

fn any_fact() -> impl Strategy<Value = ConsentFact> {
    (
        prop::sample::select(ConsentAction::ALL),
        prop::sample::select(Evidence::ALL),
        prop::sample::select(&[Origin::OwnAct, Origin::Claim][..]),
        0i64..6,
        prop::option::of(6i64..9),
        prop::option::of(0u128..2),
    )
        .prop_map(|(action, evidence, origin, at, end, import)| ConsentFact {
            expires_at: end.map(Timestamp),
            import: import.map(import_of),
            ..fact(action, evidence, origin, at)
        })
}

fn facts() -> impl Strategy<Value = Vec<ConsentFact>> {
    prop::collection::vec(any_fact(), 0..10)
}

fn is_open(ledger: &[ConsentFact]) -> bool {
    Consent::of(ledger.iter().copied()).state == ConsentState::Granted
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

    /// Written apart from the fold: what must be in a ledger that allows messages.
    #[test]
    fn consent_needs_a_proven_yes_after_every_no_and_every_end(ledger in facts()) {
        let found = is_open(&ledger);
        // What an undone import claimed and its undo answer each other.
        let answered = |fact: &ConsentFact| {
            let others = |counts: fn(ConsentAction) -> bool| {
                fact.import.is_some() && ledger.iter().any(|other| other.import == fact.import && counts(other.action))
            };
            match fact.action {
                ConsentAction::Grant | ConsentAction::Confirm => others(|action| action == ConsentAction::Correct),
                ConsentAction::Correct => others(ConsentAction::is_yes),
                _ => false,
            }
        };
        let ledger: Vec<_> = ledger.iter().copied().filter(|fact| !answered(fact)).collect();
        let proven = |fact: &&ConsentFact| fact.action.is_yes() && fact.evidence == Evidence::Present;
        let noes: Vec<_> = ledger.iter().filter(|fact| fact.action.is_no()).map(|fact| fact.occurred_at).collect();
        let ends: Vec<_> = ledger
            .iter()
            .filter(|fact| matches!(fact.action, ConsentAction::Expire | ConsentAction::Reassign | ConsentAction::Correct))
            .map(|fact| fact.occurred_at)
            .collect();
        let own_after_no = noes.is_empty() || ledger.iter().filter(proven).any(|fact| {
            fact.origin == Origin::OwnAct && noes.iter().all(|no| fact.occurred_at > *no)
        });
        let standing = ledger.iter().filter(proven).any(|fact| {
            noes.iter().chain(&ends).all(|stop| fact.occurred_at > *stop)
        });
        prop_assert_eq!(found, own_after_no && standing);
    }

    /// Whatever two ledgers say together is never looser than what either says, unless one brings a later own yes.
    #[test]
    fn merging_ledgers_never_loosens(ours in facts(), theirs in facts()) {
        let revoked = |ledger: &[ConsentFact]| Consent::of(ledger.iter().copied()).state == ConsentState::Revoked;
        let brings_own_yes = theirs.iter().any(|fact| {
            fact.action.is_yes() && fact.evidence == Evidence::Present && fact.origin == Origin::OwnAct
        });
        let merged: Vec<_> = ours.iter().chain(&theirs).copied().collect();
        if revoked(&ours) && !brings_own_yes {
            prop_assert!(revoked(&merged));
        }
    }

    /// One more no, or one more end, never opens what was closed.
    #[test]
    fn a_stricter_fact_never_opens(ledger in facts(), more in any_fact()) {
        if !more.action.is_yes() && !is_open(&ledger) {
            let mut longer = ledger.clone();
            longer.push(more);
            prop_assert!(!is_open(&longer));
        }
    }

    /// From a no there is no way back without the person.
    #[test]
    fn claims_never_undo_a_no(at in 0i64..6, claims in facts()) {
        let mut ledger: Vec<_> = claims.into_iter().map(|claim| ConsentFact { origin: Origin::Claim, ..claim }).collect();
        ledger.push(fact(ConsentAction::Revoke, Evidence::Missing, Origin::OwnAct, at));
        prop_assert_eq!(Consent::of(ledger).state, ConsentState::Revoked);
    }
}

#[test]
fn golden_ledgers() {
    use ConsentAction::{Confirm, Correct, Deny, Expire, Grant, Reassign, Request, Revoke};
    use Evidence::{Missing, Present};
    use Origin::{Claim, OwnAct};
    for (ledger, state, since) in [
        (&[][..], ConsentState::None, None),
        (&[fact(Grant, Missing, OwnAct, 1)], ConsentState::None, None),
        (&[fact(Grant, Present, Claim, 1)], ConsentState::Granted, Some(1)),
        (&[fact(Request, Present, OwnAct, 1)], ConsentState::None, None),
        (&[fact(Request, Present, Claim, 1), fact(Confirm, Present, OwnAct, 2)], ConsentState::Granted, Some(2)),
        (&[fact(Request, Present, Claim, 1), fact(Deny, Present, OwnAct, 2)], ConsentState::Revoked, Some(2)),
        (&[fact(Revoke, Missing, Claim, 1)], ConsentState::Revoked, Some(1)),
        (&[fact(Revoke, Present, OwnAct, 5), fact(Grant, Present, OwnAct, 4)], ConsentState::Revoked, Some(5)),
        (&[fact(Grant, Present, OwnAct, 5), fact(Revoke, Present, OwnAct, 5)], ConsentState::Revoked, Some(5)),
        (&[fact(Revoke, Present, OwnAct, 5), fact(Grant, Missing, OwnAct, 6)], ConsentState::Revoked, Some(5)),
        (&[fact(Revoke, Present, OwnAct, 5), fact(Grant, Present, Claim, 6)], ConsentState::Revoked, Some(5)),
        (&[fact(Revoke, Present, OwnAct, 5), fact(Grant, Present, OwnAct, 6)], ConsentState::Granted, Some(6)),
        (&[fact(Grant, Present, Claim, 1), fact(Expire, Missing, Claim, 2)], ConsentState::Expired, Some(2)),
        (&[fact(Grant, Missing, Claim, 1), fact(Expire, Missing, Claim, 2)], ConsentState::None, Some(2)),
        (&[fact(Expire, Missing, Claim, 2)], ConsentState::None, Some(2)),
        (
            &[fact(Grant, Present, Claim, 1), fact(Expire, Missing, Claim, 2), fact(Grant, Present, Claim, 3)],
            ConsentState::Granted,
            Some(3),
        ),
        (
            &[fact(Grant, Present, Claim, 1), fact(Expire, Missing, Claim, 2), fact(Revoke, Missing, Claim, 3)],
            ConsentState::Revoked,
            Some(3),
        ),
        (
            &[fact(Grant, Present, Claim, 1), fact(Expire, Missing, Claim, 2), fact(Reassign, Missing, Claim, 2)],
            ConsentState::None,
            Some(2),
        ),
        (
            &[fact(Grant, Present, Claim, 1), fact(Reassign, Missing, Claim, 2), fact(Expire, Missing, Claim, 3)],
            ConsentState::None,
            Some(3),
        ),
        (&[fact(Grant, Present, Claim, 1), fact(Correct, Present, Claim, 2)], ConsentState::None, Some(2)),
        (&[fact(Grant, Present, Claim, 1), fact(Reassign, Present, Claim, 2)], ConsentState::None, Some(2)),
        (&[fact(Reassign, Present, Claim, 2), fact(Grant, Present, Claim, 3)], ConsentState::Granted, Some(3)),
        (&[fact(Revoke, Present, OwnAct, 1), fact(Reassign, Present, Claim, 2)], ConsentState::Revoked, Some(1)),
    ] {
        let consent = Consent::of(ledger.iter().copied());
        assert_eq!((consent.state, consent.since), (state, since.map(Timestamp)), "{ledger:?}");
    }
}

#[test]
fn a_consent_ends_with_the_last_of_its_grants() {
    let until = |at, end: Option<i64>| ConsentFact {
        expires_at: end.map(Timestamp),
        ..fact(ConsentAction::Grant, Evidence::Present, Origin::Claim, at)
    };
    assert_eq!(Consent::of([until(1, Some(9)), until(2, Some(7))]).expires_at, Some(Timestamp(9)));
    assert_eq!(Consent::of([until(1, None), until(2, Some(7))]).expires_at, None);
}

#[test]
fn a_stop_reaches_as_far_as_the_setting_says() {
    use Medium::{Sms, WhatsApp};
    assert_eq!(OptOutScope::All.media(Sms), [Sms, WhatsApp]);
    assert_eq!(OptOutScope::All.media(WhatsApp), [Sms, WhatsApp]);
    assert_eq!(OptOutScope::Channel.media(WhatsApp), [WhatsApp]);
    assert_eq!(OptOutScope::Sender.media(Sms), [Sms]);
    assert_eq!(OptOutScope::Programme.media(Sms), [Sms]);
}

#[test]
fn scopes_round_trip() {
    for scope in [
        Scope::All,
        Scope::Sender(SenderId::from_uuid(uuid::Uuid::from_u128(5))),
        Scope::Programme(ProgrammeId::from_uuid(uuid::Uuid::from_u128(7))),
        Scope::Category(TemplateCategory::Utility),
        Scope::Template("order_update".to_owned()),
    ] {
        assert_eq!(scope.to_string().parse::<Scope>().unwrap(), scope);
    }
    let long = format!("template:{}", "a".repeat(513));
    for text in ["con_00000000000000000000000001", "category:offers", "category:", "template:", "template:Big", &long] {
        assert!(text.parse::<Scope>().is_err(), "{text}");
    }
}

#[test]
fn a_no_to_a_template_or_its_category_beats_a_yes_to_the_other_and_a_yes_is_good_for_its_address_alone() {
    use ConsentState::{Expired, Granted, Revoked};
    assert_eq!(TemplateConsent::of([]), TemplateConsent::NOTHING);
    assert!(TemplateConsent::of([Granted]).agrees());
    assert!(!TemplateConsent::of([Expired]).agrees());
    let both = TemplateConsent::of([Granted, Revoked]);
    assert!(both.is_refused && !both.agrees());
    let nothing = TemplateConsent::NOTHING;
    assert!(nothing.beside(TemplateConsent::of([Revoked])).is_refused);
    assert!(!nothing.beside(TemplateConsent::of([Granted])).agrees());
}

#[test]
fn a_no_at_one_number_counts_at_the_persons_others_until_their_own_later_yes() {
    let of = |facts: &[ConsentFact]| Consent::of(facts.iter().copied());
    let yes = |origin, at| fact(ConsentAction::Grant, Evidence::Present, origin, at);
    let no = of(&[fact(ConsentAction::Revoke, Evidence::Missing, Origin::OwnAct, 20)]);
    let granted = of(&[yes(Origin::OwnAct, 10)]);
    let joined_at = Timestamp(30);
    for (what, own_yes, state) in [
        ("a claim", None, ConsentState::Revoked),
        ("an own yes from before the no", Some(10), ConsentState::Revoked),
        ("one between the no and the joining", Some(25), ConsentState::Revoked),
        ("one in the moment of joining", Some(30), ConsentState::Revoked),
        ("one from after both", Some(31), ConsentState::Granted),
    ] {
        let beside = granted.beside(own_yes.map(Timestamp), [(no, joined_at)]);
        assert_eq!(beside.state, state, "{what}");
    }
    let refused = Consent::default().beside(None, [(granted, joined_at), (no, joined_at)]);
    assert_eq!((refused.state, refused.since), (ConsentState::Revoked, Some(Timestamp(20))));
    assert_eq!(granted.beside(None, [(granted, joined_at), (Consent::default(), joined_at)]), granted);
    assert_eq!(
        Consent::default().beside(None, [(granted, joined_at)]).state,
        ConsentState::None,
        "a yes does not spread"
    );
}

#[test]
fn undoing_an_import_leaves_what_was_said_elsewhere() {
    use ConsentAction::{Correct, Expire, Grant, Revoke};
    use Evidence::{Missing, Present};
    use Origin::{Claim, OwnAct};
    let of = |import: u128, fact: ConsentFact| ConsentFact { import: Some(import_of(import)), ..fact };
    let (claimed, undone) = (of(1, fact(Grant, Present, Claim, 5)), of(1, fact(Correct, Present, Claim, 5)));
    let (before, own) = (of(2, fact(Grant, Present, Claim, 3)), fact(Grant, Present, OwnAct, 4));
    for (ledger, state, since) in [
        (vec![claimed, undone], ConsentState::None, None),
        (vec![before, claimed, undone], ConsentState::Granted, Some(3)),
        (vec![ConsentFact { occurred_at: Timestamp(5), ..before }, claimed, undone], ConsentState::Granted, Some(5)),
        (vec![own, claimed, undone], ConsentState::Granted, Some(4)),
        (vec![before, claimed, undone, of(2, fact(Correct, Present, Claim, 3))], ConsentState::None, None),
        (vec![before, fact(Expire, Missing, Claim, 4), claimed, undone], ConsentState::Expired, Some(4)),
        (vec![before, claimed, fact(Revoke, Present, OwnAct, 6), undone], ConsentState::Revoked, Some(6)),
        (vec![before, claimed, undone, fact(Correct, Present, Claim, 4)], ConsentState::None, Some(4)),
        // What was undone is not in this ledger, so nobody knows what it took back.
        (vec![own, undone], ConsentState::None, Some(5)),
    ] {
        let consent = Consent::of(ledger.iter().copied());
        assert_eq!((consent.state, consent.since), (state, since.map(Timestamp)), "{ledger:?}");
    }
}
