//! What a customer sent: the typed view of an inbound message.

use segue_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    lenient::{field, integer, list, number, raw_text, text, timestamp, truth},
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
    /// E-mail addresses.
    #[serde(default)]
    pub emails: Vec<String>,
    /// The company, and the position in it.
    #[serde(default)]
    pub organisation: Option<String>,
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
        /// A page about it.
        #[serde(default)]
        url: Option<String>,
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
        /// Until when it may be called; none when for good or refused.
        #[serde(default)]
        expires_at: Option<Timestamp>,
        /// Whether it holds until taken back.
        #[serde(default)]
        permanent: bool,
        /// Whether WhatsApp gave it by itself, and the customer said nothing.
        #[serde(default)]
        automatic: bool,
    },
    /// The customer called. Nobody here answers calls.
    Call {
        /// `connect` or `terminate`.
        event: Option<String>,
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
        /// The new user id in an enrolled parent portfolio.
        #[serde(default)]
        parent_bsuid: Option<String>,
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
        /// What it was, where Meta says so.
        #[serde(default)]
        name: Option<String>,
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
                parent_bsuid: text(body, "parent_user_id"),
            }),
            "call" => Some(Self::Call { event: text(body, "event") }),
            "edit" => text(body, "original_message_id").map(|original_message_id| Self::Edit {
                original_message_id,
                content: Box::new(field(body, "message").map_or_else(|| Self::other("edit"), Self::of_edited)),
            }),
            "revoke" => {
                text(body, "original_message_id").map(|original_message_id| Self::Revoke { original_message_id })
            }
            "request_welcome" => Some(Self::RequestWelcome),
            "unsupported" | "unknown" => Some(Self::Unsupported { errors: errors(), name: text(body, "type") }),
            _ => None,
        };
        read.unwrap_or_else(|| {
            let errors = errors();
            if errors.is_empty() { Self::other(&kind) } else { Self::Unsupported { errors, name: None } }
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
            Self::Call { .. } => with("Call", None),
            Self::CallPermission { response, .. } => with("Call permission", Some(response)),
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
            Self::Unsupported { errors, .. } if errors.iter().any(|error| error.code == Some(131_052)) => {
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
        url: text(body, "url"),
    })
}

fn card(card: &Value) -> SharedContact {
    let name = field(card, "name").and_then(|name| text(name, "formatted_name").or_else(|| text(name, "first_name")));
    let phones = list(card, "phones");
    SharedContact {
        name,
        phones: phones.iter().filter_map(|phone| text(phone, "phone")).collect(),
        wa_ids: phones.iter().filter_map(|phone| text(phone, "wa_id")).collect(),
        emails: list(card, "emails").iter().filter_map(|email| text(email, "email")).collect(),
        organisation: field(card, "org").and_then(|org| {
            let named: Vec<String> = ["title", "company"].iter().filter_map(|part| text(org, part)).collect();
            (!named.is_empty()).then(|| named.join(", "))
        }),
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
        "call_permission_reply" => Some(Content::CallPermission {
            response: text(reply, "response")?,
            expires_at: timestamp(reply, "expiration_timestamp"),
            permanent: truth(reply, "is_permanent").unwrap_or(false),
            automatic: text(reply, "response_source").as_deref() == Some("automatic"),
        }),
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
#[path = "content_tests.rs"]
mod tests;
