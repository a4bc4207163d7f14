//! Short links.

use http::{Method, StatusCode};
use segue_api::{ApiConfig, Forwarded};
use segue_model::{campaign::Footer, code::CodeTarget, role::Role, time};
use segue_outreach::campaign::plan;
use segue_store::{Sql, StoreError};
use serde_json::json;

use crate::support::{Server, get, request, servers, with};

const TOO_MANY: StatusCode = StatusCode::TOO_MANY_REQUESTS;

static CLICKS: Sql = Sql::portable("CLICKS", "SELECT verdict FROM clicks WHERE workspace_id = $1 ORDER BY id");

static SET_PREFILLED: Sql =
    Sql::portable("SET_PREFILLED", "UPDATE campaigns SET prefilled_text = $2 WHERE workspace_id = $1");

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
async fn of_two_changes_at_once_of_a_campaigns_links_none_is_lost() {
    for server in servers().await {
        let (_, campaign) = link(&server).await;
        let key = server.key(Role::Admin).await;
        let path = format!("{campaign}/links");
        for round in 0..5 {
            let words = format!("Round {round}");
            let changes = [json!({"legal_text": words}), json!({"consent_wording": words})];
            let answers = changes.iter().map(|change| server.patch(&key, &path, change));
            for answer in futures::future::join_all(answers).await {
                assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
            }
            let settings = server.get(&key, &path).await.json();
            let seen = (&settings["legal_text"], &settings["consent_wording"]);
            assert_eq!(seen, (&json!(words), &json!(words)), "{}", server.test.engine);
        }
    }
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
async fn a_workspaces_host_for_links_serves_links_and_nothing_else() {
    for test in segue_testkit::engines().await {
        let origin = Some("https://segue.test:8443".to_owned());
        let server = Server::configured(test, ApiConfig { public_origin: origin, ..ApiConfig::default() }).await;
        let ((address, _), key) = (link(&server).await, server.key(Role::Admin).await);
        let on = |host: &str, path: &str| with(get(path), "host", host);
        let mut ids = Vec::new();
        // A workspace that names the console's own host shuts nobody out.
        for host in ["go.brand.example", "segue.test"] {
            let added = server.post(&key, "/api/v1/link-domains", &json!({"host": host})).await.json();
            assert_eq!(server.send(on(host, "/livez")).await.status, StatusCode::OK, "{host} is not verified");
            let check = format!("/l/check/{}", added["check_token"].as_str().unwrap());
            assert_eq!(server.send(on(host, &check)).await.status, StatusCode::OK);
            ids.push(added["id"].as_str().unwrap().to_owned());
        }
        for path in ["/", "/api/v1/me", "/livez", "/assets/a.js"] {
            let status = server.send(on("GO.brand.example:443", path)).await.status;
            assert_eq!(status, StatusCode::NOT_FOUND, "{path} on {}", server.test.engine);
        }
        assert_eq!(server.send(on("go.brand.example", &address)).await.status, StatusCode::FOUND);
        for host in ["segue.test", "segue.test:8443", "other.example"] {
            assert_eq!(server.send(on(host, "/livez")).await.status, StatusCode::OK, "{host}");
        }
        let gone = server.send(with_key_delete(&key, &format!("/api/v1/link-domains/{}", ids[0]))).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.text());
        assert_eq!(server.send(on("go.brand.example", "/livez")).await.status, StatusCode::OK);
    }
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

const COMPUTER: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 \
                        Safari/537.36";

static LEDGER: Sql = Sql::portable(
    "LEDGER",
    "SELECT address, medium, action, wording, proof FROM consent_events
        WHERE workspace_id = $1 AND method = 'web_form' ORDER BY id",
);

#[tokio::test]
async fn a_link_is_turned_off_at_once_and_says_so() {
    for server in servers().await {
        let (address, campaign) = link(&server).await;
        let key = server.key(Role::Marketer).await;
        assert_eq!(server.send(get(&address)).await.status, StatusCode::FOUND);
        let stopped = server.post(&key, &format!("{campaign}/links/stop"), &json!({})).await;
        assert_eq!(stopped.status, StatusCode::OK, "{}", stopped.text());
        assert!(stopped.json()["stopped_at"].is_string());
        let off = server.send(get(&address)).await;
        assert_eq!(off.status, StatusCode::GONE);
        assert!(off.text().contains("This link has been turned off"), "{}", off.text());
        assert!(server.post(&key, &format!("{campaign}/links/allow"), &json!({})).await.json()["stopped_at"].is_null());
        assert_eq!(server.send(get(&address)).await.status, StatusCode::FOUND);
        let one = server.patch(&key, &format!("{campaign}/links/0"), &json!({"switch": "stopped"})).await;
        assert!(one.json()["links"][0]["stopped_at"].is_string(), "{}", one.text());
        assert_eq!(server.send(get(&address)).await.status, StatusCode::GONE);
        let nowhere = server.patch(&key, &format!("{campaign}/links/3"), &json!({"switch": "stopped"})).await;
        assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
        let agent = server.key(Role::Agent).await;
        assert_eq!(
            server.post(&agent, &format!("{campaign}/links/allow"), &json!({})).await.status,
            StatusCode::FORBIDDEN
        );
    }
}

#[tokio::test]
async fn a_computer_sees_a_page_with_a_qr_code_and_a_ticked_box_is_on_record() {
    for server in servers().await {
        let (address, campaign) = link(&server).await;
        let key = server.key(Role::Marketer).await;
        let on = |agent: &str| with(get(&address), "user-agent", agent);
        assert_eq!(server.send(get(&format!("{address}/qr.svg"))).await.status, StatusCode::NOT_FOUND, "no page yet");
        let wording = "Yes, <b>Brand</b> may write to me on WhatsApp.";
        let set = json!({"landing": "desktop", "legal_text": "Brand & Co.\n\nPrivacy: brand.example",
            "consent_wording": wording});
        let set = server.patch(&key, &format!("{campaign}/links"), &set).await;
        assert_eq!(set.status, StatusCode::OK, "{}", set.text());
        let phone = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/130.0.0.0 Mobile Safari/537.36";
        assert_eq!(server.send(on(phone)).await.status, StatusCode::FOUND, "a phone goes straight on");
        let page = server.send(with(on(COMPUTER), "accept-language", "de-AT,en;q=0.5")).await;
        assert_eq!(page.status, StatusCode::OK);
        let text = page.text();
        assert!(text.contains("<html lang=\"de\">") && text.contains("Chat öffnen"), "{text}");
        assert!(text.contains("Yes, &lt;b&gt;Brand&lt;/b&gt; may write") && text.contains("Brand &amp; Co."), "{text}");
        assert!(!text.contains("<script") && !text.contains("style="), "{text}");
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("form-action 'self' https://wa.me;"),
            "{policy}"
        );
        assert_eq!(clicks(&server).await, ["person", "person"]);
        let qr = server.send(get(&format!("{address}/qr.svg"))).await;
        assert_eq!((qr.status, qr.header("content-type")), (StatusCode::OK, "image/svg+xml"));
        let enter = |body: &'static str| {
            let mut request = request(Method::POST, &address);
            *request.body_mut() = axum::body::Body::from(body);
            with(request, "content-type", "application/x-www-form-urlencoded")
        };
        let without = server.send(enter("")).await;
        assert_eq!(without.status, StatusCode::SEE_OTHER, "{}", without.text());
        assert!(without.header("location").starts_with("https://wa.me/15550783881?text="));
        let workspace_id = server.workspace_id();
        let ledger = || {
            server.test.store.read::<_, StoreError, _>(move |tx| {
                tx.query(&LEDGER, &[&workspace_id], |row| {
                    Ok((row.next::<String>()?, row.next::<String>()?, row.next::<String>()?, row.next::<String>()?))
                })
            })
        };
        assert!(ledger().await.unwrap().is_empty(), "an empty box agrees to nothing");
        assert_eq!(server.send(enter("consent=yes")).await.status, StatusCode::SEE_OTHER);
        let expected = ("+15550107777".to_owned(), "whatsapp".to_owned(), "grant".to_owned(), wording.to_owned());
        assert_eq!(ledger().await.unwrap(), [expected]);
        assert_eq!(server.send(enter(&"x".repeat(2_000).leak()[..])).await.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(clicks(&server).await.len(), 2, "what belongs to the page is no tap");
    }
}

