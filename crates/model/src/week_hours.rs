//! The hours of a week, by the clock on the recipient's wall, in which promotional texts may be sent.
//!
//! A day has up to [`MOST_SPANS`] spans. Everything here is a small copy on the stack: a decision about one of a million
//! messages allocates nothing for it.

use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

use crate::{holiday::Holidays, quiet_hours::QuietHours};

/// Minutes of a day.
pub const MINUTES_OF_DAY: u16 = 24 * 60;
/// Most separate spans in one day.
pub const MOST_SPANS: usize = 8;

crate::text_enum! {
    /// A day of the week.
    pub enum Day {
        Monday = "mon",
        Tuesday = "tue",
        Wednesday = "wed",
        Thursday = "thu",
        Friday = "fri",
        Saturday = "sat",
        Sunday = "sun",
    }
}

impl Day {
    /// 0 for Monday.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A time of certain days in which a workspace sends nothing promotional, beside its nightly quiet hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuietSpan {
    /// Days it holds on.
    pub days: Vec<Day>,
    /// Minutes after local midnight at which it begins.
    pub start_minute: u16,
    /// Minutes after local midnight at which it ends; 1440 is the end of the day. Above `start_minute`.
    pub end_minute: u16,
}

impl QuietSpan {
    /// Whether it is one: some days, and an end after its start within the day.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        !self.days.is_empty() && self.start_minute < self.end_minute && self.end_minute <= MINUTES_OF_DAY
    }
}

/// The open spans of one day, in order and apart from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayHours {
    spans: [(u16, u16); MOST_SPANS],
    count: usize,
}

impl DayHours {
    const CLOSED: Self = Self { spans: [(0, 0); MOST_SPANS], count: 0 };
    const OPEN: Self = {
        let mut spans = [(0, 0); MOST_SPANS];
        spans[0] = (0, MINUTES_OF_DAY);
        Self { spans, count: 1 }
    };

    /// The spans, each from its first minute to the minute after its last.
    #[must_use]
    pub fn spans(&self) -> &[(u16, u16)] {
        &self.spans[..self.count]
    }

    fn add(&mut self, from: u16, to: u16) {
        // Data that has more is refused where it is read; what would not fit stays closed.
        if from < to && self.count < MOST_SPANS {
            self.spans[self.count] = (from, to);
            self.count += 1;
        }
    }

    /// The same without the minutes from `start` to before `end`.
    fn without(self, start: u16, end: u16) -> Self {
        let mut left = Self::CLOSED;
        for &(from, to) in self.spans() {
            left.add(from, to.min(start));
            left.add(from.max(end), to);
        }
        left
    }
}

/// When sending is allowed. Also says when it is not: everywhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeekHours {
    days: [DayHours; 7],
    /// Days that are closed whatever weekday they are.
    holidays: Option<&'static Holidays>,
}

impl WeekHours {
    /// Always.
    pub const ALWAYS: Self = Self { days: [DayHours::OPEN; 7], holidays: None };

    /// Every hour but a workspace's quiet ones.
    #[must_use]
    pub fn of_workspace(quiet: QuietHours, spans: &[QuietSpan]) -> Self {
        let mut week = Self::ALWAYS;
        let (start, end) = (quiet.start_minute % MINUTES_OF_DAY, quiet.end_minute % MINUTES_OF_DAY);
        if quiet.exist() {
            for day in &mut week.days {
                *day = if start < end {
                    day.without(start, end)
                } else {
                    day.without(start, MINUTES_OF_DAY).without(0, end)
                };
            }
        }
        for span in spans {
            for day in &span.days {
                let hours = &mut week.days[day.index()];
                *hours = hours.without(span.start_minute, span.end_minute);
            }
        }
        week
    }

    /// From open spans as `(days, from, to)`. `None` when a span is not one or a day has too many.
    #[must_use]
    pub fn of_spans(
        spans: impl IntoIterator<Item = (Vec<Day>, u16, u16)>,
        holidays: Option<&'static Holidays>,
    ) -> Option<Self> {
        let mut week = Self { days: [DayHours::CLOSED; 7], holidays };
        for (days, from, to) in spans {
            for day in days {
                let hours = &mut week.days[day.index()];
                let follows = hours.spans().last().is_none_or(|&(_, end)| end < from);
                if from >= to || to > MINUTES_OF_DAY || !follows || hours.count == MOST_SPANS {
                    return None;
                }
                hours.add(from, to);
            }
        }
        Some(week)
    }

