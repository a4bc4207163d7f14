//! The decision, and the durable `submitting` that goes before every byte.
//!
//! The transaction reads everything that the policy engine needs, asks it, and writes what it answers. A STOP that was
//! committed before this transaction therefore wins, whenever the message was planned.

use std::{borrow::Cow, sync::Arc};

use segue_channels::text::{segments_on, written_in};
use segue_model::{
    CampaignId, Ctx, PhoneNumber, Place, ProgrammeId, Timestamp, WorkspaceId,
    consent::{ConsentState, Medium, Purpose, TemplateConsent},
    content::{Content, SmsContent},
    delivery::MessageClass,
    not_taken::takes_no_marketing,
    place_of_phone,
    policy::{self, Approval, AtQuietHours, Decision, Explanation, Limits, Listed, Question, Rule},
    sender::{self, NotCleared, SenderFacts},
    sender_hours::SenderHours,
    series::{CampaignRules, CountedCap, SeriesCap},
    template_rules::TemplateFacts,
    time, window, zones_for_phone,
};
use segue_store::{
    StoreError, Tx,
    channel::{Channel, ChannelConfig, Registration},
    language_hold,
    media::FilePresence,
    outbox::{AddressKind, DueMessage, OutboxMessage},
    series::CampaignNow,
    submission::LastLook,
    template::{APPROVED, MARKETING},
    template_consent::TemplateKind,
    template_recipient::CampaignGate,
    workspace::Workspace,
};

use crate::rates;

/// When a campaign is tried again that waits for its only sender.
const ASK_SENDER_AGAIN: i64 = 5 * time::MINUTE;
/// When a message is looked at again that waits for its sender while its campaign goes on. Each look is a change of its row,
/// and there may be many.
const ASK_AGAIN_FOR_ONE: i64 = 30 * time::MINUTE;
/// How long after the start of its campaign a message may still wait for its sender: what was said then is old by now.
const WAITS_FOR_SENDER: i64 = 3 * time::DAY;

/// Whether the message may leave now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// `submitting` is recorded: when this transaction has committed, bytes may leave.
    Go,
    /// It does not leave now; what became of it is recorded, or the claim was lost.
    No,
}

/// Decides about a claimed message and records the outcome.
///
/// # Errors
/// When the store fails; nothing is recorded then and nothing may leave.
pub fn begin(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    channel: &Channel,
    message: &OutboxMessage,
    lease_until: Timestamp,
) -> Result<Begin, StoreError> {
    let begun = begin_claimed(tx, ctx, channel, message, lease_until)?;
    Ok(if begun.is_some() { Begin::Go } else { Begin::No })
}

/// [`begin`] of a text: gives what may leave once the transaction has committed, and until when the provider may try.
pub(crate) fn begin_text(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    channel: &Channel,
    message: &OutboxMessage,
    lease_until: Timestamp,
) -> Result<Option<(SmsContent, Option<Timestamp>)>, StoreError> {
    Ok(match begin_claimed(tx, ctx, channel, message, lease_until)? {
        Some((Payload::Sms(content), deliver_by)) => Some((content, deliver_by)),
        Some((Payload::WhatsApp, _)) | None => None,
    })
}

fn begin_claimed(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    channel: &Channel,
    message: &OutboxMessage,
    lease_until: Timestamp,
) -> Result<Option<(Payload, Option<Timestamp>)>, StoreError> {
    let outside = message.session_id.is_none() && message.class != MessageClass::Keyword;
    let asks_consent = matches!(message.class, MessageClass::Marketing | MessageClass::Test);
    if outside || asks_consent || message.campaign_id.is_some() || is_template(channel, message) {
        // A STOP or the deletion of the contact waits for this transaction, or this one sees it: no message begins after
        // either is on record.
        tx.hold_consents(message.workspace_id)?;
    }
    match decide(tx, ctx, channel, (message, None), &mut Known::at(ctx.now()))? {
        Some((permit, payload)) => {
            let deliver_by = permit.deliver_by();
            Ok(tx.mark_submitting(message, permit, lease_until)?.then_some((payload, deliver_by)))
        }
        None => Ok(None),
    }
}

/// Whether it is a template, which people may refuse by itself.
fn is_template(channel: &Channel, message: &OutboxMessage) -> bool {
    channel.config.kind().medium() == Medium::WhatsApp
        && matches!(message.content::<Content>(), Ok(Content::Template { .. }))
}

/// Which due messages to begin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Due<'a> {
    /// Most messages to look at.
    pub limit: u32,
    /// Counts up from look to look, so that each campaign comes first in its turn.
    pub turn: usize,
    /// Name of the worker's node.
    pub owner: &'a str,
    pub lease_until: Timestamp,
}

/// A text that leaves once the transaction that made this has committed.
#[derive(Debug)]
pub(crate) struct Begun {
    pub message: OutboxMessage,
    pub content: SmsContent,
    /// How many segments it takes on the account.
    pub segments: usize,
}

