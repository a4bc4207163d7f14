//! Consent: an append-only ledger and the state it amounts to.

use crate::{
    ImportId, ProgrammeId, SenderId, Timestamp,
    template::{TemplateCategory, is_template_name},
};

crate::text_enum! {
    /// The medium a consent speaks of.
    pub enum Medium {
        Sms = "sms",
        WhatsApp = "whatsapp",
    }
}

crate::text_enum! {
    /// What the messages are for.
    pub enum Purpose {
        Marketing = "marketing",
        Service = "service",
    }
}

crate::text_enum! {
    /// What an entry of the ledger says.
    pub enum ConsentAction {
        /// Somebody asked for messages and is asked back to confirm it. Changes nothing by itself.
        Request = "request",
        /// The person said yes.
        Grant = "grant",
        /// The person confirmed a request: double opt-in.
        Confirm = "confirm",
        /// The person said no.
        Revoke = "revoke",
        /// The person answered no to a request.
        Deny = "deny",
        /// A consent that was given for a time only has run out.
        Expire = "expire",
        /// The number belongs to somebody else now; what the owner before said counts for nothing.
        Reassign = "reassign",
        /// An entry was recorded by mistake; a consent it gave ends.
        Correct = "correct",
    }
}

crate::text_enum! {
    /// How it was said.
    pub enum ConsentMethod {
        WebForm = "web_form",
        Keyword = "keyword",
        Paper = "paper",
        Verbal = "verbal",
        Import = "import",
        /// Takes back what an import claimed, when the import is undone. Nobody said no.
        ImportUndo = "import_undo",
        Api = "api",
        InChat = "in_chat",
        Agent = "agent",
        CarrierReport = "carrier_report",
        MetaUserPreferences = "meta_user_preferences",
        /// Free text that amounts to a no.
        FreeText = "free_text",
    }
}

crate::text_enum! {
    /// What the ledger amounts to for one address, medium and purpose.
    pub enum ConsentState {
        /// Nothing was ever recorded; counts as no.
        None = "none",
        Granted = "granted",
        Revoked = "revoked",
        /// Granted, but the person wrote something that may be a no, and nobody has looked at it yet. Never an outcome
        /// of the ledger itself; counts as no.
        InReview = "in_review",
        /// It was given for a time only, which is over; counts as no until a new one is given.
        Expired = "expired",
    }
}

impl ConsentAction {
    /// Whether it says yes, and so needs evidence.
    #[must_use]
    pub const fn is_yes(self) -> bool {
        matches!(self, Self::Grant | Self::Confirm)
    }

    /// Whether it is a no of the person.
    #[must_use]
    pub const fn is_no(self) -> bool {
        matches!(self, Self::Revoke | Self::Deny)
    }

    /// Whether somebody may record it by hand or by a program; the others are said by the person or by the product.
    #[must_use]
    pub const fn can_be_recorded(self) -> bool {
        matches!(self, Self::Grant | Self::Revoke | Self::Reassign | Self::Correct)
    }
}

/// Who a yes came from, as far as it matters for undoing a no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The person did it where we could see it: a keyword, a word in a chat, the answer to a double opt-in.
    OwnAct,
    /// Somebody says so: a file, a program, an agent, a form.
    Claim,
}

impl Origin {
    /// The origin of an entry. After a no, only [`Origin::OwnAct`] gives consent again.
    #[must_use]
    pub const fn of(action: ConsentAction, method: ConsentMethod) -> Self {
        match (action, method) {
            (ConsentAction::Confirm, _) | (_, ConsentMethod::Keyword | ConsentMethod::InChat) => Self::OwnAct,
            _ => Self::Claim,
        }
    }
}

crate::text_enum! {
    /// How far a STOP reaches; a setting of the workspace.
    ///
    /// 47 CFR 64.1200(a)(10) will take one reply as a no to everything of a caller; until then it is the strict reading.
    pub enum OptOutScope {
        /// All marketing on all channels.
        All = "all",
        /// Marketing on the channel it was said on.
        Channel = "channel",
        /// Marketing from the number it was said to.
        Sender = "sender",
        /// The programmes of the number it was said to; all marketing when there is none.
        Programme = "programme",
    }
}

