//! Reading price lists as the platform publishes them and as people write them.
//!
//! A list comes as one table or two. A simple table has a line for each price, under market, category and price; with the
//! columns from and to, or one column for both, its lines are tiers by the month's volume. The platform's own prices are a
//! table with a column for each category; its tiers are a second table. Headings are known by their usual names, however
//! they are spelled; what stands above the heading is passed over. Nothing is guessed: whatever cannot be read is a fault
//! with its line.

use std::collections::HashMap;

use jiff::civil::Date;

use crate::{
    market::market_named,
    rate_card::{Rate, RateCard, RateCategory, Tier},
};

/// Most faults of a list that are told at once.
pub const MOST_PROBLEMS: usize = 20;

/// In how many lines the heading is looked for.
const HEADING_WITHIN: usize = 12;

crate::text_enum! {
    /// Which table of a list.
    pub enum TableName {
        Prices = "prices",
        Tiers = "tiers",
    }
}

/// Why a price list cannot be taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RateCardProblem {
    /// The heading lacks a column.
    #[error(
        "The first line has to name the columns market, category and price, or market and a column for each category."
    )]
    Columns,
    /// The heading of the tiers lacks a column.
    #[error("The first line of the tiers has to name the columns market, category, from and price.")]
    TierColumns,
    /// A line is not valid.
    #[error("{}{line}: {what}", match table { TableName::Prices => "Line ", TableName::Tiers => "Tiers, line " })]
    Line {
        table: TableName,
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
    /// Reads one table; the price is that of one message in the currency's major unit, with a point:
    /// `Germany,marketing,0.1131`.
    ///
    /// # Errors
    /// [`RateCardProblem`] with the line.
    pub fn read_csv(name: &str, valid_from: &str, currency: &str, text: &str) -> Result<Self, RateCardProblem> {
        Self::read_tables(name, valid_from, currency, (text, None))
    }

    /// Reads the prices and, where they are a table of their own, the tiers.
    ///
    /// # Errors
    /// [`RateCardProblem`] with the line.
    pub fn read_tables(
        name: &str,
        valid_from: &str,
        currency: &str,
        tables: (&str, Option<&str>),
    ) -> Result<Self, RateCardProblem> {
        let (card, mut problems) = Self::check_tables(name, valid_from, currency, tables);
        if problems.is_empty() { Ok(card) } else { Err(problems.swap_remove(0)) }
    }

    /// Reads tables as [`Self::read_tables`] does, and gives everything that is wrong with them, the first
    /// [`MOST_PROBLEMS`] of that. The card has what could be read.
    #[must_use]
    pub fn check_tables(
        name: &str,
        valid_from: &str,
        currency: &str,
        (prices, tiers): (&str, Option<&str>),
    ) -> (Self, Vec<RateCardProblem>) {
        let mut reading = Reading { currency, rates: Vec::new(), ends: HashMap::new(), problems: Vec::new() };
        if valid_from.parse::<Date>().is_err() {
            reading.problems.push(RateCardProblem::Day);
        }
        reading.table(TableName::Prices, prices);
        if let Some(tiers) = tiers.filter(|tiers| !tiers.trim().is_empty()) {
            reading.table(TableName::Tiers, tiers);
        }
        reading.check_ends();
        if reading.rates.is_empty() && reading.problems.is_empty() {
            reading.problems.push(RateCardProblem::Empty);
        }
        reading.problems.truncate(MOST_PROBLEMS);
        let card = Self {
            name: name.to_owned(),
            valid_from: valid_from.to_owned(),
            currency: currency.to_owned(),
            rates: reading.rates,
        };
        (card, reading.problems)
    }
}

/// Where a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct At {
    table: TableName,
    line: usize,
}

impl At {
    fn wrong(self, what: String) -> RateCardProblem {
        RateCardProblem::Line { table: self.table, line: self.line, what }
    }
}

/// The last message that a line's price is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The table does not say; the next tier ends it.
    Unsaid,
    At(u64),
    Never,
}

/// What the last line of a market and category said.
struct Last {
    at: At,
    /// `None` for a price without tiers.
    from: Option<u64>,
    end: End,
}

/// One price of a table.
struct Line {
    market: &'static str,
    category: RateCategory,
    from: Option<u64>,
    end: End,
    thousandths: i64,
}

