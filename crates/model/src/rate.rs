//! Limits on how many segments leave in a second, a minute or a day, nested: a message needs room in every one that
//! applies.
//!
//! | limit | whose | window |
//! |---|---|---|
//! | of a sender | set by its owner, such as 3 a second of a toll-free number | a second |
//! | of a registered campaign | AT&T's class of the campaign, over all of its numbers | a minute |
//! | of a brand | T-Mobile's day, over all of its campaigns | a day, from midnight to midnight Pacific time |
//!
//! Windows are fixed. A message that does not fit into what is left of a window waits for the next one. A campaign's own
//! pace is no such limit: it holds for any minute, and is kept by the store.
//!
//! Which carrier a number belongs to is not known: numbers are portable, and no list of carriers comes with the build. So
//! a text counts against the limits of every carrier, as if each of them delivered it: never too many, sometimes fewer
//! than allowed. Service messages, tests and answers to words count as well but never wait: with a carrier unknown it
//! would be wrong to hold a code back.
//!
//! An account's own rate is kept by the session with the carrier and is not counted here.

use jiff::{ToSpan as _, tz::TimeZone};
use serde::{Deserialize, Serialize};

use uuid::Uuid;

use crate::{Timestamp, quiet_hours, time};

/// Where the carriers' day begins.
const CARRIER_ZONE: &str = "America/Los_Angeles";

crate::text_enum! {
    /// The time a limit counts over.
    pub enum RateWindow {
        Second = "second",
        Minute = "minute",
        /// A day of the carriers, from midnight to midnight Pacific time.
        Day = "day",
    }
}

/// At most so many segments in each window, for everything that a sender or registration covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimit {
    /// Id of the sender or registration whose limit it is.
    pub of: Uuid,
    pub window: RateWindow,
    /// Segments, at least 1.
    pub segments: u32,
}

/// One window of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    pub starts_at: Timestamp,
    /// When the next one begins.
    pub ends_at: Timestamp,
}

impl RateWindow {
    /// The window a moment lies in.
    #[must_use]
    pub fn slot(self, now: Timestamp) -> Slot {
        match self {
            Self::Second => fixed(now, time::SECOND),
            Self::Minute => fixed(now, time::MINUTE),
            Self::Day => {
                let zone = quiet_hours::zone(CARRIER_ZONE).unwrap_or(TimeZone::UTC);
                // Out of the calendar's range: a day in UTC.
                carrier_day(&zone, now).unwrap_or_else(|| fixed(now, time::DAY))
            }
        }
    }
}

impl RateWindow {
    /// When the window begins that is `ahead` windows after the one that ends at `end`.
    #[must_use]
    pub fn later(self, end: Timestamp, ahead: i64) -> Timestamp {
        let length = match self {
            Self::Second => time::SECOND,
            Self::Minute => time::MINUTE,
            Self::Day => time::DAY,
        };
        // Two days a year have another length; asking again at that moment finds the right window.
        end.plus(length.saturating_mul(ahead))
    }
}

/// A window of so many milliseconds since the epoch.
fn fixed(now: Timestamp, length: i64) -> Slot {
    let starts_at = Timestamp(now.0.div_euclid(length) * length);
    Slot { starts_at, ends_at: starts_at.plus(length) }
}

fn carrier_day(zone: &TimeZone, now: Timestamp) -> Option<Slot> {
    let midnight = zone.to_datetime(now.to_jiff()).date().to_zoned(zone.clone()).ok()?;
    let next = midnight.checked_add(1.day()).ok()?;
    let moment = |zoned: &jiff::Zoned| Timestamp(zoned.timestamp().as_millisecond());
    Some(Slot { starts_at: moment(&midnight), ends_at: moment(&next) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn a_minute_begins_on_the_minute() {
        let slot = RateWindow::Minute.slot(at("2026-11-23T17:04:59.999Z"));
        assert_eq!((slot.starts_at, slot.ends_at), (at("2026-11-23T17:04:00Z"), at("2026-11-23T17:05:00Z")));
        assert_eq!(RateWindow::Minute.slot(slot.ends_at).starts_at, slot.ends_at);
    }

    #[test]
    fn a_day_begins_at_the_carriers_midnight_also_when_the_clock_changes() {
        let slot = RateWindow::Day.slot(at("2026-11-23T17:00:00Z"));
        assert_eq!((slot.starts_at, slot.ends_at), (at("2026-11-23T08:00:00Z"), at("2026-11-24T08:00:00Z")));
        assert_eq!(RateWindow::Day.slot(at("2026-11-23T07:59:59Z")).ends_at, at("2026-11-23T08:00:00Z"));
        // Summer time ends on 2026-11-01 in the United States: that day has 25 hours.
        let long = RateWindow::Day.slot(at("2026-11-01T12:00:00Z"));
        assert_eq!((long.starts_at, long.ends_at), (at("2026-11-01T07:00:00Z"), at("2026-11-02T08:00:00Z")));
    }
}
