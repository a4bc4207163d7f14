//! Webhooks: what is signed is on disk before it is acknowledged, and nothing else gets in.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use segue_channels::whatsapp::signature::sign;
use segue_store::{
    Sql, StoreError,
    channel::{Channel, ChannelConfig, WhatsAppConfig},
};
use serde_json::{Value, json};

use crate::support::{Answer, Server, get, server, servers};

static COUNT: Sql = Sql::portable("COUNT", "SELECT COUNT(*) FROM inbox WHERE workspace_id = $1");
static PAYLOADS: Sql =
    Sql::portable("PAYLOADS", "SELECT kind, subject, payload FROM inbox WHERE workspace_id = $1 ORDER BY id");

/// The secret of the test's channels.
const SECRET: &[u8] = b"app-secret";

fn message(wamid: &str, text: &str) -> Value {
    json!({"id": wamid, "from": "15550109999", "timestamp": "1795453200", "type": "text", "text": {"body": text}})
}

fn webhook(messages: &[Value]) -> Vec<u8> {
    webhook_of("106540352242922", messages)
}

fn webhook_of(number: &str, messages: &[Value]) -> Vec<u8> {
    let value = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": number},
        "contacts": [{"wa_id": "15550109999", "profile": {"name": "Ann"}}],
        "messages": messages,
    });
    let entry = json!({"id": "102290129340398", "changes": [{"field": "messages", "value": value}]});
    serde_json::to_vec(&json!({"object": "whatsapp_business_account", "entry": [entry]})).unwrap()
}

async fn rows(server: &Server) -> i64 {
    let workspace_id = server.workspace_id();
    let counted =
        server.test.store.read::<_, StoreError, _>(move |tx| tx.query_one(&COUNT, &[&workspace_id], |row| row.next()));
    counted.await.unwrap()
}

fn delivery(channel: &Channel, headers: &[(&str, String)], body: &[u8]) -> Request<Body> {
    let mut builder = Request::builder().method(Method::POST).uri(format!("/webhooks/whatsapp/{}", channel.id));
    for (name, value) in headers {
        builder = builder.header(*name, value);
    }
    builder.body(Body::from(body.to_vec())).unwrap()
}

async fn deliver(server: &Server, channel: &Channel, body: &[u8]) -> Answer {
    server.send(delivery(channel, &[("x-hub-signature-256", sign(SECRET, body))], body)).await
}

#[tokio::test]
async fn every_element_becomes_one_row_and_a_repeat_none() {
    for server in servers().await {
        let channel = server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        let body = webhook(&[message("wamid.1", "one"), message("wamid.2", "two \u{1f600}")]);
        for _ in 0..2 {
            assert_eq!(deliver(&server, &channel, &body).await.status, StatusCode::OK);
            assert_eq!(rows(&server).await, 2, "{}", server.test.engine);
        }
        let overlapping = webhook(&[message("wamid.2", "two \u{1f600}"), message("wamid.3", "three")]);
        assert_eq!(deliver(&server, &channel, &overlapping).await.status, StatusCode::OK);
        assert_eq!(rows(&server).await, 3);
    }
}

#[tokio::test]
async fn a_signed_body_that_nobody_can_read_is_kept_for_a_person() {
    let server = server().await;
    let channel = server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
    for (body, count) in [(&b"{\"entry\": ["[..], 1), (b"\xff\xfe\x00", 2), (b"[]", 3), (b"{\"object\":\"page\"}", 4)] {
        assert_eq!(deliver(&server, &channel, body).await.status, StatusCode::OK);
        assert_eq!(rows(&server).await, count);
    }
    let workspace_id = server.workspace_id();
    let read = server.test.store.read::<_, StoreError, _>(move |tx| {
        tx.query(&PAYLOADS, &[&workspace_id], |row| {
            Ok((row.next::<String>()?, row.next::<String>()?, row.json::<Value>()?))
        })
    });
    let rows = read.await.unwrap();
    assert!(rows.iter().all(|(kind, _, payload)| kind == "whatsapp" && payload["kind"] == "unknown"), "{rows:?}");
    assert_eq!(rows[0].2["raw"], "{\"entry\": [");
}

