use serde_json::json;

use super::*;

/// One message of each documented type: JSON, name of the variant as stored, preview.
fn documented() -> Vec<(Value, &'static str, &'static str)> {
    vec![
        (json!({"type": "text", "text": {"body": "Hello"}}), "text", "Hello"),
        (
            json!({"type": "image", "image": {"id": "1", "mime_type": "image/jpeg", "sha256": "x", "caption": "Broken"}}),
            "media",
            "[Image] Broken",
        ),
        (json!({"type": "image", "image": {"id": 1, "url": "https://x"}}), "media", "[Image]"),
        (json!({"type": "video", "video": {"id": "1", "mime_type": "video/mp4"}}), "media", "[Video]"),
        (
            json!({"type": "audio", "audio": {"id": "1", "mime_type": "audio/ogg; codecs=opus", "voice": true}}),
            "media",
            "[Voice message]",
        ),
        (json!({"type": "audio", "audio": {"id": "1", "voice": false}}), "media", "[Audio]"),
        (json!({"type": "document", "document": {"id": "1", "filename": "a.pdf"}}), "media", "[Document] a.pdf"),
        (json!({"type": "sticker", "sticker": {"id": "1", "animated": true}}), "media", "[Sticker]"),
        (
            json!({"type": "location", "location": {"latitude": 1.5, "longitude": "-2.5", "name": "Shop"}}),
            "location",
            "[Location] Shop",
        ),
        (
            json!({"type": "contacts", "contacts": [{"name": {"formatted_name": "Ann"}, "phones": [{"phone": "+1", "wa_id": "1"}]}]}),
            "contacts",
            "[Contact] Ann",
        ),
        (
            json!({"type": "contacts", "contacts": [{"origin": "contact_request", "phones": [{"phone": "+1"}]}]}),
            "contacts",
            "[Contact]",
        ),
        (json!({"type": "button", "button": {"payload": "p", "text": "Continue"}}), "button", "Continue"),
        (
            json!({"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": "a", "title": "Yes"}}}),
            "button_reply",
            "Yes",
        ),
        (
            json!({"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": "a", "title": "Row", "description": "d"}}}),
            "list_reply",
            "Row",
        ),
        (
            json!({"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent", "response_json": "{\"a\":1}"}}}),
            "flow_reply",
            "[Form completed]",
        ),
        (
            json!({"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {"response_json": "{broken"}}}),
            "flow_reply",
            "[Form completed]",
        ),
        (
            json!({"type": "interactive", "interactive": {"type": "call_permission_reply", "call_permission_reply": {"response": "accept"}}}),
            "call_permission",
            "[Call permission] accept",
        ),
        (
            json!({"type": "interactive", "errors": [{"code": 131000, "title": "x"}]}),
            "unsupported",
            "[A message WhatsApp cannot hand over]",
        ),
        (json!({"type": "interactive"}), "other", "[Message of an unknown type] interactive"),
        (json!({"type": "reaction", "reaction": {"message_id": "m", "emoji": "👍"}}), "reaction", "[Reaction] 👍"),
        (json!({"type": "reaction", "reaction": {"message_id": "m", "emoji": ""}}), "reaction", "[Reaction removed]"),
        (json!({"type": "reaction", "reaction": {"message_id": "m"}}), "reaction", "[Reaction removed]"),
        (
            json!({"type": "order", "order": {"catalog_id": "c", "product_items": [{"product_retailer_id": "p", "quantity": "2", "item_price": 1.5, "currency": "USD"}, {"quantity": 1}]}}),
            "order",
            "[Order] 1 item(s)",
        ),
        (
            json!({"type": "system", "system": {"type": "user_changed_number", "body": "Ann changed", "wa_id": "123"}}),
            "system",
            "Ann changed",
        ),
        (
            json!({"type": "system", "system": {"type": "user_changed_user_id", "user_id": "US.1"}}),
            "system",
            "[System] user_changed_user_id",
        ),
        (
            json!({"type": "system", "system": {"type": "customer_identity_changed", "identity": {"hash": "h"}}}),
            "system",
            "[System] customer_identity_changed",
        ),
        (
            json!({"type": "edit", "edit": {"original_message_id": "m", "message": {"type": "text", "text": {"body": "New"}}}}),
            "edit",
            "[Edited] New",
        ),
        (
            json!({"type": "edit", "edit": {"original_message_id": "m", "message": {"type": "edit"}}}),
            "edit",
            "[Edited] [Message of an unknown type] edit",
        ),
        (json!({"type": "revoke", "revoke": {"original_message_id": "m"}}), "revoke", "[Message deleted]"),
        (
            json!({"type": "unsupported", "errors": [{"code": 131051}]}),
            "unsupported",
            "[A message WhatsApp cannot hand over]",
        ),
        (
            json!({"type": "unknown", "errors": [{"code": "131052"}]}),
            "unsupported",
            "[A file that is too large to receive]",
        ),
        (json!({"type": "request_welcome"}), "request_welcome", "[Chat opened]"),
        (json!({"type": "call", "call": {"event": "connect"}}), "call", "[Call]"),
        (
            json!({"type": "unsupported", "unsupported": {"type": "poll"}}),
            "unsupported",
            "[A message WhatsApp cannot hand over]",
        ),
        (json!({"type": "hologram", "hologram": {"id": 1}}), "other", "[Message of an unknown type] hologram"),
        (json!({"type": "text"}), "other", "[Message of an unknown type] text"),
        (json!({"type": "image", "image": {"caption": "no id"}}), "other", "[Message of an unknown type] image"),
        (json!({"type": 7}), "other", "[Message of an unknown type] 7"),
        (json!({}), "other", "[Message of an unknown type] "),
        (json!([1]), "other", "[Message of an unknown type] "),
    ]
}

#[test]
fn every_documented_type_has_its_view() {
    for (message, variant, preview) in documented() {
        let content = Content::of(&message);
        let stored = serde_json::to_value(&content).unwrap();
        assert_eq!(stored["type"], variant, "{message}");
        assert_eq!(content.preview(), preview, "{message}");
        assert!(serde_json::from_value::<Content>(stored).unwrap() == content, "{message}");
    }
}

#[test]
fn details_are_kept() {
    let of = |message| Content::of(&message);
    assert!(
        of(
            json!({"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {"response_json": "{\"a\":1}"}}})
        ) == Content::FlowReply { name: None, response: json!({"a": 1}) }
    );
    assert!(
        of(
            json!({"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {"response_json": "{broken"}}})
        ) == Content::FlowReply { name: None, response: json!("{broken") }
    );
    match of(
        json!({"type": "contacts", "contacts": [{"origin": "contact_request", "phones": [{"phone": "+1 2", "wa_id": 12}]}]}),
    ) {
        Content::Contacts { cards } => {
            assert!(cards[0].requested);
            assert_eq!((cards[0].phones.join(","), cards[0].wa_ids.join(",")), ("+1 2".to_owned(), "12".to_owned()));
        }
        other => panic!("{}", other.preview()),
    }
    assert_eq!(of(json!({"type": "image", "image": {"id": "1", "caption": "STOP"}})).words(), Some("STOP"));
    assert_eq!(of(json!({"type": "sticker", "sticker": {"id": "1"}})).words(), None);
}
