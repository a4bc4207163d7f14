//! Every kind of step and question, as conversations; and runs under random events.

use proptest::prelude::*;
use segue_flow::{
    Context, Definition, Effect, Event, EventKind, MAX_HOPS, RunState, RunStatus, conversation, parse, run::StepLog,
    step,
};
use segue_model::{Timestamp, contact::ContactFields};

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
    let keys = (prop::sample::select(vec!["ask_name", "topic", "order_number", "size"]), 0..12i64);
    prop_oneof![
        1 => Just(started()),
        6 => words.prop_map(|text| EventKind::Text { text: text.to_owned() }),
        1 => "\\PC{0,80}".prop_map(|text| EventKind::Text { text }),
        5 => ids.prop_map(|id| EventKind::Reply { id: id.to_owned(), title: "Order".to_owned(), context: None }),
        1 => Just(EventKind::Media { caption: None }),
        2 => keys.prop_map(|(step, turn)| EventKind::Timer { key: format!("{step}/{turn}") }),
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
                    prop_assert!(!content.text().trim().is_empty() && content.text().chars().count() <= 4096);
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
