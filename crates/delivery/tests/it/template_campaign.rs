//! Campaigns by template on their way out: what holds them, what lets them go on, and that everybody gets it once.

use std::collections::BTreeMap;

use segue_model::{
    CampaignId, MessageId, UserId,
    consent::{ConsentState, Medium, Purpose},
    content::Content,
    delivery::{MessageClass, OutboxState},
    template_rules::SessionRule,
    time,
};
use segue_store::{Sql, channel::Channel, outbox::Claim};
use serde_json::{Value, json};

use crate::{
    bench::{Bench, benches, until},
    spring::{self, at_sandbox, told},
};

static CAMPAIGN_STATE: Sql =
    Sql::portable("CAMPAIGN_STATE", "SELECT state FROM campaigns WHERE workspace_id = $1 AND id = $2");
static NO_COME: Sql = Sql::portable(
    "NO_COME",
    "SELECT method, action FROM consent_events WHERE workspace_id = $1 AND address = $2 AND medium = 'whatsapp'",
);

fn phone(number: usize) -> String {
    format!("+141655501{number:02}")
}

/// The template in English, in the product and in the sandbox.
async fn template(bench: &Bench, channel: &Channel, category: &'static str) {
    spring::templates(bench, channel, category, (&["en"], false)).await;
}

/// Puts the template into a state at WhatsApp alone.
async fn at_whatsapp(bench: &Bench, status: &str) {
    at_sandbox(bench, "templates/spring", &json!({ "status": status }), true).await;
}

async fn told_of_template(bench: &Bench, channel: &Channel, event: &str) {
    let value = json!({ "event": event, "message_template_id": 1, "message_template_name": "spring",
        "message_template_language": "en", "reason": null });
    told(bench, channel, "message_template_status_update", value).await;
}

/// A running campaign to so many who have agreed, all due now.
async fn campaign(bench: &Bench, channel: &Channel, class: MessageClass, count: usize) -> (CampaignId, Vec<MessageId>) {
    let id = spring::campaign(bench, channel, None).await;
    let mut ids = Vec::new();
    for number in 0..count {
        let to = (&*phone(number), u32::try_from(number + 1).unwrap(), "en");
        ids.push(spring::message(bench, channel, (id, None), to, class).await);
    }
    (id, ids)
}

async fn hold(bench: &Bench, id: CampaignId) -> Option<String> {
    let workspace_id = bench.test.workspace_id();
    bench.write(move |tx| tx.campaign_hold(workspace_id, id)).await.map(|hold| hold.rule)
}

async fn until_held(bench: &Bench, id: CampaignId, rule: &str) {
    until(&format!("{}: held by {rule}", bench.test.engine), async || hold(bench, id).await.as_deref() == Some(rule))
        .await;
}

/// How many messages are in each state; the counts of the campaign say the same.
async fn books(bench: &Bench, id: CampaignId, ids: &[MessageId]) -> BTreeMap<&'static str, usize> {
    let workspace_id = bench.test.workspace_id();
    let (kept, counted) =
        bench.write(move |tx| Ok((tx.tallies(workspace_id, id)?, tx.recount(workspace_id, id)?))).await;
    let of_messages = |mut counts: Vec<(String, i64)>| {
        counts.retain(|(bucket, _)| bucket != "planned");
        counts
    };
    assert_eq!(of_messages(kept), of_messages(counted), "{}: exact books", bench.test.engine);
    let mut states = BTreeMap::new();
    for id in ids {
        *states.entry(bench.state(*id).await.as_str()).or_insert(0) += 1;
    }
    states
}

/// Everybody got it once, and nobody else.
async fn everybody_once(bench: &Bench, count: usize) {
    let mut got: Vec<String> =
        bench.ledger("wa_accepted").await.iter().map(|entry| entry["to"].as_str().unwrap().to_owned()).collect();
    got.sort();
    let wanted: Vec<String> = (0..count).map(phone).collect();
    let digits = |all: &[String]| all.iter().map(|each| each.trim_start_matches('+').to_owned()).collect::<Vec<_>>();
    assert_eq!(digits(&got), digits(&wanted), "{}: each once", bench.test.engine);
}

