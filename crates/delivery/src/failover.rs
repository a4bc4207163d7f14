//! The second way of a message that is known not to have been sent.
//!
//! The owner of a sender can name another one. A message moves there when the provider refused it for a reason that lies
//! with the account and not with the message, or when the channel has been without connection for as long as the owner
//! said and the message still waits. It moves once, and is decided about again where it goes out. It moves only where its
//! text can be written, and a waiting one only where there is a connection: of two ways that are both down it keeps the one
//! that is its own.
//!
//! A message that may have left never moves: not `unknown` ones, and none that an account sends again after an attempt in
//! doubt, whatever became of later attempts. The row says so, and the statement that moves it asks the row. Whoever sends
//! such a message on a second way sends it twice.

use std::borrow::Cow;

use segue_channels::{ErrorClass, text::written_in};
use segue_model::{
    Ctx, MessageId, PhoneNumber, Timestamp,
    content::SmsContent,
    delivery::{MessageClass, OutboxState},
    place_of_phone,
    sender::{SenderFacts, clear, clear_files},
};
use segue_store::{
    StoreError, Tx,
    channel::{Channel, Registration},
    failover::Fallback,
    outbox::OutboxMessage,
    submission::Failure,
};

use crate::supervisor::Env;

/// Most waiting messages that are looked at in one transaction.
const AT_ONCE: u32 = 500;

/// Whether the reason lies with the account, so that another one may do better.
fn is_of_account(failure: &Failure) -> bool {
    [
        ErrorClass::SenderNotRegistered,
        ErrorClass::Authentication,
        ErrorClass::AccountBlocked,
        ErrorClass::ProviderDown,
        ErrorClass::Throttled,
    ]
    .iter()
    .any(|class| class.as_str() == failure.class)
}

/// Moves a message that would fail for good or whose account may not send, when it has a second way. `false` when it has
/// none, or may have left.
pub(crate) fn instead_of_failing(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    message: &OutboxMessage,
    failure: &Failure,
) -> Result<bool, StoreError> {
    if !is_of_account(failure) {
        return Ok(false);
    }
    let Some(channel) = tx.channel(message.workspace_id, message.channel_id)? else { return Ok(false) };
    move_over(tx, ctx.now(), &channel, message, OutboxState::Submitting, |_| Some(failure.reason.clone()))
}

/// Moves a message to the second way of its sender, when that can take it and `reason` says why.
fn move_over(
    tx: &mut Tx<'_>,
    now: Timestamp,
    channel: &Channel,
    message: &OutboxMessage,
    from: OutboxState,
    reason: impl Fn(&Fallback) -> Option<String>,
) -> Result<bool, StoreError> {
    let Ok(content) = message.content::<SmsContent>() else { return Ok(false) };
    let Some(fallback) = tx.fallback_of(message.workspace_id, channel.id, &content.source)? else { return Ok(false) };
    let Some(reason) = reason(&fallback) else { return Ok(false) };
    if fallback.to.registration != Registration::Active {
        return Ok(false);
    }
    if from == OutboxState::Queued && tx.down_since(message.workspace_id, fallback.to.channel_id)?.is_some() {
        // It moves once: there it would wait as long, and could not come back.
        return Ok(false);
    }
    let phone = message.address.strip_prefix('+').and_then(|digits| PhoneNumber::from_digits(digits).ok());
    let facts = tx.facts_of_sender(message.workspace_id, &fallback.to)?;
    if clear(&facts, phone.as_ref().and_then(place_of_phone), now).is_err() {
        return Ok(false);
    }
    // An answer leaves as it was written; see the last look.
    let text = match message.class {
        MessageClass::Keyword => Some(Cow::Borrowed(content.text.as_str())),
        _ => written_in(&content.text, facts.alphabet),
    };
    let Some(text) = text.map(Cow::into_owned) else { return Ok(false) };
    if content.is_mms() && !carries_files(tx, message, &fallback, (&facts, phone.as_ref()))? {
        return Ok(false);
    }
    let content = SmsContent { text, ..content };
    tx.fail_over(message, from, (&fallback, &content), &reason, now)
}

/// Whether the second way takes a message with files.
fn carries_files(
    tx: &mut Tx<'_>,
    message: &OutboxMessage,
    fallback: &Fallback,
    (facts, phone): (&SenderFacts, Option<&PhoneNumber>),
) -> Result<bool, StoreError> {
    let channel = tx.channel(message.workspace_id, fallback.to.channel_id)?;
    let carries = channel.is_some_and(|channel| channel.config.kind().carries_files());
    Ok(carries && clear_files(facts, phone.and_then(place_of_phone)).is_ok())
}

/// When a message became due, and which it is.
type Place = (Timestamp, MessageId);

/// Before the first message that waits.
fn first() -> Place {
    (Timestamp(0), MessageId(Default::default()))
}

/// Moves what waits on a channel that has been without connection for too long, some at a time. What cannot move is passed
/// over until all have been looked at, so that it keeps nothing behind it from moving.
#[derive(Debug)]
pub(crate) struct Sweep {
    /// The last one that was looked at.
    after: Place,
}

impl Sweep {
    pub fn new() -> Self {
        Self { after: first() }
    }

    /// Looks at the next of the messages that wait.
    pub async fn next(&mut self, env: &Env, channel: &Channel) {
        match move_waiting(env, channel, self.after).await {
            Ok((moved, after)) => {
                self.after = after;
                if moved > 0 {
                    tracing::warn!(channel_id = %channel.id, moved, "waiting messages left by their second way");
                }
            }
            Err(error) => tracing::error!(%error, channel_id = %channel.id, "waiting messages could not be moved"),
        }
    }
}

/// Gives how many moved, and where to go on.
async fn move_waiting(env: &Env, channel: &Channel, after: Place) -> Result<(usize, Place), StoreError> {
    let (ctx, channel) = (env.ctx.clone(), channel.clone());
    // Most channels have no second way, and most of the others are connected: a look, without the writer.
    let (workspace_id, id) = (channel.workspace_id, channel.id);
    let look = env.store.read::<_, StoreError, _>(move |tx| {
        Ok(if tx.has_fallback(workspace_id, id)? { tx.down_since(workspace_id, id)? } else { None })
    });
    let Some(since) = look.await? else { return Ok((0, first())) };
    env.store
        .write(move |tx| {
            let now = ctx.now();
            if tx.down_since(workspace_id, id)? != Some(since) {
                return Ok((0, first()));
            }
            let mut moved = 0;
            let waiting = tx.waiting_after(workspace_id, id, (after, AT_ONCE), now)?;
            let last = waiting.last().map(|message| (message.not_before, message.id));
            let is_full = waiting.len() == AT_ONCE as usize;
            for message in waiting {
                let over = |fallback: &Fallback| {
                    let minutes = now.since(since) / 60_000;
                    (now.since(since) >= fallback.after)
                        .then(|| format!("Its channel has been without connection for {minutes} minutes."))
                };
                moved += usize::from(move_over(tx, now, &channel, &message, OutboxState::Queued, over)?);
            }
            Ok((moved, last.filter(|_| is_full).unwrap_or_else(first)))
        })
        .await
}
