//! One row of a file: what it says, or why it is refused.

use std::borrow::Cow;

use jiff::{civil, tz::TimeZone};
use segue_model::{PhoneNumber, Timestamp, contact::ContactFields, phone::InvalidPhone, spreadsheet::unguarded_cell};
use segue_store::contact_view::AttributeDefinition;

use super::{
    mapping::{Claims, Field, Mapping},
    spare::certain_no,
    table::Record,
};
use crate::{
    attributes::{checked, definition},
    contacts::{check_field, clean},
    tables::values::Patch,
};

/// A row that can be imported.
#[derive(Debug, Clone)]
pub(super) struct ParsedRow {
    pub number: i64,
    pub phone: PhoneNumber,
    pub fields: ContactFields,
    pub says: Says,
    /// As they stand in the file.
    pub cells: Vec<String>,
}

/// What a row says of consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Says {
    Yes(Evidence),
    No,
    Nothing,
}

/// What a row itself shows of how consent was given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Evidence {
    pub wording: Option<String>,
    pub proof: Option<String>,
    pub given_at: Option<Timestamp>,
    /// Until when, for a consent that was given for a time only.
    pub expires_at: Option<Timestamp>,
}

/// Why a row is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Stable, for counting.
    pub code: &'static str,
    /// For who has the file before him.
    pub message: String,
}

impl Refusal {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// What became of a row of the file.
#[derive(Debug, Clone)]
pub(super) enum Parsed {
    Row(Box<ParsedRow>),
    /// A row of a table.
    OfTable(Patch),
    Refused {
        number: i64,
        refusal: Refusal,
        cells: Vec<String>,
        /// The number that says no in it: that is taken from any row.
        out: Option<PhoneNumber>,
    },
}

/// Reads rows by a mapping.
pub(super) struct RowReader {
    pub mapping: Mapping,
    definitions: Vec<AttributeDefinition>,
    country: String,
    /// In whose way dates are written.
    date_country: String,
    /// In which moments without an offset are written.
    zone: TimeZone,
    now: Timestamp,
}

/// Words that say yes, in lower case.
const YES: &[&str] = &[
    "yes",
    "y",
    "true",
    "t",
    "1",
    "x",
    "on",
    "ok",
    "opted in",
    "opted-in",
    "opt-in",
    "optin",
    "subscribed",
    "granted",
    "active",
    "ja",
    "j",
    "wahr",
    "si",
    "sí",
    "sim",
    "oui",
    "da",
    "tak",
    "evet",
    "vrai",
    "verdadero",
    "✓",
    "✔",
];

/// Words that say neither yes nor that somebody opted out, in lower case.
const NO: &[&str] = &[
    "no",
    "n",
    "false",
    "f",
    "0",
    "-",
    "off",
    "none",
    "nein",
    "falsch",
    "non",
    "faux",
    "não",
    "nao",
    "falso",
    "nee",
    "nie",
    "hayır",
    "hayir",
    "tidak",
    "لا",
    "नहीं",
    "nej",
    "nei",
    "нет",
    "ложь",
    "onwaar",
    "fałsz",
    "yanlış",
    "ne",
    "inactive",
    "pending",
    "unknown",
    "not subscribed",
    // What is written where nothing is known.
    "null",
    "\\n",
    "nil",
    "nan",
    "n/a",
    "na",
    "undefined",
    "(none)",
    "not opted out",
    "never",
    "0000-00-00",
    "0000-00-00 00:00:00",
];

/// Words for being in, which are no yes to being out.
const IN: &[&str] = &[
    "subscribed",
    "active",
    "opted in",
    "opted-in",
    "opted_in",
    "opt in",
    "opt-in",
    "opt_in",
    "optin",
    "optedin",
    "in",
    "confirmed",
];

/// Words in the column of opt-ins that say more than a missing yes, in lower case.
const OUT: &[&str] = &[
    "stop",
    "stopped",
    "unsubscribed",
    "unsubscribe",
    "opt out",
    "opted out",
    "opted-out",
    "opt-out",
    "optout",
    "revoked",
    "withdrawn",
    "do not contact",
    "abgemeldet",
];

/// Code of a row that has more cells than the header.
const TOO_MANY_CELLS: &str = "too_many_cells";

/// Whether a word in the column of opt-outs, in lower case, says that the person is not out: a no, a word for being in, or
/// what nobody said: a sign, the error of a formula, the address of a page where one could opt out. An opt-out of a file
/// stays when its import is undone, so it is not made from those.
fn is_not_out(word: &str) -> bool {
    NO.contains(&word)
        || IN.contains(&word)
        || word.starts_with('#')
        || ["www.", "mailto:"].iter().any(|start| word.starts_with(start))
        || word.contains("://")
        || !word.chars().any(char::is_alphanumeric)
}

impl RowReader {
    /// `definitions` are those of the workspace's attributes; `country` is that of numbers without a country code,
    /// `date_country` and `zone` the workspace's, in whose way and by whose clock dates are written, `now` the moment after
    /// which nobody can have agreed.
    pub fn new(
        mapping: Mapping,
        definitions: Vec<AttributeDefinition>,
        country: String,
        (date_country, zone): (String, TimeZone),
        now: Timestamp,
    ) -> Self {
        Self { mapping, definitions, country, date_country, zone, now }
    }

