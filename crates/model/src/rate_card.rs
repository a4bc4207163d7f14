//! What WhatsApp charges for a message: price lists by day, the tiers by the month's volume, and what is free when.
//!
//! The prices are data. The product brings one card that is made up, for demonstrations ([`demonstration`]); real ones are
//! taken in from the platform's own tables ([`crate::rate_table`]). What is free follows the platform's rules of the day.

use std::{collections::BTreeSet, sync::LazyLock};

use jiff::{civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{Timestamp, market, quiet_hours};

crate::text_enum! {
    /// What the platform takes a message for.
    pub enum RateCategory {
        Marketing = "marketing",
        Utility = "utility",
        Authentication = "authentication",
        AuthenticationInternational = "authentication_international",
        Service = "service",
    }
}

impl RateCategory {
    /// The category by any of the words that the platform's tables and webhooks have for it.
    #[must_use]
    pub fn told(word: &str) -> Option<Self> {
        let plain: String = word.chars().filter(char::is_ascii_alphanumeric).collect();
        Some(match plain.to_ascii_lowercase().as_str() {
            "marketing" | "marketinglite" => Self::Marketing,
            "utility" => Self::Utility,
            "authentication" => Self::Authentication,
            "authenticationinternational" => Self::AuthenticationInternational,
            "service" => Self::Service,
            _ => return None,
        })
    }

    /// What its messages count as towards tiers; `None` where the platform has no tiers. Both kinds of authentication
    /// count together.
    #[must_use]
    pub const fn tiered(self) -> Option<Self> {
        match self {
            Self::Utility => Some(Self::Utility),
            Self::Authentication | Self::AuthenticationInternational => Some(Self::Authentication),
            Self::Marketing | Self::Service => None,
        }
    }
}

/// A price that holds from a message of the month on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Tier {
    /// The first message of the calendar month that has this price, counted from 1.
    pub from: u64,
    /// In thousandths of a hundredth of the currency.
    pub thousandths: i64,
}

/// The price of one message of a category to a market.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Rate {
    pub market: String,
    pub category: RateCategory,
    /// In thousandths of a hundredth of the currency; the price of the month's first messages where there are tiers.
    pub thousandths: i64,
    /// What later messages of the month cost, in the order of the messages.
    #[serde(default)]
    #[schema(required = true)]
    pub tiers: Vec<Tier>,
}

/// Messages that have one price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TierShare {
    /// The first message of the month that has this price.
    pub from: u64,
    /// Of one of them, in thousandths of a hundredth of the currency.
    pub price_thousandths: i64,
    pub messages: i64,
}

impl TierShare {
    /// Of all of them, in thousandths of a hundredth of the currency.
    #[must_use]
    pub const fn thousandths(&self) -> i64 {
        self.price_thousandths.saturating_mul(self.messages)
    }
}

impl Rate {
    /// All prices with the message of the month that each begins with.
    pub fn steps(&self) -> impl Iterator<Item = Tier> {
        std::iter::once(Tier { from: 1, thousandths: self.thousandths }).chain(self.tiers.iter().copied())
    }

    /// The price that the month's message at `place` has, counted from 1.
    #[must_use]
    pub fn step_at(&self, place: u64) -> Tier {
        let first = Tier { from: 1, thousandths: self.thousandths };
        self.tiers.iter().copied().take_while(|tier| tier.from <= place).last().unwrap_or(first)
    }

    /// The tier that comes next after so many messages of the month.
    #[must_use]
    pub fn next_tier(&self, so_far: u64) -> Option<Tier> {
        self.tiers.iter().copied().find(|tier| tier.from > so_far.saturating_add(1))
    }

    /// What the next messages cost when the month has had so many: how many of them have which price.
    #[must_use]
    pub fn walk(&self, so_far: u64, messages: u64) -> Vec<TierShare> {
        let (first, end) = (so_far.saturating_add(1), so_far.saturating_add(messages).saturating_add(1));
        let steps: Vec<Tier> = self.steps().collect();
        let ends = steps.iter().skip(1).map(|tier| tier.from).chain([u64::MAX]);
        let share = |(step, until): (&Tier, u64)| {
            let count = until.min(end).saturating_sub(step.from.max(first));
            (count > 0).then(|| TierShare {
                from: step.from,
                price_thousandths: step.thousandths,
                messages: i64::try_from(count).unwrap_or(i64::MAX),
            })
        };
        steps.iter().zip(ends).filter_map(share).collect()
    }
}

