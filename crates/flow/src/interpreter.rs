//! The interpreter: one event in, the new state and the effects out.

use std::collections::BTreeMap;

use segue_model::{
    Timestamp,
    contact::STANDARD_FIELDS,
    content::{Choice, Content, OfferedForm, Section},
    time::MINUTE,
};

use crate::{
    Definition,
    answer::{self, Answer, NO_ID, YES_ID, compact},
    definition::{Action, AnswerType, Ask, Handover, SendFile},
    lint_text::{BODY, BUTTONS, CAPTION, TEXT},
    run::{
        Context, Effect, Event, EventKind, Gathered, HandoverReason, Pending, RunState, RunStatus, StepLog, StepResult,
        Value,
    },
    surroundings::{Everything, FileKind, KnownForm, Surroundings},
    template,
};

/// The answers of a form by the names of its fields.
type Answers = serde_json::Map<String, serde_json::Value>;

/// Steps one event may lead through. More is a circle, and a person takes over.
pub const MAX_HOPS: usize = 50;

/// Takes one event. Pure and total: every state and event has an answer, the same one each time. An event that was taken
/// before, or that means nothing in this state, has no effects.
#[must_use]
pub fn step(definition: &Definition, state: &RunState, event: &Event, now: Timestamp) -> StepResult {
    step_in(definition, state, event, now, &Everything)
}

/// [`step`] in a workspace. An answer that does not fit the field it is to be saved in counts as one that does not fit
/// the question, so the customer is asked again; a value that the flow itself sets, or that comes with a form, and does
/// not fit is not saved.
#[must_use]
pub fn step_in(
    definition: &Definition,
    state: &RunState,
    event: &Event,
    now: Timestamp,
    around: &dyn Surroundings,
) -> StepResult {
    if state.has_handled(&event.id) {
        return StepResult { state: state.clone(), effects: Vec::new() };
    }
    let mut turn = Turn { definition, state: state.clone(), effects: Vec::new(), now, around };
    turn.state.remember(&event.id);
    turn.take(&event.kind);
    StepResult { state: turn.state, effects: turn.effects }
}

/// The bot cannot go on; a person has to.
struct Broken;

struct Turn<'a> {
    definition: &'a Definition,
    state: RunState,
    effects: Vec<Effect>,
    now: Timestamp,
    around: &'a dyn Surroundings,
}

impl<'a> Turn<'a> {
    fn take(&mut self, event: &EventKind) {
        let outcome = match (self.state.status, event) {
            (RunStatus::Running, EventKind::Started { context }) if self.state.position.is_none() => {
                self.begin(context)
            }
            (RunStatus::HandedOver | RunStatus::Failed, EventKind::AgentEnded) => {
                self.state.status = RunStatus::Ended;
                Ok(())
            }
            (RunStatus::Waiting, EventKind::Text { text }) => self.text(text),
            (RunStatus::Waiting, EventKind::Reply { id, title, .. }) => self.reply(id, title),
            (RunStatus::Waiting, EventKind::Media { .. }) => self.misfit(),
            (RunStatus::Waiting, EventKind::Form { form, answers }) => self.form(form.as_deref(), answers),
            (RunStatus::Waiting, EventKind::FormRefused { form }) => self.form_refused(form),
            (RunStatus::Waiting, EventKind::LinkOpened) => self.put_once_more(),
            (RunStatus::Waiting, EventKind::Timer { key }) => self.silence(key),
            _ => Ok(()),
        };
        if outcome.is_err() {
            self.fail();
        }
    }

    fn begin(&mut self, context: &Context) -> Result<(), Broken> {
        let declared = self.definition.variables.iter().map(|(name, value)| {
            let value = context.contact.attributes.get(name).unwrap_or(value);
            (name.clone(), Value::Text(value.clone()))
        });
        self.state.variables = declared.collect();
        let known = STANDARD_FIELDS.iter().filter_map(|field| Some((*field, context.contact.field(field)?)));
        let channel = [("locale", context.locale.as_deref()), ("campaign", context.campaign.as_deref())];
        for (name, value) in known.chain(channel.into_iter().filter_map(|(name, value)| Some((name, value?)))) {
            self.state.variables.insert(name.to_owned(), Value::Text(value.to_owned()));
        }
        self.walk(0)
    }