    /// What a row says, or why it is refused.
    pub fn read(&self, record: Record) -> Parsed {
        match self.parse(&record) {
            Ok(row) => Parsed::Row(Box::new(ParsedRow { cells: record.cells, ..row })),
            Err(mut refusal) => {
                let out = self.out_of(&record);
                if refusal.code == TOO_MANY_CELLS && (out.is_some() || self.may_say_no(&record)) {
                    refusal.message.push_str(match out {
                        Some(_) => " The opt-out in it counts all the same.",
                        None => " An opt-out in it is not recorded, since it is not certain which cell is which.",
                    });
                }
                Parsed::Refused { number: record.number, refusal, cells: record.cells, out }
            }
        }
    }

    /// The number that says no in a refused row. A row with too many cells says so only where it is certain which of them
    /// is in which column.
    fn out_of(&self, record: &Record) -> Option<PhoneNumber> {
        if self.has_spare_cells(record) {
            return certain_no(self, record);
        }
        let cell = |position: usize| cell_of(record, position);
        let position = self.mapping.fields.iter().find(|(_, field)| *field == Field::Standard("phone"))?.0;
        // Without its country, a number that brings its own is known all the same.
        let country = self.country_of(&cell).unwrap_or_default();
        let phone = phone(cell(position), &country).ok()?;
        (self.says(&cell) == Ok(Says::No)).then_some(phone)
    }

    /// Whether something in the row may be a no, in whichever column.
    fn may_say_no(&self, record: &Record) -> bool {
        let consent = &self.mapping.consent;
        let is_no = |cell: &String| {
            let word = unguarded_cell(cell.trim()).to_lowercase();
            OUT.contains(&word.as_str()) || (consent.opt_out.is_some() && is_yes(&word))
        };
        consent.opt_in.or(consent.opt_out).is_some() && record.cells.iter().any(is_no)
    }

    fn has_spare_cells(&self, record: &Record) -> bool {
        record.cells.iter().skip(self.mapping.columns).any(|cell| !cell.trim().is_empty())
    }

    fn parse(&self, record: &Record) -> Result<ParsedRow, Refusal> {
        if self.has_spare_cells(record) {
            return Err(Refusal::new(
                TOO_MANY_CELLS,
                format!(
                    "The row has {} cells, the header has {}. A cell that holds the separator must stand in quotation \
                     marks.",
                    record.cells.len(),
                    self.mapping.columns
                ),
            ));
        }
        let cell = |position: usize| cell_of(record, position);
        let country = self.country_of(&cell)?;
        let mut fields = ContactFields::default();
        for (position, field) in &self.mapping.fields {
            let text = cell(*position);
            match field {
                Field::Standard("phone") => fields.phone = Some(phone(text, &country)?),
                Field::Standard(name) => {
                    let value = clean(text, 300);
                    check_field(name, value.as_deref()).map_err(|error| {
                        let code = if *name == "email" { "email_invalid" } else { "time_zone_unknown" };
                        Refusal::new(code, error.to_string())
                    })?;
                    fields.set_field(name, value);
                }
                Field::Attribute(name) => {
                    if let Some(value) = clean(text, 2_000) {
                        let value = match definition(&self.definitions, name) {
                            None => value,
                            Some(definition) => checked(definition, &value)
                                .map_err(|message| Refusal::new("attribute_invalid", message))?,
                        };
                        fields.attributes.insert(name.clone(), value);
                    }
                }
            }
        }
        let phone =
            fields.phone.clone().ok_or_else(|| Refusal::new("phone_missing", "The row has no phone number."))?;
        let says = self.says(&cell)?;
        Ok(ParsedRow { number: record.number, phone, fields, says, cells: Vec::new() })
    }

