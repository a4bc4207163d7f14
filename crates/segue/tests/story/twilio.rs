//! Texts through a provider that speaks Twilio's dialect: a campaign out, statuses and answers in, and its opt-outs.

use std::time::Duration;

use serde_json::{Value, json};

use crate::world::{OptedIn, World, find, worlds};

const NUMBER: &str = "+15550100777";

/// Adds the channel and its sender; gives the sender's id.
async fn set_up(world: &World, opt_outs: &str) -> Value {
    let config = json!({
        "base_url": format!("http://{}", world.sandbox.http_addr),
        "account_sid": "AC5a0db0c5a0db0c5a0db0c5a0db0c5a0d",
        "auth_token": "sandbox-auth-token",
        "callback_base_url": world.url(),
        "segments_per_second": 200,
    });
    let channel = json!({ "kind": "twilio", "name": "HTTP carrier", "config": config });
    let channel = world.post("/channels", channel).await;
    assert!(channel["config"]["auth_token"].is_null(), "secrets never come out: {channel}");
    let inbound = format!("{}{}", world.url(), channel["webhook_path"].as_str().unwrap());
    world.sandbox_post("/twilio", json!({ "inbound_url": inbound, "opt_outs": opt_outs })).await;
    let check = world.post(&format!("/channels/{}/check", channel["id"].as_str().unwrap()), json!({})).await;
    assert_eq!(check["ok"], true, "{check}");
    let sender = json!({ "channel_id": channel["id"], "address": NUMBER, "kind": "long_code" });
    world.post("/senders", sender).await["id"].clone()
}

async fn campaign(world: &World, sender: &Value) -> String {
    let status = world.get("/setup-status").await;
    let whatsapp = find(&status["channels"], |row| row["kind"] == "whatsapp")["id"].clone();
    let input = json!({
        "name": "Over HTTP", "sender_id": sender, "audience": { "list_id": null, "filter": null },
        "body": "Hi {{ first_name }}, June offer: 20% off tents.", "footer": "tracked", "whatsapp_channel_id": whatsapp,
        "prefilled_text": "Hi! I have a question about the June offer",
    });
    let id = world.post("/campaigns", input).await["id"].as_str().unwrap().to_owned();
    world.start_campaign(&id).await;
    id
}

