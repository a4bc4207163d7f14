use segue_model::{
    Timestamp,
    consent::{Consent, ConsentAction, ConsentFact, ConsentMethod, ConsentState, Evidence, Medium, Origin, Purpose},
    delivery::MessageClass,
};
use segue_store::{
    consent::ConsentError,
    outbox::{AddressKind, NewOutbox},
};
use serde_json::json;

use crate::world::{World, phone, worlds};

fn permutations(items: &[usize]) -> Vec<Vec<usize>> {
    if items.len() <= 1 {
        return vec![items.to_vec()];
    }
    (0..items.len())
        .flat_map(|at| {
            let mut rest = items.to_vec();
            let first = rest.remove(at);
            permutations(&rest).into_iter().map(move |mut tail| {
                tail.insert(0, first);
                tail
            })
        })
        .collect()
}

async fn state_of(world: &World, address: &str) -> Consent {
    let (ws, address) = (world.ws(), address.to_owned());
    world.write(move |tx| tx.consent_state(ws, Medium::Sms, &address, Purpose::Marketing)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_depends_on_what_was_said_and_never_on_the_order_it_came_in() {
    use ConsentAction::{Grant, Revoke};
    let ledgers: [(&[(ConsentAction, i64)], ConsentState); 6] = [
        (&[(Grant, 1), (Revoke, 2), (Grant, 3), (Revoke, 4)], ConsentState::Revoked),
        (&[(Grant, 1), (Revoke, 2), (Grant, 3), (Grant, 1)], ConsentState::Granted),
        (&[(Grant, 5), (Revoke, 5), (Grant, 2), (Grant, 5)], ConsentState::Revoked),
        (&[(Revoke, 1), (Grant, 2)], ConsentState::Granted),
        (&[(Revoke, 3), (Grant, 2)], ConsentState::Revoked),
        (&[(Grant, 2)], ConsentState::Granted),
    ];
    for world in worlds().await {
        let (ws, ctx) = (world.ws(), world.test.ctx.clone());
        let mut number = 0;
        let mut expected = Vec::new();
        for (ledger, state) in ledgers {
            for order in permutations(&(0..ledger.len()).collect::<Vec<_>>()) {
                let address = phone(number);
                number += 1;
                for at in order {
                    let (action, minutes) = ledger[at];
                    let mut event = world.said(&address, action);
                    event.method = ConsentMethod::Keyword;
                    event.occurred_at = Timestamp(world.test.now().0 - 600_000 + minutes * 60_000);
                    let ctx = ctx.clone();
                    world.test.store.write(move |tx| tx.record_consent(ws, &event, &ctx)).await.unwrap();
                }
                expected.push((address, state));
            }
        }
        for (address, state) in &expected {
            assert_eq!(state_of(&world, address).await.state, *state, "{} {address}", world.test.engine);
        }
        // What is computed can be lost or wrong, and comes back from the ledger.
        let before = states(&world, &expected).await;
        for (address, _) in expected.iter().step_by(2) {
            world.test.set_consent(Medium::Sms, address, Purpose::Marketing, ConsentState::None).await;
        }
        world.test.set_consent(Medium::Sms, "+15550199999", Purpose::Marketing, ConsentState::Granted).await;
        assert_ne!(states(&world, &expected).await, before);
        let keys = world.write(move |tx| tx.rebuild_consents(ws)).await;
        assert_eq!(keys, expected.len());
        assert_eq!(states(&world, &expected).await, before);
        assert_eq!(state_of(&world, "+15550199999").await.state, ConsentState::None, "never said");
    }
}

async fn states(world: &World, of: &[(String, ConsentState)]) -> Vec<Consent> {
    let mut states = Vec::new();
    for (address, _) in of {
        states.push(state_of(world, address).await);
    }
    states
}

#[tokio::test(flavor = "multi_thread")]
async fn events_at_the_same_moment_leave_the_state_their_ledger_amounts_to() {
    for world in worlds().await {
        let (ws, address) = (world.ws(), phone(1));
        let mut facts = Vec::new();
        let mut running = Vec::new();
        for n in 0..40_i64 {
            let action = if n % 3 == 0 { ConsentAction::Revoke } else { ConsentAction::Grant };
            let mut event = world.said(&address, action);
            event.method = ConsentMethod::Keyword;
            event.occurred_at = world.test.now().plus(-(n * 7 % 40) * 1_000);
            facts.push(ConsentFact {
                action,
                evidence: Evidence::Present,
                origin: Origin::OwnAct,
                occurred_at: event.occurred_at,
                expires_at: None,
                import: None,
            });
            let (store, ctx) = (world.test.store.clone(), world.test.ctx.clone());
            running.push(tokio::spawn(async move {
                store.write(move |tx| tx.record_consent(ws, &event, &ctx)).await.unwrap();
            }));
        }
        for task in running {
            task.await.unwrap();
        }
        assert_eq!(state_of(&world, &address).await, Consent::of(facts), "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_without_evidence_is_refused_and_leaves_nothing() {
    for world in worlds().await {
        let (ws, ctx) = (world.ws(), world.test.ctx.clone());
        for (wording, proof) in [(None, None), (Some("  "), None), (None, Some(""))] {
            let mut event = world.said(&phone(1), ConsentAction::Grant);
            (event.wording, event.proof) = (wording.map(str::to_owned), proof.map(str::to_owned));
            let ctx = ctx.clone();
            let refused = world.test.store.write(move |tx| tx.record_consent(ws, &event, &ctx)).await.unwrap_err();
            assert!(matches!(refused, ConsentError::EvidenceRequired));
            assert_eq!(refused.code(), "consent_evidence_required");
        }
        assert_eq!(state_of(&world, &phone(1)).await, Consent::default());
        let events = world.write(move |tx| tx.consent_events(ws, &phone(1), None, 10)).await;
        assert!(events.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_now_beats_a_yes_that_claims_to_be_later() {
    for world in worlds().await {
        let (ws, ctx) = (world.ws(), world.test.ctx.clone());
        let mut event = world.said(&phone(1), ConsentAction::Grant);
        event.occurred_at = world.test.now().plus(1_000_000_000);
        world.test.store.write(move |tx| tx.record_consent(ws, &event, &ctx)).await.unwrap();
        world.test.clock.advance(1);
        world.consent(&phone(1), ConsentAction::Revoke).await;
        assert_eq!(state_of(&world, &phone(1)).await.state, ConsentState::Revoked);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_ends_what_waits_on_every_channel_and_nothing_else() {
    for world in worlds().await {
        let (ws, now, ctx) = (world.ws(), world.test.now(), world.test.ctx.clone());
        let other = world.test.sms_channel("other").await;
        let mut expected = Vec::new();
        for (key, address, class, channel, state, after) in [
            ("a", 1, MessageClass::Marketing, world.sms.id, "queued", "canceled"),
            ("b", 1, MessageClass::Marketing, other.id, "queued", "canceled"),
            ("c", 1, MessageClass::Marketing, world.whatsapp.id, "claimed", "canceled"),
            ("d", 1, MessageClass::Marketing, world.sms.id, "submitting", "submitting"),
            ("e", 1, MessageClass::Marketing, world.sms.id, "accepted", "accepted"),
            ("f", 1, MessageClass::Service, world.whatsapp.id, "queued", "queued"),
            ("g", 1, MessageClass::Keyword, world.sms.id, "queued", "queued"),
            ("h", 2, MessageClass::Marketing, world.sms.id, "queued", "queued"),
        ] {
            let message = NewOutbox {
                id: ctx.id(),
                channel_id: channel,
                class,
                dedupe_key: key.to_owned(),
                address: phone(address),
                address_kind: AddressKind::Phone,
                payload: json!({ "source": "x", "text": key }).into(),
                campaign: None,
                session_id: None,
                not_before: now,
                expires_at: None,
                segments: None,
            };
            static SET: segue_store::Sql = segue_store::Sql::portable(
                "SET",
                "UPDATE outbox SET state = $2 WHERE workspace_id = $1 AND dedupe_key = $3",
            );
            world
                .write(move |tx| {
                    tx.enqueue(ws, &message, now)?;
                    tx.execute(&SET, &[&ws, &state, &message.dedupe_key])
                })
                .await;
            expected.push((key.to_owned(), after.to_owned()));
        }
        world.test.contact(&phone(1), "Ana").await;
        world.consent(&phone(1), ConsentAction::Revoke).await;
        let found: Vec<_> = world
            .messages()
            .await
            .into_iter()
            .filter_map(|message| Some((message.dedupe_key?, message.state)))
            .collect();
        assert_eq!(found, expected, "{}", world.test.engine);
        let events = world.events().await;
        assert_eq!(events.iter().filter(|(kind, _)| kind == "consent.changed").count(), 1);
    }
}
