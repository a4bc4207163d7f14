//! Twilio's dialect as a server: who gets in, what is refused with which code, and that no rule is gone around.

use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use segue_access::twilio_account;
use segue_api::{ApiConfig, StatusCallbacks};
use segue_channels::{outgoing::Reach, twilio::form_body};
use segue_model::{
    ApiKeyId,
    consent::{ConsentState, Medium, Purpose},
    role::Role,
    time,
};
use segue_store::{Sql, StoreError};
use serde_json::{Value, json};

use crate::support::{Answer, Server, server, servers};

static CLASSES: Sql = Sql::portable("CLASSES", "SELECT class FROM outbox WHERE workspace_id = $1 ORDER BY id");
static ACCEPT: Sql = Sql::portable("ACCEPT", "UPDATE outbox SET state = 'accepted' WHERE workspace_id = $1");
static SENT: Sql = Sql::portable(
    "SENT",
    "UPDATE outbox SET state = $2, accepted_at = $3 WHERE workspace_id = $1 AND state = 'queued'",
);
static SUPPRESS: Sql =
    Sql::portable("SUPPRESS", "UPDATE outbox SET state = 'suppressed', rule = $2 WHERE workspace_id = $1");

const FROM: &str = "+15550100999";
const TO: &str = "+15550110001";

struct Account {
    sid: String,
    token: String,
    id: ApiKeyId,
    key: String,
}

async fn account(server: &Server, role: Role) -> Account {
    let (workspace_id, test) = (server.workspace_id(), &server.test);
    let (key, text) = segue_access::create_key(&test.store, &test.ctx, workspace_id, "twilio", role).await.unwrap();
    let made = twilio_account::twilio_account(&test.store, &test.ctx, workspace_id, key.id).await.unwrap();
    Account { sid: made.account_sid, token: made.auth_token, id: key.id, key: text }
}

async fn sender(server: &Server) {
    let channel = server.test.sms_channel("sms").await;
    server.test.sender(channel.id, FROM).await;
}

fn basic(user: &str, password: &str) -> String {
    use base64::Engine as _;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}

async fn ask(server: &Server, method: Method, path: &str, authorization: &str, fields: &[(&str, &str)]) -> Answer {
    let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, authorization)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form_body(&fields)));
    server.send(request.unwrap()).await
}

async fn create(server: &Server, account: &Account, fields: &[(&str, &str)]) -> Answer {
    let path = format!("/2010-04-01/Accounts/{}/Messages.json", account.sid);
    ask(server, Method::POST, &path, &basic(&account.sid, &account.token), fields).await
}

fn code(answer: &Answer) -> (u16, i64) {
    let body: Value = answer.json();
    assert_eq!(body["status"], answer.status.as_u16(), "{body}");
    assert!(body["message"].as_str().is_some_and(|words| !words.is_empty()) && body["more_info"].is_string(), "{body}");
    (answer.status.as_u16(), body["code"].as_i64().unwrap())
}

async fn classes(server: &Server) -> Vec<String> {
    let workspace_id = server.workspace_id();
    let read =
        server.test.store.read::<_, StoreError, _>(move |tx| tx.query(&CLASSES, &[&workspace_id], |row| row.next()));
    read.await.unwrap()
}

#[tokio::test]
async fn a_message_is_queued_and_can_be_asked_for_by_its_sid() {
    for server in servers().await {
        sender(&server).await;
        let account = account(&server, Role::Marketer).await;
        let fields =
            [("To", TO), ("From", FROM), ("Body", "Hi {{ name }}"), ("ValidityPeriod", "600"), ("Unknown", "x")];
        let sent = create(&server, &account, &fields).await;
        assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.text());
        let sent = sent.json();
        assert_eq!((&sent["status"], &sent["body"]), (&json!("queued"), &json!("Hi {{ name }}")), "it is no template");
        let path = format!("/2010-04-01/Accounts/{}/Messages/{}.json", account.sid, sent["sid"].as_str().unwrap());
        let got = ask(&server, Method::GET, &path, &basic(&account.sid, &account.token), &[]).await;
        assert_eq!(got.json()["sid"], sent["sid"], "{}", server.test.engine);
        assert_eq!(classes(&server).await, ["service"]);
    }
}

