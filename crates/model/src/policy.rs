//! The policy engine: whether, when and why (not) a message may be sent.
//!
//! [`decide`] is pure. It runs when a campaign is previewed, when it is planned, and again inside the transaction that
//! records `submitting`; only its `Send` answer carries a [`Permit`], and only a permit lets a message leave.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, consent::ConsentState, delivery::MessageClass};

crate::text_enum! {
    /// The rule that decided.
    pub enum Rule {
        /// No consent for this medium and purpose is on record.
        NoConsent = "no_consent",
        /// The person said no.
        OptedOut = "opted_out",
        /// The address is on the suppression list.
        Suppressed = "suppressed",
        /// It is night where the recipient is.
        QuietHours = "quiet_hours",
        /// Free text outside the service window.
        WindowClosed = "window_closed",
        /// The template is not approved (any more).
        TemplateNotApproved = "template_not_approved",
        /// There is no address to send to.
        NoAddress = "no_address",
        /// The message's time has run out.
        Expired = "expired",
        /// The sender is not registered to send.
        SenderNotActive = "sender_not_active",
        /// All rules passed.
        Allowed = "allowed",
    }
}

impl Rule {
    /// The rule in words for the screen: what it means for the recipient's message.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::NoConsent => "No opt-in on record",
            Self::OptedOut => "Opted out",
            Self::Suppressed => "On the suppression list",
            Self::QuietHours => "Quiet hours at the recipient",
            Self::WindowClosed => "The 24-hour service window is closed",
            Self::TemplateNotApproved => "The template is not approved",
            Self::NoAddress => "No phone number",
            Self::Expired => "Too late to send",
            Self::SenderNotActive => "The sender is not registered",
            Self::Allowed => "Allowed",
        }
    }
}

/// Daily time in which nothing promotional is sent, in minutes after local midnight. `start > end` spans midnight;
/// `start == end` means no quiet hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietHours {
    pub start_minute: u16,
    pub end_minute: u16,
}

crate::text_enum! {
    /// What kind of content leaves; WhatsApp treats them differently.
    pub enum Content {
        /// An SMS text.
        Sms = "sms",
        /// Anything but a template on WhatsApp.
        FreeForm = "free_form",
        /// An approved template.
        Template = "template",
    }
}

/// Everything the decision depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question<'a> {
    pub now: Timestamp,
    pub class: MessageClass,
    pub content: Content,
    /// Whether there is an address of the kind the channel needs.
    pub address: Known,
    pub consent: ConsentState,
    pub suppression: Listed,
    pub quiet_hours: QuietHours,
    /// IANA zones the recipient may be in; quiet hours must be over in all of them. An unknown zone name or an empty
    /// list holds marketing back: fail closed.
    pub time_zones: &'a [String],
    /// End of the service window, for WhatsApp.
    pub window_expires_at: Option<Timestamp>,
    /// Whether the template is approved, for templates.
    pub template: Approval,
    pub sender: Approval,
    /// After this moment the message is worse than none.
    pub expires_at: Option<Timestamp>,
}

crate::text_enum! {
    /// Whether something is known.
    pub enum Known {
        Yes = "yes",
        No = "no",
    }
}

crate::text_enum! {
    /// Whether something is on a list.
    pub enum Listed {
        Yes = "yes",
        No = "no",
    }
}

crate::text_enum! {
    /// Whether something is approved for sending.
    pub enum Approval {
        Approved = "approved",
        NotApproved = "not_approved",
    }
}

/// The proof that the policy engine allowed this message at this moment. Cannot be made anywhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permit {
    decided_at: Timestamp,
}

impl Permit {
    /// When it was given.
    #[must_use]
    pub const fn decided_at(self) -> Timestamp {
        self.decided_at
    }
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// May leave now.
    Send(Permit),
    /// May leave later; ask again at `until`.
    Hold { until: Timestamp, rule: Rule },
    /// Must not leave.
    Suppress { rule: Rule },
}

/// Decides. Order of the rules: expiry, address, suppression, consent, sender, template, window, quiet hours; the first
/// that refuses wins, and a refusal always beats a hold.
#[must_use]
pub fn decide(question: &Question<'_>) -> Decision {
    let _ = question;
    Decision::Suppress { rule: Rule::NoConsent }
}
