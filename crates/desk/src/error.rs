//! Why something at the desk could not be done.

use segue_flow::Problem;
use segue_store::{StoreError, consent::ConsentError};

/// A refusal or failure. Nothing was changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DeskError {
    #[error("There is no such {0}.")]
    NotFound(&'static str),
    #[error("This session belongs to somebody else. Accept its offer or ask a supervisor to hand it to you.")]
    NotOwner,
    #[error("This conversation belongs to somebody else. Ask a supervisor if you need to see it.")]
    NotVisible,
    #[error("The file could be fetched for an hour only. Take the transcript out again.")]
    ExportGone,
    #[error("Only a supervisor can do this.")]
    NotSupervisor,
    #[error(
        "The 24-hour service window is closed. Send an approved template, or wait until the customer writes again."
    )]
    WindowClosed,
    #[error("The service window is open. Send the reply; it does not have to wait.")]
    WindowOpen,
    #[error("Somebody changed this reply since you opened it. Look at it again.")]
    PendingChanged,
    #[error("There is an open conversation with this customer already. Ask a supervisor to hand it to you.")]
    ConversationOpen,
    #[error("The customer is blocked. Unblock them in Setup, Blocked customers, before you write to them.")]
    CustomerBlocked,
    #[error("The session has ended. It starts anew when the customer writes.")]
    SessionEnded,
    #[error("Somebody answered since you last looked. Read the new messages, then send yours if it is still needed.")]
    NewerReply,
    #[error("The text has {length} characters; WhatsApp takes {limit} here. Shorten it or send it in parts.")]
    TextTooLong { length: usize, limit: usize },
    /// The content breaks a rule of WhatsApp; the text says which.
    #[error("{0}")]
    InvalidContent(String),
    #[error("There is no such template. Synchronise the channel's templates and choose one of the list.")]
    TemplateUnknown,
    #[error("The template is {status}; only an approved one can be sent. Choose another one.")]
    TemplateNotApproved { status: String },
    #[error("The template has {expected} placeholders, {given} values were given. Give one for each.")]
    TemplateParameters { expected: usize, given: usize },
    #[error("The customer has said no to this template or to messages of its kind. Choose another one.")]
    TemplateRefused,
    #[error("The customer asked to end this conversation. You can answer again when they write.")]
    OptedOut,
    #[error("No address of this customer is known.")]
    NoAddress,
    #[error("The offer is gone: it was answered already, ran out or was taken back.")]
    OfferGone,
    #[error("That agent has no free capacity. End a conversation first, or choose somebody else.")]
    AtCapacity,
    #[error("That agent is offline. Choose somebody else or a queue.")]
    AgentOffline,
    #[error("No queue is set up. Create one on the setup page first.")]
    NoQueue,
    #[error("There is a queue with this name already. Choose another one.")]
    QueueTaken,
    #[error("The session has the open case {number} already. Close it first.")]
    CaseExists { number: i64 },
    #[error("{name} cannot see this conversation. Hand it over, or ask a supervisor to look at it.")]
    MentionHidden { name: String },
    #[error("The link was changed since, or what was there before is gone. Look at the customer again.")]
    LinkChanged,
    /// A field of the request; the text says what is wrong with it.
    #[error("{message}")]
    InvalidField { field: &'static str, message: String },
    #[error("The flow has {} problem(s) and was not published.", .0.len())]
    FlowInvalid(Vec<Problem>),
    #[error(transparent)]
    Consent(#[from] ConsentError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl DeskError {
    /// Stable code for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "not_found",
            Self::NotOwner => "not_owner",
            Self::NotVisible => "not_visible",
            Self::ExportGone => "export_gone",
            Self::NotSupervisor => "forbidden",
            Self::WindowClosed => "window_closed",
            Self::WindowOpen => "window_open",
            Self::PendingChanged => "pending_changed",
            Self::ConversationOpen => "conversation_open",
            Self::CustomerBlocked => "customer_blocked",
            Self::SessionEnded => "session_ended",
            Self::NewerReply => "newer_reply",
            Self::TextTooLong { .. } => "text_too_long",
            Self::InvalidContent(_) => "invalid_content",
            Self::TemplateUnknown => "template_unknown",
            Self::TemplateNotApproved { .. } => "template_not_approved",
            Self::TemplateParameters { .. } => "template_parameters",
            Self::TemplateRefused => "template_refused",
            Self::OptedOut => "opted_out",
            Self::NoAddress => "no_address",
            Self::OfferGone => "offer_gone",
            Self::AtCapacity => "at_capacity",
            Self::AgentOffline => "agent_offline",
            Self::NoQueue => "no_queue",
            Self::QueueTaken => "queue_taken",
            Self::CaseExists { .. } => "case_exists",
            Self::MentionHidden { .. } => "mention_hidden",
            Self::LinkChanged => "link_changed",
            Self::InvalidField { .. } => "invalid_field",
            Self::FlowInvalid(_) => "flow_invalid",
            Self::Consent(error) => error.code(),
            Self::Store(_) => "store",
        }
    }
}
