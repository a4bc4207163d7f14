//! The policy of the workspace: quiet times, frequency caps, and the rule books in force.

use axum::extract::State;
use segue_access::Permission;
use segue_model::{
    ContactId, Timestamp,
    frequency::{AtCap, FrequencyCap},
    policy::{AtQuietHours, PolicySettings},
    rule_book,
    series::{LONGEST_LABEL, LabelCap, label_key},
    week_hours::{Day, QuietSpan, WeekHours, clock},
};
use segue_outreach::reach::{self, LawView, Reachability};
use segue_store::{StoreError, workspace::Workspace};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::workspace::{QuietHoursBody, load_workspace};
use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId},
    guard::Guard,
    page::Page,
    problem::Problem,
};

/// Most quiet times on one weekday, beside the nightly quiet hours.
const MOST_SPANS_A_DAY: usize = 5;
/// Most caps of labels.
const MOST_LABEL_CAPS: usize = 50;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ReadSetup).routes(routes!(get)))
        .routes(Guard::needs(Permission::ManageAccess).routes(routes!(change)))
        .routes(Guard::needs(Permission::ReadSetup).routes(routes!(rule_books)))
        .routes(Guard::needs(Permission::ReadContacts).routes(routes!(reachability)))
}

/// A quiet time of certain weekdays, in the recipient's own time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = QuietSpan)]
pub(super) struct QuietSpanBody {
    days: Vec<Day>,
    /// `HH:MM`; nothing promotional leaves from then on.
    #[schema(pattern = "^[0-2][0-9]:[0-5][0-9]$", example = "12:00")]
    start: String,
    /// `HH:MM`, later than the start; until then. `24:00` is the end of the day.
    #[schema(pattern = "^[0-2][0-9]:[0-5][0-9]$", example = "14:00")]
    end: String,
}

/// What a workspace sets on top of the rule books. It can only make them stricter.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Policy)]
struct PolicyBody {
    /// Every night.
    quiet_hours: QuietHoursBody,
    /// On certain weekdays.
    quiet_spans: Vec<QuietSpanBody>,
    /// Most promotional messages to one person, over all campaigns and channels.
    caps: Vec<FrequencyCap>,
    at_cap: AtCap,
    /// What becomes of a message that falls into quiet hours, its own, the sender's or the law's, where its campaign says
    /// nothing else.
    at_quiet_hours: AtQuietHours,
    /// Most messages to one person of the campaigns with a label; what happens at them is `at_cap`.
    label_caps: Vec<LabelCap>,
    /// When promotional messages may leave by these settings, in words.
    open_hours: String,
}

impl From<&Workspace> for PolicyBody {
    fn from(workspace: &Workspace) -> Self {
        let PolicySettings { quiet_spans, caps, at_cap, at_quiet_hours, label_caps } =
            workspace.settings.policy.clone();
        let open_hours = WeekHours::of_workspace(workspace.quiet_hours, &quiet_spans).words();
        let (quiet_hours, quiet_spans) = (workspace.quiet_hours.into(), span_bodies(quiet_spans));
        Self { quiet_hours, quiet_spans, caps, at_cap, at_quiet_hours, label_caps, open_hours }
    }
}

pub(super) fn span_bodies(spans: Vec<QuietSpan>) -> Vec<QuietSpanBody> {
    let body = |span: QuietSpan| QuietSpanBody {
        days: span.days,
        start: clock(span.start_minute),
        end: clock(span.end_minute),
    };
    spans.into_iter().map(body).collect()
}

/// The workspace's own rules for promotional messages.
#[utoipa::path(get, path = "/api/v1/policy", operation_id = "get_policy", tag = "policy",
    responses((status = 200, body = PolicyBody)))]
async fn get(State(state): State<AppState>, caller: Caller) -> Result<Json<PolicyBody>, Problem> {
    Ok(Json(PolicyBody::from(&load_workspace(&state, caller.workspace_id).await?)))
}

