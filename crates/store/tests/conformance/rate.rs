//! Limits of registries and carriers, in segments per minute and day.

use segue_model::{
    CampaignId, Timestamp,
    rate::{RateLimit, RateWindow},
    time,
};
use segue_store::{StoreError, pace::Asks};
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
            let until =
                write(&test, move |tx| tx.keep_in_minute((workspace_id, campaign_id), 2, Asks::First, at)).await;
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
                    .write::<_, StoreError, _>(move |tx| {
                        tx.keep_in_minute((workspace_id, campaign_id), 4, Asks::First, at)
                    })
                    .await;
                until.expect("the store works").is_none()
            });
        }
        let taken = tries.join_all().await.into_iter().filter(|taken| *taken).count();
        assert_eq!(taken, 4, "{}", test.engine);
    }
}

/// A campaign's queue, worked through by somebody who looks up to half a second late.
struct Queue {
    per_minute: u32,
    /// When each asks next, and whether it was promised that moment.
    waiting: Vec<(i64, Asks)>,
    /// When nobody looks: from the first moment to the second.
    pause: (i64, i64),
}

impl Queue {
    /// When each left, and how often was asked.
    async fn work(mut self, test: &TestStore) -> (Vec<i64>, usize) {
        let (of, start) = ((test.workspace_id(), test.ctx.id::<CampaignId>()), test.now());
        let (mut left, mut asked, mut luck) = (Vec::new(), 0, 7_i64);
        while let Some(next) = self.waiting.iter().map(|(at, _)| *at).min() {
            luck = (luck * 1_103_515_245 + 12_345) % 2_147_483_648;
            let mut now = next + luck / 65_536 % 501;
            if (self.pause.0..self.pause.1).contains(&now) {
                now = self.pause.1;
            }
            let (mut due, later): (Vec<_>, Vec<_>) = self.waiting.into_iter().partition(|(at, _)| *at <= now);
            due.sort_by_key(|(at, _)| *at);
            asked += due.len();
            let (per_minute, at) = (self.per_minute, start.plus(now));
            let answers = write(test, move |tx| {
                due.iter().map(|(_, asks)| tx.keep_in_minute(of, per_minute, *asks, at)).collect()
            });
            let answers: Vec<Option<Timestamp>> = answers.await;
            self.waiting = later;
            for until in answers {
                match until {
                    Some(until) => self.waiting.push((until.since(start), Asks::Again)),
                    None => left.push(now),
                }
            }
        }
        (left, asked)
    }
}

/// The most that left in any sixty seconds.
fn most_in_a_minute(left: &[i64]) -> usize {
    let from = |from: &i64| left.iter().filter(|at| (0..time::MINUTE).contains(&(**at - from))).count();
    left.iter().map(from).max().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_late_does_not_slow_a_campaign_down() {
    for test in engines().await {
        // Thirty minutes of messages that are due together, ten of messages that are planned one by one, and five of
        // more in a minute than there are moments to look.
        let together = vec![(0, Asks::First); 300];
        let one_by_one = |apart: i64, count: i64| (0..count).map(|number| (number * apart, Asks::First)).collect();
        for (per_minute, waiting, minutes) in
            [(10, together, 29), (60, one_by_one(1_000, 600), 10), (240, one_by_one(250, 1_200), 5)]
        {
            let count = waiting.len();
            let (left, asked) = Queue { per_minute, waiting, pause: (0, 0) }.work(&test).await;
            let of = format!("{}, {per_minute} a minute", test.engine);
            assert_eq!(left.len(), count, "{of}");
            assert!(most_in_a_minute(&left) <= per_minute as usize, "{of}: {}", most_in_a_minute(&left));
            let (took, should) = (left[left.len() - 1] - left[0], minutes * time::MINUTE);
            assert!(took < should + should / 25 + 2 * time::SECOND, "{of}: {took} instead of {should}");
            assert!(asked < 4 * count, "{of}: {asked} asked");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_pause_has_gathered_is_spread_anew_and_not_asked_each_minute() {
    for test in engines().await {
        let pause = (2 * time::MINUTE, time::HOUR + 2 * time::MINUTE);
        let queue = Queue { per_minute: 10, waiting: vec![(0, Asks::First); 400], pause };
        let (left, asked) = queue.work(&test).await;
        assert_eq!((left.len(), most_in_a_minute(&left)), (400, 10), "{}", test.engine);
        // Two or three of forty minutes are over before the pause.
        let took = left[399] - pause.1;
        assert!(took < 39 * time::MINUTE, "{}: {took}", test.engine);
        assert!(asked < 5 * 400, "{}: {asked} asked", test.engine);
    }
}
