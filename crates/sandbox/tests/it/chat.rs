//! The WhatsApp platform: sends, statuses, the window, messages of customers, hidden numbers, media, subscription.

use crate::bench::{ADA, BUSINESS, Bench, DAY, NUMBER_ID, START, WABA, until};
use crate::receiver::Receiver;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

fn handset() -> String {
    format!("/sandbox/v1/handsets/{ADA}")
}

#[tokio::test]
async fn a_reply_in_the_window_is_sent_delivered_and_read() {
    let bench = Bench::new().await;
    let inbound = bench.ada_writes(json!({"type": "text", "text": "Hi! 😮 a/b"})).await;
    bench.until_acked("wa_inbound", 1).await;
    let raw = &bench.receiver.raw()[0];
    assert!(raw.is_ascii() && raw.contains(r"\ud83d\ude2e a\/b"), "escaped on the wire: {raw}");
    let value = &bench.receiver.values()[0];
    assert_eq!(value["messages"][0]["id"], json!(inbound));
    assert_eq!(value["messages"][0]["text"]["body"], "Hi! 😮 a/b");
    assert_eq!(value["messages"][0]["timestamp"], json!((START / 1000).to_string()));

    bench.advance(3_000).await;
    let (status, answer) = bench
        .send(json!({"to": format!("+{ADA}"), "text": {"body": "Welcome"}, "biz_opaque_callback_data": "out-1",
                     "context": {"message_id": inbound}}))
        .await;
    assert_eq!(status, 200);
    assert_eq!(answer["contacts"], json!([{"input": format!("+{ADA}"), "wa_id": ADA}]));
    let wamid = answer["messages"][0]["id"].as_str().expect("wamid").to_owned();
    assert!(wamid.starts_with("wamid.") && wamid.len() <= 128);
    bench.until_acked("wa_status", 2).await;
    assert_eq!(bench.receiver.statuses(&wamid), ["sent", "delivered"]);
    let status = bench.receiver.values()[1]["statuses"][0].clone();
    assert_eq!(status["biz_opaque_callback_data"], "out-1");
    assert_eq!(status["timestamp"], json!((START / 1000 + 3).to_string()));
    assert_eq!(status["pricing"]["category"], "service");
    let shown = bench.chat().await;
    assert_eq!((&shown[0]["direction"], &shown[0]["status"]), (&json!("out"), &json!("delivered")));
    assert_eq!((&shown[1]["direction"], &shown[1]["text"]), (&json!("in"), &json!("Welcome")));
    assert_eq!(bench.get(&handset()).await.1["chat_unread"], 1);

    assert_eq!(bench.post(&format!("{}/chats/{BUSINESS}/open", handset()), json!({})).await.0, 204);
    bench.until_acked("wa_status", 3).await;
    assert_eq!(bench.receiver.statuses(&wamid), ["sent", "delivered", "read"]);
    assert_eq!(bench.get(&handset()).await.1["chat_unread"], 0);
}

#[tokio::test]
async fn free_text_outside_the_window_is_accepted_and_fails_later() {
    let bench = Bench::new().await;
    let never = bench.send_text("no conversation yet").await;
    bench.until_acked("wa_status", 1).await;
    assert_eq!(bench.receiver.statuses(&never), ["failed"]);
    let value = &bench.receiver.values()[0];
    assert_eq!(value["statuses"][0]["errors"][0]["code"], 131047);
    assert_eq!(value["contacts"], json!([{"wa_id": ADA}]), "the number and nothing else");
    assert!(value["statuses"][0].get("recipient_user_id").is_none());
    assert!(bench.chat().await.is_empty(), "the handset never sees it");

    bench.ada_writes(json!({"type": "text", "text": "hello"})).await;
    bench.advance(DAY - 1).await;
    let open = bench.send_text("just in time").await;
    bench.advance(1).await;
    let closed = bench.send_text("too late").await;
    until(|| async { bench.receiver.statuses(&closed).len() == 1 }).await;
    assert_eq!(bench.receiver.statuses(&closed), ["failed"]);
    assert_eq!(bench.receiver.statuses(&open), ["sent", "delivered"]);

    // The window follows the timestamp of the message, not its arrival.
    bench.ada_writes(json!({"type": "text", "text": "old", "timestamp": (START / 1000)})).await;
    let still_closed = bench.send_text("still too late").await;
    until(|| async { bench.receiver.statuses(&still_closed) == ["failed"] }).await;

    bench.faults(json!({"window_closed_at_once": true})).await;
    let (status, body) = bench.send(json!({"to": ADA, "text": {"body": "x"}})).await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!(131047)));
    assert_eq!(bench.sandbox.counters().graph_refused, 1);
}

