//! Linking a customer to the CRM by hand, and taking links back. What an agent decided here, no rule changes.
//!
//! Each change and its entry in the history are one transaction.

use segue_model::{
    ContactId, Ctx, CustomerLinkId, LeadId, MessagingUserId, SessionId, WorkspaceId, actor::Actor,
    contact::ContactFields,
};
use segue_store::{
    Store, Tx,
    customer_link::{LinkAction, LinkEntry, LinkState},
    messaging_user::{LinkedBy, MessagingUser},
    recipient::Stamp,
    session::{Session, SessionView},
};

use crate::{
    DeskError,
    inbound::name_contact,
    leads::{self, phone_of},
    notice::Notices,
    sessions,
};

/// Longest words of an agent about a link.
const LONGEST_NOTE: usize = 500;
/// How far back a link can be taken back.
const HISTORY: u32 = 200;

/// What a customer is linked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkTo {
    Contact(ContactId),
    Lead(LeadId),
    /// A new contact with the customer's number and profile name.
    NewContact,
    /// A new lead with the customer's number and profile name.
    NewLead,
    /// Nobody.
    Nobody,
}

/// Links the session's customer, or takes the link away. `note` are the agent's own words about it.
///
/// # Errors
/// When there is no such session, contact or lead, or when a contact with the customer's number exists already
/// ([`DeskError::InvalidField`]).
pub async fn link(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    session_id: SessionId,
    to: LinkTo,
    note: Option<String>,
) -> Result<SessionView, DeskError> {
    let note = note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
    if note.as_ref().is_some_and(|note| note.chars().count() > LONGEST_NOTE) {
        let message = format!("The reason has at most {LONGEST_NOTE} characters.");
        return Err(DeskError::InvalidField { field: "note", message });
    }
    let (ctx, actor) = (ctx.clone(), actor.clone());
    store
        .write(move |tx| {
            let (session, mut user) = customer_of(tx, workspace_id, session_id)?;
            let before = LinkState::of(&user);
            let mut notices = Notices::new(workspace_id);
            let action = set(tx, (&ctx, &actor), &session, &mut user, to, &mut notices)?;
            user.linked_by = Some(LinkedBy::Agent);
            tx.link_messaging_user(workspace_id, &user, before)?;
            tx.end_prompt(workspace_id, user.id)?;
            let entry = LinkEntry { note: note.clone(), ..entry(&ctx, &actor, &session, &user, action, before) };
            tx.insert_link(workspace_id, &entry)?;
            notices.session_updated(session_id);
            notices.tell(tx, ctx.now())?;
            sessions::view(tx, workspace_id, session_id)
        })
        .await
}

fn set(
    tx: &mut Tx<'_>,
    (ctx, actor): (&Ctx, &Actor),
    session: &Session,
    user: &mut MessagingUser,
    to: LinkTo,
    notices: &mut Notices,
) -> Result<LinkAction, DeskError> {
    let workspace_id = notices.workspace_id();
    match to {
        LinkTo::Contact(id) => {
            user.contact_id = Some(tx.contact(workspace_id, id)?.ok_or(DeskError::NotFound("contact"))?.id);
            Ok(LinkAction::Linked)
        }
        LinkTo::Lead(id) => {
            let lead = tx.lead(workspace_id, id)?.ok_or(DeskError::NotFound("lead"))?;
            (user.lead_id, user.contact_id) = (Some(lead.id), lead.contact_id.or(user.contact_id));
            Ok(LinkAction::Linked)
        }
        LinkTo::NewContact => {
            let phone = phone_of(tx, workspace_id, session)?;
            let mut fields = ContactFields { phone, ..ContactFields::default() };
            name_contact(&mut fields, user.profile_name.as_deref());
            let id: ContactId = ctx.id();
            if !tx.insert_contact(workspace_id, id, &fields, ctx.now())? {
                let message = "A contact with this phone number exists. Link that one.".to_owned();
                return Err(DeskError::InvalidField { field: "create", message });
            }
            user.contact_id = Some(id);
            Ok(LinkAction::Created)
        }
        LinkTo::NewLead => {
            let lead = leads::of_session(tx, ctx, workspace_id, session, user.contact_id)?;
            tx.insert_lead(workspace_id, &lead, actor.user_id())?;
            sessions::stamp(tx, workspace_id, session, Stamp::Lead, ctx.now())?;
            user.lead_id = Some(lead.id);
            notices.lead_created(lead);
            Ok(LinkAction::Created)
        }
        LinkTo::Nobody => {
            (user.contact_id, user.lead_id) = (None, None);
            Ok(LinkAction::Unlinked)
        }
    }
}

