//! Rule books: what law, carriers and good practice say about promotional texts, by place, as versioned data.
//!
//! The files are `data/rules/*.toml`. A change of a rule is a new `version` of its book; a rule that begins or ends on a
//! day has `effective_from` and `effective_until`, so that a build knows tomorrow's rule today. Service messages and
//! replies to keywords are exempt from all of them: the rules speak of promotion.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    Place, Timestamp, frequency,
    holiday::Holidays,
    time,
    week_hours::{Day, WeekHours},
};

static BOOKS: LazyLock<Vec<RuleBook>> = LazyLock::new(|| {
    [include_str!("../data/rules/us.toml"), include_str!("../data/rules/world.toml")]
        .into_iter()
        .map(|text| RuleBook::parse(text).unwrap_or_else(|error| panic!("a rule book of this build: {error}")))
        .collect()
});

static BY_PLACE: LazyLock<HashMap<&'static str, Vec<&'static Law>>> = LazyLock::new(|| {
    let mut by_place: HashMap<_, Vec<_>> = HashMap::new();
    for law in BOOKS.iter().flat_map(|book| &book.rules) {
        by_place.entry(law.place.as_str()).or_default().push(law);
    }
    by_place
});

crate::text_enum! {
    /// How binding a rule is.
    pub enum Basis {
        /// Statute or regulation.
        Law = "law",
        /// A code of the carriers, enforced by them.
        Code = "code",
        /// Good practice.
        Practice = "practice",
    }
}

/// A rule book.
#[derive(Debug)]
pub struct RuleBook {
    pub name: String,
    pub title: String,
    /// Names this content; changes whenever a rule does.
    pub version: String,
    pub rules: Vec<Law>,
}

/// One rule of a book: hours, a frequency, or both.
#[derive(Debug)]
pub struct Law {
    /// Stable name, such as `us.fl`.
    pub id: String,
    /// Version of its book.
    pub version: String,
    /// ISO 3166 code of the country or state; `US-?` for an unknown state.
    pub place: String,
    /// The place in words.
    pub title: String,
    pub hours: Option<WeekHours>,
    pub frequency: Option<Frequency>,
    pub basis: Basis,
    /// Where the rule stands.
    pub source: String,
    pub effective_from: Date,
    pub effective_until: Option<Date>,
    from: Timestamp,
    until: Option<Timestamp>,
}

/// At most so many promotional messages in so many hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Frequency {
    pub messages: u32,
    pub hours: u32,
}

impl Frequency {
    /// The period in milliseconds.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.hours as i64 * time::HOUR
    }

    /// "3 in 24 hours".
    #[must_use]
    pub fn words(self) -> String {
        frequency::words(self.messages, self.millis())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BookFile {
    name: String,
    title: String,
    version: String,
    #[serde(default)]
    holidays: BTreeMap<String, Vec<String>>,
    rules: Vec<RuleFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    id: String,
    place: String,
    title: String,
    #[serde(default)]
    hours: Vec<SpanFile>,
    holidays: Option<String>,
    frequency: Option<Frequency>,
    basis: Basis,
    source: String,
    effective_from: Date,
    effective_until: Option<Date>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpanFile {
    days: String,
    from: String,
    to: String,
}

impl RuleBook {
    /// Reads a book.
    ///
    /// # Errors
    /// When it is not one, with the rule and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: BookFile = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut holidays: HashMap<String, &'static Holidays> = HashMap::new();
        for (name, days) in &file.holidays {
            let days = Holidays::parse(days).ok_or_else(|| format!("holidays of {name}"))?;
            // Books live as long as the program.
            holidays.insert(name.clone(), Box::leak(Box::new(days)));
        }
        let rules = file.rules.into_iter().map(|rule| {
            let id = rule.id.clone();
            Law::read(rule, &file.version, &holidays).ok_or_else(|| format!("rule {id} cannot be read"))
        });
        Ok(Self {
            name: file.name,
            title: file.title,
            version: file.version.clone(),
            rules: rules.collect::<Result<_, _>>()?,
        })
    }
}

impl Law {
    fn read(file: RuleFile, version: &str, holidays: &HashMap<String, &'static Holidays>) -> Option<Self> {
        let holidays = match &file.holidays {
            Some(name) => Some(*holidays.get(name)?),
            None => None,
        };
        let spans = file.hours.iter().map(|span| Some((days(&span.days)?, minute(&span.from)?, minute(&span.to)?)));
        let spans = spans.collect::<Option<Vec<_>>>()?;
        let hours = if spans.is_empty() { None } else { Some(WeekHours::of_spans(spans, holidays)?) };
        if hours.is_none() && file.frequency.is_none() {
            return None;
        }
        Some(Self {
            version: version.to_owned(),
            from: midnight(file.effective_from)?,
            until: file.effective_until.map(midnight).map_or(Some(None), |until| until.map(Some))?,
            id: file.id,
            place: file.place,
            title: file.title,
            hours,
            frequency: file.frequency,
            basis: file.basis,
            source: file.source,
            effective_from: file.effective_from,
            effective_until: file.effective_until,
        })
    }

    /// Whether it holds at this moment.
    #[must_use]
    pub fn is_in_force(&self, at: Timestamp) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

/// `daily`, `mon`, or `mon-sat`.
fn days(text: &str) -> Option<Vec<Day>> {
    if text == "daily" {
        return Some(Day::ALL.to_vec());
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (Day::parse(first).ok()?.index(), Day::parse(last).ok()?.index());
    Day::ALL.get(first..=last).map(<[Day]>::to_vec)
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (minute < 60 && hour <= 24).then_some(hour * 60 + minute)
}

/// Begin of the day in UTC: a day's difference at the border is nothing a message depends on.
fn midnight(date: Date) -> Option<Timestamp> {
    let moment = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp(moment.timestamp().as_millisecond()))
}

/// The rule books of this build.
#[must_use]
pub fn books() -> &'static [RuleBook] {
    &BOOKS
}

/// The rule with this id.
#[must_use]
pub fn law(id: &str) -> Option<&'static Law> {
    BOOKS.iter().flat_map(|book| &book.rules).find(|law| law.id == id)
}

