//! The carrier: binds, texts, receipts, texts of the customers.

use crate::bench::{ADA, Bench, until};
use crate::smpp::{Client, Role, octets, receipt, text};
use rusmpp::{CommandId, CommandStatus, Pdu};
use serde_json::{Value, json};
use std::time::Duration;

async fn texts(bench: &Bench) -> Vec<Value> {
    let (_, body) = bench.get(&format!("/sandbox/v1/handsets/{ADA}/sms")).await;
    body["messages"].as_array().expect("messages").clone()
}

#[tokio::test]
async fn binds_check_account_and_state() {
    let bench = Bench::new().await;
    let addr = bench.sandbox.smpp_addr;
    let mut client = Client::connect(addr).await;
    assert_eq!(client.submit(text(ADA, "too early")).await, Err(CommandStatus::EsmeRinvbndsts));
    assert_eq!(client.bind(Role::Transceiver, "segue", "wrong").await, CommandStatus::EsmeRinvpaswd);
    assert_eq!(client.bind(Role::Transceiver, "nobody", "sandbox").await, CommandStatus::EsmeRinvsysid);
    assert_eq!(client.bind(Role::Transceiver, "segue", "sandbox").await, CommandStatus::EsmeRok);
    assert_eq!(client.bind(Role::Transceiver, "segue", "sandbox").await, CommandStatus::EsmeRalybnd);
    assert_eq!(client.request(Pdu::EnquireLink).await, (CommandId::EnquireLinkResp, CommandStatus::EsmeRok));
    assert_eq!(client.request(Pdu::Unbind).await, (CommandId::UnbindResp, CommandStatus::EsmeRok));
    let mut receiver = Client::bound(addr, Role::Receiver).await;
    assert_eq!(receiver.submit(text(ADA, "receivers do not send")).await, Err(CommandStatus::EsmeRinvbndsts));
    assert_eq!(bench.get("/sandbox/v1/status").await.1["smpp"]["binds"], 1);
}

#[tokio::test]
async fn a_text_arrives_and_its_receipt_is_acknowledged() {
    let bench = Bench::new().await;
    let mut client = Client::bound(bench.sandbox.smpp_addr, Role::Transceiver).await;
    let id = client.submit(text(ADA, "Chat with us: http://go.test/Ab1.")).await.expect("accepted");
    let (sequence, deliver) = client.delivery().await;
    let (body, tlv_id, state) = receipt(&deliver);
    assert_eq!(
        body,
        format!(
            "id:{id} sub:001 dlvrd:001 submit date:2611181106 done date:2611181106 stat:DELIVRD err:000 text:Chat with us: http:/"
        )
    );
    assert_eq!((tlv_id, state), (Some(id.clone()), Some(2)));
    assert_eq!((deliver.source_addr.as_str(), deliver.destination_addr.as_str()), (ADA, "ACME"));
    assert_eq!(bench.ledger_of("sms_receipt").await[0]["acked"], false);
    client.answer_delivery(sequence, CommandStatus::EsmeRok).await;
    bench.until_acked("sms_receipt", 1).await;
    let messages = texts(&bench).await;
    assert_eq!(messages[0]["text"], "Chat with us: http://go.test/Ab1.");
    assert_eq!(messages[0]["links"], json!(["http://go.test/Ab1"]));
    assert_eq!((&messages[0]["from"], &messages[0]["receipt_state"]), (&json!("ACME"), &json!("DELIVRD")));
    let accepted = &bench.ledger_of("sms_accepted").await[0];
    assert_eq!((&accepted["message_id"], &accepted["to"]), (&json!(id), &json!(format!("+{ADA}"))));
    assert_eq!(bench.sandbox.counters().sms_delivered, 1);
}