#[derive(Deserialize, ToSchema)]
struct PolicyChange {
    quiet_hours: Option<QuietHoursBody>,
    quiet_spans: Option<Vec<QuietSpanBody>>,
    caps: Option<Vec<FrequencyCap>>,
    at_cap: Option<AtCap>,
    at_quiet_hours: Option<AtQuietHours>,
    label_caps: Option<Vec<LabelCap>>,
}

/// Changes what is given and leaves the rest. Messages that wait are decided about anew when their time comes.
#[utoipa::path(patch, path = "/api/v1/policy", operation_id = "change_policy", tag = "policy",
    responses((status = 200, body = PolicyBody)))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Json(change): Json<PolicyChange>,
) -> Result<Json<PolicyBody>, Problem> {
    let quiet_hours = change.quiet_hours.as_ref().map(QuietHoursBody::minutes).transpose()?;
    let quiet_spans = change.quiet_spans.as_deref().map(spans).transpose()?;
    if let Some(caps) = &change.caps {
        check_caps(caps)?;
    }
    if let Some(caps) = &change.label_caps {
        check_label_caps(caps)?;
    }
    let workspace_id = caller.workspace_id;
    let changed = state.store.write::<_, Problem, _>(move |tx| {
        tx.lock("workspace", &workspace_id)?;
        let mut workspace = tx.workspace(workspace_id)?.ok_or_else(|| Problem::not_found("workspace"))?;
        workspace.quiet_hours = quiet_hours.unwrap_or(workspace.quiet_hours);
        let policy = &mut workspace.settings.policy;
        if let Some(spans) = &quiet_spans {
            policy.quiet_spans.clone_from(spans);
        }
        if let Some(caps) = &change.caps {
            policy.caps.clone_from(caps);
        }
        if let Some(caps) = &change.label_caps {
            policy.label_caps.clone_from(caps);
        }
        policy.at_cap = change.at_cap.unwrap_or(policy.at_cap);
        policy.at_quiet_hours = change.at_quiet_hours.unwrap_or(policy.at_quiet_hours);
        tx.update_workspace(&workspace)?;
        Ok(workspace)
    });
    Ok(Json(PolicyBody::from(&changed.await?)))
}

pub(super) fn spans(bodies: &[QuietSpanBody]) -> Result<Vec<QuietSpan>, Problem> {
    let mut a_day = [0; 7];
    let spans = bodies.iter().map(|body| {
        let problem = |words: &str| Problem::invalid("quiet_spans", words);
        let minute = |text: &str| match text {
            "24:00" => Ok(24 * 60),
            text => super::workspace::minute("quiet_spans", text),
        };
        let mut days = body.days.clone();
        days.sort_unstable();
        days.dedup();
        let span = QuietSpan { days, start_minute: minute(&body.start)?, end_minute: minute(&body.end)? };
        if !span.is_valid() {
            return Err(problem("Choose at least one day, and an end after the start. A night is two spans."));
        }
        for day in &span.days {
            a_day[day.index()] += 1;
            if a_day[day.index()] > MOST_SPANS_A_DAY {
                return Err(problem("A day has at most 5 quiet times. Join some of them."));
            }
        }
        Ok(span)
    });
    spans.collect()
}

fn check_caps(caps: &[FrequencyCap]) -> Result<(), Problem> {
    let mut periods = caps.iter().map(|cap| cap.period).collect::<Vec<_>>();
    periods.sort_unstable();
    periods.dedup();
    if periods.len() < caps.len() {
        return Err(Problem::invalid("caps", "Give each period once: one cap per day, week and month."));
    }
    if caps.iter().any(|cap| !cap.is_valid()) {
        let words = format!("A cap allows 1 to {} messages. Leave a period out for no cap.", FrequencyCap::MOST);
        return Err(Problem::invalid("caps", words));
    }
    Ok(())
}

