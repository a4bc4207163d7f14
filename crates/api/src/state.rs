//! What every request can use.

use std::{ops::Deref, path::PathBuf, sync::Arc};

use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::SecretString;
use segue_access::LoginThrottle;
use segue_bus::Bus;
use segue_channels::outgoing::Reach;
use segue_model::Ctx;
use segue_outreach::{Links, Redirects};
use segue_store::Store;
use tokio_util::sync::CancellationToken;

use crate::{events::Connections, links::MissLimiter, webhook_channels::WebhookChannels};

/// Whether to believe what a proxy says about the client's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Forwarded {
    /// There is no proxy of ours in front: `X-Forwarded-For` can be written by anybody.
    #[default]
    Ignore,
    /// The proxy in front appends the address it sees; the last entry of `X-Forwarded-For` is the client.
    TrustLast,
}

/// Who may read `/metrics`.
#[derive(Clone, Default)]
pub enum MetricsAccess {
    /// Nobody: the address does not exist.
    #[default]
    Nobody,
    /// Whoever reaches the port; for servers that only this machine reaches.
    Anybody,
    /// Who sends this bearer token.
    Bearer(SecretString),
}

impl std::fmt::Debug for MetricsAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nobody => "Nobody",
            Self::Anybody => "Anybody",
            Self::Bearer(_) => "Bearer(redacted)",
        })
    }
}

/// Settings of the HTTP interface.
#[derive(Debug, Clone, Default)]
pub struct ApiConfig {
    /// Origin under which people open the console, such as `https://segue.example.com`; with it cookies are `Secure`
    /// when it is https, and requests from it count as same-origin whatever the `Host` header says.
    pub public_origin: Option<String>,
    /// A host name that serves short links and nothing else.
    pub link_host: Option<String>,
    /// Serves the console from this directory instead of the embedded build; for work on the console.
    pub console_directory: Option<PathBuf>,
    /// Where uploads wait while they are worked on; the system's temporary directory when not set.
    pub upload_directory: Option<PathBuf>,
    pub forwarded: Forwarded,
    pub metrics: MetricsAccess,
    /// How far callbacks to programs may go.
    pub callbacks: Reach,
}

impl ApiConfig {
    /// Whether people reach this server by https, as far as it knows.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_origin.as_deref().is_some_and(|origin| origin.starts_with("https://"))
    }
}

/// What every request can use. Every layer of every request takes a copy of it, so it is one pointer.
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

/// The parts of the state.
#[derive(Clone)]
pub struct Parts {
    pub store: Store,
    pub ctx: Ctx,
    pub bus: Bus,
    /// Makes and reads short links.
    pub links: Links,
    /// Follows short links.
    pub redirects: Redirects,
    pub config: Arc<ApiConfig>,
    /// Renders `/metrics`; without it that address answers 404.
    pub metrics: Option<PrometheusHandle>,
    /// Ends the event streams, so that a shutdown does not wait for them.
    pub shutdown: CancellationToken,
    pub(crate) throttle: Arc<LoginThrottle>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) misses: Arc<MissLimiter>,
    pub(crate) webhook_channels: Arc<WebhookChannels>,
}

impl Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl AppState {
    /// The state of one server.
    #[must_use]
    pub fn new(store: Store, ctx: Ctx, bus: Bus, links: Links, config: ApiConfig) -> Self {
        Self(Arc::new(Parts {
            redirects: Redirects::new(store.clone(), ctx.clone(), links.clone()),
            store,
            ctx,
            bus,
            links,
            config: Arc::new(config),
            metrics: None,
            shutdown: CancellationToken::new(),
            throttle: Arc::new(LoginThrottle::default()),
            connections: Arc::new(Connections::default()),
            misses: Arc::new(MissLimiter::default()),
            webhook_channels: Arc::default(),
        }))
    }

    /// The same with what renders `/metrics`.
    #[must_use]
    pub fn with_metrics(mut self, metrics: PrometheusHandle) -> Self {
        Arc::make_mut(&mut self.0).metrics = Some(metrics);
        self
    }

    /// The same, ending with the process's own shutdown.
    #[must_use]
    pub fn with_shutdown(mut self, shutdown: CancellationToken) -> Self {
        Arc::make_mut(&mut self.0).shutdown = shutdown;
        self
    }

    /// Users with an open event stream on this node, for the metrics and tests.
    #[must_use]
    pub fn connected_users(&self) -> usize {
        self.connections.users()
    }
}
