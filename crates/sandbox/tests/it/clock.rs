//! Virtual time.

use crate::bench::{ADA, BUSINESS, Bench, DAY, NUMBER_ID, START, until};
use crate::smpp::{Client, Role};
use serde_json::json;

#[tokio::test]
async fn time_stands_still_moves_and_can_become_real() {
    let bench = Bench::new().await;
    assert_eq!(bench.get("/sandbox/v1/clock").await.1, json!({"mode": "virtual", "now": START}));
    bench.advance(DAY).await;
    assert_eq!(bench.get("/sandbox/v1/clock").await.1["now"], json!(START + DAY));
    bench.post("/sandbox/v1/clock", json!({"set": START + 5})).await;
    assert_eq!(bench.get("/sandbox/v1/clock").await.1["now"], json!(START + 5));
    let (_, real) = bench.post("/sandbox/v1/clock", json!({"mode": "real"})).await;
    assert_eq!(real["mode"], "real");
    let now = jiff::Timestamp::now().as_millisecond();
    assert!((real["now"].as_i64().expect("now") - now).abs() < 10_000);
}

#[tokio::test]
async fn a_reset_forgets_what_happened_and_keeps_the_subscription() {
    let bench = Bench::new().await;
    bench.ada_writes(json!({"type": "text", "text": "Hi"})).await;
    bench.until_acked("wa_inbound", 1).await;
    bench.faults(json!({"webhook_hold": true})).await;
    assert_eq!(bench.http.delete(bench.url("/sandbox/v1/state")).send().await.expect("answer").status(), 204);
    assert_eq!(bench.get("/sandbox/v1/handsets").await.1, json!({"handsets": [], "total": 0}));
    assert!(bench.ledger().await.is_empty());
    bench.post("/sandbox/v1/handsets", json!({"phone": ADA})).await;
    let path = format!("/sandbox/v1/handsets/{ADA}/chats/{BUSINESS}/messages");
    assert_eq!(bench.post(&path, json!({"type": "text", "text": "again"})).await.0, 201);
    bench.until_acked("wa_inbound", 1).await;
}

#[tokio::test]
async fn equal_seeds_and_clocks_give_equal_runs() {
    let run = || async {
        let bench = Bench::new().await;
        let inbound = bench.ada_writes(json!({"type": "text", "text": "Hi"})).await;
        (inbound, bench.send_text("Hello").await)
    };
    assert_eq!(run().await, run().await);
}

#[tokio::test]
async fn a_shutdown_ends_open_connections_and_hanging_answers() {
    let bench = Bench::new().await;
    let events = bench.http.get(bench.url("/sandbox/v1/events")).send().await.expect("answer");
    let mut client = Client::bound(bench.sandbox.smpp_addr, Role::Transceiver).await;
    bench.faults(json!({"graph_hang_after_accept": 1})).await;
    let request = bench
        .http
        .post(bench.url(&format!("/v26.0/{NUMBER_ID}/messages")))
        .bearer_auth("sandbox-token")
        .json(&json!({"messaging_product": "whatsapp", "to": ADA, "text": {"body": "hangs"}}))
        .send();
    let hanging = tokio::spawn(request);
    until(|| async { bench.sandbox.counters().wa_accepted == 1 }).await;
    let addr = bench.sandbox.smpp_addr;
    let down = tokio::time::timeout(std::time::Duration::from_secs(5), bench.sandbox.shutdown());
    down.await.expect("shut down in time");
    assert_eq!(client.read().await.id(), rusmpp::CommandId::Unbind, "a bind is ended politely");
    drop(events);
    hanging.abort();
    assert!(tokio::net::TcpStream::connect(addr).await.is_err(), "nobody listens any more");
}
