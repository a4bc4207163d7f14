//! What a pre-flight tells.

use segue_model::{ContactId, PhoneNumber, Timestamp, text_lint::TextFinding};
use serde::Serialize;

use super::{
    account_costs::AccountCost,
    template_preflight::{MarketCost, PreflightLanguage, PreflightLimit},
};

/// Somebody of the audience.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PreflightPerson {
    pub contact_id: ContactId,
    pub name: Option<String>,
    pub phone: Option<PhoneNumber>,
}

/// Who is left out, or has to wait, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PreflightRule {
    pub rule: String,
    /// The rule in words.
    pub label: String,
    /// What is missing and what to do, of the first of them, where the rule alone does not say it.
    pub detail: Option<String>,
    pub count: i64,
    /// The first of them.
    pub sample: Vec<PreflightPerson>,
}

/// Segments per message, and of all messages together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PreflightSegments {
    pub min: i64,
    /// The median.
    pub typical: i64,
    pub max: i64,
    pub total: i64,
}

/// What the messages cost: texts in minor units of the currency, as their prices are entered; a campaign by template, which
/// has a price list, in hundredths of the currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PreflightCost {
    /// ISO 4217.
    pub currency: String,
    /// Of all messages whose country has a price, rounded up; of a campaign by template the sum of its markets.
    pub total: i64,
    /// Of one message in thousandths of a minor unit: the cheapest, the median, the dearest.
    pub min_thousandths: i64,
    pub typical_thousandths: i64,
    pub max_thousandths: i64,
    /// Countries of the audience without a price; markets in a campaign by template.
    pub unpriced: Vec<String>,
    /// By market, of a campaign by template.
    pub markets: Vec<MarketCost>,
    /// By the account that each text would leave by, the one with the most first.
    pub accounts: Vec<AccountCost>,
    /// The price list of a campaign by template.
    pub price_list: Option<String>,
}

/// The files of a campaign whose messages are MMS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PreflightFiles {
    pub count: i64,
    /// Of all files together.
    pub bytes: i64,
    /// Those for which many carriers drop the message: no pictures, and large.
    pub risky: i64,
    /// Those that are not here any more.
    pub missing: i64,
}

/// How many chats may come, beside who is there to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PreflightChats {
    pub low: i64,
    pub high: i64,
    /// Campaigns this is learned from; with none it is a usual range.
    pub learned_from: i64,
    /// Agents who are available now.
    pub agents: i64,
    /// Conversations they can have at once.
    pub capacity: i64,
}

segue_model::text_enum! {
    /// Something to think about before the start.
    pub enum WarningKind {
        NobodyLeft = "nobody_left",
        ManyLeftOut = "many_left_out",
        ManyUnicode = "many_unicode",
        NoPrice = "no_price",
        TooFewAgents = "too_few_agents",
        TakesLong = "takes_long",
        SenderNotActive = "sender_not_active",
        /// The sender may not send to some countries of the audience.
        SenderNotCleared = "sender_not_cleared",
        TextsDisliked = "texts_disliked",
        /// A file is so large that many carriers drop the message.
        FilesRisky = "files_risky",
        /// A file is not here any more.
        FileMissing = "file_missing",
        /// A text looks something up that is not there for some of the audience.
        LookUpEmpty = "look_up_empty",
        /// A link ends before the campaign begins, so it cannot start.
        LinksEnded = "links_ended",
        /// The template cannot be sent now.
        TemplateNotApproved = "template_not_approved",
        /// More customers than may be written to first in 24 hours.
        OverLimit = "over_limit",
        /// Marketing from the number or with the template is stopped.
        MarketingStopped = "marketing_stopped",
        /// An approved translation takes other values, so the campaign cannot start.
        TranslationDiffers = "translation_differs",
        /// A translation is not approved, so nobody gets it.
        TranslationNotApproved = "translation_not_approved",
    }
}

/// Something to think about, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PreflightWarning {
    pub kind: WarningKind,
    pub message: String,
}

/// Messages of one variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PreflightVariant {
    pub name: String,
    pub messages: i64,
    pub segments: PreflightSegments,
    /// The text for the first contact who would get it.
    pub sample: Option<String>,
}

/// One of the campaign's texts: of a variant, in a language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PreflightText {
    /// Name of the variant.
    pub variant: String,
    /// Null for the text without a language.
    pub locale: Option<String>,
    pub messages: i64,
    pub segments: PreflightSegments,
    /// What carriers may dislike about it, the gravest first.
    pub findings: Vec<TextFinding>,
}

/// Everything to know before a campaign starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Preflight {
    pub audience: i64,
    /// Those who would get a message, at once or later.
    pub sendable: i64,
    /// Those among them who have to wait, by reason.
    pub held: Vec<PreflightRule>,
    pub excluded: Vec<PreflightRule>,
    pub segments: PreflightSegments,
    pub variants: Vec<PreflightVariant>,
    /// Each text with those who get it, and what carriers may dislike about it.
    pub texts: Vec<PreflightText>,
    pub cost: PreflightCost,
    /// How long sending takes at least, under the limits of the sender's account and of the campaign.
    pub seconds: i64,
    pub chats: Option<PreflightChats>,
    /// Messages by language, of a campaign by template that goes out in several.
    pub languages: Vec<PreflightLanguage>,
    /// What the platform's limit leaves, of a campaign by template.
    pub limit: Option<PreflightLimit>,
    /// Its files, which make each message an MMS: that counts as one segment and has a price of its own.
    pub files: Option<PreflightFiles>,
    pub warnings: Vec<PreflightWarning>,
    /// Stands for what was looked at; a start can be held to it.
    pub mark: String,
    pub at: Timestamp,
}
