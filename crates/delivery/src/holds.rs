//! Answers of the platform that say nothing about one message and everything about its campaign.

use segue_model::{Timestamp, content::Content, policy::Rule, time};
use segue_store::{
    StoreError, Tx,
    outbox::OutboxMessage,
    submission::{Cost, Failure},
};

/// When a campaign that the platform refused is tried again, unless it is told of a change before.
const TRY_AGAIN: i64 = 15 * time::MINUTE;

/// What holds the message's campaign after this failure.
pub(crate) fn holds(message: &OutboxMessage, failure: &Failure) -> Option<Rule> {
    message.campaign_id?;
    match failure.code.as_deref()? {
        // Paused, disabled: the webhook that tells it may come later than the first refusal.
        "132015" | "132016" => Some(Rule::TemplatePaused),
        "131048" => Some(Rule::MessagingLimit),
        _ => None,
    }
}

/// The message goes back to where it was, and its campaign waits.
pub(crate) fn hold(
    tx: &mut Tx<'_>,
    message: &OutboxMessage,
    failure: &Failure,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (Some(rule), Some(campaign_id)) = (holds(message, failure), message.campaign_id) else { return Ok(()) };
    if rule == Rule::TemplatePaused && is_translation(tx, message)? {
        // The other languages go on.
        tx.requeue_message(message, now.plus(TRY_AGAIN), Cost::Free, failure, now)?;
        return Ok(());
    }
    tx.requeue_message(message, now, Cost::Free, failure, now)?;
    tx.hold_campaign(message.workspace_id, campaign_id, (rule, Some(now.plus(TRY_AGAIN))), now)?;
    Ok(())
}

/// Whether the message is in another language than its campaign's.
fn is_translation(tx: &mut Tx<'_>, message: &OutboxMessage) -> Result<bool, StoreError> {
    let gate = match message.campaign_id {
        Some(id) => tx.campaign_gate(message.workspace_id, id)?,
        None => None,
    };
    let (Some(gate), Ok(Content::Template { language, .. })) = (gate, message.content::<Content>()) else {
        return Ok(false);
    };
    Ok(gate.template.language != language)
}
