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
            of_template: TemplateConsent::NOTHING,
            suppression: Listed::from_word(column[5]).unwrap(),
            quiet_hours: QUIET,
            time_zones: &zones,
            window_expires_at: hours(column[8], now),
            template: approval(column[7]),
            sender: approval(column[6]),
            not_cleared: None,
            expires_at: hours(column[10], now),
            limits: Limits::NONE,
            campaign_template: None,
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
                of_template: TemplateConsent::NOTHING,
                quiet_hours: QuietHours { start_minute, end_minute },
                time_zones: &[],
                window_expires_at: window.map(|millis| now.plus(millis)),
                template, sender, not_cleared: None,
                expires_at: expiry.map(|millis| now.plus(millis)),
                limits: Limits::NONE,
                campaign_template: None,
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
                ConsentState::Granted => ConsentState::InReview,
                ConsentState::InReview => ConsentState::None,
                ConsentState::None | ConsentState::Expired | ConsentState::Revoked => ConsentState::Revoked,
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
                        case.question.quiet_hours.end_in_all(zones, case.question.now), crate::quiet_hours::Quiet::Unknown
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

/// Columns: see the file.
const LAWS: &str = include_str!("../tests/law_golden.txt");

fn law_row(column: &[&str]) -> String {
    let phone: crate::PhoneNumber = column[1].parse().unwrap();
    let zones = if column[2] == "-" { crate::zones_for_phone(&phone) } else { vec![column[2].to_owned()] };
    let now = Timestamp::parse_rfc3339(column[3]).unwrap();
    let minute = |text: &str| text[..2].parse::<u16>().unwrap() * 60 + text[3..].parse::<u16>().unwrap();
    let quiet_hours = column[4]
        .split_once('-')
        .filter(|(start, _)| !start.is_empty())
        .map_or(QuietHours::NONE, |(start, end)| QuietHours { start_minute: minute(start), end_minute: minute(end) });
    let words = column[5].split(' ').collect::<Vec<_>>();
    let caps = (words.len() > 1).then(|| FrequencyCap {
        messages: words[0].parse().unwrap(),
        period: crate::frequency::Period::parse(words[1]).unwrap(),
    });
    let sends = column[6].split(' ').filter_map(|hours| hours.parse::<i64>().ok());
    let sends = sends.map(|hours| now.plus(-hours * time::HOUR)).collect::<Vec<_>>();
    let question = Question {
        now,
        class: MessageClass::Marketing,
        content: Content::Sms,
        address: Known::Yes,
        consent: ConsentState::Granted,
        of_template: TemplateConsent::NOTHING,
        suppression: Listed::No,
        quiet_hours,
        time_zones: &zones,
        window_expires_at: None,
        template: Approval::Approved,
        sender: Approval::Approved,
        not_cleared: None,
        expires_at: None,
        limits: Limits {
            place: crate::place_of_phone(&phone),
            quiet_spans: &[],
            caps: caps.as_slice(),
            at_cap: if words.contains(&"suppress") { AtCap::Suppress } else { AtCap::Hold },
            sends: &sends,
            ..Limits::NONE
        },
        campaign_template: None,
    };
    let service = Question { class: MessageClass::Service, ..question.clone() };
    assert!(matches!(decide(&service), Decision::Send(_)), "service messages are exempt: {column:?}");
    let why = judge(&question).1.unwrap_or_default();
    let by = |text: &Option<String>| text.as_deref().unwrap_or("-").to_owned();
    match decide(&question) {
        Decision::Send(permit) => match permit.deliver_by() {
            Some(until) => format!("send until {until}"),
            None => "send".to_owned(),
        },
        Decision::Hold { until, rule } => format!("{rule} until {until} {} {}", by(&why.law), by(&why.zone)),
        Decision::Suppress { rule } => format!("{rule} refused"),
    }
}

