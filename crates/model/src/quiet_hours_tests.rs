use super::*;
use crate::time;

const NIGHT: QuietHours = QuietHours { start_minute: 21 * 60, end_minute: 8 * 60 };

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn end(quiet: QuietHours, zones: &[&str], now: &str) -> Quiet {
    quiet.end_in_all(&zones.iter().map(|&zone| zone.to_owned()).collect::<Vec<_>>(), at(now))
}

fn hours(start: u16, end: u16) -> QuietHours {
    QuietHours { start_minute: start, end_minute: end }
}

#[test]
fn edges_are_half_open() {
    for (minute, quiet) in [(1259, false), (1260, true), (1439, true), (0, true), (479, true), (480, false)] {
        assert_eq!(NIGHT.contain(minute), quiet, "{minute}");
    }
    assert!(!hours(600, 600).contain(600));
    assert!(hours(0, 1440).contain(0) && hours(0, 1440).contain(1439), "the whole day");
    assert!(hours(540, 1020).contain(540) && !hours(540, 1020).contain(1020));
}

#[test]
fn the_end_is_the_last_of_all_zones() {
    assert_eq!(end(NIGHT, &["Europe/Berlin"], "2026-11-23T11:00:00Z"), Quiet::Over);
    assert_eq!(end(NIGHT, &["Europe/Berlin"], "2026-11-23T22:00:00Z"), Quiet::Until(at("2026-11-24T07:00:00Z")));
    // Seven in the morning in Honolulu is noon in New York.
    let both = ["America/New_York", "Pacific/Honolulu"];
    assert_eq!(end(NIGHT, &both, "2026-11-23T17:00:00Z"), Quiet::Until(at("2026-11-23T18:00:00Z")));
    // 21:30 in New York is quiet; the next common day begins with Honolulu's.
    assert_eq!(end(NIGHT, &both, "2026-11-24T02:30:00Z"), Quiet::Until(at("2026-11-24T18:00:00Z")));
}

#[test]
fn nobody_can_say() {
    assert_eq!(end(NIGHT, &[], "2026-11-23T12:00:00Z"), Quiet::Unknown);
    assert_eq!(end(NIGHT, &["Mars/Olympus"], "2026-11-23T12:00:00Z"), Quiet::Unknown);
    assert_eq!(end(NIGHT, &["Etc/Unknown"], "2026-11-23T12:00:00Z"), Quiet::Unknown);
    assert_eq!(end(hours(0, 1440), &["Europe/Berlin"], "2026-11-23T12:00:00Z"), Quiet::Unknown);
    // An hour a day in Honolulu and the same hour in Berlin never meet.
    assert_eq!(
        end(hours(13 * 60, 12 * 60), &["Europe/Berlin", "Pacific/Honolulu"], "2026-11-23T12:30:00Z"),
        Quiet::Unknown
    );
    assert_eq!(end(QuietHours::NONE, &[], "2026-11-23T12:00:00Z"), Quiet::Over, "no quiet hours, no question");
}

#[test]
fn an_end_that_does_not_exist_moves_forward() {
    // In Berlin 02:00 to 03:00 does not exist on 2027-03-28.
    let quiet = hours(22 * 60, 2 * 60 + 30);
    let Quiet::Until(end) = end(quiet, &["Europe/Berlin"], "2027-03-28T00:30:00Z") else { panic!() };
    assert!(end >= at("2027-03-28T01:00:00Z") && end <= at("2027-03-28T01:30:00Z"), "{end}");
}

#[test]
fn an_end_that_exists_twice_is_the_first_and_the_second_pass_is_quiet_again() {
    // In Berlin 02:00 to 03:00 exists twice on 2026-10-25: at 00:00Z and at 01:00Z.
    let quiet = hours(22 * 60, 2 * 60 + 30);
    assert_eq!(end(quiet, &["Europe/Berlin"], "2026-10-25T00:10:00Z"), Quiet::Until(at("2026-10-25T00:30:00Z")));
    assert_eq!(end(quiet, &["Europe/Berlin"], "2026-10-25T00:40:00Z"), Quiet::Over);
    assert_eq!(end(quiet, &["Europe/Berlin"], "2026-10-25T01:10:00Z"), Quiet::Until(at("2026-10-25T01:30:00Z")));
}

/// Every zone of the time zone database, through its next two changes of the clock, hour by hour and minute by minute
/// near them: never by night, and the promised end is day.
#[test]
fn every_zone_through_both_changes() {
    let start = at("2026-06-01T00:00:00Z");
    let mut zones = 0;
    let mut changes = 0;
    for name in jiff::tz::db().available() {
        let name = name.as_str().to_owned();
        let Some(zone) = zone(&name) else { continue };
        zones += 1;
        let mut moments = zone
            .following(start.to_jiff())
            .take(2)
            .map(|change| change.timestamp().as_millisecond())
            .collect::<Vec<_>>();
        changes += moments.len();
        if moments.is_empty() {
            moments.push(start.0);
        }
        for (moment, quiet) in moments.iter().flat_map(|moment| {
            [NIGHT, hours(22 * 60, 2 * 60 + 30), hours(30, 3 * 60)].map(|quiet| (Timestamp(*moment), quiet))
        }) {
            let far = (-26..26).map(|hour| hour * time::HOUR + 7 * time::MINUTE);
            let near = (-24..24).map(|step| step * 5 * time::MINUTE - 1);
            for now in far.chain(near).map(|millis| moment.plus(millis)) {
                let is_night = |at: Timestamp| {
                    let wall = jiff::Timestamp::from_millisecond(at.0).unwrap().to_zoned(zone.clone());
                    let minute = u16::try_from(wall.hour()).unwrap() * 60 + u16::try_from(wall.minute()).unwrap();
                    let (start, end) = (quiet.start_minute, quiet.end_minute);
                    if start < end { (start..end).contains(&minute) } else { minute >= start || minute < end }
                };
                match quiet.end_in_all(std::slice::from_ref(&name), now) {
                    Quiet::Over => assert!(!is_night(now), "{name} {now}"),
                    Quiet::Until(end) => {
                        assert!(is_night(now) && !is_night(end) && end > now, "{name} {now} {end}");
                        assert!(end.since(now) <= 26 * time::HOUR, "{name} {now} {end}");
                    }
                    Quiet::Unknown => panic!("{name} {now}"),
                }
            }
        }
    }
    assert!(zones > 400 && changes > 200, "{zones} zones, {changes} changes");
}