/// A price list that is valid from a day on, until the next one. Its amounts are in parts of a hundredth of the currency's
/// unit, whatever number of digits is usual for it: a list knows no other measure, and people see the unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RateCard {
    pub name: String,
    /// The first day, `2026-10-01`.
    pub valid_from: String,
    /// ISO 4217.
    pub currency: String,
    pub rates: Vec<Rate>,
}

impl RateCard {
    /// The prices of a category to a market. A list that is older than the market has those of the market before.
    #[must_use]
    pub fn rate(&self, market: &str, category: RateCategory) -> Option<&Rate> {
        let named = |market: &str| self.rates.iter().find(|rate| rate.market == market && rate.category == category);
        named(market).or_else(|| named(market::market_before(market)?))
    }

    /// The price of one message, in thousandths of a hundredth of the currency; that of the month's first where there are
    /// tiers.
    #[must_use]
    pub fn price(&self, market: &str, category: RateCategory) -> Option<i64> {
        self.rate(market, category).map(|rate| rate.thousandths)
    }
}

/// The time zone that price lists count days in; UTC for a name that no database of zones has any more.
#[must_use]
pub fn zone_of(name: &str) -> TimeZone {
    quiet_hours::zone(name).unwrap_or(TimeZone::UTC)
}

/// The day of a moment in the time zone of the business account.
#[must_use]
pub fn day_of(at: Timestamp, zone: &TimeZone) -> Date {
    at.to_jiff().to_zoned(zone.clone()).date()
}

/// The month that a message counts for, `2026-10`. It begins at midnight in the time zone of the business account.
#[must_use]
pub fn month_of(at: Timestamp, zone: &TimeZone) -> String {
    let day = day_of(at, zone);
    format!("{:04}-{:02}", day.year(), day.month())
}

/// A price that another list has otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RateChange {
    pub market: String,
    pub category: RateCategory,
    /// In thousandths of a hundredth of the currency; null when there was none.
    pub before: Option<i64>,
    /// Null when there is none any more.
    pub after: Option<i64>,
    /// The tiers that it had.
    pub tiers_before: Vec<Tier>,
    pub tiers_after: Vec<Tier>,
}

/// What is otherwise in `after`, by market and category.
#[must_use]
pub fn changes(before: &RateCard, after: &RateCard) -> Vec<RateChange> {
    let keys = before.rates.iter().chain(&after.rates).map(|rate| (rate.market.as_str(), rate.category));
    let keys: BTreeSet<(&str, &str)> = keys.map(|(market, category)| (market, category.as_str())).collect();
    let named = |card: &RateCard, market: &str, category| {
        card.rates.iter().find(|rate| rate.market == market && rate.category == category).cloned()
    };
    let change = |(market, category): (&str, &str)| {
        let category = RateCategory::parse(category).ok()?;
        let (was, is) = (named(before, market, category), named(after, market, category));
        // Prices of two currencies cannot be compared.
        let is_comparable = before.currency == after.currency;
        let differs = was != is || !is_comparable;
        let was = was.filter(|_| is_comparable);
        differs.then(|| RateChange {
            market: market.to_owned(),
            category,
            before: was.as_ref().map(|rate| rate.thousandths),
            after: is.as_ref().map(|rate| rate.thousandths),
            tiers_before: was.map(|rate| rate.tiers).unwrap_or_default(),
            tiers_after: is.map(|rate| rate.tiers).unwrap_or_default(),
        })
    };
    keys.into_iter().filter_map(change).collect()
}

/// The markets that a list has no price for marketing of.
#[must_use]
pub fn unpriced(card: &RateCard) -> Vec<&'static str> {
    let all = market::markets().into_iter();
    all.filter(|market| card.price(market, RateCategory::Marketing).is_none()).collect()
}

/// The card that is valid at a moment: the one with the latest first day that has come. Days begin at midnight in the time
/// zone of the business account.
#[must_use]
pub fn valid_at<'a>(cards: &'a [RateCard], at: Timestamp, zone: &TimeZone) -> Option<&'a RateCard> {
    let today = day_of(at, zone);
    let begun = cards.iter().filter_map(|card| {
        let day: Date = card.valid_from.parse().ok()?;
        (day <= today).then_some((day, card))
    });
    begun.max_by_key(|(day, _)| *day).map(|(_, card)| card)
}

