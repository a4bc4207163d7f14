//! What a campaign asks of the policy, at the last look before bytes leave: its pace after a pause, its caps, its quiet
//! hours, and the hours of its sender.

use std::collections::BTreeMap;

use segue_delivery::Begin;
use segue_model::{
    CampaignId, MessageId, ProgrammeId, SenderId, Timestamp,
    campaign::{CampaignState, Footer},
    consent::{ConsentAction, ConsentMethod, ConsentState, Medium, Purpose, Scope},
    content::SmsContent,
    delivery::{MessageClass, OutboxState},
    frequency::{AtCap, FrequencyCap, Period},
    policy::{AtQuietHours, QuietHours},
    programme::{Covers, ProgrammeOptIn, ProgrammeSettings},
    registration::{RegistrationKind, RegistrationState},
    schedule::Schedule,
    sender::SenderKind,
    sender_hours::SenderHours,
    series::{CampaignRules, LabelCap},
    time,
};
use segue_store::{
    Sql,
    campaign::{Audience, CampaignInput},
    channel::{Channel, ChannelConfig, Registration, Repeats, SmppConfig, TwilioConfig},
    consent::{ConsentExtent, NewConsentEvent},
    outbox::{Claim, NewOutbox, Payload},
    programme::ProgrammeView,
    registration::RegistrationStep,
};

use crate::bench::{Bench, SENDER, benches, until};

static RUN: Sql =
    Sql::portable("RUN", "UPDATE campaigns SET state = 'running', planned_all = 1 WHERE workspace_id = $1 AND id = $2");

/// New York, where it is noon.
fn phone(number: usize) -> String {
    format!("+1212555{number:04}")
}

async fn sender_of(bench: &Bench) -> SenderId {
    let workspace_id = bench.test.workspace_id();
    bench.write(move |tx| tx.senders(workspace_id)).await[0].id
}

static STARTED: Sql =
    Sql::portable("STARTED", "UPDATE campaigns SET started_at = $3 WHERE workspace_id = $1 AND id = $2");

/// A running campaign without messages.
async fn campaign(bench: &Bench, schedule: Schedule, rules: CampaignRules) -> CampaignId {
    let (workspace_id, id, now) = (bench.test.workspace_id(), bench.test.ctx.id::<CampaignId>(), bench.test.now());
    let input = CampaignInput {
        media: Vec::new(),
        name: "Spring".to_owned(),
        sender_id: Some(sender_of(bench).await),
        audience: Audience::default(),
        body: "Sale".to_owned(),
        footer: Footer::None,
        whatsapp_channel_id: None,
        prefilled_text: String::new(),
        schedule,
        variants: Vec::new(),
        held_out_percent: 0,
        pool_id: None,
        texts: Vec::new(),
        template: None,
        rules,
    };
    bench
        .write(move |tx| {
            tx.insert_campaign(workspace_id, id, &input, None, now)?;
            tx.execute(&RUN, &[&workspace_id, &id])
        })
        .await;
    id
}

async fn text(bench: &Bench, channel: &Channel, id: CampaignId, number: usize, not_before: Timestamp) -> MessageId {
    let address = phone(number);
    bench.test.set_consent(Medium::Sms, &address, Purpose::Marketing, ConsentState::Granted).await;
    let message = NewOutbox {
        class: MessageClass::Marketing,
        campaign: Some((id, u32::try_from(number + 1).unwrap())),
        not_before,
        ..bench.sms_to(channel, &address, "Sale")
    };
    bench.enqueue(&message).await
}

/// Decides about all that is due; gives what may leave.
async fn turn(bench: &Bench, channel: &Channel) -> Vec<MessageId> {
    let (workspace_id, channel_id, now) = (bench.test.workspace_id(), channel.id, bench.test.now());
    let claim = move |tx: &mut segue_store::Tx<'_>| {
        let claim = Claim { owner: "test", limit: 500, lease_until: now.plus(60_000), now };
        tx.claim_outbox(workspace_id, channel_id, &claim)
    };
    let mut left = Vec::new();
    for message in bench.write(claim).await {
        let (ctx, channel, id) = (bench.test.ctx.clone(), channel.clone(), message.id);
        let begun =
            bench.write(move |tx| segue_delivery::begin(tx, &ctx, &channel, &message, ctx.now().plus(60_000))).await;
        if begun == Begin::Go {
            left.push(id);
        }
    }
    left
}

