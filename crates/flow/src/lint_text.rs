//! Checks of a definition's texts: that they can be rendered, use known variables and fit WhatsApp's limits.
//!
//! Limits: WhatsApp Cloud API, text messages and interactive messages.

use std::collections::BTreeSet;

use segue_model::contact::STANDARD_FIELDS;

use crate::{
    Definition,
    definition::{Action, AnswerType, Ask},
    problem::Finding,
    run::CONTEXT_VARIABLES,
    template,
};

/// Characters of a plain text.
pub(crate) const TEXT: usize = 4096;
/// Characters of a text with buttons or a list.
pub(crate) const BODY: usize = 1024;
/// Characters below a file.
pub(crate) const CAPTION: usize = 1024;
/// Characters of a button, and of the button that opens a list.
pub(crate) const BUTTON: usize = 20;
/// Buttons of a message; more options become a list.
pub(crate) const BUTTONS: usize = 3;
/// Characters of a list row's title and description.
const ROW: usize = 24;
const DESCRIPTION: usize = 72;

/// Names the template engine itself has.
const ENGINE_NAMES: &[&str] = &["range", "dict", "namespace", "debug", "loop"];

struct Texts<'a> {
    known: BTreeSet<&'a str>,
    findings: &'a mut Vec<Finding>,
}

pub(crate) fn check(definition: &Definition, findings: &mut Vec<Finding>) {
    let mut texts = Texts { known: known_names(definition), findings };
    texts.message("/agent/message", &definition.agent.message, TEXT);
    texts.message("/agent/apology", &definition.agent.apology, TEXT);
    texts.message("/texts/retry", &definition.texts.retry, BODY);
    texts.message("/texts/old_button", &definition.texts.old_button, BODY);
    texts.label("/texts/list_button", &definition.texts.list_button, BUTTON);
    texts.label("/texts/form_button", &definition.texts.form_button, BUTTON);
    texts.label("/texts/yes", &definition.texts.yes, BUTTON);
    texts.label("/texts/no", &definition.texts.no, BUTTON);
    for (number, word) in definition.agent.keywords.iter().enumerate() {
        texts.keyword(&format!("/agent/keywords/{number}"), word);
    }
    for (number, trigger) in definition.triggers.iter().enumerate() {
        for (index, word) in trigger.keywords.iter().enumerate() {
            texts.keyword(&format!("/triggers/{number}/keywords/{index}"), word);
        }
    }
    for (index, step) in definition.steps.iter().enumerate() {
        let at = format!("/steps/{index}");
        match step.action() {
            Some(Action::Say(say)) => texts.message(&format!("{at}/say/text"), &say.text, TEXT),
            Some(Action::Send(send)) => {
                if let Some(caption) = &send.caption {
                    texts.message(&format!("{at}/send/caption"), caption, CAPTION);
                }
            }
            Some(Action::Ask(ask)) => texts.question(&format!("{at}/ask"), ask),
            Some(Action::Set(values)) => {
                for (name, text) in values {
                    texts.template(&format!("{at}/set/{name}"), text);
                }
            }
            Some(Action::Update(fields)) => {
                for (field, text) in fields {
                    texts.template(&format!("{at}/update/{field}"), text);
                }
            }
            Some(Action::If(branches)) => {
                for (number, branch) in branches.iter().enumerate() {
                    if let Some(condition) = &branch.when {
                        texts.condition(&format!("{at}/if/{number}/when"), condition);
                    }
                }
            }
            Some(Action::Handover(handover)) => {
                if let Some(message) = &handover.message {
                    texts.message(&format!("{at}/handover/message"), message, TEXT);
                }
                if let Some(summary) = &handover.summary {
                    texts.template(&format!("{at}/handover/summary"), summary);
                }
            }
            Some(Action::End(end)) => {
                if let Some(message) = &end.message {
                    texts.message(&format!("{at}/end/message"), message, TEXT);
                }
            }
            Some(Action::Goto(_)) | None => {}
        }
    }
}

