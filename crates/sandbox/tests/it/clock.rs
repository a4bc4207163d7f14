//! Virtual time.

use crate::bench::{ADA, BUSINESS, Bench, DAY, START};
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
    assert_eq!(bench.get("/sandbox/v1/handsets").await.1, json!({"handsets": []}));
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