#[tokio::test]
async fn a_ticked_box_undoes_no_opt_out_and_leads_into_the_chat_all_the_same() {
    for server in servers().await {
        let (address, campaign) = link(&server).await;
        let key = server.key(Role::Admin).await;
        let set = json!({"landing": "always", "consent_wording": "Yes, write to me on WhatsApp."});
        assert_eq!(server.patch(&key, &format!("{campaign}/links"), &set).await.status, StatusCode::OK);
        let contacts = server.get(&key, "/api/v1/contacts").await.json();
        let contact = contacts["data"][0]["id"].as_str().unwrap().to_owned();
        let no = json!({"channel": "whatsapp", "purpose": "marketing", "action": "revoke", "method": "verbal"});
        let said = server.post(&key, &format!("/api/v1/contacts/{contact}/consent-events"), &no).await;
        assert_eq!(said.status, StatusCode::CREATED, "{}", said.text());
        server.test.clock.advance(1_000);
        for _ in 0..2 {
            let mut ticked = request(Method::POST, &address);
            *ticked.body_mut() = axum::body::Body::from("consent=yes");
            let entered = server.send(with(ticked, "content-type", "application/x-www-form-urlencoded")).await;
            assert_eq!(entered.status, StatusCode::SEE_OTHER, "{}: {}", server.test.engine, entered.text());
            assert!(entered.header("location").starts_with("https://wa.me/15550783881?text="));
        }
        let workspace_id = server.workspace_id();
        let ledger = server
            .test
            .store
            .read::<_, StoreError, _>(move |tx| tx.query(&LEDGER, &[&workspace_id], |row| row.next::<String>()));
        assert!(ledger.await.unwrap().is_empty(), "{}: nothing is recorded", server.test.engine);
        let contact = server.get(&key, &format!("/api/v1/contacts/{contact}")).await.json();
        assert_eq!(contact["whatsapp_consent"], "revoked", "{}", server.test.engine);
    }
}