#[tokio::test]
async fn only_a_key_of_the_account_gets_in() {
    let server = server().await;
    sender(&server).await;
    let (own, other) = (account(&server, Role::Admin).await, account(&server, Role::Admin).await);
    let path = format!("/2010-04-01/Accounts/{}/Messages.json", own.sid);
    let sk = own.sid.replacen("AC", "SK", 1);
    for (name, authorization, expected) in [
        ("the token", basic(&own.sid, &own.token), 200),
        ("the key as token", basic(&own.sid, &own.key), 200),
        ("the key in API-key style", basic(&sk, &own.key), 200),
        ("no credentials", String::new(), 401),
        ("the key as bearer", format!("Bearer {}", own.key), 401),
        ("no password", basic(&own.sid, ""), 401),
        ("a wrong token", basic(&own.sid, "0123456789abcdef0123456789abcdef"), 401),
        ("the token in API-key style", basic(&sk, &own.token), 401),
        ("another's token", basic(&own.sid, &other.token), 401),
        ("another's key", basic(&own.sid, &other.key), 401),
        ("another account", basic(&other.sid, &other.token), 404),
        ("nobody", basic("AC00000000000000000000000000000000", &own.token), 401),
    ] {
        let answer = ask(&server, Method::GET, &path, &authorization, &[]).await;
        assert_eq!(answer.status.as_u16(), expected, "{name}: {}", answer.text());
        if expected != 200 {
            let wanted = if expected == 401 { 20003 } else { 20404 };
            assert_eq!(code(&answer), (expected, wanted), "{name}");
        }
    }
    let agent = account(&server, Role::Agent).await;
    assert_eq!(code(&create(&server, &agent, &[("To", TO)]).await), (403, 20403));
    let (test, workspace_id) = (&server.test, server.workspace_id());
    segue_access::revoke_key(&test.store, &test.ctx, workspace_id, own.id).await.unwrap();
    for password in [&own.token, &own.key] {
        let answer = ask(&server, Method::GET, &path, &basic(&own.sid, password), &[]).await;
        assert_eq!(code(&answer), (401, 20003), "a revoked key");
    }
}

#[tokio::test]
async fn nobody_unknown_is_waited_for() {
    let server = server().await;
    let never = futures::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let request = Request::builder()
        .method(Method::POST)
        .uri("/2010-04-01/Accounts/AC00000000000000000000000000000000/Messages.json")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from_stream(never));
    let patience = std::time::Duration::from_secs(20);
    let answer = tokio::time::timeout(patience, server.send(request.unwrap())).await;
    assert_eq!(code(&answer.expect("it is answered before its body is there")), (401, 20003));
}

#[tokio::test]
async fn a_wrong_token_leaves_no_trace_and_a_store_that_is_away_is_no_wrong_token() {
    for server in servers().await {
        let own = account(&server, Role::Admin).await;
        let path = format!("/2010-04-01/Accounts/{}/Messages.json", own.sid);
        let asked = async |token: &str| ask(&server, Method::GET, &path, &basic(&own.sid, token), &[]).await;
        let used = async || {
            let keys = segue_access::list_keys(&server.test.store, server.workspace_id()).await.unwrap();
            keys.into_iter().find(|key| key.id == own.id).unwrap().last_used_at
        };
        assert_eq!(code(&asked("0123456789abcdef0123456789abcdef").await), (401, 20003));
        assert_eq!(used().await, None, "{}", server.test.engine);
        assert_eq!(asked(&own.token).await.status, StatusCode::OK);
        assert!(used().await.is_some(), "{}", server.test.engine);
        server.test.store.close();
        assert_eq!(code(&asked(&own.token).await), (503, 20503), "{}", server.test.engine);
    }
}

