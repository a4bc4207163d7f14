//! Support cases: those that agents open, and what a channel does with them by itself
//! ([`segue_model::conversation::CaseRules`]).
//!
//! What happens by itself is part of the transaction that opens, hands over or ends the session, and every change of a case
//! is conditional on its state, so a crash or a repetition leaves either nothing or all of it, once.

use segue_model::{
    CaseId, Ctx, SessionId, UserId, WorkspaceId,
    actor::Actor,
    conversation::{CaseChoice, CaseEnd, CaseMoment, CaseRules, LONGEST_SUBJECT},
    time,
};
use segue_store::{
    Store, Tx,
    crm::{CaseState, CaseView},
    recipient::Stamp,
    session::Session,
};
use uuid::Uuid;

use crate::{
    DeskError,
    notice::Notices,
    say::system_line,
    sessions::{self, Page},
};

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
    if subject.is_empty() || subject.chars().count() > LONGEST_SUBJECT {
        let message = format!("The subject must have 1 to {LONGEST_SUBJECT} characters.");
        return Err(DeskError::InvalidField { field: "subject", message });
    }
    let (ctx, actor) = (ctx.clone(), actor.clone());
    store
        .write(move |tx| {
            let mut session = sessions::to_change(tx, workspace_id, session_id)?;
            if let Some(case_id) = session.case_id
                && let Some(case) = tx.case(workspace_id, case_id)?
                && case.state == CaseState::Open
            {
                return Err(DeskError::CaseExists { number: case.number });
            }
            let mut notices = Notices::new(workspace_id);
            let case = open(tx, &ctx, workspace_id, &mut session, subject.clone(), actor.user_id())?;
            let line = format!("{} opened case {}.", sessions::name(&actor), case.number);
            system_line(tx, &ctx, workspace_id, &mut session, line, &mut notices)?;
            tx.save_session(workspace_id, &mut session)?;
            notices.case_updated(case.clone());
            notices.session_updated(session_id);
            notices.tell(tx, ctx.now())?;
            Ok(case)
        })
        .await
}

/// Opens a case for the session. The caller saves the session.
fn open(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    session: &mut Session,
    subject: String,
    by: Option<UserId>,
) -> Result<CaseView, DeskError> {
    let now = ctx.now();
    let user = tx.messaging_user(workspace_id, session.messaging_user_id)?;
    let mut case = CaseView {
        id: ctx.id(),
        number: 0,
        subject,
        state: CaseState::Open,
        session_id: Some(session.id),
        contact_id: user.and_then(|user| user.contact_id),
        created_at: now,
        closed_at: None,
    };
    case.number = tx.insert_case(workspace_id, &case, by)?;
    session.case_id = Some(case.id);
    sessions::stamp(tx, workspace_id, session, Stamp::Case, now)?;
    Ok(case)
}

/// The rules of the session's channel.
fn rules(tx: &mut Tx<'_>, workspace_id: WorkspaceId, session: &Session) -> Result<CaseRules, DeskError> {
    Ok(tx
        .channel(workspace_id, session.channel_id)?
        .map(|channel| channel.conversation.cases.clone())
        .unwrap_or_default())
}

/// The customer wrote: a case that was closed a short while ago is opened again, the session's own or the customer's last
/// one when the session has none and the contact has no open one. The caller saves the session.
pub(crate) fn customer_wrote(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    rules: &CaseRules,
    session: &mut Session,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    if rules.reopen_days == 0 {
        return Ok(());
    }
    let last = match session.case_id {
        Some(id) => tx.case(workspace_id, id)?,
        None => last_closed(tx, workspace_id, session)?,
    };
    let Some(case) = last.filter(|case| case.state == CaseState::Closed) else { return Ok(()) };
    let within = i64::from(rules.reopen_days) * time::DAY;
    let is_recent = case.closed_at.is_some_and(|closed| ctx.now().since(closed) <= within);
    if is_recent && tx.reopen_case(workspace_id, case.id)? {
        let line = format!("Case {} was opened again by itself: the customer wrote.", case.number);
        take(tx, ctx, workspace_id, session, case.id, line, notices)?;
    }
    Ok(())
}

