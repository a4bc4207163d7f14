//! What WhatsApp charges for a message: price lists by day, the market a number belongs to, and what is free when.
//!
//! The prices are data. The product brings one card that is made up, for demonstrations ([`demonstration`]); real ones are
//! taken in from the platform's own table ([`RateCard::read_csv`]). What is free follows the platform's rules of the day.

use std::{collections::BTreeSet, sync::LazyLock};

use jiff::{civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{Timestamp, quiet_hours};

crate::text_enum! {
    /// What the platform takes a message for.
    pub enum RateCategory {
        Marketing = "marketing",
        Utility = "utility",
        Authentication = "authentication",
        Service = "service",
    }
}

/// The price of one message of a category to a market.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Rate {
    pub market: String,
    pub category: RateCategory,
    /// In thousandths of a minor unit of the card's currency.
    pub thousandths: i64,
}

/// A price list that is valid from a day on, until the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RateCard {
    pub name: String,
    /// The first day, `2026-10-01`.
    pub valid_from: String,
    /// ISO 4217.
    pub currency: String,
    pub rates: Vec<Rate>,
}

/// Why a price list cannot be taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RateCardProblem {
    /// The heading lacks a column.
    #[error("The first line has to name the columns market, category and price.")]
    Columns,
    /// A line is not valid.
    #[error("Line {line}: {what}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// There is no price in it.
    #[error("There is no price in the file.")]
    Empty,
    /// The day it begins is none.
    #[error("The first day has to be written as 2026-10-01.")]
    Day,
}

impl RateCard {
    /// Reads a table with the columns market, category and price, where the price is that of one message in the currency's
    /// major unit, with a point: `Germany,marketing,0.1131`.
    ///
    /// # Errors
    /// [`RateCardProblem`] with the line.
    pub fn read_csv(name: &str, valid_from: &str, currency: &str, text: &str) -> Result<Self, RateCardProblem> {
        let (card, mut problems) = Self::check_csv(name, valid_from, currency, text);
        if problems.is_empty() { Ok(card) } else { Err(problems.swap_remove(0)) }
    }

    /// Reads a table as [`Self::read_csv`] does, and gives everything that is wrong with it, the first [`MOST_PROBLEMS`] of
    /// that. The card has what could be read.
    #[must_use]
    pub fn check_csv(name: &str, valid_from: &str, currency: &str, text: &str) -> (Self, Vec<RateCardProblem>) {
        let mut card = Self {
            name: name.to_owned(),
            valid_from: valid_from.to_owned(),
            currency: currency.to_owned(),
            rates: Vec::new(),
        };
        let mut problems = Vec::new();
        if valid_from.parse::<Date>().is_err() {
            problems.push(RateCardProblem::Day);
        }
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        let heading = lines.next().map(|(_, line)| cells(line)).unwrap_or_default();
        let place = |wanted: &str| heading.iter().position(|cell| cell.eq_ignore_ascii_case(wanted));
        let (Some(market), Some(category), Some(price)) = (place("market"), place("category"), place("price")) else {
            problems.push(RateCardProblem::Columns);
            return (card, problems);
        };
        let places = (market, category, price);
        for (number, line) in lines {
            match read_line(&card.rates, number + 1, line, places) {
                Ok(rate) => card.rates.push(rate),
                Err(problem) if problems.len() < MOST_PROBLEMS => problems.push(problem),
                Err(_) => break,
            }
        }
        if card.rates.is_empty() && problems.is_empty() {
            problems.push(RateCardProblem::Empty);
        }
        (card, problems)
    }
    /// The price of one message, in thousandths of a minor unit.
    #[must_use]
    pub fn price(&self, market: &str, category: RateCategory) -> Option<i64> {
        let found = self.rates.iter().find(|rate| rate.market == market && rate.category == category);
        found.map(|rate| rate.thousandths)
    }
}

/// The time zone that price lists count days in; UTC for a name that no database of zones has any more.
#[must_use]
pub fn zone_of(name: &str) -> TimeZone {
    quiet_hours::zone(name).unwrap_or(TimeZone::UTC)
}

