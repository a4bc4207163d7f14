//! Submitting, changing and deleting templates at Meta.
//!
//! # Why a crash is safe at each point
//! - *Before the intent commits*: nothing has happened.
//! - *The intent is recorded, before, while or after Meta is asked*: nobody can know. The job that was scheduled with the
//!   intent, or a sync, asks Meta for the template by name and language and settles it.
//! - *After the outcome commits*: the job finds nothing to settle.

use segue_channels::whatsapp::{GraphClient, GraphFailure, template_admin::TemplateForm};
use segue_model::{
    Ctx, TemplateId, WorkspaceId,
    template::{TemplateCategory, TemplateParts},
    template_components::ExampleHandles,
    template_lint::{self, TemplateFinding},
};
use segue_store::{
    Store, StoreError, Tx,
    channel::Channel,
    template::{APPROVED, DELETED, DRAFT, ListedTemplate, Template, TemplateOperation},
};

use crate::{
    DeliveryError, Files, FilesError,
    client::client_of,
    templates::{as_listed, tell_category},
};

/// Why a template could not be submitted or deleted.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error("There is no such template.")]
    Unknown,
    #[error("WhatsApp is still being asked about this template. Look again in a moment.")]
    Busy,
    #[error("Nothing was changed since it was last submitted.")]
    Unchanged,
    #[error("WhatsApp would refuse the template as it is. Put right what is marked.")]
    Findings(Vec<TemplateFinding>),
    #[error("An example file is not there any more. Choose it again.")]
    FileGone,
    #[error("The template is {0} at WhatsApp and cannot be changed there. Write a new one with another name.")]
    NotEditable(String),
    /// Meta said no; nothing happened there.
    #[error("{0}")]
    Refused(GraphFailure),
    /// Meta did not answer: it may have happened.
    #[error(
        "WhatsApp did not answer, so it is not known yet whether it has the change. Segue looks by itself in two minutes."
    )]
    InDoubt,
    #[error(transparent)]
    Delivery(#[from] DeliveryError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TemplateError {
    /// Stable code for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "not_found",
            Self::Busy => "template_busy",
            Self::Unchanged => "template_unchanged",
            Self::Findings(_) => "template_findings",
            Self::FileGone => "template_file_gone",
            Self::NotEditable(_) => "template_not_editable",
            Self::Refused(_) => "whatsapp_refused",
            Self::InDoubt => "template_in_doubt",
            Self::Delivery(error) => error.code(),
            Self::Store(_) => "store",
        }
    }
}

/// How much of a template is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// This language.
    Language,
    /// Every language of the name.
    Name,
}

/// Submits a draft for review, as a new template or as a change of one.
///
/// # Errors
/// See [`TemplateError`].
pub async fn submit(files: &Files, ctx: &Ctx, channel: &Channel, id: TemplateId) -> Result<Template, TemplateError> {
    let store = files.store();
    let client = client_of(channel)?;
    let (begun, parts) = begin_submission(store, ctx, channel, id).await?;
    let done = match ask(files, channel.workspace_id, &client, &begun, &parts).await {
        Ok(done) => done,
        Err(error) => return Err(end_badly(store, ctx, channel, &begun, error).await?),
    };
    let (channel, now_ctx) = (channel.clone(), ctx.clone());
    store
        .write(move |tx| {
            let mut template = current(tx, &channel, id)?;
            if template.operation_at != begun.operation_at {
                return Ok(template);
            }
            template.asked_category = Some(parts.category.as_str().to_ascii_uppercase());
            template.take_files(&parts);
            template.settle(done.clone(), (template.operation_at, now_ctx.now()));
            if template.draft.as_ref() == Some(&parts) {
                template.draft = None;
            }
            tx.save_template(channel.workspace_id, &template)?;
            tell_category(tx, &now_ctx, &channel, &template)?;
            tx.tell_template_change(channel.workspace_id, channel.id, now_ctx.now());
            Ok(template)
        })
        .await
}

