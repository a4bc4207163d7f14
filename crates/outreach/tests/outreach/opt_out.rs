//! How far a no reaches, free text that is one, and what only may be one.

use segue_model::{
    actor::Actor,
    consent::{ConsentAction, ConsentMethod, ConsentState, Medium, OptOutScope, Purpose},
    id::Id as _,
    keyword::Keyword,
};
use segue_outreach::{
    OutreachError, contact_addresses,
    contacts::{self, ConsentInput},
    keywords::Handled,
    reviews::{self, ReviewDecision},
};
use segue_store::{
    Sql,
    consent::{ConsentContext, ConsentError},
    consent_review::{ReviewState, ReviewView},
};

use crate::{
    keyword::{consents, receive_on, settings, text, text_to},
    world::{World, phone, worlds},
};

use ConsentState::{Granted, InReview, Revoked};

/// A subscriber who has also agreed to WhatsApp messages.
async fn subscriber(world: &World, number: u32) -> segue_model::ContactId {
    let id = world.subscriber(&phone(number), "Ana").await;
    let mut event = world.said(&phone(number), ConsentAction::Grant);
    event.medium = Medium::WhatsApp;
    let (ws, ctx) = (world.ws(), world.test.ctx.clone());
    world.test.store.write(move |tx| tx.record_consent(ws, &event, &ctx)).await.unwrap();
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_by_text_reaches_as_far_as_the_setting_says() {
    for world in worlds().await {
        for (number, scope, expected) in [
            (1, OptOutScope::All, [Revoked, Revoked]),
            (2, OptOutScope::Channel, [Revoked, Granted]),
            (3, OptOutScope::Sender, [Granted, Granted]),
            (4, OptOutScope::Programme, [Revoked, Revoked]), // there is no programme to leave
        ] {
            subscriber(&world, number).await;
            world.test.clock.advance(1);
            settings(&world, move |settings| settings.opt_out_scope = scope).await;
            assert_eq!(text(&world, &phone(number), "STOP").await, Handled::Answered(Keyword::Stop));
            assert_eq!(consents(&world, &phone(number)).await, expected, "{scope} on {}", world.test.engine);
            assert_eq!(text(&world, &phone(number), "STOP").await, Handled::Repeated(Keyword::Stop), "{scope}");
        }
        // Only this sender is stopped, and START opens it again.
        let (ws, own) = (world.ws(), world.sender.address.clone());
        let from = move |sender: String| {
            move |tx: &mut segue_store::Tx<'_>| {
                tx.consent_state_from(ws, Medium::Sms, &phone(3), Purpose::Marketing, &sender).map(|it| it.state)
            }
        };
        assert_eq!(world.write(from(own.clone())).await, Revoked);
        assert_eq!(world.write(from("+15550000001".to_owned())).await, Granted);
        settings(&world, |settings| settings.opt_out_scope = OptOutScope::Sender).await;
        world.test.clock.advance(1);
        text(&world, &phone(3), "START").await;
        assert_eq!(world.write(from(own)).await, Granted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_on_several_accounts_is_stopped_and_opened_as_one() {
    for world in worlds().await {
        let second = world.test.sms_channel("second").await;
        world.test.sender(second.id, &world.sender.address).await;
        subscriber(&world, 1).await;
        world.sent(world.input()).await;
        settings(&world, |settings| settings.opt_out_scope = OptOutScope::Sender).await;
        world.test.clock.advance(1);
        let on_second = async |said: &'static str| {
            world.test.clock.advance(1);
            receive_on(&world, second.clone(), world.test.ctx.id(), (&phone(1), said)).await
        };
        assert_eq!(on_second("STOP").await, Handled::Answered(Keyword::Stop), "{}", world.test.engine);
        assert_eq!(world.messages().await[0].state, "canceled", "what waited on the first: {}", world.test.engine);
        assert_eq!(text(&world, &phone(1), "STOP").await, Handled::Repeated(Keyword::Stop), "{}", world.test.engine);
        let (ws, own) = (world.ws(), world.sender.address.clone());
        let state = async || {
            let own = own.clone();
            let from = world.write(move |tx| {
                tx.consent_state_from(ws, Medium::Sms, &phone(1), Purpose::Marketing, &own).map(|it| it.state)
            });
            from.await
        };
        assert_eq!(state().await, Revoked, "{}", world.test.engine);
        // Each account has a no on record by now; one START takes back both.
        assert_eq!(on_second("START").await, Handled::Answered(Keyword::Start), "{}", world.test.engine);
        assert_eq!(state().await, Granted, "{}", world.test.engine);
        assert_eq!(on_second("STOP").await, Handled::Answered(Keyword::Stop), "{}", world.test.engine);
        world.test.clock.advance(1);
        assert_eq!(text(&world, &phone(1), "START").await, Handled::Answered(Keyword::Start), "{}", world.test.engine);
        assert_eq!(state().await, Granted, "the other account's no, too: {}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_to_a_number_of_a_pool_outlives_the_pool_and_start_to_any_of_its_numbers_takes_it_back() {
    for world in worlds().await {
        let (ws, engine, pool_id) = (world.ws(), &world.test.engine, world.test.ctx.id());
        let other = world.test.sender(world.sms.id, "+15550000001").await;
        let (both, now) = ([world.sender.id, other.id], world.test.now());
        world
            .write(move |tx| {
                tx.insert_sender_pool(ws, pool_id, "Spring", now)?;
                tx.set_pool_members(ws, pool_id, &both)
            })
            .await;
        settings(&world, |settings| settings.opt_out_scope = OptOutScope::Sender).await;
        let states = async |number: u32| {
            let of = move |tx: &mut segue_store::Tx<'_>, from: &str| {
                tx.consent_state_from(ws, Medium::Sms, &phone(number), Purpose::Marketing, from).map(|it| it.state)
            };
            world.write(move |tx| Ok([of(tx, "+15550000000")?, of(tx, "+15550000001")?])).await
        };
        for number in [1, 2] {
            subscriber(&world, number).await;
            world.test.clock.advance(1);
            assert_eq!(text(&world, &phone(number), "STOP").await, Handled::Answered(Keyword::Stop), "{engine}");
            assert_eq!(states(number).await, [Revoked, Revoked], "{engine}");
            let again = text_to(&world, "15550000001", &phone(number), "STOP").await;
            assert_eq!(again, Handled::Repeated(Keyword::Stop), "{engine}: it holds there already");
            world.test.clock.advance(1);
        }
        let start = text_to(&world, "15550000001", &phone(1), "START").await;
        assert_eq!(start, Handled::Answered(Keyword::Start), "{engine}");
        assert_eq!(states(1).await, [Granted, Granted], "{engine}: both are open again");
        // The number that heard the no leaves the pool: nothing of it is forgotten, and each is opened by itself.
        world.write(move |tx| tx.set_pool_members(ws, pool_id, &both[1..])).await;
        assert_eq!(states(2).await, [Revoked, Revoked], "{engine}");
        text_to(&world, "15550000001", &phone(2), "START").await;
        assert_eq!(states(2).await, [Revoked, Granted], "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_recorded_for_a_further_number_where_the_contact_has_no_own_one() {
    for world in worlds().await {
        let (store, ctx, ws, engine) = (&world.test.store, &world.test.ctx, world.ws(), &world.test.engine);
        let named: contacts::ContactInput = serde_json::from_value(serde_json::json!({ "first_name": "Ben" })).unwrap();
        let ben = contacts::create(store, ctx, ws, named).await.unwrap().id;
        let no = || input(ConsentAction::Revoke, ConsentMethod::Verbal);
        assert_eq!(record(&world, ben, no()).await.unwrap_err().code(), "contact_without_phone", "{engine}");
        let phones = [phone(5), phone(6)].map(|address| contact_addresses::AddressInput {
            kind: segue_store::contact_address::AddressKind::Phone,
            address,
        });
        contact_addresses::set(store, ctx, ws, ben, phones.to_vec()).await.unwrap();
        world.consent(&phone(5), ConsentAction::Grant).await;
        world.test.clock.advance(1);
        let addresses = async || {
            let events = contacts::consent_events(store, ws, ben, None, 9).await.unwrap();
            events.into_iter().filter(|event| event.action.is_no()).map(|event| event.address).collect::<Vec<_>>()
        };
        record(&world, ben, no()).await.unwrap();
        assert_eq!(addresses().await, [phone(5)], "{engine}: the first");
        assert_eq!(consents(&world, &phone(5)).await[0], Revoked, "{engine}");
        record(&world, ben, ConsentInput { address: Some("(212) 555-0006".to_owned()), ..no() }).await.unwrap();
        assert_eq!(addresses().await, [phone(6), phone(5)], "{engine}: the one that is named");
        let strange = ConsentInput { address: Some(phone(7)), ..no() };
        let refused = record(&world, ben, strange).await.unwrap_err();
        assert_eq!((refused.code(), refused.field()), ("invalid_field", Some("address")), "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn free_text_that_is_clear_is_obeyed_at_once_and_confirmed_once() {
    for world in worlds().await {
        subscriber(&world, 1).await;
        world.sent(world.input()).await;
        world.test.clock.advance(1);
        assert_eq!(text(&world, &phone(1), "Please take me off your list").await, Handled::Revoked);
        assert_eq!(consents(&world, &phone(1)).await, [Revoked, Revoked]);
        let messages = world.messages().await;
        assert_eq!((messages[0].state.as_str(), messages.len()), ("canceled", 2));
        assert!(messages[1].text.contains("unsubscribed"), "{}", messages[1].text);
        assert_eq!(text(&world, &phone(1), "no more texts!!").await, Handled::Revoked);
        assert_eq!(text(&world, &phone(1), "STOP").await, Handled::Repeated(Keyword::Stop));
        assert_eq!(world.messages().await.len(), 2, "one confirmation and no more");
        let ws = world.ws();
        let ledger = world.write(move |tx| tx.consent_events(ws, &phone(1), None, 100)).await;
        let entry = ledger.iter().find(|event| event.method == ConsentMethod::FreeText).unwrap();
        assert!(entry.wording.is_some() && entry.proof.as_deref().is_some_and(|proof| proof.starts_with("inb_")));
        assert_eq!(text(&world, &phone(2), "Which bus stop is close to you?").await, Handled::NoKeyword);
    }
}

async fn open(world: &World) -> Vec<ReviewView> {
    reviews::list(&world.test.store, world.ws(), ReviewState::Open, None, 10).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_a_no_holds_marketing_until_somebody_decides() {
    for world in worlds().await {
        let held = subscriber(&world, 1).await;
        subscriber(&world, 2).await;
        world.test.clock.advance(1);
        assert_eq!(text(&world, &phone(1), "Sorry, not interested").await, Handled::Review);
        assert_eq!(text(&world, &phone(2), "you have the wrong number").await, Handled::Review);
        assert_eq!(consents(&world, &phone(1)).await, [InReview, InReview], "{}", world.test.engine);
        let (store, now) = (&world.test.store, world.test.now());
        let proof = segue_outreach::consent_record::proof(store, world.ws(), held, now).await.unwrap();
        let decides = proof.standings[0].decided_by.as_ref().map(|event| event.action);
        assert_eq!(decides, Some(ConsentAction::Grant), "{}: what is in review", world.test.engine);
        let campaign = world.sent(world.input()).await;
        let funnel = segue_outreach::campaign::funnel(&world.test.store, world.ws(), campaign.id).await.unwrap();
        assert_eq!((funnel.excluded, world.messages().await.len()), (2, 0), "nobody is texted while it is open");
        assert_eq!(funnel.excluded_by_rule[0].rule, "revocation_in_review");

        let found = open(&world).await;
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].words, ["not interested"]);
        assert_eq!(found[1].contact_name.as_deref(), Some("Ana"));
        let decide = |id, decision| {
            let (store, ctx, ws) = (world.test.store.clone(), world.test.ctx.clone(), world.ws());
            async move { reviews::decide(&store, &ctx, ws, &Actor::System, id, decision).await }
        };
        let kept = decide(found[1].id, ReviewDecision::Keep).await.unwrap();
        assert_eq!((kept.state, kept.decided_by.as_deref()), (ReviewState::Kept, Some("system")));
        assert_eq!(consents(&world, &phone(1)).await, [Granted, Granted]);
        assert_eq!(decide(found[1].id, ReviewDecision::Revoke).await.unwrap_err().code(), "review_decided");
        assert_eq!(consents(&world, &phone(1)).await, [Granted, Granted]);
        decide(found[0].id, ReviewDecision::Revoke).await.unwrap();
        assert_eq!(consents(&world, &phone(2)).await, [Revoked, Revoked]);
        assert!(open(&world).await.is_empty());
        let unknown =
            decide(segue_model::ConsentReviewId::from_uuid(world.test.ctx.uuid()), ReviewDecision::Keep).await;
        assert_eq!(unknown.unwrap_err().code(), "not_found");
        // The state that reviews lead to is also what the ledger is rebuilt to.
        text(&world, &phone(1), "wrong number").await;
        let ws = world.ws();
        world.write(move |tx| tx.rebuild_consents(ws)).await;
        assert_eq!(consents(&world, &phone(1)).await, [InReview, InReview]);
    }
}

fn input(action: ConsentAction, method: ConsentMethod) -> ConsentInput {
    ConsentInput {
        medium: Medium::Sms,
        purpose: Purpose::Marketing,
        action,
        method,
        wording: Some("Yes, text me".to_owned()),
        proof: None,
        occurred_at: None,
        expires_at: None,
        scope: None,
        context: ConsentContext::default(),
        address: None,
    }
}

async fn record(world: &World, id: segue_model::ContactId, input: ConsentInput) -> Result<(), OutreachError> {
    let (store, ctx) = (&world.test.store, &world.test.ctx);
    contacts::record_consent(store, ctx, world.ws(), &Actor::System, id, input).await.map(|_| ())
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_no_only_the_persons_own_act_brings_them_back() {
    for world in worlds().await {
        let id = subscriber(&world, 1).await;
        world.test.clock.advance(1);
        text(&world, &phone(1), "STOP").await;
        world.test.clock.advance(1);
        for method in [
            ConsentMethod::Api,
            ConsentMethod::Import,
            ConsentMethod::WebForm,
            ConsentMethod::Agent,
            ConsentMethod::Paper,
        ] {
            let refused = record(&world, id, input(ConsentAction::Grant, method)).await.unwrap_err();
            assert_eq!(refused.code(), "opted_out_by_person", "{method}");
            assert!(matches!(refused, OutreachError::Consent(ConsentError::OptedOut)));
        }
        for method in [ConsentMethod::Keyword, ConsentMethod::InChat] {
            let refused = record(&world, id, input(ConsentAction::Grant, method)).await.unwrap_err();
            assert_eq!(refused.code(), "invalid_field", "nobody can say for the person that they texted: {method}");
        }
        let refused = record(&world, id, input(ConsentAction::Confirm, ConsentMethod::Api)).await.unwrap_err();
        assert_eq!(refused.code(), "invalid_field", "nobody can confirm for the person");
        assert_eq!(consents(&world, &phone(1)).await, [Revoked, Revoked]);
        text(&world, &phone(1), "START").await;
        assert_eq!(consents(&world, &phone(1)).await, [Granted, Revoked]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reassigned_number_loses_every_consent_and_can_be_asked_anew() {
    for world in worlds().await {
        let id = subscriber(&world, 1).await;
        world.sent(world.input()).await;
        world.test.clock.advance(1);
        record(&world, id, input(ConsentAction::Reassign, ConsentMethod::CarrierReport)).await.unwrap();
        assert_eq!(consents(&world, &phone(1)).await, [ConsentState::None; 2], "{}", world.test.engine);
        assert_eq!(world.in_state("canceled").await, 1);
        world.test.clock.advance(1);
        record(&world, id, input(ConsentAction::Grant, ConsentMethod::WebForm)).await.unwrap();
        assert_eq!(consents(&world, &phone(1)).await[0], Granted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_for_a_time_ends_by_itself() {
    for world in worlds().await {
        let id = world.test.contact(&phone(1), "Ana").await;
        let grant = ConsentInput {
            expires_at: Some(world.test.now().plus(1_000)),
            ..input(ConsentAction::Grant, ConsentMethod::WebForm)
        };
        record(&world, id, grant).await.unwrap();
        segue_outreach::sweep(&world.test.store, &world.test.ctx).await.unwrap();
        assert_eq!(consents(&world, &phone(1)).await[0], Granted);
        world.test.clock.advance(1_000);
        segue_outreach::sweep(&world.test.store, &world.test.ctx).await.unwrap();
        assert_eq!(consents(&world, &phone(1)).await[0], ConsentState::Expired);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_an_old_entry_shows() {
    for world in worlds().await {
        for number in 1..4 {
            subscriber(&world, number).await;
        }
        let ws = world.ws();
        let check = move |tx: &mut segue_store::Tx<'_>| tx.check_consent_chain(ws);
        let whole = world.write(check).await;
        assert_eq!((whole.entries, whole.unchained, whole.broken_at), (6, 0, None));
        for (what, broken, mended) in [
            (
                "a word changed",
                "UPDATE consent_events SET wording = 'No' WHERE workspace_id = $1 AND seq = 3",
                "UPDATE consent_events SET wording = 'Yes, text me offers.' WHERE workspace_id = $1 AND seq = 3",
            ),
            (
                "an entry moved",
                "UPDATE consent_events SET seq = 9 WHERE workspace_id = $1 AND seq = 3",
                "UPDATE consent_events SET seq = 3 WHERE workspace_id = $1 AND seq = 9",
            ),
            (
                "the end forgotten",
                "UPDATE consent_chains SET seq = 7 WHERE workspace_id = $1",
                "UPDATE consent_chains SET seq = 6 WHERE workspace_id = $1",
            ),
        ] {
            let run = |text: &'static str| {
                let sql: &'static Sql = Box::leak(Box::new(Sql::portable("TAMPER", text)));
                world.write(move |tx| tx.execute(sql, &[&ws]))
            };
            run(broken).await;
            assert!(world.write(check).await.broken_at.is_some(), "{what}");
            run(mended).await;
            assert_eq!(world.write(check).await.broken_at, None, "{what} is undone");
        }
        let gone: &'static Sql = Box::leak(Box::new(Sql::portable(
            "GONE",
            "DELETE FROM consent_events WHERE workspace_id = $1 AND seq = 6",
        )));
        world.write(move |tx| tx.execute(gone, &[&ws])).await;
        assert_eq!(world.write(check).await.broken_at, Some(6), "the last entry is gone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_is_written_during_a_walk_is_no_tampering() {
    for world in worlds().await {
        subscriber(&world, 1).await;
        let ws = world.ws();
        let mut walk = world.write(move |tx| tx.begin_chain_walk(ws)).await;
        subscriber(&world, 2).await;
        let check = loop {
            let so_far = walk.clone();
            let step = move |tx: &mut segue_store::Tx<'_>| {
                let mut walk = so_far.clone();
                let check = tx.walk_chain(ws, &mut walk)?;
                Ok((walk, check))
            };
            let (further, check) = world.write(step).await;
            walk = further;
            if let Some(check) = check {
                break check;
            }
        };
        assert_eq!((check.entries, check.broken_at), (2, None), "{}", world.test.engine);
        let whole = segue_outreach::consent_record::check_ledger(&world.test.store, ws).await.unwrap();
        assert_eq!((whole.entries, whole.broken_at), (4, None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_by_hand_ends_every_yes_and_is_no_undoing_of_the_import_that_it_names() {
    for world in worlds().await {
        let id = subscriber(&world, 1).await;
        let row = format!("{} row 1", world.test.ctx.id::<segue_model::ImportId>());
        for action in [ConsentAction::Grant, ConsentAction::Correct] {
            world.test.clock.advance(1);
            let mut event = input(action, ConsentMethod::Paper);
            event.proof = Some(row.clone());
            record(&world, id, event).await.unwrap();
        }
        assert_eq!(consents(&world, &phone(1)).await[0], ConsentState::None, "{}", world.test.engine);
        let refused = record(&world, id, input(ConsentAction::Correct, ConsentMethod::ImportUndo)).await.unwrap_err();
        assert!(refused.to_string().contains("when an import is undone"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_has_every_entry_and_opens_safely_in_a_spreadsheet() {
    for world in worlds().await {
        let id = subscriber(&world, 1).await;
        for wording in ["\u{ff1d}1+1", "=1+1"] {
            let mut event = input(ConsentAction::Revoke, ConsentMethod::Verbal);
            event.wording = Some(wording.to_owned());
            world.test.clock.advance(1);
            record(&world, id, event).await.unwrap();
        }
        let proof =
            segue_outreach::consent_record::proof(&world.test.store, world.ws(), id, world.test.now()).await.unwrap();
        assert_eq!(proof.events.len(), 4);
        assert_eq!(proof.ledger.broken_at, None);
        let sms = &proof.standings[0];
        assert_eq!((sms.medium, sms.purpose, sms.state), (Medium::Sms, Purpose::Marketing, Revoked));
        assert_eq!(sms.decided_by.as_ref().unwrap().wording.as_deref(), Some("=1+1"));
        let first = &proof.events[0];
        assert_eq!(
            first.wording_hash.as_deref(),
            Some(segue_store::consent::wording_hash("Yes, text me offers.").as_str())
        );
        let csv = proof.to_csv().unwrap();
        assert_eq!(csv.lines().count(), 5);
        assert!(csv.contains(",'=1+1,") && !csv.contains(",=1+1,"), "{csv}");
        assert!(csv.contains(",'\u{ff1d}1+1,"), "some take a wide sign for one, too: {csv}");
    }
}
