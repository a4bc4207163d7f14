//! WhatsApp message templates: listed, written, checked, submitted, deleted.

use axum::extract::State;
use http::StatusCode;
use segue_access::Permission;
use segue_delivery::template_admin::{self, Extent};
use segue_desk::template_choice::{self, TemplateChoice};
use segue_model::{
    ChannelId, SessionId, TemplateId, WorkspaceId,
    template::TemplateParts,
    template_lint::{self, TemplateFinding},
    template_values::{self, TemplateDefault},
};
use segue_store::{
    Tx,
    channel::{Channel, ChannelKind},
    template::{DELETED, DRAFT, Template, TemplateDetail, TemplateView},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::sight;
use crate::{
    AppState,
    caller::Caller,
    extract::{Json, PathId, Query},
    guard::Guard,
    page::Page,
    problem::Problem,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    let manage = || Guard::needs(Permission::ManageSetup);
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::ReadSetup).routes(routes!(list)))
        .routes(Guard::needs(Permission::ReadSetup).routes(routes!(one)))
        .routes(manage().routes(routes!(create)))
        .routes(manage().routes(routes!(change)))
        .routes(manage().patient().routes(routes!(remove)))
        .routes(manage().unrecorded().routes(routes!(lint)))
        .routes(manage().patient().routes(routes!(submit)))
        .routes(manage().routes(routes!(discard)))
        .routes(manage().routes(routes!(set_defaults)))
        .routes(Guard::needs(Permission::Converse).routes(routes!(of_session)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TemplateQuery {
    /// Only those of this channel.
    channel_id: Option<ChannelId>,
    /// Only those in this status.
    status: Option<String>,
    /// Only those in this category.
    category: Option<String>,
    /// Only those of this name.
    name: Option<String>,
}

/// The templates that exist at the provider, whatever their status, and the drafts of those that do not yet.
#[utoipa::path(get, path = "/api/v1/templates", operation_id = "list_templates", tag = "setup",
    params(TemplateQuery), responses((status = 200, body = Page<TemplateView>)))]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<TemplateQuery>,
) -> Result<Json<Page<TemplateView>>, Problem> {
    let workspace_id = caller.workspace_id;
    let templates = state.store.read::<_, Problem, _>(move |tx| Ok(tx.templates(workspace_id)?)).await?;
    let is = |wanted: &Option<String>, value: &str| wanted.as_ref().is_none_or(|word| word.eq_ignore_ascii_case(value));
    let wanted = templates.iter().filter(|template| {
        query.channel_id.is_none_or(|id| id == template.channel_id)
            && is(&query.status, &template.status)
            && is(&query.category, &template.category)
            && is(&query.name, &template.name)
    });
    Ok(Json(Page::whole(wanted.map(Template::view).collect())))
}

/// One template, with what the editor needs.
#[utoipa::path(get, path = "/api/v1/templates/{id}", operation_id = "get_template", tag = "setup",
    params(("id" = TemplateId, Path)), responses((status = 200, body = TemplateDetail)))]
async fn one(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<TemplateId>,
) -> Result<Json<TemplateDetail>, Problem> {
    let workspace_id = caller.workspace_id;
    let found = state.store.read::<_, Problem, _>(move |tx| current(tx, workspace_id, id)).await?;
    Ok(Json(found.detail()))
}

#[derive(Deserialize, ToSchema)]
struct NewTemplate {
    channel_id: ChannelId,
    parts: TemplateParts,
}

/// Keeps a draft of a new template. It may have findings; it is not submitted while it has errors.
#[utoipa::path(post, path = "/api/v1/templates", operation_id = "create_template", tag = "setup",
    responses((status = 201, body = TemplateDetail)))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Json(input): Json<NewTemplate>,
) -> Result<(StatusCode, Json<TemplateDetail>), Problem> {
    named(&input.parts)?;
    let (workspace_id, now) = (caller.workspace_id, state.ctx.now());
    let drafted = Template::drafted(state.ctx.id(), input.channel_id, input.parts);
    let stored = state.store.write::<_, Problem, _>(move |tx| {
        let channel = tx.channel(workspace_id, drafted.channel_id)?;
        if channel.is_none_or(|channel| channel.config.kind() != ChannelKind::WhatsApp) {
            return Err(Problem::invalid("channel_id", "Choose a WhatsApp channel; there is none with this id."));
        }
        tx.lock_templates(drafted.channel_id)?;
        let (name, language) = (drafted.name.as_str(), drafted.language.as_str());
        let known = tx.template_by_name(workspace_id, drafted.channel_id, name, language)?;
        let mut template = drafted.clone();
        match known {
            // What was sent with the deleted one still names its row.
            Some(deleted) if deleted.status == DELETED => {
                template.id = deleted.id;
                tx.save_template(workspace_id, &template)?;
            }
            Some(_) => return Err(taken()),
            None => {
                if !tx.insert_template(workspace_id, &template)? {
                    return Err(taken());
                }
            }
        }
        tx.tell_template_change(workspace_id, template.channel_id, now);
        Ok(template)
    });
    Ok((StatusCode::CREATED, Json(stored.await?.detail())))
}

