//! Agents who write first: from a contact, with a template where no window is open.

use std::cmp::Reverse;

use segue_channels::whatsapp::Identity;
use segue_model::{
    ChannelId, ContactId, Ctx, PhoneNumber, SessionId, WorkspaceId,
    actor::Actor,
    consent::ConsentState,
    session::{OptIn, SessionOrigin},
    window,
};
use segue_store::{
    Store, StoreError, Tx,
    channel::ChannelKind,
    customer_link::{LinkAction, LinkState},
    messaging_user::{Identifier, LinkedBy, MessagingUser},
    session::{Session, SessionView},
};

use crate::{
    DeskError,
    inbound::{Desk, identify},
    linking,
    messages::{self, NewReply},
    notice::Notices,
    routing,
    say::system_line,
    sessions,
};

/// Opens a conversation with a contact, or goes on in the one the agent has with them, and sends the first message. Of any
/// number of attempts at once one opens the session (`sessions_one_open`).
///
/// # Errors
/// [`DeskError::ConversationOpen`] when somebody else talks with the customer, [`DeskError::CustomerBlocked`],
/// [`DeskError::OptedOut`] for one who said no and has not written since,
/// [`DeskError::NoAddress`] for a contact without a phone number who is no customer here, [`DeskError::AtCapacity`], everything [`messages::send`] refuses, or when there is no such
/// contact or WhatsApp channel.
pub async fn start(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    (contact_id, channel_id): (ContactId, ChannelId),
    reply: NewReply,
) -> Result<SessionView, DeskError> {
    let (ctx, actor) = (ctx.clone(), actor.clone());
    store
        .write(move |tx| {
            let mut notices = Notices::new(workspace_id);
            let id = start_in(tx, &ctx, workspace_id, &actor, (contact_id, channel_id), &reply, &mut notices)?;
            notices.tell(tx, ctx.now())?;
            sessions::view(tx, workspace_id, id)
        })
        .await
}

fn start_in(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    (contact_id, channel_id): (ContactId, ChannelId),
    reply: &NewReply,
    notices: &mut Notices,
) -> Result<SessionId, DeskError> {
    let user_id = actor.user_id().ok_or(DeskError::NotOwner)?;
    let workspace = tx.workspace(workspace_id)?.ok_or(DeskError::NotFound("workspace"))?;
    let channel = tx
        .channel(workspace_id, channel_id)?
        .filter(|channel| channel.config.kind() == ChannelKind::WhatsApp)
        .ok_or(DeskError::NotFound("WhatsApp channel"))?;
    let contact = tx.contact(workspace_id, contact_id)?.ok_or(DeskError::NotFound("contact"))?;
    let desk = Desk { ctx, workspace: &workspace, channel: &channel };
    let mut customer = customer_of(tx, &desk, (contact_id, contact.fields().phone.as_ref()), notices)?;
    if customer.blocked_at.is_some() {
        return Err(DeskError::CustomerBlocked);
    }
    let before = LinkState::of(&customer);
    if customer.contact_id.is_none() {
        (customer.contact_id, customer.linked_by) = (Some(contact_id), Some(LinkedBy::Agent));
        tx.link_messaging_user(workspace_id, &customer, before)?;
    }
    let opened = tx.open_session(workspace_id, ctx.id(), channel_id, customer.id, ctx.now())?;
    let id = tx
        .open_session_of(workspace_id, channel_id, customer.id)?
        .ok_or_else(|| StoreError::Unavailable("the session was ended at the same time".to_owned()))?;
    let mut session = sessions::to_change(tx, workspace_id, id)?;
    if before != LinkState::of(&customer) {
        let entry = linking::entry(ctx, actor, &session, &customer, LinkAction::Linked, before);
        tx.insert_link(workspace_id, &entry)?;
    }
    if opened {
        if said_no(tx, workspace_id, channel_id, &customer)? {
            return Err(DeskError::OptedOut);
        }
        take(tx, ctx, workspace_id, &mut session, user_id, notices)?;
        session.window_expires_at = customer.last_inbound_at.map(window::expires_at);
        let line = format!("{} began the conversation.", sessions::name(actor));
        system_line(tx, ctx, workspace_id, &mut session, line, notices)?;
        notices.session_created(id);
    } else if session.agent_id != Some(user_id) {
        return Err(DeskError::ConversationOpen);
    }
    messages::reply_in(tx, ctx, workspace_id, actor, &mut session, reply, notices)?;
    tx.save_session(workspace_id, &mut session)?;
    notices.session_updated(id);
    Ok(id)
}

/// Whether the customer's last word was a no: what they write after it opens a session, which is the last one then, and a
/// yes to marketing that was recorded since takes it back as well.
fn said_no(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    channel_id: ChannelId,
    customer: &MessagingUser,
) -> Result<bool, DeskError> {
    let last = tx.last_ended_session(workspace_id, channel_id, customer.id)?;
    if last.is_none_or(|last| last.opt_in != OptIn::Declined) {
        return Ok(false);
    }
    let Some((_, address)) = tx.address_of(workspace_id, customer.id)? else { return Ok(true) };
    let (marketing, _) = tx.agreed(workspace_id, &address)?;
    Ok(marketing != ConsentState::Granted)
}

/// The customer that the contact is on this channel: the one of its number in any writing who wrote last and is linked to
/// it; else one who is linked to it and hides the number, since the number may be somebody else's by now; else whoever has
/// the number; else a new one.
fn customer_of(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    (contact_id, phone): (ContactId, Option<&PhoneNumber>),
    notices: &mut Notices,
) -> Result<MessagingUser, DeskError> {
    let (workspace_id, channel_id) = (desk.workspace_id(), desk.channel.id);
    let mut names: Vec<Identifier> = phone
        .iter()
        .flat_map(|phone| phone.writings())
        .flat_map(|phone| identify::identifiers(&named(&phone)))
        .collect();
    names.sort();
    identify::lock(tx, channel_id, &names)?;
    let mut found: Option<MessagingUser> = None;
    for name in &names {
        let Some(id) = tx.messaging_user_of(workspace_id, channel_id, name)? else { continue };
        let user = tx.messaging_user(workspace_id, id)?;
        found = user.into_iter().chain(found).max_by_key(|user| (user.last_inbound_at, Reverse(user.id)));
    }
    if let Some(user) = found.take_if(|user| user.contact_id == Some(contact_id)) {
        return Ok(user);
    }
    if let Some(id) = tx.customer_of_contact(workspace_id, channel_id, (contact_id, phone.is_some()))?
        && let Some(user) = tx.messaging_user(workspace_id, id)?
    {
        return Ok(user);
    }
    if let Some(user) = found {
        return Ok(user);
    }
    let identity = named(phone.ok_or(DeskError::NoAddress)?);
    Ok(identify::customer(tx, desk, &identity, &identify::identifiers(&identity), notices)?.user)
}

fn named(phone: &PhoneNumber) -> Identity {
    Identity { wa_id: Some(phone.digits().to_owned()), phone: Some(phone.to_string()), ..Identity::default() }
}

/// The agent has the session from the start, with the capacity it takes. Nobody waits in it.
fn take(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    session: &mut Session,
    user_id: segue_model::UserId,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    routing::lock(tx, workspace_id)?;
    routing::assign(tx, ctx, workspace_id, session, user_id, notices)?;
    session.numbers.waits_since = None;
    (session.origin, session.opt_in, session.opt_in_at) = (SessionOrigin::Agent, OptIn::Asked, Some(ctx.now()));
    Ok(())
}
