//! When a campaign starts, how often, and how fast: wall time in a zone, turned into instants.
//!
//! Wall time is what people mean, so the zone's rules are asked for each run: 9:00 stays 9:00 when clocks change. A time
//! that a change of clocks skips is taken after the gap, one that it repeats is taken the first time.

use jiff::{
    SignedDuration, Span, ToSpan as _,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};

use crate::{Timestamp, time};

crate::text_enum! {
    /// Whose clock the time of a schedule is read on.
    pub enum ScheduleClock {
        /// The workspace's: everybody at the same moment.
        Workspace = "workspace",
        /// Each recipient's own: everybody at the same time of day.
        Recipient = "recipient",
    }
}

crate::text_enum! {
    /// How often a recurring campaign runs.
    pub enum Frequency {
        Daily = "daily",
        Weekly = "weekly",
        /// On the same day of each month; the last day of months that are too short.
        Monthly = "monthly",
    }
}

crate::text_enum! {
    /// What to do when a run could not start at its time.
    pub enum Misfire {
        /// Start it late.
        RunLate = "run_late",
        /// Leave it out.
        Skip = "skip",
        /// Wait for a person.
        Ask = "ask",
    }
}

/// A recurrence: the part of RFC 5545 that people use for campaigns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    pub frequency: Frequency,
    /// Every so many days, weeks or months.
    pub interval: u32,
    /// Number of runs; without end when neither this nor `until` is given.
    #[serde(default)]
    pub count: Option<u32>,
    /// The last day on which a run may start.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub until: Option<Date>,
}

/// Hours of the day, in the workspace's zone, in which messages leave. May go over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendWindow {
    #[schema(value_type = String, example = "09:00:00")]
    pub from: Time,
    #[schema(value_type = String, example = "18:00:00")]
    pub until: Time,
}

/// When a campaign starts, how often, and how fast. Empty: now, once, as fast as the sender may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// Wall time of the first run; at once when it is not given.
    #[schema(value_type = Option<String>, example = "2026-12-01T09:00:00")]
    pub starts_at: Option<DateTime>,
    pub clock: ScheduleClock,
    pub repeat: Option<Repeat>,
    pub misfire: Misfire,
    /// How late a run may start and still count as in time, and with `run_late` be started at all.
    pub late_hours: u32,
    pub window: Option<SendWindow>,
    /// Most messages in one minute.
    pub per_minute: Option<u32>,
    /// Hours after its time when a message that has not left is no longer sent; without end when not given.
    pub expires_hours: Option<u32>,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            starts_at: None,
            clock: ScheduleClock::Workspace,
            repeat: None,
            misfire: Misfire::RunLate,
            late_hours: 12,
            window: None,
            per_minute: None,
            expires_hours: None,
        }
    }
}

/// Why a schedule makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchedule {
    #[error("A recurring campaign needs the time of its first run.")]
    RepeatWithoutStart,
    #[error("Each recipient's own time needs a time of day.")]
    LocalWithoutStart,
    #[error("The interval is between 1 and 365.")]
    Interval,
    #[error("The number of runs is between 1 and 1000.")]
    Count,
    #[error("The last day is before the first run.")]
    UntilBeforeStart,
    #[error("The send window has to be at least 15 minutes long.")]
    Window,
    #[error("The number of messages in a minute is between 1 and 1000000.")]
    PerMinute,
    #[error("A message expires between 1 and 720 hours after its time.")]
    ExpiresHours,
    #[error("A run may be between 1 and 168 hours late.")]
    LateHours,
}

/// What to do with a run whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Start it.
    Start,
    /// Its time is too long past; leave it out.
    Skip,
    /// Its time is past; a person decides.
    Ask,
}

/// Lateness that is nobody's fault: a worker looks every moment, not at every instant.
const PUNCTUAL: i64 = 5 * time::MINUTE;
/// The zone in which each day begins first, 14 hours ahead of UTC.
const FIRST_ZONE: &str = "Pacific/Kiritimati";

impl Schedule {
    /// Checks what does not depend on the time.
    ///
    /// # Errors
    /// The first part that makes no sense.
    pub fn check(&self) -> Result<(), InvalidSchedule> {
        if self.starts_at.is_none() && self.repeat.is_some() {
            return Err(InvalidSchedule::RepeatWithoutStart);
        }
        if self.starts_at.is_none() && self.clock == ScheduleClock::Recipient {
            return Err(InvalidSchedule::LocalWithoutStart);
        }
        if let Some(repeat) = self.repeat {
            if !(1..=365).contains(&repeat.interval) {
                return Err(InvalidSchedule::Interval);
            }
            if repeat.count.is_some_and(|count| !(1..=1_000).contains(&count)) {
                return Err(InvalidSchedule::Count);
            }
            if repeat.until.zip(self.starts_at).is_some_and(|(until, start)| until < start.date()) {
                return Err(InvalidSchedule::UntilBeforeStart);
            }
        }
        if self.window.is_some_and(|window| window.length() < SignedDuration::from_mins(15)) {
            return Err(InvalidSchedule::Window);
        }
        if self.per_minute.is_some_and(|most| !(1..=1_000_000).contains(&most)) {
            return Err(InvalidSchedule::PerMinute);
        }
        if self.expires_hours.is_some_and(|hours| !(1..=720).contains(&hours)) {
            return Err(InvalidSchedule::ExpiresHours);
        }
        if !(1..=168).contains(&self.late_hours) {
            return Err(InvalidSchedule::LateHours);
        }
        Ok(())
    }

