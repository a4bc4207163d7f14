//! Keeps the binds of one account alive and hands messages to them.

use std::{sync::Arc, time::Duration};

use rand::SeedableRng;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep},
};

use super::{
    account::Account,
    backoff::{Backoff, Failure, STABLE},
    config::{BindRole, SmppConfig},
    deliver::Delivery,
    link::{BindError, Link, LinkEnd, stopped},
    outcome::SubmitOutcome,
    queue::{Outcomes, Replies, Reply, Request, Submission},
    stats::SmppStats,
    submit::SubmitSms,
};
use crate::ErrorClass;

/// Where a session stands, for health pages and for whoever wants to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionState {
    /// On the way to the carrier.
    Connecting,
    /// Messages go out and come in, on one connection at least.
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

impl SessionState {
    /// What the states of an account's connections make of the account. Messages go out as soon as one sending
    /// connection is bound, so that one decides; with none that sends, any.
    pub(super) fn of_connections(connections: &[(BindRole, Self)]) -> Self {
        let any_sends = connections.iter().any(|(role, _)| role.sends());
        let counted = || connections.iter().filter(|(role, _)| role.sends() || !any_sends).map(|(_, state)| state);
        let all = || connections.iter().map(|(_, state)| state);
        if all().all(|state| *state == Self::Closed) {
            return Self::Closed;
        }
        if all().any(|state| *state == Self::Draining) {
            return Self::Draining;
        }
        if counted().any(|state| *state == Self::Bound) {
            return Self::Bound;
        }
        // Wrong credentials say most, then any other trouble.
        let trouble = |wanted: fn(&Self) -> bool| all().find(|state| wanted(state)).cloned();
        trouble(Self::is_alarm)
            .or_else(|| trouble(|state| matches!(state, Self::BackingOff { .. })))
            .unwrap_or(Self::Connecting)
    }

    /// Whether an admin has to act before it can get better.
    #[must_use]
    pub const fn is_alarm(&self) -> bool {
        matches!(self, Self::BackingOff { class: ErrorClass::Authentication, .. })
    }
}

/// A handle to a session. Clones share it; when the last one is gone the session drains and closes.
///
/// # What is known of a message, and when
///
/// | moment | outcome when it ends there |
/// |---|---|
/// | refused here: bad address, no text, too long | `Refused`, no code: nothing left |
/// | no bind is up, the session closes, it still waits for window or rate | `NotSent`, no code |
/// | its octets were not all handed to the network when the connection ended | `NotSent`, no code |
/// | its octets were handed over, no answer within the time, or the connection ended | `Unknown` |
/// | the carrier answered "later" (throttled, full, temporary error) | `NotSent` with the code |
/// | the carrier answered "no" | `Refused` with the code |
/// | some parts were taken and others not | `Unknown` with the ids of those that were |
///
/// So whoever writes down "about to send" before [`SmppSession::submit_all`] and the outcome after it sends nothing
/// twice: after a crash, what was written down without an outcome is in doubt, and nothing else is. With TLS, octets
/// count as handed over when they have been encrypted.
#[derive(Debug, Clone)]
pub struct SmppSession {
    account: Arc<Account>,
    state: watch::Receiver<SessionState>,
    stop: Arc<watch::Sender<bool>>,
}

impl SmppSession {
    /// Starts a session on the current Tokio runtime. `rng` spreads the waits between reconnections. The receiver yields
    /// what the carrier delivers; drop it and everything is answered "try again later".
    #[must_use]
    pub fn spawn(config: SmppConfig, mut rng: impl rand::Rng) -> (Self, mpsc::UnboundedReceiver<Delivery>) {
        // As many items wait as `inbound_capacity` allows, whatever the channel could hold.
        let (inbound, deliveries) = mpsc::unbounded_channel();
        let (state_sender, state) = watch::channel(SessionState::Connecting);
        let (stop, stop_receiver) = watch::channel(false);
        let roles: Vec<BindRole> =
            std::iter::repeat_n(config.bind.roles(), config.binds.max(1)).flatten().copied().collect();
        let account = Arc::new(Account::new(config, state_sender, &roles));
        for (index, role) in roles.into_iter().enumerate() {
            let bind = Bind {
                account: Arc::clone(&account),
                index,
                role,
                inbound: inbound.clone(),
                stop: stop_receiver.clone(),
                backoff: Backoff::default(),
            };
            tokio::spawn(bind.run(rand::rngs::StdRng::from_rng(&mut rng)));
        }
        (Self { account, state, stop: Arc::new(stop) }, deliveries)
    }

