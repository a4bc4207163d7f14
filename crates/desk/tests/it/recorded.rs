//! What belongs to a conversation without being a message to us: written in WhatsApp's own app, history, calls, groups,
//! afterthoughts about what is not here, and the details of what was sent.

use segue_channels::whatsapp::{RecordedMessage, WebhookItem, Writer, webhook::Record};
use segue_desk::inbound::InboundError;
use segue_model::{
    Timestamp,
    role::Role,
    session::{OptIn, SessionState},
};
use segue_store::{
    Sql,
    message::{AuthorKind, Direction, MessageKind},
};
use segue_testkit::engines;
use serde_json::{Value, json};

use crate::scene::*;

fn recorded(wamid: &str, at: Timestamp, writer: Writer, record: Record, message: Value) -> WebhookItem {
    WebhookItem::Recorded(Box::new(RecordedMessage {
        waba_id: "1".to_owned(),
        phone_number_id: "106540352242922".to_owned(),
        wamid: wamid.to_owned(),
        at: Some(at),
        customer: phone(ANA),
        writer,
        record,
        message,
    }))
}

fn words(body: &str) -> Value {
    json!({"type": "text", "text": {"body": body}})
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_in_the_app_is_shown_and_nobody_answers_it() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        // To a customer nobody here knows: kept in a session that is over.
        let first = recorded("wamid.e1", START, Writer::Business, Record::App, words("Your table is ready"));
        for _ in 0..2 {
            scene.try_receive(first.clone()).await.unwrap();
        }
        let session = scene.session().await;
        assert_eq!((session.state, session.unread_count), (SessionState::Ended, 0), "{}", scene.test.engine);
        assert!(scene.texts(&OUTBOX).await.is_empty() && scene.count(&WORK_ITEMS).await == 0);
        let transcript = scene.transcript(session.id).await;
        let echo = transcript.iter().find(|entry| entry.kind == MessageKind::Text).unwrap();
        assert_eq!(
            transcript.iter().filter(|entry| entry.kind == MessageKind::Text).count(),
            1,
            "a repeat is one entry"
        );
        assert_eq!((echo.direction, echo.author.kind, echo.state), (Direction::Outbound, AuthorKind::Agent, None));
        assert!(echo.details.as_ref().unwrap().written_in_app);

        // The customer writes: a session of its own, as for anybody. What is then written in the app stands in it.
        scene.receive(ana("wamid.1", START.plus(1_000), "Coming")).await;
        let open = scene.sessions().await.into_iter().find(|each| each.state != SessionState::Ended).unwrap();
        let sent = scene.texts(&OUTBOX).await;
        scene
            .try_receive(recorded("wamid.e2", START.plus(2_000), Writer::Business, Record::App, words("Fine")))
            .await
            .unwrap();
        let revoke = json!({"type": "revoke", "revoke": {"original_message_id": "wamid.e2"}});
        scene
            .try_receive(recorded("wamid.e3", START.plus(3_000), Writer::Business, Record::App, revoke))
            .await
            .unwrap();
        let lines = scene.lines(open.id).await;
        assert!(lines.contains(&"agent: Fine".to_owned()), "{lines:?}");
        assert_eq!(lines.last().unwrap(), "system: A message was deleted in the WhatsApp Business app.");
        let after = scene.sessions().await.into_iter().find(|each| each.id == open.id).unwrap();
        assert_eq!((after.unread_count, after.window_expires_at), (open.unread_count, open.window_expires_at));
        assert_eq!(scene.texts(&OUTBOX).await, sent, "nothing is sent because of it");
    }
}

static SUBMITTING: Sql = Sql::portable("SUBMITTING", "UPDATE outbox SET state = 'submitting' WHERE workspace_id = $1");
static ACCEPTED: Sql = Sql::portable(
    "ACCEPTED",
    "UPDATE outbox SET state = 'accepted', provider_id = 'wamid.x' WHERE workspace_id = $1 AND state = 'submitting'",
);

