//! Templates as Meta has them: taken over, and what Meta tells of them.

use segue_channels::whatsapp::{MessageTemplate, notice::NamedTemplate, webhook::TemplateStatus};
use segue_model::{Ctx, TemplateId, Timestamp, WorkspaceId, notice::Severity};
use segue_store::{
    Store, StoreError, Tx,
    channel::Channel,
    job::NewJob,
    template::{DRAFT, ListedTemplate, READ_TEMPLATE, Template},
};
use serde_json::json;

use crate::{DeliveryError, client::client_of, notices};

/// Takes over the templates that Meta lists for a channel. Gives how many there are.
///
/// # Errors
/// When Meta does not answer or refuses, or the store fails.
pub async fn sync(store: &Store, ctx: &Ctx, channel: &Channel) -> Result<usize, DeliveryError> {
    let asked_at = ctx.now();
    let listed: Vec<ListedTemplate> = client_of(channel)?.list_templates().await?.into_iter().map(as_listed).collect();
    let count = listed.len();
    let (ctx, channel) = (ctx.clone(), channel.clone());
    store
        .write(move |tx| {
            tx.replace_templates_as_of(channel.workspace_id, channel.id, &listed, asked_at, &ctx)?;
            for template in tx.templates(channel.workspace_id)? {
                tell_category(tx, &ctx, &channel, &template)?;
            }
            Ok::<_, DeliveryError>(())
        })
        .await?;
    Ok(count)
}

/// Plans that a template is read again whose text was changed at Meta, in each language when none is named. The notice has
/// not all of the template, and a campaign that goes by the old text would be refused.
pub(crate) fn read_soon(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    channel: &Channel,
    (named, at): (&NamedTemplate, Timestamp),
) -> Result<(), StoreError> {
    for template in tx.templates(channel.workspace_id)? {
        let is_its_language = named.language.as_ref().is_none_or(|language| *language == template.language);
        let is_meant = template.channel_id == channel.id && template.name == named.name && is_its_language;
        if !is_meant || template.status == DRAFT {
            continue;
        }
        let job = NewJob {
            id: ctx.id(),
            kind: READ_TEMPLATE,
            dedupe_key: format!("{}:{}", template.id, at.0),
            payload: json!({ "template_id": template.id }),
            run_at: ctx.now(),
        };
        tx.schedule(channel.workspace_id, &job, ctx.now())?;
    }
    Ok(())
}

/// Takes over one template as Meta has it now. One that Meta has no more is left to the next look at all of them.
///
/// # Errors
/// When Meta does not answer or refuses, or the store fails; [`DeliveryError::StoredMeanwhile`] when a list that was asked for
/// before was stored since: it is to be read once more.
pub async fn read_again(
    store: &Store,
    ctx: &Ctx,
    workspace_id: WorkspaceId,
    id: TemplateId,
) -> Result<(), DeliveryError> {
    let asked_at = ctx.now();
    let found = store.read::<_, StoreError, _>(move |tx| {
        let Some(template) = tx.template(workspace_id, id)? else { return Ok(None) };
        Ok(tx.channel(workspace_id, template.channel_id)?.map(|channel| (template, channel)))
    });
    let Some((template, channel)) = found.await? else { return Ok(()) };
    let found = client_of(&channel)?.find_template(&template.name, &template.language).await?;
    let Some(listed) = found.map(as_listed) else { return Ok(()) };
    let ctx = ctx.clone();
    store
        .write(move |tx| {
            if !tx.take_template_as_of(workspace_id, channel.id, (&listed, asked_at), &ctx)? {
                return Err(DeliveryError::StoredMeanwhile);
            }
            if let Some(template) = tx.template(workspace_id, id)? {
                tell_category(tx, &ctx, &channel, &template)?;
            }
            Ok::<_, DeliveryError>(())
        })
        .await
}

pub(crate) fn as_listed(template: MessageTemplate) -> ListedTemplate {
    ListedTemplate {
        name: template.name,
        language: template.language,
        category: template.category,
        status: template.status,
        components: template.components,
        provider_id: template.id,
        parameter_format: template.parameter_format,
        quality: template.quality,
        reason: template.rejected_reason,
    }
}

/// Takes in what Meta decided about a template; what comes late, after a newer decision, changes nothing. Messages that
/// wait with it are held or go on by the next decision.
///
/// # Errors
/// When the store fails.
pub fn apply_status(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    channel: &Channel,
    status: &TemplateStatus,
) -> Result<bool, StoreError> {
    // Meta's words for "can be sent" in this webhook are three; the list of templates knows only one.
    let state = match status.event.as_str() {
        "REINSTATED" | "UNARCHIVED" => "APPROVED",
        event => event,
    };
    let named = (status.name.as_str(), status.language.as_deref());
    let changed = tx.set_template_status(
        channel.workspace_id,
        channel.id,
        named,
        (state, status.category.as_deref()),
        (status.at, ctx.now()),
    )?;
    // An id belongs to one language.
    let provider_id = status.template_id.as_deref().filter(|_| named.1.is_some());
    let why = (status.reason.as_deref(), provider_id);
    tx.set_template_reason(channel.workspace_id, channel.id, named, why, status.at)?;
    if let (true, Some(language)) = (changed, named.1)
        && let Some(template) = tx.template_by_name(channel.workspace_id, channel.id, named.0, language)?
    {
        tell_category(tx, ctx, channel, &template)?;
    }
    Ok(changed)
}

/// Tells an admin, once, that Meta took a template as something else than was asked for.
pub(crate) fn tell_category(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    channel: &Channel,
    template: &Template,
) -> Result<(), StoreError> {
    let Some(asked) = template.asked_category.as_ref().filter(|_| template.is_recategorised()) else { return Ok(()) };
    if template.channel_id != channel.id {
        return Ok(());
    }
    let text = format!(
        "The template {} ({}) was submitted as {asked} and WhatsApp took it as {}. Its price and the consent it needs \
         follow.",
        template.name, template.language, template.category
    );
    let key = format!("taken-as:{}:{asked}:{}", template.id, template.category);
    notices::keep(tx, ctx, channel, (&key, Severity::Warning, &text), ctx.now()).map(|_| ())
}
