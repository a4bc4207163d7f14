//! The definition of a flow, as its author writes it.
//!
//! Steps follow one another in the order of the list unless a `goto` leads elsewhere. Step ids are stable names: they key
//! analytics, tests and running conversations.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use segue_model::MediaId;
use serde::{Deserialize, Serialize};

/// A flow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Stable name of the flow in configuration and addresses.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9-]{0,39}$"))]
    pub flow: String,
    /// Name for people.
    #[schemars(length(min = 1, max = 80))]
    pub name: String,
    /// The way to a person, open at every moment of the conversation.
    pub agent: AgentPath,
    /// Variables that are neither a contact field nor an answer, with what they are at the start. A contact's attribute
    /// of the same name replaces that value.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Words that lead to a step whenever the customer sends them.
    #[serde(default)]
    pub triggers: Vec<Trigger>,
    /// Wording the engine uses on its own.
    #[serde(default)]
    pub texts: Texts,
    /// The conversation.
    #[schemars(length(min = 1, max = 200))]
    pub steps: Vec<Step>,
}

/// How a customer reaches a person, and what happens when the bot itself fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentPath {
    /// Name of the routing queue.
    #[schemars(length(min = 1, max = 80))]
    pub queue: String,
    /// Messages that ask for a person.
    #[serde(default = "AgentPath::default_keywords")]
    #[schemars(length(min = 1, max = 50))]
    pub keywords: Vec<String>,
    /// Said when the customer asked for a person.
    #[serde(default = "AgentPath::default_message")]
    pub message: String,
    /// Said when something went wrong, before a person is called.
    #[serde(default = "AgentPath::default_apology")]
    pub apology: String,
}

impl AgentPath {
    fn default_keywords() -> Vec<String> {
        ["agent", "human", "operator", "representative", "talk to a person"].map(str::to_owned).to_vec()
    }

    fn default_message() -> String {
        "Of course. A colleague will be with you in a moment.".to_owned()
    }

    fn default_apology() -> String {
        "Sorry, something went wrong on our side. A colleague will be with you in a moment.".to_owned()
    }
}

/// Words that lead to a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// The message is one of these; case and punctuation do not matter.
    #[schemars(length(min = 1, max = 50))]
    pub keywords: Vec<String>,
    /// Id of the step.
    pub goto: String,
}

/// Wording the engine uses on its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Texts {
    /// After an answer that does not fit, when the question has no `retry` text.
    pub retry: String,
    /// Before the current question, after a tap on a button of an earlier one.
    pub old_button: String,
    /// Label of the button that opens a list.
    pub list_button: String,
    /// Label of the button that opens a form.
    pub form_button: String,
    /// Labels of a yes-or-no question.
    pub yes: String,
    pub no: String,
}

impl Default for Texts {
    fn default() -> Self {
        Self {
            retry: "Sorry, I did not get that. Could you try again?".to_owned(),
            old_button: "That was for an earlier question. Let us go on here:".to_owned(),
            list_button: "Choose".to_owned(),
            form_button: "Fill in".to_owned(),
            yes: "Yes".to_owned(),
            no: "No".to_owned(),
        }
    }
}

