//! Consent over HTTP: no way around a no, the proof to hand over, and the settings.

use http::{Method, StatusCode};
use segue_model::role::Role;
use serde_json::{Value, json};

use crate::{
    sample::sample,
    support::{Server, json as body, server, with_key},
};

async fn put(server: &Server, key: &str, path: &str, input: &Value) -> crate::support::Answer {
    server.send(with_key(body(Method::PUT, path, input), key)).await
}

#[tokio::test]
async fn a_no_cannot_be_undone_over_http_whatever_is_claimed() {
    let server = server().await;
    let a = sample(&server, "a").await;
    let ledger = format!("/api/v1/contacts/{}/consent-events", a.id("con"));
    let say = |action: &str, method: &str| json!({"channel": "sms", "purpose": "marketing", "action": action, "method": method, "wording": "Yes"});
    assert_eq!(server.post(&a.key, &ledger, &say("grant", "web_form")).await.status, StatusCode::CREATED);
    server.test.clock.advance(1);
    assert_eq!(server.post(&a.key, &ledger, &say("revoke", "verbal")).await.status, StatusCode::CREATED);
    server.test.clock.advance(1);
    for method in ["web_form", "paper", "verbal", "import", "api", "agent", "carrier_report"] {
        let refused = server.post(&a.key, &ledger, &say("grant", method)).await;
        let found = (refused.status, refused.code());
        assert_eq!(found, (StatusCode::CONFLICT, "opted_out_by_person".to_owned()), "{method}");
    }
    for (action, method) in [("grant", "keyword"), ("grant", "in_chat"), ("confirm", "api"), ("request", "api")] {
        let refused = server.post(&a.key, &ledger, &say(action, method)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{action} by {method}: {}", refused.text());
    }
    let consent = server.get(&a.key, &format!("/api/v1/contacts/{}/consent", a.id("con"))).await.json();
    assert_eq!(consent["standings"][0]["state"], "revoked");
    assert_eq!(consent["standings"][0]["decided_by"]["method"], "verbal");
}

#[tokio::test]
async fn the_proof_of_a_contact_can_be_downloaded() {
    let server = server().await;
    let a = sample(&server, "a").await;
    let ledger = format!("/api/v1/contacts/{}/consent-events", a.id("con"));
    let said = json!({"channel": "sms", "purpose": "marketing", "action": "grant", "method": "web_form",
        "wording": "Yes, text me", "context": {"source": "shop.example/join", "ip": "192.0.2.1"}});
    server.post(&a.key, &ledger, &said).await;
    let path = format!("/api/v1/contacts/{}/consent-proof", a.id("con"));
    let proof = server.get(&a.key, &path).await;
    assert!(proof.header("content-disposition").contains("consent-proof.json"));
    let proof = proof.json();
    assert_eq!(proof["events"][0]["context"]["source"], "shop.example/join");
    assert_eq!(proof["ledger"]["broken_at"], Value::Null);
    let csv = server.get(&a.key, &format!("{path}?format=csv")).await;
    assert!(csv.header("content-type").starts_with("text/csv"));
    assert!(csv.text().contains("\"Yes, text me\""), "{}", csv.text());
}

#[tokio::test]
async fn settings_are_checked_and_count_at_once() {
    let server = server().await;
    let key = server.key(Role::Admin).await;
    let mut settings = server.get(&key, "/api/v1/consent-settings").await.json();
    settings["rules"]["extra_words"] = json!([{"language": "sv", "keyword": "stop", "word": "sluta"}]);
    settings["rules"]["opt_out_scope"] = json!("channel");
    assert_eq!(put(&server, &key, "/api/v1/consent-settings", &settings).await.status, StatusCode::OK);
    assert_eq!(server.get(&key, "/api/v1/consent-settings").await.json(), settings);
    let read = server.post(&key, "/api/v1/consent-readings", &json!({"text": "SLUTA!"})).await.json();
    assert_eq!((&read["keyword"], &read["language"]), (&json!("stop"), &json!("sv")));
    for (path, wrong) in [
        ("/brand", json!("")),
        ("/stop_reply", json!(" ")),
        ("/rules/keyword_quota", json!(0)),
        ("/rules/extra_words/0/word", json!("!!")),
        ("/rules/extra_words/0/language", json!("swedish words")),
    ] {
        let mut broken = settings.clone();
        *broken.pointer_mut(path).unwrap() = wrong;
        let refused = put(&server, &key, "/api/v1/consent-settings", &broken).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}: {}", refused.text());
    }
}
