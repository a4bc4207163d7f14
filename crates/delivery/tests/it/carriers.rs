//! Carriers that misbehave, from the outbox to the books: every message ends in one state that agrees with what really
//! happened on the other side.

use std::collections::HashMap;

use segue_model::delivery::OutboxState;
use segue_sandbox::CarrierFaults;
use segue_store::{
    Sql, StoreError,
    channel::{BindMode, Channel, ChannelConfig, ResendUnknown, SmppConfig},
    outbox::NewOutbox,
};
use serde_json::json;

use crate::bench::{Bench, SENDER, benches, until};

/// Enough for every window to be full several times, few enough for an unoptimised build.
const MESSAGES: u64 = 40;
/// How far the product's clock moves with each look, in milliseconds: little, or a busy machine makes leases run out.
const STEP: i64 = 50;
const FIRST: u64 = 15_550_300_000;

async fn account(bench: &Bench, change: impl FnOnce(&mut SmppConfig)) -> Channel {
    let mut config = SmppConfig::new("127.0.0.1", bench.sandbox.smpp_addr.port(), "segue", "sandbox");
    config.segments_per_second = 1_000;
    config.response_seconds = 1;
    change(&mut config);
    let channel = bench.test.channel("sms", ChannelConfig::Smpp(config)).await;
    bench.test.sender(channel.id, SENDER).await;
    channel
}

async fn enqueue(bench: &Bench, channel: &Channel, text: &str) {
    for number in FIRST..FIRST + MESSAGES {
        bench.enqueue(&bench.sms_to(channel, &format!("+{number}"), text)).await;
    }
}

static STATES: Sql = Sql::portable("STATES", "SELECT address, state FROM outbox WHERE workspace_id = $1");

/// States by recipient.
async fn states(bench: &Bench) -> HashMap<u64, OutboxState> {
    let workspace_id = bench.test.workspace_id();
    let read = bench.test.store.read(move |tx| {
        tx.query(&STATES, &[&workspace_id], |row| {
            let address: String = row.next()?;
            Ok((address.trim_start_matches('+').parse().unwrap_or_default(), row.word()?))
        })
    });
    read.await.unwrap_or_else(|error: StoreError| panic!("{error}")).into_iter().collect()
}

/// Runs until every message is in one of the states `ended`, and gives the states by recipient.
async fn run(bench: &Bench, step: i64, ended: &[OutboxState]) -> HashMap<u64, OutboxState> {
    let running = bench.start("one");
    let clock = &bench.test.clock;
    until("every message has ended", async || {
        // Waits of messages and looks of workers go by the clock.
        clock.advance(step);
        states(bench).await.values().all(|state| ended.contains(state))
    })
    .await;
    running.shutdown().await;
    states(bench).await
}

/// What is delivered was sent once, and so was what is in doubt, or never; nothing else left.
fn balance(bench: &Bench, states: &HashMap<u64, OutboxState>) {
    let sent = bench.sandbox.segments_by_recipient();
    for (number, state) in states {
        let sent = sent.get(number).copied().unwrap_or(0);
        let agrees = match state {
            OutboxState::Delivered => sent == 1,
            OutboxState::Unknown => sent <= 1,
            _ => sent == 0,
        };
        assert!(agrees, "{}: {state} and sent {sent} times", bench.test.engine);
    }
    assert_eq!(states.len() as u64, MESSAGES);
}

fn count(states: &HashMap<u64, OutboxState>, wanted: OutboxState) -> u64 {
    states.values().filter(|state| **state == wanted).count() as u64
}

/// Every message arrives, whatever the carrier does with answers and receipts.
async fn all_arrive(faults: serde_json::Value, change: impl Fn(&mut SmppConfig)) {
    all_arrive_by(STEP, faults, change).await;
}

