//! Test sends: the campaign's text to one number that a marketer typed.
//!
//! It goes out as class `test`: no consent needed, a STOP respected, no recipient row, no figure of the funnel. Its link
//! carries position 0, which no recipient has: it opens the chat and counts nowhere.
//!
//! Each press sends. A request that is made again with its key is the same press, also when the process ended between the
//! message and the answer: the key names the message.

use segue_model::{
    CampaignId, Ctx, MessageId, PhoneNumber, Timestamp, WorkspaceId,
    consent::{Medium, Purpose, TemplateConsent},
    delivery::MessageClass,
    opt_out_line::OptOutNotice,
    policy::{Approval, Content, Decision, Known, Limits, Listed, Question, decide},
    text_lint::SenderReach,
};
use segue_store::{
    Store, StoreError, Tx,
    idempotency::KEPT,
    outbox::{AddressKind, NewOutbox, Payload},
};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{found, pinned::reach, plan::segments_of, prepare, template::TemplateText, variants};
use crate::{Links, OutreachError, look_up::look_up_one};

/// Queues the campaign's text to a number and gives the message's id. Of a campaign with variants it is that of the variant
/// with this name, or of the first one: its own body is sent to nobody then.
///
/// # Errors
/// When the number is not valid, its owner has opted out, there is no such variant, or the text cannot be sent.
pub async fn test_send(
    store: &Store,
    ctx: &Ctx,
    links: &Links,
    workspace_id: WorkspaceId,
    id: CampaignId,
    what: (&str, Option<&str>),
) -> Result<MessageId, OutreachError> {
    sent(store, (ctx, links), workspace_id, id, what, None).await
}

/// [`test_send`] for a request with a key, such as `user:key`: made again within the time for which keys of requests count,
/// it gives the first message.
///
/// # Errors
/// Like [`test_send`].
pub async fn test_send_once(
    store: &Store,
    ctx: &Ctx,
    links: &Links,
    workspace_id: WorkspaceId,
    id: CampaignId,
    what: (&str, Option<&str>),
    request: &str,
) -> Result<MessageId, OutreachError> {
    sent(store, (ctx, links), workspace_id, id, what, Some(request)).await
}

async fn sent(
    store: &Store,
    (ctx, links): (&Ctx, &Links),
    workspace_id: WorkspaceId,
    id: CampaignId,
    (phone, variant): (&str, Option<&str>),
    request: Option<&str>,
) -> Result<MessageId, OutreachError> {
    let (ctx, links, phone, variant) = (ctx.clone(), links.clone(), phone.to_owned(), variant.map(str::to_owned));
    let cause = request.map(|request| {
        let asked = json!([request, id, phone, variant]);
        format!("test:{}", hex::encode(Sha256::digest(asked.to_string())))
    });
    store
        .write(move |tx| {
            let cause = match cause_of(tx, workspace_id, cause.as_deref(), ctx.now())? {
                Cause::Known(message_id) => return Ok(message_id),
                Cause::New(cause) => cause,
            };
            send_in(tx, &ctx, &links, workspace_id, id, (&phone, variant.as_deref()), cause)
        })
        .await
}

/// What a message is sent for.
enum Cause<'a> {
    /// It was sent.
    Known(MessageId),
    /// Without a name each is its own.
    New(Option<&'a str>),
}

/// A key that was used long ago names its message for good, so another one of today goes without.
fn cause_of<'a>(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    cause: Option<&'a str>,
    now: Timestamp,
) -> Result<Cause<'a>, StoreError> {
    let Some(cause) = cause else { return Ok(Cause::New(None)) };
    Ok(match tx.message_of_cause(workspace_id, cause)? {
        Some((message_id, made_at)) if made_at > now.plus(-KEPT) => Cause::Known(message_id),
        Some(_) => Cause::New(None),
        None => Cause::New(Some(cause)),
    })
}

