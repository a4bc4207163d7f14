//! Webhook bodies as Meta sends them, and broken in every way it has been seen to.

use proptest::prelude::*;
use segue_channels::whatsapp::{Content, StatusKind, WebhookItem, parse_webhook};
use serde_json::{Value, json};

fn body(field: &str, value: &Value) -> Value {
    json!({"object": "whatsapp_business_account", "entry": [{"id": "102290129340398", "time": 1_700_000_000, "changes": [{"field": field, "value": value}]}]})
}

fn value(parts: &Value) -> Value {
    let mut value = json!({"messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550783881", "phone_number_id": "106540352242922"}});
    for (name, part) in parts.as_object().unwrap() {
        value[name] = part.clone();
    }
    value
}

fn parse(body: &Value) -> Vec<WebhookItem> {
    parse_webhook(body.to_string().as_bytes()).unwrap()
}

fn messages(parts: &Value) -> Vec<WebhookItem> {
    parse(&body("messages", &value(parts)))
}

fn text_message(id: &str, from: &str, text: &str) -> Value {
    json!({"from": from, "from_user_id": format!("US.{from}"), "id": id, "timestamp": "1700000001", "type": "text", "text": {"body": text}})
}

fn kinds(items: &[WebhookItem]) -> Vec<&'static str> {
    items
        .iter()
        .map(|item| match item {
            WebhookItem::Message(_) => "message",
            WebhookItem::Status(_) => "status",
            WebhookItem::TemplateStatus(_) => "template",
            WebhookItem::UserPreference(_) => "preference",
            WebhookItem::UserIdUpdate(_) => "user_id",
            WebhookItem::Recorded(_) => "recorded",
            WebhookItem::Notice(_) => "notice",
            WebhookItem::Unknown { .. } => "unknown",
        })
        .collect()
}

#[test]
fn a_message_with_its_contact() {
    let items = messages(&json!({
        "contacts": [{"profile": {"name": "Ann", "username": "ann.w"}, "wa_id": "16505551234", "user_id": "US.16505551234", "parent_user_id": "US.ENT.9"}],
        "messages": [{"from": "16505551234", "from_user_id": "US.16505551234", "id": "wamid.A", "timestamp": "1700000001", "type": "text", "text": {"body": "Hi"}, "context": {"from": "1", "id": "wamid.B"}, "referral": {"ctwa_clid": "c", "headline": "June", "source_type": "ad", "source_id": 12, "ref": null}}]
    }));
    let [WebhookItem::Message(message)] = items.as_slice() else { panic!("{:?}", kinds(&items)) };
    assert_eq!(message.waba_id, "102290129340398");
    assert_eq!(message.phone_number_id, "106540352242922");
    assert_eq!(message.wamid, "wamid.A");
    assert_eq!(message.at.unwrap().0, 1_700_000_001_000);
    let who = &message.identity;
    assert_eq!(who.wa_id.as_deref(), Some("16505551234"));
    assert_eq!(who.phone.as_deref(), Some("+16505551234"));
    assert_eq!(who.bsuid.as_deref(), Some("US.16505551234"));
    assert_eq!(who.parent_bsuid.as_deref(), Some("US.ENT.9"));
    assert_eq!(who.username.as_deref(), Some("ann.w"));
    assert_eq!(who.profile_name.as_deref(), Some("Ann"));
    assert!(message.content() == Content::Text { body: "Hi".to_owned() });
    assert_eq!(message.context().unwrap().message_id.as_deref(), Some("wamid.B"));
    let referral = message.referral().unwrap();
    assert_eq!((referral.click_id.as_deref(), referral.headline.as_deref()), (Some("c"), Some("June")));
    assert_eq!((referral.source_id.as_deref(), referral.reference), (Some("12"), None));
    assert_eq!(message.group_id(), None);
    assert_eq!(items[0].external_id(), "message:106540352242922:wamid.A");
    assert_eq!(items[0].subject(), "106540352242922:US.16505551234");
}

