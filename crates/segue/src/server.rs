//! The whole product in one process: store, workers, delivery and HTTP, started in order and ended in reverse.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use secrecy::ExposeSecret;
use segue_access::{NewUser, NewWorkspace, create_first_user, create_workspace, ensure_key, issue_setup_token};
use segue_api::{ApiConfig, AppState};
use segue_bus::Bus;
use segue_channels::bucket::Bucket;
use segue_delivery::{Delivery, DeliveryConfig, Files};
use segue_model::{Ctx, WorkspaceId, role::Role, rule_book};
use segue_outreach::{LinkConfig, Links};
use segue_store::{Engine, Store, StoreConfig, StoreError, channel::ChannelConfig, private_directory};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::Config,
    connections::{self, Limits},
    node::{Lock, Node},
    workers::{self, Wiring},
};

/// Longest wait for open requests and workers at the end.
const PATIENCE: Duration = Duration::from_secs(35);

/// How often the host names of workspaces for links are read anew, for those that other nodes verified.
const LINK_DOMAINS_EVERY: Duration = Duration::from_secs(60);

/// How often measured values are put into their histograms.
const METRICS_EVERY: Duration = Duration::from_secs(5);

/// A running server.
pub struct Server {
    address: SocketAddr,
    public_url: String,
    setup_token: Option<String>,
    store: Store,
    links: Links,
    delivery: Delivery,
    /// Held for as long as the server runs.
    node: Node,
    tasks: TaskTracker,
    http: JoinHandle<()>,
    /// Ends everything but delivery, which has to finish what is on the wire.
    shutdown: CancellationToken,
}

impl Server {
    /// Opens the store, creates what configuration asks for, starts the workers and listens.
    ///
    /// # Errors
    /// In words that say what to do.
    pub async fn start(config: Config, ctx: Ctx) -> anyhow::Result<Self> {
        let bus = Bus::default();
        // Before the database is opened, and with it brought to this version: a server that runs keeps its own.
        let lock = Lock::take(&config.data_directory)?;
        let store = open_store(&config, bus.clone()).await?;
        first_start(&store, &ctx, &config).await?;
        let started_at = ctx.now();
        store
            .write(move |tx| tx.note_rule_books(rule_book::books(), started_at))
            .await
            .map_err(|error: StoreError| error)?;
        let setup_token = issue_setup_token(&store, &ctx).await?;

        let listener = TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("Segue cannot listen on {}; is another program using it?", config.listen))?;
        let address = listener.local_addr()?;
        let config = Config { listen: address, ..config };
        let links = LinkConfig {
            link_base: config.link_base(),
            whatsapp_link_base: config.whatsapp_link_base.trim_end_matches('/').to_owned(),
        };

        let uploads = config.data_directory.join("uploads");
        private_directory(&uploads).with_context(|| format!("{} cannot be made", uploads.display()))?;
        let shutdown = CancellationToken::new();
        let node = Node::open(lock, &ctx)?;
        let files = match config.bucket() {
            Some(bucket) => Files::in_bucket(store.clone(), ctx.clone(), Bucket::new(&bucket)?),
            None => Files::in_database(store.clone(), ctx.clone()),
        };
        let checker = config.clamd()?;
        match &checker {
            Some(checker) => tracing::info!(%checker, "files are checked for viruses before anybody can open them"),
            None => tracing::info!("files are not checked for viruses; SEGUE_CLAMD sets a checker"),
        }
        let files = files.checked_by(checker);
        let own = DeliveryConfig { node: node.name.clone(), files: files.clone(), files_origin: config.files_origin() };
        let delivery = Delivery::start(store.clone(), bus.clone(), ctx.clone(), own);
        let tasks = TaskTracker::new();
        let links = Links::load(&store, &ctx, links).await?;
        let own_links = links.clone();
        let wiring = Wiring {
            links: links.clone(),
            files: files.clone(),
            store: store.clone(),
            ctx: ctx.clone(),
            bus: bus.clone(),
            node: node.name.clone(),
            callbacks: config.callbacks,
            shutdown: shutdown.clone(),
        };
        workers::start(&Arc::new(wiring), &tasks);

