//! Messages that programs send over REST: one by one and in batches, once each, and around no rule.

use http::{Method, StatusCode};
use segue_model::{
    consent::{ConsentState, Medium, Purpose},
    role::Role,
    time,
};
use segue_outreach::direct::batch;
use segue_store::{Sql, StoreError};
use serde_json::{Value, json};

use crate::support::{Answer, Server, json as json_request, servers, with_key};

static TEXTS: Sql = Sql::portable("TEXTS", "SELECT address, payload FROM outbox WHERE workspace_id = $1 ORDER BY id");

/// What is left of a message on the wire that came back after its contact was deleted.
static WITHDRAW: Sql = Sql::portable(
    "WITHDRAW",
    "UPDATE outbox SET state = 'canceled', rule = 'contact_deleted', payload = '{\"text\":\"\"}' WHERE workspace_id = $1",
);

static FORGET: Sql = Sql::portable("FORGET", "DELETE FROM idempotency_keys WHERE workspace_id = $1");

const FROM: &str = "+15550100999";

async fn prepared(server: &Server) -> String {
    let channel = server.test.sms_channel("sms").await;
    server.test.sender(channel.id, FROM).await;
    server.key(Role::Marketer).await
}

/// What waits in the outbox: number and text.
async fn queued(server: &Server) -> Vec<(String, String)> {
    let workspace_id = server.workspace_id();
    let read = server.test.store.read::<_, StoreError, _>(move |tx| {
        tx.query(&TEXTS, &[&workspace_id], |row| {
            let (address, payload): (String, Value) = (row.next()?, row.json()?);
            Ok((address, payload["text"].as_str().unwrap_or_default().to_owned()))
        })
    });
    read.await.unwrap()
}

async fn post(server: &Server, key: &str, idempotency_key: &str, path: &str, body: &Value) -> Answer {
    let mut request = with_key(json_request(Method::POST, path, body), key);
    request.headers_mut().insert("idempotency-key", idempotency_key.parse().unwrap());
    server.send(request).await
}

/// As after a crash between the work and its answer.
async fn forget_requests(server: &Server) {
    let workspace_id = server.workspace_id();
    let gone = server.test.store.write::<_, StoreError, _>(move |tx| tx.execute(&FORGET, &[&workspace_id]));
    assert_eq!(gone.await.unwrap(), 1, "{}", server.test.engine);
}

/// Does the work of a batch, as the worker of jobs does.
async fn work(server: &Server, batch_id: &Value) {
    let payload = json!({ "batch_id": batch_id });
    batch::run(&server.test.store, &server.test.ctx, server.workspace_id(), &payload).await.unwrap();
}

#[tokio::test]
async fn a_message_to_a_contact_or_a_number_with_its_fields() {
    for server in servers().await {
        let key = prepared(&server).await;
        let contact = server.test.contact("+15550110001", "Ann").await;
        let text = "Hi {{ first_name }}, order {{ order }} is on its way.";
        let by_contact = json!({ "sender": FROM, "contact_id": contact, "text": text, "fields": { "order": "7" } });
        let answer = server.post(&key, "/api/v1/messages", &by_contact).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
        let sent = answer.json();
        assert_eq!((&sent["state"], &sent["to"]), (&json!("queued"), &json!("+15550110001")));
        let fields = json!({ "first_name": "Bob", "order": "8" });
        let by_number = json!({ "sender": FROM, "phone": "(555) 011-0002", "text": text, "fields": fields });
        let answer = server.post(&key, "/api/v1/messages", &by_number).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
        assert_eq!(
            queued(&server).await,
            [
                ("+15550110001".to_owned(), "Hi Ann, order 7 is on its way.".to_owned()),
                ("+15550110002".to_owned(), "Hi Bob, order 8 is on its way.".to_owned()),
            ],
            "{}",
            server.test.engine
        );
        let path = format!("/api/v1/messages/{}", sent["id"].as_str().unwrap());
        assert_eq!(server.get(&key, &path).await.json()["text"], "Hi Ann, order 7 is on its way.");
    }
}

