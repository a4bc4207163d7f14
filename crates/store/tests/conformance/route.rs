//! Routes of senders: their order, the versions of prices, and what accounts delivered.

use segue_model::{
    ChannelId, MessageId, Timestamp,
    content::SmsContent,
    delivery::MessageClass,
    route::{RouteBy, Share},
    time,
};
use segue_store::{
    Sql, StoreError,
    outbox::{AddressKind, NewOutbox, Payload},
    route::{ChannelPrices, Shares},
    workspace::SegmentPrice,
};
use segue_testkit::{TestStore, engines};

use super::write;

static SETTLE: Sql = Sql::portable(
    "SETTLE",
    "UPDATE outbox SET state = $3, submitted_at = $4, accepted_at = $5 WHERE workspace_id = $1 AND id = $2",
);

/// Messages of a channel to this number, that ended in this state now.
async fn ended(test: &TestStore, channel_id: ChannelId, (to, state): (&'static str, &'static str), count: u32) {
    let (workspace_id, ctx, now) = (test.workspace_id(), test.ctx.clone(), test.now());
    write(test, move |tx| {
        for _ in 0..count {
            let id: MessageId = ctx.id();
            let content = SmsContent::of_text("+15550000000".to_owned(), "Sale".to_owned());
            let message = NewOutbox {
                id,
                channel_id,
                class: MessageClass::Marketing,
                dedupe_key: id.to_string(),
                address: to.to_owned(),
                address_kind: AddressKind::Phone,
                payload: Payload::of(&content)?,
                campaign: None,
                session_id: None,
                not_before: now,
                expires_at: None,
                segments: Some(1),
            };
            tx.enqueue(workspace_id, &message, now)?;
            match state {
                "queued" => {}
                "refused" => {
                    tx.execute(&SETTLE, &[&workspace_id, &id, &"failed", &now, &None::<Timestamp>])?;
                }
                _ => {
                    tx.execute(&SETTLE, &[&workspace_id, &id, &state, &now, &Some(now)])?;
                }
            }
        }
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_count_the_last_day_of_accounts_that_report_and_silence_as_not_delivered() {
    const MUNICH: &str = "+498912345678";
    const VIENNA: &str = "+4315850000";
    for test in engines().await {
        let workspace_id = test.workspace_id();
        let one = test.sms_channel("one").await.id;
        let mute = test.sms_channel("mute").await.id;
        let other = test.sms_channel("other").await.id;
        ended(&test, one, (MUNICH, "failed"), 9).await;
        test.clock.advance(25 * time::HOUR);
        ended(&test, one, (MUNICH, "delivered"), 7).await;
        ended(&test, one, (MUNICH, "failed"), 2).await;
        ended(&test, one, (VIENNA, "read"), 1).await;
        ended(&test, one, (VIENNA, "accepted"), 3).await;
        ended(&test, one, (VIENNA, "queued"), 5).await;
        ended(&test, one, (VIENNA, "suppressed"), 5).await;
        ended(&test, mute, (VIENNA, "accepted"), 4).await;
        ended(&test, mute, (VIENNA, "refused"), 1).await;
        ended(&test, other, (VIENNA, "delivered"), 4).await;
        let count = async || {
            let now = test.now();
            let shares = write(&test, move |tx| tx.count_shares(workspace_id, &[one, mute], now)).await;
            let put = shares.clone();
            write(&test, move |tx| tx.put_shares(workspace_id, &put, now)).await;
            let kept = write(&test, move |tx| tx.route_shares(workspace_id)).await;
            assert_eq!(kept.shares, shares, "{}", test.engine);
            assert!(kept.is_current(now) || shares.is_empty(), "{}", test.engine);
            assert!(!kept.is_current(now.plus(time::HOUR)), "nobody has counted for an hour: {}", test.engine);
            let of = |country: &str| shares.get(&(one, country.to_owned())).copied();
            assert!(shares.keys().all(|(channel, _)| *channel == one), "{}: {shares:?}", test.engine);
            (of(""), of("DE"), of("AT"))
        };
        let share = |delivered, settled| Some(Share { delivered, settled });
        assert_eq!(count().await, (share(8, 10), share(7, 9), share(1, 1)), "{}: what is just accepted", test.engine);
        test.clock.advance(time::HOUR);
        assert_eq!(count().await, (share(8, 13), share(7, 9), share(1, 4)), "{}: nobody answered", test.engine);
        test.clock.advance(24 * time::HOUR);
        assert_eq!(count().await, (None, None, None), "{}: the window has passed", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_messages_of_other_accounts_do_not_hide_those_of_a_route() {
    for test in engines().await {
        let workspace_id = test.workspace_id();
        let (busy, one) = (test.sms_channel("busy").await.id, test.sms_channel("one").await.id);
        ended(&test, busy, ("+4315850000", "delivered"), 2_100).await;
        ended(&test, one, ("+4315850000", "delivered"), 3).await;
        let now = test.now();
        let shares = write(&test, move |tx| tx.count_shares(workspace_id, &[one], now)).await;
        let share = shares.get(&(one, String::new())).copied();
        assert_eq!(share, Some(Share { delivered: 3, settled: 3 }), "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_that_count_at_once_do_not_get_in_each_others_way() {
    for test in engines().await {
        let (workspace_id, now) = (test.workspace_id(), test.now());
        let one = test.sms_channel("one").await.id;
        let shares: Shares = ["", "AT", "DE", "FR", "US"]
            .map(|country| ((one, country.to_owned()), Share { delivered: 1, settled: 2 }))
            .into();
        let mut nodes = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let (store, shares) = (test.store.clone(), shares.clone());
            nodes.spawn(async move {
                store.write::<_, StoreError, _>(move |tx| tx.put_shares(workspace_id, &shares, now)).await
            });
        }
        for put in nodes.join_all().await {
            put.unwrap_or_else(|error| panic!("{}: {error}", test.engine));
        }
        assert_eq!(write(&test, move |tx| tx.route_shares(workspace_id)).await.shares, shares, "{}", test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_keep_their_order_and_prices_their_versions() {
    for test in engines().await {
        let (workspace_id, now) = (test.workspace_id(), test.now());
        let (one, two) = (test.sms_channel("one").await.id, test.sms_channel("two").await.id);
        let first = test.sender(one, "+15550000000").await.id;
        let second = test.sender(two, "+15550000000").await.id;
        assert_eq!(write(&test, move |tx| tx.sender_routes(workspace_id, first)).await, None);
        let set = async |by: RouteBy, routes: Vec<segue_model::SenderId>| {
            write(&test, move |tx| tx.set_sender_routes(workspace_id, first, by, &routes)).await;
            let routes = write(&test, move |tx| tx.sender_routes(workspace_id, first)).await;
            routes.map(|it| (it.by, it.routes.iter().map(|route| route.sender.id).collect::<Vec<_>>()))
        };
        let routes = vec![second, first];
        assert_eq!(set(RouteBy::Price, routes.clone()).await, Some((RouteBy::Price, routes.clone())));
        assert!(write(&test, move |tx| tx.routed_channels(workspace_id)).await.is_empty(), "nobody asks for shares");
        let turned = vec![first, second];
        assert_eq!(set(RouteBy::Delivery, turned.clone()).await, Some((RouteBy::Delivery, turned)));
        assert_eq!(write(&test, move |tx| tx.routed_channels(workspace_id)).await.len(), 2);
        assert_eq!(set(RouteBy::Order, Vec::new()).await, None);
        assert!(write(&test, move |tx| tx.all_routes(workspace_id)).await.is_empty());

        for (later, price) in [(0, 700), (time::DAY, 900), (time::HOUR, 800)] {
            let prices = ChannelPrices {
                id: test.ctx.uuid(),
                valid_from: now.plus(later),
                currency: "EUR".to_owned(),
                prices: vec![SegmentPrice { country: "DE".to_owned(), per_thousand: price }],
                other_price: None,
                actor: "test".to_owned(),
                created_at: now,
            };
            write(&test, move |tx| tx.add_channel_prices(workspace_id, one, &prices)).await;
        }
        let versions = write(&test, move |tx| tx.channel_prices(workspace_id, one)).await;
        let prices: Vec<_> = versions.iter().map(|it| it.price(Some("DE"))).collect();
        assert_eq!(prices, [Some(900), Some(800), Some(700)], "{}", test.engine);
        assert_eq!(versions[0].price(Some("AT")), None);
        assert!(write(&test, move |tx| tx.channel_prices(workspace_id, two)).await.is_empty());
    }
}
