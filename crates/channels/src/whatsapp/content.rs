//! What a customer sent: the typed view of an inbound message.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    lenient::{field, integer, list, number, raw_text, text, truth},
    status::GraphError,
};

segue_model::text_enum! {
    /// Kinds of media.
    pub enum MediaKind {
        /// A picture.
        Image = "image",
        /// A film.
        Video = "video",
        /// Sound, a voice message among others.
        Audio = "audio",
        /// Any file.
        Document = "document",
        /// A sticker.
        Sticker = "sticker",
    }
}

/// A contact card a customer shared.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedContact {
    /// Name as shown; missing when the customer answered a request for contact information.
    pub name: Option<String>,
    /// Phone numbers as written.
    pub phones: Vec<String>,
    /// WhatsApp ids of those numbers, where known.
    pub wa_ids: Vec<String>,
    /// Whether this answers our request for contact information: the card is the customer's own.
    pub requested: bool,
}

/// One line of an order.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderLine {
    /// The shop's own product id.
    pub product: String,
    /// How many.
    pub quantity: i64,
    /// Price of one, in `currency`.
    pub price: Option<f64>,
    /// ISO currency code.
    pub currency: Option<String>,
}

/// What an inbound message says. [`Content::Other`] catches every type this version does not know.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Content {
    /// Written text.
    Text {
        /// The text.
        body: String,
    },
    /// A file. The id lives seven days: download at once.
    Media {
        /// What kind.
        media: MediaKind,
        /// Media id to download with.
        id: String,
        /// MIME type as sent, parameters included.
        mime_type: Option<String>,
        /// SHA-256 of the file, base64.
        sha256: Option<String>,
        /// Text below the media.
        caption: Option<String>,
        /// Name of a document.
        filename: Option<String>,
        /// Whether a sound was recorded in the chat.
        voice: bool,
        /// Whether a sticker moves.
        animated: bool,
    },
    /// A place.
    Location {
        /// Degrees north.
        latitude: f64,
        /// Degrees east.
        longitude: f64,
        /// Name of the place.
        name: Option<String>,
        /// Its address.
        address: Option<String>,
    },
    /// Contact cards.
    Contacts {
        /// The cards.
        cards: Vec<SharedContact>,
    },
    /// A tap on a quick reply of a template.
    Button {
        /// What we attached to the button.
        payload: Option<String>,
        /// What the button said.
        text: String,
    },
    /// A tap on a reply button.
    ButtonReply {
        /// Our id of the button.
        id: String,
        /// What it said.
        title: String,
    },
    /// A choice from a list.
    ListReply {
        /// Our id of the row.
        id: String,
        /// Its title.
        title: String,
        /// Its second line.
        description: Option<String>,
    },
    /// A completed form.
    FlowReply {
        /// `flow` or `address_message`.
        name: Option<String>,
        /// The answers; a text when they are not JSON.
        response: Value,
    },
    /// The answer to a request for permission to call.
    CallPermission {
        /// `accept` or `reject`.
        response: String,
    },
    /// A reaction to a message.
    Reaction {
        /// The message reacted to.
        message_id: String,
        /// The emoji; `None` takes the reaction back.
        emoji: Option<String>,
    },
    /// An order from the catalogue.
    Order {
        /// The catalogue.
        catalog_id: Option<String>,
        /// What the customer wrote with it.
        text: Option<String>,
        /// What was ordered.
        lines: Vec<OrderLine>,
    },
    /// Something happened to the customer's account: a new number or user id.
    System {
        /// `user_changed_number`, `user_changed_user_id` or `customer_identity_changed`.
        event: String,
        /// Meta's words.
        body: Option<String>,
        /// The new WhatsApp id.
        wa_id: Option<String>,
        /// The new user id.
        bsuid: Option<String>,
    },
    /// A message was edited.
    Edit {
        /// The message that changed.
        original_message_id: String,
        /// What it says now.
        content: Box<Content>,
    },
    /// A message was taken back.
    Revoke {
        /// The message that is gone.
        original_message_id: String,
    },
    /// The chat was opened for the first time.
    RequestWelcome,
    /// WhatsApp could not hand the message over: an unsupported type or a file that is too large.
    Unsupported {
        /// Why.
        errors: Vec<GraphError>,
    },
    /// A type this version does not know, or a known one that lacks its essential part.
    Other {
        /// The type's name.
        name: String,
    },
}

