//! Which conversations a person may read.
//!
//! Supervisors and admins: all. Others: their own, those that wait in their queues, and what the same customer wrote
//! before, while they have the customer's open conversation.

use http::StatusCode;
use segue_access::{Permission, permission};
use segue_model::{QueueId, SessionId, UserId, WorkspaceId, session::SessionState};
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
