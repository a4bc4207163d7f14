//! What the platform decides and tells besides messages: prices by day, notices of the account, numbers that change, and
//! webhooks that come late or together.

use crate::bench::{ADA, BUSINESS, Bench, DAY, until};
use crate::smpp::{Client, Role, receipt, text as by_sms};
use segue_sandbox::{SandboxClock, SandboxConfig};
use serde_json::{Value, json};

/// 2025-06-30T23:00Z: an hour before messages are charged one by one.
const BEFORE_PMP: i64 = 1_751_324_400_000;
/// 2026-09-30T23:00Z: an hour before service messages are charged.
const BEFORE_CHARGES: i64 = 1_790_809_200_000;
const HOUR: i64 = 3_600_000;

/// The pricing object of the next text, and the conversation that is told with it.
async fn priced(bench: &Bench, body: Value) -> (Value, Value) {
    let (status, answer) = bench.send(body).await;
    assert_eq!(status, 200, "{answer}");
    let wamid = answer["messages"][0]["id"].clone();
    until(|| async { bench.receiver.statuses(wamid.as_str().unwrap_or_default()).len() >= 2 }).await;
    let values = bench.receiver.values();
    let own = values.iter().map(|value| &value["statuses"][0]).find(|status| status["id"] == wamid).expect("a status");
    (own["pricing"].clone(), own["conversation"].clone())
}

fn text() -> Value {
    json!({"to": ADA, "text": {"body": "Hello"}})
}

fn utility() -> Value {
    let parameters = json!([{"type": "text", "text": "Ada"}, {"type": "text", "text": "AB-123456"}]);
    json!({"to": ADA, "type": "template", "template": {"name": "order_update", "language": {"code": "en_US"},
        "components": [{"type": "body", "parameters": parameters}]}})
}

#[tokio::test]
async fn the_price_is_that_of_the_day_and_an_advertisement_is_free() {
    let at = |start| SandboxConfig { clock: SandboxClock::Virtual(start), ..SandboxConfig::default() };
    let bench = Bench::with(at(BEFORE_PMP)).await;
    bench.ada_writes(json!({"type": "text", "text": "Hi"})).await;
    let conversation = json!({"billable": false, "pricing_model": "CBP", "category": "service"});
    assert_eq!(priced(&bench, text()).await.0, conversation);
    bench.advance(2 * HOUR).await;
    let message =
        json!({"billable": false, "pricing_model": "PMP", "type": "free_customer_service", "category": "service"});
    assert_eq!(priced(&bench, text()).await.0, message);

    let bench = Bench::with(at(BEFORE_CHARGES)).await;
    bench.ada_writes(json!({"type": "text", "text": "Hi"})).await;
    let kind = async |body| priced(&bench, body).await.0["type"].clone();
    assert_eq!(kind(utility()).await, "free_customer_service", "within the window");
    bench.advance(2 * HOUR).await;
    assert_eq!(kind(utility()).await, "regular", "a new price list");
    // From an advertisement: free for 72 hours from the answer, whatever it is.
    let advertisement = json!({"type": "text", "text": "About your advertisement",
        "referral": {"source_type": "ad", "source_id": "1", "headline": "Tents", "ctwa_clid": "c"}});
    bench.ada_writes(advertisement).await;
    until(|| async {
        bench.receiver.values().iter().any(|value| value["messages"][0]["referral"]["headline"] == "Tents")
    })
    .await;
    let (pricing, conversation) = priced(&bench, utility()).await;
    assert_eq!(pricing["type"], "free_entry_point");
    assert_eq!((&pricing["billable"], &pricing["category"]), (&json!(false), &json!("utility")));
    assert_eq!(conversation["origin"]["type"], "referral_conversion");
    bench.advance(2 * DAY).await;
    assert_eq!(kind(utility()).await, "free_entry_point", "outside of the window too");
    bench.advance(DAY + HOUR).await;
    assert_eq!(kind(utility()).await, "regular", "three days are over");

    // What fails does not open it.
    let advertisement = json!({"type": "text", "text": "Once more",
        "referral": {"source_type": "ad", "source_id": "2", "headline": "Boats", "ctwa_clid": "d"}});
    bench.ada_writes(advertisement).await;
    let path = format!("/sandbox/v1/handsets/{ADA}");
    bench.patch(&path, json!({"on_whatsapp": false})).await;
    assert_eq!(bench.send(utility()).await.0, 200);
    bench.advance(25 * HOUR).await;
    bench.patch(&path, json!({"on_whatsapp": true})).await;
    assert_eq!(kind(utility()).await, "regular", "it was not answered within a day");
}

