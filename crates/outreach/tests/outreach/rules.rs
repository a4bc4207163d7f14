//! What a campaign asks of the policy: the check before the start and the plan agree with what the last look will say.

use segue_model::{
    CampaignId, Timestamp,
    campaign::CampaignAction,
    frequency::Period,
    policy::{AtQuietHours, QuietHours},
    schedule::{Schedule, ScheduleClock},
    sender_hours::SenderHours,
    series::{CampaignRules, LabelCap},
    time,
};
use segue_outreach::campaign::{funnel, preflight};
use segue_store::{campaign::CampaignInput, recipient::RecipientQuery};

use crate::world::{World, phone, worlds};

async fn draft(world: &World, schedule: Schedule, rules: CampaignRules) -> CampaignId {
    world.draft(CampaignInput { schedule, rules, ..world.input() }).await.unwrap().id
}

fn discard() -> CampaignRules {
    CampaignRules { at_quiet_hours: Some(AtQuietHours::Discard), ..CampaignRules::default() }
}

/// Reasons with their counts: of those who wait, and of those who are left out.
async fn check(world: &World, id: CampaignId) -> (Vec<(String, i64)>, Vec<(String, i64)>, i64) {
    let (store, ctx) = (&world.test.store, &world.test.ctx);
    let looked = preflight::preflight(store, ctx, &world.links, world.ws(), id).await.unwrap();
    let counts =
        |rules: &[preflight::PreflightRule]| rules.iter().map(|rule| (rule.rule.clone(), rule.count)).collect();
    (counts(&looked.held), counts(&looked.excluded), looked.sendable)
}

