//! The queue between async callers and the threads that own connections: interactive commands before bulk.

use std::{
    any::Any,
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use crate::{StoreError, tx::Tx};

/// How soon a command is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    Interactive,
    Bulk,
}

/// What the executor is to do with what a command changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Keep,
    RollBack,
}

/// One queued closure with the place for its result. The result is sent only when it is known to be durable.
pub(crate) trait Command: Send {
    /// Runs the closure; what it answers is kept until [`Command::finish`].
    fn run(&mut self, tx: &mut Tx<'_>) -> Outcome;
    /// Answers the caller: its own result, or `failure` when the transaction could not be committed.
    fn finish(self: Box<Self>, failure: Option<StoreError>);
}

struct Closure<T, E, F> {
    run: F,
    result: Option<Result<T, E>>,
    reply: Option<oneshot::Sender<Result<T, E>>>,
}

impl<T, E, F> Command for Closure<T, E, F>
where
    T: Send,
    E: From<StoreError> + Send,
    F: Fn(&mut Tx<'_>) -> Result<T, E> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Outcome {
        let caught = catch_unwind(AssertUnwindSafe(|| (self.run)(tx)));
        let result = caught.unwrap_or_else(|panic| Err(StoreError::Panicked(panic_text(&*panic)).into()));
        let outcome = if result.is_ok() { Outcome::Keep } else { Outcome::RollBack };
        self.result = Some(result);
        outcome
    }

    fn finish(mut self: Box<Self>, failure: Option<StoreError>) {
        let result = match (failure, self.result.take()) {
            (Some(failure), _) => Err(failure.into()),
            (None, Some(result)) => result,
            (None, None) => Err(StoreError::Unavailable("the command was not run".to_owned()).into()),
        };
        if let Some(reply) = self.reply.take() {
            // A caller that went away no longer wants the answer; the change itself stands.
            let _ = reply.send(result);
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

#[derive(Default)]
struct Waiting {
    interactive: VecDeque<Box<dyn Command>>,
    bulk: VecDeque<Box<dyn Command>>,
    closed: bool,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.interactive.is_empty() && self.bulk.is_empty()
    }

    fn next(&mut self) -> Option<Box<dyn Command>> {
        self.interactive.pop_front().or_else(|| self.bulk.pop_front())
    }
}

/// A queue that several threads may take from.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    /// How long commands took, and since when one is being run, where one thread runs them all.
    work: Mutex<(Duration, Option<Instant>)>,
}

impl Queue {
    /// Queues a closure and gives the receiver of its result.
    pub(crate) fn push<T, E, F>(&self, urgency: Urgency, run: F) -> oneshot::Receiver<Result<T, E>>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let command: Box<dyn Command> = Box::new(Closure { run, result: None, reply: Some(reply) });
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.closed {
            drop(waiting);
            command.finish(Some(StoreError::Unavailable("the store is closed".to_owned())));
            return answer;
        }
        match urgency {
            Urgency::Interactive => waiting.interactive.push_back(command),
            Urgency::Bulk => waiting.bulk.push_back(command),
        }
        drop(waiting);
        self.arrived.notify_one();
        answer
    }

    /// Notes that the one thread begins to run commands, or has run them.
    pub(crate) fn note_work(&self, is_begun: bool) {
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(since) = work.1.take() {
            work.0 += since.elapsed();
        }
        work.1 = is_begun.then(Instant::now);
    }

    /// How long commands took in all, the one that is being run included.
    pub(crate) fn worked(&self) -> Duration {
        let (done, since) = *self.work.lock().unwrap_or_else(PoisonError::into_inner);
        done + since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// The next command; waits for one. `None` when the queue is closed and empty.
    pub(crate) fn next(&self) -> Option<Box<dyn Command>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(command) = waiting.next() {
                return Some(command);
            }
            if waiting.closed {
                return None;
            }
            waiting = self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A further command for a running group commit. When none is there, one that comes within `patience`.
    pub(crate) fn next_within(&self, patience: Duration) -> Option<Box<dyn Command>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.is_empty() && !waiting.closed && !patience.is_zero() {
            let nothing = |waiting: &mut Waiting| waiting.is_empty() && !waiting.closed;
            waiting = match self.arrived.wait_timeout_while(waiting, patience, nothing) {
                Ok((waiting, _)) => waiting,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        waiting.next()
    }

    /// No further commands are taken; those queued are still run.
    pub(crate) fn close(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.arrived.notify_all();
    }
}
