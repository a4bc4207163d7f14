//! Drafts of campaigns that several people change.

use http::StatusCode;
use segue_model::role::Role;
use serde_json::json;

use crate::support::servers;

#[tokio::test]
async fn a_change_of_an_older_version_of_a_draft_is_refused_and_what_is_not_given_stays() {
    for server in servers().await {
        let key = server.key(Role::Marketer).await;
        let channel = server.test.sms_channel("sms").await;
        let sender = server.test.sender(channel.id, "+15550100999").await.id;
        let draft = json!({ "name": "Spring", "sender_id": sender, "audience": {}, "body": "Hi", "footer": "none" });
        let made = server.post(&key, "/api/v1/campaigns", &draft).await.json();
        let one = format!("/api/v1/campaigns/{}", made["id"].as_str().unwrap());
        let first = server.patch(&key, &one, &json!({ "body": "Hello", "version": made["version"] })).await;
        assert_eq!(first.status, StatusCode::OK, "{}", first.text());

        // Somebody who still has the first version before them.
        let late = json!({ "name": "Summer", "body": "Hi", "version": made["version"] });
        let refused = server.patch(&key, &one, &late).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "changed_meanwhile"));
        let stored = server.get(&key, &one).await.json();
        assert_eq!((&stored["name"], &stored["body"]), (&json!("Spring"), &json!("Hello")), "{}", server.test.engine);

        let newest = json!({ "name": "Summer", "version": first.json()["version"] });
        let changed = server.patch(&key, &one, &newest).await.json();
        assert_eq!((&changed["name"], &changed["body"]), (&json!("Summer"), &json!("Hello")));
        let wrong = server.patch(&key, &one, &json!({ "version": "new" })).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.text());
        // A program that gives no version changes what it names.
        let named = server.patch(&key, &one, &json!({ "name": "Autumn" })).await;
        assert_eq!((named.status, &named.json()["body"]), (StatusCode::OK, &json!("Hello")));
    }
}