/// What came of looking at due messages.
#[derive(Debug, Default)]
pub(crate) struct Beginning {
    pub begun: Vec<Begun>,
    /// Messages looked at; as many as the limit when there may be more.
    pub looked_at: usize,
    /// Until when they are held.
    pub lease_until: Timestamp,
}

/// Decides about the texts of a channel that are due and records `submitting` for those that may leave: the claim, the
/// decision and the record are one transaction, so that each message costs one change of its row before it leaves.
///
/// # Errors
/// When the store fails; nothing is recorded then and nothing may leave.
pub(crate) fn begin_due(tx: &mut Tx<'_>, ctx: &Ctx, channel: &Channel, due: &Due<'_>) -> Result<Beginning, StoreError> {
    // Before any row is locked, in the order in which a STOP takes them: see `begin`.
    tx.hold_consents(channel.workspace_id)?;
    let now = ctx.now();
    let (medium, writing) = (channel.config.kind().medium(), channel.config.writing());
    let messages = tx.due_in_turn(channel.workspace_id, (channel.id, medium), (due.limit, due.turn), now)?;
    let looked_at = messages.len();
    let (mut allowed, mut contents) = (Vec::with_capacity(looked_at), Vec::with_capacity(looked_at));
    let mut known = Known::at(now);
    for DueMessage { mut message, look } in messages {
        let Some((permit, Payload::Sms(content))) = decide(tx, ctx, channel, (&message, look), &mut known)? else {
            continue;
        };
        // The carrier may try until the hours close where the recipient is, or the message expires.
        message.expires_at = permit.deliver_by();
        let segments = segments_on(&content.text, writing);
        allowed.push((message, permit, writing.parts(segments)));
        contents.push((content, segments));
    }
    let submitted = tx.submit_due(allowed, due.owner, due.lease_until)?;
    let begun = submitted.into_iter().zip(contents);
    let begun = begun.filter_map(|(message, (content, segments))| Some(Begun { message: message?, content, segments }));
    let begun = begun.collect();
    Ok(Beginning { begun, looked_at, lease_until: due.lease_until })
}

/// Asks the policy engine. Gives its permit with what is to be sent; what it refuses or holds is recorded as such.
fn decide(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    channel: &Channel,
    (message, look): (&OutboxMessage, Option<LastLook>),
    known: &mut Known,
) -> Result<Option<(policy::Permit, Payload)>, StoreError> {
    let now = known.now;
    if let Some(campaign_id) = message.campaign_id {
        use segue_model::campaign::CampaignState::{Planning, Running};
        let campaign = known.campaign(tx, message.workspace_id, campaign_id)?;
        if !campaign.is_some_and(|campaign| matches!(campaign.now.state, Planning | Running)) {
            // Paused: it waits in the queue. Canceled: it ends there, if it has not been ended already.
            tx.put_back_message(message)?;
            return Ok(None);
        }
    }
    let gate = match (channel.config.kind().medium(), message.campaign_id) {
        (Medium::WhatsApp, Some(id)) => tx.campaign_gate(message.workspace_id, id)?,
        _ => None,
    };
    if gate.as_ref().is_some_and(|gate| gate.is_closed(now)) {
        // Held since it was claimed: it waits with the others.
        tx.put_back_message(message)?;
        return Ok(None);
    }
    // Moved to another category since it was planned: what marketing needs follows.
    let promoted = match &gate {
        Some(gate) if message.class == MessageClass::Service => {
            let (template, own) = (&gate.template, message.content::<Content>());
            let language = match &own {
                Ok(Content::Template { language, .. }) => language,
                _ => &template.language,
            };
            let known = tx.template_by_name(message.workspace_id, channel.id, &template.name, language)?;
            let is_marketing = known.is_some_and(|known| known.category == MARKETING);
            is_marketing.then(|| OutboxMessage { class: MessageClass::Marketing, ..message.clone() })
        }
        _ => None,
    };
    let message = promoted.as_ref().unwrap_or(message);
    let Some((facts, payload)) = facts(tx, channel, (message, look), (known, gate.as_ref()))? else {
        tx.reject_payload(message, "The message cannot be read, so nothing was sent.", ctx)?;
        return Ok(None);
    };
    let (decision, why) = policy::judge(&facts.question(message, now));
    let why = match (decision, &facts.standing) {
        (
            Decision::Hold { rule: Rule::TemplatePaused, .. } | Decision::Suppress { rule: Rule::TemplateNotApproved },
            Some((language, standing)),
        ) => {
            if let Some(id) = message.campaign_id {
                tx.note_language_hold(message.workspace_id, (id, language), now)?;
            }
            Some(Explanation { detail: Some(standing.clone()), ..Explanation::default() })
        }
        _ => why,
    };
    if let (Decision::Hold { rule, .. } | Decision::Suppress { rule }, Some(why)) = (decision, why) {
        tx.put_decision(message.workspace_id, message.id, rule, &why, now)?;
    }
    if let (Decision::Suppress { rule }, Some(campaign_id), Payload::Sms(content)) =
        (decision, message.campaign_id, &payload)
        && rule.waits_for_sender()
    {
        match known.sender_wait(tx, message, (campaign_id, rule, &content.source))? {
            SenderWait::Over => tx.suppress_message(message, rule, now)?,
            SenderWait::OfCampaign => tx.put_back_message(message)?,
            SenderWait::Alone => tx.hold_message(message, now.plus(ASK_AGAIN_FOR_ONE), rule, now)?,
        };
        return Ok(None);
    }
    match (decision, message.campaign_id) {
        // A translation that is paused keeps its own messages back: the other languages go on.
        (Decision::Hold { until, rule }, Some(campaign_id))
            if rule.holds_campaign() && !(rule == Rule::TemplatePaused && facts.standing.is_some()) =>
        {
            let until = (rule == Rule::MessagingLimit).then_some(until);
            tx.hold_campaign(message.workspace_id, campaign_id, (rule, until), now)?;
            tx.put_back_message(message)?;
            return Ok(None);
        }
        _ => {}
    }
    match decision {
        Decision::Send(permit) => {
            if let (Some(gate), Some(campaign_id)) = (&gate, message.campaign_id)
                && gate.held.is_some()
            {
                tx.release_campaign(message.workspace_id, campaign_id, now)?;
            }
            if let (None, Some(campaign), Some(campaign_id)) = (&gate, &facts.campaign, message.campaign_id)
                && campaign.now.is_held
            {
                known.release(tx, message.workspace_id, campaign_id)?;
            }
            if let Some(campaign) = &facts.campaign
                && !rates::keep_pace(tx, campaign.now.per_minute, message, now)?
            {
                return Ok(None);
            }
            if let Some(portfolio) = &facts.initiates {
                tx.count_initiated_chat(message.workspace_id, (portfolio, &message.address), message.id, now)?;
            }
            if let (Some(sender), Payload::Sms(content)) = (&facts.limited, &payload)
                && !rates::take(tx, sender, message, rates::segments(content, channel.config.writing()), now)?
            {
                let per_minute = facts.campaign.as_ref().and_then(|campaign| campaign.now.per_minute);
                rates::leave_pace(tx, per_minute, message, now)?;
                return Ok(None);
            }
            if facts.counts {
                let rules = facts.campaign.as_ref().map(|campaign| &campaign.now.rules);
                let none = CampaignRules::default();
                let to = message.address.as_str();
                tx.count_in_series(message.workspace_id, to, message.id, rules.unwrap_or(&none), now)?;
            }
            if let (true, Payload::Sms(content)) = (facts.is_rewritten, &payload) {
                // What is on record is what leaves.
                tx.put_text(message, &content.text)?;
            }
            return Ok(Some((permit, payload)));
        }
        Decision::Hold { until, rule } => tx.hold_message(message, until, rule, now)?,
        Decision::Suppress { rule } => tx.suppress_message(message, rule, now)?,
    };
    Ok(None)
}