    /// Whether it never closes.
    #[must_use]
    pub fn is_always(&self) -> bool {
        self.days == Self::ALWAYS.days && self.holidays.is_none()
    }

    /// The open spans of a date.
    #[must_use]
    pub fn of_date(&self, date: Date) -> &[(u16, u16)] {
        if self.holidays.is_some_and(|holidays| holidays.contain(date)) {
            return &[];
        }
        self.days[weekday_index(date.weekday())].spans()
    }

    /// Whether a wall clock that shows this minute of this date is in an open span.
    #[must_use]
    pub fn is_open(&self, date: Date, minute: u16) -> bool {
        self.of_date(date).iter().any(|&(from, to)| from <= minute && minute < to)
    }

    /// In words for the screen: "Mon–Sat 08:00–20:00".
    #[must_use]
    pub fn words(&self) -> String {
        const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        let mut parts = Vec::new();
        let mut first = 0;
        for index in 0..7 {
            if index < 6 && self.days[index + 1] == self.days[index] {
                continue;
            }
            let spans = self.days[index].spans().iter().map(|&(from, to)| format!("{}–{}", clock(from), clock(to)));
            let spans = spans.collect::<Vec<_>>().join(", ");
            let days = match (first, index) {
                (0, 6) => "Every day".to_owned(),
                (first, last) if first == last => NAMES[last].to_owned(),
                (first, last) => format!("{}–{}", NAMES[first], NAMES[last]),
            };
            parts.push(if spans.is_empty() { format!("{days} never") } else { format!("{days} {spans}") });
            first = index + 1;
        }
        if self.holidays.is_some() {
            parts.push("never on public holidays".to_owned());
        }
        parts.join("; ")
    }
}

/// `HH:MM` of a minute of the day; the end of the day is 24:00.
#[must_use]
pub fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// 0 for Monday.
fn weekday_index(day: Weekday) -> usize {
    usize::try_from(day.to_monday_zero_offset()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const NIGHT: QuietHours = QuietHours { start_minute: 21 * 60, end_minute: 8 * 60 };

    #[test]
    fn a_workspaces_quiet_hours_and_spans_are_what_is_closed() {
        let lunch = QuietSpan { days: vec![Day::Monday], start_minute: 720, end_minute: 780 };
        let sunday = QuietSpan { days: vec![Day::Sunday], start_minute: 0, end_minute: 1440 };
        let week = WeekHours::of_workspace(NIGHT, &[lunch, sunday]);
        let (monday, tuesday, sunday) = (date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 29));
        assert_eq!(week.of_date(monday), [(480, 720), (780, 1260)]);
        assert_eq!(week.of_date(tuesday), [(480, 1260)]);
        assert_eq!(week.of_date(sunday), []);
        assert!(week.is_open(monday, 480) && !week.is_open(monday, 479) && !week.is_open(monday, 720));
        assert!(week.is_open(monday, 780) && !week.is_open(monday, 1260));
        assert_eq!(week.words(), "Mon 08:00–12:00, 13:00–21:00; Tue–Sat 08:00–21:00; Sun never");
        assert!(WeekHours::of_workspace(QuietHours::NONE, &[]).is_always());
        let whole_day = QuietHours { start_minute: 0, end_minute: 1440 };
        assert_eq!(WeekHours::of_workspace(whole_day, &[]).of_date(monday), []);
        let by_day = QuietHours { start_minute: 600, end_minute: 660 };
        assert_eq!(WeekHours::of_workspace(by_day, &[]).of_date(monday), [(0, 600), (660, 1440)]);
    }

    #[test]
    fn spans_that_are_none_are_refused() {
        let one = |from, to| WeekHours::of_spans([(vec![Day::Monday], from, to)], None);
        assert!(one(480, 1260).is_some());
        assert!(one(480, 480).is_none() && one(500, 480).is_none() && one(0, 1441).is_none());
        let overlapping = [(vec![Day::Monday], 480, 720), (vec![Day::Monday], 700, 800)];
        assert!(WeekHours::of_spans(overlapping, None).is_none());
    }

    #[test]
    fn words_of_a_simple_week() {
        let every = WeekHours::of_spans([(Day::ALL.to_vec(), 480, 1260)], None).unwrap();
        assert_eq!(every.words(), "Every day 08:00–21:00");
    }
}
