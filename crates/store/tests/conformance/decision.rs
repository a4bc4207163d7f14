//! Explanations, the versions of rule books, and what counts against frequency caps.

use segue_model::{
    MessageId, Timestamp,
    policy::{Explanation, Rule},
    rule_book,
    series::CampaignRules,
};
use segue_testkit::engines;

use super::write;

const ADDRESS: &str = "+13055550123";

#[tokio::test(flavor = "multi_thread")]
async fn the_last_explanation_stands() {
    for test in engines().await {
        let (workspace_id, id, now) = (test.workspace_id(), test.ctx.id::<MessageId>(), test.now());
        let law =
            Explanation { law: Some("us.fl".to_owned()), version: Some("1".to_owned()), ..Explanation::default() };
        let cap = Explanation { cap: Some("1 in 24 hours".to_owned()), ..Explanation::default() };
        for (rule, why) in [(Rule::LegalHours, law), (Rule::FrequencyCap, cap.clone())] {
            write(&test, move |tx| tx.put_decision(workspace_id, id, rule, &why, now)).await;
        }
        let decision = write(&test, move |tx| tx.decision(workspace_id, id)).await.unwrap();
        assert_eq!((decision.rule, decision.explanation, decision.decided_at), (Rule::FrequencyCap, cap, now));
        let other = test.ctx.id::<MessageId>();
        assert_eq!(write(&test, move |tx| tx.decision(workspace_id, other)).await, None);
        assert_eq!(write(&test, move |tx| tx.delete_old_decisions(workspace_id, now)).await, 0);
        assert_eq!(write(&test, move |tx| tx.delete_old_decisions(workspace_id, now.plus(1))).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_of_a_rule_book_keeps_the_day_it_began() {
    for test in engines().await {
        write(&test, |tx| tx.note_rule_books(rule_book::books(), Timestamp(1_000))).await;
        write(&test, |tx| tx.note_rule_books(rule_book::books(), Timestamp(2_000))).await;
        let known = write(&test, |tx| tx.rule_books_since()).await;
        assert_eq!(known.len(), rule_book::books().len(), "{}", test.engine);
        assert!(known.iter().all(|book| book.since == Timestamp(1_000)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sends_are_counted_newest_first_without_the_message_itself() {
    for test in engines().await {
        let workspace_id = test.workspace_id();
        let ids = [1, 2, 3].map(|_| test.ctx.id::<MessageId>());
        for (id, at) in ids.into_iter().zip([100, 200, 300]) {
            write(&test, move |tx| {
                tx.count_in_series(workspace_id, ADDRESS, id, &CampaignRules::default(), Timestamp(at))
            })
            .await;
            write(&test, move |tx| {
                tx.count_in_series(workspace_id, ADDRESS, id, &CampaignRules::default(), Timestamp(at))
            })
            .await;
        }
        let sends = async |after, except, limit| {
            write(&test, move |tx| tx.marketing_sends(workspace_id, ADDRESS, Timestamp(after), except, limit)).await
        };
        assert_eq!(sends(0, None, 9).await, [300, 200, 100].map(Timestamp), "{}", test.engine);
        assert_eq!(sends(100, None, 9).await, [300, 200].map(Timestamp));
        assert_eq!(sends(0, Some(ids[1]), 9).await, [300, 100].map(Timestamp));
        assert_eq!(sends(0, None, 1).await, [Timestamp(300)]);
        write(&test, move |tx| tx.uncount_marketing(workspace_id, ADDRESS, ids[2])).await;
        assert_eq!(sends(0, None, 9).await, [200, 100].map(Timestamp));
        assert_eq!(write(&test, move |tx| tx.delete_old_marketing_sends(workspace_id, Timestamp(200))).await, 1);
        let other = write(&test, move |tx| tx.marketing_sends(workspace_id, "+1", Timestamp(0), None, 9)).await;
        assert!(other.is_empty());
    }
}
