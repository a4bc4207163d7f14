//! The bench: a sandbox with everything around it, and short ways to talk to it.

use crate::receiver::Receiver;
use segue_sandbox::{Sandbox, SandboxClock, SandboxConfig};
use serde_json::{Value, json};
use std::time::Duration;

/// 2026-11-18T11:06:40Z.
pub const START: i64 = 1_795_000_000_000;
pub const BUSINESS: &str = "15550783881";
pub const NUMBER_ID: &str = "106540352242922";
pub const WABA: &str = "102290129340398";
pub const ADA: &str = "4915112345678";
pub const DAY: i64 = 24 * 3_600_000;

pub struct Bench {
    pub sandbox: Sandbox,
    pub receiver: Receiver,
    pub http: reqwest::Client,
}

impl Bench {
    /// Virtual time, the receiver subscribed, one handset (ADA).
    pub async fn new() -> Self {
        Self::with(SandboxConfig { clock: SandboxClock::Virtual(START), ..SandboxConfig::default() }).await
    }

    pub async fn with(config: SandboxConfig) -> Self {
        let receiver = Receiver::start().await;
        let config = SandboxConfig { webhook_url: Some(receiver.url.clone()), ..config };
        let sandbox = Sandbox::start(config).await.expect("sandbox");
        #[expect(clippy::disallowed_methods, reason = "a test client to a server on the loopback interface")]
        let http = reqwest::Client::builder();
        let bench = Self { sandbox, receiver, http: client(http) };
        let (status, _) = bench.post("/sandbox/v1/handsets", json!({"phone": format!("+{ADA}"), "name": "Ada"})).await;
        assert_eq!(status, 201);
        bench
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.sandbox.http_addr)
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.request(self.http.get(self.url(path))).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.request(self.http.post(self.url(path)).json(&body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> (u16, Value) {
        self.request(self.http.patch(self.url(path)).json(&body)).await
    }

    pub async fn request(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let response = request.bearer_auth("sandbox-token").send().await.expect("answer");
        let status = response.status().as_u16();
        let body = response.text().await.expect("body");
        (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }

    /// A request to the Graph face.
    pub async fn graph(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("method");
        let request = self.http.request(method, self.url(path));
        self.request(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    /// Sends through the Graph API.
    pub async fn send(&self, mut message: Value) -> (u16, Value) {
        message["messaging_product"] = json!("whatsapp");
        self.post(&format!("/v26.0/{NUMBER_ID}/messages"), message).await
    }

    /// Sends a text and returns its wamid.
    pub async fn send_text(&self, text: &str) -> String {
        let (status, body) = self.send(json!({"to": ADA, "text": {"body": text}})).await;
        assert_eq!(status, 200, "{body}");
        body["messages"][0]["id"].as_str().expect("wamid").to_owned()
    }

    /// Uploads a file; what the platform answered.
    pub async fn upload(&self, mime: &str, content: &'static [u8]) -> (u16, Value) {
        let file = reqwest::multipart::Part::bytes(content).file_name("a").mime_str(mime).expect("mime");
        let form = reqwest::multipart::Form::new().text("messaging_product", "whatsapp").part("file", file);
        self.request(self.http.post(self.url(&format!("/v26.0/{NUMBER_ID}/media"))).multipart(form)).await
    }

    /// Ada writes; this opens the window.
    pub async fn ada_writes(&self, message: Value) -> String {
        let (status, body) = self.post(&format!("/sandbox/v1/handsets/{ADA}/chats/{BUSINESS}/messages"), message).await;
        assert_eq!(status, 201, "{body}");
        body["wamid"].as_str().expect("wamid").to_owned()
    }

    pub async fn faults(&self, faults: Value) {
        let (status, body) = self.request(self.http.put(self.url("/sandbox/v1/faults")).json(&faults)).await;
        assert_eq!(status, 200, "{body}");
    }

    pub async fn advance(&self, ms: i64) {
        assert_eq!(self.post("/sandbox/v1/clock", json!({"advance_ms": ms})).await.0, 200);
    }

    pub async fn ledger(&self) -> Vec<Value> {
        let (_, body) = self.get("/sandbox/v1/ledger").await;
        body["entries"].as_array().expect("entries").clone()
    }

    pub async fn ledger_of(&self, kind: &str) -> Vec<Value> {
        self.ledger().await.into_iter().filter(|entry| entry["kind"] == kind).collect()
    }

    /// Messages of the one chat of ADA.
    pub async fn chat(&self) -> Vec<Value> {
        let (_, body) = self.get(&format!("/sandbox/v1/handsets/{ADA}/chats")).await;
        body["chats"][0]["messages"].as_array().cloned().unwrap_or_default()
    }

    /// Waits until the ledger has `n` entries of a kind that are acknowledged.
    pub async fn until_acked(&self, kind: &str, n: usize) {
        until(|| async {
            let entries = self.ledger_of(kind).await;
            entries.iter().filter(|entry| entry["acked"] == true).count() >= n
        })
        .await;
    }
}

fn client(builder: reqwest::ClientBuilder) -> reqwest::Client {
    let roots = rustls::RootCertStore::empty();
    let tls = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("tls")
        .with_root_certificates(roots)
        .with_no_client_auth();
    builder
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("client")
}

/// Waits for a condition, at most ten seconds.
pub async fn until<F: Future<Output = bool>>(mut condition: impl FnMut() -> F) {
    let waited = tokio::time::timeout(Duration::from_secs(10), async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.expect("the condition did not come true in ten seconds");
}
