//! Removing what is left of customers whose contact is gone for good: WhatsApp is told to forget them, and their
//! conversations are emptied where the workspace wants that.
//!
//! What was on the wire when it was asked for is waited for, round by round.
//!
//! A customer's row stays until all of it is done, so a crash or an answer that does not come costs a repetition and
//! nothing else; a round may be left at any point. Where WhatsApp cannot be told, it is asked again after growing waits, for
//! a month; what it refuses for good or for so long is given up, and said in the log and in a notice of the channel. An
//! account that is not let in is no attempt: it is asked until somebody has mended it.

use std::collections::BTreeSet;

use segue_channels::whatsapp::{Recipient, errors::Act};
use segue_model::{ChannelId, Ctx, MessagingUserId, WorkspaceId, notice::Severity, time};
use segue_store::{
    Store, StoreError, Tx,
    channel::{Channel, ChannelConfig},
    erasure::Erasure,
    erasure_copies::{Copies, Erased},
    messaging_user::IdentifierKind,
};

use crate::{DeliveryError, client::client_of, notices};

/// Customers read at once.
const BATCH: u32 = 500;
/// How long WhatsApp is left alone after the first attempts that failed, one after the other; after those, a day.
const WAITS: [i64; 3] = [10 * time::MINUTE, time::HOUR, 6 * time::HOUR];
/// For so many days WhatsApp is asked once a day before it is given up.
const MOST_DAYS: u32 = 30;
/// How long WhatsApp is left alone where the account is not let in.
const SHUT_OUT: i64 = time::HOUR;

/// Removes what is due in a workspace. Gives how many customers are done.
///
/// # Errors
/// When the store fails; what was done stays done.
pub async fn run(store: &Store, ctx: &Ctx, workspace_id: WorkspaceId) -> Result<usize, StoreError> {
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
    // Those who have to wait must not keep others from their turn, so all are emptied before anybody is told of them.
    let mut emptied = Vec::new();
    for erasure in due {
        if erasure.is_emptied || empty(store, workspace_id, erasure.clone()).await? {
            emptied.push(erasure);
        }
    }
    let (mut done, mut silent) = (0, BTreeSet::new());
    for erasure in emptied.into_iter().filter(|erasure| erasure.next_at <= ctx.now()) {
        done += usize::from(tell_of(store, ctx, workspace_id, &erasure, &mut silent).await?);
    }
    Ok(done)
}

/// Lets WhatsApp forget one customer, unless its channel is among those that failed in this round: an outage costs one
/// question for each, not one for each customer. Whether that is settled.
async fn tell_of(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    erasure: &Erasure,
    silent: &mut BTreeSet<ChannelId>,
) -> Result<bool, StoreError> {
    let (user_id, asked_at, attempts) = (erasure.messaging_user_id, erasure.asked_at, erasure.attempts);
    let key = (user_id, asked_at);
    if let Some((channel, bsuids)) = known_of(store, workspace_id, user_id).await? {
        if silent.contains(&channel.id) {
            return Ok(false);
        }
        if let Err(error) = forget(&channel, &bsuids).await {
            let (attempts, wait) = match outcome_of(&error, attempts) {
                Outcome::Again { attempts, wait } => (attempts, wait),
                Outcome::GivenUp => {
                    tracing::warn!(%error, "WhatsApp does not forget a customer; it is given up");
                    let ctx = ctx.clone();
                    return store
                        .write(move |tx| {
                            let is_over = tx.end_erasure(workspace_id, key)?;
                            if is_over {
                                note_given_up(tx, &ctx, &channel)?;
                            }
                            Ok::<_, StoreError>(is_over)
                        })
                        .await;
                }
            };
            tracing::info!(%error, attempts, "WhatsApp could not be told to forget a customer; it is tried again");
            silent.insert(channel.id);
            let next_at = ctx.now().plus(wait);
            store.write(move |tx| tx.tried_erasure(workspace_id, key, attempts, next_at)).await?;
            return Ok(false);
        }
    }
    store.write(move |tx| tx.end_erasure(workspace_id, key)).await
}

/// What follows from an error.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Again { attempts: u32, wait: i64 },
    GivenUp,
}

/// What follows when WhatsApp could not be told after `attempts` failed ones.
fn outcome_of(error: &DeliveryError, attempts: u32) -> Outcome {
    let DeliveryError::Graph(failure) = error else { return Outcome::GivenUp };
    match failure.act() {
        // Nothing of the customer's: the token has run out, or the account is locked.
        Act::Alert => Outcome::Again { attempts, wait: SHUT_OUT },
        Act::Retry | Act::Later => outcome_after(attempts),
        Act::Final => Outcome::GivenUp,
    }
}

fn outcome_after(attempts: u32) -> Outcome {
    let waits = WAITS.len() as u32;
    if attempts >= waits + MOST_DAYS {
        return Outcome::GivenUp;
    }
    let wait = WAITS.get(attempts as usize).copied().unwrap_or(time::DAY);
    Outcome::Again { attempts: attempts + 1, wait }
}

/// Tells people of the channel once a day that something is left for them to do.
fn note_given_up(tx: &mut Tx<'_>, ctx: &Ctx, channel: &Channel) -> Result<(), StoreError> {
    let key = format!("erasure:{}", ctx.now().0.div_euclid(time::DAY));
    let text = "A contact was deleted, and WhatsApp did not forget its customer: it refused, or did not answer for a month. It is \
                not asked again. Remove the customer from the contact book of the number in WhatsApp Manager.";
    notices::keep(tx, ctx, channel, (&key, Severity::Warning, text), ctx.now()).map(|_| ())
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

/// A customer's channel and ids there; nothing where one of them is gone. The contact book knows no numbers.
async fn known_of(
    store: &Store,
    workspace_id: WorkspaceId,
    user_id: MessagingUserId,
) -> Result<Option<(Channel, Vec<String>)>, StoreError> {
    store
        .read(move |tx| {
            let Some(user) = tx.messaging_user(workspace_id, user_id)? else { return Ok(None) };
            let identifiers = tx.identifiers_of(workspace_id, user_id)?.into_iter();
            let bsuids = identifiers.filter(|identifier| identifier.kind == IdentifierKind::Bsuid);
            let bsuids = bsuids.map(|identifier| identifier.value).collect();
            Ok(tx.channel(workspace_id, user.channel_id)?.map(|channel| (channel, bsuids)))
        })
        .await
}

/// Tells WhatsApp of each of a customer's ids.
async fn forget(channel: &Channel, bsuids: &[String]) -> Result<(), DeliveryError> {
    let ChannelConfig::WhatsApp(_) = &channel.config else { return Ok(()) };
    for bsuid in bsuids {
        if let Ok(Recipient::Bsuid(bsuid)) = Recipient::bsuid(bsuid) {
            client_of(channel)?.forget_customer(&bsuid).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use segue_channels::whatsapp::GraphFailure;

    use super::*;

    #[test]
    fn an_outage_is_waited_out_for_a_month_with_growing_waits() {
        let error = DeliveryError::Graph(GraphFailure::NoAnswer("timeout".to_owned()));
        let (mut attempts, mut waited) = (0, Vec::new());
        while let Outcome::Again { attempts: next, wait } = outcome_of(&error, attempts) {
            attempts = next;
            waited.push(wait);
        }
        assert_eq!(waited[..4], [10 * time::MINUTE, time::HOUR, 6 * time::HOUR, time::DAY]);
        assert!(waited.iter().sum::<i64>() > 30 * time::DAY && waited.len() == 33, "{waited:?}");
    }
}
