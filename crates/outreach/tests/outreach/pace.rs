//! How fast a campaign leaves, and when it is too late for it.

use std::collections::BTreeMap;

use segue_model::{Timestamp, campaign::CampaignAction, schedule::Schedule, time};
use segue_store::{Sql, campaign::CampaignInput, recipient::RecipientQuery};

use crate::world::{World, worlds};

static ENDS: Sql = Sql::portable("ENDS", "SELECT expires_at FROM outbox WHERE workspace_id = $1 ORDER BY id");

/// Plans a campaign to so many people and gives when it was started.
async fn planned(world: &World, people: u32, schedule: Schedule) -> (segue_model::CampaignId, Timestamp) {
    world.crowd(people).await;
    let draft = world.draft(CampaignInput { schedule, ..world.input() }).await.unwrap();
    let start = world.test.now();
    world.act(draft.id, CampaignAction::Start).await.unwrap();
    world.plan(draft.id).await;
    (draft.id, start)
}

#[tokio::test(flavor = "multi_thread")]
async fn at_most_so_many_messages_leave_in_a_minute() {
    for world in worlds().await {
        let schedule = Schedule { per_minute: Some(10), ..Schedule::default() };
        let (_, start) = planned(&world, 25, schedule).await;
        let mut minutes: BTreeMap<i64, u32> = BTreeMap::new();
        for message in world.messages().await {
            assert_eq!(message.not_before.since(start) % time::MINUTE, 0, "{}", world.test.engine);
            *minutes.entry(message.not_before.since(start) / time::MINUTE).or_default() += 1;
        }
        assert_eq!(minutes, BTreeMap::from([(0, 10), (1, 10), (2, 5)]), "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_leave_in_time_is_left_out_and_the_rest_expires() {
    for world in worlds().await {
        let schedule = Schedule { per_minute: Some(1), expires_hours: Some(1), ..Schedule::default() };
        let (id, start) = planned(&world, 70, schedule).await;
        let (ws, now) = (world.ws(), world.test.now());
        let ends: Vec<Option<Timestamp>> = world.write(move |tx| tx.query(&ENDS, &[&ws], |row| row.next())).await;
        assert_eq!(ends.len(), 61, "one a minute, and one at the end: {}", world.test.engine);
        assert!(ends.iter().all(|end| *end == Some(start.plus(time::HOUR))), "{}", world.test.engine);
        let query = RecipientQuery { limit: 100, ..RecipientQuery::default() };
        let recipients = world.write(move |tx| tx.recipients(ws, id, &query, now)).await;
        let late = recipients.iter().filter(|recipient| recipient.rule.as_deref() == Some("expired")).count();
        assert_eq!((recipients.len(), late), (70, 9), "{}", world.test.engine);
        let none = Schedule { expires_hours: Some(0), ..Schedule::default() };
        let refused = world.draft(CampaignInput { schedule: none, ..world.input() }).await.unwrap_err();
        assert_eq!(refused.field(), Some("schedule"), "{}", world.test.engine);
    }
}
