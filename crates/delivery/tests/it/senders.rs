//! Where a sender may send, asked again in the moment of sending.

use segue_delivery::Begin;
use segue_model::{
    MessageId,
    consent::{ConsentState, Medium, Purpose},
    content::SmsContent,
    delivery::{MessageClass, OutboxState},
    registration::{Rates, RegistrationKind, RegistrationState},
    sender::{SenderAlphabet, SenderKind},
};
use segue_store::{
    Sql,
    channel::{Channel, ChannelConfig, SmsAlphabet},
    outbox::{Claim, NewOutbox, Payload},
    registration::RegistrationStep,
};

use crate::bench::{Bench, benches};

static PAYLOAD: Sql = Sql::portable("PAYLOAD", "SELECT payload FROM outbox WHERE workspace_id = $1 AND id = $2");

const NEW_YORK: &str = "+12125550199";
const MUNICH: &str = "+498912345678";
const TEN_DLC: &str = "+13055550100";

async fn attempt(bench: &Bench, channel: &Channel, source: &str, to: &str, class: MessageClass) -> (Begin, MessageId) {
    attempt_text(bench, channel, (source, "Sale"), to, class).await
}

async fn attempt_text(
    bench: &Bench,
    channel: &Channel,
    (source, text): (&str, &str),
    to: &str,
    class: MessageClass,
) -> (Begin, MessageId) {
    bench.test.set_consent(Medium::Sms, to, Purpose::Marketing, ConsentState::Granted).await;
    let content = SmsContent::of_text(source.to_owned(), text.to_owned());
    let payload = Payload::of(&content).expect("it has a JSON form");
    let message = NewOutbox { class, payload, ..bench.sms_to(channel, to, "Sale") };
    let id = bench.enqueue(&message).await;
    let (workspace_id, channel_id, now) = (bench.test.workspace_id(), channel.id, bench.test.now());
    let claim = bench.write(move |tx| {
        let claim = Claim { owner: "test", limit: 9, lease_until: now.plus(60_000), now };
        tx.claim_outbox(workspace_id, channel_id, &claim)
    });
    let message = claim.await.into_iter().find(|message| message.id == id).expect("it is due");
    let (ctx, channel) = (bench.test.ctx.clone(), channel.clone());
    let begun =
        bench.write(move |tx| segue_delivery::begin(tx, &ctx, &channel, &message, ctx.now().plus(60_000))).await;
    (begun, id)
}