#[tokio::test]
async fn nothing_is_acknowledged_that_is_not_on_disk() {
    for server in servers().await {
        let channel = server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        let body = webhook(&[message("wamid.1", "one")]);
        server.test.store.close();
        let answer = deliver(&server, &channel, &body).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", server.test.engine);
        assert!(!answer.header("retry-after").is_empty());
    }
}

#[tokio::test]
async fn an_acknowledged_webhook_is_there_after_a_restart() {
    for server in servers().await {
        let channel = server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        assert_eq!(deliver(&server, &channel, &webhook(&[message("wamid.1", "one")])).await.status, StatusCode::OK);
        let again = server.test.open_again().await;
        let workspace_id = server.workspace_id();
        let found: i64 = again
            .read::<_, StoreError, _>(move |tx| tx.query_one(&COUNT, &[&workspace_id], |row| row.next()))
            .await
            .unwrap();
        again.close();
        assert_eq!(found, 1, "{}", server.test.engine);
    }
}

#[tokio::test]
async fn another_number_of_the_same_app_gets_its_own_rows() {
    let server = server().await;
    let first = server.test.whatsapp_channel("one", "http://127.0.0.1:1").await;
    let ChannelConfig::WhatsApp(config) = first.config.clone() else { panic!() };
    let with = |number: &str, secret: &str| {
        let mut config = config.clone();
        config.phone_number_id = number.to_owned();
        config.app_secrets = vec![secret.to_owned()];
        ChannelConfig::WhatsApp(config)
    };
    let second = server.test.channel("two", with("222", "app-secret")).await;
    server.test.channel("foreign", with("333", "another-app")).await;
    static CHANNELS: Sql =
        Sql::portable("CHANNELS", "SELECT channel_id FROM inbox WHERE workspace_id = $1 ORDER BY id");
    for number in ["222", "333"] {
        let body = webhook_of(number, &[message(&format!("wamid.{number}"), "hi")]);
        assert_eq!(deliver(&server, &first, &body).await.status, StatusCode::OK);
    }
    let workspace_id = server.workspace_id();
    let owners: Vec<segue_model::ChannelId> = server
        .test
        .store
        .read::<_, StoreError, _>(move |tx| {
            tx.query(&CHANNELS, &[&workspace_id], |row| row.next::<uuid::Uuid>().map(segue_model::ChannelId))
        })
        .await
        .unwrap();
    assert_eq!(owners, [second.id, first.id], "a number of another app is not taken at its word");
}

#[tokio::test]
async fn an_address_without_a_secret_does_not_exist() {
    let server = server().await;
    let body = webhook(&[message("wamid.1", "one")]);
    let whatsapp = server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
    let ChannelConfig::WhatsApp(mut config) = whatsapp.config.clone() else { panic!() };
    config.app_secrets = vec![String::new()];
    let without = server.test.channel("without", ChannelConfig::WhatsApp(config.clone())).await;
    config.app_secrets = Vec::new();
    let empty = server.test.channel("empty", ChannelConfig::WhatsApp(config)).await;
    let sms = server.test.sms_channel("sms").await;
    for channel in [&without, &empty, &sms] {
        for secret in [SECRET, b""] {
            let request = delivery(channel, &[("x-hub-signature-256", sign(secret, &body))], &body);
            assert_eq!(server.send(request).await.status, StatusCode::NOT_FOUND, "{}", channel.slug);
        }
    }
    let unknown = server.send(get("/webhooks/whatsapp/chn_00000000000000000000000001?hub.mode=subscribe")).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!(rows(&server).await, 0);
}

#[tokio::test]
async fn the_challenge_is_answered_to_the_right_token_only() {
    let server = server().await;
    let channel = server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
    let ask = async |query: &str| server.send(get(&format!("/webhooks/whatsapp/{}?{query}", channel.id))).await;
    let right = ask("hub.mode=subscribe&hub.verify_token=verify&hub.challenge=%3Cb%3E42").await;
    assert_eq!((right.status, right.text().as_str()), (StatusCode::OK, "<b>42"));
    assert!(right.header("content-type").starts_with("text/plain"));
    for query in [
        "hub.mode=subscribe&hub.verify_token=Verify&hub.challenge=42",
        "hub.mode=subscribe&hub.verify_token=&hub.challenge=42",
        "hub.mode=subscribe&hub.challenge=42",
        "hub.mode=unsubscribe&hub.verify_token=verify&hub.challenge=42",
        "hub.verify_token=verify&hub.challenge=42",
        "hub.mode=subscribe&hub.verify_token=verify",
        "",
    ] {
        assert_eq!(ask(query).await.status, StatusCode::FORBIDDEN, "{query}");
    }
}

