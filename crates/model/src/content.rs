//! What an outbound message says, before any provider's format.

use serde::{Deserialize, Serialize};

use crate::MediaId;

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
    /// Up to three reply buttons.
    Buttons {
        text: String,
        buttons: Vec<Choice>,
    },
    /// Up to ten rows behind one button.
    List {
        text: String,
        button: String,
        sections: Vec<Section>,
    },
    Template {
        name: String,
        language: String,
        /// Values of the body's placeholders in order.
        parameters: Vec<String>,
        /// Variable ends of the addresses of its buttons.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        buttons: Vec<UrlEnd>,
        /// The body with its values, for people to read.
        text: String,
    },
}

/// The variable end of the address of a template's button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UrlEnd {
    /// Position among all buttons, from 0.
    pub index: u8,
    pub text: String,
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
            | Self::Template { text, .. } => text,
            Self::Image { caption, .. } => caption.as_deref().unwrap_or_default(),
        }
    }

    /// The word of its kind, as in JSON.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Image { .. } => "image",
            Self::Buttons { .. } => "buttons",
            Self::List { .. } => "list",
            Self::Template { .. } => "template",
        }
    }
}

/// Content of an outbound SMS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SmsContent {
    /// The sender's number or name.
    pub source: String,
    /// Footer and link included.
    pub text: String,
}
