//! Ending a session: case, work item, bot and session in one transaction.

use segue_model::{
    Ctx, SessionId, WorkspaceId,
    actor::Actor,
    conversation::Occasion,
    session::{EndedBy, SessionStep},
};
use segue_store::{
    Store, Tx,
    crm::LeadStatus,
    flow::RunStatus,
    recipient::Stamp,
    session::{Session, SessionOutcome, SessionView},
};

use crate::{
    DeskError, automatic, cases,
    inbound::{Desk, step},
    leads,
    notice::Notices,
    pending, routing,
    say::system_line,
    sessions::{self, Standing},
};

segue_model::text_enum! {
    /// What becomes of the session's case.
    pub enum CaseFate {
        Close = "close",
        KeepOpen = "keep_open",
    }
}

/// How an agent ends a session.
#[derive(Debug, Clone)]
pub struct EndSession {
    pub case: CaseFate,
    pub outcome: SessionOutcome,
    pub reason: Option<String>,
}

/// Ends a session for its agent or a supervisor. Ending it again changes nothing.
///
/// # Errors
/// [`DeskError::NotOwner`], or when there is no such session.
pub async fn end(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    session_id: SessionId,
    request: EndSession,
) -> Result<SessionView, DeskError> {
    let (ctx, actor) = (ctx.clone(), actor.clone());
    store
        .write(move |tx| {
            let mut session = sessions::to_change(tx, workspace_id, session_id)?;
            sessions::require(&actor, &session, Standing::OwnerOrSupervisor)?;
            if session.ended_at.is_none() {
                let mut notices = Notices::new(workspace_id);
                end_in(tx, &ctx, workspace_id, &actor, &mut session, &request, &mut notices)?;
                tx.save_session(workspace_id, &mut session)?;
                notices.tell(tx, ctx.now())?;
            }
            sessions::view(tx, workspace_id, session_id)
        })
        .await
}

fn end_in(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    session: &mut Session,
    request: &EndSession,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let now = ctx.now();
    if let Some(case_id) = session.case_id {
        sessions::stamp(tx, workspace_id, session, Stamp::Case, now)?;
        if request.case == CaseFate::Close
            && tx.close_case(workspace_id, case_id, now)?
            && let Some(case) = tx.case(workspace_id, case_id)?
        {
            notices.case_updated(case);
        }
    }
    session.outcome = Some(request.outcome);
    let status = match request.outcome {
        SessionOutcome::Won => Some(LeadStatus::Won),
        SessionOutcome::Lost => Some(LeadStatus::Lost),
        SessionOutcome::None => None,
    };
    if request.outcome == SessionOutcome::Won {
        sessions::stamp(tx, workspace_id, session, Stamp::Won, now)?;
    }
    if let Some(status) = status {
        leads::settle_lead_of(tx, workspace_id, session, status)?;
    }
    say_goodbye(tx, ctx, workspace_id, session, notices)?;
    let by = sessions::name(actor);
    let mut line = match request.outcome {
        SessionOutcome::None => format!("{by} ended the session."),
        outcome => format!("{by} ended the session: {outcome}."),
    };
    if let Some(reason) = request.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty()) {
        line = format!("{line} {reason}");
    }
    close(tx, ctx, workspace_id, session, EndedBy::Agent, line, notices)
}

/// The channel's message at the end of a session, when it has one.
fn say_goodbye(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    session: &mut Session,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let Some(channel) = tx.channel(workspace_id, session.channel_id)? else { return Ok(()) };
    let Some(workspace) = tx.workspace(workspace_id)? else { return Ok(()) };
    let desk = Desk { ctx, workspace: &workspace, channel: &channel };
    automatic::speak(tx, &desk, session, (Occasion::End, None), notices)
}

/// Ends a session for whatever reason: the bot is silenced, the work item closed, capacity given back. The caller saves
/// the session. An ended session is left as it is.
pub(crate) fn close(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    session: &mut Session,
    by: EndedBy,
    line: String,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    if session.ended_at.is_some() {
        return Ok(());
    }
    let now = ctx.now();
    tx.end_flow_run(workspace_id, session.id, RunStatus::Ended, now)?;
    routing::close_work(tx, ctx, workspace_id, session.id, notices)?;
    pending::discard_all(tx, ctx, workspace_id, session, notices)?;
    if by != EndedBy::Agent {
        cases::ended(tx, ctx, workspace_id, session, notices)?;
    }
    session.state = step(session, SessionStep::End)?;
    session.numbers.waits_since = None;
    (session.ended_at, session.ended_by, session.unread) = (Some(now), Some(by), 0);
    system_line(tx, ctx, workspace_id, session, line, notices)?;
    notices.session_updated(session.id);
    Ok(())
}
