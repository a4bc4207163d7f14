//! What an outbound message says, before any provider's format.

use serde::{Deserialize, Serialize};

use crate::{FormId, MediaId, MessageId, Timestamp};

/// Content of an outbound WhatsApp message. Stored in the transcript and in the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    Text {
        text: String,
    },
    Image {
        media_id: MediaId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caption: Option<String>,
    },
    /// A film.
    Video {
        media_id: MediaId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caption: Option<String>,
    },
    Audio {
        media_id: MediaId,
        /// Shown as a voice message.
        #[serde(default)]
        voice: bool,
    },
    /// A file with its name.
    Document {
        media_id: MediaId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caption: Option<String>,
    },
    Sticker {
        media_id: MediaId,
    },
    /// Up to three reply buttons.
    Buttons {
        text: String,
        buttons: Vec<Choice>,
        /// Above the text, up to 60 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        header: Option<String>,
        /// Below the text, up to 60 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        footer: Option<String>,
    },
    /// Up to ten rows behind one button.
    List {
        text: String,
        button: String,
        sections: Vec<Section>,
        /// Above the text, up to 60 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        header: Option<String>,
        /// Below the text, up to 60 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        footer: Option<String>,
    },
    /// A place.
    Place(Place),
    /// A contact card.
    Card(Card),
    /// A button that opens a page.
    Link {
        text: String,
        label: String,
        url: String,
        /// Above the text, up to 60 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        header: Option<String>,
        /// Below the text, up to 60 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        footer: Option<String>,
    },
    /// A button that opens a form of the business.
    Form(OfferedForm),
    /// Asks for the customer's place.
    RequestPlace {
        text: String,
    },
    /// Asks for the customer's phone number.
    RequestContact {
        text: String,
    },
    /// A reaction to something the customer wrote; an empty emoji takes it back.
    Reaction {
        message_id: MessageId,
        /// The provider's id of that message.
        provider_id: String,
        emoji: String,
    },
    Template {
        name: String,
        language: String,
        /// Values of the body's placeholders in order.
        parameters: Vec<String>,
        /// The body with its values, for people to read.
        text: String,
        /// What stands above the text, when it has to be given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        header: Option<TemplateHeaderValue>,
        /// What buttons need.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        buttons: Vec<TemplateButtonValue>,
        /// What fills the cards, in their order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        cards: Vec<TemplateCardValue>,
        /// Its offer for a time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        offer: Option<TemplateOfferValue>,
    },
}

/// A form that is offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = OfferedForm)]
pub struct OfferedForm {
    pub text: String,
    /// What the button says.
    pub label: String,
    pub form_id: FormId,
    /// The provider's id of the form, as it was when this was written.
    pub provider_id: String,
    /// The form's name, for people to read.
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub footer: Option<String>,
}

/// A place that is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = SentPlace)]
pub struct Place {
    /// Degrees north, as text.
    pub latitude: String,
    /// Degrees east, as text.
    pub longitude: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// A contact card that is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = SentCard)]
pub struct Card {
    pub name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
}

/// What fills the header of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TemplateHeaderValue {
    Text {
        text: String,
    },
    /// The picture, film or document.
    File {
        media_id: MediaId,
    },
    Place {
        /// Degrees north.
        latitude: String,
        /// Degrees east.
        longitude: String,
        name: String,
        address: String,
    },
}

/// What a button of a template needs: the end of its link, or the code it copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TemplateButtonValue {
    /// Position among all buttons, from 0.
    pub index: u8,
    pub text: String,
}

/// What fills a card of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TemplateCardValue {
    /// The picture or film.
    pub media_id: MediaId,
    /// Values of its text in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<TemplateButtonValue>,
    /// Its text with its values, for people to read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// What its buttons say, for people to read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

/// An offer for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TemplateOfferValue {
    /// What is offered, for people to read.
    pub text: String,
    /// The code that its button copies, for people to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// When it ends; nothing leaves after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
}

/// A button or list row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Choice {
    pub id: String,
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A group of list rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Section {
    pub title: String,
    pub rows: Vec<Choice>,
}

impl Content {
    /// What a person reads of it.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Text { text }
            | Self::Buttons { text, .. }
            | Self::List { text, .. }
            | Self::Link { text, .. }
            | Self::RequestPlace { text }
            | Self::RequestContact { text }
            | Self::Template { text, .. } => text,
            Self::Image { caption, .. } | Self::Video { caption, .. } | Self::Document { caption, .. } => {
                caption.as_deref().unwrap_or_default()
            }
            Self::Audio { .. } | Self::Sticker { .. } => "",
            Self::Form(form) => &form.text,
            Self::Place(place) => place.name.as_deref().unwrap_or_default(),
            Self::Card(card) => &card.name,
            Self::Reaction { emoji, .. } => emoji,
        }
    }

    /// The files that are sent with it.
    #[must_use]
    pub fn files(&self) -> Vec<MediaId> {
        match self {
            Self::Image { media_id, .. }
            | Self::Video { media_id, .. }
            | Self::Audio { media_id, .. }
            | Self::Document { media_id, .. }
            | Self::Sticker { media_id } => vec![*media_id],
            Self::Template { header, cards, .. } => {
                let above = match header {
                    Some(TemplateHeaderValue::File { media_id }) => Some(*media_id),
                    _ => None,
                };
                above.into_iter().chain(cards.iter().map(|card| card.media_id)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// When what it offers ends.
    #[must_use]
    pub fn offer_ends_at(&self) -> Option<Timestamp> {
        match self {
            Self::Template { offer, .. } => offer.as_ref().and_then(|offer| offer.ends_at),
            _ => None,
        }
    }

    /// The word of its kind, as in JSON.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Image { .. } => "image",
            Self::Video { .. } => "video",
            Self::Audio { .. } => "audio",
            Self::Document { .. } => "document",
            Self::Sticker { .. } => "sticker",
            Self::Buttons { .. } => "buttons",
            Self::List { .. } => "list",
            Self::Place(_) => "place",
            Self::Card(_) => "card",
            Self::Link { .. } => "link",
            Self::Form(_) => "form",
            Self::RequestPlace { .. } => "request_place",
            Self::RequestContact { .. } => "request_contact",
            Self::Reaction { .. } => "reaction",
            Self::Template { .. } => "template",
        }
    }
}

/// Content of an outbound SMS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SmsContent {
    /// The sender's number or name.
    pub source: String,
    /// Footer and link included; may be empty beside files.
    pub text: String,
    /// Its files in their order: with any it is an MMS.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<MediaId>,
}

impl SmsContent {
    /// A text without files.
    #[must_use]
    pub const fn of_text(source: String, text: String) -> Self {
        Self { source, text, media: Vec::new() }
    }

    /// Whether it is an MMS.
    #[must_use]
    pub fn is_mms(&self) -> bool {
        !self.media.is_empty()
    }
}
