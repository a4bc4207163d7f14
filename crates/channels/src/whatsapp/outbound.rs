//! What we send: typed messages, their limits and their JSON.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    contact_card::ContactCard,
    interactive::{FlowAction, FlowReference, Header, interactive},
    recipient::Recipient,
    send::SendMeta,
    template_message::TemplateMessage,
};

/// Most contact cards of one message.
const MOST_CARDS: usize = 257;

/// Where media comes from.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaSource {
    /// An uploaded file.
    Id(String),
    /// A public HTTPS address WhatsApp fetches.
    Link(String),
}

/// Whether WhatsApp shows a preview of the first link of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkPreview {
    /// Show one.
    Show,
    /// Show none.
    #[default]
    Hide,
}

/// A button that answers with our id.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyButton {
    /// Comes back with the tap.
    pub id: String,
    /// What it says.
    pub title: String,
}

/// A group of rows in a list.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListSection {
    /// Heading; needed when there are several sections.
    pub title: Option<String>,
    /// The choices.
    pub rows: Vec<ListRow>,
}

/// A choice of a list.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListRow {
    /// Comes back with the choice.
    pub id: String,
    /// First line.
    pub title: String,
    /// Second line.
    pub description: Option<String>,
}

/// An outbound message. Serialisable: it waits in the outbox as it is.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Outbound {
    /// Written text.
    Text {
        /// Up to 4096 characters.
        body: String,
        /// Preview of the first link.
        #[serde(default)]
        preview: LinkPreview,
    },
    /// A picture: JPEG or PNG.
    Image {
        /// The file.
        source: MediaSource,
        /// Up to 1024 characters.
        caption: Option<String>,
    },
    /// A film.
    Video {
        /// The file.
        source: MediaSource,
        /// Up to 1024 characters.
        caption: Option<String>,
    },
    /// Sound.
    Audio {
        /// The file.
        source: MediaSource,
        /// Shown as a voice message; OGG with the Opus codec only.
        #[serde(default)]
        voice: bool,
    },
    /// Any file.
    Document {
        /// The file.
        source: MediaSource,
        /// Up to 1024 characters.
        caption: Option<String>,
        /// The name the customer sees.
        filename: Option<String>,
    },
    /// A sticker.
    Sticker {
        /// The file.
        source: MediaSource,
    },
    /// Up to three buttons.
    Buttons {
        /// Up to 60 characters, or a file.
        header: Option<Header>,
        /// Up to 1024 characters.
        body: String,
        /// Up to 60 characters.
        footer: Option<String>,
        /// The buttons.
        buttons: Vec<ReplyButton>,
    },
    /// A list of up to ten choices.
    List {
        /// Up to 60 characters.
        header: Option<String>,
        /// Up to 4096 characters.
        body: String,
        /// Up to 60 characters.
        footer: Option<String>,
        /// What opens the list; up to 20 characters.
        button: String,
        /// The choices.
        sections: Vec<ListSection>,
    },
    /// A button that opens a link.
    Link {
        /// Up to 60 characters, or a file.
        #[serde(default)]
        header: Option<Header>,
        /// Up to 1024 characters.
        body: String,
        /// Up to 60 characters.
        #[serde(default)]
        footer: Option<String>,
        /// What the button says; up to 20 characters.
        label: String,
        /// Where it leads.
        url: String,
    },
    /// A button that opens a form.
    Flow {
        /// Up to 60 characters, or a file.
        #[serde(default)]
        header: Option<Header>,
        /// Up to 1024 characters.
        body: String,
        /// Up to 60 characters.
        #[serde(default)]
        footer: Option<String>,
        /// Which form.
        flow: FlowReference,
        /// What the button says; up to 20 characters.
        label: String,
        /// Comes back with the answers, up to 512 characters: it tells which form of which customer they belong to.
        token: String,
        /// What happens when it is opened.
        action: FlowAction,
    },
    /// Contact cards.
    Contacts {
        /// Up to 257.
        cards: Vec<ContactCard>,
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
    /// Asks for the customer's place.
    RequestLocation {
        /// Up to 1024 characters.
        body: String,
    },
    /// Asks for the customer's phone number.
    RequestContact {
        /// Up to 1024 characters.
        body: String,
    },
    /// A reaction; an empty emoji takes it back.
    Reaction {
        /// The message reacted to.
        message_id: String,
        /// The emoji.
        emoji: String,
    },
    /// An approved template: the only thing that may go out when the window is closed.
    Template(TemplateMessage),
}

