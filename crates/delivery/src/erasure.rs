//! Removing what is left of customers whose contact is gone for good: WhatsApp is told to forget them, and their
//! conversations are emptied where the workspace wants that.
//!
//! What was on the wire when it was asked for is waited for, round by round.
//!
//! A customer's row stays until all of it is done, so a crash or an answer that does not come costs a repetition and
//! nothing else. What WhatsApp refuses again and again is given up, and said in the log.

use segue_channels::whatsapp::{Recipient, errors::Act};
use segue_model::{MessagingUserId, WorkspaceId};
use segue_store::{
    Store, StoreError,
    channel::{Channel, ChannelConfig},
    erasure::Erasure,
    erasure_copies::{Copies, Erased},
    messaging_user::IdentifierKind,
};

use crate::{DeliveryError, client::client_of};

/// Customers read at once.
const BATCH: u32 = 500;
/// How often WhatsApp is asked before it is given up.
const MOST_ATTEMPTS: u32 = 20;

/// Removes what is due in a workspace. Gives how many customers are done.
///
/// # Errors
/// When the store fails; what was done stays done.
pub async fn run(store: &Store, workspace_id: WorkspaceId) -> Result<usize, StoreError> {
    let mut due = Vec::new();
    loop {
        let after = due.last().map(|last: &Erasure| last.messaging_user_id);
        let further = store.read(move |tx| tx.erasures(workspace_id, after, BATCH)).await?;
        if further.is_empty() {
            break;
        }
        due.extend(further);
    }
    // Of all at once: nothing leads to the copies, so all that came in lately is looked through.
    empty_copies(store, workspace_id, due.iter().filter(|erasure| !erasure.is_emptied).cloned().collect()).await?;
    let mut done = 0;
    // Those who have to wait must not keep others from their turn.
    for erasure in due {
        let (messaging_user_id, attempts) = (erasure.messaging_user_id, erasure.attempts);
        if !erasure.is_emptied && !empty(store, workspace_id, erasure).await? {
            continue;
        }
        match forget(store, workspace_id, messaging_user_id).await {
            Err(DeliveryError::Store(error)) => return Err(error),
            Err(error) if may_pass(&error) && attempts < MOST_ATTEMPTS => {
                tracing::info!(%error, attempts, "WhatsApp could not be told to forget a customer; it is tried again");
                store.write(move |tx| tx.tried_erasure(workspace_id, messaging_user_id)).await?;
                continue;
            }
            Err(error) => tracing::warn!(%error, "WhatsApp does not forget a customer; it is given up"),
            Ok(()) => {}
        }
        store.write(move |tx| tx.end_erasure(workspace_id, messaging_user_id)).await?;
        done += 1;
    }
    Ok(done)
}

fn may_pass(error: &DeliveryError) -> bool {
    match error {
        DeliveryError::Graph(failure) => matches!(failure.act(), Act::Retry | Act::Alert),
        _ => false,
    }
}

/// Empties what was written until the erasure was asked for. A customer who is somebody's again keeps the name. `false`
/// while something of that time is on the wire.
async fn empty(store: &Store, workspace_id: WorkspaceId, erasure: Erasure) -> Result<bool, StoreError> {
    let (user_id, until) = (erasure.messaging_user_id, erasure.asked_at);
    let (wanted, sessions) = store
        .read(move |tx| {
            let wanted = tx.workspace(workspace_id)?.is_some_and(|workspace| workspace.settings.erase_transcripts);
            let sessions = match &erasure.sessions {
                Some(sessions) => sessions.clone(),
                None => tx.session_ids_of(workspace_id, user_id)?,
            };
            Ok::<_, StoreError>((wanted, sessions))
        })
        .await?;
    let mut is_over = true;
    for session_id in sessions {
        let emptied = store.write_bulk(move |tx| {
            let is_over = tx.stop_sending(workspace_id, session_id, until)?;
            if wanted {
                tx.empty_transcript(workspace_id, session_id, until)?;
            }
            Ok::<_, StoreError>(is_over)
        });
        is_over &= emptied.await?;
    }
    if !is_over {
        return Ok(false);
    }
    store
        .write_bulk(move |tx| {
            if wanted && tx.messaging_user(workspace_id, user_id)?.is_some_and(|user| user.contact_id.is_none()) {
                tx.forget_names(workspace_id, user_id)?;
            }
            tx.emptied(workspace_id, user_id, until)
        })
        .await?;
    Ok(true)
}

/// Empties what else holds words of these customers' conversations for some days, where that is wanted.
async fn empty_copies(store: &Store, workspace_id: WorkspaceId, due: Vec<Erasure>) -> Result<(), StoreError> {
    let Some(until) = due.iter().map(|erasure| erasure.asked_at).max() else { return Ok(()) };
    let copies = store
        .read(move |tx| {
            let mut erased = Erased::default();
            if tx.workspace(workspace_id)?.is_some_and(|workspace| workspace.settings.erase_transcripts) {
                for Erasure { messaging_user_id, asked_at, sessions, .. } in &due {
                    if let Some(sessions) = sessions {
                        // Part of another customer by now, whose ids and numbers are that one's.
                        erased.add_sessions(sessions.iter().copied());
                        continue;
                    }
                    let Some(user) = tx.messaging_user(workspace_id, *messaging_user_id)? else { continue };
                    let addresses = tx.identifiers_of(workspace_id, *messaging_user_id)?;
                    let addresses = addresses.into_iter().map(|identifier| identifier.value);
                    let sessions = tx.session_ids_of(workspace_id, *messaging_user_id)?;
                    erased.add(user.channel_id, addresses, sessions, *asked_at);
                }
            }
            if erased.is_empty() { Ok(Copies::default()) } else { tx.copies_of(workspace_id, &erased, until) }
        })
        .await?;
    for part in copies.parts(BATCH as usize) {
        store.write_bulk(move |tx| tx.empty_copies(workspace_id, &part, until)).await?;
    }
    Ok(())
}

/// Tells WhatsApp of each of the customer's ids; its contact book knows no numbers.
async fn forget(store: &Store, workspace_id: WorkspaceId, user_id: MessagingUserId) -> Result<(), DeliveryError> {
    let found = store
        .read(move |tx| {
            let Some(user) = tx.messaging_user(workspace_id, user_id)? else { return Ok(None) };
            let identifiers = tx.identifiers_of(workspace_id, user_id)?;
            Ok::<_, StoreError>(tx.channel(workspace_id, user.channel_id)?.map(|channel| (channel, identifiers)))
        })
        .await?;
    let Some((channel, identifiers)) = found else { return Ok(()) };
    for identifier in identifiers.iter().filter(|identifier| identifier.kind == IdentifierKind::Bsuid) {
        tell(&channel, &identifier.value).await?;
    }
    Ok(())
}

async fn tell(channel: &Channel, bsuid: &str) -> Result<(), DeliveryError> {
    let ChannelConfig::WhatsApp(_) = &channel.config else { return Ok(()) };
    let Ok(Recipient::Bsuid(bsuid)) = Recipient::bsuid(bsuid) else { return Ok(()) };
    Ok(client_of(channel)?.forget_customer(&bsuid).await?)
}