#[tokio::test]
async fn notices_of_the_account_are_told_as_they_are_asked_for() {
    let bench = Bench::new().await;
    let (_, known) = bench.get("/sandbox/v1/notices").await;
    let known = known["notices"].as_array().expect("notices").clone();
    assert!(known.len() >= 15);
    for notice in &known {
        let (status, told) = bench.post("/sandbox/v1/notices", json!({"name": notice["name"]})).await;
        assert_eq!((status, &told["field"]), (201, &notice["field"]));
    }
    let own = json!({"field": "flows", "value": {"event": "FLOW_STATUS_CHANGE"}});
    assert_eq!(bench.post("/sandbox/v1/notices", own).await.0, 201);
    until(|| async { bench.receiver.bodies().len() > known.len() }).await;
    let bodies = bench.receiver.bodies();
    for (notice, body) in known.iter().zip(&bodies) {
        let entry = &body["entry"][0];
        assert_eq!(entry["changes"][0]["field"], notice["field"]);
        assert!(entry["time"].is_i64() && entry["changes"][0]["value"].is_object(), "{body}");
        assert!(entry["changes"][0]["value"]["metadata"].is_null(), "notices name no number in metadata");
    }
    assert_eq!(bodies[known.len()]["entry"][0]["changes"][0]["value"]["event"], "FLOW_STATUS_CHANGE");
    for bad in [json!({"name": "nothing"}), json!({}), json!({"name": "pin_changed", "field": "security"})] {
        assert_eq!(bench.post("/sandbox/v1/notices", bad).await.0, 400);
    }
}

#[tokio::test]
async fn a_customer_takes_the_chat_along_to_another_number() {
    let bench = Bench::new().await;
    bench.ada_writes(json!({"type": "text", "text": "Hi"})).await;
    let wamid = bench.send_text("Hello").await;
    let (_, before) = bench.get(&format!("/sandbox/v1/handsets/{ADA}")).await;
    let path = format!("/sandbox/v1/handsets/{ADA}/number");
    let (status, after) = bench.post(&path, json!({"phone": "+49 151 99999999"})).await;
    assert_eq!((status, &after["id"]), (200, &json!("4915199999999")));
    assert_ne!(after["bsuid"], before["bsuid"]);
    assert_eq!(bench.get(&format!("/sandbox/v1/handsets/{ADA}")).await.0, 404);
    until(|| async {
        bench.receiver.bodies().iter().any(|body| body["entry"][0]["changes"][0]["field"] == "user_id_update")
    })
    .await;
    let values = bench.receiver.values();
    let system = values.iter().find(|value| value["messages"][0]["type"] == "system").expect("a system message");
    assert!(system["contacts"].is_null());
    let message = &system["messages"][0];
    assert_eq!((&message["from"], &message["system"]["wa_id"]), (&json!(ADA), &json!("4915199999999")));
    assert_eq!(message["system"]["type"], "user_changed_number");
    let update = values.iter().find_map(|value| value["user_id_update"].get(0)).expect("an update");
    assert_eq!(update["user_id"], json!({"previous": before["bsuid"], "current": after["bsuid"]}));
    // The chat is there, and what is answered to the new number arrives in it.
    let (status, _) = bench.send(json!({"to": "4915199999999", "text": {"body": "Still there?"}})).await;
    assert_eq!(status, 200);
    let (_, chats) = bench.get("/sandbox/v1/handsets/4915199999999/chats").await;
    let texts: Vec<&Value> =
        chats["chats"][0]["messages"].as_array().expect("chat").iter().map(|m| &m["text"]).collect();
    assert_eq!(texts, ["Hi", "Hello", "Still there?"]);
    // What was sent before still has its statuses: reading it is told.
    bench.post(&format!("/sandbox/v1/handsets/4915199999999/chats/{BUSINESS}/open"), json!({})).await;
    until(|| async { bench.receiver.statuses(&wamid).contains(&"read".to_owned()) }).await;
    // Nobody has the old number any more.
    let (status, answer) = bench.send(json!({"to": ADA, "text": {"body": "Hello?"}})).await;
    assert_eq!(status, 200, "{answer}");
    let lost = answer["messages"][0]["id"].as_str().expect("wamid").to_owned();
    until(|| async { bench.receiver.statuses(&lost) == ["failed"] }).await;
    let failure = bench.ledger_of("wa_status").await.into_iter().find(|entry| entry["wamid"] == lost.as_str());
    assert_eq!(failure.expect("a status")["code"], 131_026);
    let mut carrier = Client::bound(bench.sandbox.smpp_addr, Role::Transceiver).await;
    carrier.submit(by_sms(ADA, "Hello?")).await.expect("accepted");
    let (_, deliver) = carrier.delivery().await;
    assert!(receipt(&deliver).0.contains("stat:UNDELIV"), "{}", receipt(&deliver).0);
    // A number that somebody has, and one that is none.
    bench.post("/sandbox/v1/handsets", json!({"phone": "+15550100"})).await;
    let taken = "/sandbox/v1/handsets/4915199999999/number";
    assert_eq!(bench.post(taken, json!({"phone": "+15550100"})).await.0, 400);
    assert_eq!(bench.post(taken, json!({"phone": "12"})).await.0, 400);
    assert_eq!(bench.post("/sandbox/v1/handsets/1234567/number", json!({"phone": "+15550101"})).await.0, 404);
}

