//! Jobs: planned once, done once, taken over when their worker is gone.

use segue_store::{
    StoreError,
    dead_letter::{Decision, Resolution, Source, Verdict},
    inbox::MOST_ATTEMPTS,
    job::{Job, Kinds, NewJob},
};
use segue_testkit::{TestStore, engines};
use serde_json::json;

use super::write;

async fn schedule(test: &TestStore, key: &str, after: i64) -> bool {
    let job = NewJob {
        id: test.ctx.id(),
        kind: "plan_campaign",
        dedupe_key: key.to_owned(),
        payload: json!({ "step": 0 }),
        run_at: test.now().plus(after),
    };
    let (workspace_id, now) = (test.workspace_id(), test.now());
    write(test, move |tx| tx.schedule(workspace_id, &job, now)).await
}

async fn claim(test: &TestStore) -> Vec<Job> {
    let ctx = test.ctx.clone();
    write(test, move |tx| tx.claim_jobs("worker", 10, ctx.now().plus(30_000), &ctx)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_planned_once_runs_when_due_and_never_after_it_is_done() {
    for test in engines().await {
        assert!(schedule(&test, "later", 1_000).await);
        assert!(!schedule(&test, "later", 0).await, "the key is taken");
        assert!(schedule(&test, "now", 0).await);
        let jobs = claim(&test).await;
        assert_eq!(jobs.iter().map(|job| job.dedupe_key.as_str()).collect::<Vec<_>>(), ["now"], "{}", test.engine);
        let job = jobs[0].clone();
        write(&test, move |tx| tx.complete_job(&job)).await;
        test.clock.advance(1_000);
        assert_eq!(claim(&test).await[0].dedupe_key, "later");
        test.clock.advance(29_999);
        assert!(claim(&test).await.is_empty(), "done, and under a lease");
        assert!(!schedule(&test, "now", 0).await, "a finished job keeps its key");
        let (workspace_id, now) = (test.workspace_id(), test.now());
        assert_eq!(write(&test, move |tx| tx.delete_done_jobs(workspace_id, now)).await, 1);
        assert!(schedule(&test, "now", 0).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_in_steps_goes_on_where_it_was_and_a_lost_lease_undoes_the_step() {
    for test in engines().await {
        schedule(&test, "steps", 0).await;
        let first = claim(&test).await.pop().unwrap();
        let (job, now) = (first.clone(), test.now());
        write(&test, move |tx| tx.reschedule_job(&job, now, &json!({ "step": 1 }))).await;
        let second = claim(&test).await.pop().unwrap();
        assert_eq!((second.payload["step"].as_i64(), second.attempts), (Some(1), 1), "{}", test.engine);

        let extended = second.clone();
        write(&test, move |tx| tx.extend_job(&extended, now.plus(60_000))).await;
        test.clock.advance(59_999);
        assert!(claim(&test).await.is_empty(), "kept for longer");
        test.clock.advance(1);
        let third = claim(&test).await.pop().unwrap();
        assert_eq!((third.payload["step"].as_i64(), third.attempts), (Some(1), 2));
        for late in [first, second] {
            let done = test.store.write(move |tx| tx.complete_job(&late)).await;
            assert!(matches!(done, Err(StoreError::LeaseLost)), "{}", test.engine);
        }
        write(&test, move |tx| tx.complete_job(&third)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_for_good_waits_for_a_person() {
    for test in engines().await {
        schedule(&test, "broken", 0).await;
        for attempt in 1..=MOST_ATTEMPTS {
            let job = claim(&test).await.pop().unwrap();
            assert_eq!(job.attempts, attempt, "{}", test.engine);
            let ctx = test.ctx.clone();
            write(&test, move |tx| tx.fail_job(&job, Verdict::TryAgain, "no", &ctx)).await;
            test.clock.advance(3_600_000);
        }
        assert!(claim(&test).await.is_empty());
        let (workspace_id, now) = (test.workspace_id(), test.now());
        let letter = write(&test, move |tx| tx.open_dead_letters(workspace_id, None, 10)).await.pop().unwrap();
        assert_eq!(letter.source, Source::Job);
        let decision =
            Decision { resolution: Resolution::Replayed, reason: "again".to_owned(), actor: "usr_1".to_owned() };
        assert!(write(&test, move |tx| tx.resolve_dead_letter(workspace_id, letter.id, &decision, now)).await);
        assert_eq!(claim(&test).await[0].attempts, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_can_be_taken_back_until_it_runs() {
    for test in engines().await {
        schedule(&test, "timer", 1_000).await;
        let workspace_id = test.workspace_id();
        assert!(write(&test, move |tx| tx.cancel_job(workspace_id, "plan_campaign", "timer")).await);
        test.clock.advance(1_000);
        assert!(claim(&test).await.is_empty(), "{}", test.engine);
        assert!(schedule(&test, "timer", 0).await, "its key is free again");
        let job = claim(&test).await.pop().unwrap();
        assert!(!write(&test, move |tx| tx.cancel_job(workspace_id, "plan_campaign", "timer")).await);
        let now = test.now();
        let copy = job.clone();
        write(&test, move |tx| tx.put_back_job(&copy, now)).await;
        assert_eq!(claim(&test).await[0].attempts, 1, "putting it back costs nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_at_once_do_each_job_once() {
    for test in engines().await {
        for number in 0..60 {
            schedule(&test, &number.to_string(), 0).await;
        }
        let workers: Vec<_> = (0..4)
            .map(|worker| {
                let (store, ctx) = (test.store.clone(), test.ctx_of_node(worker));
                tokio::spawn(async move {
                    let mut done = Vec::new();
                    loop {
                        let (claiming, until) = (ctx.clone(), ctx.now().plus(30_000));
                        let jobs = store
                            .write::<_, StoreError, _>(move |tx| tx.claim_jobs("w", 4, until, &claiming))
                            .await
                            .unwrap();
                        if jobs.is_empty() {
                            return done;
                        }
                        for job in jobs {
                            done.push(job.dedupe_key.clone());
                            store.write::<_, StoreError, _>(move |tx| tx.complete_job(&job)).await.unwrap();
                        }
                    }
                })
            })
            .collect();
        let mut all = Vec::new();
        for worker in workers {
            all.extend(worker.await.unwrap());
        }
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 60, "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_starts_again_lets_go_of_its_own_jobs_and_of_no_other() {
    for test in engines().await {
        schedule(&test, "mine", 0).await;
        let mine = claim(&test).await.pop().unwrap();
        assert!(claim(&test).await.is_empty(), "under a lease on {}", test.engine);
        assert_eq!(write(&test, |tx| tx.release_jobs("another")).await, 0);
        assert!(claim(&test).await.is_empty());
        assert_eq!(write(&test, |tx| tx.release_jobs("worker")).await, 1);
        let again = claim(&test).await.pop().unwrap();
        assert_eq!((again.id, again.attempts), (mine.id, 2), "at once, and the attempt counts on {}", test.engine);
        let late = test.store.write(move |tx| tx.complete_job(&mine)).await;
        assert!(matches!(late, Err(StoreError::LeaseLost)), "{late:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_some_kinds_are_claimed_apart_from_the_others() {
    for test in engines().await {
        let (workspace_id, now) = (test.workspace_id(), test.now());
        for (kind, key) in [("fetch", "1"), ("read", "2"), ("fetch", "3"), ("plan", "4")] {
            let id = test.ctx.id();
            let job = NewJob { id, kind, dedupe_key: key.to_owned(), payload: json!({}), run_at: now };
            write(&test, move |tx| tx.schedule(workspace_id, &job, now)).await;
            test.clock.advance(1);
        }
        let keys = async |kinds: Kinds<'static>, limit: u32| {
            let ctx = test.ctx.clone();
            let until = now.plus(30_000);
            let jobs = write(&test, move |tx| tx.claim_jobs_of("worker", (kinds, limit), until, &ctx)).await;
            jobs.into_iter().map(|job| job.dedupe_key).collect::<Vec<_>>()
        };
        assert_eq!(keys(Kinds::Of(&["fetch", "check"]), 1).await, ["1"], "{}", test.engine);
        assert_eq!(keys(Kinds::Other(&["fetch", "check"]), 9).await, ["2", "4"], "{}", test.engine);
        assert_eq!(keys(Kinds::Of(&["fetch", "check"]), 9).await, ["3"], "{}", test.engine);
    }
}
