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
    CampaignId, ChannelId, Ctx, PhoneNumber, Timestamp, WorkspaceId,
    campaign::{CampaignState, Footer},
    contact::ContactFields,
    mms::MmsFile,
    opt_out_line::OptOutNotice,
    policy::{Decision, Rule},
    routing::PresenceStatus,
    text_lint::TextSeverity,
    time,
};
use segue_store::{
    Store, StoreError, Tx,
    campaign::{CampaignInput, CampaignView},
    channel::ChannelConfig,
    media::FilePresence,
    recipient::{DUPLICATE_PHONE, HELD_OUT, NOT_PLAIN, SEND_TIME_PASSED, TEXT_TOO_LONG, rule_label},
};
use sha2::{Digest as _, Sha256};

use super::{
    Prepared,
    account_costs::{AccountPrices, AccountTallies},
    audience::{judge_in, time_zones},
    checks::Author,
    found, launch,
    lines::Lines,
    links,
    members::{Crowd, Entry},
    pinned::{self, reach},
    plan::{CHUNK, segments_of},
    prepare, template_preflight, timing, variants,
};
pub use super::{
    preflight_people::{PeopleCursor, PeopleQuery, people},
    preflight_view::{
        Preflight, PreflightChats, PreflightCost, PreflightFiles, PreflightPerson, PreflightRule, PreflightSegments,
        PreflightText, PreflightVariant, PreflightWarning, WarningKind,
    },
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
pub(super) struct Tally {
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
    accounts: AccountTallies,
    lines: Lines,
}

/// What a member comes to.
pub(super) struct Verdict {
    pub rule: &'static str,
    /// What is missing and what to do.
    detail: Option<String>,
    /// The text with the account it would leave by.
    composed: Option<(Composed, ChannelId)>,
}

impl Verdict {
    /// Leaves out whose line gets a message already.
    pub fn unless_known(self, lines: &mut Lines, entry: &Entry) -> Self {
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

pub(super) struct Flight {
    campaign: CampaignView,
    /// The campaign as it is when it begins next, by which everybody is judged.
    begun: CampaignInput,
    begins: Timestamp,
    prepared: Prepared,
    texts: Vec<CampaignText>,
    links: Links,
    prices: AccountPrices,
    now: Timestamp,
}

impl Flight {
    pub fn bodies_of(&self) -> Vec<&Body> {
        [&self.prepared.text].into_iter().chain(&self.texts).map(CampaignText::body).collect()
    }

    pub fn judge(&self, tx: &mut Tx<'_>, entry: &Entry, position: u32) -> Result<Verdict, StoreError> {
        let Entry { member, barred, .. } = entry;
        let prepared = &self.prepared;
        let text = variants::text_of(&self.prepared.text, &self.texts, &self.campaign.input, position);
        let written = || Some(text.compose(entry.person(), position).ok()?.text);
        let phone = member.fields.phone.as_ref();
        let likely = prepared.origins.likely(tx, prepared.workspace.id, (phone, written), self.now)?;
        let zones = time_zones(&member.fields, &self.prepared.workspace);
        let (input, begins) = (&self.begun, self.begins);
        let zone = &prepared.workspace.time_zone;
        let leaves_at = || timing::leaves_at(input, &zones, position, (begins, begins), zone);
        let at = prepared.asks.moment(begins, leaves_at);
        let judgement = judge_in(tx, member, (&prepared.workspace, &prepared.asks), Some(likely.origin), (&zones, at))?;
        let detail = judgement.explanation.and_then(|why| why.detail);
        let decided = match judgement.decision {
            Decision::Send(_) => ("allowed", Some(begins)),
            Decision::Hold { until, rule } => (rule.as_str(), Some(until)),
            Decision::Suppress { rule } => (rule.as_str(), None),
        };
        let (rule, at) = timing::refine(input, decided, *barred, &zones, position, (begins, begins));
        if at.is_none() {
            return Ok(Verdict { rule, detail, composed: None });
        }
        let notice = match &member.fields.phone {
            Some(phone) => pinned::notice(tx, prepared.workspace.id, text, (&likely.sender, phone))?,
            None => OptOutNotice::Due,
        };
        let left_out = |rule| Verdict { rule, detail: None, composed: None };
        let Ok(composed) = text.compose_after(entry.person(), position, notice) else {
            return Ok(left_out(TEXT_TOO_LONG));
        };
        let way = likely.carrying(&composed.text, member.fields.phone.as_ref(), self.now);
        let Some(composed) = composed.written_in(way.facts.alphabet, way.writing) else {
            return Ok(left_out(NOT_PLAIN));
        };
        Ok(match composed.within_limit() {
            Ok(_) if timing::is_held_out(input, position) => left_out(HELD_OUT),
            Ok(composed) => Verdict { rule, detail, composed: Some((composed, way.sender.channel_id)) },
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
        let Some((composed, channel_id)) = &verdict.composed else {
            note(&mut tally.excluded);
            return Ok(());
        };
        if verdict.rule != "allowed" {
            note(&mut tally.held);
        }
        tally.sendable += 1;
        tally.lacking += i64::from(composed.is_lacking);
        tally.unicode += i64::from(composed.segmentation.encoding == segue_channels::text::Encoding::Ucs2);
        let segments = segments_of(&self.campaign.input.media, composed).map_or(1, i64::from);
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
        self.price(tally, entry, (segments, *channel_id));
        Ok(())
    }

    /// A segment costs what its account and country cost; a message with files costs the same everywhere.
    fn price(&self, tally: &mut Tally, entry: &Entry, (segments, channel_id): (i64, ChannelId)) {
        let country = entry.member.fields.phone.as_ref().and_then(PhoneNumber::country).unwrap_or_default();
        // A thousand segments cost so many minor units, so one costs as many thousandths.
        let per_thousand = match self.campaign.input.media.is_empty() {
            true => self.prices.price(channel_id, &country),
            false => self.prepared.workspace.settings.campaigns.mms_price,
        };
        let price = per_thousand.map(|per_thousand| per_thousand * segments);
        tally.accounts.add(channel_id, segments, price);
        match price {
            Some(price) => *tally.prices.entry(price).or_default() += 1,
            None => *tally.unpriced.entry(country).or_default() += 1,
        }
    }
}

impl Look for Flight {
    type Tally = Tally;

    fn looked_at(&self) -> (&CampaignInput, Timestamp) {
        (&self.campaign.input, self.now)
    }

    fn bodies(&self) -> Vec<&Body> {
        self.bodies_of()
    }

    fn count(&self, tx: &mut Tx<'_>, tally: &mut Tally, entry: &Entry) -> Result<(), StoreError> {
        self.count_one(tx, tally, entry)
    }
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

fn spread(histogram: &Histogram) -> PreflightSegments {
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

pub(super) fn flight(
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
    let prices = AccountPrices::of(tx, &prepared.workspace, &prepared.origins, now)?;
    let (begun, begins) = launch::as_it_begins(tx, &prepared.workspace, &campaign, now)?;
    Ok(Flight { campaign, begun, begins, prepared, texts, links, prices, now })
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

    /// The campaign and the moment it is looked at.
    fn looked_at(&self) -> (&CampaignInput, Timestamp);

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
            let (input, now) = look.looked_at();
            let crowd = Crowd::of_audience(tx, workspace_id, &input.audience, now)?.texted_for(&input.rules);
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
    let segments = spread(&all);
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
        accounts: tally.accounts.costs(tx, &flight.prepared.workspace)?,
        price_list: None,
    };
    let names = input.variants.iter().map(|variant| variant.name.clone()).chain(["The text".to_owned()]);
    let names: Vec<String> = names.collect();
    let texts = texts(flight, &tally.texts, &names)?;
    let variants = tally.variants.iter().zip(names).map(|(variant, name)| PreflightVariant {
        name,
        messages: variant.segments.values().sum(),
        segments: spread(&variant.segments),
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
        files: files_of(tx, workspace_id, &flight.campaign)?,
        warnings: Vec::new(),
        mark: mark(tx, workspace_id, &flight.campaign, flight.now)?,
        at: flight.now,
    };
    result.warnings = warnings(&result, (tally.unicode, tally.lacking), flight);
    let ended = links::ended_before(tx, workspace_id, &flight.campaign, flight.begins)?;
    result.warnings.extend(ended.map(|message| PreflightWarning { kind: WarningKind::LinksEnded, message }));
    Ok(result)
}

/// The files of a campaign; none of one that sends texts alone.
fn files_of(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    campaign: &CampaignView,
) -> Result<Option<PreflightFiles>, StoreError> {
    if campaign.input.media.is_empty() {
        return Ok(None);
    }
    let files = tx.campaign_media(workspace_id, campaign.id)?;
    let parts = || files.iter().map(|file| MmsFile { mime: &file.mime, size: file.size });
    Ok(Some(PreflightFiles {
        count: files.len() as i64,
        bytes: parts().map(|file| file.size as i64).sum(),
        risky: parts().filter(MmsFile::is_risky).count() as i64,
        missing: files.iter().filter(|file| file.presence != FilePresence::Stored).count() as i64,
    }))
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
                segments: spread(&histogram),
                findings: author.findings(written.map_or(body, |other| &other.body), &composed.text, text),
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
    if let Some(files) = result.files {
        if files.missing > 0 {
            let message = "A file of the campaign is not here any more, so nothing would leave. Choose it again.";
            warn(WarningKind::FileMissing, message.to_owned());
        }
        if files.risky > 0 {
            let message = "A file that is no picture is larger than 600 KB: many carriers drop messages with such a file. \
                           Make it smaller.";
            warn(WarningKind::FilesRisky, message.to_owned());
        }
    }
    if result.files.is_some() && !result.cost.unpriced.is_empty() {
        let message = "There is no price of a message with files, so the cost is not known. Set it in Setup, Texts.";
        warn(WarningKind::NoPrice, message.to_owned());
    } else if !result.cost.unpriced.is_empty() {
        let message = format!(
            "There is no price for {}; the cost leaves them out. Set it in Setup, Senders, Prices of accounts.",
            result.cost.unpriced.join(", ")
        );
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
    let line = workspace.map(|workspace| workspace.settings.campaigns.opt_out_line.clone());
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
