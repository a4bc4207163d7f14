//! What customers see of being attended to: that they were read, and that an answer is being written.

use segue_model::{Ctx, JobId, SessionId, WorkspaceId, actor::Actor, time};
use segue_store::{
    Store, StoreError, Tx,
    job::NewJob,
    session::Session,
    shown::{SHOW_CUSTOMER, ShowCustomer, Shown},
};

use crate::{
    DeskError,
    sessions::{Standing, require, to_change},
};

/// How often a customer is told of writing at most: the dots stay for 25 seconds.
const TYPING_EVERY: i64 = 20 * time::SECOND;
/// How late a customer is still told that they were read.
const READ_WITHIN: i64 = 5 * time::MINUTE;
/// How late a customer is still told that somebody writes.
const TYPING_WITHIN: i64 = 10 * time::SECOND;

/// The customer is shown that what they wrote was read, once for each latest message.
pub(crate) fn read(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    session_id: SessionId,
) -> Result<(), StoreError> {
    show(tx, ctx, workspace_id, session_id, Shown::Read)
}

/// The session's agent writes an answer: the customer is shown it for a while, while the service window is open. What
/// comes within 20 seconds of the last one changes nothing.
///
/// # Errors
/// When there is no such session, or it is somebody else's.
pub async fn typing(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    id: SessionId,
) -> Result<(), DeskError> {
    let (ctx, actor) = (ctx.clone(), actor.clone());
    store
        .write(move |tx| {
            let session = to_change(tx, workspace_id, id)?;
            require(&actor, &session, Standing::Owner)?;
            if may_write(&session, &ctx) {
                show(tx, &ctx, workspace_id, id, Shown::Typing)?;
            }
            Ok(())
        })
        .await
}

/// Whether an answer could be sent now.
fn may_write(session: &Session, ctx: &Ctx) -> bool {
    session.ended_at.is_none() && session.window_expires_at.is_some_and(|end| end > ctx.now())
}

fn show(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    session_id: SessionId,
    shown: Shown,
) -> Result<(), StoreError> {
    let Some(last) = tx.last_heard(workspace_id, session_id, 1)?.pop() else { return Ok(()) };
    let now = ctx.now();
    let (dedupe_key, within) = match shown {
        Shown::Read => (format!("read:{}", last.id), READ_WITHIN),
        Shown::Typing => (format!("typing:{session_id}:{}", now.0.div_euclid(TYPING_EVERY)), TYPING_WITHIN),
    };
    let id: JobId = ctx.id();
    let wanted = ShowCustomer { session_id, message_id: last.id, shown, until: now.plus(within) };
    let payload = serde_json::json!(wanted);
    tx.schedule(workspace_id, &NewJob { id, kind: SHOW_CUSTOMER, dedupe_key, payload, run_at: now }, now)?;
    Ok(())
}
