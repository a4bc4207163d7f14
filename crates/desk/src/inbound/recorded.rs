//! Messages between the business and a customer that did not go through here: written in the WhatsApp Business app on the
//! same number, or from before the number was connected.
//!
//! They are entries of the transcript: no bot hears them, nobody has to answer, nothing is unread, and no service window
//! opens. A no of the customer counts from when it was said, unless the person has said yes since. An entry goes into the customer's open session, else into the last one; who has none gets one
//! that is ended already. The provider's id makes a repeat one entry, here as for every message.

use segue_channels::whatsapp::{Content, InboundMessage, RecordedMessage, Writer, webhook::Record};
use segue_model::{
    MessagingUserId, SessionId,
    session::{EndedBy, SessionNumbers, SessionOrigin},
    time,
};
use segue_store::{
    Tx,
    customer_link::LinkState,
    message::{AuthorKind, Direction},
};

use super::{Desk, InboundError, came_here, changes, consent, entry, identify, link, times};
use crate::{closing, notice::Notices, say::note};

/// How long a message can be on the wire before its outcome is known or given up: its lease, and some time for who takes it
/// up.
const ANSWERED_WITHIN: i64 = 3 * time::MINUTE;

/// Keeps a recorded message.
///
/// # Errors
/// [`InboundError::NoIdentity`] when it names no customer, [`InboundError::BeingSent`] while it may be of a message from
/// here, or when the store fails.
pub(super) fn keep(tx: &mut Tx<'_>, desk: &Desk<'_>, recorded: &RecordedMessage) -> Result<(), InboundError> {
    if !came_here(desk.channel, &recorded.phone_number_id) {
        return Ok(());
    }
    let workspace_id = desk.workspace_id();
    let identifiers = identify::identifiers(&recorded.customer);
    if identifiers.is_empty() {
        return Err(InboundError::NoIdentity);
    }
    identify::lock(tx, desk.channel.id, &identifiers)?;
    // Also what this product sent itself: some accounts are told of that, too.
    if tx.message_of_provider(workspace_id, desk.channel.id, &recorded.wamid)?.is_some() {
        return Ok(());
    }
    // An echo can be here before the answer to the send, which tells the id. What has no answer after that time gets none.
    let is_young = recorded.at.is_none_or(|at| desk.ctx.now().since(at) < ANSWERED_WITHIN);
    if (recorded.writer, recorded.record) == (Writer::Business, Record::App)
        && is_young
        && let Some(user_id) = identify::known(tx, desk, &identifiers)?
        && let Some(session_id) = tx.open_session_of(workspace_id, desk.channel.id, user_id)?
        && tx.is_submitting(workspace_id, session_id)?
    {
        return Err(InboundError::BeingSent);
    }
    // Once more: on PostgreSQL the answer may have come between the two questions.
    if tx.message_of_provider(workspace_id, desk.channel.id, &recorded.wamid)?.is_some() {
        return Ok(());
    }
    let mut notices = Notices::new(workspace_id);
    let mut customer = identify::customer(tx, desk, &recorded.customer, &identifiers, &mut notices)?;
    tx.hear_messaging_user(workspace_id, &customer.user)?;
    // Somebody new is linked when they write.
    let shows_number = customer.phone_learned && !tx.session_ids_of(workspace_id, customer.user.id)?.is_empty();
    let session_id = session_for(tx, desk, customer.user.id, recorded.record, &mut notices)?;
    let Some(mut session) = tx.session_to_change(workspace_id, session_id)? else { return Ok(()) };

    let message = as_message(recorded);
    let content = message.content();
    if recorded.writer == Writer::Customer {
        // Before any row is written: the lock of consents comes first everywhere.
        consent::silent_no(tx, desk, &message, &content, customer.user.id)?;
    }
    if shows_number {
        let before = LinkState::of(&customer.user);
        let occasion = link::Occasion::LaterMessage;
        link::attribute_and_link(tx, desk, &mut customer, &mut session, (None, None), occasion, &mut notices)?;
        if LinkState::of(&customer.user) != before {
            tx.link_messaging_user(workspace_id, &customer.user, before)?;
        }
    }
    let (_, shown_at) = times(&message, desk.ctx.now());
    let mut written = entry::write(tx, desk, &message, &content, None, &session, shown_at)?;
    if recorded.writer == Writer::Business && written.direction != Direction::System {
        (written.direction, written.author) = (Direction::Outbound, AuthorKind::Agent);
        written.content.details.written_in_app = true;
    }
    if let (Writer::Business, Content::Revoke { .. }) = (recorded.writer, &content) {
        "A message was deleted in the WhatsApp Business app.".clone_into(&mut written.text);
    }
    let before = session.numbers;
    note(tx, workspace_id, &mut session, &written, &mut notices)?;
    if recorded.record == Record::History {
        // What was long ago is neither an answer nor a silence of today.
        session.numbers = SessionNumbers {
            customer_messages: session.numbers.customer_messages,
            agent_messages: session.numbers.agent_messages,
            ..before
        };
    }
    notices.session_updated(session.id);
    tx.save_session(workspace_id, &mut session)?;
    changes::remembered(tx, desk, &recorded.wamid, &identifiers, &mut notices)?;
    notices.tell(tx, desk.ctx.now())?;
    Ok(())
}

/// The same message as if it had come in, for what reads messages.
fn as_message(recorded: &RecordedMessage) -> InboundMessage {
    InboundMessage {
        waba_id: recorded.waba_id.clone(),
        phone_number_id: recorded.phone_number_id.clone(),
        display_phone_number: None,
        wamid: recorded.wamid.clone(),
        at: recorded.at,
        identity: recorded.customer.clone(),
        message: recorded.message.clone(),
    }
}

fn session_for(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    user_id: MessagingUserId,
    record: Record,
    notices: &mut Notices,
) -> Result<SessionId, InboundError> {
    let workspace_id = desk.workspace_id();
    if let Some(open) = tx.open_session_of(workspace_id, desk.channel.id, user_id)? {
        return Ok(open);
    }
    if let Some(last) = tx.session_ids_of(workspace_id, user_id)?.last() {
        return Ok(*last);
    }
    let id: SessionId = desk.ctx.id();
    tx.open_session(workspace_id, id, desk.channel.id, user_id, desk.ctx.now())?;
    if let Some(mut session) = tx.session_to_change(workspace_id, id)? {
        let why = match record {
            Record::App => "Written in the WhatsApp Business app; nobody waits for an answer here.",
            Record::History => "From before the number was connected.",
        };
        session.origin = SessionOrigin::Recorded;
        closing::close(tx, desk.ctx, workspace_id, &mut session, EndedBy::System, why.to_owned(), notices)?;
        tx.save_session(workspace_id, &mut session)?;
        notices.session_created(id);
    }
    Ok(id)
}
