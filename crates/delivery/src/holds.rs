//! Answers of the platform that say nothing about one message and everything about its campaign.

use segue_model::{
    CampaignId, ChannelId, MessageId, Timestamp, WorkspaceId, content::Content, policy::Rule, template_rules::is_over,
    time,
};
use segue_store::{
    StoreError, Tx,
    outbox::OutboxMessage,
    submission::{Cost, Failure},
};

use crate::alerts;

/// When a campaign that the platform refused is tried again, unless it is told of a change before.
const TRY_AGAIN: i64 = 15 * time::MINUTE;

/// The same for what lies with the account and is told only after WhatsApp took the message: each try costs messages.
const TRY_ACCOUNT_AGAIN: i64 = time::HOUR;

/// What holds the message's campaign after this failure.
pub(crate) fn holds(message: &OutboxMessage, failure: &Failure) -> Option<Rule> {
    message.campaign_id?;
    rule_of(failure)
}

fn rule_of(failure: &Failure) -> Option<Rule> {
    match failure.code.as_deref()? {
        // Paused, disabled: the webhook that tells it may come later than the first refusal.
        "132015" | "132016" => Some(Rule::TemplatePaused),
        "131048" => Some(Rule::SpamLimit),
        // Marketing is switched off: the rest of the number goes on.
        "131063" => Some(Rule::AccountProblem),
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
        && let Some((name, language)) =
            translation(tx, (message.workspace_id, campaign_id), message.content().ok().as_ref())?
    {
        let status = status_of(failure);
        hold_language(
            tx,
            (message.workspace_id, message.channel_id),
            campaign_id,
            (&name, &language),
            (status, None, now),
        )?;
        // What is over ends with the next look; what is paused is asked about again when it may have passed.
        let again = if is_over(status) { now } else { now.plus(TRY_AGAIN) };
        tx.requeue_message(message, again, Cost::Free, failure, now)?;
        return Ok(());
    }
    tx.requeue_message(message, now, Cost::Free, failure, now)?;
    tx.hold_campaign(message.workspace_id, campaign_id, (rule, Some(now.plus(TRY_AGAIN))), now)?;
    Ok(())
}

/// The provider took the message and says later that it failed, for a reason that is its campaign's: what is still to
/// leave waits. What is told so late that the wait would be over changes nothing.
pub(crate) fn hold_told(
    tx: &mut Tx<'_>,
    (workspace_id, channel_id): (WorkspaceId, ChannelId),
    id: MessageId,
    failure: &Failure,
    (told_at, now): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    let (rule, wait) = match rule_of(failure) {
        Some(rule) => (rule, TRY_AGAIN),
        None if alerts::stops_number(failure) => (Rule::AccountProblem, TRY_ACCOUNT_AGAIN),
        None => return Ok(()),
    };
    let told_at = told_at.min(now);
    let until = told_at.plus(wait);
    if until <= now {
        return Ok(());
    }
    let Some((campaign_id, payload)) = tx.campaign_of_message(workspace_id, id)? else { return Ok(()) };
    if rule == Rule::TemplatePaused
        && let Some((name, language)) = translation(tx, (workspace_id, campaign_id), payload.read().ok().as_ref())?
    {
        let status = (status_of(failure), Some(told_at), now);
        return hold_language(tx, (workspace_id, channel_id), campaign_id, (&name, &language), status);
    }
    let held = tx.campaign_hold(workspace_id, campaign_id)?;
    // What is held for longer, or until somebody else decides, stays so.
    if held.is_none_or(|held| held.until.is_some_and(|other| other < until)) {
        tx.hold_campaign(workspace_id, campaign_id, (rule, Some(until)), now)?;
    }
    Ok(())
}

fn status_of(failure: &Failure) -> &'static str {
    if failure.code.as_deref() == Some("132016") { "DISABLED" } else { "PAUSED" }
}

/// The other languages go on. What else waits in this one is held by the rules without asking WhatsApp for each.
fn hold_language(
    tx: &mut Tx<'_>,
    (workspace_id, channel_id): (WorkspaceId, ChannelId),
    campaign_id: CampaignId,
    (name, language): (&str, &str),
    (status, told_at, now): (&str, Option<Timestamp>, Timestamp),
) -> Result<(), StoreError> {
    tx.set_template_status(workspace_id, channel_id, (name, Some(language)), (status, None), (told_at, now))?;
    tx.note_language_hold(workspace_id, (campaign_id, language), now)?;
    Ok(())
}

/// Name and language of a message's template, when it is in another language than its campaign's.
fn translation(
    tx: &mut Tx<'_>,
    (workspace_id, campaign_id): (WorkspaceId, CampaignId),
    content: Option<&Content>,
) -> Result<Option<(String, String)>, StoreError> {
    let (Some(gate), Some(Content::Template { name, language, .. })) =
        (tx.campaign_gate(workspace_id, campaign_id)?, content)
    else {
        return Ok(None);
    };
    Ok((gate.template.language != *language).then(|| (name.clone(), language.clone())))
}
