//! A phone number that passes from one customer to another.
//!
//! Operators give numbers away again, so a number names a customer less surely than a business-scoped id. Two that have
//! such ids, and different ones, are two people, also when the one is new here: the number goes to the one who has it now,
//! and nothing else of them becomes one. That somebody has another id is told by WhatsApp itself, and not by their number.
//! Each move is part of the transaction of the message that told of it.

use segue_model::{ChannelId, Ctx, MessagingUserId, PhoneNumber, Timestamp, WorkspaceId, actor::Actor};
use segue_store::{
    StoreError, Tx,
    messaging_user::{Identifier, IdentifierKind},
};

use super::{Desk, identify::merge_customers};
use crate::{DeskError, notice::Notices, say::system_line};

/// Whether an identifier is a number, which can pass to somebody else.
pub(super) const fn is_number(identifier: &Identifier) -> bool {
    matches!(identifier.kind, IdentifierKind::WaId | IdentifierKind::Phone)
}

/// Whether both have business-scoped ids and none in common. Without an id on one side a number says that they are one.
pub(super) fn is_another(theirs: &[Identifier], own: &[Identifier]) -> bool {
    let has_bsuid = |all: &[Identifier]| all.iter().any(|identifier| identifier.kind == IdentifierKind::Bsuid);
    let in_common = theirs.iter().any(|identifier| !is_number(identifier) && own.contains(identifier));
    has_bsuid(theirs) && has_bsuid(own) && !in_common
}

/// The customers of all the identifiers that are the same person. Whoever has one of the numbers and is somebody else
/// gives it up.
pub(super) fn same_person(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    identifiers: &[Identifier],
    notices: &mut Notices,
) -> Result<Vec<MessagingUserId>, DeskError> {
    let (mut same, mut by_number) = (Vec::new(), Vec::new());
    for identifier in identifiers {
        if let Some(owner) = tx.messaging_user_of(desk.workspace_id(), desk.channel.id, identifier)? {
            if is_number(identifier) { by_number.push(owner) } else { same.push(owner) }
        }
    }
    by_number.retain(|owner| !same.contains(owner));
    by_number.dedup();
    let mut own = identifiers.to_vec();
    for id in &same {
        own.extend(tx.identifiers_of(desk.workspace_id(), *id)?);
    }
    for owner in by_number {
        let theirs = tx.identifiers_of(desk.workspace_id(), owner)?;
        if is_another(&theirs, &own) {
            give_up(tx, desk, (owner, &theirs), identifiers, notices)?;
        } else {
            same.push(owner);
            own.extend(theirs);
        }
    }
    same.sort();
    same.dedup();
    Ok(same)
}

/// Takes these numbers from a customer, in whatever writing they have them, and says so in the open conversation.
pub(super) fn give_up(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    (owner, theirs): (MessagingUserId, &[Identifier]),
    numbers: &[Identifier],
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let workspace_id = desk.workspace_id();
    let gone: Vec<String> = numbers.iter().filter_map(line).collect();
    for identifier in theirs.iter().filter(|identifier| line(identifier).is_some_and(|line| gone.contains(&line))) {
        tx.remove_identifier(workspace_id, desk.channel.id, identifier)?;
    }
    let Some(session_id) = tx.open_session_of(workspace_id, desk.channel.id, owner)? else { return Ok(()) };
    let Some(mut session) = tx.session_to_change(workspace_id, session_id)? else { return Ok(()) };
    let told = "The customer's phone number belongs to somebody else now. Answers go to their WhatsApp id.".to_owned();
    system_line(tx, desk.ctx, workspace_id, &mut session, told, notices)?;
    tx.save_session(workspace_id, &mut session)?;
    notices.session_updated(session_id);
    Ok(())
}

/// WhatsApp has the id of another customer for the number that was dialled. They become one, with that id in place of the
/// own; the number that was dialled finds them until they write. Two with ids of their own stay two.
pub(crate) fn told_same(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    (workspace_id, channel_id): (WorkspaceId, ChannelId),
    (own_id, other_id): (MessagingUserId, MessagingUserId),
    notices: &mut Notices,
) -> Result<(), DeskError> {
    let own = tx.used_identifiers_of(workspace_id, own_id)?;
    let theirs = tx.identifiers_of(workspace_id, other_id)?;
    let names: Vec<Identifier> = own.iter().map(|(identifier, _)| identifier.clone()).collect();
    if is_another(&theirs, &names) {
        return Ok(());
    }
    let both = (own_id.max(other_id), own_id.min(other_id));
    merge_customers(tx, ctx, workspace_id, channel_id, both, &Actor::System, notices)?;
    for (dialled, used_at) in own {
        if dialled.kind == IdentifierKind::WaId && used_at == Timestamp(0) {
            tx.remove_identifier(workspace_id, channel_id, &dialled)?;
        }
    }
    Ok(())
}

/// The numbers that a customer had before it became the one of an id that somebody has already, who has the numbers of
/// now. One who was merged by hand keeps all of them.
pub(super) fn numbers_of_before(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    id: MessagingUserId,
    became: &Identifier,
    theirs: &[Identifier],
) -> Result<Vec<Identifier>, StoreError> {
    if is_number(became) {
        return Ok(Vec::new());
    }
    let own = tx.used_identifiers_of(desk.workspace_id(), id)?;
    let is_old = |one: &Identifier| is_number(one) && theirs.iter().any(|other| other.kind == one.kind);
    let old = own.into_iter().filter(|(one, used_at)| *used_at == Timestamp(0) && is_old(one));
    Ok(old.map(|(one, _)| one).collect())
}

/// What all writings of a number have in common.
fn line(identifier: &Identifier) -> Option<String> {
    let number = match identifier.kind {
        IdentifierKind::WaId => PhoneNumber::from_digits(&identifier.value),
        IdentifierKind::Phone => PhoneNumber::parse(&identifier.value, None),
        IdentifierKind::Bsuid | IdentifierKind::ParentBsuid => return None,
    };
    Some(number.map_or_else(|_| identifier.value.clone(), |number| number.line_key()))
}

/// Whether the customer can be the one of an update of ids: that has one of the ids, or none at all. Without the id of
/// before, the number alone tells who it is, unless somebody has the new id already.
pub(super) fn can_be(
    tx: &mut Tx<'_>,
    desk: &Desk<'_>,
    id: MessagingUserId,
    (before, after): (&[Identifier], &[Identifier]),
) -> Result<bool, StoreError> {
    let theirs = tx.identifiers_of(desk.workspace_id(), id)?;
    let named: Vec<Identifier> = before.iter().chain(after).cloned().collect();
    if !is_another(&theirs, &named) {
        return Ok(true);
    }
    let is_told = before.iter().any(|identifier| identifier.kind == IdentifierKind::Bsuid);
    let mut is_taken = false;
    for identifier in after {
        is_taken |= tx.messaging_user_of(desk.workspace_id(), desk.channel.id, identifier)?.is_some();
    }
    Ok(!is_told && !is_taken)
}
