//! The bot's turns. The interpreter ([`segue_flow::step`]) is pure; this module stores what it answers.
//!
//! A turn and everything it causes (messages, hand-over, timers) are one transaction with the event that caused it, so
//! a crash leaves either all of it or none, and nothing is said twice: the run remembers the events it took, its `turn`
//! is checked when it is stored, and each message is keyed by session, turn and place in the turn. Whatever goes wrong
//! ends with a person: the channel's queue, or a session in state `error` that supervisors see.
//!
//! Files and forms leave like every message, by the outbox, after the turn. A form that WhatsApp refuses there comes back
//! as a job ([`on_form_refused`]), and the question counts as not answered; a file that cannot be uploaded shows as a
//! message that failed, and the conversation goes on.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use segue_flow::{Context, Definition, Effect, Event, EventKind, RunState};
use segue_model::{
    Ctx, FlowVersionId, PhoneNumber, SessionId,
    contact::{ContactFields, STANDARD_FIELDS},
    conversation::Occasion,
    delivery::MessageClass,
    quiet_hours,
    session::{EndedBy, OptIn, SessionState, SessionStep},
};
use segue_store::{
    StoreError, Tx,
    contact::ContactChange,
    flow::{FlowRun, FlowVersion, RunStatus},
    form::{FORM_REFUSED, RefusedForm},
    job::NewJob,
    message::AuthorKind,
    messaging_user::MessagingUser,
    recipient::Stamp,
    session::{Gathered, Session},
    workspace::Workspace,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    DeskError, automatic,
    bot_needs::Here,
    closing,
    inbound::{Desk, InboundError, step, to_channel_queue},
    language, leads,
    notice::Notices,
    routing,
    say::{Outgoing, say, system_line},
    sessions,
};

/// Kind of the job that wakes a bot at a time it asked for.
pub const BOT_TIMER: &str = "bot_timer";

/// Id of the event that a bot begins with.
pub(crate) const BEGAN: &str = "started";

/// Most parsed definitions kept; more than any installation runs at once.
const CACHED_DEFINITIONS: usize = 256;

/// A version's source and what it was parsed to.
type Parsed = (String, Arc<Definition>);

/// Versions never change, so a parsed one is good for as long as the process lives. Its source is kept with it and
/// compared: a process may have several databases open, such as a copy of one.
static DEFINITIONS: LazyLock<Mutex<HashMap<FlowVersionId, Parsed>>> = LazyLock::new(Mutex::default);

/// What a timer job says.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Timer {
    session_id: SessionId,
    key: String,
}

/// The definition of a version, parsed once.
fn definition(version: &FlowVersion) -> Result<Arc<Definition>, String> {
    let mut cache = DEFINITIONS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((source, known)) = cache.get(&version.id)
        && *source == version.source
    {
        return Ok(Arc::clone(known));
    }
    let parsed = segue_flow::parse(&version.source)
        .map(Arc::new)
        .map_err(|problems| problems.first().map_or_else(|| "it cannot be read".to_owned(), ToString::to_string))?;
    if cache.len() >= CACHED_DEFINITIONS {
        cache.clear();
    }
    cache.insert(version.id, (version.source.clone(), Arc::clone(&parsed)));
    Ok(parsed)
}

/// Begins the channel's flow in a session that has just opened; without a flow the session goes to the channel's queue.
pub(crate) fn begin(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &mut Session,
    user: &MessagingUser,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let workspace_id = desk.workspace_id();
    let version = match &desk.channel.flow_slug {
        Some(slug) => tx.published_flow_of_slug(workspace_id, slug)?,
        None => None,
    };
    let Some(version) = version else { return to_channel_queue(tx, desk, session, notices) };
    let definition = match definition(&version) {
        Ok(definition) => definition,
        Err(why) => return failed(tx, desk, session, &why, notices),
    };
    let state = RunState::new(&definition, version.version);
    let run =
        FlowRun { flow_version_id: version.id, state: json(&state)?, status: RunStatus::Running, turn: state.turn };
    if !tx.insert_flow_run(workspace_id, session.id, &run, desk.ctx.now())? {
        return Ok(());
    }
    let contact = match user.sure_contact() {
        Some(id) => tx.contact(workspace_id, id)?.map(|contact| contact.fields()),
        None => None,
    };
    let campaign = sessions::view(tx, workspace_id, session.id)?.campaign.map(|campaign| campaign.name);
    let contact = contact.unwrap_or_default();
    let locale = language::of(tx, workspace_id, user.id, contact.locale.clone())?;
    let context = Context { locale, contact, campaign };
    let started = Event { id: BEGAN.to_owned(), kind: EventKind::Started { context: Box::new(context) } };
    take(tx, desk, session, &definition, run, state, &started, notices)
}

