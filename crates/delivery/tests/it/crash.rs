//! Crashes: nothing is lost, nothing is sent twice, and only what was being submitted is in doubt.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use rand::SeedableRng;
use segue_bus::Bus;
use segue_channels::smpp::{SmppConfig as Account, SmppSession, SubmitOutcome, SubmitSms};
use segue_model::{Ctx, content::SmsContent, delivery::OutboxState, time};
use segue_store::{
    Engine, Sql, Store, StoreConfig,
    channel::Channel,
    outbox::{Claim, OutboxMessage},
};

use crate::bench::{Bench, Running, SENDER, benches, until};

/// Claims the oldest message as the worker `owner` does, and no more.
async fn claim(bench: &Bench, channel: &Channel, owner: &'static str) -> OutboxMessage {
    let (workspace_id, channel_id, now) = (bench.test.workspace_id(), channel.id, bench.test.now());
    let claimed = bench.write(move |tx| {
        let claim = Claim { owner, limit: 1, lease_until: now.plus(60_000), now };
        tx.claim_outbox(workspace_id, channel_id, &claim)
    });
    claimed.await.pop().expect("a message is due")
}

/// Begins a claimed message: `submitting` is on disk.
async fn begin(bench: &Bench, channel: &Channel, message: &OutboxMessage) {
    let (ctx, channel, message) = (bench.test.ctx.clone(), channel.clone(), message.clone());
    let begun =
        bench.write(move |tx| segue_delivery::begin(tx, &ctx, &channel, &message, ctx.now().plus(60_000))).await;
    assert_eq!(begun, segue_delivery::Begin::Go);
}

/// Sends the bytes as the worker does and gives the carrier's answer, which the "crashed" worker never stores. Receipts
/// are refused: they come again on the next bind.
async fn submit(bench: &Bench, message: &OutboxMessage) -> SubmitOutcome {
    let account = Account::new("127.0.0.1", bench.sandbox.smpp_addr.port(), "segue", "sandbox");
    let (session, deliveries) = SmppSession::spawn(account, rand::rngs::StdRng::seed_from_u64(1));
    drop(deliveries);
    let mut state = session.state();
    state.wait_for(|state| *state == segue_channels::smpp::SessionState::Bound).await.expect("the session lives");
    let sms = SubmitSms {
        source: SENDER.to_owned(),
        destination: message.address.clone(),
        text: message.content::<SmsContent>().expect("a text").text,
        validity: None,
        reference: 1,
    };
    let outcome = session.submit(&sms).await;
    session.shutdown().await;
    outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn each_point_of_a_crash_and_what_follows_from_it() {
    for bench in benches().await {
        let channel = bench.sms().await;
        let mut ids = Vec::new();
        for text in ["answered", "submitting", "claimed", "queued"] {
            let address = format!("+1555010{}", ids.len());
            ids.push(bench.enqueue(&bench.sms_to(&channel, &address, text)).await);
        }
        // The node "one" crashes with one message at each point.
        let answered = claim(&bench, &channel, "one").await;
        begin(&bench, &channel, &answered).await;
        assert!(matches!(submit(&bench, &answered).await, SubmitOutcome::Accepted { .. }));
        let submitting = claim(&bench, &channel, "one").await;
        begin(&bench, &channel, &submitting).await;
        claim(&bench, &channel, "one").await;

        // It starts again under the same name, so it need not wait for its leases.
        let running = bench.start("one");
        for id in &ids[2..] {
            bench.until_state(*id, OutboxState::Delivered).await;
        }
        // The carrier repeats the receipt that the crashed node did not take; it resolves what was in doubt.
        bench.until_state(ids[0], OutboxState::Delivered).await;
        assert_eq!(bench.state(ids[1]).await, OutboxState::Unknown, "{}", bench.test.engine);
        bench.test.clock.advance(time::DAY);
        let later = bench.enqueue(&bench.sms_to(&channel, "+15550109", "later")).await;
        bench.until_state(later, OutboxState::Delivered).await;
        let mut texts = bench.sms_texts().await;
        texts.sort();
        assert_eq!(
            texts,
            ["answered", "claimed", "later", "queued"],
            "{}: each once, none in doubt again",
            bench.test.engine
        );
        running.shutdown().await;
    }
}

static RESEND: Sql = Sql::portable(
    "RESEND",
    "UPDATE outbox SET state = 'queued', lease_owner = NULL WHERE workspace_id = $1 AND state = 'submitting'",
);

/// The control: with the protection taken away, the same crash must send twice, or the test above proves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_durable_submitting_the_same_crash_sends_twice() {
    for bench in benches().await {
        let channel = bench.sms().await;
        bench.enqueue(&bench.sms_to(&channel, "+15550101", "twice")).await;
        let message = claim(&bench, &channel, "one").await;
        begin(&bench, &channel, &message).await;
        submit(&bench, &message).await;
        let workspace_id = bench.test.workspace_id();
        bench.write(move |tx| tx.execute(&RESEND, &[&workspace_id])).await;
        let running = bench.start("one");
        until("it is sent twice", async || bench.sms_texts().await == ["twice", "twice"]).await;
        running.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_settles_what_is_on_the_wire_and_gives_back_the_rest() {
    for bench in benches().await {
        let channel = bench.sms().await;
        bench.faults(serde_json::json!({ "smpp_response_delay_ms": 50 })).await;
        for number in 0..60 {
            bench.enqueue(&bench.sms_to(&channel, &format!("+1555{number:04}"), &format!("text {number}"))).await;
        }
        let running = bench.start("one");
        until("some have arrived", async || bench.sandbox.counters().sms_accepted >= 5).await;
        running.shutdown().await;
        let (workspace_id, channel_id) = (channel.workspace_id, channel.id);
        let counts = bench.write(move |tx| tx.count_outbox(workspace_id, channel_id)).await;
        let of = |state| counts.iter().find(|(found, _)| *found == state).map_or(0, |(_, count)| *count);
        let sent = of(OutboxState::Accepted) + of(OutboxState::Delivered);
        assert_eq!(sent, bench.sandbox.counters().sms_accepted, "{}: {counts:?}", bench.test.engine);
        assert_eq!(sent + of(OutboxState::Queued), 60, "nothing claimed, submitting or unknown: {counts:?}");
    }
}

const ENGINE: &str = "SEGUE_CRASH_ENGINE";
const PLACE: &str = "SEGUE_CRASH_PLACE";
const BACKUPS: &str = "SEGUE_CRASH_BACKUPS";

/// In the process that [`spawn_node`] starts: runs a node until it is killed. Elsewhere it does nothing.
async fn be_a_node_when_asked() {
    let (Ok(engine), Ok(place)) = (std::env::var(ENGINE), std::env::var(PLACE)) else { return };
    let engine = if engine == "sqlite" { Engine::Sqlite(PathBuf::from(place)) } else { Engine::Postgres(place) };
    let bus = Bus::default();
    let publish = bus.clone();
    let config = StoreConfig {
        on_commit: Arc::new(move |wakes| wakes.into_iter().for_each(|wake| publish.publish(wake))),
        ..StoreConfig::new(engine, PathBuf::from(std::env::var(BACKUPS).unwrap_or_default()))
    };
    let store = tokio::task::spawn_blocking(move || Store::open(config)).await.unwrap().unwrap();
    let _running = Running::start(store, bus, Ctx::system(), "node");
    std::future::pending::<()>().await;
}

fn spawn_node(bench: &Bench) -> Child {
    let place = match bench.test.store.engine() {
        Engine::Sqlite(path) => path.display().to_string(),
        Engine::Postgres(url) => url.clone(),
    };
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "crash::killing_the_node_again_and_again_loses_nothing_and_doubles_nothing", "--nocapture"])
        .env(ENGINE, bench.test.engine)
        .env(PLACE, place)
        .env(BACKUPS, bench.test.backups())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a process")
}

