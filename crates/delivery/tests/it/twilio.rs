//! SMS over HTTP in Twilio's dialect: what each kind of answer makes of a message, and what callbacks make of it later.

use std::time::Duration;

use segue_channels::twilio::{StatusCallback, form_fields, read_status};
use segue_delivery::{check_channel, reports};
use segue_model::{
    MessageId,
    consent::{ConsentState, Medium, Purpose},
    content::SmsContent,
    delivery::{MessageClass, OutboxState},
    registration::{Rates, RegistrationKind},
    sender::SenderKind,
};
use segue_store::{
    Sql,
    channel::{Channel, ChannelConfig, ChannelState, Repeats, TwilioConfig},
    outbox::{NewOutbox, Payload},
};
use serde_json::json;

use crate::bench::{Bench, SENDER, benches, until};

const TEN_DLC: &str = "+13055550100";

async fn twilio(bench: &Bench) -> Channel {
    twilio_with(bench, Repeats::SentAgain).await
}

async fn twilio_with(bench: &Bench, repeats: Repeats) -> Channel {
    let channel = bench.test.channel("http", ChannelConfig::Twilio(config(bench, repeats))).await;
    bench.test.sender(channel.id, SENDER).await;
    channel
}

/// An account at the sandbox.
pub fn config(bench: &Bench, repeats: Repeats) -> TwilioConfig {
    TwilioConfig {
        base_url: format!("http://{}", bench.sandbox.http_addr),
        account_sid: "AC5a0db0c5a0db0c5a0db0c5a0db0c5a0d".to_owned(),
        auth_token: "sandbox-auth-token".to_owned(),
        secondary_auth_token: String::new(),
        messaging_service_sid: String::new(),
        // Nobody listens: the callbacks of these tests are made by hand.
        callback_base_url: "http://127.0.0.1:9".to_owned(),
        segments_per_second: 1_000,
        repeats,
    }
}

/// Applies a callback that names our message in the address and the provider's in the form.
async fn callback(bench: &Bench, channel: &Channel, form: &str, message_id: Option<MessageId>) {
    let query: Vec<_> = message_id.map(|id| ("message_id".to_owned(), id.to_string())).into_iter().collect();
    let status: StatusCallback = read_status(&form_fields(form.as_bytes()), &query).unwrap();
    let (channel, ctx) = (channel.clone(), bench.test.ctx.clone());
    bench.write(move |tx| reports::apply_status_callback(tx, &ctx, &channel, &status)).await;
}

