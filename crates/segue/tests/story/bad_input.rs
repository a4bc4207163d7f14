//! Mistakes get a clear message, and nothing is half done.

use std::collections::BTreeSet;

use segue_channels::whatsapp::parse_webhook;
use segue_model::ChannelId;
use segue_store::{
    StoreError,
    channel::ChannelConfig,
    inbox::{InboxKind, NewInbox},
    outbox::Payload,
};
use serde_json::json;

use crate::world::{OptedIn, World, worlds};

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_is_started_once_however_often_it_is_asked() {
    for world in worlds().await {
        world.contact("+15550110001", "Maria", OptedIn::Yes).await;
        let campaign = world.campaign("June offer").await;
        let path = format!("/campaigns/{campaign}/start");
        let starts = (0..8).map(|_| world.call("an-api-key-for-the-story-tests", "POST", &path, Some(json!({}))));
        let answers = futures::future::join_all(starts).await;
        assert_eq!(answers.iter().filter(|(status, _)| *status == 200).count(), 1, "{answers:?}");
        for (_, problem) in answers.iter().filter(|(status, _)| *status != 200) {
            assert_eq!(problem["code"], "campaign_state", "{problem}");
        }
        world.eventually("it is delivered", async |w| w.funnel(&campaign, "delivered").await == 1).await;
        assert_eq!(world.ledger("sms_accepted").await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_say_what_to_do() {
    for world in worlds().await {
        let table = [
            ("/contacts", json!({ "phone": "not a number" }), 422),
            ("/contacts", json!({ "phnoe": "+15550110001" }), 422),
            ("/campaigns", json!({ "name": "x" }), 422),
            ("/campaigns/cmp_nonsense/start", json!({}), 400),
            ("/campaigns/cmp_00000000000000000000000000/start", json!({}), 404),
            ("/lists", json!({ "name": "" }), 422),
            (
                "/sessions/ses_00000000000000000000000000/messages",
                json!({ "client_id": "1", "kind": "text", "text": "x" }),
                404,
            ),
        ];
        for (path, body, expected) in table {
            let (status, code) = world.refused(path, body.clone()).await;
            assert!(status == expected && !code.is_empty(), "{path} {body}: {status} {code}");
        }
        refuses_a_bad_flow(&world).await;
        refuses_the_wrong_role(&world).await;
        refuses_unknown_links(&world).await;
    }
}

async fn refuses_a_bad_flow(world: &World) {
    let source = "flow: broken\nname: Broken\nsteps:\n  - id: hi\n    say: { text: hello }\n    gotoo: nowhere\n";
    let answer = world.post("/flows/validate", json!({ "source": source })).await;
    assert_eq!(answer["valid"], false, "{answer}");
    assert!(answer["problems"][0]["line"].as_i64().unwrap_or(0) >= 1, "{answer}");
    assert!(answer["problems"][0]["message"].as_str().unwrap().len() > 10, "{answer}");
}

async fn refuses_the_wrong_role(world: &World) {
    let amy = world.sign_in("amy@acme.example").await;
    for (method, path) in [("POST", "/users"), ("POST", "/campaigns"), ("GET", "/api-keys"), ("POST", "/channels")] {
        let (status, problem) = amy.call(method, path, (method == "POST").then(|| json!({}))).await;
        assert_eq!(status, 403, "{method} {path}: {problem}");
        assert_eq!(problem["code"], "forbidden");
    }
    let (status, _) = world.call("sk_nobody", "GET", "/contacts", None).await;
    assert_eq!(status, 401);
}

async fn refuses_unknown_links(world: &World) {
    let client = segue_channels::http::http_client(segue_channels::http::HttpLimits::default()).unwrap();
    for code in ["ABCDEFGHJKMNPQRS", "x", "..%2f..%2fetc"] {
        let response = client.get(format!("{}/l/{code}", world.url())).send().await.unwrap();
        assert_eq!(response.status(), 404, "{code}");
        assert!(response.text().await.unwrap().contains("link"), "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_webhooks_do_nothing() {
    for world in worlds().await {
        world.sandbox_put("/faults", json!({ "webhook_wrong_signature": true })).await;
        world.sandbox_post("/handsets", json!({ "phone": "+15550119999", "name": "Eve" })).await;
        world.chat("15550119999", "Let me in").await;
        world
            .eventually("the webhook was refused", async |w| {
                w.sandbox_get("/status").await["webhook"]["failed_attempts"].as_i64().unwrap_or(0) > 0
            })
            .await;
        assert!(world.sessions().await.is_empty());
        world.sandbox_put("/faults", json!({ "webhook_wrong_signature": false })).await;
        world.advance(std::time::Duration::from_secs(3600)).await;
        world.sandbox_post("/webhook/flush", json!({})).await;
        world.eventually("the true one is taken", async |w| w.sessions().await.len() == 1).await;
    }
}

/// Many rows of the inbox are worked on in one transaction; one that cannot be must cost the others nothing.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_worked_on_holds_nobody_up_and_waits_for_a_person() {
    for world in worlds().await {
        let channels = world.get("/setup-status").await["channels"].clone();
        let channel = crate::world::find(&channels, |row| row["kind"] == "whatsapp");
        let channel_id: ChannelId = channel["id"].as_str().unwrap().parse().unwrap();
        let (store, ctx) = (world.server().store().clone(), world.ctx.clone());
        let read = store.read::<_, StoreError, _>(move |tx| tx.channel_of_webhook(channel_id));
        let channel = read.await.unwrap().unwrap();
        let ChannelConfig::WhatsApp(config) = &channel.config else { panic!("not a WhatsApp channel") };
        let number = config.phone_number_id.clone();
        let mut rows = Vec::new();
        for place in 0..9 {
            let from = format!("1555011000{place}");
            let message = json!({ "from": from, "id": format!("wamid.{place}"), "timestamp": "1780000000",
                "type": "text", "text": { "body": "Hello" } });
            let value = json!({ "messaging_product": "whatsapp", "messages": [message],
                "metadata": { "display_phone_number": "15550100", "phone_number_id": number },
                "contacts": [{ "wa_id": from, "profile": { "name": "Ann" } }] });
            let body = json!({ "object": "whatsapp_business_account",
                "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": value }] }] });
            let item = parse_webhook(body.to_string().as_bytes()).unwrap().remove(0);
            let payload =
                if place == 4 { json!({ "nobody": "can read this" }).into() } else { Payload::of(&item).unwrap() };
            let (external_id, subject) = (item.external_id(), item.subject());
            let row = NewInbox { id: ctx.id(), channel_id, kind: InboxKind::WhatsApp, external_id, subject, payload };
            rows.push(row);
        }
        let now = ctx.now();
        let workspace_id = channel.workspace_id;
        let stored = store.write::<_, StoreError, _>(move |tx| {
            rows.iter().try_for_each(|row| tx.receive(workspace_id, row, now).map(|_| ()))
        });
        stored.await.unwrap();
        world.eventually("the others are worked on", async |w| w.sessions().await.len() == 8).await;
        world
            .eventually("the one is for a person", async |w| {
                w.get("/dead-letters").await["data"].as_array().is_some_and(|rows| rows.len() == 1)
            })
            .await;
        let phones: BTreeSet<String> =
            world.sessions().await.iter().map(|row| row["customer"]["phone"].as_str().unwrap().to_owned()).collect();
        assert_eq!(phones.len(), 8, "{}: each once", world.engine);
        assert!(!phones.contains("+15550110004"));
    }
}
