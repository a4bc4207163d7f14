//! Parts of a template to WhatsApp's components and back.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    MediaId,
    template::{
        CodeApp, CodeMode, CodeText, ParameterFormat, TemplateButton, TemplateCard, TemplateCategory, TemplateHeader,
        TemplateOffer, TemplateParts, placeholders,
    },
};

/// What the upload of each example gave.
pub type ExampleHandles = BTreeMap<MediaId, String>;

impl TemplateParts {
    /// The buttons of components, whatever else they have; in their order.
    #[must_use]
    pub fn buttons_of(components: &Value, category: TemplateCategory) -> Vec<TemplateButton> {
        let blocks = components.as_array().into_iter().flatten().filter(|block| word(block, "type") == "BUTTONS");
        let buttons = blocks.filter_map(|block| block.get("buttons")?.as_array()).flatten();
        buttons.map(|button| button_of(button, category)).collect()
    }

    /// The components as they are submitted, with what the uploads of the examples gave.
    #[must_use]
    pub fn components(&self, handles: &ExampleHandles) -> Vec<Value> {
        if self.category == TemplateCategory::Authentication {
            return self.code_components();
        }
        let mut components: Vec<Value> = Vec::new();
        components.extend(self.header.as_ref().map(|header| self.header_component(header, handles)));
        components.extend(self.offer.as_ref().map(TemplateOffer::component));
        components.push(self.body_component(&self.body, &self.samples));
        components.extend(self.footer.as_ref().map(|footer| json!({"type": "FOOTER", "text": footer})));
        if !self.buttons.is_empty() {
            let buttons: Vec<Value> = self.buttons.iter().map(TemplateButton::component).collect();
            components.push(json!({"type": "BUTTONS", "buttons": buttons}));
        }
        if !self.cards.is_empty() {
            let cards: Vec<Value> = self.cards.iter().map(|card| self.card_component(card, handles)).collect();
            components.push(json!({"type": "CAROUSEL", "cards": cards}));
        }
        components
    }

    fn card_component(&self, card: &TemplateCard, handles: &ExampleHandles) -> Value {
        let mut components = vec![self.header_component(&card.header, handles)];
        if !card.body.is_empty() {
            components.push(self.body_component(&card.body, &card.samples));
        }
        if !card.buttons.is_empty() {
            let buttons: Vec<Value> = card.buttons.iter().map(TemplateButton::component).collect();
            components.push(json!({"type": "BUTTONS", "buttons": buttons}));
        }
        json!({"components": components})
    }

    fn code_components(&self) -> Vec<Value> {
        let code = self.code.unwrap_or(CodeText { security_advice: false, expires_in_minutes: None });
        let mut components = vec![json!({"type": "BODY", "add_security_recommendation": code.security_advice})];
        components.extend(
            code.expires_in_minutes.map(|minutes| json!({"type": "FOOTER", "code_expiration_minutes": minutes})),
        );
        let buttons: Vec<Value> = self.buttons.iter().map(TemplateButton::component).collect();
        components.push(json!({"type": "BUTTONS", "buttons": buttons}));
        components
    }

    fn header_component(&self, header: &TemplateHeader, handles: &ExampleHandles) -> Value {
        let mut component = json!({"type": "HEADER", "format": header.format().to_ascii_uppercase()});
        if let TemplateHeader::Text { text, sample } = header {
            component["text"] = json!(text);
            if let (Some(name), Some(sample)) = (placeholders(text).first(), sample) {
                component["example"] = match self.parameter_format {
                    ParameterFormat::Positional => json!({"header_text": [sample]}),
                    ParameterFormat::Named => {
                        json!({"header_text_named_params": [{"param_name": name, "example": sample}]})
                    }
                };
            }
        } else if let Some(handle) = header.media_id().and_then(|media_id| handles.get(&media_id)) {
            component["example"] = json!({"header_handle": [handle]});
        }
        component
    }

    fn body_component(&self, body: &str, samples: &[String]) -> Value {
        let mut component = json!({"type": "BODY", "text": body});
        let names = placeholders(body);
        if !names.is_empty() {
            component["example"] = match self.parameter_format {
                ParameterFormat::Positional => json!({"body_text": [samples]}),
                ParameterFormat::Named => {
                    let pairs = names.iter().zip(samples);
                    let samples: Vec<Value> =
                        pairs.map(|(name, sample)| json!({"param_name": name, "example": sample})).collect();
                    json!({"body_text_named_params": samples})
                }
            };
        }
        component
    }

