//! What a channel does in conversations by itself: its business hours, the messages it says, what it makes of silence,
//! how it asks for agreement, and how long a reply waits for the customer.
//!
//! Everything is off until somebody switches it on; the texts are there from the start.

use std::collections::BTreeMap;

use jiff::civil;
use serde::{Deserialize, Serialize};

use crate::{
    Timestamp,
    holiday::Holidays,
    language::{self, LocaleText},
    open_hours::{Opening, opening},
    quiet_hours, time,
    week_hours::{Day, WeekHours},
};

/// Longest automatic text, in characters.
pub const LONGEST_TEXT: usize = 1_024;
/// Longest time that can be set, in minutes: thirty days.
pub const LONGEST_MINUTES: u32 = 30 * 24 * 60;
/// How many days ahead an opening is looked for.
const LOOK_AHEAD: usize = 60;

crate::text_enum! {
    /// An occasion on which the channel speaks by itself.
    pub enum Occasion {
        /// The customer opened a session.
        Start = "start",
        /// The customer waits for a person.
        Waiting = "waiting",
        /// The same, and nobody works at this hour.
        OutsideHours = "outside_hours",
        /// The same, and no agent of the queue is available.
        NoAgent = "no_agent",
        /// A person takes the session.
        Accepted = "accepted",
        /// The customer has been silent for long.
        Inactivity = "inactivity",
        /// The session ends.
        End = "end",
    }
}

impl Occasion {
    /// What is said until somebody writes something else.
    #[must_use]
    pub const fn default_text(self) -> &'static str {
        match self {
            Self::Start => "Hello {name}, thank you for writing to {brand}. We are with you in a moment.",
            Self::Waiting => "Thank you for your patience. The next free colleague answers you here.",
            Self::OutsideHours => {
                "Thank you for your message. We are here {hours}. We answer you when we open again: {opens}."
            }
            Self::NoAgent => {
                "All of us are talking to other customers at the moment. We answer you here as soon as we can."
            }
            Self::Accepted => "{agent} is now with you.",
            Self::Inactivity => {
                "Are you still there? Write to us if there is anything else; otherwise we close this chat soon."
            }
            Self::End => "Thank you for talking to {brand}. Write again whenever you need us.",
        }
    }
}

/// A text the channel says by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AutomaticMessage {
    pub enabled: bool,
    /// `{name}`, `{brand}`, `{agent}`, `{hours}` and `{opens}` are filled in; `{agent}` only when a person takes the session.
    pub text: String,
    /// For customers whose contact has one of these languages.
    #[serde(default)]
    pub texts: Vec<LocaleText>,
}

impl AutomaticMessage {
    fn default_of(occasion: Occasion) -> Self {
        Self { enabled: false, text: occasion.default_text().to_owned(), texts: Vec::new() }
    }

    /// The text for somebody with this locale.
    #[must_use]
    pub fn text_for(&self, locale: Option<&str>) -> &str {
        locale
            .and_then(|locale| language::best(locale, self.texts.iter().map(|text| text.locale.as_str())))
            .map_or(&self.text, |place| &self.texts[place].body)
    }
}

/// Hours of certain days in which people work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenSpan {
    pub days: Vec<Day>,
    /// Minutes after midnight.
    pub start_minute: u16,
    /// Minutes after midnight; 1440 is the end of the day.
    pub end_minute: u16,
}

/// When people work on a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BusinessHours {
    /// IANA zone.
    pub time_zone: String,
    pub spans: Vec<OpenSpan>,
    /// Days without work: `12-25`, `11-thu-4` (the fourth Thursday of November), `05-mon--1` (the last Monday of May),
    /// `easter+1`, or one date as `2026-12-24`.
    #[serde(default)]
    pub holidays: Vec<String>,
}

impl BusinessHours {
    fn week(&self) -> Option<WeekHours> {
        let mut spans: Vec<_> =
            self.spans.iter().map(|span| (span.days.clone(), span.start_minute, span.end_minute)).collect();
        spans.sort_by_key(|(_, from, _)| *from);
        WeekHours::of_spans(spans, None)
    }

