use super::*;

const NEW_YORK: &str = "America/New_York";

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn daily(start: &str) -> Schedule {
    let repeat = Repeat { frequency: Frequency::Daily, interval: 1, count: None, until: None };
    Schedule { starts_at: Some(start.parse().unwrap()), repeat: Some(repeat), ..Schedule::default() }
}

fn window(from: &str, until: &str) -> SendWindow {
    SendWindow { from: from.parse().unwrap(), until: until.parse().unwrap() }
}

#[test]
fn nine_o_clock_stays_nine_o_clock_when_clocks_change() {
    // In New York clocks go forward on 2026-03-08 and back on 2026-11-01.
    let spring = daily("2026-03-07T09:00");
    let starts: Vec<_> = (0..3).map(|run| spring.starts(run, NEW_YORK).unwrap().to_rfc3339()).collect();
    assert_eq!(starts, ["2026-03-07T14:00:00.000Z", "2026-03-08T13:00:00.000Z", "2026-03-09T13:00:00.000Z"]);
    let autumn = daily("2026-10-31T09:00");
    let starts: Vec<_> = (0..3).map(|run| autumn.starts(run, NEW_YORK).unwrap().to_rfc3339()).collect();
    assert_eq!(starts, ["2026-10-31T13:00:00.000Z", "2026-11-01T14:00:00.000Z", "2026-11-02T14:00:00.000Z"]);
}

#[test]
fn a_skipped_time_is_taken_after_the_gap_and_a_repeated_one_the_first_time() {
    assert_eq!(daily("2026-03-08T02:30").starts(0, NEW_YORK), Some(at("2026-03-08T03:30:00-04:00")));
    assert_eq!(daily("2026-11-01T01:30").starts(0, NEW_YORK), Some(at("2026-11-01T01:30:00-04:00")));
}

#[test]
fn runs_end_by_count_and_by_date_and_months_that_are_too_short_use_their_last_day() {
    let monthly = |count, until: Option<&str>| Schedule {
        starts_at: Some("2027-01-31T10:00".parse().unwrap()),
        repeat: Some(Repeat {
            frequency: Frequency::Monthly,
            interval: 1,
            count,
            until: until.map(|date| date.parse().unwrap()),
        }),
        ..Schedule::default()
    };
    let days: Vec<_> = (0..4).map(|run| monthly(None, None).wall_time(run).unwrap().date().to_string()).collect();
    assert_eq!(days, ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]);
    assert_eq!((monthly(Some(2), None).wall_time(1).is_some(), monthly(Some(2), None).wall_time(2)), (true, None));
    let until = monthly(None, Some("2027-02-28"));
    assert_eq!((until.wall_time(1).is_some(), until.wall_time(2)), (true, None));
    let once = Schedule { repeat: None, ..monthly(None, None) };
    assert_eq!((once.wall_time(0).is_some(), once.wall_time(1)), (true, None));
    assert_eq!(Schedule::default().wall_time(0), None);
}

#[test]
fn each_recipient_gets_it_at_the_time_of_day_where_it_is_latest() {
    let local = Schedule {
        starts_at: Some("2026-12-01T09:00".parse().unwrap()),
        clock: ScheduleClock::Recipient,
        ..Schedule::default()
    };
    let zones = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let berlin = local.recipient_time(0, &zones(&["Europe/Berlin"])).unwrap();
    assert_eq!(berlin, at("2026-12-01T09:00:00+01:00"));
    let somewhere = local.recipient_time(0, &zones(&[NEW_YORK, "America/Los_Angeles"])).unwrap();
    assert_eq!(somewhere, at("2026-12-01T09:00:00-08:00"));
    // Planning begins before it is that late anywhere.
    let start = local.starts(0, NEW_YORK).unwrap();
    assert!(start <= local.recipient_time(0, &zones(&["Pacific/Auckland"])).unwrap(), "{start}");
    assert_eq!(start, at("2026-12-01T09:00:00+14:00"));
    // On the workspace's clock there is no such time.
    let global = Schedule { clock: ScheduleClock::Workspace, ..local };
    assert_eq!(global.recipient_time(0, &zones(&[NEW_YORK])), None);
}

#[test]
fn a_late_run_is_started_left_out_or_asked_about() {
    let due = at("2026-12-01T09:00:00Z");
    let with = |misfire| Schedule { misfire, late_hours: 2, ..Schedule::default() };
    for (minutes, late, skip, ask) in [
        (0, Due::Start, Due::Start, Due::Start),
        (5, Due::Start, Due::Start, Due::Start),
        (6, Due::Start, Due::Skip, Due::Ask),
        (120, Due::Start, Due::Skip, Due::Ask),
        (121, Due::Skip, Due::Skip, Due::Ask),
    ] {
        let now = due.plus(minutes * time::MINUTE);
        let found = [Misfire::RunLate, Misfire::Skip, Misfire::Ask].map(|misfire| with(misfire).due(due, now));
        assert_eq!(found, [late, skip, ask], "{minutes} minutes");
    }
}