#[tokio::test]
async fn a_hidden_number_is_never_named() {
    let bench = Bench::new().await;
    bench.patch(&handset(), json!({"shares_phone": false})).await;
    let (_, view) = bench.get(&handset()).await;
    let bsuid = view["bsuid"].as_str().expect("bsuid").to_owned();
    assert!(bsuid.starts_with("DE.") && view["username"].is_string());
    let inbound = bench.ada_writes(json!({"type": "text", "text": "Hi"})).await;
    bench.until_acked("wa_inbound", 1).await;
    let value = &bench.receiver.values()[0];
    let message = &value["messages"][0];
    assert_eq!((&message["from_user_id"], message.get("from")), (&json!(bsuid), None));
    assert_eq!(
        value["contacts"],
        json!([{"profile": {"name": "Ada", "username": view["username"]}, "user_id": bsuid}])
    );
    assert!(!bench.receiver.raw()[0].contains(ADA));
    let decoded = STANDARD.decode(inbound.strip_prefix("wamid.").expect("wamid")).expect("base64");
    assert!(!decoded.windows(ADA.len()).any(|window| window == ADA.as_bytes()));

    // Answered to the user id in `recipient`: arrives. In `to`: 200 and lost.
    let (status, answer) = bench.send(json!({"recipient": bsuid, "text": {"body": "Hello"}})).await;
    assert_eq!((status, &answer["contacts"]), (200, &json!([{"input": bsuid, "user_id": bsuid}])));
    bench.until_acked("wa_status", 2).await;
    let status = &bench.receiver.values()[1]["statuses"][0];
    assert_eq!((&status["recipient_user_id"], status.get("recipient_id")), (&json!(bsuid), None));
    let (status, answer) = bench.send(json!({"to": bsuid, "text": {"body": "lost"}})).await;
    assert_eq!(status, 200);
    let lost = answer["messages"][0]["id"].as_str().expect("wamid").to_owned();
    bench.post("/sandbox/v1/webhook/flush", json!({})).await;
    assert!(bench.receiver.statuses(&lost).is_empty());
    assert_eq!(bench.ledger_of("wa_accepted").await[1]["handset_id"], Value::Null);
    assert_eq!(bench.chat().await.len(), 2);
}

#[tokio::test]
async fn offline_blocked_and_unreachable_handsets() {
    let bench = Bench::new().await;
    bench.ada_writes(json!({"type": "text", "text": "Hi"})).await;
    bench.patch(&handset(), json!({"online": false})).await;
    let one = bench.send_text("one").await;
    let two = bench.send_text("two").await;
    bench.until_acked("wa_status", 2).await;
    assert_eq!((bench.receiver.statuses(&one), bench.chat().await.len()), (vec!["sent".to_owned()], 1));
    bench.patch(&handset(), json!({"online": true, "read_receipts": false})).await;
    bench.until_acked("wa_status", 4).await;
    assert_eq!(bench.receiver.statuses(&two), ["sent", "delivered"]);
    bench.post(&format!("{}/chats/{BUSINESS}/open", handset()), json!({})).await;
    bench.patch(&handset(), json!({"blocked": true})).await;
    let blocked = bench.send_text("blocked").await;
    let (status, _) =
        bench.post(&format!("{}/chats/{BUSINESS}/messages", handset()), json!({"type": "text", "text": "x"})).await;
    assert_eq!(status, 409);
    bench.post("/sandbox/v1/webhook/flush", json!({})).await;
    assert_eq!(bench.receiver.statuses(&blocked), ["sent"]);
    assert_eq!(bench.receiver.statuses(&two), ["sent", "delivered"], "no read receipts, no read status");
    bench.patch(&handset(), json!({"blocked": false, "on_whatsapp": false})).await;
    let gone = bench.send_text("gone").await;
    until(|| async { bench.receiver.statuses(&gone) == ["failed"] }).await;
}

