//! Templates that WhatsApp takes from nobody: by the country of the recipient's number and the category, from a day on.
//!
//! The list has the days. To numbers of the United States (the country code 1 and an area code of theirs) WhatsApp
//! delivers no marketing.

use std::sync::LazyLock;

use jiff::{civil::Date, tz::TimeZone};

use crate::{Place, Timestamp};

/// The category that is no service, as the list writes it.
const MARKETING: &str = "marketing";

/// A category that is not taken to a country, from a moment on.
struct Line {
    /// ISO 3166.
    country: &'static str,
    category: &'static str,
    from: Timestamp,
}

static LINES: LazyLock<Vec<Line>> = LazyLock::new(|| {
    let lines = include_str!("../data/whatsapp_not_taken.csv").lines().skip(1);
    let read = |line: &'static str| {
        let mut cells = line.split(',');
        let (country, category) = (cells.next()?, cells.next()?);
        let day: Date = cells.next()?.parse().ok()?;
        let from = day.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond();
        Some(Line { country, category, from: Timestamp(from) })
    };
    lines.filter_map(read).collect()
});

/// Whether WhatsApp delivers no marketing templates to numbers of this place then.
#[must_use]
pub fn takes_no_marketing(place: Option<Place>, at: Timestamp) -> bool {
    let Some(place) = place else { return false };
    LINES.iter().any(|line| line.country == place.country && line.category == MARKETING && line.from <= at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place_of_phone;

    #[test]
    fn the_united_states_since_april_2025_and_nobody_else() {
        assert_eq!(LINES.len(), 1, "each line can be read");
        let april = Timestamp(1_743_465_600_000);
        for (phone, at, expected) in [
            ("+12125550123", april, true),
            ("+12125550123", april.plus(-1), false),
            ("+14165550123", april, false),
            ("+18765550123", april, false),
            // No area code of anybody.
            ("+15555550123", april, false),
            ("+4915112345678", april, false),
        ] {
            let place = place_of_phone(&phone.parse().unwrap());
            assert_eq!(takes_no_marketing(place, at), expected, "{phone} {at:?}");
        }
        assert!(!takes_no_marketing(None, april));
    }
}