#[tokio::test]
async fn an_unknown_number_gets_a_handset_and_a_broken_number_is_refused() {
    let bench = Bench::new().await;
    let mut client = Client::bound(bench.sandbox.smpp_addr, Role::Transmitter).await;
    client.submit(text("33612345678", "bonjour")).await.expect("accepted");
    assert_eq!(bench.get("/sandbox/v1/handsets/33612345678").await.1["phone"], "+33612345678");
    assert_eq!(client.submit(text("33x", "no")).await, Err(CommandStatus::EsmeRinvdstadr));
    assert_eq!(client.submit(octets(ADA, 8, 0, &[0; 142])).await, Err(CommandStatus::EsmeRinvmsglen));
    let counters = bench.sandbox.counters();
    assert_eq!((counters.sms_accepted, counters.sms_refused), (1, 2));
}

#[tokio::test]
async fn alphabets_and_concatenated_parts_become_one_text() {
    let bench = Bench::new().await;
    let mut client = Client::bound(bench.sandbox.smpp_addr, Role::Transceiver).await;
    client.submit(octets(ADA, 3, 0, &[0x63, 0xE7])).await.expect("latin-1");
    let ucs2: Vec<u8> = "Grüße 😀".encode_utf16().flat_map(u16::to_be_bytes).collect();
    client.submit(octets(ADA, 8, 0, &ucs2)).await.expect("ucs-2");
    client.submit(octets(ADA, 0, 0, &[0x1B, 0x65, 0x00])).await.expect("gsm");
    let part = |n: u8, body: &[u8]| octets(ADA, 0, 0x40, &[&[0x05, 0x00, 0x03, 0x2A, 2, n], body].concat());
    let second = client.submit(part(2, b"world")).await.expect("part 2");
    assert_eq!(texts(&bench).await.len(), 3, "half a message is not shown");
    let first = client.submit(part(1, b"Hello ")).await.expect("part 1");
    let shown: Vec<String> =
        texts(&bench).await.iter().map(|sms| sms["text"].as_str().expect("text").to_owned()).collect();
    assert_eq!(shown, ["cç", "Grüße 😀", "€@", "Hello world"]);
    let accepted = bench.ledger_of("sms_accepted").await;
    assert!(accepted[3]["group"].is_string());
    assert_eq!(accepted[3]["group"], accepted[4]["group"]);
    let delivered = bench.ledger_of("sms_delivered").await;
    assert_eq!(delivered[3]["message_ids"], json!([first, second]));
    assert_eq!(delivered.len(), 4);
}

#[tokio::test]
async fn an_offline_handset_delays_text_and_receipt() {
    let bench = Bench::new().await;
    let handset = format!("/sandbox/v1/handsets/{ADA}");
    bench.patch(&handset, json!({"online": false})).await;
    let mut client = Client::bound(bench.sandbox.smpp_addr, Role::Transceiver).await;
    client.submit(text(ADA, "later")).await.expect("accepted");
    assert!(texts(&bench).await.is_empty());
    assert!(client.read_within(Duration::from_millis(50)).await.is_none(), "no receipt yet");
    bench.patch(&handset, json!({"online": true})).await;
    let (_, deliver) = client.delivery().await;
    assert_eq!(receipt(&deliver).2, Some(2));
    assert_eq!(texts(&bench).await.len(), 1);
}

#[tokio::test]
async fn a_receipt_is_sent_again_until_it_is_acknowledged() {
    let bench = Bench::new().await;
    let addr = bench.sandbox.smpp_addr;
    let mut client = Client::bound(addr, Role::Transceiver).await;
    let id = client.submit(text(ADA, "x")).await.expect("accepted");
    // Refused: again after the first delay of the sandbox clock, not before.
    let (sequence, _) = client.delivery().await;
    client.answer_delivery(sequence, CommandStatus::EsmeRxTAppn).await;
    assert!(client.read_within(Duration::from_millis(50)).await.is_none());
    bench.advance(1_000).await;
    let (_, deliver) = client.delivery().await;
    assert_eq!(receipt(&deliver).1, Some(id.clone()));
    // Connection lost before the answer: again on the next bind that receives.
    drop(client);
    let mut sender = Client::bound(addr, Role::Transmitter).await;
    let mut receiver = Client::bound(addr, Role::Receiver).await;
    let (sequence, deliver) = receiver.delivery().await;
    assert_eq!(receipt(&deliver).1, Some(id));
    receiver.answer_delivery(sequence, CommandStatus::EsmeRok).await;
    bench.until_acked("sms_receipt", 1).await;
    assert!(receiver.read_within(Duration::from_millis(50)).await.is_none(), "acknowledged once, sent no more");
    assert!(sender.read_within(Duration::from_millis(10)).await.is_none(), "transmitters get no deliver_sm");
    assert_eq!(bench.ledger_of("sms_receipt").await.len(), 1, "one receipt happened");
}

