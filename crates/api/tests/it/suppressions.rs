//! The suppression list over HTTP.

use http::{Method, StatusCode};
use segue_model::role::Role;
use serde_json::json;

use crate::support::{json as body, servers, with_key};

#[tokio::test]
async fn numbers_are_listed_found_and_removed_with_a_reason_that_stays() {
    for server in servers().await {
        let (marketer, admin) = (server.key(Role::Marketer).await, server.key(Role::Admin).await);
        let input = json!({"numbers": ["+1 212 555 0101", "(212) 555-0102", "no number"], "reason": "Asked by phone"});
        let added = server.post(&marketer, "/api/v1/suppressions", &input).await;
        assert_eq!(added.status, StatusCode::OK, "{}", added.text());
        assert_eq!((&added.json()["changed"], &added.json()["rejected"][0]["line"]), (&json!(2), &json!(3)));
        let page = server.get(&marketer, "/api/v1/suppressions?limit=1").await.json();
        assert_eq!(page["data"][0]["address"], "+12125550101");
        assert_eq!(page["data"][0]["source"], "manual");
        let cursor = page["next_cursor"].as_str().unwrap().replace('+', "%2B");
        let next = server.get(&marketer, &format!("/api/v1/suppressions?limit=1&cursor={cursor}")).await.json();
        assert_eq!((&next["data"][0]["address"], &next["next_cursor"]), (&json!("+12125550102"), &json!(null)));
        let none = server.get(&marketer, "/api/v1/suppressions?source=bounce").await.json();
        assert_eq!(none["data"], json!([]));

        let removal = json!({"addresses": ["+12125550101", "+12125550109"], "reason": "A mistake"});
        let refused = server.post(&marketer, "/api/v1/suppression-removals", &removal).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "whoever adds cannot take off by that alone");
        let removed = server.post(&admin, "/api/v1/suppression-removals", &removal).await.json();
        assert_eq!((&removed["changed"], &removed["unchanged"]), (&json!(1), &json!(1)), "{removed}");
        let events = server.get(&marketer, "/api/v1/suppression-events?address=%2B12125550101").await.json();
        let actions: Vec<_> = events["data"].as_array().unwrap().iter().map(|event| &event["action"]).collect();
        assert!(actions.contains(&&json!("removed")) && actions.contains(&&json!("added")), "{events}");

        for (input, field) in [
            (json!({"numbers": [], "reason": "x"}), "numbers"),
            (json!({"numbers": ["1"], "reason": " "}), "reason"),
            (json!({"numbers": ["1"], "reason": "x", "source": "bounce"}), "source"),
        ] {
            let refused = server.post(&marketer, "/api/v1/suppressions", &input).await;
            assert_eq!(refused.json()["errors"][0]["field"], field, "{input}");
        }
    }
}

#[tokio::test]
async fn the_rules_of_bounces_are_kept_and_checked() {
    for server in servers().await {
        let key = server.key(Role::Admin).await;
        let rules = server.get(&key, "/api/v1/bounce-rules").await.json();
        assert_eq!((&rules["after"], &rules["within_days"]), (&json!(3), &json!(30)));
        let put = async |rules: serde_json::Value| {
            server.send(with_key(body(Method::PUT, "/api/v1/bounce-rules", &rules), &key)).await
        };
        let changed = put(json!({"after": 1, "within_days": 7, "hard_codes": ["00A"], "soft_codes": []})).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
        assert_eq!(server.get(&key, "/api/v1/bounce-rules").await.json()["hard_codes"], json!(["00A"]));
        for (rules, field) in [
            (json!({"within_days": 0}), "within_days"),
            (json!({"after": 101}), "after"),
            (json!({"hard_codes": ["a b"]}), "hard_codes"),
            (json!({"hard_codes": ["1"], "soft_codes": ["1"]}), "soft_codes"),
        ] {
            assert_eq!(put(rules.clone()).await.json()["errors"][0]["field"], field, "{rules}");
        }
    }
}

#[tokio::test]
async fn numbers_that_were_given_up_come_from_a_carriers_file() {
    for server in servers().await {
        let key = server.key(Role::Marketer).await;
        let input = json!({"numbers": [{"phone": "+12125550101", "on": "2026-11-20"}], "source": "AT&T, November"});
        let done = server.post(&key, "/api/v1/number-deactivations", &input).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        assert_eq!(done.json()["suppressed"], 1);
        let listed = server.get(&key, "/api/v1/suppressions?source=deactivated").await.json();
        assert_eq!(listed["data"][0]["reason"], "The number was given up, says AT&T, November.");
    }
}