    /// The repeated holidays, and the single dates.
    fn days_off(&self) -> Option<(Holidays, Vec<civil::Date>)> {
        let dates: Vec<civil::Date> = self.holidays.iter().filter_map(|word| word.trim().parse().ok()).collect();
        let words: Vec<String> = self
            .holidays
            .iter()
            .map(|word| word.trim().to_owned())
            .filter(|word| word.parse::<civil::Date>().is_err())
            .collect();
        Some((Holidays::parse(&words)?, dates))
    }

    /// What is wrong with them, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        if quiet_hours::zone(&self.time_zone).is_none() {
            return Some(format!("'{}' is no time zone. Write it like Europe/Berlin.", self.time_zone));
        }
        if self.spans.is_empty() || self.spans.iter().any(|span| span.days.is_empty()) || self.week().is_none() {
            return Some("Give hours with at least one day, an end after the start, and no overlap.".to_owned());
        }
        if self.days_off().is_none() {
            return Some("A holiday is written 12-25, 2026-12-24, 11-thu-4 or easter+1.".to_owned());
        }
        None
    }

    /// Whether people work at this moment. Hours with a fault never close.
    #[must_use]
    pub fn are_open(&self, at: Timestamp) -> bool {
        self.opens_at(at) == Some(at)
    }

    /// The first moment from `at` on at which people work: `at` itself when they do now; `None` when there is none
    /// within two months.
    #[must_use]
    pub fn opens_at(&self, at: Timestamp) -> Option<Timestamp> {
        let (Some(zone), Some(week), Some((holidays, dates))) =
            (quiet_hours::zone(&self.time_zone), self.week(), self.days_off())
        else {
            return Some(at);
        };
        let mut from = at;
        for _ in 0..LOOK_AHEAD {
            let found = match opening(&[&week], std::slice::from_ref(&zone), from) {
                Opening::Open { .. } => from,
                Opening::At { at, .. } => at,
                Opening::Never { .. } => return None,
            };
            let date = zone.to_datetime(found.to_jiff()).date();
            if !holidays.contain(date) && !dates.contains(&date) {
                return Some(found);
            }
            let midnight = date.tomorrow().ok()?.to_zoned(zone.clone()).ok()?;
            from = Timestamp(midnight.timestamp().as_millisecond());
        }
        None
    }

    /// The hours in words.
    #[must_use]
    pub fn words(&self) -> String {
        self.week().map_or_else(String::new, |week| {
            let words = week.words();
            let open: Vec<&str> = words.split("; ").filter(|part| !part.ends_with(" never")).collect();
            open.join("; ")
        })
    }

    /// A moment as the people who work there read it: `Monday 09:00`.
    #[must_use]
    pub fn moment(&self, at: Timestamp) -> String {
        quiet_hours::zone(&self.time_zone)
            .map_or_else(String::new, |zone| at.to_jiff().to_zoned(zone).strftime("%A, %-d %B, %H:%M").to_string())
    }
}

/// What is made of a customer's silence, in minutes after the last message to them; nothing where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IdleRules {
    /// The inactivity message is sent.
    pub warn_minutes: Option<u32>,
    /// The session becomes inactive. It becomes so in any case when the service window closes.
    pub inactive_minutes: Option<u32>,
    /// The session ends, unless a reply waits in it.
    pub end_minutes: Option<u32>,
}

impl IdleRules {
    /// Whether silence means anything.
    #[must_use]
    pub const fn exist(&self) -> bool {
        self.warn_minutes.is_some() || self.inactive_minutes.is_some() || self.end_minutes.is_some()
    }

    /// The shortest silence that means something, in milliseconds.
    #[must_use]
    pub fn shortest(&self) -> Option<i64> {
        [self.warn_minutes, self.inactive_minutes, self.end_minutes].into_iter().flatten().min().map(millis)
    }
}

/// Minutes in milliseconds.
#[must_use]
pub const fn millis(minutes: u32) -> i64 {
    minutes as i64 * time::MINUTE
}

