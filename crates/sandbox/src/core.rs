//! What the servers and workers share: the state, the wakes, the HTTP client.

use crate::config::{SandboxConfig, SandboxError};
use crate::state::{PageEvent, State};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

pub(crate) struct Core {
    pub config: Arc<SandboxConfig>,
    /// How others reach the HTTP server, without trailing slash.
    pub public_url: String,
    state: Mutex<State>,
    /// There may be a webhook to send.
    pub webhook_wake: Notify,
    /// A webhook attempt has ended.
    pub webhook_settled: Notify,
    /// There may be a deliver_sm to send.
    pub delivery_wake: Notify,
    pub page_events: broadcast::Sender<PageEvent>,
    pub http: reqwest::Client,
    pub shutdown: CancellationToken,
}

impl Core {
    pub fn new(config: SandboxConfig, public_url: String) -> Result<Arc<Self>, SandboxError> {
        let config = Arc::new(config);
        let (page_events, _) = broadcast::channel(1024);
        Ok(Arc::new(Self {
            public_url,
            state: Mutex::new(State::new(config.clone())),
            webhook_wake: Notify::new(),
            webhook_settled: Notify::new(),
            delivery_wake: Notify::new(),
            page_events,
            http: http_client(config.webhook_timeout)?,
            shutdown: CancellationToken::new(),
            config,
        }))
    }

    /// Runs `change` on the state, then sends the wakes it asked for.
    pub fn with<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        // A panic of one request must not end the whole emulation, and no change leaves the state half done in a harmful way.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut state);
        let wakes = std::mem::take(&mut state.wakes);
        drop(state);
        if wakes.webhooks {
            self.webhook_wake.notify_one();
        }
        if wakes.deliveries {
            self.delivery_wake.notify_waiters();
        }
        for event in wakes.page {
            // Nobody listening is fine.
            let _ = self.page_events.send(event);
        }
        result
    }
}

/// A client that follows no redirect and uses no proxy: the product is on this machine or in the same network.
fn http_client(timeout: Duration) -> Result<reqwest::Client, SandboxError> {
    let failed = |error: String| SandboxError::HttpClient(error);
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    #[expect(
        clippy::disallowed_methods,
        reason = "the sandbox depends on nothing of the product, so it cannot use the product's client factory"
    )]
    let client = reqwest::Client::builder();
    client
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(Duration::from_secs(5))
        .timeout(timeout)
        .tcp_nodelay(true)
        .build()
        .map_err(|error| failed(error.to_string()))
}
