//! Entries of the consent ledger, as they are given and as they are shown.

use segue_model::{
    ConsentEventId, Timestamp,
    consent::{ConsentAction, ConsentMethod, Medium, Purpose, Scope},
};
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// Something a person said about being messaged.
#[derive(Debug, Clone)]
pub struct NewConsentEvent {
    pub medium: Medium,
    /// E.164 with plus sign, or the business-scoped id of a WhatsApp customer without a visible number.
    pub address: String,
    pub purpose: Purpose,
    pub action: ConsentAction,
    pub method: ConsentMethod,
    /// The exact words the person agreed to, or wrote.
    pub wording: Option<String>,
    /// Where the proof is: a form, a document, an inbox row.
    pub proof: Option<String>,
    /// Who recorded it, see [`segue_model::actor::Actor::reference`].
    pub actor: String,
    /// When it was said. A moment in the future counts as now. For a word the person has just sent, give the time of
    /// receipt: a provider's clock that is behind ours must not let an older grant win.
    pub occurred_at: Timestamp,
}

/// Where and how something was said, for the proof.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConsentContext {
    /// The page or document, such as its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Which version of the form or wording was shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form_version: Option<String>,
    /// BCP 47 tag of the language it was shown in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// IP address of the person's device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// ISO 3166 code of the country whose law was applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jurisdiction: Option<String>,
}

/// What an entry is about beyond medium and purpose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConsentExtent {
    pub scope: Scope,
    /// When a grant ends by itself.
    pub expires_at: Option<Timestamp>,
    pub context: ConsentContext,
}

impl ConsentExtent {
    /// About this scope and nothing more.
    #[must_use]
    pub fn of(scope: Scope) -> Self {
        Self { scope, ..Self::default() }
    }
}

/// Why a consent event was not recorded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConsentError {
    #[error(
        "An opt-in needs evidence: the wording the person agreed to, or where the proof of it is. Add one of them and \
         record it again."
    )]
    EvidenceRequired,
    #[error(
        "This person has opted out. Only their own act brings them back: they text START, or confirm an invitation to a \
         programme. A file, a form or a program cannot."
    )]
    OptedOut,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ConsentError {
    /// Stable code for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::EvidenceRequired => "consent_evidence_required",
            Self::OptedOut => "opted_out_by_person",
            Self::Store(_) => "store",
        }
    }
}

/// An entry of the ledger as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ConsentEvent)]
pub struct ConsentEventView {
    pub id: ConsentEventId,
    /// Which medium it speaks of.
    #[serde(rename = "channel")]
    pub medium: Medium,
    /// The number it was said for, or the business-scoped id of a WhatsApp customer without a visible number.
    pub address: String,
    pub purpose: Purpose,
    pub action: ConsentAction,
    pub method: ConsentMethod,
    /// `all`, the id of the sender or programme that it is about, a category of WhatsApp templates such as
    /// `category:utility`, or one template such as `template:order_update`.
    #[schema(value_type = String)]
    #[serde(serialize_with = "scope_as_text")]
    pub scope: Scope,
    pub wording: Option<String>,
    /// SHA-256 of the wording, in hexadecimal digits: the same words have the same hash everywhere.
    pub wording_hash: Option<String>,
    pub proof: Option<String>,
    pub context: Option<ConsentContext>,
    pub actor: String,
    pub occurred_at: Timestamp,
    pub recorded_at: Timestamp,
    /// When a grant ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// A scope as programs read it.
///
/// # Errors
/// When it cannot be written.
pub fn scope_as_text<S: serde::Serializer>(scope: &Scope, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(scope)
}

/// SHA-256 of a wording, in hexadecimal digits.
#[must_use]
pub fn wording_hash(wording: &str) -> String {
    use sha2::{Digest as _, Sha256};
    hex::encode(Sha256::digest(wording.as_bytes()))
}
