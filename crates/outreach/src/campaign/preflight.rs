//! Pre-flight: everything a marketer should know before a campaign starts, over the real audience and by the same
//! decisions as at planning.
//!
//! It reads and changes nothing. Its mark stands for the campaign and its segments as they were; a start can be held to
//! it, so that nobody starts something else than what was looked at.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use segue_model::{
    CampaignId, ContactId, Ctx, PhoneNumber, Timestamp, WorkspaceId,
    campaign::{CampaignState, Footer},
    contact::ContactFields,
    opt_out_line::OptOutNotice,
    policy::{Decision, Rule},
    routing::PresenceStatus,
    text_lint::{TextFinding, TextSeverity},
    time,
};
use segue_store::{
    Store, StoreError, Tx,
    campaign::{Audience, CampaignView},
    channel::ChannelConfig,
    recipient::{DUPLICATE_PHONE, HELD_OUT, NOT_PLAIN, SEND_TIME_PASSED, TEXT_TOO_LONG, rule_label},
    workspace::CampaignSettings,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{
    Prepared,
    audience::{judge_in, time_zones},
    checks::Author,
    found,
    lines::{Lines, several},
    members::{Crowd, Entry},
    pinned::{self, reach},
    plan::CHUNK,
    prepare,
    template_preflight::{self, MarketCost, PreflightLanguage, PreflightLimit},
    timing, variants,
};
use crate::{
    Links, OutreachError,
    text::{Body, CampaignText, Composed},
};

/// People shown for each reason.
pub(super) const SAMPLE: usize = 5;
/// Minutes for which a start may be held to a pre-flight.
const FRESH: i64 = 15;
/// Chats of a thousand texts with a link, low and high, when the workspace has no campaign to learn from.
const USUAL_CHATS: (i64, i64) = (5, 40);
/// Campaigns that the expected chats are learned from.
const LEARN_FROM: i64 = 10;

/// Somebody of the audience.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PreflightPerson {
    pub contact_id: ContactId,
    pub name: Option<String>,
    pub phone: Option<PhoneNumber>,
}

/// Who is left out, or has to wait, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PreflightRule {
    pub rule: String,
    /// The rule in words.
    pub label: String,
    /// What is missing and what to do, of the first of them, where the rule alone does not say it.
    pub detail: Option<String>,
    pub count: i64,
    /// The first of them.
    pub sample: Vec<PreflightPerson>,
}

/// Segments per message, and of all messages together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PreflightSegments {
    pub min: i64,
    /// The median.
    pub typical: i64,
    pub max: i64,
    pub total: i64,
}

/// What the messages cost, in minor units of the currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PreflightCost {
    /// ISO 4217.
    pub currency: String,
    /// Of all messages whose country has a price, rounded up; of a campaign by template the sum of its markets.
    pub total: i64,
    /// Of one message in thousandths of a minor unit: the cheapest, the median, the dearest.
    pub min_thousandths: i64,
    pub typical_thousandths: i64,
    pub max_thousandths: i64,
    /// Countries of the audience without a price; markets in a campaign by template.
    pub unpriced: Vec<String>,
    /// By market, of a campaign by template.
    pub markets: Vec<MarketCost>,
    /// The price list of a campaign by template.
    pub price_list: Option<String>,
}

/// How many chats may come, beside who is there to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PreflightChats {
    pub low: i64,
    pub high: i64,
    /// Campaigns this is learned from; with none it is a usual range.
    pub learned_from: i64,
    /// Agents who are available now.
    pub agents: i64,
    /// Conversations they can have at once.
    pub capacity: i64,
}

segue_model::text_enum! {
    /// Something to think about before the start.
    pub enum WarningKind {
        NobodyLeft = "nobody_left",
        ManyLeftOut = "many_left_out",
        ManyUnicode = "many_unicode",
        NoPrice = "no_price",
        TooFewAgents = "too_few_agents",
        TakesLong = "takes_long",
        SenderNotActive = "sender_not_active",
        /// The sender may not send to some countries of the audience.
        SenderNotCleared = "sender_not_cleared",
        TextsDisliked = "texts_disliked",
        /// A text looks something up that is not there for some of the audience.
        LookUpEmpty = "look_up_empty",
        /// The template cannot be sent now.
        TemplateNotApproved = "template_not_approved",
        /// More customers than may be written to first in 24 hours.
        OverLimit = "over_limit",
        /// Marketing from the number or with the template is stopped.
        MarketingStopped = "marketing_stopped",
        /// An approved translation takes other values, so the campaign cannot start.
        TranslationDiffers = "translation_differs",
        /// A translation is not approved, so nobody gets it.
        TranslationNotApproved = "translation_not_approved",
    }
}