#[tokio::test]
async fn a_message_whose_contact_was_deleted_is_read_without_words() {
    for server in servers().await {
        let key = prepared(&server).await;
        let contact = server.test.contact("+15550110001", "Ann").await;
        let body = json!({ "sender": FROM, "contact_id": contact, "text": "Your order is here." });
        let sent = server.post(&key, "/api/v1/messages", &body).await.json();
        let (workspace_id, now) = (server.workspace_id(), server.test.now());
        let deleted =
            server.test.store.write::<_, StoreError, _>(move |tx| tx.delete_contact(workspace_id, contact, now));
        assert!(deleted.await.unwrap());
        let path = format!("/api/v1/messages/{}", sent["id"].as_str().unwrap());
        let one = server.get(&key, &path).await.json();
        assert_eq!((&one["state"], &one["rule"]), (&json!("canceled"), &json!("contact_deleted")));
        assert_eq!(one["reason"], "The contact was deleted", "{}", server.test.engine);
        let withdraw = server.test.store.write::<_, StoreError, _>(move |tx| tx.execute(&WITHDRAW, &[&workspace_id]));
        assert_eq!(withdraw.await.unwrap(), 1);
        let one = server.get(&key, &format!("/api/v1/messages/{}", sent["id"].as_str().unwrap())).await;
        assert_eq!(one.status, StatusCode::OK, "{}: {}", server.test.engine, one.text());
        let one = one.json();
        assert_eq!((&one["state"], &one["from"], &one["text"]), (&json!("canceled"), &Value::Null, &json!("")));
        assert_eq!(one["rule"], "contact_deleted");
    }
}

#[tokio::test]
async fn the_same_wish_is_one_message() {
    for server in servers().await {
        let key = prepared(&server).await;
        let plain = json!({ "sender": FROM, "phone": "+15550110001", "text": "once" });
        let first = post(&server, &key, "k1", "/api/v1/messages", &plain).await.json();
        assert_eq!(post(&server, &key, "k1", "/api/v1/messages", &plain).await.json()["id"], first["id"]);
        // Also when the answer to the request was never written; another wish with the key is told so.
        forget_requests(&server).await;
        assert_eq!(post(&server, &key, "k1", "/api/v1/messages", &plain).await.json()["id"], first["id"]);
        forget_requests(&server).await;
        for (phone, text) in [("+15550110001", "twice"), ("+15550110002", "once")] {
            let other = json!({ "sender": FROM, "phone": phone, "text": text });
            let answer = post(&server, &key, "k1", "/api/v1/messages", &other).await;
            let refused = (answer.status.as_u16(), answer.code());
            assert_eq!(refused, (422, "idempotency_key_mismatch".to_owned()), "{}", server.test.engine);
            forget_requests(&server).await;
        }
        let named = json!({ "sender": FROM, "phone": "+15550110001", "text": "named", "client_reference": "order-7" });
        let first = server.post(&key, "/api/v1/messages", &named).await.json();
        assert_eq!(server.post(&key, "/api/v1/messages", &named).await.json()["id"], first["id"]);
        assert_eq!(queued(&server).await.len(), 2, "{}", server.test.engine);
        // Another program may use the same name.
        let other = server.key(Role::Admin).await;
        assert_ne!(server.post(&other, "/api/v1/messages", &named).await.json()["id"], first["id"]);
    }
}

#[tokio::test]
async fn a_key_of_a_request_is_a_new_one_after_its_seven_days() {
    for server in servers().await {
        let engine = server.test.engine;
        let key = prepared(&server).await;
        let one = json!({ "sender": FROM, "phone": "+15550110001", "text": "once" });
        let many = json!({ "sender": FROM, "text": "all", "recipients": [{ "phone": "+15550110002" }] });
        for (path, mut body) in [("/api/v1/messages", one), ("/api/v1/message-batches", many)] {
            let mut ids = Vec::new();
            for text in ["once", "once", "something else"] {
                body["text"] = json!(text);
                let answer = post(&server, &key, "k1", path, &body).await;
                assert_eq!(answer.status, StatusCode::ACCEPTED, "{engine}: {}", answer.text());
                ids.push(answer.json()["id"].clone());
                // Within its time the new one is the key's own.
                forget_requests(&server).await;
                let again = post(&server, &key, "k1", path, &body).await;
                assert_eq!(again.json()["id"], *ids.last().unwrap(), "{engine}");
                server.test.clock.advance(8 * time::DAY);
            }
            ids.dedup();
            assert_eq!(ids.len(), 3, "{path} on {engine}");
        }
        assert_eq!(queued(&server).await.len(), 3, "{engine}");
        let named = json!({ "sender": FROM, "phone": "+15550110001", "text": "named", "client_reference": "order-7" });
        let first = server.post(&key, "/api/v1/messages", &named).await.json();
        server.test.clock.advance(8 * time::DAY);
        let again = server.post(&key, "/api/v1/messages", &named).await.json();
        assert_eq!(again["id"], first["id"], "a reference is for good: {engine}");
    }
}

