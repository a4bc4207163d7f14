//! Registrations with carriers and regulators, and how far each has come.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_model::{
    RegistrationId, Timestamp, WorkspaceId,
    registration::{Rates, RegistrationKind, RegistrationState},
};
use segue_store::{
    StoreError, Tx,
    registration::{RegistrationEvent, RegistrationInput, RegistrationStep, RegistrationView},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId},
    guard::Guard,
    page::Page,
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ReadSetup).routes(routes!(list)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(create)))
        .routes(Guard::needs(Permission::ReadSetup).routes(routes!(get)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(change)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(step)))
        .routes(Guard::needs(Permission::ManageSetup).routes(routes!(set_limits)))
}

/// A registration with its history and what may follow.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct RegistrationDetail {
    #[serde(flatten)]
    registration: RegistrationView,
    /// What happened, oldest first.
    history: Vec<RegistrationEvent>,
    /// The states that may follow.
    next: Vec<RegistrationState>,
    /// What to do now, in words.
    advice: &'static str,
    /// For one that was submitted: when a decision is to be expected.
    expected_at: Option<Timestamp>,
}

impl RegistrationDetail {
    fn new(mut registration: RegistrationView, history: Vec<RegistrationEvent>, now: Timestamp) -> Self {
        let is_open = matches!(registration.state, RegistrationState::Submitted | RegistrationState::InReview);
        let expected_at =
            registration.submitted_at.filter(|_| is_open).map(|at| at.plus(registration.kind.usual_time()));
        // An approval that has run out is one no more, whoever has noticed it.
        let end = registration.expires_at.filter(|end| *end <= now);
        if end.is_some() && registration.state == RegistrationState::Approved {
            registration.state = RegistrationState::Expired;
            registration.decided_at = end;
        }
        let (next, advice) = (registration.state.next().to_vec(), registration.state.advice());
        Self { registration, history, next, advice, expected_at }
    }
}

/// The registrations of the workspace.
#[utoipa::path(get, path = "/api/v1/registrations", operation_id = "list_registrations", tag = "setup",
    responses((status = 200, body = Page<RegistrationDetail>)))]
async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<Page<RegistrationDetail>>, Problem> {
    let (workspace_id, now) = (caller.workspace_id, state.ctx.now());
    let all = state.store.read::<_, StoreError, _>(move |tx| {
        let registrations = tx.registrations(workspace_id)?;
        registrations
            .into_iter()
            .map(|registration| {
                let history = tx.registration_events(workspace_id, registration.id)?;
                Ok(RegistrationDetail::new(registration, history, now))
            })
            .collect::<Result<Vec<_>, StoreError>>()
    });
    Ok(Json(Page::whole(all.await?)))
}

/// One registration.
#[utoipa::path(get, path = "/api/v1/registrations/{id}", operation_id = "get_registration", tag = "setup",
    params(("id" = RegistrationId, Path)), responses((status = 200, body = RegistrationDetail)))]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<RegistrationId>,
) -> Result<Json<RegistrationDetail>, Problem> {
    let (workspace_id, now) = (caller.workspace_id, state.ctx.now());
    Ok(Json(state.store.read::<_, Problem, _>(move |tx| detail(tx, (workspace_id, now), id)).await?))
}

fn detail(
    tx: &mut Tx<'_>,
    (workspace_id, now): (WorkspaceId, Timestamp),
    id: RegistrationId,
) -> Result<RegistrationDetail, Problem> {
    let registration = tx.registration(workspace_id, id)?.ok_or_else(|| Problem::not_found("registration"))?;
    let history = tx.registration_events(workspace_id, id)?;
    Ok(RegistrationDetail::new(registration, history, now))
}

#[derive(Deserialize, ToSchema)]
struct NewRegistration {
    kind: RegistrationKind,
    name: String,
    /// ISO 3166-1; every country that asks for this kind when not given.
    country: Option<String>,
    /// The brand, for a campaign.
    parent_id: Option<RegistrationId>,
    /// Its id at the registry.
    reference: Option<String>,
    /// What was or will be submitted, as a JSON object.
    #[schema(value_type = Option<Object>)]
    details: Option<Value>,
    /// An approval holds until then.
    expires_at: Option<Timestamp>,
}