#[test]
fn golden_laws() {
    let mut rows = 0;
    let mut wrong = Vec::new();
    for line in LAWS.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let column = line.split('|').map(str::trim).collect::<Vec<_>>();
        assert_eq!(column.len(), 8, "{line}");
        let decision = law_row(&column).replace(".000Z", "Z");
        if decision != column[7] {
            wrong.push(format!("{}: {decision}, not {}", column[0], column[7]));
        }
        rows += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(rows >= 43, "{rows} rows");
}

#[test]
fn a_decision_is_explained_in_words() {
    let why = Explanation {
        law: Some("us.fl".to_owned()),
        version: Some("2026-11-01".to_owned()),
        zone: Some("America/New_York".to_owned()),
        ..Explanation::default()
    };
    assert_eq!(
        why.words(Rule::LegalHours),
        "Florida allows promotional texts Every day 08:00–20:00 (rule us.fl, version 2026-11-01), by the clock of \
         America/New York"
    );
    let cap = Explanation { cap: Some("3 in 24 hours".to_owned()), zone: None, ..why };
    assert_eq!(
        cap.words(Rule::LegalFrequency),
        "Florida allows promotional texts at most 3 in 24 hours (rule us.fl, version 2026-11-01)"
    );
    let own = Explanation { cap: Some("1 in 24 hours".to_owned()), ..Explanation::default() };
    assert_eq!(own.words(Rule::FrequencyCap), "Enough messages for this person: at most 1 in 24 hours to one person");
}

