//! Rule books and frequency caps at the last look before bytes leave.

use segue_delivery::Begin;
use segue_model::{
    MessageId, Timestamp,
    consent::{ConsentState, Medium, Purpose},
    delivery::{MessageClass, OutboxState},
    frequency::{AtCap, FrequencyCap, Period},
    policy::{PolicySettings, Rule},
    time,
};
use segue_store::{
    channel::Channel,
    outbox::{Claim, NewOutbox, OutboxMessage},
    submission::{Cost, Failure},
};

use crate::bench::{Bench, benches};

/// New York: federal hours, no cap of the law.
const NEW_YORK: &str = "+12125550199";
/// Florida: until eight in the evening, at most three in 24 hours.
const FLORIDA: &str = "+13055550199";

async fn settings(bench: &Bench, policy: PolicySettings) {
    let workspace_id = bench.test.workspace_id();
    bench
        .write(move |tx| {
            let mut workspace = tx.workspace(workspace_id)?.expect("it exists");
            workspace.settings.policy = policy.clone();
            tx.update_workspace(&workspace)
        })
        .await;
}

async fn agree(bench: &Bench, address: &str) {
    bench.test.set_consent(Medium::Sms, address, Purpose::Marketing, ConsentState::Granted).await;
}

async fn claimed(bench: &Bench, channel: &Channel, address: &str, class: MessageClass) -> OutboxMessage {
    let id = bench.enqueue(&NewOutbox { class, ..bench.sms_to(channel, address, "Sale") }).await;
    let (workspace_id, channel_id, now) = (bench.test.workspace_id(), channel.id, bench.test.now());
    let claim = bench.write(move |tx| {
        let claim = Claim { owner: "test", limit: 9, lease_until: now.plus(60_000), now };
        tx.claim_outbox(workspace_id, channel_id, &claim)
    });
    claim.await.into_iter().find(|message| message.id == id).expect("it is due")
}

async fn begin(bench: &Bench, channel: &Channel, message: &OutboxMessage) -> Begin {
    let (ctx, channel, message) = (bench.test.ctx.clone(), channel.clone(), message.clone());
    bench.write(move |tx| segue_delivery::begin(tx, &ctx, &channel, &message, ctx.now().plus(60_000))).await
}

async fn send(bench: &Bench, channel: &Channel, address: &str) -> (Begin, OutboxMessage) {
    let message = claimed(bench, channel, address, MessageClass::Marketing).await;
    (begin(bench, channel, &message).await, message)
}

/// Rule, law, cap and zone of a message that was held or refused.
async fn why(bench: &Bench, id: MessageId) -> (Rule, Option<String>, Option<String>, Option<String>) {
    let workspace_id = bench.test.workspace_id();
    let decision = bench.write(move |tx| tx.decision(workspace_id, id)).await.expect("it was explained");
    let why = decision.explanation;
    assert_eq!(why.law.is_some(), why.version.is_some());
    (decision.rule, why.law, why.cap, why.zone)
}

const fn daily(messages: u32, at_cap: AtCap) -> PolicySettingsOf {
    PolicySettingsOf { messages, at_cap }
}

struct PolicySettingsOf {
    messages: u32,
    at_cap: AtCap,
}