/// Gives the bot what the customer said, when a bot is talking with them. A session that nobody has, neither bot nor
/// queue nor agent, is put into the channel's queue.
pub(crate) fn hear(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &mut Session,
    said: Event,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let workspace_id = desk.workspace_id();
    // Whoever waits is in a queue.
    let is_taken = session.agent_id.is_some()
        || session.state == SessionState::Waiting
        || tx.open_work_item_of(workspace_id, session.id)?.is_some();
    if is_taken {
        return Ok(());
    }
    match tx.flow_run(workspace_id, session.id)?.filter(|run| run.status.is_active()) {
        Some(run) => resume(tx, desk, session, run, &said, notices),
        None => to_channel_queue(tx, desk, session, notices),
    }
}

/// A timer has run out. To be called in the transaction that marks the job as done. A timer of a question that was
/// answered, or of a session that a person has, changes nothing.
///
/// # Errors
/// When the store fails or the payload is not a timer's.
pub fn on_timer(tx: &mut Tx<'_>, ctx: &Ctx, workspace: &Workspace, payload: &Value) -> Result<(), InboundError> {
    let timer: Timer = serde_json::from_value(payload.clone())
        .map_err(|error| StoreError::Corrupt(format!("the payload of a {BOT_TIMER} job: {error}")))?;
    let event = Event { id: format!("timer:{}", timer.key), kind: EventKind::Timer { key: timer.key } };
    wake(tx, ctx, workspace, timer.session_id, &event)
}

/// WhatsApp refused a form that the bot had offered. To be called in the transaction that marks the job as done. A form
/// that an agent offered is no affair of the bot, and one of a question that was left changes nothing.
///
/// # Errors
/// When the store fails or the payload is not that of a refused form.
pub fn on_form_refused(tx: &mut Tx<'_>, ctx: &Ctx, workspace: &Workspace, payload: &Value) -> Result<(), InboundError> {
    let RefusedForm { session_id, message_id, form } = serde_json::from_value(payload.clone())
        .map_err(|error| StoreError::Corrupt(format!("the payload of a {FORM_REFUSED} job: {error}")))?;
    let message = tx.message_view(workspace.id, session_id, message_id)?;
    if message.is_none_or(|message| message.author.kind != AuthorKind::Bot) {
        return Ok(());
    }
    let event = Event { id: format!("refused:{message_id}"), kind: EventKind::FormRefused { form } };
    wake(tx, ctx, workspace, session_id, &event)
}

/// Gives the bot something that did not come from the customer. Changes nothing when a person has the session, or nobody.
fn wake(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace: &Workspace,
    session_id: SessionId,
    event: &Event,
) -> Result<(), InboundError> {
    let Some(mut session) = tx.session_to_change(workspace.id, session_id)? else { return Ok(()) };
    if session.state == SessionState::Ended || session.agent_id.is_some() || session.opt_in == OptIn::Declined {
        return Ok(());
    }
    let Some(run) = tx.flow_run(workspace.id, session.id)?.filter(|run| run.status.is_active()) else { return Ok(()) };
    let Some(channel) = tx.channel(workspace.id, session.channel_id)? else { return Ok(()) };
    let desk = Desk { ctx, workspace, channel: &channel };
    let mut notices = Notices::new(workspace.id);
    let waited = session.state == SessionState::Waiting;
    resume(tx, &desk, &mut session, run, event, &mut notices)?;
    if !waited && session.state == SessionState::Waiting {
        automatic::waits(tx, &desk, &mut session, &mut notices)?;
    }
    notices.session_updated(session.id);
    tx.save_session(workspace.id, &mut session)?;
    notices.tell(tx, ctx.now())?;
    Ok(())
}

