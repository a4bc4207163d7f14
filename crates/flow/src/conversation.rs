//! Conversation tests: what a customer does and what the bot is expected to answer, as YAML beside the flow.
//!
//! ```yaml
//! test: asks again and then understands
//! now: 2026-11-23T10:00:00Z
//! contact: {first_name: Ana}
//! campaign: Spring sale
//! turns:
//!   - expect: {says: ["Hi Ana", "your name?"], step: ask_name}
//!   - user: "ana"
//!     expect: {step: topic, buttons: [Order, Advice], saved: {contact.first_name: ana}}
//!   - tap: topic.order
//!   - form: {day: "2026-12-01"}
//!   - minutes: 31
//!     expect: {says: ["still there"]}
//! expect_end: {status: waiting, variables: {topic: order}}
//! ```
//! The first turn without `user`, `tap`, `media`, `form` or `minutes` is the answer to the conversation's begin.

use std::collections::BTreeMap;

use segue_model::{Timestamp, contact::ContactFields, content::Content, time::MINUTE};
use serde::{Deserialize, Serialize};

use crate::{Context, Definition, Effect, Event, EventKind, RunState, RunStatus, step};

/// One test.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversation {
    /// What is tested, in words.
    pub test: String,
    pub now: Timestamp,
    #[serde(default)]
    pub contact: ContactFields,
    #[serde(default)]
    pub campaign: Option<String>,
    pub turns: Vec<ConversationTurn>,
    #[serde(default)]
    pub expect_end: Expectation,
}

/// One thing the customer does, and the answer.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConversationTurn {
    /// Writes this.
    pub user: Option<String>,
    /// Taps the button with this id, `<step>.<option>`.
    pub tap: Option<String>,
    /// Sends a file with this caption.
    pub media: Option<String>,
    /// Fills in the form that was offered last.
    pub form: Option<serde_json::Map<String, serde_json::Value>>,
    /// Stays silent for so long; timers due until then go off in order.
    pub minutes: Option<u32>,
    pub expect: Expectation,
}

/// What is expected. What is left out is not checked.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expectation {
    /// Parts of the messages, one for each message; a file says what stands below it.
    pub says: Option<Vec<String>>,
    /// Ids of the files that were sent, in order.
    pub files: Option<Vec<String>>,
    /// Name of the form that the last message offers.
    pub form: Option<String>,
    /// Titles of the last message's buttons or rows.
    pub buttons: Option<Vec<String>>,
    /// The step the run waits at.
    pub step: Option<String>,
    /// Answers to the question so far that did not fit.
    pub tries: Option<u32>,
    /// Values of variables, as text.
    pub variables: BTreeMap<String, String>,
    /// Fields written in this turn, all of them: `contact.first_name: Ana`.
    pub saved: Option<BTreeMap<String, String>>,
    pub status: Option<RunStatus>,
    /// Queue of the hand-over.
    pub queue: Option<String>,
    /// Answers given to the agent, by label.
    pub gathered: Option<BTreeMap<String, String>>,
    /// Part of the summary for the agent.
    pub summary: Option<String>,
}

/// A test that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("The conversation tests cannot be read: {0}")]
pub struct UnreadableTests(String);

/// One expectation that was not met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Name of the test.
    pub test: String,
    /// Turn from 1; 0 for the end.
    pub turn: usize,
    /// What was expected and what happened.
    pub message: String,
}

/// Reads tests: YAML documents, separated by `---`.
///
/// # Errors
/// When they are not of the form above.
pub fn read(source: &str) -> Result<Vec<Conversation>, UnreadableTests> {
    serde_saphyr::from_multiple(source).map_err(|error| UnreadableTests(error.to_string()))
}

/// Plays one conversation; the failures are empty when all went as expected.
#[must_use]
pub fn play(definition: &Definition, conversation: &Conversation) -> Vec<Failure> {
    let mut player = Player {
        definition,
        state: RunState::new(definition, 1),
        now: conversation.now,
        timers: Vec::new(),
        events: 0,
        effects: Vec::new(),
        offered: None,
    };
    let context =
        Context { contact: conversation.contact.clone(), campaign: conversation.campaign.clone(), locale: None };
    player.take(EventKind::Started { context: Box::new(context) });
    let mut failures = Vec::new();
    let mut fail = |turn, messages: Vec<String>| {
        failures.extend(messages.into_iter().map(|message| Failure { test: conversation.test.clone(), turn, message }));
    };
    let mut all = Vec::new();
    for (index, turn) in conversation.turns.iter().enumerate() {
        let acts = [&turn.user, &turn.tap, &turn.media].into_iter().flatten().count()
            + usize::from(turn.form.is_some())
            + usize::from(turn.minutes.is_some());
        let acts_fit = if index == 0 { acts <= 1 } else { acts == 1 };
        if !acts_fit {
            fail(index + 1, vec!["A turn is exactly one of user, tap, media, form and minutes.".to_owned()]);
        }
        if acts > 0 {
            all.append(&mut player.effects);
        }
        player.act(turn);
        fail(index + 1, player.differences(&turn.expect, &player.effects));
    }
    all.append(&mut player.effects);
    fail(0, player.differences(&conversation.expect_end, &all));
    failures
}

struct Player<'a> {
    definition: &'a Definition,
    state: RunState,
    now: Timestamp,
    timers: Vec<(Timestamp, String)>,
    events: u32,
    /// Of the present turn.
    effects: Vec<Effect>,
    /// Name of the last form that was offered.
    offered: Option<String>,
}

