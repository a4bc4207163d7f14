//! What WhatsApp charges and what it tells of the account.

use segue_channels::whatsapp::{WebhookItem, parse_webhook};
use segue_delivery::{notices, reports};
use segue_model::{Timestamp, charge::Cost, content::Content, delivery::OutboxState, notice::Severity, time};
use segue_store::{
    Sql,
    channel::{Channel, ChannelConfig, ChannelState},
    charge::ChargedMessages,
    template::ListedTemplate,
};
use serde_json::{Value, json};

use crate::{
    bench::{Bench, benches, until},
    spring,
};

/// Takes the elements of a webhook in as the worker of the inbox does.
async fn told(bench: &Bench, channel: &Channel, field: &str, mut value: Value) {
    value["metadata"] = json!({ "display_phone_number": "15550783881", "phone_number_id": "106540352242922" });
    let body = json!({ "object": "whatsapp_business_account",
        "entry": [{ "id": "102290129340398", "time": 1_795_453_000, "changes": [{ "field": field, "value": value }] }] });
    let items = parse_webhook(body.to_string().as_bytes()).unwrap();
    let (channel, ctx) = (channel.clone(), bench.test.ctx.clone());
    bench
        .write(move |tx| {
            for item in &items {
                match item {
                    WebhookItem::Status(status) => {
                        reports::apply_status(tx, &ctx, &channel, status)?;
                    }
                    WebhookItem::Notice(notice) => notices::apply(tx, &ctx, &channel, notice, &item.external_id())?,
                    WebhookItem::Unknown { field, .. } => notices::apply_unknown(tx, &ctx, &channel, field)?,
                    _ => panic!("something else"),
                }
            }
            Ok(())
        })
        .await;
}