struct Reading<'a> {
    currency: &'a str,
    rates: Vec<Rate>,
    ends: HashMap<(&'static str, RateCategory), Last>,
    problems: Vec<RateCardProblem>,
}

impl Reading<'_> {
    fn table(&mut self, table: TableName, text: &str) {
        let text = text.trim_start_matches('\u{feff}');
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        let heading = lines.by_ref().take(HEADING_WITHIN).find_map(|(_, line)| Heading::of(&cells(line)));
        let Some(heading) = heading.filter(|heading| table == TableName::Prices || heading.has_tiers()) else {
            self.problems.push(match table {
                TableName::Prices => RateCardProblem::Columns,
                TableName::Tiers => RateCardProblem::TierColumns,
            });
            return;
        };
        for (number, line) in lines {
            let at = At { table, line: number + 1 };
            match heading.read(at, &cells(line), self.currency) {
                Ok(read) => read.into_iter().for_each(|line| {
                    if let Err(what) = self.take(at, &line) {
                        self.problems.push(at.wrong(what));
                    }
                }),
                Err(problem) => self.problems.push(problem),
            }
            if self.problems.len() >= MOST_PROBLEMS {
                return;
            }
        }
    }

    /// Puts a price behind those that were read of its market and category before.
    fn take(&mut self, at: At, line: &Line) -> Result<(), String> {
        let Line { market, category, from, end, thousandths } = *line;
        let of = format!("{market} {category}");
        if from.is_some_and(|from| from > 1) && category.tiered().is_none() {
            return Err(format!("WhatsApp has no tiers for {category} messages."));
        }
        let rate = self.rates.iter_mut().find(|rate| rate.market == market && rate.category == category);
        let last = self.ends.get(&(market, category));
        let (Some(rate), Some(last)) = (rate, last) else {
            if let Some(from) = from.filter(|from| *from > 1) {
                return Err(format!("the first tier of {of} begins at message {from}; it has to begin at message 1."));
            }
            self.rates.push(Rate { market: market.to_owned(), category, thousandths, tiers: Vec::new() });
            self.ends.insert((market, category), Last { at, from, end });
            return Ok(());
        };
        let Some(from) = from else {
            return Err(format!("{market} has two prices for {category}."));
        };
        if from <= 1 {
            // The table of tiers says again what the table of prices said.
            if last.from.is_some() || at.table == last.at.table {
                return Err(format!("{of} has two prices from message 1 on."));
            }
            if thousandths != rate.thousandths {
                return Err(format!("the first tier of {of} has another price than the table of prices."));
            }
            self.ends.insert((market, category), Last { at, from: Some(1), end });
            return Ok(());
        }
        let before = last.from.unwrap_or(1);
        if from <= before {
            return Err(format!("the tiers of {of} have to rise: message {from} comes after message {before}."));
        }
        match last.end {
            End::At(to) if from <= to => {
                return Err(format!("this tier of {of} overlaps with the one before, which goes to message {to}."));
            }
            End::At(to) if from > to + 1 => {
                return Err(format!("there is a gap: messages {} to {} of {of} have no price.", to + 1, from - 1));
            }
            End::Never => return Err(format!("the tier of {of} before has no end, so none can follow.")),
            End::At(_) | End::Unsaid => {}
        }
        rate.tiers.push(Tier { from, thousandths });
        self.ends.insert((market, category), Last { at, from: Some(from), end });
        Ok(())
    }

    /// The last tier has no end.
    fn check_ends(&mut self) {
        let mut open: Vec<(At, String)> = Vec::new();
        for ((market, category), last) in &self.ends {
            if let End::At(to) = last.end {
                let what = format!(
                    "messages of {market} {category} after message {to} have no price. Leave the end of the last tier empty."
                );
                open.push((last.at, what));
            }
        }
        open.sort_by_key(|(at, _)| (at.table == TableName::Tiers, at.line));
        self.problems.extend(open.into_iter().map(|(at, what)| at.wrong(what)));
    }
}

/// Which column is what.
struct Heading {
    market: usize,
    currency: Option<usize>,
    shape: Shape,
}

enum Shape {
    /// A line for each price.
    Lines { category: usize, price: usize, from: Option<usize>, to: Option<usize>, tier: Option<usize> },
    /// A column for each category.
    Columns(Vec<(usize, RateCategory)>),
}