/// Begins a registration as a draft. Sending it to the registry is the work of a person or a provider's portal; what
/// came of it is recorded here, step by step.
#[utoipa::path(post, path = "/api/v1/registrations", operation_id = "create_registration", tag = "setup",
    responses((status = 201, body = RegistrationDetail)))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<NewRegistration>,
) -> Result<(StatusCode, Json<RegistrationDetail>), Problem> {
    let kind = input.kind;
    let written = RegistrationInput {
        name: name(&input.name)?,
        country: input.country.as_deref().map(super::workspace::country).transpose()?,
        parent_id: input.parent_id,
        reference: input.reference,
        details: details(input.details)?,
        expires_at: input.expires_at,
    };
    let (workspace_id, ctx, actor) = (caller.workspace_id, state.ctx.clone(), caller.actor.reference());
    let stored = state.store.write::<_, Problem, _>(move |tx| {
        check_parent(tx, workspace_id, kind, written.parent_id)?;
        let id = tx.insert_registration(workspace_id, kind, &written, &actor, &ctx)?;
        detail(tx, (workspace_id, ctx.now()), id)
    });
    Ok((StatusCode::CREATED, Json(stored.await?)))
}

#[derive(Deserialize, ToSchema)]
struct RegistrationChange {
    name: Option<String>,
    country: Option<String>,
    parent_id: Option<RegistrationId>,
    reference: Option<String>,
    #[schema(value_type = Option<Object>)]
    details: Option<Value>,
    expires_at: Option<Timestamp>,
}

/// Changes what is given and leaves the rest. The state changes by steps alone.
#[utoipa::path(patch, path = "/api/v1/registrations/{id}", operation_id = "change_registration", tag = "setup",
    params(("id" = RegistrationId, Path)), responses((status = 200, body = RegistrationDetail)))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<RegistrationId>,
    Json(change): Json<RegistrationChange>,
) -> Result<Json<RegistrationDetail>, Problem> {
    let new_name = change.name.as_deref().map(name).transpose()?;
    let country = change.country.as_deref().map(super::workspace::country).transpose()?;
    let new_details = change.details.map(|value| details(Some(value))).transpose()?;
    let (workspace_id, ctx) = (caller.workspace_id, state.ctx.clone());
    let changed = state.store.write::<_, Problem, _>(move |tx| {
        tx.lock("registration", &id)?;
        let known = tx.registration(workspace_id, id)?.ok_or_else(|| Problem::not_found("registration"))?;
        check_parent(tx, workspace_id, known.kind, change.parent_id)?;
        let written = RegistrationInput {
            name: new_name.clone().unwrap_or(known.name),
            country: country.clone().or(known.country),
            parent_id: change.parent_id.or(known.parent_id),
            reference: change.reference.clone().or(known.reference),
            details: new_details.clone().unwrap_or(known.details),
            expires_at: change.expires_at.or(known.expires_at),
        };
        tx.update_registration(workspace_id, id, &written)?;
        detail(tx, (workspace_id, ctx.now()), id)
    });
    Ok(Json(changed.await?))
}

#[derive(Deserialize, ToSchema)]
struct StepInput {
    state: RegistrationState,
    /// Why, such as the registry's words about a rejection.
    note: Option<String>,
    /// With an approval: until when it holds.
    expires_at: Option<Timestamp>,
}

/// Records the next step: submitted, in review, approved, rejected, expired. Sending follows at once.
#[utoipa::path(post, path = "/api/v1/registrations/{id}/step", operation_id = "step_registration", tag = "setup",
    params(("id" = RegistrationId, Path)), responses((status = 200, body = RegistrationDetail)))]
