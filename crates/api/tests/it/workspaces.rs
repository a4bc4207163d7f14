//! Nothing of one workspace can be seen or changed from another: every route with an id, and every id in a body.

use http::{Method, StatusCode};
use segue_model::role::Role;
use serde_json::{Value, json};

use crate::{
    roles::{Operation, nobody, operations},
    sample::{Sample, sample},
    support::{Answer, Server, get, json as body, request, servers, with_cookie, with_key},
};

/// A body that the operation takes, so that the id in the address is what decides.
fn input(operation: &str) -> Option<Value> {
    Some(match operation {
        "change_user" | "change_channel" | "change_queue" | "change_campaign" | "change_segment" => {
            json!({"name": "Taken over"})
        }
        "change_contact" => json!({"first_name": "Taken over"}),
        "record_consent" => json!({"channel": "sms", "purpose": "marketing", "action": "revoke", "method": "api"}),
        "decide_consent_review" => json!({"decision": "revoke"}),
        "subscribe" => json!({"phone": "+15550100000", "wording": "Yes"}),
        "change_programme" => {
            json!({"sender_id": nobody("snd"), "name": "Taken over", "opt_in": "single", "covers": "programme"})
        }
        "change_keyword" => {
            json!({"sender_id": nobody("snd"), "word": "TAKEN", "action": {"kind": "reply", "text": "Taken over"}})
        }
        "change_campaign_links" => json!({"legal_text": "Taken over"}),
        "set_registration_limits"
        | "set_sender_limit"
        | "set_sender_fallback"
        | "set_sender_hours"
        | "resume_marketing" => json!({}),
        "set_sender_routes" => json!({"sender_ids": []}),
        "add_channel_prices" => json!({"prices": []}),
        "block_customer" => json!({"reason": "because"}),
        "merge_customers" => json!({"messaging_user_id": nobody("mus")}),
        "change_template" => {
            json!({"parts": {"name": "taken", "language": "en", "category": "utility", "body": "Over"}})
        }
        "set_customer_language" => json!({"language": "de"}),
        "set_template_defaults" => json!({"defaults": []}),
        "step_registration" => json!({"state": "submitted"}),
        "change_table" => json!({"label": "Taken over", "columns": [], "version": 1}),
        "write_table_rows" => json!({"rows": [{"number": "1"}]}),
        "write_table_row" => json!({"fields": {"number": "1"}}),
        "delete_table_rows" => json!({"keys": [["1"]]}),
        "change_snippet" => json!({"body": "Taken over", "version": 1}),
        "change_campaign_link" => json!({"expires_at": null}),
        "test_send_campaign" => json!({"phone": "+15550100000"}),
        "approve_campaign" | "reject_campaign" => json!({"comment": "because"}),
        "send_message" => json!({"client_id": "c1", "kind": "text", "text": "Hello"}),
        "keep_pending_reply" => json!({"client_id": "c1", "kind": "text", "text": "Hello"}),
        "change_pending_reply" => json!({"text": "Taken over", "version": 1}),
        "register_channel_number" | "set_channel_pin" => json!({"pin": "123456"}),
        "request_channel_code" => json!({"by": "sms", "language": "en_US"}),
        "verify_channel_code" => json!({"code": "123456"}),
        "set_channel_number_webhook" => json!({"own": true}),
        "set_channel_profile" => json!({"about": "Taken over", "address": "", "description": "", "email": "",
            "websites": [], "vertical": ""}),
        "put_conversation_settings" => json!({"pending_hours": 1}),
        "start_conversation" => json!({"channel_id": nobody("chn"),
            "reply": {"client_id": "c1", "kind": "text", "text": "Hello"}}),
        "end_session" => json!({"close_case": true}),
        "change_contact_view" => json!({"name": "Mine", "query": {}}),
        "change_list_members" => json!({"action": "add", "contact_ids": [nobody("con")]}),
        "set_contact_addresses" => json!({"addresses": []}),
        "transfer_session" => json!({"queue_id": nobody("que")}),
        "link_customer" => json!({"create": true}),
        "create_lead" => json!({"name": "Taken over"}),
        "create_case" => json!({"subject": "Taken over"}),
        "change_lead" => json!({"status": "won"}),
        "replay_dead_letter" | "discard_dead_letter" => json!({"reason": "because"}),
        _ => return None,
    })
}

async fn call(server: &Server, cookie: &str, operation: &Operation, id: impl Fn(&str) -> String) -> Answer {
    // What has no id of its own is counted: the number of a link.
    let address = operation.address(|prefix| if prefix.is_empty() { "0".to_owned() } else { id(prefix) });
    let request = match input(&operation.id) {
        Some(input) => body(operation.method.clone(), &address, &input),
        None if operation.method == Method::PATCH => body(operation.method.clone(), &address, &json!({})),
        None => request(operation.method.clone(), &address),
    };
    server.send(with_cookie(request, cookie)).await
}

