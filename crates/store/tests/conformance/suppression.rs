//! The suppression list keeps its history, and numbers that bounce often enough come onto it.

use segue_model::{bounce::BounceRules, time};
use segue_store::{
    channel::Channel,
    contact_page::ContactQuery,
    submission::Failure,
    suppression::{Suppression, SuppressionAction, SuppressionQuery, SuppressionSource},
};
use segue_testkit::{TestStore, engines};

use super::{enqueue, message, submit, write};

const NUMBER: &str = "+12125550101";

/// A message to the number that the provider refuses for this reason.
async fn refused(test: &TestStore, channel: &Channel, class: &str, code: &str) {
    enqueue(test, &message(test, channel, NUMBER)).await;
    let sent = submit(test, channel, "worker").await;
    let failure =
        Failure { class: class.to_owned(), code: Some(code.to_owned()), reason: "No such number.".to_owned() };
    let now = test.now();
    assert!(write(test, move |tx| tx.mark_failed(&sent, &failure, now)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_found_in_any_writing() {
    for test in engines().await {
        let engine = &test.engine;
        let workspace_id = test.workspace_id();
        test.contact("+15550100123", "Ana").await;
        test.contact("+15550100999", "Ben 555 010").await;
        let now = test.now();
        for address in ["+15550100123", "+15550100999"] {
            write(&test, move |tx| tx.suppress(workspace_id, address, "Case 2024-01", now)).await;
        }
        for (search, contacts, entries) in [
            ("+1 555 010 0123", 1, 1),
            ("+1 (555) 010-0123", 1, 1),
            ("555.010.0999 ", 1, 1),
            ("555 010", 2, 2),
            ("+1 555 010 0124", 0, 0),
            ("2024-01", 0, 2),
            ("0 1", 0, 0),
            ("ana 0123", 0, 0),
        ] {
            let query = ContactQuery { search: search.to_owned(), limit: 10, ..ContactQuery::default() };
            let found = write(&test, move |tx| tx.contacts(workspace_id, &query)).await;
            assert_eq!(found.len(), contacts, "{engine}: {search}");
            let query = SuppressionQuery { search: search.to_owned(), limit: 10, ..Default::default() };
            let found = write(&test, move |tx| tx.suppressions(workspace_id, &query)).await;
            assert_eq!(found.len(), entries, "{engine}: {search}");
        }
    }
}

async fn sweep(test: &TestStore, rules: &BounceRules) -> usize {
    let (workspace_id, rules, now) = (test.workspace_id(), rules.clone(), test.now());
    write(test, move |tx| tx.suppress_bounced(workspace_id, &rules, now)).await
}

async fn is_listed(test: &TestStore) -> bool {
    let workspace_id = test.workspace_id();
    write(test, move |tx| tx.is_suppressed(workspace_id, NUMBER)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_bounce_often_enough_within_the_time_come_onto_the_list() {
    let rules = BounceRules { after: 2, within_days: 30, ..BounceRules::default() };
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        refused(&test, &channel, "invalid_recipient", "11").await;
        assert_eq!(sweep(&test, &rules).await, 0, "{}: once is not enough", test.engine);
        test.clock.advance(31 * time::DAY);
        refused(&test, &channel, "invalid_recipient", "11").await;
        assert_eq!(sweep(&test, &rules).await, 0, "{}: the first is too old", test.engine);
        refused(&test, &channel, "filtered", "11").await;
        assert_eq!(sweep(&test, &rules).await, 0, "{}: a filter says nothing about the number", test.engine);
        refused(&test, &channel, "invalid_recipient", "11").await;
        assert_eq!(sweep(&test, &BounceRules { after: 0, ..rules.clone() }).await, 0, "{}: never", test.engine);
        assert_eq!(sweep(&test, &rules).await, 1, "{}", test.engine);
        assert_eq!(sweep(&test, &rules).await, 0, "{}: once", test.engine);
        assert!(is_listed(&test).await);
        let workspace_id = test.workspace_id();
        let query = SuppressionQuery { source: Some(SuppressionSource::Bounce), limit: 10, ..Default::default() };
        let listed = write(&test, move |tx| tx.suppressions(workspace_id, &query)).await;
        assert_eq!(listed[0].reason, "2 messages could not be delivered. No such number.");
        let now = test.now();
        assert!(write(&test, move |tx| tx.remove_suppression(workspace_id, NUMBER, "Ported", "ann", now)).await);
        assert_eq!(sweep(&test, &rules).await, 0, "{}: its bounces are forgotten with it", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_found_and_every_change_stays_on_record() {
    for test in engines().await {
        let (workspace_id, other) = (test.workspace_id(), "+4915100000001");
        for (address, reason, source) in
            [(NUMBER, "Asked by phone", SuppressionSource::Manual), (other, "100% sure", SuppressionSource::File)]
        {
            let entry = Suppression {
                address: address.to_owned(),
                reason: reason.to_owned(),
                source,
                actor: Some("ann".to_owned()),
                created_at: test.now(),
            };
            assert!(write(&test, move |tx| tx.put_suppression(workspace_id, &entry)).await);
        }
        let again = Suppression {
            address: NUMBER.to_owned(),
            reason: "Again".to_owned(),
            source: SuppressionSource::Manual,
            actor: None,
            created_at: test.now(),
        };
        assert!(!write(&test, move |tx| tx.put_suppression(workspace_id, &again)).await, "the earlier entry stands");
        for (search, after, expected) in [
            ("", "", 2),
            ("phone", "", 1),
            ("4915", "", 1),
            ("100%", "", 1),
            ("%", "", 1),
            ("", NUMBER, 1),
            ("x", "", 0),
        ] {
            let query = SuppressionQuery {
                search: search.to_owned(),
                after: after.to_owned(),
                limit: 10,
                ..SuppressionQuery::default()
            };
            let found = write(&test, move |tx| tx.suppressions(workspace_id, &query)).await;
            assert_eq!(found.len(), expected, "{}: {search} {after}", test.engine);
        }
        test.clock.advance(1);
        let now = test.now();
        for expected in [true, false] {
            let removed =
                write(&test, move |tx| tx.remove_suppression(workspace_id, NUMBER, "A mistake", "bob", now)).await;
            assert_eq!(removed, expected, "{}", test.engine);
        }
        assert!(!is_listed(&test).await);
        let events = write(&test, move |tx| tx.suppression_events(workspace_id, NUMBER)).await;
        let events: Vec<_> = events.iter().map(|e| (e.action, e.reason.as_str(), e.actor.as_str())).collect();
        let expected =
            [(SuppressionAction::Removed, "A mistake", "bob"), (SuppressionAction::Added, "Asked by phone", "ann")];
        assert_eq!(events, expected, "{}", test.engine);
    }
}