#[tokio::test]
async fn an_unanswered_receipt_is_sent_again_on_the_same_bind() {
    use segue_sandbox::{SandboxClock, SandboxConfig};
    let bench = Bench::with(SandboxConfig {
        clock: SandboxClock::Virtual(crate::bench::START),
        smpp_response_timeout: Duration::from_millis(60),
        ..SandboxConfig::default()
    })
    .await;
    let mut client = Client::bound(bench.sandbox.smpp_addr, Role::Transceiver).await;
    client.submit(text(ADA, "x")).await.expect("accepted");
    let (first, one) = client.delivery().await;
    let (second, other) = client.delivery().await;
    assert_ne!(first, second);
    assert_eq!(receipt(&one), receipt(&other));
}

#[tokio::test]
async fn texts_of_customers_reach_the_product_whole() {
    let bench = Bench::new().await;
    let sms = format!("/sandbox/v1/handsets/{ADA}/sms");
    // Written while nobody is bound: waits.
    assert_eq!(bench.post(&sms, json!({"to": "+49 160 5550100", "text": "STOP"})).await.0, 201);
    let mut client = Client::bound(bench.sandbox.smpp_addr, Role::Transceiver).await;
    let (sequence, deliver) = client.delivery().await;
    assert_eq!((&deliver.short_message()[..], u8::from(deliver.esm_class)), (&b"STOP"[..], 0));
    assert_eq!((deliver.source_addr.as_str(), deliver.destination_addr.as_str()), (ADA, "491605550100"));
    client.answer_delivery(sequence, CommandStatus::EsmeRok).await;
    bench.until_acked("sms_inbound", 1).await;
    // A long one comes in parts and counts as acknowledged when all of them are.
    let long = "ü€".repeat(100);
    assert_eq!(bench.post(&sms, json!({"to": "88400", "text": long})).await.0, 201);
    let mut joined = Vec::new();
    let mut sequences = Vec::new();
    for _ in 0..2 {
        let (sequence, deliver) = client.delivery().await;
        assert_eq!(u8::from(deliver.esm_class), 0x40);
        joined.extend_from_slice(&deliver.short_message()[6..]);
        sequences.push(sequence);
    }
    assert_eq!(joined.len(), 300, "one octet for the umlaut, two for the euro");
    client.answer_delivery(sequences[0], CommandStatus::EsmeRok).await;
    client.request(Pdu::EnquireLink).await;
    assert_eq!(bench.sandbox.counters().sms_inbound_acked, 1);
    client.answer_delivery(sequences[1], CommandStatus::EsmeRok).await;
    until(|| async { bench.sandbox.counters().sms_inbound_acked == 2 }).await;
    assert_eq!(texts(&bench).await[1]["receipt_state"], "acked");
    assert_eq!(bench.post(&sms, json!({"to": "ACME", "text": "hi"})).await.0, 400, "no reply to a name");
    // Octets that are called binary, as some carriers do.
    assert_eq!(bench.post(&sms, json!({"to": "88400", "text": "STOP\u{e9}", "data_coding": 4})).await.0, 201);
    let (_, deliver) = client.delivery().await;
    assert_eq!((&deliver.short_message()[..], u8::from(deliver.data_coding)), (&b"STOP\xE9"[..], 4));
    assert_eq!(bench.post(&sms, json!({"to": "88400", "text": "\u{20ac}", "data_coding": 4})).await.0, 400);
}