/// All orders of three.
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_charged_once_whatever_is_told_how_often_in_which_order() {
    let pmp = |kind: &str, category: &str| json!({ "billable": kind == "regular", "pricing_model": "PMP", "type": kind, "category": category });
    let status = |word: &str, second: i64, pricing: Value| {
        let mut status = json!({ "status": word, "timestamp": (1_795_453_300 + second).to_string() });
        if !pricing.is_null() {
            status["pricing"] = pricing;
        }
        status
    };
    // What is told, and what it was in the end.
    let cases = [
        (
            [
                status("sent", 0, pmp("regular", "marketing")),
                status("delivered", 1, Value::Null),
                status("read", 2, Value::Null),
            ],
            "marketing",
            Cost::Charged,
        ),
        (
            [
                status("sent", 0, Value::Null),
                status("delivered", 1, pmp("free_customer_service", "service")),
                status("read", 2, Value::Null),
            ],
            "service",
            Cost::Free,
        ),
        (
            [
                status("sent", 0, pmp("regular", "utility")),
                status("delivered", 1, pmp("free_entry_point", "utility")),
                status("read", 2, json!({ "category": "utility" })),
            ],
            "utility",
            Cost::Free,
        ),
        (
            [
                status("sent", 0, json!({ "billable": true, "pricing_model": "CBP", "category": "authentication" })),
                status("failed", 1, Value::Null),
                status("delivered", 2, Value::Null),
            ],
            "authentication",
            Cost::Charged,
        ),
        (
            [
                status("sent", 0, json!({ "category": "brand_new" })),
                status("sent", 0, json!({ "category": "brand_new" })),
                status("read", 2, Value::Null),
            ],
            "brand_new",
            Cost::Unknown,
        ),
    ];
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let (workspace_id, channel_id) = (bench.test.workspace_id(), channel.id);
        for (number, (statuses, category, cost)) in cases.iter().enumerate() {
            for (turn, order) in ORDERS.iter().enumerate() {
                let wamid = format!("wamid.{number}.{turn}");
                for place in order.iter().chain(order) {
                    let mut status = statuses[*place].clone();
                    status["id"] = json!(wamid);
                    told(&bench, &channel, "messages", json!({ "statuses": [status] })).await;
                }
                let charge = bench.write(move |tx| tx.charge(workspace_id, channel_id, &wamid)).await.unwrap().charge;
                assert_eq!(
                    (charge.category.as_deref(), charge.cost()),
                    (Some(*category), *cost),
                    "{} case {number} order {order:?}",
                    bench.test.engine
                );
            }
        }
        let all = move |from, until| {
            let counted = bench.test.store.clone();
            async move {
                let read = counted.read::<_, segue_store::StoreError, _>(move |tx| {
                    tx.charged_messages(workspace_id, channel_id, Timestamp(from), Timestamp(until))
                });
                read.await.unwrap()
            }
        };
        let charged: Vec<ChargedMessages> = all(0, i64::MAX).await;
        assert_eq!(charged.iter().map(|row| row.messages).sum::<u64>(), 30, "one row for each message");
        assert!(
            charged.iter().any(|row| row.category.as_deref() == Some("marketing")
                && row.messages == 6
                && row.cost == Cost::Charged)
        );
        assert!(all(0, 1_795_453_300_000).await.is_empty(), "by the provider's time");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn charged_messages_of_the_month_are_counted_once_by_portfolio_market_and_category() {
    let pricing = |kind: &str, category: &str| json!({ "pricing_model": "PMP", "type": kind, "category": category });
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let (workspace_id, engine) = (bench.test.workspace_id(), bench.test.engine);
        let ChannelConfig::WhatsApp(config) = &channel.config else { panic!() };
        let portfolio = config.portfolio().to_owned();
        let tell = async |wamid: &str, word: &str, to: &str, at: i64, pricing: Value| {
            let mut status = json!({ "id": wamid, "status": word, "timestamp": at.to_string(), "recipient_id": to });
            if !pricing.is_null() {
                status["pricing"] = pricing;
            }
            told(&bench, &channel, "messages", json!({ "statuses": [status] })).await;
        };
        let counted = async |month: &'static str| {
            let counts = bench.write(move |tx| tx.volumes(workspace_id, month)).await;
            let one = |count: &segue_store::volume::VolumeCount| {
                (count.portfolio.clone(), format!("{} {}", count.market, count.category), count.messages)
            };
            counts.iter().filter(|count| count.messages > 0).map(one).collect::<Vec<_>>()
        };
        // A second before midnight of the first of December in UTC.
        let end = 1_796_083_199;
        let (maria, indian) = ("491711234567", "919812345678");
        // Told again and again, in any order, with and without a price.
        for (word, price) in [
            ("delivered", pricing("regular", "utility")),
            ("sent", pricing("regular", "utility")),
            ("read", Value::Null),
            ("delivered", pricing("regular", "utility")),
            ("sent", pricing("regular", "utility")),
        ] {
            tell("wamid.1", word, maria, end - 100, price).await;
        }
        tell("wamid.2", "sent", maria, end - 90, pricing("regular", "utility")).await;
        tell("wamid.3", "sent", indian, end - 80, pricing("regular", "authentication-international")).await;
        // What costs nothing, and what has no tiers, does not count.
        tell("wamid.4", "sent", maria, end - 70, pricing("free_customer_service", "utility")).await;
        tell("wamid.5", "sent", maria, end - 60, pricing("free_entry_point", "utility")).await;
        tell("wamid.6", "sent", maria, end - 50, pricing("regular", "marketing")).await;
        tell("wamid.7", "sent", maria, end - 40, pricing("regular", "service")).await;
        // Charged as it was sent, and free after all: counted back.
        tell("wamid.8", "sent", maria, end - 30, pricing("regular", "utility")).await;
        tell("wamid.8", "delivered", maria, end - 29, pricing("free_entry_point", "utility")).await;
        tell("wamid.8", "sent", maria, end - 30, pricing("regular", "utility")).await;
        // The next month.
        tell("wamid.9", "sent", maria, end + 1, pricing("regular", "utility")).await;
        let expected = |name: &str| {
            vec![
                (name.to_owned(), "Germany utility".to_owned(), 2),
                (name.to_owned(), "India authentication".to_owned(), 1),
            ]
        };
        assert_eq!(counted("2026-11").await, expected(&portfolio), "{engine}");
        assert_eq!(counted("2026-12").await, [(portfolio.clone(), "Germany utility".to_owned(), 1)], "{engine}");
        let place = async |wamid: &'static str| {
            bench.write(move |tx| tx.query_one(&PLACE, &[&workspace_id, &wamid], |row| row.next::<Option<i64>>())).await
        };
        assert_eq!(
            [place("wamid.1").await, place("wamid.2").await, place("wamid.9").await],
            [Some(1), Some(2), Some(1)]
        );
        assert_eq!([place("wamid.3").await, place("wamid.4").await], [Some(1), None], "{engine}");

        // Another number of the same account counts along, and a month begins where the account is.
        let other = bench.test.whatsapp_channel("second", "http://127.0.0.1:1").await;
        let id = other.id;
        bench
            .write(move |tx| {
                let mut workspace = tx.workspace(workspace_id)?.unwrap();
                "Asia/Tokyo".clone_into(&mut workspace.settings.campaigns.price_zone);
                tx.update_workspace(&workspace)
            })
            .await;
        let status = json!({ "id": "wamid.10", "status": "sent", "timestamp": (end - 5).to_string(),
            "recipient_id": maria, "pricing": pricing("regular", "utility") });
        told(&bench, &other, "messages", json!({ "statuses": [status] })).await;
        let december = counted("2026-12").await;
        assert_eq!(
            december,
            [(portfolio.clone(), "Germany utility".to_owned(), 2)],
            "{engine}: it is December in Tokyo"
        );
        assert_eq!(place("wamid.10").await, Some(2), "{engine}: the second of the portfolio");

        // The portfolio becomes known: what the number counted goes with it.
        bench.write(move |tx| tx.set_portfolio(workspace_id, id, "portfolio")).await;
        let december = counted("2026-12").await;
        let each = |name: &str| (name.to_owned(), "Germany utility".to_owned(), 1);
        assert_eq!(december.len(), 2, "{engine}");
        assert!(december.contains(&each(&portfolio)) && december.contains(&each("portfolio")), "{engine} {december:?}");
    }
}

