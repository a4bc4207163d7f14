//! Messages of programs, from the request to the handset: a batch in which each recipient has a fate of its own.

use serde_json::json;

use crate::world::{OptedIn, worlds};

#[tokio::test(flavor = "multi_thread")]
async fn a_marketing_batch_reaches_those_who_opted_in_and_says_why_the_others_got_nothing() {
    for world in worlds().await {
        world.contact("+15550113001", "Ann", OptedIn::Yes).await;
        world.contact("+15550113002", "Bob", OptedIn::No).await;
        let sender = world.get("/setup-status").await["senders"][0]["address"].clone();
        let body = json!({
            "sender": sender, "class": "marketing", "text": "June offer for {{ first_name }}",
            "recipients": [{ "phone": "+15550113001" }, { "phone": "+15550113002" }, { "phone": "+15550113003" }],
        });
        let batch = world.post("/message-batches", body).await;
        let path = format!("/message-batches/{}", batch["id"].as_str().unwrap());
        world
            .eventually("each has its end", async |w| {
                let counts = w.get(&path).await["counts"].clone();
                counts["delivered"] == 1 && counts["suppressed"] == 2
            })
            .await;
        let rows = world.get(&format!("{path}/messages")).await;
        assert_eq!(rows["data"][0]["state"], "delivered");
        for row in &rows["data"].as_array().unwrap()[1..] {
            assert_eq!((&row["rule"], &row["reason"]), (&json!("no_consent"), &json!("No opt-in on record")), "{row}");
        }
        let accepted = world.ledger("sms_accepted").await;
        assert_eq!(accepted.len(), 1, "nobody without an opt-in on {}: {accepted:?}", world.engine);
        assert_eq!(accepted[0]["text"], "June offer for Ann");
    }
}
