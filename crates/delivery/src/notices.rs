//! What WhatsApp tells of the account, its numbers and its templates: kept for people to read, and acted on where the
//! product can act.
//!
//! The functions run inside the transaction that marks the inbox row as done; a notice told again makes no second one.

use segue_channels::whatsapp::{AccountNotice, Notice};
use segue_model::{Ctx, Timestamp, notice::Severity};
use segue_store::{
    StoreError, Tx,
    channel::{Channel, ChannelState},
    channel_notice::NewChannelNotice,
};

use crate::{channel_state, numbers};

/// Takes a notice in. `key` names the event, so that a repeat is known as one.
///
/// A template that moved to another category has it at once, a form that was withdrawn is not offered any more, and a channel whose account was taken away is shown as
/// broken, with the reason; the next look at the number finds out when it is well again.
///
/// # Errors
/// When the store fails.
pub fn apply(tx: &mut Tx<'_>, ctx: &Ctx, channel: &Channel, told: &AccountNotice, key: &str) -> Result<(), StoreError> {
    let text = told.notice.text();
    let at = told.at.unwrap_or_else(|| ctx.now());
    if !keep(tx, ctx, channel, (key, told.notice.severity(), &text), at)? {
        return Ok(());
    }
    if let Notice::TemplateCategory { template, previous: Some(_), current, .. } = &told.notice {
        let named = (template.name.as_str(), template.language.as_deref());
        tx.set_template_category(channel.workspace_id, channel.id, named, current, ctx.now())?;
    }
    if let Notice::TemplateQuality { template, current, .. } = &told.notice {
        let named = (template.name.as_str(), template.language.as_deref());
        tx.set_template_quality(channel.workspace_id, channel.id, named, current, ctx.now())?;
    }
    if let Notice::FormStatus { form, current, .. } = &told.notice {
        tx.set_form_status(channel.workspace_id, form, current, at)?;
    }
    numbers::told(tx, channel, &told.notice, ctx.now())?;
    if told.notice.stops_sending() {
        channel_state::set_in(tx, ctx, channel, ChannelState::Error, Some(&text))?;
    }
    Ok(())
}

/// Notes once for each webhook field that something came which this version does not know. What came stays in the inbox.
///
/// # Errors
/// When the store fails.
pub fn apply_unknown(tx: &mut Tx<'_>, ctx: &Ctx, channel: &Channel, field: &str) -> Result<(), StoreError> {
    let field: String = field.chars().take(64).collect();
    let text =
        format!("WhatsApp sent something this version does not know (\u{201c}{field}\u{201d}). It is kept as it came.");
    let key = format!("unknown:{field}");
    keep(tx, ctx, channel, (&key, Severity::Information, &text), ctx.now()).map(|_| ())
}

pub(crate) fn keep(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    channel: &Channel,
    (key, severity, text): (&str, Severity, &str),
    at: Timestamp,
) -> Result<bool, StoreError> {
    let notice = NewChannelNotice { id: ctx.id(), channel_id: channel.id, key, severity, text, at };
    let is_new = tx.insert_channel_notice(channel.workspace_id, &notice)?;
    if is_new {
        channel_state::tell(tx, ctx, channel);
    }
    Ok(is_new)
}