    /// Submits messages. Each ends in exactly one outcome, which comes out of `outcomes` under the submission's tag, as
    /// many at a time as there are; see the table above for which. Returns at once and never waits: how much is handed
    /// over at a time is the caller's decision, and what is handed over goes out in order as window and rate allow.
    pub fn submit_all(&self, batch: impl IntoIterator<Item = Submission>, outcomes: &Outcomes) {
        let mut refused = Replies::default();
        let requests = batch
            .into_iter()
            .filter_map(|Submission { tag, sms }| {
                let reply = Reply::Batch { tag, outcomes: outcomes.clone() };
                match self.encoded(&sms) {
                    Ok(encoded) => Some(Request { encoded, reply }),
                    Err(outcome) => {
                        refused.add(reply, outcome);
                        None
                    }
                }
            })
            .collect();
        refused.flush();
        self.account.queue.push(requests);
    }

    /// Submits one message and waits for its outcome.
    ///
    /// Dropping the future does not take the message back: treat that as `Unknown`.
    pub async fn submit(&self, sms: &SubmitSms) -> SubmitOutcome {
        let encoded = match self.encoded(sms) {
            Ok(encoded) => encoded,
            Err(outcome) => return outcome,
        };
        let (reply, outcome) = oneshot::channel();
        self.account.queue.push(vec![Request { encoded, reply: Reply::One(reply) }]);
        outcome.await.unwrap_or_else(|_| SubmitOutcome::Unknown {
            reason: "The session ended without telling what became of the message.".to_owned(),
            message_ids: Vec::new(),
        })
    }

    fn encoded(&self, sms: &SubmitSms) -> Result<super::submit::Encoded, SubmitOutcome> {
        let config = &self.account.config;
        if !config.bind.roles().iter().any(|role| role.sends()) {
            let reason = "This account only receives; configure it as transceiver, pair or transmitter to send.";
            return Err(SubmitOutcome::NotSent {
                class: ErrorClass::NotSupported,
                code: None,
                reason: reason.to_owned(),
            });
        }
        let encoded = if sms.may_be_long() {
            let reference = self.account.references.next(&sms.destination, sms.reference);
            sms.pdus_with(config, reference)
        } else {
            sms.pdus(config)
        };
        encoded.map_err(SubmitOutcome::from)
    }

    /// Follows the state.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<SessionState> {
        self.state.clone()
    }

    /// Parts that are with the carrier without an answer, and segments a second allowed at present: what
    /// [`SmppSession::stats`] tells, for whoever asks all the time.
    #[must_use]
    pub fn load(&self) -> (usize, f64) {
        self.account.load()
    }

    /// A look at what the account is doing.
    #[must_use]
    pub fn stats(&self) -> SmppStats {
        self.account.stats()
    }

    /// Takes nothing new, awaits open answers for the configured time, unbinds and closes.
    pub async fn shutdown(&self) {
        self.stop.send_replace(true);
        // An error means the task is gone, which is what is wanted.
        let _ = self.state.clone().wait_for(|state| *state == SessionState::Closed).await;
    }
}

/// The task that keeps one connection alive.
struct Bind {
    account: Arc<Account>,
    index: usize,
    role: BindRole,
    /// Held by the connections alone: when they have ended, the consumer sees the end of deliveries, whoever still holds
    /// the session.
    inbound: mpsc::UnboundedSender<Delivery>,
    stop: watch::Receiver<bool>,
    backoff: Backoff,
}

