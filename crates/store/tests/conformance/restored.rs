//! What a restored database holds back until a person decides.

use segue_model::{campaign::CampaignState, delivery::OutboxState};
use segue_store::{
    dead_letter::{Decision, Resolution, Source},
    job::NewJob,
    outbox::Abandoned,
    restored::Held,
};
use segue_testkit::{TestStore, engines};
use serde_json::json;

use super::{claim, enqueue, message, outbox::campaign, state, submit, write};

async fn schedule(test: &TestStore, kind: &'static str, after: i64) {
    let job = NewJob {
        id: test.ctx.id(),
        kind,
        dedupe_key: after.to_string(),
        payload: json!({}),
        run_at: test.now().plus(after),
    };
    let (workspace_id, now) = (test.workspace_id(), test.now());
    assert!(write(test, move |tx| tx.schedule(workspace_id, &job, now)).await);
}

async fn hold(test: &TestStore) -> Held {
    let ctx = test.ctx.clone();
    write(test, move |tx| tx.hold_restored(&["bot_timer"], &ctx)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_left_since_waits_for_a_person_and_the_rest_goes_on() {
    for test in engines().await {
        let (channel, workspace_id) = (test.sms_channel("carrier").await, test.workspace_id());
        let sender = test.sender(channel.id, "+15550100").await.id;
        let running = campaign(&test, sender, 1, "running").await;
        let draft = campaign(&test, sender, 2, "draft").await;
        let (paused, to_come) =
            (campaign(&test, sender, 3, "paused").await, campaign(&test, sender, 4, "scheduled").await);
        let time = test.now().plus(60_000);
        write(&test, move |tx| tx.set_next_run(workspace_id, to_come, Some(time), 0)).await;
        let (due, later) = (message(&test, &channel, "+15550200001"), message(&test, &channel, "+15550200002"));
        let later = segue_store::outbox::NewOutbox { not_before: test.now().plus(1), ..later };
        let mut of_campaign = message(&test, &channel, "+15550200003");
        of_campaign.campaign = Some((running, 0));
        for new in [&due, &later, &of_campaign] {
            assert!(enqueue(&test, new).await);
        }
        for (kind, after) in [("bot_timer", 0), ("bot_timer", 1), ("search", 0)] {
            schedule(&test, kind, after).await;
        }

        let held = hold(&test).await;
        assert_eq!(
            held,
            Held { campaigns: 1, marked: 2, messages: 1, arrivals: 0, jobs: 1, replies: 0 },
            "{}",
            test.engine
        );
        assert_eq!(hold(&test).await, Held::default(), "{}: once", test.engine);
        let states = [state(&test, due.id).await, state(&test, later.id).await, state(&test, of_campaign.id).await];
        assert_eq!(states, [OutboxState::Unknown, OutboxState::Queued, OutboxState::Queued], "{}", test.engine);
        let campaigns = [running, paused, to_come, draft];
        let campaigns =
            write(&test, move |tx| Ok(campaigns.map(|id| tx.campaign(workspace_id, id).unwrap().unwrap()))).await;
        assert_eq!(
            campaigns.each_ref().map(|one| one.state),
            [CampaignState::Paused, CampaignState::Paused, CampaignState::Scheduled, CampaignState::Draft]
        );
        let told =
            |one: &segue_store::campaign::CampaignView| one.attention.as_deref().map(|why| why.contains("backup"));
        let expected = [Some(true), Some(true), Some(true), None];
        assert_eq!(campaigns.each_ref().map(told), expected, "{}", test.engine);
        assert!(claim(&test, &channel, "a", 10).await.is_empty(), "{}: nothing leaves", test.engine);

        let letters = write(&test, move |tx| tx.open_dead_letters(workspace_id, None, 10)).await;
        assert_eq!(letters.iter().map(|letter| letter.source).collect::<Vec<_>>(), [Source::Job], "{}", test.engine);
        let (id, now) = (letters[0].id, test.now());
        let decision =
            Decision { resolution: Resolution::Replayed, reason: "Not done".to_owned(), actor: "user".to_owned() };
        assert!(write(&test, move |tx| tx.resolve_dead_letter(workspace_id, id, &decision, now)).await);
        let ctx = test.ctx.clone();
        let jobs = write(&test, move |tx| tx.claim_jobs("worker", 10, ctx.now().plus(30_000), &ctx)).await;
        assert_eq!(jobs.len(), 2, "{}: what a person replays, and what sends nothing", test.engine);
        test.clock.advance(1);
        assert_eq!(claim(&test, &channel, "a", 10).await.len(), 1, "{}: what had not been due", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_on_the_wire_is_in_doubt_also_where_a_repeat_is_sent_once() {
    for test in engines().await {
        let (channel, workspace_id) = (test.sms_channel("carrier").await, test.workspace_id());
        let sender = test.sender(channel.id, "+15550100").await.id;
        let running = campaign(&test, sender, 1, "running").await;
        let single = message(&test, &channel, "+15550200001");
        let mut of_campaign = message(&test, &channel, "+15550200002");
        of_campaign.campaign = Some((running, 0));
        for new in [&single, &of_campaign] {
            assert!(enqueue(&test, new).await);
        }
        write(&test, move |tx| tx.rebuild_tallies(workspace_id, running)).await;
        for _ in 0..2 {
            submit(&test, &channel, "one").await;
        }
        let held = hold(&test).await;
        assert_eq!((held.campaigns, held.messages), (1, 2), "{}", test.engine);
        let (channel_id, now) = (channel.id, test.now());
        let gone = Abandoned::OwnedBy("one");
        let repeated = write(&test, move |tx| tx.repeat_submitting(workspace_id, channel_id, gone, now)).await;
        let states = [state(&test, single.id).await, state(&test, of_campaign.id).await];
        assert_eq!((repeated, states), (0, [OutboxState::Unknown; 2]), "{}", test.engine);
        let (kept, counted) =
            write(&test, move |tx| Ok((tx.tallies(workspace_id, running)?, tx.recount(workspace_id, running)?))).await;
        assert_eq!(kept, counted, "{}", test.engine);
    }
}
