//! WhatsApp message templates in their parts: what a person writes, and the components WhatsApp has for it.
//!
//! The parts are what the editor, the linter and the list work with. Components are WhatsApp's own form, in which a
//! template is submitted, listed and stored.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::MediaId;

crate::text_enum! {
    /// What a template is for; it decides the price and the consent that is needed.
    pub enum TemplateCategory {
        Marketing = "marketing",
        Utility = "utility",
        Authentication = "authentication",
    }
}

/// Longest name of a template.
pub const LONGEST_NAME: usize = 512;

/// Whether WhatsApp takes this as the name of a template: small letters, digits and underscores.
#[must_use]
pub fn is_template_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(is_plain)
}

crate::text_enum! {
    /// How the variables of a template are called.
    pub enum ParameterFormat {
        /// `{{1}}`, `{{2}}`.
        Positional = "positional",
        /// `{{first_name}}`.
        Named = "named",
    }
}

crate::text_enum! {
    /// How a one-time code gets from the message into the app.
    pub enum CodeMode {
        CopyCode = "copy_code",
        OneTap = "one_tap",
        ZeroTap = "zero_tap",
    }
}

/// A template in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateParts {
    pub name: String,
    /// Code with an underscore, `en_US`.
    pub language: String,
    pub category: TemplateCategory,
    #[serde(default = "positional")]
    pub parameter_format: ParameterFormat,
    #[serde(default)]
    pub header: Option<TemplateHeader>,
    /// Empty for authentication: WhatsApp writes that text itself.
    #[serde(default)]
    pub body: String,
    /// An example for each variable of the body, in their order.
    #[serde(default)]
    pub samples: Vec<String>,
    #[serde(default)]
    pub footer: Option<String>,
    #[serde(default)]
    pub buttons: Vec<TemplateButton>,
    /// Authentication: what WhatsApp adds to its text.
    #[serde(default)]
    pub code: Option<CodeText>,
    /// Cards below the text, to swipe through.
    #[serde(default)]
    pub cards: Vec<TemplateCard>,
    /// What the message offers for a time.
    #[serde(default)]
    pub offer: Option<TemplateOffer>,
}

/// A card of a carousel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateCard {
    /// A picture or film.
    pub header: TemplateHeader,
    /// May be empty, then on all cards.
    #[serde(default)]
    pub body: String,
    /// An example for each variable of its text, in their order.
    #[serde(default)]
    pub samples: Vec<String>,
    #[serde(default)]
    pub buttons: Vec<TemplateButton>,
}

/// An offer for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateOffer {
    /// What stands beside the time that is left.
    pub text: String,
    /// Whether it ends at a moment, which is given when it is sent; WhatsApp shows how much time is left.
    #[serde(default)]
    pub expires: bool,
}

/// What WhatsApp adds to the text of a one-time code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeText {
    /// "For your security, do not share this code."
    #[serde(default)]
    pub security_advice: bool,
    /// "This code expires in … minutes."
    #[serde(default)]
    pub expires_in_minutes: Option<u16>,
}

/// What stands above the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "format", rename_all = "snake_case", deny_unknown_fields)]
pub enum TemplateHeader {
    Text {
        text: String,
        /// An example of its variable.
        #[serde(default)]
        sample: Option<String>,
    },
    Image {
        /// The example for the review; sent when nothing else is chosen.
        #[serde(default)]
        media_id: Option<MediaId>,
    },
    Video {
        #[serde(default)]
        media_id: Option<MediaId>,
    },
    Document {
        #[serde(default)]
        media_id: Option<MediaId>,
    },
    /// A place, given when it is sent.
    Location,
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum TemplateButton {
    QuickReply {
        text: String,
    },
    Url {
        text: String,
        /// May end in `{{1}}`.
        url: String,
        /// A whole address as an example, when it has a variable.
        #[serde(default)]
        sample: Option<String>,
    },
    PhoneNumber {
        text: String,
        phone_number: String,
    },
    /// Copies a code of an offer.
    CopyCode {
        /// An example of the code.
        sample: String,
    },
    OneTimeCode {
        mode: CodeMode,
        /// WhatsApp's own words when it is left out.
        #[serde(default)]
        text: Option<String>,
        #[serde(default)]
        autofill_text: Option<String>,
        /// Android apps that may take the code; for one tap and zero tap.
        #[serde(default)]
        apps: Vec<CodeApp>,
    },
    Flow {
        text: String,
        flow_id: String,
        /// The first screen, when the form is shown without asking a server.
        #[serde(default)]
        screen: Option<String>,
    },
    Catalog {
        text: String,
    },
    MultiProduct {
        text: String,
    },
    SingleProduct {
        text: String,
    },
    VoiceCall {
        text: String,
    },
    /// Asks a customer without a known number for it.
    RequestContactInfo,
    /// A kind that cannot be written here, as WhatsApp has it.
    Other {
        #[schema(value_type = Object)]
        raw: Value,
    },
}

/// An Android app that may take a one-time code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeApp {
    pub package_name: String,
    pub signature_hash: String,
}

const fn positional() -> ParameterFormat {
    ParameterFormat::Positional
}

/// `en-US` and `en_us` are one language; this is the form WhatsApp lists.
#[must_use]
pub fn language_code(code: &str) -> String {
    match code.trim().replace('-', "_").split_once('_') {
        Some((language, region)) if region.len() == 2 => {
            format!("{}_{}", language.to_ascii_lowercase(), region.to_ascii_uppercase())
        }
        _ => code.trim().replace('-', "_"),
    }
}