#[tokio::test]
async fn buttons_lists_and_typing() {
    let bench = Bench::new().await;
    let inbound = bench.ada_writes(json!({"type": "text", "text": "Hi"})).await;
    let (status, _) =
        bench.send(json!({"status": "read", "message_id": inbound, "typing_indicator": {"type": "text"}})).await;
    assert_eq!(status, 200);
    let (_, chats) = bench.get(&format!("{}/chats", handset())).await;
    assert_eq!(chats["chats"][0]["typing"], true);
    assert_eq!(chats["chats"][0]["messages"][0]["status"], "read");
    let buttons = json!([{"type": "reply", "reply": {"id": "yes", "title": "Yes, please"}}]);
    bench
        .send(json!({"to": ADA, "type": "interactive", "interactive": {"type": "button", "header": {"type": "text", "text": "Opt-in"},
                     "body": {"text": "May we?"}, "footer": {"text": "Stop any time"}, "action": {"buttons": buttons}}}))
        .await;
    bench
        .send(json!({"to": ADA, "type": "interactive", "interactive": {"type": "list", "body": {"text": "Topic?"},
                     "action": {"button": "Choose", "sections": [{"title": "All", "rows": [
                        {"id": "order", "title": "My order", "description": "Where is it"}]}]}}}))
        .await;
    let chat = bench.chat().await;
    assert_eq!(bench.get(&format!("{}/chats", handset())).await.1["chats"][0]["typing"], false);
    assert_eq!(chat[1]["buttons"][0]["title"], "Yes, please");
    assert_eq!(chat[2]["sections"][0]["rows"][0]["id"], "order");
    bench.ada_writes(json!({"type": "button_reply", "reply_to": chat[1]["id"], "id": "yes"})).await;
    bench.ada_writes(json!({"type": "list_reply", "reply_to": chat[2]["id"], "id": "order"})).await;
    bench.until_acked("wa_inbound", 3).await;
    let values = bench.receiver.values();
    let replies: Vec<&Value> =
        values.iter().map(|value| &value["messages"][0]).filter(|message| message["type"] == "interactive").collect();
    assert_eq!(
        replies[0]["interactive"],
        json!({"type": "button_reply", "button_reply": {"id": "yes", "title": "Yes, please"}})
    );
    assert_eq!(replies[0]["context"], json!({"from": BUSINESS, "id": chat[1]["id"]}));
    assert_eq!(
        replies[1]["interactive"]["list_reply"],
        json!({"id": "order", "title": "My order", "description": "Where is it"})
    );
    let wrong = json!({"type": "button_reply", "reply_to": chat[1]["id"], "id": "no such"});
    assert_eq!(bench.post(&format!("{}/chats/{BUSINESS}/messages", handset()), wrong).await.0, 400);
}

