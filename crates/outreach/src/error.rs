//! What can go wrong in outreach.

use segue_expr::ReadProblem;
use segue_model::{Timestamp, campaign::InvalidCampaignAction, phone::InvalidPhone, policy::Rule, sender::NotCleared};
use segue_store::{StoreError, consent::ConsentError};

/// What the caller can do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// There is no such thing.
    Missing,
    /// It is in a state that does not allow this, or somebody else was first.
    Conflict,
    /// What was given is not valid.
    Invalid,
    /// It was done a short while ago; trying again later works.
    TooOften,
    /// The store failed; trying again later may work.
    Unavailable,
}

/// Why something was refused or could not be done.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OutreachError {
    #[error("There is no such {0}.")]
    NotFound(&'static str),
    /// A field's value is not valid.
    #[error("{message}")]
    Invalid { field: &'static str, message: String },
    #[error("Another contact of this workspace has this phone number. Change that contact instead.")]
    PhoneTaken,
    #[error("A list with this name exists already. Choose another name.")]
    ListTaken,
    #[error("A segment with this name exists already. Choose another name.")]
    SegmentTaken,
    #[error("The segment is used by {}. Change or end what uses it first.", .0.iter().map(|name| format!("the campaign '{name}'")).collect::<Vec<_>>().join(", "))]
    SegmentUsed(Vec<String>),
    #[error("A table with this name exists already. Choose another name.")]
    TableTaken,
    #[error("It is used by {}. Take it out there first.", .0.join(", "))]
    TableUsed(Vec<String>),
    #[error("There is already a row with this key. Open that row to change it, or give this one another key.")]
    RowTaken,
    #[error("There is a snippet with this name already. Choose another name.")]
    SnippetTaken,
    #[error("The snippet is used by {}. Take it out there first.", .0.join(", "))]
    SnippetUsed(Vec<String>),
    /// A condition cannot be read.
    #[error(transparent)]
    Condition(ReadProblem),
    #[error("The contact has no phone number, so there is no address to record consent for. Add the number first.")]
    ContactWithoutPhone,
    #[error("A programme with this name exists already. Choose another name.")]
    ProgrammeTaken,
    #[error("This programme has ended, so nobody can join it. Take it up again first.")]
    ProgrammeEnded,
    #[error("Somebody else changed this meanwhile. Load it again and repeat your change.")]
    ChangedMeanwhile,
    /// The word has a meaning already; the text says which.
    #[error("{0}")]
    KeywordTaken(String),
    #[error("This number was asked a short while ago. It can be asked again from {until} on.")]
    AskedRecently { until: Timestamp, seconds: u32 },
    #[error("This message has been decided already. Load the list again.")]
    ReviewDecided,
    #[error(transparent)]
    Consent(#[from] ConsentError),
    #[error(transparent)]
    CampaignState(#[from] InvalidCampaignAction),
    #[error("Only a draft can be changed or deleted, and this campaign has been started. Make a new one instead.")]
    NotADraft,
    #[error("In this workspace a second person has to approve campaigns. Submit it for approval.")]
    ApprovalNeeded,
    #[error("Approval takes somebody who did not write, change or submit the campaign. Ask a colleague.")]
    OwnCampaign,
    #[error("Approval takes a person who is signed in; a program's key cannot give it.")]
    ReviewNeedsPerson,
    #[error(
        "The campaign or a segment has changed since the check, or the check is older than {0} minutes. Check it again before you start it."
    )]
    PreflightStale(i64),
    #[error("The text knows no field named {}. Known are {known}, and every attribute that a contact has.", .fields.join(", "))]
    UnknownFields { fields: Vec<String>, known: String },
    #[error("The text cannot be read as a template: {0}. Merge fields are written {{{{ first_name }}}}.")]
    TextSyntax(String),
    #[error("The text takes {segments} segments; at most {most} are sent as one message. Shorten it.")]
    TextTooLong { segments: usize, most: usize },
    #[error(
        "Links stand on this host name, of {0}. Choose another one in those that are drafts. Of the others, wait until the \
         links have ended: 90 days after the campaign's end, or at an earlier end that you set for them."
    )]
    DomainInUse(String),
    #[error("The sender is not registered to send. Wait for its registration or choose another sender.")]
    SenderNotActive,
    #[error("The policy does not allow this message: {}.", .0.label())]
    Refused(Rule),
    /// The sender may not send to the recipient's country.
    #[error("{}", .0.words())]
    NotCleared(NotCleared),
    #[error("The file has no column '{0}'. Check the mapping.")]
    UnknownColumn(String),
    #[error("The file cannot be read: {0}")]
    File(String),
    #[error("This idempotency key was used for another message. Use a new one for each new message.")]
    KeyReused,
    #[error("This merge was taken back already.")]
    Unmerged,
    #[error("The contact that was kept is gone: it was deleted, or merged into another one. Take that back first.")]
    KeptContactGone,
    #[error("Another contact has this external key.")]
    KeyTaken,
    #[error("Another contact has one of these addresses. Take it from that contact first, or merge the two.")]
    AddressTaken,
    #[error("The import is still running. Wait for its end, or stop it first.")]
    ImportRunning,
    #[error("The import is undone already.")]
    ImportUndone,
    #[error("An import can be undone for 30 days after its end; a dry run has nothing to undo.")]
    UndoOver,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OutreachError {
    /// Stable code for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "not_found",
            Self::Invalid { .. } => "invalid_field",
            Self::PhoneTaken => "phone_taken",
            Self::KeyTaken => "key_taken",
            Self::ListTaken => "list_taken",
            Self::SegmentTaken => "segment_taken",
            Self::SegmentUsed(_) => "segment_used",
            Self::TableTaken => "table_taken",
            Self::TableUsed(_) => "table_used",
            Self::RowTaken => "row_taken",
            Self::SnippetTaken => "snippet_taken",
            Self::SnippetUsed(_) => "snippet_used",
            Self::Condition(_) => "invalid_condition",
            Self::ContactWithoutPhone => "contact_without_phone",
            Self::ProgrammeTaken => "programme_taken",
            Self::ProgrammeEnded => "programme_ended",
            Self::ChangedMeanwhile => "changed_meanwhile",
            Self::KeywordTaken(_) => "keyword_taken",
            Self::AskedRecently { .. } => "opt_in_asked_recently",
            Self::ReviewDecided => "review_decided",
            Self::Consent(error) => error.code(),
            Self::CampaignState(_) | Self::NotADraft => "campaign_state",
            Self::ApprovalNeeded => "approval_needed",
            Self::OwnCampaign => "own_campaign",
            Self::ReviewNeedsPerson => "review_needs_person",
            Self::PreflightStale(_) => "preflight_stale",
            Self::UnknownFields { .. } => "unknown_fields",
            Self::TextSyntax(_) => "text_syntax",
            Self::TextTooLong { .. } => "text_too_long",
            Self::DomainInUse(_) => "domain_in_use",
            Self::SenderNotActive => "sender_not_active",
            Self::Refused(rule) => rule.as_str(),
            Self::NotCleared(not_cleared) => not_cleared.rule().as_str(),
            Self::UnknownColumn(_) => "unknown_column",
            Self::File(_) => "unreadable_file",
            Self::KeyReused => "idempotency_key_mismatch",
            Self::Unmerged | Self::KeptContactGone => "merge_state",
            Self::AddressTaken => "address_taken",
            Self::ImportRunning | Self::ImportUndone | Self::UndoOver => "import_state",
            Self::Store(_) => "store",
        }
    }

    /// What the caller can do about it.
    #[must_use]
    pub const fn problem(&self) -> Problem {
        match self {
            Self::NotFound(_) => Problem::Missing,
            Self::PhoneTaken
            | Self::KeyTaken
            | Self::ListTaken
            | Self::SegmentTaken
            | Self::SegmentUsed(_)
            | Self::SnippetTaken
            | Self::SnippetUsed(_)
            | Self::TableTaken
            | Self::TableUsed(_)
            | Self::RowTaken
            | Self::ApprovalNeeded
            | Self::OwnCampaign
            | Self::ReviewNeedsPerson
            | Self::PreflightStale(_)
            | Self::CampaignState(_)
            | Self::NotADraft
            | Self::Unmerged
            | Self::KeptContactGone
            | Self::AddressTaken
            | Self::ImportRunning
            | Self::ImportUndone
            | Self::UndoOver
            | Self::DomainInUse(_)
            | Self::ProgrammeTaken
            | Self::ProgrammeEnded
            | Self::ChangedMeanwhile
            | Self::KeywordTaken(_)
            | Self::ReviewDecided
            | Self::Consent(ConsentError::OptedOut) => Problem::Conflict,
            Self::AskedRecently { .. } => Problem::TooOften,
            Self::Consent(ConsentError::Store(_)) | Self::Store(_) => Problem::Unavailable,
            Self::Invalid { .. }
            | Self::Condition(_)
            | Self::ContactWithoutPhone
            | Self::Consent(ConsentError::EvidenceRequired)
            | Self::UnknownFields { .. }
            | Self::TextSyntax(_)
            | Self::TextTooLong { .. }
            | Self::SenderNotActive
            | Self::KeyReused
            | Self::Refused(_)
            | Self::NotCleared(_)
            | Self::UnknownColumn(_)
            | Self::File(_) => Problem::Invalid,
        }
    }

    /// The field of the request that is wrong, when it is one.
    #[must_use]
    pub const fn field(&self) -> Option<&'static str> {
        match self {
            Self::Invalid { field, .. } => Some(*field),
            Self::PhoneTaken => Some("phone"),
            Self::KeyTaken => Some("external_key"),
            Self::ListTaken | Self::SegmentTaken | Self::SnippetTaken | Self::ProgrammeTaken => Some("name"),
            Self::AddressTaken => Some("addresses"),
            Self::TableTaken => Some("label"),
            Self::Condition(_) => Some("condition"),
            Self::KeywordTaken(_) => Some("word"),
            Self::UnknownFields { .. } | Self::TextSyntax(_) | Self::TextTooLong { .. } => Some("body"),
            Self::SenderNotActive | Self::NotCleared(_) => Some("sender_id"),
            Self::UnknownColumn(_) => Some("mapping"),
            _ => None,
        }
    }

    pub(crate) fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { field, message: message.into() }
    }
}

impl From<InvalidPhone> for OutreachError {
    fn from(error: InvalidPhone) -> Self {
        Self::invalid("phone", error.to_string())
    }
}