async fn words(bench: &Bench, id: MessageId) -> String {
    let workspace_id = bench.test.workspace_id();
    let decision = bench.write(move |tx| tx.decision(workspace_id, id)).await.expect("it was explained");
    decision.explanation.words(decision.rule)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unregistered_us_number_is_refused_with_the_reason_until_brand_and_campaign_are_approved() {
    for bench in benches().await {
        let channel = bench.sms().await;
        let sender = bench.test.sender_of_kind(channel.id, SenderKind::TenDlc, TEN_DLC).await;
        for class in [MessageClass::Marketing, MessageClass::Service, MessageClass::Keyword] {
            let (begun, id) = attempt(&bench, &channel, TEN_DLC, NEW_YORK, class).await;
            assert_eq!(begun, Begin::No, "{} {class}", bench.test.engine);
            assert_eq!(bench.state(id).await, OutboxState::Suppressed);
            assert_eq!(bench.rule(id).await.as_deref(), Some("registration_missing"));
            assert!(words(&bench, id).await.contains("The brand registration is missing"), "{}", bench.test.engine);
        }
        let (begun, _) = attempt(&bench, &channel, TEN_DLC, MUNICH, MessageClass::Service).await;
        assert_eq!(begun, Begin::Go, "Germany asks for none of it: {}", bench.test.engine);

        let registered = bench.test.approve(sender.id, &[RegistrationKind::Brand, RegistrationKind::Campaign]).await;
        let (begun, _) = attempt(&bench, &channel, TEN_DLC, NEW_YORK, MessageClass::Marketing).await;
        assert_eq!(begun, Begin::Go, "{}", bench.test.engine);

        // An approval that is withdrawn stops what waits.
        let (workspace_id, ctx, campaign) = (bench.test.workspace_id(), bench.test.ctx.clone(), registered[1]);
        let withdrawn = RegistrationStep {
            from: RegistrationState::Approved,
            to: RegistrationState::Rejected,
            note: Some("Opt-in flow not shown".to_owned()),
            expires_at: None,
            actor: "test".to_owned(),
        };
        bench.write(move |tx| tx.step_registration(workspace_id, campaign, &withdrawn, &ctx)).await;
        let (begun, id) = attempt(&bench, &channel, TEN_DLC, NEW_YORK, MessageClass::Marketing).await;
        assert_eq!(begun, Begin::No, "{}", bench.test.engine);
        assert!(words(&bench, id).await.contains("is rejected"), "{}", bench.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_reaches_germany_and_not_the_united_states() {
    for bench in benches().await {
        let channel = bench.sms().await;
        bench.test.sender_of_kind(channel.id, SenderKind::Alphanumeric, "ACME").await;
        let (begun, _) = attempt(&bench, &channel, "ACME", MUNICH, MessageClass::Service).await;
        assert_eq!(begun, Begin::Go, "{}", bench.test.engine);
        let (begun, id) = attempt(&bench, &channel, "ACME", NEW_YORK, MessageClass::Service).await;
        assert_eq!(begun, Begin::No, "{}", bench.test.engine);
        assert_eq!(bench.rule(id).await.as_deref(), Some("sender_not_allowed"));
        assert!(words(&bench, id).await.contains("no names as senders"), "{}", bench.test.engine);
    }
}

/// Attempts messages of one segment and gives how many leave now.
async fn leave(bench: &Bench, channel: &Channel, source: &str, count: u32, class: MessageClass) -> u32 {
    let mut left = 0;
    for number in 0..count {
        let to = format!("+1212555{:04}", 100 + number);
        left += u32::from(attempt(bench, channel, source, &to, class).await.0 == Begin::Go);
    }
    left
}

#[tokio::test(flavor = "multi_thread")]
async fn the_numbers_of_a_campaign_share_its_minute_and_those_of_a_brand_its_day() {
    for bench in benches().await {
        let engine = bench.test.engine;
        let channel = bench.sms().await;
        let one = bench.test.sender_of_kind(channel.id, SenderKind::TenDlc, TEN_DLC).await;
        let two = bench.test.sender_of_kind(channel.id, SenderKind::TenDlc, "+13055550101").await;
        let registered = bench.test.approve(one.id, &[RegistrationKind::Brand, RegistrationKind::Campaign]).await;
        let (workspace_id, all) = (bench.test.workspace_id(), registered.clone());
        let (minute, day) =
            (Rates { per_minute: Some(3), per_day: None }, Rates { per_minute: None, per_day: Some(5) });
        bench
            .write(move |tx| {
                tx.link_sender(workspace_id, two.id, &all)?;
                tx.set_rates(workspace_id, all[0], day)?;
                tx.set_rates(workspace_id, all[1], minute)
            })
            .await;
        bench.test.clock.advance(60_000 - bench.test.now().0.rem_euclid(60_000));
        assert_eq!(leave(&bench, &channel, TEN_DLC, 2, MessageClass::Marketing).await, 2, "{engine}");
        assert_eq!(
            leave(&bench, &channel, "+13055550101", 2, MessageClass::Marketing).await,
            1,
            "one minute: {engine}"
        );
        let (begun, id) = attempt(&bench, &channel, TEN_DLC, NEW_YORK, MessageClass::Marketing).await;
        assert_eq!((begun, bench.state(id).await), (Begin::No, OutboxState::Queued), "it waits: {engine}");
        assert_eq!(bench.rule(id).await.as_deref(), Some("rate_limit"));
        assert!(words(&bench, id).await.contains("3 segments a minute"), "{}", words(&bench, id).await);
        let (begun, _) = attempt(&bench, &channel, TEN_DLC, NEW_YORK, MessageClass::Service).await;
        assert_eq!(begun, Begin::Go, "a code never waits: {engine}");

        // Four of the brand's five have left; the next minute has room for one.
        bench.test.clock.advance(60_000);
        assert_eq!(leave(&bench, &channel, TEN_DLC, 3, MessageClass::Marketing).await, 1, "one day: {engine}");
        bench.test.clock.advance(24 * 3_600_000);
        assert_eq!(leave(&bench, &channel, TEN_DLC, 2, MessageClass::Marketing).await, 2, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_has_a_limit_of_its_own_in_a_second() {
    for bench in benches().await {
        let channel = bench.sms().await;
        let sender = bench.test.sender(channel.id, "+15550102").await;
        let workspace_id = bench.test.workspace_id();
        bench.write(move |tx| tx.set_sender_rate(workspace_id, sender.id, Some(2))).await;
        assert_eq!(leave(&bench, &channel, "+15550102", 3, MessageClass::Marketing).await, 2, "{}", bench.test.engine);
        assert_eq!(
            leave(&bench, &channel, crate::bench::SENDER, 3, MessageClass::Marketing).await,
            3,
            "not the others"
        );
        bench.test.clock.advance(1_000);
        assert_eq!(leave(&bench, &channel, "+15550102", 1, MessageClass::Marketing).await, 1, "{}", bench.test.engine);
        bench.write(move |tx| tx.set_sender_rate(workspace_id, sender.id, None)).await;
        assert_eq!(leave(&bench, &channel, "+15550102", 5, MessageClass::Marketing).await, 5, "{}", bench.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_counts_the_segments_that_the_account_sends() {
    for bench in benches().await {
        let mut channel = bench.sms().await;
        let ChannelConfig::Smpp(config) = &mut channel.config else { panic!("an SMPP account") };
        config.alphabet = SmsAlphabet::Ucs2;
        let (workspace_id, set) = (bench.test.workspace_id(), channel.clone());
        bench.write(move |tx| tx.upsert_channel(&set)).await;
        let sender = bench.test.sender(channel.id, "+15550102").await;
        bench.write(move |tx| tx.set_sender_rate(workspace_id, sender.id, Some(3))).await;
        // One segment in the GSM alphabet and two in UCS-2.
        let text = "a".repeat(100);
        for (to, begun) in [("+12125550001", Begin::Go), ("+12125550002", Begin::No)] {
            let class = MessageClass::Marketing;
            let (did, _) = attempt_text(&bench, &channel, ("+15550102", &text), to, class).await;
            assert_eq!(did, begun, "{} {to}", bench.test.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn characters_that_a_sender_does_not_take_never_leave_from_it_but_in_an_answer() {
    for bench in benches().await {
        let channel = bench.sms().await;
        let workspace_id = bench.test.workspace_id();
        let sender = bench.write(move |tx| tx.senders(workspace_id)).await[0].clone();
        let (id, address) = (sender.id, sender.address);
        let plain = SenderAlphabet::GsmRefuse;
        // What waits is asked again: it was written before the sender was set so.
        for (text, alphabet, class, begun) in [
            ("\u{17c}\u{f3}\u{142}ty", SenderAlphabet::Any, MessageClass::Service, Begin::Go),
            ("\u{17c}\u{f3}\u{142}ty", plain, MessageClass::Service, Begin::No),
            ("\u{17c}\u{f3}\u{142}ty", plain, MessageClass::Keyword, Begin::Go),
            ("yellow", plain, MessageClass::Service, Begin::Go),
        ] {
            assert!(bench.write(move |tx| tx.set_sender_alphabet(workspace_id, id, alphabet)).await);
            let (left, message) = attempt_text(&bench, &channel, (&address, text), MUNICH, class).await;
            assert_eq!(left, begun, "{} {text} {class}", bench.test.engine);
            if begun == Begin::No {
                assert_eq!(bench.rule(message).await.as_deref(), Some("sender_not_allowed"));
                let why = words(&bench, message).await;
                assert!(why.contains("only characters of the GSM alphabet"), "{why}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_written_plain_when_its_sender_is_set_to_replace() {
    for bench in benches().await {
        let channel = bench.sms().await;
        let workspace_id = bench.test.workspace_id();
        let sender = bench.write(move |tx| tx.senders(workspace_id)).await[0].clone();
        let (id, address) = (sender.id, sender.address);
        let replace = SenderAlphabet::GsmReplace;
        assert!(bench.write(move |tx| tx.set_sender_alphabet(workspace_id, id, replace)).await);
        let text = "It\u{2019}s on";
        let (left, message) = attempt_text(&bench, &channel, (&address, text), MUNICH, MessageClass::Service).await;
        assert_eq!(left, Begin::Go, "{}", bench.test.engine);
        let kept = bench.write(move |tx| tx.query_one(&PAYLOAD, &[&workspace_id, &message], |row| row.json())).await;
        let kept: SmsContent = kept;
        assert_eq!((kept.text.as_str(), kept.source), ("It's on", address.clone()), "what leaves is on record");
        let odd = "\u{17c}\u{f3}\u{142}ty";
        let (left, _) = attempt_text(&bench, &channel, (&address, odd), MUNICH, MessageClass::Service).await;
        assert_eq!(left, Begin::No, "nothing stands for these: {}", bench.test.engine);

        // The worker that begins many at once.
        bench.faults(serde_json::json!({ "receipts": "none" })).await;
        let waiting = bench.enqueue(&bench.sms_to(&channel, "+15550199", text)).await;
        let running = bench.start("one");
        bench.until_state(waiting, OutboxState::Accepted).await;
        assert!(bench.sms_texts().await.contains(&"It's on".to_owned()), "{}", bench.test.engine);
        running.shutdown().await;
    }
}
