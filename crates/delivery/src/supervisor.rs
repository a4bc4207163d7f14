//! Runs one worker for each channel, and restarts it when the channel's settings change.

use std::{collections::HashMap, sync::Arc, time::Duration};

use segue_bus::Bus;
use segue_model::{ChannelId, Ctx, wake::Wake};
use segue_store::{
    Store, StoreError,
    channel::{Channel, ChannelConfig},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{Files, progress, sms, twilio, uploads::Uploads, whatsapp};

/// How often channels are looked at without being told of a change.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// Settings of delivery.
#[derive(Debug, Clone)]
pub struct DeliveryConfig {
    /// Where the bytes of files are.
    pub files: Files,
    /// Origin under which files are served, where they have a host of their own. Providers fetch files there, and where the
    /// webhooks of their account come in otherwise.
    pub files_origin: Option<String>,
    /// Name of this node in leases. Stays the same over restarts, so that a node that starts again takes back at once
    /// what it left behind.
    pub node: String,
}

/// What every worker of delivery can use.
#[derive(Clone)]
pub(crate) struct Env {
    pub store: Store,
    pub bus: Bus,
    pub ctx: Ctx,
    pub node: Arc<str>,
    pub files: Files,
    pub files_origin: Option<Arc<str>>,
    /// Signs the addresses of files; read from the store when it is first needed.
    pub file_key: Arc<tokio::sync::OnceCell<Vec<u8>>>,
    pub uploads: Arc<Uploads>,
    /// Cancelled when delivery ends.
    pub stop: CancellationToken,
}

/// Running delivery.
pub struct Delivery {
    stop: CancellationToken,
    supervisor: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Delivery {
    /// Starts the workers of all channels on the current Tokio runtime.
    #[must_use]
    pub fn start(store: Store, bus: Bus, ctx: Ctx, config: DeliveryConfig) -> Self {
        let stop = CancellationToken::new();
        let env = Env {
            store,
            bus,
            ctx,
            node: config.node.into(),
            files: config.files,
            files_origin: config.files_origin.map(Into::into),
            file_key: Arc::default(),
            uploads: Arc::default(),
            stop: stop.clone(),
        };
        let supervisor = tokio::spawn(supervise(env, stop.clone()));
        Self { stop, supervisor: tokio::sync::Mutex::new(Some(supervisor)) }
    }

    /// Takes nothing new, settles what is on the wire, and ends. A second call waits for nothing.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        if let Some(supervisor) = self.supervisor.lock().await.take()
            && let Err(error) = supervisor.await
        {
            tracing::error!(%error, "delivery ended by a panic");
        }
    }
}

struct Running {
    channel: Channel,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

async fn supervise(env: Env, stop: CancellationToken) {
    let mut listener = env.bus.listen();
    let mut running: HashMap<ChannelId, Running> = HashMap::new();
    let progress = tokio::spawn(progress::run(env.clone(), stop.clone()));
    while !stop.is_cancelled() {
        match env.store.read(|tx| tx.all_channels()).await {
            Ok(channels) => adjust(&env, &mut running, channels, &stop).await,
            Err(error) => {
                let error: StoreError = error;
                tracing::error!(%error, "the channels cannot be read");
            }
        }
        tokio::select! {
            () = listener.until(LOOK_EVERY, |wake| wake == Wake::Configuration) => {}
            () = stop.cancelled() => {}
        }
    }
    for (_, worker) in running.drain() {
        end(worker).await;
    }
    if let Err(error) = progress.await {
        tracing::error!(%error, "the progress worker ended by a panic");
    }
}

/// Starts, restarts and ends workers so that they are those of `channels`.
async fn adjust(
    env: &Env,
    running: &mut HashMap<ChannelId, Running>,
    channels: Vec<Channel>,
    stop: &CancellationToken,
) {
    let gone: Vec<ChannelId> = running
        .iter()
        .filter(|(id, worker)| {
            let same = |channel: &&Channel| channel.id == **id && channel.config == worker.channel.config;
            worker.task.is_finished() || !channels.iter().any(|channel| same(&channel))
        })
        .map(|(id, _)| *id)
        .collect();
    for id in gone {
        if let Some(worker) = running.remove(&id) {
            end(worker).await;
        }
    }
    for channel in channels {
        if running.contains_key(&channel.id) {
            continue;
        }
        let own_stop = stop.child_token();
        let (env, worker_stop, worker_channel) = (env.clone(), own_stop.clone(), channel.clone());
        let task = match &channel.config {
            ChannelConfig::Smpp(config) => tokio::spawn(sms::run(env, worker_channel, config.clone(), worker_stop)),
            ChannelConfig::WhatsApp(config) => {
                tokio::spawn(whatsapp::run(env, worker_channel, config.clone(), worker_stop))
            }
            ChannelConfig::Twilio(config) => {
                tokio::spawn(twilio::run(env, worker_channel, config.clone(), worker_stop))
            }
        };
        running.insert(channel.id, Running { channel, stop: own_stop, task });
    }
}

async fn end(worker: Running) {
    worker.stop.cancel();
    if let Err(error) = worker.task.await {
        tracing::error!(%error, channel_id = %worker.channel.id, "a channel's worker ended by a panic");
    }
}