async fn begin_submission(
    store: &Store,
    ctx: &Ctx,
    channel: &Channel,
    id: TemplateId,
) -> Result<(Template, TemplateParts), TemplateError> {
    let (channel, ctx) = (channel.clone(), ctx.clone());
    store
        .write(move |tx| {
            let mut template = current(tx, &channel, id)?;
            if template.operation.is_some() {
                return Err(TemplateError::Busy);
            }
            let mut parts = template.draft.clone().ok_or(TemplateError::Unchanged)?;
            if let (APPROVED, Ok(category)) =
                (template.status.as_str(), TemplateCategory::parse(&template.category.to_ascii_lowercase()))
                && parts.category != category
            {
                // The category of an approved one is WhatsApp's; it may have moved since the draft was begun.
                parts.category = category;
                template.draft = Some(parts.clone());
            }
            let findings = template_lint::lint(&parts);
            if !template_lint::may_be_submitted(&findings) {
                return Err(TemplateError::Findings(findings));
            }
            if !matches!(template.status.as_str(), DRAFT | APPROVED | "REJECTED" | "PAUSED" | "FLAGGED") {
                return Err(TemplateError::NotEditable(template.status.to_lowercase()));
            }
            let operation = if template.status == DRAFT { TemplateOperation::Create } else { TemplateOperation::Edit };
            template.asked_category = Some(parts.category.as_str().to_ascii_uppercase());
            tx.begin_template_operation(channel.workspace_id, &mut template, operation, &ctx)?;
            Ok((template, parts))
        })
        .await
}

/// Uploads the examples, each once, and asks Meta. What comes back is how Meta has it then.
async fn ask(
    files: &Files,
    workspace_id: WorkspaceId,
    client: &GraphClient,
    template: &Template,
    parts: &TemplateParts,
) -> Result<ListedTemplate, TemplateError> {
    let mut handles = ExampleHandles::new();
    for media_id in parts.files() {
        let found = files.read(workspace_id, media_id).await.map_err(|error| match error {
            FilesError::Store(error) => TemplateError::Store(error),
            other => TemplateError::Delivery(other.into()),
        });
        let (media, data) = found?.ok_or(TemplateError::FileGone)?;
        let name = media.file_name.unwrap_or_else(|| "example".to_owned());
        // Nothing of the template itself has left when this fails.
        let handle = client.upload_example(&media.mime, &name, data).await.map_err(TemplateError::Refused)?;
        handles.insert(media_id, handle);
    }
    let components = parts.components(&handles);
    let category = parts.category.as_str().to_ascii_uppercase();
    let parameter_format = parts.parameter_format.as_str().to_ascii_uppercase();
    let mut listed = ListedTemplate {
        name: parts.name.clone(),
        language: parts.language.clone(),
        category: category.clone(),
        status: "PENDING".to_owned(),
        components: components.clone().into(),
        provider_id: template.provider_id.clone(),
        parameter_format: Some(parameter_format.clone()),
        quality: template.quality.clone(),
        reason: None,
    };
    match template.provider_id.as_deref().filter(|_| template.status != DRAFT) {
        Some(id) => {
            // The category of an approved template cannot change.
            let changes = template.status != APPROVED && !template.category.eq_ignore_ascii_case(&category);
            client.edit_template(id, changes.then_some(category.as_str()), &components).await.map_err(refusal)?;
            // The answer says nothing of status and category.
            match client.template(id).await {
                Ok(Some(now)) => listed = as_listed(now),
                Ok(None) | Err(_) => listed.category.clone_from(&template.category),
            }
        }
        None => {
            let (name, language) = (parts.name.clone(), parts.language.clone());
            let form = TemplateForm { name, language, category, parameter_format, components };
            let created = client.create_template(&form).await.map_err(refusal)?;
            // WhatsApp writes the text of one-time codes itself; only it knows what the template now says.
            if let Ok(Some(now)) = client.template(&created.id).await {
                listed = as_listed(now);
            } else {
                listed.status = created.status;
            }
            listed.category = created.category.unwrap_or(listed.category);
            listed.provider_id = Some(created.id);
        }
    }
    Ok(listed)
}

/// A request without an answer may have been carried out.
fn refusal(failure: GraphFailure) -> TemplateError {
    match failure {
        GraphFailure::NoAnswer(_) | GraphFailure::Unreadable { .. } => TemplateError::InDoubt,
        GraphFailure::Refused { status, .. } if status >= 500 => TemplateError::InDoubt,
        failure => TemplateError::Refused(failure),
    }
}

/// Notes why nothing happened. What is in doubt stays for the job to settle.
async fn end_badly(
    store: &Store,
    ctx: &Ctx,
    channel: &Channel,
    begun: &Template,
    error: TemplateError,
) -> Result<TemplateError, TemplateError> {
    if matches!(error, TemplateError::InDoubt | TemplateError::Store(_)) {
        return Ok(error);
    }
    let (channel, id, begun_at) = (channel.clone(), begun.id, begun.operation_at);
    let (words, now) = (error.to_string(), ctx.now());
    store
        .write(move |tx| {
            let mut template = current(tx, &channel, id)?;
            if template.operation_at == begun_at {
                template.operation = None;
                template.failure = Some(words.clone());
                tx.save_template(channel.workspace_id, &template)?;
                tx.tell_template_change(channel.workspace_id, channel.id, now);
            }
            Ok::<_, TemplateError>(())
        })
        .await?;
    Ok(error)
}