#[test]
fn contacts_are_matched_by_id_and_not_by_place() {
    let items = messages(&json!({
        "contacts": [
            {"profile": {"name": "Bob"}, "wa_id": "222", "user_id": "US.222"},
            {"profile": {"name": "Ann"}, "wa_id": "111", "user_id": "US.111"}
        ],
        "messages": [text_message("a", "111", "x"), text_message("b", "222", "y"), text_message("c", "333", "z")]
    }));
    let names: Vec<_> = items
        .iter()
        .map(|item| match item {
            WebhookItem::Message(message) => message.identity.profile_name.as_deref(),
            _ => panic!("a message"),
        })
        .collect();
    assert_eq!(names, [Some("Ann"), Some("Bob"), None]);
}

#[test]
fn a_customer_without_a_phone_number() {
    let items = messages(&json!({
        "contacts": [{"profile": {"username": "ann.w"}, "user_id": "US.777"}],
        "messages": [{"from_user_id": "US.777", "id": "w", "timestamp": 1_700_000_001, "type": "text", "text": {"body": "Hi"}}]
    }));
    let [WebhookItem::Message(message)] = items.as_slice() else { panic!("{:?}", kinds(&items)) };
    assert_eq!((&message.identity.wa_id, &message.identity.phone), (&None, &None));
    assert_eq!(message.identity.username.as_deref(), Some("ann.w"));
    assert_eq!(message.identity.key(), Some("US.777"));
    assert!(message.at.is_some(), "the time came as a number");
}

#[test]
fn everything_in_a_batch_is_found() {
    let change = |number: usize| {
        let all: Vec<Value> = (0..3).map(|n| text_message(&format!("{number}-{n}"), "111", "x")).collect();
        json!({"field": "messages", "value": value(&json!({"messages": all}))})
    };
    let entries: Vec<Value> =
        (0..3).map(|e| json!({"id": "1", "changes": [change(e * 3), change(e * 3 + 1), change(e * 3 + 2)]})).collect();
    let items = parse(&json!({"entry": entries, "object": "whatsapp_business_account"}));
    let keys: std::collections::BTreeSet<_> = items.iter().map(WebhookItem::external_id).collect();
    assert_eq!((items.len(), keys.len()), (27, 27));

    let thousand: Vec<Value> = (0..1000).map(|n| text_message(&n.to_string(), "111", "x")).collect();
    assert_eq!(messages(&json!({"messages": thousand})).len(), 1000);
}

#[test]
fn statuses_with_all_their_parts() {
    let items = messages(&json!({
        "contacts": [{"wa_id": "111", "user_id": "US.111", "profile": {"username": "ann"}}],
        "statuses": [
            {"id": "w1", "status": "delivered", "timestamp": "1700000002", "recipient_id": "111", "recipient_user_id": "US.111",
             "pricing": {"billable": true, "pricing_model": "PMP", "type": "regular", "category": "marketing"}, "biz_opaque_callback_data": "outbox-1"},
            {"id": "w2", "status": "failed", "timestamp": 1_700_000_003, "recipient_id": "111",
             "errors": [{"code": "131047", "title": "Re-engagement message", "error_data": {"details": "24h"}}]},
            {"id": "w3", "status": "levitating", "recipient_user_id": "US.5"},
            {"id": "w1", "status": "read", "timestamp": "1700000004", "recipient_id": "111", "conversation": {"id": "c"}}
        ]
    }));
    let statuses: Vec<_> = items
        .iter()
        .map(|item| match item {
            WebhookItem::Status(status) => status,
            _ => panic!("a status"),
        })
        .collect();
    assert_eq!(statuses.len(), 4);
    assert_eq!(statuses[0].status, StatusKind::Delivered);
    assert_eq!(statuses[0].biz_opaque_callback_data.as_deref(), Some("outbox-1"));
    assert_eq!(statuses[0].recipient.username.as_deref(), Some("ann"));
    let pricing = statuses[0].pricing.as_ref().unwrap();
    assert_eq!(
        (pricing.billable, pricing.kind.as_deref(), pricing.category.as_deref()),
        (Some(true), Some("regular"), Some("marketing"))
    );
    assert_eq!((statuses[1].errors[0].code, statuses[1].errors[0].details.as_deref()), (Some(131_047), Some("24h")));
    assert_eq!(statuses[2].status, StatusKind::Other("levitating".to_owned()));
    assert_eq!(statuses[3].conversation.as_ref().unwrap()["id"], "c");
    let keys: std::collections::BTreeSet<_> = items.iter().map(WebhookItem::external_id).collect();
    assert_eq!(keys.len(), 4, "the same message in another state is another item");
    assert_eq!(items[1].external_id(), "status:w2:failed:");
}