#[tokio::test]
async fn a_test_message_is_sent_once_for_each_request() {
    for server in servers().await {
        let engine = server.test.engine;
        let channel = server.test.sms_channel("sms").await;
        let sender = server.test.sender(channel.id, FROM).await.id;
        let key = server.key(Role::Marketer).await;
        let draft = json!({ "name": "Spring", "sender_id": sender, "audience": {}, "body": "Hi", "footer": "none" });
        let draft = server.post(&key, "/api/v1/campaigns", &draft).await.json();
        let path = format!("/api/v1/campaigns/{}/test-send", draft["id"].as_str().unwrap());
        let send = async |name: &str, phone: &str| {
            let answer = post(&server, &key, name, &path, &json!({ "phone": phone })).await;
            assert_eq!(answer.status, StatusCode::ACCEPTED, "{engine}: {}", answer.text());
            answer.json()["message_id"].clone()
        };
        let first = send("k1", "+15550110001").await;
        forget_requests(&server).await;
        assert_eq!(send("k1", "+15550110001").await, first, "{engine}");
        forget_requests(&server).await;
        assert_ne!(send("k1", "+15550110002").await, first, "another request: {engine}");
        assert_ne!(send("k2", "+15550110001").await, first, "another press: {engine}");
        assert_eq!(queued(&server).await.len(), 3, "{engine}");
        server.test.clock.advance(8 * time::DAY);
        for name in ["k1", "k2"] {
            assert_ne!(send(name, "+15550110001").await, first, "a key of long ago: {engine}");
        }
        assert_eq!(queued(&server).await.len(), 5, "{engine}");
    }
}

#[tokio::test]
async fn what_a_rule_forbids_for_certain_is_refused_at_once() {
    for server in servers().await {
        let key = prepared(&server).await;
        let phone = "+15550110001";
        let offer = json!({ "sender": FROM, "phone": phone, "text": "Offer", "class": "marketing" });
        let refused = |answer: Answer| (answer.status.as_u16(), answer.code());
        assert_eq!(refused(server.post(&key, "/api/v1/messages", &offer).await), (422, "no_consent".to_owned()));
        server.test.set_consent(Medium::Sms, phone, Purpose::Marketing, ConsentState::Revoked).await;
        assert_eq!(refused(server.post(&key, "/api/v1/messages", &offer).await), (422, "opted_out".to_owned()));
        let (workspace_id, now) = (server.workspace_id(), server.test.now());
        let listed =
            server.test.store.write::<_, StoreError, _>(move |tx| tx.suppress(workspace_id, phone, "test", now));
        listed.await.unwrap();
        let service = json!({ "sender": FROM, "phone": phone, "text": "Code" });
        assert_eq!(refused(server.post(&key, "/api/v1/messages", &service).await), (422, "suppressed".to_owned()));
        for (change, code) in [
            (json!({ "phone": "12" }), "invalid_field"),
            (json!({ "sender": "+15550100000" }), "invalid_field"),
            (json!({ "text": "{{ broken" }), "text_syntax"),
            (json!({ "text": " " }), "invalid_field"),
            (json!({ "text": "x".repeat(2_000) }), "text_too_long"),
            (json!({ "contact_id": "con_00000000000000000000000001" }), "invalid"),
            (json!({ "client_reference": "" }), "invalid_field"),
        ] {
            let mut body = json!({ "sender": FROM, "phone": "+15550110002", "text": "Code" });
            body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            assert_eq!(refused(server.post(&key, "/api/v1/messages", &body).await), (422, code.to_owned()), "{body}");
        }
        assert!(queued(&server).await.is_empty(), "{}", server.test.engine);
    }
}

#[tokio::test]
async fn a_batch_tells_of_each_recipient_what_became_of_it() {
    for server in servers().await {
        let key = prepared(&server).await;
        server.test.contact("+15550110001", "Ann").await;
        let recipients = json!([
            { "phone": "+15550110001" },
            { "phone": "+15550110002", "fields": { "first_name": "Bob" }, "client_reference": "b" },
            { "phone": "+15550110001" },
            { "phone": "no number" },
            { "phone": "+15550110003", "client_reference": "b" },
        ]);
        let body = json!({ "sender": FROM, "text": "Hi {{ first_name }}", "recipients": recipients });
        let begun = post(&server, &key, "k1", "/api/v1/message-batches", &body).await;
        assert_eq!(begun.status, StatusCode::ACCEPTED, "{}", begun.text());
        let begun = begun.json();
        let id = begun["id"].as_str().unwrap();
        assert_eq!(
            (&begun["state"], &begun["total"], &begun["counts"]["waiting"]),
            (&json!("working"), &json!(5), &json!(2))
        );
        work(&server, &begun["id"]).await;
        work(&server, &begun["id"]).await;
        let done = server.get(&key, &format!("/api/v1/message-batches/{id}")).await.json();
        assert_eq!(
            (&done["state"], &done["counts"]["queued"], &done["counts"]["rejected"]),
            (&json!("done"), &json!(2), &json!(3))
        );
        let mut rows = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/api/v1/message-batches/{id}/messages?limit=2{cursor}");
            let page = server.get(&key, &path).await.json();
            rows.extend(page["data"].as_array().unwrap().clone());
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let rules: Vec<&str> = rows.iter().map(|row| row["rule"].as_str().unwrap_or("-")).collect();
        assert_eq!(rules, ["-", "-", "duplicate_phone", "invalid_phone", "client_reference_taken"]);
        assert!(rows[2..].iter().all(|row| row["reason"].as_str().is_some_and(|words| words.len() > 10)), "{rows:?}");
        let texts: Vec<String> = queued(&server).await.into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["Hi Ann", "Hi Bob"], "{}", server.test.engine);
        assert_eq!(post(&server, &key, "k1", "/api/v1/message-batches", &body).await.json()["id"], begun["id"]);
        forget_requests(&server).await;
        assert_eq!(post(&server, &key, "k1", "/api/v1/message-batches", &body).await.json()["id"], begun["id"]);
        forget_requests(&server).await;
        let mut other = body.clone();
        other["recipients"].as_array_mut().unwrap().pop();
        let answer = post(&server, &key, "k1", "/api/v1/message-batches", &other).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (422, "idempotency_key_mismatch".to_owned()));
    }
}

