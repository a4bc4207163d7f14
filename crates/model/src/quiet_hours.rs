//! Quiet hours: the daily time in which nothing promotional is sent, by the clock on the recipient's wall.
//!
//! Where a recipient may be in several zones, the message waits until it is day in all of them at once. The wall clock
//! decides, so changes between winter and summer time need no rule of their own: an hour that does not exist is never
//! quiet, and an hour that exists twice is quiet both times or not at all.

use jiff::{civil, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{Timestamp, time};

const MINUTES_OF_DAY: u16 = 24 * 60;

/// How far ahead an end is looked for. Two zones whose days never overlap find none.
const HORIZON: i64 = 7 * time::DAY;

/// Daily time in which nothing promotional is sent, in minutes after local midnight. `start > end` spans midnight;
/// `start == end` means no quiet hours; 0 to 1440 means the whole day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietHours {
    pub start_minute: u16,
    pub end_minute: u16,
}

/// Whether it is quiet somewhere, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quiet {
    /// It is day in every zone.
    Over,
    /// From this moment on it is day in every zone at once.
    Until(Timestamp),
    /// Nobody can say: no zone, a zone nobody knows, or zones whose days do not meet within a week.
    Unknown,
}

impl QuietHours {
    /// No quiet hours at all.
    pub const NONE: Self = Self { start_minute: 0, end_minute: 0 };

    /// Whether there are any.
    #[must_use]
    pub const fn exist(self) -> bool {
        self.start_minute != self.end_minute
    }

    /// Whether a local wall clock that shows `minute` after midnight is in them.
    #[must_use]
    pub const fn contain(self, minute: u16) -> bool {
        let (start, end) = (self.start_minute % MINUTES_OF_DAY, self.end_minute % MINUTES_OF_DAY);
        if !self.exist() {
            false
        } else if start < end {
            start <= minute && minute < end
        } else {
            // Equal here means the whole day: 0 to 1440.
            start <= minute || minute < end
        }
    }

    /// Whether it is quiet in `zone` at `at`.
    #[must_use]
    pub fn in_zone(self, zone: &TimeZone, at: Timestamp) -> bool {
        let wall = zone.to_datetime(at.to_jiff());
        self.contain(minute_of_day(wall))
    }

    /// Whether it is quiet at `now` in any of the zones (IANA names), and from when on it is in none.
    #[must_use]
    pub fn end_in_all(self, zones: &[String], now: Timestamp) -> Quiet {
        if !self.exist() {
            return Quiet::Over;
        }
        let known = zones.iter().filter_map(|name| zone(name)).collect::<Vec<_>>();
        if known.is_empty() || known.len() < zones.len() {
            return Quiet::Unknown;
        }
        let mut at = now;
        while at.since(now) <= HORIZON {
            let ends = known.iter().filter(|zone| self.in_zone(zone, at)).map(|zone| self.next_end(zone, at));
            match ends.max() {
                None if at == now => return Quiet::Over,
                None => return Quiet::Until(at),
                Some(Some(end)) if end > at => at = end,
                Some(_) => return Quiet::Unknown,
            }
        }
        Quiet::Unknown
    }

    /// The first moment after `at` that may be the end of the quiet hours in `zone`; the caller looks again from there.
    fn next_end(self, zone: &TimeZone, at: Timestamp) -> Option<Timestamp> {
        let end_minute = self.end_minute % MINUTES_OF_DAY;
        let end_time = civil::time((end_minute / 60) as i8, (end_minute % 60) as i8, 0, 0);
        let today = zone.to_datetime(at.to_jiff()).date();
        let days = std::iter::successors(Some(today), |day| day.tomorrow().ok()).take(4);
        days.flat_map(|day| {
            // A time that exists twice gives both moments. One that does not exist gives the same distance before and
            // after the gap: the later is at least the end.
            let wall = day.to_datetime(end_time);
            [zone.to_ambiguous_zoned(wall).earlier(), zone.to_ambiguous_zoned(wall).later()]
        })
        .filter_map(Result::ok)
        .map(|moment| Timestamp(moment.timestamp().as_millisecond()))
        .filter(|moment| *moment > at)
        .min()
    }
}

/// The zone of an IANA name; `None` for names nobody knows.
#[must_use]
pub fn zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok().filter(|zone| !zone.is_unknown())
}

fn minute_of_day(wall: civil::DateTime) -> u16 {
    // Both parts are below 60, whatever the time library promises.
    u16::from(wall.hour().unsigned_abs()) * 60 + u16::from(wall.minute().unsigned_abs())
}

#[cfg(test)]
#[path = "quiet_hours_tests.rs"]
mod tests;
