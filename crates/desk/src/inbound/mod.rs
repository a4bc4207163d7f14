//! What customers send, from the inbox into a conversation.
//!
//! [`handle`] does everything one item means in the transaction that also marks the inbox row as done. A crash before
//! the commit leaves nothing, and the row is worked on again; a crash after it leaves everything, and the row is done.
//! The same message in a second row changes nothing: its provider id is in the transcript (`messages_provider`). So whoever
//! calls it for a message needs no row to know a repeat by, when the message is [`Kept::InTranscript`].
//!
//! All identifiers of the customer are locked first, in one order. So of any number of first messages at once, one
//! creates the Messaging User and the session, and the others find them; the unique keys of `messaging_identifiers` and
//! `sessions_one_open` would refuse anything else.

mod blocked;
mod changes;
mod consent;
mod entry;
pub(crate) mod identify;
mod link;
mod matching;
mod opt_in;
mod passed_on;
mod recorded;

use segue_channels::whatsapp::{Content, InboundMessage, WebhookItem};
use segue_model::{
    Ctx, MessagingUserId, QueueId, SessionId, Timestamp, WorkspaceId,
    attribution::Attribution,
    code::{self, CodeKey, CodeTarget},
    conversation::{self, Occasion},
    session::{EndedBy, OptIn, SessionState, SessionStep},
    time, window,
};
use segue_store::{
    StoreError, Tx,
    access::User,
    channel::{Channel, ChannelConfig},
    customer_link::LinkState,
    messaging_user::MessagingUser,
    session::Session,
    workspace::Workspace,
};

use crate::{
    DeskError, automatic, bot, cases, language,
    notice::Notices,
    pending, routing,
    say::{note, system_line},
};

pub(crate) use identify::{lock_customers, merge_customers};
pub(crate) use link::{email_in, name_contact, own_lead};
pub(crate) use matching::{Known, candidates};
pub(crate) use passed_on::told_same;

/// Why an item of the inbox could not be worked on.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InboundError {
    #[error("The item names no customer; it cannot belong to a conversation.")]
    NoIdentity,
    #[error("Items of this kind are not conversations; delivery works on them.")]
    NotAConversation,
    /// It may be the echo of a message whose id at the provider is not known yet.
    #[error("A message to the customer is being sent, and this may be its echo. It is looked at again in a moment.")]
    BeingSent,
    #[error(transparent)]
    Desk(#[from] DeskError),
}

impl From<StoreError> for InboundError {
    fn from(error: StoreError) -> Self {
        Self::Desk(error.into())
    }
}

/// Where an item that was worked on is known again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is an entry of the transcript under its own id, with all that it says: repeats are found out by that.
    InTranscript,
    /// Nowhere, or without something of what it says: whoever called has to keep it.
    Elsewhere,
}

/// How exactly it is kept with a customer when the last message came, once it decides nothing but the window of a conversation
/// that is begun from here: that one closes so much too early at most, and a message of many writes one page less.
const HEARD_TO: i64 = time::MINUTE;

/// What a message is worked on with.
pub(crate) struct Desk<'a> {
    pub ctx: &'a Ctx,
    pub workspace: &'a Workspace,
    pub channel: &'a Channel,
}

impl Desk<'_> {
    pub(crate) const fn workspace_id(&self) -> WorkspaceId {
        self.workspace.id
    }
}

/// Works on one item of a WhatsApp webhook. To be called in the transaction that marks its inbox row as done.
///
/// # Errors
/// [`InboundError::NoIdentity`] and [`InboundError::NotAConversation`] come back however often it is tried; a failure
/// of the store may pass.
pub fn handle(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace: &Workspace,
    channel: &Channel,
    item: &WebhookItem,
) -> Result<Kept, InboundError> {
    let desk = Desk { ctx, workspace, channel };
    match item {
        WebhookItem::Message(message) => return receive(tx, &desk, message),
        WebhookItem::Recorded(message) => recorded::keep(tx, &desk, message)?,
        WebhookItem::UserPreference(preference) => consent::preference(tx, &desk, preference)?,
        WebhookItem::UserIdUpdate(update) => identify::user_id_changed(tx, &desk, update)?,
        WebhookItem::Status(_)
        | WebhookItem::TemplateStatus(_)
        | WebhookItem::Notice(_)
        | WebhookItem::Unknown { .. } => return Err(InboundError::NotAConversation),
    }
    Ok(Kept::Elsewhere)
}