impl Heading {
    fn of(cells: &[String]) -> Option<Self> {
        let plain = |cell: &String| {
            let plain = cell.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
            plain.to_lowercase()
        };
        let plain: Vec<String> = cells.iter().map(plain).collect();
        let place = |names: &[&str]| plain.iter().position(|cell| names.contains(&cell.as_str()));
        let market = place(&["market", "markets", "country", "region", "countryregion", "marketregion"])?;
        let currency = place(&["currency"]);
        let category = place(&[
            "category",
            "messagecategory",
            "pricingcategory",
            "templatecategory",
            "messagetype",
            "conversationcategory",
        ]);
        let price =
            place(&["price", "rate", "unitrate", "unitprice", "rateamount", "pricepermessage", "ratepermessage"]);
        if let (Some(category), Some(price)) = (category, price) {
            let from = place(&["from", "tierfrom", "tierstart", "volumefrom", "frommessage", "start", "lowerbound"]);
            let to = place(&["to", "tierto", "tierend", "volumeto", "tomessage", "end", "upperbound"]);
            let tier = place(&["tier", "volumetier", "volume", "tierrange", "volumerange"]).filter(|_| from.is_none());
            return Some(Self { market, currency, shape: Shape::Lines { category, price, from, to, tier } });
        }
        let known = cells.iter().enumerate().filter(|(place, _)| *place != market);
        let columns: Vec<_> = known.filter_map(|(place, cell)| Some((place, RateCategory::told(cell)?))).collect();
        let is_table = category.is_none() && !columns.is_empty();
        is_table.then_some(Self { market, currency, shape: Shape::Columns(columns) })
    }

    const fn has_tiers(&self) -> bool {
        matches!(self.shape, Shape::Lines { from: Some(_), .. } | Shape::Lines { tier: Some(_), .. })
    }

    fn read(&self, at: At, cells: &[String], currency: &str) -> Result<Vec<Line>, RateCardProblem> {
        let cell = |place: usize| cells.get(place).map_or("", |cell| cell.as_str());
        let wrong = |what: String| at.wrong(what);
        let market = market_named(cell(self.market))
            .ok_or_else(|| wrong(format!("there is no market called \u{201c}{}\u{201d}.", cell(self.market))))?;
        let told = self.currency.map_or("", cell);
        // The platform writes $US and the like; only three letters say for sure what they are.
        let is_code = told.len() == 3 && told.bytes().all(|byte| byte.is_ascii_alphabetic());
        if is_code && !told.eq_ignore_ascii_case(currency) {
            return Err(wrong(format!("it is in {told}, and the list is in {currency}.")));
        }
        let price_of = |text: &str| {
            thousandths(text).ok_or_else(|| wrong(format!("\u{201c}{text}\u{201d} is no price such as 0.0250.")))
        };
        let (category, price, from, to, tier) = match &self.shape {
            Shape::Columns(columns) => {
                let priced = columns.iter().filter(|(place, _)| !is_none(cell(*place)));
                let line = |(place, category): &(usize, RateCategory)| {
                    let thousandths = price_of(cell(*place))?;
                    Ok(Line { market, category: *category, from: None, end: End::Unsaid, thousandths })
                };
                return priced.map(line).collect();
            }
            Shape::Lines { category, price, from, to, tier } => (*category, *price, *from, *to, *tier),
        };
        let category = RateCategory::told(cell(category))
            .ok_or_else(|| wrong(format!("there is no category called \u{201c}{}\u{201d}.", cell(category))))?;
        let thousandths = price_of(cell(price))?;
        let number = |text: &str| {
            number(text)
                .ok_or_else(|| wrong(format!("\u{201c}{text}\u{201d} is no number of messages such as 100001.")))
        };
        let (from, to) = match (from, tier.map(cell)) {
            (Some(from), _) => (cell(from), to.map(cell)),
            (None, Some(range)) => bounds(range),
            (None, None) => ("", None),
        };
        let from = if from.is_empty() { None } else { Some(number(from)?.max(1)) };
        let end = match (from, to) {
            (None, _) | (_, None) => End::Unsaid,
            (Some(_), Some(to)) if is_open(to) => End::Never,
            (Some(_), Some(to)) => End::At(number(to)?),
        };
        if let (Some(from), End::At(to)) = (from, end)
            && to < from
        {
            return Err(wrong(format!("the tier goes from message {from} to message {to}.")));
        }
        Ok(vec![Line { market, category, from, end, thousandths }])
    }
}

