//! The pre-flight of a campaign by template: who gets it, what of the platform's limit it takes, and what it costs by
//! market. It reads and changes nothing.

use std::{collections::BTreeMap, sync::Arc};

use jiff::tz::TimeZone;
use segue_model::{
    CampaignId, PhoneNumber, Timestamp, WorkspaceId,
    charge::Volume,
    content::Content,
    delivery::MessageClass,
    market::{OTHER, market_of},
    rate_card::{self, FreeReason, Rate, RateCard, RateCategory, TierShare, day_of, free_reason, month_of, valid_at},
};
use segue_store::{
    Store, StoreError, Tx,
    campaign::{CampaignInput, CampaignView},
    campaign_hold::MarketingBrake,
    recipient::{DUPLICATE_PHONE, HELD_OUT, RuleCount},
};
use serde::Serialize;

use super::{
    found, launch,
    lines::Lines,
    links,
    members::Entry,
    preflight::{
        Look, Preflight, PreflightCost, PreflightPerson, PreflightSegments, PreflightWarning, RuleTally, SAMPLE,
        WarningKind, counted, mark, rules,
    },
    preview::{CampaignPreview, SampleText, SegmentRange, SmsEncoding},
    template::{TemplateText, Verdict},
    timing,
};
use crate::{Links, OutreachError, text::Body};

/// Messages that cost nothing, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FreeShare {
    pub reason: FreeReason,
    /// The reason in words.
    pub words: String,
    pub messages: i64,
}

/// Adds a message to those that are free for the same reason.
pub(super) fn add_free(shares: &mut Vec<FreeShare>, reason: FreeReason) {
    match shares.iter_mut().find(|share| share.reason == reason) {
        Some(share) => share.messages += 1,
        None => shares.push(FreeShare { reason, words: reason.words().to_owned(), messages: 1 }),
    }
}

/// The tier that comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct NextTier {
    /// The first message of the month that has its price.
    pub from: u64,
    /// In thousandths of a hundredth of the currency.
    pub price_thousandths: i64,
    /// Messages until its price counts.
    pub missing: u64,
}

impl NextTier {
    /// What comes after so many messages of the month.
    pub(super) fn after(rate: &Rate, so_far: u64) -> Option<Self> {
        let tier = rate.next_tier(so_far)?;
        Some(Self { from: tier.from, price_thousandths: tier.thousandths, missing: tier.from - 1 - so_far })
    }
}

/// What messages to one market cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct MarketCost {
    pub market: String,
    /// What the platform takes them for.
    pub category: String,
    pub messages: i64,
    /// Those among them that are free.
    pub free: i64,
    /// Why they are.
    pub free_reasons: Vec<FreeShare>,
    /// Of the first that is not, in thousandths of a hundredth of the currency; null when the price list has none.
    pub price_thousandths: Option<i64>,
    /// How many have the price of which tier; one when the price list has no tiers.
    pub tiers: Vec<TierShare>,
    /// Messages of the month that were charged before these, where the price list has tiers.
    pub so_far: Option<u64>,
    /// The tier that comes after these messages.
    pub next_tier: Option<NextTier>,
    /// Of all of them, in thousandths of a hundredth of the currency.
    pub thousandths: i64,
    /// The same in hundredths of the currency, rounded; the whole is the sum of these.
    pub total: i64,
}

/// Thousandths of a hundredth of the currency in hundredths, rounded.
pub(super) const fn minor(thousandths: i64) -> i64 {
    (thousandths + 500).div_euclid(1_000)
}

/// What the platform's limit leaves for a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PreflightLimit {
    /// Customers who may be written to first in 24 hours; null when there is no limit.
    pub most: Option<u32>,
    /// When the platform told it; null when it never did.
    pub told_at: Option<Timestamp>,
    /// Customers who were, in the last 24 hours.
    pub used: u32,
    /// Customers whom this campaign would write to first.
    pub wanted: i64,
    /// How many of them have to wait until others drop out.
    pub waiting: i64,
    /// What of the number's marketing is stopped.
    pub brakes: Vec<MarketingBrake>,
}