static OPEN: Sql = Sql::portable(
    "OPEN",
    "SELECT COUNT(*) FROM outbox WHERE workspace_id = $1 AND state IN ('queued', 'claimed', 'submitting', 'accepted')",
);
static BY_STATE: Sql =
    Sql::portable("BY_STATE", "SELECT payload, state FROM outbox WHERE workspace_id = $1 AND state <> 'delivered'");

/// How often the node is killed: by default so often that the test stays short.
const KILLS: &str = "SEGUE_CRASH_KILLS";

/// A node is killed again and again in the middle of its work. The carrier's ledger says what really happened.
#[tokio::test(flavor = "multi_thread")]
async fn killing_the_node_again_and_again_loses_nothing_and_doubles_nothing() {
    be_a_node_when_asked().await;
    const WINDOW: u64 = 10;
    let kills: u64 = std::env::var(KILLS).ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    // More than can go before the last kill: each comes within some 60 ms, that is four windows, of twenty messages.
    let count = 8 * WINDOW * (kills + 1);
    for bench in benches().await {
        let channel = bench.sms().await;
        // Slow enough that each node is killed in the middle of its work.
        bench.faults(serde_json::json!({ "smpp_response_delay_ms": 15 })).await;
        for number in 0..count {
            bench.enqueue(&bench.sms_to(&channel, &format!("+1555{number:04}"), &format!("text {number}"))).await;
        }
        for kill in 0..kills {
            let before = bench.sandbox.counters().sms_accepted;
            let mut node = spawn_node(&bench);
            // It is at work when a few more have arrived; then it dies at some moment within a turn of its window.
            let wanted = before + 3 + kill * 7 % 18;
            until("the node works", async || bench.sandbox.counters().sms_accepted >= wanted).await;
            tokio::time::sleep(Duration::from_millis(kill * 13 % 60)).await;
            node.kill().expect("it runs");
            node.wait().expect("it has ended");
        }
        let node = Running::start(bench.test.store.clone(), bench.test.bus.clone(), Ctx::system(), "node");
        let workspace_id = bench.test.workspace_id();
        until("everything has come to rest", async || {
            bench.write(move |tx| tx.query_one(&OPEN, &[&workspace_id], |row| row.next::<i64>())).await == 0
        })
        .await;
        let mut arrived = bench.sms_texts().await;
        let accepted = arrived.len();
        arrived.sort();
        arrived.dedup();
        assert_eq!(arrived.len(), accepted, "{}: sent twice", bench.test.engine);
        let undelivered = async || {
            bench
                .write(move |tx| {
                    tx.query(&BY_STATE, &[&workspace_id], |row| {
                        let payload: serde_json::Value = row.json()?;
                        Ok((payload["text"].as_str().unwrap_or_default().to_owned(), row.word::<OutboxState>()?))
                    })
                })
                .await
        };
        // The carrier repeats receipts that nobody took; each resolves the message it is about.
        until("receipts resolve what has arrived", async || {
            undelivered().await.iter().all(|(text, _)| arrived.binary_search(text).is_err())
        })
        .await;
        node.shutdown().await;
        let others = undelivered().await;
        assert!(others.iter().all(|(_, state)| *state == OutboxState::Unknown), "{}: {others:?}", bench.test.engine);
        assert_eq!(accepted as u64 + others.len() as u64, count, "{}: lost without a word", bench.test.engine);
        assert!(others.len() as u64 <= kills * WINDOW, "{}: {} in doubt", bench.test.engine, others.len());
        println!("{}: {kills} kills, {accepted} arrived once, {} unknown", bench.test.engine, others.len());
    }
}
