//! Conversations of agents who may no longer have any: their account was switched off, or their role changed.
//!
//! Each goes back to its queue in a transaction of its own, which looks again whether the agent may not converse. A crash
//! between two leaves the rest with the agent; the next look finds them. So it does not matter whether it is called at
//! the moment the account is switched off.

use segue_model::{Ctx, SessionId, UserId, WorkspaceId};
use segue_store::{Store, StoreError, access::User};

use super::{queue_for, transfer::release};
use crate::{DeskError, notice::Notices, say::system_line, sessions};

/// Most sessions given back in one look; the next one follows within a second.
const MOST: u32 = 50;

/// Puts conversations of agents who may no longer converse back into their queues. Gives how many.
///
/// # Errors
/// When the store cannot be read. A session that cannot be given back is left for the next look and stops no other.
pub async fn release_stranded(store: &Store, ctx: &Ctx, workspace_id: WorkspaceId) -> Result<usize, StoreError> {
    let stranded = store
        .read::<_, StoreError, _>(move |tx| {
            let mut sessions = Vec::new();
            for user in tx.burdened_users(workspace_id)?.iter().filter(|user| !may_converse(user)) {
                let of_user = tx.accepted_sessions_of(workspace_id, user.id, MOST)?;
                sessions.extend(of_user.into_iter().map(|session_id| (session_id, user.id)));
            }
            Ok(sessions)
        })
        .await?;
    let mut released = 0;
    for (session_id, user_id) in stranded {
        match release_one(store, ctx, workspace_id, session_id, user_id).await {
            Ok(done) => released += usize::from(done),
            Err(DeskError::Store(error @ StoreError::Unavailable(_))) => return Err(error),
            Err(error) => tracing::warn!(%session_id, %error, "a conversation of a former agent stays with them"),
        }
    }
    Ok(released)
}

async fn release_one(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    session_id: SessionId,
    user_id: UserId,
) -> Result<bool, DeskError> {
    let ctx = ctx.clone();
    store
        .write(move |tx| {
            let mut session = sessions::to_change(tx, workspace_id, session_id)?;
            let user = tx.user(workspace_id, user_id)?.filter(|user| !may_converse(user));
            let Some(user) = user.filter(|_| session.agent_id == Some(user_id) && session.ended_at.is_none()) else {
                return Ok(false);
            };
            let mut notices = Notices::new(workspace_id);
            let queue_id = queue_for(tx, workspace_id, &session)?;
            release(tx, &ctx, workspace_id, &mut session, queue_id, &mut notices)?;
            let line = format!("{} may no longer talk to customers, so the session waits for a colleague.", user.name);
            system_line(tx, &ctx, workspace_id, &mut session, line, &mut notices)?;
            tx.save_session(workspace_id, &mut session)?;
            notices.session_updated(session.id);
            notices.tell(tx, ctx.now())?;
            Ok(true)
        })
        .await
}

/// Whether conversations can be given to this user.
pub(super) fn may_converse(user: &User) -> bool {
    user.disabled_at.is_none() && user.role.may_converse()
}