async fn all_arrive_by(step: i64, faults: serde_json::Value, change: impl Fn(&mut SmppConfig)) {
    for bench in benches().await {
        let channel = account(&bench, &change).await;
        bench.faults(faults.clone()).await;
        enqueue(&bench, &channel, "Hello").await;
        let states = run(&bench, step, &[OutboxState::Delivered]).await;
        balance(&bench, &states);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_with_hexadecimal_answers_and_decimal_receipts() {
    all_arrive(json!({ "carrier": { "hex_answers": true } }), |_| {}).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_that_shuffles_and_repeats_and_reports_late_states() {
    let carrier = CarrierFaults {
        shuffle: true,
        shuffle_receipts: true,
        enroute_receipts: true,
        duplicate_receipts: 2,
        ..CarrierFaults::default()
    };
    all_arrive(json!({ "carrier": carrier }), |_| {}).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_whose_receipts_are_early_on_another_connection() {
    all_arrive(json!({ "smpp_receipt_before_response": true, "smpp_response_delay_ms": 20 }), |config| {
        config.bind = BindMode::Pair;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_that_throttles() {
    all_arrive(json!({ "carrier": { "most_per_second": 40 } }), |_| {}).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_whose_queue_is_full_at_times() {
    // Messages wait up to three minutes for their next turn.
    all_arrive_by(5 * STEP, json!({ "carrier": { "full_every": 7 } }), |_| {}).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_that_swallows_answers_but_sends_receipts() {
    // Unknown first, and then the receipt says that it arrived.
    for bench in benches().await {
        let channel = account(&bench, |_| {}).await;
        bench.faults(json!({ "carrier": { "swallow_every": 10 } })).await;
        enqueue(&bench, &channel, "Hello").await;
        let states = run(&bench, STEP, &[OutboxState::Delivered, OutboxState::Unknown]).await;
        balance(&bench, &states);
        let doubt = count(&states, OutboxState::Unknown);
        assert!(doubt <= MESSAGES / 10, "{}: {doubt} in doubt", bench.test.engine);
        assert_eq!(count(&states, OutboxState::Delivered) + doubt, MESSAGES);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_carrier_that_swallows_answers_leaves_doubt_and_no_second_sending() {
    for bench in benches().await {
        let channel = account(&bench, |_| {}).await;
        bench.faults(json!({ "receipts": "none", "carrier": { "swallow_every": 1 } })).await;
        enqueue(&bench, &channel, "Hello").await;
        let states = run(&bench, STEP, &[OutboxState::Delivered, OutboxState::Unknown]).await;
        balance(&bench, &states);
        assert_eq!(count(&states, OutboxState::Unknown), MESSAGES, "{}", bench.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_would_rather_send_twice_leaves_nobody_out() {
    for bench in benches().await {
        let channel = account(&bench, |config| config.resend_unknown = ResendUnknown::All).await;
        bench.faults(json!({ "carrier": { "swallow_every": 10 } })).await;
        enqueue(&bench, &channel, "Hello").await;
        let states = run(&bench, STEP, &[OutboxState::Delivered]).await;
        assert_eq!(count(&states, OutboxState::Delivered), MESSAGES, "{}", bench.test.engine);
        let sent = bench.sandbox.segments_by_recipient();
        assert!((FIRST..FIRST + MESSAGES).all(|number| sent.get(&number).is_some_and(|count| *count >= 1)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_receipt_says_has_arrived_is_not_sent_again_by_an_account_that_would_rather_send_twice() {
    for bench in benches().await {
        let channel = account(&bench, |config| config.resend_unknown = ResendUnknown::All).await;
        bench.faults(json!({ "carrier": { "swallow_every": 1 } })).await;
        enqueue(&bench, &channel, "Hello").await;
        let states = run(&bench, STEP, &[OutboxState::Delivered]).await;
        assert_eq!(count(&states, OutboxState::Delivered), MESSAGES, "{}", bench.test.engine);
        let sent = bench.sandbox.segments_by_recipient();
        assert!(
            (FIRST..FIRST + MESSAGES).all(|number| sent.get(&number) == Some(&1)),
            "{}: {sent:?}",
            bench.test.engine
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_doubt_is_not_sent_twice_to_somebody_who_was_deleted() {
    for bench in benches().await {
        let channel = account(&bench, |config| config.resend_unknown = ResendUnknown::All).await;
        bench.faults(json!({ "receipts": "none", "carrier": { "swallow_every": 1 } })).await;
        let (address, workspace_id, now) = ("+12125550100", bench.test.workspace_id(), bench.test.now());
        let ana = bench.test.contact(address, "Ana").await;
        let granted = segue_model::consent::ConsentState::Granted;
        let (medium, purpose) = (segue_model::consent::Medium::Sms, segue_model::consent::Purpose::Marketing);
        bench.test.set_consent(medium, address, purpose, granted).await;
        let class = segue_model::delivery::MessageClass::Marketing;
        let id = bench.enqueue(&NewOutbox { class, ..bench.sms_to(&channel, address, "Sale") }).await;
        let running = bench.start("one");
        bench.until_state(id, OutboxState::Submitting).await;
        assert!(bench.write(move |tx| tx.delete_contact(workspace_id, ana, now)).await);
        bench.until_state(id, OutboxState::Unknown).await;
        bench.test.clock.advance(60_000);
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        assert_eq!(bench.state(id).await, OutboxState::Unknown, "{}: it may have left", bench.test.engine);
        assert_eq!(bench.sandbox.counters().sms_accepted, 1, "{}", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_slow_account_is_neither_much_nor_ever_called_unknown() {
    for bench in benches().await {
        let channel = account(&bench, |config| {
            (config.window, config.segments_per_second, config.response_seconds) = (300, 1, 60);
        })
        .await;
        bench.faults(json!({ "receipts": "none" })).await;
        enqueue(&bench, &channel, "Hello").await;
        let running = bench.start("one");
        until("the first has arrived", async || bench.sandbox.counters().sms_accepted >= 1).await;
        let begun = count(&states(&bench).await, OutboxState::Submitting);
        assert!(begun <= 4, "{}: {begun} are out of reach of a STOP", bench.test.engine);
        // Longer than a lease, and then what was left behind is looked for.
        bench.test.clock.advance(130_000);
        tokio::time::sleep(std::time::Duration::from_secs(7)).await;
        bench.faults(json!({ "receipts": "none", "carrier": { "cut_every": 1 } })).await;
        until("the connection is cut", async || count(&states(&bench).await, OutboxState::Unknown) >= 1).await;
        running.shutdown().await;
        let (states, sent) = (states(&bench).await, bench.sandbox.segments_by_recipient());
        for (number, state) in &states {
            let sent = sent.get(number).copied().unwrap_or(0);
            let expected = u32::from(matches!(state, OutboxState::Unknown | OutboxState::Accepted));
            assert_eq!(sent, expected, "{}: {state}", bench.test.engine);
        }
        assert!(count(&states, OutboxState::Queued) > 20, "{}: what has not left waits", bench.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_long_for_its_answer_is_not_taken_for_left_behind() {
    for bench in benches().await {
        let channel = account(&bench, |config| config.response_seconds = 15).await;
        bench.faults(json!({ "receipts": "none", "carrier": { "swallow_every": 1 } })).await;
        let id = bench.enqueue(&bench.sms_to(&channel, "+15550199", "Hello")).await;
        let running = bench.start("one");
        until("it is with the carrier", async || bench.sandbox.counters().sms_accepted == 1).await;
        // Longer than a lease, and then what was left behind is looked for.
        bench.test.clock.advance(130_000);
        tokio::time::sleep(std::time::Duration::from_secs(7)).await;
        assert_eq!(bench.state(id).await, OutboxState::Submitting, "{}", bench.test.engine);
        running.shutdown().await;
        assert_eq!(bench.state(id).await, OutboxState::Unknown, "{}: no answer came", bench.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_that_cuts_the_connection() {
    for bench in benches().await {
        let channel = account(&bench, |_| {}).await;
        bench.faults(json!({ "receipts": "none", "carrier": { "cut_every": 15 } })).await;
        enqueue(&bench, &channel, "Hello").await;
        let states = run(&bench, STEP, &[OutboxState::Accepted, OutboxState::Unknown]).await;
        let sent = bench.sandbox.segments_by_recipient();
        for (number, state) in &states {
            let sent = sent.get(number).copied().unwrap_or(0);
            assert!(sent == 1 || (sent == 0 && *state == OutboxState::Unknown), "{state} and sent {sent} times");
        }
        assert!(count(&states, OutboxState::Unknown) >= 1, "a cut leaves doubt");
        assert!(count(&states, OutboxState::Unknown) <= 3 * 10, "no more than a window for each cut");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_message_of_which_a_part_is_not_taken_at_first() {
    for bench in benches().await {
        let channel = account(&bench, |_| {}).await;
        bench.faults(json!({ "carrier": { "refuse_part": { "part": 2, "code": 0x58, "times": 1 } } })).await;
        let id = bench.enqueue(&bench.sms_to(&channel, "+15550199", &"long ".repeat(80))).await;
        let running = bench.start("one");
        bench.until_state(id, OutboxState::Delivered).await;
        let mut parts = bench.ledger("sms_accepted").await;
        parts.sort_by_key(|part| part["part"].as_u64());
        let numbers: Vec<_> = parts.iter().filter_map(|part| part["part"].as_u64()).collect();
        assert_eq!(numbers, [1, 2, 3], "{}: each part once", bench.test.engine);
        let text: String = parts.iter().filter_map(|part| part["text"].as_str()).collect();
        assert_eq!(text, "long ".repeat(80), "{}", bench.test.engine);
        running.shutdown().await;
    }
}