/// Every name a text may use: what is known of the contact, the flow's variables, answers and what is set.
fn known_names(definition: &Definition) -> BTreeSet<&str> {
    let mut known = BTreeSet::new();
    known.extend(STANDARD_FIELDS.iter().chain(CONTEXT_VARIABLES).chain(ENGINE_NAMES));
    known.extend(definition.variables.keys().map(String::as_str));
    for step in &definition.steps {
        if let Some(ask) = &step.ask {
            match ask.kind {
                AnswerType::Form => known.extend(ask.fields.iter().map(|field| field.variable())),
                _ => _ = known.insert(ask.variable(&step.id)),
            }
        }
        known.extend(step.set.iter().flat_map(|values| values.keys().map(String::as_str)));
    }
    known
}

impl Texts<'_> {
    fn find(&mut self, at: &str, message: impl Into<String>) {
        self.findings.push(Finding::new(at, message));
    }

    fn question(&mut self, at: &str, ask: &Ask) {
        let has_buttons = matches!(ask.kind, AnswerType::Choice | AnswerType::YesNo | AnswerType::Form);
        let limit = if has_buttons { BODY } else { TEXT };
        if let Some(label) = &ask.button {
            self.label(&format!("{at}/button"), label, BUTTON);
        }
        self.message(&format!("{at}/prompt"), &ask.prompt, limit);
        for (index, text) in ask.retry.iter().enumerate() {
            self.message(&format!("{at}/retry/{index}"), text, limit);
        }
        if let Some(text) = ask.no_input.as_ref().and_then(|silence| silence.text.as_ref()) {
            self.message(&format!("{at}/no_input/text"), text, limit);
        }
        if let Some(condition) = &ask.skip_if {
            self.condition(&format!("{at}/skip_if"), condition);
        }
        let as_list = ask.options.len() > BUTTONS;
        for (index, option) in ask.options.iter().enumerate() {
            let place = format!("{at}/options/{index}");
            self.label(&format!("{place}/label"), &option.label, if as_list { ROW } else { BUTTON });
            match &option.description {
                Some(_) if !as_list => {
                    self.find(
                        &format!("{place}/description"),
                        "Only a list of more than three options shows descriptions.",
                    );
                }
                Some(text) => self.label(&format!("{place}/description"), text, DESCRIPTION),
                None => {}
            }
        }
    }

    fn message(&mut self, at: &str, text: &str, limit: usize) {
        if text.trim().is_empty() {
            self.find(at, "The text is empty.");
        } else if text.chars().count() > limit {
            self.find(at, format!("The text is longer than the {limit} characters WhatsApp allows here."));
        }
        self.template(at, text);
    }

    fn label(&mut self, at: &str, text: &str, limit: usize) {
        if text.trim().is_empty() {
            self.find(at, "The label is empty.");
        } else if text.chars().count() > limit {
            self.find(at, format!("WhatsApp shows at most {limit} characters here."));
        }
        if text.contains("{{") {
            self.find(at, "A label cannot contain variables.");
        }
    }

    fn keyword(&mut self, at: &str, word: &str) {
        if !word.chars().any(char::is_alphanumeric) {
            self.find(at, "A keyword needs a letter or digit.");
        }
    }

    fn template(&mut self, at: &str, text: &str) {
        match template::names_in_text(text) {
            Ok(names) => self.names(at, &names),
            Err(error) => self.find(at, format!("The text cannot be read: {error}.")),
        }
    }

    fn condition(&mut self, at: &str, condition: &str) {
        match template::names_in_condition(condition) {
            Ok(names) => self.names(at, &names),
            Err(error) => self.find(at, format!("The condition cannot be read: {error}.")),
        }
    }

    fn names(&mut self, at: &str, names: &BTreeSet<String>) {
        for name in names.iter().filter(|name| !self.known.contains(name.as_str())).collect::<Vec<_>>() {
            self.findings.push(Finding::new(
                at,
                format!("The variable '{name}' is not known. Ask for it, set it, or declare it under 'variables'."),
            ));
        }
    }
}
