use proptest::prelude::*;

use super::*;
use crate::text_enum::Word;

/// Noon in New York on 2026-11-23.
const NOON: Timestamp = Timestamp(1_795_453_200_000);
/// 23:00 in New York on the same day.
const NIGHT: Timestamp = NOON.plus(11 * time::HOUR);
/// 08:00 in New York on the next day.
const MORNING: Timestamp = NOON.plus(20 * time::HOUR);
const QUIET: QuietHours = QuietHours { start_minute: 21 * 60, end_minute: 8 * 60 };

/// Columns: name | class | content | address | consent | suppressed | sender | template | hours the window is still open
/// ('-': never opened) | clock (noon, night) | hours until expiry ('-': never) | zone ('-': none) | decision.
const GOLDEN: &str = include_str!("../tests/policy_golden.txt");

fn approval(word: &str) -> Approval {
    if word == "ok" { Approval::Approved } else { Approval::NotApproved }
}

fn hours(word: &str, now: Timestamp) -> Option<Timestamp> {
    (word != "-").then(|| now.plus((word.parse::<f64>().unwrap() * 3_600_000.0) as i64))
}

#[test]
fn golden_table() {
    let mut rows = 0;
    for line in GOLDEN.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let column = line.split('|').map(str::trim).collect::<Vec<_>>();
        assert_eq!(column.len(), 13, "{line}");
        let now = if column[9] == "noon" { NOON } else { NIGHT };
        let zones = column[11].split_whitespace().filter(|zone| *zone != "-").map(str::to_owned).collect::<Vec<_>>();
        let question = Question {
            now,
            class: MessageClass::from_word(column[1]).unwrap(),
            content: Content::from_word(column[2]).unwrap(),
            address: Known::from_word(column[3]).unwrap(),
            consent: ConsentState::from_word(column[4]).unwrap(),
            suppression: Listed::from_word(column[5]).unwrap(),
            quiet_hours: QUIET,
            time_zones: &zones,
            window_expires_at: hours(column[8], now),
            template: approval(column[7]),
            sender: approval(column[6]),
            expires_at: hours(column[10], now),
        };
        let decision = match decide(&question) {
            Decision::Send(permit) => {
                assert_eq!(permit.decided_at(), now);
                "send".to_owned()
            }
            Decision::Hold { until, rule } => {
                assert_eq!(rule, Rule::QuietHours, "{line}");
                match until {
                    MORNING => "hold until 8".to_owned(),
                    other => format!("hold {}h", other.since(now) / time::HOUR),
                }
            }
            Decision::Suppress { rule } => rule.to_string(),
        };
        assert_eq!(decision, column[12], "{line}");
        rows += 1;
    }
    assert!(rows >= 60, "{rows} rows");
}

fn zone_names() -> Vec<String> {
    ["America/New_York", "America/Los_Angeles", "Europe/Berlin", "Asia/Kolkata", "Pacific/Honolulu", "Mars/Olympus"]
        .map(str::to_owned)
        .to_vec()
}

fn words<T: Word + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(all)
}

/// Everything a question owns or borrows, so that it can be generated.
#[derive(Debug, Clone)]
struct Case {
    question: Question<'static>,
    zones: Vec<String>,
}

impl Case {
    fn decide(&self) -> Decision {
        decide(&Question { time_zones: &self.zones, ..self.question.clone() })
    }
}

prop_compose! {
    fn any_case()(
        now in 1_767_225_600_000i64..1_830_000_000_000,
        class in words(MessageClass::ALL),
        content in words(Content::ALL),
        address in words(Known::ALL),
        consent in words(ConsentState::ALL),
        suppression in words(Listed::ALL),
        (start_minute, end_minute) in (0u16..=1440, 0u16..=1440),
        zones in prop::sample::subsequence(zone_names(), 0..4),
        window in prop::option::of(-2 * time::HOUR..26 * time::HOUR),
        (template, sender) in (words(Approval::ALL), words(Approval::ALL)),
        expiry in prop::option::of(-time::HOUR..72 * time::HOUR),
    ) -> Case {
        let now = Timestamp(now);
        Case {
            question: Question {
                now, class, content, address, consent, suppression,
                quiet_hours: QuietHours { start_minute, end_minute },
                time_zones: &[],
                window_expires_at: window.map(|millis| now.plus(millis)),
                template, sender,
                expires_at: expiry.map(|millis| now.plus(millis)),
            },
            zones,
        }
    }
}

