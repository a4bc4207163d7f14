//! Programmes: what people join by texting a word, and the dialogue that leads into one.
//!
//! A single opt-in is done with the word. A double opt-in waits for one of the accepted answers; an age-gated one waits
//! for a birth date, which is used for the decision and not kept in the subscription.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{ProgrammeId, Timestamp, frequency::FrequencyCap, plain, time, vote::Vote};

crate::text_enum! {
    /// How people join.
    pub enum ProgrammeOptIn {
        /// The word is enough.
        Single = "single",
        /// The word, a question, and an accepted answer.
        Double = "double",
        /// The word, the question for the birth date, and an answer that shows the minimum age.
        AgeGated = "age_gated",
    }
}

impl ProgrammeOptIn {
    /// What is asked before somebody is in; nothing when the word is enough.
    #[must_use]
    pub const fn awaits(self) -> Option<Awaits> {
        match self {
            Self::Single => None,
            Self::Double => Some(Awaits::Confirmation),
            Self::AgeGated => Some(Awaits::BirthDate),
        }
    }
}

crate::text_enum! {
    /// What joining consents to; the wording of its texts must say the same.
    pub enum Covers {
        /// The messages of this programme.
        Programme = "programme",
        /// All marketing by SMS.
        AllMarketing = "all_marketing",
    }
}

crate::text_enum! {
    /// Where a person's subscription stands.
    pub enum SubscriptionState {
        /// The person was asked and has not answered yet.
        Pending = "pending",
        Active = "active",
        Ended = "ended",
    }
}

crate::text_enum! {
    /// What a pending subscription waits for.
    pub enum Awaits {
        Confirmation = "confirmation",
        BirthDate = "birth_date",
    }
}

crate::text_enum! {
    /// Why a subscription ended.
    pub enum EndReason {
        /// The person said STOP or something like it.
        Stopped = "stopped",
        /// The person answered no.
        Denied = "denied",
        /// Nobody answered in time.
        Expired = "expired",
        /// The person is below the minimum age.
        TooYoung = "too_young",
        /// No answer could be read.
        Unclear = "unclear",
        /// Somebody ended it in the console or by the API.
        Removed = "removed",
        /// The number belongs to somebody else now.
        Reassigned = "reassigned",
    }
}

crate::text_enum! {
    /// An order of day, month and year.
    pub enum DateFormat {
        DayMonthYear = "dmy",
        MonthDayYear = "mdy",
        YearMonthDay = "ymd",
    }
}

/// What a programme says and accepts. `{brand}`, `{programme}` and `{age}` in a text are filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProgrammeSettings {
    /// Sent when the subscription is active; must say how to end it.
    pub welcome_text: String,
    /// The question of a double opt-in.
    pub ask_text: String,
    /// Sent when somebody joins again who is in it; empty sends nothing.
    pub already_text: String,
    /// Sent after a no; empty sends nothing.
    pub declined_text: String,
    /// Answers that confirm, in any writing.
    pub accepted_words: Vec<String>,
    /// Hours that an answer may take.
    pub pending_hours: u32,
    /// The question of an age-gated opt-in.
    pub birth_date_question: String,
    /// In years.
    pub minimum_age: u32,
    /// Sent to those below it.
    pub too_young_text: String,
    /// Sent when no date can be read in the answer.
    pub retry_text: String,
    /// Orders in which a birth date may be written; the first that fits counts.
    pub date_formats: Vec<DateFormat>,
    /// Most messages to one person of the campaigns that are sent in its name.
    pub caps: Vec<FrequencyCap>,
}

impl Default for ProgrammeSettings {
    fn default() -> Self {
        Self {
            welcome_text: "{brand}: you joined {programme}. Msg & data rates may apply. HELP for help, STOP to end."
                .to_owned(),
            ask_text: "{brand}: reply YES to join {programme}. Msg & data rates may apply. HELP for help, STOP to end."
                .to_owned(),
            already_text: "{brand}: you are in {programme} already. HELP for help, STOP to end.".to_owned(),
            declined_text: String::new(),
            accepted_words: vec!["YES".to_owned(), "Y".to_owned()],
            pending_hours: 72,
            birth_date_question:
                "{brand}: to join {programme} you must be {age} or older. Reply with your birth date, \
                                  such as 12/31/1990."
                    .to_owned(),
            minimum_age: 18,
            too_young_text: "{brand}: sorry, you cannot join {programme}.".to_owned(),
            retry_text: "{brand}: please reply with your birth date, such as 12/31/1990, or STOP.".to_owned(),
            date_formats: vec![DateFormat::MonthDayYear],
            caps: Vec::new(),
        }
    }
}

/// Answers that decline, in their plain form.
const DECLINES: &[&str] = &["no", "n", "nein", "non", "nao", "nee", "nie", "hayir", "لا", "नहीं", "tidak"];

/// The longest a birth date may lie back, in years.
const OLDEST: i16 = 120;

