//! A webhook receiver: verifies the signature over the raw bytes, can refuse, and keeps what it got in order.

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

#[derive(Default)]
struct Inner {
    /// Accepted bodies, raw.
    accepted: Vec<String>,
    refused: u32,
    bad_signatures: u32,
    /// Answer the next so many with 503.
    refuse: u32,
}

#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    inner: Arc<Mutex<Inner>>,
}

impl Receiver {
    pub async fn start() -> Self {
        let inner = Arc::new(Mutex::new(Inner::default()));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
        let url = format!("http://{}/webhook", listener.local_addr().expect("address"));
        let router = Router::new().route("/webhook", get(verify).post(receive)).with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, inner }
    }

    pub fn refuse_next(&self, n: u32) {
        self.inner.lock().expect("lock").refuse = n;
    }

    pub fn refused(&self) -> u32 {
        self.inner.lock().expect("lock").refused
    }

    pub fn bad_signatures(&self) -> u32 {
        self.inner.lock().expect("lock").bad_signatures
    }

    pub fn raw(&self) -> Vec<String> {
        self.inner.lock().expect("lock").accepted.clone()
    }

    /// All accepted bodies as JSON.
    pub fn bodies(&self) -> Vec<Value> {
        self.raw().iter().map(|raw| serde_json::from_str(raw).expect("json")).collect()
    }

    /// The `value` of each.
    pub fn values(&self) -> Vec<Value> {
        self.bodies().iter().map(|body| body["entry"][0]["changes"][0]["value"].clone()).collect()
    }

    /// The status words of one message, in the order they arrived.
    pub fn statuses(&self, wamid: &str) -> Vec<String> {
        let statuses = self.values().into_iter().map(|value| value["statuses"][0].clone());
        statuses
            .filter(|status| status["id"] == wamid)
            .map(|status| status["status"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}

async fn verify(Query(query): Query<HashMap<String, String>>) -> (StatusCode, String) {
    let is = |name: &str, value: &str| query.get(name).is_some_and(|given| given == value);
    if is("hub.mode", "subscribe") && is("hub.verify_token", "sandbox-verify") {
        (StatusCode::OK, query.get("hub.challenge").cloned().unwrap_or_default())
    } else {
        (StatusCode::FORBIDDEN, String::new())
    }
}

async fn receive(State(inner): State<Arc<Mutex<Inner>>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut inner = inner.lock().expect("lock");
    if inner.refuse > 0 {
        inner.refuse -= 1;
        inner.refused += 1;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(b"sandbox-app-secret").expect("key");
    mac.update(&body);
    let expected = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    if headers.get("x-hub-signature-256").and_then(|value| value.to_str().ok()) != Some(expected.as_str()) {
        inner.bad_signatures += 1;
        return StatusCode::UNAUTHORIZED;
    }
    inner.accepted.push(String::from_utf8(body.to_vec()).expect("utf-8"));
    StatusCode::OK
}
