//! What customers change of what they wrote: the message itself shows it. New words may be a no to marketing, which is
//! obeyed; they reach neither the bot nor open the service window.
//!
//! A change may come before its message. An edit then is taken as the message, so that nothing the customer wrote is lost,
//! and holds the message's place until that comes. A deletion shows nothing, and is remembered. In whatever order they
//! come, the conversation shows the same in the end; the place of the entry is where the first of them came.

use segue_channels::whatsapp::{Content, InboundMessage};
use segue_model::{MessageId, SessionId};
use segue_store::{
    StoreError, Tx,
    message_change::{ChangedMessage, DeletedWords, MessageChange},
    messaging_user::Identifier,
    session::Session,
};

use super::{Desk, InboundError, consent, entry, find_code, identify, times};
use crate::{notice::Notices, say};

/// Shows an edit or a deletion in the message it is about. `false` when it is none of that, or the message is not the
/// customer's own.
pub(super) fn apply(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    message: &InboundMessage,
    content: &Content,
    (session_id, id): (SessionId, MessageId),
    notices: &mut Notices,
) -> Result<bool, InboundError> {
    let workspace_id = desk.workspace_id();
    let words = match content {
        Content::Edit { content, .. } => Some(shown(tx, desk, content)?),
        Content::Revoke { .. } => None,
        _ => return Ok(false),
    };
    let Some(mut session) = tx.session_to_change(workspace_id, session_id)? else { return Ok(false) };
    let writer = identify::known(tx, desk, &identify::identifiers(&message.identity))?;
    if writer != Some(session.messaging_user_id) || !tx.is_of_customer(workspace_id, session_id, id)? {
        return Ok(false);
    }
    let (provider_at, _) = times(message, desk.ctx.now());
    let change = MessageChange { provider_id: &message.wamid, text: words.as_deref(), at: provider_at };
    let changed = tx.change_message(workspace_id, (session_id, id), change, fate(desk), desk.ctx.now())?;
    let Some(changed) = changed else { return Ok(true) };
    let is_gone = words.is_none() && fate(desk) == DeletedWords::Remove;
    show(tx, desk, &mut session, &changed, is_gone, notices)?;
    if let Content::Edit { content, .. } = content {
        consent::silent_no(tx, desk, message, content, session.messaging_user_id)?;
    }
    Ok(true)
}

/// The words of a message that has the code of a link in them, without it.
fn without_code(tx: &mut Tx<'_>, desk: &Desk<'_>, content: &Content) -> Result<Option<String>, StoreError> {
    let Some(words) = content.words() else { return Ok(None) };
    Ok(find_code(tx, desk.ctx, words)?.map(|(_, rest)| rest))
}

/// What a person reads of a message; nobody reads the code of a link.
fn shown(tx: &mut Tx<'_>, desk: &Desk<'_>, content: &Content) -> Result<String, StoreError> {
    let words = without_code(tx, desk, content)?;
    Ok(entry::shown(content, words.as_deref()))
}

/// What becomes of words that a customer deletes.
fn fate(desk: &Desk<'_>) -> DeletedWords {
    if desk.channel.conversation.keep_deleted { DeletedWords::Keep } else { DeletedWords::Remove }
}

/// Shows a changed entry in the list of conversations.
fn show(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    session: &mut Session,
    changed: &ChangedMessage,
    is_gone: bool,
    notices: &mut Notices,
) -> Result<(), StoreError> {
    if session.last_text.as_deref() == Some(say::shortened(&changed.before).as_str()) {
        let shown = if is_gone { "The customer deleted a message." } else { &changed.after };
        session.last_text = Some(say::shortened(shown));
        tx.save_session(desk.workspace_id(), session)?;
    }
    notices.session_updated(session.id);
    Ok(())
}

/// An edit was taken as the message `about`, which has not come.
pub(super) fn stands_in(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    message: &InboundMessage,
    content: &Content,
    about: &str,
) -> Result<(), InboundError> {
    let workspace_id = desk.workspace_id();
    // None where nothing is kept of a customer who is blocked.
    if let Some((_, id)) = tx.message_of_provider(workspace_id, desk.channel.id, about)? {
        let (provider_at, _) = times(message, desk.ctx.now());
        let words = shown(tx, desk, content)?;
        tx.note_early_edit(workspace_id, id, (&message.wamid, &words), provider_at)?;
    }
    Ok(())
}

/// Remembers a deletion of something that is not here.
pub(super) fn remember(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    message: &InboundMessage,
    about: &str,
    identifiers: &[Identifier],
) -> Result<(), InboundError> {
    let (now, (provider_at, _)) = (desk.ctx.now(), times(message, desk.ctx.now()));
    let deletion = (message.wamid.as_str(), identifiers, provider_at);
    Ok(tx.remember_deletion(desk.workspace_id(), desk.channel.id, about, deletion, now)?)
}

/// Applies what was remembered of a message that has come now.
pub(super) fn remembered(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    wamid: &str,
    identifiers: &[Identifier],
    notices: &mut Notices,
) -> Result<(), InboundError> {
    let (workspace_id, channel_id) = (desk.workspace_id(), desk.channel.id);
    let early = tx.early_deletions(workspace_id, channel_id, wamid)?;
    if early.is_empty() {
        return Ok(());
    }
    let Some((session_id, id)) = tx.message_of_provider(workspace_id, channel_id, wamid)? else { return Ok(()) };
    let Some(mut session) = tx.session_to_change(workspace_id, session_id)? else { return Ok(()) };
    for deletion in early.iter().filter(|deletion| deletion.is_by(identifiers)) {
        let change = MessageChange { provider_id: &deletion.provider_id, text: None, at: deletion.at };
        let changed = tx.change_message(workspace_id, (session_id, id), change, fate(desk), desk.ctx.now())?;
        if let Some(changed) = changed {
            show(tx, desk, &mut session, &changed, fate(desk) == DeletedWords::Remove, notices)?;
        }
        tx.forget_early_deletion(workspace_id, channel_id, wamid, &deletion.provider_id)?;
    }
    Ok(())
}

/// A message comes under an id that the transcript knows: again, or after an edit that holds its place. What it said first
/// is shown as earlier words then; a no in them is obeyed.
pub(super) fn original(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    message: &InboundMessage,
    notices: &mut Notices,
) -> Result<(), InboundError> {
    let workspace_id = desk.workspace_id();
    let Some((session_id, id)) = tx.message_of_provider(workspace_id, desk.channel.id, &message.wamid)? else {
        return Ok(());
    };
    if !tx.is_original_missing(workspace_id, id)? {
        return Ok(());
    }
    let Some(mut session) = tx.session_to_change(workspace_id, session_id)? else { return Ok(()) };
    let writer = identify::known(tx, desk, &identify::identifiers(&message.identity))?;
    if writer != Some(session.messaging_user_id) {
        return Ok(());
    }
    let content = message.content();
    let (provider_at, shown_at) = times(message, desk.ctx.now());
    let words = without_code(tx, desk, &content)?;
    let written = entry::write(tx, desk, message, &content, words.as_deref(), &session, shown_at)?;
    let original = (&written, provider_at);
    let changed = tx.original_came(workspace_id, (session_id, id), original, fate(desk), desk.ctx.now())?;
    if let Some(changed) = changed {
        let is_gone = changed.after.is_empty() && !changed.before.is_empty();
        show(tx, desk, &mut session, &changed, is_gone, notices)?;
    }
    consent::silent_no(tx, desk, message, &content, session.messaging_user_id)?;
    Ok(())
}