fn resume(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &mut Session,
    run: FlowRun,
    event: &Event,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let Some(version) = tx.flow_version(desk.workspace_id(), run.flow_version_id)? else {
        return failed(tx, desk, session, "its version is gone", notices);
    };
    let definition = match definition(&version) {
        Ok(definition) => definition,
        Err(why) => return failed(tx, desk, session, &why, notices),
    };
    match serde_json::from_value::<RunState>(run.state.clone()) {
        Ok(state) => take(tx, desk, session, &definition, run, state, event, notices),
        Err(error) => failed(tx, desk, session, &format!("its state cannot be read: {error}"), notices),
    }
}

/// One turn: the interpreter's answer is stored, then carried out in its order.
#[expect(clippy::too_many_arguments, reason = "the whole of one turn, and used here alone")]
fn take(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &mut Session,
    definition: &Definition,
    run: FlowRun,
    state: RunState,
    event: &Event,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let workspace_id = desk.workspace_id();
    if state.has_handled(&event.id) {
        return Ok(());
    }
    let here = Here::look(tx, workspace_id, desk.channel.id, definition)?;
    let result = segue_flow::step_in(definition, &state, event, desk.ctx.now(), &here);
    let turn = run.turn;
    let status = RunStatus::parse(result.state.status.as_str())
        .map_err(|error| StoreError::Corrupt(format!("the state of a run: {error}")))?;
    let after = FlowRun { state: json(&result.state)?, status, ..run };
    if !tx.save_flow_run(workspace_id, session.id, &after, desk.ctx.now())? {
        return Err(StoreError::Unavailable("another turn of this bot was taken at the same time".to_owned()).into());
    }
    session.gathered = result.state.gathered.iter().map(gathered).collect();
    if matches!(session.state, SessionState::New | SessionState::Active) {
        session.state = step(session, SessionStep::BotTurn)?;
    }
    let mut is_over = false;
    for (place, effect) in result.effects.into_iter().enumerate() {
        is_over |= matches!(effect, Effect::Handover { .. } | Effect::End);
        carry_out(tx, desk, session, effect, (turn, place), notices)?;
    }
    if !status.is_active() && !is_over {
        return failed(tx, desk, session, "it stopped without a person or an end", notices);
    }
    Ok(())
}

fn carry_out(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &mut Session,
    effect: Effect,
    (turn, place): (i64, usize),
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let (ctx, workspace_id) = (desk.ctx, desk.workspace_id());
    match effect {
        Effect::Send { content } => {
            let outgoing = Outgoing {
                content: &content,
                author: AuthorKind::Bot,
                author_id: None,
                class: MessageClass::Service,
                dedupe_key: format!("flow:{}:{turn}:{place}", session.id),
                client_id: None,
            };
            say(tx, ctx, workspace_id, session, outgoing, notices).map(|_| ())
        }
        Effect::SaveContact { field, value } => save_contact(tx, desk, session, &field, value),
        Effect::SaveLead { field, value } => save_lead(tx, desk, session, &field, &value, notices),
        Effect::Handover { queue, summary, gathered: answers, .. } => {
            session.gathered = answers.iter().map(gathered).collect();
            sessions::stamp(tx, workspace_id, session, Stamp::BotFinished, ctx.now())?;
            let line = if summary.trim().is_empty() { "The bot handed over.".to_owned() } else { summary };
            system_line(tx, ctx, workspace_id, session, line, notices)?;
            match tx.queue_of_slug(workspace_id, &queue)? {
                Some(queue) => routing::enqueue(tx, ctx, workspace_id, session, queue.id, notices),
                None => to_channel_queue(tx, desk, session, notices),
            }
        }
        Effect::SetTimer { key, at } => {
            let timer = Timer { session_id: session.id, key };
            let job = NewJob {
                id: ctx.id(),
                kind: BOT_TIMER,
                dedupe_key: format!("{}:{}", session.id, timer.key),
                payload: json(&timer)?,
                run_at: at,
            };
            tx.schedule(workspace_id, &job, ctx.now())?;
            Ok(())
        }
        Effect::End => {
            sessions::stamp(tx, workspace_id, session, Stamp::BotFinished, ctx.now())?;
            automatic::speak(tx, desk, session, (Occasion::End, None), notices)?;
            let line = "The bot ended the session.".to_owned();
            closing::close(tx, ctx, workspace_id, session, EndedBy::Bot, line, notices)
        }
        // Nothing reads the log of steps yet; the transcript and the funnel say what happened.
        Effect::LogStep { .. } => Ok(()),
    }
}