/// Whether the message came to this channel's own number. One Meta app sends the messages of all its numbers to one
/// address; an answer to one that came to a number without a channel would leave from a number that the customer has
/// never written to, so outside of any service window.
fn came_here(channel: &Channel, phone_number_id: &str) -> bool {
    match &channel.config {
        ChannelConfig::WhatsApp(config) => config.phone_number_id == phone_number_id,
        ChannelConfig::Smpp(_) | ChannelConfig::Twilio(_) => false,
    }
}

fn receive(tx: &mut Tx<'_>, desk: &Desk<'_>, message: &InboundMessage) -> Result<Kept, InboundError> {
    if !came_here(desk.channel, &message.phone_number_id) {
        tracing::warn!(channel_id = %desk.channel.id, "a message to a number without a channel is left in the inbox");
        return Ok(Kept::Elsewhere);
    }
    let workspace_id = desk.workspace_id();
    let identifiers = identify::identifiers(&message.identity);
    if identifiers.is_empty() {
        return Err(InboundError::NoIdentity);
    }
    identify::lock(tx, desk.channel.id, &identifiers)?;
    let mut notices = Notices::new(workspace_id);
    if tx.is_in_transcript(workspace_id, desk.channel.id, &message.wamid)? {
        changes::original(tx, desk, message, &mut notices)?;
        notices.tell(tx, desk.ctx.now())?;
        return Ok(Kept::InTranscript);
    }
    let content = message.content();
    let mut kept = Kept::Elsewhere;
    match &content {
        _ if message.group_id().is_some() => group_message(tx, desk, &content, &identifiers, &mut notices)?,
        Content::System { .. } => system_event(tx, desk, message, &content, &identifiers, &mut notices)?,
        Content::Reaction { message_id, .. }
        | Content::Edit { original_message_id: message_id, .. }
        | Content::Revoke { original_message_id: message_id } => {
            if !afterthought(tx, desk, message, &content, message_id, &mut notices)? {
                unplaced(tx, desk, message, &content, (message_id, identifiers), &mut notices)?;
            }
        }
        // WhatsApp gave it by itself: the customer said nothing, so it opens and answers nothing.
        Content::CallPermission { automatic: true, .. } => {
            if let Some(session_id) = open_session_of(tx, desk, &identifiers)? {
                append(tx, desk, message, &content, session_id, &mut notices)?;
            }
        }
        // The chat was opened and nothing was written: nothing to answer, and no service window.
        Content::RequestWelcome => {}
        _ => {
            kept = conversation(tx, desk, message, &content, identifiers.clone(), &mut notices)?;
            changes::remembered(tx, desk, &message.wamid, &identifiers, &mut notices)?;
        }
    }
    notices.tell(tx, desk.ctx.now())?;
    Ok(kept)
}

/// The provider's time of a message, and where it stands in the transcript. Meta tells whole seconds, so the true moment
/// is somewhere in that second: the time of receipt when that is in it, else the end of it nearer to the receipt. So
/// order between seconds is the provider's, and order within one second that of arrival.
fn times(message: &InboundMessage, now: Timestamp) -> (Timestamp, Timestamp) {
    let provider = message.at.unwrap_or(now);
    (provider, now.max(provider).min(provider.plus(999)))
}

