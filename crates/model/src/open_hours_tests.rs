use proptest::prelude::*;

use super::*;
use crate::{
    quiet_hours::zone,
    rule_book::law,
    week_hours::{Day, MINUTES_OF_DAY},
};

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn zones(names: &[&str]) -> Vec<TimeZone> {
    names.iter().map(|name| zone(name).unwrap()).collect()
}

fn look(rules: &[&str], names: &[&str], now: &str) -> Opening {
    let hours = rules.iter().map(|id| law(id).unwrap().hours.as_ref().unwrap()).collect::<Vec<_>>();
    opening(&hours, &zones(names), at(now))
}

fn is_open(week: &WeekHours, zone: &TimeZone, at: Timestamp) -> bool {
    let wall = zone.to_datetime(at.to_jiff());
    week.is_open(wall.date(), u16::try_from(wall.hour()).unwrap() * 60 + u16::try_from(wall.minute()).unwrap())
}

#[test]
fn texas_sleeps_in_on_sunday() {
    let chicago = &["America/Chicago"];
    // 2026-11-29 is a Sunday; Chicago is at UTC-6.
    assert_eq!(
        look(&["us.federal", "us.tx"], chicago, "2026-11-29T15:00:00Z"),
        Opening::At { at: at("2026-11-29T18:00:00Z"), hours: 1, zone: 0 }
    );
    assert_eq!(
        look(&["us.federal", "us.tx"], chicago, "2026-11-29T18:00:00Z"),
        Opening::Open { closes_at: Some(at("2026-11-30T03:00:00Z")) }
    );
    assert_eq!(
        look(&["us.tx"], chicago, "2026-11-30T03:00:00Z"),
        Opening::At { at: at("2026-11-30T15:00:00Z"), hours: 0, zone: 0 },
        "Monday at nine"
    );
}

#[test]
fn france_rests_on_sundays_and_holidays() {
    let paris = &["Europe/Paris"];
    // 2026-12-25 is a Friday, the 27th a Sunday; Paris is at UTC+1.
    assert_eq!(
        look(&["world.fr"], paris, "2026-12-24T19:00:00Z"),
        Opening::At { at: at("2026-12-26T07:00:00Z"), hours: 0, zone: 0 },
        "from Christmas Eve to Boxing Day"
    );
    assert_eq!(
        look(&["world.fr"], paris, "2026-12-26T19:00:00Z"),
        Opening::At { at: at("2026-12-28T07:00:00Z"), hours: 0, zone: 0 },
        "from Saturday to Monday"
    );
    // Easter Monday and the change to summer time lie between.
    assert_eq!(
        look(&["world.fr"], paris, "2027-03-27T19:00:00Z"),
        Opening::At { at: at("2027-03-30T06:00:00Z"), hours: 0, zone: 0 }
    );
}

#[test]
fn the_strictest_hours_of_all_zones_decide() {
    // Four in the afternoon in Boise is three in Los Angeles; the federal day ends first in the east.
    let idaho = &["America/Boise", "America/Los_Angeles"];
    assert_eq!(
        look(&["us.federal"], idaho, "2026-11-23T23:00:00Z"),
        Opening::Open { closes_at: Some(at("2026-11-24T04:00:00Z")) },
        "nine in Boise"
    );
    assert_eq!(
        look(&["us.federal"], idaho, "2026-11-24T04:00:00Z"),
        Opening::At { at: at("2026-11-24T16:00:00Z"), hours: 0, zone: 0 },
        "eight in Los Angeles, but what was closed first was Boise"
    );
}

#[test]
fn a_toll_free_number_waits_for_the_whole_plan() {
    let names = crate::zones_for_phone(&"+18005550123".parse().unwrap());
    let all = names.iter().map(|name| zone(name).unwrap()).collect::<Vec<_>>();
    let federal = law("us.federal").unwrap().hours.as_ref().unwrap();
    let Opening::At { at: opens, .. } = opening(&[federal], &all, at("2026-11-23T17:00:00Z")) else { panic!() };
    assert!(all.iter().all(|zone| is_open(federal, zone, opens)), "{opens}");
    assert!(all.iter().any(|zone| !is_open(federal, zone, opens.plus(-1))));
}