crate::debug::redacted_debug!(MediaSource, ReplyButton, ListSection, ListRow, Outbound);

/// A limit of WhatsApp the message breaks. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// A text is missing.
    #[error("The {part} is empty; write something.")]
    Empty {
        /// Which text.
        part: &'static str,
    },
    /// A text is too long.
    #[error("The {part} has {length} characters; WhatsApp allows {most}. Shorten it.")]
    TooLong {
        /// Which text.
        part: &'static str,
        /// Characters it has.
        length: usize,
        /// Characters it may have.
        most: usize,
    },
    /// Too few or too many of something.
    #[error("There are {count} {part}; WhatsApp wants {least} to {most}.")]
    Count {
        /// Of what.
        part: &'static str,
        /// How many there are.
        count: usize,
        /// How many there must be.
        least: usize,
        /// How many there may be.
        most: usize,
    },
    /// Two choices cannot be told apart.
    #[error("Two {part} are the same; each needs its own.")]
    Twice {
        /// Which of their texts.
        part: &'static str,
    },
    /// A link WhatsApp cannot fetch or open.
    #[error("The {part} must be a full address that starts with https:// or http://.")]
    Link {
        /// Which link.
        part: &'static str,
    },
    /// A place that is none.
    #[error("The place's latitude must be from -90 to 90 and its longitude from -180 to 180.")]
    Place,
    /// Text where an emoji must be.
    #[error("A reaction is one emoji, or nothing to take it back.")]
    Emoji,
    /// A number that must be whole and positive is not.
    #[error("The {part} is not valid.")]
    Value {
        /// Which value.
        part: &'static str,
    },
}

pub(super) fn check(part: &'static str, text: &str, most: usize) -> Result<(), OutboundError> {
    let length = text.chars().count();
    if text.trim().is_empty() {
        Err(OutboundError::Empty { part })
    } else if length > most {
        Err(OutboundError::TooLong { part, length, most })
    } else {
        Ok(())
    }
}

pub(super) fn check_optional(part: &'static str, text: Option<&String>, most: usize) -> Result<(), OutboundError> {
    text.map_or(Ok(()), |text| check(part, text, most))
}

pub(super) fn check_count(part: &'static str, count: usize, least: usize, most: usize) -> Result<(), OutboundError> {
    if (least..=most).contains(&count) { Ok(()) } else { Err(OutboundError::Count { part, count, least, most }) }
}

fn check_unique<'t>(part: &'static str, texts: impl Iterator<Item = &'t str>) -> Result<(), OutboundError> {
    let mut seen = std::collections::BTreeSet::new();
    for text in texts {
        if !seen.insert(text) {
            return Err(OutboundError::Twice { part });
        }
    }
    Ok(())
}

pub(super) fn check_link(part: &'static str, url: &str) -> Result<(), OutboundError> {
    let is_full = ["https://", "http://"].iter().any(|scheme| url.len() > scheme.len() && url.starts_with(scheme));
    if is_full { Ok(()) } else { Err(OutboundError::Link { part }) }
}

pub(super) fn check_media(source: &MediaSource) -> Result<(), OutboundError> {
    match source {
        MediaSource::Id(id) => check("media id", id, 512),
        MediaSource::Link(link) => check_link("media link", link),
    }
}