/// One step: exactly one of `say`, `send`, `ask`, `set`, `if`, `update`, `handover`, `end` or `goto`. A `goto` beside
/// `say`, `send`, `ask`, `set` or `update` says where the conversation goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Stable name of the step.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_]{0,39}$"))]
    pub id: String,
    /// Says something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub say: Option<Say>,
    /// Sends a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send: Option<SendFile>,
    /// Asks a question and waits for the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<Ask>,
    /// Sets variables to texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<BTreeMap<String, String>>,
    /// Goes on at the first branch whose condition holds, else at the next step.
    #[serde(default, rename = "if", skip_serializing_if = "Option::is_none")]
    pub branches: Option<Vec<Branch>>,
    /// Writes fields of the contact or lead: `contact.topic: "{{ topic }}"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<BTreeMap<String, String>>,
    /// Calls an agent; the bot falls silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handover: Option<Handover>,
    /// Ends the conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
    /// Where the conversation goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goto: Option<String>,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Action<'a> {
    Say(&'a Say),
    Send(&'a SendFile),
    Ask(&'a Ask),
    Set(&'a BTreeMap<String, String>),
    If(&'a [Branch]),
    Update(&'a BTreeMap<String, String>),
    Handover(&'a Handover),
    End(&'a End),
    Goto(&'a str),
}

impl Step {
    /// The one thing the step does; `None` when it is none or several, which a checked definition never has.
    #[must_use]
    pub fn action(&self) -> Option<Action<'_>> {
        let mut all = [
            self.say.as_ref().map(Action::Say),
            self.send.as_ref().map(Action::Send),
            self.ask.as_ref().map(Action::Ask),
            self.set.as_ref().map(Action::Set),
            self.branches.as_deref().map(Action::If),
            self.update.as_ref().map(Action::Update),
            self.handover.as_ref().map(Action::Handover),
            self.end.as_ref().map(Action::End),
        ]
        .into_iter()
        .flatten();
        match (all.next(), all.next()) {
            (Some(action), None) => Some(action),
            (None, _) => self.goto.as_deref().map(Action::Goto),
            (Some(_), Some(_)) => None,
        }
    }
}

/// Says something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Say {
    /// May contain `{{ variables }}`.
    #[schemars(length(min = 1))]
    pub text: String,
}

/// Sends a file that was uploaded to the workspace, as the picture, film, sound, sticker or document it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SendFile {
    /// Id of the upload. A document is shown under the name it was uploaded with.
    #[schemars(regex(pattern = r"^med_[0-7][0-9a-hjkmnp-tv-z]{25}$"))]
    pub file: String,
    /// Below a picture, film or document; may contain `{{ variables }}`.
    #[serde(default)]
    pub caption: Option<String>,
    /// For sound in OGG with Opus: shown as a voice message.
    #[serde(default)]
    pub voice: bool,
}

impl SendFile {
    /// The id; `None` when it is none, which a checked definition never has.
    #[must_use]
    pub fn media_id(&self) -> Option<MediaId> {
        self.file.parse().ok()
    }
}

/// Asks a question and waits for the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// What an answer looks like.
    #[serde(rename = "type")]
    pub kind: AnswerType,
    /// The question.
    #[schemars(length(min = 1))]
    pub prompt: String,
    /// Variable the answer goes into; the step's id when left out.
    #[serde(default)]
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_]{0,39}$"))]
    pub into: Option<String>,
    /// What agents see before the answer.
    #[serde(default)]
    pub label: Option<String>,
    /// Field the answer is written to: `contact.first_name`, `contact.<attribute>` or `lead.<field>`.
    #[serde(default)]
    #[schemars(regex(pattern = r"^(contact|lead)\.[a-z][a-z0-9_]{0,39}$"))]
    pub save: Option<String>,
    /// Said after the first, second, … answer that does not fit; the last one is repeated.
    #[serde(default)]
    pub retry: Vec<String>,
    /// So many answers that do not fit lead to `on_fail`.
    #[serde(default = "Ask::default_max_tries")]
    #[schemars(range(min = 1, max = 10))]
    pub max_tries: u32,
    /// Step after too many answers that do not fit.
    #[serde(default)]
    pub on_fail: Option<String>,
    /// The question is not asked when this condition holds.
    #[serde(default)]
    pub skip_if: Option<String>,
    /// What happens when the customer is silent.
    #[serde(default)]
    pub no_input: Option<NoInput>,
    /// For `regex`: the whole answer must match.
    #[serde(default)]
    pub pattern: Option<String>,
    /// For `text` and `regex`: done before the answer is checked.
    #[serde(default)]
    pub normalise: Option<Normalise>,
    /// For `number`.
    #[serde(default)]
    pub min: Option<f64>,
    /// For `number`.
    #[serde(default)]
    pub max: Option<f64>,
    /// For `phone`: country (ISO 3166) of numbers without a country code.
    #[serde(default)]
    #[schemars(regex(pattern = r"^[A-Z]{2}$"))]
    pub country: Option<String>,
    /// For `choice`: up to three are shown as buttons, up to ten as a list.
    #[serde(default)]
    pub options: Vec<AnswerOption>,
    /// For `form`: its name at WhatsApp. The number of the conversation must have a published form of this name.
    #[serde(default)]
    #[schemars(length(min = 1, max = 200))]
    pub form: Option<String>,
    /// For `form`: label of the button that opens it; that of `texts` when left out.
    #[serde(default)]
    pub button: Option<String>,
    /// For `form`: the fields whose answers go into variables.
    #[serde(default)]
    #[schemars(length(max = 50))]
    pub fields: Vec<FormField>,
}

/// A field of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FormField {
    /// The name that the form's author gave it.
    #[schemars(length(min = 1, max = 200))]
    pub name: String,
    /// Variable its answer goes into; the field's name when left out.
    #[serde(default)]
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_]{0,39}$"))]
    pub into: Option<String>,
    /// What agents see before the answer.
    #[serde(default)]
    pub label: Option<String>,
    /// Field the answer is written to, as that of a question. One that does not fit there is not written; nobody is
    /// asked to fill in a whole form again for it.
    #[serde(default)]
    #[schemars(regex(pattern = r"^(contact|lead)\.[a-z][a-z0-9_]{0,39}$"))]
    pub save: Option<String>,
}

impl FormField {
    /// The variable the answer goes into.
    #[must_use]
    pub fn variable(&self) -> &str {
        self.into.as_deref().unwrap_or(&self.name)
    }

    /// What agents see before the answer.
    #[must_use]
    pub fn label_or_name(&self) -> String {
        self.label.clone().unwrap_or_else(|| in_words(self.variable()))
    }
}

/// `order_number` as `Order number`.
fn in_words(variable: &str) -> String {
    let words = variable.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

impl Ask {
    const fn default_max_tries() -> u32 {
        3
    }

    /// The variable the answer goes into; a form's answers go into those of its fields.
    #[must_use]
    pub fn variable<'a>(&'a self, step_id: &'a str) -> &'a str {
        self.into.as_deref().unwrap_or(step_id)
    }

    /// What agents see before the answer.
    #[must_use]
    pub fn label_or(&self, variable: &str) -> String {
        self.label.clone().unwrap_or_else(|| in_words(variable))
    }
}

/// What an answer looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnswerType {
    Text,
    Number,
    Email,
    Phone,
    Regex,
    Choice,
    YesNo,
    // A form of the business at WhatsApp is filled in. (A doc comment here would change how the schema refuses a word.)
    Form,
}

/// What is done to an answer before it is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Normalise {
    Upper,
    Lower,
}