crate::debug::redacted_debug!(SharedContact, OrderLine, Content);

impl Content {
    /// Reads an element of `messages`. Never fails.
    #[must_use]
    pub fn of(message: &Value) -> Self {
        let kind = text(message, "type").unwrap_or_default();
        let body = field(message, &kind).unwrap_or(&Value::Null);
        let errors = || list(message, "errors").iter().map(GraphError::of).collect::<Vec<_>>();
        let read = match kind.as_str() {
            "text" => raw_text(body, "body").map(|body| Self::Text { body }),
            "image" => media(MediaKind::Image, body),
            "video" => media(MediaKind::Video, body),
            "audio" | "voice" => media(MediaKind::Audio, body),
            "document" => media(MediaKind::Document, body),
            "sticker" => media(MediaKind::Sticker, body),
            "location" => location(body),
            "contacts" => Some(Self::Contacts { cards: list(message, "contacts").iter().map(card).collect() }),
            "button" => text(body, "text")
                .or_else(|| text(body, "payload"))
                .map(|label| Self::Button { payload: text(body, "payload"), text: label }),
            "interactive" => interactive(body),
            "reaction" => {
                text(body, "message_id").map(|message_id| Self::Reaction { message_id, emoji: text(body, "emoji") })
            }
            "order" => Some(Self::Order {
                catalog_id: text(body, "catalog_id"),
                text: text(body, "text"),
                lines: list(body, "product_items").iter().filter_map(order_line).collect(),
            }),
            "system" => Some(Self::System {
                event: text(body, "type").unwrap_or_else(|| "unknown".to_owned()),
                body: text(body, "body"),
                // Older webhooks put the new id into `new_wa_id`.
                wa_id: text(body, "wa_id").or_else(|| text(body, "new_wa_id")),
                bsuid: text(body, "user_id"),
            }),
            "edit" => text(body, "original_message_id").map(|original_message_id| Self::Edit {
                original_message_id,
                content: Box::new(field(body, "message").map_or_else(|| Self::other("edit"), Self::of_edited)),
            }),
            "revoke" => {
                text(body, "original_message_id").map(|original_message_id| Self::Revoke { original_message_id })
            }
            "request_welcome" => Some(Self::RequestWelcome),
            "unsupported" | "unknown" => Some(Self::Unsupported { errors: errors() }),
            _ => None,
        };
        read.unwrap_or_else(|| {
            let errors = errors();
            if errors.is_empty() { Self::other(&kind) } else { Self::Unsupported { errors } }
        })
    }

    /// An edited message cannot itself be an edit; refusing it bounds the depth.
    fn of_edited(message: &Value) -> Self {
        if text(message, "type").as_deref() == Some("edit") { Self::other("edit") } else { Self::of(message) }
    }

    fn other(name: &str) -> Self {
        Self::Other { name: name.to_owned() }
    }

    /// What a customer wrote or chose, for bots, keywords and search. `None` when there are no words.
    #[must_use]
    pub fn words(&self) -> Option<&str> {
        match self {
            Self::Text { body } => Some(body),
            Self::Media { caption, .. } => caption.as_deref(),
            Self::Button { text, .. } => Some(text),
            Self::ButtonReply { title, .. } | Self::ListReply { title, .. } => Some(title),
            Self::Order { text, .. } => text.as_deref(),
            Self::Edit { content, .. } => content.words(),
            _ => None,
        }
    }

