//! A small server that speaks as much of S3 as the product uses: objects of one bucket under signed addresses.
//!
//! The signature is checked with a computation of its own (AWS Signature Version 4 in the query, as its documentation
//! says), so that what the product signs is what a real service would accept.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

/// Name of its bucket.
pub const BUCKET: &str = "files";
/// Its region.
pub const REGION: &str = "eu-test-1";
/// Id of the key that may use it.
pub const ACCESS_KEY: &str = "AKTEST";
/// The key's secret.
pub const SECRET_KEY: &str = "not/a+real/secret";

type Objects = BTreeMap<String, Bytes>;

#[derive(Default)]
struct Inner {
    objects: Mutex<Objects>,
    refusals: AtomicU32,
    unsigned: AtomicU32,
}

/// A running server. It ends with the runtime it was started on.
#[derive(Clone)]
pub struct BucketServer {
    /// Its address.
    pub endpoint: String,
    inner: Arc<Inner>,
}

impl BucketServer {
    /// Starts it on a free port of the loopback interface.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("its address"));
        let inner = Arc::new(Inner::default());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { endpoint, inner }
    }

    /// The keys of all objects.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        objects(&self.inner).keys().cloned().collect()
    }

    /// The content of an object.
    #[must_use]
    pub fn content(&self, key: &str) -> Option<Bytes> {
        objects(&self.inner).get(key).cloned()
    }

    /// Changes an object behind the product's back.
    pub fn replace(&self, key: &str, content: &'static [u8]) {
        objects(&self.inner).insert(key.to_owned(), Bytes::from_static(content));
    }

    /// Answers the next requests with 503.
    pub fn refuse(&self, times: u32) {
        self.inner.refusals.store(times, Ordering::SeqCst);
    }

    /// Requests whose signature was missing or wrong.
    #[must_use]
    pub fn badly_signed(&self) -> u32 {
        self.inner.unsigned.load(Ordering::SeqCst)
    }
}

fn objects(inner: &Inner) -> MutexGuard<'_, Objects> {
    inner.objects.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    if inner.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let (parts, body) = request.into_parts();
    let host = parts.headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !is_signed(&parts.method, parts.uri.path(), parts.uri.query().unwrap_or_default(), host) {
        inner.unsigned.fetch_add(1, Ordering::SeqCst);
        return StatusCode::FORBIDDEN.into_response();
    }
    let Some(key) = parts.uri.path().strip_prefix(&format!("/{BUCKET}/")).map(str::to_owned) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match parts.method {
        Method::PUT => {
            let Ok(content) = to_bytes(body, 200 << 20).await else { return StatusCode::BAD_REQUEST.into_response() };
            objects(&inner).insert(key, content);
            StatusCode::OK.into_response()
        }
        Method::DELETE => {
            objects(&inner).remove(&key);
            StatusCode::NO_CONTENT.into_response()
        }
        Method::GET => {
            let Some(content) = objects(&inner).get(&key).cloned() else {
                return StatusCode::NOT_FOUND.into_response();
            };
            let range = parts.headers.get(header::RANGE).and_then(|value| value.to_str().ok());
            let part = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
            let Some((first, last)) = part else { return content.into_response() };
            let (Ok(first), Ok(last)) = (first.parse::<usize>(), last.parse::<usize>()) else {
                return StatusCode::BAD_REQUEST.into_response();
            };
            let last = last.min(content.len().saturating_sub(1));
            if first > last {
                return StatusCode::RANGE_NOT_SATISFIABLE.into_response();
            }
            (StatusCode::PARTIAL_CONTENT, Body::from(content.slice(first..=last))).into_response()
        }
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

/// Whether the query holds the signature of this request.
fn is_signed(method: &Method, path: &str, query: &str, host: &str) -> bool {
    let value = |name: &str| {
        query.split('&').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value))
    };
    let (Some(signature), Some(date), Some(credential)) =
        (value("X-Amz-Signature"), value("X-Amz-Date"), value("X-Amz-Credential"))
    else {
        return false;
    };
    let credential = credential.replace("%2F", "/");
    let Some(("AKTEST", scope)) = credential.split_once('/') else { return false };
    let mut pairs: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("X-Amz-Signature=")).collect();
    pairs.sort_unstable();
    let canonical = format!("{method}\n{path}\n{}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD", pairs.join("&"));
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex::encode(Sha256::digest(canonical)));
    let mut key = format!("AWS4{SECRET_KEY}").into_bytes();
    for step in scope.split('/') {
        key = mac(&key, step);
    }
    scope.contains(REGION) && hex::encode(mac(&key, &to_sign)) == signature
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("keys of any length");
    mac.chain_update(text).finalize().into_bytes().to_vec()
}
