//! Keeps one bind alive and hands messages to it.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep},
};

use super::{
    backoff::{Backoff, Failure, STABLE},
    config::SmppConfig,
    deliver::Delivery,
    link::{BindError, Link, LinkEnd, Shared},
    outcome::SubmitOutcome,
    submit::SubmitSms,
    window::Request,
};
use crate::ErrorClass;

/// Where a session stands, for health pages and for whoever wants to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionState {
    /// On the way to the carrier.
    Connecting,
    /// Messages go out and come in.
    Bound,
    /// Waits before the next try.
    BackingOff {
        /// The kind of failure; [`ErrorClass::Authentication`] needs an admin.
        class: ErrorClass,
        /// Plain words.
        reason: String,
        /// The length of the wait.
        retry_in: Duration,
    },
    /// Shutting down: open answers are awaited, nothing new is taken.
    Draining,
    /// Over.
    Closed,
}

/// A handle to a session. Clones share it; when the last one is gone the session drains and closes.
#[derive(Debug, Clone)]
pub struct SmppSession {
    config: Arc<SmppConfig>,
    requests: mpsc::Sender<Request>,
    state: watch::Receiver<SessionState>,
    stop: Arc<watch::Sender<bool>>,
}

impl SmppSession {
    /// Starts a session on the current Tokio runtime. `rng` spreads the waits between reconnections. The receiver yields
    /// what the carrier delivers; drop it and everything is answered "try again later".
    #[must_use]
    pub fn spawn(config: SmppConfig, rng: impl rand::Rng + Send + 'static) -> (Self, mpsc::Receiver<Delivery>) {
        let config = Arc::new(config);
        let (requests, requests_receiver) = mpsc::channel(config.window.max(1));
        let (inbound, deliveries) = mpsc::channel(config.inbound_capacity.max(1));
        let (state_sender, state) = watch::channel(SessionState::Connecting);
        let (stop, stop_receiver) = watch::channel(false);
        let task = SessionTask {
            config: Arc::clone(&config),
            requests: requests_receiver,
            inbound,
            state: state_sender,
            stop: stop_receiver,
            backoff: Backoff::default(),
        };
        tokio::spawn(task.run(rng));
        (Self { config, requests, state, stop: Arc::new(stop) }, deliveries)
    }

    /// Submits a message and waits for its outcome. Calls are served in their order; when a window's worth of messages
    /// waits already, the call waits for room.
    ///
    /// Dropping the future does not take the message back: treat that as `Unknown`.
    pub async fn submit(&self, sms: &SubmitSms) -> SubmitOutcome {
        let pdus = match sms.pdus(&self.config) {
            Ok(pdus) => pdus,
            Err(error) => return error.into(),
        };
        let (reply, outcome) = oneshot::channel();
        if self.requests.send(Request { pdus, reply }).await.is_err() {
            return SubmitOutcome::no_link("The session with the carrier is closed.");
        }
        outcome.await.unwrap_or_else(|_| SubmitOutcome::Unknown {
            reason: "The session ended without telling what became of the message.".to_owned(),
            message_ids: Vec::new(),
        })
    }

    /// Follows the state.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<SessionState> {
        self.state.clone()
    }

    /// Takes nothing new, awaits open answers for the configured time, unbinds and closes.
    pub async fn shutdown(&self) {
        self.stop.send_replace(true);
        // An error means the task is gone, which is what is wanted.
        let _ = self.state.clone().wait_for(|state| *state == SessionState::Closed).await;
    }
}

/// The task behind the handles.
struct SessionTask {
    config: Arc<SmppConfig>,
    requests: mpsc::Receiver<Request>,
    inbound: mpsc::Sender<Delivery>,
    state: watch::Sender<SessionState>,
    stop: watch::Receiver<bool>,
    backoff: Backoff,
}

impl SessionTask {
    async fn run(mut self, mut rng: impl rand::Rng) {
        while let Some(error) = self.connect_and_work().await {
            let retry_in = self.backoff.next(error.failure, &mut rng);
            tracing::warn!(class = %error.class, reason = %error.reason, ?retry_in, "no session with the carrier");
            let reason = error.reason.clone();
            self.state.send_replace(SessionState::BackingOff { class: error.class, reason, retry_in });
            let refusal = format!("There is no session with the carrier: {}", error.reason);
            tokio::select! {
                () = sleep(retry_in) => {}
                () = refuse(&mut self.requests, &refusal) => break,
                _ = self.stop.changed() => break,
            }
        }
        self.requests.close();
        while let Ok(request) = self.requests.try_recv() {
            let _ = request.reply.send(SubmitOutcome::no_link("The session with the carrier is closed."));
        }
        self.state.send_replace(SessionState::Closed);
    }

    /// One connection from start to end. `None` when the session is to end, else why there is no connection.
    async fn connect_and_work(&mut self) -> Option<BindError> {
        if *self.stop.borrow() {
            return None;
        }
        self.state.send_replace(SessionState::Connecting);
        let link = tokio::select! {
            link = Link::bind(&self.config) => link,
            () = refuse(&mut self.requests, "The session with the carrier is being set up.") => return None,
            _ = self.stop.changed() => return None,
        };
        let link = match link {
            Ok(link) => link,
            Err(error) => return Some(error),
        };
        tracing::info!(host = %self.config.host, port = self.config.port, "bound to the carrier");
        self.state.send_replace(SessionState::Bound);
        let bound_at = Instant::now();
        let mut shared = Shared {
            config: &self.config,
            requests: &mut self.requests,
            inbound: &self.inbound,
            stop: &mut self.stop,
            state: &self.state,
        };
        match link.run(&mut shared).await {
            LinkEnd::Stopped => None,
            LinkEnd::Lost(reason) => {
                if bound_at.elapsed() >= STABLE {
                    self.backoff.reset();
                }
                Some(BindError { failure: Failure::Link, class: ErrorClass::ProviderDown, reason })
            }
        }
    }
}

/// Answers every message "not sent"; ends when no handle is left.
async fn refuse(requests: &mut mpsc::Receiver<Request>, reason: &str) {
    while let Some(request) = requests.recv().await {
        let _ = request.reply.send(SubmitOutcome::no_link(reason));
    }
}