/// Something to think about, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PreflightWarning {
    pub kind: WarningKind,
    pub message: String,
}

/// Messages of one variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PreflightVariant {
    pub name: String,
    pub messages: i64,
    pub segments: PreflightSegments,
    /// The text for the first contact who would get it.
    pub sample: Option<String>,
}

/// One of the campaign's texts: of a variant, in a language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PreflightText {
    /// Name of the variant.
    pub variant: String,
    /// Null for the text without a language.
    pub locale: Option<String>,
    pub messages: i64,
    pub segments: PreflightSegments,
    /// What carriers may dislike about it, the gravest first.
    pub findings: Vec<TextFinding>,
}

/// Everything to know before a campaign starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Preflight {
    pub audience: i64,
    /// Those who would get a message, at once or later.
    pub sendable: i64,
    /// Those among them who have to wait, by reason.
    pub held: Vec<PreflightRule>,
    pub excluded: Vec<PreflightRule>,
    pub segments: PreflightSegments,
    pub variants: Vec<PreflightVariant>,
    /// Each text with those who get it, and what carriers may dislike about it.
    pub texts: Vec<PreflightText>,
    pub cost: PreflightCost,
    /// How long sending takes at least, under the limits of the sender's account and of the campaign.
    pub seconds: i64,
    pub chats: Option<PreflightChats>,
    /// Messages by language, of a campaign by template that goes out in several.
    pub languages: Vec<PreflightLanguage>,
    /// What the platform's limit leaves, of a campaign by template.
    pub limit: Option<PreflightLimit>,
    pub warnings: Vec<PreflightWarning>,
    /// Stands for what was looked at; a start can be held to it.
    pub mark: String,
    pub at: Timestamp,
}

/// One group of messages by number of segments or price.
type Histogram = BTreeMap<i64, i64>;

#[derive(Default, Clone)]
pub(super) struct RuleTally {
    pub count: i64,
    pub detail: Option<String>,
    pub sample: Vec<PreflightPerson>,
}

#[derive(Default, Clone)]
struct VariantTally {
    segments: Histogram,
    sample: Option<String>,
}

#[derive(Default, Clone)]
struct Tally {
    audience: u32,
    sendable: i64,
    unicode: i64,
    /// Messages that look something up that is not there.
    lacking: i64,
    held: BTreeMap<&'static str, RuleTally>,
    excluded: BTreeMap<&'static str, RuleTally>,
    variants: Vec<VariantTally>,
    /// Segments by the place of the variant and the language of the text.
    texts: BTreeMap<(usize, Option<String>), Histogram>,
    /// Messages by their price in thousandths.
    prices: Histogram,
    unpriced: BTreeMap<String, i64>,
    lines: Lines,
}

/// What a member comes to.
struct Verdict {
    rule: &'static str,
    /// What is missing and what to do.
    detail: Option<String>,
    composed: Option<Composed>,
}

impl Verdict {
    /// Leaves out whose line gets a message already.
    fn unless_known(self, lines: &mut Lines, entry: &Entry) -> Self {
        let Some(phone) = &entry.member.fields.phone else { return self };
        let is_new = match self.composed {
            Some(_) => lines.add(phone.as_str()),
            None => self.rule != HELD_OUT || !lines.has(phone.as_str()),
        };
        if is_new {
            return self;
        }
        Self { rule: DUPLICATE_PHONE, detail: None, composed: None }
    }
}

struct Flight {
    campaign: CampaignView,
    prepared: Prepared,
    texts: Vec<CampaignText>,
    links: Links,
    now: Timestamp,
}

impl Flight {
    fn bodies_of(&self) -> Vec<&Body> {
        [&self.prepared.text].into_iter().chain(&self.texts).map(CampaignText::body).collect()
    }

