//! Replies that wait until the customer answers.
//!
//! What an agent writes while the service window is closed is kept, and so is what WhatsApp refused for that reason. The
//! customer's next message delivers everything that waits, in order, in the transaction that takes the message in: each
//! row is deleted together with the outbox row being written, so a crash repeats nothing and loses nothing.

use segue_model::{
    Ctx, MessageId, PendingReplyId, SessionId, WorkspaceId,
    actor::Actor,
    content::{Content, OfferedForm},
    delivery::MessageClass,
    session::{OptIn, SessionState},
    time, window,
};
use segue_store::{
    Store, StoreError, Tx,
    message::{AuthorKind, MessageView},
    pending_reply::{PendingReason, PendingReply, PendingReplyView},
    session::Session,
};

use crate::{
    DeskError, compose,
    messages::{self, Draft, NewReply},
    notice::Notices,
    say::{Outgoing, say, system_line},
    sessions::{self, Standing},
};

/// Most replies that wait in one session.
const MOST: u32 = 20;
/// Most replies that one transaction lets expire.
const EXPIRY_BATCH: u32 = 100;

/// Keeps a reply until the customer answers. The same `client_id` keeps it once.
///
/// # Errors
/// [`DeskError::WindowOpen`] when it does not have to wait, [`DeskError::NotOwner`], [`DeskError::SessionEnded`],
/// [`DeskError::OptedOut`], what WhatsApp would refuse, or when there is no such session or file.
pub async fn keep(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    session_id: SessionId,
    reply: NewReply,
) -> Result<PendingReplyView, DeskError> {
    let (ctx, actor) = (ctx.clone(), actor.clone());
    store
        .write(move |tx| {
            messages::check_client_id(&reply.client_id)?;
            let mut session = sessions::to_change(tx, workspace_id, session_id)?;
            if let Some(id) = tx.pending_reply_of_client(workspace_id, session_id, &reply.client_id)? {
                return view(tx, workspace_id, session_id, id);
            }
            if tx.message_of_client(workspace_id, session_id, &reply.client_id)?.is_some() {
                return Err(DeskError::WindowOpen);
            }
            let content = to_keep(tx, &ctx, workspace_id, &actor, &session, reply.draft.clone())?;
            let pending = PendingReply {
                id: ctx.id(),
                session_id,
                content,
                author_id: actor.user_id(),
                client_id: Some(reply.client_id.clone()),
                reason: PendingReason::WindowClosed,
                created_at: ctx.now(),
                expires_at: ctx.now().plus(kept_for(tx, workspace_id, &session)?),
                version: 1,
            };
            tx.insert_pending_reply(workspace_id, &pending)?;
            session.pending += 1;
            finish(tx, &ctx, workspace_id, &mut session, Notices::new(workspace_id))?;
            view(tx, workspace_id, session_id, pending.id)
        })
        .await
}

fn to_keep(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    session: &Session,
    draft: Draft,
) -> Result<Content, DeskError> {
    if session.state == SessionState::Ended {
        return Err(DeskError::SessionEnded);
    }
    sessions::require(actor, session, Standing::Owner)?;
    if session.opt_in == OptIn::Declined {
        return Err(DeskError::OptedOut);
    }
    if session.pending >= MOST {
        let words = format!("{MOST} replies wait for this customer already. Change or discard one of them.");
        return Err(DeskError::InvalidContent(words));
    }
    let content = messages::composed(tx, workspace_id, session.channel_id, draft)?;
    if window::is_open(session.window_expires_at, ctx.now()) {
        return Err(DeskError::WindowOpen);
    }
    Ok(content)
}

fn kept_for(tx: &mut Tx<'_>, workspace_id: WorkspaceId, session: &Session) -> Result<i64, DeskError> {
    let channel = tx.channel(workspace_id, session.channel_id)?.ok_or(DeskError::NotFound("channel"))?;
    Ok(i64::from(channel.conversation.pending_hours) * time::HOUR)
}

/// The replies that wait in a session, in their order.
///
/// # Errors
/// When the store fails.
pub async fn list(
    store: &Store,
    workspace_id: WorkspaceId,
    session_id: SessionId,
) -> Result<Vec<PendingReplyView>, DeskError> {
    store.read(move |tx| tx.pending_reply_views(workspace_id, session_id).map_err(DeskError::from)).await
}

/// Changes what a waiting reply says.
///
/// # Errors
/// [`DeskError::PendingChanged`] when somebody else changed it since this version, [`DeskError::NotOwner`], what WhatsApp
/// would refuse, or when it does not wait any more.
pub async fn edit(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    id: PendingReplyId,
    (version, text): (i64, String),
) -> Result<PendingReplyView, DeskError> {
    let (ctx, actor) = (ctx.clone(), actor.clone());
    store
        .write(move |tx| {
            let (mut session, pending) = to_change(tx, workspace_id, id)?;
            sessions::require(&actor, &session, Standing::OwnerOrSupervisor)?;
            let content = with_text(pending.content, text.clone())?;
            if !tx.change_pending_reply(workspace_id, id, version, &content)? {
                return Err(DeskError::PendingChanged);
            }
            finish(tx, &ctx, workspace_id, &mut session, Notices::new(workspace_id))?;
            view(tx, workspace_id, session.id, id)
        })
        .await
}