/// The bot cannot go on: a person does.
fn failed(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &mut Session,
    why: &str,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    tracing::error!(workspace = %desk.workspace_id(), session = %session.id, why, "a bot failed; a person takes over");
    tx.end_flow_run(desk.workspace_id(), session.id, RunStatus::Failed, desk.ctx.now())?;
    let line = "The bot failed; a person has to answer.".to_owned();
    system_line(tx, desk.ctx, desk.workspace_id(), session, line, notices)?;
    to_channel_queue(tx, desk, session, notices)
}

/// Writes an answer into the linked contact, in the form of its attribute's kind. A value that does not fit (a broken
/// phone number, the number of somebody else), and one of a customer who may be somebody else than the contact, stays with
/// the session, where the agent sees it among what was gathered.
fn save_contact(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &Session,
    field: &str,
    value: String,
) -> Result<(), DeskError> {
    let workspace_id = desk.workspace_id();
    let user = tx.messaging_user(workspace_id, session.messaging_user_id)?;
    let Some(contact_id) = user.and_then(|user| user.sure_contact()) else { return Ok(()) };
    let Some(mut fields) = tx.contact_for_update(workspace_id, contact_id)? else { return Ok(()) };
    let before = fields.clone();
    set_field(&mut fields, field, value);
    if fields == before {
        return Ok(());
    }
    match tx.update_contact(workspace_id, contact_id, &fields, desk.ctx.now())? {
        ContactChange::Changed | ContactChange::PhoneTaken | ContactChange::KeyTaken | ContactChange::Missing => Ok(()),
    }
}

fn set_field(fields: &mut ContactFields, field: &str, value: String) {
    let slot = match field {
        "first_name" => &mut fields.first_name,
        "last_name" => &mut fields.last_name,
        "email" => &mut fields.email,
        "locale" => &mut fields.locale,
        // A zone nobody knows would hold back everything promotional for this contact for ever.
        "time_zone" if quiet_hours::zone(&value).is_none() => return,
        "time_zone" => &mut fields.time_zone,
        // The customer's number is the one they write from; an answer must not take it away.
        "phone" => {
            if fields.phone.is_none() {
                fields.phone = PhoneNumber::parse(&value, None).ok();
            }
            return;
        }
        // What another system calls this person is not the customer's to say.
        "external_key" => return,
        other => {
            debug_assert!(!STANDARD_FIELDS.contains(&other));
            fields.attributes.insert(other.to_owned(), value);
            return;
        }
    };
    *slot = Some(value);
}

/// Writes an answer into the customer's lead; the first one makes them one. A number is kept in E.164, whatever its writing;
/// what is none stays with the session.
fn save_lead(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &Session,
    field: &str,
    value: &str,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let workspace_id = desk.workspace_id();
    let number = if field == "phone" {
        let Ok(number) = PhoneNumber::parse(value, None) else { return Ok(()) };
        Some(number)
    } else {
        None
    };
    let value = number.as_ref().map_or(value, PhoneNumber::as_str);
    let lead_id = leads::lead_of_bot(tx, desk.ctx, workspace_id, session, notices)?;
    tx.set_lead_field(workspace_id, lead_id, field, value)?;
    Ok(())
}

fn gathered(answer: &segue_flow::Gathered) -> Gathered {
    Gathered { name: answer.name.clone(), label: answer.label.clone(), value: answer.value.clone() }
}

fn json(value: &impl Serialize) -> Result<Value, StoreError> {
    serde_json::to_value(value).map_err(|error| StoreError::Statement(format!("a run without a JSON form: {error}")))
}