fn taken() -> Problem {
    let words = "There is a template with this name in this language already. Choose another name or open that one.";
    Problem::new(StatusCode::CONFLICT, "template_taken", words).with_field("parts.name", words)
}

/// What a draft cannot be kept without.
fn named(parts: &TemplateParts) -> Result<(), Problem> {
    for finding in template_lint::lint(parts) {
        if matches!(finding.field.as_str(), "name" | "language") {
            return Err(Problem::invalid(format!("parts.{}", finding.field), finding.message));
        }
    }
    let most = 64 << 10;
    if serde_json::to_vec(parts).is_ok_and(|text| text.len() > most) {
        return Err(Problem::invalid("parts", "A template has at most 64 KiB."));
    }
    Ok(())
}

#[derive(Deserialize, ToSchema)]
struct TemplateChange {
    parts: TemplateParts,
}

/// Keeps what was written. WhatsApp has it only when it is submitted.
#[utoipa::path(put, path = "/api/v1/templates/{id}", operation_id = "change_template", tag = "setup",
    params(("id" = TemplateId, Path)), responses((status = 200, body = TemplateDetail)))]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<TemplateId>,
    Json(input): Json<TemplateChange>,
) -> Result<Json<TemplateDetail>, Problem> {
    named(&input.parts)?;
    let (workspace_id, now) = (caller.workspace_id, state.ctx.now());
    let stored = state.store.write::<_, Problem, _>(move |tx| {
        let mut template = locked(tx, workspace_id, id)?;
        let parts = &input.parts;
        if (parts.name != template.name || parts.language != template.language) && template.status != DRAFT {
            let words = "Name and language of a submitted template cannot change. Write a new one.";
            return Err(Problem::new(StatusCode::CONFLICT, "template_named", words).with_field("parts.name", words));
        }
        let other = tx.template_by_name(workspace_id, template.channel_id, &parts.name, &parts.language)?;
        if other.is_some_and(|other| other.id != id) {
            return Err(taken());
        }
        template.write(parts.clone());
        tx.save_template(workspace_id, &template)?;
        tx.tell_template_change(workspace_id, template.channel_id, now);
        Ok(template)
    });
    Ok(Json(stored.await?.detail()))
}

/// Throws away what was written and not submitted; WhatsApp's version stays.
#[utoipa::path(delete, path = "/api/v1/templates/{id}/draft", operation_id = "discard_template_draft", tag = "setup",
    params(("id" = TemplateId, Path)), responses((status = 200, body = TemplateDetail)))]
async fn discard(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<TemplateId>,
) -> Result<Json<TemplateDetail>, Problem> {
    let (workspace_id, now) = (caller.workspace_id, state.ctx.now());
    let stored = state.store.write::<_, Problem, _>(move |tx| {
        let mut template = locked(tx, workspace_id, id)?;
        if template.status == DRAFT {
            let words = "WhatsApp has no version of this template to go back to. Delete it instead.";
            return Err(Problem::new(StatusCode::CONFLICT, "template_draft", words));
        }
        template.draft = None;
        template.failure = None;
        tx.save_template(workspace_id, &template)?;
        tx.tell_template_change(workspace_id, template.channel_id, now);
        Ok(template)
    });
    Ok(Json(stored.await?.detail()))
}

#[derive(Serialize, ToSchema)]
struct TemplateCheck {
    /// Whether it may be submitted.
    ok: bool,
    findings: Vec<TemplateFinding>,
}

/// Checks a template against WhatsApp's rules. Changes nothing.
#[utoipa::path(post, path = "/api/v1/templates/lint", operation_id = "lint_template", tag = "setup",
    responses((status = 200, body = TemplateCheck)))]
async fn lint(Json(parts): Json<TemplateParts>) -> Json<TemplateCheck> {
    let findings = template_lint::lint(&parts);
    Json(TemplateCheck { ok: template_lint::may_be_submitted(&findings), findings })
}

