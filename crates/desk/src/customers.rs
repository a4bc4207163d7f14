//! Two addresses of one person: merging customers by hand, and parting them again.

use segue_model::{Ctx, CustomerMergeId, MessagingUserId, SessionId, WorkspaceId, actor::Actor};
use segue_store::{
    Store, Tx,
    customer_link::{LinkAction, LinkEntry, LinkState},
    customer_merge::{CustomerMergeView, Parted},
    session::SessionView,
    thread::JoinCustomers,
};

use crate::{
    DeskError, blocks, inbound, linking,
    notice::Notices,
    say::system_line,
    sessions::{self, Standing},
};

/// Makes another customer of the same channel part of the session's: one conversation, and answers go to the address
/// that was used last. Their sessions are kept; of two open ones that of the agent (else the older one) goes on.
///
/// # Errors
/// [`DeskError::InvalidField`] for the customer itself or one of another channel, [`DeskError::NotOwner`], or when there
/// is no such session or customer.
pub async fn merge(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    session_id: SessionId,
    other_id: MessagingUserId,
) -> Result<SessionView, DeskError> {
    let (ctx, actor) = (ctx.clone(), actor.clone());
    store
        .write(move |tx| {
            let session = tx.session(workspace_id, session_id)?.ok_or(DeskError::NotFound("session"))?;
            sessions::require(&actor, &session, Standing::OwnerOrSupervisor)?;
            let own_id = session.messaging_user_id;
            let invalid =
                |message: &str| DeskError::InvalidField { field: "messaging_user_id", message: message.to_owned() };
            if own_id == other_id {
                return Err(invalid("This is the same customer. Choose another one."));
            }
            let found = |user| Option::ok_or(user, DeskError::NotFound("customer"));
            let other = found(tx.messaging_user(workspace_id, other_id)?)?;
            let own = found(tx.messaging_user(workspace_id, own_id)?)?;
            if other.channel_id != own.channel_id {
                return Err(invalid(
                    "The two wrote to different numbers of yours. Link both to one contact; a conversation stays with \
                     its number.",
                ));
            }
            inbound::lock_customers(tx, workspace_id, own.channel_id, &[own_id, other_id])?;
            for id in [own_id, other_id] {
                tx.messaging_user(workspace_id, id)?.ok_or(DeskError::LinkChanged)?;
            }
            // Whoever merges sees what the other one wrote from then on, so it must be theirs to see.
            if let Some(id) = tx.session_ids_of(workspace_id, other_id)?.pop() {
                let last = sessions::to_change(tx, workspace_id, id)?;
                sessions::require(&actor, &last, Standing::OwnerOrSupervisor)?;
            }
            let mut notices = Notices::new(workspace_id);
            inbound::merge_customers(tx, &ctx, workspace_id, own.channel_id, (other_id, own_id), &actor, &mut notices)?;
            let mut session = sessions::to_change(tx, workspace_id, session_id)?;
            let line = format!("{} merged another address of the customer into this one.", sessions::name(&actor));
            system_line(tx, &ctx, workspace_id, &mut session, line, &mut notices)?;
            tx.save_session(workspace_id, &mut session)?;
            notices.session_updated(session_id);
            notices.tell(tx, ctx.now())?;
            sessions::view(tx, workspace_id, session_id)
        })
        .await
}