/// Most problems of a table that are told at once.
pub const MOST_PROBLEMS: usize = 20;

/// One line of a table, below the prices that were read before.
fn read_line(
    known: &[Rate],
    number: usize,
    line: &str,
    (market, category, price): (usize, usize, usize),
) -> Result<Rate, RateCardProblem> {
    let wrong = |what: String| RateCardProblem::Line { line: number, what };
    let cells = cells(line);
    let cell = |place: usize| cells.get(place).map_or("", |cell| cell.as_str());
    let market = market_named(cell(market))
        .ok_or_else(|| wrong(format!("there is no market called \u{201c}{}\u{201d}.", cell(market))))?;
    let category = RateCategory::parse(&cell(category).to_ascii_lowercase())
        .map_err(|_| wrong(format!("there is no category called \u{201c}{}\u{201d}.", cell(category))))?;
    let thousandths = thousandths(cell(price))
        .ok_or_else(|| wrong(format!("\u{201c}{}\u{201d} is no price such as 0.0250.", cell(price))))?;
    if known.iter().any(|rate| rate.market == market && rate.category == category) {
        return Err(wrong(format!("{market} has two prices for {category}.")));
    }
    Ok(Rate { market: market.to_owned(), category, thousandths })
}

/// A price that another list has otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RateChange {
    pub market: String,
    pub category: RateCategory,
    /// In thousandths of a minor unit; null when there was none.
    pub before: Option<i64>,
    /// Null when there is none any more.
    pub after: Option<i64>,
}

/// What is otherwise in `after`, by market and category.
#[must_use]
pub fn changes(before: &RateCard, after: &RateCard) -> Vec<RateChange> {
    let keys = before.rates.iter().chain(&after.rates).map(|rate| (rate.market.as_str(), rate.category));
    let keys: BTreeSet<(&str, &str)> = keys.map(|(market, category)| (market, category.as_str())).collect();
    let change = |(market, category): (&str, &str)| {
        let category = RateCategory::parse(category).ok()?;
        let (was, is) = (before.price(market, category), after.price(market, category));
        // Prices of two currencies cannot be compared.
        let differs = was != is || before.currency != after.currency;
        differs.then(|| RateChange {
            market: market.to_owned(),
            category,
            before: was.filter(|_| before.currency == after.currency),
            after: is,
        })
    };
    keys.into_iter().filter_map(change).collect()
}

/// The markets that a list has no price for marketing of.
#[must_use]
pub fn unpriced(card: &RateCard) -> Vec<&'static str> {
    let all: BTreeSet<&str> = MARKETS.countries.iter().map(|(_, market)| *market).chain([OTHER]).collect();
    all.into_iter().filter(|market| card.price(market, RateCategory::Marketing).is_none()).collect()
}

/// The card that is valid at a moment: the one with the latest first day that has come. Days begin at midnight in the time
/// zone of the business account.
#[must_use]
pub fn valid_at<'a>(cards: &'a [RateCard], at: Timestamp, zone: &TimeZone) -> Option<&'a RateCard> {
    let today = at.to_jiff().to_zoned(zone.clone()).date();
    let begun = cards.iter().filter_map(|card| {
        let day: Date = card.valid_from.parse().ok()?;
        (day <= today).then_some((day, card))
    });
    begun.max_by_key(|(day, _)| *day).map(|(_, card)| card)
}

/// From this day on what is sent within the service window is charged too, but for a free allowance of service messages.
const CHARGED_IN_WINDOW_FROM: Date = jiff::civil::date(2026, 10, 1);

/// Whether a message is free by the platform's rules of the day: in the service window, or within a free entry point, which
/// an advertisement opens.
#[must_use]
pub fn is_free(
    category: RateCategory,
    in_window: bool,
    in_free_entry: bool,
    (at, zone): (Timestamp, &TimeZone),
) -> bool {
    if in_free_entry {
        return true;
    }
    match category {
        RateCategory::Marketing | RateCategory::Authentication => false,
        RateCategory::Utility | RateCategory::Service => {
            in_window && at.to_jiff().to_zoned(zone.clone()).date() < CHARGED_IN_WINDOW_FROM
        }
    }
}