    /// Reads what WhatsApp lists. `None` when it has parts that cannot be written here, such as a carousel of products.
    #[must_use]
    pub fn of(name: &str, language: &str, category: &str, named: bool, components: &Value) -> Option<Self> {
        let category = TemplateCategory::parse(&category.to_ascii_lowercase()).ok()?;
        let parameter_format = if named { ParameterFormat::Named } else { ParameterFormat::Positional };
        let mut parts = Self {
            name: name.to_owned(),
            language: language.to_owned(),
            category,
            parameter_format,
            header: None,
            body: String::new(),
            samples: Vec::new(),
            footer: None,
            buttons: Vec::new(),
            code: None,
            cards: Vec::new(),
            offer: None,
        };
        let mut code = CodeText { security_advice: false, expires_in_minutes: None };
        for component in components.as_array()? {
            match word(component, "type").as_str() {
                "HEADER" => parts.header = Some(header_of(component)?),
                "BODY" => {
                    parts.body = text(component, "text").unwrap_or_default();
                    parts.samples = samples_of(component, &placeholders(&parts.body));
                    code.security_advice =
                        component.get("add_security_recommendation").and_then(Value::as_bool).unwrap_or_default();
                }
                "FOOTER" => {
                    parts.footer = text(component, "text");
                    code.expires_in_minutes = component
                        .get("code_expiration_minutes")
                        .and_then(Value::as_u64)
                        .and_then(|minutes| u16::try_from(minutes).ok());
                }
                "BUTTONS" => {
                    let buttons = component.get("buttons").and_then(Value::as_array)?;
                    parts.buttons = buttons.iter().map(|button| button_of(button, category)).collect();
                }
                "CAROUSEL" => {
                    let cards = component.get("cards").and_then(Value::as_array)?;
                    parts.cards = cards.iter().map(|card| card_of(card, category)).collect::<Option<Vec<_>>>()?;
                    if parts.cards.is_empty() {
                        return None;
                    }
                }
                "LIMITED_TIME_OFFER" => {
                    let offer = component.get("limited_time_offer")?;
                    let expires = offer.get("has_expiration").and_then(Value::as_bool).unwrap_or_default();
                    parts.offer = Some(TemplateOffer { text: text(offer, "text").unwrap_or_default(), expires });
                }
                _ => return None,
            }
        }
        if category == TemplateCategory::Authentication {
            // The words that are listed are WhatsApp's own.
            parts = Self { body: String::new(), samples: Vec::new(), footer: None, code: Some(code), ..parts };
        }
        Some(parts)
    }
}

impl TemplateOffer {
    fn component(&self) -> Value {
        json!({"type": "LIMITED_TIME_OFFER",
            "limited_time_offer": {"text": self.text, "has_expiration": self.expires}})
    }
}

impl TemplateButton {
    fn component(&self) -> Value {
        let labelled = |kind: &str, text: &str| json!({"type": kind, "text": text});
        match self {
            Self::QuickReply { text } => labelled("QUICK_REPLY", text),
            Self::Url { text, url, sample } => {
                let mut button = json!({"type": "URL", "text": text, "url": url});
                if let (false, Some(sample)) = (placeholders(url).is_empty(), sample) {
                    button["example"] = json!([sample]);
                }
                button
            }
            Self::PhoneNumber { text, phone_number } => {
                json!({"type": "PHONE_NUMBER", "text": text, "phone_number": phone_number})
            }
            Self::CopyCode { sample } => json!({"type": "COPY_CODE", "example": sample}),
            Self::OneTimeCode { mode, text, autofill_text, apps } => {
                let mut button = Map::new();
                button.insert("type".to_owned(), json!("OTP"));
                button.insert("otp_type".to_owned(), json!(mode.as_str().to_ascii_uppercase()));
                for (name, value) in [("text", text), ("autofill_text", autofill_text)] {
                    if let Some(value) = value {
                        button.insert(name.to_owned(), json!(value));
                    }
                }
                if *mode != CodeMode::CopyCode {
                    button.insert("supported_apps".to_owned(), json!(apps));
                }
                if *mode == CodeMode::ZeroTap {
                    button.insert("zero_tap_terms_accepted".to_owned(), json!(true));
                }
                button.into()
            }
            Self::Flow { text, flow_id, screen } => {
                let mut button = json!({"type": "FLOW", "text": text, "flow_id": flow_id});
                match screen {
                    Some(screen) => {
                        button["flow_action"] = json!("navigate");
                        button["navigate_screen"] = json!(screen);
                    }
                    None => button["flow_action"] = json!("data_exchange"),
                }
                button
            }
            Self::Catalog { text } => labelled("CATALOG", text),
            Self::MultiProduct { text } => labelled("MPM", text),
            Self::SingleProduct { text } => labelled("SPM", text),
            Self::VoiceCall { text } => labelled("VOICE_CALL", text),
            Self::RequestContactInfo => json!({"type": "REQUEST_CONTACT_INFO"}),
            Self::Other { raw } => raw.clone(),
        }
    }
}

