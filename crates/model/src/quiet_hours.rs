//! Quiet hours: the daily time in which nothing promotional is sent, by the clock on the recipient's wall.
//!
//! Where a recipient may be in several zones, the message waits until it is day in all of them at once:
//! [`crate::open_hours`].

use jiff::{civil, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{
    Timestamp,
    open_hours::{Opening, opening},
    week_hours::WeekHours,
};

const MINUTES_OF_DAY: u16 = 24 * 60;

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
    /// Nobody can say: no zone, a zone nobody knows, or zones whose days do not meet within ten days.
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
        match opening(&[&WeekHours::of_workspace(self, &[])], &known, now) {
            Opening::Open { .. } => Quiet::Over,
            Opening::At { at, .. } => Quiet::Until(at),
            Opening::Never { .. } => Quiet::Unknown,
        }
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
