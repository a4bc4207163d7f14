//! Messaging Sessions: their states and what may follow what, and the numbers kept of them.

use crate::Timestamp;

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
        /// They asked for no further messages.
        Customer = "customer",
        /// Silence, a merge, or what was not a conversation.
        System = "system",
    }
}

crate::text_enum! {
    /// The customer's agreement to this conversation; kept on the session, apart from every other consent.
    pub enum OptIn {
        None = "none",
        /// The opt-in message was sent.
        Asked = "asked",
        /// The first word was given; a second one is asked for.
        Confirming = "confirming",
        Granted = "granted",
        Declined = "declined",
    }
}

crate::text_enum! {
    /// How a session began.
    pub enum SessionOrigin {
        /// The customer wrote.
        Customer = "customer",
        /// An agent wrote first.
        Agent = "agent",
        /// Written in the WhatsApp Business app, or from before the number was connected.
        Recorded = "recorded",
    }
}

/// Who wrote how much in a session and how fast people answered, kept with every entry.
///
/// The customer waits for a person from the moment the session is put into a queue, or from their first message that
/// nobody answered while a person has it. What the bot says ends no waiting, and what nobody waited for is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SessionNumbers {
    pub customer_messages: u32,
    pub agent_messages: u32,
    /// Of bots and automatic ones.
    pub bot_messages: u32,
    /// Answers of people to something that waited.
    pub answers: u32,
    /// How long all of them took together, in milliseconds.
    pub answers_took: i64,
    pub first_answer_took: Option<i64>,
    /// Since when the customer waits for a person.
    pub waits_since: Option<Timestamp>,
    /// Since when the customer has been silent: the time of the last message to them.
    pub idle_since: Option<Timestamp>,
    /// Whether this silence was spoken to.
    pub idle_warned: bool,
}

impl SessionNumbers {
    /// The customer wrote.
    pub const fn customer_wrote(&mut self) {
        self.customer_messages = self.customer_messages.saturating_add(1);
        (self.idle_since, self.idle_warned) = (None, false);
    }

    /// The customer waits for a person from now on, unless they do already.
    pub fn waits(&mut self, at: Timestamp) {
        self.waits_since.get_or_insert(at);
    }

    /// A bot wrote, or the product by itself.
    pub const fn bot_wrote(&mut self, at: Timestamp) {
        self.bot_messages = self.bot_messages.saturating_add(1);
        self.idle_since = Some(at);
    }

    /// An agent wrote.
    pub fn agent_wrote(&mut self, at: Timestamp) {
        self.agent_messages = self.agent_messages.saturating_add(1);
        (self.idle_since, self.idle_warned) = (Some(at), false);
        if let Some(since) = self.waits_since.take() {
            let took = at.since(since).max(0);
            self.first_answer_took.get_or_insert(took);
            self.answers = self.answers.saturating_add(1);
            self.answers_took = self.answers_took.saturating_add(took);
        }
    }

    /// How long an answer took on average, in milliseconds.
    #[must_use]
    pub const fn average_answer(&self) -> Option<i64> {
        if self.answers == 0 { None } else { Some(self.answers_took / self.answers as i64) }
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

    #[test]
    fn answers_are_counted_from_when_the_customer_waits_for_a_person() {
        let at = Timestamp;
        let mut numbers = SessionNumbers::default();
        numbers.customer_wrote();
        numbers.bot_wrote(at(1_000));
        assert_eq!((numbers.idle_since, numbers.waits_since), (Some(at(1_000)), None), "a bot's question");
        numbers.customer_wrote();
        numbers.waits(at(5_000));
        numbers.customer_wrote();
        numbers.waits(at(9_000));
        assert_eq!((numbers.waits_since, numbers.idle_since), (Some(at(5_000)), None), "the first counts");
        numbers.agent_wrote(at(15_000));
        numbers.agent_wrote(at(16_000));
        assert_eq!((numbers.answers, numbers.first_answer_took), (1, Some(10_000)), "one answer of two messages");
        numbers.customer_wrote();
        numbers.waits(at(20_000));
        numbers.agent_wrote(at(22_000));
        assert_eq!((numbers.answers, numbers.first_answer_took), (2, Some(10_000)));
        assert_eq!(numbers.average_answer(), Some(6_000));
        assert_eq!((numbers.customer_messages, numbers.agent_messages, numbers.bot_messages), (4, 3, 1));
        assert_eq!(SessionNumbers::default().average_answer(), None);
    }
}
