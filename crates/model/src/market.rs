//! The markets by which WhatsApp's prices go, and the countries that belong to each.
//!
//! Now and then a country gets a market of its own. The list has the days: what a message cost goes by the market of its
//! own day. Taken from the table of calling codes in the WhatsApp Business Platform's documentation of its prices.

use std::{collections::BTreeSet, sync::LazyLock};

use jiff::civil::Date;

/// The market of all countries that none is named for.
pub const OTHER: &str = "Other";

/// A country in a market, from a day on.
struct Line {
    /// ISO 3166.
    country: &'static str,
    market: &'static str,
    /// `None` from the beginning.
    from: Option<Date>,
}

static LINES: LazyLock<Vec<Line>> = LazyLock::new(|| {
    let lines = include_str!("../data/whatsapp_markets.csv").lines().skip(1);
    let read = |line: &'static str| {
        let mut cells = line.split(',');
        let (country, market) = (cells.next()?, cells.next()?);
        Some(Line { country, market, from: cells.next().and_then(|day| day.parse().ok()) })
    };
    lines.filter_map(read).collect()
});

/// The market that the platform counts a country to on a day. Every country belongs to one.
#[must_use]
pub fn market_of(country: &str, day: Date) -> &'static str {
    let counts = |line: &&Line| line.country == country && line.from.is_none_or(|from| from <= day);
    LINES.iter().filter(counts).max_by_key(|line| line.from).map_or(OTHER, |line| line.market)
}

/// All markets by name.
#[must_use]
pub fn markets() -> BTreeSet<&'static str> {
    LINES.iter().map(|line| line.market).chain([OTHER]).collect()
}

/// The market that a country belonged to before it got one of its own. Its prices stand for the new one in lists that are
/// older.
#[must_use]
pub fn market_before(market: &str) -> Option<&'static str> {
    let newest = LINES.iter().find(|line| line.market == market && line.from.is_some())?;
    let is_own = LINES.iter().filter(|line| line.market == market).count() == 1;
    let before = |line: &&Line| line.country == newest.country && line.from < newest.from;
    LINES.iter().filter(before).max_by_key(|line| line.from).filter(|_| is_own).map(|line| line.market)
}

/// The day of the newest change that the list knows.
#[must_use]
pub fn as_of() -> Date {
    LINES.iter().filter_map(|line| line.from).max().unwrap_or_default()
}

/// A market as somebody wrote it.
#[must_use]
pub fn market_named(name: &str) -> Option<&'static str> {
    let plain = |text: &str| {
        let text = text.to_lowercase().replace('&', " and ").replace('\u{fc}', "u");
        text.chars().filter(|c| c.is_alphanumeric()).collect::<String>()
    };
    let wanted = plain(name);
    let wanted = match wanted.as_str() {
        "turkiye" => "turkey",
        "uae" => "unitedarabemirates",
        "uk" => "unitedkingdom",
        other => other,
    };
    markets().into_iter().find(|market| plain(market) == wanted)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_country_is_in_the_market_of_the_day() {
        let (before, from) = (date(2026, 9, 30), date(2026, 10, 1));
        assert_eq!((market_of("MA", before), market_of("MA", from)), ("Rest of Africa", "Morocco"));
        assert_eq!((market_of("ZW", date(2025, 9, 30)), market_of("ZW", before)), (OTHER, "Rest of Africa"));
        assert_eq!(
            (market_of("US", from), market_of("DE", from), market_of("ZZ", from)),
            ("North America", "Germany", OTHER)
        );
        assert_eq!(market_before("Morocco"), Some("Rest of Africa"));
        assert_eq!(
            (market_before("Germany"), market_before("Rest of Africa"), market_before("Atlantis")),
            (None, None, None)
        );
        assert_eq!(as_of(), from);
        assert!(LINES.len() > 200);
    }

    #[test]
    fn a_market_is_known_however_it_is_written() {
        for (written, market) in [
            ("germany", Some("Germany")),
            ("Rest of Central and Eastern Europe", Some("Rest of Central & Eastern Europe")),
            ("REST OF CENTRAL & EASTERN EUROPE", Some("Rest of Central & Eastern Europe")),
            ("T\u{fc}rkiye", Some("Turkey")),
            ("UK", Some("United Kingdom")),
            ("Sri Lanka", Some("Sri Lanka")),
            ("Atlantis", None),
            ("", None),
        ] {
            assert_eq!(market_named(written), market, "{written}");
        }
    }
}