#[tokio::test]
async fn media_both_ways_with_urls_that_expire() {
    let bench = Bench::new().await;
    let png = b"\x89PNG\r\n\x1a\nnot really";
    let image =
        json!({"type": "image", "media_base64": STANDARD.encode(png), "mime": "image/png", "caption": "my shoe"});
    bench.ada_writes(image).await;
    bench.until_acked("wa_inbound", 1).await;
    let image = bench.receiver.values()[0]["messages"][0]["image"].clone();
    let (_, described) = bench.get(&format!("/v26.0/{}", image["id"].as_str().expect("id"))).await;
    assert_eq!((&described["mime_type"], &described["file_size"]), (&json!("image/png"), &json!(png.len())));
    let sha = STANDARD.decode(image["sha256"].as_str().expect("sha256")).expect("base64");
    assert_eq!(described["sha256"], json!(hex::encode(sha)));
    let url = described["url"].as_str().expect("url").to_owned();
    assert_eq!(bench.http.get(&url).send().await.expect("answer").status(), 401, "the token is needed");
    let download = || async { bench.http.get(&url).bearer_auth("sandbox-token").send().await.expect("answer") };
    assert_eq!(download().await.bytes().await.expect("bytes"), png.as_slice());
    bench.advance(5 * 60_000).await;
    assert_eq!(download().await.status(), 404, "the URL has expired");

    let file = || reqwest::multipart::Part::bytes(png.to_vec()).file_name("a.png").mime_str("image/png").expect("mime");
    let form = reqwest::multipart::Form::new().text("messaging_product", "whatsapp").part("file", file());
    let upload = bench.http.post(bench.url(&format!("/v26.0/{NUMBER_ID}/media"))).multipart(form);
    let (status, uploaded) = bench.request(upload).await;
    assert_eq!(status, 200, "{uploaded}");
    let (status, _) =
        bench.send(json!({"to": ADA, "type": "image", "image": {"id": uploaded["id"], "caption": "ours"}})).await;
    assert_eq!(status, 200);
    // Client libraries name the product in the query too.
    for (query, accepted) in [("?messaging_product=whatsapp", 200), ("?messaging_product=sms", 400), ("", 400)] {
        let form = reqwest::multipart::Form::new().part("file", file());
        let upload = bench.http.post(bench.url(&format!("/v26.0/{NUMBER_ID}/media{query}"))).multipart(form);
        assert_eq!(bench.request(upload).await.0, accepted, "{query}");
    }
    let shown = &bench.chat().await[1];
    assert_eq!(shown["media"]["mime"], "image/png");
    let shown_url = format!("/sandbox/v1/media/{}", shown["media"]["id"].as_str().expect("id"));
    assert_eq!(
        bench.http.get(bench.url(&shown_url)).send().await.expect("answer").bytes().await.expect("bytes"),
        png.as_slice()
    );
    let (status, body) = bench.send(json!({"to": ADA, "type": "image", "image": {"id": "1"}})).await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!(131009)));
    // A link that gives nothing: accepted, then failed.
    let dead = format!("http://{}/livez", bench.sandbox.smpp_addr);
    let (status, answer) = bench.send(json!({"to": ADA, "type": "image", "image": {"link": dead}})).await;
    assert_eq!(status, 200);
    let wamid = answer["messages"][0]["id"].as_str().expect("wamid").to_owned();
    until(|| async { bench.receiver.statuses(&wamid) == ["failed"] }).await;
}

#[tokio::test]
async fn token_version_and_unknown_objects() {
    let bench = Bench::new().await;
    let send = |version: &str, id: &str, token: Option<&str>| {
        let body = json!({"messaging_product": "whatsapp", "to": ADA, "text": {"body": "x"}});
        let request = bench.http.post(bench.url(&format!("/{version}/{id}/messages"))).json(&body);
        let request = token.iter().fold(request, |request, token| request.bearer_auth(token));
        async move {
            let response = request.send().await.expect("answer");
            let status = response.status().as_u16();
            let body: Value = response.json().await.expect("json");
            assert!(body["error"]["fbtrace_id"].is_string() && body["error"]["message"].is_string());
            (status, body["error"]["code"].as_i64().expect("code"))
        }
    };
    assert_eq!(send("v26.0", NUMBER_ID, Some("stolen")).await, (401, 190));
    assert_eq!(send("v26.0", NUMBER_ID, None).await, (401, 104));
    assert_eq!(send("v20.0", NUMBER_ID, Some("sandbox-token")).await, (400, 2635));
    assert_eq!(send("v26.0", "42", Some("sandbox-token")).await, (400, 100));
    let (status, number) = bench.get(&format!("/v26.0/{NUMBER_ID}?fields=display_phone_number,verified_name")).await;
    assert_eq!(status, 200);
    assert_eq!(
        number,
        json!({"id": NUMBER_ID, "display_phone_number": "+15550783881", "verified_name": "Acme Outdoor"})
    );
    assert_eq!(bench.get(&format!("/v26.0/{WABA}/phone_numbers")).await.1["data"][0]["id"], json!(NUMBER_ID));
    assert_eq!(bench.get("/v26.0/42").await.0, 404);
}