/// The market that the platform counts a country to. Every country belongs to one.
#[must_use]
pub fn market_of(country: &str) -> &'static str {
    MARKETS.countries.iter().find(|(code, _)| *code == country).map_or(OTHER, |(_, market)| market)
}

/// The market of all countries that none is named for.
pub const OTHER: &str = "Other";

fn market_named(name: &str) -> Option<&'static str> {
    let mut names = MARKETS.countries.iter().map(|(_, market)| *market).chain([OTHER]);
    names.find(|market| market.eq_ignore_ascii_case(name.trim()))
}

struct Markets {
    /// ISO 3166 code and market.
    countries: Vec<(&'static str, &'static str)>,
}

static MARKETS: LazyLock<Markets> = LazyLock::new(|| {
    let lines = include_str!("../data/whatsapp_markets.csv").lines().skip(1);
    Markets { countries: lines.filter_map(|line| line.split_once(',')).collect() }
});

/// Made-up prices, so that a forecast can be shown before anybody has taken the real ones in.
#[must_use]
pub fn demonstration() -> &'static RateCard {
    static CARD: LazyLock<RateCard> = LazyLock::new(|| {
        let text = include_str!("../data/whatsapp_demonstration_rates.csv");
        let name = "Demonstration prices (made up)";
        RateCard::read_csv(name, "2025-07-01", "USD", text).unwrap_or_else(|problem| RateCard {
            name: format!("{name}: {problem}"),
            valid_from: "2025-07-01".to_owned(),
            currency: "USD".to_owned(),
            rates: Vec::new(),
        })
    });
    &CARD
}

fn cells(line: &str) -> Vec<String> {
    line.split(',').map(|cell| cell.trim().trim_matches('"').trim().to_owned()).collect()
}

