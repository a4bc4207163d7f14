//! Previews: what a text looks like and costs, and whom a campaign would reach if it were started now.

use std::{collections::BTreeMap, sync::Arc};

use segue_channels::text::Encoding;
use segue_model::{
    CampaignId, ChannelId, ContactId, Ctx, SenderId, SenderPoolId, Timestamp, WorkspaceId,
    campaign::Footer,
    contact::ContactFields,
    language::LocaleText,
    policy::Decision,
    sender::SenderAlphabet,
    sms_writing::SmsWriting,
    text_lint::{SenderReach, TextFinding},
};
use segue_store::{
    Store, Tx,
    campaign::{CampaignInput, CampaignView},
    link::{LinkSettings, Shorten},
    recipient::{HELD_OUT, NOT_PLAIN, RuleCount, TEXT_TOO_LONG, rule_label},
};
use serde::{Deserialize, Serialize};

use super::{
    Prepared,
    audience::judge,
    chat_number, check_texts,
    checks::{Author, SmartProposal, smart_proposal},
    found, launch,
    members::{Crowd, Entry},
    pinned::reach,
    plan::{CHUNK, segments_of},
    prepare, timing, variants,
};
use crate::{
    Links, OutreachError, domains, look_up,
    origin::{Load, Origins},
    snippets,
    text::{CampaignText, Composed, Frame, LONGEST_BODY, unknown_fields},
    typed,
    ways::Way,
};

/// A text being written.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
pub struct TextInput {
    pub body: String,
    pub footer: Footer,
    #[serde(default)]
    pub prefilled_text: String,
    #[serde(default)]
    pub whatsapp_channel_id: Option<ChannelId>,
    #[serde(default)]
    pub sender_id: Option<SenderId>,
    /// The pool that it leaves from, when it is one.
    #[serde(default)]
    pub pool_id: Option<SenderPoolId>,
    /// What becomes of addresses in the text; short links when it is not given.
    #[serde(default)]
    pub shorten: Option<Shorten>,
    /// The text in other languages.
    #[serde(default)]
    pub texts: Vec<LocaleText>,
    /// Whose text to show; nobody's when neither this nor `person` is given.
    #[serde(default)]
    pub contact_id: Option<ContactId>,
    /// Somebody who does not exist, to try the text with.
    #[serde(default)]
    pub person: Option<TestPerson>,
}

/// Somebody who does not exist, to try a text with.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TestPerson {
    /// BCP 47; chooses among the texts by language.
    pub locale: Option<String>,
    /// Values by the names of merge fields.
    pub fields: BTreeMap<String, String>,
}

impl TestPerson {
    fn contact(&self) -> ContactFields {
        let mut contact = ContactFields::default();
        for (field, value) in &self.fields {
            contact.set_field(field, Some(value.clone()));
        }
        contact.locale = self.locale.clone().or(contact.locale);
        contact
    }
}

segue_model::text_enum! {
    /// The alphabet a text needs.
    pub enum SmsEncoding {
        Gsm7 = "gsm7",
        Ucs2 = "ucs2",
    }
}

impl From<Encoding> for SmsEncoding {
    fn from(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Gsm7 => Self::Gsm7,
            Encoding::Ucs2 => Self::Ucs2,
        }
    }
}

/// A text as it would go out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TextPreview {
    pub text: String,
    pub encoding: SmsEncoding,
    /// Septets of GSM 7-bit, or 16-bit units.
    pub units: usize,
    pub segments: usize,
    /// Units that fit before one more segment is needed.
    pub remaining: usize,
    /// Merge fields that any of the texts uses.
    pub fields: Vec<String>,
    /// Those among them that no contact has.
    pub unknown_fields: Vec<String>,
    /// Characters that force the larger encoding.
    pub non_gsm: Vec<String>,
    /// The language of the text that is shown; null for the text without one.
    pub locale: Option<String>,
    /// The opt-out line that was added.
    pub opt_out_line: Option<String>,
    /// How the text gets cheaper without reading differently.
    pub smart: Option<SmartProposal>,
    /// What carriers may dislike about it, the gravest first.
    pub findings: Vec<TextFinding>,
    /// Each of the texts in other languages.
    pub texts: Vec<LocalePreview>,
}

