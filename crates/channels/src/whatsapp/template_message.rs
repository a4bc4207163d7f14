//! A template on its way out: the approved text by name, and the values that fill it.

use segue_model::Timestamp;
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
    /// A price or time that WhatsApp writes in the customer's own way; `text` is shown where it cannot.
    #[serde(default)]
    pub local: Option<LocalValue>,
}

/// A value that each phone writes in its own way.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LocalValue {
    /// An amount of money.
    Currency {
        /// ISO code, `EUR`.
        code: String,
        /// In thousandths.
        amount_1000: i64,
    },
    /// A date and time; WhatsApp shows the text.
    DateTime,
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
    /// A place.
    Location {
        /// Degrees north, as text: templates are compared.
        latitude: String,
        /// Degrees east.
        longitude: String,
        /// Name of the place.
        name: String,
        /// Its address.
        address: String,
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
        /// The code, up to 15 characters.
        code: String,
    },
    /// What a form needs.
    Flow {
        /// Position among all buttons, from 0.
        index: u8,
        /// Comes back with the answers.
        token: String,
    },
}

/// A card of a carousel.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateCard {
    /// Its picture or film.
    pub header: TemplateHeader,
    /// Its text's values in order.
    #[serde(default)]
    pub body: Vec<TemplateParameter>,
    /// What its buttons need.
    #[serde(default)]
    pub buttons: Vec<TemplateButton>,
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
    /// The cards of a carousel, in their order.
    #[serde(default)]
    pub cards: Vec<TemplateCard>,
    /// When a limited-time offer ends.
    #[serde(default)]
    pub offer_ends_at: Option<Timestamp>,
}

crate::debug::redacted_debug!(
    TemplateParameter,
    LocalValue,
    TemplateHeader,
    TemplateButton,
    TemplateCard,
    TemplateMessage
);

impl TemplateParameter {
    /// A text for the next place, or for the place of this name.
    #[must_use]
    pub const fn text(name: Option<String>, text: String) -> Self {
        Self { name, text, local: None }
    }

    fn to_json(&self) -> Value {
        let mut object = match &self.local {
            None => json!({"type": "text", "text": self.text}),
            Some(LocalValue::Currency { code, amount_1000 }) => json!({"type": "currency",
                "currency": {"fallback_value": self.text, "code": code, "amount_1000": amount_1000}}),
            Some(LocalValue::DateTime) => json!({"type": "date_time", "date_time": {"fallback_value": self.text}}),
        };
        set(&mut object, "parameter_name", self.name.as_deref());
        object
    }
}

impl TemplateMessage {
    /// A template without values.
    #[must_use]
    pub const fn new(name: String, language: String) -> Self {
        Self {
            name,
            language,
            header: None,
            body: Vec::new(),
            buttons: Vec::new(),
            cards: Vec::new(),
            offer_ends_at: None,
        }
    }

    pub(super) fn validate(&self) -> Result<(), OutboundError> {
        check("template's name", &self.name, 512)?;
        let is_name = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
        if !self.name.chars().all(is_name) {
            return Err(OutboundError::Value { part: "template's name" });
        }
        check("template's language", &self.language, 20)?;
        validate_parts(self.header.as_ref(), &self.body, &self.buttons)?;
        if !self.cards.is_empty() {
            check_count("cards", self.cards.len(), 2, 10)?;
        }
        for card in &self.cards {
            if matches!(card.header, TemplateHeader::Text { .. } | TemplateHeader::Location { .. }) {
                return Err(OutboundError::Value { part: "card's header" });
            }
            validate_parts(Some(&card.header), &card.body, &card.buttons)?;
            check_count("buttons of a card", card.buttons.len(), 0, 2)?;
        }
        Ok(())
    }

