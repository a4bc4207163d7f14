use super::*;

fn berlin(text: &str) -> Timestamp {
    let at: civil::DateTime = text.parse().unwrap();
    Timestamp(at.in_tz("Europe/Berlin").unwrap().timestamp().as_millisecond())
}

fn office() -> BusinessHours {
    BusinessHours {
        time_zone: "Europe/Berlin".to_owned(),
        spans: vec![OpenSpan {
            days: vec![Day::Monday, Day::Tuesday, Day::Wednesday, Day::Thursday, Day::Friday],
            start_minute: 540,
            end_minute: 1020,
        }],
        holidays: vec!["12-25".to_owned(), "2026-12-24".to_owned()],
    }
}

#[test]
fn hours_and_holidays_say_when_people_work() {
    let hours = office();
    assert_eq!(hours.fault(), None);
    assert!(hours.are_open(berlin("2026-11-27T09:00")) && !hours.are_open(berlin("2026-11-27T08:59")));
    assert!(!hours.are_open(berlin("2026-11-27T17:00")), "Friday is over");
    assert_eq!(hours.opens_at(berlin("2026-11-27T17:00")), Some(berlin("2026-11-30T09:00")));
    let christmas = berlin("2026-12-24T10:00");
    assert!(!hours.are_open(christmas), "a single date");
    assert_eq!(hours.opens_at(christmas), Some(berlin("2026-12-28T09:00")), "the 25th, then the weekend");
    assert!(
        !hours.are_open(berlin("2027-12-27T08:00")) && hours.are_open(berlin("2027-12-24T10:00")),
        "that year only"
    );
    assert_eq!(hours.moment(berlin("2026-12-28T09:00")), "Monday, 28 December, 09:00");
    assert_eq!(hours.words(), "Mon–Fri 09:00–17:00");
}

#[test]
fn hours_that_are_none_are_refused() {
    for broken in [
        BusinessHours { time_zone: "Mars".to_owned(), ..office() },
        BusinessHours { spans: Vec::new(), ..office() },
        BusinessHours { holidays: vec!["xmas".to_owned()], ..office() },
        BusinessHours {
            spans: vec![OpenSpan { days: vec![Day::Monday], start_minute: 600, end_minute: 600 }],
            ..office()
        },
    ] {
        assert!(broken.fault().is_some(), "{broken:?}");
    }
}

#[test]
fn everything_is_off_and_in_order_by_default() {
    let settings = ConversationSettings::default();
    assert_eq!(settings.fault(), None);
    assert!(Occasion::ALL.iter().all(|occasion| settings.message(*occasion).is_none()));
    assert!(!settings.idle.exist() && settings.opt_in.kind == OptInKind::Implicit);
    let stored = serde_json::to_string(&settings).unwrap();
    assert_eq!(serde_json::from_str::<ConversationSettings>(&stored).unwrap(), settings);
    assert_eq!(serde_json::from_str::<ConversationSettings>("{}").unwrap(), settings);
}

#[test]
fn what_makes_no_sense_is_refused_with_its_field() {
    let field = |change: &dyn Fn(&mut ConversationSettings)| {
        let mut settings = ConversationSettings::default();
        change(&mut settings);
        settings.fault().map(|(field, _)| field)
    };
    let empty = AutomaticMessage { enabled: true, text: " ".to_owned(), texts: Vec::new() };
    let odd = AutomaticMessage {
        enabled: true,
        text: "Hi".to_owned(),
        texts: vec![LocaleText { locale: "nowhere at all".to_owned(), body: "Hi".to_owned() }],
    };
    for (expected, message) in [("messages.start", empty), ("messages.start", odd)] {
        let found = field(&|settings| drop(settings.messages.insert(Occasion::Start, message.clone())));
        assert_eq!(found.as_deref(), Some(expected));
    }
    let idle = |warn_minutes, end_minutes| IdleRules { warn_minutes, inactive_minutes: None, end_minutes };
    assert_eq!(field(&|settings| settings.idle = idle(Some(0), None)).as_deref(), Some("idle"));
    assert_eq!(field(&|settings| settings.idle = idle(Some(30), Some(30))).as_deref(), Some("idle.end_minutes"));
    assert_eq!(field(&|settings| settings.pending_hours = 0).as_deref(), Some("pending_hours"));
    assert_eq!(field(&|settings| settings.opt_in.words = vec!["!".to_owned()]).as_deref(), Some("opt_in.words"));
    let explicit = |settings: &mut ConversationSettings| {
        (settings.opt_in.kind, settings.opt_in.question) = (OptInKind::Explicit, String::new());
    };
    assert_eq!(field(&explicit).as_deref(), Some("opt_in.question"));
}

#[test]
fn texts_are_filled_in_and_follow_the_language() {
    let message = AutomaticMessage {
        enabled: true,
        text: "Hello {name}, this is {brand}. Open {hours}; next: {opens}.".to_owned(),
        texts: vec![LocaleText { locale: "de".to_owned(), body: "Hallo {name}!".to_owned() }],
    };
    let hours = office();
    let places =
        Places { name: "Ana", brand: "Acme", agent: "Sam", hours: Some(&hours), now: berlin("2026-11-28T12:00") };
    assert_eq!(
        places.fill(message.text_for(None)),
        "Hello Ana, this is Acme. Open Mon–Fri 09:00–17:00; next: Monday, 30 November, 09:00."
    );
    assert_eq!(places.fill(message.text_for(Some("de-AT"))), "Hallo Ana!");
    let nobody = Places { name: "", ..places };
    assert_eq!(nobody.fill(message.text_for(Some("de"))), "Hallo!", "a name that is not known leaves no gap");
}

#[test]
fn the_word_is_the_whole_message() {
    let rules = OptInRules { words: vec!["Deal".to_owned()], ..OptInRules::default() };
    for yes in ["YES", " yes. ", "Ja!", "Sí", "да", "DEAL"] {
        assert!(rules.agrees(yes), "{yes}");
    }
    for no in ["", "no", "yes but who are you?", "ideal"] {
        assert!(!rules.agrees(no), "{no}");
    }
}