    fn text(&mut self, text: &str) -> Result<(), Broken> {
        let (step_id, ask) = self.question()?;
        let word = compact(text);
        let is_one_of = |words: &[String]| !word.is_empty() && words.iter().any(|known| compact(known) == word);
        // A button of the question itself wins over a keyword of the same name.
        let chosen = matches!(ask.kind, AnswerType::Choice | AnswerType::YesNo)
            .then(|| answer::read_text(ask, &self.definition.texts, text))
            .flatten();
        if let Some(answer) = chosen {
            return self.accept(step_id, ask, answer);
        }
        if is_one_of(&self.definition.agent.keywords) {
            self.log(step_id, StepLog::AgentAsked);
            return self.call_agent();
        }
        if let Some(trigger) = self.definition.triggers.iter().find(|trigger| is_one_of(&trigger.keywords)) {
            self.log(step_id, StepLog::Left);
            return self.go(&trigger.goto);
        }
        match answer::read_text(ask, &self.definition.texts, text) {
            Some(answer) => self.accept(step_id, ask, answer),
            None => self.misfit(),
        }
    }

    fn reply(&mut self, id: &str, title: &str) -> Result<(), Broken> {
        let (step_id, ask) = self.question()?;
        match id.split_once('.') {
            Some((step, option)) if step == step_id => match answer::read_option(ask, &self.definition.texts, option) {
                Some(answer) => self.accept(step_id, ask, answer),
                None => self.misfit(),
            },
            Some((step, _)) if self.definition.steps.iter().any(|other| other.id == step) => {
                self.log(step_id, StepLog::OldButton);
                self.put_again(step_id, ask)
            }
            // A button that is not ours, a template's for example: what it says is what the customer says.
            _ => self.text(title),
        }
    }

    /// A form was filled in.
    fn form(&mut self, form: Option<&str>, answers: &Answers) -> Result<(), Broken> {
        let (step_id, ask) = self.question()?;
        let asked = ask.form.as_deref();
        let is_this_one = match form {
            Some(_) => form == asked,
            // Nobody can say which form it was: what was asked for is taken.
            None => {
                asked.is_some() && (ask.fields.is_empty() || ask.fields.iter().any(|it| answers.contains_key(&it.name)))
            }
        };
        if is_this_one {
            return self.accept_form(step_id, ask, answers);
        }
        if form.is_some_and(|form| self.definition.forms().any(|other| other == form)) {
            self.log(step_id, StepLog::OldButton);
            return self.put_again(step_id, ask);
        }
        self.misfit()
    }

    /// The form that is waited for was never shown to the customer.
    fn form_refused(&mut self, form: &str) -> Result<(), Broken> {
        let (step_id, ask) = self.question()?;
        if ask.form.as_deref() == Some(form) { self.pass_over(step_id, ask) } else { Ok(()) }
    }

    /// Says that something was for an earlier question, and puts the present one again.
    fn put_again(&mut self, step_id: &str, ask: &Ask) -> Result<(), Broken> {
        if self.is_out_of_reach(ask) {
            return self.pass_over(step_id, ask);
        }
        self.put(step_id, ask, &[&self.definition.texts.old_button, &ask.prompt])?;
        self.set_timer(step_id, ask);
        Ok(())
    }

    /// Puts the question as it was put first: the customer is back and has not answered it.
    fn put_once_more(&mut self) -> Result<(), Broken> {
        let (step_id, ask) = self.question()?;
        if self.is_out_of_reach(ask) {
            return self.pass_over(step_id, ask);
        }
        self.put(step_id, ask, &[&ask.prompt])?;
        self.set_timer(step_id, ask);
        Ok(())
    }