impl Outbound {
    /// Checks WhatsApp's limits, so that a message that cannot go out is told at once and in plain words.
    ///
    /// # Errors
    /// The first limit it breaks.
    pub fn validate(&self) -> Result<(), OutboundError> {
        match self {
            Self::Text { body, .. } => check("text", body, 4096),
            Self::Image { source, caption } | Self::Video { source, caption } => {
                check_media(source)?;
                check_optional("caption", caption.as_ref(), 1024)
            }
            Self::Document { source, caption, filename } => {
                check_media(source)?;
                check_optional("caption", caption.as_ref(), 1024)?;
                check_optional("file name", filename.as_ref(), 240)
            }
            Self::Audio { source, .. } | Self::Sticker { source } => check_media(source),
            Self::Buttons { header, body, footer, buttons } => {
                header.as_ref().map_or(Ok(()), Header::validate)?;
                check("text", body, 1024)?;
                check_optional("footer", footer.as_ref(), 60)?;
                check_count("buttons", buttons.len(), 1, 3)?;
                for button in buttons {
                    check("button's id", &button.id, 256)?;
                    check("button", &button.title, 20)?;
                }
                check_unique("button ids", buttons.iter().map(|button| button.id.as_str()))?;
                check_unique("button titles", buttons.iter().map(|button| button.title.as_str()))
            }
            Self::List { header, body, footer, button, sections } => {
                check_optional("header", header.as_ref(), 60)?;
                check("text", body, 4096)?;
                check_optional("footer", footer.as_ref(), 60)?;
                check("list's button", button, 20)?;
                check_count("sections", sections.len(), 1, 10)?;
                check_count("rows", sections.iter().map(|section| section.rows.len()).sum(), 1, 10)?;
                for section in sections {
                    match &section.title {
                        Some(title) => check("section title", title, 24)?,
                        None if sections.len() > 1 => return Err(OutboundError::Empty { part: "section title" }),
                        None => {}
                    }
                    check_count("rows in a section", section.rows.len(), 1, 10)?;
                    for row in &section.rows {
                        check("row's id", &row.id, 200)?;
                        check("row title", &row.title, 24)?;
                        check_optional("row description", row.description.as_ref(), 72)?;
                    }
                }
                check_unique("row ids", sections.iter().flat_map(|s| &s.rows).map(|row| row.id.as_str()))
            }
            Self::Flow { header, body, footer, flow, label, token, action } => {
                header.as_ref().map_or(Ok(()), Header::validate)?;
                check("text", body, 1024)?;
                check_optional("footer", footer.as_ref(), 60)?;
                flow.validate()?;
                check("form's button", label, 20)?;
                check("form's token", token, 512)?;
                action.validate()
            }
            Self::Contacts { cards } => {
                check_count("contact cards", cards.len(), 1, MOST_CARDS)?;
                cards.iter().try_for_each(ContactCard::validate)
            }
            Self::Link { header, body, footer, label, url } => {
                header.as_ref().map_or(Ok(()), Header::validate)?;
                check("text", body, 1024)?;
                check_optional("footer", footer.as_ref(), 60)?;
                check("button", label, 20)?;
                check_link("button's link", url)
            }
            Self::Location { latitude, longitude, .. } => {
                let is_place = (-90.0..=90.0).contains(latitude) && (-180.0..=180.0).contains(longitude);
                if is_place { Ok(()) } else { Err(OutboundError::Place) }
            }
            Self::RequestLocation { body } | Self::RequestContact { body } => check("text", body, 1024),
            Self::Reaction { message_id, emoji } => {
                check("message reacted to", message_id, 256)?;
                // Families and flags are several characters; letters and blanks are never part of one.
                let is_emoji = emoji.chars().count() <= 16
                    && !emoji.chars().any(|c| c.is_ascii_alphabetic() || c.is_whitespace())
                    && (emoji.is_empty() || !emoji.is_ascii());
                if is_emoji { Ok(()) } else { Err(OutboundError::Emoji) }
            }
            Self::Template(template) => template.validate(),
        }
    }