/// How often an unreadable answer is asked for again.
pub const MOST_TRIES: u32 = 3;
/// A question is not asked again within this time, whoever asks for it.
pub const ASK_AGAIN_AFTER: i64 = 10 * time::MINUTE;
/// A question is asked at most this often within [`ASKS_WITHIN`].
pub const MOST_ASKS: u32 = 3;
/// See [`MOST_ASKS`]. A number that has said no is asked at most once in this time.
pub const ASKS_WITHIN: i64 = time::DAY;

/// What an answer amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Yes,
    No,
    TooYoung,
    /// It is no answer to the question.
    Unclear,
}

impl ProgrammeSettings {
    /// Reads the answer to the question that a pending subscription waits for. `today` is the date at the business.
    #[must_use]
    pub fn read(&self, awaits: Awaits, text: &str, today: Date) -> Answer {
        let word = plain::compact(text);
        if DECLINES.contains(&word.as_str()) {
            return Answer::No;
        }
        match awaits {
            Awaits::Confirmation if self.accepted_words.iter().any(|accepted| plain::compact(accepted) == word) => {
                if word.is_empty() {
                    Answer::Unclear
                } else {
                    Answer::Yes
                }
            }
            Awaits::Confirmation => Answer::Unclear,
            Awaits::BirthDate => match birth_date(text, &self.date_formats, today) {
                Some(born) if i64::from(age(born, today)) >= i64::from(self.minimum_age) => Answer::Yes,
                Some(_) => Answer::TooYoung,
                None => Answer::Unclear,
            },
        }
    }

    /// A text with what stands in braces filled in.
    #[must_use]
    pub fn fill(&self, text: &str, brand: &str, programme: &str) -> String {
        text.replace("{brand}", brand).replace("{programme}", programme).replace("{age}", &self.minimum_age.to_string())
    }

    /// When a question asked at `now` is no longer waited for.
    #[must_use]
    pub const fn pending_until(&self, now: Timestamp) -> Timestamp {
        now.plus(self.pending_hours as i64 * time::HOUR)
    }
}

