//! What a customer's silence leads to, as the channel's settings have it: a question, an inactive session, its end.
//!
//! The silence is counted from the last message to the customer. A session in which a reply waits does not end, and while
//! the customer waits for a person it is not the customer who is silent. One in which the customer never agreed to the
//! conversation ends without a word.

use segue_model::{
    Ctx, SessionId, Timestamp, WorkspaceId,
    conversation::{IdleRules, Occasion, millis},
    session::{EndedBy, OptIn, SessionState, SessionStep},
};
use segue_store::{Store, StoreError, Tx, channel::Channel, session::Session};

use crate::{
    DeskError, automatic, closing,
    inbound::{Desk, step},
    notice::Notices,
    say::system_line,
};

/// Most sessions of a channel that one sweep looks at.
const BATCH: u32 = 100;

/// What a silence has made due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    End,
    /// The question, or that the session is inactive.
    Less,
}

/// What is due in a channel, as far as was seen.
struct Found {
    channel: Channel,
    ends: Vec<SessionId>,
    less: Vec<SessionId>,
}

/// Does what the silence of customers has made due. Gives how many sessions changed; call it again while it gives some.
///
/// Each session that ends does so in a transaction of its own: its end takes the lock of routing, after which no other
/// session's lock may be waited for. Where nothing is due, nothing is written.
///
/// # Errors
/// When the store fails. A session in which something else goes wrong is left for the next sweep and stops no other.
pub async fn sweep(store: &Store, ctx: &Ctx, workspace_id: WorkspaceId) -> Result<usize, StoreError> {
    let now = ctx.now();
    let found = store.read::<_, StoreError, _>(move |tx| find(tx, workspace_id, now)).await?;
    let mut changed = 0;
    for Found { channel, ends, less } in found {
        if !less.is_empty() {
            changed += change(store, ctx, &channel, (less, Due::Less)).await?;
        }
        for id in ends {
            changed += change(store, ctx, &channel, (vec![id], Due::End)).await?;
        }
    }
    Ok(changed)
}

fn find(tx: &mut Tx<'_>, workspace_id: WorkspaceId, now: Timestamp) -> Result<Vec<Found>, StoreError> {
    let mut found = Vec::new();
    for channel in tx.channels(workspace_id)? {
        let rules = channel.conversation.idle;
        if !rules.exist() {
            continue;
        }
        let mut ids = tx.idle_sessions(workspace_id, channel.id, &rules, now, BATCH)?;
        ids.extend(tx.unagreed_sessions(workspace_id, channel.id, &rules, now, BATCH)?);
        let (mut ends, mut less) = (Vec::new(), Vec::new());
        for id in ids {
            match tx.session(workspace_id, id)?.and_then(|session| due(&session, rules, now)) {
                Some(Due::End) => ends.push(id),
                Some(Due::Less) => less.push(id),
                None => {}
            }
        }
        found.push(Found { channel, ends, less });
    }
    Ok(found)
}

/// Does what is due in sessions, at once where that goes and else one by one: a session in which something goes wrong keeps
/// no other from going on.
async fn change(
    store: &Store,
    ctx: &Ctx,
    channel: &Channel,
    (ids, wanted): (Vec<SessionId>, Due),
) -> Result<usize, StoreError> {
    if let Some(changed) = change_at_once(store, ctx, channel, (ids.clone(), wanted)).await? {
        return Ok(changed);
    }
    let mut changed = 0;
    if ids.len() > 1 {
        for id in ids {
            changed += change_at_once(store, ctx, channel, (vec![id], wanted)).await?.unwrap_or(0);
        }
    }
    Ok(changed)
}

