//! The demo's bot is valid and behaves as its conversation tests say.

use segue_flow::{conversation, parse};

const FLOW: &str = include_str!("../../../demo/flows/welcome.yaml");
const TESTS: &str = include_str!("../../../demo/flows/welcome.test.yaml");

#[test]
fn the_demo_bot_passes_its_conversations() {
    let definition = parse(FLOW).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let conversations = conversation::read(TESTS).unwrap();
    assert!(conversations.len() >= 7);
    for one in &conversations {
        let failures = conversation::play(&definition, one);
        assert!(failures.is_empty(), "{failures:#?}");
    }
}

#[test]
fn a_conversation_test_can_fail() {
    let definition = parse(FLOW).unwrap();
    let broken = TESTS
        .replace("asks about advice.", "asks about the weather.")
        .replace("step: order_number, tries: 1", "step: topic, tries: 9");
    let failures = conversation::read(&broken)
        .unwrap()
        .iter()
        .flat_map(|one| conversation::play(&definition, one))
        .collect::<Vec<_>>();
    assert_eq!(failures.len(), 3, "{failures:#?}");
    assert!(conversation::read("test: [").is_err());
}