/// The text in one language, for a contact of whom nothing else is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct LocalePreview {
    pub locale: String,
    pub text: String,
    pub encoding: SmsEncoding,
    pub units: usize,
    pub segments: usize,
    pub findings: Vec<TextFinding>,
}

/// Whom a campaign would reach and what it would cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CampaignPreview {
    pub audience: i64,
    /// Those who would get the text, at once or later.
    pub sendable: i64,
    /// Those among them who would get it later, by rule.
    pub held: Vec<RuleCount>,
    pub excluded: Vec<RuleCount>,
    pub segments: SegmentRange,
    pub sample: Option<SampleText>,
}

/// Segments per message over those who would get one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SegmentRange {
    pub min: usize,
    /// The median.
    pub typical: usize,
    pub max: usize,
    /// What most of the texts need.
    pub encoding: SmsEncoding,
}

/// The text for the first contact who would get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SampleText {
    pub text: String,
    pub segments: usize,
    pub contact_name: Option<String>,
}

/// What a text looks like and costs while it is being written.
///
/// # Errors
/// When it is not well formed, or its footer needs a WhatsApp channel and there is none.
pub async fn preview_text(
    store: &Store,
    links: &Links,
    workspace_id: WorkspaceId,
    input: TextInput,
) -> Result<TextPreview, OutreachError> {
    if input.body.chars().count() > LONGEST_BODY {
        return Err(OutreachError::invalid("body", format!("The text is longer than {LONGEST_BODY} characters.")));
    }
    check_texts(&input.texts)?;
    let links = links.clone();
    store.read(move |tx| preview_in(tx, &links, workspace_id, &input)).await
}

fn preview_in(
    tx: &mut Tx<'_>,
    links: &Links,
    workspace_id: WorkspaceId,
    input: &TextInput,
) -> Result<TextPreview, OutreachError> {
    let workspace = tx.workspace(workspace_id)?.ok_or(OutreachError::NotFound("workspace"))?;
    let chat = chat_number(tx, workspace_id, input.whatsapp_channel_id, input.footer)?;
    let settings = LinkSettings { shorten: input.shorten.unwrap_or(Shorten::Every), ..LinkSettings::default() };
    let links = domains::links_of(tx, links, workspace_id, &settings)?;
    let sender = match input.sender_id {
        Some(id) => tx.sender(workspace_id, id)?,
        None => None,
    };
    let reach = sender.as_ref().map_or(SenderReach::TwoWay, reach);
    let origins = match &sender {
        Some(sender) => Some(Origins::of_some(tx, workspace_id, sender.clone(), input.pool_id, Load::Text)?),
        None => None,
    };
    let writer = |text: &str| match &origins {
        Some(origins) => {
            let origin = origins.writer_of(text);
            (origin.facts.alphabet, origin.writing)
        }
        None => (SenderAlphabet::Any, SmsWriting::default()),
    };
    let snippets = snippets::texts(tx, workspace_id)?;
    let kinds = typed::kinds(tx, workspace_id)?;
    let frame = Frame {
        footer: input.footer,
        chat: chat.as_deref(),
        prefilled_text: &input.prefilled_text,
        shorten: settings.shorten,
        links: &links,
        campaign_number: 0,
        texts: &input.texts,
        snippets: &snippets,
        kinds: &kinds,
        opt_out_line: Some(&workspace.settings.campaigns.opt_out_line),
        reach,
        targets: &[],
    };
    let contact = match (input.contact_id, &input.person) {
        (Some(id), _) => {
            let found = tx.contact(workspace_id, id)?;
            found.ok_or_else(|| OutreachError::invalid("contact_id", "There is no such contact."))?.fields()
        }
        (None, Some(person)) => person.contact(),
        (None, None) => ContactFields::default(),
    };
    let text = CampaignText::new(&input.body, &frame)?;
    look_up::check(tx, workspace_id, text.body().uses().iter())?;
    let answers = look_up::look_up_one(tx, workspace_id, &[text.body()], (input.contact_id, &contact))?;
    let fields = text.fields();
    let unknown_fields = unknown_fields(tx, workspace_id, &fields)?;
    let author = Author::of(&workspace, &links, reach);
    let composed = || text.compose((&contact, &answers), 0);
    // What the sender replaces is shown as it leaves; where none takes the text, it is shown as written.
    let (alphabet, writing) = writer(&composed()?.text);
    let shown = match composed()?.written_in(alphabet, writing) {
        Some(shown) => shown,
        None => composed()?,
    };
    let locale = text.locale_for(&contact).map(str::to_owned);
    let written = input.texts.iter().find(|other| Some(&other.locale) == locale.as_ref());
    let smart = match written {
        // The proposal is about the text that stands in the editor.
        Some(_) => None,
        None => smart_proposal(&input.body, &frame, &contact, (shown.segments(), writing)),
    };
    let findings = author.findings(written.map_or(&input.body, |other| &other.body), &shown.text, &text);
    let mut texts = Vec::new();
    for other in &input.texts {
        let nobody = ContactFields { locale: Some(other.locale.clone()), ..ContactFields::default() };
        let (alphabet, writing) = writer(&text.compose(&nobody, 0)?.text);
        let composed = match text.compose(&nobody, 0)?.written_in(alphabet, writing) {
            Some(composed) => composed,
            None => text.compose(&nobody, 0)?,
        };
        texts.push(LocalePreview {
            locale: other.locale.clone(),
            findings: author.findings(&other.body, &composed.text, &text),
            encoding: composed.segmentation.encoding.into(),
            units: composed.segmentation.units,
            segments: composed.segments(),
            text: composed.text,
        });
    }
    let Composed { text, segmentation, opt_out_line, .. } = shown;
    Ok(TextPreview {
        text,
        encoding: segmentation.encoding.into(),
        units: segmentation.units,
        segments: segmentation.segments.len(),
        remaining: segmentation.remaining,
        fields: fields.into_iter().collect(),
        unknown_fields,
        non_gsm: segmentation.non_gsm.iter().map(ToString::to_string).collect(),
        locale,
        opt_out_line,
        smart,
        findings,
        texts,
    })
}

