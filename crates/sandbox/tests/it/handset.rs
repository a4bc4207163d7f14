//! What customers do with messages: answer what is asked for, react, quote, change, delete, forward.

use crate::bench::{ADA, BUSINESS, Bench, DAY, until};
use serde_json::{Value, json};

async fn writes(bench: &Bench, message: Value) -> (u16, Value) {
    bench.post(&format!("/sandbox/v1/handsets/{ADA}/chats/{BUSINESS}/messages"), message).await
}

/// The message of the newest webhook.
async fn told(bench: &Bench, n: usize) -> Value {
    until(|| async { bench.ledger_of("wa_inbound").await.iter().filter(|entry| entry["acked"] == true).count() == n })
        .await;
    let values = bench.receiver.values();
    values.iter().rev().find_map(|value| value["messages"].get(0)).expect("a message").clone()
}

async fn asks(bench: &Bench, kind: &str, action: &str) -> String {
    let interactive = json!({"type": kind, "body": {"text": "?"}, "action": {"name": action}});
    let (status, body) = bench.send(json!({"to": ADA, "type": "interactive", "interactive": interactive})).await;
    assert_eq!(status, 200, "{body}");
    body["messages"][0]["id"].as_str().expect("wamid").to_owned()
}

#[tokio::test]
async fn what_the_business_asks_for_is_a_button_and_its_answer_names_the_question() {
    let bench = Bench::new().await;
    bench.ada_writes(json!({"type": "text", "text": "Hi"})).await;
    let number = asks(&bench, "request_contact_info", "request_contact_info").await;
    let place = asks(&bench, "location_request_message", "send_location").await;
    let kinds: Vec<Value> = bench.chat().await.iter().map(|message| message["buttons"][0]["kind"].clone()).collect();
    assert_eq!(kinds, [Value::Null, json!("share_number"), json!("share_place")]);

    bench.ada_writes(json!({"type": "contact_reply", "reply_to": number})).await;
    let message = told(&bench, 2).await;
    let card =
        json!({"phones": [{"phone": format!("+{ADA}"), "wa_id": ADA, "type": "MOBILE"}], "origin": "contact_request"});
    assert_eq!((&message["type"], &message["contacts"]), (&json!("contacts"), &json!([card])));
    assert_eq!(message["context"], json!({"from": BUSINESS, "id": number}));
    assert_eq!(
        writes(&bench, json!({"type": "contact_reply", "reply_to": place})).await.0,
        400,
        "it was not asked for"
    );

    let spot = json!({"type": "location", "latitude": 52.52, "longitude": 13.405, "context_id": place});
    bench.ada_writes(spot).await;
    let message = told(&bench, 3).await;
    assert_eq!(message["location"], json!({"latitude": 52.52, "longitude": 13.405}));
    assert_eq!(message["context"]["id"], json!(place));

    bench.ada_writes(json!({"type": "contact", "name": "Ben Okafor", "phone": "+44 7700 900123"})).await;
    let card = told(&bench, 4).await["contacts"][0].clone();
    assert_eq!(card["name"], json!({"formatted_name": "Ben Okafor", "first_name": "Ben"}));
    assert_eq!((&card["phones"][0]["wa_id"], &card["origin"]), (&json!("447700900123"), &json!("other")));
}

#[tokio::test]
async fn texts_are_changed_deleted_and_forwarded_and_only_ones_own() {
    let bench = Bench::new().await;
    let first = bench.ada_writes(json!({"type": "text", "text": "Tusday"})).await;
    let answer = bench.send_text("When?").await;
    bench.advance(DAY - 1_000).await;
    bench.ada_writes(json!({"type": "edit", "message_id": first, "text": "Tuesday"})).await;
    let message = told(&bench, 2).await;
    let edit = json!({"original_message_id": first, "message": {"type": "text", "text": {"body": "Tuesday"}}});
    assert_eq!((&message["type"], &message["edit"]), (&json!("edit"), &edit));
    let shown = bench.chat().await;
    assert_eq!((shown.len(), &shown[0]["text"], &shown[0]["mark"]), (2, &json!("Tuesday"), &json!("edited")));
    // A changed message opens no window.
    bench.advance(1_000).await;
    let late = bench.send_text("too late").await;
    until(|| async { bench.receiver.statuses(&late) == ["failed"] }).await;

    bench.ada_writes(json!({"type": "revoke", "message_id": first})).await;
    let message = told(&bench, 3).await;
    assert_eq!((&message["type"], &message["revoke"]), (&json!("revoke"), &json!({"original_message_id": first})));
    let shown = bench.chat().await;
    assert_eq!((&shown[0]["text"], &shown[0]["mark"]), (&json!(""), &json!("deleted")));
    for change in [
        json!({"type": "edit", "message_id": first, "text": "again"}),
        json!({"type": "revoke", "message_id": first}),
        json!({"type": "revoke", "message_id": answer}),
        json!({"type": "edit", "message_id": "wamid.nothing", "text": "x"}),
    ] {
        assert_eq!(writes(&bench, change.clone()).await.0, 400, "{change}");
    }

    bench.ada_writes(json!({"type": "text", "text": "From a friend", "forwarded": true})).await;
    assert_eq!(told(&bench, 4).await["context"], json!({"forwarded": true}));
    assert_eq!(bench.chat().await[2]["mark"], "forwarded");
}

