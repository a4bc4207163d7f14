//! Campaigns when things do not go smoothly.

use std::time::Duration;

use serde_json::json;

use crate::world::{OptedIn, worlds};

#[tokio::test(flavor = "multi_thread")]
async fn nobody_without_an_opt_in_gets_an_sms_and_the_reason_is_shown() {
    for world in worlds().await {
        for number in 1..=3 {
            world.contact(&format!("+1555011010{number}"), "Nobody", OptedIn::No).await;
        }
        let campaign = world.campaign("To nobody").await;
        world.start_campaign(&campaign).await;
        world
            .eventually("the campaign finishes", async |w| {
                w.get(&format!("/campaigns/{campaign}")).await["state"] == "finished"
            })
            .await;
        assert!(world.ledger("sms_accepted").await.is_empty(), "no SMS leaves");
        let recipients = world.get(&format!("/campaigns/{campaign}/recipients")).await;
        for row in recipients["data"].as_array().unwrap() {
            assert_eq!((&row["state"], &row["rule"]), (&json!("excluded"), &json!("no_consent")), "{row}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_beats_a_running_campaign() {
    for world in worlds().await {
        for number in 10..70 {
            world.contact(&format!("+155501101{number}"), "Customer", OptedIn::Yes).await;
        }
        let last = "15550110169";
        // Slow answers: the window of ten is full while most still wait.
        world.sandbox_put("/faults", json!({ "smpp_response_delay_ms": 400 })).await;
        let campaign = world.campaign("June offer").await;
        world.start_campaign(&campaign).await;
        world.eventually("the first leave", async |w| !w.ledger("sms_accepted").await.is_empty()).await;
        world.sandbox_post("/handsets", json!({ "phone": format!("+{last}") })).await;
        world.sandbox_post(&format!("/handsets/{last}/sms"), json!({ "to": "+15550100001", "text": "Stop!" })).await;
        world
            .eventually("the opt-out is on record", async |w| {
                let contacts = w.get(&format!("/contacts?search={last}")).await;
                contacts["data"][0]["sms_consent"] == "revoked"
            })
            .await;
        world
            .eventually("the campaign finishes", async |w| {
                w.get(&format!("/campaigns/{campaign}")).await["state"] == "finished"
            })
            .await;
        let texts = world.texts(last).await;
        assert!(
            texts.iter().all(|sms| !sms["text"].as_str().unwrap().contains("June offer")),
            "no campaign text after STOP on {}: {texts:?}",
            world.engine
        );
        assert_eq!(texts.len(), 1, "one confirmation: {texts:?}");
        world.eventually("the others have it", async |w| w.funnel(&campaign, "delivered").await == 59).await;
        world.agrees_with_the_ledger(&campaign).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_campaign_sends_nothing_and_goes_on_where_it_was() {
    for world in worlds().await {
        for number in 10..60 {
            world.contact(&format!("+155501102{number}"), "Customer", OptedIn::Yes).await;
        }
        world.sandbox_put("/faults", json!({ "smpp_response_delay_ms": 300 })).await;
        let campaign = world.campaign("June offer").await;
        world.start_campaign(&campaign).await;
        world.eventually("the first leave", async |w| !w.ledger("sms_accepted").await.is_empty()).await;
        world.post(&format!("/campaigns/{campaign}/pause"), json!({})).await;
        world
            .eventually("what was on its way is settled", async |w| {
                let on_the_wire = w.get(&format!("/campaigns/{campaign}/recipients?state=submitting")).await;
                on_the_wire["data"].as_array().unwrap().is_empty()
            })
            .await;
        let accepted = world.ledger("sms_accepted").await.len();
        assert!(accepted < 50, "it was paused in the middle");
        world.advance(Duration::from_secs(600)).await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert_eq!(world.ledger("sms_accepted").await.len(), accepted, "nothing leaves while it is paused");
        world.post(&format!("/campaigns/{campaign}/resume"), json!({})).await;
        world.eventually("all are delivered", async |w| w.funnel(&campaign, "delivered").await == 50).await;
        world.agrees_with_the_ledger(&campaign).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canceled_campaign_ends_at_once() {
    for world in worlds().await {
        for number in 10..60 {
            world.contact(&format!("+155501103{number}"), "Customer", OptedIn::Yes).await;
        }
        world.sandbox_put("/faults", json!({ "smpp_response_delay_ms": 300 })).await;
        let campaign = world.campaign("June offer").await;
        world.start_campaign(&campaign).await;
        world.eventually("the first leave", async |w| !w.ledger("sms_accepted").await.is_empty()).await;
        world.post(&format!("/campaigns/{campaign}/cancel"), json!({})).await;
        world
            .eventually("every recipient has an end", async |w| {
                let funnel = w.get(&format!("/campaigns/{campaign}/funnel")).await;
                funnel["queued"] == 0 && funnel["sent"].as_i64().unwrap() + funnel["canceled"].as_i64().unwrap() == 50
            })
            .await;
        assert!(world.funnel(&campaign, "canceled").await > 0);
        world.agrees_with_the_ledger(&campaign).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_comes_is_unknown_and_never_sent_twice() {
    for world in worlds().await {
        for number in 10..15 {
            world.contact(&format!("+155501104{number}"), "Customer", OptedIn::Yes).await;
        }
        world.sandbox_put("/faults", json!({ "smpp_swallow_responses": 1, "receipts": "none" })).await;
        let campaign = world.campaign("June offer").await;
        world.start_campaign(&campaign).await;
        world.eventually("four are accepted", async |w| w.funnel(&campaign, "sent").await == 4).await;
        world.eventually("the carrier has all five", async |w| w.ledger("sms_accepted").await.len() == 5).await;
        assert_eq!(world.ledger("sms_accepted").await.len(), 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_text_is_read_whole_and_a_no_at_its_end_counts() {
    for world in worlds().await {
        let phone = "15550110190";
        let contact = world.contact(&format!("+{phone}"), "Customer", OptedIn::Yes).await;
        let opening = "Good morning. My daughter bought a pair of shoes from you in spring and left my number for the \
                       receipt, which was quite all right with me at that time. That is settled now, so ";
        let text = format!("{opening}please stop texting me");
        assert!(opening.len() > 160 && text.len() < 300, "the no stands in the second part");
        world.sandbox_post("/handsets", json!({ "phone": format!("+{phone}") })).await;
        world.sandbox_post(&format!("/handsets/{phone}/sms"), json!({ "to": "+15550100001", "text": text })).await;
        let id = contact["id"].as_str().unwrap();
        world
            .eventually("the text is kept", async |w| {
                let texts = w.get(&format!("/contacts/{id}/texts")).await;
                !texts["data"].as_array().unwrap().is_empty()
            })
            .await;
        let texts = world.get(&format!("/contacts/{id}/texts")).await;
        let texts: Vec<_> = texts["data"].as_array().unwrap().iter().map(|text| text["text"].clone()).collect();
        assert_eq!(texts, [json!(text)], "{}: one text, whole", world.engine);
        let state = world.get(&format!("/contacts/{id}")).await["sms_consent"].clone();
        assert_ne!(state, "granted", "{}: it is obeyed, or waits for a person's look", world.engine);
    }
}