/// The date in a time zone; that of UTC when the zone is not known.
#[must_use]
pub fn today(now: Timestamp, zone: &str) -> Date {
    let zone = crate::quiet_hours::zone(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    jiff::Timestamp::from_millisecond(now.0).unwrap_or_default().to_zoned(zone).date()
}

/// A birth date in one of the orders, with any separators or none.
fn birth_date(text: &str, formats: &[DateFormat], today: Date) -> Option<Date> {
    let numbers: Vec<&str> =
        text.split(|letter: char| !letter.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
    formats.iter().find_map(|format| {
        let (day, month, year) = match (format, numbers.as_slice()) {
            (DateFormat::DayMonthYear, [day, month, year]) => (*day, *month, *year),
            (DateFormat::MonthDayYear, [month, day, year]) => (*day, *month, *year),
            (DateFormat::YearMonthDay, [year, month, day]) => (*day, *month, *year),
            (format, [all]) if all.len() == 8 => match format {
                DateFormat::DayMonthYear => (&all[..2], &all[2..4], &all[4..]),
                DateFormat::MonthDayYear => (&all[2..4], &all[..2], &all[4..]),
                DateFormat::YearMonthDay => (&all[6..], &all[4..6], &all[..4]),
            },
            _ => return None,
        };
        if year.len() != 4 || day.len() > 2 || month.len() > 2 {
            return None;
        }
        let born = Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
        (born <= today && born.year() >= today.year() - OLDEST).then_some(born)
    })
}

/// Full years between a birth date and a day. Who was born on 29 February is a year older on 1 March of other years.
fn age(born: Date, today: Date) -> i16 {
    let had_birthday = (today.month(), today.day()) >= (born.month(), born.day());
    today.year() - born.year() - i16::from(!had_birthday)
}

/// What is known of earlier questions to a number for a programme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// How often within the current day of asking.
    pub times: u32,
    /// When that day began.
    pub since: Timestamp,
    /// When the last question was asked.
    pub last: Timestamp,
}

crate::text_enum! {
    /// Whether a number is known to want nothing.
    pub enum Standing {
        /// It has said no and not yes since.
        SaidNo = "said_no",
        Open = "open",
    }
}

impl Asked {
    /// The record after one more question at `now`.
    ///
    /// # Errors
    /// When it may not be asked yet: the moment from which it may.
    pub fn again(earlier: Option<Self>, standing: Standing, now: Timestamp) -> Result<Self, Timestamp> {
        let Some(earlier) = earlier.filter(|earlier| now.since(earlier.since) < ASKS_WITHIN) else {
            return Ok(Self { times: 1, since: now, last: now });
        };
        let most = if standing == Standing::SaidNo { 1 } else { MOST_ASKS };
        if earlier.times >= most {
            return Err(earlier.since.plus(ASKS_WITHIN));
        }
        if now.since(earlier.last) < ASK_AGAIN_AFTER {
            return Err(earlier.last.plus(ASK_AGAIN_AFTER));
        }
        Ok(Self { times: earlier.times + 1, since: earlier.since, last: now })
    }
}

/// A question that fills an attribute of the contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = KeywordQuestion)]
pub struct Question {
    pub text: String,
    /// Name of the attribute that the answer is kept in, such as `shoe_size`; `first_name`, `last_name` and `email` are
    /// fields of the contact itself.
    pub attribute: String,
}

/// What a word does that people text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum KeywordAction {
    /// Joins a programme.
    Join { programme_id: ProgrammeId },
    /// Leaves a programme and nothing else.
    Leave { programme_id: ProgrammeId },
    /// Is answered; then the questions are asked one after the other.
    Reply {
        /// Sent first; with questions it may be empty.
        text: String,
        #[serde(default)]
        questions: Vec<Question>,
        /// Sent after the last answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        closing: Option<String>,
        /// A word of the same sender whose action follows the last answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next_keyword: Option<String>,
    },
    /// Asks for a vote, and counts one of each number.
    Vote(Vote),
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: Date = Date::constant(2026, 11, 26);

    #[test]
    fn answers_to_a_double_opt_in() {
        let settings = ProgrammeSettings { accepted_words: vec!["YES".into(), "Sí".into()], ..Default::default() };
        for (text, answer) in [
            ("yes", Answer::Yes),
            (" Yes! ", Answer::Yes),
            ("SI", Answer::Yes),
            ("no", Answer::No),
            ("Nein.", Answer::No),
            ("y", Answer::Unclear),
            ("maybe", Answer::Unclear),
            ("🙂", Answer::Unclear),
        ] {
            assert_eq!(settings.read(Awaits::Confirmation, text, TODAY), answer, "{text}");
        }
        let none = ProgrammeSettings { accepted_words: vec!["!".into()], ..Default::default() };
        assert_eq!(none.read(Awaits::Confirmation, "?", TODAY), Answer::Unclear, "nothing is no answer");
    }

    #[test]
    fn birth_dates_and_the_day_one_is_old_enough() {
        use DateFormat::{DayMonthYear, MonthDayYear, YearMonthDay};
        for (formats, text, answer) in [
            (&[MonthDayYear][..], "11/26/2008", Answer::Yes),
            (&[MonthDayYear], "11/27/2008", Answer::TooYoung),
            (&[MonthDayYear], "I was born 1.2.1990", Answer::Yes),
            (&[MonthDayYear], "31/12/1990", Answer::Unclear),
            (&[MonthDayYear, DayMonthYear], "31/12/1990", Answer::Yes),
            (&[YearMonthDay], "1990-12-31", Answer::Yes),
            (&[DayMonthYear], "31121990", Answer::Yes),
            (&[DayMonthYear], "31.12.90", Answer::Unclear),
            (&[DayMonthYear], "30.02.1990", Answer::Unclear),
            (&[DayMonthYear], "01.01.2030", Answer::Unclear),
            (&[DayMonthYear], "01.01.1850", Answer::Unclear),
            (&[DayMonthYear], "yes", Answer::Unclear),
            (&[DayMonthYear], "no", Answer::No),
        ] {
            let settings = ProgrammeSettings { date_formats: formats.to_vec(), ..Default::default() };
            assert_eq!(settings.read(Awaits::BirthDate, text, TODAY), answer, "{text}");
        }
        assert_eq!(age(Date::constant(2008, 2, 29), Date::constant(2026, 2, 28)), 17);
        assert_eq!(age(Date::constant(2008, 2, 29), Date::constant(2026, 3, 1)), 18);
    }

    #[test]
    fn questions_are_rate_limited() {
        let at = |minutes: i64| Timestamp(minutes * time::MINUTE);
        let first = Asked::again(None, Standing::Open, at(0)).unwrap();
        assert_eq!(Asked::again(Some(first), Standing::Open, at(9)), Err(at(10)));
        let second = Asked::again(Some(first), Standing::Open, at(10)).unwrap();
        let third = Asked::again(Some(second), Standing::Open, at(30)).unwrap();
        assert_eq!(Asked::again(Some(third), Standing::Open, at(60)), Err(at(24 * 60)));
        assert_eq!(Asked::again(Some(third), Standing::Open, at(24 * 60)).unwrap().times, 1);
        assert_eq!(Asked::again(Some(first), Standing::SaidNo, at(60)), Err(at(24 * 60)));
    }

    #[test]
    fn texts_are_filled_in() {
        let settings = ProgrammeSettings::default();
        let text = settings.fill(&settings.birth_date_question, "Acme", "Wine club");
        assert!(text.starts_with("Acme: to join Wine club you must be 18 or older."), "{text}");
        assert_eq!(settings.pending_until(Timestamp(0)), Timestamp(72 * time::HOUR));
    }
}
