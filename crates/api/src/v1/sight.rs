//! Which conversations a person may read.
//!
//! Supervisors and admins: all. Others: their own, those that wait in their queues, and what the same customer wrote
//! before, while they have the customer's open conversation.

use http::StatusCode;
use segue_access::{Permission, permission};
use segue_model::{MediaId, QueueId, SessionId, UserId, WorkspaceId, session::SessionState};
use segue_store::{StoreError, Tx, session::SessionView};

use crate::{AppState, caller::Caller, problem::Problem};

/// The conversation, when the caller may read it.
///
/// # Errors
/// 404 when there is none, 403 when it is none of the caller's business.
pub(super) async fn readable(state: &AppState, caller: &Caller, id: SessionId) -> Result<SessionView, Problem> {
    let (workspace_id, user_id) = (caller.workspace_id, caller.user_id());
    let sees_all = permission::allows(caller.actor.role(), Permission::Supervise);
    let read = state.store.read::<_, Problem, _>(move |tx| {
        let session = tx.session_view(workspace_id, id)?.ok_or_else(|| Problem::not_found("session"))?;
        if sees_all {
            return Ok(session);
        }
        let queues = match user_id {
            Some(user_id) => tx.queues_of_member(workspace_id, user_id)?,
            None => Vec::new(),
        };
        if concerns(&session, user_id, &queues) {
            return Ok(session);
        }
        let open = open_one(tx, workspace_id, &session)?;
        if open.is_some_and(|open| concerns(&open, user_id, &queues)) { Ok(session) } else { Err(hidden()) }
    });
    read.await
}

/// Passes when the caller may read a conversation that the file belongs to. One that belongs to none was uploaded and not
/// sent yet, or is the example of a template.
///
/// # Errors
/// 403 when it is in none of the caller's conversations.
pub(super) async fn file_readable(state: &AppState, caller: &Caller, id: MediaId) -> Result<(), Problem> {
    if permission::allows(caller.actor.role(), Permission::Supervise) {
        return Ok(());
    }
    let workspace_id = caller.workspace_id;
    let messages = state.store.read::<_, StoreError, _>(move |tx| tx.messages_of_media(workspace_id, id)).await?;
    let mut sessions: Vec<SessionId> = messages.into_iter().map(|(session_id, _)| session_id).collect();
    sessions.dedup();
    if sessions.is_empty() {
        return Ok(());
    }
    for session_id in sessions {
        if readable(state, caller, session_id).await.is_ok() {
            return Ok(());
        }
    }
    Err(hidden())
}

/// The customer's conversation that is open now.
fn open_one(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    session: &SessionView,
) -> Result<Option<SessionView>, StoreError> {
    let customer = session.customer.messaging_user_id;
    match tx.open_session_of(workspace_id, session.channel_id, customer)? {
        Some(id) => tx.session_view(workspace_id, id),
        None => Ok(None),
    }
}

fn concerns(session: &SessionView, user_id: Option<UserId>, queues: &[QueueId]) -> bool {
    match &session.agent {
        Some(agent) => Some(agent.id) == user_id,
        None => {
            let waits = matches!(session.state, SessionState::Waiting | SessionState::Error);
            waits && session.queue_id.is_some_and(|queue_id| queues.contains(&queue_id))
        }
    }
}

fn hidden() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "not_visible",
        "This conversation belongs to somebody else. Ask a supervisor if you need to see it.",
    )
}
