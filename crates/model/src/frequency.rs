//! How often one person may get promotional messages.
//!
//! Periods roll: "2 a week" means that in no 7 days there are more than two. What counts is every promotional message
//! whose submission was begun and that is not known to have stayed here.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, time};

crate::text_enum! {
    /// The time a cap looks back over.
    pub enum Period {
        /// 24 hours.
        Day = "day",
        /// 7 days.
        Week = "week",
        /// 30 days.
        Month = "month",
    }
}

crate::text_enum! {
    /// What happens to a message that a cap of the workspace stops.
    pub enum AtCap {
        /// It waits until the cap has room again.
        Hold = "hold",
        /// It is not sent at all.
        Suppress = "suppress",
    }
}

/// At most so many messages in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FrequencyCap {
    /// Most messages, at least 1 and at most [`FrequencyCap::MOST`].
    pub messages: u32,
    pub period: Period,
}

impl FrequencyCap {
    /// Most messages a cap can allow: more than that is no cap.
    pub const MOST: u32 = 100;

    /// Whether it is one.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.messages >= 1 && self.messages <= Self::MOST
    }

    /// The period in milliseconds.
    #[must_use]
    pub const fn millis(self) -> i64 {
        match self.period {
            Period::Day => time::DAY,
            Period::Week => 7 * time::DAY,
            Period::Month => 30 * time::DAY,
        }
    }

    /// "2 in 7 days".
    #[must_use]
    pub fn words(self) -> String {
        words(self.messages, self.millis())
    }
}

/// "3 in 24 hours", "2 in 7 days".
#[must_use]
pub fn words(messages: u32, millis: i64) -> String {
    match millis / time::DAY {
        days if days > 1 => format!("{messages} in {days} days"),
        _ => format!("{messages} in {} hours", millis / time::HOUR),
    }
}

/// From when on one more message fits under "at most `messages` in `millis`"; `None` when it fits now. `sends` are the
/// earlier ones, newest first.
#[must_use]
pub fn room_at(messages: u32, millis: i64, sends: &[Timestamp], now: Timestamp) -> Option<Timestamp> {
    let oldest_that_counts = usize::try_from(messages).ok()?.checked_sub(1)?;
    let free = sends.get(oldest_that_counts)?.plus(millis);
    (free > now).then_some(free)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_453_200_000);

    fn ago(hours: &[i64]) -> Vec<Timestamp> {
        hours.iter().map(|hours| NOW.plus(-hours * time::HOUR)).collect()
    }

    #[test]
    fn the_oldest_of_a_full_cap_makes_room() {
        let day = 24 * time::HOUR;
        assert_eq!(room_at(3, day, &ago(&[1, 2]), NOW), None);
        assert_eq!(room_at(3, day, &ago(&[1, 2, 20]), NOW), Some(NOW.plus(4 * time::HOUR)));
        assert_eq!(room_at(3, day, &ago(&[1, 2, 24]), NOW), None, "exactly a day ago no longer counts");
        assert_eq!(room_at(3, day, &ago(&[1, 2, 5, 20]), NOW), Some(NOW.plus(19 * time::HOUR)), "the third newest");
        assert_eq!(room_at(1, day, &ago(&[]), NOW), None);
    }

    #[test]
    fn words_of_caps() {
        assert_eq!(FrequencyCap { messages: 2, period: Period::Week }.words(), "2 in 7 days");
        assert_eq!(FrequencyCap { messages: 1, period: Period::Day }.words(), "1 in 24 hours");
        assert!(!FrequencyCap { messages: 0, period: Period::Day }.is_valid());
    }
}