#[test]
fn hours_that_never_meet_never_open() {
    let morning = WeekHours::of_spans([(Day::ALL.to_vec(), 480, 540)], None).unwrap();
    let both = zones(&["Europe/Berlin", "Pacific/Honolulu"]);
    let now = at("2026-11-23T12:00:00Z");
    assert_eq!(opening(&[&morning], &both, now), Opening::Never { hours: 0, zone: 0 });
    let closed = WeekHours::of_spans([], None).unwrap();
    assert_eq!(opening(&[&closed], &both, now), Opening::Never { hours: 0, zone: 0 });
    assert_eq!(opening(&[], &both, now), Opening::Open { closes_at: None });
    assert_eq!(opening(&[&WeekHours::ALWAYS], &both, now), Opening::Open { closes_at: None });
}

fn zone_names() -> Vec<String> {
    jiff::tz::db().available().map(|name| name.as_str().to_owned()).filter(|name| zone(name).is_some()).collect()
}

prop_compose! {
    /// Hours with up to two spans a day; nothing begins or ends between midnight and four, where clocks change.
    fn any_hours()(days in prop::collection::vec((240u16..720, 1u16..480, 1u16..300, 1u16..300, any::<bool>()), 7)) -> WeekHours {
        let spans = Day::ALL.iter().zip(days).flat_map(|(day, (from, length, gap, second, has_second))| {
            let end = from + length;
            let mut spans = vec![(vec![*day], from, end)];
            let next = end + gap;
            if has_second && next < MINUTES_OF_DAY {
                spans.push((vec![*day], next, (next + second).min(MINUTES_OF_DAY)));
            }
            spans
        });
        WeekHours::of_spans(spans.collect::<Vec<_>>(), None).unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// Near the changes of the clock of any zones of the world: what is said to be open is, what is said to open does
    /// and not a minute earlier, and what is said to close does not do so before.
    #[test]
    fn all_zones_through_all_changes(
        hours in prop::collection::vec(any_hours(), 1..3),
        names in prop::collection::vec(prop::sample::select(zone_names()), 1..3),
        change in 0usize..4,
        minutes in -2_880i64..2_880,
    ) {
        let zones = names.iter().map(|name| zone(name).unwrap()).collect::<Vec<_>>();
        let from = at("2026-06-01T00:00:00Z");
        let moment = zones[0]
            .following(from.to_jiff())
            .nth(change)
            .map_or(from, |change| Timestamp(change.timestamp().as_millisecond()));
        let now = moment.plus(minutes * time::MINUTE);
        let sets = hours.iter().collect::<Vec<_>>();
        let open = |at: Timestamp| zones.iter().all(|zone| sets.iter().all(|week| is_open(week, zone, at)));
        match opening(&sets, &zones, now) {
            Opening::Open { closes_at } => {
                prop_assert!(open(now));
                let end = closes_at.unwrap_or(now.plus(time::DAY));
                prop_assert!(end > now);
                let mut at = now;
                while at < end {
                    prop_assert!(open(at), "closed at {at}, before {end}");
                    at = at.plus(time::MINUTE);
                }
            }
            Opening::At { at: opens, hours, zone } => {
                prop_assert!(!open(now) && open(opens) && opens > now);
                prop_assert!(!is_open(sets[hours], &zones[zone], now), "what is told as the reason is closed");
                let mut at = now;
                while at < opens.plus(-time::HOUR) {
                    prop_assert!(!open(at), "open at {at}, before {opens}");
                    at = at.plus(time::MINUTE);
                }
            }
            Opening::Never { .. } => {
                let mut at = now;
                while at < now.plus(7 * time::DAY) {
                    prop_assert!(!open(at), "open at {at}");
                    at = at.plus(time::MINUTE);
                }
            }
        }
    }
}
