//! When a message may leave, given several sets of hours and several zones at once.
//!
//! Where a recipient may be in several zones, the message waits until every set of hours is open in all of them. The wall
//! clock decides, so changes between winter and summer time need no rule of their own: an hour that does not exist is
//! never open, and an hour that exists twice is open both times or not at all.

use jiff::{civil, tz::TimeZone};

use crate::{Timestamp, time, week_hours::WeekHours};

/// How far ahead an opening is looked for. Hours and zones whose open times never meet find none.
const HORIZON: i64 = 10 * time::DAY;

/// Whether all hours are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// All are open, and the first of them closes then; `None` when none does within a day.
    Open { closes_at: Option<Timestamp> },
    /// From `at` on all are open. `hours` and `zone` (indexes of the arguments) are what keeps it closed the longest.
    At { at: Timestamp, hours: usize, zone: usize },
    /// They never meet within [`HORIZON`]; `hours` and `zone` are what is closed now.
    Never { hours: usize, zone: usize },
}

/// Looks at all sets of hours in all zones. Without hours or zones everything is open.
#[must_use]
pub fn opening(hours: &[&WeekHours], zones: &[TimeZone], now: Timestamp) -> Opening {
    let mut at = now;
    let mut first = None;
    while at.since(now) <= HORIZON {
        match latest_opening(hours, zones, at) {
            None => {
                return match first {
                    None => Opening::Open { closes_at: closing(hours, zones, at) },
                    Some((hours, zone)) => Opening::At { at, hours, zone },
                };
            }
            Some((next, hours, zone)) => {
                first.get_or_insert((hours, zone));
                match next {
                    Some(next) if next > at => at = next,
                    _ => break,
                }
            }
        }
    }
    let (hours, zone) = first.unwrap_or_default();
    Opening::Never { hours, zone }
}

/// Of all that is closed at `at`, what opens last; no moment when it never does.
fn latest_opening(
    hours: &[&WeekHours],
    zones: &[TimeZone],
    at: Timestamp,
) -> Option<(Option<Timestamp>, usize, usize)> {
    let mut latest: Option<(Option<Timestamp>, usize, usize)> = None;
    for (zone_index, zone) in zones.iter().enumerate() {
        let wall = zone.to_datetime(at.to_jiff());
        for (index, week) in hours.iter().enumerate() {
            if week.is_open(wall.date(), minute_of_day(wall)) {
                continue;
            }
            let opens = next_opening(zone, wall.date(), at, week);
            let later = latest.is_none_or(|(known, _, _)| match (known, opens) {
                (None, _) => false,
                (Some(_), None) => true,
                (Some(known), Some(opens)) => opens > known,
            });
            if later {
                latest = Some((opens, index, zone_index));
            }
        }
    }
    latest
}

/// The first closing of anything that is open at `at`, when it is within a day.
fn closing(hours: &[&WeekHours], zones: &[TimeZone], at: Timestamp) -> Option<Timestamp> {
    let mut first: Option<Timestamp> = None;
    for zone in zones {
        let wall = zone.to_datetime(at.to_jiff());
        let minute = minute_of_day(wall);
        // One conversion per zone: the wall clock orders the closings of today already.
        let mut today: Option<u16> = None;
        let mut overnight = None;
        for week in hours {
            let Some(&(_, to)) = week.of_date(wall.date()).iter().find(|(from, to)| *from <= minute && minute < *to)
            else {
                continue;
            };
            if to < crate::week_hours::MINUTES_OF_DAY {
                today = Some(today.map_or(to, |known| known.min(to)));
            } else if let Ok(tomorrow) = wall.date().tomorrow() {
                match week.of_date(tomorrow).first() {
                    Some(&(0, crate::week_hours::MINUTES_OF_DAY)) => {}
                    Some(&(0, to)) => overnight = earliest(overnight, moment(zone, tomorrow, to, at)),
                    _ => overnight = earliest(overnight, moment(zone, tomorrow, 0, at)),
                }
            }
        }
        let today = today.and_then(|minute| moment(zone, wall.date(), minute, at));
        first = earliest(first, earliest(today, overnight));
    }
    first
}

fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// The first moment after `at` that may be an opening in `zone`; the caller looks again from there.
fn next_opening(zone: &TimeZone, today: civil::Date, at: Timestamp, week: &WeekHours) -> Option<Timestamp> {
    // A change of the clock can move an opening past midnight, so one day more than the first that has one is looked at.
    let days = std::iter::successors(Some(today), |day| day.tomorrow().ok()).take(11);
    let mut found: Option<Timestamp> = None;
    for (number, day) in days.enumerate() {
        for &(from, _) in week.of_date(day) {
            found = earliest(found, moment(zone, day, from, at));
        }
        if found.is_some() && number > 0 {
            break;
        }
    }
    found
}

/// The first moment after `at` at which the wall clock shows this time. A time that exists twice has two; one that does
/// not exist stands for the same distance before and after the gap: the later is at least the edge.
fn moment(zone: &TimeZone, day: civil::Date, minute: u16, at: Timestamp) -> Option<Timestamp> {
    let (day, minute) =
        if minute >= crate::week_hours::MINUTES_OF_DAY { (day.tomorrow().ok()?, 0) } else { (day, minute) };
    let wall = day.to_datetime(civil::time(i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?, 0, 0));
    let ambiguous = zone.to_ambiguous_zoned(wall);
    let moments = if ambiguous.is_ambiguous() {
        [ambiguous.clone().earlier(), ambiguous.later()]
    } else {
        let only = ambiguous.compatible();
        [only.clone(), only]
    };
    moments
        .into_iter()
        .filter_map(Result::ok)
        .map(|moment| Timestamp(moment.timestamp().as_millisecond()))
        .filter(|moment| *moment > at)
        .min()
}

fn minute_of_day(wall: civil::DateTime) -> u16 {
    // Both parts are below 60, whatever the time library promises.
    u16::from(wall.hour().unsigned_abs()) * 60 + u16::from(wall.minute().unsigned_abs())
}

#[cfg(test)]
#[path = "open_hours_tests.rs"]
mod tests;
