//! Segments, as they are saved and as campaigns use them.

use segue_expr::{Group, Item, Join, Operator, Row, Topic};
use segue_model::{actor::Actor, campaign::CampaignAction};
use segue_outreach::{
    OutreachError,
    campaign::{self, plan::Planned},
    segments::{self, ConditionInput, SegmentInput, SegmentPatch},
};
use segue_store::{
    Sql,
    campaign::{Audience, CampaignInput},
};

use crate::world::{World, phone, worlds};

static SET_FROZEN: Sql =
    Sql::portable("SET_FROZEN", "UPDATE campaigns SET plan_audience = $3 WHERE workspace_id = $1 AND id = $2");

async fn segment(world: &World, name: &str, text: String) -> segments::SegmentView {
    let condition = ConditionInput { condition: Some(text), form: None };
    let input = SegmentInput { name: name.to_owned(), condition };
    segments::create(&world.test.store, &world.test.ctx, world.ws(), &Actor::System, input).await.unwrap()
}

/// So many tests, of which one finds people of this name.
fn many(name: &str) -> String {
    let others = (1..60).map(|n| format!("contact.city == \"{n}\""));
    others.chain([format!("contact.first_name == \"{name}\"")]).collect::<Vec<_>>().join(" || ")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_over_segments_that_are_large_together_is_planned() {
    for world in worlds().await {
        let ws = world.ws();
        for (number, name) in ["Ana", "Ben", "Cem"].iter().enumerate() {
            world.subscriber(&phone(number as u32), name).await;
        }
        let (ana, ben) = (segment(&world, "a", many("Ana")).await, segment(&world, "b", many("Ben")).await);
        let audience = Audience { segments: vec![ana.id, ben.id], ..Audience::default() };
        let draft = world.draft(CampaignInput { audience, ..world.input() }).await.unwrap();
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        assert_eq!(world.plan(draft.id).await, Planned::Complete, "{}", world.test.engine);
        let texted: Vec<_> = world.messages().await.into_iter().map(|message| message.address).collect();
        assert_eq!(texted, [phone(0), phone(1)], "{}", world.test.engine);

        // One that an earlier version has started is planned as it was written down then.
        let draft = world.draft(world.input()).await.unwrap();
        world.act(draft.id, CampaignAction::Start).await.unwrap();
        let frozen = r#"{"include":"contact.first_name == \"Cem\"","filter":null,"exclude":[],"at":0}"#;
        let (id, at) = (draft.id, serde_json::to_string(&world.test.now()).unwrap());
        let frozen = frozen.replace("\"at\":0", &format!("\"at\":{at}"));
        world.write(move |tx| tx.execute(&SET_FROZEN, &[&ws, &id, &frozen])).await;
        assert_eq!(world.plan(draft.id).await, Planned::Complete, "{}", world.test.engine);
        let planned = campaign::get(&world.test.store, ws, draft.id).await.unwrap();
        assert_eq!(world.messages().await.pop().unwrap().address, phone(2), "{planned:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_that_could_not_be_read_again_is_not_saved() {
    let row = |values: Vec<String>| {
        Item::Row(Row {
            topic: Topic::Field,
            name: "city".to_owned(),
            operator: Operator::IsAnyOf,
            values,
            ignore_case: false,
            campaign_id: None,
            days: None,
            having: Vec::new(),
        })
    };
    let long = (0..3).map(|_| row((0..400).map(|n| format!("city no. {n}")).collect())).collect();
    let form = ConditionInput { condition: None, form: Some(Group { join: Join::Any, items: long }) };
    // Written without blanks it is short enough, and longer as it is kept.
    let tight = vec![format!("contact.city==\"{}\"", "x".repeat(62)); 99].join("||");
    assert!(segue_expr::Condition::read(&tight).is_ok());
    let tight = ConditionInput { condition: Some(tight), form: None };
    for world in worlds().await {
        let (store, ctx, ws) = (&world.test.store, &world.test.ctx, world.ws());
        let good = segment(&world, "good", "contact.city == \"Berlin\"".to_owned()).await;
        for condition in [&form, &tight] {
            let input = SegmentInput { name: "long".to_owned(), condition: condition.clone() };
            let refused = segments::create(store, ctx, ws, &Actor::System, input).await;
            let Err(OutreachError::Condition(problem)) = refused else { panic!("{}: saved", world.test.engine) };
            assert!(problem.message.contains("longer than"), "{problem}");
            let patch = SegmentPatch { condition: condition.clone(), ..SegmentPatch::default() };
            let refused = segments::change(store, ctx, ws, good.id, patch).await;
            assert!(matches!(refused, Err(OutreachError::Condition(_))), "{}", world.test.engine);
            let checked = segments::check(store, ctx, ws, condition.clone()).await.unwrap();
            assert!(checked.condition.is_none() && checked.problem.is_some(), "{checked:?}");
        }
        assert_eq!(segments::list(store, ws, None, 10).await.unwrap(), [good]);
    }
}
