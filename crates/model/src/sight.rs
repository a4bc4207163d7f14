//! Whose business a conversation is, by the conversation itself: the one rule for whoever may not read all of them.
//!
//! Who asks of one conversation (`segue_desk::sight`) and the stream of events, which knows the viewer's queues and asks
//! nobody, ask here. Lists ask the database in its own words; a test compares them with this for every kind of
//! conversation.

use crate::{QueueId, UserId, session::SessionState};

/// Whom a conversation concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concern {
    /// The agent who has it.
    Agent(UserId),
    /// Everybody of the queue it waits in.
    Queue(QueueId),
    /// No agent: a bot talks, or nobody has begun.
    Nobody,
}

impl Concern {
    /// Whom it concerns in this state, with this agent, in this queue.
    #[must_use]
    pub const fn of(state: SessionState, agent: Option<UserId>, queue: Option<QueueId>) -> Self {
        match (agent, state, queue) {
            (Some(agent), _, _) => Self::Agent(agent),
            (None, SessionState::Waiting | SessionState::Error, Some(queue)) => Self::Queue(queue),
            (None, _, _) => Self::Nobody,
        }
    }

    /// Whether it concerns this person, who is a member of those queues; a program has no id.
    pub fn includes(self, user: Option<UserId>, is_member: impl FnOnce(QueueId) -> bool) -> bool {
        match self {
            Self::Agent(agent) => user == Some(agent),
            Self::Queue(queue) => user.is_some() && is_member(queue),
            Self::Nobody => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_agent_else_the_queue_it_waits_in_else_nobody() {
        let (me, other) = (UserId(uuid::Uuid::from_u128(1)), UserId(uuid::Uuid::from_u128(2)));
        let (mine, others) = (QueueId(uuid::Uuid::from_u128(3)), QueueId(uuid::Uuid::from_u128(4)));
        let mut seen = 0;
        for state in SessionState::ALL {
            for agent in [None, Some(me), Some(other)] {
                for queue in [None, Some(mine), Some(others)] {
                    let concern = Concern::of(*state, agent, queue);
                    let waits = matches!(state, SessionState::Waiting | SessionState::Error);
                    let expected = agent == Some(me) || (agent.is_none() && waits && queue == Some(mine));
                    assert_eq!(concern.includes(Some(me), |it| it == mine), expected, "{state} {agent:?} {queue:?}");
                    assert!(!concern.includes(None, |_| true), "a program has no business of its own");
                    seen += 1;
                }
            }
        }
        assert_eq!(seen, 54);
    }
}
