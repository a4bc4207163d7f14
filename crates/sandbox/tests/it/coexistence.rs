//! The number in the WhatsApp Business app: echoes and history.

use crate::bench::{ADA, Bench, START, until};
use serde_json::json;

#[tokio::test]
async fn what_is_written_in_the_app_is_echoed_and_history_is_shared_in_its_order() {
    let bench = Bench::new().await;
    let path = |what: &str| format!("/sandbox/v1/handsets/{ADA}/{what}");
    let (status, written) = bench.post(&path("echoes"), json!({"text": "Hello from the app"})).await;
    assert_eq!(status, 201, "{written}");
    until(|| async { bench.receiver.values().len() == 1 }).await;
    let value = bench.receiver.values()[0].clone();
    let echo = &value["message_echoes"][0];
    assert_eq!(
        (&echo["id"], &echo["to"], &echo["text"]["body"]),
        (&written["wamid"], &json!(ADA), &json!("Hello from the app"))
    );
    assert!(bench.receiver.raw()[0].contains("smb_message_echoes"));
    let shown = bench.chat().await;
    assert_eq!((&shown[0]["direction"], &shown[0]["text"]), (&json!("in"), &json!("Hello from the app")));
    assert_eq!(bench.ledger_of("wa_echo").await.len(), 1);
    assert!(bench.ledger_of("wa_status").await.is_empty(), "the platform delivers nothing of it");

    let past = json!({"messages": [
        {"from": "business", "text": "On Friday.", "minutes_ago": 60},
        {"from": "customer", "text": "When do you open?", "minutes_ago": 90},
    ]});
    assert_eq!(bench.post(&path("history"), past).await.0, 201);
    until(|| async { bench.receiver.values().len() == 2 }).await;
    let value = bench.receiver.values()[1].clone();
    let thread = &value["history"][0]["threads"][0];
    assert_eq!(thread["id"], ADA);
    let first = &thread["messages"][0];
    assert_eq!((&first["from"], &first["text"]["body"]), (&json!(ADA), &json!("When do you open?")));
    assert_eq!(first["timestamp"], json!((START / 1000 - 90 * 60).to_string()));
    assert_eq!(thread["messages"][1]["to"], ADA, "of the business");
    let shown: Vec<String> =
        bench.chat().await.iter().map(|message| message["text"].as_str().unwrap_or_default().to_owned()).collect();
    assert_eq!(shown, ["When do you open?", "On Friday.", "Hello from the app"]);
    // Neither opens the service window.
    let free = bench.send_text("free text").await;
    bench.until_acked("wa_status", 1).await;
    assert_eq!(bench.receiver.statuses(&free), ["failed"]);

    assert_eq!(bench.post(&path("echoes"), json!({"text": " "})).await.0, 400);
    assert_eq!(bench.post("/sandbox/v1/handsets/1/echoes", json!({"text": "x"})).await.0, 404);
}
