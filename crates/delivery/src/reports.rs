//! What providers report of messages, in the one form that the store folds.
//!
//! The functions run inside the transaction that marks the report's inbox row as done. A report whose message is not
//! known yet is parked, and applied when the message's provider id is stored.

use crate::{alerts, channel_state, holds, marketing_rest, meta_stop, uploads::BAD_FILE};
use segue_channels::{
    smpp::{Receipt, ReceiptState, id_candidates},
    twilio::{StatusCallback, meaning},
    whatsapp::{MessageStatus, StatusKind},
};
use segue_model::{
    Ctx, PhoneNumber,
    charge::{Charge, ToldCharge, Volume},
    delivery::Report,
    rate_card::zone_of,
};
use segue_store::{
    StoreError, Tx,
    channel::{Channel, ChannelConfig, Refusal, RefusedBy},
    report::{Matched, ProviderReport, ReportTarget},
    submission::Failure,
};

/// WhatsApp's code for a customer who stopped marketing.
const STOPPED_MARKETING: i64 = 131_050;

/// Whether a status may change what is known of the channel: it tells of a failure that lies with the account.
#[must_use]
pub fn tells_of_account(status: &MessageStatus) -> bool {
    status.status == StatusKind::Failed && status.errors.first().is_some_and(|error| error.meaning().alert)
}

/// Whether a status is of this channel's own number. One Meta app has one address for all its numbers, so what comes to a
/// channel may be of a number that has none here: that number pays for it, and is well or not by itself.
fn is_of_number(channel: &Channel, status: &MessageStatus) -> bool {
    match &channel.config {
        ChannelConfig::WhatsApp(config) => {
            status.phone_number_id.is_empty() || status.phone_number_id == config.phone_number_id
        }
        _ => true,
    }
}

/// Takes a WhatsApp status in.
///
/// # Errors
/// When the store fails.
pub fn apply_status(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    channel: &Channel,
    status: &MessageStatus,
) -> Result<Option<Matched>, StoreError> {
    let at = status.at.unwrap_or_else(|| ctx.now());
    let is_ours = is_of_number(channel, status);
    if let Some(pricing) = status.pricing.as_ref().filter(|_| is_ours) {
        let charge = Charge {
            model: pricing.model.clone(),
            kind: pricing.kind.clone(),
            category: pricing.category.clone(),
            billable: pricing.billable,
        };
        let told = ToldCharge { charge, rank: status.status.rank().unwrap_or_default(), at };
        let volume = volume(tx, channel, status, &told)?;
        let portfolio = match &channel.config {
            ChannelConfig::WhatsApp(config) => config.portfolio(),
            _ => "",
        };
        let told = (&told, volume.as_ref());
        tx.note_charge(channel.workspace_id, (channel.id, portfolio), &status.wamid, told)?;
    }
    let report = match status.status {
        StatusKind::Sent => Report::Accepted,
        StatusKind::Delivered => Report::Delivered,
        StatusKind::Read => Report::Read,
        StatusKind::Played => Report::Played,
        StatusKind::Failed => Report::Failed,
        // A kind that does not exist yet: it stays in the inbox, and changes nothing.
        StatusKind::Other(_) => return Ok(None),
    };
    let failure = (report == Report::Failed).then(|| match status.errors.first() {
        Some(error) => {
            let meaning = error.meaning();
            Failure {
                class: meaning.class.as_str().to_owned(),
                code: error.code.map(|code| code.to_string()),
                reason: format!("{} {}", meaning.reason, meaning.advice).trim().to_owned(),
            }
        }
        None => Failure { class: "unknown".to_owned(), code: None, reason: "WhatsApp gave no reason.".to_owned() },
    });
    let stopped = status.errors.iter().any(|error| error.code == Some(STOPPED_MARKETING));
    if let (true, Some(address)) = (stopped, status.recipient.phone.as_ref().or(status.recipient.bsuid.as_ref())) {
        // Before the message's row is touched, in the order in which a STOP takes them.
        meta_stop::record(tx, ctx, (channel.workspace_id, channel.id), address, at)?;
    }
    let target = ReportTarget {
        provider_ids: vec![status.wamid.clone()],
        message_id: status.biz_opaque_callback_data.as_deref().and_then(|text| text.parse().ok()),
        recipient: None,
        is_by_looks: false,
    };
    let (told, why) = (report, failure.clone());
    let report = ProviderReport { report, at, failure };
    let matched = tx.apply_report(channel.workspace_id, channel.id, &target, &report, ctx)?;
    if let (Report::Failed, Matched::Message(id)) = (told, &matched) {
        tx.plan_form_refused(channel.workspace_id, *id, ctx)?;
    }
    if let (Some(failure), Matched::Message(id)) = (&why, &matched) {
        holds::hold_told(tx, (channel.workspace_id, channel.id), *id, failure, (at, ctx.now()))?;
        marketing_rest::note(tx, channel.workspace_id, *id, failure, (at, ctx.now()))?;
        alerts::note(tx, ctx, channel, failure, at)?;
        if alerts::stops_number(failure) && alerts::stands(at, ctx.now()) {
            let refusal = Refusal { reason: failure.reason.clone(), at, by: RefusedBy::Report };
            channel_state::refuse_in(tx, ctx, channel, &refusal)?;
        }
    }
    // That WhatsApp takes a message says little, as such failures come after it; that it has sent one says all.
    let is_sent = is_ours && status.status == StatusKind::Sent;
    if is_sent && channel.refusal.as_ref().is_some_and(|refusal| refusal.at < at) {
        channel_state::end_refusal_in(tx, ctx, channel, (at, None))?;
    }
    let is_bad_file = status.errors.iter().any(|error| error.code == Some(BAD_FILE));
    if let (true, Matched::Message(id)) = (is_bad_file, &matched) {
        tx.refuse_file_of(channel.workspace_id, (channel.id, *id), ctx.now())?;
    }
    Ok(Some(matched))
}

