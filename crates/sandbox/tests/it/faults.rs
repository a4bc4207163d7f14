//! Faults of the platform: duplicates, order, holding, losses, signatures, ambiguous sends; and that the ledger stays exact.

use crate::bench::{ADA, BUSINESS, Bench, until};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::Duration;

async fn queued(bench: &Bench) -> u64 {
    bench.get("/sandbox/v1/status").await.1["webhook"]["queued"].as_u64().expect("queued")
}

#[tokio::test]
async fn a_refused_webhook_is_tried_again_with_growing_delays() {
    let bench = Bench::new().await;
    bench.receiver.refuse_next(4);
    bench.ada_writes(json!({"type": "text", "text": "Hi"})).await;
    // At once, and a second time at once.
    until(|| async { bench.receiver.refused() == 2 }).await;
    for (delay, refused) in [(1_000, 3), (2_000, 4)] {
        bench.advance(delay - 1).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(bench.receiver.refused(), refused - 1, "not before its time");
        bench.advance(1).await;
        until(|| async { bench.receiver.refused() == refused }).await;
    }
    assert_eq!(bench.ledger_of("wa_inbound").await[0]["acked"], false);
    bench.advance(5_000).await;
    bench.until_acked("wa_inbound", 1).await;
    assert_eq!(bench.get("/sandbox/v1/status").await.1["webhook"]["failed_attempts"], 4);
}

#[tokio::test]
async fn duplicates_are_the_same_bytes_and_count_once() {
    let bench = Bench::new().await;
    bench.faults(json!({"webhook_duplicate_percent": 100})).await;
    bench.ada_writes(json!({"type": "text", "text": "Hi"})).await;
    until(|| async { bench.receiver.raw().len() == 2 && queued(&bench).await == 0 }).await;
    let raw = bench.receiver.raw();
    assert_eq!(raw[0], raw[1]);
    assert_eq!((bench.sandbox.counters().wa_inbound, bench.sandbox.counters().wa_inbound_acked), (1, 1));
    assert_eq!(bench.ledger_of("ack").await.len(), 1);
}

#[tokio::test]
async fn held_webhooks_come_with_the_flush_and_can_be_reordered() {
    let bench = Bench::new().await;
    bench.faults(json!({"webhook_hold": true, "webhook_reorder": true})).await;
    for n in 0..20 {
        bench.ada_writes(json!({"type": "text", "text": format!("{n}")})).await;
    }
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert!(bench.receiver.raw().is_empty(), "held");
    let (_, flushed) = bench.post("/sandbox/v1/webhook/flush", json!({})).await;
    assert_eq!(flushed, json!({"delivered": 20, "failed": 0}));
    let texts: Vec<String> = bench
        .receiver
        .values()
        .iter()
        .map(|v| v["messages"][0]["text"]["body"].as_str().expect("text").to_owned())
        .collect();
    let in_order: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    assert_ne!(texts, in_order, "the order is random");
    assert_eq!(texts.iter().collect::<HashSet<_>>().len(), 20, "nothing lost, nothing twice");
    assert_eq!(bench.sandbox.counters().wa_inbound_acked, 20);
}

#[tokio::test]
async fn lost_attempts_and_wrong_signatures_are_repaired_by_the_retry() {
    let bench = Bench::new().await;
    bench.faults(json!({"webhook_drop_first_attempts": 1})).await;
    bench.ada_writes(json!({"type": "text", "text": "one"})).await;
    bench.until_acked("wa_inbound", 1).await;
    assert_eq!(bench.get("/sandbox/v1/status").await.1["webhook"]["failed_attempts"], 1);
    bench.faults(json!({"webhook_wrong_signature": true})).await;
    bench.ada_writes(json!({"type": "text", "text": "two"})).await;
    until(|| async { bench.receiver.bad_signatures() == 2 }).await;
    bench.faults(json!({})).await;
    bench.advance(1_000).await;
    bench.until_acked("wa_inbound", 2).await;
    // Raw bodies, signed and not.
    let (_, answer) = bench.post("/sandbox/v1/webhook/raw", json!({"body": "{\"x\":1}", "sign": true})).await;
    assert_eq!(answer, json!({"status": 200}));
    assert_eq!(bench.post("/sandbox/v1/webhook/raw", json!({"body": {"x": 1}})).await.1, json!({"status": 401}));
}