fn with_text(content: Content, said: String) -> Result<Content, DeskError> {
    let limit = if matches!(content, Content::Text { .. } | Content::List { .. }) {
        compose::TEXT
    } else {
        compose::SHORT_TEXT
    };
    let has_caption = matches!(content, Content::Image { .. } | Content::Video { .. } | Content::Document { .. });
    if !has_caption || !said.trim().is_empty() {
        compose::text(&said, limit)?;
    }
    let caption = Some(said.clone()).filter(|said| !said.trim().is_empty());
    Ok(match content {
        Content::Text { .. } => Content::Text { text: said },
        Content::Image { media_id, .. } => Content::Image { media_id, caption },
        Content::Video { media_id, .. } => Content::Video { media_id, caption },
        Content::Document { media_id, .. } => Content::Document { media_id, caption },
        Content::Audio { .. } | Content::Sticker { .. } => {
            return Err(DeskError::InvalidContent(
                "There is no text to change. Discard it, or let it wait.".to_owned(),
            ));
        }
        Content::Buttons { buttons, header, footer, .. } => Content::Buttons { text: said, buttons, header, footer },
        Content::List { button, sections, header, footer, .. } => {
            Content::List { text: said, button, sections, header, footer }
        }
        Content::Link { label, url, header, footer, .. } => Content::Link { text: said, label, url, header, footer },
        Content::Form(form) => Content::Form(OfferedForm { text: said, ..form }),
        Content::RequestPlace { .. } => Content::RequestPlace { text: said },
        Content::RequestContact { .. } => Content::RequestContact { text: said },
        Content::Place(_) | Content::Card(_) | Content::Reaction { .. } => {
            return Err(DeskError::InvalidContent("It has no text to change; discard it and send another.".to_owned()));
        }
        Content::Template { .. } => return Err(DeskError::InvalidContent("A template does not wait.".to_owned())),
    })
}

/// Discards a waiting reply.
///
/// # Errors
/// [`DeskError::NotOwner`], or when it does not wait any more.
pub async fn discard(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    id: PendingReplyId,
) -> Result<(), DeskError> {
    let (ctx, actor) = (ctx.clone(), actor.clone());
    store
        .write(move |tx| {
            let (mut session, _) = to_change(tx, workspace_id, id)?;
            sessions::require(&actor, &session, Standing::OwnerOrSupervisor)?;
            if !tx.delete_pending_reply(workspace_id, id)? {
                return Err(gone());
            }
            session.pending = session.pending.saturating_sub(1);
            finish(tx, &ctx, workspace_id, &mut session, Notices::new(workspace_id))
        })
        .await
}

/// Sends a waiting reply now that the window is open again: one that WhatsApp refused although the customer had written.
///
/// # Errors
/// [`DeskError::WindowClosed`], [`DeskError::NotOwner`], or when it does not wait any more.
pub async fn send_now(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    id: PendingReplyId,
) -> Result<MessageView, DeskError> {
    let (ctx, actor) = (ctx.clone(), actor.clone());
    store
        .write(move |tx| {
            let (mut session, pending) = to_change(tx, workspace_id, id)?;
            sessions::require(&actor, &session, Standing::Owner)?;
            if session.opt_in == OptIn::Declined {
                return Err(DeskError::OptedOut);
            }
            let mut notices = Notices::new(workspace_id);
            let sent = send(tx, &ctx, workspace_id, &mut session, &pending, &mut notices)?.ok_or_else(gone)?;
            let session_id = session.id;
            finish(tx, &ctx, workspace_id, &mut session, notices)?;
            tx.message_view(workspace_id, session_id, sent)?.ok_or_else(gone)
        })
        .await
}

/// Delivers everything that waits, now that the customer has opened the window. The caller saves the session.
pub(crate) fn deliver(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    session: &mut Session,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let open = window::is_open(session.window_expires_at, ctx.now());
    if session.pending == 0 || !open || session.opt_in == OptIn::Declined {
        return Ok(());
    }
    for pending in tx.pending_replies(workspace_id, session.id)? {
        send(tx, ctx, workspace_id, session, &pending, notices)?;
    }
    Ok(())
}

