//! Messaging Sessions: their states and what may follow what.

crate::text_enum! {
    /// State of a Messaging Session. One session per customer and channel is not `ended`.
    pub enum SessionState {
        /// Opened; nobody, neither bot nor queue, has taken it yet.
        New = "new",
        /// Waits in a queue or for an offered agent.
        Waiting = "waiting",
        /// A bot or an agent is talking with the customer.
        Active = "active",
        /// The customer has been silent for long or the service window is closed; the agent keeps it.
        Inactive = "inactive",
        /// Over; the next message of the customer opens a new session.
        Ended = "ended",
        /// A bot failed or no queue takes it; a person has to look.
        Error = "error",
    }
}

crate::text_enum! {
    /// What happens to a session.
    pub enum SessionStep {
        /// The bot begins or goes on.
        BotTurn = "bot_turn",
        /// It is put into a queue.
        Enqueue = "enqueue",
        /// An agent accepted it.
        Accept = "accept",
        /// The agent left before the end, or gave it back.
        Release = "release",
        /// The customer wrote.
        CustomerMessage = "customer_message",
        /// The window closed or the customer was silent for long.
        GoQuiet = "go_quiet",
        /// It is ended.
        End = "end",
        /// A bot or routing failed.
        Fail = "fail",
    }
}

crate::text_enum! {
    /// Who ended a session.
    pub enum EndedBy {
        Agent = "agent",
        Bot = "bot",
        System = "system",
    }
}

crate::text_enum! {
    /// The customer's agreement to this conversation; kept on the session, apart from every other consent.
    pub enum OptIn {
        None = "none",
        /// The opt-in message was sent.
        Asked = "asked",
        Granted = "granted",
        Declined = "declined",
    }
}

/// The session is not in a state that allows the step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("A session that is {state} does not allow '{step}'.")]
pub struct InvalidSessionStep {
    pub state: SessionState,
    pub step: SessionStep,
}

impl SessionState {
    /// The state after a step.
    ///
    /// # Errors
    /// When the step makes no sense in this state; an ended session allows none.
    pub fn after(self, step: SessionStep) -> Result<Self, InvalidSessionStep> {
        use SessionState::{Active, Ended, Error, Inactive, New, Waiting};
        use SessionStep::{Accept, BotTurn, CustomerMessage, End, Enqueue, Fail, GoQuiet, Release};
        match (self, step) {
            (Ended, _) => Err(InvalidSessionStep { state: self, step }),
            (_, End) => Ok(Ended),
            (_, Fail) => Ok(Error),
            (New | Active | Inactive | Error | Waiting, Enqueue) => Ok(Waiting),
            (Waiting | Error, Accept) | (New | Active, BotTurn) | (Inactive, CustomerMessage) => Ok(Active),
            (Active | Inactive, Release) => Ok(Waiting),
            (Active, GoQuiet) => Ok(Inactive),
            (state, CustomerMessage) => Ok(state),
            (state, step) => Err(InvalidSessionStep { state, step }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_follows_the_end() {
        for step in SessionStep::ALL {
            assert!(SessionState::Ended.after(*step).is_err());
        }
    }

    #[test]
    fn every_open_session_can_be_ended_and_takes_the_customers_words() {
        for state in SessionState::ALL.iter().filter(|state| **state != SessionState::Ended) {
            assert_eq!(state.after(SessionStep::End), Ok(SessionState::Ended));
            assert_ne!(state.after(SessionStep::CustomerMessage), Ok(SessionState::Ended));
        }
    }

    #[test]
    fn the_golden_path() {
        use SessionStep::{Accept, BotTurn, CustomerMessage, End, Enqueue};
        let path = [BotTurn, CustomerMessage, BotTurn, Enqueue, Accept, CustomerMessage, End];
        let end = path.iter().try_fold(SessionState::New, |state, step| state.after(*step));
        assert_eq!(end, Ok(SessionState::Ended));
    }
}