/// The rules that hold for promotional texts to a place at a moment: its country's and its state's, or those for an
/// unknown state. None for no place.
#[must_use]
pub fn laws_at(place: Option<Place>, at: Timestamp) -> Vec<&'static Law> {
    let Some(place) = place else { return Vec::new() };
    let region = match place.region {
        None if place.country == "US" => Some("US-?"),
        region => region,
    };
    let of = |place| BY_PLACE.get(place).into_iter().flatten().copied();
    let laws = of(place.country).chain(region.into_iter().flat_map(of));
    laws.filter(|law| law.is_in_force(at)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_453_200_000);

    #[test]
    fn every_book_can_be_read_and_every_rule_has_a_source() {
        let mut ids = std::collections::HashSet::new();
        for law in books().iter().flat_map(|book| &book.rules) {
            assert!(ids.insert(&law.id), "{} twice", law.id);
            assert!(law.source.len() > 10 && law.id.contains('.'), "{}", law.id);
            assert!(law.is_in_force(NOW), "{}", law.id);
        }
        assert!(ids.len() >= 22, "{}", ids.len());
    }

    #[test]
    fn a_place_has_the_rules_of_its_country_and_its_state() {
        let ids = |country, region| -> Vec<&str> {
            laws_at(Some(Place { country, region }), NOW).iter().map(|law| law.id.as_str()).collect()
        };
        assert_eq!(ids("US", Some("US-FL")), ["us.federal", "us.fl"]);
        assert_eq!(ids("US", Some("US-CA")), ["us.federal"]);
        assert_eq!(ids("US", None), ["us.federal", "us.unknown_state"]);
        assert_eq!(ids("FR", None), ["world.fr"]);
        assert_eq!(ids("CA", Some("CA-ON")), ["world.ca"]);
        assert!(ids("BR", None).is_empty());
        assert!(laws_at(None, NOW).is_empty());
    }

    #[test]
    fn a_rule_begins_on_its_day() {
        let texas = law("us.tx").unwrap();
        assert!(!texas.is_in_force(Timestamp::parse_rfc3339("2025-08-31T23:59:59Z").unwrap()));
        assert!(texas.is_in_force(Timestamp::parse_rfc3339("2025-09-01T00:00:00Z").unwrap()));
        assert_eq!(texas.hours.unwrap().words(), "Mon–Sat 09:00–21:00; Sun 12:00–21:00");
    }

    #[test]
    fn a_book_with_a_mistake_is_refused() {
        let book = |rule: &str| {
            RuleBook::parse(&format!(
                "name = 'x'\ntitle = 'x'\nversion = '1'\n[[rules]]\nid = 'x.y'\nplace = 'XX'\ntitle = 'X'\n{rule}\n\
                 basis = 'law'\nsource = 'somewhere'\neffective_from = '2020-01-01'"
            ))
        };
        assert!(book("hours = [{ days = 'daily', from = '08:00', to = '20:00' }]").is_ok());
        for mistake in [
            "",
            "hours = [{ days = 'daily', from = '20:00', to = '08:00' }]",
            "hours = [{ days = 'sometimes', from = '08:00', to = '20:00' }]",
            "hours = [{ days = 'sat-mon', from = '08:00', to = '20:00' }]",
            "hours = [{ days = 'daily', from = '8', to = '20:00' }]",
            "holidays = 'mars'\nhours = [{ days = 'daily', from = '08:00', to = '20:00' }]",
            "surprise = 1",
        ] {
            assert!(book(mistake).is_err(), "{mistake}");
        }
    }
}
