//! The JSON of every outbound kind, and the limits checked before anything is sent.

use segue_channels::whatsapp::{
    Outbound, OutboundError, Recipient, SendMeta, TemplateButton, TemplateCard, TemplateHeader, TemplateMessage,
    TemplateParameter,
    contact_card::{CardPhone, ContactCard},
    interactive::{FlowAction, FlowReference, Header},
    outbound::{LinkPreview, ListRow, ListSection, MediaSource, ReplyButton},
    template_message::LocalValue,
};
use serde_json::{Value, json};

fn s(text: &str) -> String {
    text.to_owned()
}

fn text(body: &str) -> Outbound {
    Outbound::Text { body: s(body), preview: LinkPreview::Hide }
}

fn buttons(count: usize) -> Outbound {
    let buttons = (0..count).map(|n| ReplyButton { id: format!("b{n}"), title: format!("Choice {n}") }).collect();
    Outbound::Buttons { header: Some(Header::Text(s("Head"))), body: s("Choose"), footer: Some(s("Foot")), buttons }
}

fn list(rows: usize) -> Outbound {
    let rows = (0..rows)
        .map(|n| ListRow { id: format!("r{n}"), title: format!("Row {n}"), description: (n == 0).then(|| s("First")) })
        .collect();
    Outbound::List {
        header: None,
        body: s("Topics"),
        footer: None,
        button: s("Show"),
        sections: vec![ListSection { title: Some(s("All")), rows }],
    }
}

fn template() -> TemplateMessage {
    TemplateMessage::new(s("order_update"), s("en_US"))
}

fn parameter(name: Option<&str>, text: &str) -> TemplateParameter {
    TemplateParameter::text(name.map(s), s(text))
}

fn image() -> MediaSource {
    MediaSource::Id(s("77"))
}