fn send_in(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    links: &Links,
    workspace_id: WorkspaceId,
    id: CampaignId,
    (phone, variant): (&str, Option<&str>),
    cause: Option<&str>,
) -> Result<MessageId, OutreachError> {
    let now = ctx.now();
    let campaign = found(tx, workspace_id, id)?;
    let place = variants::place_of(&campaign.input, variant)?;
    if let Some(template) = &campaign.input.template {
        let text = TemplateText::of(tx, links, workspace_id, Some(id), (template, campaign.number))?;
        text.keep_files(tx, id)?;
        return send_template(tx, ctx, &text, phone, cause);
    }
    let prepared = prepare(tx, links, workspace_id, Some(campaign.id), &campaign.input, campaign.number)?;
    let texts = variants::texts(tx, links, workspace_id, &campaign)?;
    let text = texts.get(place).unwrap_or(&prepared.text);
    let phone = PhoneNumber::parse(phone, Some(&prepared.workspace.country))?;
    let consent = tx.consent_state(workspace_id, Medium::Sms, phone.as_str(), Purpose::Marketing)?;
    let suppressed = tx.is_suppressed(workspace_id, phone.as_str())?;
    let found = tx.contact_by_phone(workspace_id, &phone)?;
    let (contact_id, contact) = found.map_or_else(Default::default, |contact| (Some(contact.id), contact.fields()));
    let answers = look_up_one(tx, workspace_id, &[text.body()], (contact_id, &contact))?;
    let written = || Some(text.compose((&contact, &answers), 0).ok()?.text);
    let origin = prepared.origins.likely(tx, workspace_id, (Some(&phone), written), now)?;
    let not_cleared = origin.not_cleared(Some(&phone), now);
    let decision = decide(&Question {
        now,
        class: MessageClass::Test,
        content: Content::Sms,
        address: Known::Yes,
        consent: consent.state,
        of_template: TemplateConsent::NOTHING,
        suppression: if suppressed { Listed::Yes } else { Listed::No },
        quiet_hours: prepared.workspace.quiet_hours,
        time_zones: &[],
        window_expires_at: None,
        template: Approval::Approved,
        sender: origin.approval(),
        not_cleared: not_cleared.as_ref(),
        expires_at: None,
        limits: Limits::NONE,
        campaign_template: None,
    });
    if let Decision::Suppress { rule } | Decision::Hold { rule, .. } = decision {
        return Err(OutreachError::Refused(rule));
    }
    let notice = match reach(&origin.sender) {
        SenderReach::OneWay => OptOutNotice::Unanswerable,
        SenderReach::TwoWay => OptOutNotice::Due,
    };
    let composed = text.compose_after((&contact, &answers), 0, notice)?;
    let origin = origin.carrying(&composed.text, Some(&phone), now);
    let composed = composed.written_in(origin.facts.alphabet, origin.writing);
    let composed = composed.ok_or_else(crate::text::not_plain)?.within_limit()?;
    let segments = segments_of(&campaign.input.media, &composed);
    let message_id: MessageId = ctx.id();
    let message = NewOutbox {
        id: message_id,
        channel_id: origin.sender.channel_id,
        class: MessageClass::Test,
        dedupe_key: cause.map_or_else(|| format!("test:{message_id}"), str::to_owned),
        address: phone.to_string(),
        address_kind: AddressKind::Phone,
        payload: origin.payload(composed.text, &campaign.input.media)?,
        campaign: None,
        session_id: None,
        not_before: now,
        expires_at: None,
        segments,
    };
    let queued = queue(tx, workspace_id, &message, now)?;
    if queued == message_id {
        // What was sent stays readable, whatever becomes of the draft.
        tx.put_message_media(workspace_id, message_id, &campaign.input.media)?;
    }
    Ok(queued)
}

/// Queues a message, or gives the one of the same request that was first after it was looked for.
fn queue(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    message: &NewOutbox,
    now: Timestamp,
) -> Result<MessageId, OutreachError> {
    if tx.enqueue(workspace_id, message, now)? {
        return Ok(message.id);
    }
    let known = tx.message_of_cause(workspace_id, &message.dedupe_key)?;
    known.map(|(id, _)| id).ok_or(OutreachError::NotFound("message"))
}

/// The same of a template. Nobody is asked for an agreement; a no is respected.
fn send_template(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    text: &TemplateText,
    phone: &str,
    cause: Option<&str>,
) -> Result<MessageId, OutreachError> {
    let (workspace, now) = (&text.workspace, ctx.now());
    let phone = PhoneNumber::parse(phone, Some(&workspace.country))?;
    let consent = tx.consent_state(workspace.id, Medium::WhatsApp, phone.as_str(), Purpose::Marketing)?;
    let of_template = tx.template_consent(workspace.id, phone.as_str(), text.kind(), now)?;
    let suppressed = tx.is_suppressed(workspace.id, phone.as_str())?;
    let is_approved = text.template.status == segue_store::template::APPROVED;
    let decision = decide(&Question {
        now,
        class: MessageClass::Test,
        content: Content::Template,
        address: Known::Yes,
        consent: consent.state,
        of_template,
        suppression: if suppressed { Listed::Yes } else { Listed::No },
        quiet_hours: workspace.quiet_hours,
        time_zones: &[],
        window_expires_at: None,
        template: if is_approved { Approval::Approved } else { Approval::NotApproved },
        sender: Approval::Approved,
        not_cleared: None,
        expires_at: text.offer_ends_at(),
        limits: Limits::NONE,
        campaign_template: None,
    });
    if let Decision::Suppress { rule } | Decision::Hold { rule, .. } = decision {
        return Err(OutreachError::Refused(rule));
    }
    let found = tx.contact_by_phone(workspace.id, &phone)?;
    let (contact_id, contact) = found.map_or_else(Default::default, |contact| (Some(contact.id), contact.fields()));
    let answers = look_up_one(tx, workspace.id, &text.bodies(), (contact_id, &contact))?;
    let translation = text.translation_for(None, contact.locale.as_deref());
    let content = text
        .compose((&contact, &answers), 0, translation)
        .map_err(|rule| OutreachError::invalid("phone", format!("{}.", segue_store::recipient::rule_label(rule))))?;
    let id: MessageId = ctx.id();
    let message = NewOutbox {
        id,
        channel_id: text.template.channel_id,
        class: MessageClass::Test,
        dedupe_key: cause.map_or_else(|| format!("test:{id}"), str::to_owned),
        address: phone.to_string(),
        address_kind: AddressKind::Phone,
        payload: Payload::of(&content)?,
        campaign: None,
        session_id: None,
        not_before: now,
        expires_at: content.offer_ends_at(),
        segments: None,
    };
    queue(tx, workspace.id, &message, now)
}