#[tokio::test]
async fn what_is_wrong_has_the_codes_of_the_dialect() {
    let server = server().await;
    sender(&server).await;
    let account = account(&server, Role::Admin).await;
    let long = "x".repeat(1_601);
    for (fields, expected) in [
        (vec![("From", FROM), ("Body", "x")], 21604),
        (vec![("To", TO), ("Body", "x")], 21603),
        (vec![("To", TO), ("From", FROM)], 21602),
        (vec![("To", TO), ("From", FROM), ("Body", "")], 21602),
        (vec![("To", "+12"), ("From", FROM), ("Body", "x")], 21211),
        (vec![("To", "5550110001"), ("From", FROM), ("Body", "x")], 21211),
        (vec![("To", TO), ("From", "+15550100998"), ("Body", "x")], 21606),
        (vec![("To", TO), ("MessagingServiceSid", "MG1"), ("Body", "x")], 21606),
        (vec![("To", TO), ("From", FROM), ("Body", &long)], 21617),
        (vec![("To", TO), ("From", FROM), ("Body", "x"), ("ValidityPeriod", "0")], 21623),
        (vec![("To", TO), ("From", FROM), ("Body", "x"), ("StatusCallback", "http://127.0.0.1/")], 21609),
        (vec![("To", TO), ("From", FROM), ("Body", "x"), ("StatusCallback", "http://[fd00::1]/")], 21609),
        (vec![("To", TO), ("From", FROM), ("Body", "x"), ("MessageClass", "other")], 21619),
        (vec![("To", TO), ("From", FROM), ("MediaUrl", "http://127.0.0.1/a.png")], 21620),
        (vec![("To", TO), ("From", FROM), ("MediaUrl", "http://169.254.169.254/latest/meta-data")], 21620),
        (vec![("To", TO), ("From", FROM), ("MediaUrl", "http://localhost/a.png")], 21620),
        (vec![("To", TO), ("From", FROM), ("MediaUrl", "file:///etc/passwd")], 21620),
        ([vec![("To", TO), ("From", FROM)], vec![("MediaUrl", "https://example.com/a.png"); 11]].concat(), 21623),
    ] {
        assert_eq!(code(&create(&server, &account, &fields).await), (400, expected), "{fields:?}");
    }
    assert!(classes(&server).await.is_empty());
}

/// A host with a picture and a page.
async fn host() -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4_096];
            let length = stream.read(&mut request).await.unwrap_or_default();
            let is_page = String::from_utf8_lossy(&request[..length]).starts_with("GET /page");
            let body: &[u8] = if is_page { b"<html>" } else { PICTURE };
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(body).await;
        }
    });
    origin
}

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\npicture";

#[tokio::test]
async fn a_message_with_a_picture_is_an_mms_and_shows_what_it_sends() {
    for test in segue_testkit::engines().await {
        let server = Server::configured(test, ApiConfig { callbacks: Reach::Anywhere, ..ApiConfig::default() }).await;
        crate::text_files::carrier(&server).await;
        let (account, origin) = (account(&server, Role::Marketer).await, host().await);
        let url = format!("{origin}/a.png?x=1");
        let fields = [("To", TO), ("From", FROM), ("MediaUrl", url.as_str()), ("MediaUrl", url.as_str())];
        let sent = create(&server, &account, &fields).await;
        assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.text());
        let sent = sent.json();
        let sid = sent["sid"].as_str().unwrap();
        assert!(sid.starts_with("MM") && sid.len() == 34, "{sid}");
        assert_eq!((&sent["num_media"], &sent["body"], &sent["num_segments"]), (&json!("2"), &json!(""), &json!("1")));
        let ask = async |path: &str| {
            let path = format!("/2010-04-01/Accounts/{}/Messages/{path}", account.sid);
            ask(&server, Method::GET, &path, &basic(&account.sid, &account.token), &[]).await
        };
        assert_eq!(ask(&format!("{sid}.json")).await.json()["num_media"], "2");
        let listed = ask(&format!("{sid}/Media.json")).await.json();
        let files = listed["media_list"].as_array().unwrap();
        assert_eq!(files.len(), 2, "{listed}");
        assert_eq!((&files[0]["content_type"], &files[0]["parent_sid"]), (&json!("image/png"), &json!(sid)));
        let media = files[0]["sid"].as_str().unwrap();
        assert_eq!(ask(&format!("{sid}/Media/{media}.json")).await.json()["sid"], media);
        let got = ask(&format!("{sid}/Media/{media}")).await;
        assert_eq!((got.body.as_slice(), got.header("content-type")), (PICTURE, "image/png"), "{}", server.test.engine);
        for wrong in ["ME00000000000000000000000000000001", "ME1", "x"] {
            assert_eq!(code(&ask(&format!("{sid}/Media/{wrong}")).await), (404, 20404), "{wrong}");
        }
        let page = format!("{origin}/page");
        let refused = create(&server, &account, &[("To", TO), ("From", FROM), ("MediaUrl", &page)]).await;
        assert_eq!(code(&refused), (400, 21620), "by its bytes");
        assert_eq!(classes(&server).await, ["service"]);
    }
}

#[tokio::test]
async fn files_are_refused_where_the_sender_carries_texts_alone() {
    let test = segue_testkit::sqlite_store().await;
    let server = Server::configured(test, ApiConfig { callbacks: Reach::Anywhere, ..ApiConfig::default() }).await;
    sender(&server).await;
    let (account, origin) = (account(&server, Role::Marketer).await, host().await);
    let url = format!("{origin}/a.png");
    let refused = create(&server, &account, &[("To", TO), ("From", FROM), ("Body", "x"), ("MediaUrl", &url)]).await;
    assert_eq!(code(&refused), (400, 21620));
    assert!(refused.text().contains("put a link into the text"), "{}", refused.text());
    assert!(classes(&server).await.is_empty());
}