/// How many get it in a language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PreflightLanguage {
    /// As WhatsApp writes it: `de`, `pt_BR`.
    pub language: String,
    pub messages: i64,
}

#[derive(Default, Clone)]
struct Tally {
    audience: u32,
    sendable: i64,
    held: BTreeMap<&'static str, RuleTally>,
    excluded: BTreeMap<&'static str, RuleTally>,
    initiates: i64,
    /// Messages and those free among them, by market.
    markets: BTreeMap<&'static str, (i64, Vec<FreeShare>)>,
    languages: BTreeMap<String, i64>,
    sample: Option<SampleText>,
    lines: Lines,
}

struct Flight {
    workspace_id: WorkspaceId,
    campaign: CampaignView,
    /// The campaign as it is when it begins next, by which everybody is judged.
    begun: CampaignInput,
    begins: Timestamp,
    /// The days of price lists begin at midnight here.
    zone: TimeZone,
    text: TemplateText,
    now: Timestamp,
}

impl Flight {
    fn judge(&self, tx: &mut Tx<'_>, entry: &Entry, position: u32, lines: &mut Lines) -> Result<Verdict, StoreError> {
        let verdict = self.text.judge(tx, &self.begun, entry, (position, self.begins, self.begins))?;
        let Some(ready) = &verdict.message else { return Ok(verdict) };
        let is_held_out = timing::is_held_out(&self.campaign.input, position);
        let address = &ready.recipient.address;
        let rule = match (is_held_out, if is_held_out { !lines.has(address) } else { lines.add(address) }) {
            (false, true) => return Ok(verdict),
            (true, true) => HELD_OUT,
            (_, false) => DUPLICATE_PHONE,
        };
        Ok(Verdict { rule, detail: None, held: None, message: None })
    }

    fn by_language(&self) -> bool {
        self.campaign.input.template.as_ref().is_some_and(|template| template.by_language)
    }

    fn category(&self) -> RateCategory {
        match self.text.class() {
            MessageClass::Marketing => RateCategory::Marketing,
            _ => RateCategory::Utility,
        }
    }

    fn count_one(&self, tx: &mut Tx<'_>, tally: &mut Tally, entry: &Entry) -> Result<(), StoreError> {
        tally.audience += 1;
        let verdict = self.judge(tx, entry, tally.audience, &mut tally.lines)?;
        let fields = &entry.member.fields;
        let note = |rules: &mut BTreeMap<&'static str, RuleTally>| {
            let rule = rules.entry(verdict.rule).or_default();
            rule.count += 1;
            rule.detail = rule.detail.take().or_else(|| verdict.detail.clone());
            if rule.sample.len() < SAMPLE {
                rule.sample.push(person(entry));
            }
        };
        let Some(ready) = &verdict.message else {
            note(&mut tally.excluded);
            return Ok(());
        };
        if verdict.rule != "allowed" {
            note(&mut tally.held);
        }
        tally.sendable += 1;
        let initiates = ready.initiates(self.now);
        tally.initiates += i64::from(initiates);
        let country = PhoneNumber::parse(&ready.recipient.address, None).ok().and_then(|phone| phone.country());
        let day = day_of(self.now, &self.zone);
        let market = country.as_deref().map_or(OTHER, |country| market_of(country, day));
        let in_free_entry = tx.is_free_entry(
            self.workspace_id,
            self.text.template.channel_id,
            (ready.recipient.user_id, &ready.recipient.address),
            self.now,
        )?;
        let of_market = tally.markets.entry(market).or_default();
        of_market.0 += 1;
        if let Some(reason) = free_reason(self.category(), !initiates, in_free_entry, (self.now, &self.zone)) {
            add_free(&mut of_market.1, reason);
        }
        if let (true, Content::Template { language, .. }) = (self.by_language(), &ready.content) {
            *tally.languages.entry(language.clone()).or_default() += 1;
        }
        tally.sample.get_or_insert_with(|| SampleText {
            text: ready.content.text().to_owned(),
            segments: 0,
            contact_name: fields.full_name(),
        });
        Ok(())
    }
}