/// The two ends of `25000001:50000000`, as the platform writes a tier; also with a dash, and `50000001+`.
fn bounds(range: &str) -> (&str, Option<&str>) {
    let split = range.split_once([':', '-', '\u{2013}']);
    split.map_or_else(
        || (range.trim_end_matches('+').trim(), range.ends_with('+').then_some("")),
        |(from, to)| (from.trim(), Some(to.trim())),
    )
}

/// Whether a cell says that a tier has no end.
fn is_open(text: &str) -> bool {
    let plain = text.trim().to_lowercase();
    is_none(&plain) || ["+", "\u{221e}", "unlimited", "infinity", "no limit", "and above"].contains(&plain.as_str())
}

/// Whether a cell says that there is nothing.
fn is_none(text: &str) -> bool {
    ["", "-", "\u{2013}", "\u{2014}", "n/a"].contains(&text.trim().to_lowercase().as_str())
}

/// The cells of a line; those in quotes may hold commas.
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut cell, mut is_quoted) = (Vec::new(), String::new(), false);
    for character in line.chars() {
        match character {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => cells.push(std::mem::take(&mut cell)),
            other => cell.push(other),
        }
    }
    cells.push(cell);
    cells.into_iter().map(|cell| cell.trim().to_owned()).collect()
}

/// A number of messages, with or without marks between its thousands.
fn number(text: &str) -> Option<u64> {
    let digits: String = text.chars().filter(|c| ![',', ' ', '_', '\u{a0}', '\u{202f}'].contains(c)).collect();
    if digits.len() > 15 || !digits.bytes().all(|byte| byte.is_ascii_digit()) { None } else { digits.parse().ok() }
}