    /// Whether the question is a form that cannot be offered now.
    fn is_out_of_reach(&self, ask: &Ask) -> bool {
        ask.form.as_ref().is_some_and(|form| self.around.form(form).is_none())
    }

    /// A question that cannot be put counts as one that was not answered.
    fn pass_over(&mut self, step_id: &str, ask: &Ask) -> Result<(), Broken> {
        self.log(step_id, StepLog::Unavailable);
        self.go(ask.on_fail.as_ref().ok_or(Broken)?)
    }

    /// An answer that does not fit.
    fn misfit(&mut self) -> Result<(), Broken> {
        let (step_id, ask) = self.question()?;
        let pending = self.state.pending.as_mut().ok_or(Broken)?;
        pending.tries += 1;
        let tries = pending.tries;
        if tries >= ask.max_tries {
            self.log(step_id, StepLog::GaveUp);
            return match &ask.on_fail {
                Some(to) => self.go(to),
                None => Err(Broken),
            };
        }
        if self.is_out_of_reach(ask) {
            return self.pass_over(step_id, ask);
        }
        self.log(step_id, StepLog::Retried);
        let index = usize::try_from(tries - 1).unwrap_or(usize::MAX).min(ask.retry.len().saturating_sub(1));
        let text = ask.retry.get(index).unwrap_or(&self.definition.texts.retry);
        self.put(step_id, ask, &[text])?;
        self.set_timer(step_id, ask);
        Ok(())
    }

    fn silence(&mut self, key: &str) -> Result<(), Broken> {
        let (step_id, ask) = self.question()?;
        let Some(pending) = self.state.pending.as_mut().filter(|pending| pending.timer.as_deref() == Some(key)) else {
            return Ok(());
        };
        let Some(silence) = &ask.no_input else { return Ok(()) };
        pending.timer = None;
        if pending.reminders >= silence.max {
            return silence.goto.as_ref().map_or(Ok(()), |to| self.go(to));
        }
        pending.reminders += 1;
        if self.is_out_of_reach(ask) {
            return self.pass_over(step_id, ask);
        }
        self.log(step_id, StepLog::Reminded);
        self.put(step_id, ask, &[silence.text.as_ref().unwrap_or(&ask.prompt)])?;
        self.set_timer(step_id, ask);
        Ok(())
    }

    fn accept(&mut self, step_id: &'a str, ask: &'a Ask, answer: Answer) -> Result<(), Broken> {
        let saved = ask.save.as_ref().map(|field| (field, self.fitting(field, &answer)));
        // What an option says is the author's word: asking again would not help the customer.
        if matches!(saved, Some((_, None))) && !matches!(ask.kind, AnswerType::Choice | AnswerType::YesNo) {
            return self.misfit();
        }
        self.log(step_id, StepLog::Answered);
        let name = ask.variable(step_id);
        self.state.variables.insert(name.to_owned(), answer.value);
        self.gather(name, ask.label_or(name), answer.text.clone());
        if let Some((field, Some(value))) = saved {
            self.save(field, value)?;
        }
        self.state.pending = None;
        match answer.goto {
            Some(to) => self.go(&to),
            None => {
                let index = self.index(step_id)?;
                self.walk(self.following(index)?)
            }
        }
    }

    /// Takes the answers of a form, field by field. A field that was left empty has no value, not that of an earlier
    /// round.
    fn accept_form(&mut self, step_id: &str, ask: &Ask, answers: &Answers) -> Result<(), Broken> {
        self.log(step_id, StepLog::Answered);
        for field in &ask.fields {
            let name = field.variable();
            let Some(value) = answers.get(&field.name).and_then(answer::read_field) else {
                self.state.variables.remove(name);
                self.state.gathered.retain(|gathered| gathered.name != name);
                continue;
            };
            let answer = Answer { text: value.to_string(), value, goto: None };
            self.state.variables.insert(name.to_owned(), answer.value.clone());
            self.gather(name, field.label_or_name(), answer.text.clone());
            if let Some(save) = &field.save
                && let Some(kept) = self.fitting(save, &answer)
            {
                self.save(save, kept)?;
            }
        }
        self.state.pending = None;
        let index = self.index(step_id)?;
        self.walk(self.following(index)?)
    }