/// What stands between double braces: numbers in their order, or names in order of appearance; each once.
#[must_use]
pub fn placeholders(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for part in text.split("{{").skip(1) {
        if let Some((name, _)) = part.split_once("}}")
            && !name.trim().is_empty()
            && !found.iter().any(|seen| seen == name.trim())
        {
            found.push(name.trim().to_owned());
        }
    }
    if found.iter().all(|name| name.parse::<u32>().is_ok()) {
        found.sort_by_key(|name| name.parse::<u32>().unwrap_or_default());
    }
    found
}

/// A text with values in place of its variables, in their order; a variable without a value stays.
#[must_use]
pub fn filled(text: &str, values: &[String]) -> String {
    let names = placeholders(text);
    let mut pieces = text.split("{{");
    let mut whole = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let value = piece.split_once("}}").and_then(|(name, rest)| {
            let index = names.iter().position(|known| known == name.trim())?;
            Some((values.get(index)?, rest))
        });
        match value {
            Some((value, rest)) => whole.extend([value, rest]),
            None => whole.extend(["{{", piece]),
        }
    }
    whole
}

/// The language of a template for a customer: the same code, then the same language elsewhere, of each of `wanted` in
/// turn; then English, then the first there is.
#[must_use]
pub fn best_language<'a>(there: &[&'a str], wanted: &[&str]) -> Option<&'a str> {
    let wanted = wanted.iter().copied().chain(["en"]);
    wanted.into_iter().find_map(|want| own_language(there, want)).or_else(|| there.first().copied())
}

/// The language of a template that is the customer's own: the same code, then the same language elsewhere.
#[must_use]
pub fn own_language<'a>(there: &[&'a str], wanted: &str) -> Option<&'a str> {
    let base = |code: &str| code.split('_').next().unwrap_or_default().to_ascii_lowercase();
    let want = language_code(wanted);
    let exact = there.iter().find(|code| language_code(code) == want);
    // Plain `de` serves every region better than the German of another one.
    let plain = || there.iter().find(|code| **code == base(&want));
    let near = || there.iter().find(|code| base(code) == base(&want));
    exact.or_else(plain).or_else(near).copied()
}

impl TemplateHeader {
    /// The word WhatsApp has for its kind, in small letters.
    #[must_use]
    pub const fn format(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Image { .. } => "image",
            Self::Video { .. } => "video",
            Self::Document { .. } => "document",
            Self::Location => "location",
        }
    }

    /// The file that stands in it.
    #[must_use]
    pub const fn media_id(&self) -> Option<MediaId> {
        match self {
            Self::Image { media_id } | Self::Video { media_id } | Self::Document { media_id } => *media_id,
            Self::Text { .. } | Self::Location => None,
        }
    }

    /// The same with this file in it; unchanged when it takes none.
    #[must_use]
    pub fn with_file(self, media_id: Option<MediaId>) -> Self {
        match self {
            Self::Image { .. } => Self::Image { media_id },
            Self::Video { .. } => Self::Video { media_id },
            Self::Document { .. } => Self::Document { media_id },
            other => other,
        }
    }

    /// Whether a file has to stand in it.
    #[must_use]
    pub const fn takes_file(&self) -> bool {
        matches!(self, Self::Image { .. } | Self::Video { .. } | Self::Document { .. })
    }
}

impl TemplateButton {
    /// The words on it, where the business writes them.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::QuickReply { text }
            | Self::Url { text, .. }
            | Self::PhoneNumber { text, .. }
            | Self::Flow { text, .. }
            | Self::Catalog { text }
            | Self::MultiProduct { text }
            | Self::SingleProduct { text }
            | Self::VoiceCall { text } => Some(text),
            Self::OneTimeCode { text, .. } => text.as_deref(),
            Self::CopyCode { .. } | Self::RequestContactInfo | Self::Other { .. } => None,
        }
    }
}

impl TemplateParts {
    /// The variables of the body.
    #[must_use]
    pub fn variables(&self) -> Vec<String> {
        placeholders(&self.body)
    }

    /// The files of its cards, in their order.
    #[must_use]
    pub fn card_files(&self) -> Vec<Option<MediaId>> {
        self.cards.iter().map(|card| card.header.media_id()).collect()
    }

    /// The same with these files above the text and on the cards; a card beyond the list has none.
    #[must_use]
    pub fn with_files(mut self, header: Option<MediaId>, cards: &[Option<MediaId>]) -> Self {
        self.header = self.header.map(|own| own.with_file(header));
        for (index, card) in self.cards.iter_mut().enumerate() {
            card.header = card.header.clone().with_file(cards.get(index).copied().flatten());
        }
        self
    }

    /// All files, each once.
    #[must_use]
    pub fn files(&self) -> Vec<MediaId> {
        let header = self.header.as_ref().and_then(TemplateHeader::media_id);
        let mut files: Vec<MediaId> = header.into_iter().chain(self.card_files().into_iter().flatten()).collect();
        files.sort_unstable();
        files.dedup();
        files
    }
}

impl TemplateCard {
    /// The variables of its text.
    #[must_use]
    pub fn variables(&self) -> Vec<String> {
        placeholders(&self.body)
    }
}
