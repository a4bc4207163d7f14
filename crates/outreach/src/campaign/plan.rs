//! Planning: one recipient row, one decision and at most one queued message per contact of the audience.
//!
//! The audience is walked in the order of contact ids, at most [`CHUNK`] at a time; who belongs to it was written down at
//! the start, so that a change of a segment in the middle changes nothing. One chunk is one transaction: it takes the
//! campaign's lock, reads the cursor, writes recipients and messages, and moves the cursor. So:
//!
//! - a crash before the commit leaves the chunk unwritten and the cursor where it was; whoever runs the job again
//!   writes it;
//! - a crash after the commit leaves the cursor behind the chunk; whoever runs the job again goes on after it;
//! - two who run the same job take turns at the lock and share the chunks;
//! - a pause or cancel between two chunks is seen by the next one, which writes nothing;
//! - consent is read under the lock that a STOP takes, so a STOP either is seen here or finds the queued message.
//!
//! A merge that takes one contact's place as a recipient to another one, whom planning has not come to yet, takes the
//! lock of consents as well: the chunk sees it and leaves that contact out.
//!
//! The message's key is campaign and phone number: whatever happens to contacts meanwhile, a number gets the campaign's
//! text at most once, and so does one line under two writings of its number ([`super::lines`]).

use std::collections::HashSet;

use segue_channels::text::Encoding;
use segue_model::{
    CampaignId, Ctx, MediaId, MessageId, PhoneNumber, Timestamp, WorkspaceId,
    campaign::CampaignState,
    code::POSITIONS,
    delivery::MessageClass,
    policy::{Decision, Explanation, Rule},
};
use segue_store::{
    Store, StoreError, Tx,
    campaign::CampaignView,
    outbox::{AddressKind, NewOutbox, Payload},
    recipient::{DUPLICATE_PHONE, HELD_OUT, NOT_PLAIN, NewRecipient, TEXT_TOO_LONG},
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Prepared,
    audience::{judge_in, time_zones},
    found,
    lines::Lines,
    members::{Crowd, Entry},
    pinned, prepare,
    template::TemplateText,
    timing, variants,
};
use crate::{
    Links, OutreachError,
    text::{Body, CampaignText, Composed},
};

/// Kind of the job that plans a campaign.
pub const PLAN_CAMPAIGN: &str = "plan_campaign";
/// Contacts per transaction.
pub const CHUNK: i64 = 500;

/// Payload of a [`PLAN_CAMPAIGN`] job.
#[derive(Debug, Deserialize)]
struct PlanJob {
    campaign_id: CampaignId,
}

/// How a planning run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planned {
    /// All recipients are written.
    Complete,
    /// The campaign was paused or canceled; a resume plans the rest.
    Stopped,
}

/// What one chunk came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// There is more to plan.
    More,
    Ended(Planned),
}

/// Runs a [`PLAN_CAMPAIGN`] job to its end. Running it again, or twice at once, changes nothing.
///
/// # Errors
/// When the store fails or the payload is not one of a planning job; the chunks before that stay.
pub async fn run(
    store: &Store,
    ctx: &Ctx,
    links: &Links,
    workspace_id: WorkspaceId,
    payload: &Value,
) -> Result<Planned, OutreachError> {
    loop {
        if let Step::Ended(planned) = step(store, ctx, links, workspace_id, payload).await? {
            return Ok(planned);
        }
    }
}

/// Plans one chunk of a [`PLAN_CAMPAIGN`] job, for a worker that renews its lease between chunks.
///
/// # Errors
/// As [`run`].
pub async fn step(
    store: &Store,
    ctx: &Ctx,
    links: &Links,
    workspace_id: WorkspaceId,
    payload: &Value,
) -> Result<Step, OutreachError> {
    let job: PlanJob = serde_json::from_value(payload.clone())
        .map_err(|error| StoreError::Corrupt(format!("payload of a {PLAN_CAMPAIGN} job: {error}")))?;
    let (ctx, links, id) = (ctx.clone(), links.clone(), job.campaign_id);
    store.write_bulk(move |tx| plan_chunk(tx, &ctx, &links, workspace_id, id)).await
}

