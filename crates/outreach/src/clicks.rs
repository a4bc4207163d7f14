//! Clicks on their way into the database.
//!
//! A redirect must not wait for a disk. It hands its click to a queue of bounded size, and one task stores what has
//! gathered every [`GATHER`]: so a click is on disk within a second, and a process that is killed loses the clicks of at
//! most that time. Nothing but figures depends on them; the customer was sent on, and the chat he opens carries his
//! reference.
//!
//! - The queue is full, or nobody takes from it (before the task runs, after it has ended): the redirect stores its click
//!   itself, and waits.
//! - The database is away: the task keeps what it holds and tries again; meanwhile the queue fills, and then redirects
//!   say that they cannot work right now. A click is stored twice without harm, since it keeps its id.
//! - The process ends in order: what has gathered is stored before the database is closed.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use segue_store::{Store, StoreError, click::NewClick};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How long clicks gather before they are stored together.
pub const GATHER: Duration = Duration::from_millis(300);
/// Most clicks that wait to be stored.
pub const WAITING: usize = 32_768;
/// Most clicks in one transaction: longer ones would keep others waiting.
const BATCH: usize = 1_024;
/// Wait before the next try after a failure.
const TRY_AGAIN: Duration = Duration::from_millis(250);
/// Tries at the shutdown, before what is left is given up.
const LAST_TRIES: u32 = 8;

/// Where clicks gather.
pub struct Clicks {
    store: Store,
    sender: mpsc::Sender<NewClick>,
    /// Until somebody runs the queue.
    receiver: Mutex<Option<mpsc::Receiver<NewClick>>>,
    is_run: AtomicBool,
}

impl Clicks {
    /// A queue that nobody takes from yet.
    #[must_use]
    pub fn new(store: Store) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        Self { store, sender, receiver: Mutex::new(Some(receiver)), is_run: AtomicBool::new(false) }
    }

    /// Takes a click. When it returns, the click is stored or will be within a second.
    ///
    /// # Errors
    /// When the click has to be stored at once and that fails.
    pub async fn take(&self, click: NewClick) -> Result<(), StoreError> {
        if !self.is_run.load(Ordering::Acquire) {
            return store_batch(&self.store, &Arc::new(vec![click])).await;
        }
        match self.sender.try_send(click) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Full(click) | mpsc::error::TrySendError::Closed(click)) => {
                store_batch(&self.store, &Arc::new(vec![click])).await
            }
        }
    }

    /// Clicks that wait to be stored.
    #[must_use]
    pub fn waiting(&self) -> usize {
        WAITING - self.sender.capacity()
    }

    /// Stores clicks as they gather until the shutdown, and then what is left. A second call does nothing.
    pub async fn run(&self, shutdown: CancellationToken) {
        let taken = self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut receiver) = taken else { return };
        self.is_run.store(true, Ordering::Release);
        loop {
            let first = tokio::select! {
                biased;
                () = shutdown.cancelled() => None,
                first = receiver.recv() => first,
            };
            let Some(first) = first else { break };
            // More gather while this one waits.
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(GATHER) => {}
            }
            self.store_waiting(vec![first], &mut receiver, &shutdown).await;
        }
        self.is_run.store(false, Ordering::Release);
        // Whoever still means to add to the queue is told that it is closed, and stores his click himself.
        receiver.close();
        self.store_waiting(Vec::new(), &mut receiver, &shutdown).await;
    }

    async fn store_waiting(
        &self,
        mut batch: Vec<NewClick>,
        receiver: &mut mpsc::Receiver<NewClick>,
        shutdown: &CancellationToken,
    ) {
        // No more than were there when it began: a queue that fills as fast as it is emptied must not keep the first
        // batch from being stored.
        for _ in 0..receiver.len() {
            if batch.len() == BATCH {
                self.keep_trying(std::mem::take(&mut batch), shutdown).await;
            }
            batch.extend(receiver.try_recv());
        }
        self.keep_trying(batch, shutdown).await;
    }

    /// Stores the batch, however often that takes; at the shutdown a few times.
    async fn keep_trying(&self, batch: Vec<NewClick>, shutdown: &CancellationToken) {
        let batch = Arc::new(batch);
        let mut last_tries = LAST_TRIES;
        while let Err(error) = store_batch(&self.store, &batch).await {
            tracing::error!(%error, clicks = batch.len(), "clicks could not be stored; trying again");
            if shutdown.is_cancelled() {
                last_tries -= 1;
                if last_tries == 0 {
                    tracing::error!(clicks = batch.len(), "clicks were not stored before the end");
                    return;
                }
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }
}

async fn store_batch(store: &Store, batch: &Arc<Vec<NewClick>>) -> Result<(), StoreError> {
    if batch.is_empty() {
        return Ok(());
    }
    let batch = Arc::clone(batch);
    store.write(move |tx| tx.record_clicks(&batch)).await
}
