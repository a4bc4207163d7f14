//! Conversations when customers and providers do not behave as expected.

use std::time::Duration;

use serde_json::json;

use crate::world::{BUSINESS, OptedIn, World, find, worlds};

const MARIA: &str = "15550110001";
const STRANGER: &str = "15550119999";

async fn campaign_to_maria(world: &World) -> (String, String) {
    world.contact("+15550110001", "Maria", OptedIn::Yes).await;
    let campaign = world.campaign("June offer").await;
    world.start_campaign(&campaign).await;
    world.eventually("the SMS arrives", async |w| !w.texts(MARIA).await.is_empty()).await;
    let sms = world.texts(MARIA).await.remove(0);
    (campaign, world.tap(MARIA, &sms).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_link_is_claimed_and_merges_nobody() {
    for world in worlds().await {
        let (campaign, prefilled) = campaign_to_maria(&world).await;
        world.sandbox_post("/handsets", json!({ "phone": format!("+{STRANGER}"), "name": "Fred" })).await;
        world.chat(STRANGER, &prefilled).await;
        world.hears(STRANGER, "By going on you agree").await;
        let session = world.sessions().await.remove(0);
        assert_eq!(session["attribution"], "claimed");
        assert_eq!(session["customer"]["phone"], format!("+{STRANGER}"));
        let maria = world.get("/contacts?search=15550110001").await["data"][0]["id"].clone();
        assert_ne!(session["customer"]["contact_id"], maria, "the friend is not taken for Maria");
        assert_eq!(world.funnel(&campaign, "chats").await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_without_a_phone_number_is_known_by_the_code_and_answered() {
    for world in worlds().await {
        let (_, prefilled) = campaign_to_maria(&world).await;
        let hidden = "15550118888";
        world
            .sandbox_post(
                "/handsets",
                json!({ "phone": format!("+{hidden}"), "name": "Hidden", "shares_phone": false }),
            )
            .await;
        world.chat(hidden, &prefilled).await;
        world.hears(hidden, "By going on you agree").await;
        let session = world.sessions().await.remove(0);
        assert_eq!(session["customer"]["phone"], json!(null));
        assert_eq!(session["attribution"], "claimed");
        for sent in world.ledger("wa_accepted").await {
            assert!(sent["to"].is_null() && !sent["recipient"].is_null(), "answered by `recipient`: {sent}");
        }
        world.chat(hidden, "Second message").await;
        world
            .eventually("it joins the same session", async |w| {
                let sessions = w.sessions().await;
                sessions.len() == 1
                    && w.transcript(sessions[0]["id"].as_str().unwrap())
                        .await
                        .iter()
                        .any(|m| m["text"] == "Second message")
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicates_and_disorder_change_nothing() {
    for world in worlds().await {
        world.sandbox_put("/faults", json!({ "webhook_duplicate_percent": 100, "webhook_reorder": true })).await;
        world.sandbox_post("/handsets", json!({ "phone": format!("+{STRANGER}"), "name": "Fred" })).await;
        for number in 0..10 {
            world.chat(STRANGER, &format!("Message {number}")).await;
            world.advance(Duration::from_secs(1)).await;
        }
        world.sandbox_post("/webhook/flush", json!({})).await;
        world
            .eventually("all ten are there", async |w| {
                let sessions = w.sessions().await;
                let Some(session) = sessions.first() else { return false };
                let rows = w.transcript(session["id"].as_str().unwrap()).await;
                rows.iter().filter(|row| row["direction"] == "inbound").count() >= 10
            })
            .await;
        let sessions = world.sessions().await;
        assert_eq!(sessions.len(), 1, "one session");
        let rows = world.transcript(sessions[0]["id"].as_str().unwrap()).await;
        let inbound: Vec<&str> =
            rows.iter().filter(|row| row["direction"] == "inbound").map(|row| row["text"].as_str().unwrap()).collect();
        let expected: Vec<String> = (0..10).map(|number| format!("Message {number}")).collect();
        assert_eq!(inbound, expected, "each once, in the customer's order, on {}", world.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_first_messages_at_once_are_one_customer_one_session_one_work_item() {
    for world in worlds().await {
        world.sandbox_post("/handsets", json!({ "phone": format!("+{STRANGER}"), "name": "Fred" })).await;
        let sends = (0..64).map(|number| {
            let body = json!({ "type": "text", "text": format!("Message {number}") });
            let path = format!("/handsets/{STRANGER}/chats/{BUSINESS}/messages");
            let world = &world;
            async move { world.sandbox_post(&path, body).await }
        });
        futures::future::join_all(sends).await;
        world
            .eventually("all are stored", async |w| {
                let sessions = w.sessions().await;
                let Some(session) = sessions.first() else { return false };
                let rows = w.transcript(session["id"].as_str().unwrap()).await;
                rows.iter().filter(|row| row["direction"] == "inbound").count() == 64
            })
            .await;
        assert_eq!(world.sessions().await.len(), 1);
        let contacts = world.get(&format!("/contacts?search={STRANGER}")).await;
        assert_eq!(contacts["data"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_24_hours_free_text_is_refused_and_a_template_goes_out() {
    for world in worlds().await {
        let (_, prefilled) = campaign_to_maria(&world).await;
        world.through_the_bot(MARIA, &prefilled).await;
        let amy = world.sign_in("amy@acme.example").await;
        let _tab = amy.open_tab().await;
        amy.put("/presence", json!({ "status": "available" })).await;
        let offer = amy.offer().await;
        amy.post(&format!("/offers/{}/accept", offer["id"].as_str().unwrap()), json!({})).await;
        let path = format!("/sessions/{}/messages", offer["session_id"].as_str().unwrap());

        world.advance(Duration::from_secs(24 * 3600)).await;
        // The login of yesterday has run out as well.
        let amy = world.sign_in("amy@acme.example").await;
        let text = json!({ "client_id": "late", "kind": "text", "text": "Are you still there?" });
        let (status, problem) = amy.call("POST", &path, Some(text)).await;
        assert_eq!((status, &problem["code"]), (409, &json!("window_closed")), "{problem}");
        assert!(problem["detail"].as_str().unwrap().to_lowercase().contains("template"), "{problem}");

        let templates = amy.get("/templates").await;
        let rows = if templates.is_array() { templates } else { templates["data"].clone() };
        let template = find(&rows, |row| row["name"] == "we_are_back");
        let body =
            json!({ "client_id": "t1", "kind": "template", "template_id": template["id"], "parameters": ["Maria"] });
        amy.post(&path, body).await;
        world.hears(MARIA, "our team can continue your conversation").await;

        // The customer's answer opens the window again.
        world.chat(MARIA, "Yes, I am here").await;
        world
            .eventually("the window is open again", async |w| {
                let id = offer["session_id"].as_str().unwrap();
                w.transcript(id).await.iter().any(|row| row["text"] == "Yes, I am here")
            })
            .await;
        amy.post(&path, json!({ "client_id": "again", "kind": "text", "text": "Good to hear from you." })).await;
        world.hears(MARIA, "Good to hear from you").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_middle_of_a_bot_conversation_repeats_nothing() {
    for mut world in worlds().await {
        world.sandbox_post("/handsets", json!({ "phone": format!("+{STRANGER}"), "name": "Fred" })).await;
        world.chat(STRANGER, "Hello").await;
        world.hears(STRANGER, "call you").await;
        let before = world.chat_of(STRANGER).await.len();
        world.restart().await;
        world.chat(STRANGER, "Fred").await;
        world.eventually("the bot goes on", async |w| w.chat_of(STRANGER).await.len() >= before + 2).await;
        let texts: Vec<String> =
            world.chat_of(STRANGER).await.iter().map(|message| message["text"].to_string()).collect();
        let mut unique = texts.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), texts.len(), "nothing is said twice: {texts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_sees_that_they_were_read_and_that_an_answer_is_being_written() {
    for world in worlds().await {
        let amy = world.sign_in("amy@acme.example").await;
        let _tab = amy.open_tab().await;
        amy.put("/presence", json!({ "status": "available" })).await;
        world.sandbox_post("/handsets", json!({ "phone": format!("+{STRANGER}"), "name": "Fred" })).await;
        world.through_the_bot(STRANGER, "Hello").await;
        let offer = amy.offer().await;
        amy.post(&format!("/offers/{}/accept", offer["id"].as_str().unwrap()), json!({})).await;
        let session = format!("/sessions/{}", offer["session_id"].as_str().unwrap());
        amy.post(&format!("{session}/read"), json!({})).await;
        world.advance(Duration::from_secs(1)).await;
        world.chat(STRANGER, "Are you there?").await;
        world.eventually("it is unread", async |_| amy.get(&session).await["unread_count"] == json!(1)).await;
        amy.post(&format!("{session}/read"), json!({})).await;
        let heard = world.ledger("wa_inbound").await.pop().unwrap()["wamid"].clone();
        world
            .eventually("the customer sees that it was read", async |w| {
                w.ledger("wa_read").await.iter().any(|read| read["wamid"] == heard)
            })
            .await;
        let typing =
            async |w: &World| w.sandbox_get(&format!("/handsets/{STRANGER}/chats")).await["chats"][0]["typing"] == true;
        assert!(!typing(&world).await, "nobody writes yet");
        amy.post(&format!("{session}/typing"), json!({})).await;
        world.eventually("the customer sees that somebody writes", typing).await;
    }
}