/// Every kind with the content of its request: type, and the object under it.
fn golden() -> Vec<(Outbound, &'static str, Value)> {
    let link = MediaSource::Link(s("https://x.example/a.pdf"));
    vec![
        (text("Hi"), "text", json!({"body": "Hi", "preview_url": false})),
        (
            Outbound::Text { body: s("https://x.example"), preview: LinkPreview::Show },
            "text",
            json!({"body": "https://x.example", "preview_url": true}),
        ),
        (
            Outbound::Image { source: image(), caption: Some(s("Look")) },
            "image",
            json!({"id": "77", "caption": "Look"}),
        ),
        (Outbound::Image { source: link.clone(), caption: None }, "image", json!({"link": "https://x.example/a.pdf"})),
        (Outbound::Video { source: image(), caption: None }, "video", json!({"id": "77"})),
        (Outbound::Audio { source: image(), voice: false }, "audio", json!({"id": "77"})),
        (Outbound::Audio { source: image(), voice: true }, "audio", json!({"id": "77", "voice": true})),
        (Outbound::Sticker { source: image() }, "sticker", json!({"id": "77"})),
        (
            Outbound::Document { source: link.clone(), caption: None, filename: Some(s("a.pdf")) },
            "document",
            json!({"link": "https://x.example/a.pdf", "filename": "a.pdf"}),
        ),
        (
            buttons(2),
            "interactive",
            json!({"type": "button", "header": {"type": "text", "text": "Head"}, "body": {"text": "Choose"}, "footer": {"text": "Foot"},
                   "action": {"buttons": [{"type": "reply", "reply": {"id": "b0", "title": "Choice 0"}}, {"type": "reply", "reply": {"id": "b1", "title": "Choice 1"}}]}}),
        ),
        (
            list(2),
            "interactive",
            json!({"type": "list", "body": {"text": "Topics"},
                   "action": {"button": "Show", "sections": [{"title": "All", "rows": [{"id": "r0", "title": "Row 0", "description": "First"}, {"id": "r1", "title": "Row 1"}]}]}}),
        ),
        (
            Outbound::Link {
                header: None,
                body: s("See"),
                footer: None,
                label: s("Open"),
                url: s("https://x.example"),
            },
            "interactive",
            json!({"type": "cta_url", "body": {"text": "See"}, "action": {"name": "cta_url", "parameters": {"display_text": "Open", "url": "https://x.example"}}}),
        ),
        (
            Outbound::RequestLocation { body: s("Where?") },
            "interactive",
            json!({"type": "location_request_message", "body": {"text": "Where?"}, "action": {"name": "send_location"}}),
        ),
        (
            Outbound::RequestContact { body: s("Number?") },
            "interactive",
            json!({"type": "request_contact_info", "body": {"text": "Number?"}, "action": {"name": "request_contact_info"}}),
        ),
        (
            Outbound::Location { latitude: 1.5, longitude: -2.0, name: Some(s("Shop")), address: None },
            "location",
            json!({"latitude": 1.5, "longitude": -2.0, "name": "Shop"}),
        ),
        (
            Outbound::Reaction { message_id: s("wamid.B"), emoji: s("👍") },
            "reaction",
            json!({"message_id": "wamid.B", "emoji": "👍"}),
        ),
        (Outbound::Template(template()), "template", json!({"name": "order_update", "language": {"code": "en_US"}})),
        (
            Outbound::Template(TemplateMessage {
                body: vec![parameter(None, "Ann"), parameter(None, "42")],
                ..template()
            }),
            "template",
            json!({"name": "order_update", "language": {"code": "en_US"}, "components": [{"type": "body", "parameters": [{"type": "text", "text": "Ann"}, {"type": "text", "text": "42"}]}]}),
        ),
        (
            Outbound::Template(TemplateMessage {
                header: Some(TemplateHeader::Image { source: image() }),
                body: vec![parameter(Some("first_name"), "Ann")],
                buttons: vec![
                    TemplateButton::QuickReply { index: 0, payload: s("go") },
                    TemplateButton::Url { index: 1, text: s("abc") },
                    TemplateButton::CopyCode { index: 2, code: s("SAVE") },
                ],
                ..template()
            }),
            "template",
            json!({"name": "order_update", "language": {"code": "en_US"}, "components": [
                {"type": "header", "parameters": [{"type": "image", "image": {"id": "77"}}]},
                {"type": "body", "parameters": [{"type": "text", "text": "Ann", "parameter_name": "first_name"}]},
                {"type": "button", "sub_type": "quick_reply", "index": "0", "parameters": [{"type": "payload", "payload": "go"}]},
                {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": "abc"}]},
                {"type": "button", "sub_type": "copy_code", "index": "2", "parameters": [{"type": "coupon_code", "coupon_code": "SAVE"}]}
            ]}),
        ),
        (
            Outbound::Template(TemplateMessage {
                header: Some(TemplateHeader::Text { parameter: parameter(None, "June") }),
                ..template()
            }),
            "template",
            json!({"name": "order_update", "language": {"code": "en_US"}, "components": [{"type": "header", "parameters": [{"type": "text", "text": "June"}]}]}),
        ),
        (
            Outbound::Template(TemplateMessage {
                header: Some(TemplateHeader::Document { source: link, filename: Some(s("a.pdf")) }),
                ..template()
            }),
            "template",
            json!({"name": "order_update", "language": {"code": "en_US"}, "components": [{"type": "header", "parameters": [{"type": "document", "document": {"link": "https://x.example/a.pdf", "filename": "a.pdf"}}]}]}),
        ),
        (
            Outbound::Link {
                header: Some(Header::Video(image())),
                body: s("See"),
                footer: Some(s("Foot")),
                label: s("Open"),
                url: s("https://x.example"),
            },
            "interactive",
            json!({"type": "cta_url", "header": {"type": "video", "video": {"id": "77"}}, "body": {"text": "See"}, "footer": {"text": "Foot"},
                   "action": {"name": "cta_url", "parameters": {"display_text": "Open", "url": "https://x.example"}}}),
        ),
        (
            flow(
                FlowReference::Id(s("900")),
                FlowAction::Navigate { screen: Some(s("START")), data: json!({"size": "M"}).as_object().cloned() },
            ),
            "interactive",
            json!({"type": "flow", "header": {"type": "document", "document": {"id": "77", "filename": "a.pdf"}}, "body": {"text": "Book"},
                   "action": {"name": "flow", "parameters": {"flow_message_version": "3", "flow_id": "900", "flow_token": "t-1", "flow_cta": "Open form",
                        "flow_action": "navigate", "flow_action_payload": {"screen": "START", "data": {"size": "M"}}}}}),
        ),
        (
            flow(FlowReference::Draft(s("900")), FlowAction::Navigate { screen: None, data: None }),
            "interactive",
            json!({"type": "flow", "header": {"type": "document", "document": {"id": "77", "filename": "a.pdf"}}, "body": {"text": "Book"},
                   "action": {"name": "flow", "parameters": {"flow_message_version": "3", "flow_id": "900", "mode": "draft", "flow_token": "t-1",
                        "flow_cta": "Open form", "flow_action": "navigate"}}}),
        ),
        (
            flow(FlowReference::Name(s("booking")), FlowAction::DataExchange),
            "interactive",
            json!({"type": "flow", "header": {"type": "document", "document": {"id": "77", "filename": "a.pdf"}}, "body": {"text": "Book"},
                   "action": {"name": "flow", "parameters": {"flow_message_version": "3", "flow_name": "booking", "flow_token": "t-1",
                        "flow_cta": "Open form", "flow_action": "data_exchange"}}}),
        ),
        (
            Outbound::Contacts {
                cards: vec![card(), ContactCard { name: s("Bo"), last_name: Some(s("Bo")), ..ContactCard::default() }],
            },
            "contacts",
            json!([{"name": {"formatted_name": "Ann Lee", "first_name": "Ann"}, "phones": [{"phone": "+1 555", "wa_id": "1555", "type": "WORK"}],
                    "emails": [{"email": "ann@example.com"}], "urls": [{"url": "https://x.example"}], "org": {"company": "Acme", "title": "Cook"}},
                   {"name": {"formatted_name": "Bo", "last_name": "Bo"}}]),
        ),
        (
            Outbound::Template(TemplateMessage {
                header: Some(TemplateHeader::Location {
                    latitude: s("52.5"),
                    longitude: s("13.4"),
                    name: s("Shop"),
                    address: s("Main St"),
                }),
                body: vec![
                    TemplateParameter {
                        name: None,
                        text: s("EUR 9.50"),
                        local: Some(LocalValue::Currency { code: s("EUR"), amount_1000: 9500 }),
                    },
                    TemplateParameter { name: None, text: s("1 June"), local: Some(LocalValue::DateTime) },
                ],
                buttons: vec![TemplateButton::Flow { index: 0, token: s("t-1") }],
                offer_ends_at: Some(segue_model::Timestamp(1_800_000_000_000)),
                ..template()
            }),
            "template",
            json!({"name": "order_update", "language": {"code": "en_US"}, "components": [
                {"type": "limited_time_offer", "parameters": [{"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1_800_000_000_000_i64}}]},
                {"type": "header", "parameters": [{"type": "location", "location": {"latitude": "52.5", "longitude": "13.4", "name": "Shop", "address": "Main St"}}]},
                {"type": "body", "parameters": [
                    {"type": "currency", "currency": {"fallback_value": "EUR 9.50", "code": "EUR", "amount_1000": 9500}},
                    {"type": "date_time", "date_time": {"fallback_value": "1 June"}}]},
                {"type": "button", "sub_type": "flow", "index": "0", "parameters": [{"type": "action", "action": {"flow_token": "t-1"}}]}
            ]}),
        ),
        (
            Outbound::Template(TemplateMessage { cards: vec![carousel_card("a"), carousel_card("b")], ..template() }),
            "template",
            json!({"name": "order_update", "language": {"code": "en_US"}, "components": [{"type": "carousel", "cards": [
                {"card_index": 0, "components": [
                    {"type": "header", "parameters": [{"type": "image", "image": {"id": "77"}}]},
                    {"type": "body", "parameters": [{"type": "text", "text": "a"}]},
                    {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "a"}]}]},
                {"card_index": 1, "components": [
                    {"type": "header", "parameters": [{"type": "image", "image": {"id": "77"}}]},
                    {"type": "body", "parameters": [{"type": "text", "text": "b"}]},
                    {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "b"}]}]}
            ]}]}),
        ),
    ]
}

