//! Variants of a campaign's text: their texts, who gets which, and how each has done.

use segue_model::{
    CampaignId, WorkspaceId,
    campaign::CampaignState,
    variant::{BUCKETS, Group, MOST_HELD_OUT, MOST_VARIANTS, STRIDE, confidence, group_of, group_of_bucket},
};
use segue_store::{
    Store, Tx,
    campaign::{CampaignInput, CampaignView},
    recipient::BucketCount,
};
use serde::Serialize;

use super::{found, prepare, prepare_with};
use crate::{Links, OutreachError, addresses::MOST_TARGETS, text::CampaignText};

/// How sure one must be of a winner, in thousandths.
const SURE: u32 = 950;

/// What became of one variant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct VariantResult {
    pub name: String,
    /// Recipients whose group it is and who could get it.
    pub recipients: i64,
    pub sent: i64,
    pub delivered: i64,
    pub tapped: i64,
    pub chats: i64,
    pub won: i64,
}

/// How the variants compare.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct VariantReport {
    pub variants: Vec<VariantResult>,
    /// Recipients who could have got it and were held out.
    pub held_out: i64,
    /// What the variants are compared by: chats of those it was sent to when there were any, else taps.
    pub measure: String,
    /// Place of the variant with the largest share; nothing while there is none.
    pub leader: Option<usize>,
    /// How sure the lead over the next one is, in thousandths; nothing when there is too little to say.
    pub confidence: Option<u32>,
    /// Whether the lead is sure enough to be called a winner.
    pub is_sure: bool,
    /// The same in words.
    pub verdict: String,
}

/// Shares of the variants; one when there is one text.
pub(super) fn weights(input: &CampaignInput) -> Vec<u32> {
    if input.variants.is_empty() { vec![1] } else { input.variants.iter().map(|variant| variant.weight).collect() }
}

/// The texts of the variants; none when there is one text. The numbers of their links go on from one to the next: those of
/// the campaign's own body, then those that the first variant has beside them, and so on. Addresses beyond [`MOST_TARGETS`]
/// stay as they are written; a draft with so many is refused ([`store_targets`]).
///
/// # Errors
/// When one of them is not well formed.
pub(super) fn texts(
    tx: &mut Tx<'_>,
    links: &Links,
    workspace_id: WorkspaceId,
    campaign: &CampaignView,
) -> Result<Vec<CampaignText>, OutreachError> {
    let mut texts = Vec::new();
    if campaign.input.variants.is_empty() {
        return Ok(texts);
    }
    let settings = tx.link_settings(workspace_id, campaign.id)?.settings;
    let own = prepare(tx, links, workspace_id, Some(campaign.id), &campaign.input, campaign.number)?.text;
    let mut targets = own.targets().to_vec();
    for variant in &campaign.input.variants {
        let input =
            CampaignInput { body: variant.body.clone(), texts: variant.texts.clone(), ..campaign.input.clone() };
        let of_links = (Some(campaign.id), &settings);
        let text = prepare_with(tx, links, workspace_id, of_links, (&input, &targets), campaign.number)?.text;
        targets = text.targets().to_vec();
        texts.push(text);
    }
    Ok(texts)
}

/// Stores where the links of a campaign's text and of its variants lead.
///
/// # Errors
/// As [`texts`], and when a draft has more addresses together than can be told apart.
pub(super) fn store_targets(
    tx: &mut Tx<'_>,
    links: &Links,
    workspace_id: WorkspaceId,
    campaign: &CampaignView,
    own: &CampaignText,
) -> Result<(), OutreachError> {
    let texts = texts(tx, links, workspace_id, campaign)?;
    // What was started or scheduled by an earlier version goes out as it would have then, and so do runs of a series.
    let is_own_draft = campaign.state == CampaignState::Draft && campaign.series_id.is_none();
    if is_own_draft && texts.iter().any(CampaignText::is_crowded) {
        let message = format!(
            "The text and its variants have more than {MOST_TARGETS} different addresses together, and a campaign has at \
             most so many short links. Use fewer different addresses."
        );
        return Err(OutreachError::invalid("variants", message));
    }
    let all = texts.last().unwrap_or(own);
    Ok(tx.put_campaign_links(workspace_id, campaign.id, all.targets())?)
}

/// The place of the variant with a name; the first when none is named. Without variants it is that of the one text.
///
/// # Errors
/// When there is no such variant.
pub(super) fn place_of(input: &CampaignInput, name: Option<&str>) -> Result<usize, OutreachError> {
    let Some(name) = name else { return Ok(0) };
    let place = input.variants.iter().position(|variant| variant.name.trim() == name.trim());
    place.ok_or_else(|| {
        let message = format!("The campaign has no variant named “{name}”. Choose one of its own.");
        OutreachError::invalid("variant", message)
    })
}

/// The text of the recipient at a position.
pub(super) fn text_of<'a>(
    only: &'a CampaignText,
    texts: &'a [CampaignText],
    input: &CampaignInput,
    position: u32,
) -> &'a CampaignText {
    match group_of(position, &weights(input), input.held_out_percent) {
        Group::Variant(place) => texts.get(place).unwrap_or(only),
        Group::HeldOut => only,
    }
}

