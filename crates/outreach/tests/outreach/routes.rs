//! By which account the texts of a sender leave: what is chosen, why, and that each text waits for one account only.

use std::collections::BTreeMap;

use segue_model::{
    ChannelId, WorkspaceId,
    route::{RouteBy, RouteNote, RouteReason, Share, TRIALS_IN_100, draw},
    sender::SenderAlphabet,
};
use segue_outreach::{
    OutreachError,
    campaign::{preflight, test_send},
    direct::{self, DirectClass, DirectInput, SenderChoice, Target, Text},
};
use segue_store::{
    Sql,
    campaign::CampaignInput,
    channel::{ChannelState, Registration, Sender},
    direct_message::DirectMessageView,
    recipient::RecipientQuery,
    route::{ChannelPrices, Shares},
    workspace::SegmentPrice,
};

use crate::world::{World, worlds};

const MUNICH: &str = "+498912345678";
const NEW_YORK: &str = "+12125550001";

static SPOIL: Sql = Sql::portable("SPOIL", "UPDATE outbox SET state = 'nothing' WHERE workspace_id = $1");
static CHANNELS: Sql =
    Sql::portable("CHANNELS", "SELECT address, channel_id FROM outbox WHERE workspace_id = $1 ORDER BY id");

/// The sender of the world on a second account.
async fn second(world: &World) -> Sender {
    let channel = world.test.sms_channel("second").await;
    world.test.sender(channel.id, &world.sender.address).await
}

async fn routes(world: &World, by: RouteBy, routes: &[&Sender]) {
    let (ws, id) = (world.ws(), world.sender.id);
    let routes: Vec<_> = routes.iter().map(|route| route.id).collect();
    world.write(move |tx| tx.set_sender_routes(ws, id, by, &routes)).await;
}

async fn prices(world: &World, channel_id: ChannelId, later: i64, of: &[(&str, i64)]) {
    let (ws, now) = (world.ws(), world.test.now());
    let prices = ChannelPrices {
        id: world.test.ctx.uuid(),
        valid_from: now.plus(later),
        currency: "USD".to_owned(),
        prices: of.iter().map(|(to, price)| SegmentPrice { country: (*to).to_owned(), per_thousand: *price }).collect(),
        other_price: None,
        actor: "test".to_owned(),
        created_at: now,
    };
    world.write(move |tx| tx.add_channel_prices(ws, channel_id, &prices)).await;
}

/// Plans a campaign: by which account each number gets it, and why.
async fn planned(world: &World) -> BTreeMap<String, (ChannelId, Option<RouteNote>)> {
    planned_with(world, "Sale").await
}

async fn planned_with(world: &World, body: &str) -> BTreeMap<String, (ChannelId, Option<RouteNote>)> {
    let ws = world.ws();
    let count = world.messages().await.len();
    let campaign = world.sent(CampaignInput { body: body.to_owned(), ..world.input() }).await;
    let query = RecipientQuery { limit: 1_000, ..Default::default() };
    let now = world.test.now();
    let recipients = world.write(move |tx| tx.recipients(ws, campaign.id, &query, now)).await;
    let rows = world
        .write(move |tx| tx.query(&CHANNELS, &[&ws], |row| Ok((row.next::<String>()?, row.next::<ChannelId>()?))))
        .await;
    let mut all = BTreeMap::new();
    for (address, channel) in rows.into_iter().skip(count) {
        let recipient = recipients.iter().find(|it| it.phone.as_ref().is_some_and(|phone| phone.as_str() == address));
        let recipient = recipient.expect("a message has its recipient");
        assert_eq!(recipient.channel_id, Some(channel), "{}", world.test.engine);
        assert!(
            all.insert(address, (channel, recipient.route)).is_none(),
            "one message for each: {}",
            world.test.engine
        );
    }
    all
}