/// A message that opens or continues a session.
fn conversation(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    message: &InboundMessage,
    content: &Content,
    mut identifiers: Vec<segue_store::messaging_user::Identifier>,
    notices: &mut Notices,
) -> Result<Kept, InboundError> {
    let (ctx, workspace_id) = (desk.ctx, desk.workspace_id());
    let now = ctx.now();
    let (provider_at, shown_at) = times(message, now);
    identify::add_own_card(content, &mut identifiers);
    identify::lock(tx, desk.channel.id, &identifiers)?;
    let mut customer = identify::customer(tx, desk, &message.identity, &identifiers, notices)?;
    let previous_at = customer.user.last_inbound_at;
    customer.user.last_inbound_at = previous_at.max(Some(provider_at));
    if customer.user.blocked_at.is_some() {
        blocked::keep(tx, desk, message, content, customer.user.id, notices)?;
        return Ok(Kept::Elsewhere);
    }

    let open = tx.open_session_to_change(workspace_id, desk.channel.id, customer.user.id)?;
    if let Some(stopped) = stopped_since(tx, desk, message, open.as_ref(), (customer.user.id, previous_at))? {
        // What was written before a STOP and came after it is shown, and neither answered nor a way back.
        consent::silent_no(tx, desk, message, content, customer.user.id)?;
        append(tx, desk, message, content, stopped, notices)?;
        return Ok(Kept::Elsewhere);
    }
    let (mut session, opened) = match open {
        Some(session) => (session, false),
        None => open_session(tx, desk, customer.user.id)?,
    };
    if opened {
        // Nothing is in it yet; the first entry's time counts, however old the provider says it is.
        session.last_at = shown_at.min(now);
        notices.session_created(session.id);
    }
    notices.session_updated(session.id);
    session.window_expires_at = session.window_expires_at.max(customer.user.last_inbound_at.map(window::expires_at));

    let code = content.words().and_then(|words| find_code(tx, ctx, words).transpose()).transpose()?;
    let target = code.as_ref().map(|(target, _)| *target);
    let answers = message.context().and_then(|context| context.message_id);
    let occasion = link::Occasion::of(opened);
    let linked_before = LinkState::of(&customer.user);
    link::attribute_and_link(tx, desk, &mut customer, &mut session, (target, answers), occasion, notices)?;
    // The customer was read before the session was locked; a link that an agent made meanwhile stays.
    if LinkState::of(&customer.user) == linked_before {
        let is_later = customer.user.last_inbound_at != previous_at;
        let is_soon = previous_at.is_some_and(|previous| provider_at.since(previous) < HEARD_TO);
        if customer.is_renamed || (is_later && (!is_soon || session.opt_in != OptIn::Granted)) {
            tx.hear_messaging_user(workspace_id, &customer.user)?;
        }
    } else {
        tx.save_messaging_user(workspace_id, &customer.user, linked_before)?;
    }

    let written =
        entry::write(tx, desk, message, content, code.as_ref().map(|(_, rest)| rest.as_str()), &session, shown_at)?;
    note(tx, workspace_id, &mut session, &written, notices)?;
    language::hear(tx, desk, &session, content, code.is_none())?;
    session.unread += 1;
    session.state = step(&session, SessionStep::CustomerMessage)?;

    if let Some(came_from) = &written.content.details.came_from {
        // A later advertisement opens another free entry point with its answer; until then one that is open stays.
        session.referred_at = session.referred_at.max(Some(provider_at));
        tx.put_ad(workspace_id, session.id, came_from, provider_at)?;
        if session.attribution == Attribution::None {
            session.attribution = Attribution::Ad;
        }
    }

    // What is not understood is shown as such, and what it was can be read where it came in.
    let is_understood = !matches!(content, Content::Unsupported { .. } | Content::Other { .. });
    let kept = if is_understood { Kept::InTranscript } else { Kept::Elsewhere };
    if consent::keyword(tx, desk, message, content, (&mut session, opened), notices)? == consent::Keyworded::Yes {
        pending::deliver(tx, ctx, workspace_id, &mut session, notices)?;
        tx.save_session(workspace_id, &mut session)?;
        return Ok(kept);
    }
    let rules = &desk.channel.conversation.cases;
    cases::customer_wrote(tx, ctx, workspace_id, rules, &mut session, notices)?;
    if opened {
        cases::began(tx, ctx, workspace_id, rules, &mut session, notices)?;
    }
    let was_waiting = session.state == SessionState::Waiting;
    let is_call = matches!(content, Content::Call { .. } | Content::CallPermission { .. });
    // A call, and whether one may be made, says nothing else: it neither agrees to anything nor answers the bot. That it
    // came is shown.
    let turn = if is_call && session.opt_in != OptIn::None {
        if opened { Turn::First } else { Turn::None }
    } else {
        let times = (provider_at, previous_at);
        opt_in::agree(tx, desk, (content, &written.text), &mut session, (times, opened), notices)?
    };
    pending::deliver(tx, ctx, workspace_id, &mut session, notices)?;
    match turn {
        Turn::First => begin(tx, desk, &mut session, &customer.user, notices)?,
        Turn::Next if !is_call => {
            let said = entry::for_bot(tx, desk, (message, content), &written, provider_at)?;
            let before = session.gathered.clone();
            bot::hear(tx, desk, &mut session, said, notices)?;
            if let Some(email) = link::new_email(&before, &session.gathered) {
                link::by_email(tx, desk, &session, &email, notices)?;
            }
        }
        Turn::Next | Turn::None => {}
    }
    if session.state == SessionState::Waiting && !was_waiting {
        automatic::waits(tx, desk, &mut session, notices)?;
    }
    let may_be_answered = session.opt_in != OptIn::Declined;
    if may_be_answered && (session.agent_id.is_some() || session.state == SessionState::Waiting) {
        session.numbers.waits(now);
    }
    tx.save_session(workspace_id, &mut session)?;
    Ok(kept)
}

