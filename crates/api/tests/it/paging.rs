//! Lists in pages: everything once, in order.

use http::StatusCode;
use segue_model::role::Role;
use serde_json::{Value, json};

use crate::{
    sample,
    support::{Server, servers},
};

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
async fn dead_letters_that_wait_are_read_page_by_page_while_others_are_decided() {
    for server in servers().await {
        let key = server.key(Role::Admin).await;
        let ids: Vec<String> = sample::dead_letters(&server, 9).await.iter().map(ToString::to_string).collect();
        let decide = async |id: &str| {
            let answer =
                server.post(&key, &format!("/api/v1/dead-letters/{id}/discard"), &json!({ "reason": "old" })).await;
            assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
        };
        let page = async |query: &str| {
            let answer = server.get(&key, &format!("/api/v1/dead-letters?limit=3{query}")).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
            let page = answer.json();
            let ids = page["data"].as_array().unwrap().iter().map(|letter| letter["id"].as_str().unwrap().to_owned());
            (ids.collect::<Vec<_>>(), page["next_cursor"].as_str().unwrap_or_default().to_owned())
        };
        // Oldest first in `ids`, newest first in the list.
        for decided in [1, 7] {
            decide(&ids[decided]).await;
        }
        let (first, cursor) = page("&state=open").await;
        assert_eq!(first, [&*ids[8], &*ids[6], &*ids[5]], "{}", server.test.engine);
        // The one that the cursor names is decided meanwhile.
        decide(&ids[5]).await;
        let (second, cursor) = page(&format!("&state=open&cursor={cursor}")).await;
        assert_eq!(second, [&*ids[4], &*ids[3], &*ids[2]], "{}", server.test.engine);
        let (last, cursor) = page(&format!("&state=open&cursor={cursor}")).await;
        assert_eq!((last, cursor.as_str()), (vec![ids[0].clone()], ""), "{}", server.test.engine);
        for query in ["", "&state=all"] {
            assert_eq!(page(query).await.0, [&*ids[8], &*ids[7], &*ids[6]], "{}", server.test.engine);
        }
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