/// What has been counted so far.
#[derive(Default, Clone)]
struct Tally {
    audience: i64,
    sendable: i64,
    held: BTreeMap<&'static str, i64>,
    excluded: BTreeMap<&'static str, i64>,
    /// Messages by number of segments.
    segments: BTreeMap<usize, i64>,
    ucs2: i64,
    sample: Option<SampleText>,
}

impl Tally {
    fn count(
        &mut self,
        entry: &Entry,
        (text, input): (&CampaignText, &CampaignInput),
        (likely, now): (Way<'_>, Timestamp),
        decision: Decision,
    ) {
        let member = &entry.member;
        self.audience += 1;
        if let Some(rule) = entry.barred {
            *self.excluded.entry(rule).or_default() += 1;
            return;
        }
        if let Decision::Suppress { rule } = decision {
            *self.excluded.entry(rule.as_str()).or_default() += 1;
            return;
        }
        let Ok(composed) = text.compose(entry.person(), 0) else {
            *self.excluded.entry(TEXT_TOO_LONG).or_default() += 1;
            return;
        };
        let likely = likely.carrying(&composed.text, member.fields.phone.as_ref(), now);
        let Some(composed) = composed.written_in(likely.facts.alphabet, likely.writing) else {
            *self.excluded.entry(NOT_PLAIN).or_default() += 1;
            return;
        };
        let Ok(composed) = composed.within_limit() else {
            *self.excluded.entry(TEXT_TOO_LONG).or_default() += 1;
            return;
        };
        if timing::is_held_out(input, self.position()) {
            *self.excluded.entry(HELD_OUT).or_default() += 1;
            return;
        }
        if let Decision::Hold { rule, .. } = decision {
            *self.held.entry(rule.as_str()).or_default() += 1;
        }
        self.sendable += 1;
        self.ucs2 += i64::from(composed.segmentation.encoding == Encoding::Ucs2);
        let segments = segments_of(&input.media, &composed).map_or(1, |segments| segments as usize);
        *self.segments.entry(segments).or_default() += 1;
        if self.sample.is_none() {
            self.sample = Some(SampleText { text: composed.text, segments, contact_name: member.fields.full_name() });
        }
    }

    /// The position of whom it counts.
    fn position(&self) -> u32 {
        u32::try_from(self.audience).unwrap_or(u32::MAX)
    }

    fn median_segments(&self) -> usize {
        let mut left = (self.sendable + 1) / 2;
        for (segments, count) in &self.segments {
            left -= count;
            if left <= 0 {
                return *segments;
            }
        }
        0
    }

    fn into_preview(self) -> CampaignPreview {
        let typical = self.median_segments();
        let rules = |counts: BTreeMap<&'static str, i64>| {
            let mut rules: Vec<RuleCount> = counts
                .into_iter()
                .map(|(rule, count)| RuleCount { rule: rule.to_owned(), label: rule_label(rule), count })
                .collect();
            rules.sort_by_key(|rule| -rule.count);
            rules
        };
        CampaignPreview {
            audience: self.audience,
            sendable: self.sendable,
            held: rules(self.held),
            excluded: rules(self.excluded),
            segments: SegmentRange {
                min: self.segments.keys().next().copied().unwrap_or_default(),
                typical,
                max: self.segments.keys().next_back().copied().unwrap_or_default(),
                encoding: if self.ucs2 * 2 > self.sendable { SmsEncoding::Ucs2 } else { SmsEncoding::Gsm7 },
            },
            sample: self.sample,
        }
    }
}

