//! Who has an event stream open on this node.
//!
//! While a user has one, the user counts as connected: a task renews that in the store. When the last one has gone, the
//! renewals stop and the grace of the workspace runs; unless the user is back by then (here or on another node, which
//! renews as well), pending offers go back and the presence becomes offline.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use segue_desk::{DeskError, routing};
use segue_model::{UserId, WorkspaceId};
use segue_store::StoreError;
use tokio_util::sync::CancellationToken;

use crate::{AppState, problem::Problem};

/// How often a connection is renewed in the store, in milliseconds.
const RENEWAL: i64 = 3_000;

type Users = HashMap<(WorkspaceId, UserId), User>;

struct User {
    streams: usize,
    /// Ends the task that renews.
    gone: CancellationToken,
}

/// The open streams of this node by user.
#[derive(Default)]
pub(crate) struct Connections {
    users: Arc<Mutex<Users>>,
}

/// One open stream. Dropping it ends it.
pub(super) struct Connected {
    users: Arc<Mutex<Users>>,
    key: (WorkspaceId, UserId),
}

impl Connections {
    /// How many users have a stream open.
    pub(crate) fn users(&self) -> usize {
        self.users.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Notes a new stream; the user is known as connected when this returns.
    pub(super) async fn open(
        &self,
        state: &AppState,
        workspace_id: WorkspaceId,
        user_id: UserId,
    ) -> Result<Connected, Problem> {
        let key = (workspace_id, user_id);
        let first = {
            let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
            let user = users.entry(key).or_insert_with(|| User { streams: 0, gone: CancellationToken::new() });
            user.streams += 1;
            (user.streams == 1).then(|| user.gone.clone())
        };
        // From here on the count is right again whatever happens.
        let connected = Connected { users: Arc::clone(&self.users), key };
        let workspace = state.store.read::<_, StoreError, _>(move |tx| tx.workspace(workspace_id)).await?;
        let grace = workspace.map_or(0, |workspace| workspace.settings.disconnect_grace);
        let renewal = Renewal { state: state.clone(), workspace_id, user_id, grace };
        renewal.seen().await?;
        if let Some(gone) = first {
            tokio::spawn(renewal.run(gone));
        }
        Ok(connected)
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(user) = users.get_mut(&self.key) else { return };
        user.streams -= 1;
        if user.streams == 0 {
            user.gone.cancel();
            users.remove(&self.key);
        }
    }
}

/// Keeps a user connected in the store until the last stream has gone.
struct Renewal {
    state: AppState,
    workspace_id: WorkspaceId,
    user_id: UserId,
    /// Milliseconds from the end of the last stream to being gone.
    grace: i64,
}

impl Renewal {
    /// Connected for long enough to miss one renewal; a node that dies is noticed when that has passed.
    async fn seen(&self) -> Result<(), DeskError> {
        let until = self.state.ctx.now().plus(self.grace + 2 * RENEWAL);
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
            if let Err(error) = self.seen().await {
                tracing::warn!(user_id = %self.user_id, %error, "an agent's connection could not be renewed");
            }
        }
        let left = routing::left(&self.state.store, &self.state.ctx, self.workspace_id, self.user_id).await;
        if let Err(error) = left {
            tracing::warn!(user_id = %self.user_id, %error, "the end of an agent's connection could not be stored");
        }
    }
}