/// A service message of a session, which nothing about marketing holds.
async fn service_goes_on(bench: &Bench, channel: &Channel) {
    let session = bench.session(channel, bench.test.now().plus(time::DAY)).await;
    let content = Content::Template {
        header: None,
        name: "order_update".to_owned(),
        language: "en_US".to_owned(),
        parameters: vec!["Ann".to_owned(), "77".to_owned()],
        buttons: Vec::new(),
        cards: Vec::new(),
        offer: None,
        text: "Hi Ann, there is news about your order 77.".to_owned(),
    };
    let id = bench.enqueue(&bench.whatsapp_to(channel, "+14165559999", session, &content)).await;
    bench.until_state(id, OutboxState::Accepted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_template_holds_its_campaign_through_a_crash_until_it_is_reinstated() {
    const COUNT: usize = 20;
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        template(&bench, &channel, "MARKETING").await;
        // WhatsApp has paused it and its notice has not come: the first refusal holds the campaign.
        at_whatsapp(&bench, "PAUSED").await;
        let (id, ids) = campaign(&bench, &channel, MessageClass::Marketing, COUNT).await;
        // The node "one" dies with a message claimed; nothing of it has left.
        let (workspace_id, channel_id, now) = (bench.test.workspace_id(), channel.id, bench.test.now());
        let claimed = bench
            .write(move |tx| {
                let claim = Claim { owner: "one", limit: 3, lease_until: now.plus(60_000), now };
                tx.claim_outbox(workspace_id, channel_id, &claim)
            })
            .await;
        assert_eq!(claimed.len(), 3);
        let running = bench.start("one");
        until_held(&bench, id, "template_paused").await;
        running.shutdown().await;
        assert_eq!(books(&bench, id, &ids).await, BTreeMap::from([("queued", COUNT)]), "{}", bench.test.engine);
        assert!(bench.ledger("wa_accepted").await.is_empty());

        // The notice comes, and another node begins: it takes nothing of the campaign.
        told_of_template(&bench, &channel, "PAUSED").await;
        let refusals = bench.ledger("graph_refused").await.len();
        let running = bench.start("two");
        tokio::time::sleep(std::time::Duration::from_millis(700)).await;
        bench.test.clock.advance(time::HOUR);
        tokio::time::sleep(std::time::Duration::from_millis(700)).await;
        assert_eq!(bench.ledger("graph_refused").await.len(), refusals, "it is not even tried");
        assert_eq!(books(&bench, id, &ids).await, BTreeMap::from([("queued", COUNT)]));

        at_whatsapp(&bench, "APPROVED").await;
        told_of_template(&bench, &channel, "REINSTATED").await;
        for message in &ids {
            bench.until_state(*message, OutboxState::Accepted).await;
        }
        everybody_once(&bench, COUNT).await;
        assert_eq!(books(&bench, id, &ids).await, BTreeMap::from([("accepted", COUNT)]));
        assert_eq!(hold(&bench, id).await, None);
        until("it finishes", async || {
            let state: String =
                bench.write(move |tx| tx.query_one(&CAMPAIGN_STATE, &[&workspace_id, &id], |row| row.next())).await;
            state == "finished"
        })
        .await;
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_holds_the_campaign_until_there_is_room_and_a_restart_changes_nothing() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        template(&bench, &channel, "MARKETING").await;
        let tier = |word: &str| {
            json!({ "display_phone_number": "15550783881", "event": "ONBOARDING",
            "max_daily_conversations_per_business": word })
        };
        bench.faults(json!({ "messaging_limit": 3 })).await;
        told(&bench, &channel, "phone_number_quality_update", tier("TIER_3")).await;
        let (id, ids) = campaign(&bench, &channel, MessageClass::Marketing, 5).await;
        let running = bench.start("one");
        until_held(&bench, id, "messaging_limit").await;
        running.shutdown().await;
        let running = bench.start("two");
        service_goes_on_is_counted(&bench, &channel).await;
        assert_eq!(books(&bench, id, &ids).await, BTreeMap::from([("accepted", 3), ("queued", 2)]));
        assert!(bench.ledger("graph_refused").await.is_empty(), "{}: held here, not refused there", bench.test.engine);
        // A day later the first three have dropped out. The sandbox counts by its own clock.
        bench.faults(json!({})).await;
        bench.test.clock.advance(time::DAY + time::MINUTE);
        for message in &ids {
            bench.until_state(*message, OutboxState::Accepted).await;
        }
        assert_eq!(hold(&bench, id).await, None);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_whatsapp_refuses_from_the_number_is_not_tried_again_because_of_the_limit_or_a_look_at_templates() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        template(&bench, &channel, "MARKETING").await;
        bench.faults(json!({ "graph_error": { "code": 131_048, "times": 1 } })).await;
        let (id, ids) = campaign(&bench, &channel, MessageClass::Marketing, 1).await;
        let running = bench.start("one");
        until_held(&bench, id, "spam_limit").await;
        // A place under the limit of customers comes free, and the limit changes.
        bench.faults(json!({ "graph_error": { "code": 131_026, "times": 1 } })).await;
        let session = bench.session(&channel, bench.test.now()).await;
        let content = spring::content(None, "en");
        let other = bench.enqueue(&bench.whatsapp_to(&channel, "+14165559998", session, &content)).await;
        bench.until_state(other, OutboxState::Failed).await;
        let limit = json!({ "max_daily_conversations_per_business": 2 });
        told(&bench, &channel, "business_capability_update", limit).await;
        assert_eq!(hold(&bench, id).await.as_deref(), Some("spam_limit"), "{}", bench.test.engine);
        segue_delivery::sync_templates(&bench.test.store, &bench.test.ctx, &channel).await.unwrap();
        assert_eq!(hold(&bench, id).await.as_deref(), Some("spam_limit"), "{}", bench.test.engine);
        bench.test.clock.advance(time::HOUR);
        bench.until_state(ids[0], OutboxState::Accepted).await;
        assert_eq!(hold(&bench, id).await, None);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_did_not_leave_takes_no_place_under_the_limit() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        template(&bench, &channel, "MARKETING").await;
        let limit = json!({ "max_daily_conversations_per_business": 2 });
        told(&bench, &channel, "business_capability_update", limit).await;
        // One customer cannot be reached at all.
        bench.faults(json!({ "graph_error": { "code": 131_026, "times": 1 } })).await;
        let (id, ids) = campaign(&bench, &channel, MessageClass::Marketing, 3).await;
        let running = bench.start("one");
        for message in &ids {
            until("each has its end", async || {
                [OutboxState::Accepted, OutboxState::Failed].contains(&bench.state(*message).await)
            })
            .await;
        }
        assert_eq!(books(&bench, id, &ids).await, BTreeMap::from([("accepted", 2), ("failed", 1)]));
        let (workspace_id, now) = (bench.test.workspace_id(), bench.test.now());
        let portfolio = match &channel.config {
            segue_store::channel::ChannelConfig::WhatsApp(config) => config.portfolio().to_owned(),
            _ => panic!("WhatsApp"),
        };
        let limit = bench.write(move |tx| tx.messaging_limit_now(workspace_id, &portfolio, now)).await;
        assert_eq!(limit.used, 2, "{}", bench.test.engine);
        running.shutdown().await;
    }
}

/// Who wrote within a day is answered whatever the limit says.
async fn service_goes_on_is_counted(bench: &Bench, channel: &Channel) {
    let session = bench.session(channel, bench.test.now().plus(time::DAY)).await;
    let content = Content::Text { text: "Of course".to_owned() };
    let id = bench.enqueue(&bench.whatsapp_to(channel, "+14165559999", session, &content)).await;
    bench.until_state(id, OutboxState::Accepted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raised_limit_lets_the_campaign_go_on_at_once() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        template(&bench, &channel, "MARKETING").await;
        let limit = |most: i64| json!({ "max_daily_conversations_per_business": most });
        bench.faults(json!({ "messaging_limit": 2 })).await;
        told(&bench, &channel, "business_capability_update", limit(2)).await;
        let (id, ids) = campaign(&bench, &channel, MessageClass::Marketing, 4).await;
        let running = bench.start("one");
        until_held(&bench, id, "messaging_limit").await;
        bench.faults(json!({})).await;
        let second = bench.test.now().0 / 1_000;
        spring::told_at(&bench, &channel, ("business_capability_update", second), limit(-1)).await;
        for message in &ids {
            bench.until_state(*message, OutboxState::Accepted).await;
        }
        everybody_once(&bench, 4).await;
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_red_number_stops_marketing_by_itself_and_service_messages_go_on() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        template(&bench, &channel, "MARKETING").await;
        let number = |event: &str| json!({ "display_phone_number": "15550783881", "event": event });
        let (id, ids) = campaign(&bench, &channel, MessageClass::Marketing, 3).await;
        told(&bench, &channel, "phone_number_quality_update", number("FLAGGED")).await;
        assert_eq!(
            hold(&bench, id).await.as_deref(),
            Some("quality_brake"),
            "{}: before anything left",
            bench.test.engine
        );
        bench.faults(json!({ "quality_rating": "RED" })).await;
        let running = bench.start("one");
        until("the templates are known", async || {
            let (workspace_id, channel_id) = (bench.test.workspace_id(), channel.id);
            bench
                .write(move |tx| tx.template_by_name(workspace_id, channel_id, "order_update", "en_US"))
                .await
                .is_some()
        })
        .await;
        service_goes_on(&bench, &channel).await;
        assert_eq!(books(&bench, id, &ids).await, BTreeMap::from([("queued", 3)]));
        told(&bench, &channel, "phone_number_quality_update", number("UNFLAGGED")).await;
        for message in &ids {
            bench.until_state(*message, OutboxState::Accepted).await;
        }
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_quality_of_each_language_counts_in_whatever_order_it_is_told() {
    for bench in benches().await {
        let (channel, engine) = (bench.whatsapp().await, bench.test.engine);
        spring::templates(&bench, &channel, "MARKETING", (&["en", "de"], false)).await;
        let (workspace_id, channel_id) = (bench.test.workspace_id(), channel.id);
        let braked = async || bench.write(move |tx| tx.is_braked(workspace_id, channel_id, "spring")).await;
        let quality = async |language: &str, score: &str, second: i64| {
            let value = json!({ "message_template_id": 1, "message_template_name": "spring",
                "message_template_language": language, "new_quality_score": score });
            spring::told_at(&bench, &channel, ("message_template_quality_update", second), value).await;
        };
        let base = 1_795_453_000;
        quality("en", "RED", base).await;
        assert!(braked().await, "{engine}");
        quality("de", "GREEN", base + 1).await;
        assert!(braked().await, "{engine}: English is still red");
        quality("en", "YELLOW", base + 2).await;
        assert!(!braked().await, "{engine}");
        quality("en", "RED", base - 5).await;
        assert!(!braked().await, "{engine}: an old notice");
        quality("de", "RED", base + 3).await;
        quality("de", "GREEN", base - 4).await;
        assert!(braked().await, "{engine}: an old notice");
        quality("de", "GREEN", base + 4).await;
        assert!(!braked().await, "{engine}");
        quality("en", "RED", base + 5).await;
        let now = bench.test.now();
        bench.write(move |tx| tx.release_brake(workspace_id, channel_id, "spring", now)).await;
        quality("de", "YELLOW", base + 6).await;
        assert!(!braked().await, "{engine}: a person let it go on, and of the red language nothing is new");

        let number = async |event: &str, second: i64| {
            let value = json!({ "display_phone_number": "15550783881", "event": event });
            spring::told_at(&bench, &channel, ("phone_number_quality_update", second), value).await;
        };
        number("UNFLAGGED", base + 10).await;
        number("FLAGGED", base + 5).await;
        assert!(!braked().await, "{engine}: an old notice");
        number("FLAGGED", base + 20).await;
        number("UNFLAGGED", base + 15).await;
        assert!(braked().await, "{engine}: an old notice");
        number("UNFLAGGED", base + 25).await;
        assert!(!braked().await, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_is_unarchived_is_sent_again() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        template(&bench, &channel, "MARKETING").await;
        told_of_template(&bench, &channel, "ARCHIVED").await;
        let (id, ids) = campaign(&bench, &channel, MessageClass::Marketing, 1).await;
        told_of_template(&bench, &channel, "UNARCHIVED").await;
        let running = bench.start("one");
        bench.until_state(ids[0], OutboxState::Accepted).await;
        assert_eq!(hold(&bench, id).await, None, "{}", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_whatsapp_holds_for_quality_assessment_is_not_sent_until_a_status_says_so() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        template(&bench, &channel, "MARKETING").await;
        bench.faults(json!({ "hold_for_quality": 2 })).await;
        let (id, ids) = campaign(&bench, &channel, MessageClass::Marketing, 2).await;
        let running = bench.start("one");
        for message in &ids {
            bench.until_state(*message, OutboxState::Unknown).await;
        }
        let workspace_id = bench.test.workspace_id();
        let funnel = async || bench.write(move |tx| tx.funnel(workspace_id, id)).await;
        let seen = funnel().await;
        assert_eq!((seen.sent, seen.unknown, seen.assessed), (0, 0, 2), "{}", bench.test.engine);
        let accepted = bench.ledger("wa_accepted").await;
        let status = |entry: &Value, word: &str, errors: Value| json!({ "statuses": [{ "id": entry["wamid"], "status": word, "timestamp": "1795453300", "errors": errors }] });
        told(&bench, &channel, "messages", status(&accepted[0], "sent", json!([]))).await;
        told(&bench, &channel, "messages", status(&accepted[1], "failed", json!([{ "code": 132_015 }]))).await;
        let seen = funnel().await;
        assert_eq!((seen.sent, seen.failed, seen.assessed), (1, 1, 0), "{}", bench.test.engine);
        assert_eq!(books(&bench, id, &ids).await, BTreeMap::from([("accepted", 1), ("failed", 1)]));
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_at_meta_is_recorded_and_enough_marketing_is_not_tried_again() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        template(&bench, &channel, "MARKETING").await;
        let (workspace_id, stopped) = (bench.test.workspace_id(), phone(0));
        bench.faults(json!({ "graph_error": { "code": 131_050, "times": 1 } })).await;
        let (_, ids) = campaign(&bench, &channel, MessageClass::Marketing, 1).await;
        let running = bench.start("one");
        bench.until_state(ids[0], OutboxState::Failed).await;
        let address = stopped.clone();
        let entries: Vec<(String, String)> = bench
            .write(move |tx| tx.query(&NO_COME, &[&workspace_id, &address], |row| Ok((row.next()?, row.next()?))))
            .await;
        assert_eq!(entries, [("meta_user_preferences".to_owned(), "revoke".to_owned())], "{}", bench.test.engine);

        // The same told later, of another customer.
        let other = json!({ "statuses": [{ "id": "wamid.none", "status": "failed", "timestamp": "1795453300",
            "recipient_id": "14165550177", "errors": [{ "code": 131_050 }] }] });
        told(&bench, &channel, "messages", other).await;
        let known = bench
            .write(move |tx| tx.consent_state(workspace_id, Medium::WhatsApp, "+14165550177", Purpose::Marketing))
            .await;
        assert_eq!(known.state, ConsentState::Revoked);

        bench.faults(json!({ "graph_error": { "code": 131_049, "times": 1 } })).await;
        let (_, ids) = campaign(&bench, &channel, MessageClass::Service, 1).await;
        bench.until_state(ids[0], OutboxState::Failed).await;
        bench.test.clock.advance(2 * time::DAY);
        tokio::time::sleep(std::time::Duration::from_millis(700)).await;
        assert_eq!(bench.state(ids[0]).await, OutboxState::Failed, "never by itself");
        assert!(bench.ledger("wa_accepted").await.is_empty());
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_an_agent_talks_with_since_the_plan_is_left_alone() {
    static ACCEPT: Sql =
        Sql::portable("ACCEPT", "UPDATE sessions SET agent_id = $3 WHERE workspace_id = $1 AND id = $2");
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        template(&bench, &channel, "MARKETING").await;
        let id = spring::campaign_sparing(&bench, &channel, None, SessionRule::NoAgent).await;
        let (mut ids, mut sessions) = (Vec::new(), Vec::new());
        // Planned while nobody had taken the conversation of either.
        for (number, position) in [(0, 1), (1, 2)] {
            let session = bench.session(&channel, bench.test.now()).await;
            bench.known_at(session, &phone(number)).await;
            let to = (&*phone(number), position, "en");
            ids.push(spring::message(&bench, &channel, (id, None), to, MessageClass::Marketing).await);
            sessions.push(session);
        }
        let (workspace_id, accepted) = (bench.test.workspace_id(), sessions[0]);
        let agent: UserId = bench.test.ctx.id();
        bench.write(move |tx| tx.execute(&ACCEPT, &[&workspace_id, &accepted, &agent])).await;
        let running = bench.start("one");
        bench.until_state(ids[1], OutboxState::Accepted).await;
        bench.until_state(ids[0], OutboxState::Suppressed).await;
        assert_eq!(bench.rule(ids[0]).await.as_deref(), Some("session_open"), "{}", bench.test.engine);
        assert_eq!(bench.ledger("wa_accepted").await.len(), 1, "{}", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_to_the_united_states_does_not_leave() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        template(&bench, &channel, "MARKETING").await;
        let id = spring::campaign(&bench, &channel, None).await;
        let to = ("+12125550100", 1, "en");
        let message = spring::message(&bench, &channel, (id, None), to, MessageClass::Marketing).await;
        let running = bench.start("one");
        bench.until_state(message, OutboxState::Suppressed).await;
        assert_eq!(bench.rule(message).await.as_deref(), Some("country_not_taken"), "{}", bench.test.engine);
        assert!(bench.ledger("wa_accepted").await.is_empty(), "{}", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gets_enough_marketing_gets_nothing_of_the_next_campaign_for_a_day() {
    for bench in benches().await {
        let engine = bench.test.engine;
        let channel = bench.whatsapp().await;
        template(&bench, &channel, "MARKETING").await;
        let running = bench.start("one");
        // WhatsApp says so once in its answer, and once when it has taken the message.
        bench.faults(json!({ "graph_error": { "code": 131_049, "times": 1 } })).await;
        let (_, first) = campaign(&bench, &channel, MessageClass::Marketing, 1).await;
        bench.until_state(first[0], OutboxState::Failed).await;
        let (_, second) = campaign(&bench, &channel, MessageClass::Marketing, 2).await;
        bench.until_state(second[1], OutboxState::Accepted).await;
        let accepted = bench.ledger("wa_accepted").await;
        assert_eq!(accepted.len(), 1, "{engine}");
        let failed = json!({ "statuses": [{ "id": accepted[0]["wamid"], "status": "failed",
            "timestamp": (bench.test.now().0 / 1_000).to_string(), "recipient_id": &phone(1)[1..],
            "errors": [{ "code": 131_049 }] }] });
        told(&bench, &channel, "messages", failed).await;
        assert_eq!(bench.state(second[1]).await, OutboxState::Failed, "{engine}");
        let (_, third) = campaign(&bench, &channel, MessageClass::Marketing, 2).await;
        for message in [second[0], third[0], third[1]] {
            until("it waits", async || bench.rule(message).await.as_deref() == Some("enough_marketing")).await;
            assert_eq!(bench.state(message).await, OutboxState::Queued, "{engine}");
        }
        bench.test.clock.advance(time::DAY - time::HOUR);
        tokio::time::sleep(std::time::Duration::from_millis(700)).await;
        assert_eq!(bench.ledger("wa_accepted").await.len(), 1, "{engine}: nothing is even tried");
        assert_eq!(bench.ledger("graph_refused").await.len(), 1, "{engine}");
        bench.test.clock.advance(time::HOUR + time::MINUTE);
        for message in [second[0], third[0], third[1]] {
            bench.until_state(message, OutboxState::Accepted).await;
        }
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_moved_to_marketing_needs_the_consent_of_marketing() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        template(&bench, &channel, "UTILITY").await;
        let (_, ids) = campaign(&bench, &channel, MessageClass::Service, 2).await;
        // One of the two has agreed to service alone.
        bench.test.set_consent(Medium::WhatsApp, &phone(1), Purpose::Marketing, ConsentState::None).await;
        bench.test.set_consent(Medium::WhatsApp, &phone(1), Purpose::Service, ConsentState::Granted).await;
        let moved = json!({ "message_template_id": 1, "message_template_name": "spring", "message_template_language": "en",
            "previous_category": "UTILITY", "new_category": "MARKETING" });
        told(&bench, &channel, "template_category_update", moved).await;
        at_sandbox(
            &bench,
            "templates",
            &json!({ "name": "spring", "language": "en", "category": "MARKETING", "components": [{ "type": "BODY",
                "text": "Hi {{1}}, spring is here.", "example": { "body_text": [["Ana"]] } }] }),
            false,
        )
        .await;
        let running = bench.start("one");
        bench.until_state(ids[0], OutboxState::Accepted).await;
        bench.until_state(ids[1], OutboxState::Suppressed).await;
        assert_eq!(bench.rule(ids[1]).await.as_deref(), Some("no_consent"), "{}", bench.test.engine);
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_comes_before_its_notice_holds_the_campaign_and_is_tried_again() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        template(&bench, &channel, "MARKETING").await;
        let running = bench.start("one");
        let workspace_id = bench.test.workspace_id();
        until("the number was looked at", async || {
            bench
                .write(move |tx| tx.channel(workspace_id, channel.id))
                .await
                .is_some_and(|channel| channel.state == segue_store::channel::ChannelState::Connected)
        })
        .await;
        // The second time the first four have been written to before, one more may be, and the others are refused.
        for (rule, stop, count, whole) in [("template_paused", true, 4, 4), ("spam_limit", false, 8, 12)] {
            if stop {
                at_whatsapp(&bench, "PAUSED").await;
            } else {
                bench.faults(json!({ "messaging_limit": 5 })).await;
            }
            let refusals = bench.ledger("graph_refused").await.len();
            let (id, ids) = campaign(&bench, &channel, MessageClass::Marketing, count).await;
            until_held(&bench, id, rule).await;
            assert!(bench.ledger("graph_refused").await.len() > refusals, "{}: refused there", bench.test.engine);
            // A refusal that comes later would hold it from then on.
            until("all have come back", async || {
                let states = books(&bench, id, &ids).await;
                states.keys().all(|state| ["queued", "accepted"].contains(state))
            })
            .await;
            let until_then = bench.write(move |tx| tx.campaign_hold(workspace_id, id)).await.unwrap().until;
            assert!(until_then.is_some(), "{}: nobody else would let it go on", bench.test.engine);
            if stop {
                at_whatsapp(&bench, "APPROVED").await;
            } else {
                bench.faults(json!({})).await;
            }
            bench.test.clock.advance(16 * time::MINUTE);
            for message in &ids {
                bench.until_state(*message, OutboxState::Accepted).await;
            }
            assert_eq!(bench.ledger("wa_accepted").await.len(), whole, "{}: each once", bench.test.engine);
            assert_eq!(hold(&bench, id).await, None);
        }
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_at_the_contacts_own_number_counts_where_the_message_goes() {
    use segue_model::contact::ContactFields;
    use segue_store::recipient::NewRecipient;
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        template(&bench, &channel, "MARKETING").await;
        let (id, messages) = campaign(&bench, &channel, MessageClass::Marketing, 3).await;
        let workspace_id = bench.test.workspace_id();
        // Each writes from another number than the one the contact has.
        for (number, message_id) in messages.iter().enumerate() {
            let (own, message_id, now) = (phone(number + 50), *message_id, bench.test.now());
            let (contact, recipients) = (bench.test.ctx.id(), u32::try_from(number + 1).unwrap());
            let fields = ContactFields { phone: Some(own.parse().unwrap()), ..ContactFields::default() };
            bench
                .write(move |tx| {
                    tx.insert_contact(workspace_id, contact, &fields, now)?;
                    let recipient = NewRecipient {
                        position: recipients,
                        contact_id: contact,
                        phone: fields.phone.clone(),
                        rule: "allowed",
                        message_id: Some(message_id),
                    };
                    tx.insert_recipient(workspace_id, id, &recipient)
                })
                .await;
        }
        // After the plan one says no at the own number, and another is suppressed there.
        bench.test.set_consent(Medium::WhatsApp, &phone(50), Purpose::Marketing, ConsentState::Revoked).await;
        let (listed, now) = (phone(51), bench.test.now());
        bench.write(move |tx| tx.suppress(workspace_id, &listed, "bounced", now)).await;
        let running = bench.start("one");
        bench.until_state(messages[2], OutboxState::Accepted).await;
        bench.until_state(messages[0], OutboxState::Suppressed).await;
        bench.until_state(messages[1], OutboxState::Suppressed).await;
        assert_eq!(bench.rule(messages[0]).await.as_deref(), Some("opted_out"), "{}", bench.test.engine);
        assert_eq!(bench.rule(messages[1]).await.as_deref(), Some("suppressed"));
        running.shutdown().await;
    }
}