/// One of the answers of a choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerOption {
    /// Value of the variable.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_]{0,39}$"))]
    pub id: String,
    /// What the customer sees.
    #[schemars(length(min = 1))]
    pub label: String,
    /// Second line of a list row.
    #[serde(default)]
    pub description: Option<String>,
    /// Step this answer leads to.
    #[serde(default)]
    pub goto: Option<String>,
}

/// What happens when the customer is silent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoInput {
    /// Minutes of silence; below a day, because the service window closes then.
    #[schemars(range(min = 1, max = 1380))]
    pub after_minutes: u32,
    /// The reminder; the question itself when left out.
    #[serde(default)]
    pub text: Option<String>,
    /// So many reminders.
    #[serde(default = "NoInput::default_max")]
    #[schemars(range(min = 0, max = 3))]
    pub max: u32,
    /// Step after the last reminder; without it the question just stays open.
    #[serde(default)]
    pub goto: Option<String>,
}

impl NoInput {
    const fn default_max() -> u32 {
        1
    }
}

/// A way out of an `if`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// `topic == "order" and order_number is defined`; left out in the last branch, it always holds.
    #[serde(default)]
    pub when: Option<String>,
    /// Id of the step.
    pub goto: String,
}

/// Calls an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Handover {
    /// Name of the routing queue; that of `agent` when left out.
    #[serde(default)]
    pub queue: Option<String>,
    /// Said to the customer.
    #[serde(default)]
    pub message: Option<String>,
    /// Said to the agent; the answers when left out.
    #[serde(default)]
    pub summary: Option<String>,
}

/// Ends the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// Said to the customer.
    #[serde(default)]
    pub message: Option<String>,
}
