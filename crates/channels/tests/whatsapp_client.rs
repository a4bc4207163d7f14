//! The Graph client against a local server that answers, refuses, hangs and cuts.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use segue_channels::{
    ErrorClass,
    http::HttpLimits,
    whatsapp::{
        GraphClient, GraphConfig, GraphFailure, MediaError, MediaInfo, Outbound, Recipient, SendMeta, SendOutcome,
        client::Typing, errors::Act, outbound::LinkPreview,
    },
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// A request the server saw.
#[derive(Clone)]
struct Seen {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl Seen {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

type Answer = dyn Fn(&Seen) -> Response + Send + Sync;

#[derive(Clone)]
struct Graph {
    seen: Arc<Mutex<Vec<Seen>>>,
    answer: Arc<Answer>,
}

impl Graph {
    async fn start(answer: impl Fn(&Seen) -> Response + Send + Sync + 'static) -> (Self, GraphClient) {
        let graph = Self { seen: Arc::default(), answer: Arc::new(answer) };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(handle).with_state(graph.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (graph, client(address, HttpLimits::default()))
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn handle(State(graph): State<Graph>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 20 << 20).await.unwrap();
    let seen = Seen { method: parts.method, uri: parts.uri, headers: parts.headers, body };
    graph.seen.lock().unwrap().push(seen.clone());
    (graph.answer)(&seen)
}

fn client(address: SocketAddr, limits: HttpLimits) -> GraphClient {
    let mut config = GraphConfig::new("v26.0", "sandbox-token", "106540352242922", "102290129340398");
    config.base_url = format!("http://{address}");
    config.limits = limits;
    GraphClient::new(config).unwrap()
}

fn answer(status: u16, body: &Value) -> Response {
    (StatusCode::from_u16(status).unwrap(), [(header::CONTENT_TYPE, "application/json")], body.to_string())
        .into_response()
}

fn accepted() -> Value {
    json!({"messaging_product": "whatsapp", "contacts": [{"input": "1", "wa_id": "16505551234"}], "messages": [{"id": "wamid.1"}]})
}

fn hello() -> Outbound {
    Outbound::Text { body: "Hello".to_owned(), preview: LinkPreview::Hide }
}

fn ann() -> Recipient {
    Recipient::phone("+16505551234").unwrap()
}

async fn send(client: &GraphClient) -> SendOutcome {
    client.send(&ann(), &hello(), &SendMeta::default()).await
}

/// A server that reads a request and then writes these octets and closes; `None` hangs instead.
async fn raw_server(octets: Option<&'static [u8]>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 8192];
            let _ = stream.read(&mut request).await;
            match octets {
                Some(octets) => {
                    let _ = stream.write_all(octets).await;
                }
                None => open.push(stream),
            }
        }
    });
    address
}

#[tokio::test]
async fn a_send_carries_token_version_and_body() {
    let (graph, client) = Graph::start(|_| answer(200, &accepted())).await;
    let meta = SendMeta { reply_to: None, callback_data: Some("outbox-1".to_owned()) };
    let outcome = client.send(&ann(), &hello(), &meta).await;
    assert!(
        outcome
            == SendOutcome::Accepted {
                wamid: "wamid.1".to_owned(),
                wa_id: Some("16505551234".to_owned()),
                user_id: None,
                held: None
            }
    );
    let [seen] = graph.seen().try_into().ok().unwrap();
    assert_eq!((seen.method.clone(), seen.uri.to_string().as_str()), (Method::POST, "/v26.0/106540352242922/messages"));
    assert_eq!(seen.header("authorization"), Some("Bearer sandbox-token"));
    assert_eq!(
        seen.json(),
        json!({"messaging_product": "whatsapp", "recipient_type": "individual", "to": "16505551234", "type": "text",
               "text": {"body": "Hello", "preview_url": false}, "biz_opaque_callback_data": "outbox-1"})
    );
}

#[tokio::test]
async fn a_broken_limit_makes_no_request() {
    let (graph, client) = Graph::start(|_| answer(200, &accepted())).await;
    let long = Outbound::Text { body: "a".repeat(4097), preview: LinkPreview::Hide };
    let outcome = client.send(&ann(), &long, &SendMeta::default()).await;
    match outcome {
        SendOutcome::Refused { class: ErrorClass::ContentInvalid, code: None, reason } => {
            assert_eq!(reason, "The text has 4097 characters; WhatsApp allows 4096. Shorten it.");
        }
        other => panic!("{other:?}"),
    }
    let meta = SendMeta { reply_to: None, callback_data: Some("x".repeat(513)) };
    assert!(matches!(client.send(&ann(), &hello(), &meta).await, SendOutcome::Refused { .. }));
    assert!(graph.seen().is_empty());
}

#[tokio::test]
async fn refusals_and_waits() {
    let (_graph, client) = Graph::start(|_| {
        answer(400, &json!({"error": {"code": 131_047, "message": "m", "error_data": {"details": "24 hours"}}}))
    })
    .await;
    match send(&client).await {
        SendOutcome::Refused { class: ErrorClass::WindowClosed, code: Some(131_047), reason } => {
            assert!(reason.ends_with("WhatsApp says: 24 hours"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    let (_graph, client) = Graph::start(|_| {
        let mut response = answer(429, &json!({"error": {"code": 130_429}}));
        response.headers_mut().insert("retry-after", "7".parse().unwrap());
        response
    })
    .await;
    match send(&client).await {
        SendOutcome::NotSent { class: ErrorClass::Throttled, act: Act::Retry, retry_after, .. } => {
            assert_eq!(retry_after, Some(Duration::from_secs(7)));
        }
        other => panic!("{other:?}"),
    }
    let (_graph, client) = Graph::start(|_| answer(401, &json!({"error": {"code": 190}}))).await;
    assert!(matches!(
        send(&client).await,
        SendOutcome::NotSent { class: ErrorClass::Authentication, act: Act::Alert, .. }
    ));
}

#[tokio::test]
async fn no_connection_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let outcome = send(&client(address, HttpLimits::default())).await;
    assert!(
        matches!(outcome, SendOutcome::NotSent { class: ErrorClass::ProviderDown, act: Act::Retry, .. }),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_lost_answer_is_unknown() {
    let short = HttpLimits { connect: Duration::from_secs(5), request: Duration::from_millis(300) };
    for (name, octets) in [
        ("hang", None),
        ("close without a word", Some(&b""[..])),
        ("cut in the status line", Some(&b"HTTP/1.1 20"[..])),
        ("cut in the body", Some(&b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"messages\":"[..])),
        ("not JSON", Some(&b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nokay"[..])),
        ("server error", Some(&b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n"[..])),
    ] {
        let outcome = send(&client(raw_server(octets).await, short)).await;
        assert!(matches!(outcome, SendOutcome::Unknown { .. }), "{name}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (graph, client) = Graph::start(|_| {
        (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "http://127.0.0.1:1/steal")]).into_response()
    })
    .await;
    assert!(matches!(send(&client).await, SendOutcome::NotSent { act: Act::Alert, .. }));
    assert_eq!(graph.seen().len(), 1);
}

#[tokio::test]
async fn ids_cannot_leave_their_place_in_the_path() {
    let (graph, client) = Graph::start(|_| answer(200, &json!({"url": "x"}))).await;
    for id in ["../1/messages", "1/2", "", "1?x=1", "1#", "..", "%2e%2e", "1 2"] {
        let found = client.media_info(id).await;
        assert!(matches!(found, Err(MediaError::Graph(GraphFailure::Invalid(_)))), "{id}");
    }
    assert!(graph.seen().is_empty());
}

#[tokio::test]
async fn read_marks_with_and_without_typing() {
    let (graph, client) = Graph::start(|_| answer(200, &json!({"success": true}))).await;
    client.mark_read("wamid.A", Typing::Hide).await.unwrap();
    client.mark_read("wamid.A", Typing::Show).await.unwrap();
    let seen = graph.seen();
    assert_eq!(seen[0].json(), json!({"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.A"}));
    assert_eq!(seen[1].json()["typing_indicator"], json!({"type": "text"}));
}

#[tokio::test]
async fn media_up_and_down() {
    let (graph, client) = Graph::start(|seen| match (seen.method.as_str(), seen.uri.path()) {
        ("POST", "/v26.0/106540352242922/media") => answer(200, &json!({"id": 4711})),
        ("GET", "/v26.0/4711") => answer(
            200,
            &json!({"id": "4711", "url": format!("http://{}/graph-media/4711", seen.header("host").unwrap()), "mime_type": "image/png", "file_size": "3",
                    "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}),
        ),
        ("GET", "/graph-media/4711") => "abc".into_response(),
        _ => answer(404, &json!({"error": {"code": 803, "message": "unknown"}})),
    })
    .await;
    let id = client.upload_media("image/png", "a.png", b"abc".to_vec()).await.unwrap();
    assert_eq!(id, "4711");
    let upload = &graph.seen()[0];
    assert!(upload.header("content-type").unwrap().starts_with("multipart/form-data"));
    let form = String::from_utf8_lossy(&upload.body).into_owned();
    assert!(form.contains("name=\"messaging_product\"") && form.contains("filename=\"a.png\""), "{form}");

    let info = client.media_info(&id).await.unwrap();
    assert_eq!((info.mime_type.as_deref(), info.size), (Some("image/png"), Some(3)));
    assert_eq!(client.download_media(&info, 1 << 20).await.unwrap(), b"abc");
    assert_eq!(graph.seen().last().unwrap().header("authorization"), Some("Bearer sandbox-token"));

    let changed = MediaInfo { sha256: Some("00".repeat(32)), ..info.clone() };
    assert_eq!(client.download_media(&changed, 1 << 20).await, Err(MediaError::Checksum));
    let requests = graph.seen().len();
    assert!(matches!(client.download_media(&info, 2).await, Err(MediaError::TooLarge { .. })));
    assert_eq!(graph.seen().len(), requests, "the announced size is enough to say no");
    let unsized_info = MediaInfo { size: None, ..info.clone() };
    assert!(matches!(client.download_media(&unsized_info, 2).await, Err(MediaError::TooLarge { .. })));
    let gone = MediaInfo { url: info.url.replace("4711", "4712"), ..info };
    assert_eq!(client.download_media(&gone, 1 << 20).await, Err(MediaError::Expired));
    assert_eq!(client.media_info("4713").await, Err(MediaError::Expired));
}

#[tokio::test]
async fn the_token_is_not_sent_to_a_foreign_host() {
    let (graph, client) = Graph::start(|_| answer(200, &accepted())).await;
    let (foreign, _) = Graph::start(|_| "stolen".into_response()).await;
    let elsewhere = raw_server(Some(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx")).await;
    let info = MediaInfo {
        id: "1".to_owned(),
        url: format!("http://{elsewhere}/x"),
        mime_type: None,
        sha256: None,
        size: None,
    };
    assert_eq!(client.download_media(&info, 100).await, Err(MediaError::ForeignHost));
    assert!(graph.seen().is_empty() && foreign.seen().is_empty());
}

#[tokio::test]
async fn uploads_are_checked_first() {
    let (graph, client) = Graph::start(|_| answer(200, &json!({"id": "1"}))).await;
    assert_eq!(client.upload_media("image/png", "a", vec![]).await, Err(MediaError::Empty));
    assert!(matches!(client.upload_media("png", "a", vec![1]).await, Err(MediaError::Type(_))));
    let large = client.upload_media("image/jpeg", "a", vec![0; (5 << 20) + 1]).await;
    assert_eq!(large, Err(MediaError::TooLarge { most_mib: 5 }));
    assert!(graph.seen().is_empty());
}

#[tokio::test]
async fn templates_page_by_page() {
    let template = |name: &str| {
        json!({"id": "1", "name": name, "language": "en-US", "category": "UTILITY", "status": "APPROVED",
               "quality_score": {"score": "GREEN"}, "components": [{"type": "BODY", "text": "Hi {{1}}"}]})
    };
    let (graph, client) = Graph::start(move |seen| {
        let next = "http://127.0.0.1:1/never";
        match seen.uri.query().unwrap_or_default() {
            query if query.contains("after=two") => {
                answer(200, &json!({"data": [template("c")], "paging": {"cursors": {"after": "end"}}}))
            }
            query if query.contains("after=one") => answer(
                200,
                &json!({"data": [template("b"), {"broken": true}], "paging": {"cursors": {"after": "two"}, "next": next}}),
            ),
            _ => answer(200, &json!({"data": [template("a")], "paging": {"cursors": {"after": "one"}, "next": next}})),
        }
    })
    .await;
    let templates = client.list_templates().await.unwrap();
    let names: Vec<_> = templates.iter().map(|template| template.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!((templates[0].language.as_str(), templates[0].quality.as_deref()), ("en_US", Some("GREEN")));
    assert_eq!(graph.seen().len(), 3);
    assert!(graph.seen()[0].uri.path().ends_with("/102290129340398/message_templates"));
}

#[tokio::test]
async fn a_page_that_points_at_itself_ends_the_list() {
    let (graph, client) =
        Graph::start(|_| answer(200, &json!({"data": [], "paging": {"cursors": {"after": "x"}, "next": "y"}}))).await;
    assert!(client.list_templates().await.unwrap().is_empty());
    assert_eq!(graph.seen().len(), 2);
}

#[tokio::test]
async fn number_and_subscription() {
    let (graph, client) = Graph::start(|seen| match seen.method.as_str() {
        "GET" => answer(200, &json!({"id": "106540352242922", "display_phone_number": "+1 555", "throughput": {"level": "STANDARD"}, "quality_rating": "GREEN"})),
        _ => answer(200, &json!({"success": true})),
    })
    .await;
    let number = client.phone_number().await.unwrap();
    assert_eq!((number.throughput.as_deref(), number.quality_rating.as_deref()), (Some("STANDARD"), Some("GREEN")));
    client.subscribe("https://segue.example/webhooks/abc", "verify").await.unwrap();
    client.unsubscribe().await.unwrap();
    let seen = graph.seen();
    assert_eq!(
        seen[1].json(),
        json!({"override_callback_uri": "https://segue.example/webhooks/abc", "verify_token": "verify"})
    );
    assert_eq!(seen[2].method, Method::DELETE);
    let long = format!("https://segue.example/{}", "a".repeat(200));
    assert_eq!(client.subscribe(&long, "v").await, Err(GraphFailure::Invalid("webhook address")));
}

#[tokio::test]
async fn words_of_whatsapp_that_repeat_the_token_do_not_show_it() {
    let (_graph, client) = Graph::start(|_| {
        let words = "Malformed access token sandbox-token";
        answer(401, &json!({"error": {"code": 190, "message": words, "error_data": {"details": words}}}))
    })
    .await;
    let failure = client.phone_number().await.unwrap_err();
    assert!(failure.to_string().ends_with("WhatsApp says: Malformed access token …"), "{failure}");
    assert!(!format!("{failure:?}").contains("sandbox-token"));
    let to = Recipient::phone("+16505551234").unwrap();
    let text = Outbound::Text { body: "Hi".to_owned(), preview: LinkPreview::Hide };
    match client.send(&to, &text, &SendMeta::default()).await {
        SendOutcome::NotSent { reason, .. } => assert!(!reason.contains("sandbox-token"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn refused_calls_speak_plainly_and_hide_the_token() {
    let (_graph, client) = Graph::start(|_| {
        answer(
            401,
            &json!({"error": {"code": 190, "message": "Error validating access token", "error_data": "expired"}}),
        )
    })
    .await;
    let failure = client.phone_number().await.unwrap_err();
    assert_eq!((failure.class(), failure.act()), (ErrorClass::Authentication, Act::Alert));
    assert_eq!(failure.to_string(), "The access token has expired or is not valid. (code 190) WhatsApp says: expired");
    assert!(!format!("{client:?}").contains("sandbox-token"));
}

#[tokio::test]
async fn a_number_is_registered_and_has_a_webhook_of_its_own_as_documented() {
    use segue_channels::whatsapp::number::CodeMethod;
    let (graph, client) = Graph::start(|seen| match (seen.method.as_str(), seen.uri.path()) {
        ("GET", path) if path.ends_with("/102290129340398") => {
            answer(200, &json!({"id": "102290129340398", "owner_business_info": {"id": "506914307656634", "name": "Shop"}}))
        }
        ("GET", _) => answer(200, &json!({"id": "106540352242922", "code_verification_status": "VERIFIED",
            "webhook_configuration": {"phone_number": "https://a.example/1", "whatsapp_business_account": "https://a.example/2"}})),
        _ => answer(200, &json!({"success": true})),
    })
    .await;
    client.register("123456").await.unwrap();
    client.set_pin("654321").await.unwrap();
    client.request_code(CodeMethod::Voice, "en_US").await.unwrap();
    client.verify_code("111222").await.unwrap();
    client.set_number_webhook(Some("https://segue.example/webhooks/abc"), "verify").await.unwrap();
    client.set_number_webhook(None, "verify").await.unwrap();
    let number = client.phone_number().await.unwrap();
    assert_eq!(number.code_status.as_deref(), Some("VERIFIED"));
    let webhooks = number.webhooks();
    assert_eq!((webhooks.number.as_deref(), webhooks.app), (Some("https://a.example/1"), None));
    assert_eq!(client.portfolio_id().await.unwrap().as_deref(), Some("506914307656634"));
    let bodies: Vec<Value> = graph.seen().iter().filter(|seen| seen.method == Method::POST).map(Seen::json).collect();
    assert_eq!(
        bodies,
        [
            json!({"messaging_product": "whatsapp", "pin": "123456"}),
            json!({"pin": "654321"}),
            json!({"code_method": "VOICE", "language": "en_US"}),
            json!({"code": "111222"}),
            json!({"webhook_configuration": {"override_callback_uri": "https://segue.example/webhooks/abc", "verify_token": "verify"}}),
            json!({"webhook_configuration": {"override_callback_uri": ""}}),
        ]
    );
    let long = format!("https://segue.example/{}", "a".repeat(200));
    assert_eq!(client.set_number_webhook(Some(&long), "v").await, Err(GraphFailure::Invalid("webhook address")));
}