/// How a message of a campaign waits whose sender may not send any more, or not to its country: it was planned when the
/// sender could, and somebody may set that right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SenderWait {
    /// Not any more: the campaign began more than three days ago.
    Over,
    /// With its whole campaign, which has no other sender.
    OfCampaign,
    /// By itself; the others go on.
    Alone,
}

/// What is to be sent, read once.
enum Payload {
    Sms(SmsContent),
    WhatsApp,
}

/// What one transaction has read already and is the same for many messages.
struct Known {
    /// The moment of the decisions.
    now: Timestamp,
    workspace: Option<Arc<Workspace>>,
    campaigns: Vec<(CampaignId, Option<Arc<CampaignKnown>>)>,
    senders: Vec<(String, Option<Arc<SenderFacts>>)>,
    /// How messages of a campaign wait for this sender, by the rule that keeps them back.
    waits: Vec<(CampaignId, Rule, String, SenderWait)>,
    /// Campaigns that were let go on in this transaction.
    released: Vec<CampaignId>,
}

/// A campaign as it is now.
#[derive(Debug)]
struct CampaignKnown {
    now: CampaignNow,
    /// The caps that count its messages.
    caps: Vec<SeriesCap>,
}

impl Known {
    const fn at(now: Timestamp) -> Self {
        Self {
            now,
            workspace: None,
            campaigns: Vec::new(),
            senders: Vec::new(),
            waits: Vec::new(),
            released: Vec::new(),
        }
    }

    fn workspace(&mut self, tx: &mut Tx<'_>, id: WorkspaceId) -> Result<Option<Arc<Workspace>>, StoreError> {
        if self.workspace.as_ref().is_none_or(|workspace| workspace.id != id) {
            self.workspace = tx.workspace(id)?.map(Arc::new);
        }
        Ok(self.workspace.clone())
    }