#[tokio::test]
async fn a_webhook_url_is_subscribed_only_after_the_handshake() {
    let bench = Bench::new().await;
    let apps = format!("/v26.0/{WABA}/subscribed_apps");
    let url = bench.receiver.url.clone();
    bench.request(bench.http.delete(bench.url(&apps))).await;
    assert_eq!(bench.get(&apps).await.1, json!({"data": []}));
    let (status, body) = bench.post(&apps, json!({"override_callback_uri": url, "verify_token": "wrong"})).await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!(2200)));
    assert_eq!(bench.get(&apps).await.1, json!({"data": []}));
    // What happens meanwhile waits for the subscription.
    bench.ada_writes(json!({"type": "text", "text": "anybody there?"})).await;
    let (status, body) =
        bench.post(&apps, json!({"override_callback_uri": url, "verify_token": "sandbox-verify"})).await;
    assert_eq!((status, body), (200, json!({"success": true})));
    assert_eq!(bench.get(&apps).await.1["data"][0]["override_callback_uri"], json!(url));
    bench.until_acked("wa_inbound", 1).await;
}

#[tokio::test]
async fn a_user_the_business_blocks_is_silent_and_cannot_be_written_to() {
    let bench = Bench::new().await;
    let path = format!("/v26.0/{NUMBER_ID}/block_users");
    let users = json!({"messaging_product": "whatsapp", "block_users": [{"user": ADA}]});
    let (status, answer) = bench.graph("POST", &path, Some(users.clone())).await;
    assert_eq!(status, 200);
    let failed = &answer["block_users"]["failed_users"][0];
    assert_eq!(failed["errors"][0]["code"], 139_100, "the user has not written yet");

    bench.ada_writes(json!({"type": "text", "text": "Hi"})).await;
    bench.until_acked("wa_inbound", 1).await;
    let (status, answer) = bench.graph("POST", &path, Some(users.clone())).await;
    assert_eq!((status, &answer["block_users"]["added_users"][0]["wa_id"]), (200, &json!(ADA)));
    let (_, listed) = bench.graph("GET", &path, None).await;
    assert_eq!(listed["data"][0]["wa_id"], json!(ADA));

    bench.ada_writes(json!({"type": "text", "text": "Do you hear me?"})).await;
    let (status, refused) = bench.send(json!({"to": ADA, "text": {"body": "No"}})).await;
    assert_eq!((status >= 400, &refused["error"]["code"]), (true, &json!(130_403)));
    assert_eq!(bench.receiver.values().len(), 1, "the second message brought no webhook");

    let (status, _) = bench.graph("DELETE", &path, Some(users)).await;
    assert_eq!(status, 200);
    assert_eq!(bench.send(json!({"to": ADA, "text": {"body": "Hello again"}})).await.0, 200);
    let wrong = json!({"messaging_product": "whatsapp", "block_users": []});
    assert_eq!(bench.graph("POST", &path, Some(wrong)).await.1["error"]["code"], 100);
}

