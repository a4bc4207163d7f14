//! The policy engine: whether, when and why (not) a message may be sent.
//!
//! [`decide`] is pure. It runs when a campaign is previewed, when it is planned, and again inside the transaction that
//! records `submitting`; only its `Send` answer carries a [`Permit`], and only a permit lets a message leave.

use crate::{Timestamp, consent::ConsentState, delivery::MessageClass, quiet_hours::Quiet, time, window};

pub use crate::quiet_hours::QuietHours;

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

/// The proof that the policy engine allowed this message at this moment. Cannot be made anywhere else:
///
/// ```compile_fail
/// use segue_model::{Timestamp, policy::Permit};
/// let forged = Permit { decided_at: Timestamp(0) };
/// ```
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

/// How long a message is held when nobody can say when its recipient's quiet hours end.
pub const UNKNOWN_ZONE_HOLD: i64 = time::HOUR;

/// Decides. Order of the rules: expiry, address, suppression, consent, sender, template, window, quiet hours; the first
/// that refuses wins, and a refusal always beats a hold.
///
/// | class     | consent              | suppression | sender, template, window | quiet hours |
/// |-----------|----------------------|-------------|--------------------------|-------------|
/// | marketing | must be granted      | refuses     | apply                    | hold        |
/// | test      | must not be revoked  | refuses     | apply                    | -           |
/// | service   | -                    | refuses     | apply                    | -           |
/// | keyword   | -                    | -           | apply                    | -           |
///
/// A hold whose end would be refused anyway (the message has expired by then, or the window has closed) is refused at
/// once, so that a preview does not promise what will not happen.
#[must_use]
pub fn decide(question: &Question<'_>) -> Decision {
    let now = question.now;
    if let Some(rule) = refusal(question, now) {
        return Decision::Suppress { rule };
    }
    let until = match question.class {
        MessageClass::Marketing => match question.quiet_hours.end_in_all(question.time_zones, now) {
            Quiet::Over => None,
            Quiet::Until(end) => Some(end),
            Quiet::Unknown => Some(now.plus(UNKNOWN_ZONE_HOLD)),
        },
        MessageClass::Service | MessageClass::Keyword | MessageClass::Test => None,
    };
    match until {
        None => Decision::Send(Permit { decided_at: now }),
        Some(until) => refusal(question, until)
            .map_or(Decision::Hold { until, rule: Rule::QuietHours }, |rule| Decision::Suppress { rule }),
    }
}

/// The first rule that would refuse the message at `at`.
fn refusal(question: &Question<'_>, at: Timestamp) -> Option<Rule> {
    let class = question.class;
    if question.expires_at.is_some_and(|end| at > end) {
        return Some(Rule::Expired);
    }
    if question.address == Known::No {
        return Some(Rule::NoAddress);
    }
    if question.suppression == Listed::Yes && class != MessageClass::Keyword {
        return Some(Rule::Suppressed);
    }
    match (class, question.consent) {
        (MessageClass::Marketing, ConsentState::None) => return Some(Rule::NoConsent),
        (MessageClass::Marketing | MessageClass::Test, ConsentState::Revoked) => return Some(Rule::OptedOut),
        _ => {}
    }
    if question.sender == Approval::NotApproved {
        return Some(Rule::SenderNotActive);
    }
    match question.content {
        Content::Template if question.template == Approval::NotApproved => Some(Rule::TemplateNotApproved),
        Content::FreeForm if !window::is_open(question.window_expires_at, at) => Some(Rule::WindowClosed),
        Content::Sms | Content::Template | Content::FreeForm => None,
    }
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