    fn campaign(
        &mut self,
        tx: &mut Tx<'_>,
        workspace_id: WorkspaceId,
        id: CampaignId,
    ) -> Result<Option<Arc<CampaignKnown>>, StoreError> {
        if let Some((_, campaign)) = self.campaigns.iter().find(|(known, _)| *known == id) {
            return Ok(campaign.clone());
        }
        let campaign = match (tx.campaign_now(workspace_id, id)?, self.workspace(tx, workspace_id)?) {
            (Some(now), Some(workspace)) => {
                let caps = tx.series_caps(&workspace, &now.rules)?;
                Some(Arc::new(CampaignKnown { now, caps }))
            }
            _ => None,
        };
        self.campaigns.push((id, campaign.clone()));
        Ok(campaign)
    }

    /// What decides where an active sender may send; `None` for any other.
    fn sender(
        &mut self,
        tx: &mut Tx<'_>,
        channel: &Channel,
        address: &str,
    ) -> Result<Option<Arc<SenderFacts>>, StoreError> {
        if let Some((_, facts)) = self.senders.iter().find(|(known, _)| known == address) {
            return Ok(facts.clone());
        }
        let found = tx.sender_facts(channel.workspace_id, channel.id, address)?;
        let facts = found.filter(|(state, _)| *state == Registration::Active).map(|(_, facts)| Arc::new(facts));
        self.senders.push((address.to_owned(), facts.clone()));
        Ok(facts)
    }

    /// How a message waits for its sender. A sender that is off holds the whole campaign where it has no other one. Asked, and
    /// held, once for all its messages: they may be thousands in a turn.
    fn sender_wait(
        &mut self,
        tx: &mut Tx<'_>,
        message: &OutboxMessage,
        (campaign_id, rule, source): (CampaignId, Rule, &str),
    ) -> Result<SenderWait, StoreError> {
        let is_it = |(id, of, from, _): &&(CampaignId, Rule, String, SenderWait)| {
            *id == campaign_id && *of == rule && from == source
        };
        if let Some((_, _, _, wait)) = self.waits.iter().find(is_it) {
            return Ok(*wait);
        }
        let (workspace_id, now) = (message.workspace_id, self.now);
        let started_at = tx.campaign(workspace_id, campaign_id)?.and_then(|campaign| campaign.started_at);
        let wait = if started_at.is_some_and(|at| now.since(at) > WAITS_FOR_SENDER) {
            SenderWait::Over
        } else if rule == Rule::SenderNotActive {
            let until = (now.plus(ASK_SENDER_AGAIN), now);
            match tx.hold_for_sender(workspace_id, campaign_id, (message.channel_id, source), until)? {
                true => SenderWait::OfCampaign,
                false => SenderWait::Alone,
            }
        } else {
            SenderWait::Alone
        };
        if wait == SenderWait::OfCampaign {
            self.released.retain(|id| *id != campaign_id);
        }
        self.waits.push((campaign_id, rule, source.to_owned(), wait));
        Ok(wait)
    }

    /// Lets a campaign go on that was held, once for all its messages.
    fn release(&mut self, tx: &mut Tx<'_>, workspace_id: WorkspaceId, id: CampaignId) -> Result<(), StoreError> {
        if self.released.contains(&id) {
            return Ok(());
        }
        tx.release_campaign(workspace_id, id, self.now)?;
        self.waits.retain(|(held, ..)| *held != id);
        self.released.push(id);
        Ok(())
    }
}

/// What the decision depends on, as the database has it now.
struct Facts {
    content: policy::Content,
    consent: ConsentState,
    /// What was said of the template and its category.
    of_template: TemplateConsent,
    suppression: Listed,
    time_zones: Vec<String>,
    window_expires_at: Option<Timestamp>,
    template: Approval,
    sender: Approval,
    not_cleared: Option<NotCleared>,
    /// The text has had characters replaced that its sender does not take.
    is_rewritten: bool,
    /// The sender, when limits count what it sends.
    limited: Option<Arc<SenderFacts>>,
    place: Option<Place>,
    workspace: Arc<Workspace>,
    /// Whether a frequency cap applies, so that the message counts.
    counts: bool,
    sends: Vec<Timestamp>,
    campaign: Option<Arc<CampaignKnown>>,
    /// What the caps of the campaign's series have counted.
    series: Vec<CountedCap>,
    /// Hours the sender keeps beside the workspace's.
    sender_hours: Option<SenderHours>,
    campaign_template: Option<TemplateFacts>,
    /// Language and words of a translation, in another language than its campaign's, that WhatsApp does not take now.
    standing: Option<(String, String)>,
    /// Whether it never will.
    is_over: bool,
    /// The portfolio whose limit counts the customer when the message leaves: the business writes first.
    initiates: Option<String>,
}

impl Facts {
    /// What the campaign says of messages that fall into quiet hours, else the workspace.
    fn at_quiet(&self) -> AtQuietHours {
        let of_campaign = self.campaign.as_ref().and_then(|campaign| campaign.now.rules.at_quiet_hours);
        of_campaign.unwrap_or(self.workspace.settings.policy.at_quiet_hours)
    }

