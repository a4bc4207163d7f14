//! Public holidays as rule books name them: a fixed day, the n-th weekday of a month, or days after Easter Sunday.

use jiff::civil::{Date, Weekday};

/// The holidays of a country.
#[derive(Debug, PartialEq, Eq)]
pub struct Holidays(Vec<Holiday>);

#[derive(Debug, PartialEq, Eq)]
enum Holiday {
    Fixed {
        month: i8,
        day: i8,
    },
    /// The n-th of its kind in the month; -1 is the last.
    Nth {
        month: i8,
        weekday: Weekday,
        nth: i8,
    },
    Easter {
        offset: i64,
    },
}

impl Holidays {
    /// Reads `01-01`, `11-thu-4`, `05-mon--1` and `easter+39`. `None` when one of them is something else.
    #[must_use]
    pub fn parse(words: &[String]) -> Option<Self> {
        words.iter().map(|word| Holiday::parse(word)).collect::<Option<Vec<_>>>().map(Self)
    }

    /// Whether the date is one of them.
    #[must_use]
    pub fn contain(&self, date: Date) -> bool {
        self.0.iter().any(|holiday| holiday.is(date))
    }
}

impl Holiday {
    fn parse(word: &str) -> Option<Self> {
        if let Some(offset) = word.strip_prefix("easter+") {
            return Some(Self::Easter { offset: offset.parse().ok()? });
        }
        let mut parts = word.splitn(3, '-');
        let month = parts.next()?.parse().ok().filter(|month| (1..=12).contains(month))?;
        let second = parts.next()?;
        match parts.next() {
            None => Some(Self::Fixed { month, day: second.parse().ok().filter(|day| (1..=31).contains(day))? }),
            Some(nth) => {
                let weekday = crate::week_hours::Day::parse(second).ok()?.index();
                let weekday = Weekday::from_monday_zero_offset(i8::try_from(weekday).ok()?).ok()?;
                Some(Self::Nth {
                    month,
                    weekday,
                    nth: nth.parse().ok().filter(|nth| (-5..=5).contains(nth) && *nth != 0)?,
                })
            }
        }
    }

    fn is(&self, date: Date) -> bool {
        match self {
            Self::Fixed { month, day } => date.month() == *month && date.day() == *day,
            Self::Nth { month, weekday, nth } => {
                date.month() == *month && date.nth_weekday_of_month(*nth, *weekday).is_ok_and(|found| found == date)
            }
            Self::Easter { offset } => easter(date.year())
                .and_then(|sunday| date.since((jiff::Unit::Day, sunday)).ok())
                .is_some_and(|span| i64::from(span.get_days()) == *offset),
        }
    }
}

/// Easter Sunday of the Gregorian calendar, by the method of Meeus, Jones and Butcher.
fn easter(year: i16) -> Option<Date> {
    let year = i32::from(year);
    let (a, b, c) = (year % 19, year / 100, year % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (b - (b + 8) / 25 + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let days = h + l - 7 * m + 114;
    Date::new(year.try_into().ok()?, (days / 31).try_into().ok()?, (days % 31 + 1).try_into().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn easter_sundays() {
        for (year, month, day) in [(2024, 3, 31), (2025, 4, 20), (2026, 4, 5), (2027, 3, 28), (2038, 4, 25)] {
            assert_eq!(easter(year), Some(date(year, month, day)));
        }
    }

    #[test]
    fn the_three_kinds() {
        let words = ["07-14", "11-thu-4", "05-mon--1", "easter+1", "easter+39"].map(str::to_owned);
        let holidays = Holidays::parse(&words).unwrap();
        for holiday in [(7, 14), (11, 26), (5, 25), (4, 6), (5, 14)] {
            assert!(holidays.contain(date(2026, holiday.0, holiday.1)), "{holiday:?}");
        }
        for other in [(7, 15), (11, 19), (5, 18), (4, 5), (4, 7)] {
            assert!(!holidays.contain(date(2026, other.0, other.1)), "{other:?}");
        }
        for nonsense in ["", "13-01", "xmas", "01-foo-1", "easter", "01-mon-0", "01-32"] {
            assert!(Holidays::parse(&[nonsense.to_owned()]).is_none(), "{nonsense}");
        }
    }
}
