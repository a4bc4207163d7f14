//! Room for a text under the limits of its sender and of what is registered for it; see [`segue_model::rate`].
//!
//! Room is taken in the transaction that records `submitting`: a crash before its commit takes it back together with the
//! message. A sender without limits costs nothing here; whether it has any is read once in a transaction.

use segue_channels::text::{segment_on, written_in};
use segue_model::{
    Timestamp,
    content::SmsContent,
    delivery::MessageClass,
    policy::{Explanation, Rule},
    sender::SenderFacts,
    sms_writing::SmsWriting,
};
use segue_store::{StoreError, Tx, outbox::OutboxMessage, pace::Asks};

/// Takes a place for a message of a campaign that sends at most so many in a minute. `false` when as many left in the minute
/// before: it is held then. A message that is refused for the first time waits behind all that were refused before it. One
/// whose turn had come, and that found its place taken by a message a little later than promised, waits until one of those
/// that left is a minute old; another one may then leave before it. Planning spaces the messages already; this keeps the
/// pace when they become due together, after a pause, a hold or a night.
pub(crate) fn keep_pace(
    tx: &mut Tx<'_>,
    per_minute: Option<u32>,
    message: &OutboxMessage,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (Some(most), Some(campaign_id)) = (per_minute, message.campaign_id) else { return Ok(true) };
    let asks = if message.rule.as_deref() == Some(Rule::CampaignPace.as_str()) { Asks::Again } else { Asks::First };
    let Some(until) = tx.keep_in_minute((message.workspace_id, campaign_id), most, asks, now)? else { return Ok(true) };
    let cap = Some(format!("the campaign sends at most {most} messages a minute"));
    let why = Explanation { cap, ..Explanation::default() };
    tx.put_decision(message.workspace_id, message.id, Rule::CampaignPace, &why, now)?;
    tx.hold_message(message, until, Rule::CampaignPace, now)?;
    Ok(false)
}

/// Gives the place back that [`keep_pace`] took, for a message that has to wait for something else.
pub(crate) fn leave_pace(
    tx: &mut Tx<'_>,
    per_minute: Option<u32>,
    message: &OutboxMessage,
    now: Timestamp,
) -> Result<(), StoreError> {
    match (per_minute, message.campaign_id) {
        (Some(most), Some(campaign_id)) => tx.give_minute_back(message.workspace_id, campaign_id, most, now),
        _ => Ok(()),
    }
}

/// How many segments a text takes on an account that writes like this. One with files counts as one, as carriers count it.
pub(crate) fn segments(content: &SmsContent, writing: SmsWriting) -> u32 {
    if content.is_mms() {
        return 1;
    }
    u32::try_from(segment_on(&content.text, writing).segments.len()).unwrap_or(u32::MAX)
}

/// Gives the room back that a text took which no carrier has seen, in the windows in which it took it. Otherwise a provider
/// that cannot be reached would use up the day of a registered campaign with texts that never left.
pub(crate) fn give_back(tx: &mut Tx<'_>, message: &OutboxMessage) -> Result<(), StoreError> {
    let Ok(mut content) = message.content::<SmsContent>() else { return Ok(()) };
    let Some(at) = tx.submitting_since(message)? else { return Ok(()) };
    let Some(channel) = tx.channel(message.workspace_id, message.channel_id)? else { return Ok(()) };
    let found = tx.sender_facts(message.workspace_id, channel.id, &content.source)?;
    let Some((_, sender)) = found.filter(|(_, sender)| sender.is_limited()) else { return Ok(()) };
    if message.class != MessageClass::Keyword
        && let Some(written) = written_in(&content.text, sender.alphabet)
    {
        // As it was counted; see the last look.
        content.text = written.into_owned();
    }
    let taken = segments(&content, channel.config.writing());
    for limit in sender.limits() {
        let taken = if message.class == MessageClass::Marketing { taken.min(limit.segments) } else { taken };
        tx.give_room_back(message.workspace_id, limit, taken, at)?;
    }
    Ok(())
}

/// Takes room for a text of so many segments. `false` when there is none: it is held then, until there may be.
pub(crate) fn take(
    tx: &mut Tx<'_>,
    sender: &SenderFacts,
    message: &OutboxMessage,
    segments: u32,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let limits = sender.limits();
    if message.class != MessageClass::Marketing {
        tx.use_room(message.workspace_id, &limits, segments, now)?;
        return Ok(true);
    }
    let Some((limit, until)) = tx.take_room(message.workspace_id, &limits, segments, now)? else { return Ok(true) };
    let cap = Some(format!("{} segments a {}", limit.segments, limit.window));
    let why = Explanation { cap, ..Explanation::default() };
    tx.put_decision(message.workspace_id, message.id, Rule::RateLimit, &why, now)?;
    tx.hold_message(message, until, Rule::RateLimit, now)?;
    Ok(false)
}
