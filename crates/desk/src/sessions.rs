//! Sessions as agents and supervisors see and handle them.

use segue_model::{
    Ctx, SessionId, Timestamp, UserId, WorkspaceId,
    actor::Actor,
    conversation,
    role::Role,
    session::{SessionState, SessionStep},
    window,
};
use segue_store::{
    Store, StoreError, Tx,
    message::{MessageCursor, MessageView},
    recipient::Stamp,
    session::{ClosingQuery, Session, SessionCursor, SessionFilter, SessionOrder, SessionQuery, SessionView},
};

use crate::{DeskError, notice::Notices, say::system_line, shown};

/// Most rows of one page.
pub const PAGE_LIMIT: u32 = 200;

/// Most sessions that one transaction makes inactive.
const QUIET_BATCH: u32 = 100;

segue_model::text_enum! {
    /// Who may do something in a session.
    pub enum Standing {
        /// The session's agent alone.
        Owner = "owner",
        OwnerOrSupervisor = "owner_or_supervisor",
        Supervisor = "supervisor",
    }
}

/// Checks that the actor may act in the session.
///
/// # Errors
/// [`DeskError::NotOwner`] or [`DeskError::NotSupervisor`].
pub(crate) fn require(actor: &Actor, session: &Session, standing: Standing) -> Result<(), DeskError> {
    let owns = actor.user_id().is_some() && session.agent_id == actor.user_id();
    match standing {
        Standing::Owner if !owns => Err(DeskError::NotOwner),
        Standing::OwnerOrSupervisor if !owns && !is_supervisor(actor) => Err(DeskError::NotOwner),
        Standing::Supervisor if !is_supervisor(actor) => Err(DeskError::NotSupervisor),
        _ => Ok(()),
    }
}

/// Whether the actor steers the conversations of others.
pub(crate) const fn is_supervisor(actor: &Actor) -> bool {
    matches!(actor.role(), Role::Admin | Role::Supervisor)
}

/// How lines of the transcript name an actor.
pub(crate) fn name(actor: &Actor) -> &str {
    match actor {
        Actor::User { name, .. } | Actor::ApiKey { name, .. } => name,
        Actor::System => "The system",
    }
}

/// A session to be changed.
pub(crate) fn to_change(tx: &mut Tx<'_>, workspace_id: WorkspaceId, id: SessionId) -> Result<Session, DeskError> {
    tx.session_to_change(workspace_id, id)?.ok_or(DeskError::NotFound("session"))
}

/// A session as it is shown.
pub(crate) fn view(tx: &mut Tx<'_>, workspace_id: WorkspaceId, id: SessionId) -> Result<SessionView, DeskError> {
    tx.session_view(workspace_id, id)?.ok_or(DeskError::NotFound("session"))
}

/// Notes in the campaign's funnel how far the session's recipient came.
pub(crate) fn stamp(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    session: &Session,
    stamp: Stamp,
    at: Timestamp,
) -> Result<(), StoreError> {
    if let Some((campaign_id, position)) = session.campaign {
        tx.stamp_recipient(workspace_id, campaign_id, position, stamp, at)?;
    }
    Ok(())
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    pub data: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next_cursor: Option<String>,
}

/// How far ahead "closing soon" looks when nothing else is said: as long as a window can be open.
const ANY_TIME: i64 = window::SERVICE_WINDOW * 2;

/// Which sessions to list.
#[derive(Debug, Clone)]
pub struct ListSessions {
    pub view: SessionFilter,
    pub order: SessionOrder,
    /// With [`SessionOrder::Closing`]: only those whose window closes within so many minutes.
    pub closing_within: Option<u32>,
    pub search: Option<String>,
    /// What the previous page gave.
    pub cursor: Option<String>,
    pub limit: u32,
}