#[tokio::test]
async fn marketing_needs_an_opt_in_and_nobody_suppressed_gets_anything() {
    for server in servers().await {
        sender(&server).await;
        let account = account(&server, Role::Admin).await;
        let marketing = [("To", TO), ("From", FROM), ("Body", "Offer"), ("MessageClass", "marketing")];
        assert_eq!(code(&create(&server, &account, &marketing).await), (400, 21610), "no opt-in");
        server.test.set_consent(Medium::Sms, TO, Purpose::Marketing, ConsentState::Revoked).await;
        assert_eq!(code(&create(&server, &account, &marketing).await), (400, 21610), "opted out");
        server.test.set_consent(Medium::Sms, TO, Purpose::Marketing, ConsentState::Granted).await;
        assert_eq!(create(&server, &account, &marketing).await.status, StatusCode::CREATED);
        assert_eq!(classes(&server).await, ["marketing"], "{}", server.test.engine);
        let (workspace_id, now) = (server.workspace_id(), server.test.now());
        let listed = server.test.store.write::<_, StoreError, _>(move |tx| tx.suppress(workspace_id, TO, "test", now));
        listed.await.unwrap();
        assert_eq!(code(&create(&server, &account, &marketing[..3]).await), (400, 21610), "suppressed");
    }
}

#[tokio::test]
async fn only_what_the_person_said_is_told_as_an_opt_out() {
    for server in servers().await {
        sender(&server).await;
        let account = account(&server, Role::Admin).await;
        let sid = create(&server, &account, &[("To", TO), ("From", FROM), ("Body", "x")]).await.json()["sid"].clone();
        let path = format!("/2010-04-01/Accounts/{}/Messages/{}.json", account.sid, sid.as_str().unwrap());
        for (rule, code) in [
            ("opted_out", 21_610),
            ("no_consent", 21_610),
            ("consent_expired", 21_610),
            ("revocation_in_review", 21_610),
            ("suppressed", 21_610),
            ("sender_not_active", 21_606),
            ("hours_discarded", 21_612),
            ("frequency_cap", 21_612),
            ("registration_missing", 21_612),
        ] {
            let workspace_id = server.workspace_id();
            let ended =
                server.test.store.write::<_, StoreError, _>(move |tx| tx.execute(&SUPPRESS, &[&workspace_id, &rule]));
            ended.await.unwrap();
            let shown = ask(&server, Method::GET, &path, &basic(&account.sid, &account.token), &[]).await.json();
            assert_eq!((&shown["status"], &shown["error_code"]), (&json!("failed"), &json!(code)), "{rule}: {shown}");
        }
    }
}

#[tokio::test]
async fn a_repeat_with_the_same_token_is_the_first_message() {
    for server in servers().await {
        sender(&server).await;
        let account = account(&server, Role::Admin).await;
        let path = format!("/2010-04-01/Accounts/{}/Messages.json", account.sid);
        let wished = async |to: &str, body: &str| {
            let fields = [("To", to), ("From", FROM), ("Body", body)].map(|(a, b)| (a.to_owned(), b.to_owned()));
            let request = Request::builder()
                .method(Method::POST)
                .uri(&path)
                .header(header::AUTHORIZATION, basic(&account.sid, &account.token))
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header("i-twilio-idempotency-token", "7d3f")
                .body(Body::from(form_body(&fields)));
            server.send(request.unwrap()).await
        };
        let first = wished(TO, "once").await.json();
        assert_eq!(wished(TO, "once").await.json()["sid"], first["sid"]);
        // A token that is used again for something else swallows nothing without a word.
        assert_eq!(code(&wished(TO, "twice").await), (400, 20001), "{}", server.test.engine);
        assert_eq!(code(&wished("+15550110002", "once").await), (400, 20001), "{}", server.test.engine);
        assert_eq!(classes(&server).await.len(), 1, "{}", server.test.engine);
        server.test.clock.advance(8 * time::DAY);
        let later = wished(TO, "twice").await;
        assert_eq!(later.status, StatusCode::CREATED, "{}: {}", server.test.engine, later.text());
        assert_eq!(classes(&server).await.len(), 2, "{}", server.test.engine);
    }
}