fn flow(flow: FlowReference, action: FlowAction) -> Outbound {
    let header = Some(Header::Document { source: image(), filename: Some(s("a.pdf")) });
    Outbound::Flow { header, body: s("Book"), footer: None, flow, label: s("Open form"), token: s("t-1"), action }
}

fn card() -> ContactCard {
    ContactCard {
        name: s("Ann Lee"),
        first_name: Some(s("Ann")),
        phones: vec![CardPhone { phone: s("+1 555"), wa_id: Some(s("1555")), kind: Some(s("WORK")) }],
        emails: vec![s("ann@example.com")],
        urls: vec![s("https://x.example")],
        company: Some(s("Acme")),
        title: Some(s("Cook")),
        ..ContactCard::default()
    }
}

fn carousel_card(text: &str) -> TemplateCard {
    TemplateCard {
        header: TemplateHeader::Image { source: image() },
        body: vec![parameter(None, text)],
        buttons: vec![TemplateButton::Url { index: 0, text: s(text) }],
    }
}

#[test]
fn every_kind_has_its_json_and_survives_storage() {
    let recipient = Recipient::phone("+16505551234").unwrap();
    for (message, kind, content) in golden() {
        assert_eq!(message.validate(), Ok(()), "{content}");
        let mut expected =
            json!({"messaging_product": "whatsapp", "recipient_type": "individual", "to": "16505551234", "type": kind});
        expected[kind] = content;
        assert_eq!(message.to_json(&recipient, &SendMeta::default()), expected);
        let stored = serde_json::to_string(&message).unwrap();
        assert!(serde_json::from_str::<Outbound>(&stored).unwrap() == message, "{stored}");
    }
}