    fn judge(&self, tx: &mut Tx<'_>, entry: &Entry, position: u32) -> Result<Verdict, StoreError> {
        let Entry { member, barred, .. } = entry;
        let prepared = &self.prepared;
        let likely = prepared.origins.likely(tx, prepared.workspace.id, member.fields.phone.as_ref(), self.now)?;
        let zones = time_zones(&member.fields, &self.prepared.workspace);
        let (input, clock) = (&self.campaign.input, (self.now, self.now));
        let zone = &prepared.workspace.time_zone;
        let begins = timing::begins(input, zone, self.now);
        let leaves_at = || timing::leaves_at(input, &zones, position, (begins, begins), zone);
        let at = prepared.asks.moment(self.now, leaves_at);
        let judgement = judge_in(tx, member, (&prepared.workspace, &prepared.asks), Some(likely.origin), (&zones, at))?;
        let detail = judgement.explanation.and_then(|why| why.detail);
        let decided = match judgement.decision {
            Decision::Send(_) => ("allowed", Some(self.now)),
            Decision::Hold { until, rule } => (rule.as_str(), Some(until)),
            Decision::Suppress { rule } => (rule.as_str(), None),
        };
        let (rule, at) = timing::refine(input, decided, *barred, &zones, position, clock);
        if at.is_none() {
            return Ok(Verdict { rule, detail, composed: None });
        }
        let text = variants::text_of(&self.prepared.text, &self.texts, &self.campaign.input, position);
        let notice = match &member.fields.phone {
            Some(phone) => pinned::notice(tx, prepared.workspace.id, text, (&likely.sender, phone))?,
            None => OptOutNotice::Due,
        };
        let left_out = |rule| Verdict { rule, detail: None, composed: None };
        let Ok(composed) = text.compose_after(entry.person(), position, notice) else {
            return Ok(left_out(TEXT_TOO_LONG));
        };
        let Some(composed) = composed.written_in(likely.facts.alphabet, likely.writing) else {
            return Ok(left_out(NOT_PLAIN));
        };
        Ok(match composed.within_limit() {
            Ok(_) if timing::is_held_out(input, position) => left_out(HELD_OUT),
            Ok(composed) => Verdict { rule, detail, composed: Some(composed) },
            Err(_) => left_out(TEXT_TOO_LONG),
        })
    }

    fn count_one(&self, tx: &mut Tx<'_>, tally: &mut Tally, entry: &Entry) -> Result<(), StoreError> {
        tally.audience += 1;
        let verdict = self.judge(tx, entry, tally.audience)?.unless_known(&mut tally.lines, entry);
        let person = || PreflightPerson {
            contact_id: entry.member.id,
            name: entry.member.fields.full_name(),
            phone: entry.member.fields.phone.clone(),
        };
        let note = |rules: &mut BTreeMap<&'static str, RuleTally>| {
            let rule = rules.entry(verdict.rule).or_default();
            rule.count += 1;
            rule.detail = rule.detail.take().or_else(|| verdict.detail.clone());
            if rule.sample.len() < SAMPLE {
                rule.sample.push(person());
            }
        };
        let Some(composed) = &verdict.composed else {
            note(&mut tally.excluded);
            return Ok(());
        };
        if verdict.rule != "allowed" {
            note(&mut tally.held);
        }
        tally.sendable += 1;
        tally.lacking += i64::from(composed.is_lacking);
        tally.unicode += i64::from(composed.segmentation.encoding == segue_channels::text::Encoding::Ucs2);
        let segments = composed.segments() as i64;
        let weights = variants::weights(&self.campaign.input);
        let group = segue_model::variant::group_of(tally.audience, &weights, self.campaign.input.held_out_percent);
        if let segue_model::variant::Group::Variant(place) = group {
            let variant = &mut tally.variants[place];
            *variant.segments.entry(segments).or_default() += 1;
            variant.sample.get_or_insert_with(|| composed.text.clone());
            let text = self.texts.get(place).unwrap_or(&self.prepared.text);
            let locale = text.locale_for(&entry.member.fields).map(str::to_owned);
            *tally.texts.entry((place, locale)).or_default().entry(segments).or_default() += 1;
        }
        self.price(tally, entry, segments);
        Ok(())
    }

    fn price(&self, tally: &mut Tally, entry: &Entry, segments: i64) {
        let settings = &self.prepared.workspace.settings.campaigns;
        let country = entry.member.fields.phone.as_ref().and_then(PhoneNumber::country).unwrap_or_default();
        match price_of(settings, &country) {
            // A thousand segments cost so many minor units, so one costs as many thousandths.
            Some(per_thousand) => *tally.prices.entry(per_thousand * segments).or_default() += 1,
            None => *tally.unpriced.entry(country).or_default() += 1,
        }
    }
}

