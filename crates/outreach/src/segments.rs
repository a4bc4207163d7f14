//! Segments: saved conditions over contacts, looked at while they are written and afterwards.

use segue_expr::{Condition, Group, ReadProblem, Test};
use segue_model::{
    ContactId, Ctx, PhoneNumber, SegmentId, Timestamp, WorkspaceId, actor::Actor, consent::ConsentState,
};
use segue_store::{
    Store, StoreError, Tx,
    population::{Found, Population},
    segment::{Segment, SegmentChange},
};
use serde::{Deserialize, Serialize};

use crate::{OutreachError, contacts::clean, tables};

/// Longest name of a segment, in characters.
const LONGEST_NAME: usize = 200;
/// Members shown while a condition is being written.
const SAMPLE: i64 = 5;

/// A condition as a text or as a form. When both are given the form counts.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConditionInput {
    /// CEL, such as `contact.city == "Berlin" && clicked(90)`.
    #[serde(default)]
    pub condition: Option<String>,
    /// The same as rows of a form.
    #[serde(default)]
    pub form: Option<Group>,
}

/// A segment to save.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
pub struct SegmentInput {
    pub name: String,
    #[serde(flatten)]
    pub condition: ConditionInput,
}

/// What to change of a segment; what is not given stays.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
pub struct SegmentPatch {
    #[serde(default)]
    pub name: Option<String>,
    #[serde(flatten)]
    pub condition: ConditionInput,
    /// The version that was changed. When the segment has another one by now, nothing is written and the answer is 409
    /// `changed_meanwhile`; left out, what is given is written over whatever there is.
    #[serde(default)]
    pub version: Option<i64>,
}

/// A segment as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Segment)]
pub struct SegmentView {
    pub id: SegmentId,
    pub name: String,
    /// CEL.
    pub condition: String,
    /// The condition as a form; null when it says more than a form can.
    pub form: Option<Group>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub created_by: String,
    pub version: i64,
}

impl From<Segment> for SegmentView {
    fn from(segment: Segment) -> Self {
        let form = Condition::read(&segment.condition).ok().as_ref().and_then(Group::of);
        let Segment { id, name, condition, created_at, updated_at, created_by, version } = segment;
        Self { id, name, condition, form, created_at, updated_at, created_by, version }
    }
}

/// A contact as a segment's list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SegmentMember {
    pub id: ContactId,
    pub name: Option<String>,
    pub phone: Option<PhoneNumber>,
    /// Consent to promotional SMS.
    pub sms_consent: ConsentState,
}

impl From<Found> for SegmentMember {
    fn from(found: Found) -> Self {
        let name = found.member.fields.full_name();
        Self { id: found.member.id, name, phone: found.member.fields.phone, sms_consent: found.member.sms_consent }
    }
}

/// What a condition amounts to while it is being written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ConditionCheck {
    /// The condition as CEL; null when it cannot be read.
    pub condition: Option<String>,
    /// The condition as a form; null when it says more than a form can, or cannot be read.
    pub form: Option<Group>,
    /// Contacts who meet it now.
    pub count: Option<i64>,
    pub sample: Vec<SegmentMember>,
    /// Why it cannot be read.
    pub problem: Option<ReadProblem>,
}

/// How many contacts meet a segment now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SegmentCount {
    pub count: i64,
}

impl ConditionInput {
    /// The condition, as it is read again from its own text. That text is what is kept, and may be longer or deeper than
    /// what was given: a form has no such bounds, and people write fewer blanks and brackets.
    fn read(&self) -> Result<Condition, ReadProblem> {
        let condition = match (&self.form, &self.condition) {
            (Some(form), _) => form.condition()?,
            (None, text) => Condition::read(text.as_deref().unwrap_or_default())?,
        };
        // Places would be those of a text that nobody has before him.
        Condition::read(&condition.to_string()).map_err(|problem| ReadProblem { place: None, ..problem })
    }

