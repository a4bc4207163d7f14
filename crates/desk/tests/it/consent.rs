//! What customers say in a chat about being messaged, and how far it reaches.

use segue_model::{
    consent::{ConsentState, Medium, OptOutScope, Purpose},
    conversation::{Occasion, OptInKind},
    session::{OptIn, SessionState},
};
use segue_store::consent_review::ReviewState;
use segue_testkit::engines;

use crate::scene::*;

async fn consents(scene: &Scene) -> [ConsentState; 2] {
    let (workspace_id, address) = (scene.workspace(), format!("+{ANA}"));
    write(scene.store(), move |tx| {
        let mut state = |medium| tx.consent_state(workspace_id, medium, &address, Purpose::Marketing);
        Ok([state(Medium::Sms)?.state, state(Medium::WhatsApp)?.state])
    })
    .await
}

/// Ana has agreed to marketing on both channels.
async fn granted(scene: &Scene) {
    use segue_model::consent::{ConsentAction, ConsentMethod};
    let (workspace_id, ctx) = (scene.workspace(), scene.ctx().clone());
    for medium in [Medium::Sms, Medium::WhatsApp] {
        let event = segue_store::consent::NewConsentEvent {
            medium,
            address: format!("+{ANA}"),
            purpose: Purpose::Marketing,
            action: ConsentAction::Grant,
            method: ConsentMethod::WebForm,
            wording: Some("Yes, send me offers.".to_owned()),
            proof: None,
            actor: "test".to_owned(),
            occurred_at: ctx.now().plus(-60_000),
        };
        let ctx = ctx.clone();
        scene.store().write(move |tx| tx.record_consent(workspace_id, &event, &ctx)).await.unwrap();
    }
}