/// Puts the question of who the customer is away, until the rules ask it anew.
///
/// # Errors
/// When there is no such session, or nobody asked.
pub async fn postpone(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    session_id: SessionId,
) -> Result<SessionView, DeskError> {
    let (ctx, actor) = (ctx.clone(), actor.clone());
    store
        .write(move |tx| {
            let (session, user) = customer_of(tx, workspace_id, session_id)?;
            if tx.postpone_prompt(workspace_id, user.id, ctx.now())? {
                let before = LinkState::of(&user);
                let entry = entry(&ctx, &actor, &session, &user, LinkAction::Postponed, before);
                tx.insert_link(workspace_id, &entry)?;
            }
            told(tx, &ctx, workspace_id, session_id)
        })
        .await
}

/// Takes a link back: the customer is linked to what was there before it. A customer who was linked to nobody then stays
/// so, since a person has looked at it. A contact or lead that was created with the link stays.
///
/// # Errors
/// [`DeskError::LinkChanged`] when the link was taken back already or changed since, or what was there before is gone.
pub async fn undo(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    session_id: SessionId,
    link_id: CustomerLinkId,
) -> Result<SessionView, DeskError> {
    let (ctx, actor) = (ctx.clone(), actor.clone());
    store
        .write(move |tx| {
            let (session, mut user) = customer_of(tx, workspace_id, session_id)?;
            let history = tx.links_of(workspace_id, user.id, HISTORY)?;
            let undone = history.iter().find(|entry| entry.id == link_id).ok_or(DeskError::NotFound("link"))?;
            let before = LinkState::of(&user);
            if !is_change(undone) || undone.after != before {
                return Err(DeskError::LinkChanged);
            }
            let back = undone.before;
            if let Some(id) = back.contact_id {
                tx.contact(workspace_id, id)?.ok_or(DeskError::LinkChanged)?;
            }
            if let Some(id) = back.lead_id {
                tx.lead(workspace_id, id)?.ok_or(DeskError::LinkChanged)?;
            }
            (user.contact_id, user.lead_id) = (back.contact_id, back.lead_id);
            user.linked_by = back.linked_by.or(Some(LinkedBy::Agent));
            tx.link_messaging_user(workspace_id, &user, before)?;
            let entry = LinkEntry {
                undoes_id: Some(link_id),
                ..entry(&ctx, &actor, &session, &user, LinkAction::Undone, before)
            };
            if !tx.insert_link(workspace_id, &entry)? {
                return Err(DeskError::LinkChanged);
            }
            told(tx, &ctx, workspace_id, session_id)
        })
        .await
}

/// Whether an entry changed what the customer is linked to.
const fn is_change(entry: &LinkEntry) -> bool {
    matches!(entry.action, LinkAction::Linked | LinkAction::Created | LinkAction::Unlinked)
}

/// The entry of a history, latest first, that can be taken back now.
pub(crate) fn undoable(history: &[LinkEntry], now: LinkState) -> Option<CustomerLinkId> {
    let latest = history.iter().find(|entry| is_change(entry) || entry.action == LinkAction::Undone)?;
    (is_change(latest) && latest.after == now).then_some(latest.id)
}

fn customer_of(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    session_id: SessionId,
) -> Result<(Session, MessagingUser), DeskError> {
    let session = sessions::to_change(tx, workspace_id, session_id)?;
    let user_id: MessagingUserId = session.messaging_user_id;
    tx.lock("customer link", &user_id)?;
    let user = tx.messaging_user(workspace_id, user_id)?.ok_or(DeskError::NotFound("customer"))?;
    Ok((session, user))
}

/// An entry of the history for what an agent, a program or the product did.
pub(crate) fn entry(
    ctx: &Ctx,
    actor: &Actor,
    session: &Session,
    user: &MessagingUser,
    action: LinkAction,
    before: LinkState,
) -> LinkEntry {
    LinkEntry {
        id: ctx.id(),
        messaging_user_id: user.id,
        session_id: Some(session.id),
        action,
        reason: "agent".to_owned(),
        note: None,
        before,
        after: LinkState::of(user),
        undoes_id: None,
        actor: actor.reference(),
        actor_name: None,
        at: ctx.now(),
    }
}

fn told(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    session_id: SessionId,
) -> Result<SessionView, DeskError> {
    let mut notices = Notices::new(workspace_id);
    notices.session_updated(session_id);
    notices.tell(tx, ctx.now())?;
    sessions::view(tx, workspace_id, session_id)
}