fn plan_chunk(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    links: &Links,
    workspace_id: WorkspaceId,
    id: CampaignId,
) -> Result<Step, OutreachError> {
    tx.lock_campaign(id)?;
    let now = ctx.now();
    let cursor = tx.plan_cursor(workspace_id, id)?.ok_or(OutreachError::NotFound("campaign"))?;
    if cursor.state != CampaignState::Planning {
        return Ok(Step::Ended(if cursor.is_complete { Planned::Complete } else { Planned::Stopped }));
    }
    tx.lock_consents(workspace_id)?;
    let campaign = found(tx, workspace_id, id)?;
    let made_of = match &campaign.input.template {
        Some(template) => MadeOf::Template(Box::new(TemplateText::of(
            tx,
            links,
            workspace_id,
            Some(campaign.id),
            (template, campaign.number),
        )?)),
        None => {
            let prepared = prepare(tx, links, workspace_id, Some(campaign.id), &campaign.input, campaign.number)?;
            let texts = variants::texts(tx, links, workspace_id, &campaign)?;
            if let Some(last) = texts.last() {
                // What an older version started has only the addresses of its own body here.
                tx.put_campaign_links(workspace_id, id, last.targets())?;
            }
            MadeOf::Texts(Box::new(prepared), texts)
        }
    };
    if let MadeOf::Template(text) = &made_of {
        text.keep_files(tx, id)?;
    }
    let crowd = Crowd::of_campaign(tx, workspace_id, &campaign, now)?;
    let mut page = crowd.page(tx, workspace_id, cursor.after, CHUNK)?;
    page.look_up(tx, workspace_id, &made_of.bodies())?;
    let mut planned = cursor.planned;
    let mut chunk = Chunk::default();
    let planned_already: HashSet<_> = match (page.entries.first(), page.entries.last()) {
        (Some(first), Some(last)) => {
            let ids = (first.member.id, last.member.id);
            tx.planned_between(workspace_id, id, ids)?.into_iter().collect()
        }
        _ => HashSet::new(),
    };
    for entry in page.entries.iter().filter(|entry| !planned_already.contains(&entry.member.id)) {
        planned += 1;
        if planned >= POSITIONS {
            return Err(StoreError::Unsupported(format!("A campaign has at most {POSITIONS} recipients.")).into());
        }
        let mut decided = match &made_of {
            MadeOf::Texts(prepared, texts) => {
                decide_member(tx, (ctx, now), &campaign, (prepared, texts), entry, planned)?
            }
            MadeOf::Template(text) => decide_for_template(tx, (ctx, now), &campaign, text, entry, planned)?,
        };
        let is_duplicate = match (&decided.message, &decided.held_out) {
            (Some(message), _) => !chunk.lines.add_to(tx, (workspace_id, id), &message.address)?,
            (None, Some(address)) => chunk.lines.has_in(tx, (workspace_id, id), address)?,
            (None, None) => false,
        };
        if is_duplicate {
            decided = Decided::nothing(NewRecipient { rule: DUPLICATE_PHONE, message_id: None, ..decided.recipient });
        }
        chunk.add(decided);
    }
    chunk.write(tx, (workspace_id, id), now)?;
    if let Some(reached) = page.reached {
        tx.advance_plan(workspace_id, id, reached, planned)?;
        tx.tell_campaign_progress(workspace_id, id, now);
    }
    if page.next.is_none() {
        tx.complete_plan(workspace_id, id, now)?;
        return Ok(Step::Ended(Planned::Complete));
    }
    Ok(Step::More)
}

/// What a campaign's messages are made of.
enum MadeOf {
    Texts(Box<Prepared>, Vec<CampaignText>),
    Template(Box<TemplateText>),
}

impl MadeOf {
    fn bodies(&self) -> Vec<&Body> {
        match self {
            Self::Texts(prepared, texts) => [&prepared.text].into_iter().chain(texts).map(CampaignText::body).collect(),
            Self::Template(text) => text.bodies(),
        }
    }
}

/// What was decided for a contact.
struct Decided {
    recipient: NewRecipient,
    message: Option<NewOutbox>,
    /// Why the message waits, when that can be explained.
    held: Option<(Rule, Explanation)>,
    /// Whom the message tells for the first time how to stop.
    noticed: Option<PhoneNumber>,
    /// Where the message would go that is held out.
    held_out: Option<String>,
}

impl Decided {
    const fn nothing(recipient: NewRecipient) -> Self {
        Self { recipient, message: None, held: None, noticed: None, held_out: None }
    }