/// Thousandths of a minor unit of `0.0250`: five digits behind the point.
fn thousandths(price: &str) -> Option<i64> {
    let (whole, part) = price.split_once('.').unwrap_or((price, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 6 || part.len() > 5 || !is_number(whole) || !is_number(part) {
        return None;
    }
    format!("{whole}{part:0<5}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str =
        "market,category,price\nGermany,marketing,0.1131\nGermany,utility,0.0456\n# a note\nOther,Marketing,0.06\n";

    #[test]
    fn a_table_is_read_with_its_faults_by_line() {
        let card = RateCard::read_csv("July", "2025-07-01", "USD", SAMPLE).unwrap();
        assert_eq!(card.price("Germany", RateCategory::Marketing), Some(11_310));
        assert_eq!(card.price("Other", RateCategory::Marketing), Some(6_000));
        assert_eq!(card.price("Germany", RateCategory::Service), None);
        let problem = |text: &str| RateCard::read_csv("x", "2025-07-01", "USD", text).unwrap_err().to_string();
        assert!(problem("market,price\n").contains("columns"));
        assert!(problem("market,category,price\nAtlantis,marketing,1\n").starts_with("Line 2: there is no market"));
        assert!(problem("market,category,price\nGermany,gossip,1\n").contains("category"));
        assert!(problem("market,category,price\nGermany,marketing,1e3\n").contains("no price"));
        assert!(problem("market,category,price\nGermany,marketing,-1\n").contains("no price"));
        let twice = "market,category,price\nGermany,marketing,1\ngermany,marketing,2\n";
        assert_eq!(problem(twice), "Line 3: Germany has two prices for marketing.");
        assert!(problem("market,category,price\n").contains("no price in the file"));
        assert_eq!(RateCard::read_csv("x", "soon", "USD", SAMPLE).unwrap_err(), RateCardProblem::Day);
    }

    #[test]
    fn the_card_of_the_day_is_taken_and_never_a_later_one() {
        let card = |day: &str| RateCard { valid_from: day.to_owned(), ..demonstration().clone() };
        let cards = [card("2026-10-01"), card("2025-07-01"), card("2027-01-01")];
        // A second before and at midnight of 2026-10-01.
        let (before, at) = (Timestamp(1_790_812_799_000), Timestamp(1_790_812_800_000));
        let day = |at: Timestamp, zone: &TimeZone| valid_at(&cards, at, zone).map(|card| card.valid_from.clone());
        assert_eq!(day(before, &TimeZone::UTC).as_deref(), Some("2025-07-01"));
        assert_eq!(day(at, &TimeZone::UTC).as_deref(), Some("2026-10-01"));
        assert_eq!(day(Timestamp(0), &TimeZone::UTC), None);
        // In Berlin the day began two hours earlier, in Los Angeles it begins seven hours later.
        let (berlin, angeles) =
            (TimeZone::get("Europe/Berlin").unwrap(), TimeZone::get("America/Los_Angeles").unwrap());
        assert_eq!(day(before, &berlin).as_deref(), Some("2026-10-01"));
        assert_eq!(day(at, &angeles).as_deref(), Some("2025-07-01"));
        assert!(is_free(RateCategory::Service, true, false, (at, &angeles)));
        assert!(!is_free(RateCategory::Service, true, false, (before, &berlin)));
    }

    #[test]
    fn all_faults_are_told_at_once_and_changes_and_gaps_are_found() {
        let text = "market,category,price\nAtlantis,marketing,1\nGermany,gossip,1\nGermany,marketing,0.2\n";
        let (card, problems) = RateCard::check_csv("x", "soon", "USD", text);
        assert_eq!((card.rates.len(), problems.len()), (1, 3), "{problems:?}");
        let many = format!("market,category,price\n{}", "Atlantis,marketing,1\n".repeat(100));
        assert_eq!(RateCard::check_csv("x", "2026-10-01", "USD", &many).1.len(), MOST_PROBLEMS);

        let read = |currency: &str, text: &str| RateCard::read_csv("x", "2026-10-01", currency, text).unwrap();
        let before = read("USD", SAMPLE);
        let after =
            read("USD", "market,category,price\nGermany,marketing,0.2\nOther,marketing,0.06\nIndia,utility,0.01\n");
        let found: Vec<(String, Option<i64>, Option<i64>)> = changes(&before, &after)
            .into_iter()
            .map(|change| (format!("{} {}", change.market, change.category), change.before, change.after))
            .collect();
        assert_eq!(
            found,
            [
                ("Germany marketing".to_owned(), Some(11_310), Some(20_000)),
                ("Germany utility".to_owned(), Some(4_560), None),
                ("India utility".to_owned(), None, Some(1_000)),
            ]
        );
        assert!(changes(&before, &before).is_empty());
        let euros = changes(&before, &read("EUR", SAMPLE));
        assert!(euros.len() == 3 && euros.iter().all(|change| change.before.is_none()), "no comparison of currencies");
        assert!(unpriced(&before).contains(&"India") && !unpriced(&before).contains(&"Germany"));
        assert!(unpriced(demonstration()).is_empty());
    }

    #[test]
    fn what_is_free_when() {
        use RateCategory::{Authentication, Marketing, Service, Utility};
        let (before, after) = (Timestamp(1_790_812_799_000), Timestamp(1_790_812_800_000));
        for (category, in_window, in_entry, at, free) in [
            (Utility, true, false, before, true),
            (Utility, true, false, after, false),
            (Utility, false, false, before, false),
            (Service, true, false, before, true),
            (Service, true, false, after, false),
            (Marketing, true, false, before, false),
            (Authentication, true, false, before, false),
            (Marketing, false, true, after, true),
            (Utility, false, true, after, true),
        ] {
            assert_eq!(
                is_free(category, in_window, in_entry, (at, &TimeZone::UTC)),
                free,
                "{category} {in_window} {in_entry} {at:?}"
            );
        }
    }

    #[test]
    fn every_market_has_made_up_prices_and_every_country_a_market() {
        let card = demonstration();
        for (_, market) in &MARKETS.countries {
            for category in [RateCategory::Marketing, RateCategory::Utility] {
                assert!(card.price(market, category).is_some(), "{market} {category}");
            }
        }
        assert!(MARKETS.countries.len() > 150);
        assert_eq!((market_of("US"), market_of("DE"), market_of("ZZ")), ("North America", "Germany", OTHER));
        assert!(card.name.contains("made up"));
    }
}
