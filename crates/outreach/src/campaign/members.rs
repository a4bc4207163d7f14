//! Who an audience is: lists and segments together, without those who are excluded, each person once.
//!
//! An audience is one condition: on any of its lists, in any of its segments, or with a row in any of its tables. What it excludes are further conditions,
//! asked of each member, so that whoever is left out is counted and shown with the reason. Contacts are persons, so
//! nobody comes twice however many lists he is on; two contacts cannot have one phone number, and the planner sends to a
//! number once per campaign whatever happens to contacts meanwhile.
//!
//! When a campaign starts, the conditions are written down as they are; planning reads that text and nothing else, so that
//! it goes on with the same audience after a crash, a pause, or a change of a segment.

use segue_expr::{Condition, Event, TableName, Test};
use segue_model::{ContactId, ProgrammeId, Timestamp, WorkspaceId, series::CampaignRules};
use segue_store::{
    StoreError, Tx,
    audience::{AudienceFilter, AudienceMember},
    campaign::{Audience, CampaignView},
    population::Population,
    recipient::{HAD_CAMPAIGN, IN_EXCLUDED_SEGMENT, IN_EXCLUDED_TABLE, ON_EXCLUDED_LIST},
};
use serde::{Deserialize, Serialize};

use crate::{
    OutreachError,
    look_up::{Answers, Person, look_up},
    segments::condition_of,
    tables,
    text::Body,
};

/// Lists, segments or campaigns that one audience may name in each place.
const MOST_PARTS: usize = 50;

/// One member, and why he is left out when he is.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub member: AudienceMember,
    /// Rule of the exclusion.
    pub barred: Option<&'static str>,
    /// What the campaign's texts look up for him.
    pub answers: Answers,
}

impl Entry {
    /// Whom a text is filled in for.
    pub fn person(&self) -> Person<'_> {
        Person { fields: &self.member.fields, answers: Some(&self.answers) }
    }
}

/// Members in the order of their ids.
pub(super) struct CrowdPage {
    pub entries: Vec<Entry>,
    /// Up to which contact everybody has been looked at.
    pub reached: Option<ContactId>,
    /// Where to go on; nothing at the end.
    pub next: Option<ContactId>,
}

/// An audience whose conditions are known.
pub(super) struct Crowd {
    /// What each list, segment and table says; everybody without any.
    sources: Vec<Condition>,
    /// All of them together.
    include: Condition,
    filter: Option<AudienceFilter>,
    marks: Vec<Condition>,
    rules: Vec<&'static str>,
    now: Timestamp,
    programme: Option<ProgrammeId>,
}

/// A crowd as it is written down.
#[derive(Serialize, Deserialize)]
struct Frozen {
    include: Sources,
    filter: Option<AudienceFilter>,
    /// Rule and condition of each exclusion.
    exclude: Vec<(String, String)>,
    /// What the last days are counted from.
    at: Timestamp,
}

/// Texts of the sources. Each is as long as a condition may be, so together they may be longer.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Sources {
    Each(Vec<String>),
    /// As earlier versions wrote it.
    Together(String),
}

/// Whether an audience that is written down asks for rows of a table.
pub(crate) fn asks_for_table(frozen: &str, table: &str) -> bool {
    let Ok(Frozen { include, exclude, .. }) = serde_json::from_str(frozen) else { return false };
    let included = match include {
        Sources::Each(texts) => texts,
        Sources::Together(text) => vec![text],
    };
    let texts = included.into_iter().chain(exclude.into_iter().map(|(_, text)| text));
    texts.filter_map(|text| Condition::read(&text).ok()).any(|condition| {
        condition
            .tests()
            .into_iter()
            .any(|test| matches!(test, Test::Rows { table: name, .. } if name.as_str() == table))
    })
}

const RULES: [&str; 4] = [ON_EXCLUDED_LIST, IN_EXCLUDED_SEGMENT, IN_EXCLUDED_TABLE, HAD_CAMPAIGN];

