//! Whether a contact can be texted now, and why (not): the policy's answer for one person, with everything it went by.

use segue_model::{
    ContactId, Ctx, Timestamp, WorkspaceId, place_of_phone,
    policy::{Decision, Explanation, Limits, Rule},
    rule_book::{self, Law},
    series::CampaignRules,
};
use segue_store::Store;
use serde::Serialize;

use crate::{
    OutreachError,
    campaign::audience::{Asks, judge, time_zones},
};

segue_model::text_enum! {
    /// What would happen to a promotional text to this person now.
    pub enum Reach {
        Send = "send",
        Hold = "hold",
        Refuse = "refuse",
    }
}

/// The policy's answer for one contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Reachability {
    pub reach: Reach,
    /// The rule that decided.
    pub rule: Rule,
    /// The decision in words.
    pub reason: String,
    pub explanation: Option<Explanation>,
    /// For one that is held: when it is asked again.
    pub until: Option<Timestamp>,
    /// For one that would be sent: until when it may reach the phone.
    pub deliver_by: Option<Timestamp>,
    /// ISO 3166 code of the country or state the number belongs to.
    pub place: Option<String>,
    /// The zones whose clocks count: the contact's own, or all that the number allows.
    pub time_zones: Vec<String>,
    /// The rules of rule books that hold for the place.
    pub laws: Vec<LawView>,
    /// Promotional messages that count against a frequency cap, newest first. Counted only where a cap applies.
    pub counted: Vec<Timestamp>,
}

/// A rule of a rule book as people read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Law)]
pub struct LawView {
    /// Stable name, such as `us.fl`.
    pub id: String,
    /// Version of its book.
    pub version: String,
    /// ISO 3166 code of the country or state; `US-?` for an unknown state.
    pub place: String,
    pub title: String,
    /// When promotional texts are allowed.
    pub hours: Option<String>,
    /// How many are allowed.
    pub frequency: Option<String>,
    pub basis: rule_book::Basis,
    /// Where the rule stands.
    pub source: String,
    /// The day it began, `YYYY-MM-DD`.
    pub effective_from: String,
    /// The day it ends, `YYYY-MM-DD`.
    pub effective_until: Option<String>,
}

impl From<&Law> for LawView {
    fn from(law: &Law) -> Self {
        Self {
            id: law.id.clone(),
            version: law.version.clone(),
            place: law.place.clone(),
            title: law.title.clone(),
            hours: law.hours.map(|hours| hours.words()),
            frequency: law.frequency.map(|frequency| format!("at most {}", frequency.words())),
            basis: law.basis,
            source: law.source.clone(),
            effective_from: law.effective_from.to_string(),
            effective_until: law.effective_until.map(|date| date.to_string()),
        }
    }
}

/// What would happen to a promotional text to this contact now.
///
/// # Errors
/// When there is no such contact.
pub async fn reachability(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: ContactId,
) -> Result<Reachability, OutreachError> {
    let now = ctx.now();
    store
        .read(move |tx| {
            let member = tx.audience_member(workspace_id, id)?.ok_or(OutreachError::NotFound("contact"))?;
            let member = member.with_number_to_text();
            let workspace = tx.workspace(workspace_id)?.ok_or(OutreachError::NotFound("workspace"))?;
            let phone = member.fields.phone.as_ref().map(|phone| phone.as_str());
            let asks = Asks::of(tx, &workspace, &CampaignRules::default())?;
            let judgement = judge(tx, &member, (&workspace, &asks), None, now)?;
            let place = member.fields.phone.as_ref().and_then(place_of_phone);
            let counted = match (phone, Limits::look_back(place, &workspace.settings.policy.caps, now)) {
                (Some(phone), Some((millis, _))) => {
                    tx.marketing_sends(workspace_id, phone, now.plus(-millis), None, SHOWN_SENDS)?
                }
                _ => Vec::new(),
            };
            let (reach, rule, until, deliver_by) = match judgement.decision {
                Decision::Send(permit) => (Reach::Send, Rule::Allowed, None, permit.deliver_by()),
                Decision::Hold { until, rule } => (Reach::Hold, rule, Some(until), None),
                Decision::Suppress { rule } => (Reach::Refuse, rule, None, None),
            };
            let words = judgement.explanation.as_ref().map(|why| why.words(rule));
            Ok(Reachability {
                reach,
                rule,
                reason: words.unwrap_or_else(|| rule.label().to_owned()),
                explanation: judgement.explanation,
                until,
                deliver_by,
                place: place.map(|place| place.region.unwrap_or(place.country).to_owned()),
                time_zones: time_zones(&member.fields, &workspace),
                laws: rule_book::laws_at(place, now).into_iter().map(LawView::from).collect(),
                counted,
            })
        })
        .await
}

/// Most earlier messages that are shown.
const SHOWN_SENDS: u32 = 100;
