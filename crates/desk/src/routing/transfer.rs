//! Moving a session to another queue or agent, and taking one over.

use segue_model::{
    Ctx, QueueId, SessionId, UserId, WorkspaceId,
    actor::Actor,
    routing::{PresenceStatus, WorkItemState, WorkItemStep},
    session::SessionStep,
};
use segue_store::{
    Store, Tx,
    recipient::Stamp,
    session::{Session, SessionView},
};

use super::{assign, enqueue, lock, stranded::may_converse};
use crate::{
    DeskError, automatic,
    inbound::step,
    notice::Notices,
    say::system_line,
    sessions::{self, Standing},
};

/// Where a session goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Queue(QueueId),
    User(UserId),
}

/// Moves a session to a queue, where it waits again with the time it has waited already, or straight to a colleague who
/// is not offline and has free capacity. For its agent, or a supervisor.
///
/// # Errors
/// [`DeskError::NotOwner`], [`DeskError::AtCapacity`], [`DeskError::AgentOffline`], [`DeskError::SessionEnded`], or when
/// session, queue or agent do not exist.
pub async fn transfer(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    session_id: SessionId,
    target: Target,
) -> Result<SessionView, DeskError> {
    let (ctx, actor) = (ctx.clone(), actor.clone());
    store
        .write(move |tx| {
            let mut session = open(tx, workspace_id, session_id)?;
            sessions::require(&actor, &session, Standing::OwnerOrSupervisor)?;
            let mut notices = Notices::new(workspace_id);
            let by = sessions::name(&actor);
            let line = match target {
                Target::Queue(queue_id) => {
                    let queue = tx.queue(workspace_id, queue_id)?.ok_or(DeskError::NotFound("queue"))?;
                    release(tx, &ctx, workspace_id, &mut session, queue_id, &mut notices)?;
                    format!("{by} moved the session to {}.", queue.name)
                }
                Target::User(user_id) => {
                    let user =
                        tx.user(workspace_id, user_id)?.filter(may_converse).ok_or(DeskError::NotFound("agent"))?;
                    let presence = tx.known_presence(workspace_id, user_id)?;
                    if presence.is_none_or(|presence| presence.status == PresenceStatus::Offline) {
                        return Err(DeskError::AgentOffline);
                    }
                    lock(tx, workspace_id)?;
                    assign(tx, &ctx, workspace_id, &mut session, user_id, &mut notices)?;
                    sessions::stamp(tx, workspace_id, &session, Stamp::Agent, ctx.now())?;
                    automatic::introduce(tx, &ctx, workspace_id, &mut session, &user, &mut notices)?;
                    format!("{by} gave the session to {}.", user.name)
                }
            };
            finish(tx, &ctx, workspace_id, session, line, notices)
        })
        .await
}

/// A supervisor takes a session, from the bot, the queue or another agent.
///
/// # Errors
/// [`DeskError::NotSupervisor`], [`DeskError::AtCapacity`], [`DeskError::SessionEnded`], or when there is no such session.
pub async fn take_over(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    session_id: SessionId,
) -> Result<SessionView, DeskError> {
    let (ctx, actor) = (ctx.clone(), actor.clone());
    store
        .write(move |tx| {
            let mut session = open(tx, workspace_id, session_id)?;
            sessions::require(&actor, &session, Standing::Supervisor)?;
            let user_id = actor.user_id().ok_or(DeskError::NotFound("agent"))?;
            let mut notices = Notices::new(workspace_id);
            if session.agent_id == Some(user_id) {
                return sessions::view(tx, workspace_id, session_id);
            }
            lock(tx, workspace_id)?;
            assign(tx, &ctx, workspace_id, &mut session, user_id, &mut notices)?;
            sessions::stamp(tx, workspace_id, &session, Stamp::Agent, ctx.now())?;
            if let Some(agent) = tx.user(workspace_id, user_id)? {
                automatic::introduce(tx, &ctx, workspace_id, &mut session, &agent, &mut notices)?;
            }
            let line = format!("{} took the session over.", sessions::name(&actor));
            finish(tx, &ctx, workspace_id, session, line, notices)
        })
        .await
}

fn open(tx: &mut Tx<'_>, workspace_id: WorkspaceId, id: SessionId) -> Result<Session, DeskError> {
    let session = sessions::to_change(tx, workspace_id, id)?;
    if session.ended_at.is_some() { Err(DeskError::SessionEnded) } else { Ok(session) }
}

fn finish(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    mut session: Session,
    line: String,
    mut notices: Notices,
) -> Result<SessionView, DeskError> {
    system_line(tx, ctx, workspace_id, &mut session, line, &mut notices)?;
    tx.save_session(workspace_id, &mut session)?;
    notices.session_updated(session.id);
    notices.tell(tx, ctx.now())?;
    sessions::view(tx, workspace_id, session.id)
}

/// Puts a session back into a queue. Who gives it away is not the first to be asked again.
pub(super) fn release(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    session: &mut Session,
    queue_id: QueueId,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    lock(tx, workspace_id)?;
    let now = ctx.now();
    let item = tx.open_work_item_of(workspace_id, session.id)?;
    let Some(mut item) = item.filter(|item| item.state == WorkItemState::Accepted) else {
        return enqueue(tx, ctx, workspace_id, session, queue_id, notices);
    };
    let before = item.agent_id.take();
    item.state = item.state.after(WorkItemStep::Release).map_err(|_| DeskError::SessionEnded)?;
    item.queue_id = queue_id;
    // The time of the conversation was no waiting.
    let waited = item.accepted_at.take().map_or(0, |at| at.since(item.enqueued_at).max(0));
    (item.enqueued_at, item.preferred_id) = (now.plus(-waited), None);
    item.declined = before.into_iter().collect();
    let pause = tx.queue(workspace_id, queue_id)?.map_or(0, |queue| i64::from(queue.offer_seconds));
    item.ask_again_at = now.plus(pause * 1_000);
    if tx.move_work_item(workspace_id, WorkItemState::Accepted, &item)?
        && let Some(before) = before
    {
        tx.free_capacity(workspace_id, before, item.weight, now)?;
        notices.presence_updated(before);
    }
    session.agent_id = None;
    session.queue_id = Some(queue_id);
    session.state = step(session, SessionStep::Release)?;
    Ok(())
}