impl Look for Flight {
    type Tally = Tally;

    fn audience(&self) -> (&Audience, Timestamp) {
        (&self.campaign.input.audience, self.now)
    }

    fn bodies(&self) -> Vec<&Body> {
        self.bodies_of()
    }

    fn count(&self, tx: &mut Tx<'_>, tally: &mut Tally, entry: &Entry) -> Result<(), StoreError> {
        self.count_one(tx, tally, entry)
    }
}

fn price_of(settings: &CampaignSettings, country: &str) -> Option<i64> {
    let own = settings.prices.iter().find(|price| price.country == country).map(|price| price.per_thousand);
    own.or(settings.other_price)
}

fn median(histogram: &Histogram) -> i64 {
    let mut left = (histogram.values().sum::<i64>() + 1) / 2;
    for (value, count) in histogram {
        left -= count;
        if left <= 0 {
            return *value;
        }
    }
    0
}

fn segments_of(histogram: &Histogram) -> PreflightSegments {
    PreflightSegments {
        min: histogram.keys().next().copied().unwrap_or_default(),
        typical: median(histogram),
        max: histogram.keys().next_back().copied().unwrap_or_default(),
        total: histogram.iter().map(|(segments, count)| segments * count).sum(),
    }
}

pub(super) fn rules(tallies: BTreeMap<&'static str, RuleTally>) -> Vec<PreflightRule> {
    let mut rules: Vec<PreflightRule> = tallies
        .into_iter()
        .map(|(rule, RuleTally { count, detail, sample })| PreflightRule {
            rule: rule.to_owned(),
            label: rule_label(rule),
            detail,
            count,
            sample,
        })
        .collect();
    rules.sort_by_key(|rule| -rule.count);
    rules
}

fn flight(
    tx: &mut Tx<'_>,
    links: &Links,
    workspace_id: WorkspaceId,
    id: CampaignId,
    now: Timestamp,
) -> Result<Flight, OutreachError> {
    let campaign = found(tx, workspace_id, id)?;
    let prepared = prepare(tx, links, workspace_id, Some(campaign.id), &campaign.input, campaign.number)?;
    let texts = variants::texts(tx, links, workspace_id, &campaign)?;
    let settings = tx.link_settings(workspace_id, id)?.settings;
    let links = crate::domains::links_of(tx, links, workspace_id, &settings)?;
    Ok(Flight { campaign, prepared, texts, links, now })
}

/// Looks at everything before a start.
///
/// # Errors
/// When there is no such campaign, or its audience or text cannot be made.
pub async fn preflight(
    store: &Store,
    ctx: &Ctx,
    links: &Links,
    workspace_id: WorkspaceId,
    id: CampaignId,
) -> Result<Preflight, OutreachError> {
    let now = ctx.now();
    if store.read(move |tx| found(tx, workspace_id, id)).await?.input.template.is_some() {
        return template_preflight::preflight(store, links, workspace_id, id, now).await;
    }
    let links = links.clone();
    let flight = store.read(move |tx| Ok::<_, OutreachError>(Arc::new(flight(tx, &links, workspace_id, id, now)?)));
    let flight = flight.await?;
    let variants = variants::weights(&flight.campaign.input).len();
    let tally = Tally { variants: vec![VariantTally::default(); variants], ..Tally::default() };
    let tally = counted(store, workspace_id, &flight, tally).await?;
    store.read(move |tx| finish(tx, workspace_id, &flight, tally.clone())).await
}

/// What is looked at for every member of an audience.
pub(super) trait Look: Send + Sync + 'static {
    type Tally: Clone + Send + Sync + 'static;

    fn audience(&self) -> (&Audience, Timestamp);

    /// What is filled in for each member.
    fn bodies(&self) -> Vec<&Body>;

    /// Counts one member.
    fn count(&self, tx: &mut Tx<'_>, tally: &mut Self::Tally, entry: &Entry) -> Result<(), StoreError>;
}

