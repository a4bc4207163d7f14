//! One Messaging User per customer, under whatever names they come.

use segue_channels::whatsapp::{Identity, WebhookItem, webhook::UserIdUpdate};
use segue_desk::inbound::InboundError;
use segue_model::session::SessionState;
use segue_testkit::engines;
use serde_json::json;

use crate::scene::*;

const BSUID: &str = "US.13491208655302741918";

fn both() -> Identity {
    Identity { bsuid: Some(BSUID.to_owned()), ..phone(ANA) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_becomes_known_is_added_to_the_hidden_customer() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        scene.receive(text(hidden(BSUID), "wamid.1", START, "Hello")).await;
        let before = scene.session().await;
        assert_eq!(
            (before.customer.phone.clone(), before.customer.contact_id),
            (None, None),
            "nobody to link: it is asked"
        );
        scene.receive(text(both(), "wamid.2", START.plus(1_000), "It is me")).await;
        let after = scene.session().await;
        assert_eq!(after.id, before.id);
        assert_eq!(after.customer.phone, Some(format!("+{ANA}").parse().unwrap()));
        assert!(after.customer.contact_id.is_some(), "with the number a contact could be created");
        assert_eq!(scene.count(&USERS).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_users_that_are_one_are_merged_with_their_sessions() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        scene.receive(text(hidden(BSUID), "wamid.1", START, "Hello from the new phone")).await;
        let hidden_session = scene.session().await;
        scene.advance(1_000);
        // The agent has the session of the number; it goes on although it is the younger one.
        scene.available(&agent).await;
        scene.receive(ana("wamid.2", START.plus(1_000), "Hello")).await;
        scene.sweep().await;
        let offers = scene.offers(&agent).await;
        assert_eq!(offers.len(), 2);
        let mut mine = None;
        for offer in offers {
            let session = scene.accept(&agent, offer).await;
            if let Ok(session) = session
                && session.id != hidden_session.id
            {
                mine = Some(session);
            } else {
                let workspace = scene.workspace();
                let target = segue_desk::routing::Target::Queue(scene.queue);
                segue_desk::routing::transfer(scene.store(), scene.ctx(), workspace, &agent, hidden_session.id, target)
                    .await
                    .unwrap();
            }
        }
        let mine = mine.unwrap();
        assert_eq!(scene.count(&USERS).await, 2);
        scene.advance(1_000);
        scene.receive(text(both(), "wamid.3", START.plus(2_000), "Both are me")).await;
        assert_eq!(scene.count(&USERS).await, 1);
        let sessions = scene.sessions().await;
        assert_eq!(sessions.len(), 2, "both sessions are kept");
        let owner = sessions[0].customer.messaging_user_id;
        assert!(sessions.iter().all(|session| session.customer.messaging_user_id == owner));
        let state = |id| sessions.iter().find(|session| session.id == id).map(|session| session.state);
        assert_eq!(state(mine.id), Some(SessionState::Active), "{}", scene.test.engine);
        assert_eq!(state(hidden_session.id), Some(SessionState::Ended));
        assert!(scene.lines(mine.id).await.contains(&"customer: Both are me".to_owned()));
        assert_eq!(scene.load(&agent).await, 1_000, "the ended session uses nobody's capacity");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_messages_of_one_customer_under_two_names_at_once_end_as_one_user() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let all = (0..30).map(|number| {
            let identity = match number % 3 {
                0 => hidden(BSUID),
                1 => phone(ANA),
                _ => both(),
            };
            scene.receive(text(identity, &format!("wamid.{number}"), START.plus(number), "Hello"))
        });
        futures::future::join_all(all).await;
        assert_eq!(scene.count(&USERS).await, 1);
        let open = scene.sessions().await.into_iter().filter(|session| session.state != SessionState::Ended);
        assert_eq!(open.count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_number_or_id_replaces_the_old_one() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        scene.receive(text(both(), "wamid.1", START, "Hello")).await;
        let system = json!({"type": "system", "system": {"type": "user_changed_number", "body": "Ana changed", "wa_id": "15550100009"}});
        scene.receive(message(both(), "wamid.2", START.plus(1_000), system)).await;
        let session = scene.session().await;
        assert_eq!(session.customer.phone, Some("+15550100009".parse().unwrap()));
        assert_eq!(scene.lines(session.id).await.last().unwrap(), "system: Ana changed");
        let update = UserIdUpdate {
            waba_id: "1".to_owned(),
            phone_number_id: "2".to_owned(),
            wa_id: None,
            previous: Some(BSUID.to_owned()),
            current: "US.2".to_owned(),
            current_parent: None,
            at: None,
        };
        scene.try_receive(WebhookItem::UserIdUpdate(update)).await.unwrap();
        scene.receive(text(hidden("US.2"), "wamid.3", START.plus(2_000), "New id")).await;
        assert_eq!(scene.session().await.id, session.id);
        assert_eq!(scene.count(&USERS).await, 1);
        // The old number belongs to somebody else now.
        scene.receive(ana("wamid.4", START.plus(3_000), "Who are you?")).await;
        assert_eq!(scene.count(&USERS).await, 2);
    }
}

/// A customer with an id and a number.
fn known(bsuid: &str, digits: &str) -> Identity {
    Identity { bsuid: Some(bsuid.to_owned()), ..phone(digits) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_passes_to_another_customer_joins_nobody() {
    const OTHER: &str = "15550100002";
    for is_told in [false, true] {
        for test in engines().await {
            let scene = Scene::new(test).await;
            scene.receive(text(known("US.1", ANA), "wamid.1", START, "I am Ana")).await;
            let own = scene.session().await;
            scene.receive(text(known("US.2", OTHER), "wamid.2", START.plus(1_000), "I am Ben")).await;
            let other = scene.sessions().await.into_iter().find(|session| session.id != own.id).unwrap();
            if is_told {
                let system = json!({"type": "system", "system":
                    {"type": "user_changed_number", "body": "Ana changed", "wa_id": OTHER}});
                scene.receive(message(known("US.1", ANA), "wamid.3", START.plus(2_000), system)).await;
            } else {
                scene.receive(text(known("US.1", OTHER), "wamid.3", START.plus(2_000), "My new number")).await;
            }
            assert_eq!(scene.count(&USERS).await, 2, "{} {is_told}", scene.test.engine);
            scene.receive(text(hidden("US.2"), "wamid.4", START.plus(3_000), "Still Ben")).await;
            scene.receive(text(known("US.1", OTHER), "wamid.5", START.plus(4_000), "Still Ana")).await;
            let (of_ana, of_ben) = (scene.lines(own.id).await, scene.lines(other.id).await);
            assert!(of_ben.contains(&"customer: Still Ben".to_owned()), "{of_ben:?}");
            assert!(of_ben.iter().any(|line| line.contains("belongs to somebody else now")), "{of_ben:?}");
            assert!(of_ana.contains(&"customer: Still Ana".to_owned()), "{of_ana:?}");
            assert!(!of_ana.contains(&"customer: Still Ben".to_owned()), "{of_ana:?}");
            assert!(scene.sessions().await.iter().all(|session| session.ended_at.is_none()));
            let workspace_id = scene.workspace();
            for (session, expected) in [(&own, format!("+{OTHER}")), (&other, "US.2".to_owned())] {
                let id = session.customer.messaging_user_id;
                let address = write(scene.store(), move |tx| tx.address_of(workspace_id, id)).await;
                assert_eq!(address.unwrap().1, expected, "{} {is_told}", scene.test.engine);
            }
            let shown = scene.sessions().await.into_iter().find(|session| session.id == other.id).unwrap();
            assert_eq!(shown.customer.phone, None, "the number is another customer's");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_who_has_the_number_now_is_not_led_into_the_conversation_of_whoever_had_it() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        scene.receive(text(known("US.1", ANA), "wamid.1", START, "I am Ana")).await;
        let own = scene.session().await;
        scene.receive(text(known("US.7", ANA), "wamid.2", START.plus(1_000), "I have this number now")).await;
        assert_eq!(scene.count(&USERS).await, 2, "{}", scene.test.engine);
        let other = scene.sessions().await.into_iter().find(|session| session.id != own.id).unwrap();
        let of_ana = scene.lines(own.id).await;
        assert!(!of_ana.contains(&"customer: I have this number now".to_owned()), "{of_ana:?}");
        assert!(of_ana.iter().any(|line| line.contains("belongs to somebody else now")), "{of_ana:?}");
        scene.receive(text(hidden("US.1"), "wamid.3", START.plus(2_000), "Still Ana")).await;
        assert_eq!(scene.lines(own.id).await.last().unwrap(), "customer: Still Ana", "{}", scene.test.engine);
        // WhatsApp says itself that the two are one.
        let update = UserIdUpdate {
            waba_id: "1".to_owned(),
            phone_number_id: "2".to_owned(),
            wa_id: Some(ANA.to_owned()),
            previous: Some("US.1".to_owned()),
            current: "US.7".to_owned(),
            current_parent: None,
            at: None,
        };
        scene.try_receive(WebhookItem::UserIdUpdate(update)).await.unwrap();
        assert_eq!(scene.count(&USERS).await, 1, "{}", scene.test.engine);
        assert!(scene.sessions().await.iter().any(|session| session.id == other.id && session.ended_at.is_some()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_of_ids_does_not_find_somebody_else_by_the_number() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        scene.receive(text(known("US.1", ANA), "wamid.1", START, "Hello")).await;
        let session = scene.session().await;
        let update = |previous: Option<&str>, current: &str| {
            WebhookItem::UserIdUpdate(UserIdUpdate {
                waba_id: "1".to_owned(),
                phone_number_id: "2".to_owned(),
                wa_id: Some(ANA.to_owned()),
                previous: previous.map(str::to_owned),
                current: current.to_owned(),
                current_parent: None,
                at: None,
            })
        };
        // Whoever had the number before, and never wrote, has a new id.
        scene.try_receive(update(Some("US.8"), "US.9")).await.unwrap();
        scene.receive(text(hidden("US.9"), "wamid.2", START.plus(1_000), "Somebody else")).await;
        assert_eq!(scene.count(&USERS).await, 2, "{}", scene.test.engine);
        scene.try_receive(update(None, "US.9")).await.unwrap();
        scene.receive(text(hidden("US.1"), "wamid.3", START.plus(2_000), "Ana again")).await;
        assert_eq!(scene.count(&USERS).await, 2, "{}", scene.test.engine);
        assert_eq!(scene.lines(session.id).await.last().unwrap(), "customer: Ana again");
        // Without the id of before, the number tells whose the new one is.
        scene.try_receive(update(None, "US.3")).await.unwrap();
        scene.receive(text(hidden("US.3"), "wamid.4", START.plus(3_000), "A new id")).await;
        assert_eq!(scene.lines(session.id).await.last().unwrap(), "customer: A new id");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_nobody_is_refused() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let item = WebhookItem::Message(Box::new(text(Identity::default(), "wamid.1", START, "Boo")));
        assert!(matches!(scene.try_receive(item).await, Err(InboundError::NoIdentity)));
        assert!(scene.sessions().await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_go_to_the_number_the_customer_uses_now() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        scene.receive(text(both(), "wamid.1", START, "Hello")).await;
        let moved = Identity { bsuid: Some(BSUID.to_owned()), ..phone("15550100000") };
        scene.receive(text(moved, "wamid.2", START.plus(1_000), "My new phone")).await;
        let session = scene.session().await;
        assert_eq!(session.customer.phone, Some("+15550100000".parse().unwrap()));
        let (workspace_id, id) = (scene.workspace(), session.customer.messaging_user_id);
        let address = write(scene.store(), move |tx| tx.address_of(workspace_id, id)).await;
        assert_eq!(address.unwrap().1, "+15550100000");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_card_a_hidden_customer_was_asked_for_tells_the_number() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        scene.receive(text(hidden(BSUID), "wamid.1", START, "Hello")).await;
        let card = |origin| {
            json!({"type": "contacts", "contacts": [
            {"origin": origin, "phones": [{"phone": "+1 555 010 0001", "wa_id": ANA, "type": "CELL"}]}]})
        };
        scene.receive(message(hidden(BSUID), "wamid.2", START.plus(1_000), card("other"))).await;
        assert_eq!(scene.session().await.customer.phone, None, "the card of somebody else");
        scene.receive(message(hidden(BSUID), "wamid.3", START.plus(2_000), card("contact_request"))).await;
        let session = scene.session().await;
        assert_eq!(session.customer.phone, Some(format!("+{ANA}").parse().unwrap()));
        assert!(session.customer.contact_id.is_some());
    }
}
