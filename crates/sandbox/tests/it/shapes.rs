//! Structural check: the webhooks have the key sets and JSON types of the documented examples.

use crate::bench::{ADA, BUSINESS, Bench, WABA, until};
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

/// A webhook that is not of messages: only these carry `time`.
fn management(field: &str, value: Value) -> Value {
    json!({"object": "whatsapp_business_account",
           "entry": [{"id": "102290129340398", "time": 1749416383, "changes": [{"field": field, "value": value}]}]})
}

fn of_number(mut value: Value) -> Value {
    value["messaging_product"] = json!("whatsapp");
    value["metadata"] = json!({"display_phone_number": "15550783881", "phone_number_id": "106540352242922"});
    value
}

/// The other examples: of messages, statuses, preferences and the app beside.
fn documented_beside() -> Vec<(&'static str, Value)> {
    const USER: &str = "US.13491208655302741918";
    let contact = json!({"profile": {"name": "Pablo"}, "wa_id": "16505551234", "user_id": USER});
    let file = |more: Value| {
        let mut file = json!({"mime_type": "video/mp4", "sha256": "SfInY0gGKTsJlUWb", "id": "1003383421387256"});
        file.as_object_mut().expect("members").extend(more.as_object().expect("members").clone());
        file
    };
    let message = |kind: &str, content: Value, more: Value| {
        let mut message = json!({"from": "16505551234", "from_user_id": USER, "id": "wamid.HBgL",
                                 "timestamp": "1749416383", "type": kind});
        message[kind] = content;
        message.as_object_mut().expect("members").extend(more.as_object().expect("members").clone());
        message
    };
    let inbound = |message: Value| change(json!({"contacts": [contact], "messages": [message]}));
    let reply = |kind: &str, content: Value| {
        let context = json!({"context": {"from": "15550783881", "id": "wamid.HBgL"}});
        inbound(message("interactive", json!({"type": kind, kind: content}), context))
    };
    let plain = |kind: &str, content: Value| inbound(message(kind, content, json!({})));
    let text = || json!({"body": "Hi"});
    let card = json!([{"name": {"formatted_name": "Ben Okafor", "first_name": "Ben"},
                       "phones": [{"phone": "+44 7700 900123", "wa_id": "447700900123", "type": "CELL"}], "origin": "other"}]);
    let advertisement = json!({"referral": {"source_url": "https://fb.me/1", "source_id": "1", "source_type": "ad",
        "headline": "Tents", "body": "20% off", "media_type": "image", "image_url": "https://fb.me/2", "ctwa_clid": "c"}});
    let hidden =
        json!({"from_user_id": USER, "id": "wamid.HBgL", "timestamp": "1749416383", "type": "text", "text": text()});
    let nobody = json!({"profile": {"name": "Pablo", "username": "pablo"}, "user_id": USER});
    let status = |word: &str, more: Value| {
        let mut status = json!({"id": "wamid.HBgL", "status": word, "timestamp": "1750263773",
            "recipient_id": "16505551234", "recipient_user_id": USER});
        status.as_object_mut().expect("members").extend(more.as_object().expect("members").clone());
        change(json!({"contacts": [contact], "statuses": [status]}))
    };
    let pricing = json!({"billable": true, "pricing_model": "PMP", "category": "service", "type": "regular"});
    let number = json!({"body": "User changed", "type": "user_changed_number", "wa_id": "16505550000"});
    vec![
        ("video", plain("video", file(json!({"caption": "Look"})))),
        ("audio", plain("audio", file(json!({"voice": true})))),
        ("document", plain("document", file(json!({"caption": "Look", "filename": "a.pdf"})))),
        ("sticker", plain("sticker", file(json!({"animated": false})))),
        ("list_reply", reply("list_reply", json!({"id": "a", "title": "A", "description": "The first"}))),
        ("contacts", plain("contacts", card)),
        ("nfm_reply", reply("nfm_reply", json!({"name": "flow", "body": "Sent", "response_json": "{}"}))),
        (
            "edit",
            plain("edit", json!({"original_message_id": "wamid.HBgL", "message": {"type": "text", "text": text()}})),
        ),
        ("revoke", plain("revoke", json!({"original_message_id": "wamid.HBgL"}))),
        ("forwarded", inbound(message("text", text(), json!({"context": {"forwarded": true}})))),
        ("referral", inbound(message("text", text(), advertisement))),
        ("a hidden number", change(json!({"contacts": [nobody], "messages": [hidden]}))),
        ("system", change(json!({"messages": [message("system", number, json!({}))]}))),
        ("sent with our own data", status("sent", json!({"pricing": pricing, "biz_opaque_callback_data": "x"}))),
        ("read with our own data", status("read", json!({"biz_opaque_callback_data": "x"}))),
        (
            "sent in the free entry point",
            status(
                "sent",
                json!({"pricing": pricing, "conversation": {"id": "c", "expiration_timestamp": "1750263773",
                    "origin": {"type": "referral_conversion"}}}),
            ),
        ),
        (
            "user_id_update",
            management(
                "user_id_update",
                of_number(json!({"user_id_update": [{"wa_id": "16505550000", "detail": "The number was changed",
                    "user_id": {"previous": USER, "current": "US.1"}, "timestamp": 1749416383}]})),
            ),
        ),
        (
            "user_preferences",
            management(
                "user_preferences",
                of_number(json!({"contacts": [contact], "user_preferences": [{"wa_id": "16505551234", "user_id": USER,
                    "detail": "Stopped", "category": "marketing_messages", "value": "stop", "timestamp": 1749416383}]})),
            ),
        ),
        (
            "smb_message_echoes",
            management(
                "smb_message_echoes",
                of_number(json!({"message_echoes": [{"from": "15550783881", "to": "16505551234", "to_user_id": USER,
                    "id": "wamid.HBgL", "timestamp": "1749416383", "type": "text", "text": text()}]})),
            ),
        ),
        (
            "history",
            management(
                "history",
                of_number(json!({"history": [{"metadata": {"phase": 0, "chunk_order": 1, "progress": 100},
                    "threads": [{"id": "16505551234", "messages": [{"from": "15550783881", "to": "16505551234",
                        "id": "wamid.HBgL", "timestamp": "1749416383", "type": "text", "text": text(),
                        "history_context": {"status": "READ"}}]}]}]})),
            ),
        ),
    ]
}