/// One input made stricter.
fn stricter(case: &Case, which: u8, by: i64) -> Case {
    let mut case = case.clone();
    let now = case.question.now;
    let question = &mut case.question;
    match which {
        0 => question.address = Known::No,
        1 => {
            question.consent = match question.consent {
                ConsentState::Granted => ConsentState::None,
                ConsentState::None | ConsentState::Revoked => ConsentState::Revoked,
            }
        }
        2 => question.suppression = Listed::Yes,
        3 => question.template = Approval::NotApproved,
        4 => question.sender = Approval::NotApproved,
        5 => question.window_expires_at = question.window_expires_at.map(|end| end.plus(-by)),
        6 => question.expires_at = Some(question.expires_at.map_or(now.plus(by), |end| end.plus(-by))),
        7 => case.zones.push(zone_names()[usize::try_from(by).unwrap() % zone_names().len()].clone()),
        8 => case.zones.clear(),
        _ => {
            // Longer quiet hours: an earlier start, as long as it does not pass the end.
            let quiet = &mut question.quiet_hours;
            let day = (quiet.start_minute + 1440 - quiet.end_minute) % 1440;
            if quiet.exist() && day > 0 {
                let earlier = u16::try_from(by % i64::from(day)).unwrap();
                quiet.start_minute = (quiet.start_minute % 1440 + 1440 - earlier) % 1440;
            }
        }
    }
    case
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_stricter_input_never_turns_a_refusal_into_a_send(
        case in any_case(), which in 0u8..10, by in 1i64..40_000_000,
    ) {
        let tight = stricter(&case, which, by);
        // No zone is the strictest; of those that are given, more are stricter.
        let comparable = match which {
            7 => !case.zones.is_empty(),
            8 => case.question.quiet_hours.exist(),
            _ => true,
        };
        if comparable && !matches!(case.decide(), Decision::Send(_)) {
            prop_assert!(!matches!(tight.decide(), Decision::Send(_)), "{tight:?}");
        }
    }

    #[test]
    fn the_end_of_a_hold_is_later_and_allowed(case in any_case()) {
        if let Decision::Hold { until, rule } = case.decide() {
            prop_assert_eq!(rule, Rule::QuietHours);
            prop_assert!(until > case.question.now);
            let mut then = case.clone();
            then.question.now = until;
            match then.decide() {
                Decision::Send(_) => {}
                // Nobody can say when it ends: asked again hourly.
                again => {
                    prop_assert_eq!(until, case.question.now.plus(UNKNOWN_ZONE_HOLD));
                    let sent = matches!(again, Decision::Send(_));
 prop_assert!(!sent);
                    let zones = &case.zones;
                    prop_assert_eq!(
                        case.question.quiet_hours.end_in_all(zones, case.question.now), Quiet::Unknown
                    );
                }
            }
        }
    }

    #[test]
    fn marketing_leaves_only_with_consent_and_by_day(case in any_case()) {
        let question = &case.question;
        if question.class == MessageClass::Marketing && matches!(case.decide(), Decision::Send(_)) {
            prop_assert_eq!(question.consent, ConsentState::Granted);
            prop_assert_eq!(question.suppression, Listed::No);
            if question.quiet_hours.exist() {
                prop_assert!(!case.zones.is_empty());
                for name in &case.zones {
                    let wall = jiff::tz::TimeZone::get(name).unwrap().to_datetime(question.now.to_jiff());
                    let minute = i32::from(wall.hour()) * 60 + i32::from(wall.minute());
                    let (start, end) =
                        (i32::from(question.quiet_hours.start_minute), i32::from(question.quiet_hours.end_minute));
                    let quiet =
                        if start < end { (start..end).contains(&minute) } else { minute >= start || minute < end };
                    prop_assert!(!quiet, "{} at {}", name, wall);
                }
            }
        }
    }

    #[test]
    fn free_text_never_leaves_outside_the_window(case in any_case()) {
        if case.question.content == Content::FreeForm && matches!(case.decide(), Decision::Send(_)) {
            let end = case.question.window_expires_at.unwrap();
            prop_assert!(case.question.now.plus(window::GUARD) < end);
        }
    }
}
