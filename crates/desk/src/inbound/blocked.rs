//! What still comes in of a customer who is blocked: it is kept in the last conversation and wakes nobody. A no to
//! marketing is obeyed all the same.

use segue_channels::whatsapp::{Content, InboundMessage};
use segue_model::MessagingUserId;
use segue_store::Tx;

use super::{Desk, InboundError, append, consent};
use crate::notice::Notices;

/// Keeps a message of a blocked customer. Without any conversation of before, it stays in the inbox alone.
pub(super) fn keep(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    message: &InboundMessage,
    content: &Content,
    user_id: MessagingUserId,
    notices: &mut Notices,
) -> Result<(), InboundError> {
    consent::silent_no(tx, desk, message, content, user_id)?;
    match tx.session_ids_of(desk.workspace_id(), user_id)?.last() {
        Some(session_id) => append(tx, desk, message, content, *session_id, notices),
        None => Ok(()),
    }
}
