//! Webhooks beside messages and statuses: what was written in WhatsApp's own app, history, calls, groups, the account.

use segue_channels::whatsapp::{
    Content, Notice, WebhookItem, parse_webhook,
    webhook::{Record, Writer},
};
use serde_json::{Value, json};

/// A webhook with one change, to the number 15550783881.
fn change(field: &str, parts: &Value) -> Vec<WebhookItem> {
    let mut value = json!({"messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "+1 555-078-3881", "phone_number_id": "7"}});
    value.as_object_mut().unwrap().extend(parts.as_object().unwrap().clone());
    let change = json!({"field": field, "value": value});
    let root = json!({"object": "whatsapp_business_account",
        "entry": [{"id": "55", "time": 1_800_000_000, "changes": [change]}]});
    parse_webhook(root.to_string().as_bytes()).unwrap()
}

#[test]
fn what_was_written_in_the_app_is_recorded_with_its_customer() {
    let items = change(
        "smb_message_echoes",
        &json!({
            "contacts": [{"wa_id": "4915112345678", "user_id": "DE.9", "profile": {"name": "Eva"}}],
            "message_echoes": [
                {"from": "15550783881", "to": "4915112345678", "to_user_id": "DE.9", "id": "wamid.E", "timestamp": "1800000001", "type": "text", "text": {"body": "On my way"}},
                {"from": "15550783881", "to_user_id": "DE.9", "id": "wamid.R", "timestamp": 1_800_000_002, "type": "revoke", "revoke": {"original_message_id": "wamid.E"}},
                {"from": "15550783881", "id": "wamid.N", "type": "text", "text": {"body": "to nobody"}},
                7
            ]
        }),
    );
    let [
        WebhookItem::Recorded(text),
        WebhookItem::Recorded(revoke),
        WebhookItem::Unknown { .. },
        WebhookItem::Unknown { .. },
    ] = items.as_slice()
    else {
        panic!("{} items", items.len())
    };
    assert_eq!((text.writer, text.record, text.wamid.as_str()), (Writer::Business, Record::App, "wamid.E"));
    assert_eq!(text.customer.phone.as_deref(), Some("+4915112345678"));
    assert_eq!((text.customer.bsuid.as_deref(), text.customer.profile_name.as_deref()), (Some("DE.9"), Some("Eva")));
    assert!(Content::of(&text.message) == Content::Text { body: "On my way".to_owned() });
    assert_eq!(revoke.customer.wa_id.as_deref(), Some("4915112345678"), "by the contact that shares the id");
    assert!(matches!(Content::of(&revoke.message), Content::Revoke { .. }));
    assert_eq!(items[0].external_id(), "recorded:7:wamid.E");
    assert_eq!(items[0].subject(), "echo:7:DE.9", "one by one, and what the customer writes does not wait for it");
    assert_eq!(items[1].subject(), "echo:7:DE.9", "what takes a message back stays behind the message");
}

#[test]
fn history_knows_who_wrote_what_to_whom() {
    let thread = json!({"id": "111", "messages": [
        {"from": "15550783881", "to": "111", "id": "h1", "timestamp": "1700000000", "type": "text", "text": {"body": "Hello"}, "history_context": {"status": "READ"}},
        {"from": "111", "id": "h2", "timestamp": "1700000100", "type": "text", "text": {"body": "Hi"}},
        {"from": "111", "timestamp": "1700000200", "type": "text"}
    ]});
    let refused = json!({"errors": [{"code": 2_593_109, "title": "History sync is turned off"}]});
    let items = change(
        "history",
        &json!({"history": [
        {"metadata": {"phase": 0, "chunk_order": 1, "progress": 55}, "threads": [thread]}, refused]}),
    );
    let [
        WebhookItem::Recorded(ours),
        WebhookItem::Recorded(theirs),
        WebhookItem::Unknown { .. },
        WebhookItem::Unknown { raw, .. },
    ] = items.as_slice()
    else {
        panic!("{} items", items.len())
    };
    assert_eq!((ours.writer, theirs.writer), (Writer::Business, Writer::Customer));
    assert!(ours.record == Record::History && theirs.record == Record::History);
    assert_eq!((ours.customer.wa_id.as_deref(), theirs.customer.wa_id.as_deref()), (Some("111"), Some("111")));
    assert_eq!(raw["errors"][0]["code"], 2_593_109);
}

#[test]
fn a_customers_call_is_one_message_without_its_media_description() {
    let call = |event: &str, direction: &str| {
        json!({"id": "wacid.1", "from": "111", "from_user_id": "US.1", "to": "15550783881", "event": event,
            "timestamp": "1800000000", "direction": direction, "session": {"sdp_type": "offer", "sdp": "v=0 secret"}})
    };
    let contacts = json!([{"wa_id": "111", "user_id": "US.1", "profile": {"name": "Ann"}}]);
    let calls = json!({"contacts": contacts, "calls": [call("connect", "USER_INITIATED"), call("terminate", "USER_INITIATED"), call("connect", "BUSINESS_INITIATED"), {}]});
    let items = change("calls", &calls);
    let [
        WebhookItem::Message(begun),
        WebhookItem::Message(ended),
        WebhookItem::Unknown { .. },
        WebhookItem::Unknown { .. },
    ] = items.as_slice()
    else {
        panic!("{} items", items.len())
    };
    assert!(begun.content() == Content::Call { event: Some("connect".to_owned()) });
    assert_eq!(begun.identity.profile_name.as_deref(), Some("Ann"));
    assert!(!begun.message.to_string().contains("sdp"));
    assert_eq!(items[0].external_id(), items[1].external_id());
    assert!(ended.at.is_some());
}

#[test]
fn statuses_of_calls_change_nothing_and_are_kept() {
    let items = change(
        "calls",
        &json!({"statuses": [
        {"id": "wacid.1", "type": "call", "status": "RINGING", "timestamp": "1800000000", "recipient_id": "111"}]}),
    );
    let [WebhookItem::Status(status)] = items.as_slice() else { panic!("{} items", items.len()) };
    assert_eq!(status.status.rank(), None);
}

#[test]
fn a_groups_message_says_so() {
    let items = change(
        "messages",
        &json!({"messages": [
        {"from": "111", "group_id": "Y2FwaQ", "id": "g", "timestamp": "1800000000", "type": "text", "text": {"body": "all"}}]}),
    );
    let [WebhookItem::Message(message)] = items.as_slice() else { panic!("{} items", items.len()) };
    assert_eq!(message.group_id().as_deref(), Some("Y2FwaQ"));
}

#[test]
fn notices_have_their_account_time_and_subject() {
    let items = change("account_update", &json!({"event": "ACCOUNT_RESTRICTION"}));
    let [WebhookItem::Notice(notice)] = items.as_slice() else { panic!("{} items", items.len()) };
    assert_eq!((notice.waba_id.as_str(), notice.at.unwrap().0), ("55", 1_800_000_000_000));
    assert!(notice.notice.stops_sending());
    assert_eq!((items[0].subject().as_str(), items[0].waba_id()), ("account:55", Some("55")));
    let items =
        change("template_category_update", &json!({"message_template_name": "june", "new_category": "MARKETING"}));
    assert_eq!(items[0].subject(), "template:55:june", "in line with the template's other news");
    let [WebhookItem::Notice(notice)] = items.as_slice() else { panic!() };
    assert!(matches!(&notice.notice, Notice::TemplateCategory { next: None, .. }));
}

#[test]
fn every_documented_field_is_taken_whatever_is_in_it() {
    for field in [
        "account_alerts",
        "account_review_update",
        "account_update",
        "account_settings_update",
        "automatic_events",
        "business_capability_update",
        "business_username_updates",
        "calls",
        "flows",
        "group_lifecycle_update",
        "group_participants_update",
        "group_settings_update",
        "group_status_update",
        "history",
        "message_echoes",
        "message_template_components_update",
        "message_template_quality_update",
        "message_template_status_update",
        "messages",
        "messaging_handovers",
        "partner_solutions",
        "payment_configuration_update",
        "phone_number_name_update",
        "phone_number_quality_update",
        "security",
        "smb_app_state_sync",
        "smb_message_echoes",
        "standby",
        "template_category_update",
        "user_id_update",
        "user_preferences",
    ] {
        for parts in [
            json!({}),
            json!({"messages": 1, "history": "x", "message_echoes": {}, "calls": [null], "user_preferences": [[]], "user_id_update": [1]}),
            json!({"event": ["A"], "message_template_name": {}, "contacts": "none", "alert_info": []}),
        ] {
            assert!(!change(field, &parts).is_empty(), "{field} {parts}");
        }
    }
}
