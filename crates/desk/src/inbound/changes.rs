//! What customers change of what they wrote: the message itself shows it. New words may be a no to marketing, which is
//! obeyed; they reach neither the bot nor open the service window.

use segue_channels::whatsapp::{Content, InboundMessage};
use segue_model::{MessageId, SessionId};
use segue_store::{
    Tx,
    message_change::{DeletedWords, MessageChange},
};

use super::{Desk, InboundError, consent, entry, identify, times};
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
        Content::Edit { content, .. } => Some(entry::text(content)),
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
    let deleted = if desk.channel.conversation.keep_deleted { DeletedWords::Keep } else { DeletedWords::Remove };
    let changed = tx.change_message(workspace_id, (session_id, id), change, deleted, desk.ctx.now())?;
    let Some(changed) = changed else { return Ok(true) };
    if session.last_text.as_deref() == Some(say::shortened(&changed.before).as_str()) {
        let is_gone = words.is_none() && deleted == DeletedWords::Remove;
        let shown = if is_gone { "The customer deleted a message." } else { &changed.after };
        session.last_text = Some(say::shortened(shown));
        tx.save_session(workspace_id, &mut session)?;
    }
    notices.session_updated(session_id);
    if let Content::Edit { content, .. } = content {
        consent::silent_no(tx, desk, message, content, session.messaging_user_id)?;
    }
    Ok(true)
}