    /// What agents see of an answer; a newer one replaces it.
    fn gather(&mut self, name: &str, label: String, value: String) {
        self.state.gathered.retain(|gathered| gathered.name != name);
        self.state.gathered.push(Gathered { name: name.to_owned(), label, value });
    }

    /// What the field keeps of an answer: of the words, else of the option's own value.
    fn fitting(&self, field: &str, answer: &Answer) -> Option<String> {
        self.around.fits(field, &answer.text).or_else(|| match &answer.value {
            Value::Text(text) => self.around.fits(field, text),
            Value::Bool(yes) => self.around.fits(field, if *yes { "true" } else { "false" }),
            Value::Integer(_) | Value::Number(_) => None,
        })
    }

    /// The question the run waits at. Broken when the definition has no such question: it is not the run's own version.
    fn question(&self) -> Result<(&'a str, &'a Ask), Broken> {
        let pending = self.state.pending.as_ref().ok_or(Broken)?;
        let step = &self.definition.steps[self.index(&pending.step)?];
        Ok((&step.id, step.ask.as_ref().ok_or(Broken)?))
    }

    fn index(&self, step_id: &str) -> Result<usize, Broken> {
        self.definition.steps.iter().position(|step| step.id == step_id).ok_or(Broken)
    }

    fn go(&mut self, step_id: &str) -> Result<(), Broken> {
        self.walk(self.index(step_id)?)
    }

    /// Where the conversation goes on after a step that is done.
    fn following(&self, index: usize) -> Result<usize, Broken> {
        match &self.definition.steps[index].goto {
            Some(to) => self.index(to),
            None => Ok(index + 1),
        }
    }

    /// Takes steps from `index` on until one waits or ends.
    fn walk(&mut self, mut index: usize) -> Result<(), Broken> {
        self.state.pending = None;
        self.state.status = RunStatus::Running;
        for _ in 0..MAX_HOPS {
            let step = self.definition.steps.get(index).ok_or(Broken)?;
            self.state.position = Some(step.id.clone());
            let action = step.action().ok_or(Broken)?;
            if let Action::Ask(Ask { skip_if: Some(condition), .. }) = action
                && self.holds(condition)?
            {
                self.log(&step.id, StepLog::Skipped);
                index = self.following(index)?;
                continue;
            }
            if let Action::Ask(ask) = action
                && self.is_out_of_reach(ask)
            {
                // Not by `pass_over`: a way back to here has to use up the steps of this turn.
                self.log(&step.id, StepLog::Unavailable);
                index = self.index(ask.on_fail.as_ref().ok_or(Broken)?)?;
                continue;
            }
            self.log(&step.id, StepLog::Reached);
            index = match action {
                Action::Send(send) => {
                    self.send_file(send)?;
                    self.following(index)?
                }
                Action::Say(say) => {
                    self.say(&say.text)?;
                    self.following(index)?
                }
                Action::Ask(ask) => return self.ask(&step.id, ask),
                Action::Set(values) => {
                    for (name, text) in values {
                        let value = Value::Text(self.render(text)?);
                        self.state.variables.insert(name.clone(), value);
                    }
                    self.following(index)?
                }
                Action::Update(fields) => {
                    for (field, text) in fields {
                        let value = self.render(text)?;
                        if let Some(value) = self.around.fits(field, &value) {
                            self.save(field, value)?;
                        }
                    }
                    self.following(index)?
                }
                Action::If(branches) => {
                    let mut to = index + 1;
                    for branch in branches {
                        if branch.when.as_ref().map_or(Ok(true), |condition| self.holds(condition))? {
                            to = self.index(&branch.goto)?;
                            break;
                        }
                    }
                    to
                }
                Action::Goto(to) => self.index(to)?,
                Action::Handover(handover) => return self.hand_over(&step.id, handover),
                Action::End(end) => {
                    if let Some(message) = &end.message {
                        self.say(message)?;
                    }
                    self.log(&step.id, StepLog::Ended);
                    self.effects.push(Effect::End);
                    self.state.status = RunStatus::Ended;
                    return Ok(());
                }
            };
        }
        Err(Broken)
    }

