//! A number that WhatsApp gives less than the product thinks: it slows down, and loses and repeats nothing.

use segue_model::{content::Content, delivery::OutboxState, time};
use serde_json::{Value, json};

use crate::bench::{Bench, benches, until};

/// The texts for some customers, each with so many parts.
fn parts(customers: usize, each: usize) -> Vec<Vec<String>> {
    let of = |customer: usize| (0..each).map(|part| format!("+1555019{customer:02} part {part}")).collect();
    (0..customers).map(of).collect()
}

/// Sends all of it; the codes with which the platform refused on the way.
async fn sends(bench: &Bench, wanted: &[Vec<String>]) -> Vec<Value> {
    let channel = bench.whatsapp().await;
    let mut ids = Vec::new();
    for customer in wanted {
        let session = bench.session(&channel, bench.test.now().plus(time::DAY)).await;
        for words in customer {
            let content = Content::Text { text: words.clone() };
            ids.push(bench.enqueue(&bench.whatsapp_to(&channel, &words[..10], session, &content)).await);
        }
    }
    let running = bench.start("one");
    until("all have gone out", async || {
        // Waits of messages are by this clock, those of the number by the machine's, as the platform's are.
        bench.test.clock.advance(500);
        bench.ledger("wa_accepted").await.len() >= ids.len()
    })
    .await;
    for id in &ids {
        bench.until_state(*id, OutboxState::Accepted).await;
    }
    running.shutdown().await;
    let texts = bench.whatsapp_texts().await;
    assert_eq!(texts.len(), ids.len(), "{}: nothing twice", bench.test.engine);
    for customer in wanted {
        let got: Vec<_> = texts.iter().filter(|words| words.starts_with(&customer[0][..10])).collect();
        assert_eq!(got, customer.iter().collect::<Vec<_>>(), "{}: once, in order", bench.test.engine);
    }
    bench.ledger("graph_refused").await.into_iter().map(|entry| entry["code"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_may_get_no_more_now_is_left_alone_and_gets_all_of_it_later() {
    for bench in benches().await {
        // Four at once take 1.6 seconds to pay for: longer than the first wait that is asked for.
        bench.limits(json!({ "pair": { "interval_ms": 400, "burst": 4 } })).await;
        let refused = sends(&bench, &parts(1, 7)).await;
        assert!(refused.iter().all(|code| *code == 131_056), "{}: {refused:?}", bench.test.engine);
        let mut requests = bench.ledger("graph_refused").await;
        requests.extend(bench.ledger("wa_accepted").await);
        requests.sort_by_key(|entry| entry["n"].as_u64());
        let mut in_a_row = 0;
        for pair in requests.windows(2) {
            let waited = pair[1]["at"].as_i64().unwrap() - pair[0]["at"].as_i64().unwrap();
            if pair[0]["kind"] == "wa_accepted" {
                in_a_row = 0;
                continue;
            }
            let wanted = 1_000 * 4_i64.pow(in_a_row);
            assert!(waited >= wanted - 20, "{}: {waited} ms after complaint {in_a_row}", bench.test.engine);
            in_a_row += 1;
        }
        assert!(!refused.is_empty(), "{}: there was something to slow down for", bench.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_with_less_throughput_than_it_tells_slows_down_to_it() {
    for bench in benches().await {
        bench.limits(json!({ "throughput": { "per_second": 20 } })).await;
        let wanted = parts(25, 4);
        let refused = sends(&bench, &wanted).await;
        assert!(refused.iter().all(|code| *code == 130_429), "{}: {refused:?}", bench.test.engine);
        assert!((1..=60).contains(&refused.len()), "{}: {}", bench.test.engine, refused.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_limits_refuse_nothing_of_a_conversation_or_of_a_campaign() {
    for bench in benches().await {
        bench.limits(json!({ "pair": {}, "throughput": {} })).await;
        let wanted = parts(30, 5);
        assert_eq!(sends(&bench, &wanted).await, Vec::<Value>::new(), "{}", bench.test.engine);
    }
}