#[test]
fn a_bsuid_goes_into_recipient_and_never_into_to() {
    let recipient = Recipient::bsuid("US.13491208655302741918").unwrap();
    for (message, _, _) in golden() {
        let request = message.to_json(&recipient, &SendMeta::default());
        assert_eq!(request["recipient"], "US.13491208655302741918");
        assert_eq!(request.get("to"), None);
    }
}

#[test]
fn reply_and_callback_data() {
    let meta = SendMeta { reply_to: Some(s("wamid.Q")), callback_data: Some(s("outbox-1")) };
    let recipient = Recipient::phone("16505551234").unwrap();
    let request = text("Hi").to_json(&recipient, &meta);
    assert_eq!(request["context"], json!({"message_id": "wamid.Q"}));
    assert_eq!(request["biz_opaque_callback_data"], "outbox-1");
    let reaction = Outbound::Reaction { message_id: s("m"), emoji: s("") }.to_json(&recipient, &meta);
    assert_eq!(reaction.get("context"), None);
}

#[test]
fn limits_at_their_edge() {
    let ok = |message: Outbound| message.validate().is_ok();
    assert!(ok(text(&"é".repeat(4096))) && !ok(text(&"é".repeat(4097))));
    assert!(!ok(text("")) && !ok(text(" \n")));
    assert!(ok(buttons(1)) && ok(buttons(3)) && !ok(buttons(0)) && !ok(buttons(4)));
    assert!(ok(list(1)) && ok(list(10)) && !ok(list(0)) && !ok(list(11)));
    let caption = |length| Outbound::Image { source: image(), caption: Some("a".repeat(length)) };
    assert!(ok(caption(1024)) && !ok(caption(1025)));
    let button = |title: String, id: String| Outbound::Buttons {
        header: None,
        body: s("x"),
        footer: None,
        buttons: vec![ReplyButton { id, title }],
    };
    assert!(ok(button("a".repeat(20), "i".repeat(256))));
    assert!(!ok(button("a".repeat(21), s("i"))) && !ok(button(s("a"), "i".repeat(257))) && !ok(button(s(""), s("i"))));
    let row = |title: usize, description: usize, id: usize| Outbound::List {
        header: None,
        body: "a".repeat(4096),
        footer: None,
        button: s("b"),
        sections: vec![ListSection {
            title: None,
            rows: vec![ListRow {
                id: "i".repeat(id),
                title: "t".repeat(title),
                description: Some("d".repeat(description)),
            }],
        }],
    };
    assert!(ok(row(24, 72, 200)) && !ok(row(25, 72, 200)) && !ok(row(24, 73, 200)) && !ok(row(24, 72, 201)));
    let link = |url: &str| Outbound::Link { header: None, body: s("x"), footer: None, label: s("y"), url: s(url) };
    assert!(
        ok(link("https://x")) && !ok(link("javascript:alert(1)")) && !ok(link("x.example")) && !ok(link("https://"))
    );
    let place = |latitude| Outbound::Location { latitude, longitude: 0.0, name: None, address: None };
    assert!(ok(place(90.0)) && !ok(place(90.1)) && !ok(place(f64::NAN)));
    let media = |link: &str| Outbound::Audio { source: MediaSource::Link(s(link)), voice: false };
    assert!(ok(media("https://x/a.ogg")) && !ok(media("/etc/passwd")));
    let named = |name: &str| Outbound::Template(TemplateMessage { name: s(name), ..template() });
    assert!(ok(named("a")) && !ok(named("")));
    let empty_value = Outbound::Template(TemplateMessage { body: vec![parameter(None, "")], ..template() });
    assert!(!ok(empty_value));
}