    fn ask(&mut self, step_id: &str, ask: &Ask) -> Result<(), Broken> {
        self.put(step_id, ask, &[&ask.prompt])?;
        self.state.status = RunStatus::Waiting;
        self.state.pending =
            Some(Pending { step: step_id.to_owned(), tries: 0, reminders: 0, asked_at: self.now, timer: None });
        self.set_timer(step_id, ask);
        Ok(())
    }

    /// Sends the texts, as one message, with the question's options.
    fn put(&mut self, step_id: &str, ask: &Ask, texts: &[&String]) -> Result<(), Broken> {
        let texts = texts.iter().map(|text| self.render(text)).collect::<Result<Vec<_>, _>>()?;
        let text = texts.join("\n\n");
        let choice = |id: &str, title: &str, description: Option<&String>| Choice {
            id: format!("{step_id}.{id}"),
            title: title.to_owned(),
            description: description.cloned(),
        };
        let words = &self.definition.texts;
        let choices = match ask.kind {
            AnswerType::Choice => ask
                .options
                .iter()
                .map(|option| choice(&option.id, &option.label, option.description.as_ref()))
                .collect(),
            AnswerType::YesNo => vec![choice(YES_ID, &words.yes, None), choice(NO_ID, &words.no, None)],
            _ => Vec::new(),
        };
        let content = match choices.len() {
            _ if ask.kind == AnswerType::Form => self.offered(ask, text)?,
            0 => Content::Text { text: shortened(text, TEXT) },
            1..=BUTTONS => {
                Content::Buttons { text: shortened(text, BODY), buttons: choices, header: None, footer: None }
            }
            _ => Content::List {
                text: shortened(text, BODY),
                button: words.list_button.clone(),
                sections: vec![Section { title: words.list_button.clone(), rows: choices }],
                header: None,
                footer: None,
            },
        };
        self.send(content)
    }

    /// A form with the button that opens it.
    fn offered(&self, ask: &Ask, text: String) -> Result<Content, Broken> {
        let name = ask.form.clone().ok_or(Broken)?;
        let KnownForm { id, provider_id } = self.around.form(&name).ok_or(Broken)?;
        let label = ask.button.clone().unwrap_or_else(|| self.definition.texts.form_button.clone());
        let text = shortened(text, BODY);
        Ok(Content::Form(OfferedForm { text, label, form_id: id, provider_id, name, header: None, footer: None }))
    }

    /// Sends a file as what it is.
    fn send_file(&mut self, send: &SendFile) -> Result<(), Broken> {
        let media_id = send.media_id().ok_or(Broken)?;
        let kind = self.around.file(media_id).ok_or(Broken)?;
        let caption = send.caption.as_ref().map(|text| self.render(text)).transpose()?;
        let caption = caption.map(|text| shortened(text, CAPTION)).filter(|text| !text.trim().is_empty());
        let content = match kind {
            FileKind::Picture => Content::Image { media_id, caption },
            FileKind::Film => Content::Video { media_id, caption },
            FileKind::Document => Content::Document { media_id, caption },
            FileKind::Sound => Content::Audio { media_id, voice: send.voice },
            FileKind::Sticker => Content::Sticker { media_id },
        };
        self.effects.push(Effect::Send { content: Box::new(content) });
        Ok(())
    }

