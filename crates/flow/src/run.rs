//! A run: what the interpreter keeps of one conversation, what happens to it, and what it wants done.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
};

use segue_model::{Timestamp, contact::ContactFields, content::Content};
use serde::{Deserialize, Serialize};

use crate::Definition;

/// Ids of events kept to recognise a second delivery. Providers repeat within minutes; this is hours of typing.
pub const HANDLED_EVENTS: usize = 100;

/// A variable's value.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    Bool(bool),
    Integer(i64),
    Number(f64),
    Text(String),
}

/// Hides the value: it may be a name or a number.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(true) => f.write_str("yes"),
            Self::Bool(false) => f.write_str("no"),
            Self::Integer(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::Text(value) => f.write_str(value),
        }
    }
}

impl From<&Value> for minijinja::Value {
    fn from(value: &Value) -> Self {
        match value {
            Value::Bool(value) => Self::from(*value),
            Value::Integer(value) => Self::from(*value),
            Value::Number(value) => Self::from(*value),
            Value::Text(value) => Self::from(value.as_str()),
        }
    }
}

/// How a run stands; the words of the stored run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Not begun yet.
    Running,
    /// For the customer's answer or a timer.
    Waiting,
    /// An agent was called.
    HandedOver,
    Ended,
    /// The bot failed; an agent was called.
    Failed,
}

impl RunStatus {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::HandedOver => "handed_over",
            Self::Ended => "ended",
            Self::Failed => "failed",
        }
    }

    /// Whether the bot still answers.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Running | Self::Waiting)
    }
}

/// The question a run waits at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Id of the asking step.
    pub step: String,
    /// Answers so far that did not fit.
    pub tries: u32,
    /// Reminders sent.
    pub reminders: u32,
    pub asked_at: Timestamp,
    /// The timer that counts; every other one is out of date.
    pub timer: Option<String>,
}

/// An answer as agents see it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gathered {
    /// Name of the variable.
    pub name: String,
    pub label: String,
    pub value: String,
}

/// Hides the value: it may be a name or a number.
impl fmt::Debug for Gathered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gathered({})", self.name)
    }
}

/// All the interpreter keeps of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// Slug of the flow.
    pub flow: String,
    /// The version the run began with and keeps.
    pub version: i64,
    pub status: RunStatus,
    /// Id of the step the run is at; `None` before it began.
    pub position: Option<String>,
    pub pending: Option<Pending>,
    pub variables: BTreeMap<String, Value>,
    /// Answers in the order they were given.
    pub gathered: Vec<Gathered>,
    /// Events taken so far; rises by one with each event that is not a repetition.
    pub turn: i64,
    handled: VecDeque<String>,
}

impl RunState {
    /// A run of a published version that has not begun.
    #[must_use]
    pub fn new(definition: &Definition, version: i64) -> Self {
        Self {
            flow: definition.flow.clone(),
            version,
            status: RunStatus::Running,
            position: None,
            pending: None,
            variables: BTreeMap::new(),
            gathered: Vec::new(),
            turn: 0,
            handled: VecDeque::new(),
        }
    }

    /// Whether the event was taken before.
    #[must_use]
    pub fn has_handled(&self, event_id: &str) -> bool {
        self.handled.iter().any(|handled| handled == event_id)
    }

    pub(crate) fn remember(&mut self, event_id: &str) {
        self.turn += 1;
        self.handled.push_back(event_id.to_owned());
        if self.handled.len() > HANDLED_EVENTS {
            self.handled.pop_front();
        }
    }
}

/// What is known when a conversation begins.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Context {
    pub contact: ContactFields,
    /// Name of the campaign the conversation is attributed to.
    pub campaign: Option<String>,
    /// BCP 47 language tag, when the channel knows better than the contact.
    pub locale: Option<String>,
}

/// Names a text may use in every flow, apart from its own variables.
pub const CONTEXT_VARIABLES: &[&str] = &["campaign"];

/// Something that happened in the conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Stable id, the provider's message id for example; an event with an id that was taken before changes nothing.
    pub id: String,
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    /// The conversation begins. Taken once.
    Started { context: Box<Context> },
    /// The customer wrote.
    Text { text: String },
    /// The customer tapped a button or list row.
    Reply {
        /// The id the button was sent with.
        id: String,
        title: String,
        /// The message the button belongs to, by the provider's id.
        context: Option<String>,
    },
    /// The customer sent something that is no text.
    Media { caption: Option<String> },
    /// The customer filled in a form.
    Form {
        /// Its name; none when nobody can say which one it was.
        form: Option<String>,
        /// By the names of its fields.
        answers: serde_json::Map<String, serde_json::Value>,
    },
    /// The channel refused to send the form of this name.
    FormRefused { form: String },
    /// The customer opened the chat by a link, which wrote the message: it answers nothing.
    LinkOpened,
    /// A timer the run had asked for.
    Timer { key: String },
    /// The agent ended the conversation.
    AgentEnded,
}

/// Hides what the customer said.
impl fmt::Debug for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { .. } => f.write_str("Started"),
            Self::Text { .. } => f.write_str("Text"),
            Self::Reply { id, .. } => write!(f, "Reply({id})"),
            Self::Media { .. } => f.write_str("Media"),
            Self::Form { form, .. } => write!(f, "Form({form:?})"),
            Self::FormRefused { form } => write!(f, "FormRefused({form})"),
            Self::LinkOpened => f.write_str("LinkOpened"),
            Self::Timer { key } => write!(f, "Timer({key})"),
            Self::AgentEnded => f.write_str("AgentEnded"),
        }
    }
}

/// Why an agent is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandoverReason {
    /// The flow leads there.
    Flow,
    /// The customer asked for a person.
    Asked,
    /// The bot failed.
    Failed,
}

/// What was noted of a step; the material of analytics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepLog {
    Reached,
    Skipped,
    Answered,
    /// An answer did not fit.
    Retried,
    /// Too many answers did not fit.
    GaveUp,
    /// The form of the question could not be offered.
    Unavailable,
    /// The customer was reminded.
    Reminded,
    /// A button of an earlier question was tapped.
    OldButton,
    /// The customer asked for a person here.
    AgentAsked,
    /// A trigger led away from here.
    Left,
    HandedOver,
    Ended,
    /// The bot failed here.
    Failed,
}

/// What the interpreter wants done. Stored with the new state in one transaction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Send this to the customer.
    Send { content: Box<Content> },
    /// Write a field (one of the standard fields, else an attribute) of the contact.
    SaveContact { field: String, value: String },
    /// Write a field of the lead.
    SaveLead { field: String, value: String },
    /// Put the session into the queue.
    Handover { queue: String, reason: HandoverReason, summary: String, gathered: Vec<Gathered> },
    /// Send a [`EventKind::Timer`] with this key at this time.
    SetTimer { key: String, at: Timestamp },
    /// End the session.
    End,
    /// Note it for analytics.
    LogStep { step_id: String, what: StepLog },
}

/// The answer of [`step`](crate::step).
#[derive(Debug, Clone, PartialEq)]
pub struct StepResult {
    pub state: RunState,
    /// In the order they are to happen.
    pub effects: Vec<Effect>,
}
