//! Elements of webhooks that are worked on in the transaction that stores them.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use axum::body::Body;
use http::{Method, Request, StatusCode};
use segue_api::whatsapp_items::{self, ItemError, Places};
use segue_channels::whatsapp::signature::sign;
use segue_model::{
    Ctx, Timestamp,
    ctx::{Clock, ManualClock},
    time,
};
use segue_store::{Sql, StoreError, channel::Channel};
use serde_json::{Value, json};

use crate::support::{Server, server, servers};

static ROWS: Sql =
    Sql::portable("ROWS", "SELECT state, external_id FROM inbox WHERE workspace_id = $1 ORDER BY received_at, id");
static PAYLOADS: Sql = Sql::portable("PAYLOADS", "SELECT payload FROM inbox WHERE workspace_id = $1");
static TEXTS: Sql =
    Sql::portable("TEXTS", "SELECT text FROM messages WHERE workspace_id = $1 AND direction = 'inbound' ORDER BY id");

const SECRET: &[u8] = b"app-secret";

fn text(wamid: &str, from: &str, words: &str) -> Value {
    json!({"id": wamid, "from": from, "timestamp": "1795453200", "type": "text", "text": {"body": words}})
}

/// A message that names nobody: it can never belong to a conversation.
fn of_nobody(wamid: &str) -> Value {
    json!({"id": wamid, "timestamp": "1795453200", "type": "text", "text": {"body": "who am I?"}})
}

fn webhook(messages: &[Value]) -> Vec<u8> {
    let value = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": "106540352242922"},
        "messages": messages,
    });
    let entry = json!({"id": "102290129340398", "changes": [{"field": "messages", "value": value}]});
    serde_json::to_vec(&json!({"object": "whatsapp_business_account", "entry": [entry]})).unwrap()
}

async fn deliver(server: &Server, channel: &Channel, body: &[u8]) -> StatusCode {
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("/webhooks/whatsapp/{}", channel.id))
        .header("x-hub-signature-256", sign(SECRET, body))
        .body(Body::from(body.to_vec()))
        .unwrap();
    server.send(request).await.status
}

/// States of all rows of the inbox.
async fn states(server: &Server) -> Vec<String> {
    let workspace_id = server.workspace_id();
    let read = server
        .test
        .store
        .read::<_, StoreError, _>(move |tx| tx.query(&ROWS, &[&workspace_id], |row| row.next::<String>()));
    read.await.unwrap()
}

/// What stands in conversations.
async fn texts(server: &Server) -> Vec<String> {
    let workspace_id = server.workspace_id();
    let read = server
        .test
        .store
        .read::<_, StoreError, _>(move |tx| tx.query(&TEXTS, &[&workspace_id], |row| row.next::<String>()));
    read.await.unwrap()
}

/// Works on what waits in the inbox, as its worker does.
async fn work(server: &Server, channel: &Channel) {
    let (workspace_id, channel_id, ctx) = (server.workspace_id(), channel.id, server.test.ctx.clone());
    let worked = server.test.store.write(move |tx| {
        let until = ctx.now().plus(time::MINUTE);
        for item in tx.claim_inbox("test", 10, until, &ctx)? {
            let mut places = Places::default();
            let content = item.payload.read().map_err(|error| ItemError::Hopeless(error.to_string()))?;
            whatsapp_items::work_on(tx, &ctx, &mut places, (workspace_id, channel_id), &content)?;
            tx.inbox_done(&[item])?;
        }
        Ok::<_, ItemError>(())
    });
    worked.await.unwrap();
}

/// A server that works on webhooks at once, from now on.
fn at_once(mut server: Server) -> Server {
    let now = server.test.ctx.now();
    server.state = server.state.clone().working_at_once_from(now);
    server.router = segue_api::router(server.state.clone());
    server
}

#[tokio::test]
async fn what_is_acknowledged_stands_in_the_conversation_and_a_repeat_changes_nothing() {
    for server in servers().await {
        let server = at_once(server);
        let channel = server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        let body = webhook(&[text("wamid.1", "15550109999", "one"), text("wamid.2", "15550109999", "two")]);
        for _ in 0..2 {
            assert_eq!(deliver(&server, &channel, &body).await, StatusCode::OK);
            assert_eq!(texts(&server).await, ["one", "two"], "{}", server.test.engine);
            assert!(states(&server).await.is_empty(), "{}: the conversation is the only copy", server.test.engine);
        }
    }
}