#[test]
fn nothing_is_counted_where_no_cap_applies() {
    let place = |phone: &str| crate::place_of_phone(&phone.parse().unwrap());
    let weekly = [FrequencyCap { messages: 5, period: crate::frequency::Period::Week }];
    assert_eq!(Limits::look_back(place("+12125550123"), &[], NOON), None);
    assert_eq!(Limits::look_back(place("+13055550123"), &[], NOON), Some((time::DAY, 3)));
    assert_eq!(Limits::look_back(place("+13055550123"), &weekly, NOON), Some((7 * time::DAY, 5)));
    assert_eq!(Limits::look_back(None, &weekly, NOON), Some((7 * time::DAY, 5)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever the place, the hour and the earlier messages: a promotion leaves only when every rule of the place is
    /// open by every clock, ends before any of them closes, and a hold ends later than now.
    #[test]
    fn a_promotion_leaves_only_within_every_rule_of_its_place(
        phone in prop::sample::select(vec![
            "+13055550123", "+12145550123", "+12085550123", "+14015550123", "+33612345678", "+919876543210",
            "+14165550123", "+12055550123", "+61412345678",
        ]),
        now in 1_767_225_600_000i64..1_830_000_000_000,
        hours in prop::collection::vec(0i64..200, 0..6),
    ) {
        let (now, phone) = (Timestamp(now), phone.parse::<crate::PhoneNumber>().unwrap());
        let zones = crate::zones_for_phone(&phone);
        let place = crate::place_of_phone(&phone);
        let mut sends = hours.iter().map(|hours| now.plus(-hours * time::HOUR)).collect::<Vec<_>>();
        sends.sort_unstable_by(|one, other| other.cmp(one));
        let question = Question {
            now, class: MessageClass::Marketing, content: Content::Sms, address: Known::Yes,
            consent: ConsentState::Granted, suppression: Listed::No, quiet_hours: QuietHours::NONE, time_zones: &zones,
            of_template: TemplateConsent::NOTHING,
            window_expires_at: None, template: Approval::Approved, sender: Approval::Approved, not_cleared: None, expires_at: None,
            limits: Limits { place, sends: &sends, ..Limits::NONE },
            campaign_template: None,
        };
        let laws = laws_at(place, now);
        let open = |at: Timestamp| zones.iter().all(|name| laws.iter().filter_map(|law| law.hours).all(|hours| {
            let wall = jiff::tz::TimeZone::get(name).unwrap().to_datetime(at.to_jiff());
            hours.is_open(wall.date(), u16::try_from(wall.hour()).unwrap() * 60 + u16::try_from(wall.minute()).unwrap())
        }));
        let room = |at: Timestamp| laws.iter().filter_map(|law| law.frequency).all(|frequency| {
            let counted = sends.iter().filter(|sent| at.since(**sent) < frequency.millis()).count();
            counted < usize::try_from(frequency.messages).unwrap()
        });
        match decide(&question) {
            Decision::Send(permit) => {
                prop_assert!(open(now) && room(now));
                if let Some(until) = permit.deliver_by() {
                    prop_assert!(until > now && open(until.plus(-1)));
                }
            }
            Decision::Hold { until, .. } => {
                prop_assert!(until > now && !(open(now) && room(now)));
                prop_assert!(open(until) && room(until));
            }
            Decision::Suppress { rule } => prop_assert!(false, "{rule}"),
        }
    }
}

#[test]
fn a_sender_that_is_not_cleared_is_refused_with_the_reason() {
    let missing = NotCleared::Missing { why: "The toll-free verification is missing.".to_owned() };
    let closed = NotCleared::Closed { why: "No names here.".to_owned() };
    let zones = ["America/New_York".to_owned()];
    for (not_cleared, rule) in [(&missing, Rule::RegistrationMissing), (&closed, Rule::SenderNotAllowed)] {
        for class in [MessageClass::Marketing, MessageClass::Service, MessageClass::Test, MessageClass::Keyword] {
            let question = Question {
                now: NOON,
                class,
                content: Content::Sms,
                address: Known::Yes,
                consent: ConsentState::Granted,
                of_template: TemplateConsent::NOTHING,
                suppression: Listed::No,
                quiet_hours: QUIET,
                time_zones: &zones,
                window_expires_at: None,
                template: Approval::Approved,
                sender: Approval::Approved,
                not_cleared: Some(not_cleared),
                expires_at: None,
                limits: Limits::NONE,
                campaign_template: None,
            };
            let (decision, why) = judge(&question);
            assert_eq!(decision, Decision::Suppress { rule }, "{class}");
            assert_eq!(why.unwrap().words(rule), not_cleared.words());
            let opted_out = Question { consent: ConsentState::Revoked, ..question };
            if class == MessageClass::Marketing {
                assert_eq!(decide(&opted_out), Decision::Suppress { rule: Rule::OptedOut }, "a no comes first");
            }
        }
    }
}

#[test]
fn a_campaigns_template_is_held_as_a_whole_and_refused_person_by_person() {
    use crate::template_rules::{Budget, Conversation, SessionRule, TemplateFacts};
    let now = Timestamp(1_795_453_000_000);
    let zones = vec!["UTC".to_owned()];
    let facts = TemplateFacts {
        template: Approval::Approved,
        is_over: Known::No,
        not_taken: Known::No,
        braked: Known::No,
        sessions: SessionRule::NoAgent,
        conversation: Conversation::None,
        opted_in: Known::Yes,
        budget: Some(Budget { most: 2, used: 1, room_at: now.plus(time::HOUR) }),
        rests_until: None,
    };
    let question = Question {
        now,
        class: MessageClass::Marketing,
        content: Content::Template,
        address: Known::Yes,
        consent: ConsentState::Granted,
        of_template: TemplateConsent::NOTHING,
        suppression: Listed::No,
        quiet_hours: QuietHours::NONE,
        time_zones: &zones,
        window_expires_at: None,
        // What decides about the template of a campaign is in its facts.
        template: Approval::NotApproved,
        sender: Approval::Approved,
        not_cleared: None,
        expires_at: None,
        limits: Limits::NONE,
        campaign_template: Some(facts),
    };
    let with = |change: &dyn Fn(&mut TemplateFacts), class| {
        let mut facts = facts;
        change(&mut facts);
        decide(&Question { campaign_template: Some(facts), class, ..question.clone() })
    };
    let (marketing, service) = (MessageClass::Marketing, MessageClass::Service);
    assert!(matches!(with(&|_| (), marketing), Decision::Send(_)));
    let held = |decision| match decision {
        Decision::Hold { rule, until } => (rule, until),
        other => panic!("{other:?}"),
    };
    let paused = with(&|facts| facts.template = Approval::NotApproved, service);
    assert_eq!(held(paused).0, Rule::TemplatePaused);
    let over = |facts: &mut TemplateFacts| (facts.template, facts.is_over) = (Approval::NotApproved, Known::Yes);
    let ends = Decision::Suppress { rule: Rule::TemplateNotApproved };
    assert_eq!((with(&over, marketing), with(&over, service)), (ends, ends));
    let full = with(&|facts| facts.budget = facts.budget.map(|budget| Budget { used: 2, ..budget }), marketing);
    assert_eq!(held(full), (Rule::MessagingLimit, now.plus(time::HOUR)));
    assert_eq!(held(with(&|facts| facts.braked = Known::Yes, marketing)).0, Rule::QualityBrake);
    assert!(matches!(with(&|facts| facts.braked = Known::Yes, service), Decision::Send(_)), "service goes on");
    let tomorrow = now.plus(time::DAY);
    let rests = |facts: &mut TemplateFacts| facts.rests_until = Some(tomorrow);
    assert_eq!(held(with(&rests, marketing)), (Rule::EnoughMarketing, tomorrow));
    assert!(matches!(with(&rests, service), Decision::Send(_)), "marketing alone is held back");
    assert!(matches!(with(&|facts| facts.rests_until = Some(now), marketing), Decision::Send(_)), "over");
    let short = Question { expires_at: Some(now.plus(time::HOUR)), ..question.clone() };
    let short = Question { campaign_template: Some(TemplateFacts { rests_until: Some(tomorrow), ..facts }), ..short };
    assert_eq!(decide(&short), Decision::Suppress { rule: Rule::Expired }, "it would be too late by then");
    let refused = |decision| matches!(decision, Decision::Suppress { .. });
    assert!(refused(with(&|facts| facts.conversation = Conversation::WithAgent, marketing)));
    assert!(refused(with(&|facts| facts.opted_in = Known::No, service)), "no agreement of any kind");
    let not_taken = |facts: &mut TemplateFacts| facts.not_taken = Known::Yes;
    assert_eq!(with(&not_taken, marketing), Decision::Suppress { rule: Rule::CountryNotTaken });
    assert!(matches!(with(&not_taken, service), Decision::Send(_)), "marketing alone is not taken");
    // A refusal beats a hold: who said no does not wait for a paused template.
    let no = Question { consent: ConsentState::Revoked, ..question.clone() };
    let no = Question { campaign_template: Some(TemplateFacts { template: Approval::NotApproved, ..facts }), ..no };
    assert_eq!(decide(&no), Decision::Suppress { rule: Rule::OptedOut });
}

/// A promotion to somebody in New York at noon, with these limits.
fn promotion<'a>(now: Timestamp, zones: &'a [String], limits: Limits<'a>) -> Question<'a> {
    Question {
        now,
        class: MessageClass::Marketing,
        content: Content::Sms,
        address: Known::Yes,
        consent: ConsentState::Granted,
        of_template: TemplateConsent::NOTHING,
        suppression: Listed::No,
        quiet_hours: QUIET,
        time_zones: zones,
        window_expires_at: None,
        template: Approval::Approved,
        sender: Approval::Approved,
        not_cleared: None,
        expires_at: None,
        limits,
        campaign_template: None,
    }
}

#[test]
fn what_falls_into_closed_hours_is_held_or_discarded_as_asked() {
    let zones = ["America/New_York".to_owned()];
    let discard = Limits { at_quiet: AtQuietHours::Discard, ..Limits::NONE };
    let held = decide(&promotion(NIGHT, &zones, Limits::NONE));
    assert_eq!(held, Decision::Hold { until: MORNING, rule: Rule::QuietHours });
    let (decision, why) = judge(&promotion(NIGHT, &zones, discard.clone()));
    assert_eq!(decision, Decision::Suppress { rule: Rule::HoursDiscarded });
    assert_eq!(
        why.unwrap().words(Rule::HoursDiscarded),
        "Discarded because it fell into quiet hours: Quiet hours at the recipient, by the clock of America/New York"
    );
    assert!(matches!(decide(&promotion(NOON, &zones, discard.clone())), Decision::Send(_)), "by day it leaves");
    let service = Question { class: MessageClass::Service, ..promotion(NIGHT, &zones, discard.clone()) };
    assert!(matches!(decide(&service), Decision::Send(_)), "a service message keeps no hours");
    // Nobody knows the clock: it is not known to be night, so nothing is thrown away, and nothing leaves.
    let nowhere = ["Mars/Olympus".to_owned()];
    assert!(matches!(decide(&promotion(NIGHT, &nowhere, discard.clone())), Decision::Hold { .. }));
    // The law's hours are hours as well.
    let florida = Limits { place: crate::place_of_phone(&"+13055550123".parse().unwrap()), ..discard };
    let evening = NOON.plus(8 * time::HOUR + 30 * time::MINUTE);
    let late = Question { quiet_hours: QuietHours::NONE, ..promotion(evening, &zones, florida) };
    let (decision, why) = judge(&late);
    assert_eq!(decision, Decision::Suppress { rule: Rule::HoursDiscarded });
    let words = why.unwrap().words(Rule::HoursDiscarded);
    assert!(
        words.starts_with("Discarded because it fell into quiet hours: Florida allows promotional texts"),
        "{words}"
    );
}

#[test]
fn a_sender_keeps_stricter_hours_of_its_own() {
    let zones = ["America/New_York".to_owned()];
    // Noon is in its lunch break; the workspace and the law would send.
    let lunch =
        SenderHours { quiet_hours: QuietHours { start_minute: 11 * 60, end_minute: 14 * 60 }, quiet_spans: Vec::new() };
    let limits = Limits { sender_hours: Some(&lunch), ..Limits::NONE };
    let (decision, why) = judge(&promotion(NOON, &zones, limits.clone()));
    assert_eq!(decision, Decision::Hold { until: NOON.plus(2 * time::HOUR), rule: Rule::SenderHours });
    assert_eq!(
        why.unwrap().words(Rule::SenderHours),
        "Outside the hours of the sender at the recipient, by the clock of America/New York"
    );
    assert!(matches!(decide(&promotion(NOON, &zones, Limits::NONE)), Decision::Send(_)), "another sender may");
    let discard = Limits { at_quiet: AtQuietHours::Discard, ..limits.clone() };
    assert_eq!(decide(&promotion(NOON, &zones, discard)), Decision::Suppress { rule: Rule::HoursDiscarded });
    // It cannot open what the workspace closes, and what is sent before it closes has to arrive by then.
    assert!(matches!(
        decide(&promotion(NIGHT, &zones, limits.clone())),
        Decision::Hold { rule: Rule::QuietHours, until: MORNING }
    ));
    let Decision::Send(permit) = decide(&promotion(NOON.plus(-2 * time::HOUR), &zones, limits)) else {
        panic!("at ten it sends")
    };
    assert_eq!(permit.deliver_by(), Some(NOON.plus(-time::HOUR)));
}

#[test]
fn a_series_is_capped_beside_everything_else() {
    let zones = ["America/New_York".to_owned()];
    let counted = [CountedCap {
        name: "Newsletter".to_owned(),
        cap: FrequencyCap { messages: 1, period: crate::frequency::Period::Day },
        sends: vec![NOON.plus(-20 * time::HOUR)],
    }];
    let limits = Limits { series: &counted, ..Limits::NONE };
    let (decision, why) = judge(&promotion(NOON, &zones, limits.clone()));
    assert_eq!(decision, Decision::Hold { until: NOON.plus(4 * time::HOUR), rule: Rule::SeriesCap });
    assert_eq!(
        why.unwrap().words(Rule::SeriesCap),
        "Enough messages of “Newsletter” for this person: at most 1 in 24 hours"
    );
    let refusing = Limits { at_cap: AtCap::Suppress, ..limits };
    assert_eq!(decide(&promotion(NOON, &zones, refusing)), Decision::Suppress { rule: Rule::SeriesCap });
    let room = [CountedCap { sends: vec![NOON.plus(-24 * time::HOUR)], ..counted[0].clone() }];
    let limits = Limits { series: &room, ..Limits::NONE };
    assert!(matches!(decide(&promotion(NOON, &zones, limits)), Decision::Send(_)));
}

#[test]
fn a_template_asks_what_was_said_of_it_and_of_its_category() {
    use ConsentState::{Expired, Granted, InReview, None, Revoked};
    use MessageClass::{Keyword, Marketing, Service, Test};

    use crate::template_rules::{Conversation, SessionRule, TemplateFacts};
    let zones = vec!["UTC".to_owned()];
    let facts = TemplateFacts {
        template: Approval::Approved,
        is_over: Known::No,
        not_taken: Known::No,
        braked: Known::No,
        sessions: SessionRule::Any,
        conversation: Conversation::None,
        opted_in: Known::No,
        budget: Option::None,
        rests_until: Option::None,
    };
    let (no, yes) =
        (TemplateConsent { is_refused: true, is_granted: false }, TemplateConsent::of([ConsentState::Granted]));
    let both = TemplateConsent { is_refused: true, is_granted: true };
    let nothing = TemplateConsent::NOTHING;
    for (class, consent, of_template, expected) in [
        (Marketing, Granted, nothing, Ok(())),
        (Marketing, Granted, no, Err(Rule::TemplateRefused)),
        (Marketing, Granted, both, Err(Rule::TemplateRefused)),
        (Marketing, None, nothing, Err(Rule::NoConsent)),
        (Marketing, None, yes, Ok(())),
        (Marketing, None, both, Err(Rule::NoConsent)),
        (Marketing, Expired, yes, Ok(())),
        (Marketing, Expired, nothing, Err(Rule::ConsentExpired)),
        // A yes to a part never undoes a no to everything, nor what a person has yet to look at.
        (Marketing, Revoked, yes, Err(Rule::OptedOut)),
        (Marketing, InReview, yes, Err(Rule::RevocationInReview)),
        (Service, None, nothing, Err(Rule::NoConsent)),
        (Service, None, yes, Ok(())),
        (Service, Revoked, yes, Ok(())),
        (Service, Granted, no, Err(Rule::TemplateRefused)),
        (Test, None, no, Err(Rule::TemplateRefused)),
        (Keyword, None, no, Ok(())),
    ] {
        let question = Question {
            now: NOON,
            class,
            content: Content::Template,
            address: Known::Yes,
            consent,
            of_template,
            suppression: Listed::No,
            quiet_hours: QuietHours::NONE,
            time_zones: &zones,
            window_expires_at: Option::None,
            template: Approval::Approved,
            sender: Approval::Approved,
            not_cleared: Option::None,
            expires_at: Option::None,
            limits: Limits::NONE,
            campaign_template: Some(facts),
        };
        let decided = match decide(&question) {
            Decision::Send(_) => Ok(()),
            Decision::Suppress { rule } | Decision::Hold { rule, .. } => Err(rule),
        };
        assert_eq!(decided, expected, "{class} {consent} {of_template:?}");
        // What an agent sends is asked the same, but for the agreement that a campaign needs.
        if class == Service {
            let of_agent = decide(&Question { campaign_template: Option::None, ..question });
            assert_eq!(matches!(of_agent, Decision::Send(_)), !of_template.is_refused, "{consent} {of_template:?}");
        }
    }
}
