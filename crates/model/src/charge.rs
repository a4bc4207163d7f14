//! What a provider says a message was charged as.
//!
//! WhatsApp tells it with the first status, or with a later one, or with several, in any order, and not always whole.
//! What is kept is the best of all that was told: the most complete, then that of the status that is furthest along. So
//! the order of arrival and repetitions do not matter.

use serde::{Deserialize, Serialize};

use jiff::tz::TimeZone;

use crate::{
    Timestamp,
    market::market_of,
    rate_card::{RateCategory, day_of, month_of},
};

crate::text_enum! {
    /// Whether a message costs anything.
    pub enum Cost {
        Charged = "charged",
        Free = "free",
        /// The provider's words do not say.
        Unknown = "unknown",
    }
}

/// What a message was charged as, in the provider's words.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Charge {
    /// `PMP`, or `CBP` before July 2025.
    pub model: Option<String>,
    /// `regular`, `free_customer_service` or `free_entry_point`.
    pub kind: Option<String>,
    /// `marketing`, `utility`, `service` and others.
    pub category: Option<String>,
    /// Whether it is charged, where the provider still says so.
    pub billable: Option<bool>,
}

impl Charge {
    /// Whether it costs anything. The kind goes before `billable`, which WhatsApp is giving up.
    #[must_use]
    pub fn cost(&self) -> Cost {
        match (self.kind.as_deref(), self.billable) {
            (Some("regular"), _) => Cost::Charged,
            (Some(kind), _) if kind.starts_with("free_") => Cost::Free,
            (_, Some(true)) => Cost::Charged,
            (_, Some(false)) => Cost::Free,
            (_, None) => Cost::Unknown,
        }
    }

    fn parts(&self) -> usize {
        [self.model.is_some(), self.kind.is_some(), self.category.is_some(), self.billable.is_some()]
            .into_iter()
            .filter(|known| *known)
            .count()
    }
}

/// A charge and the status it was told with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldCharge {
    pub charge: Charge,
    /// How far along the message was: 0 for a failure, then 1 (sent) to 4 (played).
    pub rank: u8,
    /// The provider's time of the status.
    pub at: Timestamp,
}

impl ToldCharge {
    /// The better one of two. Commutative, associative and idempotent.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let weight = |told: &Self| (told.charge.parts(), told.rank, told.at, told.charge.clone());
        if weight(&other) > weight(&self) { other } else { self }
    }
}

/// What a charged message counts towards: the tiers of a category and market in a calendar month.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Volume {
    /// `2026-10`.
    pub month: String,
    pub market: String,
    /// Utility or authentication.
    pub category: RateCategory,
}

impl Volume {
    /// What a message to a country counts towards; `None` when it is free, or of a category without tiers. The month begins
    /// at midnight in the time zone of the business account.
    #[must_use]
    pub fn of(told: &ToldCharge, country: &str, zone: &TimeZone) -> Option<Self> {
        let category = counted(&told.charge)?;
        let market = market_of(country, day_of(told.at, zone)).to_owned();
        Some(Self { month: month_of(told.at, zone), market, category })
    }

    /// Whether a charge still counts towards it.
    #[must_use]
    pub fn fits(&self, charge: &Charge) -> bool {
        counted(charge) == Some(self.category)
    }
}

