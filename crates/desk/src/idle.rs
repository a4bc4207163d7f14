//! What a customer's silence leads to, as the channel's settings have it: a question, an inactive session, its end.
//!
//! The silence is counted from the last message to the customer. A session in which a reply waits does not end, and while
//! the customer waits for a person it is not the customer who is silent. One in which the customer never agreed to the
//! conversation ends without a word.

use segue_model::{
    Ctx, WorkspaceId,
    conversation::{Occasion, millis},
    session::{EndedBy, OptIn, SessionState, SessionStep},
};
use segue_store::{StoreError, Tx, session::Session};

use crate::{
    DeskError, automatic, closing,
    inbound::{Desk, step},
    notice::Notices,
    say::system_line,
};

/// Most sessions of a channel that one transaction looks at.
const BATCH: u32 = 100;

/// Does what the silence of customers has made due. Gives how many sessions changed; call it again while it gives some.
///
/// # Errors
/// When the store fails.
pub fn sweep(tx: &mut Tx<'_>, ctx: &Ctx, workspace_id: WorkspaceId) -> Result<usize, StoreError> {
    let mut channels = tx.channels(workspace_id)?;
    channels.retain(|channel| channel.conversation.idle.exist());
    if channels.is_empty() {
        return Ok(0);
    }
    let Some(workspace) = tx.workspace(workspace_id)? else { return Ok(0) };
    let mut notices = Notices::new(workspace_id);
    let mut changed = 0;
    for channel in &channels {
        let desk = Desk { ctx, workspace: &workspace, channel };
        let mut ids = tx.idle_sessions(workspace_id, channel.id, &channel.conversation.idle, ctx.now(), BATCH)?;
        ids.extend(tx.unagreed_sessions(workspace_id, channel.id, &channel.conversation.idle, ctx.now(), BATCH)?);
        for id in ids {
            let Some(mut session) = tx.session_to_change(workspace_id, id)? else { continue };
            if look_at(tx, &desk, &mut session, &mut notices).map_err(only_of_the_store)? {
                tx.save_session(workspace_id, &mut session)?;
                notices.session_updated(id);
                changed += 1;
            }
        }
    }
    notices.tell(tx, ctx.now())?;
    Ok(changed)
}

/// Whether something was due: the session may have changed before its lock was ours.
fn look_at(tx: &mut Tx<'_>, desk: &Desk<'_>, session: &mut Session, notices: &mut Notices) -> Result<bool, DeskError> {
    let rules = desk.channel.conversation.idle;
    let Some(since) = session.numbers.idle_since else { return Ok(false) };
    let is_unagreed = session.state == SessionState::New && matches!(session.opt_in, OptIn::Asked | OptIn::Confirming);
    let is_under_way = matches!(session.state, SessionState::Active | SessionState::Inactive);
    if !(is_under_way || is_unagreed) || session.numbers.waits_since.is_some() {
        return Ok(false);
    }
    let silent = desk.ctx.now().since(since);
    let is_due = |minutes: Option<u32>| minutes.is_some_and(|minutes| silent >= millis(minutes));
    if is_due(rules.end_minutes) && session.pending == 0 {
        if is_under_way {
            automatic::speak(tx, desk, session, (Occasion::End, None), notices)?;
        }
        let line = "The session ended by itself: the customer was silent for long.".to_owned();
        closing::close(tx, desk.ctx, desk.workspace_id(), session, EndedBy::System, line, notices)?;
        return Ok(true);
    }
    if is_unagreed {
        return Ok(false);
    }
    let mut changed = false;
    if is_due(rules.warn_minutes) && !session.numbers.idle_warned {
        automatic::speak(tx, desk, session, (Occasion::Inactivity, Some(since.0)), notices)?;
        // The question does not make the silence a new one.
        (session.numbers.idle_since, session.numbers.idle_warned) = (Some(since), true);
        changed = true;
    }
    if is_due(rules.inactive_minutes) && session.state == SessionState::Active {
        session.state = step(session, SessionStep::GoQuiet)?;
        let line = "The customer has been silent for long; the session is inactive.".to_owned();
        system_line(tx, desk.ctx, desk.workspace_id(), session, line, notices)?;
        changed = true;
    }
    Ok(changed)
}

/// Nothing else goes wrong here that a later sweep could not find as well.
fn only_of_the_store(error: DeskError) -> StoreError {
    match error {
        DeskError::Store(error) => error,
        other => StoreError::Unavailable(other.to_string()),
    }
}