    /// The country by which the row's number is read.
    pub fn country_of<'a>(&self, cell: &impl Fn(usize) -> &'a str) -> Result<Cow<'_, str>, Refusal> {
        match self.mapping.country.map(cell).filter(|text| !text.is_empty()) {
            None => Ok(Cow::Borrowed(self.country.as_str())),
            Some(text) if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
                Ok(Cow::Owned(text.to_ascii_uppercase()))
            }
            Some(text) => {
                let message =
                    format!("The country '{}' is not a code of two letters such as US or DE.", shortened(text));
                Err(Refusal::new("country_unknown", message))
            }
        }
    }

    /// Whether a row says that somebody opted out. In the column of opt-outs everything does that is not known to mean
    /// something else: a word nobody thought of, or the day it was said.
    pub fn says_no<'a>(&self, cell: &impl Fn(usize) -> &'a str) -> bool {
        let word = |position: Option<usize>| position.map(|position| cell(position).to_lowercase());
        let (out, opt_in) = (word(self.mapping.consent.opt_out), word(self.mapping.consent.opt_in));
        out.is_some_and(|word| !is_not_out(&word)) || opt_in.is_some_and(|word| OUT.contains(&word.as_str()))
    }

    /// Whether this is a known word of a column of opt-ins or opt-outs, or nothing.
    pub fn is_answer(cell: &str) -> bool {
        let word = cell.to_lowercase();
        word.is_empty() || [YES, NO, OUT].iter().any(|words| words.contains(&word.as_str()))
    }

    fn says<'a>(&self, cell: &impl Fn(usize) -> &'a str) -> Result<Says, Refusal> {
        if self.says_no(cell) {
            return Ok(Says::No);
        }
        let consent = &self.mapping.consent;
        if consent.opt_in.is_some_and(|position| !is_yes(&cell(position).to_lowercase())) {
            return Ok(Says::Nothing);
        }
        if consent.claims == Claims::Nothing {
            return Ok(Says::Nothing);
        }
        let text = |position: Option<usize>| position.and_then(|position| clean(cell(position), 2_000));
        let given_at = match text(consent.date) {
            None => None,
            Some(text) => Some(self.moment(&text)?),
        };
        let expires_at = match text(consent.expires) {
            None => None,
            Some(text) => Some(self.end(&text)?),
        };
        Ok(Says::Yes(Evidence { wording: text(consent.wording), proof: text(consent.proof), given_at, expires_at }))
    }

    /// Until when somebody agreed. A day without a time counts until it begins: never longer than was agreed.
    fn end(&self, text: &str) -> Result<Timestamp, Refusal> {
        moment(text, (&self.date_country, &self.zone)).ok_or_else(|| {
            let message = format!("The end of consent '{}' cannot be read. Write it as 2027-03-31.", shortened(text));
            Refusal::new("consent_end_invalid", message)
        })
    }

    /// When somebody agreed.
    fn moment(&self, text: &str) -> Result<Timestamp, Refusal> {
        let moment = moment(text, (&self.date_country, &self.zone)).ok_or_else(|| {
            let message = format!("The date of consent '{}' cannot be read. Write it as 2026-03-31.", shortened(text));
            Refusal::new("consent_date_invalid", message)
        })?;
        if moment > self.now {
            return Err(Refusal::new("consent_date_invalid", "The date of consent lies in the future."));
        }
        Ok(moment)
    }
}

/// A cell as it is read; nothing where the row ends before it.
pub(super) fn cell_of(record: &Record, position: usize) -> &str {
    record.cells.get(position).map_or("", |cell| unguarded_cell(cell.trim()))
}

fn is_yes(word: &str) -> bool {
    YES.contains(&word)
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

/// A phone number as files hold them.
pub(super) fn phone(text: &str, country: &str) -> Result<PhoneNumber, Refusal> {
    PhoneNumber::parse(&plain_number(text)?, Some(country)).map_err(|error| {
        let code = match error {
            InvalidPhone::Empty => "phone_missing",
            InvalidPhone::NoCountry => "phone_without_country",
            InvalidPhone::NotANumber | InvalidPhone::Impossible => "phone_invalid",
        };
        Refusal::new(code, error.to_string())
    })
}

/// Undoes what spreadsheets make of long numbers: `15550100123.0` and `1.5550100123E+10`. A number that lost digits on
/// the way cannot be told from another one, so it is refused.
fn plain_number(text: &str) -> Result<Cow<'_, str>, Refusal> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((whole, rest)) = text.split_once('.')
        && digits(whole)
        && whole.len() >= 7
        && digits(rest)
        && rest.bytes().all(|byte| byte == b'0')
    {
        return Ok(Cow::Borrowed(whole));
    }
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else { return Ok(Cow::Borrowed(text)) };
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    if whole.len() != 1 || !digits(whole) || !(fraction.is_empty() || digits(fraction)) || !digits(exponent) {
        return Ok(Cow::Borrowed(text));
    }
    match exponent.parse::<usize>() {
        Ok(places) if places == fraction.len() => Ok(Cow::Owned(format!("{whole}{fraction}"))),
        _ => Err(Refusal::new(
            "phone_lost_digits",
            format!(
                "The spreadsheet shortened this number to {}. Format its column as text, enter it anew, and export again.",
                shortened(text)
            ),
        )),
    }
}

