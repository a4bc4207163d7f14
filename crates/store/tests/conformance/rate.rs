//! Limits of registries and carriers, in segments per minute and day.

use segue_model::{
    CampaignId, Timestamp,
    rate::{RateLimit, RateWindow},
    time,
};
use segue_store::StoreError;
use segue_testkit::{TestStore, engines};

use super::write;

fn limits(test: &TestStore) -> [RateLimit; 2] {
    let (campaign, brand) = (test.ctx.uuid(), test.ctx.uuid());
    [
        RateLimit { of: campaign, window: RateWindow::Minute, segments: 4 },
        RateLimit { of: brand, window: RateWindow::Day, segments: 10 },
    ]
}

async fn take(test: &TestStore, limits: [RateLimit; 2], segments: u32, now: Timestamp) -> Option<Timestamp> {
    let workspace_id = test.workspace_id();
    let full = write(test, move |tx| tx.take_room(workspace_id, &limits, segments, now)).await;
    full.map(|(_, until)| until)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_needs_room_in_every_limit_and_waits_for_the_next_window() {
    for test in engines().await {
        let (limits, noon) = (limits(&test), Timestamp(1_795_453_200_000));
        let minute = move |count| noon.plus(count * time::MINUTE);
        assert_eq!(take(&test, limits, 2, noon).await, None, "{}", test.engine);
        assert_eq!(take(&test, limits, 2, noon.plus(59_999)).await, None);
        assert_eq!(take(&test, limits, 1, noon.plus(30_000)).await, Some(minute(1)), "the minute is full");
        // Four more segments find no room: they are put off one minute further than the first four.
        for _ in 0..3 {
            assert_eq!(take(&test, limits, 1, noon.plus(30_000)).await, Some(minute(1)));
        }
        assert_eq!(take(&test, limits, 1, noon.plus(30_000)).await, Some(minute(2)), "{}", test.engine);
        assert_eq!(take(&test, limits, 3, minute(1)).await, None);
        assert_eq!(take(&test, limits, 3, minute(2)).await, None, "ten of the day");
        let midnight = RateWindow::Day.slot(noon).ends_at;
        assert_eq!(take(&test, limits, 1, minute(3)).await, Some(midnight), "{}", test.engine);
        // What was taken of the minute went back when the day had no room.
        let only_minute = [limits[0], limits[0]];
        assert_eq!(take(&test, only_minute, 2, minute(3)).await, None, "{}", test.engine);
        assert_eq!(take(&test, limits, 3, midnight).await, None, "a new day");
        // A message longer than the limit itself leaves alone.
        assert_eq!(take(&test, [limits[0], limits[0]], 9, minute(5)).await, Some(minute(6)), "twice the same limit");
        // What a message took that does not leave after all is there for the next.
        let workspace_id = test.workspace_id();
        assert_eq!(take(&test, only_minute, 2, minute(7)).await, None);
        assert!(take(&test, only_minute, 1, minute(7)).await.is_some(), "full: {}", test.engine);
        write(&test, move |tx| tx.give_room_back(workspace_id, limits[0], 2, minute(7))).await;
        assert_eq!(take(&test, only_minute, 1, minute(7)).await, None, "{}", test.engine);
        assert!(write(&test, move |tx| tx.delete_old_rate_windows(workspace_id, minute(4))).await >= 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_never_share_the_last_segment() {
    for test in engines().await {
        let (limits, now, workspace_id) = (limits(&test), test.now(), test.workspace_id());
        let mut tries = tokio::task::JoinSet::new();
        for _ in 0..12 {
            let store = test.store.clone();
            tries.spawn(async move {
                let full = store.write::<_, StoreError, _>(move |tx| tx.take_room(workspace_id, &limits, 1, now)).await;
                full.expect("the store works").is_none()
            });
        }
        let taken = tries.join_all().await.into_iter().filter(|taken| *taken).count();
        assert_eq!(taken, 4, "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_has_its_places_once_in_any_minute_and_the_rest_is_spread() {
    for test in engines().await {
        let (workspace_id, campaign_id, start) = (test.workspace_id(), test.ctx.id::<CampaignId>(), test.now());
        let take = async |after: i64| {
            let at = start.plus(after);
            let until = write(&test, move |tx| tx.keep_in_minute(workspace_id, campaign_id, 2, at)).await;
            until.map(|until| until.since(start))
        };
        // A second before the clock's minute ends, and after it.
        let border = time::MINUTE - start.0 % time::MINUTE - time::SECOND;
        let after = move |milliseconds| border + milliseconds;
        assert_eq!([take(after(0)).await, take(after(500)).await], [None, None], "{}", test.engine);
        assert_eq!(take(after(2_000)).await, Some(after(60_000)), "{}: the next minute of the clock", test.engine);
        for promised in [60_500, 120_000, 120_500, 180_000] {
            assert_eq!(take(after(2_000)).await, Some(after(promised)), "{}", test.engine);
        }
        assert_eq!(take(after(59_999)).await, Some(after(180_500)));
        assert_eq!([take(after(60_000)).await, take(after(60_500)).await], [None, None], "{}", test.engine);
        let now = start.plus(after(60_500));
        write(&test, move |tx| tx.give_minute_back(workspace_id, campaign_id, 2, now)).await;
        assert_eq!(take(after(60_501)).await, None, "{}: it was given back", test.engine);
        assert!(take(after(60_502)).await.is_some(), "{}", test.engine);
        assert!(write(&test, move |tx| tx.delete_old_places(workspace_id, now)).await >= 3, "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_never_share_the_last_place() {
    for test in engines().await {
        let (workspace_id, campaign_id, now) = (test.workspace_id(), test.ctx.id::<CampaignId>(), test.now());
        let mut tries = tokio::task::JoinSet::new();
        for number in 0..12 {
            let store = test.store.clone();
            tries.spawn(async move {
                let at = now.plus(number);
                let until = store
                    .write::<_, StoreError, _>(move |tx| tx.keep_in_minute(workspace_id, campaign_id, 4, at))
                    .await;
                until.expect("the store works").is_none()
            });
        }
        let taken = tries.join_all().await.into_iter().filter(|taken| *taken).count();
        assert_eq!(taken, 4, "{}", test.engine);
    }
}