/// Thousandths of a hundredth of the currency of `0.0250`: five digits behind the point, in every currency. A sign of the
/// currency in front is passed over.
fn thousandths(price: &str) -> Option<i64> {
    let price = price.trim_start_matches(|c: char| "$\u{20ac}\u{a3}\u{20b9}".contains(c)).trim();
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

    fn problem(text: &str) -> String {
        RateCard::read_csv("x", "2025-07-01", "USD", text).unwrap_err().to_string()
    }

    #[test]
    fn a_table_is_read_with_its_faults_by_line() {
        let sample =
            "market,category,price\nGermany,marketing,0.1131\nGermany,utility,0.0456\n# a note\nOther,Marketing,0.06\n";
        let card = RateCard::read_csv("July", "2025-07-01", "USD", sample).unwrap();
        assert_eq!(card.price("Germany", RateCategory::Marketing), Some(11_310));
        assert_eq!(card.price("Other", RateCategory::Marketing), Some(6_000));
        assert_eq!(card.price("Germany", RateCategory::Service), None);
        assert!(problem("market,price\n").contains("columns"));
        assert!(problem("market,category,price\nAtlantis,marketing,1\n").starts_with("Line 2: there is no market"));
        assert!(problem("market,category,price\nGermany,gossip,1\n").contains("category"));
        assert!(problem("market,category,price\nGermany,marketing,1e3\n").contains("no price"));
        assert!(problem("market,category,price\nGermany,marketing,-1\n").contains("no price"));
        assert!(problem("market,category,price\nGermany,marketing,\"0,0250\"\n").contains("no price"), "not guessed");
        let twice = "market,category,price\nGermany,marketing,1\ngermany,marketing,2\n";
        assert_eq!(problem(twice), "Line 3: Germany has two prices for marketing.");
        assert!(problem("market,category,price\n").contains("no price in the file"));
        assert!(problem("market,currency,category,price\nGermany,EUR,utility,1\n").contains("is in EUR"));
        assert_eq!(RateCard::read_csv("x", "soon", "USD", sample).unwrap_err(), RateCardProblem::Day);
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let text = "market,category,price\nAtlantis,marketing,1\nGermany,gossip,1\nGermany,marketing,0.2\n";
        let (card, problems) = RateCard::check_tables("x", "soon", "USD", (text, None));
        assert_eq!((card.rates.len(), problems.len()), (1, 3), "{problems:?}");
        let many = format!("market,category,price\n{}", "Atlantis,marketing,1\n".repeat(100));
        assert_eq!(RateCard::check_tables("x", "2026-10-01", "USD", (&many, None)).1.len(), MOST_PROBLEMS);
    }

    const PRICES: &str = "WhatsApp rate card\n\nMarket,Currency,Marketing,Utility,Authentication,Authentication-International,Service\n\
        India,$US,0.0118,0.0014,0.0014,0.0280,0.0014\nGermany,USD,0.1365,0.0550,0.0550,n/a,\n";

    #[test]
    fn the_platforms_two_tables_are_read_as_one_list() {
        let tiers = "Market,Message category,From,To,Rate\nIndia,Utility,0,\"100,000\",0.0014\n\
            India,Utility,\"100,001\",\"500,000\",$0.0012\nIndia,Utility,\"500,001\",,0.0010\n";
        let card = RateCard::read_tables("x", "2026-10-01", "USD", (PRICES, Some(tiers))).unwrap();
        let rate = card.rate("India", RateCategory::Utility).unwrap();
        let steps: Vec<_> = rate.steps().map(|tier| (tier.from, tier.thousandths)).collect();
        assert_eq!(steps, [(1, 140), (100_001, 120), (500_001, 100)]);
        assert_eq!(card.price("India", RateCategory::AuthenticationInternational), Some(2_800));
        assert_eq!(card.price("Germany", RateCategory::AuthenticationInternational), None);
        assert_eq!(card.rates.len(), 8);

        // As webhooks and the platform's analytics write a tier.
        let ranges = "region,pricing_category,tier,rate\nIndia,UTILITY,1:100000,0.0014\nIndia,UTILITY,100001:,0.0012\n";
        let card = RateCard::read_tables("x", "2026-10-01", "USD", (PRICES, Some(ranges))).unwrap();
        assert_eq!(
            card.rate("India", RateCategory::Utility).unwrap().tiers,
            [Tier { from: 100_001, thousandths: 120 }]
        );
        // One table is enough.
        let card = RateCard::read_csv("x", "2026-10-01", "USD", ranges).unwrap();
        assert_eq!(card.rate("India", RateCategory::Utility).unwrap().tiers.len(), 1);
    }

    #[test]
    fn gaps_overlaps_and_a_wrong_order_are_told_by_line() {
        for (tiers, words) in [
            (
                "India,utility,1,100,0.0014\nIndia,utility,102,,0.0012\n",
                "Tiers, line 3: there is a gap: messages 101 to 101",
            ),
            (
                "India,utility,1,100,0.0014\nIndia,utility,100,,0.0012\n",
                "Tiers, line 3: this tier of India utility overlaps",
            ),
            (
                "India,utility,1,,0.0014\nIndia,utility,100,,0.0012\n",
                "Tiers, line 3: the tier of India utility before has no end",
            ),
            (
                "India,utility,101,200,0.0012\nIndia,utility,51,,0.0010\n",
                "Tiers, line 3: the tiers of India utility have to rise",
            ),
            (
                "India,utility,1,100,0.0014\n",
                "Tiers, line 2: messages of India utility after message 100 have no price",
            ),
            ("India,utility,1,,0.0015\n", "Tiers, line 2: the first tier of India utility has another price"),
            ("India,utility,200,100,0.0015\n", "Tiers, line 2: the tier goes from message 200 to message 100"),
            ("India,utility,many,,0.0015\n", "Tiers, line 2: \u{201c}many\u{201d} is no number of messages"),
            ("India,utility,,,0.0015\n", "Tiers, line 2: India has two prices for utility"),
            ("India,marketing,100,,0.0015\n", "Tiers, line 2: WhatsApp has no tiers for marketing"),
            ("Brazil,utility,100,,0.0015\n", "Tiers, line 2: the first tier of Brazil utility begins at message 100"),
        ] {
            let table = format!("market,category,from,to,price\n{tiers}");
            let found = RateCard::read_tables("x", "2026-10-01", "USD", (PRICES, Some(&table))).unwrap_err();
            assert!(found.to_string().starts_with(words), "{found}");
        }
        let without = RateCard::read_tables("x", "2026-10-01", "USD", (PRICES, Some("market,category,price\n")));
        assert_eq!(without.unwrap_err(), RateCardProblem::TierColumns);
    }
}
