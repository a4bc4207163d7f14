//! What every request can use.

use std::{ops::Deref, path::PathBuf, sync::Arc};

use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::SecretString;
use segue_access::LoginThrottle;
use segue_bus::Bus;
use segue_channels::outgoing::Reach;
use segue_delivery::Files;
use segue_model::{Ctx, Timestamp};
use segue_outreach::{Links, Redirects};
use segue_store::Store;
use tokio_util::sync::CancellationToken;

use crate::{
    arrivals::Arrivals, events::Connections, link_host::LinkDomains, links::MissLimiter, room::Room,
    webhook_channels::WebhookChannels,
};

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
    /// Origin under which files are served and nothing else, such as `https://files.segue.example.net`.
    pub files_origin: Option<String>,
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

    /// The host name of [`Self::files_origin`], without its port.
    #[must_use]
    pub(crate) fn files_host(&self) -> Option<&str> {
        host_name(self.files_origin.as_deref()?)
    }

    /// The host name of [`Self::public_origin`], without its port.
    #[must_use]
    pub(crate) fn public_host(&self) -> Option<&str> {
        host_name(self.public_origin.as_deref()?)
    }
}

/// The host name of an origin, without its port.
fn host_name(origin: &str) -> Option<&str> {
    let authority = origin.split_once("://")?.1;
    Some(authority.rsplit_once(':').map_or(authority, |(name, _)| name))
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
    /// From when on elements of WhatsApp webhooks are worked on in the transaction that stores them. Without it all of
    /// them are left to the worker of the inbox.
    pub at_once_from: Option<Timestamp>,
    pub(crate) arrivals: Arc<Arrivals>,
    /// The bytes of files.
    pub files: Files,
    /// Signs the addresses of files; read from the store when it is first needed.
    pub(crate) file_key: Arc<tokio::sync::OnceCell<Vec<u8>>>,
    /// When the database last took what was written to see whether it does.
    pub(crate) ready_at: Arc<tokio::sync::Mutex<Option<Timestamp>>>,
    pub(crate) throttle: Arc<LoginThrottle>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) misses: Arc<MissLimiter>,
    pub(crate) webhook_channels: Arc<WebhookChannels>,
    pub(crate) link_domains: Arc<LinkDomains>,
    pub(crate) room: Arc<Room>,
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
            files: Files::in_database(store.clone(), ctx.clone()),
            file_key: Arc::default(),
            redirects: Redirects::new(store.clone(), ctx.clone(), links.clone()),
            store,
            ctx,
            bus,
            links,
            config: Arc::new(config),
            metrics: None,
            shutdown: CancellationToken::new(),
            at_once_from: None,
            arrivals: Arc::default(),
            ready_at: Arc::default(),
            throttle: Arc::new(LoginThrottle::default()),
            connections: Arc::new(Connections::default()),
            misses: Arc::new(MissLimiter::default()),
            webhook_channels: Arc::default(),
            link_domains: Arc::default(),
            room: Arc::default(),
        }))
    }

    /// The same with what renders `/metrics`.
    #[must_use]
    pub fn with_metrics(mut self, metrics: PrometheusHandle) -> Self {
        Arc::make_mut(&mut self.0).metrics = Some(metrics);
        self
    }

    /// The same with files that are elsewhere than in the database.
    #[must_use]
    pub fn with_files(mut self, files: Files) -> Self {
        Arc::make_mut(&mut self.0).files = files;
        self
    }

    /// The same with other room for large bodies.
    #[cfg(test)]
    pub(crate) fn with_room(mut self, room: Room) -> Self {
        Arc::make_mut(&mut self.0).room = Arc::new(room);
        self
    }

    /// The same, ending with the process's own shutdown.
    #[must_use]
    pub fn with_shutdown(mut self, shutdown: CancellationToken) -> Self {
        Arc::make_mut(&mut self.0).shutdown = shutdown;
        self
    }

    /// The same, working on elements of WhatsApp webhooks in the transaction that stores them, from a time on. For an engine
    /// with one writer, where nothing is won by working on them side by side.
    #[must_use]
    pub fn working_at_once_from(mut self, from: Timestamp) -> Self {
        Arc::make_mut(&mut self.0).at_once_from = Some(from);
        self
    }

    /// Reads anew which host names of workspaces serve links and nothing else. What this node changes about them counts at
    /// once; another node's changes are seen here.
    pub async fn read_link_domains(&self) {
        self.link_domains.read(&self.store).await;
    }

    /// Webhooks that wait for the writer, for tests.
    #[must_use]
    pub fn waiting_webhooks(&self) -> usize {
        self.arrivals.len()
    }

    /// Users with an open event stream on this node, for the metrics and tests.
    #[must_use]
    pub fn connected_users(&self) -> usize {
        self.connections.users()
    }
}
