//! Webhooks in Twilio's dialect: what is signed is on disk before it is acknowledged, and nothing else gets in.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use segue_channels::twilio::{EMPTY_TWIML, form_fields, signature};
use segue_store::{
    Sql, StoreError,
    channel::{Channel, ChannelConfig, TwilioConfig},
};
use serde_json::Value;

use crate::support::{Answer, Server, server, servers};

static PAYLOADS: Sql = Sql::portable("PAYLOADS", "SELECT payload FROM inbox WHERE workspace_id = $1 ORDER BY id");

const TOKEN: &str = "the-auth-token";
const BASE: &str = "https://segue.example.com";
const STATUS: &str = "MessageSid=SM1&MessageStatus=delivered&To=%2B15550110001&From=%2B15550100999&AccountSid=AC1";
const TEXT: &str = "MessageSid=SM2&From=%2B15550110001&To=%2B15550100999&Body=STOP&NumMedia=0&OptOutType=STOP";

async fn channel(server: &Server, token: &str) -> Channel {
    let config = TwilioConfig {
        base_url: "http://127.0.0.1:1".to_owned(),
        account_sid: "AC1".to_owned(),
        auth_token: token.to_owned(),
        secondary_auth_token: String::new(),
        messaging_service_sid: String::new(),
        callback_base_url: format!("{BASE}/"),
        segments_per_second: 1,
        repeats: segue_store::channel::Repeats::SentAgain,
    };
    server.test.channel("http", ChannelConfig::Twilio(config)).await
}

async fn rows(server: &Server) -> Vec<Value> {
    let workspace_id = server.workspace_id();
    let read =
        server.test.store.read::<_, StoreError, _>(move |tx| tx.query(&PAYLOADS, &[&workspace_id], |row| row.json()));
    read.await.unwrap()
}

/// Delivers a body to a path with a signature, as the provider does.
async fn deliver(server: &Server, path: &str, content_type: &str, body: &str, signed: Option<&str>) -> Answer {
    let mut request = Request::builder().method(Method::POST).uri(path).header("content-type", content_type);
    if let Some(signed) = signed {
        request = request.header("x-twilio-signature", signed);
    }
    server.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

fn sign(path: &str, body: &str) -> String {
    signature::sign(TOKEN, &format!("{BASE}{path}"), &form_fields(body.as_bytes()))
}

const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

#[tokio::test]
async fn what_is_signed_is_stored_once_and_answered_with_nothing_to_say() {
    for server in servers().await {
        let channel = channel(&server, TOKEN).await;
        let status = format!("/webhooks/twilio/{}/status?message_id=msg_00000000000000000000000007", channel.id);
        let inbound = format!("/webhooks/twilio/{}/inbound", channel.id);
        for _ in 0..2 {
            for (path, body) in [(&status, STATUS), (&inbound, TEXT)] {
                let answer = deliver(&server, path, FORM, body, Some(&sign(path, body))).await;
                assert_eq!((answer.status, answer.text().as_str()), (StatusCode::OK, EMPTY_TWIML));
                assert_eq!(answer.header("content-type"), "text/xml");
            }
        }
        let rows = rows(&server).await;
        assert_eq!(rows.len(), 2, "a repeat adds nothing on {}", server.test.engine);
        assert_eq!(rows[0]["message_id"], "msg_00000000000000000000000007");
        assert_eq!((&rows[0]["kind"], &rows[0]["status"]), (&"status".into(), &"delivered".into()));
        assert_eq!((&rows[1]["kind"], &rows[1]["opt_out"]), (&"text".into(), &"STOP".into()));
    }
}

#[tokio::test]
async fn a_json_body_is_good_when_the_signed_address_names_its_hash() {
    let server = server().await;
    let channel = channel(&server, TOKEN).await;
    let body = r#"{"MessageSid":"SM1","MessageStatus":"undelivered","ErrorCode":30003,"To":"+15550110001"}"#;
    let path = signature::with_body_hash(&format!("/webhooks/twilio/{}/status", channel.id), body.as_bytes());
    let signed = signature::sign(TOKEN, &format!("{BASE}{path}"), &[]);
    let changed = body.replace("undelivered", "delivered");
    let refused = deliver(&server, &path, "application/json", &changed, Some(&signed)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(rows(&server).await.is_empty());
    let taken = deliver(&server, &path, "application/json", body, Some(&signed)).await;
    assert_eq!(taken.status, StatusCode::OK, "{}", taken.text());
    assert_eq!(rows(&server).await[0]["error_code"], 30_003);
}

#[tokio::test]
async fn everything_else_is_refused_and_leaves_no_row() {
    let server = server().await;
    let good = channel(&server, TOKEN).await;
    let path = format!("/webhooks/twilio/{}/inbound", good.id);
    let right = sign(&path, TEXT);
    let (other, query) = (sign("/webhooks/twilio/x/inbound", TEXT), format!("{path}?x=1"));
    for (name, path, body, signed) in [
        ("no signature", path.as_str(), TEXT, None),
        ("another address", &path, TEXT, Some(other.as_str())),
        ("another query", &query, TEXT, Some(&right)),
        ("a changed field", &path, &TEXT.replace("STOP&Num", "START&Num"), Some(&right)),
        ("a field more", &path, &format!("{TEXT}&Extra=1"), Some(&right)),
        ("no base64", &path, TEXT, Some("null")),
    ] {
        let answer = deliver(&server, path, FORM, body, signed).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "invalid_signature"), "{name}");
    }
    // Signed, but by somebody who does not know what a text is.
    let unreadable = deliver(&server, &path, FORM, "Body=x", Some(&sign(&path, "Body=x"))).await;
    assert_eq!((unreadable.status, unreadable.code().as_str()), (StatusCode::BAD_REQUEST, "unreadable_webhook"));
    let huge = format!("{TEXT}&Extra={}", "x".repeat(300 << 10));
    assert_eq!(deliver(&server, &path, FORM, &huge, Some(&right)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(rows(&server).await.is_empty());
}

#[tokio::test]
async fn a_channel_without_a_token_or_of_another_kind_does_not_exist() {
    let server = server().await;
    let without = channel(&server, "").await;
    let whatsapp = server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
    for id in [without.id, whatsapp.id] {
        let path = format!("/webhooks/twilio/{id}/inbound");
        let under_empty = signature::sign("", &format!("{BASE}{path}"), &form_fields(TEXT.as_bytes()));
        for signed in [under_empty, sign(&path, TEXT)] {
            assert_eq!(deliver(&server, &path, FORM, TEXT, Some(&signed)).await.status, StatusCode::NOT_FOUND);
        }
    }
    let whatsapp_path = format!("/webhooks/whatsapp/{}", without.id);
    assert_eq!(deliver(&server, &whatsapp_path, FORM, "{}", None).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nothing_is_acknowledged_that_is_not_on_disk() {
    for server in servers().await {
        let channel = channel(&server, TOKEN).await;
        let path = format!("/webhooks/twilio/{}/inbound", channel.id);
        server.test.store.close();
        let answer = deliver(&server, &path, FORM, TEXT, Some(&sign(&path, TEXT))).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", server.test.engine);
    }
}