static PLACE: Sql =
    Sql::portable("PLACE", "SELECT place FROM message_charges WHERE workspace_id = $1 AND provider_id = $2");

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_an_account_that_was_taken_away_wait_for_a_person_and_none_is_lost() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let (workspace_id, channel_id, engine) = (bench.test.workspace_id(), channel.id, bench.test.engine);
        let ban = json!({ "event": "DISABLED_UPDATE", "ban_info": { "waba_ban_state": "DISABLE", "waba_ban_date": "June 1" } });
        told(&bench, &channel, "account_update", ban).await;
        let stored = bench.write(move |tx| tx.channel(workspace_id, channel_id)).await.unwrap();
        assert_eq!(stored.state, ChannelState::Error, "{engine}");
        let notices = bench.write(move |tx| tx.channel_notices(workspace_id, channel_id, None, 10)).await;
        assert_eq!(notices[0].severity, Severity::Critical, "{engine}: an alert");

        bench.faults(json!({ "graph_error": { "code": 131_031, "times": 1_000 } })).await;
        let session = bench.session(&channel, bench.test.now().plus(time::DAY)).await;
        let wanted = ["first", "second", "third"];
        let mut ids = Vec::new();
        for words in wanted {
            let content = Content::Text { text: words.to_owned() };
            ids.push(bench.enqueue(&bench.whatsapp_to(&channel, "+15550199", session, &content)).await);
        }
        let running = bench.start("one");
        until("the first is refused", async || bench.failure(ids[0]).await.0.is_some()).await;
        running.shutdown().await;
        assert_eq!(bench.failure(ids[0]).await, (Some("account_blocked".to_owned()), Some("131031".to_owned())));
        for id in &ids {
            assert_eq!(bench.state(*id).await, OutboxState::Queued, "{engine}: it waits");
        }
        assert_eq!(bench.failure(ids[2]).await, (None, None), "{engine}: sending has stopped");
        assert_eq!(bench.whatsapp_texts().await, Vec::<String>::new());

        // A person has it lifted.
        bench.faults(json!({})).await;
        bench.test.clock.advance(time::HOUR);
        let running = bench.start("two");
        bench.until_state(ids[2], OutboxState::Accepted).await;
        assert_eq!(bench.whatsapp_texts().await, wanted, "{engine}: each once, in order");
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_of_the_account_is_kept_once_and_acted_on() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let (workspace_id, channel_id) = (bench.test.workspace_id(), channel.id);
        let template = ListedTemplate {
            name: "june".to_owned(),
            language: "en_US".to_owned(),
            category: "UTILITY".to_owned(),
            status: "APPROVED".to_owned(),
            components: json!([]),
            ..ListedTemplate::default()
        };
        let ctx = bench.test.ctx.clone();
        bench
            .write(move |tx| tx.replace_templates(workspace_id, channel_id, std::slice::from_ref(&template), &ctx))
            .await;
        let category = async || {
            bench
                .write(move |tx| tx.template_by_name(workspace_id, channel_id, "june", "en_US"))
                .await
                .unwrap()
                .category
        };

        let named = |more: Value| {
            let mut value = json!({ "message_template_id": 1, "message_template_name": "june", "message_template_language": "en-US" });
            value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            value
        };
        let impending = named(json!({ "new_category": "UTILITY", "correct_category": "MARKETING" }));
        told(&bench, &channel, "template_category_update", impending).await;
        assert_eq!(category().await, "UTILITY", "{}: not yet", bench.test.engine);
        let done = named(json!({ "previous_category": "UTILITY", "new_category": "MARKETING" }));
        for _ in 0..2 {
            told(&bench, &channel, "template_category_update", done.clone()).await;
        }
        assert_eq!(category().await, "MARKETING");
        told(&bench, &channel, "message_template_quality_update", named(json!({ "new_quality_score": "RED" }))).await;
        told(&bench, &channel, "flows", json!({ "event": "X" })).await;
        told(&bench, &channel, "flows", json!({ "event": "Y" })).await;
        let state = async || bench.write(move |tx| tx.channel(workspace_id, channel_id)).await.unwrap();
        assert_ne!(state().await.state, ChannelState::Error);
        told(&bench, &channel, "account_update", json!({ "event": "ACCOUNT_RESTRICTION" })).await;
        let broken = state().await;
        assert_eq!(broken.state, ChannelState::Error);
        assert!(broken.state_detail.unwrap().starts_with("WhatsApp restricted the account"));

        let notices = bench.write(move |tx| tx.channel_notices(workspace_id, channel_id, None, 10)).await;
        let severities: Vec<Severity> = notices.iter().map(|notice| notice.severity).collect();
        assert_eq!(
            severities,
            [Severity::Critical, Severity::Information, Severity::Warning, Severity::Warning, Severity::Warning],
            "{}: newest first, each once, an unknown field once",
            bench.test.engine
        );
        assert_eq!(notices[0].at, Timestamp(1_795_453_000_000), "the provider's time");
        let older = notices[1].id;
        let rest = bench.write(move |tx| tx.channel_notices(workspace_id, channel_id, Some(older), 10)).await;
        assert_eq!(rest.len(), 3);
        let foreign = bench.test.ctx.id();
        assert!(bench.write(move |tx| tx.channel_notices(foreign, channel_id, None, 10)).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warning_and_what_comes_late_break_no_channel() {
    for bench in benches().await {
        let channel = bench.whatsapp().await;
        let (workspace_id, channel_id, engine) = (bench.test.workspace_id(), channel.id, bench.test.engine);
        let state = async || bench.write(move |tx| tx.channel(workspace_id, channel_id)).await.unwrap().state;
        let ban = |state: &str| json!({ "event": "DISABLED_UPDATE", "ban_info": { "waba_ban_state": state } });
        let second = bench.test.now().0 / 1_000 - 100;
        for (later, value, breaks) in [
            (0, ban("SCHEDULE_FOR_DISABLE"), false),
            (0, json!({ "event": "ACCOUNT_VIOLATION", "violation_info": { "violation_type": "ADULT" } }), false),
            (20, ban("REINSTATE"), false),
            // Of before that.
            (10, ban("DISABLE"), false),
            // The number was looked at since.
            (-7_200, json!({ "event": "ACCOUNT_RESTRICTION" }), false),
            (30, ban("DISABLE"), true),
        ] {
            spring::told_at(&bench, &channel, ("account_update", second + later), value.clone()).await;
            assert_eq!(state().await == ChannelState::Error, breaks, "{engine}: {value} at {later}");
        }
        let notices = bench.write(move |tx| tx.channel_notices(workspace_id, channel_id, None, 10)).await;
        let critical = notices.iter().filter(|notice| notice.severity == Severity::Critical).count();
        assert_eq!((notices.len(), critical), (6, 5), "{engine}: people read all of them");
    }
}