/// Years before it are written with two digits, or wrong.
const FIRST_YEAR: i16 = 1_000;

/// A date or moment as files hold them: `2026-03-31`, `2026-03-31T10:00Z`, `31.03.2026`, `31/03/2026`, and
/// `03/31/2026` where the workspace is in the United States. What names no offset is by the workspace's clock, and a date
/// alone counts from its begin there.
fn moment(text: &str, (country, zone): (&str, &TimeZone)) -> Option<Timestamp> {
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp(moment.as_millisecond()));
    }
    let at = |moment: civil::DateTime| {
        moment.to_zoned(zone.clone()).ok().map(|zoned| Timestamp(zoned.timestamp().as_millisecond()))
    };
    if let Ok(moment) = text.replacen(' ', "T", 1).parse::<civil::DateTime>() {
        return if moment.year() < FIRST_YEAR { None } else { at(moment) };
    }
    let date = text.split([' ', 'T', ',']).next()?;
    let parts: Vec<i16> = date.split(['.', '/', '-']).map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [first, second, year] = parts[..] else { return None };
    if year < FIRST_YEAR {
        // Of two digits nobody knows the century.
        return None;
    }
    let (day, month) = if date.contains('/') && country == "US" { (second, first) } else { (first, second) };
    let date = civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    at(date.to_datetime(civil::Time::midnight()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_spreadsheets_changed() {
        for (text, expected) in [
            ("15550100123.0", Ok("+15550100123")),
            ("1.5550100123E+10", Ok("+15550100123")),
            ("1,5550100123e10", Ok("+15550100123")),
            ("1.55501E+10", Err("phone_lost_digits")),
            ("1.55501001234E+10", Err("phone_lost_digits")),
            ("+1 555 010 0123", Ok("+15550100123")),
            ("212.555.0100", Ok("+12125550100")),
            ("", Err("phone_missing")),
            ("12", Err("phone_invalid")),
            ("E10", Err("phone_invalid")),
        ] {
            let found = phone(text, "US");
            match expected {
                Ok(number) => assert_eq!(found.unwrap().as_str(), number, "{text}"),
                Err(code) => assert_eq!(found.unwrap_err().code, code, "{text}"),
            }
        }
    }

    #[test]
    fn dates_of_consent() {
        let day = Some(Timestamp(1_774_915_200_000)); // 2026-03-31
        for (text, country, expected) in [
            ("2026-03-31", "US", day),
            ("2026-03-31T00:00:00Z", "US", day),
            ("2026-03-31 00:00", "US", day),
            ("31.03.2026", "DE", day),
            ("31.03.2026 10:15", "DE", day),
            ("31/03/2026", "GB", day),
            ("03/31/2026", "US", day),
            ("31/31/2026", "US", None),
            ("last spring", "US", None),
            ("2026", "US", None),
            ("31.03.26", "DE", None),
            ("03/31/26", "US", None),
            ("26-03-31", "DE", None),
            ("0026-03-31", "DE", None),
        ] {
            assert_eq!(moment(text, (country, &TimeZone::UTC)), expected, "{text}");
        }
    }

    #[test]
    fn dates_are_by_the_workspaces_clock_unless_they_say_otherwise() {
        for (text, zone, expected) in [
            ("2026-03-31", "Pacific/Auckland", "2026-03-30T11:00:00.000Z"),
            ("31/03/2026", "Pacific/Auckland", "2026-03-30T11:00:00.000Z"),
            ("2026-03-31 09:00", "Pacific/Auckland", "2026-03-30T20:00:00.000Z"),
            ("2026-03-31T09:00:00Z", "Pacific/Auckland", "2026-03-31T09:00:00.000Z"),
            ("2026-03-31", "America/New_York", "2026-03-31T04:00:00.000Z"),
        ] {
            let zone = TimeZone::get(zone).unwrap();
            let found = moment(text, ("GB", &zone)).map(|at| at.to_string());
            assert_eq!(found.as_deref(), Some(expected), "{text}");
        }
    }
}
