//! Votes by text over HTTP, and ready-made answers to words.

use http::StatusCode;
use segue_model::role::Role;
use segue_store::vote::Later;
use serde_json::{Value, json};

use crate::support::servers;

#[tokio::test]
async fn a_ready_made_vote_is_added_counted_and_taken_out() {
    for server in servers().await {
        let key = server.key(Role::Marketer).await;
        let channel = server.test.sms_channel("carrier").await;
        let sender = server.test.sender(channel.id, "+15550000001").await.id;
        let offered = server.get(&key, "/api/v1/keyword-templates").await.json();
        let templates = offered["data"].as_array().unwrap().clone();
        let ids: Vec<&str> = templates.iter().filter_map(|each| each["id"].as_str()).collect();
        assert_eq!(ids, ["text_response", "information_capture", "vote", "email_opt_in"]);
        // Each of them is accepted as it comes.
        let mut vote = Value::Null;
        for template in &templates {
            let word = json!({ "sender_id": sender, "word": template["word"], "action": template["action"] });
            let made = server.post(&key, "/api/v1/keywords", &word).await;
            assert_eq!(made.status, StatusCode::CREATED, "{}: {}", template["id"], made.text());
            if template["id"] == "vote" {
                vote = made.json();
            }
        }
        let path = format!("/api/v1/keywords/{}/votes", vote["id"].as_str().unwrap());
        let none = server.get(&key, &path).await.json();
        assert_eq!((&none["total"], &none["state"]), (&json!(0), &json!("open")), "{none}");
        let (workspace_id, now) = (server.test.workspace_id(), server.test.now());
        let id = vote["id"].as_str().unwrap().parse().unwrap();
        let cast = server.test.store.write::<_, segue_store::StoreError, _>(move |tx| {
            for (address, choice) in [("+15550000011", "red"), ("+15550000012", "red"), ("+15550000013", "blue")] {
                tx.cast_vote(workspace_id, id, (address, choice), Later::Refused, now)?;
            }
            Ok(())
        });
        cast.await.unwrap();
        let tally = server.get(&key, &path).await.json();
        assert_eq!(tally["total"], 3, "{tally}");
        assert_eq!((&tally["options"][0]["label"], &tally["options"][0]["votes"]), (&json!("Red"), &json!(2)));
        let file = server.get(&key, &format!("{path}.csv")).await;
        let lines: Vec<String> = file.text().lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert_eq!(lines[0], "\"phone\",\"option\",\"voted_at\",\"changed_at\"");
        assert!(lines[3].contains("+15550000013") && lines[3].contains("\"Blue\""), "{lines:?}");
        let words = server.get(&key, "/api/v1/keywords").await.json();
        let other = words["data"].as_array().unwrap().iter().find(|word| word["action"]["kind"] == "reply").unwrap();
        let refused = server.get(&key, &format!("/api/v1/keywords/{}/votes", other["id"].as_str().unwrap())).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "a word that is no vote has none");
    }
}