/// What the official client libraries ask for, in their writing: `from_`, `date_sent`, `date_sent_before` and
/// `date_sent_after` with a date and time, which of a date is its midnight; and by hand with a date alone.
#[tokio::test]
async fn the_list_is_filtered_by_sender_and_by_when_a_message_was_sent() {
    for server in servers().await {
        let engine = server.test.engine;
        let channel = server.test.sms_channel("sms").await;
        for from in [FROM, "+15550100998"] {
            server.test.sender(channel.id, from).await;
        }
        let account = account(&server, Role::Admin).await;
        // The test begins on the 23rd of November 2026; the last one has not left yet.
        for (body, from, sent) in [
            ("eve", FROM, Some("2026-11-22T23:59:59.900Z")),
            ("midnight", "+15550100998", Some("2026-11-23T00:00:00.400Z")),
            ("noon", FROM, Some("2026-11-23T12:00:00Z")),
            ("next", FROM, Some("2026-11-24T00:00:00Z")),
            ("waits", FROM, None),
        ] {
            server.test.clock.advance(1_000);
            let made = create(&server, &account, &[("To", TO), ("From", from), ("Body", body)]).await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
            let sent = sent.map(|at| at.parse::<jiff::Timestamp>().unwrap().as_millisecond());
            let workspace_id = server.workspace_id();
            let note = server.test.store.write::<_, StoreError, _>(move |tx| {
                let state = if sent.is_some() { "accepted" } else { "claimed" };
                tx.execute(&SENT, &[&workspace_id, &state, &sent])
            });
            assert_eq!(note.await.unwrap(), 1);
        }
        let base = format!("/2010-04-01/Accounts/{}/Messages.json", account.sid);
        let get = async |path: &str| ask(&server, Method::GET, path, &basic(&account.sid, &account.token), &[]).await;
        let bodies = |page: &Value| -> Vec<String> {
            let messages = page["messages"].as_array().unwrap();
            messages.iter().map(|message| message["body"].as_str().unwrap().to_owned()).collect()
        };
        for (filters, expected) in [
            ("", vec!["waits", "next", "noon", "midnight", "eve"]),
            ("From=&DateSent%3E=&To=", vec!["waits", "next", "noon", "midnight", "eve"]),
            ("From=%2B15550100998", vec!["midnight"]),
            ("From=%2B15550100998&To=%2B15550110002", vec![]),
            ("DateSent=2026-11-23", vec!["noon", "midnight"]),
            ("DateSent=2026-11-23T00%3A00%3A00Z", vec!["noon", "midnight"]),
            ("DateSent%3C=2026-11-23", vec!["midnight", "eve"]),
            ("DateSent%3C=2026-11-23T12%3A00%3A00Z", vec!["noon", "midnight", "eve"]),
            ("DateSent%3E=2026-11-24", vec!["next"]),
            ("DateSent%3E=2026-11-23T12%3A00%3A00Z", vec!["next", "noon"]),
            ("DateSent%3E=2026-11-23T00%3A00%3A00Z&DateSent%3C=2026-11-23T12%3A00%3A00Z", vec!["noon", "midnight"]),
            ("DateSent=2026-11-23&From=%2B15550100999", vec!["noon"]),
        ] {
            let answer = get(&format!("{base}?PageSize=50&{filters}")).await;
            assert_eq!(answer.status, StatusCode::OK, "{engine} {filters}: {}", answer.text());
            assert_eq!(bodies(&answer.json()), expected, "{engine} {filters}");
            // One at a time, as the libraries do: the next page is asked for by the address of the one before.
            let (mut next, mut paged) = (Some(format!("{base}?PageSize=1&{filters}")), Vec::new());
            while let Some(path) = next {
                let page: Value = get(&path).await.json();
                paged.extend(bodies(&page));
                next = page["next_page_uri"].as_str().map(str::to_owned);
            }
            assert_eq!(paged, expected, "{engine} {filters}");
        }
        for filters in
            ["DateSent=yesterday", "DateSent%3E=2026-13-01", "DateSent%3C=23.11.2026", "DateSentBefore=2026-11-23"]
        {
            assert_eq!(code(&get(&format!("{base}?{filters}")).await), (400, 20001), "{filters}");
        }
    }
}

/// A host that gives its picture once, and nothing after that.
async fn host_once() -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut vec![0; 4_096]).await;
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", PICTURE.len());
        let _ = stream.write_all(head.as_bytes()).await;
        let _ = stream.write_all(PICTURE).await;
    });
    origin
}