#[test]
fn the_window_around_a_moment_is_the_open_one_or_the_next() {
    let day = window("09:00", "18:00");
    let around = |window: SendWindow, now: &str| window.around(at(now), NEW_YORK).unwrap();
    let today = (at("2026-12-01T09:00:00-05:00"), at("2026-12-01T18:00:00-05:00"));
    for now in ["2026-12-01T08:00:00-05:00", "2026-12-01T09:00:00-05:00", "2026-12-01T17:59:59-05:00"] {
        assert_eq!(around(day, now), today, "{now}");
    }
    let tomorrow = (at("2026-12-02T09:00:00-05:00"), at("2026-12-02T18:00:00-05:00"));
    assert_eq!(around(day, "2026-12-01T18:00:00-05:00"), tomorrow);
    let night = window("20:00", "02:00");
    let open = (at("2026-11-30T20:00:00-05:00"), at("2026-12-01T02:00:00-05:00"));
    assert_eq!(around(night, "2026-12-01T01:00:00-05:00"), open);
    // On the day that has 23 hours the window closes at the time on the wall.
    let spring = around(day, "2026-03-08T12:00:00-04:00");
    assert_eq!(spring, (at("2026-03-08T09:00:00-04:00"), at("2026-03-08T18:00:00-04:00")));
    let gap = around(window("02:15", "03:00"), "2026-03-08T01:00:00-05:00");
    assert!(gap.0 < gap.1, "a window that a change of clocks swallows waits for the next day");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let repeat = Repeat { frequency: Frequency::Daily, interval: 1, count: None, until: None };
    let start = Some("2026-12-01T09:00".parse().unwrap());
    let base = Schedule { starts_at: start, ..Schedule::default() };
    let wrong = |schedule: Schedule| schedule.check().unwrap_err();
    assert_eq!(wrong(Schedule { repeat: Some(repeat), ..Schedule::default() }), InvalidSchedule::RepeatWithoutStart);
    let local = Schedule { clock: ScheduleClock::Recipient, ..Schedule::default() };
    assert_eq!(wrong(local), InvalidSchedule::LocalWithoutStart);
    assert_eq!(wrong(Schedule { repeat: Some(Repeat { interval: 0, ..repeat }), ..base }), InvalidSchedule::Interval);
    let count = Repeat { count: Some(0), ..repeat };
    assert_eq!(wrong(Schedule { repeat: Some(count), ..base }), InvalidSchedule::Count);
    let until = Repeat { until: Some("2026-11-30".parse().unwrap()), ..repeat };
    assert_eq!(wrong(Schedule { repeat: Some(until), ..base }), InvalidSchedule::UntilBeforeStart);
    let short = Schedule { window: Some(window("09:00", "09:10")), ..base };
    assert_eq!(wrong(short), InvalidSchedule::Window);
    assert_eq!(wrong(Schedule { per_minute: Some(0), ..base }), InvalidSchedule::PerMinute);
    assert_eq!(wrong(Schedule { late_hours: 0, ..base }), InvalidSchedule::LateHours);
    assert!(base.check().is_ok() && Schedule::default().check().is_ok());
    assert!(Schedule { window: Some(window("22:00", "02:00")), ..base }.check().is_ok());
}

#[test]
fn looking_for_the_next_run_begins_shortly_before_it_and_never_after() {
    let now = at("2026-11-23T12:00:00-05:00");
    for start in ["0001-01-01T09:00", "2020-02-29T23:30", "2026-11-20T09:00", "2026-11-23T12:00", "2030-01-31T00:00"] {
        for frequency in [Frequency::Daily, Frequency::Weekly, Frequency::Monthly] {
            for interval in [1, 2, 7, 365] {
                for (clock, zone) in [
                    (ScheduleClock::Workspace, NEW_YORK),
                    (ScheduleClock::Workspace, "Pacific/Kiritimati"),
                    (ScheduleClock::Recipient, NEW_YORK),
                ] {
                    let repeat = Some(Repeat { frequency, interval, count: None, until: None });
                    let schedule =
                        Schedule { starts_at: Some(start.parse().unwrap()), repeat, clock, ..Schedule::default() };
                    let from = schedule.long_past(now);
                    let passed =
                        |run: u32| schedule.starts(run, zone).is_some_and(|at| schedule.begun_everywhere(at) < now);
                    assert!(
                        from == 0 || passed(from - 1),
                        "{start} {frequency} {interval} {zone}: run {from} is left out"
                    );
                    let first = (from..from + 40).find(|run| !passed(*run));
                    assert!(first.is_some(), "{start} {frequency} {interval} {zone}: {from} is too early");
                }
            }
        }
    }
    assert_eq!(Schedule::default().long_past(now), 0);
}