impl From<PolicySettingsOf> for PolicySettings {
    fn from(PolicySettingsOf { messages, at_cap }: PolicySettingsOf) -> Self {
        let caps = vec![FrequencyCap { messages, period: Period::Day }];
        Self { caps, at_cap, ..Self::default() }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_law_of_the_recipients_state_holds_and_says_so() {
    for bench in benches().await {
        let channel = bench.sms().await;
        agree(&bench, FLORIDA).await;
        agree(&bench, NEW_YORK).await;
        // Noon and eight and a half hours: 20:30, when Florida is closed and New York is not.
        bench.test.clock.advance(8 * time::HOUR + 30 * time::MINUTE);
        let (begun, message) = send(&bench, &channel, FLORIDA).await;
        assert_eq!(begun, Begin::No, "{}", bench.test.engine);
        let (rule, law, cap, zone) = why(&bench, message.id).await;
        assert_eq!((rule, law.as_deref(), cap), (Rule::LegalHours, Some("us.fl"), None));
        assert_eq!(zone.as_deref(), Some("America/New_York"));
        assert_eq!(bench.state(message.id).await, OutboxState::Queued, "it waits");
        assert_eq!(send(&bench, &channel, NEW_YORK).await.0, Begin::Go);
        let service = claimed(&bench, &channel, FLORIDA, MessageClass::Service).await;
        assert_eq!(begin(&bench, &channel, &service).await, Begin::Go, "a service message is exempt");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn floridas_fourth_message_waits_until_the_first_is_a_day_old() {
    for bench in benches().await {
        let channel = bench.sms().await;
        agree(&bench, FLORIDA).await;
        let first = bench.test.now();
        for _ in 0..3 {
            assert_eq!(send(&bench, &channel, FLORIDA).await.0, Begin::Go, "{}", bench.test.engine);
            bench.test.clock.advance(time::MINUTE);
        }
        let (begun, message) = send(&bench, &channel, FLORIDA).await;
        assert_eq!(begun, Begin::No, "{}", bench.test.engine);
        let (rule, law, cap, _) = why(&bench, message.id).await;
        assert_eq!((rule, law.as_deref()), (Rule::LegalFrequency, Some("us.fl")));
        assert_eq!(cap.as_deref(), Some("3 in 24 hours"));
        assert_eq!(due(&bench, &channel, first.plus(time::DAY - 1)).await, 0);
        assert_eq!(due(&bench, &channel, first.plus(time::DAY)).await, 1, "{}", bench.test.engine);
    }
}

/// How many messages can be claimed at a moment.
async fn due(bench: &Bench, channel: &Channel, at: Timestamp) -> usize {
    let (workspace_id, channel_id) = (bench.test.workspace_id(), channel.id);
    let claim = bench.write(move |tx| {
        let claim = Claim { owner: "test", limit: 9, lease_until: at.plus(60_000), now: at };
        tx.claim_outbox(workspace_id, channel_id, &claim)
    });
    claim.await.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_counts_over_all_channels_and_only_what_left() {
    for bench in benches().await {
        let channel = bench.sms().await;
        agree(&bench, NEW_YORK).await;
        settings(&bench, daily(1, AtCap::Suppress).into()).await;
        let (begun, first) = send(&bench, &channel, NEW_YORK).await;
        assert_eq!(begun, Begin::Go, "{}", bench.test.engine);
        // Refused by the carrier: it never reached the person, so the next one may.
        let failure =
            Failure { class: "invalid_recipient".to_owned(), code: None, reason: "No such number.".to_owned() };
        let (message, now, copy) = (first.clone(), bench.test.now(), failure.clone());
        assert!(bench.write(move |tx| tx.mark_failed(&message, &copy, now)).await);
        let (begun, second) = send(&bench, &channel, NEW_YORK).await;
        assert_eq!(begun, Begin::Go, "{}", bench.test.engine);
        // Asked to slow down, and sent again: it does not stand in its own way.
        let (message, copy) = (second.clone(), failure.clone());
        assert!(bench.write(move |tx| tx.requeue_message(&message, now, Cost::Free, &copy, now)).await);
        let (workspace_id, channel_id) = (bench.test.workspace_id(), channel.id);
        let again = bench.write(move |tx| {
            let claim = Claim { owner: "test", limit: 9, lease_until: now.plus(60_000), now };
            tx.claim_outbox(workspace_id, channel_id, &claim)
        });
        let again = again.await.into_iter().find(|message| message.id == second.id).expect("it is due again");
        assert_eq!(begin(&bench, &channel, &again).await, Begin::Go);
        let (begun, third) = send(&bench, &channel, NEW_YORK).await;
        assert_eq!(begun, Begin::No, "{}", bench.test.engine);
        assert_eq!(bench.state(third.id).await, OutboxState::Suppressed, "this workspace wants it so");
        assert_eq!(why(&bench, third.id).await.0, Rule::FrequencyCap);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_messages_at_once_never_take_the_same_place_under_a_cap() {
    for bench in benches().await {
        let channel = bench.sms().await;
        settings(&bench, daily(1, AtCap::Hold).into()).await;
        for round in 0..25 {
            let address = format!("+1212555{round:04}");
            agree(&bench, &address).await;
            let mut messages = Vec::new();
            for _ in 0..4 {
                messages.push(claimed(&bench, &channel, &address, MessageClass::Marketing).await);
            }
            let begun =
                futures::future::join_all(messages.iter().map(|message| begin(&bench, &channel, message))).await;
            let left = begun.iter().filter(|begun| matches!(begun, Begin::Go)).count();
            assert_eq!(left, 1, "{} round {round}", bench.test.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_counted_where_no_cap_applies() {
    for bench in benches().await {
        let channel = bench.sms().await;
        agree(&bench, NEW_YORK).await;
        assert_eq!(send(&bench, &channel, NEW_YORK).await.0, Begin::Go);
        let workspace_id = bench.test.workspace_id();
        let counted = bench.write(move |tx| tx.marketing_sends(workspace_id, NEW_YORK, Timestamp(0), None, 9)).await;
        assert!(counted.is_empty(), "{}: no row is written without need", bench.test.engine);
    }
}