#[tokio::test]
async fn webhooks_come_together_and_late_and_each_is_acknowledged_once() {
    let bench = Bench::new().await;
    bench.faults(json!({"webhook_hold": true, "webhook_batch": 4})).await;
    for number in 0..10 {
        bench.ada_writes(json!({"type": "text", "text": format!("message {number}")})).await;
    }
    // A refused body is tried again whole.
    bench.receiver.refuse_next(1);
    bench.faults(json!({"webhook_batch": 4})).await;
    until(|| async {
        bench.advance(1_000).await;
        bench.ledger_of("wa_inbound").await.iter().all(|entry| entry["acked"] == true)
    })
    .await;
    let bodies = bench.receiver.bodies();
    let entries = |body: &Value| body["entry"].as_array().map_or(0, Vec::len);
    assert!(bodies.iter().all(|body| entries(body) <= 4) && bodies.iter().any(|body| entries(body) == 4), "{bodies:?}");
    let mut texts: Vec<String> = bodies
        .iter()
        .flat_map(|body| body["entry"].as_array().cloned().unwrap_or_default())
        .map(|entry| {
            entry["changes"][0]["value"]["messages"][0]["text"]["body"].as_str().unwrap_or_default().to_owned()
        })
        .collect();
    texts.sort();
    assert_eq!(texts, (0..10).map(|number| format!("message {number}")).collect::<Vec<_>>(), "each once");

    // More than a small batch, where the platform would put them together.
    bench.faults(json!({"webhook_hold": true, "webhook_batch": 1_000})).await;
    for number in 0..100 {
        bench.ada_writes(json!({"type": "text", "text": format!("many {number}")})).await;
    }
    bench.faults(json!({"webhook_batch": 1_000})).await;
    until(|| async { bench.receiver.bodies().iter().any(|body| entries(body) == 100) }).await;

    bench.faults(json!({"webhook_delay_ms": 60_000})).await;
    let known = bench.receiver.bodies().len();
    bench.ada_writes(json!({"type": "text", "text": "late"})).await;
    bench.advance(59_000).await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert_eq!(bench.receiver.bodies().len(), known, "not yet");
    bench.advance(1_000).await;
    until(|| async { bench.receiver.bodies().len() == known + 1 }).await;
}
