//! Which events a user may see.
//!
//! - An event for one user (an offer) goes to that user alone.
//! - Every kind of event needs the permission that reading the same thing over HTTP needs.
//! - Conversations: supervisors and admins see all. Others see their own and those that wait in their queues. When a
//!   conversation leaves what they may see (another agent took it, it was transferred), they get one last
//!   `session.updated` without anything about the customer in it, so that their screen lets go of it. A client that
//!   was away gets that for every conversation that changed meanwhile, because which ones it knew is not recorded.

use std::collections::HashSet;

use segue_access::{Permission, permission};
use segue_model::{QueueId, SessionId, UserId, WorkspaceId, role::Role, session::SessionState};
use segue_store::{
    StoreError, Tx,
    event::{Event, Sessions},
    session::Session,
};
use serde_json::{Value, json};

use crate::{AppState, caller::Caller, problem::Problem};

/// An event in the form that the viewer may see.
pub(super) struct Visible(pub Event);

/// Who looks, and what is known about what they have seen.
#[derive(Clone)]
pub(super) struct Viewer {
    user_id: Option<UserId>,
    role: Role,
    queues: HashSet<QueueId>,
    /// Conversations the client may have on its screen.
    pub known: HashSet<SessionId>,
    /// Up to here the client catches up, and what it had on its screen is not known.
    catching_up_to: i64,
}

impl Viewer {
    pub(super) async fn load(state: &AppState, caller: &Caller, newest: i64) -> Result<Self, Problem> {
        let (workspace_id, user_id, role) = (caller.workspace_id, caller.user_id(), caller.actor.role());
        let queues = match user_id {
            Some(user_id) => {
                state.store.read::<_, StoreError, _>(move |tx| tx.queues_of_member(workspace_id, user_id)).await?
            }
            None => Vec::new(),
        };
        Ok(Self { user_id, role, queues: queues.into_iter().collect(), known: HashSet::new(), catching_up_to: newest })
    }

    /// Whether both may see the same.
    pub(super) fn sees_like(&self, other: &Self) -> bool {
        self.role == other.role && self.queues == other.queues
    }

    /// The event as this viewer may see it, or nothing.
    pub(super) fn look(
        &mut self,
        tx: &mut Tx<'_>,
        workspace_id: WorkspaceId,
        mut event: Event,
        sessions: &mut Sessions,
    ) -> Result<Option<Visible>, StoreError> {
        if event.audience.is_some() {
            return Ok((event.audience == self.user_id).then_some(Visible(event)));
        }
        if !needed(&event.kind).is_none_or(|needed| permission::allows(self.role, needed)) {
            return Ok(None);
        }
        let Some(session_id) = session_of(&event) else { return Ok(Some(Visible(event))) };
        let sees_all = permission::allows(self.role, Permission::Supervise);
        let may_see = sees_all
            || match tx.session(workspace_id, session_id)? {
                Some(session) => self.may_see(&session),
                None => return Ok(None),
            };
        // What is said of a conversation that has gone elsewhere is said with an event that shows the conversation.
        let shows_it =
            matches!(event.kind.as_str(), "message.created" | "message.updated") || event.kind.starts_with("session.");
        let had_it = !may_see && shows_it && (self.known.contains(&session_id) || event.seq <= self.catching_up_to);
        if !(may_see || had_it) || !tx.complete(workspace_id, &mut event, sessions)? {
            return Ok(None);
        }
        if had_it {
            self.known.remove(&session_id);
            return Ok(taken_away(event).map(Visible));
        }
        if !sees_all {
            self.known.insert(session_id);
        }
        Ok(Some(Visible(event)))
    }

    fn may_see(&self, session: &Session) -> bool {
        match session.agent_id {
            Some(agent_id) => Some(agent_id) == self.user_id,
            None => {
                let waits = matches!(session.state, SessionState::Waiting | SessionState::Error);
                waits && session.queue_id.is_some_and(|queue_id| self.queues.contains(&queue_id))
            }
        }
    }
}

/// The permission that seeing a kind of event needs; nothing for those that everybody may see.
fn needed(kind: &str) -> Option<Permission> {
    match kind.split('.').next().unwrap_or_default() {
        "message" | "session" | "offer" | "presence" | "typing" => Some(Permission::Converse),
        "campaign" => Some(Permission::ReadCampaigns),
        "template" | "channel" => Some(Permission::ReadSetup),
        "import" | "contact" | "consent" => Some(Permission::ReadContacts),
        "lead" | "case" => Some(Permission::WriteCrm),
        _ => Some(Permission::ManageAccess),
    }
}

/// The conversation an event shows something of.
fn session_of(event: &Event) -> Option<SessionId> {
    let text = match event.kind.split('.').next()? {
        "message" | "session" | "typing" => {
            let data = &event.data;
            data["session"]["id"].as_str().or_else(|| data["session_id"].as_str()).unwrap_or(&event.entity_id)
        }
        _ => return None,
    };
    text.parse().ok()
}

/// The last thing somebody hears of a conversation that is no longer theirs: where it is now, nothing of what is in it.
fn taken_away(mut event: Event) -> Option<Event> {
    let session = event.data.get_mut("session")?.as_object_mut()?;
    session.insert("last_message".to_owned(), Value::Null);
    session.insert("gathered".to_owned(), json!([]));
    session.insert("unread_count".to_owned(), json!(0));
    session.insert("campaign".to_owned(), Value::Null);
    if let Some(customer) = session.get_mut("customer").and_then(Value::as_object_mut) {
        customer.insert("name".to_owned(), json!(""));
        for name in ["phone", "username", "contact_id", "lead_id"] {
            customer.insert(name.to_owned(), Value::Null);
        }
    }
    let session = event.data["session"].take();
    let entity_id = session["id"].as_str().unwrap_or_default().to_owned();
    Some(Event {
        kind: "session.updated".to_owned(),
        entity: "session".to_owned(),
        entity_id,
        data: json!({ "session": session }),
        ..event
    })
}