    /// The request's body.
    #[must_use]
    pub fn to_json(&self, recipient: &Recipient, meta: &SendMeta) -> Value {
        let (kind, content) = self.typed();
        let (recipient_field, recipient) = recipient.field();
        let mut request = json!({"messaging_product": "whatsapp", "recipient_type": "individual", "type": kind});
        request[recipient_field] = recipient.into();
        request[kind] = content;
        // A reaction names its message itself; a context beside it is refused.
        if let (Some(id), false) = (&meta.reply_to, matches!(self, Self::Reaction { .. })) {
            request["context"] = json!({"message_id": id});
        }
        if let Some(data) = &meta.callback_data {
            request["biz_opaque_callback_data"] = data.as_str().into();
        }
        request
    }

    fn typed(&self) -> (&'static str, Value) {
        match self {
            Self::Text { body, preview } => {
                ("text", json!({"body": body, "preview_url": *preview == LinkPreview::Show}))
            }
            Self::Image { source, caption } => ("image", media(source, &[("caption", caption.as_deref())])),
            Self::Video { source, caption } => ("video", media(source, &[("caption", caption.as_deref())])),
            Self::Audio { source, voice } => {
                let mut object = media(source, &[]);
                if *voice {
                    object["voice"] = true.into();
                }
                ("audio", object)
            }
            Self::Sticker { source } => ("sticker", media(source, &[])),
            Self::Document { source, caption, filename } => {
                ("document", media(source, &[("caption", caption.as_deref()), ("filename", filename.as_deref())]))
            }
            Self::Buttons { header, body, footer, buttons } => {
                let buttons: Vec<Value> = buttons
                    .iter()
                    .map(|button| json!({"type": "reply", "reply": {"id": button.id, "title": button.title}}))
                    .collect();
                interactive("button", header.as_ref(), body, footer.as_deref(), &json!({"buttons": buttons}))
            }
            Self::List { header, body, footer, button, sections } => {
                let sections: Vec<Value> = sections.iter().map(ListSection::to_json).collect();
                let action = json!({"button": button, "sections": sections});
                let header = header.clone().map(Header::Text);
                interactive("list", header.as_ref(), body, footer.as_deref(), &action)
            }
            Self::Link { header, body, footer, label, url } => {
                let action = json!({"name": "cta_url", "parameters": {"display_text": label, "url": url}});
                interactive("cta_url", header.as_ref(), body, footer.as_deref(), &action)
            }
            Self::Flow { header, body, footer, flow, label, token, action } => {
                let action = json!({"name": "flow", "parameters": flow.parameters(label, token, action)});
                interactive("flow", header.as_ref(), body, footer.as_deref(), &action)
            }
            Self::Contacts { cards } => ("contacts", cards.iter().map(ContactCard::to_json).collect()),
            Self::RequestLocation { body } => {
                interactive("location_request_message", None, body, None, &json!({"name": "send_location"}))
            }
            Self::RequestContact { body } => {
                interactive("request_contact_info", None, body, None, &json!({"name": "request_contact_info"}))
            }
            Self::Location { latitude, longitude, name, address } => {
                let mut location = json!({"latitude": latitude, "longitude": longitude});
                set(&mut location, "name", name.as_deref());
                set(&mut location, "address", address.as_deref());
                ("location", location)
            }
            Self::Reaction { message_id, emoji } => ("reaction", json!({"message_id": message_id, "emoji": emoji})),
            Self::Template(template) => ("template", template.to_json()),
        }
    }
}

pub(super) fn set(object: &mut Value, name: &str, text: Option<&str>) {
    if let Some(text) = text {
        object[name] = text.into();
    }
}

pub(super) fn media(source: &MediaSource, texts: &[(&str, Option<&str>)]) -> Value {
    let mut object = match source {
        MediaSource::Id(id) => json!({"id": id}),
        MediaSource::Link(link) => json!({"link": link}),
    };
    for (name, text) in texts {
        set(&mut object, name, *text);
    }
    object
}

impl ListSection {
    fn to_json(&self) -> Value {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                let mut object = json!({"id": row.id, "title": row.title});
                set(&mut object, "description", row.description.as_deref());
                object
            })
            .collect();
        let mut object = json!({"rows": rows});
        set(&mut object, "title", self.title.as_deref());
        object
    }
}