async fn sid_of(bench: &Bench, text: &str) -> String {
    let entries = bench.ledger("sms_accepted").await;
    let own = entries.iter().find(|entry| entry["text"] == text);
    own.expect("it was accepted")["message_id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_goes_out_and_its_statuses_come_in_any_order() {
    for bench in benches().await {
        let channel = twilio(&bench).await;
        let id = bench.enqueue(&bench.sms_to(&channel, "+15550110199", "Hello")).await;
        let running = bench.start("one");
        bench.until_state(id, OutboxState::Accepted).await;
        assert_eq!(bench.sms_texts().await, ["Hello"]);
        let sid = sid_of(&bench, "Hello").await;
        for word in ["delivered", "sent", "undelivered", "delivered"] {
            callback(&bench, &channel, &format!("MessageSid={sid}&MessageStatus={word}"), None).await;
            assert_eq!(bench.state(id).await, OutboxState::Delivered, "{} after {word}", bench.test.engine);
        }
        let (workspace_id, channel_id) = (channel.workspace_id, channel.id);
        until("the account is looked at", async || {
            let stored = bench.write(move |tx| tx.channel(workspace_id, channel_id)).await.unwrap();
            stored.state == ChannelState::Connected
        })
        .await;
        assert!(check_channel(&channel).await.unwrap().ok);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn being_asked_to_slow_down_costs_no_attempt() {
    for bench in benches().await {
        let channel = twilio(&bench).await;
        // More often than a message has attempts.
        bench.faults(json!({ "twilio_error": { "code": 20429, "times": 7 } })).await;
        let id = bench.enqueue(&bench.sms_to(&channel, "+15550110199", "patience")).await;
        let running = bench.start("one");
        let clock = &bench.test.clock;
        until("it goes out", async || {
            clock.advance(1_000);
            bench.state(id).await == OutboxState::Accepted
        })
        .await;
        assert_eq!(bench.sms_texts().await, ["patience"], "{}", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_doubt_is_unknown_never_repeated_and_resolved_by_a_callback() {
    for bench in benches().await {
        let channel = twilio(&bench).await;
        bench.faults(json!({ "twilio_error_after_accept": 1 })).await;
        let taken = bench.enqueue(&bench.sms_to(&channel, "+15550110199", "taken")).await;
        let running = bench.start("one");
        bench.until_state(taken, OutboxState::Unknown).await;
        bench.faults(json!({ "twilio_server_error": 1 })).await;
        let lost = bench.enqueue(&bench.sms_to(&channel, "+15550110198", "lost")).await;
        bench.until_state(lost, OutboxState::Unknown).await;
        bench.test.clock.advance(3_600_000);
        let after = bench.enqueue(&bench.sms_to(&channel, "+15550110197", "after")).await;
        bench.until_state(after, OutboxState::Accepted).await;
        assert_eq!(bench.sms_texts().await, ["taken", "after"], "{}: nothing is sent twice", bench.test.engine);

        // Nobody has the SID; our own id in the callback's address finds the message.
        let sid = sid_of(&bench, "taken").await;
        callback(&bench, &channel, &format!("MessageSid={sid}&MessageStatus=delivered"), Some(taken)).await;
        assert_eq!(bench.state(taken).await, OutboxState::Delivered);
        assert_eq!(bench.state(lost).await, OutboxState::Unknown);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_comes_holds_nobody_up() {
    for bench in benches().await {
        let channel = twilio(&bench).await;
        bench.faults(json!({ "twilio_hang_after_accept": 1 })).await;
        let slow = bench.enqueue(&bench.sms_to(&channel, "+15550110199", "slow")).await;
        let running = bench.start("one");
        until("it has arrived", async || bench.sms_texts().await == ["slow"]).await;
        let quick = bench.enqueue(&bench.sms_to(&channel, "+15550110198", "quick")).await;
        bench.until_state(quick, OutboxState::Accepted).await;
        assert_eq!(bench.state(slow).await, OutboxState::Submitting, "{}", bench.test.engine);
        let sid = sid_of(&bench, "slow").await;
        callback(&bench, &channel, &format!("MessageSid={sid}&MessageStatus=delivered"), Some(slow)).await;
        assert_eq!(bench.state(slow).await, OutboxState::Delivered);
        drop(running);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_final_in_words_and_an_opt_out_is_put_into_the_inbox() {
    for bench in benches().await {
        let channel = twilio(&bench).await;
        let running = bench.start("one");
        for (code, class) in [
            (21_211, "invalid_recipient"),
            (21_614, "invalid_recipient"),
            (21_606, "sender_not_registered"),
            (21_617, "content_invalid"),
            (99_999, "unknown"),
            (21_610, "opted_out"),
        ] {
            bench.faults(json!({ "twilio_error": { "code": code, "times": 1 } })).await;
            let id = bench.enqueue(&bench.sms_to(&channel, "+15550110199", "refused")).await;
            bench.until_state(id, OutboxState::Failed).await;
            assert_eq!(bench.failure(id).await, (Some(class.to_owned()), Some(code.to_string())));
        }
        assert!(bench.sms_texts().await.is_empty(), "{}", bench.test.engine);
        assert_eq!(bench.inbox_payloads("twilio").await.len(), 1, "only the opt-out is for the ledger");
        assert_eq!(bench.inbox_payloads("twilio").await[0]["error_code"], 21_610);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_use_up_no_attempt_and_are_shown() {
    for bench in benches().await {
        let channel = twilio(&bench).await;
        let ChannelConfig::Twilio(config) = &channel.config else { panic!("it is one") };
        let wrong = TwilioConfig { auth_token: "wrong".to_owned(), ..config.clone() };
        let wrong = Channel { config: ChannelConfig::Twilio(wrong), ..channel.clone() };
        let row = wrong.clone();
        bench.write(move |tx| tx.upsert_channel(&row)).await;
        let id = bench.enqueue(&bench.sms_to(&channel, "+15550110199", "waits")).await;
        let running = bench.start("one");
        let (workspace_id, channel_id) = (channel.workspace_id, channel.id);
        until("the state says so", async || {
            let stored = bench.write(move |tx| tx.channel(workspace_id, channel_id)).await.unwrap();
            stored.state == ChannelState::Error
        })
        .await;
        until("it is back in the queue", async || bench.state(id).await == OutboxState::Queued).await;
        assert!(!check_channel(&wrong).await.unwrap().ok);
        running.shutdown().await;
    }
}

/// Whatever happens to the answer, the message is sent once, and nobody is left in doubt.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_sends_repeats_once_leaves_nothing_in_doubt() {
    for bench in benches().await {
        let channel = twilio_with(&bench, Repeats::SentOnce).await;
        bench.faults(json!({ "twilio_error_after_accept": 1, "twilio_honours_key": true })).await;
        let id = bench.enqueue(&bench.sms_to(&channel, "+15550110199", "Once")).await;
        let running = bench.start("one");
        until("it waits for its repeat", async || bench.failure(id).await.0.is_some()).await;
        assert_eq!(bench.state(id).await, OutboxState::Queued, "{}", bench.test.engine);
        bench.test.clock.advance(5_000);
        bench.until_state(id, OutboxState::Accepted).await;
        assert_eq!(bench.sms_texts().await, ["Once"], "{}", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn repeats_end_and_what_is_still_in_doubt_then_is_unknown() {
    for bench in benches().await {
        let channel = twilio_with(&bench, Repeats::SentOnce).await;
        bench.faults(json!({ "twilio_server_error": 1_000_000, "twilio_honours_key": true })).await;
        let id = bench.enqueue(&bench.sms_to(&channel, "+15550110199", "Perhaps")).await;
        let running = bench.start("one");
        let clock = &bench.test.clock;
        until("the repeats end", async || {
            clock.advance(10_000);
            bench.state(id).await == OutboxState::Unknown
        })
        .await;
        assert_eq!(bench.failure(id).await.0.as_deref(), Some("unknown"), "{}", bench.test.engine);
        // Whatever time goes by, it is not tried again.
        bench.faults(json!({ "twilio_honours_key": true })).await;
        clock.advance(3_600_000);
        let after = bench.enqueue(&bench.sms_to(&channel, "+15550110198", "After")).await;
        bench.until_state(after, OutboxState::Accepted).await;
        assert_eq!(bench.state(id).await, OutboxState::Unknown, "{}", bench.test.engine);
        assert_eq!(bench.sms_texts().await, ["After"], "{}", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_the_pace_can_still_be_stopped() {
    for bench in benches().await {
        let slow = TwilioConfig { segments_per_second: 1, ..config(&bench, Repeats::SentAgain) };
        let channel = bench.test.channel("http", ChannelConfig::Twilio(slow)).await;
        bench.test.sender(channel.id, SENDER).await;
        let long = "x".repeat(5 * 153);
        let first = bench.enqueue(&bench.sms_to(&channel, "+15550110199", &long)).await;
        let second = bench.enqueue(&bench.sms_to(&channel, "+15550110198", "second")).await;
        let running = bench.start("one");
        bench.until_state(first, OutboxState::Accepted).await;
        // It is looked at when its turn comes, seconds later: what is said until then counts.
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        assert!(
            matches!(bench.state(second).await, OutboxState::Queued | OutboxState::Claimed),
            "{}: nothing is on record before its turn",
            bench.test.engine
        );
        let workspace_id = channel.workspace_id;
        bench.write(move |tx| tx.execute(&CANCEL, &[&workspace_id, &second])).await;
        let third = bench.enqueue(&bench.sms_to(&channel, "+15550110197", "third")).await;
        bench.until_state(third, OutboxState::Accepted).await;
        assert_eq!(bench.state(second).await, OutboxState::Canceled, "{}", bench.test.engine);
        assert_eq!(bench.sms_texts().await, [long, "third".to_owned()], "{}", bench.test.engine);
        running.shutdown().await;
    }
}

static CANCEL: Sql = Sql::portable(
    "CANCEL",
    "UPDATE outbox SET state = 'canceled' WHERE workspace_id = $1 AND id = $2 AND state IN ('queued', 'claimed')",
);

#[tokio::test(flavor = "multi_thread")]
async fn several_nodes_keep_one_pace() {
    for bench in benches().await {
        let slow = TwilioConfig { segments_per_second: 2, ..config(&bench, Repeats::SentAgain) };
        let channel = bench.test.channel("http", ChannelConfig::Twilio(slow)).await;
        bench.test.sender(channel.id, SENDER).await;
        let mut ids = Vec::new();
        for number in 100..108 {
            ids.push(bench.enqueue(&bench.sms_to(&channel, &format!("+15550110{number}"), "Hello")).await);
        }
        let began = tokio::time::Instant::now();
        let nodes = [bench.start("one"), bench.start("two")];
        for id in ids {
            bench.until_state(id, OutboxState::Accepted).await;
        }
        // Eight at two a second, of which one may leave at once.
        assert!(began.elapsed() > Duration::from_secs(3), "{}: {:?}", bench.test.engine, began.elapsed());
        for node in nodes {
            node.shutdown().await;
        }
    }
}

/// A provider that answers everything with an active account until it is dropped.
fn provider(listener: tokio::net::TcpListener) -> tokio::task::JoinHandle<()> {
    answering(listener, "201 Created", r#"{"status":"active","friendly_name":"A","sid":"SM1"}"#)
}

/// A server that answers everything with this until it is dropped.
fn answering(
    listener: tokio::net::TcpListener,
    status: &'static str,
    body: &'static str,
) -> tokio::task::JoinHandle<()> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    tokio::spawn(async move {
        let answer = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = [0; 8192];
            let _ = stream.read(&mut asked).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_goes_and_comes_back_is_known_soon() {
    for bench in benches().await {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let up = provider(listener);
        let config = TwilioConfig { base_url: format!("http://{address}"), ..config(&bench, Repeats::SentAgain) };
        let channel = bench.test.channel("http", ChannelConfig::Twilio(config)).await;
        bench.test.sender(channel.id, SENDER).await;
        let running = bench.start("one");
        let (workspace_id, id) = (channel.workspace_id, channel.id);
        let state = async || bench.write(move |tx| tx.channel(workspace_id, id)).await.unwrap().state;
        until("it is connected", async || state().await == ChannelState::Connected).await;
        up.abort();
        let _ = up.await;
        let message = bench.enqueue(&bench.sms_to(&channel, "+15550110199", "Hello")).await;
        until("it is known to be down", async || state().await == ChannelState::Disconnected).await;
        let up = provider(tokio::net::TcpListener::bind(address).await.unwrap());
        // The looks go by the machine's clock; what waits is tried by the test's.
        for _ in 0..40 {
            bench.test.clock.advance(1_000);
            tokio::time::sleep(Duration::from_millis(500)).await;
            if state().await == ChannelState::Connected {
                break;
            }
        }
        assert_eq!(state().await, ChannelState::Connected, "{}: known within seconds", bench.test.engine);
        bench.test.clock.advance(1_000);
        bench.until_state(message, OutboxState::Accepted).await;
        running.shutdown().await;
        up.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_at_the_path_of_the_provider_fails_no_message() {
    for bench in benches().await {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/wrong", listener.local_addr().unwrap());
        let page = answering(listener, "404 Not Found", "<html>Nothing here.</html>");
        let config = TwilioConfig { base_url, ..config(&bench, Repeats::SentAgain) };
        let channel = bench.test.channel("http", ChannelConfig::Twilio(config)).await;
        bench.test.sender(channel.id, SENDER).await;
        let id = bench.enqueue(&bench.sms_to(&channel, "+15550110199", "Hello")).await;
        let running = bench.start("one");
        until("it was refused", async || bench.failure(id).await.0.is_some()).await;
        assert_eq!(bench.state(id).await, OutboxState::Queued, "{}", bench.test.engine);
        assert_eq!(bench.failure(id).await, (Some("provider_down".to_owned()), None), "{}", bench.test.engine);
        let (workspace_id, channel_id) = (channel.workspace_id, channel.id);
        until("the channel says so", async || {
            let stored = bench.write(move |tx| tx.channel(workspace_id, channel_id)).await.unwrap();
            stored.state == ChannelState::Error
        })
        .await;
        running.shutdown().await;
        page.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_that_reach_no_carrier_use_up_no_room_of_the_day() {
    for bench in benches().await {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let config = TwilioConfig { base_url: format!("http://{address}"), ..config(&bench, Repeats::SentAgain) };
        let channel = bench.test.channel("http", ChannelConfig::Twilio(config)).await;
        let sender = bench.test.sender_of_kind(channel.id, SenderKind::TenDlc, TEN_DLC).await;
        let registered = bench.test.approve(sender.id, &[RegistrationKind::Brand, RegistrationKind::Campaign]).await;
        let (workspace_id, brand) = (bench.test.workspace_id(), registered[0]);
        let day = Rates { per_minute: None, per_day: Some(5) };
        bench.write(move |tx| tx.set_rates(workspace_id, brand, day)).await;
        let mut ids = Vec::new();
        for number in 100..105 {
            let to = format!("+1212555{number:04}");
            bench.test.set_consent(Medium::Sms, &to, Purpose::Marketing, ConsentState::Granted).await;
            let payload = Payload::of(&SmsContent::of_text(TEN_DLC.to_owned(), "Sale".to_owned())).unwrap();
            let new = NewOutbox { class: MessageClass::Marketing, payload, ..bench.sms_to(&channel, &to, "Sale") };
            ids.push(bench.enqueue(&new).await);
        }
        let running = bench.start("one");
        let state = async || bench.write(move |tx| tx.channel(workspace_id, channel.id)).await.unwrap().state;
        // The provider refuses connections: every message is tried, most of them again and again.
        for id in &ids {
            until("it was tried", async || bench.failure(*id).await.0.is_some()).await;
        }
        for _ in 0..20 {
            bench.test.clock.advance(1_000);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(state().await, ChannelState::Disconnected, "{}", bench.test.engine);
        let up = provider(tokio::net::TcpListener::bind(address).await.unwrap());
        until("all have left on the same day", async || {
            bench.test.clock.advance(100);
            let mut left = true;
            for id in &ids {
                assert_ne!(bench.rule(*id).await.as_deref(), Some("rate_limit"), "{}", bench.test.engine);
                left &= bench.state(*id).await == OutboxState::Accepted;
            }
            left
        })
        .await;
        running.shutdown().await;
        up.abort();
    }
}
