//! The second way: for what is known not to have been sent, and never for what may have been.

use std::time::Duration;

use segue_model::{MessageId, delivery::OutboxState, route::RouteBy, sender::SenderAlphabet};
use segue_store::{
    channel::{Channel, ChannelConfig, ResendUnknown, Sender, SmppConfig},
    failover::Failover,
};
use serde_json::json;

use crate::bench::{Bench, SENDER, benches, until};

const SECOND: &str = "+15550101";
const CUSTOMER: &str = "+15550199";

/// The account of `change`, and behind it a second one of another sender at the same carrier.
async fn two_ways(bench: &Bench, change: impl FnOnce(&mut SmppConfig)) -> (Channel, Sender) {
    let port = bench.sandbox.smpp_addr.port();
    let own = || SmppConfig {
        segments_per_second: 1_000,
        response_seconds: 1,
        ..SmppConfig::new("127.0.0.1", port, "segue", "sandbox")
    };
    let mut config = own();
    change(&mut config);
    let first = bench.test.channel("first", ChannelConfig::Smpp(config)).await;
    let second = bench.test.channel("second", ChannelConfig::Smpp(own())).await;
    let from = bench.test.sender(first.id, SENDER).await;
    let to = bench.test.sender(second.id, SECOND).await;
    let (workspace_id, to_id) = (bench.test.workspace_id(), to.id);
    assert!(bench.write(move |tx| tx.set_fallback(workspace_id, from.id, Some(to_id), Some(60))).await);
    (first, to)
}