#[tokio::test]
async fn the_largest_webhook_is_taken_and_a_larger_one_is_not() {
    let server = server().await;
    let channel = server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
    let limit = 3 << 20;
    let frame = webhook(&[message("wamid.1", "")]).len();
    let largest = webhook(&[message("wamid.1", &"x".repeat(limit - frame))]);
    assert_eq!(largest.len(), limit);
    assert_eq!(deliver(&server, &channel, &largest).await.status, StatusCode::OK);
    let larger = webhook(&[message("wamid.2", &"x".repeat(limit - frame + 1))]);
    assert_eq!(deliver(&server, &channel, &larger).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(rows(&server).await, 1);
}

/// Name, headers, body.
type Forged = (&'static str, Vec<(&'static str, String)>, Vec<u8>);

/// Forged deliveries. Every one of them must be refused and leave nothing.
fn forged() -> Vec<Forged> {
    let body = webhook(&[message("wamid.1", "h\u{e9}llo \u{1f600}")]);
    let good = sign(SECRET, &body);
    let digits = good.trim_start_matches("sha256=").to_owned();
    let header = |value: String| vec![("x-hub-signature-256", value)];
    let mut cases = vec![("no header", Vec::new(), body.clone())];
    let values: Vec<(&'static str, String)> = vec![
        ("empty header", String::new()),
        ("prefix alone", "sha256=".to_owned()),
        ("digits alone", digits.clone()),
        ("upper-case digits", format!("sha256={}", digits.to_uppercase())),
        ("upper-case prefix", format!("SHA256={digits}")),
        ("63 digits", good[..good.len() - 1].to_owned()),
        ("65 digits", format!("{good}0")),
        ("twice the digits", format!("{good}{digits}")),
        ("sha1 name", format!("sha1={digits}")),
        ("sha1 length", format!("sha1={}", &digits[..40])),
        ("sha512 name", format!("sha512={digits}")),
        ("no algorithm", format!("={digits}")),
        ("blank before", format!("sha256= {digits}")),
        ("blank after", format!("{good} x")),
        ("two in one", format!("{good},{good}")),
        ("two with a blank", format!("{good}, {good}")),
        ("quoted", format!("\"{good}\"")),
        ("not hexadecimal", format!("sha256={}", "g".repeat(64))),
        ("all zero", format!("sha256={}", "0".repeat(64))),
        ("first digit changed", flip(&good, 7)),
        ("last digit changed", flip(&good, good.len() - 1)),
        ("reversed digits", format!("sha256={}", digits.chars().rev().collect::<String>())),
        ("another secret", sign(b"app-secret2", &body)),
        ("the secret with a line feed", sign(b"app-secret\n", &body)),
        ("an empty secret", sign(b"", &body)),
        ("the verify token as secret", sign(b"verify", &body)),
        ("the access token as secret", sign(b"token", &body)),
        ("the secret and the body exchanged", sign(&body, SECRET)),
        ("of an empty body", sign(SECRET, b"")),
        ("of another body", sign(SECRET, &webhook(&[message("wamid.9", "other")]))),
    ];
    cases.extend(values.into_iter().map(|(name, value)| (name, header(value), body.clone())));
    let text = String::from_utf8(body.clone()).unwrap();
    let bodies: Vec<(&'static str, Vec<u8>)> = vec![
        ("one bit changed", {
            let mut changed = body.clone();
            changed[20] ^= 1;
            changed
        }),
        ("a blank more", [&body[..], b" "].concat()),
        ("a byte less", body[..body.len() - 1].to_vec()),
        ("a byte order mark", [&b"\xef\xbb\xbf"[..], &body].concat()),
        ("letters escaped", text.replace('\u{e9}', "\\u00e9").into_bytes()),
        ("emoji escaped", text.replace('\u{1f600}', "\\ud83d\\ude00").into_bytes()),
        ("slashes escaped", text.replace("text", "te\\u0078t").into_bytes()),
        ("decomposed letters", text.replace('\u{e9}', "e\u{301}").into_bytes()),
        ("spread over lines", serde_json::to_vec_pretty(&serde_json::from_slice::<Value>(&body).unwrap()).unwrap()),
        ("empty", Vec::new()),
    ];
    cases.extend(bodies.into_iter().map(|(name, changed)| (name, header(good.clone()), changed)));
    cases.push((
        "the header twice",
        vec![("x-hub-signature-256", good.clone()), ("x-hub-signature-256", good.clone())],
        body.clone(),
    ));
    cases.push(("another header", vec![("x-hub-signature", good.clone())], body.clone()));
    cases.push((
        "said to be compressed",
        vec![("x-hub-signature-256", flip(&good, 9)), ("content-encoding", "gzip".to_owned())],
        body,
    ));
    cases
}