/// Counts a whole audience.
pub(super) async fn counted<L: Look>(
    store: &Store,
    workspace_id: WorkspaceId,
    look: &Arc<L>,
    mut tally: L::Tally,
) -> Result<L::Tally, OutreachError> {
    let mut after = None;
    loop {
        // One short transaction per page: a long one would keep old versions of rows alive.
        let (look, so_far) = (Arc::clone(look), tally);
        let page = store.read(move |tx| {
            let (audience, now) = look.audience();
            let crowd = Crowd::of_audience(tx, workspace_id, audience, now)?;
            let mut page = crowd.page(tx, workspace_id, after, CHUNK)?;
            page.look_up(tx, workspace_id, &look.bodies())?;
            let mut counted = so_far.clone();
            for entry in &page.entries {
                look.count(tx, &mut counted, entry)?;
            }
            Ok::<_, OutreachError>((counted, page.next))
        });
        (tally, after) = page.await?;
        if after.is_none() {
            return Ok(tally);
        }
    }
}

fn finish(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    flight: &Flight,
    tally: Tally,
) -> Result<Preflight, OutreachError> {
    let input = &flight.campaign.input;
    let mut all = Histogram::new();
    for (segments, count) in tally.variants.iter().flat_map(|variant| &variant.segments) {
        *all.entry(*segments).or_default() += count;
    }
    let segments = segments_of(&all);
    let settings = &flight.prepared.workspace.settings.campaigns;
    let total: i64 = tally.prices.iter().map(|(price, count)| price * count).sum();
    let cost = PreflightCost {
        currency: settings.currency.clone(),
        total: (total + 999) / 1_000,
        min_thousandths: tally.prices.keys().next().copied().unwrap_or_default(),
        typical_thousandths: median(&tally.prices),
        max_thousandths: tally.prices.keys().next_back().copied().unwrap_or_default(),
        unpriced: tally.unpriced.keys().cloned().collect(),
        markets: Vec::new(),
        price_list: None,
    };
    let names = input.variants.iter().map(|variant| variant.name.clone()).chain(["The text".to_owned()]);
    let names: Vec<String> = names.collect();
    let texts = texts(flight, &tally.texts, &names)?;
    let variants = tally.variants.iter().zip(names).map(|(variant, name)| PreflightVariant {
        name,
        messages: variant.segments.values().sum(),
        segments: segments_of(&variant.segments),
        sample: variant.sample.clone(),
    });
    let mut result = Preflight {
        audience: i64::from(tally.audience),
        sendable: tally.sendable,
        held: rules(tally.held),
        excluded: rules(tally.excluded),
        segments,
        variants: variants.collect(),
        texts,
        cost,
        seconds: seconds(tx, workspace_id, flight, segments.total, tally.sendable)?,
        chats: chats(tx, workspace_id, flight, tally.sendable)?,
        languages: Vec::new(),
        limit: None,
        warnings: Vec::new(),
        mark: mark(tx, workspace_id, &flight.campaign, flight.now)?,
        at: flight.now,
    };
    result.warnings = warnings(&result, (tally.unicode, tally.lacking), flight);
    Ok(result)
}

/// Each text of each variant, looked at as somebody gets it of whom only the language is known.
fn texts(
    flight: &Flight,
    counted: &BTreeMap<(usize, Option<String>), Histogram>,
    names: &[String],
) -> Result<Vec<PreflightText>, OutreachError> {
    let input = &flight.campaign.input;
    let author = Author::of(&flight.prepared.workspace, &flight.links, reach(&flight.prepared.origins.first.sender));
    let whole = [(input.body.as_str(), &flight.prepared.text, &input.texts)];
    let variants: Vec<_> = match input.variants.is_empty() {
        true => whole.to_vec(),
        false => {
            let texts = input.variants.iter().zip(&flight.texts);
            texts.map(|(variant, text)| (variant.body.as_str(), text, &variant.texts)).collect()
        }
    };
    let mut all = Vec::new();
    for (place, (body, text, others)) in variants.into_iter().enumerate() {
        for locale in text.locales() {
            let nobody = ContactFields { locale: locale.map(str::to_owned), ..ContactFields::default() };
            let composed = text.compose(&nobody, 0)?;
            let written = others.iter().find(|other| Some(other.locale.as_str()) == locale);
            let histogram = counted.get(&(place, locale.map(str::to_owned))).cloned().unwrap_or_default();
            all.push(PreflightText {
                variant: names.get(place).cloned().unwrap_or_default(),
                locale: locale.map(str::to_owned),
                messages: histogram.values().sum(),
                segments: segments_of(&histogram),
                findings: author.findings(written.map_or(body, |other| &other.body), &composed.text),
            });
        }
    }
    Ok(all)
}