    fn question(&self, message: &OutboxMessage, now: Timestamp) -> Question<'_> {
        Question {
            now,
            class: message.class,
            content: self.content,
            address: if message.address.is_empty() { policy::Known::No } else { policy::Known::Yes },
            consent: self.consent,
            of_template: self.of_template,
            suppression: self.suppression,
            quiet_hours: self.workspace.quiet_hours,
            time_zones: &self.time_zones,
            window_expires_at: self.window_expires_at,
            template: self.template,
            sender: self.sender,
            not_cleared: self.not_cleared.as_ref(),
            expires_at: message.expires_at,
            limits: Limits {
                place: self.place,
                quiet_spans: &self.workspace.settings.policy.quiet_spans,
                caps: &self.workspace.settings.policy.caps,
                at_cap: self.workspace.settings.policy.at_cap,
                sends: &self.sends,
                sender_hours: self.sender_hours.as_ref(),
                at_quiet: self.at_quiet(),
                series: &self.series,
            },
            campaign_template: self.campaign_template,
        }
    }
}

/// `None` when the payload is not one of this channel, or the workspace is gone.
fn facts(
    tx: &mut Tx<'_>,
    channel: &Channel,
    (message, look): (&OutboxMessage, Option<LastLook>),
    (known, gate): (&mut Known, Option<&CampaignGate>),
) -> Result<Option<(Facts, Payload)>, StoreError> {
    let now = known.now;
    let (workspace_id, address) = (message.workspace_id, message.address.as_str());
    let medium = channel.config.kind().medium();
    let purpose = match message.class {
        MessageClass::Marketing | MessageClass::Test | MessageClass::Keyword => Purpose::Marketing,
        MessageClass::Service => Purpose::Service,
    };
    let look = match look {
        Some(look) if purpose == Purpose::Marketing => look,
        _ => tx.last_look(workspace_id, medium, address, purpose, now)?,
    };
    let Some(workspace) = known.workspace(tx, workspace_id)? else { return Ok(None) };
    let campaign = match message.campaign_id {
        Some(id) => known.campaign(tx, workspace_id, id)?,
        None => None,
    };
    let mut facts = Facts {
        content: policy::Content::Sms,
        consent: look.consent,
        of_template: TemplateConsent::NOTHING,
        suppression: if look.suppression.is_some() { Listed::Yes } else { Listed::No },
        time_zones: time_zones(message, look.contact_zone, &workspace),
        window_expires_at: None,
        template: Approval::NotApproved,
        sender: Approval::Approved,
        not_cleared: None,
        is_rewritten: false,
        limited: None,
        place: place(message),
        workspace,
        counts: false,
        sends: Vec::new(),
        campaign,
        series: Vec::new(),
        sender_hours: None,
        campaign_template: None,
        standing: None,
        is_over: false,
        initiates: None,
    };
    count_sends(tx, message, &mut facts, now)?;
    if medium != Medium::Sms {
        of_programme(tx, message, address, &mut facts)?;
    } else if look.narrow_refusals > 0 || matches!(facts.consent, ConsentState::None | ConsentState::Expired) {
        in_programme(tx, message, address, &mut facts)?;
    }
    if medium == Medium::Sms {
        let Ok(mut content) = message.content::<SmsContent>() else { return Ok(None) };
        match known.sender(tx, channel, &content.source)? {
            Some(sender) => {
                facts.not_cleared = not_cleared(&sender, message, now);
                if content.is_mms() {
                    let files = files_not_cleared(tx, channel, (message, &content), &sender)?;
                    facts.not_cleared = facts.not_cleared.or(files);
                }
                facts.sender_hours.clone_from(&sender.hours);
                if message.class != MessageClass::Keyword {
                    // What could be replaced was replaced when it was written, unless the sender was set so since.
                    match written_in(&content.text, sender.alphabet) {
                        Some(Cow::Borrowed(_)) => {}
                        Some(Cow::Owned(plain)) => {
                            content.text = plain;
                            facts.is_rewritten = true;
                        }
                        None => {
                            let why = "The sender takes only characters of the GSM alphabet, and the text has others.";
                            facts.not_cleared.get_or_insert_with(|| NotCleared::Closed { why: why.to_owned() });
                        }
                    }
                }
                facts.limited = sender.is_limited().then_some(sender);
            }
            None => facts.sender = Approval::NotApproved,
        }
        if look.narrow_refusals > 0 {
            // A STOP that was meant for one sender only, which is rare: is it this one?
            let here = tx.consent_state_from(workspace_id, medium, address, purpose, &content.source)?.state;
            if here == ConsentState::Revoked {
                facts.consent = here;
            }
        }
        return Ok(Some((facts, Payload::Sms(content))));
    }
    let Ok(content) = message.content::<Content>() else { return Ok(None) };
    facts.content = policy::Content::FreeForm;
    if let Some(session_id) = message.session_id {
        facts.window_expires_at = tx.session_window(workspace_id, session_id)?;
    }
    if let Content::Template { name, language, .. } = &content {
        facts.content = policy::Content::Template;
        let template = tx.template_by_name(workspace_id, channel.id, name, language)?;
        if template.as_ref().is_some_and(|template| template.status == APPROVED) {
            facts.template = Approval::Approved;
        } else if gate.is_some_and(|gate| gate.template.language != *language) {
            facts.standing = Some((language.clone(), language_hold::standing(language, template.as_ref())));
            facts.is_over = language_hold::is_given_up(template.as_ref());
        }
        let kind = template.as_ref().map(|template| TemplateKind { name, category: &template.category });
        if let Some(kind) = kind {
            facts.of_template = tx.template_consent_of_customer(workspace_id, (channel.id, address), kind, now)?;
        }
        template_facts(tx, channel, message, (gate, kind), (&mut facts, now))?;
    }
    Ok(Some((facts, Payload::WhatsApp)))
}