/// Sends one text by API.
async fn direct(world: &World, text: &str) -> Result<DirectMessageView, OutreachError> {
    let message = DirectInput {
        media: Vec::new(),
        media_named: Vec::new(),
        sender: SenderChoice::Id(world.sender.id),
        to: Target::Phone(MUNICH.to_owned()),
        text: Text::Verbatim(text.to_owned()),
        fields: Default::default(),
        class: DirectClass::Service,
        expires_at: None,
        client_reference: None,
        callback: None,
    };
    direct::send(&world.test.store, &world.test.ctx, world.ws(), "test", None, message).await
}

/// What the check says of a campaign with this text.
async fn looked(world: &World, body: &str) -> preflight::Preflight {
    let draft = world.draft(CampaignInput { body: body.to_owned(), ..world.input() }).await.unwrap();
    preflight::preflight(&world.test.store, &world.test.ctx, &world.links, world.ws(), draft.id).await.unwrap()
}

fn reason(note: Option<RouteNote>) -> RouteReason {
    note.expect("it was decided").reason
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_counts_and_what_cannot_send_is_passed_over() {
    for world in worlds().await {
        world.subscriber(MUNICH, "Ben").await;
        let (ws, first) = (world.ws(), world.sms.id);
        assert_eq!(planned(&world).await[MUNICH], (first, None), "{}: no routes, nothing to say", world.test.engine);
        let other = second(&world).await;
        routes(&world, RouteBy::Order, &[&other, &world.sender]).await;
        let (channel, note) = planned(&world).await[MUNICH];
        assert_eq!((channel, reason(note)), (other.channel_id, RouteReason::First), "{}", world.test.engine);

        // Its account has just lost the connection; then it has been away for a while.
        let (channel_id, now) = (other.channel_id, world.test.now());
        world.write(move |tx| tx.note_connection(ws, channel_id, ChannelState::Disconnected, now)).await;
        assert_eq!(planned(&world).await[MUNICH].0, other.channel_id, "{}", world.test.engine);
        world.test.clock.advance(60_000);
        assert_eq!(planned(&world).await[MUNICH].0, first, "{}", world.test.engine);
        world.write(move |tx| tx.note_connection(ws, channel_id, ChannelState::Connected, now)).await;
        assert_eq!(planned(&world).await[MUNICH].0, other.channel_id, "{}", world.test.engine);

        // The carrier has not activated it on that account.
        world.write(move |tx| tx.set_sender(ws, other.id, Registration::Pending, &[])).await;
        assert_eq!(planned(&world).await[MUNICH].0, first, "{}", world.test.engine);
        // It may be that the second account alone may send.
        world.write(move |tx| tx.set_sender(ws, other.id, Registration::Active, &[])).await;
        let us_only = ["US".to_owned()];
        let own = world.sender.id;
        world.write(move |tx| tx.set_sender(ws, own, Registration::Active, &us_only)).await;
        routes(&world, RouteBy::Order, &[&world.sender, &other]).await;
        assert_eq!(planned(&world).await[MUNICH].0, other.channel_id, "{}", world.test.engine);
        // Where none may, nobody gets it.
        let nowhere = ["FR".to_owned()];
        world.write(move |tx| tx.set_sender(ws, other.id, Registration::Active, &nowhere)).await;
        assert!(planned(&world).await.is_empty(), "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_country_goes_by_the_cheapest_account_at_the_prices_of_the_day() {
    for world in worlds().await {
        world.subscriber(MUNICH, "Ben").await;
        world.subscriber(NEW_YORK, "Ann").await;
        let (first, other) = (world.sms.id, second(&world).await);
        routes(&world, RouteBy::Price, &[&world.sender, &other]).await;
        let before = planned(&world).await;
        assert_eq!(
            (before[MUNICH].0, reason(before[MUNICH].1)),
            (first, RouteReason::NoPrice),
            "{}",
            world.test.engine
        );
        prices(&world, first, 0, &[("DE", 7_500), ("US", 800)]).await;
        prices(&world, other.channel_id, 0, &[("DE", 6_900), ("US", 810)]).await;
        prices(&world, other.channel_id, 3_600_000, &[("DE", 7_600), ("US", 700)]).await;
        let now = planned(&world).await;
        assert_eq!((now[MUNICH].0, now[NEW_YORK].0), (other.channel_id, first), "{}", world.test.engine);
        let note = now[MUNICH].1.expect("it was decided");
        assert_eq!((note.by, note.reason, note.per_thousand), (RouteBy::Price, RouteReason::Cheapest, Some(6_900)));
        world.test.clock.advance(3_600_000);
        let later = planned(&world).await;
        assert_eq!((later[MUNICH].0, later[NEW_YORK].0), (first, other.channel_id), "{}", world.test.engine);
        // Prices in another currency say nothing.
        let ws = world.ws();
        world
            .write(move |tx| {
                let mut workspace = tx.workspace(ws)?.expect("it exists");
                workspace.settings.campaigns.currency = "EUR".to_owned();
                tx.update_workspace(&workspace)
            })
            .await;
        assert_eq!(reason(planned(&world).await[MUNICH].1), RouteReason::NoPrice, "{}", world.test.engine);

        let sent = direct(&world, "Your code is 1").await.unwrap();
        assert_eq!((sent.channel_id, reason(sent.route)), (Some(first), RouteReason::NoPrice), "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_go_by_what_was_delivered_and_a_few_try_an_account_of_which_too_little_is_known() {
    for world in worlds().await {
        world.crowd(200).await;
        world.subscriber(MUNICH, "Ben").await;
        let (first, other) = (world.sms.id, second(&world).await);
        routes(&world, RouteBy::Delivery, &[&world.sender, &other]).await;
        let all = planned(&world).await;
        assert!(all.values().all(|(channel, note)| *channel == first && reason(*note) == RouteReason::TooLittleKnown));

        let (ws, now) = (world.ws(), world.test.now());
        let put = async |shares: Vec<(ChannelId, &str, u32, u32)>| {
            let shares: Shares = shares
                .into_iter()
                .map(|(id, country, delivered, settled)| ((id, country.to_owned()), Share { delivered, settled }))
                .collect();
            world.write(move |tx| tx.put_shares(ws, &shares, now)).await;
        };
        put(vec![(other.channel_id, "", 950, 1_000), (first, "", 99, 99)]).await;
        let all = planned(&world).await;
        for (address, (channel, note)) in &all {
            let tries = draw(address) < TRIALS_IN_100;
            let expected =
                if tries { (first, RouteReason::Trial) } else { (other.channel_id, RouteReason::MostDelivered) };
            assert_eq!((*channel, reason(*note)), expected, "{} {address}", world.test.engine);
        }
        assert!(all.values().any(|(channel, _)| *channel == first), "some try it");

        // What is known of the country goes before what is known of the account.
        put(vec![(other.channel_id, "", 950, 1_000), (first, "", 960, 1_000), (first, "DE", 500, 1_000)]).await;
        let all = planned(&world).await;
        assert_eq!(all[MUNICH].0, other.channel_id, "{}", world.test.engine);
        assert!(all.iter().all(|(to, (channel, _))| to == MUNICH || *channel == first), "{}", world.test.engine);
        let note = all[MUNICH].1.expect("it was decided");
        assert_eq!((note.delivered, note.settled), (Some(950), Some(1_000)));

        // Nobody has counted for an hour.
        world.test.clock.advance(3_600_000);
        let all = planned(&world).await;
        assert!(all.values().all(|(_, note)| reason(*note) == RouteReason::TooLittleKnown), "{}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_go_when_no_sender_asks_for_them_and_one_workspace_does_not_keep_another_from_being_counted() {
    for world in worlds().await {
        let other = second(&world).await;
        let (ws, now, first) = (world.ws(), world.test.now(), world.sms.id);
        routes(&world, RouteBy::Delivery, &[&world.sender, &other]).await;
        let put = async |workspace_id: WorkspaceId, channel_id: ChannelId| {
            let shares = Shares::from([((channel_id, String::new()), Share { delivered: 1, settled: 2 })]);
            world.write(move |tx| tx.put_shares(workspace_id, &shares, now)).await;
        };
        let left =
            async |workspace_id: WorkspaceId| world.write(move |tx| tx.route_shares(workspace_id)).await.shares.len();
        let count = async || segue_outreach::routes::count_all(&world.test.store, &world.test.ctx).await.unwrap();
        put(ws, first).await;
        routes(&world, RouteBy::Order, &[&world.sender, &other]).await;
        count().await;
        assert_eq!(left(ws).await, 0, "{}", world.test.engine);

        // A second workspace, which comes after the first, whose rows cannot be read.
        world.test.clock.advance(1);
        let mut row = world.write(move |tx| tx.workspace(ws)).await.unwrap();
        row.id = world.test.ctx.id();
        row.slug = "second".to_owned();
        let (later, channel_id) = (row.id, world.test.ctx.id::<ChannelId>());
        world
            .write(move |tx| {
                tx.insert_workspace(&row)?;
                let mut channel = tx.channel(ws, first)?.unwrap();
                (channel.id, channel.workspace_id) = (channel_id, later);
                tx.upsert_channel(&channel).map(|_| ())
            })
            .await;
        put(later, channel_id).await;
        routes(&world, RouteBy::Delivery, &[&world.sender, &other]).await;
        world.crowd(1).await;
        planned(&world).await;
        world.write(move |tx| tx.execute(&SPOIL, &[&ws])).await;
        let spoiled = segue_outreach::routes::count(&world.test.store, &world.test.ctx, ws).await;
        assert!(spoiled.is_err(), "{}", world.test.engine);
        count().await;
        assert_eq!(left(later).await, 0, "nobody asks for these: {}", world.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_leaves_by_an_account_that_takes_its_characters() {
    const LODZ: &str = "\u{141}\u{f3}d\u{17a} \u{2013} sale";
    const QUOTED: &str = "It\u{2019}s on";
    for world in worlds().await {
        world.subscriber(MUNICH, "Ben").await;
        let (ws, own, first, engine) = (world.ws(), world.sender.id, world.sms.id, world.test.engine);
        let other = second(&world).await;
        let set = async |id, alphabet| assert!(world.write(move |tx| tx.set_sender_alphabet(ws, id, alphabet)).await);
        for by in [RouteBy::Order, RouteBy::Price, RouteBy::Delivery] {
            routes(&world, by, &[&world.sender, &other]).await;
            for (alphabet, body, passed) in [
                (SenderAlphabet::GsmReplace, "Sale", false),
                (SenderAlphabet::GsmReplace, QUOTED, false),
                (SenderAlphabet::GsmReplace, LODZ, true),
                (SenderAlphabet::GsmRefuse, "Sale", false),
                (SenderAlphabet::GsmRefuse, QUOTED, true),
            ] {
                set(own, alphabet).await;
                let channel = if passed { other.channel_id } else { first };
                let shown = looked(&world, body).await;
                assert_eq!(shown.cost.accounts.len(), 1, "{engine} {by} {alphabet} {body}");
                assert_eq!(shown.cost.accounts[0].channel_id, channel, "{engine} {by} {alphabet} {body}");
                let (chosen, note) = planned_with(&world, body).await[MUNICH];
                assert_eq!(chosen, channel, "{engine} {by} {alphabet} {body}");
                assert_eq!(note.map(|note| (note.by, note.by_characters)), Some((by, passed)), "{engine} {body}");
                let text = world.messages().await.pop().unwrap().text;
                assert_eq!(text.contains(body), passed || body == "Sale", "replaced where it has to be: {text}");
                let sent = direct(&world, body).await.unwrap();
                assert_eq!(sent.channel_id, Some(channel), "{engine} {by} {alphabet} {body}");
                let draft = world.draft(CampaignInput { body: body.to_owned(), ..world.input() }).await.unwrap();
                let (store, ctx) = (&world.test.store, &world.test.ctx);
                test_send::test_send(store, ctx, &world.links, ws, draft.id, (MUNICH, None)).await.unwrap();
                let last = world
                    .write(move |tx| {
                        tx.query(&CHANNELS, &[&ws], |row| row.next::<String>().and_then(|_| row.next::<ChannelId>()))
                    })
                    .await;
                assert_eq!(last.last(), Some(&channel), "a test: {engine} {by} {alphabet} {body}");
            }
        }
        // Where no account takes it, it is left out with that reason and refused by the API.
        set(own, SenderAlphabet::GsmRefuse).await;
        set(other.id, SenderAlphabet::GsmReplace).await;
        let shown = looked(&world, LODZ).await;
        assert_eq!(shown.excluded.iter().map(|rule| rule.rule.as_str()).collect::<Vec<_>>(), ["not_plain"]);
        assert!(planned_with(&world, LODZ).await.is_empty(), "{engine}");
        assert_eq!(direct(&world, LODZ).await.unwrap_err().field(), Some("text"), "{engine}");
        // One that may not send there is not chosen for its characters.
        set(other.id, SenderAlphabet::Any).await;
        let nowhere = ["FR".to_owned()];
        world.write(move |tx| tx.set_sender(ws, other.id, Registration::Active, &nowhere)).await;
        assert!(planned_with(&world, LODZ).await.is_empty(), "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_prices_each_text_by_the_account_it_would_leave_by() {
    for world in worlds().await {
        world.subscriber(MUNICH, "Ben").await;
        world.subscriber(NEW_YORK, "Ann").await;
        world.subscriber("+33612345678", "Zo\u{eb}").await;
        let (ws, first, engine) = (world.ws(), world.sms.id, world.test.engine);
        let other = second(&world).await;
        world
            .write(move |tx| {
                let mut workspace = tx.workspace(ws)?.expect("it exists");
                let of = |country: &str, per_thousand| SegmentPrice { country: country.to_owned(), per_thousand };
                workspace.settings.campaigns.prices = vec![of("US", 2_000), of("FR", 5_000)];
                tx.update_workspace(&workspace)
            })
            .await;
        // Without routes: the prices of its own account, and the workspace's where that has none.
        prices(&world, first, 0, &[("DE", 7_500), ("US", 800)]).await;
        let cost = looked(&world, "Sale").await.cost;
        assert_eq!((cost.total, cost.unpriced.len()), (14, 0), "{engine} {cost:?}");
        let of = |cost: &preflight::PreflightCost| -> Vec<(ChannelId, i64, i64)> {
            cost.accounts.iter().map(|each| (each.channel_id, each.messages, each.total)).collect()
        };
        assert_eq!(of(&cost), [(first, 3, 14)], "{engine}");
        // The second account is cheaper for Germany alone.
        prices(&world, other.channel_id, 0, &[("DE", 6_000), ("US", 900)]).await;
        routes(&world, RouteBy::Price, &[&world.sender, &other]).await;
        let cost = looked(&world, "Sale").await.cost;
        assert_eq!(cost.total, 12, "{engine} {cost:?}");
        assert_eq!(of(&cost), [(first, 2, 6), (other.channel_id, 1, 6)], "{engine}");
        // In the order, the dearer one is what it costs.
        routes(&world, RouteBy::Order, &[&other, &world.sender]).await;
        let cost = looked(&world, "Sale").await.cost;
        assert_eq!(of(&cost), [(other.channel_id, 3, 12)], "{engine} {cost:?}");
        assert_eq!((cost.min_thousandths, cost.max_thousandths), (900, 6_000), "{engine}");
        // Prices of the future and of another currency do not count.
        prices(&world, other.channel_id, 3_600_000, &[("DE", 1)]).await;
        assert_eq!(looked(&world, "Sale").await.cost.total, 12, "{engine}");
        world
            .write(move |tx| {
                let mut workspace = tx.workspace(ws)?.expect("it exists");
                workspace.settings.campaigns.currency = "EUR".to_owned();
                tx.update_workspace(&workspace)
            })
            .await;
        let check = looked(&world, "Sale").await;
        let told = check.warnings.iter().any(|warning| {
            warning.message.contains("no price for DE") && warning.message.contains("Prices of accounts")
        });
        assert!(told, "{engine} {:?}", check.warnings);
        let cost = check.cost;
        assert_eq!((cost.total, cost.unpriced), (7, vec!["DE".to_owned()]), "{engine}");
        assert_eq!(cost.accounts[0].unpriced, 1, "{engine}");
    }
}
