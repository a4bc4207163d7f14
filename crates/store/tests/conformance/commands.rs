//! Commands: each a transaction of its own, whatever its neighbours do.

use std::{
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    time::Duration,
};

use segue_model::Timestamp;
use segue_store::{Sql, Store, StoreError, Tx};
use segue_testkit::{Cluster, TestStore, engines, postgres_store, sqlite_store, store_on};

static PUT: Sql = Sql::portable("PUT", "INSERT INTO installation (name, value) VALUES ($1, $2)");
static WAITING: Sql = Sql::portable(
    "WAITING",
    "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
);
static NAMES: Sql = Sql::portable("NAMES", "SELECT name FROM installation ORDER BY name");

async fn put(store: &Store, name: String) -> Result<u64, StoreError> {
    store.write(move |tx| tx.execute(&PUT, &[&name, &b"x".to_vec()])).await
}

async fn names(store: &Store) -> Vec<String> {
    store.read::<_, StoreError, _>(|tx| tx.query(&NAMES, &[], |row| row.next())).await.unwrap()
}

/// Holds the only writer until the receiver of the sender's message lets it go.
fn hold_writer(store: &Store) -> (mpsc::Sender<()>, tokio::task::JoinHandle<Result<(), StoreError>>) {
    let (release, wait) = mpsc::channel();
    let wait = Mutex::new(wait);
    let entered = Arc::new(Barrier::new(2));
    let (inside, store) = (Arc::clone(&entered), store.clone());
    let held = tokio::spawn(async move {
        store
            .write(move |_| {
                inside.wait();
                wait.lock().unwrap().recv().map_err(|error| StoreError::Unavailable(error.to_string()))
            })
            .await
    });
    // Blocks this thread of the runtime until the writer is inside.
    tokio::task::block_in_place(|| entered.wait());
    (release, held)
}