/// The customer's session, open or the last, in which they said STOP after they had written this message.
fn stopped_since(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    message: &InboundMessage,
    open: Option<&Session>,
    (user_id, previous_at): (MessagingUserId, Option<Timestamp>),
) -> Result<Option<SessionId>, StoreError> {
    let stopped_at = |session: &Session| session.opt_in_at.filter(|_| session.opt_in == OptIn::Declined);
    let is_stopped = |session: &Session| stopped_at(session).is_some_and(|at| consent::is_before(message, at));
    if let Some(open) = open {
        return Ok(is_stopped(open).then_some(open.id));
    }
    // Whoever has written nothing later has said no STOP later.
    let latest = |previous: Timestamp| previous.plus(HEARD_TO + time::SECOND);
    if previous_at.is_none_or(|previous| !consent::is_before(message, latest(previous))) {
        return Ok(None);
    }
    let last = tx.last_ended_session(desk.workspace_id(), desk.channel.id, user_id)?;
    Ok(last.filter(is_stopped).map(|last| last.id))
}

/// The session of a customer who had none, and whether it was opened for this.
fn open_session(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    user_id: segue_model::MessagingUserId,
) -> Result<(Session, bool), StoreError> {
    let (workspace_id, channel_id) = (desk.workspace_id(), desk.channel.id);
    let opened = tx.open_session(workspace_id, desk.ctx.id(), channel_id, user_id, desk.ctx.now())?;
    let session = tx
        .open_session_to_change(workspace_id, channel_id, user_id)?
        .ok_or_else(|| StoreError::Unavailable("the session was ended at the same time".to_owned()))?;
    Ok((session, opened))
}

/// Whose turn it is after a message of the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// The conversation begins.
    First,
    /// It goes on.
    Next,
    /// Nobody's: the customer has not agreed yet.
    None,
}

/// A conversation begins: with the agent who talked with the customer a short while ago, else with the channel's bot or
/// queue. One that a person or a queue has, since it was given to them before the customer agreed, stays there.
fn begin(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &mut Session,
    user: &MessagingUser,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    if session.agent_id.is_some() || tx.open_work_item_of(desk.workspace_id(), session.id)?.is_some() {
        return Ok(());
    }
    automatic::speak(tx, desk, session, (Occasion::Start, None), notices)?;
    if let Some((queue_id, agent)) = talked_with(tx, desk, session)? {
        let line = format!("The customer is back soon after the last conversation; {} is asked first.", agent.name);
        system_line(tx, desk.ctx, desk.workspace_id(), session, line, notices)?;
        let to = (queue_id, Some(agent.id));
        return routing::enqueue_for(tx, desk.ctx, desk.workspace_id(), session, to, notices);
    }
    bot::begin(tx, desk, session, user, notices)
}

