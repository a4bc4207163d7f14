//! Support cases.

use segue_model::{CaseId, Ctx, SessionId, WorkspaceId, actor::Actor};
use segue_store::{
    Store,
    crm::{CaseState, CaseView},
    recipient::Stamp,
};
use uuid::Uuid;

use crate::{
    DeskError,
    notice::Notices,
    say::system_line,
    sessions::{self, Page},
};

/// Longest subject.
const SUBJECT: usize = 200;

/// Opens a case in a session, under the next number of the workspace.
///
/// # Errors
/// [`DeskError::CaseExists`] while the session has an open one, [`DeskError::InvalidField`], or when there is no such
/// session.
pub async fn create(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    session_id: SessionId,
    subject: String,
) -> Result<CaseView, DeskError> {
    let subject = subject.trim().to_owned();
    if subject.is_empty() || subject.chars().count() > SUBJECT {
        let message = format!("The subject must have 1 to {SUBJECT} characters.");
        return Err(DeskError::InvalidField { field: "subject", message });
    }
    let (ctx, actor) = (ctx.clone(), actor.clone());
    store
        .write(move |tx| {
            let now = ctx.now();
            let mut session = sessions::to_change(tx, workspace_id, session_id)?;
            if let Some(case_id) = session.case_id
                && let Some(case) = tx.case(workspace_id, case_id)?
                && case.state == CaseState::Open
            {
                return Err(DeskError::CaseExists { number: case.number });
            }
            let user = tx.messaging_user(workspace_id, session.messaging_user_id)?;
            let mut case = CaseView {
                id: ctx.id(),
                number: 0,
                subject: subject.clone(),
                state: CaseState::Open,
                session_id: Some(session_id),
                contact_id: user.and_then(|user| user.contact_id),
                created_at: now,
                closed_at: None,
            };
            case.number = tx.insert_case(workspace_id, &case, actor.user_id())?;
            session.case_id = Some(case.id);
            sessions::stamp(tx, workspace_id, &session, Stamp::Case, now)?;
            let mut notices = Notices::new(workspace_id);
            let line = format!("{} opened case {}.", sessions::name(&actor), case.number);
            system_line(tx, &ctx, workspace_id, &mut session, line, &mut notices)?;
            tx.save_session(workspace_id, &mut session)?;
            notices.case_updated(case.clone());
            notices.session_updated(session_id);
            notices.tell(tx, now)?;
            Ok(case)
        })
        .await
}

/// One page of cases, newest first; the cursor is the id of the last one.
///
/// # Errors
/// When the cursor is not a case's id.
pub async fn list(
    store: &Store,
    workspace_id: WorkspaceId,
    cursor: Option<String>,
    limit: u32,
) -> Result<Page<CaseView>, DeskError> {
    let before = match cursor {
        None => CaseId(Uuid::max()),
        Some(text) => text.parse().map_err(|_| DeskError::InvalidField {
            field: "cursor",
            message: "This is not a cursor of a previous page.".to_owned(),
        })?,
    };
    let limit = limit.clamp(1, sessions::PAGE_LIMIT);
    let mut data =
        store.read(move |tx| tx.cases_before(workspace_id, before, limit + 1).map_err(DeskError::from)).await?;
    let has_more = data.len() > limit as usize;
    data.truncate(limit as usize);
    let next_cursor = data.last().filter(|_| has_more).map(|last| last.id.to_string());
    Ok(Page { data, next_cursor })
}