async fn with_one_writer(test: &TestStore) -> Store {
    let mut config = test.config();
    config.writers = 1;
    tokio::task::spawn_blocking(move || Store::open(config)).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_with_the_character_nul_can_be_stored() {
    for test in engines().await {
        let store = &test.store;
        let stored = store.write(|tx| tx.execute(&PUT, &[&"a stop\0", &b"x".to_vec()])).await;
        assert_eq!(stored.as_ref().map_err(ToString::to_string), Ok(&1), "{}", test.engine);
        let names = store.read(|tx| tx.query(&NAMES, &[], |row| row.next::<String>())).await.unwrap();
        assert!(names.iter().any(|name| name == "a stop\u{FFFD}"), "{}: {names:?}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_and_a_panicking_command_are_rolled_back_alone() {
    for test in engines().await {
        let store = with_one_writer(&test).await;
        let (release, held) = hold_writer(&store);
        // All of these wait, so on SQLite they are one group commit.
        let failing = store.clone();
        let failing = tokio::spawn(async move {
            failing
                .write(|tx| {
                    tx.execute(&PUT, &[&"failed", &b"x".to_vec()])?;
                    Err::<(), _>(StoreError::LeaseLost)
                })
                .await
        });
        let panicking = store.clone();
        let panicking = tokio::spawn(async move {
            panicking
                .write::<(), StoreError, _>(|tx| {
                    tx.execute(&PUT, &[&"panicked", &b"x".to_vec()])?;
                    panic!("on purpose")
                })
                .await
        });
        let good: Vec<_> = (0..20)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move { put(&store, format!("good-{number:02}")).await })
            })
            .collect();
        release.send(()).unwrap();
        held.await.unwrap().unwrap();
        assert!(matches!(failing.await.unwrap(), Err(StoreError::LeaseLost)));
        assert!(matches!(panicking.await.unwrap(), Err(StoreError::Panicked(why)) if why == "on purpose"));
        for write in good {
            write.await.unwrap().unwrap();
        }
        let names = names(&store).await;
        assert_eq!(names.len(), 20, "{}: {names:?}", test.engine);
        assert!(names.iter().all(|name| name.starts_with("good")));
        store.close();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_constraint_ends_one_command_and_names_itself() {
    for test in engines().await {
        put(&test.store, "key".to_owned()).await.unwrap();
        let refused = put(&test.store, "key".to_owned()).await.unwrap_err();
        assert!(matches!(&refused, StoreError::Constraint { constraint } if constraint.contains("installation")));
        put(&test.store, "other".to_owned()).await.unwrap();
        assert_eq!(names(&test.store).await, ["key", "other"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn interactive_commands_go_before_waiting_bulk_ones() {
    for test in engines().await {
        let store = with_one_writer(&test).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let (release, held) = hold_writer(&store);
        let mut waiting = Vec::new();
        for number in 0..5 {
            let (store, order) = (store.clone(), Arc::clone(&order));
            waiting.push(tokio::spawn(async move {
                let note = move |_: &mut segue_store::Tx<'_>| {
                    order.lock().unwrap().push(format!("bulk-{number}"));
                    Ok::<_, StoreError>(())
                };
                store.write_bulk(note).await
            }));
        }
        // The writer is held, so all five are in the queue once nobody is left to push.
        while Arc::strong_count(&order) < 6 {
            tokio::task::yield_now().await;
        }
        tokio::task::yield_now().await;
        let noted = Arc::clone(&order);
        let note = move |_: &mut segue_store::Tx<'_>| {
            noted.lock().unwrap().push("interactive".to_owned());
            Ok::<_, StoreError>(())
        };
        let write = store.write(note);
        // The first poll of the call queues it.
        let mut write = Box::pin(write);
        assert!(futures_poll(&mut write).await, "it waits for the held writer");
        release.send(()).unwrap();
        write.await.unwrap();
        held.await.unwrap().unwrap();
        for write in waiting {
            write.await.unwrap().unwrap();
        }
        assert_eq!(order.lock().unwrap()[0], "interactive", "{}", test.engine);
        store.close();
    }
}

/// Polls a future once; `true` when it is still pending.
async fn futures_poll<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|context| std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending()))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_queued_when_the_store_closes_is_done_and_later_commands_are_refused() {
    for test in engines().await {
        let store = with_one_writer(&test).await;
        let (release, held) = hold_writer(&store);
        let queued = {
            let store = store.clone();
            tokio::spawn(async move { put(&store, "queued".to_owned()).await })
        };
        tokio::task::yield_now().await;
        let closing = {
            let store = store.clone();
            tokio::task::spawn_blocking(move || store.close())
        };
        release.send(()).unwrap();
        held.await.unwrap().unwrap();
        // Queued before the close it is done; after it, refused. Never lost without a word.
        let queued = queued.await.unwrap();
        closing.await.unwrap();
        assert_eq!(names(&test.store).await.len(), usize::from(queued.is_ok()), "{}", test.engine);
        assert!(matches!(put(&store, "late".to_owned()).await, Err(StoreError::Unavailable(_))));
    }
}

static LIMIT_PAGES: Sql = Sql::portable("LIMIT_PAGES", "PRAGMA max_page_count = 1");
static FREE_PAGES: Sql = Sql::portable("FREE_PAGES", "PRAGMA max_page_count = 1000000");
static QUERY_ONLY: Sql = Sql::portable("QUERY_ONLY", "PRAGMA query_only = ON");
static READ_ONLY: Sql = Sql::portable("READ_ONLY", "SET TRANSACTION READ ONLY");

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_unavailable_leaves_nothing_half_done_and_ends_when_there_is_room() {
    let test = sqlite_store().await;
    test.store.write::<_, StoreError, _>(|tx| tx.query(&LIMIT_PAGES, &[], |row| row.next::<i64>())).await.unwrap();
    let full = test
        .store
        .write::<_, StoreError, _>(|tx| {
            tx.execute(&PUT, &[&"small", &b"x".to_vec()])?;
            tx.execute(&PUT, &[&"large", &vec![0_u8; 1_000_000]])
        })
        .await;
    assert!(matches!(&full, Err(StoreError::Unavailable(_))), "{full:?}");
    assert!(names(&test.store).await.is_empty(), "nothing of the command stays");
    test.store.write::<_, StoreError, _>(|tx| tx.query(&FREE_PAGES, &[], |row| row.next::<i64>())).await.unwrap();
    put(&test.store, "after".to_owned()).await.unwrap();
    assert_eq!(names(&test.store).await, ["after"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_in_one_command_of_a_group_lets_no_other_be_told_a_wrong_result() {
    let test = sqlite_store().await;
    test.store.write::<_, StoreError, _>(|tx| tx.query(&LIMIT_PAGES, &[], |row| row.next::<i64>())).await.unwrap();
    let (release, held) = hold_writer(&test.store);
    let writes: Vec<_> = (0..12)
        .map(|number| {
            let store = test.store.clone();
            let size = if number % 3 == 1 { 1_000_000 } else { 10 };
            let name = format!("row-{number:02}");
            tokio::spawn(async move {
                let stored = name.clone();
                let result =
                    store.write::<_, StoreError, _>(move |tx| tx.execute(&PUT, &[&stored, &vec![0_u8; size]])).await;
                (name, result)
            })
        })
        .collect();
    release.send(()).unwrap();
    // It may be in the group of the command that ended the transaction.
    let _ = held.await.unwrap();
    let mut told = Vec::new();
    for write in writes {
        let (name, result) = write.await.unwrap();
        if result.is_ok() {
            told.push(name);
        }
    }
    told.sort();
    assert_eq!(names(&test.store).await, told, "what was told stored is stored, and nothing else");
}

static LOSE_SAVEPOINT: Sql = Sql::portable("LOSE_SAVEPOINT", "RELEASE command");

#[tokio::test(flavor = "multi_thread")]
async fn a_command_of_a_group_that_cannot_be_undone_takes_the_group_with_it() {
    let test = sqlite_store().await;
    let (release, held) = hold_writer(&test.store);
    let writes: Vec<_> = (0..6)
        .map(|number| {
            let (store, name) = (test.store.clone(), format!("row-{number}"));
            tokio::spawn(async move {
                let stored = name.clone();
                let write = store.write::<_, StoreError, _>(move |tx| {
                    tx.execute(&PUT, &[&stored, &b"x".to_vec()])?;
                    if number != 2 {
                        return Ok(());
                    }
                    tx.execute(&LOSE_SAVEPOINT, &[])?;
                    Err(StoreError::LeaseLost)
                });
                (name, write.await.is_ok())
            })
        })
        .collect();
    tokio::task::yield_now().await;
    release.send(()).unwrap();
    let _ = held.await.unwrap();
    let mut told = Vec::new();
    for write in writes {
        let (name, is_stored) = write.await.unwrap();
        told.extend(is_stored.then_some(name));
    }
    told.sort();
    assert_eq!(names(&test.store).await, told, "what was told stored is stored, and nothing else");
    assert!(!told.contains(&"row-2".to_owned()));
    put(&test.store, "after".to_owned()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_database_is_unavailable() {
    let test = sqlite_store().await;
    test.store.write::<_, StoreError, _>(|tx| tx.execute(&QUERY_ONLY, &[])).await.unwrap();
    assert!(matches!(put(&test.store, "key".to_owned()).await, Err(StoreError::Unavailable(_))));
    let again = test.open_again().await;
    put(&again, "key".to_owned()).await.unwrap();
    again.close();

    let Some(test) = postgres_store().await else { return };
    let refused = test
        .store
        .write::<_, StoreError, _>(|tx| {
            tx.execute(&READ_ONLY, &[])?;
            tx.execute(&PUT, &[&"key", &b"x".to_vec()])
        })
        .await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_outlive_restarts_of_the_database_server() {
    // The shared cluster says whether there is a PostgreSQL; the one that is restarted is this test's own.
    if postgres_store().await.is_none() {
        return;
    }
    let cluster = tokio::task::spawn_blocking(Cluster::alone).await.unwrap().unwrap();
    let (cluster, url) = tokio::task::spawn_blocking(move || {
        let url = cluster.create_database("restarted");
        (Arc::new(cluster), url)
    })
    .await
    .unwrap();
    let test = store_on(url).await;
    let writing = {
        let store = test.store.clone();
        tokio::spawn(async move {
            let mut told = Vec::new();
            for number in 0..300 {
                let name = format!("row-{number:03}");
                // A commit whose answer was lost may have happened; everything else is done or refused.
                if put(&store, name.clone()).await.is_ok() {
                    told.push(name);
                }
            }
            told
        })
    };
    for _ in 0..3 {
        let cluster = Arc::clone(&cluster);
        tokio::task::spawn_blocking(move || cluster.restart()).await.unwrap();
    }
    let told = writing.await.unwrap();
    let stored = names(&test.store).await;
    assert!(told.iter().all(|name| stored.contains(name)), "what was told stored is stored");
    assert!(told.len() > 250, "restarts are bridged, only commits under way are told unavailable: {}", told.len());
}

static HIT: Sql = Sql::portable("HIT", "UPDATE workspaces SET created_at = created_at + 1 WHERE id = $1");
static HITS: Sql = Sql::portable("HITS", "SELECT created_at FROM workspaces WHERE id = $1");

#[tokio::test(flavor = "multi_thread")]
async fn deadlocks_are_run_again_without_the_caller_knowing() {
    for test in engines().await {
        let other = test.ctx.id();
        let mut row = test.workspace.clone();
        (row.id, row.slug) = (other, "other".to_owned());
        test.store.write::<_, StoreError, _>(move |tx| tx.insert_workspace(&row)).await.unwrap();
        let ids = [test.workspace_id(), other];
        let writes: Vec<_> = (0..8)
            .map(|number| {
                let store = test.store.clone();
                let order = if number % 2 == 0 { ids } else { [ids[1], ids[0]] };
                tokio::spawn(async move {
                    store
                        .write::<_, StoreError, _>(move |tx| {
                            tx.execute(&HIT, &[&order[0]])?;
                            tx.execute(&HIT, &[&order[1]])
                        })
                        .await
                })
            })
            .collect();
        for write in writes {
            write.await.unwrap().unwrap_or_else(|error| panic!("{}: {error}", test.engine));
        }
        for id in ids {
            let at =
                test.store.read::<Timestamp, StoreError, _>(move |tx| tx.query_one(&HITS, &[&id], |row| row.next()));
            assert_eq!(at.await.unwrap(), Timestamp(segue_testkit::NOON.0 + 8), "{}", test.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_being_run_is_seen_where_one_thread_writes() {
    for test in engines().await {
        if !matches!(test.store.engine(), segue_store::Engine::Sqlite(_)) {
            assert_eq!(test.store.time_writing(), None, "nobody has to wait");
            continue;
        }
        let (release, writing) = hold_writer(&test.store);
        let before = test.store.time_writing().unwrap();
        let wanted = before + std::time::Duration::from_millis(20);
        let seen = async {
            while test.store.time_writing().unwrap() < wanted {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), seen).await.expect("it counts while it runs");
        release.send(()).unwrap();
        writing.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_transaction_locks_others_wait_for_however_often_it_asked() {
    // SQLite has one writer.
    let Some(test) = postgres_store().await else { return };
    let ((has_locked, is_locked), (let_go, may_go)) = (mpsc::channel(), mpsc::channel::<()>());
    let (has_locked, may_go) = (Mutex::new(has_locked), Mutex::new(may_go));
    let store = test.store.clone();
    let holder = tokio::spawn(async move {
        store
            .write::<_, StoreError, _>(move |tx| {
                tx.lock_shared("thing", &1)?;
                tx.lock("thing", &1)?;
                tx.lock_each("thing", [2, 3, 2])?;
                has_locked.lock().unwrap().send(()).expect("the test waits");
                may_go.lock().unwrap().recv().expect("the test says when");
                Ok(())
            })
            .await
    });
    tokio::task::spawn_blocking(move || is_locked.recv()).await.unwrap().unwrap();
    let [reader, one, other] = [test.store.clone(), test.store.clone(), test.store.clone()];
    let waiting = [
        tokio::spawn(async move { reader.write::<_, StoreError, _>(|tx| tx.lock_shared("thing", &1)).await }),
        tokio::spawn(async move { one.write::<_, StoreError, _>(|tx| tx.lock("thing", &2)).await }),
        tokio::spawn(async move { other.write::<_, StoreError, _>(|tx| tx.lock_each("thing", [4, 3])).await }),
    ];
    let all_wait = async {
        loop {
            let count = |tx: &mut Tx<'_>| tx.query_one(&WAITING, &[], |row| row.next::<u64>());
            if test.store.read::<_, StoreError, _>(count).await.unwrap() == 3 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), all_wait).await.expect("all three wait");
    let_go.send(()).unwrap();
    holder.await.unwrap().unwrap();
    for ended in waiting {
        ended.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_nobody_waits_for_any_more_is_not_begun() {
    for test in engines().await {
        let mut config = test.config();
        config.readers = 1;
        let store = tokio::task::spawn_blocking(move || Store::open(config)).await.unwrap().unwrap();
        let (release, wait) = mpsc::channel::<()>();
        let (wait, entered) = (Mutex::new(wait), Arc::new(Barrier::new(2)));
        let (inside, own) = (Arc::clone(&entered), store.clone());
        let held = tokio::spawn(async move {
            let read = own.read::<_, StoreError, _>(move |_| {
                inside.wait();
                wait.lock().unwrap().recv().map_err(|error| StoreError::Unavailable(error.to_string()))
            });
            read.await
        });
        tokio::task::block_in_place(|| entered.wait());
        let begun = Arc::new(AtomicU32::new(0));
        let read = || {
            let begun = Arc::clone(&begun);
            store.read::<_, StoreError, _>(move |_| Ok(begun.fetch_add(1, Ordering::Relaxed)))
        };
        let given_up = tokio::time::timeout(Duration::from_millis(20), read()).await;
        assert!(given_up.is_err(), "{}: the one thread is busy", test.engine);
        release.send(()).unwrap();
        held.await.unwrap().unwrap();
        assert_eq!(read().await.unwrap(), 0, "{}: the other one was not begun", test.engine);
        store.close();
    }
}
