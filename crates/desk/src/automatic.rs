//! What a channel says by itself, as its settings have it ([`segue_model::conversation`]).
//!
//! The outbox's key names the session and the occasion, so each is said once however often it comes about, whatever
//! crashes when. Nothing is said outside the service window or to somebody who said no.

use segue_model::{
    Ctx, WorkspaceId,
    conversation::{Occasion, Places},
    delivery::MessageClass,
    session::OptIn,
    window,
};
use segue_store::{Tx, access::User, message::AuthorKind, session::Session};

use crate::{
    DeskError,
    inbound::Desk,
    language,
    notice::Notices,
    say::{Outgoing, say},
};

/// Says the message of an occasion, if the channel has one and it was not said in this session. `again` tells apart what
/// may come about several times in a session.
pub(crate) fn speak(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &mut Session,
    (occasion, again): (Occasion, Option<i64>),
    notices: &mut Notices,
) -> Result<(), DeskError> {
    speak_as(tx, desk, session, (occasion, again.map(|at| at.to_string())), "", notices)
}

/// A person takes the session: the customer is told who, once for each person. The caller saves the session.
pub(crate) fn introduce(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    session: &mut Session,
    agent: &User,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let Some(channel) = tx.channel(workspace_id, session.channel_id)? else { return Ok(()) };
    let Some(workspace) = tx.workspace(workspace_id)? else { return Ok(()) };
    let desk = Desk { ctx, workspace: &workspace, channel: &channel };
    let again = Some(agent.id.to_string());
    speak_as(tx, &desk, session, (Occasion::Accepted, again), &agent.name, notices)
}

fn speak_as(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &mut Session,
    (occasion, again): (Occasion, Option<String>),
    agent: &str,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let settings = &desk.channel.conversation;
    let Some(message) = settings.message(occasion) else { return Ok(()) };
    let now = desk.ctx.now();
    if session.opt_in == OptIn::Declined || !window::is_open(session.window_expires_at, now) {
        return Ok(());
    }
    let (name, locale) = addressed(tx, desk, session)?;
    let places = Places {
        name: name.as_deref().unwrap_or_default(),
        brand: &desk.workspace.settings.brand,
        agent,
        hours: settings.hours.as_ref(),
        now,
    };
    let text = places.fill(message.text_for(locale.as_deref()));
    let key = again.map_or_else(String::new, |at| format!(":{at}"));
    automatic(tx, desk, session, text, format!("auto:{occasion}:{}{key}", session.id), notices).map(|_| ())
}

/// Says a text that no person wrote. `false` when it was said before under this key, or nobody can be told.
pub(crate) fn automatic(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &mut Session,
    text: String,
    dedupe_key: String,
    notices: &mut Notices,
) -> Result<bool, DeskError> {
    if text.trim().is_empty() {
        return Ok(false);
    }
    let outgoing = Outgoing {
        content: &segue_model::content::Content::Text { text },
        author: AuthorKind::Bot,
        author_id: None,
        class: MessageClass::Service,
        dedupe_key,
        client_id: None,
    };
    match say(tx, desk.ctx, desk.workspace_id(), session, outgoing, notices) {
        // Nobody can be told; that must not keep the session, or others, from going on.
        Err(DeskError::NoAddress) => Ok(false),
        said => said.map(|said| said.is_some()),
    }
}

/// The first name and the language of the customer, as far as they are known.
pub(crate) fn addressed(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &Session,
) -> Result<(Option<String>, Option<String>), DeskError> {
    let Some(user) = tx.messaging_user(desk.workspace_id(), session.messaging_user_id)? else {
        return Ok((None, None));
    };
    let contact = match user.sure_contact() {
        Some(id) => tx.contact(desk.workspace_id(), id)?.map(|contact| contact.fields()),
        None => None,
    };
    let (first_name, locale) = contact.map_or((None, None), |fields| (fields.first_name, fields.locale));
    let profile = user.profile_name.and_then(|name| name.split_whitespace().next().map(str::to_owned));
    let language = language::of(tx, desk.workspace_id(), user.id, locale)?;
    Ok((first_name.or(profile), language))
}

/// The customer begins to wait for a person: they are told that nobody works at this hour, else that nobody is free, else
/// that they have to wait.
pub(crate) fn waits(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &mut Session,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let settings = &desk.channel.conversation;
    let occasion = if settings.is_closed(desk.ctx.now()) && settings.message(Occasion::OutsideHours).is_some() {
        Occasion::OutsideHours
    } else if settings.message(Occasion::NoAgent).is_some() && !somebody_is_there(tx, desk, session)? {
        Occasion::NoAgent
    } else {
        Occasion::Waiting
    };
    speak(tx, desk, session, (occasion, None), notices)
}

/// Whether an agent of the session's queue is connected and available.
fn somebody_is_there(tx: &mut Tx<'_>, desk: &Desk<'_>, session: &Session) -> Result<bool, DeskError> {
    let now = desk.ctx.now();
    let members = tx.available_members(desk.workspace_id())?;
    let of_queue = session.queue_id.and_then(|queue_id| members.get(&queue_id));
    Ok(of_queue.is_some_and(|members| members.iter().any(|presence| presence.seen_until > now)))
}