fn check_label_caps(caps: &[LabelCap]) -> Result<(), Problem> {
    let problem = |words: String| Err(Problem::invalid("label_caps", words));
    if caps.len() > MOST_LABEL_CAPS {
        return problem(format!("There are at most {MOST_LABEL_CAPS} caps of labels."));
    }
    for (place, cap) in caps.iter().enumerate() {
        let key = label_key(&cap.label);
        if key.is_empty() || key.chars().count() > LONGEST_LABEL {
            return problem(format!("A label has 1 to {LONGEST_LABEL} characters."));
        }
        if !cap.cap().is_valid() {
            return problem(format!("A cap allows 1 to {} messages. Leave it out for no cap.", FrequencyCap::MOST));
        }
        if caps[..place].iter().any(|other| other.period == cap.period && label_key(&other.label) == key) {
            return problem(format!("Give each period of “{}” once.", cap.label.trim()));
        }
    }
    Ok(())
}

/// A rule book: what law, carriers and good practice say about promotional texts.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = RuleBook)]
struct RuleBookBody {
    name: String,
    title: String,
    version: String,
    /// Since when this version decides in this installation.
    since: Option<Timestamp>,
    rules: Vec<LawView>,
}

/// The rule books in force. They apply to every promotional message, by the place its recipient's number belongs to.
#[utoipa::path(get, path = "/api/v1/rule-books", operation_id = "list_rule_books", tag = "policy",
    responses((status = 200, body = Page<RuleBookBody>)))]
async fn rule_books(State(state): State<AppState>, _caller: Caller) -> Result<Json<Page<RuleBookBody>>, Problem> {
    let known = state.store.read::<_, StoreError, _>(|tx| tx.rule_books_since()).await?;
    let books = rule_book::books().iter().map(|book| RuleBookBody {
        name: book.name.clone(),
        title: book.title.clone(),
        version: book.version.clone(),
        since: known.iter().find(|old| old.name == book.name && old.version == book.version).map(|old| old.since),
        rules: book.rules.iter().map(LawView::from).collect(),
    });
    Ok(Json(Page::whole(books.collect())))
}

/// Whether this person can get a promotional text now, and why (not).
#[utoipa::path(get, path = "/api/v1/contacts/{id}/reachability", operation_id = "get_reachability", tag = "policy",
    params(("id" = ContactId, Path)), responses((status = 200, body = Reachability)))]
async fn reachability(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ContactId>,
) -> Result<Json<Reachability>, Problem> {
    Ok(Json(reach::reachability(&state.store, &state.ctx, caller.workspace_id, id).await?))
}

#[cfg(test)]
mod tests {
    use segue_model::frequency::Period;

    use super::*;

    fn body(days: &[Day], start: &str, end: &str) -> QuietSpanBody {
        QuietSpanBody { days: days.to_vec(), start: start.to_owned(), end: end.to_owned() }
    }

    #[test]
    fn quiet_times_that_are_none_are_refused() {
        let lunch = body(&[Day::Monday, Day::Monday], "12:00", "14:00");
        assert_eq!(
            spans(std::slice::from_ref(&lunch)).unwrap(),
            [QuietSpan { days: vec![Day::Monday], start_minute: 720, end_minute: 840 }]
        );
        assert_eq!(spans(&[body(&[Day::Sunday], "00:00", "24:00")]).unwrap()[0].end_minute, 1440);
        for wrong in
            [body(&[], "12:00", "14:00"), body(&[Day::Monday], "14:00", "12:00"), body(&[Day::Monday], "x", "y")]
        {
            assert!(spans(&[wrong]).is_err());
        }
        assert!(spans(&vec![lunch; 6]).is_err());
    }

    #[test]
    fn a_period_has_one_cap() {
        let cap = |messages, period| FrequencyCap { messages, period };
        assert!(check_caps(&[cap(1, Period::Day), cap(3, Period::Week)]).is_ok());
        assert!(check_caps(&[cap(1, Period::Day), cap(3, Period::Day)]).is_err());
        assert!(check_caps(&[cap(0, Period::Day)]).is_err());
    }
}
