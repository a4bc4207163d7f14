//! Who has an event stream open on this node.
//!
//! While a user has one, the user counts as connected. When the last one has gone, the grace of the workspace runs; unless
//! the user is back by then (here or on another node), pending offers go back and the presence becomes offline.
//!
//! What the server writes into a line that has died is lost without a word for a quarter of an hour. So a client that
//! says [`Client::Beats`], as the console does, is connected for as long as it is heard: it answers what it is sent with a
//! beat, to any node, and after two heartbeats without one the grace runs. Whoever does not beat counts as connected while
//! the stream is open: a task renews that in the store.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use http::StatusCode;
use segue_desk::{DeskError, routing};
use segue_model::{Timestamp, UserId, WorkspaceId};
use segue_store::StoreError;
use tokio_util::sync::CancellationToken;

use super::stream::HEARTBEAT;
use crate::{AppState, problem::Problem};

/// How often a connection is renewed in the store, in milliseconds.
const RENEWAL: i64 = 3_000;
/// Streams that a user or a key has open on this node at most. A browser needs one for all of its tabs.
const MOST_STREAMS: usize = 100;
/// Seconds after which one more may be asked for again.
const STREAMS_RETRY: u32 = 30;

/// Whether a client says itself that it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    /// It answers what it is sent ([`Connections::beat`]).
    Beats,
    /// It only listens.
    Listens,
}

type Users = HashMap<(WorkspaceId, UserId), User>;
/// How many streams a user or a key has, by its reference.
type Streams = HashMap<(WorkspaceId, String), usize>;

struct User {
    streams: usize,
    /// Those of clients that only listen.
    listening: usize,
    renewal: RenewalTask,
    /// Ends the task that renews.
    gone: CancellationToken,
    /// Until when this node has said that the user is there, in milliseconds.
    said: Arc<AtomicI64>,
}

/// Whether the task that looks after a user runs. The first stream may fail before it starts one; then the next does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RenewalTask {
    Missing,
    Running,
}

/// The open streams of this node by user.
#[derive(Default)]
pub(crate) struct Connections {
    users: Arc<Mutex<Users>>,
    streams: Arc<Mutex<Streams>>,
}

/// One of the streams that a user or a key may have. Dropping it gives it back.
pub(super) struct Place {
    streams: Arc<Mutex<Streams>>,
    holder: (WorkspaceId, String),
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(count) = streams.get_mut(&self.holder) else { return };
        *count -= 1;
        if *count == 0 {
            streams.remove(&self.holder);
        }
    }
}

/// One open stream. Dropping it ends it.
pub(super) struct Connected {
    users: Arc<Mutex<Users>>,
    key: (WorkspaceId, UserId),
    client: Client,
}

impl Connections {
    /// How many users have a stream open.
    pub(crate) fn users(&self) -> usize {
        self.users.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// A place for one more stream of a user or a key.
    ///
    /// # Errors
    /// When it has as many as it may have.
    pub(super) fn place(&self, workspace_id: WorkspaceId, actor: String) -> Result<Place, Problem> {
        let holder = (workspace_id, actor);
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let count = streams.entry(holder.clone()).or_default();
        if *count >= MOST_STREAMS {
            let words = format!(
                "This user or API key has {MOST_STREAMS} event streams open already. Close one of them, then try again."
            );
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_streams", words);
            return Err(problem.retry_after(STREAMS_RETRY));
        }
        *count += 1;
        Ok(Place { streams: Arc::clone(&self.streams), holder })
    }

    /// Notes a new stream; the user is known as connected when this returns.
    pub(super) async fn open(
        &self,
        state: &AppState,
        workspace_id: WorkspaceId,
        user_id: UserId,
        client: Client,
    ) -> Result<Connected, Problem> {
        // From here on the count is right again whatever happens.
        let connected = self.enter((workspace_id, user_id), client);
        let mut renewal = Renewal::of(state, workspace_id, user_id).await?;
        renewal.said = connected.said();
        renewal.seen(client).await?;
        if let Some(gone) = connected.start_renewal() {
            tokio::spawn(renewal.run(gone));
        }
        Ok(connected)
    }

    /// The user's client was heard.
    pub(super) async fn beat(state: &AppState, workspace_id: WorkspaceId, user_id: UserId) -> Result<(), Problem> {
        let mut renewal = Renewal::of(state, workspace_id, user_id).await?;
        if let Some(said) = state.connections.said((workspace_id, user_id)) {
            renewal.said = said;
        }
        Ok(renewal.seen(Client::Beats).await?)
    }

    /// Whether a stream of the user is open that only an end of it tells to be gone.
    fn listens(&self, key: (WorkspaceId, UserId)) -> bool {
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        users.get(&key).is_some_and(|user| user.listening > 0)
    }

    /// Until when this node has said that a user is there who has a stream open here.
    fn said(&self, key: (WorkspaceId, UserId)) -> Option<Arc<AtomicI64>> {
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        users.get(&key).map(|user| Arc::clone(&user.said))
    }

    /// Counts a stream.
    fn enter(&self, key: (WorkspaceId, UserId), client: Client) -> Connected {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let user = users.entry(key).or_insert_with(|| User {
            streams: 0,
            listening: 0,
            renewal: RenewalTask::Missing,
            gone: CancellationToken::new(),
            said: Arc::default(),
        });
        user.streams += 1;
        user.listening += usize::from(client == Client::Listens);
        Connected { users: Arc::clone(&self.users), key, client }
    }
}

impl Connected {
    fn said(&self) -> Arc<AtomicI64> {
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        users.get(&self.key).map(|user| Arc::clone(&user.said)).unwrap_or_default()
    }