/// A card with a picture or film; `None` for one of a product.
fn card_of(card: &Value, category: TemplateCategory) -> Option<TemplateCard> {
    let (mut header, mut body, mut samples, mut buttons) = (None, String::new(), Vec::new(), Vec::new());
    for component in card.get("components")?.as_array()? {
        match word(component, "type").as_str() {
            "HEADER" => header = Some(header_of(component)?),
            "BODY" => {
                body = text(component, "text").unwrap_or_default();
                samples = samples_of(component, &placeholders(&body));
            }
            "BUTTONS" => {
                let listed = component.get("buttons").and_then(Value::as_array)?;
                buttons = listed.iter().map(|button| button_of(button, category)).collect();
            }
            _ => return None,
        }
    }
    let header = header.filter(|header| matches!(header, TemplateHeader::Image { .. } | TemplateHeader::Video { .. }));
    Some(TemplateCard { header: header?, body, samples, buttons })
}

fn header_of(component: &Value) -> Option<TemplateHeader> {
    Some(match word(component, "format").as_str() {
        "TEXT" | "" => {
            let text = text(component, "text").unwrap_or_default();
            let sample = samples(component, "header_text", &placeholders(&text)).into_iter().next();
            TemplateHeader::Text { text, sample: sample.filter(|sample| !sample.is_empty()) }
        }
        "IMAGE" => TemplateHeader::Image { media_id: None },
        "VIDEO" => TemplateHeader::Video { media_id: None },
        "DOCUMENT" => TemplateHeader::Document { media_id: None },
        "LOCATION" => TemplateHeader::Location,
        _ => return None,
    })
}

fn samples_of(component: &Value, names: &[String]) -> Vec<String> {
    samples(component, "body_text", names)
}

/// The examples of `names`; empty texts where WhatsApp has none.
fn samples(component: &Value, key: &str, names: &[String]) -> Vec<String> {
    let example = component.get("example").unwrap_or(&Value::Null);
    if let Some(pairs) = example.get(format!("{key}_named_params")).and_then(Value::as_array) {
        let of = |name: &String| {
            let pair = pairs.iter().find(|pair| text(pair, "param_name").as_ref() == Some(name));
            pair.and_then(|pair| text(pair, "example")).unwrap_or_default()
        };
        return names.iter().map(of).collect();
    }
    let values = example.get(key).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let values = values.first().and_then(Value::as_array).map_or(values, Vec::as_slice);
    let at = |index: usize| values.get(index).and_then(Value::as_str).unwrap_or_default().to_owned();
    (0..names.len()).map(at).collect()
}

fn button_of(button: &Value, category: TemplateCategory) -> TemplateButton {
    let label = text(button, "text").unwrap_or_default();
    let example = || match button.get("example") {
        Some(Value::Array(all)) => all.first().and_then(Value::as_str).map(str::to_owned),
        Some(Value::String(one)) => Some(one.clone()),
        _ => None,
    };
    let kind = word(button, "type");
    // WhatsApp lists the button of a one-time code as a link of its own.
    if kind == "OTP" || (category == TemplateCategory::Authentication && kind == "URL") {
        let apps = button.get("supported_apps").and_then(Value::as_array).into_iter().flatten();
        let app = |app: &Value| {
            Some(CodeApp { package_name: text(app, "package_name")?, signature_hash: text(app, "signature_hash")? })
        };
        return TemplateButton::OneTimeCode {
            mode: CodeMode::parse(&word(button, "otp_type").to_ascii_lowercase()).unwrap_or(CodeMode::CopyCode),
            text: text(button, "text"),
            autofill_text: text(button, "autofill_text"),
            apps: apps.filter_map(app).collect(),
        };
    }
    match kind.as_str() {
        "QUICK_REPLY" => TemplateButton::QuickReply { text: label },
        "URL" => TemplateButton::Url { text: label, url: text(button, "url").unwrap_or_default(), sample: example() },
        "PHONE_NUMBER" => {
            TemplateButton::PhoneNumber { text: label, phone_number: text(button, "phone_number").unwrap_or_default() }
        }
        "COPY_CODE" => TemplateButton::CopyCode { sample: example().unwrap_or_default() },
        "FLOW" => TemplateButton::Flow {
            text: label,
            flow_id: text(button, "flow_id").unwrap_or_default(),
            screen: text(button, "navigate_screen"),
        },
        "CATALOG" => TemplateButton::Catalog { text: label },
        "MPM" => TemplateButton::MultiProduct { text: label },
        "SPM" => TemplateButton::SingleProduct { text: label },
        "VOICE_CALL" => TemplateButton::VoiceCall { text: label },
        "REQUEST_CONTACT_INFO" => TemplateButton::RequestContactInfo,
        _ => TemplateButton::Other { raw: button.clone() },
    }
}

fn text(value: &Value, name: &str) -> Option<String> {
    match value.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn word(value: &Value, name: &str) -> String {
    text(value, name).unwrap_or_default().to_ascii_uppercase()
}

#[cfg(test)]
#[path = "template_components_tests.rs"]
mod tests;