/// From this day on what is sent within the service window is charged too, but for a free allowance of service messages.
const CHARGED_IN_WINDOW_FROM: Date = jiff::civil::date(2026, 10, 1);

crate::text_enum! {
    /// Why a message costs nothing.
    pub enum FreeReason {
        FreeEntry = "free_entry",
        /// A utility template in an open service window.
        ServiceWindow = "service_window",
        ServiceMessage = "service_message",
        /// One of the service messages that a number has free each month.
        Allowance = "allowance",
        /// The platform does not say why.
        Unsaid = "unsaid",
    }
}

impl FreeReason {
    /// The reason in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::FreeEntry => "the customer came by an advertisement: everything is free for a time",
            Self::ServiceWindow => "a utility template within 24 hours of the customer's last message",
            Self::ServiceMessage => "an answer within 24 hours of the customer's last message",
            Self::Allowance => "among the 1,000 service messages that a number has free each month",
            Self::Unsaid => "WhatsApp says that it is free",
        }
    }

    /// Why the platform told a message free, by its words for the kind and the category.
    #[must_use]
    pub fn told(kind: Option<&str>, category: Option<&str>, (at, zone): (Timestamp, &TimeZone)) -> Self {
        match (kind, category) {
            (Some("free_entry_point"), _) | (_, Some("referral_conversion")) => Self::FreeEntry,
            (_, Some("service")) if day_of(at, zone) < CHARGED_IN_WINDOW_FROM => Self::ServiceMessage,
            (_, Some("service")) => Self::Allowance,
            (_, Some("utility")) => Self::ServiceWindow,
            _ => Self::Unsaid,
        }
    }
}