/// Deletes a template at Meta, or the draft of one that Meta never had.
///
/// # Errors
/// See [`TemplateError`].
pub async fn delete(
    store: &Store,
    ctx: &Ctx,
    channel: &Channel,
    id: TemplateId,
    extent: Extent,
) -> Result<(), TemplateError> {
    let client = client_of(channel)?;
    let (begin_channel, begin_ctx) = (channel.clone(), ctx.clone());
    let begun = store
        .write(move |tx| {
            let mut template = current(tx, &begin_channel, id)?;
            if template.operation.is_some() {
                return Err(TemplateError::Busy);
            }
            if template.status == DRAFT {
                tx.remove_template_draft(begin_channel.workspace_id, id)?;
                tx.tell_template_change(begin_channel.workspace_id, begin_channel.id, begin_ctx.now());
                return Ok(None);
            }
            let operation = TemplateOperation::Delete;
            tx.begin_template_operation(begin_channel.workspace_id, &mut template, operation, &begin_ctx)?;
            Ok(Some(template))
        })
        .await?;
    let Some(begun) = begun else { return Ok(()) };
    let provider_id = begun.provider_id.as_deref().filter(|_| extent == Extent::Language);
    if extent == Extent::Language && provider_id.is_none() {
        // By the name alone all its languages would go.
        let error = TemplateError::Delivery(DeliveryError::Graph(GraphFailure::Invalid("id of the template")));
        return Err(end_badly(store, ctx, channel, &begun, error).await?);
    }
    if let Err(failure) = client.delete_template(&begun.name, provider_id).await {
        return Err(end_badly(store, ctx, channel, &begun, refusal(failure)).await?);
    }
    let (channel, now) = (channel.clone(), ctx.now());
    store
        .write(move |tx| {
            tx.lock_templates(channel.id)?;
            for mut template in tx.templates(channel.workspace_id)? {
                let is_meant = template.id == begun.id || (extent == Extent::Name && template.name == begun.name);
                if is_meant && template.channel_id == channel.id && template.status != DRAFT {
                    DELETED.clone_into(&mut template.status);
                    template.operation = None;
                    template.draft = None;
                    tx.save_template(channel.workspace_id, &template)?;
                }
            }
            tx.tell_template_change(channel.workspace_id, channel.id, now);
            Ok::<_, TemplateError>(())
        })
        .await
}

/// Looks what became of an operation whose end was not noted.
///
/// # Errors
/// When Meta does not answer or the store fails; the job is then tried again.
pub async fn settle(store: &Store, ctx: &Ctx, workspace_id: WorkspaceId, id: TemplateId) -> Result<(), TemplateError> {
    let found = store.read::<_, StoreError, _>(move |tx| {
        let Some(template) = tx.template(workspace_id, id)?.filter(|template| template.operation.is_some()) else {
            return Ok(None);
        };
        Ok(tx.channel(workspace_id, template.channel_id)?.map(|channel| (template, channel)))
    });
    let Some((begun, channel)) = found.await? else { return Ok(()) };
    let client = client_of(&channel)?;
    let asked_at = ctx.now();
    let listed = client.find_template(&begun.name, &begun.language).await.map_err(DeliveryError::from)?;
    let (listed, ctx) = (listed.map(as_listed), ctx.clone());
    store
        .write(move |tx| {
            let mut template = current(tx, &channel, id)?;
            if template.operation.is_none() || template.operation_at != begun.operation_at {
                return Ok(());
            }
            tx.settle_template(workspace_id, &mut template, listed.clone(), (asked_at, ctx.now()))?;
            tell_category(tx, &ctx, &channel, &template)?;
            Ok(())
        })
        .await
}

/// The template as it is now, with everybody else who would change it waiting.
fn current(tx: &mut Tx<'_>, channel: &Channel, id: TemplateId) -> Result<Template, TemplateError> {
    tx.lock_templates(channel.id)?;
    tx.template(channel.workspace_id, id)?
        .filter(|template| template.channel_id == channel.id && template.status != DELETED)
        .ok_or(TemplateError::Unknown)
}