#[tokio::test]
async fn a_batch_to_a_list_is_made_in_chunks_and_a_crash_between_them_doubles_nothing() {
    for server in servers().await {
        let key = prepared(&server).await;
        let list = server.post(&key, "/api/v1/lists", &json!({ "name": "All" })).await.json();
        let mut contacts = Vec::new();
        for number in 0..501 {
            contacts.push(server.test.contact(&format!("+1555012{number:04}"), "Ann").await);
        }
        let (workspace_id, list_id, now) =
            (server.workspace_id(), list["id"].as_str().unwrap().parse().unwrap(), server.test.now());
        let added = server.test.store.write::<_, StoreError, _>(move |tx| {
            for contact in &contacts {
                tx.add_to_list(workspace_id, list_id, *contact, now)?;
            }
            Ok(())
        });
        added.await.unwrap();
        let body = json!({ "sender": FROM, "text": "Hi {{ first_name }}", "list_id": list["id"] });
        let begun = server.post(&key, "/api/v1/message-batches", &body).await.json();
        let batch_id = begun["id"].as_str().unwrap().parse().unwrap();
        // The first chunk is committed; the second is rolled back as if the process had died.
        let ctx = server.test.ctx.clone();
        let first = server
            .test
            .store
            .write::<_, segue_outreach::OutreachError, _>(move |tx| batch::step(tx, &ctx, workspace_id, batch_id));
        assert_eq!(first.await.unwrap().as_str(), "working");
        let ctx = server.test.ctx.clone();
        let died = server.test.store.write::<(), segue_outreach::OutreachError, _>(move |tx| {
            batch::step(tx, &ctx, workspace_id, batch_id)?;
            Err(StoreError::Unavailable("the process dies".to_owned()).into())
        });
        died.await.unwrap_err();
        assert_eq!(queued(&server).await.len(), 500);
        work(&server, &begun["id"]).await;
        let mut numbers: Vec<String> = queued(&server).await.into_iter().map(|(number, _)| number).collect();
        assert_eq!(numbers.len(), 501, "{}", server.test.engine);
        numbers.sort();
        numbers.dedup();
        assert_eq!(numbers.len(), 501, "nobody twice");
    }
}

#[tokio::test]
async fn a_batch_that_makes_no_sense_is_refused_as_a_whole() {
    let server = crate::support::server().await;
    let key = prepared(&server).await;
    let many: Vec<Value> = (0..10_001).map(|number| json!({ "phone": format!("+1555{number:07}") })).collect();
    let one = json!([{ "phone": "+15550110001" }]);
    for (body, code) in [
        (json!({ "sender": FROM, "text": "x", "recipients": [] }), "invalid_field"),
        (json!({ "sender": FROM, "text": "x", "recipients": many }), "invalid_field"),
        (json!({ "sender": FROM, "text": "x" }), "invalid"),
        (json!({ "sender": FROM, "text": "", "recipients": one }), "invalid_field"),
        (json!({ "sender": FROM, "text": "{{ nobody_knows }}", "recipients": one }), "unknown_fields"),
        (json!({ "sender": "ACME", "text": "x", "recipients": one }), "invalid_field"),
        (json!({ "sender": FROM, "text": "x", "list_id": "lst_00000000000000000000000001" }), "not_found"),
    ] {
        let answer = server.post(&key, "/api/v1/message-batches", &body).await;
        assert_eq!(answer.code(), code, "{}", answer.text());
    }
    assert!(queued(&server).await.is_empty());
}