    const fn is_given(&self) -> bool {
        self.condition.is_some() || self.form.is_some()
    }
}

/// A condition whose lists, campaigns and tables exist.
fn known(tx: &mut Tx<'_>, workspace_id: WorkspaceId, condition: Condition) -> Result<Condition, OutreachError> {
    let refuse =
        |message: &str| Err(OutreachError::Condition(ReadProblem { message: message.to_owned(), place: None }));
    for test in condition.tests() {
        match test {
            Test::OnList(id) if tx.list(workspace_id, *id)?.is_none() => {
                return refuse(&format!("There is no list {id}. Choose one of the lists."));
            }
            Test::Happened { campaign: Some(id), .. } if tx.campaign_state(workspace_id, *id)?.is_none() => {
                return refuse(&format!("There is no campaign {id}. Choose one of the campaigns."));
            }
            _ => {}
        }
    }
    tables::check_condition(tx, workspace_id, &condition)?;
    Ok(condition)
}

/// The condition of a stored segment.
///
/// # Errors
/// When there is no such segment, or its text cannot be read any more.
pub(crate) fn condition_of(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    id: SegmentId,
) -> Result<Condition, OutreachError> {
    let segment = tx.segment(workspace_id, id)?.ok_or(OutreachError::NotFound("segment"))?;
    Condition::read(&segment.condition).map_err(OutreachError::Condition)
}

fn found(tx: &mut Tx<'_>, workspace_id: WorkspaceId, id: SegmentId) -> Result<SegmentView, OutreachError> {
    Ok(tx.segment(workspace_id, id)?.ok_or(OutreachError::NotFound("segment"))?.into())
}

fn name_of(name: &str) -> Result<String, OutreachError> {
    clean(name, LONGEST_NAME).ok_or_else(|| OutreachError::invalid("name", "Give the segment a name."))
}

/// Saves a segment.
///
/// # Errors
/// When the condition cannot be read, or the name is empty or taken.
pub async fn create(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    actor: &Actor,
    input: SegmentInput,
) -> Result<SegmentView, OutreachError> {
    let name = name_of(&input.name)?;
    let condition = input.condition.read().map_err(OutreachError::Condition)?;
    let (id, now, user) = (ctx.id::<SegmentId>(), ctx.now(), actor.user_id());
    store
        .write(move |tx| {
            let text = known(tx, workspace_id, condition.clone())?.to_string();
            if !tx.insert_segment(workspace_id, id, &name, &text, user, now)? {
                return Err(OutreachError::SegmentTaken);
            }
            found(tx, workspace_id, id)
        })
        .await
}

/// Changes a segment. Campaigns that have started keep the condition as it was.
///
/// # Errors
/// When there is no such segment, it has another version by now than the one that was changed, the condition cannot be
/// read, or the name is empty or taken.
pub async fn change(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: SegmentId,
    patch: SegmentPatch,
) -> Result<SegmentView, OutreachError> {
    let name = patch.name.as_deref().map(name_of).transpose()?;
    let condition = match patch.condition.is_given() {
        true => Some(patch.condition.read().map_err(OutreachError::Condition)?),
        false => None,
    };
    let now = ctx.now();
    store
        .write(move |tx| {
            tx.lock_segment(id)?;
            let before = tx.segment(workspace_id, id)?.ok_or(OutreachError::NotFound("segment"))?;
            if patch.version.is_some_and(|version| version != before.version) {
                return Err(OutreachError::ChangedMeanwhile);
            }
            let text = match &condition {
                Some(condition) => known(tx, workspace_id, condition.clone())?.to_string(),
                None => before.condition,
            };
            let name = name.clone().unwrap_or(before.name);
            match tx.update_segment(workspace_id, id, &name, &text, now)? {
                SegmentChange::Changed => found(tx, workspace_id, id),
                SegmentChange::NameTaken => Err(OutreachError::SegmentTaken),
                SegmentChange::Missing => Err(OutreachError::NotFound("segment")),
            }
        })
        .await
}