#[tokio::test]
async fn a_quote_names_who_wrote_what_it_quotes() {
    let bench = Bench::new().await;
    let own = bench.ada_writes(json!({"type": "text", "text": "Do you have boots?"})).await;
    let theirs = bench.send_text("Yes").await;
    for (n, quoted, from) in [(2, &own, ADA), (3, &theirs, BUSINESS)] {
        bench.ada_writes(json!({"type": "text", "text": "This one", "context_id": quoted})).await;
        assert_eq!(told(&bench, n).await["context"], json!({"from": from, "id": quoted}));
    }
    bench.patch(&format!("/sandbox/v1/handsets/{ADA}"), json!({"shares_phone": false})).await;
    bench.ada_writes(json!({"type": "text", "text": "That one", "context_id": own})).await;
    let message = told(&bench, 4).await;
    assert_eq!(message["context"], json!({"from_user_id": message["from_user_id"], "id": own}));
    // A reaction, and taken back.
    bench.ada_writes(json!({"type": "reaction", "message_id": theirs, "emoji": "👍"})).await;
    assert_eq!(told(&bench, 5).await["reaction"], json!({"message_id": theirs, "emoji": "👍"}));
    bench.ada_writes(json!({"type": "reaction", "message_id": theirs, "emoji": ""})).await;
    assert_eq!(told(&bench, 6).await["reaction"], json!({"message_id": theirs, "emoji": ""}));
}

#[tokio::test]
async fn a_number_is_known_in_both_of_its_writings() {
    let bench = Bench::new().await;
    for (known, dialled) in [
        ("551187654321", "5511987654321"),
        ("5521912345678", "552112345678"),
        ("525512345678", "5215512345678"),
        ("5491123456789", "541123456789"),
    ] {
        let new = json!({"phone": format!("+{known}")});
        assert_eq!(bench.post("/sandbox/v1/handsets", new).await.0, 201);
        let (_, body) = bench.send(json!({"to": format!("+{dialled}"), "text": {"body": "x"}})).await;
        assert_eq!(body["contacts"], json!([{"input": format!("+{dialled}"), "wa_id": known}]));
        assert_eq!(bench.get(&format!("/sandbox/v1/handsets/{dialled}")).await.0, 404, "nobody else has it");
    }
    // Whoever has the number itself gets it.
    bench.post("/sandbox/v1/handsets", json!({"phone": "+5511987654321"})).await;
    let (_, body) = bench.send(json!({"to": "5511987654321", "text": {"body": "x"}})).await;
    assert_eq!(body["contacts"][0]["wa_id"], "5511987654321");
}

#[tokio::test]
async fn who_is_not_on_whatsapp_writes_nothing_and_codes_for_signing_in_need_a_number() {
    let bench = Bench::new().await;
    let handset = format!("/sandbox/v1/handsets/{ADA}");
    bench.patch(&handset, json!({"on_whatsapp": false})).await;
    let (status, body) = writes(&bench, json!({"type": "text", "text": "Hi"})).await;
    assert_eq!((status, body["error"].as_str().is_some_and(|words| words.contains("not on WhatsApp"))), (409, true));

    bench.patch(&handset, json!({"on_whatsapp": true})).await;
    let code = json!({"name": "code", "language": "en_US", "category": "AUTHENTICATION",
        "components": [{"type": "BODY", "text": "{{1}} is your code."}]});
    assert_eq!(bench.post("/sandbox/v1/templates", code).await.0, 201);
    let bsuid = bench.get(&handset).await.1["bsuid"].clone();
    let value = json!([{"type": "body", "parameters": [{"type": "text", "text": "123456"}]}]);
    let template = json!({"name": "code", "language": {"code": "en_US"}, "components": value});
    let (_, refused) = bench.send(json!({"recipient": bsuid, "type": "template", "template": template})).await;
    assert_eq!(refused["error"]["code"], 131_062, "{refused}");
    assert_eq!(bench.send(json!({"to": ADA, "type": "template", "template": template})).await.0, 200);
}