#[tokio::test]
async fn a_repeat_with_files_is_the_first_message_without_fetching_them_again() {
    for test in segue_testkit::engines().await {
        let server = Server::configured(test, ApiConfig { callbacks: Reach::Anywhere, ..ApiConfig::default() }).await;
        crate::text_files::carrier(&server).await;
        let (account, origin) = (account(&server, Role::Marketer).await, host_once().await);
        let path = format!("/2010-04-01/Accounts/{}/Messages.json", account.sid);
        let wished = async |url: String| {
            let fields = [("To", TO), ("From", FROM), ("MediaUrl", &url)].map(|(a, b)| (a.to_owned(), b.to_owned()));
            let request = Request::builder()
                .method(Method::POST)
                .uri(&path)
                .header(header::AUTHORIZATION, basic(&account.sid, &account.token))
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header("i-twilio-idempotency-token", "7d3f")
                .body(Body::from(form_body(&fields)));
            server.send(request.unwrap()).await
        };
        let first = wished(format!("{origin}/a.png")).await;
        assert_eq!(first.status, StatusCode::CREATED, "{}", first.text());
        let again = wished(format!("{origin}/a.png")).await;
        assert_eq!(again.status, StatusCode::CREATED, "{}: {}", server.test.engine, again.text());
        assert_eq!(again.json()["sid"], first.json()["sid"], "{}", server.test.engine);
        assert_eq!(code(&wished(format!("{origin}/b.png")).await), (400, 20001), "{}", server.test.engine);
        assert_eq!(classes(&server).await.len(), 1, "{}", server.test.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_does_not_answer_keeps_nobody_else_waiting() {
    for test in segue_testkit::engines().await {
        let server = Server::configured(test, ApiConfig { callbacks: Reach::Anywhere, ..ApiConfig::default() }).await;
        sender(&server).await;
        let account = account(&server, Role::Admin).await;
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = |listener: &tokio::net::TcpListener| format!("http://{}/status", listener.local_addr().unwrap());
        for _ in 0..70 {
            let fields = [("To", TO), ("From", FROM), ("Body", "x"), ("StatusCallback", &url(&silent))];
            assert_eq!(create(&server, &account, &fields).await.status, StatusCode::CREATED);
        }
        server.test.clock.advance(1);
        let fields = [("To", TO), ("From", FROM), ("Body", "x"), ("StatusCallback", &url(&good))];
        assert_eq!(create(&server, &account, &fields).await.status, StatusCode::CREATED);
        let workspace_id = server.workspace_id();
        let accepted = server.test.store.write::<_, StoreError, _>(move |tx| tx.execute(&ACCEPT, &[&workspace_id]));
        assert_eq!(accepted.await.unwrap(), 71);
        server.test.clock.advance(1_000);
        let (store, ctx) = (server.test.store.clone(), server.test.ctx.clone());
        let callbacks = StatusCallbacks::new(store, ctx, Reach::Anywhere).unwrap();
        tokio::select! {
            told = callbacks.run_once() => panic!("{}: all told: {told:?}", server.test.engine),
            called = tokio::time::timeout(std::time::Duration::from_secs(5), good.accept()) => {
                assert!(called.is_ok(), "{}: the good one waits for the silent one", server.test.engine);
            }
        }
    }
}

#[tokio::test]
async fn a_callback_into_a_private_network_is_not_made_whatever_was_allowed_before() {
    let test = segue_testkit::sqlite_store().await;
    let server = Server::configured(test, ApiConfig { callbacks: Reach::Anywhere, ..ApiConfig::default() }).await;
    sender(&server).await;
    let account = account(&server, Role::Admin).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/status", listener.local_addr().unwrap());
    let fields = [("To", TO), ("From", FROM), ("Body", "x"), ("StatusCallback", url.as_str())];
    assert_eq!(create(&server, &account, &fields).await.status, StatusCode::CREATED);
    let workspace_id = server.workspace_id();
    let accepted = server.test.store.write::<_, StoreError, _>(move |tx| tx.execute(&ACCEPT, &[&workspace_id]));
    assert_eq!(accepted.await.unwrap(), 1);

    let guarded = StatusCallbacks::new(server.test.store.clone(), server.test.ctx.clone(), Reach::Public).unwrap();
    assert_eq!(guarded.run_once().await.unwrap(), 1);
    let called = tokio::time::timeout(std::time::Duration::from_millis(300), listener.accept()).await;
    assert!(called.is_err(), "nobody was called");
}