    fn held_out(recipient: NewRecipient, address: String) -> Self {
        Self { held_out: Some(address), ..Self::nothing(NewRecipient { rule: HELD_OUT, ..recipient }) }
    }
}

/// What was decided for the contacts of a chunk.
#[derive(Default)]
struct Chunk {
    recipients: Vec<NewRecipient>,
    messages: Vec<NewOutbox>,
    held: Vec<(MessageId, Rule, Explanation)>,
    noticed: Vec<(MessageId, PhoneNumber)>,
    lines: Lines,
}

impl Chunk {
    fn add(&mut self, decided: Decided) {
        if let (Some(message), Some((rule, why))) = (&decided.message, decided.held) {
            self.held.push((message.id, rule, why));
        }
        if let (Some(message), Some(phone)) = (&decided.message, decided.noticed) {
            self.noticed.push((message.id, phone));
        }
        self.messages.extend(decided.message);
        self.recipients.push(decided.recipient);
    }

    /// Writes the messages and then the recipients, who are told apart by whether their message is new.
    fn write(
        mut self,
        tx: &mut Tx<'_>,
        (workspace_id, campaign_id): (WorkspaceId, CampaignId),
        now: Timestamp,
    ) -> Result<(), OutreachError> {
        let mut written = tx.enqueue_all(workspace_id, &self.messages, now)?.into_iter();
        for recipient in self.recipients.iter_mut().filter(|recipient| recipient.message_id.is_some()) {
            if written.next() != Some(true) {
                (recipient.rule, recipient.message_id) = (DUPLICATE_PHONE, None);
            }
        }
        let queued: HashSet<_> = self.recipients.iter().filter_map(|recipient| recipient.message_id).collect();
        for (message_id, rule, why) in self.held.iter().filter(|(id, ..)| queued.contains(id)) {
            tx.put_decision(workspace_id, *message_id, *rule, why, now)?;
        }
        for (message_id, phone) in self.noticed.iter().filter(|(id, _)| queued.contains(id)) {
            tx.give_opt_out_notice(workspace_id, phone.as_str(), *message_id)?;
        }
        if tx.insert_recipients(workspace_id, campaign_id, &self.recipients)? == self.recipients.len() {
            return Ok(());
        }
        // The cursor only moves forward, and who became a recipient by a merge was left out, so this cannot be; going on
        // would leave a message without its recipient.
        Err(StoreError::Corrupt("a contact was planned twice in one campaign".to_owned()).into())
    }
}

/// Decides for one contact of a campaign by template, and writes the message when there is one.
fn decide_for_template(
    tx: &mut Tx<'_>,
    (ctx, now): (&Ctx, Timestamp),
    campaign: &CampaignView,
    text: &TemplateText,
    entry: &Entry,
    position: u32,
) -> Result<Decided, OutreachError> {
    let start = campaign.started_at.unwrap_or(now);
    let verdict = text.judge(tx, &campaign.input, entry, (position, start, now))?;
    let recipient = |message_id: Option<MessageId>| NewRecipient {
        position,
        contact_id: entry.member.id,
        phone: entry.member.fields.phone.clone(),
        rule: verdict.rule,
        message_id,
    };
    let Some(ready) = verdict.message else { return Ok(Decided::nothing(recipient(None))) };
    if timing::is_held_out(&campaign.input, position) {
        return Ok(Decided::held_out(recipient(None), ready.recipient.address));
    }
    let message = NewOutbox {
        id: ctx.id::<MessageId>(),
        channel_id: text.template.channel_id,
        class: text.class(),
        dedupe_key: String::new(),
        address: ready.recipient.address,
        address_kind: ready.recipient.kind,
        payload: Payload::of(&ready.content)?,
        campaign: Some((campaign.id, position)),
        session_id: None,
        not_before: ready.not_before,
        expires_at: ready.expires_at,
        segments: None,
    };
    Ok(Decided {
        recipient: recipient(Some(message.id)),
        message: Some(message),
        held: verdict.held,
        noticed: None,
        held_out: None,
    })
}

/// How many segments a text counts as: with files it is one message, as carriers count it.
pub(super) fn segments_of(media: &[MediaId], composed: &Composed) -> Option<u32> {
    if media.is_empty() { u32::try_from(composed.segments()).ok() } else { Some(1) }
}