/// One page of sessions, latest entry first or by the end of their window. Supervisors and admins see all. Agents see
/// what [`crate::sight`] says: their own and those that wait in their queues; of the ended ones their own. A program with
/// the role of an agent has neither, so it sees none.
///
/// # Errors
/// When the cursor is not one, or the store fails.
pub async fn list(
    store: &Store,
    workspace_id: WorkspaceId,
    actor: &Actor,
    now: Timestamp,
    request: ListSessions,
) -> Result<Page<SessionView>, DeskError> {
    let after = match request.cursor.as_deref() {
        None => SessionCursor::START,
        Some(text) => SessionCursor::parse(text).ok_or_else(bad_cursor)?,
    };
    let me = actor.user_id();
    let is_agent = !is_supervisor(actor);
    let (agent_id, member_id) = match request.view {
        SessionFilter::Mine => (me, None),
        SessionFilter::Waiting if is_agent => (None, me),
        SessionFilter::Open | SessionFilter::All if is_agent => (me, me),
        SessionFilter::Ended if is_agent => (me, None),
        _ => (None, None),
    };
    if (is_agent || request.view == SessionFilter::Mine) && me.is_none() {
        return Ok(Page { data: Vec::new(), next_cursor: None });
    }
    let limit = request.limit.clamp(1, PAGE_LIMIT);
    if request.order == SessionOrder::Closing {
        let agent_id = if is_agent || request.view == SessionFilter::Mine { me } else { None };
        return closing_soon(store, workspace_id, (now, request), agent_id, limit).await;
    }
    let query =
        SessionQuery { filter: request.view, agent_id, member_id, search: request.search, after, limit: limit + 1 };
    let mut data = store.read(move |tx| tx.sessions(workspace_id, &query).map_err(DeskError::from)).await?;
    let has_more = data.len() > limit as usize;
    data.truncate(limit as usize);
    let last = data.last().filter(|_| has_more);
    let next_cursor = last.map(|last| SessionCursor { last_at: last.last_at, id: last.id }.to_string());
    Ok(Page { data, next_cursor })
}

/// Open windows, the next one to close first.
async fn closing_soon(
    store: &Store,
    workspace_id: WorkspaceId,
    (now, request): (Timestamp, ListSessions),
    agent_id: Option<UserId>,
    limit: u32,
) -> Result<Page<SessionView>, DeskError> {
    let after = match request.cursor.as_deref() {
        None => SessionCursor { last_at: now, id: SessionCursor::START.id },
        Some(text) => SessionCursor::parse(text).ok_or_else(bad_cursor)?,
    };
    let until = now.plus(request.closing_within.map_or(ANY_TIME, conversation::millis));
    let query = ClosingQuery { agent_id, search: request.search, until, after, limit: limit + 1 };
    let mut data = store.read(move |tx| tx.closing_sessions(workspace_id, &query).map_err(DeskError::from)).await?;
    let has_more = data.len() > limit as usize;
    data.truncate(limit as usize);
    let last = data.last().filter(|_| has_more).and_then(|last| Some((last.window_expires_at?, last.id)));
    let next_cursor = last.map(|(last_at, id)| SessionCursor { last_at, id }.to_string());
    Ok(Page { data, next_cursor })
}

fn bad_cursor() -> DeskError {
    DeskError::InvalidField { field: "cursor", message: "This is not a cursor of a previous page.".to_owned() }
}

/// One session.
///
/// # Errors
/// When there is none.
pub async fn get(store: &Store, workspace_id: WorkspaceId, id: SessionId) -> Result<SessionView, DeskError> {
    store.read(move |tx| view(tx, workspace_id, id)).await
}

/// The latest entries of a session before the cursor, oldest first; `next_cursor` leads to older ones.
///
/// # Errors
/// When there is no such session or the cursor is not one.
pub async fn messages(
    store: &Store,
    workspace_id: WorkspaceId,
    id: SessionId,
    before: Option<String>,
    limit: u32,
) -> Result<Page<MessageView>, DeskError> {
    let before = match before.as_deref() {
        None => MessageCursor::END,
        Some(text) => MessageCursor::parse(text).ok_or_else(bad_cursor)?,
    };
    let limit = limit.clamp(1, PAGE_LIMIT);
    store
        .read(move |tx| {
            view(tx, workspace_id, id)?;
            let mut data = tx.messages_before(workspace_id, id, before, limit + 1)?;
            let has_more = data.len() > limit as usize;
            if has_more {
                data.remove(0);
            }
            let oldest = data.first().filter(|_| has_more);
            let next_cursor = oldest.map(|oldest| MessageCursor { at: oldest.at, id: oldest.id }.to_string());
            Ok(Page { data, next_cursor })
        })
        .await
}