crate::text_enum! {
    /// How a channel learns that the customer agrees to the conversation.
    pub enum OptInKind {
        /// The first answer says what is done with it; writing on is agreement.
        Implicit = "implicit",
        /// It is asked, and nothing goes on until the customer gives the word.
        Explicit = "explicit",
        /// It is asked, and asked again for certain.
        Double = "double",
    }
}

/// How the channel asks for agreement to the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OptInRules {
    pub kind: OptInKind,
    /// The question of an explicit and a double opt-in; the implicit one says the opt-in message of the workspace.
    pub question: String,
    pub questions: Vec<LocaleText>,
    /// The second question of a double opt-in.
    pub confirmation: String,
    pub confirmations: Vec<LocaleText>,
    /// Words that agree, beside the built-in ones of twelve languages.
    pub words: Vec<String>,
}

impl Default for OptInRules {
    fn default() -> Self {
        Self {
            kind: OptInKind::Implicit,
            question:
                "Welcome to {brand}. May we answer you here on WhatsApp about your question? Reply YES to agree, \
                       STOP to end it."
                    .to_owned(),
            questions: Vec::new(),
            confirmation:
                "Thank you. Please confirm with another YES that {brand} may write to you here. STOP ends it at \
                           any time."
                    .to_owned(),
            confirmations: Vec::new(),
            words: Vec::new(),
        }
    }
}

/// Words that agree, in twelve languages.
const YES: [&str; 24] = [
    "yes",
    "y",
    "ok",
    "okay",
    "i agree",
    "start",
    "si",
    "sí",
    "acepto",
    "oui",
    "d'accord",
    "ja",
    "sim",
    "aceito",
    "tak",
    "evet",
    "da",
    "да",
    "نعم",
    "हाँ",
    "हां",
    "はい",
    "是",
    "同意",
];

impl OptInRules {
    /// Whether the customer gave the word.
    #[must_use]
    pub fn agrees(&self, words: &str) -> bool {
        let said = plain(words);
        !said.is_empty() && (YES.contains(&said.as_str()) || self.words.iter().any(|word| plain(word) == said))
    }

    /// The first question, for somebody with this locale.
    #[must_use]
    pub fn question_for(&self, locale: Option<&str>) -> &str {
        in_language(&self.question, &self.questions, locale)
    }

    /// The second question.
    #[must_use]
    pub fn confirmation_for(&self, locale: Option<&str>) -> &str {
        in_language(&self.confirmation, &self.confirmations, locale)
    }
}

fn in_language<'a>(text: &'a str, texts: &'a [LocaleText], locale: Option<&str>) -> &'a str {
    locale
        .and_then(|locale| language::best(locale, texts.iter().map(|text| text.locale.as_str())))
        .map_or(text, |place| &texts[place].body)
}

/// Lower case, without the signs around the words.
fn plain(words: &str) -> String {
    words.trim_matches(|letter: char| !letter.is_alphanumeric()).to_lowercase()
}

crate::text_enum! {
    /// When a session gets a case by itself.
    pub enum CaseMoment {
        Never = "never",
        /// The customer opened it.
        Start = "start",
        /// It is handed to people: put into a queue, or taken by an agent.
        People = "people",
    }
}

crate::text_enum! {
    /// Which case a session gets by itself.
    pub enum CaseChoice {
        /// A new one.
        Create = "create",
        /// The open case of the same contact; none when there is none.
        Attach = "attach",
        /// The open case of the same contact, else a new one.
        AttachOrCreate = "attach_or_create",
    }
}

crate::text_enum! {
    /// What becomes of a case when its session ends by itself. An agent who ends one decides then.
    pub enum CaseEnd {
        Keep = "keep",
        /// It is closed, unless another open session has it too.
        Close = "close",
    }
}

/// What a channel does with cases by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CaseRules {
    pub moment: CaseMoment,
    pub choice: CaseChoice,
    /// Subject of a new case; `{name}` is the customer.
    pub subject: String,
    pub end: CaseEnd,
    /// When a customer writes again within so many days after the last case was closed, it is opened again and the session
    /// gets it; 0 for never.
    pub reopen_days: u32,
}