fn with_ids() -> impl Iterator<Item = Operation> {
    operations().into_iter().filter(|operation| {
        operation.path.starts_with("/api/v1/") && operation.prefixes.iter().any(|(_, prefix)| !prefix.is_empty())
    })
}

/// Everything B's own admin can read, as text. Times of use of keys change by themselves.
async fn everything(server: &Server, b: &Sample) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for operation in operations() {
        if operation.method != Method::GET || !operation.path.starts_with("/api/v1/") || operation.id == "stream_events"
        {
            continue;
        }
        let mut address = operation.address(|prefix| b.id(prefix));
        if operation.id == "search_messages" {
            address.push_str("?q=hello");
        }
        if operation.id == "list_attachments" {
            address.push_str(&format!("?session_id={}", b.id("ses")));
        }
        let without = [
            "get_message_flight",
            "get_channel_number",
            "get_campaign_file",
            "download_received_file",
            "download_text_file",
        ];
        if without.contains(&operation.id.as_str()) {
            // The sample's message is a text; its conversation is empty. Its campaign sends no file, and its contact
            // texted none: see `text_files`. And nobody answers for WhatsApp.
            continue;
        }
        if operation.id == "download_transcript" {
            // The file is for who asked for it; the sample's user did, not its key.
            continue;
        }
        let answer = server.send(with_key(get(&address), &b.key)).await;
        if !["list_api_keys", "get_presence"].contains(&operation.id.as_str()) {
            assert_eq!(answer.status, StatusCode::OK, "{} for its own admin: {}", operation.id, answer.text());
        }
        if operation.id != "list_api_keys" {
            all.push((operation.id, answer.text().split("request_id").next().unwrap_or_default().to_owned()));
        }
    }
    all
}

#[tokio::test]
async fn an_id_of_another_workspace_is_an_id_of_nothing() {
    for server in servers().await {
        let b = sample(&server, "b").await;
        let admin = server.user("ann", Role::Admin).await;
        let cookie = server.sign_in(&admin).await;
        let before = everything(&server, &b).await;
        let mut count = 0;
        for operation in with_ids() {
            let foreign = call(&server, &cookie, &operation, |prefix| b.id(prefix)).await;
            let unknown = call(&server, &cookie, &operation, nobody).await;
            // An offer that is not one's own and one that is gone look the same.
            let expected = if operation.id.ends_with("_offer") { StatusCode::CONFLICT } else { StatusCode::NOT_FOUND };
            assert_eq!(foreign.status, expected, "{} {}: {}", server.test.engine, operation.id, foreign.text());
            assert_eq!((unknown.status, unknown.code()), (foreign.status, foreign.code()), "{}", operation.id);
            assert!(!foreign.text().contains("secret words"), "{}", operation.id);
            count += 1;
        }
        assert!(count >= 38, "only {count} routes with ids were tried");
        assert_eq!(everything(&server, &b).await, before, "{}: something of B was changed", server.test.engine);
    }
}