    pub(super) fn to_json(&self) -> Value {
        let mut components = components(self.header.as_ref(), &self.body, &self.buttons);
        if let Some(at) = self.offer_ends_at {
            let offer = json!({"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": at.0}});
            components.insert(0, json!({"type": "limited_time_offer", "parameters": [offer]}));
        }
        if !self.cards.is_empty() {
            let card =
                |(index, card): (usize, &TemplateCard)| json!({"card_index": index, "components": components_of(card)});
            let cards: Vec<Value> = self.cards.iter().enumerate().map(card).collect();
            components.push(json!({"type": "carousel", "cards": cards}));
        }
        let mut object = Map::new();
        object.insert("name".to_owned(), self.name.as_str().into());
        object.insert("language".to_owned(), json!({"code": self.language}));
        if !components.is_empty() {
            object.insert("components".to_owned(), components.into());
        }
        object.into()
    }
}

fn validate_parts(
    header: Option<&TemplateHeader>,
    body: &[TemplateParameter],
    buttons: &[TemplateButton],
) -> Result<(), OutboundError> {
    header.map_or(Ok(()), TemplateHeader::validate)?;
    body.iter().try_for_each(|parameter| check("template's value", &parameter.text, 1024))?;
    check_count("template buttons", buttons.len(), 0, 10)?;
    buttons.iter().try_for_each(TemplateButton::validate)
}

fn components_of(card: &TemplateCard) -> Vec<Value> {
    components(Some(&card.header), &card.body, &card.buttons)
}

fn components(header: Option<&TemplateHeader>, body: &[TemplateParameter], buttons: &[TemplateButton]) -> Vec<Value> {
    let mut components: Vec<Value> = Vec::new();
    if let Some(header) = header {
        components.push(json!({"type": "header", "parameters": [header.to_json()]}));
    }
    if !body.is_empty() {
        let parameters: Vec<Value> = body.iter().map(TemplateParameter::to_json).collect();
        components.push(json!({"type": "body", "parameters": parameters}));
    }
    components.extend(buttons.iter().map(TemplateButton::to_json));
    components
}

impl TemplateHeader {
    fn validate(&self) -> Result<(), OutboundError> {
        match self {
            Self::Text { parameter } => check("header's value", &parameter.text, 60),
            Self::Image { source } | Self::Video { source } | Self::Document { source, .. } => check_media(source),
            Self::Location { latitude, longitude, name, address } => {
                let within = |text: &str, most: f64| text.parse::<f64>().is_ok_and(|degrees| degrees.abs() <= most);
                if !within(latitude, 90.0) || !within(longitude, 180.0) {
                    return Err(OutboundError::Place);
                }
                check("place's name", name, 1_000)?;
                check("place's address", address, 1_000)
            }
        }
    }

    fn to_json(&self) -> Value {
        match self {
            Self::Text { parameter } => parameter.to_json(),
            Self::Image { source } => json!({"type": "image", "image": media(source, &[])}),
            Self::Video { source } => json!({"type": "video", "video": media(source, &[])}),
            Self::Document { source, filename } => {
                json!({"type": "document", "document": media(source, &[("filename", filename.as_deref())])})
            }
            Self::Location { latitude, longitude, name, address } => json!({"type": "location", "location":
                {"latitude": latitude, "longitude": longitude, "name": name, "address": address}}),
        }
    }
}

impl TemplateButton {
    fn validate(&self) -> Result<(), OutboundError> {
        match self {
            Self::QuickReply { payload, .. } => check("button's payload", payload, 256),
            Self::Url { text, .. } => check("link's end", text, 2_000),
            Self::CopyCode { code, .. } => check("code to copy", code, 15),
            Self::Flow { token, .. } => check("form's token", token, 512),
        }
    }

    fn to_json(&self) -> Value {
        let (kind, index, parameter) = match self {
            Self::QuickReply { index, payload } => {
                ("quick_reply", index, json!({"type": "payload", "payload": payload}))
            }
            Self::Url { index, text } => ("url", index, json!({"type": "text", "text": text})),
            Self::CopyCode { index, code } => ("copy_code", index, json!({"type": "coupon_code", "coupon_code": code})),
            Self::Flow { index, token } => ("flow", index, json!({"type": "action", "action": {"flow_token": token}})),
        };
        json!({"type": "button", "sub_type": kind, "index": index.to_string(), "parameters": [parameter]})
    }
}