impl Default for CaseRules {
    fn default() -> Self {
        Self {
            moment: CaseMoment::Never,
            choice: CaseChoice::AttachOrCreate,
            subject: "WhatsApp conversation with {name}".to_owned(),
            end: CaseEnd::Keep,
            reopen_days: 0,
        }
    }
}

/// Longest subject of a case, in characters.
pub const LONGEST_SUBJECT: usize = 200;
/// Longest time in which a case is opened again, in days.
const LONGEST_REOPEN: u32 = 365;

impl CaseRules {
    /// The subject of a new case of this customer.
    #[must_use]
    pub fn subject_for(&self, name: &str) -> String {
        let name = if name.trim().is_empty() { "a customer" } else { name };
        self.subject.replace("{name}", name).chars().take(LONGEST_SUBJECT).collect()
    }

    fn fault(&self) -> Option<(String, String)> {
        let length = self.subject.chars().count();
        if self.moment != CaseMoment::Never && (self.subject.trim().is_empty() || length > LONGEST_SUBJECT) {
            let words = format!("The subject must have 1 to {LONGEST_SUBJECT} characters.");
            return Some(("cases.subject".to_owned(), words));
        }
        (self.reopen_days > LONGEST_REOPEN)
            .then(|| ("cases.reopen_days".to_owned(), format!("Give at most {LONGEST_REOPEN} days, or 0 for never.")))
    }
}

/// Everything a channel does in conversations by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConversationSettings {
    /// Without hours people always work.
    pub hours: Option<BusinessHours>,
    /// Whether sessions are offered to agents when nobody works at this hour. If not, they wait and are offered at opening.
    pub offer_outside_hours: bool,
    /// By occasion; one that is missing is not said.
    #[schema(value_type = std::collections::BTreeMap<String, AutomaticMessage>)]
    pub messages: BTreeMap<Occasion, AutomaticMessage>,
    pub idle: IdleRules,
    pub opt_in: OptInRules,
    /// A customer who writes within this time after an agent's session ended comes to that agent first; 0 for never.
    pub return_minutes: u32,
    /// How long a reply waits for the customer.
    pub pending_hours: u32,
    /// Whether what customers delete stays readable here, marked as deleted.
    pub keep_deleted: bool,
    pub cases: CaseRules,
}

impl Default for ConversationSettings {
    fn default() -> Self {
        Self {
            hours: None,
            offer_outside_hours: true,
            messages: Occasion::ALL
                .iter()
                .map(|occasion| (*occasion, AutomaticMessage::default_of(*occasion)))
                .collect(),
            idle: IdleRules::default(),
            opt_in: OptInRules::default(),
            return_minutes: 0,
            pending_hours: 7 * 24,
            keep_deleted: false,
            cases: CaseRules::default(),
        }
    }
}

impl ConversationSettings {
    /// The message of an occasion, when it is switched on.
    #[must_use]
    pub fn message(&self, occasion: Occasion) -> Option<&AutomaticMessage> {
        self.messages.get(&occasion).filter(|message| message.enabled)
    }

    /// Whether nobody works at this moment.
    #[must_use]
    pub fn is_closed(&self, at: Timestamp) -> bool {
        self.hours.as_ref().is_some_and(|hours| !hours.are_open(at))
    }

