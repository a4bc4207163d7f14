//! The second way: for what is known not to have been sent, and never for what may have been.

use std::time::Duration;

use segue_model::{MessageId, delivery::OutboxState, route::RouteBy, sender::SenderAlphabet};
use segue_store::{
    Sql,
    channel::{Channel, ChannelConfig, ChannelState, Repeats, ResendUnknown, Sender, SmppConfig},
    failover::Failover,
};
use serde_json::json;

use crate::{
    bench::{Bench, SENDER, benches, until},
    twilio,
};

const SECOND: &str = "+15550101";
const CUSTOMER: &str = "+15550199";

/// The account of `change`, and behind it a second one of another sender at the same carrier.
async fn two_ways(bench: &Bench, change: impl FnOnce(&mut SmppConfig)) -> (Channel, Sender) {
    let mut config = smpp(bench);
    change(&mut config);
    beside(bench, ChannelConfig::Smpp(config)).await
}

fn smpp(bench: &Bench) -> SmppConfig {
    SmppConfig {
        segments_per_second: 1_000,
        response_seconds: 1,
        ..SmppConfig::new("127.0.0.1", bench.sandbox.smpp_addr.port(), "segue", "sandbox")
    }
}

/// This account, and behind it a second one of another sender over SMPP.
async fn beside(bench: &Bench, first: ChannelConfig) -> (Channel, Sender) {
    let first = bench.test.channel("first", first).await;
    let second = bench.test.channel("second", ChannelConfig::Smpp(smpp(bench))).await;
    let from = bench.test.sender(first.id, SENDER).await;
    let to = bench.test.sender(second.id, SECOND).await;
    let (workspace_id, to_id) = (bench.test.workspace_id(), to.id);
    assert!(bench.write(move |tx| tx.set_fallback(workspace_id, from.id, Some(to_id), Some(60))).await);
    (first, to)
}

