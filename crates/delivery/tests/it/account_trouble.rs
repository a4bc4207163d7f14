//! What lies with the WhatsApp account and not with its messages: it costs none of them, and people hear of it.

use segue_channels::whatsapp::{WebhookItem, parse_webhook};
use segue_delivery::{check_channel, note_check, reports};
use segue_model::{
    CampaignId, MessageId, Timestamp,
    content::Content,
    delivery::{MessageClass, OutboxState},
    notice::Severity,
    time,
};
use segue_store::channel::{Channel, ChannelConfig, ChannelState};
use serde_json::{Value, json};

use crate::{
    bench::{Bench, benches, until},
    spring::{self, told},
};

async fn stored(bench: &Bench, channel: &Channel) -> Channel {
    let (workspace_id, id) = (channel.workspace_id, channel.id);
    bench.write(move |tx| tx.channel(workspace_id, id)).await.expect("it is there")
}

async fn notices(bench: &Bench, channel: &Channel) -> Vec<(Severity, String)> {
    let (workspace_id, id) = (channel.workspace_id, channel.id);
    let all = bench.write(move |tx| tx.channel_notices(workspace_id, id, None, 50)).await;
    all.into_iter().map(|notice| (notice.severity, notice.text)).collect()
}

async fn hold(bench: &Bench, id: CampaignId) -> Option<(String, i64)> {
    let workspace_id = bench.test.workspace_id();
    let hold = bench.write(move |tx| tx.campaign_hold(workspace_id, id)).await;
    hold.map(|hold| (hold.rule, hold.until.map_or(0, |until| until.since(bench.test.now()))))
}

