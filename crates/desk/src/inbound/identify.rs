//! Who writes: the Messaging User behind the identifiers of one message.

use segue_channels::whatsapp::webhook::UserIdUpdate;
use segue_channels::whatsapp::{Content, Identity};
use segue_model::{
    ChannelId, Ctx, MessagingUserId, PhoneNumber, SessionId, Timestamp, WorkspaceId,
    actor::Actor,
    session::{EndedBy, OptIn, SessionState, SessionStep},
};
use segue_store::{
    StoreError, Tx,
    customer_link::{LinkAction, LinkEntry, LinkState},
    messaging_user::{Identifier, IdentifierKind, MessagingUser},
    session::Session,
};

use super::{Desk, InboundError, passed_on, step};
use crate::{DeskError, blocks, closing, notice::Notices, pending};

/// The customer of a message.
pub(crate) struct Customer {
    pub user: MessagingUser,
    pub phone: Option<PhoneNumber>,
    /// Whether the phone number became known with this message.
    pub phone_learned: bool,
    /// Whether the message tells another name than is known.
    pub is_renamed: bool,
}

/// Everything an identity names, in the order in which it is locked.
pub(crate) fn identifiers(identity: &Identity) -> Vec<Identifier> {
    let named = [
        (IdentifierKind::Bsuid, &identity.bsuid),
        (IdentifierKind::ParentBsuid, &identity.parent_bsuid),
        (IdentifierKind::WaId, &identity.wa_id),
        (IdentifierKind::Phone, &identity.phone),
    ];
    let mut all: Vec<Identifier> = named
        .into_iter()
        .filter_map(|(kind, value)| value.clone().map(|value| Identifier { kind, value }))
        // A number that is none would poison every later look at it.
        .filter(|identifier| identifier.kind != IdentifierKind::Phone || phone_of(identifier).is_some())
        .collect();
    all.sort();
    all
}

fn phone_of(identifier: &Identifier) -> Option<PhoneNumber> {
    (identifier.kind == IdentifierKind::Phone).then(|| PhoneNumber::parse(&identifier.value, None).ok()).flatten()
}

/// The customer's own card, sent when we asked for contact information, names the phone number behind a BSUID.
pub(super) fn add_own_card(content: &Content, identifiers: &mut Vec<Identifier>) {
    let Content::Contacts { cards } = content else { return };
    let has_phone = identifiers.iter().any(|identifier| identifier.kind == IdentifierKind::Phone);
    let Some(card) = cards.iter().find(|card| card.requested).filter(|_| !has_phone) else { return };
    let wa_id = card.wa_ids.first().cloned();
    let phone = wa_id
        .as_deref()
        .and_then(|digits| PhoneNumber::from_digits(digits).ok())
        .or_else(|| card.phones.iter().find_map(|phone| PhoneNumber::parse(phone, None).ok()));
    identifiers.extend(wa_id.map(|value| Identifier { kind: IdentifierKind::WaId, value }));
    identifiers.extend(phone.map(|phone| Identifier { kind: IdentifierKind::Phone, value: phone.to_string() }));
}

/// Makes all work on this customer wait for this transaction.
pub(crate) fn lock(tx: &mut Tx<'_>, channel_id: ChannelId, identifiers: &[Identifier]) -> Result<(), StoreError> {
    let keys = identifiers.iter().map(|Identifier { kind, value }| format!("{channel_id}:{kind}:{value}"));
    tx.lock_each("customer", keys)
}