#[test]
fn choices_must_differ() {
    let twice = |id: &str, title: &str| {
        let first = ReplyButton { id: s("a"), title: s("A") };
        let second = ReplyButton { id: s(id), title: s(title) };
        Outbound::Buttons { header: None, body: s("x"), footer: None, buttons: vec![first, second] }.validate()
    };
    assert!(twice("b", "B").is_ok() && twice("a", "B").is_err() && twice("b", "A").is_err());
    let message = twice("a", "B").unwrap_err().to_string();
    assert_eq!(message, "Two button ids are the same; each needs its own.");
}

#[test]
fn several_sections_need_titles() {
    let section = |title: Option<&str>, id: &str| ListSection {
        title: title.map(s),
        rows: vec![ListRow { id: s(id), title: s("t"), description: None }],
    };
    let list =
        |sections| Outbound::List { header: None, body: s("x"), footer: None, button: s("b"), sections }.validate();
    assert!(list(vec![section(Some("A"), "1"), section(Some("B"), "2")]).is_ok());
    assert!(list(vec![section(Some("A"), "1"), section(None, "2")]).is_err());
    assert!(list(vec![section(Some("A"), "1"), section(Some("B"), "1")]).is_err());
}

#[test]
fn a_broken_limit_names_the_field_and_the_limit() {
    let long = |length: usize| "x".repeat(length);
    let template = |change: &dyn Fn(&mut TemplateMessage)| {
        let mut message = template();
        change(&mut message);
        Outbound::Template(message)
    };
    let cards = |count: usize| (0..count).map(|_| carousel_card("a")).collect::<Vec<_>>();
    let place = |latitude: &str| {
        Some(TemplateHeader::Location { latitude: s(latitude), longitude: s("1"), name: s("a"), address: s("b") })
    };
    let nameless = ContactCard { name: s("Ann"), ..ContactCard::default() };
    let data = || json!({"a": 1}).as_object().cloned();
    for (message, words) in [
        (text(&long(4_097)), "The text has 4097 characters; WhatsApp allows 4096. Shorten it."),
        (
            Outbound::Image { source: image(), caption: Some(long(1_025)) },
            "The caption has 1025 characters; WhatsApp allows 1024. Shorten it.",
        ),
        (
            Outbound::Document { source: image(), caption: None, filename: Some(long(241)) },
            "The file name has 241 characters; WhatsApp allows 240. Shorten it.",
        ),
        (buttons(4), "There are 4 buttons; WhatsApp wants 1 to 3."),
        (list(11), "There are 11 rows; WhatsApp wants 1 to 10."),
        (flow(FlowReference::Id(s("")), FlowAction::DataExchange), "The form's id is empty; write something."),
        (
            flow(FlowReference::Id(s("1")), FlowAction::Navigate { screen: None, data: data() }),
            "The form's screen is empty; write something.",
        ),
        (
            flow(
                FlowReference::Id(s("1")),
                FlowAction::Navigate { screen: Some(s("A")), data: json!({}).as_object().cloned() },
            ),
            "The form's data is empty; write something.",
        ),
        (
            Outbound::Flow {
                header: Some(Header::Text(long(61))),
                body: s("x"),
                footer: None,
                flow: FlowReference::Id(s("1")),
                label: s("y"),
                token: s("t"),
                action: FlowAction::DataExchange,
            },
            "The header has 61 characters; WhatsApp allows 60. Shorten it.",
        ),
        (Outbound::Contacts { cards: vec![] }, "There are 0 contact cards; WhatsApp wants 1 to 257."),
        (Outbound::Contacts { cards: vec![card(); 258] }, "There are 258 contact cards; WhatsApp wants 1 to 257."),
        (Outbound::Contacts { cards: vec![nameless] }, "The card's first or last name is empty; write something."),
        (
            Outbound::Reaction { message_id: s("m"), emoji: s("ok") },
            "A reaction is one emoji, or nothing to take it back.",
        ),
        (
            Outbound::RequestContact { body: long(1_025) },
            "The text has 1025 characters; WhatsApp allows 1024. Shorten it.",
        ),
        (Outbound::RequestLocation { body: s(" ") }, "The text is empty; write something."),
        (template(&|t| t.name = s("Order-Update")), "The template's name is not valid."),
        (
            template(&|t| t.buttons = vec![TemplateButton::CopyCode { index: 0, code: long(16) }]),
            "The code to copy has 16 characters; WhatsApp allows 15. Shorten it.",
        ),
        (template(&|t| t.cards = cards(1)), "There are 1 cards; WhatsApp wants 2 to 10."),
        (template(&|t| t.cards = cards(11)), "There are 11 cards; WhatsApp wants 2 to 10."),
        (
            template(&|t| {
                t.cards = cards(2);
                t.cards[1].header = TemplateHeader::Text { parameter: parameter(None, "x") };
            }),
            "The card's header is not valid.",
        ),
        (
            template(&|t| t.header = place("91")),
            "The place's latitude must be from -90 to 90 and its longitude from -180 to 180.",
        ),
        (
            template(&|t| t.header = place("north")),
            "The place's latitude must be from -90 to 90 and its longitude from -180 to 180.",
        ),
    ] {
        let error: OutboundError = message.validate().unwrap_err();
        assert_eq!(error.to_string(), words);
    }
    for emoji in ["\u{1f44d}", "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}", "1\u{fe0f}\u{20e3}", ""] {
        assert_eq!(Outbound::Reaction { message_id: s("m"), emoji: s(emoji) }.validate(), Ok(()), "{emoji}");
    }
}
