//! What a console needs to begin with.

use segue_model::{Ctx, WorkspaceId, actor::Actor};
use segue_store::{
    Store,
    routing::{AgentPresence, OfferView, PresenceView, QueueView},
    session::{SessionCursor, SessionFilter, SessionQuery, SessionView},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{DeskError, routing, sessions};

/// Most sessions of each kind to begin with; the rest comes page by page.
const SESSIONS: u32 = 200;

/// The desk's part of the console's first answer. Everything in it is at least as new as the event `seq`, so a client
/// that follows the log from there misses nothing.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Bootstrap {
    pub seq: i64,
    /// The actor's own; none for programs.
    pub presence: Option<PresenceView>,
    pub queues: Vec<QueueView>,
    pub agents: Vec<AgentPresence>,
    /// The actor's own and those that wait longest, for agents in their queues; for supervisors the latest open ones too.
    pub sessions: Vec<SessionView>,
    /// What the agent can accept now.
    pub offers: Vec<OfferView>,
    /// How many mentions the actor has not read.
    pub unread_mentions: i64,
}

/// Reads it.
///
/// # Errors
/// When the store fails.
pub async fn bootstrap(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
) -> Result<Bootstrap, DeskError> {
    let me = actor.user_id();
    let presence = match me {
        Some(user_id) => Some(routing::presence(store, ctx, workspace_id, user_id).await?),
        None => None,
    };
    let (now, actor) = (ctx.now(), actor.clone());
    store
        .read(move |tx| {
            // First, so that what is read after it can only be newer.
            let (_, seq) = tx.event_bounds(workspace_id)?;
            let query = |filter, agent_id| SessionQuery {
                filter,
                agent_id,
                member_id: None,
                search: None,
                after: SessionCursor::START,
                limit: SESSIONS,
            };
            let mut sessions = match me {
                Some(_) => tx.sessions(workspace_id, &query(SessionFilter::Mine, me))?,
                None => Vec::new(),
            };
            if sessions::is_supervisor(&actor) {
                sessions.extend(tx.longest_waiting_sessions(workspace_id, None, SESSIONS)?);
                sessions.extend(tx.sessions(workspace_id, &query(SessionFilter::Open, None))?);
            } else if me.is_some() {
                sessions.extend(tx.longest_waiting_sessions(workspace_id, me, SESSIONS)?);
            }
            let mut seen = std::collections::BTreeSet::new();
            sessions.retain(|session| seen.insert(session.id));
            Ok(Bootstrap {
                seq,
                unread_mentions: me.map_or(Ok(0), |id| tx.unread_mentions(workspace_id, id))?,
                presence: presence.clone(),
                queues: tx.queue_views(workspace_id, now)?,
                agents: tx.agent_presences(workspace_id)?,
                sessions,
                offers: routing::pending(tx, workspace_id, &actor)?,
            })
        })
        .await
}
