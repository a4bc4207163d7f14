//! Templates through the Graph API.

use crate::bench::{ADA, Bench, WABA, until};
use serde_json::{Value, json};

fn template(name: &str, language: &str, parameters: &[&str]) -> Value {
    let parameters: Vec<Value> = parameters.iter().map(|text| json!({"type": "text", "text": text})).collect();
    json!({"to": ADA, "type": "template", "template": {"name": name, "language": {"code": language},
           "components": [{"type": "body", "parameters": parameters}]}})
}

#[tokio::test]
async fn templates_go_out_without_a_window_when_they_are_right() {
    let bench = Bench::new().await;
    let refused = |message: Value| async { bench.send(message).await.1["error"]["code"].as_i64() };
    assert_eq!(refused(template("order_update", "en_US", &["Ada"])).await, Some(132000));
    assert_eq!(refused(template("order_update", "fr", &["Ada", "7"])).await, Some(132001));
    assert_eq!(refused(template("spring_offer", "en", &["Ada"])).await, Some(132015));
    let (status, answer) = bench.send(template("we_are_back", "en", &["Ada"])).await;
    assert_eq!((status, &answer["messages"][0]["message_status"]), (200, &json!("accepted")));
    let wamid = answer["messages"][0]["id"].as_str().expect("wamid").to_owned();
    until(|| async { bench.receiver.statuses(&wamid) == ["sent", "delivered"] }).await;
    let pricing = &bench.receiver.values()[0]["statuses"][0]["pricing"];
    assert_eq!(*pricing, json!({"billable": true, "pricing_model": "PMP", "type": "regular", "category": "utility"}));
    let shown = &bench.chat().await[0];
    assert_eq!(shown["template"], json!({"name": "we_are_back", "language": "en"}));
    assert_eq!(shown["text"], "Hello Ada, our team can continue your conversation. Reply to this message to go on.");
    bench.ada_writes(json!({"type": "button", "reply_to": shown["id"], "text": "Continue"})).await;
    bench.until_acked("wa_inbound", 1).await;
    let value = bench.receiver.values().pop().expect("webhook");
    assert_eq!(value["messages"][0]["button"], json!({"payload": "Continue", "text": "Continue"}));
    // The tap has opened the window.
    let free = bench.send_text("Here we are").await;
    until(|| async { bench.receiver.statuses(&free) == ["sent", "delivered"] }).await;
}

#[tokio::test]
async fn templates_are_created_reviewed_paused_and_deleted() {
    let bench = Bench::new().await;
    let path = format!("/v26.0/{WABA}/message_templates");
    let new = json!({"name": "summer", "category": "UTILITY", "language": "en_US",
                     "components": [{"type": "BODY", "text": "Hi {{1}}, our summer sale is on.",
                                     "example": {"body_text": [["Ada"]]}}]});
    let (status, created) = bench.post(&path, new.clone()).await;
    assert_eq!((status, &created["status"], &created["category"]), (200, &json!("PENDING"), &json!("MARKETING")));
    bench.until_acked("template_status", 1).await;
    let body = bench.receiver.bodies().pop().expect("webhook");
    assert!(body["entry"][0]["time"].is_i64());
    let value = &body["entry"][0]["changes"][0]["value"];
    assert_eq!((&value["event"], &value["message_template_name"]), (&json!("APPROVED"), &json!("summer")));
    assert!(value["message_template_id"].is_u64());
    assert_eq!(bench.post(&path, new).await.0, 400, "the name is taken in this language");
    let (_, page) = bench.get(&format!("{path}?limit=3&fields=name,status")).await;
    assert_eq!((page["data"].as_array().map(Vec::len), page["paging"]["next"].is_string()), (Some(3), true));
    let after = page["paging"]["cursors"]["after"].as_str().expect("cursor");
    let (_, rest) = bench.get(&format!("{path}?limit=3&after={after}&fields=name,status")).await;
    assert_eq!(rest["data"][0]["name"], "summer");
    let (_, scored) = bench.get(&format!("{path}?limit=1&fields=quality_score")).await;
    let score = &scored["data"][0]["quality_score"];
    assert!(score["score"].is_string() && score["date"].is_i64(), "{score}: both, as client libraries read it");
    assert!(rest["paging"].get("next").is_none());
    assert!(rest.get("summary").is_none(), "only where it is asked for");
    let (_, summed) =
        bench.get(&format!("{path}?summary=total_count,message_template_count&status=APPROVED,PAUSED")).await;
    assert_eq!(summed["summary"], json!({"total_count": 4, "message_template_count": 4}));
    let (_, paused) = bench.get(&format!("{path}?summary=total_count,message_template_limit&status=PAUSED")).await;
    assert_eq!(paused["summary"], json!({"total_count": 1, "message_template_limit": 250}));
    assert_eq!(paused["data"][0]["name"], "spring_offer");
    let (status, _) = bench.patch("/sandbox/v1/templates/summer", json!({"status": "PAUSED"})).await;
    assert_eq!(status, 200);
    let (_, refused) = bench.send(template("summer", "en_US", &["Ada"])).await;
    assert_eq!(refused["error"]["code"], 132015);
    let (status, _) = bench.request(bench.http.delete(bench.url(&format!("{path}?name=summer")))).await;
    assert_eq!(status, 200);
    assert_eq!(bench.send(template("summer", "en_US", &["Ada"])).await.0, 404);
    assert_eq!(
        bench
            .post(
                "/sandbox/v1/templates",
                json!({"name": "x", "category": "UTILITY", "language": "en",
            "components": [{"type": "BODY", "text": "Ready."}]})
            )
            .await
            .0,
        201
    );
    assert_eq!(bench.send(template("x", "en", &[])).await.0, 200);
}