/// How long sending takes at least.
fn seconds(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    flight: &Flight,
    segments: i64,
    messages: i64,
) -> Result<i64, StoreError> {
    let channels: BTreeSet<_> = flight.prepared.origins.all().map(|origin| origin.sender.channel_id).collect();
    let mut rate = 0;
    for id in channels {
        rate += match tx.channel(workspace_id, id)?.map(|channel| channel.config) {
            Some(ChannelConfig::Smpp(config)) => i64::from(config.segments_per_second.max(1)),
            _ => 1,
        };
    }
    let rate = rate.max(1);
    let by_account = (segments + rate - 1) / rate;
    let by_campaign = flight.campaign.input.schedule.per_minute.map_or(0, |most| {
        let most = i64::from(most.max(1));
        // The first minute's share leaves at once.
        (messages + most - 1).div_euclid(most).saturating_sub(1).max(0) * 60
    });
    Ok(by_account.max(by_campaign))
}

/// How many chats may come: learned from the newest finished campaigns with a link, else the usual range.
fn chats(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    flight: &Flight,
    messages: i64,
) -> Result<Option<PreflightChats>, StoreError> {
    if flight.campaign.input.footer == Footer::None {
        return Ok(None);
    }
    let (mut sent, mut chats, mut learned_from) = (0, 0, 0);
    for past in tx.campaigns(workspace_id, None, LEARN_FROM)? {
        if past.state == CampaignState::Finished && past.input.footer == Footer::Tracked {
            let funnel = tx.funnel(workspace_id, past.id)?;
            (sent, chats) = (sent + funnel.sent, chats + funnel.chats);
            learned_from += i64::from(funnel.sent > 0);
        }
    }
    let (low, high) = match sent {
        0 => (messages * USUAL_CHATS.0 / 1_000, messages * USUAL_CHATS.1 / 1_000),
        // Half and twice of what it was.
        _ => (messages * chats / sent / 2, messages * chats * 2 / sent),
    };
    let available = tx.agent_presences(workspace_id)?;
    let available: Vec<_> =
        available.iter().filter(|agent| agent.presence.status == PresenceStatus::Available).collect();
    let capacity = available.iter().map(|agent| i64::from(agent.presence.capacity)).sum();
    Ok(Some(PreflightChats { low, high, learned_from, agents: available.len() as i64, capacity }))
}

fn warnings(result: &Preflight, (unicode, lacking): (i64, i64), flight: &Flight) -> Vec<PreflightWarning> {
    let mut warnings = Vec::new();
    let mut warn = |kind, message: String| warnings.push(PreflightWarning { kind, message });
    if flight.prepared.origins.approval() != segue_model::policy::Approval::Approved {
        warn(WarningKind::SenderNotActive, "The sender is not registered yet, so nothing would leave.".to_owned());
    }
    let sender_rules = [Rule::RegistrationMissing, Rule::SenderNotAllowed];
    for rule in result.excluded.iter().filter(|rule| sender_rules.iter().any(|each| each.as_str() == rule.rule)) {
        let why = rule.detail.as_deref().unwrap_or(&rule.label);
        warn(WarningKind::SenderNotCleared, format!("{} of the audience cannot be texted from it. {why}", rule.count));
    }
    let on_purpose: i64 = result
        .excluded
        .iter()
        .filter(|rule| [HELD_OUT, SEND_TIME_PASSED].contains(&rule.rule.as_str()) || rule.rule.contains("excluded"))
        .map(|rule| rule.count)
        .sum();
    if result.sendable == 0 {
        warn(WarningKind::NobodyLeft, "Nobody would get this campaign.".to_owned());
    } else if (result.audience - result.sendable - on_purpose) * 2 > result.audience {
        let message = "More than half of the audience may not or cannot get it. Look at the reasons.";
        warn(WarningKind::ManyLeftOut, message.to_owned());
    }
    if unicode * 2 > result.sendable && result.sendable > 0 {
        let message = "Most texts need the large alphabet, with 70 characters per segment instead of 160.";
        warn(WarningKind::ManyUnicode, message.to_owned());
    }
    if lacking > 0 {
        let message = format!(
            "For {lacking} of them the text looks something up in a table and finds nothing, so nothing stands there. \
             Give it a default: {{{{ newest(\"orders\", \"total\") | default(\"…\") }}}}."
        );
        warn(WarningKind::LookUpEmpty, message);
    }
    if !result.cost.unpriced.is_empty() {
        let message = format!("There is no price for {}; the cost leaves them out.", result.cost.unpriced.join(", "));
        warn(WarningKind::NoPrice, message);
    }
    if let Some(chats) = result.chats
        && chats.high > chats.capacity
    {
        let message = format!(
            "Up to {} chats may come, and {} agents with room for {} are available now. Spread it over the day, or \
             let the bot carry more.",
            chats.high, chats.agents, chats.capacity
        );
        warn(WarningKind::TooFewAgents, message);
    }
    let disliked = result
        .texts
        .iter()
        .filter(|text| text.findings.iter().any(|finding| finding.severity == TextSeverity::Warning));
    match disliked.count() {
        0 => {}
        1 if result.texts.len() == 1 => {
            warn(
                WarningKind::TextsDisliked,
                "Carriers may filter or refuse the text. Look at what was found.".to_owned(),
            );
        }
        count => {
            let message = format!("Carriers may filter or refuse {count} of the texts. Look at what was found.");
            warn(WarningKind::TextsDisliked, message);
        }
    }
    if result.seconds > 8 * 3_600 {
        let hours = result.seconds / 3_600;
        warn(WarningKind::TakesLong, format!("Sending takes about {hours} hours under the limits."));
    }
    warnings
}

