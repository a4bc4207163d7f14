//! Every kind of step and question, as conversations; and runs under random events.

use proptest::prelude::*;
use segue_flow::{
    Context, Definition, Effect, Event, EventKind, FileKind, KnownForm, MAX_HOPS, RunState, RunStatus, Surroundings,
    conversation, parse, run::StepLog, step, step_in,
};
use segue_model::{FormId, MediaId, Timestamp, contact::ContactFields, content::Content};

const PALETTE: &str = include_str!("conversations/palette.yaml");
const TESTS: &str = include_str!("conversations/palette.test.yaml");
const DEMO: &str = include_str!("../../../demo/flows/welcome.yaml");
const NOW: Timestamp = Timestamp(1_795_000_000_000);

fn load(source: &str) -> Definition {
    parse(source).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn started() -> EventKind {
    let contact = ContactFields { first_name: Some("Ana".to_owned()), ..ContactFields::default() };
    EventKind::Started { context: Box::new(Context { contact, ..Context::default() }) }
}

fn event(id: &str, kind: EventKind) -> Event {
    Event { id: id.to_owned(), kind }
}

#[test]
fn conversations() {
    let definition = load(PALETTE);
    for one in conversation::read(TESTS).unwrap() {
        let failures = conversation::play(&definition, &one);
        assert!(failures.is_empty(), "{failures:#?}");
    }
}

#[test]
fn a_repeated_event_changes_nothing() {
    let definition = load(DEMO);
    let begun = step(&definition, &RunState::new(&definition, 1), &event("a", started()), NOW);
    assert_eq!(begun.state.turn, 1);
    assert!(!begun.effects.is_empty());
    let again = step(&definition, &begun.state, &event("a", started()), NOW.plus(1));
    assert_eq!((again.state, again.effects), (begun.state.clone(), vec![]));
    let second_start = step(&definition, &begun.state, &event("b", started()), NOW);
    assert!(second_start.effects.is_empty(), "a conversation begins once");
    assert_eq!(second_start.state.pending, begun.state.pending);
}

#[test]
fn an_out_of_date_timer_means_nothing() {
    let definition = load(DEMO);
    let begun = step(&definition, &RunState::new(&definition, 1), &event("a", started()), NOW);
    let key = begun.effects.iter().find_map(|effect| match effect {
        Effect::SetTimer { key, .. } => Some(key.clone()),
        _ => None,
    });
    let answered = step(&definition, &begun.state, &event("b", EventKind::Text { text: "Ana".into() }), NOW);
    let late = step(&definition, &answered.state, &event("c", EventKind::Timer { key: key.unwrap() }), NOW);
    assert!(late.effects.is_empty());
}

/// Built without the checks, a flow that goes in a circle is cut off and a person is called.
#[test]
fn a_circle_ends_with_a_person() {
    let mut definition = load(DEMO);
    definition.steps[0].goto = Some("hello".to_owned());
    let result = step(&definition, &RunState::new(&definition, 1), &event("a", started()), NOW);
    assert_eq!(result.state.status, RunStatus::Failed);
    let count = |wanted: fn(&Effect) -> bool| result.effects.iter().filter(|effect| wanted(effect)).count();
    assert_eq!(count(|effect| matches!(effect, Effect::Send { .. })), 1, "the apology alone");
    assert_eq!(count(|effect| matches!(effect, Effect::LogStep { what: StepLog::Reached, .. })), MAX_HOPS);
    assert_eq!(count(|effect| matches!(effect, Effect::Handover { .. })), 1);
    let next = step(&definition, &result.state, &event("b", EventKind::Text { text: "hi".into() }), NOW);
    assert!(next.effects.is_empty());
    let ended = step(&definition, &next.state, &event("c", EventKind::AgentEnded), NOW);
    assert_eq!(ended.state.status, RunStatus::Ended);
}

#[test]
fn a_run_of_another_version_ends_with_a_person_instead_of_a_crash() {
    let definition = load(DEMO);
    let begun = step(&definition, &RunState::new(&definition, 1), &event("a", started()), NOW);
    let other = load(PALETTE);
    let lost = step(&other, &begun.state, &event("b", EventKind::Text { text: "Ana".into() }), NOW);
    assert_eq!(lost.state.status, RunStatus::Failed);
    assert!(lost.effects.iter().any(|effect| matches!(effect, Effect::Handover { .. })));
}

#[test]
fn undeclared_attributes_do_not_enter_the_run() {
    let definition = load(PALETTE);
    let contact = ContactFields {
        attributes: [("tier", "gold"), ("secret", "x")].map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..ContactFields::default()
    };
    let start = EventKind::Started { context: Box::new(Context { contact, ..Context::default() }) };
    let state = step(&definition, &RunState::new(&definition, 1), &event("a", start), NOW).state;
    assert!(state.variables.contains_key("tier") && !state.variables.contains_key("secret"));
}

#[test]
fn debug_shows_nothing_the_customer_said() {
    let definition = load(DEMO);
    let begun = step(&definition, &RunState::new(&definition, 1), &event("a", started()), NOW);
    let said = event("b", EventKind::Text { text: "Maximilian".into() });
    let state = step(&definition, &begun.state, &said, NOW).state;
    assert!(serde_json::to_string(&state).unwrap().contains("Maximilian"));
    assert!(!format!("{state:?} {said:?}").contains("Maximilian"));
}

fn answers() -> serde_json::Map<String, serde_json::Value> {
    let answers = serde_json::json!({"day": "2026-12-01", "topics": ["a", {"b": 1}], "Guests": 2.5, "flow_token": "x"});
    answers.as_object().unwrap().clone()
}

/// A workspace in which some things are missing.
struct Bare {
    form: Option<&'static str>,
    file: Option<FileKind>,
}

impl Surroundings for Bare {
    fn fits(&self, field: &str, value: &str) -> Option<String> {
        (field != "contact.visit_day").then(|| value.to_owned())
    }

    fn file(&self, _: MediaId) -> Option<FileKind> {
        self.file
    }

    fn form(&self, name: &str) -> Option<KnownForm> {
        self.form
            .filter(|form| *form == name)
            .map(|form| KnownForm { id: FormId(Default::default()), provider_id: format!("id of {form}") })
    }
}

const OFFERS: &str = "
flow: offers
name: Offers
agent: {queue: sales, apology: Sorry.}
triggers: [{keywords: [leaflet], goto: leaflet}]
steps:
  - id: visit
    ask:
      type: form
      form: book_a_visit
      prompt: When?
      on_fail: plain
      no_input: {after_minutes: 5}
      fields: [{name: day, save: contact.visit_day}]
  - {id: thanks, end: {message: \"Until {{ day }}\"}}
  - {id: plain, ask: {type: text, prompt: Which day?, on_fail: thanks}, goto: visit}
  - {id: leaflet, send: {file: med_01hzy8vbk0e7m9qz3v5c6d7f8g, caption: Look}, goto: visit}
";

fn sent(effects: &[Effect]) -> Vec<&Content> {
    let sent = effects.iter().filter_map(|effect| match effect {
        Effect::Send { content } => Some(&**content),
        _ => None,
    });
    sent.collect()
}

#[test]
fn a_form_that_cannot_be_offered_is_passed_over_whenever_that_turns_out() {
    let definition = load(OFFERS);
    let with = Bare { form: Some("book_a_visit"), file: None };
    let without = Bare { form: None, file: None };
    let new = RunState::new(&definition, 1);
    let begun = step_in(&definition, &new, &event("a", started()), NOW, &with);
    let [Content::Form(form)] = sent(&begun.effects)[..] else { panic!("{:?}", begun.effects) };
    assert_eq!((form.provider_id.as_str(), form.label.as_str()), ("id of book_a_visit", "Fill in"));

    let never = step_in(&definition, &new, &event("a", started()), NOW, &without);
    assert_eq!(never.state.pending.as_ref().unwrap().step, "plain");
    assert_eq!(sent(&never.effects)[0].text(), "Which day?");
    // From there the flow leads back to the form for ever, which a turn does not follow.
    let round =
        step_in(&definition, &never.state, &event("b", EventKind::Text { text: "Monday".into() }), NOW, &without);
    assert_eq!(round.state.pending.unwrap().step, "plain");

    let timer = begun.effects.iter().find_map(|effect| match effect {
        Effect::SetTimer { key, .. } => Some(key.clone()),
        _ => None,
    });
    for (kind, around) in [
        (EventKind::Text { text: "tomorrow".into() }, &without),
        (EventKind::LinkOpened, &without),
        (EventKind::Timer { key: timer.unwrap() }, &without),
        (EventKind::FormRefused { form: "book_a_visit".into() }, &with),
    ] {
        let after = step_in(&definition, &begun.state, &event("b", kind.clone()), NOW, around);
        assert_eq!(after.state.pending.as_ref().unwrap().step, "plain", "{kind:?}");
        assert!(!after.effects.iter().any(|effect| matches!(effect, Effect::SetTimer { .. })), "{kind:?}");
        // What comes late means nothing.
        let late = EventKind::FormRefused { form: "book_a_visit".into() };
        assert!(step_in(&definition, &after.state, &event("c", late), NOW, &with).effects.is_empty());
    }
    let other = EventKind::FormRefused { form: "another".into() };
    assert!(step_in(&definition, &begun.state, &event("b", other), NOW, &with).effects.is_empty());
}

#[test]
fn answers_are_those_of_the_form_that_was_asked_for() {
    let definition = load(OFFERS);
    let around = Bare { form: Some("book_a_visit"), file: None };
    let begun = step_in(&definition, &RunState::new(&definition, 1), &event("a", started()), NOW, &around).state;
    let fill = |form: Option<&str>, answers| {
        let kind = EventKind::Form { form: form.map(str::to_owned), answers };
        step_in(&definition, &begun, &event("b", kind), NOW, &around)
    };
    for form in [Some("book_a_visit"), None] {
        let done = fill(form, answers());
        assert_eq!(done.state.status, RunStatus::Ended, "{form:?}");
        assert_eq!(sent(&done.effects)[0].text(), "Until 2026-12-01");
        assert_eq!(done.state.gathered.len(), 1, "what no field names is left out");
        let is_saved = done.effects.iter().any(|effect| matches!(effect, Effect::SaveContact { .. }));
        assert!(!is_saved, "a value that does not fit its field is not written, and nobody is asked again");
    }
    for (form, answers) in [(Some("another"), answers()), (None, Default::default())] {
        let refused = fill(form, answers);
        assert_eq!(refused.state.pending.unwrap().tries, 1, "{form:?}: like any answer that does not fit");
    }
}

#[test]
fn a_file_goes_as_what_it_is_and_one_that_is_gone_calls_a_person() {
    let definition = load(OFFERS);
    let leaflet = |file| {
        let around = Bare { form: Some("book_a_visit"), file };
        let begun = step_in(&definition, &RunState::new(&definition, 1), &event("a", started()), NOW, &around).state;
        step_in(&definition, &begun, &event("b", EventKind::Text { text: "leaflet".into() }), NOW, &around)
    };
    for (kind, word, text) in [
        (FileKind::Picture, "image", "Look"),
        (FileKind::Film, "video", "Look"),
        (FileKind::Document, "document", "Look"),
        (FileKind::Sound, "audio", ""),
        (FileKind::Sticker, "sticker", ""),
    ] {
        let effects = leaflet(Some(kind)).effects;
        assert_eq!((sent(&effects)[0].kind(), sent(&effects)[0].text()), (word, text));
    }
    let gone = leaflet(None);
    assert_eq!(gone.state.status, RunStatus::Failed);
    assert_eq!(sent(&gone.effects)[0].text(), "Sorry.");
}

fn any_event() -> impl Strategy<Value = EventKind> {
    let words = prop::sample::select(vec![
        "Ana",
        "1",
        "17",
        "yes",
        "no",
        "agent",
        "menu",
        "again",
        "start over",
        "AB-123456",
        "ana@example.com",
        "+12125550123",
        "Order",
        "visit",
        "",
        "{{ first_name }}",
        "\u{0}",
        "😀",
    ]);
    let ids = prop::sample::select(vec![
        "topic.order",
        "topic.advice",
        "topic.gone",
        "sure.yes",
        "sure.no",
        "size.l",
        "size.m",
        "age.x",
        "gone.x",
        "x",
        "",
    ]);
    let forms = prop::sample::select(vec![None, Some("book_a_visit"), Some("gone")]);
    let keys = (prop::sample::select(vec!["ask_name", "topic", "order_number", "size"]), 0..12i64);
    prop_oneof![
        1 => Just(started()),
        6 => words.prop_map(|text| EventKind::Text { text: text.to_owned() }),
        1 => "\\PC{0,80}".prop_map(|text| EventKind::Text { text }),
        5 => ids.prop_map(|id| EventKind::Reply { id: id.to_owned(), title: "Order".to_owned(), context: None }),
        1 => Just(EventKind::Media { caption: None }),
        2 => (forms.clone(), any::<bool>()).prop_map(|(form, whole)| EventKind::Form {
            form: form.map(str::to_owned),
            answers: if whole { answers() } else { Default::default() },
        }),
        1 => forms.prop_map(|form| EventKind::FormRefused { form: form.unwrap_or("gone").to_owned() }),
        2 => keys.prop_map(|(step, turn)| EventKind::Timer { key: format!("{step}/{turn}") }),
        1 => Just(EventKind::LinkOpened),
        1 => Just(EventKind::AgentEnded),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn random_events(
        source in prop::sample::select(vec![PALETTE, DEMO]),
        events in prop::collection::vec((any_event(), 0u8..30), 1..40),
    ) {
        let definition = load(source);
        let mut state = RunState::new(&definition, 3);
        let mut log = vec![event("start", started())];
        // Ids repeat now and then, as providers' deliveries do.
        log.extend(events.into_iter().map(|(kind, id)| event(&format!("e{id}"), kind)));
        let mut handovers = 0;
        let mut states = Vec::new();
        for (index, event) in log.iter().enumerate() {
            let now = NOW.plus(i64::try_from(index).unwrap() * 1000);
            let seen = state.has_handled(&event.id);
            let was_active = state.status.is_active();
            let result = step(&definition, &state, event, now);
            if seen {
                prop_assert!(result.effects.is_empty() && result.state == state);
            } else {
                prop_assert_eq!(result.state.turn, state.turn + 1);
            }
            if !was_active {
                prop_assert!(result.effects.is_empty(), "silent after the hand-over");
            }
            prop_assert!(result.effects.len() <= MAX_HOPS * 4);
            for effect in &result.effects {
                if let Effect::Send { content } = effect {
                    let is_file = matches!(**content, Content::Document { .. });
                    prop_assert!(is_file || !content.text().trim().is_empty());
                    prop_assert!(content.text().chars().count() <= 4096);
                }
                handovers += usize::from(matches!(effect, Effect::Handover { .. }));
            }
            prop_assert_eq!(result.state.status == RunStatus::Waiting, result.state.pending.is_some());
            // What is stored is what goes on.
            let json = serde_json::to_string(&result.state).unwrap();
            let read = serde_json::from_str::<RunState>(&json).unwrap();
            prop_assert_eq!(&read, &result.state);
            state = read;
            states.push(json);
        }
        prop_assert!(handovers <= 1);
        prop_assert!(state.status != RunStatus::Failed, "a checked flow does not fail");

        // A replay of the log gives the identical states.
        let mut replayed = RunState::new(&definition, 3);
        for (index, event) in log.iter().enumerate() {
            replayed = step(&definition, &replayed, event, NOW.plus(i64::try_from(index).unwrap() * 1000)).state;
            prop_assert_eq!(&serde_json::to_string(&replayed).unwrap(), &states[index]);
        }
    }
}