#[tokio::test]
async fn a_number_has_a_profile_a_pin_and_a_webhook_of_its_own() {
    let bench = Bench::new().await;
    let number = format!("/v26.0/{NUMBER_ID}");
    let profile = format!("{number}/whatsapp_business_profile");
    let given = json!({"messaging_product": "whatsapp", "about": "Open", "email": "a@example.com",
        "websites": ["https://a.example"], "vertical": "HOTEL"});
    assert_eq!(bench.post(&profile, given).await, (200, json!({"success": true})));
    let shown = bench.get(&profile).await.1["data"][0].clone();
    assert_eq!((&shown["about"], &shown["vertical"]), (&json!("Open"), &json!("HOTEL")));
    for wrong in [
        json!({"about": ""}),
        json!({"about": "x".repeat(140)}),
        json!({"vertical": "LAMPS"}),
        json!({"websites": ["https://a.example", "https://b.example", "https://c.example"]}),
        json!({"profile_picture_handle": "nothing"}),
    ] {
        let mut body = wrong.clone();
        body["messaging_product"] = json!("whatsapp");
        assert_eq!(bench.post(&profile, body).await.0, 400, "{wrong}");
    }
    let register = format!("{number}/register");
    assert_eq!(bench.post(&register, json!({"messaging_product": "whatsapp", "pin": "12"})).await.0, 400);
    assert_eq!(bench.post(&register, json!({"messaging_product": "whatsapp", "pin": "123456"})).await.0, 200);
    let (status, answer) = bench.post(&register, json!({"messaging_product": "whatsapp", "pin": "111111"})).await;
    assert_eq!((status, &answer["error"]["code"]), (400, &json!(133_005)));

    // Only what customers send and what becomes of messages goes to the number's own address.
    let url = bench.receiver.url.clone();
    let apps = format!("/v26.0/{WABA}/subscribed_apps");
    bench.request(bench.http.delete(bench.url(&apps))).await;
    let own = |url: &str, token: &str| json!({"webhook_configuration": {"override_callback_uri": url, "verify_token": token}});
    assert_eq!(bench.post(&number, own(&url, "wrong")).await.0, 400, "the handshake first");
    assert_eq!(bench.post(&number, own(&url, "sandbox-verify")).await.0, 200);
    let fields = format!("{number}?fields=webhook_configuration");
    assert_eq!(bench.get(&fields).await.1["webhook_configuration"]["phone_number"], json!(url));
    bench.ada_writes(json!({"type": "text", "text": "hello"})).await;
    bench.until_acked("wa_inbound", 1).await;
    // However many come together: what is not for that address is not in its bodies.
    let other = Receiver::start().await;
    let body = json!({"override_callback_uri": other.url, "verify_token": "sandbox-verify"});
    assert_eq!(bench.post(&apps, body).await.0, 200);
    bench.faults(json!({"webhook_hold": true, "webhook_batch": 10})).await;
    let before = bench.receiver.bodies().len();
    bench.ada_writes(json!({"type": "text", "text": "one"})).await;
    bench.patch(&format!("/sandbox/v1/handsets/{ADA}"), json!({"marketing_stopped": true})).await;
    bench.ada_writes(json!({"type": "text", "text": "two"})).await;
    bench.faults(json!({"webhook_batch": 10})).await;
    until(|| async { bench.receiver.bodies().len() > before && !other.bodies().is_empty() }).await;
    let fields_of = |bodies: &[Value]| -> Vec<Value> {
        let entries = bodies.iter().flat_map(|body| body["entry"].as_array().cloned().unwrap_or_default());
        entries.map(|entry| entry["changes"][0]["field"].clone()).collect()
    };
    assert_eq!(fields_of(&bench.receiver.bodies()[before..]), [json!("messages"), json!("messages")]);
    assert_eq!(fields_of(&other.bodies()), [json!("user_preferences")]);
    assert_eq!(bench.post(&number, json!({"webhook_configuration": {"override_callback_uri": ""}})).await.0, 200);
    assert_eq!(bench.get(&fields).await.1["webhook_configuration"].get("phone_number"), None);
}

#[tokio::test]
async fn a_number_that_is_not_registered_sends_nothing_until_a_reset() {
    let bench = Bench::new().await;
    bench.ada_writes(json!({"type": "text", "text": "Hi"})).await;
    assert_eq!(bench.post(&format!("/v26.0/{NUMBER_ID}/deregister"), json!({})).await.0, 200);
    let (status, answer) = bench.send(json!({"to": ADA, "text": {"body": "Hello"}})).await;
    assert_eq!((status, &answer["error"]["code"]), (400, &json!(133_010)));
    bench.graph("DELETE", "/sandbox/v1/state", None).await;
    assert_eq!(bench.send(json!({"to": ADA, "text": {"body": "Hello"}})).await.0, 200);
}