/// The Messaging User that has one of the identifiers.
pub(super) fn known(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    identifiers: &[Identifier],
) -> Result<Option<MessagingUserId>, StoreError> {
    for identifier in identifiers {
        let found = tx.messaging_user_of(desk.workspace_id(), desk.channel.id, identifier)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Finds or creates the Messaging User, gives it every identifier the message names, and merges users that turn out to
/// be the same person: the oldest stays. A number of somebody with another id passes on ([`passed_on`]). Of each kind a customer has the one that was told last, so that answers go to
/// the number they use now.
pub(crate) fn customer(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    identity: &Identity,
    identifiers: &[Identifier],
    notices: &mut Notices,
) -> Result<Customer, DeskError> {
    let workspace_id = desk.workspace_id();
    let (mut user, known, was_hidden) = match familiar(tx, desk, identifiers)? {
        Some((user, known)) => (user, known, false),
        None => {
            let (id, known, was_hidden) = acquaint(tx, desk, identifiers, notices)?;
            (tx.messaging_user(workspace_id, id)?.ok_or(DeskError::NotFound("customer"))?, known, was_hidden)
        }
    };
    let known_phone = known.iter().find_map(phone_of);
    let mut is_renamed = false;
    for (mine, told) in [(&mut user.profile_name, &identity.profile_name), (&mut user.username, &identity.username)] {
        let told = told.as_deref().map(str::trim).filter(|told| !told.is_empty());
        if let Some(told) = told.filter(|told| mine.as_deref() != Some(*told)) {
            *mine = Some(told.to_owned());
            is_renamed = true;
        }
    }
    // The number of this message is the one the customer has now.
    let phone = identifiers.iter().find_map(phone_of).or(known_phone);
    Ok(Customer { user, is_renamed, phone_learned: was_hidden && phone.is_some(), phone })
}

/// The Messaging User that has all the identifiers and no other ones of the same kinds, and what it has: so it is with
/// every message but the first. Of somebody with several addresses it is noted which one was used.
fn familiar(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    identifiers: &[Identifier],
) -> Result<Option<(MessagingUser, Vec<Identifier>)>, StoreError> {
    let Some(first) = identifiers.first() else { return Ok(None) };
    let found = tx.customer_of(desk.workspace_id(), desk.channel.id, first)?;
    let Some((user, used)) = found else { return Ok(None) };
    let has_several = used.iter().any(|(_, used_at)| *used_at > Timestamp(0));
    let known: Vec<Identifier> = used.into_iter().map(|(identifier, _)| identifier).collect();
    let has_all = identifiers.iter().all(|identifier| known.contains(identifier));
    let is_single =
        !known.iter().any(|one| identifiers.iter().any(|other| one.kind == other.kind && one.value != other.value));
    if !has_all || !is_single {
        return Ok(None);
    }
    if has_several {
        for identifier in identifiers {
            tx.use_identifier(desk.workspace_id(), user.id, identifier, desk.ctx.now())?;
        }
    }
    Ok(Some((user, known)))
}

/// Gives one Messaging User all the identifiers. Gives what it had before, together with those that are part of it now, and
/// whether no number was known of it, or of the one whose link it has now.
fn acquaint(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    identifiers: &[Identifier],
    notices: &mut Notices,
) -> Result<(MessagingUserId, Vec<Identifier>, bool), DeskError> {
    let workspace_id = desk.workspace_id();
    let is_hidden = |all: &[Identifier]| all.iter().find_map(phone_of).is_none();
    let found = passed_on::same_person(tx, desk, identifiers, notices)?;
    let (id, others) = match found.split_first() {
        Some((oldest, others)) => (*oldest, others),
        None => (create(tx, desk)?, &[][..]),
    };
    let mut was_hidden = is_hidden(&tx.identifiers_of(workspace_id, id)?);
    for other in others {
        let (theirs, link) = (tx.identifiers_of(workspace_id, *other)?, link_of(tx, workspace_id, id)?);
        merge(tx, desk, *other, id, notices)?;
        was_hidden |= is_hidden(&theirs) && link_of(tx, workspace_id, id)? != link;
    }
    let known = tx.identifiers_of(workspace_id, id)?;
    for identifier in identifiers {
        if known.iter().any(|known| known.kind == identifier.kind && known.value != identifier.value) {
            tx.remove_identifiers_of_kind(workspace_id, id, identifier.kind)?;
        }
        tx.insert_identifier(workspace_id, desk.channel.id, identifier, id)?;
        tx.use_identifier(workspace_id, id, identifier, desk.ctx.now())?;
    }
    Ok((id, known, was_hidden))
}

fn link_of(tx: &mut Tx<'_>, workspace_id: WorkspaceId, id: MessagingUserId) -> Result<Option<LinkState>, StoreError> {
    Ok(tx.messaging_user(workspace_id, id)?.map(|user| LinkState::of(&user)))
}

fn create(tx: &mut Tx<'_>, desk: &Desk<'_>) -> Result<MessagingUserId, StoreError> {
    let user = MessagingUser {
        id: desk.ctx.id(),
        channel_id: desk.channel.id,
        profile_name: None,
        username: None,
        contact_id: None,
        lead_id: None,
        linked_by: None,
        last_inbound_at: None,
        blocked_at: None,
        created_at: desk.ctx.now(),
        version: 1,
    };
    tx.insert_messaging_user(desk.workspace_id(), &user)?;
    Ok(user.id)
}

/// Makes `from` part of `into`, since WhatsApp says that they are one.
///
/// # Errors
/// When the store fails.
pub(super) fn merge(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    from: MessagingUserId,
    into: MessagingUserId,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    merge_customers(tx, desk.ctx, desk.workspace_id(), desk.channel.id, (from, into), &Actor::System, notices)
}

/// Makes all work on these customers wait for this transaction.
pub(crate) fn lock_customers(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    channel_id: ChannelId,
    ids: &[MessagingUserId],
) -> Result<(), StoreError> {
    let mut all = Vec::new();
    for id in ids {
        all.extend(tx.identifiers_of(workspace_id, *id)?);
    }
    all.sort();
    all.dedup();
    lock(tx, channel_id, &all)
}

/// Makes `from` part of `into`. All sessions are kept; when both have an open one, the one that an agent has (else the
/// older one) goes on, with what waits in the other, which ends. What changed is written down.
///
/// # Errors
/// When the store fails.
pub(crate) fn merge_customers(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    channel_id: ChannelId,
    (from, into): (MessagingUserId, MessagingUserId),
    actor: &Actor,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let mut open = Vec::<Session>::new();
    let mut ids = Vec::new();
    for user_id in [from, into] {
        ids.extend(tx.open_session_of(workspace_id, channel_id, user_id)?);
    }
    ids.sort();
    for id in ids {
        open.extend(tx.session_to_change(workspace_id, id)?);
    }
    let mut going_on = None;
    if let [first, second] = &mut open[..] {
        let is_second = second.agent_id.is_some() && first.agent_id.is_none();
        let (stays, ending) = if is_second { (second, first) } else { (first, second) };
        going_on = Some((stays.id, ending.clone()));
        let why = "The customer has another open session here; the conversation goes on in that one.".to_owned();
        closing::close(tx, ctx, workspace_id, ending, EndedBy::System, why, notices)?;
        tx.save_session(workspace_id, ending)?;
    }
    let (Some(gone), Some(mut kept)) = (tx.messaging_user(workspace_id, from)?, tx.messaging_user(workspace_id, into)?)
    else {
        return Ok(());
    };
    tx.record_customer_merge(workspace_id, ctx.id(), (from, into), &actor.reference(), ctx.now())?;
    if *actor != Actor::System {
        // Said by a person, both addresses stay; answers go to the one used last.
        for user in [&gone, &kept] {
            tx.begin_use(workspace_id, user.id, user.last_inbound_at.unwrap_or(user.created_at))?;
        }
    }
    let link = LinkState::of(&kept);
    let after = link.merged_with(LinkState::of(&gone));
    (kept.contact_id, kept.lead_id, kept.linked_by) = (after.contact_id, after.lead_id, after.linked_by);
    if after != link {
        let entry = LinkEntry {
            id: ctx.id(),
            messaging_user_id: into,
            session_id: going_on.as_ref().map(|(id, _)| *id),
            action: if after.is_linked() { LinkAction::Linked } else { LinkAction::Unlinked },
            reason: "merge".to_owned(),
            note: None,
            before: link,
            after,
            undoes_id: None,
            actor: actor.reference(),
            actor_name: None,
            at: ctx.now(),
        };
        tx.insert_link(workspace_id, &entry)?;
    }
    kept.profile_name = kept.profile_name.or(gone.profile_name);
    kept.username = kept.username.or(gone.username);
    kept.last_inbound_at = kept.last_inbound_at.max(gone.last_inbound_at);
    tx.save_messaging_user(workspace_id, &kept, link)?;
    for id in tx.session_ids_of(workspace_id, from)? {
        notices.session_updated(id);
    }
    if tx.merge_blocks(workspace_id, from, into)? {
        blocks::tell(tx, ctx, workspace_id, into)?;
    }
    tx.merge_messaging_users(workspace_id, from, into)?;
    match going_on {
        Some((id, left)) => go_on(tx, ctx, workspace_id, id, &left, notices),
        None => Ok(()),
    }
}

/// What was `left` in a conversation that ended for this one goes on here: the service window, what nobody has read or
/// answered, and what waited for the customer to write.
fn go_on(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: SessionId,
    left: &Session,
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let Some(mut session) = tx.session_to_change(workspace_id, id)? else { return Ok(()) };
    if left.window_expires_at > session.window_expires_at {
        session.window_expires_at = left.window_expires_at;
        session.state = step(&session, SessionStep::CustomerMessage)?;
    }
    let waits_since = left.numbers.waits_since;
    if waits_since.is_some() {
        (session.numbers.idle_since, session.numbers.idle_warned) = (None, false);
    }
    if left.opt_in != OptIn::Declined {
        pending::deliver(tx, ctx, workspace_id, &mut session, notices)?;
    }
    session.unread += left.unread;
    if session.agent_id.is_some() || session.state == SessionState::Waiting {
        let all = [session.numbers.waits_since, waits_since];
        session.numbers.waits_since = all.into_iter().flatten().min();
    }
    notices.session_updated(id);
    tx.save_session(workspace_id, &mut session)?;
    Ok(())
}

/// Gives a Messaging User the number or id it has from now on. Gives the user that has it then: a merge may have made
/// it part of an older one.
pub(super) fn renamed(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    content: &Content,
    user_id: MessagingUserId,
    notices: &mut Notices,
) -> Result<MessagingUserId, DeskError> {
    let Content::System { wa_id, bsuid, parent_bsuid, .. } = content else { return Ok(user_id) };
    let phone = wa_id.as_deref().and_then(|digits| PhoneNumber::from_digits(digits).ok());
    let identity = Identity {
        wa_id: wa_id.clone(),
        bsuid: bsuid.clone(),
        parent_bsuid: parent_bsuid.clone(),
        phone: phone.map(|phone| phone.to_string()),
        ..Identity::default()
    };
    replace_identifiers(tx, desk, &identifiers(&identity), user_id, notices)
}

/// A customer's BSUID changed together with the phone number.
pub(super) fn user_id_changed(tx: &mut Tx<'_>, desk: &Desk<'_>, update: &UserIdUpdate) -> Result<(), InboundError> {
    let of = |wa_id: Option<&String>, bsuid: Option<&String>| {
        let phone = wa_id.and_then(|digits| PhoneNumber::from_digits(digits).ok()).map(|phone| phone.to_string());
        identifiers(&Identity { wa_id: wa_id.cloned(), bsuid: bsuid.cloned(), phone, ..Identity::default() })
    };
    let mut before = of(update.wa_id.as_ref(), update.previous.as_ref());
    let parent_bsuid = update.current_parent.clone();
    let after = identifiers(&Identity { bsuid: Some(update.current.clone()), parent_bsuid, ..Identity::default() });
    let mut all: Vec<Identifier> = before.iter().chain(&after).cloned().collect();
    all.sort();
    lock(tx, desk.channel.id, &all)?;
    // The old BSUID names the customer more surely than a number that may have changed hands.
    before.sort_by_key(|identifier| identifier.kind != IdentifierKind::Bsuid);
    let Some(user_id) = known(tx, desk, &before)? else { return Ok(()) };
    if !passed_on::can_be(tx, desk, user_id, (&before, &after))? {
        return Ok(());
    }
    let mut notices = Notices::new(desk.workspace_id());
    replace_identifiers(tx, desk, &after, user_id, &mut notices)?;
    notices.tell(tx, desk.ctx.now())?;
    Ok(())
}

/// Gives a user these identifiers in place of those of the same kinds. Whoever had one of them is the same person, but for
/// one who had the number and has another id.
fn replace_identifiers(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    identifiers: &[Identifier],
    user_id: MessagingUserId,
    notices: &mut Notices,
) -> Result<MessagingUserId, DeskError> {
    let workspace_id = desk.workspace_id();
    lock(tx, desk.channel.id, identifiers)?;
    let mut id = user_id;
    for identifier in identifiers {
        let owner = tx.messaging_user_of(workspace_id, desk.channel.id, identifier)?;
        if let Some(owner) = owner.filter(|owner| *owner != id) {
            let theirs = tx.identifiers_of(workspace_id, owner)?;
            let mut own = tx.identifiers_of(workspace_id, id)?;
            own.extend(identifiers.iter().cloned());
            if passed_on::is_number(identifier) && passed_on::is_another(&theirs, &own) {
                passed_on::give_up(tx, desk, (owner, &theirs), std::slice::from_ref(identifier), notices)?;
            } else {
                let (from, into) = (id.max(owner), id.min(owner));
                let numbers = passed_on::numbers_of_before(tx, desk, id, identifier, &theirs)?;
                merge(tx, desk, from, into, notices)?;
                for number in numbers {
                    tx.remove_identifier(workspace_id, desk.channel.id, &number)?;
                }
                id = into;
            }
        }
        tx.remove_identifiers_of_kind(workspace_id, id, identifier.kind)?;
        tx.insert_identifier(workspace_id, desk.channel.id, identifier, id)?;
        tx.use_identifier(workspace_id, id, identifier, desk.ctx.now())?;
    }
    Ok(id)
}
