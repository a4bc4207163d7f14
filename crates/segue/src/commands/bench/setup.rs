//! What every benchmark starts from: a whole server on an empty database, and a workspace with channels in it.

use std::path::PathBuf;

use segue_access::{NewWorkspace, create_workspace};
use segue_model::{Ctx, WorkspaceId, wake::Wake};
use segue_store::{
    Store, StoreError,
    channel::{Channel, ChannelConfig, ChannelState, WhatsAppConfig},
    workspace::Workspace,
};
use tempfile::TempDir;

use crate::{config::Config, server::Server};

/// Where the measured server keeps its data.
#[derive(clap::Args)]
pub(super) struct Place {
    /// A PostgreSQL database to use instead of the embedded one: postgres://USER:PASSWORD@HOST:PORT/DATABASE. It must be
    /// empty.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Where the temporary directory is made; on the disk that is to be measured.
    #[arg(long, value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
}

impl Place {
    /// Starts a whole server here, on a free port of loopback. The directory is removed when it is dropped.
    ///
    /// # Errors
    /// When the directory cannot be made or the server does not start.
    pub(super) async fn start(&self, ctx: Ctx) -> anyhow::Result<(Server, TempDir)> {
        let directory = match &self.directory {
            Some(parent) => TempDir::new_in(parent)?,
            None => TempDir::new()?,
        };
        let config = Config {
            listen: ([127, 0, 0, 1], 0).into(),
            data_directory: directory.path().to_owned(),
            database_url: self.database.clone().map(Into::into),
            ..Config::default()
        };
        Ok((Server::start(config, ctx).await?, directory))
    }

    /// The name of the database's engine.
    pub(super) const fn engine(&self) -> &'static str {
        if self.database.is_some() { "PostgreSQL" } else { "SQLite" }
    }
}

/// Creates the workspace of a benchmark.
///
/// # Errors
/// When the store fails, or the database is not empty.
pub(super) async fn workspace(store: &Store, ctx: &Ctx) -> anyhow::Result<Workspace> {
    let new = NewWorkspace {
        name: "Benchmark".to_owned(),
        slug: "benchmark".to_owned(),
        time_zone: "America/New_York".to_owned(),
        country: "US".to_owned(),
    };
    Ok(create_workspace(store, ctx, &new).await?)
}

/// Creates or changes a channel; its sessions go to the queue named.
///
/// # Errors
/// When the store fails.
pub(super) async fn channel(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    slug: &str,
    config: ChannelConfig,
    queue_slug: Option<&str>,
) -> anyhow::Result<Channel> {
    let channel = Channel {
        workspace_id,
        id: ctx.id(),
        slug: slug.to_owned(),
        name: slug.to_owned(),
        config,
        flow_slug: None,
        queue_slug: queue_slug.map(str::to_owned),
        state: ChannelState::Connecting,
        state_detail: None,
        refusal: None,
        last_inbound_at: None,
        created_at: ctx.now(),
        conversation: segue_store::shared::Shared::default(),
    };
    let row = channel.clone();
    let id = store
        .write::<_, StoreError, _>(move |tx| {
            tx.wake(Wake::Configuration);
            tx.upsert_channel(&row)
        })
        .await?;
    Ok(Channel { id, ..channel })
}

/// A WhatsApp number at a Graph API where nobody listens; its webhooks are signed with `app_secret`.
pub(super) fn whatsapp(app_secret: &str) -> WhatsAppConfig {
    let settings = serde_json::json!({
        "base_url": "http://127.0.0.1:9",
        "graph_version": "v26.0",
        "waba_id": "102290129340398",
        "phone_number_id": "106540352242922",
        "display_phone_number": "15550783881",
        "access_token": "none",
        "app_secrets": [app_secret],
        "verify_token": "none",
    });
    serde_json::from_value(settings).expect("the settings are complete")
}

/// To a hundredth.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
