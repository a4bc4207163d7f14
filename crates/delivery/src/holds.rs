//! Answers of the platform that say nothing about one message and everything about its campaign.

use segue_model::{Timestamp, content::Content, policy::Rule, template_rules::is_over, time};
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
        "131048" => Some(Rule::SpamLimit),
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
    if rule == Rule::TemplatePaused
        && let Some((name, language)) = translation(tx, message)?
    {
        // The other languages go on. What else waits in this one is held by the rules without asking WhatsApp for each.
        let status = if failure.code.as_deref() == Some("132016") { "DISABLED" } else { "PAUSED" };
        let (workspace_id, channel_id) = (message.workspace_id, message.channel_id);
        tx.set_template_status(workspace_id, channel_id, (&name, Some(&language)), (status, None), (None, now))?;
        tx.note_language_hold(workspace_id, (campaign_id, &language), now)?;
        // What is over ends with the next look; what is paused is asked about again when it may have passed.
        let again = if is_over(status) { now } else { now.plus(TRY_AGAIN) };
        tx.requeue_message(message, again, Cost::Free, failure, now)?;
        return Ok(());
    }
    tx.requeue_message(message, now, Cost::Free, failure, now)?;
    tx.hold_campaign(message.workspace_id, campaign_id, (rule, Some(now.plus(TRY_AGAIN))), now)?;
    Ok(())
}

/// Name and language of the message's template, when it is in another language than its campaign's.
fn translation(tx: &mut Tx<'_>, message: &OutboxMessage) -> Result<Option<(String, String)>, StoreError> {
    let gate = match message.campaign_id {
        Some(id) => tx.campaign_gate(message.workspace_id, id)?,
        None => None,
    };
    let (Some(gate), Ok(Content::Template { name, language, .. })) = (gate, message.content::<Content>()) else {
        return Ok(None);
    };
    Ok((gate.template.language != language).then_some((name, language)))
}
