//! A template on its way out: the approved text by name, and the values that fill it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::outbound::{MediaSource, OutboundError, check, check_count, check_media, media, set};

/// A value of a template.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateParameter {
    /// Its name, for templates with named parameters; `None` for positional ones.
    pub name: Option<String>,
    /// The value.
    pub text: String,
}

/// What goes above a template's text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TemplateHeader {
    /// The value of the header's text.
    Text {
        /// The value.
        parameter: TemplateParameter,
    },
    /// A picture.
    Image {
        /// The file.
        source: MediaSource,
    },
    /// A film.
    Video {
        /// The file.
        source: MediaSource,
    },
    /// A file.
    Document {
        /// The file.
        source: MediaSource,
        /// Its name.
        filename: Option<String>,
    },
}

/// What a template's button needs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TemplateButton {
    /// What comes back with the tap on a quick reply.
    QuickReply {
        /// Position among all buttons, from 0.
        index: u8,
        /// Comes back with the tap.
        payload: String,
    },
    /// The variable end of a link.
    Url {
        /// Position among all buttons, from 0.
        index: u8,
        /// The end of the address.
        text: String,
    },
    /// The code a button copies.
    CopyCode {
        /// Position among all buttons, from 0.
        index: u8,
        /// The code.
        code: String,
    },
}

/// A template with its values.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateMessage {
    /// Name.
    pub name: String,
    /// Language code as approved, `en_US`.
    pub language: String,
    /// What goes above.
    #[serde(default)]
    pub header: Option<TemplateHeader>,
    /// The text's values in order.
    #[serde(default)]
    pub body: Vec<TemplateParameter>,
    /// What the buttons need.
    #[serde(default)]
    pub buttons: Vec<TemplateButton>,
}

crate::debug::redacted_debug!(TemplateParameter, TemplateHeader, TemplateButton, TemplateMessage);

impl TemplateParameter {
    fn to_json(&self) -> Value {
        let mut object = json!({"type": "text", "text": self.text});
        set(&mut object, "parameter_name", self.name.as_deref());
        object
    }
}

impl TemplateMessage {
    pub(super) fn validate(&self) -> Result<(), OutboundError> {
        check("template's name", &self.name, 512)?;
        check("template's language", &self.language, 20)?;
        match &self.header {
            Some(TemplateHeader::Text { parameter }) => check("header's value", &parameter.text, 60)?,
            Some(
                TemplateHeader::Image { source }
                | TemplateHeader::Video { source }
                | TemplateHeader::Document { source, .. },
            ) => check_media(source)?,
            None => {}
        }
        for parameter in &self.body {
            check("template's value", &parameter.text, 1024)?;
        }
        check_count("template buttons", self.buttons.len(), 0, 10)
    }

    pub(super) fn to_json(&self) -> Value {
        let mut components: Vec<Value> = Vec::new();
        if let Some(header) = &self.header {
            components.push(json!({"type": "header", "parameters": [header.to_json()]}));
        }
        if !self.body.is_empty() {
            let parameters: Vec<Value> = self.body.iter().map(TemplateParameter::to_json).collect();
            components.push(json!({"type": "body", "parameters": parameters}));
        }
        components.extend(self.buttons.iter().map(TemplateButton::to_json));
        let mut object = Map::new();
        object.insert("name".to_owned(), self.name.as_str().into());
        object.insert("language".to_owned(), json!({"code": self.language}));
        if !components.is_empty() {
            object.insert("components".to_owned(), components.into());
        }
        object.into()
    }
}

impl TemplateHeader {
    fn to_json(&self) -> Value {
        match self {
            Self::Text { parameter } => parameter.to_json(),
            Self::Image { source } => json!({"type": "image", "image": media(source, &[])}),
            Self::Video { source } => json!({"type": "video", "video": media(source, &[])}),
            Self::Document { source, filename } => {
                json!({"type": "document", "document": media(source, &[("filename", filename.as_deref())])})
            }
        }
    }
}

impl TemplateButton {
    fn to_json(&self) -> Value {
        let (kind, index, parameter) = match self {
            Self::QuickReply { index, payload } => {
                ("quick_reply", index, json!({"type": "payload", "payload": payload}))
            }
            Self::Url { index, text } => ("url", index, json!({"type": "text", "text": text})),
            Self::CopyCode { index, code } => ("copy_code", index, json!({"type": "coupon_code", "coupon_code": code})),
        };
        json!({"type": "button", "sub_type": kind, "index": index.to_string(), "parameters": [parameter]})
    }
}