impl Crowd {
    /// The audience as it is now.
    ///
    /// # Errors
    /// When a list, segment or campaign of it does not exist (any more).
    pub fn of_audience(
        tx: &mut Tx<'_>,
        workspace_id: WorkspaceId,
        audience: &Audience,
        now: Timestamp,
    ) -> Result<Self, OutreachError> {
        let mut sources = Vec::new();
        for list in audience.list_id.iter().chain(&audience.lists) {
            sources.push(list_condition(tx, workspace_id, *list)?);
        }
        for segment in &audience.segments {
            sources.push(condition_of(tx, workspace_id, *segment).map_err(missing_segment)?);
        }
        for table in &audience.tables {
            sources.push(table_condition(tx, workspace_id, *table)?);
        }
        if sources.is_empty() {
            sources.push(Condition::everybody());
        }
        let include = Condition::any(sources.clone());
        let (mut marks, mut rules) = (Vec::new(), Vec::new());
        for list in &audience.exclude_lists {
            marks.push(list_condition(tx, workspace_id, *list)?);
            rules.push(ON_EXCLUDED_LIST);
        }
        for segment in &audience.exclude_segments {
            marks.push(condition_of(tx, workspace_id, *segment).map_err(missing_segment)?);
            rules.push(IN_EXCLUDED_SEGMENT);
        }
        for table in &audience.exclude_tables {
            marks.push(table_condition(tx, workspace_id, *table)?);
            rules.push(IN_EXCLUDED_TABLE);
        }
        for campaign in &audience.exclude_campaigns {
            if tx.campaign_state(workspace_id, *campaign)?.is_none() {
                return Err(invalid("A campaign whose recipients are excluded does not exist. Choose another."));
            }
            let event = Test::Happened { event: Event::Received, campaign: Some(*campaign), days: None };
            marks.push(Condition::Test(event));
            rules.push(HAD_CAMPAIGN);
        }
        Ok(Self { sources, include, filter: audience.filter.clone(), marks, rules, now, programme: None })
    }

    /// The audience of a campaign that has started: as it was written down then.
    ///
    /// # Errors
    /// When what was written down cannot be read.
    pub fn of_campaign(
        tx: &mut Tx<'_>,
        workspace_id: WorkspaceId,
        campaign: &CampaignView,
        now: Timestamp,
    ) -> Result<Self, OutreachError> {
        let Some(text) = tx.frozen_audience(workspace_id, campaign.id)? else {
            // Started by a version that did not write it down.
            let crowd = Self::of_audience(tx, workspace_id, &campaign.input.audience, now)?;
            return Ok(crowd.texted_for(&campaign.input.rules));
        };
        let corrupt = |what: String| StoreError::Corrupt(format!("audience of {}: {what}", campaign.id));
        let frozen: Frozen = serde_json::from_str(&text).map_err(|error| corrupt(error.to_string()))?;
        let read = |text: &str| Condition::read(text).map_err(|problem| corrupt(problem.to_string()));
        let (mut marks, mut rules) = (Vec::new(), Vec::new());
        for (rule, condition) in &frozen.exclude {
            let known = RULES.into_iter().find(|known| known == rule);
            rules.push(known.ok_or_else(|| corrupt(format!("unknown rule {rule}")))?);
            marks.push(read(condition)?);
        }
        let texts = match frozen.include {
            Sources::Each(texts) => texts,
            Sources::Together(text) => vec![text],
        };
        let sources = texts.iter().map(|text| read(text)).collect::<Result<Vec<_>, _>>()?;
        let include = Condition::any(sources.clone());
        let crowd = Self { sources, include, filter: frozen.filter, marks, rules, now: frozen.at, programme: None };
        Ok(crowd.texted_for(&campaign.input.rules))
    }

    /// The same, texted in the name of the programme that a campaign is sent for.
    pub const fn texted_for(mut self, rules: &CampaignRules) -> Self {
        self.programme = rules.programme_id;
        self
    }

    /// Writes the audience down for the planning of a campaign.
    ///
    /// # Errors
    /// When the store fails.
    pub fn freeze(
        &self,
        tx: &mut Tx<'_>,
        workspace_id: WorkspaceId,
        campaign: &CampaignView,
    ) -> Result<(), StoreError> {
        let exclude = self.rules.iter().zip(&self.marks);
        let frozen = Frozen {
            include: Sources::Each(self.sources.iter().map(ToString::to_string).collect()),
            filter: self.filter.clone(),
            exclude: exclude.map(|(rule, condition)| ((*rule).to_owned(), condition.to_string())).collect(),
            at: self.now,
        };
        let text = serde_json::to_string(&frozen).map_err(|error| StoreError::Statement(error.to_string()))?;
        tx.freeze_audience(workspace_id, campaign.id, &text)
    }

