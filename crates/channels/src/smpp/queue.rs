//! What waits to be sent by any bind of an account, and the way outcomes go back in batches.
//!
//! Binds pull, so no message waits behind a slow or dead connection while another has room. Whether anybody may pull is
//! kept under the same lock as what waits: a message is either taken in while a sending bind is up, or refused at once,
//! and when the last one goes down everything that waits is refused. Nothing can be left over in between.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, mpsc, oneshot};

use super::{
    outcome::SubmitOutcome,
    submit::{Encoded, SubmitSms},
};

/// A message of a batch and the name its outcome comes back under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// The caller's name for it, such as the message's id.
    pub tag: u128,
    /// The message.
    pub sms: SubmitSms,
}

/// The outcome of one [`Submission`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The submission's name.
    pub tag: u128,
    /// How it ended.
    pub outcome: SubmitOutcome,
}

/// Where outcomes go, as many at a time as there are.
pub type Outcomes = mpsc::UnboundedSender<Vec<Settled>>;

/// Who waits for an outcome.
#[derive(Debug)]
pub(super) enum Reply {
    One(oneshot::Sender<SubmitOutcome>),
    Batch { tag: u128, outcomes: Outcomes },
}

/// A message on its way through a session.
#[derive(Debug)]
pub(super) struct Request {
    pub encoded: Encoded,
    pub reply: Reply,
}

/// Outcomes that go back together.
#[derive(Debug, Default)]
pub(super) struct Replies(Vec<(Outcomes, Vec<Settled>)>);

impl Replies {
    /// Adds an outcome.
    pub fn add(&mut self, reply: Reply, outcome: SubmitOutcome) {
        match reply {
            // The caller may have gone; then nobody wants the outcome.
            Reply::One(reply) => drop(reply.send(outcome)),
            Reply::Batch { tag, outcomes } => {
                let settled = Settled { tag, outcome };
                match self.0.iter_mut().find(|(known, _)| known.same_channel(&outcomes)) {
                    Some((_, batch)) => batch.push(settled),
                    None => self.0.push((outcomes, vec![settled])),
                }
            }
        }
    }

    /// Hands over what has gathered.
    pub fn flush(&mut self) {
        for (outcomes, batch) in self.0.drain(..) {
            let _ = outcomes.send(batch);
        }
    }

    /// The same outcome for many.
    pub fn refuse(requests: impl IntoIterator<Item = Request>, reason: &str) {
        let mut replies = Self::default();
        for request in requests {
            replies.add(request.reply, SubmitOutcome::no_link(reason));
        }
        replies.flush();
    }
}

/// See the module documentation.
#[derive(Debug)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    more: Notify,
}

#[derive(Debug)]
struct Inner {
    waiting: VecDeque<Request>,
    /// Binds that are up and may send.
    senders: usize,
    /// Why nothing can be taken in.
    reason: String,
    closed: bool,
}

impl Queue {
    pub fn new() -> Self {
        let reason = "The session with the carrier is being set up.".to_owned();
        Self {
            inner: Mutex::new(Inner { waiting: VecDeque::new(), senders: 0, reason, closed: false }),
            more: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes messages in, or refuses them at once when nobody could send them.
    pub fn push(&self, requests: Vec<Request>) {
        let refused = {
            let mut inner = self.lock();
            if inner.closed || inner.senders == 0 {
                Some((requests, inner.reason.clone()))
            } else {
                inner.waiting.extend(requests);
                None
            }
        };
        match refused {
            Some((requests, reason)) => Replies::refuse(requests, &reason),
            None => self.more.notify_waiters(),
        }
    }

    /// Gives messages to `admit` for as long as it wants more.
    pub fn take(&self, mut admit: impl FnMut(Request) -> Wanted) {
        let mut inner = self.lock();
        while let Some(request) = inner.waiting.pop_front() {
            if admit(request) == Wanted::NoMore {
                return;
            }
        }
    }

    /// Ends when something may have come in since this was called and first polled or enabled.
    pub fn more(&self) -> tokio::sync::futures::Notified<'_> {
        self.more.notified()
    }

    /// Messages that wait.
    pub fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    /// A sending bind is up.
    pub fn sender_up(&self) {
        self.lock().senders += 1;
    }

    /// A sending bind is down; with the last one everything that waits is known not to have been sent.
    pub fn sender_down(&self, reason: &str) {
        let refused = {
            let mut inner = self.lock();
            inner.senders = inner.senders.saturating_sub(1);
            if !inner.closed {
                reason.clone_into(&mut inner.reason);
            }
            if inner.senders == 0 { std::mem::take(&mut inner.waiting) } else { VecDeque::new() }
        };
        Replies::refuse(refused, reason);
    }

    /// Why nothing is taken in while no bind is up.
    pub fn say_why(&self, reason: String) {
        let mut inner = self.lock();
        if !inner.closed {
            inner.reason = reason;
        }
    }

    /// Takes nothing in any more, and refuses what waits.
    pub fn close(&self, reason: &str) {
        let refused = {
            let mut inner = self.lock();
            inner.closed = true;
            reason.clone_into(&mut inner.reason);
            std::mem::take(&mut inner.waiting)
        };
        Replies::refuse(refused, reason);
    }
}

/// Whether a bind has room for another message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    More,
    NoMore,
}
