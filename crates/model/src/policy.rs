//! The policy engine: whether, when and why (not) a message may be sent.
//!
//! [`decide`] is pure. It runs when a campaign is previewed, when it is planned, and again inside the transaction that
//! records `submitting`; only its `Send` answer carries a [`Permit`], and only a permit lets a message leave.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};

use crate::{
    Place, Timestamp,
    consent::{ConsentState, TemplateConsent},
    delivery::MessageClass,
    frequency::{AtCap, FrequencyCap, room_at},
    open_hours::{Opening, opening},
    quiet_hours,
    rule_book::{Law, law, laws_at},
    sender::NotCleared,
    sender_hours::SenderHours,
    series::{CountedCap, LabelCap},
    template_rules::TemplateFacts,
    time,
    week_hours::{QuietSpan, WeekHours},
    window,
};

pub use crate::quiet_hours::QuietHours;

crate::text_enum! {
    /// The rule that decided.
    pub enum Rule {
        /// No consent for this medium and purpose is on record.
        NoConsent = "no_consent",
        /// Consent was given for a time only, which is over.
        ConsentExpired = "consent_expired",
        /// The person said no.
        OptedOut = "opted_out",
        /// The person said no to this WhatsApp template or to its category.
        TemplateRefused = "template_refused",
        /// The person wrote what may be a no, and nobody has decided about it yet.
        RevocationInReview = "revocation_in_review",
        /// The address is on the suppression list.
        Suppressed = "suppressed",
        /// It is night where the recipient is, by the workspace's own quiet hours.
        QuietHours = "quiet_hours",
        /// A rule book allows no promotional texts at this hour where the recipient is.
        LegalHours = "legal_hours",
        /// The sender keeps hours of its own, and they are closed where the recipient is.
        SenderHours = "sender_hours",
        /// It fell into closed hours, and the campaign or the workspace wants such messages discarded.
        HoursDiscarded = "hours_discarded",
        /// The person has got as many messages of the campaign's label or programme as a cap allows.
        SeriesCap = "series_cap",
        /// The person has got as many promotional messages as the workspace allows.
        FrequencyCap = "frequency_cap",
        /// The person has got as many promotional messages as a rule book allows.
        LegalFrequency = "legal_frequency",
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
        /// Something that the sender needs for this country is not approved.
        RegistrationMissing = "registration_missing",
        /// Carriers of this country do not take such a sender, or this one is not meant for it.
        SenderNotAllowed = "sender_not_allowed",
        /// No more segments may leave in this second or minute, or on this day, by a limit of the sender or a registry.
        RateLimit = "rate_limit",
        /// The campaign has sent as many messages in this minute as it may.
        CampaignPace = "campaign_pace",
        /// The template may not be sent now; it may be again.
        TemplatePaused = "template_paused",
        /// Marketing is stopped because of the quality of the number or the template.
        QualityBrake = "quality_brake",
        /// As many customers as the platform allows in 24 hours have been written to first.
        MessagingLimit = "messaging_limit",
        /// WhatsApp refuses messages from the number for now, whatever the limit of customers says.
        SpamLimit = "spam_limit",
        /// WhatsApp takes no messages of the account until somebody solves what is wrong with it.
        AccountProblem = "account_problem",
        /// WhatsApp delivers no marketing templates to the country of the number.
        CountryNotTaken = "country_not_taken",
        /// WhatsApp has held a promotion to the customer back, and nothing promotional is tried for a day.
        EnoughMarketing = "enough_marketing",
        /// A conversation with the customer is going on, and the campaign leaves such customers alone.
        SessionOpen = "session_open",
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
            Self::ConsentExpired => "The opt-in was for a time that is over",
            Self::OptedOut => "Opted out",
            Self::TemplateRefused => "Said no to this template or to messages of its kind",
            Self::RevocationInReview => "A possible opt-out is being looked at",
            Self::Suppressed => "On the suppression list",
            Self::QuietHours => "Quiet hours at the recipient",
            Self::LegalHours => "No promotional texts at this hour where the recipient is",
            Self::SenderHours => "Outside the hours of the sender at the recipient",
            Self::HoursDiscarded => "Discarded because it fell into quiet hours",
            Self::SeriesCap => "Enough messages of this series for this person",
            Self::FrequencyCap => "Enough messages for this person",
            Self::LegalFrequency => "As many messages as the law allows for this person",
            Self::WindowClosed => "The 24-hour service window is closed",
            Self::TemplateNotApproved => "The template is not approved",
            Self::NoAddress => "No phone number",
            Self::Expired => "Too late to send",
            Self::SenderNotActive => "The sender is not registered",
            Self::RegistrationMissing => "A registration of the sender is missing",
            Self::SenderNotAllowed => "The sender cannot send to this country",
            Self::RateLimit => "Waits for a limit of the sender or the carrier",
            Self::CampaignPace => "Waits for its turn: so many messages a minute",
            Self::TemplatePaused => "WhatsApp has paused the template",
            Self::QualityBrake => "Marketing is stopped because of its quality",
            Self::MessagingLimit => "The limit of customers in 24 hours is reached",
            Self::SpamLimit => "WhatsApp takes no more from this number for now",
            Self::AccountProblem => "WhatsApp refuses messages of the account",
            Self::CountryNotTaken => "WhatsApp takes no marketing templates to this country",
            Self::EnoughMarketing => "WhatsApp holds back marketing to this person for a day",
            Self::SessionOpen => "In a conversation with you now",
            Self::Allowed => "Allowed",
        }
    }

    /// Whether it lies with the sender and ends when somebody sets that right: what a campaign has planned waits for it.
    #[must_use]
    pub const fn waits_for_sender(self) -> bool {
        matches!(self, Self::SenderNotActive | Self::RegistrationMissing)
    }

    /// Whether it holds a whole campaign and not one of its messages.
    #[must_use]
    pub const fn holds_campaign(self) -> bool {
        matches!(
            self,
            Self::TemplatePaused | Self::QualityBrake | Self::MessagingLimit | Self::SpamLimit | Self::AccountProblem
        )
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
    /// What was said of the template and its category beside that, for templates.
    pub of_template: TemplateConsent,
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
    /// Why the sender may not send to the recipient's country, when it may not; see [`crate::sender::clear`].
    pub not_cleared: Option<&'a NotCleared>,
    /// After this moment the message is worse than none.
    pub expires_at: Option<Timestamp>,
    /// What limits promotional messages beyond the daily quiet hours.
    pub limits: Limits<'a>,
    /// What else decides about the template of a campaign; `None` for every other message.
    pub campaign_template: Option<TemplateFacts>,
}