/// What a charged message counts towards. The country is that of the phone number; an id that hides it begins with it.
fn volume(
    tx: &mut Tx<'_>,
    channel: &Channel,
    status: &MessageStatus,
    told: &ToldCharge,
) -> Result<Option<Volume>, StoreError> {
    let phone = status.recipient.phone.as_deref().and_then(|phone| PhoneNumber::parse(phone, None).ok());
    let hidden = || {
        let (country, _) = status.recipient.bsuid.as_deref()?.split_once('.')?;
        (country.len() == 2).then(|| country.to_ascii_uppercase())
    };
    let Some(country) = phone.and_then(|phone| phone.country()).or_else(hidden) else { return Ok(None) };
    // Most messages count towards nothing, whatever the day is.
    if Volume::of(told, &country, &zone_of("UTC")).is_none() {
        return Ok(None);
    }
    let workspace = tx.workspace(channel.workspace_id)?;
    let zone = workspace.map_or_else(|| "UTC".to_owned(), |workspace| workspace.settings.campaigns.price_zone.clone());
    Ok(Volume::of(told, &country, &zone_of(&zone)))
}

/// Takes a carrier's receipt in.
///
/// # Errors
/// When the store fails.
pub fn apply_receipt(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    channel: &Channel,
    receipt: &Receipt,
) -> Result<Option<Matched>, StoreError> {
    let Some((target, report)) = report_of(receipt, ctx) else { return Ok(None) };
    tx.apply_report(channel.workspace_id, channel.id, &target, &report, ctx).map(Some)
}

/// What a carrier's receipt tells, and of which message, by any writing of its id; nothing when the carrier does not know
/// either.
fn report_of(receipt: &Receipt, ctx: &Ctx) -> Option<(ReportTarget, ProviderReport)> {
    let (mut target, report) = plain_report_of(receipt, ctx)?;
    target.provider_ids = receipt.message_id.as_deref().map(id_candidates).unwrap_or_default();
    Some((target, report))
}

/// The same by the id as the receipt has it.
pub(crate) fn plain_report_of(receipt: &Receipt, ctx: &Ctx) -> Option<(ReportTarget, ProviderReport)> {
    let report = match receipt.state {
        ReceiptState::Delivered => Report::Delivered,
        ReceiptState::Accepted | ReceiptState::Enroute | ReceiptState::Scheduled => Report::Accepted,
        ReceiptState::Expired
        | ReceiptState::Deleted
        | ReceiptState::Undeliverable
        | ReceiptState::Rejected
        | ReceiptState::Skipped => Report::Failed,
        // The message stays as it is.
        ReceiptState::Unknown => return None,
    };
    let failure = (report == Report::Failed).then(|| Failure {
        class: receipt.state.error_class().map_or("unknown", |class| class.as_str()).to_owned(),
        code: receipt.error.clone(),
        reason: failure_in_words(receipt.state).to_owned(),
    });
    let digits = receipt.recipient.trim_start_matches('+');
    let target = ReportTarget {
        provider_ids: receipt
            .message_id
            .as_deref()
            .map(str::trim)
            .filter(|id| !id.is_empty())
            .map(str::to_owned)
            .into_iter()
            .collect(),
        message_id: None,
        recipient: (!digits.is_empty()).then(|| format!("+{digits}")),
        is_by_looks: receipt.is_by_looks,
    };
    let at = receipt.done_at.unwrap_or_else(|| ctx.now());
    Some((target, ProviderReport { report, at, failure }))
}

/// Takes a status callback in Twilio's dialect in. It carries no time of its own.
///
/// # Errors
/// When the store fails.
pub fn apply_status_callback(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    channel: &Channel,
    status: &StatusCallback,
) -> Result<Option<Matched>, StoreError> {
    let Some(report) = status.report() else { return Ok(None) };
    let failure = (report == Report::Failed).then(|| match status.error_code {
        Some(code) => {
            let meaning = meaning(code);
            Failure {
                class: meaning.class.as_str().to_owned(),
                code: Some(code.to_string()),
                reason: meaning.reason.to_owned(),
            }
        }
        None => Failure { class: "unknown".to_owned(), code: None, reason: "The provider gave no reason.".to_owned() },
    });
    let target = ReportTarget {
        provider_ids: (!status.sid.is_empty()).then(|| status.sid.clone()).into_iter().collect(),
        message_id: status.message_id,
        recipient: None,
        is_by_looks: false,
    };
    let report = ProviderReport { report, at: ctx.now(), failure };
    tx.apply_report(channel.workspace_id, channel.id, &target, &report, ctx).map(Some)
}

const fn failure_in_words(state: ReceiptState) -> &'static str {
    match state {
        ReceiptState::Expired => "The phone could not be reached before the message's time ran out.",
        ReceiptState::Deleted => "The carrier deleted the message.",
        ReceiptState::Rejected => "The carrier rejected the message.",
        ReceiptState::Skipped => "The carrier skipped the message.",
        _ => "The carrier could not deliver the message.",
    }
}