/// Parts two customers: what the other one had is its own again; what came since stays. Those that became one because
/// WhatsApp said so can be parted when each had an id of its own, such as two people of whom one took over the number of
/// the other.
///
/// # Errors
/// [`DeskError::LinkChanged`] when it was done already or the customer is gone, [`DeskError::InvalidField`] for a merge
/// that WhatsApp would tell of again, or when there is no such merge of the session's customer.
pub async fn part(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    session_id: SessionId,
    merge_id: CustomerMergeId,
) -> Result<SessionView, DeskError> {
    let (ctx, actor) = (ctx.clone(), actor.clone());
    store
        .write(move |tx| {
            let session = tx.session(workspace_id, session_id)?.ok_or(DeskError::NotFound("session"))?;
            sessions::require(&actor, &session, Standing::OwnerOrSupervisor)?;
            let merge = tx
                .customer_merge(workspace_id, merge_id)?
                .filter(|merge| merge.kept_id == session.messaging_user_id)
                .ok_or(DeskError::NotFound("merge"))?;
            if merge.actor == Actor::System.reference() && merge.unmerged_at.is_none() && !merge.can_part {
                let message =
                    "WhatsApp itself said that these are one person; their next message would join them again.";
                return Err(DeskError::InvalidField { field: "merge_id", message: message.to_owned() });
            }
            inbound::lock_customers(tx, workspace_id, session.channel_id, &[merge.kept_id, merge.merged_id])?;
            let kept = tx.messaging_user(workspace_id, merge.kept_id)?.ok_or(DeskError::LinkChanged)?;
            let before = LinkState::of(&kept);
            let (changed, to_tell) = match tx.part_customers(workspace_id, &merge, &actor.reference(), ctx.now())? {
                Parted::Done { mut sessions, narrowed, to_tell } => {
                    sessions.extend(narrowed);
                    (sessions, to_tell)
                }
                Parted::Already | Parted::KeptIsGone => return Err(DeskError::LinkChanged),
                Parted::Emptied => {
                    let message =
                        "The contact of these customers was deleted, and with it what is needed to part them.";
                    return Err(DeskError::InvalidField { field: "merge_id", message: message.to_owned() });
                }
            };
            for id in to_tell {
                blocks::tell(tx, &ctx, workspace_id, id)?;
            }
            let kept = tx.messaging_user(workspace_id, merge.kept_id)?.ok_or(DeskError::LinkChanged)?;
            if LinkState::of(&kept) != before {
                let is_linked = LinkState::of(&kept).is_linked();
                let action = if is_linked { LinkAction::Linked } else { LinkAction::Unlinked };
                let entry = linking::entry(&ctx, &actor, &session, &kept, action, before);
                tx.insert_link(workspace_id, &LinkEntry { reason: "part".to_owned(), ..entry })?;
            }
            let mut notices = Notices::new(workspace_id);
            for id in changed {
                notices.session_updated(id);
            }
            notices.session_updated(session_id);
            notices.tell(tx, ctx.now())?;
            sessions::view(tx, workspace_id, session_id)
        })
        .await
}

/// WhatsApp's answer to a message of the session named the id of another customer: the two become one, unless each has an
/// id of its own, which makes them two people. To be called in the transaction that marks the job as done; done again, it
/// finds one of them gone.
///
/// # Errors
/// When the store fails.
pub fn join(tx: &mut Tx<'_>, ctx: &Ctx, workspace_id: WorkspaceId, told: &JoinCustomers) -> Result<(), DeskError> {
    let Some(session) = tx.session(workspace_id, told.session_id)? else { return Ok(()) };
    let (own_id, other_id) = (session.messaging_user_id, told.messaging_user_id);
    let mut notices = Notices::new(workspace_id);
    inbound::lock_customers(tx, workspace_id, session.channel_id, &[own_id, other_id])?;
    if own_id == other_id || tx.messaging_user(workspace_id, other_id)?.is_none() {
        return Ok(());
    }
    inbound::told_same(tx, ctx, (workspace_id, session.channel_id), (own_id, other_id), &mut notices)?;
    notices.session_updated(session.id);
    notices.tell(tx, ctx.now())?;
    Ok(())
}

/// The merges into the session's customer, the latest first.
///
/// # Errors
/// When there is no such session.
pub async fn merges(
    store: &Store,
    workspace_id: WorkspaceId,
    session_id: SessionId,
) -> Result<Vec<CustomerMergeView>, DeskError> {
    store
        .read(move |tx| {
            let session = tx.session(workspace_id, session_id)?.ok_or(DeskError::NotFound("session"))?;
            Ok(tx.customer_merges(workspace_id, session.messaging_user_id, sessions::PAGE_LIMIT)?)
        })
        .await
}
