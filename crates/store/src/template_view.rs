//! Templates as screens show them.

use segue_model::{
    ChannelId, MediaId, TemplateId,
    template::{TemplateButton as ButtonPart, TemplateCard, TemplateOffer, TemplateParts},
    template_lint::{self, TemplateFinding},
    template_values::{self, TemplateDefault, TemplateSlot},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::template::{Template, TemplateOperation};

/// A button of a template as screens show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TemplateButton {
    #[serde(rename = "type")]
    pub kind: String,
    pub text: String,
    /// The address of a button that opens one.
    pub url: Option<String>,
}

/// A card of a template as screens show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TemplateCardView {
    /// `image` or `video`.
    pub header_format: String,
    /// The file that stands on it when none is chosen.
    pub header_media_id: Option<MediaId>,
    pub body: String,
    pub buttons: Vec<TemplateButton>,
}

/// A template as screens show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Template)]
pub struct TemplateView {
    pub id: TemplateId,
    pub channel_id: ChannelId,
    pub name: String,
    pub language: String,
    /// What WhatsApp took it as; for a draft what it is to be.
    pub category: String,
    /// WhatsApp's word in capitals, or `DRAFT` while WhatsApp does not have it.
    pub status: String,
    pub body: String,
    /// Text of a text header.
    pub header: Option<String>,
    /// `text`, `image`, `video`, `document` or `location`.
    pub header_format: Option<String>,
    /// The file that stands in the header when none is chosen.
    pub header_media_id: Option<MediaId>,
    pub footer: Option<String>,
    pub buttons: Vec<TemplateButton>,
    /// Cards below the text, to swipe through.
    pub cards: Vec<TemplateCardView>,
    /// What it offers for a time.
    pub offer: Option<TemplateOffer>,
    /// How many values the body takes.
    pub parameter_count: usize,
    /// Everything that has to be filled in, the body's values included.
    pub slots: Vec<TemplateSlot>,
    /// What fills the variables when nobody types anything.
    pub defaults: Vec<TemplateDefault>,
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
    pub quality: Option<String>,
    /// Why it was rejected or stopped, as WhatsApp said.
    pub reason: Option<String>,
    /// What it was submitted as, when WhatsApp took it as something else.
    pub asked_category: Option<String>,
    /// Begun at WhatsApp, its end not known yet.
    pub operation: Option<TemplateOperation>,
    /// Why the last operation failed.
    pub failure: Option<String>,
    /// Whether something is written that was not submitted.
    pub has_draft: bool,
}

/// A template with what the editor needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TemplateDetail {
    #[serde(flatten)]
    pub template: TemplateView,
    /// What the editor shows: the draft, or how WhatsApp has it; none when it has parts that cannot be written here.
    pub parts: Option<TemplateParts>,
    pub findings: Vec<TemplateFinding>,
}

impl Template {
    /// The form that screens show.
    #[must_use]
    pub fn view(&self) -> TemplateView {
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let buttons = self.component("BUTTONS").and_then(|component| component.get("buttons")?.as_array());
        let parts = self.parts();
        let format = |header: &Value| header.get("format").and_then(Value::as_str).map(str::to_ascii_lowercase);
        TemplateView {
            id: self.id,
            channel_id: self.channel_id,
            name: self.name.clone(),
            language: self.language.clone(),
            category: self.category.clone(),
            status: self.status.clone(),
            body: self.body(),
            header: self.text_of("HEADER"),
            header_format: self.component("HEADER").and_then(format),
            header_media_id: self.media_id,
            footer: self.text_of("FOOTER"),
            buttons: buttons
                .into_iter()
                .flatten()
                .map(|button| TemplateButton {
                    kind: text(button, "type"),
                    text: text(button, "text"),
                    url: button.get("url").and_then(Value::as_str).map(str::to_owned),
                })
                .collect(),
            parameter_count: self.parameter_count(),
            slots: parts.as_ref().map(template_values::slots).unwrap_or_default(),
            cards: parts.iter().flat_map(|parts| &parts.cards).map(TemplateCardView::of).collect(),
            offer: parts.and_then(|parts| parts.offer),
            defaults: self.defaults.clone(),
            quality: self.quality.clone(),
            reason: self.reason.clone(),
            asked_category: self.asked_category.clone().filter(|_| self.is_recategorised()),
            operation: self.operation,
            failure: self.failure.clone(),
            has_draft: self.draft.is_some(),
        }
    }

    /// The form that the editor shows.
    #[must_use]
    pub fn detail(&self) -> TemplateDetail {
        let parts = self.draft.clone().or_else(|| self.parts());
        let findings = parts.as_ref().map(template_lint::lint).unwrap_or_default();
        TemplateDetail { template: self.view(), parts, findings }
    }
}

impl TemplateCardView {
    fn of(card: &TemplateCard) -> Self {
        Self {
            header_format: card.header.format().to_owned(),
            header_media_id: card.header.media_id(),
            body: card.body.clone(),
            buttons: card.buttons.iter().map(TemplateButton::of).collect(),
        }
    }
}

impl TemplateButton {
    /// A button of a card: those have words, an address or a number.
    fn of(button: &ButtonPart) -> Self {
        let (kind, url) = match button {
            ButtonPart::Url { url, .. } => ("URL", Some(url.clone())),
            ButtonPart::PhoneNumber { .. } => ("PHONE_NUMBER", None),
            ButtonPart::QuickReply { .. } => ("QUICK_REPLY", None),
            _ => ("OTHER", None),
        };
        Self { kind: kind.to_owned(), text: button.text().unwrap_or_default().to_owned(), url }
    }
}