/// The agent of the customer's last conversation, when it ended within the time the channel sets, and its queue.
fn talked_with(tx: &mut Tx<'_>, desk: &Desk<'_>, session: &Session) -> Result<Option<(QueueId, User)>, DeskError> {
    let minutes = desk.channel.conversation.return_minutes;
    if minutes == 0 {
        return Ok(None);
    }
    let workspace_id = desk.workspace_id();
    let last = tx.last_ended_session(workspace_id, desk.channel.id, session.messaging_user_id)?;
    let Some(last) = last.filter(|last| last.ended_by != Some(EndedBy::Customer)) else { return Ok(None) };
    let is_soon = last.ended_at.is_some_and(|ended| desk.ctx.now().since(ended) <= conversation::millis(minutes));
    let (Some(queue_id), Some(agent_id), true) = (last.queue_id, last.agent_id, is_soon) else { return Ok(None) };
    let agent = tx.user(workspace_id, agent_id)?.filter(|user| user.disabled_at.is_none());
    Ok(agent.map(|agent| (queue_id, agent)))
}

/// A reaction, an edit or a deletion. What customers change of their own messages is shown in these ([`changes`]); the
/// rest is an entry in the session of the message it is about. It neither opens a session nor reaches the bot, and it is
/// not counted as opening the service window. `false` when that message is not known.
fn afterthought(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    message: &InboundMessage,
    content: &Content,
    about: &str,
    notices: &mut Notices,
) -> Result<bool, InboundError> {
    let workspace_id = desk.workspace_id();
    let Some((session_id, id)) = tx.message_of_provider(workspace_id, desk.channel.id, about)? else {
        return Ok(false);
    };
    if changes::apply(tx, desk, message, content, (session_id, id), notices)? {
        return Ok(true);
    }
    append(tx, desk, message, content, session_id, notices)?;
    Ok(true)
}

/// An afterthought about a message that is not here: it may be late, from before, or from a campaign. New words are the
/// customer's and are taken as that message, so that nothing they wrote is lost; a deletion is remembered; a reaction is
/// shown where the customer has an open session.
fn unplaced(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    message: &InboundMessage,
    content: &Content,
    (about, identifiers): (&str, Vec<segue_store::messaging_user::Identifier>),
    notices: &mut Notices,
) -> Result<(), InboundError> {
    match content {
        Content::Edit { .. } => {
            let place = InboundMessage { wamid: about.to_owned(), ..message.clone() };
            conversation(tx, desk, &place, content, identifiers.clone(), notices)?;
            changes::stands_in(tx, desk, message, content, about)?;
            return changes::remembered(tx, desk, about, &identifiers, notices);
        }
        Content::Revoke { .. } => return changes::remember(tx, desk, message, about, &identifiers),
        _ => {}
    }
    let Some(session_id) = open_session_of(tx, desk, &identifiers)? else { return Ok(()) };
    append(tx, desk, message, content, session_id, notices)
}

/// The open session of the customer who has these identifiers.
fn open_session_of(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    identifiers: &[segue_store::messaging_user::Identifier],
) -> Result<Option<SessionId>, InboundError> {
    let Some(user_id) = identify::known(tx, desk, identifiers)? else { return Ok(None) };
    Ok(tx.open_session_of(desk.workspace_id(), desk.channel.id, user_id)?)
}

/// Writes an entry into a session, open or not, and nothing else.
fn append(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    message: &InboundMessage,
    content: &Content,
    session_id: segue_model::SessionId,
    notices: &mut Notices,
) -> Result<(), InboundError> {
    let workspace_id = desk.workspace_id();
    let Some(mut session) = tx.session_to_change(workspace_id, session_id)? else { return Ok(()) };
    let (_, shown_at) = times(message, desk.ctx.now());
    let written = entry::write(tx, desk, message, content, None, &session, shown_at)?;
    note(tx, workspace_id, &mut session, &written, notices)?;
    tx.save_session(workspace_id, &mut session)?;
    Ok(())
}