    /// The first field with a fault, and what is wrong with it in words.
    #[must_use]
    pub fn fault(&self) -> Option<(String, String)> {
        if let Some(words) = self.hours.as_ref().and_then(BusinessHours::fault) {
            return Some(("hours".to_owned(), words));
        }
        for (occasion, message) in &self.messages {
            let texts = std::iter::once(&message.text).chain(message.texts.iter().map(|text| &text.body));
            if let Some(words) = texts.filter_map(|text| text_fault(text, message.enabled)).next() {
                return Some((format!("messages.{occasion}"), words));
            }
            if let Some(words) = locale_fault(&message.texts) {
                return Some((format!("messages.{occasion}"), words));
            }
        }
        let rules = &self.opt_in;
        let asks = rules.kind != OptInKind::Implicit;
        for (field, text, texts, needed) in [
            ("opt_in.question", &rules.question, &rules.questions, asks),
            ("opt_in.confirmation", &rules.confirmation, &rules.confirmations, rules.kind == OptInKind::Double),
        ] {
            let all = std::iter::once(text).chain(texts.iter().map(|text| &text.body));
            if let Some(words) = all.filter_map(|text| text_fault(text, needed)).next().or_else(|| locale_fault(texts))
            {
                return Some((field.to_owned(), words));
            }
        }
        if rules.words.iter().any(|word| plain(word).is_empty() || word.chars().count() > 40) {
            return Some(("opt_in.words".to_owned(), "A word has 1 to 40 letters or digits.".to_owned()));
        }
        self.cases.fault().or_else(|| self.times_fault())
    }

    /// When sessions are offered to agents again; `None` when they are offered now.
    #[must_use]
    pub fn offers_again_at(&self, now: Timestamp) -> Option<Timestamp> {
        if self.offer_outside_hours || !self.is_closed(now) {
            return None;
        }
        // Hours without an opening in sight: it is looked at again in a day.
        Some(self.hours.as_ref().and_then(|hours| hours.opens_at(now)).unwrap_or_else(|| now.plus(time::DAY)))
    }

    fn times_fault(&self) -> Option<(String, String)> {
        let IdleRules { warn_minutes, inactive_minutes, end_minutes } = self.idle;
        let given = [warn_minutes, inactive_minutes, end_minutes].into_iter().flatten();
        if given.clone().any(|minutes| minutes == 0 || minutes > LONGEST_MINUTES) {
            let words = format!("Give 1 to {LONGEST_MINUTES} minutes, or leave it empty.");
            return Some(("idle".to_owned(), words));
        }
        if let (Some(warn), Some(end)) = (warn_minutes, end_minutes)
            && warn >= end
        {
            let words = "The session has to end later than the customer is asked.".to_owned();
            return Some(("idle.end_minutes".to_owned(), words));
        }
        if self.return_minutes > LONGEST_MINUTES {
            let words = format!("Give at most {LONGEST_MINUTES} minutes.");
            return Some(("return_minutes".to_owned(), words));
        }
        if self.pending_hours == 0 || self.pending_hours > 30 * 24 {
            return Some(("pending_hours".to_owned(), "Give 1 to 720 hours.".to_owned()));
        }
        None
    }
}

fn text_fault(text: &str, needed: bool) -> Option<String> {
    let length = text.chars().count();
    if length > LONGEST_TEXT {
        return Some(format!("The text has {length} characters; at most {LONGEST_TEXT} are sent by themselves."));
    }
    (needed && text.trim().is_empty()).then(|| "Write a text, or switch it off.".to_owned())
}

fn locale_fault(texts: &[LocaleText]) -> Option<String> {
    let wrong = texts.iter().find(|text| !language::is_tag(&text.locale))?;
    Some(format!("'{}' is no language. Write it like de or pt-BR.", wrong.locale))
}

/// What stands in the places of an automatic text.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    pub name: &'a str,
    pub brand: &'a str,
    /// Who takes the session; empty on every other occasion.
    pub agent: &'a str,
    pub hours: Option<&'a BusinessHours>,
    pub now: Timestamp,
}

impl Places<'_> {
    /// Fills a text. A name that is not known leaves no gap.
    #[must_use]
    pub fn fill(&self, text: &str) -> String {
        let hours = self.hours.map_or_else(String::new, BusinessHours::words);
        let opens =
            self.hours.and_then(|hours| hours.opens_at(self.now).map(|at| hours.moment(at))).unwrap_or_default();
        let text = if self.name.is_empty() { text.replace(" {name}", "") } else { text.to_owned() };
        text.replace("{name}", self.name)
            .replace("{brand}", self.brand)
            .replace("{agent}", self.agent)
            .replace("{hours}", &hours)
            .replace("{opens}", &opens)
    }
}

#[cfg(test)]
#[path = "conversation_tests.rs"]
mod tests;