async fn until_connected(bench: &Bench, channel: &Channel) {
    until("the number was looked at", async || stored(bench, channel).await.state == ChannelState::Connected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_message_is_lost_however_long_the_account_is_locked_and_the_channel_shows_it_until_one_is_taken() {
    for bench in benches().await {
        let engine = bench.test.engine;
        let channel = bench.whatsapp().await;
        bench.faults(json!({ "graph_error": { "code": 131_031, "times": 1_000 } })).await;
        let session = bench.session(&channel, bench.test.now().plus(time::DAY)).await;
        let wanted = ["first", "second", "third"];
        let mut ids = Vec::new();
        for words in wanted {
            let content = Content::Text { text: words.to_owned() };
            ids.push(bench.enqueue(&bench.whatsapp_to(&channel, "+15550199", session, &content)).await);
        }
        // More often than a message has attempts.
        for _ in 0..7 {
            let before = bench.ledger("graph_refused").await.len();
            let running = bench.start("one");
            until("it is refused again", async || bench.ledger("graph_refused").await.len() > before).await;
            until("the screen shows it", async || stored(&bench, &channel).await.state == ChannelState::Error).await;
            running.shutdown().await;
            bench.test.clock.advance(17 * time::MINUTE);
        }
        let seen = stored(&bench, &channel).await;
        assert!(seen.state_detail.unwrap().starts_with("The WhatsApp account is locked."), "{engine}");
        let told = notices(&bench, &channel).await;
        assert_eq!(told.len(), 1, "{engine}: once a day for each code");
        assert_eq!(told[0].0, Severity::Critical, "{engine}");
        assert!(told[0].1.contains("The WhatsApp account is locked.") && told[0].1.contains("131031"), "{told:?}");

        bench.faults(json!({})).await;
        let running = bench.start("one");
        bench.until_state(ids[2], OutboxState::Accepted).await;
        assert_eq!(bench.whatsapp_texts().await, wanted, "{engine}: each once, in order");
        until_connected(&bench, &channel).await;
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_answers_and_cannot_send_is_no_connection() {
    for bench in benches().await {
        let engine = bench.test.engine;
        let channel = bench.whatsapp().await;
        assert!(check_channel(&channel).await.unwrap().ok, "{engine}");
        let client = segue_channels::http::http_client(segue_channels::http::HttpLimits::default()).unwrap();
        let url = format!("{}/v26.0/106540352242922/deregister", bench.sandbox.graph_base_url);
        assert!(client.post(url).bearer_auth("sandbox-token").send().await.unwrap().status().is_success());
        let check = check_channel(&channel).await.unwrap();
        assert!(!check.ok && check.detail.contains("DISCONNECTED"), "{engine}: {check:?}");
        let running = bench.start("one");
        until("the number was looked at", async || stored(&bench, &channel).await.state == ChannelState::Error).await;
        assert!(stored(&bench, &channel).await.state_detail.unwrap().contains("DISCONNECTED"), "{engine}");
        running.shutdown().await;
    }
}

/// A campaign of which so many have left, and one more that waits.
async fn campaign(bench: &Bench, channel: &Channel, count: u32) -> (CampaignId, Vec<MessageId>) {
    spring::templates(bench, channel, "MARKETING", (&["en"], false)).await;
    let id = spring::campaign(bench, channel, None).await;
    let mut ids = Vec::new();
    for number in 0..count {
        let to = (&*format!("+141655503{number:02}"), number + 1, "en");
        ids.push(spring::message(bench, channel, (id, None), to, MessageClass::Marketing).await);
    }
    (id, ids)
}

fn failed(wamid: &Value, code: i64, second: i64) -> Value {
    json!({ "statuses": [{ "id": wamid, "status": "failed", "timestamp": second.to_string(),
        "errors": [{ "code": code }] }] })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_only_afterwards_holds_the_campaign_too() {
    for bench in benches().await {
        let engine = bench.test.engine;
        let channel = bench.whatsapp().await;
        let (id, ids) = campaign(&bench, &channel, 4).await;
        let running = bench.start("one");
        for message in &ids {
            bench.until_state(*message, OutboxState::Accepted).await;
        }
        until_connected(&bench, &channel).await;
        running.shutdown().await;
        spring::run(&bench, id).await;
        let sent = bench.ledger("wa_accepted").await;
        let second = bench.test.now().0 / 1_000;
        // One customer's own failure says nothing of the campaign, and an old failure nothing of now.
        told(&bench, &channel, "messages", failed(&sent[0]["wamid"], 131_026, second)).await;
        told(&bench, &channel, "messages", failed(&sent[1]["wamid"], 131_042, second - 2 * 3_600)).await;
        assert_eq!(hold(&bench, id).await, None, "{engine}");
        assert_eq!(stored(&bench, &channel).await.state, ChannelState::Connected, "{engine}");

        told(&bench, &channel, "messages", failed(&sent[2]["wamid"], 131_048, second)).await;
        assert_eq!(hold(&bench, id).await, Some(("spam_limit".to_owned(), 15 * time::MINUTE)), "{engine}");
        told(&bench, &channel, "messages", failed(&sent[3]["wamid"], 131_042, second)).await;
        assert_eq!(hold(&bench, id).await, Some(("account_problem".to_owned(), time::HOUR)), "{engine}");
        let seen = stored(&bench, &channel).await;
        assert_eq!(seen.state, ChannelState::Error, "{engine}");
        assert!(seen.state_detail.unwrap().contains("payment method"), "{engine}");
        let severities: Vec<Severity> =
            notices(&bench, &channel).await.into_iter().map(|(severity, _)| severity).collect();
        assert_eq!(severities, [Severity::Warning, Severity::Critical], "{engine}: newest first, once each");

        // It is tried again when the hold is over.
        bench.test.clock.advance(2 * time::HOUR);
        let to = ("+14165550399", 99, "en");
        let late = spring::message(&bench, &channel, (id, None), to, MessageClass::Marketing).await;
        let running = bench.start("one");
        bench.until_state(late, OutboxState::Accepted).await;
        assert_eq!(hold(&bench, id).await, None, "{engine}");
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_that_a_webhook_told_of_stands_until_whatsapp_sends_a_message_and_a_check_names_it() {
    for bench in benches().await {
        let engine = bench.test.engine;
        let channel = bench.whatsapp().await;
        let session = bench.session(&channel, bench.test.now().plus(time::DAY)).await;
        let content = Content::Text { text: "Hello".to_owned() };
        let id = bench.enqueue(&bench.whatsapp_to(&channel, "+15550199", session, &content)).await;
        let running = bench.start("one");
        bench.until_state(id, OutboxState::Accepted).await;
        until_connected(&bench, &channel).await;
        running.shutdown().await;
        let wamid = bench.ledger("wa_accepted").await[0]["wamid"].clone();
        let second = bench.test.now().0 / 1_000;
        told(&bench, &channel, "messages", failed(&wamid, 131_042, second)).await;
        let seen = stored(&bench, &channel).await;
        assert_eq!(seen.state, ChannelState::Error, "{engine}");
        let check = check_channel(&seen).await.unwrap();
        assert!(!check.ok && check.detail.contains("payment method"), "{engine}: {check:?}");
        // What left before says nothing of now.
        told(&bench, &stored(&bench, &channel).await, "messages", sent(second - 60)).await;
        assert_eq!(stored(&bench, &channel).await.state, ChannelState::Error, "{engine}");
        told(&bench, &stored(&bench, &channel).await, "messages", sent(second + 60)).await;
        let well = stored(&bench, &channel).await;
        assert_eq!((well.state, &well.state_detail), (ChannelState::Connected, &None), "{engine}");
        assert!(check_channel(&well).await.unwrap().ok, "{engine}");

        // Nobody may ever send: after an hour the number is taken at its word.
        told(&bench, &channel, "messages", failed(&wamid, 131_042, second + 120)).await;
        bench.test.clock.advance(2 * time::HOUR);
        let running = bench.start("one");
        until_connected(&bench, &channel).await;
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_of_another_number_neither_ends_a_refusal_nor_is_charged_to_this_one() {
    for bench in benches().await {
        let engine = bench.test.engine;
        let (channel, wamid) = accepted(&bench).await;
        let second = bench.test.now().0 / 1_000;
        told(&bench, &channel, "messages", failed(&wamid, 131_042, second)).await;
        let mut status = sent(second + 60);
        status["statuses"][0]["pricing"] = json!({ "pricing_model": "PMP", "type": "regular", "category": "utility" });
        for (number, is_own) in [("1", false), ("106540352242922", true)] {
            status["metadata"] = json!({ "display_phone_number": "1", "phone_number_id": number });
            let body = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "time": second,
                "changes": [{ "field": "messages", "value": status }] }] });
            let items = parse_webhook(body.to_string().as_bytes()).unwrap();
            let (ctx, own) = (bench.test.ctx.clone(), stored(&bench, &channel).await);
            bench
                .write(move |tx| {
                    let [WebhookItem::Status(status)] = items.as_slice() else { panic!("{items:?}") };
                    reports::apply_status(tx, &ctx, &own, status)
                })
                .await;
            let seen = stored(&bench, &channel).await;
            assert_eq!((seen.refusal.is_none(), seen.state == ChannelState::Connected), (is_own, is_own), "{engine}");
            let (workspace_id, id) = (channel.workspace_id, channel.id);
            let ever = (Timestamp(0), Timestamp(i64::MAX));
            let charged = bench.write(move |tx| tx.charged_messages(workspace_id, id, ever.0, ever.1)).await;
            assert_eq!(charged.len(), usize::from(is_own), "{engine}: {charged:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_report_told_of_outlives_messages_that_are_taken_and_looks_without_an_answer() {
    for bench in benches().await {
        let engine = bench.test.engine;
        let channel = bench.whatsapp().await;
        let session = bench.session(&channel, bench.test.now().plus(time::DAY)).await;
        let text = |words: &str| Content::Text { text: words.to_owned() };
        let first = bench.enqueue(&bench.whatsapp_to(&channel, "+15550199", session, &text("first"))).await;
        let running = bench.start("one");
        bench.until_state(first, OutboxState::Accepted).await;
        until_connected(&bench, &channel).await;
        running.shutdown().await;
        let wamid = bench.ledger("wa_accepted").await[0]["wamid"].clone();
        let second = bench.test.now().0 / 1_000;
        told(&bench, &channel, "messages", failed(&wamid, 131_042, second)).await;
        assert_eq!(stored(&bench, &channel).await.state, ChannelState::Error, "{engine}");

        // Nobody answers: that is what is shown, and what was told is not forgotten for it.
        let mut away = stored(&bench, &channel).await;
        if let ChannelConfig::WhatsApp(config) = &mut away.config {
            config.base_url = "http://127.0.0.1:1".to_owned();
        }
        bench.write(move |tx| tx.upsert_channel(&away)).await;
        let running = bench.start("one");
        until("a look found nothing", async || stored(&bench, &channel).await.state == ChannelState::Disconnected)
            .await;
        running.shutdown().await;
        let back = channel.clone();
        bench.write(move |tx| tx.upsert_channel(&back)).await;

        // WhatsApp takes messages of an account that owes money, and fails them afterwards.
        let later = bench.enqueue(&bench.whatsapp_to(&channel, "+15550199", session, &text("later"))).await;
        let running = bench.start("one");
        bench.until_state(later, OutboxState::Accepted).await;
        until("it is looked at", async || stored(&bench, &channel).await.state != ChannelState::Disconnected).await;
        running.shutdown().await;
        let seen = stored(&bench, &channel).await;
        assert_eq!(seen.state, ChannelState::Error, "{engine}");
        assert!(seen.state_detail.unwrap().contains("payment method"), "{engine}");

        bench.test.clock.advance(2 * time::HOUR);
        let running = bench.start("one");
        until_connected(&bench, &channel).await;
        running.shutdown().await;
        assert_eq!(stored(&bench, &channel).await.refusal, None, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_finds_all_well_ends_what_an_earlier_look_found() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let (workspace_id, id) = (channel.workspace_id, channel.id);
        let detail = Some("The token was refused.");
        bench.write(move |tx| tx.set_channel_state(workspace_id, id, ChannelState::Error, detail)).await;
        let seen = stored(&bench, &channel).await;
        let check = check_channel(&seen).await.unwrap();
        let ctx = bench.test.ctx.clone();
        let (old, of_old, other) = (seen.clone(), check.clone(), ctx.clone());
        bench.write(move |tx| note_check(tx, &ctx, &seen, &check)).await;
        assert_eq!(stored(&bench, &channel).await.state, ChannelState::Connected, "{}", bench.test.engine);
        // What was told while the check was under way stands.
        let meanwhile = Some("The account is locked.");
        bench.write(move |tx| tx.set_channel_state(workspace_id, id, ChannelState::Error, meanwhile)).await;
        bench.write(move |tx| note_check(tx, &other, &old, &of_old)).await;
        assert_eq!(stored(&bench, &channel).await.state, ChannelState::Error, "{}", bench.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn marketing_that_is_switched_off_holds_its_campaign_and_nothing_else() {
    for bench in benches().await {
        let engine = bench.test.engine;
        let channel = bench.whatsapp().await;
        bench.faults(json!({ "graph_error": { "code": 131_063, "times": 1 } })).await;
        let (id, ids) = campaign(&bench, &channel, 1).await;
        let running = bench.start("one");
        until("it is held", async || hold(&bench, id).await.is_some_and(|(rule, _)| rule == "account_problem")).await;
        assert_eq!(bench.state(ids[0]).await, OutboxState::Queued, "{engine}");
        let session = bench.session(&channel, bench.test.now().plus(time::DAY)).await;
        let content = Content::Text { text: "Of course".to_owned() };
        let service = bench.enqueue(&bench.whatsapp_to(&channel, "+14165559999", session, &content)).await;
        bench.until_state(service, OutboxState::Accepted).await;
        until("an admin hears of it", async || notices(&bench, &channel).await.len() == 1).await;
        until_connected(&bench, &channel).await;
        bench.test.clock.advance(time::HOUR);
        bench.until_state(ids[0], OutboxState::Accepted).await;
        running.shutdown().await;
    }
}

/// A number whose only message was taken, and the message's id at WhatsApp.
async fn accepted(bench: &Bench) -> (Channel, Value) {
    let channel = bench.whatsapp().await;
    let session = bench.session(&channel, bench.test.now().plus(time::DAY)).await;
    let content = Content::Text { text: "Hello".to_owned() };
    let id = bench.enqueue(&bench.whatsapp_to(&channel, "+15550199", session, &content)).await;
    let running = bench.start("one");
    bench.until_state(id, OutboxState::Accepted).await;
    until_connected(bench, &channel).await;
    running.shutdown().await;
    (channel, bench.ledger("wa_accepted").await[0]["wamid"].clone())
}

fn sent(second: i64) -> Value {
    json!({ "statuses": [{ "id": "wamid.other", "status": "sent", "timestamp": second.to_string() }] })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_is_over_leaves_what_else_was_told_meanwhile() {
    for bench in benches().await {
        let engine = bench.test.engine;
        let (channel, wamid) = accepted(&bench).await;
        let second = bench.test.now().0 / 1_000;
        told(&bench, &channel, "messages", failed(&wamid, 131_042, second)).await;
        let ban = json!({ "event": "DISABLED_UPDATE", "ban_info": { "waba_ban_state": "DISABLE", "waba_ban_date": "June 1" } });
        told(&bench, &channel, "account_update", ban).await;
        let banned = stored(&bench, &channel).await;
        assert!(!banned.state_detail.as_ref().unwrap().contains("payment method"), "{engine}: {banned:?}");
        told(&bench, &banned, "messages", sent(second + 60)).await;
        let seen = stored(&bench, &channel).await;
        assert_eq!((seen.refusal, seen.state), (None, ChannelState::Error), "{engine}");
        assert_eq!(seen.state_detail, banned.state_detail, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_access_is_not_held_against_what_the_old_one_was_refused_for() {
    for bench in benches().await {
        let engine = bench.test.engine;
        let channel = bench.whatsapp().await;
        let mut expired = channel.clone();
        if let ChannelConfig::WhatsApp(config) = &mut expired.config {
            config.access_token = "the token of yesterday".to_owned();
        }
        bench.write(move |tx| tx.upsert_channel(&expired)).await;
        bench.faults(json!({ "graph_error": { "code": 190, "times": 1_000 } })).await;
        let session = bench.session(&channel, bench.test.now().plus(time::DAY)).await;
        let content = Content::Text { text: "Hello".to_owned() };
        let id = bench.enqueue(&bench.whatsapp_to(&channel, "+15550199", session, &content)).await;
        let running = bench.start("one");
        until("it is refused", async || stored(&bench, &channel).await.refusal.is_some()).await;
        running.shutdown().await;
        bench.faults(json!({})).await;
        assert_eq!(bench.state(id).await, OutboxState::Queued, "{engine}");

        // What changes nothing of the access ends nothing.
        let mut renamed = stored(&bench, &channel).await;
        renamed.name = "Shop".to_owned();
        if let ChannelConfig::WhatsApp(config) = &mut renamed.config {
            config.portfolio_id = "77".to_owned();
        }
        bench.write(move |tx| tx.upsert_channel(&renamed)).await;
        let mut renewed = stored(&bench, &channel).await;
        assert!(renewed.refusal.is_some(), "{engine}");
        if let ChannelConfig::WhatsApp(config) = &mut renewed.config {
            config.access_token = "sandbox-token".to_owned();
        }
        bench.write(move |tx| tx.upsert_channel(&renewed)).await;
        let seen = stored(&bench, &channel).await;
        assert_eq!(seen.refusal, None, "{engine}");
        let (check, ctx) = (check_channel(&seen).await.unwrap(), bench.test.ctx.clone());
        assert!(check.ok, "{engine}: {check:?}");
        bench.write(move |tx| note_check(tx, &ctx, &seen, &check)).await;
        assert_eq!(stored(&bench, &channel).await.state, ChannelState::Connected, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_at_whatsapp_that_is_told_late_undoes_no_later_start() {
    use segue_model::consent::{ConsentAction, ConsentMethod, ConsentState, Medium, Purpose};
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let (workspace_id, ctx, now) = (bench.test.workspace_id(), bench.test.ctx.clone(), bench.test.now());
        let address = "+14165550177";
        let start = segue_store::consent::NewConsentEvent {
            medium: Medium::WhatsApp,
            address: address.to_owned(),
            purpose: Purpose::Marketing,
            action: ConsentAction::Grant,
            method: ConsentMethod::Keyword,
            wording: Some("START".to_owned()),
            proof: None,
            actor: "customer".to_owned(),
            occurred_at: now.plus(-time::HOUR),
        };
        bench.test.store.write(move |tx| tx.record_consent(workspace_id, &start, &ctx)).await.unwrap();
        let state = async || {
            bench
                .write(move |tx| tx.consent_state(workspace_id, Medium::WhatsApp, address, Purpose::Marketing))
                .await
                .state
        };
        for (ago, expected) in [(2 * time::HOUR, ConsentState::Granted), (time::MINUTE, ConsentState::Revoked)] {
            let second = now.plus(-ago).0 / 1_000;
            let mut status = failed(&json!(format!("wamid.{ago}")), 131_050, second);
            status["statuses"][0]["recipient_id"] = json!("14165550177");
            told(&bench, &channel, "messages", status).await;
            assert_eq!(state().await, expected, "{}: {ago}", bench.test.engine);
        }
    }
}