async fn moved(bench: &Bench, id: MessageId) -> Option<Failover> {
    let workspace_id = bench.test.workspace_id();
    bench.write(move |tx| tx.failover(workspace_id, id)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_account_refuses_leaves_by_the_second_way_once() {
    for bench in benches().await {
        let (first, to) = two_ways(&bench, |_| {}).await;
        bench.faults(json!({ "receipts": "none", "smpp_status": { "code": 0x0A, "times": 1 } })).await;
        let id = bench.enqueue(&bench.sms_to(&first, CUSTOMER, "hello")).await;
        let running = bench.start("one");
        bench.until_state(id, OutboxState::Accepted).await;
        let accepted = bench.ledger("sms_accepted").await;
        assert_eq!(accepted.len(), 1, "{}: {accepted:?}", bench.test.engine);
        let move_ = moved(&bench, id).await.expect("it moved");
        assert_eq!(move_.to_sender_id, to.id, "{}", bench.test.engine);
        assert!(move_.reason.contains("refused the sender"), "{}", move_.reason);

        // Refused on both ways, it fails: nothing goes round in circles.
        bench.faults(json!({ "receipts": "none", "smpp_status": { "code": 0x0A, "times": 2 } })).await;
        let id = bench.enqueue(&bench.sms_to(&first, CUSTOMER, "again")).await;
        bench.until_state(id, OutboxState::Failed).await;
        assert!(moved(&bench, id).await.is_some());

        // What is wrong with the message itself is wrong everywhere.
        bench.faults(json!({ "receipts": "none", "smpp_status": { "code": 0x0B, "times": 1 } })).await;
        let id = bench.enqueue(&bench.sms_to(&first, CUSTOMER, "nobody")).await;
        bench.until_state(id, OutboxState::Failed).await;
        assert_eq!(moved(&bench, id).await, None, "{}", bench.test.engine);
        assert_eq!(bench.ledger("sms_accepted").await.len(), 1, "{}", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_moves_only_where_it_can_be_written() {
    for bench in benches().await {
        let (first, to) = two_ways(&bench, |_| {}).await;
        let (workspace_id, engine) = (bench.test.workspace_id(), bench.test.engine);
        let running = bench.start("one");
        let refused = json!({ "receipts": "none", "smpp_status": { "code": 0x0A, "times": 1 } });
        for (alphabet, text, sent) in [
            (SenderAlphabet::GsmReplace, "It\u{2019}s on", Some("It's on")),
            (SenderAlphabet::GsmReplace, "\u{17c}\u{f3}\u{142}ty", None),
            (SenderAlphabet::GsmRefuse, "It\u{2019}s on", None),
            (SenderAlphabet::GsmRefuse, "It's on", Some("It's on")),
        ] {
            assert!(bench.write(move |tx| tx.set_sender_alphabet(workspace_id, to.id, alphabet)).await);
            bench.faults(refused.clone()).await;
            let before = bench.sms_texts().await.len();
            let id = bench.enqueue(&bench.sms_to(&first, CUSTOMER, text)).await;
            // What cannot move fails, with the carrier's reason, and can be sent again.
            let end = if sent.is_some() { OutboxState::Accepted } else { OutboxState::Failed };
            bench.until_state(id, end).await;
            assert_eq!(moved(&bench, id).await.is_some(), sent.is_some(), "{engine} {alphabet} {text}");
            let texts = bench.sms_texts().await;
            assert_eq!(texts.get(before).map(String::as_str), sent, "{engine} {alphabet} {text}");
        }
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_left_by_a_route_moves_by_the_second_way_of_the_sender_that_names_it() {
    for bench in benches().await {
        let (first, to) = two_ways(&bench, |_| {}).await;
        let (workspace_id, engine) = (bench.test.workspace_id(), bench.test.engine);
        let own = bench.write(move |tx| tx.senders(workspace_id)).await;
        let own = own.into_iter().find(|sender| sender.channel_id == first.id).expect("it has a sender").id;
        let third = bench.test.channel("third", first.config.clone()).await;
        let route = bench.test.sender(third.id, SENDER).await.id;
        assert!(!bench.write(move |tx| tx.has_fallback(workspace_id, third.id)).await, "it is no route: {engine}");
        bench.write(move |tx| tx.set_sender_routes(workspace_id, own, RouteBy::Order, &[route, own])).await;
        assert!(bench.write(move |tx| tx.has_fallback(workspace_id, third.id)).await, "{engine}");
        bench.faults(json!({ "receipts": "none", "smpp_status": { "code": 0x0A, "times": 1 } })).await;
        let id = bench.enqueue(&bench.sms_to(&third, CUSTOMER, "hello")).await;
        let running = bench.start("one");
        bench.until_state(id, OutboxState::Accepted).await;
        let move_ = moved(&bench, id).await.expect("it moved");
        assert_eq!((move_.from_sender_id, move_.to_sender_id), (route, to.id), "{engine}");
        running.shutdown().await;

        // A second way on the same account is none.
        let beside = bench.test.sender(third.id, "+15550102").await.id;
        assert!(bench.write(move |tx| tx.set_fallback(workspace_id, own, Some(beside), None)).await);
        let by_route = bench.write(move |tx| tx.fallback_of(workspace_id, third.id, SENDER)).await;
        assert_eq!(by_route, None, "{engine}");
        assert!(bench.write(move |tx| tx.set_fallback(workspace_id, route, Some(to.id), None)).await);
        let by_route = bench.write(move |tx| tx.fallback_of(workspace_id, third.id, SENDER)).await;
        assert_eq!(by_route.map(|fallback| fallback.to.id), Some(to.id), "its own: {engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_message_is_never_sent_on_the_second_way() {
    for bench in benches().await {
        let (first, _) = two_ways(&bench, |_| {}).await;
        // The carrier takes it and does not say so.
        bench.faults(json!({ "receipts": "none", "carrier": { "swallow_every": 1 } })).await;
        let id = bench.enqueue(&bench.sms_to(&first, CUSTOMER, "hello")).await;
        let running = bench.start("one");
        bench.until_state(id, OutboxState::Unknown).await;
        // The account goes down, for longer than waiting messages may wait.
        let (workspace_id, channel_id, now) = (first.workspace_id, first.id, bench.test.now());
        let down = segue_store::channel::ChannelState::Disconnected;
        bench.write(move |tx| tx.note_connection(workspace_id, channel_id, down, now)).await;
        bench.test.clock.advance(120_000);
        tokio::time::sleep(Duration::from_secs(7)).await;
        assert_eq!(bench.state(id).await, OutboxState::Unknown, "{}", bench.test.engine);
        assert_eq!(moved(&bench, id).await, None, "{}", bench.test.engine);
        assert_eq!(bench.sandbox.counters().sms_accepted, 1, "{}", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_tried_in_doubt_stays_where_it_was_tried() {
    for bench in benches().await {
        let (first, _) = two_ways(&bench, |config| config.resend_unknown = ResendUnknown::All).await;
        // In doubt, tried again by the owner's choice, and only then refused for a reason of the account.
        bench.faults(json!({ "receipts": "none", "carrier": { "swallow_every": 1 } })).await;
        let id = bench.enqueue(&bench.sms_to(&first, CUSTOMER, "hello")).await;
        let running = bench.start("one");
        until("it is tried again", async || bench.failure(id).await.0.as_deref() == Some("unknown")).await;
        bench.faults(json!({ "receipts": "none", "smpp_status": { "code": 0x0A, "times": 9 } })).await;
        bench.test.clock.advance(60_000);
        bench.until_state(id, OutboxState::Failed).await;
        assert_eq!(moved(&bench, id).await, None, "{}", bench.test.engine);
        assert_eq!(bench.sandbox.counters().sms_accepted, 1, "{}", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_on_a_dead_account_moves_after_the_time_its_owner_said() {
    for bench in benches().await {
        let (first, to) = two_ways(&bench, |config| config.port = 1).await;
        bench.faults(json!({ "receipts": "none" })).await;
        let id = bench.enqueue(&bench.sms_to(&first, CUSTOMER, "hello")).await;
        let running = bench.start("one");
        let (workspace_id, channel_id) = (first.workspace_id, first.id);
        until("the account is down", async || {
            bench.write(move |tx| tx.down_since(workspace_id, channel_id)).await.is_some()
        })
        .await;
        tokio::time::sleep(Duration::from_secs(6)).await;
        assert_eq!(bench.state(id).await, OutboxState::Queued, "not before its time: {}", bench.test.engine);
        bench.test.clock.advance(61_000);
        bench.until_state(id, OutboxState::Accepted).await;
        let move_ = moved(&bench, id).await.expect("it moved");
        assert_eq!(move_.to_sender_id, to.id, "{}", bench.test.engine);
        assert!(move_.reason.contains("without connection"), "{}", move_.reason);
        assert_eq!(bench.sandbox.counters().sms_accepted, 1, "{}", bench.test.engine);
        running.shutdown().await;
    }
}
