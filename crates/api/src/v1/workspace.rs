//! The workspace itself.

use axum::extract::State;
use segue_access::Permission;
use segue_model::{WorkspaceId, policy::QuietHours, week_hours::clock};
use segue_store::{StoreError, workspace::Workspace};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{AppState, caller::Caller, extract::Json, guard::Guard, problem::Problem};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(Guard::needs(Permission::ManageAccess).routes(routes!(change)))
}

/// Hours of the night, in the recipient's own time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = QuietHours)]
pub(super) struct QuietHoursBody {
    /// `HH:MM`; nothing promotional leaves from then on.
    #[schema(pattern = "^[0-2][0-9]:[0-5][0-9]$", example = "21:00")]
    start: String,
    /// `HH:MM`; until then.
    #[schema(pattern = "^[0-2][0-9]:[0-5][0-9]$", example = "08:00")]
    end: String,
}

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Workspace)]
pub(super) struct WorkspaceBody {
    id: WorkspaceId,
    name: String,
    /// IANA zone of the business.
    time_zone: String,
    /// ISO 3166 code, used for phone numbers without a country.
    country: String,
    quiet_hours: QuietHoursBody,
    /// Language of templates for customers whose own is not known or not there, such as `en_US`.
    language: String,
    /// Whether the conversations of a contact that is gone for good are emptied, files included.
    erase_transcripts: bool,
}

impl From<QuietHours> for QuietHoursBody {
    fn from(QuietHours { start_minute, end_minute }: QuietHours) -> Self {
        Self { start: clock(start_minute), end: clock(end_minute) }
    }
}

impl QuietHoursBody {
    /// The hours in minutes after midnight.
    pub(super) fn minutes(&self) -> Result<QuietHours, Problem> {
        let start_minute = minute("quiet_hours.start", &self.start)?;
        Ok(QuietHours { start_minute, end_minute: minute("quiet_hours.end", &self.end)? })
    }
}

impl From<Workspace> for WorkspaceBody {
    fn from(workspace: Workspace) -> Self {
        Self {
            id: workspace.id,
            name: workspace.name,
            time_zone: workspace.time_zone,
            country: workspace.country,
            quiet_hours: workspace.quiet_hours.into(),
            language: workspace.settings.language.clone(),
            erase_transcripts: workspace.settings.erase_transcripts,
        }
    }
}

#[derive(Deserialize, ToSchema)]
struct WorkspaceChange {
    name: Option<String>,
    time_zone: Option<String>,
    country: Option<String>,
    quiet_hours: Option<QuietHoursBody>,
    language: Option<String>,
    erase_transcripts: Option<bool>,
}

/// Changes what is given and leaves the rest.
#[utoipa::path(patch, path = "/api/v1/workspace", operation_id = "change_workspace", tag = "access", responses((status = 200, body = WorkspaceBody)))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Json(change): Json<WorkspaceChange>,
) -> Result<Json<WorkspaceBody>, Problem> {
    let name = change.name.map(|name| name.trim().to_owned());
    if name.as_ref().is_some_and(|name| name.is_empty() || name.chars().count() > 200) {
        return Err(Problem::invalid("name", "Give a name of 1 to 200 characters."));
    }
    let time_zone = change.time_zone.as_deref().map(time_zone).transpose()?;
    let country = change.country.as_deref().map(country).transpose()?;
    if change.language.as_deref().is_some_and(|language| !segue_model::language::is_tag(language)) {
        return Err(Problem::invalid("language", "Write a language code, such as en or pt_BR."));
    }
    let quiet_hours = change.quiet_hours.as_ref().map(QuietHoursBody::minutes).transpose()?;
    let workspace_id = caller.workspace_id;
    let changed = state.store.write::<_, Problem, _>(move |tx| {
        tx.lock("workspace", &workspace_id)?;
        let mut workspace = tx.workspace(workspace_id)?.ok_or_else(|| Problem::not_found("workspace"))?;
        if let Some(name) = &name {
            workspace.name.clone_from(name);
        }
        if let Some(zone) = &time_zone {
            workspace.time_zone.clone_from(zone);
        }
        if let Some(country) = &country {
            workspace.country.clone_from(country);
        }
        if let Some(language) = &change.language {
            workspace.settings.language = segue_model::template::language_code(language);
        }
        workspace.settings.erase_transcripts = change.erase_transcripts.unwrap_or(workspace.settings.erase_transcripts);
        workspace.quiet_hours = quiet_hours.unwrap_or(workspace.quiet_hours);
        tx.update_workspace(&workspace)?;
        Ok(workspace)
    });
    Ok(Json(changed.await?.into()))
}

/// The caller's workspace.
pub(super) async fn load_workspace(state: &AppState, id: WorkspaceId) -> Result<Workspace, Problem> {
    let found = state.store.read::<_, StoreError, _>(move |tx| tx.workspace(id)).await?;
    found.ok_or_else(|| Problem::not_found("workspace"))
}

/// An IANA zone that the product knows.
pub(super) fn time_zone(name: &str) -> Result<String, Problem> {
    jiff::tz::TimeZone::get(name)
        .map(|_| name.to_owned())
        .map_err(|_| Problem::invalid("time_zone", "This is not a time zone. Write it like Europe/Berlin."))
}

/// Two letters.
pub(super) fn country(code: &str) -> Result<String, Problem> {
    let code = code.trim().to_ascii_uppercase();
    if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        Ok(code)
    } else {
        Err(Problem::invalid("country", "Give the country's two letters, such as US or DE."))
    }
}

/// The minute of the day of `HH:MM`.
pub(super) fn minute(field: &str, text: &str) -> Result<u16, Problem> {
    let is_plain = text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    let (hour, minute) = text.split_once(':').filter(|_| is_plain).unwrap_or_default();
    match (hour.parse::<u16>(), minute.parse::<u16>()) {
        (Ok(hour), Ok(minute)) if hour < 24 && minute < 60 => Ok(hour * 60 + minute),
        _ => Err(Problem::invalid(field, "Write the time as HH:MM, such as 21:00.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_round_trip_and_nonsense_is_refused() {
        let hours = |start: &str| QuietHoursBody { start: start.to_owned(), end: "08:00".to_owned() }.minutes();
        assert_eq!(hours("21:05").unwrap(), QuietHours { start_minute: 1_265, end_minute: 480 });
        assert_eq!(clock(1_265), "21:05");
        for text in ["24:00", "9:00", "21:60", "2100", "", "+1:00", "aa:bb"] {
            assert!(hours(text).is_err(), "{text}");
        }
    }
}