impl Player<'_> {
    fn take(&mut self, kind: EventKind) {
        self.events += 1;
        let event = Event { id: self.events.to_string(), kind };
        let result = step(self.definition, &self.state, &event, self.now);
        self.state = result.state;
        self.timers.extend(result.effects.iter().filter_map(|effect| match effect {
            Effect::SetTimer { key, at } => Some((*at, key.clone())),
            _ => None,
        }));
        let offered = result.effects.iter().rev().find_map(|effect| match effect {
            Effect::Send { content } => match &**content {
                Content::Form(form) => Some(form.name.clone()),
                _ => None,
            },
            _ => None,
        });
        self.offered = offered.or(self.offered.take());
        self.effects.extend(result.effects);
    }

    fn act(&mut self, turn: &ConversationTurn) {
        if let Some(text) = &turn.user {
            self.take(EventKind::Text { text: text.clone() });
        }
        if let Some(id) = &turn.tap {
            self.take(EventKind::Reply { id: id.clone(), title: String::new(), context: None });
        }
        if let Some(caption) = &turn.media {
            self.take(EventKind::Media { caption: Some(caption.clone()) });
        }
        if let Some(answers) = &turn.form {
            self.take(EventKind::Form { form: self.offered.clone(), answers: answers.clone() });
        }
        let until = self.now.plus(i64::from(turn.minutes.unwrap_or(0)) * MINUTE);
        loop {
            self.timers.sort();
            if self.timers.first().is_none_or(|(at, _)| *at > until) {
                break;
            }
            let (at, key) = self.timers.remove(0);
            self.now = at;
            self.take(EventKind::Timer { key });
        }
        self.now = until;
    }

    fn differences(&self, expected: &Expectation, effects: &[Effect]) -> Vec<String> {
        let mut differences = Vec::new();
        let mut check = |what: &str, expected: &dyn std::fmt::Debug, actual: &dyn std::fmt::Debug, holds| {
            let fits: bool = holds;
            if !fits {
                differences.push(format!("{what}: expected {expected:?}, got {actual:?}"));
            }
        };
        let sent = effects
            .iter()
            .filter_map(|effect| if let Effect::Send { content } = effect { Some(&**content) } else { None });
        let sent = sent.collect::<Vec<_>>();
        if let Some(parts) = &expected.says {
            let texts = sent.iter().map(|content| content.text()).collect::<Vec<_>>();
            let fits =
                parts.len() == texts.len() && parts.iter().zip(&texts).all(|(part, text)| text.contains(part.as_str()));
            check("says", parts, &texts, fits);
        }
        if let Some(titles) = &expected.buttons {
            let shown = sent.last().map(|content| titles_of(content)).unwrap_or_default();
            check("buttons", titles, &shown, *titles == shown);
        }
        if let Some(ids) = &expected.files {
            let files: Vec<String> = sent.iter().filter_map(|content| file_of(content)).collect();
            check("files", ids, &files, *ids == files);
        }
        if let Some(name) = &expected.form {
            let offered = sent.last().and_then(|content| match content {
                Content::Form(form) => Some(&form.name),
                _ => None,
            });
            check("form", name, &offered, offered == Some(name));
        }
        let pending = self.state.pending.as_ref();
        if let Some(id) = &expected.step {
            let at = pending.map(|pending| &pending.step);
            check("step", id, &at, at == Some(id));
        }
        if let Some(tries) = expected.tries {
            let counted = pending.map(|pending| pending.tries);
            check("tries", &tries, &counted, counted == Some(tries));
        }
        for (name, value) in &expected.variables {
            let actual = self.state.variables.get(name).map(ToString::to_string);
            check(&format!("variable {name}"), value, &actual, actual.as_ref() == Some(value));
        }
        if let Some(fields) = &expected.saved {
            let saved = saved_fields(effects);
            check("saved", fields, &saved, *fields == saved);
        }
        if let Some(status) = expected.status {
            check("status", &status, &self.state.status, status == self.state.status);
        }
        let handover = effects.iter().find_map(|effect| match effect {
            Effect::Handover { queue, summary, gathered, .. } => Some((queue, summary, gathered)),
            _ => None,
        });
        if let Some(queue) = &expected.queue {
            let actual = handover.map(|(queue, ..)| queue);
            check("queue", queue, &actual, actual == Some(queue));
        }
        if let Some(part) = &expected.summary {
            let actual = handover.map(|(_, summary, _)| summary);
            check("summary", part, &actual, actual.is_some_and(|summary| summary.contains(part.as_str())));
        }
        if let Some(answers) = &expected.gathered {
            let given = handover.into_iter().flat_map(|(.., gathered)| gathered);
            let given = given.map(|one| (one.label.clone(), one.value.clone())).collect::<BTreeMap<_, _>>();
            check("gathered", answers, &given, *answers == given);
        }
        differences
    }
}

fn titles_of(content: &Content) -> Vec<String> {
    let choices = match content {
        Content::Buttons { buttons, .. } => buttons.iter().collect::<Vec<_>>(),
        Content::List { sections, .. } => sections.iter().flat_map(|section| &section.rows).collect(),
        _ => Vec::new(),
    };
    choices.into_iter().map(|choice| choice.title.clone()).collect()
}

fn file_of(content: &Content) -> Option<String> {
    match content {
        Content::Image { media_id, .. }
        | Content::Video { media_id, .. }
        | Content::Audio { media_id, .. }
        | Content::Document { media_id, .. }
        | Content::Sticker { media_id } => Some(media_id.to_string()),
        _ => None,
    }
}

fn saved_fields(effects: &[Effect]) -> BTreeMap<String, String> {
    let fields = effects.iter().filter_map(|effect| match effect {
        Effect::SaveContact { field, value } => Some((format!("contact.{field}"), value.clone())),
        Effect::SaveLead { field, value } => Some((format!("lead.{field}"), value.clone())),
        _ => None,
    });
    fields.collect()
}