/// Decides for one contact, and writes the message when there is one.
fn decide_member(
    tx: &mut Tx<'_>,
    (ctx, now): (&Ctx, Timestamp),
    campaign: &CampaignView,
    (prepared, texts): (&Prepared, &[CampaignText]),
    entry: &Entry,
    position: u32,
) -> Result<Decided, OutreachError> {
    let Entry { member, barred, .. } = entry;
    let workspace_id = prepared.workspace.id;
    let zones = time_zones(&member.fields, &prepared.workspace);
    let text = variants::text_of(&prepared.text, texts, &campaign.input, position);
    let written = || Some(text.compose(entry.person(), position).ok()?.text);
    let likely = prepared.origins.likely(tx, workspace_id, (member.fields.phone.as_ref(), written), now)?;
    let start = campaign.started_at.unwrap_or(now);
    let leaves_at =
        || timing::leaves_at(&campaign.input, &zones, position, (start, now), &prepared.workspace.time_zone);
    let at = prepared.asks.moment(now, leaves_at);
    let judgement = judge_in(tx, member, (&prepared.workspace, &prepared.asks), Some(likely.origin), (&zones, at))?;
    let (rule, not_before) = match judgement.decision {
        Decision::Send(_) => (Rule::Allowed.as_str(), Some(now)),
        Decision::Hold { until, rule } => (rule.as_str(), Some(until)),
        // It was on when the campaign began. Who was planned before waits for it, and so does this one: the last look holds
        // both and knows for how long.
        Decision::Suppress { rule: rule @ Rule::SenderNotActive } => (rule.as_str(), Some(now)),
        Decision::Suppress { rule } => (rule.as_str(), None),
    };
    let (rule, not_before) =
        timing::refine(&campaign.input, (rule, not_before), *barred, &zones, position, (start, now));
    let recipient = |rule: &'static str, message_id: Option<MessageId>| NewRecipient {
        position,
        contact_id: member.id,
        phone: member.fields.phone.clone(),
        rule,
        message_id,
    };
    let (Some(phone), Some(not_before)) = (&member.fields.phone, not_before) else {
        return Ok(Decided::nothing(recipient(rule, None)));
    };
    let notice = pinned::notice(tx, workspace_id, text, (&likely.sender, phone))?;
    let composed = text.compose_after(entry.person(), position, notice);
    let Ok(composed) = composed else { return Ok(Decided::nothing(recipient(TEXT_TOO_LONG, None))) };
    let way = likely.carrying(&composed.text, Some(phone), now);
    let characters =
        if composed.segmentation.encoding == Encoding::Gsm7 { String::new() } else { composed.text.clone() };
    let Some(composed) = composed.written_in(way.facts.alphabet, way.writing) else {
        return Ok(Decided::nothing(recipient(NOT_PLAIN, None)));
    };
    let Ok(composed) = composed.within_limit() else {
        return Ok(Decided::nothing(recipient(TEXT_TOO_LONG, None)));
    };
    if timing::is_held_out(&campaign.input, position) {
        return Ok(Decided::held_out(recipient(rule, None), phone.to_string()));
    }
    let segments = segments_of(&campaign.input.media, &composed);
    let kept = prepared.origins.keep(tx, workspace_id, (phone, &characters), now)?;
    let way = if kept.named.sender.id == way.named.sender.id { way } else { kept };
    let message = NewOutbox {
        id: ctx.id::<MessageId>(),
        channel_id: way.sender.channel_id,
        class: MessageClass::Marketing,
        dedupe_key: String::new(),
        address: phone.to_string(),
        address_kind: AddressKind::Phone,
        payload: way.payload(composed.text, &campaign.input.media)?,
        campaign: Some((campaign.id, position)),
        session_id: None,
        not_before,
        expires_at: timing::expires_at(&campaign.input, &zones, start),
        segments,
    };
    let held = match (judgement.decision, judgement.explanation) {
        (Decision::Hold { rule, .. }, Some(why)) => Some((rule, why)),
        _ => None,
    };
    let noticed = pinned::tells_how_to_stop(text, notice).then(|| phone.clone());
    Ok(Decided { recipient: recipient(rule, Some(message.id)), message: Some(message), held, noticed, held_out: None })
}