async fn consent(world: &World, digits: &str) -> Value {
    world.get(&format!("/contacts?search={digits}")).await["data"][0]["sms_consent"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_goes_out_over_http_and_a_stop_comes_back() {
    for world in worlds().await {
        let sender = set_up(&world, "off").await;
        for number in 10..40 {
            world.contact(&format!("+155501120{number}"), "Customer", OptedIn::Yes).await;
        }
        // Every status comes twice, in any order.
        world.sandbox_put("/faults", json!({ "webhook_duplicate_percent": 100, "webhook_reorder": true })).await;
        let campaign = campaign(&world, &sender).await;
        world.eventually("all are delivered", async |w| w.funnel(&campaign, "delivered").await == 30).await;
        world.agrees_with_the_ledger(&campaign).await;
        let text = world.texts("15550112010").await[0].clone();
        assert_eq!(text["from"], NUMBER);
        assert!(!world.tap("15550112010", &text).await.is_empty(), "its link leads to the chat");

        world.sandbox_post("/handsets/15550112010/sms", json!({ "to": NUMBER, "text": "Stop!" })).await;
        world.eventually("the opt-out is on record", async |w| consent(w, "15550112010").await == "revoked").await;
        world.eventually("it is confirmed once", async |w| w.texts("15550112010").await.len() == 2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opt_out_that_the_provider_took_is_ours_too() {
    for world in worlds().await {
        let sender = set_up(&world, "advanced").await;
        world.contact("+15550112110", "Advanced", OptedIn::Yes).await;
        let first = campaign(&world, &sender).await;
        world.eventually("it is delivered", async |w| w.funnel(&first, "delivered").await == 1).await;
        // The provider answers the keyword itself, so nobody else does.
        world.sandbox_post("/handsets/15550112110/sms", json!({ "to": NUMBER, "text": "STOP" })).await;
        world.eventually("the opt-out is on record", async |w| consent(w, "15550112110").await == "revoked").await;
        for (word, state) in [("START", "granted"), ("STOP", "revoked")] {
            world.advance(Duration::from_secs(1)).await;
            world.sandbox_post("/handsets/15550112110/sms", json!({ "to": NUMBER, "text": word })).await;
            world.eventually(&format!("{word} is on record"), async |w| consent(w, "15550112110").await == state).await;
        }
        assert_eq!(world.texts("15550112110").await.len(), 1, "no answer of ours");
        let refused = world.ledger("sms_refused").await;
        assert!(refused.is_empty(), "nothing was sent to somebody who had stopped: {refused:?}");

        // Refused at once, and by a status: both are revocations.
        for (number, faults) in [
            ("15550112111", json!({ "twilio_error": { "code": 21610, "times": 1 } })),
            ("15550112112", json!({ "receipt_state": { "state": "21610", "times": 1 } })),
        ] {
            world.contact(&format!("+{number}"), "Refused", OptedIn::Yes).await;
            world.sandbox_put("/faults", faults).await;
            let next = campaign(&world, &sender).await;
            world.eventually("the refusal is on record", async |w| consent(w, number).await == "revoked").await;
            world
                .eventually("the message has failed with its reason", async |w| {
                    let rows = w.get(&format!("/campaigns/{next}/recipients?limit=100")).await;
                    let row = find(&rows["data"], |row| row["phone"] == format!("+{number}"));
                    row["state"] == "failed" && row["reason"] == "The recipient has stopped messages from this sender."
                })
                .await;
        }
    }
}

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\npicture";

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_goes_out_with_a_campaign_and_one_comes_back_with_a_stop() {
    for world in worlds().await {
        let sender = set_up(&world, "off").await;
        let contact = world.contact("+15550112310", "Ana", OptedIn::Yes).await;
        world.contact("+15550112311", "No opt-in", OptedIn::No).await;
        let file = world.upload("/text-files", "tent.png", PICTURE).await["id"].clone();
        let input = json!({
            "name": "With a picture", "sender_id": sender, "audience": { "list_id": null, "filter": null },
            "body": "Our new tent", "footer": "none", "media": [file],
        });
        let id = world.post("/campaigns", input).await["id"].as_str().unwrap().to_owned();
        world.start_campaign(&id).await;
        world.eventually("it is delivered", async |w| w.funnel(&id, "delivered").await == 1).await;
        let text = world.texts("15550112310").await[0].clone();
        assert_eq!((&text["text"], &text["media"][0]["mime"]), (&json!("Our new tent"), &json!("image/png")));
        let shown = text["media"][0]["id"].as_str().unwrap();
        assert_eq!(world.sandbox_bytes(&format!("/media/{shown}")).await, PICTURE, "on {}", world.engine);
        assert!(world.texts("15550112311").await.is_empty(), "consent counts as for a text");

        let picture = json!({ "mime": "image/png", "media_base64": "iVBORw0KGgpwaWN0dXJl" });
        let answer = json!({ "to": NUMBER, "text": "Stop", "media": [picture] });
        world.sandbox_put("/faults", json!({ "twilio_media_error": 1 })).await;
        world.sandbox_post("/handsets/15550112310/sms", answer).await;
        world.eventually("the opt-out is on record", async |w| consent(w, "15550112310").await == "revoked").await;
        let texts = format!("/contacts/{}/texts", contact["id"].as_str().unwrap());
        let presence = async |w: &World| w.get(&texts).await["data"][0]["files"][0]["presence"].clone();
        world.eventually("the failure is shown", async |w| presence(w).await == "failed").await;
        world.advance(Duration::from_secs(3_600)).await;
        world.eventually("it is fetched again by itself", async |w| presence(w).await == "stored").await;
    }
}