    /// Wall time of run number `run`, from 0; nothing after the last one.
    #[must_use]
    pub fn wall_time(&self, run: u32) -> Option<DateTime> {
        let start = self.starts_at?;
        let Some(repeat) = self.repeat else { return (run == 0).then_some(start) };
        if repeat.count.is_some_and(|count| run >= count) {
            return None;
        }
        let steps = i64::from(run) * i64::from(repeat.interval);
        let span = match repeat.frequency {
            Frequency::Daily => Span::new().try_days(steps),
            Frequency::Weekly => Span::new().try_weeks(steps),
            Frequency::Monthly => Span::new().try_months(steps),
        };
        let at = start.checked_add(span.ok()?).ok()?;
        repeat.until.is_none_or(|until| at.date() <= until).then_some(at)
    }

    /// A number of runs whose times have certainly passed in every zone: where to look from for the next one, without
    /// going through all that there ever were. At most a few more have passed, too.
    #[must_use]
    pub fn long_past(&self, now: Timestamp) -> u32 {
        let (Some(start), Some(repeat)) = (self.starts_at, self.repeat) else { return 0 };
        // Zones and the recipients' clocks are hours apart, so what is this many days back is past everywhere.
        let Ok(day) = now.to_jiff().to_zoned(TimeZone::UTC).date().checked_sub(4.days()) else { return 0 };
        let days = i64::from((day - start.date()).get_days());
        let interval = i64::from(repeat.interval.max(1));
        let steps = match repeat.frequency {
            Frequency::Daily => days / interval,
            Frequency::Weekly => days / 7 / interval,
            Frequency::Monthly => {
                let months = |date: Date| i64::from(date.year()) * 12 + i64::from(date.month());
                (months(day) - months(start.date()) - 1) / interval
            }
        };
        u32::try_from(steps).unwrap_or(0)
    }

    /// The moment at which run number `run` starts. With the recipients' clocks: when its time comes in the first zone.
    #[must_use]
    pub fn starts(&self, run: u32, workspace_zone: &str) -> Option<Timestamp> {
        let at = self.wall_time(run)?;
        match self.clock {
            ScheduleClock::Workspace => instant(at, workspace_zone),
            ScheduleClock::Recipient => instant(at, FIRST_ZONE),
        }
    }

    /// When the message of a recipient who may be in any of `zones` may leave: at the time of day in the last of them,
    /// so that it is not too early in any.
    #[must_use]
    pub fn recipient_time(&self, run: u32, zones: &[String]) -> Option<Timestamp> {
        let at = self.wall_time(run).filter(|_| self.clock == ScheduleClock::Recipient)?;
        zones.iter().filter_map(|zone| instant(at, zone)).max()
    }

    /// How far past its time something may be and still happen, in milliseconds.
    #[must_use]
    pub fn tolerance(&self) -> i64 {
        i64::from(self.late_hours) * time::HOUR
    }

    /// When the time of a run that starts at `at` has come for everybody. With the recipients' clocks it starts in the
    /// first zone, and comes to the last one 26 hours later.
    #[must_use]
    pub fn begun_everywhere(&self, at: Timestamp) -> Timestamp {
        match self.clock {
            ScheduleClock::Workspace => at,
            ScheduleClock::Recipient => at.plus(26 * time::HOUR),
        }
    }

    /// What to do with a run that was to start at `due`. It is late from when its time has come everywhere.
    #[must_use]
    pub fn due(&self, due: Timestamp, now: Timestamp) -> Due {
        let late = now.since(self.begun_everywhere(due));
        if late <= PUNCTUAL {
            return Due::Start;
        }
        match self.misfire {
            Misfire::RunLate if late <= self.tolerance() => Due::Start,
            Misfire::RunLate | Misfire::Skip => Due::Skip,
            Misfire::Ask => Due::Ask,
        }
    }
}

impl SendWindow {
    fn length(&self) -> SignedDuration {
        let length = self.until.duration_since(self.from);
        if length <= SignedDuration::ZERO { length + SignedDuration::from_hours(24) } else { length }
    }

    /// The window that is open at `now`, else the next one: from when, until when.
    #[must_use]
    pub fn around(&self, now: Timestamp, zone: &str) -> Option<(Timestamp, Timestamp)> {
        let tz = TimeZone::get(zone).ok()?;
        let today = now.to_jiff().to_zoned(tz).date();
        let goes_over_midnight = self.until <= self.from;
        (-1..=2).find_map(|day| {
            let first = today.checked_add(day.days()).ok()?;
            let last = if goes_over_midnight { first.tomorrow().ok()? } else { first };
            let opens = instant(first.to_datetime(self.from), zone)?;
            let closes = instant(last.to_datetime(self.until), zone)?;
            (closes > now && closes > opens).then_some((opens, closes))
        })
    }
}

fn instant(at: DateTime, zone: &str) -> Option<Timestamp> {
    let zoned = at.to_zoned(TimeZone::get(zone).ok()?).ok()?;
    Some(Timestamp(zoned.timestamp().as_millisecond()))
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