/// The examples of what is told of templates and of the account, by the names of the sandbox's notices.
fn documented_of_account() -> Vec<(&'static str, Value)> {
    let template = |more: Value| {
        let mut value =
            json!({"message_template_id": 1, "message_template_name": "a", "message_template_language": "en"});
        value.as_object_mut().expect("members").extend(more.as_object().expect("members").clone());
        value
    };
    let quality = |event: &str| {
        let value = json!({"display_phone_number": "15550783881", "event": event,
            "max_daily_conversations_per_business": "TIER_2K"});
        management("phone_number_quality_update", value)
    };
    let account = |value: Value| management("account_update", value);
    let banned = |state: &str| {
        account(
            json!({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": state, "waba_ban_date": "May 1, 2026"}}),
        )
    };
    let capability = |word: &str| {
        let value = json!({"max_daily_conversations_per_business": word, "max_phone_numbers_per_business": 25});
        management("business_capability_update", value)
    };
    let alert = json!({"alert_severity": "CRITICAL", "alert_status": "ACTIVE", "alert_type": "OBA_REJECTED",
        "alert_description": "It was rejected."});
    vec![
        (
            "template_status",
            management(
                "message_template_status_update",
                template(json!({"event": "REINSTATED", "reason": "NONE", "message_template_category": "MARKETING"})),
            ),
        ),
        (
            "template_quality",
            management(
                "message_template_quality_update",
                template(json!({"previous_quality_score": "GREEN", "new_quality_score": "RED"})),
            ),
        ),
        (
            "template_category",
            management(
                "template_category_update",
                template(json!({"previous_category": "UTILITY", "new_category": "MARKETING"})),
            ),
        ),
        (
            "template_components",
            management(
                "message_template_components_update",
                template(json!({"message_template_element": "Hi", "message_template_buttons": [
                    {"message_template_button_type": "QUICK_REPLY", "message_template_button_text": "Go on"}]})),
            ),
        ),
        (
            "account_restricted",
            account(json!({"event": "ACCOUNT_RESTRICTION", "restriction_info": [
                {"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": 1749416383}]})),
        ),
        (
            "account_violation",
            account(json!({"event": "ACCOUNT_VIOLATION", "violation_info": {"violation_type": "SCAM"}})),
        ),
        ("account_disabled", banned("DISABLE")),
        ("account_reinstated", banned("REINSTATE")),
        ("account_offboarded", account(json!({"event": "ACCOUNT_OFFBOARDED"}))),
        ("account_reviewed", management("account_review_update", json!({"decision": "APPROVED"}))),
        (
            "account_alert",
            management("account_alerts", json!({"entity_type": "WABA", "entity_id": "1", "alert_info": alert})),
        ),
        ("number_flagged", quality("FLAGGED")),
        ("number_unflagged", quality("UNFLAGGED")),
        ("number_upgraded", quality("UPGRADE")),
        ("number_downgraded", quality("DOWNGRADE")),
        ("limit_raised", capability("TIER_10K")),
        ("limit_lowered", capability("TIER_250")),
        (
            "name_rejected",
            management(
                "phone_number_name_update",
                json!({"display_phone_number": "15550783881", "decision": "REJECTED", "requested_verified_name": "Acme",
                    "rejection_reason": "NAME_EMPLOYEE_ISSUE"}),
            ),
        ),
        (
            "pin_changed",
            management(
                "security",
                json!({"display_phone_number": "15550783881", "event": "PIN_CHANGED", "requester": "1"}),
            ),
        ),
        (
            "username_approved",
            management(
                "business_username_updates",
                json!({"display_phone_number": "15550783881", "username": "acme", "status": "approved"}),
            ),
        ),
    ]
}

/// Waits until each example's shape came, and checks that nothing else did but what is documented elsewhere.
async fn all_came(bench: &Bench, examples: &[(&'static str, Value)]) {
    let seen = || bench.receiver.bodies().iter().map(shape_of).collect::<Vec<_>>();
    let missing = || {
        let seen = seen();
        let missing = examples.iter().filter(|(_, example)| !seen.contains(&shape_of(example)));
        missing.map(|(name, _)| *name).collect::<Vec<_>>()
    };
    for _ in 0..1_000 {
        if missing().is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(missing(), Vec::<&str>::new(), "no webhook has the shape of these");
    let known: Vec<_> = documented().iter().chain(examples).map(|(_, example)| shape_of(example)).collect();
    for body in bench.receiver.bodies() {
        assert!(known.contains(&shape_of(&body)), "a webhook of no documented shape: {body}");
    }
}

#[tokio::test]
async fn the_other_webhooks_of_customers_have_the_documented_shapes() {
    let bench = Bench::new().await;
    let handset = format!("/sandbox/v1/handsets/{ADA}");
    let first = bench.ada_writes(json!({"type": "text", "text": "Hi"})).await;
    for (kind, more) in [
        ("video", json!({"caption": "Look"})),
        ("audio", json!({})),
        ("document", json!({"caption": "Look", "filename": "a.pdf"})),
        ("sticker", json!({})),
    ] {
        let mut message = json!({"type": kind, "media_base64": "aGk="});
        message.as_object_mut().expect("members").extend(more.as_object().expect("members").clone());
        bench.ada_writes(message).await;
    }
    let rows = json!([{"title": "All", "rows": [{"id": "a", "title": "A", "description": "The first"}]}]);
    let list = json!({"type": "list", "body": {"text": "?"}, "action": {"button": "Choose", "sections": rows}});
    let (_, offered) = bench.send(json!({"to": ADA, "type": "interactive", "interactive": list})).await;
    bench.ada_writes(json!({"type": "list_reply", "reply_to": offered["messages"][0]["id"], "id": "a"})).await;
    bench.ada_writes(json!({"type": "contact", "name": "Ben Okafor", "phone": "+44 7700 900123"})).await;

    let (_, forms) = bench.graph("GET", &format!("/v26.0/{WABA}/flows"), None).await;
    let forms = forms["data"].as_array().expect("forms").clone();
    let form = forms.iter().find(|form| form["name"] == "book_a_visit").expect("listed")["id"].clone();
    let (_, offered) = bench
        .send(json!({"to": ADA, "type": "interactive", "interactive": {"type": "flow", "body": {"text": "When?"},
            "action": {"name": "flow", "parameters": {"flow_message_version": "3", "flow_token": "t", "flow_cta": "Book",
                "flow_id": form, "flow_action": "navigate"}}}}))
        .await;
    let answers = json!({"full_name": "Ada", "day": "2026-12-01", "topic": "Repair"});
    let form = offered["messages"][0]["id"].clone();
    bench.ada_writes(json!({"type": "form_reply", "reply_to": form, "answers": answers})).await;

    bench.ada_writes(json!({"type": "edit", "message_id": first, "text": "Hello"})).await;
    bench.ada_writes(json!({"type": "revoke", "message_id": first})).await;
    bench.ada_writes(json!({"type": "text", "text": "From a friend", "forwarded": true})).await;
    bench.send(json!({"to": ADA, "text": {"body": "Hello"}, "biz_opaque_callback_data": "x"})).await;
    bench.post(&format!("{handset}/chats/{BUSINESS}/open"), json!({})).await;
    let (status, file) = bench.upload("audio/ogg", b"OggS").await;
    assert_eq!(status, 200, "{file}");
    let voice = json!({"to": ADA, "type": "audio", "audio": {"id": file["id"], "voice": true}});
    let (status, sent) = bench.send(voice).await;
    assert_eq!(status, 200, "{sent}");
    let voice = sent["messages"][0]["id"].as_str().expect("wamid").to_owned();
    let (status, _) = bench.post(&format!("{handset}/chats/{BUSINESS}/messages/{voice}/play"), json!({})).await;
    assert_eq!(status, 204);
    until(|| async { bench.receiver.statuses(&voice).contains(&"played".to_owned()) }).await;

    let advertisement = json!({"source_url": "https://fb.me/1", "source_id": "1", "source_type": "ad", "headline": "Tents",
        "body": "20% off", "media_type": "image", "image_url": "https://fb.me/2", "ctwa_clid": "c"});
    bench.ada_writes(json!({"type": "text", "text": "About it", "referral": advertisement})).await;
    bench.send_text("Gladly").await;
    bench.post(&format!("{handset}/echoes"), json!({"text": "From the app"})).await;
    let past = json!({"messages": [{"from": "business", "text": "On Friday.", "minutes_ago": 60}]});
    bench.post(&format!("{handset}/history"), past).await;
    bench.patch(&handset, json!({"marketing_stopped": true})).await;
    let (status, moved) = bench.post(&format!("{handset}/number"), json!({"phone": "+4915199999999"})).await;
    assert_eq!(status, 200, "{moved}");
    let handset = "/sandbox/v1/handsets/4915199999999";
    bench.patch(handset, json!({"shares_phone": false})).await;
    bench.post(&format!("{handset}/chats/{BUSINESS}/messages"), json!({"type": "text", "text": "Hi"})).await;
    all_came(&bench, &documented_beside()).await;
}

#[tokio::test]
async fn what_is_told_of_templates_and_the_account_has_the_documented_shapes() {
    let bench = Bench::new().await;
    for (name, decision) in [
        // It is paused from the start.
        ("spring_offer", json!({"status": "APPROVED"})),
        ("order_update", json!({"quality": "RED"})),
        ("order_update", json!({"category": "MARKETING"})),
        ("we_are_back", json!({"body": "Hello {{1}}, go on?"})),
    ] {
        let (status, changed) = bench.patch(&format!("/sandbox/v1/templates/{name}"), decision).await;
        assert_eq!(status, 200, "{name}: {changed}");
    }
    let examples = documented_of_account();
    let (_, known) = bench.get("/sandbox/v1/notices").await;
    for notice in known["notices"].as_array().expect("notices") {
        assert!(examples.iter().any(|(name, _)| notice["name"] == *name), "{notice} has no documented example");
        assert_eq!(bench.post("/sandbox/v1/notices", json!({"name": notice["name"]})).await.0, 201);
    }
    all_came(&bench, &examples).await;
    let events: Vec<Value> = bench.receiver.values().iter().map(|value| value["event"].clone()).collect();
    assert!(events.contains(&json!("REINSTATED")), "a paused template that comes back: {events:?}");
    // Each of its name has the shape of its own example, and its field.
    let bodies = bench.receiver.bodies();
    for (name, example) in &examples {
        let field = &example["entry"][0]["changes"][0]["field"];
        let mut of_field = bodies.iter().filter(|body| body["entry"][0]["changes"][0]["field"] == *field);
        assert!(of_field.any(|body| shape_of(body) == shape_of(example)), "{name} under {field}");
    }
}

#[tokio::test]
async fn a_business_that_is_reported_loses_its_quality_and_is_told_at_the_lowest() {
    let bench = Bench::new().await;
    let report = format!("/sandbox/v1/handsets/{ADA}/report");
    for rating in ["YELLOW", "RED", "RED"] {
        assert_eq!(bench.post(&report, json!({})).await, (200, json!({"quality_rating": rating})));
        let (_, number) = bench.get("/v26.0/106540352242922?fields=quality_rating").await;
        assert_eq!(number["quality_rating"], rating);
    }
    until(|| async { !bench.receiver.bodies().is_empty() }).await;
    let told: Vec<Value> = bench.receiver.values().iter().map(|value| value["event"].clone()).collect();
    assert_eq!(told, [json!("FLAGGED")], "once");
    assert_eq!(bench.post("/sandbox/v1/handsets/1/report", json!({})).await.0, 404);
}