/// Stands for the campaign and its segments as they are, with the time it was made.
pub(super) fn mark(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    campaign: &CampaignView,
    now: Timestamp,
) -> Result<String, StoreError> {
    let mut digest = Sha256::new();
    digest.update(format!("{}:{}", campaign.id, campaign.version));
    let audience = &campaign.input.audience;
    for segment in audience.segments.iter().chain(&audience.exclude_segments) {
        let version = tx.segment(workspace_id, *segment)?.map_or(0, |segment| segment.version);
        digest.update(format!(":{segment}:{version}"));
    }
    let workspace = tx.workspace(workspace_id)?;
    let line = workspace.map(|workspace| workspace.settings.campaigns.opt_out_line);
    digest.update(format!(":{line:?}"));
    // A snippet that is missing is found by the start itself.
    for (id, version) in pinned::newest(tx, workspace_id, &campaign.input).unwrap_or_default() {
        digest.update(format!(":{id}:{version}"));
    }
    if let Some(wanted) = &campaign.input.template {
        let all = tx.templates(workspace_id)?.into_iter().filter(|template| {
            template.channel_id == wanted.channel_id
                && template.name == wanted.name
                && (wanted.by_language || template.language == wanted.language)
        });
        for template in all {
            let known = (template.language, template.status, template.category, template.components, template.media_id);
            digest.update(format!(":{known:?}"));
        }
    }
    let digest = digest.finalize();
    let short: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{}-{short}", now.0))
}

/// Refuses unless the mark is that of the campaign as it is now, and fresh.
///
/// # Errors
/// [`OutreachError::PreflightStale`].
pub(super) fn hold_to(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    campaign: &CampaignView,
    given: &str,
    now: Timestamp,
) -> Result<(), OutreachError> {
    let stale = OutreachError::PreflightStale(FRESH);
    let made = given.split_once('-').and_then(|(at, _)| at.parse::<i64>().ok()).map(Timestamp);
    let made = made.filter(|at| (0..=FRESH * time::MINUTE).contains(&now.since(*at))).ok_or_else(|| stale.clone())?;
    if mark(tx, workspace_id, campaign, made)? == given { Ok(()) } else { Err(stale) }
}