#[tokio::test]
async fn customers_can_stop_marketing() {
    let bench = Bench::new().await;
    bench.patch("/sandbox/v1/templates/spring_offer", json!({"status": "APPROVED"})).await;
    bench.patch(&format!("/sandbox/v1/handsets/{ADA}"), json!({"marketing_stopped": true})).await;
    let (_, answer) = bench.send(template("spring_offer", "en", &["Ada"])).await;
    let stopped = answer["messages"][0]["id"].as_str().expect("wamid").to_owned();
    until(|| async { bench.receiver.statuses(&stopped) == ["failed"] }).await;
    let values = bench.receiver.values();
    let preference = values.iter().find_map(|v| v["user_preferences"].get(0)).expect("user_preferences");
    assert_eq!((&preference["value"], &preference["category"]), (&json!("stop"), &json!("marketing_messages")));
    assert!(preference["timestamp"].is_i64());
    let (_, answer) = bench.send(template("we_are_back", "en", &["Ada"])).await;
    let utility = answer["messages"][0]["id"].as_str().expect("wamid").to_owned();
    until(|| async { bench.receiver.statuses(&utility) == ["sent", "delivered"] }).await;
}

fn utility(name: &str, components: Value) -> Value {
    json!({"name": name, "category": "UTILITY", "language": "en_US", "components": components})
}

fn plain(text: &str) -> Value {
    json!([{"type": "BODY", "text": text}])
}

