//! What an entry of a transcript says apart from its text: a place, cards, an order, a form, where it came from.
//!
//! Everything is optional and read leniently: an entry that was written by an older version shows what it has.

use segue_model::{MediaId, Timestamp, content::TemplateOfferValue};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SharedPlace {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    pub name: Option<String>,
    pub address: Option<String>,
}

/// A contact card.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SharedCard {
    pub name: Option<String>,
    /// As written on it.
    pub phones: Vec<String>,
    pub emails: Vec<String>,
    pub organisation: Option<String>,
    /// Whether it is the customer's own, sent because we asked for it.
    pub own: bool,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OrderedProduct {
    /// The shop's own id of it.
    pub product: String,
    pub quantity: i64,
    /// Price of one.
    pub price: Option<f64>,
    /// ISO code.
    pub currency: Option<String>,
}

/// A field of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FormAnswer {
    /// The field's name; empty when the form came in a form that cannot be read.
    pub field: String,
    pub answer: String,
}

/// The button or row that was tapped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TappedChoice {
    /// Our id of it.
    pub id: String,
    /// Second line of a row.
    pub description: Option<String>,
}

/// The advertisement or post that the conversation began with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CameFrom {
    /// `ad` or `post`.
    pub kind: Option<String>,
    pub headline: Option<String>,
    pub body: Option<String>,
    pub url: Option<String>,
    /// The provider's id of it.
    pub source_id: Option<String>,
    /// Id of the click, for the provider's measurements.
    pub click_id: Option<String>,
}

/// What an entry said before the customer changed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Wording {
    pub text: String,
    /// When it was written.
    pub at: Timestamp,
}

/// A button that opens a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LinkButton {
    pub label: String,
    pub url: String,
}

/// A button that opens a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FormButton {
    pub label: String,
    /// The form's name.
    pub name: String,
}

/// A card of a template that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SentTemplateCard {
    /// Its picture or film; it may be gone.
    pub media_id: MediaId,
    /// `image` or `video`.
    pub media_kind: String,
    pub text: String,
    /// What its buttons say.
    pub buttons: Vec<String>,
}

segue_model::text_enum! {
    /// What the customer is asked for with a button of the provider.
    pub enum AskedFor {
        Place = "place",
        Phone = "phone",
    }
}

/// What an entry says apart from its text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct MessageDetails {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<SharedPlace>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cards: Vec<SharedCard>,
    /// The cards of a template that we sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub template_cards: Vec<SentTemplateCard>,
    /// The offer of a template that we sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer: Option<TemplateOfferValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<OrderedProduct>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub form: Vec<FormAnswer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choice: Option<TappedChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub came_from: Option<CameFrom>,
    /// The button under our text that opens a page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkButton>,
    /// The button under our text that opens a form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offers: Option<FormButton>,
    /// What stands above our text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// What stands below our text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub footer: Option<String>,
    /// What our text asks the customer for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asks_for: Option<AskedFor>,
    /// The text stood in the link that the customer tapped; they only sent it on.
    #[serde(skip_serializing_if = "is_false")]
    pub prefilled: bool,
    /// The product asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// It was forwarded from another chat.
    #[serde(skip_serializing_if = "is_false")]
    pub forwarded: bool,
    /// The customer changed it, or it replaces an entry that is not here.
    #[serde(skip_serializing_if = "is_false")]
    pub edited: bool,
    /// What it said before the customer changed it, the oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Wording>,
    /// When the customer deleted it. What it said is gone, unless the channel keeps it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// Sound that was recorded in the chat.
    #[serde(skip_serializing_if = "is_false")]
    pub voice: bool,
    /// Somebody at the business wrote it in the provider's own app.
    #[serde(skip_serializing_if = "is_false")]
    pub written_in_app: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl MessageDetails {
    /// Whether there is nothing apart from the text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