#[tokio::test]
async fn ambiguous_sends_did_happen() {
    let bench = Bench::new().await;
    bench.ada_writes(json!({"type": "text", "text": "Hi"})).await;
    bench.faults(json!({"graph_error_after_accept": 1})).await;
    let (status, body) =
        bench.send(json!({"to": ADA, "text": {"body": "a"}, "biz_opaque_callback_data": "out-a"})).await;
    assert_eq!((status, &body["error"]["code"]), (500, &json!(131000)));
    bench.faults(json!({"graph_hang_after_accept": 1})).await;
    let hanging = bench.send(json!({"to": ADA, "text": {"body": "b"}, "biz_opaque_callback_data": "out-b"}));
    assert!(tokio::time::timeout(Duration::from_millis(200), hanging).await.is_err(), "no answer");
    bench.until_acked("wa_status", 4).await;
    let accepted = bench.ledger_of("wa_accepted").await;
    let told: Vec<(&Value, &Value)> =
        accepted.iter().map(|e| (&e["biz_opaque_callback_data"], &e["answered"])).collect();
    assert_eq!(told, [(&json!("out-a"), &json!(false)), (&json!("out-b"), &json!(false))]);
    assert_eq!(bench.chat().await.len(), 3);
    bench.faults(json!({"graph_error": {"code": 130429, "times": 1}})).await;
    assert_eq!(bench.send(json!({"to": ADA, "text": {"body": "c"}})).await.0, 429);
    bench.send_text("d").await;
    assert_eq!(bench.sandbox.counters().wa_accepted, 3);
}

#[tokio::test]
async fn statuses_can_come_before_the_answer() {
    let bench = Bench::new().await;
    bench.ada_writes(json!({"type": "text", "text": "Hi"})).await;
    bench.faults(json!({"status_before_response": true})).await;
    let wamid = bench.send_text("first the statuses").await;
    // No waiting here: they are there when the answer is.
    assert_eq!(bench.receiver.statuses(&wamid), ["sent", "delivered"]);
}

#[tokio::test]
async fn the_ledger_equals_what_the_receiver_saw_after_chaos() {
    let bench = Bench::new().await;
    bench
        .faults(json!({"webhook_duplicate_percent": 30, "webhook_reorder": true, "webhook_drop_first_attempts": 1,
                       "webhook_concurrency": 4}))
        .await;
    bench.receiver.refuse_next(15);
    for n in 0..40 {
        bench.ada_writes(json!({"type": "text", "text": format!("{n}")})).await;
        bench.send_text("answer").await;
    }
    until(|| async {
        bench.advance(60_000).await;
        queued(&bench).await == 0
    })
    .await;
    let ledger = bench.ledger().await;
    let of = |kind: &str, field: &str| -> Vec<String> {
        let entries = ledger.iter().filter(|entry| entry["kind"] == kind && entry["acked"] == true);
        entries.map(|entry| format!("{}{}", entry["wamid"], entry[field])).collect()
    };
    let values = bench.receiver.values();
    let inbound: HashSet<String> =
        values.iter().filter_map(|v| v["messages"].get(0)).map(|m| format!("{}{}", m["id"], m["type"])).collect();
    let statuses: HashSet<String> =
        values.iter().filter_map(|v| v["statuses"].get(0)).map(|s| format!("{}{}", s["id"], s["status"])).collect();
    assert_eq!(of("wa_inbound", "type").into_iter().collect::<HashSet<_>>(), inbound);
    assert_eq!(of("wa_status", "status").into_iter().collect::<HashSet<_>>(), statuses);
    assert_eq!((of("wa_inbound", "type").len(), of("wa_status", "status").len()), (40, statuses.len()));
    assert!(values.len() > 40 + statuses.len(), "there were duplicates");
    let numbers: Vec<u64> = ledger.iter().map(|entry| entry["n"].as_u64().expect("n")).collect();
    assert_eq!(numbers, (1..=ledger.len() as u64).collect::<Vec<_>>());
}