#[tokio::test]
async fn what_the_platform_refuses_has_its_subcode_and_words_for_people() {
    let bench = Bench::new().await;
    let path = format!("/v26.0/{WABA}/message_templates");
    let example =
        |text: &str, values: &[&str]| json!([{"type": "BODY", "text": text, "example": {"body_text": [values]}}]);
    let with = |component: Value| json!([{"type": "BODY", "text": "Ready."}, component]);
    for (components, subcode) in [
        (example("Your order is ready, {{1}}", &["Ada"]), json!(2_388_299)),
        (example("Dear {{1}} {{2}}, your order is ready now.", &["Ada", "B"]), json!(2_388_299)),
        (example("Hi {{1}}, {{2}}!", &["Ada", "B"]), json!(2_388_293)),
        (plain("Dear {{1}}, your order is ready."), json!(2_388_043)),
        (with(json!({"type": "FOOTER", "text": "a".repeat(61)})), json!(2_388_040)),
        (with(json!({"type": "HEADER", "format": "TEXT", "text": "*Ready*"})), json!(2_388_072)),
        (with(json!({"type": "HEADER", "format": "IMAGE"})), json!(2_388_084)),
        (
            with(json!({"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::invented"]}})),
            json!(2_388_084),
        ),
        (
            with(
                json!({"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Go", "url": "https://a.example/{{1}}"}]}),
            ),
            json!(2_388_047),
        ),
    ] {
        let (status, answer) = bench.post(&path, utility("refused", components.clone())).await;
        assert_eq!((status, &answer["error"]["error_subcode"]), (400, &subcode), "{components}");
        assert!(answer["error"]["error_data"].is_string() && answer["error"]["error_user_msg"].is_string());
    }
    let mixed = json!({"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Yes"},
        {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+15550100"}, {"type": "QUICK_REPLY", "text": "No"}]});
    assert_eq!(bench.post(&path, utility("refused", with(mixed))).await.0, 400);
}

#[tokio::test]
async fn an_approved_template_is_edited_once_a_day_and_its_name_rests_after_deletion() {
    let bench = Bench::new().await;
    let path = format!("/v26.0/{WABA}/message_templates");
    let (_, created) = bench.post(&path, utility("ready", plain("Your order is ready."))).await;
    let id = created["id"].as_str().expect("id").to_owned();
    let edit = async |text: &str| bench.post(&format!("/v26.0/{id}"), json!({"components": plain(text)})).await;
    assert_eq!(edit("Your order is ready now.").await.0, 200);
    let (_, answer) = edit("Your order is ready, really.").await;
    assert_eq!(answer["error"]["error_subcode"], 2_388_019);
    bench.advance(24 * 3_600_000 + 1).await;
    assert_eq!(edit("Your order is ready, really.").await.0, 200);
    let change = json!({"category": "MARKETING", "components": plain("New.")});
    assert_eq!(bench.post(&format!("/v26.0/{id}"), change).await.0, 400, "an approved one keeps its category");
    assert_eq!(bench.request(bench.http.delete(bench.url(&format!("{path}?name=ready")))).await.0, 200);
    let (_, answer) = bench.post(&path, utility("ready", plain("Again."))).await;
    assert_eq!(answer["error"]["error_subcode"], 2_388_023);
    bench.advance(30 * 24 * 3_600_000).await;
    assert_eq!(bench.post(&path, utility("ready", plain("Again."))).await.0, 200);
}

#[tokio::test]
async fn the_reviewer_rejects_by_rules_or_waits_for_somebody_and_each_change_is_told() {
    let bench = Bench::new().await;
    let path = format!("/v26.0/{WABA}/message_templates");
    bench.post(&path, utility("luck", plain("Visit our casino tonight."))).await;
    bench.until_acked("template_status", 1).await;
    let told = bench.receiver.bodies().pop().expect("webhook")["entry"][0]["changes"][0]["value"].clone();
    assert_eq!((&told["event"], &told["reason"]), (&json!("REJECTED"), &json!("ABUSIVE_CONTENT")));
    let mode = json!({"mode": "manual"});
    let put = bench.http.put(bench.url("/sandbox/v1/templates/reviewer")).json(&mode);
    assert_eq!(bench.request(put).await, (200, mode));
    let (_, created) = bench.post(&path, utility("slow", plain("Your order is ready."))).await;
    let id = created["id"].as_str().expect("id").to_owned();
    let status = async || bench.get(&format!("/v26.0/{id}?fields=status")).await.1["status"].clone();
    assert_eq!(status().await, "PENDING");
    let (_, answer) = bench.post(&format!("/v26.0/{id}"), json!({"components": plain("New.")})).await;
    assert_eq!(answer["error"]["error_subcode"], 2_388_039, "not while it is reviewed");
    let decide = async |decision: Value| bench.patch(&format!("/sandbox/v1/templates/{id}"), decision).await.0;
    assert_eq!(decide(json!({"status": "APPROVED", "category": "MARKETING", "quality": "RED"})).await, 200);
    bench.until_acked("template_status", 2).await;
    until(|| async { bench.receiver.bodies().len() >= 4 }).await;
    let fields: Vec<Value> =
        bench.receiver.bodies().iter().map(|body| body["entry"][0]["changes"][0]["field"].clone()).collect();
    for field in ["template_category_update", "message_template_quality_update", "message_template_status_update"] {
        assert!(fields.contains(&json!(field)), "{field} in {fields:?}");
    }
    for expected in ["PAUSED", "PAUSED", "DISABLED"] {
        assert_eq!(decide(json!({"status": "PAUSED"})).await, 200);
        assert_eq!(status().await, expected);
    }
    assert_eq!(decide(json!({"status": "SLEEPING"})).await, 400);
    assert_eq!(decide(json!({"quality": "BLUE"})).await, 400);
}

#[tokio::test]
async fn an_example_is_uploaded_in_pieces_and_used_by_a_template() {
    let bench = Bench::new().await;
    let (_, token) = bench.get("/v26.0/debug_token?input_token=sandbox-token").await;
    let app = token["data"]["app_id"].as_str().expect("app").to_owned();
    let begin = format!("/v26.0/{app}/uploads?file_name=a.png&file_length=4&file_type=image/png");
    let (_, session) = bench.post(&begin, json!(null)).await;
    let upload = format!("/v26.0/{}", session["id"].as_str().expect("session"));
    let put = async |offset: &str, bytes: &'static [u8]| {
        let request = bench.http.post(bench.url(&upload)).header("file_offset", offset).body(bytes);
        bench.request(request).await
    };
    assert_eq!(put("1", b"x").await.0, 400, "it begins at the beginning");
    assert_eq!(put("0", b"ab").await.1["file_offset"], 2);
    assert_eq!(bench.get(&upload).await.1["file_offset"], 2);
    let (_, done) = put("2", b"cd").await;
    let handle = done["h"].as_str().expect("handle").to_owned();
    let components = json!([
        {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": [handle]}},
        {"type": "BODY", "text": "Your order is ready."},
    ]);
    let path = format!("/v26.0/{WABA}/message_templates");
    let (status, created) = bench.post(&path, utility("picture", components)).await;
    assert_eq!(status, 200, "{created}");
    let (_, listed) = bench.get(&format!("{path}?name=picture")).await;
    let example = listed["data"][0]["components"][0]["example"]["header_handle"][0].as_str().expect("address");
    assert!(example.starts_with("https://"), "listed with an address in place of the handle");
    assert_eq!(bench.post(&begin.replace("image/png", "text/html"), json!(null)).await.0, 400);
    assert_eq!(bench.post(&begin.replace(&app, "1"), json!(null)).await.0, 400);
}

fn card(handle: &str, body: &str) -> Value {
    json!({"components": [
        {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": [handle]}},
        {"type": "BODY", "text": body, "example": {"body_text": [["89"]]}},
        {"type": "BUTTONS", "buttons": [
            {"type": "QUICK_REPLY", "text": "More"},
            {"type": "URL", "text": "Shop", "url": "https://a.example/{{1}}", "example": ["https://a.example/b"]}]},
    ]})
}

fn marketing(name: &str, components: Value) -> Value {
    json!({"name": name, "category": "MARKETING", "language": "en", "components": components})
}

/// A handle that counts as an uploaded example: the address under which the platform lists one.
const HANDLE: &str = "https://scontent.whatsapp.net/v/t61.29466-34/boots.png";

#[tokio::test]
async fn cards_are_checked_when_they_are_created_and_filled_in_one_by_one() {
    let bench = Bench::new().await;
    let path = format!("/v26.0/{WABA}/message_templates");
    let body = json!({"type": "BODY", "text": "This is new in our shop."});
    let boots = card(HANDLE, "Boots for {{1}} today.");
    let with = |cards: Vec<Value>| json!([body, {"type": "CAROUSEL", "cards": cards}]);
    let mut without_text = boots.clone();
    without_text["components"].as_array_mut().expect("parts").remove(1);
    let mut of_three = boots.clone();
    of_three["components"][2]["buttons"] = json!([{"type": "QUICK_REPLY", "text": "A"},
        {"type": "QUICK_REPLY", "text": "B"}, {"type": "QUICK_REPLY", "text": "C"}]);
    let long = card(HANDLE, &format!("Now {{{{1}}}} for {}", "x".repeat(160)));
    let mut framed = with(vec![boots.clone(), boots.clone()]);
    framed.as_array_mut().expect("parts").push(json!({"type": "FOOTER", "text": "Acme"}));
    for components in [
        with(vec![boots.clone()]),
        with(vec![boots.clone(); 11]),
        with(vec![boots.clone(), without_text]),
        with(vec![of_three.clone(), of_three]),
        with(vec![boots.clone(), card("4::invented", "Tents for {{1}} today.")]),
        with(vec![long.clone(), long]),
        framed,
    ] {
        assert_eq!(bench.post(&path, marketing("refused", components.clone())).await.0, 400, "{components}");
    }
    let two = with(vec![boots, card(HANDLE, "Tents for {{1}} today.")]);
    assert_eq!(bench.post(&path, utility("refused", two.clone())).await.0, 400, "marketing only");
    let casino = with(vec![card(HANDLE, "A casino for {{1}} today."), card(HANDLE, "Tents for {{1}} today.")]);
    bench.post(&path, marketing("casino", casino)).await;
    let (_, listed) = bench.get(&format!("{path}?name=casino")).await;
    assert_eq!(listed["data"][0]["status"], "REJECTED", "the reviewer reads the cards");
    assert_eq!(bench.post(&path, marketing("boots", two)).await.0, 200);

    let (_, stored) = bench.upload("image/png", b"png").await;
    let media = stored["id"].as_str().expect("id").to_owned();
    let filled = |index: usize, media: &str, price: Option<&str>, end: Option<&str>| {
        let mut components = vec![json!({"type": "header", "parameters": [{"type": "image", "image": {"id": media}}]})];
        components.extend(price.map(|price| json!({"type": "body", "parameters": [{"type": "text", "text": price}]})));
        components.push(json!({"type": "button", "sub_type": "quick_reply", "index": "0",
            "parameters": [{"type": "payload", "payload": format!("more-{index}")}]}));
        components.extend(end.map(|end| {
            json!({"type": "button", "sub_type": "url", "index": "1",
            "parameters": [{"type": "text", "text": end}]})
        }));
        json!({"card_index": index, "components": components})
    };
    let message = |cards: Vec<Value>| {
        json!({"to": ADA, "type": "template", "template": {"name": "boots",
        "language": {"code": "en"}, "components": [{"type": "carousel", "cards": cards}]}})
    };
    let refused = async |cards: Vec<Value>| bench.send(message(cards)).await.1["error"]["code"].as_i64();
    let good = |index: usize| filled(index, &media, Some("89"), Some("b"));
    assert_eq!(refused(vec![]).await, Some(132_000));
    assert_eq!(refused(vec![good(0)]).await, Some(132_000));
    assert_eq!(refused(vec![good(0), good(0)]).await, Some(131_008));
    assert_eq!(refused(vec![good(0), filled(1, &media, None, Some("b"))]).await, Some(132_000));
    assert_eq!(refused(vec![good(0), filled(1, &media, Some("45"), None)]).await, Some(131_008));
    assert_eq!(refused(vec![good(0), filled(1, "0", Some("45"), Some("b"))]).await, Some(131_009));
    let mut headless = good(1);
    headless["components"].as_array_mut().expect("parts").remove(0);
    assert_eq!(refused(vec![good(0), headless]).await, Some(132_012));
    let (status, answer) = bench.send(message(vec![good(1), good(0)])).await;
    assert_eq!(status, 200, "{answer}");
    let shown = bench.chat().await.pop().expect("a message");
    assert_eq!(shown["cards"][1]["text"], "Tents for 89 today.");
    assert_eq!(shown["cards"][1]["media"]["mime"], "image/png");
    let tap = json!({"type": "button", "reply_to": shown["id"], "text": "More", "payload": "more-1"});
    bench.ada_writes(tap).await;
    bench.until_acked("wa_inbound", 1).await;
    let value = bench.receiver.values().pop().expect("webhook");
    assert_eq!(value["messages"][0]["button"], json!({"payload": "more-1", "text": "More"}));
}

#[tokio::test]
async fn an_offer_ends_at_the_moment_it_is_sent_with() {
    let bench = Bench::new().await;
    let path = format!("/v26.0/{WABA}/message_templates");
    let offer = |text: &str, expires: bool| {
        json!({"type": "LIMITED_TIME_OFFER",
        "limited_time_offer": {"text": text, "has_expiration": expires}})
    };
    let body = json!({"type": "BODY", "text": "Only these days."});
    let link = json!({"type": "URL", "text": "Shop", "url": "https://a.example/"});
    let code = json!({"type": "COPY_CODE", "example": "SAVE"});
    let buttons = |all: &[&Value]| json!({"type": "BUTTONS", "buttons": all});
    let long = json!({"type": "BODY", "text": "x".repeat(601)});
    for components in [
        json!([offer("seventeen letters", true), body, buttons(&[&code])]),
        json!([offer("A fifth off", true), body, buttons(&[&link])]),
        json!([offer("A fifth off", true), body, buttons(&[&link, &code])]),
        json!([offer("A fifth off", true), long, buttons(&[&code])]),
        json!([offer("A fifth off", true), body, buttons(&[&code]), {"type": "FOOTER", "text": "Acme"}]),
        json!([{"type": "HEADER", "format": "LOCATION"}, offer("A fifth off", true), body, buttons(&[&code])]),
    ] {
        assert_eq!(bench.post(&path, marketing("refused", components.clone())).await.0, 400, "{components}");
    }
    let good = json!([offer("A fifth off", true), body, buttons(&[&code, &link])]);
    assert_eq!(bench.post(&path, utility("refused", good.clone())).await.0, 400, "marketing only");
    assert_eq!(bench.post(&path, marketing("week", good)).await.0, 200);
    let coupon = json!({"type": "button", "sub_type": "copy_code", "index": "0",
        "parameters": [{"type": "coupon_code", "coupon_code": "SPRING"}]});
    let until = |at: Value| {
        json!({"type": "limited_time_offer",
        "parameters": [{"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": at}}]})
    };
    let message = |components: Vec<Value>| {
        json!({"to": ADA, "type": "template", "template": {"name": "week",
        "language": {"code": "en"}, "components": components}})
    };
    let refused = async |all: Vec<Value>| bench.send(message(all)).await.1["error"]["code"].as_i64();
    let now = bench.get("/sandbox/v1/clock").await.1["now"].as_i64().expect("epoch milliseconds");
    assert_eq!(refused(vec![coupon.clone()]).await, Some(132_000));
    assert_eq!(refused(vec![coupon.clone(), until(json!("soon"))]).await, Some(132_012));
    assert_eq!(refused(vec![coupon.clone(), until(json!(now - 1))]).await, Some(131_009));
    assert_eq!(refused(vec![until(json!(now + 3_600_000))]).await, Some(131_008), "the code is missing");
    assert_eq!(bench.send(message(vec![coupon, until(json!(now + 3_600_000))])).await.0, 200);
    let shown = bench.chat().await.pop().expect("a message");
    assert_eq!(shown["offer"], json!({"text": "A fifth off", "ends_at": now + 3_600_000, "code": "SPRING"}));
}

#[tokio::test]
async fn a_place_above_the_text_is_given_when_it_is_sent() {
    let bench = Bench::new().await;
    let path = format!("/v26.0/{WABA}/message_templates");
    let components = json!([{"type": "HEADER", "format": "LOCATION"}, {"type": "BODY", "text": "Come along."}]);
    assert_eq!(bench.post(&path, marketing("come", components)).await.0, 200);
    let message = |components: Value| {
        json!({"to": ADA, "type": "template", "template": {"name": "come",
        "language": {"code": "en"}, "components": components}})
    };
    let header =
        |location: Value| json!([{"type": "header", "parameters": [{"type": "location", "location": location}]}]);
    let refused = async |all: Value| bench.send(message(all)).await.1["error"]["code"].as_i64();
    assert_eq!(refused(json!([])).await, Some(132_012));
    let nameless = json!({"latitude": "52.5", "longitude": "13.4", "address": "Road 1"});
    assert_eq!(refused(header(nameless)).await, Some(131_008));
    let whole = json!({"latitude": "52.5", "longitude": "13.4", "name": "Shop", "address": "Road 1"});
    assert_eq!(bench.send(message(header(whole))).await.0, 200);
    assert_eq!(bench.chat().await.pop().expect("a message")["header"], "Shop\nRoad 1");
}

#[tokio::test]
async fn numbers_of_the_united_states_get_no_marketing() {
    let bench = Bench::new().await;
    let sale = json!({"name": "sale", "language": "en", "category": "MARKETING",
        "components": [{"type": "BODY", "text": "Everything is cheap today."}]});
    assert_eq!(bench.post("/sandbox/v1/templates", sale).await.0, 201);
    for (to, first) in [("12125550123", "failed"), ("14165550123", "sent")] {
        let template = json!({"name": "sale", "language": {"code": "en"}});
        let (status, sent) = bench.send(json!({"to": to, "type": "template", "template": template})).await;
        assert_eq!(status, 200, "{sent}");
        let wamid = sent["messages"][0]["id"].as_str().expect("wamid").to_owned();
        until(|| async { !bench.receiver.statuses(&wamid).is_empty() }).await;
        assert_eq!(bench.receiver.statuses(&wamid)[0], first, "{to}");
    }
    let codes: Vec<Value> = bench.ledger_of("wa_status").await.iter().map(|entry| entry["code"].clone()).collect();
    assert!(codes.contains(&json!(131_049)), "{codes:?}");
}
