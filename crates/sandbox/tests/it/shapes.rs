//! Structural check: the webhooks have the key sets and JSON types of the documented examples.

use crate::bench::{ADA, Bench, until};
use serde_json::{Value, json};

/// Paths of all leaves with their JSON type; arrays count by their elements.
fn shape(value: &Value, path: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| shape(member, &format!("{path}.{name}"), out))
        }
        Value::Array(elements) => elements.iter().for_each(|element| shape(element, &format!("{path}[]"), out)),
        Value::String(_) => out.push(format!("{path}: string")),
        Value::Number(_) => out.push(format!("{path}: number")),
        Value::Bool(_) => out.push(format!("{path}: bool")),
        Value::Null => out.push(format!("{path}: null")),
    }
}

fn shape_of(value: &Value) -> Vec<String> {
    let mut out = Vec::new();
    shape(value, "", &mut out);
    out.sort();
    out.dedup();
    out
}

fn change(value: Value) -> Value {
    let mut value = value;
    value["messaging_product"] = json!("whatsapp");
    value["metadata"] = json!({"display_phone_number": "15550783881", "phone_number_id": "106540352242922"});
    json!({"object": "whatsapp_business_account",
           "entry": [{"id": "102290129340398", "changes": [{"field": "messages", "value": value}]}]})
}

/// Examples as documented for 2026: names as in the platform's pages, values shortened.
fn documented() -> Vec<(&'static str, Value)> {
    let contact = json!({"profile": {"name": "Pablo"}, "wa_id": "16505551234", "user_id": "US.13491208655302741918"});
    let message = |kind: &str, content: Value| {
        let mut message = json!({"from": "16505551234", "from_user_id": "US.13491208655302741918", "id": "wamid.HBgL",
                                 "timestamp": "1749416383", "type": kind});
        message[kind] = content;
        message
    };
    let reply = |kind: &str, content: Value| {
        let mut message = message(kind, content);
        message["context"] = json!({"from": "15550783881", "id": "wamid.HBgL"});
        message
    };
    let pricing = json!({"billable": true, "pricing_model": "PMP", "category": "service", "type": "regular"});
    let status = |word: &str| {
        json!({"id": "wamid.HBgL", "status": word, "timestamp": "1750263773", "recipient_id": "16505551234",
               "recipient_user_id": "US.13491208655302741918"})
    };
    let with_pricing = |word: &str| {
        let mut status = status(word);
        status["pricing"] = pricing.clone();
        status
    };
    let inbound = |message: Value| change(json!({"contacts": [contact], "messages": [message]}));
    let image =
        json!({"caption": "Taj", "mime_type": "image/jpeg", "sha256": "SfInY0gGKTsJlUWb", "id": "1003383421387256"});
    let error = json!({"code": 131047, "title": "Re-engagement message", "message": "Re-engagement message",
                       "error_data": {"details": "more than 24 hours"}, "href": "https://developers.facebook.com/"});
    vec![
        ("text", inbound(message("text", json!({"body": "Does it come in another color?"})))),
        ("image", inbound(message("image", image))),
        (
            "button_reply",
            inbound(reply("interactive", json!({"type": "button_reply", "button_reply": {"id": "a", "title": "A"}}))),
        ),
        ("button", inbound(reply("button", json!({"payload": "Continue", "text": "Continue"})))),
        ("reaction", inbound(message("reaction", json!({"message_id": "wamid.HBgL", "emoji": "\u{1F44D}"})))),
        (
            "location",
            inbound(message("location", json!({"latitude": 1.5, "longitude": 2.5, "name": "HQ", "address": "1 Way"}))),
        ),
        ("sent", change(json!({"contacts": [contact], "statuses": [with_pricing("sent")]}))),
        ("delivered", change(json!({"contacts": [contact], "statuses": [with_pricing("delivered")]}))),
        ("read", change(json!({"contacts": [contact], "statuses": [status("read")]}))),
        (
            "failed",
            // The contact as the live platform is reported to send it; see `payload::status`.
            change(json!({"contacts": [{"wa_id": "16505551234"}],
                          "statuses": [{"id": "wamid.HBgL", "status": "failed", "timestamp": "1750263773",
                                        "recipient_id": "16505551234", "errors": [error]}]})),
        ),
    ]
}

#[tokio::test]
async fn webhooks_have_the_documented_shapes() {
    let bench = Bench::new().await;
    bench.send_text("outside the window").await;
    let (_, answer) = bench
        .send(json!({"to": ADA, "type": "template", "template": {"name": "we_are_back", "language": {"code": "en"},
            "components": [{"type": "body", "parameters": [{"type": "text", "text": "Ada"}]}]}}))
        .await;
    let template = answer["messages"][0]["id"].clone();
    bench.ada_writes(json!({"type": "text", "text": "Hi"})).await;
    bench.ada_writes(json!({"type": "image", "media_base64": "aGk=", "mime": "image/jpeg", "caption": "x"})).await;
    bench.ada_writes(json!({"type": "button", "reply_to": template, "text": "Continue"})).await;
    bench.ada_writes(json!({"type": "reaction", "message_id": template, "emoji": "\u{1F44D}"})).await;
    bench
        .ada_writes(json!({"type": "location", "latitude": 1.5, "longitude": 2.5, "name": "HQ", "address": "1 Way"}))
        .await;
    let (_, answer) = bench
        .send(json!({"to": ADA, "type": "interactive", "interactive": {"type": "button", "body": {"text": "?"},
            "action": {"buttons": [{"type": "reply", "reply": {"id": "a", "title": "A"}}]}}}))
        .await;
    bench.ada_writes(json!({"type": "button_reply", "reply_to": answer["messages"][0]["id"], "id": "a"})).await;
    bench.post(&format!("/sandbox/v1/handsets/{ADA}/chats/15550783881/open"), json!({})).await;
    until(|| async {
        bench.sandbox.counters().wa_statuses_acked == 7 && bench.sandbox.counters().wa_inbound_acked == 6
    })
    .await;
    let seen: Vec<Vec<String>> = bench.receiver.bodies().iter().map(shape_of).collect();
    for (name, example) in documented() {
        assert!(seen.contains(&shape_of(&example)), "no webhook has the shape of `{name}`: {:#?}", shape_of(&example));
    }
    let known: Vec<Vec<String>> = documented().iter().map(|(_, example)| shape_of(example)).collect();
    for (body, shape) in bench.receiver.bodies().iter().zip(&seen) {
        assert!(known.contains(shape), "a webhook of no documented shape: {body}");
    }
}