#[tokio::test]
async fn carrier_faults() {
    let bench = Bench::new().await;
    let mut client = Client::bound(bench.sandbox.smpp_addr, Role::Transceiver).await;
    bench.faults(json!({"smpp_status": {"code": 0x58, "times": 2}})).await;
    assert_eq!(client.submit(text(ADA, "a")).await, Err(CommandStatus::EsmeRthrottled));
    assert_eq!(client.submit(text(ADA, "a")).await, Err(CommandStatus::EsmeRthrottled));
    client.submit(text(ADA, "a")).await.expect("the fault is over");
    assert_eq!(bench.sandbox.counters().sms_accepted, 1);
    client.delivery().await;
    // The answer is swallowed, the message is not.
    bench.faults(json!({"smpp_swallow_responses": 1})).await;
    client.write(text(ADA, "swallowed")).await;
    let (_, deliver) = client.delivery().await;
    assert!(receipt(&deliver).0.ends_with("text:swallowed"));
    assert_eq!(bench.ledger_of("sms_accepted").await[1]["answered"], false);
    // The receipt comes first.
    bench.faults(json!({"smpp_receipt_before_response": true})).await;
    let sequence = client.write(text(ADA, "early")).await;
    assert_eq!(client.read().await.id(), CommandId::DeliverSm);
    let answer = client.read().await;
    assert_eq!((answer.id(), answer.sequence_number), (CommandId::SubmitSmResp, sequence));
    // Another outcome; then none at all; then late.
    bench.faults(json!({"receipt_state": {"state": "UNDELIV", "times": 1}})).await;
    client.submit(text(ADA, "lost")).await.expect("accepted");
    let (_, deliver) = client.delivery().await;
    assert_eq!(receipt(&deliver).2, Some(5));
    assert!(!texts(&bench).await.iter().any(|sms| sms["text"] == "lost"));
    bench.faults(json!({"receipts": "none"})).await;
    client.submit(text(ADA, "quiet")).await.expect("accepted");
    bench.faults(json!({"receipt_delay_ms": 60_000})).await;
    client.submit(text(ADA, "late")).await.expect("accepted");
    assert!(client.read_within(Duration::from_millis(50)).await.is_none());
    bench.advance(60_000).await;
    let (_, deliver) = client.delivery().await;
    assert!(receipt(&deliver).0.ends_with("text:late"));
    // A slow carrier answers late, in order, and accepts only then.
    bench.faults(json!({"smpp_response_delay_ms": 80})).await;
    let accepted = bench.sandbox.counters().sms_accepted;
    let started = std::time::Instant::now();
    client.submit(text(ADA, "slow")).await.expect("accepted");
    assert!(started.elapsed() >= Duration::from_millis(80));
    assert_eq!(bench.sandbox.counters().sms_accepted, accepted + 1);
}

#[tokio::test]
async fn a_pipelined_burst_is_accepted_exactly_once_each() {
    let bench = Bench::new().await;
    let mut client = Client::bound(bench.sandbox.smpp_addr, Role::Transceiver).await;
    const N: usize = 1_000;
    let mut open = std::collections::HashSet::new();
    for n in 0..N {
        open.insert(client.write(text(ADA, &format!("burst {n}"))).await);
    }
    let mut receipts = std::collections::HashSet::new();
    while !open.is_empty() || receipts.len() < N {
        let command = client.read().await;
        match command.pdu() {
            Some(Pdu::SubmitSmResp(_)) => assert!(open.remove(&command.sequence_number)),
            Some(Pdu::DeliverSm(deliver)) => {
                assert!(receipts.insert(receipt(deliver).1), "each receipt once");
                client.answer_delivery(command.sequence_number, CommandStatus::EsmeRok).await;
            }
            other => panic!("unexpected {other:?}"),
        }
    }
    until(|| async { bench.sandbox.counters().sms_receipts_acked == N as u64 }).await;
    let counters = bench.sandbox.counters();
    assert_eq!((counters.sms_accepted, counters.sms_delivered, counters.sms_receipts), (N as u64, N as u64, N as u64));
}