async fn step(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<RegistrationId>,
    Json(input): Json<StepInput>,
) -> Result<Json<RegistrationDetail>, Problem> {
    let note = input.note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
    if input.state == RegistrationState::Rejected && note.is_none() {
        return Err(Problem::invalid("note", "Say why it was rejected; whoever submits it again needs to know."));
    }
    let (workspace_id, ctx, actor) = (caller.workspace_id, state.ctx.clone(), caller.actor.reference());
    let stepped = state.store.write::<_, Problem, _>(move |tx| {
        let known = tx.registration(workspace_id, id)?.ok_or_else(|| Problem::not_found("registration"))?;
        let registered = known.registered();
        let to = registered
            .state_at(ctx.now())
            .step(input.state)
            .map_err(|error| Problem::new(StatusCode::CONFLICT, "registration_state", error.to_string()))?;
        let step = RegistrationStep {
            from: known.state,
            to,
            note: note.clone(),
            expires_at: input.expires_at,
            actor: actor.clone(),
        };
        if !tx.step_registration(workspace_id, id, &step, &ctx)? {
            let words = "Somebody has changed it meanwhile. Look at it again.";
            return Err(Problem::new(StatusCode::CONFLICT, "registration_state", words));
        }
        detail(tx, (workspace_id, ctx.now()), id)
    });
    Ok(Json(stepped.await?))
}

#[derive(Deserialize, ToSchema)]
struct RegistrationLimits {
    /// Most segments in a minute over all numbers of a campaign, such as AT&T's 4,500, 2,400, 240 or 75 by its class;
    /// null: no limit.
    segments_per_minute: Option<u32>,
    /// Most segments in a day over all campaigns of a brand, such as T-Mobile's 200,000, 40,000, 10,000 or 2,000; null:
    /// no limit. The day ends at midnight Pacific time.
    segments_per_day: Option<u32>,
}

/// Sets what registries and carriers let leave under a registration. Which carrier a number belongs to is not known, so
/// promotions to all of them count. What finds no room waits; service messages count and never wait.
#[utoipa::path(put, path = "/api/v1/registrations/{id}/limits", operation_id = "set_registration_limits", tag = "setup",
    params(("id" = RegistrationId, Path)), responses((status = 200, body = RegistrationDetail)))]
async fn set_limits(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<RegistrationId>,
    Json(input): Json<RegistrationLimits>,
) -> Result<Json<RegistrationDetail>, Problem> {
    let rates = Rates { per_minute: input.segments_per_minute, per_day: input.segments_per_day };
    for (field, segments) in [("segments_per_minute", rates.per_minute), ("segments_per_day", rates.per_day)] {
        if segments == Some(0) {
            return Err(Problem::invalid(field, "Give at least 1 segment, or none for no limit."));
        }
    }
    let (workspace_id, now) = (caller.workspace_id, state.ctx.now());
    let changed = state.store.write::<_, Problem, _>(move |tx| {
        tx.set_rates(workspace_id, id, rates)?;
        detail(tx, (workspace_id, now), id)
    });
    Ok(Json(changed.await?))
}

fn name(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 200 {
        return Err(Problem::invalid("name", "Give a name of 1 to 200 characters."));
    }
    Ok(text.to_owned())
}

fn details(value: Option<Value>) -> Result<Value, Problem> {
    match value {
        None => Ok(Value::Object(serde_json::Map::new())),
        Some(value @ Value::Object(_)) if value.to_string().len() <= 20_000 => Ok(value),
        Some(_) => Err(Problem::invalid("details", "Give a JSON object of at most 20,000 characters.")),
    }
}

/// A campaign belongs to a brand; nothing else belongs to anything.
fn check_parent(
    tx: &mut Tx<'_>,
    workspace_id: WorkspaceId,
    kind: RegistrationKind,
    parent: Option<RegistrationId>,
) -> Result<(), Problem> {
    let Some(parent) = parent else { return Ok(()) };
    let found = tx.registration(workspace_id, parent)?;
    match (kind, found) {
        (RegistrationKind::Campaign, Some(parent)) if parent.kind == RegistrationKind::Brand => Ok(()),
        (RegistrationKind::Campaign, _) => Err(Problem::invalid("parent_id", "Choose one of the brand registrations.")),
        _ => Err(Problem::invalid("parent_id", "Only a campaign belongs to a brand.")),
    }
}