impl Look for Flight {
    type Tally = Tally;

    fn looked_at(&self) -> (&CampaignInput, Timestamp) {
        (&self.campaign.input, self.now)
    }

    fn bodies(&self) -> Vec<&Body> {
        self.text.bodies()
    }

    fn count(&self, tx: &mut Tx<'_>, tally: &mut Tally, entry: &Entry) -> Result<(), StoreError> {
        self.count_one(tx, tally, entry)
    }
}

fn person(entry: &Entry) -> PreflightPerson {
    PreflightPerson {
        contact_id: entry.member.id,
        name: entry.member.fields.full_name(),
        phone: entry.member.fields.phone.clone(),
    }
}

fn flight(
    tx: &mut Tx<'_>,
    links: &Links,
    workspace_id: WorkspaceId,
    id: CampaignId,
    now: Timestamp,
) -> Result<Flight, OutreachError> {
    let campaign = found(tx, workspace_id, id)?;
    let wanted = campaign.input.template.as_ref().ok_or(OutreachError::NotFound("template"))?;
    let text = TemplateText::of(tx, links, workspace_id, Some(id), (wanted, campaign.number))?;
    let zone = zone(tx, workspace_id)?;
    let (begun, begins) = launch::as_it_begins(tx, &text.workspace, &campaign, now)?;
    Ok(Flight { workspace_id, campaign, begun, begins, zone, text, now })
}

async fn looked_at(
    store: &Store,
    links: &Links,
    workspace_id: WorkspaceId,
    id: CampaignId,
    now: Timestamp,
) -> Result<(Arc<Flight>, Tally), OutreachError> {
    let links = links.clone();
    let flight = store.read(move |tx| Ok::<_, OutreachError>(Arc::new(flight(tx, &links, workspace_id, id, now)?)));
    let flight = flight.await?;
    let tally = counted(store, workspace_id, &flight, Tally::default()).await?;
    Ok((flight, tally))
}

/// Looks at everything before a start.
///
/// # Errors
/// When its audience or template cannot be made.
pub(super) async fn preflight(
    store: &Store,
    links: &Links,
    workspace_id: WorkspaceId,
    id: CampaignId,
    now: Timestamp,
) -> Result<Preflight, OutreachError> {
    let (flight, tally) = looked_at(store, links, workspace_id, id, now).await?;
    store.read(move |tx| finish(tx, workspace_id, &flight, tally.clone())).await
}

fn finish(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    flight: &Flight,
    tally: Tally,
) -> Result<Preflight, OutreachError> {
    let cards = tx.rate_cards(workspace_id)?;
    let limit = limit(tx, workspace_id, flight, tally.initiates)?;
    let cost = cost(tx, &cards, flight, tally.markets)?;
    let mut result = Preflight {
        audience: i64::from(tally.audience),
        sendable: tally.sendable,
        held: rules(tally.held),
        excluded: rules(tally.excluded),
        segments: PreflightSegments::default(),
        variants: Vec::new(),
        texts: Vec::new(),
        cost,
        seconds: seconds(flight, tally.sendable),
        chats: None,
        languages: languages(tally.languages),
        limit: Some(limit),
        files: None,
        warnings: Vec::new(),
        mark: mark(tx, workspace_id, &flight.campaign, flight.now)?,
        at: flight.now,
    };
    result.warnings = warnings(&result, flight);
    let ended = links::ended_before(tx, workspace_id, &flight.campaign, flight.begins)?;
    result.warnings.extend(ended.map(|message| PreflightWarning { kind: WarningKind::LinksEnded, message }));
    Ok(result)
}