impl OptOutScope {
    /// The media on which a no said on `said_on` counts.
    #[must_use]
    pub const fn media(self, said_on: Medium) -> &'static [Medium] {
        match (self, said_on) {
            (Self::All, _) => Medium::ALL,
            (_, Medium::Sms) => &[Medium::Sms],
            (_, Medium::WhatsApp) => &[Medium::WhatsApp],
        }
    }
}

/// What an entry of the ledger is about, beside medium and purpose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Scope {
    /// Everything of the workspace.
    #[default]
    All,
    /// What comes from one number or name.
    Sender(SenderId),
    /// One programme.
    Programme(ProgrammeId),
    /// WhatsApp templates of one category.
    Category(TemplateCategory),
    /// One WhatsApp template in all its languages, by its name.
    Template(String),
}

impl Scope {
    /// Whether it is about WhatsApp templates and nothing else.
    #[must_use]
    pub const fn is_of_templates(&self) -> bool {
        matches!(self, Self::Category(_) | Self::Template(_))
    }
}

/// What a person said of one template and of its category, beside what they said of everything.
///
/// A no to either is a no to the template, whatever else was said. A yes to either is enough where nothing was said of
/// everything; it never undoes a no to everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TemplateConsent {
    pub is_refused: bool,
    pub is_granted: bool,
}

impl TemplateConsent {
    /// Nothing was said of the template or its category.
    pub const NOTHING: Self = Self { is_refused: false, is_granted: false };

    /// What these states of the template and its category come to.
    #[must_use]
    pub fn of(states: impl IntoIterator<Item = ConsentState>) -> Self {
        states.into_iter().fold(Self::NOTHING, |so_far, state| Self {
            is_refused: so_far.is_refused || state == ConsentState::Revoked,
            is_granted: so_far.is_granted || state == ConsentState::Granted,
        })
    }

    /// With what the same person said at another address: a no counts here, too, and a yes does not.
    #[must_use]
    pub const fn beside(self, other: Self) -> Self {
        Self { is_refused: self.is_refused || other.is_refused, ..self }
    }

    /// Whether it is a yes.
    #[must_use]
    pub const fn agrees(self) -> bool {
        self.is_granted && !self.is_refused
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Sender(id) => std::fmt::Display::fmt(id, f),
            Self::Programme(id) => std::fmt::Display::fmt(id, f),
            Self::Category(category) => write!(f, "{CATEGORY}{category}"),
            Self::Template(name) => write!(f, "{TEMPLATE}{name}"),
        }
    }
}

/// What the text of a scope begins with that is about a category.
const CATEGORY: &str = "category:";
/// What the text of a scope begins with that is about a template.
const TEMPLATE: &str = "template:";

impl std::str::FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        let invalid = || InvalidScope(text.to_owned());
        if let Some(category) = text.strip_prefix(CATEGORY) {
            return TemplateCategory::parse(category).map(Self::Category).map_err(|_| invalid());
        }
        if let Some(name) = text.strip_prefix(TEMPLATE) {
            return if is_template_name(name) { Ok(Self::Template(name.to_owned())) } else { Err(invalid()) };
        }
        match text {
            "all" => Ok(Self::All),
            _ if text.starts_with("prg_") => text.parse().map(Self::Programme).map_err(|_| invalid()),
            _ => text.parse().map(Self::Sender).map_err(|_| invalid()),
        }
    }
}

/// A text that names no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no scope of a consent")]
pub struct InvalidScope(String);

/// The part of a ledger entry that decides the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsentFact {
    pub action: ConsentAction,
    /// Whether wording or other proof of a grant is on file; a grant without it counts for nothing.
    pub evidence: Evidence,
    pub origin: Origin,
    pub occurred_at: Timestamp,
    /// When a grant ends by itself.
    pub expires_at: Option<Timestamp>,
    /// The import that claimed a grant, or the undone one whose claims a correction takes back.
    pub import: Option<ImportId>,
}

impl ConsentFact {
    /// Whether it is a yes that counts.
    #[must_use]
    pub fn is_yes(&self) -> bool {
        self.action.is_yes() && self.evidence == Evidence::Present
    }

    /// Whether an import claimed it.
    fn is_claim_of(&self, import: ImportId) -> bool {
        self.action.is_yes() && self.import == Some(import)
    }

    /// The import whose claims it takes back.
    fn undone(&self) -> Option<ImportId> {
        self.import.filter(|_| self.action == ConsentAction::Correct)
    }

    /// Whether it is a yes that counts and that the person gave themselves.
    #[must_use]
    pub fn is_own_yes(&self) -> bool {
        self.is_yes() && self.origin == Origin::OwnAct
    }
}