#[test]
fn one_broken_element_costs_no_sibling() {
    let good = || text_message("good", "111", "x");
    for broken in
        [json!(5), json!(null), json!("x"), json!([]), json!({}), json!({"id": {"a": 1}}), json!({"type": "text"})]
    {
        let items =
            messages(&json!({"messages": [broken, good()], "statuses": [broken, {"id": "w", "status": "sent"}]}));
        assert_eq!(kinds(&items), ["unknown", "message", "unknown", "status"], "{broken}");
    }
    for broken in [json!(5), json!({"field": "messages"}), json!({"field": "messages", "value": 7}), json!({})] {
        let root = json!({"object": "whatsapp_business_account", "entry": [
            {"id": "1", "changes": [broken, {"field": "messages", "value": value(&json!({"messages": [good()]}))}]}
        ]});
        assert_eq!(kinds(&parse(&root)), ["unknown", "message"], "{broken}");
    }
    for broken in [json!(5), json!({"id": "1"}), json!({"id": "1", "changes": null})] {
        let ok = body("messages", &value(&json!({"messages": [good()]})))["entry"][0].clone();
        let root = json!({"object": "whatsapp_business_account", "entry": [broken, ok]});
        assert_eq!(kinds(&parse(&root)), ["unknown", "message"], "{broken}");
    }
}

#[test]
fn what_is_not_known_is_kept() {
    for (name, content) in [
        ("flows", json!({"event": "FLOW_STATUS_CHANGE", "flow_id": 3})),
        ("account_update", json!({"waba_info": {"waba_id": 1}})),
        ("smb_app_state_sync", json!({"state_sync": [{"type": "contact", "action": "add"}]})),
        ("brand_new_field", json!({"anything": [1, 2, 3]})),
        ("messages", json!({"errors": [{"code": 130_429}]})),
    ] {
        let items = parse(&body(name, &content));
        match items.as_slice() {
            [WebhookItem::Unknown { field, raw, waba_id, .. }] => {
                assert_eq!((field.as_str(), raw, waba_id.as_deref()), (name, &content, Some("102290129340398")));
            }
            _ => panic!("{name}: {:?}", kinds(&items)),
        }
    }
    for root in [json!({}), json!([]), json!(null), json!("x"), json!({"object": "page", "entry": [{"id": "1"}]})] {
        assert_eq!(kinds(&parse(&root)), ["unknown"], "{root}");
    }
    assert!(parse_webhook(b"{not json").is_err());
    assert!(parse_webhook(b"").is_err());
}