/// What limits promotional messages: the rule books of the recipient's place, and what a workspace adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits<'a> {
    /// Where the recipient's number belongs; rule books go by it.
    pub place: Option<Place>,
    /// Quiet times of certain weekdays, on top of [`Question::quiet_hours`].
    pub quiet_spans: &'a [QuietSpan],
    pub caps: &'a [FrequencyCap],
    pub at_cap: AtCap,
    /// When promotional messages were sent to this person, newest first; as far back as the longest cap looks.
    pub sends: &'a [Timestamp],
    /// Hours that the sender keeps beside the workspace's.
    pub sender_hours: Option<&'a SenderHours>,
    /// What becomes of a message that falls into closed hours.
    pub at_quiet: AtQuietHours,
    /// Caps of the campaign's label and programme, each with what it counted.
    pub series: &'a [CountedCap],
}

impl Limits<'_> {
    /// None at all.
    pub const NONE: Self = Self {
        place: None,
        quiet_spans: &[],
        caps: &[],
        at_cap: AtCap::Hold,
        sends: &[],
        sender_hours: None,
        at_quiet: AtQuietHours::Hold,
        series: &[],
    };

    /// How far back a decision about somebody in `place` looks at earlier messages: the longest period of the caps and
    /// the most messages any of them allows. `None` when no cap applies, and nothing needs to be counted.
    #[must_use]
    pub fn look_back(place: Option<Place>, caps: &[FrequencyCap], now: Timestamp) -> Option<(i64, u32)> {
        let own = caps.iter().map(|cap| (cap.millis(), cap.messages));
        let legal = laws_at(place, now).into_iter().filter_map(|law| law.frequency);
        own.chain(legal.map(|frequency| (frequency.millis(), frequency.messages)))
            .reduce(|one, other| (one.0.max(other.0), one.1.max(other.1)))
    }
}

/// What a workspace sets for its promotional messages, beside its daily quiet hours. All of it can only make rules
/// stricter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PolicySettings {
    /// Quiet times of certain weekdays.
    pub quiet_spans: Vec<QuietSpan>,
    /// Most promotional messages to one person, over all campaigns.
    pub caps: Vec<FrequencyCap>,
    pub at_cap: AtCap,
    /// What becomes of a message that falls into closed hours, where its campaign says nothing else.
    pub at_quiet_hours: AtQuietHours,
    /// Most messages to one person of the campaigns with a label.
    pub label_caps: Vec<LabelCap>,
}