/// The programme that a promotional message is sent for.
fn programme_of(message: &OutboxMessage, facts: &Facts) -> Option<ProgrammeId> {
    let programme = facts.campaign.as_ref().and_then(|campaign| campaign.now.rules.programme_id);
    programme.filter(|_| message.class == MessageClass::Marketing)
}

/// What was said at this address of the programme that a text is sent for: a no, and a yes where nothing was said of
/// everything.
fn in_programme(tx: &mut Tx<'_>, message: &OutboxMessage, address: &str, facts: &mut Facts) -> Result<(), StoreError> {
    if let Some(programme) = programme_of(message, facts) {
        facts.consent = tx.consent_in_programme(message.workspace_id, address, programme, facts.consent)?;
    }
    Ok(())
}

/// A no to the programme that a campaign is sent for, said at this address, is a no to what it sends.
fn of_programme(tx: &mut Tx<'_>, message: &OutboxMessage, address: &str, facts: &mut Facts) -> Result<(), StoreError> {
    let Some(programme) = programme_of(message, facts) else { return Ok(()) };
    if tx.has_left_programme(message.workspace_id, address, programme)? {
        facts.consent = ConsentState::Revoked;
    }
    Ok(())
}

/// What else decides about a template: whether the business writes first, and what its campaign asks for.
fn template_facts(
    tx: &mut Tx<'_>,
    channel: &Channel,
    message: &OutboxMessage,
    (gate, kind): (Option<&CampaignGate>, Option<TemplateKind<'_>>),
    (facts, now): (&mut Facts, Timestamp),
) -> Result<(), StoreError> {
    let ChannelConfig::WhatsApp(config) = &channel.config else { return Ok(()) };
    let (workspace_id, address) = (message.workspace_id, message.address.as_str());
    let (conversation, window) = tx.conversation_at(workspace_id, channel.id, address)?;
    let portfolio = config.portfolio();
    let (mut budget, mut rests_until) = (None, None);
    if !window::is_open(window, now) {
        tx.lock_messaging_limit(workspace_id, portfolio)?;
        if gate.is_some() {
            budget = tx.messaging_budget(workspace_id, (portfolio, address), now)?;
            rests_until = tx.marketing_rest(workspace_id, channel.id, address)?;
        }
        facts.initiates = Some(portfolio.to_owned());
    }
    let Some(gate) = gate else { return Ok(()) };
    also_by_phone(tx, message, kind, (facts, now))?;
    let (_, is_opted_in) = tx.agreed(workspace_id, address)?;
    let yes = |is: bool| if is { policy::Known::Yes } else { policy::Known::No };
    facts.campaign_template = Some(TemplateFacts {
        template: facts.template,
        is_over: yes(facts.is_over),
        not_taken: yes(takes_no_marketing(place(message), now)),
        braked: yes(tx.is_braked(workspace_id, channel.id, &gate.template.name)?),
        sessions: gate.template.sessions,
        conversation,
        opted_in: yes(is_opted_in),
        budget,
        rests_until,
    });
    Ok(())
}

/// A no that the recipient said at the contact's own number counts where the message goes, too: both are the same person's.
fn also_by_phone(
    tx: &mut Tx<'_>,
    message: &OutboxMessage,
    kind: Option<TemplateKind<'_>>,
    (facts, now): (&mut Facts, Timestamp),
) -> Result<(), StoreError> {
    let workspace_id = message.workspace_id;
    let Some(contact_id) = tx.contact_of_message(workspace_id, message.id)? else { return Ok(()) };
    let phone = tx.contact(workspace_id, contact_id)?.and_then(|contact| contact.fields().phone);
    let Some(phone) = phone.map(|phone| phone.to_string()).filter(|phone| *phone != message.address) else {
        return Ok(());
    };
    if message.class == MessageClass::Marketing {
        let (marketing, _) = tx.agreed(workspace_id, &phone)?;
        if matches!(marketing, ConsentState::Revoked | ConsentState::InReview) {
            facts.consent = marketing;
        }
        of_programme(tx, message, &phone, facts)?;
    }
    if let Some(kind) = kind {
        facts.of_template = facts.of_template.beside(tx.template_consent(workspace_id, &phone, kind, now)?);
    }
    if tx.is_suppressed(workspace_id, &phone)? {
        facts.suppression = Listed::Yes;
    }
    Ok(())
}

/// Reads the earlier promotional messages to the same address when a frequency cap applies. Whoever else decides about
/// this address waits until this transaction has ended, so that no two messages take the same place under a cap.
fn count_sends(tx: &mut Tx<'_>, message: &OutboxMessage, facts: &mut Facts, now: Timestamp) -> Result<(), StoreError> {
    if message.class != MessageClass::Marketing {
        return Ok(());
    }
    let caps = &facts.workspace.settings.policy.caps;
    let look_back = Limits::look_back(facts.place, caps, now);
    let series = facts.campaign.as_ref().map(|campaign| campaign.caps.as_slice()).unwrap_or_default();
    if look_back.is_none() && series.is_empty() {
        return Ok(());
    }
    facts.counts = true;
    tx.lock_address_sends(message.workspace_id, &message.address)?;
    let (workspace_id, address, except) = (message.workspace_id, message.address.as_str(), Some(message.id));
    facts.series = tx.counted_caps(workspace_id, address, series, except, now)?;
    if let Some((millis, messages)) = look_back {
        facts.sends = tx.marketing_sends(workspace_id, address, now.plus(-millis), except, messages)?;
    }
    Ok(())
}

/// Where a promotional message goes to, for the rule books; other messages are exempt from them.
fn place(message: &OutboxMessage) -> Option<Place> {
    if message.class != MessageClass::Marketing || message.address_kind != AddressKind::Phone {
        return None;
    }
    phone(message).and_then(|phone| place_of_phone(&phone))
}

/// Why the files of a message cannot leave, when they cannot: from its account, from its sender to the recipient's country,
/// or because one of them is not here any more.
fn files_not_cleared(
    tx: &mut Tx<'_>,
    channel: &Channel,
    (message, content): (&OutboxMessage, &SmsContent),
    sender: &SenderFacts,
) -> Result<Option<NotCleared>, StoreError> {
    let closed = |why: &str| Ok(Some(NotCleared::Closed { why: why.to_owned() }));
    if !channel.config.kind().carries_files() {
        return closed("Accounts over SMPP carry texts and no files, and the message has some.");
    }
    if let Err(why) = sender::clear_files(sender, phone(message).and_then(|phone| place_of_phone(&phone))) {
        return Ok(Some(why));
    }
    for id in &content.media {
        if tx.media(message.workspace_id, *id)?.is_none_or(|media| media.presence != FilePresence::Stored) {
            return closed("A file of the message is not here any more.");
        }
    }
    Ok(None)
}

/// Why the sender may not send to the recipient's country, when it may not.
fn not_cleared(sender: &SenderFacts, message: &OutboxMessage, now: Timestamp) -> Option<NotCleared> {
    if sender.goes_everywhere() {
        return None;
    }
    sender::clear(sender, phone(message).and_then(|phone| place_of_phone(&phone)), now).err()
}

/// The recipient's number; what is in the outbox was parsed when it came in.
fn phone(message: &OutboxMessage) -> Option<PhoneNumber> {
    PhoneNumber::from_digits(message.address.strip_prefix('+')?).ok()
}

/// The zones a recipient may be in, as planning sees them: the contact's own, else what the number tells, else the
/// workspace's. With none at all the message would be held for ever, and its campaign would never end.
fn time_zones(message: &OutboxMessage, of_contact: Option<String>, workspace: &Workspace) -> Vec<String> {
    if message.class != MessageClass::Marketing {
        return Vec::new();
    }
    if message.address_kind == AddressKind::Phone {
        if let Some(zone) = of_contact {
            return vec![zone];
        }
        let zones = phone(message).map(|phone| zones_for_phone(&phone)).unwrap_or_default();
        if !zones.is_empty() {
            return zones;
        }
    }
    vec![workspace.time_zone.clone()]
}

#[cfg(test)]
mod tests {
    use segue_model::{MessageId, campaign::Footer, schedule::Schedule};
    use segue_store::{
        Sql,
        campaign::{Audience, CampaignInput},
        outbox::{Claim, NewOutbox, Payload},
    };

    use super::*;

    const CUSTOMER: &str = "+12125550199";
    static STARTED: Sql = Sql::portable(
        "STARTED",
        "UPDATE campaigns SET state = 'running', started_at = $3 WHERE workspace_id = $1 AND id = $2",
    );

    #[tokio::test(flavor = "multi_thread")]
    async fn how_a_campaign_waits_for_its_sender_is_asked_once_in_a_turn() {
        for test in segue_testkit::engines().await {
            let channel = test.sms_channel("carrier").await;
            let sender = test.sender(channel.id, "+15550100").await;
            let (workspace_id, channel_id, now) = (test.workspace_id(), channel.id, test.now());
            let id: CampaignId = test.ctx.id();
            let input = CampaignInput {
                media: Vec::new(),
                name: "Spring".to_owned(),
                sender_id: Some(sender.id),
                audience: Audience::default(),
                body: "Sale".to_owned(),
                footer: Footer::None,
                whatsapp_channel_id: None,
                prefilled_text: String::new(),
                schedule: Schedule::default(),
                variants: Vec::new(),
                held_out_percent: 0,
                pool_id: None,
                texts: Vec::new(),
                template: None,
                rules: CampaignRules::default(),
            };
            let message_id: MessageId = test.ctx.id();
            let content = SmsContent::of_text(sender.address.clone(), "Sale".to_owned());
            let message = NewOutbox {
                id: message_id,
                channel_id,
                class: MessageClass::Marketing,
                dedupe_key: message_id.to_string(),
                address: CUSTOMER.to_owned(),
                address_kind: AddressKind::Phone,
                payload: Payload::of(&content).expect("it has a JSON form"),
                campaign: Some((id, 1)),
                session_id: None,
                not_before: now,
                expires_at: None,
                segments: Some(1),
            };
            let seen = test.store.write::<_, StoreError, _>(move |tx| {
                tx.insert_campaign(workspace_id, id, &input, None, now)?;
                tx.execute(&STARTED, &[&workspace_id, &id, &now])?;
                tx.enqueue(workspace_id, &message, now)?;
                let claim = Claim { owner: "test", limit: 9, lease_until: now.plus(time::MINUTE), now };
                let claimed = tx.claim_outbox(workspace_id, channel_id, &claim)?;
                let held = (id, Rule::SenderNotActive, content.source.as_str());
                let mut turn = Known::at(now);
                let mut seen = vec![turn.sender_wait(tx, &claimed[0], held)?];
                // What only another question would see.
                tx.execute(&STARTED, &[&workspace_id, &id, &now.plus(-4 * time::DAY)])?;
                seen.push(turn.sender_wait(tx, &claimed[0], held)?);
                let mut next = Known::at(now);
                seen.push(next.sender_wait(tx, &claimed[0], held)?);

                turn.release(tx, workspace_id, id)?;
                let mut holds = vec![tx.campaign_hold(workspace_id, id)?.is_some()];
                tx.hold_for_sender(workspace_id, id, (channel_id, &content.source), (now.plus(time::HOUR), now))?;
                turn.release(tx, workspace_id, id)?;
                holds.push(tx.campaign_hold(workspace_id, id)?.is_some());
                next.release(tx, workspace_id, id)?;
                holds.push(tx.campaign_hold(workspace_id, id)?.is_some());
                // Who was let go on is held again by whoever may not send.
                tx.execute(&STARTED, &[&workspace_id, &id, &now])?;
                seen.push(turn.sender_wait(tx, &claimed[0], held)?);
                turn.release(tx, workspace_id, id)?;
                holds.push(tx.campaign_hold(workspace_id, id)?.is_some());
                Ok((seen, holds))
            });
            use SenderWait::{OfCampaign, Over};
            let expected = (vec![OfCampaign, OfCampaign, Over, OfCampaign], vec![false, true, false, false]);
            assert_eq!(seen.await.expect("the store works"), expected, "{}", test.engine);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_carrier_may_try_until_the_hours_close_or_the_message_expires() {
        for test in segue_testkit::engines().await {
            let channel = test.sms_channel("carrier").await;
            let source = test.sender(channel.id, "+15550100").await.address;
            test.set_consent(Medium::Sms, CUSTOMER, Purpose::Marketing, ConsentState::Granted).await;
            let (workspace_id, now) = (test.workspace_id(), test.now());
            let content = SmsContent::of_text(source, "Sale".to_owned());
            // It is noon in New York: by law and by the workspace's own hours the day ends at nine in the evening.
            let evening = now.plus(9 * time::HOUR);
            for (class, expires_at, until) in [
                (MessageClass::Marketing, None, Some(evening)),
                (MessageClass::Marketing, Some(now.plus(time::HOUR)), Some(now.plus(time::HOUR))),
                (MessageClass::Marketing, Some(now.plus(time::DAY)), Some(evening)),
                (MessageClass::Service, None, None),
            ] {
                let id: MessageId = test.ctx.id();
                let message = NewOutbox {
                    id,
                    channel_id: channel.id,
                    class,
                    dedupe_key: id.to_string(),
                    address: CUSTOMER.to_owned(),
                    address_kind: AddressKind::Phone,
                    payload: Payload::of(&content).expect("it has a JSON form"),
                    campaign: None,
                    session_id: None,
                    not_before: now,
                    expires_at,
                    segments: Some(1),
                };
                let (ctx, channel) = (test.ctx.clone(), channel.clone());
                let begun = test.store.write::<_, StoreError, _>(move |tx| {
                    tx.enqueue(workspace_id, &message, now)?;
                    let due = Due { limit: 9, turn: 0, owner: "test", lease_until: now.plus(time::MINUTE) };
                    begin_due(tx, &ctx, &channel, &due)
                });
                let begun = begun.await.expect("the store works").begun;
                assert_eq!(begun.len(), 1, "{} {class}", test.engine);
                assert_eq!(begun[0].message.expires_at, until, "{} {class}", test.engine);
            }
        }
    }
}