/// What a charge counts as.
fn counted(charge: &Charge) -> Option<RateCategory> {
    let category = RateCategory::told(charge.category.as_deref()?)?.tiered()?;
    (charge.cost() == Cost::Charged).then_some(category)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn charge(model: Option<&str>, kind: Option<&str>, category: Option<&str>, billable: Option<bool>) -> Charge {
        let owned = |word: Option<&str>| word.map(str::to_owned);
        Charge { model: owned(model), kind: owned(kind), category: owned(category), billable }
    }

    #[test]
    fn what_costs_and_what_does_not() {
        for (charge, cost) in [
            (charge(Some("PMP"), Some("regular"), Some("marketing"), Some(true)), Cost::Charged),
            (charge(Some("PMP"), Some("regular"), Some("service"), None), Cost::Charged),
            (charge(Some("PMP"), Some("free_customer_service"), Some("service"), Some(false)), Cost::Free),
            (charge(Some("PMP"), Some("free_entry_point"), Some("marketing"), Some(true)), Cost::Free),
            (charge(Some("CBP"), None, Some("utility"), Some(true)), Cost::Charged),
            (charge(Some("CBP"), None, Some("referral_conversion"), Some(false)), Cost::Free),
            (charge(Some("PMP"), Some("brand_new"), Some("marketing"), None), Cost::Unknown),
            (Charge::default(), Cost::Unknown),
        ] {
            assert_eq!(charge.cost(), cost, "{charge:?}");
        }
    }

    #[test]
    fn the_whole_one_stays_and_then_the_later_status_decides() {
        let whole = charge(Some("PMP"), Some("regular"), Some("utility"), Some(true));
        let free = charge(Some("PMP"), Some("free_customer_service"), Some("utility"), Some(false));
        let part = charge(Some("CBP"), None, Some("utility"), None);
        let told = |charge: &Charge, rank| ToldCharge { charge: charge.clone(), rank, at: Timestamp(1) };
        assert_eq!(told(&whole, 1).or(told(&part, 2)).charge, whole, "a part does not replace the whole");
        assert_eq!(told(&part, 2).or(told(&whole, 1)).charge, whole);
        assert_eq!(told(&whole, 1).or(told(&free, 2)).charge, free, "what is charged is known at delivery");
        assert_eq!(told(&free, 2).or(told(&whole, 1)).charge, free);
    }

    #[test]
    fn what_is_charged_counts_in_the_month_of_the_account_and_what_is_free_does_not() {
        // A second before midnight of the first of October in UTC.
        let at = Timestamp(1_790_812_799_000);
        let of = |kind: &str, category: &str, country: &str, zone: &str| {
            let told = ToldCharge { charge: charge(Some("PMP"), Some(kind), Some(category), None), rank: 1, at };
            let volume = Volume::of(&told, country, &TimeZone::get(zone).unwrap());
            volume.map(|volume| format!("{} {} {}", volume.month, volume.market, volume.category))
        };
        assert_eq!(of("regular", "utility", "MA", "UTC").as_deref(), Some("2026-09 Rest of Africa utility"));
        assert_eq!(of("regular", "utility", "MA", "Europe/Berlin").as_deref(), Some("2026-10 Morocco utility"));
        let international = of("regular", "authentication-international", "IN", "UTC");
        assert_eq!(international.as_deref(), Some("2026-09 India authentication"));
        for (kind, category) in [
            ("free_customer_service", "utility"),
            ("free_entry_point", "authentication"),
            ("regular", "marketing"),
            ("regular", "service"),
            ("brand_new", "utility"),
        ] {
            assert_eq!(of(kind, category, "IN", "UTC"), None, "{kind} {category}");
        }
    }

    prop_compose! {
        fn any_told()(
            model in prop::option::of(prop::sample::select(vec!["PMP", "CBP"])),
            kind in prop::option::of(prop::sample::select(vec!["regular", "free_entry_point", "odd"])),
            category in prop::option::of(prop::sample::select(vec!["marketing", "service"])),
            billable in prop::option::of(any::<bool>()), rank in 0u8..5, at in 0i64..4,
        ) -> ToldCharge {
            ToldCharge { charge: charge(model, kind, category, billable), rank, at: Timestamp(at) }
        }
    }

    proptest! {
        #[test]
        fn order_and_repetition_do_not_matter(
            all in prop::collection::vec(any_told(), 1..8), order in Just(()).prop_perturb(|(), mut rng| rng.next_u64()),
        ) {
            let fold = |all: &[ToldCharge]| all.iter().cloned().reduce(ToldCharge::or);
            let mut shuffled = all.clone();
            let count = shuffled.len();
            for place in 0..count {
                let other = usize::try_from(order.rotate_left(place as u32 * 7) % count as u64).unwrap();
                shuffled.swap(place, other);
            }
            shuffled.extend(all.clone());
            prop_assert_eq!(fold(&all), fold(&shuffled));
        }
    }
}
