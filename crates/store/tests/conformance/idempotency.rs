//! A request with a key is done once.

use segue_store::{
    StoreError,
    idempotency::{ABANDONED, Begun, KEPT, LONG_ABANDONED},
};
use segue_testkit::{TestStore, engines};

use super::write;

async fn begin(test: &TestStore, actor: &'static str, hash: &'static [u8]) -> Begun {
    let (workspace_id, now) = (test.workspace_id(), test.now());
    write(test, move |tx| tx.begin_request(workspace_id, actor, "key", hash, now)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_life_of_a_key() {
    for test in engines().await {
        let (workspace_id, now) = (test.workspace_id(), test.now());
        assert_eq!(begin(&test, "usr_1", b"a").await, Begun::Fresh, "{}", test.engine);
        assert_eq!(begin(&test, "usr_1", b"a").await, Begun::InFlight);
        assert_eq!(begin(&test, "usr_1", b"b").await, Begun::Mismatch);
        assert_eq!(begin(&test, "usr_2", b"b").await, Begun::Fresh, "keys belong to whoever uses them");

        write(&test, move |tx| tx.finish_request(workspace_id, "usr_1", "key", now, (201, "{}"))).await;
        let repeat = Begun::Repeat { status: 201, body: "{}".to_owned() };
        assert_eq!(begin(&test, "usr_1", b"a").await, repeat);
        assert_eq!(begin(&test, "usr_1", b"b").await, Begun::Mismatch);

        write(&test, move |tx| tx.abandon_request(workspace_id, "usr_1", "key", now)).await;
        assert_eq!(begin(&test, "usr_1", b"a").await, repeat, "a finished request cannot be abandoned");
        write(&test, move |tx| tx.abandon_request(workspace_id, "usr_2", "key", now)).await;
        assert_eq!(begin(&test, "usr_2", b"c").await, Begun::Fresh);

        test.clock.advance(KEPT);
        assert_eq!(begin(&test, "usr_1", b"b").await, Begun::Fresh, "forgotten after seven days");
        let now = test.now();
        assert_eq!(write(&test, move |tx| tx.delete_old_requests(workspace_id, now)).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_process_ended_can_be_repeated_but_not_changed() {
    for test in engines().await {
        assert_eq!(begin(&test, "usr_1", b"a").await, Begun::Fresh);
        test.clock.advance(ABANDONED);
        assert_eq!(begin(&test, "usr_1", b"b").await, Begun::Mismatch, "{}", test.engine);
        assert_eq!(begin(&test, "usr_1", b"a").await, Begun::Fresh);
        assert_eq!(begin(&test, "usr_1", b"a").await, Begun::InFlight, "taken over once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_taken_over_leaves_the_answer_to_the_other() {
    for test in engines().await {
        let (workspace_id, first) = (test.workspace_id(), test.now());
        assert_eq!(begin(&test, "usr_1", b"a").await, Begun::Fresh);
        test.clock.advance(ABANDONED);
        let second = test.now();
        assert_eq!(begin(&test, "usr_1", b"a").await, Begun::Fresh);
        write(&test, move |tx| tx.abandon_request(workspace_id, "usr_1", "key", first)).await;
        write(&test, move |tx| tx.finish_request(workspace_id, "usr_1", "key", first, (201, "first"))).await;
        assert_eq!(begin(&test, "usr_1", b"a").await, Begun::InFlight, "{}", test.engine);
        write(&test, move |tx| tx.finish_request(workspace_id, "usr_1", "key", second, (201, "second"))).await;
        let repeat = Begun::Repeat { status: 201, body: "second".to_owned() };
        assert_eq!(begin(&test, "usr_1", b"a").await, repeat, "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_may_take_minutes_is_abandoned_later() {
    for test in engines().await {
        let workspace_id = test.workspace_id();
        let begin = async || {
            let now = test.now();
            let begun =
                write(&test, move |tx| tx.begin_request_for(workspace_id, "usr_1", "key", b"a", now, LONG_ABANDONED));
            begun.await
        };
        assert_eq!(begin().await, Begun::Fresh, "{}", test.engine);
        test.clock.advance(LONG_ABANDONED - 1);
        assert_eq!(begin().await, Begun::InFlight, "{}", test.engine);
        test.clock.advance(1);
        assert_eq!(begin().await, Begun::Fresh, "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_begins() {
    for test in engines().await {
        let (workspace_id, now) = (test.workspace_id(), test.now());
        let all: Vec<_> = (0..16)
            .map(|_| {
                let store = test.store.clone();
                tokio::spawn(async move {
                    store
                        .write::<_, StoreError, _>(move |tx| tx.begin_request(workspace_id, "usr_1", "key", b"a", now))
                        .await
                        .unwrap()
                })
            })
            .collect();
        let mut fresh = 0;
        for begun in all {
            match begun.await.unwrap() {
                Begun::Fresh => fresh += 1,
                Begun::InFlight => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(fresh, 1, "{}", test.engine);
    }
}