/// The language with the most messages first.
fn languages(counts: BTreeMap<String, i64>) -> Vec<PreflightLanguage> {
    let mut all: Vec<PreflightLanguage> =
        counts.into_iter().map(|(language, messages)| PreflightLanguage { language, messages }).collect();
    all.sort_by_key(|language| -language.messages);
    all
}

/// Where the days of price lists begin.
pub(super) fn zone(tx: &mut Tx<'_>, workspace_id: WorkspaceId) -> Result<TimeZone, StoreError> {
    let workspace = tx.workspace(workspace_id)?;
    Ok(workspace.map_or(TimeZone::UTC, |workspace| rate_card::zone_of(&workspace.settings.campaigns.price_zone)))
}

/// The price list of the day: the workspace's own, else the made-up one.
pub(super) fn card_of<'a>(cards: &'a [RateCard], now: Timestamp, zone: &TimeZone) -> &'a RateCard {
    valid_at(cards, now, zone).unwrap_or_else(|| rate_card::demonstration())
}

fn cost(
    tx: &mut Tx<'_>,
    cards: &[RateCard],
    flight: &Flight,
    counts: BTreeMap<&'static str, (i64, Vec<FreeShare>)>,
) -> Result<PreflightCost, StoreError> {
    let (card, category) = (card_of(cards, flight.now, &flight.zone), flight.category());
    let mut markets = Vec::with_capacity(counts.len());
    for (market, (messages, free_reasons)) in counts {
        let free: i64 = free_reasons.iter().map(|share| share.messages).sum();
        let rate = card.rate(market, category);
        let so_far = match (rate, category.tiered()) {
            (Some(rate), Some(category)) if !rate.tiers.is_empty() => {
                let volume = Volume { month: month_of(flight.now, &flight.zone), market: market.to_owned(), category };
                Some(tx.volume_of(flight.workspace_id, &flight.text.portfolio, &volume)?)
            }
            _ => None,
        };
        let charged = u64::try_from(messages - free).unwrap_or_default();
        let before = so_far.unwrap_or_default();
        let tiers = rate.map(|rate| rate.walk(before, charged)).unwrap_or_default();
        let thousandths = tiers.iter().map(TierShare::thousandths).sum();
        markets.push(MarketCost {
            market: market.to_owned(),
            category: category.to_string(),
            messages,
            free,
            free_reasons,
            price_thousandths: rate.map(|rate| rate.step_at(before + 1).thousandths),
            tiers,
            so_far,
            next_tier: rate.and_then(|rate| NextTier::after(rate, before + charged)),
            thousandths,
            total: minor(thousandths),
        });
    }
    markets.sort_by_key(|market| (-market.thousandths, -market.messages));
    let prices = || markets.iter().filter_map(|market| market.price_thousandths);
    let dearest_first = || markets.iter().max_by_key(|market| market.messages).and_then(|m| m.price_thousandths);
    Ok(PreflightCost {
        currency: card.currency.clone(),
        total: markets.iter().map(|market| market.total).sum(),
        min_thousandths: prices().min().unwrap_or_default(),
        typical_thousandths: dearest_first().unwrap_or_default(),
        max_thousandths: prices().max().unwrap_or_default(),
        unpriced: markets
            .iter()
            .filter(|market| market.price_thousandths.is_none() && market.free < market.messages)
            .map(|market| market.market.clone())
            .collect(),
        price_list: Some(format!("{}, from {}", card.name, card.valid_from)),
        markets,
        accounts: Vec::new(),
    })
}

fn limit(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    flight: &Flight,
    wanted: i64,
) -> Result<PreflightLimit, StoreError> {
    let known = tx.messaging_limit_now(workspace_id, &flight.text.portfolio, flight.now)?;
    let left = known.most.map(|most| i64::from(most.saturating_sub(known.used)));
    Ok(PreflightLimit {
        most: known.most,
        told_at: known.told_at,
        used: known.used,
        wanted,
        waiting: left.map_or(0, |left| (wanted - left).max(0)),
        brakes: tx.brakes(workspace_id, flight.text.template.channel_id)?,
    })
}

