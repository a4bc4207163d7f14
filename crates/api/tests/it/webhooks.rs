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

/// Every type of message the platform documents, and one it does not.
fn every_message() -> Vec<Value> {
    let media = |more: Value| {
        let mut media = json!({"id": "9", "mime_type": "image/jpeg", "sha256": "x"});
        media.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        media
    };
    let interactive = |kind: &str, reply: Value| json!({"type": kind, kind: reply});
    let contents = [
        ("text", json!({"body": "Hi"})),
        ("image", media(json!({"caption": "c"}))),
        ("video", media(json!({}))),
        ("audio", media(json!({"voice": true}))),
        ("document", media(json!({"filename": "a.pdf"}))),
        ("sticker", media(json!({"animated": false}))),
        ("location", json!({"latitude": 52.5, "longitude": 13.4, "name": "n"})),
        ("contacts", json!([{"name": {"formatted_name": "Bo"}, "phones": [{"phone": "+1", "wa_id": "1"}]}])),
        ("button", json!({"payload": "p", "text": "Yes"})),
        ("interactive", interactive("button_reply", json!({"id": "1", "title": "Yes"}))),
        ("interactive", interactive("list_reply", json!({"id": "1", "title": "Yes", "description": "d"}))),
        ("interactive", interactive("nfm_reply", json!({"name": "flow", "body": "Sent", "response_json": "{}"}))),
        ("interactive", interactive("call_permission_reply", json!({"response": "accept"}))),
        ("reaction", json!({"message_id": "wamid.0", "emoji": "x"})),
        ("reaction", json!({"message_id": "wamid.0"})),
        ("order", json!({"catalog_id": "1", "product_items": [{"product_retailer_id": "a", "quantity": 1}]})),
        ("system", json!({"body": "new number", "type": "user_changed_number", "wa_id": "15550108888"})),
        ("system", json!({"type": "user_changed_user_id", "user_id": "US.2"})),
        ("edit", json!({"original_message_id": "wamid.0", "message": {"type": "text", "text": {"body": "b"}}})),
        ("revoke", json!({"original_message_id": "wamid.0"})),
        ("unsupported", json!({"type": "poll"})),
        ("request_welcome", json!(null)),
        ("something_new", json!({"a": [1]})),
    ];
    let whole = contents.into_iter().enumerate().map(|(number, (kind, content))| {
        let mut message = message(&format!("wamid.every{number}"), "");
        message["type"] = json!(kind);
        message.as_object_mut().unwrap().remove("text");
        message[kind] = content;
        message
    });
    let mut all: Vec<Value> = whole.collect();
    let mut advertisement = message("wamid.ad", "from an advertisement");
    advertisement["referral"] = json!({"source_url": "https://a.example", "source_type": "ad", "ctwa_clid": "c"});
    let mut forwarded = message("wamid.forwarded", "again");
    forwarded["context"] = json!({"forwarded": true});
    all.extend([advertisement, forwarded]);
    all
}