/// People of one reason, and where to go on.
///
/// # Errors
/// As [`preflight`].
pub async fn people(
    store: &Store,
    ctx: &Ctx,
    links: &Links,
    workspace_id: WorkspaceId,
    id: CampaignId,
    query: PeopleQuery,
) -> Result<(Vec<PreflightPerson>, Option<PeopleCursor>), OutreachError> {
    let PeopleQuery { rule, after, limit } = query;
    let (now, links) = (ctx.now(), links.clone());
    store
        .read(move |tx| {
            let campaign = found(tx, workspace_id, id)?;
            let judge = Judge::of(tx, &links, (workspace_id, &campaign), now)?;
            let crowd = Crowd::of_audience(tx, workspace_id, &campaign.input.audience, now)?;
            let mut lines = Lines::default();
            if let Some(after) = after {
                judge.skip(tx, (workspace_id, &crowd), after, &mut lines)?;
            }
            let mut cursor = after;
            let mut people = Vec::new();
            loop {
                let mut page = crowd.page(tx, workspace_id, cursor.map(|cursor| cursor.contact), CHUNK)?;
                page.look_up(tx, workspace_id, &judge.bodies())?;
                let mut position = cursor.map_or(0, |cursor| cursor.position);
                for entry in &page.entries {
                    position += 1;
                    if judge.rule(tx, entry, position, &mut lines)? != rule {
                        continue;
                    }
                    people.push(PreflightPerson {
                        contact_id: entry.member.id,
                        name: entry.member.fields.full_name(),
                        phone: entry.member.fields.phone.clone(),
                    });
                    if people.len() == limit {
                        return Ok((people, Some(PeopleCursor { contact: entry.member.id, position })));
                    }
                }
                match page.next {
                    Some(contact) => cursor = Some(PeopleCursor { contact, position }),
                    None => return Ok((people, None)),
                }
            }
        })
        .await
}

/// Tells the rule of each member, whatever the campaign sends.
enum Judge {
    Texts(Box<Flight>),
    Template(Box<template_preflight::Judge>),
}

impl Judge {
    fn of(
        tx: &mut Tx<'_>,
        links: &Links,
        (workspace_id, campaign): (WorkspaceId, &CampaignView),
        now: Timestamp,
    ) -> Result<Self, OutreachError> {
        let id = campaign.id;
        Ok(match campaign.input.template {
            None => Self::Texts(Box::new(flight(tx, links, workspace_id, id, now)?)),
            Some(_) => Self::Template(Box::new(template_preflight::Judge::of(tx, links, workspace_id, id, now)?)),
        })
    }

    fn bodies(&self) -> Vec<&Body> {
        match self {
            Self::Texts(flight) => flight.bodies_of(),
            Self::Template(judge) => judge.bodies(),
        }
    }

    fn rule(
        &self,
        tx: &mut Tx<'_>,
        entry: &Entry,
        position: u32,
        lines: &mut Lines,
    ) -> Result<&'static str, StoreError> {
        match self {
            Self::Texts(flight) => Ok(flight.judge(tx, entry, position)?.unless_known(lines, entry).rule),
            Self::Template(judge) => judge.rule(tx, entry, position, lines),
        }
    }

    /// Notes the lines that got a message among those up to a cursor.
    fn skip(
        &self,
        tx: &mut Tx<'_>,
        (workspace_id, crowd): (WorkspaceId, &Crowd),
        upto: PeopleCursor,
        lines: &mut Lines,
    ) -> Result<(), OutreachError> {
        let (mut after, mut position) = (None, 0);
        loop {
            let mut page = crowd.page(tx, workspace_id, after, CHUNK)?;
            page.look_up(tx, workspace_id, &self.bodies())?;
            for entry in &page.entries {
                position += 1;
                if position > upto.position {
                    return Ok(());
                }
                if entry.member.fields.phone.as_ref().is_some_and(|phone| several(phone.as_str()).is_some()) {
                    self.rule(tx, entry, position, lines)?;
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }
}

/// Which people of a pre-flight to list.
#[derive(Debug, Clone)]
pub struct PeopleQuery {
    /// The reason; `allowed` for those who get it at once.
    pub rule: String,
    pub after: Option<PeopleCursor>,
    pub limit: usize,
}

/// Where a list of people goes on: the last one, and his position in the audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeopleCursor {
    pub contact: ContactId,
    pub position: u32,
}

impl std::fmt::Display for PeopleCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.position, self.contact)
    }
}

impl std::str::FromStr for PeopleCursor {
    type Err = OutreachError;

    fn from_str(text: &str) -> Result<Self, OutreachError> {
        let found = text.split_once('.').and_then(|(position, contact)| {
            Some(Self { position: position.parse().ok()?, contact: contact.parse().ok()? })
        });
        found.ok_or_else(|| OutreachError::invalid("cursor", "This is not a cursor of this list."))
    }
}
