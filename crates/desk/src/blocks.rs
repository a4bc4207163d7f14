//! Blocking customers and taking that back.
//!
//! A block holds from its commit on: the session ends, and whatever still comes in of the customer is kept in the last
//! conversation and wakes nobody. The job that tells WhatsApp is written in the same transaction.

use segue_model::{Ctx, JobId, MessagingUserId, SessionId, WorkspaceId, actor::Actor, session::EndedBy};
use segue_store::{
    Store, Tx,
    customer_block::{BlockView, TELL_BLOCK},
    job::NewJob,
    session::SessionView,
};
use serde::{Deserialize, Serialize};

use crate::{
    DeskError, closing,
    notice::Notices,
    say::system_line,
    sessions::{self, Page, Standing},
};

const LONGEST_REASON: usize = 300;

/// Payload of the jobs that tell WhatsApp.
#[derive(Debug, Serialize, Deserialize)]
pub struct TellBlock {
    pub messaging_user_id: MessagingUserId,
}

/// Blocks the session's customer and ends the session.
///
/// # Errors
/// [`DeskError::NotOwner`], [`DeskError::InvalidField`] without a reason, or when there is no such session.
pub async fn block(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    session_id: SessionId,
    reason: &str,
) -> Result<SessionView, DeskError> {
    let reason = reason.trim().to_owned();
    if reason.is_empty() || reason.chars().count() > LONGEST_REASON {
        let message = format!("Say why, in at most {LONGEST_REASON} characters. Colleagues will read it.");
        return Err(DeskError::InvalidField { field: "reason", message });
    }
    let (ctx, actor) = (ctx.clone(), actor.clone());
    store
        .write(move |tx| {
            let mut session = sessions::to_change(tx, workspace_id, session_id)?;
            sessions::require(&actor, &session, Standing::OwnerOrSupervisor)?;
            let user_id = session.messaging_user_id;
            let name = sessions::name(&actor);
            let mut notices = Notices::new(workspace_id);
            tx.block_customer(workspace_id, user_id, session.channel_id, &reason, &actor.reference(), ctx.now())?;
            tell(tx, &ctx, workspace_id, user_id)?;
            let line = format!("{name} blocked the customer: {reason}");
            match tx.open_session_of(workspace_id, session.channel_id, user_id)? {
                Some(open) if open != session_id => {
                    let mut open = sessions::to_change(tx, workspace_id, open)?;
                    sessions::require(&actor, &open, Standing::OwnerOrSupervisor)?;
                    closing::close(tx, &ctx, workspace_id, &mut open, EndedBy::Agent, line, &mut notices)?;
                    tx.save_session(workspace_id, &mut open)?;
                }
                Some(_) => closing::close(tx, &ctx, workspace_id, &mut session, EndedBy::Agent, line, &mut notices)?,
                None => system_line(tx, &ctx, workspace_id, &mut session, line, &mut notices)?,
            }
            tx.save_session(workspace_id, &mut session)?;
            notices.session_updated(session_id);
            notices.tell(tx, ctx.now())?;
            sessions::view(tx, workspace_id, session_id)
        })
        .await
}

/// Takes a block back.
///
/// # Errors
/// When the customer is not blocked.
pub async fn unblock(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    user_id: MessagingUserId,
) -> Result<(), DeskError> {
    let (ctx, actor) = (ctx.clone(), actor.clone());
    store
        .write(move |tx| {
            if tx.block_of(workspace_id, user_id)?.is_none() {
                return Err(DeskError::NotFound("blocked customer"));
            }
            if !tx.unblock_customer(workspace_id, user_id)? {
                return Ok(());
            }
            tell(tx, &ctx, workspace_id, user_id)?;
            if let Some(last) = tx.session_ids_of(workspace_id, user_id)?.last() {
                let mut session = sessions::to_change(tx, workspace_id, *last)?;
                let mut notices = Notices::new(workspace_id);
                let line = format!("{} unblocked the customer.", sessions::name(&actor));
                system_line(tx, &ctx, workspace_id, &mut session, line, &mut notices)?;
                tx.save_session(workspace_id, &mut session)?;
                notices.session_updated(*last);
                notices.tell(tx, ctx.now())?;
            }
            Ok(())
        })
        .await
}

/// One page of blocked customers; the cursor is the id of the last one.
///
/// # Errors
/// When the cursor is not one.
pub async fn list(
    store: &Store,
    workspace_id: WorkspaceId,
    cursor: Option<String>,
    limit: u32,
) -> Result<Page<BlockView>, DeskError> {
    let before = cursor.map(|text| text.parse()).transpose().map_err(|_| DeskError::InvalidField {
        field: "cursor",
        message: "This is not a cursor of a previous page.".to_owned(),
    })?;
    let limit = limit.clamp(1, sessions::PAGE_LIMIT);
    let mut data = store.read(move |tx| tx.blocks(workspace_id, before, limit + 1).map_err(DeskError::from)).await?;
    let has_more = data.len() > limit as usize;
    data.truncate(limit as usize);
    let next_cursor = data.last().filter(|_| has_more).map(|last| last.messaging_user_id.to_string());
    Ok(Page { data, next_cursor })
}

/// Plans to tell WhatsApp what is to be told of a customer's block.
pub(crate) fn tell(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    user_id: MessagingUserId,
) -> Result<(), DeskError> {
    let id: JobId = ctx.id();
    let job = NewJob {
        id,
        kind: TELL_BLOCK,
        // Each change is told, also the second one within a moment.
        dedupe_key: id.to_string(),
        payload: serde_json::json!(TellBlock { messaging_user_id: user_id }),
        run_at: ctx.now(),
    };
    tx.schedule(workspace_id, &job, ctx.now())?;
    Ok(())
}