/// Takes the reply away and puts it into the outbox. `None` when somebody else took it.
fn send(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    session: &mut Session,
    pending: &PendingReply,
    notices: &mut Notices,
) -> Result<Option<MessageId>, DeskError> {
    if !tx.delete_pending_reply(workspace_id, pending.id)? {
        return Ok(None);
    }
    session.pending = session.pending.saturating_sub(1);
    if let Some(client_id) = &pending.client_id
        && tx.message_of_client(workspace_id, session.id, client_id)?.is_some()
    {
        // It was sent under the same id meanwhile.
        return Ok(None);
    }
    let outgoing = Outgoing {
        content: &pending.content,
        author: AuthorKind::Agent,
        author_id: pending.author_id,
        class: MessageClass::Service,
        dedupe_key: format!("pending:{}", pending.id),
        client_id: pending.client_id.clone(),
    };
    say(tx, ctx, workspace_id, session, outgoing, notices)
}

/// Discards everything that waits, and says so. The caller saves the session.
pub(crate) fn discard_all(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    session: &mut Session,
    notices: &mut Notices,
) -> Result<(), StoreError> {
    if session.pending == 0 {
        return Ok(());
    }
    for pending in tx.pending_replies(workspace_id, session.id)? {
        tx.delete_pending_reply(workspace_id, pending.id)?;
        let line = format!("A reply that waited for the customer was not sent: {}", pending.content.text());
        system_line(tx, ctx, workspace_id, session, line, notices)?;
    }
    session.pending = 0;
    Ok(())
}

/// Gives up every reply that waits in a workspace whose database was restored from a copy: it may have been sent since the
/// copy was made, and would be sent again with the customer's next message. Gives how many there were.
///
/// # Errors
/// When the store fails.
pub fn give_up_restored(tx: &mut Tx<'_>, ctx: &Ctx, workspace_id: WorkspaceId) -> Result<usize, StoreError> {
    let mut notices = Notices::new(workspace_id);
    let mut given_up = 0;
    for session_id in tx.sessions_with_pending_replies(workspace_id)? {
        let Some(mut session) = tx.session_to_change(workspace_id, session_id)? else { continue };
        for pending in tx.pending_replies(workspace_id, session_id)? {
            tx.delete_pending_reply(workspace_id, pending.id)?;
            let line = format!(
                "The database was restored from a backup. A reply that waited for the customer may have been sent since; \
                 write it again if it was not: {}",
                pending.content.text()
            );
            system_line(tx, ctx, workspace_id, &mut session, line, &mut notices)?;
            given_up += 1;
        }
        session.pending = 0;
        tx.save_session(workspace_id, &mut session)?;
        notices.session_updated(session_id);
    }
    notices.tell(tx, ctx.now())?;
    Ok(given_up)
}

/// Gives up replies that have waited as long as they may. Gives how many there were; call it again while it gives some.
///
/// # Errors
/// When the store fails.
pub fn expire(tx: &mut Tx<'_>, ctx: &Ctx, workspace_id: WorkspaceId) -> Result<usize, StoreError> {
    let due = tx.expired_pending_replies(workspace_id, ctx.now(), EXPIRY_BATCH)?;
    let mut notices = Notices::new(workspace_id);
    for (id, session_id) in &due {
        let Some(mut session) = tx.session_to_change(workspace_id, *session_id)? else { continue };
        let Some(pending) = tx.pending_reply(workspace_id, *id)? else { continue };
        if !tx.delete_pending_reply(workspace_id, *id)? {
            continue;
        }
        session.pending = session.pending.saturating_sub(1);
        let line = format!("The customer did not answer in time; a reply was given up: {}", pending.content.text());
        system_line(tx, ctx, workspace_id, &mut session, line, &mut notices)?;
        tx.save_session(workspace_id, &mut session)?;
        notices.session_updated(*session_id);
    }
    notices.tell(tx, ctx.now())?;
    Ok(due.len())
}

/// The reply and its session, locked.
fn to_change(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    id: PendingReplyId,
) -> Result<(Session, PendingReply), DeskError> {
    let found = tx.pending_reply(workspace_id, id)?.ok_or_else(gone)?;
    let session = sessions::to_change(tx, workspace_id, found.session_id)?;
    // It may have been sent before the lock was ours.
    let pending = tx.pending_reply(workspace_id, id)?.ok_or_else(gone)?;
    Ok((session, pending))
}

fn finish(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    session: &mut Session,
    mut notices: Notices,
) -> Result<(), DeskError> {
    tx.save_session(workspace_id, session)?;
    notices.session_updated(session.id);
    notices.tell(tx, ctx.now())?;
    Ok(())
}

fn view(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    session_id: SessionId,
    id: PendingReplyId,
) -> Result<PendingReplyView, DeskError> {
    let all = tx.pending_reply_views(workspace_id, session_id)?;
    all.into_iter().find(|view| view.id == id).ok_or_else(gone)
}

const fn gone() -> DeskError {
    DeskError::NotFound("waiting reply; it was sent or discarded")
}
