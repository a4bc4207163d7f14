//! SMS from the outbox to the handset and back.

use segue_model::{delivery::OutboxState, time};
use segue_store::channel::ChannelState;
use serde_json::json;

use crate::bench::{benches, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_goes_out_and_its_receipt_comes_back() {
    for bench in benches().await {
        let channel = bench.sms().await;
        let id = bench.enqueue(&bench.sms_to(&channel, "+15550199", "Hello")).await;
        let running = bench.start("one");
        bench.until_state(id, OutboxState::Delivered).await;
        assert_eq!(bench.sms_texts().await, ["Hello"]);
        let (workspace_id, channel_id) = (channel.workspace_id, channel.id);
        let stored = bench.write(move |tx| tx.channel(workspace_id, channel_id)).await.unwrap();
        assert_eq!(stored.state, ChannelState::Connected, "{}", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_overtakes_the_answer_is_not_lost() {
    for bench in benches().await {
        let channel = bench.sms().await;
        bench.faults(json!({ "smpp_receipt_before_response": true })).await;
        let ids = [
            bench.enqueue(&bench.sms_to(&channel, "+15550199", "one")).await,
            bench.enqueue(&bench.sms_to(&channel, "+15550198", &"long ".repeat(80))).await,
        ];
        let running = bench.start("one");
        for id in ids {
            bench.until_state(id, OutboxState::Delivered).await;
        }
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn being_asked_to_slow_down_costs_nothing_and_the_message_goes_out_once() {
    for bench in benches().await {
        let channel = bench.sms().await;
        bench.faults(json!({ "smpp_status": { "code": 0x58, "times": 8 } })).await;
        let id = bench.enqueue(&bench.sms_to(&channel, "+15550199", "patience")).await;
        let running = bench.start("one");
        // More often than a message has attempts.
        let clock = &bench.test.clock;
        until("it goes out", async || {
            clock.advance(1_000);
            bench.state(id).await == OutboxState::Delivered
        })
        .await;
        assert_eq!(bench.sms_texts().await, ["patience"], "{}", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_message_fails_with_the_reason_and_is_not_tried_again() {
    for bench in benches().await {
        let channel = bench.sms().await;
        bench.faults(json!({ "smpp_status": { "code": 0x0B, "times": 1 } })).await;
        let id = bench.enqueue(&bench.sms_to(&channel, "+15550199", "nobody")).await;
        let next = bench.enqueue(&bench.sms_to(&channel, "+15550198", "next")).await;
        let running = bench.start("one");
        until("one of them fails", async || {
            bench.state(id).await == OutboxState::Failed || bench.state(next).await == OutboxState::Failed
        })
        .await;
        let failed = if bench.state(id).await == OutboxState::Failed { id } else { next };
        let expected = (Some("invalid_recipient".to_owned()), Some("0xb".to_owned()));
        assert_eq!(bench.failure(failed).await, expected, "{}", bench.test.engine);
        let other = if failed == id { next } else { id };
        bench.until_state(other, OutboxState::Delivered).await;
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_that_refuses_the_account_costs_no_message_and_the_channel_shows_it_until_one_is_taken() {
    for bench in benches().await {
        let channel = bench.sms().await;
        let (workspace_id, channel_id, engine) = (channel.workspace_id, channel.id, bench.test.engine);
        let stored = async || bench.write(move |tx| tx.channel(workspace_id, channel_id)).await.unwrap();
        for code in [0x04, 0x0E, 0x0F] {
            bench.faults(json!({ "smpp_status": { "code": code, "times": 1_000 } })).await;
            let mut ids = Vec::new();
            for number in 0..30 {
                ids.push(bench.enqueue(&bench.sms_to(&channel, &format!("+155501{number:02}"), "Hello")).await);
            }
            let running = bench.start("one");
            until("the screen shows it", async || {
                let seen = stored().await;
                seen.state == ChannelState::Error && seen.state_detail.is_some_and(|why| why.contains("status 0x"))
            })
            .await;
            for _ in 0..20 {
                bench.test.clock.advance(time::MINUTE);
                tokio::time::sleep(std::time::Duration::from_millis(30)).await;
            }
            running.shutdown().await;
            for id in &ids {
                assert_eq!(bench.state(*id).await, OutboxState::Queued, "{engine}: {code:#x}");
            }
            bench.faults(json!({})).await;
            bench.test.clock.advance(time::MINUTE);
            let running = bench.start("one");
            for id in ids {
                bench.until_state(id, OutboxState::Delivered).await;
            }
            until("it is well again", async || stored().await.state == ChannelState::Connected).await;
            running.shutdown().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_receipt_fails_the_message() {
    for bench in benches().await {
        let channel = bench.sms().await;
        bench.faults(json!({ "receipt_state": { "state": "UNDELIV", "times": 1 } })).await;
        let id = bench.enqueue(&bench.sms_to(&channel, "+15550199", "off")).await;
        let running = bench.start("one");
        bench.until_state(id, OutboxState::Failed).await;
        assert_eq!(bench.failure(id).await.0.as_deref(), Some("invalid_recipient"), "{}", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_messages_each_arrive_once() {
    const COUNT: usize = 300;
    for bench in benches().await {
        let channel = bench.sms().await;
        let running = bench.start("one");
        for number in 0..COUNT {
            bench.enqueue(&bench.sms_to(&channel, &format!("+1555{number:04}"), &format!("text {number}"))).await;
        }
        let (workspace_id, channel_id) = (channel.workspace_id, channel.id);
        until("all are delivered", async || {
            let counts = bench.write(move |tx| tx.count_outbox(workspace_id, channel_id)).await;
            counts == [(OutboxState::Delivered, COUNT as u64)]
        })
        .await;
        let mut texts = bench.sms_texts().await;
        texts.sort();
        texts.dedup();
        assert_eq!((texts.len(), bench.sandbox.counters().sms_accepted), (COUNT, COUNT as u64));
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_send_each_message_once() {
    for bench in benches().await {
        let channel = bench.sms().await;
        for number in 0..60 {
            bench.enqueue(&bench.sms_to(&channel, &format!("+1555{number:04}"), &format!("text {number}"))).await;
        }
        let other = bench.test.open_again().await;
        let nodes = [
            bench.start("one"),
            crate::bench::Running::start(other.clone(), bench.test.bus.clone(), bench.test.ctx_of_node(2), "two"),
        ];
        let (workspace_id, channel_id) = (channel.workspace_id, channel.id);
        until("all are delivered", async || {
            let counts = bench.write(move |tx| tx.count_outbox(workspace_id, channel_id)).await;
            counts == [(OutboxState::Delivered, 60)]
        })
        .await;
        assert_eq!(bench.sandbox.counters().sms_accepted, 60, "{}", bench.test.engine);
        for node in nodes {
            node.shutdown().await;
        }
        other.close();
    }
}