impl Default for PolicySettings {
    fn default() -> Self {
        Self {
            quiet_spans: Vec::new(),
            caps: Vec::new(),
            at_cap: AtCap::Hold,
            at_quiet_hours: AtQuietHours::Hold,
            label_caps: Vec::new(),
        }
    }
}

crate::text_enum! {
    /// What becomes of a promotional message that falls into closed hours: the workspace's, the sender's, or the law's.
    pub enum AtQuietHours {
        /// It waits until the hours open.
        Hold = "hold",
        /// It is not sent at all.
        Discard = "discard",
    }
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
/// let forged = Permit { decided_at: Timestamp(0), deliver_by: None };
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permit {
    decided_at: Timestamp,
    deliver_by: Option<Timestamp>,
}

impl Permit {
    /// When it was given.
    #[must_use]
    pub const fn decided_at(self) -> Timestamp {
        self.decided_at
    }

    /// Until when it may reach the phone: the hours close then where the recipient is, or the message expires. The
    /// carrier is told, so that a phone that is switched on at night is not woken by a promotion.
    #[must_use]
    pub const fn deliver_by(self) -> Option<Timestamp> {
        self.deliver_by
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

/// What of a rule decided, kept with the decision so that it can be explained for as long as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Explanation {
    /// Id of the rule of a rule book, such as `us.fl`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub law: Option<String>,
    /// Version of that rule book when it decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The time zone whose clock decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The cap that was reached: "3 in 24 hours".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<String>,
    /// What is missing and what to do, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Explanation {
    fn of_law(law: &Law) -> Self {
        Self { law: Some(law.id.clone()), version: Some(law.version.clone()), ..Self::default() }
    }

    /// The decision in words for the screen.
    #[must_use]
    pub fn words(&self, rule: Rule) -> String {
        let mut words = match (rule, &self.law) {
            (Rule::LegalHours | Rule::LegalFrequency, Some(id)) => self.words_of_law(id),
            (Rule::HoursDiscarded, Some(id)) => format!("{}: {}", rule.label(), self.words_of_law(id)),
            (Rule::RateLimit | Rule::CampaignPace, _) => match &self.cap {
                Some(cap) => format!("{}: {cap}", rule.label()),
                None => rule.label().to_owned(),
            },
            (Rule::FrequencyCap, _) => match &self.cap {
                Some(cap) => format!("{}: at most {cap} to one person", rule.label()),
                None => rule.label().to_owned(),
            },
            _ => self.detail.clone().unwrap_or_else(|| rule.label().to_owned()),
        };
        if let Some(zone) = &self.zone {
            words.push_str(", by the clock of ");
            words.push_str(&zone.replace('_', " "));
        }
        words
    }

    fn words_of_law(&self, id: &str) -> String {
        let place = law(id).map_or(id, |law| law.title.as_str());
        let allowed = match &self.cap {
            Some(cap) => Some(format!("at most {cap}")),
            None => law(id).and_then(|law| law.hours).map(|hours| hours.words()),
        };
        let allowed = allowed.map(|allowed| format!(" allows promotional texts {allowed}")).unwrap_or_default();
        format!("{place}{allowed} (rule {id}, version {})", self.version.as_deref().unwrap_or("unknown"))
    }
}

/// How long a message is held when nobody can say when its recipient's quiet hours end.
pub const UNKNOWN_ZONE_HOLD: i64 = time::HOUR;

/// How many times hours and caps are weighed against each other: each answer is later than the one before, and two
/// caps and a night meet after a few.
const MOST_ROUNDS: usize = 8;

/// Decides. Order of the rules: expiry, address, suppression, consent, sender and its clearance, template, window, hours, caps; the first
/// that refuses wins, and a refusal always beats a hold.
///
/// | class     | consent              | suppression | sender, template, window | hours, caps |
/// |-----------|----------------------|-------------|--------------------------|-------------|
/// | marketing | must be granted      | refuses     | apply                    | hold        |
/// | test      | must not be revoked  | refuses     | apply                    | -           |
/// | service   | -                    | refuses     | apply                    | -           |
/// | keyword   | -                    | -           | apply                    | -           |
///
/// A template is refused where the person said no to it or to its category, in every class but answers to words, whatever
/// was said of everything. A yes to either stands for one to everything where there was no word about everything, or it
/// was for a time that is over.
///
/// The template of a campaign is asked more ([`TemplateFacts`]): a paused template, a stop for quality and the platform's
/// limit hold the campaign, before hours and caps; the last is for what is no marketing the same. A customer for whom the
/// platform has held a promotion back gets the next one a day later.
///
/// Hours are the workspace's own, those of the sender, and those of the rule books of the recipient's place; all must be
/// open in every zone the recipient may be in. What falls into closed hours is held, or discarded where the campaign or
/// the workspace wants it so; where nobody knows the zone it is held. Caps are the workspace's own, over everything and
/// of the campaign's label or programme, which hold or refuse as it says, and those of the rule books, which hold.
///
/// A hold whose end would be refused anyway (the message has expired by then, or the window has closed) is refused at
/// once, so that a preview does not promise what will not happen.
#[must_use]
pub fn decide(question: &Question<'_>) -> Decision {
    judge(question).0
}

/// [`decide`] with what explains the answer; nothing where the rule alone says it all.
#[must_use]
pub fn judge(question: &Question<'_>) -> (Decision, Option<Explanation>) {
    let now = question.now;
    if let Some(rule) = refusal(question, now) {
        return (Decision::Suppress { rule }, not_cleared(question, rule));
    }
    let is_marketing = question.class == MessageClass::Marketing;
    if let Some((rule, until)) = question.campaign_template.and_then(|facts| facts.hold(is_marketing)) {
        // The campaign waits, and whoever lets it go on asks about each message again.
        return (Decision::Hold { until: until.unwrap_or_else(|| now.plus(UNKNOWN_ZONE_HOLD)), rule }, None);
    }
    let send = |deliver_by| (Decision::Send(Permit { decided_at: now, deliver_by }), None);
    if !is_marketing {
        return send(question.expires_at);
    }
    let rests_until = question.campaign_template.and_then(|facts| facts.rests_until);
    if let Some(until) = rests_until.filter(|until| *until > now) {
        let decision = match refusal(question, until) {
            None => Decision::Hold { until, rule: Rule::EnoughMarketing },
            Some(rule) => Decision::Suppress { rule },
        };
        return (decision, None);
    }
    match hold(question) {
        Held::No { closes_at } => send(earlier(closes_at, question.expires_at)),
        Held::Refused { rule, why } => (Decision::Suppress { rule }, why),
        Held::Until { until, rule, why } => match refusal(question, until) {
            None => (Decision::Hold { until, rule }, why),
            Some(rule) => (Decision::Suppress { rule }, None),
        },
    }
}

/// The words about a sender that is not cleared.
fn not_cleared(question: &Question<'_>, rule: Rule) -> Option<Explanation> {
    let not_cleared = question.not_cleared.filter(|not_cleared| not_cleared.rule() == rule)?;
    Some(Explanation { detail: Some(not_cleared.words().to_owned()), ..Explanation::default() })
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// What hours and caps say.
enum Held {
    No { closes_at: Option<Timestamp> },
    Until { until: Timestamp, rule: Rule, why: Option<Explanation> },
    Refused { rule: Rule, why: Option<Explanation> },
}

/// Weighs hours and caps until there is a moment at which both agree. The first that stops the message now is the reason
/// that is told.
fn hold(question: &Question<'_>) -> Held {
    let now = question.now;
    let laws = laws_at(question.limits.place, now);
    let mut reason = None;
    let mut at = now;
    for _ in 0..MOST_ROUNDS {
        let closes_at = match hours(question, &laws, at) {
            Hours::Open { closes_at } => closes_at,
            Hours::Until { rule, why, .. } | Hours::Never { rule, why }
                if question.limits.at_quiet == AtQuietHours::Discard =>
            {
                return Held::Refused { rule: Rule::HoursDiscarded, why: Some(discarded(rule, why)) };
            }
            Hours::Until { until, rule, why } => {
                at = until;
                reason.get_or_insert((rule, why));
                None
            }
            Hours::Unknown { rule, why } | Hours::Never { rule, why } => {
                // Nobody can say when it ends: ask again, and again until somebody can.
                let (rule, why) = reason.unwrap_or((rule, why));
                return Held::Until { until: at.plus(UNKNOWN_ZONE_HOLD), rule, why };
            }
        };
        match full_cap(question, &laws, at) {
            None if at == now => return Held::No { closes_at },
            None => break,
            Some(cap) if cap.is_own() && question.limits.at_cap == AtCap::Suppress => {
                return Held::Refused { rule: cap.rule, why: Some(cap.why) };
            }
            Some(cap) => {
                at = cap.room_at;
                reason.get_or_insert((cap.rule, Some(cap.why)));
            }
        }
    }
    let (rule, why) = reason.unwrap_or((Rule::QuietHours, None));
    Held::Until { until: at, rule, why }
}

/// Why a message was discarded: the hours that were closed, told as when they hold one.
fn discarded(rule: Rule, why: Option<Explanation>) -> Explanation {
    let why = why.unwrap_or_default();
    let detail = why.law.is_none().then(|| format!("{}: {}", Rule::HoursDiscarded.label(), rule.label()));
    Explanation { detail, ..why }
}

#[derive(Clone)]
enum Hours {
    Open {
        closes_at: Option<Timestamp>,
    },
    Until {
        until: Timestamp,
        rule: Rule,
        why: Option<Explanation>,
    },
    /// Closed, and no opening of all is in sight.
    Never {
        rule: Rule,
        why: Option<Explanation>,
    },
    /// Nobody knows the recipient's clock.
    Unknown {
        rule: Rule,
        why: Option<Explanation>,
    },
}

/// Whose hours they are.
#[derive(Clone, Copy)]
enum HoursOf {
    Workspace,
    Sender,
    Law(&'static Law),
}

/// Most answers that [`HOURS`] keeps.
const MOST_ANSWERS: usize = 64;

/// Answers of [`look_at_hours`] for one moment and one workspace's settings: the members of an audience live in few places,
/// and the clocks of all their zones cost more than all other rules together.
#[derive(Default)]
struct HoursKnown {
    at: Timestamp,
    quiet_hours: Option<QuietHours>,
    quiet_spans: Vec<QuietSpan>,
    answers: Vec<HoursAnswer>,
}

/// The answer for all who share a place, its zones and their sender's hours.
struct HoursAnswer {
    place: Option<Place>,
    zones: Vec<String>,
    of_sender: Option<SenderHours>,
    hours: Hours,
}

thread_local! {
    static HOURS: RefCell<HoursKnown> = RefCell::default();
}

/// [`look_at_hours`], asked once for all who share a place and its zones at the same moment.
fn hours(question: &Question<'_>, laws: &[&'static Law], at: Timestamp) -> Hours {
    if at != question.now {
        return look_at_hours(question, laws, at);
    }
    let (place, zones, sender) = (question.limits.place, question.time_zones, question.limits.sender_hours);
    HOURS.with_borrow_mut(|known| {
        let same = (known.at, known.quiet_hours) == (at, Some(question.quiet_hours))
            && known.quiet_spans == question.limits.quiet_spans
            && known.answers.len() < MOST_ANSWERS;
        if !same {
            *known = HoursKnown {
                at,
                quiet_hours: Some(question.quiet_hours),
                quiet_spans: question.limits.quiet_spans.to_vec(),
                answers: Vec::new(),
            };
        }
        // The laws follow from the place and the moment.
        let same = known
            .answers
            .iter()
            .find(|known| known.place == place && known.zones == zones && known.of_sender.as_ref() == sender);
        if let Some(same) = same {
            return same.hours.clone();
        }
        let hours = look_at_hours(question, laws, at);
        let zones = zones.to_vec();
        known.answers.push(HoursAnswer { place, zones, of_sender: sender.cloned(), hours: hours.clone() });
        hours
    })
}

/// The workspace's own hours, those of the sender and those of the rule books, in all zones.
fn look_at_hours(question: &Question<'_>, laws: &[&'static Law], at: Timestamp) -> Hours {
    let own = WeekHours::of_workspace(question.quiet_hours, question.limits.quiet_spans);
    // First its own: where a book is closed for just as long, the reason is the one that the workspace can change.
    let of_sender = question.limits.sender_hours.map_or(WeekHours::ALWAYS, SenderHours::week);
    let books = laws.iter().filter_map(|law| law.hours.as_ref().map(|hours| (hours, HoursOf::Law(law))));
    let own = (!own.is_always()).then_some((&own, HoursOf::Workspace));
    let of_sender = (!of_sender.is_always()).then_some((&of_sender, HoursOf::Sender));
    let all = own.into_iter().chain(of_sender).chain(books).collect::<Vec<_>>();
    if all.is_empty() {
        return Hours::Open { closes_at: None };
    }
    let reason = |index: usize, zone: Option<usize>| {
        let (rule, why) = match all.get(index) {
            Some((_, HoursOf::Law(law))) => (Rule::LegalHours, Explanation::of_law(law)),
            Some((_, HoursOf::Sender)) => (Rule::SenderHours, Explanation::default()),
            Some((_, HoursOf::Workspace)) | None => (Rule::QuietHours, Explanation::default()),
        };
        (rule, Some(Explanation { zone: zone.and_then(|zone| question.time_zones.get(zone).cloned()), ..why }))
    };
    let zones = question.time_zones.iter().filter_map(|name| quiet_hours::zone(name)).collect::<Vec<_>>();
    if zones.is_empty() || zones.len() < question.time_zones.len() {
        let (rule, why) = reason(0, None);
        return Hours::Unknown { rule, why };
    }
    let sets = all.iter().map(|(hours, _)| *hours).collect::<Vec<_>>();
    match opening(&sets, &zones, at) {
        Opening::Open { closes_at } => Hours::Open { closes_at },
        Opening::At { at: until, hours, zone } => {
            let (rule, why) = reason(hours, Some(zone));
            Hours::Until { until, rule, why }
        }
        Opening::Never { hours, zone } => {
            let (rule, why) = reason(hours, Some(zone));
            Hours::Never { rule, why }
        }
    }
}

/// A cap that has no room.
struct FullCap {
    room_at: Timestamp,
    rule: Rule,
    why: Explanation,
}

impl FullCap {
    /// Whether the workspace has set it, and says what happens at it.
    const fn is_own(&self) -> bool {
        matches!(self.rule, Rule::FrequencyCap | Rule::SeriesCap)
    }
}

/// Of the caps without room at `at`, the one that has room last.
fn full_cap(question: &Question<'_>, laws: &[&'static Law], at: Timestamp) -> Option<FullCap> {
    let Limits { caps, sends, .. } = question.limits;
    let legal = laws.iter().filter_map(|law| {
        let frequency = law.frequency?;
        let room_at = room_at(frequency.messages, frequency.millis(), sends, at)?;
        let why = Explanation { cap: Some(frequency.words()), ..Explanation::of_law(law) };
        Some(FullCap { room_at, rule: Rule::LegalFrequency, why })
    });
    let own = caps.iter().filter_map(|cap| {
        let room_at = room_at(cap.messages, cap.millis(), sends, at)?;
        let why = Explanation { cap: Some(cap.words()), ..Explanation::default() };
        Some(FullCap { room_at, rule: Rule::FrequencyCap, why })
    });
    let of_series = question.limits.series.iter().filter_map(|counted| {
        let room_at = room_at(counted.cap.messages, counted.cap.millis(), &counted.sends, at)?;
        let why =
            Explanation { cap: Some(counted.cap.words()), detail: Some(counted.words()), ..Explanation::default() };
        Some(FullCap { room_at, rule: Rule::SeriesCap, why })
    });
    // A refusal beats a hold: where the workspace's caps refuse, they come first.
    let refuses = |cap: &FullCap| cap.is_own() && question.limits.at_cap == AtCap::Suppress;
    legal.chain(own).chain(of_series).max_by_key(|cap| (refuses(cap), cap.room_at))
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
    let of_template = if class == MessageClass::Keyword { TemplateConsent::NOTHING } else { question.of_template };
    match (class, question.consent) {
        (MessageClass::Marketing, ConsentState::None | ConsentState::Expired) if of_template.agrees() => {}
        (MessageClass::Marketing, ConsentState::None) => return Some(Rule::NoConsent),
        (MessageClass::Marketing, ConsentState::Expired) => return Some(Rule::ConsentExpired),
        (MessageClass::Marketing | MessageClass::Test, ConsentState::Revoked) => return Some(Rule::OptedOut),
        (MessageClass::Marketing, ConsentState::InReview) => return Some(Rule::RevocationInReview),
        _ => {}
    }
    if of_template.is_refused {
        return Some(Rule::TemplateRefused);
    }
    if question.sender == Approval::NotApproved {
        return Some(Rule::SenderNotActive);
    }
    if let Some(not_cleared) = question.not_cleared {
        return Some(not_cleared.rule());
    }
    if let Some(facts) = &question.campaign_template {
        if class == MessageClass::Service && facts.opted_in == Known::No && !of_template.agrees() {
            return Some(Rule::NoConsent);
        }
        if facts.is_over == Known::Yes {
            return Some(Rule::TemplateNotApproved);
        }
        if class == MessageClass::Marketing && facts.not_taken == Known::Yes {
            return Some(Rule::CountryNotTaken);
        }
        return facts.sessions.spares(facts.conversation).then_some(Rule::SessionOpen);
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