/// Looks again at sessions and does what is due, in one transaction. `None` when something went wrong and nothing was done.
async fn change_at_once(
    store: &Store,
    ctx: &Ctx,
    channel: &Channel,
    (ids, wanted): (Vec<SessionId>, Due),
) -> Result<Option<usize>, StoreError> {
    let (own, channel) = (ctx.clone(), channel.clone());
    let about = ids.clone();
    let done = store
        .write(move |tx| {
            let workspace_id = channel.workspace_id;
            let Some(workspace) = tx.workspace(workspace_id)? else { return Ok(0) };
            let desk = Desk { ctx: &own, workspace: &workspace, channel: &channel };
            let mut notices = Notices::new(workspace_id);
            let mut changed = 0;
            for id in &ids {
                let Some(mut session) = tx.session_to_change(workspace_id, *id)? else { continue };
                // The session may have changed before its lock was ours.
                if due(&session, channel.conversation.idle, own.now()) == Some(wanted)
                    && look_at(tx, &desk, &mut session, &mut notices)?
                {
                    tx.save_session(workspace_id, &mut session)?;
                    notices.session_updated(*id);
                    changed += 1;
                }
            }
            notices.tell(tx, own.now())?;
            Ok::<_, DeskError>(changed)
        })
        .await;
    match done {
        Ok(changed) => Ok(Some(changed)),
        Err(DeskError::Store(error @ StoreError::Unavailable(_))) => Err(error),
        Err(error) => {
            tracing::warn!(sessions = ?about, %error, "what a customer's silence made due could not be done; it is tried again");
            Ok(None)
        }
    }
}

/// What is due in a session, if anything.
fn due(session: &Session, rules: IdleRules, now: Timestamp) -> Option<Due> {
    let since = session.numbers.idle_since?;
    let is_unagreed = is_unagreed(session);
    if !(is_under_way(session) || is_unagreed) || session.numbers.waits_since.is_some() {
        return None;
    }
    let silent = now.since(since);
    let is_due = |minutes: Option<u32>| minutes.is_some_and(|minutes| silent >= millis(minutes));
    if is_due(rules.end_minutes) && session.pending == 0 {
        return Some(Due::End);
    }
    let asks = is_due(rules.warn_minutes) && !session.numbers.idle_warned;
    let goes_quiet = is_due(rules.inactive_minutes) && session.state == SessionState::Active;
    (!is_unagreed && (asks || goes_quiet)).then_some(Due::Less)
}

const fn is_under_way(session: &Session) -> bool {
    matches!(session.state, SessionState::Active | SessionState::Inactive)
}

fn is_unagreed(session: &Session) -> bool {
    session.state == SessionState::New && matches!(session.opt_in, OptIn::Asked | OptIn::Confirming)
}

/// Does what is due in a session whose lock is ours. Whether something was.
fn look_at(tx: &mut Tx<'_>, desk: &Desk<'_>, session: &mut Session, notices: &mut Notices) -> Result<bool, DeskError> {
    let rules = desk.channel.conversation.idle;
    let Some(since) = session.numbers.idle_since else { return Ok(false) };
    let Some(due) = due(session, rules, desk.ctx.now()) else { return Ok(false) };
    if due == Due::End {
        if is_under_way(session) {
            automatic::speak(tx, desk, session, (Occasion::End, None), notices)?;
        }
        let line = "The session ended by itself: the customer was silent for long.".to_owned();
        closing::close(tx, desk.ctx, desk.workspace_id(), session, EndedBy::System, line, notices)?;
        return Ok(true);
    }
    let silent = desk.ctx.now().since(since);
    let is_due = |minutes: Option<u32>| minutes.is_some_and(|minutes| silent >= millis(minutes));
    if is_due(rules.warn_minutes) && !session.numbers.idle_warned {
        automatic::speak(tx, desk, session, (Occasion::Inactivity, Some(since.0)), notices)?;
        // The question does not make the silence a new one.
        (session.numbers.idle_since, session.numbers.idle_warned) = (Some(since), true);
    }
    if is_due(rules.inactive_minutes) && session.state == SessionState::Active {
        session.state = step(session, SessionStep::GoQuiet)?;
        let line = "The customer has been silent for long; the session is inactive.".to_owned();
        system_line(tx, desk.ctx, desk.workspace_id(), session, line, notices)?;
    }
    Ok(true)
}