#[tokio::test]
async fn a_campaigns_link_becomes_a_picture() {
    let server = Server::start(segue_testkit::sqlite_store().await).await;
    let (_, campaign) = link(&server).await;
    let key = server.key(Role::Marketer).await;
    let links = server.get(&key, &format!("{campaign}/links")).await.json();
    let test_link = links["links"][0]["test_link"].as_str().unwrap();
    assert!(test_link.starts_with("https://go.segue.test/l/"), "{test_link}");
    let path = test_link.trim_start_matches("https://go.segue.test");
    assert_eq!(server.send(get(path)).await.status, StatusCode::FOUND);
    assert!(clicks(&server).await.is_empty(), "it counts nowhere");
    for (form, kind, start) in [("svg", "image/svg+xml", &b"<?xml"[..]), ("png", "image/png", &b"\x89PNG"[..])] {
        let picture = server.get(&key, &format!("{campaign}/links/qr?form={form}")).await;
        assert_eq!((picture.status, picture.header("content-type")), (StatusCode::OK, kind));
        assert!(picture.body.starts_with(start));
    }
    assert_eq!(server.get(&key, &format!("{campaign}/links/qr?link=9")).await.status, StatusCode::NOT_FOUND);
    let scanned = links["links"][0]["qr_link"].as_str().unwrap().trim_start_matches("https://go.segue.test");
    assert_eq!(server.send(get(scanned)).await.status, StatusCode::FOUND);
    assert_eq!(clicks(&server).await.len(), 1, "what the picture says is another link, and counts");
}