/// Something written in a group. Groups are not served: an answer from here would go to the person alone, and what is
/// said in a group opens no service window with anybody. It is shown to whoever talks with the person, and else stays in
/// the inbox.
fn group_message(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    content: &Content,
    identifiers: &[segue_store::messaging_user::Identifier],
    notices: &mut Notices,
) -> Result<(), InboundError> {
    let workspace_id = desk.workspace_id();
    let Some(user_id) = identify::known(tx, desk, identifiers)? else { return Ok(()) };
    let Some(session_id) = tx.open_session_of(workspace_id, desk.channel.id, user_id)? else { return Ok(()) };
    let Some(mut session) = tx.session_to_change(workspace_id, session_id)? else { return Ok(()) };
    let line = format!("The customer wrote in a WhatsApp group, which is not answered here: {}", content.preview());
    system_line(tx, desk.ctx, workspace_id, &mut session, line, notices)?;
    tx.save_session(workspace_id, &mut session)?;
    Ok(())
}

/// The customer's account changed: a new number or id belongs to the same Messaging User from now on.
fn system_event(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    message: &InboundMessage,
    content: &Content,
    identifiers: &[segue_store::messaging_user::Identifier],
    notices: &mut Notices,
) -> Result<(), InboundError> {
    let Some(user_id) = identify::known(tx, desk, identifiers)? else { return Ok(()) };
    let user_id = identify::renamed(tx, desk, content, user_id, notices)?;
    let Some(session_id) = tx.open_session_of(desk.workspace_id(), desk.channel.id, user_id)? else { return Ok(()) };
    let Some(mut session) = tx.session_to_change(desk.workspace_id(), session_id)? else { return Ok(()) };
    let (_, shown_at) = times(message, desk.ctx.now());
    let written = entry::write(tx, desk, message, content, None, &session, shown_at)?;
    note(tx, desk.workspace_id(), &mut session, &written, notices)?;
    notices.session_updated(session.id);
    tx.save_session(desk.workspace_id(), &mut session)?;
    Ok(())
}

/// The code in a text, and the text without it.
fn find_code(tx: &mut Tx<'_>, ctx: &Ctx, words: &str) -> Result<Option<(CodeTarget, String)>, StoreError> {
    if !code::may_be_in(words) {
        return Ok(None);
    }
    let secret = tx.secret_or("link_code_key", &ctx.random_bytes::<32>())?;
    let secret: [u8; 32] = secret
        .try_into()
        .map_err(|_| StoreError::Corrupt("the secret 'link_code_key' does not have 32 bytes".to_owned()))?;
    Ok(CodeKey::new(secret).find_in_text(words))
}

/// The session's state after a step that is allowed in every open session.
pub(crate) fn step(session: &Session, step: SessionStep) -> Result<segue_model::session::SessionState, DeskError> {
    session.state.after(step).map_err(|_| DeskError::SessionEnded)
}

/// Nobody takes the session: a person has to look at it.
pub(crate) fn nobody(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &mut Session,
    why: &str,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    session.state = step(session, SessionStep::Fail)?;
    system_line(tx, desk.ctx, desk.workspace_id(), session, why.to_owned(), notices)?;
    Ok(())
}

/// Puts a session into the channel's queue, or shows that there is none.
pub(crate) fn to_channel_queue(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &mut Session,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let queue = match &desk.channel.queue_slug {
        Some(slug) => tx.queue_of_slug(desk.workspace_id(), slug)?,
        None => None,
    };
    match queue {
        Some(queue) => routing::enqueue(tx, desk.ctx, desk.workspace_id(), session, queue.id, notices),
        None => {
            nobody(tx, desk, session, "No queue takes sessions of this channel. A supervisor can take over.", notices)
        }
    }
}