/// The case of the customer that was closed last, by the contact or, without one, by the session before. None while the
/// contact has an open one, which is what they write about.
fn last_closed(tx: &mut Tx<'_>, workspace_id: WorkspaceId, session: &Session) -> Result<Option<CaseView>, DeskError> {
    let user = tx.messaging_user(workspace_id, session.messaging_user_id)?;
    if let Some(contact_id) = user.and_then(|user| user.contact_id) {
        return match tx.open_case_of(workspace_id, contact_id)? {
            Some(_) => Ok(None),
            None => Ok(tx.last_closed_case_of(workspace_id, contact_id)?),
        };
    }
    let before = tx.last_ended_session(workspace_id, session.channel_id, session.messaging_user_id)?;
    match before.and_then(|before| before.case_id) {
        Some(id) => Ok(tx.case(workspace_id, id)?),
        None => Ok(None),
    }
}

/// The session gets a case that exists.
fn take(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    session: &mut Session,
    id: CaseId,
    line: String,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    if session.case_id != Some(id) {
        session.case_id = Some(id);
        sessions::stamp(tx, workspace_id, session, Stamp::Case, ctx.now())?;
    }
    system_line(tx, ctx, workspace_id, session, line, notices)?;
    if let Some(case) = tx.case(workspace_id, id)? {
        notices.case_updated(case);
    }
    notices.session_updated(session.id);
    Ok(())
}

/// The session is opened by the customer.
pub(crate) fn began(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    rules: &CaseRules,
    session: &mut Session,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    if rules.moment == CaseMoment::Start { by_itself(tx, ctx, workspace_id, rules, session, notices) } else { Ok(()) }
}

/// The session is handed to people.
pub(crate) fn handed_over(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    session: &mut Session,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let rules = rules(tx, workspace_id, session)?;
    // One that an agent began has no other begin than this.
    if rules.moment == CaseMoment::Never {
        return Ok(());
    }
    by_itself(tx, ctx, workspace_id, &rules, session, notices)
}

fn by_itself(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    rules: &CaseRules,
    session: &mut Session,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    if session.case_id.is_some() {
        return Ok(());
    }
    let user = tx.messaging_user(workspace_id, session.messaging_user_id)?;
    let known = match user.as_ref().and_then(|user| user.contact_id) {
        Some(contact_id) if rules.choice != CaseChoice::Create => tx.open_case_of(workspace_id, contact_id)?,
        _ => None,
    };
    if let Some(case) = known {
        let line = format!("The session belongs to case {}, which is open.", case.number);
        return take(tx, ctx, workspace_id, session, case.id, line, notices);
    }
    if rules.choice == CaseChoice::Attach {
        return Ok(());
    }
    let name = sessions::view(tx, workspace_id, session.id)?.customer.name;
    let case = open(tx, ctx, workspace_id, session, rules.subject_for(&name), None)?;
    let line = format!("Case {} was opened by itself.", case.number);
    system_line(tx, ctx, workspace_id, session, line, notices)?;
    notices.case_updated(case);
    notices.session_updated(session.id);
    Ok(())
}

/// The session ends without an agent who says what becomes of the case.
pub(crate) fn ended(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    session: &mut Session,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let Some(id) = session.case_id else { return Ok(()) };
    if rules(tx, workspace_id, session)?.end != CaseEnd::Close || tx.is_case_shared(workspace_id, id, session.id)? {
        return Ok(());
    }
    if tx.close_case(workspace_id, id, ctx.now())?
        && let Some(case) = tx.case(workspace_id, id)?
    {
        let line = format!("Case {} was closed by itself.", case.number);
        system_line(tx, ctx, workspace_id, session, line, notices)?;
        notices.case_updated(case);
    }
    Ok(())
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
