//! Templates through the Graph API.

use crate::bench::{ADA, Bench, WABA, until};
use serde_json::{Value, json};

fn template(name: &str, language: &str, parameters: &[&str]) -> Value {
    let parameters: Vec<Value> = parameters.iter().map(|text| json!({"type": "text", "text": text})).collect();
    json!({"to": ADA, "type": "template", "template": {"name": name, "language": {"code": language},
           "components": [{"type": "body", "parameters": parameters}]}})
}

#[tokio::test]
async fn templates_go_out_without_a_window_when_they_are_right() {
    let bench = Bench::new().await;
    let refused = |message: Value| async { bench.send(message).await.1["error"]["code"].as_i64() };
    assert_eq!(refused(template("order_update", "en_US", &["Ada"])).await, Some(132000));
    assert_eq!(refused(template("order_update", "fr", &["Ada", "7"])).await, Some(132001));
    assert_eq!(refused(template("spring_offer", "en", &["Ada"])).await, Some(132015));
    let (status, answer) = bench.send(template("we_are_back", "en", &["Ada"])).await;
    assert_eq!((status, &answer["messages"][0]["message_status"]), (200, &json!("accepted")));
    let wamid = answer["messages"][0]["id"].as_str().expect("wamid").to_owned();
    until(|| async { bench.receiver.statuses(&wamid) == ["sent", "delivered"] }).await;
    let pricing = &bench.receiver.values()[0]["statuses"][0]["pricing"];
    assert_eq!(*pricing, json!({"billable": true, "pricing_model": "PMP", "type": "regular", "category": "utility"}));
    let shown = &bench.chat().await[0];
    assert_eq!(shown["template"], json!({"name": "we_are_back", "language": "en"}));
    assert_eq!(shown["text"], "Hello Ada, our team can continue your conversation. Reply to this message to go on.");
    bench.ada_writes(json!({"type": "button", "reply_to": shown["id"], "text": "Continue"})).await;
    bench.until_acked("wa_inbound", 1).await;
    let value = bench.receiver.values().pop().expect("webhook");
    assert_eq!(value["messages"][0]["button"], json!({"payload": "Continue", "text": "Continue"}));
    // The tap has opened the window.
    let free = bench.send_text("Here we are").await;
    until(|| async { bench.receiver.statuses(&free) == ["sent", "delivered"] }).await;
}

#[tokio::test]
async fn templates_are_created_reviewed_paused_and_deleted() {
    let bench = Bench::new().await;
    let path = format!("/v26.0/{WABA}/message_templates");
    let new = json!({"name": "summer", "category": "UTILITY", "language": "en_US",
                     "components": [{"type": "BODY", "text": "Hi {{1}}, our summer sale is on."}]});
    let (status, created) = bench.post(&path, new.clone()).await;
    assert_eq!((status, &created["status"], &created["category"]), (200, &json!("PENDING"), &json!("MARKETING")));
    bench.until_acked("template_status", 1).await;
    let body = bench.receiver.bodies().pop().expect("webhook");
    assert!(body["entry"][0]["time"].is_i64());
    let value = &body["entry"][0]["changes"][0]["value"];
    assert_eq!((&value["event"], &value["message_template_name"]), (&json!("APPROVED"), &json!("summer")));
    assert!(value["message_template_id"].is_u64());
    assert_eq!(bench.post(&path, new).await.0, 400, "the name is taken in this language");
    let (_, page) = bench.get(&format!("{path}?limit=3&fields=name,status")).await;
    assert_eq!((page["data"].as_array().map(Vec::len), page["paging"]["next"].is_string()), (Some(3), true));
    let after = page["paging"]["cursors"]["after"].as_str().expect("cursor");
    let (_, rest) = bench.get(&format!("{path}?limit=3&after={after}&fields=name,status")).await;
    assert_eq!(rest["data"][0]["name"], "summer");
    assert!(rest["paging"].get("next").is_none());
    assert!(rest.get("summary").is_none(), "only where it is asked for");
    let (_, summed) =
        bench.get(&format!("{path}?summary=total_count,message_template_count&status=APPROVED,PAUSED")).await;
    assert_eq!(summed["summary"], json!({"total_count": 4, "message_template_count": 4}));
    let (_, paused) = bench.get(&format!("{path}?summary=total_count,message_template_limit&status=PAUSED")).await;
    assert_eq!(paused["summary"], json!({"total_count": 1, "message_template_limit": 250}));
    assert_eq!(paused["data"][0]["name"], "spring_offer");
    let (status, _) = bench.patch("/sandbox/v1/templates/summer", json!({"status": "PAUSED"})).await;
    assert_eq!(status, 200);
    let (_, refused) = bench.send(template("summer", "en_US", &["Ada"])).await;
    assert_eq!(refused["error"]["code"], 132015);
    let (status, _) = bench.request(bench.http.delete(bench.url(&format!("{path}?name=summer")))).await;
    assert_eq!(status, 200);
    assert_eq!(bench.send(template("summer", "en_US", &["Ada"])).await.0, 404);
    assert_eq!(
        bench
            .post(
                "/sandbox/v1/templates",
                json!({"name": "x", "category": "UTILITY", "language": "en",
            "components": [{"type": "BODY", "text": "Ready."}]})
            )
            .await
            .0,
        201
    );
    assert_eq!(bench.send(template("x", "en", &[])).await.0, 200);
}

#[tokio::test]
async fn customers_can_stop_marketing() {
    let bench = Bench::new().await;
    bench.patch("/sandbox/v1/templates/spring_offer", json!({"status": "APPROVED"})).await;
    bench.patch(&format!("/sandbox/v1/handsets/{ADA}"), json!({"marketing_stopped": true})).await;
    let (_, answer) = bench.send(template("spring_offer", "en", &["Ada"])).await;
    let stopped = answer["messages"][0]["id"].as_str().expect("wamid").to_owned();
    until(|| async { bench.receiver.statuses(&stopped) == ["failed"] }).await;
    let values = bench.receiver.values();
    let preference = values.iter().find_map(|v| v["user_preferences"].get(0)).expect("user_preferences");
    assert_eq!((&preference["value"], &preference["category"]), (&json!("stop"), &json!("marketing_messages")));
    assert!(preference["timestamp"].is_i64());
    let (_, answer) = bench.send(template("we_are_back", "en", &["Ada"])).await;
    let utility = answer["messages"][0]["id"].as_str().expect("wamid").to_owned();
    until(|| async { bench.receiver.statuses(&utility) == ["sent", "delivered"] }).await;
}