    /// One line for lists and notifications.
    #[must_use]
    pub fn preview(&self) -> String {
        let with = |label: &str, detail: Option<&str>| match detail {
            Some(detail) => format!("[{label}] {detail}"),
            None => format!("[{label}]"),
        };
        match self {
            Self::Text { body } => body.clone(),
            Self::Media { media, caption, filename, voice, .. } => {
                let label = match (media, voice) {
                    (MediaKind::Audio, true) => "Voice message",
                    (MediaKind::Audio, false) => "Audio",
                    (MediaKind::Image, _) => "Image",
                    (MediaKind::Video, _) => "Video",
                    (MediaKind::Document, _) => "Document",
                    (MediaKind::Sticker, _) => "Sticker",
                };
                with(label, caption.as_deref().or(filename.as_deref()))
            }
            Self::Location { name, address, .. } => with("Location", name.as_deref().or(address.as_deref())),
            Self::Contacts { cards } => with("Contact", cards.first().and_then(|card| card.name.as_deref())),
            Self::Button { text, .. } => text.clone(),
            Self::ButtonReply { title, .. } | Self::ListReply { title, .. } => title.clone(),
            Self::FlowReply { .. } => with("Form completed", None),
            Self::CallPermission { response } => with("Call permission", Some(response)),
            Self::Reaction { emoji: Some(emoji), .. } => with("Reaction", Some(emoji)),
            Self::Reaction { emoji: None, .. } => with("Reaction removed", None),
            Self::Order { lines, text, .. } => match text {
                Some(text) => with("Order", Some(text)),
                None => format!("[Order] {} item(s)", lines.len()),
            },
            Self::System { body, event, .. } => body.clone().unwrap_or_else(|| with("System", Some(event))),
            Self::Edit { content, .. } => with("Edited", Some(&content.preview())),
            Self::Revoke { .. } => with("Message deleted", None),
            Self::RequestWelcome => with("Chat opened", None),
            Self::Unsupported { errors } if errors.iter().any(|error| error.code == Some(131_052)) => {
                with("A file that is too large to receive", None)
            }
            Self::Unsupported { .. } => with("A message WhatsApp cannot hand over", None),
            Self::Other { name } => with("Message of an unknown type", Some(name)),
        }
    }
}

fn media(media: MediaKind, body: &Value) -> Option<Content> {
    Some(Content::Media {
        media,
        id: text(body, "id")?,
        mime_type: text(body, "mime_type"),
        sha256: text(body, "sha256"),
        caption: text(body, "caption"),
        filename: text(body, "filename"),
        voice: truth(body, "voice").unwrap_or(false),
        animated: truth(body, "animated").unwrap_or(false),
    })
}

fn location(body: &Value) -> Option<Content> {
    Some(Content::Location {
        latitude: number(body, "latitude")?,
        longitude: number(body, "longitude")?,
        name: text(body, "name"),
        address: text(body, "address"),
    })
}

fn card(card: &Value) -> SharedContact {
    let name = field(card, "name").and_then(|name| text(name, "formatted_name").or_else(|| text(name, "first_name")));
    let phones = list(card, "phones");
    SharedContact {
        name,
        phones: phones.iter().filter_map(|phone| text(phone, "phone")).collect(),
        wa_ids: phones.iter().filter_map(|phone| text(phone, "wa_id")).collect(),
        requested: text(card, "origin").as_deref() == Some("contact_request"),
    }
}

fn interactive(body: &Value) -> Option<Content> {
    let kind = text(body, "type")?;
    let reply = field(body, &kind)?;
    match kind.as_str() {
        "button_reply" => Some(Content::ButtonReply { id: text(reply, "id")?, title: text(reply, "title")? }),
        "list_reply" => Some(Content::ListReply {
            id: text(reply, "id")?,
            title: text(reply, "title")?,
            description: text(reply, "description"),
        }),
        "nfm_reply" => {
            let response = match field(reply, "response_json") {
                Some(Value::String(json)) => serde_json::from_str(json).unwrap_or_else(|_| Value::String(json.clone())),
                Some(other) => other.clone(),
                None => Value::Null,
            };
            Some(Content::FlowReply { name: text(reply, "name"), response })
        }
        "call_permission_reply" => Some(Content::CallPermission { response: text(reply, "response")? }),
        _ => None,
    }
}

fn order_line(item: &Value) -> Option<OrderLine> {
    Some(OrderLine {
        product: text(item, "product_retailer_id")?,
        quantity: integer(item, "quantity").unwrap_or(1),
        price: number(item, "item_price"),
        currency: text(item, "currency"),
    })
}

#[cfg(test)]
mod tests {
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
            (
                json!({"type": "reaction", "reaction": {"message_id": "m", "emoji": ""}}),
                "reaction",
                "[Reaction removed]",
            ),
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
                assert_eq!(
                    (cards[0].phones.join(","), cards[0].wa_ids.join(",")),
                    ("+1 2".to_owned(), "12".to_owned())
                );
            }
            other => panic!("{}", other.preview()),
        }
        assert_eq!(of(json!({"type": "image", "image": {"id": "1", "caption": "STOP"}})).words(), Some("STOP"));
        assert_eq!(of(json!({"type": "sticker", "sticker": {"id": "1"}})).words(), None);
    }
}
