//! The workspace's policy, the rule books, and why a contact can or cannot be texted.

use http::StatusCode;
use segue_model::{
    consent::{ConsentState, Medium, Purpose},
    role::Role,
    time,
};
use serde_json::json;

use crate::support::{server, servers};

#[tokio::test]
async fn a_policy_changes_what_is_given_and_says_it_in_words() {
    for server in servers().await {
        let key = server.key(Role::Admin).await;
        let before = server.get(&key, "/api/v1/policy").await.json();
        assert_eq!(before["open_hours"], "Every day 08:00–21:00");
        assert_eq!((&before["caps"], &before["at_cap"]), (&json!([]), &json!("hold")));
        assert_eq!((&before["at_quiet_hours"], &before["label_caps"]), (&json!("hold"), &json!([])));
        let change = json!({
            "quiet_spans": [{"days": ["sun"], "start": "00:00", "end": "24:00"}],
            "caps": [{"messages": 2, "period": "week"}],
            "at_cap": "suppress",
            "at_quiet_hours": "discard",
            "label_caps": [{"label": "Newsletter", "messages": 1, "period": "week"}],
        });
        let changed = server.patch(&key, "/api/v1/policy", &change).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
        let after = server.get(&key, "/api/v1/policy").await.json();
        assert_eq!(after, changed.json());
        assert_eq!(after["open_hours"], "Mon–Sat 08:00–21:00; Sun never");
        assert_eq!((&after["quiet_spans"], &after["caps"]), (&change["quiet_spans"], &change["caps"]));
        assert_eq!((&after["at_quiet_hours"], &after["label_caps"]), (&json!("discard"), &change["label_caps"]));
        assert_eq!(after["quiet_hours"], json!({"start": "21:00", "end": "08:00"}), "left as it was");
        for (change, field) in [
            (json!({"quiet_spans": [{"days": [], "start": "01:00", "end": "02:00"}]}), "quiet_spans"),
            (json!({"quiet_spans": [{"days": ["mon"], "start": "22:00", "end": "02:00"}]}), "quiet_spans"),
            (json!({"caps": [{"messages": 0, "period": "day"}]}), "caps"),
            (json!({"caps": [{"messages": 1, "period": "day"}, {"messages": 2, "period": "day"}]}), "caps"),
            (json!({"label_caps": [{"label": " ", "messages": 1, "period": "day"}]}), "label_caps"),
            (json!({"label_caps": [{"label": "A", "messages": 0, "period": "day"}]}), "label_caps"),
            (
                json!({"label_caps": [{"label": "News", "messages": 1, "period": "day"},
                    {"label": "news ", "messages": 2, "period": "day"}]}),
                "label_caps",
            ),
            (json!({"quiet_hours": {"start": "25:00", "end": "08:00"}}), "quiet_hours.start"),
        ] {
            let refused = server.patch(&key, "/api/v1/policy", &change).await.json();
            assert_eq!(refused["errors"][0]["field"], field, "{change}");
        }
    }
}

#[tokio::test]
async fn the_rule_books_are_shown_with_their_sources() {
    let server = server().await;
    let key = server.key(Role::Marketer).await;
    let books = server.get(&key, "/api/v1/rule-books").await.json();
    let rules: Vec<_> =
        books["data"].as_array().unwrap().iter().flat_map(|book| book["rules"].as_array().unwrap()).collect();
    let florida = rules.iter().find(|rule| rule["id"] == "us.fl").unwrap();
    assert_eq!(florida["hours"], "Every day 08:00–20:00");
    assert_eq!(florida["frequency"], "at most 3 in 24 hours");
    assert_eq!(florida["version"], books["data"][0]["version"]);
    assert!(florida["source"].as_str().unwrap().contains("501.616"));
}

#[tokio::test]
async fn a_contact_shows_why_it_cannot_be_texted_now() {
    for server in servers().await {
        let key = server.key(Role::Marketer).await;
        let id = server.test.contact("+13055550123", "Ana").await;
        let path = format!("/api/v1/contacts/{id}/reachability");
        let nothing = server.get(&key, &path).await.json();
        assert_eq!((&nothing["reach"], &nothing["rule"]), (&json!("refuse"), &json!("no_consent")));
        assert_eq!(nothing["reason"], "No opt-in on record");
        server.test.set_consent(Medium::Sms, "+13055550123", Purpose::Marketing, ConsentState::Granted).await;
        let noon = server.get(&key, &path).await.json();
        assert_eq!((&noon["reach"], &noon["place"]), (&json!("send"), &json!("US-FL")), "{noon}");
        assert_eq!(noon["deliver_by"], "2026-11-24T01:00:00.000Z", "eight in the evening");
        assert_eq!(noon["laws"][1]["id"], "us.fl");
        server.test.clock.advance(8 * time::HOUR + 30 * time::MINUTE);
        let evening = server.get(&key, &path).await.json();
        assert_eq!((&evening["reach"], &evening["rule"]), (&json!("hold"), &json!("legal_hours")));
        assert_eq!(evening["until"], "2026-11-24T13:00:00.000Z");
        assert_eq!(evening["explanation"]["law"], "us.fl");
        let reason = evening["reason"].as_str().unwrap();
        assert!(reason.starts_with("Florida allows promotional texts Every day 08:00–20:00"), "{reason}");
        let missing = server.get(&key, "/api/v1/contacts/con_00000000000000000000000001/reachability").await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND);
    }
}
