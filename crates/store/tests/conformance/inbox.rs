//! The inbox: once each, in order for each customer, and nobody waits for somebody else's trouble.

use std::collections::HashMap;

use segue_model::ChannelId;
use segue_store::{
    Sql, StoreError,
    dead_letter::{Decision, Resolution, Source, Verdict},
    erasure_copies::Erased,
    inbox::{InboxCounts, InboxItem, InboxKind, MOST_ATTEMPTS, NewInbox, RETRY_AFTER},
};
use segue_testkit::{TestStore, engines};
use serde_json::json;

use super::write;

async fn receive(test: &TestStore, channel_id: ChannelId, subject: &str, external_id: &str) -> bool {
    let item = NewInbox {
        id: test.ctx.id(),
        channel_id,
        kind: InboxKind::Sms,
        external_id: external_id.to_owned(),
        subject: subject.to_owned(),
        payload: json!({ "text": external_id }).into(),
    };
    let (workspace_id, now) = (test.workspace_id(), test.now());
    write(test, move |tx| tx.receive(workspace_id, &item, now)).await
}

async fn claim(test: &TestStore, owner: &'static str) -> Vec<InboxItem> {
    let ctx = test.ctx.clone();
    write(test, move |tx| tx.claim_inbox(owner, 100, ctx.now().plus(30_000), &ctx)).await
}

fn texts(items: &[InboxItem]) -> Vec<String> {
    let read = |item: &InboxItem| item.payload.read::<HashMap<String, String>>().unwrap()["text"].clone();
    items.iter().map(read).collect()
}

async fn done(test: &TestStore, item: &InboxItem) {
    let item = item.clone();
    write(test, move |tx| tx.inbox_done(std::slice::from_ref(&item))).await;
}

