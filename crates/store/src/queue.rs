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

/// Whether a command matters to anybody but who asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It changes something: it is run whether or not somebody waits for its result.
    Change,
    /// It only answers: when nobody waits any more, it is left out.
    Answer,
}

/// What the executor is to do with what a command changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Keep,
    RollBack,
}

/// One queued closure with the place for its result. The result is sent only when it is known to be durable.
pub(crate) trait Command: Send {
    /// How soon it is wanted.
    fn urgency(&self) -> Urgency;
    /// Whether running it is of any use.
    fn is_wanted(&self) -> bool;
    /// Runs the closure; what it answers is kept until [`Command::finish`].
    fn run(&mut self, tx: &mut Tx<'_>) -> Outcome;
    /// Answers the caller: its own result, or `failure` when the transaction could not be committed.
    fn finish(self: Box<Self>, failure: Option<StoreError>);
}

struct Closure<T, E, F> {
    urgency: Urgency,
    effect: Effect,
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
    fn urgency(&self) -> Urgency {
        self.urgency
    }

    fn is_wanted(&self) -> bool {
        self.effect == Effect::Change || self.reply.as_ref().is_some_and(|reply| !reply.is_closed())
    }

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
    /// Interactive commands that went first since a bulk command has waited.
    passed: u32,
}

/// After how many interactive commands that went first a bulk command has its turn, so that it comes to its end even where
/// somebody always waits.
const PATIENCE_OF_BULK: u32 = 8;

impl Waiting {
    fn is_empty(&self) -> bool {
        self.interactive.is_empty() && self.bulk.is_empty()
    }

    fn next(&mut self) -> Option<Box<dyn Command>> {
        loop {
            let next = self.next_in_turn()?;
            if next.is_wanted() {
                return Some(next);
            }
        }
    }

    fn next_in_turn(&mut self) -> Option<Box<dyn Command>> {
        if self.passed >= PATIENCE_OF_BULK || self.interactive.is_empty() {
            self.passed = 0;
            return self.bulk.pop_front().or_else(|| self.interactive.pop_front());
        }
        self.passed += u32::from(!self.bulk.is_empty());
        self.interactive.pop_front()
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
        self.push_with(urgency, Effect::Change, run)
    }

    /// [`Queue::push`] of a closure that changes nothing, so that it is not run once its receiver is dropped.
    pub(crate) fn push_read<T, E, F>(&self, run: F) -> oneshot::Receiver<Result<T, E>>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.push_with(Urgency::Interactive, Effect::Answer, run)
    }

    fn push_with<T, E, F>(&self, urgency: Urgency, effect: Effect, run: F) -> oneshot::Receiver<Result<T, E>>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let command: Box<dyn Command> = Box::new(Closure { urgency, effect, run, result: None, reply: Some(reply) });
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

    /// How long commands took that have ended.
    pub(crate) fn worked_to_end(&self) -> Duration {
        self.work.lock().unwrap_or_else(PoisonError::into_inner).0
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

    /// A further command for a running group commit that is wanted at least as soon as `urgency`. When none is there, one
    /// that comes within `patience`.
    pub(crate) fn next_within(&self, urgency: Urgency, patience: Duration) -> Option<Box<dyn Command>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let nothing = |waiting: &mut Waiting| {
            let has_any = match urgency {
                Urgency::Interactive => !waiting.interactive.is_empty(),
                Urgency::Bulk => !waiting.is_empty(),
            };
            !has_any && !waiting.closed
        };
        if nothing(&mut waiting) && !patience.is_zero() {
            waiting = match self.arrived.wait_timeout_while(waiting, patience, nothing) {
                Ok((waiting, _)) => waiting,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        match urgency {
            Urgency::Interactive => waiting.interactive.pop_front(),
            Urgency::Bulk => waiting.next(),
        }
    }

    /// No further commands are taken; those queued are still run.
    pub(crate) fn close(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.arrived.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(queue: &Queue, urgency: Urgency) {
        drop(queue.push::<(), StoreError, _>(urgency, |_| Ok(())));
    }

    #[test]
    fn interactive_commands_go_first_and_a_bulk_command_has_its_turn_all_the_same() {
        let queue = Queue::default();
        push(&queue, Urgency::Bulk);
        let mut first = 0;
        loop {
            // Somebody always waits.
            push(&queue, Urgency::Interactive);
            match queue.next().unwrap().urgency() {
                Urgency::Interactive => first += 1,
                Urgency::Bulk => break,
            }
        }
        assert_eq!(first, PATIENCE_OF_BULK);
    }

    #[test]
    fn a_read_whose_caller_has_gone_is_left_out_and_a_change_is_not() {
        let queue = Queue::default();
        for _ in 0..3 {
            drop(queue.push_read::<(), StoreError, _>(|_| Ok(())));
        }
        push(&queue, Urgency::Interactive);
        let waited_for = queue.push_read::<(), StoreError, _>(|_| Ok(()));
        let mut left = Vec::new();
        queue.close();
        while let Some(command) = queue.next() {
            command.finish(None);
            left.push(());
        }
        assert_eq!(left.len(), 2, "the change and the read that is waited for");
        assert!(waited_for.blocking_recv().is_ok());
    }

    #[test]
    fn nothing_large_joins_a_group_that_somebody_waits_for() {
        let queue = Queue::default();
        push(&queue, Urgency::Bulk);
        assert!(queue.next_within(Urgency::Interactive, Duration::ZERO).is_none());
        // However many wait in bulk, a group waits a little for those who come again.
        std::thread::scope(|scope| {
            scope.spawn(|| push(&queue, Urgency::Interactive));
            assert!(queue.next_within(Urgency::Interactive, Duration::from_secs(20)).is_some());
        });
        push(&queue, Urgency::Interactive);
        let next = queue.next_within(Urgency::Interactive, Duration::ZERO).unwrap();
        assert_eq!(next.urgency(), Urgency::Interactive);
        assert_eq!(queue.next_within(Urgency::Bulk, Duration::ZERO).unwrap().urgency(), Urgency::Bulk);
    }
}
