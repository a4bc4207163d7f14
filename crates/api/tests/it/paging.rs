//! Lists in pages: everything once, in order.

use http::StatusCode;
use segue_model::role::Role;
use serde_json::{Value, json};

use crate::support::{Server, servers};

async fn walk(server: &Server, key: &str, path: &str) -> (Vec<Value>, usize) {
    let (mut all, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let answer = server.get(key, &format!("{path}?limit=3{cursor}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        let page = answer.json();
        all.extend(page["data"].as_array().unwrap().clone());
        pages += 1;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (all, pages),
        }
    }
}

#[tokio::test]
async fn a_list_read_page_by_page_has_everything_once() {
    for server in servers().await {
        let key = server.key(Role::Admin).await;
        for number in 0..9 {
            server.test.contact(&format!("+155501010{number:02}"), &format!("Name {number}")).await;
        }
        let (contacts, pages) = walk(&server, &key, "/api/v1/contacts").await;
        let names: Vec<&str> = contacts.iter().map(|contact| contact["first_name"].as_str().unwrap()).collect();
        let expected: Vec<String> = (0..9).rev().map(|number| format!("Name {number}")).collect();
        assert_eq!((names, pages), (expected.iter().map(String::as_str).collect(), 3), "{}", server.test.engine);

        let path = format!("/api/v1/contacts/{}/consent-events", contacts[0]["id"].as_str().unwrap());
        for number in 0..4 {
            let event = json!({"channel": "sms", "purpose": "marketing", "action": "grant", "method": "paper",
                "wording": format!("Yes {number}")});
            assert_eq!(server.post(&key, &path, &event).await.status, StatusCode::CREATED);
        }
        let (events, pages) = walk(&server, &key, &path).await;
        assert_eq!((events.len(), pages, events[0]["wording"].as_str()), (4, 2, Some("Yes 3")));
        assert_eq!(server.get(&key, "/api/v1/contacts").await.json()["data"][0]["sms_consent"], "granted");
    }
}

#[tokio::test]
async fn a_grant_without_evidence_is_refused() {
    let server = crate::support::server().await;
    let key = server.key(Role::Admin).await;
    let id = server.test.contact("+15550101000", "Ann").await;
    let event = json!({"channel": "sms", "purpose": "marketing", "action": "grant", "method": "verbal"});
    let answer = server.post(&key, &format!("/api/v1/contacts/{id}/consent-events"), &event).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (422, "consent_evidence_required"));
}