/// The text with one hexadecimal digit replaced by another.
fn flip(text: &str, position: usize) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    letters[position] = if letters[position] == '0' { '1' } else { '0' };
    letters.into_iter().collect()
}

#[tokio::test]
async fn forged_webhooks_are_refused_and_leave_no_row() {
    let server = server().await;
    let channel = server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
    let cases = forged();
    assert!(cases.len() >= 40, "{}", cases.len());
    for (name, headers, body) in cases {
        let answer = server.send(delivery(&channel, &headers, &body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::UNAUTHORIZED, "invalid_signature"), "{name}");
        assert_eq!(rows(&server).await, 0, "{name}");
    }
    let body = webhook(&[message("wamid.1", "h\u{e9}llo \u{1f600}")]);
    assert_eq!(deliver(&server, &channel, &body).await.status, StatusCode::OK, "the true one is taken");
    assert_eq!(rows(&server).await, 1);
}

#[tokio::test]
async fn while_a_secret_is_replaced_both_are_good() {
    let server = server().await;
    let channel = server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
    let ChannelConfig::WhatsApp(mut config) = channel.config else { panic!() };
    config.app_secrets = vec!["new-secret".to_owned(), "old-secret".to_owned()];
    let channel = server.test.channel("both", ChannelConfig::WhatsApp(config)).await;
    for (number, secret) in [&b"new-secret"[..], b"old-secret"].into_iter().enumerate() {
        let body = webhook(&[message(&format!("wamid.{number}"), "hi")]);
        let request = delivery(&channel, &[("x-hub-signature-256", sign(secret, &body))], &body);
        assert_eq!(server.send(request).await.status, StatusCode::OK);
    }
    assert_eq!(rows(&server).await, 2);
    let answers = async |number: &str, secret: &[u8]| {
        let body = webhook(&[message(number, "hi")]);
        let request = delivery(&channel, &[("x-hub-signature-256", sign(secret, &body))], &body);
        server.send(request).await.status
    };
    // What the node knows of the channel counts for nothing once a secret is taken away or a new one is there.
    let ChannelConfig::WhatsApp(config) = &channel.config else { panic!() };
    for (secrets, good, bad) in [(["new-secret"], "new-secret", "old-secret"), (["newest"], "newest", "new-secret")] {
        let mut changed = channel.clone();
        let app_secrets = secrets.map(str::to_owned).to_vec();
        changed.config = ChannelConfig::WhatsApp(WhatsAppConfig { app_secrets, ..config.clone() });
        server.test.store.write::<_, StoreError, _>(move |tx| tx.upsert_channel(&changed)).await.unwrap();
        assert_eq!(answers(&format!("wamid.bad.{bad}"), bad.as_bytes()).await, StatusCode::UNAUTHORIZED);
        assert_eq!(answers(&format!("wamid.good.{good}"), good.as_bytes()).await, StatusCode::OK);
    }
    assert_eq!(rows(&server).await, 4, "and nothing of the refused ones");
}