#[test]
fn management_webhooks() {
    let items = parse(&body(
        "message_template_status_update",
        &json!({"event": "PAUSED", "message_template_id": 594_425, "message_template_name": "spring_offer", "message_template_language": "en-US", "reason": "NONE"}),
    ));
    let [WebhookItem::TemplateStatus(template)] = items.as_slice() else { panic!("{:?}", kinds(&items)) };
    assert_eq!((template.name.as_str(), template.event.as_str()), ("spring_offer", "PAUSED"));
    assert_eq!((template.language.as_deref(), template.template_id.as_deref()), (Some("en_US"), Some("594425")));
    assert_eq!(template.reason, None);

    let items = parse(&body(
        "user_preferences",
        &value(
            &json!({"contacts": [{"wa_id": "111", "user_id": "US.1"}], "user_preferences": [{"user_id": "US.1", "category": "marketing_messages", "value": "STOP", "timestamp": 1_700_000_000}]}),
        ),
    ));
    let [WebhookItem::UserPreference(preference)] = items.as_slice() else { panic!("{:?}", kinds(&items)) };
    assert_eq!((preference.value.as_str(), preference.identity.wa_id.as_deref()), ("stop", Some("111")));

    let items = parse(&body(
        "user_id_update",
        &value(
            &json!({"user_id_update": [{"wa_id": "111", "user_id": {"previous": "US.1", "current": "US.2"}, "parent_user_id": {"previous": "US.ENT.1", "current": "US.ENT.2"}}, {"user_id": "broken"}]}),
        ),
    ));
    assert_eq!(kinds(&items), ["user_id", "unknown"]);
    let WebhookItem::UserIdUpdate(update) = &items[0] else { panic!("an update") };
    assert_eq!((update.previous.as_deref(), update.current.as_str()), (Some("US.1"), "US.2"));
    assert_eq!(update.current_parent.as_deref(), Some("US.ENT.2"));
    assert_eq!(items[0].subject(), "106540352242922:US.1");
}

#[test]
fn a_message_that_lost_its_content_keeps_the_reason() {
    let items = messages(&json!({
        "errors": [{"code": 131_000, "title": "Something went wrong"}],
        "messages": [{"from": "111", "id": "w", "timestamp": "1700000001", "type": "interactive"}]
    }));
    let [WebhookItem::Message(message)] = items.as_slice() else { panic!("{:?}", kinds(&items)) };
    assert_eq!(message.errors()[0].code, Some(131_000));
    assert!(matches!(message.content(), Content::Unsupported { .. }));
}

#[test]
fn references_in_every_form() {
    let context = |context: Value| {
        let mut message = text_message("w", "111", "x");
        message["context"] = context;
        let items = messages(&json!({"messages": [message]}));
        let [WebhookItem::Message(message)] = items.as_slice() else { panic!("{:?}", kinds(&items)) };
        message.context().map(|context| (context.message_id, context.forwarded, context.product))
    };
    assert_eq!(context(json!({"forwarded": true})), Some((None, true, None)));
    assert_eq!(context(json!({"frequently_forwarded": true})), Some((None, true, None)));
    assert_eq!(context(json!(null)), None);
    assert_eq!(
        context(json!({"id": "m", "referred_product": {"catalog_id": "c", "product_retailer_id": "p"}})),
        Some((Some("m".to_owned()), false, Some("p".to_owned())))
    );
}

#[test]
fn the_same_meaning_in_every_spelling_of_json() {
    let plain = r#"{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"2"},"messages":[{"id":"w","from":"111","type":"text","text":{"body":"é😮 a@b http://x/y"}}]}}]}]}"#;
    let escaped =
        plain.replace('é', "\\u00e9").replace('😮', "\\ud83d\\ude2e").replace('/', "\\/").replace('@', "\\u0040");
    assert_ne!(plain, escaped);
    let (plain, escaped) = (parse_webhook(plain.as_bytes()).unwrap(), parse_webhook(escaped.as_bytes()).unwrap());
    assert!(plain == escaped);
    let WebhookItem::Message(message) = &plain[0] else { panic!("a message") };
    assert_eq!(message.content().preview(), "é😮 a@b http://x/y");
}

