//! The sandbox: an SMS carrier, a WhatsApp business platform and the handsets of the customers, emulated in one process.
//!
//! What it is for: a demonstration on one machine, and tests that need to know what *really* happened on the other side of the
//! wire. It speaks to the product only through the real protocols: an SMPP 3.4 server, Twilio's REST dialect, the Graph API over HTTP
//! and signed webhooks.
//!
//! Invariants:
//! - All state is one [`state::State`] behind one mutex; nothing holds the lock over an await.
//! - The ledger is append-only and exact: an entry exists if and only if the thing happened. `acked` means that the product answered
//!   (deliver_sm_resp with ESME_ROK, or HTTP 200 to the webhook).
//! - Business time (service window, timestamps, receipts, retry delays) is the sandbox clock, which can stand still and be moved.
//!   Only network timers (response time-outs, response delays) run on the machine's clock.
//! - It keeps everything in memory and forgets it on exit; it listens where the configuration says and needs no other service.

mod api;
mod area;
mod clock;
mod config;
mod core;
mod faults;
mod graph;
mod handset;
mod http;
mod ledger;
mod limits;
mod phone;
mod sms;
mod state;
mod twilio;
mod webhook;

pub use clock::SandboxClock;
pub use config::{SandboxConfig, SandboxError};
pub use faults::{Faults, GraphFault};
pub use ledger::Counters;
pub use sms::carrier::{CarrierFaults, RefusedPart};

use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

/// A running sandbox. Dropping it stops the servers; [`Sandbox::shutdown`] also waits for them.
pub struct Sandbox {
    /// Where the HTTP server listens (Graph API, phone page, headless API).
    pub http_addr: SocketAddr,
    /// Where the SMPP server listens.
    pub smpp_addr: SocketAddr,
    /// Base of the Graph API, without version: `http://127.0.0.1:PORT`.
    pub graph_base_url: String,
    /// What the product uses in place of `https://wa.me`: `http://127.0.0.1:PORT/wa.me`.
    pub whatsapp_link_base: String,
    /// The phone page for people.
    pub phone_url: String,
    core: Arc<core::Core>,
    tasks: TaskTracker,
}

impl Sandbox {
    /// Binds both servers and starts the workers.
    ///
    /// # Errors
    /// [`SandboxError::Bind`] when an address is taken, [`SandboxError::HttpClient`] when TLS cannot be set up.
    pub async fn start(config: SandboxConfig) -> Result<Self, SandboxError> {
        let bind = |what: &'static str, addr: SocketAddr| async move {
            TcpListener::bind(addr).await.map_err(|source| SandboxError::Bind { what, addr, source })
        };
        let http = bind("HTTP", config.http_bind).await?;
        let smpp = bind("SMPP", config.smpp_bind).await?;
        let local = |listener: &TcpListener, what, addr| {
            listener.local_addr().map_err(|source| SandboxError::Bind { what, addr, source })
        };
        let http_addr = local(&http, "HTTP", config.http_bind)?;
        let smpp_addr = local(&smpp, "SMPP", config.smpp_bind)?;
        let public_url = config
            .http_public_url
            .as_deref()
            .map_or_else(|| format!("http://{http_addr}"), |url| url.trim_end_matches('/').to_owned());
        let core = core::Core::new(config, public_url.clone())?;
        let tasks = TaskTracker::new();
        tasks.spawn(http::serve(core.clone(), http));
        tasks.spawn(sms::server::listen(core.clone(), smpp, tasks.clone()));
        tasks.spawn(webhook::worker::run(core.clone()));
        tasks.close();
        Ok(Self {
            http_addr,
            smpp_addr,
            graph_base_url: public_url.clone(),
            whatsapp_link_base: format!("{public_url}/wa.me"),
            phone_url: format!("{public_url}/phone"),
            core,
            tasks,
        })
    }

    /// The counters of the ledger, for tests in the same process.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.core.with(|state| state.ledger.counters())
    }

    /// Replaces all faults, as `PUT /api/faults` does; what is left out is off.
    pub fn set_faults(&self, faults: Faults) {
        self.core.with(|state| {
            state.faults = faults;
            state.wakes.webhooks = true;
            state.wakes.deliveries = true;
        });
    }

    /// Accepted segments of the carrier by recipient: the number as digits, and how many.
    #[must_use]
    pub fn segments_by_recipient(&self) -> std::collections::HashMap<u64, u32> {
        self.core.with(|state| state.network.traffic.by_recipient.clone())
    }

    /// What came over SMPP, as the status shows it.
    #[must_use]
    pub fn smpp_traffic(&self) -> serde_json::Value {
        self.core.with(|state| state.network.traffic.view())
    }

    /// Stops accepting, closes every connection and waits until the workers are gone.
    pub async fn shutdown(self) {
        self.core.shutdown.cancel();
        self.tasks.wait().await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.core.shutdown.cancel();
    }
}