async fn reach(scene: &mut Scene, scope: OptOutScope) {
    let workspace_id = scene.workspace();
    write(scene.store(), move |tx| {
        let mut workspace = tx.workspace(workspace_id)?.unwrap();
        workspace.settings.consent.opt_out_scope = scope;
        tx.update_workspace(&workspace)
    })
    .await;
    scene.test.workspace.settings.consent.opt_out_scope = scope;
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_promotions_in_a_chat_reaches_texts_as_the_setting_says() {
    use ConsentState::{Granted, Revoked};
    for (scope, expected) in [
        (OptOutScope::All, [Revoked, Revoked]),
        (OptOutScope::Channel, [Granted, Revoked]),
        (OptOutScope::Sender, [Granted, Revoked]),
        (OptOutScope::Programme, [Granted, Revoked]),
    ] {
        for test in engines().await {
            let mut scene = Scene::new(test).await;
            reach(&mut scene, scope).await;
            granted(&scene).await;
            scene.receive(ana("wamid.1", START, "Stop promotions")).await;
            assert_eq!(consents(&scene).await, expected, "{scope} on {}", scene.test.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clear_no_in_free_words_is_obeyed_and_never_reaches_the_bot() {
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        scene.channel.queue_slug = None;
        granted(&scene).await;
        scene.receive(ana("wamid.1", START, "Por favor no me escriban más")).await;
        let session = scene.session().await;
        assert_eq!((session.state, session.opt_in.state), (SessionState::Ended, OptIn::Declined));
        assert_eq!(consents(&scene).await, [ConsentState::Revoked; 2]);
        let lines = scene.lines(session.id).await;
        assert!(lines.iter().any(|line| line.contains("te has dado de baja")), "in the words' language: {lines:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_a_no_waits_for_a_person_and_the_conversation_goes_on() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        granted(&scene).await;
        scene.receive(ana("wamid.1", START, "I am not interested in that model")).await;
        assert_eq!(consents(&scene).await, [ConsentState::InReview; 2], "{}", scene.test.engine);
        assert_ne!(scene.session().await.state, SessionState::Ended);
        let workspace_id = scene.workspace();
        let open = write(scene.store(), move |tx| tx.reviews(workspace_id, ReviewState::Open, None, 10)).await;
        assert_eq!((open.len(), open[0].medium), (1, Medium::WhatsApp));
        assert_eq!(open[0].text, "I am not interested in that model");
        let lines = scene.lines(scene.session().await.id).await;
        assert!(lines.iter().any(|line| line.contains("may be an opt-out")), "{lines:?}");
        scene.receive(ana("wamid.2", START.plus(1_000), "Which bus stop is next to you?")).await;
        let open = write(scene.store(), move |tx| tx.reviews(workspace_id, ReviewState::Open, None, 10)).await;
        assert_eq!(open.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_at_meta_is_an_opt_out_and_a_resume_there_brings_nobody_back() {
    use segue_channels::whatsapp::{WebhookItem, webhook::UserPreference};
    for test in engines().await {
        let scene = Scene::new(test).await;
        granted(&scene).await;
        let told = |value: &str| {
            WebhookItem::UserPreference(UserPreference {
                waba_id: "1".to_owned(),
                phone_number_id: "106540352242922".to_owned(),
                identity: phone(ANA),
                category: "marketing_messages".to_owned(),
                value: value.to_owned(),
                at: None,
            })
        };
        scene.try_receive(told("resume")).await.unwrap();
        assert_eq!(consents(&scene).await[1], ConsentState::Granted, "{}: nothing to resume", scene.test.engine);
        scene.try_receive(told("stop")).await.unwrap();
        assert_eq!(consents(&scene).await[1], ConsentState::Revoked);
        for value in ["resume", "signup", "brand_new"] {
            scene.try_receive(told(value)).await.unwrap();
            assert_eq!(consents(&scene).await[1], ConsentState::Revoked, "{}: {value}", scene.test.engine);
        }
        assert!(scene.texts(&OUTBOX).await.is_empty(), "nobody is written to because of it");
    }
}

/// What is known of marketing to an address on WhatsApp.
async fn on_whatsapp(scene: &Scene, address: &str) -> ConsentState {
    let (workspace_id, address) = (scene.workspace(), address.to_owned());
    let found = move |tx: &mut segue_store::Tx<'_>| {
        tx.consent_state(workspace_id, Medium::WhatsApp, &address, Purpose::Marketing)
    };
    write(scene.store(), found).await.state
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_from_one_of_two_merged_addresses_covers_both() {
    use segue_model::role::Role;
    const SECOND: &str = "5511999990000";
    for test in engines().await {
        let scene = Scene::new(test).await;
        let boss = scene.user("Kim", Role::Supervisor).await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        let own = scene.session().await;
        scene.advance(1_000);
        scene.receive(text(phone(SECOND), "wamid.2", START.plus(1_000), "Oi")).await;
        let other = scene.sessions().await.into_iter().find(|session| session.id != own.id).unwrap();
        let other_id = other.customer.messaging_user_id;
        let (store, ctx, workspace) = (scene.store(), scene.ctx(), scene.workspace());
        segue_desk::customers::merge(store, ctx, workspace, &boss, own.id, other_id).await.unwrap();
        scene.advance(1_000);
        scene.receive(ana("wamid.3", START.plus(2_000), "STOP")).await;
        for address in [format!("+{ANA}"), format!("+{SECOND}"), "+551199990000".to_owned()] {
            let state = on_whatsapp(&scene, &address).await;
            assert_eq!(state, ConsentState::Revoked, "{} {address}", scene.test.engine);
        }
        // A yes is one of the address it came from.
        scene.advance(1_000);
        scene.receive(ana("wamid.4", START.plus(3_000), "START")).await;
        assert_eq!(on_whatsapp(&scene, &format!("+{ANA}")).await, ConsentState::Granted, "{}", scene.test.engine);
        assert_eq!(on_whatsapp(&scene, &format!("+{SECOND}")).await, ConsentState::Revoked);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_and_a_yes_of_an_account_hold_for_its_number_and_its_id() {
    use segue_channels::whatsapp::Identity;
    for test in engines().await {
        let scene = Scene::new(test).await;
        let both = || Identity { bsuid: Some("US.1".to_owned()), ..phone(ANA) };
        scene.receive(text(both(), "wamid.1", START, "STOP")).await;
        for address in [format!("+{ANA}"), "US.1".to_owned()] {
            let state = on_whatsapp(&scene, &address).await;
            assert_eq!(state, ConsentState::Revoked, "{} {address}", scene.test.engine);
        }
        scene.advance(1_000);
        scene.receive(text(both(), "wamid.2", START.plus(1_000), "START")).await;
        for address in [format!("+{ANA}"), "US.1".to_owned()] {
            let state = on_whatsapp(&scene, &address).await;
            assert_eq!(state, ConsentState::Granted, "{} {address}", scene.test.engine);
        }
    }
}

/// Somebody who hides the number writes, and an agent links them to the contact who has Ana's.
async fn hidden_ana(scene: &Scene) {
    use segue_desk::linking::{self, LinkTo};
    use segue_model::{ContactId, contact::ContactFields, role::Role};
    let boss = scene.user("Kim", Role::Supervisor).await;
    let (workspace_id, now) = (scene.workspace(), scene.test.now());
    let contact_id: ContactId = scene.ctx().id();
    let fields = ContactFields { phone: format!("+{ANA}").parse().ok(), ..ContactFields::default() };
    write(scene.store(), move |tx| tx.insert_contact(workspace_id, contact_id, &fields, now)).await;
    scene.receive(text(hidden("US.1"), "wamid.1", START, "Hello")).await;
    let (session, to) = (scene.session().await, LinkTo::Contact(contact_id));
    linking::link(scene.store(), scene.ctx(), workspace_id, &boss, session.id, to, None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_and_a_yes_of_a_hidden_customer_hold_for_the_number_of_their_contact() {
    use segue_store::{Sql, messaging_user::LinkedBy};
    static LINKED_BY: Sql =
        Sql::portable("LINKED_BY", "UPDATE messaging_users SET linked_by = $2 WHERE workspace_id = $1");
    for (linked_by, expected) in [(LinkedBy::Agent, ConsentState::Granted), (LinkedBy::Email, ConsentState::Revoked)] {
        for test in engines().await {
            let scene = Scene::new(test).await;
            hidden_ana(&scene).await;
            let workspace_id = scene.workspace();
            write(scene.store(), move |tx| tx.execute(&LINKED_BY, &[&workspace_id, &linked_by.as_str()])).await;
            scene.advance(1_000);
            scene.receive(text(hidden("US.1"), "wamid.2", START.plus(1_000), "STOP")).await;
            assert_eq!(consents(&scene).await[1], ConsentState::Revoked, "{}", scene.test.engine);
            scene.advance(1_000);
            scene.receive(text(hidden("US.1"), "wamid.3", START.plus(2_000), "START")).await;
            assert_eq!(on_whatsapp(&scene, "US.1").await, ConsentState::Granted, "{}", scene.test.engine);
            assert_eq!(consents(&scene).await[1], expected, "{} {linked_by}", scene.test.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_opens_a_conversation_begins_it() {
    for kind in [OptInKind::Implicit, OptInKind::Explicit] {
        for test in engines().await {
            let mut scene = Scene::new(test).await;
            scene.set(|settings| settings.opt_in.kind = kind).await;
            scene.say(Occasion::Start, "Welcome.").await;
            scene.receive(ana("wamid.1", START, "STOP")).await;
            assert_eq!(scene.session().await.state, SessionState::Ended);
            scene.advance(1_000);
            scene.receive(ana("wamid.2", START.plus(1_000), "START")).await;
            let session = scene.sessions().await.remove(0);
            let what = format!("{kind} on {}", scene.test.engine);
            assert_eq!((session.state, session.opt_in.state), (SessionState::Waiting, OptIn::Granted), "{what}");
            assert_eq!(scene.count(&WORK_ITEMS).await, 1, "{what}");
            let lines = scene.lines(session.id).await;
            let said: Vec<_> = lines.iter().filter(|line| line.starts_with("bot: ")).collect();
            assert_eq!((said.len(), said[1].as_str()), (2, "bot: Welcome."), "{what}: the confirmation first");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_at_meta_of_a_hidden_customer_holds_for_the_number_of_their_contact() {
    use segue_channels::whatsapp::{WebhookItem, webhook::UserPreference};
    for test in engines().await {
        let scene = Scene::new(test).await;
        granted(&scene).await;
        hidden_ana(&scene).await;
        let preference = UserPreference {
            waba_id: "1".to_owned(),
            phone_number_id: "106540352242922".to_owned(),
            identity: hidden("US.1"),
            category: "marketing_messages".to_owned(),
            value: "stop".to_owned(),
            at: None,
        };
        scene.try_receive(WebhookItem::UserPreference(preference)).await.unwrap();
        assert_eq!(on_whatsapp(&scene, "US.1").await, ConsentState::Revoked, "{}", scene.test.engine);
        assert_eq!(consents(&scene).await[1], ConsentState::Revoked, "{}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_before_a_stop_and_comes_after_it_undoes_nothing() {
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        scene.channel.queue_slug = None;
        let engine = scene.test.engine;
        granted(&scene).await;
        scene.advance(60_000);
        scene.receive(ana("wamid.stop", START.plus(5_000), "STOP")).await;
        let said = scene.texts(&OUTBOX).await;
        for (wamid, words) in [("wamid.start", "START"), ("wamid.hello", "Hello"), ("wamid.no", "not interested")] {
            scene.receive(ana(wamid, START, words)).await;
            assert_eq!(consents(&scene).await, [ConsentState::Revoked; 2], "{engine}: {words}");
            let session = scene.session().await;
            assert_eq!((session.state, session.opt_in.state), (SessionState::Ended, OptIn::Declined), "{engine}");
            let lines = scene.lines(session.id).await;
            assert!(lines.contains(&format!("customer: {words}")), "{engine}: {lines:?}");
        }
        assert_eq!(scene.texts(&OUTBOX).await, said, "{engine}: nothing is said to it");
        // Of what was written in the same second the order of arrival counts.
        scene.receive(ana("wamid.back", START.plus(5_000), "START")).await;
        assert_eq!(consents(&scene).await[1], ConsentState::Granted, "{engine}");
        assert_eq!(scene.sessions().await[0].opt_in.state, OptIn::Granted, "{engine}");
        scene.receive(ana("wamid.again", START.plus(5_000), "STOP")).await;
        assert_eq!(consents(&scene).await[1], ConsentState::Revoked, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_that_comes_after_a_later_yes_holds_as_it_is_confirmed() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let engine = scene.test.engine;
        granted(&scene).await;
        scene.advance(60_000);
        scene.receive(ana("wamid.1", START, "STOP")).await;
        scene.receive(ana("wamid.3", START.plus(11_000), "START")).await;
        assert_eq!(consents(&scene).await[1], ConsentState::Granted, "{engine}");
        scene.receive(ana("wamid.2", START.plus(9_000), "STOP")).await;
        assert_eq!(scene.sessions().await[0].opt_in.state, OptIn::Declined, "{engine}");
        assert_eq!(
            consents(&scene).await[1],
            ConsentState::Revoked,
            "{engine}: the ledger says what the customer was told"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_message_opens_no_agents_conversation_again() {
    for kind in [OptInKind::Implicit, OptInKind::Explicit] {
        for test in engines().await {
            let mut scene = Scene::new(test).await;
            let agent = scene.agent("Sam").await;
            let session = scene.accepted(&agent).await;
            scene.set(|settings| settings.opt_in.kind = kind).await;
            scene.advance(60_000);
            scene.receive(ana("wamid.stop", START.plus(20_000), "STOP")).await;
            let said = scene.texts(&OUTBOX).await;
            for (wamid, words) in [("wamid.start", "START"), ("wamid.no", "I will think about it")] {
                scene.receive(ana(wamid, START.plus(10_000), words)).await;
                assert_eq!(scene.session().await.opt_in.state, OptIn::Declined, "{kind}, {}", scene.test.engine);
            }
            assert!(scene.reply(&agent, session.id, "1", "And now?").await.is_err());
            assert_eq!(scene.texts(&OUTBOX).await, said, "{kind}, {}", scene.test.engine);
            // What comes after it takes the conversation up, with the word where one is asked for.
            scene.receive(ana("wamid.2", START.plus(30_000), "One more question")).await;
            let is_taken_up = scene.session().await.opt_in.state == OptIn::Granted;
            assert_eq!(is_taken_up, kind == OptInKind::Implicit, "{kind}, {}", scene.test.engine);
            scene.receive(ana("wamid.3", START.plus(31_000), "yes")).await;
            assert_eq!(scene.session().await.opt_in.state, OptIn::Granted, "{kind}, {}", scene.test.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_from_before_a_stop_at_meta_undoes_nothing() {
    use segue_channels::whatsapp::{WebhookItem, webhook::UserPreference};
    for test in engines().await {
        let scene = Scene::new(test).await;
        granted(&scene).await;
        scene.advance(60_000);
        let stop = UserPreference {
            waba_id: "1".to_owned(),
            phone_number_id: "106540352242922".to_owned(),
            identity: phone(ANA),
            category: "marketing_messages".to_owned(),
            value: "stop".to_owned(),
            at: Some(START.plus(5_000)),
        };
        scene.try_receive(WebhookItem::UserPreference(stop)).await.unwrap();
        scene.receive(ana("wamid.1", START, "START")).await;
        assert_eq!(consents(&scene).await[1], ConsentState::Revoked, "{}", scene.test.engine);
        scene.receive(ana("wamid.2", START.plus(6_000), "START")).await;
        assert_eq!(consents(&scene).await[1], ConsentState::Granted, "{}", scene.test.engine);
    }
}
