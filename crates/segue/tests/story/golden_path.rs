//! The eleven steps.

use serde_json::json;

use crate::world::{OptedIn, find, worlds};

const MARIA: &str = "15550110001";

#[tokio::test(flavor = "multi_thread")]
async fn from_campaign_to_closed_case() {
    for world in worlds().await {
        // 1. Only subscribers with an opt-in get the SMS.
        world.contact("+15550110001", "Maria", OptedIn::Yes).await;
        world.contact("+15550110004", "Fatima", OptedIn::No).await;
        let campaign = world.campaign("June offer").await;
        let preview = world.post(&format!("/campaigns/{campaign}/preview"), json!({})).await;
        assert_eq!((preview["audience"].as_i64(), preview["sendable"].as_i64()), (Some(2), Some(1)), "{preview}");
        world.start_campaign(&campaign).await;
        world.eventually("the SMS is delivered", async |w| w.funnel(&campaign, "delivered").await == 1).await;
        assert!(world.texts("15550110004").await.is_empty(), "nobody without an opt-in is messaged");

        // 2. and 3. The link leads to WhatsApp's interstitial. 4. The chat opens with a prefilled text.
        let sms = world.texts(MARIA).await.remove(0);
        let prefilled = world.tap(MARIA, &sms).await;
        assert!(prefilled.starts_with("Hi! I have a question about the June offer (ref "), "{prefilled}");

        // 5. The opt-in message comes first. 6. The contact is linked. 7. The opt-in is the session's own. 8. The bot asks.
        world.through_the_bot(MARIA, &prefilled).await;
        let chat = world.chat_of(MARIA).await;
        let first_answer = chat.iter().find(|message| message["direction"] == "in").unwrap();
        assert!(first_answer["text"].as_str().unwrap().contains("By going on you agree"), "{first_answer}");
        let session = world.sessions().await.remove(0);
        assert_eq!(session["attribution"], "certain");
        assert_eq!(session["opt_in"]["state"], "granted");
        assert_eq!(session["campaign"]["name"], "June offer");
        let contacts = world.get("/contacts?search=15550110001").await;
        assert_eq!(session["customer"]["contact_id"], contacts["data"][0]["id"]);
        assert_eq!(contacts["data"][0]["whatsapp_consent"], "none", "the session's opt-in is no broad consent");

        // 9. Routing offers it to an agent with free capacity, who accepts.
        let amy = world.sign_in("amy@acme.example").await;
        let _tab = amy.open_tab().await;
        amy.put("/presence", json!({ "status": "available" })).await;
        let offer = amy.offer().await;
        let id = session["id"].as_str().unwrap().to_owned();
        assert_eq!(offer["session_id"], id.as_str());
        amy.post(&format!("/offers/{}/accept", offer["id"].as_str().unwrap()), json!({})).await;
        let gathered = amy.get(&format!("/sessions/{id}")).await["gathered"].clone();
        assert_eq!(find(&gathered, |row| row["value"] == "AB-123456")["value"], "AB-123456", "{gathered}");

        // 10. They talk.
        let text = json!({ "client_id": "c-1", "kind": "text", "text": "Hello Maria, I am looking into it." });
        amy.post(&format!("/sessions/{id}/messages"), text.clone()).await;
        amy.post(&format!("/sessions/{id}/messages"), text).await;
        world.hears(MARIA, "I am looking into it").await;
        world.chat(MARIA, "Great, thank you!").await;
        world
            .eventually("the agent sees the answer", async |w| {
                w.transcript(&id).await.iter().any(|message| message["text"] == "Great, thank you!")
            })
            .await;
        let twice = world.chat_of(MARIA).await;
        let said = twice.iter().filter(|message| message["text"] == "Hello Maria, I am looking into it.").count();
        assert_eq!(said, 1, "the same client_id is sent once");

        // 11. A lead with the phone number filled in; case and session close in one act.
        let lead = amy.post(&format!("/sessions/{id}/leads"), json!({ "name": "Maria" })).await;
        assert_eq!(lead["phone"], "+15550110001");
        amy.post(&format!("/sessions/{id}/cases"), json!({ "subject": "Order AB-123456" })).await;
        let ended = amy.post(&format!("/sessions/{id}/end"), json!({ "close_case": true, "outcome": "won" })).await;
        assert_eq!((&ended["state"], &ended["ended_by"]), (&json!("ended"), &json!("agent")));
        assert_eq!(world.get("/cases").await["data"][0]["state"], "closed");
        assert_eq!(amy.get("/presence").await["load"], 0);

        // The funnel shows it all; the tap as soon as it is written, which may take a second.
        world
            .eventually("the tap is in the funnel", async |w| {
                w.get(&format!("/campaigns/{campaign}/funnel")).await["tapped"] == 1
            })
            .await;
        let funnel = world.get(&format!("/campaigns/{campaign}/funnel")).await;
        for step in ["sent", "delivered", "tapped", "chats", "bot_finished", "agent", "cases", "leads", "won"] {
            assert_eq!(funnel[step], 1, "{step} in {funnel} on {}", world.engine);
        }
        assert_eq!(funnel["excluded"], 1);
        world.agrees_with_the_ledger(&campaign).await;
    }
}