#[tokio::test]
async fn messages_fail_after_they_were_taken_and_can_be_read_without_having_been_told_as_delivered() {
    let bench = Bench::new().await;
    bench.ada_writes(json!({"type": "text", "text": "Hi"})).await;
    bench.faults(json!({"fail_after": {"code": 131_042, "after": "sent", "times": 1, "to": "15550199"}})).await;
    let well = bench.send_text("one").await;
    until(|| async { bench.receiver.statuses(&well) == ["sent", "delivered"] }).await;
    for (after, expected) in [("sent", vec!["sent", "failed"]), ("delivered", vec!["sent", "delivered", "failed"])] {
        bench.faults(json!({"fail_after": {"code": 131_042, "after": after, "times": 1}})).await;
        let lost = bench.send_text("two").await;
        until(|| async { bench.receiver.statuses(&lost) == expected }).await;
    }
    let codes = bench.ledger_of("wa_status").await.into_iter().filter(|entry| entry["code"] == 131_042).count();
    assert_eq!(codes, 2);
    let well = bench.send_text("three").await;
    until(|| async { bench.receiver.statuses(&well) == ["sent", "delivered"] }).await;

    bench.faults(json!({"skip_delivered": 1})).await;
    let skipped = bench.send_text("four").await;
    bench.post(&format!("/sandbox/v1/handsets/{ADA}/chats/{BUSINESS}/open"), json!({})).await;
    until(|| async { bench.receiver.statuses(&skipped) == ["sent", "read"] }).await;
}

#[tokio::test]
async fn refusals_are_meant_for_somebody_and_a_request_can_get_lost_on_the_way() {
    let bench = Bench::new().await;
    bench.ada_writes(json!({"type": "text", "text": "Hi"})).await;
    bench.faults(json!({"graph_error": {"code": 131_026, "times": 1, "to": "+1 555 011 0001"}})).await;
    bench.send_text("not meant").await;
    let (_, body) = bench.send(json!({"to": "15550110001", "text": {"body": "x"}})).await;
    assert_eq!(body["error"]["code"], 131_026);
    bench.faults(json!({"graph_error": {"code": 132_015, "times": 1, "template": "order_update"}})).await;
    bench.send_text("no template").await;

    bench.faults(json!({"graph_hang": 1})).await;
    let before = bench.sandbox.counters().wa_accepted;
    let hanging = bench.send(json!({"to": ADA, "text": {"body": "lost"}}));
    assert!(tokio::time::timeout(Duration::from_millis(200), hanging).await.is_err(), "no answer");
    assert_eq!(bench.sandbox.counters().wa_accepted, before, "and nothing was taken");
    bench.send_text("the next one").await;
}

#[tokio::test]
async fn webhooks_can_name_nobody_have_no_profile_and_be_written_otherwise() {
    let bench = Bench::new().await;
    bench.faults(json!({"webhook_without_profile": true})).await;
    bench.ada_writes(json!({"type": "text", "text": "one"})).await;
    bench.until_acked("wa_inbound", 1).await;
    let contacts = bench.receiver.values()[0]["contacts"].clone();
    assert!(contacts[0].get("profile").is_none() && contacts[0]["wa_id"] == ADA, "{contacts}");
    bench.faults(json!({"webhook_without_contacts": true})).await;
    bench.ada_writes(json!({"type": "text", "text": "two"})).await;
    bench.until_acked("wa_inbound", 2).await;
    let value = bench.receiver.values()[1].clone();
    assert!(value.get("contacts").is_none() && value["messages"][0]["text"]["body"] == "two", "{value}");
    bench.faults(json!({"webhook_escapes_at": true})).await;
    bench.ada_writes(json!({"type": "text", "text": "ada@example.test"})).await;
    bench.until_acked("wa_inbound", 3).await;
    assert!(bench.receiver.raw()[2].contains("ada\\u0040example.test"), "and the signature is of these bytes");
    assert_eq!(bench.receiver.values()[2]["messages"][0]["text"]["body"], "ada@example.test");
}
