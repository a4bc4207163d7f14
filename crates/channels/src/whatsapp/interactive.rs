//! Parts of interactive messages: headers and forms.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::outbound::{MediaSource, OutboundError, check, check_media, check_optional, media};

/// What goes above the text of an interactive message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Header {
    /// Up to 60 characters.
    Text(String),
    /// A picture.
    Image(MediaSource),
    /// A film.
    Video(MediaSource),
    /// A file.
    Document {
        /// The file.
        source: MediaSource,
        /// Its name.
        filename: Option<String>,
    },
}

/// A form by its id or its name.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowReference {
    /// Meta's id.
    Id(String),
    /// The name it was given.
    Name(String),
    /// A form that is not published, by its id: for testers.
    Draft(String),
}

/// What happens when a form is opened.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowAction {
    /// It shows a screen.
    Navigate {
        /// The first screen; the form's own when there is none.
        screen: Option<String>,
        /// What the screen begins with.
        data: Option<Map<String, Value>>,
    },
    /// It asks the form's endpoint for the first screen.
    DataExchange,
}

crate::debug::redacted_debug!(Header, FlowReference, FlowAction);

impl Header {
    pub(super) fn validate(&self) -> Result<(), OutboundError> {
        match self {
            Self::Text(text) => check("header", text, 60),
            Self::Image(source) | Self::Video(source) => check_media(source),
            Self::Document { source, filename } => {
                check_media(source)?;
                check_optional("file name", filename.as_ref(), 240)
            }
        }
    }

    fn to_json(&self) -> Value {
        match self {
            Self::Text(text) => json!({"type": "text", "text": text}),
            Self::Image(source) => json!({"type": "image", "image": media(source, &[])}),
            Self::Video(source) => json!({"type": "video", "video": media(source, &[])}),
            Self::Document { source, filename } => {
                json!({"type": "document", "document": media(source, &[("filename", filename.as_deref())])})
            }
        }
    }
}

impl FlowReference {
    pub(super) fn validate(&self) -> Result<(), OutboundError> {
        match self {
            Self::Id(id) | Self::Draft(id) => check("form's id", id, 128),
            Self::Name(name) => check("form's name", name, 200),
        }
    }

    pub(super) fn parameters(&self, label: &str, token: &str, action: &FlowAction) -> Value {
        let mut parameters = json!({"flow_message_version": "3", "flow_token": token, "flow_cta": label});
        match self {
            Self::Id(id) => parameters["flow_id"] = id.as_str().into(),
            Self::Name(name) => parameters["flow_name"] = name.as_str().into(),
            Self::Draft(id) => {
                parameters["flow_id"] = id.as_str().into();
                parameters["mode"] = "draft".into();
            }
        }
        match action {
            FlowAction::Navigate { screen, data } => {
                parameters["flow_action"] = "navigate".into();
                let mut payload = Map::new();
                payload.extend(screen.as_ref().map(|screen| ("screen".to_owned(), screen.as_str().into())));
                payload.extend(data.as_ref().map(|data| ("data".to_owned(), data.clone().into())));
                if !payload.is_empty() {
                    parameters["flow_action_payload"] = payload.into();
                }
            }
            FlowAction::DataExchange => parameters["flow_action"] = "data_exchange".into(),
        }
        parameters
    }
}

impl FlowAction {
    pub(super) fn validate(&self) -> Result<(), OutboundError> {
        match self {
            Self::Navigate { screen: None, data: Some(_) } => Err(OutboundError::Empty { part: "form's screen" }),
            // WhatsApp refuses an empty object.
            Self::Navigate { data: Some(data), .. } if data.is_empty() => {
                Err(OutboundError::Empty { part: "form's data" })
            }
            Self::Navigate { screen, .. } => check_optional("form's screen", screen.as_ref(), 128),
            Self::DataExchange => Ok(()),
        }
    }
}

pub(super) fn interactive(
    kind: &str,
    header: Option<&Header>,
    body: &str,
    footer: Option<&str>,
    action: &Value,
) -> (&'static str, Value) {
    let mut object = json!({"type": kind, "body": {"text": body}, "action": action});
    if let Some(header) = header {
        object["header"] = header.to_json();
    }
    if let Some(footer) = footer {
        object["footer"] = json!({"text": footer});
    }
    ("interactive", object)
}