/// Deletes a segment that no campaign needs any more.
///
/// # Errors
/// When there is no such segment, or a campaign that has not ended uses it.
pub async fn delete(store: &Store, workspace_id: WorkspaceId, id: SegmentId) -> Result<(), OutreachError> {
    store
        .write(move |tx| {
            tx.lock_segment(id)?;
            let users = tx.segment_users(workspace_id, id)?;
            if !users.is_empty() {
                return Err(OutreachError::SegmentUsed(users));
            }
            tx.delete_segment(workspace_id, id)?.then_some(()).ok_or(OutreachError::NotFound("segment"))
        })
        .await
}

/// One segment.
///
/// # Errors
/// When there is none.
pub async fn get(store: &Store, workspace_id: WorkspaceId, id: SegmentId) -> Result<SegmentView, OutreachError> {
    store.read(move |tx| found(tx, workspace_id, id)).await
}

/// Segments, newest first, from before `before` on.
///
/// # Errors
/// When the store fails.
pub async fn list(
    store: &Store,
    workspace_id: WorkspaceId,
    before: Option<SegmentId>,
    limit: i64,
) -> Result<Vec<SegmentView>, OutreachError> {
    store.read(move |tx| Ok(tx.segments(workspace_id, before, limit)?.into_iter().map(Into::into).collect())).await
}

/// How many contacts meet the segment now.
///
/// # Errors
/// When there is no such segment.
pub async fn count(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: SegmentId,
) -> Result<SegmentCount, OutreachError> {
    let now = ctx.now();
    store
        .read(move |tx| {
            let condition = condition_of(tx, workspace_id, id)?;
            Ok(SegmentCount { count: tx.population_count(workspace_id, &condition, now)? })
        })
        .await
}

/// Members of the segment after `after`, in the order of their ids; at least `limit` of them when there are so many.
///
/// # Errors
/// When there is no such segment.
pub async fn members(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: SegmentId,
    after: Option<ContactId>,
    limit: i64,
) -> Result<Vec<SegmentMember>, OutreachError> {
    let now = ctx.now();
    store
        .read(move |tx| {
            let condition = condition_of(tx, workspace_id, id)?;
            Ok(first_members(tx, workspace_id, &condition, after, limit, now)?)
        })
        .await
}

fn first_members(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    include: &Condition,
    mut after: Option<ContactId>,
    limit: i64,
    now: Timestamp,
) -> Result<Vec<SegmentMember>, StoreError> {
    let population = Population { include, marks: &[], now, programme: None };
    let mut members = Vec::new();
    loop {
        let page = tx.population_page(workspace_id, &population, after, limit)?;
        members.extend(page.found.into_iter().map(SegmentMember::from));
        after = page.next;
        if after.is_none() || members.len() as i64 >= limit {
            members.truncate(usize::try_from(limit).unwrap_or_default());
            return Ok(members);
        }
    }
}

/// What a condition amounts to, for whoever is writing it. One that cannot be read is an answer, not an error.
///
/// # Errors
/// When the store fails.
pub async fn check(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    input: ConditionInput,
) -> Result<ConditionCheck, OutreachError> {
    let now = ctx.now();
    let unread = |problem| ConditionCheck {
        condition: None,
        form: None,
        count: None,
        sample: Vec::new(),
        problem: Some(problem),
    };
    let condition = match input.read() {
        Ok(condition) => condition,
        Err(problem) => return Ok(unread(problem)),
    };
    let checked = store
        .read(move |tx| {
            let condition = known(tx, workspace_id, condition.clone())?;
            Ok(ConditionCheck {
                condition: Some(condition.to_string()),
                form: Group::of(&condition),
                count: Some(tx.population_count(workspace_id, &condition, now)?),
                sample: first_members(tx, workspace_id, &condition, None, SAMPLE, now)?,
                problem: None,
            })
        })
        .await;
    match checked {
        Err(OutreachError::Condition(problem)) => Ok(unread(problem)),
        other => other,
    }
}