/// WhatsApp's usual speed of a number, in messages a second.
const USUAL_SPEED: i64 = 80;

fn seconds(flight: &Flight, messages: i64) -> i64 {
    let by_number = (messages + USUAL_SPEED - 1) / USUAL_SPEED;
    let by_campaign = flight.campaign.input.schedule.per_minute.map_or(0, |most| {
        let most = i64::from(most.max(1));
        (messages + most - 1).div_euclid(most).saturating_sub(1).max(0) * 60
    });
    by_number.max(by_campaign)
}

fn warnings(result: &Preflight, flight: &Flight) -> Vec<PreflightWarning> {
    let mut warnings = Vec::new();
    let mut warn = |kind, message: String| warnings.push(PreflightWarning { kind, message });
    let status = &flight.text.template.status;
    if status != segue_store::template::APPROVED {
        let message =
            format!("The template is {status} at WhatsApp, so nothing would leave. It can start when it is approved.");
        warn(WarningKind::TemplateNotApproved, message);
    }
    for message in &flight.text.translations.differing {
        warn(WarningKind::TranslationDiffers, message.clone());
    }
    for message in &flight.text.translations.waiting {
        warn(WarningKind::TranslationNotApproved, message.clone());
    }
    if result.sendable == 0 {
        warn(WarningKind::NobodyLeft, "Nobody would get this campaign.".to_owned());
    }
    if let Some(limit) = &result.limit {
        if limit.waiting > 0 {
            let message = format!(
                "WhatsApp lets you write first to {} customers in 24 hours, and {} were. {} of this campaign have to wait until others drop out.",
                limit.most.unwrap_or_default(),
                limit.used,
                limit.waiting
            );
            warn(WarningKind::OverLimit, message);
        }
        if let Some(brake) = limit.brakes.first() {
            warn(WarningKind::MarketingStopped, format!("Marketing is stopped. {}", brake.reason));
        }
    }
    if !result.cost.unpriced.is_empty() {
        let message = format!(
            "There is no price for {}; the cost leaves them out. Set it in Setup, WhatsApp prices.",
            result.cost.unpriced.join(", ")
        );
        warn(WarningKind::NoPrice, message);
    }
    warnings
}

/// Whom the draft would reach.
///
/// # Errors
/// As [`preflight`].
pub(super) async fn preview(
    store: &Store,
    links: &Links,
    workspace_id: WorkspaceId,
    id: CampaignId,
    now: Timestamp,
) -> Result<CampaignPreview, OutreachError> {
    let (_, tally) = looked_at(store, links, workspace_id, id, now).await?;
    let counts = |tallies: BTreeMap<&'static str, RuleTally>| {
        let rules = rules(tallies).into_iter();
        rules.map(|rule| RuleCount { rule: rule.rule, label: rule.label, count: rule.count }).collect()
    };
    Ok(CampaignPreview {
        audience: i64::from(tally.audience),
        sendable: tally.sendable,
        held: counts(tally.held),
        excluded: counts(tally.excluded),
        segments: SegmentRange { min: 0, typical: 0, max: 0, encoding: SmsEncoding::Gsm7 },
        sample: tally.sample,
    })
}

/// The rule of each of these members, for lists of people.
pub(super) struct Judge(Flight);

impl Judge {
    pub fn of(
        tx: &mut Tx<'_>,
        links: &Links,
        workspace_id: WorkspaceId,
        id: CampaignId,
        now: Timestamp,
    ) -> Result<Self, OutreachError> {
        flight(tx, links, workspace_id, id, now).map(Self)
    }

    pub fn bodies(&self) -> Vec<&Body> {
        self.0.text.bodies()
    }

    pub fn rule(
        &self,
        tx: &mut Tx<'_>,
        entry: &Entry,
        position: u32,
        lines: &mut Lines,
    ) -> Result<&'static str, StoreError> {
        self.0.judge(tx, entry, position, lines).map(|verdict| verdict.rule)
    }
}
