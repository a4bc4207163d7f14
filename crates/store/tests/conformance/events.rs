//! The event log is in the order of commits, and a reader never skips one.

use segue_model::Timestamp;
use segue_store::{StoreError, event::NewEvent};
use segue_testkit::engines;
use serde_json::json;

fn event(number: u32, at: Timestamp) -> NewEvent {
    NewEvent {
        kind: "message.created",
        entity: "session",
        entity_id: number.to_string(),
        audience: None,
        data: json!({ "number": number }),
        at,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_polls_sees_every_event_once_and_in_order_while_sixteen_write() {
    const WRITERS: u32 = 16;
    const EACH: u32 = 25;
    for test in engines().await {
        let (workspace_id, now) = (test.workspace_id(), test.now());
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let store = test.store.clone();
                tokio::spawn(async move {
                    for round in 0..EACH {
                        let number = writer * 1_000 + round * 2;
                        store
                            .write::<_, StoreError, _>(move |tx| {
                                tx.emit(workspace_id, event(number, now));
                                tx.emit(workspace_id, event(number + 1, now));
                                // Some transactions last longer between the first statement and the commit.
                                for _ in 0..(writer % 4) {
                                    tx.workspaces()?;
                                }
                                Ok(())
                            })
                            .await
                            .unwrap();
                    }
                })
            })
            .collect();
        let (mut seen, mut last) = (Vec::new(), 0);
        while seen.len() < (WRITERS * EACH * 2) as usize {
            let after = last;
            let read = test.store.read::<_, StoreError, _>(move |tx| tx.events_since(workspace_id, after, 100));
            for event in read.await.unwrap() {
                assert_eq!(event.seq, last + 1, "{}: a number was skipped", test.engine);
                last = event.seq;
                seen.push(event.data["number"].as_u64().unwrap());
            }
        }
        for writer in writers {
            writer.await.unwrap();
        }
        for writer in 0..u64::from(WRITERS) {
            let own: Vec<u64> = seen.iter().copied().filter(|number| number / 1_000 == writer).collect();
            let wanted: Vec<u64> = (0..u64::from(EACH) * 2).map(|number| writer * 1_000 + number).collect();
            assert_eq!(own, wanted, "{}: the order of one writer's commits", test.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_rolled_back_leaves_no_event_and_no_gap() {
    for test in engines().await {
        let (workspace_id, now) = (test.workspace_id(), test.now());
        for number in 0..6 {
            let written = test.store.write(move |tx| {
                tx.emit(workspace_id, event(number, now));
                if number % 2 == 0 { Ok(()) } else { Err(StoreError::LeaseLost) }
            });
            assert_eq!(written.await.is_ok(), number % 2 == 0);
        }
        let events =
            test.store.read::<_, StoreError, _>(move |tx| tx.events_since(workspace_id, 0, 100)).await.unwrap();
        let seen: Vec<_> = events.iter().map(|event| (event.seq, event.entity_id.as_str())).collect();
        assert_eq!(seen, [(1, "0"), (2, "2"), (3, "4")], "{}", test.engine);
        let bounds = test.store.read::<_, StoreError, _>(move |tx| tx.event_bounds(workspace_id)).await.unwrap();
        assert_eq!(bounds, (1, 3));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_old_events_go_part_by_part() {
    for test in engines().await {
        let (workspace_id, start) = (test.workspace_id(), test.now());
        let many = segue_store::REMOVED_AT_ONCE + 5;
        let written = test.store.write::<_, StoreError, _>(move |tx| {
            for number in 0..many {
                tx.emit(workspace_id, event(number, start));
            }
            Ok(())
        });
        written.await.unwrap();
        let mut removed = Vec::new();
        for _ in 0..3 {
            let part =
                test.store.write::<_, StoreError, _>(move |tx| tx.delete_events_before(workspace_id, start.plus(1)));
            removed.push(part.await.unwrap());
        }
        assert_eq!(removed, [u64::from(segue_store::REMOVED_AT_ONCE), 5, 0], "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn old_events_go_and_the_bounds_tell() {
    for test in engines().await {
        let (workspace_id, start) = (test.workspace_id(), test.now());
        for number in 0..4_u32 {
            let at = start.plus(i64::from(number) * 1_000);
            test.store
                .write::<_, StoreError, _>(move |tx| {
                    tx.emit(workspace_id, event(number, at));
                    Ok(())
                })
                .await
                .unwrap();
        }
        let removed = test
            .store
            .write::<_, StoreError, _>(move |tx| tx.delete_events_before(workspace_id, start.plus(2_000)))
            .await;
        assert_eq!(removed.unwrap(), 2);
        let bounds = test.store.read::<_, StoreError, _>(move |tx| tx.event_bounds(workspace_id)).await.unwrap();
        assert_eq!(bounds, (3, 4), "{}", test.engine);
    }
}
