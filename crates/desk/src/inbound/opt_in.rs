//! The customer's agreement to the conversation, as the channel asks for it. It is kept on the session, apart from every
//! other consent: to be told more, the customer has to agree to more, and that is an event of its own.

use segue_channels::whatsapp::Content;
use segue_model::{
    Timestamp,
    conversation::OptInKind,
    session::{OptIn, SessionState},
    time,
};
use segue_store::{Tx, session::Session};

use super::{Desk, Turn};
use crate::{
    DeskError,
    automatic::{addressed, automatic},
    notice::Notices,
};

/// After so long without the word, the question is said again to a customer who writes.
const ASKED_AGAIN: i64 = time::DAY;

/// When a message came by the provider's clock, and the one before it.
type Times = (Timestamp, Option<Timestamp>);

/// What a message says about the agreement, and whose turn it is then. What is written before the customer has agreed is
/// kept and shown; nobody answers it by himself.
pub(super) fn agree(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    (content, words): (&Content, &str),
    session: &mut Session,
    (times, opened): (Times, bool),
    notices: &mut Notices,
) -> Result<Turn, DeskError> {
    let rules = &desk.channel.conversation.opt_in;
    let (before, now) = (session.opt_in, desk.ctx.now());
    if rules.kind == OptInKind::Implicit {
        implicit(tx, desk, content, session, times, notices)?;
        return Ok(if opened { Turn::First } else { Turn::Next });
    }
    // An agent who has the conversation is not broken into: neither a "yes" nor a long silence is about the question.
    if session.agent_id.is_some() && matches!(before, OptIn::None | OptIn::Asked | OptIn::Confirming) {
        return Ok(Turn::None);
    }
    let agrees = rules.agrees(words);
    let next = match before {
        OptIn::Declined => return after_no(tx, desk, words, session, notices),
        // START both opens a conversation and agrees to it, also when it answers the question.
        OptIn::Granted if opened || session.state == SessionState::New => return Ok(Turn::First),
        OptIn::Granted => return Ok(Turn::Next),
        OptIn::None => OptIn::Asked,
        OptIn::Asked if agrees && rules.kind == OptInKind::Double => OptIn::Confirming,
        OptIn::Asked | OptIn::Confirming if agrees => OptIn::Granted,
        // Who comes back after that long does not know what is waited for.
        OptIn::Asked | OptIn::Confirming if session.opt_in_at.is_none_or(|at| now.since(at) >= ASKED_AGAIN) => before,
        OptIn::Asked | OptIn::Confirming => {
            // Nobody answers this, so the silence goes on.
            session.numbers.idle_since = Some(now);
            return Ok(Turn::None);
        }
    };
    (session.opt_in, session.opt_in_at) = (next, Some(now));
    if next == OptIn::Granted {
        return Ok(Turn::First);
    }
    ask(tx, desk, session, (next, format!("{next}:{}", now.0)), notices)?;
    Ok(Turn::None)
}

/// Writing on after a STOP is taking the conversation up again, and is asked for as at the start. The no holds until the
/// word is given, so that no agent writes in between; the keys of the questions tell which were put since then.
fn after_no(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    words: &str,
    session: &mut Session,
    notices: &mut Notices,
) -> Result<Turn, DeskError> {
    let now = desk.ctx.now();
    let no_at = session.opt_in_at.unwrap_or(session.started_at);
    let question = |day: i64| (OptIn::Asked, format!("after_no:{}:{day}", no_at.0));
    if ask(tx, desk, session, question(0), notices)? {
        return Ok(Turn::None);
    }
    if !desk.channel.conversation.opt_in.agrees(words) {
        // Who comes back after that long does not know what is waited for.
        let first = format!("opt_in:{}:{}", session.id, question(0).1);
        let asked_at = tx.message_of_cause(desk.workspace_id(), &first)?.map_or(no_at, |(_, at)| at);
        ask(tx, desk, session, question(now.since(asked_at) / ASKED_AGAIN), notices)?;
        // Nobody can answer this; only the customer's word goes on from here.
        session.numbers.idle_since = Some(now);
        return Ok(Turn::None);
    }
    let confirmation = (OptIn::Confirming, format!("after_no:{}:confirmation", no_at.0));
    if desk.channel.conversation.opt_in.kind == OptInKind::Double && ask(tx, desk, session, confirmation, notices)? {
        return Ok(Turn::None);
    }
    (session.opt_in, session.opt_in_at) = (OptIn::Granted, Some(now));
    Ok(Turn::First)
}

/// Says the question of a step of the agreement. `false` when it was said before under this key.
fn ask(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &mut Session,
    (step, key): (OptIn, String),
    notices: &mut Notices,
) -> Result<bool, DeskError> {
    let rules = &desk.channel.conversation.opt_in;
    let (name, locale) = addressed(tx, desk, session)?;
    let text = if step == OptIn::Confirming {
        rules.confirmation_for(locale.as_deref())
    } else {
        rules.question_for(locale.as_deref())
    };
    let text = text.replace("{brand}", &desk.workspace.settings.brand);
    let text = text.replace("{name}", name.as_deref().unwrap_or_default());
    automatic(tx, desk, session, text, format!("opt_in:{}:{key}", session.id), notices)
}

/// Asked for with the first outbound message, given by writing on after it. A message of the same second as the first one
/// (the rest of an album) was written before the question.
fn implicit(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    content: &Content,
    session: &mut Session,
    (provider_at, previous_at): Times,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let now = desk.ctx.now();
    let is_answer = matches!(content, Content::ButtonReply { .. } | Content::ListReply { .. } | Content::Button { .. });
    match session.opt_in {
        OptIn::None => {
            let settings = &desk.workspace.settings;
            let text = settings.opt_in_message.replace("{brand}", &settings.brand);
            automatic(tx, desk, session, text, format!("opt_in:{}", session.id), notices)?;
            (session.opt_in, session.opt_in_at) = (OptIn::Asked, Some(now));
        }
        OptIn::Asked | OptIn::Confirming if is_answer || previous_at.is_none_or(|previous| provider_at > previous) => {
            (session.opt_in, session.opt_in_at) = (OptIn::Granted, Some(now));
        }
        // Writing on after a STOP is taking the conversation up again.
        OptIn::Declined => (session.opt_in, session.opt_in_at) = (OptIn::Granted, Some(now)),
        OptIn::Asked | OptIn::Confirming | OptIn::Granted => {}
    }
    Ok(())
}