/// A part of what a customer and the business wrote in an earlier session.
#[derive(Debug, Clone, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct EarlierPart {
    /// The session it is of; null when there is none.
    pub session: Option<SessionView>,
    /// Oldest first.
    pub data: Vec<MessageView>,
    /// Leads further back, also into the sessions before.
    pub next_cursor: Option<String>,
}

/// What was written before a session began: the latest entries of the same customer's session before it, or what comes
/// before `cursor`.
///
/// # Errors
/// When there is no such session or the cursor is not one.
pub async fn earlier(
    store: &Store,
    workspace_id: WorkspaceId,
    id: SessionId,
    cursor: Option<String>,
    limit: u32,
) -> Result<EarlierPart, DeskError> {
    let at: Option<(SessionId, MessageCursor)> = match cursor.as_deref() {
        None => None,
        Some(text) => {
            let (session, cursor) = text.split_once(':').ok_or_else(bad_cursor)?;
            let session = session.parse().map_err(|_| bad_cursor())?;
            let cursor = if cursor.is_empty() { Some(MessageCursor::END) } else { MessageCursor::parse(cursor) };
            Some((session, cursor.ok_or_else(bad_cursor)?))
        }
    };
    let limit = limit.clamp(1, PAGE_LIMIT);
    store
        .read(move |tx| {
            let own = view(tx, workspace_id, id)?;
            let at = match at {
                Some(at) => Some(at),
                None => tx.session_before(workspace_id, id)?.map(|before| (before, MessageCursor::END)),
            };
            let Some((session_id, before)) = at else {
                return Ok(EarlierPart { session: None, data: Vec::new(), next_cursor: None });
            };
            let session = view(tx, workspace_id, session_id)?;
            if session.customer.messaging_user_id != own.customer.messaging_user_id {
                return Err(bad_cursor());
            }
            let mut data = tx.messages_before(workspace_id, session_id, before, limit + 1)?;
            let has_more = data.len() > limit as usize;
            if has_more {
                data.remove(0);
            }
            let next_cursor = match data.first().filter(|_| has_more) {
                Some(oldest) => Some(format!("{session_id}:{}", MessageCursor { at: oldest.at, id: oldest.id })),
                None => tx.session_before(workspace_id, session_id)?.map(|before| format!("{before}:")),
            };
            Ok(EarlierPart { session: Some(session), data, next_cursor })
        })
        .await
}

/// The agent has read the session. The customer is shown that.
///
/// # Errors
/// When there is no such session. Reading somebody else's session leaves its mark alone.
pub async fn read(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    id: SessionId,
) -> Result<SessionView, DeskError> {
    let (ctx, actor) = (ctx.clone(), actor.clone());
    store
        .write(move |tx| {
            let mut session = to_change(tx, workspace_id, id)?;
            if session.unread > 0 && require(&actor, &session, Standing::Owner).is_ok() {
                session.unread = 0;
                tx.save_session(workspace_id, &mut session)?;
                shown::read(tx, &ctx, workspace_id, id)?;
                let mut notices = Notices::new(workspace_id);
                notices.session_updated(id);
                notices.tell(tx, ctx.now())?;
            }
            view(tx, workspace_id, id)
        })
        .await
}

/// Makes active sessions inactive whose service window has closed: only templates may be sent in them. The agent keeps
/// them. Gives how many there were; call it again while it gives some.
///
/// # Errors
/// When the store fails.
pub fn go_quiet(tx: &mut Tx<'_>, ctx: &Ctx, workspace_id: WorkspaceId) -> Result<usize, StoreError> {
    let now = ctx.now();
    let ids = tx.quiet_sessions(workspace_id, now, QUIET_BATCH)?;
    let mut notices = Notices::new(workspace_id);
    for id in &ids {
        let Some(mut session) = tx.session_to_change(workspace_id, *id)? else { continue };
        // It may have changed before its lock was ours.
        if session.state != SessionState::Active || session.window_expires_at.is_none_or(|end| end > now) {
            continue;
        }
        let Ok(state) = session.state.after(SessionStep::GoQuiet) else { continue };
        session.state = state;
        let line = "The 24-hour service window has closed; only templates can be sent.".to_owned();
        system_line(tx, ctx, workspace_id, &mut session, line, &mut notices)?;
        tx.save_session(workspace_id, &mut session)?;
        notices.session_updated(*id);
    }
    notices.tell(tx, now)?;
    Ok(ids.len())
}
