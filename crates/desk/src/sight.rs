//! Which conversations a person may read.
//!
//! Supervisors and admins: all. Agents: their own, those that wait in their queues, and what the same customer wrote
//! before, while they have the customer's open conversation. Nobody else.
//!
//! Whom one conversation concerns is said by [`segue_model::sight`], for this and for the stream of events; what comes here
//! is the customer's earlier conversations. Lists ask the same of the database, where it stands again
//! (`crates/store/src/session.rs`); `crates/desk/tests/it/sight.rs` asks all of them about every kind of conversation.

use std::collections::BTreeSet;

use segue_model::{UserId, WorkspaceId, role::Role, sight::Concern};
use segue_store::{StoreError, Tx, session::SessionView};

/// Who may read a conversation.
#[derive(Debug, Clone, Default)]
pub struct Sight {
    /// The agents whom it concerns.
    agents: BTreeSet<UserId>,
}

impl Sight {
    /// Who may read this conversation now.
    ///
    /// # Errors
    /// When the store fails.
    pub fn of(tx: &mut Tx<'_>, workspace_id: WorkspaceId, session: &SessionView) -> Result<Self, StoreError> {
        let mut sight = Self::default();
        sight.add(tx, workspace_id, session)?;
        let customer = session.customer.messaging_user_id;
        if let Some(id) = tx.open_session_of(workspace_id, session.channel_id, customer)?
            && id != session.id
            && let Some(open) = tx.session_view(workspace_id, id)?
        {
            sight.add(tx, workspace_id, &open)?;
        }
        Ok(sight)
    }

    fn add(&mut self, tx: &mut Tx<'_>, workspace_id: WorkspaceId, session: &SessionView) -> Result<(), StoreError> {
        match Concern::of(session.state, session.agent.as_ref().map(|agent| agent.id), session.queue_id) {
            Concern::Agent(agent) => self.agents.extend([agent]),
            Concern::Queue(queue) => self.agents.extend(tx.members_of_queue(workspace_id, queue)?),
            Concern::Nobody => {}
        }
        Ok(())
    }

    /// Whether somebody with this role may read it; a program has no id.
    #[must_use]
    pub fn includes(&self, role: Role, user_id: Option<UserId>) -> bool {
        match role {
            Role::Admin | Role::Supervisor => true,
            Role::Agent => user_id.is_some_and(|id| self.agents.contains(&id)),
            Role::Marketer => false,
        }
    }
}
