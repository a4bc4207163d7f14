//! What the console begins with.

use axum::extract::State;
use segue_access::Permission;
use segue_desk::bootstrap::{Bootstrap, bootstrap};
use segue_store::{
    access::User,
    routing::{AgentPresence, OfferView, PresenceView, QueueView},
    session::SessionView,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::workspace::{WorkspaceBody, load_workspace};
use crate::{AppState, caller::Caller, events::Rights, extract::Json, guard::Guard, problem::Problem};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(Guard::signed_in().routes(routes!(get)))
}

/// A snapshot that is at least as new as the event `seq`; the event stream from there on keeps it current.
#[derive(Serialize, ToSchema)]
#[schema(as = Bootstrap)]
struct BootstrapBody {
    seq: i64,
    /// Another one when the caller may see something else; the event stream says the same in its `hello`.
    sight: String,
    /// Null for an API key.
    user: Option<User>,
    workspace: WorkspaceBody,
    /// Null for those who do not talk with customers.
    presence: Option<PresenceView>,
    queues: Vec<QueueView>,
    agents: Vec<AgentPresence>,
    /// The caller's own and those that wait longest, for agents in their queues; for supervisors the latest open ones too.
    sessions: Vec<SessionView>,
    offers: Vec<OfferView>,
    /// How many mentions in notes the caller has not read.
    unread_mentions: i64,
}

/// What the console begins with. Those who do not talk with customers get no conversations.
#[utoipa::path(get, path = "/api/v1/bootstrap", operation_id = "get_bootstrap", tag = "inbox",
    responses((status = 200, body = BootstrapBody)))]
async fn get(State(state): State<AppState>, caller: Caller) -> Result<Json<BootstrapBody>, Problem> {
    // First, so that rights that change while the rest is read are noticed at the stream's `hello`.
    let sight = Rights::load(&state, &caller).await?.sight();
    let Bootstrap { seq, presence, queues, agents, sessions, offers, unread_mentions } =
        bootstrap(&state.store, &state.ctx, caller.workspace_id, &caller.actor).await?;
    let workspace = load_workspace(&state, caller.workspace_id).await?.into();
    let converses = caller.may(Permission::Converse);
    Ok(Json(BootstrapBody {
        seq,
        sight,
        workspace,
        presence: presence.filter(|_| converses),
        queues,
        agents: if converses { agents } else { Vec::new() },
        sessions: if converses { sessions } else { Vec::new() },
        offers: if converses { offers } else { Vec::new() },
        unread_mentions: if converses { unread_mentions } else { 0 },
        user: caller.user,
    }))
}
