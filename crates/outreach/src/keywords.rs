//! STOP, START and HELP in an SMS.
//!
//! Runs in the transaction that marks the inbox row as done: ledger, canceled messages and the confirmation stand or fall
//! together with it, and an inbox row is worked on once. A STOP means the person: it revokes promotional SMS and
//! promotional WhatsApp messages (47 CFR 64.1200(a)(10), "revoke all"); a START grants SMS only. One confirmation answers
//! it, from the sender it was sent to, and a repeat within a day gets none, so that two machines cannot talk to each
//! other for ever.

use segue_model::{
    Ctx, InboxId, MessageId, PhoneNumber,
    consent::{ConsentAction, ConsentMethod, Medium, Purpose},
    content::SmsContent,
    delivery::MessageClass,
    keyword::Keyword,
    time,
};
use segue_store::{
    StoreError, Tx,
    channel::Channel,
    consent::{ConsentError, NewConsentEvent},
    outbox::{AddressKind, NewOutbox},
    workspace::Workspace,
};

/// A second STOP or START is not confirmed again within this time.
const CONFIRM_AGAIN: i64 = 24 * time::HOUR;

/// A customer's SMS from the inbox.
#[derive(Debug, Clone, Copy)]
pub struct InboundSms<'a> {
    /// Kept as the proof of what was said.
    pub inbox_id: InboxId,
    /// As the carrier gives it, with or without plus sign.
    pub from: &'a str,
    /// The sender of ours that it was sent to.
    pub to: &'a str,
    pub text: &'a str,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handled {
    /// It is no keyword; it stays in the inbox.
    NoKeyword,
    /// The keyword was obeyed and answered.
    Answered(Keyword),
    /// The keyword was obeyed; it had been answered shortly before.
    Repeated(Keyword),
}

/// Obeys a keyword, when the text is one.
///
/// # Errors
/// When the store fails.
pub fn handle(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace: &Workspace,
    channel: &Channel,
    sms: &InboundSms<'_>,
) -> Result<Handled, StoreError> {
    let Some(keyword) = Keyword::read(sms.text, Medium::Sms) else { return Ok(Handled::NoKeyword) };
    // A sender that is no phone number, such as a short code, is a machine without a consent.
    // Carriers write the sender with its country code; a national writing is read in the workspace's country.
    let digits = sms.from.trim().trim_start_matches('+');
    let read = PhoneNumber::from_digits(digits).or_else(|_| PhoneNumber::parse(sms.from, Some(&workspace.country)));
    let Ok(phone) = read else { return Ok(Handled::NoKeyword) };
    let answered = match keyword {
        Keyword::Help => false,
        Keyword::Stop => {
            let answered = is_repeated(tx, ctx, workspace, &phone, ConsentAction::Revoke)?;
            // WhatsApp may know the same line under another writing.
            for writing in phone.writings() {
                for medium in [Medium::Sms, Medium::WhatsApp] {
                    record(tx, ctx, workspace, &writing, medium, ConsentAction::Revoke, sms)?;
                }
            }
            answered
        }
        Keyword::Start => {
            let answered = is_repeated(tx, ctx, workspace, &phone, ConsentAction::Grant)?;
            record(tx, ctx, workspace, &phone, Medium::Sms, ConsentAction::Grant, sms)?;
            answered
        }
    };
    if answered {
        return Ok(Handled::Repeated(keyword));
    }
    answer(tx, ctx, workspace, channel, &phone, keyword, sms)?;
    Ok(Handled::Answered(keyword))
}

/// Whether the last keyword of this number was the same, and shortly ago.
fn is_repeated(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace: &Workspace,
    phone: &PhoneNumber,
    action: ConsentAction,
) -> Result<bool, StoreError> {
    let last = tx.last_keyword(workspace.id, Medium::Sms, phone.as_str())?;
    Ok(last.is_some_and(|(said, at)| said == action && ctx.now().since(at) < CONFIRM_AGAIN))
}

fn record(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace: &Workspace,
    phone: &PhoneNumber,
    medium: Medium,
    action: ConsentAction,
    sms: &InboundSms<'_>,
) -> Result<(), StoreError> {
    let event = NewConsentEvent {
        medium,
        address: phone.to_string(),
        purpose: Purpose::Marketing,
        action,
        method: ConsentMethod::Keyword,
        wording: Some(sms.text.trim().to_owned()),
        proof: Some(sms.inbox_id.to_string()),
        actor: "system".to_owned(),
        occurred_at: ctx.now(),
    };
    match tx.record_consent(workspace.id, &event, ctx) {
        Ok(_) => Ok(()),
        Err(ConsentError::Store(error)) => Err(error),
        // The proof is always given above.
        Err(error @ ConsentError::EvidenceRequired) => Err(StoreError::Corrupt(error.to_string())),
    }
}

fn answer(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    workspace: &Workspace,
    channel: &Channel,
    phone: &PhoneNumber,
    keyword: Keyword,
    sms: &InboundSms<'_>,
) -> Result<(), StoreError> {
    let settings = &workspace.settings;
    let reply = match keyword {
        Keyword::Stop => &settings.stop_reply,
        Keyword::Start => &settings.start_reply,
        Keyword::Help => &settings.help_reply,
    };
    let text = reply.replace("{brand}", &settings.brand);
    let written = sms.to.trim();
    let senders = tx.senders(workspace.id)?;
    let sender = senders.iter().find(|sender| {
        sender.channel_id == channel.id
            && sender.address.trim_start_matches('+').eq_ignore_ascii_case(written.trim_start_matches('+'))
    });
    let source = sender.map_or_else(|| written.to_owned(), |sender| sender.address.clone());
    let segments = segue_channels::text::segment(&text).segments.len();
    let payload =
        serde_json::to_value(SmsContent { source, text }).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let now = ctx.now();
    let message = NewOutbox {
        id: ctx.id::<MessageId>(),
        channel_id: channel.id,
        class: MessageClass::Keyword,
        dedupe_key: format!("keyword:{}", sms.inbox_id),
        address: phone.to_string(),
        address_kind: AddressKind::Phone,
        payload,
        campaign: None,
        session_id: None,
        not_before: now,
        expires_at: None,
        segments: u32::try_from(segments).ok(),
    };
    tx.enqueue(workspace.id, &message, now)?;
    Ok(())
}
