//! First messages, repeats, order, the service window, albums, what customers can send, STOP.

use segue_model::{
    consent::{ConsentState, Medium, Purpose},
    role::Role,
    session::{OptIn, SessionState},
    time,
};
use segue_store::{Sql, message::MessageKind};
use segue_testkit::engines;
use serde_json::json;

use crate::scene::*;

#[tokio::test(flavor = "multi_thread")]
async fn many_first_messages_at_once_make_one_of_each() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let all = (0..64).map(|number| {
            let message = ana(&format!("wamid.{number}"), START.plus(number * 1_000), "Hello");
            scene.receive(message)
        });
        futures::future::join_all(all).await;
        let session = scene.session().await;
        assert_eq!(scene.count(&USERS).await, 1);
        assert_eq!(scene.count(&WORK_ITEMS).await, 1);
        assert_eq!(scene.count(&CONTACTS).await, 1);
        assert_eq!(session.unread_count, 64);
        let asked = scene.texts(&OUTBOX).await;
        assert_eq!(asked, [format!("opt_in:{}", session.id)], "the opt-in message is sent once");
        let events = scene.texts(&EVENTS).await;
        assert_eq!(events.iter().filter(|kind| *kind == "session.created").count(), 1);
        assert_eq!(events.iter().filter(|kind| *kind == "message.created").count(), 65);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_message_changes_nothing_and_order_is_the_providers() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        scene.advance(10_000);
        for (wamid, seconds) in [("c", 3), ("a", 1), ("c", 3), ("d", 4), ("b", 2), ("a", 1), ("d", 4)] {
            scene.receive(ana(&format!("wamid.{wamid}"), START.plus(seconds * 1_000), wamid)).await;
        }
        let session = scene.session().await;
        let customer: Vec<String> =
            scene.lines(session.id).await.into_iter().filter(|l| l.starts_with("cust")).collect();
        assert_eq!(customer, ["customer: a", "customer: b", "customer: c", "customer: d"]);
        assert_eq!(session.unread_count, 4);
        let expires = START.plus(4_000 + 24 * time::HOUR);
        assert_eq!(session.window_expires_at, Some(expires), "a late message does not pull the window back");
        let before = scene.texts(&EVENTS).await;
        scene.receive(ana("wamid.a", START.plus(1_000), "a")).await;
        assert_eq!(scene.texts(&EVENTS).await, before, "a repeat is not even told");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_counts_from_the_providers_time_whatever_our_clock_says() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        // Our clock is ten minutes ahead of the provider's.
        scene.advance(600_000);
        let session = scene.accepted(&agent).await;
        let end = START.plus(24 * time::HOUR);
        assert_eq!(session.window_expires_at, Some(end));
        let guard = segue_model::window::GUARD;
        scene.test.clock.set(end.plus(-guard - 1_000));
        assert!(send(&scene, &agent, "in-time").await.is_ok());
        scene.test.clock.set(end.plus(-guard + 1_000));
        assert_eq!(send(&scene, &agent, "late").await, Err("window_closed"));
        // A message that comes late tells its own time: it opens the window from then, not from its receipt.
        scene.test.clock.set(end.plus(time::HOUR));
        scene.receive(ana("wamid.late", START.plus(2 * time::HOUR), "Still there?")).await;
        assert_eq!(scene.session().await.window_expires_at, Some(end.plus(2 * time::HOUR)));
        assert!(send(&scene, &agent, "again").await.is_ok());
        assert_eq!(scene.texts(&OUTBOX).await.len(), 3, "the opt-in message and two replies");
    }
}