#[tokio::test]
async fn an_id_of_another_workspace_in_a_body_is_refused() {
    for server in servers().await {
        let (a, b) = (sample(&server, "a").await, sample(&server, "b").await);
        let campaign = |sender: &Sample, list: &Sample, channel: Option<String>| {
            json!({"name": "Mixed", "sender_id": sender.id("snd"), "audience": {"list_id": list.id("lst")},
                "body": "Hello", "footer": if channel.is_some() { "wa_me" } else { "none" },
                "whatsapp_channel_id": channel, "prefilled_text": "Hi"})
        };
        let session = format!("/api/v1/sessions/{}", a.id("ses"));
        let cases: Vec<(&str, String, Value)> = vec![
            ("a campaign with B's sender", "/api/v1/campaigns".to_owned(), campaign(&b, &a, None)),
            ("a campaign with B's list", "/api/v1/campaigns".to_owned(), campaign(&a, &b, None)),
            ("a campaign into B's chat", "/api/v1/campaigns".to_owned(), campaign(&a, &a, Some(b.id("chn")))),
            (
                "a sender on B's channel",
                "/api/v1/senders".to_owned(),
                json!({"channel_id": b.id("chn"), "address": "+15550102222", "kind": "long_code"}),
            ),
            ("a queue with B's user", "/api/v1/queues".to_owned(), json!({"name": "Q", "member_ids": [b.id("usr")]})),
            (
                "a programme with B's sender",
                "/api/v1/programmes".to_owned(),
                json!({"sender_id": b.id("snd"), "name": "P", "opt_in": "single", "covers": "programme"}),
            ),
            (
                "a programme with B's list",
                "/api/v1/programmes".to_owned(),
                json!({"sender_id": a.id("snd"), "list_id": b.id("lst"), "name": "P", "opt_in": "single",
                    "covers": "programme"}),
            ),
            (
                "a word of B's sender",
                "/api/v1/keywords".to_owned(),
                json!({"sender_id": b.id("snd"), "word": "W", "action": {"kind": "reply", "text": "Hi"}}),
            ),
            (
                "a word for B's programme",
                "/api/v1/keywords".to_owned(),
                json!({"sender_id": a.id("snd"), "word": "W",
                    "action": {"kind": "join", "programme_id": b.id("prg")}}),
            ),
            ("A's customer as B's contact", format!("{session}/link"), json!({"contact_id": b.id("con")})),
            ("A's session in B's queue", format!("{session}/transfer"), json!({"queue_id": b.id("que")})),
            ("A's session to B's user", format!("{session}/transfer"), json!({"user_id": b.id("usr")})),
            (
                "B's template to A's customer",
                format!("{session}/messages"),
                json!({"client_id": "1", "kind": "template", "template_id": b.id("tpl"), "parameters": []}),
            ),
            (
                "B's form to A's customer",
                format!("{session}/messages"),
                json!({"client_id": "5", "kind": "form", "form_id": b.id("frm"), "text": "Hi", "label": "Open"}),
            ),
            (
                "B's picture to A's customer",
                format!("{session}/messages"),
                json!({"client_id": "2", "kind": "image", "media_id": b.id("med")}),
            ),
            (
                "B's conversation as a transcript",
                "/api/v1/transcript-exports".to_owned(),
                json!({"of": {"kind": "session", "session_id": b.id("ses")}, "format": "csv"}),
            ),
            (
                "B's customer as a transcript",
                "/api/v1/transcript-exports".to_owned(),
                json!({"of": {"kind": "customer", "messaging_user_id": b.id("mus")}, "format": "csv"}),
            ),
            (
                "B's contact as a transcript",
                "/api/v1/transcript-exports".to_owned(),
                json!({"of": {"kind": "contact", "contact_id": b.id("con")}, "format": "csv"}),
            ),
            (
                "B's user in a note of A",
                format!("{session}/messages"),
                json!({"client_id": "4", "kind": "note", "text": format!("<@{}>", b.id("usr"))}),
            ),
            (
                "A's contact from B's number",
                format!("/api/v1/contacts/{}/conversations", a.id("con")),
                json!({"channel_id": b.id("chn"), "reply": {"client_id": "3", "kind": "template",
                    "template_id": a.id("tpl"), "parameters": []}}),
            ),
        ];
        for (what, path, input) in cases {
            let answer = server.post(&a.key, &path, &input).await;
            assert!(
                answer.status.is_client_error(),
                "{} {what}: {} {}",
                server.test.engine,
                answer.status,
                answer.text()
            );
        }
        let contacts = server.get(&a.key, &format!("/api/v1/contacts?list_id={}", b.id("lst"))).await.json();
        assert_eq!(contacts["data"].as_array().map(Vec::len), Some(0));
        let own = server.get(&b.key, &format!("/api/v1/attachments?contact_id={}", b.id("con"))).await.json();
        assert_eq!(own["data"].as_array().map(Vec::len), Some(1), "B has a file");
        for (whose, status) in [("session_id", 404), ("case_id", 404), ("contact_id", 200), ("messaging_user_id", 200)]
        {
            let prefix = match whose {
                "session_id" => "ses",
                "case_id" => "cas",
                "contact_id" => "con",
                _ => "mus",
            };
            let answer = server.get(&a.key, &format!("/api/v1/attachments?{whose}={}", b.id(prefix))).await;
            assert_eq!(answer.status.as_u16(), status, "{whose}");
            assert!(status != 200 || answer.json()["data"].as_array().is_some_and(Vec::is_empty), "{whose}");
        }
        let templates = server.get(&a.key, &format!("/api/v1/templates?channel_id={}", b.id("chn"))).await.json();
        assert_eq!(templates["data"].as_array().map(Vec::len), Some(0));
    }
}

#[tokio::test]
async fn the_same_idempotency_key_in_two_workspaces_is_two_requests() {
    let server = crate::support::server().await;
    let (a, b) = (sample(&server, "a").await, sample(&server, "b").await);
    let make = |key: &str| {
        let request = body(Method::POST, "/api/v1/lists", &json!({"name": "Same"}));
        crate::support::with(with_key(request, key), "idempotency-key", "same")
    };
    let (first, second) = (server.send(make(&a.key)).await, server.send(make(&b.key)).await);
    assert_eq!((first.status, second.status), (StatusCode::CREATED, StatusCode::CREATED));
    assert_ne!(first.json()["id"], second.json()["id"]);
}