async fn fail(test: &TestStore, item: &InboxItem, verdict: Verdict) {
    let (item, ctx) = (item.clone(), test.ctx.clone());
    write(test, move |tx| tx.inbox_failed(&item, verdict, "it did not work", &ctx)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_delivery_is_one_row() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        let other = test.sms_channel("other").await;
        assert!(receive(&test, channel.id, "ann", "1").await);
        assert!(!receive(&test, channel.id, "ann", "1").await);
        assert!(receive(&test, other.id, "ann", "1").await, "ids are the provider's, each channel has its own");
        assert_eq!(claim(&test, "a").await.len(), 2, "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_subject_come_one_after_the_other_and_subjects_side_by_side() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        for (subject, id) in [("ann", "a1"), ("ann", "a2"), ("bob", "b1"), ("ann", "a3")] {
            receive(&test, channel.id, subject, id).await;
        }
        let first = claim(&test, "one").await;
        assert_eq!(texts(&first), ["a1", "b1"], "{}", test.engine);
        assert!(claim(&test, "two").await.is_empty(), "the next of a subject waits for the one in work");
        done(&test, &first[0]).await;
        let second = claim(&test, "two").await;
        assert_eq!(texts(&second), ["a2"]);
        done(&test, &second[0]).await;
        assert_eq!(texts(&claim(&test, "one").await), ["a3"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counts_are_those_of_the_workspace_by_state() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        for subject in ["ann", "bob", "cem"] {
            receive(&test, channel.id, subject, subject).await;
        }
        let items = claim(&test, "a").await;
        done(&test, &items[0]).await;
        fail(&test, &items[1], Verdict::GiveUp).await;
        let counts = |workspace_id| write(&test, move |tx| tx.inbox_counts(workspace_id));
        let own = counts(test.workspace_id()).await;
        assert_eq!(own, InboxCounts { pending: 1, done: 1, dead: 1 }, "{}", test.engine);
        assert_eq!(own.all(), 3);
        assert_eq!(counts(test.ctx.id()).await, InboxCounts::default(), "another workspace");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_at_once_never_share_a_subject_and_keep_its_order() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        for round in 0..6 {
            for subject in 0..8 {
                receive(&test, channel.id, &format!("s{subject}"), &format!("s{subject}-{round}")).await;
            }
        }
        let workers: Vec<_> = (0..4)
            .map(|worker| {
                let (store, ctx) = (test.store.clone(), test.ctx_of_node(worker));
                tokio::spawn(async move {
                    let mut worked = Vec::new();
                    loop {
                        let claiming = ctx.clone();
                        let until = ctx.now().plus(30_000);
                        let items = store
                            .write::<_, StoreError, _>(move |tx| {
                                tx.claim_inbox(&format!("worker-{worker}"), 3, until, &claiming)
                            })
                            .await
                            .unwrap();
                        for item in items {
                            let copy = item.clone();
                            store
                                .write::<_, StoreError, _>(move |tx| tx.inbox_done(std::slice::from_ref(&copy)))
                                .await
                                .unwrap();
                            worked.push(item);
                        }
                        let left = store.read::<_, StoreError, _>(|tx| tx.pending_inbox()).await.unwrap().0;
                        if left == 0 {
                            return worked;
                        }
                    }
                })
            })
            .collect();
        let mut by_subject: HashMap<String, Vec<InboxItem>> = HashMap::new();
        for worker in workers {
            for item in worker.await.unwrap() {
                by_subject.entry(item.subject.clone()).or_default().push(item);
            }
        }
        assert_eq!(by_subject.len(), 8);
        for items in by_subject.values() {
            assert_eq!(items.len(), 6, "{}: each exactly once", test.engine);
            assert!(items.iter().all(|item| item.attempts == 1));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_row_waits_longer_each_time_then_goes_to_a_person_and_the_next_goes_on() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        receive(&test, channel.id, "ann", "poison").await;
        receive(&test, channel.id, "ann", "next").await;
        for (attempt, delay) in (1_u32..).zip(RETRY_AFTER) {
            let items = claim(&test, "a").await;
            assert_eq!((texts(&items), items[0].attempts), (vec!["poison".to_owned()], attempt), "{}", test.engine);
            fail(&test, &items[0], Verdict::TryAgain).await;
            test.clock.advance(delay - 1);
            assert!(claim(&test, "a").await.is_empty(), "neither it nor those behind it");
            test.clock.advance(1);
        }
        let last = claim(&test, "a").await;
        assert_eq!(last[0].attempts, MOST_ATTEMPTS);
        fail(&test, &last[0], Verdict::TryAgain).await;
        assert_eq!(texts(&claim(&test, "a").await), ["next"]);

        let workspace_id = test.workspace_id();
        let letters = write(&test, move |tx| tx.open_dead_letters(workspace_id, None, 10)).await;
        assert_eq!(letters.len(), 1);
        assert_eq!((letters[0].source, letters[0].source_id.clone()), (Source::Inbox, last[0].id.to_string()));
        assert_eq!(letters[0].reason, "it did not work");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn input_that_is_wrong_for_good_is_not_tried_again_but_can_be_replayed_once() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        receive(&test, channel.id, "ann", "odd").await;
        let item = claim(&test, "a").await.pop().unwrap();
        fail(&test, &item, Verdict::GiveUp).await;
        assert!(claim(&test, "a").await.is_empty());

        let (workspace_id, now) = (test.workspace_id(), test.now());
        let letter = write(&test, move |tx| tx.open_dead_letters(workspace_id, None, 10)).await.pop().unwrap();
        let decision = Decision {
            resolution: Resolution::Replayed,
            reason: "the bug is fixed".to_owned(),
            actor: "usr_1".to_owned(),
        };
        for expected in [true, false] {
            let decision = decision.clone();
            let resolved =
                write(&test, move |tx| tx.resolve_dead_letter(workspace_id, letter.id, &decision, now)).await;
            assert_eq!(resolved, expected, "{}", test.engine);
        }
        let again = claim(&test, "a").await;
        assert_eq!((texts(&again), again[0].attempts), (vec!["odd".to_owned()], 1));
        assert_eq!(write(&test, move |tx| tx.count_open_dead_letters(workspace_id)).await, 0);
        let all = write(&test, move |tx| tx.dead_letters(workspace_id, None, 10)).await;
        assert_eq!(all[0].resolution_reason.as_deref(), Some("the bug is fixed"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_lost_its_lease_changes_nothing() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        receive(&test, channel.id, "ann", "1").await;
        let slow = claim(&test, "slow").await.pop().unwrap();
        test.clock.advance(30_000);
        let quick = claim(&test, "quick").await.pop().unwrap();
        assert!(quick.epoch > slow.epoch);
        let (late, ctx) = (slow.clone(), test.ctx.clone());
        let done = test.store.write(move |tx| tx.inbox_done(std::slice::from_ref(&late))).await;
        assert!(matches!(done, Err(StoreError::LeaseLost)), "{}", test.engine);
        let failed = test.store.write(move |tx| tx.inbox_failed(&slow, Verdict::TryAgain, "late", &ctx)).await;
        assert!(matches!(failed, Err(StoreError::LeaseLost)));
        self::done(&test, &quick).await;
        test.clock.advance(60_000);
        assert!(claim(&test, "slow").await.is_empty(), "it is done");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_kills_its_worker_every_time_is_given_up() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        receive(&test, channel.id, "ann", "deadly").await;
        receive(&test, channel.id, "ann", "next").await;
        for _ in 0..MOST_ATTEMPTS {
            assert_eq!(texts(&claim(&test, "a").await), ["deadly"], "{}", test.engine);
            test.clock.advance(30_000);
        }
        assert!(claim(&test, "a").await.is_empty());
        assert_eq!(texts(&claim(&test, "a").await), ["next"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_put_back_has_not_used_an_attempt_and_done_rows_go_after_a_time() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        receive(&test, channel.id, "ann", "1").await;
        let (item, now) = (claim(&test, "a").await.pop().unwrap(), test.now());
        let copy = item.clone();
        write(&test, move |tx| tx.put_back_inbox(&copy, now)).await;
        let item = claim(&test, "a").await.pop().unwrap();
        assert_eq!(item.attempts, 1, "{}", test.engine);
        done(&test, &item).await;
        let workspace_id = test.workspace_id();
        assert_eq!(write(&test, move |tx| tx.delete_done_inbox(workspace_id, now)).await, 0);
        assert_eq!(write(&test, move |tx| tx.delete_done_inbox(workspace_id, now.plus(1))).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_postponed_has_not_used_an_attempt_and_keeps_the_next_of_its_customer_waiting() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        let since = test.now();
        receive(&test, channel.id, "ann", "early").await;
        receive(&test, channel.id, "ann", "next").await;
        receive(&test, channel.id, "bob", "other").await;
        let take = async || {
            let now = test.now();
            write(&test, move |tx| tx.take_inbox(since, 10, now)).await
        };
        for _ in 0..2 * MOST_ATTEMPTS {
            let taken = take().await;
            assert_eq!((texts(&taken)[0].as_str(), taken[0].attempts), ("early", 0), "{}", test.engine);
            let (early, later) = (taken[0].clone(), test.now().plus(1_000));
            write(&test, move |tx| tx.postpone_inbox(&early, later)).await;
            assert_eq!(texts(&take().await), ["other"], "{}", test.engine);
            test.clock.advance(1_000);
        }
        let early = take().await[0].clone();
        let claimed = claim(&test, "a").await;
        assert_eq!((texts(&claimed)[0].as_str(), claimed[0].attempts), ("early", 1), "{}", test.engine);
        let now = test.now();
        let late = test.store.write(move |tx| tx.postpone_inbox(&early, now)).await;
        assert!(matches!(late, Err(StoreError::LeaseLost)), "{}: a worker has it", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_starts_again_lets_go_of_its_own_rows_and_of_no_other() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        receive(&test, channel.id, "ann", "a1").await;
        let mine = claim(&test, "one").await.pop().unwrap();
        assert_eq!(write(&test, |tx| tx.release_inbox("two")).await, 0);
        assert!(claim(&test, "two").await.is_empty(), "under a lease on {}", test.engine);
        assert_eq!(write(&test, |tx| tx.release_inbox("one")).await, 1);
        let again = claim(&test, "one").await.pop().unwrap();
        assert_eq!((again.id, again.attempts), (mine.id, 2), "at once, and the attempt counts on {}", test.engine);
        let late = test.store.write(move |tx| tx.inbox_done(std::slice::from_ref(&mine))).await;
        assert!(matches!(late, Err(StoreError::LeaseLost)), "{late:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_tried_is_taken_in_order_and_nothing_overtakes_what_waits() {
    for test in engines().await {
        let channel = test.sms_channel("sms").await;
        receive(&test, channel.id, "old", "old-1").await;
        test.clock.advance(1_000);
        let since = test.now();
        receive(&test, channel.id, "ann", "ann-1").await;
        receive(&test, channel.id, "old", "old-2").await;
        receive(&test, channel.id, "bob", "bob-1").await;
        receive(&test, channel.id, "ann", "ann-2").await;
        let take = async |limit| {
            let now = test.now();
            write(&test, move |tx| tx.take_inbox(since, limit, now)).await
        };
        assert_eq!(texts(&take(10).await), ["ann-1", "bob-1", "ann-2"], "old-1 came before, and old-2 waits for it");
        assert_eq!(texts(&take(2).await), ["ann-1", "bob-1"], "{}", test.engine);

        // A claimed row, and one that waits for its next attempt, hold the later ones of their subject.
        let claimed = claim(&test, "a").await;
        assert_eq!(texts(&claimed), ["old-1", "ann-1", "bob-1"]);
        assert_eq!(texts(&take(10).await), [""; 0]);
        let failed = claimed[1].clone();
        let ctx = test.ctx.clone();
        write(&test, move |tx| tx.inbox_failed(&failed, Verdict::TryAgain, "odd", &ctx)).await;
        done(&test, &claimed[2]).await;
        assert_eq!(texts(&take(10).await), [""; 0], "ann-2 waits for ann-1");
        done(&test, &claimed[0]).await;
        let taken = take(10).await;
        assert_eq!(texts(&taken), ["old-2"], "{}", test.engine);
        done(&test, &taken[0]).await;
        assert_eq!(texts(&take(10).await), [""; 0], "what is done is not taken again");
    }
}

/// Two processes on one database: one has claimed a customer's second arrival and not committed yet, and only then the
/// first one, which another node was still storing, becomes visible.
#[tokio::test(flavor = "multi_thread")]
async fn two_processes_never_work_on_one_customer_at_once_however_their_transactions_meet() {
    for test in engines().await {
        // SQLite has one writer: there no two transactions meet.
        if test.engine == "sqlite" {
            continue;
        }
        let channel = test.sms_channel("sms").await;
        let (workspace_id, now, other) = (test.workspace_id(), test.now(), test.open_again().await);
        let new = |external_id: &str| NewInbox {
            id: test.ctx.id(),
            channel_id: channel.id,
            kind: InboxKind::Sms,
            external_id: external_id.to_owned(),
            subject: "ann".to_owned(),
            payload: json!({ "text": external_id }).into(),
        };
        let (first, second) = (new("a1"), new("a2"));
        // A gate tells that a transaction has come so far, and lets it go on to its commit.
        let gate = || {
            let ((reached, reach), (release, released)) = (std::sync::mpsc::channel(), std::sync::mpsc::channel());
            (std::sync::Mutex::new((reached, released)), reach, release)
        };
        let ((storing, stored, commit_first), (claiming, claimed, commit_claim)) = (gate(), gate());
        let wait = |gate: &std::sync::Mutex<(std::sync::mpsc::Sender<()>, std::sync::mpsc::Receiver<()>)>| {
            let gate = gate.lock().unwrap();
            gate.0.send(()).unwrap();
            gate.1.recv().unwrap();
        };
        let (store, ctx) = (other.clone(), test.ctx.clone());
        let storing = tokio::spawn(async move {
            let done = store.write::<_, StoreError, _>(move |tx| {
                let new = tx.receive(workspace_id, &first, now)?;
                wait(&storing);
                Ok(new)
            });
            done.await.unwrap()
        });
        tokio::task::block_in_place(|| stored.recv()).unwrap();
        assert!(write(&test, move |tx| tx.receive(workspace_id, &second, now)).await);
        let (store, claimer) = (test.store.clone(), ctx.clone());
        let claiming = tokio::spawn(async move {
            let done = store.write::<_, StoreError, _>(move |tx| {
                let items = tx.claim_inbox("one", 100, now.plus(30_000), &claimer)?;
                wait(&claiming);
                Ok(items)
            });
            done.await.unwrap()
        });
        tokio::task::block_in_place(|| claimed.recv()).unwrap();
        commit_first.send(()).unwrap();
        assert!(storing.await.unwrap());
        let meanwhile = tokio::spawn(async move {
            other.write::<_, StoreError, _>(move |tx| tx.claim_inbox("two", 100, now.plus(30_000), &ctx)).await.unwrap()
        });
        // It waits for the claim that is not committed; without that it has what it wants long before.
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        commit_claim.send(()).unwrap();
        let items = claiming.await.unwrap();
        assert_eq!(texts(&items), ["a2"], "the first was not there yet");
        assert_eq!(texts(&meanwhile.await.unwrap()), Vec::<String>::new(), "the customer is being worked on");
        done(&test, &items[0]).await;
        assert_eq!(texts(&claim(&test, "two").await), ["a1"]);
    }
}

static WORDS: Sql = Sql::portable("WORDS", "SELECT payload, state FROM inbox WHERE workspace_id = $1");

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_of_an_erased_customer_loses_its_words_and_a_discarded_one_goes_with_time() {
    for test in engines().await {
        let (channel, workspace_id, now) = (test.sms_channel("sms").await, test.workspace_id(), test.now());
        for subject in ["ann", "bob"] {
            receive(&test, channel.id, subject, subject).await;
        }
        for item in claim(&test, "a").await {
            let ctx = test.ctx.clone();
            write(&test, move |tx| tx.inbox_failed(&item, Verdict::GiveUp, "odd", &ctx)).await;
        }
        let mut erased = Erased::default();
        erased.add(channel.id, ["ann".to_owned()], [], now);
        let copies = write(&test, move |tx| tx.copies_of(workspace_id, &erased, now)).await;
        write(&test, move |tx| tx.empty_copies(workspace_id, &copies, now)).await;
        let letters = write(&test, move |tx| tx.dead_letters(workspace_id, None, 10)).await;
        assert_eq!(letters.iter().filter(|letter| letter.resolution.is_some()).count(), 1, "{}", test.engine);
        for letter in letters {
            let is_open = letter.resolution.is_none();
            let resolution = if is_open { Resolution::Discarded } else { Resolution::Replayed };
            let decision = Decision { resolution, reason: "Seen".to_owned(), actor: "user".to_owned() };
            let decided = write(&test, move |tx| tx.resolve_dead_letter(workspace_id, letter.id, &decision, now)).await;
            assert_eq!(decided, is_open, "{}: what is empty is not replayed", test.engine);
        }
        let mut rows: Vec<(String, String)> =
            write(&test, move |tx| tx.query(&WORDS, &[&workspace_id], |row| Ok((row.next()?, row.next()?)))).await;
        rows.sort();
        assert!(rows.iter().all(|(_, state)| state == "done"), "{rows:?}");
        assert_eq!(rows.iter().filter(|(words, _)| words == "{}").count(), 1, "{rows:?}");
        assert_eq!(write(&test, move |tx| tx.delete_done_inbox(workspace_id, now.plus(1))).await, 2);
    }
}