/// Checks the variants of a draft, without their texts.
///
/// # Errors
/// What makes no sense.
pub(super) fn check(input: &CampaignInput) -> Result<(), OutreachError> {
    let refuse = |message: String| Err(OutreachError::invalid("variants", message));
    if input.held_out_percent > MOST_HELD_OUT {
        let message = format!("At most {MOST_HELD_OUT} percent can be held out.");
        return Err(OutreachError::invalid("held_out_percent", message));
    }
    let variants = &input.variants;
    if variants.len() == 1 || variants.len() > MOST_VARIANTS {
        return refuse(format!("A test has between 2 and {MOST_VARIANTS} variants."));
    }
    for (place, variant) in variants.iter().enumerate() {
        if variant.name.trim().is_empty() || variant.body.trim().is_empty() {
            return refuse(format!("Give variant {} a name and a text.", place + 1));
        }
        if !(1..=100).contains(&variant.weight) {
            return refuse(format!("The share of variant {} is between 1 and 100.", variant.name));
        }
        if variants[..place].iter().any(|other| other.name.trim() == variant.name.trim()) {
            return refuse(format!("Two variants are named {}.", variant.name));
        }
    }
    Ok(())
}

/// How the variants of a campaign compare.
///
/// # Errors
/// When there is no such campaign.
pub async fn report(store: &Store, workspace_id: WorkspaceId, id: CampaignId) -> Result<VariantReport, OutreachError> {
    store
        .read(move |tx| {
            let campaign = found(tx, workspace_id, id)?;
            let counts = tx.bucket_counts(workspace_id, id, BUCKETS, STRIDE)?;
            Ok(compare(&campaign.input, &counts))
        })
        .await
}

fn compare(input: &CampaignInput, counts: &[BucketCount]) -> VariantReport {
    let weights = weights(input);
    let names: Vec<&str> = input.variants.iter().map(|variant| variant.name.as_str()).collect();
    let mut report = VariantReport {
        variants: (0..weights.len())
            .map(|place| VariantResult {
                name: names.get(place).copied().unwrap_or("The text").to_owned(),
                ..VariantResult::default()
            })
            .collect(),
        ..VariantReport::default()
    };
    for count in counts {
        match group_of_bucket(count.bucket, &weights, input.held_out_percent) {
            Group::HeldOut => report.held_out += count.held_out,
            Group::Variant(place) => {
                let result = &mut report.variants[place];
                result.recipients += count.messages;
                result.sent += count.sent;
                result.delivered += count.delivered;
                result.tapped += count.tapped;
                result.chats += count.chats;
                result.won += count.won;
            }
        }
    }
    decide(&mut report);
    report
}

/// Finds the leader and says how sure that is.
fn decide(report: &mut VariantReport) {
    let by_chats = report.variants.iter().any(|variant| variant.chats > 0);
    report.measure = if by_chats { "chats" } else { "taps" }.to_owned();
    let yes = |variant: &VariantResult| if by_chats { variant.chats } else { variant.tapped };
    if report.variants.len() < 2 {
        report.verdict = "There is one text, so there is nothing to compare.".to_owned();
        return;
    }
    let mut order: Vec<usize> = (0..report.variants.len()).filter(|place| report.variants[*place].sent > 0).collect();
    // By share, without floating point: a/b > c/d is a*d > c*b.
    order.sort_by(|left, right| {
        let (left, right) = (&report.variants[*left], &report.variants[*right]);
        (yes(right) * left.sent).cmp(&(yes(left) * right.sent))
    });
    let [first, second, ..] = order[..] else {
        report.verdict = "Nothing has been sent of at least two variants yet.".to_owned();
        return;
    };
    let pair = |place: usize| (yes(&report.variants[place]), report.variants[place].sent);
    if pair(first).0 == 0 {
        report.verdict = format!("No {} yet.", report.measure);
        return;
    }
    report.leader = Some(first);
    report.confidence = confidence(pair(first), pair(second));
    report.is_sure = report.confidence.is_some_and(|sure| sure >= SURE);
    let name = &report.variants[first].name;
    report.verdict = match report.confidence {
        None => format!("{name} is ahead by {}, but with so few people that says nothing yet.", report.measure),
        Some(sure) if report.is_sure => {
            format!("{name} wins by {}: {} % sure that it is not chance.", report.measure, sure / 10)
        }
        Some(sure) => format!(
            "{name} is ahead by {}, but only {} % sure; that can be chance. Below {} % nobody should call it a winner.",
            report.measure,
            sure / 10,
            SURE / 10
        ),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(pairs: &[(i64, i64)]) -> VariantReport {
        let variants = pairs.iter().enumerate().map(|(place, (tapped, sent))| VariantResult {
            name: format!("V{place}"),
            sent: *sent,
            tapped: *tapped,
            ..VariantResult::default()
        });
        let mut report = VariantReport { variants: variants.collect(), ..VariantReport::default() };
        decide(&mut report);
        report
    }

    #[test]
    fn a_lead_is_called_a_win_only_when_it_is_hardly_chance() {
        let sure = report(&[(200, 1_000), (250, 1_000)]);
        assert_eq!((sure.leader, sure.is_sure, sure.confidence), (Some(1), true, Some(992)));
        assert!(sure.verdict.contains("V1 wins"), "{}", sure.verdict);
        let chance = report(&[(50, 500), (55, 500)]);
        assert_eq!((chance.leader, chance.is_sure), (Some(1), false));
        assert!(chance.verdict.contains("can be chance"), "{}", chance.verdict);
        let few = report(&[(3, 10), (1, 10)]);
        assert_eq!((few.leader, few.confidence, few.is_sure), (Some(0), None, false));
        assert_eq!(report(&[(0, 100), (0, 100)]).leader, None);
        assert_eq!(report(&[(5, 100)]).leader, None);
        // The second-best is what the leader has to beat.
        assert!(!report(&[(10, 1_000), (250, 1_000), (249, 1_000)]).is_sure);
    }
}