#[tokio::test]
async fn a_repeat_that_is_stored_first_changes_nothing_either() {
    for mut server in servers().await {
        let before = server.state.clone();
        server = at_once(server);
        let channel = server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        let body = webhook(&[text("wamid.1", "15550109999", "one")]);
        assert_eq!(deliver(&server, &channel, &body).await, StatusCode::OK);
        // The process ended and was not told to: its follower stores everything first.
        server.router = segue_api::router(before);
        assert_eq!(deliver(&server, &channel, &body).await, StatusCode::OK);
        assert_eq!(states(&server).await, ["pending"], "{}", server.test.engine);
        work(&server, &channel).await;
        assert_eq!(texts(&server).await, ["one"], "{}", server.test.engine);
        // Once it has a row, the row tells.
        let server = at_once(server);
        assert_eq!(deliver(&server, &channel, &body).await, StatusCode::OK);
        assert_eq!((states(&server).await.len(), texts(&server).await.len()), (1, 1), "{}", server.test.engine);
    }
}

#[tokio::test]
async fn what_does_not_stand_in_the_conversation_with_all_that_it_says_leaves_a_row() {
    for server in servers().await {
        let server = at_once(server);
        let channel = server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        let odd = json!({"id": "wamid.2", "from": "15550109999", "timestamp": "1795453201", "type": "hologram",
            "hologram": {"shape": "cat"}});
        let reaction = json!({"id": "wamid.3", "from": "15550109999", "timestamp": "1795453202", "type": "reaction",
            "reaction": {"message_id": "wamid.1", "emoji": "👍"}});
        let body = webhook(&[text("wamid.1", "15550109999", "one"), odd, reaction]);
        for _ in 0..2 {
            assert_eq!(deliver(&server, &channel, &body).await, StatusCode::OK);
            assert_eq!(states(&server).await, ["done", "done"], "{}", server.test.engine);
            let texts = texts(&server).await;
            assert_eq!((texts.len(), &texts[..1]), (3, &["one".to_owned()][..]), "{}: {texts:?}", server.test.engine);
        }
        let workspace_id = server.workspace_id();
        let payloads = server
            .test
            .store
            .read::<_, StoreError, _>(move |tx| tx.query(&PAYLOADS, &[&workspace_id], |row| row.next::<String>()));
        assert!(payloads.await.unwrap().iter().any(|payload| payload.contains("cat")), "what it was can be read");
    }
}

#[tokio::test]
async fn many_at_once_are_all_there_each_once_and_in_the_order_of_their_customer() {
    for server in servers().await {
        let server = Arc::new(at_once(server));
        let channel = Arc::new(server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await);
        let customers = (0..40).map(|customer| {
            let (server, channel) = (Arc::clone(&server), Arc::clone(&channel));
            tokio::spawn(async move {
                for message in 0..5 {
                    let from = format!("1555010{customer:04}");
                    let body = webhook(&[text(&format!("wamid.{customer}.{message}"), &from, &format!("{message}"))]);
                    for _ in 0..2 {
                        assert_eq!(deliver(&server, &channel, &body).await, StatusCode::OK);
                    }
                }
            })
        });
        for customer in customers.collect::<Vec<_>>() {
            customer.await.unwrap();
        }
        assert_eq!(texts(&server).await.len(), 200, "{}", server.test.engine);
        assert!(states(&server).await.is_empty(), "{}", server.test.engine);
    }
}

#[tokio::test]
async fn one_that_cannot_be_worked_on_is_kept_for_the_inbox_and_harms_no_other() {
    for server in servers().await {
        let server = Arc::new(at_once(server));
        let channel = Arc::new(server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await);
        let deliveries = (0..30).map(|number| {
            let (server, channel) = (Arc::clone(&server), Arc::clone(&channel));
            let wamid = format!("wamid.{number}");
            let message =
                if number == 7 { of_nobody(&wamid) } else { text(&wamid, &format!("1555010{number:04}"), "hello") };
            tokio::spawn(async move { deliver(&server, &channel, &webhook(&[message])).await })
        });
        for delivery in deliveries.collect::<Vec<_>>() {
            assert_eq!(delivery.await.unwrap(), StatusCode::OK);
        }
        let states = states(&server).await;
        assert_eq!(states.iter().filter(|state| *state == "pending").count(), 1, "{}: {states:?}", server.test.engine);
        assert_eq!((states.len(), texts(&server).await.len()), (1, 29), "{}", server.test.engine);
    }
}

#[tokio::test]
async fn whoever_has_an_earlier_message_in_the_inbox_waits_behind_it() {
    for server in servers().await {
        let channel = server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        assert_eq!(
            deliver(&server, &channel, &webhook(&[text("wamid.1", "15550109999", "one")])).await,
            StatusCode::OK
        );
        assert_eq!(states(&server).await, ["pending"], "without the permission nothing is worked on at once");

        let server = at_once(server);
        let later = webhook(&[text("wamid.2", "15550109999", "two"), text("wamid.3", "15550108888", "else")]);
        assert_eq!(deliver(&server, &channel, &later).await, StatusCode::OK);
        assert_eq!(states(&server).await, ["pending", "pending"], "{}", server.test.engine);
        assert_eq!(texts(&server).await, ["else"]);
    }
}