    /// What ends the task that renews, when there is none yet: whoever asks starts it.
    fn start_renewal(&self) -> Option<CancellationToken> {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let user = users.get_mut(&self.key).filter(|user| user.renewal == RenewalTask::Missing)?;
        user.renewal = RenewalTask::Running;
        Some(user.gone.clone())
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(user) = users.get_mut(&self.key) else { return };
        user.streams -= 1;
        user.listening -= usize::from(self.client == Client::Listens);
        if user.streams == 0 {
            user.gone.cancel();
            users.remove(&self.key);
        }
    }
}

/// Keeps a user connected in the store: while a client is there that only listens, and until the last stream has gone.
struct Renewal {
    state: AppState,
    workspace_id: WorkspaceId,
    user_id: UserId,
    /// Milliseconds from the end of the last stream to being gone.
    grace: i64,
    /// Until when it was said that the user is there.
    said: Arc<AtomicI64>,
}

impl Renewal {
    async fn of(state: &AppState, workspace_id: WorkspaceId, user_id: UserId) -> Result<Self, StoreError> {
        let workspace = state.store.read::<_, StoreError, _>(move |tx| tx.workspace(workspace_id)).await?;
        let grace = workspace.map_or(0, |workspace| workspace.settings.disconnect_grace);
        Ok(Self { state: state.clone(), workspace_id, user_id, grace, said: Arc::default() })
    }

    /// Connected for long enough to miss one renewal or beat; a node or a line that dies is noticed when that has passed.
    async fn seen(&self, client: Client) -> Result<(), DeskError> {
        let patience = match client {
            Client::Beats => 2 * i64::try_from(HEARTBEAT.as_millis()).unwrap_or(0),
            Client::Listens => 2 * RENEWAL,
        };
        let until = self.state.ctx.now().plus(self.grace + patience);
        self.said.fetch_max(until.0, Ordering::Relaxed);
        routing::seen(&self.state.store, &self.state.ctx, self.workspace_id, self.user_id, until).await
    }

    async fn run(self, gone: CancellationToken) {
        let pause = Duration::from_millis(RENEWAL.unsigned_abs());
        loop {
            tokio::select! {
                () = gone.cancelled() => break,
                () = self.state.shutdown.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
            if !self.state.connections.listens((self.workspace_id, self.user_id)) {
                continue;
            }
            if let Err(error) = self.seen(Client::Listens).await {
                tracing::warn!(user_id = %self.user_id, %error, "an agent's connection could not be renewed");
            }
        }
        let known = Timestamp(self.said.load(Ordering::Relaxed));
        let left = routing::left(&self.state.store, &self.state.ctx, self.workspace_id, self.user_id, known).await;
        if let Err(error) = left {
            tracing::warn!(user_id = %self.user_id, %error, "the end of an agent's connection could not be stored");
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_stream_that_fails_leaves_the_renewal_to_the_next() {
        let connections = Connections::default();
        let key = (WorkspaceId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let (first, second) = (connections.enter(key, Client::Listens), connections.enter(key, Client::Listens));
        drop(first);
        let gone = second.start_renewal();
        assert!(gone.as_ref().is_some_and(|gone| !gone.is_cancelled()), "the second stream keeps the user connected");
        let third = connections.enter(key, Client::Beats);
        assert!(connections.listens(key));
        assert!(third.start_renewal().is_none(), "one task for each user");
        drop(second);
        assert!(!connections.listens(key), "the third one says itself that it is there");
        assert!(gone.as_ref().is_some_and(|gone| !gone.is_cancelled()), "the third stream is open");
        drop(third);
        assert!(gone.is_some_and(|gone| gone.is_cancelled()));
        assert_eq!(connections.users(), 0);
        assert!(connections.enter(key, Client::Beats).start_renewal().is_some(), "back again");
    }
}