async fn send(scene: &Scene, agent: &segue_model::actor::Actor, client_id: &str) -> Result<(), &'static str> {
    let reply = segue_desk::messages::NewReply {
        client_id: client_id.to_owned(),
        draft: segue_desk::messages::Draft::Text { text: "Yes".to_owned() },
        seen_seq: None,
    };
    let session = scene.session().await;
    let sent =
        segue_desk::messages::send(scene.store(), scene.ctx(), scene.workspace(), agent, session.id, reply).await;
    sent.map(|_| ()).map_err(|error| error.code())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_album_is_one_session_with_a_file_each() {
    static JOBS: Sql = Sql::portable("JOBS", "SELECT kind FROM jobs WHERE workspace_id = $1");
    for test in engines().await {
        let scene = Scene::new(test).await;
        let images = (0..5).map(|number| {
            let image = json!({ "type": "image", "image": { "id": number, "mime_type": "image/jpeg; x=1", "caption": "Broken" } });
            scene.receive(message(phone(ANA), &format!("wamid.{number}"), START, image))
        });
        futures::future::join_all(images).await;
        let session = scene.session().await;
        let transcript = scene.transcript(session.id).await;
        let pictures: Vec<_> = transcript.iter().filter(|entry| entry.kind == MessageKind::Image).collect();
        assert_eq!(pictures.len(), 5);
        assert!(pictures.iter().all(|entry| entry.media.as_ref().is_some_and(|media| media.mime == "image/jpeg")));
        assert_eq!(scene.texts(&JOBS).await, vec!["fetch_media"; 5]);
        assert_eq!(session.opt_in.state, OptIn::Asked, "the rest of an album is no answer to the opt-in message");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_customer_sends_becomes_an_entry() {
    let kinds = [
        (
            json!({"type": "location", "location": {"latitude": 1.5, "longitude": 2.5, "name": "Shop"}}),
            "location",
            "[Location] Shop",
        ),
        (
            json!({"type": "contacts", "contacts": [{"name": {"formatted_name": "Bo"}, "phones": []}]}),
            "contacts",
            "[Contact] Bo",
        ),
        (json!({"type": "button", "button": {"payload": "p", "text": "Continue"}}), "reply", "Continue"),
        (
            json!({"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": "a", "title": "Row"}}}),
            "reply",
            "Row",
        ),
        (
            json!({"type": "order", "order": {"product_items": [{"product_retailer_id": "p"}]}}),
            "order",
            "[Order] 1 item(s)",
        ),
        (json!({"type": "audio", "audio": {"id": "9", "voice": true}}), "audio", ""),
        (json!({"type": "sticker", "sticker": {"id": "9"}}), "sticker", ""),
        (json!({"type": "document", "document": {"id": "9", "filename": "a.pdf"}}), "document", ""),
        (json!({"type": "video", "video": {"id": "9", "caption": "Look"}}), "video", "Look"),
        (
            json!({"type": "unsupported", "errors": [{"code": 131051}]}),
            "unsupported",
            "A message that WhatsApp does not pass on. Ask the customer to send it in another way.",
        ),
        (
            json!({"type": "unsupported", "unsupported": {"type": "poll"}, "errors": [{"code": 131051}]}),
            "unsupported",
            "WhatsApp does not pass on messages of the type \u{201c}poll\u{201d}. Ask the customer to send it in another way.",
        ),
        (
            json!({"type": "unsupported", "errors": [{"code": 131052}]}),
            "unsupported",
            "A file that is too large to receive. Ask the customer to send it in another way.",
        ),
        (
            json!({"type": "interactive", "errors": [{"code": 131000, "title": "Something went wrong"}]}),
            "unsupported",
            "Something went wrong at WhatsApp. Ask the customer to send it in another way.",
        ),
        (
            json!({"type": "interactive", "errors": [{"code": 99999999}]}),
            "unsupported",
            "A message that WhatsApp does not pass on. Ask the customer to send it in another way.",
        ),
        (
            json!({"type": "hologram"}),
            "unsupported",
            "A message of a type that is not known here (\u{201c}hologram\u{201d}). Ask the customer to send it in another way.",
        ),
        (
            json!({"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {"name": "flow", "response_json": "{\"size\":\"M\"}"}}}),
            "reply",
            "[Form completed]",
        ),
        (
            json!({"type": "interactive", "interactive": {"type": "call_permission_reply", "call_permission_reply": {"response": "reject"}}}),
            "reply",
            "The customer does not want to be called.",
        ),
        (
            json!({"type": "call", "call": {"event": "connect"}}),
            "system",
            "The customer called on WhatsApp. Calls are not answered here; write back.",
        ),
    ];
    for test in engines().await {
        let scene = Scene::new(test).await;
        scene.receive(ana("wamid.first", START, "Hello")).await;
        let id = scene.session().await.id;
        for (number, (body, kind, shown)) in kinds.iter().enumerate() {
            let at = START.plus((number as i64 + 1) * 1_000);
            scene.advance(1_000);
            scene.receive(message(phone(ANA), &format!("wamid.{number}"), at, body.clone())).await;
            let last = scene.transcript(id).await.pop().unwrap();
            assert_eq!((last.kind.as_str(), last.text.as_str()), (*kind, *shown));
        }
        // What is about another message stands beside it and reaches nobody else.
        let window = scene.session().await.window_expires_at;
        let later = START.plus(60_000);
        scene.test.clock.set(later);
        let reaction = json!({"type": "reaction", "reaction": {"message_id": "wamid.first", "emoji": "👍"}});
        scene.receive(message(phone(ANA), "wamid.r", later, reaction)).await;
        let revoke = json!({"type": "revoke", "revoke": {"original_message_id": "wamid.first"}});
        scene.receive(message(phone(ANA), "wamid.v", later, revoke)).await;
        let transcript = scene.transcript(id).await;
        let [.., reacted] = &transcript[..] else { panic!("one more entry") };
        assert_eq!((reacted.kind, reacted.text.as_str()), (MessageKind::Reaction, "👍"));
        assert_eq!(reacted.reply_to, Some(transcript[0].id));
        assert!(transcript[0].details.as_ref().is_some_and(|details| details.deleted_at.is_some()));
        assert_eq!(scene.session().await.window_expires_at, window, "a reaction is not counted on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writing_on_is_the_agreement_and_it_stays_with_the_session() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        let asked = scene.session().await;
        assert_eq!((asked.opt_in.state, asked.opt_in.at), (OptIn::Asked, Some(scene.test.now())));
        let lines = scene.lines(asked.id).await;
        assert!(lines[1].starts_with("bot: Thanks for writing to Our team."), "{lines:?}");
        scene.advance(5_000);
        scene.receive(ana("wamid.2", START.plus(5_000), "Where is my order?")).await;
        assert_eq!(scene.session().await.opt_in.state, OptIn::Granted);
        assert_eq!(consent(&scene, Medium::WhatsApp).await, ConsentState::None, "apart from every other consent");
    }
}