        let api = ApiConfig {
            public_origin: config.public_url.as_ref().map(|_| config.public_url()),
            link_host: link_host(
                &config.link_base(),
                config.public_url.as_ref().map(|_| config.public_url()).as_deref(),
            ),
            files_origin: config.files_origin(),
            upload_directory: Some(uploads),
            callbacks: config.callbacks,
            metrics: config.metrics(),
            forwarded: config.forwarded(),
            ..ApiConfig::default()
        };
        let state =
            AppState::new(store.clone(), ctx, bus, links, api).with_files(files).with_shutdown(shutdown.clone());
        let state = match metrics_handle() {
            Some(handle) => {
                tasks.spawn(keep_metrics_small(handle.clone(), shutdown.clone()));
                state.with_metrics(handle)
            }
            None => state,
        };
        // On PostgreSQL the work on one customer would hold the locks of all others that came with it.
        let state = match store.engine() {
            Engine::Sqlite(_) => state.working_at_once_from(node.at_once_from),
            Engine::Postgres(_) => state,
        };
        let (redirects, token) = (state.redirects.clone(), shutdown.clone());
        tasks.spawn(async move { redirects.clicks().run(token).await });
        tasks.spawn(keep_link_domains(state.clone(), shutdown.clone()));
        let http = serve(listener, state, shutdown.clone());
        tracing::info!(%address, "listening");
        Ok(Self {
            address,
            public_url: config.public_url(),
            setup_token,
            store,
            links: own_links,
            delivery,
            node,
            tasks,
            http,
            shutdown,
        })
    }

    /// Where the server listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How people reach it.
    #[must_use]
    pub fn public_url(&self) -> String {
        self.public_url.clone()
    }

    /// The one-time token of the setup link, when nobody can sign in yet.
    #[must_use]
    pub fn setup_token(&self) -> Option<&str> {
        self.setup_token.as_deref()
    }

    /// The links of this installation.
    #[must_use]
    pub const fn links(&self) -> &Links {
        &self.links
    }

    /// The database.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Ends: no new requests, open ones are answered, what is on the wire is settled, the database is closed.
    pub async fn shutdown(self) {
        self.shutdown.cancel();
        self.tasks.close();
        let (http, tasks, delivery) = (self.http, self.tasks, self.delivery);
        let ended = async {
            let answered = async {
                if let Err(error) = http.await {
                    tracing::error!(%error, "the HTTP server ended by a panic");
                }
            };
            // Side by side: a client that is slow to end its request must not keep what is on the wire from being settled.
            tokio::join!(answered, tasks.wait(), delivery.shutdown());
        };
        let is_over = tokio::time::timeout(PATIENCE, ended).await.is_ok();
        if !is_over {
            tracing::warn!("not everything ended in time; what was on its way will be shown as unknown");
        }
        let store = self.store;
        if let Err(error) = tokio::task::spawn_blocking(move || store.close()).await {
            tracing::error!(%error, "the database could not be closed");
        }
        if is_over && let Err(error) = self.node.ended() {
            tracing::warn!(%error, "that this was a proper end could not be noted");
        }
    }
}

/// The host of short links without its port, when it is not the console's. `None` where the console's is not known, for it
/// might be shut out.
fn link_host(links: &str, console: Option<&str>) -> Option<String> {
    fn host(url: &str) -> Option<String> {
        let authority = url.split("://").nth(1)?.split('/').next()?;
        let named = authority.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
        Some(named.map_or(authority, |(name, _)| name).to_ascii_lowercase())
    }
    let console = console?;
    host(links).filter(|links| Some(links) != host(console).as_ref())
}

/// Knows the host names of workspaces for links, whichever node they were verified at.
async fn keep_link_domains(state: AppState, shutdown: CancellationToken) {
    let mut times = tokio::time::interval(LINK_DOMAINS_EVERY);
    while shutdown.run_until_cancelled(times.tick()).await.is_some() {
        state.read_link_domains().await;
    }
}

async fn open_store(config: &Config, bus: Bus) -> anyhow::Result<Store> {
    let mut store = StoreConfig::new(config.engine(), config.backup_directory());
    store.on_commit = Arc::new(move |wakes| {
        for wake in wakes {
            bus.publish(wake);
        }
    });
    tokio::task::spawn_blocking(move || Store::open(store)).await?.context("The database cannot be opened")
}

