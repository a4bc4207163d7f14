//! Which events a user may see.
//!
//! - An event for one user (an offer) goes to that user alone.
//! - Every kind of event needs the permission that reading the same thing over HTTP needs.
//! - Conversations: supervisors and admins see all. Others see those that concern them ([`segue_model::sight`]), which the
//!   viewer's queues, read once, decide without asking the store. When a
//!   conversation leaves what they may see (another agent took it, it was transferred), they get one last
//!   `session.updated` without anything about the customer in it and with `taken_away`, so that their screen lets go of
//!   it. A stream begins with what is in sight at that time: what left before that, since the client's cursor, is in the
//!   log and said for every conversation that changed meanwhile; what leaves later was in sight.
//! - When the rights themselves change (role, queues), nothing in the log says so. A stream that is open then ends with
//!   `resync`; for clients that were away, `hello` names the rights (`sight`), and so does the snapshot.
//!
//! Nothing is stored here; after a crash the next stream begins in the same way.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use segue_access::{Permission, permission};
use segue_model::{QueueId, SessionId, UserId, WorkspaceId, role::Role, sight::Concern};
use segue_store::{
    StoreError, Tx,
    event::{Event, Sessions},
    session::Session,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{AppState, caller::Caller, problem::Problem};

/// An event in the form that the viewer may see.
pub(super) struct Visible(pub Event);

/// Role and queues: what decides which events somebody may see.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Rights {
    role: Role,
    queues: HashSet<QueueId>,
}

impl Rights {
    pub(crate) async fn load(state: &AppState, caller: &Caller) -> Result<Self, Problem> {
        let (workspace_id, role) = (caller.workspace_id, caller.actor.role());
        let queues = match caller.user_id() {
            Some(user_id) => {
                state.store.read::<_, StoreError, _>(move |tx| tx.queues_of_member(workspace_id, user_id)).await?
            }
            None => Vec::new(),
        };
        Ok(Self { role, queues: queues.into_iter().collect() })
    }

    /// A name that is another one when something else may be seen, and says nothing else.
    pub(crate) fn sight(&self) -> String {
        let mut queues: Vec<String> = self.queues.iter().map(ToString::to_string).collect();
        queues.sort_unstable();
        let digest = Sha256::digest(format!("{} {}", self.role.as_str(), queues.join(" ")));
        digest.iter().take(8).map(|octet| format!("{octet:02x}")).collect()
    }
}

/// Who looks, and what is known about what they have seen. A copy is cheap: each look at the log begins with one.
#[derive(Clone)]
pub(super) struct Viewer {
    user_id: Option<UserId>,
    pub rights: Arc<Rights>,
    /// Conversations the client may have on its screen, when the look began.
    known: Arc<HashSet<SessionId>>,
    /// Which ones came and went during this look.
    changes: Changes,
    /// Up to here the client catches up, and what it had on its screen is not known.
    catching_up_to: i64,
}

/// What came into sight and what left it.
pub(super) type Changes = HashMap<SessionId, Sight>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    In,
    Out,
}

impl Viewer {
    /// Reads what is in sight now, and only then how far the log is: a conversation that is not in sight any more left
    /// it with an event that is in the log by then.
    pub(super) async fn load(state: &AppState, caller: &Caller) -> Result<Self, Problem> {
        let (workspace_id, user_id) = (caller.workspace_id, caller.user_id());
        let rights = Rights::load(state, caller).await?;
        let sees_all = permission::allows(rights.role, Permission::Supervise);
        let looks = user_id.filter(|_| !sees_all && permission::allows(rights.role, Permission::Converse));
        let (known, catching_up_to) = state
            .store
            .read::<_, StoreError, _>(move |tx| {
                let known = match looks {
                    Some(user_id) => tx.sessions_in_sight(workspace_id, user_id)?,
                    None => Vec::new(),
                };
                Ok((known, tx.event_bounds(workspace_id)?.1))
            })
            .await?;
        let known = Arc::new(known.into_iter().collect());
        Ok(Self { user_id, rights: Arc::new(rights), known, changes: Changes::new(), catching_up_to })
    }

    fn knows(&self, session_id: SessionId) -> bool {
        match self.changes.get(&session_id) {
            Some(sight) => *sight == Sight::In,
            None => self.known.contains(&session_id),
        }
    }

    /// Takes over what another look has changed.
    pub(super) fn keep(&mut self, changes: Changes) {
        if changes.is_empty() {
            return;
        }
        let known = Arc::make_mut(&mut self.known);
        for (session_id, sight) in changes {
            match sight {
                Sight::In => known.insert(session_id),
                Sight::Out => known.remove(&session_id),
            };
        }
    }

    /// What this look has changed.
    pub(super) fn changed(self) -> Changes {
        self.changes
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
            let is_shown = event.audience == self.user_id && tx.complete(workspace_id, &mut event, sessions)?;
            return Ok(is_shown.then_some(Visible(event)));
        }
        if !needed(&event.kind).is_none_or(|needed| permission::allows(self.rights.role, needed)) {
            return Ok(None);
        }
        let Some(session_id) = session_of(&event) else { return Ok(Some(Visible(event))) };
        let sees_all = permission::allows(self.rights.role, Permission::Supervise);
        let may_see = sees_all
            || match tx.session(workspace_id, session_id)? {
                Some(session) => self.may_see(&session),
                None => return Ok(None),
            };
        // What is said of a conversation that has gone elsewhere is said with an event that shows the conversation.
        let shows_it =
            matches!(event.kind.as_str(), "message.created" | "message.updated") || event.kind.starts_with("session.");
        let had_it = !may_see && shows_it && (self.knows(session_id) || event.seq <= self.catching_up_to);
        if !(may_see || had_it) || !tx.complete(workspace_id, &mut event, sessions)? {
            return Ok(None);
        }
        if had_it {
            self.changes.insert(session_id, Sight::Out);
            return Ok(taken_away(event).map(Visible));
        }
        if !sees_all && !self.knows(session_id) {
            self.changes.insert(session_id, Sight::In);
        }
        Ok(Some(Visible(event)))
    }

    fn may_see(&self, session: &Session) -> bool {
        Concern::of(session.state, session.agent_id, session.queue_id)
            .includes(self.user_id, |queue_id| self.rights.queues.contains(&queue_id))
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
        data: json!({ "session": session, "taken_away": true }),
        ..event
    })
}