#[tokio::test]
async fn before_its_time_and_in_a_large_webhook_everything_is_stored_first() {
    let mut server = server().await;
    let channel = server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
    let from = Timestamp(server.test.ctx.now().0 + time::DAY);
    server.state = server.state.clone().working_at_once_from(from);
    server.router = segue_api::router(server.state.clone());
    assert_eq!(deliver(&server, &channel, &webhook(&[text("wamid.1", "15550109999", "one")])).await, StatusCode::OK);
    assert_eq!(states(&server).await, ["pending"]);

    let server = at_once(server);
    let many: Vec<Value> =
        (0..200).map(|number| text(&format!("wamid.m{number}"), &format!("1555020{number:04}"), "hello")).collect();
    assert_eq!(deliver(&server, &channel, &webhook(&many)).await, StatusCode::OK);
    assert_eq!(states(&server).await, vec!["pending"; 201], "others do not wait for two hundred conversations");
}

#[tokio::test]
async fn when_the_store_does_not_begin_everybody_who_waits_is_told() {
    let server = at_once(server().await);
    let channel = server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
    // The channel is known from then on.
    assert_eq!(deliver(&server, &channel, &webhook(&[text("wamid.1", "15550109999", "one")])).await, StatusCode::OK);
    server.test.store.close();
    let bodies = (0..4).map(|number| {
        let messages: Vec<Value> =
            (0..100).map(|place| text(&format!("wamid.{number}.{place}"), "15550109999", "hello")).collect();
        webhook(&messages)
    });
    // Together they are more than one transaction takes.
    let bodies: Vec<Vec<u8>> = bodies.collect();
    let answers = futures::future::join_all(bodies.iter().map(|body| deliver(&server, &channel, body)));
    let answers =
        tokio::time::timeout(std::time::Duration::from_secs(30), answers).await.expect("nobody waits for ever");
    assert_eq!(answers, vec![StatusCode::SERVICE_UNAVAILABLE; 4]);
}

/// Keeps the writer busy until it is released.
fn busy(server: &Server) -> (std::sync::mpsc::Sender<()>, tokio::task::JoinHandle<Result<bool, StoreError>>) {
    let (release, held) = std::sync::mpsc::channel::<()>();
    let (held, store) = (std::sync::Mutex::new(held), server.test.store.clone());
    let writer = tokio::spawn(async move {
        store.write::<_, StoreError, _>(move |_| Ok(held.lock().map(|held| held.recv().is_ok()).is_ok())).await
    });
    (release, writer)
}