async fn consent(scene: &Scene, medium: Medium) -> ConsentState {
    let workspace_id = scene.workspace();
    let address = format!("+{ANA}");
    write(scene.store(), move |tx| tx.consent_state(workspace_id, medium, &address, Purpose::Marketing)).await.state
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_ends_consent_and_the_bots_session_and_start_comes_back() {
    for test in engines().await {
        let mut scene = Scene::new(test).await;
        scene.channel.queue_slug = None;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        assert_eq!(scene.session().await.state, SessionState::Error, "nobody takes it, and that is seen");
        scene.advance(1_000);
        scene.receive(ana("wamid.2", START.plus(1_000), " Stop. ")).await;
        let stopped = scene.session().await;
        assert_eq!((stopped.state, stopped.opt_in.state), (SessionState::Ended, OptIn::Declined));
        assert_eq!(consent(&scene, Medium::WhatsApp).await, ConsentState::Revoked);
        assert_eq!(consent(&scene, Medium::Sms).await, ConsentState::Revoked, "a no counts everywhere");
        let sent = scene.texts(&OUTBOX).await;
        assert_eq!(sent[1..], [format!("keyword:{}:wamid.2", stopped.id)], "one confirmation and nothing else");
        scene.advance(1_000);
        scene.receive(ana("wamid.3", START.plus(2_000), "START")).await;
        assert_eq!(consent(&scene, Medium::WhatsApp).await, ConsentState::Granted);
        assert_eq!(consent(&scene, Medium::Sms).await, ConsentState::Revoked);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_counts_for_the_number_that_texts_go_to() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        // Texts go to the number with the ninth digit; WhatsApp names the customer without it.
        let contact = "+5511999990000";
        scene.test.contact(contact, "Ana").await;
        scene.receive(text(phone("551199990000"), "wamid.1", START, "STOP")).await;
        // A customer who hides the number, linked by an agent.
        let other = "+15550100077";
        let other_id = scene.test.contact(other, "Eva").await;
        scene.receive(text(hidden("US.1"), "wamid.2", START, "Hello")).await;
        let supervisor = scene.user("Kim", Role::Supervisor).await;
        let session = scene.sessions().await.into_iter().find(|session| session.customer.phone.is_none()).unwrap().id;
        let to = segue_desk::linking::LinkTo::Contact(other_id);
        segue_desk::linking::link(scene.store(), scene.ctx(), scene.workspace(), &supervisor, session, to, None)
            .await
            .unwrap();
        scene.receive(text(hidden("US.1"), "wamid.3", START.plus(1_000), "STOP")).await;
        for address in [contact, other] {
            for medium in [Medium::Sms, Medium::WhatsApp] {
                let workspace_id = scene.workspace();
                let state =
                    write(scene.store(), move |tx| tx.consent_state(workspace_id, medium, address, Purpose::Marketing))
                        .await
                        .state;
                assert_eq!(state, ConsentState::Revoked, "{address} {medium}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_stop_the_agent_cannot_write_until_the_customer_does() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let agent = scene.agent("Sam").await;
        scene.accepted(&agent).await;
        scene.receive(ana("wamid.stop", START.plus(1_000), "STOP")).await;
        assert_eq!(scene.session().await.state, SessionState::Active, "the agent sees what happened");
        assert_eq!(send(&scene, &agent, "a").await, Err("opted_out"));
        scene.receive(ana("wamid.4", START.plus(2_000), "One more thing")).await;
        assert!(send(&scene, &agent, "b").await.is_ok());
        // A button that says "Cancel" is an answer.
        let button = json!({"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": "c", "title": "Cancel"}}});
        scene.receive(message(phone(ANA), "wamid.5", START.plus(3_000), button)).await;
        assert_eq!(scene.session().await.opt_in.state, OptIn::Granted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_to_a_number_without_a_channel_is_not_answered_from_another() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let mut elsewhere = ana("wamid.1", START, "Hello");
        elsewhere.phone_number_id = "999".to_owned();
        scene.receive(elsewhere).await;
        assert_eq!(scene.count(&USERS).await, 0);
        assert!(scene.texts(&OUTBOX).await.is_empty(), "the customer never wrote to this number");
        scene.receive(ana("wamid.2", START, "Hello")).await;
        assert_eq!(scene.count(&USERS).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_customer_wrote_last_is_kept_to_the_minute() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let workspace = scene.workspace();
        let heard = async || {
            let id = scene.session().await.customer.messaging_user_id;
            let user = write(scene.store(), move |tx| tx.messaging_user(workspace, id)).await.unwrap();
            (user.last_inbound_at.unwrap().since(START), user.profile_name)
        };
        // Until the customer has agreed by writing on, each message counts to the second.
        for second in [0, 1, 2] {
            scene.receive(ana(&format!("wamid.{second}"), START.plus(second * 1_000), "Hello")).await;
        }
        let first = heard().await;
        assert!(first.0 <= 2_000, "{}", scene.test.engine);
        scene.receive(ana("wamid.30", START.plus(30_000), "And this")).await;
        assert_eq!(heard().await, first, "{}: within the minute nothing is written", scene.test.engine);
        let window = scene.session().await.window_expires_at.unwrap();
        assert_eq!(window, START.plus(30_000 + 24 * 60 * 60_000), "the conversation's own window is exact");
        let mut renamed = ana("wamid.31", START.plus(31_000), "It is me");
        renamed.identity.profile_name = Some("Ana L.".to_owned());
        scene.receive(renamed).await;
        assert_eq!(heard().await, (31_000, Some("Ana L.".to_owned())), "{}: a new name is", scene.test.engine);
        scene.receive(ana("wamid.95", START.plus(95_000), "Later")).await;
        assert_eq!(heard().await.0, 95_000, "{}", scene.test.engine);
    }
}