/// Why a message is free by the platform's rules of the day: in the service window, or within a free entry point, which an
/// advertisement opens. `None` when it is charged. How many service messages a number has free each month is the
/// platform's to count.
#[must_use]
pub fn free_reason(
    category: RateCategory,
    in_window: bool,
    in_free_entry: bool,
    (at, zone): (Timestamp, &TimeZone),
) -> Option<FreeReason> {
    if in_free_entry {
        return Some(FreeReason::FreeEntry);
    }
    let is_free = in_window && day_of(at, zone) < CHARGED_IN_WINDOW_FROM;
    match category {
        RateCategory::Marketing | RateCategory::Authentication | RateCategory::AuthenticationInternational => None,
        RateCategory::Utility => is_free.then_some(FreeReason::ServiceWindow),
        RateCategory::Service => is_free.then_some(FreeReason::ServiceMessage),
    }
}

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SAMPLE: &str =
        "market,category,price\nGermany,marketing,0.1131\nGermany,utility,0.0456\n# a note\nOther,Marketing,0.06\n";

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
        assert_eq!((month_of(before, &berlin), month_of(at, &angeles)), ("2026-10".to_owned(), "2026-09".to_owned()));
        assert!(free_reason(RateCategory::Service, true, false, (at, &angeles)).is_some());
        assert!(free_reason(RateCategory::Service, true, false, (before, &berlin)).is_none());
    }

    #[test]
    fn changes_and_gaps_are_found() {
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

        let with_tier = "market,category,price,from\nGermany,utility,0.05,1\nGermany,utility,0.04,101\n";
        let without = "market,category,price\nGermany,utility,0.05\n";
        let tiers = changes(&read("USD", without), &read("USD", with_tier));
        assert_eq!((tiers[0].before, tiers[0].after), (Some(5_000), Some(5_000)));
        assert_eq!(tiers[0].tiers_after, [Tier { from: 101, thousandths: 4_000 }], "a new tier is a change");
    }

    #[test]
    fn a_market_of_its_own_has_the_prices_of_the_one_before_in_an_older_list() {
        let text = "market,category,price\nRest of Africa,utility,0.05\n";
        let older = RateCard::read_csv("x", "2026-07-01", "USD", text).unwrap();
        assert_eq!(older.price("Morocco", RateCategory::Utility), Some(5_000));
        let newer = RateCard::read_csv("x", "2026-10-01", "USD", &format!("{text}Morocco,utility,0.07\n")).unwrap();
        assert_eq!(newer.price("Morocco", RateCategory::Utility), Some(7_000));
        assert_eq!(newer.price("Ukraine", RateCategory::Utility), None);
    }

    #[test]
    fn what_is_free_when_and_why() {
        use RateCategory::{Authentication, Marketing, Service, Utility};
        let (before, after) = (Timestamp(1_790_812_799_000), Timestamp(1_790_812_800_000));
        for (category, in_window, in_entry, at, free) in [
            (Utility, true, false, before, Some(FreeReason::ServiceWindow)),
            (Utility, true, false, after, None),
            (Utility, false, false, before, None),
            (Service, true, false, before, Some(FreeReason::ServiceMessage)),
            (Service, true, false, after, None),
            (Marketing, true, false, before, None),
            (Authentication, true, false, before, None),
            (Marketing, false, true, after, Some(FreeReason::FreeEntry)),
            (Utility, false, true, after, Some(FreeReason::FreeEntry)),
        ] {
            let found = free_reason(category, in_window, in_entry, (at, &TimeZone::UTC));
            assert_eq!(found, free, "{category} {in_window} {in_entry} {at:?}");
        }
        for (kind, category, at, reason) in [
            (Some("free_entry_point"), "utility", after, FreeReason::FreeEntry),
            (None, "referral_conversion", before, FreeReason::FreeEntry),
            (Some("free_customer_service"), "utility", before, FreeReason::ServiceWindow),
            (Some("free_customer_service"), "service", before, FreeReason::ServiceMessage),
            (Some("free_customer_service"), "service", after, FreeReason::Allowance),
            (None, "brand_new", after, FreeReason::Unsaid),
        ] {
            let told = FreeReason::told(kind, Some(category), (at, &TimeZone::UTC));
            assert_eq!(told, reason, "{kind:?} {category}");
        }
    }

    #[test]
    fn every_market_has_made_up_prices() {
        let card = demonstration();
        for market in market::markets() {
            for category in [RateCategory::Marketing, RateCategory::Utility] {
                assert!(card.price(market, category).is_some(), "{market} {category}");
            }
        }
        assert!(card.name.contains("made up"));
        assert!(
            card.rates.iter().any(|rate| !rate.tiers.is_empty()),
            "tiers can be seen before real ones are taken in"
        );
    }

    fn tiered() -> Rate {
        let tiers = vec![Tier { from: 101, thousandths: 900 }, Tier { from: 201, thousandths: 800 }];
        Rate { market: "India".to_owned(), category: RateCategory::Utility, thousandths: 1_000, tiers }
    }

    #[test]
    fn the_price_follows_the_place_in_the_month() {
        let rate = tiered();
        let prices = [1, 100, 101, 200, 201, 9_999].map(|place| rate.step_at(place).thousandths);
        assert_eq!(prices, [1_000, 1_000, 900, 900, 800, 800]);
        let shares = |so_far, messages| {
            let walked = rate.walk(so_far, messages);
            walked.iter().map(|share| (share.from, share.messages)).collect::<Vec<_>>()
        };
        assert_eq!(shares(0, 100), [(1, 100)], "the hundredth is the last of the first tier");
        assert_eq!(shares(0, 101), [(1, 100), (101, 1)]);
        assert_eq!(shares(50, 200), [(1, 50), (101, 100), (201, 50)]);
        assert_eq!(shares(200, 3), [(201, 3)]);
        assert_eq!(shares(7, 0), []);
        let next = |so_far| rate.next_tier(so_far).map(|tier| tier.from);
        assert_eq!([next(0), next(99), next(100), next(200)], [Some(101), Some(101), Some(201), None]);
    }

    proptest! {
        #[test]
        fn a_walk_costs_what_its_messages_cost_one_by_one(so_far in 0_u64..400, messages in 0_u64..400) {
            let rate = tiered();
            let walked: i64 = rate.walk(so_far, messages).iter().map(TierShare::thousandths).sum();
            let one_by_one: i64 = (so_far + 1..=so_far + messages).map(|place| rate.step_at(place).thousandths).sum();
            prop_assert_eq!(walked, one_by_one);
        }
    }
}
