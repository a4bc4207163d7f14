//! Which conversations a person may read, as answers: 404 when there is none, 403 when it is none of the caller's business.

use segue_desk::{DeskError, sight::Sight};
use segue_model::SessionId;
use segue_store::session::SessionView;

use crate::{AppState, caller::Caller, problem::Problem};

/// The conversation, when the caller may read it ([`segue_desk::sight`]).
///
/// # Errors
/// 404 when there is none, 403 when it is none of the caller's business.
pub(super) async fn readable(state: &AppState, caller: &Caller, id: SessionId) -> Result<SessionView, Problem> {
    let (workspace_id, role, user_id) = (caller.workspace_id, caller.actor.role(), caller.user_id());
    let read = state.store.read::<_, Problem, _>(move |tx| {
        let session = tx.session_view(workspace_id, id)?.ok_or_else(|| Problem::not_found("session"))?;
        let sight = Sight::of(tx, workspace_id, &session)?;
        if sight.includes(role, user_id) { Ok(session) } else { Err(DeskError::NotVisible.into()) }
    });
    read.await
}
