//! Short links.

use http::{Method, StatusCode};
use segue_api::ApiConfig;
use segue_model::{campaign::Footer, code::CodeTarget, role::Role, time};
use segue_outreach::campaign::plan;
use segue_store::{Sql, StoreError};
use serde_json::json;

use crate::support::{Server, get, request, servers, with};

static CLICKS: Sql = Sql::portable("CLICKS", "SELECT verdict FROM clicks WHERE workspace_id = $1 ORDER BY id");

/// A started campaign with one recipient; the address of the recipient's link, and of the campaign.
async fn link(server: &Server) -> (String, String) {
    let key = server.key(Role::Admin).await;
    let sms = server.test.sms_channel("sms").await;
    let chat = server.test.whatsapp_channel("wa", "http://127.0.0.1:1").await;
    let sender = server.test.sender(sms.id, "+15550101234").await;
    let contact = server.test.contact("+15550107777", "Ann").await;
    let grant =
        json!({"channel": "sms", "purpose": "marketing", "action": "grant", "method": "paper", "wording": "Yes"});
    server.post(&key, &format!("/api/v1/contacts/{contact}/consent-events"), &grant).await;
    let input = json!({"name": "Spring", "sender_id": sender.id, "audience": {}, "body": "Hello {{ first_name }}",
        "footer": Footer::Tracked, "whatsapp_channel_id": chat.id, "prefilled_text": "I want one"});
    let campaign = server.post(&key, "/api/v1/campaigns", &input).await;
    assert_eq!(campaign.status, StatusCode::CREATED, "{}", campaign.text());
    let campaign = campaign.json();
    let path = format!("/api/v1/campaigns/{}", campaign["id"].as_str().unwrap());
    let started = server.post(&key, &format!("{path}/start"), &json!({})).await;
    assert_eq!(started.status, StatusCode::OK, "{}", started.text());
    let again = server.post(&key, &format!("{path}/start"), &json!({})).await;
    assert_eq!((again.status, again.code().as_str()), (StatusCode::CONFLICT, "campaign_state"));
    let payload = json!({"campaign_id": campaign["id"]});
    plan::run(&server.test.store, &server.test.ctx, &server.state.links, server.workspace_id(), &payload)
        .await
        .unwrap();
    let number = u32::try_from(campaign["number"].as_u64().unwrap()).unwrap();
    let code = server.state.links.key().encode(CodeTarget { campaign_number: number, position: 1 });
    (format!("/l/{code}"), path)
}

async fn clicks(server: &Server) -> Vec<String> {
    let workspace_id = server.workspace_id();
    let read =
        server.test.store.read::<_, StoreError, _>(move |tx| tx.query(&CLICKS, &[&workspace_id], |row| row.next()));
    read.await.unwrap()
}

#[tokio::test]
async fn a_tap_leads_into_the_chat_and_counts_a_head_request_does_not() {
    for server in servers().await {
        let (address, campaign) = link(&server).await;
        let head = server.send(request(Method::HEAD, &address)).await;
        assert_eq!(head.status, StatusCode::FOUND);
        let preview = server.send(with(get(&address), "user-agent", "WhatsApp/2.24")).await;
        assert_eq!(preview.status, StatusCode::FOUND);
        assert_eq!(clicks(&server).await, ["head", "preview"], "{}", server.test.engine);
        let key = server.key(Role::Admin).await;
        let funnel = server.get(&key, &format!("{campaign}/funnel")).await.json();
        assert_eq!((&funnel["tapped"], &funnel["taps_raw"]), (&json!(0), &json!(2)), "{}", server.test.engine);
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile/15E148 Safari/604.1";
        let tap = server.send(with(get(&address), "user-agent", phone)).await;
        assert_eq!((tap.status, tap.header("cache-control")), (StatusCode::FOUND, "no-store"));
        let location = tap.header("location");
        assert!(location.starts_with("https://wa.me/15550783881?text=I%20want%20one%20%28ref%20"), "{location}");
        let funnel = server.get(&key, &format!("{campaign}/funnel")).await.json();
        assert_eq!((&funnel["tapped"], &funnel["taps_raw"]), (&json!(1), &json!(3)), "{}", server.test.engine);
        assert_eq!(clicks(&server).await, ["head", "preview", "person"]);
    }
}

#[tokio::test]
async fn guessing_is_slowed_down_and_customers_are_not() {
    let server = Server::start(segue_testkit::sqlite_store().await).await;
    let (address, _) = link(&server).await;
    let mut last = StatusCode::OK;
    for number in 0..25 {
        let miss = server.send(get(&format!("/l/{number:016}"))).await;
        assert!(miss.header("content-type").starts_with("text/html"));
        if number == 0 {
            assert!(miss.text().contains("This link is not known"));
        }
        last = miss.status;
        assert_eq!(last, if number < 20 { StatusCode::NOT_FOUND } else { StatusCode::TOO_MANY_REQUESTS }, "{number}");
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(server.send(get(&address)).await.status, StatusCode::FOUND, "a known code is always followed");
    let odd = server.send(get("/l/%3Cscript%3Ealert(1)%3C%2Fscript%3E")).await;
    assert!(!odd.text().contains("script"), "{}", odd.text());
    assert_eq!(server.send(get("/l/page.css")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_link_of_a_long_ended_campaign_says_so() {
    for server in servers().await {
        let (address, campaign) = link(&server).await;
        let key = server.key(Role::Admin).await;
        assert_eq!(server.post(&key, &format!("{campaign}/cancel"), &json!({})).await.status, StatusCode::OK);
        assert_eq!(server.send(get(&address)).await.status, StatusCode::FOUND, "links outlive their campaign");
        server.test.clock.advance(91 * time::DAY);
        let gone = server.send(get(&address)).await;
        assert_eq!(gone.status, StatusCode::GONE, "{}", server.test.engine);
        assert!(gone.text().contains("This link has expired"));
    }
}

#[tokio::test]
async fn a_host_for_links_serves_links_and_nothing_else() {
    let config = ApiConfig { link_host: Some("go.segue.test".to_owned()), ..ApiConfig::default() };
    let server = Server::configured(segue_testkit::sqlite_store().await, config).await;
    let (address, _) = link(&server).await;
    let on = |host: &str, path: &str| with(get(path), "host", host);
    assert_eq!(server.send(on("go.segue.test:443", &address)).await.status, StatusCode::FOUND);
    for path in ["/", "/api/v1/me", "/livez", "/metrics", "/assets/a.js"] {
        assert_eq!(server.send(on("GO.segue.test", path)).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(server.send(on("segue.test", "/livez")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn without_a_database_a_customer_is_asked_to_try_again() {
    let server = Server::start(segue_testkit::sqlite_store().await).await;
    let (address, _) = link(&server).await;
    server.test.store.close();
    let answer = server.send(get(&address)).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.text().contains("Please try again"));
}