impl Bind {
    async fn run(mut self, mut rng: impl rand::Rng) {
        while let Some(error) = self.connect_and_work(&mut rng).await {
            let retry_in = error.retry_in.unwrap_or_else(|| self.backoff.next(Failure::Link, &mut rng));
            tracing::warn!(class = %error.class, reason = %error.reason, ?retry_in, "no session with the carrier");
            self.account.queue.say_why(format!("There is no session with the carrier: {}", error.reason));
            let state = SessionState::BackingOff { class: error.class, reason: error.reason, retry_in };
            self.account.set_state(self.index, state);
            tokio::select! {
                () = sleep(retry_in) => {}
                () = stopped(&mut self.stop) => break,
            }
        }
        self.account.queue.close("The session with the carrier is closed.");
        self.account.set_state(self.index, SessionState::Closed);
    }

    /// One connection from start to end. `None` when the session is to end, else why there is no connection.
    async fn connect_and_work(&mut self, rng: &mut impl rand::Rng) -> Option<BindError> {
        if *self.stop.borrow() {
            return None;
        }
        let link = {
            let mut stop = self.stop.clone();
            tokio::select! {
                link = self.bind(rng) => link,
                () = stopped(&mut stop) => return None,
            }
        };
        let link = match link {
            Ok(link) => link,
            Err(error) => return Some(error),
        };
        let config = &self.account.config;
        tracing::info!(host = %config.host, port = config.port, role = ?self.role, "bound to the carrier");
        if self.role.sends() {
            self.account.queue.sender_up();
        }
        self.account.set_state(self.index, SessionState::Bound);
        let bound_at = Instant::now();
        let end = self.work(link).await;
        let reason = match &end {
            LinkEnd::Stopped => "The session is shutting down.".to_owned(),
            LinkEnd::Lost(reason) => format!("There is no session with the carrier: {reason}"),
        };
        if self.role.sends() {
            self.account.queue.sender_down(&reason);
        }
        match end {
            LinkEnd::Stopped => None,
            LinkEnd::Lost(reason) => {
                if bound_at.elapsed() >= STABLE {
                    self.backoff.reset();
                }
                Some(BindError::link(reason))
            }
        }
    }

    /// Binds, one connection of the account at a time and never while the credentials are known to be wrong.
    async fn bind(&self, rng: &mut impl rand::Rng) -> Result<Link, BindError> {
        let mut door = self.account.door.lock().await;
        match &door.closed {
            Some((error, until)) if *until > Instant::now() => {
                let retry_in = until.saturating_duration_since(Instant::now());
                return Err(BindError { retry_in: Some(retry_in), ..error.clone() });
            }
            // The state stays what it is: an alarm does not go away by trying again.
            Some(_) => {}
            None => self.account.set_state(self.index, SessionState::Connecting),
        }
        let mut bound = Link::bind(&self.account, self.role, self.inbound.clone()).await;
        match &mut bound {
            Ok(_) => {
                door.closed = None;
                door.refusals.reset();
            }
            Err(error) if error.failure == Failure::Refused => {
                let wait = door.refusals.next(Failure::Refused, rng);
                error.retry_in = Some(wait);
                door.closed = Some((error.clone(), Instant::now() + wait));
            }
            // The carrier was not asked about the credentials, so what is known of them stays.
            Err(_) => {}
        }
        bound
    }

    /// Works until the connection ends; when the session is to end, nothing new is taken from then on.
    async fn work(&self, link: Link) -> LinkEnd {
        let (mut stop, mut announced) = (self.stop.clone(), self.stop.clone());
        let mut work = std::pin::pin!(link.run(&mut stop));
        tokio::select! {
            end = &mut work => return end,
            () = stopped(&mut announced) => {}
        }
        self.account.queue.close("The session is shutting down.");
        self.account.set_state(self.index, SessionState::Draining);
        work.await
    }
}