/// Changes the settings of an account.
async fn put(bench: &Bench, channel: &Channel) {
    let channel = channel.clone();
    bench.write(move |tx| tx.upsert_channel(&channel).map(|_| ())).await;
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
async fn what_an_account_that_may_not_send_refuses_leaves_by_the_second_way_at_once() {
    for bench in benches().await {
        let (first, to) = two_ways(&bench, |_| {}).await;
        bench.faults(json!({ "receipts": "none", "smpp_status": { "code": 0x0E, "times": 1 } })).await;
        let id = bench.enqueue(&bench.sms_to(&first, CUSTOMER, "hello")).await;
        let running = bench.start("one");
        // Nobody's clock moves: it does not wait for the time that its owner said for a lost connection.
        bench.until_state(id, OutboxState::Accepted).await;
        let move_ = moved(&bench, id).await.expect("it moved");
        assert_eq!(move_.to_sender_id, to.id, "{}", bench.test.engine);
        assert!(move_.reason.contains("refused the password"), "{}", move_.reason);
        assert_eq!(bench.sandbox.counters().sms_accepted, 1, "{}", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_connection_refuses_waits_for_the_next_one() {
    for bench in benches().await {
        let (first, _) = two_ways(&bench, |_| {}).await;
        bench.faults(json!({ "receipts": "none", "smpp_status": { "code": 0x04, "times": 1 } })).await;
        let id = bench.enqueue(&bench.sms_to(&first, CUSTOMER, "hello")).await;
        let running = bench.start("one");
        until("it waits with what the carrier said", async || {
            bench.failure(id).await.1.as_deref() == Some("0x4") && bench.state(id).await == OutboxState::Queued
        })
        .await;
        assert!(moved(&bench, id).await.is_none(), "{}", bench.test.engine);
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
        let down = ChannelState::Disconnected;
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
        bench.until_state(id, OutboxState::Unknown).await;
        assert_eq!(moved(&bench, id).await, None, "{}", bench.test.engine);
        assert_eq!(bench.sandbox.counters().sms_accepted, 1, "{}", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_account_that_repeats_may_have_sent_never_leaves_by_another() {
    for bench in benches().await {
        let account = twilio::config(&bench, Repeats::SentOnce);
        let (first, _) = beside(&bench, ChannelConfig::Twilio(account)).await;
        // The provider takes it, and answers that it is broken.
        bench.faults(json!({ "receipts": "none", "twilio_error_after_accept": 1, "twilio_honours_key": true })).await;
        let id = bench.enqueue(&bench.sms_to(&first, CUSTOMER, "hello")).await;
        let running = bench.start("one");
        until("it waits for its repeat", async || bench.failure(id).await.0.is_some()).await;
        // A later answer that leaves no doubt does not take the doubt away.
        let busy = json!({ "code": 20_429, "times": 1 });
        bench.faults(json!({ "receipts": "none", "twilio_error": busy, "twilio_honours_key": true })).await;
        bench.test.clock.advance(5_000);
        until("it is put off", async || bench.failure(id).await.0.as_deref() == Some("throttled")).await;
        running.shutdown().await;
        // Then it is without connection for longer than waiting messages may wait, and then refuses the sender.
        let (workspace_id, channel_id, now) = (first.workspace_id, first.id, bench.test.now());
        bench.write(move |tx| tx.note_connection(workspace_id, channel_id, ChannelState::Disconnected, now)).await;
        bench.test.clock.advance(120_000);
        let refused = json!({ "code": 21_606, "times": 9 });
        bench.faults(json!({ "receipts": "none", "twilio_error": refused, "twilio_honours_key": true })).await;
        let running = bench.start("one");
        bench.until_state(id, OutboxState::Unknown).await;
        assert_eq!(moved(&bench, id).await, None, "{}", bench.test.engine);
        assert_eq!(bench.sms_texts().await, ["hello"], "{}", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_text_of_which_a_part_was_taken_stays_where_it_was_tried() {
    for bench in benches().await {
        let (first, _) = two_ways(&bench, |_| {}).await;
        let refused = json!({ "part": 2, "code": 0x0A, "times": 1 });
        bench.faults(json!({ "receipts": "none", "carrier": { "refuse_part": refused } })).await;
        let id = bench.enqueue(&bench.sms_to(&first, CUSTOMER, &"long ".repeat(40))).await;
        let running = bench.start("one");
        bench.until_state(id, OutboxState::Unknown).await;
        assert_eq!(moved(&bench, id).await, None, "{}", bench.test.engine);
        let accepted = bench.ledger("sms_accepted").await;
        assert_eq!(accepted.len(), 1, "{}: {accepted:?}", bench.test.engine);
        // What the carrier tells of the part that left finds its message.
        let (workspace_id, channel_id) = (first.workspace_id, first.id);
        let told = accepted[0]["message_id"].as_str().expect("it has an id").to_owned();
        let known = bench.write(move |tx| tx.query_opt(&PROVIDER_ID, &[&workspace_id, &id], |row| row.next())).await;
        assert_eq!(known, Some(Some(told)), "{}", bench.test.engine);
        let parked = bench.write(move |tx| tx.count_parked_reports(workspace_id, channel_id)).await;
        assert_eq!(parked, 0, "{}", bench.test.engine);
        running.shutdown().await;
    }
}

static PROVIDER_ID: Sql =
    Sql::portable("PROVIDER_ID", "SELECT provider_id FROM outbox WHERE workspace_id = $1 AND id = $2");

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

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_moves_to_no_way_that_is_down_too() {
    for bench in benches().await {
        let (first, to) = two_ways(&bench, |config| config.port = 1).await;
        let (workspace_id, engine) = (bench.test.workspace_id(), bench.test.engine);
        bench.faults(json!({ "receipts": "none" })).await;
        // The second one cannot be reached either.
        let second = to.channel_id;
        let mut dead = bench.write(move |tx| tx.channel(workspace_id, second)).await.expect("it is there");
        let alive = dead.config.clone();
        dead.config = ChannelConfig::Smpp(SmppConfig { port: 1, ..smpp(&bench) });
        put(&bench, &dead).await;
        let id = bench.enqueue(&bench.sms_to(&first, CUSTOMER, "hello")).await;
        let running = bench.start("one");
        for channel_id in [first.id, second] {
            until("both are down", async || {
                bench.write(move |tx| tx.down_since(workspace_id, channel_id)).await.is_some()
            })
            .await;
        }
        bench.test.clock.advance(61_000);
        // Longer than it takes to look at what waits.
        tokio::time::sleep(Duration::from_secs(7)).await;
        assert_eq!(bench.state(id).await, OutboxState::Queued, "{engine}");
        assert_eq!(moved(&bench, id).await, None, "{engine}");
        running.shutdown().await;
        // Its own way is there again, and it leaves by that.
        put(&bench, &Channel { config: alive, ..first.clone() }).await;
        let running = bench.start("one");
        bench.until_state(id, OutboxState::Accepted).await;
        assert_eq!(moved(&bench, id).await, None, "{engine}");
        assert_eq!(bench.sandbox.counters().sms_accepted, 1, "{engine}");
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_move_keeps_nothing_behind_it_from_moving() {
    for bench in benches().await {
        let (first, to) = two_ways(&bench, |config| config.port = 1).await;
        bench.faults(json!({ "receipts": "none" })).await;
        let (workspace_id, channel_id, now) = (first.workspace_id, first.id, bench.test.now());
        // The second way writes no such text.
        assert!(bench.write(move |tx| tx.set_sender_alphabet(workspace_id, to.id, SenderAlphabet::GsmRefuse)).await);
        let stay: Vec<_> = (0..500).map(|_| bench.sms_to(&first, CUSTOMER, "\u{17c}")).collect();
        bench.write(move |tx| tx.enqueue_all(workspace_id, &stay, now)).await;
        bench.test.clock.advance(1_000);
        let id = bench.enqueue(&bench.sms_to(&first, CUSTOMER, "hello")).await;
        let running = bench.start("one");
        until("the account is down", async || {
            bench.write(move |tx| tx.down_since(workspace_id, channel_id)).await.is_some()
        })
        .await;
        bench.test.clock.advance(61_000);
        bench.until_state(id, OutboxState::Accepted).await;
        assert!(moved(&bench, id).await.is_some(), "{}", bench.test.engine);
        running.shutdown().await;
    }
}
