//! Previews: what a text looks like and costs, and whom a campaign would reach if it were started now.

use std::{collections::BTreeMap, sync::Arc};

use segue_channels::text::Encoding;
use segue_model::{
    CampaignId, ChannelId, ContactId, Ctx, SenderId, Timestamp, WorkspaceId, campaign::Footer, contact::ContactFields,
    policy::Decision,
};
use segue_store::{
    Store, Tx,
    audience::AudienceMember,
    campaign::CampaignView,
    link::{LinkSettings, Shorten},
    recipient::{RuleCount, TEXT_TOO_LONG, rule_label},
};
use serde::{Deserialize, Serialize};

use super::{
    Prepared,
    audience::{approval, judge},
    chat_number, found,
    members::{Crowd, Entry},
    plan::CHUNK,
    prepare,
};
use crate::{
    Links, OutreachError, domains,
    text::{CampaignText, Composed, Frame, LONGEST_BODY, unknown_fields},
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
    /// What becomes of addresses in the text; short links when it is not given.
    #[serde(default)]
    pub shorten: Option<Shorten>,
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

/// A text as it would go out, for a contact of whom nothing is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TextPreview {
    pub text: String,
    pub encoding: SmsEncoding,
    /// Septets of GSM 7-bit, or 16-bit units.
    pub units: usize,
    pub segments: usize,
    /// Units that fit before one more segment is needed.
    pub remaining: usize,
    /// Merge fields that no contact has.
    pub unknown_fields: Vec<String>,
    /// Characters that force the larger encoding.
    pub non_gsm: Vec<String>,
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
    let links = links.clone();
    store
        .read(move |tx| {
            let chat = chat_number(tx, workspace_id, input.whatsapp_channel_id, input.footer)?;
            let settings = LinkSettings { shorten: input.shorten.unwrap_or(Shorten::Every), ..LinkSettings::default() };
            let links = domains::links_of(tx, &links, workspace_id, &settings)?;
            let frame = Frame {
                footer: input.footer,
                chat: chat.as_deref(),
                prefilled_text: &input.prefilled_text,
                shorten: settings.shorten,
                links: &links,
                campaign_number: 0,
            };
            let text = CampaignText::new(&input.body, &frame)?;
            let unknown_fields = unknown_fields(tx, workspace_id, &text.fields())?;
            let Composed { text, segmentation } = text.compose(&ContactFields::default(), 0)?;
            Ok(TextPreview {
                text,
                encoding: segmentation.encoding.into(),
                units: segmentation.units,
                segments: segmentation.segments.len(),
                remaining: segmentation.remaining,
                unknown_fields,
                non_gsm: segmentation.non_gsm.iter().map(ToString::to_string).collect(),
            })
        })
        .await
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
        member: &AudienceMember,
        barred: Option<&'static str>,
        prepared: &Prepared,
        decision: Decision,
    ) {
        self.audience += 1;
        if let Some(rule) = barred {
            *self.excluded.entry(rule).or_default() += 1;
            return;
        }
        if let Decision::Suppress { rule } = decision {
            *self.excluded.entry(rule.as_str()).or_default() += 1;
            return;
        }
        let Ok(composed) = prepared.text.compose(&member.fields, 0).and_then(Composed::within_limit) else {
            *self.excluded.entry(TEXT_TOO_LONG).or_default() += 1;
            return;
        };
        if let Decision::Hold { rule, .. } = decision {
            *self.held.entry(rule.as_str()).or_default() += 1;
        }
        self.sendable += 1;
        self.ucs2 += i64::from(composed.segmentation.encoding == Encoding::Ucs2);
        *self.segments.entry(composed.segments()).or_default() += 1;
        if self.sample.is_none() {
            let segments = composed.segments();
            self.sample = Some(SampleText { text: composed.text, segments, contact_name: member.fields.full_name() });
        }
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
    let mut tally = Tally::default();
    let mut after: Option<ContactId> = None;
    let (campaign, prepared) = {
        let links = links.clone();
        store
            .read(move |tx| {
                let campaign = found(tx, workspace_id, id)?;
                let prepared = prepare(tx, &links, workspace_id, Some(campaign.id), &campaign.input, campaign.number)?;
                Ok::<_, OutreachError>((Arc::new(campaign), Arc::new(prepared)))
            })
            .await?
    };
    loop {
        let (campaign, prepared) = (Arc::clone(&campaign), Arc::clone(&prepared));
        let so_far = tally;
        let (counted, last, is_last) =
            store.read(move |tx| count_chunk(tx, &campaign, &prepared, workspace_id, &so_far, after, now)).await?;
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
    prepared: &Prepared,
    workspace_id: WorkspaceId,
    so_far: &Tally,
    after: Option<ContactId>,
    now: Timestamp,
) -> Result<Counted, OutreachError> {
    let crowd = Crowd::of_audience(tx, workspace_id, &campaign.input.audience, now)?;
    let page = crowd.page(tx, workspace_id, after, CHUNK)?;
    let mut tally = so_far.clone();
    for Entry { member, barred } in &page.entries {
        let judgement = judge(tx, member, &prepared.workspace, approval(&prepared.sender), now)?;
        tally.count(member, *barred, prepared, judgement.decision);
    }
    Ok((tally, page.next, page.next.is_none()))
}