/// Submits what was written to WhatsApp for review.
#[utoipa::path(post, path = "/api/v1/templates/{id}/submit", operation_id = "submit_template", tag = "setup",
    params(("id" = TemplateId, Path)), responses((status = 200, body = TemplateDetail)))]
async fn submit(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<TemplateId>,
) -> Result<Json<TemplateDetail>, Problem> {
    let channel = channel_of(&state, caller.workspace_id, id).await?;
    Ok(Json(template_admin::submit(&state.files, &state.ctx, &channel, id).await?.detail()))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Removal {
    /// Deletes every language of its name.
    #[serde(default)]
    all_languages: bool,
}

/// Deletes a template at WhatsApp, or a draft that WhatsApp does not have. The name of an approved one cannot be used
/// again for 30 days.
#[utoipa::path(delete, path = "/api/v1/templates/{id}", operation_id = "delete_template", tag = "setup",
    params(("id" = TemplateId, Path), Removal), responses((status = 204)))]
async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<TemplateId>,
    Query(removal): Query<Removal>,
) -> Result<StatusCode, Problem> {
    let channel = channel_of(&state, caller.workspace_id, id).await?;
    let extent = if removal.all_languages { Extent::Name } else { Extent::Language };
    template_admin::delete(&state.store, &state.ctx, &channel, id, extent).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
struct DefaultsInput {
    defaults: Vec<TemplateDefault>,
}

/// Says what fills the variables when nobody types anything: a field, and a text where that is empty.
#[utoipa::path(put, path = "/api/v1/templates/{id}/defaults", operation_id = "set_template_defaults", tag = "setup",
    params(("id" = TemplateId, Path)), responses((status = 200, body = TemplateDetail)))]
async fn set_defaults(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<TemplateId>,
    Json(input): Json<DefaultsInput>,
) -> Result<Json<TemplateDetail>, Problem> {
    let (workspace_id, now) = (caller.workspace_id, state.ctx.now());
    let stored = state.store.write::<_, Problem, _>(move |tx| {
        let mut template = locked(tx, workspace_id, id)?;
        let parts = template.draft.clone().filter(|_| template.status == DRAFT).or_else(|| template.parts());
        let fault = parts.and_then(|parts| template_values::fault(&parts, &input.defaults));
        if let Some((index, message)) = fault {
            return Err(Problem::invalid(format!("defaults.{index}"), message));
        }
        template.defaults.clone_from(&input.defaults);
        tx.save_template(workspace_id, &template)?;
        tx.tell_template_change(workspace_id, template.channel_id, now);
        Ok(template)
    });
    Ok(Json(stored.await?.detail()))
}

/// The approved templates for a session's customer: in their language where there is one, filled in as far as the
/// records allow.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/templates", operation_id = "list_session_templates", tag = "inbox",
    params(("id" = SessionId, Path)), responses((status = 200, body = Page<TemplateChoice>)))]
async fn of_session(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
) -> Result<Json<Page<TemplateChoice>>, Problem> {
    sight::readable(&state, &caller, id).await?;
    let choices = template_choice::of_session(&state.store, caller.workspace_id, &caller.actor, id).await?;
    Ok(Json(Page::whole(choices)))
}

fn current(tx: &mut Tx<'_>, workspace_id: WorkspaceId, id: TemplateId) -> Result<Template, Problem> {
    let found = tx.template(workspace_id, id)?.filter(|template| template.status != DELETED);
    found.ok_or_else(|| Problem::not_found("template"))
}

/// The template as it is now, to be changed, unless WhatsApp is being asked about it.
fn locked(tx: &mut Tx<'_>, workspace_id: WorkspaceId, id: TemplateId) -> Result<Template, Problem> {
    let channel_id = current(tx, workspace_id, id)?.channel_id;
    tx.lock_templates(channel_id)?;
    let template = current(tx, workspace_id, id)?;
    if template.operation.is_some() {
        return Err(template_admin::TemplateError::Busy.into());
    }
    Ok(template)
}

async fn channel_of(state: &AppState, workspace_id: WorkspaceId, id: TemplateId) -> Result<Channel, Problem> {
    let found = state.store.read::<_, Problem, _>(move |tx| {
        let template = current(tx, workspace_id, id)?;
        Ok(tx.channel(workspace_id, template.channel_id)?)
    });
    found.await?.ok_or_else(|| Problem::not_found("channel"))
}
