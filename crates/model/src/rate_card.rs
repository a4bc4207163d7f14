//! What WhatsApp charges for a message: price lists by day, the market a number belongs to, and what is free when.
//!
//! The prices are data. The product brings one card that is made up, for demonstrations ([`demonstration`]); real ones are
//! taken in from the platform's own table ([`RateCard::read_csv`]). What is free follows the platform's rules of the day.

use std::sync::LazyLock;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

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
        valid_from.parse::<Date>().map_err(|_| RateCardProblem::Day)?;
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        let heading = lines.next().map(|(_, line)| cells(line)).unwrap_or_default();
        let place = |wanted: &str| heading.iter().position(|cell| cell.eq_ignore_ascii_case(wanted));
        let (Some(market), Some(category), Some(price)) = (place("market"), place("category"), place("price")) else {
            return Err(RateCardProblem::Columns);
        };
        let mut rates: Vec<Rate> = Vec::new();
        for (number, line) in lines {
            let wrong = |what: String| RateCardProblem::Line { line: number + 1, what };
            let cells = cells(line);
            let cell = |place: usize| cells.get(place).map_or("", |cell| cell.as_str());
            let known = market_named(cell(market))
                .ok_or_else(|| wrong(format!("there is no market called \u{201c}{}\u{201d}.", cell(market))))?;
            let category = RateCategory::parse(&cell(category).to_ascii_lowercase())
                .map_err(|_| wrong(format!("there is no category called \u{201c}{}\u{201d}.", cell(category))))?;
            let thousandths = thousandths(cell(price))
                .ok_or_else(|| wrong(format!("\u{201c}{}\u{201d} is no price such as 0.0250.", cell(price))))?;
            if rates.iter().any(|rate| rate.market == known && rate.category == category) {
                return Err(wrong(format!("{known} has two prices for {category}.")));
            }
            rates.push(Rate { market: known.to_owned(), category, thousandths });
        }
        if rates.is_empty() {
            return Err(RateCardProblem::Empty);
        }
        Ok(Self { name: name.to_owned(), valid_from: valid_from.to_owned(), currency: currency.to_owned(), rates })
    }

    /// The price of one message, in thousandths of a minor unit.
    #[must_use]
    pub fn price(&self, market: &str, category: RateCategory) -> Option<i64> {
        let found = self.rates.iter().find(|rate| rate.market == market && rate.category == category);
        found.map(|rate| rate.thousandths)
    }
}

/// The card that is valid at a moment: the one with the latest first day that has come.
#[must_use]
pub fn valid_at(cards: &[RateCard], at: Timestamp) -> Option<&RateCard> {
    let today = at.to_jiff().to_zoned(jiff::tz::TimeZone::UTC).date();
    let begun = cards.iter().filter_map(|card| {
        let day: Date = card.valid_from.parse().ok()?;
        (day <= today).then_some((day, card))
    });
    begun.max_by_key(|(day, _)| *day).map(|(_, card)| card)
}

/// From this day on (2026-10-01) what is sent within the service window is charged too, but for a free allowance of
/// service messages.
const CHARGED_IN_WINDOW_FROM: Timestamp = Timestamp(1_790_812_800_000);

/// Whether a message is free by the platform's rules of the day: in the service window, or within a free entry point, which
/// an advertisement opens.
#[must_use]
pub fn is_free(category: RateCategory, in_window: bool, in_free_entry: bool, at: Timestamp) -> bool {
    if in_free_entry {
        return true;
    }
    match category {
        RateCategory::Marketing | RateCategory::Authentication => false,
        RateCategory::Utility | RateCategory::Service => in_window && at < CHARGED_IN_WINDOW_FROM,
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
        let before = valid_at(&cards, Timestamp(1_790_812_799_000)).unwrap();
        let at = valid_at(&cards, Timestamp(1_790_812_800_000)).unwrap();
        assert_eq!((before.valid_from.as_str(), at.valid_from.as_str()), ("2025-07-01", "2026-10-01"));
        assert_eq!(valid_at(&cards, Timestamp(0)), None);
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
            assert_eq!(is_free(category, in_window, in_entry, at), free, "{category} {in_window} {in_entry} {at:?}");
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
