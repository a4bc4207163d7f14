//! The limits of the number: to one customer, and in all; off until they are set.

use crate::bench::{ADA, Bench, NUMBER_ID};
use serde_json::{Value, json};

async fn limits(bench: &Bench, limits: Value) -> (u16, Value) {
    bench.request(bench.http.put(bench.url("/sandbox/v1/limits")).json(&limits)).await
}

async fn codes(bench: &Bench, to: &str, n: usize) -> Vec<(u16, Value)> {
    let mut all = Vec::new();
    for _ in 0..n {
        let (status, body) = bench.send(json!({"to": to, "text": {"body": "x"}})).await;
        all.push((status, body["error"]["code"].clone()));
    }
    all
}

fn taken(codes: &[(u16, Value)]) -> usize {
    codes.iter().filter(|(status, _)| *status == 200).count()
}

#[tokio::test]
async fn without_limits_everything_is_taken_and_wrong_ones_are_refused_in_words() {
    let bench = Bench::new().await;
    let off = json!({"pair": null, "throughput": null});
    assert_eq!(bench.get("/sandbox/v1/limits").await.1, off);
    assert_eq!(taken(&codes(&bench, ADA, 100).await), 100);
    for (wrong, word) in [
        (json!({"pair": {"interval_ms": 0}}), "interval_ms"),
        (json!({"pair": {"burst": 0}}), "burst"),
        (json!({"throughput": {"per_second": 0}}), "per_second"),
    ] {
        let (status, body) = limits(&bench, wrong).await;
        assert_eq!((status, body["error"].as_str().is_some_and(|words| words.contains(word))), (400, true), "{body}");
    }
    let documented = json!({"pair": {"interval_ms": 6_000, "burst": 45}, "throughput": {"per_second": 80}});
    assert_eq!(limits(&bench, json!({"pair": {}, "throughput": {}})).await, (200, documented.clone()));
    assert_eq!(bench.get("/sandbox/v1/limits").await.1, documented);
    let reset = bench.http.delete(bench.url("/sandbox/v1/state"));
    assert_eq!(bench.request(reset).await.0, 204);
    assert_eq!(bench.get("/sandbox/v1/limits").await.1, off, "a reset takes them away");
}

#[tokio::test]
async fn one_customer_gets_a_burst_and_then_nothing_until_its_time_is_over() {
    let bench = Bench::new().await;
    limits(&bench, json!({"pair": {}})).await;
    let burst = codes(&bench, ADA, 46).await;
    assert_eq!((taken(&burst), &burst[45]), (45, &(400, json!(131_056))));
    assert_eq!(taken(&codes(&bench, "15550110001", 2).await), 2, "another customer is another pair");
    bench.advance(45 * 6_000 - 1).await;
    assert_eq!(codes(&bench, ADA, 1).await, [(400, json!(131_056))]);
    bench.advance(1).await;
    for _ in 0..3 {
        assert_eq!(taken(&codes(&bench, ADA, 1).await), 1, "one in six seconds goes on");
        bench.advance(6_000).await;
    }
    // The same person by user id is the same pair.
    let bsuid = bench.get(&format!("/sandbox/v1/handsets/{ADA}")).await.1["bsuid"].clone();
    assert_eq!(taken(&codes(&bench, ADA, 45).await), 45);
    let (_, refused) = bench.send(json!({"recipient": bsuid, "text": {"body": "x"}})).await;
    assert_eq!(refused["error"]["code"], 131_056);
    let accepted = bench.ledger_of("wa_accepted").await.len();
    assert_eq!(accepted, 45 + 2 + 3 + 45, "what is refused is no message");
}

#[tokio::test]
async fn the_number_takes_so_many_a_second_with_those_of_customers() {
    let bench = Bench::new().await;
    let throughput =
        || async { bench.get(&format!("/v26.0/{NUMBER_ID}?fields=throughput")).await.1["throughput"]["level"].clone() };
    limits(&bench, json!({"throughput": {"per_second": 1_000}})).await;
    assert_eq!(throughput().await, "HIGH");
    limits(&bench, json!({"throughput": {"per_second": 5}})).await;
    assert_eq!(throughput().await, "STANDARD");
    let sent = codes(&bench, ADA, 7).await;
    assert_eq!((taken(&sent), &sent[6]), (5, &(429, json!(130_429))));
    bench.advance(200).await;
    assert_eq!(taken(&codes(&bench, ADA, 2).await), 1);
    bench.advance(1_000).await;
    // A message of a customer is never refused, and takes its share.
    for _ in 0..3 {
        bench.ada_writes(json!({"type": "text", "text": "Hi"})).await;
    }
    assert_eq!(taken(&codes(&bench, ADA, 5).await), 2);
    for _ in 0..9 {
        bench.ada_writes(json!({"type": "text", "text": "Hi"})).await;
    }
}