/// Delivers one webhook after the other, so that they wait in this order.
async fn queue(
    server: &Arc<Server>,
    channel: &Arc<Channel>,
    bodies: Vec<Vec<u8>>,
) -> Vec<tokio::task::JoinHandle<StatusCode>> {
    let mut deliveries = Vec::new();
    for (number, body) in bodies.into_iter().enumerate() {
        let (at, to) = (Arc::clone(server), Arc::clone(channel));
        deliveries.push(tokio::spawn(async move { deliver(&at, &to, &body).await }));
        while server.state.waiting_webhooks() <= number {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
    deliveries
}

#[tokio::test]
async fn when_a_batch_fails_no_later_message_overtakes_an_earlier_one_of_its_customer() {
    let server = Arc::new(at_once(server().await));
    let channel = Arc::new(server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await);
    // The channel is known from then on.
    let first = webhook(&[text("wamid.first", "15550108888", "first")]);
    assert_eq!(deliver(&server, &channel, &first).await, StatusCode::OK);
    let (release, writer) = busy(&server);
    // As many elements as one transaction takes, with one that makes it fail at their begin and Ana's first at their
    // end; and Ana's second in the next.
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    for part in 0..4 {
        let mut messages: Vec<Value> = (0..32)
            .map(|place| text(&format!("wamid.{part}.{place}"), &format!("15550{part:02}{place:04}"), "hello"))
            .collect();
        if part == 0 {
            messages[0] = of_nobody("wamid.nobody");
        }
        if part == 3 {
            messages[31] = text("wamid.one", "15550109999", "one");
        }
        bodies.push(webhook(&messages));
    }
    bodies.push(webhook(&[text("wamid.two", "15550109999", "two")]));
    let deliveries = queue(&server, &channel, bodies).await;
    release.send(()).unwrap();
    assert!(writer.await.unwrap().unwrap());
    for delivery in deliveries {
        assert_eq!(delivery.await.unwrap(), StatusCode::OK);
    }
    let mut of_ana = texts(&server).await;
    of_ana.retain(|text| text == "one" || text == "two");
    assert_eq!(of_ana, ["one", "two"]);
    let states = states(&server).await;
    assert_eq!(states.iter().filter(|state| *state == "pending").count(), 32, "the webhook that cannot be worked on");
    // Whoever comes later is served as before.
    assert_eq!(deliver(&server, &channel, &webhook(&[text("wamid.3", "15550109999", "three")])).await, StatusCode::OK);
    assert!(texts(&server).await.contains(&"three".to_owned()));
}

#[tokio::test]
async fn whoever_is_left_to_the_inbox_is_waited_for_within_the_same_transaction() {
    let server = Arc::new(at_once(server().await));
    let channel = Arc::new(server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await);
    // The channel is known from then on.
    let first = webhook(&[text("wamid.first", "15550108888", "first")]);
    assert_eq!(deliver(&server, &channel, &first).await, StatusCode::OK);
    let (release, writer) = busy(&server);
    // Nothing waits when the transaction begins; then it stores a webhook with too many elements, of which one is Ana's.
    let mut many: Vec<Value> =
        (0..33).map(|place| text(&format!("wamid.m{place}"), &format!("155501{place:05}"), "hello")).collect();
    many.push(text("wamid.one", "15550109999", "one"));
    let bodies = vec![
        webhook(&[text("wamid.else", "15550107777", "else")]),
        webhook(&many),
        webhook(&[text("wamid.two", "15550109999", "two")]),
    ];
    let deliveries = queue(&server, &channel, bodies).await;
    release.send(()).unwrap();
    assert!(writer.await.unwrap().unwrap());
    for delivery in deliveries {
        assert_eq!(delivery.await.unwrap(), StatusCode::OK);
    }
    assert_eq!(texts(&server).await, ["first", "else"], "Ana's second waits behind her first");
    assert_eq!(states(&server).await.iter().filter(|state| *state == "pending").count(), 35);
}

/// A clock that panics once, so many looks after it is armed.
struct FaultyClock {
    clock: Arc<ManualClock>,
    looks: AtomicI64,
}

impl Clock for FaultyClock {
    fn now(&self) -> Timestamp {
        assert_ne!(self.looks.fetch_sub(1, Ordering::SeqCst), 1, "the clock is broken");
        self.clock.now()
    }
}

#[tokio::test]
async fn when_work_on_a_batch_panics_no_later_message_overtakes_an_earlier_one_of_its_customer() {
    // In the middle of the first conversation, and at the begin of the transaction.
    for looks in [1, 9] {
        let mut test = segue_testkit::sqlite_store().await;
        let clock = Arc::new(FaultyClock { clock: Arc::clone(&test.clock), looks: AtomicI64::new(0) });
        test.ctx = Ctx::seeded(clock.clone(), 7);
        let server = Arc::new(at_once(Server::start(test).await));
        let channel = Arc::new(server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await);
        let first = webhook(&[text("wamid.first", "15550108888", "first")]);
        assert_eq!(deliver(&server, &channel, &first).await, StatusCode::OK);
        let (release, writer) = busy(&server);
        // As many elements as one transaction takes, with Ana's first at their end; and her second in the next.
        let mut bodies: Vec<Vec<u8>> = Vec::new();
        for part in 0..4 {
            let mut messages: Vec<Value> = (0..32)
                .map(|place| text(&format!("wamid.{part}.{place}"), &format!("15550{part:02}{place:04}"), "hello"))
                .collect();
            if part == 3 {
                messages[31] = text("wamid.one", "15550109999", "one");
            }
            bodies.push(webhook(&messages));
        }
        bodies.push(webhook(&[text("wamid.two", "15550109999", "two")]));
        let deliveries = queue(&server, &channel, bodies).await;
        clock.looks.store(looks, Ordering::SeqCst);
        release.send(()).unwrap();
        assert!(writer.await.unwrap().unwrap());
        for delivery in deliveries {
            assert_eq!(delivery.await.unwrap(), StatusCode::OK);
        }
        assert!(clock.looks.load(Ordering::SeqCst) <= 0, "it panicked");
        let mut of_ana = texts(&server).await;
        of_ana.retain(|text| text == "one" || text == "two");
        assert_eq!(of_ana, ["one", "two"], "after {looks} looks");
        assert!(states(&server).await.is_empty(), "all of it went well the second time");
        // The turn is given back: whoever comes later is served as before.
        assert_eq!(
            deliver(&server, &channel, &webhook(&[text("wamid.3", "15550109999", "three")])).await,
            StatusCode::OK
        );
        assert!(texts(&server).await.contains(&"three".to_owned()));
    }
}