#[tokio::test]
async fn every_documented_webhook_is_taken_and_nothing_of_it_is_lost() {
    let server = server().await;
    let channel = server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
    let body = |field: &str, value: &Value| {
        let mut value = value.clone();
        value["metadata"] = json!({"display_phone_number": "15550783881", "phone_number_id": "106540352242922"});
        let entry =
            json!({"id": "102290129340398", "time": 1_795_453_000, "changes": [{"field": field, "value": value}]});
        serde_json::to_vec(&json!({"object": "whatsapp_business_account", "entry": [entry]})).unwrap()
    };
    let named =
        json!({"message_template_id": 1, "message_template_name": "june", "message_template_language": "en_US"});
    let with = |more: Value| {
        let mut value = named.clone();
        value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        value
    };
    let messages = every_message();
    let statuses: Vec<Value> = ["sent", "delivered", "read", "played", "failed", "something_new"]
        .map(
            |word| json!({"id": "wamid.out", "status": word, "timestamp": "1795453200", "recipient_id": "15550109999"}),
        )
        .into();
    let echo =
        json!({"from": "15550783881", "to": "15550109999", "id": "wamid.echo", "type": "text", "text": {"body": "b"}});
    let thread = json!({"id": "15550109999", "messages": [{"from": "15550109999", "id": "wamid.old", "type": "text"}]});
    // What comes, and how many elements it has.
    let table = [
        ("messages", json!({"messages": messages}), messages.len()),
        ("messages", json!({"statuses": statuses}), statuses.len()),
        ("messages", json!({"errors": [{"code": 130_429}]}), 1),
        ("messages", json!({"user_actions": [{"action_type": "marketing_messages_link_click"}]}), 1),
        ("calls", json!({"calls": [{"id": "wacid.1", "from": "15550109999", "event": "connect"}]}), 1),
        ("calls", json!({"statuses": [{"id": "wacid.2", "type": "call", "status": "RINGING"}]}), 1),
        ("smb_message_echoes", json!({"message_echoes": [echo]}), 1),
        ("message_echoes", json!({"message_echoes": [{"id": "wamid.nobody"}]}), 1),
        ("history", json!({"history": [{"threads": [thread]}, {"errors": [{"code": 2_593_109}]}]}), 2),
        ("smb_app_state_sync", json!({"state_sync": [{"type": "contact", "action": "add"}]}), 1),
        (
            "user_preferences",
            json!({"user_preferences": [{"wa_id": "15550109999", "category": "marketing_messages", "value": "stop"}]}),
            1,
        ),
        ("user_id_update", json!({"user_id_update": [{"user_id": {"previous": "US.1", "current": "US.2"}}]}), 1),
        ("account_update", json!({"event": "ACCOUNT_RESTRICTION", "restriction_info": [{"restriction_type": "r"}]}), 1),
        ("account_update", json!({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}}), 1),
        ("account_update", json!({"event": "PARTNER_REMOVED"}), 1),
        (
            "account_alerts",
            json!({"entity_type": "WABA", "alert_info": {"alert_severity": "CRITICAL", "alert_type": "t"}}),
            1,
        ),
        ("account_review_update", json!({"decision": "APPROVED"}), 1),
        ("account_settings_update", json!({"phone_number_settings": {}}), 1),
        ("automatic_events", json!({"automatic_events": [{"id": "1"}]}), 1),
        ("business_capability_update", json!({"max_daily_conversations_per_business": "TIER_2K"}), 1),
        ("business_username_updates", json!({"display_phone_number": "1", "status": "approved"}), 1),
        ("flows", json!({"event": "FLOW_STATUS_CHANGE"}), 1),
        ("group_lifecycle_update", json!({"groups": [{}]}), 1),
        ("group_participants_update", json!({"groups": [{}]}), 1),
        ("group_settings_update", json!({"groups": [{}]}), 1),
        ("group_status_update", json!({"groups": [{}]}), 1),
        ("message_template_status_update", with(json!({"event": "PAUSED", "reason": null})), 1),
        ("message_template_quality_update", with(json!({"new_quality_score": "RED"})), 1),
        ("message_template_components_update", with(json!({"message_template_element": "text"})), 1),
        ("template_category_update", with(json!({"new_category": "MARKETING", "previous_category": "UTILITY"})), 1),
        ("messaging_handovers", json!({"control_passed": {}}), 1),
        ("partner_solutions", json!({"event": "SOLUTION_CREATED"}), 1),
        ("payment_configuration_update", json!({"configuration_name": "c"}), 1),
        ("phone_number_name_update", json!({"display_phone_number": "1", "decision": "REJECTED"}), 1),
        ("phone_number_quality_update", json!({"display_phone_number": "1", "event": "FLAGGED"}), 1),
        ("security", json!({"display_phone_number": "1", "event": "PIN_CHANGED"}), 1),
        ("standby", json!({"messages": [{"id": "wamid.standby"}]}), 1),
        ("not_there_yet", json!({"a": 1}), 1),
    ];
    let mut expected = 0;
    for (field, value, elements) in &table {
        for _ in 0..2 {
            let answer = deliver(&server, &channel, &body(field, value)).await;
            assert_eq!(answer.status, StatusCode::OK, "{field}: {}", answer.text());
        }
        expected += elements;
        assert_eq!(rows(&server).await, i64::try_from(expected).unwrap(), "{field} {value}: each element once");
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
async fn what_could_not_be_stored_is_taken_once_when_it_comes_again() {
    static AWAY: Sql = Sql::portable("AWAY", "ALTER TABLE inbox RENAME TO inbox_away");
    static BACK: Sql = Sql::portable("BACK", "ALTER TABLE inbox_away RENAME TO inbox");
    for server in servers().await {
        let channel = server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
        let body = webhook(&[message("wamid.1", "one")]);
        let change = async |sql: &'static Sql| {
            server.test.store.write::<_, StoreError, _>(move |tx| tx.execute(sql, &[])).await.unwrap();
        };
        change(&AWAY).await;
        let refused = deliver(&server, &channel, &body).await;
        assert!(refused.status.is_server_error(), "{}: {}", server.test.engine, refused.status);
        change(&BACK).await;
        for _ in 0..2 {
            assert_eq!(deliver(&server, &channel, &body).await.status, StatusCode::OK, "{}", server.test.engine);
            assert_eq!(rows(&server).await, 1, "{}", server.test.engine);
        }
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