/// Creates the workspace, administrator and API key that the configuration names, unless they exist.
async fn first_start(store: &Store, ctx: &Ctx, config: &Config) -> anyhow::Result<()> {
    if config.workspace_name.is_none() && config.admin_email.is_none() && config.api_key.is_none() {
        return Ok(());
    }
    let existing = store.read(|tx| tx.workspaces()).await.map_err(|error: StoreError| error)?;
    let workspace = match existing.into_iter().next() {
        Some(workspace) => workspace,
        None => {
            let new = NewWorkspace {
                name: config.workspace_name.clone().unwrap_or_else(|| "Segue".to_owned()),
                slug: "main".to_owned(),
                time_zone: "UTC".to_owned(),
                country: "US".to_owned(),
            };
            create_workspace(store, ctx, &new).await?
        }
    };
    if let (Some(email), Some(password)) = (&config.admin_email, &config.admin_password) {
        let admin = NewUser {
            email: email.clone(),
            name: "Administrator".to_owned(),
            role: Role::Admin,
            password: password.expose_secret().to_owned(),
        };
        create_first_user(store, ctx, workspace.id, &admin)
            .await
            .context("The first administrator cannot be created")?;
    }
    if let Some(key) = &config.api_key {
        ensure_key(store, ctx, workspace.id, "From the configuration", Role::Admin, key.expose_secret())
            .await
            .context("SEGUE_API_KEY cannot be used")?;
    }
    Ok(())
}

/// The process's metrics; the recorder is installed once per process, so a second server shares it.
fn metrics_handle() -> Option<PrometheusHandle> {
    static HANDLE: std::sync::OnceLock<Option<PrometheusHandle>> = std::sync::OnceLock::new();
    HANDLE
        .get_or_init(|| match PrometheusBuilder::new().install_recorder() {
            Ok(handle) => Some(handle),
            Err(error) => {
                tracing::error!(%error, "metrics are not available");
                None
            }
        })
        .clone()
}

/// Puts measured values into their histograms from time to time: until then each of them takes up memory, and whoever
/// reads the metrics may never come.
async fn keep_metrics_small(handle: PrometheusHandle, shutdown: CancellationToken) {
    let mut times = tokio::time::interval(METRICS_EVERY);
    while shutdown.run_until_cancelled(times.tick()).await.is_some() {
        handle.run_upkeep();
    }
}

fn serve(listener: TcpListener, state: AppState, shutdown: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(connections::serve(listener, segue_api::router(state), Limits::default(), shutdown))
}

/// Tells WhatsApp where this server's webhooks are and takes over the approved templates, for every WhatsApp channel of
/// a workspace.
///
/// # Errors
/// When WhatsApp refuses; the text says why.
pub async fn connect_whatsapp(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    public_url: &str,
) -> anyhow::Result<()> {
    let channels = store.read(move |tx| tx.channels(workspace_id)).await.map_err(|error: StoreError| error)?;
    for channel in channels {
        if !matches!(channel.config, ChannelConfig::WhatsApp(_)) {
            continue;
        }
        let url = format!("{public_url}/webhooks/whatsapp/{}", channel.id);
        segue_delivery::subscribe_webhook(&channel, &url)
            .await
            .with_context(|| format!("WhatsApp refuses the webhook of '{}'", channel.name))?;
        segue_delivery::sync_templates(store, ctx, &channel)
            .await
            .with_context(|| format!("The templates of '{}' cannot be read", channel.name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_links_is_known_without_its_port_and_is_never_that_of_the_console() {
        for (links, console, expected) in [
            ("https://go.segue.test", "https://segue.test", Some("go.segue.test")),
            ("https://Go.segue.test:8443/x", "https://segue.test", Some("go.segue.test")),
            ("http://[::1]:9090", "http://127.0.0.1:8080", Some("[::1]")),
            ("http://[::1]", "http://127.0.0.1:8080", Some("[::1]")),
            ("https://segue.test", "https://segue.test", None),
            ("https://segue.test:8443", "https://SEGUE.test", None),
        ] {
            assert_eq!(link_host(links, Some(console)).as_deref(), expected, "{links} beside {console}");
        }
        assert_eq!(link_host("http://192.168.1.20:8080", None), None, "the console may be under the same name");
    }
}