crate::text_enum! {
    /// Whether a statement can be proven.
    pub enum Evidence {
        Present = "present",
        Missing = "missing",
    }
}

/// The state of consent and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consent {
    pub state: ConsentState,
    pub since: Option<Timestamp>,
    /// When a granted consent ends by itself.
    pub expires_at: Option<Timestamp>,
}

impl Default for Consent {
    fn default() -> Self {
        Self { state: ConsentState::None, since: None, expires_at: None }
    }
}

impl Consent {
    /// The state a ledger amounts to: a function of the set of facts, never of their order or number.
    ///
    /// - A yes without evidence counts for nothing.
    /// - A no stands until the person's own later act; a claim of somebody else never undoes it, whenever it says that
    ///   the yes was given.
    /// - An end (expiry, reassignment, correction) takes away every yes up to its moment. What an expiry alone took away
    ///   is told apart.
    /// - What an import claimed counts for nothing once the import is undone, and nothing else changes: an undo ends no
    ///   other yes. One whose claim is not in the ledger is an end like any other.
    /// - At the same moment the stricter wins.
    #[must_use]
    pub fn of(facts: impl IntoIterator<Item = ConsentFact>) -> Self {
        let mut facts: Vec<ConsentFact> = facts.into_iter().collect();
        let mut undone: Vec<ImportId> = facts.iter().filter_map(ConsentFact::undone).collect();
        undone.retain(|import| facts.iter().any(|fact| fact.is_claim_of(*import)));
        facts.retain(|fact| {
            let is_settled = |import: &ImportId| fact.is_claim_of(*import) || fact.undone() == Some(*import);
            !undone.iter().any(is_settled)
        });
        let latest = |counts: &dyn Fn(&ConsentFact) -> bool| {
            facts.iter().filter(|fact| counts(fact)).map(|fact| fact.occurred_at).max()
        };
        let said_no = latest(&|fact| fact.action.is_no());
        let own_yes = latest(&ConsentFact::is_own_yes);
        if said_no.is_some() && own_yes <= said_no {
            return Self { state: ConsentState::Revoked, since: said_no, expires_at: None };
        }
        let ran_out = latest(&|fact| fact.action == ConsentAction::Expire);
        let taken_away = latest(&|fact| matches!(fact.action, ConsentAction::Reassign | ConsentAction::Correct));
        let ended = ran_out.max(taken_away);
        let stands =
            |fact: &&ConsentFact| fact.is_yes() && Some(fact.occurred_at) > ended && Some(fact.occurred_at) > said_no;
        let Some(since) = facts.iter().filter(stands).map(|fact| fact.occurred_at).max() else {
            let had = |fact: &ConsentFact| {
                let at = Some(fact.occurred_at);
                fact.is_yes() && at <= ran_out && at > taken_away && at > said_no
            };
            let is_over = ran_out > taken_away && facts.iter().any(had);
            let state = if is_over { ConsentState::Expired } else { ConsentState::None };
            return Self { state, since: ended, expires_at: None };
        };
        // One yes without an end is enough to have none.
        let ends = facts.iter().filter(stands).map(|fact| fact.expires_at.unwrap_or(Timestamp(i64::MAX))).max();
        let expires_at = ends.filter(|end| *end < Timestamp(i64::MAX));
        Self { state: ConsentState::Granted, since: Some(since), expires_at }
    }

    /// The state of one address beside those of the same person's other addresses, each with the moment since which the
    /// two are known to be one person's: the stricter. A no at one of them counts here too, until the person's own yes at
    /// this address (`own_yes`) that is later than both the no and that moment.
    #[must_use]
    pub fn beside(self, own_yes: Option<Timestamp>, others: impl IntoIterator<Item = (Self, Timestamp)>) -> Self {
        let counts = |(other, joined_at): &(Self, Timestamp)| {
            other.state == ConsentState::Revoked && own_yes <= Some((*joined_at).max(other.since.unwrap_or(*joined_at)))
        };
        let said_no = others.into_iter().filter(counts).map(|(other, _)| other.since).max();
        match said_no {
            Some(since) if self.state != ConsentState::Revoked => {
                Self { state: ConsentState::Revoked, since, expires_at: None }
            }
            _ => self,
        }
    }
}

#[cfg(test)]
#[path = "consent_tests.rs"]
mod tests;