/// Whom the campaign would reach if it were started now: the same decisions as at planning, over the real audience.
///
/// # Errors
/// When there is no such campaign or its text cannot be made.
pub async fn preview(
    store: &Store,
    ctx: &Ctx,
    links: &Links,
    workspace_id: WorkspaceId,
    id: CampaignId,
) -> Result<CampaignPreview, OutreachError> {
    let now = ctx.now();
    if store.read(move |tx| found(tx, workspace_id, id)).await?.input.template.is_some() {
        return super::template_preflight::preview(store, links, workspace_id, id, now).await;
    }
    let mut tally = Tally::default();
    let mut after: Option<ContactId> = None;
    let (campaign, prepared, texts, begins) = {
        let links = links.clone();
        store
            .read(move |tx| {
                let campaign = found(tx, workspace_id, id)?;
                let prepared = prepare(tx, &links, workspace_id, Some(campaign.id), &campaign.input, campaign.number)?;
                let texts = variants::texts(tx, &links, workspace_id, &campaign)?;
                let (_, begins) = launch::as_it_begins(tx, &prepared.workspace, &campaign, now)?;
                Ok::<_, OutreachError>((Arc::new(campaign), Arc::new(prepared), Arc::new(texts), begins))
            })
            .await?
    };
    loop {
        let (campaign, prepared, texts) = (Arc::clone(&campaign), Arc::clone(&prepared), Arc::clone(&texts));
        let so_far = tally;
        let (counted, last, is_last) = store
            .read(move |tx| {
                count_chunk(tx, &campaign, (&prepared, &texts), workspace_id, &so_far, after, (now, begins))
            })
            .await?;
        tally = counted;
        after = last;
        if is_last {
            return Ok(tally.into_preview());
        }
    }
}

type Counted = (Tally, Option<ContactId>, bool);

fn count_chunk(
    tx: &mut Tx<'_>,
    campaign: &CampaignView,
    (prepared, texts): (&Prepared, &[CampaignText]),
    workspace_id: WorkspaceId,
    so_far: &Tally,
    after: Option<ContactId>,
    (now, begins): (Timestamp, Timestamp),
) -> Result<Counted, OutreachError> {
    let crowd = Crowd::of_audience(tx, workspace_id, &campaign.input.audience, now)?.texted_for(&campaign.input.rules);
    let mut page = crowd.page(tx, workspace_id, after, CHUNK)?;
    let bodies: Vec<_> = [&prepared.text].into_iter().chain(texts).map(CampaignText::body).collect();
    page.look_up(tx, workspace_id, &bodies)?;
    let mut tally = so_far.clone();
    for entry in &page.entries {
        let member = &entry.member;
        let text = variants::text_of(&prepared.text, texts, &campaign.input, tally.position().saturating_add(1));
        let written = || Some(text.compose(entry.person(), 0).ok()?.text);
        let likely = prepared.origins.likely(tx, workspace_id, (member.fields.phone.as_ref(), written), now)?;
        let at = prepared.asks.moment(now, || begins);
        let judgement = judge(tx, member, (&prepared.workspace, &prepared.asks), Some(likely.origin), at)?;
        tally.count(entry, (text, &campaign.input), (likely, now), judgement.decision);
    }
    Ok((tally, page.next, page.next.is_none()))
}