    /// The next members after `after`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn page(
        &self,
        tx: &mut Tx<'_>,
        workspace_id: WorkspaceId,
        after: Option<ContactId>,
        limit: i64,
    ) -> Result<CrowdPage, StoreError> {
        let (include, marks) = (&self.include, &self.marks);
        let population = Population { include, marks, now: self.now, programme: self.programme };
        let page = tx.population_page(workspace_id, &population, after, limit)?;
        let reached = page.next.or_else(|| page.found.last().map(|found| found.member.id));
        let entries = page
            .found
            .into_iter()
            .filter(|found| self.filter.as_ref().is_none_or(|filter| filter.matches(&found.member.fields)))
            .map(|found| Entry {
                member: found.member,
                barred: found.mark.map(|mark| self.rules[mark]),
                answers: Answers::default(),
            })
            .collect();
        Ok(CrowdPage { entries, reached, next: page.next })
    }
}

impl CrowdPage {
    /// Reads what texts look up for those who are not left out.
    ///
    /// # Errors
    /// When the store fails.
    pub fn look_up(&mut self, tx: &mut Tx<'_>, workspace_id: WorkspaceId, bodies: &[&Body]) -> Result<(), StoreError> {
        if !bodies.iter().any(|body| body.looks_up()) {
            return Ok(());
        }
        let mut entries: Vec<&mut Entry> = self.entries.iter_mut().filter(|entry| entry.barred.is_none()).collect();
        let people: Vec<_> = entries.iter().map(|entry| (Some(entry.member.id), &entry.member.fields)).collect();
        let answers = look_up(tx, workspace_id, bodies, &people)?;
        for (entry, answers) in entries.iter_mut().zip(answers) {
            entry.answers = answers;
        }
        Ok(())
    }
}

/// Checks an audience that is being written.
///
/// # Errors
/// The first part that does not exist, or when there are too many.
pub(super) fn check(tx: &mut Tx<'_>, workspace_id: WorkspaceId, audience: &Audience) -> Result<(), OutreachError> {
    let counts = [
        audience.lists.len(),
        audience.segments.len(),
        audience.exclude_lists.len(),
        audience.exclude_segments.len(),
        audience.exclude_campaigns.len(),
        audience.tables.len(),
        audience.exclude_tables.len(),
    ];
    if counts.into_iter().any(|count| count > MOST_PARTS) {
        return Err(invalid(&format!(
            "An audience names at most {MOST_PARTS} lists, segments, tables or campaigns each."
        )));
    }
    Crowd::of_audience(tx, workspace_id, audience, Timestamp(0)).map(|_| ())
}

fn list_condition(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    list: segue_model::ListId,
) -> Result<Condition, OutreachError> {
    if tx.list(workspace_id, list)?.is_none() {
        return Err(invalid("There is no such list. Choose one of the lists."));
    }
    Ok(Condition::Test(Test::OnList(list)))
}

/// Whoever a row of the table is linked to.
fn table_condition(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    table: segue_model::TableId,
) -> Result<Condition, OutreachError> {
    let table =
        tx.table(workspace_id, table)?.ok_or_else(|| invalid("There is no such table. Choose one of the tables."))?;
    let condition = TableName::new(table.name).map(|name| Test::has_row(name, Condition::everybody()));
    let condition = Condition::Test(condition.map_err(OutreachError::Condition)?);
    tables::check_condition(tx, workspace_id, &condition).map_err(|error| match error {
        OutreachError::Condition(problem) => invalid(&problem.message),
        other => other,
    })?;
    Ok(condition)
}

fn invalid(message: &str) -> OutreachError {
    OutreachError::invalid("audience", message)
}

fn missing_segment(error: OutreachError) -> OutreachError {
    match error {
        OutreachError::NotFound(_) => invalid("There is no such segment. Choose one of the segments."),
        OutreachError::Condition(problem) => invalid(&format!("A segment's condition cannot be read: {problem}")),
        other => other,
    }
}
