//! Forms: listed by the account, offered in a chat, filled in on the handset.

use crate::bench::{ADA, BUSINESS, Bench, WABA};
use serde_json::{Value, json};

fn offer(id: &str) -> Value {
    json!({"to": ADA, "type": "interactive", "interactive": {"type": "flow", "body": {"text": "When?"},
        "action": {"name": "flow", "parameters": {"flow_message_version": "3", "flow_token": "msg_1", "flow_cta": "Book",
            "flow_id": id, "flow_action": "navigate"}}}})
}

#[tokio::test]
async fn a_form_is_listed_offered_and_its_answers_come_back_as_documented() {
    let bench = Bench::new().await;
    let (_, page) = bench.graph("GET", &format!("/v26.0/{WABA}/flows?limit=1"), None).await;
    assert!(page["paging"]["next"].is_string(), "{page}");
    let (status, listed) = bench.graph("GET", &format!("/v26.0/{WABA}/flows"), None).await;
    assert_eq!((status, listed["data"].as_array().map(Vec::len)), (200, Some(2)));
    let of = |name: &str| {
        listed["data"].as_array().expect("forms").iter().find(|form| form["name"] == name).expect("listed").clone()
    };
    assert_eq!(of("rate_our_service")["status"], "DRAFT");
    let id = of("book_a_visit")["id"].as_str().expect("an id").to_owned();

    bench.ada_writes(json!({"type": "text", "text": "Hi"})).await;
    let draft = of("rate_our_service")["id"].as_str().expect("an id").to_owned();
    assert_eq!(bench.send(offer(&draft)).await.0, 400, "only what is published");
    let (status, sent) = bench.send(offer(&id)).await;
    assert_eq!(status, 200, "{sent}");
    let wamid = sent["messages"][0]["id"].clone();
    let shown = bench.chat().await.last().expect("on the handset").clone();
    assert_eq!((&shown["form"]["label"], &shown["form"]["fields"][0]["name"]), (&json!("Book"), &json!("full_name")));

    let answers = |answers: Value| json!({"type": "form_reply", "reply_to": wamid, "answers": answers});
    let path = format!("/sandbox/v1/handsets/{ADA}/chats/{BUSINESS}/messages");
    let (status, refused) = bench.post(&path, answers(json!({"full_name": "Ada"}))).await;
    assert_eq!(status, 400, "{refused}");
    let answered = bench.ada_writes(answers(json!({"full_name": "Ada", "day": "2026-12-01", "topic": "Repair"}))).await;
    bench.until_acked("wa_inbound", 2).await;
    let values = bench.receiver.values();
    let message = values
        .iter()
        .map(|value| &value["messages"][0])
        .find(|message| message["id"] == json!(answered))
        .expect("told");
    assert_eq!(message["context"]["id"], wamid);
    let reply = &message["interactive"]["nfm_reply"];
    assert_eq!((&message["interactive"]["type"], &reply["name"]), (&json!("nfm_reply"), &json!("flow")));
    let response: Value = serde_json::from_str(reply["response_json"].as_str().expect("text")).expect("JSON");
    assert_eq!(response, json!({"full_name": "Ada", "day": "2026-12-01", "topic": "Repair", "flow_token": "msg_1"}));

    let (status, _) = bench.patch("/sandbox/v1/forms/book_a_visit", json!({"status": "DEPRECATED"})).await;
    assert_eq!(status, 200);
    assert_eq!(bench.send(offer(&id)).await.0, 400, "no longer");
}