fn every_kind() -> Vec<WebhookItem> {
    let mut items = messages(&json!({
        "contacts": [{"wa_id": "111", "profile": {"name": "Ann"}}],
        "messages": [text_message("a", "111", "secret words"), 5],
        "statuses": [{"id": "w", "status": "played", "recipient_id": "111"}, {"id": "w", "status": "odd"}]
    }));
    items.extend(parse(&body(
        "message_template_status_update",
        &json!({"event": "APPROVED", "message_template_name": "n"}),
    )));
    items.extend(parse(&body(
        "user_preferences",
        &json!({"user_preferences": [{"user_id": "US.1", "category": "c", "value": "stop"}]}),
    )));
    items.extend(parse(&body("user_id_update", &json!({"user_id_update": [{"user_id": {"current": "US.2"}}]}))));
    let echo = json!({"id": "e", "from": "15550783881", "to": "111", "type": "text", "text": {"body": "secret words"}});
    items.extend(parse(&body("smb_message_echoes", &value(&json!({"message_echoes": [echo]})))));
    items.extend(parse(&body("account_update", &json!({"event": "ACCOUNT_DELETED"}))));
    items
}

#[test]
fn items_survive_storage_with_their_keys() {
    let items = every_kind();
    assert_eq!(
        kinds(&items),
        ["message", "unknown", "status", "status", "template", "preference", "user_id", "recorded", "notice"]
    );
    for item in items {
        let json = serde_json::to_string(&item).unwrap();
        let read: WebhookItem = serde_json::from_str(&json).unwrap();
        assert!(read == item, "{json}");
        assert_eq!((read.external_id(), read.subject()), (item.external_id(), item.subject()));
        assert!(!item.subject().is_empty() && item.external_id().len() < 300);
    }
}

#[test]
fn keys_are_the_same_each_time_and_differ_between_items() {
    let keys = |items: &[WebhookItem]| items.iter().map(WebhookItem::external_id).collect::<Vec<_>>();
    let (first, second) = (every_kind(), every_kind());
    assert_eq!(keys(&first), keys(&second));
    let unique: std::collections::BTreeSet<_> = keys(&first).into_iter().collect();
    assert_eq!(unique.len(), first.len());
    let update = |time: i64| {
        let mut root = body("account_update", &json!({"event": "X"}));
        root["entry"][0]["time"] = time.into();
        parse(&root)[0].external_id()
    };
    assert_ne!(update(1), update(2), "the same event at another time is another event");
}

#[test]
fn nothing_personal_shows_in_debug() {
    for item in every_kind() {
        let shown = format!("{item:?}");
        assert!(!shown.contains("secret") && !shown.contains("111") && !shown.contains("Ann"), "{shown}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let names = prop_oneof![
        Just("entry"),
        Just("changes"),
        Just("field"),
        Just("value"),
        Just("messages"),
        Just("statuses"),
        Just("contacts"),
        Just("id"),
        Just("type"),
        Just("text"),
        Just("object"),
        Just("errors"),
        Just("status"),
        Just("context"),
        Just("interactive"),
        Just("user_preferences"),
        Just("metadata"),
        Just("timestamp"),
    ];
    let leaf = prop_oneof![
        Just(json!(null)),
        Just(json!(true)),
        any::<i64>().prop_map(|n| json!(n)),
        prop_oneof![Just("messages"), Just("text"), Just("interactive"), Just("sent"), Just("1")]
            .prop_map(|t| json!(t)),
    ];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::vec((names.clone(), inner), 0..6)
                .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_becomes_at_least_one_item_that_can_be_stored(root in any_json(), entry in any_json(), change in any_json()) {
        let wrapped = json!({"object": "whatsapp_business_account", "entry": [entry, {"id": "1", "changes": [{"field": "messages", "value": change}]}]});
        for body in [root, wrapped] {
            let items = parse(&body);
            prop_assert!(!items.is_empty());
            for item in items {
                if let WebhookItem::Message(message) = &item {
                    let _ = (message.content().preview(), message.context(), message.errors());
                }
                let json = serde_json::to_string(&item).unwrap();
                prop_assert!(serde_json::from_str::<WebhookItem>(&json).unwrap() == item);
            }
        }
    }

    #[test]
    fn any_octets_are_json_or_an_error(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let is_json = serde_json::from_slice::<Value>(&octets).is_ok();
        prop_assert_eq!(parse_webhook(&octets).is_ok(), is_json);
    }
}