/// The rules that the plan wrote down.
async fn planned(world: &World, id: CampaignId) -> Vec<Option<String>> {
    world.act(id, CampaignAction::Start).await.unwrap();
    world.plan(id).await;
    let (ws, now) = (world.ws(), world.test.now());
    let query = RecipientQuery { limit: 100, ..RecipientQuery::default() };
    let recipients = world.write(move |tx| tx.recipients(ws, id, &query, now)).await;
    recipients.into_iter().map(|recipient| recipient.rule).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_fall_into_quiet_hours_is_counted_and_left_out_by_the_check_and_the_plan() {
    for world in worlds().await {
        world.subscriber(&phone(1), "Ana").await;
        world.subscriber("+4915112345678", "Ben").await;
        // Five in the afternoon in New York, eleven at night in Berlin.
        world.test.clock.advance(5 * time::HOUR);
        let holding = draft(&world, Schedule::default(), CampaignRules::default()).await;
        let (held, excluded, sendable) = check(&world, holding).await;
        assert_eq!((held.len(), excluded.len(), sendable), (1, 0, 2), "{}: {held:?}", world.test.engine);
        let discarding = draft(&world, Schedule::default(), discard()).await;
        let (held, excluded, sendable) = check(&world, discarding).await;
        assert_eq!((held.len(), sendable), (0, 1), "{}", world.test.engine);
        assert_eq!(excluded, [("hours_discarded".to_owned(), 1)], "{}", world.test.engine);
        let rules = planned(&world, discarding).await;
        let left_out = rules.iter().filter(|rule| rule.as_deref() == Some("hours_discarded")).count();
        assert_eq!((rules.len(), left_out), (2, 1), "{}: {rules:?}", world.test.engine);
        let counted = funnel(&world.test.store, world.ws(), discarding).await.unwrap();
        assert_eq!(counted.excluded_by_rule[0].label, "Discarded because it fell into quiet hours");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_by_day_is_not_discarded_though_it_is_planned_at_night() {
    for world in worlds().await {
        world.subscriber(&phone(1), "Ana").await;
        // Eleven at night; it is to leave at nine in the morning, at the time of each recipient.
        world.test.clock.advance(11 * time::HOUR);
        let morning = Schedule {
            starts_at: Some("2026-11-24T09:00:00".parse().unwrap()),
            clock: ScheduleClock::Recipient,
            ..Schedule::default()
        };
        let id = draft(&world, morning, discard()).await;
        let (held, excluded, sendable) = check(&world, id).await;
        assert_eq!((held.len(), excluded.len(), sendable), (0, 0, 1), "{}: {excluded:?}", world.test.engine);
        // One a minute from just before nine in the evening: the last of them would leave in the night.
        world.test.clock.set(Timestamp(world.test.now().0 - 3 * time::HOUR + 55 * time::MINUTE + 30 * time::SECOND));
        world.crowd(10).await;
        let slow = draft(&world, Schedule { per_minute: Some(1), ..Schedule::default() }, discard()).await;
        let (_, excluded, sendable) = check(&world, slow).await;
        assert_eq!(excluded, [("hours_discarded".to_owned(), 5)], "{}", world.test.engine);
        assert_eq!(sendable, 5, "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_campaign_is_checked_for_the_time_it_is_scheduled_for() {
    for world in worlds().await {
        world.subscriber(&phone(1), "Ana").await;
        let at = |time: &str| Schedule { starts_at: Some(time.parse().unwrap()), ..Schedule::default() };
        // Asked by day about the night, and at night about the day.
        let night = draft(&world, at("2026-11-24T23:00:00"), discard()).await;
        let (_, excluded, sendable) = check(&world, night).await;
        assert_eq!((excluded, sendable), (vec![("hours_discarded".to_owned(), 1)], 0), "{}", world.test.engine);
        let day = draft(&world, at("2026-11-24T10:00:00"), discard()).await;
        world.test.clock.advance(11 * time::HOUR);
        let (_, excluded, sendable) = check(&world, day).await;
        assert_eq!((excluded, sendable), (Vec::new(), 1), "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hours_of_the_sender_and_the_caps_of_a_label_are_in_the_check() {
    for world in worlds().await {
        world.subscriber(&phone(1), "Ana").await;
        let (ws, sender) = (world.ws(), world.sender.id);
        let hours = SenderHours {
            quiet_hours: QuietHours { start_minute: 11 * 60, end_minute: 14 * 60 },
            quiet_spans: Vec::new(),
        };
        world.write(move |tx| tx.set_sender_hours(ws, sender, Some(&hours))).await;
        let id = draft(&world, Schedule::default(), CampaignRules::default()).await;
        assert_eq!(check(&world, id).await.0, [("sender_hours".to_owned(), 1)], "{}", world.test.engine);
        world.write(move |tx| tx.set_sender_hours(ws, sender, None)).await;
        assert!(check(&world, id).await.0.is_empty(), "{}", world.test.engine);

        let news = CampaignRules { label: Some("News".to_owned()), ..CampaignRules::default() };
        let (message, now, rules) = (world.test.ctx.id(), world.test.now(), news.clone());
        world
            .write(move |tx| {
                let mut workspace = tx.workspace(ws)?.expect("it exists");
                workspace.settings.policy.label_caps =
                    vec![LabelCap { label: "news".to_owned(), messages: 1, period: Period::Day }];
                tx.update_workspace(&workspace)?;
                tx.count_in_series(ws, &phone(1), message, &rules, now)
            })
            .await;
        let id = draft(&world, Schedule::default(), news).await;
        assert_eq!(check(&world, id).await.0, [("series_cap".to_owned(), 1)], "{}", world.test.engine);
        let other = draft(&world, Schedule::default(), CampaignRules::default()).await;
        assert!(check(&world, other).await.0.is_empty(), "{}: only of that label", world.test.engine);
        let long = CampaignRules { label: Some("x".repeat(61)), ..CampaignRules::default() };
        let nobody = CampaignRules { programme_id: Some(world.test.ctx.id()), ..CampaignRules::default() };
        for wrong in [long, nobody] {
            let refused = world.draft(CampaignInput { rules: wrong, ..world.input() }).await.unwrap_err();
            assert_eq!(refused.field(), Some("rules"), "{}", world.test.engine);
        }
    }
}
