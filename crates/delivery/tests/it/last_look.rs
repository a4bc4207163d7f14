//! The last look before bytes leave: what changed between planning and sending counts.

use segue_model::{
    CampaignId, MessageId,
    consent::{ConsentAction, ConsentMethod, ConsentState, Medium, Purpose, Scope},
    content::Content,
    delivery::{MessageClass, OutboxState},
    template::TemplateCategory,
    time,
};
use segue_store::{
    Sql,
    channel::{Channel, Registration},
    consent::{ConsentError, ConsentExtent, NewConsentEvent},
    outbox::{Claim, NewOutbox},
    template::ListedTemplate,
};
use segue_testkit::NOON;
use serde_json::json;

use crate::bench::{Bench, SENDER, benches, until};

const CUSTOMER: &str = "+12125550199";

fn marketing(bench: &Bench, channel: &Channel, text: &str) -> NewOutbox {
    NewOutbox { class: MessageClass::Marketing, ..bench.sms_to(channel, CUSTOMER, text) }
}

async fn grant(bench: &Bench, state: ConsentState) {
    bench.test.set_consent(Medium::Sms, CUSTOMER, Purpose::Marketing, state).await;
}

/// Claims the message as a worker does, lets `change` happen, then begins it.
async fn begin_after<F: Future<Output = ()>>(
    bench: &Bench,
    channel: &Channel,
    id: MessageId,
    change: impl FnOnce() -> F,
) -> segue_delivery::Begin {
    let (workspace_id, channel_id, now) = (bench.test.workspace_id(), channel.id, bench.test.now());
    let claimed = bench
        .write(move |tx| {
            let claim = Claim { owner: "test", limit: 1, lease_until: now.plus(60_000), now };
            tx.claim_outbox(workspace_id, channel_id, &claim)
        })
        .await
        .pop()
        .expect("it is due");
    assert_eq!(claimed.id, id);
    change().await;
    let (ctx, channel) = (bench.test.ctx.clone(), channel.clone());
    bench.write(move |tx| segue_delivery::begin(tx, &ctx, &channel, &claimed, ctx.now().plus(60_000))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_between_claim_and_submit_wins() {
    for bench in benches().await {
        let channel = bench.sms().await;
        grant(&bench, ConsentState::Granted).await;
        let allowed = bench.enqueue(&marketing(&bench, &channel, "yes")).await;
        assert_eq!(begin_after(&bench, &channel, allowed, async || {}).await, segue_delivery::Begin::Go);

        let refused = bench.enqueue(&marketing(&bench, &channel, "no")).await;
        let begun = begin_after(&bench, &channel, refused, async || grant(&bench, ConsentState::Revoked).await).await;
        assert_eq!(begun, segue_delivery::Begin::No, "{}", bench.test.engine);
        assert_eq!(bench.state(refused).await, OutboxState::Suppressed);
        assert_eq!(bench.rule(refused).await.as_deref(), Some("opted_out"));
    }
}

/// A yes that ends in an hour.
async fn grant_for_an_hour(bench: &Bench) {
    let (workspace_id, ctx, now) = (bench.test.workspace_id(), bench.test.ctx.clone(), bench.test.now());
    let event = NewConsentEvent {
        medium: Medium::Sms,
        address: CUSTOMER.to_owned(),
        purpose: Purpose::Marketing,
        action: ConsentAction::Grant,
        method: ConsentMethod::WebForm,
        wording: Some("Offers until tonight".to_owned()),
        proof: None,
        actor: "system".to_owned(),
        occurred_at: now,
    };
    let extent = ConsentExtent { expires_at: Some(now.plus(time::HOUR)), ..ConsentExtent::default() };
    let recorded = bench
        .test
        .store
        .write::<_, ConsentError, _>(move |tx| tx.record_consent_within(workspace_id, &event, &extent, &ctx).map(drop));
    recorded.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_that_is_over_stops_what_waits_whether_or_not_its_end_is_recorded() {
    for bench in benches().await {
        let channel = bench.sms().await;
        grant_for_an_hour(&bench).await;
        let allowed = bench.enqueue(&marketing(&bench, &channel, "yes")).await;
        assert_eq!(begin_after(&bench, &channel, allowed, async || {}).await, segue_delivery::Begin::Go);
        let late = bench.enqueue(&marketing(&bench, &channel, "late")).await;
        let over = async || {
            bench.test.clock.advance(time::HOUR);
        };
        let begun = begin_after(&bench, &channel, late, over).await;
        assert_eq!(begun, segue_delivery::Begin::No, "{}", bench.test.engine);
        assert_eq!(bench.rule(late).await.as_deref(), Some("consent_expired"), "{}", bench.test.engine);

        // So does a campaign, whose messages are read together with what is known of their recipients.
        let (workspace_id, ctx) = (bench.test.workspace_id(), bench.test.ctx.clone());
        let (sender, campaign_id) = (bench.test.sender(channel.id, SENDER).await.id, ctx.id::<CampaignId>());
        let senders = bench.write(move |tx| tx.senders(workspace_id)).await;
        let sender = senders.first().map_or(sender, |stored| stored.id);
        bench.write(move |tx| tx.execute(&INSERT_CAMPAIGN, &[&workspace_id, &campaign_id, &sender])).await;
        let mut of_campaign = marketing(&bench, &channel, "later still");
        of_campaign.campaign = Some((campaign_id, 1));
        let of_campaign = bench.enqueue(&of_campaign).await;
        let now = bench.test.now();
        let key = (channel.id, Medium::Sms);
        let due = bench.write(move |tx| tx.due_outbox(workspace_id, key, 9, now)).await;
        let look = due.into_iter().find(|due| due.message.id == of_campaign).and_then(|due| due.look).unwrap();
        assert_eq!(look.consent, ConsentState::Expired, "{}", bench.test.engine);

        // Its end on record changes nothing, and a new yes does.
        bench.test.store.write::<_, ConsentError, _>(move |tx| tx.expire_consents(workspace_id, &ctx)).await.unwrap();
        let state = bench.write(move |tx| tx.consent_state(workspace_id, Medium::Sms, CUSTOMER, Purpose::Marketing));
        assert_eq!(state.await.state, ConsentState::Expired, "{}", bench.test.engine);
        bench.test.clock.advance(1);
        grant_for_an_hour(&bench).await;
        let again = bench.enqueue(&marketing(&bench, &channel, "again")).await;
        assert_eq!(begin_after(&bench, &channel, again, async || {}).await, segue_delivery::Begin::Go);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_stop_ends_what_is_claimed_and_no_submit_begins_after_it() {
    use segue_model::consent::{ConsentAction, ConsentMethod};
    for bench in benches().await {
        let channel = bench.sms().await;
        grant(&bench, ConsentState::Granted).await;
        let id = bench.enqueue(&marketing(&bench, &channel, "no")).await;
        let begun = begin_after(&bench, &channel, id, async || {
            let (workspace_id, ctx) = (bench.test.workspace_id(), bench.test.ctx.clone());
            let event = segue_store::consent::NewConsentEvent {
                medium: Medium::Sms,
                address: CUSTOMER.to_owned(),
                purpose: Purpose::Marketing,
                action: ConsentAction::Revoke,
                method: ConsentMethod::Keyword,
                wording: Some("STOP".to_owned()),
                proof: None,
                actor: "customer".to_owned(),
                occurred_at: bench.test.now(),
            };
            let recorded = bench.test.store.write(move |tx| tx.record_consent(workspace_id, &event, &ctx)).await;
            recorded.expect("the STOP is recorded");
        })
        .await;
        assert_eq!(begun, segue_delivery::Begin::No, "{}", bench.test.engine);
        assert_eq!(bench.state(id).await, OutboxState::Canceled);
    }
}

static SET_SENDER: Sql =
    Sql::portable("SET_SENDER", "UPDATE senders SET registration = $3 WHERE workspace_id = $1 AND address = $2");

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_is_asked_again() {
    for bench in benches().await {
        let channel = bench.sms().await;
        let workspace_id = bench.test.workspace_id();
        grant(&bench, ConsentState::Granted).await;
        let ends = |id: MessageId, state: OutboxState, rule: &'static str| {
            let bench = &bench;
            async move {
                assert_eq!(bench.state(id).await, state, "{} {rule}", bench.test.engine);
                assert_eq!(bench.rule(id).await.as_deref(), Some(rule), "{}", bench.test.engine);
            }
        };

        let expiring = NewOutbox { expires_at: Some(bench.test.now()), ..marketing(&bench, &channel, "too late") };
        let id = bench.enqueue(&expiring).await;
        begin_after(&bench, &channel, id, async || bench.test.clock.advance(1)).await;
        ends(id, OutboxState::Expired, "expired").await;

        let id = bench.enqueue(&marketing(&bench, &channel, "unregistered")).await;
        let set = async |registration: Registration| {
            bench.write(move |tx| tx.execute(&SET_SENDER, &[&workspace_id, &SENDER, &registration.as_str()])).await;
        };
        begin_after(&bench, &channel, id, async || set(Registration::Rejected).await).await;
        ends(id, OutboxState::Suppressed, "sender_not_active").await;
        set(Registration::Active).await;

        let id = bench.enqueue(&marketing(&bench, &channel, "listed")).await;
        begin_after(&bench, &channel, id, async || {
            let now = bench.test.now();
            // Read as another node's transaction left it: the list alone, the waiting row untouched.
            static LIST: Sql = Sql::portable(
                "LIST",
                "INSERT INTO suppressions (workspace_id, address, reason, created_at) VALUES ($1, $2, 'bounced', $3)",
            );
            bench.write(move |tx| tx.execute(&LIST, &[&workspace_id, &CUSTOMER, &now])).await;
        })
        .await;
        ends(id, OutboxState::Suppressed, "suppressed").await;
        let now = bench.test.now();
        bench.write(move |tx| tx.remove_suppression(workspace_id, CUSTOMER, "test", "test", now)).await;

        // Nine hours after noon it is 21:00 in New York, where the number is: quiet until 8:00.
        let id = bench.enqueue(&marketing(&bench, &channel, "night")).await;
        begin_after(&bench, &channel, id, async || bench.test.clock.advance(9 * time::HOUR)).await;
        ends(id, OutboxState::Queued, "quiet_hours").await;
        let (channel_id, morning) = (channel.id, NOON.plus(20 * time::HOUR));
        let claim_at = |at| {
            bench.write(move |tx| {
                let claim = Claim { owner: "test", limit: 9, lease_until: at, now: at };
                tx.claim_outbox(workspace_id, channel_id, &claim)
            })
        };
        assert!(claim_at(morning.plus(-1)).await.is_empty());
        assert_eq!(claim_at(morning).await.len(), 1, "{}", bench.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_of_no_country_leaves_by_the_workspaces_clock() {
    const ANYWHERE: &str = "+80012345678";
    for bench in benches().await {
        let channel = bench.sms().await;
        bench.test.set_consent(Medium::Sms, ANYWHERE, Purpose::Marketing, ConsentState::Granted).await;
        let message =
            NewOutbox { class: MessageClass::Marketing, ..bench.sms_to(&channel, ANYWHERE, "planned as allowed") };
        let id = bench.enqueue(&message).await;
        let begun = begin_after(&bench, &channel, id, async || {}).await;
        assert_eq!(begun, segue_delivery::Begin::Go, "{}: held for ever otherwise", bench.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_window_and_a_paused_template_are_refused() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let (workspace_id, channel_id) = (bench.test.workspace_id(), channel.id);
        let session = bench.session(&channel, bench.test.now().plus(time::HOUR)).await;
        let text = Content::Text { text: "hi".to_owned() };
        let id = bench.enqueue(&bench.whatsapp_to(&channel, "+15550199", session, &text)).await;
        begin_after(&bench, &channel, id, async || bench.test.clock.advance(time::HOUR - time::MINUTE)).await;
        assert_eq!(bench.rule(id).await.as_deref(), Some("window_closed"), "{}: the guard counts", bench.test.engine);

        let listed = ListedTemplate {
            name: "back".to_owned(),
            language: "en".to_owned(),
            category: "UTILITY".to_owned(),
            status: "APPROVED".to_owned(),
            components: json!([{ "type": "BODY", "text": "Hello" }]),
            ..ListedTemplate::default()
        };
        let ctx = bench.test.ctx.clone();
        bench
            .write(move |tx| tx.replace_templates(workspace_id, channel_id, std::slice::from_ref(&listed), &ctx))
            .await;
        let template = Content::Template {
            name: "back".to_owned(),
            language: "en".to_owned(),
            parameters: Vec::new(),
            text: "Hello".to_owned(),
            header: None,
            buttons: Vec::new(),
            cards: Vec::new(),
            offer: None,
        };
        let id = bench.enqueue(&bench.whatsapp_to(&channel, "+15550199", session, &template)).await;
        assert_eq!(
            begin_after(&bench, &channel, id, async || {}).await,
            segue_delivery::Begin::Go,
            "a template needs no window"
        );
        let session = bench.session(&channel, bench.test.now()).await;
        let id = bench.enqueue(&bench.whatsapp_to(&channel, "+15550198", session, &template)).await;
        begin_after(&bench, &channel, id, async || {
            let now = bench.test.now();
            bench
                .write(move |tx| {
                    tx.set_template_status(workspace_id, channel_id, ("back", None), ("PAUSED", None), (None, now))
                })
                .await;
        })
        .await;
        assert_eq!(bench.rule(id).await.as_deref(), Some("template_not_approved"), "{}", bench.test.engine);
        assert_eq!(bench.state(id).await, OutboxState::Suppressed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_to_a_template_or_its_category_between_claim_and_submit_wins() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let (workspace_id, channel_id) = (bench.test.workspace_id(), channel.id);
        let listed = |name: &str| ListedTemplate {
            name: name.to_owned(),
            language: "en".to_owned(),
            category: "UTILITY".to_owned(),
            status: "APPROVED".to_owned(),
            components: json!([{ "type": "BODY", "text": "Hello" }]),
            ..ListedTemplate::default()
        };
        let (all, ctx) = ([listed("back"), listed("order")], bench.test.ctx.clone());
        bench.write(move |tx| tx.replace_templates(workspace_id, channel_id, &all, &ctx)).await;
        let template = |name: &str| Content::Template {
            name: name.to_owned(),
            language: "en".to_owned(),
            parameters: Vec::new(),
            text: "Hello".to_owned(),
            header: None,
            buttons: Vec::new(),
            cards: Vec::new(),
            offer: None,
        };
        let refuse = async |to: String, scope: Scope| {
            let (ctx, now) = (bench.test.ctx.clone(), bench.test.now());
            let event = NewConsentEvent {
                medium: Medium::WhatsApp,
                address: to,
                purpose: Purpose::Service,
                action: ConsentAction::Revoke,
                method: ConsentMethod::Agent,
                wording: None,
                proof: None,
                actor: "test".to_owned(),
                occurred_at: now,
            };
            let recorded = bench.test.store.write::<_, ConsentError, _>(move |tx| {
                tx.record_consent_within(workspace_id, &event, &ConsentExtent::of(scope.clone()), &ctx).map(drop)
            });
            recorded.await.unwrap();
        };
        let marketing = Scope::Category(TemplateCategory::Marketing);
        for (to, name, scope, leaves) in [
            ("+15550101", "back", None, true),
            ("+15550102", "back", Some(Scope::Template("back".to_owned())), false),
            ("+15550103", "order", Some(Scope::Template("back".to_owned())), true),
            ("+15550104", "order", Some(marketing), true),
            ("+15550105", "order", Some(Scope::Category(TemplateCategory::Utility)), false),
        ] {
            let session = bench.session(&channel, bench.test.now()).await;
            let id = bench.enqueue(&bench.whatsapp_to(&channel, to, session, &template(name))).await;
            let said = async || {
                if let Some(scope) = scope.clone() {
                    refuse(to.to_owned(), scope).await;
                }
            };
            let begun = begin_after(&bench, &channel, id, said).await;
            let what = format!("{name} after {scope:?} on {}", bench.test.engine);
            assert_eq!(begun == segue_delivery::Begin::Go, leaves, "{what}");
            if !leaves {
                assert_eq!(bench.rule(id).await.as_deref(), Some("template_refused"), "{what}");
                assert_eq!(bench.state(id).await, OutboxState::Suppressed, "{what}");
            }
        }
    }
}

static INSERT_CAMPAIGN: Sql = Sql::portable(
    "INSERT_CAMPAIGN",
    "INSERT INTO campaigns (workspace_id, id, number, name, state, sender_id, audience, body, footer, prefilled_text,
            planned_all, created_at, version)
        VALUES ($1, $2, 1, 'Sale', 'running', $3, '{}', 'Hi', 'none', '', 1, 0, 1)",
);
static SET_CAMPAIGN: Sql =
    Sql::portable("SET_CAMPAIGN", "UPDATE campaigns SET state = $3 WHERE workspace_id = $1 AND id = $2");
static CAMPAIGN_STATE: Sql =
    Sql::portable("CAMPAIGN_STATE", "SELECT state FROM campaigns WHERE workspace_id = $1 AND id = $2");

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_campaign_sends_nothing_goes_on_when_resumed_and_ends_by_itself() {
    for bench in benches().await {
        let channel = bench.sms().await;
        grant(&bench, ConsentState::Granted).await;
        let workspace_id = bench.test.workspace_id();
        let (sender, campaign_id) = (bench.test.sender(channel.id, SENDER).await.id, bench.test.ctx.id::<CampaignId>());
        let senders = bench.write(move |tx| tx.senders(workspace_id)).await;
        let sender = senders.first().map_or(sender, |stored| stored.id);
        bench.write(move |tx| tx.execute(&INSERT_CAMPAIGN, &[&workspace_id, &campaign_id, &sender])).await;
        let mut ids = Vec::new();
        for position in 0..3 {
            let phone = format!("+1212555010{}", 7 + position);
            bench.test.set_consent(Medium::Sms, &phone, Purpose::Marketing, ConsentState::Granted).await;
            let mut message = marketing(&bench, &channel, &format!("sale {position}"));
            message.address = phone;
            message.campaign = Some((campaign_id, position));
            ids.push(bench.enqueue(&message).await);
        }
        let set = async |state: &'static str| {
            bench.write(move |tx| tx.execute(&SET_CAMPAIGN, &[&workspace_id, &campaign_id, &state])).await;
        };
        // Paused after the claim: the claimed message goes back as it was.
        let begun = begin_after(&bench, &channel, ids[0], async || set("paused").await).await;
        assert_eq!(begun, segue_delivery::Begin::No, "{}", bench.test.engine);
        assert_eq!(bench.state(ids[0]).await, OutboxState::Queued);

        let running = bench.start("one");
        // Something else goes out meanwhile, so the worker has looked.
        let other = bench.enqueue(&bench.sms_to(&channel, "+12125550101", "other")).await;
        bench.until_state(other, OutboxState::Delivered).await;
        assert_eq!(bench.sms_texts().await, ["other"], "{}", bench.test.engine);
        set("running").await;
        for id in ids {
            bench.until_state(id, OutboxState::Delivered).await;
        }
        until("the campaign is finished", async || {
            let state: String = bench
                .write(move |tx| tx.query_one(&CAMPAIGN_STATE, &[&workspace_id, &campaign_id], |row| row.next()))
                .await;
            state == "finished"
        })
        .await;
        let events = bench.write(move |tx| tx.events_since(workspace_id, 0, 1_000)).await;
        assert!(events.iter().any(|event| event.kind == "campaign.progress"));
        running.shutdown().await;
    }
}