    /// Silence is counted from here on: from the question, and from whatever the customer said that did not answer it.
    fn set_timer(&mut self, step_id: &str, ask: &Ask) {
        let (Some(silence), Some(pending)) = (&ask.no_input, self.state.pending.as_mut()) else { return };
        if pending.reminders < silence.max || silence.goto.is_some() {
            let key = format!("{step_id}/{}", self.state.turn);
            pending.timer = Some(key.clone());
            self.effects.push(Effect::SetTimer { key, at: self.now.plus(i64::from(silence.after_minutes) * MINUTE) });
        }
    }

    fn say(&mut self, text: &str) -> Result<(), Broken> {
        let text = shortened(self.render(text)?, TEXT);
        self.send(Content::Text { text })
    }

    fn send(&mut self, content: Content) -> Result<(), Broken> {
        // An empty message is refused by the channel; a text of nothing but a missing value says nothing.
        if content.text().trim().is_empty() {
            return if matches!(content, Content::Text { .. }) { Ok(()) } else { Err(Broken) };
        }
        self.effects.push(Effect::Send { content: Box::new(content) });
        Ok(())
    }

    fn save(&mut self, field: &str, value: String) -> Result<(), Broken> {
        let effect = match field.split_once('.') {
            Some(("contact", field)) => Effect::SaveContact { field: field.to_owned(), value },
            Some(("lead", field)) => Effect::SaveLead { field: field.to_owned(), value },
            _ => return Err(Broken),
        };
        self.effects.push(effect);
        Ok(())
    }

    fn hand_over(&mut self, step_id: &str, handover: &Handover) -> Result<(), Broken> {
        if let Some(message) = &handover.message {
            self.say(message)?;
        }
        let summary = handover.summary.as_ref().map(|text| self.render(text)).transpose()?;
        self.log(step_id, StepLog::HandedOver);
        let queue = handover.queue.clone().unwrap_or_else(|| self.definition.agent.queue.clone());
        self.leave(queue, HandoverReason::Flow, summary);
        Ok(())
    }

    fn call_agent(&mut self) -> Result<(), Broken> {
        self.say(&self.definition.agent.message)?;
        self.leave(self.definition.agent.queue.clone(), HandoverReason::Asked, None);
        Ok(())
    }

    /// The way out of everything that must not happen: an apology and a person. What this event had saved so far stays;
    /// what it was about to say is dropped, so that a circle does not send the customer fifty messages.
    fn fail(&mut self) {
        let position = self.state.position.clone().unwrap_or_default();
        self.effects.retain(|effect| !matches!(effect, Effect::Send { .. } | Effect::SetTimer { .. }));
        self.log(&position, StepLog::Failed);
        let text = template::render(&self.definition.agent.apology, &self.state.variables).unwrap_or_default();
        if !text.trim().is_empty() {
            let content = Box::new(Content::Text { text: shortened(text, TEXT) });
            self.effects.push(Effect::Send { content });
        }
        self.leave(self.definition.agent.queue.clone(), HandoverReason::Failed, None);
        self.state.status = RunStatus::Failed;
    }

    fn leave(&mut self, queue: String, reason: HandoverReason, summary: Option<String>) {
        let gathered = self.state.gathered.clone();
        let answers =
            || gathered.iter().map(|one| format!("{}: {}", one.label, one.value)).collect::<Vec<_>>().join("\n");
        let summary = summary.unwrap_or_else(answers);
        self.effects.push(Effect::Handover { queue, reason, summary, gathered });
        self.state.pending = None;
        self.state.status = RunStatus::HandedOver;
    }

    fn log(&mut self, step_id: &str, what: StepLog) {
        self.effects.push(Effect::LogStep { step_id: step_id.to_owned(), what });
    }

    fn render(&self, text: &str) -> Result<String, Broken> {
        template::render(text, self.variables()).map_err(|_| Broken)
    }

    fn holds(&self, condition: &str) -> Result<bool, Broken> {
        template::holds(condition, self.variables()).map_err(|_| Broken)
    }

    fn variables(&self) -> &BTreeMap<String, Value> {
        &self.state.variables
    }
}

/// At most `limit` characters.
fn shortened(text: String, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => text[..end].to_owned(),
        None => text,
    }
}