#[tokio::test(flavor = "multi_thread")]
async fn an_echo_that_comes_before_the_answer_to_its_send_is_no_second_entry() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        scene.receive(ana("wamid.1", START, "Hello")).await;
        let (workspace_id, id) = (scene.workspace(), scene.session().await.id);
        write(scene.store(), move |tx| tx.execute(&SUBMITTING, &[&workspace_id])).await;
        let before = scene.transcript(id).await.len();
        let echo =
            || recorded("wamid.x", START.plus(1_000), Writer::Business, Record::App, words("Thanks for writing."));
        let waits = scene.try_receive(echo()).await;
        assert!(matches!(waits, Err(InboundError::BeingSent)), "{}: {waits:?}", scene.test.engine);
        write(scene.store(), move |tx| tx.execute(&ACCEPTED, &[&workspace_id])).await;
        scene.try_receive(echo()).await.unwrap();
        assert_eq!(scene.transcript(id).await.len(), before, "{}: it is that message", scene.test.engine);
        let other = recorded("wamid.y", START.plus(2_000), Writer::Business, Record::App, words("By hand"));
        scene.try_receive(other).await.unwrap();
        assert_eq!(scene.transcript(id).await.len(), before + 1, "{}", scene.test.engine);

        // What has no answer after minutes is waited for no longer.
        scene.receive(ana("wamid.2", START.plus(3_000), "Hello?")).await;
        write(scene.store(), move |tx| tx.execute(&SUBMITTING, &[&workspace_id])).await;
        let echo =
            || recorded("wamid.z", START.plus(4_000), Writer::Business, Record::App, words("By hand, once more"));
        assert!(matches!(scene.try_receive(echo()).await, Err(InboundError::BeingSent)), "{}", scene.test.engine);
        let before = scene.transcript(id).await.len();
        scene.test.clock.advance(4 * 60_000);
        scene.try_receive(echo()).await.unwrap();
        assert_eq!(scene.transcript(id).await.len(), before + 1, "{}", scene.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_readable_and_opens_nothing() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let old = |number: i64| START.plus(-86_400_000 * 30 + number * 60_000);
        for (number, writer) in [(1, Writer::Business), (2, Writer::Customer), (3, Writer::Business)] {
            let message = words(&format!("line {number}"));
            scene
                .try_receive(recorded(&format!("wamid.h{number}"), old(number), writer, Record::History, message))
                .await
                .unwrap();
        }
        let session = scene.session().await;
        assert_eq!((session.state, session.window_expires_at), (SessionState::Ended, None), "{}", scene.test.engine);
        let lines: Vec<String> =
            scene.lines(session.id).await.into_iter().filter(|line| line.contains("line ")).collect();
        assert_eq!(lines, ["agent: line 1", "customer: line 2", "agent: line 3"]);
        assert!(scene.texts(&OUTBOX).await.is_empty());
        let nobody = RecordedMessage {
            customer: segue_channels::whatsapp::Identity::default(),
            ..match recorded("x", START, Writer::Business, Record::App, words("x")) {
                WebhookItem::Recorded(message) => *message,
                _ => unreachable!(),
            }
        };
        assert!(scene.try_receive(WebhookItem::Recorded(Box::new(nobody))).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_in_the_history_counts_from_when_it_was_said() {
    use segue_model::consent::{Consent, ConsentAction, ConsentMethod, ConsentState, Medium, Purpose};
    const DAY: i64 = 86_400_000;
    for test in engines().await {
        let scene = Scene::new(test).await;
        let (engine, workspace_id) = (scene.test.engine, scene.workspace());
        let address = format!("+{ANA}");
        let say = async |days: i64, method| {
            let event = segue_store::consent::NewConsentEvent {
                medium: Medium::WhatsApp,
                address: address.clone(),
                purpose: Purpose::Marketing,
                action: ConsentAction::Grant,
                method,
                wording: Some("Yes, send me offers.".to_owned()),
                proof: None,
                actor: "test".to_owned(),
                occurred_at: START.plus(-days * DAY),
            };
            let ctx = scene.ctx().clone();
            scene.store().write(move |tx| tx.record_consent(workspace_id, &event, &ctx)).await.unwrap();
        };
        let state = async || -> Consent {
            let address = address.clone();
            let state = move |tx: &mut segue_store::Tx<'_>| {
                tx.consent_state(workspace_id, Medium::WhatsApp, &address, Purpose::Marketing)
            };
            write(scene.store(), state).await
        };
        let told = async |wamid: &str, days: i64, writer, body: &str| {
            let item = recorded(wamid, START.plus(-days * DAY), writer, Record::History, words(body));
            scene.try_receive(item).await.unwrap();
        };
        say(30, ConsentMethod::WebForm).await;
        told("wamid.h0", 8, Writer::Business, "STOP").await;
        assert_eq!(state().await.state, ConsentState::Granted, "{engine}: the business says nothing for the person");
        told("wamid.h1", 7, Writer::Customer, "STOP").await;
        let no = state().await;
        assert_eq!(no.state, ConsentState::Revoked, "{engine}");
        let since = no.since.unwrap();
        assert!(since.since(START.plus(-7 * DAY)) < 1_000, "{engine}: {since}");
        assert_eq!(scene.session().await.state, SessionState::Ended, "{engine}");
        assert!(scene.texts(&OUTBOX).await.is_empty(), "{engine}: nobody is answered");
        // A yes of the person that is later stands, in whatever order the two are told.
        say(5, ConsentMethod::Keyword).await;
        told("wamid.h2", 6, Writer::Customer, "Please take me off your list").await;
        assert_eq!(state().await.state, ConsentState::Granted, "{engine}");
        told("wamid.h3", 4, Writer::Customer, "Please take me off your list").await;
        assert_eq!(state().await.state, ConsentState::Revoked, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_opens_a_session_and_the_window_but_agrees_to_nothing() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let call =
            |wamid: &str, at| message(phone(ANA), wamid, at, json!({"type": "call", "call": {"event": "connect"}}));
        scene.receive(call("wacid.1", START)).await;
        let session = scene.session().await;
        assert!(session.window_expires_at.is_some() && session.unread_count == 1, "{}", scene.test.engine);
        assert_eq!((session.state, session.opt_in.state), (SessionState::Waiting, OptIn::Asked));
        scene.receive(call("wacid.2", START.plus(60_000))).await;
        assert_eq!(scene.session().await.opt_in.state, OptIn::Asked, "a call is no answer to the opt-in message");
        let permission = |wamid: &str, at, source: &str| {
            let reply = json!({"response": "accept", "response_source": source});
            let content = json!({"type": "call_permission_reply", "call_permission_reply": reply});
            message(phone(ANA), wamid, at, json!({"type": "interactive", "interactive": content}))
        };
        scene.receive(permission("wamid.p1", START.plus(60_400), "user_action")).await;
        let before = scene.session().await;
        assert_eq!(
            (before.opt_in.state, before.unread_count),
            (OptIn::Asked, 3),
            "to allow calls agrees to nothing else"
        );
        // What WhatsApp gave by itself nobody said.
        scene.receive(permission("wamid.p2", START.plus(60_800), "automatic")).await;
        let after = scene.session().await;
        assert_eq!(after.opt_in.state, OptIn::Asked, "{}", scene.test.engine);
        assert_eq!((after.unread_count, after.window_expires_at), (before.unread_count, before.window_expires_at));
        let lines = scene.lines(after.id).await;
        assert_eq!(lines.last().unwrap(), "system: WhatsApp noted by itself that the customer may be called.");
        scene.receive(ana("wamid.1", START.plus(61_000), "Hello?")).await;
        assert_eq!(scene.session().await.opt_in.state, OptIn::Granted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_groups_message_is_told_to_who_talks_with_the_person_and_changes_nothing_else() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let group = |wamid: &str| {
            message(
                phone(ANA),
                wamid,
                START.plus(9_000),
                json!({"type": "text", "group_id": "g", "text": {"body": "STOP"}}),
            )
        };
        scene.receive(group("wamid.g0")).await;
        assert_eq!(scene.count(&USERS).await, 0, "{}: a group makes no customer", scene.test.engine);
        scene.receive(ana("wamid.1", START, "Hello")).await;
        let before = scene.session().await;
        scene.receive(group("wamid.g1")).await;
        let after = scene.session().await;
        assert_eq!((after.window_expires_at, after.unread_count), (before.window_expires_at, before.unread_count));
        assert_eq!(after.opt_in.state, before.opt_in.state, "nobody opted out");
        assert_eq!(
            scene.lines(after.id).await.last().unwrap(),
            "system: The customer wrote in a WhatsApp group, which is not answered here: STOP"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_a_customer_wrote_is_lost_because_its_original_is_not_here() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        let edit = |original: &str, body: &str| json!({"type": "edit", "edit": {"original_message_id": original, "message": {"type": "text", "text": {"body": body}}}});
        scene.receive(message(phone(ANA), "wamid.x1", START, edit("wamid.gone", "At noon"))).await;
        let session = scene.session().await;
        let lines = scene.lines(session.id).await;
        assert!(lines.contains(&"customer: At noon".to_owned()), "{}: {lines:?}", scene.test.engine);
        let entry = scene.transcript(session.id).await.into_iter().find(|entry| entry.text == "At noon").unwrap();
        assert!(entry.details.unwrap().edited, "and marked");
        // A reaction to something unknown is shown where there is a session, and makes none.
        let reaction = json!({"type": "reaction", "reaction": {"message_id": "wamid.gone", "emoji": "\u{1f44d}"}});
        scene.receive(message(phone(ANA), "wamid.x3", START.plus(3_000), reaction.clone())).await;
        assert_eq!(scene.transcript(session.id).await.last().unwrap().kind, MessageKind::Reaction);
        scene.receive(message(phone("15550100002"), "wamid.x4", START.plus(3_000), reaction)).await;
        assert_eq!(scene.sessions().await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_is_kept_in_its_parts() {
    for test in engines().await {
        let scene = Scene::new(test).await;
        scene.user("Kim", Role::Supervisor).await;
        let all = [
            json!({"type": "location", "location": {"latitude": "52.5", "longitude": 13.4, "name": "Shop", "address": "Main St"}}),
            json!({"type": "contacts", "contacts": [{"name": {"formatted_name": "Bo"}, "org": {"company": "Acme", "title": "Cook"},
                "phones": [{"phone": "+1 555"}], "emails": [{"email": "bo@example.com"}]}]}),
            json!({"type": "order", "order": {"catalog_id": "c", "product_items": [
                {"product_retailer_id": "tee", "quantity": "2", "item_price": 9.5, "currency": "EUR"}]}}),
            json!({"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {"response_json":
                "{\"flow_token\":\"secret\",\"size\":\"M\",\"count\":2}"}}}),
            json!({"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": "r1", "title": "Row", "description": "Two"}}}),
            json!({"type": "text", "text": {"body": "x"}, "context": {"forwarded": true},
                "referral": {"source_type": "ad", "headline": "June", "ctwa_clid": "clk", "source_url": "https://x.example"}}),
            json!({"type": "audio", "audio": {"id": "9", "voice": true}}),
        ];
        for (number, body) in all.into_iter().enumerate() {
            let at = START.plus(number as i64 * 1_000);
            scene.receive(message(phone(ANA), &format!("wamid.{number}"), at, body)).await;
        }
        let id = scene.session().await.id;
        let shown: Vec<Value> = scene
            .transcript(id)
            .await
            .into_iter()
            .filter(|entry| entry.author.kind == AuthorKind::Customer)
            .map(|entry| serde_json::to_value(entry.details).unwrap())
            .collect();
        assert_eq!(
            shown,
            [
                json!({"place": {"latitude": 52.5, "longitude": 13.4, "name": "Shop", "address": "Main St"}}),
                json!({"cards": [{"name": "Bo", "phones": ["+1 555"], "emails": ["bo@example.com"], "organisation": "Cook, Acme", "own": false}]}),
                json!({"order": [{"product": "tee", "quantity": 2, "price": 9.5, "currency": "EUR"}]}),
                json!({"form": [{"field": "count", "answer": "2"}, {"field": "size", "answer": "M"}]}),
                json!({"choice": {"id": "r1", "description": "Two"}}),
                json!({"forwarded": true, "came_from": {"kind": "ad", "headline": "June", "body": null,
                    "url": "https://x.example", "source_id": null, "click_id": "clk"}}),
                json!({"voice": true}),
            ],
            "{}",
            scene.test.engine
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_user_id_is_told_twice_in_either_order_and_stays_one_customer() {
    use segue_channels::whatsapp::webhook::UserIdUpdate;
    use segue_store::messaging_user::{Identifier, IdentifierKind};
    for update_first in [true, false] {
        for test in engines().await {
            let scene = Scene::new(test).await;
            let mut known = phone(ANA);
            known.bsuid = Some("US.1".to_owned());
            scene.receive(text(known.clone(), "wamid.1", START, "Hello")).await;
            let user_id = scene.session().await.customer.messaging_user_id;
            let update = WebhookItem::UserIdUpdate(UserIdUpdate {
                waba_id: "1".to_owned(),
                phone_number_id: "106540352242922".to_owned(),
                wa_id: Some(ANA.to_owned()),
                previous: Some("US.1".to_owned()),
                current: "US.2".to_owned(),
                current_parent: Some("US.ENT.2".to_owned()),
                at: None,
            });
            let system = json!({"type": "system", "system": {"type": "user_changed_user_id", "user_id": "US.2", "parent_user_id": "US.ENT.2"}});
            let line = WebhookItem::Message(Box::new(message(known, "wamid.2", START.plus(1_000), system)));
            let told = if update_first { [update, line] } else { [line, update] };
            for item in told.iter().chain(&told) {
                scene.try_receive(item.clone()).await.unwrap();
            }
            scene.receive(text(hidden("US.2"), "wamid.3", START.plus(2_000), "Me again")).await;
            assert_eq!(scene.count(&USERS).await, 1, "{} {update_first}", scene.test.engine);
            let workspace_id = scene.workspace();
            let identifiers = write(scene.store(), move |tx| tx.identifiers_of(workspace_id, user_id)).await;
            for (kind, value) in [(IdentifierKind::Bsuid, "US.2"), (IdentifierKind::ParentBsuid, "US.ENT.2")] {
                let named: Vec<&str> =
                    identifiers.iter().filter(|one| one.kind == kind).map(|one| one.value.as_str()).collect();
                assert_eq!(named, [value], "{:?}", Identifier { kind, value: value.to_owned() }.kind);
            }
            let lines = scene.lines(scene.session().await.id).await;
            assert_eq!(lines.iter().filter(|line| line.contains("a new id")).count(), 1, "{lines:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_an_echo_tells_shows_that_a_link_was_forwarded() {
    use segue_channels::whatsapp::Identity;
    use segue_desk::linking::{LinkTo, link};
    static BY_CODE: Sql =
        Sql::portable("BY_CODE", "UPDATE messaging_users SET linked_by = 'code' WHERE workspace_id = $1");
    for test in engines().await {
        let scene = Scene::new(test).await;
        let boss = scene.user("Kim", Role::Supervisor).await;
        let recipient = scene.test.contact("+15550100007", "Zoe").await;
        scene.receive(text(hidden("US.1"), "wamid.1", START, "Hello")).await;
        let id = scene.session().await.id;
        let (store, workspace) = (scene.store(), scene.workspace());
        link(store, scene.ctx(), workspace, &boss, id, LinkTo::Contact(recipient), None).await.unwrap();
        write(store, move |tx| tx.execute(&BY_CODE, &[&workspace]).map(|_| ())).await;
        let echo = recorded("wamid.2", START.plus(1_000), Writer::Business, Record::App, words("How can I help?"));
        let WebhookItem::Recorded(mut echo) = echo else { panic!("it is recorded") };
        echo.customer = Identity { bsuid: Some("US.1".to_owned()), ..phone(ANA) };
        scene.try_receive(WebhookItem::Recorded(echo)).await.unwrap();
        let contact = scene.session().await.customer.contact_id;
        assert!(contact.is_some_and(|id| id != recipient), "{}: the one of the number", scene.test.engine);
    }
}