#[tokio::test]
async fn links_stand_on_the_workspaces_own_host_once_it_is_known_to_lead_here() {
    for server in servers().await {
        let (_, campaign) = link(&server).await;
        let key = server.key(Role::Admin).await;
        let added = server.post(&key, "/api/v1/link-domains", &json!({"host": "https://Go.Brand.example/"})).await;
        assert_eq!(added.status, StatusCode::CREATED, "{}", added.text());
        let domain = added.json();
        let id = domain["id"].as_str().unwrap();
        let again = server.post(&key, "/api/v1/link-domains", &json!({"host": "go.brand.example"})).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        let early = server.post(&key, &format!("/api/v1/link-domains/{id}/default"), &json!({})).await;
        assert_eq!(early.status, StatusCode::UNPROCESSABLE_ENTITY, "not verified");
        let check = format!("/l/check/{}", domain["check_token"].as_str().unwrap());
        let elsewhere = server.send(with(get(&check), "host", "other.example")).await;
        assert_eq!(elsewhere.status, StatusCode::NOT_FOUND);
        let here = server.send(with(get(&check), "host", "GO.brand.example:443")).await;
        assert_eq!(here.status, StatusCode::OK);
        let base = async || server.get(&key, &format!("{campaign}/links")).await.json()["link_base"].clone();
        assert_eq!(base().await, "https://go.segue.test");
        let made = server.post(&key, &format!("/api/v1/link-domains/{id}/default"), &json!({})).await;
        assert_eq!(made.status, StatusCode::OK, "{}", made.text());
        assert_eq!(base().await, "https://go.segue.test", "a campaign that was there keeps its own");
        let copied = server.post(&key, &format!("{campaign}/copy"), &json!({})).await;
        assert_eq!(copied.status, StatusCode::CREATED, "{}", copied.text());
        let copy = format!("/api/v1/campaigns/{}", copied.json()["id"].as_str().unwrap());
        let of_copy = server.get(&key, &format!("{copy}/links")).await.json();
        assert_eq!(of_copy["link_base"], "https://go.brand.example");
        let sent = server.patch(&key, &format!("{campaign}/links"), &json!({"domain_id": id})).await;
        assert_eq!(sent.status, StatusCode::UNPROCESSABLE_ENTITY, "its texts have been written");
        let chosen = server.patch(&key, &format!("{copy}/links"), &json!({"domain_id": id})).await;
        assert_eq!(chosen.status, StatusCode::OK, "{}", chosen.text());
        let used = server.send(with_key_delete(&key, &format!("/api/v1/link-domains/{id}"))).await;
        assert_eq!((used.status, &used.json()["code"]), (StatusCode::CONFLICT, &json!("domain_in_use")));
        assert!(used.text().contains(copied.json()["name"].as_str().unwrap()), "{}", used.text());
        assert_eq!(server.send(with_key_delete(&key, &copy)).await.status, StatusCode::NO_CONTENT);
        let gone = server.send(with_key_delete(&key, &format!("/api/v1/link-domains/{id}"))).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
        assert_eq!(base().await, "https://go.segue.test");
    }
}

fn with_key_delete(key: &str, path: &str) -> http::Request<axum::body::Body> {
    crate::support::with_key(request(Method::DELETE, path), key)
}

#[tokio::test]
async fn guesses_are_counted_by_caller_behind_a_proxy_and_a_header_alone_changes_nothing() {
    for (forwarded, others) in [(Forwarded::TrustLast, StatusCode::NOT_FOUND), (Forwarded::Ignore, TOO_MANY)] {
        for test in segue_testkit::engines().await {
            let server = Server::configured(test, ApiConfig { forwarded, ..ApiConfig::default() }).await;
            let guess = async |callers: &str| {
                server.send(with(get("/l/AAAAAAAAAAAAAAA"), "x-forwarded-for", callers)).await.status
            };
            let mut statuses = Vec::new();
            for number in 0..200 {
                // What the caller claims changes each time, what the proxy adds does not.
                statuses.push(guess(&format!("192.0.2.{number}, 198.51.100.7")).await);
            }
            assert_eq!((statuses[0], statuses[199]), (StatusCode::NOT_FOUND, TOO_MANY), "{forwarded:?}");
            assert_eq!(guess("198.51.100.8").await, others, "{forwarded:?} {}", server.test.engine);
        }
    }
}

#[tokio::test]
async fn the_code_on_the_page_leads_into_the_chat_also_with_a_long_text_in_another_script() {
    for server in servers().await {
        let (address, campaign) = link(&server).await;
        let key = server.key(Role::Marketer).await;
        let (workspace_id, words) = (server.workspace_id(), "\u{6f22}".repeat(500));
        let write =
            server.test.store.write::<_, StoreError, _>(move |tx| tx.execute(&SET_PREFILLED, &[&workspace_id, &words]));
        write.await.unwrap();
        let set = server.patch(&key, &format!("{campaign}/links"), &json!({"landing": "always"})).await;
        assert_eq!(set.status, StatusCode::OK, "{}", set.text());
        let qr = server.send(get(&format!("{address}/qr.svg"))).await;
        assert_eq!((qr.status, qr.header("content-type")), (StatusCode::OK, "image/svg+xml"), "{}", server.test.engine);
        // What is drawn then leads straight into the chat and counts nothing.
        let entered = server.send(get(&format!("{address}?chat"))).await;
        assert_eq!(entered.status, StatusCode::FOUND, "{}", server.test.engine);
        assert!(entered.header("location").starts_with("https://wa.me/15550783881?text=%E6%BC%A2"));
        assert!(clicks(&server).await.is_empty(), "{}", server.test.engine);
    }
}
