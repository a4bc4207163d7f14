//! Pages and links: the interstitial, the tap, the phone page and its policy, the event stream.

use crate::bench::{ADA, BUSINESS, Bench};
use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use futures::StreamExt;
use serde_json::json;

async fn short_links(target: String) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("port");
    let addr = listener.local_addr().expect("address");
    let router = Router::new()
        .route("/Ab1", get(|| async { Redirect::temporary("/second") }))
        .route("/second", get(move || async move { Redirect::temporary(&target) }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{addr}/Ab1")
}

#[tokio::test]
async fn a_tap_follows_the_link_to_the_prefilled_chat() {
    let bench = Bench::new().await;
    let tap = format!("/sandbox/v1/handsets/{ADA}/tap");
    let own =
        format!("{}/{BUSINESS}?text=Hi!%20A%2BB%20(ref%20K7Q-2MX)%20%F0%9F%98%80", bench.sandbox.whatsapp_link_base);
    let link = short_links(own.clone()).await;
    let (status, tapped) = bench.post(&tap, json!({"url": link})).await;
    assert_eq!(status, 200);
    assert_eq!(tapped["prefilled"], json!({"business": BUSINESS, "text": "Hi! A+B (ref K7Q-2MX) 😀"}));
    assert_eq!((&tapped["status"], &tapped["final_url"]), (&json!(200), &json!(own)));
    assert_eq!(tapped["hops"].as_array().map(Vec::len), Some(3));
    // The real interstitial is recognised and not loaded.
    let link = short_links("https://wa.me/15550783881?text=Hello%20you".to_owned()).await;
    let (_, tapped) = bench.post(&tap, json!({"url": link})).await;
    assert_eq!(tapped["prefilled"], json!({"business": BUSINESS, "text": "Hello you"}));
    let (_, tapped) = bench.post(&tap, json!({"url": bench.url("/livez")})).await;
    assert_eq!((&tapped["status"], &tapped["prefilled"]), (&json!(200), &serde_json::Value::Null));
    assert_eq!(bench.post(&tap, json!({"url": "javascript:alert(1)"})).await.0, 400);
}

#[tokio::test]
async fn the_interstitial_escapes_what_it_shows() {
    let bench = Bench::new().await;
    let url = format!("/wa.me/{BUSINESS}?text=%3Cscript%3Ealert(1)%3C%2Fscript%3E%22&handset={ADA}");
    let page = bench.http.get(bench.url(&url)).send().await.expect("answer").text().await.expect("text");
    assert!(page.contains("Continue to chat") && page.contains("Acme Outdoor"));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;") && !page.contains("<script>alert"));
    let target =
        format!("/phone?chat={BUSINESS}&amp;text=%3Cscript%3Ealert%281%29%3C%2Fscript%3E%22&amp;handset={ADA}");
    assert!(page.contains(&target), "{page}");
    let by_parameter = bench.url(&format!("/send?phone=%2B{BUSINESS}&text=Hi"));
    let cookie = bench.http.get(by_parameter).header("cookie", format!("a=b; sandbox_handset={ADA}"));
    let page = cookie.send().await.expect("answer").text().await.expect("text");
    assert!(page.contains(&format!("/phone?chat={BUSINESS}&amp;text=Hi&amp;handset={ADA}")));
}

#[tokio::test]
async fn the_pages_need_no_inline_code() {
    let bench = Bench::new().await;
    for path in ["/phone", "/controls", &format!("/wa.me/{BUSINESS}")] {
        let response = bench.http.get(bench.url(path)).send().await.expect("answer");
        let policy = response.headers()["content-security-policy"].to_str().expect("ascii").to_owned();
        assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"));
        let page = response.text().await.expect("text");
        assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains(" onclick="), "{path}");
        for (index, _) in page.match_indices("<script") {
            assert!(page[index..].starts_with("<script type=\"module\" src=\"/phone/"), "{path}");
        }
        for (index, _) in page.match_indices("/phone/") {
            let name: String = page[index + 1..].chars().take_while(|c| !"\"?".contains(*c)).collect();
            let file = bench.http.get(bench.url(&format!("/{name}"))).send().await.expect("answer");
            assert_eq!(file.status(), 200, "{name}");
        }
    }
    assert_eq!(bench.get("/phone/nothing.js").await.0, 404);
    assert_eq!(bench.get("/livez").await.0, 200);
}

#[tokio::test]
async fn the_event_stream_tells_what_changed() {
    let bench = Bench::new().await;
    let response = bench.http.get(bench.url("/sandbox/v1/events")).send().await.expect("answer");
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut stream = response.bytes_stream();
    bench.ada_writes(json!({"type": "text", "text": "Hi"})).await;
    let mut seen = String::new();
    while !seen.contains(r#"{"handset_id":"4915112345678","kind":"chat"}"#) {
        let next = tokio::time::timeout(std::time::Duration::from_secs(10), stream.next());
        let chunk = next.await.expect("an event").expect("open").expect("bytes");
        seen.push_str(&String::from_utf8_lossy(&chunk));
    }
}

#[tokio::test]
async fn handsets_are_found_by_name_and_number() {
    let bench = Bench::new().await;
    for n in 0..5 {
        let new = json!({"phone": format!("+1555234000{n}"), "name": format!("Caller {n}")});
        assert_eq!(bench.post("/sandbox/v1/handsets", new).await.0, 201);
    }
    bench.ada_writes(json!({"type": "text", "text": "Hi"})).await;
    let ids = |body: &serde_json::Value| -> Vec<String> {
        let handsets = body["handsets"].as_array().expect("handsets");
        handsets.iter().map(|handset| handset["id"].as_str().expect("id").to_owned()).collect()
    };
    let (_, all) = bench.get("/sandbox/v1/handsets").await;
    assert_eq!((ids(&all).len(), &all["total"]), (6, &json!(6)));
    let (_, recent) = bench.get("/sandbox/v1/handsets?limit=1").await;
    assert_eq!((ids(&recent), &recent["total"]), (vec![ADA.to_owned()], &json!(6)));
    let (_, found) = bench.get("/sandbox/v1/handsets?q=%2B1%20555%20234%200003").await;
    assert_eq!(ids(&found), ["15552340003"]);
    assert_eq!(ids(&bench.get("/sandbox/v1/handsets?q=caller").await.1).len(), 5);
}