async fn move_to(bench: &Bench, id: CampaignId, from: CampaignState, to: CampaignState) {
    let (workspace_id, now) = (bench.test.workspace_id(), bench.test.now());
    assert!(bench.write(move |tx| tx.move_campaign(workspace_id, id, from, to, now)).await);
}

async fn set_sender(bench: &Bench, id: SenderId, registration: Registration) {
    let workspace_id = bench.test.workspace_id();
    assert!(bench.write(move |tx| tx.set_sender(workspace_id, id, registration, &[])).await);
}

async fn hold_of(bench: &Bench, id: CampaignId) -> Option<(String, Option<Timestamp>)> {
    let workspace_id = bench.test.workspace_id();
    bench.write(move |tx| tx.campaign_hold(workspace_id, id)).await.map(|held| (held.rule, held.until))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_is_switched_off_holds_its_campaign_until_it_is_on_again() {
    for bench in benches().await {
        let (channel, engine) = (bench.sms().await, bench.test.engine);
        let (sender, now) = (sender_of(&bench).await, bench.test.now());
        let id = campaign(&bench, Schedule::default(), CampaignRules::default()).await;
        let messages = [text(&bench, &channel, id, 100, now).await, text(&bench, &channel, id, 101, now).await];
        let own = bench.enqueue(&bench.sms_to(&channel, &phone(102), "Your code")).await;
        set_sender(&bench, sender, Registration::Pending).await;
        assert_eq!(turn(&bench, &channel).await, [], "{engine}");
        for message in messages {
            assert_eq!(bench.state(message).await, OutboxState::Queued, "{engine}");
        }
        assert_eq!(bench.state(own).await, OutboxState::Suppressed, "what is no campaign's: {engine}");
        let again = now.plus(5 * time::MINUTE);
        assert_eq!(hold_of(&bench, id).await, Some(("sender_not_active".to_owned(), Some(again))), "{engine}");
        // It stays held, however often it is tried.
        bench.test.clock.advance(6 * time::MINUTE);
        assert_eq!(turn(&bench, &channel).await, [], "{engine}");
        assert!(hold_of(&bench, id).await.is_some(), "{engine}");
        set_sender(&bench, sender, Registration::Active).await;
        bench.test.clock.advance(6 * time::MINUTE);
        assert_eq!(turn(&bench, &channel).await, messages, "{engine}");
        assert_eq!(hold_of(&bench, id).await, None, "{engine}");
        // Who sets it to active need not wait for the next try.
        let late = text(&bench, &channel, id, 103, bench.test.now()).await;
        set_sender(&bench, sender, Registration::Pending).await;
        assert_eq!(turn(&bench, &channel).await, [], "{engine}");
        set_sender(&bench, sender, Registration::Active).await;
        let (workspace_id, now) = (bench.test.workspace_id(), bench.test.now());
        bench.write(move |tx| tx.release_for_sender(workspace_id, sender, now)).await;
        assert_eq!(turn(&bench, &channel).await, [late], "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_campaign_has_planned_waits_for_a_registration_that_was_withdrawn() {
    const TEN_DLC: &str = "+13055550100";
    for bench in benches().await {
        let (channel, engine) = (bench.sms().await, bench.test.engine);
        let sender = bench.test.sender_of_kind(channel.id, SenderKind::TenDlc, TEN_DLC).await;
        let registered = bench.test.approve(sender.id, &[RegistrationKind::Brand, RegistrationKind::Campaign]).await;
        let id = campaign(&bench, Schedule::default(), CampaignRules::default()).await;
        bench.test.set_consent(Medium::Sms, &phone(100), Purpose::Marketing, ConsentState::Granted).await;
        let content = SmsContent::of_text(TEN_DLC.to_owned(), "Sale".to_owned());
        let message = bench
            .enqueue(&NewOutbox {
                class: MessageClass::Marketing,
                campaign: Some((id, 1)),
                payload: Payload::of(&content).expect("it has a JSON form"),
                ..bench.sms_to(&channel, &phone(100), "Sale")
            })
            .await;
        let step = async |from: RegistrationState, to: RegistrationState| {
            let (workspace_id, ctx, registration) = (bench.test.workspace_id(), bench.test.ctx.clone(), registered[1]);
            let step = RegistrationStep { from, to, note: None, expires_at: None, actor: "test".to_owned() };
            assert!(bench.write(move |tx| tx.step_registration(workspace_id, registration, &step, &ctx)).await);
        };
        step(RegistrationState::Approved, RegistrationState::Rejected).await;
        assert_eq!(turn(&bench, &channel).await, [], "{engine}");
        assert_eq!(bench.state(message).await, OutboxState::Queued, "{engine}");
        assert_eq!(bench.rule(message).await.as_deref(), Some("registration_missing"), "{engine}");
        assert_eq!(hold_of(&bench, id).await, None, "the other countries go on: {engine}");
        step(RegistrationState::Rejected, RegistrationState::Approved).await;
        bench.test.clock.advance(31 * time::MINUTE);
        assert_eq!(turn(&bench, &channel).await, [message], "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_waits_for_its_sender_for_more_than_three_days() {
    const TEN_DLC: &str = "+13055550100";
    for bench in benches().await {
        let (channel, engine) = (bench.sms().await, bench.test.engine);
        // Without a registration.
        bench.test.sender_of_kind(channel.id, SenderKind::TenDlc, TEN_DLC).await;
        let id = campaign(&bench, Schedule::default(), CampaignRules::default()).await;
        let (workspace_id, now) = (bench.test.workspace_id(), bench.test.now());
        bench.write(move |tx| tx.execute(&STARTED, &[&workspace_id, &id, &now])).await;
        bench.test.set_consent(Medium::Sms, &phone(100), Purpose::Marketing, ConsentState::Granted).await;
        let content = SmsContent::of_text(TEN_DLC.to_owned(), "Sale".to_owned());
        let message = bench
            .enqueue(&NewOutbox {
                class: MessageClass::Marketing,
                campaign: Some((id, 1)),
                payload: Payload::of(&content).expect("it has a JSON form"),
                ..bench.sms_to(&channel, &phone(100), "Sale")
            })
            .await;
        assert_eq!(turn(&bench, &channel).await, [], "{engine}");
        assert_eq!(bench.state(message).await, OutboxState::Queued, "{engine}");
        bench.test.clock.advance(4 * time::DAY);
        assert_eq!(turn(&bench, &channel).await, [], "{engine}");
        assert_eq!(bench.state(message).await, OutboxState::Suppressed, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_slow_account_a_newer_campaign_does_not_wait_for_the_end_of_an_older_one() {
    for bench in benches().await {
        let config = SmppConfig {
            segments_per_second: 1_000,
            window: 1,
            ..SmppConfig::new("127.0.0.1", bench.sandbox.smpp_addr.port(), "segue", "sandbox")
        };
        let channel = bench.test.channel("narrow", ChannelConfig::Smpp(config)).await;
        bench.test.sender(channel.id, SENDER).await;
        bench.faults(serde_json::json!({ "receipts": "none" })).await;
        let now = bench.test.now();
        let older = campaign(&bench, Schedule::default(), CampaignRules::default()).await;
        let newer = campaign(&bench, Schedule::default(), CampaignRules::default()).await;
        let mut of_newer = Vec::new();
        for number in 0..6 {
            text(&bench, &channel, older, number, now).await;
            text(&bench, &channel, newer, 10 + number, now).await;
            of_newer.push(phone(10 + number));
        }
        let running = bench.start("one");
        until("all have left", async || bench.sandbox.counters().sms_accepted >= 12).await;
        running.shutdown().await;
        let accepted = bench.ledger("sms_accepted").await;
        let to = |entry: &serde_json::Value| format!("+{}", entry["to"].as_str().unwrap().trim_start_matches('+'));
        let early = accepted.iter().take(6).filter(|entry| of_newer.contains(&to(entry))).count();
        assert!((2..=4).contains(&early), "{}: {early} of the newer one among the first six", bench.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_passes_the_texts_of_a_campaign_that_were_claimed_before_it() {
    for bench in benches().await {
        let config = TwilioConfig { segments_per_second: 3, ..crate::twilio::config(&bench, Repeats::SentAgain) };
        let channel = bench.test.channel("http", ChannelConfig::Twilio(config)).await;
        bench.test.sender(channel.id, SENDER).await;
        let id = campaign(&bench, Schedule::default(), CampaignRules::default()).await;
        for number in 0..12 {
            text(&bench, &channel, id, number, bench.test.now()).await;
        }
        let running = bench.start("one");
        until("the first has left", async || bench.sandbox.counters().sms_accepted > 0).await;
        bench.enqueue(&bench.sms_to(&channel, "+15550110199", "Your answer")).await;
        until("all have left", async || bench.sandbox.counters().sms_accepted >= 13).await;
        running.shutdown().await;
        let texts = bench.sms_texts().await;
        let place = texts.iter().position(|text| text == "Your answer").unwrap();
        // Those whose turn had come, and one that was on the wire.
        assert!(place <= 5, "{}: {place} of the campaign before it", bench.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_minute_gets_more_than_its_share_after_a_pause_of_an_hour() {
    for bench in benches().await {
        let channel = bench.sms().await;
        let start = bench.test.now();
        let id =
            campaign(&bench, Schedule { per_minute: Some(10), ..Schedule::default() }, CampaignRules::default()).await;
        for number in 0..50 {
            let minute = i64::try_from(number / 10).unwrap();
            text(&bench, &channel, id, number, start.plus(minute * time::MINUTE)).await;
        }
        assert_eq!(turn(&bench, &channel).await.len(), 10, "{}", bench.test.engine);
        move_to(&bench, id, CampaignState::Running, CampaignState::Paused).await;
        // Everything becomes due while it stands still.
        bench.test.clock.advance(time::HOUR + 25 * time::SECOND);
        assert!(turn(&bench, &channel).await.is_empty(), "{}: it is paused", bench.test.engine);
        move_to(&bench, id, CampaignState::Paused, CampaignState::Running).await;
        let mut minutes: BTreeMap<i64, usize> = BTreeMap::new();
        for _ in 0..60 {
            let left = turn(&bench, &channel).await.len();
            *minutes.entry(bench.test.now().0 / time::MINUTE).or_default() += left;
            bench.test.clock.advance(5 * time::SECOND);
        }
        minutes.retain(|_, left| *left > 0);
        let counts: Vec<usize> = minutes.values().copied().collect();
        assert_eq!(counts, [10, 10, 10, 10], "{}: spaced anew, and without a gap", bench.test.engine);
        let (first, last) = (minutes.keys().next().unwrap(), minutes.keys().last().unwrap());
        assert_eq!(last - first, 3, "{}: minute by minute", bench.test.engine);
    }
}

/// Ten seconds before a minute of the clock ends, then a pause that ends just before another one does.
#[tokio::test(flavor = "multi_thread")]
async fn no_sixty_seconds_have_more_than_the_pace_wherever_they_begin() {
    for bench in benches().await {
        let channel = bench.sms().await;
        let id =
            campaign(&bench, Schedule { per_minute: Some(10), ..Schedule::default() }, CampaignRules::default()).await;
        let start = bench.test.now();
        bench.test.clock.advance(time::MINUTE - start.0 % time::MINUTE - 10 * time::SECOND);
        for number in 0..60 {
            text(&bench, &channel, id, number, start).await;
        }
        let mut left: Vec<i64> = Vec::new();
        for step in 0..120 {
            if step == 20 {
                move_to(&bench, id, CampaignState::Running, CampaignState::Paused).await;
                bench.test.clock.advance(time::HOUR - 15 * time::SECOND);
                move_to(&bench, id, CampaignState::Paused, CampaignState::Running).await;
            }
            let now = bench.test.now();
            left.extend(turn(&bench, &channel).await.iter().map(|_| now.since(start)));
            bench.test.clock.advance(3 * time::SECOND + step % 7 * 100);
        }
        assert_eq!(left.len(), 60, "{}: nothing is forgotten", bench.test.engine);
        let most = left.iter().map(|from| left.iter().filter(|at| (0..time::MINUTE).contains(&(**at - from))).count());
        assert_eq!(most.max(), Some(10), "{}", bench.test.engine);
        let (first, last) = (left[0], left[59]);
        assert!(
            last - first < time::HOUR + 6 * time::MINUTE,
            "{}: nor made slower than it has to be",
            bench.test.engine
        );
    }
}

/// Whoever looks for what is due does so every half second, and each minute at another moment of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_leaves_at_the_pace_though_nobody_looks_at_the_very_moment() {
    for bench in benches().await {
        let channel = bench.sms().await;
        let id =
            campaign(&bench, Schedule { per_minute: Some(4), ..Schedule::default() }, CampaignRules::default()).await;
        let start = bench.test.now();
        for number in 0..120 {
            text(&bench, &channel, id, number, start).await;
        }
        let mut left: Vec<i64> = Vec::new();
        for minute in 0..50 {
            for look in 0..25 {
                let now = minute * time::MINUTE + minute * 331 % 500 + look * 500;
                bench.test.clock.advance(now - bench.test.now().since(start));
                left.extend(turn(&bench, &channel).await.iter().map(|_| now));
            }
            if left.len() == 120 {
                break;
            }
        }
        let most = left.iter().map(|from| left.iter().filter(|at| (0..time::MINUTE).contains(&(**at - from))).count());
        assert_eq!((left.len(), most.max()), (120, Some(4)), "{}", bench.test.engine);
        assert!(left[119] < 29 * time::MINUTE + time::MINUTE / 2, "{}: {}", bench.test.engine, left[119]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_waits_for_its_turn_says_so() {
    for bench in benches().await {
        let channel = bench.sms().await;
        let rules = CampaignRules::default();
        let id = campaign(&bench, Schedule { per_minute: Some(1), ..Schedule::default() }, rules).await;
        let (_, second) = (
            text(&bench, &channel, id, 1, bench.test.now()).await,
            text(&bench, &channel, id, 2, bench.test.now()).await,
        );
        assert_eq!(turn(&bench, &channel).await.len(), 1, "{}", bench.test.engine);
        assert_eq!(bench.rule(second).await.as_deref(), Some("campaign_pace"), "{}", bench.test.engine);
        let workspace_id = bench.test.workspace_id();
        let decision = bench.write(move |tx| tx.decision(workspace_id, second)).await.unwrap();
        assert_eq!(
            decision.explanation.words(decision.rule),
            "Waits for its turn: so many messages a minute: the campaign sends at most 1 messages a minute"
        );
    }
}

async fn policy(bench: &Bench, change: impl Fn(&mut segue_model::policy::PolicySettings) + Send + Copy + 'static) {
    let workspace_id = bench.test.workspace_id();
    bench
        .write(move |tx| {
            let mut workspace = tx.workspace(workspace_id)?.expect("it exists");
            change(&mut workspace.settings.policy);
            tx.update_workspace(&workspace)
        })
        .await;
}

/// Rule and words of a message that did not leave.
async fn why(bench: &Bench, id: MessageId) -> (String, String) {
    let workspace_id = bench.test.workspace_id();
    let decision = bench.write(move |tx| tx.decision(workspace_id, id)).await.expect("it was explained");
    (decision.rule.to_string(), decision.explanation.words(decision.rule))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_is_capped_and_campaigns_without_it_are_not() {
    for bench in benches().await {
        let channel = bench.sms().await;
        policy(&bench, |policy| {
            policy.at_cap = AtCap::Suppress;
            policy.label_caps = vec![LabelCap { label: "Newsletter".to_owned(), messages: 1, period: Period::Week }];
        })
        .await;
        let labelled = |label: &str| CampaignRules { label: Some(label.to_owned()), ..CampaignRules::default() };
        let mut ids = Vec::new();
        for rules in [labelled("Newsletter"), labelled("newsletter "), labelled("Offers"), CampaignRules::default()] {
            let id = campaign(&bench, Schedule::default(), rules).await;
            ids.push(text(&bench, &channel, id, 1, bench.test.now()).await);
            turn(&bench, &channel).await;
        }
        let mut states = Vec::new();
        for id in &ids {
            states.push(bench.state(*id).await);
        }
        use OutboxState::{Submitting, Suppressed};
        assert_eq!(states, [Submitting, Suppressed, Submitting, Submitting], "{}", bench.test.engine);
        let (rule, words) = why(&bench, ids[1]).await;
        assert_eq!(rule, "series_cap");
        assert_eq!(words, "Enough messages of “Newsletter” for this person: at most 1 in 7 days");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_campaigns_of_a_programme_share_its_cap_and_the_next_waits() {
    for bench in benches().await {
        let channel = bench.sms().await;
        let (workspace_id, programme_id) = (bench.test.workspace_id(), bench.test.ctx.id::<ProgrammeId>());
        let programme = ProgrammeView {
            id: programme_id,
            sender_id: sender_of(&bench).await,
            name: "Wine club".to_owned(),
            opt_in: ProgrammeOptIn::Single,
            covers: Covers::AllMarketing,
            list_id: None,
            settings: ProgrammeSettings {
                caps: vec![FrequencyCap { messages: 2, period: Period::Day }],
                ..ProgrammeSettings::default()
            },
            active: 0,
            pending: 0,
            created_at: bench.test.now(),
            ended_at: None,
            version: 1,
        };
        assert!(bench.write(move |tx| tx.insert_programme(workspace_id, &programme)).await);
        let rules = CampaignRules { programme_id: Some(programme_id), ..CampaignRules::default() };
        let mut last = None;
        for _ in 0..3 {
            let id = campaign(&bench, Schedule::default(), rules.clone()).await;
            last = Some(text(&bench, &channel, id, 1, bench.test.now()).await);
            turn(&bench, &channel).await;
        }
        let third = last.unwrap();
        assert_eq!(bench.state(third).await, OutboxState::Queued, "{}: it waits", bench.test.engine);
        let (rule, words) = why(&bench, third).await;
        assert_eq!(rule, "series_cap", "{}", bench.test.engine);
        assert_eq!(words, "Enough messages of “Wine club” for this person: at most 2 in 24 hours");
        bench.test.clock.advance(time::DAY);
        assert_eq!(turn(&bench, &channel).await, [third], "{}: there is room again", bench.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_to_a_programme_stops_what_its_campaigns_send_and_nothing_else() {
    for bench in benches().await {
        let channel = bench.sms().await;
        let (workspace_id, programme_id) = (bench.test.workspace_id(), bench.test.ctx.id::<ProgrammeId>());
        let rules = CampaignRules { programme_id: Some(programme_id), ..CampaignRules::default() };
        let of_it = campaign(&bench, Schedule::default(), rules).await;
        let other = campaign(&bench, Schedule::default(), CampaignRules::default()).await;
        let now = bench.test.now();
        let waiting = text(&bench, &channel, of_it, 1, now).await;
        let kept = text(&bench, &channel, of_it, 2, now).await;
        let ctx = bench.test.ctx.clone();
        let said = NewConsentEvent {
            medium: Medium::Sms,
            address: phone(1),
            purpose: Purpose::Marketing,
            action: ConsentAction::Revoke,
            method: ConsentMethod::Keyword,
            wording: Some("nonews".to_owned()),
            proof: None,
            actor: "customer".to_owned(),
            occurred_at: now,
        };
        let extent = ConsentExtent::of(Scope::Programme(programme_id));
        let recorded = bench.test.store.write(move |tx| tx.record_consent_within(workspace_id, &said, &extent, &ctx));
        recorded.await.unwrap();
        assert_eq!(bench.state(waiting).await, OutboxState::Canceled, "{}: what waited", bench.test.engine);
        assert_eq!(bench.rule(waiting).await.as_deref(), Some("opted_out"), "{}", bench.test.engine);
        // What is queued all the same, by a plan that began before, is refused at the last look.
        let of_third = campaign(
            &bench,
            Schedule::default(),
            CampaignRules { programme_id: Some(programme_id), ..CampaignRules::default() },
        )
        .await;
        let late = text(&bench, &channel, of_third, 1, now).await;
        let general = text(&bench, &channel, other, 1, now).await;
        let left = turn(&bench, &channel).await;
        assert_eq!(left.len(), 2, "{}: {left:?}", bench.test.engine);
        assert!(left.contains(&kept) && left.contains(&general), "{}", bench.test.engine);
        assert_eq!(bench.state(late).await, OutboxState::Suppressed, "{}", bench.test.engine);
        assert_eq!(bench.rule(late).await.as_deref(), Some("opted_out"), "{}", bench.test.engine);
    }
}

/// A text of a campaign to somebody of whom nothing is known.
async fn plain_text(bench: &Bench, channel: &Channel, id: CampaignId, number: usize) -> MessageId {
    let message = NewOutbox {
        class: MessageClass::Marketing,
        campaign: Some((id, u32::try_from(number + 1).unwrap())),
        ..bench.sms_to(channel, &phone(number), "Sale")
    };
    bench.enqueue(&message).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_to_a_programme_is_enough_for_what_it_sends_but_never_over_a_no() {
    for bench in benches().await {
        let (engine, channel) = (&bench.test.engine, bench.sms().await);
        let (workspace_id, sender) = (bench.test.workspace_id(), sender_of(&bench).await);
        let (narrow, wide) = (bench.test.ctx.id::<ProgrammeId>(), bench.test.ctx.id::<ProgrammeId>());
        for (id, name, covers) in [(narrow, "Wine", Covers::Programme), (wide, "Beer", Covers::AllMarketing)] {
            let programme = ProgrammeView {
                id,
                sender_id: sender,
                name: name.to_owned(),
                opt_in: ProgrammeOptIn::Single,
                covers,
                list_id: None,
                settings: ProgrammeSettings::default(),
                active: 0,
                pending: 0,
                created_at: bench.test.now(),
                ended_at: None,
                version: 1,
            };
            assert!(bench.write(move |tx| tx.insert_programme(workspace_id, &programme)).await);
        }
        let say = async |number: usize, action: ConsentAction, scope: Scope| {
            let ctx = bench.test.ctx.clone();
            let said = NewConsentEvent {
                medium: Medium::Sms,
                address: phone(number),
                purpose: Purpose::Marketing,
                action,
                method: ConsentMethod::Keyword,
                wording: Some("a word".to_owned()),
                proof: None,
                actor: "customer".to_owned(),
                occurred_at: ctx.now(),
            };
            let extent = ConsentExtent::of(scope);
            let recorded =
                bench.test.store.write(move |tx| tx.record_consent_within(workspace_id, &said, &extent, &ctx));
            recorded.await.unwrap();
        };
        for number in 1..6 {
            say(number, ConsentAction::Grant, Scope::Programme(narrow)).await;
        }
        say(6, ConsentAction::Grant, Scope::Programme(wide)).await;
        bench.test.clock.advance(1);
        bench.test.set_consent(Medium::Sms, &phone(2), Purpose::Marketing, ConsentState::Expired).await;
        say(3, ConsentAction::Revoke, Scope::All).await;
        say(4, ConsentAction::Revoke, Scope::Sender(sender)).await;
        say(5, ConsentAction::Revoke, Scope::Programme(narrow)).await;

        let of = |id| CampaignRules { programme_id: Some(id), ..CampaignRules::default() };
        let of_it = campaign(&bench, Schedule::default(), of(narrow)).await;
        let mut ids = Vec::new();
        for number in 1..6 {
            ids.push(plain_text(&bench, &channel, of_it, number).await);
        }
        let of_wide = campaign(&bench, Schedule::default(), of(wide)).await;
        ids.push(plain_text(&bench, &channel, of_wide, 6).await);
        let general = campaign(&bench, Schedule::default(), CampaignRules::default()).await;
        ids.push(plain_text(&bench, &channel, general, 1).await);
        turn(&bench, &channel).await;
        let mut rules = Vec::new();
        for id in &ids {
            rules.push((bench.state(*id).await, bench.rule(*id).await.unwrap_or_default()));
        }
        let left = (OutboxState::Submitting, String::new());
        let refused = |rule: &str| (OutboxState::Suppressed, rule.to_owned());
        let expected = [
            left.clone(),
            left,
            refused("opted_out"),
            refused("opted_out"),
            refused("opted_out"),
            refused("no_consent"),
            refused("no_consent"),
        ];
        assert_eq!(rules, expected, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_hours_end_a_message_where_its_campaign_or_workspace_wants_it_so() {
    for bench in benches().await {
        let channel = bench.sms().await;
        // Ten in the evening.
        bench.test.clock.advance(10 * time::HOUR);
        use AtQuietHours::{Discard, Hold};
        for (number, (of_workspace, of_campaign, state)) in [
            (Hold, None, OutboxState::Queued),
            (Hold, Some(Discard), OutboxState::Suppressed),
            (Discard, None, OutboxState::Suppressed),
            (Discard, Some(Hold), OutboxState::Queued),
        ]
        .into_iter()
        .enumerate()
        {
            match of_workspace {
                Hold => policy(&bench, |policy| policy.at_quiet_hours = Hold).await,
                Discard => policy(&bench, |policy| policy.at_quiet_hours = Discard).await,
            }
            let rules = CampaignRules { at_quiet_hours: of_campaign, ..CampaignRules::default() };
            let campaign_id = campaign(&bench, Schedule::default(), rules).await;
            let id = text(&bench, &channel, campaign_id, number, bench.test.now()).await;
            assert!(turn(&bench, &channel).await.is_empty(), "{}", bench.test.engine);
            assert_eq!(bench.state(id).await, state, "{} {of_workspace} {of_campaign:?}", bench.test.engine);
            if state == OutboxState::Suppressed {
                assert_eq!(bench.rule(id).await.as_deref(), Some("hours_discarded"));
                let words = why(&bench, id).await.1;
                assert!(words.starts_with("Discarded because it fell into quiet hours: Quiet hours"), "{words}");
                // The funnel says so as well.
                let workspace_id = bench.test.workspace_id();
                let funnel = bench.write(move |tx| tx.funnel(workspace_id, campaign_id)).await;
                let counted = funnel.excluded_by_rule.iter().find(|count| count.rule == "hours_discarded");
                assert_eq!(counted.map(|count| count.count), Some(1), "{}: {funnel:?}", bench.test.engine);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_holds_outside_of_its_own_hours() {
    for bench in benches().await {
        let channel = bench.sms().await;
        let (workspace_id, sender) = (bench.test.workspace_id(), sender_of(&bench).await);
        let hours = SenderHours {
            quiet_hours: QuietHours { start_minute: 11 * 60, end_minute: 14 * 60 },
            quiet_spans: Vec::new(),
        };
        assert!(bench.write(move |tx| tx.set_sender_hours(workspace_id, sender, Some(&hours))).await);
        let campaign_id = campaign(&bench, Schedule::default(), CampaignRules::default()).await;
        let id = text(&bench, &channel, campaign_id, 1, bench.test.now()).await;
        assert!(turn(&bench, &channel).await.is_empty(), "{}: noon is in its break", bench.test.engine);
        assert_eq!(bench.rule(id).await.as_deref(), Some("sender_hours"), "{}", bench.test.engine);
        bench.test.clock.advance(2 * time::HOUR - 1);
        assert!(turn(&bench, &channel).await.is_empty(), "{}", bench.test.engine);
        bench.test.clock.advance(1);
        assert_eq!(turn(&bench, &channel).await, [id], "{}: two in the afternoon", bench.test.engine);
    }
}
