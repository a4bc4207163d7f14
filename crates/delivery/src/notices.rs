//! What WhatsApp tells of the account, its numbers and its templates: kept for people to read, and acted on where the
//! product can act.
//!
//! The functions run inside the transaction that marks the inbox row as done; a notice told again makes no second one.

use segue_channels::whatsapp::{AccountNotice, Notice, WebhookItem};
use segue_model::{Ctx, Timestamp, notice::Severity};
use segue_store::{
    StoreError, Tx,
    channel::{Channel, ChannelConfig, ChannelState, WhatsAppConfig},
    channel_notice::NewChannelNotice,
};

use crate::{alerts, channel_state, numbers, templates};

/// Whether an element without a number of its own is about the account of `config`. One app has one address for all its
/// accounts, so what comes to a channel's address may be another's.
#[must_use]
pub fn is_of_account(config: &WhatsAppConfig, item: &WebhookItem) -> bool {
    let told = item.waba_id().unwrap_or_default();
    told.is_empty() || config.waba_id.is_empty() || told == config.waba_id
}

/// Whether a notice is about the number of `config`, or about no number in particular.
#[must_use]
pub fn is_of_number(config: &WhatsAppConfig, notice: &Notice) -> bool {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    notice.number().is_none_or(|number| digits(number) == digits(&config.display_phone_number))
}

/// Takes a notice in. `key` names the event, so that a repeat is known as one.
///
/// A template that moved to another category has it at once, one whose text was changed is read again, a form that was
/// withdrawn is not offered any more, and a channel whose account was taken away is shown as broken, with the reason; the
/// next look at the number finds out when it is well again. What comes late, after something newer about the same or after
/// such a look, is kept and changes nothing.
///
/// # Errors
/// When the store fails.
pub fn apply(tx: &mut Tx<'_>, ctx: &Ctx, channel: &Channel, told: &AccountNotice, key: &str) -> Result<(), StoreError> {
    let text = told.notice.text();
    let at = told.at.unwrap_or_else(|| ctx.now());
    let of_standing = told.notice.standing().map(|standing| format!("account:{standing}:"));
    let key = of_standing.as_ref().map_or_else(|| key.to_owned(), |of_standing| format!("{of_standing}{key}"));
    if !keep(tx, ctx, channel, (&key, told.notice.severity(), &text), at)? {
        return Ok(());
    }
    if let Notice::TemplateCategory { template, previous: Some(_), current, .. } = &told.notice {
        let named = (template.name.as_str(), template.language.as_deref());
        tx.set_template_category(channel.workspace_id, channel.id, named, current, (at, ctx.now()))?;
    }
    if let Notice::TemplateQuality { template, current, .. } = &told.notice {
        let named = (template.name.as_str(), template.language.as_deref());
        tx.set_template_quality(channel.workspace_id, channel.id, named, current, (at, ctx.now()))?;
    }
    if let Notice::TemplateText { template, .. } = &told.notice {
        templates::read_soon(tx, ctx, channel, (template, at))?;
    }
    if let Notice::FormStatus { form, current, .. } = &told.notice {
        tx.set_form_status(channel.workspace_id, form, current, at)?;
    }
    if let ChannelConfig::WhatsApp(config) = &channel.config
        && is_of_number(config, &told.notice)
    {
        numbers::told(tx, channel, &told.notice, (at, ctx.now()))?;
    }
    // A number is looked at each hour, so what is older than that was found or was not so any more.
    let is_late = !alerts::stands(at, ctx.now())
        || match &of_standing {
            Some(of_standing) => tx.is_notice_after(channel.workspace_id, channel.id, (of_standing, at))?,
            None => false,
        };
    if told.notice.stops_sending() && !is_late {
        channel_state::set_in(tx, ctx, channel, ChannelState::Error, Some(&text))?;
    }
    Ok(())
}

/// Notes once for each business account that something came which belongs to no channel here. What came stays in the
/// inbox, and nothing of the channel at whose address it came is changed.
///
/// # Errors
/// When the store fails.
pub fn apply_foreign(tx: &mut Tx<'_>, ctx: &Ctx, channel: &Channel, waba_id: &str) -> Result<(), StoreError> {
    let account: String = waba_id.chars().take(64).collect();
    let text = format!(
        "WhatsApp told something of the business account {account}, which is not this channel\u{2019}s. Nothing was changed \
         here; what came is kept. Add a channel for that account, or take this address out of its app."
    );
    keep(tx, ctx, channel, (&format!("foreign:{account}"), Severity::Information, &text), ctx.now()).map(|_| ())
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
