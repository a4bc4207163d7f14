//! Whose ledger is checked now: each workspace waits for itself alone, and for others only when many are checked at once.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use segue_model::WorkspaceId;
use tokio::sync::{OwnedMutexGuard, Semaphore, SemaphorePermit};

/// Ledgers that are checked at once, of all workspaces: the others who read keep connections to the database.
pub(crate) const AT_ONCE: usize = 2;

/// The turns of all workspaces. Holds nothing of a workspace that checks nothing.
pub(crate) struct LedgerTurns {
    own: Mutex<BTreeMap<WorkspaceId, Arc<tokio::sync::Mutex<()>>>>,
    all: Semaphore,
}

/// Somebody's turn, for as long as it is held.
pub(crate) struct Turn<'a> {
    _all: Option<SemaphorePermit<'a>>,
    _own: OwnedMutexGuard<()>,
}

impl LedgerTurns {
    pub const fn new() -> Self {
        Self { own: Mutex::new(BTreeMap::new()), all: Semaphore::const_new(AT_ONCE) }
    }

    /// Waits for a turn: first behind those of the same workspace, so that many of them take no place of another's.
    pub async fn take(&self, workspace_id: WorkspaceId) -> Turn<'_> {
        let own = {
            let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
            // Whoever waits or checks holds one too.
            own.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(own.entry(workspace_id).or_default())
        };
        let _own = own.lock_owned().await;
        // It is never closed.
        let _all = self.all.acquire().await.ok();
        Turn { _all, _own }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn workspace(number: u8) -> WorkspaceId {
        format!("ws_{number:026}").parse().unwrap()
    }

    async fn at_once(turns: &LedgerTurns, number: u8) -> Option<Turn<'_>> {
        tokio::time::timeout(Duration::from_millis(50), turns.take(workspace(number))).await.ok()
    }

    #[tokio::test]
    async fn a_workspace_waits_for_itself_and_for_others_only_when_many_are_checked() {
        let turns = LedgerTurns::new();
        let first = at_once(&turns, 1).await.expect("nobody else");
        assert!(at_once(&turns, 1).await.is_none(), "one walk of a workspace");
        let second = at_once(&turns, 2).await.expect("another workspace");
        assert!(at_once(&turns, 3).await.is_none(), "not all at once");
        drop(first);
        let third = at_once(&turns, 3).await.expect("there is room");
        drop((second, third));
        drop(at_once(&turns, 4).await.expect("all are through"));
        let kept: Vec<_> = turns.own.lock().unwrap().keys().copied().collect();
        assert_eq!(kept, [workspace(4)], "what nobody needs is gone");
    }
}
